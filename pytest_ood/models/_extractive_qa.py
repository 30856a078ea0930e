"""Extractive question answering: an encoder that marks the answer in a passage.

A passage that exceeds the network's window is read in overlapping windows; the answer is the best
span of all of them, copied from the passage (Devlin et al. 2018, BERT, section 4.2, and its
published code for SQuAD, which limits an answer to 30 tokens).
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pytest_ood.data.inputs import canonical
from pytest_ood.errors import DataError, ModelError, TooLongError
from pytest_ood.models._batching import in_parts
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import weight_count
from pytest_ood.models.protocol import Usage
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs

    Floats = NDArray[np.float64]

QUESTION, CONTEXT = "question", "context"
LONGEST_ANSWER = 30
"""The maximum number of tokens of an answer, as in the published code for SQuAD."""

NO_ANSWER = ""
_OUTSIDE = -1
_BEST_SPANS = 20
"""Best spans of a window that may become the answer; the others only count in the softmax's sum."""

_PAIRED_TOKENS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A question and a part of its passage, tokenized.

    Attributes:
        tokens: The tokenizer's output, by its names.
        offsets: (start, end) in the passage for each of its tokens, (-1, -1) for other tokens;
            shape (n, 2).
        example: The index of the input.
        first: The index of the token that stands for "no answer" (CLS).
    """

    tokens: Mapping[str, list[int]]
    offsets: NDArray[np.int64]
    example: int
    first: int

    def __len__(self) -> int:
        return len(self.tokens["input_ids"])


@dataclass(frozen=True)
class SpanHead:
    """A head that marks the first and the last token of an answer.

    Attributes:
        stride: The overlap of windows over a passage, in tokens.
    """

    stride: int = 128
    architecture: str = "QuestionAnswering"
    kind: str = "a model that marks answers"
    collator: str = "DataCollatorWithPadding"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Empty: the head has two outputs for every token, whatever the task."""
        return {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The kind of head, and the overlap of windows."""
        return {"head": "span", "stride": self.stride}

    def check_configuration(self, config: Any, where: str) -> None:
        """Accept any configuration: the head has no labels."""

    def check(self, data: Dataset) -> None:
        """Check that the passage contains the answer in one example at least."""
        if not any(is_learnable(example) for example in data):
            raise DataError(
                f"{data.name}: none of the {len(data)} answers is in its passage, so that "
                f"there is nothing to mark; the first is {data.examples[0].label!r}"
            )

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return every window of each example whose passage contains the answer.

        The target is the first occurrence of the answer; for a window that does not contain all of
        it, the token for "no answer".
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
        """Return the share of windows in which both ends are right."""
        starts, ends = (logits.argmax(-1) for logits in has_answer.predictions[:2])
        right = (starts == has_answer.label_ids[0]) & (ends == has_answer.label_ids[1])
        return {"accuracy": float(right.mean())}


@dataclass(frozen=True, kw_only=True)
class SpanModel(FinetunedModel):
    """An encoder with a head that marks spans, run by transformers.

    Inputs have the fields `question` and `context`. The score of an answer is its probability: the
    softmax of the sum of the logits of both ends, over all possible spans in all windows, and over
    "no answer" where that is possible.

    Attributes:
        stride: The overlap of windows over a passage, in tokens.
        no_answer: Whether a question may have no answer; None if the training data decides it.
    """

    LENGTH: ClassVar[int] = 384
    OPTIONS: ClassVar[tuple[str, ...]] = ("no_answer", "stride")

    stride: int = 128
    no_answer: bool | None = None

    @property
    def head(self) -> SpanHead:
        """The head on top of the encoder."""
        return SpanHead(self.stride)

    @property
    def source(self) -> str:
        """The origin, and how many training examples were left out."""
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
        """Settings of the inference and of the training."""
        return {**super().parameters, "stride": self.stride, "no_answer": self.may_abstain}

    @cached_property
    def may_abstain(self) -> bool:
        """Whether a question may have no answer."""
        if self.no_answer is not None:
            return self.no_answer
        return self.training is not None and any(not e.label.strip() for e in self.training.load())

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and of the settings that decide answers; trains if needed."""
        rest = f"{super().fingerprint} spans {self.stride} {self.may_abstain}"
        return hashlib.sha256(rest.encode()).hexdigest()

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return the inputs: an answer is copied from the passage, so that each letter counts."""
        return [canonical(value) for value in inputs]

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return 0: windows cover the whole passage."""
        del inputs
        return 0

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens of these inputs, and the operations; see `FinetunedModel`."""
        tokens = sum(map(len, self._windows(inputs)))
        return Usage(prompt_tokens=tokens, operations=2.0 * weight_count(self.folder) * tokens)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Mark the answer to each question in its passage.

        Raises:
            ModelError: an input lacks the field `question` or `context`.
            TooLongError: a question leaves no room for its passage.
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

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices and the predictions of one part of the inputs after another."""
        return in_parts(self.predict, inputs)

    def _answer(self, context: str, parts: Sequence[tuple[Window, Floats, Floats]]) -> Prediction:
        """Return the best span over all windows of a passage, or "no answer"."""
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
        # A passage has no answer only if none of its windows has one, so that the window with the
        # least score for "no answer" decides (Devlin et al. 2018, code for SQuAD 2.0).
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
    """Return whether the passage contains the answer, or the answer is empty."""
    context = "" if isinstance(example.inputs, str) else example.inputs.get(CONTEXT, "")
    return example.label.strip() in context


def question_and_context(name: str, inputs: Inputs) -> tuple[str, str]:
    """Return the two fields of an input.

    Raises:
        ModelError: one of them is missing.
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
    """Split passages into overlapping windows, each with the whole question before it.

    Args:
        name: The model's name, for messages.
        tokenizer: A fast tokenizer, which returns offsets.
        inputs: Inputs with question and context.
        max_length: Tokens of a window, question and special tokens included.
        stride: The overlap of two windows, in tokens. It is limited to half of a window's room for
            the passage, so that a long question does not multiply the windows.

    Raises:
        ModelError: the tokenizer is a slow one, or an input lacks a field.
        TooLongError: a question leaves no room for its passage.
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
    """Return the windows of the inputs at some indices, with one overlap for all."""
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
    """Return the sum of both logits for every possible span of a window.

    Args:
        offsets: The offsets of its n tokens, shape (n, 2); -1 for tokens outside of the passage.
        start: Logits of the first token, shape (n,).
        end: Logits of the last token, shape (n,).

    Returns:
        Scores, shape (n, n), first token by last token; -inf for impossible spans: outside of the
        passage, the last token before the first, or more than 30 tokens.
    """
    count = len(offsets)
    inside = offsets[:, 0] >= 0
    possible = np.triu(np.ones((count, count), bool)) & ~np.triu(
        np.ones((count, count), bool), LONGEST_ANSWER
    )
    possible &= inside[:, None] & inside[None, :]
    return np.where(possible, start[:, None] + end[None, :], -np.inf)


def _marked(window: Window, begin: int, end: int) -> tuple[int | None, int | None]:
    """Return the first and the last token of a part of the passage; None if a window lacks it.

    Tokens that overlap with the part are included.
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
