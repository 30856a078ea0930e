"""The options of the plugin, read and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all under one prefix."""
    group = parser.getgroup("ood", "robustness under domain shift, noise and attack (pytest-ood)")
    group.addoption(
        "--ood-suite",
        action="store_true",
        help="run the robustness suites and the robustness tests, and nothing else",
    )
    group.addoption(
        "--ood-only",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="only this suite, kind of shift, shift, or suite/kind/shift (repeatable); of your own "
        "tests, those that ask for `ood_shift`",
    )
    group.addoption(
        "--ood-model",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="only this model under test (repeatable)",
    )
    group.addoption(
        "--ood-seed", type=int, metavar="INT", help="seed of samples and perturbations (0)"
    )
    group.addoption(
        "--ood-max-examples",
        type=_count,
        metavar="N",
        help="draw at most N examples from each data set",
    )
    group.addoption(
        "--ood-report",
        type=_filled,
        action="append",
        default=[],
        metavar="PATH",
        help="write the report here; its ending says the form: .json, .html or .md (repeatable)",
    )
    group.addoption(
        "--ood-save",
        type=_filled,
        metavar="NAME",
        help="keep the JSON report as .ood/0001_NAME_COMMIT.json, for later runs to compare with",
    )
    group.addoption(
        "--ood-compare",
        type=_filled,
        metavar="PATH",
        help="compare every model's scores with those of an earlier run, on the same examples: a "
        "JSON report, `latest` or the name of a saved one, or `baseline`, the accepted one",
    )
    group.addoption(
        "--ood-compare-fail",
        type=_filled,
        metavar="BUDGET",
        help="fail where a score dropped by more than this since then, such as drop:2%%",
    )
    group.addoption(
        "--ood-track",
        type=_filled,
        action="append",
        default=[],
        metavar="NAME",
        help="log the run to this tracker of experiments: mlflow or wandb, each by the extra of "
        "its name (repeatable)",
    )
    group.addoption("--ood-strict", action="store_true", help="an inconclusive verdict fails, too")
    group.addoption(
        "--ood-cache",
        type=_filled,
        metavar="DIR",
        help="folder for packages, trained models and predictions (the user's cache folder)",
    )
    group.addoption(
        "--ood-no-cache",
        action="store_true",
        help="neither read nor write cached predictions",
    )
    group.addoption("--ood-offline", action="store_true", help="download nothing; use the cache")
    group.addoption(
        "--ood-engine",
        choices=("local", "ray"),
        default="local",
        help="where models run: in this process, or on a Ray cluster, which needs the extra `ray`",
    )

    group.addoption(
        "--ood-dry-run",
        action="store_true",
        help="show the precision and the cost of each gate; query no model",
    )


def _count(text: str) -> int:
    import argparse

    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _filled(text: str) -> str:
    import argparse

    if not text.strip():
        raise argparse.ArgumentTypeError(
            "its value is empty; give one, or leave the option out (a variable of the shell or the "
            "CI that is not set?)"
        )
    return text


def check_paths(config: pytest.Config, cache: Path) -> None:
    """Refuse folders that are none, and reports that cannot be written, before anything runs."""
    from pytest_ood.reports.formats import formats

    if cache.exists() and not cache.is_dir():
        raise pytest.UsageError(f"--ood-cache: {cache} is no folder")
    for path in report_paths(config):
        if path.suffix not in formats():
            raise pytest.UsageError(
                f"--ood-report {path.name}: unknown kind of report {path.suffix!r}; "
                f"known: {', '.join(formats())}"
            )
        if not path.parent.is_dir():
            raise pytest.UsageError(f"--ood-report: there is no folder {path.parent}")
        if path.is_dir():
            raise pytest.UsageError(f"--ood-report: {path} is a folder; name a file in it")


def options_of(config: pytest.Config) -> Any:
    """Return the options of the gate."""
    from platformdirs import user_cache_path

    from pytest_ood.gate.gate import Options

    folder = config.getoption("ood_cache")
    cache = user_cache_path("pytest-ood") if folder is None else Path(folder)
    return Options(
        root=_project_root(config),
        cache=config.invocation_params.dir / cache,
        only=tuple(config.getoption("ood_only")),
        models=tuple(config.getoption("ood_model")),
        seed=config.getoption("ood_seed"),
        max_examples=config.getoption("ood_max_examples"),
        strict=config.getoption("ood_strict"),
        keep_predictions=not config.getoption("ood_no_cache"),
        offline=config.getoption("ood_offline"),
        plan=config.getoption("ood_dry_run"),
        engine=config.getoption("ood_engine"),
    )


def _project_root(config: pytest.Config) -> Path:
    """Return the nearest folder whose pyproject.toml configures this plugin.

    Looked for upwards from the test paths, then from the file that -c names, from --rootdir, and
    from where pytest was started; without any, it is the latter. A rootdir that pytest
    inferred does not count: it may take the value of an option such as `--ood-cache DIR`
    for a test path.
    """
    from pytest_ood.gate.configuration import is_configured, project_root, refuse_misplaced
    from pytest_ood.gate.gate import demo_file

    here = config.invocation_params.dir
    by_name = config.args_source is not pytest.Config.ArgsSource.INVOCATION_DIR
    named = [here / name.partition("::")[0] for name in config.args] if by_name else []
    # The demo's gates stand under a file of this package, which is part of no project.
    existing = [path for path in named if path.exists() and not path.samefile(demo_file())]
    starts = [path if path.is_dir() else path.parent for path in existing]
    if config.option.inifilename and config.inipath is not None:
        starts.append(config.inipath.parent)
    if config.option.rootdir:
        starts.append(config.rootpath)
    for start in (*starts, here):
        root = project_root(start)
        if is_configured(root):
            return root
    for start in starts:
        refuse_misplaced(start)
    return here


def report_paths(config: pytest.Config) -> list[Path]:
    """Return the paths of --ood-report, from where pytest was started."""
    return [config.invocation_params.dir / path for path in config.getoption("ood_report")]


def is_rehearsal(config: pytest.Config) -> bool:
    """Return whether an option asks to carry nothing out."""
    names = ("collectonly", "setuponly", "setupplan", "ood_dry_run")
    return any(config.getoption(name, default=False) for name in names)
