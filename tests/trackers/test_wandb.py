from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, MissingDependencyError, OodError
from pytest_ood.trackers.protocol import TrackedRun
from pytest_ood.trackers.wandb import ARTIFACT, build

RUN = TrackedRun(
    {"seed": "7", "s/m/source": "here"},
    {"s/in-distribution/m/score": 0.75, "s/noise/swap@3/m/drop": 0.25, "verdicts/pass": 2.0},
    {"s/noise/swap@3/m/verdict": "pass"},
)

BLOCK, FILE_HEADER = 32768, 7
RECORD_HEADER = struct.Struct("<IHB")
FULL, FIRST, LAST = 1, 2, 4


@pytest.fixture(autouse=True)
def _service(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tracker_environment: None,  # noqa: ARG001
) -> Iterator[None]:
    """Let the client write into the test's folder, and end its service afterwards."""
    import wandb

    monkeypatch.chdir(tmp_path)
    yield
    wandb.teardown()


def records(folder: Path) -> Iterator[Any]:
    """Yield what an offline run has recorded, in the client's own messages.

    The file is a log in LevelDB's format, whose blocks count from the start of the file.
    """
    import wandb
    from wandb.proto import wandb_internal_pb2

    # Its service writes behind, until it ends.
    wandb.teardown()
    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    data = path.read_bytes()
    place, whole = FILE_HEADER, b""
    while place < len(data):
        left = BLOCK - place % BLOCK
        if left < RECORD_HEADER.size:
            place += left
            continue
        _, length, kind = RECORD_HEADER.unpack_from(data, place)
        place += RECORD_HEADER.size
        part = data[place : place + length]
        place += length
        whole = part if kind in (FULL, FIRST) else whole + part
        if kind in (FULL, LAST):
            yield wandb_internal_pb2.Record.FromString(whole)


def values(items: Any) -> dict[str, Any]:
    """Return the values of a message's items by name."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def test_an_offline_run_is_read_back(tmp_path: Path) -> None:
    """Project, name, tags, parameters, figures, verdicts and the report are in what is kept."""
    report = tmp_path / "report.json"
    report.write_text('{"seed": 7}')
    where = build(project="reviews", name="nightly", tags=["ci"]).log(RUN, report)
    assert where.startswith("run nightly of project reviews in ")
    found = list(records(tmp_path))
    (run,) = (r.run for r in found if r.WhichOneof("record_type") == "run")
    assert (run.project, run.display_name, list(run.tags)) == ("reviews", "nightly", ["ci"])
    assert values(run.config.update).items() >= RUN.parameters.items()
    (history,) = (r.history for r in found if r.WhichOneof("record_type") == "history")
    assert values(history.item).items() >= {
        "s/in_distribution/m/score": 0.75, "s/noise/swap_3/m/drop": 0.25, "verdicts/pass": 2.0,
    }.items()  # fmt: skip
    summaries = [r.summary for r in found if r.WhichOneof("record_type") == "summary"]
    summary = {k: v for s in summaries for k, v in values(s.update).items()}
    assert summary["s/noise/swap_3/m/verdict"] == "pass"
    (request,) = (
        r.request.log_artifact.artifact if r.WhichOneof("record_type") == "request" else r.artifact
        for r in found
        if r.WhichOneof("record_type") == "artifact"
    )
    assert (request.name, [e.path for e in request.manifest.contents]) == (
        ARTIFACT, ["report.json"],
    )  # fmt: skip
    assert [r.exit.exit_code for r in found if r.WhichOneof("record_type") == "exit"] == [0]


def test_an_active_run_of_the_users_own_goes_on(tmp_path: Path) -> None:
    """What a test session logs by itself is neither ended nor written into."""
    import wandb

    report = tmp_path / "report.json"
    report.write_text("{}")
    mine = wandb.init(project="mine", settings=wandb.Settings(silent=True))
    build().log(RUN, report)
    assert wandb.run is mine
    mine.log({"loss": 1.0})
    assert dict(mine.summary).keys().isdisjoint(RUN.metrics)
    mine.finish()
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == 2


def test_nobody_is_asked_for_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the error says how to give them, and nothing was begun."""
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(OodError, match=r"^no API key: set WANDB_API_KEY"):
        build().log(RUN, Path("report.json"))


def test_a_run_that_could_not_be_logged_whole_is_marked(tmp_path: Path) -> None:
    """Where something fails in the middle, the error is raised and the run ends as failed."""
    with pytest.raises(ValueError, match="no-report"):
        build().log(RUN, tmp_path / "no-report")
    ends = [r.exit.exit_code for r in records(tmp_path) if r.WhichOneof("record_type") == "exit"]
    assert ends == [1]


def test_a_client_that_is_off_logs_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With WANDB_MODE=disabled nothing is written, and that is told."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    report = tmp_path / "report.json"
    report.write_text("{}")
    assert build().log(RUN, report) == "nowhere, as WANDB_MODE is disabled"
    assert not list(tmp_path.glob("wandb/*run-*"))


def test_the_project_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is configured goes before the client's own variable, and that before the default."""
    assert build().project == "pytest-ood"
    monkeypatch.setenv("WANDB_PROJECT", "from-outside")
    assert build().project == "from-outside"
    assert build(project="configured").project == "configured"


def test_a_tag_is_text() -> None:
    """A tag of another type is a usage error."""
    with pytest.raises(ConfigurationError, match=r"^wandb: tags: 2026 is not a string$"):
        build(tags=[2026])


def test_a_missing_client_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client the tracker cannot be built, and the error has the pip command."""
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[wandb\]"'):
        build()
