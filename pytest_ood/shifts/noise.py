"""Noise: the same examples, perturbed without looking at the model."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.edits import Perturbed, edits_between
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError, unknown_name
from pytest_ood.examples import fields_of, inputs_of, with_fields
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.perturbations import (
    Composite,
    Generator,
    code_version,
    composed,
    find,
    is_shipped,
)
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain
from pytest_ood.perturbations.filters import FILTERS, EmbeddingSimilarity, parse_filter
from pytest_ood.perturbations.protection import Protection, parse_protection
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.rows import MappedSequence, PairedSequence, Subset, blocks
from pytest_ood.seeding import generator
from pytest_ood.shifts.protocol import DEFAULT_PROTECTION, NOISE, RAISE_SEVERITY, Shift
from pytest_ood.shifts.texts import Shifted, Written
from pytest_ood.store import cached_texts
from pytest_ood.tables import Table
from pytest_ood.trials.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.perturbations import Perturbation
    from pytest_ood.shifts.protocol import Declaration, Experiment
    from pytest_ood.store import TextStore
    from pytest_ood.tasks import Task
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel

_FIELD_END = "\n\x1e\n"
"""Separates fields that are perturbed as one text: no perturbation of words changes it."""


def perturbed_together(
    change: Perturbation, fields: Mapping[str, str], rng: Random
) -> dict[str, str]:
    """Perturb the fields of an example as one text, and return them one by one.

    Where a field itself has what separates them, the fields stay as they are.
    """
    texts = change(_FIELD_END.join(fields.values()), rng).split(_FIELD_END)
    return dict(zip(fields, texts, strict=True)) if len(texts) == len(fields) else dict(fields)


@contextmanager
def _of_example(identifier: str) -> Iterator[None]:
    """Name the example whose text a user's perturbation gets wrong."""
    try:
        yield
    except PerturbationError as error:
        raise error.of_example(identifier) from error.__cause__


