"""Measuring drops: a model, a suite, a shift; the verdict; and what it adds up to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from pytest_ood import statistics
from pytest_ood.budgets import (
    MIN_CHANGED,
    SAME_ANSWER_SHARE,
    Judgement,
    Verdict,
    judge_at_least,
    judge_at_most,
    points,
)
from pytest_ood.engine import check_answers
from pytest_ood.errors import DataError, NotApplicableError
from pytest_ood.examples import Dataset, Example, fields_of
from pytest_ood.models.protocol import Model, RecordedModel
from pytest_ood.shifts import AdversarialShift, DomainShift, NoiseShift, Shift, shifted_set_hash
from pytest_ood.suite import IN_DISTRIBUTION, Suite
from pytest_ood.tasks import Prediction, check_labels, majority_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.engine import Engine
    from pytest_ood.examples import Inputs
    from pytest_ood.readers import DataSource, Reader
    from pytest_ood.statistics import Estimate


@dataclass(frozen=True)
class Flip:
    """An example whose answer was right and is wrong under the shift.

    Attributes:
        id: Of the example.
        label: The truth.
        before: The original text; None for a domain shift, which has no original.
        after: The shifted text.
        answer_before: What the model said to the original (None: abstained or no original).
        answer_after: What it said to the shifted text (None: abstained).
    """

    id: str
    label: str
    before: str | None
    after: str
    answer_before: str | None
    answer_after: str | None


@dataclass(frozen=True)
class Floor:
    """A model on a suite's in-distribution data.

    Attributes:
        suite: Its name.
        model: Its name.
        n: Examples.
        abstained: Answers that could not be parsed.
        score: With its interval.
        majority: What answering the most frequent label always would score.
        budget: The least score allowed, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Why.
        seed: Of the run.
        data_hash: Of the examples.
    """

    suite: str
    model: str
    n: int
    abstained: int
    score: Estimate
    majority: float
    budget: float | None
    verdict: Verdict
    reason: str
    seed: int
    data_hash: str


@dataclass(frozen=True)
class Evaluation:
    """A model under one shift of a suite.

    Attributes:
        suite: Its name.
        kind: domain, noise or adversarial.
        shift: Its name.
        model: Its name.
        n: Examples the drop rests on (of a domain shift: those of the target).
        unchanged: Examples in which nothing was changed: left out of a noise shift; kept in under
            an attack, which they withstood (or were wrong from the start).
        abstained: Answers under the shift that could not be parsed; they score 0.
        abstained_id: The same in distribution.
        score_id: Mean score before the shift, on the examples compared.
        score_ood: Mean score under the shift.
        drop: score_id - score_ood, with its interval.
        paired: The same examples before and under the shift.
        budget: The most the score may drop, or None.
        verdict: pass, fail, inconclusive, invalid, or measured where there is no budget.
        reason: Why.
        seed: Of the run.
        shifted_set_hash: Of ids and shifted texts.
        queries: Of an attack: candidates put to the model; None otherwise.
        before: (example id, score) in distribution.
        after: (example id, score) under the shift.
        flips: The examples that were right before and are wrong under the shift.
    """

    suite: str
    kind: str
    shift: str
    model: str
    n: int
    unchanged: int
    abstained: int
    abstained_id: int
    score_id: float
    score_ood: float
    drop: Estimate
    paired: bool
    budget: float | None
    verdict: Verdict
    reason: str
    seed: int
    shifted_set_hash: str
    queries: int | None
    before: tuple[tuple[str, float], ...]
    after: tuple[tuple[str, float], ...]
    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class Comparison:
    """How much more a model drops than the baseline, on the same items.

    Attributes:
        suite: Its name.
        kind: domain, noise or adversarial.
        shift: Its name.
        model: Its name.
        baseline: The other model's name.
        n: Examples.
        scores: The model's mean scores before and under the shift.
        baseline_scores: The baseline's.
        difference: drop - baseline_drop, with its interval; below 0 the model drops less.
        margin: The most the difference may be, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Why.
        seed: Of the run.
        flips: The examples that the model lost and the baseline did not.
    """

    suite: str
    kind: str
    shift: str
    model: str
    baseline: str
    n: int
    scores: tuple[float, float]
    baseline_scores: tuple[float, float]
    difference: Estimate
    margin: float | None
    verdict: Verdict
    reason: str
    seed: int
    flips: tuple[Flip, ...]


Result = Floor | Evaluation | Comparison


def to_record(result: Result) -> dict[str, Any]:
    """Return a result as plain values, for another process."""
    return {"type": type(result).__name__, **asdict(result)}


def from_record(record: Mapping[str, Any]) -> Result:
    """Undo `to_record`, also after lists have taken the place of tuples."""
    kinds: dict[str, type[Result]] = {
        kind.__name__: kind for kind in (Floor, Evaluation, Comparison)
    }
    kind = kinds[record["type"]]
    values = {f.name: record[f.name] for f in fields(kind)}
    for name in ("score", "drop", "difference"):
        if isinstance(values.get(name), dict):
            values[name] = statistics.Estimate(**values[name])
    for name in ("before", "after"):
        if name in values:
            values[name] = tuple((str(i), float(score)) for i, score in values[name])
    for name in ("scores", "baseline_scores"):
        if name in values:
            values[name] = tuple(values[name])
    if "flips" in values:
        values["flips"] = tuple(Flip(**flip) for flip in values["flips"])
    return kind(**values)


class SuiteRun:
    """One suite under one seed: draws the examples and shifts them once, and measures models.

    Results are kept, so that a comparison measures nothing again.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        engine: Engine,
        reader: Reader,
        seed: int,
        alpha: float,
        max_examples: int | None,
    ) -> None:
        self.suite = suite
        self.engine = engine
        self.reader = reader
        self.seed = seed
        self.alpha = alpha
        self.size = max_examples if max_examples is not None else suite.max_examples
        self._datasets: dict[str, Dataset] = {}
        self._shifted: dict[str, list[Inputs]] = {}
        self._floors: dict[str, Floor] = {}
        self._evaluations: dict[tuple[str, str], Evaluation] = {}

    def in_distribution(self) -> Dataset:
        """Return the drawn in-distribution examples."""
        return self._drawn(IN_DISTRIBUTION, self.suite.in_distribution)

    def floor(self, model: Model | RecordedModel) -> Floor:
        """Measure a model in distribution.

        Raises:
            OodError: the data or the model cannot be used.
        """
        if model.name not in self._floors:
            self._floors[model.name] = self._measure_floor(model)
        return self._floors[model.name]

    def evaluate(self, model: Model | RecordedModel, shift: Shift) -> Evaluation:
        """Measure a model under a shift.

        Raises:
            OodError: the data or the model cannot be used.
        """
        key = (model.name, shift.name)
        if key not in self._evaluations:
            if isinstance(shift, DomainShift):
                self._evaluations[key] = self._under_domain(model, shift)
            elif isinstance(shift, NoiseShift):
                self._evaluations[key] = self._under_noise(model, shift)
            else:
                self._evaluations[key] = self._under_attack(model, shift)
        return self._evaluations[key]

    def compare(
        self, model: Model | RecordedModel, baseline: Model | RecordedModel, shift: Shift
    ) -> Comparison:
        """Compare a model's drop with the baseline's.

        Raises:
            OodError: the data or a model cannot be used.
        """
        mine, other = self.evaluate(model, shift), self.evaluate(baseline, shift)
        margin = self.suite.budgets[shift.name].margin
        estimate = difference_of_drops([mine], [other], self.alpha)
        judged = self._validity(model, mine) or self._validity(baseline, other)
        if judged is None:
            judged = Judgement("measured", "no margin is set")
            if margin is not None:
                judged = judge_at_most(estimate, margin, self.alpha)
        return Comparison(
            self.suite.name, shift.kind, shift.name, model.name, baseline.name, estimate.n,
            (mine.score_id, mine.score_ood), (other.score_id, other.score_ood), estimate, margin,
            judged.verdict, judged.reason, self.seed, _lost_alone(mine, other),
        )  # fmt: skip

    def _drawn(self, name: str, source: DataSource | Dataset) -> Dataset:
        if name not in self._datasets:
            labels = self.suite.task.labels
            if isinstance(source, Dataset):
                check_labels(source, labels)
                dataset = source
            else:
                dataset = self.reader.load(source, name, labels)
            self._datasets[name] = dataset.sample(self.size, self.seed)
        return self._datasets[name]

    def _ask(
        self,
        model: Model | RecordedModel,
        shift: str,
        examples: Sequence[Example],
        inputs: Sequence[Inputs],
    ) -> list[Prediction]:
        labels = self.suite.task.labels
        if isinstance(model, RecordedModel):
            answers = model.recall(shift, [example.id for example in examples])
            check_answers(model.name, answers, len(examples), labels)
            return answers
        return self.engine.predict(model, inputs, labels, f"{self.suite.name}/{shift}")

    def _before(self, model: Model | RecordedModel) -> list[Prediction]:
        examples = self.in_distribution().examples
        return self._ask(model, IN_DISTRIBUTION, examples, [e.inputs for e in examples])

    def _scores(self, examples: Sequence[Example], answers: Sequence[Prediction]) -> list[float]:
        pairs = zip(answers, examples, strict=True)
        return [self.suite.task.score(answer, example) for answer, example in pairs]

    def _measure_floor(self, model: Model | RecordedModel) -> Floor:
        dataset, answers = self.in_distribution(), self._before(model)
        scores = self._scores(dataset.examples, answers)
        estimate = statistics.mean_score(scores, self.alpha)
        majority = majority_share(dataset)
        judged = self._usable(scores, majority, answers)
        floor = self.suite.min_score
        if judged is None:
            judged = Judgement("pass", f"above the majority class ({points(majority)})")
            if floor is not None:
                judged = judge_at_least(estimate, floor, self.alpha)
        return Floor(
            self.suite.name, model.name, len(scores), _abstained(answers), estimate, majority,
            floor, judged.verdict, judged.reason, self.seed, dataset.content_hash,
        )  # fmt: skip

    def _usable(
        self, scores: Sequence[float], majority: float, answers: Sequence[Prediction]
    ) -> Judgement | None:
        """Tell why a model's drops mean nothing, or return None where they do."""
        given = [answer.label for answer in answers if answer.label is not None]
        if not given:
            return Judgement("invalid", "it answered nothing in distribution")
        most = max(set(given), key=lambda label: (given.count(label), label))
        if given.count(most) / len(given) > SAME_ANSWER_SHARE:
            share = points(given.count(most) / len(given))
            return Judgement("invalid", f"it answers {most!r} to {share} % of the inputs")
        right = round(sum(scores))
        if statistics.p_above(right, len(scores), majority) > self.alpha:
            return Judgement(
                "invalid",
                f"its in-distribution score of {points(right / len(scores))} is not shown to be "
                f"above the majority class ({points(majority)})",
            )
        return None

    def _validity(self, model: Model | RecordedModel, result: Evaluation) -> Judgement | None:
        """Tell why a verdict on this drop would mean nothing, or return None where it would."""
        floor = self.floor(model)
        if floor.verdict == "invalid":
            return Judgement("invalid", f"{model.name}: {floor.reason}")
        if result.kind == "noise" and result.n < MIN_CHANGED:
            return Judgement(
                "invalid", f"only {result.n} examples were changed; {MIN_CHANGED} are the least"
            )
        return None

    def _under_domain(self, model: Model | RecordedModel, shift: DomainShift) -> Evaluation:
        source, target = self.in_distribution(), self._drawn(shift.name, shift.source)
        first = self._before(model)
        second = self._ask(model, shift.name, target.examples, [e.inputs for e in target])
        before = self._scores(source.examples, first)
        after = self._scores(target.examples, second)
        flips = [
            Flip(e.id, e.label, None, _shown(e.inputs), None, answer.label)
            for e, answer, score in zip(target, second, after, strict=True)
            if score == 0.0
        ]
        return self._evaluation(
            model, shift,
            before=list(zip([e.id for e in source], before, strict=True)),
            after=list(zip([e.id for e in target], after, strict=True)),
            abstained=(_abstained(first), _abstained(second)),
            unchanged=0,
            flips=flips,
            shifted_set=target.content_hash,
        )  # fmt: skip

    def _under_noise(self, model: Model | RecordedModel, shift: NoiseShift) -> Evaluation:
        examples = self.in_distribution().examples
        if shift.name not in self._shifted:
            self._shifted[shift.name] = shift.apply(examples, self.seed, self.engine.store)
        shifted = self._shifted[shift.name]
        places = [p for p, e in enumerate(examples) if shifted[p] != e.inputs]
        changed = [examples[p] for p in places]
        if not changed:
            raise DataError(
                f"invalid: {self.suite.name}/{shift.kind}/{shift.name} changed none of "
                f"{len(examples)} examples; there is nothing to measure. Raise its parameters, or "
                "drop the shift"
            )
        first = self._before(model)
        second = self._ask(model, shift.name, changed, [shifted[p] for p in places])
        return self._paired(
            model, shift, changed, [shifted[p] for p in places], [first[p] for p in places],
            second=second, unchanged=len(examples) - len(changed),
        )  # fmt: skip

    def _under_attack(self, model: Model | RecordedModel, shift: AdversarialShift) -> Evaluation:
        if isinstance(model, RecordedModel):
            raise NotApplicableError(
                f"model {model.name!r} is replayed from {model.source}: its answers to attacks "
                "were not recorded, and it cannot be asked"
            )
        examples = self.in_distribution().examples[: shift.max_examples]
        labels = self.suite.task.labels
        what = f"{self.suite.name}/{shift.name}"
        results = shift.attack.run(
            lambda inputs: self.engine.predict(model, inputs, labels, what),
            examples,
            seed=self.seed,
            query_budget=shift.query_budget,
        )
        shifted = [result.inputs for result in results]
        first = self._before(model)[: len(examples)]
        second = self._ask(model, shift.name, examples, shifted)
        # Nothing is left out here: an example that withstood the attack is what robustness is.
        return self._paired(
            model, shift, examples, shifted, first,
            second=second,
            unchanged=sum(text == e.inputs for text, e in zip(shifted, examples, strict=True)),
            queries=sum(result.queries for result in results),
        )  # fmt: skip

    def _paired(
        self,
        model: Model | RecordedModel,
        shift: Shift,
        examples: Sequence[Example],
        shifted: Sequence[Inputs],
        first: Sequence[Prediction],
        *,
        second: Sequence[Prediction],
        unchanged: int,
        queries: int | None = None,
    ) -> Evaluation:
        before, after = self._scores(examples, first), self._scores(examples, second)
        ids = [example.id for example in examples]
        flips = [
            Flip(e.id, e.label, _shown(e.inputs), _shown(text), old.label, new.label)
            for e, text, old, new, score, later in zip(
                examples, shifted, first, second, before, after, strict=True
            )
            if score > later
        ]
        return self._evaluation(
            model, shift,
            before=list(zip(ids, before, strict=True)),
            after=list(zip(ids, after, strict=True)),
            abstained=(_abstained(first), _abstained(second)),
            unchanged=unchanged,
            flips=flips,
            shifted_set=shifted_set_hash(examples, shifted),
            queries=queries,
        )  # fmt: skip

    def _evaluation(
        self,
        model: Model | RecordedModel,
        shift: Shift,
        *,
        before: Sequence[tuple[str, float]],
        after: Sequence[tuple[str, float]],
        abstained: tuple[int, int],
        unchanged: int,
        flips: Sequence[Flip],
        shifted_set: str,
        queries: int | None = None,
    ) -> Evaluation:
        paired = not isinstance(shift, DomainShift)
        first, second = [score for _, score in before], [score for _, score in after]
        estimate = (statistics.paired_drop if paired else statistics.unpaired_drop)(
            first, second, self.alpha
        )
        budget = self.suite.budgets[shift.name].max_drop
        measured = Evaluation(
            self.suite.name, shift.kind, shift.name, model.name, len(after), unchanged,
            abstained[1], abstained[0], sum(first) / len(first), sum(second) / len(second),
            estimate, paired, budget, "measured", "no budget is set", self.seed, shifted_set,
            queries, tuple(before), tuple(after), tuple(flips),
        )  # fmt: skip
        judged = self._validity(model, measured)
        if judged is None and budget is not None:
            judged = judge_at_most(estimate, budget, self.alpha)
        if judged is None:
            return measured
        return replace(measured, verdict=judged.verdict, reason=judged.reason)


