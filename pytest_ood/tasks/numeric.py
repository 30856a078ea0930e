"""Questions with a number as the answer, such as GSM8K and SVAMP."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from pytest_ood.data.parsing import (
    MOST_BRACES,
    answers_of,
    json_values,
    last_box,
    last_tagged,
    visible,
    without_thoughts,
    word_set,
)
from pytest_ood.errors import DataError
from pytest_ood.languages import ENGLISH, find_language
from pytest_ood.tasks._numerals import in_english, in_language, is_alike
from pytest_ood.tasks._wording import number_announced
from pytest_ood.tasks.protocol import OpenTask, relabelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ood.data.examples import Example
    from pytest_ood.languages import Language
    from pytest_ood.tasks.protocol import Prediction

MARK = "####"
"""The mark before the answer of a solution (Cobbe et al. 2021, GSM8K, appendix C)."""

LONGEST_NUMBER = 300
"""The most characters of a number; longer ones are no answers, and slow to compute with."""

_SIGN, _MONEY = r"[-+\u2212\u2013]", r"[$\u20ac\u00a3\u00a5]"
_MINUSES = "-\u2212\u2013"
# What touches a word belongs to it (A4, x2, item_2); the underscores of markdown (__18__) do not.
_NO_WORD_BEFORE = r"(?<![^\W_.])(?<![.])(?<![^\W_]_)(?<![^\W_]__)"
_NO_WORD_AFTER = r"(?![^\W_])"
_SCALES = {
    "hundred": 2,
    "thousand": 3,
    "million": 6,
    "billion": 9,
    "trillion": 12,
    "lakh": 5,
    "crore": 7,
    "k": 3,
    "m": 6,
    "mn": 6,
    "b": 9,
    "bn": 9,
    "t": 12,
    "tn": 12,
}
"""The powers of ten of words and letters after a number."""
_SCALE = (
    r"(?:(?P<scale>(?:[\s-]?(?i:hundred|thousand|million|billion|trillion|lakh|crore)\b){1,2})"
    # Without a currency a letter may be a unit (18m) or the part of a question (18b).
    rf"|(?P<letter>(?(money)(?i:k|[mbt]n?)|(?:[kKM]|[mbt]n))){_NO_WORD_AFTER})?"
)
_ROOT = r"(?:\\sqrt(?:\[\d+\])?|\u221a)\s?[({]?\d*[)}]?"
_ARGUMENT = r"\s?\{[^{}\n]{0,60}(?:\{[^{}\n]{0,60}\}[^{}\n]{0,60})?\}"
_NUMBER = re.compile(
    # Of what has no end as a decimal, or another base, no part is a number.
    rf"(?P<symbol>{_SIGN}?(?:{_MONEY}\s?)?{_SIGN}?(?<![\d.,])\d[\d.,]*+(?:\s?(?:{_ROOT}|\\pi\b|\u03c0|pi\b)"
    r"|\\(?:overline|bar|dot)\s?\{?\d*\}?|_\{?\d{1,2}(?!\d)\}?|\^\{?(?!o\b)[a-z])"
    rf"|{_ROOT}|\\[dtc]?frac(?:{_ARGUMENT}){{0,2}})"
    # A time of day, a score, a date, a version, mixed separators or an exponent is no number, nor
    # is any part of it one.
    r"|(?P<other>(?<!\d)(?:\d+(?:(?::\d+)+|/\d+/\d+|(?:\.\d+){2,}(?:,\d+)?)"
    r"|\d{1,3}\.\d{3},\d+|\d{1,3}(?:,\d{3})++,\d{1,2}(?![\d,]))"
    rf"|\^\s?\{{?{_SIGN}?\d+)"
    # A sign after a term is an operation.
    rf"|{_NO_WORD_BEFORE}(?P<sign>(?<![)\]%]){_SIGN})?(?:(?P<money>{_MONEY})\s?(?P<inner>{_SIGN})?)?"
    # A fraction goes on in no calculation; a hyphen (3/4-inch) or markdown (**3/4**) is none.
    r"(?:(?:(?P<whole>\d+)\s)?(?P<top>\d+)\s?/\s?(?P<bottom>\d+)"
    rf"(?!\d|\.\d| ?=| ?(?:[/+\u00d7\u2212\u2013-]|\*(?!\*)) ?(?:{_MONEY}|[(\d.]))"
    # Thousands; of the Indian grouping (12,34,567) only the last three digits stand together.
    r"|(?P<digits>(?:(?<!\d,)\d{1,2}(?:,\d{2}(?=,)){1,6}+,\d{3}(?!\d|,\d)"
    r"|\d{1,3}(?P<gap>[, \u00a0\u2009\u202f'\u2019_])\d{3}(?:(?P=gap)\d{3})*(?!\d)|\d+)"
    r"(?:\.\d+)?|\.\d+)"
    rf"(?:[eE](?P<exponent>{_SIGN}?\d{{1,3}}){_NO_WORD_AFTER}"
    r"|\s?(?:[x*\u00d7\u00b7\u22c5]|\\times|\\cdot)\s?10\s?(?:\^|\*\*)\s?"
    rf"\{{?(?P<power>{_SIGN}?\d{{1,3}})\}}?"
    rf"|(?:\s?\^\s?\{{?|\*\*(?!\d+\*))(?P<raised>{_SIGN}?\d{{1,3}})(?![\d.]\d*)\}}?)?)"
    rf"{_SCALE}"
)
_TERM = r"[-+\u2212\u2013]?(?:\d[\d,]*+(?:\.\d++)?|\.\d++)"
_FRACTION = re.compile(
    rf"\\[dtc]?frac\s*+(?:\{{\s*+({_TERM})\s*+\}}|(\d))\s*+(?:\{{\s*+({_TERM})\s*+\}}|(\d)(?!\d))"
)
_MIXED = re.compile(r"(?<=\d)(?=\\[dtc]?frac)")
_THIN = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\[,;:! ]|~)(?=\d{3}(?!\d))")
"""Separators of thousands in LaTeX."""
_VULGAR = {
    sign: normalize("NFKC", sign).replace("\u2044", "/")
    for sign in "\u00bc\u00bd\u00be\u2150\u2151\u2152\u2153\u2154\u2155\u2156\u2157\u2158\u2159"
    "\u215a\u215b\u215c\u215d\u215e"
}
_VULGARS = re.compile(rf"(?P<mixed>(?<=\d))?(?P<sign>[{''.join(_VULGAR)}])")
_RAISED = re.compile(r"(?<=\d)[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_NEXT = rf"(?={_MONEY}?\.?\d)"
_MINUS = re.compile(
    rf"\bnegative\s{_NEXT}"
    rf"|(?P<said>(?:\A|[=:({{\n]|\b(?:is|be|was|equals|gives|makes|to|than))[\s*_`]{{0,4}})minus\s{_NEXT}"
    # A hyphen at the very start may be a bullet.
    rf"|(?P<before>(?:[={{]|{MARK}|\banswer[*_`]{{0,3}}:|\b(?:is|be|was|equals))[ \t*_`]{{0,3}})"
    rf"[{_MINUSES}][ \t]{_NEXT}"
    rf"|(?P<start>\A[ \t*_`]{{0,3}})[\u2212\u2013][ \t]{_NEXT}",
    re.IGNORECASE,
)
"""A minus as a word, or with a space before its number, without a term before it."""
_VARIABLE = re.compile(r"\d[n-z]\b(?<!s)")
"""A multiple of a variable, such as 2x; other letters may be units."""
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_HARMLESS = word_set(
    "text textbf textit textrm texttt mathrm mathbf mathit mathsf mbox hbox rm bf left right "
    "bigl bigr big Big quad qquad circ degree displaystyle times cdot sim underline space "
    "boxed fbox operatorname percent dollar euro pounds"
)
"""Commands of LaTeX that do not change the value of a number next to them."""
_EQUAL = re.compile(r"=|\\approx\b|\u2248")
_MARKUP = r"[\s*_`~]*+"
# Possessive: two such runs in a row must not be tried in every division of the same characters.
_OPENING = r"[\s*_`'\"$\u20ac\u00a3\u00a5(\[{\\\u2248~=:]*+"
_HEADING = re.compile(rf"(?<={MARK})(?:[^\S\n]|[*_`])*+(?:\d+[.)][^\S\n]+)?[^\W\d_]")
"""The text after the mark if it is a heading of markdown (#### Step 2: Add)."""

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
    r"\A(?:\s|[%)\]])*+(?:[-+\u2212\u2013*/\u00d7\u00f7\u00b7^]|\\(?:times|cdot|div)\b|(?:times|plus|minus|divided\sby|multiplied\sby|x)\b)"
    rf"(?=\s*+(?:{_MONEY}|[(\[.\d]))",
    re.IGNORECASE,
)
"""The text after a number that is the first term of a calculation."""
_SHARE = re.compile(
    rf"\A\s?(?P<percent>%|percent\b)?\sof\s(?:the\s)?(?={_MONEY}?\.?\d)", re.IGNORECASE
)
"""The text between a share and the number it refers to: 20% of 90."""
_MULTIPLE = re.compile(
    r"\b(?:half|third|quarter|fifth|tenth|thirds|quarters|fourths|fifths|tenths|twice|double"
    r"|triple|thrice)(?:\sof)?\s[$\u20ac\u00a3\u00a5*_`]{0,3}\Z",
    re.IGNORECASE,
)
_OF_TWO = re.compile(
    r"\b(?:sum|product|difference|quotient|average|mean|total)\s(?:of|between)\s"
    r"[$\u20ac\u00a3\u00a5*_`]{0,3}\Z",
    re.IGNORECASE,
)
_AND = re.compile(rf"\A\s?(?:,|and\b|from\b)\s?(?={_MONEY}?\.?\d)", re.IGNORECASE)
"""The text between two numbers of a calculation in words: the sum of 9 and 9."""
_DENIED = re.compile(r"\bnot\s[\s$\u20ac\u00a3\u00a5*_`]{0,3}\Z|n't\s\Z", re.IGNORECASE)
_UNIT = re.compile(
    r"\A(?:\s|[%)\]])*+(?:(?:/\s?)?[^\W\d_]{1,20}(?:/[^\W\d_]{1,20})?\s){1,3}"
    r"(?=[-+\u2212\u2013*/\u00d7\u00f7]\s?)"
)
"""The unit of a number in a calculation: 5 apples + 3 apples."""
_EQUALS_AT_ONCE = re.compile(r"\A(?:[\s)\]%$*_`]|\\%|\\\))*+=")
_ASIDE = re.compile(
    r"\b(?:where|when|if|since|because|given|check|checking|verify|assuming|let|for|with)\b"
    r"|\([^()=\n]{0,100}=",
    re.IGNORECASE,
)
"""The beginning of an aside, which is no part of a calculation."""
_BESIDE = re.compile(
    rf"[\s%*_`]{{0,9}},?\s?(?:[^\W\d_]{{1,20}}[\s*_`]{{1,4}}){{0,2}}(?:{_ASIDE.pattern})",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.](?!\d)")
