"""Hooks for pytest-xdist's controller and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.records import KEEPER
from pytest_ood.plugin.stash import CHOSEN, GATE

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where xdist would send tests to whoever is free, or by group, keep each model in one worker.

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
