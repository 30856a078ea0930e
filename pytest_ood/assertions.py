"""The `ood` fixture: robustness assertions on one's own models and data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example, as_dataset, content_ids
from pytest_ood.data.values import (
    check_spelling,
    inputs_from,
    items_of,
    label_among,
    label_from,
    pair_of,
    plain,
    spelled_like,
    values_of,
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
from pytest_ood.languages import ENGLISH
from pytest_ood.loading.cases import AllRight, cases_of, label_of, parse_expectation
from pytest_ood.metrics import metric_class, metric_names
from pytest_ood.models import as_model
from pytest_ood.models._answers import PREFIX
from pytest_ood.models.protocol import RecordedModel, SeededModel, is_recorded
from pytest_ood.perturbations import (
    Composite,
    Generator,
    Perturbation,
    as_perturbation,
    in_language,
)
from pytest_ood.perturbations.adversarial import (
    Attack,
    QueryBudget,
    Recipe,
    attack_in_language,
    attacks,
    is_attack,
)
from pytest_ood.perturbations.adversarial.grading import ScoreGrader
from pytest_ood.perturbations.contracts import Changing
from pytest_ood.perturbations.protection import parse_protection
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
from pytest_ood.tasks import Classification, QuestionAnswering, check_labels, find_task
from pytest_ood.trials.predictor import Predictor
from pytest_ood.utils.tables import check_share

if TYPE_CHECKING:
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
"""The name of a perturbation or an attack, a perturbation, an attack, a shift, or a data set of
another domain."""

MAX_LISTED = 5
"""The largest number of labels in a message."""

ALL_LABELS_SUM = 0.99
"""Probabilities with at least this sum are taken to be those of all labels."""

HINT = "(the traceback: --tb=long or -vv)"


def _raise_at_test_line(method: Callable[P, R]) -> Callable[P, R]:
    """Let errors of an assertion be raised at the line of the test, without a traceback.

    A traceback has hundreds of lines of this package and of the model's libraries, between the
    test and the error. An error of this package retains its cause, which ends in the user's code.
    """

    @wraps(method)
    def asserted(*args: P.args, **kwargs: P.kwargs) -> R:
        """Call the assertion, and remove the traceback of its errors."""
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


@dataclass(frozen=True, eq=False, kw_only=True)
class _LabelRecorder:
    """An expectation that records the labels of a model's answers and probabilities.

    Attributes:
        expectation: The expectation.
        answers: The labels that were answered.
        classes: The labels of complete probability distributions, which are all that the model has.
    """

    expectation: Expectation
    answers: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """MFT, INV or DIR."""
        return self.expectation.kind

    def describe(self, members: Sequence[Example]) -> str:
        """Describe the expectation."""
        return self.expectation.describe(members)

    def find(self, answers: Sequence[Prediction], scores: Sequence[float]) -> Finding:
        """Record the labels, and compare the answers with the expectation."""
        for answer in answers:
            self.answers.update(() if answer.label is None else (answer.label,))
            if len(answer.scores) > 1 and sum(answer.scores.values()) >= ALL_LABELS_SUM:
                self.classes.update(answer.scores)
        return self.expectation.find(answers, scores)

    def check(self, label: str) -> str | None:
        """Refuse a label that the model does not have; return a note on one it never answered.

        Raises:
            ConfigurationError: the model's probabilities are of other labels, or an answer differs
                from the label only in white space or case.
        """
        names = self.answers | self.classes
        if label in names or not names:
            return None
        if self.classes or spelled_like(label, names) is not None:
            raise ConfigurationError("expect: " + unknown_name("label", label, names))
        return (
            f"assert_expected: the label {shown(label)} was never answered (answers: "
            f"{_listed(sorted(self.answers))}), so that the model may not have it; labels=[...] "
            "has it checked"
        )


@dataclass(frozen=True, repr=False, kw_only=True)
class Ood:
    """Robustness assertions with intervals, under the run's seed and level.

    Attributes:
        engine: Runs the models, through the prediction store.
        reader: Loads data that a shift names.
        seed: The seed of the run.
        rules: The levels of verdicts.
        max_examples: The most examples from each data set, or None for all.
        on_inconclusive: Called with the explanation of an inconclusive verdict; None if it fails.
        on_note: Called with each caveat of a result, such as duplicate rows; None for no call.
        tracebacks: Whether errors of a model retain their traceback, or are shown at the line of
            the test.
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
        """Return a short text, since pytest shows the arguments of a failed test."""
        return f"<robustness assertions, seed {self.seed}>"

    @_raise_at_test_line
    def assert_drop(
        self,
        model: Any,
        data: Data,
        shift: ShiftLike,
        *,
        max_drop: float,
        metric: str | None = None,
        labels: Iterable[str] | None = None,
        task: Task | str | None = None,
        query_budget: int | None = None,
        made_against: Any = None,
        language: str = "",
    ) -> Evaluation:
        """Assert that a model's score drops by at most `max_drop` under a shift.

        Args:
            model: A model under test; a fitted scikit-learn estimator, or another object with
                `predict`; a pipeline of transformers; a model of spaCy or fastText; or a function
                from a list of inputs to a list of answers.
            data: In-distribution examples.
            shift: The shift of the examples; see ShiftLike.
            max_drop: The largest drop, in [0, 1]: 3 points are 0.03.
            metric: The metric: "accuracy", "macro-f1", "recall-LABEL", "ece", "pdr", and under a
                domain shift "reweighted"; by default the one that the task's budgets are of.
            labels: The possible answers, if the data does not have all of them.
            task: The task: its name, such as "numeric", the path `module:name` of one of your own,
                or an object; by default a classification.
            query_budget: For an attack: the most queries for one example (50).
            made_against: For an attack: another model, the surrogate; `model` is measured on the
                texts that fooled it. None to attack `model` itself.
            language: The language of the texts, a tag of BCP 47; "" for English, or for that of a
                perturbation that has one.

        Returns:
            The result, if it passes.

        Raises:
            BudgetExceededError: the verdict is fail or invalid.
            OodError: the data or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("max_drop", max_drop, required=True)
        evaluator, (tested,) = self._evaluator(
            data,
            _shift(shift, query_budget, made_against, language),
            metric,
            Budget(max_drop=max_drop),
            labels=labels,
            task=task,
            models=[model],
            surrogate=made_against,
            language=language,
        )
        result = evaluator.evaluate(tested, *_only_check(evaluator.suite))
        self._settle(result, evaluator.notes)
        return result

    @_raise_at_test_line
    def assert_no_less_robust(
        self,
        model: Any,
        *,
        than: Any,
        on: Data,
        under: ShiftLike,
        margin: float,
        metric: str | None = None,
        labels: Iterable[str] | None = None,
        task: Task | str | None = None,
        query_budget: int | None = None,
        made_against: Any = None,
        language: str = "",
    ) -> Comparison:
        """Assert that a model's score drops by at most `margin` more than another model's.

        Args:
            model: As in `assert_drop`.
            than: The baseline, in any of the same forms.
            on: In-distribution examples.
            under: The shift of the examples; see ShiftLike.
            margin: The largest difference, in [0, 1]: 2 points are 0.02.
            metric: As in `assert_drop`.
            labels: The possible answers, if the data does not have all of them.
            task: As in `assert_drop`.
            query_budget: As in `assert_drop`.
            made_against: A third model, as in `assert_drop`. None to attack each of the two models
                itself.
            language: As in `assert_drop`.

        Returns:
            The result, if it passes.

        Raises:
            BudgetExceededError: the verdict is fail or invalid.
            OodError: the data or a model cannot be used.
        """
        __tracebackhide__ = True
        check_share("margin", margin, required=True)
        evaluator, (tested, baseline) = self._evaluator(
            on,
            _shift(under, query_budget, made_against, language),
            metric,
            Budget(margin=margin),
            labels=labels,
            task=task,
            models=[model, than],
            surrogate=made_against,
            language=language,
        )
        result = evaluator.compare(tested, baseline, *_only_check(evaluator.suite))
        self._settle(result, evaluator.notes)
        return result

    @_raise_at_test_line
    def assert_invariant(self, model: Any, case: PerturbedCase) -> None:
        """Assert that a model gives the same answer to a perturbed example and to the original.

        For property tests: `@given(case=perturbed(data, "keyboard"))`. A failing case is saved in
        `.ood/replay/`, and the strategy draws it first in later runs.

        Args:
            model: As in `assert_drop`.
            case: A case that the strategy `perturbed` draws, or that `edited` returns.

        Raises:
            NotInvariantError: the answers differ; the message has the original, the edits, both
                answers and a line of code that replays the case.
            ConfigurationError: an edit of the case changes the label.
            OodError: the model cannot be used.
        """
        __tracebackhide__ = True
        if not isinstance(case, PerturbedCase):
            raise ConfigurationError(
                f"assert_invariant: {shown(case)} is no perturbed case; the strategy `perturbed` "
                "draws one, and `edited` returns one"
            )
        if case.changes_label:
            raise ConfigurationError(
                f"assert_invariant: {case!r} has an edit that changes the label, so that the right "
                "answer changes, too; compare the answers yourself"
            )
        tested = as_model(model, _classes(model), ordered=False)
        if isinstance(tested, SeededModel) or is_recorded(tested):
            raise ConfigurationError(
                f"assert_invariant: {tested.name!r} is {type(tested).__name__}, which does not "
                "give a single answer to a new text"
            )
        inputs = [case.original, case.inputs]
        answers = self.engine.predict(tested, inputs, None, "an invariance")
        check_complete(tested.name, answers, "an invariance")
        before, after = (answer.label for answer in answers)
        if before != after:
            path = keep_for_replay(case)
            raise NotInvariantError(explain_case(tested.name, case, (before, after), path))

    @_raise_at_test_line
    def assert_consistent(
        self,
        model: Any,
        sets: Iterable[Iterable[tuple[Any, Any]]],
        *,
        min_score: float,
        labels: Iterable[str] | None = None,
    ) -> Floor:
        """Assert that a model gets all of a contrast set right, for at least a share of the sets.

        Contrast consistency (Gardner et al. 2020, Evaluating Models' Local Decision Boundaries via
        Contrast Sets).

        Args:
            model: As in `assert_drop`.
            sets: The (inputs, label) pairs of each set.
            min_score: The least share of sets without a wrong answer, in [0, 1].
            labels: The possible answers, if the sets do not have all of them.

        Returns:
            The result, if it passes.

        Raises:
            BudgetExceededError: the verdict is fail or invalid.
            OodError: the sets or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("min_score", min_score, required=True)
        name, allowed = "contrast sets", _labels(labels)
        members = [
            [pair_of(pair, f"{location}, input {n}") for n, pair in enumerate(pairs, start=1)]
            for location, pairs in _groups(
                name, "set", sets, "a set is a list of (inputs, label) pairs"
            )
        ]
        labels_in_data = sorted({label for pairs in members for _, label in pairs})
        if allowed is None:
            _check_labels_of_data(name, labels_in_data)
        for label in labels_in_data:
            if allowed is not None and label not in allowed:
                raise DataError(f"{name}: " + unknown_name("label", label, allowed))
        cases = cases_of(name, members, AllRight())
        return self._score(
            model,
            cases,
            min_score,
            allowed or tuple(labels_in_data),
            ordered=allowed is not None,
        )

    @_raise_at_test_line
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

        These are CheckList's invariance and directional tests (Ribeiro et al. 2020, Beyond
        Accuracy, section 2.2), and tests for labels that must not be answered.

        Args:
            model: As in `assert_drop`.
            cases: The inputs of each case, the original first.
            expect: The expectation, as in a CheckList file: {"same": True}, {"changed": True},
                {"not_down": LABEL}, {"not_up": LABEL} or {"not": LABEL}.
            min_score: The least share of cases that are as expected, in [0, 1].
            labels: The possible answers; by default an estimator's own classes.

        Returns:
            The result, if it passes.

        Raises:
            BudgetExceededError: the verdict is fail or invalid.
            NotApplicableError: the expectation is on probabilities, and the model gives none.
            OodError: the cases, the expectation or the model cannot be used.
        """
        __tracebackhide__ = True
        check_share("min_score", min_score, required=True)
        allowed = _labels(labels) or _classes(model)
        members = [
            [(inputs_from(i, f"{location}, input {n}"), "") for n, i in enumerate(inputs, start=1)]
            for location, inputs in _groups("cases", "case", cases, "a case is a list of inputs")
        ]
        expectation = parse_expectation(expect)
        label, model_labels = label_of(expectation), allowed or _labels_of_model(model)
        if label is not None and model_labels and label not in model_labels:
            raise ConfigurationError("expect: " + unknown_name("label", label, model_labels))
        ordered = labels is not None
        if label is None or model_labels:
            whole = cases_of("cases", members, expectation)
            return self._score(model, whole, min_score, allowed, ordered=ordered)
        # Nothing states the model's labels, so that its answers have to show whether it has the
        # expected one. A misspelled label is never answered: "not LABEL" would always hold.
        recorder = _LabelRecorder(expectation=expectation)
        try:
            whole = cases_of("cases", members, recorder)
            result = self._score(model, whole, min_score, allowed, ordered=ordered)
        finally:
            # A failure has to name a label that does not exist, too: it is the likely cause.
            note = recorder.check(label)
            if note is not None and self.on_note is not None:
                self.on_note(note)
        return result

    def _score(
        self,
        model: Any,
        cases: Dataset,
        min_score: float,
        labels: tuple[str, ...],
        *,
        ordered: bool,
    ) -> Floor:
        __tracebackhide__ = True
        tested = as_model(model, labels, ordered=ordered)
        if isinstance(tested, SeededModel):
            raise ConfigurationError(
                f"{tested.name!r} has several seeds: assert the same of each of its members"
            )
        task: Task = Classification(labels) if labels else QuestionAnswering("closed-book-qa")
        predictor = Predictor(cases.name, task, self.engine, tested)
        sample = cases.sample(self.max_examples, self.seed)
        result = score_of_cases(
            predictor, sample, floor=min_score, rules=self.rules, seed=self.seed
        )
        self._settle(result)
        return result

    def _evaluator(
        self,
        data: Data,
        shift: Shift,
        metric: str | None,
        budget: Budget,
        *,
        labels: Iterable[str] | None,
        task: Task | str | None,
        models: Sequence[Any],
        surrogate: Any,
        language: str,
    ) -> tuple[SuiteEvaluator, list[Model | RecordedModel | SeededModel]]:
        """Build a suite of one shift and its evaluator; return it with the models under test."""
        if task is None:
            dataset, chosen, classes = _classification(data, shift, labels, self._note)
        else:
            chosen = find_task(task, self.reader.root, language or ENGLISH.code)
            if isinstance(shift, DomainShift) and isinstance(shift.source, Dataset):
                shift = replace(shift, source=_data_of_task(shift.source, chosen, None))
            dataset, classes = _data_of_task(data, chosen, labels), chosen.labels
        # Class indices follow the order of the argument `labels`; the task's labels are sorted.
        ordered = task is not None or labels is not None
        as_tested = partial(as_model, ordered=ordered, task=chosen)
        shift = _for_task(shift, chosen)
        metric = chosen.headline if metric is None else metric
        metrics = metric_names(chosen, shift.kind)
        if metric not in metrics or metric_class(metric).NEEDS_REFERENCE:
            raise ConfigurationError(unknown_name("metric", metric, metrics))
        surrogates = {}
        if isinstance(shift, TransferShift):
            if any(model is surrogate for model in models):
                raise ConfigurationError(
                    "made_against: a model gets all adversarial examples that are made against it "
                    "wrong, which says nothing about it; name another model"
                )
            attacked = _surrogate(surrogate, classes, models, as_tested)
            shift = replace(shift, surrogate=attacked.name)
            surrogates[attacked.name] = attacked
        suite = Suite(
            name=dataset.name,
            task=chosen,
            in_distribution=dataset,
            shifts=(shift,),
            budgets={shift.name: {metric: budget}},
        )
        evaluator = SuiteEvaluator(
            suite,
            engine=self.engine,
            reader=self.reader,
            seed=self.seed,
            rules=self.rules,
            max_examples=self.max_examples,
            surrogates=surrogates,
        )
        tested = [as_tested(model, classes) for model in models]
        # Two functions or estimators may have one name. A model that as_model has wrapped can be
        # renamed; the user's own model object keeps its name.
        if len(tested) > 1 and tested[0].name == tested[1].name and tested[1] is not models[1]:
            name = f"{tested[1].name}-baseline"
            tested[1] = as_tested(models[1], classes, name)
        names = [*(model.name for model in tested), *surrogates]
        if len(set(names)) < len(names):
            raise ConfigurationError(
                f"two of the models are called {max(names, key=names.count)!r}; give them "
                "different names"
            )
        for model in tested:
            evaluator.check_leaks(model, suite.shifts)
        return evaluator, tested

    def _note(self, note: str) -> None:
        if note and self.on_note is not None:
            self.on_note(note)

    def _settle(self, result: Floor | Evaluation | Comparison, notes: Iterable[str] = ()) -> None:
        __tracebackhide__ = True
        for note in notes:
            self._note(note)
        if result.verdict in ("pass", "measured"):
            return
        text = explain(result, self.rules)
        if result.verdict == "inconclusive" and self.on_inconclusive is not None:
            self.on_inconclusive(text)
            return
        raise BudgetExceededError(text)


def _only_check(suite: Suite) -> tuple[Shift, str]:
    """Return the one shift of an assertion's suite, and the one metric with a budget."""
    (shift,) = suite.shifts
    (metric,) = suite.budgets[shift.name]
    return shift, metric


