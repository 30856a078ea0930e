"""A service on loopback really gets requests in its own form, and fails as it is told to."""

from __future__ import annotations

import json
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_model import TASK, Time, model_at
from faulty_server import PASSING, FaultyServer, answer_to, serving
from processes import free_port

from pytest_ood.errors import ConfigurationError, DataError, MissingDependencyError, ModelError
from pytest_ood.gate.configuration import parse_models
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models import adapter
from pytest_ood.models.http import HttpModel
from pytest_ood.models.protocol import (
    Context,
    Usage,
    is_estimable,
    is_metered,
    is_model,
    is_promptable,
    is_streaming,
    secrets_of,
)
from pytest_ood.tasks import Classification, NumericAnswer, Prediction
from pytest_ood.utils.progress import Silent

pytestmark = pytest.mark.slow

KEY = 'sk-Recognisable-0123/+"456789'
TEXTS = [f"text {number}" for number in range(8)]
REQUEST = {"inputs": "{text}"}


@pytest.fixture(scope="module")
def running() -> Iterator[FaultyServer]:
    """Run one server for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    """Return the server as it is at first, and an environment without proxies."""
    fresh = FaultyServer()
    for name in ("script", "classified", "echo", "elsewhere"):
        setattr(running, name, getattr(fresh, name))
    running.forget()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return running


Make = Callable[..., HttpModel]


@pytest.fixture
def make(server: FaultyServer, context_of: Callable[..., Context], tmp_path: Path) -> Make:
    """Return a maker of models at the service, on a time that passes only by waiting for it."""

    def maker(
        source: Any = None, *, time: Time | None = None, task: Any = None, **options: Any
    ) -> HttpModel:
        table = {"url": f"{server.url}/classify", "request": REQUEST, "answer": "label"}
        clock = time or Time()
        context = context_of(tmp_path, task=task)
        model: HttpModel = adapter("http").build({**table, **(source or {})}, context, **options)
        patience = replace(model.patience, sleep=clock.sleep, clock=clock.clock)
        return replace(model, patience=patience)

    return maker


def test_it_is_a_model_that_streams_and_counts(make: Make) -> None:
    """It has no prompt; the service gets the text."""
    model = make()
    assert is_model(model)
    assert is_streaming(model)
    assert is_metered(model)
    assert is_estimable(model)
    assert not is_promptable(model)
    assert model.paradigm == "other"
    assert make(paradigm="fine-tuned").paradigm == "fine-tuned"


def test_each_input_is_one_request(make: Make, server: FaultyServer) -> None:
    """Answers come in order; equal inputs are sent once."""
    request = {"inputs": "{text}", "options": {"top": 2, "tags": ["a", "<{text}>"], "all": True}}
    model = make({"request": request}, headers={"x-team": "a"}, concurrency=3)
    inputs = [*TEXTS, *TEXTS[::-1]]
    assert model.predict(inputs) == [Prediction(answer_to(t), text=answer_to(t)) for t in inputs]
    assert server.calls == server.answered == dict.fromkeys(TEXTS, 1)
    bodies = sorted(server.bodies, key=lambda body: body["inputs"])
    assert bodies[0] == {
        "inputs": "text 0",
        "options": {"top": 2, "tags": ["a", "<text 0>"], "all": True},
    }
    assert set(server.paths) == {"/v1/classify"}
    assert server.headers[0]["x-team"] == "a"
    assert "authorization" not in server.headers[0]
    assert model.used == model.estimate(TEXTS) == Usage(requests=len(TEXTS))


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("label", {"label": "positive"}, Prediction("positive", text="positive")),
        ("label", {"label": "Positive"}, Prediction("positive", text="Positive")),
        ("", "negative", Prediction("negative", text="negative")),
        ("[0].label", [{"label": "positive", "score": 0.9}],
         Prediction("positive", text="positive")),
        ("result.labels[1]", {"result": {"labels": ["negative", "positive"]}},
         Prediction("positive", text="positive")),
        ('["a.b"].x', {"a.b": {"x": "positive"}}, Prediction("positive", text="positive")),
        ("scores", {"scores": {"negative": 0.25, "positive": 0.75}},
         Prediction("positive", {"negative": 0.25, "positive": 0.75})),
        ("", [[0.25, 0.75]][0], Prediction("positive", {"negative": 0.25, "positive": 0.75})),
        ("", [{"label": "POSITIVE", "score": 0.75}, {"label": "NEGATIVE", "score": 0.25}],
         Prediction("positive", {"negative": 0.25, "positive": 0.75})),
        ("class", {"class": 0}, Prediction("negative")),
        ("label", {"label": None}, Prediction(None)),
    ],
)  # fmt: skip
def test_answers_are_read(
    path: str, body: Any, expected: Prediction, make: Make, server: FaultyServer
) -> None:
    """A label, a class index, probabilities in any usual form, or null for an abstention."""
    server.classified = lambda _: body
    assert make({"answer": path}).predict(["x"]) == [expected]
    assert server.calls["x"] == 1


def test_labels_may_have_other_names(make: Make, server: FaultyServer) -> None:
    """They are named in the configuration, as for a function."""
    server.classified = lambda _: {"label": "LABEL_1"}
    assert make(labels={"LABEL_1": "positive"}).predict(["x"])[0].label == "positive"


def test_fields_of_an_input_are_put_in(make: Make, server: FaultyServer) -> None:
    """An input with several fields; one that is missing is an error before anything is sent."""
    model = make({"request": {"inputs": "{premise} | {hypothesis}"}})
    assert model.predict([{"premise": "a", "hypothesis": "b {c}"}])[0].label is not None
    assert server.bodies == [{"inputs": "a | b {c}"}]
    with pytest.raises(DataError, match=r"the field \{premise\}, which the data do not have"):
        model.predict(["x"])
    assert len(server.bodies) == 1


def test_open_tasks_are_read(make: Make, server: FaultyServer) -> None:
    """The task parses the answer from a text."""
    server.classified = lambda _: {"label": "The answer is 42."}
    model = make(task=NumericAnswer())
    assert model.predict(["x"])[0].label == "42"


def test_text_that_cannot_be_encoded_is_sent_all_the_same(make: Make, server: FaultyServer) -> None:
    """Half a character, which no JSON can carry, is replaced."""
    assert make().predict(["a \ud800 b"])[0].error is None
    assert server.bodies == [{"inputs": "a ? b"}]


MISSING = {
    "scores": (
        {"label": "positive", "id": 7},
        "the answer has no 'scores': it is an object with the keys 'label', 'id'; it is "
        '{"label": "positive", "id": 7}',
    ),
    "result.labels[2]": (
        {"result": {"labels": ["a", "b"]}},
        "the answer has no 'result.labels[2]': 'result.labels' is a list of 2; it is "
        '{"result": {"labels": ["a", "b"]}}',
    ),
    "[0].label": (
        {"error": "cold"},
        "the answer has no '[0].label': it is an object with the keys 'error'; it is "
        '{"error": "cold"}',
    ),
    "label.name": (
        {"label": "positive"},
        "the answer has no 'label.name': 'label' is a string; it is {\"label\": \"positive\"}",
    ),
    "a.b": ({"a": None}, "the answer has no 'a.b': 'a' is null; it is {\"a\": null}"),
    "a": ({}, "the answer has no 'a': it is an empty object; it is {}"),
}


@pytest.mark.parametrize("path", MISSING)
def test_a_path_that_is_not_there_is_a_clear_error(
    path: str, make: Make, server: FaultyServer
) -> None:
    """It says what is there; at the start it ends the model, later it is of that input alone."""
    body, message = MISSING[path]
    server.classified = lambda _: body
    with pytest.raises(ModelError) as caught:
        make({"answer": path}).predict(TEXTS)
    assert str(caught.value) == f"model 'model': {server.url}/classify: {message}"
    assert server.calls == {TEXTS[0]: 1}
    server.forget()
    server.classified = lambda text: body if text == "x" else {"label": "positive"}
    first, second, third = make(concurrency=1).predict(["a", "x", "b"])
    assert (first.label, third.label) == ("positive", "positive")
    if "label" not in body:
        assert second.label is None
        assert (second.error or "").startswith("the answer has no 'label'")
    assert server.calls == {"a": 1, "x": 1, "b": 1}


def test_a_long_answer_is_cut_in_the_message(make: Make, server: FaultyServer) -> None:
    """Its beginning is shown, and the first keys."""
    server.classified = lambda _: {f"key {n}": "v" * 100 for n in range(50)}
    with pytest.raises(ModelError) as caught:
        make().predict(["x"])
    assert "'key 9' and 40 more; it is {" in str(caught.value)
    assert str(caught.value).endswith("...")
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("neutral", "its label 'neutral' is none of the task's (negative, positive); name what it"),
        ({"a": 1.0}, "its label 'a' is none of the task's"),
        ([0.5, 0.4, 0.1], "a row has one probability for each label, 2"),
        ([0.9, 0.9], "its numbers add up to 1.8"),
        (5, "a class index is between 0 and 1"),
        (0.5, "a number with decimals is no label"),
        ([], "an answer is a label, a class index, probabilities"),
        ({}, "an answer is a label, a class index, probabilities"),
        ([{"label": "positive", "score": "high"}], "could not convert string to float"),
        ({"negative": float("nan"), "positive": 1.0}, "probabilities that are not finite"),
        ({"labels": ["positive"], "scores": [0.5, 0.5]}, "zip() argument"),
    ],
)
def test_an_answer_that_is_none_is_an_error(
    body: Any, message: str, make: Make, server: FaultyServer
) -> None:
    """Nothing is made of it: it ends the model at the start, and is not asked again."""
    server.classified = lambda _: {"label": body}
    with pytest.raises(ModelError) as caught:
        make().predict(TEXTS)
    assert message in str(caught.value)
    assert str(caught.value).count("model 'model'") == 1
    assert server.calls == {TEXTS[0]: 1}


FAULTS = (
    *(f for f in PASSING if f not in ("two choices", "no choice", "not an object", "no message")),
    *("no quota", "429 after an hour", "402", "529", "400", "401", "403", "422", "flood"),
    *("bomb", "redirect 302", "redirect 307"),
)
OTHERS = (
    *("an error in disguise", "error of the choice", "finished by an error", "aborted"),
    *("error beside choices", "content is a number", "content is a table"),
)
"""Faults of chat completions, which are none here, or others."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in OTHERS])
def test_every_fault_ends_as_with_the_openai_adapter(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """Words, number of calls and waits are the same."""
    server.elsewhere = "http://another-server.invalid/v1"
    results = []
    for kind in ("openai", "http"):
        server.forget()
        server.script = lambda text, _: fault if text == "x" else ""
        time = Time()
        model: Any = make(time=time, attempts=2)
        if kind == "openai":
            model = model_at(server, time, attempts=2)
        first, second = model.predict(["first", "x"])
        assert first.label == answer_to("first")
        results.append((second, server.calls["x"], round(time.now, 3), model.used.requests))
    if "redirects" in (results[0][0].error or ""):
        shown = replace(results[0][0], error=results[0][0].error.replace("`base_url`", "`url`"))
        results[0] = (shown, *results[0][1:])
    assert results[0] == results[1]


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_call_has_a_time_limit(fault: str, make: Make, server: FaultyServer) -> None:
    """A service that says nothing, or a byte now and then, is given up after the time limit."""
    server.script = lambda text, _: fault if text == "x" else ""
    answers = make(attempts=1, timeout=0.5).predict(["first", "x"])
    assert answers[1] == Prediction(None, error="no answer within 0.5 s")


def test_an_unreachable_service_is_a_clear_error(make: Make) -> None:
    """The error names the option with the address."""
    url = f"http://127.0.0.1:{free_port()}/classify"
    with pytest.raises(ModelError) as caught:
        make({"url": url}, attempts=2).predict(TEXTS)
    assert str(caught.value).startswith(f"model 'model': {url} cannot be reached: ")
    assert str(caught.value).endswith("Check `url`, and whether the server runs")


def test_caps_rates_and_prices_hold(make: Make, server: FaultyServer) -> None:
    """A call that could exceed a cap is not made."""
    time = Time()
    model = make(price=0.5, currency="EUR", max_cost=1.2, requests_per_minute=60, time=time)
    assert model.estimate(TEXTS).cost == 4.0
    answers = model.predict(TEXTS)
    assert server.calls.total() == 2
    assert model.used == Usage(requests=2, cost=1.0, currency="EUR")
    assert answers[-1].error == "not asked: another call could exceed max_cost = 1.2 EUR"
    assert time.now >= 1.0
    assert make(max_requests=3).predict(TEXTS)[-1].error == (
        "not asked: another call could exceed max_requests = 3"
    )


def test_what_is_known_is_not_asked_again(make: Make, server: FaultyServer, tmp_path: Path) -> None:
    """A second run takes every answer from the store, another version asks again."""
    store = FileStore(tmp_path / "predictions.sqlite")

    def answers(**options: Any) -> list[Prediction]:
        return Engine(store, Silent()).predict(make(**options), TEXTS, TASK.labels, "texts")

    assert answers() == answers()
    assert server.calls.total() == len(TEXTS)
    answers(fingerprint="2")
    assert server.calls.total() == 2 * len(TEXTS)


def test_the_fingerprint_changes_with_what_decides(make: Make) -> None:
    """Address, request, path, labels, version and task decide it; keys and limits do not."""
    changes: list[dict[str, Any]] = [
        {"source": {"url": "http://127.0.0.1:1/x"}}, {"source": {"request": ["{text}"]}},
        {"source": {"answer": "other"}}, {"labels": {"1": "positive"}}, {"fingerprint": "1"},
        {"headers": {"x-model": "b"}}, {"task": Classification(("positive", "negative"))},
    ]  # fmt: skip
    assert len({make().fingerprint, *(make(**c).fingerprint for c in changes)}) == len(changes) + 1
    same = make(api_key="OTHER", max_requests=3, price=1, timeout=3)
    assert same.fingerprint == make().fingerprint


@pytest.mark.parametrize("fault", ["", "401", "500 with the key", "a page"])
def test_the_key_is_sent_and_never_shown(
    fault: str,
    make: Make,
    server: FaultyServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither errors nor answers, descriptions, pickles or logs of any level hold it."""
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server.script = lambda text, _: fault if text == "x" else ""
    model = make(api_key="env:MY_KEY", headers={"x-token": "Token env:MY_KEY"}, attempts=1)
    shown = [repr(model), str(dict(model.parameters)), str(pickle.dumps(model.server))]
    shown += map(repr, model.predict(["first", "x"]))
    assert {h["authorization"] for h in server.headers} == {f"Bearer {KEY}"}
    assert {h["x-token"] for h in server.headers} == {f"Token {KEY}"}
    everything = "\n".join([*shown, caplog.text])
    assert KEY not in everything
    assert json.dumps(KEY)[1:-1] not in everything
    assert any(secret.value == KEY for secret in secrets_of(model).secrets)


def test_an_answer_that_repeats_the_key_is_redacted(
    make: Make, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words of an error, and in what is stored."""
    monkeypatch.setenv("MY_KEY", KEY)
    server.classified = lambda text: {"label" if text == "a" else KEY: KEY}
    model = make(api_key="MY_KEY", task=NumericAnswer(), attempts=1)
    first, second = model.predict(["a", "b"])
    assert first.text == "<MY_KEY>"
    assert "'<MY_KEY>'" in (second.error or "")
    assert KEY not in repr((first, second))


def test_a_missing_key_names_the_variable(make: Make, server: FaultyServer) -> None:
    """Before anything is sent."""
    with pytest.raises(ModelError, match="the environment variable MY_KEY is not set"):
        make(api_key="MY_KEY").predict(["x"])
    assert not server.calls


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ({"url": 5}, {}, "http.url is a string"),
        ({"url": "localhost"}, {}, "http.url is no http or https URL"),
        ({"url": f"https://u:{KEY}@h/x"}, {}, "http.url is no http or https URL"),
        ({"url": "https://u:secret-word@h/x"}, {}, "http.url holds credentials"),
        ({"request": {"inputs": "text"}}, {}, "no field of an input in braces"),
        ({"request": {"token": "abc", "inputs": "{text}"}}, {}, "the value may be a secret"),
        ({"request": ["{text}", float("inf")]}, {}, "http.request has inf, which JSON has not"),
        ({"answer": 0}, {}, "http.answer = 0 is a path in a string"),
        ({"answer": "a..b"}, {}, "answer = 'a..b' is no path at character 2"),
        ({"answer": "a["}, {}, "answer = 'a[' is no path at character 2"),
        ({"answer": ".a"}, {}, "answer = '.a' is no path at character 1"),
        ({"answer": "[0]a"}, {}, "answer = '[0]a' is no path at character 4"),
        ({"anwser": "a"}, {}, "unknown key 'anwser'. Did you mean 'answer'?"),
        ({}, {"labels": {"A": "neutral"}}, "labels.A: unknown label 'neutral'"),
        ({}, {"max_cost": 5}, "max_cost = 5 needs `price`, the price of a call"),
        ({}, {"price": -1}, "price = -1 has to be 0 or more"),
        ({}, {"attempts": 0}, "attempts = 0 has to be 1 or more"),
        ({}, {"api_key": KEY}, "api_key is the name of an environment variable"),
        ({}, {"headers": {"x-token": "abc"}}, "the value of 'x-token' may be a secret"),
        ({}, {"paradigm": "magic"}, "unknown paradigm 'magic'"),
    ],
    ids=str,
)
def test_wrong_values_are_refused(
    source: dict[str, Any], options: dict[str, Any], message: str, make: Make
) -> None:
    """Bad input is an error when the model is described; no secret is repeated."""
    with pytest.raises(ConfigurationError) as caught:
        make(source, **options)
    assert message in str(caught.value)
    assert KEY not in str(caught.value)


def test_without_the_client_the_error_names_the_command(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named before anything is asked."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[http\]"'):
        make().predict(["x"])


def test_the_configuration_is_one_line(server: FaultyServer, tmp_path: Path) -> None:
    """`http` is a table; a string, or a table without an entry, is an error with an example."""
    table = {"url": f"{server.url}/classify", "request": REQUEST, "answer": "label"}
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    (spec,) = parse_models({"own": {"http": table, "max_requests": 5}}, "here")
    model: Any = spec.build(TASK, reader, tmp_path)
    assert model.predict(["x"])[0].label == answer_to("x")
    with pytest.raises(ConfigurationError, match=r"is not a table, such as http = \{ url = "):
        parse_models({"own": {"http": server.url}}, "here")
    del table["answer"]
    (spec,) = parse_models({"own": {"http": table}}, "here")
    with pytest.raises(ConfigurationError, match="http has no 'answer'; its keys are url, request"):
        spec.build(TASK, reader, tmp_path)
