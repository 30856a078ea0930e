"""Scores of labels of any length: the log-probability of all tokens of a label behind a prompt.

All labels are scored as one tree behind each prompt (see `LabelTrie`), so that a prompt and the
common beginnings of labels are computed once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import ConfigurationError, ModelError, unknown_name
from pytest_ood.models._packing import LabelTrie, Row, batches, label_tries, pack
from pytest_ood.models._torch import input_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_ood.models._decoding import Decoder
    from pytest_ood.models._packing import Tokens
    from pytest_ood.models._rendering import Rendering

NORMALIZATIONS = ("sum", "tokens", "characters", "empty")
"""What the log-probability of a label is related to: nothing, its number of tokens or characters,
or the log-probability that it has without an input."""

BRANCHES = 512
"""The maximum number of inner label tokens behind a prompt. More labels are several trees, for each
of which the prompt is computed again: attention between all tokens of a row would cost more."""

LOGITS, LOGITS_OF_ACCELERATORS = 2**26, 2**28
"""The maximum number of logits of a forward pass, if it has more than one prompt."""


@dataclass(frozen=True, kw_only=True)
class LabelScoring:
    """The options of label scores.

    Attributes:
        normalize: One of `NORMALIZATIONS`.
        score_end: Whether the token that ends an answer is scored as the last one of every label.
        by_options: Whether the options of an input are scored, rather than its label words.
    """

    normalize: str = "sum"
    score_end: bool = False
    by_options: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """The options that differ from their defaults, under which labels were scored before."""
        changed: dict[str, Any] = {} if self.normalize == "sum" else {"normalize": self.normalize}
        if self.by_options:
            changed["answer"] = "options"
        return {**changed, "score_end": True} if self.score_end else changed

    def check(self, owner: str, *, generated: bool, calibrate: bool) -> None:
        """Check the values, and whether they go together with other options.

        Args:
            owner: The start of error messages.
            generated: Whether answers are generated.
            calibrate: Whether scores are calibrated by content-free inputs.

        Raises:
            ConfigurationError: a value is invalid, or contradicts another option.
        """
        if self.normalize not in NORMALIZATIONS:
            message = unknown_name("value", self.normalize, NORMALIZATIONS)
            raise ConfigurationError(f"{owner}: normalize: {message}")
        for key in replace(self, by_options=False).parameters if generated else ():
            raise ConfigurationError(f'{owner}: {key} needs answer = "scored"')
        if calibrate and self.normalize == "empty":
            raise ConfigurationError(
                f'{owner}: calibrate = true and normalize = "empty" both divide by the '
                "probabilities without an input; leave one of them out"
            )


def tokenize_labels(
    tokenizer: Any,
    rendering: Rendering,
    prompt: str,
    words: Sequence[str],
    *,
    ended: bool,
    owner: str,
) -> list[Tokens]:
    """Return the tokens of each label word as it follows a prompt.

    Args:
        tokenizer: Splits a piece of text without special tokens.
        rendering: Splits whole prompts with what follows them.
        prompt: A rendered prompt.
        words: The label words.
        ended: Whether the first token of what follows an answer is the last one of each label.
        owner: The start of error messages.

    Raises:
        ModelError: nothing follows an answer.
    """

    def piece(text: str) -> Tokens:
        """Return the tokens of a text that follows another."""
        return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])

    # Tokenizers treat the space before a word in different ways (part of the word, a token of its
    # own, dropped), so that each word is tokenized after a prompt.
    following = [rendering.following(word) for word in words]
    bare, *whole = rendering.tokens([prompt, *(prompt + text for text in following)])
    # Nothing follows if the last token merged with what comes, or a closing token was appended.
    labels = [
        _behind(bare, full) or piece(text) for text, full in zip(following, whole, strict=True)
    ]
    if not ended:
        return labels
    tail = rendering.tail
    if not tail:
        raise ModelError(
            f"{owner}: score_end = true scores what ends an answer, and its chat template writes "
            "nothing behind one; leave it out, or prompt the model with plain text: chat = false"
        )
    longer = rendering.tokens([prompt + text + tail for text in following])
    return [
        (*label, *(_behind(full, more) or piece(tail))[:1])
        for label, full, more in zip(labels, whole, longer, strict=True)
    ]


def check_label_tokens(
    tokenizer: Any,
    labels: Sequence[Tokens],
    words: Sequence[str],
    scoring: LabelScoring,
    owner: str,
) -> None:
    """Check that scores distinguish all labels.

    Args:
        tokenizer: Names tokens in messages.
        labels: The tokens of each label.
        words: The word of each label.
        scoring: How labels are scored.
        owner: The start of error messages.

    Raises:
        ModelError: a word has no tokens, two have the same ones, or one is the beginning of
            another and can only have the higher score.
    """
    for word, label in zip(words, labels, strict=True):
        if not label:
            raise ModelError(
                f"{owner}: the label word {word!r} is no token to it; give another with "
                "`label_words`"
            )
    in_order = sorted(zip(labels, words, strict=True), key=itemgetter(0))
    for (one, word), (other, longer) in pairwise(in_order):
        pieces = " ".join(map(repr, tokenizer.convert_ids_to_tokens(list(one))))
        if one == other:
            raise ModelError(
                f"{owner}: the label words {word!r} and {longer!r} are the same tokens to it "
                f"({pieces}); give others with `label_words`"
            )
        # In this order a label is next to those that it begins. Every further token lowers a sum.
        if other[: len(one)] == one and scoring.normalize == "sum":
            end = (
                ""
                if scoring.score_end
                else "score_end = true, which scores what ends an answer behind every label; or "
            )
            raise ModelError(
                f"{owner}: the label word {word!r} is the beginning of {longer!r} ({pieces}), and "
                "the log-probability of its tokens is never below that of the longer one, which "
                f"could not be answered; write {end}other words with `label_words`"
            )


def _behind(bare: Tokens, full: Tokens) -> Tokens:
    """Return the tokens behind a beginning; none if the text does not begin with its tokens."""
    return full[len(bare) :] if full[: len(bare)] == bare else ()


def normalized_shares(
    scores: NDArray[np.float64],
    normalize: str,
    *,
    labels: Sequence[Tokens],
    words: Sequence[str],
    unconditional: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the probabilities of labels among themselves: the softmax of their scores.

    The score of label l behind prompt x is log P(l | x) under "sum"; log P(l | x) divided by the
    tokens of l under "tokens", or by its characters under "characters" (`acc_norm` of
    lm-evaluation-harness 0.4); and log P(l | x) - log P(l | x without an input) under "empty"
    (Brown et al. 2020, Language Models are Few-Shot Learners, section 2.4).

    Args:
        scores: log P(l | x), natural logarithms, shape (..., labels).
        normalize: One of `NORMALIZATIONS`.
        labels: The tokens of each label.
        words: The text of each label.
        unconditional: log P(l | x without an input), shape (labels,) or (1, labels); for "empty".
    """
    if normalize == "tokens":
        scores = scores / [len(label) for label in labels]
    if normalize == "characters":
        scores = scores / [len(word) for word in words]
    if normalize == "empty":
        assert unconditional is not None, "unreachable because callers compute it"
        scores = scores - unconditional
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def next_tokens(labels: Sequence[Tokens], normalize: str) -> list[int]:
    """Return the token of each label where the next token alone decides; else an empty list."""
    if normalize not in ("sum", "tokens") or any(len(label) > 1 for label in labels):
        return []
    return [token for (token,) in labels]


