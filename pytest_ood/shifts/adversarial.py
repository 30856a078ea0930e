"""Attacks on the inputs of the model under test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.edits import Perturbed
from pytest_ood.data.examples import inputs_of
from pytest_ood.data.inputs import fields_of
from pytest_ood.data.lazy import Subset
from pytest_ood.errors import DataError, NotApplicableError, OodError
from pytest_ood.inference.engine import check_complete
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.models.protocol import Model, RecordedModel, is_recorded
from pytest_ood.perturbations.adversarial import AttackResult, Recipe
from pytest_ood.perturbations.adversarial.protocol import NO_SCORES, USED_UP, attacked_field
from pytest_ood.shifts._attacks import KEYS as ATTACK_KEYS
from pytest_ood.shifts._attacks import PROMPT, AttackShift, parse_attack
from pytest_ood.shifts.protocol import ADVERSARIAL
from pytest_ood.tasks.classification import out_of_scope_of
from pytest_ood.trials.attack_store import AttackStore
from pytest_ood.trials.predictor import SECOND_DRAW
from pytest_ood.trials.trial import Trial
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.metrics import Outcome
    from pytest_ood.perturbations.adversarial import Attack, QueryBudget
    from pytest_ood.perturbations.adversarial.grading import ScoreGrader
    from pytest_ood.shifts.protocol import Declaration, Experiment
    from pytest_ood.tasks import Prediction
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel


SCOPELESS = "out of scope"
"""The reason why an example that no label is right for is not attacked."""


@dataclass(frozen=True)
class AdversarialShift(AttackShift):
    """The same examples, changed by an attack on the model under test.

    Attributes:
        name: The name in reports.
        attack: The search.
        budget: The budget of queries.
        max_examples: The most examples that are attacked; None for all.
    """

    name: str
    attack: Attack
    budget: QueryBudget
    max_examples: int | None = None
    kind: str = ADVERSARIAL

    def trial(self, experiment: Experiment, model: SingleModel) -> AttackTrial:
        """Return the attack on a model."""
        source = experiment.originals(model)
        return AttackTrial(experiment.predictor(model), self, source, experiment.seed)

    def attack_of(self, trial: Trial, on_surrogate: Trial | None) -> Trial | None:
        """Return the trial of the model under test."""
        del on_surrogate
        return trial

    def reason_not_applicable(self, model: Model | RecordedModel) -> str | None:
        """Return why a model cannot be attacked."""
        return recorded(model)

    def max_unknown_inputs(self, horizon: int) -> int:
        """Return the most queries that the attack takes."""
        return most_queries(self.budget, horizon)


def recorded(model: Model | RecordedModel) -> str | None:
    """Return why a model with recorded answers cannot be attacked; None for other models."""
    if not is_recorded(model):
        return None
    return "its answers were recorded, and it cannot be asked what an attack asks"


def most_queries(budget: QueryBudget, examples: int) -> int:
    """Return the most queries that an attack takes."""
    query_count = examples * budget.each
    return query_count if budget.total is None else min(query_count, budget.total)


@dataclass
class AttackTrial:
    """The same examples, attacked.

    Examples that withstand the attack count, since withstanding is what is measured; so do those
    that are wrong from the start. Examples that could not be attacked at all are left out. A
    success scores 0; in a task without labels, what its answer scores.
    """

    predictor: Predictor
    shift: AttackShift
    source: AnswerSet
    seed: int
    results: list[AttackResult] = field(default_factory=list)
    unheld: list[bool] = field(default_factory=list)
    cached: int = 0

    def extend_to(self, size: int) -> Trial:
        """Return the first `size` examples' trial.

        Raises:
            NotApplicableError: the model's answers were recorded, so that it cannot be asked
                anything new; or it gives no scores, and the attack needs them.
            DataError: none of the examples could be attacked.
        """
        new = self.source.examples[len(self.results) : size]
        if new:
            self._attack(askable_model(self.predictor.model), new)
        examples, results = self.source.examples[:size], self.results[:size]
        before = self.source.extend_to(size)
        included = [index for index, result in enumerate(results) if not result.left_out]
        if not included:
            raise self._nothing_attacked()
        indices = np.array(included)
        first = before.only(indices)
        after = (
            self._after(examples[index], outcome, results[index])
            for outcome, index in zip(first, included, strict=True)
        )
        return Trial(
            paired=True,
            drawn=len(examples),
            before=first,
            after=Outcomes(self.source.examples, indices, GradedAnswers.of(after)),
            originals=inputs_of(Subset(examples, indices)),
            shifted=tuple(results[p].inputs for p in included),
            unchanged=sum(not results[p].success for p in included),
            attacks=tuple(results),
            unheld=sum(self.unheld[:size]),
            cached=self.cached,
        )

    def _after(
        self, example: Example, before: Outcome, result: AttackResult
    ) -> tuple[str, Prediction, float]:
        """Return truth, answer and score under an attack; a wrong label scores 0."""
        answer, grader = result.answer, _grader_of(self.attack)
        if not result.success or answer is None:
            return before.label, before.prediction, before.score
        changed = None if grader is None else grader.example(example, result.inputs, result.edits)
        if grader is None or changed is None:
            return before.label, answer, 0.0
        return grader.task.truth(answer, changed), answer, answer.scores[example.label]

    @cached_property
    def attack(self) -> Attack:
        """The attack; its grader scores as the predictor does, whose task may embed texts."""
        attack, grader = self.shift.attack, _grader_of(self.shift.attack)
        if grader is None or not isinstance(attack, Recipe):
            return attack
        return attack.graded_by(replace(grader, task=self.predictor.task))

    def _nothing_attacked(self) -> OodError:
        """Return the error that says why none of the examples could be attacked."""
        reasons = Counter(result.skipped for result in self.results)
        location = f"{self.predictor.suite}/{self.shift.kind}/{self.shift.name}"
        if set(reasons) == {NO_SCORES}:
            return NotApplicableError(
                f"{location}: {NO_SCORES}; {self.predictor.model.name!r} can be attacked by "
                "recipes that rank words, such as deepwordbug, and by greedy ones, such as pruthi"
            )
        listed = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        return DataError(f"invalid: {location} attacked no example (skipped: {listed})")

    def _attack(self, model: Model, examples: Sequence[Example]) -> None:
        """Attack the examples after those that were attacked so far."""
        results, query_count = self._results_of(model, examples)
        self.cached += sum(result.queries + result.reducing for result in results) - query_count
        unheld = self._unheld(model, examples, results)
        self.results += [
            replace(result, inputs=e.inputs, success=False, edits=()) if p in unheld else result
            for p, (result, e) in enumerate(zip(results, examples, strict=True))
        ]
        self.unheld += [index in unheld for index in range(len(examples))]

    def _results_of(
        self, model: Model, examples: Sequence[Example]
    ) -> tuple[list[AttackResult], int]:
        """Return a result for each example, and how many queries reached the model."""
        budget = self._budget_left()
        if budget is None:
            late = [
                AttackResult(inputs=e.inputs, success=False, queries=0, skipped=USED_UP)
                for e in examples
            ]
            return late, 0
        labels, engine = self.predictor.task.labels, self.predictor.engine
        what = f"{self.predictor.suite}/{self.shift.name}"
        # The engine would report progress for the batch of every round.
        quiet, query_count, complete = replace(engine, progress=Silent()), 0, True

        def query(inputs: Sequence[Inputs]) -> list[Prediction]:
            """Query the model under attack, and count the queries that the store did not answer."""
            nonlocal query_count, complete
            result = quiet.predict_counted(
                model, inputs, labels, what, remember=False, isolate=True
            )
            query_count += result.query_count
            # A search cannot continue without the answers of an unreachable server; it can without
            # a single candidate for which the model raises.
            check_complete(model.name, result.predictions, what, allow_raised=True)
            complete = complete and all(answer.error is None for answer in result.predictions)
            return result.predictions

        store = self._store(model)
        # With a cap on all queries, stored results would free queries that other examples then get,
        # so that a result would depend on the contents of the store.
        finished = store.get(examples) if store is not None and budget.total is None else {}
        scope = out_of_scope_of(self.predictor.task)
        for index, example in enumerate(examples):
            # To abstain is right there, and an attack takes every other answer for a success.
            if scope and example.label == scope:
                finished[index] = AttackResult(
                    inputs=example.inputs, success=False, queries=0, skipped=SCOPELESS
                )
        indices = [index for index in range(len(examples)) if index not in finished]
        rest = [examples[index] for index in indices]
        title = f"attacking {what} on {model.name}"
        try:
            with engine.progress.track(title, len(rest), "examples", quick=True) as tracker:
                attack = self.attack.run(query, rest, seed=self.seed, budget=budget)
                for done, (number, result) in enumerate(attack, start=1):
                    finished[indices[number]] = result
                    # Without all answers a result is not final: the next run repeats it.
                    if store is not None and result.skipped != USED_UP and complete:
                        store.put(rest[number], result)
                    tracker.update(done)
        finally:
            # Finished results are written even if an error or Ctrl-C ends the attack.
            if store is not None:
                store.flush()
        return [finished[index] for index in range(len(examples))], query_count

    def _budget_left(self) -> QueryBudget | None:
        """Return the budget without what earlier examples used; None where it is used up."""
        budget = self.shift.budget
        if budget.total is None:
            return budget
        spent = sum(result.queries + result.reducing + result.success for result in self.results)
        left = budget.total - spent - sum(self.unheld)
        return replace(budget, total=left) if left >= budget.each else None

    def _store(self, model: Model) -> AttackStore | None:
        """Return the store of results; None where results must not be stored.

        A model without a fingerprint, or an attack in the user's own code, can change without a
        change of the key: stored results would be stale.
        """
        attack = self.attack
        if model.fingerprint is None or not isinstance(attack, Recipe) or not attack.is_shipped:
            return None
        key = self.predictor.engine.cache_key(model, self.predictor.task.labels)
        return AttackStore(
            store=self.predictor.engine.store,
            attack=attack,
            model=key,
            seed=self.seed,
            each=self.shift.budget.each,
        )

    def _unheld(
        self, model: Model, examples: Sequence[Example], results: Sequence[AttackResult]
    ) -> set[int]:
        """Return the indices of successes that do not hold when the model answers once more.

        Under enough queries, a model with random answers gives a wrong one by chance.
        """
        fooled = [index for index, result in enumerate(results) if result.success]
        labels, inputs = self.predictor.task.labels, [results[index].inputs for index in fooled]
        what = f"{self.predictor.suite}/{self.shift.name}"
        again = self.predictor.engine.predict_counted(
            model, inputs, labels, what, SECOND_DRAW, isolate=True
        )
        check_complete(model.name, again.predictions, what, allow_raised=True)
        self.cached += len(fooled) - again.query_count
        return {
            index
            for index, answer in zip(fooled, again.predictions, strict=True)
            if not self._holds(examples[index], results[index], answer)
        }

    def _holds(self, example: Example, result: AttackResult, again: Prediction) -> bool:
        """Return whether the second answer reaches the goal of the attack, too."""
        if again.error is not None:
            return False
        attack = self.attack
        if isinstance(attack, Recipe):
            text = fields_of(example.inputs)[attacked_field(example)]
            graded: Prediction | None = again
            if attack.grader is not None:
                graded = attack.grader.graded(example, result.inputs, result.edits, again)
            case = Perturbed(text, result.edits)
            return graded is not None and attack.goal.reached(graded, example.label, case)
        return again.label != example.label


def askable_model(model: SingleModel) -> Model:
    """Return the model, refusing one whose answers were recorded.

    Raises:
        NotApplicableError: its answers were recorded.
    """
    if is_recorded(model):
        raise NotApplicableError(
            f"model {model.name!r} is replayed from {model.source}: its answers to attacks "
            "were not recorded, and it cannot be asked"
        )
    return model


def _grader_of(attack: Attack) -> ScoreGrader | None:
    """Return what tells right answers from wrong ones in a task without labels."""
    return attack.grader if isinstance(attack, Recipe) else None


KIND = ADVERSARIAL
KEYS = ATTACK_KEYS


def takes(declared: Declaration) -> bool:
    """Return whether a table is of an attack on the inputs of the model under test."""
    return declared.table.get("on") != PROMPT and "against" not in declared.table


def parse(declared: Declaration) -> tuple[AdversarialShift, ...]:
    """Read the table of an attack.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    return (AdversarialShift(declared.name, *parse_attack(declared)),)
