"""Questions that are answered in words: out of a passage, or from memory."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.parsing import without_thoughts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.examples import Example
    from pytest_ood.tasks.protocol import Prediction

Metric = Literal["f1", "exact-match"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class QuestionAnswering:
    """An answer in words, scored by token F1 or exact match against the nearest right answer.

    Attributes:
        name: "extractive-qa" where the answer stands in a passage, "closed-book-qa" elsewhere.
        metric: What the score is; the other is measured beside it.
        labels: None: any text may be an answer.
    """

    name: Literal["extractive-qa", "closed-book-qa"] = "extractive-qa"
    metric: Metric = "f1"
    labels: tuple[str, ...] = ()

    def reference(self, given: str) -> str:
        """Return a right answer without white space around it."""
        return given.strip()

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        """Return the first line that says anything, or None where there is none."""
        lines = [line.strip() for line in without_thoughts(text).splitlines()]
        return next((line for line in lines if line), None)

    def ballot(self, answer: str) -> str:
        """Return the answer as it is compared: normalized."""
        return normalized(answer)

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer with the highest token F1, of several the first."""
        given = prediction.label or ""
        return max((example.label, *example.references), key=lambda r: token_f1(given, r))

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the best over all right answers; an abstention scores 0.0."""
        if prediction.label is None:
            return 0.0
        score = token_f1 if self.metric == "f1" else exact_match
        return max(score(prediction.label, r) for r in (example.label, *example.references))


def normalized(answer: str) -> str:
    """Return an answer in lower case, without punctuation, articles and surplus white space.

    Rajpurkar et al. 2016, SQuAD, section 6.1 (punctuation is ASCII's).
    """
    bare = answer.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, reference: str) -> float:
    """Return 1.0 where two answers are the same once normalized, else 0.0.

    Rajpurkar et al. 2016, SQuAD, section 6.1.
    """
    return float(normalized(answer) == normalized(reference))


def token_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall over tokens, each as often as it occurs.

    Rajpurkar et al. 2016, SQuAD, section 6.1; where either has no token, 1.0 if neither has
    (Rajpurkar et al. 2018, SQuAD 2.0).
    """
    given, right = normalized(answer).split(), normalized(reference).split()
    if not given or not right:
        return float(given == right)
    common = sum((Counter(given) & Counter(right)).values())
    return 2.0 * common / (len(given) + len(right))
