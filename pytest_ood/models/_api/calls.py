"""One call to an OpenAI-compatible server, and the classification of its failures."""

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
from pytest_ood.utils.redaction import (
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
"""The client's key. The real key is added below the client (see `transport`), and a server on this
machine needs none."""

CONNECT_SECONDS = 10.0
"""Time limit of a connection (at most half of a call's), and of the list of the server's models."""

WORDS_SHOWN = 300
"""Characters of a server's message that are shown."""

MODELS_SHOWN = 20

MOST_TOKENS = 10_000_000
"""The most tokens of a call that are believed."""

LEAST_LOGPROB = -1e6
"""A lower bound of log probabilities; below it the probability is 0."""

FIRST_TOKENS = 4
"""Tokens of an answer in which its first word is searched, after quotes and line breaks."""

SECOND_DRAW = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same call may well succeed."""

THIS_MACHINE = ("localhost", "host.docker.internal", "host.containers.internal")
"""Names of this machine, and of a container's host."""

Cause = Literal["unreachable", "refused", "rejected", "too long", "too large", "failed"]
"""Why a call has no answer: no connection; the account has no access; the request is wrong, or its
answer useless; the prompt exceeds the model's window; the answer exceeds the maximum size; or
anything else, which may be temporary."""

TOO_LONG = "context_length_exceeded"
"""The code of a prompt that is too long, in OpenAI's protocol."""

TOO_LONG_WORDS = ("maximum context length", "exceeds the available context size")
"""Parts of messages for it of servers without a code (vLLM, llama.cpp)."""

BROKEN_FINISHES = frozenset(
    {"error", "abort", "aborted", "network_error", "insufficient_system_resource", "cancelled"}
)
"""Finish reasons of answers that the server broke off; the next attempt may succeed."""

FILTERED_FINISHES = frozenset(
    {"content_filter", "safety", "sensitive", "recitation", "prohibited_content", "refusal"}
)
CUT_FINISHES = frozenset({"length", "max_tokens", "model_length"})

_SYSTEM_ROLE = re.compile(
    r"""system['"`]?\s+(?:role|prompt|message|instruction)|role\W{1,3}system|'system'"""
    r"""|developer instruction|roles? must alternate|only user and assistant roles""",
    re.IGNORECASE,
)
"""Messages of servers whose model, or its chat template, has no system message."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header of every request.

    Attributes:
        name: Its name.
        text: Its value, or the prefix of the variable's value.
        variable: The environment variable with the rest; None for none.
    """

    name: str
    text: str
    variable: str | None = None

    @property
    def value(self) -> str:
        """The value that is sent."""
        return self.text + (os.environ.get(self.variable, "") if self.variable else "")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's answer.

    Attributes:
        text: The model's text, or its refusal. It may contain a key (see `Server.redact`).
        declined: Whether a content filter stopped it, or the model refused; another attempt would
            be the same.
        tokens: The tokens of prompt and answer; None if the server does not report them.
        likely: The likeliest tokens and their log probabilities at the first positions of the
            answer, up to the first with a letter or a digit; empty if not requested.
        finished: Whether the text ended by itself, before the limit of tokens.
        model: The model's name in the reply; "" if there is none.
    """

    text: str
    declined: bool = False
    tokens: tuple[int, int] | None = None
    likely: tuple[tuple[tuple[str, float], ...], ...] = ()
    finished: bool = True
    model: str = ""


class CallError(Exception):
    """A call without an answer.

    Attributes:
        reason: The reason, without secrets.
        cause: The kind of failure.
        status: The HTTP status; None without a response.
        wait: Seconds that the server asks to wait.
        tokens: The tokens that the call has taken; None if unknown, so that its bounds count.
        words: The server's message; "" if there is none.
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
    """A server, with the name of the model there and the credentials.

    Attributes:
        owner: The start of error messages.
        model: The model's name at the server.
        url: The configured URL; its query may be a secret.
        key_name: The environment variable with the key; None if no key is sent.
        headers: Headers of every request, besides the key.
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
        """Scheme, host and path, which may be shown and stored."""
        return redacted_url(self.url)

    @property
    def secrets(self) -> Secrets:
        """The key, secrets in headers and in the URL, and the credentials of proxies."""
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
        """Return a text without the secrets, which a server or a library may have repeated."""
        return self.secrets.redact(text)

    def check(self) -> None:
        """Check the client, the credentials and the proxy, before any thread is started.

        Raises:
            MissingDependencyError: the client is not installed.
            ModelError: a key or a header is missing or invalid, or the proxy cannot be used.
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
        """Check that a variable is set and valid in a header, without showing its value."""
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
                "characters without anything around it"
            )

    @property
    def proxy(self) -> Proxy | None:
        """The proxy for the server, or None."""
        try:
            return proxy_of(self.url)
        except ValueError:
            return None

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open a client with a time limit per call, and without retries of its own."""
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
            client: An open client.
            body: The body of the request.
            seconds: Time limit of the whole call; the client's own limit is for each read.

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
        # The client may raise anything; all of it becomes the reason of this call's failure.
        except Exception as error:  # noqa: BLE001 - see above
            raise self._failed(error, seconds) from None
        return self._read(raw.http_response.content, scored="logprobs" in body)

    def _failed(self, error: Exception, seconds: float) -> CallError:
        """Return the error of a call, from the exception of the client."""
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
            # Without the number of received bytes, so that equal errors are counted as equal.
            broke = re.sub(r" \(received [^)]*\)", "", _deepest(error))
            reason = f"the connection broke: {broke}"
        nothing_taken = cause in ("rejected", "unreachable")
        return self._error(reason, cause, (0, 0) if nothing_taken else None)

    @property
    def _through(self) -> str:
        """The proxy, as the end of a reason; "" without one."""
        proxy = self.proxy
        return "" if proxy is None else f", through {proxy}"

    async def models(self, client: Any) -> list[str]:
        """Return the names of the server's models; empty if they are not available."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                raw = await client.models.with_raw_response.list()
            rows = load_json(raw.http_response.content)["data"]
            return sorted({self._line(str(row["id"])) for row in rows})
        # Without the list, whatever the reason, the message has one hint less.
        except Exception:  # noqa: BLE001 - see above
            return []

    async def explain(self, client: Any, error: CallError) -> str:
        """Return the message of a call's error, with advice."""
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
        """Return the reply of an error status if a content filter stopped the model.

        Args:
            error: The client's exception.
            system: Whether the request had a system message.

        Raises:
            CallError: for any other error status.
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
            # A message about a wrong key may repeat parts of it.
            reported = said if status == HTTPStatus.FORBIDDEN else f"status {status}{self._through}"
            raise CallError(f"{reported}; {self._key_advice}", "refused", **details)
        if "insufficient_quota" in (error.code, error.type):
            raise CallError(f"the account has no quota left ({said})", "refused", **details)
        if error.code == "content_filter":
            return Reply(text=_words(error.body), declined=True, tokens=(0, 0))
        if error.code == TOO_LONG or any(said in words for said in TOO_LONG_WORDS):
            # Without the number of tokens, so that equal errors are counted as equal.
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
        """The advice for a server that denies access."""
        names = [self.key_name, *(header.variable for header in self.headers)]
        sent = [name for name in names if name is not None]
        if not sent:
            return "no key was sent; name the variable of one with `api_key`"
        return f"check the key in {' and '.join(sent)}, and what it is allowed"

    def _read(self, content: bytes, *, scored: bool) -> Reply:
        """Parse a server's answer.

        Raises:
            CallError: it is invalid.
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
    """Return whether a request has a system message."""
    return any(message["role"] == "system" for message in body["messages"])


