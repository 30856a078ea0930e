"""The official client really talks to a server on loopback, which fails as it is told to."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from itertools import chain, pairwise
from math import exp
from pathlib import Path
from typing import Any

import pytest
from api_model import Time
from faulty_server import MODEL, PASSING, STATUSES, FaultyServer, answer_to, serving
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import free_port

from pytest_ood.data.examples import Dataset
from pytest_ood.errors import ConfigurationError, DataError, MissingDependencyError, ModelError
from pytest_ood.gate.configuration import parse_models
from pytest_ood.loading.readers import Reader
from pytest_ood.models import adapter
from pytest_ood.models._api.asking import MAX_UNANSWERED
from pytest_ood.models._api.background import THREAD
from pytest_ood.models._api.chat import ChatModel, _scores
from pytest_ood.models._api.completions import is_same_model
from pytest_ood.models._api.limits import FIRST_WAIT
from pytest_ood.models.protocol import (
    Context,
    Facts,
    Usage,
    is_estimable,
    is_metered,
    is_model,
    is_promptable,
    is_streaming,
    notes_of,
)
from pytest_ood.tasks import Classification, NumericAnswer, Prediction, parse_task
from pytest_ood.utils.progress import Silent

pytestmark = pytest.mark.slow

build = adapter("openai").build

TEMPLATE = "Review: {text}\nSentiment:"
SHOWN = [
    {"text": "a wonderful film", "label": "positive"},
    {"text": "a dreadful film", "label": "negative"},
]
TASK = Classification(("negative", "positive"))
TEXTS = [f"text {number}" for number in range(12)]
KEY = "sk-RECOGNISABLE-0123456789"


@pytest.fixture(scope="module")
def running() -> Iterator[FaultyServer]:
    """Run one server for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running: FaultyServer) -> FaultyServer:
    """Return the server as it is at first."""
    fresh = FaultyServer()
    for name in ("script", "answer", "sampled", "told", "logprobs", "models"):
        setattr(running, name, getattr(fresh, name))
    running.forget()
    return running


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep whatever the environment says of OpenAI out of the tests."""
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def time() -> Time:
    """Return a time that stands still."""
    return Time()


@pytest.fixture
def make(server: FaultyServer, context_of: Callable[..., Context], tmp_path: Path, time: Time):  # noqa: ANN201
    """Return a maker of models at the server, on the time that stands still."""

    def maker(source: str = MODEL, **options: Any) -> ChatModel:
        options = {"prompt": "{text}", "base_url": server.url, **options}
        context = context_of(tmp_path)
        if "task" in options:
            context = replace(context, task=options.pop("task"))
        model: ChatModel = build(source, context, **options)
        return replace(model, patience=replace(model.patience, sleep=time.sleep, clock=time.clock))

    return maker


Make = Callable[..., ChatModel]


def only(text: str, fault: str, calls: int = 10**9) -> Callable[[str, int], str]:
    """Return a script: the first calls for one text fail, everything else is answered."""
    return lambda asked, call: fault if asked == text and call <= calls else ""


def always(fault: str) -> Callable[[str, int], str]:
    """Return a script: every call fails."""
    return lambda text, call: fault  # noqa: ARG005 - whatever it is


def test_it_is_every_kind_of_model(make: Make) -> None:
    """It can be asked, prompted, streamed, metered and estimated."""
    model = make()
    assert is_model(model)
    assert is_promptable(model)
    assert is_streaming(model)
    assert is_metered(model)
    assert is_estimable(model)
    assert model.paradigm == "prompted"
    assert model.predict([]) == []


def test_answers_come_in_order_and_equal_inputs_are_asked_once(
    make: Make, server: FaultyServer
) -> None:
    """Every place gets the answer to its own text, and each different text is one call."""
    inputs = [*TEXTS, *TEXTS[::-1]]
    model = make(concurrency=4)
    assert model.predict(inputs) == [
        Prediction(answer_to(text), text=answer_to(text)) for text in inputs
    ]
    assert server.calls == server.answered == dict.fromkeys(TEXTS, 1)
    assert {answer_to(text) for text in TEXTS} == {"negative", "positive"}


def test_a_stream_yields_each_place_once(make: Make) -> None:
    """A stream gives the predictions of `predict` under their places."""
    inputs = [*TEXTS, *TEXTS]
    pairs = list(make().stream(inputs))
    assert sorted(place for place, _ in pairs) == list(range(len(inputs)))
    assert [answer for _, answer in sorted(pairs, key=lambda pair: pair[0])] == make().predict(
        inputs
    )


def test_what_is_sent(make: Make, server: FaultyServer) -> None:
    """Instruction, demonstrations and input are messages; decoding is greedy and short."""
    model = make(prompt=f"Say what it is.\n---\n{TEMPLATE}", demonstrations=SHOWN)
    model.predict(["a film"])
    assert server.bodies == [
        {
            "model": MODEL,
            "messages": [
                {"role": "system", "content": "Say what it is."},
                {"role": "user", "content": "Review: a wonderful film\nSentiment:"},
                {"role": "assistant", "content": "positive"},
                {"role": "user", "content": "Review: a dreadful film\nSentiment:"},
                {"role": "assistant", "content": "negative"},
                {"role": "user", "content": "Review: a film\nSentiment:"},
            ],
            "max_tokens": 16,
            "temperature": 0.0,
        }
    ]


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"temperature": 0.5, "seed": 0, "max_tokens": 5},
         {"temperature": 0.5, "seed": 0, "max_tokens": 5}),
        ({"reasoning": True, "max_tokens": 500, "request": {"reasoning_effort": "low"}},
         {"temperature": None, "max_tokens": None, "max_completion_tokens": 500,
          "reasoning_effort": "low"}),
    ],
)  # fmt: skip
def test_options_of_decoding_are_sent(
    options: dict[str, Any], changes: dict[str, Any], make: Make, server: FaultyServer
) -> None:
    """Each option is a field of the request, or takes one away."""
    make().predict(["x"])
    make(**options).predict(["x"])
    plain, changed = server.bodies
    expected = {k: v for k, v in {**plain, **changes}.items() if v is not None}
    assert changed == expected


def test_structured_answers_are_asked_for(make: Make, server: FaultyServer) -> None:
    """JSON forms send a response format, and demonstrations answer in the form that is asked."""
    words = {"negative": "bad", "positive": "good"}
    server.answer = lambda _: '{"label": "good"}'
    for form in ("json_schema", "json_object"):
        model = make(answer=form, label_words=words, demonstrations=SHOWN)
        assert model.predict(["x"])[0].label == "positive"
    schema, plain = server.bodies
    enum = schema["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"]
    assert enum == ["bad", "good"]
    assert schema["messages"][1] == {"role": "assistant", "content": '{"label": "good"}'}
    assert plain["response_format"] == {"type": "json_object"}
    assert (
        plain["messages"][0]["content"] == 'Answer in JSON: {"label": "bad"} or {"label": "good"}'
    )


def test_objects_are_asked_for_by_their_schema(make: Make, server: FaultyServer) -> None:
    """A task of objects sends its own schema; demonstrations are objects, and so are answers."""
    table = {"task": "extraction", "schema": {"people": "number", "names": "set"}}
    task = parse_task(table, "suite", Path())
    server.answer = lambda _: '{"people": 5, "names": ["Bob", "Ann"]}'
    shown = [{"text": "We are 6", "label": '{"people": 6, "names": null}'}]
    models = {
        form: make(task=task, answer=form, demonstrations=shown)
        for form in ("text", "json_schema", "json_object")
    }
    for model in models.values():
        (prediction,) = model.predict(["x"])
        assert prediction.label == '{"people": 5, "names": ["Ann", "Bob"]}'
    text, schema, plain = server.bodies
    assert "response_format" not in text
    assert text["max_tokens"] == 512
    assert schema["response_format"]["json_schema"]["schema"] == task.json_schema
    assert schema["messages"][1] == {"role": "assistant", "content": shown[0]["label"]}
    assert plain["response_format"] == {"type": "json_object"}
    assert json.dumps(task.json_schema) in plain["messages"][0]["content"]
    assert len({model.fingerprint for model in models.values()}) == 3
    server.answer = lambda _: "We are 5, Ann and Bob."
    assert models["json_schema"].predict(["y"])[0].label is None


@pytest.mark.parametrize("changed", ["exact", {"comparison": "number", "tolerance": 1}])
def test_the_schema_is_part_of_the_fingerprint(changed: Any, make: Make) -> None:
    """Answers were read by it, whether the server had it or not."""
    tasks = [
        parse_task({"task": "extraction", "schema": {"people": comparison}}, "suite", Path())
        for comparison in ("number", changed)
    ]
    for form in ("text", "json_schema"):
        assert len({make(task=task, answer=form).fingerprint for task in tasks}) == 2


@pytest.mark.parametrize(
    ("form", "answer", "label"),
    [
        ("text", "Positive.", "positive"),
        ("text", "It is negative", "negative"),
        ("text", "no idea", None),
        ("text", "positive, or negative", None),
        ("json_schema", '{"label": "positive"}', "positive"),
        ("json_schema", '{"label": "neutral"}', None),
        ("json_schema", '{"mood": "positive"}', None),
        ("json_schema", '{"label": ["positive"]}', None),
        ("json_schema", "positive", None),
        ("json_schema", '"positive"', None),
        ("json_schema", '{"label": "posi', None),
        ("json_object", '{"label": "Negative"}', "negative"),
    ],
)
def test_answers_are_read(
    form: str, answer: str, label: str | None, make: Make, server: FaultyServer
) -> None:
    """A label that is named is the answer; one that is not, or two, are an abstention."""
    server.answer = lambda _: answer
    assert make(answer=form).predict(["x"]) == [Prediction(label, text=answer)]


@pytest.mark.parametrize(
    ("fault", "calls", "expected"),
    [
        ("empty answer", 2, Prediction(None, text="")),
        ("null answer", 2, Prediction(None, text="")),
        ("filtered", 1, Prediction(None, text="positi")),
        ("400 filtered", 1, Prediction(None, text="not that")),
        ("refusal", 1, Prediction(None, text="I will not call it positive.")),
        ("cut at the limit", 1, Prediction(answer_to("x"), text=f"{answer_to('x')}, because")),
        ("parts", 1, Prediction(answer_to("x"), text=answer_to("x"))),
    ],
)
def test_unusual_answers(
    fault: str, calls: int, expected: Prediction, make: Make, server: FaultyServer
) -> None:
    """What says nothing is asked once more; what was declined is an abstention at once."""
    server.script = always(fault)
    assert make().predict(["x"]) == [expected]
    assert server.calls["x"] == calls


def test_an_empty_answer_may_be_followed_by_a_full_one(make: Make, server: FaultyServer) -> None:
    """Where the second call says something, that is the answer."""
    server.script = only("x", "empty answer", calls=1)
    assert make().predict(["x"])[0].label == answer_to("x")
    server.forget()
    server.script = always("empty answer")
    assert make(attempts=1).predict(["x"]) == [Prediction(None, text="")]
    assert make(max_requests=1).predict(["x"]) == [Prediction(None, text="")]
    server.script = lambda _, call: "empty answer" if call == 1 else "500"
    server.forget()
    assert make(attempts=3).predict(["x"]) == [Prediction(None, text="")], "it did answer"


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(fault: str, make: Make, server: FaultyServer) -> None:
    """After two failures the third call is answered, and what is answered is not asked again."""
    server.script = lambda _, call: fault if call <= 2 else ""
    assert [answer.label for answer in make().predict(TEXTS)] == list(map(answer_to, TEXTS))
    assert server.calls == dict.fromkeys(TEXTS, 3)
    assert server.answered == dict.fromkeys(TEXTS, 1)


WORDS = {
    **{name: error["message"] for name, (_, _, error) in STATUSES.items()},
    "cut-off body": "without sending complete message body",
    "hang up": "disconnected",
    "two choices": "2 choices",
    "no choice": "0 choices",
    "invalid JSON": "no JSON",
    "a page": "no JSON",
    "not an object": "no choices",
    "an error in disguise": "the model is cold",
    "no message": "no message",
    "nested deeply": "no JSON",
    "not UTF-8": "no JSON",
    "a stream of events": "no JSON",
    "error of the choice": "overloaded, try later",
    "error beside choices": "overloaded, try later",
    "finished by an error": "the answer is an error (error)",
    "aborted": "the answer is an error (abort)",
    "content is a number": "no text",
    "content is a table": "no text",
    "unknown encoding": "which was not asked for",
    "damaged gzip": "damaged gzip",
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_does_not_pass_is_an_error_of_that_input_alone(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """One input has no answer, with the reason; all others are answered, each by one call."""
    server.script = only("text 5", fault)
    answers = make(attempts=3).predict(TEXTS)
    for text, answer in zip(TEXTS, answers, strict=True):
        if text == "text 5":
            assert answer.label is None
            assert answer.text is None
            assert WORDS[fault] in (answer.error or "")
            assert "(3 attempts)" in (answer.error or "")
        else:
            assert answer == Prediction(answer_to(text), text=answer_to(text))
    assert server.calls == {text: 3 if text == "text 5" else 1 for text in TEXTS}


@pytest.mark.parametrize("fault", PASSING)
def test_failing_from_the_start_is_an_error_of_each_input(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """A server that only fails is asked as often as allowed, and every input has its error."""
    server.script = always(fault)
    answers = make(attempts=2).predict(TEXTS)
    assert all(answer.error and answer.label is None for answer in answers)
    assert server.calls == dict.fromkeys(TEXTS, 2)


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_call_has_a_time_limit(fault: str, make: Make, server: FaultyServer) -> None:
    """A server that says nothing, or a byte now and then, is given up after the time limit."""
    server.script = only("text 5", fault)
    model = make(attempts=2, timeout=1.0)
    answers = dict(zip(TEXTS, model.predict(TEXTS), strict=True))
    assert answers["text 5"] == Prediction(None, error="no answer within 1 s (2 attempts)")
    assert [t for t in TEXTS if answers[t].label != answer_to(t)] == ["text 5"]
    assert server.calls["text 5"] == 2


FATAL = {
    "400": "status 400: this cannot be asked",
    "401": "status 401; no key was sent",
    "403": "status 403: not for you",
    "404": "status 404: no model tester",
    "422": "response_format",
    "no quota": "the account has no quota left (status 429: pay first)",
    "nothing within the limit": "cut off before it said anything; raise `max_tokens`",
}


@pytest.mark.parametrize("fault", FATAL)
def test_wrong_settings_end_it_at_the_first_call(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """What can only be wrong settings is an error after one call, not one for every input."""
    server.script = always(fault)
    with pytest.raises(ModelError) as caught:
        make().predict(TEXTS)
    assert FATAL[fault] in str(caught.value)
    assert f"model 'model': {server.url}" in str(caught.value)
    assert server.calls == {TEXTS[0]: 1}
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("fault", FATAL)
def test_later_nothing_is_lost(fault: str, make: Make, server: FaultyServer) -> None:
    """Once an answer has come, the same is an error of one input, or of those that are left."""
    server.script = only("text 5", fault)
    answers = make(concurrency=1).predict(TEXTS)
    stops = fault in ("401", "403", "no quota")
    for number, answer in enumerate(answers):
        if number < 5 or (number > 5 and not stops):
            assert answer.label == answer_to(TEXTS[number])
        elif number == 5:
            assert FATAL[fault].partition(";")[0] in (answer.error or "")
        else:
            assert (answer.error or "").startswith("not asked: ")
            assert FATAL[fault] in (answer.error or "")
    assert server.calls.total() == (6 if stops else 12)


def test_a_wrong_model_name_is_answered_with_the_right_ones(
    make: Make, server: FaultyServer
) -> None:
    """The error names the model, the server, and what the server has."""
    with pytest.raises(ModelError) as caught:
        make("testre").predict(["x"])
    assert str(caught.value) == (
        f"model 'model': {server.url}, model 'testre': status 404: no model testre. unknown model "
        "'testre'. Did you mean 'tester'? Known: another, tester."
    )
    server.models = ()
    with pytest.raises(ModelError, match="`base_url` is not that of an OpenAI-compatible API"):
        make("testre").predict(["x"])
    server.models = tuple(f"model-{number}" for number in range(200))
    with pytest.raises(ModelError) as caught:
        make("model-5").predict(["x"]) and make("model-x").predict(["x"])
    assert str(caught.value).count("model-") < 30


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """Run a server whose certificate nobody has signed."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = [
        program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
        "/CN=localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with serving(tls) as server:
        yield server


