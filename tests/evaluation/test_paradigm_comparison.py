from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation import Evaluation, difference_of_drops
from pytest_ood.statistics import Estimate, unpaired_difference_of_drops
from pytest_ood.statistics.proportions import PairedDifference
from pytest_ood.statistics.sequential import Sequential

ALPHA = 0.05
NOTHING = Estimate(0.0, 0.0, 0.0, 1, 0.0)


def measured(
    before: Sequence[float],
    after: Sequence[float],
    *,
    shift: str = "one",
    paired: bool = True,
    at: int = 0,
    planned: int | None = None,
) -> Evaluation:
    """Make a drop of these scores, the first of them at a place of the draw.

    They are fewer than planned where the verdict was settled before.
    """
    size = len(before) if planned is None else planned
    return Evaluation(
        suite="s", kind="noise" if paired else "domain", shift=shift, model="m", n=len(after),
        abstained=0, abstained_in_distribution=0, score_in_distribution=0.0, score_under_shift=0.0,
        drop=NOTHING, paired=paired, budget=None, verdict="measured", reason="",
        shifted_set_hash="", before=Categorical.of([None] * at + list(before)),
        after=Categorical.of([None] * at + list(after)), drawn=len(before), planned=size,
        sequential=planned is not None,
    )  # fmt: skip


def values(losses: str) -> tuple[list[float], list[float]]:
    """Return scores before and after: l is lost, g gained, 1 and 0 stay as they are."""
    before = [float(sign in "l1") for sign in losses]
    return before, [float(sign in "g1") for sign in losses]


def bounds(estimate: Estimate) -> tuple[float, float]:
    """Return the interval."""
    return estimate.low, estimate.high


def test_one_shift_is_a_paired_difference() -> None:
    """On one shift the exact test of losses and gains applies: two lost alone, one gained alone."""
    mine, other = measured(*values("ll11g0l1")), measured(*values("l1110g0l"))
    # Lost alone: 1, 6 (and 7 by the other); gained alone: 4 (and 5 by the other).
    found = difference_of_drops([mine], [other], ALPHA)
    figure = PairedDifference(3, 2, 8)
    assert (found.value, found.n) == (figure.value, 8)
    assert bounds(found) == figure.bounds(ALPHA)


def test_two_shifts_of_an_example_are_one_value() -> None:
    """Perturbations of one example are averaged first; only what both models answered counts."""
    mine = [
        measured(*values("ll11")),
        measured(*values("l11"), shift="two", at=1),
    ]
    other = [
        measured(*values("1111")),
        measured(*values("11"), shift="two", at=1),
    ]
    found = difference_of_drops(mine, other, ALPHA)
    # a: 1; b: (1 + 1) / 2; c: (0 + 0) / 2; d: 0, the second shift of it was put to one model.
    assert (found.value, found.n) == (0.5, 4)
    half = difference_of_drops([mine[0], measured(*values("111"), shift="two", at=1)], other, ALPHA)
    assert half.value == pytest.approx((1 + 0.5) / 4)


def test_other_examples_are_unpaired() -> None:
    """Over two domains: the difference before minus the mean of the differences after."""
    first, second = [1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0]
    one, two = ([0.0, 1.0, 0.0], [1.0, 1.0, 1.0]), ([0.0] * 5, [1.0, 0.0, 0.0, 0.0, 0.0])
    mine = [
        measured(first, one[0], paired=False),
        measured(first, two[0], shift="two", paired=False),
    ]
    other = [
        measured(second, one[1], paired=False),
        measured(second, two[1], shift="two", paired=False),
    ]
    found = difference_of_drops(mine, other, ALPHA)
    assert found.value == pytest.approx(0.0 - (-2 / 3 - 1 / 5) / 2)
    figure = unpaired_difference_of_drops((first, second), [one, two])
    assert bounds(found) == figure.bounds(ALPHA)


STILL = "1" * 200


