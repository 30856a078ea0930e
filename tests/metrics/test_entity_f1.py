from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.tags import spans_of_tags
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import estimators
from pytest_ood.metrics import Metric, Outcome, Outcomes, find_metric, metric_class, metric_names
from pytest_ood.statistics.functions import FunctionOfMeans
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.tasks.named_entities import NO_SPAN, Entity, NamedEntities, counted, written
from pytest_ood.trials.trial import Trial

TASK = NamedEntities(("PER", "LOC"))


def of_tags(tags: Sequence[str]) -> str:
    """Return the entities that tags mark; a word is a character."""
    return written([Entity(a, b, label, "") for a, b, label in spans_of_tags(tags)])


def outcomes(*pairs: tuple[str, str | None]) -> Outcomes:
    """Return graded answers of (truth, answer)."""
    rows = []
    for number, (truth, answer) in enumerate(pairs):
        score = 0.0 if answer is None else counted(answer, truth).f1
        rows.append(Outcome(str(number), truth, Prediction(answer), score))
    return Outcomes.of(rows)


def measured(metric: Metric, given: Sequence[Outcome]) -> float:
    """Return the metric of outcomes."""
    return float(metric.value(metric.features(given).mean(axis=0)))


def test_names() -> None:
    """One for all entities, one of each label, and one of overlaps."""
    names = ("entity-f1", "entity-f1-PER", "entity-f1-LOC", "partial-f1")
    assert [name for name in metric_names(TASK, "noise") if name in names] == list(names)
    assert not set(names) & set(metric_names(Classification(("a", "b")), "noise"))
    assert all(metric_class(name) is type(find_metric(name, TASK)) for name in names)


SEQUENCES = st.lists(
    st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=50)
@given(SEQUENCES, st.randoms(use_true_random=False))
def test_it_is_that_of_seqeval(true: list[list[str]], rng: object) -> None:
    """Micro-averaged and of each label: with its default, and strict where tags are IOB2."""
    seqeval = import_module("seqeval.metrics")
    schemes = import_module("seqeval.scheme")
    answers = [list(tags) for tags in true]
    for tags in answers:
        rng.shuffle(tags)  # type: ignore[attr-defined] # a random.Random
    given = outcomes(*((of_tags(t), of_tags(a)) for t, a in zip(true, answers, strict=True)))
    both = [[strict(tags) for tags in side] for side in (true, answers)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = seqeval.f1_score(true, answers)
        exact = seqeval.f1_score(*both, mode="strict", scheme=schemes.IOB2)
        report = seqeval.classification_report(true, answers, output_dict=True)
    assert measured(find_metric("entity-f1", TASK), given) == pytest.approx(expected)
    assert expected == pytest.approx(exact)
    for label in TASK.entities:
        f1 = report[label]["f1-score"] if label in report else 0.0
        assert measured(find_metric(f"entity-f1-{label}", TASK), given) == pytest.approx(f1)


def strict(tags: Sequence[str]) -> list[str]:
    """Return tags of the same spans in strict IOB2."""
    found = ["O"] * len(tags)
    for start, end, label in spans_of_tags(tags):
        found[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return found


def test_by_hand() -> None:
    """Right in span and label; an overlap with the right label is right in part."""
    long, short = Entity(0, 3, "PER", ""), Entity(0, 2, "PER", "")
    place = Entity(5, 6, "LOC", "")
    nowhere = Entity(*NO_SPAN, "LOC", "Rome")
    given = outcomes(
        (written([long, place]), written([short, place])),
        (written([place]), None),
        ("[]", written([nowhere])),
        ("[]", "[]"),
    )
    # One of three is right, and three are answered; a half match counts apart.
    assert measured(find_metric("entity-f1", TASK), given) == pytest.approx(2 / 6)
    assert measured(find_metric("partial-f1", TASK), given) == pytest.approx(4 / 6)
    assert measured(find_metric("entity-f1-LOC", TASK), given) == pytest.approx(2 / 4)
    assert measured(find_metric("entity-f1-PER", TASK), given) == 0.0


TRUTH = written([Entity(0, 3, "PER", "Ann")])


def trial(before: Outcomes, after: Outcomes) -> Trial:
    """Return a trial of these answers."""
    texts = ("",) * len(after)
    return Trial(
        paired=True, drawn=len(before), before=before, after=after, originals=texts, shifted=texts
    )


def test_texts_without_entities_tell_nothing_about_the_spread() -> None:
    """The most frequent truth has none; outcomes that join the sample have an entity."""
    pairs = [(TRUTH, TRUTH)] * 3 + [("[]", "[]")] * 30
    figure = estimators.drop_statistic(
        [trial(outcomes(*pairs), outcomes(*pairs))], "entity-f1", TASK
    )
    assert isinstance(figure, FunctionOfMeans)
    (pseudo,) = figure.pseudo
    assert len(np.unique(pseudo, axis=0)) == 2
    low, high = figure.bounds(0.05)
    assert low < 0.0 < high


def test_an_entity_is_needed_on_both_sides() -> None:
    """There is no F1 without any, and the message says of which label."""
    without = trial(outcomes((TRUTH, TRUTH)), outcomes(("[]", "[]")))
    with pytest.raises(NotApplicableError, match="examples under the shift there is no entity to"):
        estimators.drop_statistic([without], "entity-f1", TASK)
    both = trial(outcomes((TRUTH, TRUTH)), outcomes((TRUTH, None)))
    with pytest.raises(NotApplicableError, match="no entity with the label 'LOC'"):
        estimators.drop_statistic([both], "entity-f1-LOC", TASK)
    assert estimators.measured([both], "entity-f1", TASK) == (1.0, 0.0)
