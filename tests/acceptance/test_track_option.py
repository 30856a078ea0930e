from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from processes import free_port

FAST = ("--ood-suite", "--ood-only=noise")
"""Two checks of drops and a comparison; those of `frail` fail."""

STORE = "mlruns"


@pytest.fixture
def tracked(
    project: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    tracker_environment: None,  # noqa: ARG001
) -> pytest.Pytester:
    """Let both clients write below the project's folder; a warning is an error in the project."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{project.path / STORE}")
    project.makeini("[pytest]\nfilterwarnings = error\n")
    return project


def runs(project: pytest.Pytester) -> list[Any]:
    """Return the runs that MLflow's client finds in the project's store."""
    from mlflow import MlflowClient

    client = MlflowClient(f"file:{project.path / STORE}")
    found = client.get_experiment_by_name("pytest-ood")
    return list(client.search_runs([found.experiment_id]))


@contextmanager
def refusing() -> Iterator[str]:
    """Serve a page that lets nobody in, whatever the key; yield its URL."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_run_of_pytest_is_one_run_of_each_tracker(tracked: pytest.Pytester) -> None:
    """With --ood-track, also with -n 2, one run has the figures, and the report as written."""
    from mlflow import MlflowClient

    options = (*FAST, "-n2", "--ood-report=r.json")
    result = tracked.runpytest_subprocess(*options, "--ood-track=mlflow", "--ood-track=wandb")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["ood: logged to mlflow: run * of experiment pytest-ood in file:*",
         "ood: logged to wandb: run * of project pytest-ood in *offline-run*"]
    )  # fmt: skip
    (run,) = runs(tracked)
    assert run.data.params["reviews/frail/source"] == "fake: keyword"
    assert run.data.tags["reviews/noise/keyboard/frail/verdict"] == "fail"
    assert run.data.metrics["reviews/noise/keyboard/frail/drop"] == pytest.approx(0.16)
    client = MlflowClient(f"file:{tracked.path / STORE}")
    folder = tracked.mkdir("back")
    back = client.download_artifacts(run.info.run_id, "report.json", str(folder))
    assert Path(back).read_text() == tracked.path.joinpath("r.json").read_text()
    assert len(list(tracked.path.glob("wandb/offline-run-*"))) == 1


def test_the_configuration_turns_a_tracker_on(tracked: pytest.Pytester) -> None:
    """A tracker's table does, with its options; an empty list turns it off, but for the option."""
    path = tracked.path / "pyproject.toml"
    text = (
        f'{path.read_text()}\n[tool.pytest_ood.mlflow]\nexperiment = "reviews"\nname = "nightly"\n'
    )
    path.write_text(text)
    told = "ood: logged to mlflow: run nightly of experiment reviews in *"
    tracked.runpytest_inprocess(*FAST).stdout.fnmatch_lines([told])
    path.write_text(text.replace("[tool.pytest_ood]\n", "[tool.pytest_ood]\ntrackers = []\n"))
    assert "logged to" not in tracked.runpytest_inprocess(*FAST).stdout.str()
    tracked.runpytest_inprocess(*FAST, "--ood-track=mlflow").stdout.fnmatch_lines([told])


def test_a_server_that_is_down_changes_nothing_and_hears_no_secret(
    tracked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit status stands; a line for each tracker says why, also with -qq, without secrets."""
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hush-hush@127.0.0.1:{port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "5ec4e7" * 7)
    with refusing() as url:
        monkeypatch.setenv("WANDB_BASE_URL", url)
        result = tracked.runpytest_subprocess(
            *FAST, "--ood-model=sturdy", "--ood-track=mlflow", "--ood-track=wandb", "-qq",
            "--ood-report=r.json",
        )  # fmt: skip
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["ood: not logged to mlflow (verdicts and exit status stand): *refused*",
         "ood: not logged to wandb (verdicts and exit status stand): *"]
    )  # fmt: skip
    shown = result.stdout.str() + result.stderr.str()
    assert "hush-hush" not in shown
    assert "5ec4e7" not in shown
    assert tracked.path.joinpath("r.json").exists()


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_client_is_a_usage_error(
    tracked: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before anything runs, the pip command is named; without the option it is not missed."""
    monkeypatch.setitem(sys.modules, name, None)
    result = tracked.runpytest_inprocess(*FAST, f"--ood-track={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f'ERROR: *Run: pip install "pytest-ood[[]{name}[]]"'])
    assert tracked.runpytest_inprocess(*FAST).ret == pytest.ExitCode.TESTS_FAILED


def test_a_wrong_name_is_a_usage_error(project: pytest.Pytester) -> None:
    """An unknown tracker is refused with the nearest one."""
    result = project.runpytest_inprocess(*FAST, "--ood-track=mlfow")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: pytest-ood: --ood-track: unknown tracker 'mlfow'. Did you mean 'mlflow'? *"]
    )


def test_what_is_not_logged_loads_no_client(project: pytest.Pytester) -> None:
    """A run with neither option nor configuration imports neither client, and says nothing."""
    project.makeconftest(
        "import sys\n"
        "def pytest_unconfigure(config):\n"
        "    print('clients:', sorted({'mlflow', 'wandb'} & {*sys.modules}))\n"
    )
    result = project.runpytest_subprocess(*FAST)
    result.stdout.fnmatch_lines(["clients: []"])
    assert "logged to" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--ood-dry-run", "--collect-only", "-k=nothing"])
def test_a_run_that_measures_nothing_is_not_logged(tracked: pytest.Pytester, option: str) -> None:
    """A plan, a list of checks and an empty selection leave no run behind."""
    result = tracked.runpytest_inprocess(*FAST, "--ood-track=mlflow", option)
    assert "logged to" not in result.stdout.str()
    assert not tracked.path.joinpath(STORE).exists()
