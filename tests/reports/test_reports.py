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

from pytest_ood.analysis.report import (
    CheckError,
    ParadigmComparison,
    Report,
    build_report,
    compare_paradigms,
)
from pytest_ood.budgets import Budget, Rules, Verdict, interval, points
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.evaluation import (
    AttackDetails,
    CaseDetails,
    Comparison,
    DomainDetails,
    Evaluation,
    Flip,
    Floor,
    ModelInfo,
    SuiteEvaluator,
    WorstDetails,
)
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.fake import FakeModel
from pytest_ood.perturbations import perturbation
from pytest_ood.reports import formats
from pytest_ood.reports.escaping import CONTEXT, one_line, word_diff
from pytest_ood.reports.explanation import SHOWN_FLIPS, explain
from pytest_ood.reports.junit import properties
from pytest_ood.reports.terminal import WIDTH, render
from pytest_ood.reports.wording import VERDICT_MARKS, paradigm_sentence
from pytest_ood.shifts import WORST, DomainShift, NoiseShift
from pytest_ood.statistics import Correction, Estimate
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

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
def results(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Measure two models under two shifts."""
    folder = tmp_path_factory.mktemp("reports")
    budgets = {shift.name: {"accuracy": Budget(0.1, 0.05)} for shift in SHIFTS}
    run = SuiteEvaluator(
        Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=data("movies"),
            shifts=SHIFTS,
            budgets=budgets,
            min_score=0.7,
        ),
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=folder, cache=folder, offline=True, progress=Silent()),
        seed=11,
        rules=RULES,
        max_examples=None,
    )
    found: list[Floor | Evaluation | Comparison] = []
    for model in (STURDY, FRAIL):
        found.append(run.floor(model))
        found += [run.evaluate(model, shift) for shift in SHIFTS]
    found += [run.compare(FRAIL, STURDY, shift) for shift in SHIFTS]
    models = (info(STURDY, baseline=True), info(FRAIL))
    return build_report(seed=11, rules=RULES, models=models, results=found)


def info(model: FakeModel, *, baseline: bool = False, **parameters: Any) -> ModelInfo:
    """Describe a model."""
    return ModelInfo(
        suite="tiny", name=model.name, paradigm=model.paradigm, source=model.source,
        parameters=parameters, baseline=baseline,
    )  # fmt: skip


def evaluation(results: Report, model: str = "frail", shift: str = "stretch") -> Evaluation:
    """Return one drop."""
    return next(e for e in results.evaluations if (e.model, e.shift) == (model, shift))


# The text of one check


def test_a_drop_is_explained(results: Report) -> None:
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
        "n = 30, seed 11",
        "unchanged, left out: 10",
        f"{SHOWN_FLIPS} of 10 that flipped",
        "again: pytest --ood-only=stretch",
    ):
        assert part in text
    flip = result.flips[0]
    assert f"[{flip.id}] truth: neg" in text
    assert f"before, answered neg: {flip.before}" in text
    assert f"after, answered pos: {flip.after}" in text


def test_a_domain_drop_is_explained(results: Report) -> None:
    """Other examples are said to be unpaired, and the wrong ones are shown without a before."""
    text = explain(evaluation(results, shift="books"), RULES)
    assert "other examples, unpaired" in text
    assert "that it got wrong" in text
    assert "before, " not in text
    assert "again:" not in text


def test_a_floor_is_explained(results: Report) -> None:
    """Accuracy, interval, n, seed, least score, majority and abstentions."""
    floor = results.in_distribution[0]
    text = explain(floor, RULES)
    for part in (
        f"pass: sturdy in distribution: {floor.reason}",
        "accuracy 100.0, 90% interval",
        interval(floor.score),
        "n = 40, seed 11; budget: at least 70.0",
        "majority class: 50.0",
    ):
        assert part in text


def test_a_comparison_is_explained(results: Report) -> None:
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


def test_an_attack_tells_its_queries(results: Report) -> None:
    """The number of queries is told where there is one."""
    attacked = replace(
        evaluation(results), kind="adversarial", details=AttackDetails(queries=12345)
    )
    assert "queries: 12,345" in explain(attacked, RULES)


def test_no_answer_is_said_so(results: Report) -> None:
    """An abstention is no answer "None"."""
    flip = replace(evaluation(results).flips[0], answer_after=None)
    text = explain(replace(evaluation(results), flips=(flip,)), RULES)
    assert "after, no answer:" in text
    assert "None" not in text


@pytest.mark.parametrize("field", ["id", "before", "after"])
def test_hostile_text_is_escaped(field: str, results: Report) -> None:
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


def test_the_terminal_shows_every_figure(results: Report) -> None:
    """Models, notes, accuracies, drops, intervals, verdicts and comparisons stand in the table."""
    text = "\n".join(render(results))
    for part in (
        "tiny: accuracy, then drop of accuracy in points, 90% intervals, verdicts",
        "sturdy (baseline)",
        "prompted",
        "in distribution",
        "noise\n stretch",
        "domain\n books",
        "unchanged, left out: 10",
        "drop beyond that of sturdy",
    ):
        assert part in text
    for result in results.evaluations:
        assert f"{points(result.drop.value)} {interval(result.drop)}" in text
        assert VERDICT_MARKS[result.verdict] in text


def many(results: Report, name: str, count: int) -> Report:
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
    return build_report(seed=11, rules=RULES, models=infos, results=found)


@pytest.mark.parametrize("name", ["m", "model" * 3, "model" * 6], ids=len)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_no_line_is_wider_than_the_terminal(name: str, count: int, results: Report) -> None:
    """Many models and the widest figures stay within 100 columns."""
    lines = render(many(results, name, count))
    assert [line for line in lines if len(line) > WIDTH] == []


def test_a_very_long_name_stays_within_the_terminal(results: Report) -> None:
    """A model's name of 150 characters does not break the width."""
    lines = render(many(results, "model" * 30, 2))
    assert [line for line in lines if len(line) > WIDTH] == []


def test_a_long_suite_and_shift_stay_within_the_terminal(results: Report) -> None:
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
def test_a_verdict_is_never_cut(verdict: Verdict, results: Report) -> None:
    """The widest figures leave room for every verdict."""
    for low, value, high in ((-2.0, -0.999, 2.0), (-1.0, 1.0, 1.0)):
        wide = replace(evaluation(results), drop=Estimate(value, low, high, 1, 2.0))
        lines = render(replace(results, results=(replace(wide, verdict=verdict),)))
        (line,) = [line for line in lines if line.startswith(" stretch")]
        assert line.rstrip().endswith(f"{interval(wide.drop)} {VERDICT_MARKS[verdict]}".rstrip())


def test_the_legend_explains_what_was_said(results: Report) -> None:
    """Unusual verdicts are explained where they occur, and only there."""
    usual = replace(results, results=(evaluation(results),))
    assert not [line for line in render(usual) if line.startswith(("open:", "INV.:"))]
    odd = (
        replace(evaluation(results), verdict="inconclusive"),
        replace(evaluation(results, "sturdy"), verdict="invalid"),
    )
    lines = render(replace(results, results=odd))
    assert len([line for line in lines if line.startswith(("open:", "INV.:"))]) == 2


def test_abstentions_are_shown(results: Report) -> None:
    """A model that abstained is named beside the shift."""
    shy = replace(evaluation(results), abstained=3)
    assert "abstained: 3 of 30" in "\n".join(render(replace(results, results=(shy,))))


def test_what_a_floor_leaves_unsaid_is_shown(results: Report) -> None:
    """Abstentions and inputs without an answer, with the reason, stand below the score."""
    floor = next(r for r in results.results if isinstance(r, Floor))
    for changes, told in (
        ({"abstained": 3}, f"(in distribution: abstained: 3 of {floor.n}; "),
        ({"errors": {"too long": 2}},
         "(in distribution: error, inputs without an answer, left out (too long): 2)"),
        ({}, None),
    ):  # fmt: skip
        lines = "\n".join(render(replace(results, results=(replace(floor, **changes),))))
        assert told in lines if told else "(in distribution" not in lines


def test_without_results_nothing_is_shown() -> None:
    """A run that measured nothing prints nothing."""
    assert render(build_report(seed=0, rules=RULES, models=(), results=())) == []


# The answer


def sentence_of(results: Report, *comparisons: ParadigmComparison) -> str:
    """Word some comparisons with the baseline."""
    return paradigm_sentence(replace(results, paradigm_comparisons=comparisons), "tiny")


def rebuilt(report: Report, **changes: Any) -> list[ParadigmComparison]:
    """Compare the paradigms of a changed report."""
    return compare_paradigms(replace(report, **changes), "tiny")


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
    figures: tuple[float, float, float], clause: str, results: Report
) -> None:
    """Who drops less, by how much, within which interval, and whether it is settled."""
    comparison = ParadigmComparison(
        suite="tiny", kind="noise", model="frail", baseline="sturdy",
        difference=Estimate(*figures, 100, 0.1),
    )  # fmt: skip
    sentence = sentence_of(results, comparison)
    assert sentence.startswith("Under noise shift frail (prompted) ")
    assert clause in sentence
    assert sentence.endswith("(90% intervals of the mean difference in drop.)")
    assert sentence.count("Under") == 1


