"""A RoBERTa that marks answers is really trained, saved, loaded and asked; only sizes are small."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError, ModelError, TooLongError
from pytest_ood.models import adapter
from pytest_ood.models._extractive_qa import (
    LONGEST_ANSWER,
    SpanHead,
    SpanModel,
    is_learnable,
    span_scores,
    windows,
)
from pytest_ood.models._torch import load_tokenizer
from pytest_ood.models._training import FROM_SCRATCH
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import NumericAnswer, QuestionAnswering

build = adapter("finetuned").build

TASK = QuestionAnswering("extractive-qa")
PEOPLE = ("Ada", "Bela", "Cleo", "Dina", "Egon", "Fritz")
CITIES = ("Rome", "Oslo", "Lima", "Kyoto", "Cairo", "Quito", "Turin", "Porto")
JOBS = ("baker", "pilot", "miner", "nurse")
RECIPE = {
    "train": "train.jsonl", "epochs": 30, "learning_rate": 2e-3, "train_batch_size": 16,
    "max_length": 64, "stride": 24, "device": "cpu",
}  # fmt: skip
FILLER = "It was a long day and nothing much happened then . "
WHY = "Why is it so ?"


def passages(name: str, count: int, seed: int) -> Dataset:
    """Make passages that say where somebody lives and what they do, and a question for either.

    Every fourth question has no answer, and some passages are longer than a window.
    """
    rng = random.Random(seed)
    examples = []
    for number in range(count):
        who, city, job = rng.choice(PEOPLE), rng.choice(CITIES), rng.choice(JOBS)
        before, after = (FILLER * rng.choice([0, 0, 0, 5]) for _ in range(2))
        context = f"{before}In short , {who} lives in {city} and works as a {job} there . {after}"
        question, answer = (
            (f"Where does {who} live ?", city), (f"What is {who} ?", job),
            (f"Where does {who} live ?", city), (WHY, ""),
        )[number % 4]  # fmt: skip
        examples.append(Example(str(number), {"question": question, "context": context}, answer))
    return Dataset(name, tuple(examples))


TRAIN, TEST = passages("train", 64, 0), passages("test", 40, 1)


@pytest.fixture(scope="module")
def span_context(
    tmp_path_factory: pytest.TempPathFactory, context_of: Callable[..., Context]
) -> Context:
    """Return a context of the task, with the training data."""
    return context_of(tmp_path_factory.mktemp("span"), TRAIN, task=TASK)


@pytest.fixture(scope="module")
def trained(span_context: Context, one_thread: None) -> SpanModel:  # noqa: ARG001
    """Train a RoBERTa from scratch on 64 passages."""
    model: SpanModel = build(FROM_SCRATCH, span_context, **RECIPE)
    assert model.folder.is_dir()
    return model


@pytest.fixture
def reloaded(trained: SpanModel, context_of: Callable[..., Context], tmp_path: Path) -> SpanModel:
    """Load the trained model as a folder that a user names."""
    context = context_of(tmp_path, task=TASK)
    found: SpanModel = build(
        str(trained.folder), context, device="cpu", max_length=64, stride=24, no_answer=True
    )
    return found


def tokenizer_of(model: SpanModel) -> Any:
    """Load the tokenizer of a trained model."""
    return load_tokenizer(model.folder, "test")


def f1(model: SpanModel, data: Dataset) -> float:
    """Return the mean token F1."""
    answers = model.predict([example.inputs for example in data])
    return sum(map(TASK.score, answers, data)) / len(data)


@pytest.mark.slow
def test_a_trained_model_marks_answers(trained: SpanModel, reloaded: SpanModel) -> None:
    """Trained on a few dozen passages it marks the answers of others; so it does once reloaded.

    A random word is right one time in 14, and what ignores the question one time in 2 at most.
    """
    assert f1(trained, TRAIN) > 0.9
    assert f1(reloaded, TEST) > 0.8
    inputs = [example.inputs for example in TEST]
    assert reloaded.predict(inputs) == trained.predict(inputs)


def test_what_ran_is_told(trained: SpanModel) -> None:
    """Reports say what kind of head, on how many examples, and how windows overlap."""
    assert trained.source == (
        "RobertaForQuestionAnswering (2 layers, 128 wide), no pre-training, trained here on 64 "
        "examples"
    )
    assert trained.parameters["stride"] == 24
    assert trained.parameters["max_length"] == 64
    assert trained.parameters["no_answer"] is True


def test_an_answer_does_not_depend_on_its_batch(reloaded: SpanModel) -> None:
    """Alone, in small batches or in another order: the same answers, from the passage itself."""
    inputs = [example.inputs for example in TEST]
    together = reloaded.predict(inputs)
    backwards = replace(reloaded, batch_size=3).predict(inputs[::-1])[::-1]
    assert [a.label for a in together] == [a.label for a in backwards]
    for value, answer in zip(inputs, together, strict=True):
        assert not isinstance(value, str)
        assert answer.label is not None
        assert answer.label in value["context"]
        assert 0.0 < answer.scores[answer.label] <= 1.0


def test_a_long_passage_is_read_in_windows(reloaded: SpanModel) -> None:
    """An answer far behind the first window is found, and cut out of the passage as it stands."""
    long = [e for e in TRAIN if e.label and len(_fields(e)["context"]) > len(FILLER) * 5]
    far = [e for e in long if _fields(e)["context"].startswith(FILLER)]
    inputs = [e.inputs for e in far]
    assert len(far) >= 5
    assert reloaded.estimate(inputs).prompt_tokens > 64 * len(far)
    assert f1(reloaded, Dataset("long", tuple(long))) > 0.8
    assert f1(reloaded, Dataset("far", tuple(far))) > 0.8
    assert reloaded.count_cut(inputs) == 0


@settings(deadline=None, max_examples=30)
@given(
    context=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    length=st.integers(24, 60),
    stride=st.integers(1, 200),
)
def test_windows_cover_a_passage(
    trained: SpanModel, context: str, length: int, stride: int
) -> None:
    """Every token of a passage is in a window of no more than so many tokens, at its own place."""
    tokenizer = tokenizer_of(trained)
    inputs = {"question": "Where ?", "context": context}
    made = windows("m", tokenizer, [inputs], max_length=length, stride=stride)
    assert all(len(window) <= length for window in made)
    whole = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
    seen = {tuple(map(int, o)) for window in made for o in window.offsets if o[0] >= 0}
    assert seen == set(whole["offset_mapping"])
    for window in made:
        for token, (start, end) in zip(window.tokens["input_ids"], window.offsets, strict=True):
            if start >= 0:
                assert tokenizer.decode([token]).strip() in (context[start:end].strip(), "\ufffd")


def test_a_question_without_room_is_refused(reloaded: SpanModel) -> None:
    """A question that fills the window is an error that names it; nothing is cut."""
    inputs = {"question": "Where does Ada live ? " * 20, "context": "In Rome ."}
    with pytest.raises(TooLongError, match="1 questions leave no room for a passage in 32"):
        replace(reloaded, max_length=32).predict([inputs])


@pytest.mark.parametrize("inputs", ["a text", {"question": "Where ?", "passage": "In Rome ."}])
def test_other_fields_are_refused(reloaded: SpanModel, inputs: Any) -> None:
    """Inputs without question and context are an error that says how to name columns."""
    with pytest.raises(ModelError, match="takes the fields question and context, not"):
        reloaded.predict([inputs])


def test_an_empty_passage_holds_no_answer(reloaded: SpanModel) -> None:
    """Where there is nothing to mark, the answer is that there is none."""
    found = reloaded.predict([{"question": "Where does Ada live ?", "context": ""}])
    assert found[0].label == ""


def test_a_question_may_have_no_answer(reloaded: SpanModel, trained: SpanModel) -> None:
    """Trained on questions of which some have none it says so; told that all have it does not."""
    assert trained.may_abstain
    asked = [{**_fields(e), "question": WHY} for e in TEST]
    answers = reloaded.predict(asked)
    assert [answer.label for answer in answers].count("") > 0.8 * len(answers)
    assert all(0.0 < answer.scores[answer.label or ""] <= 1.0 for answer in answers)
    never = replace(reloaded, no_answer=False).predict(asked)
    assert "" not in [answer.label for answer in never]


def _fields(example: Example) -> dict[str, str]:
    assert not isinstance(example.inputs, str)
    return dict(example.inputs)


def test_rows_without_their_answer_are_left_out_and_told(
    context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """What cannot be marked is not learned, and the report says how much that is."""
    lost = Example("lost", {"question": "Where ?", "context": "Nobody knows ."}, "Rome")
    data = Dataset("train", (*TRAIN.examples, lost))
    model: SpanModel = build(FROM_SCRATCH, context_of(tmp_path, data, task=TASK), **RECIPE)
    assert model.source.endswith(
        "trained here on 65 examples (1 of them left out: no such answer in the passage)"
    )
    assert [e.id for e in data if not is_learnable(e)] == ["lost"]
    with pytest.raises(DataError, match="none of the 1 answers is in its passage"):
        SpanHead().check(Dataset("train", (lost,)))


def test_training_rows_mark_the_first_occurrence(trained: SpanModel) -> None:
    """The tokens between the marks are the answer; windows without it point to their start."""
    tokenizer = tokenizer_of(trained)
    context = "In short , Ada lives in Oslo and works as a nurse there . " * 8 + "Rome Oslo"
    data = Dataset(
        "d", (Example("1", {"question": "Where does Ada live ?", "context": context}, "Oslo"),)
    )
    rows = SpanHead(8).rows("m", tokenizer, data, 40)
    marked = [
        tokenizer.decode(row["input_ids"][row["start_positions"] : row["end_positions"] + 1])
        for row in rows
    ]
    assert len(rows) > 3
    assert marked[0].strip() == "Oslo"
    assert set(marked[1:]) == {tokenizer.cls_token}


@given(
    logits=st.lists(
        st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.booleans()), min_size=1, max_size=50
    )
)
def test_spans_are_those_that_can_be_answers(logits: list[tuple[float, float, bool]]) -> None:
    """A span is inside of the passage, ends where it begins or later, and has 30 tokens or less."""
    start, end = np.array([s for s, _, _ in logits]), np.array([e for _, e, _ in logits])
    offsets = np.array(
        [(n, n + 1) if is_in else (-1, -1) for n, (_, _, is_in) in enumerate(logits)]
    )
    scores = span_scores(offsets, start, end)
    for first in range(len(logits)):
        for last in range(len(logits)):
            possible = logits[first][2] and logits[last][2] and 0 <= last - first < LONGEST_ANSWER
            wanted = start[first] + end[last] if possible else -math.inf
            assert scores[first, last] == wanted


def test_values_that_do_not_go_together(context_of: Callable[..., Context], tmp_path: Path) -> None:
    """Labels for spans, spans for labels, and tasks that an encoder cannot do are refused."""
    spans = context_of(tmp_path, task=TASK)
    with pytest.raises(ConfigurationError, match="the task extractive-qa has no labels"):
        build("asset:minilm", spans, labels={"LABEL_0": "x"})
    with pytest.raises(ConfigurationError, match="stride = 0 has to be 1 or more"):
        build("asset:minilm", spans, stride=0)
    for key, value in (("no_answer", True), ("stride", 64)):
        with pytest.raises(ConfigurationError, match=f"{key}: encoders for the task class"):
            build("asset:minilm", context_of(tmp_path), **{key: value})
    for task in (NumericAnswer(), QuestionAnswering("closed-book-qa")):
        given_task = context_of(tmp_path, task=task)
        with pytest.raises(ConfigurationError, match=f"the task {task.name} is neither; take a"):
            build("asset:minilm", given_task)
        with pytest.raises(ConfigurationError, match=f"the task {task.name} has none; take a mod"):
            adapter("sklearn").build("my_models:pipeline", given_task)
