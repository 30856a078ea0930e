"""The `ood` fixture: robustness assertions on one's own models and data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, as_dataset
from pytest_ood.data.values import (
    check_spelling,
    inputs_from,
    items_of,
    label_among,
    label_from,
    pair_of,
    plain,
    spelled_like,
)
from pytest_ood.errors import (
    BudgetExceededError,
    ConfigurationError,
    DataError,
    NotInvariantError,
    OodError,
    shown,
    unknown_name,
)
from pytest_ood.evaluation import SuiteEvaluator, score_of_cases
from pytest_ood.inference.engine import check_complete
from pytest_ood.loading.cases import AllRight, cases_of, label_of, parse_expectation
from pytest_ood.metrics import ACCURACY, metric_class, metric_names
from pytest_ood.models import as_model
from pytest_ood.models.protocol import RecordedModel, SeededModel
from pytest_ood.perturbations import Perturbation, as_perturbation
from pytest_ood.perturbations.adversarial import Attack, QueryBudget, attacks, is_attack
from pytest_ood.perturbations.contracts import Changing
from pytest_ood.reports.explanation import explain, explain_case
from pytest_ood.shifts import (
    AdversarialShift,
    DomainShift,
    NoiseShift,
    PromptShift,
    Shift,
    TransferShift,
)
from pytest_ood.shifts.protocol import DEFAULT_QUERY_BUDGET
from pytest_ood.strategies import PerturbedCase, keep_for_replay
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, QuestionAnswering
from pytest_ood.trials.predictor import Predictor
from pytest_ood.utils.tables import check_share

if TYPE_CHECKING:
    from pytest_ood.data.examples import Example
    from pytest_ood.evaluation import Comparison, Evaluation, Floor
    from pytest_ood.inference.engine import Engine
    from pytest_ood.loading.cases import Expectation, Finding
    from pytest_ood.loading.readers import Reader
    from pytest_ood.models.protocol import Model
    from pytest_ood.tasks import Prediction, Task

P = ParamSpec("P")
R = TypeVar("R")

Data = Dataset | Iterable[tuple[Any, Any]]
"""A data set, or (inputs, label) pairs; see `Dataset.from_pairs`."""

ShiftLike = str | Perturbation | Attack | Shift | Dataset
"""The name of a perturbation or an attack, one of these themselves, a shift, or data of another
domain."""


MOST_ANSWERS = 5
"""Labels, or different answers, that a message lists."""

WHOLE = 0.99
"""Probabilities that add up to this are those of all labels."""

HINT = "(the traceback: --tb=long or -vv)"


def _at_the_test(method: Callable[P, R]) -> Callable[P, R]:
    """Show what keeps an assertion from being measured at the test's own line, in its own words.

    The way there leads through this package and the model's libraries, hundreds of lines of it. An
    error of this package keeps its cause, which has been cut to the user's own lines.
    """

    @wraps(method)
    def asserted(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return method(*args, **kwargs)
        except (AssertionError, KeyboardInterrupt):
            raise
        except BaseException as error:
            if getattr(args[0], "tracebacks", False):
                raise
            if isinstance(error, OodError):
                raise error.with_traceback(None) from error.__cause__
            if isinstance(error, Exception):
                error.add_note(HINT)
            raise error.with_traceback(None) from None

    return asserted


@dataclass(frozen=True, eq=False)
class _Heard:
    """An expectation that notes which labels a model has answered, and given probabilities to.

    Attributes:
        expectation: What is expected.
        answers: The labels that were answered.
        classes: Those of answers whose probabilities are of several labels and add up to 1, which
            are all that there are.
    """

    expectation: Expectation
    answers: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """MFT, INV or DIR."""
        return self.expectation.kind

    def describe(self, members: Sequence[Example]) -> str:
        """Say what is expected."""
        return self.expectation.describe(members)

    def find(self, answers: Sequence[Prediction], scores: Sequence[float]) -> Finding:
        """Note what was answered, and tell whether it is as expected."""
        for answer in answers:
            self.answers.update(() if answer.label is None else (answer.label,))
            if len(answer.scores) > 1 and sum(answer.scores.values()) >= WHOLE:
                self.classes.update(answer.scores)
        return self.expectation.find(answers, scores)


@dataclass(frozen=True, repr=False)
class Ood:
    """Robustness assertions with intervals, under the run's seed and level.

    Attributes:
        engine: Asks the models, through the prediction store.
        reader: Loads data that a shift names.
        seed: Of the run.
        rules: How certain a verdict has to be.
        max_examples: Examples drawn from each data set, or None for all.
        on_inconclusive: What to do with an inconclusive verdict, given its explanation; None
            fails it.
        on_note: Told what makes figures say less than they seem to, such as equal rows; None for
            nobody.
        tracebacks: Whether what a model raises keeps its traceback, or is shown at the line of the
            test.
    """

    engine: Engine
    reader: Reader
    seed: int
    rules: Rules
    max_examples: int | None
    on_inconclusive: Callable[[str], object] | None
    on_note: Callable[[str], object] | None = None
    tracebacks: bool = False

    def __repr__(self) -> str:
        """Stay short where pytest shows the arguments of a test that failed."""
        return f"<robustness assertions, seed {self.seed}>"

    @_at_the_test
    def assert_drop(
        self,
        model: Any,
        data: Data,
        shift: ShiftLike,
        *,
        max_drop: float,
        metric: str = ACCURACY,
        labels: Iterable[str] | None = None,
        query_budget: int | None = None,
        made_against: Any = None,
    ) -> Evaluation:
        """Assert that a model's score drops by at most `max_drop` under a shift.

        Args:
            model: A model under test, a fitted scikit-learn estimator, or a function from a list
                of inputs to a list of answers.
            data: In-distribution examples.
            shift: What is done to them; see ShiftLike.
            max_drop: A share of 1: 3 points are 0.03.
            metric: What may drop: "accuracy", "macro-f1", "recall-LABEL", "ece", "pdr", and under a
                domain shift "reweighted".
            labels: The possible answers, where the data does not show all of them.
            query_budget: Of an attack: the most queries for one example (50).
            made_against: Of an attack: another model, the surrogate; what turns it is put to
                `model`. Without it the attack is on `model` itself.

        Returns:
            The measurement, when it passes.

        Raises:
            BudgetExceededError: the verdict is fail, or invalid.
            OodError: the data or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("max_drop", max_drop, required=True)
        chosen = _shift(shift, query_budget, made_against)
        budgets = {metric: Budget(max_drop=max_drop)}
        run, (asked,) = self._run(data, chosen, budgets, labels, [model], surrogate=made_against)
        result = run.evaluate(asked, run.suite.shifts[0], metric)
        self._settle(result, run.notes)
        return result

    @_at_the_test
    def assert_no_less_robust(
        self,
        model: Any,
        *,
        than: Any,
        on: Data,
        under: ShiftLike,
        margin: float,
        metric: str = ACCURACY,
        labels: Iterable[str] | None = None,
        query_budget: int | None = None,
        made_against: Any = None,
    ) -> Comparison:
        """Assert that a model's score drops by at most `margin` more than another model's.

        Args:
            model: As in `assert_drop`.
            than: The baseline, likewise.
            on: In-distribution examples.
            under: What is done to them; see ShiftLike.
            margin: A share of 1: 2 points are 0.02.
            metric: As in `assert_drop`.
            labels: The possible answers, where the data does not show all of them.
            query_budget: As in `assert_drop`.
            made_against: As in `assert_drop`: a third model. Without it each of the two is attacked
                on its own.

        Returns:
            The measurement, when it passes.

        Raises:
            BudgetExceededError: the verdict is fail, or invalid.
            OodError: the data or a model cannot be used.
        """
        __tracebackhide__ = True
        check_share("margin", margin, required=True)
        chosen = _shift(under, query_budget, made_against)
        budgets = {metric: Budget(margin=margin)}
        run, (mine, other) = self._run(
            on, chosen, budgets, labels, [model, than], surrogate=made_against
        )
        result = run.compare(mine, other, run.suite.shifts[0], metric)
        self._settle(result, run.notes)
        return result

    @_at_the_test
    def assert_invariant(self, model: Any, case: PerturbedCase) -> None:
        """Assert that a model answers a perturbed example as it answers the original.

        For property tests: `@given(case=perturbed(data, "keyboard"))`. A case that fails is kept
        in `.ood/replay/`, and the strategy draws it first from then on.

        Args:
            model: As in `assert_drop`.
            case: What the strategy `perturbed` has drawn, or `edited` makes.

        Raises:
            NotInvariantError: the answers differ; the message has original, edits, both answers
                and the line that replays it.
            ConfigurationError: the case has an edit that changes the label.
            OodError: the model cannot be used.
        """
        __tracebackhide__ = True
        if not isinstance(case, PerturbedCase):
            raise ConfigurationError(
                f"assert_invariant: {shown(case)} is no perturbed case; the strategy `perturbed` "
                "draws one, and `edited` makes one"
            )
        if case.changes_label:
            raise ConfigurationError(
                f"assert_invariant: {case!r} has an edit that changes the label, after which the "
                "answer ought to change; compare the answers yourself"
            )
        asked = as_model(model, _classes(model))
        if isinstance(asked, RecordedModel | SeededModel):
            raise ConfigurationError(
                f"assert_invariant: {asked.name!r} is {type(asked).__name__}, which gives no one "
                "answer to a new text"
            )
        inputs = [case.original, case.inputs]
        answers = self.engine.predict(asked, inputs, None, "an invariance")
        check_complete(asked.name, answers, "an invariance")
        before, after = (answer.label for answer in answers)
        if before != after:
            kept = keep_for_replay(case)
            raise NotInvariantError(explain_case(asked.name, case, (before, after), kept))

    @_at_the_test
    def assert_consistent(
        self,
        model: Any,
        sets: Iterable[Iterable[tuple[Any, Any]]],
        *,
        min_score: float,
        labels: Iterable[str] | None = None,
    ) -> Floor:
        """Assert that a model has whole contrast sets right, at least a share of them.

        Contrast consistency (Gardner et al. 2020, Evaluating Models' Local Decision Boundaries via
        Contrast Sets).

        Args:
            model: As in `assert_drop`.
            sets: Of each set its (inputs, label) pairs.
            min_score: The least share of sets, of 1, in which every answer is right.
            labels: The possible answers, where the sets do not show all of them.

        Returns:
            The measurement, when it passes.

        Raises:
            BudgetExceededError: the verdict is fail, or invalid.
            OodError: the sets or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("min_score", min_score, required=True)
        name, given = "contrast sets", _labels(labels)
        found = [
            [pair_of(pair, f"{where}, input {n}") for n, pair in enumerate(pairs, start=1)]
            for where, pairs in _groups(
                name, "set", sets, "a set is a list of (inputs, label) pairs"
            )
        ]
        shows = sorted({label for pairs in found for _, label in pairs})
        if given is None:
            _check_shown(name, shows)
        for label in shows:
            if given is not None and label not in given:
                raise DataError(f"{name}: " + unknown_name("label", label, given))
        cases = cases_of(name, found, AllRight())
        return self._score(model, cases, min_score, given or tuple(shows))

    @_at_the_test
    def assert_expected(
        self,
        model: Any,
        cases: Iterable[Iterable[Any]],
        expect: Mapping[str, Any],
        *,
        min_score: float,
        labels: Iterable[str] | None = None,
    ) -> Floor:
        """Assert that a model's answers are as expected, in at least a share of cases.

        CheckList's invariance and directional tests (Ribeiro et al. 2020, Beyond Accuracy, section
        2.2), and labels that must not be answered.

        Args:
            model: As in `assert_drop`.
            cases: Of each case its inputs, the original first.
            expect: What is expected, as a CheckList file has it: {"same": True}, {"changed": True},
                {"not_down": LABEL}, {"not_up": LABEL} or {"not": LABEL}.
            min_score: The least share of cases, of 1, in which it is so.
            labels: The possible answers; those of an estimator are known.

        Returns:
            The measurement, when it passes.

        Raises:
            BudgetExceededError: the verdict is fail, or invalid.
            NotApplicableError: the expectation is on probabilities, and the model gives none.
            OodError: the cases, the expectation or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("min_score", min_score, required=True)
        known = _labels(labels) or _classes(model)
        pairs = [
            [(inputs_from(i, f"{where}, input {n}"), "") for n, i in enumerate(members, start=1)]
            for where, members in _groups("cases", "case", cases, "a case is a list of inputs")
        ]
        expected = parse_expectation(expect)
        label, stated = label_of(expected), known or _stated(model)
        if label is not None and stated and label not in stated:
            raise ConfigurationError("expect: " + unknown_name("label", label, stated))
        if label is None or stated:
            return self._score(model, cases_of("cases", pairs, expected), min_score, known)
        heard = _Heard(expected)
        try:
            result = self._score(model, cases_of("cases", pairs, heard), min_score, known)
        finally:
            # Whatever came of it: a label that there is not is why, if it is.
            self._check_heard(label, heard)
        return result

    def _check_heard(self, label: str, heard: _Heard) -> None:
        """Refuse a label that a model cannot give; note one that it never gave.

        Raises:
            ConfigurationError: its probabilities are of other labels, or an answer is this label
                but for white space or case.
        """
        names = heard.answers | heard.classes
        if label in names or not names:
            return
        if heard.classes or spelled_like(label, names) is not None:
            raise ConfigurationError("expect: " + unknown_name("label", label, names))
        if self.on_note is not None:
            given = _listed(sorted(heard.answers))
            self.on_note(
                f"assert_expected: the label {shown(label)} was never answered (answers: {given}), "
                "and whether the model knows it cannot be told; labels=[...] has it checked"
            )

    def _score(
        self, model: Any, cases: Dataset, min_score: float, labels: tuple[str, ...]
    ) -> Floor:
        __tracebackhide__ = True
        asked = as_model(model, labels)
        if isinstance(asked, SeededModel):
            raise ConfigurationError(
                f"{asked.name!r} has several seeds: assert the same of each of its members"
            )
        task: Task = Classification(labels) if labels else QuestionAnswering("closed-book-qa")
        predictor = Predictor(cases.name, task, self.engine, asked)
        drawn = cases.sample(self.max_examples, self.seed)
        result = score_of_cases(predictor, drawn, floor=min_score, rules=self.rules, seed=self.seed)
        self._settle(result)
        return result

    def _run(
        self,
        data: Data,
        shift: Shift,
        budgets: Mapping[str, Budget],
        labels: Iterable[str] | None,
        models: list[Any],
        *,
        surrogate: Any,
    ) -> tuple[SuiteEvaluator, list[Model | RecordedModel | SeededModel]]:
        dataset, given = as_dataset(data), _labels(labels)
        known = set(dataset.labels if given is None else given)
        if isinstance(shift, DomainShift) and isinstance(shift.source, Dataset) and given is None:
            self._check_target(dataset, shift, shift.source)
            known |= set(shift.source.labels)
        if given is None:
            _check_shown(dataset.name, known)
        task = Classification(tuple(sorted(known)))
        shift = _relabelling(shift, task.labels)
        for metric in map(str, budgets):
            allowed = metric_names(task, shift.kind)
            if metric not in allowed or metric_class(metric).NEEDS_REFERENCE:
                raise ConfigurationError(unknown_name("metric", metric, allowed))
        surrogates = {}
        if isinstance(shift, TransferShift):
            if any(model is surrogate for model in models):
                raise ConfigurationError(
                    "made_against: adversarial examples that are made against a model are those "
                    "that it has wrong, and say nothing about it; name another model"
                )
            against = _surrogate(surrogate, task.labels, models)
            shift = replace(shift, surrogate=against.name)
            surrogates[against.name] = against
        suite = Suite(
            name=dataset.name,
            task=task,
            in_distribution=dataset,
            shifts=(shift,),
            budgets={shift.name: budgets},
        )
        run = SuiteEvaluator(
            suite,
            engine=self.engine,
            reader=self.reader,
            seed=self.seed,
            rules=self.rules,
            max_examples=self.max_examples,
            surrogates=surrogates,
        )
        made = [as_model(model, task.labels) for model in models]
        if len(made) > 1 and made[0].name == made[1].name and made[1] is not models[1]:
            made[1] = as_model(models[1], task.labels, name=f"{made[1].name}-baseline")
        names = [*(model.name for model in made), *surrogates]
        if len(set(names)) < len(names):
            raise ConfigurationError(
                f"two of the models are called {max(names, key=names.count)!r}; give them "
                "different names"
            )
        for model in made:
            run.check_leaks(model, suite.shifts)
        return run, made

    def _check_target(self, dataset: Dataset, shift: DomainShift, target: Dataset) -> None:
        """Refuse data of another domain whose labels are all others; note a label that is new.

        Raises:
            DataError: names both sides' labels.
        """
        there = {shift.merge.get(label, label) for label in dataset.labels}
        new = [label for label in target.labels if label not in there]
        check_spelling({*there, *new}, f"{dataset.name} and {target.name}")
        if len(new) == len(target.labels):
            raise DataError(
                f"{target.name}: none of its labels ({_listed(new)}) is one of those in "
                f"distribution ({_listed(sorted(there))}); write them alike, or name all that "
                "there are: labels=[...]"
            )
        if new and self.on_note is not None:
            self.on_note(
                f"{target.name}: {_listed(new)} stand{'s' * (len(new) == 1)} there as a label and "
                f"not in distribution ({_listed(sorted(there))})"
            )

    def _settle(self, result: Floor | Evaluation | Comparison, notes: Iterable[str] = ()) -> None:
        __tracebackhide__ = True
        if self.on_note is not None:
            for note in notes:
                self.on_note(note)
        if result.verdict in ("pass", "measured"):
            return
        text = explain(result, self.rules)
        if result.verdict == "inconclusive" and self.on_inconclusive is not None:
            self.on_inconclusive(text)
            return
        raise BudgetExceededError(text)


