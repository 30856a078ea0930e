from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.budgets import Budget, Rules, Verdict, interval, points
from pytest_ood.engine import Engine
from pytest_ood.evaluation import Comparison, Evaluation, Flip, Floor, SuiteRun
from pytest_ood.examples import Dataset, Example
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations import perturbation
from pytest_ood.progress import Silent
from pytest_ood.readers import Reader
from pytest_ood.reports import json_report
from pytest_ood.reports.explanation import SHOWN_FLIPS, explain
from pytest_ood.reports.results import Answer, ModelInfo, Results, mean_drop
from pytest_ood.reports.terminal import VERDICTS, WIDTH, answer_sentence, render
from pytest_ood.reports.text import one_line
from pytest_ood.shifts import DomainShift, NoiseShift
from pytest_ood.statistics import Estimate
from pytest_ood.store import MemoryStore
from pytest_ood.suite import Suite
from pytest_ood.tasks import Classification

LABELS = ("neg", "pos")
ALPHA = 0.05
RULES = Rules(ALPHA)
HOSTILE = "a\x1b[31mred\x1b[0m\r\n\x07\u202egnp.exe\u2066\u200b\u2028b\x9b\ud800\t\x7f"


@perturbation(source="here")
def stretch(text: str, rng: Random) -> str:
    """Stretch every second "bad" and every "good"."""
    del rng
    number = int(text.rsplit(maxsplit=1)[-1])
    return text.replace("good", "goood") if number % 4 != 1 else text.replace("bad", "baad")


def data(name: str, bad: str = "bad") -> Dataset:
    """Make forty examples."""
    return Dataset(
        name,
        tuple(
            Example(f"{name}{n}", f"{('good', bad if n % 4 == 1 else 'bad')[n % 2]} {n}", label)
            for n in range(40)
            for label in (("pos", "neg")[n % 2],)
        ),
    )


FRAIL = FakeModel("frail", "keyword", LABELS, {"neg": ["bad"]}, "prompted")
STURDY = FakeModel("sturdy", "keyword", LABELS, {"neg": ["bad", "baad", "dire"]}, "fine-tuned")
SHIFTS = (NoiseShift("stretch", stretch), DomainShift("books", data("books", "dire")))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Measure two models under two shifts."""
    folder = tmp_path_factory.mktemp("reports")
    budgets = {shift.name: {"accuracy": Budget(0.1, 0.05)} for shift in SHIFTS}
    run = SuiteRun(
        Suite("tiny", Classification(LABELS), data("movies"), SHIFTS, budgets, 0.7),
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(folder, folder, offline=True, progress=Silent()),
        seed=11,
        rules=RULES,
        max_examples=None,
    )
    found: list[Floor | Evaluation | Comparison] = []
    for model in (STURDY, FRAIL):
        found.append(run.floor(model))
        found += [run.evaluate(model, shift) for shift in SHIFTS]
    found += [run.compare(FRAIL, STURDY, shift) for shift in SHIFTS]
    return Results(11, RULES, (info(STURDY, baseline=True), info(FRAIL)), tuple(found))


def info(model: FakeModel, *, baseline: bool = False, **parameters: Any) -> ModelInfo:
    """Describe a model."""
    return ModelInfo("tiny", model.name, model.paradigm, model.source, parameters, baseline)


def evaluation(results: Results, model: str = "frail", shift: str = "stretch") -> Evaluation:
    """Return one drop."""
    return next(e for e in results.evaluations if (e.model, e.shift) == (model, shift))


# The text of one check


def test_a_drop_is_explained(results: Results) -> None:
    """Both accuracies, drop, interval, budget, n, seed, what was left out and what flipped."""
    result = evaluation(results)
    text = explain(result, RULES, rerun="pytest --ood-only=stretch")
    for part in (
        "fail: frail under noise/stretch: above",
        "accuracy 100.0 in distribution, 66.7 under the shift",
        "drop 33.3 points, 90% interval",
        interval(result.drop),
        "same examples, paired",
        "budget: at most 10.0 points",
        "n = 30",
        "10 unchanged",
        "0 abstentions",
        "seed 11",
        f"{SHOWN_FLIPS} of 10 that flipped",
        "again: pytest --ood-only=stretch",
    ):
        assert part in text
    flip = result.flips[0]
    assert f"[{flip.id}] truth: neg" in text
    assert f"before, answered neg: {flip.before}" in text
    assert f"after, answered pos: {flip.after}" in text


def test_a_domain_drop_is_explained(results: Results) -> None:
    """Other examples are said to be unpaired, and the wrong ones are shown without a before."""
    text = explain(evaluation(results, shift="books"), RULES)
    assert "other examples, unpaired" in text
    assert "that it got wrong" in text
    assert "before, " not in text
    assert "again:" not in text


def test_a_floor_is_explained(results: Results) -> None:
    """Accuracy, interval, n, seed, least score, majority and abstentions."""
    floor = results.floors[0]
    text = explain(floor, RULES)
    for part in (
        f"pass: sturdy in distribution: {floor.reason}",
        "accuracy 100.0, 90% interval",
        interval(floor.score),
        "n = 40, seed 11",
        "budget: at least 70.0; majority class 50.0; 0 abstentions",
    ):
        assert part in text


def test_a_comparison_is_explained(results: Results) -> None:
    """Both models' accuracies and drops, the difference, its interval, margin, n and seed."""
    comparison = results.comparisons[0]
    text = explain(comparison, RULES)
    for part in (
        "fail: frail against sturdy under noise/stretch",
        "frail: accuracy 100.0 in distribution, 66.7 under the shift, drop 33.3 points",
        "sturdy: accuracy 100.0 in distribution, 100.0 under the shift, drop 0.0 points",
        "difference 33.3 points, 90% interval",
        interval(comparison.difference),
        "budget: at most 5.0 points more",
        "n = 30",
        "seed 11",
        "that frail lost and sturdy did not",
    ):
        assert part in text


