from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError
from pytest_ood.examples import Example, Inputs, fields_of
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.adversarial import Attack, AttackResult, attacks, find_attack
from pytest_ood.perturbations.adversarial import _lockstep as lockstep_module
from pytest_ood.perturbations.adversarial._lockstep import Search, lockstep
from pytest_ood.perturbations.adversarial.greedy_characters import MIN_LENGTH
from pytest_ood.seeding import generator
from pytest_ood.tasks import Prediction

LABELS = ("bad", "good")
WORDS = {"bad": ("terrible", "dreadful"), "good": ("wonderful", "delightful")}
each = pytest.mark.parametrize("attack", attacks().values(), ids=attacks())


@dataclass
class Asked:
    """A model's door that remembers every batch; with `hard` it gives labels without scores."""

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
    return attack.run(asked, examples, seed=seed, query_budget=budget), asked


@each
def test_an_attack_turns_answers(attack: Attack) -> None:
    """With queries enough, an attack on a model that hangs on one word succeeds."""
    bad = [example for example in REVIEWS if example.label == "bad"]
    results, _ = attacked(attack, bad, budget=60)
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
@pytest.mark.parametrize("budget", [1, 2, 3, 4, 5, 7, 10, 20, 50])
def test_the_budget_is_never_exceeded(attack: Attack, budget: int, hard: bool) -> None:  # noqa: FBT001 - the case
    """Alone in a run, no example costs more queries than allowed, and all queries are counted."""
    for example in REVIEWS[:6]:
        (result,), asked = attacked(attack, [example], hard=hard, budget=budget)
        assert result.queries == sum(map(len, asked.batches))
        assert 1 <= result.queries <= budget


@each
@settings(deadline=None, derandomize=True)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.lists(
        st.sampled_from(["dreadful", "a", "is", "film", "aaa", "'", "\U0001f9d1\u200d"])
    ).map(" ".join),
    budget=st.integers(1, 12),
    seed=st.integers(0, 100),
)
def test_any_text_can_be_attacked(attack: Attack, text: str, budget: int, seed: int) -> None:
    """Whatever the text is, the attack ends within the budget."""
    for label in LABELS:
        (result,), asked = attacked(attack, [Example("x", text, label)], seed=seed, budget=budget)
        assert result.queries == sum(map(len, asked.batches)) <= budget


@each
@pytest.mark.parametrize(
    "text", ["", " ", "a b c d", "it is", "...!?", "\U0001f9d1\u200d\U0001f680"]
)
def test_a_text_without_longer_words_costs_one_query(attack: Attack, text: str) -> None:
    """An empty text, one-letter words or marks alone leave nothing to attack."""
    (result,), asked = attacked(attack, [Example("x", text, "good")], budget=50)
    assert result == AttackResult(text, success=False, queries=1)
    assert asked.batches == [[text]]


@each
def test_what_was_wrong_is_left_alone(attack: Attack) -> None:
    """An example that is answered wrongly, or not at all, is neither changed nor asked again."""
    wrong = [Example(e.id, e.inputs, "good" if e.label == "bad" else "bad") for e in REVIEWS]
    results, asked = attacked(attack, wrong, budget=50)
    assert results == [AttackResult(e.inputs, success=False, queries=1) for e in wrong]
    assert asked.batches == [[e.inputs for e in wrong]]

    def silent(inputs: Sequence[Inputs]) -> list[Prediction]:
        return [Prediction(None) for _ in inputs]

    results = attack.run(silent, REVIEWS, seed=0, query_budget=50)
    assert results == [AttackResult(e.inputs, success=False, queries=1) for e in REVIEWS]


@each
def test_all_examples_share_one_batch_a_round(attack: Attack) -> None:
    """A run over many examples asks no more batches than the longest run over one of them."""
    _, together = attacked(attack, REVIEWS, budget=30)
    alone = [attacked(attack, [example], budget=30)[1].batches for example in REVIEWS]
    assert len(together.batches) == max(map(len, alone))
    for round_number, batch in enumerate(together.batches):
        asked = [rounds[round_number] for rounds in alone if round_number < len(rounds)]
        assert batch == [candidate for part in asked for candidate in part]


@each
@pytest.mark.parametrize("hard", [False, True], ids=["scores", "labels"])
def test_others_change_nothing(attack: Attack, hard: bool) -> None:  # noqa: FBT001 - the case
    """An example has the same result alone, among others, and in another order."""
    alone = {e.id: attacked(attack, [e], hard=hard, budget=20)[0][0] for e in REVIEWS}
    shuffled = REVIEWS.copy()
    Random(1).shuffle(shuffled)
    results, _ = attacked(attack, shuffled, hard=hard, budget=20)
    assert {e.id: result for e, result in zip(shuffled, results, strict=True)} == alone


