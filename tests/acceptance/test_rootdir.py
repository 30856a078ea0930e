"""An option's value that pytest takes for a test path, and with it another rootdir."""

from __future__ import annotations

from pathlib import Path

import pytest

SETTINGS = {
    "pytest.ini": ("pytest.ini", "[pytest]\npythonpath = src\n"),
    "tox.ini": ("tox.ini", "[pytest]\npythonpath = src\n"),
    "setup.cfg": ("setup.cfg", "[tool:pytest]\npythonpath = src\n"),
    "pyproject.toml": ("pyproject.toml", '\n[tool.pytest.ini_options]\npythonpath = ["src"]\n'),
}
OPTIONS = ("--ood-report", "--ood-cache", "--ood-compare")


def write(project: pytest.Pytester, settings: str) -> None:
    """Write settings of pytest without which the conftest.py cannot be imported."""
    name, text = SETTINGS[settings]
    with project.path.joinpath(name).open("a", encoding="utf-8") as file:
        file.write(text)
    project.mkdir("src")
    project.path.joinpath("src/found_by_settings.py").write_text("")
    project.path.joinpath("conftest.py").write_text("import found_by_settings\n")


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """List the gates of a run."""
    return project.runpytest_inprocess("--ood-suite", "--collect-only", "-q", *options)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_value_that_moves_the_rootdir_is_refused(
    project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, option: str, settings: str
) -> None:
    """Outside of the project and there, `--option VALUE` is an error and `--option=VALUE` is not.

    The error says what to write; while the value is not there, and inside, both are as good.
    """
    write(project, settings)
    outside = tmp_path_factory.mktemp("elsewhere")
    inside = project.mkdir("results")
    name = "cache" if option == "--ood-cache" else "r.json"
    if option != "--ood-compare":
        for folder in (outside, inside):
            assert run(project, option, str(folder / name)).ret == pytest.ExitCode.OK
            assert run(project, f"{option}={folder / name}").ret == pytest.ExitCode.OK
    for folder in (outside, inside):
        make(project, option, folder / name)
        assert run(project, f"{option}={folder / name}").ret == pytest.ExitCode.OK
    assert run(project, option, str(inside / name)).ret == pytest.ExitCode.OK
    refused = run(project, option, str(outside / name))
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    assert f"Write {option}={outside / name}" in refused.stderr.str()
    assert f"the settings in {project.path} are not read" in refused.stderr.str()


def make(project: pytest.Pytester, option: str, path: Path) -> None:
    """Leave behind what a run leaves under an option."""
    if option == "--ood-cache":
        path.mkdir(exist_ok=True)
        return
    project.runpytest_inprocess("--ood-suite", "--ood-only=in-distribution", f"--ood-report={path}")
    assert path.is_file()


def test_the_environment_is_looked_at_too(
    project: pytest.Pytester,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PYTEST_ADDOPTS is read before plugins are, as the command line is."""
    outside = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--ood-cache {outside}")
    assert run(project).ret == pytest.ExitCode.USAGE_ERROR
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--ood-cache={outside}")
    assert run(project).ret == pytest.ExitCode.OK


def test_a_rootdir_that_is_given_stands(
    project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With --rootdir nothing is guessed, and nothing refused."""
    outside = tmp_path_factory.mktemp("elsewhere")
    chosen = f"--rootdir={project.path}"
    assert run(project, chosen, "--ood-cache", str(outside)).ret == pytest.ExitCode.OK


def test_a_rootdir_above_the_configuration_stands(project: pytest.Pytester) -> None:
    """A project below the settings of pytest is measured, however options are written."""
    project.path.parent.joinpath("pytest.ini").write_text("[pytest]\n")
    try:
        cache = project.mkdir("kept")
        for option in (("--ood-cache", str(cache)), (f"--ood-cache={cache}",)):
            result = run(project, *option)
            assert result.ret == pytest.ExitCode.OK
            assert f"{project.path.name}/pyproject.toml::reviews" in result.stdout.str()
    finally:
        project.path.parent.joinpath("pytest.ini").unlink()


@pytest.mark.parametrize(
    ("option", "workers"),
    [
        ("-c", ()),
        ("--config-file", ()),
        ("--rootdir", ()),
        ("-c", ("-n1",)),
        ("--rootdir", ("-n1",)),
    ],
)
def test_the_project_that_is_named_is_measured(
    project: pytest.Pytester,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    workers: tuple[str, ...],
) -> None:
    """From another folder, one with a configuration too, -c and --rootdir say which it is."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    value = project.path if option == "--rootdir" else project.path / "pyproject.toml"
    words = [option, str(value)] if option == "-c" else [f"{option}={value}"]
    elsewhere.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-only=in-distribution", *words, *workers
    )
    result.assert_outcomes(passed=2)
    if not workers:
        result.stdout.fnmatch_lines([f"ood: configuration {project.path}"])
