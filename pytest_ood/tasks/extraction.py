"""Extraction: the answer is a JSON object, each field of which is compared in its own way."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.data.parsing import (
    MOST_BRACES,
    json_value,
    json_values,
    last_tagged,
    without_thoughts,
)
from pytest_ood.data.spans import moved_spans
from pytest_ood.data.values import is_missing, plain
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.tasks._fields import Field, parse_fields
from pytest_ood.tasks.protocol import OpenTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_ood.data.edits import Edit
    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.data.spans import Span
    from pytest_ood.tasks.protocol import EditsByField, Prediction

SCHEMA = "schema"
"""The table of a suite with the comparison of each field."""

_KEYS = ("value", "also", "in", "start", "end")
"""The keys of a right value with a span: its text, other right texts, and where it is."""

_NUMBERED = frozenset(("number", "date"))
"""Comparisons of values that have digits."""


@dataclass(frozen=True)
class RightValue:
    """A right value of a field, or of one member of a set.

    Attributes:
        forms: The texts that are right, the one of the data first.
        source: The field of the inputs that it is in; "" where its span is unknown.
        span: Where it is in that field; None where it is unknown.
    """

    forms: tuple[str, ...]
    source: str = ""
    span: Span | None = None


RightObject = Mapping[str, tuple[RightValue, ...]]
"""The right values of each field; none for a field that does not occur."""


@dataclass(frozen=True)
class Extraction(OpenTask):
    """A JSON object, scored by the mean score of its fields.

    An answer is kept as compact JSON, with the fields in the order of the schema, null for a field
    that does not occur, and without fields that the model left out. A right answer may also have
    spans, which move with edits of the inputs.

    Attributes:
        fields: The fields, at least one.
        name: The name in suite files.
        measure: The name of the mean score.
        labels: Empty: any object may be an answer.
        structured: Answers are objects.
        moves: Right values may have spans.
    """

    fields: tuple[Field, ...]
    name: str = "extraction"
    measure: str = "field score"
    labels: tuple[str, ...] = ()
    structured: bool = True
    moves: bool = True

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Extraction:
        """Return the task of a schema, as a suite has it.

        Args:
            schema: For each field its comparison, or a mapping with the comparison and its options.

        Raises:
            ConfigurationError: there is no field, one is invalid, or two have names that are read
                alike.
        """
        fields = parse_fields(schema, SCHEMA)
        names = [_bare(field.name) for field in fields]
        twice = [field.name for field in fields if names.count(_bare(field.name)) > 1]
        if twice:
            raise ConfigurationError(
                f"{SCHEMA}: {' and '.join(twice)} differ in case or punctuation alone, which "
                "answers are read without; rename one"
            )
        return cls(fields)

    @property
    def protects(self) -> tuple[str, ...]:  # type: ignore[override] # the class is frozen
        """The right values; and numbers, where some are numbers or dates."""
        has_digits = any(field.comparison in _NUMBERED for field in self.fields)
        return ("answers", "numbers") if has_digits else ("answers",)

    @property
    def json_schema(self) -> Mapping[str, Any]:  # type: ignore[override] # the class is frozen
        """The JSON schema of an answer: all fields, each of which may be null."""
        return {
            "type": "object",
            "properties": {field.name: field.json_schema for field in self.fields},
            "required": [field.name for field in self.fields],
            "additionalProperties": False,
        }

    def encode(self, value: Any, inputs: Inputs) -> str:
        """Return the right answer of an object, or of its JSON.

        Raises:
            DataError: it is no object, has a field that the schema lacks, or a value of the wrong
                kind, an empty one, or one with an impossible span.
        """
        table = _table(value)
        names = [field.name for field in self.fields]
        for name in table:
            if name not in names:
                raise DataError(unknown_name("field", str(name), names))
        return self._encoded(
            {f.name: _right_values(f, table.get(f.name), inputs) for f in self.fields}
        )

    def reference(self, answer: str) -> str:
        """Return a right answer without spans from its JSON; raises as `encode`."""
        return self.encode(answer, "")

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        """Return the answer in a text: the first JSON object with the most fields of the schema.

        It may be in a code fence, between words, behind reasoning, in an `<answer>` tag, and inside
        of another object. Names of fields are compared without case, spaces, hyphens and
        underscores. None for a text without any JSON object.
        """
        said = without_thoughts(text)
        tagged = last_tagged(said)
        return self._read_from(said if tagged is None else tagged)

    def ballot(self, answer: str) -> str:
        """Return the answer with null for the fields that it lacks."""
        said = self.said(answer) or {}
        return _json({f.name: f.written(said.get(f.name, ())) for f in self.fields})

    def demonstrated(self, answer: str) -> str:
        """Return a right answer as a model writes it: without spans and other forms."""
        if _object_of(answer) is None:
            return answer  # of a demonstration in the configuration, which is shown as it is
        right = self._right(answer)
        return _json({f.name: f.written([v.forms[0] for v in right[f.name]]) for f in self.fields})

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer, of each value the form that is nearest to the prediction."""
        right, said = self._right(example.label), self.said(prediction.label) or {}
        return _json(
            {
                f.name: f.written(
                    [_nearest(f, value, said.get(f.name, ())) for value in right[f.name]]
                )
                for f in self.fields
            }
        )

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the mean score of the fields; an abstention scores 0.0."""
        if prediction.label is None:
            return 0.0
        scores = self.field_scores(example.label, prediction.label)
        return sum(scores.values()) / len(scores)

    def field_scores(self, truth: str, answer: str | None) -> dict[str, float]:
        """Return the score of each field, 0.0 for all where there is no object."""
        right, said = self._right(truth), self.said(answer)
        if said is None:
            return {field.name: 0.0 for field in self.fields}
        return {
            f.name: f.score([value.forms for value in right[f.name]], said.get(f.name, ()))
            for f in self.fields
        }

    def said(self, answer: str | None) -> dict[str, tuple[str, ...]] | None:
        """Return the values of an answer, by the fields that it has; None without an object."""
        table = _object_of(answer or "")
        if table is None:
            return None
        return {f.name: f.read(table[f.name]) for f in self.fields if f.name in table}

    def protected(self, example: Example) -> tuple[str, ...]:
        """Return the texts of the right values: their forms, and what their spans have."""
        inputs = fields_of(example.inputs)
        texts: dict[str, None] = {}
        for value in self._values(example.label):
            texts |= dict.fromkeys(value.forms)
            if value.span is not None:
                texts[inputs[value.source][slice(*value.span)]] = None
        return tuple(texts)

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Return an example with other inputs, and the spans of right values behind the edits.

        The value before stays right. Where its text was changed, the changed text is right as well,
        if the text before was right itself: a model may copy what it reads, or correct it.

        Returns:
            The example afterwards; None where a span was deleted, or where an edit crosses its end:
            nobody can tell then what the text has of the value.
        """
        texts = fields_of(example.inputs), fields_of(inputs)
        right: dict[str, tuple[RightValue, ...]] = {}
        for field in self.fields:
            moved = [
                _moved_value(field, value, texts, edits.get(value.source, ()))
                for value in self._right(example.label)[field.name]
            ]
            right[field.name] = tuple(value for value in moved if value is not None)
            if None in moved:
                return None
        return replace(example, inputs=inputs, label=self._encoded(right))

    def _right(self, label: str) -> RightObject:
        """Return the right values of an answer as `encode` returns it."""
        table = json.loads(label)
        return {
            field.name: tuple(map(_right_value_of, _listed(table.get(field.name))))
            for field in self.fields
        }

    def _values(self, label: str) -> Iterator[RightValue]:
        for values in self._right(label).values():
            yield from values

    def _encoded(self, right: RightObject) -> str:
        """Write right values as JSON, those with spans or other forms as objects."""
        written: dict[str, Any] = {}
        for field in self.fields:
            values = [_value_written(field, value) for value in right[field.name]]
            is_set = field.comparison == "set"
            written[field.name] = (values or None) if is_set else next(iter(values), None)
        return _json(written)

    def _read_from(self, text: str) -> str | None:
        named = {_bare(field.name): field.name for field in self.fields}
        best: dict[str, Any] | None = None
        for _, value in json_values(text, json.JSONDecoder(), MOST_BRACES):
            for table in _objects_in(value):
                fields = {named[key]: v for k, v in table.items() if (key := _bare(k)) in named}
                if best is None or len(fields) > len(best):
                    best = fields
        if best is None:
            return None
        read = {f.name: f.written(f.read(best[f.name])) for f in self.fields if f.name in best}
        return _json(read)


