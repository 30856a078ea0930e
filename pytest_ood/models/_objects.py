"""Models of other libraries as functions: pipelines of transformers, spaCy and fastText.

They are recognised by their classes or methods, so that none of these libraries is imported here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.data.inputs import Inputs

CLASSIFYING = ("text-classification", "sentiment-analysis")
"""The tasks of pipelines that answer with labels."""


@dataclass(frozen=True, kw_only=True)
class KnownObject:
    """A model of a library.

    Attributes:
        source: The library and the class, for reports.
        answer: Returns the library's answers to inputs.
    """

    source: str
    answer: Callable[[Sequence[Inputs]], Any]


def known_object(value: Any, owner: str, labels: Sequence[str] = ()) -> KnownObject | None:
    """Return a model of a known library as a function; None for anything else.

    Args:
        value: An object of the user's.
        owner: The start of error messages, such as "model 'a'".
        labels: The labels of the task.

    Raises:
        ConfigurationError: it is a model of another task than classification.
    """
    kind = type(value).__name__
    if is_pipeline(value):
        _check_pipeline(value, owner, labels)
        return KnownObject(
            source=f"transformers {kind}", answer=lambda inputs: _piped(value, owner, inputs)
        )
    if is_a(value, "Language", "spacy."):
        return KnownObject(source=f"spaCy {kind}", answer=lambda i: value.pipe(map(_text, i)))
    if hasattr(getattr(value, "f", None), "multilinePredict"):
        return KnownObject(source="fastText", answer=lambda inputs: _of_fasttext(value, inputs))
    return None


def is_pipeline(value: Any) -> bool:
    """Return whether a value is a pipeline of transformers."""
    return is_a(value, "Pipeline", "transformers.")


def is_a(value: Any, name: str, module: str) -> bool:
    """Return whether a value's class, or a base of it, has this name in such a module."""
    return any(c.__name__ == name and c.__module__.startswith(module) for c in type(value).__mro__)


def _check_pipeline(pipeline: Any, owner: str, labels: Sequence[str]) -> None:
    """Check that a pipeline classifies texts, with one label for each.

    Raises:
        ConfigurationError: it has another task.
        ModelError: its model answers with numbers, or with several labels.
    """
    task = getattr(pipeline, "task", "")
    if task not in CLASSIFYING:
        advice = "call it in a function of yours that returns labels"
        if task == "text-generation":
            advice = 'name the checkpoint itself, prompted = "FOLDER", with a prompt'
        raise ConfigurationError(
            f"{owner}: it is a pipeline of transformers for {task}, and {CLASSIFYING[0]} is the "
            f"one whose answers are labels; {advice}"
        )
    from pytest_ood.models._training import LabelHead

    LabelHead(tuple(labels)).check_configuration(pipeline.model.config, owner)


def _piped(pipeline: Any, owner: str, inputs: Sequence[Inputs]) -> Any:
    """Return the scores of all labels, for each input of one or two fields."""
    rows: list[Any] = []
    for value in inputs:
        texts = list(fields_of(value).values())
        if len(texts) > 2:  # noqa: PLR2004 - a text and its pair
            raise ConfigurationError(
                f"{owner}: a pipeline takes one or two fields, not {len(texts)} "
                f"({', '.join(fields_of(value))})"
            )
        rows.append(texts[0] if len(texts) == 1 else dict(zip(("text", "text_pair"), texts,
                                                              strict=True)))  # fmt: skip
    return pipeline(rows, top_k=None, **_truncation(pipeline))


def _truncation(pipeline: Any) -> dict[str, Any]:
    """Return options that cut texts to the model's window, unless the pipeline has its own."""
    from pytest_ood.models._training import window

    if "truncation" in getattr(pipeline, "_preprocess_params", {}):
        return {}
    # Many tokenizers know no longest input; a longer one would raise inside the network.
    length = window(pipeline.model.config)
    longest = getattr(pipeline.tokenizer, "model_max_length", sys.maxsize)
    limit = {} if length == sys.maxsize or longest <= length else {"max_length": length}
    return {"truncation": True, **limit}


def _of_fasttext(model: Any, inputs: Sequence[Inputs]) -> list[Any]:
    """Return the probability of each label, by label, for each input."""
    # Not `model.predict`: with a list, fasttext 0.9.2 repeats the first probability for all labels,
    # and with a text it raises under numpy 2. A line break ends fastText's inputs.
    lines = [" ".join(_text(value).split("\n")) + "\n" for value in inputs]
    every = -1
    answers = [model.f.predict(line, every, 0.0, "strict") for line in lines]
    return [([label for _, label in one], [score for score, _ in one]) if one else None
            for one in answers]  # fmt: skip


def _text(inputs: Inputs) -> str:
    """Return the fields of an input as one text, a line each."""
    return "\n".join(fields_of(inputs).values())
