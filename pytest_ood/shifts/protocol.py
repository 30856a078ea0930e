"""What a kind of shift says about itself: every kind is a subclass of `Shift` in this folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.budgets import MIN_CHANGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ood.checklist import Checklist
    from pytest_ood.engine import Engine
    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.readers import DataSource
    from pytest_ood.shifts.texts import Shifted, Written
    from pytest_ood.tasks import Task
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel
    from pytest_ood.trials.trial import ExtendableTrial, Trial

DOMAIN, NOISE, ADVERSARIAL = "domain", "noise", "adversarial"
DEFAULT_PROTECTION = ("urls", "code")
"""What noise and attacks leave alone unless a suite says otherwise: what is broken rather than
misspelt."""

DEFAULT_QUERY_BUDGET = 50
"""The most queries for one example, unless a suite says otherwise."""

RAISE_SEVERITY = "Raise its severity, or drop the shift"


@dataclass(frozen=True)
class Declaration:
    """The table of a shift in a suite file, without its budgets.

    Attributes:
        name: Of the shift.
        table: Its keys.
        where: What messages begin with.
        task: What is asked.
        source: The data in distribution.
    """

    name: str
    table: Mapping[str, Any]
    where: str
    task: Task
    source: DataSource


class DrawnData(Protocol):
    """The examples of a suite."""

    @property
    def where(self) -> str:
        """The name of the suite, which messages begin with."""
        ...

    @property
    def examples(self) -> Sequence[Example]:
        """The examples in distribution."""
        ...

    def target(self, shift: Shift) -> Dataset:
        """Return the examples, or cases, of a shift that has its own.

        Raises:
            OodError: the data cannot be read.
        """
        ...


class Experiment(DrawnData, Protocol):
    """What a shift may use of the suite that it is in."""

    @property
    def seed(self) -> int:
        """Of samples and perturbations."""
        ...

    @property
    def shifts(self) -> Sequence[Shift]:
        """All shifts of the suite."""
        ...

    @property
    def engine(self) -> Engine:
        """Asks models, and keeps texts."""
        ...

    def perturbed(self, shift: Shift) -> Shifted:
        """Return the examples as they are under a shift whose texts are the same for all models.

        Raises:
            OodError: a perturbation lacks what it needs.
        """
        ...

    def predictor(self, model: SingleModel) -> Predictor:
        """Return what asks a model in the name of the suite."""
        ...

    def originals(self, model: SingleModel) -> AnswerSet:
        """Return the answers of a model in distribution."""
        ...

    def surrogate(self, name: str) -> Model:
        """Return a model that adversarial examples are made against."""
        ...


class Shift(ABC):
    """A change of what a model is asked.

    The kinds are frozen dataclasses with the fields `name` and `kind`. What is so for most kinds
    stands here; a kind overrides what is otherwise.
    """

    if TYPE_CHECKING:
        # Dataclasses would take a property for the default of the field of its name.

        @property
        def name(self) -> str:
            """In reports."""

        @property
        def kind(self) -> str:
            """The table of a suite file that it is declared in."""

    @property
    def has_own_examples(self) -> bool:
        """Whether its examples come from data of its own."""
        return self.own_source is not None

    @property
    def own_source(self) -> DataSource | Dataset | Checklist | None:
        """Where its own examples come from."""
        return None

    @property
    def is_paired(self) -> bool:
        """Whether its examples are those in distribution, in another form."""
        return True

    @property
    def shares_texts(self) -> bool:
        """Whether its texts are changed ones, the same for all models: they can be frozen."""
        return False

    @property
    def summary(self) -> str | None:
        """What changes the examples, for a list of shifts; None for other examples."""
        return None

    @property
    def made_by(self) -> str:
        """What decides the texts besides the seed, where they are the same for all models."""
        return ""

    @property
    def has_same_examples(self) -> bool:
        """Whether all models are asked the same under it."""
        return self.has_own_examples or self.shares_texts

    @property
    def counts_cases(self) -> bool:
        """Whether several inputs are one unit of what is counted; only means of scores see it."""
        return False

    @property
    def keeps_answers(self) -> bool:
        """Whether a success under it is the right answer, where there ought to be none.

        Only means of scores see it then: every other metric goes by the answers.
        """
        return False

    @property
    def min_changed(self) -> int:
        """Examples that it has to change for a verdict to rest on it."""
        return MIN_CHANGED

    @property
    def made_against(self) -> str:
        """The name of the model that its texts are made against; empty for none."""
        return ""

    @property
    def level(self) -> tuple[str, int | None]:
        """The name that several severities of one perturbation share, and its severity."""
        return "", None

    @property
    def coarser_labels(self) -> Mapping[str, str]:
        """The coarser label for each label that its examples do not tell apart."""
        return {}

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The fields of inputs that it names."""
        return ()

    @property
    def training_data(self) -> DataSource | None:
        """Training data of its own."""
        return None

    def horizon(self, data: DrawnData) -> int:
        """Return how many examples in distribution a check can use at most.

        Raises:
            OodError: the data cannot be read.
        """
        return len(data.examples)

    @abstractmethod
    def trial(self, experiment: Experiment, model: SingleModel) -> ExtendableTrial:
        """Return a model's trial under the shift; it asks when it is extended."""

    def parts(self, shifts: Iterable[Shift]) -> Sequence[Shift]:
        """Return the shifts whose texts a model is asked under this one.

        Args:
            shifts: All shifts of the suite.
        """
        del shifts
        return (self,)

    def relabelled(self, example: Example, inputs: Inputs) -> Example:
        """Return an example with the label that it has once its inputs are these."""
        del inputs
        return example

    def write_texts(self, experiment: Experiment) -> Written:
        """Return all examples as they are under the shift; only where it shares its texts.

        Raises:
            OodError: a perturbation or an attack lacks what it needs.
        """
        raise NotImplementedError(f"{self.name} shares no texts: {experiment.where}")

    @property
    def is_made_by_rules(self) -> bool:
        """Whether its texts are at hand without asking a model."""
        return False

    def attack_of(self, trial: Trial, on_surrogate: Trial | None) -> Trial | None:
        """Return the trial with the attack whose figures a report shows; None for no attack.

        Args:
            trial: Of the model under test.
            on_surrogate: Of the model that the texts were made against.
        """
        del trial, on_surrogate
        return None

    def cannot_have(self, model: Model | RecordedModel) -> str | None:
        """Return why a model has no figure under the shift, by what both are; None where it has."""
        del model
        return None

    def most_unseen(self, horizon: int) -> int:
        """Return how many inputs, at most, are only known while a model is asked."""
        return horizon

    def most_queries(self, horizon: int) -> int:
        """Return how many inputs, at most, the model is asked that its texts are made against."""
        del horizon
        return 0

    @property
    def queries_each(self) -> int:
        """The most queries for one example, of an attack."""
        return 0

    def advice(self, examples: Sequence[Example]) -> str:
        """Return what to do where the shift changes none of some examples."""
        del examples
        return RAISE_SEVERITY

    def measures_of_cases(self, trials: Sequence[Trial]) -> tuple[tuple[str, float], ...]:
        """Return what is shown beside the score of cases, under the shift."""
        del trials
        return ()
