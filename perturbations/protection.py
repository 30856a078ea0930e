"""Protected spans: pieces of a text that no perturbation touches."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_ood.data.options import read_options
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations._literals import CODE, URL, is_number, number_spans
from pytest_ood.perturbations._local_numbers import number_words_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_ood.data.edits import Edit
    from pytest_ood.languages import Language

Span = tuple[int, int]

NUMBERS = "numbers"

OPTION_MARKS = "option-marks"
"""The name for the marks of the options of multiple-choice questions, line breaks included."""


def _matches(pattern: str) -> Callable[[str], Iterable[Span]]:
    compiled = re.compile(pattern)
    return lambda text: (match.span() for match in compiled.finditer(text) if match.group())


SPAN_KINDS: Mapping[str, Callable[[str], Iterable[Span]]] = {
    "urls": _matches(URL),
    NUMBERS: number_spans,
    "code": _matches(CODE),
    OPTION_MARKS: lambda text: (option.sign for option in read_options(text)),
    # Without a tagger: capitalised words that do not begin a sentence, and what follows on them.
    "entities": _matches(r"(?<![.!?:]\s)(?<!^)(?<!\n)\b[A-Z][\w'\u2019-]*(?: [A-Z][\w'\u2019-]*)*"),
}
"""The named kinds of spans, each with a function that finds them in a text."""

LABELS = "labels"
"""The name for the words of the task's labels."""

_LETTER = r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
"""A letter of a script with spaces between words, or a digit. In others (Thai, Lao, Burmese, Khmer,
Chinese, Japanese; Korean has endings) a word begins and ends beside other letters."""

ANSWERS = "answers"
"""The name for the right answers of the example, wherever they occur in its inputs."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Finds the protected spans of texts.

    Attributes:
        kinds: Some of the names of `SPAN_KINDS`.
        patterns: Regular expressions of the user.
        words: Words that are protected as whole words, in any case.
        answers: Whether the right answers of each example are protected; see `with_answers`.
    """

    kinds: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    answers: bool = False

    def __post_init__(self) -> None:
        """Check the names and the regular expressions.

        Raises:
            ConfigurationError: an unknown name, or no regular expression.
        """
        for kind in self.kinds:
            if kind not in SPAN_KINDS:
                raise ConfigurationError(
                    "protect: "
                    + unknown_name("kind of span", kind, [*SPAN_KINDS, LABELS, ANSWERS])
                    + " A regular expression stands between slashes: '/.../'."
                )
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigurationError(
                    f"protect: /{pattern}/ is no regular expression: {error}"
                ) from None

    @property
    def fingerprint(self) -> str:
        """Everything that is protected."""
        patterns = (f"/{pattern}/" for pattern in sorted(self.patterns))
        answers = [ANSWERS] if self.answers else []
        return ", ".join(
            [*sorted([*self.kinds, *answers]), *patterns, *map(repr, sorted(self.words))]
        )

    def with_answers(self, answers: Iterable[str]) -> Protection:
        """Return what is protected in an example with these right answers."""
        if not self.answers:
            return self
        words = (answer for answer in answers if answer.strip())
        return replace(self, words=(*self.words, *dict.fromkeys(words)), answers=False)

    def spans(self, text: str, language: Language = ENGLISH) -> list[Span]:
        """Return the protected spans of a text, in order, merged where they touch or overlap.

        Args:
            text: The text.
            language: Its language, whose words for numbers are numbers, too.
        """
        spans = [span for kind in self.kinds for span in SPAN_KINDS[kind](text)]
        if NUMBERS in self.kinds and language.code != ENGLISH.code:
            number_words = number_words_in(language)
            spans += (match.span() for match in number_words(text)) if number_words else ()
        for pattern in [*self.patterns, *self._words()]:
            spans += (match.span() for match in re.finditer(pattern, text) if match.group())
        merged: list[Span] = []
        for start, end in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _words(self) -> list[str]:
        if not self.words:
            return []
        listed = "|".join(re.escape(word) for word in sorted(self.words, key=len, reverse=True))
        return [rf"(?i:(?<!{_LETTER})(?:{listed})(?!{_LETTER}))"]

    def admitted(self, text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
        """Return those of a text's edits outside of protected spans that keep its numbers, too.

        If numbers are protected, no other word may become one ("to" neither "two" nor "2") or get a
        digit, and none may be joined to one. Text inserted between words may have numbers.
        """
        if NUMBERS not in self.kinds:
            return tuple(edits)
        admitted = tuple(edit for edit in edits if not (_DIGIT.search(edit.after) and edit.before))
        while dropped := _changing_numbers(text, admitted):
            admitted = tuple(edit for n, edit in enumerate(admitted) if n not in dropped)
        return admitted


_TOKEN, _DIGIT = re.compile(r"\w+"), re.compile(r"\d")


def _number_tokens(text: str) -> list[Span]:
    return [token.span() for token in _TOKEN.finditer(text) if is_number(token.group())]


def _changing_numbers(text: str, edits: Sequence[Edit]) -> set[int]:
    """Return the indices of the edits that turn words into numbers, or numbers into words."""
    pieces: list[str] = []
    changed_spans: list[Span] = []
    moved: list[int] = []
    position = shift = 0
    for edit in edits:
        pieces += (text[position : edit.start], edit.after)
        start = edit.start + shift
        changed_spans.append((start, start + len(edit.after)))
        position, shift = edit.end, shift + len(edit.after) - (edit.end - edit.start)
        moved.append(shift)
    ends = [edit.end for edit in edits]
    expected = set()
    for start, end in _number_tokens(text):
        before = bisect_right(ends, start)
        offset = moved[before - 1] if before else 0
        expected.add((start + offset, end + offset))
    changed = "".join([*pieces, text[position:]])
    differing = sorted(expected.symmetric_difference(_number_tokens(changed)))
    starts = [start for start, _ in differing]
    touching = set()
    for number, (edit, (start, end)) in enumerate(zip(edits, changed_spans, strict=True)):
        last = bisect_right(starts, end) - 1
        near = last >= 0 and differing[last][1] >= start
        if near and (edit.before or _is_inside(text, edit.start)):
            touching.add(number)
    return touching


def _is_inside(text: str, position: int) -> bool:
    """Return whether a position is inside a word."""
    return (
        bool(_TOKEN.match(text, position - 1) and _TOKEN.match(text, position))
        if position
        else False
    )


def parse_protection(entries: Sequence[str], labels: Sequence[str]) -> Protection | None:
    """Read a list of names of `SPAN_KINDS`, `labels`, `answers`, and `/regular expressions/`.

    Raises:
        ConfigurationError: names what is not known.
    """
    if not entries:
        return None
    patterns = [entry[1:-1] for entry in entries if len(entry) > 2 and entry[0] == entry[-1] == "/"]  # noqa: PLR2004 - //
    kinds = [
        entry
        for entry in entries
        if entry not in (LABELS, ANSWERS) and not (entry.startswith("/") and entry.endswith("/"))
    ]
    words = tuple(labels) if LABELS in entries else ()
    return Protection(
        kinds=tuple(kinds), patterns=tuple(patterns), words=words, answers=ANSWERS in entries
    )
