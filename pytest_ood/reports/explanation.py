"""What one check says for itself, in words: the failure text of its pytest item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, percent, points
from pytest_ood.evaluation import Comparison, Evaluation, Floor, unparsed
from pytest_ood.examples import fields_of
from pytest_ood.metrics import ACCURACY, SINGLE_ACCURACY, metric_class
from pytest_ood.reports.text import no_answer, one_line, quoted, word_diff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import AttackFigures, Cell, Flip, PromptAttack, Result
    from pytest_ood.examples import Inputs
    from pytest_ood.strategies import PerturbedCase

SHOWN_WIDTH = 200
LABEL_WIDTH = 60
SHOWN_FLIPS = 3
DIFF_WIDTH = 400
SHOWN_CELLS = 12
CELL_WIDTH = 100


def explain(result: Result, rules: Rules, rerun: str = "") -> str:
    """Explain a verdict: the figures, the budget, what flipped, and how to see it again.

    Args:
        result: What was measured.
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
    kept: Path | None,
) -> str:
    """Explain an answer that does not survive a few edits, and how to see it again.

    Args:
        model: Its name.
        case: The original and its edits.
        answers: To the original and to the edited inputs; None for no answer.
        kept: The replay file, if there is one.
    """
    count = len(case.edits)
    lines = [
        f"{model} answers otherwise after {'one edit' if count == 1 else f'{count} edits'}",
        f"  original, {_answer(answers[0])}: {_plain(case.original)}",
        f"  edited, {_answer(answers[1])}: {_plain(case.inputs)}",
    ]
    for name, edit in case.edits:
        where = "" if isinstance(case.original, str) else f"{name} "
        lines.append(f"  edit: {where}[{edit.start}:{edit.end}] {edit.before!a} -> {edit.after!a}")
    if kept is not None:
        lines.append(f"  kept in {kept.name}, which the next run tries first")
    return "\n".join([*lines, f"again: @example(case={case!r})"])


def _plain(inputs: Inputs) -> str:
    shown = (text if isinstance(inputs, str) else f"{name}: {text}"
             for name, text in fields_of(inputs).items())  # fmt: skip
    return one_line(" | ".join(shown), SHOWN_WIDTH)


def _family(result: Result, rules: Rules) -> list[str]:
    """Say what a fail among many gates is worth."""
    if result.verdict != "fail" or rules.correction == "none" or result.p_fail is None:
        return []
    p_value = min(1.0, result.p_fail * rules.gates)
    if result.adjusted_p is not None:
        p_value = result.adjusted_p
    return [
        f"  p = {result.p_fail:.2g}; among the {rules.gates} gates of the run at most {p_value:.2g}"
    ]


def _level(alpha: float) -> str:
    return f"{percent(1 - 2 * alpha)} interval"


def _floor(floor: Floor, alpha: float) -> list[str]:
    asked = "none" if floor.budget is None else f"at least {points(floor.budget)}"
    where = f"under {floor.kind}/{floor.shift}" if floor.shift else "in distribution"
    what = "score" if floor.shift else floor.measure
    constant = "always the same answer" if floor.shift else "majority class"
    return [
        f"{floor.verdict}: {floor.model} {where}: {floor.reason}",
        f"  {what} {points(floor.score.value)}, {_level(alpha)} {interval(floor.score)}, "
        f"n = {_used(floor.n, floor.planned)}, seed {floor.seed}",
        f"  budget: {asked}; {constant} {points(floor.majority)}; "
        f"{floor.abstained} abstentions{_answered(floor)}",
        *_unparsed(floor),
        *_errors(floor.errors),
        *_again(floor),
        *_seeds("score", floor.seed_scores),
        *_counted(floor),
        *_flips(
            floor,
            "that it got wrong" if floor.shift or floor.cases else "that it did not answer",
            as_diff=bool(floor.cases),
        ),
    ]


def _used(n: int, planned: int) -> str:
    """Write how many examples were used, and of how many."""
    return f"{n}" if n >= planned else f"{n} of {planned}, settled"


def _errors(errors: Sequence[tuple[str, int]]) -> list[str]:
    return [
        f"  error: {count} inputs got no answer, left out: {one_line(why, SHOWN_WIDTH)}"
        for why, count in errors
    ]


def _answered(result: Floor | Evaluation) -> str:
    """Write how good the answers are, where some are missing."""
    if not result.abstained or result.score_answered is None:
        return ""
    return f", {points(result.score_answered)} when it answers"


def _again(floor: Floor) -> list[str]:
    if not floor.disagreed:
        return []
    share = points(floor.disagreed / floor.reasked)
    return [f"  asked again, it answers {share} % of {floor.reasked} inputs otherwise"]


def _seeds(what: str, figures: Sequence[float]) -> list[str]:
    if len(figures) < 2:  # noqa: PLR2004 - nothing to compare
        return []
    listed = ", ".join(points(figure) for figure in figures)
    return [f"  {what} of its {len(figures)} seeds: {listed}"]


