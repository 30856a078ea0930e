from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from pytest_ood.data.edits import apply_edits
from pytest_ood.data.examples import Dataset
from pytest_ood.data.inputs import Inputs, fields_of
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations import Generator, catalogue, perturbation
from pytest_ood.perturbations import find as find_perturbation
from pytest_ood.perturbations.contracts import Uncertain
from pytest_ood.perturbations.filters import EditDistance
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.strategies import PerturbedCase, edited, keep_for_replay, perturbed

REVIEWS = [
    ("a wonderful film, from the beginning to the end", "positive"),
    ("dreadful acting and a terrible story throughout", "negative"),
    ("their delightful children steal every single scene", "positive"),
]
PHASES = set(Phase) - {Phase.explain}
"""Explaining a failure takes ten times as long as finding the least one, and is not looked at."""

THOROUGH = settings(deadline=None, max_examples=400, derandomize=True, database=None, phases=PHASES)
QUIET = settings(THOROUGH, max_examples=50)


@perturbation(source="here")
def shout(text: str, rng: Random) -> str:
    """Put every word into capitals."""
    del rng
    return text.upper()


@pytest.fixture(scope="module", params=sorted(catalogue()))
def change(request: pytest.FixtureRequest, with_models: Callable[..., Generator]) -> Generator:
    """Return each perturbation of the catalogue; where it asks a language model, a small one."""
    return with_models(catalogue()[request.param])


@settings(QUIET, max_examples=5)
@given(data=st.data(), limit=st.integers(1, 5))
def test_at_most_so_many_edits(data: st.DataObject, change: Generator, limit: int) -> None:
    """A case has one edit at least and `max_edits` at most, whatever the perturbation."""
    case = data.draw(perturbed([(change.example, "positive")], change, max_edits=limit))
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


@pytest.mark.slow
def test_any_failure_shrinks_to_one_edit(change: Generator) -> None:
    """The least case of all has a single edit of the first example."""
    text = change.example
    reviews = [(text, "positive"), (f"{text} {text}", "positive")]
    case = find(perturbed(reviews, change, max_edits=3), lambda _: True, settings=THOROUGH)
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


@pytest.mark.slow
def test_pairs_may_come_from_an_iterator() -> None:
    """Pairs are read once, so that a generator serves too."""
    strategy = perturbed(iter(REVIEWS), shout)
    for _ in range(2):
        assert find(strategy, lambda _: True, settings=THOROUGH).example.inputs == REVIEWS[0][0]


@pytest.mark.slow
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
        ("keyboard", {"max_edits": 0}, "max_edits = 0 has to be 1 or more"),
        ("keyboard", {"max_edits": -1}, "max_edits = -1 has to be 1 or more"),
        ("keyboard", {"max_edits": True}, "max_edits = True has to be 1 or more"),
        ("keyboard", {"max_edits": 1.5}, "max_edits = 1.5 has to be 1 or more"),
        ([], {}, "give one perturbation or more"),
        (["keyboard", "oc"], {}, "unknown perturbation 'oc'"),
    ],
)
def test_wrong_values_are_refused(name: Any, options: dict[str, Any], message: str) -> None:
    """What cannot work is refused when the strategy is made."""
    with pytest.raises(ConfigurationError) as caught:
        perturbed(REVIEWS, name, **options)
    assert message in str(caught.value)


def test_no_data_is_refused() -> None:
    """Without an example there is nothing to draw."""
    with pytest.raises(DataError):
        perturbed([], "keyboard")


SEVERAL = ["keyboard", shout, "add-punctuation"]


@QUIET
@given(case=perturbed(REVIEWS, SEVERAL, max_edits=4))
def test_several_perturbations_edit_one_text(case: PerturbedCase) -> None:
    """Edits of several perturbations stand in one case, none over another."""
    assert 1 <= len(case.edits) <= 4
    made = [edit for _, edit in case.edits]
    assert made == sorted(made)
    assert all(one.end <= other.start for one, other in itertools.pairwise(made))
    assert apply_edits(str(case.original), made) == case.inputs


@pytest.mark.slow
def test_several_perturbations_are_mixed() -> None:
    """There are cases with edits of two perturbations, and they shrink to one of each."""

    def mixed(case: PerturbedCase) -> bool:
        kinds = {edit.after == edit.before.upper() for _, edit in case.edits if edit.before}
        return len(kinds) == 2

    case = find(perturbed(REVIEWS, SEVERAL, max_edits=4), mixed, settings=THOROUGH)
    assert len(case.edits) == 2


@QUIET
@given(case=perturbed(REVIEWS, SEVERAL))
def test_a_case_is_shown_as_what_makes_it_again(case: PerturbedCase) -> None:
    """The representation is a call of `edited` that gives the same inputs."""
    again = eval(repr(case), {"edited": edited})  # noqa: S307 - it is made to be pasted
    assert (again.original, again.inputs, again.edits) == (case.original, case.inputs, case.edits)
    assert again.example.label == case.example.label


