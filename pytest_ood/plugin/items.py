"""The gates as items of pytest, and the messages of their failures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.errors import NotApplicableError, OodError, words_of
from pytest_ood.plugin.stash import GATE, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ood.evaluation import Result
    from pytest_ood.gate.gate import Check

FAILURE: pytest.StashKey[BaseException | None] = pytest.StashKey()

SHOWN_WIDTH = 500
FULL_VERBOSITY = 2
HINT = "(the traceback: --tb=long or -vv)"

PACKAGE = Path(__file__).parent.parent


class GateFailedError(AssertionError):
    """A gate was measured and did not pass; its text is the explanation."""


class NotMeasuredError(Exception):
    """A gate could not be measured: which is no pass."""


VERDICT = "ood_verdict"


def skipped(reason: str, *, at_item: bool = True) -> BaseException:
    """Return the skip that a gate may end with: inconclusive, or a figure that nothing asks of.

    Args:
        reason: Why.
        at_item: Whether pytest is to show it at the item, and not where it is raised.
    """
    skip: BaseException = pytest.skip.Exception(reason, _use_item_location=at_item)
    vars(skip)[VERDICT] = True
    return skip


class GateFile(pytest.Collector):
    """Collects the gates under the file that configures them.

    The node id of a gate is this file's path and the gate's name, so that it can be given to pytest
    as an argument, like that of any test: `pyproject.toml::reviews/noise/keyboard[minilm]`.
    """

    @classmethod
    def of(cls, parent: pytest.Collector) -> GateFile:
        """Return the collector of a run's gates."""
        path, root = parent.config.stash[GATE].file, parent.config.rootpath
        relative = Path(os.path.relpath(path, root)) if path.is_absolute() else path
        collector: GateFile = cls.from_parent(
            parent, name=path.name, path=path, nodeid=relative.as_posix()
        )
        return collector

    def collect(self) -> Iterator[OodItem]:
        """Yield an item for every gate that --ood-only and --ood-model leave."""
        for check in self.config.stash[GATE].checks:
            # As text, which pytest takes apart as it does an argument.
            item: OodItem = OodItem.from_parent(
                self, name=check.id, nodeid=f"{self.nodeid}::{check.id}", check=check
            )
            yield item


class OodItem(pytest.Item):
    """One check of the gate."""

    def __init__(self, *, check: Check, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.check = check
        self.add_marker("ood")
        if self.config.pluginmanager.hasplugin("rerunfailures"):
            # It would have the same verdict, and stand in JUnit's file twice.
            self.add_marker(pytest.mark.flaky(reruns=0, condition=False))

    def runtest(self) -> None:
        """Measure, and fail where the budget is not met.

        A gate is measured once in a run; running it again returns the same result.
        """
        if FAILURE not in self.stash:
            self.stash[FAILURE] = self._failure()
        failure = self.stash[FAILURE]
        if failure is not None:
            raise failure

    def _failure(self) -> BaseException | None:
        """Measure, and return why the gate does not pass; None where it does."""
        from dataclasses import asdict

        from pytest_ood.evaluation import to_record
        from pytest_ood.reports.explanation import explain, rerun
        from pytest_ood.reports.junit import properties

        gate = self.config.stash[GATE]
        record = self.stash[RECORD] = {"check": self.check.id}
        try:
            result: Result = gate.measure(self.check)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a model may raise SystemExit, pytest.skip, ...
            if isinstance(error, NotApplicableError) and self.check.limit is None:
                return skipped(str(error))
            failure = NotMeasuredError(message_of(error))
            failure.__cause__ = error
            record["error"] = str(failure)
            return failure
        finally:
            # So far, in this process: the last one of each process counts.
            work = {name: asdict(tally) for name, tally in gate.engine.tallies.items()}
            record["work"] = [process(self.config), work]
        record["result"] = to_record(result)
        record["gates"] = gate.rules.gates
        record["notes"] = gate.notes(self.check.suite)
        record["models"] = [asdict(info) for info in gate.infos(self.check)]
        self.user_properties += properties(result, gate.rules)
        if result.verdict in ("pass", "measured"):
            return None
        if result.verdict == "inconclusive" and not gate.strict:
            return skipped(f"inconclusive: {result.reason}")
        again = rerun(self.check.path, self.check.model, gate.seed, gate.options.max_examples)
        return GateFailedError(explain(result, gate.rules, again))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the explanation, or what went wrong in its own words; on request, where, too."""
        from pytest_ood.reports.escaping import escape_controls

        if isinstance(excinfo.value, GateFailedError):
            return str(excinfo.value)
        cause = excinfo.value.__cause__
        if isinstance(excinfo.value, NotMeasuredError) and cause is not None:
            if not shows_tracebacks(self.config):
                return f"{excinfo.value}\n{HINT}"
            excinfo = pytest.ExceptionInfo.from_exception(cause)
        elif isinstance(excinfo.value, OodError):
            message = escape_controls(str(excinfo.value), keep="\n")
            return f"{type(excinfo.value).__name__}: {message}"
        return _harmless(super().repr_failure(excinfo, style))

    def _traceback_filter(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:
        """Show a user's own exception from where the check begins, without pytest's frames."""
        return excinfo.traceback.cut(path=__file__)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Place the item in the file that configures it."""
        return self.path, 0, self.name


def message_of(error: BaseException) -> str:
    """Return the message of an error: one line, or all lines of an error of this package."""
    from pytest_ood.reports.escaping import escape_controls

    if isinstance(error, NotApplicableError):
        message = escape_controls(str(error), keep="\n")
        return (
            f"{type(error).__name__}: {message}. The gate has a budget "
            "and cannot be measured, which is no pass: take the budget, or the model, out of the "
            "suite, or leave the gate out by name (--deselect, -k)"
        )
    if isinstance(error, OodError):
        return f"{type(error).__name__}: {escape_controls(str(error), keep=chr(10))}"
    line = escape_controls(words_of(error, SHOWN_WIDTH))
    if is_own_fault(error):
        return f"{line} (inside pytest-ood: please report it, with the traceback)"
    return line


def is_own_fault(error: BaseException) -> bool:
    """Return whether an exception that nobody raised on purpose comes from this package's lines."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or isinstance(error, MemoryError | RecursionError):
        return False
    return PACKAGE in Path(last.tb_frame.f_code.co_filename).parents and isinstance(
        error, Exception
    )


def shows_tracebacks(config: pytest.Config) -> bool:
    """Return whether the user asked for tracebacks in full."""
    return (
        config.get_verbosity() >= FULL_VERBOSITY
        or config.getoption("fulltrace", default=False)
        or config.getoption("tbstyle", default="auto") in ("long", "native")
    )


def _harmless(shown: Any) -> Any:
    """Take escape sequences out of a traceback: what a model raises may quote an example."""
    from pytest_ood.reports.escaping import escape_controls

    for traceback, crash, _ in getattr(shown, "chain", ()):
        for entry in traceback.reprentries:
            entry.lines = [escape_controls(line, keep="\n\t") for line in entry.lines]
        if crash is not None:
            crash.message = escape_controls(crash.message, keep="\n\t")
    return shown


def process(config: pytest.Config) -> str:
    """Return xdist's name of this worker, or "main"."""
    worker: dict[str, str] = getattr(config, "workerinput", {})
    return worker.get("workerid", "main")
