from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import DataError
from pytest_ood.loading.cases import (
    CANNOT_FAIL,
    NO_SCORES,
    AllRight,
    Avoiding,
    Case,
    Changed,
    Expectation,
    Finding,
    Invariant,
    Monotonic,
    best_constant,
    cases_of,
    contrast_sets,
    members_of,
    parse_expectation,
    path_of,
)
from pytest_ood.tasks import Classification, Prediction, decide

TASK = Classification(("neg", "pos"))


def said(*answers: str | float | None) -> list[Prediction]:
    """Return answers: labels, abstentions, or probabilities of "pos"."""
    return [
        decide({"neg": 1.0 - a, "pos": a}) if isinstance(a, float) else Prediction(a)
        for a in answers
    ]


def finding(expectation: Expectation, *answers: str | float | None, labels: str = "") -> Finding:
    """Return what answers come to; of inputs with these labels, by their first letters."""
    known = {"p": "pos", "n": "neg"}
    wanted = [known[one] for one in labels] or [""] * len(answers)
    scores = [float(answer == label) for answer, label in zip(answers, wanted, strict=True)]
    return expectation.find(said(*answers), scores)


def test_a_set_is_right_where_every_answer_is() -> None:
    """The first wrong answer decides; an abstention is wrong."""
    assert finding(AllRight(), "pos", "neg", labels="pn").holds
    assert finding(AllRight(), "pos", "pos", "neg", labels="pnp") == Finding(holds=False, index=1)
    assert finding(AllRight(), "pos", None, labels="pn") == Finding(holds=False, index=1)


def test_any_answer_but_one() -> None:
    """Not negative is anything else, but an abstention is not."""
    assert finding(Avoiding("neg"), "pos", "neutral").holds
    assert finding(Avoiding("neg"), "pos", "neg") == Finding(holds=False, index=1)
    assert not finding(Avoiding("neg"), None).holds


def test_an_invariance_compares_with_the_first_answer() -> None:
    """By labels alone where there are no probabilities; abstaining throughout is no invariance."""
    assert finding(Invariant(), "pos", "pos", "pos").holds
    assert finding(Invariant(), "pos", "pos", "neg") == Finding(holds=False, index=2, against=0)
    assert not finding(Invariant(), None, None).holds
    assert not finding(Invariant(), "pos", None).holds


@pytest.mark.parametrize(
    ("before", "after", "tolerance", "holds"),
    [(0.54, 0.44, 0.1, True), (0.54, 0.4399, 0.1, False), (0.54, 0.49, 0.0, False),
     (0.6, 0.99, 0.0, True)],
)  # fmt: skip
def test_an_invariance_lets_small_moves_of_the_probability_pass(
    before: float, after: float, tolerance: float, *, holds: bool
) -> None:
    """Another answer counts where the first one's probability moved by more than the tolerance."""
    assert finding(Invariant(tolerance), before, after).holds is holds


def test_an_answer_that_has_to_change() -> None:
    """Every input after the first has to get another answer than it."""
    assert finding(Changed(), "pos", "neg", "neg").holds
    assert finding(Changed(), "pos", "neg", "pos") == Finding(holds=False, index=2, against=0)
    assert not finding(Changed(), "pos", None).holds
    assert not finding(Changed(), None, "pos").holds


@pytest.mark.parametrize(
    ("expectation", "answers", "holds"),
    [
        (Monotonic(label="pos", falls=True), (0.6, 0.5), True),
        (Monotonic(label="pos", falls=True), (0.6, 0.4999), False),
        (Monotonic(label="pos", falls=False), (0.6, 0.7), True),
        (Monotonic(label="pos", falls=False), (0.6, 0.7001), False),
        (Monotonic(label="neg", falls=False), (0.6, 0.4), False),
        (Monotonic(label=None, falls=True), (0.4, 0.6), False),
        (Monotonic(label="pos", falls=True, tolerance=0.0), (0.6, 0.7, 0.65), True),
        (Monotonic(label="pos", falls=True, tolerance=0.0, steps=True), (0.6, 0.7, 0.65), False),
    ],
)
def test_a_probability_that_must_not_move_one_way(
    expectation: Monotonic, answers: tuple[float, ...], *, holds: bool
) -> None:
    """From the first input, or from step to step; to four decimals, as answers have them."""
    assert finding(expectation, *answers).holds is holds


