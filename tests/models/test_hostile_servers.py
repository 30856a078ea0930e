"""What the official client gets from a server on loopback that sends anything but answers."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from math import exp, inf
from typing import Any

import pytest
from api_model import Time, model_at
from faulty_server import BODIES, STATUSES, FaultyServer, answer_to, serving
from processes import free_port

from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models._api import transport
from pytest_ood.models._api.limits import FIRST_WAIT
from pytest_ood.models.protocol import Usage, secrets_of
from pytest_ood.tasks import NumericAnswer, Prediction

pytestmark = pytest.mark.slow

KEY = 'sk-Recognisable-0123/+"456789'


@pytest.fixture(scope="module")
def running() -> Iterator[FaultyServer]:
    """Run one server for all tests."""
    with serving() as server:
        yield server


@pytest.fixture
def server(running: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> FaultyServer:
    """Return the server as it is at first, and an environment without keys and proxies."""
    fresh = FaultyServer()
    for name in (
        "script", "answer", "sampled", "told", "logprobs", "models", "echo", "elsewhere"
    ):  # fmt: skip
        setattr(running, name, getattr(fresh, name))
    running.forget()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return running


def once_asked(server: FaultyServer, fault: str, **options: Any) -> Prediction:
    """Return what comes of an input that always meets a fault, after one that was answered."""
    server.script = lambda text, _: fault if text == "x" else ""
    return model_at(server, **{"attempts": 2, **options}).predict(["first", "x"])[1]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("error of the choice", "the answer is an error: overloaded, try later"),
        ("error beside choices", "the answer is an error: overloaded, try later"),
        ("finished by an error", "the answer is an error (error)"),
        ("aborted", "the answer is an error (abort)"),
        ("content is a number", "the answer's content is no text"),
        ("content is a table", "the answer's content is no text"),
        ("content is nested lists", "the answer's content is no text"),
        ("content has a part without text", "the answer's content is no text"),
        ("content has a part of nothing", "the answer's content is no text"),
        ("nested deeply", "the answer is no JSON"),
        ("not UTF-8", "the answer is no JSON"),
        ("a stream of events", "the answer is no JSON"),
        ("damaged gzip", "the answer cannot be read: damaged gzip"),
        ("unknown encoding", "encoded as 'br', which was not asked for"),
    ],
)
def test_what_is_no_answer_is_asked_again_and_an_error(
    fault: str, reason: str, server: FaultyServer
) -> None:
    """It is never an abstention; where the second call is answered, that is the answer."""
    answer = once_asked(server, fault)
    assert reason in (answer.error or "")
    assert (answer.label, answer.text) == (None, None)
    assert server.calls["x"] == 2
    server.forget()
    server.script = lambda _, call: fault if call == 1 else ""
    assert model_at(server).predict(["x"]) == [Prediction(answer_to("x"), text=answer_to("x"))]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("no error", Prediction(answer_to("x"), text=answer_to("x"))),
        ("no finish", Prediction(answer_to("x"), text=answer_to("x"))),
        ("reasoning apart", Prediction(answer_to("x"), text=answer_to("x"))),
        ("parts with thoughts", Prediction(answer_to("x"), text=answer_to("x"))),
        ("gzip", Prediction(answer_to("x"), text=answer_to("x"))),
        ("gzip in members", Prediction(answer_to("x"), text=answer_to("x"))),
        ("part that refuses", Prediction(None, text="I will not call it positive.")),
        ("filtered for safety", Prediction(None, text=answer_to("x"))),
        ("lone surrogate", Prediction(answer_to("x"), text=f"{answer_to('x')} ?")),
        (
            "tool call",
            Prediction(
                None,
                text='{"tool_calls": [{"type": "function", "function": '
                '{"name": "search", "arguments": "{}"}}]}',
            ),
        ),
        ("many ends of lines", Prediction(answer_to("x"), text="\n" * 30_000 + answer_to("x"))),
    ],
)
def test_each_kind_of_answer_is_judged(
    fault: str, expected: Prediction, server: FaultyServer
) -> None:
    """What is an answer, unusual or not, is read; what declines is an abstention; by one call."""
    assert once_asked(server, fault) == expected
    assert server.calls["x"] == 1


@pytest.mark.parametrize("fault", ["flood", "endless", "bomb", "bombs", "gzip of nothing"])
@pytest.mark.parametrize("first", [True, False])
def test_an_answer_has_a_largest_size(*, fault: str, first: bool, server: FaultyServer) -> None:
    """Beyond it the input has an error; it is not asked again, and nothing else is lost."""
    reason = "the answer is larger than 4 MB, and was cut off"
    if first:
        server.script = lambda text, _: fault if text == "x" else ""
        answers = model_at(server).predict(["x", "second"])
        assert answers[0] == Prediction(None, error=reason)
        assert answers[1].label == answer_to("second")
    else:
        assert once_asked(server, fault) == Prediction(None, error=reason)
    assert server.calls["x"] == 1


@pytest.mark.parametrize("fault", ["redirect 302", "redirect 307"])
def test_another_server_gets_neither_key_nor_text(
    fault: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirection to it is an error that names it."""
    monkeypatch.setenv("MY_KEY", KEY)
    with serving() as other:
        server.elsewhere = f"{other.url}/chat/completions?to=1"
        answer = once_asked(server, fault, api_key="MY_KEY")
        assert f"redirects to {other.url}/chat/completions, another server" in (answer.error or "")
        assert not other.calls
        assert not other.headers
    assert server.calls["x"] == 1


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("http://ho st/v1?key=hidden", "to http://ho st/v1, which is no URL"),
        ("http://[bad/v1", "to http://[bad/v1, which is no URL"),
        ("https://host:99999999/", "which is no URL"),
        ("{url}/chat/completions", "without end, at last to {url}/chat/completions"),
    ],
)
def test_a_redirection_that_leads_nowhere_is_named(
    target: str, told: str, server: FaultyServer
) -> None:
    """It would lead nowhere the next time, too: it is not asked again."""
    server.elsewhere = target.format(url=server.url)
    answer = once_asked(server, "redirect 307")
    assert told.format(url=server.url) in (answer.error or "")
    assert "attempts" not in (answer.error or "")
    assert "hidden" not in (answer.error or "")
    assert server.calls["x"] == (21 if "end" in told else 1)


