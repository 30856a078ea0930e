"""The answers of one model to a set of examples, or of cases, asked for as far as needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.cases import AllRight, Finding, members_of
from pytest_ood.errors import NotApplicableError
from pytest_ood.examples import IN_DISTRIBUTION, inputs_of
from pytest_ood.metrics import UNPARSED_LENGTH, GradedAnswers, Outcomes
from pytest_ood.tasks import Prediction, merged_answer, merged_task
from pytest_ood.trials.trial import Decided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.cases import Case
    from pytest_ood.examples import Example
    from pytest_ood.trials.predictor import Predictor


@dataclass
class AnswerSet:
    """The answers to examples as they are, in distribution or in another domain.

    Attributes:
        predictor: Asks the model.
        examples: All there are.
        name: Of the set.
        graded: The answers so far.
    """

    predictor: Predictor
    examples: Sequence[Example]
    name: str = IN_DISTRIBUTION
    graded: GradedAnswers = field(default_factory=GradedAnswers)

    def extend_to(self, size: int) -> Outcomes:
        """Return the first `size` outcomes."""
        new = self.examples[len(self.graded) : size]
        if new:
            self.graded += self.predictor.graded(self.name, new, inputs_of(new))
        graded = self.graded[:size]
        return Outcomes(self.examples, np.arange(len(graded)), graded)


@dataclass
class CaseAnswerSet:
    """The answers to cases, each of which is right or wrong as a whole.

    A case with an input that got no answer has none; one with an abstention is one, and wrong.

    Attributes:
        predictor: Asks the model.
        examples: The cases.
        name: Of the set.
        graded: What became of those so far that apply to the model.
        decided: What decided each of them.
        places: Where they stand among all.
        inapplicable: Why the others do not apply, by place.
        reached: How many cases were asked about.
    """

    predictor: Predictor
    examples: Sequence[Case]
    name: str
    graded: GradedAnswers = field(default_factory=GradedAnswers)
    decided: list[Decided] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    inapplicable: dict[int, str] = field(default_factory=dict)
    reached: int = 0

    def extend_to(self, size: int) -> Outcomes:
        """Return the outcomes of the first `size` cases, or else of the first that applies.

        Raises:
            NotApplicableError: none of all cases applies to the model.
        """
        self._reach(size)
        while not self.places and self.reached < len(self.examples):
            self._reach(self.reached + size)
        if not self.places:
            why = "; ".join(dict.fromkeys(self.inapplicable.values()))
            raise NotApplicableError(
                f"{self.predictor.suite}/domain/{self.name} does not apply to "
                f"{self.predictor.model.name!r}: {why}"
            )
        count = max(1, int(np.searchsorted(self.places, size)))
        places = np.array(self.places[:count], np.int64)
        return Outcomes(self.examples, places, self.graded[:count])

    def _reach(self, size: int) -> None:
        """Ask about the cases that were not asked about yet."""
        new = self.examples[self.reached : size]
        if new:
            self._ask(new)
            self.reached += len(new)

    def left_out(self, size: int) -> tuple[tuple[str, int], ...]:
        """Return why some of the first `size` cases do not apply to the model, and how many."""
        reasons = Counter(why for place, why in self.inapplicable.items() if place < size)
        return tuple(sorted(reasons.items()))

    def _ask(self, cases: Sequence[Case]) -> None:
        members = list(members_of(cases))
        answers = iter(self.predictor.answers(self.name, members, inputs_of(members)))
        rows, merge = [], self.predictor.merge
        task = merged_task(self.predictor.task, merge)
        for place, case in enumerate(cases, start=self.reached):
            given = [merged_answer(next(answers), merge) for _ in case.members]
            error = next((a.error for a in given if a.error is not None), None)
            scores = [task.score(a, m) for a, m in zip(given, case.members, strict=True)]
            found = Finding(holds=False)
            if error is None:
                found = case.expectation.find(given, scores)
            if found.holds is None:
                self.inapplicable[place] = found.why
                continue
            self.places.append(place)
            self.decided.append(_decided(case, given, found, scores))
            silent = any(answer.label is None for answer in given)
            answer = None if silent else self.decided[-1].answer
            said = next((a.text for a in given if a.label is None), None)
            row = Prediction(answer, text=said, error=error)
            rows.append((case.label, row, float(found.holds)))
        self.graded += GradedAnswers.of(rows)


def _decided(
    case: Case, given: Sequence[Prediction], found: Finding, scores: Sequence[float]
) -> Decided:
    member, against = case.members[found.place], found.against
    return Decided(
        case.id,
        member.label if isinstance(case.expectation, AllRight) else case.label,
        member.inputs,
        given[found.place].label,
        None if against is None else case.members[against].inputs,
        None if against is None else given[against].label,
        sum(score >= 1.0 for score in scores),
        len(scores),
        sum(answer.label is None for answer in given),
        _said(given[found.place]),
        None if against is None else _said(given[against]),
    )


def _said(answer: Prediction) -> str | None:
    """Return the beginning of what a model wrote instead of an answer, if that is known."""
    return (
        None if answer.label is not None or answer.text is None else answer.text[:UNPARSED_LENGTH]
    )
