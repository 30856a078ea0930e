"""Labels of several tokens are scored as a plain loop scores them, by really running models."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from checkpoints import CAUSAL_MODELS, MORE_CAUSAL_MODELS, VOCABULARY
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models import _label_scoring
from pytest_ood.models._decoding import Decoder, can_pack, can_reuse
from pytest_ood.models._label_scoring import (
    LabelScorer,
    LabelScoring,
    check_label_tokens,
    tokenize_labels,
)
from pytest_ood.models._packing import LabelTrie, Tokens, label_tries, layout

START: Tokens = (7, 3, 11, 3, 25, 2, 9)
LABELS: tuple[Tokens, ...] = (
    (5,), (5, 6, 7), (5, 6, 8), (17, 2), (17, 2, 2, 2, 9), (40,), (41, 3, 1, 4), (5, 6, 7, 1),
)  # fmt: skip
"""One token and more, with common beginnings; some are the beginning of others."""


def scorer(
    model: Any, labels: tuple[Tokens, ...] = LABELS, start: Tokens = START, **changes: Any
) -> LabelScorer:
    """Return what scores labels with a model."""
    import torch

    packs = can_pack(torch, model)
    reuses = packs or can_reuse(torch, model)
    return LabelScorer(
        decoder=Decoder(
            torch=torch,
            model=model,
            padding=0,
            start=start if reuses else (),
            most=changes.pop("most", 64),
            packs=packs,
            reuses=reuses,
        ),
        labels=labels,
        **changes,
    )


def alone(
    model: Any, prompts: Sequence[Tokens], labels: Sequence[Tokens] = LABELS
) -> NDArray[np.float64]:
    """Score labels with nothing but the model: a forward pass per prompt and label, no cache."""
    import torch

    sums = np.zeros((len(prompts), len(labels)))
    for row, prompt in enumerate(prompts):
        for column, label in enumerate(labels):
            ids = torch.tensor([[*prompt, *label]])
            with torch.inference_mode():
                logits = model(ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
            chosen = logits.log_softmax(-1)[range(len(label)), list(label)]
            sums[row, column] = chosen.sum()
    return sums


def some_prompts(count: int, seed: int = 0, longest: int = 30) -> list[Tokens]:
    """Make prompts of some tokens behind the start, each followed by versions of it."""
    rng = random.Random(seed)
    made: list[Tokens] = []
    for _ in range(count):
        text = rng.choices(range(VOCABULARY), k=rng.randint(1, longest))
        made.append((*START, *text))
        for _ in range(rng.randint(0, 2)):
            index = rng.randrange(len(text))
            made.append((*START, *text[:index], rng.randrange(VOCABULARY), *text[index + 1 :]))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CAUSAL_MODELS, *MORE_CAUSAL_MODELS])
@pytest.mark.parametrize(("start", "most"), [(START, 64), (START, 1), ((), 3)])
def test_label_scores_are_those_of_a_plain_loop(
    name: str, start: Tokens, most: int, model_of: Callable[[str], Any]
) -> None:
    """With and without packing, windows and recurrent layers, no score differs."""
    prompts = [*some_prompts(5), START, START[:3], (1,), (*START, 4), START]
    model = model_of(name)
    found = scorer(model, start=start, most=most).log_probabilities(prompts)
    expected = alone(model, prompts)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert expected.std() > 1


@pytest.mark.parametrize(
    ("name", "packs", "reuses"),
    [
        ("gemma2", True, True),
        ("bloom", False, True),
        ("lfm2", False, False),
        ("mamba", False, False),
    ],
)
def test_it_is_tried_what_a_model_can_do(
    name: str,
    packs: bool,  # noqa: FBT001 - a figure of the table
    reuses: bool,  # noqa: FBT001 - likewise
    model_of: Callable[[str], Any],
) -> None:
    """Each of the three ways to score labels is the way of some model above."""
    tried = scorer(model_of(name)).decoder
    assert (tried.packs, tried.reuses) == (packs, reuses)


TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple)
"""Few different tokens, so that many labels begin alike."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["llama", "bloom"])
@given(
    labels=st.lists(TOKENS, min_size=1, max_size=6, unique=True).map(tuple),
    prompts=st.lists(TOKENS, max_size=3),
)
def test_any_labels_are_scored_alike(
    name: str, model_of: Callable[[str], Any], labels: tuple[Tokens, ...], prompts: list[Tokens]
) -> None:
    """Whatever labels begin alike, or are in one of two trees, each has its own score."""
    model = model_of(name)
    found = scorer(model, labels, START[:2]).log_probabilities([(*START[:2], *p) for p in prompts])
    np.testing.assert_allclose(
        found, alone(model, [(*START[:2], *p) for p in prompts], labels), atol=1e-3
    )


