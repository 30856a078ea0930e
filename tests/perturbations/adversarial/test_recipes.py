from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit, Perturbed, apply_edits
from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import Inputs, fields_of
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations.adversarial import (
    Attack,
    AttackResult,
    Query,
    QueryBudget,
    attacks,
    find_attack,
)
from pytest_ood.perturbations.adversarial import _lockstep as lockstep_module
from pytest_ood.perturbations.adversarial.constraints import (
    FewCharacters,
    FewEdits,
    FewWords,
    LongWords,
    NoStopwords,
    Unprotected,
)
from pytest_ood.perturbations.adversarial.goals import SameAnswer, Targeted, Untargeted
from pytest_ood.perturbations.adversarial.protocol import (
    FIXED,
    NO_SCORES,
    UNTRIED,
    WRONG,
    Candidates,
    Problem,
    Steps,
)
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import (
    Beam,
    DifferentialEvolution,
    Genetic,
    WordImportance,
    replaced,
)
from pytest_ood.perturbations.adversarial.transformations import (
    CharacterEdits,
    Imperceptible,
    JoinedTransformations,
    Neighbours,
    Perturbations,
    Synonyms,
)
from pytest_ood.perturbations.filters import EditDistance
from pytest_ood.perturbations.protection import Protection
from pytest_ood.tasks import Prediction
from pytest_ood.utils.seeding import generator

LABELS = ("bad", "good")
WORDS = {"bad": ("terrible", "dreadful"), "good": ("wonderful", "delightful")}
QUICK = {name: attack for name, attack in attacks().items() if not attack.needs}
each = pytest.mark.parametrize("attack", QUICK.values(), ids=QUICK)
TURNING = {
    name: attack
    for name, attack in QUICK.items()
    if not name.startswith(("checklist", "input-reduction"))
}
"""CheckList's changes are such that no answer of these models hangs on them; of a reduced text the
answer stays."""
turning = pytest.mark.parametrize("attack", TURNING.values(), ids=TURNING)