_RESULT = re.compile(
    r"=|\b(?:which|that|it|this)\s(?:is|equals|gives|makes|comes\sto)\b"
    r"|\b(?:equals|gives|makes)\b|\b(?:is\s)?equal\sto\b|\b(?:is|or|so|thus|therefore|hence)\b",
    re.IGNORECASE,
)
"""The text before the result of a calculation."""
_ANNOTATION = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True)
class NumericAnswer(OpenTask):
    """A number, compared by its value.

    Attributes:
        name: The name in suite files.
        labels: Empty: any number may be an answer.
        measure: The name of the mean score.
        blank: None: an empty recorded answer is an abstention.
        protects: Numbers, which decide the answer.
        language: The language of numbers and announcements, a tag of BCP 47; those of English are
            read, too. Answers have the marks of the language: 1234,5 in German.
    """

    name: str = "numeric"
    labels: tuple[str, ...] = ()
    measure: str = "accuracy"
    blank: None = None
    protects: tuple[str, ...] = ("numbers",)
    language: str = "en"

    def in_language(self, language: str) -> NumericAnswer:
        """Return the task for texts in a language, a tag of BCP 47; "" for the task's own."""
        return replace(self, language=language or self.language)

    def reference(self, answer: str) -> str:
        """Return the number after the mark of a solution, or the only number of a text.

        Raises:
            DataError: there is no number, or several without a mark.
        """
        _, mark, after = answer.rpartition(MARK)
        language = find_language(self.language)
        values = list(numbers(_plain(after, language)))
        if not values or (not mark and len(values) > 1):
            raise DataError(
                f"{answer[-60:]!r} is no number, nor a solution that ends in {MARK} and one"
            )
        return in_language(values[0], language)

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        r"""Return the number with which a text answers, or None.

        The first of these that the text has decides:

        1. the number after the last `####` (GSM8K);
        2. the number in the last `\boxed{}`;
        3. the first number after the last "the answer is" (Wei et al. 2022, Chain-of-Thought
           Prompting), or the result of a calculation in that line ("676 - 224 = 452", "676 - 224,
           which is 452"). It may include an aside: "the answer (arabic numerals) is" (Kojima et al.
           2022, Large Language Models are Zero-Shot Reasoners);
        4. the last number of the text, as Cobbe et al. 2021 score solutions.

        An announcement without a number after it, as in a truncated text, is no answer. The
        announcements of the task's language count as those of English.
        """
        language = find_language(self.language)
        number = _answer(_plain(without_thoughts(text), language), language)
        return None if number is None else in_language(number, language)

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction with the right answer if the two are the same number.

        An example in another language than the task's is read again in its own. Where a comma is
        before decimals, 1,234 is also the English number 1234 if that is right: translated data
        sets such as MGSM keep the marks of English, and models write them.
        """
        language = find_language(example.language or self.language)
        said = prediction.label if prediction.text is None else prediction.text
        if said is not None and language != find_language(self.language):
            read = self.in_language(language.code).read(said, {})
            prediction = relabelled(prediction, read)
        if language.decimal != "," or prediction.label in (None, example.label):
            return prediction
        # The answer of the data may have been read in the task's language.
        right = next(numbers(_plain(example.label, language)), "")
        is_right = is_alike(str(prediction.label), in_language(right, language), language)
        return relabelled(prediction, example.label) if is_right else prediction

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 for the right number; an abstention scores 0.0."""
        return float(prediction.label == example.label)