def _classification(
    data: Data, shift: Shift, labels: Iterable[str] | None, note: Callable[[str], None]
) -> tuple[Dataset, Task, tuple[str, ...]]:
    """Return data, the task of its labels, and the labels in the order that was given.

    Args:
        data: The data.
        shift: The shift, whose own data may have further labels.
        labels: The possible answers; None for those of the data.
        note: Called with a note on labels that only the other domain has.
    """
    dataset, allowed = as_dataset(data), _labels(labels)
    label_set = set(dataset.labels if allowed is None else allowed)
    if isinstance(shift, DomainShift) and isinstance(shift.source, Dataset) and allowed is None:
        note(_check_target(dataset, shift, shift.source))
        label_set |= set(shift.source.labels)
    if allowed is None:
        _check_labels_of_data(dataset.name, label_set)
    task = Classification(tuple(sorted(label_set)))
    return dataset, task, allowed or task.labels


def _data_of_task(data: Data, task: Task, labels: Iterable[str] | None) -> Dataset:
    """Return data as a data set whose right answers are in the form of the task.

    Raises:
        ConfigurationError: labels, which the task has itself.
        DataError: an answer is invalid.
    """
    if labels is not None:
        raise ConfigurationError(f"labels: the task {task.name} says which there are; leave it out")
    if isinstance(data, Dataset):
        dataset = Dataset(data.name, tuple(_in_form(example, task) for example in data))
    else:
        examples = [
            item if isinstance(item, Example) else _example(item, f"data, row {n + 1} (index {n})")
            for n, item in enumerate(items_of(data, "data"))
        ]
        ids = content_ids((e.inputs, repr(e.label)) for e in examples)
        named = (replace(e, id=e.id or name) for e, name in zip(examples, ids, strict=True))
        dataset = Dataset("data", tuple(_in_form(example, task) for example in named))
    check_labels(dataset, task.truths)
    return dataset


