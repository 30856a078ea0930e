from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit
from pytest_ood.data.examples import IN_DISTRIBUTION, Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import find
from pytest_ood.perturbations.adversarial import QueryBudget
from pytest_ood.shifts import (
    AdversarialShift,
    DomainShift,
    NoiseShift,
    Shifted,
    ShiftedBlock,
    TransferShift,
)
from pytest_ood.suite.frozen import FrozenShift, FrozenSuite, freeze, read_frozen, write_frozen
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.perturbations.adversarial import Attack

EXAMPLES = tuple(Example(f"e{n}", f"a wonderful film, number {n}", "x") for n in range(8))
HERE = Dataset(IN_DISTRIBUTION, EXAMPLES)
THERE = Dataset("lamps", tuple(replace(e, id=f"l{e.id}") for e in EXAMPLES[:3]))
SWAP = NoiseShift("swap", find("swap"))


def suite(*shifts: Any) -> Suite:
    """Return a suite of these shifts."""
    return Suite(
        name="tiny",
        task=Classification(("x", "y")),
        in_distribution=HERE,
        shifts=shifts,
        budgets={s.name: {} for s in shifts},
    )


def frozen(where: str = "tiny.jsonl") -> FrozenSuite:
    """Freeze noise, of which the last example is rejected, and a domain."""
    made = SWAP.apply(EXAMPLES, 3)
    inputs = [*made.inputs[:-1], EXAMPLES[-1].inputs]
    made = Shifted.of(EXAMPLES, [ShiftedBlock(inputs, {len(EXAMPLES) - 1})])
    found = freeze(
        suite(SWAP, DomainShift("lamps", THERE)),
        3,
        {IN_DISTRIBUTION: EXAMPLES, "lamps": THERE.examples},
        {"swap": made},
        IN_DISTRIBUTION,
    )
    return replace(found, location=where)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """A file holds all there is to a frozen suite; two writes of it are equal byte for byte."""
    path = tmp_path / "tiny.jsonl"
    digest = write_frozen(path, frozen())
    first = path.read_bytes()
    assert read_frozen(path, "tiny.jsonl") == frozen()
    assert write_frozen(path, read_frozen(path, "tiny.jsonl")) == digest
    assert path.read_bytes() == first
    for line in first.decode("ascii").splitlines():
        assert isinstance(json.loads(line), dict)


def test_a_repeated_key_is_named(tmp_path: Path) -> None:
    """The head of a file, which no hash covers, is read as it stands."""
    path = tmp_path / "tiny.jsonl"
    write_frozen(path, frozen())
    path.write_text(path.read_text().replace('"seed":', '"seed": 1, "seed":', 1))
    with pytest.raises(ConfigurationError, match=r"tiny.jsonl: an object has the key 'seed' twice"):
        read_frozen(path, "tiny.jsonl")


def test_the_file_has_edits_rather_than_texts(tmp_path: Path) -> None:
    """Of a text the file has what was edited and hashes: the data stay where they are."""
    path = tmp_path / "tiny.jsonl"
    write_frozen(path, frozen())
    assert "a wonderful film" not in path.read_text()
    assert "film, number" not in path.read_text()


def test_a_frozen_shift_is_replayed() -> None:
    """The same examples get the same texts, in any order, and rejections stay."""
    wanted = SWAP.apply(EXAMPLES, 3).inputs
    again = frozen().shifted(SWAP, EXAMPLES[::-1])
    assert again.inputs[1:] == wanted[-2::-1]
    assert again.inputs[0] == EXAMPLES[-1].inputs
    assert list(again.rejected) == [True, *([False] * 7)]


@given(st.permutations(EXAMPLES), st.integers(0, 3))
def test_the_draw_is_that_of_the_file(order: list[Example], more: int) -> None:
    """The frozen examples come in the frozen order, whatever else there is by now."""
    extra = tuple(Example(f"new{n}", "new", "x") for n in range(more))
    drawn = frozen().drawn(IN_DISTRIBUTION, Dataset("data", (*order, *extra)))
    assert drawn.examples == EXAMPLES


def test_other_data_are_named() -> None:
    """Examples that are gone, or have another text or label, are named by their ids."""
    gone = Dataset("data", EXAMPLES[2:])
    with pytest.raises(DataError, match=r"in-distribution .*: 2 of 8 examples are gone \(e0, e1\)"):
        frozen().drawn(IN_DISTRIBUTION, gone)
    other = (replace(EXAMPLES[0], label="y"), replace(EXAMPLES[1], inputs="?"), *EXAMPLES[2:])
    with pytest.raises(DataError, match=r"2 of 8 examples have changed \(e0, e1\)\. Bring the"):
        frozen().drawn(IN_DISTRIBUTION, Dataset("data", other))
    with pytest.raises(
        DataError, match=r"gone \(e1, e2, e3, e4, e5, \.\.\.\) and 1 of 8 examples h"
    ):
        frozen().drawn(IN_DISTRIBUTION, Dataset("data", other[:1]))


