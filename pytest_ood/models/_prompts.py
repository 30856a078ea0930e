"""The prompt of a prompted model, as its options describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.examples import Example
from pytest_ood.prompting import Prompt, choose_demonstrations, field_names, parse_template
from pytest_ood.seeding import derive_seed
from pytest_ood.tasks import check_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Context


def prompt_loader(
    context: Context,
    prompt: str,
    *,
    shots: int | None,
    demonstrations: Any,
    demonstration_seed: int,
    label_words: Mapping[str, str] | None,
) -> Callable[[], Prompt]:
    """Check a prompt's options now, and return what makes it, drawing its demonstrations then.

    Args:
        context: What the adapter is given.
        prompt: The template itself, or the path of a file with it (see `parse_template`).
        shots: How many demonstrations to draw; all of an inline list where it is left out.
        demonstrations: A list of tables of fields and `label`, or data (a path or a table).
        demonstration_seed: Of the draw; of an inline list it decides the order, 0 being the one
            given.
        label_words: The word for each label; the label itself where it is left out.

    Raises:
        ConfigurationError: values that do not go together.
        DataError: demonstrations that cannot be read.
    """
    if "{" in prompt:
        instruction, template = parse_template(prompt)
    else:
        try:
            instruction, template = parse_template(
                (context.root / prompt).read_text(encoding="utf-8")
            )
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ConfigurationError(
                f"model {context.name!r}: the prompt file {context.root / prompt} cannot be read "
                f"({reason}); give a file, or a template that holds {{text}}"
            ) from None
    words = dict(label_words or {label: label for label in context.labels})
    for word in words.values():
        if not isinstance(word, str) or not word.strip():
            raise ConfigurationError(f"model {context.name!r}: label_words: {word!r} is no word")
    for label in sorted({*words} ^ {*context.labels}):
        problem = (
            unknown_name("label", label, context.labels)
            if label in words
            else f"no word for the label {label!r}"
        )
        raise ConfigurationError(f"model {context.name!r}: label_words: {problem}")
    names = field_names(template)
    shown = _demonstrations(context, names, demonstrations, shots, demonstration_seed)

    def load_prompt() -> Prompt:
        return Prompt(template, words, instruction, shown())

    return load_prompt


def _demonstrations(
    context: Context, names: list[str], given: Any, shots: int | None, seed: int
) -> Callable[[], tuple[Example, ...]]:
    """Check the demonstrations now, and return what draws them when they are needed."""
    if shots is not None and shots < 0:
        raise ConfigurationError(f"model {context.name!r}: shots = {shots} is 0 or more")
    if given is None:
        if shots:
            raise ConfigurationError(
                f"model {context.name!r}: shots = {shots} needs `demonstrations`, "
                "the data to draw them from"
            )
        return tuple
    if not isinstance(given, list):
        load = context.data(given)

        def draw() -> tuple[Example, ...]:
            data = load()
            check_labels(data, context.labels)
            return choose_demonstrations(data, context.labels, 4 if shots is None else shots, seed)

        return draw
    rows = _inline(context, names, given)
    if shots is not None and shots > len(rows):
        raise ConfigurationError(
            f"model {context.name!r}: shots = {shots}, but {len(rows)} demonstrations are given"
        )
    chosen = rows if shots is None else rows[:shots]
    if seed:
        chosen = sorted(chosen, key=lambda e: derive_seed(seed, "order", e.id))
    fixed = tuple(chosen)
    return lambda: fixed


def _inline(context: Context, names: list[str], given: list[Any]) -> list[Example]:
    """Read the demonstrations that stand in the configuration itself."""
    rows = []
    for number, row in enumerate(given, start=1):
        fields = dict(row) if isinstance(row, Mapping) else {}
        label = fields.pop("label", None)
        if label not in context.labels or not fields:
            raise ConfigurationError(
                f"model {context.name!r}: demonstration {number} is a table of fields and a "
                f"label out of {', '.join(context.labels)}, not {row!r}"
            )
        if set(names) - set(fields) or not all(isinstance(v, str) for v in fields.values()):
            raise ConfigurationError(
                f"model {context.name!r}: demonstration {number} has to give the prompt's fields "
                f"({', '.join(names)}) as strings, not {row!r}"
            )
        inputs: Inputs = fields["text"] if list(fields) == ["text"] else fields
        rows.append(Example(str(number), inputs, str(label)))
    return rows