def difference_of_drops(
    mine: Sequence[Evaluation], other: Sequence[Evaluation], alpha: float
) -> Estimate:
    """Estimate how much more one model drops than another, on average over shifts of one kind.

    Args:
        mine: One model's evaluations, all paired or none.
        other: The other model's, of the same shifts in the same order.
        alpha: One-sided level.

    Raises:
        ValueError: they have no example in common, or are not of the same shifts.
    """
    if [e.shift for e in mine] != [e.shift for e in other] or not mine:
        raise ValueError("the evaluations are not of the same shifts")
    if not mine[0].paired:
        return statistics.unpaired_difference_of_drops(
            _common(mine[0].before, other[0].before),
            [_common(m.after, o.after) for m, o in zip(mine, other, strict=True)],
            alpha,
        )
    # One value an example: its mean over the shifts (several noises of one text are one cluster).
    values: dict[str, list[float]] = {}
    for m, o in zip(mine, other, strict=True):
        mine_before, mine_after = dict(m.before), dict(m.after)
        other_before, other_after = dict(o.before), dict(o.after)
        for identifier in mine_before.keys() & other_before.keys():
            values.setdefault(identifier, []).append(
                (mine_before[identifier] - mine_after[identifier])
                - (other_before[identifier] - other_after[identifier])
            )
    means = [sum(values[identifier]) / len(values[identifier]) for identifier in sorted(values)]
    return statistics.mean_over_examples(means, alpha)


def _lost_alone(mine: Evaluation, other: Evaluation) -> tuple[Flip, ...]:
    """Return what the model lost under the shift and the baseline did not."""
    lost = {flip.id for flip in other.flips}
    return tuple(flip for flip in mine.flips if flip.id not in lost)


def _common(
    mine: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]
) -> tuple[list[float], list[float]]:
    theirs = dict(other)
    shared = [(score, theirs[identifier]) for identifier, score in mine if identifier in theirs]
    return [a for a, _ in shared], [b for _, b in shared]


def _abstained(answers: Sequence[Prediction]) -> int:
    return sum(answer.label is None for answer in answers)


def _shown(inputs: Inputs) -> str:
    fields_ = fields_of(inputs)
    if len(fields_) == 1:
        return next(iter(fields_.values()))
    return " | ".join(f"{name}: {text}" for name, text in fields_.items())
