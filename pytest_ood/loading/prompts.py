"""Prompts: template, label words and demonstrations, with or without a chain of thought."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import canonical, fields_of
from pytest_ood.data.parsing import without_thoughts
from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.tasks.numeric import reasoning_of
from pytest_ood.tasks.question_answering import UNANSWERABLE
from pytest_ood.utils.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs

FIELD_PATTERN = r"\{([A-Za-z_][A-Za-z0-9_]*)\}"
_FIELD = re.compile(FIELD_PATTERN)
_INSTRUCTION_END = re.compile(r"^---[^\S\n]*$\n?", re.MULTILINE)
_BETWEEN = "\x1e"
"""Separates instruction and template where both are one text: ASCII's record separator, which no
perturbation changes."""

TRIGGER = "Let's think step by step."
"""The phrase for a chain of thought without demonstrations (Kojima et al. 2022, section 3)."""

CUE = "The answer is"
"""The phrase between a chain of thought and its answer (Wei et al. 2022, figure 1)."""

_CUE = re.compile(r"\banswer\s+is\b:?", re.IGNORECASE)
_ENDED = re.compile(r"\n|[.!?](?=\s|\Z)")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")

SELECTIONS = ("random", "complexity")
"""How demonstrations are selected: at random, or by the number of reasoning steps."""


@dataclass(frozen=True)
class Prompt:
    """The prompt of a language model.

    Attributes:
        template: The text for one input, with its fields in braces, up to the answer.
        label_words: The word for each label, in the order of the labels.
        instruction: The text before everything else.
        demonstrations: Examples with answers, before the input.
        chain_of_thought: Whether answers include their reasoning.
        source: The origin of the demonstrations, for reports.
    """

    template: str
    label_words: Mapping[str, str]
    instruction: str = ""
    demonstrations: tuple[Example, ...] = ()
    chain_of_thought: bool = False
    source: str = ""

    def render(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input."""
        return self.prefix + self.question(inputs)

    @cached_property
    def prefix(self) -> str:
        """The common beginning of all prompts: instruction and demonstrations."""
        shown = [f"{self.question(e.inputs)} {self.answer(e)}\n\n" for e in self.demonstrations]
        return self.instruction + "".join(shown)

    def question(self, inputs: Inputs) -> str:
        """Return the text for one input, up to its answer."""
        text = self._fill(inputs)
        return f"{text} {TRIGGER}" if self.chain_of_thought and not self.demonstrations else text

    def answer(self, example: Example) -> str:
        """Return the answer of a demonstration."""
        # For a question without an answer (SQuAD 2.0) a word is shown, as a model cannot imitate an
        # empty text.
        word = self.label_words.get(example.label, example.label) or UNANSWERABLE
        return f"{rationale_of(example)} {CUE} {word}." if self.chain_of_thought else word

    def messages(self, inputs: Inputs, written: Callable[[str], str] = str) -> list[dict[str, str]]:
        """Return the prompt for one input as messages, each with a `role` and a `content`.

        The instruction is the system message; a demonstration is a message of the user and one of
        the assistant; the input is the last message of the user.

        Args:
            inputs: The input.
            written: Returns the message of the assistant for the answer of a demonstration.
        """
        instruction = self.instruction.strip()
        messages = [{"role": "system", "content": instruction}] if instruction else []
        for example in self.demonstrations:
            messages.append({"role": "user", "content": self.question(example.inputs)})
            messages.append({"role": "assistant", "content": written(self.answer(example))})
        return [*messages, {"role": "user", "content": self.question(inputs)}]

    @property
    def shown(self) -> list[tuple[str, ...]]:
        """The parts of the demonstrations that decide answers, for fingerprints."""
        more = self.chain_of_thought
        return [
            (canonical(e.inputs), e.label, *([e.rationale] if more else []))
            for e in self.demonstrations
        ]

    @property
    def text(self) -> str:
        """Instruction and template as one text, which `with_text` splits again."""
        return f"{self.instruction}{_BETWEEN}{self.template}" if self.instruction else self.template

    def with_text(self, text: str) -> Prompt:
        """Return the prompt with another instruction and template."""
        instruction, between, template = text.partition(_BETWEEN)
        if not between:
            instruction, template = "", text
        return replace(self, instruction=instruction, template=template)

    def _fill(self, inputs: Inputs) -> str:
        fields = fields_of(inputs)

        def value(match: re.Match[str]) -> str:
            """Return the text of the field that a placeholder names."""
            if match[1] not in fields:
                raise DataError(
                    "the prompt: " + unknown_name("field", "{" + match[1] + "}", fields)
                )
            return fields[match[1]]

        return _FIELD.sub(value, self.template)


