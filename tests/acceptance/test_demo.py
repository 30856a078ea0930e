"""The built-in suite on real data with the real packaged models, smaller than the demo itself."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.demo


def read(pytester: pytest.Pytester, name: str) -> dict[str, Any]:
    """Return a report."""
    found: dict[str, Any] = json.loads(pytester.path.joinpath(name).read_text())
    return found


def test_a_prompted_llm_and_a_new_roberta_are_put_side_by_side(
    pytester: pytest.Pytester, packaged: Path
) -> None:
    """The packaged LLM and a RoBERTa trained here are measured on the ICWSM data, then replayed.

    Half of the demo's training is enough to be far above chance.
    """
    built_in = resources.files("pytest_ood.suites").joinpath("sentiment.toml").read_text()
    pytester.path.joinpath("half.toml").write_text(built_in.replace("epochs = 4", "epochs = 2"))
    pytester.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = ['half.toml']")
    options = [
        "--ood-suite", f"--ood-cache={packaged}", "--ood-max-examples=60", "-k", "not vs",
        "--ood-model=smollm2", "--ood-model=roberta-small",
        "--ood-only=in-distribution", "--ood-only=tweets", "--ood-only=keyboard",
    ]  # fmt: skip
    first = pytester.runpytest_subprocess(*options, "--ood-report=first.json")
    first.stdout.fnmatch_lines(["ood: fine-tuning roberta-small on 7,600 examples: 476 steps"])
    first.stdout.fnmatch_lines(["*no pre-training, one seed*prompted, one prompt*"])
    report = read(pytester, "first.json")
    scores = {f["model"]: f["score"] for f in report["in_distribution"]}
    assert scores["smollm2"] > 0.7
    assert scores["roberta-small"] > 0.65
    drops = {(e["model"], e["shift"]): e["drop"] for e in report["evaluations"]}
    assert drops["roberta-small", "tweets"] > drops["smollm2", "tweets"]

    # Everything is in the cache now: no download, no training, no model loaded, the same report.
    second = pytester.runpytest_subprocess(*options, "--ood-offline", "--ood-report=second.json")
    second.stdout.no_fnmatch_line("ood: fine-tuning*")
    second.stdout.no_fnmatch_line("ood: unpacking*")
    assert read(pytester, "second.json") == report


def test_the_packaged_encoder_is_fine_tuned_on_own_data(
    pytester: pytest.Pytester, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no hub, MiniLM stands in for roberta-base, is fine-tuned on a user's file, and gated."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(pytester.path / "no-models"))
    rows = [
        {"text": f"{'What a lovely' if n % 2 else 'What an awful'} day number {n}",
         "label": ("bad", "good")[n % 2]}
        for n in range(160)
    ]  # fmt: skip
    for name, part in (("train.jsonl", rows[:80]), ("test.jsonl", rows[80:])):
        pytester.path.joinpath(name).write_text("\n".join(map(json.dumps, part)))
    pytester.path.joinpath("days.toml").write_text(
        "labels = ['bad', 'good']\n[in_distribution]\ndata = 'test.jsonl'\n"
        "[shifts.noise.swap]\nmax_drop = 1.0\n"
    )
    pytester.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['days.toml']\n[tool.pytest_ood.models.minilm]\n"
        "finetuned = 'auto'\ntrain = 'train.jsonl'\nepochs = 4\nlearning_rate = 1e-4\n"
    )
    result = pytester.runpytest_subprocess(
        "--ood-suite", f"--ood-cache={packaged}", "--ood-report=report.json"
    )
    result.assert_outcomes(passed=2)
    assert read(pytester, "report.json")["models"][0]["source"] == (
        "asset:minilm (roberta-base was not reachable), fine-tuned here on 80 examples"
    )