def test_nothing_is_noted_where_nothing_has_changed(attack: Attack) -> None:
    """A suite as it was frozen has no notes; attacks on each model itself are not frozen."""
    assert frozen().notes(suite(SWAP, DomainShift("lamps", THERE))) == []
    assert frozen().notes(suite(SWAP, AdversarialShift("attack", attack, QueryBudget(3)))) == []


@pytest.fixture
def attack() -> Attack:
    """Return an attack of the catalogue."""
    from pytest_ood.perturbations.adversarial import find_attack

    return find_attack("greedy-characters")


def test_what_has_changed_is_noted() -> None:
    """Another version or parameter, a shift that is new and one that is gone are each named."""
    old = replace(find("swap"), version=1)
    before = replace(
        frozen(),
        shifts={
            "swap": FrozenShift(perturbation=old.fingerprint, edits={}),
            "ocr": FrozenShift(perturbation="ocr@1()", edits={}),
        },
    )
    books = DomainShift("books", THERE)
    keyboard = NoiseShift("keyboard", find("keyboard"))
    assert before.notes(suite(SWAP, books, keyboard)) == [
        "tiny/noise/swap: the texts are those that swap@1(share=0.15) made when tiny.jsonl was "
        f"frozen; the suite now names swap@{find('swap').version}(share=0.15)",
        "tiny/domain/books is not in tiny.jsonl: drawn anew",
        "tiny/noise/keyboard is not in tiny.jsonl: perturbed anew",
        "tiny.jsonl has ocr, which the suite lacks",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"e3"', '"e9"', 1), "its content is not what was written"),
        (lambda text: text[:-20], "its content is not what was written"),
        (lambda text: text.replace('"version": 1', '"version": 2'), "version 2; known is"),
        (lambda text: text.replace("frozen suite", "other"), "its format is 'pytest-ood other'"),
        (lambda _: "", "frozen suite f.jsonl cannot be read"),
        (lambda _: "[]\n", "frozen suite f.jsonl cannot be read"),
        (lambda _: "\ud800", "frozen suite f.jsonl cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused(change: Any, message: str, tmp_path: Path) -> None:
    """What was edited, cut off or is something else is told, never replayed."""
    path = tmp_path / "f.jsonl"
    write_frozen(path, frozen())
    path.write_bytes(change(path.read_text()).encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigurationError, match=message):
        read_frozen(path, "f.jsonl")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere is a usage error."""
    with pytest.raises(ConfigurationError, match=r"frozen suite no\.jsonl cannot be read"):
        read_frozen(tmp_path / "no.jsonl", "no.jsonl")


def test_fields_are_replayed_apart() -> None:
    """Of named fields each has its own edits."""
    example = Example("n", {"premise": "one", "hypothesis": "two"}, "x")
    edits = {("n", "hypothesis"): (Edit(0, 1, "t", "T"),)}
    suite_ = replace(frozen(), shifts={"swap": FrozenShift(perturbation="", edits=edits)})
    (inputs,) = suite_.shifted(SWAP, [example]).inputs
    assert inputs == {"premise": "one", "hypothesis": "Two"}


def test_adversarial_examples_against_a_surrogate_are_frozen(
    attack: Attack, tmp_path: Path
) -> None:
    """What turned a surrogate comes back from the file; another attack is noted."""
    shift = TransferShift("replayed", attack, QueryBudget(9), "other")
    turned = replace(EXAMPLES[0], inputs="a wonderfl film, number 0")
    made = Shifted.of(EXAMPLES, [ShiftedBlock([turned.inputs, *(e.inputs for e in EXAMPLES[1:])])])
    data = {IN_DISTRIBUTION: EXAMPLES}
    found = freeze(suite(shift), 3, data, {"replayed": made}, IN_DISTRIBUTION)
    write_frozen(tmp_path / "f.jsonl", found)
    back = read_frozen(tmp_path / "f.jsonl", "f.jsonl")
    assert back.shifted(shift, EXAMPLES) == made
    made_by = f"{attack.fingerprint} against other, 9 queries for one of all examples"
    assert back.shifts["replayed"].perturbation == made_by
    assert back.notes(suite(shift)) == []
    (note,) = back.notes(suite(replace(shift, surrogate="another")))
    assert f"the suite now names {attack.fingerprint} against another" in note
