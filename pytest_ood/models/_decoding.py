"""Next-token logits and continuations of a causal language model, for many prompts."""

from __future__ import annotations

import copy
import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.models._packing import Cost, LabelTrie, Row, Tokens, batches, layout, pack
from pytest_ood.models._torch import (
    fetched,
    input_device,
    sent,
    tokens_per_pass,
    within_memory,
)
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from random import Random

    from numpy.typing import NDArray

    Choice = Callable[[Any, Sequence[int]], Any]
    """Takes logits, shape (n, vocabulary), and the indices of their answers; returns n tokens."""

TOKENS = 1024
"""Tokens per forward pass on a processor: enough for full speed of the matrix products, and few
enough for its caches."""

MOST, MOST_OF_ACCELERATORS, MOST_GENERATING = 64, 4096, 256
"""The maximum number of prompts per forward pass unless the user gives another one: on a processor,
on an accelerator, and there if answers are generated, each of which keeps the keys and values of
its whole prompt."""

GENERATING = 2
"""Factor on the tokens of a forward pass when answers are generated: each step computes one token
per prompt, and few prompts take hardly less time than many."""

PROBE_START, PROBE = (5, 2), ((1, 2, 3, 4, 5, 6), (1, 2, 3, 7, 8), (9, 3, 1))
"""Tokens on which a model's masks are tried: two of the prompts share tokens after the start."""

