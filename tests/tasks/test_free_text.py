"""Free answers, against the figures of the libraries that define their scores."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError, MissingDependencyError
from pytest_ood.tasks import FreeText, Prediction
from pytest_ood.tasks.free_text import MEASURES, Metric, joined, split

WORDS = ("the", "cat", "sat", "on", "a", "mat", "now", "été", "12", ".", "Дом", "(a)")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)
REFERENCES = st.lists(TEXTS, min_size=1, max_size=3, unique=True)


def example(first: str, *others: str) -> Example:
    """Return an example with these references."""
    return Example("1", "input", first, others)


def score(metric: Metric, answer: str | None, *references: str) -> float:
    """Return the score of an answer."""
    return FreeText(metric).score(Prediction(answer), example(*references))


@settings(max_examples=60)
@given(answer=TEXTS, references=REFERENCES)
def test_chrf_and_bleu_are_sacrebleu_s(answer: str, references: list[str]) -> None:
    """The functions of single sentences that the library recommends, also with references."""
    chrf = sacrebleu.sentence_chrf(answer, references).score / 100
    bleu = sacrebleu.sentence_bleu(answer, references).score / 100
    assert score("chrf", answer, *references) == pytest.approx(chrf, abs=1e-9)
    assert score("bleu", answer, *references) == pytest.approx(bleu, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=60)
@given(answer=TEXTS, references=REFERENCES.filter(lambda r: any(c.isascii() for c in r[0])))
def test_rouge_is_that_of_its_library(answer: str, references: list[str]) -> None:
    """The F-measure of the longest common subsequence with the best of several references."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"])
    expected = max(scorer.score(reference, answer)["rougeL"].fmeasure for reference in references)
    assert score("rouge-l", answer, *references) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "answer", "references", "expected"),
    [
        # Letters: 3 of 3 are right, 3 of 6 are found; pairs 2 of 2 and 2 of 5, ...: precision 1,
        # recall (3/6 + 2/5 + 1/4) / 3 over the lengths that the answer has; F with recall twice.
        ("chrf", "abc", ["abcdef"], 5 * (23 / 60) / (4 + 23 / 60)),
        # Words 3 of 4, pairs 2 of 3, triples 1 of 2, and 1/2 for none of 1.
        ("bleu", "the cat sat there", ["the cat sat down"], (3 / 4 * 2 / 3 / 2 / 2) ** 0.25),
        # Words of either reference count, and no pair is right: 1/2.
        ("bleu", "a b", ["a c", "d b"], (1 / 2) ** 0.5),
        *((metric, "Yes, of course.", ["Yes, of course."], 1.0) for metric in ("chrf", "bleu")),
        *((metric, "no", ["Yes, of course.", "no"], 1.0) for metric in ("chrf", "bleu")),
        *((metric, "zzz", ["Yes, of course."], 0.0) for metric in ("chrf", "bleu")),
        *((metric, None, ["Yes"], 0.0) for metric in ("chrf", "bleu", "rouge-l")),
    ],
)  # fmt: skip
def test_scores_worked_by_hand(
    metric: Metric, answer: str | None, references: list[str], expected: float
) -> None:
    """A score is exactly 1 for a reference itself, and 0 for an abstention."""
    assert score(metric, answer, *references) == pytest.approx(expected, abs=1e-9)
    if expected == 1.0:
        assert score(metric, answer, *references) == 1.0


class Letters:
    """Embeds a text as the counts of three letters; keeps how often it was called."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of length 1."""
        self.calls.append(list(texts))
        rows = np.array([[text.count(c) for c in "abc"] for text in texts], np.float32)
        signed: NDArray[np.float32] = rows * np.where([["-" in t] for t in texts], -1.0, 1.0)
        return signed / np.linalg.norm(signed, axis=1, keepdims=True)


def test_similarity_embeds_all_texts_together() -> None:
    """The cosine with the nearest reference, 0 if it is negative or there is no answer."""
    embed = Letters()
    task = FreeText("similarity").with_embeddings(embed)
    pairs = [
        (Prediction("aab"), example("aab")),
        (Prediction("a"), example("b", "ab", "cc")),
        (Prediction("-a"), example("a")),
        (Prediction(None), example("a")),
    ]
    expected = [1.0, 0.7071, 0.0, 0.0]
    assert task.scores(pairs) == expected
    assert len(embed.calls) == 1
    assert len(set(embed.calls[0])) == len(embed.calls[0])
    assert [task.score(*pair) for pair in pairs] == expected
    assert task.truth(*pairs[1]) == "b"