def test_an_attack_tells_its_queries(results: Results) -> None:
    """The number of queries is told where there is one."""
    attacked = replace(evaluation(results), kind="adversarial", queries=12345)
    assert "12,345 queries" in explain(attacked, RULES)


def test_no_answer_is_said_so(results: Results) -> None:
    """An abstention is no answer "None"."""
    flip = replace(evaluation(results).flips[0], answer_after=None)
    text = explain(replace(evaluation(results), flips=(flip,)), RULES)
    assert "after, no answer:" in text
    assert "None" not in text


@pytest.mark.parametrize("field", ["id", "before", "after"])
def test_hostile_text_is_escaped(field: str, results: Results) -> None:
    """Escape sequences, line ends and direction marks of an example are shown, not obeyed."""
    flip = replace(evaluation(results).flips[0], **{field: HOSTILE})
    plain = explain(replace(evaluation(results), flips=(flip,)), RULES)
    usual = explain(replace(evaluation(results), flips=evaluation(results).flips[:1]), RULES)
    assert len(plain.splitlines()) == len(usual.splitlines())
    for character in HOSTILE:
        assert character.isprintable() or character not in plain.replace("\n", "")
    assert "\\x1b[31mred" in plain
    plain.encode("utf-8")


@given(text=st.text(), width=st.integers(10, 60))
def test_one_line_is_one_short_line(text: str, width: int) -> None:
    """Whatever a text is, it is shown on one line of at most so many characters."""
    shown = one_line(text, width)
    assert len(shown) <= width
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


def test_a_plain_text_is_shown_as_it_is() -> None:
    """Letters of any script, marks and emoji are left alone; what is cut ends in dots."""
    text = "Na\u00efve caf\u00e9 \u05e9\u05dc\u05d5\u05dd \u4e2d\u6587 \U0001f600!"
    assert one_line(text, 100) == text
    assert one_line("a" * 11, 10) == "a" * 7 + "..."


# The terminal


