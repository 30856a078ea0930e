"""The texts that models are asked under shifts whose texts are the same for all models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.cases import members_of
from pytest_ood.columns import combined
from pytest_ood.examples import IN_DISTRIBUTION
from pytest_ood.frozen import freeze
from pytest_ood.perturbations.resources import using
from pytest_ood.rows import Subset
from pytest_ood.shifts import NOISE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.evaluation.originals import Originals
    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.frozen import FrozenSuite
    from pytest_ood.models.protocol import Model
    from pytest_ood.shifts import Shift, Shifted
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel
    from pytest_ood.trials.trial import Trial


class ShiftedTexts:
    """What the examples of a suite become under its shifts, made once for all models.

    It is the `Experiment` that shifts are given.

    Args:
        originals: Has the examples, and the answers that an attack on a surrogate starts from.
        surrogates: By name, the models that adversarial examples are made against.
    """

    def __init__(self, originals: Originals, surrogates: Mapping[str, Model]) -> None:
        self.data = originals.data
        self.engine = originals.engine
        self.surrogates = surrogates
        self._originals = originals
        self._shifted: dict[str, Shifted] = {}
        self._surrogate_trials: dict[str, Trial] = {}

    @property
    def where(self) -> str:
        """The name of the suite, which messages begin with."""
        return self.data.where

    @property
    def seed(self) -> int:
        """Of samples and perturbations."""
        return self.data.seed

    @property
    def shifts(self) -> Sequence[Shift]:
        """All shifts of the suite."""
        return self.data.suite.shifts

    @property
    def examples(self) -> Sequence[Example]:
        """The examples in distribution."""
        return self.data.examples

    def target(self, shift: Shift) -> Dataset:
        """Return the examples, or cases, of a shift that has its own; see `SuiteData.target`."""
        return self.data.target(shift)

    def predictor(self, model: SingleModel) -> Predictor:
        """Return what asks a model in the name of the suite."""
        return self._originals.predictor(model)

    def originals(self, model: SingleModel) -> AnswerSet:
        """Return the answers of a model in distribution."""
        return self._originals.answers(model)

    def surrogate(self, name: str) -> Model:
        """Return a model that adversarial examples are made against."""
        return self.surrogates[name]

    def perturbed(self, shift: Shift) -> Shifted:
        """Return every example as it is under a shift whose texts are the same for all models.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        frozen = self.data.frozen
        if shift.name not in self._shifted:
            if frozen is not None and shift.name in frozen.shifts:
                self._shifted[shift.name] = frozen.shifted(shift, self.examples)
            else:
                with using(self.data.resources):
                    written = shift.write_texts(self)
                self._shifted[shift.name] = written.shifted
                if written.attack is not None:
                    self._surrogate_trials[shift.name] = written.attack
        return self._shifted[shift.name]

    def attack_on_surrogate(self, shift: Shift) -> Trial | None:
        """Return the attack that a shift's texts come from; None where they were frozen."""
        return self._surrogate_trials.get(shift.name)

    def usable(self, shift: Shift | None) -> int:
        """Return how many examples a check can rest on; no model is asked.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        return self.changed(shift, size) if shift and self.is_known(shift) else size

    def asked(self, shift: Shift) -> Sequence[Inputs] | None:
        """Return what every model is asked under a shift; None where that is not known yet.

        An attack finds out while it asks, and what a language model has to write is not written
        for a plan.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        if shift.has_own_examples:
            return [member.inputs for member in members_of(self.target(shift))]
        if not self.is_known(shift):
            return None
        shifted = self.perturbed(shift)
        return Subset(shifted.inputs, np.flatnonzero(shifted.changed[:size].where(bool)))

    def is_known(self, shift: Shift) -> bool:
        """Return whether the texts of a noise shift are at hand without a language model."""
        return (shift.kind == NOISE and shift.shares_texts) and (
            shift.name in self._shifted
            or shift.is_made_by_rules
            or (self.data.frozen is not None and shift.name in self.data.frozen.shifts)
        )

    def changed(self, shift: Shift | None, size: int) -> int:
        """Return how many of the first `size` examples were changed before any model is measured.

        All, of a shift that changes none, or only while it is measured.
        """
        parts = [] if shift is None else shift.parts(self.shifts)
        if not parts or not all(part.shares_texts for part in parts):
            return size
        changed = [self.perturbed(part).changed[:size] for part in parts]
        return combined(changed, lambda *flags: any(flags)).count(True)

    def touched(self, shift: Shift, trial: Trial) -> int:
        """Return how many examples noise has changed, or an attack has attacked."""
        if trial.attacks is None:
            return self.changed(shift, trial.drawn)
        return sum(not result.skipped for result in trial.attacks)

    def freeze(self) -> FrozenSuite:
        """Draw and perturb everything, and return it for a file.

        No model is asked but the surrogates that adversarial examples are made against.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        data = {IN_DISTRIBUTION: self.examples}
        shifted = {}
        for shift in self.shifts:
            if shift.has_own_examples:
                data[shift.name] = self.target(shift).examples
            elif shift.shares_texts:
                shifted[shift.name] = self.perturbed(shift)
        return freeze(self.data.suite, self.seed, data, shifted, IN_DISTRIBUTION)