def _table(value: Any) -> Mapping[str, Any]:
    """Return the object that a value of a data file is, or has as JSON."""
    if isinstance(value, str):
        if not value.strip():
            raise DataError('it is empty; where no field occurs, write "{}"')
        table = _object_of(value)
        if table is None:
            raise DataError(f"{shown(value)} is no JSON object")
        return table
    if isinstance(value, Mapping):
        return value
    raise DataError(
        f"{shown(value)} is no object; a right answer is a JSON object with a value for each field"
    )


def _right_values(field: Field, value: Any, inputs: Inputs) -> tuple[RightValue, ...]:
    """Return the right values of a field of the data."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if is_missing(plain(value)):
        return ()
    is_list = isinstance(value, list | tuple)
    if is_list != (field.comparison == "set"):
        raise field.error(value, "a list" if is_list else "no list; a set is written as one")
    read = (_right_value(field, one, inputs) for one in (value if is_list else [value]))
    return tuple(one for one in read if one is not None)


def _right_value(field: Field, value: Any, inputs: Inputs) -> RightValue | None:
    """Return a right value of the data, which may be a table with its span."""
    if not isinstance(value, Mapping):
        text = field.reference(value)
        return None if text is None else RightValue((text,))
    # Columnar files have null under the keys that a row lacks.
    table = {key: entry for key, entry in value.items() if entry is not None}
    for key in table:
        if key not in _KEYS:
            raise DataError(f"the field {field.name!r}: {unknown_name('key', str(key), _KEYS)}")
    source, span = _span_of(field, table, inputs)
    texts = fields_of(inputs)
    first = table.get("value", texts[source][slice(*span)] if span else None)
    also = table.get("also", [])
    if not isinstance(also, list | tuple):
        raise field.error(value, "a table whose `also` is no list")
    forms = [form for text in (first, *also) if (form := field.reference(text)) is not None]
    if not forms:
        raise field.error(value, "a table without a value")
    return RightValue(tuple(dict.fromkeys(forms)), source, span)


def _span_of(field: Field, table: Mapping[str, Any], inputs: Inputs) -> tuple[str, Span | None]:
    """Return the field of the inputs and the span that a right value names; None for no span."""
    if "start" not in table and "end" not in table:
        return "", None
    texts = fields_of(inputs)
    source = table.get("in", next(iter(texts)) if len(texts) == 1 else None)
    if source not in texts:
        raise DataError(
            f"the field {field.name!r}: `in` names the field of the inputs that the span is in: "
            + unknown_name("field", str(source), texts)
        )
    start, end = plain(table.get("start")), plain(table.get("end"))
    size = len(texts[source])
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= size:
        raise field.error(
            dict(table), f"no span of a text of {size} characters: 0 <= start < end <= {size}"
        )
    return source, (start, end)


def _value_written(field: Field, value: RightValue) -> Any:
    """Return a right value as JSON has it: an object if it has a span or several forms."""
    as_json = replace(field, comparison="exact") if field.comparison == "set" else field
    first, *also = (as_json.written((form,)) for form in value.forms)
    if value.span is None and not also:
        return first
    table = {"value": first, **({"also": also} if also else {})}
    if value.span is not None:
        table |= {"in": value.source, "start": value.span[0], "end": value.span[1]}
    return table


def _right_value_of(value: Any) -> RightValue:
    """Return a right value from the JSON of `_value_written`."""
    if not isinstance(value, dict):
        return RightValue((str(value),))
    forms = tuple(map(str, (value["value"], *value.get("also", ()))))
    span = (value["start"], value["end"]) if "start" in value else None
    return RightValue(forms, value.get("in", ""), span)


def _listed(value: Any) -> Sequence[Any]:
    """Return the values of a field as JSON has them: none, one, or those of a list."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _moved_value(
    field: Field,
    value: RightValue,
    texts: tuple[Mapping[str, str], Mapping[str, str]],
    edits: Iterable[Edit],
) -> RightValue | None:
    """Return a right value behind the edits of its text; None where nobody can tell what it is.

    Args:
        field: Its field.
        value: The value.
        texts: The fields of the inputs before and afterwards.
        edits: The edits of the text that the value is in.
    """
    if value.span is None:
        return value
    moved = moved_spans([value.span], edits)
    if moved is None or moved[0] is None:
        return None
    before, after = (
        text[value.source][slice(*span)]
        for text, span in zip(texts, (value.span, moved[0]), strict=True)
    )
    forms = value.forms
    if after != before and field.score([forms], field.read(before)) == 1.0:
        try:
            form = field.reference(after)
        except DataError:
            form = None  # no number or date any more
        forms = forms if form is None else tuple(dict.fromkeys((*forms, form)))
    return RightValue(forms, value.source, moved[0])


