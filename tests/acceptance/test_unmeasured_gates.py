"""A gate that was not measured is no pass, whatever kept it from being measured."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

CHECKS = 4
"""Of one model: in distribution, and one shift of each kind."""

ANSWERS = """
import os, sys, unittest
import pytest

class Odd(BaseException): pass

class Wordless(Exception):
    def __str__(self): raise RuntimeError

def throw(error): raise error

def endless(texts): return endless(texts)

def answer(texts):
    return ["negative" if "terrible" in text else "positive" for text in texts]

def answer_or_not(texts):
    if any("lamp" in text for text in texts):
        {what}
    return answer(texts)
"""

ENDS = {
    "importorskip": ("pytest.importorskip('no_such_module')", "Skipped: could not import"),
    "skip": ("pytest.skip('no GPU')", "Skipped: no GPU"),
    "exit": ("pytest.exit('done', returncode=0)", "Exit: done"),
    "xfail": ("pytest.xfail('known')", "XFailed: known"),
    "fail": ("pytest.fail('known')", "Failed: known"),
    "sys.exit": ("sys.exit(0)", "SystemExit: 0"),
    "os._exit": ("os._exit(0)", "SystemExit: os._exit(0) was called"),
    "SkipTest": ("throw(unittest.SkipTest('unit'))", "SkipTest: unit"),
    "GeneratorExit": ("throw(GeneratorExit())", "GeneratorExit"),
    "own BaseException": ("throw(Odd('odd'))", "Odd: odd"),
    "RecursionError": ("endless(texts)", "RecursionError: maximum recursion depth"),
    "MemoryError": ("throw(MemoryError())", "MemoryError"),
    "no words": ("throw(Wordless())", "Wordless: its words cannot be shown"),
    "two lines": ("throw(ValueError('one\\ntwo \\x1b[31m'))", "ValueError: one two \\x1b[31m"),
}


def write(project: pytest.Pytester, code: str, name: str = "answer") -> None:
    """Let a function of one's own be the model under test."""
    project.path.joinpath("mine.py").write_text(code)
    project.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['reviews.toml']\n"
        f"[tool.pytest_ood.models.m]\ncallable = 'mine:{name}'\n"
    )


def good(project: pytest.Pytester) -> None:
    """Let the model under test answer as it should."""
    write(project, ANSWERS.format(what="pass"))


@pytest.mark.parametrize("end", ENDS)
def test_a_model_that_ends_the_test_or_the_run_is_an_error(
    project: pytest.Pytester, end: str
) -> None:
    """The gate fails in one line without a traceback, and every report says so."""
    what, told = ENDS[end]
    write(project, ANSWERS.format(what=what), "answer_or_not")
    reports = [f"--ood-report=r.{kind}" for kind in ("json", "html", "md")]
    result = project.runpytest_inprocess("--ood-suite", "--junitxml=j.xml", *reports)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = result.stdout.str()
    assert told in text
    assert "Traceback" not in text
    assert "return answer(texts)" not in text
    report = json.loads(project.path.joinpath("r.json").read_text())
    # A model that raises for most of what it is asked is asked no more.
    assert report["errors"][0]["check"] == "reviews/domain/lamps[m]"
    assert all(told in error["message"] for error in report["errors"])
    assert len(report["in_distribution"]) == 1
    for name in ("r.html", "r.md"):
        assert told.split(":")[0].split("\n")[0] in project.path.joinpath(name).read_text()
    cases = ET.parse(project.path / "j.xml").iter("testcase")  # noqa: S314 - our own
    failed = {case.attrib["name"] for case in cases if case.find("failure") is not None}
    assert "reviews/domain/lamps[m]" in failed


@pytest.mark.parametrize("option", ["--tb=long", "--tb=native", "-vv", "--full-trace"])
def test_the_traceback_is_shown_on_request(project: pytest.Pytester, option: str) -> None:
    """--tb=long, --tb=native, -vv and --full-trace show where a model went wrong."""
    write(project, ANSWERS.format(what="throw(ValueError('broken'))"), "answer_or_not")
    result = project.runpytest_inprocess("--ood-suite", "--ood-only=domain", option)
    assert "return answer(texts)" not in result.stdout.str()
    assert "in answer_or_not" in result.stdout.str() or "mine.py:" in result.stdout.str()
    short = project.runpytest_inprocess("--ood-suite", "--ood-only=domain")
    short.stdout.fnmatch_lines(["*ValueError: broken (mine.py:*)", "(the traceback: *"])
    assert len(result.outlines) > len(short.outlines) + 10


