"""Which gates and tests a run has: those that were named, less those that the user left out."""

from __future__ import annotations

from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

CHOOSERS = ("mark", "main")
"""pytest's own plugins that leave tests out as the user says: -k and -m, and --deselect."""

HOW = "--ood-only, --ood-model, -k, -m, --deselect"


def runs_suites(config: pytest.Config) -> bool:
    """Return whether the suites' gates run whatever else is named.

    They do not where files or single tests were named, and no folder: then nothing runs but those.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return True
    return any(_is_folder(config, argument) for argument in config.args)


def _is_folder(config: pytest.Config, argument: str) -> bool:
    name = argument.partition("::")[0]
    if config.getoption("pyargs"):
        try:
            spec = find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is not None:
            return spec.submodule_search_locations is not None and "::" not in argument
    return (config.invocation_params.dir / name).is_dir()


class _Quiet:
    """A configuration without hook calls, to see what would be deselected."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.hook = SimpleNamespace(pytest_deselected=lambda items: None)  # noqa: ARG005 - a hook

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)


def left_by_user(
    session: pytest.Session, items: Iterable[pytest.Item], *, last_failed: bool = True
) -> list[Any]:
    """Return the gates and robustness tests that the user's own options leave.

    -k, -m and --deselect are asked again, by pytest's own plugins; of --lf, what failed last time.

    Args:
        session: Whose options they are.
        items: What there is.
        last_failed: Whether --lf counts.
    """
    config = session.config
    chosen: list[Any] = list(items)
    for name in CHOOSERS:
        plugin: Any = config.pluginmanager.getplugin(name)
        plugin.pytest_collection_modifyitems(items=chosen, config=_Quiet(config))
    if not last_failed or not config.getoption("lf", default=False) or config.cache is None:
        return chosen
    failed = config.cache.get("cache/lastfailed", {})
    if not failed and config.getoption("last_failed_no_failures", default="all") == "none":
        return []
    failing = [item for item in chosen if item.nodeid in failed]
    # If no failed test was collected, --lf runs all tests.
    return failing if failing or any(item.nodeid in failed for item in session.items) else chosen


def put_back(session: pytest.Session, items: Iterable[pytest.Item]) -> int:
    """Put gates and tests back that another plugin has taken out of a run; return how many.

    A plugin that knows which lines of code a test runs (pytest-testmon), or deals tests out to
    machines (pytest-split), knows nothing of data and models.

    Args:
        session: Whose items they are put to: gates before the others, and tests behind them.
        items: All robustness tests that were collected and --ood-only leaves.
    """
    from pytest_ood.plugin.items import OodItem

    if session.config.getoption("stepwise", default=False):
        # It goes on from what failed last: the user's choice, but not one to be asked again.
        return 0
    remaining = {item.nodeid for item in session.items}
    lost = [item for item in left_by_user(session, items) if item.nodeid not in remaining]
    session.items[:0] = [item for item in lost if isinstance(item, OodItem)]
    session.items += [item for item in lost if not isinstance(item, OodItem)]
    return len(lost)
