"""Runs on more examples than are held: block by block, with the same figures."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data import categorical as columns
from pytest_ood.data import lazy as rows
from pytest_ood.evaluation import Result, SuiteEvaluator, from_record, to_record
from pytest_ood.evaluation.records import FLIPS_RETAINED, Evaluation
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore, NoStore, TemporaryStore
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations import find, perturbation
from pytest_ood.shifts import DomainShift, NoiseShift, WorstCase
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

LABELS = ("neg", "pos")
FRAIL = FakeModel("frail", "keyword", LABELS, {"neg": ["bad"], "pos": ["good"]})
STURDY = FakeModel("sturdy", "keyword", LABELS, {"neg": ["bad", "b-d"], "pos": ["good", "g--d"]})


@perturbation(source="here")
def smudge(text: str, rng: Random) -> str:
    """Make half of all texts unreadable in one place."""
    return text.replace("o", "-").replace("a", "-") if rng.random() < 0.5 else text


SHIFTS = (
    NoiseShift("smudge", smudge),
    NoiseShift("random-case", find("random-case")),
    DomainShift("books", DataSource(data="books.jsonl")),
    WorstCase(),
)


def run_of(folder: Path, count: int, *, sequential: bool = False, **engine: Any) -> SuiteEvaluator:
    """Make a run on so many films and as many books, whose rows have no ids."""
    for name in ("films", "books"):
        lines = [
            json.dumps({"text": f"A {('Good', 'Bad', 'odd')[n % 3]} {name} at No {n}",
                        "label": ("pos", "neg", "neg")[n % 3]})
            for n in range(count)
        ]  # fmt: skip
        folder.joinpath(f"{name}.jsonl").write_text("\n".join(lines))
    budgets = {s.name: {"accuracy": Budget(0.1, 0.05), "macro-f1": Budget(0.9)} for s in SHIFTS}
    given = {"store": FileStore(folder / "s.sqlite"), "memory": TemporaryStore(), **engine}
    return SuiteEvaluator(
        Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=DataSource(data="films.jsonl"),
            shifts=SHIFTS,
            budgets=budgets,
            min_score=0.6,
        ),
        engine=Engine(progress=Silent(), **given),
        reader=Reader(root=folder, cache=folder, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(0.05, sequential=sequential),
        max_examples=None,
    )


def results(run: SuiteEvaluator) -> list[Result]:
    """Carry out all checks."""
    found: list[Result] = [run.floor(FRAIL)]
    for shift in SHIFTS:
        found += [run.evaluate(model, shift) for model in (FRAIL, STURDY)]
        found += [run.evaluate(FRAIL, shift, "macro-f1"), run.compare(FRAIL, STURDY, shift)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("sequential", [False, True])
def test_blocks_decide_nothing(
    sequential: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Figures, verdicts, hashes and flips are the same however little is held at a time."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = results(run_of(tmp_path / "whole", 150, sequential=sequential))
    monkeypatch.setattr(rows, "BLOCK", 7)
    monkeypatch.setattr(rows, "IN_MEMORY", 100)
    monkeypatch.setattr(rows, "SORTED_AT_ONCE", 11)
    monkeypatch.setattr(columns, "AT_ONCE", 13)
    assert results(run_of(tmp_path / "parts", 150, sequential=sequential)) == whole
    again = run_of(tmp_path / "parts", 150, sequential=sequential, store=NoStore())
    assert results(again) == whole


def test_a_record_does_not_grow_with_texts(tmp_path: Path) -> None:
    """What travels between processes has a few bytes an example, and no more than some texts."""
    result = run_of(tmp_path, 600).evaluate(FRAIL, SHIFTS[0])
    assert isinstance(result, Evaluation)
    assert result.flipped > len(result.flips) == FLIPS_RETAINED
    record = json.dumps(to_record(result))
    assert record.count(" at N") == FLIPS_RETAINED
    assert len(json.dumps(to_record(result)["before"])) < 600 * 4 / 3 + 100
    assert from_record(json.loads(record)) == result


@pytest.mark.slow
def test_memory_does_not_grow_with_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example more takes less room than its text: bytes for what it was answered."""
    for module, name in ((rows, "BLOCK"), (rows, "SORTED_AT_ONCE"), (columns, "AT_ONCE")):
        monkeypatch.setattr(module, name, 250)
    monkeypatch.setattr(rows, "IN_MEMORY", 1_000)
    results(run_of(tmp_path, 300))  # what is loaded and compiled once
    peaks = []
    for count in (500, 2_000):
        for file in tmp_path.glob("s.sqlite*"):
            if file.is_file():
                file.unlink()
        gc.collect()
        tracemalloc.start()
        run = run_of(tmp_path, count)
        tracemalloc.reset_peak()
        found = results(run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert isinstance(found[1], Evaluation)
        assert found[1].drawn == count
    assert (peaks[1] - peaks[0]) / 1_500 < 300
