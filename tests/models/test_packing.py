from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.models._packing import ROW, Cost, Row, Tokens, batches, layout, pack

COST = Cost(weights=3000.0, attention=1.0, start=80)
"""About that of a small language model: attention to 3,000 tokens takes what the weights take."""

PROMPTS = st.lists(
    st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple), max_size=25, unique=True
)
"""Few different tokens, so that many begin alike."""


def total(rows: list[Row]) -> int:
    """Return the tokens of all rows."""
    return sum(row.tokens for row in rows)


@pytest.mark.slow
@given(PROMPTS.filter(bool), st.randoms())
def test_each_prompt_sees_itself_alone(prompts: list[Tokens], random: object) -> None:
    """What the last token of a prompt looks at is the prompt, in whatever order they stand."""
    random.shuffle(prompts)  # type: ignore[attr-defined]
    laid = layout(prompts)
    for prompt, end in zip(prompts, laid.ends, strict=True):
        seen = sorted(laid.sees[end].nonzero()[0], key=lambda place: laid.depths[place])
        assert tuple(laid.tokens[seen]) == prompt
        assert list(laid.depths[seen]) == list(range(len(prompt)))
        for depth, place in enumerate(seen):
            assert set(laid.sees[place].nonzero()[0]) == set(seen[: depth + 1])
    assert len(laid.tokens) <= sum(map(len, prompts))


@pytest.mark.slow
@given(PROMPTS, st.integers(1, 8))
def test_every_prompt_has_one_row(prompts: list[Tokens], most: int) -> None:
    """No prompt is lost or asked twice, no row holds too many, and its length is what it says."""
    rows = pack(prompts, COST, most)
    assert sorted(member for row in rows for member in row.members) == list(range(len(prompts)))
    for row in rows:
        assert len(row.members) <= most
        assert len(layout([prompts[member] for member in row.members]).tokens) <= row.tokens
        assert row.tokens <= max(ROW, COST.start * len(row.members))
    assert total(rows) <= sum(map(len, prompts))


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 5)), max_size=40), st.integers(5, 20))
def test_batches_are_full_and_no_fuller(sizes: list[tuple[int, int]], most: int) -> None:
    """Every row is in one batch, which holds no more than it may unless it is one long row."""
    rows = [Row(tuple(range(members)), tokens) for tokens, members in sizes]
    made = batches(rows, most, tokens=256)
    assert sorted((r.tokens, r.members) for batch in made for r in batch) == sorted(
        (r.tokens, r.members) for r in rows
    )
    for batch in made:
        assert len(batch) * max(row.tokens for row in batch) <= 256 or len(batch) == 1
        assert sum(len(row.members) for row in batch) <= most
    for batch, after in pairwise(made):
        full = (len(batch) + 1) * after[0].tokens > 256
        assert full or sum(len(row.members) for row in [*batch, after[0]]) > most


@pytest.mark.parametrize("shared", [200, 300])
def test_a_common_start_that_pays_is_shared(shared: int) -> None:
    """Perturbed versions of a long text stand with it, in as many tokens as are different."""
    text = tuple(range(400))
    versions = [(*text[:shared], 1000 + n, *text[shared + 1 :]) for n in range(3)]
    other = tuple(range(2000, 2400))
    rows = pack([text, other, *versions], COST, most=64)
    assert sorted(row.members for row in rows) == [(0, 2, 3, 4), (1,)]
    assert total(rows) == 400 + 3 * (400 - shared) + 400


def test_a_common_start_that_does_not_pay_is_not_shared() -> None:
    """A few tokens in common are no reason for long texts to look at each other in vain."""
    texts = [(0, *range(1000 * n, 1000 * n + 400)) for n in range(1, 4)]
    assert sorted(row.members for row in pack(texts, COST, most=64)) == [(0,), (1,), (2,)]
    assert sorted(row.members for row in pack(texts, COST, most=1)) == [(0,), (1,), (2,)]


def test_a_tree_grows_no_further_than_it_pays() -> None:
    """Many versions of a text make several trees: attention grows with the square of one."""
    text = tuple(range(400))
    versions = [(*text[:200], 1000 + n, *text[201:]) for n in range(60)]
    rows = pack(versions, COST, most=1000)
    assert 1 < len(rows) < 30
    assert sum(COST.of(row.tokens) for row in rows) < 60 * COST.of(400)


def test_short_prompts_stand_side_by_side() -> None:
    """Rows of short prompts are filled, so that little of a batch is padding."""
    texts = [tuple(range(100 * n, 100 * n + 10 + n % 40)) for n in range(1, 200)]
    rows = pack(texts, COST, most=64)
    assert total(rows) == sum(map(len, texts))
    width = [max(row.tokens for row in batch) * len(batch) for batch in batches(rows, 64, 512)]
    assert sum(width) < 1.03 * total(rows)
