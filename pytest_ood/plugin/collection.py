"""Collecting gates and robustness tests, and putting back what other plugins leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ood.plugin.collector import COLLECTOR
from pytest_ood.plugin.secrets import redact_report, redacted
from pytest_ood.plugin.stash import CHOSEN, COLLECTED, FIXTURES, GATE, SKIP_REASON

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from typing import TypeGuard

    from pytest_ood.plugin.items import OodItem


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Put the gates before whatever else the session collects; let no module of tests skip."""
    report = yield
    redact_report(collector.config, report)
    if GATE not in collector.config.stash:
        return report
    if isinstance(collector, pytest.Session) and report.passed:
        from pytest_ood.plugin.items import GateFile
        from pytest_ood.plugin.selection import runs_suites

        if runs_suites(collector.config):
            report.result = [GateFile.of(collector), *report.result]
    if report.skipped:
        from pytest_ood.plugin.skipped_modules import may_hide_gates

        if may_hide_gates(collector):
            report.outcome = "failed"
            what = "folder" if collector.path.is_dir() else "file"
            report.longrepr = (
                f"{reason_of_skip(report)}: this {what} has robustness tests, or may have some, "
                "and with --ood-suite what is skipped is no pass. Give --ignore or --deselect to "
                "leave it out"
            )
    return report


def reason_of_skip(report: pytest.CollectReport | pytest.TestReport) -> str:
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
    """Note every collected item, before any plugin deselects some."""
    if COLLECTED in item.config.stash:
        item.config.stash[COLLECTED].setdefault(item.nodeid, item)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --ood-suite keep robustness tests alone; without it skip them, saying why."""
    if GATE not in config.stash:
        for item in items:
            if is_robustness_test(item):
                item.add_marker(pytest.mark.skip(reason=SKIP_REASON))
        return
    collected = config.stash[COLLECTED].values()
    config.stash[GATE].count_gates(
        sum("ood" in getattr(item, "fixturenames", ()) for item in collected)
    )
    # A gate that is named besides the folder it is in is one gate.
    items[:] = {id(item) if not is_gate(item) else item.nodeid: item for item in items}.values()
    only = bool(config.getoption("ood_only"))
    selected = [item for item in items if is_robustness_test(item, only=only)]
    if len(selected) < len(items):
        remaining = set(selected)
        config.hook.pytest_deselected(items=[item for item in items if item not in remaining])
        items[:] = selected


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put back gates and tests that anything but the user's own options has deselected."""
    config = session.config
    if GATE not in config.stash:
        return
    from pytest_ood.plugin.selection import put_back

    results = config.stash[COLLECTOR]
    only = bool(config.getoption("ood_only"))
    collected = config.stash[COLLECTED].values()
    results.put_back = put_back(session, [i for i in collected if is_robustness_test(i, only=only)])
    results.expect(item.nodeid for item in session.items if is_robustness_test(item))
    results.own_tests = sum(is_robustness_test(item) and not is_gate(item) for item in collected)
    if hasattr(config, "workeroutput"):
        config.workeroutput[CHOSEN] = {
            "put_back": results.put_back,
            "own_tests": results.own_tests,
            "expected": results.expected,
        }


def is_gate(item: pytest.Item) -> TypeGuard[OodItem]:
    """Return whether an item is one of the gates."""
    from pytest_ood.plugin.items import OodItem

    return isinstance(item, OodItem)


def is_robustness_test(item: pytest.Item, *, only: bool = False) -> bool:
    """Return whether an item runs with --ood-suite; --ood-only leaves gates and `ood_shift`."""
    names = getattr(item, "fixturenames", ())
    if only:
        return is_gate(item) or "ood_shift" in names
    return item.get_closest_marker("ood") is not None or not FIXTURES.isdisjoint(names)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With --ood-dry-run show the plan and run nothing."""
    config = session.config
    if GATE not in config.stash or not config.getoption("ood_dry_run"):
        return None
    from pytest_ood.errors import OodError
    from pytest_ood.gate.dry_run import plan_run
    from pytest_ood.reports.plan import render_plan

    try:
        lines = render_plan(plan_run(config.stash[GATE]))
    except OodError as error:
        raise pytest.UsageError(redacted(config, f"pytest-ood: {error}")) from None
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        terminal.section("plan")
        for line in lines:
            terminal.write_line(redacted(config, line))
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
    parametrized = {name.strip() for mark in marks for name in _names(mark.args[0])}
    wanted = [
        name
        for name in ("ood_model", "ood_shift")
        if name in metafunc.fixturenames and name not in parametrized
    ]
    if not wanted or GATE not in metafunc.config.stash:
        return
    gate = metafunc.config.stash[GATE]
    if not gate.evaluators:
        message = f"{' and '.join(wanted)}: `suites = []` leaves no suite to take it from"
        pytest.fail(message, pytrace=False)
    parameters: dict[tuple[tuple[str, str], ...], str] = {}
    for suite in gate.evaluators:
        prefix = f"{suite}-" if len(gate.evaluators) > 1 else ""
        for model in gate.chosen_models(suite) if "ood_model" in wanted else [""]:
            for shift in gate.chosen_shifts(suite) if "ood_shift" in wanted else [None]:
                names = {"ood_model": model, "ood_shift": "" if shift is None else shift.name}
                key = tuple((suite, names[name]) for name in wanted)
                parameters[key] = prefix + "-".join(names[name] for name in wanted)
    metafunc.parametrize(wanted, list(parameters), indirect=True, ids=list(parameters.values()))


def _names(names: str | Sequence[str]) -> Sequence[str]:
    return names.split(",") if isinstance(names, str) else names
