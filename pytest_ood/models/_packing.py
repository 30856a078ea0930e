"""Packs prompts into rows, so that a causal model computes shared beginnings once and pads little.

Prompts with a common beginning form a tree in one row, which has the beginning once (the tree
attention of Miao et al. 2024, SpecInfer, here for prompts instead of drafted tokens): each token
attends to the tokens before it in its own prompt, and to no other. Short trees share a row, and
rows of similar length form a batch. Labels are branches behind a prompt: `LabelTrie`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
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
class LabelTrie:
    """The tokens of labels as a tree behind a prompt, in which common beginnings exist once.

    A node is a distinct beginning of a label. Its probability is read where its parent is: at an
    inner node, which some label continues, or at the last token of the prompt. Only inner nodes
    pass the model; nothing is read at a leaf.

    Attributes:
        tokens: The token of each node, shape (nodes,). Inner nodes come first, in preorder.
        parents: Each node's parent, shape (nodes,): -1 for the prompt, else an inner node.
        depths: The number of nodes above each inner node, shape (inner,).
        lasts: The number behind the last inner node below each inner node, shape (inner,).
        inner: The number of inner nodes.
        depth: The largest number of inner nodes on the path of a label.
        paths: Whether a node is a beginning of a label, shape (labels, nodes).
        members: The indices of the labels.
    """

    tokens: NDArray[np.int64]
    parents: NDArray[np.int64]
    depths: NDArray[np.int64]
    lasts: NDArray[np.int64]
    inner: int
    depth: int
    paths: NDArray[np.bool_]
    members: tuple[int, ...]

    @classmethod
    def of(cls, labels: Sequence[Tokens], members: Iterable[int]) -> LabelTrie:
        """Return the tree of some of the labels.

        Args:
            labels: The tokens of all labels, 1 or more each.
            members: The indices of the labels in the tree.
        """
        members = tuple(members)
        chosen = [labels[member] for member in members]
        beginnings = {label[:end] for label in chosen for end in range(1, len(label) + 1)}
        inner = {label[:end] for label in chosen for end in range(1, len(label))}
        nodes = [*sorted(inner), *sorted(beginnings - inner)]
        indices = {node: index for index, node in enumerate(nodes)}
        below = Counter(node[:end] for node in inner for end in range(1, len(node) + 1))
        paths = np.zeros((len(chosen), len(nodes)), dtype=np.bool_)
        for row, label in zip(paths, chosen, strict=True):
            row[[indices[label[:end]] for end in range(1, len(label) + 1)]] = True
        return cls(
            tokens=np.array([node[-1] for node in nodes], dtype=np.int64),
            parents=np.array([indices.get(node[:-1], -1) for node in nodes], dtype=np.int64),
            depths=np.array([len(node) - 1 for node in nodes[: len(inner)]], dtype=np.int64),
            lasts=np.array(
                [index + below[node] for index, node in enumerate(nodes[: len(inner)])],
                dtype=np.int64,
            ),
            inner=len(inner),
            depth=max(map(len, inner), default=0),
            paths=paths,
            members=members,
        )

    @cached_property
    def stems(self) -> list[list[int]]:
        """The paths to the inner nodes that no inner node continues: together all inner nodes."""
        continued = {*self.parents[: self.inner].tolist()}
        return [self.path_to(node) for node in range(self.inner) if node not in continued]

    def path_to(self, node: int) -> list[int]:
        """Return the nodes from the first token of a label to an inner node."""
        path = [node]
        while self.parents[path[-1]] >= 0:
            path.append(int(self.parents[path[-1]]))
        return path[::-1]


def label_tries(labels: Sequence[Tokens], most: int) -> list[LabelTrie]:
    """Return trees that together have all labels, each with at most `most` inner nodes.

    Labels that begin alike are in one tree as far as possible. A label that has more inner nodes
    by itself is a tree by itself.

    Args:
        labels: Their tokens, 1 or more each.
        most: The maximum number of inner nodes.
    """
    groups: list[list[int]] = []
    inner = 0
    before: Tokens = ()
    for index in sorted(range(len(labels)), key=lambda index: labels[index]):
        own = labels[index][:-1]
        added = len(own) - _common(before, own)
        if not groups or inner + added > most:
            groups.append([])
            inner, added = 0, len(own)
        groups[-1].append(index)
        inner += added
        before = own
    return [LabelTrie.of(labels, sorted(group)) for group in groups]


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """The tokens of a row, those at which logits are needed first.

    A token attends to itself and to those before it in its prompt: to the nodes above it in a tree.
    In preorder the nodes below a node are the next ones, so that a node is above another if the
    other's number lies between its own and that of the last node below it.

    Attributes:
        tokens: Token ids, shape (n,).
        depths: Each token's position in its own prompt, shape (n,).
        order: Each token's number in preorder, shape (n,).
        lasts: The number behind the last node below each token, shape (n,).
        ends: The positions in the row at which logits are needed: for each prompt that of its last
            token, followed by those of the inner nodes of its labels.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    order: NDArray[np.int64]
    lasts: NDArray[np.int64]
    ends: list[int]

    @property
    def sees(self) -> NDArray[np.bool_]:
        """Whether the token of a row attends to that of a column, shape (n, n)."""
        numbers = self.order[:, None]
        sees: NDArray[np.bool_] = (self.order <= numbers) & (numbers < self.lasts)
        return sees