UNREACHABLE = {
    "refused": (lambda: f"http://127.0.0.1:{free_port()}/v1", "Connect call failed"),
    "no such host": (lambda: "http://no-such-host.invalid/v1", "ame"),
}


@pytest.fixture(params=["refused", "no such host", "no TLS", "untrusted"])
def unreachable(
    request: pytest.FixtureRequest, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Return a URL to which there is no connection, and a word of the reason."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    if request.param == "no TLS":
        return server.url.replace("http:", "https:"), "SSL"
    if request.param == "untrusted":
        return request.getfixturevalue("untrusted").url, "CERTIFICATE_VERIFY_FAILED"
    url, word = UNREACHABLE[request.param]
    return url(), word


def test_an_unreachable_server_is_a_clear_error(
    unreachable: tuple[str, str], make: Make, time: Time
) -> None:
    """After all attempts for the first input, the error names URL and reason, and what to do."""
    url, word = unreachable
    with pytest.raises(ModelError) as caught:
        make(base_url=url, attempts=3).predict(TEXTS)
    assert str(caught.value).startswith(f"model 'model': {url} cannot be reached: ")
    assert word in str(caught.value)
    assert str(caught.value).endswith("Check `base_url`, and whether the server runs")
    assert len(time.waits) == 2


def test_a_server_that_goes_away_loses_nothing(unreachable: tuple[str, str], make: Make) -> None:
    """Once an answer has come, an unreachable server is an error of each input."""
    url, word = unreachable
    model = make(attempts=2)
    assert model.predict(["x"])[0].error is None
    gone = replace(model, server=replace(model.server, url=url))
    answers = gone.predict(TEXTS)
    assert all(word in (answer.error or "") for answer in answers)
    assert model.predict(["y"])[0].label == answer_to("y")


def test_nobody_is_asked_for_ever(make: Make, server: FaultyServer) -> None:
    """After many inputs in a row without an answer the rest is not asked, with the reason."""
    texts = [f"t{number:03}" for number in range(MAX_UNANSWERED + 20)]
    server.script = lambda text, _: "" if text == "t000" else "500"
    model = make(concurrency=1, attempts=1)
    answers = model.predict(texts)
    assert server.calls.total() == 1 + MAX_UNANSWERED
    assert answers[0].label == answer_to("t000")
    assert answers[MAX_UNANSWERED].error == "status 500: it broke"
    assert answers[-1].error == (
        f"not asked: {MAX_UNANSWERED} inputs in a row had no answer; the last one: "
        "status 500: it broke"
    )
    later = replace(model, patience=replace(model.patience, concurrency=8)).predict(["u", "v", "w"])
    assert [answer.label for answer in later] == [None] * 3
    assert server.calls.total() == 2 + MAX_UNANSWERED, "one is asked, in case it is well again"
    server.script = always("")
    assert [answer.label for answer in model.predict(["u", "v"])] == list(map(answer_to, "uv"))
    server.script = only("t003", "500")
    assert [a.label for a in make(attempts=1).predict(texts)].count(None) == 1


@pytest.mark.parametrize(
    ("fault", "asked"),
    [("429 after 7 s", 7.0), ("503 after 7 s", 7.0), ("429 after 1500 ms", 1.5)],
)
def test_the_server_s_wish_to_wait_is_obeyed(
    fault: str, asked: float, make: Make, server: FaultyServer, time: Time
) -> None:
    """Each wait is as long as the server asks, and hardly longer."""
    server.script = only("x", fault, calls=3)
    assert make().predict(["x"])[0].label == answer_to("x")
    assert len(time.waits) == 3
    assert all(asked <= wait <= asked + FIRST_WAIT for wait in time.waits)
    assert len(set(time.waits)) == 3, "waits have a jitter"


def test_a_date_to_wait_for_is_obeyed(
    make: Make, server: FaultyServer, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retry-After may be a date."""
    date = formatdate(1_000_020, usegmt=True)
    monkeypatch.setitem(STATUSES, "429 until", (429, {"Retry-After": date}, {}))
    server.script = only("x", "429 until", calls=1)
    model = make()
    model = replace(model, server=replace(model.server, wall=lambda: 1_000_000.0))
    assert model.predict(["x"])[0].label == answer_to("x")
    assert 20.0 <= time.waits[0] <= 20.0 + FIRST_WAIT


def test_without_a_wish_waits_double(make: Make, server: FaultyServer, time: Time) -> None:
    """Each wait lies in the upper half of twice the one before."""
    server.script = only("x", "429", calls=4)
    assert make().predict(["x"])[0].label == answer_to("x")
    for number, wait in enumerate(time.waits):
        assert FIRST_WAIT * 2**number / 2 <= wait <= FIRST_WAIT * 2**number
    assert len(time.waits) == 4


def test_a_wish_to_wait_holds_for_all_calls(make: Make, server: FaultyServer, time: Time) -> None:
    """No other input is asked either before the server's time has passed."""
    starts: dict[str, float] = {}

    def script(text: str, call: int) -> str:
        starts.setdefault(f"{text} {call}", time.now)
        return "429 after 7 s" if (text, call) == ("text 1", 1) else ""

    server.script = script
    make(concurrency=1, attempts=1).predict(TEXTS[:4])
    assert starts == {"text 0 1": 0.0, "text 1 1": 0.0, "text 2 1": 7.0, "text 3 1": 7.0}


def test_an_hour_is_not_waited_for(make: Make, server: FaultyServer, time: Time) -> None:
    """A server that wants to be left alone for long is: what is left is not asked."""
    server.script = only("text 5", "429 after an hour")
    answers = make(concurrency=1).predict(TEXTS)
    assert (answers[5].error or "").endswith("the server wants to be left alone for 1 h 00 min")
    assert all(answer.label for answer in answers[:5])
    assert all((answer.error or "").startswith("not asked: ") for answer in answers[6:])
    assert server.calls.total() == 6
    assert time.waits == []


def test_calls_are_under_way_together() -> None:
    """As many calls as allowed are under way at once, and never more: none is answered before."""
    together = threading.Barrier(4)
    inputs = ["first", *TEXTS]

    def script(text: str, call: int) -> str:  # noqa: ARG001 - any call
        if text != "first":
            together.wait(10)
        return ""

    with serving() as server:
        server.script = script
        answers = plain_model(server, concurrency=4).predict(inputs)
    assert [answer.label for answer in answers] == list(map(answer_to, inputs))
    assert server.most == 4


def test_the_first_input_is_asked_alone(make: Make, server: FaultyServer) -> None:
    """Wrong settings cost one call, however many may be under way."""
    server.script = always("400")
    with pytest.raises(ModelError):
        make(concurrency=8).predict(TEXTS)
    assert server.calls.total() == 1


def test_calls_keep_to_their_rate(make: Make, server: FaultyServer, time: Time) -> None:
    """With 30 requests a minute two seconds lie between any two starts, failed ones included."""
    starts: list[float] = []

    def script(text: str, call: int) -> str:
        starts.append(time.now)
        return "500" if call == 1 and text == "text 3" else ""

    server.script = script
    make(requests_per_minute=30, concurrency=1).predict(TEXTS)
    assert len(starts) == 13
    assert all(b - a >= 2.0 - 1e-9 for a, b in pairwise(starts))
    time.now = 0.0
    make(requests_per_minute=30, concurrency=5).predict(["more", *TEXTS])
    assert 24.0 <= time.now <= 26.0


def test_tokens_keep_to_their_rate(make: Make, server: FaultyServer, time: Time) -> None:
    """All in all no more tokens are taken than the time allows for, and not much fewer."""
    model = make(tokens_per_minute=600, concurrency=3)
    model.predict(TEXTS)
    used = server.sent["total_tokens"]
    assert model.used.prompt_tokens + model.used.completion_tokens == used
    assert 0.8 * used <= time.now * 600 / 60 <= 1.5 * used + 200


def test_a_run_has_a_time_limit(make: Make, server: FaultyServer, time: Time) -> None:
    """When its time is over, what is left is not asked; what was answered stays."""
    model = make(requests_per_minute=60, time_limit=5.5, concurrency=1)
    assert [answer.label for answer in model.predict(TEXTS[:2])] == list(map(answer_to, TEXTS[:2]))
    time.now += 100.0  # passes without asking, and does not count
    answers = model.predict(TEXTS[2:])
    assert [answer.label for answer in answers[:5]] == list(map(answer_to, TEXTS[2:7]))
    assert {answer.error for answer in answers[5:]} == {"not asked: time_limit = 5.5 s is over"}
    assert server.calls.total() == 7
    assert time.now <= 105.5


def test_a_retry_keeps_to_the_time_limit(make: Make, server: FaultyServer, time: Time) -> None:
    """A wait that would end after the time limit is not begun."""
    server.script = always("429 after 7 s")
    (answer,) = make(time_limit=20).predict(["x"])
    assert answer.error == "status 429: slow down; time_limit = 20 s is over"
    assert server.calls["x"] == 3
    assert time.now < 20


CAPS = {
    "max_requests": ({"max_requests": 5}, "max_requests = 5"),
    "max_total_tokens": ({"max_total_tokens": 250}, "max_total_tokens = 250"),
    "max_cost": (
        {"max_cost": 0.0005, "price_in": 1, "price_out": 10, "currency": "EUR"},
        "max_cost = 0.0005 EUR",
    ),
}


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_caps_are_kept_and_what_is_left_is_told(
    cap: str, concurrency: int, make: Make, server: FaultyServer
) -> None:
    """Some inputs are answered, the others are not asked and say which cap it was."""
    options, named = CAPS[cap]
    model = make(concurrency=concurrency, **options)
    answers = model.predict(TEXTS)
    answered = [answer for answer in answers if answer.label]
    assert 0 < len(answered) < len(TEXTS)
    assert {answer.error for answer in answers if not answer.label} == {
        f"not asked: another call could exceed {named}"
    }
    assert server.calls.total() == len(answered)
    assert model.used.requests <= options.get("max_requests", 100)
    assert server.sent["total_tokens"] <= options.get("max_total_tokens", 10**6)
    assert (model.used.cost or 0) <= options.get("max_cost", 1.0)
    assert {answer.error for answer in model.predict(["more"])} == {
        f"not asked: another call could exceed {named}"
    }


def test_a_retry_keeps_to_the_caps(make: Make, server: FaultyServer) -> None:
    """Failed calls are calls: a cap ends the tries."""
    server.script = always("500")
    (answer,) = make(max_requests=3).predict(["x"])
    assert answer.error == (
        "status 500: it broke (3 attempts); another call could exceed max_requests = 3"
    )
    assert server.calls["x"] == 3


def test_what_calls_hold_too_much_comes_back(make: Make, server: FaultyServer) -> None:
    """Bounds of calls under way are not taken for spent: the cap is used for what it is worth."""
    need = 12 * 12
    model = make(max_total_tokens=need + 150)
    assert all(answer.label for answer in model.predict(TEXTS))
    assert server.sent["total_tokens"] == sum(
        (model.used.prompt_tokens, model.used.completion_tokens)
    )
    assert server.sent["total_tokens"] <= need + 150


@pytest.mark.parametrize("fault", ["cut-off body", "hang up", "invalid JSON"])
def test_what_nobody_accounts_for_counts_at_its_bound(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """A call whose answer was lost may be billed: it counts for what it may have taken."""
    server.script = only("x", fault, calls=1)
    model = make()
    model.predict(["x"])
    bound = model.estimate(["x"])
    assert model.used.requests == 2
    assert model.used.prompt_tokens == bound.prompt_tokens + server.sent["prompt_tokens"]
    assert model.used.completion_tokens == bound.completion_tokens + 2


@pytest.mark.parametrize("fault", ["429", "500", "408"])
def test_what_was_refused_costs_nothing(fault: str, make: Make, server: FaultyServer) -> None:
    """A call that the server turned down is a request without tokens."""
    server.script = only("x", fault, calls=3)
    model = make()
    model.predict(["x"])
    assert model.used == Usage(
        requests=4, prompt_tokens=server.sent["prompt_tokens"], completion_tokens=2
    )


def test_usage_is_taken_from_the_server(make: Make, server: FaultyServer) -> None:
    """Tokens are the sum of what the answers say, and money follows from the prices."""
    model = make(price_in=0.5, price_out=1.5, currency="EUR")
    model.predict(TEXTS)
    prompt = server.sent["prompt_tokens"]
    cost = pytest.approx((prompt * 0.5 + 24 * 1.5) / 1e6)
    assert model.used == Usage(
        requests=12, prompt_tokens=prompt, completion_tokens=24, cost=cost, currency="EUR"
    )
    assert model.with_prompt(model.prompt).used == model.used


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": "7", "completion_tokens": 2}, {"prompt_tokens": -1}]
)
def test_without_a_usage_bounds_count(usage: Any, make: Make, server: FaultyServer) -> None:
    """Where the server tells nothing usable, a call counts at its upper bounds."""
    server.told = None if usage is None else lambda _: usage
    model = make(price_in=1, price_out=1)
    model.predict(["x"])
    assert model.used == model.estimate(["x"])


@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5))
@settings(max_examples=20)
def test_an_estimate_is_an_upper_bound(texts: list[str], running: FaultyServer) -> None:
    """Whatever the texts, asking takes no more than was estimated, and equal ones count once."""
    running.script, running.told = always(""), FaultyServer().told
    model = plain_model(running, price_in=1, price_out=2)
    bound = model.estimate(texts)
    model.predict(texts)
    assert bound.requests == model.used.requests == len(set(texts))
    assert model.used.prompt_tokens <= bound.prompt_tokens
    assert model.used.completion_tokens <= bound.completion_tokens
    assert (model.used.cost or 0) <= (bound.cost or 0)


