from __future__ import annotations

import gc
import json
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ModelError
from pytest_ood.models._torch import (
    checkpoint_hash,
    fetched,
    has_accelerator,
    length_sorted,
    remembering,
    resolved_dtype,
    sent,
    tokens_per_pass,
    within_memory,
    without_collections,
)


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


@given(st.lists(st.integers(1, 40)), st.integers(1, 9), st.integers(1, 120))
def test_batches_are_limited_by_number_and_tokens(lengths: list[int], size: int, most: int) -> None:
    """Short inputs come first, each is in one batch, and only a long one exceeds the tokens."""
    batches = list(length_sorted(lengths, size, most))
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    assert [index for batch in batches for index in batch] == order
    for batch, after in pairwise([*batches, []]):
        assert 1 <= len(batch) <= size
        assert len(batch) == 1 or len(batch) * lengths[batch[-1]] <= most
        if after:
            assert len(batch) == size or (len(batch) + 1) * lengths[after[0]] > most


@pytest.mark.parametrize("fits", [1, 2, 3, 7, 20])
def test_a_batch_that_exceeds_the_memory_is_halved(fits: int) -> None:
    """Until it fits; the order stays, and nothing is computed twice."""
    torch = pytest.importorskip("torch")
    done: list[int] = []

    def run(batch: list[int]) -> int:
        if len(batch) > fits:
            raise torch.OutOfMemoryError
        done.extend(batch)
        return sum(batch)

    found = list(within_memory(torch, run, [list(range(13)), [20, 21]]))
    assert done == [*range(13), 20, 21]
    assert all(sum(batch) == total for batch, total in found)
    assert [one for batch, _ in found for one in batch] == done


def test_one_input_that_exceeds_the_memory_is_an_error() -> None:
    """Nothing can be halved any more."""
    torch = pytest.importorskip("torch")

    def run(_: list[int]) -> int:
        raise torch.OutOfMemoryError("no memory for it")

    with pytest.raises(torch.OutOfMemoryError, match="no memory for it"):
        list(within_memory(torch, run, [[1, 2]]))


def test_outputs_are_fetched_in_order() -> None:
    """Each tensor becomes rows, beside its key."""
    torch = pytest.importorskip("torch")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    outputs = [(number, torch.tensor([[number, 0.5]], device=device)) for number in range(5)]
    assert list(fetched(torch, outputs)) == [(number, [[number, 0.5]]) for number in range(5)]


@pytest.mark.parametrize(
    ("width", "dtype", "tokens"),
    [
        (3072, "float32", 10_922),
        (4096, "float32", 8192),
        (3072, "bfloat16", 21_845),
        (1536, "bfloat16", 32_768),
        (14_336, "bfloat16", 8192),
        (None, "float32", 2**27 // (4 * 768 * 4)),
    ],
)
def test_wide_models_get_fewer_tokens(width: int | None, dtype: str, tokens: int) -> None:
    """So that what a layer gives stays about as large, within limits."""
    torch = pytest.importorskip("torch")
    config = SimpleNamespace(hidden_size=768, intermediate_size=width)
    config.get_text_config = lambda: config
    model = SimpleNamespace(config=config, dtype=getattr(torch, dtype))
    assert tokens_per_pass(model) == tokens


@pytest.mark.parametrize(
    ("dtype", "there", "own", "right"),
    [
        ("auto", False, "bfloat16", "float32"),
        ("auto", True, "bfloat16", "bfloat16"),
        ("auto", True, "float16", "float16"),
        ("auto", True, None, "float32"),
        ("auto", True, "int8", "float32"),
        ("auto", True, "auto", "float32"),
        ("float32", True, "bfloat16", "float32"),
        ("bfloat16", False, "float32", "bfloat16"),
    ],
)
def test_weights_keep_their_type_on_an_accelerator(
    *,
    dtype: str,
    there: bool,
    own: str | None,
    right: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Elsewhere they are float32, and a type that is named is taken anywhere."""
    monkeypatch.setattr("pytest_ood.models._torch.has_accelerator", lambda _: there)
    for key in ("dtype", "torch_dtype"):
        (tmp_path / "config.json").write_text(json.dumps({key: own}))
        assert resolved_dtype(dtype, "auto", lambda: tmp_path) == right
    assert resolved_dtype(dtype, "auto", lambda: None) == (dtype if dtype != "auto" else "float32")


def test_a_checkpoint_is_not_looked_for_without_an_accelerator() -> None:
    """Its type decides nothing there; it may have to be downloaded."""

    def never() -> Path:
        raise AssertionError("it was looked for")

    assert resolved_dtype("auto", "cpu", never) == "float32"
    assert not has_accelerator("cpu")
    assert has_accelerator("cuda")


def test_a_machine_without_drivers_imports_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it takes seconds, which a run that only looks answers up need not wait for."""
    monkeypatch.setattr("pytest_ood.models._torch.sys.platform", "linux")
    monkeypatch.setattr("pytest_ood.models._torch.ACCELERATOR_FILES", ("/dev/none",))
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not has_accelerator("auto")


def test_arrays_are_sent_to_the_device() -> None:
    """Their values and their type stay."""
    torch = pytest.importorskip("torch")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    values = np.arange(6).reshape(2, 3)
    tensor = sent(torch, values, device)
    assert (tensor.device.type, tensor.dtype) == (device.type, torch.int64)
    assert tensor.tolist() == values.tolist()


def test_a_package_s_functions_remember_for_a_while() -> None:
    """The same question is answered once inside, and the functions are back however that ends."""
    asked = []
    module = SimpleNamespace(header=lambda path: asked.append(path) or [path])
    usual = module.header

    def read() -> None:
        with remembering(module, "header"):
            assert module.header("a") is module.header("a")
            assert module.header("b") == ["b"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert asked == ["a", "b"]
    assert module.header is usual
