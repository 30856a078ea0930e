"""Lays out prompts so that a causal model computes little twice and pads little.

Prompts that begin alike stand in one row as a tree, their common start once (the tree attention of
Miao et al. 2024, SpecInfer, here of given texts): every token sees those before it in
its own prompt, and no other. Trees that are short stand side by side in a row, and rows of about
the same length make a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Tokens = tuple[int, ...]

ROW = 192
"""Tokens up to which trees are put side by side: what is padded falls faster with it than what
attention takes for tokens that do not see each other grows."""


@dataclass(frozen=True)
class Cost:
    """What a row takes, in floating-point operations.

    Attributes:
        weights: For one token, without attention: 2 for each parameter.
        attention: For one token and one that it looks at: 4 for each layer and unit of its width.
        start: Tokens that stand before all rows.
    """

    weights: float
    attention: float
    start: int

    def of(self, tokens: int) -> float:
        """Return what a row of so many tokens takes; it is computed as if all saw each other."""
        return tokens * (self.weights + self.attention * (self.start + tokens))


@dataclass(frozen=True)
class Row:
    """Which prompts stand in a row, and how many tokens that makes."""

    members: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, eq=False)
class Layout:
    """The tokens of a row; first those that end a prompt, so that ends are found without looking.

    Attributes:
        tokens: (n,) what stands there.
        depths: (n,) how many tokens stand before each in its own prompt.
        sees: (n, n) which tokens each one looks at: itself and those before it in its prompt.
        ends: For each prompt, where its last token stands.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    sees: NDArray[np.bool_]
    ends: list[int]


def pack(prompts: Sequence[Tokens], cost: Cost, most: int) -> list[Row]:
    """Put prompts into rows.

    In alphabetical order, a prompt joins the tree of the one before it where that takes less than
    a row of its own: where the start that it need not repeat weighs more than the tokens that the
    whole tree would look at in vain.

    Args:
        prompts: Their tokens, each 1 or more; all different.
        cost: Of a row.
        most: Prompts in a row.
    """
    trees: list[Row] = []
    before: Tokens = ()
    for place in sorted(range(len(prompts)), key=lambda place: prompts[place]):
        own = prompts[place]
        tree = trees[-1] if trees else Row((), 0)
        longer = tree.tokens + len(own) - _common(before, own)
        if len(tree.members) < most and cost.of(longer) < cost.of(tree.tokens) + cost.of(len(own)):
            trees[-1:] = [Row((*tree.members, place), longer)]
        else:
            trees.append(Row((place,), len(own)))
        before = own
    return _side_by_side(trees, most)


def _side_by_side(trees: Iterable[Row], most: int) -> list[Row]:
    """Put each tree, the longest first, where it leaves the least of ROW tokens free."""
    rows: dict[int, list[Row]] = {}
    for tree in sorted(trees, key=attrgetter("tokens"), reverse=True):
        fits = (
            row
            for tokens in range(ROW - tree.tokens, 0, -1)
            for row in rows.get(tokens, ())[-1:]
            if len(row.members) + len(tree.members) <= most
        )
        row = next(fits, None)
        if row is None:
            longer = tree
        else:
            rows[row.tokens].pop()
            longer = Row((*row.members, *tree.members), row.tokens + tree.tokens)
        rows.setdefault(longer.tokens, []).append(longer)
    return [row for same in rows.values() for row in same]


def batches(rows: Iterable[Row], most: int, tokens: int) -> list[list[Row]]:
    """Return rows in batches, short ones first.

    Args:
        rows: In any order.
        most: Prompts in a batch.
        tokens: In a batch, padding included; a longer row is a batch by itself.
    """
    made: list[list[Row]] = []
    held = 0
    for row in sorted(rows, key=lambda row: (row.tokens, row.members)):
        held += len(row.members)
        if not made or held > most or (len(made[-1]) + 1) * row.tokens > tokens:
            made.append([])
            held = len(row.members)
        made[-1].append(row)
    return made


def layout(prompts: Sequence[Tokens]) -> Layout:
    """Lay out the prompts of a row; what one has in common with the one before stands once."""
    tokens: list[int] = []
    depths: list[int] = []
    parents: list[int] = []
    ends: list[int] = []
    path: list[int] = []
    before: Tokens = ()
    for prompt in prompts:
        path = path[: _common(before, prompt)]
        for depth in range(len(path), len(prompt)):
            parents.append(path[-1] if path else -1)
            path.append(len(tokens))
            tokens.append(prompt[depth])
            depths.append(depth)
        ends.append(path[-1])
        before = prompt
    sees = np.eye(len(tokens), dtype=np.bool_)
    for token, parent in enumerate(parents):
        if parent >= 0:
            sees[token] |= sees[parent]
    rest = sorted({*range(len(tokens))} - {*ends})
    order = np.array([*ends, *rest])
    return Layout(
        np.array(tokens)[order],
        np.array(depths)[order],
        sees[np.ix_(order, order)],
        list(range(len(ends))),
    )


def _common(one: Tokens, other: Tokens) -> int:
    """Return how many tokens two prompts start with in common."""
    length = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        length += 1
    return length
