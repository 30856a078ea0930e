"""A gate run over models behind an API, from the configuration to the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_server import MODEL, FaultyServer, serving

from pytest_ood.evaluation.run import REASKED

KEY = "sk-RECOGNISABLE-0123456789"
OPTIONS = ("--ood-suite", "--ood-report=report.json", "--ood-only=in-distribution")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Run a server whose model knows a bad review by one word."""
    monkeypatch.setenv("SECRET_KEY", KEY)
    with serving() as server:
        server.answer = lambda text: "negative" if "terrible" in text else "positive"
        yield server


@pytest.fixture
def api_project(project: pytest.Pytester, server: FaultyServer) -> pytest.Pytester:
    """Put a model behind an API beside the fake that is the baseline."""
    path = project.path / "pyproject.toml"
    fakes = path.read_text().partition("[tool.pytest_ood.models.frail]")[0]
    path.write_text(
        f"""{fakes}
[tool.pytest_ood.models.assistant]
prompted = "openai:{MODEL}"
prompt = "{{text}}"
base_url = "{server.url}"
api_key = "SECRET_KEY"
attempts = 1
"""
    )
    return project


def run(
    project: pytest.Pytester, *more: str, shift: str = "keyboard"
) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run the suite under one shift and return what came of it, and the report."""
    result = project.runpytest_inprocess(*OPTIONS, f"--ood-only={shift}", *more)
    report = project.path / "report.json"
    return result, json.loads(report.read_text()) if report.exists() else {}


def evaluation(report: dict[str, Any]) -> dict[str, Any]:
    """Return the evaluation of the model behind the API."""
    (found,) = (e for e in report["evaluations"] if e["model"] == "assistant")
    return dict(found)


def test_what_got_no_answer_is_an_error_and_asked_again(
    api_project: pytest.Pytester, server: FaultyServer
) -> None:
    """Errors stand in the report and in no figure; the next run asks for them, and them alone."""
    server.script = lambda text, _: "500" if text.startswith(("Number 7 ", "Number 8 ")) else ""
    first, report = run(api_project)
    assert evaluation(report)["errors"] == {"status 500: it broke": 2}
    (floor,) = (f for f in report["in_distribution"] if f["model"] == "assistant")
    assert floor["errors"] == {"status 500: it broke": 2}
    assert floor["score"] == 1.0, "what got no answer is not wrong"
    first.stdout.fnmatch_lines(["*assistant*2 inputs got no answer (status 500: it broke)*"])
    answered = set(server.answered)
    server.forget()
    server.script = lambda text, call: ""  # noqa: ARG005 - it is well again
    _, report = run(api_project)
    assert evaluation(report)["errors"] == {}
    assert 0 < len(server.calls) <= 4
    assert not answered & {*server.calls}


def test_a_run_without_faults_equals_one_after_faults(
    api_project: pytest.Pytester, server: FaultyServer
) -> None:
    """Whatever failed on the way, the figures in the end are those of a server that never fails."""
    _, expected = run(api_project, "--ood-no-cache")
    server.script = lambda text, _: "cut-off body" if len(text) % 3 == 0 else ""
    run(api_project)
    server.script = lambda text, call: ""  # noqa: ARG005 - it is well again
    _, report = run(api_project)
    assert evaluation(report) == evaluation(expected)


@pytest.mark.parametrize("fault", ["", "401", "500 with the key"])
def test_the_key_is_nowhere(
    fault: str, api_project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """Neither output, nor report, nor any file that the run leaves holds the key or a header."""
    server.script = lambda *_: fault
    result, _ = run(api_project, "--log-level=DEBUG", "--showlocals", "-vv")
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers)
    assert server.headers
    shown = result.stdout.str() + result.stderr.str()
    assert KEY not in shown
    assert "uthorization" not in shown
    for folder in (api_project.path, user_cache):
        for path in folder.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path


def test_a_missing_key_names_the_variable(
    api_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the key nothing is asked, and the run says which variable it looked at."""
    monkeypatch.delenv("SECRET_KEY")
    result, _ = run(api_project)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the environment variable SECRET_KEY is not set*"])


def test_a_cap_ends_the_asking_and_keeps_what_was_answered(
    api_project: pytest.Pytester, server: FaultyServer
) -> None:
    """A run under a cap makes no call beyond it; run after run, no answer is asked for again."""
    path = api_project.path / "pyproject.toml"
    path.write_text(path.read_text() + "max_requests = 350\n")
    runs, asked = 0, 350
    while asked:
        before = server.calls.total()
        run(api_project, shift="lamps")
        asked = server.calls.total() - before
        assert asked <= 350
        runs += 1
    assert runs == 3
    # Besides 300 films and 300 lamps, some are asked twice on purpose: is the answer the same?
    assert server.calls.total() == 600 + REASKED
    assert sorted(set(server.calls.values())) == [1, 2]