def _example(item: Any, where: str) -> Example:
    """Return an example without an id, whose right answer is as it was given."""
    inputs, answer = values_of(item, where)
    return Example("", inputs, answer)


def _in_form(example: Example, task: Task) -> Example:
    """Return an example whose right answers are in the form of the task.

    Raises:
        DataError: names the example.
    """
    where = f"example {example.id!r}"
    task = task.in_language(example.language)
    try:
        text = task.encode(example.label, example.inputs)
        if text is not None:
            return replace(example, label=text)
        # A question may have several right answers.
        several = isinstance(example.label, list | tuple) and example.label
        answers = list(example.label) if several else [example.label, *example.references]
        first, *others = dict.fromkeys(task.reference(label_from(a, where)) for a in answers)
    except DataError as error:
        message = str(error)
        raise DataError(message if where in message else f"{where}: {message}") from None
    return replace(example, label=first, references=tuple(others))


def _check_target(dataset: Dataset, shift: DomainShift, target: Dataset) -> str:
    """Refuse data of another domain that shares no label; return a note of labels that are new.

    Raises:
        DataError: no label is shared; the message has the labels of both sides.
    """
    expected = {shift.merge.get(label, label) for label in dataset.labels}
    new = [label for label in target.labels if label not in expected]
    check_spelling({*expected, *new}, f"{dataset.name} and {target.name}")
    if len(new) == len(target.labels):
        raise DataError(
            f"{target.name}: none of its labels ({_listed(new)}) is one of those in "
            f"distribution ({_listed(sorted(expected))}); write them alike, or name all "
            "possible labels: labels=[...]"
        )
    if not new:
        return ""
    return (
        f"{target.name}: {_listed(new)} {'is a label' if len(new) == 1 else 'are labels'} "
        f"there but not in distribution ({_listed(sorted(expected))})"
    )


