"""The fields of an extracted object, and how their values are read and compared."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import visible
from pytest_ood.data.values import is_missing, label_text, plain
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.tasks._dates import date_of
from pytest_ood.tasks.numeric import NumericAnswer
from pytest_ood.tasks.question_answering import token_f1
from pytest_ood.utils.tables import ConfigTable, check_name

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARISONS = ("exact", "number", "date", "set", "text")
"""How two values are compared; docs/extraction.md describes each."""

NO_VALUE = frozenset(("", "null", "none", "n/a"))
"""Texts, in any case, with which models say that a field does not occur."""

_OPTIONS = {"number": ("tolerance",), "date": ("day_first",)}
"""The further keys of a field, by its comparison."""

_NUMBER = NumericAnswer()


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of an answer.

    A value is a tuple of texts: none where the field does not occur, one, or for a set several.

    Attributes:
        name: The key in answers.
        comparison: One of `COMPARISONS`.
        tolerance: The largest difference of two numbers that count as the same.
        day_first: Whether 3/4/2024 is in April; None where such a date is not read.
    """

    name: str
    comparison: str = "exact"
    tolerance: Fraction = Fraction(0)
    day_first: bool | None = None

    def read(self, value: Any) -> tuple[str, ...]:
        """Return a model's value in the form in which values are compared.

        Reading is lenient: a list of one value is the value, and a single value of a set is a set
        of one. What cannot be read as a number or a date stays as it is, and is wrong.
        """
        values = value if isinstance(value, list) else [value]
        read = [text for one in values if (text := self._read(one)) is not None]
        if self.comparison == "set":
            return tuple(sorted(set(read)))
        return tuple(read) if len(read) <= 1 else (json.dumps(read, ensure_ascii=False),)

    def reference(self, value: Any) -> str | None:
        """Return one right value of the data; None for one that stands for no value.

        Raises:
            DataError: it is of the wrong kind, or cannot be read as the comparison needs it.
        """
        value = plain(value)
        if is_missing(value):
            return None
        if isinstance(value, str) and not value.strip():
            raise self.error(value, "empty; where the field does not occur it is null or left out")
        if label_text(value) is None:
            raise self.error(value, "neither a text nor a number, true or false")
        text = self._text(value)
        if text is None:
            return None
        if self.comparison == "number" and number_of(text) is None:
            raise self.error(value, 'not one number in digits; compare it as "exact" or "text"')
        if self.comparison == "date" and date_of(text, day_first=self.day_first) is None:
            raise self.error(
                value,
                'no date that is read, such as "2024-08-23" or "August 23" (for 3/4/2024 set '
                'day_first to true or false); compare other texts as "exact" or "text"',
            )
        return self._read(value)

    def score(self, right: Sequence[Sequence[str]], said: Sequence[str]) -> float:
        """Return the score of a value in [0, 1].

        Args:
            right: For each right value the texts that are as good; empty for no value.
            said: The model's value, as `read` returns it.
        """
        if not right or not said:
            return float(not right and not said)
        if self.comparison == "set":
            allowed = {form for forms in right for form in forms}
            complete = all(not set(forms).isdisjoint(said) for forms in right)
            # Two forms of one member would be two members.
            return float(complete and allowed.issuperset(said) and len(said) <= len(right))
        return max(self._same(form, said[0]) for form in right[0])

    def written(self, value: Sequence[str]) -> Any:
        """Return a value as JSON has it; none is null.

        A number is one where nothing is lost by it.
        """
        if self.comparison == "set":
            return list(value) or None
        if not value:
            return None
        return json_number(value[0]) if self.comparison == "number" else value[0]

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of its values."""
        if self.comparison == "set":
            return {"type": ["array", "null"], "items": {"type": "string"}}
        return {"type": ["number" if self.comparison == "number" else "string", "null"]}

    def error(self, value: Any, problem: str) -> DataError:
        """Return the error for a right value that is invalid."""
        return DataError(
            f"the field {self.name!r} is {shown(value)}, which is {problem} "
            f'(its comparison is "{self.comparison}")'
        )

    def _same(self, right: str, said: str) -> float:
        """Return the score of one text against one right text."""
        if self.comparison == "text":
            return token_f1(said, right)
        if self.comparison == "number":
            number = number_of(said)
            return float(
                number is not None and abs(Fraction(right) - Fraction(number)) <= self.tolerance
            )
        return float(right == said)

    def _read(self, value: Any) -> str | None:
        """Return one value as text; None for none."""
        text = self._text(value)
        if text is None:
            return None
        if self.comparison == "number":
            return number_of(text) or text
        if self.comparison == "date":
            return date_of(text, day_first=self.day_first) or text
        return text

    @staticmethod
    def _text(value: Any) -> str | None:
        """Return a value of JSON as text without surplus white space; None for none."""
        if isinstance(value, Mapping) and "value" in value:
            value = value["value"]
        if value is None:
            return None
        if isinstance(value, Mapping | list):
            try:
                value = json.dumps(value, ensure_ascii=False)
            except RecursionError:
                value = "{...}"
        # A number such as 1e999 is infinite, and has no form as a label.
        text = " ".join(visible(label_text(value) or str(value)).split())
        return None if text.casefold() in NO_VALUE else text


@lru_cache(maxsize=10_000)
def number_of(text: str) -> str | None:
    """Return the only number of a text in canonical form, or None.

    It is kept, because every metric reads the same answers again.
    """
    if text.startswith(("[", "{")):
        return None  # several values, of which one may be a number
    try:
        return _NUMBER.reference(text)
    except DataError:
        return None


def json_number(text: str) -> int | float | str:
    """Return a number in canonical form as JSON has it; a fraction (1/3) stays a text."""
    for kind in (int, float):
        try:
            number: int | float = kind(text)
        except ValueError:
            continue
        if str(number) == text:
            return number
    return text


def parse_fields(table: Any, key: str) -> tuple[Field, ...]:
    """Read the fields of a suite: for each its comparison, or a table with its options.

    Args:
        table: The table of the suite.
        key: Its key, for messages.

    Raises:
        ConfigurationError: there is no field, or a comparison or an option is unknown or wrong.
    """
    if not isinstance(table, Mapping) or not table:
        raise ConfigurationError(
            f"{key} = {table!r} has no field; it is a table with the comparison of each field, "
            f'such as {key} = {{ people = "number", date = "date" }}'
        )
    return tuple(_parsed(name, entry, f"{key}.{name}") for name, entry in table.items())


def _parsed(name: str, entry: Any, where: str) -> Field:
    # It is a part of the names of metrics.
    check_name(name, where)
    table = {"comparison": entry} if isinstance(entry, str) else entry
    if not isinstance(table, Mapping) or "comparison" not in table:
        raise ConfigurationError(
            f"{where} = {entry!r} is neither a comparison ({', '.join(COMPARISONS)}) nor a table "
            "with the key `comparison`"
        )
    comparison, options = table["comparison"], ConfigTable(table, where)
    if comparison not in COMPARISONS:
        unknown = unknown_name("comparison", str(comparison), COMPARISONS)
        raise ConfigurationError(f"{where}: {unknown}")
    options.only(("comparison", *_OPTIONS.get(comparison, ())))
    tolerance = options.get("tolerance", 0)
    is_number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
    if not is_number or not 0 <= tolerance < math.inf:
        raise options.wrong("tolerance", "a number of 0 or more")
    return Field(
        name=name,
        comparison=comparison,
        tolerance=Fraction(str(tolerance)),
        day_first=options.flag("day_first"),
    )
