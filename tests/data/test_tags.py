from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.tags import LabelledSpan, iob2_tags, spans_of_tags, words_of
from pytest_ood.errors import DataError

IOB = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BI" for label in ("PER", "LOC"))])
IOBES = st.sampled_from(["O", *(f"{p}-{label}" for p in "BIES" for label in ("PER", "LOC"))])


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        # IOB2, IOB1, BIOES and BILOU write the same: Ann Lee, Bo, and Rome.
        ("B-P I-P B-P O B-L", [(0, 2, "P"), (2, 3, "P"), (4, 5, "L")]),
        ("I-P I-P B-P O I-L", [(0, 2, "P"), (2, 3, "P"), (4, 5, "L")]),
        ("B-P E-P S-P O S-L", [(0, 2, "P"), (2, 3, "P"), (4, 5, "L")]),
        ("B-P L-P U-P O U-L", [(0, 2, "P"), (2, 3, "P"), (4, 5, "L")]),
        ("I-P I-L I-L", [(0, 1, "P"), (1, 3, "L")]),
        ("B-a-b I-a-b", [(0, 2, "a-b")]),
        ("E-P I-P", [(0, 1, "P"), (1, 2, "P")]),
    ],
)
def test_all_schemes_mark_the_same_spans(tags: str, spans: list[tuple[int, int, str]]) -> None:
    """A tag's scheme need not be said."""
    assert spans_of_tags(tags.split()) == spans


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "PER-B", "b-PER", ""])
def test_other_tags_are_refused(tag: str) -> None:
    """The message has the word and the schemes."""
    with pytest.raises(DataError, match=r"word 2: the tag .* is of no known scheme; a tag is O"):
        spans_of_tags(["O", tag])


@settings(deadline=None)
@given(st.lists(IOB) | st.lists(IOBES))
def test_spans_are_those_of_seqeval(tags: list[str]) -> None:
    """Also of tags that do not follow their scheme, as models give them."""
    labelling = import_module("seqeval.metrics.sequence_labeling")
    expected = [(first, last + 1, label) for label, first, last in labelling.get_entities(tags)]
    assert [tuple(span) for span in spans_of_tags(tags)] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann's at I.B.M.", "Ann ' s at I . B . M ."),
        ("a  b\n", "a b"),
        (
            "cafe\u0301s \u0939\u093f\u0902\u0926\u0940",
            "cafe\u0301s \u0939\u093f\u0902\u0926\u0940",
        ),
        ("\u6771\u4eac is Tokyo\u3002", "\u6771 \u4eac is Tokyo \u3002"),
        ("wow\U0001f44d\U0001f3fd!", "wow \U0001f44d\U0001f3fd !"),
        ("", ""),
    ],
)
def test_words_are_runs_of_letters(text: str, words: str) -> None:
    """Punctuation is apart, marks are not, and each Chinese letter is a word."""
    assert [text[start:end] for start, end in words_of(text)] == words.split()


@settings(deadline=None)
@given(st.lists(IOB))
def test_tags_of_spans_mark_them(tags: list[str]) -> None:
    """Spans of characters become IOB2 tags of words, which mark the same spans again."""
    words = [(4 * index, 4 * index + 3) for index in range(len(tags))]
    spans = [
        LabelledSpan(words[a][0], words[b - 1][1], label) for a, b, label in spans_of_tags(tags)
    ]
    again = iob2_tags(spans, words)
    assert spans_of_tags(again) == spans_of_tags(tags)
    assert iob2_tags([LabelledSpan(2, 9, "PER")], [(0, 3), (4, 7), (8, 11)]) == [
        "B-PER", "I-PER", "I-PER",
    ]  # fmt: skip
