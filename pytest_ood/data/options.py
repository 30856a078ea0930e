r"""The options of a multiple-choice question: one text, with a mark and an option in each line.

All options of a row are one field, `options`: "A. Paris\nB. Rome". So rows of one data set have the
same fields however many options they have, an option can be added, and marks can be changed like
any other text. The right answer is the letter of its position, whatever the marks are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Any

from pytest_ood.data.values import plain
from pytest_ood.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.inputs import Inputs

OPTIONS = "options"
"""The field of the options."""

LETTERS = tuple(ascii_uppercase)
"""The right answers, by position."""

_ROMAN = (
    "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx xxi xxii xxiii xxiv "
    "xxv xxvi"
)

MARKS: Mapping[str, tuple[str, ...]] = {
    "capitals": LETTERS,
    "letters": tuple(ascii_lowercase),
    "numbers": tuple(str(number) for number in range(1, len(LETTERS) + 1)),
    "roman": tuple(_ROMAN.split()),
}
"""The marks before options, by position, in each style."""

FEWEST = 2
"""The fewest options of a question."""


@dataclass(frozen=True)
class Option:
    """One option in a text of options.

    Attributes:
        mark: Its mark, such as A.
        text: Its text, without white space around it.
        span: Start and end of its text in the text of all options.
        sign: Start and end of the mark with the line break before and the ". " after it.
    """

    mark: str
    text: str
    span: tuple[int, int]
    sign: tuple[int, int]


def write_options(texts: Sequence[str], marks: Sequence[str] = LETTERS) -> str:
    """Write options as one text, each behind its mark in a line.

    Raises:
        DataError: fewer than two, too many, an empty one or two equal ones, or one that has a line
            which begins like the next option; the message does not have its location.
    """
    stripped = [text.strip() for text in texts]
    check_options(stripped)
    written = "\n".join(f"{mark}. {text}" for mark, text in zip(marks, stripped, strict=False))
    for text, option in zip(stripped, read_options(written), strict=False):
        if text != option.text:
            raise DataError(
                f"the option {shown(text)} has a line that begins like the next option; write it "
                "in one line"
            )
    return written


def read_options(text: str) -> tuple[Option, ...]:
    """Return the options in a text that `write_options` wrote; empty for any other text."""
    marks = next((some for some in MARKS.values() if text.startswith(f"{some[0]}. ")), ())
    signs: list[tuple[int, int]] = []
    for number, mark in enumerate(marks):
        sign = f"\n{mark}. " if number else f"{mark}. "
        start = text.find(sign, signs[-1][1] if signs else 0)
        if start < 0:
            break
        signs.append((start, start + len(sign)))
    if len(signs) < FEWEST:
        return ()
    ends = [start for start, _ in signs[1:]] + [len(text)]
    return tuple(
        Option(mark, text[sign[1] : end].strip(), (sign[1], end), sign)
        for mark, sign, end in zip(marks, signs, ends, strict=False)
    )


def options_of(inputs: Inputs) -> tuple[Option, ...]:
    """Return the options in the field `options` of inputs; empty if there are none."""
    return () if isinstance(inputs, str) else read_options(inputs.get(OPTIONS, ""))


def check_options(texts: Sequence[str], most: int = len(LETTERS)) -> None:
    """Check the options of a question.

    Args:
        texts: The options, without white space around them.
        most: The largest number of options.

    Raises:
        DataError: fewer than two, more than `most`, an empty one, or two equal ones; the message
            does not have its location.
    """
    if len(texts) < FEWEST:
        listed = f" ({shown(texts[0])})" if texts else ""
        raise DataError(
            f"there is {'one option' if texts else 'no option'}{listed}; a question has two or more"
        )
    if len(texts) > most:
        advice = f"; set max_options = {len(texts)}" if len(texts) <= len(LETTERS) else ""
        raise DataError(f"there are {len(texts)} options, and at most {most} are allowed{advice}")
    for position, text in enumerate(texts):
        if not text:
            raise DataError(f"option {LETTERS[position]} is empty; leave it out, or fill it in")
        if text in texts[:position]:
            first = LETTERS[texts.index(text)]
            raise DataError(
                f"the options {first} and {LETTERS[position]} are the same, {shown(text)}: nobody "
                "can tell which is right; make them differ, or leave one out"
            )


FORMS = ("letter", "index", "number", "text")
"""How data name the right option: by its letter or the data's own mark, by its index from 0, by its
number from 1, or by its text."""


def position_of(
    value: Any, texts: Sequence[str], marks: Sequence[str] = LETTERS, form: str | None = None
) -> int:
    """Return the position of the right option from 0.

    Args:
        value: The value of the data.
        texts: The options.
        marks: The marks of the options.
        form: One of `FORMS`; None to read a whole number as an index from 0, and a text as a mark,
            a letter, or the text of an option.

    Raises:
        DataError: it is none of the options, or may be either of two; the message does not have its
            location.
    """
    positions = _positions(plain(value), texts, marks, form)
    if len(positions) == 1:
        return positions.pop()
    listed = ", ".join(f"{m}. {shown(t)}" for m, t in zip(marks, texts, strict=False))
    allowed = f"answer_form = {', '.join(map(repr, FORMS))}".replace("'", '"')
    if positions:
        both = " or ".join(LETTERS[position] for position in sorted(positions))
        raise DataError(
            f"the right answer {shown(value)} may be option {both} ({listed}); say beside `label` "
            f"what it is: {allowed}"
        )
    advice = f"; say beside `label` what it is: {allowed}" if form is None else f" by {form}"
    raise DataError(f"the right answer {shown(value)} is none of the options ({listed}){advice}")


def _positions(
    value: Any, texts: Sequence[str], marks: Sequence[str], form: str | None
) -> set[int]:
    """Return the positions that a value may mean."""
    count = len(texts)
    number = _whole(value, written=form is not None)
    is_mark = number is not None and str(number) in marks[:count]
    if form in ("index", "number") or (form is None and number is not None and not is_mark):
        position = -1 if number is None else number - (form == "number")
        return {position} if 0 <= position < count else set()
    text = value.strip() if isinstance(value, str) else str(value if number is None else number)
    named = {index for index, mark in enumerate(marks[:count]) if mark == text}
    lettered = {index for index, letter in enumerate(LETTERS[:count]) if letter == text}
    spelled = {index for index, option in enumerate(texts) if option == text}
    by_form = {"letter": named or lettered, "text": spelled}
    return by_form.get(form or "", named | lettered | spelled)


def _whole(value: Any, *, written: bool) -> int | None:
    """Return a whole number, also one with decimals or, if `written`, one in a text; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    text = value.strip() if isinstance(value, str) and written else ""
    return int(text) if text.isascii() and text.isdigit() else None
