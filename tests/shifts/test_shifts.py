from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pytest_ood.data.examples import Example
from pytest_ood.data.spans import moved_spans
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError
from pytest_ood.perturbations import composed, find, from_function, site_perturbation
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain, other_label
from pytest_ood.perturbations.filters import EditDistance
from pytest_ood.perturbations.protection import Protection
from pytest_ood.shifts import NoiseShift
from pytest_ood.tasks import OpenTask

if TYPE_CHECKING:
    from re import Match

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.perturbations import Composite, Generator
    from pytest_ood.tasks.protocol import EditsByField

LABELS = ("negative", "positive")


@site_perturbation(
    re.compile("x"), source="here", contract=Uncertain(EditDistance(0.3)), scale=(1.0,) * 5
)
def dash(letter: Match[str], rng: Random) -> str:
    """Write a dash for an x."""
    del letter, rng
    return "-"


def test_a_rejected_change_is_taken_back_and_named() -> None:
    """What the filter does not accept keeps its original input and is counted apart."""
    texts = ("abcdefghix", "xxxxxxxxab", "no such letter")
    examples = [Example(str(n), text, "positive") for n, text in enumerate(texts)]
    shifted = NoiseShift("dash", dash).apply(examples, 0)
    assert shifted.inputs == ("abcdefghi-", texts[1], texts[2])
    assert list(shifted.rejected) == [False, True, False]
    assert list(shifted.changed) == [True, False, False]


def test_an_error_of_a_perturbation_names_the_example() -> None:
    """What a perturbation of the user's gets wrong is told with the example's id."""
    change = from_function(lambda text: None if "b" in text else text, "none")  # type: ignore[arg-type, return-value] # wrong on purpose
    examples = [Example(f"id-{letter}", letter, "positive") for letter in "abc"]
    with pytest.raises(PerturbationError, match="'none': for example 'id-b' it "):
        NoiseShift("none", change).apply(examples, 0)


def test_a_filter_decides_on_each_field() -> None:
    """An example of several fields is rejected as soon as one of them is."""
    inputs = {"premise": "abcdefghix", "hypothesis": "xx"}
    shifted = NoiseShift("dash", dash).apply([Example("0", inputs, "positive")], 0)
    assert shifted.inputs == (inputs,)
    assert list(shifted.rejected) == [True]


def test_a_label_follows_the_change() -> None:
    """An example under a shift that changes labels has the label that follows on its own."""
    shift = NoiseShift("dash", dash, relabel={"positive": "negative"})
    assert shift.relabelled(Example("0", "x", "positive"), "-") == Example("0", "x", "negative")
    assert shift.relabelled(Example("0", "x", "negative"), "-") == Example("0", "x", "negative")


def doubled(example: Example, inputs: Inputs) -> str | None:
    """Answer with the number of dashes twice; where there are three nobody knows."""
    del example
    dashes = str(inputs).count("-")
    return None if dashes == 3 else str(2 * dashes)


def test_a_label_follows_from_the_example() -> None:
    """What an example becomes decides its label; further right answers were right before alone."""
    change = dash.under(Derived(doubled))
    example = Example("0", "axbx", "0", ("none",), "group")
    shift = NoiseShift("dash", change)
    shifted = shift.apply([example, replace(example, id="1", inputs="xaxx")], 0)
    assert shifted.inputs == ("a-b-", "xaxx")
    assert list(shifted.rejected) == [False, True]
    after = shift.relabelled(example, shifted.inputs[0])
    assert after == Example("0", "axbx", "4", (), "group")
    with pytest.raises(DataError, match="freeze anew"):
        shift.relabelled(example, "---")


def test_what_is_fixed_is_protected() -> None:
    """A contract may keep parts of an example, besides what the suite protects."""
    fixed = Derived(lambda example, _: example.label, lambda example: [example.inputs[:2]])  # type: ignore[list-item]
    shift = NoiseShift("dash", dash.under(fixed).keeping(Protection(patterns=("xc",))))
    shifted = shift.apply([Example("0", "xaxbxc", "0")], 0)
    assert shifted.inputs == ("xa-bxc",)


