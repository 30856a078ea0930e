"""Answers in words: normalization, exact match, token F1, and what of a text is the answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.tasks import Prediction, QuestionAnswering
from pytest_ood.tasks.question_answering import exact_match, normalized, says_none, token_f1

EXTRACTIVE = QuestionAnswering("extractive-qa")
CLOSED = QuestionAnswering("closed-book-qa")
WORDS = st.lists(
    st.sampled_from(["the", "A", "Paris", "paris.", "in", "1,990", "U.S.", "-", "York!", "x"]),
    max_size=6,
).map(" ".join)

# By hand, after the definitions in Rajpurkar et al. 2016 (section 6.1) and 2018.
SCORED = [
    # answer, right answer, exact match, F1
    ("Denver Broncos", "Denver Broncos", 1.0, 1.0),
    ("The Denver Broncos.", "denver broncos", 1.0, 1.0),
    ("Broncos", "Denver Broncos", 0.0, 2 / 3),
    ("the Denver Broncos team", "Denver Broncos", 0.0, 0.8),
    ("Broncos Denver", "Denver Broncos", 0.0, 1.0),
    ("Paris Paris", "Paris", 0.0, 2 / 3),
    ("Levi's Stadium", "Levis Stadium", 1.0, 1.0),
    ("U.S.", "US", 1.0, 1.0),
    ("1,990", "1990", 1.0, 1.0),
    ("state-of-the-art", "stateoftheart", 1.0, 1.0),
    ("theory", "the ory", 0.0, 0.0),
    ("new \n york", "New York", 1.0, 1.0),
    # Punctuation is ASCII's: the official code leaves other signs where they are.
    ("\u201cParis\u201d", "Paris", 0.0, 0.0),
    ("cat", "dog", 0.0, 0.0),
    # SQuAD 2.0: no answer is right where there is none, and nowhere else.
    ("", "", 1.0, 1.0),
    ("Paris", "", 0.0, 0.0),
    ("", "Paris", 0.0, 0.0),
    # Nothing is left of an article: it is no answer either.
    ("the", "", 1.0, 1.0),
]


@pytest.mark.parametrize(("answer", "right", "exact", "f1"), SCORED)
def test_known_cases(answer: str, right: str, exact: float, f1: float) -> None:
    """Exact match and token F1 are those of the published evaluations."""
    assert exact_match(answer, right) == exact
    assert token_f1(answer, right) == pytest.approx(f1)


@pytest.mark.parametrize("metric", ["f1", "exact-match"])
def test_the_nearest_of_several_answers_counts(metric: str) -> None:
    """The score is the best over all right answers, and the truth is the answer it goes by."""
    task = QuestionAnswering("extractive-qa", metric)  # type: ignore[arg-type]
    example = Example("1", "q", "the city of Paris", ("Paris", "Paris, France"))
    assert task.score(Prediction("paris"), example) == 1.0
    assert task.truth(Prediction("paris"), example) == "Paris"
    assert task.score(Prediction(None), example) == 0.0


def test_half_an_emoji_is_no_part_of_an_answer() -> None:
    """An answer that was cut off there can be kept, and scores as without it."""
    answer = EXTRACTIVE.read("Paris \ud83c", {})
    assert answer == "Paris ?"
    assert EXTRACTIVE.score(Prediction(answer), Example("1", "q", "Paris")) == 1.0


def test_the_truth_decides_both_measures() -> None:
    """Of answers with an equal F1 the one that matches exactly is the truth."""
    example = Example("1", "q", "Broncos Denver", ("Denver Broncos",))
    assert EXTRACTIVE.truth(Prediction("Denver Broncos"), example) == "Denver Broncos"


@given(WORDS, WORDS)
def test_scores_are_shares_and_agree(answer: str, right: str) -> None:
    """F1 is symmetric, in [0, 1], and 1 where the match is exact; both see normalized text."""
    f1 = token_f1(answer, right)
    assert 0.0 <= f1 <= 1.0
    assert f1 == token_f1(right, answer) == token_f1(normalized(answer), right)
    assert exact_match(answer, right) <= f1
    assert normalized(normalized(answer)) == normalized(answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Paris", "Paris"),
        ("Paris.\nIt is in France.", "Paris"),
        ("\n\n Paris ", "Paris"),
        ("**Paris**", "Paris"),
        ("- Paris", "Paris"),
        ("# Paris", "Paris"),
        ('Answer: "Paris."', "Paris"),
        ("**Answer:** Paris", "Paris"),
        ("Answer:\nParis", "Paris"),
        ("A: Paris", "Paris"),
        ("So the answer is: the Eiffel tower.", "the Eiffel tower"),
        ("The final answer is Paris.", "Paris"),
        ("The answer to the question is 1990", "1990"),
        ("<think>Is it Rome?</think>\nParis", "Paris"),
        ("\u201cParis\u201d", "Paris"),
        ('"A" and "B"', '"A" and "B"'),
        ("'Ello", "'Ello"),
        ("Washington, D.C.", "Washington, D.C."),
        ("-5", "-5"),
        ("answered prayers", "answered prayers"),
        ("unknown soldier", "unknown soldier"),
        ('{"answer": "Paris"}', "Paris"),
        ('```json\n{"answer": "Paris", "why": "it says so"}\n```', "Paris"),
        ('{"answer": ["Paris"]}', "Paris"),
        ("<answer>Paris</answer>", "Paris"),
        ("I think.\n<answer>\nParis\n</answer>", "Paris"),
        (r"\boxed{Paris}", "Paris"),
        (r"The answer is \boxed{\text{Paris}}.", "Paris"),
        ("Paris</s>", "Paris"),
        ("Paris<|im_end|>", "Paris"),
        ("Paris<|endoftext|>Q: Where", "Paris"),
        ("\ufeffParis", "Paris"),
        ("\u200bParis", "Paris"),
        ('The answer is "Paris".', "Paris"),
        ("The answer is **Paris**.", "Paris"),
        ("1. Paris", "Paris"),
        ("1) Paris\n2) Rome", "Paris"),
        ("12. Juni 1999", "12. Juni 1999"),
        ("Sure! Here is the answer:\nParis", "Paris"),
        ("Sure, here's the answer: Paris", "Paris"),
        ("Certainly!\n\nParis", "Paris"),
        ("Based on the passage, the answer is Paris.", "Paris"),
        ("According to the given text, Paris", "Paris"),
        ("Surely Paris", "Surely Paris"),
        ("Here is where the heart is", "Here is where the heart is"),
        ("never known peace", "never known peace"),
        ("None Shall Pass", "None Shall Pass"),
        ("no record label", "no record label"),
        ("I don't know how she does it", "I don't know how she does it"),
        ("given names", "given names"),
        ("not in Paris", "not in Paris"),
        ("available light", "available light"),
        ("J. R. R. Tolkien", "J. R. R. Tolkien"),
        ("A.D. 1066", "A.D. 1066"),
        ("no information age", "no information age"),
        ("", None),
        (" \n\t\n", None),
        ("<think>never ends", None),
        ("***", None),
    ],
    ids=ascii,
)
def test_the_answer_in_a_text(text: str, answer: str | None) -> None:
    """The first line that says anything, without what announces and wraps the answer."""
    assert EXTRACTIVE.read(text, {}) == answer
    assert CLOSED.read(text, {}) == answer


@pytest.mark.parametrize(
    "text",
    [
        "unanswerable",
        "Unanswerable.",
        "The question is unanswerable.",
        "No answer",
        "There is no answer in the passage.",
        "N/A",
        "unknown",
        "I don't know.",
        "I don\u2019t know the answer.",
        "I'm not sure",
        "Not mentioned in the text.",
        "The passage does not say who won.",
        "The question cannot be answered from the context.",
        "Answer: unanswerable",
        "It is not mentioned in the passage.",
        "The answer is not in the passage.",
        "I cannot answer this question.",
        "I don't have enough information to answer.",
        "There isn't enough information.",
        "The answer cannot be determined from the passage.",
        "The answer is not given.",
        "The passage doesn't specify.",
        "The provided text never mentions it.",
        "The passage does not explicitly say.",
        "Sorry, I don't know.",
        "I'm sorry, but I cannot answer that.",
        "Unfortunately, the passage does not say.",
        "Based on the passage, it is not stated.",
        "Based on the passage it cannot be determined",
        "Not found",
        "It's unknown.",
        "It is unclear.",
        "Unknown. The passage is about Rome.",
        "There is no mention of it.",
        "The context has no information about this.",
        "I can't tell from the text.",
        "I am unable to determine the answer.",
        "No information is given.",
        '{"answer": null}',
        "Not specified in the context.",
        "It isn't clear from the passage.",
        "This information is not provided.",
        "It has not been mentioned.",
    ],
)
def test_an_answer_that_says_there_is_none(text: str) -> None:
    """About a passage it is SQuAD 2.0's empty answer; from memory it is an abstention."""
    assert EXTRACTIVE.read(text, {}) == ""
    assert EXTRACTIVE.score(Prediction(""), Example("1", "q", "")) == 1.0
    assert CLOSED.read(text, {}) is None
    assert says_none(EXTRACTIVE.read("x", {}) or "") is False


