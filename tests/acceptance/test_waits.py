"""How the threads of models wait in a run, and that nothing of it is left afterwards."""

from __future__ import annotations

import os

import pytest

from pytest_ood.utils.threads import SPINS

CONFTEST = """
import os
from pathlib import Path

Path("seen").write_text(os.environ.get("GOMP_SPINCOUNT", "unset"))
"""


@pytest.mark.parametrize(("options", "seen"), [(["--ood-suite"], SPINS), ([], "unset")])
def test_a_run_sets_the_waits_before_anything_is_imported(
    project: pytest.Pytester, options: list[str], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold for what a conftest.py imports, with --ood-suite only, and end with the run."""
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    project.makeconftest(CONFTEST)
    project.runpytest_inprocess(*options, "--ood-only=in-distribution")
    assert project.path.joinpath("seen").read_text() == seen
    assert "GOMP_SPINCOUNT" not in os.environ