def _nearest(field: Field, value: RightValue, said: Sequence[str]) -> str:
    """Return the form of a right value that scores best against what was said."""
    if field.comparison == "set":
        return next((form for form in value.forms if form in said), value.forms[0])
    return max(value.forms, key=lambda form: field.score([[form]], said))


def _objects_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield an object and those that are nested in it, outer ones first."""
    pending = deque([value])
    while pending:
        table = pending.popleft()
        if isinstance(table, dict):
            yield table
        if isinstance(table, dict | list):
            pending += table.values() if isinstance(table, dict) else table


def _object_of(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is; None for any other text."""
    value = json_value(text)
    return value if isinstance(value, dict) else None


def _bare(name: str) -> str:
    """Return the letters and digits of a field's name, without case."""
    return "".join(c for c in name.casefold() if c.isalnum()) or name


def _json(value: Any) -> str:
    """Write a value as compact JSON, without lone surrogates, which no encoding can carry."""
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return text.encode("utf-8", "replace").decode()


NAMES = ("extraction",)
KEYS: tuple[str, ...] = (SCHEMA,)


def parse(name: str, table: Mapping[str, Any]) -> Extraction:
    """Read the fields of a suite and how each is compared.

    Raises:
        ConfigurationError: there are none, or as `Extraction.of`.
    """
    if SCHEMA not in table:
        raise ConfigurationError(
            f"the key {SCHEMA!r} is missing: a table with the comparison of each field, such as "
            f'{SCHEMA} = {{ people = "number", date = "date" }}'
        )
    return replace(Extraction.of(table[SCHEMA]), name=name)
