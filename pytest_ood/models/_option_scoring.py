"""Scores what each input offers by itself: the marks of its options, or the options themselves.

Marks are label words that few inputs have in another form. The options of an input are scored as
in lm-evaluation-harness (its metrics `acc` and `acc_norm`): by the log-probability of their text
behind the prompt.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pytest_ood.data.inputs import fields_of
from pytest_ood.data.options import LETTERS, options_of
from pytest_ood.errors import ModelError
from pytest_ood.models._label_scoring import (
    LabelScorer,
    LabelScoring,
    most_prompts,
    normalized_shares,
)
from pytest_ood.models._packing import Row, batches, pack
from pytest_ood.tasks import decide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models._decoding import Decoder
    from pytest_ood.models._packing import Tokens
    from pytest_ood.tasks import Prediction, Task


class Scored(Protocol):
    """What is used of a prompted model."""

    @property
    def name(self) -> str:
        """The model's name in reports."""
        ...

    @property
    def task(self) -> Task:
        """The task, which has the labels."""
        ...

    @property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        ...

    @property
    def scoring(self) -> LabelScoring:
        """How words are scored."""
        ...

    @property
    def decoder(self) -> Decoder:
        """Runs the model."""
        ...

    def encoded(self, inputs: Sequence[Inputs], room: int = 0) -> list[Tokens]:
        """Return the tokens of every prompt, and check that `room` more tokens fit the window."""
        ...

    @property
    def empty(self) -> Tokens:
        """The tokens of the prompt without an input."""
        ...

    def tokens_of(self, words: Sequence[str], inputs: Inputs) -> list[Tokens]:
        """Return the tokens of words as they follow the prompt of an input."""
        ...

    def label_tokens_of(self, words: Sequence[str], inputs: Inputs) -> list[Tokens]:
        """Return the same, and check that scores can distinguish the words."""
        ...

    def scorer_of(self, words: Sequence[str], labels: Sequence[Tokens]) -> LabelScorer:
        """Return what scores words with these tokens."""
        ...


def texts_of(inputs: Inputs) -> dict[str, str]:
    """Return the text of each option by its letter; empty for inputs without options."""
    return {
        letter: option.text for letter, option in zip(LETTERS, options_of(inputs), strict=False)
    }


def answered_by_text(prompt: Prompt) -> Prompt:
    """Return a prompt whose demonstrations are answered by the text of the right option."""

    def answered(example: Example) -> Example:
        """Return a demonstration with the text of its right option as its label."""
        return replace(example, label=texts_of(example.inputs).get(example.label, example.label))

    return replace(prompt, demonstrations=tuple(map(answered, prompt.demonstrations)))


@dataclass(frozen=True, eq=False)
class OptionScorer:
    """Answers each input with the letter of its likeliest option.

    Attributes:
        model: The prompted model.
    """

    model: Scored = field(repr=False)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input.

        Raises:
            ModelError: an input has no options, or marks that scores cannot tell apart.
            TooLongError: a prompt exceeds the model's window.
        """
        by_options = self.model.scoring.by_options
        offered = [texts_of(value) if by_options else self._marks_of(value) for value in inputs]
        for value, words in zip(inputs, offered, strict=True):
            if not words:
                raise ModelError(
                    f"model {self.model.name!r}: an input has no options to choose from (its "
                    f"fields are {', '.join(fields_of(value))}); `options` beside `data` names the "
                    "column that has them"
                )
        rows = self._by_text(inputs, offered) if by_options else self._by_mark(inputs, offered)
        # Letters that an input does not have get 0.
        none = dict.fromkeys(self.model.task.labels, 0.0)
        return [
            decide(none | dict(zip(words, row, strict=True)))
            for words, row in zip(offered, rows, strict=True)
        ]

    def _marks_of(self, inputs: Inputs) -> Mapping[str, str]:
        """Return the word for each letter that an input has."""
        if not options_of(inputs):
            return {}
        return self.model.task.words_of(inputs, self.model.prompt.label_words)

    def _by_mark(
        self, inputs: Sequence[Inputs], offered: Sequence[Mapping[str, str]]
    ) -> list[list[float]]:
        """Return the probabilities of the marks of each input among themselves."""
        # There are few sets of marks, so that the inputs of each are computed together.
        same: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, words in enumerate(offered):
            same[tuple(words.values())].append(index)
        rows: dict[int, list[float]] = {}
        for marks, indices in same.items():
            scored = self._scores([inputs[index] for index in indices], marks)
            rows |= zip(indices, scored, strict=True)
        return [rows[index] for index in range(len(inputs))]

    def _scores(self, inputs: Sequence[Inputs], words: tuple[str, ...]) -> list[list[float]]:
        """Return the probabilities of the same words for all inputs, one row per input."""
        scorer = self.model.scorer_of(words, self.model.label_tokens_of(words, inputs[0]))
        return scorer.probabilities(self.model.encoded(inputs, room=scorer.room))

    def _by_text(
        self, inputs: Sequence[Inputs], offered: Sequence[Mapping[str, str]]
    ) -> list[list[float]]:
        """Return the probabilities of the options of each input among themselves."""
        model, normalize = self.model, self.model.scoring.normalize
        texts = [tuple(words.values()) for words in offered]
        labels = [model.tokens_of(some, value) for value, some in zip(inputs, texts, strict=True)]
        room = max((len(label) for some in labels for label in some), default=1) - 1
        behind = list(zip(model.encoded(inputs, room=room), labels, strict=True))
        without: Sequence[NDArray[np.float64] | None] = [None] * len(inputs)
        if normalize == "empty":
            empty = model.empty
            without = continuation_scores(model.decoder, [(empty, some) for some in labels])
        return [
            normalized_shares(
                scores, normalize, labels=some, words=words, unconditional=unconditional
            ).tolist()
            for scores, some, words, unconditional in zip(
                continuation_scores(model.decoder, behind), labels, texts, without, strict=True
            )
        ]


def continuation_scores(
    decoder: Decoder, behind: Sequence[tuple[Tokens, Sequence[Tokens]]]
) -> list[NDArray[np.float64]]:
    """Return the sum of the log-probabilities of the tokens of each continuation of a prompt.

    Args:
        decoder: Runs the model.
        behind: Prompts, 1 token or more each, and the continuations of each.

    Returns:
        Natural logarithms, shape (continuations,), for each prompt.
    """
    # Each token is read behind the prompt and the tokens before it. These beginnings form a tree,
    # so that `pack` computes what they share once, as it does for whole prompts.
    read: dict[Tokens, dict[int, float]] = defaultdict(dict)
    for prompt, continuations in behind:
        for tokens in continuations:
            for end, token in enumerate(tokens):
                read[prompt + tokens[:end]][token] = 0.0
    most = most_prompts(decoder)
    with decoder.torch.inference_mode():
        for past, own, whole in decoder.parts(list(read)):
            for packs, members in decoder.ways(whole):
                tails = [own[member] for member in members]
                alone = [Row((index,), len(tail)) for index, tail in enumerate(tails)]
                rows = pack(tails, decoder.cost(past), most) if packs else alone
                for batch in batches(rows, most, decoder.tokens):
                    logits = decoder.logits(tails, batch, past, packed=packs)
                    for index, row in logits.items():
                        found = read[whole[members[index]]]
                        logs = row.log_softmax(-1)[list(found)].double().tolist()
                        found.update(zip(found, logs, strict=True))
    return [
        np.array(
            [
                sum(read[prompt + tokens[:end]][token] for end, token in enumerate(tokens))
                for tokens in continuations
            ]
        )
        for prompt, continuations in behind
    ]
