"""Any function from inputs to answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, ModelError, shown
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.tasks import Prediction, decide
from pytest_ood.tasks.answers import check_fields, exactly
from pytest_ood.utils.objects import import_object

if TYPE_CHECKING:
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm

EXAMPLE = """\
[tool.pytest_ood.models.rules]
callable = "my_models:rules"        # takes a list of inputs, returns a list of labels
fingerprint = "v1"
"""
"""An example of the configuration in pyproject.toml."""

ASYNC = (
    "of an async function give one that runs it: "
    "def answer(texts): return asyncio.run(async_answer(texts))"
)


@dataclass(frozen=True)
class CallableModel:
    """A function that takes a list of inputs and returns a list of answers.

    An answer is a label, a mapping of labels to probabilities, a Prediction, or None (abstained).

    Attributes:
        name: The model's name in reports.
        function: The function.
        paradigm: The paradigm that the user declares.
        source: The origin, for reports.
        fingerprint: A version that the user changes with the answers; None: no answers are kept
            between runs.
        parameters: Further entries for reports.
    """

    name: str
    function: Callable[[list[Inputs]], Sequence[Any]] = field(repr=False)
    paradigm: Paradigm = "other"
    source: str = "a Python function"
    fingerprint: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Call the function once with all inputs.

        Raises:
            ModelError: it does not return a list with one answer per input.
        """
        answers = self.function(list(inputs))
        self._check_list(answers, len(inputs))
        values = exactly(self.name, answers, len(inputs))
        try:
            return [self._prediction(answer) for answer in values]
        finally:
            _close(values)

    def _check_list(self, answers: Any, count: int) -> None:
        advice = ""
        if inspect.isawaitable(answers) or hasattr(answers, "__aiter__"):
            _close([answers])
            advice = f"; {ASYNC}"
        elif isinstance(answers, Mapping) and not _is_from_pipeline(answers):
            advice = "; return its values, in the order of the inputs"
        elif answers is None:
            advice = "; is a `return` missing?"
        elif isinstance(answers, Iterable) and not isinstance(
            answers, str | bytes | Mapping | AbstractSet
        ):
            return
        raise ModelError(
            f"model {self.name!r} returned {shown(answers)} for a list of {count} inputs; it "
            f"has to return a list of as many answers{advice}"
        )

    def _prediction(self, answer: Any) -> Prediction:
        if isinstance(answer, Prediction):
            check_fields(self.name, answer)
            return answer
        if answer is None or isinstance(answer, str):
            # A subclass, such as numpy's, goes into no JSON or SQL as it is.
            return Prediction(None if answer is None else str.__str__(answer))
        if isinstance(answer, Mapping) and answer and not _is_from_pipeline(answer):
            with suppress(TypeError, ValueError):
                return decide(answer)
        raise ModelError(
            f"model {self.name!r} answered {shown(answer)}; an answer is a label, a mapping of "
            f"labels to probabilities, a Prediction, or None for an abstention{_advice(answer)}"
        )


def _advice(answer: Any) -> str:
    """Return how to convert an invalid answer into a valid one; "" if unknown."""
    parts = answer if isinstance(answer, Sequence) else ()
    advice = (
        (inspect.isawaitable(answer), ASYNC),
        (_is_from_pipeline(answer), 'of a pipeline\'s answer return answer["label"]'),
        (
            bool(parts) and all(map(_is_from_pipeline, parts)),
            'of a pipeline\'s answer return {one["label"]: one["score"] for one in answer}',
        ),
        (isinstance(answer, bytes | bytearray), "decode it: answer.decode()"),
        (
            isinstance(answer, Real),
            "of a class's number return its label, a str, such as LABELS[int(answer)]",
        ),
        (
            isinstance(answer, Sequence) or hasattr(answer, "dtype"),
            "return one answer for each input; of a row of probabilities the mapping "
            "dict(zip(LABELS, row))",
        ),
    )
    return next((f"; {text}" for holds, text in advice if holds), "")


def _is_from_pipeline(answer: Any) -> bool:
    """Return whether an answer is what a pipeline of transformers gives: a label and its score."""
    return isinstance(answer, Mapping) and set(answer) == {"label", "score"}


def _close(answers: Iterable[Any]) -> None:
    """Close coroutines, so that Python does not warn that they were never awaited."""
    for answer in answers:
        if inspect.iscoroutine(answer):
            answer.close()


def build(
    source: str, context: Context, *, paradigm: str = "other", fingerprint: str | None = None
) -> CallableModel:
    """Import a function by `module:name`.

    Args:
        source: `module:name`.
        context: The adapter's context.
        paradigm: "prompted", "fine-tuned" or "other".
        fingerprint: A version that you choose; answers are kept between runs as long as it is the
            same. Without it every run queries the function again.

    Raises:
        ConfigurationError: there is no such function, or no such paradigm.
    """
    function = import_object(source, f"model {context.name!r}", context.root)
    if not callable(function):
        raise ConfigurationError(f"model {context.name!r}: {source} cannot be called")
    version = None if fingerprint is None else f"{source}@{fingerprint}"
    chosen = paradigm_of(context.name, paradigm)
    return CallableModel(context.name, function, chosen, source, version)
