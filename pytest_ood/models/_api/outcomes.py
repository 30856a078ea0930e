"""Outcomes of a call: a reply, or an error with its cause."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

WORDS_SHOWN = 300
"""Characters of a server's message that are shown."""

Cause = Literal["unreachable", "refused", "rejected", "too long", "too large", "failed"]
"""Why a call has no answer: no connection; the account has no access; the request is wrong, or its
answer useless; the prompt exceeds the model's window; the answer exceeds the maximum size; or
anything else, which may be temporary."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's answer.

    Attributes:
        text: The model's text, or its refusal. It may contain a key (see `Endpoint.redact`).
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


def load_body(content: bytes) -> Any:
    """Return the body of an error: parsed JSON, or the text of anything else."""
    try:
        return load_json(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace").strip()


def words_in(body: Any) -> str:
    """Return the message in the body of an error; "" if there is none."""
    while isinstance(body, Mapping):
        body = next((body[key] for key in ("error", "message", "detail") if body.get(key)), "")
    if isinstance(body, list):
        with suppress(ValueError, RecursionError):
            return json.dumps(body)
    return body if isinstance(body, str) else ""


def codes_in(body: Any) -> frozenset[str]:
    """Return the code and the type of an error in a body, as OpenAI's protocol has them."""
    details = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(details, Mapping):
        return frozenset()
    codes = (details.get("code"), details.get("type"))
    return frozenset(code for code in codes if isinstance(code, str))


def one_line(text: str) -> str:
    """Return a text on one line, cut to `WORDS_SHOWN` characters."""
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else f"{line[:WORDS_SHOWN]}..."