IMPORTS = {
    "skip": ("import pytest\npytest.importorskip('no_such_module')", "no_such_module"),
    "sys.exit": ("import sys\nsys.exit(0)", "SystemExit: 0"),
    "os._exit": ("import os\nos._exit(0)", "os._exit(0) was called"),
    "exit": ("import pytest\npytest.exit('done', 0)", "done"),
    "error": ("1 / 0", "division by zero"),
}


@pytest.mark.parametrize("kind", IMPORTS)
@pytest.mark.parametrize("where", ["model", "hook", "conftest"])
def test_a_module_that_ends_the_run_when_it_is_imported_is_an_error(
    project: pytest.Pytester, kind: str, where: str
) -> None:
    """Neither a model's module, nor the models' hook, nor a conftest.py ends a run with 0."""
    code, told = IMPORTS[kind]
    if where == "model":
        write(project, f"{code}\n")
    else:
        good(project)
        lines = code.split("\n")
        if where == "hook":
            lines = ["def pytest_ood_models(suite, labels):", *(f"    {line}" for line in lines)]
        project.path.joinpath("conftest.py").write_text("\n".join(lines))
    result = project.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


MARK = (
    "def pytest_collection_modifyitems(items):\n    [i.add_marker(pytest.mark.{}) for i in items]"
)
HOOKS = {
    "setup skips": "def pytest_runtest_setup(item): pytest.skip('no')",
    "setup ends the process": "def pytest_runtest_setup(item): os._exit(0)",
    "call skips": "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_call(item): pytest.skip('')",
    "marks skip": MARK.format("skip(reason='no')"),
    "marks skipif": MARK.format("skipif(True, reason='no')"),
    "marks xfail without running": MARK.format("xfail(run=False)"),
    "protocol": "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_protocol(item): return True",
    "loop": "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): return True",
    "empties": "def pytest_collection_finish(session): session.items.clear()",
}


@pytest.mark.parametrize(
    ("hook", "workers"),
    [*((hook, ()) for hook in HOOKS), ("setup skips", ("-n1",)), ("protocol", ("-n1",))],
)
def test_a_hook_that_keeps_gates_from_being_measured_is_an_error(
    project: pytest.Pytester, hook: str, workers: tuple[str, ...]
) -> None:
    """Whatever a conftest.py or a plugin skips, or leaves out on the way, is in the report."""
    good(project)
    project.path.joinpath("conftest.py").write_text(f"import os, pytest\n{HOOKS[hook]}\n")
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=r.json", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads(project.path.joinpath("r.json").read_text())
    assert len(report["errors"]) == CHECKS
    assert all(error["message"].startswith("not measured: ") for error in report["errors"])
    counts = result.parseoutcomes()
    assert counts.get("failed", 0) + counts.get("errors", 0) == CHECKS


@pytest.mark.parametrize(
    "hook",
    ["pytest_configure(config)", "pytest_sessionstart(session)", "pytest_collection(session)",
     "pytest_collection_modifyitems(items)", "pytest_runtest_setup(item)"],
)  # fmt: skip
def test_no_hook_ends_a_run_green(project: pytest.Pytester, hook: str) -> None:
    """`pytest.exit` with the status 0 ends the run, and not with 0."""
    good(project)
    project.path.joinpath("conftest.py").write_text(
        f"import pytest\ndef {hook}: pytest.exit('enough', returncode=0)\n"
    )
    result = project.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


OWN_TESTS = """
import pytest

def test_first(ood): pass

@pytest.mark.ood
def test_second(): {second}

def test_third(ood): pass
"""
STOPS = {
    "exit in a test": ("pytest.exit('enough', returncode=0)", ""),
    "exit in a hook": (
        "pass",
        "def pytest_runtest_setup(item):\n"
        "    if item.name == 'test_second': pytest.exit('enough', returncode=0)\n",
    ),
    "exit after a test": (
        "pass",
        "def pytest_runtest_teardown(item):\n"
        "    if item.name == 'test_second': pytest.exit('enough', returncode=0)\n",
    ),
    "exit between": ("pass", "def pytest_runtestloop(session): pytest.exit('no', returncode=0)\n"),
    "protocol": (
        "pass",
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_protocol(item): return True if 'second' in item.name else None\n",
    ),
    "loop": (
        "pass",
        "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): return True\n",
    ),
    "empties": ("pass", "def pytest_collection_finish(session): session.items.clear()\n"),
}


