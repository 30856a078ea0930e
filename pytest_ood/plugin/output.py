"""The header, the tables at the end, and the reports that are written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.collector import COLLECTOR, report_of
from pytest_ood.plugin.options import is_rehearsal, report_paths
from pytest_ood.plugin.stash import DEMO, FINISHED, GATE, LOGGED, TRACKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.analysis.report import Report


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the seed, the suites, the models and the cache."""
    if GATE not in config.stash:
        return []
    gate = config.stash[GATE]
    models = dict.fromkeys(name for suite in gate.evaluators for name in gate.chosen_models(suite))
    root = gate.options.root if gate.configured else "none, the built-in demo"
    suites, names = (", ".join(listed) or "none" for listed in (gate.evaluators, models))
    return [
        f"ood: configuration {root}",
        *([f"ood: {DEMO}"] if gate.is_demo else []),
        f"ood: seed {gate.seed}, suites: {suites}, models: {names}",
        f"ood: cache {gate.options.cache}",
        *(f"ood: suite {name} is replayed from {f.location}" for name, f in gate.frozen.items()),
    ]


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Show the tables and the answer; of a run that was ended, how far it got and how to go on."""
    report = report_of(config)
    if report is not None and report.results and config.get_verbosity() >= -1:
        from pytest_ood.reports.terminal import render

        terminalreporter.section("robustness")
        for line in render(report, verbose=config.get_verbosity() > 0):
            terminalreporter.write_line(line)
    if report is not None and report.release is not None:
        from pytest_ood.reports import release_text

        terminalreporter.section("since the earlier run")
        for line in release_text.render(report.release, report.rules.alpha):
            terminalreporter.write_line(line)
    if COLLECTOR not in config.stash:
        return
    ran = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ran and config.get_verbosity() >= -1 and not is_rehearsal(config):
        for line in _not_run(config):
            terminalreporter.write_line(f"ood: {line}", yellow=True)
    _show_ending(terminalreporter, config)


def _show_ending(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the state of reports and trackers, and how far an interrupted run got."""
    collector = config.stash[COLLECTOR]
    if config.stash[GATE].is_demo and config.get_verbosity() >= -1:
        terminalreporter.write_line(f"ood: {DEMO}")
    if not collector.records and config.get_verbosity() >= -1:
        from pytest_ood.reports.escaping import one_line

        # Where suites were measured, these stand among their notes.
        for note in dict.fromkeys(collector.own_notes):
            terminalreporter.write_line(f"ood: note: {one_line(note, 400)}")
    if collector.saved is not None:
        terminalreporter.write_line(f"saved: {collector.saved}")
    for line in collector.unwritten:
        terminalreporter.write_line(f"ood: {line}", red=True)
    for logged in config.stash.get(LOGGED, []):
        if logged.failed or config.get_verbosity() >= -1:
            terminalreporter.write_line(f"ood: {logged.line}", yellow=logged.failed)
    if collector.interrupted:
        terminalreporter.section("interrupted")
        for line in _how_far(config):
            terminalreporter.write_line(line)


def _not_run(config: pytest.Config) -> list[str]:
    """Say how many gates the user's options have left out, and how many plugins would have.

    A robustness test of the user's own is a gate, too.
    """
    from pytest_ood.plugin.selection import HOW

    collector, gates = config.stash[COLLECTOR], config.stash[GATE].all_gates
    lines = []
    if collector.put_back:
        lines.append(
            f"{collector.put_back} gates that another plugin had left out were run: only {HOW} "
            "leave gates out"
        )
    own = sum(collector.check_of(name) is None for name in collector.expected or ())
    left = sum(check.id not in collector.records for check in gates) + max(
        0, collector.own_tests - own
    )
    if left and not collector.interrupted:
        every = len(gates) + max(collector.own_tests, own)
        lines.append(f"{left} of {every} gates were not run: this is no full gate")
    return lines


def _how_far(config: pytest.Config) -> list[str]:
    """Say how far a run got that was ended, and how to go on."""
    import shlex

    gate, records = config.stash[GATE], config.stash[COLLECTOR].records
    done = f"{len(records)} of {len(gate.checks)} checks were carried out"
    stored = "the answers of the models are stored"
    if not gate.options.keep_predictions:
        stored = "--ood-no-cache stores no answers"
    command = shlex.join(["pytest", *map(str, config.invocation_params.args)])
    return [f"{done}; {stored}; no report was written", f"go on with: {command}"]


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports and log the run, once, on the controller."""
    config = session.config
    if GATE in config.stash and "hypothesis" not in sys.modules:
        # Its plugin imports all of it, for most of a second, to end a run that had no use for it.
        config.pluginmanager.unregister(name="hypothesispytest")
    config.stash[FINISHED] = True
    if hasattr(config, "workerinput"):
        return
    green = COLLECTOR in config.stash and session.exitstatus == pytest.ExitCode.OK
    if green and config.stash[COLLECTOR].missing(config) != []:
        # Somebody has ended the run, by pytest.exit with a status of its own.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    report = report_of(config)
    if report is not None and (session.shouldfail or session.shouldstop):
        config.stash[COLLECTOR].interrupted = True
    if report is None and GATE in config.stash and not is_rehearsal(config):
        collector = config.stash[COLLECTOR]
        collector.unwritten += [
            f"--ood-report: {path.name} is not written: no gate of a suite has run"
            for path in report_paths(config)
        ]
    # A report of half a run would be taken for one of all of it.
    if report is None or config.stash[COLLECTOR].interrupted:
        return
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    paths, name = report_paths(config), config.getoption("ood_save")
    trackers = config.stash[TRACKERS]
    if not (paths or name or summary or trackers):
        return
    from pytest_ood.analysis.serialization import as_written

    # Every format has the figures of the JSON report.
    report = as_written(report)
    _write_reports(session, report, paths, name, summary)
    if trackers:
        from pytest_ood.reports.tracking import log_report

        config.stash[LOGGED] = log_report(report, trackers)


def _write_reports(
    session: pytest.Session,
    report: Report,
    paths: Sequence[Path],
    name: str | None,
    summary: str | None,
) -> None:
    """Write the requested reports, and add one to the summary of a step of GitHub Actions.

    Args:
        session: Its exit status is set if something could not be written.
        report: The report of the run.
        paths: Where it is written to.
        name: It is saved under, or None.
        summary: The file of the summary, or None.
    """
    from pytest_ood.errors import OodError
    from pytest_ood.reports import archive, formats

    config = session.config
    collector = config.stash[COLLECTOR]
    for path in paths:
        try:
            formats.write(path, report)
        except OodError as error:
            collector.unwritten.append(f"--ood-report: {error}")
    if name is not None:
        try:
            collector.saved = archive.save(config.stash[GATE].options.root, name, report)
        except OodError as error:
            collector.unwritten.append(f"--ood-save: {error}")
    if collector.unwritten:
        # A missing report is an error; the results are shown all the same.
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    if summary:
        try:
            formats.add_to_summary(Path(summary), report)
        except OodError as error:
            # The summary of GitHub is an extra: the exit status stays that of the gates.
            collector.unwritten.append(str(error))
