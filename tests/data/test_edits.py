from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_ood.data.edits import (
    Edit,
    apply_edits,
    apply_in_order,
    composed_edits,
    differences,
    edits_between,
)

# Few characters, so that two texts share words, spaces and marks.
TEXTS = st.text(alphabet="ab é' ,\n", max_size=25) | st.text(max_size=25)


@pytest.mark.parametrize(
    ("original", "changed", "edits"),
    [
        ("", "", ()),
        ("a film", "a film", ()),
        ("a good film", "a goof film", (Edit(2, 6, "good", "goof"),)),
        ("a film", "b fild", (Edit(0, 1, "a", "b"), Edit(2, 6, "film", "fild"))),
        ("a good film", "a film", (Edit(2, 7, "good ", ""),)),
        ("a film", "a good film", (Edit(2, 2, "", "good "),)),
        ("it's", "its", (Edit(0, 4, "it's", "its"),)),
        ("", "new", (Edit(0, 0, "", "new"),)),
        ("a  b", "a b", (Edit(1, 3, "  ", " "),)),
    ],
)
def test_edits_are_found_word_by_word(original: str, changed: str, edits: tuple[Edit, ...]) -> None:
    """Changed words, white space and marks each give an edit; what stays gives none."""
    assert edits_between(original, changed) == edits


@settings(deadline=None)
@given(original=TEXTS, changed=TEXTS)
def test_applying_all_edits_gives_the_changed_text(original: str, changed: str) -> None:
    """All edits together turn the original into the changed text, in any order."""
    edits = edits_between(original, changed)
    assert apply_edits(original, edits) == changed
    assert apply_edits(original, reversed(edits)) == changed
    assert apply_edits(original, []) == original


@settings(deadline=None)
@given(original=TEXTS, changed=TEXTS)
def test_edits_can_be_inverted(original: str, changed: str) -> None:
    """Swapping before and after, at the shifted places, leads back to the original."""
    inverse, offset = [], 0
    for edit in edits_between(original, changed):
        start = edit.start + offset
        inverse.append(Edit(start, start + len(edit.after), edit.after, edit.before))
        offset += len(edit.after) - len(edit.before)
    assert apply_edits(changed, inverse) == original


@settings(deadline=None)
@given(original=TEXTS, changed=TEXTS)
def test_edits_are_sorted_real_and_apart(original: str, changed: str) -> None:
    """Edits come in order, do not overlap, quote the original, and each changes something."""
    edits = edits_between(original, changed)
    assert list(edits) == sorted(edits)
    assert all(first.end <= second.start for first, second in pairwise(edits))
    assert all(original[edit.start : edit.end] == edit.before != edit.after for edit in edits)


@given(before=st.text("ab", max_size=8), after=st.text("ab", max_size=8))
def test_an_edit_without_what_its_sides_share_does_the_same(before: str, after: str) -> None:
    """A trimmed edit makes the same text, and its sides begin and end differently."""
    assume(before != after)
    edit = Edit(1, 1 + len(before), before, after)
    trimmed = edit.trimmed
    assert apply_edits(f"<{before}>", [trimmed]) == f"<{after}>"
    assert edit.size == max(len(trimmed.before), len(trimmed.after))
    if trimmed.before and trimmed.after:
        assert trimmed.before[0] != trimmed.after[0]
        assert trimmed.before[-1] != trimmed.after[-1]


@settings(deadline=None)
@given(original=TEXTS, changed=TEXTS, data=st.data())
def test_any_part_of_the_edits_applies(original: str, changed: str, data: st.DataObject) -> None:
    """Every subset applies, and what no chosen edit touches stays as it is."""
    edits = edits_between(original, changed)
    chosen = [edit for edit in edits if data.draw(st.booleans())]
    result = apply_edits(original, chosen)
    growth = sum(len(edit.after) - len(edit.before) for edit in chosen)
    assert len(result) == len(original) + growth


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(0, 1, "x", "y")],
        [Edit(-1, 0, "", "y")],
        [Edit(0, 2, "ab", "x"), Edit(1, 3, "bc", "y")],
        [Edit(0, 2, "ab", "x"), Edit(0, 2, "ab", "y")],
        [Edit(0, 4, "abcd", "x")],
    ],
)
def test_edits_of_another_text_are_refused(edits: list[Edit]) -> None:
    """An edit that does not quote the text, or overlaps another, is refused and shown."""
    with pytest.raises(ValueError, match=r"Edit\(start=.* is not an edit of this text"):
        apply_edits("abc", edits)


@pytest.mark.parametrize(
    "edit", [Edit(100, 100, "", "x"), Edit(2, 1, "", "x"), Edit(0, 100, "abc", "x")]
)
def test_edits_outside_the_text_are_refused(edit: Edit) -> None:
    """An edit whose place is not inside the text is not an edit of this text."""
    with pytest.raises(ValueError, match="is not an edit of this text"):
        apply_edits("abc", [edit])


@given(
    old=st.lists(st.sampled_from("abc "), max_size=60),
    new=st.lists(st.sampled_from("abc "), max_size=60),
)
def test_differences_are_all_there_is(old: list[str], new: list[str]) -> None:
    """What lies between the differences is the same in both, and nothing is left over."""
    i = j = 0
    for i1, i2, j1, j2 in differences(old, new):
        assert old[i:i1] == new[j:j1]
        assert (i1, j1) != (i2, j2)
        i, j = i2, j2
    assert old[i:] == new[j:]


@pytest.mark.parametrize("count", [1, 5, 100])
def test_an_insertion_is_one_difference(count: int) -> None:
    """However long what was put in is, what stands around it stays."""
    old = [f"w{number}" for number in range(300)]
    new = [*old[:150], *(f"x{number}" for number in range(count)), *old[150:]]
    assert list(differences(old, new)) == [(150, 150, 150, 150 + count)]
    assert list(differences(new, old)) == [(150, 150 + count, 150, 150)]


def test_very_different_texts_are_compared_in_good_time() -> None:
    """Two long texts without a word in common are one difference, found without comparing all."""
    assert list(differences(["a"] * 20_000, ["b"] * 20_000)) == [(0, 20_000, 0, 20_000)]


@st.composite
def edited(draw: st.DrawFn, text: str) -> list[Edit]:
    """Draw edits of a text, in order and without overlaps; insertions among them."""
    edits, position = [], 0
    for step, length, after in draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.text("xyz", max_size=2)))
    ):
        start = position + step
        end = min(start + length, len(text))
        if start > len(text):
            break
        edits.append(Edit(start, end, text[start:end], after))
        position = end
    return edits


@settings(deadline=None)
@given(text=st.text("abc", max_size=9), data=st.data())
def test_two_lists_of_edits_are_composed(text: str, data: st.DataObject) -> None:
    """Edits of an edited text become edits of the original, which do the same at once."""
    first = data.draw(edited(text))
    between = apply_in_order(text, first)
    second = data.draw(edited(between))
    composed = composed_edits(text, first, second)
    assert apply_in_order(text, composed) == apply_in_order(between, second)


def test_edits_of_other_places_stay_apart() -> None:
    """Only what changes the same piece of a text becomes one edit."""
    first = (Edit(0, 1, "a", "x"), Edit(4, 5, "e", "yy"))
    second = (Edit(2, 3, "c", ""), Edit(4, 5, "y", "z"))
    expected = (Edit(0, 1, "a", "x"), Edit(2, 3, "c", ""), Edit(4, 5, "e", "zy"))
    assert composed_edits("abcdef", first, second) == expected
