"""With --ood-suite only files that may hold robustness tests are imported."""

from __future__ import annotations

import pytest

ROBUST = {
    "a fixture": {"test_it.py": "def test_it(ood): ...\n"},
    "the mark": {"test_it.py": "import pytest\n@pytest.mark.ood\ndef test_it(): ...\n"},
    "a method": {"test_it.py": "class TestIt:\n    def test_it(self, ood_model): ...\n"},
    "a fixture of the folder": {
        "conftest.py": "import pytest\n@pytest.fixture\ndef gate(ood): ...\n",
        "test_it.py": "def test_it(gate): ...\n",
    },
    "a fixture of a fixture, from above": {
        "conftest.py": "import pytest\n@pytest.fixture\ndef gate(ood): ...\n",
        "deep/conftest.py": "import pytest\n@pytest.fixture\ndef mine(gate): ...\n",
        "deep/deeper/test_it.py": "def test_it(mine): ...\n",
    },
    "a fixture for all": {
        "conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef gate(ood): ...\n",
        "test_it.py": "def test_it(): ...\n",
    },
    "a fixture for all of a folder": {
        "deep/conftest.py": "import pytest\n@pytest.fixture(autouse=True)\ndef gate(ood): ...\n",
        "deep/test_it.py": "def test_it(): ...\n",
    },
    "a fixture by the settings": {
        "pytest.ini": "[pytest]\nusefixtures = ood\n",
        "test_it.py": "def test_it(): ...\n",
    },
    "an imported fixture": {
        "shared_fixtures.py": "import pytest\n@pytest.fixture\ndef gate(ood): ...\n",
        "test_it.py": "from shared_fixtures import gate\ndef test_it(gate): ...\n",
    },
    "a fixture from a star": {
        "shared_star.py": "import pytest\n@pytest.fixture\ndef gate(ood): ...\n",
        "conftest.py": "from shared_star import *\n",
        "deep/test_it.py": "def test_it(gate): ...\n",
    },
    "an imported test": {
        "shared_tests.py": "def test_it(ood): ...\n",
        "test_it.py": "from shared_tests import test_it\n",
    },
    "an imported base": {
        "shared_base.py": "class Base:\n    def test_it(self, ood): ...\n",
        "test_it.py": "from shared_base import Base\nclass TestIt(Base): ...\n",
    },
    "an imported mark": {
        "shared_mark.py": "import pytest\nrobust = pytest.mark.ood\n",
        "test_it.py": "from shared_mark import robust\n@robust\ndef test_it(): ...\n",
    },
    "a mark by a hook": {
        "conftest.py": "def pytest_itemcollected(item): item.add_marker('ood')\n",
        "test_it.py": "def test_it(): ...\n",
    },
    "a mark by a plugin of the project": {
        "pytest.ini": "[pytest]\naddopts = -p marking\n",
        "marking.py": "def pytest_itemcollected(item): item.add_marker('ood')\n",
        "test_it.py": "def test_it(): ...\n",
    },
    "made at import": {
        "test_it.py": "exec('def test_it(o' + 'od): ...')\n",
    },
    "a package": {
        "deep/__init__.py": "",
        "deep/test_it.py": "def test_it(ood): ...\n",
    },
}
"""Ways in which a test is a robustness test, by the files that do it."""


def with_files(project: pytest.Pytester, files: dict[str, str]) -> pytest.Pytester:
    """Write files into a folder of the project, those of settings and plugins into the project."""
    for name, text in files.items():
        path = project.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    project.syspathinsert()
    return project


@pytest.mark.parametrize("way", ROBUST)
def test_every_robustness_test_is_collected(project: pytest.Pytester, way: str) -> None:
    """However it becomes one, it runs, and its file's neighbour is not even imported."""
    project.path.joinpath("test_broken.py").write_text("import no_such_package_at_all\n")
    with_files(project, ROBUST[way])
    hidden = "for all" in way or "settings" in way or way.startswith("a mark by")
    if hidden:
        # Whatever is collected would be a robustness test.
        project.path.joinpath("test_broken.py").unlink()
    result = project.runpytest_inprocess("--ood-suite", "-k", "test_it", "-v")
    result.stdout.fnmatch_lines(["*test_it* PASSED*"])
    assert result.ret == pytest.ExitCode.OK
    if not hidden:
        result.stdout.fnmatch_lines(["ood: 1 file of tests was not imported: *"])


