"""The results of all items, collected on the controller, and reports without an item."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.earlier import EARLIER
from pytest_ood.plugin.options import is_rehearsal
from pytest_ood.plugin.secrets import redact_shown, redacted
from pytest_ood.plugin.stash import GATE, REPORT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from pytest_ood.analysis.report import Report, Work

COLLECTOR: pytest.StashKey[ResultCollector] = pytest.StashKey()


class ResultCollector:
    """Collects the results that reports of items carry; used on the controller.

    Attributes:
        config: The configuration of the run.
        records: The record of each measured check, by the check's id.
        reports: The report of each measured check, by the check's id.
        expected: The node ids of the gates and robustness tests of the run; None before the
            collection is finished.
        reported: The node ids with a report, other than of a setup that passed.
        own_tests: The number of the user's own robustness tests, before any was deselected.
        put_back: The number of gates and tests that another plugin had deselected.
        interrupted: Whether the run was stopped early, by the user or by options such as -x.
        saved: The path of the saved report, if one was saved.
        unwritten: Why a requested report could not be written.
        own_notes: The notes of the user's own tests.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.own_notes: list[str] = []
        self.records: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, pytest.TestReport] = {}
        self.expected: list[str] | None = None
        self.reported: set[str] = set()
        self.own_tests = 0
        self._checks: set[str] = set()
        self.put_back = 0
        self.interrupted = False
        self.saved: Path | None = None
        self.unwritten: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Take secrets out of an internal error before it is shown."""
        redact_shown(self.config, excrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Take secrets out of a warning before it is shown."""
        message = str(warning_message.message)
        shown = redacted(self.config, message)
        if shown != message:
            warning_message.message = shown

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the results are incomplete."""
        self.interrupted = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the record and the notes that a report carries."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.reported.add(report.nodeid)
        self.own_notes += getattr(report, "ood_notes", [])
        record = getattr(report, "ood_record", None)
        if record is not None:
            self.records[record["check"]] = record
            self.reports[record["check"]] = report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """When all gates are measured, report the fails that the whole family decides."""
        result = yield
        if not hasattr(session.config, "workerinput"):
            self._report_missing(session)
            self._report_family(session.config)
            self._report_release(session.config)
        return result

    def expect(self, ids: Iterable[str]) -> None:
        """Add node ids of gates and tests that are to be run."""
        self.expected = list(dict.fromkeys([*(self.expected or ()), *ids]))

    def missing(self, config: pytest.Config) -> list[str] | None:
        """Return the node ids of gates and tests that were expected and have no result.

        None if the run ended before the collection was finished.
        """
        if is_rehearsal(config):
            return []
        if self.expected is None:
            return None
        return [name for name in self.expected if not self._has_run(name)]

    def _has_run(self, name: str) -> bool:
        check = self.check_of(name)
        return name in self.reported if check is None else check in self.records

    def check_of(self, name: str) -> str | None:
        """Return the id of the check of a node id; None if it is not a gate's."""
        self._checks = self._checks or {check.id for check in self.config.stash[GATE].checks}
        check = name.partition("::")[2]
        return check if check in self._checks else None

    def _report_missing(self, session: pytest.Session) -> None:
        """Report as failed what a hook, or a worker that died, prevented from running."""
        if session.shouldfail or session.shouldstop:
            return
        for name in self.missing(session.config) or ():
            check = self.check_of(name)
            if check is None:
                path, _, test = name.partition("::")
                message = (
                    "not run: no report came of it, and with --ood-suite what is not run is no "
                    "pass. Leave it out by -k, -m or --deselect"
                )
                report = pytest.TestReport(
                    nodeid=name,
                    location=(path, None, test.replace("::", ".")),
                    keywords={},
                    outcome="failed",
                    longrepr=message,
                    when="call",
                )
                log_case(session.config, report)
                continue
            error = "not measured: no report came of it"
            record = {"check": check, "error": error, "work": ["main", {}]}
            log_check(session.config, check, "failed", error, record=record)

    def _report_release(self, config: pytest.Config) -> None:
        """Report the comparison of each score with the earlier run as a test of its own."""
        from pytest_ood.analysis import releases
        from pytest_ood.analysis.serialization import as_written
        from pytest_ood.errors import OodError
        from pytest_ood.reports.explanation import explain_change
        from pytest_ood.reports.junit import change_properties

        earlier, report = config.stash[EARLIER], report_of(config)
        if earlier is None or report is None:
            return
        try:
            release = releases.compare(
                earlier.report,
                # The earlier figures are rounded by its file, so these are rounded likewise.
                as_written(report),
                earlier.name,
                earlier.budget,
                whole=is_whole(config),
            )
        except OodError as error:
            name = f"--ood-compare {earlier.name}"
            log_check(config, name, "failed", f"{type(error).__name__}: {error}")
            return
        config.stash[REPORT] = replace(report, release=release)
        for change in release.changes:
            if earlier.budget is None:
                return
            outcomes = {"pass": "passed", "inconclusive": "skipped"}
            outcome = outcomes.get(change.verdict, "failed")
            strict = config.stash[GATE].strict and outcome == "skipped"
            log_check(
                config,
                f"{change.name} since {earlier.name}",
                "failed" if strict else outcome,
                explain_change(change),
                figures=change_properties(change),
            )

    def _report_family(self, config: pytest.Config) -> None:
        import copy

        from pytest_ood.evaluation import from_record, to_record
        from pytest_ood.reports.explanation import explain
        from pytest_ood.reports.junit import properties

        report = report_of(config)
        if report is None:
            return
        measured = [key for key in ordered_checks(config) if "result" in self.records[key]]
        terminal = config.pluginmanager.getplugin("terminalreporter")
        for key, settled in zip(measured, report.results, strict=True):
            record, old = self.records[key], self.reports[key]
            before = from_record(record["result"]).verdict
            if not old.skipped or (before, settled.verdict) != ("inconclusive", "fail"):
                continue
            # Only with all gates known does the correction make this a fail: its report of
            # "inconclusive" is replaced.
            if terminal is not None and old in terminal.stats.get("inconclusive", []):
                terminal.stats["inconclusive"].remove(old)
            new = copy.copy(old)
            new.outcome, new.longrepr = "failed", explain(settled, report.rules)
            vars(new)["ood_record"] = {**record, "result": to_record(settled)}
            new.user_properties = properties(settled, report.rules)
            log_case(config, new)


