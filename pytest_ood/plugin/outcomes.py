"""The outcome of an item: nothing skips unmeasured, and an inconclusive check has its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.collection import is_gate, reason_of_skip
from pytest_ood.plugin.secrets import STRUCTURE, redact_report, redacted
from pytest_ood.plugin.stash import GATE, OWN_NOTES, RECORD, SECRETS

if TYPE_CHECKING:
    from collections.abc import Generator


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
            vars(report)["ood_notes"] = [redacted(item.config, note) for note in notes]
            notes.clear()
        redact_report(item.config, report)
    if GATE in item.config.stash and report.when == "call" and is_gate(item):
        _show_in_html(item.config, report)
    return report


def _settle_report(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
) -> None:
    """Turn an unmeasured skip into a failure, and add the record of a gate to its report."""
    from pytest_ood.plugin.items import message_of, process

    if report.skipped and not _may_skip(item, call, report):
        reason = getattr(report, "wasxfail", None) or reason_of_skip(report)
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)
        report.longrepr = (
            f"{reason}: with --ood-suite what is skipped is no pass. Leave it out by -k, -m or "
            "--deselect, or mark the test skip, skipif or xfail"
            if not is_gate(item)
            else f"{reason}: a gate that is not measured is no pass. Leave it out by --deselect, "
            "-k, --ood-only or --ood-model"
        )
        report.longrepr = item.stash.get(RECORD, {}).get("error", report.longrepr)
    if not is_gate(item):
        return
    if RECORD not in item.stash and report.failed and call.excinfo is not None:
        # A hook raised before the gate was measured.
        item.stash[RECORD] = {
            "check": item.check.id,
            "error": f"not measured: {message_of(call.excinfo.value)}",
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
        measured = not is_gate(item) or "result" in item.stash.get(RECORD, {})
        return measured and item.get_closest_marker("xfail") is not None
    by_mark = any(item.get_closest_marker(name) is not None for name in ("skip", "skipif"))
    # pytest locates the skip of a mark at the item; of a fixture or hook, where it is raised.
    return not is_gate(item) and by_mark and getattr(value, "_use_item_location", False)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Call an inconclusive check by its name rather than skipped."""
    record = getattr(report, "ood_record", None)
    judged = record is not None and "result" in record and not hasattr(report, "wasxfail")
    if (judged or hasattr(report, "ood_release")) and report.skipped:
        return "inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})
    return None
