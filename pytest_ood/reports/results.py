"""The results of a run, in the order of its checks, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ood.evaluation import (
    Comparison,
    Evaluation,
    Floor,
    SeverityCurve,
    difference_of_drops,
    severity_curves,
)
from pytest_ood.metrics import ACCURACY
from pytest_ood.shifts import WORST_CASE, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import Result
    from pytest_ood.models.protocol import Usage
    from pytest_ood.reports.releases import Release
    from pytest_ood.statistics import Estimate


@dataclass(frozen=True)
class ModelInfo:
    """What a report says about a model.

    Attributes:
        suite: The suite it was tested in.
        name: Its name.
        paradigm: prompted, fine-tuned or other.
        source: What ran.
        parameters: What else decides its answers.
        baseline: Relative budgets compare with it.
        fingerprint: Another one where anything else runs: weights, prompt, decoding; None where
            nobody can tell.
        collection: The collection of suites that the suite is a part of, or "".
        base: What it was made of: a checkpoint, or the estimator that was fitted; None, here and
            below, where nobody can tell.
        size: Its number of weights.
        training_examples: Labelled examples that it was fine-tuned, or fitted, on.
        shots: Demonstrations in its prompt.
    """

    suite: str
    name: str
    paradigm: str
    source: str
    parameters: Mapping[str, Any]
    baseline: bool
    fingerprint: str | None = None
    collection: str = ""
    base: str | None = None
    size: int | None = None
    training_examples: int | None = None
    shots: int | None = None

    @property
    def kind(self) -> str:
        """The paradigm; of a model from scratch, that it is one."""
        return "no pre-training" if self.parameters.get("pretrained") is False else self.paradigm

    @property
    def note(self) -> str:
        """The kind, and of how many seeds or prompts the figures are."""
        told = self.kind
        seeds = self.parameters.get("seeds", 1)
        if "train_seed" in self.parameters:
            return f"{told}, {_counted(seeds, 'seed')}"
        if self.parameters.get("shots"):
            return f"{told}, {_counted(seeds, 'prompt')}"
        return told


@dataclass(frozen=True)
class Work:
    """What a run asked a model.

    Attributes:
        model: Its name; of one of several seeds, that seed's.
        asked: Inputs it was asked about.
        known: Inputs whose answers were kept from before.
        unanswered: Of those asked: how many got no answer.
        used: Requests, tokens and cost, of a model that counts them.
    """

    model: str
    asked: int
    known: int
    unanswered: int
    used: Usage


@dataclass(frozen=True)
class Answer:
    """Who drops less under a kind of shift: the question behind the suite.

    Attributes:
        kind: Of shift.
        model: Compared with the baseline.
        baseline: Its name.
        difference: How much more the model drops, on average over the kind's shifts.
        surrogate: Of adversarial examples made against another model: its name. Attacks on each
            model itself are another matter, and never averaged with them.
    """

    kind: str
    model: ModelInfo
    baseline: ModelInfo
    difference: Estimate
    surrogate: str = ""

    @property
    def settled(self) -> bool:
        """Whether the interval excludes "no difference"."""
        return self.difference.low > 0.0 or self.difference.high < 0.0


@dataclass(frozen=True)
class Results:
    """What a run has measured.

    Attributes:
        seed: Of the run.
        rules: How certain a verdict had to be.
        models: Those under test.
        results: What was measured.
        errors: (id of a check, why it could not be carried out).
        notes: In what data and suites differ from what was frozen.
        frozen: (suite, the file it is replayed from).
        work: What the models were asked.
        release: The run against an earlier one, where that was asked for.
        max_examples: What --ood-max-examples said, or None.
    """

    seed: int
    rules: Rules
    models: tuple[ModelInfo, ...]
    results: tuple[Result, ...]
    errors: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    frozen: tuple[tuple[str, str], ...] = ()
    work: tuple[Work, ...] = ()
    release: Release | None = None
    max_examples: int | None = None

    @cached_property
    def floors(self) -> list[Floor]:
        """In-distribution scores."""
        return [r for r in self.results if isinstance(r, Floor) and not r.shift]

    @cached_property
    def scores(self) -> list[Floor]:
        """Scores under shifts by themselves, where they have a floor."""
        return [r for r in self.results if isinstance(r, Floor) and r.shift]

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """Drops."""
        return [result for result in self.results if isinstance(result, Evaluation)]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Differences of drops."""
        return [result for result in self.results if isinstance(result, Comparison)]

    @cached_property
    def curves(self) -> list[SeverityCurve]:
        """Accuracy over severity, where several severities were measured."""
        return severity_curves(self.evaluations, self.rules.alpha)

    @property
    def suites(self) -> list[str]:
        """Names of the suites that were measured, in order."""
        return list(dict.fromkeys(result.suite for result in self.results))

    def info(self, suite: str, model: str) -> ModelInfo:
        """Return what is known of a model."""
        return next(m for m in self.models if m.suite == suite and m.name == model)

    def answers(self, suite: str) -> list[Answer]:
        """Compare models with the baseline, kind by kind.

        Where models of another paradigm than the baseline's were measured, only they are compared:
        that is the question. A kind is left out where the two have no shift in common.
        """
        models = [m for m in self.models if m.suite == suite]
        baseline = next((m for m in models if m.baseline), None)
        if baseline is None:
            return []
        others = [m for m in models if not m.baseline]
        asked = [m for m in others if m.paradigm != baseline.paradigm] or others
        found = []
        groups = [*((kind, "") for kind in kinds()), *dict.fromkeys(
            (e.kind, e.surrogate) for e in self.evaluations if e.surrogate
        )]  # fmt: skip
        for model in asked:
            for kind, surrogate in groups:
                mine = self._of(suite, kind, surrogate, model.name)
                theirs = self._of(suite, kind, surrogate, baseline.name)
                common = [shift for shift in mine if shift in theirs]
                if common:
                    difference = difference_of_drops(
                        [mine[shift] for shift in common],
                        [theirs[shift] for shift in common],
                        self.rules.alpha,
                    )
                    found.append(Answer(kind, model, baseline, difference, surrogate))
        return found

    def _of(self, suite: str, kind: str, surrogate: str, model: str) -> dict[str, Evaluation]:
        wanted = (suite, kind, surrogate, model, ACCURACY)
        return {
            e.shift: e
            for e in self.evaluations
            if (e.suite, e.kind, e.surrogate, e.model, e.metric) == wanted
            and e.verdict != "invalid"
            and e.shift != WORST_CASE
            and e.prompt is None
            and not e.cases
        }


def _counted(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s"


def mean_drop(evaluations: Sequence[Evaluation]) -> float:
    """Return the mean drop over shifts.

    Raises:
        ValueError: there is none.
    """
    if not evaluations:
        raise ValueError("there is no drop to average")
    return sum(e.drop.value for e in evaluations) / len(evaluations)
