"""The recipes for CI do what their files say, run by the shell or the tool that would run them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
BLOCK = re.compile(r"<!-- (?:file|run): ([^\n]*) -->\n```\w+\n(.*?)```\n", re.DOTALL)
QUOTED = dict(BLOCK.findall((ROOT / "docs/ci.md").read_text(encoding="utf-8")))
"""The blocks of the guide by the file they are, or the tool they start."""

SCHEMAS = {
    ".github/workflows/checks.yml": "github-workflows",
    "recipes/github/action.yml": "github-actions",
    ".github/workflows/robustness.yml": "github-workflows",
    "recipes/gitlab.yml": "gitlab-ci",
}
QUOTED_SCHEMAS = {
    ".github/workflows/robustness.yml": "github-workflows",
    ".github/workflows/tests.yml": "github-workflows",
    ".gitlab-ci.yml": "gitlab-ci",
}

TOX_SEES = [
    "-x", "testenv:robustness.pass_env+=PYTHONPATH",
    "-x", "testenv:robustness.install_command=python -m pip install {opts} {packages}",
]  # fmt: skip
"""Lets tox's environment see what is installed here: tox hides it from pip otherwise."""

CHOSEN = "--ood-only in-distribution --ood-only noise"

Shell = Callable[..., subprocess.CompletedProcess[str]]


def loaded(name: str) -> Any:
    """Read a YAML file of the repository; its booleans stay words, as `on` is a key."""
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - strings only


ACTION = loaded("recipes/github/action.yml")
WORKFLOW = loaded(".github/workflows/robustness.yml")
GITLAB = loaded("recipes/gitlab.yml")


@pytest.fixture
def shell(project: pytest.Pytester) -> Shell:
    """Return what runs a script in the project as a runner does, `python` being this one."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "HOME": str(project.path),
    }

    def run(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = project.path / "script.sh"
        path.write_text(script)
        return subprocess.run(
            ["/usr/bin/env", "bash", "--noprofile", "--norc", "-eo", "pipefail", str(path)],
            cwd=project.path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def filled(text: str, known: Mapping[str, str]) -> str:
    """Put values in the places of a runner's expressions."""
    return EXPRESSION.sub(lambda match: known[match[1]], text)


def step(steps: list[Any], name: str) -> Any:
    """Return the step of this name, or id."""
    (found,) = (s for s in steps if name in (s.get("name"), s.get("id")))
    return found


def of_action(name: str, **inputs: str) -> tuple[str, dict[str, str]]:
    """Return a step of the action: its script, and its variables under the given inputs."""
    values = {key: told["default"] for key, told in ACTION["inputs"].items()} | inputs
    known = {f"inputs.{key}": value for key, value in values.items()}
    found = step(ACTION["runs"]["steps"], name)
    known["github.action_path"] = str(ROOT / "recipes" / "github")
    return found["run"], {k: filled(v, known) for k, v in found["env"].items()}


