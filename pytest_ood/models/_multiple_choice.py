"""Multiple choice: an encoder that scores each option beside the question.

The softmax over the scores of one question's options is the probability of each (Radford et al.
2018, Improving Language Understanding by Generative Pre-Training, section 3.3, which transformers'
`AutoModelForMultipleChoice` follows). Each option is a text of its own for the network: an answer
depends neither on the order of the options nor on their marks.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.data.inputs import fields_of
from pytest_ood.data.options import LETTERS, OPTIONS, options_of
from pytest_ood.errors import DataError, ModelError
from pytest_ood.models._batching import Batching, in_parts
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import weight_count
from pytest_ood.models._training import logits_of, pair
from pytest_ood.models.protocol import Usage
from pytest_ood.tasks import decide

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_ood.data.examples import Dataset
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks import Prediction, Task

    Row = dict[str, list[int]]

EMPTY = ""
"""The option that fills training rows up to the largest number of options: it is never right."""


@dataclass(frozen=True)
class ChoiceHead:
    """A head that scores one option, of which a question has several."""

    architecture: str = "MultipleChoice"
    kind: str = "a multiple-choice model"
    collator: str = "DataCollatorForMultipleChoice"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Empty: the head has one output for every option, whatever their number."""
        return {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The kind of head."""
        return {"head": "multiple-choice"}

    def check_configuration(self, config: Any, where: str) -> None:
        """Accept any configuration: the head has no labels."""

    def check(self, data: Dataset) -> None:
        """Check that every example has options."""
        for example in data:
            if not options_of(example.inputs):
                raise DataError(
                    f"{data.name}: example {example.id!r} has no options; `options` beside `data` "
                    "names the column that has them"
                )

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return the tokens of every option of each example, and the position of the right one.

        Every row gets as many options as the longest one, so that rows make batches.
        """
        most = max(len(options_of(example.inputs)) for example in data)
        rows = []
        for example in data:
            texts = texts_by_option(name, example.inputs)
            texts += [[texts[0][0], EMPTY]] * (most - len(texts))
            columns = [list(column) for column in zip(*texts, strict=True)]
            tokens = tokenizer(*columns, truncation=True, max_length=max_length)
            rows.append({**tokens, "labels": LETTERS.index(example.label)})
        return rows

    def accuracy(self, predictions: Any) -> dict[str, float]:
        """Return the share of right options."""
        logits = logits_of(predictions)
        return {"accuracy": float((logits.argmax(-1) == predictions.label_ids).mean())}


class OptionBatching(Batching):
    """Batches of options, each of which is a question with one option for the network."""

    def padded(self, rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
        """Return the tensors of a batch, shape (options, 1, tokens)."""
        return {name: values.unsqueeze(1) for name, values in super().padded(rows).items()}


@dataclass(frozen=True, kw_only=True)
class ChoiceModel(FinetunedModel):
    """An encoder that scores each option beside the question, run by transformers.

    Inputs have the field `options` and one or two others: the question; or a passage, after which
    the question and an option are one text.
    """

    BATCHING: ClassVar[type[Batching]] = OptionBatching

    @classmethod
    def labels_of(cls, task: Task) -> Sequence[str]:
        """Return none: a checkpoint has no labels of its own."""
        del task
        return ()

    @property
    def head(self) -> ChoiceHead:
        """The head on top of the encoder."""
        return ChoiceHead()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and of the settings that decide answers; trains if needed."""
        return hashlib.sha256(f"{super().fingerprint} options".encode()).hexdigest()

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return a hash of the tokens of each input's options."""
        rows, parts = self._rows(inputs)
        return [
            hashlib.sha256(
                b"|".join(
                    array("q", row[name]).tobytes() for row in rows[part] for name in sorted(row)
                )
            ).hexdigest()
            for part in parts
        ]

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return of how many inputs an option, with its question, is truncated."""
        _, length = self._tokenizer
        rows, parts = self._rows(list(inputs), whole=True)
        return sum(any(len(row["input_ids"]) > length for row in rows[part]) for part in parts)

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens of these inputs, and the operations; see `FinetunedModel`."""
        tokens = sum(len(row["input_ids"]) for row in self._rows(inputs)[0])
        return Usage(prompt_tokens=tokens, operations=2.0 * weight_count(self.folder) * tokens)

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices and the predictions of one part of the inputs after another."""
        return in_parts(self._chosen, inputs)

    def _chosen(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Return the likeliest option of each input.

        Raises:
            ModelError: an input has no options, or three other fields.
        """
        torch, _, batching = self._loaded
        rows, parts = self._rows(inputs)
        batching.check(rows, f"model {self.name!r}")
        scores = torch.zeros(len(rows))
        for indices, logits in batching.logits(rows, self.batch_size):
            scores[indices] = logits[:, 0].cpu()
        none = dict.fromkeys(self.context.labels, 0.0)
        return [
            decide(none | dict(zip(LETTERS, scores[part].softmax(-1).tolist(), strict=False)))
            for part in parts
        ]

    def _rows(
        self, inputs: Sequence[Inputs], *, whole: bool = False
    ) -> tuple[list[Row], list[slice]]:
        """Return the tokens of all options of all inputs, and the rows of each input."""
        tokenizer, length = self._tokenizer
        texts = [texts_by_option(self.name, value) for value in inputs]
        ends = accumulate(map(len, texts), initial=0)
        columns = [
            list(column) for column in zip(*(t for some in texts for t in some), strict=True)
        ]
        if not columns:
            return [], []
        cut = {"verbose": False} if whole else {"truncation": True, "max_length": length}
        encoded = tokenizer(*columns, **cut)
        count = len(columns[0])
        rows = [{name: encoded[name][index] for name in encoded} for index in range(count)]
        return rows, [slice(start, end) for start, end in pairwise(ends)]


def texts_by_option(name: str, inputs: Inputs) -> list[list[str]]:
    """Return the two texts that a network reads for each option of an input.

    Args:
        name: The model's name, for messages.
        inputs: Inputs with options.

    Raises:
        ModelError: there are no options, no other field, or three others.
    """
    options = options_of(inputs)
    rest = {field: text for field, text in fields_of(inputs).items() if field != OPTIONS}
    if not options or not rest:
        raise ModelError(
            f"model {name!r}: it chooses among the options of a question, and takes the field "
            f"{OPTIONS!r} and one or two others, not {', '.join(fields_of(inputs))}; `options` "
            "beside `data` names the column that has them"
        )
    first, *second = pair(name, rest)
    return [[first, " ".join([*second, option.text])] for option in options]
