"""Requests to a service in its own form, and the path to the answer in what it sends."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.prompts import FIELD_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_ood.data.inputs import Inputs

_FIELD = re.compile(FIELD_PATTERN)
_STEP = re.compile(r"\.?([^.\[\]\s\"']+)|\[(\d+)\]|\[\"([^\"]+)\"\]|\['([^']+)'\]")

KEYS_SHOWN = 10
"""The most keys that a message lists."""

ANSWER_SHOWN = 200
"""Characters of an answer that a message shows."""


@dataclass(frozen=True)
class AnswerPath:
    """A path to a value in JSON, such as `choices[0].label`.

    Attributes:
        text: The path as it is written; "" for the whole.
        steps: Keys of objects, and indices of lists.
    """

    text: str
    steps: tuple[str | int, ...]

    @classmethod
    def of(cls, owner: str, text: str) -> AnswerPath:
        """Parse a path.

        Args:
            owner: The start of error messages.
            text: Keys with dots between them, indices in brackets; a key with other characters is
                written in brackets and quotes.

        Raises:
            ConfigurationError: it is none.
        """
        steps: list[str | int] = []
        position = 0
        while position < len(text):
            match = _STEP.match(text, position)
            # A key follows a dot, unless it is the first.
            if match is None or (match[1] and bool(position) != match[0].startswith(".")):
                raise ConfigurationError(
                    f"{owner}: answer = {text!r} is no path at character {position + 1}; write "
                    'keys with dots and indices in brackets, such as "result.labels[0]"'
                )
            key = match[1] or match[3] or match[4]
            steps.append(int(match[2]) if match[2] else str(key))
            position = match.end()
        return cls(text, tuple(steps))

    def value(self, data: Any, shown: Callable[[str], str]) -> Any:
        """Return the value in an answer.

        Args:
            data: The parsed answer.
            shown: Removes secrets from what the message shows.

        Raises:
            LookupError: it is not there; the message says what is.
        """
        value = data
        for number, step in enumerate(self.steps):
            there = isinstance(value, Mapping) if isinstance(step, str) else isinstance(value, list)
            if not there or (step not in value if isinstance(step, str) else step >= len(value)):
                raise LookupError(self._missing(data, value, number, shown))
            value = value[step]
        return value

    def _missing(self, data: Any, value: Any, number: int, shown: Callable[[str], str]) -> str:
        """Return the message for a step that leads nowhere."""
        above = _written(self.steps[:number])
        at = f"{above!r} is" if above else "it is"
        answer = shown(json.dumps(data, ensure_ascii=False))
        answer = answer if len(answer) <= ANSWER_SHOWN else f"{answer[:ANSWER_SHOWN]}..."
        return f"the answer has no {self.text!r}: {at} {_kind(value, shown)}; it is {answer}"


def _written(steps: tuple[str | int, ...]) -> str:
    """Return steps as a path."""
    parts = (
        f"[{step}]" if isinstance(step, int)
        else f".{step}" if re.fullmatch(r"[^.\[\]\s\"']+", step)
        else f"[{json.dumps(step)}]"
        for step in steps
    )  # fmt: skip
    return "".join(parts).removeprefix(".")


def _kind(value: Any, shown: Callable[[str], str]) -> str:
    """Return what a value of JSON is, in words."""
    if isinstance(value, Mapping):
        keys = [shown(str(key)) for key in value]
        more = f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else ""
        listed = ", ".join(map(repr, keys[:KEYS_SHOWN]))
        return f"an object with the keys {listed}{more}" if keys else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    names = {str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def request_fields(request: Any) -> set[str]:
    """Return the names of the fields in braces, in the strings of a JSON template."""
    return {name for text in _strings(request) for name in _FIELD.findall(text)}


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a value of JSON, other than keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def filled(request: Any, inputs: Inputs) -> Any:
    """Return a JSON template with the fields of an input.

    Raises:
        DataError: the input lacks a field.
    """
    fields = fields_of(inputs)

    def put_in(match: re.Match[str]) -> str:
        """Return the text of a field; lone surrogates, which UTF-8 cannot encode, are replaced."""
        if match[1] not in fields:
            raise DataError(
                f"the request has the field {{{match[1]}}}, which the data do not have; they have "
                f"{', '.join(f'{{{name}}}' for name in fields)}"
            )
        return fields[match[1]].encode("utf-8", "replace").decode()

    def walk(value: Any) -> Any:
        """Return a part of the template."""
        if isinstance(value, str):
            return _FIELD.sub(put_in, value)
        if isinstance(value, Mapping):
            return {key: walk(inner) for key, inner in value.items()}
        return [walk(inner) for inner in value] if isinstance(value, list | tuple) else value

    return walk(request)
