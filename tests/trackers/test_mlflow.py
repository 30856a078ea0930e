from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import free_port

from pytest_ood.errors import ConfigurationError, MissingDependencyError
from pytest_ood.trackers.mlflow import LONGEST_VALUE, PATIENCE, build
from pytest_ood.trackers.protocol import TrackedRun

pytestmark = [
    pytest.mark.usefixtures("tracker_environment"),
    # MLflow 3.17's own tables; `log_report` ignores what clients warn of.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),
]

RUN = TrackedRun(
    {"seed": "7", "s/m/source": "x" * 9000, **{f"s/m{n}/source": "here" for n in range(250)}},
    {"s/noise/swap@3/m/drop": 0.25, **{f"s/noise/n{n}/m/drop": n / 1100 for n in range(1100)}},
    {f"s/noise/n{n}/m/verdict": "pass" for n in range(250)},
)


@pytest.fixture(params=["server", "database", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point MLflow's client at a real server, at a database, and at a folder."""
    monkeypatch.chdir(tmp_path)
    if request.param == "server":
        url: str = request.getfixturevalue("mlflow_server")
    else:
        url = {"database": f"sqlite:///{tmp_path}/mlflow.db", "files": f"file:{tmp_path}/runs"}[
            request.param
        ]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    return url


def runs(experiment: str) -> list[Any]:
    """Return the runs of an experiment, as MLflow's own client reads them."""
    from mlflow import MlflowClient

    client = MlflowClient()
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id]))


def test_a_run_is_read_back(store: str, tmp_path: Path) -> None:
    """Parameters, metrics, verdicts, tags, name and report arrive, however many there are."""
    from mlflow import MlflowClient

    report = tmp_path / "report.json"
    report.write_text('{"seed": 7}')
    tracker = build(experiment="reviews", name="nightly", tags={"team": "nlp"})
    for number in (1, 2):
        where = tracker.log(RUN, report)
        assert where.startswith("run nightly of experiment reviews")
        assert store in where
        assert len(runs("reviews")) == number
    first = runs("reviews")[0]
    assert first.info.status == "FINISHED"
    assert first.data.params == {
        **RUN.parameters, "s/m/source": "x" * (LONGEST_VALUE - 3) + "..."
    }  # fmt: skip
    mapped = {name.replace("@", "_"): value for name, value in RUN.metrics.items()}
    assert first.data.metrics == pytest.approx(mapped)
    assert first.data.tags.items() >= {**RUN.verdicts, "team": "nlp"}.items()
    folder = tmp_path / "back"
    folder.mkdir()
    back = MlflowClient().download_artifacts(first.info.run_id, "report.json", str(folder))
    assert Path(back).read_text() == '{"seed": 7}'


def test_a_run_that_could_not_be_logged_whole_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the client fails in the middle, its error is raised and its run has failed."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(Exception, match="no-report"):
        build(experiment="reviews").log(RUN, tmp_path / "no-report")
    (run,) = runs("reviews")
    assert run.info.status == "FAILED"


def test_a_server_that_is_down_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the client's, and its variables are afterwards as they were."""
    from mlflow.exceptions import MlflowException

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MlflowException, match="refused"):
        build().log(RUN, Path("report.json"))
    assert {name: os.environ.get(name) for name in PATIENCE} == {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": None
    }  # fmt: skip


def test_the_experiment_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured goes before the client's own variable, and that before the default."""
    assert build().experiment == "pytest-ood"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "from-outside")
    assert build().experiment == "from-outside"
    assert build(experiment="configured").experiment == "configured"


def test_a_tag_is_text() -> None:
    """A tag of another type is a usage error."""
    with pytest.raises(ConfigurationError, match=r"^mlflow: tags: year = 2026 is not a string$"):
        build(tags={"year": 2026})


def test_a_missing_client_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MLflow the tracker cannot be built, and the error has the pip command."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[mlflow\]"'):
        build()
