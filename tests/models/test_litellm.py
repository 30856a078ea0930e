"""LiteLLM really talks to a server on loopback, in OpenAI's form and in Anthropic's."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from api_model import TASK, Time, model_at
from faulty_server import MODEL, PASSING, FaultyServer, answer_to, serving
from processes import free_port

from pytest_ood.errors import ConfigurationError, MissingDependencyError, ModelError
from pytest_ood.gate.configuration import parse_models
from pytest_ood.loading.readers import Reader
from pytest_ood.models import adapter, litellm
from pytest_ood.models._api.chat import ChatModel
from pytest_ood.models._api.exchanges import PLACEHOLDER
from pytest_ood.models._api.limits import Prices
from pytest_ood.models.litellm import finish_of
from pytest_ood.models.protocol import Context, Usage, secrets_of
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("litellm") is None, reason="needs the extra litellm"),
]

ANTHROPIC, OPENAI = f"anthropic/{MODEL}", f"openai/{MODEL}"
KEY = 'sk-ant-Recognisable-0123/+"456789'
TEXTS = [f"text {number}" for number in range(6)]


@pytest.fixture(scope="module")
def running() -> Iterator[FaultyServer]:
    """Run one server for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    """Return the server as it is at first, and an environment without keys and proxies."""
    fresh = FaultyServer()
    for name in ("script", "answer", "told", "logprobs", "models", "echo", "elsewhere"):
        setattr(running, name, getattr(fresh, name))
    running.forget()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    running.elsewhere = "http://another-server.invalid/v1"
    return running


Make = Callable[..., ChatModel]


@pytest.fixture
def make(server: FaultyServer) -> Make:
    """Return a maker of models at the server, on a time that passes only by waiting for it."""

    def maker(source: str = ANTHROPIC, **options: Any) -> ChatModel:
        time = options.pop("time", None)
        return model_at(server, time, kind="litellm", source=source, **options)

    return maker


def test_what_is_sent_to_anthropic(make: Make, server: FaultyServer) -> None:
    """The messages and options of the OpenAI adapter come in the provider's own form."""
    shown = [{"text": "a dreadful film", "label": "negative"}]
    model = make(prompt="Say it.\n---\n{text}", demonstrations=shown, temperature=0.5)
    assert model.predict(["x"]) == [Prediction(answer_to("x"), text=answer_to("x"))]
    (body,) = server.bodies
    assert server.paths == ["/v1/messages"]
    assert body["model"] == MODEL
    assert body["system"] == [{"type": "text", "text": "Say it."}]
    roles = [(m["role"], m["content"][0]["text"]) for m in body["messages"]]
    assert roles == [("user", "a dreadful film"), ("assistant", "negative"), ("user", "x")]
    assert (body["max_tokens"], body["temperature"]) == (16, 0.5)
    assert model.used == Usage(requests=1, **counted(server))


def counted(server: FaultyServer) -> dict[str, int]:
    """Return the tokens that the server has reported."""
    return {name: server.sent[name] for name in ("prompt_tokens", "completion_tokens")}


@pytest.mark.parametrize("source", [ANTHROPIC, OPENAI])
def test_each_input_is_one_call(source: str, make: Make, server: FaultyServer) -> None:
    """Answers come in order, equal inputs are one call, and calls are under way together."""
    model = make(source, concurrency=3)
    assert [a.label for a in model.predict([*TEXTS, *TEXTS])] == [*map(answer_to, TEXTS)] * 2
    assert server.calls == server.answered == dict.fromkeys(TEXTS, 1)
    assert sorted(index for index, _ in model.stream(TEXTS)) == list(range(len(TEXTS)))
    assert model.used.requests == 2 * len(TEXTS)