@pytest.mark.parametrize("stopped", ["mine", "other"])
def test_models_that_stopped_are_compared_on_what_both_reached(stopped: str) -> None:
    """The examples of the one that stopped first count, with bounds that hold at any point."""
    short = measured(*values("l" * 8 + "1" * 56), planned=200)
    long = measured(*values(STILL), planned=200)
    pair = ([short], [long]) if stopped == "mine" else ([long], [short])
    found = difference_of_drops(*pair, ALPHA)
    sign = 1.0 if stopped == "mine" else -1.0
    assert (found.value, found.n) == (sign * 8 / 64, 64)
    lost, gained = (8, 0) if stopped == "mine" else (0, 8)
    figure = Sequential(
        np.array([min(0.0, sign), max(0.0, sign)]),
        np.array([[56.0, 8.0] if sign > 0 else [8.0, 56.0]]),
        -2.0, 2.0, 200, PairedDifference(lost, gained, 64), final=False,
    )  # fmt: skip
    assert bounds(found) == figure.bounds(ALPHA)
    fixed = PairedDifference(lost, gained, 64).bounds(ALPHA)
    assert found.low < fixed[0] < fixed[1] < found.high


def test_where_all_were_used_the_last_test_counts() -> None:
    """Without an early stop the interval is narrower, but not as narrow as without any look."""
    whole = measured(*values("l" * 20 + "1" * 180), planned=200)
    still = measured(*values(STILL), planned=200)
    found = difference_of_drops([whole], [still], ALPHA)
    never = difference_of_drops(
        [replace(whole, sequential=False)], [replace(still, sequential=False)], ALPHA
    )
    assert bounds(never) == PairedDifference(20, 0, 200).bounds(ALPHA)
    assert found.low < never.low
    assert never.high < found.high
    at_most = PairedDifference(20, 0, 200).bounds(ALPHA * 0.1)
    assert at_most[0] - 1e-9 <= found.low
    assert found.high <= at_most[1] + 1e-9


def test_what_one_shift_stopped_before_limits_the_others() -> None:
    """A short shift that used all it has, beside one that stopped, leaves a fixed sample."""
    # The attack has 40 examples and uses them; the other one stops after 64 of 200.
    short = [measured(*values("l" * n + "1" * (40 - n)), planned=40) for n in (8, 0)]
    long = [
        measured(*values("1" * 40 + "l" * n + "1" * (24 - n)), shift="two", planned=200)
        for n in (24, 0)
    ]
    found = difference_of_drops([short[0], long[0]], [short[1], long[1]], ALPHA)
    # Of the second only what the first reached counts: what made it stop does not.
    assert found.n == 40
    assert found.value == pytest.approx(8 / 40 / 2)
    unpaired = [
        (
            measured([1.0] * 200, [0.0] * n + [1.0] * (40 - n), paired=False, planned=200),
            measured([1.0] * 64, [1.0] * 40 + [0.0] * n + [1.0] * (24 - n), shift="two",
                     paired=False, planned=200),
        )
        for n in (8, 0)
    ]  # fmt: skip
    found = difference_of_drops(unpaired[0], unpaired[1], ALPHA)
    assert found.n == 40
    assert found.value == pytest.approx(8 / 40 / 2)


def test_seeds_of_both_models_join_the_interval() -> None:
    """Each model's spread over seeds makes the difference less certain, and ends early bounds."""
    mine, other = measured(*values("l" * 20 + "1" * 180)), measured(*values(STILL))
    plain = difference_of_drops([mine], [other], ALPHA)
    one = difference_of_drops([replace(mine, seed_drops=(0.0, 0.1, 0.2))], [other], ALPHA)
    both = difference_of_drops(
        [replace(mine, seed_drops=(0.0, 0.1, 0.2))],
        [replace(other, seed_drops=(-0.1, 0.0, 0.1))],
        ALPHA,
    )
    widths = [e.high - e.low for e in (plain, one, both)]
    assert widths == sorted(widths)
    assert widths[0] < widths[1] < widths[2]
    assert plain.value == one.value == both.value == 0.1
    sequential = difference_of_drops(
        [replace(mine, seed_drops=(0.0, 0.1, 0.2), sequential=True)], [other], ALPHA
    )
    assert sequential == one


def test_different_shifts_are_not_compared() -> None:
    """Evaluations of other shifts, or none, are an error."""
    mine, other = measured(*values("l1")), measured(*values("l1"), shift="two")
    for pair in (([mine], [other]), ([mine], []), ([], [])):
        with pytest.raises(ValueError, match="not of the same shifts"):
            difference_of_drops(*pair, ALPHA)
    apart = measured(*values("l1"), at=2)
    with pytest.raises(ValueError, match="no values"):
        difference_of_drops([mine], [apart], ALPHA)
