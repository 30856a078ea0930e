"""Any number of labels out of a fixed set: the emotions of a sentence, the topics of an article."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import (
    NEXT_TASK,
    json_values,
    last_box,
    last_tagged,
    named_labels,
    visible,
    without_thoughts,
)
from pytest_ood.data.values import is_missing, label_forms, plain, renamed_label
from pytest_ood.errors import DataError, shown, unknown_name
from pytest_ood.tasks.classification import check_distinct, parsed_labels
from pytest_ood.tasks.protocol import OpenTask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks.protocol import Prediction

NONE = "[]"
"""The answer that no label holds, in the form in which answers are compared."""

SEPARATORS = "|;,"
"""What separates the labels of one text in data: the first of these that it has."""

HOLDS = 0.5
"""The least probability in an answer of probabilities with which a label holds."""

MOST_LISTS = 20
"""The most brackets and braces that are tried as the beginning of JSON."""

_FIELDS = frozenset(("label", "labels", "answer", "answers", "final_answer", "final answer"))
_ANNOUNCING = re.compile(
    r"[\W_]{0,20}+(?:(?:my|the|final|correct|predicted|overall)\s){0,3}"
    r"(?:answer|label|output|categor|class|emotion|tag|topic)(?:s|es|ies|y)?"
    r"(?:[*_`\"']|\s){0,9}(?::|\bis\b|\bare\b|\Z)[:\s]{0,9}",
    re.IGNORECASE,
)
"""The beginning of a line that announces the labels."""
_SAYS_NONE = re.compile(
    r"\W{0,20}(?:there\s+(?:is|are)\s+)?"
    r"(?:none|nothing|n/a|null|empty|\[\s*\]|\{\s*\}"
    r"|no\s+(?:\w+\s+){0,2}(?:labels?|categor(?:y|ies)|class(?:es)?|emotions?|tags?|topics?))"
    r"(?!\w)",
    re.IGNORECASE,
)
"""The beginning of a line that says that no label holds."""
_ITEM = re.compile(r"\s*(?:[-*\u2022>]|\d{1,2}[.)])?\s*")
"""White space and the mark of a list before an item."""
_AROUND = " \t*_`\"'.()"
"""White space, markdown and punctuation around an item."""
_BETWEEN_ITEMS = re.compile(r"[,;|/&]|\band\b", re.IGNORECASE)


@dataclass(frozen=True)
class MultiLabel(OpenTask):
    """Any number of labels out of a fixed set, scored by the Jaccard index.

    The canonical answer is a JSON list of the labels that hold, in the task's order.

    Attributes:
        classes: The labels, in order.
        name: The name in suite files.
        measure: The name of the mean score.
        blank: An empty recorded answer means that no label holds.
        headline: The metric that a budget in a shift's own table is of.
        structured: True: functions return lists of labels.

    Raises:
        ConfigurationError: fewer than two labels, or the same label twice.
    """

    classes: tuple[str, ...]
    name: str = "multi-label"
    measure: str = "Jaccard"
    blank: str | None = NONE
    headline: str = "micro-f1"
    structured: bool = True

    def __post_init__(self) -> None:
        check_distinct(self.classes, "a task with several labels")

    def renamed(self, value: Any, labels: Mapping[str, str]) -> list[Any]:
        """Return the labels in a value of data, each by the suite's name for it."""
        return [
            renamed_label(part, labels) for part in label_parts(value, {*self.classes, *labels})
        ]

    def encode(self, value: Any, inputs: Inputs) -> str | None:
        """Return the answer of a value in data: a list of labels, or a text of them.

        Raises:
            DataError: a label is unknown, or the value is missing.
        """
        del inputs
        chosen = set()
        for part in label_parts(value, self.classes):
            if part == "":
                continue
            if is_missing(plain(part)):
                raise DataError(
                    f"{shown(part)} commonly means that a row is unlabelled; leave such rows out "
                    "with `where`, or write an empty list or text where no label holds"
                )
            forms = label_forms(part)
            label = next((form for form in forms if form in self.classes), None)
            if label is None:
                name = forms[0] if forms else str(part)
                raise DataError(
                    f"{unknown_name('label', name, self.classes)} "
                    "`labels` beside `data` renames labels of the file to those of the suite."
                )
            chosen.add(label)
        return self.answer_of(chosen)

    def reference(self, answer: str) -> str:
        """Return a right answer in the form in which answers are compared.

        Raises:
            DataError: a label is unknown.
        """
        return self.encode(answer, "") or NONE

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the labels in a generated text, or None if it has none and does not say so.

        The first of these decides: the last tag or box for the answer; a JSON list, or an object
        of labels or flags; a line that announces the labels, or else the first line that names
        any, with the lines of labels after it. Unknown labels are ignored.
        """
        del label_words
        said = visible(without_thoughts(text))
        marked = (last_tagged(said), last_box(said))
        said = next((part for part in marked if part is not None), said)
        chosen = self._of_value(_json_of(said))
        if chosen is None:
            chosen = self._of_lines([line for line in said.splitlines() if line.strip()])
        return None if chosen is None else self.answer_of(chosen)

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return the prediction; an empty text, as of a function, means that no label holds."""
        del example
        return replace(prediction, label=NONE) if prediction.label == "" else prediction

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the Jaccard index of the labels; an abstention scores 0.0."""
        if not prediction.label:
            return 0.0
        return jaccard(labels_of(prediction.label), labels_of(example.label))

    def answer_of(self, labels: Collection[str]) -> str:
        """Return labels in the form in which answers are compared."""
        chosen = [label for label in self.classes if label in labels]
        return json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def _words(self) -> dict[str, str]:
        return {label: visible(label) for label in self.classes}

    def _of_value(self, value: Any) -> set[str] | None:
        """Return the labels of a value of JSON; None if it has none and is not empty."""
        if isinstance(value, str):
            return self._of_lines([value])
        if isinstance(value, list):
            return self._of_list(value)
        if not isinstance(value, Mapping):
            return None
        flags = {self._label(key): flag for key, flag in value.items()}
        flags.pop(None, None)
        if flags:
            return {label for label, flag in flags.items() if label and _holds(flag)}
        named = [entry for key, entry in value.items() if key.casefold() in _FIELDS]
        found = [self._of_value(entry) for entry in named or value.values()]
        sets = [one for one in found if one is not None]
        return set().union(*sets) if sets else None

    def _of_list(self, values: list[Any]) -> set[str] | None:
        labels = [self._label(value) for value in values]
        # A row of an indicator matrix; [1, 0] may also list the labels 1 and 0.
        is_row = len(values) == len(self.classes) and all(value in (0, 1) for value in values)
        if is_row and None in labels:
            return {label for label, flag in zip(self.classes, values, strict=True) if flag}
        found = {label for label in labels if label is not None}
        says_none = all(isinstance(v, str) and _SAYS_NONE.match(v) for v in values)
        return found if found or says_none else None

    def _label(self, value: Any) -> str | None:
        """Return the label that a value is; None if it is none, or names several."""
        label = next((form for form in label_forms(value) if form in self.classes), None)
        if label is not None or not isinstance(value, str):
            return label
        named = named_labels(value, self._words)
        return next(iter(named)) if len(named) == 1 else None

    def _of_lines(self, lines: Sequence[str]) -> set[str] | None:
        """Return the labels of the lines that announce or list them, or None."""
        end = next((n for n, line in enumerate(lines) if n and NEXT_TASK.match(line)), len(lines))
        lines = lines[:end]
        announcing = [_ANNOUNCING.match(line) for line in lines]
        start = next((n for n, match in enumerate(announcing) if match), 0)
        for first in (*range(start, len(lines)), *range(start)):
            match = announcing[first]
            chosen = self._of_line(lines[first][match.end() if match else 0 :])
            if chosen is not None:
                return chosen.union(*self._listed(lines[first + 1 :]))
        return None

    def _of_line(self, line: str) -> set[str] | None:
        """Return the labels that a line names; None if there are none and it does not say so."""
        none = _SAYS_NONE.match(line)
        if none and none[0].strip().casefold() not in map(str.casefold, self.classes):
            return set()
        # A negated label is None among them: which others hold it does not say.
        named = {label for label in named_labels(line, self._words) if label is not None}
        return named or None

    def _listed(self, lines: Iterable[str]) -> list[set[str]]:
        """Return the labels of each line up to the first that has anything else."""
        found = []
        names = {label.casefold(): label for label in self.classes}
        for line in lines:
            items = [item.strip(_AROUND) for item in _BETWEEN_ITEMS.split(_ITEM.sub("", line, 1))]
            labels = {names.get(item.casefold(), "") for item in items if item}
            if "" in labels:
                break
            found.append(labels)
        return found


def label_parts(value: Any, known: Collection[str]) -> list[Any]:
    """Return the labels in a value of data, as they are written there.

    A list has one a label; so has a text that is a JSON list. Other texts are separated by the
    first of `SEPARATORS` that they have, unless the whole text is a label.

    Args:
        value: The value.
        known: Labels, which may have a separator in them.
    """
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if hasattr(value, "tolist") and getattr(value, "shape", None):
        return list(value.tolist())
    if not isinstance(value, str) or value in known:
        return [value]
    listed = _json_of(value) if value.lstrip().startswith("[") else None
    if isinstance(listed, list):
        return listed
    separator = next((mark for mark in SEPARATORS if mark in value), None)
    return [part.strip() for part in value.split(separator)] if separator else [value.strip()]


def labels_of(answer: str | None) -> frozenset[str]:
    """Return the labels of an answer in its canonical form; none for an abstention."""
    return frozenset(json.loads(answer)) if answer else frozenset()


def jaccard(one: Collection[str], other: Collection[str]) -> float:
    """Return the size of the intersection of two sets over that of their union.

    The accuracy of Godbole and Sarawagi 2004 (Discriminative Methods for Multi-labeled
    Classification), as in Tsoumakas and Katakis 2007 (Multi-Label Classification: An Overview, on
    evaluation). Two empty sets, for which it is not defined, are equal: 1.0.
    """
    union = {*one, *other}
    return len({*one} & {*other}) / len(union) if union else 1.0


def _holds(flag: Any) -> bool:
    """Return whether a flag, or a probability, says that a label holds."""
    if isinstance(flag, str):
        return flag.strip().casefold() in ("true", "yes", "1")
    return isinstance(flag, int | float) and flag >= HOLDS


def _json_of(text: str) -> Any:
    """Return the first list or object of JSON in a text, or None."""
    values = json_values(text, json.JSONDecoder(), MOST_LISTS, "[{")
    return next((value for _, value in values), None)


NAMES = ("multi-label",)
KEYS: tuple[str, ...] = ("labels",)


def parse(name: str, table: Mapping[str, Any]) -> MultiLabel:
    """Read the labels of a suite.

    Raises:
        ConfigurationError: they are missing or invalid.
    """
    return MultiLabel(parsed_labels(table), name)
