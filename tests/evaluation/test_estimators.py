from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pytest_ood.budgets import Rules, judge_at_most
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import ConfigurationError, NotApplicableError
from pytest_ood.evaluation import estimators
from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.metrics import Outcome, Outcomes, find_metric
from pytest_ood.statistics import Statistic, paired_drop, unpaired_drop
from pytest_ood.statistics.calibration import CalibrationRise
from pytest_ood.statistics.functions import FunctionOfMeans
from pytest_ood.statistics.proportions import PairedDifference, UnpairedDifference
from pytest_ood.statistics.sequential import Sequential
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.trials.trial import Trial

LABELS = ("neg", "pos")
TASK = Classification(LABELS)
ALPHA = 0.05


def outcomes(
    truth: str, answers: str, scores: Sequence[float] | None = None, prefix: str = "e"
) -> Outcomes:
    """Make outcomes of one letter each: n for neg, p for pos, - for none."""
    names = {"n": "neg", "p": "pos", "-": None}
    found = []
    for place, (label, answer) in enumerate(zip(truth, answers, strict=True)):
        given = names[answer]
        known = {} if scores is None or given is None else {given: scores[place]}
        right = float(answer == label)
        label_ = names[label]
        assert label_ is not None
        found.append(Outcome(f"{prefix}{place}", label_, Prediction(given, known), right))
    return Outcomes.of(found)


def trial(before: Outcomes, after: Outcomes, *, paired: bool = True) -> Trial:
    """Make a trial of these answers."""
    texts = tuple("" for _ in after)
    return Trial(
        paired=paired,
        drawn=len(before),
        before=before,
        after=after,
        originals=texts if paired else None,
        shifted=texts,
    )


# Of eight examples five are negative: six are right before and three after.
PAIRED = trial(outcomes("nnnnnppp", "nnnnpppn"), outcomes("nnnnnppp", "nnppnnnn"))
# The target has two negatives of eight, and half of each label right.
OTHER = trial(
    outcomes("nnnnpppp", "nnnnpppp"), outcomes("nnpppppp", "npnnpppn", prefix="t"), paired=False
)


def bounds(figure: Statistic) -> tuple[float, float]:
    """Return a figure's bounds."""
    return figure.bounds(ALPHA)


def test_a_drop_of_accuracy_is_that_of_the_scores() -> None:
    """Paired and unpaired scores get the figures that belong to them."""
    measurement = Measurement([PAIRED])
    before, after = measurement.scores_before, measurement.scores_after
    assert (list(before), list(after)) == (
        [1.0] * 4 + [0.0, 1.0, 1.0, 0.0],
        [1, 1, 0, 0, 1, 0, 0, 0],
    )
    paired = estimators.drop_statistic([PAIRED], "accuracy", TASK)
    # Four are lost (two negatives, two positives) and one is gained.
    assert paired == PairedDifference(4, 1, 8)
    assert bounds(paired) == bounds(paired_drop(before, after))
    unpaired = estimators.drop_statistic([OTHER], "accuracy", TASK)
    assert unpaired.value == 0.5
    assert bounds(unpaired) == bounds(unpaired_drop([1.0] * 8, [1, 0, 0, 0, 1, 1, 1, 0]))


@pytest.mark.parametrize(
    ("metric", "before", "after", "drop", "n"),
    [
        # neg: 4 right of 5 true and 5 given; pos: 2 of 3 and 3. After: neg 3 of 5 and 6, pos 0.
        ("macro-f1", (8 / 10 + 4 / 6) / 2, (6 / 11) / 2, (8 / 10 + 4 / 6) / 2 - 3 / 11, 8),
        # A recall rests on the examples of its label.
        ("recall-neg", 4 / 5, 3 / 5, 1 / 5, 5),
        ("recall-pos", 2 / 3, 0.0, 2 / 3, 3),
        ("pdr", 6 / 8, 3 / 8, 1 / 2, 8),
    ],
)
def test_other_metrics_by_hand(
    metric: str, before: float, after: float, drop: float, n: int
) -> None:
    """Each metric has the value that its definition gives on eight examples."""
    assert estimators.measured([PAIRED], metric, TASK) == pytest.approx((before, after))
    figure = estimators.drop_statistic([PAIRED], metric, TASK)
    assert figure.value == pytest.approx(drop)
    assert figure.n == n
    low, high = bounds(figure)
    assert low < drop < high
    assert estimators.seed_drops([PAIRED], metric, TASK) == pytest.approx((drop,))


