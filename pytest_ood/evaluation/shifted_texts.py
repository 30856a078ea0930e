"""The texts of shifts that are the same for all models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import combined
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.data.lazy import Subset
from pytest_ood.loading.cases import members_of
from pytest_ood.perturbations.resources import using
from pytest_ood.shifts import NOISE
from pytest_ood.suite.frozen import freeze

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.evaluation.originals import Originals
    from pytest_ood.models.protocol import Model
    from pytest_ood.shifts import Shift, Shifted
    from pytest_ood.suite.frozen import FrozenSuite
    from pytest_ood.tasks import Task
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel
    from pytest_ood.trials.trial import Trial


class ShiftedTexts:
    """The texts of a suite's shifts, computed once for all models.

    Implements the `Experiment` that shifts use.

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
        """The name of the suite, for messages."""
        return self.data.where

    @property
    def task(self) -> Task:
        """The task of the suite."""
        return self.data.suite.task

    @property
    def seed(self) -> int:
        """The seed of samples and perturbations."""
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
        """Return the predictor of a model for the suite."""
        return self._originals.predictor(model)

    def originals(self, model: SingleModel) -> AnswerSet:
        """Return the answers of a model in distribution."""
        return self._originals.answers(model)

    def surrogate(self, name: str) -> Model:
        """Return a model that adversarial examples are made against."""
        return self.surrogates[name]

    def perturbed(self, shift: Shift) -> Shifted:
        """Return the examples under a shift whose texts are the same for all models.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        frozen = self.data.frozen
        if shift.name not in self._shifted:
            if frozen is not None and shift.name in frozen.shifts:
                self._shifted[shift.name] = frozen.shifted(shift, self.examples)
            else:
                with using(self.data.resources):
                    written = shift.generate_texts(self)
                self._shifted[shift.name] = written.shifted
                if written.attack is not None:
                    self._surrogate_trials[shift.name] = written.attack
        return self._shifted[shift.name]

    def attack_on_surrogate(self, shift: Shift) -> Trial | None:
        """Return the attack that produced the texts of a shift; None where they were frozen."""
        return self._surrogate_trials.get(shift.name)

    def usable(self, shift: Shift | None) -> int:
        """Return how many examples a check can use, without running a model.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        return self.changed(shift, size) if shift and self.is_available(shift) else size

    def model_inputs(self, shift: Shift) -> Sequence[Inputs] | None:
        """Return the inputs of all models under a shift; None where they are not known yet.

        The texts of an attack are found while the model is run, and a language model is not run to
        write texts for a plan.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        if shift.has_own_examples:
            return [member.inputs for member in members_of(self.target(shift))]
        if not self.is_available(shift):
            return None
        shifted = self.perturbed(shift)
        return Subset(shifted.inputs, np.flatnonzero(shifted.changed[:size].where(bool)))

    def is_available(self, shift: Shift) -> bool:
        """Return whether the texts of a noise shift are available without a language model."""
        return (shift.kind == NOISE and shift.shares_texts) and (
            shift.name in self._shifted
            or shift.needs_no_model
            or (self.data.frozen is not None and shift.name in self.data.frozen.shifts)
        )

    def changed(self, shift: Shift | None, size: int) -> int:
        """Return how many of the first `size` examples are changed before a model is run.

        All of them for shifts to other examples, and for shifts that change texts while the model
        is run.
        """
        parts = [] if shift is None else shift.parts(self.shifts)
        if not parts or not all(part.shares_texts for part in parts):
            return size
        changed = [self.perturbed(part).changed[:size] for part in parts]
        return combined(changed, lambda *flags: any(flags)).count(True)

    def touched(self, shift: Shift, trial: Trial) -> int:
        """Return how many examples a perturbation changed, or an attack attacked."""
        if trial.attacks is None:
            return self.changed(shift, trial.drawn)
        return sum(not result.skipped for result in trial.attacks)

    def freeze(self) -> FrozenSuite:
        """Return all samples and perturbed texts, for a file.

        No models are run except the surrogates of attacks.

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
