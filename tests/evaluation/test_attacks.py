from __future__ import annotations

import pytest

from pytest_ood.data.edits import Edit, Perturbed
from pytest_ood.data.examples import Example
from pytest_ood.evaluation.attacks import attack_figures, cosines, successes
from pytest_ood.inference.store import MemoryStore
from pytest_ood.perturbations.adversarial import AttackResult
from pytest_ood.perturbations.adversarial.protocol import FIXED, WRONG
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.statistics import Estimate
from pytest_ood.tasks import Prediction

TEXT = "one two three four"
EXAMPLES = [Example(str(n), TEXT, "x") for n in range(5)]
EDIT = Edit(0, 3, "one", "oen")
RIGHT, OTHER = Prediction("x", {"x": 0.8}), Prediction("y", {"x": 0.4})
RESULTS = [
    AttackResult(inputs="oen two three four", success=True, queries=10, answer=OTHER, edits=(EDIT,),
                 reducing=3),
    AttackResult(inputs=TEXT, success=False, queries=30, answer=RIGHT, rejected=5),
    AttackResult(inputs=TEXT, success=False, queries=1, answer=OTHER, skipped=WRONG),
    AttackResult(inputs=TEXT, success=False, queries=21, answer=RIGHT),
    AttackResult(inputs=TEXT, success=False, queries=1, answer=RIGHT, skipped=FIXED),
]  # fmt: skip


def test_success_is_counted_over_what_was_attacked() -> None:
    """What was wrong from the start or could not be attacked is no failure of the attack."""
    figures = attack_figures(RESULTS, EXAMPLES, 0.05, each=40)
    assert figures.attacked == 3
    assert figures.success_rate.value == pytest.approx(1 / 3)
    assert figures.success_rate.low < 1 / 3 < figures.success_rate.high
    assert figures.queries.value == pytest.approx(61 / 3)
    # Three examples leave room for an attack that asks far less, or far more.
    assert 0 <= figures.queries.low < 61 / 3 < figures.queries.high <= 40
    # Three values are too few for bounds of the median at this level.
    assert figures.queries_median == Estimate(21.0, 1.0, 40.0, 3, 0.0)
    assert (figures.queries_reducing, figures.rejected) == (3, 5)
    assert figures.skipped == {FIXED: 1, WRONG: 1}
    assert figures.edited_words is not None
    assert figures.edited_words.value == pytest.approx(1 / 4)
    assert figures.edited_characters is not None
    assert figures.edited_characters.value == pytest.approx(2 / 18)
    assert figures.similarity is None
    assert not figures.decision_only


def test_accuracy_under_attack_keeps_what_was_wrong() -> None:
    """What was wrong stays wrong; what could not be attacked is left out."""
    figures = attack_figures(RESULTS, EXAMPLES, 0.05, each=40)
    assert (figures.accuracy.value, figures.accuracy.n) == (0.5, 4)


def test_answers_alone_are_noted() -> None:
    """A model that gives no scores was attacked by its decisions."""
    bare = [AttackResult(inputs=TEXT, success=False, queries=9, answer=Prediction("x"))]
    assert attack_figures(bare, EXAMPLES[:1], 0.05, each=40).decision_only


def test_successes_are_the_attacked_texts_with_their_edits() -> None:
    """Only what turned the answer is compared with its original."""
    assert successes(RESULTS, EXAMPLES) == [Perturbed(TEXT, (EDIT,))]
    similar = attack_figures(RESULTS, EXAMPLES, 0.05, each=40, similar=[0.9]).similarity
    assert similar is not None
    assert similar.value == 0.9


def test_cosines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cosine that is in the store takes no encoder."""
    cases = [Perturbed(TEXT, (EDIT,)), Perturbed(TEXT, ())]
    store = MemoryStore()
    asked: list[int] = []

    def measured(filter_: EmbeddingSimilarity, new: list[Perturbed]) -> list[float]:
        del filter_
        asked.append(len(new))
        return [0.25] * len(new)

    monkeypatch.setattr(EmbeddingSimilarity, "cosines", measured)
    assert cosines(cases[:1], store) == [0.25]
    assert cosines(cases, store) == [0.25, 0.25]
    assert cosines(cases, store) == [0.25, 0.25]
    assert asked == [1, 1, 0]