def _answer(said: str, language: Language) -> str | None:
    """Return the number with which a text answers whose numbers are as in English, or None."""
    marked = _after_mark(said)
    if marked is not None:
        return next(numbers(marked), None)
    box = last_box(said)
    if box is not None:
        return _in_box(box)
    announced = _announced(said, language)
    return _last_number(said) if announced is None else _first_result(announced)


def numbers(text: str) -> Iterator[str]:
    """Yield the numbers of an English text in canonical form.

    Signs, thousands (1,250 or 1 250), decimals, powers of ten (1e3) and fractions (3/4, 1 1/2) are
    parsed; currencies, units and percent signs are no part of a number. Number words are ignored:
    "one" is more often a pronoun, and no published evaluation parses them. Times of day, ratios,
    dates and versions are no numbers.
    """
    return _canonical(_NUMBER.finditer(text))


def _canonical(matches: Iterable[re.Match[str]]) -> Iterator[str]:
    """Yield the canonical form of each match that is a number."""
    for match in matches:
        value = _value(match)
        text = "" if value is None else written(value)
        # The canonical form has to be a number itself: that of 1e999 would be too long.
        if 0 < len(text) <= LONGEST_NUMBER:
            yield text


def canonical_number(text: str) -> str:
    """Return the canonical form of a number: 1250.5 for 1,250.50, and 0 for -0.

    Raises:
        ValueError: the text is not exactly one number.
    """
    match = _NUMBER.fullmatch(text.strip())
    value = None if match is None else _value(match)
    if value is None:
        raise ValueError(f"{text!r} is no number")
    return written(value)


