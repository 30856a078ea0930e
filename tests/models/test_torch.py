from __future__ import annotations

import gc
from pathlib import Path

import pytest

from pytest_ood.errors import ModelError
from pytest_ood.models._torch import checkpoint_hash, without_collections


def test_a_hash_follows_the_files(tmp_path: Path) -> None:
    """A model's fingerprint changes with its files, not with the folder's name or with locks."""
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    (second / "use.lock").write_text("")
    (second / "logs").mkdir()
    assert checkpoint_hash(first) == checkpoint_hash(second)
    (second / "config.json").write_text("{ }")
    assert checkpoint_hash(first) != checkpoint_hash(second)


def test_an_empty_folder_has_no_hash(tmp_path: Path) -> None:
    """A folder without a file holds no model; the message names it."""
    with pytest.raises(ModelError) as caught:
        checkpoint_hash(tmp_path)
    assert str(caught.value) == f"{tmp_path} holds no file"


@pytest.mark.parametrize("enabled", [True, False])
def test_collections_pause_and_are_put_back(*, enabled: bool) -> None:
    """Loading pauses the garbage collector, and leaves it as it was before."""
    before = gc.isenabled()
    switch(on=enabled)
    try:
        with without_collections():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        switch(on=before)


def test_collections_go_on_after_an_error() -> None:
    """A model that cannot be loaded leaves the garbage collector running."""
    assert gc.isenabled()

    def load() -> None:
        with without_collections():
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        load()
    assert gc.isenabled()


def switch(*, on: bool) -> None:
    """Start or stop the garbage collector."""
    if on:
        gc.enable()
    else:
        gc.disable()