def test_the_other_of_two_labels_is_known_and_of_three_is_not() -> None:
    """With two labels a change leads to the other; with more the user has to say which."""
    contract = Changing(other_label)
    assert [contract.relabel(label, LABELS) for label in LABELS] == ["positive", "negative"]
    with pytest.raises(ConfigurationError, match="relabel = "):
        contract.relabel("negative", (*LABELS, "neutral"))


@pytest.mark.parametrize("most", [-0.1, 1.1, True, "0.2", None])
def test_a_filter_takes_a_share(most: object) -> None:
    """What is no share is refused with the filter's name and the value."""
    with pytest.raises(ConfigurationError, match=r"filter edit-distance: most = .* \[0, 1\]"):
        EditDistance(most)  # type: ignore[arg-type]


def test_severities_of_a_family_nest() -> None:
    """What a lower severity changes a higher one of the family changes too, in the same way."""
    text = "a wonderful film with a delightful beginning and a remarkable ending " * 3
    examples = [Example(str(n), f"{text}{n}", "x") for n in range(10)]
    change = find("swap")
    low, high = (
        NoiseShift(f"swap@{level}", change.at(level), family="swap", severity=level)
        for level in (1, 5)
    )
    for example, *texts in zip(
        examples, low.apply(examples, 0).inputs, high.apply(examples, 0).inputs, strict=True
    ):
        fewer, more = (
            {p for p, (a, b) in enumerate(zip(str(example.inputs), str(t), strict=True)) if a != b}
            for t in texts
        )
        assert fewer < more


def test_a_person_has_one_name_in_all_fields() -> None:
    """The question asks for whoever the passage tells of, and the answer's name stays."""
    shift = NoiseShift("names", find("change-names"))
    passage = "Michael met Sarah at noon. Sarah then told Robert."
    inputs = {"context": passage, "question": "Whom did Sarah tell?"}
    examples = [Example(str(number), inputs, "Robert") for number in range(20)]
    shifted = shift.apply(examples, 0)
    assert all(shifted.changed)
    assert not any(shifted.rejected)
    for changed in shifted.inputs:
        assert isinstance(changed, dict)
        name = changed["question"].removeprefix("Whom did ").removesuffix(" tell?")
        assert name != "Sarah"
        assert changed["context"].count(name) == 2
        assert changed["context"].endswith("then told Robert.")


def test_a_separator_inside_of_a_field_separates_nothing() -> None:
    """What separates fields that are perturbed as one text may be in a field, too."""
    shift = NoiseShift("names", find("change-names"))
    inputs = {"a": "Sarah left.\n\x1e\nTom too.", "b": "Sarah?"}
    (changed,) = shift.apply([Example("1", inputs, "x")], 0).inputs
    assert isinstance(changed, dict)
    first, _, second = changed["a"].partition(" left.\n\x1e\n")
    assert first != "Sarah"
    assert second.endswith(" too.")
    assert changed["b"] == f"{first}?"


@site_perturbation(re.compile("[ax]"), source="here")
def double(letter: Match[str], rng: Random) -> str:
    """Write two letters for an a, and a capital for an x."""
    del rng
    return "aa" if letter[0] == "a" else "X"


@dataclass(frozen=True)
class Place(OpenTask):
    """The index of a text's x."""

    moves: bool = True

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Move the index, unless the x itself is changed."""
        index = int(example.label)
        moved = moved_spans([(index, index + 1)], edits["text"])
        if moved is None or moved[0] is None or str(inputs)[moved[0][0]] != "x":
            return None
        return replace(example, inputs=inputs, label=str(moved[0][0]))


@pytest.mark.parametrize("change", [double, composed([double, double])], ids=["one", "two"])
def test_right_answers_move_with_the_edits(change: Generator | Composite) -> None:
    """An answer that is changed rejects its example; the others are where their text went."""
    examples = [Example(str(n), "a " * n + "x a", str(2 * n)) for n in range(30)]
    shift = NoiseShift("moved", change)
    shifted = shift.apply(examples, 0, task=Place())
    assert 0 < shifted.rejected.count(True) < 30
    under = shifted.examples(examples, shift.relabelled, Place(), np.arange(30))
    for before, after, inputs in zip(examples, under, shifted.inputs, strict=True):
        assert after.inputs == inputs
        assert int(after.label) == str(inputs).index("x")
        assert int(after.label) >= int(before.label)
    assert any(one.label != other.label for one, other in zip(examples, under, strict=True))
