"""The protocols of models under test, and the context in which adapters build them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeGuard

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import TypeIs

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.tasks import Prediction, Task
    from pytest_ood.utils.progress import Progress

Paradigm = Literal["prompted", "fine-tuned", "other"]
PARADIGMS: tuple[Paradigm, ...] = ("prompted", "fine-tuned", "other")


def paradigm_of(model: str, name: str) -> Paradigm:
    """Return the paradigm with a name.

    Args:
        model: The model's name, for the message.
        name: The name of the paradigm.

    Raises:
        ConfigurationError: there is no such paradigm.
    """
    for paradigm in PARADIGMS:
        if name == paradigm:
            return paradigm
    raise ConfigurationError(f"model {model!r}: " + unknown_name("paradigm", name, PARADIGMS))


class ModelUnderTest(Protocol):
    """The description that every model has.

    Attributes:
        name: The name in reports; unique in a run.
        paradigm: "prompted", "fine-tuned", or "other" if it is neither or unknown.
        source: The origin, in words: checkpoint, training data, pre-trained or not.
        parameters: Further settings that decide its answers.
    """

    @property
    def name(self) -> str:
        """The name in reports."""
        ...

    @property
    def paradigm(self) -> Paradigm:
        """How the model was made to solve the task."""
        ...

    @property
    def source(self) -> str:
        """Where the model is from."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters that reports show."""
        ...


class Model(ModelUnderTest, Protocol):
    """A model that can be queried."""

    @property
    def fingerprint(self) -> str | None:
        """A string that changes when answers may change.

        None if changes cannot be detected: then no answers are kept between runs. Reading it may
        train a model that does not exist yet, but loads no weights.
        """
        ...

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input, in order; an answer must not depend on the other inputs."""
        ...


class Promptable(Model, Protocol):
    """A model that is instructed by a prompt."""

    @property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        ...

    def with_prompt(self, prompt: Prompt) -> Model:
        """Return the model under another prompt; it shares the loaded weights."""
        ...


class Streaming(Model, Protocol):
    """A model that returns answers one by one, such as a server with many concurrent calls."""

    def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
        """Yield (index in `inputs`, answer) in the order in which answers come, each index once.

        Answers that were yielded are stored even if a later one fails. Closing the generator
        cancels the calls under way.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The resources that queries of a model have taken, or are expected to take.

    Attributes:
        requests: Calls to a server; 0 for a local model.
        prompt_tokens: Tokens of prompts.
        completion_tokens: Tokens of answers.
        cost: The cost in `currency`; None without prices.
        currency: The currency of the cost.
        operations: Floating-point operations of a local model; 0 if its size is unknown.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    currency: str = "USD"
    operations: float = 0.0

    def times(self, factor: float) -> Usage:
        """Return the usage multiplied by a factor."""
        return Usage(
            requests=round(self.requests * factor),
            prompt_tokens=round(self.prompt_tokens * factor),
            completion_tokens=round(self.completion_tokens * factor),
            cost=None if self.cost is None else self.cost * factor,
            currency=self.currency,
            operations=self.operations * factor,
        )

    def __add__(self, other: Usage) -> Usage:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            requests=self.requests + other.requests,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cost=sum(costs) if costs else None,
            currency=self.currency if self.cost is not None else other.currency,
            operations=self.operations + other.operations,
        )


class Metered(Model, Protocol):
    """A model that counts its usage."""

    @property
    def used(self) -> Usage:
        """The usage by this process so far."""
        ...


class Estimable(Model, Protocol):
    """A model that can estimate the usage for inputs without answering them."""

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return an upper bound of the usage for these inputs; loads no weights."""
        ...


class Normalizing(Model, Protocol):
    """A model that cannot distinguish some inputs, such as an uncased encoder."""

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return each input as the model sees it, or a hash of that; loads no weights.

        Inputs that are equal in this form get the same answer, and are queried once.
        """
        ...


class Trained(Model, Protocol):
    """A model whose training data is known."""

    @property
    def training_examples(self) -> Iterable[Example]:
        """The training examples; empty if the model was not trained here."""
        ...


