"""Prompts: a template, label words, demonstrations, and whether these think aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.examples import canonical, fields_of
from pytest_ood.parsing import without_thoughts
from pytest_ood.seeding import derive_seed
from pytest_ood.tasks.numeric import reasoning_of
from pytest_ood.tasks.question_answering import UNANSWERABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.examples import Dataset, Example, Inputs

FIELD_PATTERN = r"\{([A-Za-z_][A-Za-z0-9_]*)\}"
_FIELD = re.compile(FIELD_PATTERN)
_INSTRUCTION_END = re.compile(r"^---[^\S\n]*$\n?", re.MULTILINE)
_BETWEEN = "\x1e"
"""Stands between instruction and template where both are one text: ASCII's record separator, which
no perturbation touches."""

TRIGGER = "Let's think step by step."
"""What makes a model think aloud where nothing shows it how (Kojima et al. 2022, section 3)."""

CUE = "The answer is"
"""What stands between a chain of thought and its answer (Wei et al. 2022, figure 1)."""

_CUE = re.compile(r"\banswer\s+is\b:?", re.IGNORECASE)
_ENDED = re.compile(r"\n|[.!?](?=\s|\Z)")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")

SELECTIONS = ("random", "complexity")
"""Which of the data's examples are demonstrations: any, or those with the most reasoning steps."""


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
    chain_of_thought: bool = False
    source: str = ""

    def render(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input."""
        return self.prefix + self.question(inputs)

    @property
    def prefix(self) -> str:
        """What every prompt starts with: instruction and demonstrations."""
        shown = [f"{self.question(e.inputs)} {self.answer(e)}\n\n" for e in self.demonstrations]
        return self.instruction + "".join(shown)

    def question(self, inputs: Inputs) -> str:
        """Return what is said for one input, up to where its answer goes."""
        text = self._fill(inputs)
        return f"{text} {TRIGGER}" if self.chain_of_thought and not self.demonstrations else text

    def answer(self, example: Example) -> str:
        """Return the answer that a demonstration shows."""
        # A question without an answer (SQuAD 2.0): who is shown nothing has nothing to write.
        word = self.label_words.get(example.label, example.label) or UNANSWERABLE
        return f"{rationale_of(example)} {CUE} {word}." if self.chain_of_thought else word

    @property
    def shown(self) -> list[tuple[str, ...]]:
        """What decides answers of the demonstrations, for fingerprints."""
        more = self.chain_of_thought
        return [
            (canonical(e.inputs), e.label, *([e.rationale] if more else []))
            for e in self.demonstrations
        ]

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


def next_question(template: str) -> str:
    """Return how a model that goes on by itself begins the next question, with its line break."""
    head = _FIELD.split(template, maxsplit=1)[0].strip().partition("\n")[0]
    return f"\n{head}" if head else "\n\n"


def rationale_of(example: Example) -> str:
    """Return how a demonstration's answer is come to, without the answer that ends a solution."""
    return reasoning_of(example.rationale)


def reasoning_steps(text: str) -> int:
    """Count the steps of a chain of thought: its lines, or of a single line its sentences.

    Fu et al. 2022, Complexity-Based Prompting for Multi-Step Reasoning, section 3.1.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) if len(lines) != 1 else len(_SENTENCE_END.split(lines[0].strip()))


def conclusion(text: str, *, finished: bool = True) -> str | None:
    """Return what a chain of thought comes to, or None where it does not get there.

    It is what follows the last "answer is", to the end of the line (Wei et al. 2022, figure 1);
    without these words the last line. A chain that was cut off before this came to the end of a
    line or a sentence comes to nothing.

    Args:
        text: What the model wrote.
        finished: Whether it came to an end by itself.
    """
    said = without_thoughts(text)
    cues = list(_CUE.finditer(said))
    if cues:
        answer = said[cues[-1].end() :].strip()
        # Of "The answer is 1" nobody can tell that it was not going to be 18.
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
    """Draw `shots` examples, whatever the order of the data set; labels take turns if there are.

    Args:
        dataset: What is drawn from.
        labels: Of the task, in order; none where any text may be an answer.
        shots: How many.
        seed: Of the draw, and of the order of what is drawn.
        selection: "random"; or "complexity": those with the most reasoning steps, of each label
            where there are labels (Fu et al. 2022, section 3.1), the seed deciding between equal
            ones, and their order.

    Raises:
        ConfigurationError: `shots` is negative, or there are too few examples, or too few of a
            label.
    """
    if shots < 0:
        raise ConfigurationError(f"shots = {shots}: it is 0 or more")
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
