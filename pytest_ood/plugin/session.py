"""The start of a run: the gate is built, or a wrong configuration is refused."""

from __future__ import annotations

import atexit
import gc
import sys
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.collector import COLLECTOR, ResultCollector
from pytest_ood.plugin.earlier import EARLIER, earlier_run
from pytest_ood.plugin.options import check_paths, options_of
from pytest_ood.plugin.progress import TerminalProgress
from pytest_ood.plugin.secrets import keep_secrets, redacted
from pytest_ood.plugin.stash import COLLECTED, FINISHED, GATE, SECRETS, TRACKERS

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_ood.models.protocol import Model, RecordedModel


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer the hooks of hookspecs.py."""
    from pytest_ood.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, object, object]:
    """Refuse a rootdir that is not the project's, and a conftest.py that ends the run green."""
    arguments = early_config.known_args_namespace
    if not arguments.ood_suite:
        return (yield)
    from pytest_ood.plugin import exits
    from pytest_ood.plugin.items import message_of
    from pytest_ood.plugin.rootdir import misled_by
    from pytest_ood.utils.threads import short_waits

    misled = misled_by(early_config, arguments.file_or_dir)
    if misled is not None:
        raise pytest.UsageError(f"pytest-ood: {misled}")
    early_config.add_cleanup(exits.guard())
    # Before a conftest.py imports torch.
    waits = ExitStack()
    waits.enter_context(short_waits())
    early_config.add_cleanup(waits.close)
    try:
        return (yield)
    except (SystemExit, pytest.exit.Exception, pytest.skip.Exception) as error:
        raise pytest.UsageError(f"pytest-ood: a conftest.py: {message_of(error)}") from None


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate together, or refuse a wrong configuration before anything runs."""
    config.addinivalue_line("markers", "ood: a robustness test; it runs with --ood-suite")
    if not config.getoption("ood_suite") or config.option.help:
        return
    from pytest_ood.plugin.items import message_of, shows_tracebacks

    keep_secrets(config)
    try:
        _configure(config)
    except (KeyboardInterrupt, pytest.UsageError):
        raise
    except BaseException as error:  # noqa: BLE001 - a module of models may raise pytest.skip
        if shows_tracebacks(config):
            shown = "".join(traceback.format_exception(error))
            sys.stderr.write(f"{redacted(config, shown)}\n")
        raise pytest.UsageError(redacted(config, f"pytest-ood: {message_of(error)}")) from None


def _configure(config: pytest.Config) -> None:
    """Check the options and put the gate together."""
    from pytest_ood.errors import OodError
    from pytest_ood.gate.gate import Gate
    from pytest_ood.plugin.ignored_files import IgnoredFiles

    try:
        options = options_of(config)
        check_paths(config, options.cache)
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
        config.stash[EARLIER] = earlier_run(config)
        gate = Gate(options, TerminalProgress(config), _own_models(config))
        ignored = IgnoredFiles(config, options.root, gate.configuration.tests)
        if not hasattr(config, "workerinput"):
            chosen = gate.configuration.trackers
            config.stash[TRACKERS] = chosen.build(config.getoption("ood_track"))
    except OodError as error:
        raise pytest.UsageError(redacted(config, f"pytest-ood: {error}")) from None
    config.stash[SECRETS] |= gate.secrets
    # The interpreter ends by looking through all objects for garbage, and libraries of models leave
    # 400,000: a second that the exit status would wait for. After this, it looks through none.
    atexit.register(gc.freeze)
    config.stash[GATE], config.stash[COLLECTED] = gate, {}
    # However the run ends; a cluster of its own ends with it.
    config.add_cleanup(gate.close)
    config.stash[COLLECTOR] = ResultCollector(config)
    config.pluginmanager.register(config.stash[COLLECTOR], "ood-records")
    config.pluginmanager.register(ignored, "ood-ignored-files")


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
        """Return the models of all implementations of the hook."""
        answers = config.hook.pytest_ood_models(suite=suite, labels=labels)
        return [model for answer in answers for model in answer]

    return models
