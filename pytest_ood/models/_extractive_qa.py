"""Extractive question answering: an encoder that marks the answer in a passage.

A passage that is longer than the network's window is read in windows that overlap; the best span of
all of them is the answer, cut out of the passage as it stands there (Devlin et al. 2018, BERT,
section 4.2, and its published code for SQuAD, which caps the answer at 30 tokens).
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import DataError, ModelError, TooLongError
from pytest_ood.examples import canonical
from pytest_ood.models._torch import weight_count
from pytest_ood.models.finetuned import FinetunedModel
from pytest_ood.models.protocol import Usage
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.examples import Dataset, Example, Inputs

    Floats = NDArray[np.float64]

QUESTION, CONTEXT = "question", "context"
LONGEST_ANSWER = 30
"""Tokens of an answer at most, as the published code for SQuAD has it."""

NO_ANSWER = ""
_OUTSIDE = -1
_BEST_SPANS = 20
"""Spans of a window that are looked at again; the probability of the others is only summed."""

_PAIRED_TOKENS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A question and a part of its passage, as the network sees them.

    Attributes:
        tokens: By the tokenizer's names.
        offsets: For each token of the passage its (start, end) in it; (-1, -1) for any other.
        example: The place of the input it is of.
        first: Where the tokens begin that stand for no answer.
    """

    tokens: Mapping[str, list[int]]
    offsets: NDArray[np.int64]
    example: int
    first: int

    def __len__(self) -> int:
        return len(self.tokens["input_ids"])


@dataclass(frozen=True)
class SpanHead:
    """A head that marks where an answer begins and ends.

    Attributes:
        stride: Tokens that windows over a passage have in common.
    """

    stride: int = 128
    architecture: str = "QuestionAnswering"
    kind: str = "a model that marks answers"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Nothing: it has two outputs for every token, whatever is asked."""
        return {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """How passages are cut into windows."""
        return {"head": "span", "stride": self.stride}

    def check_configuration(self, config: Any, where: str) -> None:
        """Accept any: it has no labels."""

    def check(self, data: Dataset) -> None:
        """Refuse data of which not one answer stands in its passage."""
        if not any(is_learnable(example) for example in data):
            raise DataError(
                f"{data.name}: none of the {len(data)} answers stands in its passage, so that "
                f"there is nothing to mark; the first is {data.examples[0].label!r}"
            )

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return every window of each example whose answer stands in its passage.

        It is taken where it stands first. A window without it, or without all of it, learns to mark
        its first token, which stands for no answer.
        """
        examples = [example for example in data if is_learnable(example)]
        pieces = windows(
            name, tokenizer, [e.inputs for e in examples], max_length=max_length, stride=self.stride
        )
        rows = []
        for window in pieces:
            example = examples[window.example]
            _, context = question_and_context(name, example.inputs)
            answer = example.label.strip()
            begin = context.find(answer)
            first, last = _marked(window, begin, begin + len(answer)) if answer else (None, None)
            has_answer = first is not None and last is not None
            rows.append(
                {
                    **window.tokens,
                    "start_positions": first if has_answer else window.first,
                    "end_positions": last if has_answer else window.first,
                }
            )
        return rows

    def accuracy(self, has_answer: Any) -> dict[str, float]:
        """Return the share of windows of which both ends are right."""
        starts, ends = (logits.argmax(-1) for logits in has_answer.predictions[:2])
        right = (starts == has_answer.label_ids[0]) & (ends == has_answer.label_ids[1])
        return {"accuracy": float(right.mean())}