@pytest.mark.parametrize(
    ("stop", "workers"),
    [*((stop, ()) for stop in STOPS), ("exit in a test", ("-n1",)), ("protocol", ("-n1",))],
)
def test_own_tests_that_do_not_run_are_no_pass(
    pytester: pytest.Pytester, stop: str, workers: tuple[str, ...]
) -> None:
    """Whatever ends a run with 0, or passes a robustness test over, ends it with another status."""
    second, hook = STOPS[stop]
    pytester.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    pytester.makepyfile(test_own=OWN_TESTS.format(second=second))
    pytester.makeconftest(f"import pytest\n{hook}")
    result = pytester.runpytest_inprocess("--ood-suite", "--junitxml=j.xml", *workers)
    assert result.ret != pytest.ExitCode.OK
    if not workers:
        assert result.ret == pytest.ExitCode.TESTS_FAILED
    if stop in ("protocol", "loop", "empties"):
        result.stdout.fnmatch_lines(["*not run: no report came of it*"])
        cases = ET.parse(pytester.path / "j.xml").iter("testcase")  # noqa: S314 - our own
        failed = {
            (case.attrib["classname"], case.attrib["name"])
            for case in cases
            if case.find("failure") is not None
        }
        assert ("test_own", "test_second") in failed


def test_a_failure_of_a_measured_gate_may_be_expected(project: pytest.Pytester) -> None:
    """Marked xfail, a gate that is measured and fails is an expected failure, not an error."""
    good(project)
    project.path.joinpath("conftest.py").write_text(f"import pytest\n{MARK.format('xfail')}\n")
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    assert result.ret == pytest.ExitCode.OK
    counts = result.parseoutcomes()
    assert counts.get("xfailed", 0) + counts.get("xpassed", 0) == CHECKS
    assert json.loads(project.path.joinpath("r.json").read_text())["errors"] == []


def test_listings_are_no_runs(project: pytest.Pytester) -> None:
    """What only lists or rehearses has nothing to measure, and ends with 0."""
    good(project)
    for option in ("--collect-only", "--setup-plan", "--ood-dry-run", "--markers", "--fixtures"):
        assert project.runpytest_inprocess("--ood-suite", option).ret == pytest.ExitCode.OK


OWN = """
import os, sys, unittest
import pytest

DATA = [(f"it is {'good' if n % 2 else 'bad'} as number {n}", "pn"[n % 2]) for n in range(40)]

def skips(texts): pytest.skip("no GPU")

def breaks(texts): raise ValueError("it broke")

@pytest.fixture
def needs(): return pytest.importorskip("no_such_module")

@pytest.fixture
def known(): pytest.xfail("known")

def test_model_skips(ood): ood.assert_drop(skips, DATA, "keyboard", max_drop=0.5)

def test_model_breaks(ood): ood.assert_drop(breaks, DATA, "keyboard", max_drop=0.5)

def test_fixture_skips(ood, needs): pass

def test_fixture_expects(ood, known): pass

def test_body_skips(ood): pytest.skip("x")

def test_exits(ood): sys.exit(0)

def test_leaves(ood): os._exit(0)

@pytest.mark.skipif(False, reason="mine")
def test_skips_behind_a_mark(ood): pytest.skip("x")

@pytest.mark.ood
class TestCase(unittest.TestCase):
    def test_skips(self): self.skipTest("x")

@pytest.mark.skip(reason="mine")
def test_marked_skip(ood): raise AssertionError

@pytest.mark.skipif(True, reason="mine")
def test_marked_skipif(ood): raise AssertionError

@pytest.mark.xfail(reason="mine")
def test_marked_xfail(ood): raise AssertionError
"""


