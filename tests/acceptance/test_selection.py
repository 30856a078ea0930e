"""What of the gates runs: all, those that are named, less those that the user leaves out."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

NAMES = [
    "reviews/in-distribution[sturdy]",
    "reviews/domain/lamps[sturdy]",
    "reviews/noise/keyboard[sturdy]",
    "reviews/adversarial/greedy-characters[sturdy]",
    "reviews/in-distribution[frail]",
    "reviews/domain/lamps[frail]",
    "reviews/domain/lamps[frail-vs-sturdy]",
    "reviews/noise/keyboard[frail]",
    "reviews/noise/keyboard[frail-vs-sturdy]",
    "reviews/adversarial/greedy-characters[frail]",
]
FILE = "pyproject.toml"
KEYBOARD = [name for name in NAMES if "keyboard" in name]
OWN = {"test_own.py::test_asks", "test_own.py::test_marked", "tests/test_more.py::test_more"}


@pytest.fixture
def mixed(project: pytest.Pytester) -> pytest.Pytester:
    """Add robustness tests of one's own, and a plain one."""
    project.path.joinpath("test_own.py").write_text(
        "import pytest\n"
        "def test_asks(ood): assert ood.seed == 0\n"
        "@pytest.mark.ood\ndef test_marked(): pass\n"
        "def test_plain(): raise AssertionError\n"
    )
    project.mkdir("tests")
    project.path.joinpath("tests/test_more.py").write_text("def test_more(ood): pass\n")
    return project


def ids(*names: str) -> set[str]:
    """Return node ids of gates."""
    return {f"{FILE}::{name}" for name in names}


def collected(run: pytest.RunResult) -> set[str]:
    """Return the node ids that `--collect-only -q` lists."""
    return {line for line in run.outlines if "::" in line and " " not in line}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ids(*NAMES) | OWN),
        ((".",), ids(*NAMES) | OWN),
        (("tests",), ids(*NAMES) | {"tests/test_more.py::test_more"}),
        ((FILE,), ids(*NAMES)),
        (("test_own.py",), {"test_own.py::test_asks", "test_own.py::test_marked"}),
        (("test_own.py::test_asks",), {"test_own.py::test_asks"}),
        ((f"{FILE}::{NAMES[7]}",), ids(NAMES[7])),
        ((f"{FILE}::reviews/noise/keyboard",), ids(*KEYBOARD)),
        ((f"{FILE}::{NAMES[0]}", f"{FILE}::{NAMES[1]}"), ids(*NAMES[:2])),
        ((f"{FILE}::{NAMES[7]}", "test_own.py::test_asks"),
         ids(NAMES[7]) | {"test_own.py::test_asks"}),
        ((".", f"{FILE}::{NAMES[7]}"), ids(*NAMES) | OWN),
        (("tests", f"{FILE}::{NAMES[7]}"), ids(*NAMES) | {"tests/test_more.py::test_more"}),
        ((FILE, "--ood-only=keyboard"), ids(*KEYBOARD)),
        ((f"--deselect={FILE}::reviews/noise", FILE), ids(*NAMES) - ids(*KEYBOARD)),
    ],
)  # fmt: skip
def test_what_is_named_runs(
    mixed: pytest.Pytester, arguments: tuple[str, ...], expected: set[str]
) -> None:
    """Folders, or nothing, have the suites' gates with them; files and tests run alone."""
    run = mixed.runpytest_inprocess("--ood-suite", "--collect-only", "-q", *arguments)
    assert collected(run) == expected