@dataclass(frozen=True)
class NoiseShift(Shift):
    """The same examples, perturbed without looking at the model.

    Attributes:
        name: In reports.
        perturbation: What is done to each text.
        fields: The fields it is done to; empty for all.
        relabel: The label of a perturbed example by the label of its original; empty where
            labels stay.
        family: The name that several severities of one perturbation have in common; empty for a
            shift of its own. They draw from one stream, so that what a lower severity changes a
            higher one changes too.
        severity: Of a family's member.
    """

    name: str
    perturbation: Perturbation
    fields: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    severity: int | None = None
    kind: str = NOISE

    @property
    def summary(self) -> str:
        """The perturbation."""
        return self.perturbation.fingerprint

    @property
    def shares_texts(self) -> bool:
        """Always."""
        return True

    @property
    def level(self) -> tuple[str, int | None]:
        """The family, and the severity in it."""
        return self.family, self.severity

    @property
    def named_fields(self) -> tuple[str, ...]:
        """Those that are perturbed."""
        return self.fields

    def trial(self, experiment: Experiment, model: SingleModel) -> NoiseTrial:
        """Return the answers to the examples that are changed."""
        source = experiment.originals(model)
        return NoiseTrial(experiment.predictor(model), self, source, experiment.perturbed(self))

    def write_texts(self, experiment: Experiment) -> Written:
        """Perturb each example; see `apply`."""
        return Written(self.apply(experiment.examples, experiment.seed, experiment.engine.store))

    def advice(self, examples: Sequence[Example]) -> str:
        """Return what to do where the perturbation changes none of some examples."""
        contract = self.perturbation.contract
        solved = isinstance(contract, Derived) and bool(contract.tasks)
        if solved and not any(example.rationale for example in examples):
            return (
                "It works answers out anew from solutions, and the examples have none: name the "
                "column that holds them with `rationale`"
            )
        strongest = self.strongest()
        if not self.is_made_by_rules or strongest.changes_any(examples):
            return RAISE_SEVERITY
        if strongest.unprotected().changes_any(examples):
            return "All that it could change is protected: name less under `protect`"
        return (
            "There is nothing in these texts that it changes, at any severity: take another "
            "perturbation, or other parameters"
        )

    @property
    def made_by(self) -> str:
        """What decides the texts besides the seed."""
        return self.perturbation.fingerprint

    @property
    def stream(self) -> str:
        """The name that its generators are seeded from."""
        return self.family or self.name

    @property
    def is_made_by_rules(self) -> bool:
        """Whether no language model writes the texts, or judges them."""
        change = self.perturbation
        contract = change.contract
        judged = isinstance(contract, Uncertain) and isinstance(
            contract.filter, EmbeddingSimilarity
        )
        return not judged and not (isinstance(change, Generator | Composite) and change.models)

    def strongest(self) -> NoiseShift:
        """Return the shift with all sites changed."""
        change = self.perturbation
        if not isinstance(change, Generator | Composite):
            return self
        return replace(self, perturbation=change.everywhere())

    def unprotected(self) -> NoiseShift:
        """Return the shift with nothing protected."""
        change = self.perturbation
        if not isinstance(change, Generator | Composite):
            return self
        return replace(self, perturbation=change.keeping(None))

    def changes_any(self, examples: Sequence[Example]) -> bool:
        """Return whether any of some examples comes out changed."""
        return any(
            example.inputs != after
            for block in blocks(examples)
            for example, after in zip(block, self.apply_at_once(block, 0)[0], strict=True)
        )

    def relabelled(self, example: Example, inputs: Inputs) -> Example:
        """Return an example with the label that it has once its inputs are these.

        Raises:
            DataError: they were frozen, and the label no longer follows from the example.
        """
        contract = self.perturbation.contract
        if not isinstance(contract, Derived):
            return replace(example, label=self.relabel.get(example.label, example.label))
        label = contract.label(example, inputs)
        if label is None:
            raise DataError(
                f"noise/{self.name}: what example {example.id!r} became has no known answer; it "
                "was frozen under another version: freeze anew"
            )
        # Other right answers were right to the question as it was.
        return example if label == example.label else replace(example, label=label, references=())

    def apply(
        self, examples: Sequence[Example], seed: int, store: TextStore | None = None
    ) -> Shifted:
        """Perturb each example under a generator of its own, seeded by shift, id and field.

        Of a family's members the family's name is what seeds.

        Args:
            examples: What is perturbed.
            seed: Of the run.
            store: Where the texts of shipped perturbations are kept between runs; loading what
                some of them need takes longer than a whole run that has nothing left to compute.
        """
        made = (self.apply_at_once(block, seed, store) for block in blocks(examples))
        return Shifted.of(examples, made)

    def apply_at_once(
        self, examples: Sequence[Example], seed: int, store: TextStore | None = None
    ) -> tuple[list[Inputs], frozenset[int]]:
        """Return the inputs of a few examples, and the places of those that are rejected."""
        stream, change = self.stream, self.perturbation
        if isinstance(change.contract, Derived):
            return self._derived(examples, seed, change.contract)
        weights = change.weights() if isinstance(change, Generator) else ()
        changes = {example.id: self._change_of(example) for example in examples}
        asked = {
            (example.id, name): text
            for example in examples
            for name, text in fields_of(example.inputs).items()
            if not self.fields or name in self.fields
        }
        kept = is_shipped(change)
        keys = {
            place: "\0".join(
                (
                    code_version(),
                    changes[place[0]].fingerprint,
                    *weights,
                    str(seed),
                    stream,
                    *place,
                    text,
                )
            )
            for place, text in asked.items()
        }
        places = list(asked)

        def perturbed(new: list[int]) -> list[str]:
            # A text depends on its own place alone, whatever else is made with it.
            wanted = [places[number] for number in new]
            made = []
            for identifier, name in wanted:
                with _of_example(identifier):
                    rng = generator(seed, stream, identifier, name)
                    made.append(changes[identifier](asked[identifier, name], rng))
            return made

        made = cached_texts(store if kept else None, list(keys.values()), perturbed)
        changed = dict(zip(places, made, strict=True))
        rejected = self._rejected(examples, changed, store)
        inputs = [
            example.inputs
            if place in rejected
            else with_fields(
                example.inputs,
                {
                    name: changed[example.id, name]
                    for name in fields_of(example.inputs)
                    if (example.id, name) in changed
                },
            )
            for place, example in enumerate(examples)
        ]
        return inputs, rejected

    def _change_of(self, example: Example) -> Perturbation:
        """Return the perturbation that leaves what is protected in one example alone."""
        change = self.perturbation
        if not isinstance(change, Generator | Composite):
            return change
        return change.protecting((example.label, *example.references))

    def _derived(
        self, examples: Sequence[Example], seed: int, contract: Derived
    ) -> tuple[list[Inputs], frozenset[int]]:
        """Return the inputs of a few examples, of each the first draw whose label is known."""
        found = []
        for example in examples:
            with _of_example(example.id):
                found.append(self._first_valid(example, seed, contract))
        rejected = frozenset(place for place, inputs in enumerate(found) if inputs is None)
        pairs = zip(examples, found, strict=True)
        return [e.inputs if inputs is None else inputs for e, inputs in pairs], rejected

    def _first_valid(self, example: Example, seed: int, contract: Derived) -> Inputs | None:
        """Return the first draw that is valid; None where none is."""
        change, texts = self._change_of(example), fields_of(example.inputs)
        fixed = tuple(contract.fixed(example))
        if fixed and isinstance(change, Generator):
            kept = change.protection or Protection()
            change = change.keeping(replace(kept, patterns=(*kept.patterns, *fixed)))
        for draw in range(contract.draws):
            again = (str(draw),) if draw else ()
            wanted = {
                name: text for name, text in texts.items() if not self.fields or name in self.fields
            }
            rngs = {name: generator(seed, self.stream, example.id, name, *again) for name in wanted}
            if contract.joint and len(wanted) > 1:
                made = perturbed_together(change, wanted, next(iter(rngs.values())))
            else:
                made = {name: change(text, rngs[name]) for name, text in wanted.items()}
            inputs = with_fields(example.inputs, made)
            if inputs == example.inputs or contract.label(example, inputs) is not None:
                return inputs
        return None

    def _rejected(
        self,
        examples: Sequence[Example],
        texts: Mapping[tuple[str, str], str],
        store: TextStore | None,
    ) -> frozenset[int]:
        """Return the places of examples with a text that the contract's filter rejects."""
        contract = self.perturbation.contract
        if not isinstance(contract, Uncertain):
            return frozenset()
        asked = [
            (place, Perturbed(text, edits_between(text, texts[example.id, name])))
            for place, example in enumerate(examples)
            for name, text in fields_of(example.inputs).items()
            if texts.get((example.id, name), text) != text
        ]
        # Decisions of a filter of this package are kept: its model takes longer to load than a run
        # that has nothing else left to compute.
        kept = type(contract.filter) in FILTERS.values()
        rule = f"{code_version()}\0{contract.filter.fingerprint}"
        keys = [f"{rule}\0{case.original}\0{case.text}" for _, case in asked]
        accepts = contract.filter.accepts
        decided = cached_texts(
            store if kept else None,
            keys,
            lambda new: ["yes" if good else "" for good in accepts([asked[n][1] for n in new])],
        )
        return frozenset(place for (place, _), good in zip(asked, decided, strict=True) if not good)


