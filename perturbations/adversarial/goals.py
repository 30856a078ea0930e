"""Goals: what an attacker wants the model to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ood.tasks import Prediction


@dataclass(frozen=True)
class Untargeted:
    """Any answer but the right one."""

    name: str = "untargeted"

    def score(self, answer: Prediction, label: str) -> float:
        """Return 1 minus what the model gives the right label; without scores 1 or 0."""
        if answer.scores:
            return 1.0 - answer.scores.get(label, 0.0)
        return float(self.reached(answer, label))

    def reached(self, answer: Prediction, label: str) -> bool:
        """Tell whether the answer is not the right one."""
        return answer.label != label


@dataclass(frozen=True)
class Targeted:
    """One wrong answer.

    Attributes:
        target: The label that the attacker wants.
    """

    target: str

    @property
    def name(self) -> str:
        """Name and label."""
        return f"targeted({self.target})"

    def score(self, answer: Prediction, label: str) -> float:
        """Return what the model gives the target; without scores 1 or 0."""
        if answer.scores:
            return answer.scores.get(self.target, 0.0)
        return float(self.reached(answer, label))

    def reached(self, answer: Prediction, label: str) -> bool:
        """Tell whether the answer is the target, and wrong."""
        return answer.label == self.target != label


@dataclass(frozen=True)
class Kept:
    """The same answer, however little is left of the text (Feng et al. 2018, section 2)."""

    name: str = "kept"

    def score(self, answer: Prediction, label: str) -> float:
        """Return what the model gives the right label; without scores 1 or 0."""
        if answer.scores:
            return answer.scores.get(label, 0.0)
        return float(self.reached(answer, label))

    def reached(self, answer: Prediction, label: str) -> bool:
        """Tell whether the answer is still the right one."""
        return answer.label == label
