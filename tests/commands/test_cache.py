from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.gate.gate import PREDICTIONS
from pytest_ood.inference.store import SCHEMA_VERSION, FileStore
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a cache with two answers, a text, and a model of a mebibyte; work beside it."""
    folder = tmp_path / "cache"
    store = FileStore(folder / PREDICTIONS, clock=lambda: 86_400.0)
    store.put("model", [("x", Prediction("a")), ("y", Prediction("b"))])
    store.put_texts({"k": "text"})
    (folder / "models" / "m").mkdir(parents=True)
    (folder / "models" / "m" / "weights").write_bytes(b"0" * 1024**2)
    monkeypatch.chdir(tmp_path)
    return folder


def test_info_tells_what_there_is(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, sizes, the limit out of pyproject.toml and the last use are shown."""
    (cache.parent / "pyproject.toml").write_text("[tool.pytest_ood]\ncache_limit_mb = 7\n")
    assert main(["cache", "info", "--cache", str(cache)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"cache {cache}",
        "2 predictions, 1 perturbed texts and attack results: 0.0 MiB of 7.0 MiB at most",
        "what was not used for longest was used last on 1970-01-02",
        "trained and unpacked models: 1.0 MiB",
        "fetched packages: 0.0 MiB",
    ]


def test_clear_forgets_predictions_and_keeps_models(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What takes minutes to train stays, unless everything is to go."""
    assert main(["cache", "clear", "--cache", str(cache)]) == 0
    assert "forgot 2 predictions, 1 perturbed texts" in capsys.readouterr().out
    assert FileStore(cache / PREDICTIONS).get("model", ["x"]) == {}
    assert (cache / "models" / "m" / "weights").exists()
    assert main(["cache", "clear", "--everything", "--cache", str(cache)]) == 0
    assert "deleted trained and unpacked models: 1.0 MiB" in capsys.readouterr().out
    assert not (cache / "models").exists()


def test_machines_read_counts_and_bytes(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same figures as JSON, and what was cleared."""
    assert main(["cache", "info", "--json", "--cache", str(cache)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["cache"], told["predictions"], told["texts"]) == (str(cache), 2, 1)
    assert (told["models"], told["assets"], told["oldest"]) == (1024**2, 0, 86_400)
    assert main(["cache", "clear", "--json", "--everything", "--cache", str(cache)]) == 0
    cleared = json.loads(capsys.readouterr().out)["cleared"]
    assert cleared == ["predictions", "texts", "models", "assets"]
    assert not (cache / "models").exists()


def test_an_empty_cache_is_shown_and_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is, nothing is made."""
    for what in ("info", "clear"):
        assert main(["cache", what, "--cache", str(tmp_path / "none")]) == 0
    assert "0 predictions" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_a_store_of_a_newer_version_is_left_alone(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither is it counted nor cleared; the message says what to do."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(cache / PREDICTIONS)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for what in ("info", "clear"):
        assert main(["cache", what, "--cache", str(cache)]) == USAGE_ERROR
        assert "was written by a newer version of pytest-ood" in capsys.readouterr().err
