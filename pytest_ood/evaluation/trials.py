"""The trials of a suite: what each model answered under each shift, grown as checks need it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.cases import Case
from pytest_ood.columns import combined
from pytest_ood.engine import next_step
from pytest_ood.errors import DataError, ModelError, NotApplicableError
from pytest_ood.evaluation.answer_sets import CaseAnswers, InDistribution
from pytest_ood.evaluation.asking import members_of_model
from pytest_ood.evaluation.attack_trials import AttackTrial, PromptTrial
from pytest_ood.evaluation.trial import Trial, aligned
from pytest_ood.examples import inputs_of
from pytest_ood.metrics import Graded, Outcomes
from pytest_ood.perturbations.resources import using
from pytest_ood.rows import Chosen, Mapped, Paired, Picked
from pytest_ood.shifts import (
    DomainShift,
    NoiseShift,
    PromptShift,
    TransferShift,
    WorstCase,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.evaluation.answer_sets import Originals
    from pytest_ood.evaluation.asking import Asked, Asker, Tested
    from pytest_ood.evaluation.shifted_texts import ShiftedTexts
    from pytest_ood.evaluation.trial import Growing
    from pytest_ood.shifts import Shift, Shifted


class Trials:
    """What the models of a suite answered under its shifts.

    Args:
        originals: The answers in distribution.
        texts: What the models are asked under shifts.
        references: For shifts with training data of their own: the baseline trained on them.
    """

    def __init__(
        self, originals: Originals, texts: ShiftedTexts, references: Mapping[str, Asked]
    ) -> None:
        self.originals = originals
        self.texts = texts
        self.references = references
        self._data = originals.data
        self._trials: dict[tuple[str, str], Growing] = {}
        self._references: dict[str, InDistribution] = {}

    def of(self, model: Tested, shift: Shift, size: int) -> list[Trial]:
        """Return a model's trials, one for each of its seeds, on the first `size` examples.

        Raises:
            DataError: the shift changed none of all examples.
            ModelError: there is no example that all of them answered.
        """
        with using(self._data.resources):
            trials = [self._growing(m, shift).upto(size) for m in members_of_model(model)]
        trials = aligned(trials)
        where = f"{self._data.suite.name}/{shift.kind}/{shift.name}"
        missing = next((trial.unanswered for trial in trials if trial.unanswered), ())
        if not trials[0].after and missing:
            raise ModelError(
                f"model {model.name!r} left no example answered both in distribution and under "
                f"{where} ({missing[0]}); {next_step(missing[0])}"
            )
        if not trials[0].after:
            rejected = trials[0].rejected
            why = f" (the validity filter rejected {rejected})" if rejected else ""
            raise DataError(
                f"invalid: {where} changed none of {size} examples{why}; there is nothing to "
                f"measure. {self.texts.advice(shift)}"
            )
        return trials

    def reference(self, shift: Shift, after: Outcomes) -> Outcomes | None:
        """Return what the baseline trained on the target answers to the same examples."""
        if shift.name not in self.references:
            return None
        if shift.name not in self._references:
            asker = self.originals.asker(self.references[shift.name])
            self._references[shift.name] = InDistribution(asker, after.examples, shift.name)
        reached = int(after.places[-1]) + 1
        return self._references[shift.name].upto(reached).only(after.places)

    def needed_reference(self, shift: Shift, after: Outcomes) -> Outcomes:
        """Return what `reference` does.

        Raises:
            NotApplicableError: there is no reference.
        """
        reference = self.reference(shift, after)
        if reference is None:
            raise NotApplicableError(
                f"{shift.name}: there is no in-domain reference to compare with; give the shift "
                "`train`, training data of its own, and mark a model with `train` as the baseline"
            )
        return reference

    def _growing(self, member: Asked, shift: Shift) -> Growing:
        key = (member.name, shift.name)
        if key not in self._trials:
            self._trials[key] = self._new_trial(member, shift)
        return self._trials[key]

    def _new_trial(self, member: Asked, shift: Shift) -> Growing:
        asker, source = self.originals.asker(member), self.originals.answers(member)
        if isinstance(shift, DomainShift):
            merging = replace(asker, merge=shift.merge)
            targets = self._data.target(shift).examples
            if shift.counts_cases:
                cases = [case for case in targets if isinstance(case, Case)]
                return DomainTrial(source, CaseAnswers(merging, cases, shift.name))
            target = InDistribution(merging, targets, shift.name)
            return DomainTrial(source, target, shift.paired)
        if isinstance(shift, NoiseShift | TransferShift):
            return self._noise_trial(asker, source, shift)
        if isinstance(shift, WorstCase):
            noises = [self._noise_trial(asker, source, noise) for noise in self._data.noises()]
            return WorstTrial(noises, source)
        if isinstance(shift, PromptShift):
            return PromptTrial(asker, shift, source, self._data.seed)
        return AttackTrial(asker, shift, source, self._data.seed)

    def _noise_trial(
        self, asker: Asker, source: InDistribution, shift: NoiseShift | TransferShift
    ) -> NoiseTrial:
        return NoiseTrial(asker, shift, source, self.texts.perturbed(shift))


@dataclass
class DomainTrial:
    """Other examples than in distribution; paired, the same ones in another form.

    Attributes:
        source: In distribution.
        target: The others; paired, in the same order.
        paired: Whether they are the same.
    """

    source: InDistribution
    target: InDistribution | CaseAnswers
    paired: bool = False

    def upto(self, size: int) -> Trial:
        """Return the first `size` of both sets; past the smaller's end, all of both."""
        sides = (self.target, self.source)
        whole = size >= min(len(side.examples) for side in sides)
        after, before = (side.upto(len(side.examples) if whole else size) for side in sides)
        return Trial(
            paired=self.paired,
            drawn=len(before),
            before=before,
            after=after,
            originals=inputs_of(self.source.examples[: len(after)]) if self.paired else None,
            shifted=inputs_of(Picked(self.target.examples, after.places)),
            **self._of_cases(after, len(self.target.examples) if whole else size),
        )

    def _of_cases(self, after: Outcomes, size: int) -> dict[str, Any]:
        """Return what a trial has besides where several inputs are counted as one."""
        if not isinstance(self.target, CaseAnswers):
            return {}
        return {
            "decided": self.target.decided[: len(after)],
            "left_out": self.target.left_out(size),
        }