def test_a_step_is_told_with_the_one_before() -> None:
    """The report shows the two inputs between which the probability fell."""
    steps = Monotonic(label="pos", falls=True, tolerance=0.0, steps=True)
    assert finding(steps, 0.6, 0.7, 0.65) == Finding(holds=False, index=2, against=1)


def test_a_probability_that_nobody_gives_is_no_pass() -> None:
    """Without probabilities a directional test does not apply; an abstention still fails it."""
    assert finding(Monotonic(label="pos", falls=True), "pos", "pos") == Finding(
        holds=None, why=NO_SCORES
    )
    assert finding(Monotonic(label="pos", falls=True), "pos", None) == Finding(holds=False, index=1)


def test_what_cannot_fail_is_no_test() -> None:
    """A probability of 0.1 cannot fall by more than 0.1, nor one of 0.9 rise by more."""
    assert finding(Monotonic(label="pos", falls=True), 0.1, 0.0) == Finding(
        holds=None, why=CANNOT_FAIL
    )
    assert finding(Monotonic(label="pos", falls=False), 0.9, 1.0) == Finding(
        holds=None, why=CANNOT_FAIL
    )
    assert finding(Monotonic(label="pos", falls=True), 0.1001, 0.0).holds is False


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"not": "neg"}, Avoiding("neg")),
        ({"not": 0}, Avoiding("0")),
        ({"same": True}, Invariant(0.2)),
        ({"same": True, "tolerance": 0}, Invariant(0.0)),
        ({"changed": True}, Changed()),
        ({"not_down": "pos"}, Monotonic(label="pos", falls=True, tolerance=0.2)),
        ({"not_up": True, "steps": True, "tolerance": 0.05},
         Monotonic(label=None, falls=False, tolerance=0.05, steps=True)),
    ],
)  # fmt: skip
def test_expectations_are_written_as_tables(table: dict[str, Any], expected: Expectation) -> None:
    """The tolerance is the given one where the table has none."""
    assert parse_expectation(table, 0.2) == expected


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("neg", "give a table with one of changed, not, not_down, not_up, same"),
        ({}, "give a table with one of"),
        ({"not": "neg", "same": True}, "give a table with one of"),
        ({"same": False}, "same = False is not true"),
        ({"not": True}, "not = True is not a label"),
        ({"not_up": 0.5}, "not_up = 0.5 is not a label, or true"),
        ({"changed": True, "tolerance": 0.1}, "unknown key 'tolerance'"),
        ({"not_up": "pos", "steps": "yes"}, "steps = 'yes' is neither true nor false"),
        ({"same": True, "tolerance": 1}, "tolerance = 1 is not a share"),
    ],
)
def test_wrong_expectations_say_what_is_allowed(table: Any, message: str) -> None:
    """What was given, and what is right."""
    with pytest.raises(DataError, match=message):
        parse_expectation(table)


ANSWERS = st.lists(st.sampled_from(["pos", "neg", None]), min_size=1, max_size=12)
GROUPS = st.lists(
    st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["pos", "neg"])),
    min_size=1, max_size=12,
)  # fmt: skip


def scored(dataset: Dataset, answers: dict[str, str | None]) -> dict[str, bool]:
    """Return which sets hold, by their ids."""
    found = {}
    for case in contrast_sets(dataset):
        assert isinstance(case, Case)
        given = [Prediction(answers[member.id]) for member in case.members]
        scores = [TASK.score(a, m) for a, m in zip(given, case.members, strict=True)]
        found[case.id] = case.expectation.find(given, scores).holds is True
    return found


