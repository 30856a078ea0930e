"""What the items have measured, collected on the controller, and reports without an item."""

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

KEEPER: pytest.StashKey[RecordKeeper] = pytest.StashKey()


class RecordKeeper:
    """Keeps what the reports bring; registered where the gate is on, and of use on the controller.

    Attributes:
        config: Of the run.
        records: By the id of the check.
        reports: Likewise.
        expected: The node ids of the gates, and of the user's own robustness tests, that are to be
            run, once that is known.
        reported: Those of which a report came, other than of a setup that passed.
        own_tests: How many of the user's own there were, before any was left out.
        put_back: How many gates and tests another plugin had left out.
        interrupted: Whether the run was ended before its end: by the user, or by -x and its like.
        saved: Where the report was kept, once it was.
        unwritten: Why what was asked for could not be written.
        own_notes: What the user's own tests have noted.
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
        told = str(warning_message.message)
        shown = redacted(self.config, told)
        if shown != told:
            warning_message.message = shown

    def pytest_keyboard_interrupt(self) -> None:
        """Note that what was measured is not all there is."""
        self.interrupted = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a measurement, and notes, off a report."""
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self.reported.add(report.nodeid)
        self.own_notes += getattr(report, "ood_notes", [])
        record = getattr(report, "ood_record", None)
        if record is not None:
            self.records[record["check"]] = record
            self.reports[record["check"]] = report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Report, once all gates are known, the fails that rest on the others of the family."""
        result = yield
        if not hasattr(session.config, "workerinput"):
            self._report_missing(session)
            self._report_family(session.config)
            self._report_release(session.config)
        return result

    def expect(self, ids: Iterable[str]) -> None:
        """Take the node ids of what is to be run, beside those that are known."""
        self.expected = list(dict.fromkeys([*(self.expected or ()), *ids]))

    def missing(self, config: pytest.Config) -> list[str] | None:
        """Return the node ids of gates and tests that were to be run and were not.

        None where the run ended before they were known.
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
        """Return the id of the check that a node id is of; None where it is no gate's."""
        self._checks = self._checks or {check.id for check in self.config.stash[GATE].checks}
        check = name.partition("::")[2]
        return check if check in self._checks else None

    def _report_missing(self, session: pytest.Session) -> None:
        """Report what a hook, or a worker that died, has kept from being run."""
        if session.shouldfail or session.shouldstop:
            return
        for name in self.missing(session.config) or ():
            check = self.check_of(name)
            if check is None:
                path, _, test = name.partition("::")
                told = (
                    "not run: no report came of it, and with --ood-suite what is not run is no "
                    "pass. Leave it out by -k, -m or --deselect"
                )
                place = (path, None, test.replace("::", "."))
                log_case(session.config, pytest.TestReport(name, place, {}, "failed", told, "call"))
                continue
            error = "not measured: no report came of it"
            record = {"check": check, "error": error, "work": ["main", {}]}
            log_check(session.config, check, "failed", error, record=record)

    def _report_release(self, config: pytest.Config) -> None:
        """Report each score against that of the earlier run, as a test of its own."""
        from pytest_ood.analysis import releases
        from pytest_ood.analysis.serialization import from_json, to_json
        from pytest_ood.errors import OodError
        from pytest_ood.reports.explanation import explain_change
        from pytest_ood.reports.junit import change_properties

        earlier, report = config.stash[EARLIER], report_of(config)
        if earlier is None or report is None:
            return
        try:
            release = releases.compare(
                earlier.report,
                # Figures are compared as they are written.
                from_json(to_json(report)),
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
            # The first report was right when it was given; the second one takes its place.
            if terminal is not None and old in terminal.stats.get("inconclusive", []):
                terminal.stats["inconclusive"].remove(old)
            new = copy.copy(old)
            new.outcome, new.longrepr = "failed", explain(settled, report.rules)
            vars(new)["ood_record"] = {**record, "result": to_record(settled)}
            new.user_properties = properties(settled, report.rules)
            log_case(config, new)


def is_whole(config: pytest.Config) -> bool:
    """Tell whether every check of the configuration was carried out."""
    options, gate = config.stash[GATE].options, config.stash[GATE]
    chosen = bool(options.only or options.models)
    return not chosen and len(config.stash[KEEPER].records) == len(gate.checks)


def log_check(
    config: pytest.Config,
    name: str,
    outcome: Any,
    text: str,
    *,
    figures: Sequence[tuple[str, object]] = (),
    record: dict[str, Any] | None = None,
) -> None:
    """Report what no item of its own stands for, in the terminal, JUnit and the exit status."""
    from pytest_ood.reports.escaping import escape_controls

    # An earlier report may name whatever it likes.
    name, text = escape_controls(name), escape_controls(text, keep="\n")
    file = config.stash[GATE].file.name
    place = (file, None, name)
    told: Any = text if outcome == "failed" else None
    if outcome == "skipped":
        told = ("", 0, f"Skipped: {text.partition(chr(10))[0]}")
    report = pytest.TestReport(
        f"{file}::{name}", place, {}, outcome, told, "call", user_properties=list(figures)
    )
    vars(report).update({"ood_release": True} if record is None else {"ood_record": record})
    log_case(config, report)


def log_case(config: pytest.Config, report: pytest.TestReport) -> None:
    """Report a call and its teardown, at which JUnit takes the properties and closes the case."""
    import copy

    config.hook.pytest_runtest_logreport(report=report)
    end = copy.copy(report)
    end.when, end.outcome, end.longrepr, end.duration = "teardown", "passed", None, 0.0
    vars(end).pop("ood_record", None)
    config.hook.pytest_runtest_logreport(report=end)


def ordered_checks(config: pytest.Config) -> list[str]:
    """Return the ids of the checks that were carried out, in their order."""
    checks, records = config.stash[GATE].checks, config.stash[KEEPER].records
    return [check.id for check in checks if check.id in records]


def report_of(config: pytest.Config) -> Report | None:
    """Return the report of the run, built once all gates are known; None where there is nothing."""
    if GATE not in config.stash or not config.stash[KEEPER].records:
        return None
    if REPORT not in config.stash:
        config.stash[REPORT] = build_run_report(config)
    return config.stash[REPORT]


def build_run_report(config: pytest.Config) -> Report:
    """Build the report of the results so far, in the order of the checks."""
    from pytest_ood.analysis.report import CheckError, FrozenFile, build_report
    from pytest_ood.evaluation import ModelInfo, adjust_verdicts, from_record

    gate, keeper = config.stash[GATE], config.stash[KEEPER]
    ordered = [keeper.records[key] for key in ordered_checks(config)]
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
        notes=list(dict.fromkeys([*notes, *keeper.own_notes])),
        frozen=[FrozenFile(suite=name, path=f.location) for name, f in gate.frozen.items()],
        work=_work(ordered),
    )


def _work(records: Sequence[dict[str, Any]]) -> tuple[Work, ...]:
    """Add up what the models were asked, over xdist's workers."""
    from pytest_ood.analysis.report import Work
    from pytest_ood.models.protocol import Usage

    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for process, tallies in (record["work"] for record in records):
        for name, tally in tallies.items():
            before = latest.get((process, name), tally)
            done = (tally["queried"] + tally["cached"]) >= (before["queried"] + before["cached"])
            latest[process, name] = tally if done else before
    found: dict[str, Work] = {}
    for (_, name), tally in latest.items():
        work = Work(
            model=name,
            asked=tally["queried"],
            known=tally["cached"],
            unanswered=tally["unanswered"],
            used=Usage(**tally["used"]),
        )
        if name in found:
            other = found[name]
            work = Work(
                model=name,
                asked=work.asked + other.asked,
                known=work.known + other.known,
                unanswered=work.unanswered + other.unanswered,
                used=work.used + other.used,
            )
        found[name] = work
    return tuple(found[name] for name in sorted(found))
