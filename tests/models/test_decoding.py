"""Models of several architectures really run; only their size is small and their weights random."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from checkpoints import CAUSAL_MODELS, VOCABULARY
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from pytest_ood.models._decoding import Decoder, can_pack
from pytest_ood.models._packing import Tokens
from pytest_ood.utils.seeding import generator

WORDS = [5, 17, 40]
START: Tokens = (7, 3, 11, 3, 25, 2, 9)


def decoder(model: Any, start: Tokens = START, most: int = 64) -> Decoder:
    """Return a decoder of a model."""
    import torch

    return Decoder(
        torch=torch, model=model, padding=0, start=start, most=most, packs=can_pack(torch, model)
    )


def alone(model: Any, prompts: list[Tokens]) -> list[list[float]]:
    """Score the words with nothing but the model: a whole prompt at a time, no cache."""
    import torch

    with torch.inference_mode():
        return [
            model(torch.tensor([prompt]), use_cache=False).logits[0, -1, WORDS].softmax(-1).tolist()
            for prompt in prompts
        ]


def near(found: list[list[float]], expected: list[list[float]]) -> bool:
    """Tell whether all scores are the same but for rounding."""
    return all(
        row == pytest.approx(own, abs=1e-4) for row, own in zip(found, expected, strict=True)
    )


def some_prompts(count: int, seed: int = 0) -> list[Tokens]:
    """Make prompts of 1 to 40 tokens behind the start, each followed by versions of it."""
    rng = random.Random(seed)
    made: list[Tokens] = []
    for _ in range(count):
        text = rng.choices(range(VOCABULARY), k=rng.randint(1, 40))
        made.append((*START, *text))
        for _ in range(rng.randint(0, 2)):
            place = rng.randrange(len(text))
            made.append((*START, *text[:place], rng.randrange(VOCABULARY), *text[place + 1 :]))
    return made


@pytest.mark.parametrize("name", CAUSAL_MODELS)
@pytest.mark.parametrize("start", [START, START[:1], ()], ids=len)
@pytest.mark.parametrize("most", [1, 3, 64])
def test_scores_are_those_of_one_by_one(
    name: str, start: Tokens, most: int, model_of: Callable[[str], Any]
) -> None:
    """Whatever the architecture, shared starts and batches change no score."""
    prompts = [*some_prompts(12), START, START[:3], (1,), (*START, 4), START]
    model = model_of(name)
    found = decoder(model, start, most).scores(prompts, WORDS)
    expected = alone(model, prompts)
    assert near(found, expected)
    assert max(row[0] for row in expected) - min(row[0] for row in expected) > 0.1


PROMPTS = st.lists(
    st.tuples(
        st.sampled_from([(), START[:2], START]),
        st.lists(st.integers(0, 3), min_size=1, max_size=30),
    ).map(lambda parts: (*parts[0], *parts[1])),
    max_size=12,
)


@pytest.mark.slow
@given(PROMPTS)
def test_any_prompts_are_scored_alike(
    model_of: Callable[[str], Any], prompts: list[Tokens]
) -> None:
    """Equal prompts, shared starts and prompts that start others: each has its own score."""
    model = model_of("llama")
    assert near(decoder(model).scores(prompts, WORDS), alone(model, prompts))


@pytest.mark.parametrize(
    ("name", "packs"), [("llama", True), ("gpt2", True), ("mistral", True), ("bloom", False)]
)
def test_it_is_tried_whether_a_model_can_be_packed(
    name: str,
    packs: bool,  # noqa: FBT001 - a figure of the table
    model_of: Callable[[str], Any],
) -> None:
    """Models that take positions are packed; those that derive them from the mask are not."""
    assert decoder(model_of(name)).packs is packs


class Counting:
    """A model that counts what passes through it."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.tokens = 0

    def __call__(self, **named: Any) -> Any:
        """Pass on."""
        self.tokens += named["input_ids"].numel()
        return self.model(**named)

    def __getattr__(self, name: str) -> Any:
        """Be the model for everything else."""
        return getattr(self.model, name)


def test_what_is_common_is_computed_once(model_of: Callable[[str], Any]) -> None:
    """The start, equal prompts and the common start of versions pass the model once."""
    counting = Counting(model_of("llama"))
    asked = decoder(counting)
    assert asked.packs
    assert asked.past.get_seq_length() == len(START)
    text = (*START, *range(10, 40))
    versions = [(*text[:30], token, *text[31:]) for token in (1, 2, 3)]
    counting.tokens = 0
    asked.scores([text, *versions, text, *versions], WORDS)
    assert counting.tokens == 30 + 3 * 7
    asked.scores([text], WORDS)
    assert counting.tokens == 30 + 3 * 7 + 30, "the start is not computed again"


