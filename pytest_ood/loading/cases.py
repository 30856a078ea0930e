"""Cases: several inputs that are right or wrong together, and what is expected of the answers.

A contrast set is right where every answer is (Gardner et al. 2020, Evaluating Models' Local
Decision Boundaries via Contrast Sets: "contrast consistency"). The tests of CheckList are cases,
too (Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, section
2.2): minimum functionality (MFT), invariance (INV) and directional expectations (DIR).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.examples import Dataset, Example, content_ids
from pytest_ood.errors import DataError, unknown_name
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks import Task

TOLERANCE = 0.1
"""The largest change of a probability that does not count, as CheckList's argument `threshold`."""

NO_SCORES = "the expectation is on probabilities, and the model gives none"
CANNOT_FAIL = "the first probability leaves no room for a change that would break the expectation"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The comparison of a model's answers to a case with its expectation.

    Attributes:
        holds: Whether the answers are as expected; None if the expectation does not apply.
        index: The index of the deciding input: the first whose answer is not as expected.
        against: The index of the input with which it is compared, or None.
        why: The reason why the expectation does not apply, or "".
    """

    holds: bool | None
    index: int = 0
    against: int | None = None
    why: str = ""


class Expectation(Protocol):
    """An expectation of the answers to the inputs of a case."""

    @property
    def kind(self) -> str:
        """MFT, INV or DIR."""
        ...

    def describe(self, members: Sequence[Example]) -> str:
        """Describe the expectation, as reports show it instead of a label."""
        ...

    def find(self, answers: Sequence[Prediction], scores: Sequence[float]) -> Finding:
        """Return whether answers are as expected; an abstention never is.

        Args:
            answers: The answers to the inputs, in order, without errors.
            scores: The score of each answer, against the input's label if it has one.
        """
        ...


@dataclass(frozen=True)
class AllRight:
    """Every answer is right: has the score 1."""

    kind: str = "MFT"

    def describe(self, members: Sequence[Example]) -> str:
        """Return the labels."""
        labels = dict.fromkeys(member.label for member in members)
        return " | ".join(labels if len(labels) == 1 else (member.label for member in members))

    def find(
        self,
        answers: Sequence[Prediction],  # noqa: ARG002 - their scores tell
        scores: Sequence[float],
    ) -> Finding:
        """Return the first wrong answer."""
        return _first(score < 1.0 for score in scores)


@dataclass(frozen=True)
class Avoiding:
    """Any answer but one, such as "not negative".

    Attributes:
        label: The one.
    """

    label: str
    kind: str = "MFT"

    def describe(self, members: Sequence[Example]) -> str:  # noqa: ARG002 - the same for all
        """Describe the excluded label."""
        return f"not {self.label}"

    def find(
        self,
        answers: Sequence[Prediction],
        scores: Sequence[float],  # noqa: ARG002 - there is no label
    ) -> Finding:
        """Return the first answer that is the one."""
        return _first(answer.label in (None, self.label) for answer in answers)


@dataclass(frozen=True)
class Invariant:
    """Every answer is that to the first input.

    Another answer is let pass where the probability of the first answer moves by no more than the
    tolerance, as in CheckList's invariance tests; a model without probabilities gets none.

    Attributes:
        tolerance: A share of 1.
    """

    tolerance: float = TOLERANCE
    kind: str = "INV"

    def describe(self, members: Sequence[Example]) -> str:  # noqa: ARG002 - the same for all
        """Describe that the answer stays."""
        return "the same answer"

    def find(
        self,
        answers: Sequence[Prediction],
        scores: Sequence[float],  # noqa: ARG002 - there is no label
    ) -> Finding:
        """Return the first answer that is another than the first."""
        first = answers[0]
        if first.label is None:
            return Finding(holds=False)
        return _first((not self._same(first, answer) for answer in answers), against=0)

    def _same(self, first: Prediction, answer: Prediction) -> bool:
        if answer.label is None or first.label is None:
            return False
        if answer.label == first.label:
            return True
        before, after = first.scores.get(first.label), answer.scores.get(first.label)
        if before is None or after is None or not self.tolerance:
            return False
        return abs(_moved(before, after)) <= self.tolerance


@dataclass(frozen=True)
class Changed:
    """Every answer is another than that to the first input."""

    kind: str = "DIR"

    def describe(self, members: Sequence[Example]) -> str:  # noqa: ARG002 - the same for all
        """Describe that the answer changes."""
        return "another answer"

    def find(
        self,
        answers: Sequence[Prediction],
        scores: Sequence[float],  # noqa: ARG002 - there is no label
    ) -> Finding:
        """Return the first answer that is the same."""
        first = answers[0].label
        if first is None:
            return Finding(holds=False)
        wrong = (answer.label in (None, first) for answer in answers[1:])
        return _first((False, *wrong), against=0)


@dataclass(frozen=True)
class Monotonic:
    """The probability of a label does not fall, or does not rise, from input to input.

    A pair is excluded if no answer could violate the expectation: the probability must not fall and
    is within the tolerance of 0 from the start (or must not rise, and is within it of 1). CheckList
    excludes such pairs, too.

    Attributes:
        label: The label; None for the answer to the first input.
        falls: True if the probability must not fall, False if it must not rise.
        tolerance: The largest violation that does not count.
        steps: Whether each input is compared with the one before it rather than with the first.
    """

    label: str | None
    falls: bool
    tolerance: float = TOLERANCE
    steps: bool = False
    kind: str = "DIR"

    def describe(self, members: Sequence[Example]) -> str:  # noqa: ARG002 - the same for all
        """Describe the probability and the direction."""
        subject = "the first answer" if self.label is None else self.label
        return f"{subject} not {'down' if self.falls else 'up'}"

    def find(
        self,
        answers: Sequence[Prediction],
        scores: Sequence[float],  # noqa: ARG002 - there is no label
    ) -> Finding:
        """Return the first probability that moves the wrong way."""
        silent = _first(answer.label is None for answer in answers)
        if not silent.holds:
            return silent
        label = answers[0].label if self.label is None else self.label
        label_scores = [answer.scores.get(label or "") for answer in answers]
        probabilities = [score for score in label_scores if score is not None]
        if len(probabilities) < len(label_scores):
            return Finding(holds=None, why=NO_SCORES)
        tested = False
        for index in range(1, len(probabilities)):
            against = index - 1 if self.steps else 0
            before = probabilities[against]
            if (before if self.falls else 1.0 - before) <= self.tolerance:
                continue
            tested = True
            moved = _moved(before, probabilities[index])
            if (-moved if self.falls else moved) > self.tolerance:
                return Finding(holds=False, index=index, against=against)
        return (
            Finding(holds=True, index=len(probabilities) - 1, against=0)
            if tested
            else Finding(holds=None, why=CANNOT_FAIL)
        )


def _moved(before: float, after: float) -> float:
    """Return the change of a probability, rounded to the decimals that scores have."""
    return round(after - before, SCORE_DECIMALS)


def _first(wrong: Iterable[bool], against: int | None = None) -> Finding:
    """Return the finding for the first wrong answer, or that all are as expected."""
    for index, is_wrong in enumerate(wrong):
        if is_wrong:
            return Finding(holds=False, index=index, against=against)
    return Finding(holds=True, against=against)


EXPECTATION_KEYS: Mapping[str, tuple[str, ...]] = {
    "changed": (),
    "not": (),
    "not_down": ("steps", "tolerance"),
    "not_up": ("steps", "tolerance"),
    "same": ("tolerance",),
}
"""The key of each expectation, and the keys that it may have beside it."""


def parse_expectation(table: Mapping[str, Any], tolerance: float = TOLERANCE) -> Expectation:
    """Read an expectation.

    Args:
        table: `{"not": LABEL}`, `{"same": true}`, `{"changed": true}`, `{"not_down": LABEL}` or
            `{"not_up": LABEL}`, where true stands for the answer to the first input; with
            `tolerance` and `steps` as EXPECTATION_KEYS has them.
        tolerance: The default tolerance.

    Raises:
        DataError: the table is something else; the message does not name its location.
    """
    names = [key for key in EXPECTATION_KEYS if isinstance(table, Mapping) and key in table]
    if len(names) != 1:
        raise DataError(
            f"expect = {table!r}: give a table with one of {', '.join(EXPECTATION_KEYS)}"
        )
    (name,) = names
    for key in table:
        if key not in (name, *EXPECTATION_KEYS[name]):
            raise DataError(
                "expect: " + unknown_name("key", str(key), (name, *EXPECTATION_KEYS[name]))
            )
    within, steps = check_tolerance(table.get("tolerance", tolerance)), table.get("steps", False)
    if not isinstance(steps, bool):
        raise DataError(f"expect: steps = {steps!r} is neither true nor false")
    label = _label(name, table[name])
    if name == "same":
        return Invariant(within)
    if name == "changed":
        return Changed()
    if name == "not":
        return Avoiding(label or "")
    return Monotonic(label=label, falls=name == "not_down", tolerance=within, steps=steps)


def _label(name: str, value: Any) -> str | None:
    """Return the label of an expectation; None for true."""
    if value is True and name != "not":
        return None
    if name in ("same", "changed") or isinstance(value, bool) or not isinstance(value, str | int):
        allowed = {"same": "true", "changed": "true", "not": "a label"}.get(
            name, "a label, or true"
        )
        raise DataError(f"expect: {name} = {value!r} is not {allowed}")
    return str(value)


def check_tolerance(value: Any) -> float:
    """Return a tolerance.

    Raises:
        DataError: it is no share of 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
        raise DataError(f"tolerance = {value!r} is not a share in [0, 1); 0.1 is usual")
    return float(value)


