from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit, apply_in_order
from pytest_ood.data.spans import Span, moved_spans, splits_grapheme

TEXT = "Ann Lee met Bo in Rome"
ANN_LEE, BO, ROME = (0, 7), (12, 14), (18, 22)


def edit(start: int, end: int, after: str, text: str = TEXT) -> Edit:
    """Return an edit of a text."""
    return Edit(start, end, text[start:end], after)


@pytest.mark.parametrize(
    ("edits", "texts"),
    [
        pytest.param([], ["Ann Lee", "Bo", "Rome"], id="none"),
        pytest.param([edit(1, 2, "m"), edit(20, 21, "mm")], ["Amn Lee", "Bo", "Romme"],
                     id="inside"),
        pytest.param([edit(6, 7, "ee"), edit(12, 13, "bB")], ["Ann Leee", "bBo", "Rome"],
                     id="a letter that is doubled at an end"),
        pytest.param([edit(8, 11, "saw again")], ["Ann Lee", "Bo", "Rome"], id="between"),
        pytest.param([edit(0, 0, "Dr "), edit(14, 14, "b")], ["Ann Lee", "Bo", "Rome"],
                     id="beside"),
        pytest.param([edit(17, 18, "")], ["Ann Lee", "Bo", "Rome"], id="joined with a word"),
        pytest.param([edit(3, 4, "")], ["AnnLee", "Bo", "Rome"], id="its words are joined"),
        pytest.param([edit(3, 3, "-Mae")], ["Ann-Mae Lee", "Bo", "Rome"], id="inserted inside"),
        pytest.param([edit(12, 14, "Al"), edit(18, 22, "Oslo")], ["Ann Lee", "Al", "Oslo"],
                     id="replaced as a whole"),
        pytest.param([edit(12, 14, "")], ["Ann Lee", None, "Rome"], id="deleted"),
        pytest.param([edit(11, 15, "")], ["Ann Lee", None, "Rome"], id="deleted with its spaces"),
        pytest.param([edit(12, 13, ""), edit(13, 14, "")], ["Ann Lee", None, "Rome"],
                     id="deleted letter by letter"),
        pytest.param([edit(22, 22, "\u0301\u0300!")], ["Ann Lee", "Bo", "Rome\u0301\u0300"],
                     id="marks of its last letter"),
        pytest.param([edit(8, 14, "saw Bo")], ["Ann Lee", "Bo", "Rome"],
                     id="what an edit leaves as it is"),
        pytest.param([edit(8, 14, "saw Al")], None, id="a part and text outside of it"),
        pytest.param([edit(0, 11, "Who")], None, id="a whole span and text outside of it"),
        pytest.param([edit(0, 22, "someone met someone")], None, id="the whole text"),
    ],
)  # fmt: skip
def test_spans_follow_edits(edits: list[Edit], texts: list[str | None] | None) -> None:
    """What stands inside of a span stays inside, and nothing else gets in."""
    moved = moved_spans([ANN_LEE, BO, ROME], edits)
    if texts is None:
        assert moved is None
        return
    assert moved is not None
    changed = apply_in_order(TEXT, edits)
    assert [None if span is None else changed[slice(*span)] for span in moved] == texts


@st.composite
def edited_spans(draw: st.DrawFn) -> tuple[str, Span, list[Edit], str]:
    """Draw a text, a span, edits that cross none of its ends, and what it has afterwards."""
    inside: list[str] = []
    text, edits = "", []
    bounds = []
    for is_inside in (False, True, False):
        bounds.append(len(text))
        for before in draw(st.lists(st.text("ab", min_size=1, max_size=3), max_size=4)):
            after = draw(st.just(before) | st.text("xy", max_size=3))
            if after != before:
                edits.append(Edit(len(text), len(text) + len(before), before, after))
            inside += [after] if is_inside else []
            text += before
    return text, (bounds[1], bounds[2]), edits, "".join(inside)


@settings(deadline=None)
@given(edited_spans())
def test_a_span_has_what_edits_inside_of_it_make(drawn: tuple[str, Span, list[Edit], str]) -> None:
    """Whatever is replaced inside of a span and outside of it, each stays on its side."""
    text, span, edits, expected = drawn
    if span[0] == span[1]:
        return
    moved = moved_spans([span], edits)
    assert moved is not None
    changed = apply_in_order(text, edits)
    assert ("" if moved[0] is None else changed[slice(*moved[0])]) == expected


@settings(deadline=None)
@given(st.text("a\r\n \u0301\u200d\ufe0f\u0e33\u0e01\U0001f1e6\U0001f1e7\U0001f469\U0001f3fd"
               "\u2764\u1100\u1161\u11a8\uac00\uac01", max_size=8))  # fmt: skip
def test_characters_of_several_parts_are_not_split(text: str) -> None:
    """As the library regex splits a text by Unicode's rules: accents, emoji, flags, Hangul."""
    regex = import_module("regex")
    bounds = {match.start() for match in regex.finditer(r"\X", text)}
    inside = {index for index in range(1, len(text)) if splits_grapheme(text, index)}
    # A joiner behind Thai's vowel AM joins nothing, whatever is before both.
    assert inside == {*range(1, len(text))} - bounds or "\u0e33" in text
