from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from pathlib import Path

FEW = ("--ood-model=frail", "--ood-only=in-distribution", "--ood-only=greedy-characters")
"""Both ways to ask a cluster: whole sets, and an attack's small calls."""

GIVEN_UP_AFTER = 60.0
"""Seconds; what should have ended by then never will."""

MODEL = """
import os
import signal
from pathlib import Path

HERE = Path(__file__).parent

def answer(inputs):
    if any("Number 150 " in text for text in inputs):
        happens()
    return ["positive" if "wonderful" in text else "negative" for text in inputs]
"""

DIES = """
def happens():
    try:
        (HERE / "died").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
"""

FAILS = """
def happens():
    raise RuntimeError("the model is out of order")
"""

IS_INTERRUPTED = """
from threading import Event

def happens():
    (HERE / "family").write_text(f"{os.getpid()} {os.getppid()}")
    os.kill(int((HERE / "run").read_text()), signal.SIGINT)
    Event().wait()
"""


@pytest.fixture
def small_batches(project: pytest.Pytester) -> pytest.Pytester:
    """Let 300 examples be several batches."""
    return with_actors(project, 1, 100)


def with_actors(project: pytest.Pytester, count: int, batch_size: int) -> pytest.Pytester:
    """Set the number of actors, and how many inputs each gets at a time."""
    path = project.path / "pyproject.toml"
    cluster = f"[tool.pytest_ood.ray]\nactors = {count}\nbatch_size = {batch_size}\n"
    path.write_text(path.read_text() + cluster)
    return project


def with_model(project: pytest.Pytester, code: str) -> pytest.Pytester:
    """Add a function as a third model."""
    project.path.joinpath("mine.py").write_text(MODEL + code)
    path = project.path / "pyproject.toml"
    path.write_text(
        path.read_text() + "[tool.pytest_ood.models.mine]\ncallable = 'mine:answer'\n"
        "fingerprint = '1'\n"
    )
    return project


def run(project: pytest.Pytester, engine: str, *options: str) -> tuple[pytest.RunResult, bytes]:
    """Run the suite without what other runs have kept, and return its report too."""
    report = f"{engine}.json"
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-engine", engine, "--ood-cache", engine, "--ood-report", report,
        *options,
    )  # fmt: skip
    return result, project.path.joinpath(report).read_bytes()


@pytest.mark.usefixtures("ray_cluster")
def test_the_report_is_that_of_a_local_run(project: pytest.Pytester) -> None:
    """One process and two actors of Ray write the same report to the byte.

    So many batches go through Ray Data, and an attack's do not.
    """
    small_batches = with_actors(project, 2, 15)
    local, report = run(small_batches, "local", *FEW)
    cluster, same = run(small_batches, "ray", *FEW)
    assert cluster.parseoutcomes() == local.parseoutcomes()
    assert same == report


@pytest.mark.usefixtures("ray_cluster")
def test_a_killed_worker_leaves_no_trace_in_the_report(small_batches: pytest.Pytester) -> None:
    """A worker that is killed in the middle of the run changes nothing that is reported."""
    with_model(small_batches, DIES)
    died = small_batches.path / "died"
    options = ("--ood-model=mine", "--ood-only=in-distribution")
    _, report = run(small_batches, "ray", *options)
    assert died.exists(), "no worker was killed"
    _, undisturbed = run(small_batches, "local", *options)
    assert report == undisturbed


@pytest.mark.usefixtures("ray_cluster")
def test_a_model_that_is_fitted_here_travels(small_batches: pytest.Pytester) -> None:
    """An estimator is fitted once, on data that the run reads, and sent to the cluster."""
    small_batches.path.joinpath("own.py").write_text(
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def pipeline(): return make_pipeline(TfidfVectorizer(), LogisticRegression())\n"
    )
    path = small_batches.path / "pyproject.toml"
    path.write_text(
        path.read_text() + "[tool.pytest_ood.models.tfidf]\nsklearn = 'own:pipeline'\n"
        "train = 'reviews.jsonl'\n"
    )
    options = ("--ood-model=tfidf", "--ood-only=in-distribution")
    result, report = run(small_batches, "ray", *options)
    assert result.parseoutcomes().keys() <= {"passed", "inconclusive", "failed"}
    assert json.loads(report)["errors"] == []
    assert report == run(small_batches, "local", *options)[1]


