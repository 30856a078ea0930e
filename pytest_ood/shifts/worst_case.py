"""The worst case: of every example the worst answer over all noise shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.columns import combined
from pytest_ood.examples import inputs_of
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.rows import SelectedSequence
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
    """The worst over all noise shifts of a suite and the original, example by example.

    Attributes:
        name: In reports.
    """

    name: str = WORST_CASE
    kind: str = NOISE

    def parts(self, shifts: Iterable[Shift]) -> Sequence[Shift]:
        """Return the noise shifts of the suite."""
        return [shift for shift in shifts if shift.kind == NOISE and shift.shares_texts]

    def trial(self, experiment: Experiment, model: SingleModel) -> WorstTrial:
        """Return the worst of the answers to all perturbations."""
        noises = [
            NoiseTrial(
                experiment.predictor(model), part, experiment.originals(model),
                experiment.perturbed(part),
            )
            for part in self.parts(experiment.shifts)
        ]  # fmt: skip
        return WorstTrial(noises, experiment.originals(model))


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: AnswerSet

    def extend_to(self, size: int) -> Trial:
        """Return the first `size` examples' trial; each perturbation is asked about them."""
        perturbed = [noise.outcomes(size) for noise in self.noises]
        examples, before = self.source.examples, self.source.extend_to(size)
        sides, drawn = [before, *perturbed], len(before)
        answers = [
            side.spread(combined([side.graded.score, side.graded.error], _pair), drawn)
            for side in sides
        ]
        worst = combined(answers, _worst).array
        # Of each side the places of its outcomes, after those of the sides before it.
        rows, graded = np.empty(drawn, np.int64), GradedAnswers()
        for number, side in enumerate(sides):
            mine = worst[side.places] == number
            rows[side.places[mine]] = len(graded) + np.flatnonzero(mine)
            graded += side.graded
        originals = inputs_of(examples[:drawn])
        texts = [originals, *(noise.shifted.inputs for noise in self.noises)]
        return Trial(
            paired=True,
            drawn=drawn,
            before=before,
            after=Outcomes(examples, before.places, graded[rows]),
            originals=originals,
            shifted=SelectedSequence(texts, worst),
        )


def _pair(score: float, error: str | None) -> tuple[float, str | None]:
    return score, error


def _worst(*sides: tuple[float, str | None] | None) -> int:
    """Return the number of the worst outcome of an example; None is where there is no outcome."""
    known = [(number, *side) for number, side in enumerate(sides) if side is not None]
    answered = [side for side in known if side[2] is None]
    missing = [side for side in known if side[2] is not None]
    number, score, _ = min(answered or missing, key=lambda side: side[1])
    # Where one answer is missing, nobody knows the worst, unless it is that already.
    return missing[0][0] if missing and score > 0.0 else number
