"""What a model under test is, and what an adapter gets to build one."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeGuard, runtime_checkable

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.objects import ProcessLocalDict
from pytest_ood.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.progress import Progress
    from pytest_ood.prompting import Prompt
    from pytest_ood.tasks import Prediction, Task

Paradigm = Literal["prompted", "fine-tuned", "other"]
PARADIGMS: tuple[Paradigm, ...] = ("prompted", "fine-tuned", "other")


def paradigm_of(model: str, name: str) -> Paradigm:
    """Return the paradigm of this name.

    Raises:
        ConfigurationError: there is none.
    """
    for paradigm in PARADIGMS:
        if name == paradigm:
            return paradigm
    raise ConfigurationError(f"model {model!r}: " + unknown_name("paradigm", name, PARADIGMS))


class ModelUnderTest(Protocol):
    """What every model tells about itself.

    Attributes:
        name: As it stands in reports; unique in a run.
        paradigm: Prompted, fine-tuned, or other where nobody says.
        source: What ran, in words: checkpoint, training data, pre-trained or not.
        parameters: What else decides its answers.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def paradigm(self) -> Paradigm: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def parameters(self) -> Mapping[str, Any]: ...  # noqa: D102


@runtime_checkable
class Model(ModelUnderTest, Protocol):
    """A model that can be asked."""

    @property
    def fingerprint(self) -> str | None:
        """Changes when answers may change; None where nobody can tell, so nothing is kept.

        Getting it may train a model that is not there yet, but loads none.
        """
        ...

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input, in order. The answer to one does not depend on the others."""
        ...


@runtime_checkable
class Promptable(Model, Protocol):
    """A model that is told by a prompt what to do."""

    @property
    def prompt(self) -> Prompt:
        """Template, label words and demonstrations."""
        ...

    def with_prompt(self, prompt: Prompt) -> Model:
        """Return the model under another prompt; what is loaded already is not loaded again."""
        ...


class Streaming(Model, Protocol):
    """A model whose answers come in one by one, such as a server that is asked many at once."""

    def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
        """Yield (place in `inputs`, answer) in whatever order answers come, each place once.

        What was yielded is kept, whatever becomes of the rest. Closing the iterator gives up what
        is still under way.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What asking a model has taken, or would take.

    Attributes:
        requests: Calls to a server; 0 for a local model.
        prompt_tokens: Tokens of prompts.
        completion_tokens: Tokens of answers.
        cost: In `currency`; None where no price is known.
        currency: Of the cost.
        operations: Floating-point operations, of a local model whose size is known.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    currency: str = "USD"
    operations: float = 0.0

    def times(self, factor: float) -> Usage:
        """Return what so many times as many inputs would take."""
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
    """A model that counts what it takes."""

    @property
    def used(self) -> Usage:
        """What this process has taken of it so far."""
        ...


class Estimable(Model, Protocol):
    """A model that can tell what inputs would take, without being asked or loading weights."""

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return what asking these inputs would take at most; needs the tokenizer, no weights."""
        ...


class Normalizing(Model, Protocol):
    """A model to which different inputs may look the same, such as an uncased encoder."""

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return what the model gets to see of each input, or a hash of it; loads no weights.

        Inputs of which it sees the same get the same answer, and are asked once.
        """
        ...


class Trained(Model, Protocol):
    """A model that was trained here, on data that is known."""

    @property
    def training_examples(self) -> Iterable[Example]:
        """What it was trained on, or will be; none where somebody else trained it."""
        ...


class Cutting(Model, Protocol):
    """A model that sees long inputs only in part, such as an encoder with a longest length."""

    @property
    def max_length(self) -> int:
        """Tokens that it sees of an input at most, unless its window is even less."""
        ...

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return how many of these inputs it sees only in part; loads no weights."""
        ...


class Noting(Model, Protocol):
    """A model that has something to say of how it was asked, such as a prompt that it changed."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What reports say beside its figures; got once it was asked."""
        ...


@runtime_checkable
class RecordedModel(ModelUnderTest, Protocol):
    """A model whose answers were recorded; it cannot be asked anything new."""

    def recall(self, shift: str, ids: Sequence[str]) -> list[Prediction]:
        """Return the answers to examples under a shift ("in-distribution" for none).

        Raises:
            ModelError: an answer is missing.
        """
        ...


def is_model(value: Any) -> TypeGuard[Model | RecordedModel]:
    """Return whether a value has what a model has, without getting any of it.

    `isinstance` gets every property before Python 3.12, and getting a fingerprint trains.
    """
    attributes = ("name", "paradigm", "source", "parameters")
    missing = object()

    def has(*names: str) -> bool:
        return all(inspect.getattr_static(value, name, missing) is not missing for name in names)

    return has(*attributes) and (has("fingerprint", "predict") or has("recall"))


def is_recorded(value: Any) -> TypeGuard[RecordedModel]:
    """Return whether a model's answers were recorded, getting nothing of it, as `is_model`."""
    missing = object()
    return is_model(value) and inspect.getattr_static(value, "recall", missing) is not missing


