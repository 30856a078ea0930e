from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.parsing import (
    is_thought_mark,
    open_thought,
    parse_answer,
    split_thoughts,
    without_thoughts,
)

SENTIMENT = {"neg": "negative", "pos": "positive"}
ENTAILMENT = {"yes": "entailment", "no": "not entailment", "maybe": "neutral"}
YES_NO = {"true": "yes", "false": "no"}
STARS = {str(number): str(number) for number in range(6)}
VERY = {"-2": "very negative", "-1": "negative", "1": "positive", "2": "very positive"}
CHOICES = {letter: letter for letter in "ABC"}
ROMAN = {number: number for number in ("I", "II", "III")}
SIGNS = {"down": "-", "up": "+"}
UNICODE = {
    "bad": "n\u00e9gatif",
    "gross": "gro\u00dfartig",
    "good": "\u0441\u043e\u0433\u043b\u0430\u0441\u0435\u043d",
    "zh": "\u79ef\u6781",
    "hi": "\u0928\u0915\u093e\u0930",
}


@pytest.mark.parametrize(
    ("text", "words", "label"),
    [
        ("positive", SENTIMENT, "pos"),
        (" Positive.\n", SENTIMENT, "pos"),
        ("**NEGATIVE**", SENTIMENT, "neg"),
        ("_positive_", SENTIMENT, "pos"),
        ("`positive`", SENTIMENT, "pos"),
        ("\u201cPositive\u201d, I'd say", SENTIMENT, "pos"),
        ("<answer>positive</answer>", SENTIMENT, "pos"),
        ("The sentiment is: positive!", SENTIMENT, "pos"),
        ("\n\n  positive\nReview: a negative one\nSentiment: negative", SENTIMENT, "pos"),
        ("Positive because it is fun.\nNothing is negative here.", SENTIMENT, "pos"),
        ("Let me see.\nI think it is positive.", SENTIMENT, "pos"),
        ("positive, positive and again Positive", SENTIMENT, "pos"),
        ("It is not bad, it is positive", SENTIMENT, "pos"),
        ("Not bad. Positive!", SENTIMENT, "pos"),
        ("", SENTIMENT, None),
        ("   \n\n", SENTIMENT, None),
        ("I cannot tell.", SENTIMENT, None),
        ("positively", SENTIMENT, None),
        ("unpositive", SENTIMENT, None),
        ("positive2", SENTIMENT, None),
        ("positive or negative", SENTIMENT, None),
        ("positive/negative", SENTIMENT, None),
        ("Both positive and negative.\nRather positive.", SENTIMENT, None),
        ("Well.\nPositive.\nOr negative.", SENTIMENT, None),
        ("not positive", SENTIMENT, None),
        ("This isn't positive", SENTIMENT, None),
        ("This isn\u2019t really a positive review", SENTIMENT, None),
        ("non-positive", SENTIMENT, None),
        ("I would never call it *positive*", SENTIMENT, None),
        ("Not positive.\nNegative.", SENTIMENT, None),
        ("entailment", ENTAILMENT, "yes"),
        ("Not entailment", ENTAILMENT, "no"),
        ("not_entailment", ENTAILMENT, "no"),
        ("NOT-ENTAILMENT.", ENTAILMENT, "no"),
        ("The answer is **not** **entailment**", ENTAILMENT, "no"),
        ("not an entailment", ENTAILMENT, None),
        ("not entailment but entailment", ENTAILMENT, None),
        ("never not entailment", ENTAILMENT, None),
        ("very positive", VERY, "2"),
        ("positive", VERY, "1"),
        ("Very positive, or just positive?", VERY, None),
        ("No", YES_NO, "false"),
        ("No, it does not.", YES_NO, "false"),
        ("Yes.", YES_NO, "true"),
        ("not yes", YES_NO, None),
        ("4", STARS, "4"),
        ("Rating: 4/5", STARS, None),
        ("Rating: 4 of many", STARS, "4"),
        ("4.5", STARS, None),
        ("-1", STARS, None),
        ("- 1", STARS, "1"),
        ("14", STARS, None),
        ("\u2463", STARS, "4"),
        ("+", SIGNS, "up"),
        (" - ", SIGNS, "down"),
        ("- I cannot tell", SIGNS, None),
        ("NE\u0301GATIF !", UNICODE, "bad"),
        ("GROSSARTIG", UNICODE, "gross"),
        ("\u0421\u041e\u0413\u041b\u0410\u0421\u0415\u041d.", UNICODE, "good"),
        ("\u7b54\u6848\u662f\u79ef\u6781\u7684\u3002", UNICODE, "zh"),
        ("\u4e0d\u79ef\u6781", UNICODE, None),
        ("\u0928\u0915\u093e\u0930", UNICODE, "hi"),
        ("\u0928\u0915\u093e\u0930\u093e\u0924\u094d\u092e\u0915", UNICODE, None),
        ('{"label": "positive"}', SENTIMENT, "pos"),
        ('{"Answer": "Positive."}', SENTIMENT, "pos"),
        ('```json\n{"label": "positive"}\n```', SENTIMENT, "pos"),
        ('Here you are:\n{"sentiment": "positive", "sure": 0.9}', SENTIMENT, "pos"),
        ('Positive or negative? {"label": "negative"}', SENTIMENT, "neg"),
        ('{"answer": "positive", "why": "nothing negative in it"}', SENTIMENT, "pos"),
        ('{"result": {"label": "positive"}, "other": "negative"}', SENTIMENT, "pos"),
        ('{"label": ["positive"]}', SENTIMENT, "pos"),
        ('{"label": 3}', STARS, "3"),
        ('{"label": "positive", "answer": "negative"}', SENTIMENT, None),
        ('{"label": null, "other": "positive"}', SENTIMENT, None),
        ('{"label": "not positive"}', SENTIMENT, None),
        ('{"positive": false}', SENTIMENT, None),
        ('{"first": "positive", "second": "negative"}', SENTIMENT, None),
        ("{'label': 'positive'}", SENTIMENT, "pos"),
        ('{"label": "posi', SENTIMENT, None),
        ("{positive}", SENTIMENT, "pos"),
        ('Positive.\n{"label": "negative"}', SENTIMENT, "pos"),
        ("<think>Is it negative? No.</think>\nPositive", SENTIMENT, "pos"),
        ("<think>It is positive", SENTIMENT, None),
        ("same", {"a": "Same", "b": "same"}, None),
        (
            "**Analysis**: the negative aspects are outweighed.\n**Answer**: positive",
            SENTIMENT,
            "pos",
        ),
        ("The plot is negative in tone.\nLabel: positive", SENTIMENT, "pos"),
        ("The plot is negative in tone.\n\nFinal answer:\npositive", SENTIMENT, "pos"),
        ("It is positive in tone.\nReview: bad\nAnswer: negative", SENTIMENT, "pos"),
        ("positive\nAnswer: negative", SENTIMENT, "pos"),
        ("Negative parts are few.\n<answer>positive</answer>", SENTIMENT, "pos"),
        (r"The negative parts are few: \boxed{\text{positive}}", SENTIMENT, "pos"),
        ("Answer: positive or negative", SENTIMENT, None),
        ("Answer: B. A reason is", CHOICES, "B"),
        ("I choose B because a film", CHOICES, "B"),
        ("C: A film of note", CHOICES, "C"),
        ("**C** - A film of note", CHOICES, "C"),
        ("A very good one, so C", CHOICES, "C"),
        ("Answer: A film of note", CHOICES, "A"),
        ("### Analysis\nnegative aspects\n### Answer\npositive", SENTIMENT, "pos"),
        ("Answer: positive\nExplanation: negative parts", SENTIMENT, "pos"),
        ("Label: positive (not negative)", SENTIMENT, None),
        ("A", CHOICES, "A"),
        ("a", CHOICES, "A"),
        ("(a) the film", CHOICES, "A"),
        ("A) a good film", CHOICES, "A"),
        ("A. It is a film", CHOICES, "A"),
        ("A because it is a film", CHOICES, "A"),
        ("A or B", CHOICES, None),
        ("The answer is A", CHOICES, "A"),
        ("Option a fits a film", CHOICES, "A"),
        ("It is not a B", CHOICES, None),
        ("I think A fits", CHOICES, "A"),
        ("I choose II", ROMAN, "II"),
        ("I", ROMAN, "I"),
        ("Class I fits", ROMAN, "I"),
        ("Yes, no doubt", YES_NO, "true"),
        ("No: yes would be wrong", YES_NO, "false"),
        ("Yes. There is no evidence against it", YES_NO, "true"),
        ("I say yes, there is no doubt", YES_NO, "true"),
        ("Yes, no", YES_NO, None),
        ("Yes, or no", YES_NO, None),
        ("yes or no", YES_NO, None),
        ("No, yes.", YES_NO, None),
        ("No, not yes", YES_NO, "false"),
        ("far from positive", SENTIMENT, None),
        ("anything but positive", SENTIMENT, None),
        ("lacks any positive", SENTIMENT, None),
        ("nicht positive", SENTIMENT, None),
        ("less than positive", SENTIMENT, None),
        ("barely positive", SENTIMENT, None),
        ("keineswegs nicht positive", SENTIMENT, None),
        ("devoid of anything positive", SENTIMENT, None),
        ("pas positive", SENTIMENT, None),
        ("\u043d\u0435 positive", SENTIMENT, None),
        ("kein positive", SENTIMENT, None),
        ("It hardly seems positive", SENTIMENT, None),
        ("fails to be positive", SENTIMENT, None),
        ("pos\xaditive", SENTIMENT, "pos"),
        ("p\u200bositive", SENTIMENT, "pos"),
        ("\ufeffpositive", SENTIMENT, "pos"),
        ("positive", {"pos": "pos\xaditive", "neg": "x"}, "pos"),
    ],
    ids=repr,
)
def test_what_an_answer_names(text: str, words: dict[str, str], label: str | None) -> None:
    """One label, named clearly, is the answer; anything else is none."""
    assert parse_answer(text, words) == label


