from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = [
    {"plugin", "commands", "__init__", "__main__"},
    {"gate", "assertions"},
    {"reports"},
    {"analysis"},
    {"evaluation"},
    {"suite"},
    {"shifts"},
    {"trials", "strategies"},
    {"inference", "perturbations", "suites"},
    {"models"},
    {"loading", "metrics", "budgets"},
    {"tasks", "statistics"},
    {"data", "trackers"},
    {"languages"},
    {"utils"},
    {"errors"},
]
"""From the top; a module imports from its own layer and from those below."""

HEAVY = {
    "torch", "transformers", "nlpaug", "sklearn", "datasets", "openai", "joblib", "gguf",
    "tokenizers", "accelerate", "huggingface_hub", "pandas", "ray", "pyarrow",
    "mlflow", "wandb", "litellm", "httpx", "sacrebleu", "rouge_score", "babel", "num2words",
    "pypinyin",
}  # fmt: skip


DEV = {
    "playwright", "fastapi", "uvicorn", "mlflow", "wandb", "nox", "flask", "mkdocs", "ray",
    "openai", "litellm", "httpx", "build", "tox", "pre_commit",
}  # fmt: skip
"""What the extra `dev` brings, and `demo` does not."""


def modules() -> list[Path]:
    """Return every module of the package, those of the top-level folders included."""
    folders = ("pytest_ood", "perturbations", "suites")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in paths if "__pycache__" not in path.parts]


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def unit_of(path: Path) -> str:
    """Return the name under which a module stands in LAYERS."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] != "pytest_ood":
        return parts[0]
    return parts[1]


def name_of(path: Path) -> str:
    """Return the name under which a module is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = parts if parts[0] == "pytest_ood" else ("pytest_ood", *parts)
    return ".".join(package).removesuffix(".__init__")


def imports_of(tree: ast.AST) -> list[str]:
    """Return what a tree imports, by full name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.slow
def test_imports_go_one_way() -> None:
    """A module imports from its own layer and the layers below, never from above."""
    heights = {unit: height for height, layer in enumerate(LAYERS) for unit in layer}
    upward = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in imports_of(tree_of(path))
        if (parts := name.split("."))[0] == "pytest_ood"
        and len(parts) > 1
        and heights.get(parts[1], len(LAYERS)) < heights[unit_of(path)]
    ]
    assert upward == []


def test_no_module_imports_itself_through_others() -> None:
    """There is no cycle of imports, those for type checkers and inside functions included."""
    paths = {name_of(path): path for path in modules()}
    imported = {
        name: {
            found
            for full in imports_of(tree_of(path))
            if (found := full if full in paths else full.rpartition(".")[0]) in paths
        }
        - {name}
        for name, path in paths.items()
    }
    # Modules that import nothing which is left are taken away until none is left.
    while leaves := {name for name, names in imported.items() if not names & imported.keys()}:
        imported = {name: names for name, names in imported.items() if name not in leaves}
    assert sorted(imported) == []


def test_the_root_holds_few_modules() -> None:
    """Everything but the entry points and what all of the package uses has a folder."""
    assert len(list((ROOT / "pytest_ood").glob("*.py"))) <= 8


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    """No module imports a heavy package when it is itself imported."""
    for path in modules():
        tree = tree_of(path)
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {name.partition(".")[0] for node in top for name in imports_of(node)}
        assert not names & HEAVY, path


def test_only_the_plugin_imports_pytest() -> None:
    """Pytest itself is imported by the plugin alone."""
    users = {
        unit_of(path)
        for path in modules()
        if any(
            name.partition(".")[0] in ("pytest", "_pytest") for name in imports_of(tree_of(path))
        )
    }
    assert users == {"plugin"}


@pytest.mark.slow
def test_tests_can_be_collected_without_the_dev_extra() -> None:
    """In a clone with the extra `demo` alone, `pytest --ood-suite` collects them on its way."""
    for path in (ROOT / "tests").rglob("*.py"):
        tree = tree_of(path)
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {name.partition(".")[0] for node in top for name in imports_of(node)}
        assert not names & DEV, path.name


def test_a_checkout_without_symbolic_links_is_a_clear_error(tmp_path: Path) -> None:
    """Git leaves files that hold the paths, and importing the package says what to do."""
    package = tmp_path / "pytest_ood"
    package.mkdir()
    (package / "__init__.py").write_bytes((ROOT / "pytest_ood" / "__init__.py").read_bytes())
    for name in ("perturbations", "suites"):
        assert (ROOT / "pytest_ood" / name).is_symlink()
        (package / name).write_text(f"../{name}")
    done = subprocess.run(
        [sys.executable, "-c", "import pytest_ood"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "git config core.symlinks true" in done.stderr