@dataclass
class Asked:
    """A model that remembers every batch; with `hard` it gives labels without scores."""

    hard: bool = False
    batches: list[list[Inputs]] = field(default_factory=list)

    def __call__(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer by the telling words."""
        self.batches.append(list(inputs))
        answers = FakeModel("fake", "keyword", LABELS, WORDS).predict(inputs)
        return [Prediction(answer.label) for answer in answers] if self.hard else answers


def review(number: int) -> Example:
    """Return a review whose label one or two words give away."""
    good = number % 2 == 0
    words = WORDS["good" if good else "bad"][: 1 + number % 3 // 2]
    text = f"Number {number} was a {' and '.join(words)} film, from the beginning to the end!"
    return Example(f"r{number}", text, "good" if good else "bad")


REVIEWS = [review(number) for number in range(12)]


def attacked(
    attack: Attack, examples: Sequence[Example], *, hard: bool = False, seed: int = 0, budget: int
) -> tuple[list[AttackResult], Asked]:
    """Run an attack on the telling words."""
    asked = Asked(hard)
    return run(attack, asked, examples, seed=seed, budget=QueryBudget(budget)), asked


def run(
    attack: Attack, query: Query, examples: Sequence[Example], *, budget: QueryBudget, seed: int = 0
) -> list[AttackResult]:
    """Return the results of an attack in the order of the examples."""
    results = dict(attack.run(query, examples, seed=seed, budget=budget))
    assert sorted(results) == list(range(len(examples)))
    return [results[place] for place in range(len(examples))]


@turning
def test_an_attack_turns_answers(attack: Attack) -> None:
    """With queries enough, an attack on a model that hangs on one word succeeds."""
    bad = [e for e in REVIEWS if e.label == "bad" and " and " not in str(e.inputs)]
    results, _ = attacked(attack, bad, budget=600)
    assert all(result.success for result in results)
    for example, result in zip(bad, results, strict=True):
        assert result.inputs != example.inputs
        assert Asked()([result.inputs])[0].label != example.label


@each
def test_a_failed_attack_gives_the_original(attack: Attack) -> None:
    """Where nothing turned the answer, the original input comes back."""
    results, _ = attacked(attack, REVIEWS, budget=3)
    for example, result in zip(REVIEWS, results, strict=True):
        assert result.success == (result.inputs != example.inputs)


@each
@pytest.mark.parametrize("hard", [False, True], ids=["scores", "labels"])
@pytest.mark.parametrize("budget", [3, 4, 5, 7, 10, 20, 50])
def test_the_budget_is_never_exceeded(attack: Attack, budget: int, hard: bool) -> None:  # noqa: FBT001 - the case
    """Alone in a run, no example costs more queries than allowed, and all queries are counted."""
    for example in REVIEWS[:6]:
        (result,), asked = attacked(attack, [example], hard=hard, budget=budget)
        assert result.queries + result.reducing == sum(map(len, asked.batches))
        assert 1 <= result.queries + result.reducing <= budget


@pytest.mark.slow
@each
@settings(deadline=None, derandomize=True)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.lists(
        st.sampled_from(["dreadful", "a", "is", "film", "aaa", "'", "\U0001f9d1\u200d"])
    ).map(" ".join),
    budget=st.integers(3, 12),
    seed=st.integers(0, 100),
)
def test_any_text_can_be_attacked(attack: Attack, text: str, budget: int, seed: int) -> None:
    """Whatever the text is, the attack ends within the budget."""
    for label in LABELS:
        (result,), asked = attacked(attack, [Example("x", text, label)], seed=seed, budget=budget)
        assert result.queries + result.reducing == sum(map(len, asked.batches)) <= budget


@each
@pytest.mark.parametrize(
    "text", ["", " ", "a b c d", "is it", "...!?", "\U0001f9d1\u200d\U0001f680"]
)
def test_a_text_without_longer_words_costs_one_query(attack: Attack, text: str) -> None:
    """An empty text, one-letter words or marks alone leave nothing to attack."""
    (result,), asked = attacked(attack, [Example("x", text, "good")], budget=50)
    if attack.name.startswith("bad-characters") and text.strip(" .!?")[:1].isascii():
        # To it every letter is a place.
        return
    told = "too short to be reduced" if attack.name.startswith("input-reduction") else FIXED
    assert (result.inputs, result.success, result.queries, result.skipped) == (text, False, 1, told)
    assert asked.batches == [[text]]


@each
def test_what_was_wrong_is_left_alone(attack: Attack) -> None:
    """An example that is answered wrongly, or not at all, is neither changed nor asked again."""
    wrong = [Example(e.id, e.inputs, "good" if e.label == "bad" else "bad") for e in REVIEWS]
    results, asked = attacked(attack, wrong, budget=50)
    assert [(r.inputs, r.success, r.queries) for r in results] == [
        (e.inputs, False, 1) for e in wrong
    ]
    # Where CheckList finds nothing to change, that comes first.
    told = {WRONG, FIXED} if attack.name.startswith("checklist") else {WRONG}
    assert {result.skipped for result in results} <= told
    assert asked.batches == [[e.inputs for e in wrong]]

    def silent(inputs: Sequence[Inputs]) -> list[Prediction]:
        return [Prediction(None) for _ in inputs]

    silenced = run(attack, silent, REVIEWS, budget=QueryBudget(50))
    assert all(result.skipped and result.queries == 1 for result in silenced)


@each
def test_all_examples_share_one_batch_a_round(attack: Attack) -> None:
    """A run over many examples asks no more batches than the longest run over one of them."""
    _, together = attacked(attack, REVIEWS, budget=30)
    alone = [attacked(attack, [example], budget=30)[1].batches for example in REVIEWS]
    assert len(together.batches) == max(map(len, alone))
    for round_number, batch in enumerate(together.batches):
        asked = [rounds[round_number] for rounds in alone if round_number < len(rounds)]
        # What two examples ask alike is asked once.
        assert batch == list(dict.fromkeys(candidate for part in asked for candidate in part))


@each
@pytest.mark.parametrize("hard", [False, True], ids=["scores", "labels"])
def test_others_change_nothing(attack: Attack, hard: bool) -> None:  # noqa: FBT001 - the case
    """An example has the same result alone, among others, and in another order."""
    alone = {e.id: attacked(attack, [e], hard=hard, budget=20)[0][0] for e in REVIEWS}
    shuffled = REVIEWS.copy()
    Random(1).shuffle(shuffled)
    results, _ = attacked(attack, shuffled, hard=hard, budget=20)
    assert {e.id: result for e, result in zip(shuffled, results, strict=True)} == alone


@turning
def test_the_seed_decides(attack: Attack) -> None:
    """The same seed asks the same; over several seeds there is more than one course."""
    courses = [attacked(attack, REVIEWS, seed=seed, budget=20) for seed in (0, 0, 1, 2)]
    assert courses[0] == courses[1]
    # Its swaps and neighbouring keys are all tried, whatever the seed.
    if attack.name != "pruthi-strict":
        assert any(course != courses[0] for course in courses)


DECIDING = [a for a in TURNING.values() if isinstance(a, Recipe) and not a.search.needs_scores]


@pytest.mark.parametrize("attack", DECIDING, ids=lambda attack: attack.name)
def test_labels_alone_suffice(attack: Attack) -> None:
    """A model without scores is attacked by its answers alone."""
    results, _ = attacked(attack, REVIEWS, hard=True, budget=300)
    assert any(result.success for result in results)
    for example, result in zip(REVIEWS, results, strict=True):
        answer = Asked()([result.inputs])[0].label
        assert (answer != example.label) == result.success


@pytest.mark.parametrize("name", ["bad-characters", "pwws"])
def test_a_search_by_scores_says_what_it_lacks(name: str) -> None:
    """Where the search goes by scores alone, examples of a model without are skipped."""
    results, asked = attacked(attacks()[name], REVIEWS, hard=True, budget=300)
    assert {(result.skipped, result.queries) for result in results} == {(NO_SCORES, 1)}
    assert len(asked.batches) == 1


@each
def test_several_fields_keep_their_names(attack: Attack) -> None:
    """Of named fields the longest is changed; the others stay as they are."""
    pair = {"context": "From beginning to end a truly dreadful film.", "question": "dreadful?"}
    (result,), asked = attacked(attack, [Example("x", pair, "bad")], budget=300)
    for inputs in [*(i for batch in asked.batches for i in batch), result.inputs]:
        assert list(fields_of(inputs)) == ["context", "question"]
        assert fields_of(inputs)["question"] == "dreadful?"
    only = {**pair, "question": "or?"}
    (result,), _ = attacked(attack, [Example("x", only, "bad")], budget=600)
    assert result.success or attack.name not in TURNING


@each
def test_a_success_is_made_of_its_edits(attack: Attack) -> None:
    """The edits of a result make the input of the original, and none can be left out."""
    results, _ = attacked(attack, REVIEWS, budget=600)
    for example, result in zip(REVIEWS, results, strict=True):
        assert apply_edits(str(example.inputs), result.edits) == result.inputs
        assert bool(result.edits) == result.success
        if attack.name.startswith("input-reduction"):
            continue
        for place in range(len(result.edits) if len(result.edits) > 1 else 0):
            fewer = result.edits[:place] + result.edits[place + 1 :]
            answer = Asked()([apply_edits(str(example.inputs), fewer)])[0]
            assert answer.label == example.label


def test_attacks_are_found_by_name() -> None:
    """Every attack is listed under its own name, with a fingerprint that holds it."""
    assert attacks()
    for name, attack in attacks().items():
        assert attack.name == name
        assert find_attack(name) is attack
        assert name in attack.fingerprint


def test_a_wrong_name_is_guessed() -> None:
    """A wrong name is a usage error with the nearest and all right ones."""
    name = next(iter(attacks()))
    with pytest.raises(ConfigurationError, match=f"Did you mean '{name}'"):
        find_attack(name[:-1])


@dataclass(frozen=True)
class Rounds:
    """Asks for one candidate more each round, and remembers the answers."""

    rounds: int
    name: str = "rounds"
    needs_scores: bool = False

    def steps(self, problem: Problem, transformation: object, goal: object) -> Steps:
        """Put numbers in the place of the first character."""
        del transformation, goal
        for number in range(1, self.rounds + 1):
            texts = [f"{number}.{n}" for n in range(number)]
            answers = yield Candidates([(replaced(problem, (0, 1), t),) for t in texts])
            for text, answer in zip(texts, answers, strict=True):
                assert answer is None or str(answer.text).startswith(text)


def echo(inputs: Sequence[Inputs]) -> list[Prediction]:
    """Give the right answer to every input, and name it."""
    return [Prediction("good", text=str(value)) for value in inputs]


def numbered(count: int) -> list[Example]:
    """Return so many examples."""
    return [Example(str(n), f"x number {n}", "good") for n in range(count)]


ONE = Recipe(
    name="one",
    source="a test",
    does="Nothing.",
    transformation=CharacterEdits(("swap",)),
    search=Rounds(3),
)


@given(count=st.integers(0, 9), rounds=st.integers(0, 4), budget=st.integers(3, 20))
def test_every_search_gets_its_own_answers(count: int, rounds: int, budget: int) -> None:
    """Each candidate's answer comes back in its place, up to the cap, results in order."""
    recipe = replace(ONE, search=Rounds(rounds))
    results = run(recipe, echo, numbered(count), budget=QueryBudget(budget))
    assert [result.inputs for result in results] == [e.inputs for e in numbered(count)]
    asked = 1 + rounds * (rounds + 1) // 2
    assert [result.queries for result in results] == [min(asked, budget - 1)] * count


def test_no_empty_batch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many examples are live at a time, others take their places, no batch is empty."""
    monkeypatch.setattr(lockstep_module, "MOST_RUNNING", 2)
    sizes: list[int] = []

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        sizes.append(len({str(value).rpartition(" ")[2] for value in inputs}))
        return echo(inputs)

    results = run(ONE, query, numbered(7), budget=QueryBudget(50))
    assert len(results) == 7
    assert max(sizes) == 2
    assert min(sizes) >= 1
    assert run(ONE, query, [], budget=QueryBudget(50)) == []


def test_what_was_asked_is_not_asked_again() -> None:
    """A candidate that comes twice is put to the model once, and counted once."""

    @dataclass(frozen=True)
    class Twice:
        name: str = "twice"
        needs_scores: bool = False

        def steps(self, problem: Problem, transformation: object, goal: object) -> Steps:
            del transformation, goal
            for _ in range(3):
                answers = yield Candidates([(replaced(problem, (0, 1), "y"),), ()])
                assert [answer is not None for answer in answers] == [True, True]

    asked = Asked()
    recipe = replace(ONE, search=Twice())
    (result,) = run(recipe, asked, [Example("1", "xx dreadful", "bad")], budget=QueryBudget(9))
    assert (result.queries, sum(map(len, asked.batches))) == (2, 2)


def test_rejected_candidates_are_counted_and_not_asked() -> None:
    """What a constraint does not accept never gets to the model; probes are not bound by any."""
    recipe = Recipe(
        name="strict",
        source="a test",
        does="Nothing.",
        transformation=CharacterEdits(("delete",), every=True),
        search=WordImportance("delete"),
        constraints=(FewCharacters(0),),
    )
    asked = Asked()
    (result,) = run(recipe, asked, [REVIEWS[1]], budget=QueryBudget(500))
    assert not result.success
    assert result.rejected > 20
    words = len(str(REVIEWS[1].inputs).split())
    assert sum(map(len, asked.batches)) == result.queries <= words + 1


def test_what_no_candidate_was_tried_on_is_no_success_of_the_model() -> None:
    """Without options, without valid ones, or without queries left, an example is skipped."""
    silent = Recipe(
        name="silent",
        source="a test",
        does="Nothing.",
        transformation=Perturbations(("contract",)),
        search=Beam(1),
    )
    assert silent.is_shipped
    (fixed,), _ = attacked(silent, [REVIEWS[1]], budget=50)
    assert fixed.skipped == FIXED
    strict = Recipe(
        name="strict",
        source="a test",
        does="Nothing.",
        transformation=CharacterEdits(("swap",)),
        search=WordImportance("unk"),
        constraints=(FewCharacters(0),),
    )
    (rejected,), _ = attacked(strict, [REVIEWS[1]], budget=50)
    assert (rejected.skipped, rejected.rejected > 0) == (UNTRIED, True)

    @dataclass(frozen=True)
    class Probing:
        name: str = "probing"
        needs_scores: bool = False

        def steps(self, problem: Problem, transformation: object, goal: object) -> Steps:
            del transformation, goal
            while True:
                text = str(problem.rng.random())
                yield Candidates([(replaced(problem, (0, 1), text),)], constrained=False)

    (probed,), asked = attacked(replace(ONE, search=Probing()), [REVIEWS[1]], budget=20)
    assert (probed.skipped, probed.queries) == (UNTRIED, 19)
    assert sum(map(len, asked.batches)) == 19


@pytest.mark.parametrize("hard", [False, True], ids=["scores", "labels"])
@pytest.mark.parametrize("name", ["deepwordbug", "greedy-characters", "pruthi", "input-reduction"])
def test_a_long_text_has_candidates_too(name: str, hard: bool) -> None:  # noqa: FBT001 - the case
    """However many words there are to rank, part of the budget is left for candidates."""
    text = " ".join(f"word{number}" for number in range(300)) + " dreadful"
    (result,), _ = attacked(attacks()[name], [Example("x", text, "bad")], hard=hard, budget=30)
    assert result.skipped == ""
    assert result.success or result.queries == 29


def test_what_few_queries_reach_lies_anywhere_in_the_text() -> None:
    """A greedy search that cannot try everything does not only try the beginning."""
    text = " ".join(f"number{number}" for number in range(60)) + " dreadful"
    _, asked = attacked(attacks()["pruthi"], [Example("x", text, "bad")], budget=60)
    changed = {
        next(n for n, (a, b) in enumerate(zip(text.split(), str(t).split(), strict=True)) if a != b)
        for t in asked.batches[1]
    }
    assert max(changed) > 40


def test_the_nearest_is_no_further_than_the_original() -> None:
    """Where every candidate helps the model, the original is the nearest there is."""
    helped = Example("x", "A dull thing, so it seems, at first", "bad")

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        return [Prediction("bad", {"bad": 0.6 if i == helped.inputs else 0.9}) for i in inputs]

    (result,) = run(attacks()["greedy-characters"], query, [helped], budget=QueryBudget(40))
    assert (result.success, result.nearest, result.skipped) == (False, (), "")


def test_one_s_own_parts_are_not_shipped() -> None:
    """A part of another module may change without a word of it in the fingerprint."""
    assert all(a.is_shipped for a in attacks().values() if isinstance(a, Recipe))
    assert not replace(ONE, search=Rounds(3)).is_shipped


PLACE = (9, 17)
TEXT = "A truly, dreadful film 12."


@pytest.mark.parametrize(
    ("edits", "places", "some"),
    [
        (CharacterEdits(("swap",), every=True), 4, ["rdeadful", "dreadflu"]),
        (CharacterEdits(("swap",), every=True, inner=True), 3, ["dreadufl"]),
        (CharacterEdits(("delete",), every=True, head=True), 4, ["deadful", "dreadfu"]),
        (CharacterEdits(("space",), every=True), 4, ["d readful", "dreadfu l"]),
        (CharacterEdits(("homoglyph",), every=True), 4, ["dr\u0435adful"]),
        (CharacterEdits(("keyboard",), every=True), 4, ["sreadful", "freadful"]),
    ],
)
def test_characters_of_a_word_are_changed(
    edits: CharacterEdits, places: int, some: list[str]
) -> None:
    """Words with characters to change are places; every kind of edit does what it says."""
    found = edits.spans(TEXT)
    assert len([p for p in found if TEXT[slice(*p)].isalpha()]) >= places - 1
    options = edits.options(TEXT, found, Random(0))
    for option in some:
        assert not option or option in options[PLACE]
    for place, changed in options.items():
        assert TEXT[slice(*place)] not in changed
        assert len(set(changed)) == len(changed)
        word = TEXT[slice(*place)]
        if edits.inner:
            assert all((c[0], c[-1]) == (word[0], word[-1]) for c in changed)
        if edits.head:
            assert all(c[0] == word[0] for c in changed)


@pytest.mark.slow
def test_synonyms_come_from_all_senses() -> None:
    """WordNet's synonyms keep the capitals; unknown words have none."""
    found = Synonyms().options("Dreadful qwxz", [(0, 8), (9, 13)], Random(0))
    assert list(found) == [(0, 8)]
    assert {"Awful", "Terrible"} <= set(found[0, 8])


@pytest.mark.demo
def test_neighbours_are_near() -> None:
    """MiniLM's nearest words of "terrible" are of its kind; made-up words have none."""
    found = Neighbours(5, 0.3).options("terrible qwxz", [(0, 8), (9, 13)], Random(0))
    assert list(found) == [(0, 8)]
    assert {"horrible", "awful"} & set(found[0, 8])


def test_bae_takes_words_from_the_model_that_is_named(local_models: Callable[[str], Path]) -> None:
    """A masked model's likely words stand in a word's place; its weights are hashed."""
    recipe = attacks()["bae"]
    assert isinstance(recipe, Recipe)
    own = replace(
        recipe.with_parameters(model=str(local_models("masked")), count=4), constraints=()
    )
    text = "A dreadful film and plot, quite long"
    options = own.transformation.options(text, [(2, 10), (11, 15)], Random(0))
    # The word itself, in other capitals too, is none of them.
    assert set(options) == {(2, 10), (11, 15)}
    assert all(1 <= len(found) <= 4 for found in options.values())
    assert all(text[slice(*place)] not in found for place, found in options.items())
    (hash_,) = own.weights()
    assert hash_
    (result,), asked = attacked(own, [Example("x", text, "bad")], budget=60)
    # Whatever it puts in the telling word's place turns the answer.
    assert result.success
    assert result.queries == sum(map(len, asked.batches))


def test_vectors_of_one_s_own(tmp_path: Path) -> None:
    """A file of word vectors takes the packaged model's place; one that is none is told."""
    path = tmp_path / "vectors.txt"
    path.write_text("good 1.0 0.1\nfine 0.9 0.2\nbad -1.0 0.0\n")
    found = Neighbours(2, 0.5, str(path)).options("good", [(0, 4)], Random(0))
    assert found == {(0, 4): ["fine"]}
    path.write_text("good 1.0 x y\n")
    with pytest.raises(DataError, match=r"word vectors .* cannot be read"):
        Neighbours(3, 0.5, str(path)).options("good", [(0, 4)], Random(0))


def test_perturbations_are_a_transformation() -> None:
    """What a perturbation does at its sites is offered there, in several drawn forms."""
    text = "It is not good, don't you think?"
    change = Perturbations(("contract", "expand"))
    found = change.options(text, change.spans(text), Random(0))
    assert {text[slice(*place)]: options for place, options in found.items()} == {
        "It is": ["It's"], "don't you": ["do you not"],
    }  # fmt: skip


def test_imperceptible_characters_show_nothing() -> None:
    """Options of a letter are the letter with something invisible, or one that looks alike."""
    found = Imperceptible().options("a1", [(0, 1), (1, 2)], Random(0))
    assert all("1" in option for option in found[1, 2])
    assert "\u0430" in found[0, 1]
    assert set(Imperceptible(("homoglyph",)).options("a1", [(0, 1), (1, 2)], Random(0))) == {(0, 1)}


def test_parts_are_joined() -> None:
    """Options of several transformations stand together, each once."""
    both = JoinedTransformations(
        (CharacterEdits(("delete",), every=True), CharacterEdits(("swap",), every=True))
    )
    assert both.options("ab", both.spans("ab"), Random(0)) == {(0, 2): ["b", "a", "ba"]}


def test_rules_of_places() -> None:
    """Stopwords, short words and protected spans are left alone."""
    text = "The positive film"
    places = [(0, 3), (4, 12), (13, 17)]
    assert [NoStopwords().allows(text, p) for p in places] == [False, True, True]
    assert [LongWords(5).allows(text, p) for p in places] == [False, True, False]
    rule = Unprotected(Protection(words=("positive",)))
    assert [rule.allows(text, p) for p in places] == [True, False, True]


def test_constraints_on_candidates() -> None:
    """Edits, words and characters are counted over all edits of a candidate."""
    one = Perturbed("one two three", (Edit(0, 3, "one", "oen"),))
    two = Perturbed("one two three", (Edit(0, 3, "one", "oen"), Edit(4, 7, "two", "t")))
    assert FewEdits(1).accepts([one, two]) == [True, False]
    assert FewWords(0.1).accepts([one, two]) == [True, False]
    assert FewWords(0.7).accepts([one, two]) == [True, True]
    assert FewCharacters(2).accepts([one, two]) == [True, False]


def test_goals() -> None:
    """Any wrong answer, one wrong answer, or the same answer; the nearer, the higher the score."""
    answer = Prediction("bad", {"bad": 0.7, "good": 0.2, "so": 0.1})
    case = Perturbed("one two three four five", ())
    assert Untargeted().reached(answer, "good", case)
    assert Untargeted().score(answer, "good") == pytest.approx(0.8)
    assert Untargeted().score(Prediction("bad"), "good") == 1.0
    assert Targeted("so").score(answer, "good") == pytest.approx(0.1)
    assert Targeted("so").score(Prediction("so"), "good") == 1.0
    assert not Targeted("so").reached(answer, "good", case)
    assert Targeted("bad").reached(answer, "good", case)
    assert not Targeted("bad").reached(answer, "bad", case)
    assert "the target's" in Targeted("bad").refuses("bad", "x")
    assert not Targeted("bad").refuses("good", "x")
    assert SameAnswer().score(answer, "good") == pytest.approx(0.2)
    assert SameAnswer().score(Prediction("bad"), "bad") == 1.0


def test_little_is_left_of_a_reduced_text() -> None:
    """The right answer counts once no more than the share of words is left; short texts are out."""
    answer, text = Prediction("bad"), "one two three four five"
    most = Perturbed(text, tuple(Edit(n, n + 4, text[n : n + 4], "") for n in (0, 4)))
    one = Perturbed(text, (Edit(0, 19, text[:19], ""),))
    assert not SameAnswer(0.2).reached(answer, "bad", most)
    assert SameAnswer(0.2).reached(answer, "bad", one)
    assert not SameAnswer(0.2).reached(answer, "good", one)
    assert SameAnswer(0.2).refuses("bad", "four words are few")
    assert not SameAnswer(0.2).refuses("bad", text)


SEARCHES = (
    WordImportance("unk"), WordImportance("delete"), WordImportance("weighted-saliency"),
    WordImportance("random"), Beam(1), Beam(4), Genetic(12, 20),
    DifferentialEvolution(3, 16, 20),
)  # fmt: skip


@pytest.mark.parametrize("search", SEARCHES, ids=lambda s: s.name)
@pytest.mark.parametrize("hard", [False, True], ids=["scores", "labels"])
def test_every_search_finds_what_there_is(search: Any, hard: bool) -> None:  # noqa: FBT001 - the case
    """Where one word's typo turns the answer, each search gets there."""
    recipe = Recipe(
        name="r",
        source="a test",
        does="Nothing.",
        transformation=CharacterEdits(("swap", "delete"), every=True),
        search=search,
    )
    single = [e for e in REVIEWS if e.label == "bad" and " and " not in str(e.inputs)]
    if hard and search.needs_scores:
        pytest.skip("goes by scores")
    results, _ = attacked(recipe, single, hard=hard, budget=3000)
    assert all(result.success and len(result.edits) == 1 for result in results)


def test_a_recipe_takes_parameters() -> None:
    """Numbers and names of its parts may be set; a wrong one is told with what there is."""
    recipe = attacks()["textfooler"]
    assert isinstance(recipe, Recipe)
    assert recipe.parameters == {
        "count": 50, "least": 0.5, "vectors": "", "by": "delete", "share": 0.5,
    }  # fmt: skip
    changed = recipe.with_parameters(count=5, least=1, by="random")
    assert (changed.parameters["count"], changed.parameters["by"]) == (5, "random")
    assert changed.fingerprint != recipe.fingerprint
    assert recipe.with_parameters() == recipe
    together = attacks()["textbugger"]
    assert isinstance(together, Recipe)
    assert "neighbours(9," in together.with_parameters(count=9).fingerprint


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("textfooler", {"cuont": 3}, "unknown parameter 'cuont'. Did you mean 'count'?"),
        ("textfooler", {"count": "3"}, "count = '3' is of type str; it is a int, 50 unless given"),
        ("textfooler", {"count": True}, "count = True is of type bool"),
        ("textfooler", {"count": 0}, "count = 0 is 1 or more"),
        ("textfooler", {"by": "size"}, "unknown importance 'size'."),
        ("deepwordbug", {"share": 0.0}, r"share = 0.0 lies in \(0, 1\]"),
        ("pruthi", {"width": 0}, "Beam: width = 0 is a whole number of 1 or more"),
        ("pruthi", {"rounds": -1}, "Beam: rounds = -1 is a whole number of 0 or more"),
        ("bad-characters", {"population": 3}, "population = 3 is a whole number of 4 or more"),
    ],
)
def test_a_wrong_parameter_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    """A wrong name, type or size is told in words."""
    recipe = attacks()[name]
    assert isinstance(recipe, Recipe)
    with pytest.raises(ConfigurationError, match=message):
        recipe.with_parameters(**values)


