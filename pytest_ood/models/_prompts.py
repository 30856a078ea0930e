"""The prompt of a prompted model, as its options describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.values import label_forms
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.loading.prompts import (
    SELECTIONS,
    Prompt,
    choose_demonstrations,
    conclusion,
    field_names,
    parse_template,
    rationale_of,
)
from pytest_ood.tasks import check_labels, reading_of
from pytest_ood.utils.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context
    from pytest_ood.tasks import Task

VARIED = ("draw", "order")
"""What `demonstration_seed` changes: which demonstrations are drawn, or only their order."""

DEFAULT_SHOTS = 4

READING = 4
"""The version of the rules that parse an answer from a generated text. It is part of fingerprints
and raised with the rules, so that stored answers were parsed by the current ones."""

SOURCE = "demonstrations"
"""The key of the demonstrations' origin in a model's parameters. It is no part of fingerprints,
which have the demonstrations themselves."""


@dataclass(frozen=True, kw_only=True)
class DemonstrationOptions:
    """The options that decide the demonstrations of a prompt.

    Attributes:
        declared: The option `demonstrations`: a list of tables with the prompt's fields, `label`
            and `rationale`, or data (a path or a table).
        shots: The number of demonstrations; None for all of an inline list, and `DEFAULT_SHOTS` of
            data.
        seed: Seed of the draw and its order; for an inline list, of the order, where 0 keeps the
            order of the list.
        selection: Which examples are drawn, one of `SELECTIONS`; "random" takes the first ones of
            an inline list.
        vary: What the seed changes, one of `VARIED`; "order" keeps the examples of seed 0.
    """

    declared: Any = None
    shots: int | None = None
    seed: int = 0
    selection: str = "random"
    vary: str = "draw"

    @property
    def source(self) -> str:
        """The origin of the demonstrations, for reports."""
        if self.declared is None or isinstance(self.declared, list):
            return "" if self.declared is None else "the configuration"
        table = self.declared if isinstance(self.declared, Mapping) else {"data": self.declared}
        return " ".join(str(table[key]) for key in ("data", "split") if key in table)

    def check(self, owner: str) -> None:
        """Check the values, and whether they go together.

        Args:
            owner: The start of error messages.

        Raises:
            ConfigurationError: a value is invalid, or needs another option.
        """
        if self.selection not in SELECTIONS:
            message = unknown_name("selection", self.selection, SELECTIONS)
            raise ConfigurationError(f"{owner}: {message}")
        if self.vary not in VARIED:
            raise ConfigurationError(f"{owner}: vary: " + unknown_name("value", self.vary, VARIED))
        if self.shots is not None and self.shots < 0:
            raise ConfigurationError(f"{owner}: shots = {self.shots} has to be 0 or more")
        if self.declared is None and self.shots:
            raise ConfigurationError(
                f"{owner}: shots = {self.shots} needs `demonstrations`, the data to draw them from"
            )
        changed = {
            "selection": self.selection if self.selection != "random" else None,
            "vary": self.vary if self.vary != "draw" else None,
            "demonstration_seed": self.seed or None,
        }
        for key, value in changed.items():
            if value is not None and self.declared is None:
                raise ConfigurationError(
                    f"{owner}: {key} = {value!r} needs `demonstrations` to select from"
                )


def prompt_loader(
    context: Context,
    prompt: str,
    options: DemonstrationOptions,
    *,
    label_words: Mapping[str, str] | None,
    chain_of_thought: bool = False,
    written: bool = False,
) -> Callable[[], Prompt]:
    """Check a prompt's options, and return a function that draws its demonstrations and builds it.

    Args:
        context: The adapter's context.
        prompt: The template itself, or the path of a file with it (see `parse_template`).
        options: Which demonstrations there are.
        label_words: The word for each label; None for the labels themselves.
        chain_of_thought: Whether demonstrations show the reasoning before the answer.
        written: Whether answers are parsed from generated texts, which ignores the case of words.

    Raises:
        ConfigurationError: options do not go together.
        DataError: demonstrations cannot be read.
    """
    owner = f"model {context.name!r}"
    options.check(owner)
    instruction, template = read_template(context, prompt)
    words = _label_words(context, label_words, written=written)
    shown = _demonstrations(context, field_names(template), options, reasoned=chain_of_thought)

    def load_prompt() -> Prompt:
        """Return the prompt with its demonstrations."""
        return Prompt(
            template=template,
            label_words=words,
            instruction=instruction,
            demonstrations=shown(),
            chain_of_thought=chain_of_thought,
            source=options.source,
        )

    return load_prompt


def prompt_parameters(prompt: Prompt, task: Task) -> dict[str, Any]:
    """Return a prompt's entries in reports; all but `SOURCE` are part of fingerprints."""
    parameters: dict[str, Any] = {
        "instruction": prompt.instruction,
        "template": prompt.template,
        "label_words": dict(prompt.label_words),
        "shots": len(prompt.demonstrations),
    }
    if prompt.chain_of_thought:
        parameters["chain_of_thought"] = True
    if prompt.demonstrations:
        parameters[SOURCE] = prompt.source
    if not task.labels or task.labels_vary:
        # The labels of a classification identify it already.
        parameters["task"] = task.name
        own = reading_of(task)
        if own:
            parameters["task_code"] = own
    if prompt.chain_of_thought or not task.labels:
        parameters["reading"] = READING
    return parameters


