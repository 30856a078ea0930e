"""Synonyms leave alone what a label or an answer hangs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ood.perturbations.synonyms import _options


@pytest.mark.parametrize(
    "word",
    [
        "nobody",
        "none",
        "nowhere",
        "hardly",
        "barely",
        "scarcely",
        "rarely",
        "lacks",
        "never",
        "not",
        "twelve",
        "twenty",
        "dozen",
        "half",
    ],
)
def test_negations_and_numbers_have_no_synonyms(word: str, tmp_path: Path) -> None:
    """WordNet has "cypher" for "nobody" and "xii" for "twelve"; it is not even asked."""
    assert _options(word, tmp_path) == ()
