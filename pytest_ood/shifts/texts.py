"""Examples after a perturbation, and their hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.data.categorical import Categorical
from pytest_ood.data.inputs import canonical
from pytest_ood.data.lazy import DiskSequence, blocks, hash_of_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.trials.trial import Trial


@dataclass(frozen=True)
class Shifted:
    """Examples after a perturbation.

    Attributes:
        inputs: The input of each example; the original where nothing was changed or the change was
            rejected.
        changed: Whether each input differs from the original.
        rejected: Whether the validity filter rejected the change.
    """

    inputs: Sequence[Inputs]
    changed: Categorical[bool]
    rejected: Categorical[bool]

    @classmethod
    def of(
        cls,
        examples: Sequence[Example],
        blocks_of_inputs: Iterable[tuple[Sequence[Inputs], Collection[int]]],
    ) -> Shifted:
        """Write the inputs under a shift to a temporary file, block by block.

        Args:
            examples: The originals.
            blocks_of_inputs: For each block of `rows.blocks(examples)`, the inputs and the indices
                of those that were rejected.
        """
        spool: DiskSequence[Inputs] = DiskSequence(_plain, _itself)
        changed, rejected = Categorical[bool](), Categorical[bool]()
        for block, (inputs, refused) in zip(blocks(examples), blocks_of_inputs, strict=True):
            spool.extend(inputs)
            pairs = zip(block, inputs, strict=True)
            changed += Categorical.of(example.inputs != value for example, value in pairs)
            rejected += Categorical.of(index in refused for index in range(len(block)))
        return cls(spool, changed, rejected)


def _plain(inputs: Inputs) -> Inputs:
    return inputs if isinstance(inputs, str) else dict(inputs)


def _itself(inputs: Inputs) -> Inputs:
    return inputs


@dataclass(frozen=True)
class GeneratedTexts:
    """The texts of a shift, with the attack that produced them.

    Attributes:
        shifted: The examples under the shift.
        attack: The attack on the surrogate, or None.
    """

    shifted: Shifted
    attack: Trial | None = None


def shifted_set_hash(examples: Sequence[Example], shifted: Sequence[Inputs]) -> str:
    """SHA-256 over ids and shifted inputs, independent of their order."""
    return hash_of_lines(
        json.dumps([example.id, canonical(value)])
        for example, value in zip(examples, shifted, strict=True)
    )