@settings(max_examples=200)
@given(st.text(max_size=40) | WORDS)
def test_reading_is_total_and_settled(text: str) -> None:
    """Any text is an answer or an abstention; one that was read reads as itself."""
    for task in (EXTRACTIVE, CLOSED):
        read = task.read(text.replace("<think>", ""), {})
        if read:
            assert task.read(read, {}) == read
            assert token_f1(read, text) <= 1.0


def test_a_reference_is_without_white_space() -> None:
    """What data hold is stripped, and may be empty."""
    assert EXTRACTIVE.reference(" Paris\n") == "Paris"
    assert EXTRACTIVE.reference("") == ""


@pytest.mark.parametrize(
    ("said", "golds", "label"),
    [
        ("unknown", ["unknown"], "unknown"),
        ("Unknown.", ["unknown", "the sea"], "Unknown"),
        ("Not mentioned", ["not mentioned"], "Not mentioned"),
        ("N/A", ["N/A"], "N/A"),
        ("unknown", ["of unknown origin"], "unknown"),
        ("I think about it.\nAnswer: unknown", ["unknown"], "I think about it."),
        ("unknown", [""], ""),
        ("unknown", ["Rome"], ""),
        ("I don't know", ["unknown"], ""),
        ("unknown", ["", "unknown"], "unknown"),
    ],
)
def test_words_for_no_answer_may_be_the_right_answer(
    said: str, golds: list[str], label: str
) -> None:
    """Where the passage itself answers "unknown", that is what was answered; else there is none."""
    example = Example("1", "q", golds[0], tuple(golds[1:]))
    read = Prediction(EXTRACTIVE.read(said, {}), text=said)
    assert EXTRACTIVE.resolve(read, example).label == label


def test_from_memory_too_unknown_may_be_right() -> None:
    """An abstention, except where its words are the right answer."""
    said = Prediction(CLOSED.read("unknown", {}), text="unknown")
    assert CLOSED.resolve(said, Example("1", "q", "Unknown")).label == "unknown"
    assert CLOSED.resolve(said, Example("1", "q", "Rome")).label is None
