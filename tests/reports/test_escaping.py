from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.reports.escaping import INVISIBLE, diff_pieces, escape_controls, word_diff


@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_the_pieces_of_a_diff_make_both_texts(before: str, after: str) -> None:
    """What stayed and what was taken out make the original, what came in the other one."""
    pieces = diff_pieces(before, after, 60)
    assert "".join(p.text for p in pieces if p.kind != "in") == before
    assert "".join(p.text for p in pieces if p.kind != "out") == after


def test_what_is_far_from_an_edit_is_cut() -> None:
    """Beside an edit so many characters stay, and dots stand for the rest."""
    pieces = diff_pieces("a" * 50 + " good " + "b" * 50, "a" * 50 + " bad " + "b" * 50, 10)
    assert [(p.kind, p.text) for p in pieces] == [
        ("same", "..." + "a" * 9 + " "),
        ("out", "good"),
        ("in", "bad"),
        ("same", " " + "b" * 9 + "..."),
    ]


def test_a_word_diff_has_the_marks_of_git() -> None:
    """What was taken out and what came in are marked as `git diff --word-diff` does."""
    assert word_diff("a good film", "a bad film") == "a [-good-]{+bad+} film"
    assert word_diff("a film", "a long film") == "a {+long +}film"


@given(text=st.text(st.characters()))
def test_nothing_invisible_is_left(text: str) -> None:
    """Control and format characters become escapes; everything else stays, as do ends of lines."""
    shown = escape_controls(text)
    assert not {c for c in shown if unicodedata.category(c) in INVISIBLE}
    untouched = all(unicodedata.category(c) not in INVISIBLE for c in text)
    assert (shown == text) == untouched
    assert escape_controls(shown) == shown
    lines = escape_controls(text, keep="\n")
    assert {c for c in lines if unicodedata.category(c) in INVISIBLE} <= {"\n"}
    assert lines.count("\n") == text.count("\n")
