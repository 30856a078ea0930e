"""The options of multiple choice: the right answer follows every change of them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.data.options import LETTERS, options_of, read_options, write_options
from pytest_ood.errors import ConfigurationError
from pytest_ood.loading.readers import DataSource
from pytest_ood.perturbations import find
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.shifts import NoiseShift
from pytest_ood.shifts.noise import parse, parse_noise
from pytest_ood.shifts.protocol import Declaration
from pytest_ood.tasks import Classification, MultipleChoice
from pytest_ood.utils.progress import Silent
from pytest_ood.utils.tables import ConfigTable

TASK = MultipleChoice(LETTERS[:8])
WORDS = st.lists(
    st.sampled_from(
        [f"{word} {number}" for word in ("red", "big", "old") for number in range(10, 20)]
    ),
    min_size=2,
    max_size=7,
    unique=True,
)


def after(name: str, example: Example, seed: int) -> Example:
    """Return an example under a perturbation, with the answer that follows."""
    shift = NoiseShift(name, find(name))
    shifted = shift.apply([example], seed, task=TASK)
    assert not any(shifted.rejected)
    return shifted.examples([example], shift.relabelled, TASK, np.array([0]))[0]


def right(example: Example) -> str:
    """Return the text of the right option."""
    return options_of(example.inputs)[LETTERS.index(example.label)].text


@settings(deadline=None, max_examples=25)
@given(texts=WORDS, seed=st.integers(0, 2**32), data=st.data())
@pytest.mark.parametrize("name", ["shuffle-options", "option-letters", "add-option"])
def test_the_truth_follows(name: str, texts: list[str], seed: int, data: st.DataObject) -> None:
    """The right option has the same text before and after, and no other one is lost."""
    position = data.draw(st.integers(0, len(texts) - 1))
    inputs = {"question": "Which?", "options": write_options(texts)}
    example = Example("1", inputs, LETTERS[position])
    changed = after(name, example, seed)
    assert changed.inputs != example.inputs
    assert right(changed) == texts[position]
    new = [option.text for option in options_of(changed.inputs)]
    if name == "option-letters":
        assert new == texts
        assert changed.label == example.label
        assert options_of(changed.inputs)[0].mark in ("a", "1", "i")
    elif name == "shuffle-options":
        assert sorted(new) == sorted(texts)
        assert new != texts
    else:
        assert new[:-1] == texts
        assert changed.label == example.label
    assert not isinstance(changed.inputs, str)
    assert changed.inputs["question"] == "Which?"


def test_every_other_order_is_drawn_alike() -> None:
    """Of three options there are five other orders."""
    drawn = [find("shuffle-options")("A. x1\nB. y1\nC. z1", Random(seed)) for seed in range(500)]
    counts = {text: drawn.count(text) for text in set(drawn)}
    assert len(counts) == 5
    assert min(counts.values()) > 60


@pytest.mark.parametrize(
    "options",
    [
        ["Rome", "Oslo", "Both A and B"],
        ["Rome", "Oslo", "A or B"],
        ["1 and 2", "Rome", "Oslo"],
        ["The first two", "Rome", "Oslo"],
        ["None of the above", "Rome", "Oslo"],
        ["Rome", "Oslo", "Option A is right"],
    ],
)
def test_options_that_name_others_stay(options: list[str]) -> None:
    """Moved, or under other marks, they would say something else."""
    text = write_options(options)
    for name in ("shuffle-options", "option-letters"):
        assert find(name)(text, Random(0)) == text


@pytest.mark.parametrize("closing", ["None of the above", "All of these", "Both of the above"])
def test_an_option_about_all_others_stays_the_last(closing: str) -> None:
    """The others change places; no second one is added."""
    text = write_options(["Rome", "Oslo", "Bonn", closing])
    for seed in range(5):
        moved = read_options(find("shuffle-options")(text, Random(seed)))
        assert moved[-1].text == closing
    assert find("add-option")(text, Random(0)) == text


def test_options_of_other_rows_are_added(tmp_path: Path) -> None:
    """They come from a column with lists, and none that is there already, or names others."""
    rows = [{"options": ["Rome", "Oslo"]}, {"options": ["Bonn", "rome", "Both A and B"]}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    add = find("add-option").with_parameters(texts="rows.jsonl")
    with using(Resources(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())):
        added = {add("A. Rome\nB. Oslo", Random(seed)) for seed in range(20)}
        assert added == {"A. Rome\nB. Oslo\nC. Bonn"}
        assert add("1. Rome\n2. Oslo", Random(0)) == "1. Rome\n2. Oslo\n3. Bonn"


def test_labels_of_other_tasks_do_not_follow() -> None:
    """An assertion that names no task has labels that are no letters: its example is rejected."""
    shift = NoiseShift("shuffle-options", find("shuffle-options"))
    (rejected,) = shift.apply([Example("1", {"options": "A. x1\nB. y1"}, "positive")], 0).rejected
    assert rejected


def test_one_more_than_the_task_allows_is_rejected() -> None:
    """A letter that no model can answer would be no fair option."""
    example = Example("1", {"options": write_options(list("uvwxyz"))}, "A")
    shift = NoiseShift("add-option", find("add-option"))
    (rejected,) = shift.apply([example], 0, task=MultipleChoice(LETTERS[:6])).rejected
    assert rejected


@pytest.mark.parametrize(
    "name", ["keyboard", "ocr", "upper-case", "merge-words", "strip-punctuation"]
)
def test_noise_leaves_the_marks(name: str) -> None:
    """Every option has its letter afterwards, whatever happens to its words."""
    (shift,) = parse_noise(name, {"severity": 5}, "here", TASK.labels, TASK.protects)
    inputs = {"question": "A. Who?", "options": write_options(["an old city", "a big river", "it"])}
    examples = [Example(str(number), inputs, "B") for number in range(20)]
    shifted = shift.apply(examples, 0, task=TASK)
    assert not any(shifted.rejected)
    for value in shifted.inputs:
        assert [option.mark for option in options_of(value)] == ["A", "B", "C"]


def test_other_tasks_have_no_options() -> None:
    """A suite of another task names the right one in its error."""
    task = Classification(("a", "b"))
    declared = Declaration(
        "shuffle-options", ConfigTable({}, "here"), "here", task, DataSource(data="x.jsonl")
    )
    with pytest.raises(ConfigurationError, match="for the task multiple-choice; this one is"):
        parse(declared)
