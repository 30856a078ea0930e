"""Asking a model about a suite's examples, as many as are needed, none of them twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pytest_ood.cases import AllRight, Finding, members_of
from pytest_ood.columns import Column, combined
from pytest_ood.edits import Perturbed, apply_edits
from pytest_ood.engine import check_answered, check_answers
from pytest_ood.errors import DataError, NotApplicableError, OodError, TooLongError
from pytest_ood.evaluation.attack_store import AttackStore
from pytest_ood.evaluation.figures import mean_scores_of
from pytest_ood.evaluation.records import PromptAttack
from pytest_ood.examples import Dataset, Example, fields_of, inputs_of
from pytest_ood.metrics import SAID_KEPT, Graded, Outcomes
from pytest_ood.models.protocol import Model, Promptable, RecordedModel
from pytest_ood.perturbations.adversarial import AttackResult, Recipe
from pytest_ood.perturbations.adversarial.protocol import NO_SCORES, USED_UP, WRONG, attacked_field
from pytest_ood.perturbations.protection import Protection
from pytest_ood.progress import Silent
from pytest_ood.prompting import FIELD_PATTERN
from pytest_ood.rows import Chosen, Mapped, Paired, Picked, blocks, read
from pytest_ood.suite import IN_DISTRIBUTION
from pytest_ood.tasks import Prediction, majority_share, merged_answer, merged_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_ood.cases import Case
    from pytest_ood.engine import Engine
    from pytest_ood.examples import Inputs
    from pytest_ood.metrics import Outcome
    from pytest_ood.perturbations.adversarial import QueryBudget
    from pytest_ood.prompting import Prompt
    from pytest_ood.rows import Places
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
        merge: The coarser label for each label that is merged before answers are scored.
        count_long: Whether inputs that do not fit into the model's window are among those that got
            no answer, with the reason; an error otherwise.
    """

    suite: Suite
    engine: Engine
    model: Asked
    merge: Mapping[str, str] = field(default_factory=dict)
    count_long: bool = True

    def answers(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> list[Prediction]:
        """Return the answers to the examples' inputs under a shift.

        Raises:
            ModelError: the model gave something else, or an answer was not recorded.
        """
        return [
            answer
            for answers in self._in_blocks(shift, examples, inputs, draw)
            for answer in answers
        ]

    def graded(self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs]) -> Graded:
        """Return the scored answers, of however many examples there are.

        Raises:
            ModelError: as `answers`.
        """
        found, start = Graded(), 0
        task = merged_task(self.suite.task, self.merge)
        for answers in self._in_blocks(shift, examples, inputs):
            block = read(examples, np.arange(start, start + len(answers)))
            merged = (merged_answer(answer, self.merge) for answer in answers)
            rows = zip(block, merged, strict=True)
            found += Graded.of(
                (task.truth(answer, e), answer, task.score(answer, e)) for e, answer in rows
            )
            start += len(answers)
        return found

    def _in_blocks(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> Iterator[list[Prediction]]:
        """Yield the answers to one block of examples after another, as they are compared."""
        task, start = self.suite.task, 0
        for answers in self._as_given(shift, examples, inputs, draw):
            if task.labels:
                yield answers
                continue
            block = read(examples, np.arange(start, start + len(answers)))
            start += len(answers)
            pairs = zip(answers, block, strict=True)
            yield [task.resolve(self._read(answer), example) for answer, example in pairs]

    def _read(self, given: Prediction) -> Prediction:
        """Return an answer in words or numbers as the task reads it, whoever it comes from.

        An empty one is the answer that there is none, not an abstention: who says nothing at all
        has no label.
        """
        if not given.label:
            return given
        label = self.suite.task.read(given.label, {})
        if label == given.label:
            return given
        known = given.scores.get(given.label)
        scores = {} if label is None or known is None else {label: known}
        return replace(given, label=label, scores=scores, text=given.text or given.label)

    def _as_given(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int
    ) -> Iterator[list[Prediction]]:
        labels = self.suite.task.labels
        if isinstance(self.model, RecordedModel):
            for block in blocks(examples):
                answers = self.model.recall(shift, [example.id for example in block])
                check_answers(self.model.name, answers, len(block), labels)
                yield answers
            return
        asked = self.engine.in_blocks(
            self.model, inputs, labels, f"{self.suite.name}/{shift}", draw,
            count_long=self.count_long, isolate=True, ids=lambda index: examples[index].id,
        )  # fmt: skip
        for answered in asked:
            yield answered.answers


@dataclass(frozen=True)
class Decided:
    """The input that decides whether a case is right, and what it is compared with.

    Attributes:
        id: Of the case.
        expected: What was expected, in words.
        inputs: What the model was asked.
        answer: What it said.
        before: The input that it is compared with, or None.
        answer_before: What the model said to that.
        right: Of the case's inputs, how many were answered right.
        asked: How many inputs it has.
        silent: How many of them got an abstention.
        said: Where `answer` is an abstention: what the model wrote, if that is known.
        said_before: Where `answer_before` is one: likewise.
    """

    id: str
    expected: str
    inputs: Inputs
    answer: str | None
    before: Inputs | None
    answer_before: str | None
    right: int
    asked: int
    silent: int
    said: str | None = None
    said_before: str | None = None


@dataclass(frozen=True)
class Trial:
    """What a model answered before and under a shift, on the first `drawn` examples.

    Attributes:
        paired: The same examples before and after, in the same order.
        drawn: Examples of the in-distribution draw it goes up to.
        before: In distribution.
        after: Under the shift.
        originals: The inputs of `after` before they were changed; None for other examples.
        shifted: The inputs of `after`.
        unchanged: Examples in which nothing was changed.
        rejected: Examples whose change the validity filter did not accept.
        attacks: What became of each example under an attack; None for another shift.
        unheld: Of an attack: successes that did not hold on a second query.
        cached: Of an attack: queries that were answered without asking the model.
        prompt: Of an attack on the prompt: what was changed.
        unanswered: Why, for each input that got no answer: those examples are left out.
        decided: Where several inputs are counted as one, what decided each of `after`; None
            elsewhere.
        left_out: Why cases do not apply to the model, and how many.
    """

    paired: bool
    drawn: int
    before: Outcomes
    after: Outcomes
    originals: Sequence[Inputs] | None
    shifted: Sequence[Inputs]
    unchanged: int = 0
    rejected: int = 0
    attacks: tuple[AttackResult, ...] | None = None
    unheld: int = 0
    cached: int = 0
    prompt: PromptAttack | None = None
    unanswered: Column[str] = field(default_factory=Column)
    decided: Sequence[Decided] | None = None
    left_out: tuple[tuple[str, int], ...] = ()


class Growing(Protocol):
    """A trial that goes as far as it is asked to."""

    def upto(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, asking what was not asked yet."""
        ...


@dataclass
class InDistribution:
    """The answers to examples as they are, in distribution or in another domain.

    Attributes:
        asker: Asks the model.
        examples: All there are.
        name: Of the set.
        graded: The answers so far.
    """

    asker: Asker
    examples: Sequence[Example]
    name: str = IN_DISTRIBUTION
    graded: Graded = field(default_factory=Graded)

    def upto(self, size: int) -> Outcomes:
        """Return the first `size` outcomes."""
        new = self.examples[len(self.graded) : size]
        if new:
            self.graded += self.asker.graded(self.name, new, inputs_of(new))
        graded = self.graded[:size]
        return Outcomes(self.examples, np.arange(len(graded)), graded)


@dataclass
class CaseAnswers:
    """The answers to cases, each of which is right or wrong as a whole.

    A case with an input that got no answer has none; one with an abstention is one, and wrong.

    Attributes:
        asker: Asks the model.
        examples: The cases.
        name: Of the set.
        graded: What became of those so far that apply to the model.
        decided: What decided each of them.
        places: Where they stand among all.
        inapplicable: Why the others do not apply, by place.
        reached: How many cases were asked about.
    """

    asker: Asker
    examples: Sequence[Case]
    name: str
    graded: Graded = field(default_factory=Graded)
    decided: list[Decided] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    inapplicable: dict[int, str] = field(default_factory=dict)
    reached: int = 0

    def upto(self, size: int) -> Outcomes:
        """Return the outcomes of the first `size` cases, or else of the first that applies.

        Raises:
            NotApplicableError: none of all cases applies to the model.
        """
        self._reach(size)
        while not self.places and self.reached < len(self.examples):
            self._reach(self.reached + size)
        if not self.places:
            why = "; ".join(dict.fromkeys(self.inapplicable.values()))
            raise NotApplicableError(
                f"{self.asker.suite.name}/domain/{self.name} does not apply to "
                f"{self.asker.model.name!r}: {why}"
            )
        count = max(1, int(np.searchsorted(self.places, size)))
        places = np.array(self.places[:count], np.int64)
        return Outcomes(self.examples, places, self.graded[:count])

    def _reach(self, size: int) -> None:
        """Ask about the cases that were not asked about yet."""
        new = self.examples[self.reached : size]
        if new:
            self._ask(new)
            self.reached += len(new)

    def left_out(self, size: int) -> tuple[tuple[str, int], ...]:
        """Return why some of the first `size` cases do not apply to the model, and how many."""
        reasons = Counter(why for place, why in self.inapplicable.items() if place < size)
        return tuple(sorted(reasons.items()))

    def _ask(self, cases: Sequence[Case]) -> None:
        members = list(members_of(cases))
        answers = iter(self.asker.answers(self.name, members, inputs_of(members)))
        rows, merge = [], self.asker.merge
        task = merged_task(self.asker.suite.task, merge)
        for place, case in enumerate(cases, start=self.reached):
            given = [merged_answer(next(answers), merge) for _ in case.members]
            error = next((a.error for a in given if a.error is not None), None)
            scores = [task.score(a, m) for a, m in zip(given, case.members, strict=True)]
            found = Finding(holds=False)
            if error is None:
                found = case.expectation.find(given, scores)
            if found.holds is None:
                self.inapplicable[place] = found.why
                continue
            self.places.append(place)
            self.decided.append(_decided(case, given, found, scores))
            silent = any(answer.label is None for answer in given)
            answer = None if silent else self.decided[-1].answer
            said = next((a.text for a in given if a.label is None), None)
            row = Prediction(answer, text=said, error=error)
            rows.append((case.label, row, float(found.holds)))
        self.graded += Graded.of(rows)


def _decided(
    case: Case, given: Sequence[Prediction], found: Finding, scores: Sequence[float]
) -> Decided:
    member, against = case.members[found.place], found.against
    return Decided(
        case.id,
        member.label if isinstance(case.expectation, AllRight) else case.label,
        member.inputs,
        given[found.place].label,
        None if against is None else case.members[against].inputs,
        None if against is None else given[against].label,
        sum(score >= 1.0 for score in scores),
        len(scores),
        sum(answer.label is None for answer in given),
        _said(given[found.place]),
        None if against is None else _said(given[against]),
    )


def _said(answer: Prediction) -> str | None:
    """Return the beginning of what a model wrote instead of an answer, if that is known."""
    return None if answer.label is not None or answer.text is None else answer.text[:SAID_KEPT]


@dataclass
class DomainTrial:
    """Other examples than in distribution; paired, the same ones in another form.

    Attributes:
        source: In distribution.
        target: The others; paired, in the same order.
        paired: Whether they are the same.
    """

    source: InDistribution
    target: InDistribution | CaseAnswers
    paired: bool = False

    def upto(self, size: int) -> Trial:
        """Return the first `size` of both sets; past the smaller's end, all of both."""
        sides = (self.target, self.source)
        whole = size >= min(len(side.examples) for side in sides)
        after, before = (side.upto(len(side.examples) if whole else size) for side in sides)
        return Trial(
            paired=self.paired,
            drawn=len(before),
            before=before,
            after=after,
            originals=inputs_of(self.source.examples[: len(after)]) if self.paired else None,
            shifted=inputs_of(Picked(self.target.examples, after.places)),
            **self._of_cases(after, len(self.target.examples) if whole else size),
        )

    def _of_cases(self, after: Outcomes, size: int) -> dict[str, Any]:
        """Return what a trial has besides where several inputs are counted as one."""
        if not isinstance(self.target, CaseAnswers):
            return {}
        return {
            "decided": self.target.decided[: len(after)],
            "left_out": self.target.left_out(size),
        }


@dataclass
class NoiseTrial:
    """The same examples, perturbed, or as an attack on another model left them.

    Those in which nothing was changed are left out.
    """

    asker: Asker
    shift: NoiseShift | TransferShift
    source: InDistribution
    shifted: Shifted
    graded: Graded = field(default_factory=Graded)

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial."""
        examples = self.source.examples
        after = self.outcomes(size)
        before = self.source.upto(size)
        drawn = len(before)
        rejected = self.shifted.rejected[:size].count(True)
        return Trial(
            paired=True,
            drawn=drawn,
            before=before.only(after.places),
            after=after,
            originals=inputs_of(Picked(examples, after.places)),
            shifted=Picked(self.shifted.inputs, after.places),
            unchanged=drawn - len(after) - rejected,
            rejected=rejected,
        )

    def outcomes(self, size: int) -> Outcomes:
        """Return the outcomes of those of the first `size` examples that were changed."""
        examples = self.source.examples
        places = np.flatnonzero(self.shifted.changed[:size].where(bool))
        new = places[len(self.graded) :]
        if len(new):
            inputs = Picked(self.shifted.inputs, new)
            pairs = Paired(Picked(examples, new), inputs)
            asked = Mapped(pairs, lambda pair: self.shift.relabelled(*pair))
            self.graded += self.asker.graded(self.shift.name, asked, inputs)
        return Outcomes(examples, places, self.graded[: len(places)])


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: InDistribution

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial; each perturbation is asked about them."""
        perturbed = [noise.outcomes(size) for noise in self.noises]
        examples, before = self.source.examples, self.source.upto(size)
        sides, drawn = [before, *perturbed], len(before)
        answers = [
            side.spread(combined([side.graded.score, side.graded.error], _pair), drawn)
            for side in sides
        ]
        worst = combined(answers, _worst).array
        # Of each side the places of its outcomes, after those of the sides before it.
        rows, graded = np.empty(drawn, np.int64), Graded()
        for number, side in enumerate(sides):
            mine = worst[side.places] == number
            rows[side.places[mine]] = len(graded) + np.flatnonzero(mine)
            graded += side.graded
        originals = inputs_of(examples[:drawn])
        texts = [originals, *(noise.shifted.inputs for noise in self.noises)]
        return Trial(
            paired=True,
            drawn=drawn,
            before=before,
            after=Outcomes(examples, before.places, graded[rows]),
            originals=originals,
            shifted=Chosen(texts, worst),
        )


def _pair(score: float, error: str | None) -> tuple[float, str | None]:
    return score, error


def _worst(*sides: tuple[float, str | None] | None) -> int:
    """Return the number of the worst outcome of an example; None is where there is no outcome."""
    known = [(number, *side) for number, side in enumerate(sides) if side is not None]
    answered = [side for side in known if side[2] is None]
    missing = [side for side in known if side[2] is not None]
    number, score, _ = min(answered or missing, key=lambda side: side[1])
    # Where one answer is missing, nobody knows the worst, unless it is that already.
    return missing[0][0] if missing and score > 0.0 else number


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


WORKS, BROKEN = "works", "broken"


def perfect_trial(before: Sequence[str], after: Sequence[str], *, paired: bool) -> Trial:
    """Return the trial of a model that is always right, and sure of it.

    Args:
        before: The truths in distribution.
        after: The truths under the shift.
        paired: They are of the same examples.
    """

    def right(truths: Sequence[str]) -> Outcomes:
        rows = ((truth, Prediction(truth, {truth: 1.0}), 1.0) for truth in truths)
        return Outcomes((), np.arange(len(truths)), Graded.of(rows))

    first, last = right(before), right(after)
    return Trial(
        paired=paired, drawn=len(first), before=first, after=last, originals=None, shifted=()
    )


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


def _kept(sides: Sequence[Outcomes]) -> Places | None:
    """Return the places that all sides have answers to; None where it is all of them."""
    answered = [side.places[side.graded.answered] for side in sides]
    kept = reduce(np.intersect1d, answered)
    return None if all(len(side) == len(kept) for side in sides) else kept


def _only(trial: Trial, before: Places | None, after: Places | None) -> Trial:
    """Return a trial on the examples at these places; of a paired one, those of both."""
    if trial.paired:
        before = after = reduce(np.intersect1d, [p for p in (before, after) if p is not None])
    sides = ((trial.before, before), (trial.after, after))
    first, last = (
        np.arange(len(side)) if kept is None else np.flatnonzero(np.isin(side.places, kept))
        for side, kept in sides
    )
    originals, errors = trial.originals, trial.before.graded.error + trial.after.graded.error
    return replace(
        trial,
        before=trial.before.only(first),
        after=trial.after.only(last),
        originals=None if originals is None else Picked(originals, last),
        shifted=Picked(trial.shifted, last),
        decided=None if trial.decided is None else Picked(trial.decided, last),
        unanswered=trial.unanswered + known(errors),
    )


def known(errors: Column[str | None]) -> Column[str]:
    """Return the errors among what may be some."""
    return combined([errors[errors.where(lambda error: error is not None)]], str)


def spread_scores(
    trials: Sequence[Trial], side: Callable[[Trial], Outcomes]
) -> Column[float | None]:
    """Return each example's mean score over the trials of a model's seeds, by its place."""
    outcomes = [side(trial) for trial in trials]
    places = outcomes[0].places
    size = int(places[-1]) + 1 if len(places) else 0
    return outcomes[0].spread(mean_scores_of(outcomes), size)