def test_the_terminal_shows_every_figure(results: Results) -> None:
    """Models, notes, accuracies, drops, intervals, verdicts and comparisons stand in the table."""
    text = "\n".join(render(results))
    for part in (
        "tiny: accuracy, then drop of accuracy in points, 90% intervals, verdicts",
        "sturdy (baseline)",
        "prompted",
        "in distribution",
        "noise\n stretch",
        "domain\n books",
        "10 unchanged, left out",
        "drop beyond that of sturdy",
    ):
        assert part in text
    for result in results.evaluations:
        assert f"{points(result.drop.value)} {interval(result.drop)}" in text
        assert VERDICTS[result.verdict] in text


def many(results: Results, name: str, count: int) -> Results:
    """Repeat the candidate under so many long names, with the widest figures there are."""
    wide = Estimate(-1.0, -1.0, -1.0, 1, 2.0)
    found: list[Floor | Evaluation | Comparison] = []
    infos = [replace(results.models[0], name=name + "-base")]
    for number in range(count):
        model = f"{name}{number}"
        infos.append(replace(results.models[1], name=model))
        for result in results.results:
            if isinstance(result, Comparison):
                found.append(
                    replace(
                        result, model=model, baseline=name + "-base", difference=wide,
                        verdict="inconclusive",
                    )
                )  # fmt: skip
            elif isinstance(result, Evaluation):
                found.append(replace(result, model=model, drop=wide, verdict="fail", abstained=30))
                found.append(replace(result, model=name + "-base"))
            else:
                found.append(replace(result, model=model, verdict="invalid"))
    return replace(results, models=tuple(infos), results=tuple(found))


@pytest.mark.parametrize("name", ["m", "model" * 3, "model" * 6], ids=len)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_no_line_is_wider_than_the_terminal(name: str, count: int, results: Results) -> None:
    """Many models and the widest figures stay within 100 columns."""
    lines = render(many(results, name, count))
    assert [line for line in lines if len(line) > WIDTH] == []


def test_a_very_long_name_stays_within_the_terminal(results: Results) -> None:
    """A model's name of 150 characters does not break the width."""
    lines = render(many(results, "model" * 30, 2))
    assert [line for line in lines if len(line) > WIDTH] == []


def test_a_long_suite_and_shift_stay_within_the_terminal(results: Results) -> None:
    """Long names of suites and shifts stay within 100 columns."""
    suite, shift = "suite" * 20, "shift" * 30
    renamed = replace(
        results,
        models=tuple(replace(model, suite=suite) for model in results.models),
        results=tuple(
            replace(r, suite=suite)
            if isinstance(r, Floor)
            else replace(r, suite=suite, shift=shift)
            for r in results.results
        ),
    )
    assert [line for line in render(renamed) if len(line) > WIDTH] == []


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_a_verdict_is_never_cut(verdict: Verdict, results: Results) -> None:
    """The widest figures leave room for every verdict."""
    for low, value, high in ((-2.0, -0.999, 2.0), (-1.0, 1.0, 1.0)):
        wide = replace(evaluation(results), drop=Estimate(value, low, high, 1, 2.0))
        lines = render(replace(results, results=(replace(wide, verdict=verdict),)))
        (line,) = [line for line in lines if line.startswith(" stretch")]
        assert line.rstrip().endswith(f"{interval(wide.drop)} {VERDICTS[verdict]}".rstrip())


def test_the_legend_explains_what_was_said(results: Results) -> None:
    """Unusual verdicts are explained where they occur, and only there."""
    usual = replace(results, results=(evaluation(results),))
    assert not [line for line in render(usual) if line.startswith(("open:", "INV.:"))]
    odd = (
        replace(evaluation(results), verdict="inconclusive"),
        replace(evaluation(results, "sturdy"), verdict="invalid"),
    )
    lines = render(replace(results, results=odd))
    assert len([line for line in lines if line.startswith(("open:", "INV.:"))]) == 2


def test_abstentions_are_shown(results: Results) -> None:
    """A model that abstained is named beside the shift."""
    shy = replace(evaluation(results), abstained=3)
    assert "frail abstained 3 of 30" in "\n".join(render(replace(results, results=(shy,))))


