from __future__ import annotations

import json

import pytest

CHECKS = {
    "pyproject.toml::reviews/in-distribution[sturdy]": "passed",
    "pyproject.toml::reviews/domain/lamps[sturdy]": "passed",
    "pyproject.toml::reviews/noise/keyboard[sturdy]": "passed",
    "pyproject.toml::reviews/adversarial/greedy-characters[sturdy]": "failed",
    "pyproject.toml::reviews/in-distribution[frail]": "passed",
    "pyproject.toml::reviews/domain/lamps[frail]": "passed",
    "pyproject.toml::reviews/domain/lamps[frail-vs-sturdy]": "passed",
    "pyproject.toml::reviews/noise/keyboard[frail]": "failed",
    "pyproject.toml::reviews/noise/keyboard[frail-vs-sturdy]": "failed",
    "pyproject.toml::reviews/adversarial/greedy-characters[frail]": "failed",
}


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Read the outcomes of `pytest -rA` lines."""
    words = {"PASSED": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
    found = {}
    for line in result.outlines:
        word, _, rest = line.partition(" ")
        if word in words and "[" in rest:
            found[rest.partition(" - ")[0]] = words[word]
    return found


def test_each_check_is_an_item_that_passes_or_fails(project: pytest.Pytester) -> None:
    """Every model and shift gives an item with a readable id, and a failed budget fails the run."""
    result = project.runpytest_inprocess("--ood-suite", "-rA")
    assert outcomes(result) == CHECKS
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failure_tells_all_there_is_to_know(project: pytest.Pytester) -> None:
    """A failed item gives accuracies, drop, interval, budget, n, seed, flips and how to rerun."""
    result = project.runpytest_inprocess("--ood-suite", "-k", "keyboard and frail and not vs")
    result.stdout.fnmatch_lines(
        [
            "fail: frail under noise/keyboard: above *",
            "  p = *; among the 10 gates of the run at most *",
            "  accuracy 100.0 in distribution, * under the shift",
            "  drop * points, 90% interval [[]*] (same examples, paired); budget: at most 10.0*",
            "  n = 300, seed 0",
            "  3 of * that flipped:",
            "      before, answered negative: Number *",
            "      after, answered positive: Number *",
            "again: pytest --ood-suite --ood-only reviews/noise/keyboard --ood-model frail *",
        ]
    )


def test_the_tables_and_the_answer_are_shown(project: pytest.Pytester) -> None:
    """The run ends with models as columns, shifts as rows, and the answer in one sentence."""
    result = project.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(
        [
            "ood: seed 0, suites: reviews, models: sturdy, frail",
            "*sturdy (baseline)*frail",
            "*fine-tuned*prompted",
            "in distribution *100.0 *pass *100.0 *pass",
            " lamps*pass*pass",
            " keyboard*pass*FAIL",
            "drop beyond that of sturdy*",
            " keyboard*FAIL",
            "Under domain shift frail (prompted) drops as much as sturdy (fine-tuned)*",
        ]
    )
    text = " ".join(result.outlines)
    assert "under noise shift frail (prompted) drops" in text
    assert max(map(len, tables(result))) <= 100


def test_other_tests_are_deselected(project: pytest.Pytester) -> None:
    """Beside the suite, only tests with the marker or a fixture of the plugin run."""
    project.makepyfile(
        """
        import pytest

        def test_plain(): raise AssertionError("must not run")

        @pytest.mark.ood
        def test_marked(): pass

        def test_with_fixture(ood): assert ood.seed == 0
        """
    )
    result = project.runpytest_inprocess("--ood-suite", "-v", "-k", "domain or test_")
    result.assert_outcomes(passed=5, deselected=8)


def test_without_the_option_robustness_tests_skip_with_the_reason(
    project: pytest.Pytester,
) -> None:
    """A plain run skips robustness tests, says why, and runs the others."""
    project.makepyfile(
        """
        import pytest

        def test_plain(): pass

        @pytest.mark.ood
        def test_marked(): raise AssertionError("must not run")

        def test_with_fixture(ood_model, ood_shift, ood_baseline, ood): raise AssertionError
        """
    )
    result = project.runpytest_inprocess("-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["*robustness test: runs with --ood-suite*"])
    assert "ood:" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--collect-only", "--co"])
def test_collect_only_lists_the_checks(project: pytest.Pytester, option: str) -> None:
    """The checks can be listed without asking a model."""
    result = project.runpytest_inprocess("--ood-suite", option, "-q")
    assert [line for line in result.outlines if "[" in line] == list(CHECKS)
    assert not project.path.joinpath("user-cache").exists()


def test_the_usual_selections_work(project: pytest.Pytester) -> None:
    """-k, -x, --lf and --deselect do what they do for any test."""
    project.runpytest_inprocess("--ood-suite", "-k", "lamps and frail").assert_outcomes(
        passed=2, deselected=8
    )
    stopped = project.runpytest_inprocess("--ood-suite", "-x")
    stopped.assert_outcomes(passed=3, failed=1)
    again = project.runpytest_inprocess("--ood-suite", "--lf")
    again.assert_outcomes(failed=1, deselected=9)


def test_junit_carries_the_figures(project: pytest.Pytester) -> None:
    """Each test case of the JUnit file has verdict, n, drop and bounds as properties."""
    project.runpytest_inprocess("--ood-suite", "--junitxml=junit.xml", "--ood-only", "keyboard")
    from xml.etree import ElementTree as ET

    cases = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(project.path / "junit.xml").iter("testcase")  # noqa: S314 - our own
    }
    found = cases["reviews/noise/keyboard[frail]"]
    assert found["ood_verdict"] == "fail"
    assert found["ood_n"] == "300"
    low, value, high = (
        float(found[k] or "nan") for k in ("ood_drop_low", "ood_drop", "ood_drop_high")
    )
    assert 0.1 < low < value < high


def test_two_workers_give_the_report_of_one(project: pytest.Pytester) -> None:
    """With -n 2 the report, the exit status and the tables are those of a serial run."""
    serial = project.runpytest_inprocess("--ood-suite", "--ood-report=serial.json")
    spread = project.runpytest_inprocess(
        "--ood-suite", "--ood-report=spread.json", "-n", "2", "--ood-cache=other"
    )
    assert serial.ret == spread.ret == pytest.ExitCode.TESTS_FAILED
    one, two = (project.path.joinpath(name).read_text() for name in ("serial.json", "spread.json"))
    assert json.loads(one) == json.loads(two)
    assert tables(serial) == tables(spread)


def tables(result: pytest.RunResult) -> list[str]:
    """Return the lines of the robustness section."""
    start = next(i for i, line in enumerate(result.outlines) if " robustness " in line)
    end = next(i for i, line in enumerate(result.outlines) if "short test summary" in line)
    return result.outlines[start:end]


LOADED = """
import os

