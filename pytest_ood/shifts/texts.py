"""Examples after a perturbation, and their hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from pytest_ood.data.categorical import Categorical
from pytest_ood.data.edits import Edit, edits_between
from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import Inputs, canonical, fields_of
from pytest_ood.data.lazy import (
    DiskSequence,
    MappedSequence,
    PairedSequence,
    Subset,
    blocks,
    hash_of_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ood.data.lazy import Indices
    from pytest_ood.tasks import Task
    from pytest_ood.trials.trial import Trial

EditsByField = Mapping[str, Sequence[Edit]]
"""The edits of one example's fields, by their names; a field without edits may be left out."""

Relabelled = Callable[[Example, Inputs], Example]
"""Returns an example with the label that fits its changed inputs."""


class ShiftedBlock(NamedTuple):
    """The inputs of a block of examples after a perturbation.

    Attributes:
        inputs: The input of each example.
        rejected: The indices of those whose change was rejected.
        edits: The edits of each; None where they are not known.
    """

    inputs: Sequence[Inputs]
    rejected: Collection[int] = ()
    edits: Sequence[EditsByField] | None = None


@dataclass(frozen=True)
class Shifted:
    """Examples after a perturbation.

    Attributes:
        inputs: The input of each example; the original where nothing was changed or the change was
            rejected.
        changed: Whether each input differs from the original.
        rejected: Whether the change was rejected, such as by the validity filter.
        edits: The edits that made each input; None where they are not known.
    """

    inputs: Sequence[Inputs]
    changed: Categorical[bool]
    rejected: Categorical[bool]
    edits: Sequence[EditsByField] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, examples: Sequence[Example], shifted: Iterable[ShiftedBlock]) -> Shifted:
        """Write the inputs under a shift to a temporary file, block by block.

        Args:
            examples: The originals.
            shifted: The inputs of each block of `lazy.blocks(examples)`.
        """
        spool: DiskSequence[Inputs] = DiskSequence(_plain, _itself)
        edits: DiskSequence[EditsByField] = DiskSequence(_edits_to_json, _edits_from_json)
        changed, rejected = Categorical[bool](), Categorical[bool]()
        for block, new in zip(blocks(examples), shifted, strict=True):
            spool.extend(new.inputs)
            edits.extend(new.edits or ())
            pairs = zip(block, new.inputs, strict=True)
            changed += Categorical.of(example.inputs != value for example, value in pairs)
            rejected += Categorical.of(index in new.rejected for index in range(len(block)))
        return cls(spool, changed, rejected, edits if len(edits) == len(examples) else None)

    def examples(
        self, originals: Sequence[Example], relabelled: Relabelled, task: Task, indices: Indices
    ) -> Sequence[Example]:
        """Return the examples under the shift, with the truth that follows from their change.

        Args:
            originals: The examples before.
            relabelled: Returns an example with the label that fits its changed inputs.
            task: The task, which may move truths with the edits.
            indices: Which of them.
        """
        pairs = PairedSequence(Subset(originals, indices), Subset(self.inputs, indices))
        if not task.moves:
            return MappedSequence(pairs, lambda pair: relabelled(*pair))
        if self.edits is None:
            return MappedSequence(
                pairs, lambda p: _moved(task, relabelled, *p, edits_of(p[0].inputs, p[1]))
            )
        known = PairedSequence(pairs, Subset(self.edits, indices))
        return MappedSequence(known, lambda both: _moved(task, relabelled, *both[0], both[1]))


def _moved(
    task: Task, relabelled: Relabelled, example: Example, inputs: Inputs, edits: EditsByField
) -> Example:
    """Return an example under a shift; one that was rejected stays as it is."""
    after = relabelled(example, inputs)
    moved = moved_example(task, replace(after, inputs=example.inputs), inputs, edits)
    return after if moved is None else moved


def moved_example(
    task: Task, example: Example, inputs: Inputs, edits: EditsByField
) -> Example | None:
    """Return an example with other inputs; see `Task.moved`, which gets every field's edits."""
    every = {name: edits.get(name, ()) for name in fields_of(example.inputs)}
    return task.moved(example, inputs, every)


def edits_of(before: Inputs, after: Inputs) -> EditsByField:
    """Return the edits of each field, word by word, by comparing the texts."""
    fields = fields_of(after)
    return {name: edits_between(text, fields[name]) for name, text in fields_of(before).items()}


def _edits_to_json(edits: EditsByField) -> dict[str, list[list[int | str]]]:
    return {
        name: [[e.start, e.end, e.before, e.after] for e in some]
        for name, some in edits.items()
        if some
    }


def _edits_from_json(value: Mapping[str, Sequence[Sequence[int | str]]]) -> EditsByField:
    return {name: tuple(Edit(*edit) for edit in some) for name, some in value.items()}  # type: ignore[arg-type] # of JSON


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