def test_a_template_of_the_server_is_learnt(make: Make, server: FaultyServer) -> None:
    """A server that puts more into the prompt than thought possible moves later bounds up."""
    server.told = lambda _: {"prompt_tokens": 5_000, "completion_tokens": 1}
    model = make(max_total_tokens=12_000)
    answers = model.predict(TEXTS)
    assert [answer.error is None for answer in answers] == [True] * 2 + [False] * 10
    assert model.used.prompt_tokens == 10_000


def plain_model(server: FaultyServer, **options: Any) -> ChatModel:
    """Return a model for a property, on a time of its own."""
    time = Time()
    context = Context(
        name="model", task=TASK, root=Path(), cache=Path(), offline=True, progress=Silent(),
        data=lambda _: pytest.fail,
    )  # fmt: skip
    model: ChatModel = build(MODEL, context, prompt="{text}", base_url=server.url, **options)
    return replace(model, patience=replace(model.patience, sleep=time.sleep, clock=time.clock))


FAULTS = ("", *PASSING, "empty answer", "400", "400 filtered", "401", "404", "no quota", "refusal")


@given(
    scripts=st.lists(st.lists(st.sampled_from(FAULTS), max_size=6), min_size=1, max_size=8),
    repeated=st.lists(st.integers(0, 7), max_size=4),
    concurrency=st.integers(1, 8),
    attempts=st.integers(1, 4),
    max_requests=st.none() | st.integers(1, 20),
    max_total_tokens=st.none() | st.integers(1, 2_000),
)
@settings(max_examples=100)
def test_whatever_fails_every_run_ends_and_nothing_is_lost_or_made_up(
    *,
    scripts: list[list[str]],
    repeated: list[int],
    concurrency: int,
    attempts: int,
    max_requests: int | None,
    max_total_tokens: int | None,
    running: FaultyServer,
) -> None:
    """For any script of faults: one result an input, the server's own, asked until answered."""
    running.forget()
    running.told = FaultyServer().told
    texts = [f"text {number}" for number in range(len(scripts))]
    by_text = dict(zip(texts, scripts, strict=True))
    running.script = lambda text, call: dict(enumerate(by_text[text], 1)).get(call, "")
    inputs = texts + [texts[number % len(texts)] for number in repeated]
    model = plain_model(
        running, concurrency=concurrency, attempts=attempts, max_requests=max_requests,
        max_total_tokens=max_total_tokens,
    )  # fmt: skip
    got: list[tuple[int, Prediction]] = []
    fatal = False
    try:
        got.extend(model.stream(inputs))
    except ModelError:
        fatal = True
    places = [place for place, _ in got]
    assert len(set(places)) == len(places)
    assert fatal or sorted(places) == list(range(len(inputs)))
    for place, answer in got:
        text = inputs[place]
        if answer.label is not None:
            assert answer == Prediction(answer_to(text), text=answer_to(text))
            assert running.answered[text] == 1
        elif answer.error is not None:
            assert running.answered[text] == 0
            assert answer.text is None
        else:
            assert set(by_text[text]) & {"empty answer", "400 filtered", "refusal"}
    if fatal:
        assert not any(answer.label for _, answer in got)
        assert set(chain(*scripts)) & {"400", "401", "404", "no quota"}
    assert all(calls <= attempts for calls in running.calls.values())
    assert all(answers <= 1 for answers in running.answered.values())
    used = model.used
    assert used.requests == running.calls.total() <= (max_requests or 10**9)
    assert running.sent["total_tokens"] <= used.prompt_tokens + used.completion_tokens
    assert used.prompt_tokens + used.completion_tokens <= (max_total_tokens or 10**9)


