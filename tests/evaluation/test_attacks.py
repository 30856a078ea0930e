from __future__ import annotations

import pytest

from pytest_ood.edits import Edit
from pytest_ood.evaluation.attacks import attack_figures
from pytest_ood.examples import Example
from pytest_ood.perturbations.adversarial import AttackResult

EXAMPLES = [Example(str(n), "one two three four", "x") for n in range(4)]
EDIT = Edit(0, 3, "one", "oen")
RESULTS = [
    AttackResult("oen two three four", success=True, queries=10, edits=(EDIT,), reducing=3),
    AttackResult("one two three four", success=False, queries=30, rejected=5),
    AttackResult("one two three four", success=False, queries=1, skipped="wrong from the start"),
    AttackResult("one two three four", success=False, queries=21),
]


def test_success_is_counted_over_what_was_attacked() -> None:
    """Examples that were wrong from the start are no failures of the attack, and named apart."""
    figures = attack_figures(RESULTS, EXAMPLES, 0.05, similarity=False)
    assert figures.attacked == 3
    assert figures.success is not None
    assert figures.success.value == pytest.approx(1 / 3)
    assert figures.success.low < 1 / 3 < figures.success.high
    assert (figures.queries_mean, figures.queries_median) == (pytest.approx(61 / 3), 21.0)
    assert (figures.reducing, figures.rejected) == (3, 5)
    assert figures.skipped == (("wrong from the start", 1),)
    assert figures.edited_words == pytest.approx(1 / 4)
    assert figures.edited_characters == pytest.approx(2 / 18)
    assert figures.similarity is None


def test_nothing_attacked_has_no_rate() -> None:
    """Where every example was wrong, there is no success rate."""
    figures = attack_figures(RESULTS[2:3], EXAMPLES[2:3], 0.05, similarity=False)
    assert (figures.attacked, figures.success, figures.edited_words) == (0, None, None)
