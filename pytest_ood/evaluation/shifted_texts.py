"""The texts that models are asked under noise and transferred attacks: the same for all models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.cases import members_of
from pytest_ood.columns import combined
from pytest_ood.evaluation.attack_trials import AttackTrial
from pytest_ood.frozen import freeze
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.resources import using
from pytest_ood.rows import Picked, blocks
from pytest_ood.shifts import DomainShift, NoiseShift, Shifted, TransferShift, WorstCase
from pytest_ood.suite import IN_DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.evaluation.answer_sets import Originals
    from pytest_ood.evaluation.trial import Trial
    from pytest_ood.examples import Inputs
    from pytest_ood.frozen import FrozenSuite
    from pytest_ood.models.protocol import Model
    from pytest_ood.shifts import Shift


class ShiftedTexts:
    """What the examples of a suite become under its shifts, made once for all models.

    Args:
        originals: Has the examples, and the answers that an attack on a surrogate starts from.
        surrogates: By name, the models that adversarial examples are made against.
    """

    def __init__(self, originals: Originals, surrogates: Mapping[str, Model]) -> None:
        self.data = originals.data
        self.store = originals.engine.store
        self.surrogates = surrogates
        self._originals = originals
        self._shifted: dict[str, Shifted] = {}
        self._surrogate_trials: dict[str, Trial] = {}

    def perturbed(self, shift: NoiseShift | TransferShift) -> Shifted:
        """Return every example as it is under a shift.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        frozen = self.data.frozen
        if shift.name not in self._shifted:
            examples = self.data.in_distribution().examples
            if frozen is not None and shift.name in frozen.shifts:
                self._shifted[shift.name] = frozen.shifted(shift, examples)
            elif isinstance(shift, TransferShift):
                self._shifted[shift.name] = self._transferred(shift)
            else:
                with using(self.data.resources):
                    self._shifted[shift.name] = shift.apply(examples, self.data.seed, self.store)
        return self._shifted[shift.name]

    def attack_on_surrogate(self, shift: TransferShift) -> Trial | None:
        """Return the attack that a shift's texts come from; None where they were frozen."""
        return self._surrogate_trials.get(shift.name)

    def usable(self, shift: Shift | None) -> int:
        """Return how many examples a check can rest on; no model is asked.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        made = isinstance(shift, NoiseShift) and self.is_made_by_rules(shift)
        return self.changed(shift, size) if made else size

    def asked(self, shift: Shift) -> Sequence[Inputs] | None:
        """Return what every model is asked under a shift; None where that is not known yet.

        An attack finds out while it asks, and what a language model has to write is not written
        for a plan.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.data.horizon(shift)
        if isinstance(shift, DomainShift):
            return [member.inputs for member in members_of(self.data.target(shift))]
        if not isinstance(shift, NoiseShift) or not self.is_made_by_rules(shift):
            return None
        shifted = self.perturbed(shift)
        return Picked(shifted.inputs, np.flatnonzero(shifted.changed[:size].where(bool)))

    def is_made_by_rules(self, shift: NoiseShift) -> bool:
        """Tell whether a shift's texts are at hand without a language model."""
        return (
            shift.name in self._shifted
            or shift.is_made_by_rules
            or (self.data.frozen is not None and shift.name in self.data.frozen.shifts)
        )

    def changed(self, shift: Shift | None, size: int) -> int:
        """Return how many of the first `size` examples were changed before any model is measured.

        All, of a shift that changes none, or only while it is measured.
        """
        noises = self._replayed(shift)
        if noises is None:
            return size
        changed = [self.perturbed(noise).changed[:size] for noise in noises]
        return combined(changed, lambda *told: any(told)).count(True)

    def touched(self, shift: Shift, trial: Trial) -> int:
        """Return how many examples noise has changed, or an attack has attacked."""
        if trial.attacks is None:
            return self.changed(shift, trial.drawn)
        return sum(not result.skipped for result in trial.attacks)

    def advice(self, shift: Shift) -> str:
        """Return what to do about a shift that changes nothing."""
        contract = shift.perturbation.contract if isinstance(shift, NoiseShift) else None
        examples = self.data.in_distribution().examples
        solved = isinstance(contract, Derived) and bool(contract.tasks)
        if solved and not any(example.rationale for example in examples):
            return (
                "It works answers out anew from solutions, and the examples have none: name the "
                "column that holds them with `rationale`"
            )
        if isinstance(shift, NoiseShift) and shift.is_made_by_rules:
            strongest = shift.strongest()
            if not strongest.changes_any(examples):
                if strongest.unprotected().changes_any(examples):
                    return "All that it could change is protected: name less under `protect`"
                return (
                    "There is nothing in these texts that it changes, at any severity: take "
                    "another perturbation, or other parameters"
                )
        return "Raise its severity, or drop the shift"

    def freeze(self) -> FrozenSuite:
        """Draw and perturb everything, and return it for a file.

        No model is asked but the surrogates that adversarial examples are made against.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        data = {IN_DISTRIBUTION: self.data.in_distribution().examples}
        shifted = {}
        for shift in self.data.suite.shifts:
            if isinstance(shift, DomainShift):
                data[shift.name] = self.data.target(shift).examples
            elif isinstance(shift, NoiseShift | TransferShift):
                shifted[shift.name] = self.perturbed(shift)
        return freeze(self.data.suite, self.data.seed, data, shifted, IN_DISTRIBUTION)

    def _replayed(self, shift: Shift | None) -> Sequence[NoiseShift | TransferShift] | None:
        """Return the shifts whose texts are the same for all models; None where there are none."""
        if isinstance(shift, WorstCase):
            return self.data.noises()
        return [shift] if isinstance(shift, NoiseShift | TransferShift) else None

    def _transferred(self, shift: TransferShift) -> Shifted:
        """Attack the surrogate; where it did not turn, the original stays."""
        surrogate = self.surrogates[shift.surrogate]
        source = self._originals.answers(surrogate)
        trial = AttackTrial(self._originals.asker(surrogate), shift, source, self.data.seed)
        with using(self.data.resources):
            attacked = trial.upto(self.data.horizon(shift))
        self._surrogate_trials[shift.name] = attacked
        results, examples = attacked.attacks or (), self.data.in_distribution().examples

        def made() -> Iterator[tuple[list[Inputs], tuple[()]]]:
            start = 0
            for block in blocks(examples):
                turned = [result.inputs for result in results[start : start + len(block)]]
                yield [*turned, *(e.inputs for e in block[len(turned) :])], ()
                start += len(block)

        return Shifted.of(examples, made())
