"""Shifts: how the examples of a suite are made to look unlike the training data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.examples import canonical, fields_of, with_fields
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.perturbations import Perturbation
    from pytest_ood.perturbations.adversarial import Attack
    from pytest_ood.readers import DataSource

Kind = Literal["domain", "noise", "adversarial"]
KINDS: tuple[Kind, ...] = ("domain", "noise", "adversarial")


@dataclass(frozen=True)
class DomainShift:
    """Other examples, out of another distribution.

    Attributes:
        name: In reports.
        source: Where the examples lie.
    """

    name: str
    source: DataSource | Dataset
    kind: Kind = "domain"


@dataclass(frozen=True)
class NoiseShift:
    """The same examples, perturbed without looking at the model.

    Attributes:
        name: In reports.
        perturbation: What is done to each text.
        fields: The fields it is done to; empty for all.
    """

    name: str
    perturbation: Perturbation
    fields: tuple[str, ...] = ()
    kind: Kind = "noise"

    def apply(self, examples: Sequence[Example], seed: int) -> list[Inputs]:
        """Perturb each example under a generator of its own, seeded by shift, id and field."""
        return [self._perturbed(example, seed) for example in examples]

    def _perturbed(self, example: Example, seed: int) -> Inputs:
        changed = {
            name: self.perturbation(text, generator(seed, self.name, example.id, name))
            for name, text in fields_of(example.inputs).items()
            if not self.fields or name in self.fields
        }
        return with_fields(example.inputs, changed)


@dataclass(frozen=True)
class AdversarialShift:
    """The same examples, changed by an attack on the model under test.

    Attributes:
        name: In reports.
        attack: The search.
        query_budget: The most queries for one example.
        max_examples: Attack so many examples at most.
    """

    name: str
    attack: Attack
    query_budget: int
    max_examples: int | None = None
    kind: Kind = "adversarial"


Shift = DomainShift | NoiseShift | AdversarialShift


def shifted_set_hash(examples: Sequence[Example], shifted: Sequence[Inputs]) -> str:
    """SHA-256 over ids and shifted inputs, independent of their order."""
    rows = sorted(
        json.dumps([example.id, canonical(value)])
        for example, value in zip(examples, shifted, strict=True)
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
