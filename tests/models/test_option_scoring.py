"""Marks and options are scored as a plain loop scores them, by really running small models."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import llama

from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models._decoding import Decoder, can_pack, can_reuse
from pytest_ood.models._option_scoring import continuation_scores
from pytest_ood.models._packing import Tokens
from pytest_ood.models.prompted import PromptedModel
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification, MultipleChoice

build = adapter("prompted").build

START: Tokens = (7, 3, 11, 3, 25)
QUESTIONS: list[Inputs] = [
    {"question": "where", "options": "A. the film\nB. a plot\nC. boring"},
    {"question": "what", "options": "A. a\nB. wonderful film and plot"},
    {"question": "what", "options": "A. superb\nB. wonderful"},
    {"question": "who", "options": "1. the film\n2. a plot"},
]
LETTER = "{question}\n{options}\nAnswer:"
CLOZE = "Question: {question}\nAnswer:"


def decoder_of(model: Any, most: int, start: Tokens = START) -> Decoder:
    """Return what runs a model."""
    import torch

    packs = can_pack(torch, model)
    reuses = packs or can_reuse(torch, model)
    return Decoder(
        torch=torch,
        model=model,
        padding=0,
        start=start if reuses else (),
        most=most,
        packs=packs,
        reuses=reuses,
    )


def log_probability(model: Any, prompt: Sequence[int], continuation: Sequence[int]) -> float:
    """Score one continuation with nothing but the model: a forward pass, no cache."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([[*prompt, *continuation]])
        logits = model(ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
    chosen = logits.log_softmax(-1)[range(len(continuation)), list(continuation)]
    return float(chosen.sum())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gemma2", "bloom", "mamba"])
@pytest.mark.parametrize("most", [64, 2])
def test_continuations_are_scored_as_in_a_plain_loop(
    name: str, most: int, model_of: Callable[[str], Any]
) -> None:
    """Each prompt has continuations of its own; some begin others, some prompts are equal."""
    rng, model = random.Random(0), model_of(name)

    def some(longest: int) -> Tokens:
        return tuple(rng.choices(range(40), k=rng.randint(1, longest)))

    behind = [((*START, *some(9)), [some(5) for _ in range(rng.randint(1, 4))]) for _ in range(6)]
    behind += [(behind[0][0], [(5, 6), (5,), (5, 6, 7)]), (START[:2], [(1, 2), (3,)])]
    found = continuation_scores(decoder_of(model, most), behind)
    for (prompt, continuations), scores in zip(behind, found, strict=True):
        expected = [log_probability(model, prompt, one) for one in continuations]
        np.testing.assert_allclose(scores, expected, atol=1e-3)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:  # noqa: ARG001
    """Make a Llama with random weights."""
    return llama(
        tmp_path_factory.mktemp("llama"), "LlamaForCausalLM", pad_token_id=None,
        initializer_range=0.3,
    )  # fmt: skip


@pytest.fixture
def make(
    checkpoint: Path, context_of: Callable[..., Context], tmp_path: Path
) -> Callable[..., Any]:
    """Return a maker of models on the checkpoint."""

    def maker(**options: Any) -> PromptedModel:
        context = context_of(tmp_path, task=MultipleChoice())
        built: PromptedModel = build(
            str(checkpoint), context, **{"prompt": LETTER, "device": "cpu", **options}
        )
        return built

    return maker


@pytest.mark.slow
@pytest.mark.parametrize("normalize", ["sum", "tokens", "characters", "empty"])
def test_options_are_chosen_by_their_own_probability(
    normalize: str, make: Callable[..., PromptedModel]
) -> None:
    """The probabilities are the softmax of the scores of one row's options, the others get 0."""
    model = make(prompt=CLOZE, answer="options", normalize=normalize)
    answers = model.predict(QUESTIONS)
    _, tokenizer, network = model.checkpoint.loaded

    def tokens(text: str) -> list[int]:
        return list(tokenizer(text)["input_ids"])

    for value, answer in zip(QUESTIONS, answers, strict=True):
        assert not isinstance(value, str)
        texts = [line.partition(". ")[2] for line in value["options"].splitlines()]
        scores = []
        for text in texts:
            prompt = f"Question: {value['question']}\nAnswer:"
            behind = tokens(f"{prompt} {text}")[len(tokens(prompt)) :]
            score = log_probability(network, tokens(prompt), behind)
            if normalize == "empty":
                score -= log_probability(network, tokens("Question: \nAnswer:"), behind)
            lengths = {"tokens": len(behind), "characters": len(text)}
            scores.append(score / lengths.get(normalize, 1))
        shares = np.exp(np.array(scores) - max(scores))
        expected = [*(shares / shares.sum()), 0.0, 0.0, 0.0][:5]
        assert list(answer.scores) == ["A", "B", "C", "D", "E"]
        assert list(answer.scores.values()) == pytest.approx(expected, abs=2e-3)
        assert answer.label == "ABCDE"[int(np.argmax(expected))]


@pytest.mark.slow
def test_the_marks_of_a_row_are_scored(make: Callable[..., PromptedModel]) -> None:
    """Letters that a row lacks get 0; other marks are the words of a row that has them."""
    model = make()
    answers = model.predict(QUESTIONS)
    assert [sum(score > 0 for score in a.scores.values()) for a in answers] == [3, 2, 2, 2]
    _, tokenizer, network = model.checkpoint.loaded
    for value, answer in zip(QUESTIONS, answers, strict=True):
        assert not isinstance(value, str)
        prompt = f"{value['question']}\n{value['options']}\nAnswer:"
        bare = list(tokenizer(prompt)["input_ids"])
        marks = [line.partition(".")[0] for line in value["options"].splitlines()]
        behind = [list(tokenizer(f"{prompt} {mark}")["input_ids"])[len(bare) :] for mark in marks]
        scores = np.array([log_probability(network, bare, one) for one in behind])
        shares = np.exp(scores - scores.max())
        found = list(answer.scores.values())[: len(marks)]
        assert found == pytest.approx(shares / shares.sum(), abs=2e-3)
    assert [model.predict([value])[0].label for value in QUESTIONS] == [a.label for a in answers]


@pytest.mark.slow
def test_an_input_without_options_is_refused(make: Callable[..., PromptedModel]) -> None:
    """The message names its fields, and the key that is missing."""
    model = make(prompt=CLOZE, answer="options")
    with pytest.raises(ModelError, match=r"no options to choose from \(its fields are question"):
        model.predict([{"question": "where"}])


def test_demonstrations_are_answered_by_their_options(make: Callable[..., PromptedModel]) -> None:
    """As a model continues that is scored by the text of options; letters otherwise."""
    shown = [{"question": "where", "options": "A. there\nB. here", "label": "B"}]
    assert make(demonstrations=shown).prompt.prefix.endswith("Answer: B\n\n")
    texts = make(prompt=CLOZE, answer="options", demonstrations=shown)
    assert texts.prompt.prefix == "Question: where\nAnswer: here\n\n"
    assert texts.parameters["answer"] == "options"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"answer": "options", "label_words": dict(zip("ABCDE", "VWXYZ", strict=True))},
         "label_words: answer = .options. scores the options"),
        ({"calibrate": True}, "calibrate = true divides the scores of labels that all inputs"),
        ({"answer": "options", "chain_of_thought": True}, 'needs answer = "generated"'),
        ({"answer": "options", "max_new_tokens": 5}, 'max_new_tokens needs answer = "generated"'),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(
    options: dict[str, Any], message: str, make: Callable[..., PromptedModel]
) -> None:
    """An error names the option, and says why."""
    with pytest.raises(ConfigurationError, match=message):
        make(**options)


def test_other_tasks_have_no_options(context: Context) -> None:
    """Their labels are scored."""
    other = replace(context, task=Classification(("no", "yes")))
    with pytest.raises(ConfigurationError, match="the task classification has none"):
        build("folder", other, prompt="{text}", answer="options")