def test_calibration_by_hand() -> None:
    """Confidence less the share of right answers, bin by bin; more of it is worse."""
    # Two bins: 0.95 with 3 of 4 right, 0.65 with 2 of 4 right.
    before = outcomes("nnnnpppp", "nnnppnnp", [0.95] * 4 + [0.65] * 4)
    # Nothing is right any more.
    after = outcomes("nnnnpppp", "ppppnnnn", [0.95] * 4 + [0.65] * 4)
    error = (abs(0.95 - 0.75) + abs(0.65 - 0.5)) / 2
    case = trial(before, after)
    assert estimators.measured([case], "ece", TASK) == pytest.approx((error, 0.8))
    assert estimators.drop_statistic([case], "ece", TASK).value == pytest.approx(0.8 - error)
    with pytest.raises(NotApplicableError, match="needs a probability with every answer"):
        estimators.drop_statistic([PAIRED], "ece", TASK)


def test_another_mix_of_labels_is_no_drop() -> None:
    """The target's score is averaged label by label with the source's shares as weights."""
    # Half of the source is negative; of the target 1 of 2 negatives and 3 of 6 positives is right.
    assert estimators.measured([OTHER], "reweighted", TASK) == (1.0, 0.5)
    skewed = trial(
        outcomes("nnnp", "nnnp"), outcomes("nppppppp", "nppnnnnp", prefix="t"), paired=False
    )
    # 3/4 of what the one negative scores, 1/4 of three in seven.
    value = 1.0 - (3 / 4 * 1.0 + 1 / 4 * 3 / 7)
    assert estimators.drop_statistic([skewed], "reweighted", TASK).value == pytest.approx(value)
    assert estimators.drop_statistic([skewed], "accuracy", TASK).value == pytest.approx(1.0 - 4 / 8)


def test_a_target_without_a_label_cannot_be_reweighted() -> None:
    """A label of the source that the target lacks is named."""
    estimators.measured([OTHER], "reweighted", TASK)
    lacking = trial(OTHER.before, outcomes("pp", "pp", prefix="t"), paired=False)
    with pytest.raises(NotApplicableError, match="the target has no example of label 'neg'"):
        estimators.drop_statistic([lacking], "reweighted", TASK)
    more = trial(outcomes("pp", "pp"), OTHER.after, paired=False)
    estimators.drop_statistic([more], "reweighted", TASK)


def test_an_unknown_metric_is_a_wrong_name() -> None:
    """A name that no metric has is refused, with those that there are."""
    with pytest.raises(ConfigurationError, match="unknown metric 'f1'"):
        estimators.drop_statistic([PAIRED], "f1", TASK)


def repeated(truth: str, answers: str, times: int, prefix: str = "e") -> Outcomes:
    """Make outcomes of the same letters many times over, each answer with a probability of 1."""
    return outcomes(truth * times, answers * times, [1.0] * len(truth) * times, prefix)