FAULTS = (
    *(fault for fault in PASSING if fault not in ("408", "409", "not an object")),
    *("no quota", "429 after an hour", "402", "529", "400", "400 no credit", "400 filtered"),
    *("400 too long", "400 too long in words", "400 too long for Anthropic", "401", "403", "404"),
    *("422", "flood", "bomb", "gzip", "redirect 302", "redirect 307", "empty answer"),
    *("null answer", "refusal", "filtered", "cut at the limit", "nothing within the limit"),
)
TRANSLATED = {
    "no message": "the answer has no message",
    "two choices": "",
    "no choice": "",
    "error of the choice": "",
    "error beside choices": "",
    "content is a number": "LiteLLM cannot read the answer: 'int' object is not iterable",
    "content is a table": "LiteLLM cannot read the answer: ",
    "finished by an error": "the answer is an error (error)",
    "aborted": "the answer is an error (abort)",
}
"""Faults that are others in Anthropic's form, and the reasons that are given for them."""


def outcome(server: FaultyServer, kind: str, source: str, fault: str) -> tuple[Any, ...]:
    """Return what comes of an input that always meets a fault, after one that was answered."""
    server.forget()
    server.script = lambda text, _: fault if text == "x" else ""
    time = Time()
    model = model_at(server, time, kind=kind, source=source, attempts=2)
    first, second = model.predict(["first", "x"])
    assert first.label == answer_to("first")
    return second, server.calls["x"], round(time.now, 3), model.used.requests


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_as_with_the_openai_adapter(fault: str, server: FaultyServer) -> None:
    """Answer, words, number of calls and waits are the same, in either form."""
    expected = outcome(server, "openai", MODEL, fault)
    assert outcome(server, "litellm", OPENAI, fault) == expected
    result = outcome(server, "litellm", ANTHROPIC, fault)
    if fault not in TRANSLATED:
        assert result == expected
    elif TRANSLATED[fault]:
        assert result[0].label is None
        assert (result[0].error or "").startswith(TRANSLATED[fault])
        assert result[1:] == expected[1:]


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_call_has_a_time_limit(fault: str, make: Make, server: FaultyServer) -> None:
    """A server that says nothing, or a byte now and then, is given up after the time limit."""
    server.script = lambda text, _: fault if text == "x" else ""
    answers = make(attempts=2, timeout=1.0).predict(["first", "x"])
    assert answers[1] == Prediction(None, error="no answer within 1 s (2 attempts)")
    assert server.calls["x"] == 2


@pytest.mark.parametrize("source", [ANTHROPIC, OPENAI])
def test_an_unreachable_server_is_a_clear_error(source: str, make: Make) -> None:
    """The error names URL and reason; nothing is tried more often than allowed."""
    url, time = f"http://127.0.0.1:{free_port()}", Time()
    with pytest.raises(ModelError) as caught:
        make(source, base_url=url, attempts=3, time=time).predict(TEXTS)
    assert str(caught.value).startswith(f"model 'model': {url} cannot be reached: ")
    assert "Connect call failed" in str(caught.value)
    assert len(time.waits) == 2


@pytest.mark.parametrize("fault", ["400", "401", "404", "no quota", "nothing within the limit"])
def test_wrong_settings_end_it_at_the_first_call(
    fault: str, make: Make, server: FaultyServer
) -> None:
    """What can only be wrong settings is an error after one call, with server and model."""
    server.script = lambda *_: fault
    with pytest.raises(ModelError) as caught:
        make().predict(TEXTS)
    start = f"model 'model': {server.url.removesuffix('/v1')}, model '{ANTHROPIC}': "
    assert str(caught.value).startswith(start)
    assert server.calls == {TEXTS[0]: 1}
    assert caught.value.__cause__ is caught.value.__context__ is None
    if fault == "404":
        assert "Check the name of the model, which LiteLLM asks anthropic for" in str(caught.value)


def test_caps_and_rates_hold(make: Make, server: FaultyServer) -> None:
    """They are those of the OpenAI adapter: enforced before the call that would exceed them."""
    time = Time()
    model = make(max_requests=3, requests_per_minute=60, time=time, concurrency=1)
    answers = model.predict(TEXTS)
    assert server.calls.total() == 3
    assert [answer.error for answer in answers[3:]] == [
        "not asked: another call could exceed max_requests = 3"
    ] * 3
    assert time.now == pytest.approx(3.0)
    dear = make(max_cost=0.000_001, price_in=1, price_out=1)
    assert "max_cost" in (dear.predict(["x"])[0].error or "")


