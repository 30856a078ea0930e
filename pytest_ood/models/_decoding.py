"""What a causal language model says next, to many prompts at once."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.models._packing import Cost, Row, Tokens, batches, layout, pack
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    Choice = Callable[[Any, Sequence[int]], Any]
    """Takes logits (n, vocabulary) and whose answers they go on; returns a token for each, (n,)."""

TOKENS, TOKENS_OF_ACCELERATORS = 1024, 8192
"""Tokens a forward pass: as many as a processor's matrix products need to run at full speed, and
few enough for its caches."""

GENERATING = 2
"""Times as many tokens where answers are generated: steps of few prompts take hardly less time."""

PROBE_START, PROBE = (5, 2), ((1, 2, 3, 4, 5, 6), (1, 2, 3, 7, 8), (9, 3, 1))
"""Tokens of prompts that a model is tried on, two of which begin alike behind the start."""

SAME, SAME_IN_HALF = 1e-3, 5e-2
"""How far logits of the same prompt may be apart, as a share of the largest one."""


@dataclass(frozen=True, eq=False)
class Decoder:
    """A causal model behind a start that most prompts have in common.

    Attributes:
        torch: The library.
        model: The model, in evaluation mode.
        padding: The token that fills up batches; nothing looks at it.
        start: The tokens that prompts start with; their keys and values are computed once.
        most: Prompts a forward pass.
        packs: Whether the model takes what each token looks at, and where it stands, as it is given
            (see `can_pack`).
    """

    torch: Any = field(repr=False)
    model: Any = field(repr=False)
    padding: int
    start: Tokens
    most: int
    packs: bool

    @cached_property
    def past(self) -> Any:
        """Keys and values of the start; None where there is none."""
        if not self.start:
            return None
        with self.torch.inference_mode():
            ids = self.torch.tensor([self.start], device=self.model.device)
            return self.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    def scores(self, prompts: Sequence[Tokens], words: list[int]) -> list[list[float]]:
        """Return the probabilities of the words among themselves as next token of each prompt.

        Args:
            prompts: Each 1 token or more.
            words: Tokens.
        """
        found: dict[Tokens, list[float]] = {}
        with self.torch.inference_mode():
            for past, own, whole in self._parts(prompts):
                for packs, places in self._ways(whole):
                    tails = [own[place] for place in places]
                    alone = [Row((place,), len(tail)) for place, tail in enumerate(tails)]
                    rows = pack(tails, self._cost(past), self.most) if packs else alone
                    for batch in batches(rows, self.most, self._tokens):
                        for place, row in self.logits(tails, batch, past, packed=packs).items():
                            found[whole[places[place]]] = row[words].softmax(-1).tolist()
        return [found[prompt] for prompt in prompts]

    def continuations(
        self, prompts: Sequence[Tokens], longest: int, is_over: Callable[[Tokens], bool]
    ) -> list[Tokens]:
        """Return what the model says after each prompt, always its likeliest token.

        Args:
            prompts: Each 1 token or more.
            longest: Tokens of an answer.
            is_over: Tells whether an answer ends with its last token.
        """
        found: dict[Tokens, Tokens] = {}
        with self.torch.inference_mode():
            for past, tails, whole in self._batched(prompts, longest, self.most):
                said = self._continue(tails, past, longest, is_over, choose=_likeliest)
                found |= zip(whole, said, strict=True)
        return [found[prompt] for prompt in prompts]

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

        Every answer has a stream of its own, derived from the prompt, its number and the seed,
        which gives one uniform number for each token (inversion of the cumulative distribution, in
        the order of the vocabulary): whatever else is asked, it is the same, but for what batches
        of another composition make of the last digits of a logit.

        Args:
            prompts: Each 1 token or more; equal ones have the same answers.
            longest: Tokens of an answer.
            is_over: Tells whether an answer ends with its last token.
            count: Answers to each prompt.
            temperature: Above 0.
            seed: Of the streams.
        """
        found: dict[Tokens, list[Tokens]] = {}
        with self.torch.inference_mode():
            for past, tails, whole in self._batched(prompts, longest, max(1, self.most // count)):
                streams = [
                    generator(seed, "sample", str(number), *map(str, prompt))
                    for prompt in whole
                    for number in range(count)
                ]
                choose = _drawing(self.torch, streams, temperature)
                said = self._continue(tails, past, longest, is_over, choose=choose, copies=count)
                found |= {
                    prompt: said[place * count : (place + 1) * count]
                    for place, prompt in enumerate(whole)
                }
        return [found[prompt] for prompt in prompts]

    def _batched(
        self, prompts: Sequence[Tokens], longest: int, most: int
    ) -> Iterator[tuple[Any, list[Tokens], list[Tokens]]]:
        """Yield prompts that are answered together, each once, as `_parts` does."""
        for past, own, whole in self._parts(prompts):
            rows = [Row((place,), len(tail)) for place, tail in enumerate(own)]
            padded = self.packs and max(map(len, whole)) + longest <= self._window
            for batch in batches(rows, most, GENERATING * self._tokens):
                for some in [batch] if padded else _of_one_length(batch):
                    places = [row.members[0] for row in some]
                    yield past, [own[place] for place in places], [whole[place] for place in places]

    @property
    def _tokens(self) -> int:
        return TOKENS if self.model.device.type == "cpu" else TOKENS_OF_ACCELERATORS

    def _parts(self, prompts: Sequence[Tokens]) -> Iterator[tuple[Any, list[Tokens], list[Tokens]]]:
        """Yield keys and values, what comes after them, and the whole of the prompts, each once."""
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
        """How far the layer that sees least looks back.

        It is no part of the mask that is given to a layer, and counts padding; longer prompts have
        rows of their own, and those of one length batches of their own.
        """
        config = self.model.config.get_text_config()
        windows = [getattr(config, key, None) for key in ("sliding_window", "attention_chunk_size")]
        return min((window for window in windows if window), default=math.inf)

    def _ways(self, whole: list[Tokens]) -> Iterator[tuple[bool, list[int]]]:
        """Yield which prompts may be packed, and which not."""
        fits = [self.packs and len(prompt) <= self._window for prompt in whole]
        for packs in (True, False):
            places = [place for place, fit in enumerate(fits) if fit is packs]
            if places:
                yield packs, places

    def _cost(self, past: Any) -> Cost:
        """Return what a row takes without the outer layers: a look-up, and what only ends take."""
        outer = (self.model.get_input_embeddings(), self.model.get_output_embeddings())
        kept = {id(layer.weight): layer.weight.numel() for layer in outer if layer is not None}
        config = self.model.config.get_text_config()
        weights = sum(weight.numel() for weight in self.model.parameters()) - sum(kept.values())
        width = getattr(config, "num_hidden_layers", 0) * getattr(config, "hidden_size", 0)
        return Cost(2.0 * weights, 4.0 * width, len(self.start) if past is not None else 0)

    def logits(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any, *, packed: bool
    ) -> dict[int, Any]:
        """Return the next-token logits (vocabulary,) of every prompt in the rows."""
        torch, device = self.torch, self.model.device
        given = self._laid_out(prompts, rows, past) if packed else self._padded(prompts, rows, past)
        ids, mask, positions, ends = given
        # The output layer is wide; it is computed only where a prompt ends in one of the rows.
        kept, which = np.unique(np.concatenate(ends), return_inverse=True)
        named = {} if positions is None else {"position_ids": positions.to(device)}
        logits = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=_for_rows(past, len(rows)),
            use_cache=past is not None,
            logits_to_keep=torch.from_numpy(kept).to(device),
            **named,
        ).logits.float()
        members = [(number, member) for number, row in enumerate(rows) for member in row.members]
        return {
            member: logits[number, place]
            for (number, member), place in zip(members, which.tolist(), strict=True)
        }

    def _padded(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any
    ) -> tuple[Any, Any, Any, list[list[int]]]:
        """Return tokens, mask, no positions, and ends of rows that hold one prompt each."""
        torch, start = self.torch, 0 if past is None else len(self.start)
        tails = [prompts[row.members[0]] for row in rows]
        width = max(map(len, tails))
        ids = torch.tensor([[*tail, *[self.padding] * (width - len(tail))] for tail in tails])
        lengths = torch.tensor([len(tail) for tail in tails])
        mask = (torch.arange(start + width)[None, :] < (start + lengths)[:, None]).long()
        return ids, mask, None, [[len(tail) - 1] for tail in tails]

    def _laid_out(
        self, prompts: Sequence[Tokens], rows: list[Row], past: Any
    ) -> tuple[Any, Any, Any, list[list[int]]]:
        """Return tokens, mask, positions and ends of rows that hold trees.

        The mask is added to the attention's logits; what pads sees itself, since a softmax over
        nothing is not a number.
        """
        torch, start = self.torch, 0 if past is None else len(self.start)
        laid = [layout([prompts[member] for member in row.members]) for row in rows]
        width = max(len(one.tokens) for one in laid)
        ids = np.full((len(rows), width), self.padding)
        positions = np.full((len(rows), width), start)
        sees = np.zeros((len(rows), width, start + width), dtype=np.bool_)
        sees[:, :, :start] = True
        sees[:, range(width), range(start, start + width)] = True
        for number, one in enumerate(laid):
            length = len(one.tokens)
            ids[number, :length] = one.tokens
            positions[number, :length] += one.depths
            sees[number, :length, start : start + length] = one.sees
        dtype = self.model.dtype
        mask = torch.zeros((len(rows), 1, width, start + width), dtype=dtype)
        mask.masked_fill_(torch.from_numpy(~sees)[:, None], torch.finfo(dtype).min)
        return torch.from_numpy(ids), mask, torch.from_numpy(positions), [one.ends for one in laid]

    def _continue(
        self,
        tails: list[Tokens],
        past: Any,
        longest: int,
        is_over: Callable[[Tokens], bool],
        *,
        choose: Choice,
        copies: int = 1,
    ) -> list[Tokens]:
        """Return so many answers to each prompt of one batch; those that are over leave it.

        Prompts of different lengths are padded on the right: new tokens stand behind the padding,
        which the mask hides, and count their positions from their own prompt. A prompt is computed
        once, however many answers it gets.
        """
        torch, device = self.torch, self.model.device
        rows = [Row((place,), len(tail)) for place, tail in enumerate(tails)]
        ids, mask, _, ends = self._padded(tails, rows, past)
        lengths = torch.tensor([len(tail) for tail in tails]) + mask.shape[1] - ids.shape[1]
        uneven = len(set(map(len, tails))) > 1
        kept, which = torch.unique(torch.tensor(ends)[:, 0], return_inverse=True)
        out = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=_for_rows(past, len(tails)),
            use_cache=True,
            logits_to_keep=kept.to(device),
        )
        keys, logits = out.past_key_values, out.logits[torch.arange(len(tails)), which]
        if copies > 1:
            keys.batch_repeat_interleave(copies)
            mask, lengths, logits = (
                each.repeat_interleave(copies, dim=0) for each in (mask, lengths, logits)
            )
        said: list[Tokens] = [()] * (len(tails) * copies)
        live = list(range(len(said)))
        chosen = choose(logits, live)
        while True:
            for place, token in zip(live, chosen.tolist(), strict=True):
                said[place] = (*said[place], token)
            going = [
                number
                for number, place in enumerate(live)
                if len(said[place]) < longest and not is_over(said[place])
            ]
            if not going:
                return said
            if len(going) < len(live):
                keys.batch_select_indices(torch.tensor(going, device=device))
                mask, lengths, chosen = mask[going], lengths[going], chosen[going]
                live = [live[number] for number in going]
            mask = torch.cat([mask, mask.new_ones(len(live), 1)], dim=1)
            named = {"position_ids": lengths[:, None].to(device)} if uneven else {}
            out = self.model(
                input_ids=chosen[:, None].to(device),
                attention_mask=mask.to(device),
                past_key_values=keys,
                use_cache=True,
                **named,
            )
            keys, chosen = out.past_key_values, choose(out.logits[:, -1], live)
            lengths = lengths + 1


