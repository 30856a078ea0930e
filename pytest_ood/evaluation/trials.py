"""Asking a model about a suite's examples, as many as are needed, none of them twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pytest_ood.edits import Perturbed, apply_edits
from pytest_ood.engine import check_answered, check_answers
from pytest_ood.errors import DataError, NotApplicableError, OodError, TooLongError
from pytest_ood.evaluation.attack_store import AttackStore
from pytest_ood.evaluation.records import PromptAttack
from pytest_ood.examples import Dataset, Example, fields_of
from pytest_ood.metrics import Outcome
from pytest_ood.models.protocol import Model, Promptable, RecordedModel
from pytest_ood.perturbations.adversarial import AttackResult, Recipe
from pytest_ood.perturbations.adversarial.protocol import NO_SCORES, USED_UP, WRONG, attacked_field
from pytest_ood.perturbations.protection import Protection
from pytest_ood.progress import Silent
from pytest_ood.prompting import FIELD_PATTERN
from pytest_ood.suite import IN_DISTRIBUTION
from pytest_ood.tasks import Prediction, majority_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.engine import Engine
    from pytest_ood.examples import Inputs
    from pytest_ood.perturbations.adversarial import QueryBudget
    from pytest_ood.prompting import Prompt
    from pytest_ood.shifts import (
        AdversarialShift,
        NoiseShift,
        PromptShift,
        Shifted,
        TransferShift,
    )
    from pytest_ood.suite import Suite

AGAIN = 1
"""The draw of an answer that is asked for a second time."""

Asked = Model | RecordedModel


@dataclass(frozen=True)
class Asker:
    """One model, asked in the name of a suite.

    Attributes:
        suite: Says which labels there are and how answers are scored.
        engine: Asks through the prediction store.
        model: Who is asked.
    """

    suite: Suite
    engine: Engine
    model: Asked

    def answers(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> list[Prediction]:
        """Return the answers to the examples' inputs under a shift.

        Raises:
            ModelError: the model gave something else, or an answer was not recorded.
        """
        labels = self.suite.task.labels
        if isinstance(self.model, RecordedModel):
            answers = self.model.recall(shift, [example.id for example in examples])
            check_answers(self.model.name, answers, len(examples), labels)
            return answers
        what = f"{self.suite.name}/{shift}"
        return self.engine.predict(self.model, inputs, labels, what, draw)

    def outcomes(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs]
    ) -> list[Outcome]:
        """Return the scored answers.

        Raises:
            ModelError: as `answers`.
        """
        answers = self.answers(shift, examples, inputs)
        return [
            Outcome(e.id, e.label, answer, self.suite.task.score(answer, e))
            for e, answer in zip(examples, answers, strict=True)
        ]


@dataclass(frozen=True)
class Trial:
    """What a model answered before and under a shift, on the first `drawn` examples.

    Attributes:
        paired: The same examples before and after, in the same order.
        drawn: Examples of the in-distribution draw it goes up to.
        before: In distribution.
        after: Under the shift.
        originals: The inputs of `after` before they were changed; None for a domain shift.
        shifted: The inputs of `after`.
        unchanged: Examples in which nothing was changed.
        rejected: Examples whose change the validity filter did not accept.
        attacks: What became of each example under an attack; None for another shift.
        unheld: Of an attack: successes that did not hold on a second query.
        cached: Of an attack: queries that were answered without asking the model.
        prompt: Of an attack on the prompt: what was changed.
        unanswered: Why, for each input that got no answer: those examples are left out.
    """

    paired: bool
    drawn: int
    before: tuple[Outcome, ...]
    after: tuple[Outcome, ...]
    originals: tuple[Inputs, ...] | None
    shifted: tuple[Inputs, ...]
    unchanged: int = 0
    rejected: int = 0
    attacks: tuple[AttackResult, ...] | None = None
    unheld: int = 0
    cached: int = 0
    prompt: PromptAttack | None = None
    unanswered: tuple[str, ...] = ()


class Growing(Protocol):
    """A trial that goes as far as it is asked to."""

    def upto(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, asking what was not asked yet."""
        ...


