"""One call to an OpenAI-compatible server, and what can become of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
import os
import re
import socket
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pytest_ood.errors import ModelError, require, unknown_name
from pytest_ood.models._api.limits import retry_after
from pytest_ood.models._api.transport import (
    LARGEST_ANSWER,
    AnswerTooLargeError,
    ElsewhereError,
    NowhereError,
    UnreadableAnswerError,
    open_transport,
    proxy_of,
    shown_target,
    unsendable,
)
from pytest_ood.redaction import (
    Secret,
    Secrets,
    redacted_url,
    secrets_of_environment,
    secrets_of_url,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from pytest_ood.models._api.transport import Proxy

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY_NAME = "OPENAI_API_KEY"
NO_KEY = "none"
"""What the client takes for its key: the real one joins a request below the client, and a server on
this machine needs none."""

CONNECT_SECONDS = 10.0
"""What a connection may take, or half of the time limit where that is less; and what a list of the
server's models may."""

WORDS_SHOWN = 300
"""Characters shown of what a server said."""

MODELS_SHOWN = 20

MOST_TOKENS = 10_000_000
"""A call has no more tokens than this, whatever a server tells."""

LEAST_LOGPROB = -1e6
"""Whatever is less likely has the probability 0 as well."""

FIRST_TOKENS = 4
"""Tokens of an answer in which its first word is looked for, after quotes and line ends."""

SECOND_DRAW = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same call may well succeed."""

THIS_MACHINE = ("localhost", "host.docker.internal", "host.containers.internal")
"""Names of this machine, and of the one that a container runs on."""

Cause = Literal["unreachable", "refused", "rejected", "too long", "too large", "failed"]
"""Why a call gave no answer: no connection; this account may not ask; this request is wrong, or
its answer of no use; its prompt does not fit the model's window; its answer is larger than any may
be; anything else, which may pass."""

TOO_LONG = "context_length_exceeded"
"""The code of a prompt that is too long, in OpenAI's protocol."""

TOO_LONG_WORDS = ("maximum context length", "exceeds the available context size")
"""What servers say that have no code for it (vLLM, llama.cpp)."""

BROKEN_FINISHES = frozenset(
    {"error", "abort", "aborted", "network_error", "insufficient_system_resource", "cancelled"}
)
"""Why an answer ended that the server itself broke off: it may well succeed the next time."""

FILTERED_FINISHES = frozenset(
    {"content_filter", "safety", "sensitive", "recitation", "prohibited_content", "refusal"}
)
CUT_FINISHES = frozenset({"length", "max_tokens", "model_length"})

