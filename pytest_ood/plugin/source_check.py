"""What the source of a module of tests shows, unimported: whether it may have robustness tests.

A test is one by a fixture or by the mark `ood`. Where the source leaves it open, it may have some.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from pytest_ood.plugin.stash import FIXTURES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pytest

MARK = "ood"

LIBRARIES = (
    "_pytest", "accelerate", "datasets", "hypothesis", "jinja2", "joblib", "matplotlib", "nlpaug",
    "numpy", "pandas", "pydantic", "pytest", "pytest_ood", "requests", "safetensors", "scipy",
    "sklearn", "tokenizers", "torch", "transformers", "typing_extensions", "yaml",
)  # fmt: skip
KNOWN = frozenset({*LIBRARIES, *sys.stdlib_module_names})
"""Modules that bring no fixture, no test and no mark of this plugin into another."""

OWN_FIXTURES = "pytest_ood.plugin"
"""Where this package itself has fixtures."""

MAKES_NAMES = frozenset({"exec", "eval", "globals", "locals", "modules", "__import__"})
"""By what a module may come by tests that stand nowhere in its source; `sys.modules` is one."""

PLUGINS = "pytest_plugins"


def is_plain(text: str, names: Collection[str]) -> bool:
    """Return whether the text of a module shows that none of its tests is a robustness test.

    Fixtures, marks and tests may come from another module: by a star, by a name that is used as an
    argument, a decorator or a base class, or by one that is not used at all, as the name of a
    fixture is.

    Args:
        text: Of the module.
        names: Of the fixtures that lead to one of this plugin's.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    nodes = list(ast.walk(tree))
    imported = set(_imported(nodes))
    if "*" in imported or _has_hidden_tests(tree, nodes):
        return False
    used = {node.id for node in nodes if isinstance(node, ast.Name) and _is_read(node)}
    imported |= _bound_to(imported, tree)
    arguments, marks = set(_arguments(nodes)), set(_marks(nodes))
    strings = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    if MARK in strings or (arguments | strings) & set(names):
        return False
    return not (imported & (arguments | marks)) and not imported - used


def gives_mark(text: str) -> bool:
    """Return whether the text of a conftest.py, or of a plugin, shows the mark `ood`."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return True
    return any(
        (isinstance(node, ast.Attribute) and node.attr == MARK)
        or (isinstance(node, ast.Constant) and node.value == MARK)
        for node in nodes
    )


def _has_hidden_tests(tree: ast.Module, nodes: Collection[ast.AST]) -> bool:
    """Return whether a module uses the mark, or comes by tests that its source does not show.

    Names may be made while it is imported, by itself or by its functions; or by further plugins.
    """
    read = _read_in(nodes)
    if MARK in read or PLUGINS in read | {n.id for n in nodes if isinstance(n, ast.Name)}:
        return True
    makers = set(MAKES_NAMES)
    if read.isdisjoint(makers):
        return False
    inside: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inside.setdefault(node.name, set()).update(_read_in(ast.walk(node)))
    while more := {name for name, names in inside.items() if names & makers} - makers:
        makers |= more
    return not _read_in(_outside(tree)).isdisjoint(makers)


def _read_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names and attributes that are read."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Name) and _is_read(node):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def _outside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are carried out when a module is imported, and no body of a function."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (*node.decorator_list, node.args):
                yield from ast.walk(part)
        elif not isinstance(node, ast.Lambda):
            yield from _outside(node)


def _imported(nodes: Collection[ast.AST]) -> Iterator[str]:
    """Yield the names that come from modules of which nothing is known; "*" for a star."""
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            harmless = not node.level and _is_known(node.module or "")
            yield from () if harmless else (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                # A module that is bound to a name is no fixture; its attributes may be marks.
                if not _is_known(alias.name) and name in used:
                    yield name


def _is_known(module: str) -> bool:
    own = module == OWN_FIXTURES or module.startswith(f"{OWN_FIXTURES}.")
    return module.partition(".")[0] in KNOWN and not own


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _bound_to(imported: Collection[str], tree: ast.Module) -> set[str]:
    """Return the names of a module, or of its classes, that are bound to something imported."""
    bound: set[str] = set()
    for target, value in _bindings(tree):
        if any(isinstance(n, ast.Name) and n.id in {*imported, *bound} for n in ast.walk(value)):
            bound |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    return bound


def _bindings(scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield what is bound, and to what, outside of functions, in the order of the source."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Assign):
            yield from ((target, node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            yield node.target, node.value
        elif isinstance(node, ast.For):
            yield node.target, node.iter
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield node.optional_vars, node.context_expr
        yield from _bindings(node)


def _arguments(nodes: Collection[ast.AST]) -> Iterator[str]:
    """Yield the names of the arguments of all functions."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            signature = node.args
            for argument in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs):
                yield argument.arg


def _marks(nodes: Collection[ast.AST]) -> Iterator[str]:
    """Yield the names by which tests may be marked, or inherited."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from map(_root, node.decorator_list)
        elif isinstance(node, ast.ClassDef):
            yield from (_root(part) for part in (*node.bases, *node.decorator_list))
        elif isinstance(node, ast.Assign) and "pytestmark" in map(_root, node.targets):
            yield from (part.id for part in ast.walk(node.value) if isinstance(part, ast.Name))


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


def always_used(collector: pytest.Collector) -> set[str]:
    """Return the names of the fixtures that tests of a module or folder use without asking."""
    manager: Any = getattr(collector.session, "_fixturemanager", None)
    names = getattr(manager, "_getautousenames", None)
    settings: list[str] = collector.config.getini("usefixtures")
    return {*settings, *(() if names is None else names(collector))}
