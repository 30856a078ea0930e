"""Solutions of word problems: evaluated anew once the numbers of the question are others.

GSM8K's solutions carry their calculations (`<<48/2=24>>`), SVAMP's equation is one. Every number in
them has to come from somewhere: from the question, from a step before, or from what everybody knows
(a week has 7 days). Where it could come from two places that differ afterwards, or from none, the
solution says nothing about the changed question, and the change is refused.
"""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon, number_word
from pytest_ood.tasks.numeric import canonical_number, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CHANGEABLE = re.compile(
    r"(?<![\w.,:/\-\u2212])(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,6}|0(?=\.\d))(?:\.\d{1,4})?"
    r"(?![\w%]|[.,:/\-\u2212]\d|\s?(?:%|percent|/|:)|-\w|\s\d+/\d)"
)
"""Numbers in digits; percentages, fractions, times of day, dates and parts of words are left."""

_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<![\w.,])\.\d+")
_PERCENT = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)\s?(?:%|percent)")
_FRACTION = re.compile(r"(?<!\d)(\d+)\s?/\s?(\d+)")
_WORDS = Lexicon({number_word(n): (str(n),) for n in range(1, 1000)})
_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_LONGEST = 200

_ALWAYS = ("1", "2", "3", "4", "100")
"""Whatever a question says: it may list so many things, or ask for a percentage."""

_IMPLIED = (
    (r"half|halve", "0.5 1.5"),
    (r"third", "1/3 2/3"),
    (r"quarter|fourth", "0.25 0.75 25"),
    (r"fifth|nickel|week|school|work", "5 0.2 0.05"),
    (r"sixth", "6"),
    (r"eighth", "8"),
    (r"tenth|dime|decade|finger", "10 0.1"),
    (r"week|day|daily", "7 14 30 31 52 365"),
    (r"dozen|month|year|annual|inch|foot|feet|noon|clock", "12 6 24 36 48"),
    (r"month|year|annual|january|february", "28 29 30 31 52 365"),
    (r"hour|minute|second|day|\bmph\b", "60 24 30 15 3600 0.5"),
    (r"ounce|pound|cup|gallon|quart|pint|\bton", "16 8 2000"),
    (r"yard|mile", "36 1760 5280"),
    (r"cent|penn|dollar|\$|\bkm|kilo|gram|lit(?:er|re)|met(?:er|re)|\bcm\b|\bml\b", "1000 10 0.01"),
    (r"score|each way|round trip|fortnight", "20 14"),
    (r"people|person|man|men|child|kid|hand|leg|feet|dog|cat|animal", "10 20"),
)
"""Constants that a question implies, by the words that imply them."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One calculation of a solution.

    Attributes:
        expression: Over `+ - * /`.
        result: Its value.
    """

    expression: ast.expr
    result: Fraction


def answer_anew(before: str, after: str, rationale: str, label: str) -> str | None:
    """Return the answer to a question with changed numbers, computed by its solution.

    Args:
        before: The question that the solution solves.
        after: The same question with other numbers.
        rationale: The solution: GSM8K's annotations, or one expression.
        label: The answer to the original question.

    Returns:
        The number; None if the solution does not determine it, if it does not use a number that was
        changed, or if a whole number would become a fraction, or a number negative or 0.
    """
    steps = steps_of(rationale, label)
    old, new = (list(_NUMBER.finditer(text)) for text in (before, after))
    if steps is None or _NUMBER.split(before) != _NUMBER.split(after):
        return None
    pairs = [(_value(a[0]), _value(b[0])) for a, b in zip(old, new, strict=True)]
    results = _results_of(steps, pairs, before)
    if results is None:
        return None
    for step, value in zip(steps, results, strict=True):
        whole = step.result.denominator > 1 or value.denominator == 1
        if not whole or (step.result > 0) > (value > 0):
            return None
    return written(results[-1])


def unsolved_numbers(text: str, rationale: str, label: str) -> list[str]:
    """Return the numbers of a question that cannot be changed, as the question writes them."""
    steps = steps_of(rationale, label)
    matches = list(_NUMBER.finditer(text))
    values = [_value(match[0]) for match in matches]
    fixed = []
    for index, match in enumerate(matches):
        # No other number can be equal to what this one becomes.
        pairs = [(v, v + Fraction(1, 7919) if n == index else v) for n, v in enumerate(values)]
        if steps is None or _results_of(steps, pairs, text) is None:
            fixed.append(match[0])
    return fixed