def test_a_test_that_is_named_asks_no_model(mixed: pytest.Pytester) -> None:
    """`pytest --ood-suite test_own.py::test_asks` asks nobody, and says what was not run."""
    for workers in ((), ("-n2",)):
        result = mixed.runpytest_inprocess("--ood-suite", "test_own.py::test_asks", *workers)
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["ood: 10 of 11 gates were not run: this is no full gate"])
        assert "robustness ===" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_gate_that_is_named_runs_alone(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    """A node id is an argument, and the verdict is that of the whole run."""
    whole = project.runpytest_inprocess("--ood-suite", "--ood-report=whole.json")
    assert whole.parseoutcomes()["failed"] == 4
    result = project.runpytest_inprocess(
        "--ood-suite", f"{FILE}::{NAMES[7]}", "--ood-report=one.json", *workers
    )
    result.assert_outcomes(failed=1)
    one, all_ = (
        json.loads(project.path.joinpath(name).read_text()) for name in ("one.json", "whole.json")
    )
    (entry,) = one["evaluations"]
    same = [e for e in all_["evaluations"] if (e["shift"], e["model"]) == ("keyboard", "frail")]
    assert entry["p_fail"] == same[0]["p_fail"]
    assert one["gates"] == all_["gates"]


def test_a_wrong_name_is_a_usage_error(mixed: pytest.Pytester) -> None:
    """A gate that is not there is refused like a test that is not there."""
    result = mixed.runpytest_inprocess("--ood-suite", f"{FILE}::reviews/noise/nothing[frail]")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_the_demo_has_node_ids_that_are_arguments(
    pytester: pytest.Pytester, user_cache: object
) -> None:
    """Where no file configures anything, gates stand under the demo's suite file."""
    del user_cache
    listed = pytester.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    found = sorted(collected(listed))
    assert len(found) > 40
    again = pytester.runpytest_inprocess("--ood-suite", "--collect-only", "-q", found[0])
    # Its path is that from another rootdir: the suite's file lies outside of the project.
    (name,) = collected(again)
    assert name.partition("::")[2] == found[0].partition("::")[2]
    listed.stdout.fnmatch_lines(["ood: the built-in demo measures models and data that come*"])


def test_junit_has_a_class_for_every_gate(mixed: pytest.Pytester) -> None:
    """Name and classname of a test case are both there, those of an earlier run's budget too."""
    mixed.runpytest_inprocess("--ood-suite", "--ood-report=old.json")
    mixed.runpytest_inprocess(
        "--ood-suite", "--junitxml=j.xml", "--ood-compare=old.json", "--ood-compare-fail=drop:2%"
    )
    cases = list(ET.parse(mixed.path / "j.xml").iter("testcase"))  # noqa: S314 - our own
    gates = [case for case in cases if case.attrib["classname"] == FILE]
    assert {case.attrib["name"] for case in gates} >= set(NAMES)
    assert any("since old.json" in case.attrib["name"] for case in gates)
    assert all(case.attrib["classname"] and case.attrib["name"] for case in cases)


LEAVES_OUT = {
    "last": "@pytest.hookimpl(trylast=True)",
    "first": "@pytest.hookimpl(tryfirst=True)",
    "around": "@pytest.hookimpl(wrapper=True, tryfirst=True)",
}


@pytest.mark.parametrize("when", LEAVES_OUT)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["serial", "xdist"])
def test_no_other_plugin_leaves_gates_out(
    project: pytest.Pytester, when: str, workers: tuple[str, ...]
) -> None:
    """What a plugin like pytest-testmon or pytest-split deselects is a gate all the same."""
    before = "    yield\n" if when == "around" else ""
    project.path.joinpath("conftest.py").write_text(
        f"import pytest\n{LEAVES_OUT[when]}\n"
        f"def pytest_collection_modifyitems(items, config):\n{before}"
        "    config.hook.pytest_deselected(items=items[2:])\n    del items[2:]\n"
    )
    result = project.runpytest_inprocess("--ood-suite", *workers)
    counts = result.parseoutcomes()
    assert (counts["failed"], counts["passed"]) == (4, 6)
    result.stdout.fnmatch_lines(["ood: 8 gates that another plugin had left out were run*"])


TAKES_OUT = {
    "shard": "    config.hook.pytest_deselected(items=items[1::2])\n    del items[1::2]\n",
    "all": "    items[:] = []\n",
    "one": "    items[:] = [item for item in items if item.name != 'test_asks']\n",
}


@pytest.mark.parametrize(
    ("what", "when", "workers"),
    [("all", "last", ()), ("one", "first", ()), ("shard", "last", ("-n2",))],
)
def test_no_other_plugin_leaves_own_tests_out(
    mixed: pytest.Pytester, what: str, when: str, workers: tuple[str, ...]
) -> None:
    """The user's own robustness tests are gates like the others, and a plain test is none."""
    mixed.path.joinpath("conftest.py").write_text(
        f"import pytest\n{LEAVES_OUT[when]}\n"
        f"def pytest_collection_modifyitems(items, config):\n{TAKES_OUT[what]}"
    )
    result = mixed.runpytest_inprocess("--ood-suite", "-v", *workers)
    counts = result.parseoutcomes()
    assert (counts["failed"], counts["passed"]) == (4, 9)
    text = result.stdout.str()
    assert "had left out were run" in text
    assert "not run: this is no full gate" not in text
    # What the user leaves out is not put back, whoever else leaves it out.
    chosen = mixed.runpytest_inprocess("--ood-suite", "-k", "test_own and not marked", *workers)
    chosen.assert_outcomes(passed=1, deselected=chosen.parseoutcomes().get("deselected", 0))
    chosen.stdout.fnmatch_lines(["ood: 12 of 13 gates were not run: this is no full gate"])