def is_whole(config: pytest.Config) -> bool:
    """Return whether every check of the configuration was measured."""
    options, gate = config.stash[GATE].options, config.stash[GATE]
    chosen = bool(options.only or options.models)
    return not chosen and len(config.stash[COLLECTOR].records) == len(gate.checks)


def log_check(
    config: pytest.Config,
    name: str,
    outcome: Any,
    text: str,
    *,
    figures: Sequence[tuple[str, object]] = (),
    record: dict[str, Any] | None = None,
) -> None:
    """Report a check without an item to the terminal, JUnit and the exit status."""
    from pytest_ood.reports.escaping import escape_controls

    # Names and texts of an earlier report are not trusted.
    name, text = escape_controls(name), escape_controls(text, keep="\n")
    file = config.stash[GATE].file.name
    message: Any = text if outcome == "failed" else None
    if outcome == "skipped":
        message = ("", 0, f"Skipped: {text.partition(chr(10))[0]}")
    report = pytest.TestReport(
        nodeid=f"{file}::{name}",
        location=(file, None, name),
        keywords={},
        outcome=outcome,
        longrepr=message,
        when="call",
        user_properties=list(figures),
    )
    vars(report).update({"ood_release": True} if record is None else {"ood_record": record})
    log_case(config, report)


def log_case(config: pytest.Config, report: pytest.TestReport) -> None:
    """Report a call and its teardown: JUnit writes a test case when its teardown is reported."""
    import copy

    config.hook.pytest_runtest_logreport(report=report)
    end = copy.copy(report)
    end.when, end.outcome, end.longrepr, end.duration = "teardown", "passed", None, 0.0
    vars(end).pop("ood_record", None)
    config.hook.pytest_runtest_logreport(report=end)


def ordered_checks(config: pytest.Config) -> list[str]:
    """Return the ids of the measured checks, in the order of the configuration."""
    checks, records = config.stash[GATE].checks, config.stash[COLLECTOR].records
    return [check.id for check in checks if check.id in records]


def report_of(config: pytest.Config) -> Report | None:
    """Return the report of the run, built when first needed; None without any result."""
    if GATE not in config.stash or not config.stash[COLLECTOR].records:
        return None
    if REPORT not in config.stash:
        config.stash[REPORT] = build_run_report(config)
    return config.stash[REPORT]


def build_run_report(config: pytest.Config) -> Report:
    """Build the report of the results so far."""
    from pytest_ood.analysis.report import CheckError, FrozenFile, build_report
    from pytest_ood.evaluation import ModelInfo, adjust_verdicts, from_record

    gate, collector = config.stash[GATE], config.stash[COLLECTOR]
    ordered = [collector.records[key] for key in ordered_checks(config)]
    measured = [record for record in ordered if "result" in record]
    infos = {(m["suite"], m["name"]): ModelInfo(**m) for r in measured for m in r["models"]}
    names = [(suite, name) for suite, models in gate.models.items() for name in models]
    # xdist's controller collects nothing: the workers report how many gates there are.
    gates = max((record["gates"] for record in measured), default=gate.rules.gates)
    rules = replace(gate.rules, gates=gates)
    results = [from_record(record["result"]) for record in measured]
    notes = [note for record in measured for note in record["notes"]]
    return build_report(
        seed=gate.seed,
        max_examples=gate.options.max_examples,
        rules=rules,
        models=[infos[name] for name in names if name in infos],
        results=adjust_verdicts(results, rules),
        errors=[CheckError(check=r["check"], message=r["error"]) for r in ordered if "error" in r],
        notes=list(dict.fromkeys([*notes, *collector.own_notes])),
        frozen=[FrozenFile(suite=name, path=f.location) for name, f in gate.frozen.items()],
        work=_work(ordered),
    )


def _work(records: Sequence[dict[str, Any]]) -> tuple[Work, ...]:
    """Return the work of each model, summed over xdist's workers."""
    from pytest_ood.analysis.report import Work
    from pytest_ood.models.protocol import Usage

    # Each record carries the counts of its process so far: only the largest of a process count.
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for process, tallies in (record["work"] for record in records):
        for name, tally in tallies.items():
            before = latest.get((process, name), tally)
            done = (tally["queried"] + tally["cached"]) >= (before["queried"] + before["cached"])
            latest[process, name] = tally if done else before
    totals: dict[str, Work] = {}
    for (_, name), tally in latest.items():
        work = Work(
            model=name,
            queried=tally["queried"],
            cached=tally["cached"],
            unanswered=tally["unanswered"],
            used=Usage(**tally["used"]),
        )
        if name in totals:
            other = totals[name]
            work = Work(
                model=name,
                queried=work.queried + other.queried,
                cached=work.cached + other.cached,
                unanswered=work.unanswered + other.unanswered,
                used=work.used + other.used,
            )
        totals[name] = work
    return tuple(totals[name] for name in sorted(totals))
