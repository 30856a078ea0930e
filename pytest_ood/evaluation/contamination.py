"""Test items in a model's demonstrations or training data, and inputs that it truncates."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.data.inputs import canonical, fields_of
from pytest_ood.data.lazy import blocks
from pytest_ood.errors import DataError, OodError
from pytest_ood.loading.cases import members_of
from pytest_ood.models.protocol import (
    is_cutting,
    is_promptable,
    is_recorded,
    is_trained,
    notes_of,
)
from pytest_ood.trials.predictor import single_models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.evaluation.data import SuiteData
    from pytest_ood.shifts import Shift
    from pytest_ood.trials.predictor import AnyModel

ItemIds = dict[str, str]
"""The ids of test items, by their normalised inputs."""


class Contamination:
    """Checks models for test items that they have seen, and for inputs that they truncate.

    Args:
        data: The data sets of the suite; findings that are no errors are added to its notes.
    """

    def __init__(self, data: SuiteData) -> None:
        self._notes = data.notes
        self._data = data
        self._checked: set[tuple[str, str]] = set()

    def check(self, model: AnyModel, shifts: Iterable[Shift]) -> None:
        """Check a model's demonstrations and training data for test items, before it is run.

        Demonstrations are an error; training data is a note, since it may be intended.

        Args:
            model: The model; it is not run.
            shifts: The shifts that it will be measured under.

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
        if not sets:
            # Every check of a model comes here, and its training data may be large.
            return
        refuse_shown(model, sets)
        self._notes.add(*trained_on(model, sets))
        self._checked |= {(model.name, name) for name in sets}

    def note_cut(self, model: AnyModel, name: str, inputs: Sequence[Inputs]) -> None:
        """Note how many inputs of a set the model truncated, and the model's own notes."""
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
        """Yield the data sets that a model will be run on, with their names."""
        yield IN_DISTRIBUTION, self._data.in_distribution()
        for shift in shifts:
            if shift.has_own_examples:
                # A data set that cannot be read is reported by its own check.
                with suppress(OodError):
                    yield shift.name, self._data.target(shift)


def items_of(dataset: Dataset) -> ItemIds:
    """Return the ids of a set's items by their normalised inputs; of cases, by each input."""
    return {_key(example.inputs): example.id for example in members_of(dataset)}


def refuse_shown(model: AnyModel, sets: Mapping[str, ItemIds]) -> None:
    """Refuse a model that has a test item among its demonstrations.

    Args:
        model: The model; it is not run.
        sets: The test items of each set, by the name of the set.

    Raises:
        DataError: names the demonstration and the test item.
    """
    for member in single_models(model):
        if not is_promptable(member):
            continue
        for example in member.prompt.demonstrations:
            for name, items in sets.items():
                item = items.get(_key(example.inputs))
                if item is not None:
                    raise DataError(
                        f"model {member.name!r}: its demonstration {example.id!r} is the test item "
                        f"{item!r} of {name}; an item that a model was shown does not test it. "
                        "Take demonstrations from data that is not for testing"
                    )


def trained_on(model: AnyModel, sets: Mapping[str, ItemIds]) -> list[str]:
    """Return notes on the test items that are among a model's training data.

    Args:
        model: The model; it is not run.
        sets: The test items of each set, by the name of the set.
    """
    # All seeds of a model have the same training data.
    member = single_models(model)[0]
    examples: Iterable[Example] = member.training_examples if is_trained(member) else ()
    shared: dict[str, set[str]] = {name: set() for name in sets}
    for example in examples:
        key = _key(example.inputs)
        for name, items in sets.items():
            if key in items:
                shared[name].add(key)
    return [
        f"{model.name}: {len(shared[name])} of the {len(sets[name])} different items of {name} are "
        "among its training data, too; what it scores there says little"
        for name in sets
        if shared[name]
    ]


def _key(inputs: Inputs) -> str:
    """Return inputs as one string that does not depend on field order or white space."""
    fields = sorted(fields_of(inputs).items())
    return canonical({name: " ".join(text.split()) for name, text in fields})