def _classes(model: Any) -> tuple[str, ...]:
    """Return the classes of an estimator; () for other models."""
    return tuple(label_among(value, ()) for value in getattr(model, "classes_", ()))


def _labels_of_model(model: Any) -> tuple[str, ...]:
    """Return the attribute `labels` of a model, if it is a list of strings; otherwise ()."""
    labels = getattr(model, "labels", ())
    is_list = isinstance(labels, list | tuple) and all(isinstance(label, str) for label in labels)
    return tuple(label.removeprefix(PREFIX) for label in labels) if is_list else ()


def _labels(labels: Iterable[Any] | None) -> tuple[str, ...] | None:
    """Return the argument `labels` of an assertion as strings, in order; None without it.

    Raises:
        DataError: it is not a list of labels, or it is empty.
    """
    if labels is None:
        return None
    expected = "give a list of the possible answers, such as ['negative', 'positive']"
    items = enumerate(items_of(labels, "labels", expected))
    strings = tuple(label_from(label, f"labels, index {index}") for index, label in items)
    if not strings:
        raise DataError(f"labels is empty; {expected}, or leave it out")
    return strings


def _check_labels_of_data(name: str, labels: Collection[str]) -> None:
    """Refuse labels of data that cannot be all the labels of a classification.

    Raises:
        DataError: there is only one, or two differ only in white space or case.
    """
    check_spelling(labels, name)
    if len(labels) == 1:
        (label,) = labels
        location = "" if name == "data" else f"{name}: "
        raise DataError(
            f"{location}the data has one label ({shown(label)}); a classification needs two: give "
            "labels=[...]"
        )


