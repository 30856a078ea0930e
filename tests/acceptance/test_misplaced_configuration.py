"""A configuration that is not read is refused: the demo never runs in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

RIGHT = "[tool.pytest_ood] in pyproject.toml"


@pytest.fixture
def folder(pytester: pytest.Pytester, user_cache: Path) -> pytest.Pytester:
    """Make an empty folder to run in."""
    del user_cache
    pytester.mkdir("project")
    return pytester


def listed(folder: pytest.Pytester, path: str, text: str, *arguments: str) -> pytest.RunResult:
    """Write a file, and list the gates of a run in the folder `project`."""
    file = folder.path / "project" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.path / "project")
        return folder.runpytest_inprocess("--ood-suite", "--collect-only", "-q", *arguments)


@pytest.mark.parametrize(
    "table",
    [
        "tool.pytest-ood", "tool.pytest_odd", "tool.pytest_oood", "tool.pytestood", "tool.ood",
        "tool.Pytest_OOD", "pytest_ood", "pytest-ood", "ood", "tool.pytest.ood",
        "tool.pytest.ini_options.ood", "tool.pytest-ood.models.mine", "tool.pytst_ood",
    ],
)  # fmt: skip
@pytest.mark.parametrize("configured", [False, True], ids=["alone", "beside the right one"])
def test_a_table_of_nearly_the_right_name_is_refused(
    folder: pytest.Pytester, table: str, *, configured: bool
) -> None:
    """The error names the table that is there and the one that is right."""
    right = "[tool.pytest_ood]\nsuites = []\n" if configured else ""
    result = listed(folder, "pyproject.toml", f"{right}[{table}]\nsuites = ['mine.toml']\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    shown = ".".join(table.split(".")[:4])
    text = result.stderr.str()
    assert f"[{'.'.join(shown.split('.')[:2])}" in text
    assert text.rstrip().endswith(f"is not read: the table is {RIGHT}")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q\n[pytest_ood]\nsuites = mine.toml\n"),
        ("tox.ini", "[tox]\nenvlist = py\n[tool.pytest_ood]\nsuites = ['mine.toml']\n"),
        ("setup.cfg", "[tool:pytest_ood]\nsuites = mine.toml\n"),
        ("pytest_ood.toml", "suites = ['mine.toml']\n"),
        ("pytest-ood.ini", "[ood]\n"),
        (".pytest_ood.toml", "suites = []\n"),
        ("ood.yaml", "suites: []\n"),
        ("../pyproject.toml", "[tool.pytest-ood]\nsuites = []\n"),
        ("app/pyproject.toml", "[tool.pytest-ood]\nsuites = []\n"),
        ("apps/one/pyproject.toml", "[tool.pytest_ood]\nsuites = []\n"),
        ("app/pyproject.toml", "[tool.pytest_ood]\nsuites = []\n"),
    ],
)
def test_a_configuration_in_another_place_is_refused(
    folder: pytest.Pytester, path: str, text: str
) -> None:
    """It is named, whether it is in another file, above or below."""
    result = listed(folder, path, text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert str(Path(path).name) in result.stderr.str()
    assert "[tool.pytest_ood]" in result.stderr.str()


def test_a_configuration_below_is_named_with_the_command(folder: pytest.Pytester) -> None:
    """From a folder above, the message is what to type; typed, it is read."""
    text = "[tool.pytest_ood]\nsuites = []\n"
    assert "pytest --ood-suite app" in listed(folder, "app/pyproject.toml", text).stderr.str()
    result = listed(folder, "app/pyproject.toml", text, "app")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_configuration_above_is_read(folder: pytest.Pytester) -> None:
    """From a folder below, the nearest configuration above is the one."""
    result = listed(folder, "../pyproject.toml", "[tool.pytest_ood]\nsuites = []\n")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", ""),
        ("pyproject.toml", "[project]\nname = 'x'\n[tool.pytest.ini_options]\ntestpaths = ['x']\n"),
        ("pyproject.toml", "[tool.mood]\na = 1\n[tool.pytest-odoo]\n[tool.pytest_mock]\n[tool.x]"),
        (".hidden/pyproject.toml", "[tool.pytest_ood]\n"),
        ("node_modules/x/pyproject.toml", "[tool.pytest_ood]\n"),
        ("pytest.ini", "[pytest]\n"),
        ("good.toml", "[mood]\n"),
    ],
)
def test_where_nothing_is_configured_the_demo_is_named(
    folder: pytest.Pytester, path: str, text: str
) -> None:
    """The demo says, first and last, that it measures nothing of the user's."""
    result = listed(folder, path, text)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["ood: the built-in demo measures*none of yours*"])


def test_the_header_names_the_demo(folder: pytest.Pytester) -> None:
    """A run says at its start what it is of."""
    result = folder.runpytest_inprocess("--ood-suite", "--collect-only")
    lines = [line for line in result.outlines if "built-in demo measures" in line]
    assert len(lines) == 2
    assert "ood: configuration none, the built-in demo" in result.outlines


@pytest.mark.parametrize("text", ["[tool.pytest_ood\n", "[tool.pytest-ood]\nsuites = [\n"])
def test_a_file_that_cannot_be_read_is_no_missing_one(folder: pytest.Pytester, text: str) -> None:
    """Broken TOML is an error, not a reason for the demo."""
    assert listed(folder, "pyproject.toml", text).ret == pytest.ExitCode.USAGE_ERROR