def written(value: Fraction) -> str:
    """Return a value as a decimal without trailing zeros, or as a fraction if it is periodic."""
    top, rest = value.numerator, value.denominator
    twos = (rest & -rest).bit_length() - 1
    fives = round(math.log(rest >> twos, 5))
    decimals = max(twos, fives)
    if rest >> twos != 5**fives:
        return f"{top}/{value.denominator}"
    digits = str(abs(top) * 10**decimals // value.denominator).rjust(decimals + 1, "0")
    sign = "-" if top < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"


def reasoning_of(solution: str) -> str:
    """Return the steps of a solution, one per line, without answer and calculator annotations.

    `<<16-3=13>>` is for a calculator, and `#### 18` on the last line is the answer (Cobbe et al.
    2021, Training Verifiers to Solve Math Word Problems, sections 2 and 4.1).
    """
    lines = [_ANNOTATION.sub("", line).strip() for line in solution.splitlines()]
    steps = [line for line in lines if line]
    return "\n".join(steps[:-1] if steps and steps[-1].startswith(MARK) else steps)


def _value(match: re.Match[str]) -> Fraction | None:
    """Return the value of a number; None if the match is no number, or too long."""
    if match["digits"] is match["top"] is None or len(match[0]) > LONGEST_NUMBER:
        return None
    sign = -1 if {match["sign"], match["inner"]} & {*_MINUSES} else 1
    words = re.findall(r"[a-z]+", (match["scale"] or match["letter"] or "").lower())
    scale = Fraction(10) ** sum(_SCALES[word] for word in words)
    if match["top"] is not None:
        bottom = int(match["bottom"])
        if not bottom:
            return None
        return sign * scale * (int(match["whole"] or 0) + Fraction(int(match["top"]), bottom))
    power = _exponent(match["exponent"] or match["power"])
    plain = re.sub(r"[,\s'\u2019_]", "", match["digits"])
    digits = Fraction(plain if plain[0] != "." else f"0{plain}")
    if digits and abs(power) > 2 * LONGEST_NUMBER:
        return None  # its decimal form would be too long, and slow to compute
    raised = _exponent(match["raised"] or "1")
    if (not digits and raised < 0) or abs(raised) * len(plain) > 2 * LONGEST_NUMBER:
        return None
    return sign * scale * digits**raised * Fraction(10) ** power


def _exponent(text: str | None) -> int:
    """Return an exponent; 0 if there is none."""
    return int((text or "0").replace("\u2212", "-").replace("\u2013", "-"))


def _plain(text: str, language: Language = ENGLISH) -> str:
    """Return a text with its numbers in ASCII, as `_NUMBER` expects them."""
    text = _THIN.sub(",", visible(text)).replace("{,}", ",").replace("\u2044", "/")
    text = in_english(text, language)
    text = _VULGARS.sub(lambda m: ("" if m["mixed"] is None else " ") + _VULGAR[m["sign"]], text)
    text = _RAISED.sub(lambda m: f"^{{{normalize('NFKC', m[0])}}}", text)
    text = _FRACTION.sub(_as_fraction, _MIXED.sub(" ", text))
    return _MINUS.sub(lambda m: f"{m['said'] or m['before'] or m['start'] or ''}-", text)


def _as_fraction(match: re.Match[str]) -> str:
    """Return a fraction of LaTeX as two integers with a slash."""
    if len(match[0]) > LONGEST_NUMBER:
        return match[0]
    top, bottom = (
        Fraction(re.sub("[\u2212\u2013]", "-", term).replace(",", ""))
        for term in (match[1] or match[2], match[3] or match[4])
    )
    if not bottom:
        return f"{top}/0"
    value = top / bottom
    return f"{value.numerator}/{value.denominator}"


def _announced(text: str, language: Language) -> str | None:
    """Return the text after the words or the tag that announce an answer; None without any."""
    tagged = last_tagged(text)
    said = text if tagged is None else tagged
    in_object = _in_object(said)
    if in_object is not None:
        return in_object
    local = number_announced(language)
    patterns = (_SAID,) if local is None else (_SAID, local)
    ends = [match.end() for pattern in patterns for match in pattern.finditer(said)]
    return said[max(ends) :] if ends else tagged


def _last_number(text: str) -> str | None:
    """Return the last number of a text; None if it ends in an expression (2\u03c0).

    A single line of a number and an equation after it (15, where x = 3) answers with the number.
    """
    matches = [*_NUMBER.finditer(text)]
    line = text.strip()
    first = _first(line) if "=" in line and "\n" not in line else None
    if (
        first
        and not line[: first[0].start()].strip(" *_`$")
        and _BESIDE.match(line, first[0].end())
    ):
        return first[1]
    if matches and matches[-1]["symbol"] is not None:
        return None
    return next(_canonical(reversed(matches)), None)


def _in_box(box: str) -> str | None:
    r"""Return the number in a box; None if it is a part of an expression (3\sqrt{2})."""
    value = _EQUAL.split(box)[-1]
    commands = {command[1] for command in _COMMAND.finditer(value)}
    if commands - _HARMLESS or _VARIABLE.search(value):
        return None
    matches = [*_NUMBER.finditer(value)]
    if any(match["symbol"] is not None for match in matches):
        return None
    return next(_canonical(matches), None)


def _in_object(text: str) -> str | None:
    """Return the answer fields of the last JSON object that has any, as text."""
    # Numbers are kept as text: a float would round them.
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    answers = [
        answers_of(json_object) for _, json_object in json_values(text, decoder, MOST_BRACES)
    ]
    return next(("\n".join(fields) for fields in reversed(answers) if fields), None)


def _first_result(said: str) -> str | None:
    """Return the first number, or the result of a calculation in the same line.

    A negated number (not 17 but 18) is skipped.
    """
    lines: list[list[str]] = []
    for line in said.splitlines():
        # A calculation may go on in the next line.
        if lines and line.lstrip().startswith("="):
            lines[-1].append(line)
        elif line.strip():
            lines.append([line])
    for line in map(" ".join, lines):
        first = _NUMBER.search(line)
        if first and first["symbol"] is not None:
            sign = _EQUAL.search(line, first.end())
            result = _first(line[sign.end() :]) if sign else None
            return result[1] if result else None
        number = _result(line)
        if number is not None:
            return number
    return None


def _result(line: str) -> str | None:
    """Return the first number of a line, or the result of the calculation that it begins."""
    first = _first(line)
    while first is not None and _DENIED.search(line[: first[0].start()][-30:]):
        line = line[first[0].end() :]
        first = _first(line)
    if first is None:
        return None
    match, number = first
    rest = line[match.end() :]
    lead = line[max(0, match.start() - 30) : match.start()]
    unit = _UNIT.match(rest)
    begins = _OPERATION.match(rest[unit.end() :] if unit else rest)
    if begins or _EQUALS_AT_ONCE.match(rest):
        equal = _last_equal(line, match.end())
        if equal is not None:
            return equal
    share = _SHARE.match(rest)
    counted = begins or _MULTIPLE.search(lead) or (share and (share["percent"] or match["top"]))
    if counted or (_OF_TWO.search(lead) and _AND.match(rest)):
        sign = _RESULT.search(rest)
        result = _first(rest[sign.end() :]) if sign else None
        if result:
            return result[1]
    return number


def _last_equal(line: str, start: int) -> str | None:
    """Return the result of the last calculation of a line after a position.

    An equation without a number on its left (x = 3) is no calculation, nor is one in an aside.
    """
    sign = line.find("=", start)
    aside = _ASIDE.search(line, sign + 1)
    line = line[: aside.start() if aside else len(line)]
    equal = None
    parts = line[start:].split("=")
    for left, right in pairwise(parts):
        clause = _CLAUSE.split(left)[-1]
        if left is not parts[0] and not any(map(str.isdecimal, clause)):
            continue
        result = _first(right)
        # A number that begins another calculation is no result.
        if result and not _OPERATION.match(right[result[0].end() :]):
            equal = result[1]
    return equal


def _first(text: str) -> tuple[re.Match[str], str] | None:
    """Return the match of the first number of a text, and the number; or None."""
    for match in _NUMBER.finditer(text):
        for number in _canonical([match]):
            return match, number
    return None


def _after_mark(text: str) -> str | None:
    """Return the text after the last mark that announces an answer, or None.

    A heading of markdown (#### Step 2: Add) with text below it announces no answer.
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


NAMES = ("numeric",)


def parse(name: str, table: Mapping[str, Any]) -> NumericAnswer:
    """Return the task of a suite, in its language; it has no keys of its own.

    Raises:
        ConfigurationError: there is no such language.
    """
    return NumericAnswer(name, language=find_language(table.get("language", "en")).code)
