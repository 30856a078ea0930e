"""The report of a run: what every format, study, comparison of releases and tracker reads."""

from __future__ import annotations

import platform

# The types of fields are looked up when reports are read back: their imports are no mere hints.
from collections.abc import Mapping, Sequence  # noqa: TC003
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import metadata
from typing import ClassVar

from pytest_ood.budgets import Rules, Verdict  # noqa: TC001
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.evaluation import (
    Comparison,
    Evaluation,
    Floor,
    ModelInfo,
    PromptAttackDetails,
    Result,
    SeverityCurve,
    difference_of_drops,
    severity_curves,
)
from pytest_ood.metrics import ACCURACY
from pytest_ood.models.protocol import Usage
from pytest_ood.shifts import WORST, kinds
from pytest_ood.statistics import Estimate  # noqa: TC001

PACKAGES = (
    "pytest-ood",
    "pytest",
    "numpy",
    "scipy",
    "scikit-learn",
    "nlpaug",
    "torch",
    "transformers",
)


def path_of(suite: str, kind: str | None, shift: str | None) -> str:
    """Return suite/kind/shift, or suite/in-distribution: what --ood-only takes."""
    return f"{suite}/{shift_path(kind, shift)}"


def shift_path(kind: str | None, shift: str | None) -> str:
    """Return kind/shift, or in-distribution."""
    return f"{kind}/{shift}" if shift else IN_DISTRIBUTION


@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of one model in a run.

    Attributes:
        model: The model's name, or that of one seed of a model with several.
        queried: The number of inputs that the model was queried with.
        cached: The number of inputs whose answers were in the cache.
        unanswered: The number of queried inputs without an answer.
        used: Requests, tokens and cost, of a model that counts them.
    """

    model: str
    queried: int = 0
    cached: int = 0
    unanswered: int = 0
    used: Usage = field(default_factory=Usage)


@dataclass(frozen=True, kw_only=True)
class CheckError:
    """A check that could not be carried out.

    Attributes:
        check: Its id.
        message: The reason.
    """

    check: str
    message: str


@dataclass(frozen=True, kw_only=True)
class FrozenFile:
    """A suite that is replayed from a file.

    Attributes:
        suite: Its name.
        path: The file.
    """

    suite: str
    path: str


@dataclass(frozen=True, kw_only=True)
class ParadigmComparison:
    """Which of two models drops less under a kind of shift.

    Attributes:
        suite: The suite's name.
        kind: Kind of shift.
        surrogate: The model that adversarial examples were made against, or None. These are never
            averaged with attacks on each model itself.
        model: The model that is compared with the baseline.
        baseline: The baseline's name.
        difference: How much more the model drops, averaged over the shifts of the kind.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("settled",)

    suite: str
    kind: str
    surrogate: str | None = None
    model: str
    baseline: str
    difference: Estimate

    @property
    def settled(self) -> bool:
        """Whether the interval excludes "no difference"."""
        return self.difference.low > 0.0 or self.difference.high < 0.0


@dataclass(frozen=True, kw_only=True)
class GroupChange:
    """A model's score on a group in an earlier run and now, each on all examples of that run.

    Attributes:
        group: The group's name.
        within: The group that it is part of, or None.
        n_before: Examples in the earlier run.
        n_now: Examples now.
        score_before: The score in the earlier run.
        score_now: The score now.
    """

    group: str
    within: str | None = None
    n_before: int
    n_now: int
    score_before: float
    score_now: float


@dataclass(frozen=True, kw_only=True)
class Change:
    """A model's score in an earlier run and now, on the examples that both runs have.

    Attributes:
        suite: The suite's name.
        kind: Kind of shift; None in distribution.
        shift: The shift's name; None in distribution.
        model: The model's name.
        n: Examples in common.
        n_before: Examples of the earlier run whose scores are known.
        n_now: Those of the later run.
        score_before: The earlier score on the common examples.
        score_now: The later score on them.
        drop: score_before - score_now with its interval; None without common examples.
        budget: The largest allowed drop, or None.
        verdict: pass, fail, inconclusive, invalid, or measured without a budget.
        reason: Reason of the verdict.
        p_fail: p-value of "the drop is within the budget", or None.
        p_fail_adjusted: The p-value adjusted for all changes, once they are known.
        groups: The groups that both runs have.
    """

    suite: str
    kind: str | None = None
    shift: str | None = None
    model: str
    n: int
    n_before: int
    n_now: int
    score_before: float
    score_now: float
    drop: Estimate | None
    budget: float | None
    verdict: Verdict
    reason: str
    p_fail: float | None = None
    p_fail_adjusted: float | None = None
    groups: tuple[GroupChange, ...] = ()

    @property
    def name(self) -> str:
        """Suite, shift and model, as in the ids of checks."""
        return f"{path_of(self.suite, self.kind, self.shift)}[{self.model}]"