def test_brackets_without_end_are_read() -> None:
    """Objects that are opened and never closed are no JSON; their text is read as it stands."""
    assert parse_answer('{"a":' * 3000 + "positive", SENTIMENT) == "pos"
    assert parse_answer("{" * 3000 + " positive", SENTIMENT) == "pos"


LETTERS = st.characters(categories=["Ll", "Lu"], max_codepoint=0x24F)
WORDS = st.text(LETTERS, min_size=1, max_size=8).map(lambda word: f"q{word}")
"""No negation among them, and no name of a field."""

TWO_WORDS = st.lists(
    WORDS, min_size=2, max_size=2, unique_by=lambda w: unicodedata.normalize("NFKC", w).casefold()
).map(lambda words: {"first": words[0], "second": words[1]})
AROUND = st.text("*_\"'`()[]<>#!?.,:; \t\u201c\u201d\u00ab\u00bb", max_size=6)
LABELS = st.sampled_from(["first", "second"])
CASES = st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str])


@given(TWO_WORDS, LABELS, CASES, AROUND, AROUND)
def test_a_word_in_any_dress_is_its_label(
    words: dict[str, str], label: str, case: type[str], before: str, after: str
) -> None:
    """Case and surrounding punctuation change nothing."""
    assert parse_answer(f"{before}{case(words[label])}{after}", words) == label


