"""Agreement of two raters, against scikit-learn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from pytest_ood.statistics.agreement import cohens_kappa

PAIRS = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1)


@given(pairs=PAIRS)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    """It is the same for all ratings; None where chance alone agrees."""
    first, second = zip(*pairs, strict=True)
    if len({*first, *second}) == 1:
        assert cohens_kappa(first, second) is None
        return
    assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_a_known_table() -> None:
    """20 and 15 equal of 50, with 25 and 30 times yes: (0.7 - 0.5) / 0.5 (Cohen 1960, eq. 1)."""
    first = [1.0] * 25 + [0.0] * 25
    second = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
