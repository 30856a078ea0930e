"""Attacks on a model's inputs, and on its prompt, as far as a check needs them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.edits import Perturbed, apply_edits
from pytest_ood.engine import check_answered
from pytest_ood.errors import DataError, NotApplicableError, OodError, TooLongError
from pytest_ood.evaluation.asking import AGAIN
from pytest_ood.evaluation.attack_store import AttackStore
from pytest_ood.evaluation.records import PromptAttack
from pytest_ood.evaluation.trial import Trial
from pytest_ood.examples import Dataset, Example, fields_of, inputs_of
from pytest_ood.metrics import Graded, Outcomes
from pytest_ood.models.protocol import Model, Promptable, RecordedModel
from pytest_ood.perturbations.adversarial import AttackResult, Recipe
from pytest_ood.perturbations.adversarial.protocol import NO_SCORES, USED_UP, WRONG, attacked_field
from pytest_ood.perturbations.protection import Protection
from pytest_ood.progress import Silent
from pytest_ood.prompting import FIELD_PATTERN
from pytest_ood.rows import Picked
from pytest_ood.tasks import Prediction, majority_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.evaluation.answer_sets import InDistribution
    from pytest_ood.evaluation.asking import Asked, Asker
    from pytest_ood.examples import Inputs
    from pytest_ood.metrics import Outcome
    from pytest_ood.perturbations.adversarial import QueryBudget
    from pytest_ood.prompting import Prompt
    from pytest_ood.shifts import AdversarialShift, PromptShift, TransferShift

WORKS, BROKEN = "works", "broken"
"""The labels of a prompt that is attacked: whether it answers better than the majority class."""


@dataclass
class AttackTrial:
    """The same examples, attacked; all are kept: to withstand an attack is what robustness is.

    Those that could not be attacked at all are left out; what the model has wrong from the start
    stays wrong. A success costs the example its score.
    """

    asker: Asker
    shift: AdversarialShift | TransferShift
    source: InDistribution
    seed: int
    results: list[AttackResult] = field(default_factory=list)
    unheld: list[bool] = field(default_factory=list)
    cached: int = 0

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial.

        Raises:
            NotApplicableError: the model's answers were recorded, so that it cannot be asked
                anything new; or it gives no scores, and the attack needs them.
            DataError: none of the examples could be attacked.
        """
        new = self.source.examples[len(self.results) : size]
        if new:
            self._attack(_asked_anew(self.asker.model), new)
        examples, results = self.source.examples[:size], self.results[:size]
        before = self.source.upto(size)
        kept = [place for place, result in enumerate(results) if not result.left_out]
        if not kept:
            raise self._nothing_attacked()
        places = np.array(kept)
        first = before.only(places)
        after = (
            _after(outcome, results[place]) for outcome, place in zip(first, kept, strict=True)
        )
        return Trial(
            paired=True,
            drawn=len(examples),
            before=first,
            after=Outcomes(self.source.examples, places, Graded.of(after)),
            originals=inputs_of(Picked(examples, places)),
            shifted=tuple(results[p].inputs for p in kept),
            unchanged=sum(not results[p].success for p in kept),
            attacks=tuple(results),
            unheld=sum(self.unheld[:size]),
            cached=self.cached,
        )

    def _nothing_attacked(self) -> OodError:
        """Say why none of the examples could be attacked."""
        reasons = Counter(result.skipped for result in self.results)
        who = f"{self.asker.suite.name}/{self.shift.kind}/{self.shift.name}"
        if set(reasons) == {NO_SCORES}:
            return NotApplicableError(
                f"{who}: {NO_SCORES}; {self.asker.model.name!r} can be attacked by recipes that "
                "rank words, such as deepwordbug, and by greedy ones, such as pruthi"
            )
        listed = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        return DataError(f"invalid: {who} attacked no example (skipped: {listed})")

    def _attack(self, model: Model, examples: Sequence[Example]) -> None:
        """Attack the examples that follow on those attacked so far."""
        results, asked = self._results_of(model, examples)
        self.cached += sum(result.queries + result.reducing for result in results) - asked
        unheld = self._unheld(model, examples, results)
        self.results += [
            replace(result, inputs=e.inputs, success=False, edits=()) if p in unheld else result
            for p, (result, e) in enumerate(zip(results, examples, strict=True))
        ]
        self.unheld += [place in unheld for place in range(len(examples))]

    def _results_of(
        self, model: Model, examples: Sequence[Example]
    ) -> tuple[list[AttackResult], int]:
        """Return a result for each example, and how many inputs the model was asked about."""
        budget = self._budget_left()
        if budget is None:
            late = [
                AttackResult(e.inputs, success=False, queries=0, skipped=USED_UP) for e in examples
            ]
            return late, 0
        labels, engine = self.asker.suite.task.labels, self.asker.engine
        what = f"{self.asker.suite.name}/{self.shift.name}"
        # The engine's own lines would tell of every round's batch.
        quiet, asked, complete = replace(engine, progress=Silent()), 0, True

        def query(inputs: Sequence[Inputs]) -> list[Prediction]:
            nonlocal asked, complete
            answered = quiet.answer(model, inputs, labels, what, remember=False, isolate=True)
            asked += answered.asked
            # A search cannot go on without the answers of a server that is gone; it can without a
            # candidate for which the model raises.
            check_answered(model.name, answered.answers, what, raised=True)
            complete = complete and all(answer.error is None for answer in answered.answers)
            return answered.answers

        store = self._store(model)
        # Under a cap on all queries, which examples are begun depends on what those before took.
        found = store.get(examples) if store is not None and budget.total is None else {}
        places = [place for place in range(len(examples)) if place not in found]
        rest = [examples[place] for place in places]
        title = f"attacking {what} on {model.name}"
        try:
            with engine.progress.track(title, len(rest), "examples", quick=True) as tracker:
                attack = self.shift.attack.run(query, rest, seed=self.seed, budget=budget)
                for done, (number, result) in enumerate(attack, start=1):
                    found[places[number]] = result
                    # What got no answer is asked again in the next run.
                    if store is not None and result.skipped != USED_UP and complete:
                        store.put(rest[number], result)
                    tracker.update(done)
        finally:
            # What has ended is kept, whatever ends the rest.
            if store is not None:
                store.flush()
        return [found[place] for place in range(len(examples))], asked

    def _budget_left(self) -> QueryBudget | None:
        """Return the budget less what the examples before took; None for nothing left."""
        budget = self.shift.budget
        if budget.total is None:
            return budget
        spent = sum(result.queries + result.reducing + result.success for result in self.results)
        left = budget.total - spent - sum(self.unheld)
        return replace(budget, total=left) if left >= budget.each else None

    def _store(self, model: Model) -> AttackStore | None:
        """Return where results are kept, if anywhere.

        Nobody can tell what depends on a model without a fingerprint, or on code of the user's own:
        an edit there changes results, but no key.
        """
        attack = self.shift.attack
        if model.fingerprint is None or not isinstance(attack, Recipe) or not attack.is_shipped:
            return None
        key = self.asker.engine.key(model, self.asker.suite.task.labels)
        return AttackStore(self.asker.engine.store, attack, key, self.seed, self.shift.budget.each)

    def _unheld(
        self, model: Model, examples: Sequence[Example], results: Sequence[AttackResult]
    ) -> set[int]:
        """Return the places of successes that are none when the model is asked once more.

        A model that answers at random turns sooner or later.
        """
        turned = [place for place, result in enumerate(results) if result.success]
        suite, inputs = self.asker.suite, [results[place].inputs for place in turned]
        what = f"{suite.name}/{self.shift.name}"
        again = self.asker.engine.answer(
            model, inputs, suite.task.labels, what, AGAIN, isolate=True
        )
        check_answered(model.name, again.answers, what, raised=True)
        self.cached += len(turned) - again.asked
        return {
            place
            for place, answer in zip(turned, again.answers, strict=True)
            if not self._holds(examples[place], results[place], answer)
        }

    def _holds(self, example: Example, result: AttackResult, again: Prediction) -> bool:
        """Return whether a second answer is what the attacker wanted, too."""
        if again.error is not None:
            return False
        attack = self.shift.attack
        if isinstance(attack, Recipe):
            text = fields_of(example.inputs)[attacked_field(example)]
            return attack.goal.reached(again, example.label, Perturbed(text, result.edits))
        return again.label != example.label


