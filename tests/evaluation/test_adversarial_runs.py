"""Attacks in a run: interrupted, transferred, on prompts, and on what cannot be attacked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import DataError, NotApplicableError, TooLongError
from pytest_ood.evaluation import (
    AttackDetails,
    PromptAttackDetails,
    SuiteEvaluator,
    resources_of,
)
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore, MemoryStore
from pytest_ood.loading.prompts import Prompt
from pytest_ood.loading.readers import Reader
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.adversarial.protocol import Span
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.shifts import AdversarialShift, PromptShift, Shift, TransferShift
from pytest_ood.shifts.adversarial import AttackTrial
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction, decide
from pytest_ood.trials import attack_store as attack_store_module
from pytest_ood.trials.answer_sets import AnswerSet
from pytest_ood.trials.predictor import Predictor
from pytest_ood.utils.progress import Silent

LABELS = ("neg", "pos")
# Without any of its words a fake answers "pos": it is the negative films that can be turned.
KEYWORD = FakeModel("keyword", "keyword", LABELS, {"neg": ["bad"], "pos": ["good"]})
STURDY = FakeModel("sturdy", "keyword", LABELS, {"neg": ["bad", "dire"], "pos": ["good", "fine"]})
FILMS = Dataset(
    "in-distribution",
    tuple(
        Example(
            f"f{n}", f"It is {('good and fine', 'bad and dire')[n % 2]}, number {n}, I say.",
            ("pos", "neg")[n % 2],
        )
        for n in range(80)
    ),
)  # fmt: skip


def recipe(name: str = "deepwordbug") -> Recipe:
    """Return a shipped recipe."""
    found = find_attack(name)
    assert isinstance(found, Recipe)
    return found


OWN = AdversarialShift("own", recipe(), QueryBudget(40))
TRANSFER = TransferShift("transfer", recipe(), QueryBudget(40), surrogate="keyword")
PROMPT = PromptShift("prompt", recipe(), QueryBudget(40), search_examples=20)
Runs = Callable[..., SuiteEvaluator]


@pytest.fixture
def run_of(tmp_path: Path) -> Runs:
    """Return a maker of runs over films under one shift."""

    def maker(shift: Shift = OWN, films: Dataset = FILMS, **given: Any) -> SuiteEvaluator:
        suite = Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=films,
            shifts=(shift,),
            budgets={shift.name: {"accuracy": Budget(0.5, 0.1)}},
        )
        return SuiteEvaluator(
            suite,
            engine=Engine(given.pop("store", MemoryStore()), Silent()),
            reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
            seed=0,
            rules=Rules(0.05),
            max_examples=None,
            **given,
        )

    return maker


@dataclass
class Breaking:
    """A model that breaks down after so many inputs, and counts them."""

    after: int
    name: str = "breaking"
    paradigm: str = "other"
    source: str = "a test"
    parameters: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = "breaking"
    asked: int = 0
    scores: bool = True

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer as the keyword fake does."""
        self.asked += len(inputs)
        if self.asked > self.after:
            raise KeyboardInterrupt
        answers = KEYWORD.predict(inputs)
        return answers if self.scores else [Prediction(answer.label) for answer in answers]


