from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from pytest_ood.edits import apply_edits
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.examples import Dataset, Inputs, fields_of
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations import catalogue, perturbation
from pytest_ood.strategies import PerturbedCase, perturbed

REVIEWS = [
    ("a wonderful film, from the beginning to the end", "positive"),
    ("dreadful acting and a terrible story throughout", "negative"),
    ("their delightful children steal every single scene", "positive"),
]
THOROUGH = settings(deadline=None, max_examples=400, derandomize=True, database=None)
QUIET = settings(deadline=None, max_examples=50, derandomize=True, database=None)


@perturbation(source="here")
def shout(text: str, rng: Random) -> str:
    """Put every word into capitals."""
    del rng
    return text.upper()


@QUIET
@given(data=st.data(), name=st.sampled_from(sorted(catalogue())), limit=st.integers(1, 5))
def test_at_most_so_many_edits(data: st.DataObject, name: str, limit: int) -> None:
    """A case has one edit at least and `max_edits` at most, whatever the perturbation."""
    case = data.draw(perturbed(REVIEWS, name, max_edits=limit))
    assert 1 <= len(case.edits) <= limit


@QUIET
@given(case=perturbed(REVIEWS, "keyboard"))
def test_the_edits_make_the_inputs(case: PerturbedCase) -> None:
    """The inputs are the original with the edits applied, and differ from it."""
    assert case.original == case.example.inputs
    assert (case.example.inputs, case.example.label) in REVIEWS
    assert all(field == "text" for field, _ in case.edits)
    assert isinstance(case.original, str)
    assert apply_edits(case.original, [edit for _, edit in case.edits]) == case.inputs
    assert case.inputs != case.original


@QUIET
@given(data=st.data())
def test_fields_are_edited_apart(data: st.DataObject) -> None:
    """Of named fields each edit names its own; together they make the inputs."""
    pairs: list[tuple[Inputs, str]] = [({"premise": "one two", "hypothesis": "three"}, "yes")]
    case = data.draw(perturbed(pairs, shout, max_edits=2))
    for name, text in fields_of(case.original).items():
        edits = [edit for field, edit in case.edits if field == name]
        assert fields_of(case.inputs)[name] == apply_edits(text, edits)
    assert list(fields_of(case.inputs)) == ["premise", "hypothesis"]


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_any_failure_shrinks_to_one_edit(name: str) -> None:
    """The least case of all has a single edit of the first example."""
    text = catalogue()[name].example
    reviews = [(text, "positive"), (f"{text} {text}", "positive")]
    case = find(perturbed(reviews, name, max_edits=5), lambda _: True, settings=THOROUGH)
    assert len(case.edits) == 1
    assert case.example.inputs == reviews[0][0]


def test_a_failure_shrinks_to_the_edit_that_matters() -> None:
    """A model that hangs on one word is shown that word's edit alone."""
    model = FakeModel("fake", "keyword", ("positive", "negative"), {"positive": ["delightful"]})

    def fails(case: PerturbedCase) -> bool:
        before, after = model.predict([case.original, case.inputs])
        return before.label == "positive" and after.label != "positive"

    case = find(perturbed(REVIEWS, "keyboard", max_edits=4), fails, settings=QUIET)
    ((field, edit),) = case.edits
    assert (field, edit.before) == ("text", "delightful")


def test_two_edits_are_kept_where_both_matter() -> None:
    """Shrinking stops where fewer edits would no longer fail."""
    strategy = perturbed(REVIEWS, shout, max_edits=4)
    case = find(strategy, lambda case: str(case.inputs).count("E") >= 3, settings=QUIET)
    assert 1 <= len(case.edits) <= 3
    for number in range(len(case.edits)):
        fewer = [edit for place, (_, edit) in enumerate(case.edits) if place != number]
        assert apply_edits(str(case.original), fewer).count("E") < 3


def test_a_failing_property_reports_the_least_case() -> None:
    """Under `@given` a property that no case holds fails with a case of one edit."""
    seen: list[PerturbedCase] = []

    @QUIET
    @given(case=perturbed(REVIEWS, "swap", max_edits=3))
    def invariant(case: PerturbedCase) -> None:
        seen.append(case)
        raise AssertionError

    with pytest.raises(AssertionError):
        invariant()
    assert len(seen[-1].edits) == 1


@QUIET
@given(case=perturbed(Dataset.from_pairs("reviews", REVIEWS), shout, max_edits=1))
def test_a_data_set_is_drawn_from(case: PerturbedCase) -> None:
    """A data set serves like pairs do, and its ids are kept."""
    assert case.example in Dataset.from_pairs("reviews", REVIEWS).examples


def test_pairs_may_come_from_an_iterator() -> None:
    """Pairs are read once, so that a generator serves too."""
    strategy = perturbed(iter(REVIEWS), shout)
    for _ in range(2):
        assert find(strategy, lambda _: True, settings=THOROUGH).example.inputs == REVIEWS[0][0]


def test_an_example_without_edits_is_never_drawn() -> None:
    """Texts in which nothing can be changed are passed over."""
    rows = [("...", "positive"), ("film", "negative")]
    case = find(perturbed(rows, shout), lambda _: True, settings=THOROUGH)
    assert case.inputs == "FILM"
    with pytest.raises(Unsatisfiable):
        find(perturbed(rows[:1], shout), lambda _: True, settings=THOROUGH)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("keybord", {}, "unknown perturbation 'keybord'. Did you mean 'keyboard'"),
        ("keyboard", {"max_edits": 0}, "max_edits = 0 is 1 or more"),
        ("keyboard", {"max_edits": -1}, "max_edits = -1 is 1 or more"),
    ],
)
def test_wrong_values_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    """What cannot work is refused when the strategy is made."""
    with pytest.raises(ConfigurationError) as caught:
        perturbed(REVIEWS, name, **options)
    assert message in str(caught.value)


def test_no_data_is_refused() -> None:
    """Without an example there is nothing to draw."""
    with pytest.raises(DataError):
        perturbed([], "keyboard")