_SYSTEM_ROLE = re.compile(
    r"""system['"`]?\s+(?:role|prompt|message|instruction)|role\W{1,3}system|'system'"""
    r"""|developer instruction|roles? must alternate|only user and assistant roles""",
    re.IGNORECASE,
)
"""What servers say whose model, or its chat template, knows no system message."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header of every request.

    Attributes:
        name: Its name.
        text: Its value, or what stands before the variable's.
        variable: The environment variable with the rest; None for none.
    """

    name: str
    text: str
    variable: str | None = None

    @property
    def value(self) -> str:
        """What is sent."""
        return self.text + (os.environ.get(self.variable, "") if self.variable else "")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's answer.

    Attributes:
        text: What the model wrote; what it said instead, where it declined. As it came: it may
            repeat a key (see `Server.redact`).
        declined: A content filter stopped it, or the model refused: asking again is of no use.
        tokens: Of prompt and answer, where the server tells them.
        likely: At each of the first places of the answer, up to the first with a letter or a digit,
            the likeliest tokens and their log probabilities, where they were asked for.
        finished: Whether the model came to an end by itself, before the limit.
        model: What the server says answered; "" where it says nothing.
    """

    text: str
    declined: bool = False
    tokens: tuple[int, int] | None = None
    likely: tuple[tuple[tuple[str, float], ...], ...] = ()
    finished: bool = True
    model: str = ""


class CallError(Exception):
    """A call that gave no answer.

    Attributes:
        reason: In words that hold no secret.
        cause: Of what kind.
        status: Of the server's answer, where there was one.
        wait: Seconds that the server asks to wait.
        tokens: What the call has taken; None where nobody knows, so that it may be its bounds.
        words: What the server said, where it said something.
    """

    def __init__(
        self,
        reason: str,
        cause: Cause = "failed",
        *,
        status: int | None = None,
        wait: float | None = None,
        tokens: tuple[int, int] | None = None,
        words: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause
        self.status = status
        self.wait = wait
        self.tokens = tokens
        self.words = words


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a model is asked, and how one gets in.

    Attributes:
        owner: The start of error messages.
        model: Its name there.
        url: As it was configured; its query may be a secret.
        key_name: The environment variable with the key; None where no key is sent.
        headers: Of every request, besides the key.
        wall: Returns seconds since the epoch; replaced in tests.
    """

    owner: str
    model: str
    url: str = field(repr=False)
    key_name: str | None
    headers: tuple[Header, ...] = ()
    wall: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @property
    def base_url(self) -> str:
        """Scheme, host and path: what may be shown and stored."""
        return redacted_url(self.url)

    @property
    def secrets(self) -> Secrets:
        """The key, what own headers and the URL hold, and the credentials of proxies."""
        secrets = [
            Secret(name, value)
            for name in (self.key_name, *(header.variable for header in self.headers))
            if name is not None and (value := os.environ.get(name, "").strip())
        ]
        for header in self.headers:
            scheme, _, coded = header.value.strip().partition(" ")
            if header.variable and scheme.casefold() == "basic":
                with suppress(binascii.Error, ValueError):
                    pair = base64.b64decode(coded, validate=True).decode()
                    secrets += [Secret(header.variable, pair)]
                    secrets += [Secret(header.variable, pair.partition(":")[2])]
        environment = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        of_url = secrets_of_url("base_url", self.url)
        return Secrets(tuple(secrets)) | of_url | secrets_of_environment(environment)

    def redact(self, text: str) -> str:
        """Return a text without the key and its like, should a server or a library repeat it."""
        return self.secrets.redact(text)

    def check(self) -> None:
        """Find out, before any thread is started, whether the server can be asked at all.

        Raises:
            MissingDependencyError: there is no client.
            ModelError: a key or a header is missing, or cannot be sent; or a proxy cannot be used.
        """
        require("openai", extra="openai", purpose=f"the prompted {self.owner}")
        if self.key_name is not None:
            self._check_variable(self.key_name, "a key", "or name another with `api_key`")
        for header in self.headers:
            if header.variable is not None:
                item = f"the header {header.name!r}"
                self._check_variable(header.variable, item, "or name another in `headers`")
        try:
            proxy_of(self.url)
        except ValueError as error:
            raise ModelError(f"{self.owner}: {self.redact(str(error))}") from None

    def _check_variable(self, name: str, item: str, otherwise: str) -> None:
        """Refuse what is not set, or what no header can carry, without showing it."""
        value = os.environ.get(name, "")
        if not value.strip():
            raise ModelError(
                f"{self.owner}: {self.base_url} needs {item}, and the environment variable {name} "
                f"is not set; set it, {otherwise}"
            )
        problem = unsendable(value)
        if problem is not None:
            raise ModelError(
                f"{self.owner}: {name} cannot be sent: {problem}; copy it again, as plain "
                "characters and without what stands around it"
            )

    @property
    def proxy(self) -> Proxy | None:
        """The proxy that the server is asked through."""
        try:
            return proxy_of(self.url)
        except ValueError:
            return None

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open a client whose calls may take so many seconds; it tries nothing twice by itself."""
        import openai

        headers: dict[str, str | None] = {header.name: header.value for header in self.headers}
        names = {name.lower() for name in headers}
        if self.key_name is not None:
            headers["authorization"] = f"Bearer {os.environ[self.key_name]}"
        elif headers and "authorization" not in names:
            headers["authorization"] = None
        timeout = openai.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds / 2))
        transport: Any = open_transport(self.url, headers)
        async with openai.AsyncOpenAI(
            api_key=NO_KEY,
            base_url=self.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(transport=transport, timeout=timeout),
        ) as client:
            yield client

    async def call(self, client: Any, body: Mapping[str, Any], seconds: float) -> Reply:
        """Make one call.

        Args:
            client: An open one.
            body: Of the request.
            seconds: For all of it; the client's own is for each wait.

        Raises:
            CallError: there was no answer.
        """
        import openai

        try:
            async with asyncio.timeout(seconds):
                raw = await client.chat.completions.with_raw_response.create(
                    model=body["model"],
                    messages=body["messages"],
                    extra_body={k: v for k, v in body.items() if k not in ("model", "messages")},
                )
        except openai.APIStatusError as error:
            return self._status(error, system=has_system_message(body))
        # A library's error may be any: what comes of it is a line about the call.
        except Exception as error:  # noqa: BLE001 - see above
            raise self._failed(error, seconds) from None
        return self._read(raw.http_response.content, scored="logprobs" in body)

    def _failed(self, error: Exception, seconds: float) -> CallError:
        """Return why there was no answer to a call, from what the client raised."""
        import openai

        links = {type(link): link for link in _chain(error)}
        unreachable = _connecting(error)
        late = isinstance(error, TimeoutError | openai.APITimeoutError)
        cause: Cause = "failed"
        if AnswerTooLargeError in links:
            cause = "too large"
            reason = f"the answer is larger than {LARGEST_ANSWER // 1024**2} MB, and was cut off"
        elif ElsewhereError in links:
            cause = "rejected"
            reason = (
                f"the server redirects to {links[ElsewhereError]}, another server, which is not "
                "asked; write its URL as `base_url`"
            )
        elif NowhereError in links:
            cause = "rejected"
            reason = (
                f"the server redirects to {links[NowhereError]}, which is no URL; write the URL "
                "that it has as `base_url`"
            )
        elif any(type(link).__name__ == "TooManyRedirects" for link in links.values()):
            cause = "rejected"
            reason = (
                f"the server redirects without end, at last to {_last_url(links.values())}; "
                "write the URL that it has as `base_url`"
            )
        elif UnreadableAnswerError in links:
            reason = f"the answer cannot be read: {links[UnreadableAnswerError]}"
        elif unreachable:
            cause = "unreachable"
            reason = f"{'no connection in time' if late else _deepest(error)}{self._through}"
        elif late:
            reason = f"no answer within {seconds:g} s"
        elif isinstance(error, openai.OpenAIError) and not isinstance(
            error, openai.APIConnectionError
        ):
            cause, reason = "rejected", str(error)
        else:
            # Without how many bytes had come, so that equal errors are counted as equal.
            broke = re.sub(r" \(received [^)]*\)", "", _deepest(error))
            reason = f"the connection broke: {broke}"
        nothing_taken = cause in ("rejected", "unreachable")
        return self._error(reason, cause, (0, 0) if nothing_taken else None)

    @property
    def _through(self) -> str:
        """Where there is a proxy: that it was asked."""
        proxy = self.proxy
        return "" if proxy is None else f", through {proxy}"

    async def models(self, client: Any) -> list[str]:
        """Return the names of the server's models, or none where it does not tell."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                raw = await client.models.with_raw_response.list()
            rows = load_json(raw.http_response.content)["data"]
            return sorted({self._line(str(row["id"])) for row in rows})
        # A list that cannot be had, whyever, is one hint less.
        except Exception:  # noqa: BLE001 - see above
            return []

    async def explain(self, client: Any, error: CallError) -> str:
        """Word a call's error so that it says what to do."""
        start = f"{self.owner}: {self.base_url}"
        if error.cause == "unreachable":
            todo = "Check `base_url`, and whether the server runs"
            if self.proxy is not None:
                todo += (
                    ", and the proxy; NO_PROXY="
                    f"{urlsplit(self.url).hostname} does without the proxy"
                )
            return f"{start} cannot be reached: {error.reason}. {todo}"
        hint = ""
        if error.status == HTTPStatus.NOT_FOUND:
            names = await self.models(client)
            if names and self.model not in names:
                near = names if len(names) <= MODELS_SHOWN else _nearest(self.model, names)
                hint = ". " + unknown_name("model", self.model, near)
            else:
                hint = (
                    f". Either it has no model {self.model!r}, or `base_url` is not that of an "
                    "OpenAI-compatible API (most end in /v1)"
                )
        elif "max_completion_tokens" in error.words or "'temperature'" in error.words:
            hint = ". A reasoning model is asked with `reasoning = true`"
        elif "response_format" in error.words:
            hint = '. Where the server has no structured answers, `answer = "text"` does without'
        elif "logprobs" in error.words:
            hint = ". Where the server has no log probabilities, leave out `top_logprobs`"
        return f"{start}, model {self.model!r}: {error.reason}{hint}"

    def _status(self, error: Any, *, system: bool) -> Reply:
        """Turn an answer with an error status into a reply where a filter stopped the model.

        Args:
            error: The client's.
            system: Whether the request held a system message.

        Raises:
            CallError: otherwise.
        """
        status, words = error.status_code, self.redact(_words(error.body))
        shown = _one_line(words)
        said = f"status {status}{self._through}" + (f": {shown}" if shown else "")
        details: dict[str, Any] = {"status": status, "tokens": (0, 0), "words": words}
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            target = self._line(shown_target(error.response.headers.get("location", "")))
            reason = f"{said}: the server redirects to {target or 'nowhere'}; write the URL it has"
            raise CallError(f"{reason} as `base_url`", "rejected", **details)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            # What a server says of a wrong key may repeat parts of it.
            reported = said if status == HTTPStatus.FORBIDDEN else f"status {status}{self._through}"
            raise CallError(f"{reported}; {self._key_advice}", "refused", **details)
        if "insufficient_quota" in (error.code, error.type):
            raise CallError(f"the account has no quota left ({said})", "refused", **details)
        if error.code == "content_filter":
            return Reply(text=_words(error.body), declined=True, tokens=(0, 0))
        if error.code == TOO_LONG or any(said in words for said in TOO_LONG_WORDS):
            # Without how many tokens there were, so that equal errors are counted as equal.
            reason = f"the prompt does not fit the model's window (status {status})"
            raise CallError(reason, "too long", **details)
        if system and _SYSTEM_ROLE.search(words[:10_000]):
            advice = (
                "the model takes no system message; put the instruction into the prompt's "
                "template, below its line `---`, or leave out that line"
            )
            raise CallError(f"{said}; {advice}", "rejected", **details)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in SECOND_DRAW:
            wait = retry_after(error.response.headers, self.wall())
            raise CallError(said, "failed", wait=wait, **details)
        raise CallError(said, "rejected", **details)

    @property
    def _key_advice(self) -> str:
        """What to do where a server lets nobody in."""
        names = [self.key_name, *(header.variable for header in self.headers)]
        sent = [name for name in names if name is not None]
        if not sent:
            return "no key was sent; name the variable of one with `api_key`"
        return f"check the key in {' and '.join(sent)}, and what it is allowed"

    def _read(self, content: bytes, *, scored: bool) -> Reply:
        """Read a server's answer.

        Raises:
            CallError: it is none.
        """
        try:
            data = load_json(content)
        except (ValueError, RecursionError):
            raise self._error("the answer is no JSON") from None
        tokens = _tokens(data)
        choices = data.get("choices") if isinstance(data, Mapping) else None
        broken = data.get("error") if isinstance(data, Mapping) else None
        if not isinstance(choices, list) or len(choices) != 1:
            count = len(choices) if isinstance(choices, list) else "no"
            said = self._line(_words(data))
            reason = f"the answer has {count} choices, where it has 1"
            raise self._error(reason + (f": {said}" if said else ""), tokens=tokens)
        choice = choices[0] if isinstance(choices[0], Mapping) else {}
        finish = choice.get("finish_reason")
        finish = finish.casefold() if isinstance(finish, str) else ""
        broken = broken or choice.get("error")
        if broken or finish in BROKEN_FINISHES:
            said = self._line(_words(broken))
            reason = "the answer is an error" + (
                f": {said}" if said else f" ({finish or 'no words'})"
            )
            raise self._error(reason, tokens=tokens)
        message = choice.get("message")
        if not isinstance(message, Mapping):
            raise self._error("the answer has no message", tokens=tokens)
        try:
            text, refused = _said(message)
        except TypeError:
            raise self._error("the answer's content is no text", tokens=tokens) from None
        if finish in CUT_FINISHES and not text.strip():
            raise self._error(
                "the answer was cut off before it said anything; raise `max_tokens`",
                "rejected",
                tokens=tokens,
            )
        declined = finish in FILTERED_FINISHES or refused
        try:
            likely = _likely(choice.get("logprobs")) if scored else ()
        except ValueError as error:
            raise self._error(str(error), tokens=tokens) from None
        if scored and text.strip() and not declined and not likely:
            raise self._error(
                "the answer has no log probabilities; leave out `top_logprobs`", "rejected", tokens
            )
        reported = data.get("model")
        model = self._line(reported) if isinstance(reported, str) else ""
        return Reply(
            text=text,
            declined=declined,
            tokens=tokens,
            likely=likely,
            finished=finish not in CUT_FINISHES,
            model=model,
        )

    def _error(
        self, reason: str, cause: Cause = "failed", tokens: tuple[int, int] | None = None
    ) -> CallError:
        return CallError(self._line(reason), cause, tokens=tokens)

    def _line(self, text: str) -> str:
        """Return a text without secrets, then on one line, then cut."""
        return _one_line(self.redact(text))


