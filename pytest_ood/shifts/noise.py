"""Noise: the same examples, perturbed independently of the model."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.edits import Edit, Perturbed, apply_in_order, edits_between
from pytest_ood.data.examples import inputs_of
from pytest_ood.data.inputs import fields_of, with_fields
from pytest_ood.data.lazy import Subset, blocks
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError, unknown_name
from pytest_ood.inference.store import cached_texts
from pytest_ood.languages import ENGLISH
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.perturbations import (
    Composite,
    Generator,
    code_version,
    composed,
    find,
    in_language,
    is_shipped,
)
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain
from pytest_ood.perturbations.filters import FILTERS, EmbeddingSimilarity, parse_filter
from pytest_ood.perturbations.protection import Protection, parse_protection
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.shifts.protocol import (
    DEFAULT_PROTECTION,
    NOISE,
    RAISE_SEVERITY,
    Shift,
    language_of,
)
from pytest_ood.shifts.texts import GeneratedTexts, Shifted, ShiftedBlock, moved_example
from pytest_ood.trials.trial import Trial
from pytest_ood.utils.seeding import generator
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from random import Random

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.store import TextStore
    from pytest_ood.perturbations import Perturbation
    from pytest_ood.shifts.protocol import Declaration, Experiment
    from pytest_ood.shifts.texts import EditsByField
    from pytest_ood.tasks import Task
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel

EDITS = "edits"
"""Part of the key of a stored text whose edits are stored in its place."""

_FIELD_END = "\n\x1e\n"
"""Separates fields that are perturbed as one text; no perturbation of words changes it."""


def edits_by(change: Perturbation, text: str, rng: Random) -> tuple[Edit, ...]:
    """Return the edits that a perturbation makes; by comparing texts where it names none."""
    if isinstance(change, Generator | Composite):
        return change.edits(text, rng)
    return edits_between(text, change(text, rng))


def edits_together(
    change: Perturbation, fields: Mapping[str, str], rng: Random
) -> dict[str, tuple[Edit, ...]]:
    """Perturb the fields of an example as one text, and return the edits of each.

    Without a field's edits where they would join two fields.
    """
    edits = edits_by(change, _FIELD_END.join(fields.values()), rng)
    by_field: dict[str, tuple[Edit, ...]] = {}
    start = 0
    for name, text in fields.items():
        end = start + len(text)
        by_field[name] = tuple(
            replace(edit, start=edit.start - start, end=edit.end - start)
            for edit in edits
            if start <= edit.start and edit.end <= end
        )
        start = end + len(_FIELD_END)
    return by_field


def _edited(inputs: Inputs, edits: EditsByField) -> Inputs:
    """Return inputs with the edits of their fields."""
    texts = fields_of(inputs)
    return with_fields(
        inputs, {name: apply_in_order(texts[name], some) for name, some in edits.items()}
    )


@contextmanager
def _of_example(identifier: str) -> Iterator[None]:
    """Add the id of the example to errors of a user's perturbation."""
    try:
        yield
    except PerturbationError as error:
        raise error.of_example(identifier) from error.__cause__


