"""No answer, file or field costs more than linear time: every pattern, on hostile text."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

import pytest_ood
from pytest_ood.data.parsing import parse_answer, without_thoughts
from pytest_ood.tasks import NumericAnswer, QuestionAnswering, reasoning_of
from pytest_ood.tasks.question_answering import normalized, says_none, token_f1

pytestmark = pytest.mark.slow

SIZES = (1_000, 5_000, 50_000)
"""Characters of the texts; the last size is read only if the others suggest quadratic time."""

LIMIT = 0.8
"""Seconds that the quadratic part of the time may be estimated to take at the last size."""

GROWTH = 30
"""Linear time grows by 10 between the last two sizes, and the square of the length by 100."""

PARTS = (
    " ",
    "\n",
    "\t",
    "\u00a0",
    "a",
    "A",
    "1",
    "9",
    ".",
    ",",
    ":",
    ";",
    "-",
    "_",
    "*",
    "#",
    "=",
    "$",
    "%",
    "/",
    "\\",
    "'",
    '"',
    "`",
    "~",
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "&",
    "@",
    "\u0301",
    "\u0315\u0300",
    "\uff9e\u0300",
    "\ufdfa",
    "\u4e2d",
    "\U0001f600",
    "a ",
    "a\n",
    " \n",
    "1 ",
    "1,",
    "1.",
    "1/",
    "1:",
    "1,000",
    "-1",
    "$ ",
    "a'",
    "a-",
    "a.",
    "a_",
    "()",
    "{}",
    "<a>",
    "<<",
    "<think>",
    "</think>",
    "#### ",
    "####a\n",
    "answer ",
    "answer: ",
    "answer to ",
    "the answer is ",
    "answer (a) ",
    "- ",
    "\\boxed{",
    "\\frac{1}{",
    "\\frac",
    "\\boxed{1}",
    "\\sqrt{",
    "<answer>",
    "answer:\n",
    "the answer",
    "I a no ",
    "yes, ",
    "Sure! ",
    "1. a",
    "</s>",
    "is not ",
    "no answer ",
    "1,00,",
    "1,000,",
    "1\n=",
    "1+1=",
    "not 1 ",
    "minus ",
    "1 million ",
    "1^",
    "\u00bd",
    "\u200b",
    "1e99 ",
    "not ",
    "http://",
    "www.",
    "a@a.",
    "``` ",
    "`a` ",
    '{"a": ',
    '"a",',
    "\\u0061",
    "%41",
    "&amp;",
)
"""Each is repeated up to the size, alone and with something else before and behind it."""


def hostile_texts(size: int) -> Iterator[tuple[str, str]]:
    """Yield texts of so many characters of which patterns may try every part, with their names."""
    for part in PARTS:
        text = (part * (size // len(part) + 1))[:size]
        yield repr(part), text
        yield f"answer: + {part!r} + !", f"answer: {text}!"


def modules() -> Iterator[Any]:
    """Yield the modules that read answers and files; perturbations have a test of their own."""
    for info in pkgutil.walk_packages(pytest_ood.__path__, "pytest_ood."):
        if "perturbations" not in info.name and not info.name.endswith("__main__"):
            # One of them belongs to an optional package.
            with suppress(ModuleNotFoundError):
                yield importlib.import_module(info.name)


def patterns() -> dict[str, re.Pattern[str]]:
    """Return the package's compiled patterns, each once, by module and name."""
    named: dict[re.Pattern[str], str] = {}
    for module in modules():
        for name, value in vars(module).items():
            for number, one in enumerate(value if isinstance(value, tuple | list) else [value]):
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    named.setdefault(one, f"{module.__name__}.{name}.{number}")
    return {name: pattern for pattern, name in named.items()}


PATTERNS = patterns()

READERS: dict[str, Callable[[str], object]] = {
    "numeric": partial(NumericAnswer().read, label_words={}),
    "extractive-qa": partial(QuestionAnswering("extractive-qa").read, label_words={}),
    "closed-book-qa": partial(QuestionAnswering("closed-book-qa").read, label_words={}),
    "classification": partial(
        parse_answer, label_words={"positive": "positive", "not good": "not good", "1": "1"}
    ),
    "choices": partial(parse_answer, label_words={"A": "A", "I": "I", "yes": "yes", "no": "no"}),
    "thoughts": without_thoughts,
    "solution": reasoning_of,
    "normalized": normalized,
    "token F1": partial(token_f1, reference="a an the"),
    "no answer": says_none,
}


def seconds(read: Callable[[str], object], text: str) -> float:
    """Return how long a text takes to be read, in this process: others do not count."""
    start = time.process_time()
    read(text)
    return time.process_time() - start


def slow_texts(read: Callable[[str], object]) -> Iterator[str]:
    """Yield the names of the texts whose time grows faster than their length."""
    small, middle, large = SIZES
    for (name, short), (_, medium), (_, long) in zip(*map(hostile_texts, SIZES), strict=True):
        before, after = seconds(read, short), seconds(read, medium)
        # Of a * n + b * n**2 at two sizes, b * n**2 at the third.
        steps = middle / small
        quadratic = (after - steps * before) / (steps**2 - steps) * (large / small) ** 2
        if quadratic > LIMIT and seconds(read, long) > GROWTH * after:
            yield name


def test_quadratic_time_is_noticed() -> None:
    """The measure itself tells a pattern that tries every part from one that does not."""
    assert any(slow_texts(re.compile(r"a+b|a+c|a+d").findall))
    assert not any(slow_texts(re.compile(r"a+").findall))


@pytest.mark.parametrize("name", READERS)
def test_answers_are_read_in_linear_time(name: str) -> None:
    """A model that repeats itself without end costs no more than the time to read it."""
    assert list(slow_texts(READERS[name])) == []


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_searched_in_linear_time(name: str) -> None:
    """No pattern of the package tries the divisions of a long text one by one."""

    def search(text: str) -> None:
        for _ in PATTERNS[name].finditer(text):
            pass

    assert list(slow_texts(search)) == [], PATTERNS[name].pattern