def is_streaming(model: Model) -> TypeGuard[Streaming]:
    """Return whether a model's answers come in one by one, getting nothing of it, as `is_model`."""
    return inspect.getattr_static(model, "stream", None) is not None


def is_metered(model: Model) -> TypeGuard[Metered]:
    """Return whether a model counts what it takes, getting nothing of it, as `is_model`."""
    return inspect.getattr_static(model, "used", None) is not None


def is_at_hand(model: Model) -> bool:
    """Return whether getting a model's fingerprint would neither fetch nor train anything.

    A model says so by a property `at_hand`; one without it has nothing to fetch.
    """
    return bool(getattr(model, "at_hand", True))


def is_estimable(model: Model) -> TypeGuard[Estimable]:
    """Return whether a model can say what inputs would take, getting nothing of it."""
    return inspect.getattr_static(model, "estimate", None) is not None


def is_promptable(model: ModelUnderTest) -> TypeGuard[Promptable]:
    """Return whether a model is told by a prompt what to do, getting nothing of it."""
    return inspect.getattr_static(model, "prompt", None) is not None


def is_trained(model: ModelUnderTest) -> TypeGuard[Trained]:
    """Return whether it is known what a model was trained on, getting nothing of it."""
    return inspect.getattr_static(model, "training_examples", None) is not None


def is_cutting(model: ModelUnderTest) -> TypeGuard[Cutting]:
    """Return whether a model sees long inputs only in part, getting nothing of it."""
    return inspect.getattr_static(model, "count_cut", None) is not None


def notes_of(model: ModelUnderTest) -> tuple[str, ...]:
    """Return what a model has to say of how it was asked; nothing of one that is not `Noting`."""
    if inspect.getattr_static(model, "notes", None) is None:
        return ()
    notes = getattr(model, "notes", ())
    return notes if isinstance(notes, tuple) else ()


def is_normalizing(model: Model) -> TypeGuard[Normalizing]:
    """Return whether a model can say what it sees of an input, getting nothing of it."""
    return inspect.getattr_static(model, "seen", None) is not None


class Guarded(ModelUnderTest, Protocol):
    """A model that is asked with secrets, such as the key of a server."""

    @property
    def secrets(self) -> Secrets:
        """What no output may hold."""
        ...


def secrets_of(model: ModelUnderTest) -> Secrets:
    """Return the secrets that a model is asked with; none of one that is not `Guarded`."""
    if inspect.getattr_static(model, "secrets", None) is None:
        return Secrets()
    secrets = getattr(model, "secrets", None)
    return secrets if isinstance(secrets, Secrets) else Secrets()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a study orders models by; None where nobody can tell.

    They decide no answer beside what the fingerprint covers, and are no part of it.

    Attributes:
        base: What it was made of: a checkpoint, or the estimator that was fitted.
        size: Its number of weights.
        training_examples: Labelled examples that it was fine-tuned, or fitted, on.
        shots: Demonstrations in its prompt.
    """

    base: str | None = None
    size: int | None = None
    training_examples: int | None = None
    shots: int | None = None


class Described(ModelUnderTest, Protocol):
    """A model that tells what a study orders models by."""

    @property
    def facts(self) -> Facts:
        """What is known of it; getting it may train a model that is not there yet."""
        ...


def facts_of(model: ModelUnderTest) -> Facts:
    """Return what is known of a model; nothing of one that is not `Described`."""
    facts = getattr(model, "facts", None)
    return facts if isinstance(facts, Facts) else Facts()


@dataclass(frozen=True)
class SeededModel:
    """A model that was trained, or given demonstrations, several times with different seeds.

    Attributes:
        name: As it stands in reports.
        members: One for each seed, 2 or more, each with a name of its own.
    """

    name: str
    members: tuple[Model, ...]

    @property
    def paradigm(self) -> Paradigm:
        """That of its members."""
        return self.members[0].paradigm

    @property
    def source(self) -> str:
        """What its first member says, and how many there are."""
        return f"{self.members[0].source}; {len(self.members)} seeds"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Those of its first member, and how many seeds there are."""
        return {**self.members[0].parameters, "seeds": len(self.members)}

    @property
    def facts(self) -> Facts:
        """Those of its first member."""
        return facts_of(self.members[0])


@dataclass(frozen=True, kw_only=True)
class Context:
    """What an adapter may use to build a model.

    Attributes:
        name: The model's name in the configuration.
        task: What is asked of it.
        root: What relative paths start from.
        cache: Where trained and converted models are kept.
        offline: Fetch nothing.
        progress: Told about long steps.
        data: Reads a data source out of a configuration (a path, or a table) at once, and returns
            a function that loads it, once, when it is first needed.
        shared: What all models of one table of the configuration share, whatever their seed, suite
            or training data, such as what they may cost together; adapters put it there.
        held: What all models of a run hold once, such as weights under several prompts; adapters
            put it there, under keys that tell what it is.
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
        """The labels of the task, in order; none where any text may be an answer."""
        return self.task.labels
