"""One of several options that each row has for itself: exams, reading tests, story endings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.data.options import (
    FEWEST,
    LETTERS,
    OPTIONS,
    check_options,
    options_of,
    position_of,
)
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.tasks.classification import Classification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks.protocol import EditsByField

MULTIPLE_CHOICE = "multiple-choice"

USUAL_MOST = 5
"""The largest number of options unless the suite says: of ARC, CommonsenseQA, HellaSwag and MMLU,
or of four and one that a shift adds."""


@dataclass(frozen=True)
class MultipleChoice(Classification):
    """One option out of those in the field `options`; the answer is the letter of its position.

    The labels are the letters up to the largest number of options. A row of four options has no E:
    a model that answers E there is wrong.

    Attributes:
        protects: The marks of the options, by which the right answer is named.
        moves: True: under a shift the options are read again, and an example in which they cannot
            be told apart any more has no right answer.
        labels_vary: True: each row offers its own options.
    """

    labels: tuple[str, ...] = LETTERS[:USUAL_MOST]
    name: str = MULTIPLE_CHOICE
    protects: tuple[str, ...] = ("option-marks",)
    moves: bool = True
    labels_vary: bool = True

    def encode(self, value: Any, inputs: Inputs) -> str:
        """Return the letter of the right option.

        Args:
            value: Its letter or mark, its index from 0 as a whole number, or its text.
            inputs: The inputs, with the options in the field `options`.

        Raises:
            DataError: there are no options, one, too many or two equal ones; or the value is none
                of them, or may be either of two.
        """
        options = options_of(inputs)
        if not options:
            raise DataError(
                f"the inputs have no field {OPTIONS!r} with a line for each of two or more options "
                '("A. ...", "B. ..."); name the column of the options beside `data`: options = '
                '"COLUMN", or ["COLUMN", "COLUMN", ...]'
            )
        texts = [option.text for option in options]
        try:
            check_options(texts, len(self.labels))
        except DataError as error:
            raise DataError(f"the field {OPTIONS!r}: {error}") from None
        return LETTERS[position_of(value, texts, [option.mark for option in options])]

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Return the example with other inputs; None if its options no longer name the answer."""
        options = options_of(inputs)
        try:
            check_options([option.text for option in options], len(self.labels))
        except DataError:
            return None
        if example.label not in LETTERS[: len(options)]:
            return None
        return super().moved(example, inputs, edits)

    def words_of(self, inputs: Inputs, label_words: Mapping[str, str]) -> Mapping[str, str]:
        """Return the word for each option that an input has: its mark, unless that is the letter.

        All words for inputs without options, such as those that a prompt is tried out with.
        """
        words = {
            letter: label_words.get(letter, letter) if option.mark == letter else option.mark
            for letter, option in zip(LETTERS, options_of(inputs), strict=False)
        }
        return words or label_words


NAMES = (MULTIPLE_CHOICE,)
KEYS = ("max_options",)


def parse(name: str, table: Mapping[str, Any]) -> MultipleChoice:
    """Read the largest number of options of a suite.

    Raises:
        ConfigurationError: it is no number of options.
    """
    most = table.get("max_options", USUAL_MOST)
    if type(most) is not int or not FEWEST <= most <= len(LETTERS):
        raise ConfigurationError(
            f"max_options = {most!r} is not a whole number from {FEWEST} to {len(LETTERS)}"
        )
    return MultipleChoice(LETTERS[:most], name)