class Cutting(Model, Protocol):
    """A model that truncates long inputs, such as an encoder."""

    @property
    def max_length(self) -> int:
        """The number of tokens to which inputs are truncated, unless the window is smaller."""
        ...

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return how many of these inputs are truncated; loads no weights."""
        ...


class Noting(Model, Protocol):
    """A model with remarks for reports, such as that a prompt was changed."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that reports show beside the model's figures; read after it was queried."""
        ...


class RecordedModel(ModelUnderTest, Protocol):
    """A model whose answers were recorded; it cannot answer other inputs."""

    def recall(self, shift: str, ids: Sequence[str]) -> list[Prediction]:
        """Return the answers to examples under a shift ("in-distribution" for none).

        Raises:
            ModelError: an answer is missing.
        """
        ...


class Batched(Model, Protocol):
    """A model that computes many inputs batch by batch, and gives each batch when it is done."""

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield (indices in `inputs`, predictions) of one batch after another, each index once.

        Batches follow from the inputs alone, so that the same inputs get the same predictions.
        """
        ...


def is_model(value: Any) -> TypeGuard[Model | RecordedModel]:
    """Return whether a value has the attributes of a model, without reading any."""
    # The protocols are not `runtime_checkable`: before Python 3.12 `isinstance` reads the
    # properties, in an order that depends on the hash seed, and reading the source or the
    # fingerprint of a model may download or train it.
    return _has(value, "name", "paradigm", "source", "parameters") and (
        _has(value, "fingerprint", "predict") or _has(value, "recall")
    )


def is_recorded(value: Any) -> TypeIs[RecordedModel]:
    """Return whether a model's answers were recorded, without reading its attributes."""
    return is_model(value) and _has(value, "recall")


def _has(value: Any, *names: str) -> bool:
    """Return whether a value has all these attributes, without reading any of them."""
    missing = object()
    return all(inspect.getattr_static(value, name, missing) is not missing for name in names)


def is_streaming(model: Model) -> TypeGuard[Streaming]:
    """Return whether a model streams its answers, without reading its attributes."""
    return inspect.getattr_static(model, "stream", None) is not None


def is_batched(model: Model) -> TypeGuard[Batched]:
    """Return whether a model gives its predictions in batches, without reading its attributes."""
    return inspect.getattr_static(model, "predict_batches", None) is not None


def is_metered(model: Model) -> TypeGuard[Metered]:
    """Return whether a model counts its usage, without reading its attributes."""
    return inspect.getattr_static(model, "used", None) is not None


def is_at_hand(model: Model) -> bool:
    """Return whether a model can be used without a download and without training.

    Models with something to fetch or to train have a property `at_hand`.
    """
    return bool(getattr(model, "at_hand", True))


def pass_tokens(model: ModelUnderTest) -> int:
    """Return the tokens that fill a forward pass of a model; 0 where small batches are as quick.

    Models that run on accelerators have a property `pass_tokens`, which loads no weights: it is 0
    until they are loaded.
    """
    return int(getattr(model, "pass_tokens", 0))


def is_estimable(model: Model) -> TypeGuard[Estimable]:
    """Return whether a model can estimate its usage, without reading its attributes."""
    return inspect.getattr_static(model, "estimate", None) is not None


def is_promptable(model: ModelUnderTest) -> TypeIs[Promptable]:
    """Return whether a model has a prompt, without reading its attributes."""
    return inspect.getattr_static(model, "prompt", None) is not None


def is_trained(model: ModelUnderTest) -> TypeGuard[Trained]:
    """Return whether a model's training data is known, without reading its attributes."""
    return inspect.getattr_static(model, "training_examples", None) is not None


def is_cutting(model: ModelUnderTest) -> TypeGuard[Cutting]:
    """Return whether a model counts truncated inputs, without reading its attributes."""
    return inspect.getattr_static(model, "count_cut", None) is not None


def notes_of(model: ModelUnderTest) -> tuple[str, ...]:
    """Return a model's remarks; none for a model that is not `Noting`."""
    if inspect.getattr_static(model, "notes", None) is None:
        return ()
    notes = getattr(model, "notes", ())
    return notes if isinstance(notes, tuple) else ()