def test_closing_a_stream_gives_up_what_is_under_way(make: Make, server: FaultyServer) -> None:
    """What was yielded stays; calls under way are cancelled at once and count at their bounds."""
    server.script = lambda text, _: "" if text == TEXTS[0] else "slow"
    model = make(concurrency=4)
    stream = model.stream(TEXTS)
    assert next(stream) == (0, Prediction(answer_to(TEXTS[0]), text=answer_to(TEXTS[0])))
    stream.close()
    assert THREAD not in [thread.name for thread in threading.enumerate()]
    assert server.answered == {TEXTS[0]: 1}
    assert server.calls.total() <= model.used.requests <= 5


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="signals are sent as POSIX has them"
)
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_stream(make: Make, server: FaultyServer) -> None:
    """An interrupt while an answer is waited for ends the run at once."""
    expected = threading.Event()

    def script(text: str, call: int) -> str:  # noqa: ARG001 - any call
        if text == TEXTS[0]:
            return ""
        assert expected.wait(60)
        os.kill(os.getpid(), signal.SIGINT)
        return "slow"

    server.script = script
    stream = make(concurrency=1).stream(TEXTS)
    assert next(stream)[0] == 0
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - not a moment before it is expected
        expected.set()
        next(stream)
    stream.close()  # where it came before the stream went on
    assert THREAD not in [thread.name for thread in threading.enumerate()]
    assert server.calls.total() == 2