PLAIN = {
    "test_broken.py": "import no_such_package_at_all\ndef test_it(): ...\n",
    "deep/conftest.py": "import no_such_package_at_all\n",
    "deep/test_it.py": "def test_it(): ...\n",
    "deep/deeper/test_other.py": "import no_such_package_at_all\ndef test_other(): ...\n",
    "robust/test_gate.py": "def test_gate(ood): ...\n",
}


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two"])
def test_import_errors_of_other_tests_disturb_no_run(
    project: pytest.Pytester, options: tuple[str, ...]
) -> None:
    """Neither a module without robustness tests nor the conftest.py of a folder of them runs."""
    result = with_files(project, PLAIN).runpytest(
        "--ood-suite", "-k", "sturdy and in-distribution or test_gate", *options
    )
    result.assert_outcomes(passed=2)


def test_other_runs_collect_everything(project: pytest.Pytester) -> None:
    """Without --ood-suite nothing is left out."""
    result = with_files(project, PLAIN).runpytest_inprocess()
    result.stdout.fnmatch_lines(["ERROR test_broken.py*"])
    result.stdout.no_fnmatch_line("*not imported: by their source*")


def test_a_named_file_is_collected(project: pytest.Pytester) -> None:
    """What is asked for is imported, whatever its source says."""
    result = with_files(project, PLAIN).runpytest_inprocess("--ood-suite", "test_broken.py")
    result.stdout.fnmatch_lines(["*No module named 'no_such_package_at_all'*"])


def configured(project: pytest.Pytester, tests: str) -> pytest.Pytester:
    """Say in the configuration where robustness tests are."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().replace("[tool.pytest_ood]", f"[tool.pytest_ood]\n{tests}"))
    return with_files(project, PLAIN)


@pytest.mark.parametrize(
    "tests", ['["robust"]', '["robust/test_gate.py"]', '["r*"]', '["**/test_gate.py"]']
)
def test_the_configuration_names_the_files(project: pytest.Pytester, tests: str) -> None:
    """Files, folders and patterns say what is collected, and nothing else is."""
    configured(project, f"tests = {tests}")
    result = project.runpytest_inprocess(
        "--ood-suite", "-k", "sturdy and in-distribution or test_gate"
    )
    result.assert_outcomes(passed=2)


def test_an_empty_list_leaves_the_gates_alone(project: pytest.Pytester) -> None:
    """No test of one's own is collected."""
    configured(project, "tests = []")
    result = project.runpytest_inprocess(
        "--ood-suite", "-k", "sturdy and in-distribution or test_gate"
    )
    result.assert_outcomes(passed=1)


def test_what_is_named_is_imported_whatever_its_source(project: pytest.Pytester) -> None:
    """A list is the user's own word: nothing in it is left out."""
    configured(project, 'tests = ["."]')
    result = project.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(["*No module named 'no_such_package_at_all'*"])


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ('["nowhere"]', "*tests: 'nowhere' is neither a file nor a folder in *"),
        ('["/*"]', "*tests: '/[*]' is neither a file nor a folder in *"),
        ("'robust'", "*tests = 'robust' is not a list of strings*"),
    ],
)
def test_a_wrong_list_is_a_usage_error(project: pytest.Pytester, tests: str, message: str) -> None:
    """A name that stands for nothing would leave robustness tests out in silence."""
    configured(project, f"tests = {tests}")
    result = project.runpytest_inprocess("--ood-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_tests_in_other_files_stay(project: pytest.Pytester) -> None:
    """A plugin of the project that collects tests from data finds its files."""
    with_files(
        project,
        {
            "conftest.py": (
                "import pytest\n"
                "class Case(pytest.Item):\n"
                "    fixturenames = ('ood',)\n"
                "    def runtest(self): ...\n"
                "class Cases(pytest.File):\n"
                "    def collect(self): yield Case.from_parent(self, name='case')\n"
                "def pytest_collect_file(file_path, parent):\n"
                "    if file_path.suffix == '.cases':\n"
                "        return Cases.from_parent(parent, path=file_path)\n"
            ),
            "deep/one.cases": "",
            "deep/test_it.py": "def test_it(): ...\n",
        },
    )
    result = project.runpytest_inprocess(
        "--ood-suite", "-k", "sturdy and in-distribution or one.cases"
    )
    result.assert_outcomes(passed=2)
