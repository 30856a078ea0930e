"""One suite under one seed: measuring models, and judging what was measured."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from operator import gt
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.assets import is_fetched
from pytest_ood.budgets import (
    MIN_CHANGED,
    SAME_ANSWER_SHARE,
    UNANSWERED_SHARE,
    VALIDITY_ALPHA,
    Budget,
    Judgement,
    is_settled,
    judge_at_least,
    judge_at_most,
    points,
)
from pytest_ood.cases import Case, best_constant, contrast_sets, members_of, path_of
from pytest_ood.checklist import Checklist, load_checklist
from pytest_ood.columns import Column, combined
from pytest_ood.data_notes import notes_on
from pytest_ood.engine import next_step
from pytest_ood.errors import DataError, ModelError, NotApplicableError, OodError
from pytest_ood.evaluation import figures
from pytest_ood.evaluation.attacks import attack_figures, cosines, successes
from pytest_ood.evaluation.items import KEPT, Items, hashes_of
from pytest_ood.evaluation.leaks import items_of, refuse_shown, trained_on
from pytest_ood.evaluation.records import (
    FLIPS_KEPT,
    Cell,
    Comparison,
    Evaluation,
    Flip,
    Floor,
    LabelCounts,
)
from pytest_ood.evaluation.trials import (
    AGAIN,
    Asked,
    Asker,
    AttackTrial,
    CaseAnswers,
    DomainTrial,
    Growing,
    InDistribution,
    NoiseTrial,
    PromptTrial,
    Trial,
    WorstTrial,
    aligned,
    known,
    perfect_trial,
    spread_scores,
)
from pytest_ood.examples import Dataset, check_pairs, fields_of, inputs_of, paired_with
from pytest_ood.frozen import freeze
from pytest_ood.metrics import (
    ACCURACY,
    IN_DOMAIN,
    PDR,
    REWEIGHTED,
    SINGLE_ACCURACY,
    examples_of,
    goes_by_label,
    loss_names,
    most_frequent,
)
from pytest_ood.models.protocol import (
    RecordedModel,
    SeededModel,
    is_cutting,
    is_recorded,
    notes_of,
)
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.rows import Picked, blocks, read
from pytest_ood.shifts import (
    AdversarialShift,
    DomainShift,
    NoiseShift,
    PromptShift,
    Shift,
    Shifted,
    TransferShift,
    WorstCase,
    counts_cases,
    keeps_answers,
    shifted_set_hash,
)
from pytest_ood.statistics import estimate, mean_score
from pytest_ood.statistics.samples import Sample
from pytest_ood.statistics.seeds import over_seeds
from pytest_ood.statistics.sequential import Sequential, looks
from pytest_ood.suite import IN_DISTRIBUTION, Suite, task_under
from pytest_ood.tasks import check_labels, majority_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pytest_ood.budgets import Rules
    from pytest_ood.engine import Engine
    from pytest_ood.evaluation.attacks import AttackFigures
    from pytest_ood.examples import Inputs
    from pytest_ood.frozen import FrozenSuite
    from pytest_ood.metrics import Outcomes
    from pytest_ood.models.protocol import Model
    from pytest_ood.readers import DataSource, Reader
    from pytest_ood.statistics import Figure
    from pytest_ood.tasks import Task

    Tested = Asked | SeededModel

COMPARED = 500
"""Successes of an attack whose likeness to their originals is measured: an encoder is no quicker
than the model."""

MOST_CELLS = 200
"""More groups than this are no table that anybody reads."""

REASKED = 64
"""In-distribution examples that are put to a model a second time."""


class SuiteRun:
    """One suite under one seed: draws the examples and shifts them once, and measures models.

    Results are kept, so that a comparison measures nothing again.

    Attributes:
        suite: What is measured.
        engine: Asks the models.
        reader: Loads the data.
        seed: Of samples and perturbations.
        rules: How certain a verdict has to be.
        size: Examples drawn from each data set at most; None for all.
        references: For shifts with training data of their own: the baseline trained on them.
        surrogates: By name, the models that adversarial examples are made against.
        frozen: Examples and edits that take the place of drawing and perturbing, or None.
        notes: In what data and suite differ from what was frozen, and what else makes figures say
            less than they seem to.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        engine: Engine,
        reader: Reader,
        seed: int,
        rules: Rules,
        max_examples: int | None,
        references: Mapping[str, Asked] = MappingProxyType({}),
        surrogates: Mapping[str, Model] = MappingProxyType({}),
        frozen: FrozenSuite | None = None,
    ) -> None:
        self.suite = suite
        self.engine = engine
        self.reader = reader
        self.seed = seed
        self.rules = rules
        self.size = max_examples if max_examples is not None else suite.max_examples
        self.references = references
        self.surrogates = surrogates
        self.frozen = frozen
        self.notes = [] if frozen is None else frozen.notes(suite)
        self._wholes: dict[str, Dataset] = {}
        self._datasets: dict[str, Dataset] = {}
        self._shifted: dict[str, Shifted] = {}
        self._surrogate_trials: dict[str, Trial] = {}
        self._sources: dict[str, InDistribution] = {}
        self._trials: dict[tuple[str, str], Growing] = {}
        self._floors: dict[str, Floor] = {}
        self._references: dict[str, InDistribution] = {}
        self._hashes: dict[tuple[str, int, bytes], str] = {}
        self._item_hashes: dict[tuple[str, int, bytes], NDArray[np.uint64]] = {}
        self._evaluations: dict[tuple[str, str, str], Evaluation] = {}
        self._checked: set[tuple[str, str]] = set()
        self._left_out: dict[str, tuple[tuple[str, int], ...]] = {}
        self._paths: dict[str, Column[tuple[str, ...]]] = {}

    def in_distribution(self) -> Dataset:
        """Return the drawn in-distribution examples."""
        return self._drawn(IN_DISTRIBUTION, self.suite.in_distribution, self.suite.task)

    def _target(self, shift: DomainShift) -> Dataset:
        """Return the drawn examples, or cases, of a domain shift.

        Paired, they have the order of the originals.

        Raises:
            OodError: the data cannot be read.
            DataError: it is paired, and ids are not the same as in distribution.
        """
        task, source = task_under(self.suite.task, shift), shift.source
        if shift.counts_cases or isinstance(source, Checklist):
            if shift.name not in self._datasets:
                self._datasets[shift.name] = self._sampled(shift.name, self._cases(shift))
            return self._datasets[shift.name]
        if not shift.paired:
            return self._drawn(shift.name, source, task)
        if shift.name not in self._datasets:
            where = f"{self.suite.name}/{shift.kind}/{shift.name}"
            whole = self._whole(shift.name, source, task)
            originals = self._whole(IN_DISTRIBUTION, self.suite.in_distribution, self.suite.task)
            check_pairs(where, originals, whole)
            if self.frozen is not None and shift.name in self.frozen.data:
                whole = self.frozen.drawn(shift.name, whole)
            self._datasets[shift.name] = paired_with(self.in_distribution(), whole, where)
        return self._datasets[shift.name]

    def horizon(self, shift: Shift | None) -> int:
        """Return how many examples a check can use at most.

        Raises:
            OodError: the data cannot be read.
        """
        size = len(self.in_distribution())
        if isinstance(shift, DomainShift):
            return min(size, len(self._target(shift)))
        if isinstance(shift, PromptShift):
            # The last examples are those that the prompt is looked for on.
            size -= shift.search_examples
            if size < 1:
                raise DataError(
                    f"{self.suite.name}/{shift.kind}/{shift.name} looks for a prompt on "
                    f"{shift.search_examples} examples, which leaves none to measure it on; there "
                    f"are {len(self.in_distribution())}"
                )
        if isinstance(shift, AdversarialShift | TransferShift | PromptShift):
            return min(size, shift.max_examples or size)
        return size

    def usable(self, shift: Shift | None) -> int:
        """Return how many examples a check can rest on; no model is asked.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.horizon(shift)
        made = isinstance(shift, NoiseShift) and self._is_made_by_rules(shift)
        return self._changed(shift, size) if made else size

    def perfect(self, shift: Shift, metric: str, *, relative: bool = False) -> Figure:
        """Return the figure of a model that is always right under a shift; no model is asked.

        What it does not show to be within a budget, no answers to these examples can show.

        Args:
            shift: What happens to the examples.
            metric: Any but accuracy and in-domain.
            relative: Return the difference of the figures of two such models.

        Raises:
            NotApplicableError: the examples lack what the metric needs.
            OodError: the data cannot be read.
        """
        self._check_labels_same(shift, metric)
        size = self.horizon(shift)
        examples = self.in_distribution().examples
        paired = not isinstance(shift, DomainShift) or shift.paired
        before = after = examples[:size]
        if isinstance(shift, DomainShift):
            after = self._target(shift).examples
            before = before if paired else examples
        elif isinstance(shift, NoiseShift) and self._is_made_by_rules(shift):
            shifted = self._perturbed(shift)
            changed = np.flatnonzero(shifted.changed[:size].where(bool))
            before = Picked(examples, changed)
            pairs = zip(before, Picked(shifted.inputs, changed), strict=True)
            after = [shift.relabelled(*pair) for pair in pairs]
        truths = ([example.label for example in side] for side in (before, after))
        trials = [perfect_trial(*truths, paired=paired)]
        return self._difference(trials, trials, shift, metric) if relative else self._drop(
            trials, shift, metric
        )  # fmt: skip

    def asked(self, shift: Shift) -> Sequence[Inputs] | None:
        """Return what every model is asked under a shift; None where that is not known yet.

        An attack finds out while it asks, and what a language model has to write is not written
        for a plan.

        Raises:
            OodError: the data cannot be read.
        """
        size = self.horizon(shift)
        if isinstance(shift, DomainShift):
            return [member.inputs for member in members_of(self._target(shift))]
        if not isinstance(shift, NoiseShift) or not self._is_made_by_rules(shift):
            return None
        shifted = self._perturbed(shift)
        return Picked(shifted.inputs, np.flatnonzero(shifted.changed[:size].where(bool)))

    def _is_made_by_rules(self, shift: NoiseShift) -> bool:
        """Tell whether a shift's texts are at hand without a language model."""
        return (
            shift.name in self._shifted
            or shift.is_made_by_rules
            or (self.frozen is not None and shift.name in self.frozen.shifts)
        )

    def _changed(self, shift: Shift | None, size: int) -> int:
        """Return how many of the first `size` examples were changed before any model is measured.

        All, of a shift that changes none, or only while it is measured.
        """
        noises = self._replayed(shift)
        if noises is None:
            return size
        changed = [self._perturbed(noise).changed[:size] for noise in noises]
        return combined(changed, lambda *told: any(told)).count(True)

    def _replayed(self, shift: Shift | None) -> Sequence[NoiseShift | TransferShift] | None:
        """Return the shifts whose texts are the same for all models; None where there are none."""
        if isinstance(shift, WorstCase):
            return self._noises()
        return [shift] if isinstance(shift, NoiseShift | TransferShift) else None

    def _noises(self) -> list[NoiseShift]:
        return [shift for shift in self.suite.shifts if isinstance(shift, NoiseShift)]

    def check_leaks(self, model: Tested, shifts: Iterable[Shift]) -> None:
        """See what a model was shown of the test items before it is asked about any.

        What it was trained on is told in the notes: the user may know, or want it so.

        Args:
            model: Nothing is asked of it.
            shifts: Those that it will be measured under.

        Raises:
            DataError: a demonstration is a test item; or the data cannot be read.
            OodError: the demonstrations cannot be drawn.
        """
        if is_recorded(model):
            return
        sets = {}
        for name, dataset in self._tested(shifts):
            if (model.name, name) not in self._checked:
                sets[name] = items_of(dataset)
        refuse_shown(model, sets)
        self.notes += trained_on(model, sets)
        self._checked |= {(model.name, name) for name in sets}

    def _tested(self, shifts: Iterable[Shift]) -> Iterator[tuple[str, Dataset]]:
        """Yield the sets whose items a model is asked about, by name."""
        yield IN_DISTRIBUTION, self.in_distribution()
        for shift in shifts:
            if isinstance(shift, DomainShift):
                # Where it cannot be read, its own check says so.
                with suppress(OodError):
                    yield shift.name, self._target(shift)

    def _tell_cut(self, model: Tested, name: str, inputs: Sequence[Inputs]) -> None:
        """Note how many of a set's inputs a model saw only in part, and what it says itself."""
        member = _members(model)[0]
        self.notes += [note for note in notes_of(member) if note not in self.notes]
        if not is_cutting(member):
            return
        count = sum(member.count_cut(block) for block in blocks(inputs))
        told = (
            f"{model.name}: {count} of {len(inputs)} texts of {name} have more tokens than its "
            f"max_length of {member.max_length}, or than it takes; it saw only their beginning"
        )
        if count and told not in self.notes:
            self.notes.append(told)

    def floor(self, model: Tested) -> Floor:
        """Measure a model in distribution.

        Raises:
            OodError: the data or the model cannot be used.
        """
        if model.name not in self._floors:
            self._floors[model.name] = self._measure_floor(model)
        return self._floors[model.name]

    def score(self, model: Tested, shift: Shift) -> Floor:
        """Measure a model's score under a shift by itself.

        Raises:
            NotApplicableError: the model or the data lacks what the check needs.
            OodError: the data or the model cannot be used.
        """
        budget = self._budget(shift, ACCURACY).min_score
        invalid = self._unusable(model) or self._unusable_surrogate(shift)
        sizes = self._sizes(shift, ACCURACY, budget, invalid, [model])
        cuts: list[int] = []
        for size in sizes:
            trials = self._trial(model, shift, size)
            figure = figures.score_figure([trial.after for trial in trials])
            if len(sizes) > 1:
                values = figures.mean_scores(trials)[1]
                cuts.append(len(values))
                figure = figures.sequential(
                    values, cuts, (0.0, 1.0), self._most(shift),
                    current=figure, final=size == sizes[-1],
                )  # fmt: skip
                if budget is not None and self._is_done(
                    shift, trials, figure, budget, at_least=True
                ):
                    break
        judged = (
            invalid
            or self._too_few(shift, trials)
            or self._too_many_abstentions(trials)
            or self._too_many_missing(trials)
        )
        if judged is None:
            judged = Judgement("measured", "no floor is set")
            if budget is not None:
                judged = judge_at_least(figure, budget, self.rules)
        after, flipped = trials[0].after, _flipped(trials[0])
        return Floor(
            suite=self.suite.name,
            model=model.name,
            kind=shift.kind,
            shift=shift.name,
            n=figure.n,
            # What is left out is no reason to stop.
            planned=figure.n if size == sizes[-1] else self._most(shift),
            abstained=_abstained(after),
            score=estimate(figure, self.rules.alpha),
            majority=self._best_constant(shift, after),
            budget=budget,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.seed,
            data_hash=self._hash(shift, trials[0]),
            p_fail=judged.p_fail,
            seed_scores=tuple(figures.mean_of(trial.after) for trial in trials),
            errors=_counted(trial.unanswered for trial in trials),
            breakdown=self._breakdown(shift, trials, stopping=isinstance(figure, Sequential)),
            left_out=self._not_counted(shift, trials[0]),
            cases=_inputs_of_cases(trials[0]),
            flips=_flips(trials[0], flipped),
            flipped=len(flipped),
            measure=self.suite.task.measure,
        )

    def _not_counted(self, shift: Shift, trial: Trial) -> tuple[tuple[str, int], ...]:
        """Return why rows of the data, and cases, are not counted, and how many."""
        return (*self._left_out.get(shift.name, ()), *trial.left_out)

    def _most(self, shift: Shift) -> int:
        """Return how many examples there are under a shift at most."""
        return len(self._target(shift)) if isinstance(shift, DomainShift) else self.horizon(shift)

    def _best_constant(self, shift: Shift, after: Outcomes) -> float:
        """Return what the best of the models that always answer the same would score."""
        if counts_cases(shift):
            used = read(after.examples, after.places)
            task = task_under(self.suite.task, shift)
            return best_constant((e for e in used if isinstance(e, Case)), task)
        return most_frequent(after.graded.truth)[1] / len(after)

    def evaluate(self, model: Tested, shift: Shift, metric: str = ACCURACY) -> Evaluation:
        """Measure a model under a shift.

        Raises:
            NotApplicableError: the model or the data lacks what the check needs.
            OodError: the data or the model cannot be used.
        """
        key = (model.name, shift.name, metric)
        if key not in self._evaluations:
            self._evaluations[key] = self._evaluate(model, shift, metric)
        return self._evaluations[key]

    def compare(
        self, model: Tested, baseline: Tested, shift: Shift, metric: str = ACCURACY
    ) -> Comparison:
        """Compare a model's drop with the baseline's, on the same items.

        Raises:
            NotApplicableError: a model or the data lacks what the check needs.
            OodError: the data or a model cannot be used.
        """
        self._check_labels_same(shift, metric)
        margin = self._budget(shift, metric).margin
        invalid = (
            self._unusable(model) or self._unusable(baseline) or self._unusable_surrogate(shift)
        )
        sizes = self._sizes(shift, metric, margin, invalid, [model, baseline])
        cuts: list[int] = []
        for size in sizes:
            mine = self._trial(model, shift, size)
            both = aligned([*mine, *self._trial(baseline, shift, size)])
            if not both[0].after and size != sizes[-1]:
                # What applies to both models may come later.
                continue
            self._check_in_common(model, baseline, shift, both[0])
            mine, other = both[: len(mine)], both[len(mine) :]
            figure = self._difference(mine, other, shift, metric)
            if len(sizes) > 1:
                cases = counts_cases(shift)
                values = (
                    figures.gains(mine, other)
                    if cases
                    else figures.in_pairs(*figures.differences(mine, other))
                )
                most = 1.0 if cases else 2.0
                cuts.append(len(values))
                figure = figures.sequential(
                    values, cuts, (-most, most), self._most(shift) if cases else
                    self.horizon(shift), current=figure, final=size == sizes[-1],
                )  # fmt: skip
                if margin is not None and self._is_done(shift, [*mine, *other], figure, margin):
                    break
        judged = (
            invalid
            or self._too_few(shift, [*mine, *other])
            or self._too_many_abstentions(mine, f"{model.name}: ")
            or self._too_many_abstentions(other, f"{baseline.name}: ")
            or self._too_many_missing(mine, f"{model.name}: ")
            or self._too_many_missing(other, f"{baseline.name}: ")
        )
        if judged is None:
            judged = Judgement("measured", "no margin is set")
            if margin is not None:
                judged = judge_at_most(figure, margin, self.rules, examples_of(metric))
        flipped = np.setdiff1d(_flipped(mine[0]), _flipped(other[0]))
        return Comparison(
            suite=self.suite.name,
            kind=shift.kind,
            shift=shift.name,
            model=model.name,
            baseline=baseline.name,
            n=figure.n,
            scores=self._scores(mine, shift, metric),
            baseline_scores=self._scores(other, shift, metric),
            difference=estimate(figure, self.rules.alpha),
            margin=margin,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.seed,
            flips=_flips(mine[0], flipped),
            flipped=len(flipped),
            metric=metric,
            drawn=mine[0].drawn,
            planned=self._planned(shift),
            p_fail=judged.p_fail,
            surrogate=_surrogate(shift),
            errors=_counted(t.unanswered for t in (*mine, *other)),
            cases=_inputs_of_cases(mine[0]),
            measure=self.suite.task.measure,
        )

    def _check_in_common(self, model: Tested, baseline: Tested, shift: Shift, trial: Trial) -> None:
        """Refuse to compare two models that have nothing in common.

        Raises:
            NotApplicableError: names them.
        """
        if not trial.after:
            raise NotApplicableError(
                f"{self.suite.name}/{shift.kind}/{shift.name}: nothing there applies to both "
                f"{model.name!r} and {baseline.name!r}, or was answered by both"
            )

    def _evaluate(self, model: Tested, shift: Shift, metric: str) -> Evaluation:
        self._check_labels_same(shift, metric)
        budget = self._budget(shift, metric).max_drop
        invalid = self._unusable(model) or self._unusable_surrogate(shift)
        sizes = self._sizes(shift, metric, budget, invalid, [model])
        cuts: list[int] = []
        for size in sizes:
            trials = self._trial(model, shift, size)
            figure = self._drop(trials, shift, metric)
            if len(sizes) > 1:
                values = figures.in_pairs(*figures.mean_scores(trials))
                cuts.append(len(values))
                figure = figures.sequential(
                    values, cuts, (-1.0, 1.0), self.horizon(shift),
                    current=figure, final=size == sizes[-1],
                )  # fmt: skip
                if budget is not None and self._is_done(shift, trials, figure, budget):
                    break
        judged = (
            invalid
            or self._too_few(shift, trials)
            or self._too_many_abstentions(trials)
            or self._too_many_missing(trials)
        )
        if metric == IN_DOMAIN:
            judged = judged or self._lost_reference(shift, trials[0])
        if judged is None:
            judged = Judgement("measured", "no budget is set")
            if budget is not None:
                judged = judge_at_most(figure, budget, self.rules, examples_of(metric))
        return self._evaluation(model, shift, metric, trials=trials, figure=figure, judged=judged)

    def _evaluation(
        self,
        model: Tested,
        shift: Shift,
        metric: str,
        *,
        trials: Sequence[Trial],
        figure: Figure,
        judged: Judgement,
    ) -> Evaluation:
        first, last = self._scores(trials, shift, metric)
        trial, floor = trials[0], self.floor(model)
        domain = isinstance(shift, DomainShift) and not shift.counts_cases
        reference = self._reference(shift, trial.after) if domain else None
        flipped = _flipped(trial)
        shown = trial.shifted
        if counts_cases(shift):
            used = Picked(trial.after.examples, trial.after.places)
            shown = [member.inputs for member in members_of(used)]
        self._tell_cut(model, shift.name, shown)
        return Evaluation(
            suite=self.suite.name,
            kind=shift.kind,
            shift=shift.name,
            model=model.name,
            n=len(trial.after),
            unchanged=trial.unchanged,
            rejected=trial.rejected,
            errors=_counted(t.unanswered for t in trials),
            abstained=_abstained(trial.after),
            abstained_id=_abstained(trial.before),
            score_id=first,
            score_ood=last,
            drop=estimate(figure, self.rules.alpha),
            paired=trial.paired,
            budget=self._budget(shift, metric).max_drop,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.seed,
            shifted_set_hash=self._hash(shift, trial),
            queries=_queries(trials),
            attack=self._attack_figures(trials, shift),
            surrogate=_surrogate(shift),
            prompt=trial.prompt,
            before=spread_scores(trials, lambda t: t.before),
            after=spread_scores(trials, lambda t: t.after),
            flips=_flips(trial, flipped),
            flipped=len(flipped),
            metric=metric,
            drawn=trial.drawn,
            planned=self._planned(shift),
            p_fail=judged.p_fail,
            unheld=sum(t.unheld for t in trials),
            disagreement=floor.disagreed / floor.reasked if floor.reasked else None,
            seed_drops=self._seed_drops(trials, first, metric),
            reweighted=self._reweighted(trials, shift) if domain and not trial.paired else None,
            reference=None if reference is None else figures.mean_of(reference),
            measures=self._measures(trials, shift),
            sequential=self.is_sequential([model], self.horizon(shift)),
            family=shift.family if isinstance(shift, NoiseShift) else "",
            severity=shift.severity if isinstance(shift, NoiseShift) else None,
            items=self._items(shift, trials) if metric == ACCURACY else None,
            per_label=self._by_label(trial, shift) if metric == ACCURACY else (),
            breakdown=self._breakdown(shift, trials, stopping=isinstance(figure, Sequential))
            if metric == ACCURACY
            else (),
            left_out=self._not_counted(shift, trial),
            cases=_inputs_of_cases(trial),
            measure=self.suite.task.measure,
        )

    def _breakdown(
        self, shift: Shift, trials: Sequence[Trial], *, stopping: bool
    ) -> tuple[Cell, ...]:
        """Return the score of each group of the examples under a shift.

        Noise and attacks leave examples their groups. Where the check may have stopped early,
        intervals hold at whatever point that was.
        """
        groups = self._groups(shift)
        used = groups[trials[0].after.places]
        paths = {
            path[:depth]: None
            for path, count in zip(groups.values, used.counts.tolist(), strict=True)
            for depth in range(1, len(path) + 1)
            if count
        }
        if len(paths) > MOST_CELLS:
            note = (
                f"{self.suite.name}/{shift.kind}/{shift.name}: {len(paths):,} groups are too many "
                'to be told apart; examples that are one set take scoring = "contrast"'
            )
            if note not in self.notes:
                self.notes.append(note)
            return ()
        cells = []
        for path in sorted(paths):
            found = np.flatnonzero(used.where(partial(_begins, path)))
            sides = [trial.after.only(found) for trial in trials]
            figure = figures.score_figure(sides)
            if stopping:
                values = figures.mean_scores_of(sides)
                figure = figures.sequential(
                    values, [len(values)], (0.0, 1.0), max(self._most(shift), len(values)),
                    current=figure, final=len(used) >= self._most(shift),
                )  # fmt: skip
            within = path[-2] if len(path) > 1 else ""
            score = estimate(figure, self.rules.alpha)
            cells.append(Cell(path[-1], within, len(found), score))
        return tuple(cells)

    def _groups(self, shift: Shift) -> Column[tuple[str, ...]]:
        """Return where each of the examples under a shift stands in a breakdown."""
        target = self._target(shift) if isinstance(shift, DomainShift) else None
        name = IN_DISTRIBUTION if target is None else shift.name
        if name not in self._paths:
            self._paths[name] = Column.of(map(path_of, target or self.in_distribution()))
        return self._paths[name]

    def _check_labels_same(self, shift: Shift, metric: str) -> None:
        """Refuse a metric by label where a shift's labels are not those in distribution.

        Raises:
            NotApplicableError: names both.
        """
        fine, coarse = self.suite.task.labels, task_under(self.suite.task, shift).labels
        if goes_by_label(metric) and fine != coarse:
            raise NotApplicableError(
                f"{self.suite.name}/{shift.kind}/{shift.name}: {metric} goes by labels, and there "
                f"are others under the shift ({', '.join(coarse)}) than in distribution "
                f"({', '.join(fine)})"
            )

    def _by_label(self, trial: Trial, shift: Shift) -> tuple[LabelCounts, ...]:
        """Return the counts by label, where labels are the same before and under the shift."""
        if counts_cases(shift):
            return ()
        labels = self.suite.task.labels
        return _by_label(trial) if labels == task_under(self.suite.task, shift).labels != () else ()

    def _items(self, shift: Shift, trials: Sequence[Trial]) -> Items:
        """Return the score of each example under the shift, of the first of them."""
        trial, scores = trials[0], figures.mean_scores(trials)[1]
        places = trial.after.places[:KEPT]
        key = (shift.name, len(places), hashlib.sha256(places.tobytes()).digest())
        if key not in self._item_hashes:
            examples = read(trial.after.examples, places)
            # Attacks and the worst of all noise leave other texts for every model.
            shared = isinstance(shift, NoiseShift | TransferShift)
            asked = trial.shifted[: len(places)] if shared else [e.inputs for e in examples]
            self._item_hashes[key] = hashes_of(
                (example.inputs if shared else None, text, example.label)
                for example, text in zip(examples, asked, strict=True)
            )
        return Items(self._item_hashes[key], scores[: len(places)])

    def _seed_drops(self, trials: Sequence[Trial], first: float, metric: str) -> tuple[float, ...]:
        if metric == IN_DOMAIN:
            return tuple(first - figures.mean_of(trial.after) for trial in trials)
        return figures.seed_drops(trials, metric, self.suite.task)

    def _attack_figures(self, trials: Sequence[Trial], shift: Shift) -> AttackFigures | None:
        """Sum up the attack on a model's first seed, or on the surrogate, if there was any."""
        if isinstance(shift, TransferShift):
            trial = self._surrogate_trials.get(shift.name)
        else:
            trial = trials[0]
        if not isinstance(shift, AdversarialShift | TransferShift) or trial is None:
            return None
        attacks = trial.attacks or ()
        if all(result.skipped for result in attacks):
            return None
        examples = self.in_distribution().examples[: len(attacks)]
        similar: Sequence[float] = ()
        if is_fetched("minilm", self.reader.cache) and find_spec("transformers") is not None:
            with using(resources_of(self.reader)):
                similar = cosines(successes(attacks, examples)[:COMPARED], self.engine.store)
        return attack_figures(
            attacks, examples, self.rules.alpha, each=shift.budget.each, cached=trial.cached,
            similar=similar,
        )  # fmt: skip

    def _hash(self, shift: Shift, trial: Trial) -> str:
        """Hash the examples under the shift that were used."""
        places = trial.after.places
        key = (shift.name, len(places), hashlib.sha256(places.tobytes()).digest())
        # Attacks and the worst of all noise leave other texts for every model.
        shared = isinstance(shift, DomainShift | NoiseShift | TransferShift)
        if shared and key in self._hashes:
            return self._hashes[key]
        used = Picked(trial.after.examples, places)
        if isinstance(shift, DomainShift):
            found = Dataset(shift.name, used).content_hash
        else:
            found = shifted_set_hash(used, trial.shifted)
        self._hashes[key] = found
        return found

    def _drawn(self, name: str, source: DataSource | Dataset, task: Task) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = self._sampled(name, self._whole(name, source, task))
        return self._datasets[name]

    def _whole(self, name: str, source: DataSource | Dataset, task: Task) -> Dataset:
        """Return all examples of a set."""
        if name not in self._wholes:
            if isinstance(source, Dataset):
                check_labels(source, task.labels)
                self._wholes[name] = source
            else:
                self._wholes[name] = self.reader.load(source, name, task)
            self.notes += notes_on(f"{self.suite.name}/{name}", self._wholes[name])
        return self._wholes[name]

    def _cases(self, shift: DomainShift) -> Dataset:
        """Return all cases of a shift that counts cases."""
        source, name = shift.source, shift.name
        if isinstance(source, Checklist):
            found = replace(source, data=self.reader.redirected(source.data))
            tests = load_checklist(found, self.reader.root, name, self.suite.task)
            self._left_out[name] = tests.left_out
            return tests.dataset
        return contrast_sets(self._whole(name, source, task_under(self.suite.task, shift)))

    def _sampled(self, name: str, dataset: Dataset) -> Dataset:
        """Return the examples of a set that are used, in the order of the draw."""
        if self.frozen is None or name not in self.frozen.data:
            return dataset.sample(self.size, self.seed)
        frozen = self.frozen.drawn(name, dataset)
        return Dataset(frozen.name, frozen.examples[: self.size])

    def freeze(self) -> FrozenSuite:
        """Draw and perturb everything, and return it for a file.

        No model is asked but the surrogates that adversarial examples are made against.

        Raises:
            OodError: the data cannot be read, or a perturbation lacks what it needs.
        """
        data = {IN_DISTRIBUTION: self.in_distribution().examples}
        shifted = {}
        for shift in self.suite.shifts:
            if isinstance(shift, DomainShift):
                data[shift.name] = self._target(shift).examples
            elif isinstance(shift, NoiseShift | TransferShift):
                shifted[shift.name] = self._perturbed(shift)
        return freeze(self.suite, self.seed, data, shifted, IN_DISTRIBUTION)

    def _budget(self, shift: Shift, metric: str) -> Budget:
        return self.suite.budgets[shift.name].get(metric, Budget())

    def _planned(self, shift: Shift) -> int:
        if isinstance(shift, DomainShift):
            return len(self.in_distribution())
        return self.horizon(shift)

    def _sizes(
        self,
        shift: Shift,
        metric: str,
        limit: float | None,
        invalid: Judgement | None,
        models: Sequence[Tested],
    ) -> list[int]:
        """Return after how many examples the verdict is looked at."""
        horizon = self.horizon(shift)
        if not self.is_sequential(models, horizon):
            return [horizon]
        judged = metric == ACCURACY and limit is not None
        sizes = looks(horizon) if judged or invalid is not None else [horizon]
        # Before the first changed example there is nothing to look at.
        sizes = [size for size in sizes if self._changed(shift, size)] or [horizon]
        # Of an invalid model nothing that is asked will change the verdict; some figures are for
        # the reader.
        return sizes if invalid is None else sizes[:1]

    def is_sequential(self, models: Sequence[Tested], horizon: int) -> bool:
        """Tell whether examples are asked about in batches.

        Recorded answers cost nothing, betting is about examples, not seeds, and a single batch
        leaves nothing to stop before.
        """
        if any(isinstance(model, SeededModel) for model in models):
            return False
        recorded = all(isinstance(model, RecordedModel) for model in models)
        return not recorded and self.rules.is_sequential(horizon) and len(looks(horizon)) > 1

    def _is_done(
        self,
        shift: Shift,
        trials: Sequence[Trial],
        figure: Figure,
        limit: float,
        *,
        at_least: bool = False,
    ) -> bool:
        enough = min(self._touched(shift, trial) for trial in trials) >= MIN_CHANGED
        return enough and is_settled(figure, limit, self.rules, at_least=at_least)

    def _touched(self, shift: Shift, trial: Trial) -> int:
        """Return how many examples noise has changed, or an attack has attacked."""
        if trial.attacks is None:
            return self._changed(shift, trial.drawn)
        return sum(not result.skipped for result in trial.attacks)

    def _source(self, member: Asked) -> InDistribution:
        if member.name not in self._sources:
            asker = Asker(self.suite, self.engine, member)
            self._sources[member.name] = InDistribution(asker, self.in_distribution().examples)
        return self._sources[member.name]

    def _trial(self, model: Tested, shift: Shift, size: int) -> list[Trial]:
        """Return a model's trials, one for each of its seeds, on the first `size` examples.

        Raises:
            DataError: the shift changed none of all examples.
            ModelError: there is no example that all of them answered.
        """
        with using(resources_of(self.reader)):
            trials = [self._growing(member, shift).upto(size) for member in _members(model)]
        trials = aligned(trials)
        missing = next((trial.unanswered for trial in trials if trial.unanswered), ())
        if not trials[0].after and missing:
            raise ModelError(
                f"model {model.name!r} left no example answered both in distribution and under "
                f"{self.suite.name}/{shift.kind}/{shift.name} ({missing[0]}); "
                f"{next_step(missing[0])}"
            )
        if not trials[0].after:
            rejected = trials[0].rejected
            why = f" (the validity filter rejected {rejected})" if rejected else ""
            raise DataError(
                f"invalid: {self.suite.name}/{shift.kind}/{shift.name} changed none of {size} "
                f"examples{why}; there is nothing to measure. {self._advice(shift)}"
            )
        return trials

    def _advice(self, shift: Shift) -> str:
        """Tell what to do about a shift that changes nothing."""
        contract = shift.perturbation.contract if isinstance(shift, NoiseShift) else None
        examples = self.in_distribution().examples
        solved = isinstance(contract, Derived) and bool(contract.tasks)
        if solved and not any(example.rationale for example in examples):
            return (
                "It works answers out anew from solutions, and the examples have none: name the "
                "column that holds them with `rationale`"
            )
        if isinstance(shift, NoiseShift) and shift.is_made_by_rules:
            strongest = shift.strongest()
            if not strongest.changes_any(examples):
                if strongest.unprotected().changes_any(examples):
                    return "All that it could change is protected: name less under `protect`"
                return (
                    "There is nothing in these texts that it changes, at any severity: take "
                    "another perturbation, or other parameters"
                )
        return "Raise its severity, or drop the shift"

    def _growing(self, member: Asked, shift: Shift) -> Growing:
        key = (member.name, shift.name)
        if key not in self._trials:
            self._trials[key] = self._new_trial(member, shift)
        return self._trials[key]

    def _new_trial(self, member: Asked, shift: Shift) -> Growing:
        asker, source = Asker(self.suite, self.engine, member), self._source(member)
        if isinstance(shift, DomainShift):
            merging = replace(asker, merge=shift.merge)
            targets = self._target(shift).examples
            if shift.counts_cases:
                cases = [case for case in targets if isinstance(case, Case)]
                return DomainTrial(source, CaseAnswers(merging, cases, shift.name))
            target = InDistribution(merging, targets, shift.name)
            return DomainTrial(source, target, shift.paired)
        if isinstance(shift, NoiseShift | TransferShift):
            return self._noise_trial(asker, source, shift)
        if isinstance(shift, WorstCase):
            noises = [self._noise_trial(asker, source, noise) for noise in self._noises()]
            return WorstTrial(noises, source)
        if isinstance(shift, PromptShift):
            return PromptTrial(asker, shift, source, self.seed)
        return AttackTrial(asker, shift, source, self.seed)

    def _noise_trial(
        self, asker: Asker, source: InDistribution, shift: NoiseShift | TransferShift
    ) -> NoiseTrial:
        return NoiseTrial(asker, shift, source, self._perturbed(shift))

    def _perturbed(self, shift: NoiseShift | TransferShift) -> Shifted:
        if shift.name not in self._shifted:
            examples = self.in_distribution().examples
            if self.frozen is not None and shift.name in self.frozen.shifts:
                self._shifted[shift.name] = self.frozen.shifted(shift, examples)
            elif isinstance(shift, TransferShift):
                self._shifted[shift.name] = self._transferred(shift)
            else:
                with using(resources_of(self.reader)):
                    self._shifted[shift.name] = shift.apply(examples, self.seed, self.engine.store)
        return self._shifted[shift.name]

    def _transferred(self, shift: TransferShift) -> Shifted:
        """Attack the surrogate; where it did not turn, the original stays."""
        surrogate = self.surrogates[shift.surrogate]
        source = self._source(surrogate)
        trial = AttackTrial(Asker(self.suite, self.engine, surrogate), shift, source, self.seed)
        with using(resources_of(self.reader)):
            attacked = trial.upto(self.horizon(shift))
        self._surrogate_trials[shift.name] = attacked
        results, examples = attacked.attacks or (), self.in_distribution().examples

        def made() -> Iterator[tuple[list[Inputs], tuple[()]]]:
            start = 0
            for block in blocks(examples):
                turned = [result.inputs for result in results[start : start + len(block)]]
                yield [*turned, *(e.inputs for e in block[len(turned) :])], ()
                start += len(block)

        return Shifted.of(examples, made())

    def _drop(self, trials: Sequence[Trial], shift: Shift, metric: str) -> Figure:
        if metric == IN_DOMAIN:
            return figures.gap_figure(self._needed_reference(shift, trials), trials)
        if metric == REWEIGHTED:
            figures.check_reweightable(trials)
        return figures.drop_figure(trials, metric, self.suite.task)

    def _difference(
        self, mine: Sequence[Trial], other: Sequence[Trial], shift: Shift, metric: str
    ) -> Figure:
        if metric == IN_DOMAIN or counts_cases(shift):
            return figures.gap_difference(mine, other)
        if metric == REWEIGHTED:
            figures.check_reweightable(mine)
        return figures.difference_figure(mine, other, metric, self.suite.task)

    def _scores(self, trials: Sequence[Trial], shift: Shift, metric: str) -> tuple[float, float]:
        """Return a metric before and under the shift."""
        if metric == IN_DOMAIN:
            after = float(Sample.of(figures.mean_scores(trials)[1]).mean)
            reference = self._reference(shift, trials[0].after)
            return after if reference is None else figures.mean_of(reference), after
        if metric != ACCURACY:
            return figures.measured(trials, metric, self.suite.task)
        before, last = figures.mean_scores(trials)
        return float(Sample.of(before).mean), float(Sample.of(last).mean)

    def _measures(
        self, trials: Sequence[Trial], shift: Shift
    ) -> tuple[tuple[str, float, float], ...]:
        """Return every other metric that the answers allow."""
        task, found = self.suite.task, []
        if keeps_answers(shift):
            return ()
        if counts_cases(shift):
            return _single_answers(trials, shift)
        for name in loss_names(task, shift.kind):
            if name in (IN_DOMAIN, REWEIGHTED, PDR):
                continue
            try:
                self._check_labels_same(shift, name)
                found.append((name, *figures.measured(trials, name, task)))
            except NotApplicableError:
                continue
        return tuple(found)

    def _reweighted(self, trials: Sequence[Trial], shift: Shift) -> float | None:
        if not self.suite.task.labels:
            return None
        try:
            self._check_labels_same(shift, REWEIGHTED)
            figures.check_reweightable(trials)
        except NotApplicableError:
            return None
        first, last = figures.measured(trials, REWEIGHTED, self.suite.task)
        return first - last

    def _reference(self, shift: Shift, after: Outcomes) -> Outcomes | None:
        """Return what the baseline trained on the target answers to the same examples."""
        if shift.name not in self.references:
            return None
        if shift.name not in self._references:
            asker = Asker(self.suite, self.engine, self.references[shift.name])
            self._references[shift.name] = InDistribution(asker, after.examples, shift.name)
        reached = int(after.places[-1]) + 1
        return self._references[shift.name].upto(reached).only(after.places)

    def _needed_reference(self, shift: Shift, trials: Sequence[Trial]) -> Outcomes:
        reference = self._reference(shift, trials[0].after)
        if reference is None:
            raise NotApplicableError(
                f"{shift.name}: there is no in-domain reference to compare with; give the shift "
                "`train`, training data of its own, and mark a model with `train` as the baseline"
            )
        return reference

    def _measure_floor(self, model: Tested) -> Floor:
        dataset, members = self.in_distribution(), _members(model)
        budget, majority = self.suite.min_score, majority_share(dataset)
        horizon = len(dataset)
        sizes = looks(horizon) if self.is_sequential([model], horizon) else [horizon]
        cuts: list[int] = []
        for size in sizes:
            asked = [self._source(member).upto(size) for member in members]
            answered, missing = answered_by_all(asked)
            if not len(answered[0]):
                raise ModelError(
                    f"model {model.name!r} answered none of {size} inputs in distribution "
                    f"({missing[0]})"
                )
            scores = figures.mean_scores_of(answered)
            figure = over_seeds(
                mean_score(scores), tuple(map(figures.mean_of, answered)), limits=(0.0, 1.0)
            )
            if len(sizes) > 1:
                figure = figures.sequential(
                    scores, [*cuts, len(scores)], (0.0, 1.0), horizon,
                    current=figure, final=size == horizon,
                )  # fmt: skip
            cuts.append(len(scores))
            valid = self._above_majority(figure, majority)
            settled = budget is None or (
                figure.p_above(budget) <= self.rules.alpha
                or figure.p_below(budget) <= self.rules.fail_alpha
            )
            if valid and settled:
                break
        judged = self._usable(figure, majority, answered) or _too_many_unanswered(
            missing, len(missing) + len(answered[0])
        )
        if judged is None:
            judged = Judgement("pass", f"above the majority class ({points(majority)})")
            if budget is not None:
                judged = judge_at_least(figure, budget, self.rules)
        reasked, disagreed = self._ask_again(members[0], asked[0])
        self._tell_cut(model, IN_DISTRIBUTION, inputs_of(dataset.examples[: len(asked[0])]))
        return Floor(
            suite=self.suite.name,
            model=model.name,
            n=figure.n,
            planned=horizon,
            abstained=_abstained(answered[0]),
            score=estimate(figure, self.rules.alpha),
            majority=majority,
            budget=budget,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.seed,
            data_hash=dataset.content_hash,
            p_fail=judged.p_fail,
            reasked=reasked,
            disagreed=disagreed,
            seed_scores=tuple(map(figures.mean_of, answered)),
            errors=_counted([missing]),
            items=self._floor_items(answered[0], scores),
            flips=_abstentions(answered[0]),
            flipped=_abstained(answered[0]),
            measure=self.suite.task.measure,
        )

    def _floor_items(self, outcomes: Outcomes, scores: Column[float]) -> Items:
        """Return the score of each example in distribution, of the first of them."""
        places = outcomes.places[:KEPT]
        key = (IN_DISTRIBUTION, len(places), hashlib.sha256(places.tobytes()).digest())
        if key not in self._item_hashes:
            examples = read(outcomes.examples, places)
            self._item_hashes[key] = hashes_of((None, e.inputs, e.label) for e in examples)
        return Items(self._item_hashes[key], scores[: len(places)])

    def _ask_again(self, member: Asked, outcomes: Outcomes) -> tuple[int, int]:
        """Return how many examples were asked again, and how many got another answer."""
        if isinstance(member, RecordedModel):
            return 0, 0
        examples = self.in_distribution().examples[: min(REASKED, len(outcomes))]
        again = self._source(member).asker.answers(
            IN_DISTRIBUTION, examples, inputs_of(examples), AGAIN
        )
        first = outcomes.graded[: len(again)]
        pairs = [
            (label, answer.label)
            for label, error, answer in zip(first.answer, first.error, again, strict=True)
            if error is None and answer.error is None
        ]
        return len(pairs), sum(first != second for first, second in pairs)

    def _above_majority(self, figure: Figure, majority: float) -> bool:
        return figure.p_above(majority) <= VALIDITY_ALPHA

    def _usable(
        self, figure: Figure, majority: float, answered: Sequence[Outcomes]
    ) -> Judgement | None:
        """Tell why a model's drops mean nothing, or return None where they do."""
        for outcomes in answered:
            judged = _one_answer(outcomes) or self._abstaining(
                _abstained(outcomes), len(outcomes), "in distribution"
            )
            if judged is not None:
                return judged
        if not self._above_majority(figure, majority):
            return Judgement(
                "invalid",
                f"its in-distribution score of {points(figure.value)} is not shown to be above "
                f"the majority class ({points(majority)}) at level {VALIDITY_ALPHA}, "
                f"n = {figure.n}",
            )
        return None

    def _abstaining(self, silent: int, inputs: int, where: str) -> Judgement | None:
        cap, share = self.suite.max_abstention, silent / inputs
        if share <= cap:
            return None
        return Judgement(
            "invalid",
            f"it gave no parseable answer to {points(share)} % of the inputs {where}, over the "
            f"cap of {points(cap)} %",
        )

    def _unusable(self, model: Tested) -> Judgement | None:
        """Tell why no verdict on this model's drops would mean anything."""
        floor = self.floor(model)
        if floor.verdict == "invalid":
            return Judgement("invalid", f"{model.name}: {floor.reason}")
        return None

    def _unusable_surrogate(self, shift: Shift) -> Judgement | None:
        """Tell why adversarial examples made against another model mean nothing."""
        if not isinstance(shift, TransferShift) or shift.surrogate not in self.surrogates:
            return None
        judged = self._unusable(self.surrogates[shift.surrogate])
        return judged and Judgement("invalid", f"made against {judged.reason}")

    def _too_few(self, shift: Shift, trials: Sequence[Trial]) -> Judgement | None:
        changed, trial = min(
            ((self._touched(shift, trial), trial) for trial in trials), key=lambda pair: pair[0]
        )
        if isinstance(shift, DomainShift | PromptShift) or changed >= MIN_CHANGED:
            return None
        done = "changed" if trial.attacks is None else "attacked"
        rejected = f" and {trial.rejected} rejected by the filter" if trial.rejected else ""
        return Judgement(
            "invalid",
            f"only {changed} examples were {done}{rejected}; {MIN_CHANGED} are the least",
        )

    def _lost_reference(self, shift: Shift, trial: Trial) -> Judgement | None:
        """Tell why the in-domain reference is none: what has not learned the target is no mark."""
        outcomes = self._needed_reference(shift, [trial])
        figure = mean_score(outcomes.graded.score)
        used = Picked(outcomes.examples, outcomes.places)
        majority = majority_share(Dataset(shift.name, used))
        if self._above_majority(figure, majority):
            return None
        return Judgement(
            "invalid",
            f"the in-domain reference scores {points(figure.value)}, not shown to be above the "
            f"target's majority class ({points(majority)}); it needs more training data",
        )

    def _too_many_missing(self, trials: Sequence[Trial], who: str = "") -> Judgement | None:
        for trial in trials:
            missing = trial.unanswered
            judged = _too_many_unanswered(missing, len(missing) + len(trial.after))
            if judged is not None:
                return Judgement("invalid", who + judged.reason)
        return None

    def _too_many_abstentions(self, trials: Sequence[Trial], who: str = "") -> Judgement | None:
        for trial in trials:
            silent, inputs = _abstained(trial.after), len(trial.after)
            if trial.decided is not None:
                # The cap is on inputs; one of them without an answer makes a whole case wrong.
                silent = sum(one.silent for one in trial.decided)
                inputs = _inputs_of_cases(trial)
            judged = self._abstaining(silent, inputs, "under the shift")
            if judged is not None:
                return Judgement("invalid", who + judged.reason)
        return None


