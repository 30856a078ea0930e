"""Batches inputs of different lengths so that each gets the answer it would get by itself."""

from __future__ import annotations

import inspect
import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import ModelError
from pytest_ood.models._decoding import SAME, SAME_IN_HALF
from pytest_ood.models._torch import (
    input_device,
    length_sorted,
    sent,
    tokens_per_pass,
    within_memory,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks import Prediction

    Row = Mapping[str, Sequence[int]]
    """The tokenizer's output for one input, by its names."""

WITHOUT_TOKENS = "its tokenizer makes no token of the text"
"""The `Prediction.error` of a text without tokens, such as an empty one."""

CHUNK = 2048
"""Inputs that are tokenized, and sorted or packed, at a time."""

PART = 128
"""Inputs of a part whose batches are not yielded one by one, as an answer takes many passes."""

BATCH_SIZE = 32
"""Inputs per forward pass on a processor, whose caches larger batches leave."""

PROBES = ("a", "a text that is longer than the other one, so that the other one is padded")

COMMON = "the quick brown fox jumps over a lazy dog 0 1 2 3 4 5 6 7 8 9"
"""A text of which nearly every tokenizer knows some token."""


@dataclass(frozen=True, kw_only=True)
class Batching:
    """Builds batches for one network.

    Attributes:
        torch: The library.
        model: The network.
        tokenizer: Its tokenizer.
        side: The side on which rows are padded, "left" or "right"; None if padding changes answers,
            so that only rows of the same length share a batch.
        padding: The network's padding token; None if it has none.
        arguments: The parameters of the network's `forward`; a tokenizer may return further ones.
    """

    torch: Any = field(repr=False)
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    side: str | None
    padding: int | None
    arguments: frozenset[str]

    @classmethod
    def of(cls, torch: Any, model: Any, tokenizer: Any) -> Batching:
        """Return the batching of a network, with the side on which padding changes no answer."""
        # Tried out, as no configuration says it: a decoder with absolute positions counts them from
        # the padding if it is padded on the left, though its tokenizer may pad there by default.
        arguments = frozenset(inspect.signature(model.forward).parameters)
        padding, size = model.config.get_text_config().pad_token_id, embeddings_of(model)
        if padding is not None and not 0 <= padding < (size or padding + 1):
            padding = None
        unpadded = cls(
            torch=torch,
            model=model,
            tokenizer=tokenizer,
            side=None,
            padding=padding,
            arguments=arguments,
        )
        for side in dict.fromkeys([str(tokenizer.padding_side), "right", "left"]):
            batching = replace(unpadded, side=side)
            if batching.is_exact():
                return batching
        return unpadded

    def is_exact(self) -> bool:
        """Return whether texts of different lengths get the same output together and alone."""
        rows = [dict(self.tokenizer(text)) for text in PROBES]
        same = SAME if self.model.dtype == self.torch.float32 else SAME_IN_HALF
        with self.torch.inference_mode():
            try:
                alone = [self._outputs([row])[0] for row in rows]
                together = self._outputs(rows)
            except (IndexError, RuntimeError, TypeError, ValueError):
                return False
        width = len(rows[-1]["input_ids"])
        short = len(rows[0]["input_ids"])
        part = slice(width - short, width) if self.side == "left" else slice(0, short)
        # A head that marks spans has one output for each token, padding included.
        padded = [together[0][part] if len(alone[0]) == short else together[0], together[1]]
        return all(
            bool((one - other).abs().max() <= same * max(1e-6, float(one.abs().max())))
            for one, other in zip(alone, padded, strict=True)
        )

    def _outputs(self, rows: Sequence[Row]) -> Any:
        """Return the first output of the network for each row."""
        output = self.model(**self.padded(rows))
        return (output.logits if "logits" in output else output.start_logits).float()

    def logits(self, rows: Sequence[Row], size: int | None) -> Iterator[tuple[list[int], Any]]:
        """Yield the indices of the rows of each batch, and their logits in float32, on the device.

        Args:
            rows: The tokenizer's output; rows without a token are left out.
            size: The maximum number of rows in a batch; None for that of the device.
        """

        def run(batch: list[int]) -> Any:
            """Return the logits of one batch."""
            with self.torch.inference_mode():
                tensors = self.padded([rows[index] for index in batch])
                return self.model(**tensors).logits.float()

        return within_memory(self.torch, run, self.batches(rows, size))

    def batches(self, rows: Sequence[Row], size: int | None) -> Iterator[list[int]]:
        """Yield the indices of the rows of each batch; rows without a token are left out.

        Args:
            rows: The tokenizer's output.
            size: The maximum number of rows in a batch; None for that of the device.
        """
        on_cpu = input_device(self.model).type == "cpu"
        most = size or (BATCH_SIZE if on_cpu else len(rows))
        tokens = math.inf if on_cpu else tokens_per_pass(self.model)
        # An encoder-decoder classifies at its end token, and requires the same number of end tokens
        # in all rows of a batch; a text may contain some besides its own.
        config = self.model.config
        end = config.eos_token_id if getattr(config, "is_encoder_decoder", False) else None
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            ids = row["input_ids"]
            if ids:
                length = len(ids) if self.side is None else 0
                groups[length, 0 if end is None else list(ids).count(end)].append(index)
        for members in groups.values():
            lengths = [len(rows[number]["input_ids"]) for number in members]
            for batch in length_sorted(lengths, most, tokens):
                yield [members[number] for number in batch]

    def padded(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the tensors of a batch, on the network's device."""
        lengths = np.array([len(row["input_ids"]) for row in rows])
        width, columns = int(lengths.max()), np.arange(lengths.max())
        left = width - lengths if self.side == "left" else np.zeros_like(lengths)
        filled = (columns >= left[:, None]) & (columns < (left + lengths)[:, None])
        others = {"token_type_ids": getattr(self.tokenizer, "pad_token_type_id", 0)}
        fill = {**others, "input_ids": self._padding_token(rows)}
        tensors = {}
        for name in rows[0]:
            if name in self.arguments:
                values = np.full((len(rows), width), fill.get(name, 0))
                values[filled] = np.fromiter(
                    chain.from_iterable(row[name] for row in rows), values.dtype, lengths.sum()
                )
                tensors[name] = sent(self.torch, values, input_device(self.model))
        return tensors

    def _padding_token(self, rows: Sequence[Row]) -> int:
        """Return the padding token: the network's, or one that occurs in none of the rows."""
        # A decoder's classification head takes the output at the last token that is not padding,
        # and refuses batches if its configuration has no padding token. The attention mask hides
        # padding, so that any token will do that occurs in no row.
        if self.padding is not None:
            return self.padding
        used = {token for row in rows for token in row["input_ids"]}
        spare = next(token for token in range(len(used) + 1) if token not in used)
        self.model.config.get_text_config().pad_token_id = spare
        return spare

    def check(self, rows: Sequence[Row], owner: str) -> None:
        """Check that the network has an embedding for every token, and knows some of the tokens.

        Raises:
            ModelError: tokenizer and weights, or tokenizer and texts, do not belong together.
        """
        tokenizer, size = self.tokenizer, embeddings_of(self.model)
        highest = max((max(row["input_ids"], default=0) for row in rows), default=0)
        if size is not None and highest >= size:
            raise ModelError(
                f"{owner}: its tokenizer makes the token {highest} "
                f"({tokenizer.convert_ids_to_tokens(highest)!r}), and its network has embeddings "
                f"for {size:,}: tokenizer and weights are not of one model"
            )
        # 0 stands for a network without token types, which ignores them.
        types = getattr(self.model.config, "type_vocab_size", 0)
        highest = max((max(row.get("token_type_ids", ()), default=0) for row in rows), default=0)
        if types and highest >= types and "token_type_ids" in self.arguments:
            raise ModelError(
                f"{owner}: its tokenizer gives the second text the token type {highest}, and its "
                f"network has embeddings for {types} (type_vocab_size): it cannot take two fields; "
                "join them into one"
            )
        if any(map(self._has_known_token, rows)) or self._has_known_token(tokenizer(COMMON)):
            return
        if any(len(row["input_ids"]) > tokenizer.num_special_tokens_to_add() for row in rows):
            raise ModelError(
                f"{owner}: its tokenizer knows no token of {len(rows)} texts, nor of "
                f"{COMMON!r}: it is not the one that the model was trained with"
            )

    def _has_known_token(self, row: Row) -> bool:
        """Return whether a row has a token that is neither unknown nor special."""
        special = {*self.tokenizer.all_special_ids}
        return any(token not in special for token in row["input_ids"])


def in_parts(
    predict: Callable[[Sequence[Inputs]], Sequence[Prediction]], inputs: Sequence[Inputs]
) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
    """Yield the indices and the predictions of one part of the inputs after another."""
    for start in range(0, len(inputs), PART):
        some = inputs[start : start + PART]
        yield range(start, start + len(some)), predict(some)


def in_order(
    batches: Iterable[tuple[Sequence[int], Sequence[Prediction]]],
) -> list[Prediction]:
    """Return the predictions of all batches, in the order of the inputs."""
    answers: dict[int, Prediction] = {}
    for indices, predictions in batches:
        answers |= zip(indices, predictions, strict=True)
    return [answers[index] for index in range(len(answers))]


def embeddings_of(model: Any) -> int | None:
    """Return the number of tokens with an embedding; None if the network does not expose it."""
    try:
        return getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:
        return None


def check_vocabulary(tokenizer: Any, model: Any, where: str) -> None:
    """Check that a network has an embedding for every token of its tokenizer's vocabulary.

    Tokens that were added to the vocabulary are not counted: a padding token without an embedding
    is common, and its embedding is never used.

    Raises:
        ModelError: names both numbers.
    """
    size, vocabulary = embeddings_of(model), tokenizer.vocab_size
    if size is not None and vocabulary > size:
        raise ModelError(
            f"{where}: its tokenizer knows {vocabulary:,} tokens, and its network has embeddings "
            f"for {size:,}: tokenizer and weights are not of one model"
        )
