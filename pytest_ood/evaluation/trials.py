"""The trials of a suite: the answers of each model under each shift, extended on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ood.errors import DataError, ModelError, NotApplicableError
from pytest_ood.inference.engine import next_step
from pytest_ood.perturbations.resources import using
from pytest_ood.trials.answer_sets import AnswerSet
from pytest_ood.trials.predictor import single_models
from pytest_ood.trials.trial import Trial, aligned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.evaluation.judging import Judging
    from pytest_ood.evaluation.originals import Originals
    from pytest_ood.evaluation.shifted_texts import ShiftedTexts
    from pytest_ood.metrics import Outcomes
    from pytest_ood.shifts import Shift
    from pytest_ood.trials.predictor import AnyModel, SingleModel
    from pytest_ood.trials.trial import ExtendableTrial


class Trials:
    """The answers of a suite's models under its shifts.

    Args:
        originals: The answers in distribution.
        texts: The texts under shifts.
        references: For shifts with training data of their own: the baseline trained on them.
        judging: Judges answers, or None.
    """

    def __init__(
        self,
        originals: Originals,
        texts: ShiftedTexts,
        references: Mapping[str, SingleModel],
        judging: Judging | None = None,
    ) -> None:
        self.originals = originals
        self.texts = texts
        self.references = references
        self._judging = judging
        self._data = originals.data
        self._trials: dict[tuple[str, str], ExtendableTrial] = {}
        self._references: dict[str, AnswerSet] = {}

    def of(self, model: AnyModel, shift: Shift, size: int) -> list[Trial]:
        """Return the trials of a model's seeds on the first `size` examples.

        Raises:
            DataError: the shift changed none of the examples.
            ModelError: there is no example that all seeds answered.
        """
        with using(self._data.resources):
            trials = [self._trial_of(m, shift).extend_to(size) for m in single_models(model)]
        labelled = None if self._judging is None else self._judging.on_both_sides(model, shift)
        trials = [replace(trial, labelled=labelled) for trial in aligned(trials)]
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
                f"measure. {shift.advice(self._data.examples)}"
            )
        return trials

    def reference(self, shift: Shift, after: Outcomes) -> Outcomes | None:
        """Return the outcomes of the in-domain reference on the same examples, if there is one."""
        if shift.name not in self.references:
            return None
        if shift.name not in self._references:
            predictor = self.originals.predictor(self.references[shift.name])
            self._references[shift.name] = AnswerSet(predictor, after.examples, shift.name)
        reached = int(after.indices[-1]) + 1
        return self._references[shift.name].extend_to(reached).only(after.indices)

    def needed_reference(self, shift: Shift, after: Outcomes) -> Outcomes:
        """Return the outcomes of the in-domain reference on the same examples.

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

    def _trial_of(self, member: SingleModel, shift: Shift) -> ExtendableTrial:
        key = (member.name, shift.name)
        if key not in self._trials:
            self._trials[key] = shift.trial(self.texts, member)
        return self._trials[key]