def score_of_cases(asker: Asker, cases: Dataset, *, floor: float, rules: Rules, seed: int) -> Floor:
    """Measure what a model scores on cases, without any data in distribution.

    Args:
        asker: Asks the model; its suite has the task.
        cases: All of them `Case`s.
        floor: The least score.
        rules: How certain the verdict has to be.
        seed: Of the run.

    Raises:
        NotApplicableError: no case applies to the model.
        ModelError: it answered no case.
    """
    found = [case for case in cases if isinstance(case, Case)]
    side = CaseAnswers(asker, found, cases.name)
    outcomes = side.upto(len(found))
    (trial,) = aligned(
        [
            Trial(
                paired=False, drawn=len(found), before=outcomes, after=outcomes, originals=None,
                shifted=inputs_of(Picked(found, outcomes.places)), decided=side.decided,
                left_out=side.left_out(len(found)),
            )
        ]
    )  # fmt: skip
    # Both sides are the same one here.
    missing = trial.unanswered[: len(trial.unanswered) // 2]
    if not len(trial.after):
        raise ModelError(f"model {asker.model.name!r} answered no case ({missing[0]})")
    figure = figures.score_figure([trial.after])
    judged = _too_many_unanswered(missing, len(found)) or judge_at_least(figure, floor, rules)
    flipped = _flipped(trial)
    return Floor(
        suite=asker.suite.name,
        model=asker.model.name,
        kind="domain",
        shift=cases.name,
        n=figure.n,
        planned=figure.n,
        abstained=_abstained(trial.after),
        score=estimate(figure, rules.alpha),
        majority=best_constant(found, asker.suite.task),
        budget=floor,
        verdict=judged.verdict,
        reason=judged.reason,
        seed=seed,
        data_hash=Dataset(cases.name, Picked(found, trial.after.places)).content_hash,
        p_fail=judged.p_fail,
        errors=_counted([missing]),
        left_out=trial.left_out,
        cases=_inputs_of_cases(trial),
        flips=_flips(trial, flipped),
        flipped=len(flipped),
        measure=asker.suite.task.measure,
    )


def resources_of(reader: Reader) -> Resources:
    """Return what perturbations and filters may use, from what a reader may."""
    return Resources(reader.cache, reader.offline, reader.root, reader.progress)


def _too_many_unanswered(missing: Sequence[str], inputs: int) -> Judgement | None:
    """Tell why too few inputs were answered for the rest to speak for them."""
    if len(missing) <= UNANSWERED_SHARE * inputs:
        return None
    return Judgement(
        "invalid",
        f"{len(missing)} of {inputs} inputs got no answer, over the cap of "
        f"{points(UNANSWERED_SHARE)} % (error: {missing[0]}); {next_step(missing[0])}",
    )


def _counted(errors: Iterable[Column[str]]) -> tuple[tuple[str, int], ...]:
    """Return each reason with its count, the most frequent first."""
    counts: Counter[str] = Counter()
    for column in errors:
        counts.update(dict(zip(column.values, column.counts.tolist(), strict=True)))
    told = [(error, count) for error, count in counts.items() if count]
    return tuple(sorted(told, key=lambda item: (-item[1], item[0])))


def answered_by_all(sides: Sequence[Outcomes]) -> tuple[list[Outcomes], Column[str]]:
    """Return the outcomes of the places that all have answers to, and why others are out.

    Args:
        sides: On the same examples, one for each seed of a model.
    """
    errors = combined([side.graded.error for side in sides], _first_known)
    answered = errors.where(lambda error: error is None)
    return [side.only(answered) for side in sides], known(errors)


def _first_known(*errors: str | None) -> str | None:
    return next((error for error in errors if error is not None), None)


def _one_answer(outcomes: Outcomes) -> Judgement | None:
    given = known(outcomes.graded.answer)
    if not given:
        written = next((said for said in known(outcomes.graded.said) if said.strip()), None)
        if written is None:
            return Judgement("invalid", "it answered nothing in distribution")
        return Judgement(
            "invalid",
            "no answer could be read out of anything it wrote in distribution, such as "
            f"{written!r}",
        )
    most, count = most_frequent(given)
    share = count / len(given)
    if share <= SAME_ANSWER_SHARE:
        return None
    return Judgement("invalid", f"it answers {most!r} to {points(share)} % of the inputs")


def _members(model: Tested) -> tuple[Asked, ...]:
    return model.members if isinstance(model, SeededModel) else (model,)


def _flipped(trial: Trial) -> NDArray[np.intp]:
    """Return which were right before and are wrong after; of a domain shift, which are wrong."""
    after = trial.after.graded.score
    if trial.originals is None:
        return np.flatnonzero(after.where(lambda score: score == 0.0))
    return np.flatnonzero(combined([trial.before.graded.score, after], gt).where(bool))


def _begins(path: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    return longer[: len(path)] == path


def _inputs_of_cases(trial: Trial) -> int:
    return sum(one.asked for one in trial.decided or ())


def _single_answers(trials: Sequence[Trial], shift: Shift) -> tuple[tuple[str, float, float], ...]:
    """Return the accuracy of the single answers to contrast sets, beside their consistency."""
    if not isinstance(shift, DomainShift) or shift.scoring != "contrast":
        return ()
    decided = [one for trial in trials for one in trial.decided or ()]
    share = sum(one.right for one in decided) / sum(one.asked for one in decided)
    before = float(Sample.of(figures.mean_scores(trials)[0]).mean)
    return ((SINGLE_ACCURACY, before, share),)


def _flips(trial: Trial, flipped: NDArray[np.intp]) -> tuple[Flip, ...]:
    """Return the first of those that flipped, with their texts."""
    places = flipped[:FLIPS_KEPT]
    if trial.decided is not None:
        return tuple(
            Flip(
                one.id, one.expected, None if one.before is None else _shown(one.before),
                _shown(one.inputs), one.answer_before, one.answer,
                said_before=one.said_before, said_after=one.said,
            )
            for one in read(trial.decided, places)
        )  # fmt: skip
    new, texts = trial.after.read(places), read(trial.shifted, places)
    if trial.originals is None:
        return tuple(
            Flip(
                o.id,
                o.label,
                None,
                _shown(text),
                None,
                o.prediction.label,
                said_after=o.prediction.text,
            )
            for o, text in zip(new, texts, strict=True)
        )
    old, originals = trial.before.read(places), read(trial.originals, places)
    return tuple(
        Flip(
            o.id,
            o.label,
            _shown(original),
            _shown(text),
            was.prediction.label,
            o.prediction.label,
            None if was.label == o.label else was.label,
            said_before=was.prediction.text,
            said_after=o.prediction.text,
        )
        for was, o, original, text in zip(old, new, originals, texts, strict=True)
    )


def _abstentions(outcomes: Outcomes) -> tuple[Flip, ...]:
    """Return the first of the examples that a model abstained from, with their texts."""
    places = np.flatnonzero(outcomes.graded.answer.where(lambda answer: answer is None))[
        :FLIPS_KEPT
    ]
    examples = read(outcomes.examples, outcomes.places[places])
    return tuple(
        Flip(o.id, o.label, None, _shown(e.inputs), None, None, said_after=o.prediction.text)
        for o, e in zip(outcomes.read(places), examples, strict=True)
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
    return tuple(LabelCounts(label, *counts[label]) for label in sorted(counts))


def _label_and_score(label: str, score: float) -> tuple[str, float]:
    return label, score


def _queries(trials: Sequence[Trial]) -> int | None:
    """Return everything that was put to a model in an attack; None where there was none.

    Second queries of successes are among it.
    """
    if trials[0].prompt is not None:
        return sum(t.prompt.tried * t.prompt.search_examples for t in trials if t.prompt)
    if trials[0].attacks is None:
        return None
    results = [result for trial in trials for result in trial.attacks or ()]
    again = sum(result.success for result in results) + sum(trial.unheld for trial in trials)
    return sum(result.queries + result.reducing for result in results) + again


def _surrogate(shift: Shift) -> str:
    return shift.surrogate if isinstance(shift, TransferShift) else ""


def _abstained(outcomes: Outcomes) -> int:
    return outcomes.graded.answer.count(None)


def _shown(inputs: Inputs) -> str:
    fields_ = fields_of(inputs)
    if len(fields_) == 1:
        return next(iter(fields_.values()))
    return " | ".join(f"{name}: {text}" for name, text in fields_.items())