def test_fields_are_named_where_there_are_several() -> None:
    """An edit of named inputs says which field it is of."""
    inputs = {"premise": "one", "hypothesis": "two"}
    case = edited(inputs, "yes", ("hypothesis", 0, 1, "t", "T"))
    assert case.inputs == {"premise": "one", "hypothesis": "Two"}
    assert repr(case) == f"edited({inputs!r}, 'yes', ('hypothesis', 0, 1, 't', 'T'))"


@pytest.mark.parametrize("edit", [(0, 3, "two", "x"), ("body", 0, 3, "one", "x"), (2, 9, "e", "")])
def test_an_edit_of_another_text_is_refused(edit: Any) -> None:
    """What cannot be applied is told."""
    with pytest.raises(DataError):
        edited("one", "yes", edit)


def test_a_filter_s_rejections_are_not_drawn() -> None:
    """Under a contract with a validity filter only what it accepts is a case."""
    change = find_perturbation("keyboard").under(Uncertain(EditDistance(0.03)))

    @QUIET
    @given(case=perturbed(REVIEWS, change, max_edits=4))
    def one_character_at_most(case: PerturbedCase) -> None:
        assert len(case.edits) == 1

    one_character_at_most()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "changes"), [("negate", True), ("swap", False)])
def test_a_case_says_whether_the_label_changes(name: str, changes: bool) -> None:  # noqa: FBT001
    """An edit by a perturbation that changes labels marks the case."""
    rows = [("The film is good and the actors are great", "positive")]
    case = find(perturbed(rows, name), lambda _: True, settings=THOROUGH)
    assert case.changes_label is changes


@pytest.mark.slow
def test_edits_that_change_a_label_are_made_together() -> None:
    """Half of a negation would leave the label as it is; what takes too many edits is not drawn."""
    both = ("The film is good and the actors are great", "positive")
    case = find(perturbed([both], "negate", max_edits=2), lambda _: True, settings=THOROUGH)
    assert len(case.edits) == 2
    rows = [both, ("The film is good", "positive")]

    @QUIET
    @given(case=perturbed(rows, "negate", max_edits=1))
    def one_edit(case: PerturbedCase) -> None:
        assert case.original == "The film is good"

    one_edit()


def first_drawn(strategy: st.SearchStrategy[PerturbedCase]) -> PerturbedCase:
    """Return the case that a property test is given first."""
    seen: list[PerturbedCase] = []

    @QUIET
    @given(case=strategy)
    def look(case: PerturbedCase) -> None:
        seen.append(case)

    look()
    return seen[0]


@pytest.mark.slow
def test_a_kept_case_is_drawn_first(tmp_path: Path) -> None:
    """What is in the replay file comes before everything else, with the same edits."""
    with using(Resources(root=tmp_path)):
        strategy = perturbed(REVIEWS, "keyboard", max_edits=4)
        least = first_drawn(strategy)
        wanted = find(
            strategy, lambda c: len(c.edits) == 4 and c.example.inputs != least.original,
            settings=THOROUGH,
        )  # fmt: skip
        path = keep_for_replay(wanted)
        assert path is not None
        assert path.parent == tmp_path / ".ood" / "replay"
        assert first_drawn(perturbed(REVIEWS, "keyboard", max_edits=4)) == wanted
        for other in (
            perturbed(REVIEWS, "keyboard", max_edits=3),
            perturbed(REVIEWS, "swap", max_edits=4),
            perturbed(REVIEWS[:2], "keyboard", max_edits=4),
        ):
            assert first_drawn(other) != wanted
    with using(Resources(root=tmp_path / "elsewhere")):
        assert first_drawn(perturbed(REVIEWS, "keyboard", max_edits=4)) == least


def test_a_case_without_a_strategy_is_not_kept(tmp_path: Path) -> None:
    """What `edited` makes belongs to no replay file."""
    with using(Resources(root=tmp_path)):
        assert keep_for_replay(edited("one", "yes", (0, 1, "o", "O"))) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": 3', "\x00"])
def test_a_broken_replay_file_is_told(tmp_path: Path, content: str) -> None:
    """A file that cannot be read is named, and not passed over."""
    with using(Resources(root=tmp_path)):
        case = find(perturbed(REVIEWS, "swap"), lambda _: True, settings=QUIET)
        path = keep_for_replay(case)
        assert path is not None
        assert json.loads(path.read_text())["label"] == case.example.label
        path.write_text(content)
        with pytest.raises(DataError, match="delete it"):
            find(perturbed(REVIEWS, "swap"), lambda _: True, settings=QUIET)