def has_system_message(body: Mapping[str, Any]) -> bool:
    """Return whether a request holds a system message."""
    return any(message["role"] == "system" for message in body["messages"])


def load_json(content: str | bytes) -> Any:
    """Return what a JSON text holds; a number of more digits than Python converts is infinite.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """

    def whole(digits: str) -> float:
        try:
            return int(digits)
        except ValueError:
            return math.inf

    return json.loads(content, parse_int=whole)


def is_same_model(requested: str, reported: str) -> bool:
    """Return whether a server's name of the model that answered may be that of who was asked.

    The same name, whatever its folder or publisher, its date or version, and its ending.
    """
    first, second = _bare(requested), _bare(reported)
    return first == second or _DATED.sub("", first) == _DATED.sub("", second)


_DATED = re.compile(
    r"(?:[-@:._](?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}-[0-9]{2,4}|[0-9]{3,8}|latest"
    r"|preview|stable|v[0-9.]+))+$"
)


def _bare(name: str) -> str:
    last = re.split(r"[/\\]", name.strip().rstrip("/\\").casefold())[-1]
    return last.removesuffix(".gguf").partition(":")[0] or last


def is_this_machine(url: str) -> bool:
    """Return whether a URL leads to this machine, or to the one that a container runs on."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _address(host)
    if address is not None:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return bool(mapped.is_loopback or mapped.is_unspecified)
    names = (*THIS_MACHINE, socket.gethostname().casefold())
    return host in names or host.endswith(".localhost")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, in any of the ways that are connected to."""
    with suppress(ValueError):
        return ip_address(host)
    if re.fullmatch(r"[0-9a-fx.]*[0-9][0-9a-fx.]*", host) is None:
        return None
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(host))  # such as 127.1
    return None