@dataclass
class InDistribution:
    """The in-distribution answers that all shifts share."""

    asker: Asker
    examples: Sequence[Example]
    outcomes: list[Outcome] = field(default_factory=list)

    def upto(self, size: int) -> list[Outcome]:
        """Return the first `size` outcomes."""
        new = self.examples[len(self.outcomes) : size]
        if new:
            self.outcomes += self.asker.outcomes(IN_DISTRIBUTION, new, [e.inputs for e in new])
        return self.outcomes[:size]


@dataclass
class DomainTrial:
    """Other examples than in distribution."""

    asker: Asker
    shift: str
    source: InDistribution
    targets: Sequence[Example]
    outcomes: list[Outcome] = field(default_factory=list)

    def upto(self, size: int) -> Trial:
        """Return the first `size` of both sets; past the smaller's end, all of both."""
        smaller = min(len(self.source.examples), len(self.targets))
        whole = size >= smaller
        known = len(self.targets) if whole else size
        new = self.targets[len(self.outcomes) : known]
        if new:
            self.outcomes += self.asker.outcomes(self.shift, new, [e.inputs for e in new])
        before = self.source.upto(len(self.source.examples) if whole else size)
        return Trial(
            paired=False,
            drawn=len(before),
            before=tuple(before),
            after=tuple(self.outcomes[:known]),
            originals=None,
            shifted=tuple(e.inputs for e in self.targets[:known]),
        )


