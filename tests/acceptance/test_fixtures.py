from __future__ import annotations

import json

import pytest

OWN_TESTS = """
import json
from pathlib import Path

import pytest
from hypothesis import given
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pytest_ood import FakeModel, perturbation, perturbed

ROWS = [json.loads(line) for line in Path("reviews.jsonl").read_text().splitlines()]
REVIEWS = [(row["text"], row["label"]) for row in ROWS]
LABELS = ("negative", "positive")


@perturbation(source="this test")
def shout(text, rng):
    return text.upper()


@pytest.fixture(scope="module")
def pipeline():
    texts, labels = zip(*REVIEWS)
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)


@pytest.fixture
def frail():
    words = {"positive": ["wonderful"], "negative": ["terrible"]}
    return FakeModel("frail", "keyword", LABELS, words)
"""


@pytest.fixture
def own_tests(project: pytest.Pytester) -> pytest.Pytester:
    """Leave the project's own tests alone to run: no suite item is selected by `-k own`."""
    project.path.joinpath("shared.py").write_text(OWN_TESTS)
    return project


def run(project: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """Run one test module of a user's project."""
    project.path.joinpath("test_own.py").write_text(OWN_TESTS + code)
    return project.runpytest_inprocess("--ood-suite", "-k", "test_own", *options)


def test_assert_drop_passes_and_returns_the_measurement(own_tests: pytest.Pytester) -> None:
    """A fitted pipeline passes under a perturbation that it does not see."""
    run(
        own_tests,
        """
def test_case(ood, pipeline):
    result = ood.assert_drop(pipeline, REVIEWS, shout, max_drop=0.03)
    assert result.drop.value == 0.0
    assert result.n == len(REVIEWS)
""",
    ).assert_outcomes(passed=1, deselected=10)


def test_assert_drop_fails_with_the_figures(own_tests: pytest.Pytester) -> None:
    """A broken budget fails the user's test with the explanation and without our machinery."""
    result = run(
        own_tests,
        """
def test_case(ood, frail):
    ood.assert_drop(frail, REVIEWS, "keyboard", max_drop=0.03)
""",
    )
    result.assert_outcomes(failed=1, deselected=10)
    result.stdout.fnmatch_lines(
        ["E *fail: frail under noise/keyboard: above *", "E *3 of * that flipped:*"]
    )
    result.stdout.no_fnmatch_line("*assertions.py*_settle*")


def test_assert_no_less_robust_compares_on_the_same_items(own_tests: pytest.Pytester) -> None:
    """The relative assertion passes for the sturdier model and fails the other way round."""
    result = run(
        own_tests,
        """
def test_better(ood, frail, pipeline):
    ood.assert_no_less_robust(pipeline, than=frail, on=REVIEWS, under="keyboard", margin=0.05)

def test_worse(ood, frail, pipeline):
    ood.assert_no_less_robust(frail, than=pipeline, on=REVIEWS, under="keyboard", margin=0.05)
""",
    )
    result.assert_outcomes(passed=1, failed=1, deselected=10)


def test_an_inconclusive_assertion_skips_and_strictly_fails(own_tests: pytest.Pytester) -> None:
    """Too few examples to tell: skipped with the number that would do; strictly, failed."""
    code = """
def test_case(ood, frail):
    ood.assert_drop(frail, REVIEWS[:60], "keyboard", max_drop=0.15)
"""
    result = run(own_tests, code, "-rs")
    result.assert_outcomes(skipped=1, deselected=10)
    result.stdout.fnmatch_lines(["*inconclusive: frail under noise/keyboard: about *"])
    run(own_tests, code, "--ood-strict").assert_outcomes(failed=1, deselected=10)


def test_functions_domains_and_attacks_are_taken(own_tests: pytest.Pytester) -> None:
    """A function is a model, a data set is a domain shift, an attack goes by its name."""
    run(
        own_tests,
        """
from pytest_ood import Dataset

def answer(texts):
    return ["negative" if "terrible" in text else "positive" for text in texts]

def test_case(ood, pipeline):
    lamps = Dataset.from_pairs("lamps", [(t.replace("film", "lamp"), l) for t, l in REVIEWS])
    ood.assert_drop(answer, REVIEWS, lamps, max_drop=0.05)
    ood.assert_drop(answer, REVIEWS, "greedy-characters", max_drop=0.9)
""",
    ).assert_outcomes(passed=1, deselected=10)


def test_a_constant_model_never_passes(own_tests: pytest.Pytester) -> None:
    """A model that always answers the same drops by nothing, and is invalid."""
    result = run(
        own_tests,
        """
def test_case(ood):
    ood.assert_drop(FakeModel("stone", "constant", LABELS), REVIEWS, "keyboard", max_drop=0.5)
""",
    )
    result.assert_outcomes(failed=1, deselected=10)
    result.stdout.fnmatch_lines(["E *invalid: stone *it answers 'negative' to 100.0 %*"])


def test_hypothesis_shrinks_to_the_least_edit(own_tests: pytest.Pytester) -> None:
    """A property over `perturbed` fails with one edit in one example."""
    result = run(
        own_tests,
        """
@pytest.mark.ood
@given(case=perturbed(REVIEWS, "keyboard", max_edits=3))
def test_case(case):
    model = FakeModel("frail", "keyword", LABELS, {"positive": [], "negative": ["terrible"]})
    (before, after) = model.predict([case.original, case.inputs])
    assert before.label == after.label, len(case.edits)
""",
    )
    result.assert_outcomes(failed=1, deselected=10)
    result.stdout.fnmatch_lines(["E*AssertionError: 1"])


def test_a_strategy_loads_its_generator_before_it_draws(project: pytest.Pytester) -> None:
    """In a process that has loaded nothing yet, no draw is too slow for Hypothesis."""
    project.path.joinpath("test_cold.py").write_text(
        """
import sys

import pytest
from hypothesis import given
from pytest_ood import perturbed

CASES = perturbed([("A wonderful film.", "positive")], "misspelling", max_edits=1)
LOADED = "nlpaug" in sys.modules

@pytest.mark.ood
@given(case=CASES)
def test_cold(case):
    assert not LOADED
    assert case.inputs != case.original
"""
    )
    result = project.runpytest_subprocess("--ood-suite", "-k", "test_cold")
    result.assert_outcomes(passed=1, deselected=10)


def test_models_and_shifts_are_fixtures(own_tests: pytest.Pytester) -> None:
    """`ood_model`, `ood_shift` and `ood_baseline` run a test for each configured pair."""
    result = run(
        own_tests,
        """
def test_case(ood, ood_model, ood_shift, ood_baseline):
    assert ood_baseline.name == "sturdy"
    if ood_shift.kind == "domain":
        ood.assert_drop(ood_model, REVIEWS, ood_shift, max_drop=0.1)

def test_models_alone(ood_model): pass
""",
        "-v",
    )
    result.assert_outcomes(passed=8, deselected=10)
    result.stdout.fnmatch_lines(["*test_case[[]frail-keyboard[]] PASSED*"])
    result.stdout.fnmatch_lines(["*test_models_alone[[]sturdy[]] PASSED*"])


def test_only_leaves_tests_about_the_chosen_shifts(own_tests: pytest.Pytester) -> None:
    """Under --ood-only, tests that ask for `ood_shift` get the chosen ones, and no others run."""
    run(
        own_tests,
        """
def test_shifts(ood_shift): assert ood_shift.name == "keyboard"

def test_of_no_shift(ood): pass
""",
        "--ood-only=noise",
    ).assert_outcomes(passed=1, deselected=4)


def test_a_conftest_adds_models_to_the_suite(project: pytest.Pytester) -> None:
    """The hook `pytest_ood_models` puts a model made in Python beside the configured ones."""
    project.makeconftest(
        """
        from pytest_ood import CallableModel

        def pytest_ood_models(suite, labels):
            assert suite == "reviews" and labels == ("negative", "positive")
            return [CallableModel("mine", lambda texts: ["negative"] * len(texts))]
        """
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-model=mine", "--ood-only=domain")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["invalid: mine under domain/lamps: *"])


def test_a_missing_baseline_is_said(project: pytest.Pytester) -> None:
    """A test that asks for the baseline where none is marked gets told what to add."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().replace("baseline = true", ""))
    result = run(project, "\ndef test_case(ood_baseline): pass\n")
    result.assert_outcomes(errors=1, deselected=8)
    result.stdout.fnmatch_lines(["*add `baseline = true` to one*"])


INVARIANCE = """
from pytest_ood import edited
from hypothesis import example, settings

def words(texts):
    return ["positive" if "wonderful" in text else "negative" for text in texts]

@settings(derandomize=True, deadline=None)
@given(case=perturbed(REVIEWS, "swap", max_edits=3))
def test_invariant(ood, case):
    ood.assert_invariant(words, case)
"""


def test_an_answer_that_turns_is_explained_and_kept(own_tests: pytest.Pytester) -> None:
    """The failure has original, edit, both answers and a replay; the next run begins with it."""
    result = run(own_tests, INVARIANCE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*NotInvariantError: words answers differently after one edit",
            "*  original, answered positive: Number * was a wonderful film with a delightful *",
            "*  edited, answered negative: Number *",
            "*  edit: [[]*:*[]] '*' -> '*'",
            "*  saved in *.json, which the next run tries first",
            "*again: @example(case=edited('Number *', 'positive', (*, *, '*', '*')))",
        ]
    )
    (path,) = own_tests.path.joinpath(".ood/replay").iterdir()
    kept = json.loads(path.read_text())
    assert len(kept["edits"]) == 1
    # The next run is shown the kept case first, and no other: it fails at once.
    result = run(own_tests, INVARIANCE.replace("derandomize=True", "derandomize=True, "
                                               "max_examples=1, phases=['generate']")
                 .replace("['generate']", "[__import__('hypothesis').Phase.generate]"))  # fmt: skip
    result.assert_outcomes(failed=1)
    assert json.loads(path.read_text()) == kept


def test_a_printed_replay_can_be_pasted(own_tests: pytest.Pytester) -> None:
    """The line that a failure prints stands as an `@example` and fails again."""
    shown = run(own_tests, INVARIANCE).stdout.str()
    line = next(part for part in shown.splitlines() if "again: @example" in part)
    pasted = line.partition("again: ")[2]
    code = INVARIANCE.replace("@given", f"{pasted}\n@given").replace(
        "derandomize=True", "phases=[__import__('hypothesis').Phase.explicit]"
    )
    result = run(own_tests, code)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*words answers differently after one edit"])


def test_a_changing_perturbation_is_no_invariance(own_tests: pytest.Pytester) -> None:
    """Where the label changes, so should the answer: the assertion refuses such a case."""
    result = run(own_tests, INVARIANCE.replace('"swap"', '"negate"'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ConfigurationError: assert_invariant: *changes the label*"])


def test_a_sturdy_model_is_invariant(own_tests: pytest.Pytester) -> None:
    """A model that looks at nothing the edits touch passes, and nothing is kept."""
    result = run(
        own_tests,
        INVARIANCE.replace('"swap"', "shout").replace("in text else", "in text.lower() else"),
    )
    result.assert_outcomes(passed=1)
    assert not own_tests.path.joinpath(".ood").exists()


def test_assert_consistent_counts_whole_sets(own_tests: pytest.Pytester) -> None:
    """A pair is right where both are; what comes back says how many sets there were."""
    sets = """
SETS = [
    [(f"Day {n} was wonderful.", "positive"), (f"Day {n} was dreadful.", "negative")]
    for n in range(40)
]
"""
    code = """
def test_both(ood, pipeline):
    result = ood.assert_consistent(pipeline, SETS, min_score=0.9)
    assert (result.n, result.case_inputs, result.score.value) == (40, 80, 1.0)

def test_one(ood, frail):
    ood.assert_consistent(frail, SETS, min_score=0.9)
"""
    result = run(own_tests, sets + code)
    result.assert_outcomes(passed=1, failed=1, deselected=10)
    result.stdout.fnmatch_lines(
        [
            "E*fail: frail under domain/contrast sets: below 7.2 with confidence 95%",
            "E*budget: at least 90.0",
            "E*always the same answer: 0.0",
            "E*cases, each right or wrong as a whole: 40 of 80 inputs",
        ]
    )


def test_assert_expected_is_about_what_answers_do(own_tests: pytest.Pytester) -> None:
    """Invariance, direction and change; a function without probabilities has no direction."""
    code = """
from pytest_ood import OodError

DAYS = [[f"Day {n} was wonderful.", f"Day {n} was really wonderful."] for n in range(60)]
WORSE = [[first, f"{first} It was terrible and dreadful."] for first, _ in DAYS]


def by_word(texts):
    return ["negative" if "terrible" in text else "positive" for text in texts]


def test_same(ood, pipeline):
    ood.assert_expected(pipeline, DAYS, {"same": True}, min_score=0.9)
    ood.assert_expected(by_word, DAYS, {"same": True}, min_score=0.9)

def test_worse(ood, pipeline):
    ood.assert_expected(pipeline, WORSE, {"not_up": "positive", "tolerance": 0}, min_score=0.9)

def test_change(ood):
    ood.assert_expected(by_word, WORSE, {"changed": True}, min_score=0.9)

def test_not(ood):
    ood.assert_expected(by_word, [[text] for text, _ in DAYS], {"not": "negative"}, min_score=0.9)

def test_too_much(ood, pipeline):
    ood.assert_expected(pipeline, WORSE, {"same": True}, min_score=0.9)

def test_no_direction(ood):
    with pytest.raises(OodError, match="on probabilities, and the model gives none"):
        ood.assert_expected(by_word, WORSE, {"not_up": "positive"}, min_score=0.9)

def test_too_few(ood):
    ood.assert_expected(by_word, DAYS[:20], {"same": True}, min_score=0.9)

def test_wrong(ood):
    with pytest.raises(OodError, match="give a table with one of"):
        ood.assert_expected(by_word, DAYS, {"equal": True}, min_score=0.9)
    with pytest.raises(OodError, match="2 are the least for INV"):
        ood.assert_expected(by_word, [["a"]], {"same": True}, min_score=0.9)
    with pytest.raises(OodError, match="min_score = 90 is not a share"):
        ood.assert_expected(by_word, DAYS, {"same": True}, min_score=90)
"""
    result = run(own_tests, code)
    result.assert_outcomes(passed=6, failed=1, skipped=1, deselected=10)
    result.stdout.fnmatch_lines(
        [
            "E*truth: the same answer",
            "E*answered positive, then answered negative: *{+* dreadful.+}",
        ]
    )
