"""Examples after a perturbation, and the store that keeps perturbed texts between runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.columns import Categorical
from pytest_ood.examples import canonical
from pytest_ood.rows import DiskSequence, blocks, hash_of_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.trials.trial import Trial


@dataclass(frozen=True)
class Shifted:
    """Examples after a perturbation.

    Attributes:
        inputs: One for each example; the original where nothing was changed, or where the change
            was rejected.
        changed: Whether it is another than the original.
        rejected: Whether the validity filter did not accept the change.
    """

    inputs: Sequence[Inputs]
    changed: Categorical[bool]
    rejected: Categorical[bool]

    @classmethod
    def of(
        cls,
        examples: Sequence[Example],
        made: Iterable[tuple[Sequence[Inputs], Collection[int]]],
    ) -> Shifted:
        """Keep what was made of examples in a temporary file.

        Args:
            examples: The originals.
            made: For one block of them after another, the inputs and the places of those that were
                rejected.
        """
        spool: DiskSequence[Inputs] = DiskSequence(_plain, _itself)
        changed, rejected = Categorical[bool](), Categorical[bool]()
        for block, (inputs, refused) in zip(blocks(examples), made, strict=True):
            spool.extend(inputs)
            pairs = zip(block, inputs, strict=True)
            changed += Categorical.of(example.inputs != value for example, value in pairs)
            rejected += Categorical.of(place in refused for place in range(len(block)))
        return cls(spool, changed, rejected)


def _plain(inputs: Inputs) -> Inputs:
    return inputs if isinstance(inputs, str) else dict(inputs)


def _itself(inputs: Inputs) -> Inputs:
    return inputs


@dataclass(frozen=True)
class Written:
    """The texts of a shift, and how they came about.

    Attributes:
        shifted: The examples as they are under the shift.
        attack: The attack on another model that they come from, or None.
    """

    shifted: Shifted
    attack: Trial | None = None


def shifted_set_hash(examples: Sequence[Example], shifted: Sequence[Inputs]) -> str:
    """SHA-256 over ids and shifted inputs, independent of their order."""
    return hash_of_lines(
        json.dumps([example.id, canonical(value)])
        for example, value in zip(examples, shifted, strict=True)
    )