def test_without_results_nothing_is_shown(results: Results) -> None:
    """A run that measured nothing prints nothing."""
    assert render(replace(results, results=())) == []


# The answer


def answer(results: Results, value: float, low: float, high: float) -> Answer:
    """Make an answer for the noise."""
    estimate = Estimate(value, low, high, 100, 0.1)
    return Answer("noise", results.models[1], results.models[0], estimate)


@pytest.mark.parametrize(
    ("figures", "clause"),
    [
        ((0.12, 0.05, 0.2), "drops 12.0 points more than sturdy (fine-tuned) [5.0, 20.0], settled"),
        ((-0.03, -0.05, -0.01), "drops 3.0 points less than sturdy (fine-tuned) [-5.0, -1.0], se"),
        ((0.02, -0.01, 0.05), "2.0 points more than sturdy (fine-tuned) [-1.0, 5.0], not settled"),
        ((0.0, -0.01, 0.01), "drops as much as sturdy (fine-tuned) [-1.0, 1.0], not settled"),
        ((-0.0004, -0.01, 0.01), "drops as much as sturdy (fine-tuned) [-1.0, 1.0], not settled"),
    ],
)
def test_the_answer_in_a_sentence(
    figures: tuple[float, float, float], clause: str, results: Results
) -> None:
    """Who drops less, by how much, within which interval, and whether it is settled."""
    sentence = answer_sentence([answer(results, *figures)], ALPHA)
    assert sentence.startswith("Under noise shift frail (prompted) ")
    assert clause in sentence
    assert sentence.endswith("(90% intervals of the mean difference in drop.)")
    assert sentence.count("Under") == 1


def test_several_kinds_are_one_sentence(results: Results) -> None:
    """Kinds of shift are joined; without a comparison there is no sentence."""
    sentence = answer_sentence(results.answers("tiny"), ALPHA)
    assert sentence.index("Under domain shift") < sentence.index("; under noise shift")
    assert answer_sentence([], ALPHA) == ""


def test_a_model_from_scratch_is_marked(results: Results) -> None:
    """The note beside a model without pre-training says so, wherever it is shown."""
    scratch = info(STURDY, baseline=True, pretrained=False)
    shown = replace(results, models=(scratch, results.models[1]))
    assert scratch.note == "no pre-training"
    assert "no pre-training" in answer_sentence(shown.answers("tiny"), ALPHA)
    assert "no pre-training" in "\n".join(render(shown))


def test_the_answers(results: Results) -> None:
    """The candidate is compared with the baseline for each kind that both were measured under."""
    answers = results.answers("tiny")
    assert [(a.kind, a.model.name, a.baseline.name) for a in answers] == [
        ("domain", "frail", "sturdy"),
        ("noise", "frail", "sturdy"),
    ]
    assert answers[1].difference.value == pytest.approx(1 / 3)
    assert answers[1].settled


def test_no_answer_without_two_to_compare(results: Results) -> None:
    """Without a baseline, without common shifts, or where one is invalid, nothing is answered."""
    none = tuple(replace(model, baseline=False) for model in results.models)
    assert replace(results, models=none).answers("tiny") == []
    assert replace(results, results=(evaluation(results),)).answers("tiny") == []
    invalid = tuple(
        replace(r, verdict="invalid") if isinstance(r, Evaluation) and r.model == "sturdy" else r
        for r in results.results
    )
    assert replace(results, results=invalid).answers("tiny") == []


def test_the_other_paradigm_is_asked_about(results: Results) -> None:
    """Where a model of another paradigm was measured, models of the baseline's are left out."""
    third = replace(results.models[0], name="third", baseline=False)
    extra = tuple(replace(e, model="third") for e in results.evaluations if e.model == "sturdy")
    more = replace(results, models=(*results.models, third), results=(*results.results, *extra))
    assert {a.model.name for a in more.answers("tiny")} == {"frail"}
    alike = replace(more, models=(results.models[0], third))
    assert {a.model.name for a in alike.answers("tiny")} == {"third"}


