"""Questions that are answered by a number, as GSM8K and SVAMP put them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from pytest_ood.errors import DataError
from pytest_ood.parsing import without_thoughts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.examples import Example
    from pytest_ood.tasks.protocol import Prediction

MARK = "####"
"""What stands before the answer of a solution (Cobbe et al. 2021, GSM8K)."""

_ANNOTATION = re.compile(r"<<[^<>]*>>")
_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+\u2212]?\.\d+")


@dataclass(frozen=True)
class NumericAnswer:
    """A number, right where it is equal to the right one, however it is written.

    Attributes:
        name: In suite files.
        labels: None: any number may be an answer.
    """

    name: str = "numeric"
    labels: tuple[str, ...] = ()

    def reference(self, given: str) -> str:
        """Return the number after the mark of a solution, or the only number there is.

        Raises:
            DataError: there is none, or several without a mark.
        """
        before, mark, after = given.rpartition(MARK)
        numbers = _NUMBER.findall(after)
        if not numbers or (not mark and len(numbers) > 1):
            raise DataError(
                f"{given[-60:]!r} is no number, nor a solution that ends in {MARK} and one"
            )
        del before
        return canonical_number(numbers[0])

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        """Return the number after the mark, or else the last one; None where there is none."""
        said = without_thoughts(text)
        _, _, after = said.rpartition(MARK)
        numbers = _NUMBER.findall(after) if MARK in said else []
        found = numbers[:1] or _NUMBER.findall(said)[-1:]
        return canonical_number(found[0]) if found else None

    def truth(self, prediction: Prediction, example: Example) -> str:  # noqa: ARG002 - the one
        """Return the number."""
        return example.label

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 for the right number; an abstention scores 0.0."""
        return float(prediction.label == example.label)


def canonical_number(text: str) -> str:
    """Write a number in the one way that equal numbers share: 1,250.50 as 1250.5, -0 as 0.

    Raises:
        ValueError: it is no number.
    """
    try:
        value = Decimal(text.replace(",", "").replace("\u2212", "-"))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    plain = format(value.normalize(), "f")
    return "0" if plain == "-0" else plain


def reasoning_of(solution: str) -> str:
    """Return the steps of a solution, one a line, without its answer and calculator annotations.

    `<<16-3=13>>` is for a calculator, and `#### 18` on the last line is the answer (Cobbe et al.
    2021, Training Verifiers to Solve Math Word Problems, sections 2 and 4.1).
    """
    lines = [_ANNOTATION.sub("", line).strip() for line in solution.splitlines()]
    steps = [line for line in lines if line]
    return "\n".join(steps[:-1] if steps and steps[-1].startswith(MARK) else steps)
