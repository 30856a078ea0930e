"""What a check has measured, as plain values that travel between processes and into reports."""

from __future__ import annotations

# The types of fields are looked up when records are read back: their imports are no mere hints.
from collections.abc import Iterable, Mapping  # noqa: TC003
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_ood.budgets import Verdict  # noqa: TC001
from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation.attacks import AttackFigures  # noqa: TC001
from pytest_ood.evaluation.example_scores import ExampleScores  # noqa: TC001
from pytest_ood.evaluation.plain import from_plain, to_plain
from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import Estimate  # noqa: TC001
from pytest_ood.trials.trial import PromptAttack  # noqa: TC001

FLIPS_RETAINED = 20
"""Flipped examples that a result retains with their texts; the others are counted."""

UNPARSED_RETAINED = 3
"""Outputs without a readable answer that a result retains."""

NOT_REPORTED = {"reported": False}
"""Marks fields that travel between the processes of a run and are left out of reports."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A model under test, as reports describe it.

    Attributes:
        suite: The suite in which it is tested.
        name: Its name.
        paradigm: prompted, fine-tuned or other.
        source: The checkpoint, server, function or file that answers.
        parameters: Everything else that affects its answers.
        baseline: Whether relative budgets compare with it.
        fingerprint: Changes with weights, prompt or decoding; None where they are unknown.
        collection: The collection that the suite belongs to, or None.
        base: Checkpoint or estimator that it was trained from; None, here and below, if unknown.
        size: Number of weights.
        training_examples: Labelled examples that it was fine-tuned or fitted on.
        shots: Demonstrations in its prompt.
    """

    suite: str
    name: str
    paradigm: str = "other"
    source: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    baseline: bool = False
    fingerprint: str | None = None
    collection: str | None = None
    base: str | None = None
    size: int | None = None
    training_examples: int | None = None
    shots: int | None = None

    @property
    def kind(self) -> str:
        """The paradigm, or "no pre-training" for a model that is trained from scratch."""
        return "no pre-training" if self.parameters.get("pretrained") is False else self.paradigm

    @property
    def note(self) -> str:
        """The kind, and over how many seeds or prompts its figures are averaged."""
        seeds = self.parameters.get("seeds", 1)
        if "train_seed" in self.parameters:
            return f"{self.kind}, {_count(seeds, 'seed')}"
        if self.parameters.get("shots"):
            return f"{self.kind}, {_count(seeds, 'prompt')}"
        return self.kind


def _count(count: int, noun: str) -> str:
    return f"one {noun}" if count == 1 else f"{count} {noun}s"


@dataclass(frozen=True, kw_only=True)
class Flip:
    """An example that is answered correctly before the shift and wrongly under it.

    Attributes:
        id: Of the example.
        label: The true label; where the shift changes labels, the one under the shift.
        label_before: The true label before, where the shift changes it; else None.
        before: The original text; None for a domain shift, which has no original.
        after: The shifted text.
        answer_before: The model's answer to the original; None if it abstained or has none.
        answer_after: The model's answer to the shifted text; None if it abstained.
        output_before: The beginning of the output to the original where it could not be parsed;
            None otherwise, and where it is unknown.
        output_after: The same for the shifted text.
    """

    id: str
    label: str
    label_before: str | None = None
    before: str | None
    after: str
    answer_before: str | None
    answer_after: str | None
    output_before: str | None = None
    output_after: str | None = None


def unparsed_outputs(flips: Iterable[Flip]) -> tuple[str, ...]:
    """Return the first distinct outputs that could not be parsed."""
    outputs = (flip.output_after for flip in flips if flip.answer_after is None)
    return tuple(dict.fromkeys(text for text in outputs if text is not None))[:UNPARSED_RETAINED]


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """Correct answers to the examples of one label, before and under a shift; of one seed.

    Attributes:
        label: The true label.
        n_in_distribution: Examples in distribution.
        correct_in_distribution: Those of them that are answered correctly.
        n_under_shift: Examples under the shift.
        correct_under_shift: Those of them that are answered correctly.
    """

    label: str
    n_in_distribution: int
    correct_in_distribution: int
    n_under_shift: int
    correct_under_shift: int

    @property
    def recall_in_distribution(self) -> float | None:
        """The share of correct answers in distribution; None without examples."""
        n = self.n_in_distribution
        return self.correct_in_distribution / n if n else None

    @property
    def recall_under_shift(self) -> float | None:
        """The share of correct answers under the shift; None without examples."""
        return self.correct_under_shift / self.n_under_shift if self.n_under_shift else None

    @property
    def change(self) -> float | None:
        """The gain in recall, negative for a loss; None where one side has no examples."""
        before, after = self.recall_in_distribution, self.recall_under_shift
        return None if before is None or after is None else after - before


