"""A gate run over models behind an API, from the configuration to the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_model import with_assistant
from faulty_server import FaultyServer, serving

from pytest_ood.evaluation.floors import REASKED

KEY = "sk-RECOGNISABLE-0123456789"
EXAMPLES = 80
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
    """Put a model behind an API beside the fake that is the baseline; each call takes its time."""
    for name in ("reviews.jsonl", "lamps.jsonl"):
        path = project.path / name
        path.write_text("\n".join(path.read_text().splitlines()[:EXAMPLES]))
    return with_assistant(project, server.url, "SECRET_KEY")


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
    first.stdout.fnmatch_lines(
        ["*error, inputs without an answer, left out (status 500: it broke): assistant 2*"]
    )
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
    path.write_text(path.read_text() + "max_requests = 120\n")
    runs, asked = 0, 120
    while asked:
        before = server.calls.total()
        run(api_project, shift="lamps")
        asked = server.calls.total() - before
        assert asked <= 120
        runs += 1
    assert runs == 3
    # Besides the films and the lamps, some are asked twice on purpose: is the answer the same?
    assert server.calls.total() == 2 * EXAMPLES + REASKED
    assert sorted(set(server.calls.values())) == [1, 2]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("I cannot\x1b[31m say\u202e so.", r"I cannot\x1b[31m say\u202e so."),
        ("Maybe. " * 100, "Maybe. Maybe. "),
        ("", "nothing"),
    ],
)
def test_what_was_said_instead_of_an_answer_is_shown(
    said: str, shown: str, api_project: pytest.Pytester, server: FaultyServer
) -> None:
    """In failure texts and all reports, on one line, escaped and cut."""
    server.answer = lambda _: said
    names = ("report.md", "report.html")
    result, report = run(
        api_project,
        "--ood-max-examples=40",
        "--junitxml=junit.xml",
        *(f"--ood-report={name}" for name in names),
    )
    (floor,) = (f for f in report["in_distribution"] if f["model"] == "assistant")
    assert floor["verdict"] == "invalid"
    assert floor["unparsed_outputs"] == [said[:200]]
    output = result.stdout.str()
    assert ("it answered nothing" in output) == (not said)
    assert ("no answer could be read out of anything it wrote" in output) == bool(said)
    assert f'no answer (wrote "{shown}' in output or not said
    assert "no answer (wrote nothing)" in output or said
    for text in (output, *((api_project.path / n).read_text() for n in (*names, "junit.xml"))):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert said not in text or not said
    assert shown in (api_project.path / "report.md").read_text()


def test_a_calibration_that_cannot_be_measured_is_never_green(
    api_project: pytest.Pytester, server: FaultyServer
) -> None:
    """Where tokens begin no label's word, the inputs are errors and the check is invalid."""
    server.logprobs = {"The": -0.1, "It": -2.0}
    path = api_project.path / "pyproject.toml"
    path.write_text(path.read_text() + "top_logprobs = 5\n")
    suite = api_project.path / "reviews.toml"
    budget = "noise = { max_drop = 0.10, margin = 0.05, ece = { max_drop = 0.05 } }"
    text = suite.read_text().replace("noise = { max_drop = 0.10, margin = 0.05 }", budget)
    suite.write_text(text)
    result, _ = run(api_project, "--ood-model=assistant", "--ood-max-examples=40")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*none of the likeliest first tokens begins the word of one*"])


def test_a_service_of_one_s_own_is_planned_gated_and_stored(
    project: pytest.Pytester, server: FaultyServer
) -> None:
    """A dry run shows calls and cost, a run the verdict; the next one asks for nothing."""
    path = project.path / "pyproject.toml"
    fakes = path.read_text().partition("[tool.pytest_ood.models.frail]")[0]
    path.write_text(
        f"""{fakes}
[tool.pytest_ood.models.assistant]
http = {{ url = "{server.url}/classify", request = {{ inputs = "{{text}}" }}, answer = "label" }}
api_key = "SECRET_KEY"
fingerprint = "1"
price = 0.01
max_cost = 20.0
"""
    )
    server.classified = lambda text: {"label": server.answer(text)}
    planned, _ = run(project, "--ood-dry-run")
    assert not server.calls
    planned.stdout.fnmatch_lines(["assistant *664 *6.6400 USD"])
    first, report = run(project)
    assert evaluation(report)["errors"] == {}
    (floor,) = (f for f in report["in_distribution"] if f["model"] == "assistant")
    assert floor["score"] == 1.0
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    assert KEY not in first.stdout.str() + json.dumps(report)
    server.forget()
    _, again = run(project)
    assert evaluation(again)["drop"] == evaluation(report)["drop"]
    assert not server.calls
