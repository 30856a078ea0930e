from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ood.assertions import Ood
from pytest_ood.budgets import Rules
from pytest_ood.engine import Engine
from pytest_ood.errors import BudgetExceededError, ModelError, NotApplicableError
from pytest_ood.progress import Silent
from pytest_ood.readers import Reader
from pytest_ood.store import MemoryStore

LABELS = ("negative", "neutral", "positive")


def reviews(each: int) -> list[tuple[str, str]]:
    """Return so many texts of either label that occurs."""
    return [
        (f"a {word} film number {number}", label)
        for number in range(each)
        for word, label in (("fine", "positive"), ("dull", "negative"))
    ]


def right(texts: list[str]) -> list[dict[str, float]]:
    """Answer every text right, and surely."""
    return [
        {"negative": 0.01, "positive": 0.99} if "fine" in text else
        {"negative": 0.99, "positive": 0.01} for text in texts
    ]  # fmt: skip


@pytest.fixture
def asserting(tmp_path: Path) -> Ood:
    """Return the assertions of a run without other gates."""
    reader = Reader(tmp_path, tmp_path, offline=True, progress=Silent())
    return Ood(Engine(MemoryStore(), Silent()), reader, 1, Rules(0.05), None, None)


@pytest.mark.parametrize(
    ("metric", "counted"),
    [
        ("accuracy", "30 examples"),
        ("macro-f1", "30 examples"),
        ("recall-negative", "15 examples of 'negative'"),
        ("recall-positive", "15 examples of 'positive'"),
        ("pdr", "30 examples"),
        ("ece", "30 examples"),
    ],
)
def test_few_examples_pass_no_budget(asserting: Ood, metric: str, counted: str) -> None:
    """Whatever a budget is about, an always-right model on 15 pairs of each label is invalid."""
    message = f"{counted} show no drop of at most 5.0 points even if none is lost; 59 are the least"
    with pytest.raises(BudgetExceededError, match=f"^invalid: .*{message}"):
        asserting.assert_drop(right, reviews(15), "append-url", max_drop=0.05, metric=metric)
    with pytest.raises(BudgetExceededError, match=f"^invalid: .*{message}"):
        asserting.assert_no_less_robust(
            right, than=right, on=reviews(15), under="append-url", margin=0.05, metric=metric
        )


@pytest.mark.parametrize(
    "metric", ["accuracy", "macro-f1", "recall-negative", "recall-positive", "pdr", "ece"]
)
def test_enough_examples_pass_every_budget(asserting: Ood, metric: str) -> None:
    """With 60 of each label the same model passes by each of them."""
    result = asserting.assert_drop(right, reviews(60), "append-url", max_drop=0.05, metric=metric)
    assert (result.verdict, result.drop.value) == ("pass", 0.0)
    assert result.drop.n == (60 if metric.startswith("recall") else 120)


def test_a_label_that_the_data_lacks(asserting: Ood) -> None:
    """Its recall is not applicable; macro-F1 is that of the others, 100 for a perfect model."""
    data: Any = reviews(60)
    with pytest.raises(NotApplicableError, match="none has the label 'neutral'"):
        asserting.assert_drop(
            right, data, "append-url", max_drop=0.05, metric="recall-neutral", labels=LABELS
        )
    result = asserting.assert_drop(
        right, data, "append-url", max_drop=0.05, metric="macro-f1", labels=LABELS
    )
    assert (result.score_id, result.score_ood) == (1.0, 1.0)


def test_logits_are_no_probabilities(asserting: Ood) -> None:
    """A function that answers with them is refused by name, with what to return."""

    def logits(texts: list[str]) -> list[dict[str, float]]:
        return [{"positive": 5.0, "negative": -5.0} for _ in texts]

    with pytest.raises(ModelError, match="'logits' gave the score 5 to the label 'positive'"):
        asserting.assert_drop(logits, reviews(15), "append-url", max_drop=0.05)
