"""Prompts: a template, label words, demonstrations."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.examples import fields_of
from pytest_ood.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.examples import Dataset, Example, Inputs

FIELD_PATTERN = r"\{([A-Za-z_][A-Za-z0-9_]*)\}"
_FIELD = re.compile(FIELD_PATTERN)
_INSTRUCTION_END = re.compile(r"^---$\n?", re.MULTILINE)
_BETWEEN = "\x1e"
"""Stands between instruction and template where both are one text: ASCII's record separator, which
no perturbation touches."""


@dataclass(frozen=True)
class Prompt:
    """How an input is put to a language model.

    Attributes:
        template: The text for one input, with its fields in braces, up to where the answer goes.
        instruction: What is said once, before everything else.
        label_words: The word that stands for each label, in the order of the labels.
        demonstrations: Answered examples that stand before the input.
    """

    template: str
    label_words: Mapping[str, str]
    instruction: str = ""
    demonstrations: tuple[Example, ...] = ()

    def render(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input."""
        return self.prefix + self._fill(inputs)

    @property
    def prefix(self) -> str:
        """What every prompt starts with: instruction and demonstrations."""
        shown = [
            f"{self._fill(example.inputs)} {self.label_words[example.label]}\n\n"
            for example in self.demonstrations
        ]
        return self.instruction + "".join(shown)

    @property
    def text(self) -> str:
        """Instruction and template as one text, which `with_text` takes apart again."""
        return f"{self.instruction}{_BETWEEN}{self.template}" if self.instruction else self.template

    def with_text(self, text: str) -> Prompt:
        """Return the prompt in other words, demonstrations and label words as they are."""
        instruction, between, template = text.partition(_BETWEEN)
        if not between:
            instruction, template = "", text
        return replace(self, instruction=instruction, template=template)

    def _fill(self, inputs: Inputs) -> str:
        fields = fields_of(inputs)

        def value(match: re.Match[str]) -> str:
            if match[1] not in fields:
                raise DataError(
                    "the prompt: " + unknown_name("field", "{" + match[1] + "}", fields)
                )
            return fields[match[1]]

        return _FIELD.sub(value, self.template)


def field_names(template: str) -> list[str]:
    """Return the names of a template's fields, each once, sorted."""
    return sorted(set(_FIELD.findall(template)))


def parse_template(text: str) -> tuple[str, str]:
    """Split a prompt file into its instruction and its template.

    A line `---` ends the instruction, which is said once; what follows is repeated for every
    demonstration and ends where the answer begins (white space at the end is dropped).

    Raises:
        ConfigurationError: the template names no field.
    """
    parts = _INSTRUCTION_END.split(text, maxsplit=1)
    instruction, template = parts if len(parts) > 1 else ("", parts[0])
    if not _FIELD.search(template):
        raise ConfigurationError(
            f"the prompt {template[:60]!r} names no field; write {{text}} where the text goes"
        )
    return instruction, template.rstrip()


def choose_demonstrations(
    dataset: Dataset, labels: Sequence[str], shots: int, seed: int
) -> tuple[Example, ...]:
    """Draw `shots` examples, the labels taking turns, whatever the order of the data set.

    Raises:
        ConfigurationError: `shots` is negative, or a label has too few examples.
    """
    if shots < 0:
        raise ConfigurationError(f"shots = {shots}: it is 0 or more")
    ordered = sorted(dataset, key=lambda e: (derive_seed(seed, "demonstration", e.id), e.id))
    queues = {label: [e for e in ordered if e.label == label] for label in labels}
    chosen = []
    for turn in range(shots):
        label, place = labels[turn % len(labels)], turn // len(labels)
        if place >= len(queues[label]):
            raise ConfigurationError(
                f"shots = {shots}: {dataset.name} has only {len(queues[label])} examples of "
                f"label {label!r}"
            )
        chosen.append(queues[label][place])
    return tuple(chosen)
