"""Chat completions in OpenAI's form: parsing of answers, and hints about refused requests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.models._api.endpoints import Endpoint
from pytest_ood.models._api.outcomes import Reply, codes_in, load_body, words_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ood.models._api.outcomes import CallError

MOST_TOKENS = 10_000_000
"""The most tokens of a call that are believed."""

LEAST_LOGPROB = -1e6
"""A lower bound of log probabilities; below it the probability is 0."""

FIRST_TOKENS = 4
"""Tokens of an answer in which its first word is searched, after quotes and line breaks."""
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
class ChatEndpoint(Endpoint):
    """An endpoint for chat completions of one model.

    Attributes:
        model: The model's name at the server.
    """

    model: str

    def completion(self, data: Any, *, scored: bool) -> Reply:
        """Return the reply in a chat completion.

        Args:
            data: The parsed completion.
            scored: Whether log probabilities were requested.

        Raises:
            CallError: it is invalid.
        """
        tokens = _tokens(data)
        choices = data.get("choices") if isinstance(data, Mapping) else None
        broken = data.get("error") if isinstance(data, Mapping) else None
        if not isinstance(choices, list) or len(choices) != 1:
            count = len(choices) if isinstance(choices, list) else "no"
            said = self.line(words_in(data))
            reason = f"the answer has {count} choices, where it has 1"
            raise self.error(reason + (f": {said}" if said else ""), tokens=tokens)
        choice = choices[0] if isinstance(choices[0], Mapping) else {}
        finish = choice.get("finish_reason")
        finish = finish.casefold() if isinstance(finish, str) else ""
        broken = broken or choice.get("error")
        if broken or finish in BROKEN_FINISHES:
            said = self.line(words_in(broken))
            reason = "the answer is an error" + (
                f": {said}" if said else f" ({finish or 'no words'})"
            )
            raise self.error(reason, tokens=tokens)
        message = choice.get("message")
        if not isinstance(message, Mapping):
            raise self.error("the answer has no message", tokens=tokens)
        try:
            text, refused = _said(message)
        except TypeError:
            raise self.error("the answer's content is no text", tokens=tokens) from None
        if finish in CUT_FINISHES and not text.strip():
            raise self.error(
                "the answer was cut off before it said anything; raise `max_tokens`",
                "rejected",
                tokens=tokens,
            )
        declined = finish in FILTERED_FINISHES or refused
        try:
            likely = _likely(choice.get("logprobs")) if scored else ()
        except ValueError as error:
            raise self.error(str(error), tokens=tokens) from None
        if scored and text.strip() and not declined and not likely:
            raise self.error(
                "the answer has no log probabilities; leave out `top_logprobs`", "rejected", tokens
            )
        reported = data.get("model")
        model = self.line(reported) if isinstance(reported, str) else ""
        return Reply(
            text=text,
            declined=declined,
            tokens=tokens,
            likely=likely,
            finished=finish not in CUT_FINISHES,
            model=model,
        )

    def refused(
        self, status: int, headers: Mapping[str, str], content: bytes, *, system: bool
    ) -> Reply:
        """Return the reply of an error status if a content filter stopped the model.

        Args:
            status: The HTTP status.
            headers: The headers of the answer.
            content: The body of the answer.
            system: Whether the request had a system message.

        Raises:
            CallError: for any other error status.
        """
        body = load_body(content)
        if "content_filter" in codes_in(body):
            return Reply(text=words_in(body), declined=True, tokens=(0, 0))
        advise: Callable[[str], str] = _advice_on_system if system else lambda _: ""
        raise self.status_error(status, headers, content, advise)

    def hint(self, error: CallError) -> str:
        """Return what to do about a refused request, as the end of its message; "" if unknown."""
        if "max_completion_tokens" in error.words or "'temperature'" in error.words:
            return ". A reasoning model is asked with `reasoning = true`"
        if "response_format" in error.words:
            return '. Where the server has no structured answers, `answer = "text"` does without'
        if "logprobs" in error.words:
            return ". Where the server has no log probabilities, leave out `top_logprobs`"
        return ""


def _advice_on_system(words: str) -> str:
    """Return what to do if a server takes no system message; "" if its message is about others."""
    if not _SYSTEM_ROLE.search(words[:10_000]):
        return ""
    return (
        "the model takes no system message; `system = false` puts the instruction before the first "
        "message of the user"
    )


def has_system_message(body: Mapping[str, Any]) -> bool:
    """Return whether a request has a system message."""
    return any(message["role"] == "system" for message in body["messages"])


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
