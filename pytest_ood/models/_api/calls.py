"""One call to an OpenAI-compatible server, and what can become of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pytest_ood.errors import ModelError, require, unknown_name
from pytest_ood.models._api.limits import retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY_NAME = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent in the place of a key to a server on this machine, which needs none."""

CONNECT_SECONDS = 10.0
"""What a connection may take, or half of the time limit where that is less."""

WORDS_SHOWN = 300
"""Characters shown of what a server said."""

MODELS_SHOWN = 20

AGAIN = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same call may well succeed."""

Cause = Literal["unreachable", "refused", "rejected", "too long", "failed"]
"""Why a call gave no answer: no connection; this account may not ask; this request is wrong, or
its answer of no use; its prompt does not fit the model's window; anything else, which may pass."""

TOO_LONG = "context_length_exceeded"
"""The code of a prompt that is too long, in OpenAI's protocol."""

TOO_LONG_WORDS = ("maximum context length", "exceeds the available context size")
"""What servers say that have no code for it (vLLM, llama.cpp)."""


@dataclass(frozen=True)
class Reply:
    """A server's answer.

    Attributes:
        text: What the model wrote; what it said instead, where it declined.
        declined: A content filter stopped it, or the model refused: asking again is of no use.
        tokens: Of prompt and answer, where the server tells them.
        likely: The likeliest first tokens and their log probabilities, where they were asked for.
        finished: Whether the model came to an end by itself, before the limit.
    """

    text: str
    declined: bool = False
    tokens: tuple[int, int] | None = None
    likely: tuple[tuple[str, float], ...] = ()
    finished: bool = True


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


