"""The failure text of a check: its figures, remarks on them, and examples that flipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.analysis.report import shift_path
from pytest_ood.budgets import interval, points
from pytest_ood.data.inputs import fields_of
from pytest_ood.evaluation import Comparison, Evaluation, Floor, PromptAttackDetails
from pytest_ood.metrics import ACCURACY, metric_class
from pytest_ood.reports.escaping import no_answer, one_line, word_diff
from pytest_ood.reports.wording import FLIPPED, WRONG, attack_remarks, level, remarks_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ood.analysis.report import Change
    from pytest_ood.budgets import Rules
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.evaluation import Flip, GroupScore, Result
    from pytest_ood.strategies import PerturbedCase

SHOWN_WIDTH = 200
LABEL_WIDTH = 60
SHOWN_FLIPS = 3
DIFF_WIDTH = 400
SHOWN_GROUPS = 12
GROUP_WIDTH = 100


def explain(result: Result, rules: Rules, rerun: str = "") -> str:
    """Explain a verdict: the figures, the budget, examples that flipped, and how to repeat it.

    Args:
        result: The result of the check.
        rules: How certain a verdict had to be.
        rerun: The command that repeats this check alone, if there is one.
    """
    if isinstance(result, Floor):
        lines = _floor(result, rules.alpha)
    elif isinstance(result, Evaluation):
        lines = _evaluation(result, rules.alpha)
    else:
        lines = _comparison(result, rules.alpha)
    lines[1:1] = _family(result, rules)
    return "\n".join([*lines, *([f"again: {rerun}"] if rerun else [])])


def rerun(path: str, model: str, seed: int, max_examples: int | None) -> str:
    """Return the command that repeats one check alone.

    Args:
        path: suite/kind/shift, or suite/in-distribution.
        model: Its name.
        seed: Of the run.
        max_examples: Its limit, if it had one.
    """
    import shlex

    words = ["pytest", "--ood-suite", "--ood-only", path, "--ood-model", model]
    words += ["--ood-seed", str(seed)]
    if max_examples is not None:
        words += ["--ood-max-examples", str(max_examples)]
    return shlex.join(words)


def explain_case(
    model: str,
    case: PerturbedCase,
    answers: tuple[str | None, str | None],
    replay_file: Path | None,
) -> str:
    """Explain an answer that does not survive a few edits, and how to repeat it.

    Args:
        model: Its name.
        case: The original and its edits.
        answers: To the original and to the edited inputs; None for no answer.
        replay_file: The file that the case is saved in, if there is one.
    """
    count = len(case.edits)
    lines = [
        f"{model} answers differently after {'one edit' if count == 1 else f'{count} edits'}",
        f"  original, {_answer(answers[0])}: {_plain(case.original)}",
        f"  edited, {_answer(answers[1])}: {_plain(case.inputs)}",
    ]
    for name, edit in case.edits:
        field = "" if isinstance(case.original, str) else f"{name} "
        lines.append(f"  edit: {field}[{edit.start}:{edit.end}] {edit.before!a} -> {edit.after!a}")
    if replay_file is not None:
        lines.append(f"  saved in {replay_file.name}, which the next run tries first")
    return "\n".join([*lines, f"again: @example(case={case!r})"])


def _plain(inputs: Inputs) -> str:
    texts = fields_of(inputs).items()
    plain = (text if isinstance(inputs, str) else f"{name}: {text}" for name, text in texts)
    return one_line(" | ".join(plain), SHOWN_WIDTH)


def _family(result: Result, rules: Rules) -> list[str]:
    """Return the p-values of a fail, alone and among all gates."""
    if result.verdict != "fail" or rules.correction == "none" or result.p_fail is None:
        return []
    p_value = min(1.0, result.p_fail * rules.gates)
    if result.p_fail_adjusted is not None:
        p_value = result.p_fail_adjusted
    return [
        f"  p = {result.p_fail:.2g}; among the {rules.gates} gates of the run at most {p_value:.2g}"
    ]


def _floor(floor: Floor, alpha: float) -> list[str]:
    budget = "none" if floor.budget is None else f"at least {points(floor.budget)}"
    condition = f"under {floor.kind}/{floor.shift}" if floor.shift else "in distribution"
    name = "score" if floor.shift else floor.score_name
    used = f"{floor.n}" if floor.n >= floor.planned else f"{floor.n} of {floor.planned}, settled"
    return [
        f"{floor.verdict}: {floor.model} {condition}: {floor.reason}",
        f"  {name} {points(floor.score.value)}, {level(alpha)[:-1]} {interval(floor.score)}, "
        f"n = {used}, seed {floor.seed}; budget: {budget}",
        *_remarks(floor),
        *_seeds("score", floor.seed_scores),
        *_breakdown(floor.breakdown),
        *_flips(
            floor,
            WRONG if floor.shift or floor.case_inputs else "that it did not answer",
            as_diff=bool(floor.case_inputs),
        ),
    ]


def _remarks(result: Result) -> list[str]:
    remarks = remarks_on(result)
    if isinstance(result, Evaluation):
        remarks += attack_remarks(result)
    return [f"  {one_line(r.subject, SHOWN_WIDTH)}: {r.value}" for r in remarks]


def _seeds(name: str, figures: Sequence[float]) -> list[str]:
    if len(figures) < 2:  # noqa: PLR2004 - one seed is the figure itself
        return []
    return [f"  {name} of its {len(figures)} seeds: {', '.join(map(points, figures))}"]


def _evaluation(result: Evaluation, alpha: float) -> list[str]:
    budget = "none" if result.budget is None else f"at most {points(result.budget)} points"
    # A reference's score on the target is compared on the same examples.
    paired = result.paired or metric_class(result.metric).NEEDS_REFERENCE
    pairing = "same examples, paired" if paired else "other examples, unpaired"
    lines = [
        f"{result.verdict}: {result.model} under {result.kind}/{result.shift}{_by(result.metric)}: "
        f"{result.reason}",
        f"  {_name(result)} {points(result.score_in_distribution)} {_before(result.metric)}, "
        f"{points(result.score_under_shift)} under the shift",
        f"  drop {points(result.drop.value)} points, {level(alpha)[:-1]} {interval(result.drop)} "
        f"({pairing}); budget: {budget}",
        f"  n = {result.n}, seed {result.seed}",
        *_remarks(result),
        *_seeds("drop", result.seed_drops),
        *_breakdown(result.breakdown),
    ]
    if isinstance(result.details, PromptAttackDetails):
        prompt = result.details.prompt
        diff = one_line(word_diff(prompt.before, prompt.after), DIFF_WIDTH)
        lines.append(f"  the prompt was changed: {diff}")
    description = FLIPPED if result.paired else WRONG
    if any(flip.label_before is not None for flip in result.flips):
        # The right answer changed: a wrong one may well be the same as before.
        description = "that were right before and are wrong under the shift"
    as_diff = result.kind == "adversarial" or bool(result.case_inputs)
    return lines + _flips(result, description, as_diff=as_diff)


def _comparison(result: Comparison, alpha: float) -> list[str]:
    budget = "none" if result.margin is None else f"at most {points(result.margin)} points more"
    both = ((result.model, result.scores), (result.baseline, result.baseline_scores))
    lines = [
        f"{result.verdict}: {result.model} against {result.baseline} under "
        f"{result.kind}/{result.shift}{_by(result.metric)}: {result.reason}"
    ]
    for name, scores in both:
        if scores is None:
            continue
        before, after = scores.in_distribution, scores.under_shift
        if result.case_inputs:
            lines.append(f"  {name}: score {points(after)}")
            continue
        drop = f", drop {points(before - after)} points" if result.metric == ACCURACY else ""
        lines.append(
            f"  {name}: {_name(result)} {points(before)} {_before(result.metric)}, "
            f"{points(after)} under the shift{drop}"
        )
    early = "; settled before all were used" if result.drawn < result.planned else ""
    lines += [
        f"  difference {points(result.difference.value)} points, {level(alpha)[:-1]} "
        f"{interval(result.difference)}; budget: {budget}",
        f"  n = {result.n} (the same items{early}), seed {result.seed}",
        *_remarks(result),
    ]
    description = f"that {result.model} lost and {result.baseline} did not"
    return lines + _flips(result, description, as_diff=result.kind == "adversarial")


def explain_change(change: Change) -> str:
    """Explain the verdict on a score that is compared with that of an earlier run."""
    path = shift_path(change.kind, change.shift)
    first = f"{change.verdict}: {change.model} in {change.suite}/{path}: {change.reason}"
    drop = change.drop
    if drop is None:
        return (
            f"{first}\n  it was measured on {change.n_before} examples then, and on {change.n_now} "
            f"{'others ' if change.n_now else ''}now; if that is intended, accept a new baseline"
        )
    budget = "" if change.budget is None else f", budget {points(change.budget)} points"
    return (
        f"{first}\n"
        f"  score {points(change.score_before)} then, {points(change.score_now)} now, on the same "
        f"{change.n} examples\n"
        f"  drop {points(drop.value)} {interval(drop)}{budget}"
    )


def _breakdown(scores: Sequence[GroupScore]) -> list[str]:
    """Return the groups with the lowest scores; of a group with parts, the parts."""
    parents = {score.within for score in scores}
    lowest = sorted(
        (score for score in scores if score.group not in parents or score.within),
        key=lambda score: (score.score.value, score.within or "", score.group),
    )
    lines = [
        f"    {points(s.score.value):>5} {interval(s.score)} n = {s.n}: {_group(s)}"
        for s in lowest[:SHOWN_GROUPS]
    ]
    cut = f", the lowest of {len(lowest)}" if len(lowest) > SHOWN_GROUPS else ""
    return [f"  by group{cut}:", *lines] if lines else []


def _group(score: GroupScore) -> str:
    name = f"{score.within}: {score.group}" if score.within else score.group
    return one_line(name, GROUP_WIDTH)


def _by(metric: str) -> str:
    return "" if metric == ACCURACY else f" by {metric}"


def _name(result: Evaluation | Comparison) -> str:
    """Return the name of the scores before and under the shift."""
    return metric_class(result.metric).label(result.metric, result.score_name)


def _before(metric: str) -> str:
    reference = metric_class(metric).NEEDS_REFERENCE
    return "when trained on this domain" if reference else "in distribution"


def _flips(
    result: Floor | Evaluation | Comparison, description: str, *, as_diff: bool
) -> list[str]:
    flips = result.flips[:SHOWN_FLIPS]
    if not flips:
        return []
    return [
        f"  {len(flips)} of {result.flipped} {description}:",
        *(line for flip in flips for line in _flip(flip, as_diff=as_diff)),
    ]


def _flip(flip: Flip, *, as_diff: bool) -> list[str]:
    truth = one_line(flip.label, LABEL_WIDTH)
    if flip.label_before is not None:
        truth = f"{one_line(flip.label_before, LABEL_WIDTH)} before, {truth} after"
    lines = [f"    - [{one_line(flip.id, 40)}] truth: {truth}"]
    before = _answer(flip.answer_before, flip.output_before)
    after = _answer(flip.answer_after, flip.output_after)
    if flip.before is None:
        return [*lines, f"      text, {after}: {one_line(flip.after, SHOWN_WIDTH)}"]
    if as_diff and flip.before != flip.after:
        diff = one_line(word_diff(flip.before, flip.after), DIFF_WIDTH)
        return [*lines, f"      {before}, then {after}: {diff}"]
    return [
        *lines,
        f"      before, {before}: {one_line(flip.before, SHOWN_WIDTH)}",
        f"      after, {after}: {one_line(flip.after, SHOWN_WIDTH)}",
    ]


def _answer(label: str | None, output: str | None = None) -> str:
    if label == "":
        return "answered that there is none"
    return no_answer(output) if label is None else f"answered {one_line(label, LABEL_WIDTH)}"