@dataclass(frozen=True, kw_only=True)
class Release:
    """A run compared with an earlier one.

    Attributes:
        earlier: The name of the earlier report.
        changes: By suite, shift and model.
        notes: Other differences of the runs: data, generators, prompts, models, versions.
    """

    earlier: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The results of a run, and what they add up to.

    Attributes:
        seed: Seed of the run.
        max_examples: The value of --ood-max-examples, or None.
        rules: How certain a verdict has to be.
        environment: Versions that results may depend on.
        models: The models under test.
        results: Scores, drops and comparisons in the order of the checks.
        severity_curves: Accuracy over severity, where several severities were measured.
        paradigm_comparisons: Each model against the baseline, by suite and kind of shift.
        errors: Checks that could not be carried out.
        notes: Remarks on data, suites and models.
        frozen: Suites that are replayed from a file.
        work: What the models were asked.
        release: The comparison with an earlier run, or None.
    """

    seed: int
    max_examples: int | None = None
    rules: Rules
    environment: Mapping[str, str] = field(default_factory=dict)
    models: tuple[ModelInfo, ...]
    results: tuple[Result, ...]
    severity_curves: tuple[SeverityCurve, ...] = ()
    paradigm_comparisons: tuple[ParadigmComparison, ...] = ()
    errors: tuple[CheckError, ...] = ()
    notes: tuple[str, ...] = ()
    frozen: tuple[FrozenFile, ...] = ()
    work: tuple[Work, ...] = ()
    release: Release | None = None

    @cached_property
    def in_distribution(self) -> list[Floor]:
        """Scores in distribution."""
        return [r for r in self.results if isinstance(r, Floor) and not r.shift]

    @cached_property
    def scores(self) -> list[Floor]:
        """Scores under shifts by themselves."""
        return [r for r in self.results if isinstance(r, Floor) and r.shift]

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """Drops."""
        return [result for result in self.results if isinstance(result, Evaluation)]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Differences of drops."""
        return [result for result in self.results if isinstance(result, Comparison)]

    @property
    def suites(self) -> list[str]:
        """Names of the suites that were measured, in order."""
        changes = self.release.changes if self.release else ()
        return list(dict.fromkeys(result.suite for result in (*self.results, *changes)))

    def models_of(self, suite: str) -> list[ModelInfo]:
        """Return the models of a suite; those that only results name, by their name."""
        changes = self.release.changes if self.release else ()
        models = {m.name: m for m in self.models if m.suite == suite}
        for row in (*self.results, *changes):
            if row.suite == suite and row.model not in models:
                models[row.model] = ModelInfo(suite=suite, name=row.model)
        return list(models.values())


def build_report(
    *,
    seed: int,
    rules: Rules,
    models: Sequence[ModelInfo],
    results: Sequence[Result],
    max_examples: int | None = None,
    errors: Sequence[CheckError] = (),
    notes: Sequence[str] = (),
    frozen: Sequence[FrozenFile] = (),
    work: Sequence[Work] = (),
) -> Report:
    """Build the report of a run.

    Args:
        seed: Seed of the run.
        rules: How certain a verdict has to be.
        models: The models under test.
        results: Scores, drops and comparisons in the order of the checks, with the verdicts that
            hold among all gates.
        max_examples: The value of --ood-max-examples, or None.
        errors: Checks that could not be carried out.
        notes: Remarks on data, suites and models.
        frozen: Suites that are replayed from a file.
        work: What the models were asked.
    """
    report = Report(
        seed=seed,
        max_examples=max_examples,
        rules=rules,
        environment=environment(),
        models=tuple(models),
        results=tuple(results),
        errors=tuple(errors),
        notes=tuple(notes),
        frozen=tuple(frozen),
        work=tuple(work),
    )
    return replace(
        report,
        severity_curves=tuple(severity_curves(report.evaluations, rules.alpha)),
        paradigm_comparisons=tuple(
            comparison for suite in report.suites for comparison in compare_paradigms(report, suite)
        ),
    )


def environment() -> dict[str, str]:
    """Return the versions that results may depend on."""
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def compare_paradigms(report: Report, suite: str) -> list[ParadigmComparison]:
    """Compare the models of a suite with its baseline, kind by kind.

    If there are models of another paradigm than the baseline's, only these are compared. A kind is
    left out if the two models have no shift in common.
    """
    models = [m for m in report.models if m.suite == suite]
    baseline = next((m for m in models if m.baseline), None)
    if baseline is None:
        return []
    others = [m for m in models if not m.baseline]
    chosen = [m for m in others if m.paradigm != baseline.paradigm] or others
    transferred = ((e.kind, e.surrogate) for e in report.evaluations if e.surrogate)
    groups: list[tuple[str, str | None]] = [((kind), None) for kind in kinds()]
    groups += dict.fromkeys(transferred)
    comparisons = []
    for model in chosen:
        for kind, surrogate in groups:
            mine = _comparable(report, suite, kind, surrogate, model.name)
            theirs = _comparable(report, suite, kind, surrogate, baseline.name)
            common = [shift for shift in mine if shift in theirs]
            if common:
                difference = difference_of_drops(
                    [mine[shift] for shift in common],
                    [theirs[shift] for shift in common],
                    report.rules.alpha,
                )
                comparisons.append(
                    ParadigmComparison(
                        suite=suite,
                        kind=kind,
                        surrogate=surrogate,
                        model=model.name,
                        baseline=baseline.name,
                        difference=difference,
                    )
                )
    return comparisons


def _comparable(
    report: Report, suite: str, kind: str, surrogate: str | None, model: str
) -> dict[str, Evaluation]:
    """Return the drops of a model that may be averaged, by shift."""
    wanted = (suite, kind, surrogate, model, ACCURACY)
    return {
        e.shift: e
        for e in report.evaluations
        if (e.suite, e.kind, e.surrogate, e.model, e.metric) == wanted
        and e.verdict != "invalid"
        and e.shift not in WORST
        and not isinstance(e.details, PromptAttackDetails)
        and not e.case_inputs
        and e.is_by_example
    }