def load(name):
    with open("loaded.txt", "a") as loaded:
        loaded.write(f"{name} {os.getpid()}\\n")

def model(name, word):
    seen = []
    def answer(texts):
        if not seen:
            load(name)
            seen.append(name)
        with open("asked.txt", "a") as asked:
            asked.writelines(f"{name}: {text}\\n" for text in texts)
        return ["negative" if word in text else "positive" for text in texts]
    return answer

first, second, third = (
    model("first", "terrible"), model("second", "dread"), model("third", "dreadf")
)
"""


def test_four_workers_load_each_model_once_and_ask_nothing_twice(project: pytest.Pytester) -> None:
    """With -n 4 no two workers load one model, no input is asked twice, and the report is equal."""
    project.path.joinpath("loaded.py").write_text(LOADED)
    models = "".join(
        f"[tool.pytest_ood.models.{name}]\ncallable = 'loaded:{name}'\nfingerprint = '1'\n"
        for name in ("first", "second", "third")
    )
    project.path.joinpath("pyproject.toml").write_text(
        f"[tool.pytest_ood]\nsuites = ['reviews.toml']\n{models}"
    )
    found = []
    for options in (("-p", "no:xdist"), ("-n", "4")):
        cache = f"--ood-cache={len(found)}"
        project.runpytest_inprocess("--ood-suite", "--ood-report=r.json", cache, *options)
        loaded = project.path.joinpath("loaded.txt").read_text().split("\n")[:-1]
        assert sorted(line.partition(" ")[0] for line in loaded) == ["first", "second", "third"]
        asked = project.path.joinpath("asked.txt").read_text().splitlines()
        found.append((json.loads(project.path.joinpath("r.json").read_text()), sorted(asked)))
        for name in ("loaded.txt", "asked.txt"):
            project.path.joinpath(name).unlink()
    assert found[0] == found[1]


def test_the_suite_needs_no_other_plugin(project: pytest.Pytester) -> None:
    """Strict about markers and without xdist, the checks are collected all the same."""
    result = project.runpytest_inprocess(
        "--ood-suite", "--strict-markers", "-p", "no:xdist", "--ood-only=domain"
    )
    result.assert_outcomes(passed=3)


def test_workers_by_group_keep_a_model_together(project: pytest.Pytester) -> None:
    """With --dist loadgroup the figures are the same, and every check is reported once."""
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-report=report.json", "-n", "2", "--dist", "loadgroup"
    )
    report = json.loads(project.path.joinpath("report.json").read_text())
    assert len(report["evaluations"]) == 6
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_cached_run_asks_no_model(project: pytest.Pytester) -> None:
    """The second run takes every answer from the store; --ood-no-cache asks anew."""
    project.path.joinpath("counted.py").write_text(
        "from pathlib import Path\n"
        "def answer(texts):\n"
        "    with Path('calls.txt').open('a') as calls:\n"
        "        calls.write(f'{len(texts)}\\n')\n"
        "    return ['negative' if 'terrible' in t else 'positive' for t in texts]\n"
    )
    project.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['reviews.toml']\n"
        "[tool.pytest_ood.models.counted]\ncallable = 'counted:answer'\nfingerprint = '1'\n"
    )
    calls = project.path / "calls.txt"
    project.runpytest_inprocess("--ood-suite")
    asked = calls.read_text()
    project.runpytest_inprocess("--ood-suite")
    assert calls.read_text() == asked
    project.runpytest_inprocess("--ood-suite", "--ood-no-cache")
    assert calls.read_text() == asked + asked
