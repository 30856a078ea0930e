"""Attacks on a surrogate model, whose successes are replayed on all models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.data.lazy import blocks
from pytest_ood.perturbations.adversarial.protocol import attacked_field
from pytest_ood.shifts._attacks import KEYS as ATTACK_KEYS
from pytest_ood.shifts._attacks import PROMPT, AttackShift, parse_attack
from pytest_ood.shifts.adversarial import AttackTrial, most_queries
from pytest_ood.shifts.noise import NoiseTrial
from pytest_ood.shifts.protocol import ADVERSARIAL
from pytest_ood.shifts.texts import GeneratedTexts, Shifted, ShiftedBlock
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ood.perturbations.adversarial import Attack, QueryBudget
    from pytest_ood.shifts.protocol import Declaration, Experiment
    from pytest_ood.trials.predictor import SingleModel
    from pytest_ood.trials.trial import Trial


@dataclass(frozen=True)
class TransferShift(AttackShift):
    """The same examples, changed by an attack on another model, the surrogate.

    Texts that fooled the surrogate are given to every model, so that all are compared on the same
    items (Wang et al. 2021, Adversarial GLUE, section 3). Examples that withstood are left out.

    Attributes:
        name: The name in reports.
        attack: The search.
        budget: The budget of queries to the surrogate.
        surrogate: The name of the surrogate.
        max_examples: The most examples that are attacked; None for all.
    """

    name: str
    attack: Attack
    budget: QueryBudget
    surrogate: str
    max_examples: int | None = None
    kind: str = ADVERSARIAL

    @property
    def texts_fingerprint(self) -> str:
        """The attack, the surrogate, the query budget and the number of attacked examples."""
        examples = "all" if self.max_examples is None else f"{self.max_examples}"
        return (
            f"{self.attack.fingerprint} against {self.surrogate}, {self.budget.each} queries for "
            f"one of {examples} examples"
        )

    @property
    def shares_texts(self) -> bool:
        """True: all models are compared on the same items."""
        return True

    @property
    def surrogate_name(self) -> str:
        """The name of the surrogate."""
        return self.surrogate

    def trial(self, experiment: Experiment, model: SingleModel) -> NoiseTrial:
        """Return the answers to the texts that fooled the surrogate."""
        source = experiment.originals(model)
        return NoiseTrial(experiment.predictor(model), self, source, experiment.perturbed(self))

    def generate_texts(self, experiment: Experiment) -> GeneratedTexts:
        """Attack the surrogate; an example that withstands keeps its original text."""
        surrogate = experiment.surrogate(self.surrogate)
        source = experiment.originals(surrogate)
        trial = AttackTrial(experiment.predictor(surrogate), self, source, experiment.seed)
        attacked = trial.extend_to(self.horizon(experiment))
        results, examples = attacked.attacks or (), experiment.examples

        def shifted() -> Iterator[ShiftedBlock]:
            """Yield the adversarial inputs block by block; one that was not attacked stays."""
            start = 0
            for block in blocks(examples):
                attacked = results[start : start + len(block)]
                edits = [
                    {attacked_field(example): result.edits}
                    for example, result in zip(block, attacked, strict=False)
                ]
                rest = block[len(attacked) :]
                yield ShiftedBlock(
                    [*(result.inputs for result in attacked), *(e.inputs for e in rest)],
                    edits=[*edits, *({} for _ in rest)],
                )
                start += len(block)

        return GeneratedTexts(Shifted.of(examples, shifted()), attacked)

    def attack_of(self, trial: Trial, on_surrogate: Trial | None) -> Trial | None:
        """Return the trial of the surrogate."""
        del trial
        return on_surrogate

    def most_queries(self, horizon: int) -> int:
        """Return the most queries that the attack on the surrogate takes."""
        return most_queries(self.budget, horizon)


KIND = ADVERSARIAL
KEYS = (*ATTACK_KEYS, "against")


def takes(declared: Declaration) -> bool:
    """Return whether a table declares an attack on the inputs of another model."""
    return declared.table.get("on") != PROMPT and "against" in declared.table


def parse(declared: Declaration) -> tuple[TransferShift, ...]:
    """Read the table of an attack on another model.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    attack, budget, most = parse_attack(declared)
    against = ConfigTable(declared.table, declared.where).string("against", "")
    return (TransferShift(declared.name, attack, budget, against, most),)
