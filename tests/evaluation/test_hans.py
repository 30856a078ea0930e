"""HANS by cell, against the published accuracies of a hundred BERTs.

McCoy et al. 2020, BERTs of a feather do not generalize together: their table by run.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_ood.budgets import Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.models.replay import ReplayModel
from pytest_ood.shifts import DomainShift
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction, merged_task
from pytest_ood.utils.progress import Silent

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "hans"
YES, NO = "entailment", "non-entailment"
TASK = Classification(("entailment", "neutral", "contradiction"))
MERGE = {"neutral": NO, "contradiction": NO}
"""HANS does not tell these apart."""

EACH = 1000
"""Pairs of each subcase in the published set: pair N is of subcase N // 1000."""

CELLS = {
    "lexical_overlap, entailment": "Lexical (entailed)",
    "subsequence, entailment": "Subseq (entailed)",
    "constituent, entailment": "Constituent (entailed)",
    "lexical_overlap, non-entailment": "Lexical (nonent)",
    "subsequence, non-entailment": "Subseq (nonent)",
    "constituent, non-entailment": "Constituent (nonent)",
}
"""The cells by the columns of the table."""

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the HANS files do not lie beside the repository"
)


def subcases() -> dict[str, tuple[str, str]]:
    """Return heuristic and label of each subcase, in the order of the generator."""
    with SHARED.joinpath("hans_generated.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["subcase"]: (row["heuristic"], row["gold_label"]) for row in rows}


def published() -> Iterator[Mapping[str, str]]:
    """Yield the rows of the hundred runs."""
    path = SHARED / "berts_of_a_feather_accuracies_by_run.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["Run"].startswith("Run "))


def pairs() -> Dataset:
    """Return the pairs of the published set, without their texts, by heuristic and label."""
    return Dataset("hans", tuple(
        Example(f"ex{place * EACH + n}", f"{name} {n}", label, group=f"{heuristic}, {label}")
        for place, (name, (heuristic, label)) in enumerate(subcases().items())
        for n in range(EACH)
    ))  # fmt: skip


def cells(answers: Mapping[str, str]) -> dict[str, float]:
    """Return what recorded answers score in each cell, as a run tells it."""
    known = Dataset(
        "known", tuple(Example(f"k{n}", f"k {n}", TASK.labels[n % 3]) for n in range(60))
    )
    shift = DomainShift("hans", pairs(), merge=MERGE)
    suite = Suite(
        name="nli", task=TASK, in_distribution=known, shifts=(shift,), budgets={"hans": {}}
    )
    recorded = {("in-distribution", e.id): Prediction(e.label) for e in known}
    recorded |= {("hans", key): Prediction(answer) for key, answer in answers.items()}
    run = SuiteEvaluator(
        suite,
        engine=Engine(MemoryStore(), Silent()),
        seed=0,
        rules=Rules(0.05),
        reader=Reader(root=SHARED, cache=SHARED, offline=True, progress=Silent()),
        max_examples=None,
    )
    result = run.evaluate(ReplayModel("bert", recorded, "here"), shift)
    assert {cell.n for cell in result.breakdown} == {5 * EACH}
    return {cell.group: cell.score.value for cell in result.breakdown}


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 99])
def test_the_cells_of_a_run_are_the_published_ones(number: int) -> None:
    """Answers that are right as often as the table says of each subcase give the table's cells."""
    row = next(row for row in published() if row["Run"] == f"Run {number}")
    right, wrong = {YES: YES, NO: "neutral"}, {YES: "contradiction", NO: YES}
    answers = {}
    for place, (name, (_, label)) in enumerate(subcases().items()):
        count = round(float(row[name]) * EACH)
        for n in range(EACH):
            answers[f"ex{place * EACH + n}"] = (right if n < count else wrong)[label]
    found = cells(answers)
    assert found == {cell: pytest.approx(float(row[name])) for cell, name in CELLS.items()}


@pytest.mark.slow
def test_the_published_answers_of_a_bert_are_counted_by_cell() -> None:
    """What it calls neutral or a contradiction is no entailment; it is none of the hundred runs."""
    lines = SHARED.joinpath("bert_preds.txt").read_text(encoding="utf-8").splitlines()[1:]
    answers = dict(line.split(",") for line in lines)
    rates = {}
    counted = dict.fromkeys(CELLS, 0)
    for place, (name, (heuristic, label)) in enumerate(subcases().items()):
        own = [answers[f"ex{place * EACH + n}"] for n in range(EACH)]
        right = sum((answer == YES) == (label == YES) for answer in own)
        rates[name] = right / EACH
        counted[f"{heuristic}, {label}"] += right
    found = cells(answers)
    assert found == {cell: pytest.approx(right / (5 * EACH)) for cell, right in counted.items()}
    assert found == pytest.approx(
        {
            "lexical_overlap, entailment": 0.9464, "subsequence, entailment": 0.9932,
            "constituent, entailment": 0.9844, "lexical_overlap, non-entailment": 0.164,
            "subsequence, non-entailment": 0.0386, "constituent, non-entailment": 0.1612,
        }
    )  # fmt: skip
    assert not any(
        all(abs(float(row[name]) - rate) < 0.5 / EACH for name, rate in rates.items())
        for row in published()
    )


def test_the_file_has_its_cells_in_two_columns() -> None:
    """Read as a suite reads it: 225 pairs for each heuristic and label."""
    source = DataSource(
        data="hans_generated.tsv",
        fields=("sentence1", "sentence2"),
        label="gold_label",
        id="pairID",
        group=("heuristic", "gold_label"),
    )
    reader = Reader(root=SHARED, cache=SHARED, offline=True, progress=Silent())
    groups = [example.group for example in reader.load(source, "hans", merged_task(TASK, MERGE))]
    assert {group: groups.count(group) for group in groups} == dict.fromkeys(CELLS, 225)