@pytest.mark.parametrize("logprob", [float("nan"), 0.5, float("inf"), 10**400])
def test_a_log_probability_that_is_none_is_an_error(logprob: float, server: FaultyServer) -> None:
    """What its neighbours are, nobody knows either; it is asked again."""
    server.logprobs = {"positive": logprob, "negative": -1.0}
    answer = model_at(server, attempts=2, top_logprobs=2).predict(["x"])[0]
    assert "the answer has a log probability that is " in (answer.error or "")
    assert (answer.label, dict(answer.scores)) == (None, {})
    assert server.calls["x"] == 2


def test_a_redirection_on_the_same_server_is_followed(server: FaultyServer) -> None:
    """It gets what the first address got."""
    server.elsewhere = f"{server.url}/moved/chat/completions"
    server.script = lambda _, call: "redirect 307" if call == 1 else ""
    assert model_at(server).predict(["x"])[0].label == answer_to("x")
    assert server.paths == ["/v1/chat/completions", "/v1/moved/chat/completions"]


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 1e308, "completion_tokens": 2},
        {"prompt_tokens": 10**400, "completion_tokens": 2},
        {"prompt_tokens": 10**9, "completion_tokens": 2},
        {"prompt_tokens": 5, "completion_tokens": -2},
        {"prompt_tokens": True, "completion_tokens": 2},
        {"prompt_tokens": 5.0, "completion_tokens": 2},
        {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
        {"prompt_tokens": [5], "completion_tokens": {}},
        ["prompt_tokens"],
        "much",
    ],
    ids=lambda usage: str(usage)[:40],
)
def test_absurd_usages_are_unknown(usage: Any, server: FaultyServer) -> None:
    """A call that tells what cannot be counts at its bounds, and the next is not held back."""
    server.sent.clear()
    server.told = lambda _: usage if isinstance(usage, dict) else {"nothing": 0}
    model = model_at(server, price_in=1, price_out=1, tokens_per_minute=1000, max_cost=10)
    assert [answer.label for answer in model.predict(["x"])] == [answer_to("x")]
    assert model.used == model.estimate(["x"])


