"""A small RoBERTa that scores options is really trained, saved, loaded and asked."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.data.options import LETTERS, write_options
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models._multiple_choice import ChoiceHead, ChoiceModel, texts_by_option
from pytest_ood.models._training import FROM_SCRATCH
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import MultipleChoice

build = adapter("finetuned").build

TASK = MultipleChoice()
BRIGHT, DARK = ("red", "white", "green"), ("brown", "black", "navy", "grey")


def questions(name: str, count: int, seed: int) -> Dataset:
    """Make questions with two to four options, one of which is bright, as is asked for."""
    rng = random.Random(seed)
    examples = []
    for number in range(count):
        options = rng.sample(DARK, rng.randint(1, 3))
        right = rng.randint(0, len(options))
        options.insert(right, rng.choice(BRIGHT))
        inputs = {"text": "which is bright ?", "options": write_options(options)}
        examples.append(Example(str(number), inputs, LETTERS[right]))
    return Dataset(name, tuple(examples))


TRAIN, TEST = questions("train", 48, 0), questions("test", 30, 1)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    context_of: Callable[..., Context],
    one_thread: None,  # noqa: ARG001
) -> ChoiceModel:
    """Train a RoBERTa from scratch on 48 questions."""
    context = context_of(tmp_path_factory.mktemp("choice"), TRAIN, task=TASK)
    model: ChoiceModel = build(
        FROM_SCRATCH, context, train="train.jsonl", epochs=4, learning_rate=2e-3,
        train_batch_size=8, max_length=24, device="cpu",
    )  # fmt: skip
    assert model.folder.is_dir()
    return model


@pytest.mark.slow
def test_a_trained_model_chooses(
    trained: ChoiceModel, context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """It chooses right in new questions, and so it does as a checkpoint that a user names."""
    inputs = [example.inputs for example in TEST]
    answers = trained.predict(inputs)
    assert sum(map(TASK.score, answers, TEST)) / len(TEST) > 0.8
    ready = build(str(trained.folder), context_of(tmp_path, task=TASK), device="cpu", max_length=24)
    assert ready.predict(inputs) == answers
    assert "RobertaForMultipleChoice" in trained.source
    for value, answer in zip(inputs, answers, strict=True):
        assert not isinstance(value, str)
        count = len(value["options"].splitlines())
        assert sum(answer.scores.values()) == pytest.approx(1.0, abs=1e-3)
        assert all(answer.scores[letter] == 0.0 for letter in TASK.labels[count:])


@pytest.mark.slow
def test_neither_order_nor_marks_nor_batches_matter(trained: ChoiceModel) -> None:
    """Each option is scored by itself: the same one is chosen, wherever it is."""
    inputs: list[Inputs] = [example.inputs for example in TEST]
    first = trained.predict(inputs)
    turned: list[Inputs] = []
    for value in inputs:
        assert not isinstance(value, str)
        texts = [line.partition(". ")[2] for line in value["options"].splitlines()]
        turned.append({**value, "options": write_options(texts[::-1], ("1", "2", "3", "4"))})
    second = replace(trained, batch_size=3).predict(turned)
    for value, one, other in zip(inputs, first, second, strict=True):
        assert not isinstance(value, str)
        scores = list(one.scores.values())[: len(value["options"].splitlines())]
        reversed_scores = list(other.scores.values())[: len(scores)][::-1]
        assert reversed_scores == pytest.approx(scores, abs=2e-4)


@pytest.mark.slow
def test_what_it_sees_and_cuts_is_counted(trained: ChoiceModel) -> None:
    """Marks are not seen; a question that is too long is cut, with all of its options."""
    one, other = (
        {"text": "x", "options": "A. red\nB. blue"},
        {"text": "x", "options": "1. red\n2. blue"},
    )
    first, second, third = trained.seen([one, other, {**one, "options": "A. blue\nB. red"}])
    assert first == second != third
    long = {**one, "text": "which is red ? " * 20}
    assert trained.count_cut([one, long]) == 1
    assert trained.estimate([one, other]).prompt_tokens == 2 * trained.estimate([one]).prompt_tokens
    assert trained.predict([]) == []


@pytest.mark.parametrize(
    ("inputs", "texts"),
    [
        ({"text": "Q?", "options": "A. x\nB. y"}, [["Q?", "x"], ["Q?", "y"]]),
        (
            {"context": "C.", "question": "Q?", "options": "1. x\n2. y"},
            [["C.", "Q? x"], ["C.", "Q? y"]],
        ),
    ],
)
def test_a_network_reads_a_question_and_an_option(inputs: Inputs, texts: list[list[str]]) -> None:
    """Of a passage and a question, the question is before the option."""
    assert texts_by_option("model", inputs) == texts


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("Q?", "takes the field 'options' and one or two others, not text"),
        ({"text": "Q?", "options": "x or y"}, "takes the field 'options'"),
        ({"options": "A. x\nB. y"}, "takes the field 'options'"),
        ({"a": "1", "b": "2", "c": "3", "options": "A. x\nB. y"}, "one or two fields, not 3"),
    ],
)
def test_other_inputs_are_refused(inputs: Inputs, message: str) -> None:
    """The message names the fields that there are."""
    with pytest.raises(ModelError, match=message):
        texts_by_option("model", inputs)


def test_training_data_need_options() -> None:
    """The message names the example."""
    data = Dataset("train", (Example("q7", {"text": "Q?", "options": "x"}, "A"),))
    with pytest.raises(DataError, match="train: example 'q7' has no options"):
        ChoiceHead().check(data)


@pytest.mark.parametrize("kind", ["sklearn", "onnx"])
def test_models_of_fixed_labels_are_refused(
    kind: str, context_of: Callable[..., Context], tmp_path: Path
) -> None:
    """A letter says nothing about an option; the message names the models that read them."""
    with pytest.raises(ConfigurationError, match="each input has its own options"):
        adapter(kind).build("model", context_of(tmp_path, task=TASK))


def test_checkpoints_have_no_labels(context_of: Callable[..., Context], tmp_path: Path) -> None:
    """There is nothing to rename."""
    with pytest.raises(ConfigurationError, match=r"labels\.LABEL_0"):
        build("folder", context_of(tmp_path, task=TASK), labels={"LABEL_0": "A"})
