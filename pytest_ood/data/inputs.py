"""The inputs of a model: one text, or several named fields."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ood.data.lazy import compact_json

Inputs = str | Mapping[str, str]
"""The inputs of a model: one text, or named fields such as premise and hypothesis."""


def canonical(inputs: Inputs) -> str:
    """Write inputs as one string, the same for equal inputs: for hashing, sorting and caching."""
    # The order of the fields stays: a model may read them in it.
    value = inputs if isinstance(inputs, str) else dict(inputs)
    return compact_json(value)


def fields_of(inputs: Inputs) -> dict[str, str]:
    """Return the named fields of inputs; a single text is the field `text`."""
    return {"text": inputs} if isinstance(inputs, str) else dict(inputs)


def with_fields(inputs: Inputs, changed: Mapping[str, str]) -> Inputs:
    """Return inputs of the same form with some fields replaced."""
    if isinstance(inputs, str):
        return changed.get("text", inputs)
    return {**inputs, **changed}


def size_of(inputs: Inputs) -> int:
    """Return the number of characters in all fields."""
    return sum(len(text) for text in fields_of(inputs).values())