def test_it_works_where_an_event_loop_runs(make: Make) -> None:
    """An asynchronous test may ask like any other."""

    async def main() -> list[Prediction]:
        return make().predict(TEXTS)

    assert [answer.label for answer in asyncio.run(main())] == list(map(answer_to, TEXTS))


def test_a_prompt_can_be_changed(make: Make, server: FaultyServer) -> None:
    """A model under another prompt asks with that one."""
    model = make()
    other = model.with_prompt(replace(model.prompt, instruction="Other words."))
    other.predict(["x"])
    assert server.bodies[-1]["messages"][0]["content"] == "Other words."
    assert other.fingerprint != model.fingerprint


def test_fields_are_put_in(make: Make, server: FaultyServer) -> None:
    """Inputs of several fields fill a template of several; a missing one is asked nothing."""
    model = make(prompt="{a} and {b}?")
    model.predict([{"a": "x", "b": "y"}])
    assert server.calls == {"x and y?": 1}
    with pytest.raises(DataError, match="unknown field"):
        model.predict([{"a": "x", "b": "y"}, "a text"])
    assert server.calls == {"x and y?": 1}


def test_text_that_cannot_be_encoded_is_asked_all_the_same(
    make: Make, server: FaultyServer
) -> None:
    """A lone surrogate, which no JSON body can carry, does not end the run."""
    server.answer = lambda _: "positive"
    answers = make().predict(["a \ud800 b", "c\x00d", "\U0001f680", ""])
    assert [answer.label for answer in answers] == ["positive"] * 4


