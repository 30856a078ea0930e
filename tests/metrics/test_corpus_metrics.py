"""chrF and BLEU of a corpus, against sacrebleu's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.metrics import Metric, Outcome, Outcomes, find_metric, metric_names
from pytest_ood.metrics.outcomes import pseudo_outcomes
from pytest_ood.tasks import FreeText, Prediction, QuestionAnswering
from pytest_ood.tasks.free_text import Metric as TextMetric

WORDS = ("the", "cat", "sat", "on", "a", "mat.", "(now)", "été", "Дом", "12")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)
LIBRARY: dict[TextMetric, Any] = {"chrf": sacrebleu.CHRF(), "bleu": sacrebleu.BLEU(force=True)}
Row = tuple[str | None, list[str]]


@st.composite
def corpora(draw: st.DrawFn) -> list[Row]:
    """Draw answers, some of them none or right, with equally many references each."""
    count = draw(st.integers(1, 3))
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        references = draw(st.lists(TEXTS, min_size=count, max_size=count))
        rows.append((draw(st.none() | TEXTS | st.sampled_from(references)), references))
    return rows


def outcomes(metric: TextMetric, rows: list[Row]) -> Outcomes:
    """Return answered examples."""
    task, answered = FreeText(metric), []
    for answer, references in rows:
        example = Example("e", "input", references[0], tuple(references[1:]))
        prediction = Prediction(answer)
        truth, score = task.truth(prediction, example), task.score(prediction, example)
        answered.append(Outcome("e", truth, prediction, score))
    return Outcomes.of(answered)


def corpus_metric(metric: TextMetric) -> Metric:
    """Return the metric that budgets are of."""
    task = FreeText(metric)
    return find_metric(task.headline, task)


def values(metric: TextMetric, before: list[Row], after: list[Row]) -> list[float]:
    """Return the corpus metric of two sides."""
    sides = [outcomes(metric, rows) for rows in (before, after)]
    measured = corpus_metric(metric).for_answers(*sides)
    means = [measured.features(side).mean(axis=0) for side in sides]
    return [float(value) for value in measured.values(*means)]


def by_library(metric: TextMetric, rows: list[Row]) -> float:
    """Return sacrebleu's figure, for which an abstention is an empty text."""
    streams = [list(stream) for stream in zip(*(references for _, references in rows), strict=True)]
    answers = [answer or "" for answer, _ in rows]
    return float(LIBRARY[metric].corpus_score(answers, streams).score) / 100


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
@settings(max_examples=60)
@given(before=corpora(), after=corpora())
def test_a_corpus_is_scored_as_by_sacrebleu(
    metric: TextMetric, before: list[Row], after: list[Row]
) -> None:
    """Also with several references, with empty answers, and sides of different size."""
    expected = [by_library(metric, before), by_library(metric, after)]
    assert values(metric, before, after) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_a_corpus_is_not_the_mean_of_its_texts(metric: TextMetric) -> None:
    """A long text counts more than a short one."""
    rows: list[Row] = [("a", ["a"]), ("it is now on the mat", ["the cat sat on the mat now"])]
    mean = np.mean([outcome.score for outcome in outcomes(metric, rows)])
    assert values(metric, rows, rows)[0] < mean - 0.1


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_hypothetical_answers_are_right_and_wrong(metric: TextMetric) -> None:
    """Intervals ask what other answers would have changed: the truth is right, nothing is not."""
    rows: list[Row] = [(None, ["the cat sat on a mat", "a cat sat on the mat now"])]
    before = outcomes(metric, rows)
    measured = corpus_metric(metric).for_answers(before, before)
    right, wrong = measured.features(pseudo_outcomes(before, FreeText(metric)))
    assert float(measured.value(right)) == pytest.approx(1.0)
    assert float(measured.value(wrong)) == 0.0


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_means_are_resampled_at_once(metric: TextMetric) -> None:
    """Many rows of means give the values of each; what is left of rounding counts for nothing."""
    rows: list[Row] = [("the cat sat on a mat", ["the cat sat on the mat"]), (None, ["a mat."])]
    side = outcomes(metric, rows)
    measured = corpus_metric(metric).for_answers(side, side)
    means = measured.features(side).mean(axis=0)
    stacked = np.stack([means, np.zeros_like(means), np.full_like(means, 1e-17)])
    together = measured.value(stacked)
    assert together[0] == float(measured.value(means))
    assert together[1] == 0.0
    assert 0.0 <= together[2] <= 1.0


def test_each_text_metric_has_its_corpus_metric() -> None:
    """No other task has them, and ROUGE-L is a mean over texts as in its library."""
    names = {metric: metric_names(FreeText(metric), "noise") for metric in LIBRARY}
    assert "corpus-chrf" in names["chrf"]
    assert "corpus-chrf" not in names["bleu"]
    assert "corpus-bleu" in names["bleu"]
    for task in (FreeText("rouge-l"), FreeText("similarity"), QuestionAnswering()):
        assert not any(name.startswith("corpus-") for name in metric_names(task, "noise"))
