"""Contracts: the effect of a perturbation on the label (none, a known one, or an unknown one)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import ENGLISH, find_language
from pytest_ood.tasks.question_answering import normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.data.edits import Perturbed
    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs


class ValidityFilter(Protocol):
    """Decides which perturbed texts still mean what their originals mean."""

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name and parameters; filters with equal fingerprints decide alike."""
        ...

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each text, whether it is valid; a decision depends on its own text alone."""
        ...


@dataclass(frozen=True)
class Preserving:
    """The label stays as it is, whatever the text and the task."""

    name: str = "preserving"


@dataclass(frozen=True)
class Changing:
    """The label becomes another, and which one is known.

    Attributes:
        relabel: Returns the label that the text has afterwards, from the label before and all
            labels of the task.
    """

    relabel: Callable[[str, Sequence[str]], str]
    name: str = "changing"


def _nothing(example: Example) -> Sequence[str]:
    del example
    return ()


@dataclass(frozen=True)
class Derived:
    """The label is computed from the example: from its solution, or from its right answers.

    Attributes:
        label: Returns the label of an example with changed inputs, or None if the change is not
            valid: then it is drawn again, and after `draws` changes the example is rejected.
        fixed: Returns regular expressions for the parts of an example that have to stay.
        tasks: The names of the tasks whose labels it can compute; empty for all.
        draws: The largest number of changes that are drawn.
        name: The name in reports; "preserving" if a valid change always keeps the label.
        joint: Whether the fields of an example are perturbed as one text, so that a name is
            replaced by the same one in all fields.
    """

    label: Callable[[Example, Inputs], str | None]
    fixed: Callable[[Example], Sequence[str]] = _nothing
    tasks: tuple[str, ...] = ()
    draws: int = 50
    name: str = "derived"
    joint: bool = False


@dataclass(frozen=True)
class Uncertain:
    """The label may change: a perturbed text counts only if the filter accepts it.

    Attributes:
        filter: The validity filter.
    """

    filter: ValidityFilter
    name: str = "uncertain"


Contract = Preserving | Changing | Derived | Uncertain

PRESERVING = Preserving()


def label_unless_answer_added(example: Example, inputs: Inputs) -> str | None:
    """Return the label, or None if a right answer occurs in the inputs more often than before.

    Added text must not reveal the answer. Answers such as "yes" and "no" cannot be revealed.
    """
    language = find_language(example.language) if example.language else ENGLISH
    before, after = (
        f" {normalized(' '.join(fields_of(value).values()), language)} "
        for value in (example.inputs, inputs)
    )
    for answer in example.right_answers:
        bare = normalized(answer, language)
        if bare and bare not in _YES_NO and _count(after, bare) > _count(before, bare):
            return None
    return example.label


_YES_NO = frozenset(("yes", "no", "true", "false"))


def _count(text: str, words: str) -> int:
    return text.replace(" ", "  ").count(f" {words.replace(' ', '  ')} ")


def other_label(label: str, labels: Sequence[str]) -> str:
    """Return the other one of two labels.

    Raises:
        ConfigurationError: the task has more or fewer than two labels.
    """
    others = [other for other in labels if other != label]
    if len(others) != 1:
        raise ConfigurationError(
            f"which label follows on {label!r} is not known among {', '.join(labels)}; give the "
            "shift a table: relabel = { before = 'after', ... }"
        )
    return others[0]
