"""Keeping what became of attacked examples, so that an interrupted attack goes on where it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_ood.edits import Edit
from pytest_ood.examples import canonical
from pytest_ood.perturbations.adversarial import AttackResult, attack_code_version
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Example
    from pytest_ood.perturbations.adversarial import Recipe
    from pytest_ood.store import TextStore

KEPT_AT_ONCE = 32
"""Results between two writes to the store: what a crash can cost, model answers aside."""


@dataclass
class AttackStore:
    """The results of one attack on one model.

    Attributes:
        store: Where they are kept.
        attack: Whose these are.
        model: What has to be equal for the model's answers to be.
        seed: Of the run.
        each: The most queries for one example.
        pending: Results that were not written yet, by key.
    """

    store: TextStore
    attack: Recipe
    model: str
    seed: int
    each: int
    pending: dict[str, str] = field(default_factory=dict)

    def get(self, examples: Sequence[Example]) -> dict[int, AttackResult]:
        """Return what is known, by place."""
        keys = [self._key(example) for example in examples]
        known = self.store.get_texts(keys)
        return {place: from_json(known[key]) for place, key in enumerate(keys) if key in known}

    def put(self, example: Example, result: AttackResult) -> None:
        """Keep a result; it is written with those that follow."""
        self.pending[self._key(example)] = to_json(result)
        if len(self.pending) >= KEPT_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        self.store.put_texts(self.pending)
        self.pending = {}

    def _key(self, example: Example) -> str:
        return "\0".join([self._prefix, example.id, canonical(example.inputs), example.label])

    @cached_property
    def _prefix(self) -> str:
        """What all keys have in common; files that the attack reads are hashed once."""
        return "\0".join(
            ("attack", attack_code_version(), self.attack.fingerprint, *self.attack.weights(),
             self.model, str(self.seed), str(self.each))
        )  # fmt: skip


def to_json(result: AttackResult) -> str:
    """Write a result as JSON."""
    inputs = result.inputs if isinstance(result.inputs, str) else dict(result.inputs)
    values = {name: getattr(result, name) for name in _PLAIN}
    answer = None
    if result.answer is not None:
        # Scores may be numbers of NumPy's, in any kind of mapping.
        scores = {label: float(score) for label, score in result.answer.scores.items()}
        answer = {"label": result.answer.label, "scores": scores, "text": result.answer.text}
    edits = {name: [_row(e) for e in getattr(result, name)] for name in ("edits", "nearest")}
    return json.dumps({**values, **edits, "inputs": inputs, "answer": answer})


def from_json(text: str) -> AttackResult:
    """Read a result; the inverse of `to_json`."""
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