def test_a_number_of_too_many_digits_is_unknown(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that Python does not even convert does not spoil the answer."""
    body = json.dumps(FaultyServer().reply("positive"))[:-1]
    digits = "9" * 5_000
    text = f'{body}, "usage": {{"prompt_tokens": {digits}, "completion_tokens": 1}}}}'
    monkeypatch.setitem(BODIES, "digits", text.encode())
    model = model_at(server)
    server.script = lambda *_: "digits"
    assert model.predict(["x"])[0].label == "positive"
    assert model.used == Usage(
        requests=1, prompt_tokens=model.estimate(["x"]).prompt_tokens, completion_tokens=16
    )


HOUR = "the server wants to be left alone for 1 h 00 min"
LONGER = "the server wants to be left alone for longer"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Fri, 31 Dec 99999 23:59:59 GMT", LONGER),
        ("Fri, 31 Dec 10000 23:59:59 GMT", LONGER),
        ("9" * 400, LONGER),
        ("3600", HOUR),
        ("3.6e3", HOUR),
        ("inf", (0.25, 0.5)),
        ("1e400", (0.25, 0.5)),
        ("-5", (0.0, FIRST_WAIT)),
        ("nan", (0.25, 0.5)),
        ("soon", (0.25, 0.5)),
        ("", (0.25, 0.5)),
        ("Fri, 99 Foo 2026 99:99:99 GMT", (0.25, 0.5)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", (0.0, FIRST_WAIT)),
        ("1.5", (1.5, 1.5 + FIRST_WAIT)),
        ("0", (0.0, FIRST_WAIT)),
    ],
)
def test_any_retry_after_is_judged(
    value: str,
    expected: str | tuple[float, float],
    server: FaultyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is longer than five minutes is not waited for; what says nothing is as if not there."""
    monkeypatch.setitem(STATUSES, "429 such", (429, {"Retry-After": value}, {"message": "slow"}))
    server.script = lambda text, call: "429 such" if (text, call) == ("x", 1) else ""
    time = Time()
    answer = model_at(server, time).predict(["first", "x"])[1]
    if isinstance(expected, str):
        assert answer == Prediction(None, error=f"status 429: slow; {expected}")
    else:
        assert answer.label == answer_to("x")
        least, most = expected
        assert least <= sum(time.waits) <= most


@dataclass
class SharedTime(Time):
    """Time that does not pass before so many calls wait for it.

    Else it would have passed for one call while the refusals of others are still on their way.
    """

    calls: int = 8
    all_wait: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Let time pass once all calls wait."""
        self.waits.append(seconds)
        until = self.now + seconds
        if len(self.waits) >= self.calls:
            self.all_wait.set()
        await self.all_wait.wait()
        self.now = max(self.now, until)


def test_calls_side_by_side_wait_once_for_a_date(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight calls that are all told to come back in two seconds do so, once, together."""
    date = formatdate(1_000_002, usegmt=True)
    monkeypatch.setitem(STATUSES, "429 until", (429, {"Retry-After": date}, {"message": "slow"}))
    texts = [f"text {number}" for number in range(8)]
    server.script = lambda text, call: "429 until" if text != "first" and call == 1 else ""
    time = SharedTime()
    model = model_at(server, time, concurrency=8)
    model = replace(model, server=replace(model.server, wall=lambda: 1_000_000.0 + time.now))
    answers = model.predict(["first", *texts])
    assert [answer.label for answer in answers] == list(map(answer_to, ["first", *texts]))
    assert server.calls == {"first": 1, **dict.fromkeys(texts, 2)}
    assert 2.0 <= time.now <= 2.0 + 2 * FIRST_WAIT


UNSENDABLE = {
    f"{KEY}\u201d": "character 30 of 30 is RIGHT DOUBLE QUOTATION MARK (U+201D)",
    f"\u200b{KEY}": "character 1 of 30 is ZERO WIDTH SPACE (U+200B)",
    f"{KEY}\n": "character 30 of 30 is LINE FEED (U+000A)",
    f" {KEY}": "character 1 of 30 is SPACE (U+0020)",
    f"{KEY[:5]}\r\nX-Other: 1": "character 6 of 17 is CARRIAGE RETURN (U+000D)",
    f"{KEY[:5]}\u00e9{KEY[5:]}": "character 6 of 30 is LATIN SMALL LETTER E WITH ACUTE (U+00E9)",
    f"{KEY}\u00a0": "character 30 of 30 is NO-BREAK SPACE (U+00A0)",
    f"{KEY}\x7f": "character 30 of 30 is a control character (U+007F)",
}


@pytest.mark.parametrize("value", UNSENDABLE, ids=lambda value: UNSENDABLE[value])
@pytest.mark.parametrize("option", [{"api_key": "MY_KEY"}, {"headers": {"api-key": "env:MY_KEY"}}])
def test_a_key_that_no_header_can_carry_is_refused(
    option: dict[str, Any], value: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first call, with the character and never the key."""
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(ModelError) as caught:
        model_at(server, **option).predict(["x"])
    message = str(caught.value)
    assert message.startswith(f"model 'model': MY_KEY cannot be sent: {UNSENDABLE[value]}; ")
    assert KEY[:5] not in message
    assert "\n" not in message
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert not server.calls


def test_own_headers_are_sent_and_no_key_is_asked_for(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header from the environment stands in the place of a key, on this machine and elsewhere."""
    monkeypatch.setenv("MY_KEY", KEY)
    headers = {"api-key": "env:MY_KEY", "X-Auth": "Token env:MY_KEY", "X-Team": "nlp"}
    model = model_at(server, headers=headers)
    assert model.predict(["x"])[0].label == answer_to("x")
    (sent,) = server.headers
    assert (sent["api-key"], sent["x-auth"], sent["x-team"]) == (KEY, f"Token {KEY}", "nlp")
    assert "authorization" not in sent
    assert model.parameters["headers"] == {"X-Team": "nlp"}
    assert KEY not in repr(model) + str(model.parameters)
    assert (
        model_at(server, headers=headers, base_url="https://x.invalid/v1").server.key_name is None
    )
    plain = model_at(server, headers={"X-Team": "nlp"}, base_url="https://x.invalid/v1")
    assert plain.server.key_name == "OPENAI_API_KEY"
    server.forget()
    both = model_at(server, headers={"api-key": "env:MY_KEY"}, api_key="env:MY_KEY")
    both.predict(["x"])
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_header_whose_variable_is_not_set_names_it(server: FaultyServer) -> None:
    """As a missing key does."""
    with pytest.raises(ModelError, match=r"needs the header 'api-key'.* NO_SUCH_NAME is not set"):
        model_at(server, headers={"api-key": "env:NO_SUCH_NAME"}).predict(["x"])


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"api-key": KEY}, "may be a secret; put it into an environment variable"),
        ({"Authorization": "abc"}, "may be a secret"),
        ({"X-Anything": f"Bearer {KEY}"}, "may be a secret"),
        ({"X-Anything": "sk-0123456789"}, "may be a secret"),
        ({"a b": "c"}, "'a b' is no name of a header"),
        ({"X\n": "c"}, "is no name of a header"),
        ({"Host": "c"}, "'Host' is decided by the client"),
        ({"X-A": 5}, "the value of 'X-A' is a string"),
        ({"X-A": "a\nb"}, "character 2 of 3 is LINE FEED"),
        ({"X-A": "a", "x-a": "b"}, "twice the same: x-a"),
    ],
)
def test_wrong_headers_are_refused(
    headers: dict[str, Any], message: str, server: FaultyServer
) -> None:
    """Before anything is sent, and without what may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        model_at(server, headers=headers)
    assert message in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("0.0.0.0:8000", True), ("[::]:80", True), ("[::ffff:127.0.0.1]", True), ("127.1", True),
        ("localhost.", True), ("LOCALHOST", True), ("host.docker.internal", True),
        ("192.168.0.1", False), ("0.0.0.0.example.com", False), ("deadbeef", False),
        ("8.8.8.8", False), ("[::ffff:8.8.8.8]", False), ("127.0.0.1.nip.io", False),
    ],
)  # fmt: skip
def test_a_server_on_this_machine_needs_no_key(
    *, host: str, local: bool, server: FaultyServer
) -> None:
    """However its address is written."""
    name = model_at(server, base_url=f"http://{host}/v1").server.key_name
    assert name == (None if local else "OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("variable", "proxy", "words"),
    [
        ("HTTP_PROXY", "http://me:{pw}@127.0.0.1:{port}", "cannot be reached"),
        ("http_proxy", "127.0.0.1:{port}", "cannot be reached"),
        ("ALL_PROXY", "socks5://me:{pw}@127.0.0.1:{port}", "'socksio', which is not installed"),
        (
            "ALL_PROXY",
            "magic://me:{pw}@127.0.0.1:{port}",
            "has the scheme 'magic', not one of http",
        ),
    ],
)
def test_a_proxy_is_named(
    variable: str,
    proxy: str,
    words: str,
    server: FaultyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With its variable, without its password, and how to do without it; also on this machine."""
    port = free_port()
    monkeypatch.setenv(variable, proxy.format(pw="s3cretpass", port=port))
    monkeypatch.setattr(transport.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError) as caught:
        model_at(server).predict(["x"])
    message = str(caught.value)
    assert words in message
    assert f"127.0.0.1:{port} (${variable})" in message
    assert "NO_PROXY=127.0.0.1" in message
    assert "s3cretpass" not in message
    assert "\n" not in message
    assert not server.calls
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert model_at(server).predict(["x"])[0].label == answer_to("x")