def steps_of(rationale: str, label: str) -> list[Step] | None:
    """Return the calculations of a solution; None where they do not come to its answer.

    Args:
        rationale: With GSM8K's annotations, or one expression, such as an equation of SVAMP.
        label: The answer.
    """
    annotated = _ANNOTATION.findall(rationale)
    sides = [annotation.rpartition("=")[::2] for annotation in annotated] or [(rationale, label)]
    steps = []
    for expression, result in sides:
        try:
            step = Step(expression=parsed(expression), result=_value(result))
            is_right = evaluated(step.expression, lambda literal: literal) == step.result
        except (ValueError, ZeroDivisionError):
            return None
        if not is_right:
            return None
        steps.append(step)
    return steps if written(steps[-1].result) == label else None


def parsed(text: str) -> ast.expr:
    """Read an expression over numbers, `+ - * /` and parentheses.

    Raises:
        ValueError: it is anything else.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3})|[\s$]", "", text).replace("\u2212", "-")
    if len(plain) > _LONGEST:
        raise ValueError(f"{text[:40]!r} is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(plain, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is no calculation: {error}") from None
    allowed = (ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.UAdd)
    for node in ast.walk(tree):
        number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if not number and not isinstance(node, allowed):
            raise ValueError(f"{text!r} is no calculation with + - * / alone")
    return tree


def evaluated(expression: ast.expr, of: Callable[[Fraction], Fraction]) -> Fraction:
    """Return the exact value of an expression of `parsed`.

    Args:
        expression: The expression.
        of: Returns the value to use for a number of the expression.

    Raises:
        ZeroDivisionError: it divides by zero.
        TypeError: it is no such expression.
    """
    if isinstance(expression, ast.Constant):
        return of(Fraction(repr(expression.value)))
    if isinstance(expression, ast.UnaryOp):
        value = evaluated(expression.operand, of)
        return -value if isinstance(expression.op, ast.USub) else value
    if not isinstance(expression, ast.BinOp):
        raise TypeError(f"{ast.dump(expression)} is not what parsed() returns")
    left, right = evaluated(expression.left, of), evaluated(expression.right, of)
    return _OPERATIONS[type(expression.op)](left, right)


_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class _UnclearError(Exception):
    """A number of a solution comes from nowhere, or from places that differ."""


def _results_of(
    steps: Sequence[Step], pairs: Sequence[tuple[Fraction, Fraction]], text: str
) -> list[Fraction] | None:
    """Return the results of all steps with changed numbers; None if they are not clear.

    Args:
        steps: The steps of the solution.
        pairs: The numbers of the question in digits, each with its changed value.
        text: The original question.
    """
    sources: dict[Fraction, set[Fraction]] = {value: {value} for value in _constants(text)}
    for before, after in pairs:
        sources.setdefault(before, set()).add(after)
    used: set[Fraction] = set()
    unused: set[Fraction] = set()

    def new_value(literal: Fraction) -> Fraction:
        """Return the value that replaces a literal of the solution."""
        possible = sources.get(literal, set())
        if len(possible) != 1:
            raise _UnclearError
        used.add(literal)
        unused.discard(literal)
        return next(iter(possible))

    results = []
    try:
        for step in steps:
            result = evaluated(step.expression, new_value)
            results.append(result)
            unused.add(step.result)
            sources.setdefault(step.result, set()).add(result)
    except (_UnclearError, ZeroDivisionError):
        return None
    # Where a result leads nowhere, a calculation in between was not annotated.
    leads_on = unused <= {steps[-1].result}
    changed = {before for before, after in pairs if before != after}
    return results if leads_on and changed <= used else None


def _constants(text: str) -> Iterator[Fraction]:
    """Yield the numbers that do not change: words, percentages, fractions, implied constants."""
    yield from map(Fraction, _ALWAYS)
    lower = text.lower()
    for pattern, values in _IMPLIED:
        if re.search(pattern, lower):
            yield from map(Fraction, values.split())
    for match in _WORDS(lower):
        yield from map(Fraction, _WORDS.options(match[0]))
    for match in _PERCENT.finditer(lower):
        percent = Fraction(match[1])
        for value in (percent, 100 - percent, 100 + percent):
            yield from (value, value / 100)
    for match in _FRACTION.finditer(lower):
        top, bottom = int(match[1]), int(match[2])
        yield from map(Fraction, (top, bottom))
        if bottom:
            yield Fraction(top, bottom)
            yield 1 - Fraction(top, bottom)


def _value(text: str) -> Fraction:
    """Return the value of a number; raises ValueError for anything else."""
    return Fraction(canonical_number(text.strip().strip("$")))