def label_of(expectation: Expectation) -> str | None:
    """Return the label that an expectation is about, if it is about one."""
    return expectation.label if isinstance(expectation, Avoiding | Monotonic) else None


@dataclass(frozen=True)
class Case(Example):
    """Several inputs that are right or wrong together, and count as one.

    The attribute `inputs` has all of them as named fields, `label` the description of the
    expectation.

    Attributes:
        members: The inputs, with their labels if they have any.
        expectation: The expectation of the answers.
        path: The groups of a breakdown that it is in, from the outermost: capability and test.
    """

    members: tuple[Example, ...] = ()
    expectation: Expectation = AllRight()
    path: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        identifier: str,
        members: Sequence[Example],
        expectation: Expectation,
        path: tuple[str, ...] = (),
    ) -> Case:
        """Put examples together."""
        return cls(
            id=identifier,
            inputs=_joined([member.inputs for member in members]),
            label=expectation.describe(members),
            members=tuple(members),
            expectation=expectation,
            path=path,
        )


def _joined(inputs: Sequence[Inputs]) -> Inputs:
    """Return several inputs as named fields of one; a single one as it is."""
    if len(inputs) == 1:
        return inputs[0]
    fields: dict[str, str] = {}
    for number, value in enumerate(inputs, start=1):
        if isinstance(value, str):
            fields[f"{number}"] = value
        else:
            fields |= {f"{number} {name}": text for name, text in value.items()}
    return fields