def test_a_recipe_leaves_protected_spans_alone() -> None:
    """No candidate changes what is protected."""
    recipe = attacks()["deepwordbug"]
    assert isinstance(recipe, Recipe)
    kept = recipe.keeping(Protection(words=("dreadful",)))
    _, asked = attacked(kept, [REVIEWS[3]], budget=500)
    tried = [str(value) for batch in asked.batches[2:] for value in batch]
    assert tried
    assert all(text.count("dreadful") == str(REVIEWS[3].inputs).count("dreadful") for text in tried)
    assert recipe.keeping(None) is recipe


def test_a_filter_is_one_more_constraint() -> None:
    """What the filter rejects is counted and not asked."""
    recipe = attacks()["deepwordbug"]
    assert isinstance(recipe, Recipe)
    (result,), _ = attacked(recipe.under(EditDistance(0.0)), [REVIEWS[1]], budget=500)
    assert (result.success, result.rejected > 0) == (False, True)


def test_files_that_parts_read_are_hashed(tmp_path: Path) -> None:
    """Vectors of the user's own decide results; without any there is nothing to hash."""
    recipe = attacks()["textfooler"]
    assert isinstance(recipe, Recipe)
    path = tmp_path / "vectors.txt"
    path.write_text("good 1.0 0.1\n")
    own = recipe.with_parameters(vectors=str(path))
    first = own.weights()
    path.write_text("good 1.0 0.2\n")
    assert (len(first), recipe.weights()) == (1, ())
    assert own.weights() != first
    path.unlink()
    with pytest.raises(DataError, match=r"word vectors .* cannot be read"):
        own.weights()


def test_importance_saves_queries() -> None:
    """A search by importance needs fewer queries than one in random order."""
    single = [e for e in REVIEWS if e.label == "bad" and " and " not in str(e.inputs)]

    def queries(by: Any) -> int:
        edits = CharacterEdits(("delete",), every=True)
        recipe = Recipe(
            name="r",
            source="a test",
            does="Nothing.",
            transformation=edits,
            search=WordImportance(by),
        )
        return sum(r.queries for seed in range(5)
                   for r in attacked(recipe, single, seed=seed, budget=900)[0])  # fmt: skip

    assert queries("delete") < queries("random")


def test_a_search_is_seeded_by_its_example() -> None:
    """Two examples with the same text and different ids may take different courses."""
    (attack,) = [attack for name, attack in attacks().items() if name == "greedy-characters"]
    text = str(REVIEWS[1].inputs)
    courses = {
        str(attacked(attack, [Example(str(n), text, "bad")], budget=9)[1].batches) for n in range(5)
    }
    assert len(courses) > 1
    assert generator(0, attack.name, "1").random() != generator(0, attack.name, "2").random()
