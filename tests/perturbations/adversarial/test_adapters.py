from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.data.edits import apply_edits
from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import Inputs, fields_of
from pytest_ood.errors import ConfigurationError, MissingDependencyError, TooLongError
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations.adversarial import AttackResult, QueryBudget
from pytest_ood.perturbations.adversarial.adapters import (
    ForeignAttack,
    from_openattack,
    from_textattack,
)
from pytest_ood.perturbations.adversarial.constraints import STOPWORDS
from pytest_ood.perturbations.adversarial.protocol import TOO_LONG, USED_UP, WRONG
from pytest_ood.tasks import Prediction

LABELS = ("bad", "good")
FAKE = FakeModel("fake", "keyword", LABELS, {"bad": ("terrible", "dreadful"), "good": ("fine",)})
EXAMPLES = [
    Example("1", "Really a terrible film.", "bad"),
    Example("2", "Such a dreadful thing it was.", "bad"),
    Example("3", "A fine day", "bad"),
]


def swapping(ask: Any, text: str, *, label: int, each: int) -> str | None:
    """Swap two letters at a time, from the left, until the answer is another."""
    del each
    for place in range(len(text) - 1):
        found = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        ((*row,),) = ask([found])
        if row.index(max(row)) != label:
            return found
    return None


SWAPPING = ForeignAttack(
    name="swapping", fingerprint="swapping@1", labels=LABELS, attacker=swapping
)


def results_of(
    attack: ForeignAttack,
    examples: Sequence[Example] = EXAMPLES,
    each: int = 50,
    total: int | None = None,
    query: Any = FAKE.predict,
) -> list[AttackResult]:
    """Attack by an adapter."""
    budget = QueryBudget(each, total)
    return [result for _, result in attack.run(query, examples, seed=0, budget=budget)]


def test_a_foreign_attack_is_metered() -> None:
    """What it asks is counted, each text once; what was wrong from the start is left alone."""
    batches: list[int] = []

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        batches.append(len(inputs))
        return FAKE.predict(inputs)

    results = results_of(SWAPPING, query=query)
    assert [(r.success, r.skipped) for r in results] == [(True, ""), (True, ""), (False, WRONG)]
    assert sum(result.queries for result in results) == sum(batches)
    for example, result in zip(EXAMPLES, results, strict=True):
        assert apply_edits(str(example.inputs), result.edits) == result.inputs
        assert result.answer is not None
        assert (result.answer.label != example.label) == (result.success or bool(result.skipped))


def test_the_budget_ends_it() -> None:
    """At the cap the attack on an example ends without a success; the run's cap skips the rest."""
    assert [(r.success, r.queries) for r in results_of(SWAPPING, each=3)] == [
        (False, 2), (False, 2), (False, 1),
    ]  # fmt: skip
    assert [r.skipped for r in results_of(SWAPPING, each=3, total=4)] == ["", USED_UP, USED_UP]


def test_of_several_fields_the_longest_is_attacked() -> None:
    """The other fields come back as they are."""
    pair = Example("p", {"context": "It was a truly dreadful film", "question": "is it?"}, "bad")
    (result,) = results_of(SWAPPING, [pair])
    assert result.success
    assert fields_of(result.inputs)["question"] == "is it?"


def test_labels_alone_are_certain_probabilities() -> None:
    """A model without scores is seen as sure of itself; an abstention as a wrong answer."""
    rows: list[Any] = []

    def looking(ask: Any, text: str, *, label: int, each: int) -> None:
        del label, each
        rows.extend(ask([text, "?"]))

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        return [Prediction(None if value == "?" else "bad") for value in inputs]

    results_of(
        ForeignAttack(name="looking", fingerprint="1", labels=LABELS, attacker=looking),
        EXAMPLES[:1],
        query=query,
    )
    assert rows == [[1.0, 0.0], [0.0, 1.0]]


def test_what_the_model_has_no_window_for_is_skipped() -> None:
    """A text that is too long is counted, and ends nothing."""

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        long = [value for value in inputs if len(str(value)) > 26]
        if long:
            raise TooLongError("too long", long)
        return FAKE.predict(inputs)

    results = results_of(SWAPPING, query=query)
    assert [result.skipped for result in results] == ["", TOO_LONG, WRONG]