def load_json(content: str | bytes) -> Any:
    """Parse JSON; an integer with more digits than Python converts becomes infinity.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """

    def whole(digits: str) -> float:
        """Return an integer; infinity for one with too many digits."""
        try:
            return int(digits)
        except ValueError:
            return math.inf

    return json.loads(content, parse_int=whole)


def is_same_model(requested: str, reported: str) -> bool:
    """Return whether two names may be of the same model.

    Folder or publisher, date or version, and file suffix are ignored.

    Args:
        requested: The name in the request.
        reported: The name in the reply.
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
    """Return whether a URL leads to this machine, or to a container's host."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = _address(host)
    if address is not None:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return bool(mapped.is_loopback or mapped.is_unspecified)
    names = (*THIS_MACHINE, socket.gethostname().casefold())
    return host in names or host.endswith(".localhost")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is written as, in any notation; None for a name."""
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
    """Return an error and its causes, the first cause last."""
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or error.__context__
    return links


def _last_url(links: Iterable[BaseException]) -> str:
    """Return the URL of the last request, by the client's error."""
    for link in links:
        with suppress(AttributeError, RuntimeError):
            return shown_target(str(link.request.url))  # type: ignore[attr-defined]
    return "itself"


def _connecting(error: BaseException) -> bool:
    """Return whether a call failed before there was a connection."""
    # By name, as the classes are of httpx or of httpx2, depending on the client's version.
    names = {type(link).__name__ for link in _chain(error)}
    return bool(names & {"ConnectError", "ConnectTimeout", "UnsupportedProtocol", "ProxyError"})