@dataclass
class NoiseTrial:
    """The same examples, perturbed, or as an attack on another model left them.

    Those in which nothing was changed are left out.
    """

    asker: Asker
    shift: NoiseShift | TransferShift
    source: InDistribution
    shifted: Shifted
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial."""
        examples = self.source.examples
        texts = self.shifted.inputs
        places = [p for p, e in enumerate(examples[:size]) if texts[p] != e.inputs]
        new = [place for place in places if place not in self.outcomes]
        if new:
            answered = self.asker.outcomes(
                self.shift.name,
                [self.shift.relabelled(examples[p]) for p in new],
                [texts[p] for p in new],
            )
            self.outcomes.update(zip(new, answered, strict=True))
        before = self.source.upto(size)
        rejected = sum(place < size for place in self.shifted.rejected)
        return Trial(
            paired=True,
            drawn=min(size, len(examples)),
            before=tuple(before[p] for p in places),
            after=tuple(self.outcomes[p] for p in places),
            originals=tuple(examples[p].inputs for p in places),
            shifted=tuple(texts[p] for p in places),
            unchanged=min(size, len(examples)) - len(places) - rejected,
            rejected=rejected,
        )


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: InDistribution

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial; each perturbation is asked about them."""
        for noise in self.noises:
            noise.upto(size)
        examples, before = self.source.examples, self.source.upto(size)
        after, texts = [], []
        for place, outcome in enumerate(before):
            asked = [(outcome, examples[place].inputs)]
            asked += [
                (noise.outcomes[place], noise.shifted.inputs[place])
                for noise in self.noises
                if place in noise.outcomes
            ]
            answered = [pair for pair in asked if is_answered(pair[0])]
            missing = [pair for pair in asked if not is_answered(pair[0])]
            worst, text = min(answered or missing, key=lambda pair: pair[0].score)
            if missing and worst.score > 0.0:
                # Where one answer is missing, nobody knows the worst, unless it is that already.
                worst, text = missing[0]
            after.append(worst)
            texts.append(text)
        return Trial(
            paired=True,
            drawn=len(before),
            before=tuple(before),
            after=tuple(after),
            originals=tuple(e.inputs for e in examples[: len(before)]),
            shifted=tuple(texts),
        )


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
        return Trial(
            paired=True,
            drawn=len(examples),
            before=tuple(before[p] for p in kept),
            after=tuple(_after(before[p], results[p]) for p in kept),
            originals=tuple(examples[p].inputs for p in kept),
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
        quiet, asked = replace(engine, progress=Silent()), 0

        def query(inputs: Sequence[Inputs]) -> list[Prediction]:
            nonlocal asked
            answered = quiet.answer(model, inputs, labels, what, remember=False)
            asked += answered.asked
            # A search cannot go on from an answer that is not there.
            check_answered(model.name, answered.answers, what)
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
                    if store is not None and result.skipped != USED_UP:
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
        again = self.asker.engine.answer(model, inputs, suite.task.labels, what, AGAIN)
        check_answered(model.name, again.answers, what)
        self.cached += len(turned) - again.asked
        return {
            place
            for place, answer in zip(turned, again.answers, strict=True)
            if not self._holds(examples[place], results[place], answer)
        }

    def _holds(self, example: Example, result: AttackResult, again: Prediction) -> bool:
        """Tell whether a second answer is what the attacker wanted, too."""
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


def _after(before: Outcome, result: AttackResult) -> Outcome:
    """Return the outcome under an attack: of a success 0, whatever the attacker was after."""
    if not result.success or result.answer is None:
        return before
    return Outcome(before.id, before.label, result.answer, 0.0)


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
        inputs = tuple(example.inputs for example in examples)
        changed = bool(result.nearest)
        after = asker.outcomes(self.shift.name, examples, inputs) if changed else before
        return Trial(
            paired=True,
            drawn=len(examples),
            before=tuple(before),
            after=tuple(after),
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
        examples = self.source.examples[-self.shift.search_examples :]
        majority = majority_share(Dataset("search", tuple(examples)))
        prompt = model.prompt
        what = f"{self.asker.suite.name}/{self.shift.name}"

        def asker(text: str) -> Asker:
            return replace(self.asker, model=model.with_prompt(prompt.with_text(text)))

        def answered(text: str) -> Prediction:
            try:
                outcomes = asker(text).outcomes(what, examples, [e.inputs for e in examples])
            except TooLongError as error:
                # It is the prompt that is too long for some of them.
                raise TooLongError(str(error), [text]) from None
            check_answered(model.name, [o.prediction for o in outcomes], what)
            return _verdict_on(outcomes, majority)

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


WORKS, BROKEN = "works", "broken"


def _verdict_on(outcomes: Sequence[Outcome], majority: float) -> Prediction:
    """Say of a prompt whether it works: whether answers are better than the majority class's.

    Its score is the mean probability of the right labels, or the mean score where there is none.
    """
    score = sum(o.score for o in outcomes) / len(outcomes)
    scored = [o.prediction.scores.get(o.label, o.score) for o in outcomes]
    good = sum(scored) / len(scored)
    label = WORKS if score > majority else BROKEN
    return Prediction(label, {WORKS: good, BROKEN: 1.0 - good})


def is_answered(outcome: Outcome) -> bool:
    """Tell whether there is an answer at all, an abstention included."""
    return outcome.prediction.error is None


def aligned(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials on the examples that all of them have, and have answers to.

    Under an attack, what has to be left out of one model's may be in another's. What was not
    answered is neither right nor wrong: the example is left out, of all of them.
    """
    before = _kept([trial.before for trial in trials])
    after = _kept([trial.after for trial in trials])
    if before is None and after is None:
        return list(trials)
    return [_only(trial, before, after) for trial in trials]


def _kept(columns: Sequence[Sequence[Outcome]]) -> set[str] | None:
    """Return the ids of examples that all columns have answers to; None where it is all of them."""
    answered = all(is_answered(outcome) for column in columns for outcome in column)
    if answered and len({tuple(o.id for o in column) for column in columns}) == 1:
        return None
    return set.intersection(*({o.id for o in column if is_answered(o)} for column in columns))


def _only(trial: Trial, before: set[str] | None, after: set[str] | None) -> Trial:
    """Return a trial on the examples of these ids; of a paired one, those of both."""
    sides = (trial.before, trial.after)
    kept = (before, after)
    if trial.paired:
        both = [ids for ids in kept if ids is not None]
        kept = (set.intersection(*both),) * 2
    first, last = (
        [place for place, o in enumerate(side) if ids is None or o.id in ids]
        for side, ids in zip(sides, kept, strict=True)
    )
    originals, errors = trial.originals, [o.prediction.error for side in sides for o in side]
    return replace(
        trial,
        before=tuple(trial.before[p] for p in first),
        after=tuple(trial.after[p] for p in last),
        originals=None if originals is None else tuple(originals[p] for p in last),
        shifted=tuple(trial.shifted[p] for p in last),
        unanswered=(*trial.unanswered, *(error for error in errors if error is not None)),
    )


def mean_outcomes(
    trials: Sequence[Trial], side: Callable[[Trial], Sequence[Outcome]]
) -> tuple[tuple[str, float], ...]:
    """Return (example id, mean score over the trials of a model's seeds)."""
    columns = zip(*(side(trial) for trial in trials), strict=True)
    return tuple((c[0].id, sum(o.score for o in c) / len(c)) for c in columns)