@given(TWO_WORDS, LABELS, AROUND, AROUND)
def test_two_labels_are_none(words: dict[str, str], label: str, before: str, after: str) -> None:
    """An answer that names both labels abstains, in either order, on one line or two."""
    one, two = words[label], words[({*words} - {label}).pop()]
    assert parse_answer(f"{before} {one} or {two} {after}", words) is None
    assert parse_answer(f"Hm.\n{one}{before}\n{two}{after}", words) is None


@given(TWO_WORDS, LABELS, st.sampled_from(["not", "isn't", "never", "no"]))
def test_a_denied_label_is_none(words: dict[str, str], label: str, negation: str) -> None:
    """A negation before the label makes the answer ambiguous."""
    assert parse_answer(f"It is {negation} a {words[label]} one", words) is None


@given(TWO_WORDS, LABELS, LETTERS)
def test_a_part_of_a_word_is_none(words: dict[str, str], label: str, letter: str) -> None:
    """A label word glued to letters is another word."""
    text = f"{letter}z{words[label]}"
    assert parse_answer(text, words) is None


@given(TWO_WORDS, LABELS, st.text(max_size=40))
def test_the_first_line_decides(words: dict[str, str], label: str, rest: str) -> None:
    """Whatever the model goes on to write, its first line is the answer."""
    assert parse_answer(f"\n {words[label]}\n{rest}", words) == label


