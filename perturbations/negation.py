"""Negation: what is said is denied, or what is denied is said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations.contracts import Changing, other_label
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_VERBS = "is|are|was|were|does|do|did|has|have|had|will|would|could|should|must"
_SAID = re.compile(
    rf"(?<![\w'\u2019])(?:{_VERBS})(?=[ ])(?! (?:not|never|hardly|no|nothing)\b)", re.IGNORECASE
)
_DENIED = re.compile(
    rf"(?<![\w'\u2019])(?P<verb>{_VERBS}|can)(?: (?:not|never|hardly)|n['\u2019]t)(?!\w)",
    re.IGNORECASE,
)


@site_perturbation(
    _SAID,
    source="Ribeiro et al. 2020 (CheckList), table 1 (negation); Gardner et al. 2020 (contrast "
    "sets)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    example="The film is good, the actors are wonderful and the end was a surprise.",
)
def negate(verb: Match[str], rng: Random) -> str:
    """Deny what a form of be, have, do or a modal verb says."""
    return verb.group() + rng.choice((" not", " never", " hardly"))


@site_perturbation(
    _DENIED,
    source="Ribeiro et al. 2020 (CheckList), remove negation; Dhole et al. 2021 (NL-Augmenter)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    example="The film is not good, the actors aren't bad and it was never a surprise.",
)
def affirm(denial: Match[str], rng: Random, *, emphasis: float = 0.5) -> str:
    """Say what a negated form of be, have, do or a modal verb denies."""
    return denial["verb"] + (" indeed" if rng.random() < emphasis else "")