def read_answer(
    prompt: Prompt, task: Task, text: str, inputs: Inputs, *, finished: bool = True
) -> str | None:
    """Return the answer in a generated text, or None.

    Args:
        prompt: The prompt.
        task: Parses the answer.
        text: The generated text.
        inputs: The input that it answers.
        finished: Whether the text ends by itself, rather than at the limit of tokens.
    """
    said = conclusion(text, finished=finished) if prompt.chain_of_thought else text
    return None if said is None else task.read(said, task.words_of(inputs, prompt.label_words))


def read_template(context: Context, prompt: str) -> tuple[str, str]:
    """Return the instruction and the template of the option `prompt`, or of the file it names.

    Raises:
        ConfigurationError: the file cannot be read, or the template names no field.
    """
    if "{" in prompt:
        return parse_template(prompt)
    try:
        return parse_template((context.root / prompt).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"model {context.name!r}: the prompt file {context.root / prompt} cannot be read "
            f"({reason}); give a file, or a template that holds {{text}}"
        ) from None


def _label_words(
    context: Context, declared: Mapping[str, str] | None, *, written: bool
) -> dict[str, str]:
    """Return the words for the labels; check that each label has one, and no two are the same."""
    owner = f"model {context.name!r}"
    if not context.labels and declared is not None:
        raise ConfigurationError(
            f"{owner}: label_words: the task {context.task.name} has no labels; leave them out"
        )
    words = dict(declared or {label: label for label in context.labels})
    for word in words.values():
        if not isinstance(word, str) or not word.strip():
            raise ConfigurationError(f"{owner}: label_words: {word!r} is no word")
    for label in sorted({*words} ^ {*context.labels}):
        problem = (
            unknown_name("label", label, context.labels)
            if label in words
            else f"no word for the label {label!r}"
        )
        raise ConfigurationError(f"{owner}: label_words: {problem}")
    first: dict[str, str] = {}
    for label, word in words.items():
        same = word.strip().casefold() if written else word.strip()
        if same in first:
            case = ", whatever the case, as answers are read" if word != words[first[same]] else ""
            raise ConfigurationError(
                f"{owner}: label_words: {word!r} stands for {first[same]!r} and for "
                f"{label!r}{case}; give each label a word of its own"
            )
        first[same] = label
    return words