@pytest.mark.usefixtures("ray_cluster")
def test_an_input_for_which_the_model_raises_is_named(small_batches: pytest.Pytester) -> None:
    """On the cluster as in this process, it got no answer, and the others got theirs."""
    with_model(small_batches, FAILS)
    for engine in ("ray", "local"):
        result, report = run(
            small_batches, engine, "--ood-model=mine", "--ood-only=in-distribution"
        )
        result.assert_outcomes(passed=1)
        (floor,) = json.loads(report)["in_distribution"]
        ((why, count),) = floor["errors"].items()
        assert count == 1
        assert why.startswith("raised RuntimeError: the model is out of order")
        assert why.endswith(", first for input 'r150'")


@pytest.mark.usefixtures("ray_cluster")
def test_a_model_that_cannot_be_sent_is_told(small_batches: pytest.Pytester) -> None:
    """A model of the hook that holds a lock fails with what to do, and no traceback."""
    small_batches.makeconftest(
        """
        import threading

        class Answer:
            __name__ = "locked"
            lock = None

            def __init__(self):
                self.lock = threading.Lock()

            def __call__(self, texts):
                return ["positive" for _ in texts]

        def pytest_ood_models(suite, labels):
            return [Answer()]
        """
    )
    result, _ = run(small_batches, "ray", "--ood-model=locked", "--ood-only=in-distribution")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["ConfigurationError: model 'locked' cannot be sent to the cluster: *--ood-engine local"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_run_takes_its_cluster_along(small_batches: pytest.Pytester) -> None:
    """After Ctrl-C in the middle, neither the run nor any process of its own cluster is left."""
    with_model(small_batches, IS_INTERRUPTED)
    program = (
        "import os, pathlib, sys, pytest\n"
        "pathlib.Path('run').write_text(str(os.getpid()))\n"
        "sys.exit(pytest.main(['--ood-suite', '--ood-model=mine', '--ood-engine=ray']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=small_batches.path,
        capture_output=True,
        text=True,
        timeout=GIVEN_UP_AFTER,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED, done.stdout + done.stderr
    assert "KeyboardInterrupt" in done.stdout
    for process in small_batches.path.joinpath("family").read_text().split():
        assert ended(int(process))


def ended(process: int) -> bool:
    """Tell whether a process has ended, or ends now."""
    try:
        psutil.Process(process).wait(GIVEN_UP_AFTER)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        os.kill(process, signal.SIGKILL)
        return False
    return True


@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ood-engine=spark"], "invalid choice: 'spark'"),
        (["--ood-engine=ray", "-n", "2"], "leave out -n, or say -n 0"),
    ],
)
def test_what_does_not_go_is_a_usage_error(
    project: pytest.Pytester, options: list[str], message: str
) -> None:
    """An unknown engine is refused, and so is a cluster for each process of pytest-xdist."""
    result = project.runpytest_inprocess("--ood-suite", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


@pytest.mark.usefixtures("ray_cluster")
def test_a_cluster_without_room_is_told(project: pytest.Pytester) -> None:
    """Resources that no node has are an error of every check, not a run that waits for ever."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + "[tool.pytest_ood.ray]\ngpus = 1\n")
    result, _ = run(project, "ray", "--ood-only=in-distribution")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["ConfigurationError: *1 CPUs and 1 GPUs each do not fit *"])


def test_an_address_without_a_cluster_is_told(project: pytest.Pytester, tmp_path: Path) -> None:
    """A wrong address fails in reasonable time and names itself."""
    del tmp_path
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text() + "[tool.pytest_ood.ray]\naddress = '127.0.0.1:1'\n")
    result = project.runpytest_subprocess(
        "--ood-suite", "--ood-engine=ray", "--ood-only=in-distribution", "--ood-model=frail",
        timeout=GIVEN_UP_AFTER,
    )  # fmt: skip
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ConfigurationError: *address = '127.0.0.1:1': no cluster *"])