@dataclass(frozen=True, kw_only=True)
class SpanModel(FinetunedModel):
    """An encoder with a head that marks spans, run by transformers.

    Inputs have the fields `question` and `context`. The score of an answer is its probability: a
    softmax over the sum of both ends' logits, over every span that could be an answer in any of the
    windows, and over there being none where that is possible.

    Attributes:
        stride: Tokens that windows over a passage have in common.
        no_answer: Whether there may be none; None: where the training data has such a question.
    """

    stride: int = 128
    no_answer: bool | None = None

    @property
    def head(self) -> SpanHead:
        """What stands on top of the encoder."""
        return SpanHead(self.stride)

    @property
    def source(self) -> str:
        """What ran; of training data, also how much of it could not be learned."""
        source = super().source
        if self.training is None:
            return source
        left = sum(not is_learnable(example) for example in self.training.load())
        return (
            f"{source} ({left:,} of them left out: no such answer in the passage)"
            if left
            else source
        )

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What decides the answers besides the weights, and how the weights came about."""
        return {**super().parameters, "stride": self.stride, "no_answer": self.may_abstain}

    @cached_property
    def may_abstain(self) -> bool:
        """Whether a question may have no answer."""
        if self.no_answer is not None:
            return self.no_answer
        return self.training is not None and any(not e.label.strip() for e in self.training.load())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights' folder and of what else decides the answers; trains if needed."""
        rest = f"{super().fingerprint} spans {self.stride} {self.may_abstain}"
        return hashlib.sha256(rest.encode()).hexdigest()

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return the inputs: an answer is cut out of the passage as it is written there."""
        return [canonical(value) for value in inputs]

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return 0: a passage is read in as many windows as it takes."""
        del inputs
        return 0

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens and operations that answering would take; see `FinetunedModel`."""
        tokens = sum(map(len, self._windows(inputs)))
        return Usage(prompt_tokens=tokens, operations=2.0 * weight_count(self.folder) * tokens)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Mark the answer to each question in its passage.

        Raises:
            ModelError: an input has not the fields `question` and `context`.
            TooLongError: a question that leaves no room for its passage.
        """
        torch, model, batching = self._loaded
        pieces = self._windows(inputs)
        rows = [window.tokens for window in pieces]
        batching.check(rows, f"model {self.name!r}")
        parts: list[list[tuple[Window, Floats, Floats]]] = [[] for _ in inputs]
        with torch.inference_mode():
            for indexes in batching.batches(rows, self.batch_size):
                logits = model(**batching.padded([rows[index] for index in indexes]))
                starts, ends = (
                    side.double().cpu().numpy() for side in (logits.start_logits, logits.end_logits)
                )
                for index, start, end in zip(indexes, starts, ends, strict=True):
                    window = pieces[index]
                    begin = start.shape[0] - len(window) if batching.side == "left" else 0
                    part = slice(begin, begin + len(window))
                    parts[window.example].append((window, start[part], end[part]))
        return [
            self._answer(question_and_context(self.name, value)[1], parts)
            for value, parts in zip(inputs, parts, strict=True)
        ]

    def _answer(self, context: str, parts: Sequence[tuple[Window, Floats, Floats]]) -> Prediction:
        """Return the best span over all windows of a passage, or that there is none."""
        spans: dict[tuple[int, int], list[float]] = defaultdict(list)
        totals, nulls = [], []
        for window, start, end in parts:
            nulls.append(float(start[window.first] + end[window.first]))
            scores = span_scores(window.offsets, start, end)
            totals.append(_log_sum(scores))
            flat = scores.ravel()
            for index in np.argsort(-flat, kind="stable")[:_BEST_SPANS]:
                if not math.isfinite(flat[index]):
                    break
                first, last = divmod(int(index), scores.shape[1])
                where = (int(window.offsets[first, 0]), int(window.offsets[last, 1]))
                if context[slice(*where)].strip():
                    spans[where].append(float(flat[index]))
        # The least of the windows: there is no answer where no window has one.
        null = min(nulls)
        if not spans:
            return Prediction(NO_ANSWER, {NO_ANSWER: 1.0})
        where = max(spans, key=lambda span: (max(spans[span]), -span[0]))
        total = _log_sum(np.array([*totals, null] if self.may_abstain else totals))
        if self.may_abstain and null > max(spans[where]):
            return Prediction(NO_ANSWER, {NO_ANSWER: _rounded(null - total)})
        answer = context[slice(*where)].strip()
        return Prediction(answer, {answer: _rounded(_log_sum(np.array(spans[where])) - total)})

    def _windows(self, inputs: Sequence[Inputs]) -> list[Window]:
        tokenizer, length = self._tokenizer
        return windows(self.name, tokenizer, inputs, max_length=length, stride=self.stride)


def is_learnable(example: Example) -> bool:
    """Return whether an answer stands in the passage, or is that there is none."""
    context = "" if isinstance(example.inputs, str) else example.inputs.get(CONTEXT, "")
    return example.label.strip() in context


def question_and_context(name: str, inputs: Inputs) -> tuple[str, str]:
    """Return the two fields of an input.

    Raises:
        ModelError: it has not both of them.
    """
    if not isinstance(inputs, Mapping) or not {QUESTION, CONTEXT} <= set(inputs):
        fields = ", ".join(inputs) if isinstance(inputs, Mapping) else "text"
        raise ModelError(
            f"model {name!r}: it marks answers in a passage, and takes the fields {QUESTION} and "
            f"{CONTEXT}, not {fields}; name the columns of the data so: fields = "
            f'{{ {QUESTION} = "{{...}}", {CONTEXT} = "{{...}}" }}'
        )
    return inputs[QUESTION], inputs[CONTEXT]


