"""The words of reports: each remark is worded here once, for the terminal, pages and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_ood.analysis.report import Change
from pytest_ood.budgets import interval, percent, points
from pytest_ood.evaluation import (
    PROCEDURES,
    AttackDetails,
    DomainDetails,
    Evaluation,
    Floor,
    PerturbationDetails,
    PromptAttackDetails,
    WorstDetails,
)
from pytest_ood.metrics import SINGLE_ACCURACY
from pytest_ood.reports.escaping import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_ood.analysis.report import ParadigmComparison, Report
    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import AttackFigures, Comparison, ModelInfo

VERDICT_WORDS: dict[str, str] = {
    "pass": "pass",
    "fail": "FAIL",
    "inconclusive": "inconclusive",
    "invalid": "invalid",
    "measured": "no budget",
    "error": "error",
}
VERDICT_MARKS: dict[str, str] = {
    "pass": "pass",
    "fail": "FAIL",
    "inconclusive": "open",
    "invalid": "INV.",
    "measured": "",
}
"""Verdicts in the narrow tables of the terminal."""
VERDICT_SIGNS: dict[str, str] = {
    "pass": "\N{CHECK MARK}",
    "fail": "\N{BALLOT X}",
    "inconclusive": "?",
    "invalid": "!",
    "measured": "\N{EN DASH}",
    "error": "!",
}
"""Beside the words, so that no verdict is shown by its colour alone."""
VERDICT_COUNTS: dict[str, str] = {
    "fail": "beyond budget",
    "invalid": "invalid",
    "error": "not carried out",
    "inconclusive": "inconclusive",
    "pass": "within budget",
    "measured": "without a budget",
}
"""Verdicts after a number of checks; the worst first."""
WORST_FIRST = tuple(VERDICT_COUNTS)
MEANINGS: dict[str, str] = {
    "pass": "shown to be within its budget",
    "fail": "shown to be beyond its budget, also as one of the many gates of the run",
    "inconclusive": "neither is certain among all gates; more examples settle it",
    "invalid": "the figure says nothing about robustness; its reason says why",
    "measured": "there is no budget to judge by",
    "error": "could not be carried out",
}
FLIPPED = "that flipped"
WRONG = "that it got wrong"


class Remark(NamedTuple):
    """Something that a reader has to know to read a figure right.

    Attributes:
        subject: What it is about.
        value: The figure.
        brief: Whether it stands in the tables of the terminal, too.
    """

    subject: str
    value: str
    brief: bool = True


def remarks_on(result: Floor | Evaluation | Comparison | Change) -> list[Remark]:
    """Return the remarks on a result."""
    if isinstance(result, Floor):
        return _on_floor(result)
    if isinstance(result, Evaluation):
        return _on_drop(result)
    if isinstance(result, Change):
        if result.n == max(result.n_before, result.n_now):
            return []
        return [Remark("examples then, now", f"{result.n_before:,}, {result.n_now:,}")]
    cases = [Remark("it is", "how many more cases it fails than the baseline")]
    return [*(cases if result.case_inputs else ()), *_unanswered(result.errors)]


def _on_floor(floor: Floor) -> list[Remark]:
    constant = "always the same answer" if floor.shift else "majority class"
    remarks = [Remark(constant, points(floor.majority), brief=False), *_abstentions(floor)]
    remarks += _unanswered(floor.errors)
    if floor.inconsistent:
        remarks.append(
            Remark("asked again, answers differently", f"{floor.inconsistent} of {floor.repeated}")
        )
    if floor.shift and floor.n < floor.planned:
        remarks.append(_settled(floor.n, floor.planned))
    return [*remarks, *_cases(floor), *_seeds(floor.seed_scores)]


def _on_drop(drop: Evaluation) -> list[Remark]:
    details, remarks = drop.details, []
    if drop.unchanged and not drop.surrogate:
        subject = "unchanged, left out"
        if drop.attack is not None:
            subject = "unchanged (withstood the attack, or wrong before), included"
        remarks.append(Remark(subject, f"{drop.unchanged:,}", brief=drop.attack is None))
    if isinstance(details, PerturbationDetails) and details.rejected:
        subject = "rejected by the validity filter, left out"
        remarks.append(Remark(subject, f"{details.rejected:,}"))
    remarks += _abstentions(drop)
    remarks += _unanswered(drop.errors)
    if drop.inconsistency_rate:
        share = f"{points(drop.inconsistency_rate)} %"
        remarks.append(Remark("asked again, answers differently", share, brief=False))
    if isinstance(details, AttackDetails):
        remarks += _on_attack(details, drop)
    if isinstance(details, DomainDetails):
        remarks += _on_domain(details)
    if isinstance(details, WorstDetails):
        remarks.append(Remark("the drop is largest under", details.shift))
    remarks += _cases(drop)
    if drop.stopped:
        remarks.append(_settled(drop.drawn, drop.planned))
    return [*remarks, *_seeds(drop.seed_drops)]


def _on_domain(details: DomainDetails) -> list[Remark]:
    remarks = []
    if details.reweighted_drop is not None:
        subject = "drop at the in-distribution label distribution"
        # The terminal has a row of its own for it.
        remarks.append(Remark(subject, points(details.reweighted_drop), brief=False))
    if details.in_domain_score is not None:
        subject = "score of the baseline trained on it"
        remarks.append(Remark(subject, points(details.in_domain_score)))
    return remarks


def _abstentions(result: Floor | Evaluation) -> list[Remark]:
    if not result.abstained:
        return []
    remarks = [Remark("abstained", f"{result.abstained:,} of {result.n:,}")]
    if result.unparsed_outputs:
        examples = ", ".join(map(quoted, result.unparsed_outputs))
        remarks.append(Remark("abstentions, such as", examples, brief=False))
    if result.score_answered is not None:
        remarks.append(Remark("score when it answers", points(result.score_answered)))
    return remarks


def _unanswered(errors: Mapping[str, int]) -> list[Remark]:
    return [
        Remark(f"error, inputs without an answer, left out ({why})", f"{count:,}")
        for why, count in errors.items()
    ]


def _settled(used: int, available: int) -> Remark:
    return Remark("settled early", f"after {used:,} of {available:,}", brief=False)


def _seeds(figures: Sequence[float]) -> list[Remark]:
    if len(figures) < 2:  # noqa: PLR2004 - one seed has no range
        return []
    span = f"{points(min(figures))} to {points(max(figures))}"
    return [Remark(f"range over {len(figures)} seeds", span)]


def _cases(result: Floor | Evaluation) -> list[Remark]:
    """Return what is counted where it is not single examples, and what is not."""
    remarks = []
    if result.case_inputs:
        counted = f"{result.n:,} of {result.case_inputs:,} inputs"
        remarks.append(Remark("cases, each right or wrong as a whole", counted))
    if isinstance(result, Evaluation) and SINGLE_ACCURACY in result.metrics:
        single = points(result.metrics[SINGLE_ACCURACY].under_shift)
        remarks.append(Remark("accuracy of their single answers", single))
    return [*remarks, *(Remark(f"left out: {w}", f"{n:,}") for w, n in result.left_out.items())]


def _on_attack(details: AttackDetails, drop: Evaluation) -> list[Remark]:
    remarks = []
    if details.unconfirmed:
        subject = "successes that a second query did not confirm, not counted"
        remarks.append(Remark(subject, f"{details.unconfirmed:,}"))
    if drop.surrogate:
        remarks.append(Remark(f"adversarial examples that fool {drop.surrogate}", f"{drop.n:,}"))
    figures = details.figures
    if figures is not None:
        on = f" on {drop.surrogate}" if drop.surrogate else ""
        rate = figures.success_rate
        share = f"{points(rate.value)} % {interval(rate)} of {figures.attacked:,}"
        mean = figures.queries
        queries = f"{mean.value:.1f} [{mean.low:.1f}, {mean.high:.1f}]"
        remarks.append(Remark(f"attack success rate{on}", share))
        remarks.append(Remark("queries per attacked example", queries, brief=False))
    return remarks


def attack_remarks(drop: Evaluation) -> list[Remark]:
    """Return the further figures of an attack, which the failure of its check shows."""
    details, remarks = drop.details, []
    if isinstance(details, PromptAttackDetails):
        prompt = details.prompt
        return [
            Remark(
                "prompts tried", f"{prompt.tried:,}, on {prompt.search_examples:,} examples each"
            ),
            Remark("queries", f"{details.queries:,}"),
        ]
    if not isinstance(details, AttackDetails):
        return []
    figures = details.figures
    if details.queries is not None:
        cached = 0 if figures is None else figures.cached
        from_cache = f", {cached:,} of them answered from the cache" if cached else ""
        remarks.append(Remark("queries", f"{details.queries:,}{from_cache}"))
    return remarks if figures is None else [*remarks, *_attack_figures(figures)]


def _attack_figures(figures: AttackFigures) -> list[Remark]:
    accuracy, median = figures.accuracy, figures.queries_median
    remarks = [
        Remark("accuracy under attack", f"{points(accuracy.value)} {interval(accuracy)}"),
        Remark(
            "median queries per attacked example",
            f"{median.value:g} [{median.low:.0f}, {median.high:.0f}]",
        ),
        Remark("queries to leave edits out again", f"{figures.queries_reducing:,}"),
    ]
    if figures.decision_only:
        remarks.append(Remark("attacked by answers alone", "the model gives no scores"))
    shares = {
        "words edited per success": figures.edited_words,
        "characters edited per success": figures.edited_characters,
        "similarity of a success (MiniLM)": figures.similarity,
    }
    remarks += [
        Remark(subject, f"{points(share.value)} % {interval(share)}")
        for subject, share in shares.items()
        if share is not None
    ]
    if figures.rejected:
        remarks.append(
            Remark("candidates rejected by the attack's constraints", f"{figures.rejected:,}")
        )
    return [*remarks, *(Remark(f"skipped: {w}", f"{n:,}") for w, n in figures.skipped.items())]


def merged_remarks(
    remarks: Iterable[tuple[str, Iterable[Remark]]], named: Callable[[str], str] = str
) -> list[tuple[str, str]]:
    """Return the remarks on several models: (subject, values); a value that all share, once.

    Args:
        remarks: (model, remarks on it).
        named: How a model's name is written.
    """
    values: dict[str, dict[str, str]] = {}
    models = set()
    for model, on_model in remarks:
        models.add(model)
        for remark in on_model:
            values.setdefault(remark.subject, {})[model] = remark.value
    return [
        (
            subject,
            next(iter(by_model.values()))
            if len(by_model) == len(models) and len(set(by_model.values())) == 1
            else ", ".join(f"{named(model)} {value}" for model, value in by_model.items()),
        )
        for subject, by_model in values.items()
    ]


def attack_group(drop: Evaluation) -> str:
    """Return which model an attack was made on: those on different models are shown apart."""
    if drop.surrogate:
        return f"made against {drop.surrogate}, replayed on the others"
    if isinstance(drop.details, PromptAttackDetails):
        return "on the prompt"
    return "" if drop.attack is None else "each model attacked by itself"


def transfer_note(surrogate: str) -> str:
    """Return how drops on transferred adversarial examples are to be read."""
    return (
        f"made against {surrogate}: adversarial examples transfer best to similar models, so other "
        "families look more robust here; attack each model directly to compare them"
    )


def level(alpha: float) -> str:
    """Name the intervals of a report, such as "90% intervals"."""
    return f"{percent(1 - 2 * alpha)} intervals"


def family_promise(rules: Rules, gates: str = "") -> str:
    """Return what is promised of all fails of a run together.

    Args:
        rules: How certain a verdict has to be.
        gates: The family; the gates of the run where it is left out.
    """
    controlled = {
        "holm": "the chance of any false fail",
        "benjamini-hochberg": "the expected share of false fails",
    }.get(rules.correction)
    if controlled is None:
        return f"Every gate is judged by itself at {percent(rules.alpha)}."
    return (
        f"{PROCEDURES[rules.correction]} over the {gates or f'{rules.gates} gates of the run'} "
        f"limits {controlled} to {percent(rules.alpha)}."
    )


def paradigm_sentence(report: Report, suite: str, named: Callable[[str], str] = str) -> str:
    """Say in one sentence which models drop less, by how much, and whether it is settled.

    Args:
        report: The report of a run.
        suite: One of its suites.
        named: How a model's name is written.
    """
    infos = {m.name: m for m in report.models_of(suite)}
    comparisons = [c for c in report.paradigm_comparisons if c.suite == suite]
    if not comparisons:
        return ""
    text = "; ".join(_clause(comparison, infos, named) for comparison in comparisons)
    note = f" ({level(report.rules.alpha)} of the mean difference in drop.)"
    return text[0].upper() + text[1:] + "." + note


def _clause(
    comparison: ParadigmComparison, infos: Mapping[str, ModelInfo], named: Callable[[str], str]
) -> str:
    difference = comparison.difference
    size = points(abs(difference.value))
    side = "less than" if difference.value < 0 else "more than"
    how_much = "as much as" if size == points(0.0) else f"{size} points {side}"
    model, baseline = (
        f"{named(name)} ({infos[name].kind})" for name in (comparison.model, comparison.baseline)
    )
    settled = "settled" if comparison.settled else "not settled"
    condition = f"under {comparison.kind} shift"
    if comparison.surrogate:
        condition = f"on adversarial examples made against {named(comparison.surrogate)}"
    return f"{condition} {model} drops {how_much} {baseline} {interval(difference)}, {settled}"
