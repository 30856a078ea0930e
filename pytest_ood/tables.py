"""Values of TOML tables, each checked where it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_ood.errors import ConfigurationError, unknown_name


def check_name(value: Any, where: str) -> str:
    """Return a name that can stand in the id of a test.

    Raises:
        ConfigurationError: not a string, empty, or with a space, a control character or a sign that
            ids use.
    """
    if (
        not isinstance(value, str)
        or not value
        or not value.isprintable()
        or any(c in value for c in "/[]:\\ ")
    ):
        raise ConfigurationError(
            f"{where} = {value!r}: a name is not empty and has no space and none of / \\ [ ] :, "
            "nor a control character"
        )
    return value


def check_count(value: Any, where: str) -> int | None:
    """Return a count of 1 or more, or None.

    Raises:
        ConfigurationError: anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{where} = {value!r} is not a whole number of 1 or more")
    return value


def check_flag(value: Any, where: str) -> bool:
    """Return true or false.

    Raises:
        ConfigurationError: anything else.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} = {value!r} is neither true nor false")
    return value


def check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse a key that a table does not have.

    Raises:
        ConfigurationError: names the key, those there are, and the nearest.
    """
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{where}: " + unknown_name("key", key, known))


def subtable(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """Return the table under a key; an empty one where there is none.

    Raises:
        ConfigurationError: it is no table.
    """
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: {key} = {value!r} is not a table")
    return value


def string(table: Mapping[str, Any], key: str, default: str, where: str) -> str:
    """Return the string under a key, or the default.

    Raises:
        ConfigurationError: it is no string.
    """
    value = table.get(key, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: {key} = {value!r} is not a string")
    return value


def strings(entry: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the list of strings under a key, or the default.

    Raises:
        ConfigurationError: it is no list of strings.
    """
    value = entry.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(f"{key} = {value!r} is not a list of strings")
    return tuple(value)


def count(table: Mapping[str, Any], key: str, default: int) -> int:
    """Return the count under a key, or the default.

    Raises:
        ConfigurationError: it is no whole number of 1 or more.
    """
    found = check_count(table.get(key, default), key)
    assert found is not None, "unreachable because there is a default"
    return found
