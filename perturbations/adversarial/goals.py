"""Goals: the answers that an attacker wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import WORD

if TYPE_CHECKING:
    from pytest_ood.data.edits import Perturbed
    from pytest_ood.tasks import Prediction


@dataclass(frozen=True)
class Untargeted:
    """Any answer but the right one."""

    name: str = "untargeted"
    turns: bool = True

    def score(self, answer: Prediction, label: str) -> float:
        """Return 1 minus the score of the right label; without scores 1 or 0."""
        if answer.scores:
            return 1.0 - answer.scores.get(label, 0.0)
        return float(answer.label != label)

    def reached(self, answer: Prediction, label: str, case: Perturbed) -> bool:
        """Return whether the answer is not the right one."""
        del case
        return answer.label != label

    def refuses(self, label: str, text: str) -> str:
        """Return why an example cannot be attacked: never."""
        del label, text
        return ""


@dataclass(frozen=True)
class Targeted:
    """One wrong answer.

    Attributes:
        target: The wanted label; examples with this label are not attacked.
    """

    target: str
    turns: bool = True

    @property
    def name(self) -> str:
        """Name and label."""
        return f"targeted({self.target})"

    def score(self, answer: Prediction, label: str) -> float:
        """Return the score of the target; without scores 1 or 0."""
        del label
        if answer.scores:
            return answer.scores.get(self.target, 0.0)
        return float(answer.label == self.target)

    def reached(self, answer: Prediction, label: str, case: Perturbed) -> bool:
        """Return whether the answer is the target, and wrong."""
        del case
        return answer.label == self.target != label

    def refuses(self, label: str, text: str) -> str:
        """Return why an example cannot be attacked: it is of the target's label."""
        del text
        return f"its label is {label!r}, the target's" if label == self.target else ""


@dataclass(frozen=True)
class SameAnswer:
    """The right answer to a text of which next to nothing is left (Feng et al. 2018, section 2).

    Attributes:
        most: The largest share of the words that may be left, in [0, 1].
    """

    most: float = 0.2
    turns: bool = False

    @property
    def name(self) -> str:
        """Name and share."""
        return f"kept({self.most})"

    def score(self, answer: Prediction, label: str) -> float:
        """Return the score of the right label; without scores 1 or 0."""
        if answer.scores:
            return answer.scores.get(label, 0.0)
        return float(answer.label == label)

    def reached(self, answer: Prediction, label: str, case: Perturbed) -> bool:
        """Return whether the answer is still the right one, and few words are left."""
        left, before = len(WORD.findall(case.text)), len(WORD.findall(case.original))
        return answer.label == label and left <= self.most * before

    def refuses(self, label: str, text: str) -> str:
        """Return why an example cannot be attacked: nothing would be left of it."""
        del label
        return "too short to be reduced" if self.most * len(WORD.findall(text)) < 1 else ""