def test_a_proxy_that_is_no_url_is_not_shown(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell what of it is a password."""
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cretpass@host:port")
    with pytest.raises(ModelError, match=r"the proxy of \$HTTP_PROXY is no URL") as caught:
        model_at(server).predict(["x"])
    assert "s3cretpass" not in str(caught.value)


QUIRKS: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "no system role": (
        "no system role",
        {"prompt": "Say it.\n---\n{text}"},
        "`system = false` puts the instruction before the first message of the user",
        {"system": False},
    ),
    "max_completion_tokens only": (
        "max_completion_tokens only",
        {},
        "A reasoning model is asked with `reasoning = true`",
        {"reasoning": True},
    ),
    "no logprobs": (
        "no logprobs",
        {"top_logprobs": 5},
        "the answer has no log probabilities; leave out `top_logprobs`",
        {"top_logprobs": 0},
    ),
    "logprobs refused": (
        "logprobs refused",
        {"top_logprobs": 5},
        "Where the server has no log probabilities, leave out `top_logprobs`",
        {"top_logprobs": 0},
    ),
    "json_schema only": (
        "json_schema only",
        {"answer": "json_object"},
        'Where the server has no structured answers, `answer = "text"` does without',
        {"answer": "text"},
    ),
}
"""What servers lack: the request that they cannot answer, the advice, and the options of it."""


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_a_server_lacks_is_told_once_and_the_advice_helps(
    quirk: str, server: FaultyServer
) -> None:
    """The error comes after one call, and with the options that it names the model is answered."""
    fault, options, advice, remedy = QUIRKS[quirk]
    server.script = lambda *_: fault
    with pytest.raises(ModelError) as caught:
        model_at(server, **options).predict(["x", "y"])
    assert advice in str(caught.value)
    assert server.calls == {"x": 1}
    server.forget()
    answers = model_at(server, **{**options, **remedy}).predict(["x"])
    (asked,) = server.calls
    assert answers == [Prediction(answer_to(asked), text=answer_to(asked))]


@pytest.mark.parametrize(
    ("quirk", "calls", "error"),
    [
        ("no usage", 1, None),
        ("reasoning in the content", 1, None),
        ("reasoning without its beginning", 1, None),
        ("no choice", 2, "the answer has 0 choices, where it has 1 (2 attempts)"),
        ("null choices", 2, "the answer has no choices, where it has 1 (2 attempts)"),
    ],
)
def test_what_servers_answer_otherwise(
    quirk: str, calls: int, error: str | None, server: FaultyServer
) -> None:
    """Reasoning is no part of the answer; a call without a usage counts at its bounds."""
    answer = once_asked(server, quirk)
    assert answer.error == error
    assert answer.label == (answer_to("x") if error is None else None)
    assert server.calls["x"] == calls
    server.script = lambda *_: "no usage"
    model = model_at(server)
    assert model.predict(["x"])[0].label == answer_to("x")
    assert model.used == model.estimate(["x"])


@pytest.mark.parametrize(
    "words",
    [
        "System role not supported",
        "Jinja Exception: System role not supported",
        "Only user and assistant roles are supported!",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        "Developer instruction is not enabled for this model",
        "role 'system' is not allowed",
    ],
)
@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_refused_system_role_is_explained(
    status: int, words: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where the instruction belongs instead, after one call."""
    monkeypatch.setitem(STATUSES, "no system", (status, {}, {"message": words}))
    server.script = lambda *_: "no system"
    with pytest.raises(ModelError) as caught:
        model_at(server, prompt="Say it.\n---\n{text}").predict(["x"])
    assert "`system = false` puts the instruction before the first message of the user" in str(
        caught.value
    )
    assert server.calls.total() == 1
    server.forget()
    (answer,) = model_at(server, attempts=1).predict(["x"]) if status == 500 else [None]
    if answer is not None:
        assert "instruction" not in (answer.error or "").partition(words)[2]


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"label": "positive"}\n```',
        '```\n{"label": "positive"}\n```',
        'Sure! Here it is:\n{"label": "Positive"}\nAnything else?',
        '<think>{"label": "negative"}?</think>{"label": "positive"}',
        '{"label": "negative"}</think>\n```json\n{"label": "positive"}```',
        '{"reason": "{no object}", "label": "positive"}',
        '{ {"label": "positive"}',
    ],
)
@pytest.mark.parametrize("form", ["text", "json_schema", "json_object"])
def test_an_object_is_read_out_of_what_stands_around_it(
    form: str, answer: str, server: FaultyServer
) -> None:
    """Fences, words and thoughts around it change nothing."""
    server.answer = lambda _: answer
    assert model_at(server, answer=form).predict(["x"]) == [Prediction("positive", text=answer)]


@pytest.mark.parametrize(
    "answer",
    [
        '{"label": "positive"} or {"label": "negative"}',
        '{"label": "positive", "label": "negative"}',
        '```json\n{"label": "posi',
        '{"nested": {"label": "positive"}}',
        "positive",
        "[" * 50_000,
        '{"a":' * 50_000,
        "{" * 50_000,
    ],
    ids=lambda answer: answer[:30],
)
def test_what_is_no_object_with_one_label_is_an_abstention(
    answer: str, server: FaultyServer
) -> None:
    """And is kept as what was said."""
    server.answer = lambda _: answer
    prediction = model_at(server, answer="json_schema").predict(["x"])
    assert prediction == [Prediction(None, text=answer)]


