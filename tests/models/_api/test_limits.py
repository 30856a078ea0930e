from __future__ import annotations

from email.utils import formatdate
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.models._api.limits import (
    FIRST_WAIT,
    LONGEST_WAIT,
    Caps,
    Ledger,
    Pace,
    Prices,
    backoff,
    retry_after,
)
from pytest_ood.models.protocol import Usage

COUNTS = st.integers(0, 200)


def test_prices_are_for_a_million_tokens() -> None:
    """A million tokens of each kind cost both prices."""
    assert Prices(0.5, 1.5).of(1_000_000, 1_000_000) == 2.0
    assert Prices(0.5, 1.5).of(0, 2_000_000) == 3.0


def test_a_ledger_counts_what_was_taken() -> None:
    """Bounds are corrected by what a call really took; the cost follows."""
    ledger = Ledger(prices=Prices(1.0, 2.0, "EUR"))
    assert ledger.used("m") == Usage(
        requests=0, prompt_tokens=0, completion_tokens=0, cost=0.0, currency="EUR"
    )
    assert ledger.enter("m", 100, 50) is None
    assert ledger.used("m") == Usage(
        requests=1,
        prompt_tokens=100,
        completion_tokens=50,
        cost=pytest.approx(200e-6),
        currency="EUR",
    )
    ledger.correct("m", -60, -48)
    assert ledger.used("m") == Usage(
        requests=1, prompt_tokens=40, completion_tokens=2, cost=pytest.approx(44e-6), currency="EUR"
    )
    assert Ledger().used("m").cost is None


@pytest.mark.parametrize(
    ("caps", "named"),
    [
        (Caps(requests=2), "max_requests = 2"),
        (Caps(tokens=2_399), "max_total_tokens = 2,399"),
        (Caps(cost=0.0029), "max_cost = 0.0029 USD"),
    ],
)
def test_a_cap_refuses_what_would_exceed_it(caps: Caps, named: str) -> None:
    """The first call that could exceed a cap is refused with its name, and nothing is entered."""
    ledger = Ledger(caps, Prices(1.0, 2.0))
    assert ledger.enter("m", 600, 200) is None
    assert ledger.enter("m", 600, 200) is None
    before = ledger.used("m")
    assert ledger.enter("m", 600, 200) == named
    assert ledger.used("m") == before


def test_a_cap_may_be_reached() -> None:
    """What meets a cap exactly is let in."""
    ledger = Ledger(Caps(requests=1, tokens=150, cost=200e-6), Prices(1.0, 2.0))
    assert ledger.enter("m", 100, 50) is None


@given(
    calls=st.lists(st.tuples(COUNTS, COUNTS, st.floats(0, 1))),
    requests=st.none() | COUNTS,
    tokens=st.none() | COUNTS,
    cost=st.none() | st.floats(0, 1e-3),
)
def test_no_cap_is_ever_exceeded(
    calls: list[tuple[int, int, float]],
    requests: int | None,
    tokens: int | None,
    cost: float | None,
) -> None:
    """Whatever calls come, and whatever share of their bounds they take, caps always hold."""
    ledger = Ledger(Caps(requests=requests, tokens=tokens, cost=cost), Prices(1.0, 2.0))
    for prompt, completion, share in calls:
        if ledger.enter("m", prompt, completion) is None:
            used = ledger.used("m")
            assert requests is None or used.requests <= requests
            assert tokens is None or used.prompt_tokens + used.completion_tokens <= tokens
            assert cost is None or used.cost is None or used.cost <= cost
            ledger.correct(
                "m", round(prompt * share) - prompt, round(completion * share) - completion
            )


def test_caps_hold_for_all_models_together() -> None:
    """What one model has taken is not there for another, and each knows its own share."""
    ledger = Ledger(Caps(tokens=100))
    assert ledger.enter("one", 40, 10) is None
    assert ledger.enter("other", 40, 11) == "max_total_tokens = 100"
    assert ledger.enter("other", 40, 10) is None
    assert (
        ledger.used("one")
        == ledger.used("other")
        == Usage(requests=1, prompt_tokens=40, completion_tokens=10)
    )
    assert ledger.used("nobody") == Usage()


@given(rate=st.floats(1, 1000), arrivals=st.lists(st.floats(0, 5), min_size=1, max_size=30))
def test_no_minute_holds_more_calls_than_allowed(rate: float, arrivals: list[float]) -> None:
    """Calls that wait as they are told are never closer than a minute's share."""
    pace, now, starts = Pace(requests_per_minute=rate), 0.0, []
    for pause in arrivals:
        now += pause
        now += pace.wait(now)
        pace.start(now, 0)
        starts.append(now)
    gaps = [b - a for a, b in pairwise(starts)]
    assert all(gap >= 60 / rate - 1e-6 for gap in gaps)


def test_tokens_take_their_time() -> None:
    """After a call comes the time that its tokens take; what it really took corrects that."""
    pace = Pace(tokens_per_minute=600)
    assert pace.wait(10.0) == 0.0
    pace.start(10.0, 100)
    assert pace.wait(10.0) == pytest.approx(10.0)
    pace.correct(-50)
    assert pace.wait(10.0) == pytest.approx(5.0)
    assert pace.wait(100.0) == 0.0
    pace.start(100.0, 10)
    assert pace.wait(100.0) == pytest.approx(1.0)


def test_a_pace_without_limits_never_waits() -> None:
    """Without rates only the server's own wish holds calls back, and never for less than asked."""
    pace = Pace()
    pace.start(0.0, 1e9)
    pace.correct(1e9)
    assert pace.wait(0.0) == 0.0
    pace.leave_alone(7.0)
    pace.leave_alone(3.0)
    assert pace.wait(1.0) == pace.requested_delay(1.0) == 6.0
    assert pace.wait(8.0) == pace.requested_delay(8.0) == 0.0


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_waits_double_up_to_the_longest(attempt: int, seed: int) -> None:
    """A wait lies in the upper half of what doubles with every attempt, up to the longest."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 20))
    assert whole / 2 <= backoff(attempt, Random(seed)) <= whole


def test_waits_are_drawn() -> None:
    """The same generator gives the same waits, another one others."""
    assert backoff(3, Random(1)) == backoff(3, Random(1)) != backoff(3, Random(2))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": formatdate(1_000_020, usegmt=True)}, 20.0),
        ({"retry-after": formatdate(999_980, usegmt=True)}, 0.0),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
    ],
    ids=str,
)
def test_the_server_s_wish_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and dates are understood, and nothing is made of anything else."""
    assert retry_after(headers, now=1_000_000.0) == seconds