def test_a_missing_key_names_the_variable(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere needs a key, and the error says where it was looked for."""
    model = make(base_url="https://api.no-such-host.invalid/v1")
    for value in (None, "", "  "):
        if value is not None:
            monkeypatch.setenv("OPENAI_API_KEY", value)
        with pytest.raises(ModelError) as caught:
            model.predict(["x"])
        assert str(caught.value) == (
            "model 'model': https://api.no-such-host.invalid/v1 needs a key, and the environment "
            "variable OPENAI_API_KEY is not set; set it, or name another with `api_key`"
        )
    with pytest.raises(ModelError, match="the environment variable MY_KEY is not set"):
        make(api_key="MY_KEY").predict(["x"])


def test_a_server_on_this_machine_gets_no_key(
    make: Make, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key meant for OpenAI does not go to a local server unless it is named."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    make().predict(["x"])
    make(api_key="OPENAI_API_KEY").predict(["x"])
    assert [h["authorization"] for h in server.headers] == ["Bearer none", f"Bearer {KEY}"]


SECRET_FAULTS = ("", "401", "403", "500 with the key", "429", "cut-off body", "a page", "400")


@pytest.mark.parametrize("fault", SECRET_FAULTS)
@pytest.mark.parametrize("first", [True, False])
def test_the_key_is_never_shown(
    *,
    fault: str,
    first: bool,
    make: Make,
    server: FaultyServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither errors nor answers, descriptions, output or logs of any level hold the key."""
    monkeypatch.setenv("SECRET_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server.script = lambda text, _: fault if first or text != "text 0" else ""
    model = make(api_key="SECRET_KEY", attempts=2)
    shown = [repr(model), str(dict(model.parameters)), model.source, model.fingerprint]
    try:
        shown += map(repr, model.predict(TEXTS[:3]))
    except ModelError as error:
        shown.append(str(error))
    assert all(h["authorization"] == f"Bearer {KEY}" for h in server.headers)
    printed = capfd.readouterr()
    shown += [caplog.text, printed.out, printed.err]
    everything = "\n".join(shown)
    assert KEY not in everything
    assert "Authorization" not in everything
    if fault in ("401", "500 with the key"):
        assert "SECRET_KEY" in everything


def test_what_looks_like_a_key_is_not_repeated(make: Make) -> None:
    """A key in the place of its variable's name, or in the URL, is refused without showing it."""
    for key in (KEY, "gsk_abcdef", "hf_xyz", "", "A-B"):
        with pytest.raises(ConfigurationError, match="name of an environment variable") as caught:
            make(api_key=key)
        assert not key or key not in str(caught.value)
    with pytest.raises(ConfigurationError, match="base_url holds credentials") as caught:
        make(base_url=f"https://user:{KEY}@host/v1")
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigurationError, match="no http or https URL") as caught:
        make(base_url=f"ftp://{KEY}")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "told", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", False),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", True),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", True),
        ("gpt-4", "gpt-3.5-turbo", False),
        ("openai/gpt-4o", "gpt-4o", True),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", True),
        ("/models/Qwen3-0.6B.gguf", "qwen3-0.6b", True),
        ("llama3:8b", "llama3", True),
        ("qwen3-8b", "qwen3-4b", False),
    ],
)
def test_a_date_makes_no_other_model(asked: str, told: str, *, same: bool) -> None:
    """Servers write a name out."""
    assert is_same_model(asked, told) is same


@pytest.mark.parametrize("fault", ["another model", "dated model"])
def test_another_model_that_answers_is_noted(fault: str, make: Make, server: FaultyServer) -> None:
    """The figures are of what answered."""
    server.script = lambda _text, _call: fault
    model = make()
    assert notes_of(model) == ()
    assert model.predict(["x"])[0].label == answer_to("x")
    told = f"model: asked for the model {MODEL!r}, the server says that 'other-model-2024-08-06' "
    notes = notes_of(model)
    assert [note.startswith(told) for note in notes] == [True] * (fault == "another model")


@pytest.mark.parametrize(
    "url",
    [
        "http://ho st/v1",
        "http://host/v 1",
        "http://host\\@other/v1",
        "http://h<o>st",
        "http://host ",
    ],
)
def test_what_no_url_can_hold_is_refused(url: str, make: Make) -> None:
    """Another host than the one that was meant would be asked, or none found."""
    with pytest.raises(ConfigurationError, match="no http or https URL"):
        make(base_url=url)


@pytest.mark.parametrize(
    "request_fields",
    [
        {"api_key": KEY}, {"apiKey": "x"}, {"user": KEY}, {"extra": {"deep": [{"Token": "abc"}]}},
        {"metadata": {"authorization": f"Bearer {KEY}"}}, {"list": ["a", f"Bearer {KEY}"]},
        {"db": "postgres://me:pw@host/x"}, {"clientSecret": "hush"}, {KEY: True},
    ],
)  # fmt: skip
def test_secrets_in_fields_of_the_request_are_refused(
    request_fields: dict[str, Any], make: Make
) -> None:
    """Reports show these fields; a secret is named by its variable."""
    with pytest.raises(ConfigurationError, match="may be a secret") as caught:
        make(request=request_fields)
    assert "environment variable" in str(caught.value)
    assert KEY not in str(caught.value)


def test_fields_that_are_only_named_like_secrets_are_sent(make: Make) -> None:
    """Numbers are no secrets, and neither are tokens of a template or the key of a cache."""
    fields = {
        "min_tokens": 1, "token": 7, "stop_token": "</s>", "prompt_cache_key": "reviews",
        "chat_template_kwargs": {"eos_token": "</s>", "enable_thinking": False}, "top_p": 0.9,
        "design": "sketch", "author": "me",
    }  # fmt: skip
    assert make(request=fields).decoding.request == fields


def test_a_query_of_the_url_is_sent_and_not_shown(make: Make, server: FaultyServer) -> None:
    """A query, which may be a secret, goes with every call and stands nowhere else."""
    model = make(base_url=f"{server.url}?version={KEY}")
    assert model.predict(["x"])[0].label == answer_to("x")
    assert KEY not in repr(model) + str(model.parameters) + model.source
    assert model.fingerprint == make().fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"source": "another"},
        {"base_url": "http://127.0.0.1:1/v1"},
        {"prompt": "{text}?"},
        {"prompt": "Say it.\n---\n{text}"},
        {"demonstrations": SHOWN},
        {"label_words": {"negative": "bad", "positive": "good"}},
        {"answer": "json_schema"},
        {"answer": "json_object"},
        {"temperature": 0.5},
        {"max_tokens": 17},
        {"seed": 0},
        {"reasoning": True},
        {"top_logprobs": 5},
        {"request": {"top_p": 0.9}},
        {"system": False},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_what_decides(change: dict[str, Any], make: Make) -> None:
    """Model, place, prompt and decoding change it."""
    assert make(**change).fingerprint != make().fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"concurrency": 1}, {"attempts": 1}, {"timeout": 5}, {"time_limit": 5},
        {"max_requests": 5}, {"max_total_tokens": 5}, {"requests_per_minute": 5},
        {"tokens_per_minute": 5}, {"price_in": 1, "price_out": 1, "max_cost": 5},
        {"api_key": "OTHER_KEY"}, {"currency": "EUR"},
    ],
    ids=str,
)  # fmt: skip
def test_the_fingerprint_changes_with_nothing_else(change: dict[str, Any], make: Make) -> None:
    """Limits, prices and the key do not change what is answered."""
    assert make(**change).fingerprint == make().fingerprint


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({}, "227fd548c4e4e542"),
        ({"prompt": "Say.\n---\n{text}", "demonstrations": SHOWN}, "d9e6655aeeca5fff"),
        ({"top_logprobs": 5, "seed": 3}, "347f688949b7f564"),
        ({"answer": "json_object"}, "00b1b2ee4c4c6409"),
    ],
    ids=str,
)
def test_stored_answers_stay_valid(options: dict[str, Any], start: str, make: Make) -> None:
    """Fingerprints are those of earlier versions, so that their stored answers still count."""
    model = make(base_url="https://api.openai.com/v1", **options)
    assert model.fingerprint.startswith(start)


def test_a_model_without_system_messages_gets_the_instruction_in_the_first_turn(
    make: Make, server: FaultyServer
) -> None:
    """With `system = false` it stands before the first message of the user, by a blank line."""
    model = make(prompt="Say it.\n---\n{text}", demonstrations=SHOWN, system=False)
    assert model.predict(["x"])[0].label == answer_to("x")
    messages = server.bodies[0]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    assert messages[0]["content"] == "Say it.\n\na wonderful film"
    assert messages[-1]["content"] == "x"
    assert model.parameters["system"] is False
    make(system=False).predict(["y"])
    assert server.bodies[1]["messages"] == [{"role": "user", "content": "y"}]


def test_what_ran_is_told(make: Make, server: FaultyServer) -> None:
    """Source and parameters tell model, place, prompt and decoding, and can be written as JSON."""
    model = make(prompt=f"Say it.\n---\n{TEMPLATE}", demonstrations=SHOWN, seed=1)
    assert model.source == f"{MODEL} at {server.url}"
    assert model.parameters == {
        "instruction": "Say it.\n",
        "template": TEMPLATE,
        "label_words": {"negative": "negative", "positive": "positive"},
        "shots": 2,
        "demonstrations": "the configuration",
        "base_url": server.url,
        "answer": "text",
        "max_tokens": 16,
        "temperature": 0.0,
        "seed": 1,
    }
    assert json.loads(json.dumps(dict(model.parameters))) == dict(model.parameters)
    assert model.facts == Facts(base=MODEL, shots=2)


