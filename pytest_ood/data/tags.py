"""Tags of words (IOB1, IOB2, BIOES, BILOU), and the spans that they mark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_ood.data.spans import splits_grapheme
from pytest_ood.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.spans import Span

OUTSIDE = "O"
"""The tag of a word outside of all spans."""

_TAG = re.compile(r"([BIESLU])-(.+)")
_LETTER = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""A letter or digit of a script that writes words apart from each other."""

_FIRST, _LAST = frozenset("BSU"), frozenset("ESLU")
"""Prefixes of the tag of a span's first word, and of its last word."""


class LabelledSpan(NamedTuple):
    """A span with a label.

    Attributes:
        start: The index of its first character, or word.
        end: The index after its last one.
        label: The label, such as "PER".
    """

    start: int
    end: int
    label: str


def parsed_tag(tag: str) -> tuple[str, str]:
    """Return the prefix and the label of a tag; two empty strings for "O".

    Raises:
        DataError: it is neither "O" nor a prefix and a label.
    """
    if tag == OUTSIDE:
        return "", ""
    match = _TAG.fullmatch(tag)
    if match is None:
        raise DataError(
            f"the tag {shown(tag)} is of no known scheme; a tag is O, or a label after B-, I-, E-, "
            "S-, L- or U-, as B-PER"
        )
    return match[1], match[2]


def spans_of_tags(tags: Sequence[str]) -> list[LabelledSpan]:
    """Return the spans that tags mark, with indices of words.

    All schemes are read alike: a span begins at B, S or U, and where the label differs from that of
    the word before, or that word was the last one of its span. So did the script conlleval (Tjong
    Kim Sang and De Meulder 2003, CoNLL-2003), and so does seqeval unless it is strict: in IOB2 an I
    after O begins a span, too.

    Raises:
        DataError: a tag is of no scheme; the message has the index of its word.
    """
    spans: list[LabelledSpan] = []
    begin, before, ended = 0, "", True
    for index, tag in enumerate([*tags, OUTSIDE]):
        try:
            prefix, label = parsed_tag(tag)
        except DataError as error:
            raise DataError(f"word {index + 1}: {error}") from None
        starts = label and (ended or prefix in _FIRST or label != before)
        if before and not ended and (starts or not label):
            spans.append(LabelledSpan(begin, index, before))
        if starts:
            begin = index
        ended = not label or prefix in _LAST
        if ended and label:
            spans.append(LabelledSpan(begin, index + 1, label))
        before = label
    return spans


def tagged_spans(tags: Sequence[str], words: Sequence[Span]) -> list[LabelledSpan]:
    """Return the spans that tags of words mark, with indices of characters.

    Args:
        tags: The tag of each word.
        words: The first character of each word and the one after its last, in order.

    Raises:
        DataError: as `spans_of_tags`.
    """
    return [
        LabelledSpan(words[first][0], words[last - 1][1], label)
        for first, last, label in spans_of_tags(tags)
    ]


def iob2_tags(spans: Sequence[LabelledSpan], words: Sequence[Span]) -> list[str]:
    """Return the IOB2 tag of each word.

    A word that is partly in a span gets its tag: a span of characters may end inside of a word.

    Args:
        spans: Spans of characters that do not overlap.
        words: The first character of each word and the one after its last, in order.
    """
    tags = [OUTSIDE] * len(words)
    for start, end, label in sorted(spans):
        prefix = "B"
        for index, (first, last) in enumerate(words):
            if first < end and start < last and tags[index] == OUTSIDE:
                tags[index], prefix = f"{prefix}-{label}", "I"
    return tags


def words_of(text: str) -> list[Span]:
    """Return the words of a text: runs of letters and digits, and any other sign by itself.

    So a full stop is no part of the name before it. A letter of a script without spaces (Chinese,
    Japanese, Thai) is a word; a mark belongs to the letter before it.
    """
    words: list[Span] = []
    joins = False
    for index, character in enumerate(text):
        if words and words[-1][1] == index and splits_grapheme(text, index):
            words[-1] = (words[-1][0], index + 1)
            continue
        is_letter = bool(_LETTER.match(character))
        if is_letter and joins and words[-1][1] == index:
            words[-1] = (words[-1][0], index + 1)
        elif not character.isspace():
            words.append((index, index + 1))
        joins = is_letter
    return words
