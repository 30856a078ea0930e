from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pytest_ood.analysis.report import CheckError, Report, build_report
from pytest_ood.budgets import Rules
from pytest_ood.errors import OodError
from pytest_ood.evaluation import Comparison, Evaluation, Floor, ModelInfo
from pytest_ood.reports import formats
from pytest_ood.reports.tracking import Logged, log_report, prompt_hash, tracked_run
from pytest_ood.statistics import Estimate
from pytest_ood.trackers.protocol import TrackedRun

MODEL = ModelInfo(suite="tiny", name="m", source="here")
REPORT = build_report(seed=11, rules=Rules(0.05), models=[MODEL], results=[])


@dataclass
class Notebook:
    """Keeps what it is given, and raises what it is told to."""

    error: BaseException | None = None
    run: TrackedRun | None = None
    report: str = ""

    def log(self, run: TrackedRun, report: Path) -> str:
        """Keep, and raise."""
        warnings.warn("this client is old", DeprecationWarning, stacklevel=1)
        self.run, self.report = run, report.read_text()
        if self.error is not None:
            raise self.error
        return "page 1 of\nhttps://me:word@host/book"


def test_each_tracker_gets_the_run_and_its_report(tmp_path: Path) -> None:
    """The report is the file that --ood-report writes; the place is told on one line."""
    first, second = Notebook(), Notebook()
    told = log_report(REPORT, {"first": first, "second": second})
    assert told == [
        Logged(f"logged to {name}: page 1 of https://***@host/book", failed=False)
        for name in ("first", "second")
    ]
    formats.write(tmp_path / "r.json", REPORT)
    assert first.report == second.report == (tmp_path / "r.json").read_text()
    assert first.run is not None
    assert first.run.parameters["seed"] == str(json.loads(first.report)["seed"]) == "11"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("no\x1b[1m\nroom\u202e"), r"RuntimeError: no\x1b[1m room\u202e"),
        (OodError("no key"), "no key"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_a_tracker_raises_is_told_and_the_next_one_is_asked(
    error: BaseException, why: str
) -> None:
    """Nothing goes on to the run, not even Ctrl-C or an exit, and what is told is harmless."""
    last = Notebook()
    told = log_report(REPORT, {"first": Notebook(error), "last": last})
    assert told[0].failed
    assert told[0].line == f"not logged to first (verdicts and exit status stand): {why}"
    assert not told[1].failed
    assert last.run is not None


PROMPT = {"instruction": "Say it.", "template": "{text}", "label_words": {"no": "no", "yes": "yes"}}
FIGURE = Estimate(0.2, 0.1, 0.3, 50, 0.0)
FLOOR = Floor(
    suite="s", model="m", n=50, planned=50, abstained=0, score=replace(FIGURE, value=0.9),
    majority=0.5, budget=None, verdict="pass", reason="", data_hash="",
)  # fmt: skip
DROP = Evaluation(
    suite="s", kind="noise", shift="swap@3", model="m", n=50, drawn=50, planned=50, abstained=0,
    abstained_in_distribution=0, score_in_distribution=0.9, score_under_shift=0.7, drop=FIGURE,
    paired=True, budget=None, verdict="fail", reason="", shifted_set_hash="",
)  # fmt: skip
COMPARISON = Comparison(
    suite="s", kind="noise", shift="swap@3", model="m", baseline="b", n=50, drawn=50, planned=50,
    drop=0.4, baseline_drop=0.2, difference=FIGURE, margin=None, verdict="fail", reason="",
)  # fmt: skip
MEASURED = Report(
    seed=7,
    rules=Rules(0.05, "holm", 4),
    environment={"pytest-ood": "0.1.0"},
    models=(
        ModelInfo(suite="s", name="m", source="of m", parameters={"dtype": "float32", **PROMPT}),
        ModelInfo(suite="s", name="b", source="of b", parameters={"seeds": 1}),
    ),
    results=(FLOOR, DROP, replace(DROP, metric="pdr", verdict="measured"), COMPARISON),
    errors=(CheckError(check="c", message="m"),),
)


def test_a_run_has_what_decides_its_figures() -> None:
    """Seed, rules, suites, sources and the hash of a prompt are parameters, all of them text."""
    run = tracked_run(MEASURED)
    assert run.parameters == {
        "seed": "7", "alpha": "0.05", "correction": "holm", "gates": "4", "suites": "s",
        "pytest-ood": "0.1.0", "s/m/source": "of m", "s/m/paradigm": "other",
        "s/m/prompt": prompt_hash(PROMPT), "s/b/source": "of b", "s/b/paradigm": "other",
    }  # fmt: skip


def test_a_run_has_every_figure_by_the_path_of_its_check() -> None:
    """Scores, drops and differences have their intervals; verdicts are told and counted."""
    run = tracked_run(MEASURED)
    of_drop = {
        "score_in_distribution": 0.9,
        "score_under_shift": 0.7,
        "drop": 0.2,
        "n": 50.0,
        "low": 0.1,
        "high": 0.3,
    }
    of_floor = {"score": 0.9, "n": 50.0, "low": 0.1, "high": 0.3}
    of_comparison = {"difference": 0.2, "n": 50.0, "low": 0.1, "high": 0.3}
    paths = {
        "s/in-distribution/m": of_floor,
        "s/noise/swap@3/m": of_drop,
        "s/noise/swap@3/pdr/m": of_drop,
        "s/noise/swap@3/m-vs-b": of_comparison,
        "verdicts": {"pass": 1, "fail": 2, "inconclusive": 0, "invalid": 0, "measured": 1,
                     "error": 1},
    }  # fmt: skip
    assert run.metrics == {
        f"{path}/{name}": value for path, of in paths.items() for name, value in of.items()
    }
    assert all(type(value) is float for value in run.metrics.values())
    assert run.verdicts == {
        "s/in-distribution/m/verdict": "pass",
        "s/noise/swap@3/m/verdict": "fail",
        "s/noise/swap@3/pdr/m/verdict": "measured",
        "s/noise/swap@3/m-vs-b/verdict": "fail",
    }


def test_a_score_under_a_shift_has_the_path_of_its_check() -> None:
    """It is apart from the drop under the same shift."""
    score = replace(FLOOR, kind="domain", shift="pairs")
    at = "s/domain/pairs/score/m"
    run = tracked_run(replace(MEASURED, results=(*MEASURED.results, score)))
    assert run.metrics[f"{at}/score"] == 0.9
    assert run.verdicts[f"{at}/verdict"] == "pass"
    assert not any(path.startswith(at) for path in tracked_run(MEASURED).metrics)


def test_the_hash_of_a_prompt_is_of_the_prompt_alone() -> None:
    """What else a model has changes nothing; every part of the prompt does."""
    plain = prompt_hash(PROMPT)
    assert prompt_hash({**PROMPT, "device": "cuda"}) == plain
    changed = {prompt_hash({**PROMPT, key: "other"}) for key in PROMPT}
    assert len(changed | {plain}) == 1 + len(PROMPT)