@dataclass(frozen=True)
class Server:
    """Where a model is asked, and how one gets in.

    Attributes:
        who: Whom messages name first.
        model: Its name there.
        url: As it was configured; its query may be a secret.
        key_name: The environment variable with the key; None where no key is sent.
        wall: Returns seconds since the epoch; replaced in tests.
    """

    who: str
    model: str
    url: str = field(repr=False)
    key_name: str | None
    wall: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @property
    def base_url(self) -> str:
        """Scheme, host and path: what may be shown and stored."""
        parts = urlsplit(self.url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        return bare.geturl().rstrip("/")

    def check(self) -> None:
        """Find out, before any thread is started, whether the server can be asked at all.

        Raises:
            MissingDependencyError: there is no client.
            ModelError: there is no key.
        """
        require("openai", extra="openai", purpose=f"the prompted {self.who}")
        if self.key_name is not None and not os.environ.get(self.key_name, "").strip():
            raise ModelError(
                f"{self.who}: {self.base_url} needs a key, and the environment variable "
                f"{self.key_name} is not set; set it, or name another with `api_key`"
            )

    @asynccontextmanager
    async def client(self, seconds: float) -> AsyncIterator[Any]:
        """Open a client whose calls may take so many seconds; it tries nothing twice by itself."""
        import openai

        async with openai.AsyncOpenAI(
            api_key=NO_KEY if self.key_name is None else os.environ[self.key_name].strip(),
            base_url=self.base_url,
            default_query=dict(parse_qsl(urlsplit(self.url).query)),
            max_retries=0,
            timeout=openai.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds / 2)),
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
        except (TimeoutError, openai.APITimeoutError) as error:
            if _connecting(error):
                raise self._error("no connection in time", "unreachable", tokens=(0, 0)) from None
            raise self._error(f"no answer within {seconds:g} s") from None
        except openai.APIStatusError as error:
            return self._status(error)
        except openai.APIConnectionError as error:
            if _connecting(error):
                raise self._error(_deepest(error), "unreachable", tokens=(0, 0)) from None
            # Without how many bytes had come, so that equal errors are counted as equal.
            reason = re.sub(r" \(received .*?\)", "", _deepest(error))
            raise self._error(f"the connection broke: {reason}") from None
        except openai.OpenAIError as error:
            raise self._error(str(error), "rejected", tokens=(0, 0)) from None
        return self._read(raw.http_response.content, scored="logprobs" in body)

    async def models(self, client: Any) -> list[str]:
        """Return the names of the server's models, or none where it does not tell."""
        import openai

        try:
            page = await client.models.list()
            return sorted({str(model.id) for model in page.data})
        except (openai.OpenAIError, AttributeError, TypeError, ValueError):
            return []

    async def explain(self, client: Any, error: CallError) -> str:
        """Word a call's error so that it says what to do."""
        start = f"{self.who}: {self.base_url}"
        if error.cause == "unreachable":
            return (
                f"{start} cannot be reached: {error.reason}. Check `base_url`, and whether the "
                "server runs"
            )
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

    def _status(self, error: Any) -> Reply:
        """Turn an answer with an error status into a reply where a filter stopped the model.

        Raises:
            CallError: otherwise.
        """
        status, words = error.status_code, self._scrubbed(_words(error.body))
        said = f"status {status}" + (f": {words}" if words else "")
        details: dict[str, Any] = {"status": status, "tokens": (0, 0), "words": words}
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            todo = (
                "no key was sent; name the variable of one with `api_key`"
                if self.key_name is None
                else f"check the key in {self.key_name}, and what it is allowed"
            )
            # What a server says of a wrong key may repeat parts of it.
            told = said if status == HTTPStatus.FORBIDDEN else f"status {status}"
            raise CallError(f"{told}; {todo}", "refused", **details)
        if "insufficient_quota" in (error.code, error.type):
            raise CallError(f"the account has no quota left ({said})", "refused", **details)
        if error.code == "content_filter":
            return Reply(words, declined=True, tokens=(0, 0))
        if error.code == TOO_LONG or any(said in words for said in TOO_LONG_WORDS):
            # Without how many tokens there were, so that equal errors are counted as equal.
            reason = f"the prompt does not fit the model's window (status {status})"
            raise CallError(reason, "too long", **details)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in AGAIN:
            wait = retry_after(error.response.headers, self.wall())
            raise CallError(said, "failed", wait=wait, **details)
        raise CallError(said, "rejected", **details)

    def _read(self, content: bytes, *, scored: bool) -> Reply:
        """Read a server's answer.

        Raises:
            CallError: it is none.
        """
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            raise self._error("the answer is no JSON") from None
        tokens = _tokens(data)
        choices = data.get("choices") if isinstance(data, Mapping) else None
        if not isinstance(choices, list) or len(choices) != 1:
            words = _words(data)
            count = len(choices) if isinstance(choices, list) else "no"
            raise self._error(
                f"the answer has {count} choices, where it has 1" + (f": {words}" if words else ""),
                tokens=tokens,
            )
        choice = choices[0] if isinstance(choices[0], Mapping) else {}
        message = choice.get("message")
        if not isinstance(message, Mapping):
            raise self._error("the answer has no message", tokens=tokens)
        refusal, finish = message.get("refusal"), choice.get("finish_reason")
        text = _text(message.get("content")) or (refusal if isinstance(refusal, str) else "")
        if finish == "length" and not text.strip():
            raise self._error(
                "the answer was cut off before it said anything; raise `max_tokens`",
                "rejected",
                tokens=tokens,
            )
        declined = finish == "content_filter" or bool(refusal)
        likely = _likely(choice.get("logprobs"))
        if scored and text.strip() and not declined and not likely:
            raise self._error(
                "the answer has no log probabilities; leave out `top_logprobs`", "rejected", tokens
            )
        return Reply(text, declined, tokens, likely, finish != "length")

    def _error(
        self, reason: str, cause: Cause = "failed", tokens: tuple[int, int] | None = None
    ) -> CallError:
        return CallError(self._scrubbed(reason), cause, tokens=tokens)

    def _scrubbed(self, text: str) -> str:
        """Return a text without the key, should a server or a library repeat it."""
        key = os.environ.get(self.key_name, "").strip() if self.key_name else ""
        return text.replace(key, f"<{self.key_name}>") if key else text


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _nearest(name: str, names: list[str]) -> list[str]:
    """Return the names that resemble this one most."""
    from difflib import get_close_matches

    return get_close_matches(name, names, n=MODELS_SHOWN, cutoff=0.0)


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what caused it, the first cause last."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _connecting(error: BaseException) -> bool:
    """Tell whether a call failed before there was a connection."""
    # By name: the client's transport is httpx in some versions and httpx2 in others.
    names = {type(link).__name__ for link in _chain(error)}
    return bool(names & {"ConnectError", "ConnectTimeout", "UnsupportedProtocol"})


def _deepest(error: BaseException) -> str:
    """Return what went wrong in the first place."""
    said = [str(link) for link in _chain(error) if str(link).strip()]
    return _one_line(said[-1]) if said else type(error).__name__


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN]}..."


def _words(body: Any) -> str:
    """Return what a server's error says."""
    for key in ("error", "message", "detail"):
        if isinstance(body, Mapping) and body.get(key):
            return _words(body[key])
    if isinstance(body, str):
        return _one_line(body)
    return _one_line(json.dumps(body)) if isinstance(body, list) else ""


def _tokens(data: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and answer that a server tells."""
    usage = data.get("usage") if isinstance(data, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    counts = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (c if isinstance(c, int) and c >= 0 else None for c in counts)
    return None if prompt is None or completion is None else (prompt, completion)


def _text(content: Any) -> str:
    """Return the text of a message, which some servers give in parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _likely(logprobs: Any) -> tuple[tuple[str, float], ...]:
    """Return the likeliest tokens at the first place of an answer."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    first = content[0] if isinstance(content, list) and content else None
    top = first.get("top_logprobs") if isinstance(first, Mapping) else None
    rows = [row for row in top if isinstance(row, Mapping)] if isinstance(top, list) else []
    return tuple(
        (row["token"], float(row["logprob"]))
        for row in rows
        if isinstance(row.get("token"), str) and isinstance(row.get("logprob"), int | float)
    )
