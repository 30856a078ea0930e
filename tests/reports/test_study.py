from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.serialization import from_json
from pytest_ood.analysis.studies import Study, build_study
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.reports import study_json, study_text
from pytest_ood.reports.terminal import WIDTH

Report = dict[str, Any]
Make = Callable[..., Report]


@pytest.fixture(scope="session")
def studied(make_report: Make) -> Callable[..., Study]:
    """Return what studies models of one made-up report."""

    def made(models: Any, n: int = 400, **options: Any) -> Study:
        merged = merge_reports(
            [("runs.json", from_json(make_report(models, n=n)))], newest_counts=False
        )
        return build_study(merged, ["runs.json"], **options)

    return made


@pytest.fixture(scope="session")
def whole(studied: Callable[..., Study], study_models: Any) -> Study:
    """Study the nine models."""
    return studied(study_models)


def entry(found: Study, name: str, shift: int = 0) -> Any:
    """Return a model under a shift."""
    return next(e for e in found.suites[0].shifts[shift].entries if e.info.name == name)


# Robustness


@pytest.mark.slow
def test_the_fine_tuned_models_are_the_baselines(whole: Study) -> None:
    """The line goes through them, and the prompted model lies above it."""
    (suite,) = whole.suites
    assert suite.baselines == tuple(f"encoder-{number}" for number in range(8))
    found = entry(whole, "llm")
    # On the line: 0.55 + 0.75 * (0.75 - 0.6).
    assert found.effective["linear"].value == pytest.approx(0.8 - 0.6625, abs=1e-6)
    assert found.effective["probit"].low > 0.0
    assert not found.outside
    assert entry(whole, "encoder-3").effective == {}
    assert study_text.line_sentence(suite.shifts[0]) == (
        "Under tweets, beyond the baselines' line: llm is more robust than accuracy promises."
    )


@pytest.mark.slow
def test_baselines_can_be_named(studied: Callable[..., Study], study_models: Any) -> None:
    """Other models then have an effective robustness, and are told where the line is extended."""
    names = ["encoder-0", "encoder-1", "encoder-2", "encoder-3"]
    found = studied(study_models, baselines=names)
    assert entry(found, "encoder-7").effective["linear"].value == pytest.approx(0.0, abs=1e-6)
    assert entry(found, "encoder-7").outside
    sentence = study_text.line_sentence(found.suites[0].shifts[0])
    told = "cannot tell of encoder-4, encoder-5, encoder-6 and encoder-7 (the intervals hold 0)"
    assert told in sentence
    assert "The line is extended to the accuracy in distribution of encoder-4, " in sentence


def test_two_baselines_give_no_line(studied: Callable[..., Study], study_models: Any) -> None:
    """There is no figure then, and the reason stands in its place."""
    found = studied(study_models, baselines=["encoder-0", "encoder-7"])
    assert entry(found, "llm").effective == {}
    assert study_text.line_sentence(found.suites[0].shifts[0]) == (
        "Under tweets, effective robustness: cannot tell: 2 baselines, and a line needs 3."
    )


@pytest.mark.parametrize("option", ["baselines", "reference"])
def test_an_unknown_model_is_named(
    option: str, studied: Callable[..., Study], study_models: Any
) -> None:
    """The message names the option and those that there are."""
    value = ["encoder"] if option == "baselines" else "encoder"
    with pytest.raises(ConfigurationError, match=r"--(baseline|reference): .*encoder-0"):
        studied(study_models, **{option: value})