def without_system(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return messages whose system message begins the first message of the user."""
    first, *rest = map(dict, messages)
    if first["role"] != "system" or not rest:
        return [first, *rest]
    user, *others = rest
    return [{**user, "content": f"{first['content']}\n\n{user['content']}"}, *others]


def field_names(template: str) -> list[str]:
    """Return the names of a template's fields, each once, sorted."""
    return sorted(set(_FIELD.findall(template)))


def parse_template(text: str) -> tuple[str, str]:
    """Split a prompt file into its instruction and its template.

    A line `---` ends the instruction, which occurs once. The template after it is repeated for
    every demonstration, and ends where the answer begins; white space at its end is removed.

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


def next_question(template: str) -> str:
    """Return the beginning of the next question if a model continues, with its line break."""
    head = _FIELD.split(template, maxsplit=1)[0].strip().partition("\n")[0]
    return f"\n{head}" if head else "\n\n"


def rationale_of(example: Example) -> str:
    """Return the reasoning of a demonstration, without the answer at its end."""
    return reasoning_of(example.rationale)


def reasoning_steps(text: str) -> int:
    """Count the steps of a chain of thought: its lines, or the sentences of a single line.

    Fu et al. 2022, Complexity-Based Prompting for Multi-Step Reasoning, section 3.1.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) if len(lines) != 1 else len(_SENTENCE_END.split(lines[0].strip()))


def conclusion(text: str, *, finished: bool = True) -> str | None:
    """Return the conclusion of a chain of thought, or None.

    It is the text after the last "answer is", to the end of the line (Wei et al. 2022, figure 1);
    without these words, the last line. If the text was cut off, the conclusion has to be complete,
    up to the end of a line or a sentence.

    Args:
        text: The generated text.
        finished: Whether the text ends by itself, rather than at the limit of tokens.
    """
    said = without_thoughts(text)
    cues = list(_CUE.finditer(said))
    if cues:
        answer = said[cues[-1].end() :].strip()
        # If it was cut off, "The answer is 1" may be the beginning of "The answer is 18".
        whole = finished or _ENDED.search(answer)
        return next(iter(answer.splitlines()), None) if whole else None
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines and finished else None


def choose_demonstrations(
    dataset: Dataset,
    labels: Sequence[str],
    shots: int,
    seed: int,
    selection: str = "random",
) -> tuple[Example, ...]:
    """Draw `shots` examples, independently of the order of the data set; labels take turns.

    Args:
        dataset: The data to draw from.
        labels: The labels of the task, in order; empty if any text may be an answer.
        shots: The number of examples.
        seed: Seed of the draw and of the order.
        selection: "random"; or "complexity": the examples of each label with the most reasoning
            steps (Fu et al. 2022, section 3.1), where the seed decides ties and the order.

    Raises:
        ConfigurationError: `shots` is negative, or there are too few examples, or too few of a
            label.
    """
    if shots < 0:
        raise ConfigurationError(f"shots = {shots}: it has to be 0 or more")
    ordered = sorted(dataset, key=lambda e: (derive_seed(seed, "demonstration", e.id), e.id))
    turns: Sequence[str | None] = labels or (None,)
    queues: dict[str | None, list[Example]] = {}
    for number, label in enumerate(turns):
        queue = [e for e in ordered if label in (None, e.label)]
        count = len(range(number, shots, len(turns)))
        if count > len(queue):
            of_it = "" if label is None else f" of label {label!r}"
            raise ConfigurationError(
                f"shots = {shots}: {dataset.name} has only {len(queue)} examples{of_it}"
            )
        if selection == "complexity":
            steps = {e.id: reasoning_steps(rationale_of(e)) for e in queue}
            most = {e.id for e in sorted(queue, key=lambda e: -steps[e.id])[:count]}
            queue = [e for e in queue if e.id in most]
        queues[label] = queue
    return tuple(queues[turns[turn % len(turns)]][turn // len(turns)] for turn in range(shots))