@dataclass(frozen=True)
class NoiseShift(Shift):
    """The same examples, perturbed independently of the model.

    Attributes:
        name: The name in reports.
        perturbation: The perturbation of each text.
        fields: The names of the perturbed fields; empty for all.
        relabel: The label of a perturbed example by the label of its original; empty where labels
            stay.
        family: The name that several severities of one perturbation share; empty without. They
            draw from the same random stream, so that a higher severity changes what a lower one
            changes, and more.
        severity: The severity within the family.
        language: The language of the texts where the shift's table names it; "" for that of each
            example.
    """

    name: str
    perturbation: Perturbation
    fields: tuple[str, ...] = ()
    relabel: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    severity: int | None = None
    language: str = ""
    kind: str = NOISE

    def check_languages(self, languages: Iterable[str]) -> None:
        """Check that the perturbation fits the languages of the examples."""
        for language in languages:
            # Without a language of their own rows are in that of the perturbation.
            self._checked(language if not self.language else "")

    def _change_in(self, language: str) -> Perturbation:
        """Return the perturbation for an example in a language; "" for that of the suite."""
        return self._checked(language) if language and not self.language else self.perturbation

    def _checked(self, language: str) -> Perturbation:
        """Return the perturbation in a language; "" for the one that it has."""
        try:
            return in_language(self.perturbation, language)
        except ConfigurationError as error:
            raise ConfigurationError(f"noise/{self.name}: {error}") from None

    @property
    def summary(self) -> str:
        """The perturbation."""
        return self.perturbation.fingerprint

    @property
    def shares_texts(self) -> bool:
        """True: a perturbation does not depend on the model."""
        return True

    @property
    def level(self) -> tuple[str, int | None]:
        """The family and the severity."""
        return self.family, self.severity

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The perturbed fields."""
        return self.fields

    def trial(self, experiment: Experiment, model: SingleModel) -> NoiseTrial:
        """Return the answers to the changed examples."""
        source = experiment.originals(model)
        return NoiseTrial(experiment.predictor(model), self, source, experiment.perturbed(self))

    def generate_texts(self, experiment: Experiment) -> GeneratedTexts:
        """Perturb each example; see `apply`."""
        examples, seed, store = experiment.examples, experiment.seed, experiment.engine.store
        return GeneratedTexts(self.apply(examples, seed, store, experiment.task))

    def advice(self, examples: Sequence[Example]) -> str:
        """Return advice for users whose examples the perturbation leaves unchanged."""
        contract = self.perturbation.contract
        solved = isinstance(contract, Derived) and bool(contract.tasks)
        if solved and not any(example.rationale for example in examples):
            return (
                "It works answers out anew from solutions, and the examples have none: name the "
                "column that holds them with `rationale`"
            )
        strongest = self.strongest()
        if not self.needs_no_model or strongest.changes_any(examples):
            return RAISE_SEVERITY
        if strongest.unprotected().changes_any(examples):
            return "All that it could change is protected: name less under `protect`"
        return (
            "There is nothing in these texts that it changes, at any severity: take another "
            "perturbation, or other parameters"
        )

    @property
    def texts_fingerprint(self) -> str:
        """The fingerprint of the perturbation."""
        return self.perturbation.fingerprint

    @property
    def stream(self) -> str:
        """The name that seeds the random generators."""
        return self.family or self.name

    @property
    def needs_no_model(self) -> bool:
        """Whether the texts need no language model, neither to write nor to accept them."""
        change = self.perturbation
        contract = change.contract
        judged = isinstance(contract, Uncertain) and isinstance(
            contract.filter, EmbeddingSimilarity
        )
        return not judged and not (isinstance(change, Generator | Composite) and change.models)

    def strongest(self) -> NoiseShift:
        """Return the shift at the strength that changes all sites."""
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
        """Return whether the shift changes any of the examples."""
        return any(
            example.inputs != after
            for block in blocks(examples)
            for example, after in zip(block, self.apply_at_once(block, 0).inputs, strict=True)
        )

    def relabelled(self, example: Example, inputs: Inputs) -> Example:
        """Return the example with the label that fits its changed inputs.

        Raises:
            DataError: the inputs were frozen, and their label no longer follows from the example.
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
        # Alternative right answers belong to the original question.
        return example if label == example.label else replace(example, label=label, references=())

    def apply(
        self,
        examples: Sequence[Example],
        seed: int,
        store: TextStore | None = None,
        task: Task | None = None,
    ) -> Shifted:
        """Perturb each example with its own random generator, seeded by shift, id and field.

        The severities of a family are seeded by the name of the family.

        Args:
            examples: The examples.
            seed: The seed of the run.
            store: Stores the texts of shipped perturbations between runs, since loading the models
                of some takes longer than a run that finds everything in the store; None for none.
            task: The task, whose truths may move with the edits; None for truths that stay.
        """
        shifted = (self.apply_at_once(block, seed, store, task) for block in blocks(examples))
        return Shifted.of(examples, shifted)

    def apply_at_once(
        self,
        examples: Sequence[Example],
        seed: int,
        store: TextStore | None = None,
        task: Task | None = None,
    ) -> ShiftedBlock:
        """Return the inputs of one block of examples; see `apply`.

        An example whose truth cannot follow the edits is rejected.
        """
        contract, moves = self.perturbation.contract, task is not None and task.moves
        if isinstance(contract, Derived):
            block = self._derived(examples, seed, contract, task)
        else:
            block = self._independent(examples, seed, store, task)
        if task is None or not moves:
            return block._replace(edits=None)
        assert block.edits is not None, "unreachable because edits were asked for"
        lost = {
            index
            for index, (example, inputs, edits) in enumerate(
                zip(examples, block.inputs, block.edits, strict=True)
            )
            if example.inputs != inputs and moved_example(task, example, inputs, edits) is None
        }
        originals = [
            example.inputs if index in lost else inputs
            for index, (example, inputs) in enumerate(zip(examples, block.inputs, strict=True))
        ]
        edits = [{} if index in lost else edits for index, edits in enumerate(block.edits)]
        return ShiftedBlock(originals, {*block.rejected, *lost}, edits)

    def _independent(
        self,
        examples: Sequence[Example],
        seed: int,
        store: TextStore | None,
        task: Task | None,
    ) -> ShiftedBlock:
        """Return the inputs of examples, each text of which is perturbed by itself."""
        stream, change = self.stream, self.perturbation
        with_edits = task is not None and task.moves
        weights = change.weights() if isinstance(change, Generator) else ()
        changes = {example.id: self._change_of(example, task) for example in examples}
        # One text is identified by (id of the example, name of the field).
        originals = {
            (example.id, name): text
            for example in examples
            for name, text in fields_of(example.inputs).items()
            if not self.fields or name in self.fields
        }
        # Code of the user's own can change without a change of the key: it is not stored.
        stored = store if is_shipped(change) else None
        keys = {
            (identifier, name): "\0".join(
                (
                    code_version(),
                    changes[identifier].fingerprint,
                    *weights,
                    str(seed),
                    stream,
                    identifier,
                    name,
                    *((EDITS,) if with_edits else ()),
                    text,
                )
            )
            for (identifier, name), text in originals.items()
        }
        texts = list(originals)

        def perturbed(new: list[int]) -> list[str]:
            """Return the perturbed texts of these indices, or their edits as JSON."""
            # Each text has its own generator, so that it does not depend on which others are
            # computed with it and which come from the store.
            outputs = []
            for identifier, name in (texts[index] for index in new):
                with _of_example(identifier):
                    rng = generator(seed, stream, identifier, name)
                    change, text = changes[identifier], originals[identifier, name]
                    outputs.append(
                        json.dumps([(e.start, e.end, e.after) for e in edits_by(change, text, rng)])
                        if with_edits
                        else change(text, rng)
                    )
            return outputs

        outputs = cached_texts(stored, list(keys.values()), perturbed)
        edits: dict[tuple[str, str], tuple[Edit, ...]] = {}
        if with_edits:
            for one, output in zip(texts, outputs, strict=True):
                text = originals[one]
                edits[one] = tuple(Edit(a, b, text[a:b], new) for a, b, new in json.loads(output))
            changed = {one: apply_in_order(text, edits[one]) for one, text in originals.items()}
        else:
            changed = dict(zip(texts, outputs, strict=True))
        rejected = self._rejected(examples, changed, store)
        inputs = [
            example.inputs
            if index in rejected
            else with_fields(
                example.inputs,
                {
                    name: changed[example.id, name]
                    for name in fields_of(example.inputs)
                    if (example.id, name) in changed
                },
            )
            for index, example in enumerate(examples)
        ]
        by_example = [
            {}
            if index in rejected
            else {name: edits.get((example.id, name), ()) for name in fields_of(example.inputs)}
            for index, example in enumerate(examples)
        ]
        return ShiftedBlock(inputs, rejected, by_example if with_edits else None)

    def _change_of(self, example: Example, task: Task | None) -> Perturbation:
        """Return the perturbation with the answers of one example protected."""
        change = self._change_in(example.language)
        if not isinstance(change, Generator | Composite):
            return change
        answers = example.right_answers if task is None else task.protected(example)
        return change.protecting(answers)

    def _derived(
        self, examples: Sequence[Example], seed: int, contract: Derived, task: Task | None
    ) -> ShiftedBlock:
        """Return inputs whose labels follow from the example: the first valid draw of each."""
        drawn = []
        for example in examples:
            with _of_example(example.id):
                drawn.append(self._first_valid(example, seed, contract, task))
        rejected = frozenset(index for index, edits in enumerate(drawn) if edits is None)
        edits = [{} if one is None else one for one in drawn]
        inputs = [_edited(e.inputs, one) for e, one in zip(examples, edits, strict=True)]
        return ShiftedBlock(inputs, rejected, edits)

    def _first_valid(
        self, example: Example, seed: int, contract: Derived, task: Task | None
    ) -> EditsByField | None:
        """Return the edits of the first valid draw; None where all draws are invalid."""
        change, texts = self._change_of(example, task), fields_of(example.inputs)
        fixed = tuple(contract.fixed(example))
        if fixed and isinstance(change, Generator):
            protection = change.protection or Protection()
            patterns = (*protection.patterns, *fixed)
            change = change.keeping(replace(protection, patterns=patterns))
        for draw in range(contract.draws):
            # The first draw has the seed of perturbations that need only one.
            suffix = (str(draw),) if draw else ()
            fields = {
                name: text for name, text in texts.items() if not self.fields or name in self.fields
            }
            rngs = {
                name: generator(seed, self.stream, example.id, name, *suffix) for name in fields
            }
            if contract.joint and len(fields) > 1:
                edits = edits_together(change, fields, next(iter(rngs.values())))
            else:
                edits = {name: edits_by(change, text, rngs[name]) for name, text in fields.items()}
            inputs = _edited(example.inputs, edits)
            if inputs == example.inputs or contract.label(example, inputs) is not None:
                return edits
        return None

    def _rejected(
        self,
        examples: Sequence[Example],
        texts: Mapping[tuple[str, str], str],
        store: TextStore | None,
    ) -> frozenset[int]:
        """Return the indices of examples with a text that the contract's filter rejects."""
        contract = self.perturbation.contract
        if not isinstance(contract, Uncertain):
            return frozenset()
        cases = [
            (index, Perturbed(text, edits_between(text, texts[example.id, name])))
            for index, example in enumerate(examples)
            for name, text in fields_of(example.inputs).items()
            if texts.get((example.id, name), text) != text
        ]
        # Decisions of this package's filters are stored: loading the model of a filter takes longer
        # than a run that finds everything else in the store.
        stored = store if type(contract.filter) in FILTERS.values() else None
        rule = f"{code_version()}\0{contract.filter.fingerprint}"
        keys = [f"{rule}\0{case.original}\0{case.text}" for _, case in cases]
        accepts = contract.filter.accepts
        accepted = cached_texts(
            stored,
            keys,
            lambda new: ["yes" if good else "" for good in accepts([cases[n][1] for n in new])],
        )
        return frozenset(
            index for (index, _), good in zip(cases, accepted, strict=True) if not good
        )