def _deepest(error: BaseException) -> str:
    """Return the message of the first cause."""
    said = [str(link) for link in _chain(error) if str(link).strip()]
    return said[-1] if said else type(error).__name__


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN]}..."


def _words(body: Any) -> str:
    """Return the message in the body of an error."""
    while isinstance(body, Mapping):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    if isinstance(body, list):
        with suppress(ValueError, RecursionError):
            return json.dumps(body)
    return body if isinstance(body, str) else ""


def _tokens(data: Any) -> tuple[int, int] | None:
    """Return the reported tokens of prompt and answer; None if they are missing or impossible."""
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
    """Return the text of a message, and whether the model declined to answer.

    Raises:
        TypeError: its content is neither a text, nor a list of parts, nor missing; or a part is
            invalid.
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
        # The model calls a tool instead of answering; another attempt would be the same.
        with suppress(ValueError, RecursionError):
            return json.dumps({"tool_calls": calls}), True
        return "", True
    return _carried(text), False


def _is_part(part: Any) -> bool:
    """Return whether a value is a valid part of a message."""
    if not isinstance(part, Mapping):
        return False
    kind, text = part.get("type"), part.get("text")
    if isinstance(text, str):
        return True
    return text is None and isinstance(kind, str) and not kind.endswith("text")


def _carried(text: str) -> str:
    """Return a text in which characters that UTF-8 cannot encode are replaced."""
    return text.encode("utf-8", "replace").decode()


def _likely(logprobs: Any) -> tuple[tuple[tuple[str, float], ...], ...]:
    """Return the likeliest tokens at the first positions of an answer, up to its first word.

    Raises:
        ValueError: a log probability is NaN or above 0.
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
    """Yield the tokens of one position with their log probabilities; skip invalid entries.

    Raises:
        ValueError: one is NaN or above 0, so that the others cannot be trusted either.
    """
    for row in top:
        token = _token(row) if isinstance(row, Mapping) else None
        logprob = row.get("logprob") if token is not None else None
        if isinstance(logprob, bool) or not isinstance(logprob, int | float):
            continue
        # Rounding may put it slightly above 0.
        if not logprob <= 1e-3:  # noqa: PLR2004 - NaN is not either
            kind = "above 0" if logprob > 0 else "NaN"
            raise ValueError(f"the answer has a log probability that is {kind}, which none is")
        if token is not None:
            yield token, float(min(0.0, max(LEAST_LOGPROB, logprob)))


def _token(row: Mapping[str, Any]) -> str | None:
    """Return a token's text: from its bytes if there are any, otherwise from its name."""
    octets = row.get("bytes")
    if isinstance(octets, list) and octets:
        with suppress(TypeError, ValueError):
            # Incomplete characters are left out.
            return bytes(octets).decode("utf-8", "ignore")
    token = row.get("token")
    return token if isinstance(token, str) else None