def path_of(example: Example) -> tuple[str, ...]:
    """Return the groups of a breakdown that an example is in, from the outermost."""
    if isinstance(example, Case):
        return example.path
    return (example.group,) if example.group else ()


def members_of(examples: Iterable[Example]) -> Iterator[Example]:
    """Yield the examples that a model is asked: the members of cases, and other examples."""
    for example in examples:
        yield from example.members if isinstance(example, Case) else (example,)


def contrast_sets(dataset: Dataset) -> Dataset:
    """Return a data set's groups as cases that are right where every answer is.

    An example without a group is a set of its own. Neither the order of the examples nor that of
    the groups matters.
    """
    groups: dict[tuple[str, str], list[Example]] = {}
    for example in dataset:
        key = (example.group, "") if example.group else ("", example.id)
        groups.setdefault(key, []).append(example)
    cases = [
        Case.of(group or alone, sorted(members, key=lambda e: e.id), AllRight())
        for (group, alone), members in groups.items()
    ]
    return Dataset(dataset.name, tuple(cases))


def cases_of(
    name: str, lists: Iterable[Sequence[tuple[Inputs, str]]], expectation: Expectation
) -> Dataset:
    """Return lists of (inputs, label) pairs as cases; ids are derived from the content.

    Raises:
        DataError: there is no case, or one without inputs; or with a single input if answers are
            compared.
    """
    inputs_by_case = list(lists)
    least = 1 if expectation.kind == "MFT" else 2
    for number, pairs in enumerate(inputs_by_case, start=1):
        if len(pairs) < least:
            raise DataError(
                f"{name}: case {number} has {len(pairs)} inputs; {least} are the least for "
                f"{expectation.kind}"
            )
    ids = content_ids((_joined([inputs for inputs, _ in pairs]), "") for pairs in inputs_by_case)
    cases = [
        Case.of(
            identifier,
            [Example(f"{identifier}/{n}", *pair) for n, pair in enumerate(pairs)],
            expectation,
        )
        for identifier, pairs in zip(ids, inputs_by_case, strict=True)
    ]
    return Dataset(name, tuple(cases))


def best_constant(cases: Iterable[Case], task: Task) -> float:
    """Return the best score of a model that always gives the same answer.

    Cases that do not apply to such a model, as it gives no probabilities, count as wrong; the score
    is 0 for a task without labels.
    """
    all_cases = list(cases)
    shares = [
        sum(_holds(case, Prediction(label), task) for case in all_cases) / len(all_cases)
        for label in task.labels
    ]
    return max(shares, default=0.0)


def _holds(case: Case, answer: Prediction, task: Task) -> bool:
    scores = [task.score(answer, member) for member in case.members]
    return case.expectation.find([answer] * len(scores), scores).holds is True
