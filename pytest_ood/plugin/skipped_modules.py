"""Whether a module that skips as a whole may have robustness tests that the user wants."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from pytest_ood.plugin.selection import left_by_user
from pytest_ood.plugin.source_check import always_used, is_plain, robust_fixtures

TEXT = re.compile(r"\bood\b|\bpytest_ood\b|\bood_(model|shift|baseline)\b")
MARKS = re.compile(r"\bmark\.(\w+)")


def may_hide_gates(collector: pytest.Collector) -> bool:
    """Return whether a collector that skipped may have robustness tests that the user wants.

    Only -k, -m and --deselect say otherwise; what --ignore names is not collected at all.
    """
    try:
        text = collector.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # A folder whose conftest.py skips: its modules were not collected.
        return _is_left(collector, "")
    if not isinstance(collector, pytest.Module | pytest.Class):
        return TEXT.search(text) is not None and _is_left(collector, text)
    names = robust_fixtures(collector.session)
    plain = is_plain(text, names) and names.isdisjoint(always_used(collector))
    return not plain and _is_left(collector, text)


class _Test(pytest.Item):
    """Stands for a test that the text of a module has, or may have."""

    def runtest(self) -> None:
        """Never run."""
        raise NotImplementedError


def _is_left(collector: pytest.Collector, text: str) -> bool:
    """Return whether -k, -m and --deselect leave any test that a skipped module may have.

    Each name of a function or class stands for one, with no mark, and with those that the text has.
    """
    names = re.findall(r"^\s*(?:async\s+)?(?:def|class)\s+(\w+)", text, re.MULTILINE)
    marks = ["ood", *dict.fromkeys(MARKS.findall(text))]
    tests: list[pytest.Item] = []
    for name in dict.fromkeys((*names, "test")):
        for chosen in ([], marks, *([mark] for mark in marks)):
            test: pytest.Item = _Test.from_parent(collector, name=name)
            for mark in chosen:
                # Under --strict-markers one that is not registered fails.
                with suppress(pytest.fail.Exception):
                    test.add_marker(mark)
            tests.append(test)
    # --lf needs no check: it collects only the files of tests that failed.
    return bool(left_by_user(collector.session, tests, last_failed=False))
