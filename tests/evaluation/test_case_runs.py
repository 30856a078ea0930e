"""Cases and groups in a run: consistency, floors under a shift, breakdowns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.analysis.report import build_report
from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ModelError, NotApplicableError
from pytest_ood.evaluation import CaseDetails, ModelInfo, SuiteEvaluator
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.checklist import Checklist
from pytest_ood.loading.readers import Reader
from pytest_ood.metrics import SINGLE_ACCURACY
from pytest_ood.models.protocol import SeededModel
from pytest_ood.models.replay import ReplayModel
from pytest_ood.perturbations import perturbation
from pytest_ood.reports.terminal import render
from pytest_ood.shifts import DomainShift, NoiseShift, Shift
from pytest_ood.statistics import estimate
from pytest_ood.statistics.proportions import PairedDifference, Proportion
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction, decide
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Paradigm

ALPHA = 0.05
FILMS = Dataset(
    "films",
    tuple(
        Example(f"f{n}", f"{('good', 'bad')[n % 2]} film {n}", ("pos", "neg")[n % 2])
        for n in range(100)
    ),
)
# Twenty pairs of a good and a bad book; every fourth bad one is only dire. One has no group.
PAIRS = Dataset(
    "pairs",
    (
        *(
            Example(f"{word}{n}", f"{word} book {n}", label, group=f"set {n:02}")
            for n in range(20)
            for word, label in (("good", "pos"), ("dire" if n % 4 == 0 else "bad", "neg"))
        ),
        Example("alone", "good book alone", "pos"),
    ),
)


@perturbation(source="here")
def shout(text: str, rng: Random) -> str:
    """Write in capitals, which the models do not read."""
    del rng
    return text.upper()


SHOUT = NoiseShift("shout", shout)
CONTRAST = DomainShift("pairs", PAIRS, scoring="contrast")


@dataclass(frozen=True)
class Words:
    """Answers by words: those it knows are bad, all else is good.

    Attributes:
        name: In reports.
        bad: The words.
        scored: Give probabilities: 0.8 for the answer, less for each further bad word.
        silent: Texts with this word get no answer.
        mute: Texts with this word get an abstention.
    """

    name: str = "rules"
    bad: tuple[str, ...] = ("bad",)
    scored: bool = False
    silent: str = "\0"
    mute: str = "\0"
    paradigm: Paradigm = "other"
    source: str = "here"
    fingerprint: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer."""
        return [self._answer(str(value)) for value in inputs]

    def _answer(self, text: str) -> Prediction:
        if self.silent in text:
            return Prediction(None, error="timed out")
        if self.mute in text:
            return Prediction(None)
        count = sum(text.count(word) for word in self.bad)
        if self.scored:
            return decide({"neg": min(1.0, 0.2 + 0.3 * count), "pos": max(0.0, 0.8 - 0.3 * count)})
        return Prediction("neg" if count else "pos")


Maker = Callable[..., SuiteEvaluator]


@pytest.fixture
def run_of(tmp_path: Path) -> Maker:
    """Return a maker of runs over the films."""

    def maker(
        *shifts: Shift,
        budget: Budget = Budget(),  # noqa: B008 - frozen
        rules: Rules = Rules(ALPHA),  # noqa: B008 - frozen
        films: Dataset = FILMS,
        **more: Any,
    ) -> SuiteEvaluator:
        budgets = {shift.name: {"accuracy": budget} for shift in shifts}
        suite = Suite(
            name="tiny",
            task=Classification(("neg", "pos")),
            in_distribution=films,
            shifts=shifts,
            budgets=budgets,
        )
        reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
        return SuiteEvaluator(
            suite, engine=Engine(MemoryStore(), Silent()), reader=reader, rules=rules,
            **{"seed": 0, "max_examples": None, **more},
        )  # fmt: skip

    return maker