@pytest.mark.parametrize(
    ("tokens", "shares"),
    [
        ({"\u0120pos": -0.5, "\u0120neg": -1.5}, (exp(-1.5), exp(-0.5))),
        ({"\u2581pos": -0.5, "\u2581neg": -1.5}, (exp(-1.5), exp(-0.5))),
        ({"\u010apos": -0.5, "neg": -1.5}, (exp(-1.5), exp(-0.5))),
        ({"<0x70>": -0.5, "<0x6E>": -1.5}, (exp(-1.5), exp(-0.5))),
        ({" Pos": -0.5, "NEG": -inf}, (0.0, exp(-0.5))),
        ({"pos": 0.0001, "neg": -9999.0}, (0.0, 1.0)),
        ({"pos": -(10**400), "neg": -1.0}, (exp(-1.0), 0.0)),
    ],
    ids=str,
)
def test_marks_of_bytes_are_read(
    tokens: dict[str, float], shares: tuple[float, float], server: FaultyServer
) -> None:
    """Tokens count whatever stands for a space or a byte in them; impossible figures do not."""
    server.logprobs = tokens
    (answer,) = model_at(server, top_logprobs=5).predict(["x"])
    negative, positive = shares
    assert answer.scores == {
        "negative": pytest.approx(negative / (negative + positive), abs=1e-4),
        "positive": pytest.approx(positive / (negative + positive), abs=1e-4),
    }


