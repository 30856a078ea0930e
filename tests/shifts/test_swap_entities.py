from __future__ import annotations

from random import Random

import pytest

from pytest_ood.data.edits import apply_in_order
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.loading.readers import DataSource
from pytest_ood.shifts import Declaration, parse_shift
from pytest_ood.shifts.swap_entities import EntitySwap, pools_of, swapped
from pytest_ood.tasks import NumericAnswer, Task
from pytest_ood.tasks.named_entities import NamedEntities, entities_of

TASK = NamedEntities(("PER", "LOC"))


def example(number: int, text: str, *names: tuple[str, str]) -> Example:
    """Return an example with names that occur once or more."""
    spans = [
        [start, start + len(name), label]
        for name, label in names
        for start in range(len(text))
        if text.startswith(name, start)
    ]
    return Example(str(number), text, TASK.encode(spans, text))


DATA = Dataset(
    "data",
    (
        example(0, "Ann met Bo. Ann left Rome.", ("Ann", "PER"), ("Bo", "PER"), ("Rome", "LOC")),
        example(1, "Cleo is in Oslo.", ("Cleo", "PER"), ("Oslo", "LOC")),
        example(2, "Nothing."),
    ),
)


def declared(table: dict[str, object], task: Task = TASK, name: str = "names") -> Declaration:
    """Return the table of a noise shift."""
    return Declaration(name, table, f"shifts.noise.{name}", task, DataSource(data="d"))


def test_names_become_others_of_their_kind() -> None:
    """Equal names become equal ones, and the truth follows."""
    pools = pools_of(DATA.examples)
    assert pools == {"PER": ["Ann", "Bo", "Cleo"], "LOC": ["Oslo", "Rome"]}
    first = DATA.examples[0]
    text = str(first.inputs)
    edits = swapped(first, pools, 1.0, Random(1))
    after = apply_in_order(text, edits)
    moved = TASK.moved(first, after, {"text": edits})
    assert moved is not None
    found = entities_of(moved.label)
    assert [e.label for e in found] == ["PER", "PER", "PER", "LOC"]
    assert found[0].text == found[2].text != "Ann"
    assert all(e.text in pools[e.label] for e in found)
    assert found[3].text == "Oslo"
    assert swapped(DATA.examples[2], pools, 1.0, Random(1)) == ()


def test_a_lower_severity_swaps_fewer() -> None:
    """At least one of a text, and a name without others of its kind stays."""
    pools = pools_of(DATA.examples)
    few = swapped(DATA.examples[0], pools, 0.2, Random(1))
    assert len({edit.before for edit in few}) == 1
    alone = pools_of(DATA.examples[1:])
    assert swapped(DATA.examples[1], alone, 1.0, Random(1)) == ()


@pytest.mark.parametrize(
    ("table", "name", "severity"),
    [({}, "swap-entities", 5), ({"perturbation": "swap-entities", "severity": 2}, "names", 2)],
)
def test_a_noise_shift_declares_it(table: dict[str, object], name: str, severity: int) -> None:
    """By its name, or by its perturbation."""
    assert parse_shift("noise", declared(table, name=name)) == (EntitySwap(name, severity),)


@pytest.mark.parametrize(
    ("table", "task", "message"),
    [
        ({}, NumericAnswer(), "the task numeric has none; `task` would be ner"),
        ({"severity": "all"}, TASK, "it is a whole number from 1 to 5"),
        ({"severity": 6}, TASK, "severity = 6"),
        ({"protect": []}, TASK, "unknown key 'protect'"),
    ],
)
def test_what_it_does_not_take(table: dict[str, object], task: Task, message: str) -> None:
    """A task without entities, and keys of other noise."""
    with pytest.raises(ConfigurationError, match=message):
        parse_shift("noise", declared({"perturbation": "swap-entities", **table}, task))
