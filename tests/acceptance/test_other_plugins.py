"""The gates beside other plugins: the same verdicts, the same report, the same exit status.

They are in no extra of this package, whose own tests they would shuffle: `.ci/run` installs them
beside its environment.
"""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from typing import Any
from xml.etree import ElementTree as ET

import pytest

PLUGINS = {
    "allure_pytest": ("--alluredir=allure",),
    "randomly": ("--randomly-seed=7",),
    "rerunfailures": ("--reruns=2",),
    "timeout": ("--timeout=300",),
    "pytest_cov": ("--cov=pytest_ood", "--cov-report="),
    "html": ("--html=page.html",),
}
INSTALLED = {entry.name for entry in entry_points(group="pytest11")}

pytestmark = pytest.mark.skipif(
    not INSTALLED.issuperset(PLUGINS), reason=f"needs the plugins {', '.join(PLUGINS)}"
)


def options_of(*used: str) -> list[str]:
    """Return the options of some plugins, the others being switched off."""
    off = [("-p", f"no:{name}") for name in PLUGINS if name not in used]
    return [word for pair in (*off, *(PLUGINS[name] for name in used)) for word in pair]


def measured(project: pytest.Pytester, *options: str) -> tuple[Any, dict[str, int], int]:
    """Run the suite; return its report, the outcomes and the exit status."""
    result = project.runpytest_subprocess(
        "--ood-suite", "--ood-report=r.json", "--junitxml=j.xml", *options
    )
    counts = result.parseoutcomes()
    counts.pop("warnings", None)
    return json.loads(project.path.joinpath("r.json").read_text()), counts, result.ret


@pytest.mark.parametrize("used", [*((name,) for name in PLUGINS), tuple(PLUGINS)], ids="+".join)
def test_another_plugin_changes_nothing(project: pytest.Pytester, used: tuple[str, ...]) -> None:
    """One by one and all together, serially and with all of them on two workers."""
    expected = measured(project, *options_of())
    assert measured(project, *options_of(*used)) == expected
    cases = list(ET.parse(project.path / "j.xml").iter("testcase"))  # noqa: S314 - our own
    assert len(cases) == 10
    if len(used) > 1:
        assert measured(project, *options_of(*used), "-n2") == expected


def test_allure_has_each_gate_with_its_verdict(project: pytest.Pytester) -> None:
    """A gate that does not pass has failed for allure, and is not broken."""
    measured(project, *options_of("allure_pytest"))
    results = [json.loads(p.read_text()) for p in project.path.glob("allure/*-result.json")]
    assert len(results) == 10
    assert sorted(r["status"] for r in results) == ["failed"] * 4 + ["passed"] * 6


def test_the_page_has_the_figures(project: pytest.Pytester) -> None:
    """pytest-html links the figures of every gate."""
    measured(project, *options_of("html"))
    texts = [path.read_text() for path in project.path.glob("assets/*.txt")]
    assert len(texts) == 10
    assert all("ood_verdict = " in text for text in texts)


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["serial", "xdist"])
def test_a_timeout_is_an_error_of_its_gate(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    """pytest-timeout ends one gate, with a reason, and the others are measured."""
    project.path.joinpath("slow.py").write_text(
        "import threading\n"
        "def answer(texts):\n"
        "    if any('lamp' in text for text in texts):\n"
        "        threading.Event().wait(600)\n"
        "    return ['negative' if 'terrible' in text else 'positive' for text in texts]\n"
    )
    project.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['reviews.toml']\n"
        "[tool.pytest_ood.models.m]\ncallable = 'slow:answer'\n"
    )
    report, _, status = measured(project, *options_of("timeout"), *workers, "--timeout=5")
    assert status == pytest.ExitCode.TESTS_FAILED
    (error,) = report["errors"]
    assert error["check"] == "reviews/domain/lamps[m]"
    assert "Timeout" in error["message"]
    assert len(report["evaluations"]) == 2


@pytest.mark.parametrize("method", ["reruns", "force-reruns"])
def test_a_model_that_fails_once_is_not_asked_for_luck(
    project: pytest.Pytester, method: str
) -> None:
    """A gate that could not be measured stays so, however often a test may be run again.

    The model ends the process until it has been asked about one text alone, as it is asked about
    half of the texts again after a failure.
    """
    project.path.joinpath("once.py").write_text(
        "alone = []\n"
        "def answer(texts):\n"
        "    if not alone:\n"
        "        alone.extend(texts if len(texts) == 1 else [])\n"
        "        raise SystemExit('not now')\n"
        "    return ['negative' if 'terrible' in text else 'positive' for text in texts]\n"
    )
    project.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['reviews.toml']\n"
        "[tool.pytest_ood.models.m]\ncallable = 'once:answer'\n"
    )
    report, counts, status = measured(
        project, *options_of("rerunfailures"), f"--{method}=3", "--ood-only=in-distribution"
    )
    assert status == pytest.ExitCode.TESTS_FAILED
    assert len(report["errors"]) == 1
    assert "rerun" not in counts