@dataclass
class NoiseTrial:
    """The same examples, perturbed, or changed by an attack on the surrogate.

    Examples in which nothing was changed are left out.
    """

    predictor: Predictor
    shift: Shift
    source: AnswerSet
    shifted: Shifted
    graded: GradedAnswers = field(default_factory=GradedAnswers)

    def extend_to(self, size: int) -> Trial:
        """Return the trial on the first `size` examples."""
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
        """Return the outcomes of the changed ones among the first `size` examples."""
        examples = self.source.examples
        changed = np.flatnonzero(self.shifted.changed[:size].where(bool))
        # What is asked for beyond `size` is there when the next look needs it.
        left = np.flatnonzero(self.shifted.changed.where(bool))[len(self.graded) :]
        needed = max(0, len(changed) - len(self.graded))
        new = left[: self.predictor.reach(Subset(self.shifted.inputs, left), needed)]
        if len(new):
            inputs = Subset(self.shifted.inputs, new)
            task = self.predictor.task
            under_shift = self.shifted.examples(examples, self.shift.relabelled, task, new)
            self.graded += self.predictor.graded(self.shift.name, under_shift, inputs)
        return Outcomes(examples, changed, self.graded[: len(changed)])


KIND = NOISE
KEYS = (
    "perturbation",
    "severity",
    "parameters",
    "protect",
    "fields",
    "relabel",
    "filter",
    "language",
)


