"""The answers of one model to a set of examples or cases, requested as far as needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.examples import IN_DISTRIBUTION, inputs_of
from pytest_ood.errors import NotApplicableError
from pytest_ood.loading.cases import AllRight, Finding, members_of
from pytest_ood.metrics import UNPARSED_LENGTH, GradedAnswers, Outcomes
from pytest_ood.tasks import Prediction, merged_answer, merged_task
from pytest_ood.trials.trial import DecidingInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.loading.cases import Case
    from pytest_ood.trials.predictor import Predictor


@dataclass
class AnswerSet:
    """The answers to unchanged examples, in distribution or in another domain.

    Attributes:
        predictor: Runs the model.
        examples: All examples of the set.
        name: The name of the set.
        graded: The answers so far.
    """

    predictor: Predictor
    examples: Sequence[Example]
    name: str = IN_DISTRIBUTION
    graded: GradedAnswers = field(default_factory=GradedAnswers)

    def extend_to(self, size: int) -> Outcomes:
        """Return the first `size` outcomes."""
        # What is asked for beyond `size` is there when the next look needs it.
        left = self.examples[len(self.graded) :]
        new = left[: self.predictor.reach(inputs_of(left), max(0, size - len(self.graded)))]
        if new:
            self.graded += self.predictor.graded(self.name, new, inputs_of(new))
        graded = self.graded[:size]
        return Outcomes(self.examples, np.arange(len(graded)), graded)


@dataclass
class CaseAnswerSet:
    """The answers to cases, each of which is right or wrong as a whole.

    A case with an unanswered input is unanswered; a case with an abstention is wrong.

    Attributes:
        predictor: Runs the model.
        examples: All cases of the set.
        name: The name of the set.
        graded: The results so far of the cases that apply to the model.
        decided: The input that decided each of them.
        indices: Their indices among all cases.
        inapplicable: By index, the reason why a case does not apply.
        reached: The number of cases that were predicted.
    """

    predictor: Predictor
    examples: Sequence[Case]
    name: str
    graded: GradedAnswers = field(default_factory=GradedAnswers)
    decided: list[DecidingInput] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    inapplicable: dict[int, str] = field(default_factory=dict)
    reached: int = 0

    def extend_to(self, size: int) -> Outcomes:
        """Return the outcomes of the first `size` cases, or of more until one applies.

        Raises:
            NotApplicableError: none of all cases applies to the model.
        """
        self._reach(size)
        while not self.indices and self.reached < len(self.examples):
            self._reach(self.reached + size)
        if not self.indices:
            why = "; ".join(dict.fromkeys(self.inapplicable.values()))
            raise NotApplicableError(
                f"{self.predictor.suite}/domain/{self.name} does not apply to "
                f"{self.predictor.model.name!r}: {why}"
            )
        count = max(1, int(np.searchsorted(self.indices, size)))
        indices = np.array(self.indices[:count], np.int64)
        return Outcomes(self.examples, indices, self.graded[:count])

    def _reach(self, size: int) -> None:
        """Predict the cases up to `size` that have no prediction yet."""
        new = self.examples[self.reached : size]
        if new:
            self._ask(new)
            self.reached += len(new)

    def left_out(self, size: int) -> tuple[tuple[str, int], ...]:
        """Count the first `size` cases that do not apply to the model, by reason."""
        reasons = Counter(why for index, why in self.inapplicable.items() if index < size)
        return tuple(sorted(reasons.items()))

    def _ask(self, cases: Sequence[Case]) -> None:
        members = list(members_of(cases))
        rows, merge = [], self.predictor.merge
        task = merged_task(self.predictor.task, merge)
        predicted = self.predictor.answers(self.name, members, inputs_of(members))
        merged = [merged_answer(answer, merge) for answer in predicted]
        all_scores = task.scores(list(zip(merged, members, strict=True)))
        graded = iter(zip(merged, all_scores, strict=True))
        for index, case in enumerate(cases, start=self.reached):
            pairs = list(islice(graded, len(case.members)))
            case_answers, scores = [a for a, _ in pairs], [score for _, score in pairs]
            error = next((a.error for a in case_answers if a.error is not None), None)
            finding = Finding(holds=False)
            if error is None:
                finding = case.expectation.find(case_answers, scores)
            if finding.holds is None:
                self.inapplicable[index] = finding.why
                continue
            self.indices.append(index)
            self.decided.append(_decided(case, case_answers, finding, scores))
            silent = any(answer.label is None for answer in case_answers)
            answer = None if silent else self.decided[-1].answer
            said = next((a.text for a in case_answers if a.label is None), None)
            row = Prediction(answer, text=said, error=error)
            rows.append((case.label, row, float(finding.holds)))
        self.graded += GradedAnswers.of(rows)


def _decided(
    case: Case, case_answers: Sequence[Prediction], finding: Finding, scores: Sequence[float]
) -> DecidingInput:
    member, against = case.members[finding.index], finding.against
    return DecidingInput(
        id=case.id,
        expected=member.label if isinstance(case.expectation, AllRight) else case.label,
        inputs=member.inputs,
        answer=case_answers[finding.index].label,
        before=None if against is None else case.members[against].inputs,
        answer_before=None if against is None else case_answers[against].label,
        right=sum(score >= 1.0 for score in scores),
        total=len(scores),
        silent=sum(answer.label is None for answer in case_answers),
        said=_said(case_answers[finding.index]),
        said_before=None if against is None else _said(case_answers[against]),
    )


def _said(answer: Prediction) -> str | None:
    """Return the beginning of what a model wrote where no answer could be parsed."""
    return (
        None if answer.label is not None or answer.text is None else answer.text[:UNPARSED_LENGTH]
    )