def test_of_own_tests_only_their_marks_skip(pytester: pytest.Pytester) -> None:
    """A model, a fixture or a test that skips is an error; marks are the user's own choice."""
    pytester.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    pytester.makepyfile(OWN)
    result = pytester.runpytest_inprocess("--ood-suite")
    result.assert_outcomes(failed=7, errors=2, skipped=2, xfailed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    plain = pytester.runpytest_inprocess()
    plain.assert_outcomes(skipped=12)


def test_what_a_model_raises_is_shown_at_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    """An own test shows its own line and the words of the error, and on request the rest."""
    pytester.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    pytester.makepyfile(OWN)
    result = pytester.runpytest_inprocess("--ood-suite", "-k", "model_breaks")
    result.stdout.fnmatch_lines([">*ood.assert_drop(breaks*", "E   *ValueError: it broke (*"])
    assert "engine.py" not in result.stdout.str()
    full = pytester.runpytest_inprocess("--ood-suite", "-k", "model_breaks", "-vv")
    assert "engine.py" in full.stdout.str()


SKIP = "import pytest\npytest.skip('no GPU', allow_module_level=True)\n"
HIDDEN = {
    "named": {"test_it.py": f"{SKIP}def test_it(ood): pass\n"},
    "by a fixture": {
        "conftest.py": "import pytest\n@pytest.fixture\ndef near(ood): return ood\n"
        "@pytest.fixture\ndef gate(near): return near\n",
        "test_it.py": f"{SKIP}def test_it(gate): pass\n",
    },
    "by autouse": {
        "conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef gate(ood): pass\n",
        "test_it.py": f"{SKIP}def test_it(): pass\n",
    },
    "by a star": {"helper.py": f"{SKIP}", "test_it.py": "from helper import *\n"},
    "by a folder": {
        "more/conftest.py": SKIP,
        "more/test_it.py": "def test_it(ood): pass\n",
    },
}


def make(project: pytest.Pytester, files: dict[str, str]) -> None:
    """Write files of a project."""
    for name, text in files.items():
        project.path.joinpath(name).parent.mkdir(exist_ok=True)
        project.path.joinpath(name).write_text(text)
    project.syspathinsert()


@pytest.mark.parametrize("how", HIDDEN)
def test_a_module_of_robustness_tests_may_not_skip(pytester: pytest.Pytester, how: str) -> None:
    """A module that skips when it is imported is an error where it may have robustness tests."""
    make(pytester, {"pyproject.toml": "[tool.pytest_ood]\nsuites = []\n", **HIDDEN[how]})
    pytester.makepyfile(test_other="def test_other(ood): pass")
    result = pytester.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*has robustness tests, or may have some*"])
    left = "more" if how == "by a folder" else "test_it.py"
    for option in (f"--ignore={left}", f"--deselect={left}", "-knot test_it and not more"):
        chosen = pytester.runpytest_inprocess("--ood-suite", option)
        assert chosen.ret == pytest.ExitCode.OK, option
    # What a test of that name may be is not left out by what other tests are called.
    if how == "named":
        assert pytester.runpytest_inprocess("--ood-suite", "-ktest_it or other").ret != 0


def test_a_plain_module_may_skip(pytester: pytest.Pytester) -> None:
    """Tests that are no robustness tests are nothing to a gate, even where they are asked for."""
    code = (
        "import pytest\nlib = pytest.importorskip('no_such_module')\n"
        "@pytest.mark.parametrize('n', [1])\ndef test_it(tmp_path, n): pass\n"
    )
    make(pytester, {"pyproject.toml": "[tool.pytest_ood]\nsuites = []\n", "test_it.py": code})
    pytester.makepyfile(test_other="def test_other(ood): pass")
    result = pytester.runpytest_inprocess("--ood-suite", "test_it.py", "test_other.py")
    result.assert_outcomes(passed=1, skipped=1)


ECE = """
labels = ["negative", "positive"]
[in_distribution]
data = "reviews.jsonl"
id = "id"
[shifts.domain.lamps]
data = "lamps.jsonl"
id = "id"
[budgets]
domain = { ece = { max_drop = 0.05 } }
"""


def test_a_budget_on_what_a_model_does_not_give_is_an_error(project: pytest.Pytester) -> None:
    """A gate on calibration fails for a model without probabilities, and says what to do."""
    good(project)
    project.path.joinpath("reviews.toml").write_text(ECE)
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1, passed=2)
    (error,) = json.loads(project.path.joinpath("r.json").read_text())["errors"]
    assert "needs a probability with every answer" in error["message"]
    assert "take the budget, or the model, out of the suite" in error["message"]