def test_where_a_model_is_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option comes before the environment, and that before OpenAI itself."""
    assert make(base_url=None).server.base_url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://there/v1/")
    assert make(base_url=None).server.base_url == "http://there/v1"
    assert make(base_url="http://here/v1").server.base_url == "http://here/v1"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", None), ("localhost", None), ("[::1]", None), ("127.8.8.8:5", None),
        ("api.localhost", None), ("10.0.0.1", "OPENAI_API_KEY"),
        ("localhost.example.com", "OPENAI_API_KEY"), ("example.com", "OPENAI_API_KEY"),
    ],
)  # fmt: skip
def test_this_machine_is_known(host: str, named: str | None, make: Make) -> None:
    """Only what leads to this machine does without a key."""
    assert make(base_url=f"http://{host}/v1").server.key_name == named


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": "{0} no field"}, "names no field; write {text}"),
        ({"shots": 2}, "shots = 2 needs `demonstrations`"),
        ({"label_words": {"negative": "bad"}}, "no word for the label 'positive'"),
        ({"answer": "json"}, "unknown answer 'json'. Did you mean"),
        ({"temperature": -1.0}, "temperature = -1.0 has to be 0 or more"),
        ({"max_tokens": 0}, "max_tokens = 0 has to be 1 or more"),
        ({"concurrency": 0}, "concurrency = 0 has to be 1 or more"),
        ({"attempts": 0}, "attempts = 0 has to be 1 or more"),
        ({"max_requests": 0}, "max_requests = 0 has to be 1 or more"),
        ({"max_total_tokens": -1}, "max_total_tokens = -1 has to be 1 or more"),
        ({"timeout": 0}, "timeout = 0 has to be more than 0"),
        ({"timeout": float("nan")}, "timeout = nan has to be more than 0"),
        ({"time_limit": float("inf")}, "time_limit = inf has to be more than 0"),
        ({"requests_per_minute": 0}, "requests_per_minute = 0 has to be more than 0"),
        ({"tokens_per_minute": -5.0}, "tokens_per_minute = -5.0 has to be more than 0"),
        ({"max_cost": 5}, "max_cost = 5 needs price_in and price_out"),
        ({"max_cost": 0, "price_in": 1, "price_out": 1}, "max_cost = 0 has to be more than 0"),
        ({"price_in": 1}, "price_in and price_out are given together"),
        ({"price_in": -1, "price_out": 1}, "price_in = -1 has to be 0 or more"),
        ({"top_logprobs": 21}, "top_logprobs = 21 has to be between 0 and 20"),
        ({"top_logprobs": 5, "answer": "json_schema"}, 'top_logprobs needs answer = "text"'),
        ({"samples": 5}, "samples = 5 at temperature = 0 would all be the same"),
        ({"samples": 5, "temperature": 1, "top_logprobs": 5}, "leave out top_logprobs"),
        ({"vote_top": 2}, 'vote_top goes with vote = "complexity"'),
        ({"chain_of_thought": True, "answer": "json_schema"}, 'take answer = "text"'),
        ({"chain_of_thought": True, "top_logprobs": 5}, "comes before its answer; leave it out"),
        ({"task": NumericAnswer(), "answer": "json_object"}, "the task numeric has no labels"),
        ({"task": NumericAnswer(), "label_words": {"a": "b"}}, "the task numeric has no labels"),
        ({"label_words": {"negative": "A", "positive": "a"}}, "whatever the case"),
        ({"request": {"n": 2}}, "request: 'n' is decided by options of its own"),
        ({"base_url": "localhost:8000"}, "base_url is no http or https URL"),
        ({"base_url": "http://:80/v1"}, "base_url is no http or https URL"),
        ({"base_url": "http://[bad/v1"}, "base_url is no http or https URL"),
        ({"base_url": "http://host:99999/v1"}, "base_url is no http or https URL"),
        ({"source": " "}, "the model has no name"),
    ],
    ids=str,
)
def test_wrong_values_are_refused(options: dict[str, Any], message: str, make: Make) -> None:
    """What cannot work is a usage error before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        make(**options)
    assert message in str(caught.value)