def test_several_kinds_are_one_sentence(results: Report) -> None:
    """Kinds of shift are joined; without a comparison there is no sentence."""
    sentence = paradigm_sentence(results, "tiny")
    assert sentence.index("Under domain shift") < sentence.index("; under noise shift")
    assert sentence_of(results) == ""


def test_a_model_from_scratch_is_marked(results: Report) -> None:
    """The note beside a model without pre-training says so, wherever it is shown."""
    scratch = info(STURDY, baseline=True, pretrained=False)
    shown = replace(results, models=(scratch, results.models[1]))
    assert scratch.note == "no pre-training"
    assert "no pre-training" in paradigm_sentence(shown, "tiny")
    assert "no pre-training" in "\n".join(render(shown))


def test_the_answers(results: Report) -> None:
    """The candidate is compared with the baseline for each kind that both were measured under."""
    answers = results.paradigm_comparisons
    assert [(a.kind, a.model, a.baseline) for a in answers] == [
        ("domain", "frail", "sturdy"),
        ("noise", "frail", "sturdy"),
    ]
    assert answers[1].difference.value == pytest.approx(1 / 3)
    assert answers[1].settled


def test_no_answer_without_two_to_compare(results: Report) -> None:
    """Without a baseline, without common shifts, or where one is invalid, nothing is answered."""
    none = tuple(replace(model, baseline=False) for model in results.models)
    assert rebuilt(results, models=none) == []
    assert rebuilt(results, results=(evaluation(results),)) == []
    invalid = tuple(
        replace(r, verdict="invalid") if isinstance(r, Evaluation) and r.model == "sturdy" else r
        for r in results.results
    )
    assert rebuilt(results, results=invalid) == []