def _evaluation(result: Evaluation, alpha: float) -> list[str]:
    asked = "none" if result.budget is None else f"at most {points(result.budget)} points"
    # What a reference scores on the target is compared on the same examples.
    paired = result.paired or metric_class(result.metric).NEEDS_REFERENCE
    pairing = "same examples, paired" if paired else "other examples, unpaired"
    own = result.attack is not None and not result.surrogate
    kept = "withstood or wrong from the start, kept in" if own else "left out"
    lines = [
        f"{result.verdict}: {result.model} under {result.kind}/{result.shift}{_of(result.metric)}: "
        f"{result.reason}",
        f"  {_shown(result)} {points(result.score_id)} {_first(result.metric)}, "
        f"{points(result.score_ood)} under the shift",
        f"  drop {points(result.drop.value)} points, {_level(alpha)} {interval(result.drop)} "
        f"({pairing}); budget: {asked}",
        f"  n = {result.n} ({result.unchanged} unchanged: {kept}; {result.abstained} "
        f"abstentions{_answered(result)}), seed {result.seed}",
        *_unparsed(result),
        *_errors(result.errors),
        *_remarks(result),
    ]
    what = "that flipped" if result.paired else "that it got wrong"
    if any(flip.label_before is not None for flip in result.flips):
        # The right answer changed: a wrong one may well be the same as before.
        what = "that were right before and are wrong under the shift"
    as_diff = result.kind == "adversarial" or bool(result.cases)
    return lines + _flips(result, what, as_diff=as_diff)


def _comparison(result: Comparison, alpha: float) -> list[str]:
    asked = "none" if result.margin is None else f"at most {points(result.margin)} points more"
    told_drop = result.metric == ACCURACY and not result.cases
    lines = [
        f"{result.verdict}: {result.model} against {result.baseline} under "
        f"{result.kind}/{result.shift}{_of(result.metric)}: {result.reason}",
        *(
            f"  {name}: "
            + (
                f"score {points(after)}"
                if result.cases
                else f"{_shown(result)} {points(before)} {_first(result.metric)}, "
                f"{points(after)} under the shift"
            )
            + (f", drop {points(before - after)} points" if told_drop else "")
            for name, (before, after) in (
                (result.model, result.scores),
                (result.baseline, result.baseline_scores),
            )
        ),
        f"  difference {points(result.difference.value)} points, {_level(alpha)} "
        f"{interval(result.difference)}; budget: {asked}",
        f"  n = {result.n} (the same items"
        + ("; settled before all were used" if result.drawn < result.planned else "")
        + f"), seed {result.seed}",
        *_errors(result.errors),
    ]
    return lines + _flips(
        result, f"that {result.model} lost and {result.baseline} did not",
        as_diff=result.kind == "adversarial",
    )  # fmt: skip


def _remarks(result: Evaluation) -> list[str]:
    """Say what else a reader has to know to read the drop right."""
    lines = []
    if result.stopped:
        lines.append(
            f"  settled after {result.drawn} of {result.planned} examples: no more were asked"
        )
    lines += _attacked(result)
    lines += [
        f"  accuracy of their single answers {points(after)}"
        for name, _, after in result.measures
        if name == SINGLE_ACCURACY
    ]
    lines += _counted(result)
    if result.rejected:
        lines.append(f"  {result.rejected} more were rejected by the validity filter: left out")
    if result.unheld:
        lines.append(f"  {result.unheld} successes did not hold on a second query: not counted")
    if result.disagreement:
        lines.append(
            f"  asked again, it answers {points(result.disagreement)} % of the inputs otherwise: "
            "as many flips are its own"
        )
    if result.reweighted is not None:
        lines.append(
            f"  at the in-distribution mix of labels the drop is {points(result.reweighted)} points"
        )
    if result.reference is not None and not metric_class(result.metric).NEEDS_REFERENCE:
        lines.append(
            f"  the baseline trained on this domain scores {points(result.reference)} on it"
        )
    return lines + _seeds("drop", result.seed_drops)


def _counted(result: Floor | Evaluation) -> list[str]:
    """Say what was counted where it is not single examples, what was not, and the groups."""
    lines = [
        f"  left out: {count} ({one_line(why, SHOWN_WIDTH)})" for why, count in result.left_out
    ]
    if result.cases:
        told = f"{result.n} cases of {result.cases} inputs, each right or wrong as a whole"
        lines.insert(0, f"  counted: {told}")
    return [*lines, *_breakdown(result.breakdown)]


def _breakdown(cells: Sequence[Cell]) -> list[str]:
    """Return the groups with the lowest scores; what has parts is told by them."""
    parents = {cell.within for cell in cells}
    found = [cell for cell in cells if cell.group not in parents or cell.within]
    shown = sorted(found, key=lambda cell: (cell.score.value, cell.within, cell.group))
    lines = [
        f"    {points(cell.score.value):>5} {interval(cell.score)} n = {cell.n}: {_place(cell)}"
        for cell in shown[:SHOWN_CELLS]
    ]
    head = f"  by group, the lowest of {len(shown)}:" if len(shown) > SHOWN_CELLS else "  by group:"
    return [head, *lines] if lines else []


