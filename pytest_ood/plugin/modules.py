"""Whether a module that skips as a whole may have robustness tests.

A module that skipped was not imported, so its source is read; a doubtful one counts as having some.
"""

from __future__ import annotations

import ast
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.plugin.selection import left_by_user
from pytest_ood.plugin.stash import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

KNOWN = frozenset({"pytest", "_pytest", "hypothesis", *sys.stdlib_module_names})
"""Modules that bring no fixture, no test and no mark of this plugin into another."""

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
    autouse = any(name in names for name in _autouse(collector))
    return (autouse or not is_plain(text, names)) and _is_left(collector, text)


def is_plain(text: str, names: Collection[str]) -> bool:
    """Return whether the text of a module shows that none of its tests is a robustness test.

    A test is one by a fixture or by the mark. Both may come from another module: by a star, or by
    a name that is used as an argument, a decorator or a base class, or not at all, as the name of a
    fixture is.

    Args:
        text: Of the module.
        names: Of the fixtures that lead to one of this plugin's.
    """
    if TEXT.search(text):
        return False
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    imported = set(_imported(tree))
    if "*" in imported:
        return False
    arguments, used_as_mark = set(), set()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    strings = {value for value in constants if isinstance(value, str)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            signature = node.args
            arguments |= {
                one.arg for one in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)
            }
            used_as_mark |= {_root(decorator) for decorator in node.decorator_list}
        elif isinstance(node, ast.ClassDef):
            used_as_mark |= {_root(part) for part in (*node.bases, *node.decorator_list)}
        elif isinstance(node, ast.Assign) and "pytestmark" in map(_root, node.targets):
            used_as_mark |= {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
    open_ = (imported & (arguments | used_as_mark)) | (imported - used)
    return not open_ and not (arguments | strings) & set(names)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names that come from modules of which nothing is known; "*" for a star."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            harmless = not node.level and (node.module or "").partition(".")[0] in KNOWN
            yield from () if harmless else (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                # A module that is bound to a name is no fixture; its attributes may be marks.
                if alias.name.partition(".")[0] not in KNOWN and _is_used(tree, name):
                    yield name


def _is_used(tree: ast.Module, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _root(node: ast.AST) -> str:
    """Return the name that an expression begins with, such as `a` of `a.b(c)`; "" where none."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def robust_fixtures(session: pytest.Session) -> set[str]:
    """Return the names of all fixtures that lead to one of this plugin's, and these themselves."""
    manager = getattr(session, "_fixturemanager", None)
    uses: dict[str, set[str]] = {}
    for value in vars(manager).values() if manager is not None else ():
        for definition in _definitions(value):
            uses.setdefault(definition.argname, set()).update(definition.argnames)
    names = set(FIXTURES)
    while more := {name for name, used in uses.items() if used & names} - names:
        names |= more
    return names


def _definitions(value: Any) -> Iterator[Any]:
    """Yield the fixture definitions in a private collection of pytest, whatever its type."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _definitions(one)
    elif hasattr(value, "argname") and hasattr(value, "argnames"):
        yield value


def _autouse(collector: pytest.Collector) -> Iterable[str]:
    manager: Any = getattr(collector.session, "_fixturemanager", None)
    names = getattr(manager, "_getautousenames", None)
    return () if names is None else names(collector)


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
