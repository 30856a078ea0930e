"""Test items that a model was shown before, and inputs that it saw only in part."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_ood.cases import members_of
from pytest_ood.errors import DataError, OodError
from pytest_ood.examples import IN_DISTRIBUTION, canonical, fields_of
from pytest_ood.models.protocol import (
    is_cutting,
    is_promptable,
    is_recorded,
    is_trained,
    notes_of,
)
from pytest_ood.rows import blocks
from pytest_ood.trials.predictor import single_models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_ood.evaluation.data import SuiteData
    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.shifts import Shift
    from pytest_ood.trials.predictor import AnyModel

Items = dict[str, str]
"""Ids of test items, by what is asked about them."""


class Contamination:
    """What the models of a suite had seen of its test items, or did not see of its inputs.

    Args:
        data: The test items; its notes take what was found that is no error.
    """

    def __init__(self, data: SuiteData) -> None:
        self._notes = data.notes
        self._data = data
        self._checked: set[tuple[str, str]] = set()

    def check(self, model: AnyModel, shifts: Iterable[Shift]) -> None:
        """See what a model was shown of the test items before it is asked about any.

        What it was trained on is noted: the user may know, or want it so.

        Args:
            model: Nothing is asked of it.
            shifts: Those that it will be measured under.

        Raises:
            DataError: a demonstration is a test item; or the data cannot be read.
            OodError: the demonstrations cannot be drawn.
        """
        if is_recorded(model):
            return
        sets = {}
        for name, dataset in self._tested(shifts):
            if (model.name, name) not in self._checked:
                sets[name] = items_of(dataset)
        refuse_shown(model, sets)
        self._notes.add(*trained_on(model, sets))
        self._checked |= {(model.name, name) for name in sets}

    def note_cut(self, model: AnyModel, name: str, inputs: Sequence[Inputs]) -> None:
        """Note how many of a set's inputs a model saw only in part, and what it says itself."""
        member = single_models(model)[0]
        self._notes.add(*notes_of(member))
        if not is_cutting(member):
            return
        count = sum(member.count_cut(block) for block in blocks(inputs))
        if not count:
            return
        self._notes.add(
            f"{model.name}: {count} of {len(inputs)} texts of {name} have more tokens than its "
            f"max_length of {member.max_length}, or than it takes; it saw only their beginning"
        )

    def _tested(self, shifts: Iterable[Shift]) -> Iterator[tuple[str, Dataset]]:
        """Yield the sets whose items a model is asked about, by name."""
        yield IN_DISTRIBUTION, self._data.in_distribution()
        for shift in shifts:
            if shift.has_own_examples:
                # Where it cannot be read, its own check says so.
                with suppress(OodError):
                    yield shift.name, self._data.target(shift)


def items_of(dataset: Dataset) -> Items:
    """Return the ids of a set's items by what is asked about them; of cases, about each input."""
    return {_asked(example.inputs): example.id for example in members_of(dataset)}


def refuse_shown(model: AnyModel, sets: Mapping[str, Items]) -> None:
    """Refuse a model of which a demonstration is a test item.

    Args:
        model: Nothing is asked of it.
        sets: The test items of each set, by its name.

    Raises:
        DataError: names both.
    """
    for member in single_models(model):
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


def trained_on(model: AnyModel, sets: Mapping[str, Items]) -> list[str]:
    """Tell how many test items are among what a model was trained on.

    Args:
        model: Nothing is asked of it.
        sets: The test items of each set, by its name.
    """
    # All seeds of a model are trained on the same.
    member = single_models(model)[0]
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
