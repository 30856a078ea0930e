"""The worst case: for every example, the worst answer over all noise shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import combined
from pytest_ood.data.examples import inputs_of
from pytest_ood.data.lazy import SelectedSequence
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.shifts.noise import NoiseTrial
from pytest_ood.shifts.protocol import NOISE, Shift
from pytest_ood.trials.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ood.shifts.protocol import Experiment
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import SingleModel

WORST_CASE = "worst-case"


@dataclass(frozen=True)
class WorstCase(Shift):
    """The worst answer over the original and all noise shifts of a suite, example by example.

    Attributes:
        name: The name in reports.
    """

    name: str = WORST_CASE
    kind: str = NOISE

    def parts(self, shifts: Iterable[Shift]) -> Sequence[Shift]:
        """Return the noise shifts of the suite."""
        return [shift for shift in shifts if shift.kind == NOISE and shift.shares_texts]

    def trial(self, experiment: Experiment, model: SingleModel) -> WorstTrial:
        """Return the worst of the answers to the original and all perturbed texts."""
        noises = [
            NoiseTrial(
                experiment.predictor(model),
                part,
                experiment.originals(model),
                experiment.perturbed(part),
            )
            for part in self.parts(experiment.shifts)
        ]
        return WorstTrial(noises, experiment.originals(model))


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: AnswerSet

    def extend_to(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, with the worst answer to each."""
        perturbed = [noise.outcomes(size) for noise in self.noises]
        examples, before = self.source.examples, self.source.extend_to(size)
        sides, drawn = [before, *perturbed], len(before)
        answers = [
            side.spread(combined([side.graded.score, side.graded.error], _pair), drawn)
            for side in sides
        ]
        worst = combined(answers, _worst).array
        # `worst` says which side has the worst answer of each example. The sides' answers are put
        # one after another into `graded`; `rows` is the row of each example's worst answer there,
        # so that answers are selected as columns and no outcome is built one by one.
        rows, graded = np.empty(drawn, np.int64), GradedAnswers()
        for number, side in enumerate(sides):
            mine = worst[side.indices] == number
            rows[side.indices[mine]] = len(graded) + np.flatnonzero(mine)
            graded += side.graded
        originals = inputs_of(examples[:drawn])
        texts = [originals, *(noise.shifted.inputs for noise in self.noises)]
        return Trial(
            paired=True,
            drawn=drawn,
            before=before,
            after=Outcomes(examples, before.indices, graded[rows]),
            originals=originals,
            shifted=SelectedSequence(texts, worst),
        )


def _pair(score: float, error: str | None) -> tuple[float, str | None]:
    return score, error


def _worst(*sides: tuple[float, str | None] | None) -> int:
    """Return which side has the worst outcome of an example; None for a side without one."""
    present = [(number, *side) for number, side in enumerate(sides) if side is not None]
    answered = [side for side in present if side[2] is None]
    missing = [side for side in present if side[2] is not None]
    number, score, _ = min(answered or missing, key=lambda side: side[1])
    # A missing answer could be the worst, so the example counts as unanswered; a score of 0 cannot
    # get worse, whatever is missing.
    return missing[0][0] if missing and score > 0.0 else number