def _asked_anew(model: Asked) -> Model:
    if isinstance(model, RecordedModel):
        raise NotApplicableError(
            f"model {model.name!r} is replayed from {model.source}: its answers to attacks "
            "were not recorded, and it cannot be asked"
        )
    return model


def _after(before: Outcome, result: AttackResult) -> tuple[str, Prediction, float]:
    """Return truth, answer and score under an attack: of a success 0, whatever it was after."""
    if not result.success or result.answer is None:
        return before.label, before.prediction, before.score
    return before.label, result.answer, 0.0


@dataclass
class PromptTrial:
    """The same examples under a prompt that was changed to make them go wrong.

    The last examples of the draw are those on which the changed prompt is looked for; what it costs
    is measured on the others.
    """

    asker: Asker
    shift: PromptShift
    source: InDistribution
    seed: int
    attacked: tuple[Prompt, AttackResult, Asker] | None = None

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial.

        Raises:
            NotApplicableError: the model has no prompt.
            DataError: the prompt cannot be attacked.
        """
        if self.attacked is None:
            self.attacked = self._attack()
        prompt, result, asker = self.attacked
        examples = self.source.examples[:size]
        before = self.source.upto(size)
        inputs, after = inputs_of(examples), before
        if result.nearest:
            graded = asker.graded(self.shift.name, examples, inputs)
            after = Outcomes(self.source.examples, before.places, graded)
        return Trial(
            paired=True,
            drawn=len(examples),
            before=before,
            after=after,
            originals=inputs,
            shifted=inputs,
            prompt=PromptAttack(
                prompt.text, apply_edits(prompt.text, result.nearest),
                result.queries + result.reducing, self.shift.search_examples,
            ),
        )  # fmt: skip

    def _attack(self) -> tuple[Prompt, AttackResult, Asker]:
        model = _asked_anew(self.asker.model)
        if not isinstance(model, Promptable):
            raise NotApplicableError(
                f"model {model.name!r} has no prompt to attack; it is {model.paradigm}"
            )
        examples = tuple(self.source.examples[-self.shift.search_examples :])
        majority = majority_share(Dataset("search", examples))
        prompt = model.prompt
        what = f"{self.asker.suite.name}/{self.shift.name}"

        def asker(text: str) -> Asker:
            return replace(self.asker, model=model.with_prompt(prompt.with_text(text)))

        def answered(text: str) -> Prediction:
            try:
                trying = replace(asker(text), count_long=False)
                answers = trying.answers(what, examples, [e.inputs for e in examples])
            except TooLongError as error:
                # It is the prompt that is too long for some of them.
                raise TooLongError(str(error), [text]) from None
            check_answered(model.name, answers, what)
            return self._verdict_on(examples, answers, majority)

        def query(inputs: Sequence[Inputs]) -> list[Prediction]:
            return [answered(str(text)) for text in inputs]

        # What the task cannot do without stays: the fields, and the words that are answers.
        words = tuple(prompt.label_words.values())
        attack = self.shift.attack.keeping(Protection(patterns=(FIELD_PATTERN,), words=words))
        pseudo = [Example("prompt", prompt.text, WORKS)]
        ((_, result),) = attack.run(query, pseudo, seed=self.seed, budget=self.shift.budget)
        if result.skipped:
            why = result.skipped
            if why == WRONG:
                why = (
                    f"on the {len(examples)} search examples it is no better than the most "
                    "frequent label from the start"
                )
            raise DataError(
                f"invalid: {what}: the prompt of {model.name!r} was not attacked: {why}"
            )
        return prompt, result, asker(apply_edits(prompt.text, result.nearest))

    def _verdict_on(
        self, examples: Sequence[Example], answers: Sequence[Prediction], majority: float
    ) -> Prediction:
        """Say of a prompt whether it works: whether answers are better than the majority class's.

        Its score is the mean probability of the right labels; without any, the mean score.
        """
        pairs = list(zip(examples, answers, strict=True))
        scores = [self.asker.suite.task.score(answer, example) for example, answer in pairs]
        scored = [
            answer.scores.get(example.label, score)
            for (example, answer), score in zip(pairs, scores, strict=True)
        ]
        good = sum(scored) / len(scored)
        label = WORKS if sum(scores) / len(scores) > majority else BROKEN
        return Prediction(label, {WORKS: good, BROKEN: 1.0 - good})