def test_the_other_paradigm_is_asked_about(results: Report) -> None:
    """Where a model of another paradigm was measured, models of the baseline's are left out."""
    third = replace(results.models[0], name="third", baseline=False)
    extra = tuple(replace(e, model="third") for e in results.evaluations if e.model == "sturdy")
    more = replace(results, models=(*results.models, third), results=(*results.results, *extra))
    assert {a.model for a in compare_paradigms(more, "tiny")} == {"frail"}
    alike = replace(more, models=(results.models[0], third))
    assert {a.model for a in compare_paradigms(alike, "tiny")} == {"third"}


# The JSON report


def refuse(constant: str) -> None:
    """Refuse NaN and infinities."""
    raise AssertionError(constant)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Report], dict[str, Any]]:
    """Return a writer that reads the report back, strictly."""

    def write(results: Report) -> dict[str, Any]:
        path = tmp_path / "report.json"
        formats.write(path, results)
        report: dict[str, Any] = json.loads(path.read_text("ascii"), parse_constant=refuse)
        return report

    return write


def test_the_report_holds_everything(
    results: Report, written: Callable[[Report], dict[str, Any]]
) -> None:
    """Seed, level, versions, models and all results are in the report."""
    report = written(results)
    assert {
        "schema_version", "seed", "alpha", "environment", "models", "in_distribution",
        "evaluations", "comparisons", "paradigm_comparisons", "errors",
    } <= set(report)  # fmt: skip
    assert (report["seed"], report["alpha"]) == (11, ALPHA)
    assert {"python", "platform", "pytest-ood", "pytest", "numpy"} <= set(report["environment"])
    assert [model["name"] for model in report["models"]] == ["sturdy", "frail"]
    assert [model["baseline"] for model in report["models"]] == [True, False]
    sizes = {key: len(report[key]) for key in ("in_distribution", "evaluations", "comparisons")}
    assert sizes == {"in_distribution": 2, "evaluations": 4, "comparisons": 2}


