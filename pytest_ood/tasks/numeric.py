"""Questions that are answered by a number, as GSM8K and SVAMP put them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pytest_ood.errors import DataError
from pytest_ood.parsing import without_thoughts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ood.examples import Example
    from pytest_ood.tasks.protocol import Prediction

MARK = "####"
"""What stands before the answer of a solution (Cobbe et al. 2021, GSM8K, appendix C)."""

LONGEST_NUMBER = 300
"""Characters; what is longer is no answer to anything, and slow to compute with."""

_SIGN, _MONEY = r"[-+\u2212]", r"[$\u20ac\u00a3\u00a5]"
_NUMBER = re.compile(
    # A time of day, a score, a date or a version is no number, nor is any part of it one.
    r"(?P<other>(?<!\d)\d+(?:(?::\d+)+|/\d+/\d+|(?:\.\d+){2,}))"
    # What touches a word before it belongs to it (A4, x2); a sign after a term is an operation.
    rf"|(?<![\w.])(?P<sign>(?<![)\]%]){_SIGN})?(?:{_MONEY}\s?(?P<inner>{_SIGN})?)?"
    # A fraction goes on in no calculation; a hyphen (3/4-inch) or markdown (**3/4**) is none.
    r"(?:(?:(?P<whole>\d+)\s)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)"
    rf"(?!\d|\.\d| ?=| ?(?:[/+\u00d7-]|\*(?!\*)) ?(?:{_MONEY}|[(\d.]))"
    r"|(?P<digits>(?:\d{1,3}(?P<gap>[, \u00a0\u2009\u202f])\d{3}(?:(?P=gap)\d{3})*(?!\d)|\d+)"
    r"(?:\.\d+)?|\.\d+)"
    rf"(?:[eE](?P<exponent>{_SIGN}?\d{{1,3}})(?!\w)"
    rf"|\s?(?:[x*\u00d7]|\\times)\s?10\s?(?:\^|\*\*)\s?\{{?(?P<power>{_SIGN}?\d{{1,3}})\}}?)?)"
)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_MIXED = re.compile(r"(?<=\d)(?=\\[dt]?frac)")
_OPENING = r"[\s*_`'\"$\u20ac\u00a3\u00a5(\[{\\\u2248~=:]*"
# A heading of markdown (#### Step 2: Add) with text below it marks no answer.
_MARKED = re.compile(rf"{MARK}(?!(?:[^\S\n]|[*_`])*(?:\d+[.)][^\S\n]+)?[^\W\d_][^\n]*\n\s*\S)")
_SAID = re.compile(
    r"\banswer\b[\s*_`]*(?:is|was|equals|would be|will be|=)(?!\w)"
    # After a bare colon a whole chain of thought may follow: only a number at once is an answer.
    rf"|\banswer\b[\s*_`]*:(?={_OPENING}[-+\u2212]?{_OPENING}\.?\d)",
    re.IGNORECASE,
)
_ANNOTATION = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True)
class NumericAnswer:
    """A number, right where it is equal to the right one, however it is written.

    Attributes:
        name: In suite files.
        labels: None: any number may be an answer.
        measure: What the mean score is called.
    """

    name: str = "numeric"
    labels: tuple[str, ...] = ()
    measure: str = "accuracy"

    def reference(self, given: str) -> str:
        """Return the number after the mark of a solution, or the only number there is.

        Raises:
            DataError: there is none, or several without a mark.
        """
        _, mark, after = given.rpartition(MARK)
        found = list(numbers(after))
        if not found or (not mark and len(found) > 1):
            raise DataError(
                f"{given[-60:]!r} is no number, nor a solution that ends in {MARK} and one"
            )
        return found[0]

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        r"""Return the number that a text answers with; None where there is none.

        It is looked for behind the last `####` (GSM8K), else in the last `\boxed{}`, else behind
        the last "the answer is" (Wei et al. 2022, Chain-of-Thought Prompting), where the first
        number counts, or, of a calculation, what stands behind its last `=` in that line. What
        announces an answer and has none behind it, such as a text that was cut off, answers
        nothing. Without any of these the last number of the text is the answer (Cobbe et al. 2021
        and those after them score chains of thought so).
        """
        plain = _MIXED.sub(" ", without_thoughts(text)).replace("{,}", ",")
        said = _FRACTION.sub(r"\1/\2", plain)
        marks = list(_MARKED.finditer(said))
        if marks:
            return next(numbers(said[marks[-1].end() :]), None)
        boxes = _BOXED.findall(said)
        if boxes:
            return next(numbers(boxes[-1].rpartition("=")[2]), None)
        announced = list(_SAID.finditer(said))
        if announced:
            return _first_result(said[announced[-1].end() :])
        return next(iter([*numbers(said)][-1:]), None)

    def ballot(self, answer: str) -> str:
        """Return the number, which has one way to be written."""
        return answer

    def truth(self, prediction: Prediction, example: Example) -> str:  # noqa: ARG002 - the one
        """Return the number."""
        return example.label

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 for the right number; an abstention scores 0.0."""
        return float(prediction.label == example.label)


