"""Questions that are answered by a number, as GSM8K and SVAMP put them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pytest_ood.errors import DataError
from pytest_ood.parsing import without_thoughts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ood.examples import Example
    from pytest_ood.tasks.protocol import Prediction

MARK = "####"
"""What stands before the answer of a solution (Cobbe et al. 2021, GSM8K, appendix C)."""

LONGEST_NUMBER = 300
"""Characters; what is longer is no answer to anything, and slow to compute with."""

_SIGN, _MONEY = r"[-+\u2212]", r"[$\u20ac\u00a3\u00a5]"
# What touches a word belongs to it (A4, x2, item_2); the underscores of markdown (__18__) do not.
_NO_WORD_BEFORE = r"(?<![^\W_.])(?<![.])(?<![^\W_]_)(?<![^\W_]__)"
_NO_WORD_AFTER = r"(?![^\W_])"
_NUMBER = re.compile(
    # A time of day, a score, a date or a version is no number, nor is any part of it one.
    r"(?P<other>(?<!\d)\d+(?:(?::\d+)+|/\d+/\d+|(?:\.\d+){2,}))"
    # A sign after a term is an operation.
    rf"|{_NO_WORD_BEFORE}(?P<sign>(?<![)\]%]){_SIGN})?(?:{_MONEY}\s?(?P<inner>{_SIGN})?)?"
    # A fraction goes on in no calculation; a hyphen (3/4-inch) or markdown (**3/4**) is none.
    r"(?:(?:(?P<whole>\d+)\s)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)"
    rf"(?!\d|\.\d| ?=| ?(?:[/+\u00d7-]|\*(?!\*)) ?(?:{_MONEY}|[(\d.]))"
    r"|(?P<digits>(?:\d{1,3}(?P<gap>[, \u00a0\u2009\u202f])\d{3}(?:(?P=gap)\d{3})*(?!\d)|\d+)"
    r"(?:\.\d+)?|\.\d+)"
    rf"(?:[eE](?P<exponent>{_SIGN}?\d{{1,3}}){_NO_WORD_AFTER}"
    rf"|\s?(?:[x*\u00d7]|\\times)\s?10\s?(?:\^|\*\*)\s?\{{?(?P<power>{_SIGN}?\d{{1,3}})\}}?)?)"
)
_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|\\[{}]|(?P<open>\{)|(?P<close>\})")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_MIXED = re.compile(r"(?<=\d)(?=\\[dt]?frac)")
_MARKUP = r"[\s*_`~]*+"
# Possessive: two such runs in a row must not be tried in every division of the same characters.
_OPENING = r"[\s*_`'\"$\u20ac\u00a3\u00a5(\[{\\\u2248~=:]*+"
_HEADING = re.compile(rf"(?<={MARK})(?:[^\S\n]|[*_`])*+(?:\d+[.)][^\S\n]+)?[^\W\d_]")
"""What follows the mark where it is a heading of markdown (#### Step 2: Add)."""

# What may stand between "answer" and its verb: (in dollars), [cm], ", in words," or "to part b".
_BRACKETS = r"(?:\([^()\n]{0,100}+\)|\[[^\[\]\n]{0,100}+\])"
_PHRASE = (
    r"(?:,[^,.;:!?\n\d]{1,40}+,|(?:to|for)\s(?:part|question|problem)\s\(?\w{1,3}\)?"
    r"|(?:to|in|for|of|as)\b[^.,;:!?()\[\]\n\d=]{0,60}?)"
)
_VERB = (
    r"(?:is|was|equals|(?:would|will|should|must|can only)\sbe|has\sto\sbe|comes\s(?:out\s)?to"
    r"|turns\sout\sto\sbe|=)(?!\w)"
)
_SAID = re.compile(
    rf"\banswer(?:['\u2019]s(?!\w)"
    rf"|\b{_MARKUP}(?:{_BRACKETS}{_MARKUP})?(?:{_PHRASE}{_MARKUP})?(?:{_BRACKETS}{_MARKUP})?(?:"
    rf"(?:(?:therefore|thus|then|hence|here|also|simply)\s)?{_VERB}"
    # After a bare colon a whole chain of thought may follow: only a number at once is an answer.
    rf"|:(?={_OPENING}[-+\u2212]?{_OPENING}\.?\d)))",
    re.IGNORECASE,
)
_OPERATION = re.compile(
    r"\A(?:\s|[%)\]])*+(?:[-+\u2212*/\u00d7\u00f7^]|(?:times|plus|minus|divided\sby|multiplied\sby|x)\b)"
    rf"(?=\s*+(?:{_MONEY}|[(\[.\d]))",
    re.IGNORECASE,
)
"""What makes a number the first term of a calculation."""
_RESULT = re.compile(
    r"=|\b(?:which|that|it|this)\s(?:is|equals|gives|makes|comes\sto)\b"
    r"|\b(?:equals|gives|makes)\b|\b(?:is\s)?equal\sto\b|\b(?:is|or)\b",
    re.IGNORECASE,
)
"""What stands before the result of a calculation."""
_ANNOTATION = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True)
class NumericAnswer:
    """A number, right where it is equal to the right one, however it is written.

    Attributes:
        name: In suite files.
        labels: None: any number may be an answer.
        measure: What the mean score is called.
        blank: None: an empty recorded answer is an abstention.
        protects: Numbers: with another one the answer would be another.
    """

    name: str = "numeric"
    labels: tuple[str, ...] = ()
    measure: str = "accuracy"
    blank: None = None
    protects: tuple[str, ...] = ("numbers",)

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
        number counts, or, of a calculation, its result in that line ("676 - 224 = 452", "676 -
        224, which is 452"). An aside may stand in it: "the answer (arabic numerals) is" (Kojima et
        al. 2022, Large Language Models are Zero-Shot Reasoners). What announces an answer and has
        none behind it, such as a text that was cut off, answers nothing. Without any of these the
        last number of the text is the answer (Cobbe et al. 2021 and those after them score chains
        of thought so).
        """
        plain = _MIXED.sub(" ", without_thoughts(text)).replace("{,}", ",")
        said = _FRACTION.sub(r"\1/\2", plain)
        marked = _after_mark(said)
        if marked is not None:
            return next(numbers(marked), None)
        box = _last_box(said)
        if box is not None:
            return next(numbers(box.rpartition("=")[2]), None)
        announced = list(_SAID.finditer(said))
        if announced:
            return _first_result(said[announced[-1].end() :])
        return next(_canonical(reversed([*_NUMBER.finditer(said)])), None)

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:  # noqa: ARG002
        """Return the prediction: what it answers hangs on no example."""
        return prediction

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
    return _canonical(_NUMBER.finditer(text))


def _canonical(matches: Iterable[re.Match[str]]) -> Iterator[str]:
    """Yield the canonical form of each match that is a number."""
    for match in matches:
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
    twos = (rest & -rest).bit_length() - 1
    fives = round(math.log(rest >> twos, 5))
    places = max(twos, fives)
    if rest >> twos != 5**fives:
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
    power = int((match["exponent"] or match["power"] or "0").replace("\u2212", "-"))
    plain = re.sub(r"[,\s]", "", match["digits"])
    digits = Fraction(plain if plain[0] != "." else f"0{plain}")
    if digits and abs(power) > 2 * LONGEST_NUMBER:
        return None  # too long to be written, and slow to compute with
    return sign * digits * Fraction(10) ** power


def _first_result(said: str) -> str | None:
    """Return the first number, or of a calculation the result that stands in the same line."""
    for line in said.splitlines():
        first = _first(line)
        if first is None:
            continue
        results = list(filter(None, map(_first, line.split("=")[1:])))
        if results:
            return results[-1][1]
        match, number = first
        rest = line[match.end() :]
        sign = _RESULT.search(rest) if _OPERATION.match(rest) else None
        result = _first(rest[sign.end() :]) if sign else None
        return result[1] if result else number
    return None


def _first(text: str) -> tuple[re.Match[str], str] | None:
    """Return the match of the first number of a text, and the number; None where it has none."""
    for match in _NUMBER.finditer(text):
        for number in _canonical([match]):
            return match, number
    return None


def _after_mark(text: str) -> str | None:
    """Return what follows the last mark; None where there is none that announces an answer.

    A heading of markdown (#### Step 2: Add) with text below it marks no answer.
    """
    end = len(text)
    last = len(text.rstrip())
    while True:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        index = line.rfind(MARK)
        while index >= 0:
            after = start + index + len(MARK)
            if end >= last or not _HEADING.match(text, after, end):
                return text[after:]
            index = line.rfind(MARK, 0, index)
        if not start:
            return None
        end = start - 1


def _last_box(text: str) -> str | None:
    r"""Return what stands in the last `\boxed{}` that is closed, braces inside it included."""
    opened: list[int | None] = []
    box = None
    for match in _BRACES.finditer(text):
        if match["box"] or match["open"]:
            opened.append(match.end() if match["box"] else None)
        elif match["close"] and opened:
            start = opened.pop()
            box = box if start is None else text[start : match.start()]
    return box
