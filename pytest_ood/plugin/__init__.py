"""The pytest plugin: options, items, fixtures, and what is shown and written at the end.

Without --ood-suite it only skips robustness tests; the rest of the package is imported inside the
hooks that need it.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from typing import TypeGuard

    from pytest_ood.analysis.report import Report, Work
    from pytest_ood.assertions import Ood
    from pytest_ood.gate import Gate
    from pytest_ood.models.protocol import Model, RecordedModel, SeededModel
    from pytest_ood.plugin.items import OodItem
    from pytest_ood.redaction import Secrets
    from pytest_ood.reports.tracking import Logged
    from pytest_ood.shifts import Shift
    from pytest_ood.trackers.protocol import Tracker

GATE: pytest.StashKey[Gate] = pytest.StashKey()
COLLECTED: pytest.StashKey[dict[str, pytest.Item]] = pytest.StashKey()
KEEPER: pytest.StashKey[RecordKeeper] = pytest.StashKey()
EARLIER: pytest.StashKey[Earlier | None] = pytest.StashKey()
REPORT: pytest.StashKey[Report] = pytest.StashKey()
FINISHED: pytest.StashKey[bool] = pytest.StashKey()
RECORD: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
OWN_NOTES: pytest.StashKey[list[str]] = pytest.StashKey()
"""What the user's own tests have noted since the last report of a test."""
TRACKERS: pytest.StashKey[Mapping[str, Tracker]] = pytest.StashKey()
LOGGED: pytest.StashKey[list[Logged]] = pytest.StashKey()
SECRETS: pytest.StashKey[Secrets] = pytest.StashKey()

CHOSEN = "ood_chosen"
"""Under what a worker tells which gates and tests it was to run, and what it has put back."""

