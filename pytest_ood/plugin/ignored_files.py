"""Which files --ood-suite leaves out, unimported: those that hold no robustness test.

`tests` in [tool.pytest_ood] names the files and folders that hold some. Without it the source of
each file decides, so that a run neither waits for the imports of all other tests nor fails by their
errors.
"""

from __future__ import annotations

import inspect
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from pytest_ood.errors import ConfigurationError
from pytest_ood.plugin.source_check import always_used, gives_mark, is_plain, robust_fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CONFTEST = "conftest.py"


class IgnoredFiles:
    """A plugin of runs with --ood-suite, which decides what is left out of the collection."""

    def __init__(self, config: pytest.Config, root: Path, tests: Sequence[str] | None) -> None:
        """Keep what decides.

        Args:
            config: The configuration of the run.
            root: The project's folder.
            tests: Files and folders, or patterns of them, from there; None if the source decides.

        Raises:
            ConfigurationError: a name or a pattern in `tests` stands for no file and no folder.
        """
        self._files: set[Path] = set()
        self._config = config
        self._named = None if tests is None else [p for name in tests for p in _named(root, name)]
        self._plain: dict[tuple[Path, frozenset[str]], bool] = {}
        self._marking: dict[object, bool] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> pytest.CollectReport | None:
        """Collect nothing from what is left out, and import neither it nor its conftest.py."""
        if not self._leaves_out(collector):
            return None
        return pytest.CollectReport(collector.nodeid, "passed", None, [])

    def pytest_report_collectionfinish(self) -> str | list[str]:
        """Say how many files were left out by their source."""
        count = len(self._files)
        if not count:
            return []
        if count == 1:
            return "ood: 1 file of tests was not imported: by its source it has no robustness test"
        return (
            f"ood: {count} files of tests were not imported: by their source they have no "
            "robustness test"
        )

    def _leaves_out(self, collector: pytest.Collector) -> bool:
        """Return whether a module, or a folder with all that is in it, is not collected.

        When it is asked, the fixtures of the folders above it are known.
        """
        path = collector.path
        is_folder = isinstance(collector, pytest.Directory)
        if not isinstance(collector, pytest.Directory | pytest.Module) or (
            collector.session.isinitpath(path, with_parents=True)
        ):
            return False
        if self._named is not None:
            path = path.resolve()
            inside = any(path == name or name in path.parents for name in self._named)
            return not inside and not any(path in name.parents for name in self._named)
        names = frozenset(robust_fixtures(collector.session))
        if self._may_be_marked() or not names.isdisjoint(always_used(collector)):
            return False
        if is_folder:
            return not self._has_other_collectors() and self._is_plain_folder(path, names)
        return self._is_plain_file(path, names)

    def _is_plain_folder(self, folder: Path, names: frozenset[str]) -> bool:
        """Return whether no file below a folder may hold a robustness test."""
        ignored = self._config.hook.pytest_ignore_collect
        return all(
            ignored(collection_path=path, config=self._config) or self._is_plain_folder(path, names)
            if path.is_dir()
            else self._is_plain_file(path, names)
            for path in _entries(folder)
            if path.is_dir() or path.name == CONFTEST or self._is_of_tests(path)
        )

    def _is_plain_file(self, path: Path, names: frozenset[str]) -> bool:
        """Return whether a file shows that it holds no robustness test, nor fixtures for some."""
        if (path, names) not in self._plain:
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                return False
            self._plain[path, names] = is_plain(text, names)
        plain = self._plain[path, names]
        # It may be asked about again, when more fixtures are known.
        self._files.discard(path)
        if plain and self._is_of_tests(path):
            self._files.add(path)
        return plain

    def _is_of_tests(self, path: Path) -> bool:
        patterns = self._config.getini("python_files")
        return path.suffix == ".py" and any(
            fnmatch(str(path) if "/" in pattern else path.name, pattern) for pattern in patterns
        )

    def _has_other_collectors(self) -> bool:
        """Return whether a plugin collects tests from files that are no modules of Python."""
        implementations = self._config.hook.pytest_collect_file.get_hookimpls()
        known = ("_pytest.", "pytest_ood.")
        return not all(_module(i.function).startswith(known) for i in implementations)

    def _may_be_marked(self) -> bool:
        """Return whether a hook of the project's own may give tests the mark."""
        installed = {id(plugin) for plugin, _ in self._config.pluginmanager.list_plugin_distinfo()}
        for plugin in self._config.pluginmanager.get_plugins():
            name = getattr(plugin, "__name__", "")
            own = inspect.ismodule(plugin) and id(plugin) not in installed
            if not own or name.startswith(("_pytest.", "pytest_ood.")):
                continue
            if plugin not in self._marking:
                try:
                    self._marking[plugin] = gives_mark(inspect.getsource(plugin))
                except (OSError, TypeError):
                    self._marking[plugin] = True
            if self._marking[plugin]:
                return True
        return False


def _named(root: Path, name: str) -> list[Path]:
    """Return the files and folders that an entry of `tests` stands for."""
    try:
        # "." is the project itself.
        paths = [root / name] if (root / name).exists() else list(root.glob(name))
    except (OSError, ValueError, NotImplementedError):
        paths = []
    if not paths:
        raise ConfigurationError(
            f"tool.pytest_ood: tests: {name!r} is neither a file nor a folder in {root}, nor a "
            'pattern of some, such as "tests/robustness" or "tests/test_*_robustness.py"'
        )
    return [path.resolve() for path in paths]


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except OSError:
        # Collecting it says what is wrong.
        yield folder / CONFTEST


def _module(function: object) -> str:
    return str(getattr(function, "__module__", ""))