def behaviour(folder: Path, *rows: Mapping[str, Any]) -> DomainShift:
    """Write a CheckList suite, and return the shift."""
    folder.joinpath("tests.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return DomainShift("behaviour", Checklist(data="tests.jsonl"))


def test_sets_are_counted_not_examples(run_of: Maker) -> None:
    """Five of 21 sets have a wrong answer; the interval is that of 16 of 21, exactly."""
    run = run_of(CONTRAST)
    score = run.score(Words(), CONTRAST)
    assert (score.n, score.kind, score.shift) == (21, "domain", "pairs")
    assert score.score == estimate(Proportion(16, 21), ALPHA)
    # One set of 21 is of one label: a model that always says so has it right.
    assert score.majority == pytest.approx(1 / 21)
    assert (score.case_inputs, score.flipped) == (41, 5)
    result = run.evaluate(Words(), CONTRAST)
    assert (result.n, result.score_in_distribution, result.score_under_shift) == (
        21,
        1.0,
        pytest.approx(16 / 21),
    )
    assert {name: pair.under_shift for name, pair in result.metrics.items()} == {
        SINGLE_ACCURACY: pytest.approx(36 / 41)
    }
    assert (result.per_label, result.details, result.breakdown) == ((), CaseDetails(inputs=41), ())


@dataclass(frozen=True)
class Shortsighted(Words):
    """A model that sees 14 characters of a text."""

    max_length: int = 14

    def count_cut(self, inputs: Sequence[Inputs]) -> int:
        """Count longer ones; a case as a whole is no input."""
        assert all(isinstance(value, str) for value in inputs)
        return sum(len(str(value)) > self.max_length for value in inputs)


def test_what_an_encoder_cuts_is_counted_input_by_input(run_of: Maker) -> None:
    """Cases have several inputs, and a model is asked about each by itself."""
    run = run_of(CONTRAST)
    run.evaluate(Shortsighted(), CONTRAST)
    assert run.notes == [
        "rules: 1 of 41 texts of pairs have more tokens than its max_length of 14, or than it "
        "takes; it saw only their beginning"
    ]


def test_the_input_that_decides_is_shown(run_of: Maker) -> None:
    """Of a set the first wrong answer, with its own truth."""
    score = run_of(CONTRAST).score(Words(), CONTRAST)
    by_id = {flip.id: flip for flip in score.flips}
    flip = by_id["set 04"]
    assert (flip.after, flip.label, flip.answer_after) == ("dire book 4", "neg", "pos")
    assert flip.before is None


@pytest.mark.parametrize(
    ("floor", "verdict"), [(0.5, "pass"), (0.97, "fail"), (0.76, "inconclusive")]
)
def test_a_floor_under_a_shift_is_a_gate(run_of: Maker, floor: float, verdict: str) -> None:
    """Pass where the lower bound is above it, fail where the upper one is below."""
    run = run_of(CONTRAST, budget=Budget(min_score=floor))
    score = run.score(Words(), CONTRAST)
    assert (score.budget, score.verdict) == (floor, verdict)
    assert score.p_fail is not None
    if verdict == "inconclusive":
        assert "examples would settle it (now 21)" in score.reason


def test_a_floor_may_stand_under_any_shift(run_of: Maker) -> None:
    """Of plain examples it is the accuracy under the shift, its majority class beside it."""
    shift = DomainShift("books", PAIRS)
    score = run_of(shift, budget=Budget(min_score=0.5)).score(Words(), shift)
    assert score.score == estimate(Proportion(36, 41), ALPHA)
    assert (score.majority, score.case_inputs, score.verdict) == (
        pytest.approx(21 / 41),
        None,
        "pass",
    )


def test_a_model_that_is_no_model_passes_no_floor(run_of: Maker) -> None:
    """Invariance is easy for one that always answers the same: invalid in distribution."""
    run = run_of(CONTRAST, budget=Budget(min_score=0.01))
    score = run.score(Words(bad=("nothing",)), CONTRAST)
    assert (score.verdict, score.p_fail) == ("invalid", None)


def test_a_set_with_an_unanswered_input_is_left_out(run_of: Maker) -> None:
    """And counted; a set of an abstention stays in, as a wrong one."""
    score = run_of(CONTRAST).score(Words(silent="dire book 8"), CONTRAST)
    assert (score.n, score.score.value) == (20, pytest.approx(16 / 20))
    assert score.errors == {"timed out": 1}
    score = run_of(CONTRAST).score(Words(mute="bad book 1"), CONTRAST)
    # Texts 1, 10, 11, 13, 14, 15, 17, 18, 19 have no answer that can be read.
    assert (score.n, score.abstained) == (21, 9)
    assert score.score.value == pytest.approx((16 - 9) / 21)
    assert score.verdict == "invalid", "more than the tenth that may abstain"


def test_the_cap_on_abstentions_is_one_on_inputs(run_of: Maker) -> None:
    """Half of the sets have an abstention, of all inputs no more than the tenth that may."""
    fives = tuple(
        Example(f"{n}-{k}", f"good book {k} of {n:02}", "pos", group=f"set {n}")
        for n in range(20)
        for k in range(5)
    )
    shift = DomainShift("fives", Dataset("fives", fives), scoring="contrast")
    run = run_of(shift, budget=Budget(min_score=0.2))
    score = run.score(Words(mute="good book 0 of 1"), shift)
    assert (score.abstained, score.score.value, score.verdict) == (10, 0.5, "pass")


def test_models_are_compared_on_the_same_sets(run_of: Maker) -> None:
    """The difference is that of the scores, paired; what films they had right is no matter."""
    run = run_of(CONTRAST, budget=Budget(margin=0.1))
    clumsy = Words("clumsy", bad=("bad", "film 1"))
    found = run.compare(clumsy, Words("sturdy", bad=("bad", "dire")), CONTRAST)
    assert found.difference == estimate(PairedDifference(5, 0, 21), ALPHA)
    assert found.scores is not None
    assert found.baseline_scores is not None
    scores = (found.scores.under_shift, found.baseline_scores.under_shift)
    assert (found.case_inputs, *scores) == (
        41, pytest.approx(16 / 21), 1.0
    )  # fmt: skip
    assert found.scores.in_distribution < 1.0


def test_recorded_answers_are_found_by_the_ids_of_the_examples(run_of: Maker) -> None:
    """A replay knows sets by what they are made of."""
    model = Words()
    answers = {
        (shift, e.id): model.predict([e.inputs])[0]
        for shift, data in (("in-distribution", FILMS), ("pairs", PAIRS))
        for e in data
    }
    replayed = ReplayModel("replayed", answers, "here")
    assert run_of(CONTRAST).score(replayed, CONTRAST).score.value == pytest.approx(16 / 21)
    del answers["pairs", "good7"]
    with pytest.raises(ModelError, match="good7"):
        run_of(CONTRAST).score(ReplayModel("replayed", answers, "here"), CONTRAST)


def test_seeds_widen_the_interval(run_of: Maker) -> None:
    """A set's score is the mean over the seeds, whose spread joins the figure's."""
    seeds = SeededModel("seeds", (Words("a"), Words("b", bad=("bad", "dire"))))
    score = run_of(CONTRAST).score(seeds, CONTRAST)
    assert score.score.value == pytest.approx((16 + 21) / 42)
    assert score.seed_scores == (pytest.approx(16 / 21), 1.0)
    single = run_of(CONTRAST).score(Words(), CONTRAST).score
    assert score.score.high - score.score.low > single.high - single.low


def test_a_gate_stops_where_its_floor_is_settled(run_of: Maker) -> None:
    """Batch by batch, on cases; what it says is what all of them would have said."""
    many = Dataset("many", tuple(
        Example(f"{word}{n}", f"{word} book {n}", label, group=f"set {n}")
        for n in range(400) for word, label in (("good", "pos"), ("bad", "neg"))
    ))  # fmt: skip
    films = Dataset("films", tuple(
        Example(f"f{n}", f"{('good', 'bad')[n % 2]} film {n}", ("pos", "neg")[n % 2])
        for n in range(400)
    ))  # fmt: skip
    shift = DomainShift("many", many, scoring="contrast")
    rules = Rules(ALPHA, sequential=True)
    run = run_of(shift, budget=Budget(min_score=0.5), rules=rules, films=films)
    score = run.score(Words(), shift)
    assert score.verdict == "pass"
    assert score.n < score.planned == 400


def test_what_was_drawn_of_sets_can_be_frozen(run_of: Maker) -> None:
    """Sets are drawn whole, and found again by their ids and content."""
    run = run_of(CONTRAST, max_examples=10)
    frozen = run.texts.freeze()
    assert len(frozen.data["pairs"]) == 10
    again = run_of(CONTRAST, frozen=frozen, seed=5)
    first, second = (r.score(Words(), CONTRAST) for r in (run, again))
    assert first.data_hash == second.data_hash
    assert first.score == second.score


def test_a_plan_counts_the_inputs_of_cases(run_of: Maker) -> None:
    """21 sets are 41 inputs."""
    run = run_of(CONTRAST)
    asked = run.texts.model_inputs(CONTRAST)
    assert asked is not None
    assert len(asked) == 41
    assert run.data.horizon(CONTRAST) == 21


def test_an_invariance_is_shown_with_its_original(run_of: Maker, tmp_path: Path) -> None:
    """What was answered otherwise, and before that the text it came from."""
    shift = behaviour(
        tmp_path,
        {"test": "typos", "type": "INV", "capability": "Robustness", "i": 1,
         "data": ["a bad day", "a bad dya", "a bda day"]},
        {"test": "typos", "type": "INV", "capability": "Robustness", "i": 2,
         "data": ["a good day", "a godo day"]},
        {"test": "words", "type": "MFT", "capability": "Vocabulary", "data": "bad", "label": "neg"},
    )  # fmt: skip
    score = run_of(shift).score(Words(), shift)
    (flip,) = score.flips
    assert (flip.before, flip.after) == ("a bad day", "a bda day")
    assert (flip.answer_before, flip.answer_after) == ("neg", "pos")
    assert flip.label == "the same answer"
    cells = [(c.within, c.group, c.n, c.score.value) for c in score.breakdown]
    assert cells == [
        (None, "Robustness", 2, 0.5),
        ("Robustness", "typos (INV)", 2, 0.5),
        (None, "Vocabulary", 1, 1.0),
        ("Vocabulary", "words (MFT)", 1, 1.0),
    ]


DIRECTION = {"test": "worse", "type": "DIR", "expect": {"not_up": "pos"}}


def test_directions_need_probabilities(run_of: Maker, tmp_path: Path) -> None:
    """With them they are tested; without they are left out, with the reason; alone, no check."""
    more = {"test": "words", "type": "MFT", "data": "bad", "label": "neg"}
    fine = {**DIRECTION, "i": 1, "data": ["a day", "a day. bad."]}
    wrong = {**DIRECTION, "i": 2, "data": ["a bad day", "a day"]}
    shift = behaviour(tmp_path, fine, wrong, more)
    scored = run_of(shift).score(Words(scored=True), shift)
    assert (scored.n, scored.score.value, scored.left_out) == (3, pytest.approx(2 / 3), {})
    plain = run_of(shift).score(Words(), shift)
    assert (plain.n, plain.score.value) == (1, 1.0)
    assert plain.left_out == {"the expectation is on probabilities, and the model gives none": 2}
    shift = behaviour(tmp_path, fine, wrong)
    with pytest.raises(NotApplicableError, match="does not apply to 'rules': the expectation is"):
        run_of(shift).score(Words(), shift)


@pytest.mark.parametrize("seed", range(4))
def test_a_gate_waits_for_the_first_case_that_applies(
    run_of: Maker, tmp_path: Path, seed: int
) -> None:
    """However late it comes in the draw, and whatever the batches are."""
    word = {"test": "words", "type": "MFT", "i": 0, "data": "bad", "label": "neg"}
    rows = [{**DIRECTION, "i": n, "data": [f"a day {n}", "bad"]} for n in range(99)]
    shift = behaviour(tmp_path, word, *rows)
    rules = Rules(ALPHA, sequential=True)
    run = run_of(shift, budget=Budget(min_score=0.5), rules=rules, seed=seed)
    score = run.score(Words(), shift)
    assert (score.n, score.score.value, score.verdict) == (1, 1.0, "inconclusive")
    assert next(iter(score.left_out.values())) == 99


def test_models_are_compared_where_cases_apply_to_both(run_of: Maker, tmp_path: Path) -> None:
    """A direction that only one model can be asked is in neither's figures."""
    rows = [{"test": "words", "type": "MFT", "i": n, "data": f"bad {n}", "label": "neg"}
            for n in range(12)]  # fmt: skip
    shift = behaviour(tmp_path, {**DIRECTION, "data": ["a bad day", "a day"]}, *rows)
    run = run_of(shift, budget=Budget(margin=0.5))
    found = run.compare(Words("scored", scored=True), Words("plain"), shift)
    assert (found.n, found.difference.value) == (12, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_comparison_waits_for_what_applies_to_both(
    run_of: Maker, tmp_path: Path, seed: int
) -> None:
    """In whatever order cases come."""
    word = {"test": "words", "type": "MFT", "i": 0, "data": "bad", "label": "neg"}
    rows = [{**DIRECTION, "i": n, "data": [f"a day {n}", "bad"]} for n in range(99)]
    shift = behaviour(tmp_path, word, *rows)
    rules = Rules(ALPHA, sequential=True)
    run = run_of(shift, budget=Budget(margin=0.5), rules=rules, seed=seed)
    found = run.compare(Words("scored", scored=True), Words("plain"), shift)
    assert (found.n, found.difference.value) == (1, 0.0)


def test_models_to_which_no_case_applies_in_common_are_not_compared(
    run_of: Maker, tmp_path: Path
) -> None:
    """What one has no room to get wrong, and the other has, is in neither's figures."""
    rows = [{**DIRECTION, "expect": {"not_down": "pos"}, "data": [f"{word} " * 3, "a day"]}
            for word in ("bad", "dire")]  # fmt: skip
    shift = behaviour(tmp_path, *rows)
    first, second = (Words(word, bad=(word,), scored=True) for word in ("bad", "dire"))
    with pytest.raises(NotApplicableError, match="applies to both 'bad' and 'dire', or was"):
        run_of(shift).compare(first, second, shift)


def test_groups_of_plain_examples_are_told_apart(run_of: Maker) -> None:
    """As the cells of HANS are: each with its n and its exact interval; the sum is the whole."""
    cells = Dataset("cells", tuple(
        Example(f"c{n}", f"{('good', 'bad', 'dire')[n % 3]} {n}", ("pos", "neg", "neg")[n % 3],
                group=("easy, pos", "easy, neg", "hard, neg")[n % 3])
        for n in range(60)
    ))  # fmt: skip
    shift = DomainShift("cells", cells)
    result = run_of(shift).evaluate(Words(), shift)
    assert [(c.within, c.group, c.n) for c in result.breakdown] == [
        (None, "easy, neg", 20), (None, "easy, pos", 20), (None, "hard, neg", 20)
    ]  # fmt: skip
    assert [c.score for c in result.breakdown] == [
        estimate(Proportion(right, 20), ALPHA) for right in (20, 20, 0)
    ]
    assert run_of(shift).evaluate(Words(), shift, "macro-f1").breakdown == ()


def test_too_many_groups_are_no_table(run_of: Maker) -> None:
    """Such as contrast sets that are not scored as such: the run says so once."""
    many = Dataset("many", tuple(
        Example(f"e{n}", f"good {n}", "pos", group=f"g{n}") for n in range(201)
    ))  # fmt: skip
    shift = DomainShift("many", many)
    run = run_of(shift)
    assert run.evaluate(Words(), shift).breakdown == ()
    run.score(Words(), shift)
    assert [note for note in run.notes if "201 groups" in note] == run.notes


@pytest.mark.slow
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    """Neither scores, nor intervals, nor what is drawn, nor the table by group."""
    here = Path()

    def run(data: Dataset) -> Any:
        shift = DomainShift("pairs", data, scoring="contrast")
        plain = DomainShift("plain", data)
        suite = Suite(
            name="tiny",
            task=Classification(("neg", "pos")),
            in_distribution=FILMS,
            shifts=(shift, plain),
            budgets={"pairs": {}, "plain": {}},
        )
        made = SuiteEvaluator(
            suite, engine=Engine(MemoryStore(), Silent()), seed=3, rules=Rules(ALPHA),
            reader=Reader(root=here, cache=here, offline=True, progress=Silent()), max_examples=12,
        )  # fmt: skip
        return made.score(Words(), shift), made.evaluate(Words(), plain).breakdown

    mixed = Random(seed).sample(list(PAIRS), len(PAIRS))
    assert run(PAIRS) == run(Dataset("pairs", tuple(mixed)))


def test_a_report_knows_each_case_by_its_content(run_of: Maker) -> None:
    """A later run finds the same sets by hash, whatever their order: one score for each."""
    result = run_of(CONTRAST).evaluate(Words(), CONTRAST)
    assert result.items is not None
    assert len(result.items.scores) == len(set(result.items.hashes.tolist())) == 21
    assert sum(result.items.scores) == 16


def test_noise_leaves_examples_their_groups(run_of: Maker) -> None:
    """Groups of the data in distribution are told apart under noise, of those that changed."""
    grouped = Dataset("films", tuple(
        Example(e.id, str(e.inputs), e.label, group=("old", "new")[n % 4 < 2])
        for n, e in enumerate(FILMS)
    ))  # fmt: skip
    run = run_of(SHOUT, films=grouped)
    result = run.evaluate(Words(), SHOUT)
    assert [(c.group, c.n, c.score.value) for c in result.breakdown] == [
        ("new", 50, 0.5), ("old", 50, 0.5)
    ]  # fmt: skip


def test_the_table_of_groups_fits_however_many_models(run_of: Maker) -> None:
    """Four models stand beside each other, and no line is wider than a hundred columns."""
    group = "a group of examples " * 6
    data = Dataset("cells", tuple(
        Example(f"c{n}", f"good {n}", "pos", group=(group, "short")[n % 2]) for n in range(20)
    ))  # fmt: skip
    shift = DomainShift("cells", data)
    run = run_of(shift)
    names = [f"model-{n}" for n in range(9)]
    infos = tuple(ModelInfo(suite="tiny", name=name) for name in names)
    report = build_report(
        seed=0,
        rules=Rules(ALPHA),
        models=infos,
        results=[run.evaluate(Words(name), shift) for name in names],
    )
    lines = render(report, verbose=True)
    assert max(map(len, lines)) <= 100
    heads = [line.split() for line in lines if line.endswith("      n")]
    assert heads == [[*names[:4], "n"], [*names[4:8], "n"], [*names[8:], "n"]]
    assert sum(line.endswith("short") for line in lines) == 3
    assert not [line for line in render(report) if line.endswith("short")]
