"""The options of multiple-choice questions: their order, their marks, and one more of them.

The text is that of all options (`pytest_ood.data.options`); any other text stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.data.options import LETTERS, MARKS, options_of, read_options
from pytest_ood.languages import ENGLISH, having
from pytest_ood.perturbations._texts import drawn_text
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.protocol import ALL, perturbation
from pytest_ood.tasks.multiple_choice import MULTIPLE_CHOICE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.data.options import Option
    from pytest_ood.languages import Language

_CLOSING = re.compile(
    r"(?i)\W*(?:all|none|both|neither|any|either|some)\b.{0,20}\b(?:above|these|those|them|options|"
    r"answers|choices|other)\b.{0,12}"
)
"""An option about all others, which stays the last one."""

_REFERRING = re.compile(
    r"(?i:\b(?:above|below|preceding|previous|following|former|latter|(?:first|last|other) (?:two|"
    r"three|option|answer|choice)|options?|answers?|choices?)\b)"
    r"|(?<![\w.'])\(?(?:[A-Za-z]|\d|[ivx]+)\)?,? (?:and|or|nor|&) "
    r"\(?(?:[A-Za-z]|\d|[ivx]+)\)?(?![\w'])"
    r"|\A\W*(?i:both|neither|only|either)\b.*(?<![\w'])[A-Z](?![\w'])"
)
"""An option that names others by their marks or places: "Both A and B", "the first two"."""

_NEUTRAL = ("None of the above", "None of these options", "None of them is right")
"""Wrong wherever the right answer is among the options."""

_EXAMPLE = "A. Paris\nB. Rome\nC. Oslo\nD. Madrid"
_MOVED = ("code", "option-marks", "urls")
"""Kinds of spans that are moved as they are, or beside which an option is added."""


def _refers(options: Sequence[Option]) -> bool:
    """Return whether an option names others, so that moving them would change what it says."""
    last = len(options) - 1
    return any(
        _REFERRING.search(option.text)
        and not (position == last and _CLOSING.fullmatch(option.text))
        for position, option in enumerate(options)
    )


def _letter_after(example: Example, inputs: Inputs) -> str | None:
    """Return the letter of the option whose text was right; None if it is not there once."""
    before = dict(zip(LETTERS, options_of(example.inputs), strict=False))
    if example.label not in before:
        return None
    right = before[example.label].text
    after = zip(LETTERS, options_of(inputs), strict=False)
    found = [letter for letter, option in after if option.text == right]
    return found[0] if len(found) == 1 else None


_FOLLOWS = Derived(_letter_after, tasks=(MULTIPLE_CHOICE,))


@perturbation(
    source="Robinson et al. 2023 (Leveraging Large Language Models for Multiple Choice Question "
    "Answering), section 4; Zheng et al. 2024 (Large Language Models Are Not Robust Multiple "
    "Choice Selectors), section 2",
    contract=_FOLLOWS,
    scale=ALL,
    rewrites=_MOVED,
    indivisible=True,
    example=_EXAMPLE,
)
def shuffle_options(text: str, rng: Random) -> list[Edit]:
    """Put the options of a question into another order, behind the same marks."""
    options = read_options(text)
    if not options or _refers(options):
        return []
    fixed = bool(_CLOSING.fullmatch(options[-1].text))
    order = list(range(len(options) - fixed))
    if len(order) > 1:
        # Any order but the present one; of two options that is the other one.
        while order == sorted(order):
            rng.shuffle(order)
    return [
        Edit(*here.span, text[slice(*here.span)], _with_space(text, here, options[index].text))
        for here, index in zip(options, order, strict=False)
        if here.text != options[index].text
    ]


def _with_space(text: str, option: Option, new: str) -> str:
    """Return a new text for an option with the white space that is around the present one."""
    return text[slice(*option.span)].replace(option.text, new, 1) if option.text else new


@perturbation(
    source="Zheng et al. 2024 (Large Language Models Are Not Robust Multiple Choice Selectors), "
    "section 2 (option IDs)",
    contract=_FOLLOWS,
    scale=ALL,
    rewrites=_MOVED,
    choices={"style": ("any", "letters", "numbers", "roman")},
    indivisible=True,
    example=_EXAMPLE,
)
def option_letters(text: str, rng: Random, *, style: str = "any") -> list[Edit]:
    """Write other marks before options: a. b. c., 1. 2. 3. or i. ii. iii."""
    options = read_options(text)
    drawn = rng.choice([name for name in MARKS if name != "capitals"])
    if not options or _refers(options):
        return []
    marks = MARKS[drawn if style == "any" else style]
    edits = []
    for option, mark in zip(options, marks, strict=False):
        start = text.index(option.mark, option.sign[0])
        if option.mark != mark:
            edits.append(Edit(start, start + len(option.mark), option.mark, mark))
    return edits


@perturbation(
    source="Wang et al. 2024 (MMLU-Pro), section 3 (more options)",
    kind="semantic",
    contract=_FOLLOWS,
    scale=ALL,
    rewrites=_MOVED,
    indivisible=True,
    languages=having("no_option"),
    example=_EXAMPLE,
)
def add_option(
    text: str,
    rng: Random,
    *,
    texts: str = "",
    column: str = "options",
    language: Language = ENGLISH,
) -> list[Edit]:
    """Add a wrong option as the last one: none of the above, or one of another question."""
    options = read_options(text)
    marks = next((some for some in MARKS.values() if options and some[0] == options[0].mark), ())
    if not options or len(options) == len(marks):
        return []
    neutral = _NEUTRAL if language.code == ENGLISH.code else (language.no_option,)
    present = {option.text.casefold() for option in options}
    closed = any(_CLOSING.fullmatch(option.text) for option in options)

    def fits(new: str) -> bool:
        """Return whether an option is another one, and wrong whatever the others say."""
        if new.casefold() in present or "\n" in new:
            return False
        return not closed if new in neutral else not _REFERRING.search(new)

    new = drawn_text(rng, texts, column, neutral, fits)
    if new is None:
        return []
    end = len(text.rstrip())
    return [Edit(end, end, "", f"\n{marks[len(options)]}. {new}")]