def _nearest(name: str, names: list[str]) -> list[str]:
    """Return the names that resemble this one most."""
    from difflib import get_close_matches

    return get_close_matches(name, names, n=MODELS_SHOWN, cutoff=0.0)


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what caused it, the first cause last."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _last_url(links: Iterable[BaseException]) -> str:
    """Return the URL that was asked at last, by the client's own error."""
    for link in links:
        with suppress(AttributeError, RuntimeError):
            return shown_target(str(link.request.url))  # type: ignore[attr-defined]
    return "itself"


def _connecting(error: BaseException) -> bool:
    """Return whether a call failed before there was a connection."""
    # By name: the client's transport is httpx in some versions and httpx2 in others.
    names = {type(link).__name__ for link in _chain(error)}
    return bool(names & {"ConnectError", "ConnectTimeout", "UnsupportedProtocol", "ProxyError"})


def _deepest(error: BaseException) -> str:
    """Return what went wrong in the first place."""
    said = [str(link) for link in _chain(error) if str(link).strip()]
    return said[-1] if said else type(error).__name__


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN]}..."


def _words(body: Any) -> str:
    """Return what a server's error says."""
    while isinstance(body, Mapping):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    if isinstance(body, list):
        with suppress(ValueError, RecursionError):
            return json.dumps(body)
    return body if isinstance(body, str) else ""


