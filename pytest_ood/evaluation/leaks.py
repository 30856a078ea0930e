"""Test items that a model was shown before: as a demonstration, or in its training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.cases import members_of
from pytest_ood.errors import DataError
from pytest_ood.examples import canonical, fields_of
from pytest_ood.models.protocol import SeededModel, is_promptable, is_trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ood.evaluation.trials import Asked
    from pytest_ood.examples import Dataset, Example, Inputs

Items = dict[str, str]
"""Ids of test items, by what is asked about them."""


def items_of(dataset: Dataset) -> Items:
    """Return the ids of a set's items by what is asked about them; of cases, about each input."""
    return {_asked(example.inputs): example.id for example in members_of(dataset)}


def refuse_shown(model: Asked | SeededModel, sets: Mapping[str, Items]) -> None:
    """Refuse a model of which a demonstration is a test item.

    Args:
        model: Nothing is asked of it.
        sets: The test items of each set, by its name.

    Raises:
        DataError: names both.
    """
    for member in model.members if isinstance(model, SeededModel) else (model,):
        if not is_promptable(member):
            continue
        for example in member.prompt.demonstrations:
            for name, items in sets.items():
                found = items.get(_asked(example.inputs))
                if found is not None:
                    raise DataError(
                        f"model {member.name!r}: its demonstration {example.id!r} is the test item "
                        f"{found!r} of {name}; whoever is shown an item is not tested by it. Take "
                        "demonstrations from data that is not for testing"
                    )


def trained_on(model: Asked | SeededModel, sets: Mapping[str, Items]) -> list[str]:
    """Tell how many test items are among what a model was trained on.

    Args:
        model: Nothing is asked of it.
        sets: The test items of each set, by its name.
    """
    # All seeds of a model are trained on the same.
    member = model.members[0] if isinstance(model, SeededModel) else model
    examples: Iterable[Example] = member.training_examples if is_trained(member) else ()
    found: dict[str, set[str]] = {name: set() for name in sets}
    for example in examples:
        asked = _asked(example.inputs)
        for name, items in sets.items():
            if asked in items:
                found[name].add(asked)
    return [
        f"{model.name}: {len(found[name])} of the {len(sets[name])} different items of {name} are "
        "among its training data, too; what it scores there says little"
        for name in sets
        if found[name]
    ]


def _asked(inputs: Inputs) -> str:
    """Write what is asked as one string, whatever the order of its fields and its white space."""
    fields = sorted(fields_of(inputs).items())
    return canonical({name: " ".join(text.split()) for name, text in fields})
