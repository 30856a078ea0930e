"""Ctrl-C in the middle of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's"),
    pytest.mark.usefixtures("interruptible"),
]

MODEL = """
import os, signal
from pathlib import Path

def answer(texts):
    with open("calls.txt", "a") as calls:
        calls.writelines(f"{text}\\n" for text in texts)
    if not Path("went-on").exists() and len(Path("calls.txt").read_text().splitlines()) > 700:
        Path("went-on").touch()
        os.kill(os.getpid(), signal.SIGINT)
    return ["negative" if "terrible" in text else "positive" for text in texts]
"""
PROJECT = """
[tool.pytest_ood]
suites = ["reviews.toml"]
sequential = false
[tool.pytest_ood.models.counted]
callable = "counted:answer"
fingerprint = "1"
"""
OPTIONS = ("--ood-suite", "--ood-only=noise", "--ood-only=domain", "--ood-report=report.json")


def asked(folder: Path) -> list[str]:
    """Return every text that the model was asked about, in order."""
    return folder.joinpath("calls.txt").read_text().splitlines()


@pytest.fixture
def interrupted(project: pytest.Pytester) -> pytest.RunResult:
    """Run a suite whose model presses Ctrl-C once it was asked about more than 700 texts."""
    project.path.joinpath("counted.py").write_text(MODEL)
    project.path.joinpath("pyproject.toml").write_text(PROJECT)
    return project.runpytest_subprocess(*OPTIONS)


def test_an_interrupted_run_says_how_far_it_got_and_how_to_go_on(
    project: pytest.Pytester, interrupted: pytest.RunResult
) -> None:
    """It ends with pytest's status for it, shows what is measured, and writes no partial report."""
    assert interrupted.ret == pytest.ExitCode.INTERRUPTED
    interrupted.stdout.fnmatch_lines(
        [
            "*= interrupted =*",
            "1 of 2 checks were carried out; the answers of the models are stored; no report "
            "was written",
            f"go on with: pytest *{' '.join(OPTIONS)}",
        ]
    )
    assert not project.path.joinpath("report.json").exists()


def test_the_next_run_asks_what_is_missing_and_no_more(
    project: pytest.Pytester, interrupted: pytest.RunResult
) -> None:
    """What was answered before is known: only the batch under way is asked again."""
    assert interrupted.ret == pytest.ExitCode.INTERRUPTED
    before = asked(project.path)
    project.runpytest_subprocess(*OPTIONS)
    after = asked(project.path)[len(before) :]
    repeated = set(before) & set(after)
    assert 0 < len(repeated) <= 128, "the batch that the signal came in"
    report = json.loads(project.path.joinpath("report.json").read_text())
    assert len(report["evaluations"]) == 2


TRAINED = """
[tool.pytest_ood]
suites = ["reviews.toml"]
[tool.pytest_ood.models.encoder]
finetuned = "new:roberta"
train = "reviews.jsonl"
epochs = EPOCHS
device = "cpu"
"""


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT])
def test_the_next_run_removes_what_a_training_that_was_ended_left(
    project: pytest.Pytester, ended_by: signal.Signals
) -> None:
    """Locks, scratch folders and parts of a model: only the model itself stays."""
    path, cache = project.path / "pyproject.toml", project.path / "cache"
    options = ("--ood-suite", "--ood-only=in-distribution", f"--ood-cache={cache}")
    path.write_text(TRAINED.replace("EPOCHS", "1000"))
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options], cwd=project.path, stdout=subprocess.DEVNULL,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    ) as process:  # fmt: skip
        # It trains once it has a tokenizer; that it ends by itself would be a failure, too.
        while process.poll() is None and not any(cache.glob("models/.*training-*/vocab.json")):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        assert process.poll() is None
        process.send_signal(ended_by)
        process.wait()
    path.write_text(TRAINED.replace("EPOCHS", "1"))
    result = project.runpytest_subprocess(*options)
    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    (kept,) = cache.joinpath("models").iterdir()
    assert kept.joinpath("model.safetensors").exists()
