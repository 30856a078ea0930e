"""Swapped entities: names in a text become other names of their kind, and the truth follows.

A model that recalls names instead of reading the text around them loses here (Lin et al. 2021,
RockNER; Agarwal et al. 2020, Entity-Switched Datasets).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit, apply_in_order
from pytest_ood.data.lazy import blocks
from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations.protocol import EVEN, MAX_SEVERITY
from pytest_ood.perturbations.site_editing import how_many, in_random_order
from pytest_ood.shifts.noise import NoiseTrial
from pytest_ood.shifts.protocol import NOISE, Shift
from pytest_ood.shifts.texts import GeneratedTexts, Shifted, ShiftedBlock
from pytest_ood.tasks.named_entities import NamedEntities, entities_of
from pytest_ood.utils.seeding import generator
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pytest_ood.data.examples import Example
    from pytest_ood.shifts.protocol import Declaration, Experiment
    from pytest_ood.trials.predictor import SingleModel

KIND = NOISE
KEYS = ("perturbation", "severity")
SWAP = "swap-entities"
VERSION = 1

Pools = dict[str, list[str]]
"""The texts of entities by their label, each once, sorted."""


def takes(declared: Declaration) -> bool:
    """Return whether a table declares swapped entities."""
    return bool(declared.table.get("perturbation", declared.name) == SWAP)


def parse(declared: Declaration) -> tuple[EntitySwap, ...]:
    """Read the table of a shift.

    Raises:
        ConfigurationError: the task has no entities, or a key or the severity is invalid.
    """
    if not isinstance(declared.task, NamedEntities):
        raise ConfigurationError(
            f"perturbation: {SWAP} swaps the entities of a text, and the task "
            f"{declared.task.name} has none; `task` would be ner"
        )
    table = ConfigTable(declared.table, declared.where).only(KEYS)
    severity = table.get("severity", MAX_SEVERITY)
    if type(severity) is not int or not 1 <= severity <= MAX_SEVERITY:
        raise ConfigurationError(
            f"severity = {severity!r}: of {SWAP} it is a whole number from 1 to {MAX_SEVERITY}, "
            f"by default {MAX_SEVERITY}, all entities"
        )
    return (EntitySwap(declared.name, severity),)


@dataclass(frozen=True)
class EntitySwap(Shift):
    """The same examples, whose entities are other ones of the data with the same label.

    Attributes:
        name: The name in reports.
        severity: From 1, a fifth of a text's entities, to 5, all of them.
    """

    name: str
    severity: int = MAX_SEVERITY
    kind: str = NOISE

    @property
    def summary(self) -> str:
        """The kind of change, its version and its severity."""
        return f"{SWAP}@{VERSION}(severity={self.severity})"

    @property
    def texts_fingerprint(self) -> str:
        """The summary; the texts depend on the data, too."""
        return self.summary

    @property
    def shares_texts(self) -> bool:
        """True: the texts do not depend on the model."""
        return True

    @property
    def needs_no_model(self) -> bool:
        """True: names are drawn from the data."""
        return True

    def advice(self, examples: Sequence[Example]) -> str:
        """Return advice for users whose examples the shift leaves unchanged."""
        del examples
        return "A label needs two different entities in the data to be swapped"

    def trial(self, experiment: Experiment, model: SingleModel) -> NoiseTrial:
        """Return the answers to the changed examples."""
        source = experiment.originals(model)
        return NoiseTrial(experiment.predictor(model), self, source, experiment.perturbed(self))

    def generate_texts(self, experiment: Experiment) -> GeneratedTexts:
        """Swap the entities of each example for others of all examples."""
        examples, pools = experiment.examples, pools_of(experiment.examples)
        shifted = (
            self._block(block, pools, experiment.seed, experiment) for block in blocks(examples)
        )
        return GeneratedTexts(Shifted.of(examples, shifted))

    def _block(
        self, examples: Sequence[Example], pools: Pools, seed: int, experiment: Experiment
    ) -> ShiftedBlock:
        inputs, edits, rejected = [], [], set()
        for index, example in enumerate(examples):
            rng = generator(seed, self.name, example.id)
            swaps = swapped(example, pools, EVEN[self.severity - 1], rng)
            text = apply_in_order(str(example.inputs), swaps)
            if swaps and experiment.task.moved(example, text, {"text": swaps}) is None:
                rejected.add(index)
                swaps, text = (), str(example.inputs)
            inputs.append(text)
            edits.append({"text": swaps})
        return ShiftedBlock(inputs, rejected, edits)


def pools_of(examples: Sequence[Example]) -> Pools:
    """Return the texts of all entities by their label."""
    pools: dict[str, set[str]] = {}
    for block in blocks(examples):
        for example in block:
            for entity in entities_of(example.label):
                pools.setdefault(entity.label, set()).add(entity.text)
    return {label: sorted(texts) for label, texts in pools.items()}


def swapped(example: Example, pools: Pools, share: float, rng: Random) -> tuple[Edit, ...]:
    """Return the edits that swap a share of an example's entities.

    Equal entities of a text become the same one.

    Args:
        example: The example.
        pools: What they may become, by label.
        share: The share of its different entities, in (0, 1]; at least one.
        rng: The source of all randomness.
    """
    entities = entities_of(example.label)
    kinds = sorted({(entity.label, entity.text) for entity in entities})
    count = how_many(len(kinds), share, rng)
    replacements: dict[tuple[str, str], str] = {}
    for label, text in in_random_order(kinds, rng):
        others = [other for other in pools[label] if other.casefold() != text.casefold()]
        if others and len(replacements) < count:
            replacements[label, text] = rng.choice(others)
    return tuple(
        Edit(e.start, e.end, e.text, replacements[e.label, e.text])
        for e in entities
        if (e.label, e.text) in replacements
    )