@dataclass(frozen=True, kw_only=True)
class GroupScore:
    """A model's score on one group of the examples under a shift.

    Attributes:
        group: The group's name, such as a heuristic of HANS or a test of CheckList.
        within: The group that it is part of, such as a test's capability, or None.
        n: Number of examples or cases.
        score: The score with its interval.
    """

    group: str
    within: str | None = None
    n: int
    score: Estimate


@dataclass(frozen=True, kw_only=True)
class ScorePair:
    """A metric before and under a shift."""

    in_distribution: float
    under_shift: float


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A model's score on a suite's in-distribution data, or under a shift by itself.

    Attributes:
        suite: The suite's name.
        model: The model's name.
        kind: Kind of shift; None in distribution.
        shift: The shift's name; None in distribution.
        n: Examples or cases used.
        planned: Examples available; more than n where the check was decided early.
        abstained: Answers that could not be parsed.
        unparsed_outputs: The first distinct outputs of these.
        errors: Number of inputs without an answer by reason; their examples are left out.
        score: The score with its interval.
        score_name: Name of the score, such as accuracy.
        majority: Score of the best constant answer.
        budget: The lowest allowed score, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Reason of the verdict.
        seed: Seed of the run.
        data_hash: Hash of all available examples.
        p_fail: p-value of "the score is at least the budget", or None.
        p_fail_adjusted: The p-value adjusted for all gates of the run, once they are known.
        repeated: Examples that the model was asked a second time.
        inconsistent: How many of them it then answered differently.
        seed_scores: The score of each training or demonstration seed.
        items: The score of each of the first examples; in distribution only.
        breakdown: The score of each group; under a shift only.
        left_out: Rows or cases that are not counted, by reason; under a shift only.
        case_inputs: Number of inputs, where several inputs are scored as one case; else None.
        flips: The first wrong examples under a shift, or abstentions in distribution.
        flipped: Number of all of these.
    """

    TYPE: ClassVar[str] = "floor"
    DERIVED: ClassVar[tuple[str, ...]] = ("score_answered",)

    suite: str
    model: str
    kind: str | None = None
    shift: str | None = None
    n: int
    planned: int
    abstained: int
    unparsed_outputs: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    score: Estimate
    score_name: str = ACCURACY
    majority: float
    budget: float | None
    verdict: Verdict
    reason: str
    p_fail: float | None = None
    p_fail_adjusted: float | None = None
    repeated: int = 0
    inconsistent: int = 0
    seed_scores: tuple[float, ...] = ()
    data_hash: str
    items: ExampleScores | None = None
    seed: int = field(default=0, metadata=NOT_REPORTED)
    breakdown: tuple[GroupScore, ...] = field(default=(), metadata=NOT_REPORTED)
    left_out: Mapping[str, int] = field(default_factory=dict, metadata=NOT_REPORTED)
    case_inputs: int | None = field(default=None, metadata=NOT_REPORTED)
    flips: tuple[Flip, ...] = field(default=(), metadata=NOT_REPORTED)
    flipped: int = field(default=0, metadata=NOT_REPORTED)

    @property
    def drawn(self) -> int:
        """Examples used, as other results call it."""
        return self.n

    @property
    def score_answered(self) -> float | None:
        """The mean score over the parsed answers; None for several seeds."""
        return _score_answered(self.score.value, self.n, self.abstained, len(self.seed_scores))


@dataclass(frozen=True, kw_only=True)
class PerturbationDetails:
    """Details of a shift that perturbs the in-distribution examples.

    Attributes:
        rejected: Examples left out because the validity filter rejected their change.
        family: Common name of all severities of the perturbation, or None.
        severity: Severity within the family, or None.
    """

    TYPE: ClassVar[str] = "perturbation"

    rejected: int = 0
    family: str | None = None
    severity: int | None = None


@dataclass(frozen=True, kw_only=True)
class DomainDetails:
    """Details of a shift to another data set.

    Attributes:
        reweighted_drop: The drop after reweighting the target to the in-distribution label
            distribution, or None.
        in_domain_score: The score on the target of the baseline trained on it, or None.
    """

    TYPE: ClassVar[str] = "domain"

    reweighted_drop: float | None = None
    in_domain_score: float | None = None


@dataclass(frozen=True, kw_only=True)
class WorstDetails:
    """Details of the largest drop under several shifts, whose figures are those of one of them.

    Attributes:
        shift: The name of the shift with the largest drop.
    """

    TYPE: ClassVar[str] = "worst"

    shift: str


@dataclass(frozen=True, kw_only=True)
class CaseDetails:
    """Details of a shift to cases, each of several inputs that are scored as one.

    Attributes:
        inputs: Number of inputs of all cases.
    """

    TYPE: ClassVar[str] = "cases"

    inputs: int


@dataclass(frozen=True, kw_only=True)
class AttackDetails:
    """Details of an adversarial attack on the examples.

    Attributes:
        queries: All candidates that the model was asked about; None where the examples were made
            against a surrogate.
        unconfirmed: Successes that a second query did not confirm; they are not counted.
        figures: Success rate, queries and edits, on the model's first seed or on the surrogate;
            None where nothing could be attacked, and where the adversarial examples were frozen.
    """

    TYPE: ClassVar[str] = "attack"

    queries: int | None = None
    unconfirmed: int = 0
    figures: AttackFigures | None = None


@dataclass(frozen=True, kw_only=True)
class PromptAttackDetails:
    """Details of an adversarial attack on the prompt.

    Attributes:
        queries: All inputs that the model was asked about in the search.
        prompt: The prompt before and after the attack.
    """

    TYPE: ClassVar[str] = "prompt-attack"

    queries: int
    prompt: PromptAttack


ShiftDetails = (
    PerturbationDetails
    | DomainDetails
    | WorstDetails
    | CaseDetails
    | AttackDetails
    | PromptAttackDetails
)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A model's drop under one shift of a suite by one metric.

    Attributes:
        suite: The suite's name.
        kind: Kind of shift, such as domain, noise or adversarial.
        shift: The shift's name.
        surrogate: The model that the adversarial examples were made against; None if there is none.
        model: The model's name.
        metric: The metric that drops; accuracy stands for the mean score.
        score_name: Name of the mean score: accuracy, or another for answers in words.
        n: Examples under the shift that are compared.
        drawn: Examples of the in-distribution sample that were used.
        planned: Examples available; more than `drawn` where the check was decided early.
        unchanged: Examples that the shift left unchanged: left out of a perturbation, included in
            an attack, which they withstood (or were wrong before).
        abstained: Answers under the shift that could not be parsed; they score 0.
        abstained_in_distribution: The same in distribution.
        unparsed_outputs: The first distinct outputs of `abstained`.
        errors: Number of inputs without an answer by reason; their examples are left out.
        score_in_distribution: The metric before the shift, on the examples compared.
        score_under_shift: The metric under the shift.
        drop: How much worse the metric becomes, with its interval.
        paired: Whether the same examples are compared.
        sequential: Whether the check stops as soon as it is decided.
        budget: The largest allowed drop, or None.
        verdict: pass, fail, inconclusive, invalid, or measured without a budget.
        reason: Reason of the verdict.
        p_fail: p-value of "the drop is within the budget", or None.
        p_fail_adjusted: The p-value adjusted for all gates of the run, once they are known.
        inconsistency_rate: Share of in-distribution inputs that the model answers differently when
            asked again, or None where it was not asked again.
        seed_drops: The drop of each training or demonstration seed.
        metrics: Other metrics by name.
        shifted_set_hash: Hash of ids and shifted texts.
        flipped: Number of examples that flipped.
        flips: The first of them.
        per_label: Correct answers by label; for accuracy only.
        breakdown: The score of each group, where examples have groups; for accuracy only.
        left_out: Rows of the data, or cases, that are not counted, by reason.
        items: The score of each of the first examples; for accuracy only. Where a shift has other
            texts for every model, examples are identified by their original.
        details: Details of this kind of shift.
        seed: Seed of the run.
        before: The score in distribution of every example of the sample that was used, None for
            those that were left out.
        after: The same under the shift; for a domain shift, of the target's examples.
    """

    TYPE: ClassVar[str] = "evaluation"
    DERIVED: ClassVar[tuple[str, ...]] = ("score_answered",)

    suite: str
    kind: str
    shift: str
    surrogate: str | None = None
    model: str
    metric: str = ACCURACY
    score_name: str = ACCURACY
    n: int
    drawn: int
    planned: int
    unchanged: int = 0
    abstained: int
    abstained_in_distribution: int
    unparsed_outputs: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    score_in_distribution: float
    score_under_shift: float
    drop: Estimate
    paired: bool
    sequential: bool = False
    budget: float | None
    verdict: Verdict
    reason: str
    p_fail: float | None = None
    p_fail_adjusted: float | None = None
    inconsistency_rate: float | None = None
    seed_drops: tuple[float, ...] = ()
    metrics: Mapping[str, ScorePair] = field(default_factory=dict)
    shifted_set_hash: str
    flipped: int = 0
    flips: tuple[Flip, ...] = ()
    per_label: tuple[LabelCounts, ...] = ()
    breakdown: tuple[GroupScore, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    items: ExampleScores | None = None
    details: ShiftDetails | None = None
    seed: int = field(default=0, metadata=NOT_REPORTED)
    before: Categorical[float | None] = field(default_factory=Categorical, metadata=NOT_REPORTED)
    after: Categorical[float | None] = field(default_factory=Categorical, metadata=NOT_REPORTED)

    @property
    def is_by_example(self) -> bool:
        """Whether the scores of single examples are known, and may be compared."""
        return len(self.before) > 0

    @property
    def stopped(self) -> bool:
        """Whether the check was decided before all examples were used."""
        return self.drawn < self.planned

    @property
    def attack(self) -> AttackFigures | None:
        """The figures of the attack that made the examples, if they are known."""
        return self.details.figures if isinstance(self.details, AttackDetails) else None

    @property
    def case_inputs(self) -> int | None:
        """Number of inputs, where several inputs are scored as one case; else None."""
        return self.details.inputs if isinstance(self.details, CaseDetails) else None

    @property
    def score_answered(self) -> float | None:
        """The mean score under the shift over the parsed answers.

        None for several seeds, for another metric than the score, and for attacks, where a success
        costs the score of an answer.
        """
        if self.metric != ACCURACY or self.attack is not None:
            return None
        score, n = self.score_under_shift, self.n
        return _score_answered(score, n, self.abstained, len(self.seed_drops))


def _score_answered(score: float, n: int, abstained: int, seeds: int) -> float | None:
    # An abstention scores 0.
    return score * n / (n - abstained) if seeds <= 1 and abstained < n else None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How much more a model drops than the baseline, on the same items.

    Attributes:
        suite: The suite's name.
        kind: Kind of shift, such as domain, noise or adversarial.
        shift: The shift's name.
        surrogate: The model that the adversarial examples were made against; None if there is none.
        model: The model's name.
        baseline: The name of the model that it is compared with.
        metric: The metric that drops; accuracy stands for the mean score.
        score_name: Name of the mean score.
        n: Number of examples.
        drawn: Examples of the in-distribution sample that were used.
        planned: Examples available.
        errors: Number of inputs without an answer, of either model, by reason.
        case_inputs: Number of inputs, where several inputs are scored as one case; else None.
        scores: The model's metric before and under the shift; None where it is unknown.
        baseline_scores: The baseline's.
        drop: The model's drop.
        baseline_drop: The baseline's drop.
        difference: drop - baseline_drop, with its interval; negative if the model drops less. For
            cases the baseline's score less the model's, as single answers in distribution are not
            comparable with cases.
        margin: The largest allowed difference, or None.
        verdict: pass, fail, inconclusive or invalid.
        reason: Reason of the verdict.
        p_fail: p-value of "the difference is within the margin", or None.
        p_fail_adjusted: The p-value adjusted for all gates of the run, once they are known.
        seed: Seed of the run.
        flips: The first examples that flip for the model and not for the baseline.
        flipped: Number of all of these.
    """

    TYPE: ClassVar[str] = "comparison"

    suite: str
    kind: str
    shift: str
    surrogate: str | None = None
    model: str
    baseline: str
    metric: str = ACCURACY
    score_name: str = ACCURACY
    n: int
    drawn: int
    planned: int
    errors: Mapping[str, int] = field(default_factory=dict)
    case_inputs: int | None = None
    scores: ScorePair | None = None
    baseline_scores: ScorePair | None = None
    drop: float
    baseline_drop: float
    difference: Estimate
    margin: float | None
    verdict: Verdict
    reason: str
    p_fail: float | None = None
    p_fail_adjusted: float | None = None
    seed: int = field(default=0, metadata=NOT_REPORTED)
    flips: tuple[Flip, ...] = field(default=(), metadata=NOT_REPORTED)
    flipped: int = field(default=0, metadata=NOT_REPORTED)


Result = Floor | Evaluation | Comparison


def to_record(result: Result) -> dict[str, Any]:
    """Return a result as plain values, for another process."""
    record: dict[str, Any] = to_plain(result)
    return record


def from_record(record: Mapping[str, Any]) -> Result:
    """Undo `to_record`."""
    result: Result = from_plain(Result, record)
    return result
