"""The answers in distribution, which every drop is measured from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.trials.answer_sets import AnswerSet
from pytest_ood.trials.predictor import Predictor

if TYPE_CHECKING:
    from pytest_ood.evaluation.data import SuiteData
    from pytest_ood.inference.engine import Engine
    from pytest_ood.trials.predictor import SingleModel


class Originals:
    """The answers of each model in distribution, requested once.

    Args:
        data: Has the examples.
        engine: Runs the models.
    """

    def __init__(self, data: SuiteData, engine: Engine) -> None:
        self.data = data
        self.engine = engine
        self._answers: dict[str, AnswerSet] = {}

    def predictor(self, model: SingleModel) -> Predictor:
        """Return the predictor of a model for the suite."""
        return Predictor(self.data.suite.name, self.data.suite.task, self.engine, model)

    def answers(self, model: SingleModel) -> AnswerSet:
        """Return the answers of a model in distribution."""
        if model.name not in self._answers:
            examples = self.data.in_distribution().examples
            self._answers[model.name] = AnswerSet(self.predictor(model), examples)
        return self._answers[model.name]