def is_normalizing(model: Model) -> TypeGuard[Normalizing]:
    """Return whether a model normalises inputs, without reading its attributes."""
    return inspect.getattr_static(model, "seen", None) is not None


class Guarded(ModelUnderTest, Protocol):
    """A model whose queries need secrets, such as the API key of a server."""

    @property
    def secrets(self) -> Secrets:
        """The secrets that no output may contain."""
        ...


def secrets_of(model: ModelUnderTest) -> Secrets:
    """Return a model's secrets; none for a model that is not `Guarded`."""
    if inspect.getattr_static(model, "secrets", None) is None:
        return Secrets()
    secrets = getattr(model, "secrets", None)
    return secrets if isinstance(secrets, Secrets) else Secrets()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Properties by which a study orders models; None if unknown.

    They are derived from what the fingerprint covers, and are no part of it.

    Attributes:
        base: The checkpoint, or the estimator that was fitted.
        size: The number of weights.
        training_examples: The number of labelled examples it was fine-tuned or fitted on.
        shots: The number of demonstrations in its prompt.
    """

    base: str | None = None
    size: int | None = None
    training_examples: int | None = None
    shots: int | None = None


class Described(ModelUnderTest, Protocol):
    """A model with the properties by which a study orders models."""

    @property
    def facts(self) -> Facts:
        """The properties; reading them may train a model that does not exist yet."""
        ...


def facts_of(model: ModelUnderTest) -> Facts:
    """Return a model's properties; all None for a model that is not `Described`."""
    facts = getattr(model, "facts", None)
    return facts if isinstance(facts, Facts) else Facts()


@dataclass(frozen=True)
class SeededModel:
    """A model that was trained, or whose demonstrations were drawn, with several seeds.

    Attributes:
        name: The name in reports.
        members: One model for each seed, 2 or more, each with a name of its own.
    """

    name: str
    members: tuple[Model, ...]

    @property
    def paradigm(self) -> Paradigm:
        """The paradigm of the members."""
        return self.members[0].paradigm

    @property
    def source(self) -> str:
        """The source of the first member, and the number of seeds."""
        return f"{self.members[0].source}; {len(self.members)} seeds"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the first member, and the number of seeds."""
        return {**self.members[0].parameters, "seeds": len(self.members)}

    @property
    def facts(self) -> Facts:
        """The properties of the first member."""
        return facts_of(self.members[0])


@dataclass(frozen=True, kw_only=True)
class Context:
    """The environment in which an adapter builds a model.

    Attributes:
        name: The model's name in the configuration.
        task: The task of the suite.
        root: The folder that relative paths start from.
        cache: The folder of trained and converted models.
        offline: Whether downloads are forbidden.
        progress: Shows long steps.
        data: Parses a data source of the configuration (a path, or a table), and returns a function
            that loads it when it is first called.
        shared: Objects that all models of one table of the configuration share, whatever their
            seed, suite or training data, such as the account with their common cost limit.
            Adapters add them.
        held: Objects that all models of a run share, such as weights under several prompts.
            Adapters add them, under keys that identify the object.
    """

    name: str
    task: Task
    root: Path
    cache: Path
    offline: bool
    progress: Progress
    data: Callable[[Any], Callable[[], Dataset]]
    shared: dict[str, Any] = field(default_factory=dict)
    held: ProcessLocalDict = field(default_factory=ProcessLocalDict, repr=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the task, in order; empty if any text may be an answer."""
        return self.task.labels


def check_same_labels(context: Context, kind: str) -> None:
    """Refuse a task whose inputs each have options of their own.

    Args:
        context: The adapter's context.
        kind: What predicts labels, for the message.

    Raises:
        ConfigurationError: labels vary.
    """
    if context.task.labels_vary:
        raise ConfigurationError(
            f"model {context.name!r}: {kind} predicts labels that mean the same for all inputs, "
            f"and in the task {context.task.name} each input has its own options, of which letters "
            "say nothing; take a model that reads the options (finetuned, prompted, "
            "callable, replay)"
        )