def _listed(labels: Sequence[str]) -> str:
    """Return labels as messages list them, at most MAX_LISTED."""
    listed = ", ".join(map(shown, labels[:MAX_LISTED]))
    return f"{listed}, ..." if len(labels) > MAX_LISTED else listed


def _groups(
    name: str, kind: str, groups: Iterable[Iterable[Any]], expected: str
) -> Iterator[tuple[str, Iterable[Any]]]:
    """Yield (location in messages, items) for each group of items."""
    for index, items in enumerate(items_of(groups, name, f"give a list of them; {expected}")):
        location = f"{name}, {kind} {index + 1} (index {index})"
        yield location, items_of(items, location, expected)


def _for_task(shift: Shift, task: Task) -> Shift:
    """Return the shift as a suite of the task has it where its table says nothing else.

    Noise gets the perturbation's own table of new labels, and leaves alone what decides an answer;
    so does an attack, which lowers the score of a task without labels.
    """
    if isinstance(shift, NoiseShift):
        change = shift.perturbation
        if isinstance(change, Generator | Composite) and task.protects:
            shift = replace(shift, perturbation=_keeping(change, task.protects))
        contract = change.contract
        if shift.relabel or not isinstance(contract, Changing):
            return shift
        table = {label: contract.relabel(label, task.labels) for label in task.labels}
        return replace(shift, relabel=table)
    if isinstance(shift, AdversarialShift | TransferShift) and isinstance(shift.attack, Recipe):
        attack = shift.attack.keeping(parse_protection(task.protects, ()))
        if not task.labels and attack.grader is None:
            attack = attack.graded_by(ScoreGrader(task))
        return replace(shift, attack=attack)
    return shift


