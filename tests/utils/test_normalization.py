"""Normal forms are Unicode's, and cost linear time."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.utils.normalization import MOST_MARKS, Form, normalized

FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(max_size=20))
def test_the_forms_are_those_of_unicode(form: Form, text: str) -> None:
    """What is no hostile text is normalized as Python does it."""
    long = [c for c in text if len(unicodedata.normalize("NFKD", c)) > 6]
    if not long:
        assert normalized(form, text) == unicodedata.normalize(form, text)


def test_runs_of_marks_are_cut() -> None:
    """The first ones stay, and what follows them."""
    assert normalized("NFC", "a" + "\u0315\u0300" * 500 + "b") == (
        "\u00e0" + "\u0300" * (MOST_MARKS // 2 - 1) + "\u0315" * (MOST_MARKS // 2) + "b"
    )


@pytest.mark.parametrize(
    "part",
    ["\u0315\u0300", "\u0300\uff9e", "\u0344\u0315", "\u0f73\u0f71", "\ufdfa", "\u1e69\u0323"],
)
@pytest.mark.parametrize("form", FORMS)
def test_hostile_texts_take_linear_time(form: Form, part: str) -> None:
    """Sorting 100,000 marks took 20 seconds."""
    start = time.process_time()
    found = normalized(form, part * 50_000)
    assert time.process_time() - start < 1.0
    assert len(found) <= 300_000