def test_prices_are_those_of_the_list(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are LiteLLM's unless the user gives some; an unknown model has none."""
    package = litellm.imported("the test")
    for name in ("anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash", "openai/gpt-4o-mini"):
        prices = make(name).account.ledger.prices
        cost = package.cost_per_token(name, prompt_tokens=1_000_000, completion_tokens=1_000_000)
        assert prices is not None
        assert (prices.prompt, prices.completion) == pytest.approx(cost)
    model = make("anthropic/claude-haiku-4-5", max_cost=2.0)
    assert model.estimate(["x"]).cost == pytest.approx(
        model.estimate(["x"]).prompt_tokens * 1e-6 + 16 * 5e-6
    )
    own = make("anthropic/claude-haiku-4-5", price_in=7, price_out=9, currency="EUR")
    assert own.account.ledger.prices == Prices(7, 9, "EUR")
    assert make().estimate(["x"]).cost is None
    with pytest.raises(ConfigurationError) as caught:
        make(max_cost=1)
    assert str(caught.value) == (
        "model 'model': max_cost = 1 needs price_in and price_out, the prices of a million tokens, "
        "as LiteLLM's list has none for 'anthropic/tester'"
    )
    monkeypatch.setattr(litellm, "_price_list", dict)
    with pytest.raises(ConfigurationError, match="or LiteLLM, which has a list of prices: pip"):
        make(max_cost=1)


def test_a_model_is_described_and_priced_without_importing_litellm() -> None:
    """The package, which takes seconds to be imported, is imported for the first call."""
    code = """
import sys
sys.path[:0] = ["tests/servers"]
from api_model import model_at
from faulty_server import FaultyServer
model = model_at(FaultyServer(url="http://127.0.0.1:1/v1"), kind="litellm",
                 source="anthropic/claude-haiku-4-5", max_cost=1.0)
assert model.estimate(["x"]).cost > 0
model.fingerprint, model.parameters, model.secrets, model.source
assert not {"litellm", "openai", "httpx"} & set(sys.modules)
"""
    root = Path(__file__).parent.parent.parent
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_importing_litellm_changes_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It reads no `.env`, adds no folder to `sys.path`, uses no network and no stream."""
    (tmp_path / ".env").write_text("FROM_DOT_ENV=1")
    code = """
import os, sys, socket, logging
def refuse(*_): raise AssertionError("the network is used")
socket.getaddrinfo = refuse
before, path = dict(os.environ), list(sys.path)
from pytest_ood.models.litellm import imported
imported("model 'm'")
assert dict(os.environ) == before, set(os.environ) ^ set(before)
assert sys.path == path
assert not any(logging.getLogger(n).handlers for n in ("LiteLLM", "LiteLLM Router"))
"""
    monkeypatch.chdir(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


SECRET_FAULTS = ("", "401", "403", "500 with the key", "a page")


@pytest.mark.parametrize("source", [ANTHROPIC, OPENAI])
@pytest.mark.parametrize("fault", SECRET_FAULTS)
def test_the_key_is_sent_and_never_shown(
    *,
    source: str,
    fault: str,
    make: Make,
    server: FaultyServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither errors nor answers, descriptions, output or logs of any level hold it."""
    monkeypatch.setenv("SECRET_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    server.script = lambda text, _: fault if text == "x" else ""
    model = make(source, api_key="env:SECRET_KEY", attempts=2)
    shown = [repr(model), str(dict(model.parameters)), model.source]
    shown += map(repr, model.predict(["first", "x"]))
    try:
        make(source, api_key="SECRET_KEY", attempts=1).predict(["x"])
    except ModelError as error:
        shown.append(str(error))
    sent = [h.get("x-api-key") or h.get("authorization", "")[7:] for h in server.headers]
    assert set(sent) == {KEY}
    printed = capfd.readouterr()
    everything = "\n".join([*shown, caplog.text, printed.out, printed.err])
    assert KEY not in everything
    assert json.dumps(KEY)[1:-1] not in everything


@pytest.mark.parametrize(
    ("source", "header"),
    [
        ("azure", "api-key"),
        ("gemini", "x-goog-api-key"),
        ("mistral", "authorization"),
        ("ollama_chat", "authorization"),
        ("hosted_vllm", "authorization"),
        ("openrouter", "authorization"),
    ],
)
def test_each_provider_gets_the_key_where_it_looks_for_it(
    source: str, header: str, make: Make, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, whichever client LiteLLM wants, and never the placeholder."""
    monkeypatch.setenv("MY_KEY", KEY)
    answers = make(f"{source}/{MODEL}", api_key="MY_KEY", concurrency=1).predict(["x", "y"])
    assert [answer.label for answer in answers] == [answer_to("x"), answer_to("y")]
    assert server.calls == {"x": 1, "y": 1}
    for headers, path in zip(server.headers, server.paths, strict=True):
        in_query = parse_qs(urlsplit(path).query).get("key", [""])[0]
        assert KEY in (headers.get(header, "").removeprefix("Bearer "), in_query)
        assert PLACEHOLDER not in f"{headers} {path}"


def test_a_key_of_the_environment_is_the_providers(
    make: Make, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to a server on this machine only if it is named, as with the OpenAI adapter."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    make().predict(["x"])
    assert "x-api-key" not in server.headers[0]
    make(api_key="ANTHROPIC_API_KEY").predict(["y"])
    assert server.headers[1]["x-api-key"] == KEY
    make(headers={"x-team": "a", "x-token": "Token env:ANTHROPIC_API_KEY"}).predict(["z"])
    assert server.headers[2]["x-token"] == f"Token {KEY}"
    assert server.headers[2]["x-team"] == "a"
    remote = make("anthropic/claude-haiku-4-5", base_url="https://api.no-such-host.invalid")
    assert remote.server.key_name == "ANTHROPIC_API_KEY"  # type: ignore[attr-defined]
    assert any(secret.value == KEY for secret in secrets_of(remote).secrets)


@pytest.mark.parametrize(
    ("source", "variable"),
    [
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("mistral/mistral-small-latest", "MISTRAL_API_KEY"),
        ("openai/gpt-4o-mini", "OPENAI_API_KEY"),
    ],
)
def test_a_missing_key_names_the_variable(source: str, variable: str, make: Make) -> None:
    """Before anything is asked."""
    with pytest.raises(ModelError) as caught:
        make(source, base_url=None).predict(["x"])
    assert f"needs a key, and the environment variable {variable} is not set" in str(caught.value)
    with pytest.raises(ModelError, match="the environment variable MY_KEY is not set"):
        make(source, api_key="MY_KEY").predict(["x"])


def test_a_provider_that_does_not_exist_is_refused(make: Make) -> None:
    """The message has similar names."""
    with pytest.raises(
        ModelError, match=r"unknown provider 'antropic'\. Did you mean .*'anthropic'"
    ):
        make("antropic/claude").predict(["x"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "claude-haiku-4-5"}, "names no provider and model; write both"),
        ({"source": "anthropic/"}, "names no provider and model; write both"),
        ({"base_url": "localhost:80"}, "base_url is no http or https URL"),
        ({"api_key": KEY}, "api_key is the name of an environment variable in capitals"),
        ({"headers": {"x-token": "abc"}}, "the value of 'x-token' may be a secret"),
        ({"request": {"mock_response": "positive"}}, "'mock_response' is decided by options"),
        ({"request": {"fallbacks": ["openai/x"]}}, "'fallbacks' is decided by options of its own"),
        ({"request": {"n": 2}}, "'n' is decided by options of its own"),
        ({"request": {"aws_secret_access_key": "abc"}}, "the value may be a secret"),
        ({"concurrency": 0}, "concurrency = 0 has to be 1 or more"),
    ],
)
def test_wrong_values_are_refused(options: dict[str, Any], message: str, make: Make) -> None:
    """Bad input is an error when the model is described; no secret is repeated."""
    with pytest.raises(ConfigurationError) as caught:
        make(**options)
    assert message in str(caught.value)
    assert KEY not in str(caught.value)


def test_an_option_that_a_provider_does_not_have_is_refused(
    make: Make, server: FaultyServer
) -> None:
    """LiteLLM would drop it only if told to; the error names it, and nothing is sent."""
    with pytest.raises(ModelError) as caught:
        make(seed=3).predict(["x"])
    assert "anthropic does not support parameters: ['seed']" in str(caught.value)
    assert str(caught.value).endswith("Leave out the options that are sent as these")
    assert not server.calls


def test_without_litellm_the_error_names_the_command(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named before anything is asked."""
    monkeypatch.setitem(sys.modules, "litellm", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[litellm\]"'):
        make().predict(["x"])


def test_a_package_that_a_provider_needs_is_named(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bedrock needs one that LiteLLM does not always bring."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION_NAME"):
        monkeypatch.setenv(name, "us-east-1")
    with pytest.raises(ModelError, match=r"LiteLLM needs the package '(boto3|botocore)' for it"):
        make("bedrock/anthropic.claude-3-haiku-20240307-v1:0", base_url=None).predict(["x"])


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        ({"stop_reason": "end_turn"}, "end_turn"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, "safety"),
        ({"stopReason": "error"}, "error"),
        ({"candidates": []}, ""),
        ({"stop_reason": None}, ""),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_the_end_of_an_answer_is_read(answer: Any, finish: str) -> None:
    """In each provider's own form; anything else has none."""
    assert finish_of(answer) == finish


def test_the_configuration_names_it_in_two_ways(server: FaultyServer, tmp_path: Path) -> None:
    """`litellm = "NAME"` and `prompted = "litellm:NAME"` are the same model."""
    rest = {"prompt": "{text}", "base_url": server.url.removesuffix("/v1")}
    tables = {
        "a": {**rest, "litellm": ANTHROPIC},
        "b": {**rest, "prompted": f"litellm:{ANTHROPIC}"},
    }
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    first, second = (spec.build(TASK, reader, tmp_path) for spec in parse_models(tables, "here"))
    assert isinstance(first, ChatModel)
    assert isinstance(second, ChatModel)
    assert first.fingerprint == second.fingerprint
    assert first.source == f"{ANTHROPIC} at {rest['base_url']}"


def test_the_fingerprint_tells_providers_apart(context_of: Callable[..., Context]) -> None:
    """Model, address, prompt and decoding decide it, keys and limits do not."""

    def of(source: str = "anthropic/a", **options: Any) -> str:
        build = adapter("litellm").build
        model = build(source, context_of(Path()), **{"prompt": "{text}", **options})
        return str(model.fingerprint)

    changes: list[dict[str, Any]] = [
        {"source": "anthropic/b"}, {"source": "vertex_ai/a"}, {"base_url": "http://localhost:1"},
        {"prompt": "{text}?"}, {"temperature": 0.5}, {"request": {"top_k": 1}}, {"system": False},
    ]  # fmt: skip
    assert len({of(), *(of(**change) for change in changes)}) == len(changes) + 1
    assert of(api_key="OTHER_KEY", max_requests=5, price_in=1, price_out=1) == of()


def test_warnings_of_litellm_are_no_errors(make: Make) -> None:
    """With `filterwarnings = error` its own warnings would be failures of calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for source in (ANTHROPIC, OPENAI):
            model = make(source)
            assert model.predict(["x"])[0].label == answer_to("x")
            again = replace(model, patience=replace(model.patience, concurrency=1))
            assert again.predict(["y"])[0].label == answer_to("y"), "in another event loop"


def test_closing_a_stream_gives_up_what_is_under_way(make: Make, server: FaultyServer) -> None:
    """Nothing more is sent, and nothing of LiteLLM is left behind, at whatever point it is."""
    server.script = lambda text, _: "slow" if text != "text 0" else ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for source in (ANTHROPIC, OPENAI):
            server.forget()
            stream = make(source, concurrency=3).stream([f"text {n}" for n in range(20)])
            assert next(stream)[1].label == answer_to("text 0")
            stream.close()
            assert server.calls.total() <= 4
            gc.collect()