def _likeliest(logits: Any, _: Sequence[int]) -> Any:
    """Choose the likeliest token of each row."""
    return logits.argmax(-1)


def _drawing(torch: Any, streams: Sequence[Random], temperature: float) -> Choice:
    """Return what draws a token of each row, by the next number of its stream."""

    def choose(logits: Any, live: Sequence[int]) -> Any:
        # In double precision, which not every accelerator has: sums of 50,000 shares are exact
        # enough for the edges between tokens to stay where they are.
        shares = (logits.cpu().double() / temperature).softmax(-1).cumsum(-1)
        uniform = torch.tensor([[streams[place].random()] for place in live], dtype=shares.dtype)
        drawn = torch.searchsorted(shares, uniform * shares[:, -1:], right=True)
        return drawn[:, 0].clamp(max=shares.shape[1] - 1).to(logits.device)

    return choose


def can_pack(torch: Any, model: Any) -> bool:
    """Tell whether a model takes what each token looks at, and where it stands, as it is given.

    It is tried: models that derive positions from the mask, or pass a state on from token to token,
    take prompts in rows of their own.
    """
    alone = [Row((place,), len(prompt)) for place, prompt in enumerate(PROBE)]
    together = [Row(tuple(range(len(PROBE))), sum(map(len, PROBE)))]
    tried = Decoder(torch, model, 0, PROBE_START, len(PROBE), packs=True)
    with torch.inference_mode():
        try:
            found = tried.logits(PROBE, together, tried.past, packed=True)
        except (TypeError, ValueError, RuntimeError):
            return False
        right = tried.logits(PROBE, alone, tried.past, packed=False)
    same = SAME if model.dtype == torch.float32 else SAME_IN_HALF
    return all(
        bool((found[place] - right[place]).abs().max() <= same * right[place].abs().max())
        for place in right
    )


