"""Attacks on tasks without labels: an answer is wrong if it scores too little."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations.adversarial.protocol import attacked_field
from pytest_ood.tasks import as_read, reading_of

if TYPE_CHECKING:
    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.perturbations.adversarial.protocol import State
    from pytest_ood.tasks import Prediction, Task

WRONG_BELOW = 0.5
"""The default of the score below which an answer is wrong."""


@dataclass(frozen=True)
class ScoreGrader:
    """Turns answers into right and wrong ones by their scores, which a search then lowers.

    The goals of attacks compare labels, and searches follow the probability of the right one. For a
    task without labels, an answer gets the example's label if its score is high enough, and the
    score takes the place of the probability.

    Attributes:
        task: Scores the answers.
        wrong_below: The score below which an answer is wrong, in (0, 1].
    """

    task: Task
    wrong_below: float = WRONG_BELOW

    def __post_init__(self) -> None:
        """Check the score.

        Raises:
            ConfigurationError: no answer could be wrong, or no number between 0 and 1.
        """
        if not 0.0 < self.wrong_below <= 1.0:
            raise ConfigurationError(
                f"wrong_below = {self.wrong_below} is a score above 0, and at most 1"
            )

    @property
    def fingerprint(self) -> str:
        """The task, its measure, and the score."""
        task = f"{self.task.name} by {self.task.measure} {reading_of(self.task)}"
        return f"{task} below {self.wrong_below}"

    def example(self, example: Example, inputs: Inputs, state: State) -> Example | None:
        """Return the example with changed inputs; None if nobody can tell its right answer.

        Args:
            example: The example under attack.
            inputs: Its inputs in this state.
            state: The edits of its longest field.
        """
        if not self.task.moves:
            return replace(example, inputs=inputs)
        attacked = attacked_field(example)
        edits = {name: state if name == attacked else () for name in fields_of(inputs)}
        return self.task.moved(example, inputs, edits)

    def graded(
        self, example: Example, inputs: Inputs, state: State, answer: Prediction
    ) -> Prediction | None:
        """Return an answer with the example's label if it is right, and the score of that label.

        None where nobody can tell whether it is right.
        """
        moved = self.example(example, inputs, state)
        if moved is None:
            return None
        read = as_read(self.task, answer, moved)
        score = self.task.score(read, moved)
        label = None if read.label == example.label else read.label
        if score >= self.wrong_below:
            label = example.label
        return replace(read, label=label, scores={example.label: score})