def _demonstrations(
    context: Context, names: list[str], options: DemonstrationOptions, *, reasoned: bool
) -> Callable[[], tuple[Example, ...]]:
    """Check the demonstrations, and return a function that draws them."""
    owner, declared, shots = f"model {context.name!r}", options.declared, options.shots
    if declared is None:
        return tuple
    count = DEFAULT_SHOTS if shots is None else shots

    def chosen(data: Dataset, count: int, seed: int) -> tuple[Example, ...]:
        """Choose demonstrations, and check their rationales where the prompt needs them."""
        turns = _labels_in_turn(context, data)
        drawn = tuple(
            replace(example, label=context.task.demonstrated(example.label))
            for example in choose_demonstrations(data, turns, count, seed, options.selection)
        )
        if reasoned or options.selection == "complexity":
            _check_rationales(owner, drawn)
        return drawn

    if not isinstance(declared, list):
        load = context.data(declared)

        def draw() -> tuple[Example, ...]:
            """Return the demonstrations of the model's seed."""
            data = load()
            check_labels(data, context.task.truths)
            if options.vary == "draw":
                return chosen(data, count, options.seed)
            return _reordered(chosen(data, count, 0), options.seed)

        return draw
    rows = tuple(_inline(context, names, declared))
    count = len(rows) if shots is None else shots
    if count > len(rows):
        raise ConfigurationError(
            f"{owner}: shots = {shots}, but {len(rows)} demonstrations are given"
        )
    if options.selection == "complexity" and rows:
        first = chosen(Dataset("the list of demonstrations", rows), count, 0)
    else:
        first = rows[:count]
    if reasoned:
        _check_rationales(owner, first)
    fixed = _reordered(first, options.seed)
    return lambda: fixed


def _labels_in_turn(context: Context, data: Dataset) -> tuple[str, ...]:
    """Return the labels of which demonstrations are drawn in turn: all, or those that occur."""
    labels = context.labels
    if not context.task.labels_vary:
        return labels
    # It is no mistake of the data if no row has as many options as the task allows.
    return tuple(label for label in labels if label in data.labels)


def _reordered(examples: tuple[Example, ...], seed: int) -> tuple[Example, ...]:
    """Return examples in the order of a seed; 0 keeps their order."""
    if not seed:
        return examples
    return tuple(sorted(examples, key=lambda e: derive_seed(seed, "order", e.id)))


def _check_rationales(owner: str, examples: Iterable[Example]) -> None:
    """Check that every demonstration has a rationale."""
    for example in examples:
        if not rationale_of(example):
            raise ConfigurationError(
                f"{owner}: the demonstration {example.id!r} has no rationale, how its answer is "
                "come to; name the column of its data that has it with `rationale`, or give the "
                "inline table such a key"
            )


def _inline(context: Context, names: list[str], tables: list[Any]) -> list[Example]:
    """Return the demonstrations of an inline list in the configuration."""
    rows = []
    owner, labels = f"model {context.name!r}", context.labels
    allowed = f"out of {', '.join(labels)}" if labels else "(the answer, as a string)"
    for number, row in enumerate(tables, start=1):
        fields = dict(row) if isinstance(row, Mapping) else {}
        label, rationale = fields.pop("label", None), ""
        # TOML has numbers, true and false.
        label = next((form for form in label_forms(label) if form in labels), label)
        if "rationale" not in names:
            rationale = fields.pop("rationale", "")
        right = label in labels if labels else isinstance(label, str)
        if not right or not fields:
            raise ConfigurationError(
                f"{owner}: demonstration {number} is a table of fields and a label {allowed}, not "
                f"{row!r}"
            )
        texts = [*fields.values(), rationale]
        if set(names) - set(fields) or not all(isinstance(text, str) for text in texts):
            raise ConfigurationError(
                f"{owner}: demonstration {number} has to give the prompt's fields "
                f"({', '.join(names)}) as strings, not {row!r}"
            )
        inputs: Inputs = fields["text"] if list(fields) == ["text"] else fields
        rows.append(Example(str(number), inputs, str(label), rationale=rationale))
    return rows
