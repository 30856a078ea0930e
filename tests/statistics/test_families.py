from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from pytest_ood.statistics import CORRECTIONS, Correction, adjusted, single_step

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_is_worked_by_hand() -> None:
    """The smallest is multiplied by 4, the next by 3, and none falls below an earlier one."""
    found = adjusted([0.02, 0.01, 0.04, 0.03], "holm", 4)
    assert found == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_benjamini_and_hochberg_s_example_is_as_published() -> None:
    """Of their 15 p-values Bonferroni and Holm reject three at 0.05, theirs four (section 3.2)."""
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
                0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    rejected = {name: sum(p <= 0.05 for p in adjusted(p_values, name, 15)) for name in CORRECTIONS}
    assert rejected == {"holm": 3, "benjamini-hochberg": 4, "none": 9}
    assert sum(p <= single_step(0.05, "holm", 15) for p in p_values) == 3


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_an_empty_family_has_nothing_to_adjust(correction: Correction) -> None:
    """A run without any gate has no p-values."""
    assert adjusted([], correction, 0) == []
    assert single_step(0.05, correction, 0) == 0.05


def test_gates_that_were_not_measured_count() -> None:
    """A family of ten makes two p-values ten times and nine times as large."""
    assert adjusted([0.001, 0.004], "holm", 10) == pytest.approx([0.01, 0.036])
    found = adjusted([0.001, 0.004], "benjamini-hochberg", 10)
    assert found == pytest.approx([0.01, 0.02])


def test_without_a_correction_nothing_changes() -> None:
    """Every gate errs on its own."""
    assert adjusted([0.2, 0.01], "none", 7) == [0.2, 0.01]
    assert single_step(0.05, "none", 7) == 0.05


@given(p_values=P_VALUES)
def test_benjamini_hochberg_is_scipy_s(p_values: list[float]) -> None:
    """The adjusted p-values are those of scipy."""
    found = adjusted(p_values, "benjamini-hochberg", len(p_values))
    assert found == pytest.approx(list(false_discovery_control(p_values)))


@given(p_values=P_VALUES, more=st.integers(0, 5))
def test_holm_is_no_worse_than_bonferroni(p_values: list[float], more: int) -> None:
    """Holm's adjusted p-value lies between the plain one and Bonferroni's, in the same order."""
    size = len(p_values) + more
    found = adjusted(p_values, "holm", size)
    for p_value, after in zip(p_values, found, strict=True):
        assert p_value <= after <= min(1.0, p_value * size) + 1e-12
    order = sorted(range(len(found)), key=lambda place: p_values[place])
    assert [found[place] for place in order] == sorted(found)


@given(p_values=P_VALUES, correction=st.sampled_from(CORRECTIONS), alpha=st.floats(0.001, 0.2))
def test_what_fails_in_one_step_fails_in_the_family(
    p_values: list[float], correction: Correction, alpha: float
) -> None:
    """A gate that fails whatever the others show is among those the procedure fails."""
    level = single_step(alpha, correction, len(p_values))
    found = adjusted(p_values, correction, len(p_values))
    assert all(
        after <= alpha * (1 + 1e-9)
        for p_value, after in zip(p_values, found, strict=True)
        if p_value <= level
    )


@pytest.mark.parametrize("p_value", [-0.1, 1.1, math.nan])
def test_what_is_no_p_value_is_refused(p_value: float) -> None:
    """A p-value is a number in [0, 1]."""
    with pytest.raises(ValueError, match="a p-value is not a number"):
        adjusted([0.5, p_value], "holm", 2)


def test_a_family_too_small_is_refused() -> None:
    """There are at least as many gates as p-values."""
    with pytest.raises(ValueError, match="a family of 1 gates cannot hold 2 p-values"):
        adjusted([0.5, 0.5], "holm", 1)