@pytest.mark.slow
def test_an_interrupted_attack_goes_on_where_it_was(
    run_of: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it is interrupted, no answer is asked for twice, and the result is the same."""
    monkeypatch.setattr(attack_store_module, "BATCH_SIZE", 4)
    whole = Breaking(10**9)
    expected = run_of(store=FileStore(tmp_path / "whole.sqlite")).evaluate(whole, OWN)
    store = FileStore(tmp_path / "broken.sqlite")
    total, rounds = 0, 0
    while True:
        model = Breaking(400)
        try:
            result = run_of(store=store).evaluate(model, OWN)
        except KeyboardInterrupt:
            # What was being asked when it broke is lost, and nothing else.
            total, rounds = total + 400, rounds + 1
            assert rounds < 20
            continue
        break
    assert rounds > 1
    assert result == expected
    assert whole.asked <= total + model.asked <= whole.asked + rounds * 128
    again = Breaking(0)
    assert run_of(store=store).evaluate(again, OWN) == expected
    assert again.asked == 0
    assert result.attack is not None
    assert result.attack.cached > 0


def test_results_of_one_s_own_recipe_are_not_kept(run_of: Runs, tmp_path: Path) -> None:
    """An edit in a part of the user's own shows: only the model's answers are kept."""

    @dataclass(frozen=True)
    class Own:
        word: str = "xx"
        name: str = "own"

        def spans(self, text: str) -> list[Span]:
            return [match.span() for match in re.finditer("bad", text)]

        def options(self, text: str, spans: Sequence[Span], rng: Random) -> Any:
            del text, rng
            return {span: [self.word] for span in spans}

    store = FileStore(tmp_path / "own.sqlite")
    drops = []
    for word in ("xx", "bad"):
        mine = Recipe(
            name="own",
            source="a test",
            does="Nothing.",
            transformation=Own(word),
            search=WordImportance("random"),
        )
        shift = AdversarialShift("own", mine, QueryBudget(10))
        drops.append(run_of(shift, store=store).evaluate(KEYWORD, shift).score_under_shift)
    # Of films that are not called bad there is nothing to change.
    assert drops == [0.0, 1.0]


def test_an_attack_keeps_its_answers_out_of_memory(run_of: Runs) -> None:
    """Memory holds what other checks ask, too, and not the candidates of an attack."""
    run = run_of()
    run.evaluate(KEYWORD, OWN)
    kept = {text for _, text in run.originals.engine.memory.rows}
    assert len(kept) < 2 * len(FILMS)


def test_figures_have_intervals(run_of: Runs) -> None:
    """Success, accuracy, queries and edits of an attack stand with their bounds."""
    result = run_of().evaluate(KEYWORD, OWN)
    attack = result.attack
    assert attack is not None
    assert (attack.attacked, attack.success_rate.value, attack.accuracy.value) == (80, 0.5, 0.5)
    for figure in (
        attack.success_rate,
        attack.queries,
        attack.edited_words,
        attack.edited_characters,
    ):
        assert figure is not None
        assert figure.low <= figure.value <= figure.high
    assert result.n == 80
    # Without MiniLM in the cache nothing is fetched for the sake of a figure.
    assert attack.similarity is None


def test_what_cannot_be_attacked_is_left_out(run_of: Runs) -> None:
    """Texts without a word to change are counted apart, and not as withstood."""
    blank = Dataset(
        "in-distribution",
        FILMS.examples + tuple(Example(f"b{n}", "!" * (n + 1), "pos") for n in range(20)),
    )
    result = run_of(films=blank).evaluate(KEYWORD, OWN)
    assert (result.n, result.score_under_shift) == (80, 0.5)
    assert result.attack is not None
    assert result.attack.skipped == {"nothing in it may be changed": 20}


def test_a_cap_on_the_run_leaves_the_last_ones_out(run_of: Runs) -> None:
    """With the run's queries used up, the examples that were not begun do not count."""
    shift = replace(OWN, budget=QueryBudget(40, total=400))
    run = run_of(shift)
    result = run.evaluate(KEYWORD, shift)
    assert result.attack is not None
    ((why, count),) = result.attack.skipped.items()
    assert why == "the queries of the run were used up"
    assert result.n == 80 - count
    assert isinstance(result.details, AttackDetails)
    assert result.details.queries is not None
    # The second queries of successes are among them.
    assert result.details.queries <= 400


def test_a_cap_on_the_run_holds_over_batches(run_of: Runs) -> None:
    """Where examples come in batches the cap is one cap, and leaves out the same ones."""
    films = Dataset("in-distribution", tuple(
        replace(e, id=f"{e.id}-{n}", inputs=f"{e.inputs} Take {n}.")
        for n in range(8) for e in FILMS
    ))  # fmt: skip
    shift = replace(OWN, budget=QueryBudget(40, total=3000))

    def trial() -> AttackTrial:
        run = run_of(shift, films=films)
        predictor = Predictor(run.suite.name, run.suite.task, run.originals.engine, KEYWORD)
        return AttackTrial(predictor, shift, AnswerSet(predictor, films.examples), 0)

    whole, parts = trial().extend_to(len(films)), trial()
    for size in (50, 51, 130, len(films)):
        last = parts.extend_to(size)
        assert last.drawn == size
    assert last == whole
    assert whole.attacks is not None
    assert sum(r.queries + r.reducing + r.success for r in whole.attacks) <= 3000
    assert len(whole.after) < len(films)


def test_too_few_attacked_are_invalid(run_of: Runs) -> None:
    """A verdict that would rest on a handful of attacked examples is none."""
    shift = replace(OWN, max_examples=9)
    result = run_of(shift).evaluate(KEYWORD, shift)
    assert (result.verdict, result.reason) == (
        "invalid", "only 9 examples were attacked; 10 are the least",
    )  # fmt: skip


def test_nothing_to_attack_is_an_error(run_of: Runs) -> None:
    """A gate does not pass because an attack found nothing to do."""
    blank = Dataset("in-distribution", tuple(
        Example(f"b{n}", ("!" if n % 2 else "?") * (n + 1), ("pos", "neg")[n % 2])
        for n in range(40)
    ))  # fmt: skip
    model = CallableModel("marks", lambda t: ["neg" if str(v)[0] == "!" else "pos" for v in t])
    with pytest.raises(DataError, match=r"own attacked no example \(skipped: 40 nothing in it"):
        run_of(films=blank).evaluate(model, OWN)


def test_a_model_without_scores_is_told_what_can_attack_it(run_of: Runs) -> None:
    """A search by scores does not apply; one by words works on answers alone, and says so."""
    shift = AdversarialShift("own", recipe("bad-characters"), QueryBudget(40))
    with pytest.raises(NotApplicableError, match=r"gives no scores.*deepwordbug"):
        run_of(shift).evaluate(Breaking(10**9, scores=False), shift)
    result = run_of().evaluate(Breaking(10**9, scores=False), OWN)
    assert result.attack is not None
    assert result.attack.decision_only
    assert result.attack.success_rate.value > 0.4


def test_a_target_is_reached_from_the_other_labels(run_of: Runs) -> None:
    """Examples of the target's label are left out; a success answers the target."""
    shift = replace(OWN, attack=recipe().aiming(Targeted("pos")))
    result = run_of(shift).evaluate(KEYWORD, shift)
    assert result.attack is not None
    assert result.attack.skipped == {"its label is 'pos', the target's": 40}
    assert {flip.answer_after for flip in result.flips} == {"pos"}


def test_a_reduced_text_costs_the_example(run_of: Runs) -> None:
    """A success of input reduction keeps the right answer and scores nothing."""
    shift = AdversarialShift("own", recipe("input-reduction"), QueryBudget(60))
    result = run_of(shift).evaluate(KEYWORD, shift)
    assert result.attack is not None
    assert result.attack.success_rate.value == 1.0
    assert result.score_under_shift == 0.0
    assert {flip.answer_after for flip in result.flips} <= set(LABELS)
    assert all(flip.answer_after == flip.label for flip in result.flips)
    # What goes by answers would see nothing.
    assert result.metrics == {}
    assert all(len(re.findall(r"\w+", flip.after)) <= 1 for flip in result.flips)


def test_what_turned_a_surrogate_is_put_to_all(run_of: Runs) -> None:
    """Every model gets the same items, in which the surrogate was turned, and none of its own."""
    run = run_of(TRANSFER, surrogates={"keyword": KEYWORD})
    result = run.evaluate(STURDY, TRANSFER)
    assert isinstance(result.details, AttackDetails)
    assert (result.surrogate, result.details.queries) == ("keyword", None)
    # The figures are those of the attack on the surrogate.
    assert result.attack is not None
    assert (result.attack.attacked, result.attack.success_rate.value) == (80, 0.5)
    assert (result.n, result.unchanged) == (40, 40)
    # A typo in "bad" does not turn who knows "dire", too.
    assert result.score_under_shift == 1.0
    same = run.evaluate(replace(KEYWORD, name="same"), TRANSFER)
    assert same.shifted_set_hash == result.shifted_set_hash
    assert same.score_under_shift == 0.0
    compared = run.compare(STURDY, replace(KEYWORD, name="same"), TRANSFER)
    assert (compared.surrogate, compared.difference.value) == ("keyword", -1.0)


def test_only_what_turned_the_surrogate_is_an_item(run_of: Runs) -> None:
    """Examples that withstood on the surrogate are left out; an attack by itself is the same."""
    own = run_of(OWN).evaluate(STURDY, OWN)
    assert own.attack is not None
    turned = round(own.attack.success_rate.value * own.attack.attacked)
    assert 10 <= turned <= 40
    shift = replace(TRANSFER, surrogate="sturdy")
    result = run_of(shift, surrogates={"sturdy": STURDY}).evaluate(KEYWORD, shift)
    assert (result.n, result.unchanged) == (turned, 80 - turned)


def test_a_useless_surrogate_makes_no_verdict(run_of: Runs) -> None:
    """What was made against a model that is no better than the majority says nothing."""
    shift = replace(TRANSFER, surrogate="constant")
    constant = FakeModel("constant", "constant", LABELS)
    with pytest.raises(DataError, match="changed none"):
        run_of(
            replace(shift, attack=recipe("checklist")), surrogates={"constant": constant}
        ).evaluate(KEYWORD, replace(shift, attack=recipe("checklist")))
    noisy = FakeModel("constant", "keyword", LABELS, {"neg": ["fine"], "pos": ["dire"]})
    swapped = CallableModel(
        "constant", lambda t: ["pos" if "number 1" in str(v) else "neg" for v in t]
    )
    assert noisy.name == swapped.name
    result = run_of(shift, surrogates={"constant": swapped}).evaluate(KEYWORD, shift)
    assert result.verdict == "invalid"
    assert result.reason.startswith("made against constant: ")


@dataclass(frozen=True)
class Prompted:
    """A model that follows its prompt as long as it says "review"."""

    prompt: Prompt
    name: str = "prompted"
    paradigm: str = "prompted"
    source: str = "a test"
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The prompt."""
        return self.prompt.text

    def with_prompt(self, prompt: Prompt) -> Prompted:
        """Return it under another prompt."""
        return replace(self, prompt=prompt)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer by the words of the text, or always the same."""
        answers = KEYWORD.predict(inputs)
        if "review" in self.prompt.text:
            return answers
        return [decide({"neg": 0.9, "pos": 0.1}) for _ in answers]


ASKING = Prompted(
    Prompt("{text} It is", {"neg": "bad", "pos": "good"}, "Is this review good or bad?\n")
)


def test_a_prompt_is_attacked_apart_from_the_inputs(run_of: Runs) -> None:
    """One word of the prompt breaks it; that is looked for on examples that measure nothing."""
    run = run_of(PROMPT)
    result = run.evaluate(ASKING, PROMPT)
    assert isinstance(result.details, PromptAttackDetails)
    prompt = result.details.prompt
    assert result.n == 60
    assert "review" in prompt.before
    assert "review" not in prompt.after
    assert result.score_in_distribution == 1.0
    assert result.score_under_shift < 0.6
    assert result.details.queries == prompt.tried * 20
    assert prompt.tried <= 40
    assert result.attack is None


def test_a_prompt_keeps_its_fields_and_label_words(run_of: Runs) -> None:
    """Whatever is tried, the field and the words that are answers stand as they were."""
    seen: list[str] = []

    @dataclass(frozen=True)
    class Seeing(Prompted):
        def with_prompt(self, prompt: Prompt) -> Prompted:
            seen.append(prompt.text)
            return replace(self, prompt=prompt)

    for name in ("deepwordbug", "pruthi", "input-reduction", "bad-characters"):
        shift = replace(PROMPT, attack=recipe(name), budget=QueryBudget(60))
        run_of(shift).evaluate(Seeing(ASKING.prompt), shift)
    assert len(set(seen)) > 60
    for text in seen:
        assert text.count("{text}") == 1
        assert "good" in text
        assert "bad" in text


def test_a_model_without_a_prompt_has_none_to_attack(run_of: Runs) -> None:
    """An encoder is not asked; a prompt that never worked is not attacked."""
    with pytest.raises(NotApplicableError, match="'keyword' has no prompt to attack"):
        run_of(PROMPT).evaluate(KEYWORD, PROMPT)
    broken = replace(
        ASKING, prompt=replace(ASKING.prompt, instruction="Tell good from bad films.\n")
    )
    with pytest.raises(DataError, match=r"invalid: .*it is no better than the most frequent label"):
        run_of(PROMPT).evaluate(broken, PROMPT)


def test_a_prompt_that_is_too_long_is_no_candidate(run_of: Runs) -> None:
    """Where a changed prompt does not fit the window with some example, it is not taken."""

    @dataclass(frozen=True)
    class Narrow(Prompted):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            # Insertions outgrow the window.
            if len(self.prompt.text) > len(ASKING.prompt.text):
                raise TooLongError("too long", list(inputs)[:1])
            return super().predict(inputs)

    result = run_of(PROMPT).evaluate(Narrow(ASKING.prompt), PROMPT)
    assert isinstance(result.details, PromptAttackDetails)
    prompt = result.details.prompt
    assert len(prompt.after) <= len(prompt.before)


def test_looking_for_a_prompt_leaves_something_to_measure(run_of: Runs) -> None:
    """Search examples that are all there are leave none."""
    shift = replace(PROMPT, search_examples=80)
    with pytest.raises(DataError, match="looks for a prompt on 80 examples, which leaves none"):
        run_of(shift).evaluate(ASKING, shift)


def test_resources_reach_attacks(run_of: Runs, tmp_path: Path) -> None:
    """A recipe that needs a lexicon looks for it where the run keeps its files."""
    shift = AdversarialShift("own", recipe("pwws"), QueryBudget(40))
    run = run_of(shift)
    assert resources_of(run.data.reader).cache == tmp_path
    with pytest.raises(Exception, match="--ood-offline"):
        run.evaluate(KEYWORD, shift)