def _place(cell: Cell) -> str:
    name = f"{cell.within}: {cell.group}" if cell.within else cell.group
    return one_line(name, CELL_WIDTH)


def _attacked(result: Evaluation) -> list[str]:
    """Say against whom an attack was made, what it asked and what it did."""
    lines = []
    if result.surrogate:
        lines.append(
            f"  made against {result.surrogate}, and replayed: {result.n} examples that turned it"
        )
        if result.attack is not None:
            lines.append(f"  the attack on {result.surrogate}:")
    if result.prompt is not None:
        lines += _prompt(result.prompt, result.queries or 0)
    elif result.queries is not None:
        cached = result.attack.cached if result.attack is not None else 0
        known = f", {cached:,} of them known from the cache" if cached else ""
        lines.append(f"  {result.queries:,} queries{known}")
    if result.attack is not None:
        lines += _attack(result.attack)
    return lines


def _attack(attack: AttackFigures) -> list[str]:
    low, high = (f"{bound:.0f}" for bound in attack.queries_median[1:])
    decided = " (by answers alone: the model gives no scores)" if attack.decision_only else ""
    lines = [
        f"  attack success rate {points(attack.success.value)} % {interval(attack.success)} of "
        f"{attack.attacked} attacked{decided}",
        f"  accuracy under attack {points(attack.accuracy.value)} {interval(attack.accuracy)}",
        f"  queries for one: mean {attack.queries.value:.1f} [{attack.queries.low:.1f}, "
        f"{attack.queries.high:.1f}], median {attack.queries_median[0]:g} [{low}, {high}]; "
        f"{attack.reducing:,} more to leave edits out again",
    ]
    shares = [
        (attack.edited_words, "% of the words"),
        (attack.edited_characters, "% of the characters"),
        (attack.similarity, "% similarity (MiniLM)"),
    ]
    told = [f"{points(e.value)} {interval(e)} {what}" for e, what in shares if e is not None]
    if told:
        lines.append(f"  edited of a success: {', '.join(told)}")
    if attack.rejected:
        lines.append(f"  {attack.rejected:,} candidates were rejected by the attack's constraints")
    lines += [f"  skipped: {count} {why}" for why, count in attack.skipped]
    return lines


def _prompt(prompt: PromptAttack, queries: int) -> list[str]:
    diff = one_line(word_diff(prompt.before, prompt.after), DIFF_WIDTH)
    return [
        f"  the prompt was changed: {prompt.tried} were tried on {prompt.search_examples} other "
        f"examples each, {queries:,} queries",
        f"  prompt: {diff}",
    ]


def _of(metric: str) -> str:
    return "" if metric == ACCURACY else f" by {metric}"


def _shown(result: Evaluation | Comparison) -> str:
    """Return the name of what stands before and under the shift."""
    return metric_class(result.metric).label(result.metric, result.measure)


def _first(metric: str) -> str:
    referred = metric_class(metric).NEEDS_REFERENCE
    return "when trained on this domain" if referred else "in distribution"


def _flips(result: Floor | Evaluation | Comparison, what: str, *, as_diff: bool) -> list[str]:
    shown = result.flips[:SHOWN_FLIPS]
    if not shown:
        return []
    return [
        f"  {len(shown)} of {result.flipped} {what}:",
        *(line for flip in shown for line in _flip(flip, as_diff=as_diff)),
    ]


def _flip(flip: Flip, *, as_diff: bool) -> list[str]:
    truth = one_line(flip.label, LABEL_WIDTH)
    if flip.label_before is not None:
        truth = f"{one_line(flip.label_before, LABEL_WIDTH)} before, {truth} after"
    lines = [f"    - [{one_line(flip.id, 40)}] truth: {truth}"]
    if flip.before is not None and as_diff and flip.before != flip.after:
        diff = one_line(word_diff(flip.before, flip.after), DIFF_WIDTH)
        before = _answer(flip.answer_before, flip.said_before)
        answers = f"{before}, then {_answer(flip.answer_after, flip.said_after)}"
        return [*lines, f"      {answers}: {diff}"]
    if flip.before is not None:
        answer = _answer(flip.answer_before, flip.said_before)
        lines.append(f"      before, {answer}: {one_line(flip.before, SHOWN_WIDTH)}")
    when = "after" if flip.before is not None else "text"
    answer = _answer(flip.answer_after, flip.said_after)
    return [*lines, f"      {when}, {answer}: {one_line(flip.after, SHOWN_WIDTH)}"]


def _answer(label: str | None, said: str | None = None) -> str:
    if label == "":
        return "answered that there is none"
    return no_answer(said) if label is None else f"answered {one_line(label, LABEL_WIDTH)}"


def _unparsed(result: Floor | Evaluation) -> list[str]:
    """Say what was written instead of answers."""
    said = unparsed(result.flips)[:SHOWN_FLIPS]
    return [f"  abstentions, such as: {', '.join(map(quoted, said))}"] if said else []
