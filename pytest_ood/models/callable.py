"""Any function from inputs to answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.objects import import_object
from pytest_ood.tasks import Prediction, decide

if TYPE_CHECKING:
    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Context, Paradigm

EXAMPLE = """\
[tool.pytest_ood.models.rules]
callable = "my_models:rules"        # takes a list of inputs, returns a list of labels
fingerprint = "v1"
"""
"""How it stands in pyproject.toml."""


@dataclass(frozen=True)
class CallableModel:
    """A function that takes a list of inputs and returns a list of answers.

    An answer is a label, a mapping of labels to probabilities, a Prediction, or None (abstained).

    Attributes:
        name: In reports.
        function: The function.
        paradigm: What its maker says it is.
        source: Where it comes from.
        fingerprint: What its maker says changes with its answers; None: nothing is kept.
        parameters: What else is worth telling.
    """

    name: str
    function: Callable[[list[Inputs]], Sequence[Any]] = field(repr=False)
    paradigm: Paradigm = "other"
    source: str = "a Python function"
    fingerprint: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Call the function once with all inputs."""
        answers = self.function(list(inputs))
        if isinstance(answers, str) or not isinstance(answers, Iterable):
            raise ModelError(
                f"model {self.name!r} returned {answers!r} for a list of {len(inputs)} inputs; it "
                "has to return a list of as many answers"
            )
        return [self._prediction(answer) for answer in answers]

    def _prediction(self, answer: Any) -> Prediction:
        if isinstance(answer, Prediction):
            return answer
        if answer is None or isinstance(answer, str):
            return Prediction(answer)
        if isinstance(answer, Mapping) and answer:
            with suppress(TypeError, ValueError):
                return decide(answer)
        raise ModelError(
            f"model {self.name!r} answered {answer!r}; an answer is a label, a mapping of labels "
            "to probabilities, a Prediction, or None for an abstention"
        )


def build(
    source: str, context: Context, *, paradigm: str = "other", fingerprint: str | None = None
) -> CallableModel:
    """Find a function by `module:name`.

    Args:
        source: `module:name`.
        context: What the adapter is given.
        paradigm: "prompted", "fine-tuned" or "other".
        fingerprint: A version of yours; with it answers are kept between runs, as long as it
            stays the same. Without it every run asks anew.

    Raises:
        ConfigurationError: there is no such function, or no such paradigm.
    """
    function = import_object(source, f"model {context.name!r}", context.root)
    if not callable(function):
        raise ConfigurationError(f"model {context.name!r}: {source} cannot be called")
    kept = None if fingerprint is None else f"{source}@{fingerprint}"
    chosen = paradigm_of(context.name, paradigm)
    return CallableModel(context.name, function, chosen, source, kept)
