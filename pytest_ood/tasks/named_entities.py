"""Named entities: spans of a text, each with a label."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_ood.data.parsing import MOST_BRACES, json_value, json_values, without_thoughts
from pytest_ood.data.spans import moved_spans, splits_grapheme
from pytest_ood.data.tags import OUTSIDE, tagged_spans
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.tasks._counts import Counts
from pytest_ood.tasks.protocol import OpenTask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ood.data.edits import Edit
    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.data.spans import Span
    from pytest_ood.data.tags import LabelledSpan
    from pytest_ood.tasks.protocol import EditsByField, Prediction

NO_SPAN = (-1, -1)
"""The span of an answered entity that is nowhere in the text: it is counted as a wrong one."""

_TEXT_KEYS = ("text", "entity", "word", "name")
_LABEL_KEYS = ("label", "type", "entity_type", "entity_group")
"""Fields of the objects that models answer; the first of each are those of prompts and data."""

_NONE = re.compile(
    r"\W{0,20}(?:none|n/?a|there (?:are|is) no|no)\b(?: (?:named )?entit(?:y|ies)\b.*)?\W{0,20}",
    re.IGNORECASE | re.DOTALL,
)
_OPENING = re.compile(r"[\[{]")
_ALLOWED = (
    "entities are a list of [start, end, label], of {start, end, label} or of {text, label}, or "
    "of the tags of the words"
)


class Entity(NamedTuple):
    """An entity.

    Attributes:
        start: The index of its first character; -1 for an answer that is not in the text.
        end: The index after its last character.
        label: The label, such as "PER".
        text: Its text.
    """

    start: int
    end: int
    label: str
    text: str


@dataclass(frozen=True)
class NamedEntities(OpenTask):
    """The entities of a text, each of which is right if its span and its label are.

    An answer is a JSON list of objects with `start`, `end`, `label` and `text`, sorted by `start`.
    An entity that a model names and that is not in the text has neither `start` nor `end`.

    Attributes:
        entities: The labels of entities.
        name: The name in suite files.
        measure: The name of the mean score.
        headline: The metric that a budget in a shift's own table is of.
        structured: True: answers are lists.
        moves: True: spans follow the edits of their text.

    Raises:
        ConfigurationError: there is no label, the same one twice, or one that is no label.
    """

    entities: tuple[str, ...]
    name: str = "ner"
    measure: str = "F1 of a text"
    headline: str = "entity-f1"
    structured: bool = True
    moves: bool = True

    def __post_init__(self) -> None:
        wrong = [label for label in self.entities if not label.strip() or label == OUTSIDE]
        if not self.entities or wrong or len(set(self.entities)) < len(self.entities):
            raise ConfigurationError(
                f"labels = {list(self.entities)!r}: named entities need one or more different "
                f"labels, such as PER and LOC; {OUTSIDE!r} means that a word is in no entity"
            )

    def renamed(self, value: Any, labels: Mapping[str, str]) -> Any:
        """Return entities or tags with other labels; those that become "O" are left out."""
        if not labels or not _is_list(value):
            return value
        return [one for one in (_renamed(item, labels) for item in value) if one is not None]

    def encode(self, value: Any, inputs: Inputs) -> str:
        """Return the right answer of a list of entities, or of the tags of a text's words.

        Args:
            value: A list of [start, end, label], {start, end, label} or {text, label}; or a tag for
                each word of the text; or such a list as JSON text.
            inputs: The text.

        Raises:
            DataError: it is something else, a label is unknown, a span is not in the text, or cuts
                a character that is made of several, or overlaps another.
        """
        if not isinstance(inputs, str):
            raise DataError(
                f"entities are spans of one text, and the inputs have the fields "
                f"{', '.join(inputs)}; name one with `fields`"
            )
        items = _list_of(value)
        if items is None:
            raise DataError(f"there are no entities but {shown(value)}; {_ALLOWED}")
        if items and all(isinstance(item, str) for item in items):
            found = _entities_of_tags(items, inputs)
        else:
            found = sorted(_gold(item, inputs) for item in items)
        for entity in found:
            self._check(entity, inputs)
        for one, other in pairwise(found):
            if other.start < one.end:
                raise DataError(
                    f"the entities {_quoted(one)} and {_quoted(other)} overlap; spans are flat: "
                    "keep one of them"
                )
        return written(found)

    def _check(self, entity: Entity, text: str) -> None:
        """Check the label of an entity, and that it splits no character."""
        if entity.label not in self.entities:
            raise DataError(
                unknown_name("label", entity.label, self.entities)
                + " `labels` of the data renames labels of the file to those of the suite, and "
                f'leaves out what it calls "{OUTSIDE}"'
            )
        if any(splits_grapheme(text, index) for index in (entity.start, entity.end)):
            raise DataError(
                f"the entity {_quoted(entity)} begins or ends inside a character that is made of "
                "several, such as a letter and its accent; move that end"
            )

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Return an example whose entities follow the edits of its text.

        An entity of which nothing is left is none of the text any more.

        Returns:
            The example afterwards; None if an edit reaches over an end of an entity, so that nobody
            knows where it ends, or the end is inside a character afterwards.
        """
        before = entities_of(example.label)
        every: list[Edit] = [edit for some in edits.values() for edit in some]
        spans = moved_spans([(e.start, e.end) for e in before], every)
        if spans is None or not isinstance(inputs, str):
            return None
        after = [
            Entity(*span, entity.label, inputs[slice(*span)])
            for entity, span in zip(before, spans, strict=True)
            if span is not None
        ]
        ends = [index for entity in after for index in (entity.start, entity.end)]
        if ends != sorted(ends) or any(splits_grapheme(inputs, index) for index in ends):
            return None
        return replace(example, inputs=inputs, label=written(after))

    def protected(self, example: Example) -> tuple[str, ...]:
        """Return the texts of the entities."""
        return tuple(dict.fromkeys(entity.text for entity in entities_of(example.label)))

    def demonstrated(self, answer: str) -> str:
        """Return the texts and labels: a language model does not count characters."""
        pairs = [{"text": e.text, "label": e.label} for e in entities_of(answer)]
        return json.dumps(pairs, ensure_ascii=False)

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the entities that a text names in JSON, not yet searched in the inputs, or None.

        The JSON is a list of objects, or an object with such a list or with texts by label; around
        it and between objects there may be other text. A text that says that there are none, and
        an empty list, is the answer that there is no entity.
        """
        del label_words
        folded = {label.casefold(): label for label in self.entities}
        items = _items(without_thoughts(text), folded)
        if items is None:
            return None
        found = (_read_entity(item, folded) for item in items)
        return written([entity for entity in found if entity is not None])

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction whose entities have their spans in the example's text."""
        if not prediction.label or not isinstance(example.inputs, str):
            return prediction
        placed = _placed(entities_of(prediction.label), example.inputs)
        answer = written(sorted(set(placed)))
        if answer == prediction.label:
            return prediction
        said = prediction.label if prediction.text is None else prediction.text
        return replace(prediction, label=answer, scores={}, text=said)

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the F1 of a text: 1.0 where neither side has an entity; an abstention scores 0."""
        if prediction.label is None:
            return 0.0
        return counted(prediction.label, example.label).f1


def written(entities: Sequence[Entity]) -> str:
    """Return entities in the form in which answers are compared."""
    return json.dumps(
        [
            {"start": e.start, "end": e.end, "label": e.label, "text": e.text}
            if e.start >= 0
            else {"label": e.label, "text": e.text}
            for e in entities
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def entities_of(answer: str | None) -> list[Entity]:
    """Return the entities of an answer that was written by `written`; none of an abstention."""
    return [
        Entity(item.get("start", -1), item.get("end", -1), item["label"], item["text"])
        for item in json.loads(answer or "[]")
    ]


def entities_at(spans: Iterable[LabelledSpan], text: str) -> list[Entity]:
    """Return the entities of a text at spans with labels."""
    return [Entity(*span, text[span.start : span.end]) for span in spans]


def counted(answer: str | None, truth: str, label: str = "") -> Counts:
    """Return the counts of entities that are right in span and label (CoNLL-2003's, of one text).

    Args:
        answer: The model's answer; None for an abstention.
        truth: The right one.
        label: The label of the entities that count; "" for all.
    """
    sides = [_of_label(side, label) for side in (truth, answer)]
    true, answered = ({entity[:3] for entity in side if entity.start >= 0} for side in sides)
    return Counts(len(true & answered), len(sides[0]), len(sides[1]))


def overlapping(answer: str | None, truth: str) -> Counts:
    """Return the counts of entities that overlap with one of the same label.

    The type matching of SemEval-2013 task 9 (Segura-Bedmar et al. 2013): the label is right, and
    some of the span. Each entity is the match of one other at most.
    """
    sides = [_of_label(side, "") for side in (truth, answer)]
    true, answered = (sorted(entity for entity in side if entity.start >= 0) for side in sides)
    right = 0
    for label in {entity.label for entity in true}:
        waiting = [entity for entity in answered if entity.label == label]
        for one in (entity for entity in true if entity.label == label):
            match = next((e for e in waiting if e.start < one.end and one.start < e.end), None)
            if match is not None:
                waiting.remove(match)
                right += 1
    return Counts(right, len(sides[0]), len(sides[1]))


def _of_label(answer: str | None, label: str) -> list[Entity]:
    return [entity for entity in entities_of(answer) if label in ("", entity.label)]


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _list_of(value: Any) -> Sequence[Any] | None:
    """Return a list, or the list in a JSON text; None for another value."""
    value = json_value(value) if isinstance(value, str) else value
    return value if _is_list(value) else None


def _quoted(entity: Entity) -> str:
    return f"{shown(entity.text)} [{entity.start}, {entity.end}] {entity.label}"


def _renamed(item: Any, labels: Mapping[str, str]) -> Any:
    """Return an entity or a tag with another label; None for an entity that is left out."""
    if isinstance(item, str):
        prefix, _, label = item.partition("-")
        new = labels.get(label, label)
        return OUTSIDE if OUTSIDE in (item, new) else f"{prefix}-{new}"
    if isinstance(item, Mapping):
        old = item.get("label")
        named = labels.get(old, old) if isinstance(old, str) else old
        return None if named == OUTSIDE else {**item, "label": named}
    if _is_list(item) and len(item) == 3:  # noqa: PLR2004 - start, end and label
        new = labels.get(item[2], item[2])
        return None if new == OUTSIDE else [*item[:2], new]
    return item


def _gold(item: Any, text: str) -> Entity:
    """Return the entity of an item of a data file.

    Raises:
        DataError: it is no entity, or it is not in the text, or nobody knows where.
    """
    entity = _read_entity(item, {})
    if entity is None:
        raise DataError(f"{shown(item)} is no entity; {_ALLOWED}")
    if entity.start >= 0:
        if not entity.start < entity.end <= len(text):
            raise DataError(
                f"the span [{entity.start}, {entity.end}] is not in the text, which has "
                f"{len(text)} characters, or is empty; a span has the index of its first character "
                "and the one after its last"
            )
        return entity._replace(text=text[entity.start : entity.end])
    places = [match.start() for match in re.finditer(re.escape(entity.text or "\0"), text)]
    if len(places) != 1:
        raise DataError(
            f"{shown(entity.text)} is in the text {len(places)} times; give `start` and `end`"
        )
    return Entity(places[0], places[0] + len(entity.text), entity.label, entity.text)


def _entities_of_tags(tags: Sequence[str], text: str) -> list[Entity]:
    """Return the entities of a text whose words, between white space, have these tags."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    if len(words) != len(tags):
        raise DataError(
            f"there are {len(tags)} tags, and the text has {len(words)} words between white space; "
            "give one for each, or spans"
        )
    return entities_at(tagged_spans(tags, words), text)


def _read_entity(item: Any, labels: Mapping[str, str]) -> Entity | None:
    """Return the entity that an item of a list names, where it is not yet searched in a text.

    Args:
        item: [start, end, label], or an object.
        labels: The label for each label in lower case.

    Returns:
        The entity, with an empty text if it has a span and the item gives none; None for another
        item.
    """
    if isinstance(item, Mapping):
        label = _first_text(item, _LABEL_KEYS)
        text = _first_text(item, _TEXT_KEYS)
        span = item.get("start"), item.get("end")
    elif _is_list(item) and len(item) == 3:  # noqa: PLR2004 - start, end and label
        label, text = item[2] if isinstance(item[2], str) else None, None
        span = item[0], item[1]
    else:
        return None
    has_span = all(isinstance(index, int) and not isinstance(index, bool) for index in span)
    if label is None or (text is None and not has_span):
        return None
    start, end = span if has_span else NO_SPAN
    label = label.strip()
    return Entity(int(start or 0), int(end or 0), labels.get(label.casefold(), label), text or "")


def _first_text(item: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Return the first of some fields of an object that is a text."""
    return next((item[key] for key in keys if isinstance(item.get(key), str)), None)


def _items(text: str, labels: Mapping[str, str]) -> list[Any] | None:
    """Return the items of the first list or object of entities in a text; None if there is none.

    Args:
        text: A generated text, or JSON.
        labels: The labels, by their names in lower case.
    """
    decoder = json.JSONDecoder()
    for opening in islice(_OPENING.finditer(text), MOST_BRACES):
        try:
            value, _ = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            # A list that was cut off: its objects are read one by one.
            continue
        items = value if isinstance(value, list) else _inner(value, labels)
        if isinstance(value, dict) and items == [value]:
            # One object a line, or a list that was cut off.
            objects = json_values(text[opening.start() :], decoder, MOST_BRACES)
            items = [found for _, found in objects]
        flat = [one for item in items for one in _inner(item, labels)]
        known = [one for one in flat if _read_entity(one, labels) is not None]
        if known or not flat:
            return known
    return [] if _NONE.fullmatch(text) else None


def _inner(item: Any, labels: Mapping[str, str]) -> list[Any]:
    """Return an entity, or the entities in an object whose fields are lists of them, or labels."""
    if not isinstance(item, Mapping) or _read_entity(item, labels) is not None:
        return [item]
    found: list[Any] = []
    for key, entry in item.items():
        listed = entry if isinstance(entry, list) else [entry]
        if str(key).strip().casefold() in labels:
            texts = [text for text in listed if isinstance(text, str)]
            found += [{"text": text, "label": str(key)} for text in texts]
        if isinstance(entry, list):
            found += [one for one in entry if isinstance(one, Mapping | list)]
    return found


def _placed(entities: Sequence[Entity], text: str) -> list[Entity]:
    """Return entities with their spans in a text.

    A span that is not in the text, or a text that is not, becomes `NO_SPAN`. Each of several equal
    entities becomes another occurrence, from the left; one that is left over repeats, and is
    dropped. Spans come first, then longer texts, so that "York" is not found inside of "New York".
    """
    placed: list[Entity] = []
    taken: list[Span] = []
    searched: set[tuple[str, str]] = set()
    for entity in sorted(entities, key=lambda entity: (entity.start < 0, -len(entity.text))):
        if 0 <= entity.start < entity.end <= len(text):
            span: Span | None = (entity.start, entity.end)
        else:
            spans = _occurrences(entity.text, text)
            span = next((s for s in spans if not any(_overlap(s, one) for one in taken)), None)
            key = (entity.text.casefold(), entity.label)
            if span is None and key in searched:
                continue
            searched.add(key)
        if span is None:
            placed.append(Entity(*NO_SPAN, entity.label, entity.text))
            continue
        taken.append(span)
        placed.append(Entity(*span, entity.label, text[slice(*span)]))
    return placed


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _occurrences(words: str, text: str) -> list[Span]:
    """Return where words are in a text: as they are if possible, else in any case and spacing.

    Occurrences that are whole words come first.
    """
    parts = [re.escape(part) for part in words.split()]
    for flags in (re.NOFLAG, re.IGNORECASE):
        spans = [m.span() for m in re.finditer(r"\s+".join(parts), text, flags)] if parts else []
        if spans:
            return sorted(spans, key=lambda span: not _is_whole(text, *span))
    return []


def _is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a span ends where words do."""
    return not re.match(r"\w\w", text[max(0, start - 1) : start + 1]) and not re.match(
        r"\w\w", text[end - 1 : end + 1]
    )


NAMES = ("ner",)
KEYS = ("labels",)


def parse(name: str, table: Mapping[str, Any]) -> NamedEntities:
    """Read the labels of entities of a suite.

    Raises:
        ConfigurationError: they are missing or invalid.
    """
    labels = table.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigurationError(
            f"labels = {labels!r} is not a list of strings; the task {name} needs the labels of "
            'entities: labels = ["PER", "LOC"]'
            if labels is not None
            else "the key 'labels' is missing: the labels of entities"
        )
    return NamedEntities(tuple(labels), name)