def most_prompts(decoder: Decoder, tokens: int = 1) -> int:
    """Return the maximum number of prompts per forward pass.

    Args:
        decoder: Runs the model.
        tokens: The tokens of each prompt that need logits, each one for the whole vocabulary.
    """
    vocabulary: int = decoder.model.config.get_text_config().vocab_size
    on_cpu = input_device(decoder.model).type == "cpu"
    logits = LOGITS if on_cpu else LOGITS_OF_ACCELERATORS
    return min(decoder.most, max(1, logits // (tokens * vocabulary)))


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelScorer:
    """Scores labels of one or more tokens behind prompts.

    Attributes:
        decoder: Runs the model.
        labels: The tokens of each label, 1 or more.
        words: The text of each label, for `normalize` = "characters".
        normalize: One of `NORMALIZATIONS`.
        empty: The tokens of the prompt without an input, for `normalize` = "empty".
    """

    decoder: Decoder = field(repr=False)
    labels: tuple[Tokens, ...]
    words: tuple[str, ...] = ()
    normalize: str = "sum"
    empty: Tokens = ()

    @property
    def room(self) -> int:
        """The tokens of labels that the model reads behind a prompt; the last is predicted."""
        return max(map(len, self.labels)) - 1

    def probabilities(self, prompts: Sequence[Tokens]) -> list[list[float]]:
        """Return the probabilities of the labels among themselves; see `normalized_shares`.

        Args:
            prompts: Each 1 token or more.

        Returns:
            One row per prompt, one probability per label.
        """
        tokens = next_tokens(self.labels, self.normalize)
        if tokens:
            return self.decoder.scores(prompts, tokens)
        scores = self.log_probabilities(prompts)
        without = self._unconditional if self.normalize == "empty" else None
        shares = normalized_shares(
            scores, self.normalize, labels=self.labels, words=self.words, unconditional=without
        )
        rows: list[list[float]] = shares.tolist()
        return rows

    def log_probabilities(self, prompts: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return the sum of the log-probabilities of the tokens of each label behind each prompt.

        Args:
            prompts: Each 1 token or more; equal ones are computed once.

        Returns:
            Natural logarithms, shape (prompts, labels).
        """
        decoder = self.decoder
        rows: dict[Tokens, NDArray[np.float64]] = {}
        with decoder.torch.inference_mode():
            for past, own, whole in decoder.parts(prompts):
                scores = np.empty((len(whole), len(self.labels)))
                for trie in self._tries:
                    for packs, indices in decoder.ways(whole, trie.depth):
                        tails = [own[index] for index in indices]
                        run = self._packed if packs else self._unpacked
                        for index, logits in run(trie, tails, past):
                            row = scores[indices[index]]
                            row[list(trie.members)] = _sums(logits, trie)
                rows |= zip(whole, scores, strict=True)
        return np.array([rows[prompt] for prompt in prompts]).reshape(-1, len(self.labels))

    @cached_property
    def _tries(self) -> list[LabelTrie]:
        return label_tries(self.labels, BRANCHES)

    @cached_property
    def _unconditional(self) -> NDArray[np.float64]:
        """The log-probability of each label without an input, shape (1, labels)."""
        return self.log_probabilities([self.empty])

    def _packed(
        self, trie: LabelTrie, tails: Sequence[Tokens], past: Any
    ) -> Iterator[tuple[int, Any]]:
        """Yield the index of each prompt with its logits: (1 + inner, vocabulary)."""
        decoder, most = self.decoder, most_prompts(self.decoder, 1 + trie.inner)
        rows = pack(tails, decoder.cost(past), most, behind=trie.inner)
        for batch in batches(rows, most, decoder.tokens):
            yield from decoder.branch_logits(tails, batch, past, trie).items()

    def _unpacked(
        self, trie: LabelTrie, tails: Sequence[Tokens], past: Any
    ) -> Iterator[tuple[int, Any]]:
        """Yield what `_packed` yields, for a model or prompts that cannot be packed."""
        decoder = self.decoder
        if not decoder.reuses:
            yield from self._repeated(trie, tails, past)
            return
        same: dict[int, list[int]] = defaultdict(list)
        for index, tail in enumerate(tails):
            same[len(tail)].append(index)
        most = max(1, most_prompts(decoder, 1 + trie.inner) // max(1, len(trie.stems)))
        for length, indices in same.items():
            for batch in batches([Row((i,), length) for i in indices], most, decoder.tokens):
                some = [row.members[0] for row in batch]
                logits = decoder.stem_logits([tails[index] for index in some], past, trie)
                yield from zip(some, logits, strict=True)

    def _repeated(
        self, trie: LabelTrie, tails: Sequence[Tokens], past: Any
    ) -> Iterator[tuple[int, Any]]:
        """Yield what `_unpacked` yields; each inner node is the end of a whole prompt."""
        # A state that cannot be copied is computed from the beginning for every continuation.
        decoder, torch = self.decoder, self.decoder.torch
        stems = [(), *(tuple(trie.tokens[trie.path_to(node)]) for node in range(trie.inner))]
        for index, tail in enumerate(tails):
            whole = [(*tail, *stem) for stem in stems]
            rows = [Row((number,), len(sequence)) for number, sequence in enumerate(whole)]
            logits: dict[int, Any] = {}
            for batch in batches(rows, decoder.most, decoder.tokens):
                logits |= decoder.logits(whole, batch, past, packed=False)
            yield index, torch.stack([logits[number] for number in range(len(whole))])


def _sums(logits: Any, trie: LabelTrie) -> NDArray[np.float64]:
    """Return the sum of log-probabilities for each label of a tree.

    Args:
        logits: At the prompt's last token and at each inner node: (1 + inner, vocabulary).
        trie: The labels.
    """
    nodes = logits.log_softmax(-1)[trie.parents + 1, trie.tokens].double().cpu().numpy()
    # A product with `paths` would be NaN where a probability of 0 is not on the path.
    sums: NDArray[np.float64] = np.where(trie.paths, nodes, 0.0).sum(axis=1)
    return sums