@pytest.mark.slow
def test_a_model_that_knows_nothing_is_not_robust(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """It has no effective robustness, and is none of the baselines, but has its place in scale."""
    models = [*study_models[1:], replace(study_models[0], invalid=True)]
    found = studied(models)
    invalid = entry(found, "encoder-0")
    assert not invalid.usable
    assert not invalid.on_line
    assert "encoder-0" not in found.suites[0].baselines
    assert invalid.effective == {}
    sentence = study_text.line_sentence(found.suites[0].shifts[0])
    assert "encoder-0 is invalid: too little is known in distribution for robustness" in sentence
    scale = next(s for s in found.suites[0].scales if s.kind == "fine-tuned")
    assert "encoder-0" in [name for name, _, _ in scale.models]


def test_relative_robustness_compares_with_the_baseline_of_the_reports(whole: Study) -> None:
    """It is the difference of accuracies under the shift, with an interval of its own."""
    assert whole.suites[0].reference == "encoder-7"
    found = entry(whole, "llm").relative
    assert found.value == pytest.approx(0.8 - 0.76)
    assert found.low < found.value < found.high
    assert entry(whole, "encoder-7").relative is None
    sentence = study_text.reference_sentence(whole.suites[0], whole.suites[0].shifts[0])
    assert sentence.endswith("are less accurate; of encoder-6 and llm it is not settled.")


def test_the_same_examples_are_compared_in_pairs(
    make_report: Make, studied: Callable[..., Study], measured: Any
) -> None:
    """A model that is right where the reference is, and on more, is certainly more accurate."""
    models = [
        measured(name, 0.8, {"noise/keyboard": after}, {"baseline": name == "a"})
        for name, after in (("a", 0.70), ("b", 0.72))
    ]
    report = make_report(models)
    for e, items in zip(report["evaluations"], (280, 288), strict=True):
        scores = [1.0] * items + [0.0] * (400 - items)
        e["items"]["scores"] = Categorical.of(scores).to_record()
    found = build_study(merge_reports([("x", from_json(report))], newest_counts=False), ["x"])
    paired = entry(found, "b").relative
    assert paired.value == pytest.approx(0.02)
    assert paired.low > 0.0
    apart = entry(studied(models), "b").relative
    assert apart.low < 0.0


@pytest.mark.slow
def test_no_reference_is_told(studied: Callable[..., Study], study_models: Any) -> None:
    """Without a baseline in the reports, or with two, the option is named."""
    none = [replace(m, facts={**m.facts, "baseline": False}) for m in study_models]
    told = study_text.no_reference(studied(none).suites[0])
    assert told == (
        "Relative robustness: cannot tell: no model is marked as the baseline; "
        "--reference NAME names one."
    )
    both = [replace(m, facts={**m.facts, "baseline": m.name < "encoder-2"}) for m in study_models]
    assert "encoder-0 and encoder-1 are all marked" in study_text.no_reference(
        studied(both).suites[0]
    )
    assert studied(none, reference="llm").suites[0].reference == "llm"


@pytest.mark.slow
def test_a_drop_that_says_nothing_is_left_out_by_name(make_report: Make, study_models: Any) -> None:
    """A model that is fine in distribution, of which too few examples were changed, is named."""
    report = make_report(study_models)
    drop = report["evaluations"][0]
    drop |= {"verdict": "invalid", "reason": "only 3 examples were changed"}
    found = build_study(merge_reports([("x", from_json(report))], newest_counts=False), ["x"])
    shift = found.suites[0].shifts[0]
    assert "encoder-0" not in [e.info.name for e in shift.entries]
    assert study_text.sentences(found.suites[0], shift)[-1] == (
        "Left out under tweets: encoder-0 (only 3 examples were changed)."
    )


@pytest.mark.slow
def test_cases_have_an_accuracy_and_no_drop(make_report: Make, study_models: Any) -> None:
    """What single answers score in distribution is no measure of what sets lose."""
    report = make_report(study_models)
    for row in report["evaluations"]:
        if row["shift"] == "tweets":
            row["details"] = {"type": "cases", "inputs": 900}
    found = build_study(merge_reports([("x", from_json(report))], newest_counts=False), ["x"])
    sets, single = (entry(found, "llm", shift) for shift in (0, 1))
    assert (sets.drop, sets.after.n) == (None, 400)
    assert single.drop is not None
    scales = {(scale.figure, scale.shift and scale.shift.name) for scale in found.suites[0].scales}
    assert ("drop", "tweets") not in scales
    assert {("accuracy", "tweets"), ("drop", "keyboard")} <= scales
    told = study_json.as_json(found)["suites"][0]["shifts"][0]["models"]
    assert {model["drop"] for model in told} == {None}
    assert study_text.render(found)


def test_damaged_items_are_an_error(make_report: Make, study_models: Any) -> None:
    """The message names the check."""
    report = make_report(study_models)
    report["evaluations"][0]["items"]["hashes"] = "AAAA"
    with pytest.raises(ReportError, match=r"reviews/domain/tweets\[encoder-0\]: its items are"):
        build_study(merge_reports([("x", from_json(report))], newest_counts=False), ["x"])


# Scale


def test_models_are_ordered_by_size(whole: Study) -> None:
    """Eight sizes on a line are log-linear; the model without a size is named and left out."""
    scale = whole.suites[0].scales[0]
    assert (scale.figure, scale.shift, scale.kind) == ("accuracy", None, "fine-tuned")
    assert scale.result.shape == "log-linear"
    assert study_text.describe_unsized(whole.suites[0]) == (
        "Left out, of unknown size: 1 model (llm); `size = ...` in a model's table states it."
    )
    assert [s.figure for s in whole.suites[0].scales] == ["accuracy", *(["accuracy", "drop"] * 2)]


def test_of_one_size_those_that_were_taught_like_the_others_count(
    studied: Callable[..., Study], measured: Any
) -> None:
    """Another prompt with more shots is no point of the curve of those with fewer."""
    models = [
        measured(f"m{size}-{shots}", 0.7, {"noise/ocr": 0.6}, {"size": size, "shots": shots})
        for size, shots in ((10, 4), (20, 4), (20, 16), (30, 4), (40, 2))
    ]
    scale = studied(models).suites[0].scales[0]
    assert [name for name, _, _ in scale.models] == ["m10-4", "m20-4", "m30-4", "m40-2"]


def test_a_learning_curve_is_no_scaling_curve(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """Of one size alone, the model that was taught most is the only point."""
    models = [replace(m, facts={**m.facts, "size": 1000}) for m in study_models[:-1]]
    scale = studied(models).suites[0].scales[0]
    assert [name for name, _, _ in scale.models] == ["encoder-7"]
    assert study_text.describe_scale(scale) == "cannot tell: 1 different size, and a line needs 3"


def test_a_break_is_told_with_its_place(studied: Callable[..., Study], study_models: Any) -> None:
    """What happens before and after it, and why a break it is."""
    models = [
        replace(m, before=0.6 + 0.08 * max(0, number - 4), after={"noise/keyboard": 0.6})
        for number, m in enumerate(study_models[:-1])
    ]  # fmt: skip
    more = [
        replace(m, name=f"{m.name}-more", facts={**m.facts, "size": m.facts["size"] * 2})
        for m in models
    ]
    scale = studied([*models, *more]).suites[0].scales[0]
    told = study_text.describe_scale(scale)
    assert told.startswith("broken at about ")
    assert "points for ten times the size before, +" in told


@pytest.mark.slow
def test_models_without_pre_training_are_a_kind_of_their_own(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """Sizes of models of different kinds do not make one curve."""
    scratch = {**study_models[0].facts, "parameters": {"pretrained": False}}
    models = [replace(study_models[0], facts=scratch), *study_models[1:]]
    kinds = {scale.kind for scale in studied(models).suites[0].scales}
    assert kinds == {"no pre-training", "fine-tuned"}


# Data efficiency


def test_a_trained_curve_passes_a_prompted_model(whole: Study) -> None:
    """It is told where, with an interval, in distribution and under each shift."""
    learning, *others = whole.suites[0].learning
    assert learning.shift is None
    assert len(others) == 2
    assert [curve.name for curve in learning.curves] == ["encoder", "llm"]
    ((mine, theirs, found),) = learning.passings
    sentence = study_text.passing_sentence(learning, mine, theirs, found)
    assert sentence.startswith(
        "In distribution, encoder passes llm at about 1,345 training examples ["
    )
    under = others[0]
    told = study_text.passing_sentence(under, *under.passings[0])
    assert told.startswith(
        "Under tweets, encoder does not cross llm within what was measured (100 to "
        "12,800 training examples): it stays below"
    )


@pytest.mark.slow
def test_prompts_of_one_model_are_curves_of_their_own(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """With more shots a prompt is the same curve; with another template it is another."""
    llm = study_models[-1]
    prompts = [
        replace(llm, name=f"llm-{template}-{shots}", facts={
            **llm.facts, "shots": shots, "parameters": {"template": template, "shots": shots}})
        for template, shots in (("one", 0), ("one", 4), ("two", 4))
    ]  # fmt: skip
    curves = studied([*study_models[:-1], *prompts]).suites[0].learning[0].curves
    assert [(c.name, [count for count, _ in c.points]) for c in curves if c.prompted] == [
        ("llm-one-0, llm-one-4", [0, 4]), ("llm-two-4", [4]),
    ]  # fmt: skip


def test_without_two_numbers_of_examples_there_is_no_curve(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """The terminal says what would make one."""
    found = studied(study_models[-1:] + study_models[:1])
    assert found.suites[0].learning == ()
    assert "Learning curves: cannot tell: no model was trained on two different" in " ".join(
        study_text.render(found)
    )


# Forms


def test_the_terminal_is_no_wider_than_it_should_be(whole: Study) -> None:
    """No line is wider than 100 columns, and each model has its line under each shift."""
    lines = study_text.render(whole)
    assert max(map(len, lines)) <= WIDTH
    assert sum(line.startswith(" llm ") for line in lines) == 4
    assert " ".join(lines).endswith(
        "1 report; 90% intervals, those of effective robustness and of crossings by a bootstrap "
        "with seed 0; each holds by itself, and of many some are off by chance"
    )


@pytest.mark.slow
def test_foreign_names_do_nothing_to_the_terminal(
    studied: Callable[..., Study], study_models: Any
) -> None:
    """Escape sequences in names are written as escapes, and long names are cut."""
    hostile = replace(study_models[-1], name="\x1b[31mred" * 20)
    text = "\n".join(study_text.render(studied([*study_models[:-1], hostile])))
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_plain_values_hold_every_figure(whole: Study) -> None:
    """Models with their facts, robustness, fits and crossings stand in the JSON."""
    (suite,) = study_json.as_json(whole)["suites"]
    assert suite["models"][-1] == {
        "name": "llm", "paradigm": "prompted", "kind": "prompted", "source": "made up",
        "base": "llm", "size": None, "training_examples": None, "shots": 4,
    }  # fmt: skip
    shift = suite["shifts"][0]
    assert (shift["kind_of_shift"], shift["shift"]) == ("domain", "tweets")
    assert shift["models"][-1]["effective"]["linear"]["n"] == 400
    assert suite["unknown_size"] == ["llm"]
    assert suite["scaling"][0]["shape"] == "log-linear"
    assert suite["learning"][0]["crossings"][0]["outcome"] == "passes"


@pytest.mark.slow
def test_the_seed_of_the_bootstrap_changes_intervals_alone(
    studied: Callable[..., Study], study_models: Any, whole: Study
) -> None:
    """The same seed gives the same study, another one the same figures."""
    assert studied(study_models) == whole
    first, other = (
        entry(f, "llm").effective["linear"] for f in (whole, studied(study_models, seed=1))
    )
    assert first.value == other.value
    assert first != other


@pytest.mark.parametrize(
    ("count", "told"),
    [(850, "850"), (7600, "7,600"), (22_713_216, "22.7M"), (1.3e9, "1.3B"), (175e9, "175B"),
     (2e12, "2T")],
)  # fmt: skip
def test_sizes_are_told_shortly(count: float, told: str) -> None:
    """As people write them."""
    assert study_text.amount(count) == told