@pytest.mark.demo
def test_similarity_is_that_of_the_packaged_model() -> None:
    """As the model card's example computes it, with the tokens of one text, unpadded."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModel, AutoTokenizer

    from pytest_ood.models._sentence_embeddings import embeddings
    from pytest_ood.perturbations.resources import asset

    folder = asset("minilm")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    def vector(text: str) -> NDArray[np.float64]:
        """Return the mean of the last hidden states."""
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state
        mean: NDArray[np.float64] = states[0].mean(0).double().numpy()
        return mean / np.linalg.norm(mean)

    texts = ["The film was great fun.", "It was a very funny movie indeed, all in all.", "Rain."]
    task = FreeText("similarity").with_embeddings(lambda t: embeddings(t, folder, "this test"))
    scores = task.scores([(Prediction(text), example(texts[0])) for text in texts])
    expected = [float(vector(text) @ vector(texts[0])) for text in texts]
    assert scores == pytest.approx(expected, abs=1e-4)
    assert scores[1] > 0.5 > scores[2]


def test_similarity_needs_embeddings() -> None:
    """Who computes scores without a suite is told what to do."""
    with pytest.raises(ConfigurationError, match="with_embeddings"):
        score("similarity", "a", "b")


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_a_missing_library_is_named(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    from pytest_ood.tasks import free_text

    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    free_text.sacrebleu_metric.cache_clear()
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[text\]"'):
        score(metric, "a", "b")


@pytest.mark.parametrize(
    ("metric", "note"),
    [
        ("chrf", "chrF by sacrebleu: single texts case:mixed|eff:yes|nc:6|nw:0|space:no|version:"),
        ("bleu", "corpus-bleu case:mixed|eff:no|tok:13a|smooth:exp|version:"),
        ("rouge-l", "ROUGE-L: F-measure by rouge-score 0."),
        ("similarity", "all-MiniLM-L6-v2"),
    ],
)
def test_the_version_of_the_measure_is_noted(metric: Metric, note: str) -> None:
    """Reports have the signature, without which figures cannot be compared (Post 2018)."""
    task = FreeText(metric)
    assert note in task.notes[0]
    assert task.measure == MEASURES[metric]
    assert "nrefs" not in task.notes[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("  Two words.\n", "Two words."),
        ("One.\n\nTwo.", "One.\n\nTwo."),
        ("<think>Well.</think> Yes.", "Yes."),
        ('"Quoted"', '"Quoted"'),
        (" \n\u200b", None),
        ("", None),
    ],
)
def test_an_answer_is_the_text_itself(text: str, answer: str | None) -> None:
    """White space and reasoning are removed, and nothing else; an empty text is an abstention."""
    assert FreeText().read(text, {}) == answer


@pytest.mark.parametrize(
    ("metric", "reference", "message"),
    [
        ("chrf", " \n", "the reference is empty"),
        ("bleu", "\u200b", "the reference is empty"),
        ("rouge-l", "Привет, мир", 'no ASCII letter or digit.*metric = "chrf"'),
    ],
)
def test_a_reference_that_nothing_resembles_is_refused(
    metric: Metric, reference: str, message: str
) -> None:
    """Every answer would score 0."""
    with pytest.raises(DataError, match=message):
        FreeText(metric).reference(reference)


def test_the_truth_is_what_the_answer_is_compared_with() -> None:
    """The nearest reference by chrF, all of them by BLEU."""
    several = example("a small dog", "the cat sat", "[1] the cat")
    answer = Prediction("the cat sits")
    assert FreeText("chrf").truth(answer, several) == "the cat sat"
    assert split(FreeText("bleu").truth(answer, several)) == [several.label, *several.references]
    assert FreeText("bleu").truth(answer, example("the cat")) == "the cat"


@given(references=st.lists(st.text(), min_size=1, max_size=3))
def test_joined_references_can_be_split(references: list[str]) -> None:
    """Whatever the texts are, such as a list in JSON."""
    assert split(joined(references)) == references
    assert split(joined([joined(references)])) == [joined(references)]