FIXTURES = frozenset({"ood", "ood_model", "ood_baseline", "ood_shift"})
SKIP_REASON = "robustness test: runs with --ood-suite"
TERMINAL_INTERVAL = 5.0
DEMO = (
    "the built-in demo measures models and data that come with the plugin, none of yours: "
    "[tool.pytest_ood] in pyproject.toml names yours"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all under one prefix."""
    group = parser.getgroup("ood", "robustness under domain shift, noise and attack (pytest-ood)")
    group.addoption(
        "--ood-suite",
        action="store_true",
        help="run the robustness suites and the robustness tests, and nothing else",
    )
    group.addoption(
        "--ood-only",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="only this suite, kind of shift, shift, or suite/kind/shift (repeatable); of your own "
        "tests, those that ask for `ood_shift`",
    )
    group.addoption(
        "--ood-model",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="only this model under test (repeatable)",
    )
    group.addoption(
        "--ood-seed", type=int, metavar="INT", help="seed of samples and perturbations (0)"
    )
    group.addoption(
        "--ood-max-examples",
        type=_count,
        metavar="N",
        help="draw at most N examples from each data set",
    )
    group.addoption(
        "--ood-report",
        type=_filled,
        action="append",
        default=[],
        metavar="PATH",
        help="write the report here; its ending says the form: .json, .html or .md (repeatable)",
    )
    group.addoption(
        "--ood-save",
        type=_filled,
        metavar="NAME",
        help="keep the JSON report as .ood/0001_NAME_COMMIT.json, for later runs to compare with",
    )
    group.addoption(
        "--ood-compare",
        type=_filled,
        metavar="PATH",
        help="compare every model's scores with those of an earlier run, on the same examples: a "
        "JSON report, `latest` or the name of a saved one, or `baseline`, the accepted one",
    )
    group.addoption(
        "--ood-compare-fail",
        type=_filled,
        metavar="BUDGET",
        help="fail where a score dropped by more than this since then, such as drop:2%%",
    )
    group.addoption(
        "--ood-track",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="log the run to this tracker of experiments: mlflow or wandb, each by the extra of "
        "its name (repeatable)",
    )
    group.addoption("--ood-strict", action="store_true", help="an inconclusive verdict fails, too")
    group.addoption(
        "--ood-cache",
        type=_filled,
        metavar="DIR",
        help="where packages, trained models and predictions are kept (the user's cache folder)",
    )
    group.addoption(
        "--ood-no-cache",
        action="store_true",
        help="ask models anew: read and keep no predictions",
    )
    group.addoption(
        "--ood-offline", action="store_true", help="fetch nothing; use what is in the cache"
    )
    group.addoption(
        "--ood-engine",
        choices=("local", "ray"),
        default="local",
        help="where models run: in this process, or on a Ray cluster, which needs the extra `ray`",
    )

    group.addoption(
        "--ood-dry-run",
        action="store_true",
        help="show what each gate could tell and what it would cost; ask no model",
    )


def _count(text: str) -> int:
    import argparse

    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _filled(text: str) -> str:
    import argparse

    if not text.strip():
        raise argparse.ArgumentTypeError(
            "its value is empty; give one, or leave the option out (a variable of the shell or the "
            "CI that is not set?)"
        )
    return text


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer the hooks of hookspecs.py."""
    from pytest_ood import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Refuse a rootdir that is not the project's, and a conftest.py that ends the run green."""
    known = early_config.known_args_namespace
    if not known.ood_suite:
        return (yield)
    from pytest_ood.plugin import exits
    from pytest_ood.plugin.items import told
    from pytest_ood.plugin.rootdir import misled_by

    misled = misled_by(early_config, known.file_or_dir)
    if misled is not None:
        raise pytest.UsageError(f"pytest-ood: {misled}")
    early_config.add_cleanup(exits.guard())
    try:
        return (yield)
    except (SystemExit, pytest.exit.Exception, pytest.skip.Exception) as error:
        raise pytest.UsageError(f"pytest-ood: a conftest.py: {told(error)}") from None


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate together, or refuse a wrong configuration before anything runs."""
    config.addinivalue_line("markers", "ood: a robustness test; it runs with --ood-suite")
    if not config.getoption("ood_suite") or config.option.help:
        return
    from pytest_ood.plugin.items import shows_tracebacks, told

    _keep_secrets(config)
    try:
        _configure(config)
    except (KeyboardInterrupt, pytest.UsageError):
        raise
    except BaseException as error:  # noqa: BLE001 - a module of models may raise pytest.skip
        if shows_tracebacks(config):
            shown = "".join(traceback.format_exception(error))
            sys.stderr.write(f"{_redacted(config, shown)}\n")
        raise pytest.UsageError(_redacted(config, f"pytest-ood: {told(error)}")) from None


def _configure(config: pytest.Config) -> None:
    """Check the options and put the gate together."""
    from pytest_ood.errors import OodError
    from pytest_ood.gate import Gate

    try:
        options = _options(config)
        _check_paths(config, options.cache)
    except OSError as error:
        # Such as a name that is too long for a file.
        why = f"{error.filename}: {error.strerror}"
        raise pytest.UsageError(f"--ood-report or --ood-cache: {why}") from None
    except OodError as error:
        raise pytest.UsageError(f"pytest-ood: {error}") from None
    if config.getoption("ood_engine") == "ray" and config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "--ood-engine ray spreads the work by itself, and every process of pytest-xdist would "
            "start a cluster of its own: leave out -n, or say -n 0"
        )
    try:
        config.stash[EARLIER] = _earlier(config)
        gate = Gate(options, _Progress(config), _own_models(config))
        if not hasattr(config, "workerinput"):
            chosen = gate.configuration.trackers
            config.stash[TRACKERS] = chosen.build(config.getoption("ood_track"))
    except OodError as error:
        raise pytest.UsageError(_redacted(config, f"pytest-ood: {error}")) from None
    config.stash[SECRETS] |= gate.secrets
    # The interpreter ends by looking through all objects for garbage, and libraries of models leave
    # 400,000: a second that the exit status would wait for. After this, it looks through none.
    atexit.register(gc.freeze)
    config.stash[GATE], config.stash[COLLECTED] = gate, {}
    # However the run ends; a cluster of its own ends with it.
    config.add_cleanup(gate.close)
    config.stash[KEEPER] = RecordKeeper(config)
    config.pluginmanager.register(config.stash[KEEPER], "ood-records")


STRUCTURE = frozenset(
    (
        "check", "type", "suite", "model", "name", "kind", "shift", "family", "metric",
        "score_name", "baseline", "surrogate", "verdict", "items", "fingerprint", "work",
    )
)  # fmt: skip
"""Of what travels and is reported: the project's own names and figures, by which it is found."""


def _check_paths(config: pytest.Config, cache: Path) -> None:
    """Refuse folders that are none, and reports that cannot be written, before anything runs."""
    from pytest_ood.reports.formats import formats

    if cache.exists() and not cache.is_dir():
        raise pytest.UsageError(f"--ood-cache: {cache} is no folder")
    for path in _report_paths(config):
        if path.suffix not in formats():
            raise pytest.UsageError(
                f"--ood-report {path.name}: unknown kind of report {path.suffix!r}; "
                f"known: {', '.join(formats())}"
            )
        if not path.parent.is_dir():
            raise pytest.UsageError(f"--ood-report: there is no folder {path.parent}")
        if path.is_dir():
            raise pytest.UsageError(f"--ood-report: {path} is a folder; name a file in it")


def _keep_secrets(config: pytest.Config) -> None:
    """Keep what the environment holds of secrets out of every log of the run.

    Those of the models join them once they are known.
    """
    import logging

    from pytest_ood.redaction import secrets_of_environment

    config.stash[SECRETS] = secrets_of_environment(os.environ)
    make = logging.getLogRecordFactory()

    def make_redacted(*arguments: Any, **more: Any) -> logging.LogRecord:
        record = make(*arguments, **more)
        with suppress(Exception):  # a record whose parts do not fit is for `logging` to report
            told = record.getMessage()
            shown = _redacted(config, told)
            if shown != told:
                record.msg, record.args = shown, ()
        if record.exc_info:
            told = logging.Formatter().formatException(record.exc_info)
            shown = _redacted(config, told)
            # Where there is a text already, it is taken.
            record.exc_text = shown if shown != told else None
        return record

    def restore() -> None:
        if logging.getLogRecordFactory() is make_redacted:
            logging.setLogRecordFactory(make)

    logging.setLogRecordFactory(make_redacted)
    config.add_cleanup(restore)


def _redacted(config: pytest.Config, text: str) -> str:
    """Return a text without the secrets of the run; any text without --ood-suite."""
    return config.stash[SECRETS].redact(text) if SECRETS in config.stash else text


def _redact_shown(config: pytest.Config, shown: Any) -> Any:
    """Take secrets out of what pytest shows of an exception, whatever it is made of."""
    if isinstance(shown, str):
        return _redacted(config, shown)
    if isinstance(shown, list | tuple):
        return type(shown)(_redact_shown(config, item) for item in shown)
    if type(shown).__module__.startswith("_pytest."):
        for name, value in vars(shown).items():
            setattr(shown, name, _redact_shown(config, value))
    return shown


def _redact_report(config: pytest.Config, report: Any) -> None:
    """Take the secrets of the run out of a report: it is shown, written, and sent by xdist."""
    if SECRETS in config.stash:
        report.longrepr = _redact_shown(config, report.longrepr)
        report.sections = _redact_shown(config, report.sections)
        if hasattr(report, "user_properties"):
            report.user_properties = config.stash[SECRETS].redact_all(report.user_properties)


@dataclass(frozen=True)
class Earlier:
    """The earlier run that this one is compared with.

    Attributes:
        name: What its report is called.
        report: The report.
        budget: The largest allowed drop of a score since then, or None.
    """

    name: str
    report: Report
    budget: float | None


def _earlier(config: pytest.Config) -> Earlier | None:
    """Read what --ood-compare names, before anything runs.

    Raises:
        OodError: there is no such report, it is damaged, or an option says nothing that is known.
    """
    given, budget = config.getoption("ood_compare"), config.getoption("ood_compare_fail")
    save = config.getoption("ood_save")
    if (given, budget, save) == (None, None, None) or hasattr(config, "workerinput"):
        return None
    from pytest_ood.analysis import releases
    from pytest_ood.analysis.serialization import read_report
    from pytest_ood.reports import archive

    root = _options(config).root
    if save is not None:
        archive.check_save_name(save)
        archive.check_folder(root)
    limit = None if budget is None else releases.parse_budget(budget)
    if given is None:
        if limit is not None:
            raise pytest.UsageError("--ood-compare-fail needs --ood-compare: dropped since when?")
        return None
    path = archive.find(root, given)
    return Earlier(path.name, read_report(path), limit)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where xdist would send tests to whoever is free, or by group, keep each model in one worker.

    By xdist 3.8's own groups it would not: under pytest 9.2 it no longer sees their marks.
    """
    if GATE not in config.stash or config.getoption("dist") not in ("load", "loadgroup"):
        return None
    from pytest_ood.scheduling import ModelScheduling

    gate = config.stash[GATE]
    groups = {check.id: gate.groups[check.model] for check in gate.checks}
    return ModelScheduling(config, log, groups)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Call no run green that ended before it began, as by pytest.exit in a pytest_configure."""
    status = yield
    lists = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
    if not config.getoption("ood_suite") or FINISHED in config.stash:
        return status
    if status != pytest.ExitCode.OK or any(config.getoption(n, default=None) for n in lists):
        return status
    return pytest.ExitCode.TESTS_FAILED


def _own_models(config: pytest.Config) -> Any:
    def models(suite: str, labels: tuple[str, ...]) -> list[Model | RecordedModel]:
        answers = config.hook.pytest_ood_models(suite=suite, labels=labels)
        return [model for answer in answers for model in answer]

    return models


def _options(config: pytest.Config) -> Any:
    from platformdirs import user_cache_path

    from pytest_ood.gate import Options

    given = config.getoption("ood_cache")
    cache = user_cache_path("pytest-ood") if given is None else Path(given)
    return Options(
        root=_project_root(config),
        cache=config.invocation_params.dir / cache,
        only=tuple(config.getoption("ood_only")),
        models=tuple(config.getoption("ood_model")),
        seed=config.getoption("ood_seed"),
        max_examples=config.getoption("ood_max_examples"),
        strict=config.getoption("ood_strict"),
        keep_predictions=not config.getoption("ood_no_cache"),
        offline=config.getoption("ood_offline"),
        plan=config.getoption("ood_dry_run"),
        engine=config.getoption("ood_engine"),
    )


def _project_root(config: pytest.Config) -> Path:
    """Return the nearest folder whose pyproject.toml configures this plugin.

    Looked for upwards from the test paths, then from the file that -c names, from --rootdir, and
    from where pytest was started; without any, it is the latter. A rootdir that nobody named will
    not do: before plugins are known pytest takes the value of an option such as `--ood-cache DIR`
    for a test path.
    """
    from pytest_ood.configuration import is_configured, project_root, refuse_misplaced
    from pytest_ood.gate import demo_file

    here = config.invocation_params.dir
    by_name = config.args_source is not pytest.Config.ArgsSource.INVOCATION_DIR
    named = [here / name.partition("::")[0] for name in config.args] if by_name else []
    # The demo's gates stand under a file of this package, which is part of no project.
    there = [path for path in named if path.exists() and not path.samefile(demo_file())]
    starts = [path if path.is_dir() else path.parent for path in there]
    if config.option.inifilename and config.inipath is not None:
        starts.append(config.inipath.parent)
    if config.option.rootdir:
        starts.append(config.rootpath)
    for start in (*starts, here):
        root = project_root(start)
        if is_configured(root):
            return root
    for start in starts:
        refuse_misplaced(start)
    return here


def _report_paths(config: pytest.Config) -> list[Path]:
    return [config.invocation_params.dir / path for path in config.getoption("ood_report")]


class _Progress:
    """Progress lines past pytest's capture, through the terminal reporter where there is one."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Be silent in any other process, which has no terminal to write to."""
        from pytest_ood.progress import Silent

        return Silent, ()

    def track(self, what: str, total: int, unit: str, *, quick: bool = False) -> Any:
        from pytest_ood.progress import CI_INTERVAL, Lines, Silent

        if self.config.get_verbosity() < -1:
            return Silent().track(what, total, unit, quick=quick)
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        interactive = terminal is not None and terminal.isatty
        interval = TERMINAL_INTERVAL if interactive else CI_INTERVAL
        return Lines(self._write, interval).track(what, total, unit, quick=quick)

    def _write(self, line: str) -> None:
        line = _redacted(self.config, line)
        capture = self.config.pluginmanager.getplugin("capturemanager")
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            if terminal is not None:
                terminal.ensure_newline()
                terminal.write_line(f"ood: {line}")
                terminal.flush()
            else:
                # An xdist worker has no terminal; its standard error is the controller's.
                print(f"ood: {line}", file=sys.__stderr__, flush=True)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the seed, the suites, the models and the cache."""
    if GATE not in config.stash:
        return []
    gate = config.stash[GATE]
    models = dict.fromkeys(name for suite in gate.evaluators for name in gate.chosen_models(suite))
    told = gate.options.root if gate.configured else "none, the built-in demo"
    suites, names = (", ".join(found) or "none" for found in (gate.evaluators, models))
    return [
        f"ood: configuration {told}",
        *([f"ood: {DEMO}"] if gate.is_demo else []),
        f"ood: seed {gate.seed}, suites: {suites}, models: {names}",
        f"ood: cache {gate.options.cache}",
        *(f"ood: suite {name} is replayed from {f.location}" for name, f in gate.frozen.items()),
    ]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Put the gates before whatever else the session collects; let no module of tests skip."""
    report = yield
    _redact_report(collector.config, report)
    if GATE not in collector.config.stash:
        return report
    if isinstance(collector, pytest.Session) and report.passed:
        from pytest_ood.plugin.items import GateFile
        from pytest_ood.plugin.selection import runs_suites

        if runs_suites(collector.config):
            report.result = [GateFile.of(collector), *report.result]
    if report.skipped:
        from pytest_ood.plugin.modules import may_hide_gates

        if may_hide_gates(collector):
            report.outcome = "failed"
            what = "folder" if collector.path.is_dir() else "file"
            report.longrepr = (
                f"{_reason(report)}: this {what} has robustness tests, or may have some, and with "
                "--ood-suite what is skipped is no pass. Give --ignore or --deselect to leave it "
                "out"
            )
    return report


def _reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Return why something was skipped."""
    shown = report.longrepr
    return str(shown[2]) if isinstance(shown, tuple) else str(shown)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the gates where the file that configures them is named as an argument."""
    if GATE not in parent.config.stash or not parent.session.isinitpath(file_path):
        return None
    if file_path != parent.config.stash[GATE].file:
        return None
    from pytest_ood.plugin.items import GateFile

    return GateFile.of(parent)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note which tests there were before any plugin chose among them."""
    if COLLECTED in item.config.stash:
        item.config.stash[COLLECTED].setdefault(item.nodeid, item)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --ood-suite keep robustness tests alone; without it skip them, saying why."""
    if GATE not in config.stash:
        for item in items:
            if _is_robustness_test(item):
                item.add_marker(pytest.mark.skip(reason=SKIP_REASON))
        return
    there = config.stash[COLLECTED].values()
    config.stash[GATE].count_gates(
        sum("ood" in getattr(item, "fixturenames", ()) for item in there)
    )
    # A gate that is named besides the folder it is in is one gate.
    items[:] = {id(item) if not _is_gate(item) else item.nodeid: item for item in items}.values()
    only = bool(config.getoption("ood_only"))
    kept = [item for item in items if _is_robustness_test(item, only=only)]
    if len(kept) < len(items):
        left = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in left])
        items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put gates and tests back that anything but the user's own options has taken out."""
    config = session.config
    if GATE not in config.stash:
        return
    from pytest_ood.plugin.selection import put_back

    keeper = config.stash[KEEPER]
    only = bool(config.getoption("ood_only"))
    there = config.stash[COLLECTED].values()
    keeper.put_back = put_back(session, [i for i in there if _is_robustness_test(i, only=only)])
    keeper.expect(item.nodeid for item in session.items if _is_robustness_test(item))
    keeper.own_tests = sum(_is_robustness_test(item) and not _is_gate(item) for item in there)
    if hasattr(config, "workeroutput"):
        config.workeroutput[CHOSEN] = {
            "put_back": keeper.put_back,
            "own_tests": keeper.own_tests,
            "expected": keeper.expected,
        }


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note what one of xdist's workers, all of which collect the same, was to run."""
    chosen = getattr(node, "workeroutput", {}).get(CHOSEN)
    if GATE in node.config.stash and chosen is not None:
        keeper = node.config.stash[KEEPER]
        keeper.put_back, keeper.own_tests = chosen["put_back"], chosen["own_tests"]
        # Where a hook emptied what xdist was told.
        keeper.expect(chosen["expected"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Note, where xdist's workers collect, what they are to run."""
    if GATE in node.config.stash:
        node.config.stash[KEEPER].expect(ids)


def _is_gate(item: pytest.Item) -> TypeGuard[OodItem]:
    """Return whether an item is one of the gates."""
    from pytest_ood.plugin.items import OodItem

    return isinstance(item, OodItem)


def _is_robustness_test(item: pytest.Item, *, only: bool = False) -> bool:
    """Tell what runs with --ood-suite; under --ood-only, that is what is about a chosen shift."""
    names = getattr(item, "fixturenames", ())
    if only:
        return _is_gate(item) or "ood_shift" in names
    return item.get_closest_marker("ood") is not None or not FIXTURES.isdisjoint(names)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --ood-dry-run show the plan and run nothing."""
    config = session.config
    if GATE not in config.stash or not config.getoption("ood_dry_run"):
        return None
    from pytest_ood.errors import OodError
    from pytest_ood.planning import plan_run
    from pytest_ood.reports.plan import render_plan

    try:
        lines = render_plan(plan_run(config.stash[GATE]))
    except OodError as error:
        raise pytest.UsageError(_redacted(config, f"pytest-ood: {error}")) from None
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        terminal.section("plan")
        for line in lines:
            terminal.write_line(_redacted(config, line))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let strategies in the user's own tests use the run's cache and the project's folder."""
    if GATE not in item.config.stash:
        return (yield)
    from pytest_ood.evaluation import resources_of
    from pytest_ood.perturbations.resources import using

    with using(resources_of(item.config.stash[GATE].reader)):
        return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each model and shift that it asks for."""
    marks = metafunc.definition.iter_markers("parametrize")
    given = {name.strip() for mark in marks for name in _names(mark.args[0])}
    wanted = [
        name
        for name in ("ood_model", "ood_shift")
        if name in metafunc.fixturenames and name not in given
    ]
    if not wanted or GATE not in metafunc.config.stash:
        return
    gate = metafunc.config.stash[GATE]
    if not gate.evaluators:
        told = f"{' and '.join(wanted)}: `suites = []` leaves no suite to take it from"
        pytest.fail(told, pytrace=False)
    found: dict[tuple[tuple[str, str], ...], str] = {}
    for suite in gate.evaluators:
        prefix = f"{suite}-" if len(gate.evaluators) > 1 else ""
        for model in gate.chosen_models(suite) if "ood_model" in wanted else [""]:
            for shift in gate.chosen_shifts(suite) if "ood_shift" in wanted else [None]:
                names = {"ood_model": model, "ood_shift": "" if shift is None else shift.name}
                key = tuple((suite, names[name]) for name in wanted)
                found[key] = prefix + "-".join(names[name] for name in wanted)
    metafunc.parametrize(wanted, list(found), indirect=True, ids=list(found.values()))


def _names(given: str | Sequence[str]) -> Sequence[str]:
    return given.split(",") if isinstance(given, str) else given


def _gate(config: pytest.Config) -> Gate:
    """Return the gate; a test that comes by its fixtures some other way skips like the others."""
    if GATE not in config.stash:
        pytest.skip(SKIP_REASON)
    return config.stash[GATE]


@pytest.fixture(scope="session")
def ood(pytestconfig: pytest.Config) -> Ood:
    """Robustness assertions: `ood.assert_drop(...)` and `ood.assert_no_less_robust(...)`."""
    from dataclasses import replace

    from pytest_ood.assertions import Ood
    from pytest_ood.plugin.items import shows_tracebacks

    gate = _gate(pytestconfig)
    return Ood(
        gate.engine,
        gate.reader,
        gate.seed,
        replace(gate.rules, sequential=gate.configuration.sequential),
        gate.max_examples,
        None if gate.strict else _inconclusive,
        pytestconfig.stash.setdefault(OWN_NOTES, []).append,
        shows_tracebacks(pytestconfig),
    )


def _inconclusive(explanation: str) -> None:
    from pytest_ood.plugin.items import skipped

    raise skipped(explanation, at_item=False)


@pytest.fixture
def ood_model(request: pytest.FixtureRequest) -> Model | RecordedModel | SeededModel:
    """Each model under test in turn."""
    gate = _gate(request.config)
    suite, name = request.param
    return gate.models[suite][name]


@pytest.fixture
def ood_shift(request: pytest.FixtureRequest) -> Shift:
    """Each shift of the suites in turn."""
    gate = _gate(request.config)
    suite, name = request.param
    return gate.evaluators[suite].suite.shift(name)


@pytest.fixture
def ood_baseline(request: pytest.FixtureRequest) -> Model | RecordedModel | SeededModel:
    """The model marked `baseline = true`."""
    gate = _gate(request.config)
    callspec = getattr(request.node, "callspec", None)
    parameters = {} if callspec is None else callspec.params
    suite = next(
        (parameters[name][0] for name in ("ood_model", "ood_shift") if name in parameters),
        next(iter(gate.evaluators), None),
    )
    if suite is None:
        pytest.fail("ood_baseline: `suites = []` leaves no suite to take it from", pytrace=False)
    name = gate.baselines[suite]
    if name is None:
        pytest.fail(
            f"no model of suite {suite!r} is marked as the baseline; add `baseline = true` to one",
            pytrace=False,
        )
    return gate.models[suite][name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let nothing skip unmeasured; hang the measurement on the report.

    The report travels from xdist's workers to the controller.
    """
    report = yield
    if GATE in item.config.stash:
        _settle_report(item, call, report)
        notes = item.config.stash.get(OWN_NOTES, [])
        if notes:
            vars(report)["ood_notes"] = [_redacted(item.config, note) for note in notes]
            notes.clear()
        _redact_report(item.config, report)
    if GATE in item.config.stash and report.when == "call" and _is_gate(item):
        _show_in_html(item.config, report)
    return report


def _settle_report(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """Make a failure of what was skipped, and hang on a report what came of its gate."""
    from pytest_ood.plugin.items import process, told

    if report.skipped and not _may_skip(item, call, report):
        reason = getattr(report, "wasxfail", None) or _reason(report)
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)
        report.longrepr = (
            f"{reason}: with --ood-suite what is skipped is no pass. Leave it out by -k, -m or "
            "--deselect, or mark the test skip, skipif or xfail"
            if not _is_gate(item)
            else f"{reason}: a gate that is not measured is no pass. Leave it out by --deselect, "
            "-k, --ood-only or --ood-model"
        )
        report.longrepr = item.stash.get(RECORD, {}).get("error", report.longrepr)
    if not _is_gate(item):
        return
    if RECORD not in item.stash and report.failed and call.excinfo is not None:
        # What a hook has raised before the gate was measured.
        item.stash[RECORD] = {
            "check": item.check.id,
            "error": f"not measured: {told(call.excinfo.value)}",
            "work": [process(item.config), {}],
        }
    if RECORD in item.stash and report.when != "teardown":
        record = item.config.stash[SECRETS].redact_all(item.stash[RECORD], STRUCTURE)
        vars(report)["ood_record"] = record


def _show_in_html(config: pytest.Config, report: pytest.TestReport) -> None:
    """Hang the figures on a report as pytest-html shows them: it leaves properties out."""
    if not config.pluginmanager.hasplugin("html"):
        return
    figures = "\n".join(f"{name} = {value}" for name, value in report.user_properties)
    shown = {
        "name": "figures",
        "format_type": "text",
        "content": figures,
        "mime_type": "text/plain",
        "extension": "txt",
    }
    vars(report).setdefault("extras", []).append(shown)


def _may_skip(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """Return whether a skip, or an expected failure, is one that the user has asked for.

    A verdict of this plugin may be inconclusive. A test of the user's own may have marks; of a gate
    that another plugin or a conftest.py has marked, the failure of a measured one may be expected.
    """
    from pytest_ood.plugin.items import VERDICT

    value = None if call.excinfo is None else call.excinfo.value
    if getattr(value, VERDICT, False):
        return True
    if hasattr(report, "wasxfail"):
        measured = not _is_gate(item) or "result" in item.stash.get(RECORD, {})
        return measured and item.get_closest_marker("xfail") is not None
    by_mark = any(item.get_closest_marker(name) is not None for name in ("skip", "skipif"))
    # What pytest raises for a mark is placed at the item, unlike what a fixture or a hook raises.
    return not _is_gate(item) and by_mark and getattr(value, "_use_item_location", False)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Call an inconclusive check by its name rather than skipped."""
    record = getattr(report, "ood_record", None)
    judged = record is not None and "result" in record and not hasattr(report, "wasxfail")
    if (judged or hasattr(report, "ood_release")) and report.skipped:
        return "inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})
    return None


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
        _redact_shown(self.config, excrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Take secrets out of a warning before it is shown."""
        told = str(warning_message.message)
        shown = _redacted(self.config, told)
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
        if _is_rehearsal(config):
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
                _log_case(
                    session.config, pytest.TestReport(name, place, {}, "failed", told, "call")
                )
                continue
            error = "not measured: no report came of it"
            record = {"check": check, "error": error, "work": ["main", {}]}
            _log(session.config, check, "failed", error, record=record)

    def _report_release(self, config: pytest.Config) -> None:
        """Report each score against that of the earlier run, as a test of its own."""
        from pytest_ood.analysis import releases
        from pytest_ood.analysis.serialization import from_json, to_json
        from pytest_ood.errors import OodError
        from pytest_ood.reports.explanation import explain_change
        from pytest_ood.reports.junit import change_properties

        earlier, report = config.stash[EARLIER], _report(config)
        if earlier is None or report is None:
            return
        try:
            release = releases.compare(
                earlier.report,
                # Figures are compared as they are written.
                from_json(to_json(report)),
                earlier.name,
                earlier.budget,
                whole=_is_whole(config),
            )
        except OodError as error:
            name = f"--ood-compare {earlier.name}"
            _log(config, name, "failed", f"{type(error).__name__}: {error}")
            return
        config.stash[REPORT] = replace(report, release=release)
        for change in release.changes:
            if earlier.budget is None:
                return
            outcomes = {"pass": "passed", "inconclusive": "skipped"}
            outcome = outcomes.get(change.verdict, "failed")
            strict = config.stash[GATE].strict and outcome == "skipped"
            _log(
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

        report = _report(config)
        if report is None:
            return
        measured = [key for key in _ordered(config) if "result" in self.records[key]]
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
            _log_case(config, new)


def _is_rehearsal(config: pytest.Config) -> bool:
    """Return whether an option asks to carry nothing out."""
    names = ("collectonly", "setuponly", "setupplan", "ood_dry_run")
    return any(config.getoption(name, default=False) for name in names)


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether every check of the configuration was carried out."""
    options, gate = config.stash[GATE].options, config.stash[GATE]
    chosen = bool(options.only or options.models)
    return not chosen and len(config.stash[KEEPER].records) == len(gate.checks)


def _log(
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
    _log_case(config, report)


def _log_case(config: pytest.Config, report: pytest.TestReport) -> None:
    """Report a call and its teardown, at which JUnit takes the properties and closes the case."""
    import copy

    config.hook.pytest_runtest_logreport(report=report)
    end = copy.copy(report)
    end.when, end.outcome, end.longrepr, end.duration = "teardown", "passed", None, 0.0
    vars(end).pop("ood_record", None)
    config.hook.pytest_runtest_logreport(report=end)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Show the tables and the answer; of a run that was ended, how far it got and how to go on."""
    report = _report(config)
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
    if KEEPER not in config.stash:
        return
    ran = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ran and config.get_verbosity() >= -1 and not _is_rehearsal(config):
        for told in _not_run(config):
            terminalreporter.write_line(f"ood: {told}", yellow=True)
    _show_ending(terminalreporter, config)


def _show_ending(terminalreporter: Any, config: pytest.Config) -> None:
    """Show what became of reports and trackers; of a run that was ended, how far it got."""
    keeper = config.stash[KEEPER]
    if config.stash[GATE].is_demo and config.get_verbosity() >= -1:
        terminalreporter.write_line(f"ood: {DEMO}")
    if not keeper.records and config.get_verbosity() >= -1:
        from pytest_ood.reports.escaping import one_line

        # Where suites were measured, these stand among their notes.
        for note in dict.fromkeys(keeper.own_notes):
            terminalreporter.write_line(f"ood: note: {one_line(note, 400)}")
    if keeper.saved is not None:
        terminalreporter.write_line(f"saved: {keeper.saved}")
    for told in keeper.unwritten:
        terminalreporter.write_line(f"ood: {told}", red=True)
    for logged in config.stash.get(LOGGED, []):
        if logged.failed or config.get_verbosity() >= -1:
            terminalreporter.write_line(f"ood: {logged.line}", yellow=logged.failed)
    if keeper.interrupted:
        terminalreporter.section("interrupted")
        for line in _how_far(config):
            terminalreporter.write_line(line)


def _not_run(config: pytest.Config) -> list[str]:
    """Say how many gates the user's options have left out, and how many plugins would have.

    A robustness test of the user's own is a gate, too.
    """
    from pytest_ood.plugin.selection import HOW

    keeper, gates = config.stash[KEEPER], config.stash[GATE].all_gates
    told = []
    if keeper.put_back:
        told.append(
            f"{keeper.put_back} gates that another plugin had left out were run: only {HOW} "
            "leave gates out"
        )
    own = sum(keeper.check_of(name) is None for name in keeper.expected or ())
    left = sum(check.id not in keeper.records for check in gates) + max(0, keeper.own_tests - own)
    if left and not keeper.interrupted:
        every = len(gates) + max(keeper.own_tests, own)
        told.append(f"{left} of {every} gates were not run: this is no full gate")
    return told


def _how_far(config: pytest.Config) -> list[str]:
    """Say how far a run got that was ended, and how to go on."""
    import shlex

    gate, records = config.stash[GATE], config.stash[KEEPER].records
    done = f"{len(records)} of {len(gate.checks)} checks were carried out"
    kept = "what the models answered is kept"
    if not gate.options.keep_predictions:
        kept = "--ood-no-cache keeps no answers"
    command = shlex.join(["pytest", *map(str, config.invocation_params.args)])
    return [f"{done}; {kept}; no report was written", f"go on with: {command}"]


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
    green = KEEPER in config.stash and session.exitstatus == pytest.ExitCode.OK
    if green and config.stash[KEEPER].missing(config) != []:
        # Somebody has ended the run, by pytest.exit with a status of its own.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    report = _report(config)
    if report is not None and (session.shouldfail or session.shouldstop):
        config.stash[KEEPER].interrupted = True
    if report is None and GATE in config.stash and not _is_rehearsal(config):
        keeper = config.stash[KEEPER]
        keeper.unwritten += [
            f"--ood-report: {path.name} is not written: no gate of a suite has run"
            for path in _report_paths(config)
        ]
    # A report of half a run would be taken for one of all of it.
    if report is None or config.stash[KEEPER].interrupted:
        return
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    paths, name = _report_paths(config), config.getoption("ood_save")
    trackers = config.stash[TRACKERS]
    if not (paths or name or summary or trackers):
        return
    from pytest_ood.analysis.serialization import from_json, to_json

    # Every format is written from the figures of the JSON report, as if it was read again.
    report = from_json(to_json(report))
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
    """Write what was asked for, and add to the summary of a step of GitHub Actions.

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
    keeper = config.stash[KEEPER]
    for path in paths:
        try:
            formats.write(path, report)
        except OodError as error:
            keeper.unwritten.append(f"--ood-report: {error}")
    if name is not None:
        try:
            keeper.saved = archive.save(config.stash[GATE].options.root, name, report)
        except OodError as error:
            keeper.unwritten.append(f"--ood-save: {error}")
    if keeper.unwritten:
        # Whoever asked for a report waits for it; what the run has found is shown all the same.
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
    if summary:
        try:
            formats.add_to_summary(Path(summary), report)
        except OodError as error:
            # What the run has found does not hang on whether GitHub shows it.
            keeper.unwritten.append(str(error))


def _ordered(config: pytest.Config) -> list[str]:
    """Return the ids of the checks that were carried out, in their order."""
    checks, records = config.stash[GATE].checks, config.stash[KEEPER].records
    return [check.id for check in checks if check.id in records]


def _report(config: pytest.Config) -> Report | None:
    """Return the report of the run, built once all gates are known; None where there is nothing."""
    if GATE not in config.stash or not config.stash[KEEPER].records:
        return None
    if REPORT not in config.stash:
        config.stash[REPORT] = _build_report(config)
    return config.stash[REPORT]


def _build_report(config: pytest.Config) -> Report:
    """Build the report of the results so far, in the order of the checks."""
    from pytest_ood.analysis.report import CheckError, FrozenFile, build_report
    from pytest_ood.evaluation import ModelInfo, adjust_verdicts, from_record

    gate, keeper = config.stash[GATE], config.stash[KEEPER]
    ordered = [keeper.records[key] for key in _ordered(config)]
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