def whole(model: Any, prompt: Tokens, longest: int, end: int | None) -> Tokens:
    """Return what transformers' own greedy generation adds to one prompt."""
    import torch

    said = model.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=longest, do_sample=False, eos_token_id=end, pad_token_id=0,
    )  # fmt: skip
    return tuple(said[0, len(prompt) :].tolist())


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUSAL_MODELS)
@pytest.mark.parametrize("most", [1, 5, 64])
def test_what_is_written_is_that_of_one_by_one(
    name: str, most: int, model_of: Callable[[str], Any]
) -> None:
    """Batches write what each prompt gets alone, and each answer ends where it ends alone."""
    model = model_of(name)
    prompts = [*some_prompts(8), START, (1,), (*START, 4), (*START, 4)]
    free = [whole(model, prompt, 9, None) for prompt in prompts]
    end = free[0][2]
    expected = [whole(model, prompt, 9, end) for prompt in prompts]
    assert len({len(said) for said in expected}) > 1, "some end early, and some do not"
    asked = decoder(model, most=most)
    assert asked.continuations(prompts, 9, lambda said: said[-1] == end) == expected
    assert asked.continuations(prompts[:1], 1, lambda _: False) == [free[0][:1]]


def test_nothing_is_asked_about_nothing(model_of: Callable[[str], Any]) -> None:
    """No prompts have no scores and no answers."""
    asked = decoder(model_of("llama"))
    assert asked.scores([], WORDS) == []
    assert asked.continuations([], 3, lambda _: False) == []


def test_asking_leaves_the_start_alone(model_of: Callable[[str], Any]) -> None:
    """The keys and values of the start are as long after questions as before."""
    asked = decoder(model_of("llama"))
    asked.scores(some_prompts(3), WORDS)
    asked.continuations(some_prompts(3), 3, lambda _: False)
    assert asked.past.get_seq_length() == len(START)
    assert near(replace(asked).scores(some_prompts(3), WORDS), asked.scores(some_prompts(3), WORDS))


def lone_samples(model: Any, prompt: Tokens, longest: int, count: int) -> list[Tokens]:
    """Draw answers to one prompt with nothing but the model, NumPy and the seeding."""
    import torch

    answers = []
    for number in range(count):
        stream, said = generator(3, "sample", str(number), *map(str, prompt)), ()
        while len(said) < longest:
            with torch.inference_mode():
                logits = model(torch.tensor([[*prompt, *said]]), use_cache=False).logits[0, -1]
            shares = np.exp(logits.double().numpy() / 0.8)
            edges = np.cumsum(shares / shares.sum())
            said = (*said, int(np.searchsorted(edges, stream.random(), side="right")))
            if said[-1] < 6:
                break
        answers.append(said)
    return answers


def draw(asked: Decoder, prompts: list[Tokens], count: int = 3) -> list[list[Tokens]]:
    """Draw answers to prompts that end at a token below 6, or after 8."""
    return asked.samples(
        prompts, 8, lambda said: said[-1] < 6, count=count, temperature=0.8, seed=3
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUSAL_MODELS)
@pytest.mark.parametrize("most", [1, 7, 64])
def test_samples_are_those_of_one_by_one(
    name: str, most: int, model_of: Callable[[str], Any]
) -> None:
    """Whatever the batch, each answer is the one that its own stream draws from the softmax."""
    model = model_of(name)
    prompts = [*some_prompts(4), START, (1,), (*START, 4), (*START, 4)]
    expected = [lone_samples(model, prompt, 8, 3) for prompt in prompts]
    lengths = {len(said) for answers in expected for said in answers}
    assert len(lengths) > 2, "they end at different places"
    assert len({tuple(answers) for answers in expected}) == len(set(prompts))
    assert draw(decoder(model, most=most), prompts) == expected


def test_a_sample_depends_on_its_number_alone(model_of: Callable[[str], Any]) -> None:
    """More samples, other prompts and another order leave those that were there as they were."""
    asked, prompts = decoder(model_of("llama")), some_prompts(5)
    found = draw(asked, prompts, 4)
    assert [answers[:2] for answers in found] == draw(asked, prompts, 2)
    assert draw(asked, prompts[::-1], 4) == found[::-1]
    assert draw(asked, prompts[:1], 4) == found[:1]
    other = asked.samples(prompts, 8, lambda said: said[-1] < 6, count=4, temperature=0.8, seed=4)
    assert other != found


def test_samples_are_drawn_from_the_softmax(model_of: Callable[[str], Any]) -> None:
    """The tokens of a thousand samples are as frequent as the probabilities say."""
    import torch

    model, count = model_of("llama"), 2000
    asked = decoder(model)
    (answers,) = asked.samples(
        [(*START, 4)], 1, lambda _: True, count=count, temperature=2.0, seed=0
    )
    with torch.inference_mode():
        logits = model(torch.tensor([[*START, 4]]), use_cache=False).logits[0, -1]
    expected = (logits.double() / 2.0).softmax(-1).numpy() * count
    seen = np.bincount([said[0] for said in answers], minlength=VOCABULARY)
    kept = expected >= 5
    tested = chisquare([*seen[kept], seen[~kept].sum()], [*expected[kept], expected[~kept].sum()])
    assert tested.pvalue > 0.001


def test_a_prompt_is_computed_once_for_all_its_samples(model_of: Callable[[str], Any]) -> None:
    """Four answers to a prompt pass it through the model once."""
    counting = Counting(model_of("llama"))
    asked = decoder(counting)
    assert asked.past.get_seq_length() == len(START)
    counting.tokens = 0
    text = (*START, *range(10, 40))
    asked.samples([text, text], 3, lambda _: False, count=4, temperature=1.0, seed=0)
    assert counting.tokens == 30 + 2 * 4
    assert asked.past.get_seq_length() == len(START)
    assert asked.samples([], 3, lambda _: False, count=4, temperature=1.0, seed=0) == []
