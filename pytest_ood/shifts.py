"""Shifts: how the examples of a suite are made to look unlike the training data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from pytest_ood.checklist import Checklist
from pytest_ood.columns import Column
from pytest_ood.edits import Perturbed, edits_between
from pytest_ood.errors import DataError
from pytest_ood.examples import canonical, fields_of, with_fields
from pytest_ood.perturbations import Composite, Generator, code_version, is_shipped
from pytest_ood.perturbations.adversarial import Recipe
from pytest_ood.perturbations.contracts import Derived, Uncertain
from pytest_ood.perturbations.filters import FILTERS, EmbeddingSimilarity
from pytest_ood.perturbations.protection import Protection
from pytest_ood.rows import Spool, blocks, hash_of_lines
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from random import Random

    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.perturbations import Perturbation
    from pytest_ood.perturbations.adversarial import Attack, QueryBudget
    from pytest_ood.readers import DataSource

Kind = Literal["domain", "noise", "adversarial"]
KINDS: tuple[Kind, ...] = ("domain", "noise", "adversarial")
WORST_CASE = "worst-case"
Scoring = Literal["example", "contrast"]
SCORINGS: tuple[Scoring, ...] = ("contrast", "example")


class TextStore(Protocol):
    """Keeps perturbed texts between runs."""

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the texts that are known, by key."""
        ...

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep texts by key."""
        ...


def through(
    store: TextStore | None, keys: Sequence[str], make: Callable[[list[int]], Iterable[str]]
) -> list[str]:
    """Return a text for each key, from the store where it is known, and keep what is made.

    Args:
        store: Where texts are kept; None for nowhere.
        keys: What has to be equal for the texts to be.
        make: Returns the texts of the places in `keys` that are not known, in their order.
    """
    known = store.get_texts(keys) if store is not None else {}
    new = [place for place, key in enumerate(keys) if key not in known]
    made = {keys[place]: text for place, text in zip(new, make(new), strict=True)}
    if store is not None:
        store.put_texts(made)
    texts = known | made
    return [texts[key] for key in keys]


@dataclass(frozen=True)
class DomainShift:
    """Other examples, out of another distribution.

    Attributes:
        name: In reports.
        source: Where the examples lie; a CheckList suite's are cases.
        train: Training data of the same domain, or None: what a baseline trained on it scores
            tells a hard domain from a model that is lost there.
        merge: The coarser label for each label that the examples do not tell apart: answers are
            merged before they are scored (McCoy et al. 2019, Right for the Wrong Reasons, section
            4). Empty where the labels are those of the suite.
        paired: The same examples as in distribution, by their ids, in another form: drops are
            paired.
        scoring: What is counted: each example, or contrast sets, which are the examples of a group
            and right where all of them are.
    """

    name: str
    source: DataSource | Dataset | Checklist
    train: DataSource | None = None
    merge: Mapping[str, str] = field(default_factory=dict)
    paired: bool = False
    scoring: Scoring = "example"
    kind: Kind = "domain"

    @property
    def counts_cases(self) -> bool:
        """Whether several inputs are counted as one."""
        return self.scoring == "contrast" or isinstance(self.source, Checklist)


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
    changed: Column[bool]
    rejected: Column[bool]

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
        spool: Spool[Inputs] = Spool(_plain, _itself)
        changed, rejected = Column[bool](), Column[bool]()
        for block, (inputs, refused) in zip(blocks(examples), made, strict=True):
            spool.extend(inputs)
            pairs = zip(block, inputs, strict=True)
            changed += Column.of(example.inputs != value for example, value in pairs)
            rejected += Column.of(place in refused for place in range(len(block)))
        return cls(spool, changed, rejected)


def _plain(inputs: Inputs) -> Inputs:
    return inputs if isinstance(inputs, str) else dict(inputs)


def _itself(inputs: Inputs) -> Inputs:
    return inputs


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


@dataclass(frozen=True)
class NoiseShift:
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
    kind: Kind = "noise"

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
            place: "\0".join((code_version(), changes[place[0]].fingerprint, *weights, str(seed),
                              stream, *place, text))
            for place, text in asked.items()
        }  # fmt: skip
        places = list(asked)

        def perturbed(new: list[int]) -> list[str]:
            # A text depends on its own place alone, whatever else is made with it.
            wanted = [places[number] for number in new]
            return [
                changes[place[0]](asked[place], generator(seed, stream, *place)) for place in wanted
            ]

        made = through(store if kept else None, list(keys.values()), perturbed)
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
        found = [self._first_valid(example, seed, contract) for example in examples]
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
        decided = through(
            store if kept else None, keys,
            lambda new: ["yes" if good else "" for good in accepts([asked[n][1] for n in new])],
        )  # fmt: skip
        return frozenset(place for (place, _), good in zip(asked, decided, strict=True) if not good)


@dataclass(frozen=True)
class AdversarialShift:
    """The same examples, changed by an attack on the model under test.

    Attributes:
        name: In reports.
        attack: The search.
        budget: Of queries.
        max_examples: Attack so many examples at most.
    """

    name: str
    attack: Attack
    budget: QueryBudget
    max_examples: int | None = None
    kind: Kind = "adversarial"


@dataclass(frozen=True)
class TransferShift:
    """The same examples, changed by an attack on another model, the surrogate.

    What turned the surrogate is put to every model: all are compared on the same items (Wang et al.
    2021, Adversarial GLUE, section 3). Where it did not turn, there is no item.

    Attributes:
        name: In reports.
        attack: The search.
        budget: Of queries to the surrogate.
        surrogate: Its name.
        max_examples: Attack so many examples at most.
    """

    name: str
    attack: Attack
    budget: QueryBudget
    surrogate: str
    max_examples: int | None = None
    kind: Kind = "adversarial"

    @property
    def made_by(self) -> str:
        """The attack, whom it was made against, and how far it went."""
        examples = "all" if self.max_examples is None else f"{self.max_examples}"
        return (
            f"{self.attack.fingerprint} against {self.surrogate}, {self.budget.each} queries for "
            f"one of {examples} examples"
        )

    def relabelled(self, example: Example, inputs: Inputs) -> Example:
        """Return the example: what an attack may do keeps the label."""
        del inputs
        return example


@dataclass(frozen=True)
class PromptShift:
    """The same examples under a changed prompt: an attack on the template, not on the input.

    Zhu et al. 2023, PromptBench, section 3. The changed prompt is looked for on some examples, and
    what it costs is measured on the others.

    Attributes:
        name: In reports.
        attack: The search; it sees the prompt as its text.
        budget: Of prompts that are tried; each takes a query for every search example.
        search_examples: So many examples tell a good prompt from a bad one.
        max_examples: Measure on so many others at most.
    """

    name: str
    attack: Recipe
    budget: QueryBudget
    search_examples: int
    max_examples: int | None = None
    kind: Kind = "adversarial"


@dataclass(frozen=True)
class WorstCase:
    """The worst over all noise shifts of a suite and the original, example by example.

    Attributes:
        name: In reports.
    """

    name: str = WORST_CASE
    kind: Kind = "noise"


Shift = DomainShift | NoiseShift | AdversarialShift | TransferShift | PromptShift | WorstCase


def counts_cases(shift: Shift) -> bool:
    """Tell whether several inputs are one unit of what is counted; only means of scores see it."""
    return isinstance(shift, DomainShift) and shift.counts_cases


def keeps_answers(shift: Shift) -> bool:
    """Tell whether a success under a shift is the right answer, where there ought to be none.

    Only means of scores see it then: every other metric goes by the answers.
    """
    attack = getattr(shift, "attack", None)
    return isinstance(attack, Recipe) and not attack.goal.turns


def shifted_set_hash(examples: Sequence[Example], shifted: Sequence[Inputs]) -> str:
    """SHA-256 over ids and shifted inputs, independent of their order."""
    return hash_of_lines(
        json.dumps([example.id, canonical(value)])
        for example, value in zip(examples, shifted, strict=True)
    )