@given(TWO_WORDS, LABELS, st.sampled_from(["label", "answer", "Label", "sentiment"]), st.booleans())
def test_json_is_read(words: dict[str, str], label: str, key: str, ascii_only: bool) -> None:  # noqa: FBT001
    """A JSON object with the label in a field names it, however it is escaped."""
    text = json.dumps({key: words[label]}, ensure_ascii=ascii_only)
    assert parse_answer(text, words) == label
    assert parse_answer(f"The answer:\n```json\n{text}\n```", words) == label


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=4))
def test_any_text_is_parsed(text: str, words: dict[str, str]) -> None:
    """Nothing that a model can write raises, and the order of the labels does not matter."""
    answer = parse_answer(text, words)
    assert answer is None or answer in words
    assert parse_answer(text, dict(reversed(words.items()))) == answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>a</think>b", "b"),
        ("a</think>b", "b"),
        ("a</think >\nb", "\nb"),
        ("a</THINK>b", "b"),
        ("<think>a", ""),
        ("b <think>a", "b "),
        ("</think>", ""),
        ("<think>a</think>b<think>c</think>d", "bd"),
        ("<think>a <think> b</think> c</think>d", "d"),
        ("a</think>b</think>c", "c"),
        ("<thinking>a<think>b</think>c</thinking>d", "d"),
        ("<thought>a</thought>b", "b"),
        ("<reasoning>a</reasoning>b", "b"),
        ("a</reasoning>b", "b"),
        ("<seed:think>a</seed:think>b", "b"),
        ("[THINK]a[/THINK]b", "b"),
        ("a[/THINK]b", "b"),
        ("\u25c1think\u25b7a\u25c1/think\u25b7b", "b"),
        ("<|begin_of_thought|>a<|end_of_thought|>b", "b"),
        ("<think>is it </reasoning>?</think>b", "b"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b"
         "<|return|>", "b"),
        ("<|channel|>final <|constrain|>json<|message|>b", "b"),
        ("<|channel|>analysis<|message|>a positive", ""),
        ("analysisIt is a.assistantfinalb", "b"),
        ("analysis: positive", "analysis: positive"),
        ("I think of <b>bold</b> words", "I think of <b>bold</b> words"),
        ("", ""),
    ],
)  # fmt: skip
def test_thoughts_are_no_part_of_an_answer(text: str, said: str) -> None:
    """Whatever their marks are, and where only their end is written; one without an end is all."""
    assert without_thoughts(text) == said


@pytest.mark.parametrize(
    ("text", "opened", "parts"),
    [
        ("good", "", ("", "good")),
        ("user\n<think>\n", "<think>\n", ("user\n<think>\n", "")),
        ("<think>\n\n</think>\n\n", "", ("<think>\n\n</think>", "\n\n")),
        ("<think>a</think>\nb", "", ("<think>a</think>", "\nb")),
        ("a</think>b", "", ("a</think>", "b")),
        ("a<think>b</think>c", "", ("", "a<think>b</think>c")),
        ("<think>a</think>b<think>c", "<think>c", ("<think>a</think>b<think>c", "")),
        ("[THINK]a", "[THINK]a", ("[THINK]a", "")),
        ("<|channel|>analysis<|message|>a", "<|channel|>analysis<|message|>a",
         ("<|channel|>analysis<|message|>a", "")),
        ("<|channel|>a<|channel|>final<|message|>b", "",
         ("<|channel|>a<|channel|>final<|message|>", "b")),
        ("", "", ("", "")),
    ],
)  # fmt: skip
def test_reasoning_is_told_from_its_answer(text: str, opened: str, parts: tuple[str, str]) -> None:
    """Reasoning that is not closed has no answer; marks within an answer divide nothing."""
    assert open_thought(text) == opened
    assert split_thoughts(text) == parts


@pytest.mark.parametrize(
    ("text", "mark"),
    [("<think>", True), ("</think>", True), ("[THINK]", True), ("<b>", False), ("<think>a", False)],
)
def test_marks_of_reasoning_are_known(text: str, mark: bool) -> None:  # noqa: FBT001
    """A mark is the whole text."""
    assert is_thought_mark(text) is mark


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 20_000, "</think>" * 20_000, "<think" + " " * 100_000, "<think " * 20_000,
        "<|channel|>final" * 10_000, "<|channel|>final" + "a" * 100_000, "[THINK]" * 20_000,
        "<think>" + "<" * 100_000, " " * 100_000, "<|channel|>final<|constrain|>" * 5_000,
        "analysis" * 20_000 + "assistantfinal",
    ],
    ids=lambda text: text[:16],
)  # fmt: skip
def test_thoughts_are_taken_out_in_linear_time(text: str) -> None:
    """A hundred thousand characters of any kind take a moment."""
    started = time.process_time()
    without_thoughts(text)
    split_thoughts(text)
    assert time.process_time() - started < 1.0
