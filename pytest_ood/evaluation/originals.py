"""The answers in distribution, from which every drop is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.trials.answer_sets import InDistribution
from pytest_ood.trials.asking import Asker

if TYPE_CHECKING:
    from pytest_ood.engine import Engine
    from pytest_ood.evaluation.data import SuiteData
    from pytest_ood.trials.asking import Asked


class Originals:
    """The answers in distribution, of one model after another, each asked once.

    Args:
        data: Has the examples.
        engine: Asks the models.
    """

    def __init__(self, data: SuiteData, engine: Engine) -> None:
        self.data = data
        self.engine = engine
        self._answers: dict[str, InDistribution] = {}

    def asker(self, model: Asked) -> Asker:
        """Return what asks a model in the name of the suite."""
        return Asker(self.data.suite.name, self.data.suite.task, self.engine, model)

    def answers(self, model: Asked) -> InDistribution:
        """Return the answers of a model."""
        if model.name not in self._answers:
            examples = self.data.in_distribution().examples
            self._answers[model.name] = InDistribution(self.asker(model), examples)
        return self._answers[model.name]
