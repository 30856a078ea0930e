"""Counts what makes the code easy or hard to read: sizes, cycles, comments, odd words.

One row for each tree of source code that is named, such as two checkouts of this project, before
and after a change:

    python benchmarks/codebase.py . ../before

Counted are the Python files below `pytest_ood/`, `perturbations/` and `suites/` of each, or all
files of a tree that has none of these. A function's lines are those of its body and signature. A
private function is one whose name starts with one underscore, and is called from one place where
its name stands in one expression besides its definition. A cycle is of imports that run when a
module is imported.
"""

from __future__ import annotations

import argparse
import ast
import io
import keyword
import re
import sys
import tokenize
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDERS = ("pytest_ood", "perturbations", "suites")
LONG_FUNCTION, MANY_POSITIONAL = 100, 6
ODD_WORDS = frozenset(("found", "place", "places", "given", "told", "made", "known", "kept",
                       "asked", "who"))  # fmt: skip
"""Words that code of the field hardly uses for values."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Counts:
    """What was counted in one tree."""

    files: int = 0
    lines: int = 0
    code: int = 0
    comments: int = 0
    skips: int = 0
    many_positional: int = 0
    functions: list[int] = field(default_factory=list)
    classes: list[tuple[int, str, int]] = field(default_factory=list)
    annotated: list[bool] = field(default_factory=list)
    documented: list[bool] = field(default_factory=list)
    private: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    imports: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def add(self, path: Path, module: str) -> None:
        """Count one file."""
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        self.files += 1
        self.lines += text.count("\n")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            self._add_token(token)
        self.code += len({n.lineno for n in ast.walk(tree) if hasattr(n, "lineno")})
        self.imports[module] = set(_imports(tree, module))
        for node in ast.walk(tree):
            self._add_node(node)

    def _add_token(self, token: tokenize.TokenInfo) -> None:
        if token.type == tokenize.COMMENT:
            self.skips += "fmt: skip" in token.string
            self.comments += not re.match(r"# (?:noqa|type:|fmt:)", token.string)
        elif token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            self.words.update(word for word in token.string.lower().split("_") if word)

    def _add_node(self, node: ast.AST) -> None:
        if isinstance(node, FunctionNode):
            self.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            own = [a for a in arguments if a.arg not in ("self", "cls")]
            self.annotated.append(node.returns is not None and all(a.annotation for a in own))
            # The docstring of an overloaded function is on its implementation alone.
            overload = any(ast.unparse(one) == "overload" for one in node.decorator_list)
            if node.name[0] != "_" and not overload:
                self.documented.append(ast.get_docstring(node) is not None)
            elif node.name[0] == "_" and not node.name.startswith("__"):
                self.private[node.name] += 1
        elif isinstance(node, ast.ClassDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            methods = sum(isinstance(item, FunctionNode) for item in node.body)
            self.classes.append((size, node.name, methods))
        elif isinstance(node, ast.Name):
            self.uses[node.id] += 1
        elif isinstance(node, ast.Attribute):
            self.uses[node.attr] += 1
        elif isinstance(node, ast.Call):
            self.many_positional += len(node.args) >= MANY_POSITIONAL

    def row(self) -> list[str]:
        """Return the cells of the table."""
        sizes = sorted(self.functions)
        size, name, methods = max(self.classes)
        once = sum(self.uses[private] == 1 for private in self.private)
        words = sum(self.words.values())
        odd = sum(self.words[word] for word in ODD_WORDS)
        return [
            f"{self.files} / {self.lines / 1000:.1f}k",
            f"{median(sizes):g} / {sizes[int(0.9 * len(sizes))]}",
            str(sum(one > LONG_FUNCTION for one in sizes)),
            f"{name} {size:,} / {methods}",
            f"{_percent(self.annotated)} / {_percent(self.documented)}",
            str(max(map(len, _cycles(_graph(self.imports))), default=0)),
            f"{100 * self.comments / self.code:.1f}",
            f"{100 * once / len(self.private):.0f}",
            str(self.many_positional),
            str(self.skips),
            f"{10_000 * odd / words:.0f}",
        ]


ROWS = (
    "files / lines", "function lines, median / p90", f"functions over {LONG_FUNCTION} lines",
    "largest class: lines / methods", "annotated / public docstrings, %",
    "modules in the largest import cycle", "comments per 100 lines of code",
    "private functions called from one place, %",
    f"calls with {MANY_POSITIONAL} or more positional arguments", "`# fmt: skip`",
    "odd words per 10,000",
)  # fmt: skip


def _percent(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / max(1, len(flags)):.0f}"


def _imports(tree: ast.Module, module: str) -> Iterator[tuple[str, str]]:
    """Yield what a module imports when it is imported itself: a module, and a name out of it."""
    package = module.rpartition(".")[0]
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
            yield from ((base, alias.name) for alias in node.names)


def _graph(imports: dict[str, set[tuple[str, str]]]) -> dict[str, set[str]]:
    """Return which modules each imports; of a package, its module where that is what is named."""
    return {
        module: {whole if (whole := f"{base}.{name}") in imports else base for base, name in named}
        for module, named in imports.items()
    }


def _cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that reach each other (Tarjan 1972, section 4)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    cycles = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in sorted(imports[module] & imports.keys()):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                cycles.append(group)

    for module in sorted(imports):
        if module not in index:
            visit(module)
    return cycles


def files_of(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the Python files of a tree, each with its module's name."""
    own = [root / folder for folder in FOLDERS if (root / folder).is_dir()]
    for folder in own or [root]:
        home = "pytest_ood." if own and folder.name != FOLDERS[0] else ""
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent if own else root).with_suffix("").parts
            if not path.is_symlink() and "__pycache__" not in parts:
                name = ".".join(part for part in parts if part != "__init__")
                yield path, home + name


def main() -> int:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trees", type=Path, nargs="+", help="folders with source code")
    options = parser.parse_args()
    sys.setrecursionlimit(10_000)
    columns = []
    for root in options.trees:
        counts = Counts()
        for path, module in files_of(root):
            counts.add(path, module)
        if not counts.files:
            parser.error(f"{root} has no Python file")
        columns.append(counts.row())
    print(f"| | {' | '.join(map(str, options.trees))} |")
    print(f"|---|{'---|' * len(columns)}")
    for name, *cells in zip(ROWS, *columns, strict=True):
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