@pytest.mark.parametrize("name", ["llama", "bloom", "lfm2"])
@pytest.mark.parametrize("most", [1, 3])
def test_labels_in_several_trees_have_the_same_scores(
    name: str, most: int, model_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More labels than one tree may have are scored tree by tree."""
    monkeypatch.setattr(_label_scoring, "BRANCHES", most)
    model, prompts = model_of(name), some_prompts(3)
    assert len(label_tries(LABELS, most)) > 2
    found = scorer(model).log_probabilities(prompts)
    np.testing.assert_allclose(found, alone(model, prompts), atol=1e-3)


@pytest.mark.parametrize("normalize", ["sum", "tokens", "characters", "empty"])
def test_probabilities_are_those_of_the_formula(
    normalize: str, model_of: Callable[[str], Any]
) -> None:
    """Sums, means, and differences from the empty prompt become probabilities by the softmax."""
    model, prompts = model_of("llama"), some_prompts(3)
    scores = alone(model, prompts)
    if normalize == "tokens":
        scores /= np.array([len(label) for label in LABELS])
    if normalize == "characters":
        scores /= np.arange(1, len(LABELS) + 1)
    if normalize == "empty":
        scores -= alone(model, [START])
    expected = np.exp(scores)
    expected /= expected.sum(axis=1, keepdims=True)
    words = tuple("x" * count for count in range(1, len(LABELS) + 1))
    found = scorer(model, words=words, normalize=normalize, empty=START).probabilities(prompts)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert scorer(model).probabilities([]) == []


def test_an_impossible_token_is_a_probability_of_zero(model_of: Callable[[str], Any]) -> None:
    """A token that a model rules out makes its labels impossible, and no other score NaN."""

    class Ruling:
        """A model that never says token 7."""

        def __init__(self, model: Any) -> None:
            self.model = model

        def __call__(self, **named: Any) -> Any:
            out = self.model(**named)
            out.logits[..., 7] = -float("inf")
            return out

        def __getattr__(self, name: str) -> Any:
            return getattr(self.model, name)

    (row,) = scorer(Ruling(model_of("llama"))).probabilities([START])
    assert [share == 0 for share in row] == [7 in label for label in LABELS]
    assert sum(row) == pytest.approx(1)


class Counting:
    """A model that counts the tokens, and the positions at which it computes logits."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.tokens: list[int] = []
        self.kept: list[int] = []

    def __call__(self, **named: Any) -> Any:
        """Pass on."""
        self.tokens.append(named["input_ids"].numel())
        out = self.model(**named)
        self.kept.append(out.logits.shape[0] * out.logits.shape[1])
        return out

    def __getattr__(self, name: str) -> Any:
        """Be the model for everything else."""
        return getattr(self.model, name)


def test_prompt_and_common_beginnings_are_computed_once(model_of: Callable[[str], Any]) -> None:
    """The start, equal prompts, and what labels or versions of a text share pass the model once."""
    counting = Counting(model_of("llama"))
    asked = scorer(counting)
    assert asked.decoder.past.get_seq_length() == len(START)
    (trie,) = label_tries(LABELS, 100)
    inner = {label[:end] for label in LABELS for end in range(1, len(label))}
    assert trie.inner == len(inner)
    text = (*START, *range(10, 50))
    counting.tokens, counting.kept = [], []
    asked.log_probabilities([text, text])
    assert counting.tokens == [40 + len(inner)]
    assert counting.kept == [1 + len(inner)], "logits are computed where they are needed"
    versions = [(*text[:40], token, *text[41:]) for token in (1, 2, 3)]
    counting.tokens = []
    asked.log_probabilities([text, *versions])
    assert counting.tokens == [40 + 3 * 7 + 4 * len(inner)]
    assert asked.decoder.past.get_seq_length() == len(START), "asking does not lengthen it"


def test_logits_of_a_forward_pass_are_bounded(
    model_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many texts there are, no pass computes more logits than allowed."""
    counting = Counting(model_of("llama"))
    asked, prompts = scorer(counting), some_prompts(20)
    (trie,) = label_tries(LABELS, 100)
    expected = asked.log_probabilities(prompts)
    assert max(counting.kept) > 2 * (1 + trie.inner)
    monkeypatch.setattr(_label_scoring, "LOGITS", 2 * (1 + trie.inner) * VOCABULARY)
    counting.kept = []
    np.testing.assert_allclose(asked.log_probabilities(prompts), expected, atol=1e-3)
    assert max(counting.kept) <= 2 * (1 + trie.inner)


@pytest.mark.slow
@given(
    st.lists(TOKENS, min_size=1, max_size=12, unique=True),
    st.lists(TOKENS, min_size=1, max_size=6, unique=True),
    st.integers(1, 8),
)
def test_each_label_token_sees_its_prompt_and_its_label(
    labels: list[Tokens], prompts: list[Tokens], most: int
) -> None:
    """In every tree a branch is a label behind a prompt, and nothing else is visible to it."""
    tries = label_tries(labels, most)
    assert sorted(m for trie in tries for m in trie.members) == list(range(len(labels)))
    for trie in tries:
        assert trie.inner <= most or len(trie.members) == 1
        laid = layout(prompts, trie)
        for number, prompt in enumerate(prompts):
            ends = laid.ends[number * (1 + trie.inner) :][: 1 + trie.inner]
            for node in range(-1, trie.inner):
                path = [] if node < 0 else trie.path_to(node)
                seen = sorted(laid.sees[ends[node + 1]].nonzero()[0], key=laid.depths.__getitem__)
                assert tuple(laid.tokens[seen]) == (*prompt, *trie.tokens[path])
                assert list(laid.depths[seen]) == list(range(len(seen)))


@given(st.lists(TOKENS, min_size=1, max_size=12, unique=True))
def test_the_paths_of_a_tree_are_its_labels(labels: list[Tokens]) -> None:
    """Each label is the tokens on its path, and stems cover what passes the model."""
    trie = LabelTrie.of(labels, range(len(labels)))
    assert len(trie.tokens) == len({label[: n + 1] for label in labels for n in range(len(label))})
    for label, path in zip(labels, trie.paths, strict=True):
        nodes = sorted(path.nonzero()[0], key=lambda node: len(_above(trie, node)))
        assert tuple(trie.tokens[nodes]) == label
    assert {node for stem in trie.stems for node in stem} == set(range(trie.inner))


def _above(trie: LabelTrie, node: int) -> list[int]:
    """Return the inner nodes above a node."""
    parent = int(trie.parents[node])
    return trie.path_to(parent) if parent >= 0 else []


class Words:
    """A tokenizer of characters, and the rendering of prompts by it, as far as they are used."""

    tail = "\n\nQ"

    def __init__(self, *, closing: bool = False, merging: bool = False) -> None:
        self.closing, self.merging = closing, merging

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        """Return the tokens of a piece of text."""
        assert not add_special_tokens
        return {"input_ids": list(self.tokens([text])[0][: -1 if self.closing else None])}

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of whole texts."""
        merged = [text.replace(": ", "\ue000") if self.merging else text for text in texts]
        return [(*map(ord, text), *([0] if self.closing else [])) for text in merged]

    def following(self, word: str) -> str:
        """Return a word behind a space."""
        return f" {word}"


def tokenized(words: Any, labels: list[str], *, ended: bool) -> list[str]:
    """Return the text of each label's tokens."""
    found = tokenize_labels(words, words, "Q:", labels, ended=ended, owner="model 'm'")
    return ["".join(map(chr, label)) for label in found]


@pytest.mark.parametrize(
    ("options", "ended", "expected"),
    [
        ({}, False, [" ab", " a"]),
        ({}, True, [" ab\n", " a\n"]),
        ({"closing": True}, False, [" ab", " a"]),
        ({"closing": True}, True, [" ab\n", " a\n"]),
        # The colon and the space are one token here, which is no end of a prompt.
        ({"merging": True}, True, [" ab\n", " a\n"]),
    ],
)
def test_label_tokens_follow_the_prompt(
    options: dict[str, bool],
    ended: bool,  # noqa: FBT001 - a figure of the table
    expected: list[str],
) -> None:
    """Whatever merges or is appended, labels have the tokens of their words, and one of the end."""
    assert tokenized(Words(**options), ["ab", "a"], ended=ended) == expected


def test_an_end_that_is_not_written_cannot_be_scored() -> None:
    """A template that writes nothing behind an answer is an error that says what to do."""
    words = Words()
    words.tail = ""
    assert tokenized(words, ["a"], ended=False) == [" a"]
    with pytest.raises(ModelError, match="score_end = true scores what ends an answer") as caught:
        tokenized(words, ["a"], ended=True)
    assert "chat = false" in str(caught.value)


class Naming:
    """Names tokens."""

    @staticmethod
    def convert_ids_to_tokens(tokens: list[int]) -> list[str]:
        """Return the names of tokens."""
        return [f"t{token}" for token in tokens]


@pytest.mark.parametrize(
    ("labels", "scoring", "message"),
    [
        (
            [(1, 2), (3,), (1, 2)],
            {},
            "the label words 'a' and 'c' are the same tokens to it ('t1' 't2')",
        ),
        ([(1, 2), (3,), (1, 2)], {"normalize": "tokens"}, "'a' and 'c' are the same"),
        ([(4,), (1, 2, 3), (1, 2)], {}, "'c' is the beginning of 'b' ('t1' 't2')"),
        ([(4,), (1, 2, 3), (1, 2)], {}, "write score_end = true, which scores what ends"),
        ([(4,), (1, 2, 3), (1, 2)], {"score_end": True}, "answered; write other words with"),
        ([(4,), (), (1, 2)], {}, "the label word 'b' is no token to it"),
        ([(4,), (1, 2, 3), (1, 2)], {"normalize": "tokens"}, None),
        ([(4,), (1, 2, 3), (1, 2)], {"normalize": "empty"}, None),
        ([(4,), (1, 2, 3), (1, 3)], {}, None),
    ],
    ids=str,
)
def test_labels_that_scores_cannot_distinguish_are_refused(
    labels: list[Tokens], scoring: dict[str, Any], message: str | None
) -> None:
    """Equal tokens, and a beginning of another label under sums, are errors that name both."""
    if message is None:
        check_label_tokens(Naming, labels, ["a", "b", "c"], LabelScoring(**scoring), "model 'm'")
        return
    with pytest.raises(ModelError) as caught:
        check_label_tokens(Naming, labels, ["a", "b", "c"], LabelScoring(**scoring), "model 'm'")
    assert str(caught.value).startswith("model 'm': the label word")
    assert message in str(caught.value)
    assert "`label_words`" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "context", "message"),
    [
        ({"normalize": "length"}, {}, "normalize: unknown value 'length'"),
        ({"normalize": "tokens"}, {"generated": True}, 'normalize needs answer = "scored"'),
        ({"score_end": True}, {"generated": True}, 'score_end needs answer = "scored"'),
        ({"normalize": "empty"}, {"calibrate": True}, 'calibrate = true and normalize = "empty"'),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, Any], context: dict[str, bool], message: str
) -> None:
    """Options that do not go together are a usage error."""
    with pytest.raises(ConfigurationError) as caught:
        LabelScoring(**options).check(
            "model 'm'", **{"generated": False, "calibrate": False, **context}
        )
    assert message in str(caught.value)