@pytest.mark.parametrize(("model", "status"), [("sturdy", 0), ("frail", 1)])
def test_the_action_gates_reports_and_sums_up(
    shell: Shell, project: pytest.Pytester, model: str, status: int
) -> None:
    """Its step ends with pytest's status, and leaves all reports, the summary and the output."""
    arguments = f"{CHOSEN}\n--ood-model {model} --ood-max-examples 200"
    script, variables = of_action("run", arguments=arguments)
    files = {key: str(project.path / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = shell(script, **variables, **files)
    assert done.returncode == status, done.stdout + done.stderr
    assert (project.path / "GITHUB_OUTPUT").read_text() == f"status={status}\n"
    reports = project.path / "robustness-reports"
    assert {path.name for path in reports.iterdir()} == {
        "report.json", "report.html", "report.md", "junit.xml",
    }  # fmt: skip
    assert (project.path / "GITHUB_STEP_SUMMARY").read_text() == (reports / "report.md").read_text()
    assert (project.path / ".ood-cache" / "predictions.sqlite").is_file()
    if status == 0:
        assert f"{model} 0 inputs" in shell(script, **variables, **files).stdout


def test_the_action_compares_with_the_accepted_baseline(
    shell: Shell, project: pytest.Pytester
) -> None:
    """With the guide's options a model that has become worse fails, though its budgets hold."""
    path = project.path / "pyproject.toml"
    text, _, _ = path.read_text().partition("[tool.pytest_ood.models.frail]")
    path.write_text(text)
    suite = project.path / "reviews.toml"
    words = suite.read_text().replace("0.10", "0.95").replace("min_score = 0.8", "")
    suite.write_text(re.sub(r"\[shifts\.adversarial.*?\n\n", "", words, flags=re.DOTALL))
    assert shell(QUOTED["accept"]).returncode == 0
    arguments = QUOTED["compare"].removeprefix("pytest --ood-suite ")
    script, variables = of_action("run", arguments=arguments)
    files = {key: str(project.path / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    assert shell(script, **variables, **files).returncode == 0
    path.write_text(f"{text}\nflip = 0.2\n")
    done = shell(script, **variables, **files)
    assert done.returncode == 1
    assert "against ood-baseline.json" in done.stdout


def test_the_action_passes_on_what_is_wrong(shell: Shell, project: pytest.Pytester) -> None:
    """Where nothing could be measured its step fails all the same, without a report to show."""
    script, variables = of_action("run", arguments="--ood-model nobody")
    files = {key: str(project.path / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = shell(script, **variables, **files)
    assert done.returncode == 4
    assert "nobody" in done.stderr
    assert (project.path / "GITHUB_OUTPUT").read_text() == "status=4\n"


def test_the_action_installs_itself(
    shell: Shell, project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The package comes out of the action's own checkout, and a file of the project beside it."""
    checkout = tmp_path_factory.mktemp("action")
    for name in ("pytest_ood", "perturbations", "suites"):
        shutil.copytree(
            ROOT / name,
            checkout / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout / name)
    project.path.joinpath("requirements.txt").write_text("iniconfig\n")
    script, variables = of_action("Install", extras="openai", requirements="requirements.txt")
    subprocess.run([sys.executable, "-m", "venv", str(project.path / "venv")], check=True)
    path = f"{project.path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    folder = checkout / "recipes" / "github"
    folder.mkdir(parents=True)
    variables |= {"ROOT": f"{folder}/../..", "PATH": path, "PIP_NO_DEPS": "1", "PYTHONPATH": ""}
    done = shell(script, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    where = "import iniconfig, pytest_ood.suites as s; print(s.__path__[0])"
    told = shell(f"python -c {shlex.quote(where)}", **variables)
    assert str(project.path / "venv") in told.stdout


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("pull_request", "--ood-max-examples 300"),
        ("push", "--ood-max-examples 300"),
        ("schedule", "--ood-strict -x"),
        ("workflow_dispatch", "--ood-strict -x"),
    ],
)
def test_the_workflow_samples_pull_requests_and_goes_deep_at_night(
    shell: Shell, project: pytest.Pytester, event: str, arguments: str
) -> None:
    """Which options the action gets depends on what has started the workflow."""
    chosen = step(WORKFLOW["jobs"]["robustness"]["steps"], "depth")
    known = {
        "github.event_name": event,
        "inputs.pull-request": WORKFLOW["on"]["workflow_call"]["inputs"]["pull-request"]["default"],
        "inputs.nightly": "--ood-strict\n-x",
    }
    variables = {key: filled(value, known) for key, value in chosen["env"].items()}
    output = project.path / "GITHUB_OUTPUT"
    assert shell(chosen["run"], **variables, GITHUB_OUTPUT=str(output)).returncode == 0
    assert output.read_text() == f"arguments={arguments}\n"


@pytest.mark.parametrize("name", SCHEMAS)
def test_recipes_are_valid(name: str) -> None:
    """Each file is what its host's schema says."""
    check_schema(ROOT / name, SCHEMAS[name])


@pytest.mark.parametrize("name", QUOTED_SCHEMAS)
def test_recipes_of_the_guide_are_valid(name: str, tmp_path: Path) -> None:
    """What users are told to write is valid, too."""
    path = tmp_path / "quoted.yml"
    path.write_text(QUOTED[name])
    check_schema(path, QUOTED_SCHEMAS[name])


def check_schema(path: Path, schema: str) -> None:
    """Check a file against a schema that comes with the tool."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_input_is_declared_and_used() -> None:
    """What the files read of inputs is what they declare, and what is given to them."""
    for name, inputs in (
        ("recipes/github/action.yml", ACTION["inputs"]),
        (".github/workflows/robustness.yml", WORKFLOW["on"]["workflow_call"]["inputs"]),
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        used = {n for e in EXPRESSION.findall(text) for n in re.findall(r"inputs\.([\w-]+)", e)}
        used |= set(re.findall(r"if: .*inputs\.([\w-]+)", text))
        assert used == set(inputs), name
    (call,) = (
        s
        for s in WORKFLOW["jobs"]["robustness"]["steps"]
        if s.get("uses") == "./.pytest-ood/recipes/github"
    )
    assert call["with"].keys() <= ACTION["inputs"].keys()
    quoted = yaml.safe_load(QUOTED[".github/workflows/robustness.yml"])["jobs"]["gate"]
    assert quoted["with"].keys() <= WORKFLOW["on"]["workflow_call"]["inputs"].keys()
    assert quoted["secrets"].keys() <= WORKFLOW["on"]["workflow_call"]["secrets"].keys()
    alone = yaml.safe_load(QUOTED[".github/workflows/tests.yml"])["jobs"]["robustness"]["steps"]
    assert alone[1]["with"].keys() <= ACTION["inputs"].keys()
    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    for name, told in ACTION["inputs"].items():
        default = told["default"]
        assert re.search(rf"^\| `{name}` \| (?:`?{re.escape(default)}`? )?\| ", text, re.MULTILINE)


def test_the_cache_goes_by_the_files_that_decide_answers() -> None:
    """The key is a hash of configuration and lock files; any older cache of the system will do."""
    restored = step(ACTION["runs"]["steps"], "cache")["with"]
    (call,) = re.findall(r"hashFiles\((.*?)\)", restored["key"])
    assert {pattern.strip("'") for pattern in call.split(", ")} == {
        "pyproject.toml", "**/requirements*.txt", "**/*.lock", "suites/**", "prompts/**",
        "frozen/**", "inputs.models",
    }  # fmt: skip
    for start in restored["restore-keys"].splitlines():
        assert restored["key"].startswith(start)


def test_what_was_answered_is_kept_however_the_run_ends() -> None:
    """Each run keeps its answers under a key of its own, which later ones find by how it starts."""
    restored = step(ACTION["runs"]["steps"], "cache")["with"]
    kept = step(ACTION["runs"]["steps"], "Keep models and answers")
    assert kept["if"].startswith("always() && ")
    assert kept["with"]["path"] == restored["path"]
    assert EXPRESSION.findall(kept["with"]["key"]) == ["steps.cache.outputs.cache-primary-key"]
    own = EXPRESSION.findall(restored["key"])[-2:]
    assert own == ["github.run_id", "github.run_attempt"]
    nearest = restored["restore-keys"].splitlines()[0]
    assert restored["key"].startswith(nearest)
    assert "hashFiles(" in nearest


def test_the_job_of_gitlab_gates(shell: Shell, project: pytest.Pytester) -> None:
    """Its lines, one after the other, install, run and leave what the job uploads and keeps."""
    base = GITLAB[GITLAB["robustness"]["extends"]]
    variables = {**base["variables"], **GITLAB["robustness"]["variables"]}
    variables["OOD_ARGUMENTS"] += f" {CHOSEN} --ood-model frail"
    done = shell("\n".join(base["script"]), **variables, PIP_NO_INDEX="1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "noise/keyboard[frail]" in done.stdout
    for path in (*base["artifacts"]["paths"], base["artifacts"]["reports"]["junit"]):
        assert (project.path / path).exists()
    assert all((project.path / path).is_dir() for path in base["cache"]["paths"])


def test_the_nightly_job_of_gitlab_takes_all() -> None:
    """On a schedule the same lines run, without a sample."""
    nightly = GITLAB["robustness-nightly"]
    assert nightly == {"extends": ".robustness", "rules": nightly["rules"]}
    assert nightly["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    assert GITLAB[".robustness"]["variables"]["OOD_ARGUMENTS"] == ""
    quoted = yaml.safe_load(QUOTED[".gitlab-ci.yml"])
    # What the example sets is set for both jobs, which extend it.
    assert quoted[".robustness"]["variables"].keys() <= GITLAB[".robustness"]["variables"].keys()
    assert (ROOT / quoted["include"][0]["file"]).is_file()


def test_the_configuration_of_this_repository_is_valid(shell: Shell) -> None:
    """pre-commit can read it, and every hook runs a tool that the extra `dev` installs."""
    path = ROOT / ".pre-commit-config.yaml"
    assert shell(f"pre-commit validate-config {shlex.quote(str(path))}").returncode == 0
    hooks = [hook for repository in loaded(path.name)["repos"] for hook in repository["hooks"]]
    assert {hook["entry"].split()[0] for hook in hooks} == {"ruff", "mypy"}


def test_each_supported_python_is_tested() -> None:
    """The workflow, the sessions of nox and the package's metadata name the same versions."""
    matrix = loaded(".github/workflows/checks.yml")["jobs"]["tests"]["strategy"]["matrix"]
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    (line,) = re.findall(r"^PYTHONS = \((.*)\)$", noxfile, re.MULTILINE)
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    declared = [c.rpartition(" ")[2] for c in metadata["classifiers"] if c.startswith(prefix)]
    assert re.findall(r'"(.*?)"', line) == matrix["python-version"] == declared
    assert metadata["requires-python"] == f">={declared[0]}"


def git(folder: Path, *arguments: str) -> None:
    """Run git as nobody in particular."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid")
    command = [shutil.which("git") or "git", *who, *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def test_the_hook_runs_under_pre_commit(
    shell: Shell, project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """pre-commit takes the hook from a repository, and a broken budget stops the push."""
    home = tmp_path_factory.mktemp("home")
    source = tmp_path_factory.mktemp("source")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", source)
    for folder in (source, project.path):
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "all")
    run = f"pre-commit try-repo {source} pytest-ood --hook-stage manual --all-files --verbose"
    done = shell(run, PRE_COMMIT_HOME=str(home))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "noise/keyboard[frail]" in done.stdout
    path = project.path / "reviews.toml"
    path.write_text(path.read_text().replace("0.10", "0.95").replace("0.05", "0.95"))
    done = shell(run, PRE_COMMIT_HOME=str(home))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_for_pre_commit_is_right(shell: Shell, project: pytest.Pytester) -> None:
    """The guide's file is valid and names the hook that there is."""
    path = project.path / ".pre-commit-config.yaml"
    path.write_text(QUOTED[path.name])
    assert shell("pre-commit validate-config").returncode == 0
    ((named,),) = (repository["hooks"] for repository in yaml.safe_load(path.read_text())["repos"])
    (hook,) = loaded(".pre-commit-hooks.yaml")
    assert named["id"] == hook["id"]


@pytest.mark.parametrize(
    ("tool", "file", "model", "right"),
    [("nox", "noxfile.py", "frail", False), ("tox", "tox.ini", "sturdy", True)],
)
def test_sessions_run(
    shell: Shell, project: pytest.Pytester, tool: str, file: str, model: str, *, right: bool
) -> None:
    """The guide's session makes a real environment, and ends as pytest does in it."""
    project.path.joinpath(file).write_text(QUOTED[file])
    project.path.joinpath("requirements.txt").write_text("joblib\n")
    # What is installed here is seen there, so that nothing has to come from an index.
    seen = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    command = shlex.split(QUOTED[tool])
    words = [command[0], *(TOX_SEES if tool == "tox" else ()), *command[1:]]
    words += [*CHOSEN.split(), "--ood-model", model]
    done = shell(shlex.join(words), PYTHONPATH=seen, PIP_NO_INDEX="1")
    assert (done.returncode == 0) == right, done.stdout + done.stderr
    assert f"models: {model}" in done.stdout