def is_causal(torch: Any, model: Any) -> bool:
    """Return whether the logits behind a token are the same whatever comes after it; it is tried.

    Of a masked language model they are not, although it may load as a causal one.
    """
    first, second = (torch.tensor([[*row]], device=model.device) for row in (PROBE[0], PROBE[2]))
    rows = torch.cat([first[:, :3], second[:, :1]], dim=1), first[:, :4]
    with torch.inference_mode():
        one, other = (model(input_ids=row).logits[0, :3].float() for row in rows)
    same = SAME if model.dtype == torch.float32 else SAME_IN_HALF
    # What is not a number tells nothing here; an answer made of it is refused.
    return bool((one - other).abs().max() <= same * one.abs().max()) or bool(one.isnan().any())


def _for_rows(past: Any, rows: int) -> Any:
    """Return keys and values for so many rows; what is appended to them leaves `past` alone."""
    if past is None:
        return None
    keys = copy.copy(past)
    keys.layers = [copy.copy(layer) for layer in past.layers]
    keys.batch_repeat_interleave(rows)
    return keys


def _of_one_length(batch: list[Row]) -> list[list[Row]]:
    """Return the rows of a batch, those of the same length together."""
    lengths = sorted({row.tokens for row in batch})
    return [[row for row in batch if row.tokens == length] for length in lengths]