def numbers(text: str) -> Iterator[str]:
    """Yield the numbers of a text, in the one way that equal numbers share.

    Signs, thousands (1,250 or 1 250), decimals, powers of ten (1e3) and fractions (3/4, 1 1/2) are
    read; currencies, units and percent signs are not part of a number. Number words are none:
    "one" is a pronoun more often, and no published evaluation reads them. Times of day, ratios,
    dates and versions are none either.
    """
    for match in _NUMBER.finditer(text):
        value = _value(match)
        text = "" if value is None else written(value)
        # What is written must be a number itself: 1e999 would be too long to be one.
        if 0 < len(text) <= LONGEST_NUMBER:
            yield text


def canonical_number(text: str) -> str:
    """Write a number in the one way that equal numbers share: 1,250.50 as 1250.5, -0 as 0.

    Raises:
        ValueError: it is not one number and nothing else.
    """
    match = _NUMBER.fullmatch(text.strip())
    value = None if match is None else _value(match)
    if value is None:
        raise ValueError(f"{text!r} is no number")
    return written(value)


def written(value: Fraction) -> str:
    """Write a value as a decimal without surplus zeros, or as a fraction where it has no end."""
    top, rest = value.numerator, value.denominator
    places = 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    if rest != 1:
        return f"{top}/{value.denominator}"
    digits = str(abs(top) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if top < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def reasoning_of(solution: str) -> str:
    """Return the steps of a solution, one a line, without its answer and calculator annotations.

    `<<16-3=13>>` is for a calculator, and `#### 18` on the last line is the answer (Cobbe et al.
    2021, Training Verifiers to Solve Math Word Problems, sections 2 and 4.1).
    """
    lines = [_ANNOTATION.sub("", line).strip() for line in solution.splitlines()]
    steps = [line for line in lines if line]
    return "\n".join(steps[:-1] if steps and steps[-1].startswith(MARK) else steps)


def _value(match: re.Match[str]) -> Fraction | None:
    """Return the value of a number; None for what is none, or too long."""
    if match["other"] is not None or len(match[0]) > LONGEST_NUMBER:
        return None
    sign = -1 if {match["sign"], match["inner"]} & {"-", "\u2212"} else 1
    if match["top"] is not None:
        bottom = int(match["bottom"])
        if not bottom:
            return None
        return sign * (int(match["whole"] or 0) + Fraction(int(match["top"]), bottom))
    power = (match["exponent"] or match["power"] or "0").replace("\u2212", "-")
    plain = re.sub(r"[,\s]", "", match["digits"])
    return sign * Fraction(plain if plain[0] != "." else f"0{plain}") * Fraction(10) ** int(power)


def _first_result(said: str) -> str | None:
    """Return the first number, or of a calculation the result that stands in the same line."""
    for line in said.splitlines():
        found = list(numbers(line))
        if found:
            results = [next(numbers(part), None) for part in line.split("=")[1:]]
            known = [result for result in results if result is not None]
            return known[-1] if known else found[0]
    return None
