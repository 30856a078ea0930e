"""JSON and TOML of a user's files: nothing in them is lost silently, errors say what to do."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from typing import Any

from pytest_ood.errors import shown

_DIGITS = re.compile(r"\d+")


class RefusedError(ValueError):
    """Valid JSON or TOML that cannot be used; the message has the reason."""


class RepeatedKeyError(RefusedError):
    """An object has a key twice: all of its values but the last would be lost."""


def json_of(text: str) -> Any:
    """Read JSON.

    Raises:
        RepeatedKeyError: an object has a key twice.
        RefusedError: a whole number is longer than Python reads.
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (json.JSONDecodeError, RefusedError):
        raise
    except ValueError:
        # Its words are about a setting of Python's that no user of this package has in hand.
        raise RefusedError(_too_long(text)) from None


def toml_of(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        RefusedError: a whole number is longer than Python reads.
        ValueError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise RefusedError(_too_long(text)) from None


def _too_long(text: str) -> str:
    """Say that a text has a whole number in it that is longer than Python reads."""
    longest = max((len(match.group()) for match in _DIGITS.finditer(text)), default=0)
    return (
        f"a whole number of {longest:,} digits is longer than Python reads "
        f"({sys.get_int_max_str_digits():,} digits); write it in quotes, as a text, or shorten it"
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise RepeatedKeyError(
            f"an object has the key {shown(_repeated(pairs))} twice; delete or rename one"
        )
    return value


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("unreachable because a key is repeated")


class _Marked(dict[str, Any]):
    """An object in which a key is repeated."""


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else _Marked(value)


def marked(text: str) -> Any:
    """Return what `json_of` refuses for a repeated key, for `has_repeated` to look through."""
    return json.loads(text, object_pairs_hook=_marked, parse_int=str)


def has_repeated(value: Any) -> bool:
    """Return whether something that `marked` returned has a repeated key anywhere in it."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, _Marked):
            return True
        if isinstance(item, dict):
            pending += item.values()
        elif isinstance(item, list):
            pending += item
    return False
