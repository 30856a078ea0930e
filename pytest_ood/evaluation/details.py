"""The details of a report beside the verdict: groups, labels, flipped examples, attacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import Categorical, combined
from pytest_ood.data.examples import IN_DISTRIBUTION, Dataset
from pytest_ood.data.inputs import fields_of
from pytest_ood.data.lazy import Subset, read
from pytest_ood.evaluation import estimators
from pytest_ood.evaluation.attacks import attack_figures, cosines, successes
from pytest_ood.evaluation.example_scores import MAX_EXAMPLES, ExampleScores, hash_examples
from pytest_ood.evaluation.records import (
    FLIPS_RETAINED,
    AttackDetails,
    CaseDetails,
    Flip,
    GroupScore,
    LabelCounts,
    PerturbationDetails,
    PromptAttackDetails,
)
from pytest_ood.evaluation.validity import inputs_of_cases
from pytest_ood.loading.assets import is_fetched
from pytest_ood.loading.cases import Case, members_of
from pytest_ood.loading.cases import best_constant as best_score
from pytest_ood.metrics.outcomes import label_counts
from pytest_ood.perturbations.resources import using
from pytest_ood.shifts import (
    shifted_set_hash,
)
from pytest_ood.statistics import estimate
from pytest_ood.suite.suite import task_under
from pytest_ood.tasks import score_of_constant
from pytest_ood.trials.trial import mean_scores_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.budgets import Rules
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.evaluation.attacks import AttackFigures
    from pytest_ood.evaluation.measurement import Measurement
    from pytest_ood.evaluation.records import ShiftDetails
    from pytest_ood.evaluation.shifted_texts import ShiftedTexts
    from pytest_ood.metrics import Outcomes
    from pytest_ood.shifts import Shift
    from pytest_ood.trials.trial import Trial

COMPARED = 500
"""The largest number of an attack's successes whose similarity to their originals is measured: the
encoder takes as long as the model."""

MOST_GROUPS = 200
"""The largest number of groups that a table shows."""


class Details:
    """The details of a suite's measurements, each hash computed once.

    Args:
        texts: The texts under shifts.
    """

    def __init__(self, texts: ShiftedTexts) -> None:
        self._texts = texts
        self._data = texts.data
        self._hashes: dict[tuple[str, int, bytes], str] = {}
        self._item_hashes: dict[tuple[str, int, bytes], NDArray[np.uint64]] = {}

    def breakdown(
        self, shift: Shift, measurement: Measurement, rules: Rules, *, stopping: bool
    ) -> tuple[GroupScore, ...]:
        """Return the score of each group of the examples under a shift.

        Noise and attacks do not change the group of an example. Where the check may have stopped
        early, the intervals hold at any stopping point.
        """
        groups = self._data.groups(shift)
        used = groups[measurement.first.after.indices]
        paths = {
            path[:depth]: None
            for path, count in zip(groups.values, used.counts.tolist(), strict=True)
            for depth in range(1, len(path) + 1)
            if count
        }
        if len(paths) > MOST_GROUPS:
            self._data.notes.add(
                f"{self._data.suite.name}/{shift.kind}/{shift.name}: {len(paths):,} groups are too "
                'many for a table; examples that are one set take scoring = "contrast"'
            )
            return ()
        group_scores = []
        for path in sorted(paths):
            indices = np.flatnonzero(used.where(partial(_begins, path)))
            sides = [trial.after.only(indices) for trial in measurement.trials]
            statistic = estimators.score_statistic(sides)
            if stopping:
                # The number of a group's examples is unknown until all are drawn, so that the
                # horizon is that of the whole data: the interval is wider, but valid.
                values, available = mean_scores_of(sides), self._data.available(shift)
                statistic = estimators.sequential(
                    values,
                    [len(values)],
                    (0.0, 1.0),
                    max(available, len(values)),
                    current=statistic,
                    final=len(used) >= available,
                )
            group_scores.append(
                GroupScore(
                    group=path[-1],
                    within=path[-2] if len(path) > 1 else None,
                    n=len(indices),
                    score=estimate(statistic, rules.alpha),
                )
            )
        return tuple(group_scores)

    def by_label(self, trial: Trial, shift: Shift) -> tuple[LabelCounts, ...]:
        """Return the counts by label, where labels are the same before and under the shift."""
        if shift.counts_cases:
            return ()
        labels = self._data.suite.task.labels
        return (
            _by_label(trial)
            if labels == task_under(self._data.suite.task, shift).labels != ()
            else ()
        )

    def items(self, shift: Shift, measurement: Measurement) -> ExampleScores:
        """Return the scores of the first examples under the shift."""
        trial, scores = measurement.first, measurement.scores_after
        indices = trial.after.indices[:MAX_EXAMPLES]
        key = (shift.name, len(indices), hashlib.sha256(indices.tobytes()).digest())
        if key not in self._item_hashes:
            examples = read(trial.after.examples, indices)
            # Attacks and the worst case of noise have other texts for every model.
            shared = shift.shares_texts
            inputs = trial.shifted[: len(indices)] if shared else [e.inputs for e in examples]
            self._item_hashes[key] = hash_examples(
                (example.inputs if shared else None, text, example.label)
                for example, text in zip(examples, inputs, strict=True)
            )
        return ExampleScores(self._item_hashes[key], scores[: len(indices)])

    def items_in_distribution(
        self, outcomes: Outcomes, scores: Categorical[float]
    ) -> ExampleScores:
        """Return the scores of the first examples in distribution."""
        indices = outcomes.indices[:MAX_EXAMPLES]
        key = (IN_DISTRIBUTION, len(indices), hashlib.sha256(indices.tobytes()).digest())
        if key not in self._item_hashes:
            examples = read(outcomes.examples, indices)
            self._item_hashes[key] = hash_examples((None, e.inputs, e.label) for e in examples)
        return ExampleScores(self._item_hashes[key], scores[: len(indices)])

    def of_shift(self, measurement: Measurement, shift: Shift, rules: Rules) -> ShiftDetails:
        """Return the details that only this kind of shift has; domain shifts have others."""
        trial, query_count = measurement.first, queries(measurement.trials)
        if trial.prompt is not None:
            return PromptAttackDetails(queries=query_count or 0, prompt=trial.prompt)
        if trial.attacks is not None or shift.surrogate_name:
            return AttackDetails(
                queries=query_count,
                unconfirmed=sum(t.unheld for t in measurement.trials),
                figures=self.attack_figures(measurement, shift, rules),
            )
        if shift.counts_cases:
            return CaseDetails(inputs=inputs_of_cases(trial))
        family, severity = shift.level
        return PerturbationDetails(
            rejected=trial.rejected, family=family or None, severity=severity
        )

    def attack_figures(
        self, measurement: Measurement, shift: Shift, rules: Rules
    ) -> AttackFigures | None:
        """Summarize the attack on a model's first seed, or on the surrogate; None without one."""
        trial = shift.attack_of(measurement.first, self._texts.attack_on_surrogate(shift))
        if trial is None:
            return None
        attacks = trial.attacks or ()
        if all(result.skipped for result in attacks):
            return None
        examples = self._data.in_distribution().examples[: len(attacks)]
        similar: Sequence[float] = ()
        if is_fetched("minilm", self._data.reader.cache) and find_spec("transformers") is not None:
            with using(self._data.resources):
                similar = cosines(successes(attacks, examples)[:COMPARED], self._texts.engine.store)
        return attack_figures(
            attacks,
            examples,
            rules.alpha,
            each=shift.max_queries_each,
            cached=trial.cached,
            similar=similar,
        )

    def data_hash(self, shift: Shift, trial: Trial) -> str:
        """Return the hash of the examples under the shift that were used."""
        indices = trial.after.indices
        key = (shift.name, len(indices), hashlib.sha256(indices.tobytes()).digest())
        # Attacks and the worst case of noise have other texts for every model.
        shared = shift.has_same_inputs
        if shared and key in self._hashes:
            return self._hashes[key]
        used = Subset(trial.after.examples, indices)
        if shift.has_own_examples:
            content_hash = Dataset(shift.name, used).content_hash
        else:
            content_hash = shifted_set_hash(used, trial.shifted)
        self._hashes[key] = content_hash
        return content_hash

    def best_constant(self, shift: Shift, after: Outcomes) -> float:
        """Return the score of the best model that always gives the same answer."""
        task = task_under(self._data.suite.task, shift)
        if shift.counts_cases:
            used = read(after.examples, after.indices)
            return best_score((e for e in used if isinstance(e, Case)), task)
        return score_of_constant(label_counts(after), task)


