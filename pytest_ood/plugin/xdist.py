"""Hooks for pytest-xdist's controller and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.collector import COLLECTOR
from pytest_ood.plugin.stash import CHOSEN, GATE

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each model in one worker, where xdist would send tests to any free worker.

    By xdist 3.8's own groups it would not: under pytest 9.2 it no longer sees their marks.
    """
    if GATE not in config.stash or config.getoption("dist") not in ("load", "loadgroup"):
        return None
    from pytest_ood.plugin.scheduling import ModelScheduling

    gate = config.stash[GATE]
    groups = {check.id: gate.groups[check.model] for check in gate.checks}
    return ModelScheduling(config, log, groups)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note the expected tests of one of xdist's workers; all workers collect the same."""
    chosen = getattr(node, "workeroutput", {}).get(CHOSEN)
    if GATE in node.config.stash and chosen is not None:
        results = node.config.stash[COLLECTOR]
        results.put_back, results.own_tests = chosen["put_back"], chosen["own_tests"]
        # A hook may have emptied the list that xdist was sent.
        results.expect(chosen["expected"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Note the tests that xdist's workers have collected."""
    if GATE in node.config.stash:
        node.config.stash[COLLECTOR].expect(ids)
