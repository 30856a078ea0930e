"""The public API as a typed user writes it: checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pytest_ood import (
    BudgetExceededError,
    CallableModel,
    Dataset,
    Example,
    FakeModel,
    NotInvariantError,
    Ood,
    PerturbedCase,
    Prediction,
    edited,
    perturbation,
    perturbed,
)

reviews = Dataset("reviews", (Example("1", "A fine film.", "positive"),))
pairs = Dataset.from_pairs("nli", [({"premise": "a", "hypothesis": "b"}, "yes")])


@perturbation(source="here")
def shout(text: str, rng: Random, *, rate: float = 1.0) -> str:
    """Shout."""
    return text.upper() if rng.random() < rate else text


def answer(texts: Sequence[object]) -> list[Prediction]:
    """Answer."""
    return [Prediction("positive", {"positive": 1.0}) for _ in texts]


def use(ood: Ood) -> float:
    """Use the assertions."""
    model = CallableModel("mine", answer)
    fake = FakeModel("fake", "constant", ("negative", "positive"))
    try:
        evaluation = ood.assert_drop(model, reviews, "keyboard", max_drop=0.03)
        ood.assert_drop(model, [("A fine film.", "positive")], shout, max_drop=0.03)
    except BudgetExceededError:
        return 0.0
    comparison = ood.assert_no_less_robust(
        model, than=fake, on=reviews, under=shout.with_parameters(share=0.5), margin=0.02
    )
    return evaluation.drop.high + comparison.difference.value


def hold(ood: Ood, case: PerturbedCase) -> bool:
    """Use what property tests use."""
    try:
        ood.assert_invariant(answer, case)
        floor = ood.assert_consistent(answer, [[("A fine film.", "positive")]], min_score=0.9)
        assert floor.score.value <= 1.0
        ood.assert_expected(answer, [["One.", "Two."]], {"same": True}, min_score=0.9)
        ood.assert_invariant(answer, edited("one", "positive", (0, 1, "o", "O")))
    except NotInvariantError:
        return False
    return True


def edits(case: PerturbedCase) -> int:
    """Count edits."""
    return len(case.edits)


strategy = perturbed(reviews, "keyboard", max_edits=3)
mixed = perturbed(reviews, ["keyboard", shout])
