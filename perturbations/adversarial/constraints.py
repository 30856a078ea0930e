"""Constraints: which spans of a text may be changed, and which changed texts are allowed.

Rules on spans are applied before candidates are built. Whole candidates are checked by validity
filters (`perturbations/filters.py` has edit distance and embedding similarity) and by these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.edits import Perturbed
    from pytest_ood.perturbations.adversarial.protocol import Span
    from pytest_ood.perturbations.protection import Protection

_STOPWORDS = (
    "a about above after again against all am an and any are as at be because been before being "
    "below between both but by can did do does doing don down during each few for from further "
    "had has have having he her here hers herself him himself his how i if in into is it its "
    "itself just me more most my myself no nor not now of off on once only or other our ours "
    "ourselves out over own s same she should so some such t than that the their theirs them "
    "themselves then there these they this those through to too under until up very was we were "
    "what when where which while who whom why will with you your yours yourself yourselves"
)
STOPWORDS = frozenset(_STOPWORDS.split())


@dataclass(frozen=True)
class NoStopwords:
    """Stop words, which carry no label of their own, are not changed."""

    name: str = "no-stopwords"

    def allows(self, text: str, span: Span) -> bool:
        """Return whether the word is not a stop word."""
        return text[slice(*span)].lower() not in STOPWORDS


@dataclass(frozen=True)
class LongWords:
    """Short words are not changed.

    Attributes:
        least: The least number of characters of a word that may be changed.
    """

    least: int

    @property
    def name(self) -> str:
        """The length."""
        return f"long-words({self.least})"

    def allows(self, text: str, span: Span) -> bool:
        """Return whether the word is long enough."""
        del text
        return span[1] - span[0] >= self.least


@dataclass(frozen=True)
class Unprotected:
    """Protected spans, such as label words in a prompt, are not changed.

    Attributes:
        protection: Finds the protected spans.
    """

    protection: Protection

    @property
    def name(self) -> str:
        """The protection."""
        return f"unprotected({self.protection.fingerprint})"

    def allows(self, text: str, span: Span) -> bool:
        """Return whether the span overlaps no protected one."""
        start, end = span
        return not any(low < end and start < high for low, high in self.protection.spans(text))


@dataclass(frozen=True)
class FewEdits:
    """At most so many edits.

    Attributes:
        most: The largest number of edits of a candidate.
    """

    most: int

    @property
    def name(self) -> str:
        """The number."""
        return f"few-edits({self.most})"

    @property
    def fingerprint(self) -> str:
        """The name."""
        return self.name

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each candidate, whether it has few enough."""
        return [len(case.edits) <= self.most for case in cases]


@dataclass(frozen=True)
class FewWords:
    """At most a share of the words is changed (Alzantot et al. 2018, section 4: 20 %).

    Attributes:
        most: The share, in [0, 1]; one word is always allowed.
    """

    most: float

    @property
    def name(self) -> str:
        """The share."""
        return f"few-words({self.most})"

    @property
    def fingerprint(self) -> str:
        """The name."""
        return self.name

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each candidate, whether it has few enough."""
        return [len(case.edits) <= 1 or case.edited_words <= self.most for case in cases]


@dataclass(frozen=True)
class FewCharacters:
    """At most so many characters are changed: Levenshtein distance or a little more.

    Attributes:
        most: Characters (Gao et al. 2018, section IV: 30).
    """

    most: int

    @property
    def name(self) -> str:
        """The number."""
        return f"few-characters({self.most})"

    @property
    def fingerprint(self) -> str:
        """The name."""
        return self.name

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each candidate, whether it has few enough."""
        return [sum(edit.size for edit in case.edits) <= self.most for case in cases]
