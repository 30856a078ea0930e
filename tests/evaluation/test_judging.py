"""A judge that scores answers: its prompt, its verdicts, and the labels that correct them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.evaluation.judging import Judge, Rubric
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.callable import CallableModel
from pytest_ood.shifts import DomainShift, Shift, WorstDomain
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import UNSCORED, Judged, Prediction
from pytest_ood.utils.progress import Silent

RUBRIC = Rubric("Q: {input}\nA: {answer}", "rubric.md")
PROMPT = re.compile(r"Q: (\d+)\nA: (.*)")
SIZE = 120


def dataset(name: str, start: int) -> Dataset:
    """Return questions that are numbers, which tell where they are from to this module alone."""
    return Dataset(name, tuple(Example(str(n), str(n), "") for n in range(start, start + SIZE)))


FAR = DomainShift("far", dataset("far", 5000))


def answer(questions: Sequence[Inputs]) -> list[str]:
    """Answer nine of ten questions rightly, and six of ten under the shift."""
    return [
        "right" if int(str(q)) % 10 < (9 if int(str(q)) < 5000 else 6) else "wrong"
        for q in questions
    ]


def is_right(prompt: Inputs) -> tuple[int, bool]:
    """Return the number of a question, and whether its answer is right."""
    found = PROMPT.fullmatch(str(prompt))
    assert found is not None
    return int(found[1]), found[2] == "right"


def strict(prompts: Sequence[Inputs]) -> list[str]:
    """Judge every answer rightly."""
    return ["pass" if is_right(prompt)[1] else "FAIL" for prompt in prompts]


def lenient(prompts: Sequence[Inputs]) -> list[str]:
    """Pass three of four wrong answers under the shift."""
    verdicts = []
    for prompt in prompts:
        number, right = is_right(prompt)
        verdicts.append("pass" if right or (number >= 5000 and number % 10 != 9) else "fail")
    return verdicts


def rows(shift: str, start: int, count: int = 60, **more: str) -> list[dict[str, Any]]:
    """Return labelled answers, with the verdicts that people give."""
    return [
        {
            "id": str(n), "text": str(n), "shift": shift, "answer": answer([str(n)])[0],
            "verdict": answer([str(n)])[0] == "right", **more,
        }
        for n in range(start, start + count)
    ]  # fmt: skip


BOTH = [*rows("in-distribution", 1000), *rows("far", 6000)]
Maker = Callable[..., SuiteEvaluator]


@pytest.fixture
def judged(tmp_path: Path) -> Maker:
    """Return a maker of evaluators with a judge and labelled answers."""

    def maker(
        judge: Callable[[list[Inputs]], Any] = strict,
        labelled: Sequence[dict[str, Any]] = BOTH,
        *,
        fingerprint: str | None = "1",
        budget: Budget | None = None,
        shifts: tuple[Shift, ...] = (FAR,),
    ) -> SuiteEvaluator:
        (tmp_path / "labelled.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in labelled))
        suite = Suite(
            name="s",
            task=Judged("big", "rubric.md", "labelled.jsonl"),
            in_distribution=dataset("s", 0),
            shifts=shifts,
            budgets={shift.name: {"accuracy": budget or Budget(max_drop=0.2)} for shift in shifts},
        )
        reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
        model = CallableModel("big", judge, source="judges:big", fingerprint=fingerprint)
        return SuiteEvaluator(
            suite, engine=Engine(MemoryStore(), Silent()), reader=reader, seed=0,
            rules=Rules(0.05), max_examples=None, judge=Judge(model, RUBRIC),
        )  # fmt: skip

    return maker


TESTED = CallableModel("small", answer, source="models:small")


def test_the_worst_domain_is_of_corrected_drops(judged: Maker) -> None:
    """It selects no single answers that the judge gets wrong, so that a judge may score them."""
    run = judged(lenient, shifts=(FAR, WorstDomain()))
    worst, single = (run.evaluate(TESTED, shift) for shift in (WorstDomain(), FAR))
    assert (worst.drop, worst.p_fail) == (single.drop, single.p_fail)
    assert worst.reason == f"far is the worst: {single.reason}"


def test_a_lenient_judge_hides_a_drop_and_labels_show_it(judged: Maker) -> None:
    """The true drop is 30 points. The judge alone sees a gain, and the interval holds the truth."""
    run = judged(lenient)
    shown = run.evaluate(TESTED, FAR)
    assert shown.drop.low < 0.3 < shown.drop.high
    assert shown.drop.value > 0.2
    assert shown.score_in_distribution - shown.score_under_shift == pytest.approx(shown.drop.value)
    assert (shown.verdict, shown.score_name) == ("inconclusive", "judged score")
    assert "as many times the labelled answers" in shown.reason
    notes = "\n".join(run.notes)
    assert RUBRIC.digest in notes
    assert "fingerprint 1, " in notes
    assert "in distribution: Cohen's kappa 1.00, equal verdicts 100 % (n = 60 " in notes
    assert "under far: Cohen's kappa 0.29, equal verdicts 70 % (n = 60 " in notes
    assert "warning" not in notes
    # Single answers are not corrected, and not compared any further.
    assert (len(shown.before), len(shown.after), shown.items) == (0, 0, None)


def test_a_good_judge_settles_a_drop(judged: Maker) -> None:
    """Its verdicts count, and their many narrow the interval; the floor is corrected as well."""
    run = judged(budget=Budget(max_drop=0.1, min_score=0.4))
    assert run.evaluate(TESTED, FAR).verdict == "fail"
    floor = run.floor(TESTED)
    assert floor.score.value == pytest.approx(0.9, abs=0.01)
    assert run.score(TESTED, FAR).verdict == "pass"


def test_the_judge_sees_a_rubric_and_nothing_else(judged: Maker) -> None:
    """Each prompt once, in the order of the texts, without the shift, the model or the version."""
    seen: list[str] = []

    def spy(prompts: Sequence[Inputs]) -> list[str]:
        seen.extend(map(str, prompts))
        return strict(prompts)

    run = judged(spy)
    run.evaluate(TESTED, FAR)
    assert len(seen) == len(set(seen)) == 2 * SIZE + len(BOTH)
    assert all(PROMPT.fullmatch(prompt) for prompt in seen)
    pairs = [(Prediction(f"x{n % 3}"), Example(str(n), str(9000 + n), "")) for n in range(40)]
    assert run.judging is not None
    orders = []
    for order in (pairs, pairs[::-1]):
        seen.clear()
        judged(spy).suite.task.scores(order)
        orders.append([*seen])
    assert orders[0] == orders[1]


def test_prose_is_no_verdict_and_leaves_the_answer_out(judged: Maker) -> None:
    """A few are counted with their reason; no answer fails unjudged; many are an error."""

    def chatty(prompts: Sequence[Inputs]) -> list[str]:
        return [
            "Well, pass." if is_right(p)[0] % 50 == 1 else verdict
            for p, verdict in zip(prompts, strict(prompts), strict=True)
        ]

    run = judged(chatty)
    shown = run.evaluate(TESTED, FAR)
    assert (shown.n, shown.errors) == (117, {UNSCORED: 6})
    assert "judge 'big': no verdict, unscored: 'Well, pass.'" in run.notes
    silent = (Prediction(None), Example("1", "1", ""))
    assert run.suite.task.scores([silent]) == [0.0]
    with pytest.raises(ModelError, match="120 of 120 answers are no verdict, such as 'Good"):
        judged(lambda prompts: ["Good enough!"] * len(prompts)).floor(TESTED)


def test_too_many_without_a_verdict_are_invalid(judged: Maker) -> None:
    """The message says what to correct."""

    def vague(prompts: Sequence[Inputs]) -> list[str]:
        return [
            "maybe" if is_right(p)[0] % 4 == 1 else verdict
            for p, verdict in zip(prompts, strict(prompts), strict=True)
        ]

    with_labels = [*rows("in-distribution", 1000, 100), *rows("far", 6000, 100)]
    floor = judged(vague, with_labels).floor(TESTED)
    assert floor.verdict == "invalid"
    assert "correct the judge or its rubric" in floor.reason


@pytest.mark.parametrize(
    ("labelled", "reason"),
    [
        ([], "small: 0 answers in distribution have a verdict of people"),
        (rows("in-distribution", 1000, 49), "small: 49 answers in distribution"),
        (
            rows("in-distribution", 1000),
            "0 answers under far have a verdict of people, so that the judge's error there is "
            "unknown: label 59 or more",
        ),
        ([*rows("in-distribution", 1000), *rows("far", 6000, 30)], "30 answers under far have"),
    ],
)
def test_without_labels_there_is_no_verdict(
    judged: Maker, labelled: list[dict[str, Any]], reason: str
) -> None:
    """Neither in distribution nor under a shift, and the number that it takes is told."""
    shown = judged(strict, labelled, budget=Budget(max_drop=0.05)).evaluate(TESTED, FAR)
    assert shown.verdict == "invalid"
    assert reason in shown.reason


def test_two_models_need_labels_of_their_own(judged: Maker) -> None:
    """An error that both are taken to share would cancel out."""

    def steady(questions: Sequence[Inputs]) -> list[str]:
        """Answer nine of ten questions rightly, also under the shift."""
        return ["wrong" if int(str(q)) % 10 == 9 else "right" for q in questions]

    other = CallableModel("other", steady, source="models:other")
    margin = Budget(margin=0.2)
    shared = judged(strict, BOTH, budget=margin).compare(TESTED, other, FAR)
    assert shared.verdict == "invalid"
    assert "0 answers of small in distribution" in shared.reason
    assert "with model = 'small'" in shared.reason
    own = [
        row
        for model in ("small", "other")
        for side in (("in-distribution", 1000), ("far", 6000))
        for row in rows(*side, model=model)
    ]
    for row in own:
        if row["model"] == "other":
            said = steady([row["text"]])[0]
            row |= {"answer": said, "verdict": said == "right"}
    compared = judged(strict, own, budget=margin).compare(TESTED, other, FAR)
    assert compared.verdict in ("inconclusive", "fail")
    assert compared.difference.low < 0.3 < compared.difference.high


def test_a_judge_is_never_the_model_under_test(judged: Maker) -> None:
    """By its source, or by its fingerprint."""
    for tested in (
        CallableModel("same", answer, source="judges:big"),
        CallableModel("same", answer, source="elsewhere", fingerprint="1"),
    ):
        with pytest.raises(ConfigurationError, match=r"'same' is the judge \('big'\) of its own"):
            judged().floor(tested)


def test_a_judge_without_a_fingerprint_is_warned_of(judged: Maker) -> None:
    """Its answers are kept in this run alone."""
    run = judged(fingerprint=None)
    run.floor(TESTED)
    assert any(note.startswith("warning: s: judge 'big' has no fingerprint") for note in run.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": "fra"}, "row 1, field 'shift': unknown shift 'fra'.*far"),
        ({"verdict": "good"}, "row 1, field 'verdict': 'good' is no verdict; those of people are"),
        ({"id": "1001"}, "row 2: a second answer to '1001' under 'in-distribution'"),
        ({"id": " "}, "row 1, field 'id': the id is ' '"),
        ({"answer": None}, "row 1, field 'answer'"),
    ],
)
def test_wrong_labelled_rows_are_refused(
    judged: Maker, change: dict[str, Any], message: str
) -> None:
    """The message has the file, the row and the field."""
    labelled = [{**BOTH[0], **change}, *BOTH[1:]]
    with pytest.raises(DataError, match=message):
        judged(strict, labelled).floor(TESTED)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{answer} {inptu}", "unknown field 'inptu'"),
        ("Is {input} right?", "it lacks the answer to judge"),
        (None, "cannot be read"),
    ],
)
def test_wrong_rubrics_are_refused(tmp_path: Path, template: str | None, message: str) -> None:
    """The message has the file."""
    if template is not None:
        (tmp_path / "r.md").write_text(template)
    with pytest.raises(ConfigurationError, match=message):
        Rubric.read("r.md", tmp_path, ("question",))


def test_a_rubric_is_filled_in_once() -> None:
    """An answer with braces stays as it is; several fields are named."""
    rubric = Rubric('{input}|{question}|{answer}|{reference}|{"verdict": 1}', "r.md")
    example = Example("1", {"question": "{answer}", "context": "c"}, "r")
    assert rubric.render("{reference}", example) == (
        'question: {answer}\ncontext: c|{answer}|{reference}|r|{"verdict": 1}'
    )