def test_tokens_without_a_label_are_an_error_and_never_silent(server: FaultyServer) -> None:
    """An answer whose probabilities cannot be told is not taken for one without any."""
    server.logprobs = {"The": -0.1, "I": -2.0, KEY: -3.0}
    (answer,) = model_at(server, top_logprobs=5).predict(["x"])
    assert answer.label is None
    assert "none of the likeliest first tokens begins the word of one label alone" in (
        answer.error or ""
    )
    assert "'The', 'I'" in (answer.error or "")


def test_nothing_of_the_key_is_in_what_is_returned(
    server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that repeats it is read as it came, and kept without it; labels, too."""
    monkeypatch.setenv("MY_KEY", KEY)
    server.script = lambda *_: "echo as answer"
    server.echo = lambda key: f"{key.upper()}, {base64.b64encode(key.encode()).decode()[:-4]}"
    model = model_at(server, api_key="MY_KEY")
    (answer,) = model.predict(["x"])
    assert answer == Prediction("positive", text="Is <MY_KEY>, <MY_KEY> positive?")
    server.echo = lambda key: f"12 is {key}"
    (number,) = model_at(server, api_key="MY_KEY", task=NumericAnswer()).predict(["x"])
    assert KEY not in repr(number)
    assert "MY_KEY" in repr(secrets_of(model))
    assert KEY not in repr(model) + repr(model.server) + repr(secrets_of(model))
    assert KEY.encode() not in pickle.dumps((model.server, secrets_of(model)))


CUTS: dict[str, Callable[[str], str]] = {
    "beyond": lambda key: "a" * 278 + key,
    "in the middle": lambda key: "a" * 265 + key,
    "before": lambda key: "a" * 250 + key,
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("fault", ["echo 400", "echo 403", "echo 500"])
def test_what_is_cut_is_cut_after_the_key_was_taken_out(
    cut: str, fault: str, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part of a key stands at the end of a server's long words."""
    monkeypatch.setenv("MY_KEY", KEY)
    server.echo = CUTS[cut]
    answer = once_asked(server, fault, api_key="MY_KEY", attempts=1)
    assert "bad key aaa" in (answer.error or "")
    assert KEY[:4] not in (answer.error or "")
