from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = (
    "torch",
    "transformers",
    "nlpaug",
    "sklearn",
    "hypothesis",
    "numpy",
    "scipy",
    "platformdirs",
    "mlflow",
    "wandb",
)


def modules_of_a_plain_run(folder: Path, *options: str) -> set[str]:
    """Return the modules that a plain pytest run loads, as `python -X importtime` tells them.

    It does not list what is loaded by name (the entry point itself), but all that this imports.
    """
    folder.joinpath("test_nothing.py").write_text("def test_nothing(): pass\n")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "-p", "no:hypothesispytest", "-p", "no:xdist", *options],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def test_a_plain_run_pays_for_a_few_small_modules(tmp_path: Path) -> None:
    """A plain start imports the modules with hooks, and none that they need under --ood-suite."""
    with_plugin = modules_of_a_plain_run(tmp_path)
    without = modules_of_a_plain_run(tmp_path, "-p", "no:ood")
    own = {name for name in with_plugin if name.partition(".")[0] == "pytest_ood"}
    plugin = {name for name in own if name.startswith("pytest_ood.plugin")}
    assert own - plugin <= {"pytest_ood", "pytest_ood.plugin.hookspecs"}
    assert "pytest_ood.plugin.hookspecs" in own
    added = {name.partition(".")[0] for name in with_plugin - without}
    assert not added & set(HEAVY)


def test_a_plain_run_prints_and_leaves_nothing(pytester: pytest.Pytester, user_cache: Path) -> None:
    """Without --ood-suite the plugin is silent and makes no folder."""
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert "ood:" not in result.stdout.str()
    assert "robustness" not in result.stdout.str()
    assert not user_cache.exists()
    names = {path.name for path in pytester.path.iterdir()} - {"__pycache__"}
    assert names == {"test_a_plain_run_prints_and_leaves_nothing.py"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import pytest_ood` is cheap; its names are loaded when they are used."""
    code = (
        "import sys, pytest_ood; before = set(sys.modules); pytest_ood.Dataset;"
        f"print([n for n in {HEAVY!r} if n in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_gate_is_put_together_without_scipy_stats() -> None:
    """What a suite run needs at its start does not load scipy.stats, the slowest of its imports."""
    code = "import sys, pytest_ood.gate.gate; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_a_suite_run_does_not_import_hypothesis_for_nothing(project: pytest.Pytester) -> None:
    """Its plugin, which imports all of it at the end, stays where a test has used it."""
    code = "import sys, pytest; pytest.main(sys.argv[1:]); print('hypothesis' in sys.modules)"
    options = ("-p", "no:cacheprovider", "--ood-suite")
    run = project.run(sys.executable, "-c", code, *options, "--ood-only=in-distribution")
    assert run.outlines[-1] == "False"
    project.makepyfile(
        "from hypothesis import given, strategies as st\n"
        "@given(x=st.just(1))\ndef test_it(ood, x):\n    assert x == 2\n"
    )
    run = project.run(sys.executable, "-c", code, *options, "--hypothesis-show-statistics")
    assert run.outlines[-1] == "True"
    run.stdout.fnmatch_lines(["*Hypothesis Statistics*"])


OF_DEVELOPERS = (
    "aiohttp", "build", "datasets", "fastapi", "flask", "mlflow", "mypy", "nox",
    "openai", "playwright", "pyarrow", "ray", "uvicorn", "wandb", "xdist",
)  # fmt: skip
"""What the README's first command does not install."""

WITHOUT = f"""
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OF_DEVELOPERS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Absent())
"""


def test_the_demo_starts_in_a_clone_without_the_tools_of_developers(tmp_path: Path) -> None:
    """The README's first command finds the gates, and no test module that it cannot import."""
    tmp_path.joinpath("without_tools.py").write_text(WITHOUT)
    done = subprocess.run(
        [sys.executable, "-c", "import without_tools, pytest, sys; sys.exit(pytest.main())",
         "-ppytest_ood.plugin", "-pno:cacheprovider", "--ood-suite", "--collect-only", "-q"],
        cwd=ROOT, check=False, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
             "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "sentiment/in-distribution[minilm]" in done.stdout
