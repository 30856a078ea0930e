from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit
from pytest_ood.data.examples import Example
from pytest_ood.inference.store import MemoryStore
from pytest_ood.perturbations.adversarial import AttackResult, find_attack
from pytest_ood.tasks import Prediction
from pytest_ood.trials.attack_store import BATCH_SIZE, AttackStore, from_json, to_json

EXAMPLES = [Example(str(n), f"text {n}", "x") for n in range(2 * BATCH_SIZE)]
RESULT = AttackResult(inputs="text", success=False, queries=3)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
EDITS = st.lists(st.builds(Edit, st.integers(0, 9), st.integers(0, 9), TEXT, TEXT), max_size=3)


@given(
    result=st.builds(
        AttackResult,
        TEXT | st.dictionaries(TEXT, TEXT, max_size=2),
        success=st.booleans(),
        queries=st.integers(0, 99),
        answer=st.none()
        | st.builds(Prediction, st.none() | TEXT, st.dictionaries(TEXT, st.floats(0, 1)), TEXT),
        edits=EDITS.map(tuple),
        nearest=EDITS.map(tuple),
        reducing=st.integers(0, 9),
        rejected=st.integers(0, 9),
        skipped=TEXT,
    )
)
def test_a_result_comes_back(result: AttackResult) -> None:
    """What is written is read."""
    assert from_json(to_json(result)) == result


def test_scores_of_any_kind_are_kept() -> None:
    """Numbers of NumPy's and other mappings come back as plain ones."""
    answer = Prediction("x", MappingProxyType({"x": np.float32(0.5)}))  # type: ignore[dict-item]
    back = from_json(to_json(replace(RESULT, answer=answer))).answer
    assert back == Prediction("x", {"x": 0.5})


def kept(store: MemoryStore, **other: Any) -> AttackStore:
    """Make the store of one attack on one model."""
    given = {"attack": find_attack("deepwordbug"), "model": "m", "seed": 0, "each": 20, **other}
    return AttackStore(store, **given)


def test_results_are_written_by_and_by() -> None:
    """A full lot is written as it comes; the rest with the last word."""
    store = MemoryStore()
    mine = kept(store)
    for example in EXAMPLES[: BATCH_SIZE + 3]:
        mine.put(example, RESULT)
    assert len(kept(store).get(EXAMPLES)) == BATCH_SIZE
    mine.flush()
    assert kept(store).get(EXAMPLES) == dict.fromkeys(range(BATCH_SIZE + 3), RESULT)


def test_what_decides_a_result_decides_whether_it_is_known() -> None:
    """Another attack, model, seed, budget, text or label has results of its own."""
    store = MemoryStore()
    mine = kept(store)
    mine.put(EXAMPLES[0], RESULT)
    mine.flush()
    assert mine.get(EXAMPLES[:1])
    for other in (
        {"attack": find_attack("deepwordbug-strict")}, {"model": "n"}, {"seed": 1}, {"each": 21},
    ):  # fmt: skip
        assert not kept(store, **other).get(EXAMPLES[:1])
    changed = [replace(EXAMPLES[0], inputs="other"), replace(EXAMPLES[0], label="y")]
    assert not mine.get(changed)