@dataclass
class NoiseTrial:
    """The same examples, perturbed, or as an attack on another model left them.

    Those in which nothing was changed are left out.
    """

    predictor: Predictor
    shift: Shift
    source: AnswerSet
    shifted: Shifted
    graded: GradedAnswers = field(default_factory=GradedAnswers)

    def extend_to(self, size: int) -> Trial:
        """Return the first `size` examples' trial."""
        examples = self.source.examples
        after = self.outcomes(size)
        before = self.source.extend_to(size)
        drawn = len(before)
        rejected = self.shifted.rejected[:size].count(True)
        return Trial(
            paired=True,
            drawn=drawn,
            before=before.only(after.indices),
            after=after,
            originals=inputs_of(Subset(examples, after.indices)),
            shifted=Subset(self.shifted.inputs, after.indices),
            unchanged=drawn - len(after) - rejected,
            rejected=rejected,
        )

    def outcomes(self, size: int) -> Outcomes:
        """Return the outcomes of those of the first `size` examples that were changed."""
        examples = self.source.examples
        places = np.flatnonzero(self.shifted.changed[:size].where(bool))
        new = places[len(self.graded) :]
        if len(new):
            inputs = Subset(self.shifted.inputs, new)
            pairs = PairedSequence(Subset(examples, new), inputs)
            asked = MappedSequence(pairs, lambda pair: self.shift.relabelled(*pair))
            self.graded += self.predictor.graded(self.shift.name, asked, inputs)
        return Outcomes(examples, places, self.graded[: len(places)])


KIND = NOISE
KEYS = ("perturbation", "severity", "parameters", "protect", "fields", "relabel", "filter")


def parse(declared: Declaration) -> tuple[NoiseShift, ...]:
    """Read the table of a noise shift; of several severities, one shift for each.

    Raises:
        ConfigurationError: a value that is wrong, or not known.
    """
    task = declared.task
    shifts = parse_noise(declared.name, declared.table, declared.where, task.labels, task.protects)
    _check_contract(shifts[0], task)
    return shifts


