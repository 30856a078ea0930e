"""Packs prompts into rows, so that a causal model computes shared beginnings once and pads little.

Prompts with a common beginning form a tree in one row, which has the beginning once (the tree
attention of Miao et al. 2024, SpecInfer, here for prompts instead of drafted tokens): each token
attends to the tokens before it in its own prompt, and to no other. Short trees share a row, and
rows of similar length form a batch.
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
"""Length up to which trees share a row. Longer rows need less padding, but attention is computed
between all tokens of a row, also those that are masked; up to this length padding costs more."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Estimates the floating-point operations for a row (Kaplan et al. 2020, section 2.1).

    Attributes:
        weights: Per token, without attention: 2 for each parameter.
        attention: Per pair of tokens: 4 for each layer and unit of its width.
        start: Tokens of the cached beginning, which all tokens attend to.
    """

    weights: float
    attention: float
    start: int

    def of(self, tokens: int) -> float:
        """Return the operations for a row of this many tokens, masked pairs included."""
        return tokens * (self.weights + self.attention * (self.start + tokens))


@dataclass(frozen=True)
class Row:
    """The indices of the prompts in a row, and the row's number of tokens."""

    members: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """The tokens of a row, the last token of each prompt first.

    Attributes:
        tokens: Token ids, shape (n,).
        depths: Each token's position in its own prompt, shape (n,).
        sees: Whether the token of a row attends to that of a column, shape (n, n): to itself and
            to those before it in its prompt.
        ends: For each prompt, the position of its last token in the row.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    sees: NDArray[np.bool_]
    ends: list[int]


def pack(prompts: Sequence[Tokens], cost: Cost, most: int) -> list[Row]:
    """Pack prompts into rows.

    Args:
        prompts: Their tokens, 1 or more each; all different.
        cost: Estimates the operations for a row.
        most: The maximum number of prompts in a row.
    """
    # Greedy, in lexicographic order, in which prompts with a common beginning are neighbours. A
    # prompt joins the tree before it if that costs less than a row of its own: joining saves the
    # common beginning, but all tokens of the tree and of the prompt then attend to each other,
    # masked or not.
    trees: list[Row] = []
    before: Tokens = ()
    for index in sorted(range(len(prompts)), key=lambda index: prompts[index]):
        own = prompts[index]
        tree = trees[-1] if trees else Row((), 0)
        longer = tree.tokens + len(own) - _common(before, own)
        if len(tree.members) < most and cost.of(longer) < cost.of(tree.tokens) + cost.of(len(own)):
            trees[-1:] = [Row((*tree.members, index), longer)]
        else:
            trees.append(Row((index,), len(own)))
        before = own
    return _side_by_side(trees, most)


def _side_by_side(trees: Iterable[Row], most: int) -> list[Row]:
    """Combine trees into rows of at most ROW tokens."""
    # Best-fit bin packing, longest tree first: each tree goes into the fullest row that has room.
    # `rows` is keyed by the number of tokens, so that this row is found without a search over all.
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
    """Return batches of rows, short rows first.

    Args:
        rows: The rows, in any order.
        most: The maximum number of prompts in a batch.
        tokens: The maximum number of tokens in a batch, padding included. A row that exceeds it is
            a batch by itself.
    """
    groups: list[list[Row]] = []
    prompts_in_batch = 0
    for row in sorted(rows, key=lambda row: (row.tokens, row.members)):
        prompts_in_batch += len(row.members)
        if not groups or prompts_in_batch > most or (len(groups[-1]) + 1) * row.tokens > tokens:
            groups.append([])
            prompts_in_batch = len(row.members)
        groups[-1].append(row)
    return groups


def layout(prompts: Sequence[Tokens]) -> Layout:
    """Lay out the prompts of a row, which share beginnings with the prompt before.

    Args:
        prompts: The prompts of one row, in the order in which `pack` added them.
    """
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
    # A token sees itself and whatever its parent sees; parents come before their children.
    sees = np.eye(len(tokens), dtype=np.bool_)
    for token, parent in enumerate(parents):
        if parent >= 0:
            sees[token] |= sees[parent]
    # Logits are needed at the ends of prompts only. With the ends first, they are at the same few
    # positions in all rows of a batch, whatever the rows' lengths.
    rest = sorted({*range(len(tokens))} - {*ends})
    order = np.array([*ends, *rest])
    return Layout(
        tokens=np.array(tokens)[order],
        depths=np.array(depths)[order],
        sees=sees[np.ix_(order, order)],
        ends=list(range(len(ends))),
    )


def _common(one: Tokens, other: Tokens) -> int:
    """Return the length of the common beginning of two prompts."""
    length = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        length += 1
    return length
