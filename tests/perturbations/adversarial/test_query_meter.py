from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, TooLongError
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.perturbations.adversarial import _lockstep as lockstep_module
from pytest_ood.perturbations.adversarial.protocol import TOO_LONG, USED_UP
from pytest_ood.perturbations.adversarial.query_meter import QueryMeter
from pytest_ood.tasks import Prediction

TEXTS = st.lists(st.sampled_from("abcdefgh"), max_size=6)


class Counting:
    """Answers every text with itself, and keeps what it was asked."""

    def __init__(self, longest: int = 99) -> None:
        self.longest = longest
        self.asked: list[str] = []

    def __call__(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer, or refuse texts that are too long."""
        long = [value for value in inputs if len(str(value)) > self.longest]
        if long:
            raise TooLongError("too long", long)
        self.asked += map(str, inputs)
        return [Prediction("x", text=str(value)) for value in inputs]


@given(rounds=st.lists(st.tuples(TEXTS, TEXTS), max_size=5), each=st.integers(3, 6))
def test_each_example_keeps_to_its_budget(
    rounds: list[tuple[list[str], list[str]]], each: int
) -> None:
    """Candidates are answered until a query before the cap, which is a success's second one."""
    query = Counting()
    meter = QueryMeter(query, QueryBudget(each))
    seen: list[set[str]] = [set(), set()]
    for place in (0, 1):
        meter.open(place)
    for row in rounds:
        answers = meter.ask([(place, list(row[place])) for place in (0, 1)])
        for place in (0, 1):
            for text, answer in zip(row[place], answers[place], strict=True):
                if answer is None:
                    assert len(seen[place]) == each - 1
                    assert text not in seen[place]
                else:
                    assert answer.text == text
                    seen[place].add(text)
            assert meter.queries(place) == len(seen[place]) < each
            assert meter.is_used_up(place) == (len(seen[place]) == each - 1)


def test_one_batch_asks_every_text_once() -> None:
    """What two examples ask alike goes to the model once, and counts for both."""
    query = Counting()
    meter = QueryMeter(query, QueryBudget(5))
    meter.open(0)
    meter.open(1)
    meter.ask([(0, ["a", "b"]), (1, ["b", "c"])])
    assert query.asked == ["a", "b", "c"]
    assert (meter.queries(0), meter.queries(1)) == (2, 2)


def test_what_is_not_used_is_there_for_others() -> None:
    """An example begins where the rest of the run's queries covers all that it may take."""
    meter = QueryMeter(Counting(), QueryBudget(3, total=7))
    assert meter.admits()
    meter.open(0)
    assert meter.admits()
    meter.open(1)
    assert not meter.admits()
    meter.ask([(0, ["a"]), (1, ["a", "b", "c", "d"])])
    meter.close(1, success=True)
    assert not meter.admits()
    meter.close(0, success=False)
    assert meter.admits()
    assert meter.spent == 4


def test_too_long_a_text_has_no_answer_and_the_others_have() -> None:
    """Inputs beyond the model's window are answered by None; they count, as they were put to it."""
    meter = QueryMeter(Counting(longest=3), QueryBudget(9))
    meter.open(0)
    (answers,) = meter.ask([(0, ["aa", "aaaa", "b", "bbbbb"])])
    assert [answer is not None for answer in answers] == [True, False, True, False]
    assert meter.queries(0) == 4


def test_an_error_that_names_no_input_is_not_swallowed() -> None:
    """A model that says too long about something else is not asked for ever."""

    def broken(inputs: Sequence[Inputs]) -> list[Prediction]:
        del inputs
        raise TooLongError("too long", ["something else"])

    meter = QueryMeter(broken, QueryBudget(9))
    meter.open(0)
    with pytest.raises(TooLongError):
        meter.ask([(0, ["a"])])


@pytest.mark.parametrize(
    ("each", "total", "message"),
    [
        (0, None, "query_budget = 0: the original takes one query, and a success is asked about"),
        (2, None, "query_budget = 2: .*; give 3 or more"),
        (9, 8, "max_queries = 8 is less than one example may take"),
    ],
)
def test_a_budget_that_attacks_nothing_is_refused(
    each: int, total: int | None, message: str
) -> None:
    """Nothing would be attacked, and that is said."""
    with pytest.raises(ConfigurationError, match=message):
        QueryBudget(each, total)


EXAMPLES = [Example(str(n), f"the number {n} is dreadful", "x") for n in range(12)]


@pytest.mark.slow
@pytest.mark.parametrize("live", [1, 3, 100])
@given(total=st.integers(5, 150))
def test_the_run_keeps_to_its_budget_whatever_runs_at_once(live: int, total: int) -> None:
    """A cap on all queries skips the last examples, cuts none short, and is never exceeded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lockstep_module, "MOST_RUNNING", live)
        query = Counting()
        attack = find_attack("deepwordbug")
        budget = QueryBudget(5, total)
        results = dict(attack.run(query, EXAMPLES, seed=0, budget=budget))
    skipped = [results[place].skipped for place in range(len(EXAMPLES))]
    spent = [results[place].queries for place in range(len(EXAMPLES))]
    begun = skipped.count("")
    assert skipped == [""] * begun + [USED_UP] * (len(EXAMPLES) - begun)
    assert sum(spent) <= total
    # In their order each begins as long as it may take its full share.
    for place in range(len(EXAMPLES)):
        assert (sum(spent[:place]) + 5 <= total) == (place < begun)


def test_an_original_that_is_too_long_is_skipped() -> None:
    """A text beyond the model's window is counted, and ends no run."""
    long = Example("long", "dreadful " * 30, "x")
    results = dict(
        find_attack("deepwordbug").run(
            Counting(longest=40), [EXAMPLES[0], long], seed=0, budget=QueryBudget(20)
        )
    )
    assert [results[place].skipped for place in (0, 1)] == ["", TOO_LONG]