@each
def test_the_seed_decides(attack: Attack) -> None:
    """The same seed asks the same; over several seeds there is more than one course."""
    courses = [attacked(attack, REVIEWS, seed=seed, budget=20) for seed in (0, 0, 1, 2)]
    assert courses[0] == courses[1]
    assert any(course != courses[0] for course in courses)


@each
def test_labels_alone_suffice(attack: Attack) -> None:
    """A model without scores is attacked by its answers alone."""
    results, _ = attacked(attack, REVIEWS, hard=True, budget=60)
    assert any(result.success for result in results)
    for example, result in zip(REVIEWS, results, strict=True):
        answer = Asked()([result.inputs])[0].label
        assert (answer != example.label) == result.success


@each
def test_several_fields_keep_their_names(attack: Attack) -> None:
    """Of named fields the longest is changed; the others stay as they are."""
    pair = {"context": "From beginning to end a truly dreadful film.", "question": "dreadful?"}
    (result,), asked = attacked(attack, [Example("x", pair, "bad")], budget=60)
    for inputs in [*(i for batch in asked.batches for i in batch), result.inputs]:
        assert list(fields_of(inputs)) == ["context", "question"]
        assert fields_of(inputs)["question"] == "dreadful?"
    only = {**pair, "question": "or?"}
    (result,), _ = attacked(attack, [Example("x", only, "bad")], budget=60)
    assert result.success


@each
def test_candidates_keep_what_stands_between_words(attack: Attack) -> None:
    """Only words of some length change, each by a typo; marks and spaces stay."""
    text = "A  dreadful,\tdreadful (film): it is \U0001f9d1\u200d\U0001f680 a mess!\n"
    (_,), asked = attacked(attack, [Example("x", text, "bad")], budget=80)
    gaps = [gap for gap in WORD.split(text) if gap.strip()]
    for (candidate,) in ([inputs] for batch in asked.batches for inputs in batch):
        assert isinstance(candidate, str)
        position = 0
        for gap in gaps:
            position = candidate.index(gap, position) + len(gap)
        for word in WORD.findall(text):
            if len(word) < MIN_LENGTH:
                assert word in WORD.findall(candidate)


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


def counting(label: str, rounds: int) -> Search:
    """Search for so many rounds, asking one more candidate each."""
    asked = 0
    for number in range(1, rounds + 1):
        answers = yield [f"{label}{number}.{place}" for place in range(number)]
        assert [answer.text for answer in answers] == [
            f"{label}{number}.{place}" for place in range(number)
        ]
        asked += number
    return AttackResult(label, success=False, queries=asked)


def echo(inputs: Sequence[Inputs]) -> list[Prediction]:
    """Answer every input with itself."""
    return [Prediction(None, text=str(value)) for value in inputs]


@given(rounds=st.lists(st.integers(0, 6), max_size=8))
def test_lockstep_gives_every_search_its_own_answers(rounds: list[int]) -> None:
    """Searches of different lengths each get the answers to what they asked, results in order."""
    searches = [counting(f"s{place}-", length) for place, length in enumerate(rounds)]
    results = lockstep(echo, searches)
    assert [result.inputs for result in results] == [f"s{p}-" for p in range(len(rounds))]
    assert [result.queries for result in results] == [n * (n + 1) // 2 for n in rounds]


def test_lockstep_asks_no_empty_batch() -> None:
    """Without anything to ask the model is not called."""
    batches: list[int] = []

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        batches.append(len(inputs))
        return echo(inputs)

    assert lockstep(query, []) == []
    lockstep(query, [counting("a", 2), counting("b", 1)])
    assert batches == [2, 2]


def test_lockstep_takes_up_so_many_searches_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """More searches than may live at once wait, and take a finished one's place."""
    monkeypatch.setattr(lockstep_module, "LIVE", 2)
    sizes: list[int] = []

    def query(inputs: Sequence[Inputs]) -> list[Prediction]:
        sizes.append(len({str(value).split("-")[0] for value in inputs}))
        return echo(inputs)

    results = lockstep(query, [counting(f"s{place}-", 1 + place % 3) for place in range(7)])
    assert len(results) == 7
    assert max(sizes) == 2
    assert all(result.queries for result in results)


def test_a_search_is_seeded_by_its_example() -> None:
    """Two examples with the same text and different ids may take different courses."""
    (attack,) = [attack for name, attack in attacks().items() if name == "greedy-characters"]
    text = str(REVIEWS[1].inputs)
    courses = {
        str(attacked(attack, [Example(str(n), text, "bad")], budget=9)[1].batches) for n in range(5)
    }
    assert len(courses) > 1
    assert generator(0, attack.name, "1").random() != generator(0, attack.name, "2").random()