def parse(declared: Declaration) -> tuple[NoiseShift, ...]:
    """Parse the table of a noise shift; several severities give one shift for each.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    task = declared.task
    shifts = parse_noise(
        declared.name,
        declared.table,
        declared.where,
        task.labels,
        task.protects,
        language=language_of(declared.source),
    )
    _check_contract(shifts[0], task)
    return shifts


def parse_noise(
    name: str,
    entry: Mapping[str, Any],
    where: str,
    labels: tuple[str, ...],
    protects: tuple[str, ...] = (),
    *,
    language: str = ENGLISH.code,
) -> tuple[NoiseShift, ...]:
    """Parse the table of a noise shift; several severities give one shift for each.

    Args:
        name: The name of the shift.
        entry: The table.
        where: The prefix of error messages.
        labels: The labels of the task.
        protects: What the task protects besides `DEFAULT_PROTECTION`, unless the table says.
        language: The language of the suite, a tag of BCP 47; "" where each row has one, which is
            checked once the rows are read.

    Raises:
        ConfigurationError: a value is invalid or unknown, or the perturbation does not fit the
            language.
    """
    table = ConfigTable(entry, where)
    own = table.string("language", "")
    generator = _perturbation(name, table)
    if own or language:
        generator = in_language(generator, own or language)
    generator.check_models()
    if "protect" in entry:
        generator = generator.keeping(parse_protection(table.strings("protect"), labels))
    else:
        generator = generator.keeping_unless_rewritten((*DEFAULT_PROTECTION, *protects))
    generator = _filtered(generator, entry)
    relabel = _relabel(generator, table.subtable("relabel"), labels)
    shift = NoiseShift(name, generator, table.strings("fields"), relabel, language=own)
    severity = entry.get("severity")
    if severity is None:
        return (shift,)
    if isinstance(severity, int):
        return (replace(shift, perturbation=generator.at(severity)),)
    levels = list(range(1, MAX_SEVERITY + 1)) if severity == "all" else severity
    if not isinstance(levels, list) or not levels or len(set(map(repr, levels))) < len(levels):
        raise ConfigurationError(
            f"severity = {severity!r} is a whole number from 1 to {MAX_SEVERITY}, a list of "
            'different ones, or "all"'
        )
    perturbations = [(generator.at(level), level) for level in levels]
    return tuple(
        replace(shift, name=f"{name}@{level}", perturbation=change, family=name, severity=level)
        for change, level in sorted(perturbations, key=lambda pair: pair[1])
    )


def _perturbation(name: str, table: ConfigTable) -> Generator | Composite:
    """Return the perturbation that a shift names; a list is applied one after the other."""
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
    """Refuse a perturbation that does not fit the labels of a task, or removes the question.

    Raises:
        ConfigurationError: names the tasks that it fits, or the missing key `fields`.
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
    """Return the perturbation with the validity filter that a shift names."""
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
    generator: Generator | Composite, table: Mapping[str, Any], labels: tuple[str, ...]
) -> dict[str, str]:
    """Return the new label of each label, for a perturbation that changes labels."""
    for label in (*table, *table.values()):
        if label not in labels:
            raise ConfigurationError("relabel: " + unknown_name("label", str(label), labels))
    if not isinstance(generator.contract, Changing):
        if table:
            raise ConfigurationError(
                f"relabel: {generator.name} is {generator.contract.name} and changes no label"
            )
        return {}
    relabel = dict(table)
    for label in labels:
        if label not in relabel:
            relabel[label] = generator.contract.relabel(label, labels)
    return relabel
