"""What a check has measured, as plain values that travel between processes and into reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from pytest_ood.columns import Categorical
from pytest_ood.evaluation.attacks import AttackFigures
from pytest_ood.evaluation.example_scores import ExampleScores
from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import Estimate
from pytest_ood.trials.trial import PromptAttack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_ood.budgets import Verdict

FLIPS_KEPT = 20
"""Flipped examples that a result holds with their texts; the others are counted."""


@dataclass(frozen=True)
class Flip:
    """An example whose answer was right and is wrong under the shift.

    Attributes:
        id: Of the example.
        label: The truth; where the shift changes labels, the truth under it.
        before: The original text; None for a domain shift, which has no original.
        after: The shifted text.
        answer_before: What the model said to the original (None: abstained or no original).
        answer_after: What it said to the shifted text (None: abstained).
        label_before: Where the shift changes this example's label, the truth before; else None.
        said_before: Of an abstention from the original: what no answer could be read out of, its
            beginning; None where nothing is known of it.
        said_after: Of an abstention from the shifted text: likewise.
    """

    id: str
    label: str
    before: str | None
    after: str
    answer_before: str | None
    answer_after: str | None
    label_before: str | None = None
    said_before: str | None = None
    said_after: str | None = None


def unparsed(flips: Iterable[Flip]) -> tuple[str, ...]:
    """Return the different texts out of which no answer could be read, those that are known."""
    said = (flip.said_after for flip in flips if flip.answer_after is None)
    return tuple(dict.fromkeys(text for text in said if text is not None))


@dataclass(frozen=True)
class LabelCounts:
    """How a model does on the examples of one label, before and under a shift; of one seed.

    Attributes:
        label: The truth.
        n_id: Examples in distribution.
        right_id: Those of them that it has right.
        n_ood: Examples under the shift.
        right_ood: Likewise.
    """

    label: str
    n_id: int
    right_id: int
    n_ood: int
    right_ood: int


@dataclass(frozen=True)
class Cell:
    """A model on the examples of one group under a shift.

    Attributes:
        group: Its name, such as a cell of HANS, or a test of CheckList.
        within: The group that it is a part of, such as the test's capability; "" where there is
            none.
        n: Examples of it, or cases.
        score: With its interval.
    """

    group: str
    within: str
    n: int
    score: Estimate


@dataclass(frozen=True)
class Floor:
    """A model on a suite's in-distribution data, or under a shift: the score by itself.

    Attributes:
        suite: Its name.
        model: Its name.
        n: Examples used, or cases.
        planned: Examples there were; more than n where the verdict was settled before.
        abstained: Answers that could not be parsed.
        score: With its interval.
        majority: What answering the most frequent label always would score.
        budget: The least score allowed, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Why.
        seed: Of the run.
        data_hash: Of all examples there were.
        p_fail: The p-value of "the score is at least the budget", or None.
        adjusted_p: The same among all gates of the run, once they are known.
        reasked: Examples that were put to the model a second time.
        disagreed: How many of them it then answered otherwise.
        seed_scores: The score of each training or demonstration seed; one where there is one.
        errors: Why inputs got no answer, and how many; their examples are left out.
        items: The score of each example, of the first of them; in distribution only.
        kind: Of shift; "" in distribution.
        shift: Its name; "" in distribution.
        breakdown: Of a shift: the score of each group, where examples have groups.
        left_out: Of a shift: why rows of the data, or cases, are not counted, and how many.
        cases: Where several inputs are counted as one, how many inputs they have; else 0.
        flips: Of a shift: the first of the examples that it cost; in distribution: of those that
            the model abstained from.
        flipped: How many there are.
        measure: What the score is called.
    """

    suite: str
    model: str
    n: int
    planned: int
    abstained: int
    score: Estimate
    majority: float
    budget: float | None
    verdict: Verdict
    reason: str
    seed: int
    data_hash: str
    p_fail: float | None = None
    adjusted_p: float | None = None
    reasked: int = 0
    disagreed: int = 0
    seed_scores: tuple[float, ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    items: ExampleScores | None = None
    kind: str = ""
    shift: str = ""
    breakdown: tuple[Cell, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    cases: int = 0
    flips: tuple[Flip, ...] = ()
    flipped: int = 0
    measure: str = ACCURACY

    @property
    def score_answered(self) -> float | None:
        """The mean score where there was an answer that could be parsed; None of several seeds."""
        return _answered(self.score.value, self.n, self.abstained, len(self.seed_scores))


@dataclass(frozen=True)
class Evaluation:
    """A model under one shift of a suite, by one metric.

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
        score_id: The metric before the shift, on the examples compared.
        score_ood: The metric under the shift.
        drop: How much worse the metric becomes, with its interval.
        paired: The same examples before and under the shift.
        budget: The most the metric may drop, or None.
        verdict: pass, fail, inconclusive, invalid, or measured where there is no budget.
        reason: Why.
        seed: Of the run.
        shifted_set_hash: Of ids and shifted texts.
        queries: Of an attack: candidates put to the model; None otherwise.
        before: The score in distribution of each example of the draw up to the last that was used;
            None of those that were left out.
        after: The same under the shift; of a domain shift, of the target's examples.
        flips: The first of the examples that were right before and are wrong under the shift.
        metric: What is measured; accuracy is the mean score.
        drawn: Examples of the in-distribution draw that were used.
        planned: Examples there were; more than `drawn` where the verdict was settled before.
        p_fail: The p-value of "the budget is kept", or None.
        adjusted_p: The same among all gates of the run, once they are known.
        rejected: Examples whose change the validity filter did not accept: left out.
        unheld: Of an attack: successes that did not hold when the model was asked again.
        disagreement: Share of in-distribution inputs the model answers otherwise when asked again,
            or None where it was not asked.
        seed_drops: The drop of each training or demonstration seed; one where there is one.
        reweighted: Of a domain shift: the drop at the in-distribution mix of labels, or None.
        reference: Of a domain shift: what the baseline scores there when trained there, or None.
        measures: Other metrics, as (name, in distribution, under the shift).
        sequential: Whether it would have stopped as soon as the verdict was settled.
        family: The name that the severities of one perturbation have in common, or "".
        severity: Of a family's member, or None.
        attack: Of an attack: success rate, queries and edits, on the model's first seed, or on the
            surrogate; None otherwise, and where examples against a surrogate were frozen.
        surrogate: Of an attack on another model: that model's name; "" otherwise.
        prompt: Of an attack on the prompt: what became of it; None otherwise.
        errors: Why inputs got no answer, and how many; their examples are left out.
        flipped: How many examples flipped.
        items: The score of each example under the shift, of the first of them; of accuracy only.
            Where a shift leaves other texts for every model, examples are known by the original.
        per_label: Right answers by label; of accuracy only.
        breakdown: The score of each group, where examples have groups; of accuracy only.
        left_out: Why rows of the data, or cases, are not counted, and how many.
        cases: Where several inputs are counted as one, how many inputs they have; else 0.
        measure: What the mean score is called: accuracy, or another by which answers in words go.
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
    before: Categorical[float | None]
    after: Categorical[float | None]
    flips: tuple[Flip, ...]
    metric: str = ACCURACY
    drawn: int = 0
    planned: int = 0
    p_fail: float | None = None
    adjusted_p: float | None = None
    unheld: int = 0
    rejected: int = 0
    disagreement: float | None = None
    seed_drops: tuple[float, ...] = ()
    reweighted: float | None = None
    reference: float | None = None
    measures: tuple[tuple[str, float, float], ...] = ()
    sequential: bool = False
    family: str = ""
    severity: int | None = None
    attack: AttackFigures | None = None
    surrogate: str = ""
    prompt: PromptAttack | None = None
    errors: tuple[tuple[str, int], ...] = ()
    flipped: int = 0
    items: ExampleScores | None = None
    per_label: tuple[LabelCounts, ...] = ()
    breakdown: tuple[Cell, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    cases: int = 0
    measure: str = ACCURACY

    @property
    def stopped(self) -> bool:
        """Whether the verdict was settled before all examples were used."""
        return self.drawn < self.planned

    @property
    def score_answered(self) -> float | None:
        """The mean score under the shift where there was an answer that could be parsed.

        None of several seeds, of another metric than the score, and of attacks, where a success
        costs the score of an answer.
        """
        if self.metric != ACCURACY or self.attack is not None:
            return None
        return _answered(self.score_ood, self.n, self.abstained, len(self.seed_drops))


def _answered(score: float, n: int, abstained: int, seeds: int) -> float | None:
    # An abstention scores 0.
    return score * n / (n - abstained) if seeds <= 1 and abstained < n else None


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
        scores: The model's metric before and under the shift.
        baseline_scores: The baseline's.
        difference: drop - baseline_drop, with its interval; below 0 the model drops less. Of
            cases the baseline's score less the model's: what single answers score in distribution
            is no measure of these.
        margin: The most the difference may be, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Why.
        seed: Of the run.
        flips: The first of the examples that the model lost and the baseline did not.
        metric: What is measured; accuracy is the mean score.
        drawn: Examples of the in-distribution draw that were used.
        planned: Examples there were.
        p_fail: The p-value of "the margin is kept", or None.
        adjusted_p: The same among all gates of the run, once they are known.
        surrogate: Of an attack on another model: that model's name; "" otherwise.
        errors: Why inputs got no answer, of either model, and how many.
        flipped: How many examples the model lost and the baseline did not.
        cases: Where several inputs are counted as one, how many inputs they have; else 0.
        measure: What the mean score is called.
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
    metric: str = ACCURACY
    drawn: int = 0
    planned: int = 0
    p_fail: float | None = None
    adjusted_p: float | None = None
    surrogate: str = ""
    errors: tuple[tuple[str, int], ...] = ()
    flipped: int = 0
    cases: int = 0
    measure: str = ACCURACY


Result = Floor | Evaluation | Comparison


def to_record(result: Result) -> dict[str, Any]:
    """Return a result as plain values, for another process."""
    values = {
        name: value.to_record() if isinstance(value, Categorical) else value
        for name, value in asdict(result).items()
    }
    items = getattr(result, "items", None)
    if items is not None:
        values["items"] = items.to_record()
    return {"type": type(result).__name__, **values}


def from_record(record: Mapping[str, Any]) -> Result:
    """Undo `to_record`, also after lists have taken the place of tuples."""
    kinds: dict[str, type[Result]] = {
        kind.__name__: kind for kind in (Floor, Evaluation, Comparison)
    }
    kind = kinds[record["type"]]
    values = {f.name: _tuples(record[f.name]) for f in fields(kind) if f.name in record}
    for name in ("score", "drop", "difference"):
        if isinstance(values.get(name), dict):
            values[name] = Estimate(**values[name])
    if values.get("attack") is not None:
        attack: dict[str, Any] = {
            name: Estimate(**value) if isinstance(value, dict) else _tuples(value)
            for name, value in values["attack"].items()
        }
        values["attack"] = AttackFigures(**attack)
    if values.get("prompt") is not None:
        values["prompt"] = PromptAttack(**values["prompt"])
    for name in ("before", "after"):
        if name in values:
            values[name] = Categorical.from_record(values[name])
    if values.get("items") is not None:
        values["items"] = ExampleScores.from_record(record["items"])
    _rebuild_lists(values)
    return kind(**values)


def _rebuild_lists(values: dict[str, Any]) -> None:
    """Put records in the place of the mappings in lists."""
    if "per_label" in values:
        values["per_label"] = tuple(LabelCounts(**counts) for counts in values["per_label"])
    if "breakdown" in values:
        values["breakdown"] = tuple(
            Cell(**{**cell, "score": Estimate(**cell["score"])}) for cell in values["breakdown"]
        )
    if "flips" in values:
        values["flips"] = tuple(Flip(**flip) for flip in values["flips"])


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