def _keeping(change: Generator | Composite, kinds: Sequence[str]) -> Generator | Composite:
    """Return a perturbation that leaves kinds of spans alone, unless it protects others."""
    parts = change.parts if isinstance(change, Composite) else (change,)
    protected = any(part.protection is not None for part in parts)
    return change if protected else change.keeping_unless_rewritten(kinds)


def _surrogate(
    value: Any, labels: tuple[str, ...], others: Sequence[Any], as_tested: Callable[..., Any]
) -> Model:
    """Return the model to attack, under a name that differs from those of the tested models."""
    model: Model | RecordedModel | SeededModel = as_tested(value, labels)
    if model is not value and model.name in {as_model(other, labels).name for other in others}:
        model = as_tested(value, labels, f"{model.name}-surrogate")
    if isinstance(model, SeededModel) or is_recorded(model):
        raise ConfigurationError(
            f"made_against: {model.name!r} is {type(model).__name__}, which cannot be attacked"
        )
    return model


def _query_budget(value: Any) -> int:
    """Return the most queries for one example.

    Raises:
        ConfigurationError: it is not a whole number.
    """
    count = plain(value)
    if count is None:
        return DEFAULT_QUERY_BUDGET
    if isinstance(count, bool) or not isinstance(count, int):
        raise ConfigurationError(
            f"query_budget = {shown(value)} is not a whole number; give 3 or more, or leave it out "
            f"for {DEFAULT_QUERY_BUDGET}"
        )
    return count


