"""Batches of inputs of different lengths that get the answers which each would get by itself."""

from __future__ import annotations

import inspect
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ModelError
from pytest_ood.models._decoding import SAME, SAME_IN_HALF
from pytest_ood.models._torch import length_sorted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Row = Mapping[str, Sequence[int]]
    """The tokens of an input, by the tokenizer's names."""

WITHOUT_TOKENS = "its tokenizer makes no token of the text"
"""Why an empty text gets no answer from some models."""

PROBES = ("a", "a text that is longer than the other one, so that the other one is padded")

COMMON = "the quick brown fox jumps over a lazy dog 0 1 2 3 4 5 6 7 8 9"
"""Of this text, nearly every tokenizer knows some token."""


@dataclass(frozen=True)
class Batching:
    """How rows of tokens become batches for one network.

    Attributes:
        torch: The library.
        model: The network.
        tokenizer: Its tokenizer.
        side: On which rows are padded, "left" or "right"; None: only rows of one length make a
            batch.
        padding: The token that the network takes for padding; None where it has none.
        arguments: What the network takes; some tokenizers make more.
    """

    torch: Any = field(repr=False)
    model: Any = field(repr=False)
    tokenizer: Any = field(repr=False)
    side: str | None
    padding: int | None
    arguments: frozenset[str]

    @classmethod
    def of(cls, torch: Any, model: Any, tokenizer: Any) -> Batching:
        """Return how a network is given batches.

        It is tried: on which side it may be padded, if on any, its configuration does not tell. A
        decoder with absolute positions that is padded on the left, as its tokenizer may ask for,
        would count positions from the padding.
        """
        arguments = frozenset(inspect.signature(model.forward).parameters)
        padding, size = model.config.get_text_config().pad_token_id, embeddings_of(model)
        if padding is not None and not 0 <= padding < (size or padding + 1):
            padding = None
        for side in dict.fromkeys([str(tokenizer.padding_side), "right", "left"]):
            found = cls(torch, model, tokenizer, side, padding, arguments)
            if found.is_exact():
                return found
        return cls(torch, model, tokenizer, None, padding, arguments)

    def is_exact(self) -> bool:
        """Return whether texts of different lengths get together what they get one by one."""
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
        # Of a head that marks spans, there is one output for each token.
        padded = [together[0][part] if len(alone[0]) == short else together[0], together[1]]
        return all(
            bool((one - other).abs().max() <= same * max(1e-6, float(one.abs().max())))
            for one, other in zip(alone, padded, strict=True)
        )

    def _outputs(self, rows: Sequence[Row]) -> Any:
        """Return the first output of the network for each row."""
        made = self.model(**self.padded(rows))
        return (made.logits if "logits" in made else made.start_logits).float()

    def batches(self, rows: Sequence[Row], size: int) -> Iterator[list[int]]:
        """Yield the indexes of rows that share a batch; rows without a token are left out.

        An encoder-decoder answers from the place of its end token, of which all rows of a batch
        need as many; a text may hold some.
        """
        config = self.model.config
        end = config.eos_token_id if getattr(config, "is_encoder_decoder", False) else None
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            ids = row["input_ids"]
            if ids:
                length = len(ids) if self.side is None else 0
                groups[length, 0 if end is None else list(ids).count(end)].append(index)
        for members in groups.values():
            for batch in length_sorted([len(rows[n]["input_ids"]) for n in members], size):
                yield [members[number] for number in batch]

    def padded(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the tensors of a batch, on the network's device."""
        width = max(len(row["input_ids"]) for row in rows)
        padding = self._padding_token(rows)
        others = {"token_type_ids": getattr(self.tokenizer, "pad_token_type_id", 0)}
        fill = {**others, "input_ids": padding}
        made = {}
        for name in rows[0]:
            if name in self.arguments:
                lines = [self._line(row[name], width, fill.get(name, 0)) for row in rows]
                made[name] = self.torch.tensor(lines, device=self.model.device)
        return made

    def _line(self, values: Sequence[int], width: int, filling: int) -> list[int]:
        rest = [filling] * (width - len(values))
        return [*rest, *values] if self.side == "left" else [*values, *rest]

    def _padding_token(self, rows: Sequence[Row]) -> int:
        """Return what rows are padded with: the network's token, or one that none of them has.

        A decoder's head looks for the last token that is no padding, and takes batches only where
        its configuration names one. The mask hides it, so that any token will do.
        """
        if self.padding is not None:
            return self.padding
        used = {token for row in rows for token in row["input_ids"]}
        spare = next(token for token in range(len(used) + 1) if token not in used)
        self.model.config.get_text_config().pad_token_id = spare
        return spare

    def check(self, rows: Sequence[Row], who: str) -> None:
        """Refuse tokens that the network cannot know, and texts of unknown tokens alone.

        Raises:
            ModelError: tokenizer and weights, or tokenizer and texts, do not belong together.
        """
        tokenizer, size = self.tokenizer, embeddings_of(self.model)
        highest = max((max(row["input_ids"], default=0) for row in rows), default=0)
        if size is not None and highest >= size:
            raise ModelError(
                f"{who}: its tokenizer makes the token {highest} "
                f"({tokenizer.convert_ids_to_tokens(highest)!r}), and its network has embeddings "
                f"for {size:,}: tokenizer and weights are not of one model"
            )
        if any(map(self._is_known, rows)) or self._is_known(tokenizer(COMMON)):
            return
        if any(len(row["input_ids"]) > tokenizer.num_special_tokens_to_add() for row in rows):
            raise ModelError(
                f"{who}: its tokenizer knows no token of {len(rows)} texts, nor of "
                f"{COMMON!r}: it is not the one that the model was trained with"
            )

    def _is_known(self, row: Row) -> bool:
        """Return whether a row has a token that is neither unknown nor special."""
        special = {*self.tokenizer.all_special_ids}
        return any(token not in special for token in row["input_ids"])


def embeddings_of(model: Any) -> int | None:
    """Return how many tokens a network has embeddings for; None where nobody can tell."""
    try:
        return getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:
        return None


def check_vocabulary(tokenizer: Any, model: Any, where: str) -> None:
    """Refuse a tokenizer with more tokens than its network has embeddings for.

    Tokens that were added to a vocabulary may be more: a padding token without an embedding is
    common, and never asked about.

    Raises:
        ModelError: names both numbers.
    """
    size, known = embeddings_of(model), tokenizer.vocab_size
    if size is not None and known > size:
        raise ModelError(
            f"{where}: its tokenizer knows {known:,} tokens, and its network has embeddings for "
            f"{size:,}: tokenizer and weights are not of one model"
        )