def _begins(path: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    return longer[: len(path)] == path


def counted_errors(errors: Iterable[Categorical[str]]) -> dict[str, int]:
    """Return how many inputs got no answer by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    for column in errors:
        counts.update(dict(zip(column.values, column.counts.tolist(), strict=True)))
    positive = [(error, count) for error, count in counts.items() if count]
    return dict(sorted(positive, key=lambda item: (-item[1], item[0])))


def inputs_under(shift: Shift, trial: Trial) -> Sequence[Inputs]:
    """Return the inputs of a model under a shift; of a case, all its inputs."""
    if not shift.counts_cases:
        return trial.shifted
    used = Subset(trial.after.examples, trial.after.indices)
    return [member.inputs for member in members_of(used)]


def flips(trial: Trial, flipped: NDArray[np.intp]) -> tuple[Flip, ...]:
    """Return the first flipped examples, with their texts."""
    indices = flipped[:FLIPS_RETAINED]
    if trial.decided is not None:
        return tuple(
            Flip(
                id=decided.id,
                label=decided.expected,
                before=None if decided.before is None else _joined(decided.before),
                after=_joined(decided.inputs),
                answer_before=decided.answer_before,
                answer_after=decided.answer,
                output_before=decided.said_before,
                output_after=decided.said,
            )
            for decided in read(trial.decided, indices)
        )
    new, texts = trial.after.read(indices), read(trial.shifted, indices)
    if trial.originals is None:
        return tuple(
            Flip(
                id=o.id,
                label=o.label,
                before=None,
                after=_joined(text),
                answer_before=None,
                answer_after=o.prediction.label,
                output_after=o.prediction.text,
            )
            for o, text in zip(new, texts, strict=True)
        )
    old, originals = trial.before.read(indices), read(trial.originals, indices)
    return tuple(
        Flip(
            id=o.id,
            label=o.label,
            label_before=None if was.label == o.label else was.label,
            before=_joined(original),
            after=_joined(text),
            answer_before=was.prediction.label,
            answer_after=o.prediction.label,
            output_before=was.prediction.text,
            output_after=o.prediction.text,
        )
        for was, o, original, text in zip(old, new, originals, texts, strict=True)
    )


def abstentions(outcomes: Outcomes) -> tuple[Flip, ...]:
    """Return the first examples that the model abstained from, with their texts."""
    indices = np.flatnonzero(outcomes.graded.answer.where(lambda answer: answer is None))[
        :FLIPS_RETAINED
    ]
    examples = read(outcomes.examples, outcomes.indices[indices])
    return tuple(
        Flip(
            id=o.id,
            label=o.label,
            before=None,
            after=_joined(e.inputs),
            answer_before=None,
            answer_after=None,
            output_after=o.prediction.text,
        )
        for o, e in zip(outcomes.read(indices), examples, strict=True)
    )


def _by_label(trial: Trial) -> tuple[LabelCounts, ...]:
    """Return how many of each label's examples are right before and under the shift."""
    counts: dict[str, list[int]] = {}
    for side, outcomes in enumerate((trial.before, trial.after)):
        pairs = combined([outcomes.graded.truth, outcomes.graded.score], _label_and_score)
        for (label, score), count in zip(pairs.values, pairs.counts.tolist(), strict=True):
            row = counts.setdefault(label, [0, 0, 0, 0])
            row[2 * side] += count
            row[2 * side + 1] += count if score == 1.0 else 0
    return tuple(
        LabelCounts(
            label=label,
            n_in_distribution=n_before,
            correct_in_distribution=correct_before,
            n_under_shift=n_after,
            correct_under_shift=correct_after,
        )
        for label, (n_before, correct_before, n_after, correct_after) in sorted(counts.items())
    )


def _label_and_score(label: str, score: float) -> tuple[str, float]:
    return label, score


def queries(trials: Sequence[Trial]) -> int | None:
    """Return the number of queries of an attack; None without an attack.

    The second query of each success counts.
    """
    if trials[0].prompt is not None:
        return sum(t.prompt.tried * t.prompt.search_examples for t in trials if t.prompt)
    if trials[0].attacks is None:
        return None
    results = [result for trial in trials for result in trial.attacks or ()]
    again = sum(result.success for result in results) + sum(trial.unheld for trial in trials)
    return sum(result.queries + result.reducing for result in results) + again


def _joined(inputs: Inputs) -> str:
    fields_ = fields_of(inputs)
    if len(fields_) == 1:
        return next(iter(fields_.values()))
    return " | ".join(f"{name}: {text}" for name, text in fields_.items())
