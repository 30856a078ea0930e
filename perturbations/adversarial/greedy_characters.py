"""A greedy character attack: the most important words first, one typo a word."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.examples import fields_of, with_fields
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.adversarial._lockstep import Search, lockstep
from pytest_ood.perturbations.adversarial.protocol import AttackResult, Query
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.tasks import Prediction

MIN_LENGTH = 3
"""Shorter words are left alone: a typo in them easily makes another word."""

IMPORTANCE_SHARE = 0.5
"""The part of the query budget that may go into finding the important words."""


@dataclass(frozen=True)
class GreedyCharacters:
    """Word importance by deletion, then the best of four typos a word, until the answer turns.

    After DeepWordBug (Gao et al. 2018, sections III-B and III-C: swap, substitution, deletion and
    insertion of one character) with the delete score of TextFooler (Jin et al. 2020, section 2).
    Deviations: the best of the four typos is kept rather than a random one, each word is changed at
    most once, and no more than half of the query budget goes into the importance of words, of which
    a random subset is ranked where the text is longer. Models without scores are attacked by their
    answers alone; their words are then tried in random order.
    """

    name: str = "greedy-characters"
    version: int = 1

    @property
    def fingerprint(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, query_budget: int
    ) -> list[AttackResult]:
        """Attack all examples in lockstep."""
        return lockstep(
            query,
            [
                _search(example, generator(seed, self.name, example.id), query_budget)
                for example in examples
            ],
        )


def attack() -> GreedyCharacters:
    """Return the attack."""
    return GreedyCharacters()


def _search(example: Example, rng: Random, budget: int) -> Search:
    (original,) = yield [example.inputs]
    queries = 1
    if original.label != example.label:
        return AttackResult(example.inputs, success=False, queries=queries)
    # The longest field carries the attack: the premise, the context, the text.
    texts = fields_of(example.inputs)
    field = max(texts, key=lambda name: (len(texts[name]), name))
    text = texts[field]

    def inputs(pieces: dict[int, str]) -> Inputs:
        return with_fields(example.inputs, {field: _replaced(text, spans, pieces)})

    spans = [match.span() for match in WORD.finditer(text)]
    words = [w for w, (start, end) in enumerate(spans) if end - start >= MIN_LENGTH]
    rng.shuffle(words)
    if original.scores:
        ranked = words[: max(1, int((budget - queries) * IMPORTANCE_SHARE))]
        if budget - queries >= len(ranked) > 0:
            answers = yield [inputs({word: ""}) for word in ranked]
            queries += len(ranked)
            support = [_support(answer, example.label) for answer in answers]
            order = sorted(range(len(ranked)), key=lambda place: support[place])
            words = [ranked[place] for place in order] + words[len(ranked) :]
    chosen: dict[int, str] = {}
    best = _support(original, example.label)
    for word in words:
        typos = _typos(text[slice(*spans[word])], rng)[: budget - queries]
        if not typos:
            break
        candidates = [inputs({**chosen, word: typo}) for typo in typos]
        answers = yield candidates
        queries += len(typos)
        for candidate, answer in zip(candidates, answers, strict=True):
            if answer.label != example.label:
                return AttackResult(candidate, success=True, queries=queries)
        scores = [_support(answer, example.label) for answer in answers]
        if min(scores) < best:
            best = min(scores)
            chosen[word] = typos[scores.index(best)]
    return AttackResult(example.inputs, success=False, queries=queries)


def _support(prediction: Prediction, label: str) -> float:
    """Return how much the model holds to the true label."""
    if prediction.scores:
        return prediction.scores.get(label, 0.0)
    return 1.0 if prediction.label == label else 0.0


def _typos(word: str, rng: Random) -> list[str]:
    """Return a swap, a substitution, a deletion and an insertion, the first letter kept."""
    place = rng.randrange(1, len(word) - 1)
    letters = string.ascii_lowercase
    options = [
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + rng.choice(letters) + word[place + 1 :],
        word[:place] + word[place + 1 :],
        word[:place] + rng.choice(letters) + word[place:],
    ]
    return [option for option in dict.fromkeys(options) if option != word]


def _replaced(text: str, spans: list[tuple[int, int]], pieces: dict[int, str]) -> str:
    """Replace words, by their number, leaving all else as it is."""
    parts, position = [], 0
    for word in sorted(pieces):
        start, end = spans[word]
        parts += [text[position:start], pieces[word]]
        position = end
    return "".join([*parts, text[position:]])
