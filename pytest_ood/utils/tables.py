"""Reading TOML tables: every value is checked where it is read, and messages name its location."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, overload

from pytest_ood.errors import ConfigurationError, unknown_name


class ConfigTable(Mapping[str, Any]):
    """A TOML table that knows its location.

    Every method that reads a value raises a ConfigurationError for a wrong one, whose message has
    the location, the key, the value and what is allowed.
    """

    def __init__(self, values: Mapping[str, Any], origin: str, path: str = "") -> None:
        """Wrap a table.

        Args:
            values: The parsed table.
            origin: The file, or whatever else the table is from.
            path: The keys that lead to the table within it, with dots between.
        """
        self._values, self._origin, self._path = values, origin, path

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def location(self) -> str:
        """Origin and path: the beginning of messages."""
        return f"{self._origin}: {self._path}" if self._path else self._origin

    def error(self, message: str) -> ConfigurationError:
        """Return an error about the table."""
        return ConfigurationError(f"{self.location}: {message}")

    def wrong(self, key: str, expected: str) -> ConfigurationError:
        """Return the error for a value that is not what is expected, such as "a string"."""
        return self.error(f"{key} = {self._values[key]!r} is not {expected}")

    def only(self, keys: Iterable[str], kind: str = "key") -> ConfigTable:
        """Return the table if it has no other keys than these.

        Args:
            keys: The allowed keys.
            kind: The word for a key in messages.
        """
        allowed = tuple(keys)
        for key in self:
            if key not in allowed:
                raise self.error(unknown_name(kind, key, allowed))
        return self

    def require(self, *keys: str) -> None:
        """Check that the table has these keys."""
        for key in keys:
            if key not in self:
                raise self.error(f"the key {key!r} is missing")

    def part(self, keys: Collection[str]) -> ConfigTable:
        """Return the table with these keys alone, at the same location."""
        return self._with({key: value for key, value in self.items() if key in keys})

    def without(self, keys: Collection[str]) -> ConfigTable:
        """Return the table without these keys, at the same location."""
        return self._with({key: value for key, value in self.items() if key not in keys})

    def updated(self, values: Mapping[str, Any]) -> ConfigTable:
        """Return the table with further keys, which replace its own, at the same location."""
        return self._with({**self, **values})

    def _with(self, values: Mapping[str, Any]) -> ConfigTable:
        return ConfigTable(values, self._origin, self._path)

    def subtable(self, key: str) -> ConfigTable:
        """Return the table under a key; an empty one if the key is missing."""
        value = self.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, "a table")
        return ConfigTable(value, self._origin, f"{self._path}.{key}" if self._path else key)

    def subtables(self) -> Iterator[tuple[str, ConfigTable]]:
        """Yield (key, table) for all keys, each of which has to have a table."""
        for key in self:
            yield key, self.subtable(key)

    def name(self, key: str, default: str) -> str:
        """Return the name under a key; see `check_name`."""
        return check_name(self.get(key, default), f"{self.location}: {key}")

    @overload
    def count(self, key: str) -> int | None: ...
    @overload
    def count(self, key: str, default: int) -> int: ...
    def count(self, key: str, default: int | None = None) -> int | None:
        """Return the whole number of 1 or more under a key."""
        value: int | None = check_count(self.get(key, default), f"{self.location}: {key}")
        return value

    @overload
    def flag(self, key: str) -> bool | None: ...
    @overload
    def flag(self, key: str, *, default: bool) -> bool: ...
    def flag(self, key: str, *, default: bool | None = None) -> bool | None:
        """Return true or false."""
        return check_flag(self[key], f"{self.location}: {key}") if key in self else default

    @overload
    def share(self, key: str) -> float | None: ...
    @overload
    def share(self, key: str, default: float) -> float: ...
    def share(self, key: str, default: float | None = None) -> float | None:
        """Return the number in [0, 1] under a key."""
        value: float | None = self.get(key, default)
        check_share(f"{self.location}: {key}", value)
        return value

    def string(self, key: str, default: str) -> str:
        """Return the string under a key."""
        value = self.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def strings(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the list of strings under a key, as a tuple."""
        value = self.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "a list of strings")
        return tuple(value)

    def names(self, key: str) -> Mapping[str, str]:
        """Return the table of strings under a key; an empty one if the key is missing."""
        value = self.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self.wrong(key, "a table of names")
        return dict(value)

    def choices(self, key: str, allowed: Collection[str], kind: str) -> tuple[str, ...]:
        """Return the list of strings under a key, each of which has to be allowed.

        Args:
            key: The key.
            allowed: The allowed strings.
            kind: The word for one of them in messages.
        """
        values = self.strings(key)
        for value in values:
            if value not in allowed:
                raise self.error(f"{key}: " + unknown_name(kind, value, allowed))
        return values


def check_name(value: Any, location: str) -> str:
    """Return a name that can be a part of a test's id.

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
            f"{location} = {value!r}: a name is not empty and has no space and none of / \\ [ ] :, "
            "nor a control character"
        )
    return value


@overload
def check_count(value: int, location: str) -> int: ...
@overload
def check_count(value: Any, location: str) -> int | None: ...
def check_count(value: Any, location: str) -> int | None:
    """Return a whole number of 1 or more, or None.

    Raises:
        ConfigurationError: anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{location} = {value!r} is not a whole number of 1 or more")
    return value


def check_flag(value: Any, location: str) -> bool:
    """Return true or false.

    Raises:
        ConfigurationError: anything else.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{location} = {value!r} is neither true nor false")
    return value


def check_share(key: str, value: float | None, *, low: float = 0.0, required: bool = False) -> None:
    """Check that a share is in [low, 1].

    Args:
        key: The name of the value in messages.
        value: The share, or None for no value.
        low: The least allowed share.
        required: Whether None is an error.

    Raises:
        ConfigurationError: names the key and the value.
    """
    if value is None and not required:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1.0:
        raise ConfigurationError(
            f"{key} = {value!r} is not a share in [{low:g}, 1]; 3 points are 0.03"
        )