@given(rows=GROUPS, answers=st.data(), seed=st.integers(0, 9))
def test_the_order_of_examples_changes_no_set(
    rows: list[tuple[str, str]], answers: st.DataObject, seed: int
) -> None:
    """Sets, their content and their scores are the same whatever the order of the rows."""
    examples = [Example(f"e{n}", f"text {n}", label, group=g) for n, (g, label) in enumerate(rows)]
    given = {e.id: answers.draw(st.sampled_from(["pos", "neg", None])) for e in examples}
    mixed = Random(seed).sample(examples, len(examples))
    first, second = Dataset("d", tuple(examples)), Dataset("d", tuple(mixed))
    assert scored(first, given) == scored(second, given)
    assert contrast_sets(first).content_hash == contrast_sets(second).content_hash


@given(answers=ANSWERS)
def test_sets_of_one_are_plain_accuracy(answers: list[str | None]) -> None:
    """Each group has one example: a set is right where its example is."""
    examples = tuple(
        Example(f"e{n}", f"text {n}", "pos", group=f"g{n}" if n % 2 else "")
        for n in range(len(answers))
    )
    given = {e.id: answer for e, answer in zip(examples, answers, strict=True)}
    found = scored(Dataset("d", examples), given)
    assert sum(found.values()) == sum(answer == "pos" for answer in answers)


def test_a_group_and_an_example_of_the_same_name_are_two_sets() -> None:
    """An ungrouped example is never taken into a group that is called like it."""
    examples = (Example("a", "one", "pos"), Example("b", "two", "pos", group="a"))
    with pytest.raises(DataError, match="2 rows have the id 'a'"):
        contrast_sets(Dataset("d", examples))


def test_cases_show_all_of_their_inputs() -> None:
    """Inputs are named fields of the case, which is known by them; members are what is asked."""
    pairs = [({"premise": "A.", "hypothesis": "B."}, "pos"), ({"premise": "A.", "hypothesis": "C."},
             "neg")]  # fmt: skip
    (case,) = cases_of("d", [pairs], AllRight())
    assert isinstance(case, Case)
    assert case.inputs == {
        "1 premise": "A.", "1 hypothesis": "B.", "2 premise": "A.", "2 hypothesis": "C."
    }  # fmt: skip
    assert case.label == "pos | neg"
    assert [member.inputs for member in members_of([case])] == [inputs for inputs, _ in pairs]
    assert list(members_of([Example("e", "text", "pos")])) == [Example("e", "text", "pos")]


def test_where_examples_stand_in_a_breakdown() -> None:
    """By their group; a case by capability and test."""
    assert path_of(Example("e", "text", "pos", group="g")) == ("g",)
    assert path_of(Example("e", "text", "pos")) == ()
    case = Case.of("c", [Example("e", "text", "pos")], AllRight(), ("Negation", "not good (MFT)"))
    assert path_of(case) == ("Negation", "not good (MFT)")


def test_a_comparison_needs_two_inputs() -> None:
    """One text alone cannot be invariant."""
    with pytest.raises(DataError, match="case 2 has 1 inputs; 2 are the least for INV"):
        cases_of("d", [[("a", ""), ("b", "")], [("c", "")]], Invariant())


def test_what_always_answering_the_same_scores() -> None:
    """Nothing of contrast sets with both labels, all of an invariance, nothing of a change."""
    both, single = [("a", "pos"), ("b", "neg")], [("c", "pos")]
    cases = [c for c in cases_of("d", [both, single, single], AllRight()) if isinstance(c, Case)]
    assert best_constant(cases, TASK) == pytest.approx(2 / 3)
    for expectation, share in ((Invariant(), 1.0), (Changed(), 0.0),
                               (Monotonic(label="pos", falls=True), 0.0)):  # fmt: skip
        found = [c for c in cases_of("d", [both], expectation) if isinstance(c, Case)]
        assert best_constant(found, TASK) == share