RARE = "n" * 14 + "p" * 86
"""14 negatives of 100."""


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("recall-neg", "14 examples of 'neg' show no drop of at most 5.0 points even if none is "
         "lost; 59 are the least"),
        # Of x of the recall, the mean of two labels' F1 loses x / (2 - x) / 2, and a little of the
        # other label's precision.
        ("macro-f1", "14 examples of 'neg' show no drop of at most 5.0 points even if none is "
         "lost; 18 are the least"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("paired", [True, False])
def test_a_label_s_few_examples_show_nothing(metric: str, reason: str, *, paired: bool) -> None:
    """An always-right model does not pass on fewer examples than can show it; they are counted."""
    case = trial(repeated(RARE, RARE, 1), repeated(RARE, RARE, 1, "t"), paired=paired)
    figure = estimators.drop_statistic([case], metric, TASK)
    judged = judge_at_most(figure, 0.05, Rules(ALPHA), find_metric(metric, TASK).examples)
    assert (judged.verdict, judged.reason) == ("invalid", reason)
    relative = estimators.difference_statistic([case], [case], metric, TASK)
    assert (
        judge_at_most(relative, 0.05, Rules(ALPHA), find_metric(metric, TASK).examples).reason
        == reason
    )
    seeds = estimators.drop_statistic([case] * 3, metric, TASK)
    assert (
        judge_at_most(seeds, 0.05, Rules(ALPHA), find_metric(metric, TASK).examples).reason
        == reason
    )


@pytest.mark.parametrize(
    ("metric", "truth", "verdict"),
    [
        ("recall-neg", "n" * 58 + "p" * 58, "invalid"),
        ("recall-neg", "n" * 59 + "p" * 1, "pass"),
        ("pdr", "n" * 58, "invalid"),
        ("pdr", "n" * 59, "pass"),
        ("macro-f1", "n" * 29 + "p" * 29, "invalid"),
        ("macro-f1", "n" * 40 + "p" * 40, "pass"),
        ("ece", "n" * 29 + "p" * 29, "invalid"),
        ("ece", "n" * 50 + "p" * 50, "pass"),
        ("reweighted", "n" * 29 + "p" * 29, "invalid"),
        ("reweighted", "n" * 50 + "p" * 50, "pass"),
    ],
)
@pytest.mark.parametrize("paired", [True, False])
def test_every_metric_takes_proof(metric: str, truth: str, verdict: str, *, paired: bool) -> None:
    """The drop of an always-right model passes only where as many examples can show it."""
    case = trial(repeated(truth, truth, 1), repeated(truth, truth, 1, "t"), paired=paired)
    figure = estimators.drop_statistic([case], metric, TASK)
    judged = judge_at_most(figure, 0.05, Rules(ALPHA), find_metric(metric, TASK).examples)
    assert judged.verdict == verdict


def test_a_weight_that_few_target_examples_carry_takes_proof() -> None:
    """Nine in ten of the mix rest on six examples: they show nothing, however many others."""
    before, after = "n" * 180 + "p" * 20, "n" * 6 + "p" * 200
    case = trial(repeated(before, before, 1), repeated(after, after, 1, "t"), paired=False)
    figure = estimators.drop_statistic([case], "reweighted", TASK)
    judged = judge_at_most(figure, 0.05, Rules(ALPHA))
    assert judged.verdict == "invalid"
    assert judged.reason.startswith("6 examples of 'neg' show no drop of at most 5.0 points")


def test_recall_is_tested_exactly_on_its_label() -> None:
    """A kept label's recall is the accuracy on its examples; so is that of another domain."""
    assert estimators.drop_statistic([PAIRED], "recall-neg", TASK) == PairedDifference(2, 1, 5)
    assert estimators.drop_statistic([OTHER], "recall-neg", TASK) == UnpairedDifference(4, 4, 1, 2)
    assert estimators.difference_statistic([PAIRED], [STEADY], "recall-neg", TASK) == (
        PairedDifference(2, 1, 5)
    )


def test_recall_of_a_label_that_changes_hands() -> None:
    """Where labels are turned round, other examples have the label after: two samples.

    Where some keep it and others get it, the two sides share examples, and neither test is right.
    """
    turned = trial(outcomes("nnnnpp", "nnnppp"), outcomes("ppppnn", "ppppnp"))
    assert estimators.drop_statistic([turned], "recall-neg", TASK) == UnpairedDifference(3, 4, 1, 2)
    mixed = trial(outcomes("nnnnpp", "nnnppp"), outcomes("nnnnnn", "nnnnpp"))
    figure = estimators.drop_statistic([mixed], "recall-neg", TASK)
    assert isinstance(figure, FunctionOfMeans)
    assert figure.value == pytest.approx(3 / 4 - 4 / 6)
    low, high = bounds(figure)
    assert low < -0.3 < 0.3 < high


THREE = Classification(("neg", "neutral", "pos"))


def test_a_label_without_examples_has_no_recall() -> None:
    """It is not applicable, and the reason names the label and the side that lacks it."""
    with pytest.raises(NotApplicableError, match="of the 8 examples in distribution none has the "
                       "label 'neutral'"):  # fmt: skip
        estimators.drop_statistic([PAIRED], "recall-neutral", THREE)
    lacking = trial(OTHER.before, outcomes("pp", "pp", prefix="t"), paired=False)
    for measure in (estimators.drop_statistic, estimators.measured):
        with pytest.raises(NotApplicableError, match="the 2 examples under the shift none has the "
                           "label 'neg'"):  # fmt: skip
            measure([lacking], "recall-neg", THREE)


def test_macro_f1_is_over_the_labels_that_both_sides_have() -> None:
    """A perfect model has 100, whatever labels the data lacks; no label in common is an error."""
    perfect = trial(PAIRED.before, PAIRED.before)
    truth = "nnnnnppp"
    right = trial(outcomes(truth, truth), outcomes(truth, truth))
    assert estimators.measured([right], "macro-f1", THREE) == (1.0, 1.0)
    assert estimators.measured([perfect], "macro-f1", THREE) == estimators.measured(
        [perfect], "macro-f1", TASK
    )
    # The target has positives alone: a negative answer costs them recall.
    narrow = trial(outcomes(truth, truth), outcomes("pppp", "pppn", prefix="t"), paired=False)
    assert estimators.measured([narrow], "macro-f1", THREE) == pytest.approx((1.0, 6 / 7))
    disjoint = trial(outcomes("nn", "nn"), outcomes("pp", "pp", prefix="t"), paired=False)
    with pytest.raises(NotApplicableError, match="no label has examples both"):
        estimators.drop_statistic([disjoint], "macro-f1", THREE)


def test_the_drop_rate_is_the_drop_s_own_test() -> None:
    """A share of the score that is lost is tested as so much of a drop."""
    rate = estimators.drop_statistic([PAIRED], "pdr", TASK)
    drop = estimators.drop_statistic([PAIRED], "accuracy", TASK)
    assert rate.p_below(0.8) == drop.p_below(0.8 * 6 / 8)
    assert rate.p_above(0.0) == drop.p_above(0.0)
    assert bounds(rate) == pytest.approx([min(1.0, b / (6 / 8)) for b in bounds(drop)])
    nothing = trial(outcomes("nn", "pp"), outcomes("nn", "nn"))
    hopeless = estimators.drop_statistic([nothing], "pdr", TASK)
    assert (hopeless.value, bounds(hopeless)) == (0.0, (0.0, 1.0))
    assert hopeless.p_above(0.1) == hopeless.p_below(0.1) == 1.0


def test_few_examples_inflate_a_calibration_error() -> None:
    """What the calibration error before is inflated by may hide a rise: the bounds allow for it."""
    truth = "n" * 40
    calibrated = outcomes(truth, "nnnp" * 10, [0.75] * 40)
    sure = outcomes(truth, "nnnp" * 10, [0.95] * 40, "t")
    for paired in (True, False):
        figure = estimators.drop_statistic([trial(calibrated, sure, paired=paired)], "ece", TASK)
        assert figure.value == pytest.approx(0.2)
        assert isinstance(figure, CalibrationRise)
        assert figure.below > 0.05
        low, high = bounds(figure)
        assert low < 0.2 - 0.05 < 0.2 + 0.05 < high


STEADY = trial(PAIRED.before, PAIRED.before)


@pytest.mark.parametrize("metric", ["accuracy", "macro-f1", "recall-neg", "pdr"])
@pytest.mark.parametrize("case", [PAIRED, OTHER], ids=["paired", "unpaired"])
def test_a_difference_is_that_of_the_drops(case: Trial, metric: str) -> None:
    """One model's drop minus the other's, by every metric; turned round, it is negated."""
    # The other model is given every score, whatever it answers: it drops otherwise by each metric.
    other = trial(
        case.before,
        Outcomes.of(Outcome(o.id, o.label, Prediction(o.label), 1.0) for o in case.after),
        paired=case.paired,
    )
    mine = estimators.drop_statistic([case], metric, TASK).value
    theirs = estimators.drop_statistic([other], metric, TASK).value
    found = estimators.difference_statistic([case], [other], metric, TASK)
    assert found.value == pytest.approx(mine - theirs)
    turned = estimators.difference_statistic([other], [case], metric, TASK)
    assert turned.value == pytest.approx(theirs - mine)
    for figure in (found, turned):
        low, high = bounds(figure)
        assert low <= figure.value <= high


@pytest.mark.parametrize("metric", ["accuracy", "macro-f1", "recall-neg"])
def test_the_same_answers_differ_by_nothing_for_certain(metric: str) -> None:
    """Two models that answer alike differ by 0, and the interval still leaves room around it."""
    low, high = bounds(estimators.difference_statistic([PAIRED], [PAIRED], metric, TASK))
    assert low < 0.0 < high


def test_the_gap_to_a_reference_is_paired() -> None:
    """What the reference scores above a model on the same target examples is lost or gained."""
    reference = outcomes("nnpppppp", "nnpppppn", prefix="t")
    # Right there: all but the last. Right here: 1, 5, 6 and 7 of eight.
    assert estimators.gap_statistic(reference, Measurement([OTHER])) == PairedDifference(3, 0, 8)
    better = trial(OTHER.before, reference, paired=False)
    assert estimators.gap_difference(
        Measurement([OTHER]), Measurement([better])
    ) == PairedDifference(3, 0, 8)
    assert estimators.gap_difference(
        Measurement([better]), Measurement([OTHER])
    ) == PairedDifference(0, 3, 8)


def test_seeds_are_averaged_example_by_example() -> None:
    """Scores and drops are means over the seeds, whose spread widens the interval."""
    members = [PAIRED, STEADY, PAIRED]
    measurement = Measurement(members)
    before, after = measurement.scores_before, measurement.scores_after
    assert list(before) == [o.score for o in PAIRED.before]
    means = np.mean([[o.score for o in t.after] for t in members], axis=0)
    assert list(after) == pytest.approx([float(v) for v in means])
    assert estimators.seed_drops(members, "accuracy", TASK) == (0.375, 0.0, 0.375)
    several = estimators.drop_statistic(members, "accuracy", TASK)
    assert several.value == pytest.approx(0.25)
    plain = paired_drop(before, after)
    assert several.spread > plain.spread
    for metric in ("accuracy", "macro-f1"):
        figure = estimators.drop_statistic(members, metric, TASK)
        drops = estimators.seed_drops(members, metric, TASK)
        assert figure.value == pytest.approx(np.mean(drops))
    # Of eight, three, six and three are right.
    assert estimators.measured(members, "pdr", TASK) == pytest.approx((0.75, 0.5))


def test_only_models_with_seeds_widen_a_difference() -> None:
    """Against a baseline with one seed the candidate's seeds count, and the other way round."""
    one = estimators.difference_statistic([PAIRED], [STEADY], "accuracy", TASK)
    assert isinstance(one, PairedDifference)
    many = [PAIRED, STEADY, PAIRED]
    mine = estimators.difference_statistic(many, [STEADY], "accuracy", TASK)
    theirs = estimators.difference_statistic([STEADY], many, "accuracy", TASK)
    assert mine.value == pytest.approx(0.25)
    assert theirs.value == pytest.approx(-0.25)
    assert bounds(theirs) == pytest.approx(tuple(-b for b in bounds(mine)[::-1]))
    both = estimators.difference_statistic(many, many[::-1], "accuracy", TASK)
    assert both.spread > 1 / np.sqrt(10), "the seeds of both count"


def test_batches_are_counted_by_look() -> None:
    """The counts at each look are those of the values so far."""
    values = Categorical.of([1.0, 0.0, 0.0, -1.0, 0.0, 1.0])
    current = PairedDifference(2, 1, 6)
    figure = estimators.sequential(
        values, [2, 4, 6], (-1.0, 1.0), 100, current=current, final=False
    )  # fmt: skip
    assert isinstance(figure, Sequential)
    assert list(figure.values) == [-1.0, 0.0, 1.0]
    assert figure.counts.tolist() == [[0, 1, 1], [1, 2, 1], [1, 3, 2]]
    assert (figure.value, figure.n, figure.horizon, figure.final) == (1 / 6, 6, 100, False)