def parse_noise(
    name: str,
    entry: Mapping[str, Any],
    where: str,
    labels: tuple[str, ...],
    protects: tuple[str, ...] = (),
) -> tuple[NoiseShift, ...]:
    """Read the table of a noise shift; of several severities, one shift for each.

    Args:
        name: Of the shift.
        entry: The table.
        where: What messages begin with.
        labels: Those of the task.
        protects: What the task protects besides `DEFAULT_PROTECTION`, unless the table says.

    Raises:
        ConfigurationError: a value that is wrong, or not known.
    """
    table = Table(entry, where)
    generator = _perturbation(name, table)
    generator.check_models()
    if "protect" in entry:
        generator = generator.keeping(parse_protection(table.strings("protect"), labels))
    else:
        generator = generator.keeping_unless_rewritten((*DEFAULT_PROTECTION, *protects))
    generator = _filtered(generator, entry)
    relabel = _relabel(generator, table.subtable("relabel"), labels)
    shift = NoiseShift(name, generator, table.strings("fields"), relabel)
    asked = entry.get("severity")
    if asked is None:
        return (shift,)
    if isinstance(asked, int):
        return (replace(shift, perturbation=generator.at(asked)),)
    levels = list(range(1, MAX_SEVERITY + 1)) if asked == "all" else asked
    if not isinstance(levels, list) or not levels or len(set(map(repr, levels))) < len(levels):
        raise ConfigurationError(
            f"severity = {asked!r} is a whole number from 1 to {MAX_SEVERITY}, a list of different "
            'ones, or "all"'
        )
    made = [(generator.at(level), level) for level in levels]
    return tuple(
        replace(shift, name=f"{name}@{level}", perturbation=change, family=name, severity=level)
        for change, level in sorted(made, key=lambda pair: pair[1])
    )


def _perturbation(name: str, table: Table) -> Generator | Composite:
    """Return the perturbation that a shift names; of a list, one after the other as one."""
    names = table.get("perturbation", name)
    parameters = table.subtable("parameters")
    if not isinstance(names, list):
        return find(table.string("perturbation", name)).with_parameters(**parameters)
    parts = table.strings("perturbation")
    if len(set(parts)) < len(parts):
        raise ConfigurationError(f"perturbation = {names!r}: there is one of them twice")
    for part in parameters:
        if part not in parts:
            raise ConfigurationError(
                "parameters: of several perturbations each has a table by its name: "
                + unknown_name("perturbation", part, parts)
            )
    return composed([find(part).with_parameters(**parameters.subtable(part)) for part in parts])


def _check_contract(shift: NoiseShift, task: Task) -> None:
    """Refuse a perturbation that cannot tell the labels of a task, or would leave no answer.

    Raises:
        ConfigurationError: says for which tasks it is, or that it needs `fields`.
    """
    change = shift.perturbation
    parts = change.parts if isinstance(change, Composite) else (change,)
    takes_away = any(isinstance(part, Generator) and part.needs_fields for part in parts)
    if takes_away and not shift.fields:
        raise ConfigurationError(
            f"fields: {change.name} takes texts away; name the fields that the answer does not "
            'need, such as fields = ["context"]'
        )
    contract = change.contract
    if isinstance(contract, Changing) and not task.labels:
        raise ConfigurationError(
            f"perturbation: {change.name} turns one label into another, and the task {task.name} "
            "has none; take one whose contract is preserving or derived"
        )
    if isinstance(contract, Derived) and contract.tasks and task.name not in contract.tasks:
        raise ConfigurationError(
            f"perturbation: {change.name} works answers out anew for the task "
            f"{' or '.join(contract.tasks)}; this one is {task.name}"
        )


def _filtered(generator: Generator | Composite, entry: Mapping[str, Any]) -> Generator | Composite:
    """Put a perturbation under the filter that a shift names."""
    if "filter" not in entry:
        return generator
    if isinstance(generator.contract, Changing):
        raise ConfigurationError(
            f"filter: {generator.name} changes the label, which is what `relabel` is for; a filter "
            "is for what may change it"
        )
    if isinstance(generator.contract, Derived):
        raise ConfigurationError(
            f"filter: {generator.name} knows by itself which changes are valid; leave it out"
        )
    return generator.under(Uncertain(parse_filter(entry["filter"])))


def _relabel(
    generator: Generator | Composite, given: Mapping[str, Any], labels: tuple[str, ...]
) -> dict[str, str]:
    """Return the label after by the label before, of a perturbation that changes labels."""
    for label in (*given, *given.values()):
        if label not in labels:
            raise ConfigurationError("relabel: " + unknown_name("label", str(label), labels))
    if not isinstance(generator.contract, Changing):
        if given:
            raise ConfigurationError(
                f"relabel: {generator.name} is {generator.contract.name} and changes no label"
            )
        return {}
    known = dict(given)
    for label in labels:
        if label not in known:
            known[label] = generator.contract.relabel(label, labels)
    return known