def test_a_label_that_was_not_told_is_refused() -> None:
    """Indices of labels have to be known."""
    attack = ForeignAttack(
        name="swapping", fingerprint="1", labels=("good", "so-so"), attacker=swapping
    )
    with pytest.raises(ConfigurationError, match=r"attack swapping: unknown label 'bad'"):
        results_of(attack)


def test_global_generators_are_put_back() -> None:
    """Other libraries draw from the global generators, which are as before afterwards."""

    def drawing(ask: Any, text: str, *, label: int, each: int) -> str:
        del ask, label, each
        return text + str(random.random())

    attack = ForeignAttack(name="drawing", fingerprint="1", labels=LABELS, attacker=drawing)
    state = random.getstate()
    first = [r.queries for r in results_of(attack)]
    assert random.getstate() == state
    assert [r.queries for r in results_of(attack)] == first


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [(from_textattack, "textattack", "textattack"), (from_openattack, "OpenAttack", "openattack")],
)
def test_a_missing_library_is_named(
    make: Any, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the library the message has the pip command."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingDependencyError, match=rf"pytest-ood\[{extra}\]"):
        make(object(), LABELS)


@pytest.fixture
def textattack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return TextAttack, with the one list of NLTK's that it cannot do without."""
    # It reads the list as it is imported.
    nltk = pytest.importorskip("nltk", reason="TextAttack has its own environment")
    (tmp_path / "corpora" / "stopwords").mkdir(parents=True)
    (tmp_path / "corpora" / "stopwords" / "english").write_text("\n".join(STOPWORDS))
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    return pytest.importorskip("textattack", reason="TextAttack has its own environment")


def recipe_of(textattack: Any) -> Any:
    """Return a recipe class of TextAttack's own parts."""
    from textattack.constraints.pre_transformation import RepeatModification
    from textattack.goal_functions import UntargetedClassification
    from textattack.search_methods import GreedySearch
    from textattack.transformations import WordSwapNeighboringCharacterSwap

    class Swaps(textattack.attack_recipes.AttackRecipe):  # type: ignore[misc] # untyped
        """Swapped letters in the words that matter most."""

        @staticmethod
        def build(model_wrapper: Any) -> Any:
            """Put it together."""
            return textattack.Attack(
                UntargetedClassification(model_wrapper), [RepeatModification()],
                WordSwapNeighboringCharacterSwap(), GreedySearch(),
            )  # fmt: skip

    return Swaps


@pytest.mark.filterwarnings("default")
def test_a_recipe_of_textattack(textattack: Any) -> None:
    """A recipe class runs on any model, its queries counted and capped."""
    attack = from_textattack(recipe_of(textattack), LABELS)
    assert attack.name == "textattack-Swaps"
    assert "GreedySearch" in attack.fingerprint
    assert attack.fingerprint.startswith("textattack 0.")
    assert attack.fingerprint.endswith("labels bad, good")
    results = results_of(attack)
    assert [result.success for result in results] == [True, True, False]
    assert results == results_of(attack)
    assert all(result.queries <= 4 for result in results_of(attack, each=4))


@pytest.mark.filterwarnings("default")
def test_an_attack_of_textattack_keeps_its_own_model(textattack: Any) -> None:
    """An Attack that was built for another model has it back afterwards."""

    class Own(textattack.models.wrappers.ModelWrapper):  # type: ignore[misc] # untyped
        model = None

        def __call__(self, text_input_list: Any, **_: Any) -> Any:
            raise AssertionError(text_input_list)

    own = Own()
    built = recipe_of(textattack).build(own)
    assert any(result.success for result in results_of(from_textattack(built, LABELS, "mine")))
    assert built.goal_function.model is own
    with pytest.raises(ConfigurationError, match="neither a recipe class"):
        from_textattack(object(), LABELS)


@pytest.mark.filterwarnings("default")
def test_an_attacker_of_openattack() -> None:
    """An attacker runs on any model, its queries counted and capped."""
    openattack = pytest.importorskip("OpenAttack", reason="OpenAttack has its own environment")
    attack = from_openattack(openattack.attackers.VIPERAttacker(), LABELS)
    assert attack.name == "openattack-VIPERAttacker"
    assert "generations=120" in attack.fingerprint
    results = results_of(attack)
    assert any(result.success for result in results)
    assert results == results_of(attack)
    assert all(result.queries <= 4 for result in results_of(attack, each=4))
    with pytest.raises(ConfigurationError, match="no classification attacker"):
        from_openattack(object(), LABELS)