def _classes(model: Any) -> tuple[str, ...]:
    """Return the labels that an estimator knows; none of other models."""
    return tuple(label_among(value, ()) for value in getattr(model, "classes_", ()))


def _stated(model: Any) -> tuple[str, ...]:
    """Return the labels that a model under test says it has; none of other models."""
    stated = getattr(model, "labels", ())
    named = isinstance(stated, list | tuple) and all(isinstance(label, str) for label in stated)
    return tuple(stated) if named else ()


def _labels(given: Iterable[Any] | None) -> tuple[str, ...] | None:
    """Return labels that a test names as text, in order; None where it names none.

    Raises:
        DataError: it is no list of labels, or one without any.
    """
    if given is None:
        return None
    wanted = "give a list of the possible answers, such as ['negative', 'positive']"
    listed = enumerate(items_of(given, "labels", wanted))
    found = tuple(label_from(label, f"labels, index {index}") for index, label in listed)
    if not found:
        raise DataError(f"labels is empty; {wanted}, or leave it out")
    return found


def _check_shown(name: str, labels: Collection[str]) -> None:
    """Refuse labels of data that make no classification, where nobody names the possible answers.

    Raises:
        DataError: there is one alone, or two are equal but for white space or case.
    """
    check_spelling(labels, name)
    if len(labels) == 1:
        (label,) = labels
        where = "" if name == "data" else f"{name}: "
        raise DataError(
            f"{where}the data has one label ({shown(label)}); a classification needs two: give "
            "labels=[...]"
        )


