"""A RoBERTa that tags words is really trained, saved, loaded and asked; only sizes are small."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models._token_classification import (
    TokenHead,
    TokenModel,
    first_tokens,
    tagged,
)
from pytest_ood.models._training import FROM_SCRATCH
from pytest_ood.models.protocol import Context
from pytest_ood.tasks.named_entities import NamedEntities

build = adapter("finetuned").build

TASK = NamedEntities(("PER", "LOC"))
PEOPLE = ("Ada", "Bela Bo", "Cleo", "Dina", "Egon Fitz")
CITIES = ("Rome", "Oslo", "New Lima", "Kyoto", "Cairo")
RECIPE = {
    "train": "train.jsonl", "epochs": 12, "learning_rate": 3e-3, "train_batch_size": 16,
    "max_length": 32, "device": "cpu",
}  # fmt: skip


def texts(name: str, count: int, seed: int) -> Dataset:
    """Make texts that say who lives where, and some that say nothing."""
    rng = random.Random(seed)
    examples = []
    for number in range(count):
        who, city = rng.choice(PEOPLE), rng.choice(CITIES)
        text = f"In short, {who} lives in {city}." if number % 4 else "Nothing happened then."
        names = [(who, "PER"), (city, "LOC")] if number % 4 else []
        spans = [[text.index(name), text.index(name) + len(name), label] for name, label in names]
        examples.append(Example(str(number), text, TASK.encode(spans, text)))
    return Dataset(name, tuple(examples))


TRAIN, TEST = texts("train", 48, 0), texts("test", 16, 1)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    context_of: Callable[..., Context],
    one_thread: None,  # noqa: ARG001
) -> TokenModel:
    """Train a RoBERTa from scratch on 48 texts."""
    context = context_of(tmp_path_factory.mktemp("tokens"), TRAIN, task=TASK)
    model: TokenModel = build(FROM_SCRATCH, context, **RECIPE)
    assert model.folder.is_dir()
    return model


def f1(model: TokenModel) -> float:
    """Return the mean F1 on the texts of the test."""
    answers = model.predict([example.inputs for example in TEST])
    return sum(map(TASK.score, answers, TEST)) / len(TEST)


@pytest.mark.slow
def test_a_trained_model_tags_words(
    trained: TokenModel, context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """It finds names in other sentences; so does a checkpoint whose tags have other names."""
    assert f1(trained) > 0.9
    assert json.loads((trained.folder / "config.json").read_text())["id2label"] == {
        "0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "4": "I-LOC",
    }  # fmt: skip
    assert trained.count_cut([TEST.examples[1].inputs, "word " * 40]) == 1
    folder = tmp_path / "own"
    shutil.copytree(trained.folder, folder)
    config = json.loads((folder / "config.json").read_text())
    names = ["O", "B-person", "I-person", "LABEL_3", "LABEL_4"]
    config |= {"id2label": dict(enumerate(names)), "label2id": {n: i for i, n in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(config))
    labels = {"person": "PER", "LABEL_3": "B-LOC", "LABEL_4": "LOC"}
    context = context_of(tmp_path, task=TASK)
    options: dict[str, Any] = {"device": "cpu", "max_length": 32}
    ready: TokenModel = build(str(folder), context, labels=labels, **options)
    inputs = [example.inputs for example in TEST]
    assert ready.predict(inputs) == trained.predict(inputs)
    unnamed: TokenModel = build(str(folder), context, labels={"person": "PER"}, **options)
    with pytest.raises(ModelError, match="its tag 'LABEL_3' is of none of the task's labels"):
        unnamed.predict(inputs)
    dropped = {**labels, "LABEL_3": "O", "LABEL_4": "O"}
    partial: TokenModel = build(str(folder), context, labels=dropped, **options)
    with pytest.raises(ModelError, match="it has no output for the label 'LOC'"):
        partial.predict(inputs)


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        # Special tokens, two pieces of the first word, and the space before the second.
        ([(0, 0), (0, 2), (2, 3), (3, 6), (0, 0)], [1, 3, None]),
        ([(0, 3), (4, 6), (6, 9)], [0, 1, 2]),
        # One token of two words, and one that begins inside of the third.
        ([(0, 6), (7, 9)], [0, 0, 1]),
        ([], [None, None, None]),
    ],
)
def test_a_word_has_its_first_token(
    offsets: list[tuple[int, int]], expected: list[int | None]
) -> None:
    """One that was truncated has none."""
    assert first_tokens([(0, 3), (4, 6), (6, 9)], offsets) == expected


def test_tags_of_tokens_are_spans_of_the_text() -> None:
    """The other pieces of a word do not count, and an I after O begins an entity."""
    found = tagged(
        "Ann Lee, Rome",
        [(0, 0), (0, 2), (2, 3), (4, 7), (7, 8), (9, 13), (0, 0)],
        ["B-LOC", "B-PER", "O", "I-PER", "O", "I-LOC", "I-LOC"],
    )
    assert [e.text for e in found] == ["Ann Lee", "Rome"]
    assert [e.label for e in found] == ["PER", "LOC"]


def test_there_is_something_to_learn() -> None:
    """Data without any entity are refused before a base is loaded."""
    empty = Dataset("train", (Example("e", "Nothing", "[]"),))
    with pytest.raises(DataError, match="there is no entity in its 1 texts"):
        TokenHead(TASK.entities).check(empty)


def test_names_of_tags_are_checked(context_of: Callable[..., Context], tmp_path: Path) -> None:
    """They stand for labels of the task, its tags, or no entity."""
    context = context_of(tmp_path, task=TASK)
    with pytest.raises(ConfigurationError, match=r"labels\.X: unknown label 'PERSON'"):
        build("folder", context, labels={"X": "PERSON"})
    assert build("folder", context, labels={"X": "O", "Y": "B-PER", "Z": "LOC"}).label_names
