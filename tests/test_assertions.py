from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.assertions import Ood
from pytest_ood.budgets import Rules
from pytest_ood.data.examples import Dataset
from pytest_ood.errors import (
    BudgetExceededError,
    ConfigurationError,
    DataError,
    ModelError,
    NotApplicableError,
)
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.languages import find_language
from pytest_ood.loading.readers import Reader
from pytest_ood.perturbations import find
from pytest_ood.shifts import DomainShift
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

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
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    return Ood(
        engine=Engine(MemoryStore(), Silent()),
        reader=reader,
        seed=1,
        rules=Rules(0.05),
        max_examples=None,
        on_inconclusive=None,
    )


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
    assert (result.score_in_distribution, result.score_under_shift) == (1.0, 1.0)


def test_class_indices_are_in_the_order_of_the_argument(asserting: Ood) -> None:
    """Labels of data have no order; those of the argument do, and need not be sorted."""

    def indices(texts: list[str]) -> list[int]:
        return [0 if "fine" in text else 1 for text in texts]

    def rows(texts: list[str]) -> list[list[float]]:
        return [[0.75, 0.25] if "fine" in text else [0.25, 0.75] for text in texts]

    for model in (indices, rows):
        with pytest.raises(ModelError, match=r"which data do not tell: labels=\[...\]"):
            asserting.assert_drop(model, reviews(60), "append-url", max_drop=0.05)
        result = asserting.assert_drop(
            model, reviews(60), "append-url", max_drop=0.05, labels=["positive", "negative"]
        )
        assert result.drop.value == 0.0
        assert result.score_in_distribution == 1.0
    stars = [(text, 5 if label == "positive" else 1) for text, label in reviews(60)]
    asserting.assert_drop(
        lambda texts: [5 if "fine" in t else 1 for t in texts], stars, "append-url", max_drop=0.05
    )


def test_logits_are_no_probabilities(asserting: Ood) -> None:
    """A function that answers with them is refused by name, with what to return."""

    def logits(texts: list[str]) -> list[dict[str, float]]:
        return [{"positive": 5.0, "negative": -5.0} for _ in texts]

    with pytest.raises(ModelError, match="'logits' gave the score 5 to the label 'positive'"):
        asserting.assert_drop(logits, reviews(15), "append-url", max_drop=0.05)


NO_SHARES: tuple[Any, ...] = (None, True, "0.1", float("nan"), 10, -0.1, [0.1])


@pytest.mark.parametrize("value", NO_SHARES, ids=repr)
def test_a_budget_is_a_share(asserting: Ood, value: Any) -> None:
    """Whatever else is given as a budget is the same error, before any model is asked."""
    data, sets = reviews(60), [[pair] for pair in reviews(60)]
    with pytest.raises(ConfigurationError, match=r"^max_drop = .* is not a share in \[0, 1\]"):
        asserting.assert_drop(right, data, "append-url", max_drop=value)
    with pytest.raises(ConfigurationError, match=r"^margin = .* is not a share"):
        asserting.assert_no_less_robust(
            right, than=right, on=data, under="append-url", margin=value
        )
    with pytest.raises(ConfigurationError, match=r"^min_score = .* is not a share"):
        asserting.assert_consistent(right, sets, min_score=value)
    with pytest.raises(ConfigurationError, match=r"^min_score = .* is not a share"):
        asserting.assert_expected(right, [["a", "b"]], {"same": True}, min_score=value)


@pytest.mark.parametrize("value", [True, "20", float("nan"), 20.5, 2, -1], ids=repr)
def test_a_query_budget_is_a_count(asserting: Ood, value: Any) -> None:
    """It is a whole number of 3 or more."""
    with pytest.raises(ConfigurationError, match=r"^query_budget = .*give 3 or more"):
        asserting.assert_drop(right, reviews(60), "deepwordbug", max_drop=0.1, query_budget=value)


def rules(texts: list[str]) -> list[str]:
    """Answer every text right."""
    return ["positive" if "fine" in text else "negative" for text in texts]


class Named:
    """A model that tells its labels."""

    name, paradigm, source, fingerprint = "named", "other", "here", None
    parameters: dict[str, Any] = {}  # noqa: RUF012 - as simple as can be
    labels = LABELS

    def predict(self, texts: Any) -> list[Prediction]:
        """Answer every text right."""
        return [Prediction(label) for label in rules(texts)]


FINE = [[f"a fine film number {n}"] for n in range(60)]


def test_a_label_that_nobody_has_is_expected_of_nobody(asserting: Ood) -> None:
    """Where the labels are known, by the test or by the model, another one is an error."""
    unknown = r"unknown label 'Negative'\. Did you mean 'negative'"
    for expect in ({"not": "Negative"}, {"not_down": "Negative"}, {"not_up": "Negative"}):
        cases = [[*case, "a dull film"] for case in FINE]
        with pytest.raises(ConfigurationError, match=unknown):
            asserting.assert_expected(rules, cases, expect, min_score=0.9, labels=LABELS)
        with pytest.raises(ConfigurationError, match=unknown):
            asserting.assert_expected(Named(), cases, expect, min_score=0.9)
        # By its probabilities, which are of all labels.
        with pytest.raises(ConfigurationError, match=unknown):
            asserting.assert_expected(right, cases, expect, min_score=0.9)
    # By what was answered, but for the case.
    with pytest.raises(ConfigurationError, match=r"unknown label 'Positive'. Did you mean"):
        asserting.assert_expected(rules, FINE, {"not": "Positive"}, min_score=0.9)


