"""Stored results of attacked examples, from which an interrupted attack continues."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.data.inputs import canonical
from pytest_ood.perturbations.adversarial import AttackResult, attack_code_version
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.inference.store import TextStore
    from pytest_ood.perturbations.adversarial import Recipe

BATCH_SIZE = 32
"""Results are written this many at a time; a crash loses at most so many, but no model answers."""


@dataclass
class AttackStore:
    """The results of one attack on one model.

    Attributes:
        store: The store of texts that holds the results.
        attack: The attack.
        model: The cache key of the model: equal keys, equal answers.
        seed: The seed of the run.
        each: The query budget of one example.
        pending: Results that are not written yet, by key.
    """

    store: TextStore
    attack: Recipe
    model: str
    seed: int
    each: int
    pending: dict[str, str] = field(default_factory=dict)

    def get(self, examples: Sequence[Example]) -> dict[int, AttackResult]:
        """Return the stored results, by index of the example."""
        keys = [self._key(example) for example in examples]
        stored = self.store.get_texts(keys)
        return {index: from_json(stored[key]) for index, key in enumerate(keys) if key in stored}

    def put(self, example: Example, result: AttackResult) -> None:
        """Add a result, and write when `BATCH_SIZE` are pending."""
        self.pending[self._key(example)] = to_json(result)
        if len(self.pending) >= BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write all pending results."""
        self.store.put_texts(self.pending)
        self.pending = {}

    def _key(self, example: Example) -> str:
        return "\0".join([self._prefix, example.id, canonical(example.inputs), example.label])

    @cached_property
    def _prefix(self) -> str:
        """The common start of all keys; computed once because it hashes the attack's files."""
        return "\0".join(
            (
                "attack",
                attack_code_version(),
                self.attack.fingerprint,
                *self.attack.weights(),
                self.model,
                str(self.seed),
                str(self.each),
            )
        )


def to_json(result: AttackResult) -> str:
    """Write a result as JSON."""
    inputs = result.inputs if isinstance(result.inputs, str) else dict(result.inputs)
    values = {name: getattr(result, name) for name in _PLAIN}
    answer = None
    if result.answer is not None:
        # Scores may be NumPy scalars, which JSON does not take.
        scores = {label: float(score) for label, score in result.answer.scores.items()}
        answer = {"label": result.answer.label, "scores": scores, "text": result.answer.text}
    edits = {name: [_row(e) for e in getattr(result, name)] for name in ("edits", "nearest")}
    return json.dumps({**values, **edits, "inputs": inputs, "answer": answer})


def from_json(text: str) -> AttackResult:
    """Parse a result that `to_json` wrote."""
    values = json.loads(text)
    answer = values["answer"]
    return AttackResult(
        **{name: values[name] for name in _PLAIN},
        inputs=values["inputs"],
        answer=None if answer is None else Prediction(**answer),
        edits=tuple(Edit(*row) for row in values["edits"]),
        nearest=tuple(Edit(*row) for row in values["nearest"]),
    )


_PLAIN = ("success", "queries", "reducing", "rejected", "skipped")


def _row(edit: Edit) -> list[int | str]:
    return [edit.start, edit.end, edit.before, edit.after]