def _listed(labels: Sequence[str]) -> str:
    """Return labels as messages list them; of many the first."""
    named = ", ".join(map(shown, labels[:MOST_ANSWERS]))
    return f"{named}, ..." if len(labels) > MOST_ANSWERS else named


def _groups(
    name: str, kind: str, groups: Iterable[Iterable[Any]], wanted: str
) -> Iterator[tuple[str, Iterable[Any]]]:
    """Yield where messages place each group of items, and its items."""
    for index, items in enumerate(items_of(groups, name, f"give a list of them; {wanted}")):
        where = f"{name}, {kind} {index + 1} (index {index})"
        yield where, items_of(items, where, wanted)


def _relabelling(shift: Shift, labels: tuple[str, ...]) -> Shift:
    """Give a perturbation that changes labels its table, where the user gave none."""
    if not isinstance(shift, NoiseShift) or shift.relabel:
        return shift
    contract = shift.perturbation.contract
    if not isinstance(contract, Changing):
        return shift
    return replace(shift, relabel={label: contract.relabel(label, labels) for label in labels})


def _surrogate(given: Any, labels: tuple[str, ...], others: Sequence[Any]) -> Model:
    """Make a model to attack of what a user names; what has no name of its own gets another."""
    made = as_model(given, labels)
    if made is not given and made.name in {as_model(other, labels).name for other in others}:
        made = as_model(given, labels, name=f"{made.name}-surrogate")
    if isinstance(made, RecordedModel | SeededModel):
        raise ConfigurationError(
            f"made_against: {made.name!r} is {type(made).__name__}, which cannot be attacked"
        )
    return made