SAME, SAME_IN_HALF = 1e-3, 5e-2
"""The largest difference between logits of the same prompt, as a share of the largest logit."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Decoder:
    """Runs a causal model on prompts, most of which have the same beginning.

    Attributes:
        torch: The library.
        model: The model, in evaluation mode.
        padding: The token that fills up batches; it is always masked.
        start: The common beginning; its keys and values are computed once.
        most: The maximum number of prompts per forward pass.
        packs: Whether the model accepts a mask and positions for each token (see `can_pack`).
        reuses: Whether the keys and values of a beginning can be copied for several continuations
            (see `can_reuse`). Without it there may be no start.
    """

    torch: Any = field(repr=False)
    model: Any = field(repr=False)
    padding: int
    start: Tokens
    most: int
    packs: bool
    reuses: bool = True

    @cached_property
    def past(self) -> Any:
        """Keys and values of the start; None if it is empty."""
        if not self.start:
            return None
        with self.torch.inference_mode():
            ids = self.torch.tensor([self.start], device=input_device(self.model))
            return self.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    def scores(self, prompts: Sequence[Tokens], words: list[int]) -> list[list[float]]:
        """Return the probabilities of the words among themselves as next token of each prompt.

        Args:
            prompts: Each 1 token or more.
            words: The token of each word.
        """
        rows: list[list[float]] = [[]] * len(prompts)
        for indices, found in self.score_batches([prompts], words):
            for index, row in zip(indices, found, strict=True):
                rows[index] = row
        return rows

    def score_batches(
        self, chunks: Iterable[Sequence[Tokens]], words: list[int]
    ) -> Iterator[tuple[list[int], list[list[float]]]]:
        """Yield the indices of the prompts of each batch, and what `scores` returns for them.

        Args:
            chunks: Prompts, part by part: a part is read while an accelerator works on the one
                before. Equal prompts of a part are computed once.
            words: The token of each word.
        """
        outputs = chain.from_iterable(self._word_shares(numbered(chunks), words))
        for indices, rows in fetched(self.torch, outputs):
            repeated = [row for row, same in zip(rows, indices, strict=True) for _ in same]
            yield list(chain.from_iterable(indices)), repeated

    def _word_shares(
        self, chunks: Iterable[Mapping[Tokens, list[int]]], words: list[int]
    ) -> Iterator[Iterator[tuple[list[list[int]], Any]]]:
        """Yield, for each part, the indices of the prompts of each batch, and their scores.

        Args:
            chunks: The distinct prompts of each part, with their indices.
            words: The token of each word.
        """
        for chunk in chunks:
            for past, own, whole in self.parts(list(chunk)):
                for packs, members in self.ways(whole):
                    indices = [chunk[whole[member]] for member in members]
                    tails = [own[member] for member in members]
                    yield (
                        ([indices[number] for row in batch for number in row.members], shares)
                        for batch, shares in self._shares_of(tails, past, words, packs=packs)
                    )

    def _shares_of(
        self, tails: list[Tokens], past: Any, words: list[int], *, packs: bool
    ) -> Iterator[tuple[list[Row], Any]]:
        """Yield the rows of each batch, and the shares of the words for each of their prompts."""
        torch = self.torch
        alone = [Row((index,), len(tail)) for index, tail in enumerate(tails)]
        rows = pack(tails, self.cost(past), self.most) if packs else alone
        lay = self._laid_out if packs else self.padded

        def run(batch: list[Row]) -> Any:
            """Return the shares of one batch, on the device."""
            with torch.inference_mode():
                logits, which = self._computed(lay(tails, batch, past), past)
                numbers = np.repeat(range(len(batch)), [len(row.members) for row in batch])
                at = [sent(torch, one, logits.device) for one in (numbers, which)]
                return logits[..., words][at[0], at[1]].float().softmax(-1)

        return within_memory(torch, run, batches(rows, self.most, self.tokens))

    def continuations(
        self, prompts: Sequence[Tokens], longest: int, is_over: Callable[[Tokens], bool]
    ) -> list[Tokens]:
        """Return the greedy continuation of each prompt.

        Args:
            prompts: Each 1 token or more.
            longest: The maximum number of tokens of an answer.
            is_over: Returns whether an answer ends with its last token.
        """
        continuations: dict[Tokens, Tokens] = {}
        with self.torch.inference_mode():
            for past, tails, whole in self._batched(prompts, longest, self.most):
                said = _continued(self, tails, past, longest, is_over, choose=_likeliest)
                continuations |= zip(whole, said, strict=True)
        return [continuations[prompt] for prompt in prompts]

    def samples(
        self,
        prompts: Sequence[Tokens],
        longest: int,
        is_over: Callable[[Tokens], bool],
        *,
        count: int,
        temperature: float,
        seed: int,
    ) -> list[list[Tokens]]:
        """Return several answers to each prompt, each token drawn from the softmax of logits / T.

        Args:
            prompts: Each 1 token or more; equal ones have the same answers.
            longest: The maximum number of tokens of an answer.
            is_over: Returns whether an answer ends with its last token.
            count: The number of answers to each prompt.
            temperature: T, above 0.
            seed: The seed of the random numbers.
        """
        # Each answer has a random stream of its own, derived from the seed, the prompt and the
        # answer's number, so that it does not depend on what else is in the batch. A stream gives
        # one uniform number per token, which the inverse of the cumulative distribution maps to a
        # token; only rounding in batches of another composition can move an edge between tokens.
        answers: dict[Tokens, list[Tokens]] = {}
        with self.torch.inference_mode():
            for past, tails, whole in self._batched(prompts, longest, max(1, self.most // count)):
                streams = [
                    generator(seed, "sample", str(number), *map(str, prompt))
                    for prompt in whole
                    for number in range(count)
                ]
                choose = _drawing(self.torch, streams, temperature)
                said = _continued(self, tails, past, longest, is_over, choose=choose, copies=count)
                answers |= {
                    prompt: said[index * count : (index + 1) * count]
                    for index, prompt in enumerate(whole)
                }
        return [answers[prompt] for prompt in prompts]

    def _batched(
        self, prompts: Sequence[Tokens], longest: int, most: int
    ) -> Iterator[tuple[Any, list[Tokens], list[Tokens]]]:
        """Yield batches of distinct prompts as (past, tokens after the past, whole prompts)."""
        for past, own, whole in self.parts(prompts):
            rows = [Row((index,), len(tail)) for index, tail in enumerate(own)]
            padded = self.packs and max(map(len, whole)) + longest <= self._window
            for batch in batches(rows, most, GENERATING * self.tokens):
                for some in [batch] if padded else _of_one_length(batch):
                    indices = [row.members[0] for row in some]
                    yield (
                        past,
                        [own[index] for index in indices],
                        [whole[index] for index in indices],
                    )

    @property
    def tokens(self) -> int:
        """The maximum number of tokens of a forward pass."""
        return TOKENS if input_device(self.model).type == "cpu" else tokens_per_pass(self.model)

    def parts(self, prompts: Sequence[Tokens]) -> Iterator[tuple[Any, list[Tokens], list[Tokens]]]:
        """Yield distinct prompts with and without the start, as `_batched` does."""
        cut = len(self.start)
        behind: list[Tokens] = []
        others: list[Tokens] = []
        for prompt in dict.fromkeys(prompts):
            fits = cut and len(prompt) > cut and prompt[:cut] == self.start
            (behind if fits else others).append(prompt)
        if behind:
            yield self.past, [prompt[cut:] for prompt in behind], behind
        if others:
            yield None, others, others

    @property
    def _window(self) -> float:
        """The smallest attention window of the layers; infinite without sliding windows."""
        # A sliding window counts positions in the row, padding and other prompts included, whatever
        # mask is passed. Prompts that exceed it therefore get rows of their own, and batches of one
        # length.
        config = self.model.config.get_text_config()
        windows = [getattr(config, key, None) for key in ("sliding_window", "attention_chunk_size")]
        return min((window for window in windows if window), default=math.inf)

    def ways(self, whole: list[Tokens], room: int = 0) -> Iterator[tuple[bool, list[int]]]:
        """Yield (True, indices of prompts to pack) and (False, indices of the others).

        Args:
            whole: The prompts.
            room: The number of tokens that follow each prompt.
        """
        fits = [self.packs and len(prompt) + room <= self._window for prompt in whole]
        for packs in (True, False):
            indices = [index for index, fit in enumerate(fits) if fit is packs]
            if indices:
                yield packs, indices

    def cost(self, past: Any) -> Cost:
        """Return the cost of a row, without the embeddings and the output layer.

        An embedding is a look-up, and the output layer is computed at the ends of prompts only.
        """
        outer = (self.model.get_input_embeddings(), self.model.get_output_embeddings())
        counted = {id(layer.weight): layer.weight.numel() for layer in outer if layer is not None}
        config = self.model.config.get_text_config()
        weights = sum(weight.numel() for weight in self.model.parameters()) - sum(counted.values())
        width = getattr(config, "num_hidden_layers", 0) * getattr(config, "hidden_size", 0)
        return Cost(
            weights=2.0 * weights,
            attention=4.0 * width,
            start=len(self.start) if past is not None else 0,
        )

    def logits(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any, *, packed: bool
    ) -> dict[int, Any]:
        """Return the next-token logits (vocabulary,) of every prompt in the rows."""
        tensors = (
            self._laid_out(prompts, rows, past) if packed else self.padded(prompts, rows, past)
        )
        logits, which = self._computed(tensors, past)
        members = [(number, member) for number, row in enumerate(rows) for member in row.members]
        return {
            member: logits[number, index].float()
            for (number, member), index in zip(members, which.tolist(), strict=True)
        }

    def branch_logits(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any, trie: LabelTrie
    ) -> dict[int, Any]:
        """Return the next-token logits of every prompt and its labels: (1 + inner, vocabulary).

        The logits of a prompt are those at its last token, and at each inner node behind it.
        """
        logits, which = self._computed(self._laid_out(prompts, rows, past, trie), past)
        members = [(number, member) for number, row in enumerate(rows) for member in row.members]
        # The positions of a prompt are next to each other, and a slice copies nothing.
        each = 1 + trie.inner
        return {
            member: logits[number, first : first + each].float()
            for (number, member), first in zip(members, which[::each].tolist(), strict=True)
        }

    def stem_logits(self, tails: Sequence[Tokens], past: Any, trie: LabelTrie) -> Any:
        """Return the logits that `branch_logits` returns, without packing.

        Each prompt is computed once, and its keys and values are repeated for the stems of the
        labels, which are the rows of padded batches.

        Args:
            tails: The tokens of each prompt after the past; all of one length, so that no padding
                comes between a prompt and its labels.
            past: The keys and values before them, or None.
            trie: The labels.

        Returns:
            Logits, shape (prompts, 1 + inner, vocabulary).
        """
        torch, device, paths = self.torch, input_device(self.model), trie.stems
        alone = [Row((index,), len(tail)) for index, tail in enumerate(tails)]
        ids, mask, _, _ = self.padded(tails, alone, past)
        begun = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=_for_rows(past, len(tails)),
            use_cache=True,
            logits_to_keep=1,
        )
        logits = {0: begun.logits[:, 0]}
        each = max(1, self.most // len(tails))
        for some in (paths[first : first + each] for first in range(0, len(paths), each)):
            stems = [tuple(trie.tokens[path].tolist()) for path in some]
            alone = [Row((index,), len(stem)) for index, stem in enumerate(stems)]
            ids, own, _, _ = self.padded(stems, alone, None)
            whole = torch.cat([mask.new_ones(len(stems), mask.shape[1]), own], dim=1)
            behind = self.model(
                input_ids=ids.repeat(len(tails), 1).to(device),
                attention_mask=whole.repeat(len(tails), 1).to(device),
                past_key_values=_for_rows(begun.past_key_values, len(stems)),
                use_cache=True,
            ).logits.unflatten(0, (len(tails), len(stems)))
            for stem, path in enumerate(some):
                logits |= {1 + node: behind[:, stem, depth] for depth, node in enumerate(path)}
        return torch.stack([logits[index] for index in range(1 + trie.inner)], dim=1).float()

    def _computed(
        self, tensors: tuple[Any, Any, Any, list[list[int]]], past: Any
    ) -> tuple[Any, NDArray[np.int64]]:
        """Return the logits of rows where they are needed, and the index of each needed position.

        Args:
            tensors: Tokens, mask, positions and needed positions, as `padded` and `_laid_out`
                return them.
            past: The keys and values before them, or None.

        Returns:
            Logits, shape (rows, positions, vocabulary); and for all needed positions of all rows,
            in order, their indices among these positions.
        """
        ids, mask, positions, ends = tensors
        device = input_device(self.model)
        # The output layer has the width of the vocabulary: it is computed only at positions that
        # are needed in any row.
        computed, which = np.unique(np.concatenate(ends), return_inverse=True)
        named = {} if positions is None else {"position_ids": positions.to(device)}
        logits = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=_for_rows(past, len(ids)),
            use_cache=past is not None,
            logits_to_keep=sent(self.torch, computed, device),
            **named,
        ).logits
        return logits, which

    def padded(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any
    ) -> tuple[Any, Any, Any, list[list[int]]]:
        """Return tokens, mask, no positions, and ends for rows of one prompt each."""
        torch, start = self.torch, 0 if past is None else len(self.start)
        tails = [prompts[row.members[0]] for row in rows]
        width = max(map(len, tails))
        ids = torch.tensor([[*tail, *[self.padding] * (width - len(tail))] for tail in tails])
        lengths = torch.tensor([len(tail) for tail in tails])
        mask = (torch.arange(start + width)[None, :] < (start + lengths)[:, None]).long()
        return ids, mask, None, [[len(tail) - 1] for tail in tails]

    def _laid_out(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any, trie: LabelTrie | None = None
    ) -> tuple[Any, Any, Any, list[list[int]]]:
        """Return tokens, mask, positions and ends for rows of trees.

        The mask is added to the attention's logits. Labels follow every prompt.
        """
        torch, start = self.torch, 0 if past is None else len(self.start)
        laid = [layout([prompts[member] for member in row.members], trie) for row in rows]
        width = max(len(one.tokens) for one in laid)
        # Padding has numbers behind all others, and attends to itself: the softmax over a row
        # without any token would be NaN.
        order = np.tile(np.arange(width, 2 * width), (len(rows), 1))
        lasts = order + 1
        ids = np.full((len(rows), width), self.padding)
        positions = np.full((len(rows), width), start)
        for number, one in enumerate(laid):
            length = len(one.tokens)
            ids[number, :length] = one.tokens
            positions[number, :length] += one.depths
            order[number, :length], lasts[number, :length] = one.order, one.lasts
        # The mask, by far the largest of them, is made where it is used (see `Layout`).
        device, dtype = input_device(self.model), self.model.dtype
        numbers, behind = (sent(torch, one, device) for one in (order, lasts))
        hidden = (numbers[:, None, :] > numbers[:, :, None]) | (
            numbers[:, :, None] >= behind[:, None, :]
        )
        mask = torch.zeros((len(rows), 1, width, start + width), dtype=dtype, device=device)
        mask[..., start:].masked_fill_(hidden[:, None], torch.finfo(dtype).min)
        ids, positions = (sent(torch, one, device) for one in (ids, positions))
        return ids, mask, positions, [one.ends for one in laid]


def _continued(
    decoder: Decoder,
    tails: list[Tokens],
    past: Any,
    longest: int,
    is_over: Callable[[Tokens], bool],
    *,
    choose: Choice,
    copies: int = 1,
) -> list[Tokens]:
    """Return `copies` answers to each prompt of one batch."""
    # Prompts are padded on the right, and new tokens follow the padding: the mask hides it, and
    # positions are passed explicitly, counted from the end of each prompt. Padding on the left
    # would need another mask for the start's keys and values, which come first.
    torch, device = decoder.torch, input_device(decoder.model)
    rows = [Row((index,), len(tail)) for index, tail in enumerate(tails)]
    ids, mask, _, ends = decoder.padded(tails, rows, past)
    lengths = torch.tensor([len(tail) for tail in tails]) + mask.shape[1] - ids.shape[1]
    uneven = len(set(map(len, tails))) > 1
    computed, which = torch.unique(torch.tensor(ends)[:, 0], return_inverse=True)
    out = decoder.model(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        past_key_values=_for_rows(past, len(tails)),
        use_cache=True,
        logits_to_keep=computed.to(device),
    )
    keys, logits = out.past_key_values, out.logits[torch.arange(len(tails)), which]
    if copies > 1:
        # A prompt is computed once; its keys and values are repeated for all of its answers.
        keys.batch_repeat_interleave(copies)
        mask, lengths, logits = (
            each.repeat_interleave(copies, dim=0) for each in (mask, lengths, logits)
        )
    said: list[Tokens] = [()] * (len(tails) * copies)
    live = list(range(len(said)))
    chosen = choose(logits, live)
    while True:
        for index, token in zip(live, chosen.tolist(), strict=True):
            said[index] = (*said[index], token)
        going = [
            number
            for number, index in enumerate(live)
            if len(said[index]) < longest and not is_over(said[index])
        ]
        if not going:
            return said
        if len(going) < len(live):
            # Answers that are over leave the batch, so that no step computes them any more.
            keys.batch_select_indices(torch.tensor(going, device=device))
            mask, lengths, chosen = mask[going], lengths[going], chosen[going]
            live = [live[number] for number in going]
        mask = torch.cat([mask, mask.new_ones(len(live), 1)], dim=1)
        named = {"position_ids": lengths[:, None].to(device)} if uneven else {}
        out = decoder.model(
            input_ids=chosen[:, None].to(device),
            attention_mask=mask.to(device),
            past_key_values=keys,
            use_cache=True,
            **named,
        )
        keys, chosen = out.past_key_values, choose(out.logits[:, -1], live)
        lengths = lengths + 1


def numbered(chunks: Iterable[Sequence[Tokens]]) -> Iterator[dict[Tokens, list[int]]]:
    """Yield the distinct prompts of each part, with their indices among those of all parts."""
    start = 0
    for chunk in chunks:
        indices: dict[Tokens, list[int]] = defaultdict(list)
        for index, prompt in enumerate(chunk, start):
            indices[prompt].append(index)
        yield indices
        start += len(chunk)


def _likeliest(logits: Any, _: Sequence[int]) -> Any:
    """Choose the likeliest token of each row."""
    return logits.argmax(-1)


def _drawing(torch: Any, streams: Sequence[Random], temperature: float) -> Choice:
    """Return a function that draws a token for each row, by the next number of its stream."""

    def choose(logits: Any, live: Sequence[int]) -> Any:
        """Sample one token for each sequence, each from its own random stream."""
        # In double precision, and on the processor, as not every accelerator has it: rounding in a
        # sum of 50,000 probabilities would move the edges between tokens.
        shares = (logits.cpu().double() / temperature).softmax(-1).cumsum(-1)
        uniform = torch.tensor([[streams[index].random()] for index in live], dtype=shares.dtype)
        drawn = torch.searchsorted(shares, uniform * shares[:, -1:], right=True)
        return drawn[:, 0].clamp(max=shares.shape[1] - 1).to(logits.device)

    return choose


def can_pack(torch: Any, model: Any) -> bool:
    """Return whether a model accepts a mask and positions for each token; it is tried out."""
    # Models that derive positions from the mask, or that pass a state from token to token, ignore
    # them: their logits for packed prompts differ from those for single ones.
    alone = [Row((index,), len(prompt)) for index, prompt in enumerate(PROBE)]
    together = [Row(tuple(range(len(PROBE))), sum(map(len, PROBE)))]
    tried = Decoder(
        torch=torch, model=model, padding=0, start=PROBE_START, most=len(PROBE), packs=True
    )
    with torch.inference_mode():
        try:
            packed = tried.logits(PROBE, together, tried.past, packed=True)
            right = tried.logits(PROBE, alone, tried.past, packed=False)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return False
    return _are_same(torch, model, packed, right)


def can_reuse(torch: Any, model: Any) -> bool:
    """Return whether keys and values can be copied and continued; it is tried out.

    Recurrent layers have a state instead, and some go on from it by a single token only.
    """
    alone = [Row((index,), len(prompt)) for index, prompt in enumerate(PROBE)]
    tried = Decoder(
        torch=torch, model=model, padding=0, start=PROBE_START, most=len(PROBE), packs=False
    )
    whole = [(*PROBE_START, *prompt) for prompt in PROBE]
    with torch.inference_mode():
        right = replace(tried, start=()).logits(whole, alone, None, packed=False)
        try:
            continued = tried.logits(PROBE, alone, tried.past, packed=False)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return False
    return _are_same(torch, model, continued, right)


def _are_same(torch: Any, model: Any, some: Mapping[int, Any], right: Mapping[int, Any]) -> bool:
    """Return whether logits are the same but for rounding."""
    same = SAME if model.dtype == torch.float32 else SAME_IN_HALF
    return all(
        bool((some[index] - right[index]).abs().max() <= same * right[index].abs().max())
        for index in right
    )


def is_causal(torch: Any, model: Any) -> bool:
    """Return whether logits do not depend on later tokens; it is tried out.

    A masked language model may load as a causal one, but fails this.
    """
    device = input_device(model)
    first, second = (torch.tensor([[*row]], device=device) for row in (PROBE[0], PROBE[2]))
    rows = torch.cat([first[:, :3], second[:, :1]], dim=1), first[:, :4]
    with torch.inference_mode():
        one, other = (model(input_ids=row).logits[0, :3].float() for row in rows)
    same = SAME if model.dtype == torch.float32 else SAME_IN_HALF
    # NaN is no evidence either way; an answer with NaN scores is refused later.
    return bool((one - other).abs().max() <= same * one.abs().max()) or bool(one.isnan().any())


def _for_rows(past: Any, rows: int) -> Any:
    """Return a copy of keys and values for `rows` rows, which can be extended on its own."""
    if past is None:
        return None
    keys = copy.copy(past)
    keys.layers = [copy.copy(layer) for layer in past.layers]
    keys.batch_repeat_interleave(rows)
    return keys


def _of_one_length(batch: list[Row]) -> list[list[Row]]:
    """Return the rows of a batch, grouped by length."""
    lengths = sorted({row.tokens for row in batch})
    return [[row for row in batch if row.tokens == length] for length in lengths]