@dataclass
class NoiseTrial:
    """The same examples, perturbed, or as an attack on another model left them.

    Those in which nothing was changed are left out.
    """

    asker: Asker
    shift: NoiseShift | TransferShift
    source: InDistribution
    shifted: Shifted
    graded: Graded = field(default_factory=Graded)

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial."""
        examples = self.source.examples
        after = self.outcomes(size)
        before = self.source.upto(size)
        drawn = len(before)
        rejected = self.shifted.rejected[:size].count(True)
        return Trial(
            paired=True,
            drawn=drawn,
            before=before.only(after.places),
            after=after,
            originals=inputs_of(Picked(examples, after.places)),
            shifted=Picked(self.shifted.inputs, after.places),
            unchanged=drawn - len(after) - rejected,
            rejected=rejected,
        )

    def outcomes(self, size: int) -> Outcomes:
        """Return the outcomes of those of the first `size` examples that were changed."""
        examples = self.source.examples
        places = np.flatnonzero(self.shifted.changed[:size].where(bool))
        new = places[len(self.graded) :]
        if len(new):
            inputs = Picked(self.shifted.inputs, new)
            pairs = Paired(Picked(examples, new), inputs)
            asked = Mapped(pairs, lambda pair: self.shift.relabelled(*pair))
            self.graded += self.asker.graded(self.shift.name, asked, inputs)
        return Outcomes(examples, places, self.graded[: len(places)])


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: InDistribution

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial; each perturbation is asked about them."""
        perturbed = [noise.outcomes(size) for noise in self.noises]
        examples, before = self.source.examples, self.source.upto(size)
        sides, drawn = [before, *perturbed], len(before)
        answers = [
            side.spread(combined([side.graded.score, side.graded.error], _pair), drawn)
            for side in sides
        ]
        worst = combined(answers, _worst).array
        # Of each side the places of its outcomes, after those of the sides before it.
        rows, graded = np.empty(drawn, np.int64), Graded()
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
            shifted=Chosen(texts, worst),
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