def _tokens(data: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and answer that a server tells; None for what none can have."""
    usage = data.get("usage") if isinstance(data, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    counts = []
    for key in ("prompt_tokens", "completion_tokens"):
        count = usage.get(key)
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_TOKENS:
            return None
        counts.append(count)
    return counts[0], counts[1]


def _said(message: Mapping[str, Any]) -> tuple[str, bool]:
    """Return what a message says, and whether the model declined to answer.

    Raises:
        TypeError: its content is neither a text, nor parts, nor left out; or a part is none, or
            is one of text without a text.
    """
    content, refusal = message.get("content"), message.get("refusal")
    parts: Any = [] if content is None else content
    if isinstance(parts, str):
        parts = [{"text": parts}]
    if not isinstance(parts, list):
        raise TypeError
    if not all(map(_is_part, parts)):
        raise TypeError
    refusals = [refusal, *(part.get("refusal") for part in parts)]
    refused = [text for text in refusals if isinstance(text, str) and text]
    text = "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    if text.strip() or refused:
        return _carried(text or refused[0]), bool(refused)
    calls = message.get("tool_calls") or message.get("function_call")
    if calls:
        # It wants to be told something rather than to answer; asking again would not change it.
        with suppress(ValueError, RecursionError):
            return json.dumps({"tool_calls": calls}), True
        return "", True
    return _carried(text), False


def _is_part(part: Any) -> bool:
    """Return whether something is a part of a message, one of text with a text."""
    if not isinstance(part, Mapping):
        return False
    kind, text = part.get("type"), part.get("text")
    if isinstance(text, str):
        return True
    return text is None and isinstance(kind, str) and not kind.endswith("text")


def _carried(text: str) -> str:
    """Return a text that UTF-8 can carry, with a mark in the place of what it cannot."""
    return text.encode("utf-8", "replace").decode()


def _likely(logprobs: Any) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Return the likeliest tokens at the first places of an answer, up to its first word.

    Raises:
        ValueError: a log probability is no number, or above 0.
    """
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    positions = []
    for position in content[:FIRST_TOKENS] if isinstance(content, list) else ():
        top = position.get("top_logprobs") if isinstance(position, Mapping) else None
        rows = tuple(_tokens_of(top)) if isinstance(top, list) else ()
        if rows:
            positions.append(rows)
        if not isinstance(position, Mapping) or any(map(str.isalnum, _token(position) or "x")):
            break
    return tuple(positions)


def _tokens_of(top: list[Any]) -> Iterator[tuple[str, float]]:
    """Yield the tokens of one place with their log probabilities; leave out what is none.

    Raises:
        ValueError: one is NaN or above 0: what its neighbours are is unknown as well.
    """
    for row in top:
        token = _token(row) if isinstance(row, Mapping) else None
        logprob = row.get("logprob") if token is not None else None
        if isinstance(logprob, bool) or not isinstance(logprob, int | float):
            continue
        # Above 0 only by rounding.
        if not logprob <= 1e-3:  # noqa: PLR2004 - NaN is not either
            kind = "above 0" if logprob > 0 else "NaN"
            raise ValueError(f"the answer has a log probability that is {kind}, which none is")
        if token is not None:
            yield token, float(min(0.0, max(LEAST_LOGPROB, logprob)))


def _token(row: Mapping[str, Any]) -> str | None:
    """Return a token's text: its bytes, where they are told, and otherwise what stands for it."""
    octets = row.get("bytes")
    if isinstance(octets, list) and octets:
        with suppress(TypeError, ValueError):
            # A part of a character is none.
            return bytes(octets).decode("utf-8", "ignore")
    token = row.get("token")
    return token if isinstance(token, str) else None