def _shift(value: ShiftLike, query_budget: int | None, surrogate: Any, language: str) -> Shift:
    """Return the shift that the arguments of an assertion describe.

    Raises:
        ConfigurationError: they describe none.
    """
    if isinstance(value, type):
        # A class has the attributes of its instances, and would pass for an attack or a
        # perturbation below; `as_perturbation` refuses it with advice.
        as_perturbation(value)
    attack = attacks().get(value) if isinstance(value, str) else value
    if is_attack(attack):
        attack = attack_in_language(attack, language or ENGLISH.code)
        budget = QueryBudget(_query_budget(query_budget))
        if surrogate is None:
            return AdversarialShift(attack.name, attack, budget)
        # The surrogate's name follows in `_evaluator`: building a model needs the task's labels.
        return TransferShift(attack.name, attack, budget, surrogate="")
    if query_budget is not None or surrogate is not None:
        raise ConfigurationError(
            f"{shown(value)} is no attack: query_budget and made_against go with an attack or its "
            "name only"
        )
    if isinstance(value, TransferShift):
        raise ConfigurationError("give the attack itself, and the surrogate as made_against")
    if isinstance(value, DomainShift | NoiseShift | AdversarialShift | PromptShift):
        return value
    if isinstance(value, Dataset):
        return DomainShift(value.name, value)
    if isinstance(value, list | tuple):
        raise ConfigurationError(
            f"{shown(value)} is no shift: data of another domain needs a name for its results: "
            'Dataset.from_pairs("NAME", pairs)'
        )
    perturbation = in_language(as_perturbation(value, others=attacks()), language)
    return NoiseShift(perturbation.name, perturbation)
