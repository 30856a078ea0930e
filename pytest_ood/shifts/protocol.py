"""The protocol of kinds of shift: every kind is a subclass of `Shift` in this folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.budgets import MIN_CHANGED
from pytest_ood.languages import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.engine import Engine
    from pytest_ood.loading.checklist import Checklist
    from pytest_ood.loading.readers import DataSource
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.shifts.texts import GeneratedTexts, Shifted
    from pytest_ood.tasks import Task
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel
    from pytest_ood.trials.trial import ExtendableTrial, Trial

DOMAIN, NOISE, ADVERSARIAL = "domain", "noise", "adversarial"
DEFAULT_PROTECTION = ("urls", "code")
"""The default protection of noise and attacks: text that a change would break, not misspell."""

DEFAULT_QUERY_BUDGET = 50
"""The default query budget of one example."""

RAISE_SEVERITY = "Raise its severity, or drop the shift"


@dataclass(frozen=True)
class Declaration:
    """The table of a shift in a suite file, without its budgets.

    Attributes:
        name: The name of the shift.
        table: The keys and values of the table.
        where: The prefix of error messages.
        task: The task of the suite.
        source: The data source in distribution.
    """

    name: str
    table: Mapping[str, Any]
    where: str
    task: Task
    source: DataSource


def language_of(source: DataSource) -> str:
    """Return the language of data, a tag of BCP 47: English unless said; "" where rows have theirs.

    Args:
        source: The data in distribution.
    """
    unsaid = "" if source.language_column else ENGLISH.code
    return source.language or unsaid


class SuiteExamples(Protocol):
    """The data sets of a suite, as shifts see them."""

    @property
    def where(self) -> str:
        """The name of the suite, for messages."""
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


class Experiment(SuiteExamples, Protocol):
    """The parts of a suite that its shifts may use."""

    @property
    def task(self) -> Task:
        """The task of the suite."""
        ...

    @property
    def seed(self) -> int:
        """The seed of samples and perturbations."""
        ...

    @property
    def shifts(self) -> Sequence[Shift]:
        """All shifts of the suite."""
        ...

    @property
    def engine(self) -> Engine:
        """Runs models, and has the store of texts."""
        ...

    def perturbed(self, shift: Shift) -> Shifted:
        """Return the examples under a shift whose texts are the same for all models.

        Raises:
            OodError: a perturbation lacks what it needs.
        """
        ...

    def predictor(self, model: SingleModel) -> Predictor:
        """Return the predictor of a model for the suite."""
        ...

    def originals(self, model: SingleModel) -> AnswerSet:
        """Return the answers of a model in distribution."""
        ...

    def surrogate(self, name: str) -> Model:
        """Return the model of this name that adversarial examples are made against."""
        ...


class Shift(ABC):
    """A change of a model's inputs.

    Kinds of shift are frozen dataclasses with the fields `name` and `kind`. This class has the
    defaults that fit most kinds; a kind overrides those that do not fit.
    """

    if TYPE_CHECKING:
        # At run time a dataclass would take the property as the default value of the field.

        @property
        def name(self) -> str:
            """The name in reports."""

        @property
        def kind(self) -> str:
            """The table of a suite file that declares such shifts."""

    def check_languages(self, languages: Iterable[str]) -> None:  # noqa: B027 - most fit any
        """Check that the shift fits the languages of the examples in distribution.

        Args:
            languages: Tags of BCP 47; "" for the language of the suite.

        Raises:
            ConfigurationError: it does not fit one of them.
        """

    @property
    def has_own_examples(self) -> bool:
        """Whether the shift has a data source of its own."""
        return self.own_source is not None

    @property
    def own_source(self) -> DataSource | Dataset | Checklist | None:
        """The data source of the shift's own examples."""
        return None

    @property
    def is_paired(self) -> bool:
        """Whether the examples are those in distribution, in another form."""
        return True

    @property
    def shares_texts(self) -> bool:
        """Whether the changed texts are the same for all models, and so can be frozen."""
        return False

    @property
    def summary(self) -> str | None:
        """What changes the examples, in lists of shifts; None for other examples."""
        return None

    @property
    def texts_fingerprint(self) -> str:
        """Identifies the texts, apart from the seed, where they are the same for all models."""
        return ""

    @property
    def has_same_inputs(self) -> bool:
        """Whether all models get the same inputs."""
        return self.has_own_examples or self.shares_texts

    @property
    def counts_cases(self) -> bool:
        """Whether several inputs are scored as one case; only the mean score is measured then."""
        return False

    @property
    def keeps_answers(self) -> bool:
        """Whether a success keeps the right answer where no answer should be possible.

        Only metrics of scores can measure that, since answers stay the same.
        """
        return False

    @property
    def is_largest(self) -> bool:
        """Whether its drop is the largest of those of its parts, and it has no trial of its own."""
        return False

    @property
    def min_changed(self) -> int:
        """The least number of changed examples for a valid verdict."""
        return MIN_CHANGED

    @property
    def surrogate_name(self) -> str:
        """The name of the surrogate that the texts are made against; empty for none."""
        return ""

    @property
    def level(self) -> tuple[str, int | None]:
        """(family, severity): the name that severities of one perturbation share, if any."""
        return "", None

    @property
    def coarser_labels(self) -> Mapping[str, str]:
        """The coarser label of each label that the examples do not tell apart."""
        return {}

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The fields of inputs that the table names."""
        return ()

    @property
    def training_data(self) -> DataSource | None:
        """The shift's own training data, if there is any."""
        return None

    def horizon(self, data: SuiteExamples) -> int:
        """Return the most examples in distribution that a check can use.

        Raises:
            OodError: the data cannot be read.
        """
        return len(data.examples)

    @abstractmethod
    def trial(self, experiment: Experiment, model: SingleModel) -> ExtendableTrial:
        """Return a model's trial under the shift; the model is run when the trial is extended."""

    def parts(self, shifts: Iterable[Shift]) -> Sequence[Shift]:
        """Return the shifts whose texts are the inputs under this one.

        Args:
            shifts: All shifts of the suite.
        """
        del shifts
        return (self,)

    def relabelled(self, example: Example, inputs: Inputs) -> Example:
        """Return the example with the label that fits its changed inputs."""
        del inputs
        return example

    def generate_texts(self, experiment: Experiment) -> GeneratedTexts:
        """Return the texts of all examples; only for shifts with `shares_texts`.

        Raises:
            OodError: a perturbation or an attack lacks what it needs.
        """
        raise NotImplementedError(f"{self.name} shares no texts: {experiment.where}")

    @property
    def needs_no_model(self) -> bool:
        """Whether the texts are computed without a language model."""
        return False

    def attack_of(self, trial: Trial, on_surrogate: Trial | None) -> Trial | None:
        """Return the trial whose attack statistics a report shows; None without an attack.

        Args:
            trial: The trial of the model under test.
            on_surrogate: The trial of the surrogate, or None.
        """
        del trial, on_surrogate
        return None

    def reason_not_applicable(self, model: Model | RecordedModel) -> str | None:
        """Return why the shift does not apply to a model; None where it does."""
        del model
        return None

    def max_unknown_inputs(self, horizon: int) -> int:
        """Return the most inputs that are only known while a model is run."""
        return horizon

    def most_queries(self, horizon: int) -> int:
        """Return the most inputs that the surrogate is run on."""
        del horizon
        return 0

    @property
    def max_queries_each(self) -> int:
        """The query budget of one example; 0 without an attack."""
        return 0

    def advice(self, examples: Sequence[Example]) -> str:
        """Return advice for users whose examples the shift leaves unchanged."""
        del examples
        return RAISE_SEVERITY

    def measures_of_cases(self, trials: Sequence[Trial]) -> tuple[tuple[str, float], ...]:
        """Return (name, value) of further measures of cases under the shift."""
        del trials
        return ()
