"""Hypothesis strategies: perturbed examples that shrink to the least edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st

from pytest_ood.edits import Edit, apply_edits
from pytest_ood.errors import ConfigurationError
from pytest_ood.examples import Dataset, Example, Inputs, fields_of, with_fields
from pytest_ood.perturbations import Generator, Perturbation, edits_of, find
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class PerturbedCase:
    """An example with a few edits.

    Attributes:
        example: The original.
        inputs: What the model is asked instead.
        edits: (field, edit) for every edit that was made; the field of a single text is `text`.
    """

    example: Example
    inputs: Inputs
    edits: tuple[tuple[str, Edit], ...]

    @property
    def original(self) -> Inputs:
        """What the model would be asked without the edits."""
        return self.example.inputs


def perturbed(
    data: Dataset | Iterable[tuple[Inputs, str]],
    perturbation: str | Perturbation,
    *,
    max_edits: int = 3,
) -> st.SearchStrategy[PerturbedCase]:
    """Draw an example and at most `max_edits` of the edits a perturbation makes to it.

    A failing case shrinks to the fewest edits, in the earliest example.

    Args:
        data: A data set, or (inputs, label) pairs.
        perturbation: A name of the catalogue, or a perturbation.
        max_edits: The most edits, 1 or more.

    Raises:
        ConfigurationError: there is no such perturbation, or `max_edits` is below 1.
    """
    if max_edits < 1:
        raise ConfigurationError(f"max_edits = {max_edits} is 1 or more")
    dataset = data if isinstance(data, Dataset) else Dataset.from_pairs("data", data)
    change = find(perturbation) if isinstance(perturbation, str) else perturbation
    if isinstance(change, Generator) and "share" not in change.parameters:
        # Every site is on offer: `max_edits` says how many are taken.
        change = change.with_parameters(share=1.0)

    def ready() -> st.SearchStrategy[PerturbedCase]:
        # What a generator loads when it is first used takes longer than Hypothesis gives a draw,
        # and must not be loaded when the user's test module is merely imported.
        change("two words", generator(0, "warm-up"))
        return _cases(dataset.examples, change, max_edits)

    return st.deferred(ready)


@st.composite
def _cases(
    draw: st.DrawFn, examples: tuple[Example, ...], change: Perturbation, max_edits: int
) -> PerturbedCase:
    example = draw(st.sampled_from(examples))
    seed = draw(st.integers(0, 2**32 - 1))
    texts = fields_of(example.inputs)
    possible = [
        (name, edit)
        for name, text in texts.items()
        for edit in edits_of(change, text, generator(seed, example.id, name))
    ]
    assume(possible)
    places = st.integers(0, len(possible) - 1)
    chosen = draw(st.sets(places, min_size=1, max_size=min(max_edits, len(possible))))
    edits = tuple(possible[place] for place in sorted(chosen))
    made = {
        name: apply_edits(text, [edit for field, edit in edits if field == name])
        for name, text in texts.items()
    }
    return PerturbedCase(example, with_fields(example.inputs, made), edits)