def windows(
    name: str, tokenizer: Any, inputs: Sequence[Inputs], *, max_length: int, stride: int
) -> list[Window]:
    """Cut passages into windows that overlap, each with the whole question before it.

    Args:
        name: Of the model, in messages.
        tokenizer: A fast one, which tells where tokens stand.
        inputs: With question and context.
        max_length: Tokens of a window, question and special tokens included.
        stride: Tokens that two windows of a passage share; at most half of a window's room for the
            passage, so that a long question does not multiply the windows.

    Raises:
        ModelError: the tokenizer is a slow one, or an input lacks a field.
        TooLongError: a question leaves no room.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            f"model {name!r}: its tokenizer, {type(tokenizer).__name__}, does not tell where "
            "tokens stand in a passage; it takes one with a tokenizer.json"
        )
    pairs = [question_and_context(name, value) for value in inputs]
    special = tokenizer.num_special_tokens_to_add(pair=True)
    by_stride: dict[int, list[int]] = defaultdict(list)
    long = []
    for index, (question, _) in enumerate(pairs):
        room = max_length - special - len(tokenizer.tokenize(question))
        if room < 1:
            long.append(index)
        by_stride[max(0, min(stride, room // 2))].append(index)
    if long:
        raise TooLongError(
            f"model {name!r}: {len(long)} questions leave no room for a passage in {max_length} "
            f"tokens, the first being {pairs[long[0]][0][:60]!r}",
            [inputs[index] for index in long],
        )
    return [
        window
        for overlap, indices in by_stride.items()
        for window in _windows_of(tokenizer, pairs, indices, max_length, overlap)
    ]


def _windows_of(
    tokenizer: Any,
    pairs: Sequence[tuple[str, str]],
    indices: Sequence[int],
    max_length: int,
    overlap: int,
) -> list[Window]:
    """Return the windows of the inputs at some places, which overlap by as many tokens."""
    encoded = tokenizer(
        [pairs[index][0] for index in indices],
        [pairs[index][1] for index in indices],
        truncation="only_second",
        max_length=max_length,
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    pieces = []
    for number, of in enumerate(encoded["overflow_to_sample_mapping"]):
        tokens = {name: encoded[name][number] for name in _PAIRED_TOKENS if name in encoded}
        offsets = np.array(encoded["offset_mapping"][number], np.int64).reshape(-1, 2)
        outside = np.array([part != 1 for part in encoded.sequence_ids(number)])
        offsets[outside] = _OUTSIDE
        ids = tokens["input_ids"]
        first = ids.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in ids else 0
        pieces.append(Window(tokens=tokens, offsets=offsets, example=indices[of], first=first))
    return pieces


def span_scores(offsets: NDArray[np.int64], start: Floats, end: Floats) -> Floats:
    """Return the sum of both logits for every span of a window that could be an answer.

    Args:
        offsets: Of its n tokens, shape (n, 2); -1 where a token is not of the passage.
        start: Logits, shape (n,).
        end: Likewise.

    Returns:
        Shape (n, n), first token by last; -inf for what is no answer: outside of the passage, the
        last before the first, or longer than 30 tokens.
    """
    count = len(offsets)
    inside = offsets[:, 0] >= 0
    possible = np.triu(np.ones((count, count), bool)) & ~np.triu(
        np.ones((count, count), bool), LONGEST_ANSWER
    )
    possible &= inside[:, None] & inside[None, :]
    return np.where(possible, start[:, None] + end[None, :], -np.inf)


def _marked(window: Window, begin: int, end: int) -> tuple[int | None, int | None]:
    """Return the first and the last token of a part of the passage; None where a window lacks it.

    Where tokens do not end with the answer, those that have a part of it are marked.
    """
    starts, ends = window.offsets[:, 0], window.offsets[:, 1]
    inside = np.flatnonzero(starts >= 0)
    if not len(inside) or starts[inside[0]] > begin or ends[inside[-1]] < end:
        return None, None
    touched = inside[(starts[inside] < end) & (ends[inside] > begin)]
    return (int(touched[0]), int(touched[-1])) if len(touched) else (None, None)


def _log_sum(values: Floats) -> float:
    """Return the logarithm of the sum of exponentials; -inf for none."""
    highest = float(values.max(initial=-math.inf))
    if not math.isfinite(highest):
        return -math.inf
    return highest + float(np.log(np.exp(values - highest).sum()))


def _rounded(logarithm: float) -> float:
    return round(math.exp(logarithm), SCORE_DECIMALS)
