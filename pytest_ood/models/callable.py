"""Any function from inputs to answers, or a model object of a known library."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models._answers import AnswerReader
from pytest_ood.models._objects import known_object
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.utils.objects import ReloadsAfterPickling, import_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Prediction

EXAMPLE = """\
[tool.pytest_ood.models.rules]
callable = "my_models:rules"        # takes a list of inputs, returns a list of labels
fingerprint = "v1"
"""
"""An example of the configuration in pyproject.toml."""


@dataclass(frozen=True)
class CallableModel(ReloadsAfterPickling):
    """A function that takes a list of inputs and returns a list of answers.

    An answer is a label, a class index, probabilities (a mapping of labels, or a row in the order
    of the labels), a Prediction, or None (abstained); or what a pipeline of transformers, spaCy or
    fastText returns. An integer is the label with this text, or else the index of a label.

    Attributes:
        name: The model's name in reports.
        function: The function; or a pipeline of transformers, spaCy's or fastText's model itself.
        paradigm: The paradigm that the user declares.
        source: The origin, for reports.
        fingerprint: A version that the user changes with the answers; None: no answers are kept
            between runs.
        parameters: Further entries for reports.
        labels: The labels of the task in the order of the model's classes; None if unknown: then
            class indices and rows of probabilities are errors.
        label_names: The task's label for each of the model's own, where they differ.
        ordered: Whether the order of `labels` is that of the model's classes.
        structured: Whether an answer is a list or a mapping, such as of a task with spans.
    """

    LOADED: ClassVar = ("_answer",)

    name: str
    function: Callable[[list[Inputs]], Any] = field(repr=False)
    paradigm: Paradigm = "other"
    source: str = "a Python function"
    fingerprint: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Sequence[str] | None = None
    label_names: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True
    structured: bool = False

    @cached_property
    def _answer(self) -> Callable[[list[Inputs]], Any]:
        """The function, or the one that asks the model object."""
        known = known_object(self.function, f"model {self.name!r}", self.labels or ())
        return self.function if known is None else known.answer

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Call the function once with all inputs.

        Raises:
            ModelError: it does not return a list with one answer per input.
        """
        reader = AnswerReader(
            name=self.name,
            labels=self.labels,
            ordered=self.ordered,
            label_names=self.label_names,
            structured=self.structured,
        )
        return reader.read_all(self._answer(list(inputs)), len(inputs))


def build(
    source: str,
    context: Context,
    *,
    paradigm: str = "other",
    fingerprint: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> CallableModel:
    """Import a function, or a pipeline of transformers, spaCy or fastText, by `module:name`.

    Args:
        source: `module:name`.
        context: The adapter's context.
        paradigm: "prompted", "fine-tuned" or "other".
        fingerprint: A version that you choose; answers are kept between runs as long as it is the
            same. Without it every run queries the function again.
        labels: The task's label for each of the model's own, where the names differ.

    Raises:
        ConfigurationError: there is no such function, no such paradigm, or no such label.
    """
    owner = f"model {context.name!r}"
    function = import_object(source, owner, context.root)
    names = labels or {}
    for name, label in names.items():
        if label not in context.labels:
            message = unknown_name("label", str(label), context.labels)
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")
    if not callable(function) and known_object(function, owner, context.labels) is None:
        advice = ""
        if hasattr(function, "predict"):
            advice = f"; of an object with `predict` write sklearn = {json.dumps(source)}"
        raise ConfigurationError(f"{owner}: {source} cannot be called{advice}")
    version = None if fingerprint is None else f"{source}@{fingerprint}"
    if version is not None and names:
        version += f" {json.dumps(sorted(names.items()))}"
    return CallableModel(
        context.name,
        function,
        paradigm_of(context.name, paradigm),
        source,
        version,
        labels=context.labels,
        label_names=names,
        structured=context.task.structured,
    )