def pack(prompts: Sequence[Tokens], cost: Cost, most: int, behind: int = 0) -> list[Row]:
    """Pack prompts into rows.

    Args:
        prompts: Their tokens, 1 or more each; all different.
        cost: Estimates the operations for a row.
        most: The maximum number of prompts in a row.
        behind: The number of tokens behind each prompt, which no prompts share.
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
        alone = len(own) + behind
        longer = tree.tokens + alone - _common(before, own)
        if len(tree.members) < most and cost.of(longer) < cost.of(tree.tokens) + cost.of(alone):
            trees[-1:] = [Row((*tree.members, index), longer)]
        else:
            trees.append(Row((index,), alone))
        before = own
    return _side_by_side(trees, most)


def _side_by_side(trees: Iterable[Row], most: int) -> list[Row]:
    """Combine trees into rows of at most ROW tokens."""
    # Best-fit bin packing, longest tree first: each tree goes into the fullest row that has room.
    # `rows` is keyed by the number of tokens; the bits of `there` are the keys that have rows.
    rows: dict[int, list[Row]] = {}
    there = 0
    for tree in sorted(trees, key=attrgetter("tokens"), reverse=True):
        longer = tree
        fits = there & ((1 << max(0, ROW - tree.tokens + 1)) - 1)
        while fits:
            tokens = fits.bit_length() - 1
            row = rows[tokens][-1]
            if len(row.members) + len(tree.members) <= most:
                rows[tokens].pop()
                there &= ~(1 << tokens) if not rows[tokens] else -1
                longer = Row((*row.members, *tree.members), row.tokens + tree.tokens)
                break
            fits &= ~(1 << tokens)
        rows.setdefault(longer.tokens, []).append(longer)
        there |= 1 << longer.tokens
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


def layout(prompts: Sequence[Tokens], trie: LabelTrie | None = None) -> Layout:
    """Lay out the prompts of a row, which share beginnings with the prompt before.

    Args:
        prompts: The prompts of one row, in the order in which `pack` added them.
        trie: Labels that follow every prompt, as branches.
    """
    inner = 0 if trie is None else trie.inner
    room = sum(map(len, prompts)) + inner * len(prompts)
    tokens, depths, lasts, numbers = (
        np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64),
        np.empty(room, dtype=np.int64), np.arange(room),
    )  # fmt: skip
    # The nodes on the way to the last token of the prompt before. A node's subtree ends where a
    # prompt leaves this way above it.
    path = np.empty(max(map(len, prompts), default=0), dtype=np.int64)
    ends: list[NDArray[np.int64]] = []
    before: Tokens = ()
    count = 0
    for prompt in prompts:
        common = _common(before, prompt)
        lasts[path[common : len(before)]] = count
        stop = count + len(prompt) - common
        tokens[count:stop] = prompt[common:]
        depths[count:stop] = numbers[common : len(prompt)]
        path[common : len(prompt)] = numbers[count:stop]
        ends.append(path[len(prompt) - 1 : len(prompt)].copy())
        count = stop
        if trie is not None:
            stop += inner
            tokens[count:stop] = trie.tokens[:inner]
            depths[count:stop] = len(prompt) + trie.depths
            lasts[count:stop] = count + trie.lasts
            ends.append(numbers[count:stop])
            count = stop
        before = prompt
    lasts[path[: len(before)]] = count
    # Logits are needed at the ends of prompts and inside labels only. With these first, they are at
    # the same few positions in all rows of a batch, whatever the rows' lengths.
    first = np.concatenate(ends) if ends else numbers[:0]
    rest = np.ones(count, dtype=np.bool_)
    rest[first] = False
    order = np.concatenate([first, rest.nonzero()[0]])
    return Layout(
        tokens=tokens[order],
        depths=depths[order],
        order=order,
        lasts=lasts[order],
        ends=list(range(len(first))),
    )


def _common(one: Tokens, other: Tokens) -> int:
    """Return the length of the common beginning of two prompts."""
    length = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        length += 1
    return length