def _query_budget(given: Any) -> int:
    """Return the most queries for one example.

    Raises:
        ConfigurationError: it is no whole number.
    """
    found = plain(given)
    if found is None:
        return DEFAULT_QUERY_BUDGET
    if isinstance(found, bool) or not isinstance(found, int):
        raise ConfigurationError(
            f"query_budget = {shown(given)} is not a whole number; give 3 or more, or leave it out "
            f"for {DEFAULT_QUERY_BUDGET}"
        )
    return found


def _shift(given: ShiftLike, query_budget: int | None, made_against: Any) -> Shift:
    """Make a shift of what a user names."""
    if isinstance(given, type):
        # A class has the attributes of its instances, too; this refuses it.
        as_perturbation(given)
    attack = attacks().get(given) if isinstance(given, str) else given
    if is_attack(attack):
        budget = QueryBudget(_query_budget(query_budget))
        if made_against is None:
            return AdversarialShift(attack.name, attack, budget)
        # Its name is known once it is made, which takes the labels.
        return TransferShift(attack.name, attack, budget, surrogate="")
    if query_budget is not None or made_against is not None:
        raise ConfigurationError(
            f"{shown(given)} is no attack: query_budget and made_against go with an attack's name, "
            "or with an attack"
        )
    if isinstance(given, TransferShift):
        raise ConfigurationError("give the attack itself, and the other model as made_against")
    if isinstance(given, DomainShift | NoiseShift | AdversarialShift | PromptShift):
        return given
    if isinstance(given, Dataset):
        return DomainShift(given.name, given)
    if isinstance(given, list | tuple):
        raise ConfigurationError(
            f"{shown(given)} is no shift: the pairs of another domain take a name, which its "
            'figures go by: Dataset.from_pairs("NAME", pairs)'
        )
    change = as_perturbation(given, others=attacks())
    return NoiseShift(change.name, change)