def test_the_figures_of_the_report(
    results: Report, written: Callable[[Report], dict[str, Any]]
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
    assert (drop["score_in_distribution"], drop["n"], drop["unchanged"]) == (1.0, 30, 10)
    assert (drop["budget"], drop["verdict"], drop["paired"]) == (0.1, "fail", True)
    assert (drop["flipped"], len(drop["flips"])) == (10, SHOWN_FLIPS)
    assert set(drop["flips"][0]) == set(Flip.__dataclass_fields__)
    assert drop["shifted_set_hash"] == result.shifted_set_hash


def test_the_answers_of_the_report(
    results: Report, written: Callable[[Report], dict[str, Any]]
) -> None:
    """The question's answers stand there, settled or not."""
    answers = {a["kind"]: a for a in written(results)["paradigm_comparisons"]}
    assert answers["noise"]["difference"] == pytest.approx(1 / 3)
    assert answers["noise"]["settled"] is True
    assert answers["noise"]["interval"][0] > 0


def test_hostile_text_is_ascii_in_the_report(
    results: Report, written: Callable[[Report], dict[str, Any]]
) -> None:
    """Any text, lone surrogates too, is written in ASCII and comes back as it was."""
    flip = replace(evaluation(results).flips[0], after=HOSTILE)
    report = written(replace(results, results=(replace(evaluation(results), flips=(flip,)),)))
    assert report["evaluations"][0]["flips"][0]["after"] == HOSTILE


def test_a_figure_that_is_no_number_is_never_written(results: Report, tmp_path: Path) -> None:
    """A report with NaN is no JSON: nothing is written, and an older report stays."""
    path = tmp_path / "report.json"
    formats.write(path, results)
    before = path.read_text()
    broken = replace(evaluation(results), score_under_shift=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        formats.write(path, replace(results, results=(broken,)))
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_the_report_of_nothing(written: Callable[[Report], dict[str, Any]]) -> None:
    """A run that measured nothing has a report with empty lists."""
    report = written(build_report(seed=0, rules=RULES, models=(), results=()))
    assert (report["models"], report["evaluations"], report["paradigm_comparisons"]) == ([], [], [])


def test_errors_are_reported(results: Report, written: Callable[[Report], dict[str, Any]]) -> None:
    """What could not be measured stands there with its reason."""
    report = written(
        replace(results, errors=(CheckError(check="tiny/noise/x[m]", message="no such file"),))
    )
    assert report["errors"] == [{"check": "tiny/noise/x[m]", "message": "no such file"}]


# Families, early stops, metrics, seeds and models that contradict themselves


def shown(results: Report, *found: Floor | Evaluation | Comparison, gates: int = 1) -> list[str]:
    """Render some results as those of a run with so many gates."""
    return render(replace(results, results=found, rules=Rules(ALPHA, gates=gates)))


def opened(result: Evaluation, p_fail: float) -> Evaluation:
    """Leave a drop open at a p-value."""
    return replace(result, verdict="inconclusive", p_fail=p_fail)


def test_what_only_many_gates_keep_open_is_marked(results: Report) -> None:
    """A figure that would fail alone has a star, and the legend tells what that means."""
    text = "\n".join(shown(results, opened(evaluation(results), 0.03), gates=12))
    assert f"{interval(evaluation(results).drop)} open*" in text
    assert "open*: would be a FAIL as the only gate; among 12 it is open" in text
    plain = "\n".join(shown(results, opened(evaluation(results), 0.06), gates=12))
    assert "open*" not in plain
    assert f"{interval(evaluation(results).drop)} open" in plain


@pytest.mark.parametrize(
    ("correction", "told"),
    [
        (
            "holm",
            "FAIL: Holm's procedure over the 12 gates of the run limits the chance of any false "
            "fail to 5%.",
        ),
        (
            "benjamini-hochberg",
            "FAIL: the procedure of Benjamini and Hochberg over the 12 gates of the run limits the "
            "expected share of false fails to 5%.",
        ),
        ("none", ""),
    ],
)
def test_the_legend_tells_what_a_fail_is_worth(
    correction: Correction, told: str, results: Report
) -> None:
    """Where there is a fail the procedure that holds it is named, with what it keeps."""
    rules = Rules(ALPHA, correction, 12)
    failed = replace(results, results=(evaluation(results),), rules=rules)
    text = " ".join(render(failed))
    assert told in text
    assert ("FAIL:" in text) is bool(told)
    kept = replace(failed, results=(evaluation(results, "sturdy"),))
    assert "FAIL:" not in " ".join(render(kept))


def test_fails_that_rest_on_others_are_named(results: Report) -> None:
    """What fails only because others do is listed by shift and model, and nothing else is."""
    alone = replace(evaluation(results), p_fail=0.004)
    stepped = replace(evaluation(results, shift="books"), verdict="fail", p_fail=0.0046)
    floor = replace(results.in_distribution[0], verdict="fail", p_fail=0.005)
    text = " ".join(shown(results, alone, stepped, floor, gates=12))
    assert "of the family: books [frail], in-distribution [sturdy]." in text
    assert "of the family" not in " ".join(shown(results, alone, gates=12))


def test_the_legend_tells_what_early_stops_saved(results: Report) -> None:
    """The share of the examples that were taken is over all gates, floors included."""
    floor = replace(results.in_distribution[0], n=10)  # of 40
    stopped = replace(evaluation(results), drawn=26, planned=40)
    text = " ".join(shown(results, floor, stopped))
    assert "Sequential: gates stop when they are settled; on average they took 45.0 % of" in text
    assert "Sequential" not in " ".join(
        shown(results, results.in_distribution[0], evaluation(results))
    )


def test_the_drop_at_the_same_label_mix_stands_in_its_column(results: Report) -> None:
    """Each model's reweighted drop stands under its drop, also where another has none."""
    sturdy, frail = evaluation(results, "sturdy", "books"), evaluation(results, shift="books")
    lines = shown(results, sturdy, replace(frail, details=DomainDetails(reweighted_drop=0.123)))
    drop, mix = (next(x for x in lines if x.startswith(n)) for n in (" books", "  same label mix"))
    assert mix.index("12.3") + 4 == drop.index(f"{points(frail.drop.value)} [") + 4
    assert mix.split() == ["same", "label", "mix", "0.0", "12.3"]
    none = [replace(e, details=None) for e in (sturdy, frail)]
    assert not [line for line in shown(results, *none) if "same label mix" in line]


def test_the_reference_of_a_domain_is_shown(results: Report) -> None:
    """What the baseline trained on a target scores there stands below the drops."""
    known = replace(evaluation(results, shift="books"), details=DomainDetails(in_domain_score=0.91))
    text = "\n".join(shown(results, known))
    assert "(books: score of the baseline trained on it: 91.0)" in text


def test_metrics_stand_below_their_shift(results: Report) -> None:
    """A metric's row follows its shift's, in whatever order the results come."""
    noise, books = evaluation(results), evaluation(results, shift="books")
    found = (noise, books, replace(books, metric="ece"), replace(noise, metric="macro-f1"))
    names = [line[:19].rstrip() for line in shown(results, *found)]
    places = [names.index(name) for name in (" books", "   ece", " stretch", "   macro-f1")]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", ["evaluation", "comparison"])
def test_a_metric_without_accuracy_names_its_shift(kind: str, results: Report) -> None:
    """Where accuracy was not measured, the metric's row still stands below its shift's name."""
    found: list[Evaluation | Comparison] = [evaluation(results), evaluation(results, shift="books")]
    if kind == "comparison":
        found = list(results.comparisons)
    lines = shown(results, *(replace(r, metric="macro-f1") for r in found))
    for shift in ("stretch", "books"):
        assert lines[lines.index(f" {shift}") + 1].startswith("   macro-f1 ")


@pytest.mark.parametrize("worst", WORST)
def test_the_mean_is_of_accuracy_alone(results: Report, worst: str) -> None:
    """Other metrics and the worst of several shifts are in no mean drop."""
    one = replace(evaluation(results), drop=Estimate(0.1, 0.0, 0.2, 30, 0.5))
    two = replace(one, shift="other", drop=Estimate(0.3, 0.2, 0.4, 30, 0.5))
    much = Estimate(0.9, 0.8, 1.0, 30, 0.5)
    found = (one, two, replace(one, shift=worst, drop=much),
             replace(one, metric="pdr", drop=much))  # fmt: skip
    (mean,) = [line for line in shown(results, *found) if line.startswith(" mean")]
    assert mean.split() == ["mean", "20.0"]
    assert not [x for x in shown(results, one, found[2], found[3]) if x.startswith(" mean")]


def test_the_worst_domain_names_the_domain(results: Report) -> None:
    """In the table, below the figure, and in the explanation; of each model where they differ."""
    found = [
        replace(evaluation(results, model, "books"), shift="worst-domain",
                details=WorstDetails(shift=worst))
        for model, worst in (("frail", "books"), ("sturdy", "lamps"))
    ]  # fmt: skip
    text = "\n".join(shown(results, *found))
    assert "worst-domain: the drop is largest under: frail books, sturdy lamps" in text
    assert "the drop is largest under: books" in explain(found[0], RULES)
    for suffix in (".md", ".html"):
        page = formats.render(suffix, replace(results, results=tuple(found)))
        assert "the drop is largest under" in page
    assert dict(properties(found[0], RULES))["ood_worst"] == "books"
    assert "ood_worst" not in dict(properties(evaluation(results), RULES))


def test_the_worst_of_several_shifts_is_in_no_answer(results: Report) -> None:
    """It would count the worst shift of each model twice."""
    answers = results.paradigm_comparisons
    more = tuple(
        replace(evaluation(results, model, shift), shift=worst)
        for model in ("frail", "sturdy")
        for shift, worst in (("books", "worst-domain"), ("stretch", "worst-case"))
    )
    assert tuple(rebuilt(results, results=(*results.results, *more))) == answers


def test_seeds_are_shown(results: Report) -> None:
    """The range of a model's seeds stands in the table, and each one in the explanation."""
    result = replace(evaluation(results), seed_drops=(0.1, 0.334, 0.25))
    assert "range over 3 seeds: 10.0 to 33.4" in "\n".join(shown(results, result))
    assert "drop of its 3 seeds: 10.0, 33.4, 25.0" in explain(result, RULES)
    floor = replace(results.in_distribution[0], seed_scores=(0.9, 1.0))
    assert "score of its 2 seeds: 90.0, 100.0" in explain(floor, RULES)
    assert "range over 2 seeds: 90.0 to 100.0" in "\n".join(shown(results, floor))
    assert "seeds" not in explain(evaluation(results), RULES)


def test_abstentions_in_distribution_are_told_once(results: Report) -> None:
    """With how good the other answers are."""
    floor = replace(
        results.in_distribution[0], n=30, abstained=3, score=Estimate(0.9, 0.8, 1.0, 30, 0.3)
    )
    (told,) = [line for line in shown(results, floor) if "abstained" in line]
    assert told == "    (in distribution: abstained: 3 of 30; score when it answers: 100.0)"


def test_the_cases_of_each_model_are_told_where_they_differ(results: Report) -> None:
    """Which apply may depend on the model; where it does not, they are told once."""
    one = replace(
        evaluation(results),
        kind="domain",
        n=30,
        details=CaseDetails(inputs=60),
        left_out={"why": 4},
    )
    sturdy = replace(one, model="sturdy", n=34, details=CaseDetails(inputs=68), left_out={})
    alike = " ".join("\n".join(shown(results, one, replace(one, model="sturdy"))).split())
    assert alike.count("cases, each right or wrong as a whole: 30 of 60 inputs") == 1
    assert alike.count("left out: why: 4") == 1
    told = " ".join("\n".join(shown(results, one, sturdy)).split())
    for part in ("frail 30 of 60 inputs, sturdy 34 of 68 inputs", "left out: why: frail 4"):
        assert part in told


def test_a_model_that_contradicts_itself_is_named(results: Report) -> None:
    """How often it answers otherwise when asked again stands with the score and with the drop."""
    floor = replace(results.in_distribution[0], repeated=64, inconsistent=6)
    assert "asked again, answers differently: 6 of 64" in "\n".join(shown(results, floor))
    assert "asked again, answers differently: 6 of 64" in explain(floor, RULES)
    result = replace(evaluation(results), inconsistency_rate=6 / 64)
    assert "asked again, answers differently: 9.4 %" in explain(result, RULES)
    steady = replace(floor, inconsistent=0)
    assert "asked again" not in "\n".join([*shown(results, steady), explain(steady, RULES)])


def test_successes_that_did_not_hold_are_told(results: Report) -> None:
    """An attack's successes that a second query undid stand in the table and the explanation."""
    result = replace(
        evaluation(results), kind="adversarial", details=AttackDetails(queries=100, unconfirmed=4)
    )
    remark = "successes that a second query did not confirm, not counted: 4"
    assert remark in " ".join(" ".join(shown(results, result)).split())
    assert remark in explain(result, RULES)


def test_an_early_stop_is_explained(results: Report) -> None:
    """How many of how many examples were used is said of floors, drops and comparisons."""
    stopped = replace(evaluation(results), drawn=26, planned=40)
    assert "settled early: after 26 of 40" in explain(stopped, RULES)
    assert "n = 10 of 40, settled" in explain(replace(results.in_distribution[0], n=10), RULES)
    comparison = replace(results.comparisons[0], drawn=26, planned=40)
    assert "settled before all were used" in explain(comparison, RULES)
    assert "settled" not in explain(evaluation(results), RULES)


def test_a_fail_among_many_gates_is_explained(results: Report) -> None:
    """The p-value stands there alone and for the family: the adjusted one where it is known."""
    failed = replace(evaluation(results), p_fail=0.0004)
    lines = explain(failed, Rules(ALPHA, gates=12)).splitlines()
    assert lines[1] == "  p = 0.0004; among the 12 gates of the run at most 0.0048"
    lines = explain(replace(failed, p_fail_adjusted=0.0028), Rules(ALPHA, gates=12)).splitlines()
    assert lines[1] == "  p = 0.0004; among the 12 gates of the run at most 0.0028"
    assert "p = " not in explain(failed, Rules(ALPHA, "none", 12))
    assert "p = " not in explain(replace(failed, verdict="inconclusive"), Rules(ALPHA, gates=12))


def test_a_metric_is_explained_by_its_name(results: Report) -> None:
    """Metrics stand in for accuracy; what is a mean score keeps its name."""
    result = evaluation(results, shift="books")
    f1 = explain(replace(result, metric="macro-f1"), RULES)
    assert "frail under domain/books by macro-f1: " in f1
    assert "  macro-f1 100.0 in distribution, " in f1
    reference = explain(
        replace(result, metric="in-domain", details=DomainDetails(in_domain_score=0.9)), RULES
    )
    assert "  accuracy 100.0 when trained on this domain, " in reference
    assert "same examples, paired" in reference
    accuracy = explain(
        replace(result, details=DomainDetails(in_domain_score=0.9, reweighted_drop=0.12)), RULES
    )
    assert "score of the baseline trained on it: 90.0" in accuracy
    assert "drop at the in-distribution label distribution: 12.0" in accuracy


def details_of(result: Evaluation, number: int) -> AttackDetails | DomainDetails:
    """Return details of which everything is told."""
    if result.kind == "noise":
        return AttackDetails(unconfirmed=200)
    return DomainDetails(reweighted_drop=-1.0, in_domain_score=0.5 + number / 10)


def crowded(results: Report, name: str) -> Report:
    """Make a run in which everything is said that can be, of three models with such a name."""
    wide, found = Estimate(-0.999, -1.0, -0.9, 1, 2.0), []
    infos = [replace(results.models[n > 0], name=f"{name}{n}") for n in range(3)]
    for number in range(3):
        model = f"{name}{number}"
        for result in [r for r in results.results if r.model == "frail"]:
            if isinstance(result, Floor):
                found.append(replace(result, model=model, n=32, repeated=64, inconsistent=64))
            elif isinstance(result, Comparison):
                found += [
                    replace(result, model=model, baseline=name + "0", metric=metric, drawn=32,
                            planned=600, verdict="inconclusive", p_fail=0.04)
                    for metric in ("accuracy", "recall-" + "label" * 20)
                ]  # fmt: skip
            else:
                found += [
                    replace(result, model=model, metric=metric, drop=wide, verdict="fail",
                            p_fail=0.04, abstained=30, seed_drops=(-1.0, 1.0, 0.0), drawn=32,
                            planned=600, details=details_of(result, number))
                    for metric in ("accuracy", "recall-" + "label" * 20)
                ]  # fmt: skip
    rules = Rules(0.001, "benjamini-hochberg", 10_000)
    return build_report(seed=11, rules=rules, models=infos, results=found)


@pytest.mark.parametrize("name", ["m", "model" * 3, "model" * 30], ids=len)
def test_a_crowded_run_stays_within_the_terminal(name: str, results: Report) -> None:
    """Stars, counts, seeds, label mixes, references and legends stay within 100 columns."""
    lines = render(crowded(results, name))
    assert [line for line in lines if len(line) > WIDTH] == []
    text = " ".join(" ".join(lines).split())
    for part in ("Sequential: ", "FAIL: ", "same label mix", "trained on it", "asked again"):
        assert part in text
    # Two shifts of three models; nothing is cut off at the end of a line.
    for part in ("did not confirm, not counted: 200", "range over 3 seeds: -100.0 to 100.0",
                 "abstained: 30 of"):  # fmt: skip
        assert text.count(part) == (1 if "confirm" in part else 2)


def test_the_report_tells_of_family_seeds_and_metrics(
    results: Report, written: Callable[[Report], dict[str, Any]]
) -> None:
    """Correction, gates, p-values, seeds, what was drawn and every other metric stand there."""
    result = replace(
        evaluation(results, shift="books"), p_fail=0.02, p_fail_adjusted=0.04,
        seed_drops=(0.25, 0.3), inconsistency_rate=0.125, drawn=32, planned=40, sequential=True,
        details=DomainDetails(in_domain_score=0.9, reweighted_drop=0.2),
    )  # fmt: skip
    report = written(replace(results, results=(result,), rules=Rules(ALPHA, "none", 7)))
    assert (report["correction"], report["gates"]) == ("none", 7)
    (found,) = report["evaluations"]
    assert (found["p_fail"], found["p_fail_adjusted"]) == (0.02, 0.04)
    assert (found["seed_drops"], found["inconsistency_rate"]) == ([0.25, 0.3], 0.125)
    assert found["details"] == {
        "type": "domain", "reweighted_drop": 0.2, "in_domain_score": 0.9
    }  # fmt: skip
    assert (found["drawn"], found["planned"], found["sequential"]) == (32, 40, True)
    # Of ten negative books with an unknown word all are called positive: 10 of 20 recalled.
    assert found["metrics"]["recall-neg"] == {"in_distribution": 1.0, "under_shift": 0.5}
    assert set(found["metrics"]) == {"macro-f1", "ece", "recall-neg", "recall-pos"}


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a dreadful film", "a dreadfl film", "a [-dreadful-]{+dreadfl+} film"),
        ("a film", "a good film", "a {+good +}film"),
        ("a good film", "a film", "a [-good -]film"),
        ("same", "same", "same"),
        ("x" * 99 + " one", "x" * 99 + " two", "..." + "x" * 29 + " [-one-]{+two+}"),
    ],
)
def test_a_word_diff_marks_edits_and_cuts_the_rest(before: str, after: str, shown: str) -> None:
    """What went stands in [-...-], what came in {+...+}; long stretches without any are cut."""
    assert word_diff(before, after) == shown


def test_stretches_between_edits_keep_both_ends() -> None:
    """Between two edits what is near them is shown."""
    middle = " " + "m" * 99 + " "
    shown = word_diff(f"one{middle}two", f"eno{middle}owt")
    assert shown.startswith("[-one-]{+eno+} " + "m" * (CONTEXT - 1) + "...")
    assert shown.endswith("m [-two-]{+owt+}")