def test_the_mean_drop(results: Results) -> None:
    """A mean is over the drops given; over none there is none."""
    drops = [evaluation(results), evaluation(results, shift="books")]
    assert mean_drop(drops) == pytest.approx(sum(e.drop.value for e in drops) / 2)
    with pytest.raises(ValueError, match="no drop"):
        mean_drop([])


# The JSON report


def refuse(constant: str) -> None:
    """Refuse NaN and infinities."""
    raise AssertionError(constant)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Results], dict[str, Any]]:
    """Return a writer that reads the report back, strictly."""

    def write(results: Results) -> dict[str, Any]:
        path = tmp_path / "report.json"
        json_report.write(path, results)
        report: dict[str, Any] = json.loads(path.read_text("ascii"), parse_constant=refuse)
        return report

    return write


def test_the_report_holds_everything(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """Seed, level, versions, models and all results are in the report."""
    report = written(results)
    assert {
        "schema_version", "seed", "alpha", "environment", "models", "in_distribution",
        "evaluations", "comparisons", "answers", "errors",
    } <= set(report)  # fmt: skip
    assert (report["seed"], report["alpha"]) == (11, ALPHA)
    assert {"python", "platform", "pytest-ood", "pytest", "numpy"} <= set(report["environment"])
    assert [model["name"] for model in report["models"]] == ["sturdy", "frail"]
    assert [model["baseline"] for model in report["models"]] == [True, False]
    sizes = {key: len(report[key]) for key in ("in_distribution", "evaluations", "comparisons")}
    assert sizes == {"in_distribution": 2, "evaluations": 4, "comparisons": 2}


def test_the_figures_of_the_report(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """A drop stands there with interval, scores, counts, budget, verdict and flips."""
    drop = next(
        e
        for e in written(results)["evaluations"]
        if (e["model"], e["shift"]) == ("frail", "stretch")
    )
    result = evaluation(results)
    assert drop["drop"] == pytest.approx(1 / 3)
    assert drop["interval"] == pytest.approx([result.drop.low, result.drop.high])
    assert (drop["score_id"], drop["n"], drop["unchanged"]) == (1.0, 30, 10)
    assert (drop["budget"], drop["verdict"], drop["paired"]) == (0.1, "fail", True)
    assert (drop["flipped"], len(drop["flips"])) == (10, SHOWN_FLIPS)
    assert set(drop["flips"][0]) == set(Flip.__dataclass_fields__)
    assert drop["shifted_set_hash"] == result.shifted_set_hash


def test_the_answers_of_the_report(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """The question's answers stand there, settled or not."""
    answers = {a["kind"]: a for a in written(results)["answers"]}
    assert answers["noise"]["difference"] == pytest.approx(1 / 3)
    assert answers["noise"]["settled"] is True
    assert answers["noise"]["interval"][0] > 0


def test_hostile_text_is_ascii_in_the_report(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """Any text, lone surrogates too, is written in ASCII and comes back as it was."""
    flip = replace(evaluation(results).flips[0], after=HOSTILE)
    report = written(replace(results, results=(replace(evaluation(results), flips=(flip,)),)))
    assert report["evaluations"][0]["flips"][0]["after"] == HOSTILE


def test_a_figure_that_is_no_number_is_never_written(results: Results, tmp_path: Path) -> None:
    """A report with NaN is no JSON: nothing is written, and an older report stays."""
    path = tmp_path / "report.json"
    json_report.write(path, results)
    before = path.read_text()
    broken = replace(evaluation(results), score_ood=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        json_report.write(path, replace(results, results=(broken,)))
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_the_report_of_nothing(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """A run that measured nothing has a report with empty lists."""
    report = written(replace(results, results=(), models=()))
    assert (report["models"], report["evaluations"], report["answers"]) == ([], [], [])


def test_errors_are_reported(
    results: Results, written: Callable[[Results], dict[str, Any]]
) -> None:
    """What could not be measured stands there with its reason."""
    report = written(replace(results, errors=(("tiny/noise/x[m]", "no such file"),)))
    assert report["errors"] == [{"check": "tiny/noise/x[m]", "message": "no such file"}]