@pytest.mark.slow
def test_a_label_that_was_never_answered_is_noted(asserting: Ood) -> None:
    """Where nobody knows the labels, the test passes with a note."""
    notes: list[str] = []
    noting = replace(asserting, on_note=notes.append)
    noting.assert_expected(rules, FINE, {"not": "awful"}, min_score=0.9)
    assert len(notes) == 1
    assert "the label 'awful' was never answered (answers: 'positive')" in notes[0]
    noting.assert_expected(rules, FINE, {"not": "negative"}, min_score=0.9, labels=LABELS)

    def surest(texts: list[str]) -> list[dict[str, float]]:
        return [{label: 0.995} for label in rules(texts)]

    # One probability tells nothing of other labels.
    noting.assert_expected(surest, FINE, {"not": "negative"}, min_score=0.9)
    assert len(notes) == 2
    noting.assert_expected(right, FINE, {"not": "negative"}, min_score=0.9)
    assert len(notes) == 2


@pytest.mark.parametrize("other", ["negative ", "Negative", " NEGATIVE"])
def test_labels_that_are_spelled_otherwise_are_no_classes(asserting: Ood, other: str) -> None:
    """Equal but for white space or case: an error that names both, wherever it stands."""
    data = [*reviews(60), ("a dull film", other)]
    both = r"the labels '.*' and '.*' are equal but for white space or case"
    with pytest.raises(DataError, match=f"^data: {both}"):
        asserting.assert_drop(rules, data, "append-url", max_drop=0.1)
    with pytest.raises(DataError, match=f"^contrast sets: {both}"):
        asserting.assert_consistent(rules, [data], min_score=0.5)
    target = Dataset.from_pairs("others", data[-3:])
    with pytest.raises(DataError, match=f"^data and others: {both}"):
        asserting.assert_drop(rules, reviews(60), target, max_drop=0.1)
    with pytest.raises(DataError, match="unknown label"):
        asserting.assert_drop(rules, data, "append-url", max_drop=0.1, labels=LABELS)
    with pytest.raises(DataError, match=r"^contrast sets: unknown label"):
        asserting.assert_consistent(rules, [data], min_score=0.5, labels=LABELS)


def test_both_spellings_may_be_meant(asserting: Ood) -> None:
    """Whoever names both has two classes."""
    data = [(f"{word} number {n}", word) for n in range(60) for word in ("Polish", "polish")]

    def first(texts: list[str]) -> list[str]:
        return [text.split()[0] for text in texts]

    result = asserting.assert_drop(
        first, data, "append-url", max_drop=0.1, labels=["polish", "Polish"]
    )
    assert result.verdict == "pass"


def test_data_of_another_domain_has_some_of_the_labels(asserting: Ood) -> None:
    """None of them is an error, and a new one beside them a note."""
    words = {"positive": "Pos", "negative": "Neg"}
    notes: list[str] = []
    noting = replace(asserting, on_note=notes.append)
    target = Dataset.from_pairs("others", [(t, words[label]) for t, label in reviews(60)])
    with pytest.raises(DataError, match=r"^others: none of its labels \('Neg', 'Pos'\) is one"):
        noting.assert_drop(rules, reviews(60), target, max_drop=0.1)
    more = Dataset.from_pairs("others", [*reviews(60), ("so so", "neutral")])
    noting.assert_drop(rules, reviews(60), more, max_drop=0.1)
    assert notes[0].startswith("others: 'neutral' is a label there but not in distribution")


def test_coarser_labels_are_those_in_distribution(asserting: Ood) -> None:
    """Labels are compared after they are merged."""
    merge = {"positive": "some", "negative": "none"}
    target = Dataset.from_pairs("others", [(t, merge[label]) for t, label in reviews(60)])
    result = asserting.assert_drop(
        rules, reviews(60), DomainShift("others", target, merge=merge), max_drop=0.1
    )
    assert result.verdict == "pass"


def test_one_label_is_no_classification(asserting: Ood) -> None:
    """The error names it, and what to give; with `labels` it is measured."""
    data = [pair for pair in reviews(60) if pair[1] == "positive"]
    told = r"^the data has one label \('positive'\); a classification needs two: give labels=\["
    with pytest.raises(DataError, match=told):
        asserting.assert_drop(rules, data, "append-url", max_drop=0.1)
    with pytest.raises(DataError, match=r"^contrast sets: the data has one label"):
        asserting.assert_consistent(rules, [data], min_score=0.1)
    asserting.assert_consistent(rules, [[pair] for pair in data], min_score=0.1, labels=LABELS)


def test_an_assertion_is_in_a_language(asserting: Ood) -> None:
    """Noise is that of the language; what does not fit it is refused."""
    reviews = [(f"Ein sch\u00f6ner Film, Nummer {n}", "gut") for n in range(40)]
    reviews += [(f"Ein schlechter Film, Nummer {n}", "schlecht") for n in range(40)]

    def by_words(texts: list[str]) -> list[str]:
        return ["gut" if "sch\u00f6n" in text else "schlecht" for text in texts]

    with pytest.raises(BudgetExceededError, match="drop"):
        asserting.assert_drop(by_words, reviews, "transliterate", max_drop=0.1, language="de")
    asserting.assert_drop(by_words, reviews, find("extra-spaces"), max_drop=0.1, language="de")
    with pytest.raises(ConfigurationError, match="negate does not fit German"):
        asserting.assert_drop(by_words, reviews, "negate", max_drop=0.1, language="de")
    with pytest.raises(ConfigurationError, match="unknown language 'xx'"):
        asserting.assert_drop(by_words, reviews, "swap", max_drop=0.1, language="xx")
    german = find("transliterate").in_language(find_language("de"))
    with pytest.raises(BudgetExceededError, match="drop"):
        asserting.assert_drop(by_words, reviews, german, max_drop=0.1)