def test_own_tests_that_the_user_leaves_out_are_counted(mixed: pytest.Pytester) -> None:
    """-k, -m, --deselect and --ood-only leave them out, and the end says how many."""
    for options, left in (
        (("--ood-only=in-distribution",), 11),
        (("-m", "not ood", "-k", "test_asks"), 12),
        (("--deselect=test_own.py", "--ood-only=in-distribution"), 11),
        (("--deselect=test_own.py::test_asks", "-k", "test_own", "-n1"), 12),
    ):
        result = mixed.runpytest_inprocess("--ood-suite", *options)
        result.stdout.fnmatch_lines([f"ood: {left} of 13 gates were not run: this is no full gate"])
        assert "had left out" not in result.stdout.str()


def test_what_failed_last_leaves_own_tests_out(mixed: pytest.Pytester) -> None:
    """--lf runs what failed, gates and own tests; with nothing failed it may run nothing."""
    mixed.path.joinpath("test_own.py").write_text(
        "def test_fails(ood): assert 0\ndef test_passes(ood): pass\n"
    )
    words = ("--ood-suite", "--ood-model=sturdy", "--deselect=pyproject.toml")
    mixed.runpytest_inprocess(*words).assert_outcomes(failed=1, passed=2, deselected=4)
    last = mixed.runpytest_inprocess(*words, "--lf")
    counts = last.parseoutcomes()
    assert (counts["failed"], counts.get("passed", 0)) == (1, 0)
    mixed.path.joinpath("test_own.py").write_text("def test_passes(ood): pass\n")
    mixed.path.joinpath(".pytest_cache/v/cache/lastfailed").unlink()
    none = mixed.runpytest_inprocess("--ood-suite", "--lf", "--lfnf=none")
    assert none.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_what_the_user_leaves_out_stays_out(project: pytest.Pytester) -> None:
    """-k, -m, --deselect, --ood-only and --ood-model count, and the end says that gates lack."""
    for options, left in (
        (("-k", "lamps"), 7),
        (("-m", "not ood"), None),
        (("--deselect", f"{FILE}::reviews/noise"), 3),
        (("--ood-only=domain",), 7),
        (("--ood-model=sturdy",), 6),
        (("-k", "lamps", "--ood-model=frail"), 8),
    ):
        result = project.runpytest_inprocess("--ood-suite", *options)
        if left is None:
            assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
            continue
        result.stdout.fnmatch_lines([f"ood: {left} of 10 gates were not run: this is no full gate"])
        assert "another plugin" not in result.stdout.str()
    assert "not run" not in project.runpytest_inprocess("--ood-suite").stdout.str()


def test_what_failed_last_runs_alone(project: pytest.Pytester) -> None:
    """--lf and --stepwise are the user's words, too; --ff and --nf leave nothing out."""
    project.runpytest_inprocess("--ood-suite")
    last = project.runpytest_inprocess("--ood-suite", "--lf")
    last.assert_outcomes(failed=4, deselected=6)
    last.stdout.fnmatch_lines(["ood: 6 of 10 gates were not run: this is no full gate"])
    first = project.runpytest_inprocess("--ood-suite", "--ff", "--nf")
    first.assert_outcomes(failed=4, passed=6)
    project.runpytest_inprocess("--ood-suite", "--stepwise")
    step = project.runpytest_inprocess("--ood-suite", "--stepwise")
    step.assert_outcomes(failed=1, deselected=3)


def test_a_plugin_that_names_files_leaves_the_gates(project: pytest.Pytester) -> None:
    """A plugin that puts files in place of the test paths (pytest-picked) leaves the gates be."""
    project.makepyfile(test_changed="def test_changed(): pass")
    project.path.joinpath("conftest.py").write_text(
        "def pytest_configure(config): config.args = ['test_changed.py']\n"
    )
    project.runpytest_inprocess("--ood-suite").assert_outcomes(failed=4, passed=6, deselected=1)


def test_without_suites_own_tests_run_alone(mixed: pytest.Pytester) -> None:
    """`suites = []` runs the user's own robustness tests, and names what they cannot have."""
    mixed.path.joinpath(FILE).write_text("[tool.pytest_ood]\nsuites = []\n")
    result = mixed.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    result.assert_outcomes(passed=3, deselected=1)
    result.stdout.fnmatch_lines(["ood: seed 0, suites: none, models: none", "*r.json is not*"])
    mixed.path.joinpath("test_own.py").write_text("def test_models(ood_model): pass\n")
    result = mixed.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ood_model: `suites = []` leaves no suite*"])
    mixed.path.joinpath("test_own.py").write_text("def test_baseline(ood_baseline): pass\n")
    result = mixed.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(["*ood_baseline: `suites = []` leaves no suite*"])
    assert mixed.runpytest_inprocess("--ood-suite", "--ood-dry-run").ret == pytest.ExitCode.OK