def test_without_the_client_the_error_names_the_command(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing client is told before anything is asked."""
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[openai\]"'):
        make().predict(["x"])


def test_probabilities_come_from_the_first_token(make: Make, server: FaultyServer) -> None:
    """With `top_logprobs` labels have their share of the tokens that start their words."""
    server.logprobs = {"pos": -0.5, " Positive": -2.0, "neg": -1.5, "the": -3.0}
    (answer,) = make(top_logprobs=5).predict(["x"])
    assert list(answer.scores) == ["negative", "positive"]
    negative, positive = exp(-1.5), exp(-0.5) + exp(-2.0)
    assert answer.scores["negative"] == pytest.approx(negative / (negative + positive), abs=1e-4)
    assert sum(answer.scores.values()) == pytest.approx(1.0, abs=1e-3)
    assert server.bodies[0]["logprobs"] is True
    assert server.bodies[0]["top_logprobs"] == 5


def test_a_server_without_probabilities_says_so(make: Make, server: FaultyServer) -> None:
    """Scores that were asked for and do not come are an error, not left out in silence."""
    with pytest.raises(ModelError, match="no log probabilities; leave out `top_logprobs`"):
        make(top_logprobs=5).predict(TEXTS)
    assert server.calls.total() == 1


@pytest.mark.parametrize(
    ("likely", "expected"),
    [
        ([], {}),
        ([("the", 0.0)], {}),
        ([("", 0.0), (" ", 0.0)], {}),
        ([("yes", 0.0)], {"no": 0.0, "yes": 1.0}),
        ([("Y", -1.0), ("n", -1.0)], {"no": 0.5, "yes": 0.5}),
        ([("yes", float("-inf"))], {}),
    ],
)
def test_shares_of_first_tokens(
    likely: list[tuple[str, float]], expected: dict[str, float]
) -> None:
    """Tokens that start no word, or several, count for none."""
    assert _scores(likely, {"no": "no", "yes": "yes"}) == expected
    assert _scores([("n", 0.0), ("neu", -1.0)], {"a": "neutral", "b": "negative"}) == {
        "a": 1.0,
        "b": 0.0,
    }


def table(server: FaultyServer, **options: Any) -> dict[str, Any]:
    """Return a table of the configuration."""
    return {"prompt": "{text}", "base_url": server.url, **options}


def test_the_configuration_names_it_in_two_ways(server: FaultyServer, tmp_path: Path) -> None:
    """`openai = "NAME"` and `prompted = "openai:NAME"` are the same model."""
    tables = {
        "a": table(server, openai=MODEL, max_cost=5, price_in=1.5, price_out=2),
        "b": table(server, prompted=f"openai:{MODEL}"),
    }
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    first, second = (spec.build(TASK, reader, tmp_path) for spec in parse_models(tables, "here"))
    assert isinstance(first, ChatModel)
    assert isinstance(second, ChatModel)
    assert first.fingerprint == second.fingerprint
    assert first.predict(["x"]) == second.predict(["x"])


def test_seeds_and_suites_share_what_they_may_take(server: FaultyServer, tmp_path: Path) -> None:
    """A cap holds for all models of one table together, and for no other table."""
    tables = {
        name: table(server, openai=MODEL, max_requests=3, demonstrations=SHOWN, seeds=2)
        for name in ("a", "b")
    }
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    one, other = parse_models(tables, "here")
    members = [
        *one.build(TASK, reader, tmp_path).members,
        one.build(TASK, reader, tmp_path).members[0],
    ]
    errors = [member.predict(TEXTS[:2]) for member in members]
    assert sum(answer.error is None for answers in errors for answer in answers) == 3
    assert server.calls.total() == 3
    (unspent, _) = other.build(TASK, reader, tmp_path).members
    assert unspent.predict(["x"])[0].error is None


def test_demonstrations_are_drawn_from_data(
    server: FaultyServer, context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """Demonstrations come from data like those of a local model."""
    rows = [(f"text {n}", ("negative", "positive")[n % 2]) for n in range(20)]
    context = context_of(tmp_path, Dataset.from_pairs("data", rows))
    model = build(MODEL, context, prompt="{text}", base_url=server.url, demonstrations="x", shots=2)
    assert [example.label for example in model.prompt.demonstrations] == ["negative", "positive"]


SUMS = [
    {"text": "2 + 3?", "label": "5", "rationale": "Two and three are five."},
    {"text": "1 + 1?", "label": "2", "rationale": "One and one are two."},
]


def test_open_tasks_are_asked_and_read(make: Make, server: FaultyServer) -> None:
    """Without labels a demonstration's answer stands as it is, and the task reads what comes."""
    server.answer = lambda _: "It is 1,250.00 in all."
    model = make(task=NumericAnswer(), prompt="Q: {text}", demonstrations=SUMS)
    assert model.predict(["x"]) == [Prediction("1250", text="It is 1,250.00 in all.")]
    (body,) = server.bodies
    assert [message["content"] for message in body["messages"]] == [
        "Q: 2 + 3?", "5", "Q: 1 + 1?", "2", "Q: x",
    ]  # fmt: skip
    assert model.parameters["task"] == "numeric"


def test_a_chain_of_thought_is_shown_asked_for_and_read(make: Make, server: FaultyServer) -> None:
    """Demonstrations answer with their rationale; without any, the question asks for one."""
    server.answer = lambda _: "Three threes.\nThe answer is 9, not 6... the answer is 9."
    thinking = {"task": NumericAnswer(), "prompt": "Q: {text}\nA:", "chain_of_thought": True}
    shown = make(**thinking, demonstrations=SUMS[:1])
    assert [answer.label for answer in shown.predict(["x"])] == ["9"]
    assert [answer.label for answer in make(**thinking).predict(["x"])] == ["9"]
    first, second = server.bodies
    assert first["messages"][1]["content"] == "Two and three are five. The answer is 5."
    assert first["messages"][2]["content"] == "Q: x\nA:"
    assert second["messages"][0]["content"] == "Q: x\nA: Let's think step by step."
    assert first["max_tokens"] == 512


def test_a_chain_that_was_cut_off_has_no_answer(make: Make, server: FaultyServer) -> None:
    """What stands in its last line is no answer when the limit has ended it."""
    server.answer = lambda _: "Three threes are 9"
    server.script = only("cut Let's think step by step.", "cut at the limit")
    model = make(task=NumericAnswer(), chain_of_thought=True)
    whole, cut = model.predict(["whole", "cut"])
    assert (whole.label, cut.label) == ("9", None)
    assert cut.text == "Three threes are 9, because"


def test_samples_vote(make: Make, server: FaultyServer) -> None:
    """Each sample is a call with a seed of its own; what most say is the answer."""
    server.sampled = lambda text, seed: ("positive", "negative", "hm")[(seed + len(text)) % 3]
    options = {"samples": 4, "temperature": 0.7}
    model = make(**options)
    text = "three"  # 5 characters: the seeds 0 to 3 say hm, positive, negative, hm
    assert (
        model.predict([text, text])
        == [Prediction("positive", {"negative": 0.5, "positive": 0.5}, "positive")] * 2
    )
    assert sorted(body["seed"] for body in server.bodies) == [0, 1, 2, 3]
    assert {body["temperature"] for body in server.bodies} == {0.7}
    assert len({json.dumps(body["messages"]) for body in server.bodies}) == 1
    server.forget()
    make(**options, seed=2).predict([text])
    assert sorted(body["seed"] for body in server.bodies) == [8, 9, 10, 11]
    told = make(**options, seed=2).parameters
    assert (told["samples"], told["temperature"], told["vote"]) == (4, 0.7, "majority")
    assert told["seed"] == 2


def test_samples_are_counted_and_estimated_one_by_one(make: Make, server: FaultyServer) -> None:
    """Requests and tokens are those of every sample, and no estimate is below them."""
    server.sampled = lambda text, seed: answer_to(f"{text}{seed}")
    model = make(samples=3, temperature=1.0)
    model.predict(TEXTS)
    used, estimated = model.used, model.estimate(TEXTS)
    assert used.requests == estimated.requests == 3 * len(TEXTS)
    assert used.completion_tokens == 2 * 3 * len(TEXTS)
    assert estimated.prompt_tokens >= used.prompt_tokens
    assert estimated.completion_tokens == 16 * 3 * len(TEXTS)


def test_fewer_samples_never_vote_in_silence(make: Make, server: FaultyServer) -> None:
    """Where one sample got no answer the input has none, with the reason; others are whole."""
    server.sampled = lambda text, _: answer_to(text)
    server.script = lambda text, call: "400" if text == "text 5" and call == 2 else ""
    answers = dict(zip(TEXTS, make(samples=3, temperature=1.0).predict(TEXTS), strict=True))
    assert answers.pop("text 5") == Prediction(None, error="status 400: this cannot be asked")
    assert all(answer.label == answer_to(text) for text, answer in answers.items())
    assert server.calls == dict.fromkeys(TEXTS, 3)


def test_a_cap_leaves_no_half_vote(make: Make, server: FaultyServer) -> None:
    """A cap in the middle of an input's samples leaves it without an answer."""
    server.sampled = lambda text, _: answer_to(text)
    model = make(samples=3, temperature=1.0, max_requests=7, concurrency=1)
    answers = model.predict(TEXTS)
    assert [answer.error is None for answer in answers] == [True] * 2 + [False] * 10
    assert "max_requests = 7" in (answers[2].error or "")
    assert server.calls.total() == 7


def test_a_declined_sample_does_not_vote(make: Make, server: FaultyServer) -> None:
    """A refusal is a sample without an answer."""
    server.sampled = lambda text, _: answer_to(text)
    server.script = lambda _, call: "refusal" if call == 1 else ""
    (answer,) = make(samples=3, temperature=1.0).predict(["x"])
    assert (answer.label, answer.scores[answer_to("x")]) == (answer_to("x"), 1.0)


def test_a_hidden_reasoner_is_sampled_at_its_own_temperature(
    make: Make, server: FaultyServer
) -> None:
    """A model that takes no temperature may be sampled all the same."""
    make(samples=2, reasoning=True).predict(["x"])
    assert [body["seed"] for body in server.bodies] == [0, 1]
    assert all("temperature" not in body for body in server.bodies)


@pytest.mark.parametrize("fault", ["400 too long", "400 too long in words"])
def test_a_prompt_beyond_the_window_is_counted(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """It is asked once, has the same reason every time, and stops nothing, first or last."""
    server.script = lambda text, _: fault if text.endswith(("0", "1")) else ""
    texts = [f"text {number}" for number in range(MAX_UNANSWERED * 4)]
    answers = dict(zip(texts, make().predict(texts), strict=True))
    reason = "the prompt does not fit the model's window (status 400)"
    for text, answer in answers.items():
        assert answer.error == (reason if text.endswith(("0", "1")) else None), text
    assert server.calls == dict.fromkeys(texts, 1)
    server.forget()
    server.script = always(fault)
    assert {answer.error for answer in make().predict(texts)} == {reason}
