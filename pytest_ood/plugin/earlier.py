"""The earlier run that a run is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_ood.plugin.options import options_of

if TYPE_CHECKING:
    from pytest_ood.analysis.report import Report

EARLIER: pytest.StashKey[Earlier | None] = pytest.StashKey()


@dataclass(frozen=True)
class Earlier:
    """The earlier run that this one is compared with.

    Attributes:
        name: The name of its report.
        report: The report.
        budget: The largest allowed drop of a score since then, or None.
    """

    name: str
    report: Report
    budget: float | None


def earlier_run(config: pytest.Config) -> Earlier | None:
    """Read the report that --ood-compare names, before anything runs.

    Raises:
        OodError: there is no such report, it is damaged, or an option has an unknown value.
    """
    path_or_name, budget = config.getoption("ood_compare"), config.getoption("ood_compare_fail")
    save = config.getoption("ood_save")
    if (path_or_name, budget, save) == (None, None, None) or hasattr(config, "workerinput"):
        return None
    from pytest_ood.analysis import releases
    from pytest_ood.analysis.serialization import read_report
    from pytest_ood.reports import archive

    root = options_of(config).root
    if save is not None:
        archive.check_save_name(save)
        archive.check_folder(root)
    limit = None if budget is None else releases.parse_budget(budget)
    if path_or_name is None:
        if limit is not None:
            raise pytest.UsageError("--ood-compare-fail needs --ood-compare: dropped since when?")
        return None
    path = archive.find(root, path_or_name)
    return Earlier(path.name, read_report(path), limit)
