"""Questions that are answered in words: out of a passage, or from memory."""

from __future__ import annotations

import json
import re
import string
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pytest_ood.data.parsing import (
    INVISIBLE,
    MOST_BRACES,
    answers_of,
    json_values,
    last_box,
    last_tagged,
    without_thoughts,
)
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import ENGLISH, find_language
from pytest_ood.tasks._normalization import exact_match, normalized, token_f1
from pytest_ood.tasks._wording import end_of_words, words_announced
from pytest_ood.tasks.protocol import OpenTask, relabelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ood.data.examples import Example
    from pytest_ood.languages import Language
    from pytest_ood.tasks.protocol import Prediction

__all__ = [
    "KEYS",
    "METRICS",
    "NAMES",
    "NO_ANSWER",
    "UNANSWERABLE",
    "Metric",
    "Name",
    "QuestionAnswering",
    "exact_match",
    "normalized",
    "parse",
    "says_none",
    "token_f1",
]

Metric = Literal["f1", "exact-match"]
Name = Literal["extractive-qa", "closed-book-qa"]

NO_ANSWER = ""
"""The answer to an unanswerable question (Rajpurkar et al. 2018, SQuAD 2.0)."""

UNANSWERABLE = "unanswerable"
"""The word for it in demonstrations, which is parsed as `NO_ANSWER`."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)

_AROUND = f"*_`{INVISIBLE}"
"""Markdown and invisible characters, which are removed around an answer, but not inside it."""
# Of a numbered list only its beginning: "12. Juni 1999" is a date.
_BULLET = re.compile(r"(?:[-*\u2022>]|(?<!#)#+|1[.)](?=\s+[\"'\u201c(*_]{0,3}[^\W\d]))\s+")
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
_ALL_QUOTES = _QUOTES | {
    "\u201e": "\u201c\u201d",
    "\u201a": "\u2018\u2019",
    "\u00bb": "\u00ab\u00bb",
    "\u2039": "\u203a",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
    "\u300a": "\u300b",
}
"""Quotes of all languages, each with all that may close it."""
_SOURCE = (
    r"(?:the|this|that)\s(?:(?:given|provided|above)\s)?"
    r"(?:passage|context|text|paragraph|article|document|excerpt|story|information)"
    r"(?:\s(?:provided|given|above))?"
)
_ANNOUNCED = re.compile(
    r"(?:(?:so|thus|therefore|hence),?\s+)?(?:(?:the|my)\s+)?(?:(?:final|short|correct)\s+)?answer"
    r"(?:\s+to\s+(?:the|this)\s+question)?[*_`]*(?:\s*:|\s+(?:is|was|would\s+be)\b\s*:?)"
    r"|a\s*:"
    r"|(?:sure|certainly|of\scourse|absolutely)(?:\sthing)?\s?[!.,:](?=\s|$)"
    r"|here(?:['\u2019]s|\sis|\sare)\s(?:the|my|your|an?)\s[^:\n]{0,60}:(?=\s|$)"
    rf"|(?:based\son|according\sto|from)\s{_SOURCE},\s",
    re.IGNORECASE,
)
_STOP = re.compile(r"(?<=\w{4})\.$|(?<=[\"'\u201d\u2019\u00bb*_`)}])\.$")
"""A full stop that does not belong to an abbreviation (U.S., Jr.), as short words may."""
_END = re.compile(
    r"<\|[a-z_]{1,30}\|>|</?s>|<(?:eos|bos|pad|end_of_turn|start_of_turn)>|\[/?INST\]"
)
"""Special tokens that servers leave in a text."""
_SENTENCE = re.compile(r"(?<=\w{4})[.!;](?=\s)")
_OTHER_STOPS = "\u3002\uff0e\uff01\u0964\u06d4"
"""The full stops of Chinese and Japanese, of Devanagari and Bengali, and of Urdu."""
_ANY_STOP = re.compile(
    rf"{_STOP.pattern}|(?<=[\u201c\u2018\u00ab\u203a\u300d\u300f\u300b])\.$|[{_OTHER_STOPS}]$"
)
_ANY_SENTENCE = re.compile(rf"[.!?;](?=\s)|[{_OTHER_STOPS}\uff1f\uff1b\u061f\u061b]")
_LONGEST_END = 12
"""The most characters of a verb behind an answer."""
_SET = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox)\s?\{([^{}]*)\}")
"""Words in LaTeX."""

_KINDS = (
    r"(?:information|answer|context|evidence|details?|data|mention|indication|reference|record)"
)
_SORRY = r"(?:(?:(?:i am |im )?(?:very |so )?sorry|unfortunately|(?:i am |im )afraid)(?: but)? )?"
_ITEM = r"(?:(?:this |that |the |an )?(?:question|it|answer|information|this|that|name|date) )?"
_TELL = r"(?:answer|determine|find|tell|say|know)"
_NONE = re.compile(
    rf"{_SORRY}"
    rf"(?:(?:based on|according to|from) {_SOURCE} )?(?:"
    rf"(?:{_ITEM}(?:is |was )?|its |thats )(?:unanswerable|unknown|unclear|unspecified|undetermined"
    rf"|impossible to {_TELL})"
    rf"|{_ITEM}(?:(?:is |was |has |its |thats )?not|isnt|wasnt|hasnt|never) "
    r"(?:been )?(?:\w{1,20}ly )?"
    rf"(?:(?:in|part of) {_SOURCE}|possible to {_TELL}|answerable|given|mentioned|stated|specified"
    r"|provided|found|discussed|included|contained|described|available|known|clear|present)"
    rf"|{_ITEM}(?:can ?not|cant|could not|couldnt) be (?:answered|determined|found|inferred|known"
    r"|established|identified|derived)"
    r"|(?:there (?:is |was |are )|theres )?(?:no|not (?:enough|any|sufficient)|insufficient) "
    rf"{_KINDS}(?: (?:is|was) (?:given|provided|available|found|mentioned))?"
    rf"|there (?:isnt|is not|wasnt|was not|arent) (?:an?|any|enough|sufficient) {_KINDS}"
    r"|i (?:do not|dont) know|i ?(?:am|m) not sure|i have no idea|no idea|not sure"
    rf"|i (?:do not|dont) have (?:an?|any|enough|the|sufficient) (?:\w{{1,20}} )?{_KINDS}"
    rf"|i have (?:no|not enough|insufficient) {_KINDS}"
    rf"|i ?(?:can ?not|cant|could not|couldnt|am unable to|m unable to|am not able to) {_TELL}"
    r"|none|null)"
)
_BEHIND = re.compile(
    r"(?: (?:the answer|from|in|by|based on|given|according to|to|with|using|about|this|that|it"
    r"|of|for|regarding|concerning|here|anywhere|found|passage|context|text|paragraph|article"
    r"|question|provided|information|available)\b.*)?"
)
_LACKS = re.compile(
    rf"{_SORRY}(?:the |this |that )?(?:given |provided |above )?"
    r"(?:passage|context|text|paragraph|article|document|excerpt|story|author|information) "
    r"(?:provided |given |above )?(?:(?:does not|doesnt|did not|didnt|never|fails to) "
    r"(?:\w+ly )?(?:say|mention|state|contain|provide|specify|answer|give|include|tell|discuss"
    r"|explain|describe|indicate|says|mentions|states|specifies)\b.*"
    rf"|(?:has|contains|provides|gives|makes) no {_KINDS}\b.*|lacks\b.*)"
)


@dataclass(frozen=True)
class QuestionAnswering(OpenTask):
    """An answer in words, scored by token F1 or exact match against the nearest right answer.

    Attributes:
        name: "extractive-qa" for questions about a passage, "closed-book-qa" for others.
        metric: The metric of the score.
        labels: Empty: any text may be an answer.
        protects: The right answers: a model that copies one from a passage copies its noise, too.
        several: True: a question may have several right answers.
        language: The language of answers, a tag of BCP 47; those in English are read, too.
    """

    name: Name = "extractive-qa"
    metric: Metric = "f1"
    labels: tuple[str, ...] = ()
    protects: tuple[str, ...] = ("answers",)
    several: bool = True
    language: str = "en"

    def in_language(self, language: str) -> QuestionAnswering:
        """Return the task for answers in a language, a tag of BCP 47; "" for the task's own."""
        return replace(self, language=language or self.language)

    @property
    def measure(self) -> str:  # type: ignore[override] # the class is frozen
        """The name of the mean score."""
        return "token F1" if self.metric == "f1" else "exact match"

    @property
    def blank(self) -> str | None:  # type: ignore[override] # the class is frozen
        """The meaning of an empty recorded answer: "no answer" for questions about a passage."""
        return NO_ANSWER if self.name == "extractive-qa" else None

    def reference(self, answer: str) -> str:
        """Return a right answer without surrounding white space; empty for no answer."""
        return answer.strip().strip(INVISIBLE).strip()

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        """Return the answer in the first line with any text, or None.

        Announcements ("Answer:", "The answer is"), markdown, quotes around the answer and the full
        stop after it are removed. A text such as "unanswerable", "I don't know" or "The passage
        does not say" is the answer "no answer" if the question is about a passage, which is right
        for unanswerable questions (SQuAD 2.0); for closed-book questions it is an abstention.
        What announces an answer, or says that there is none, is read in English and in the task's
        language.
        """
        language = find_language(self.language)
        answer = next(_answers(text, language), None)
        if answer is None or not says_none(answer, language):
            return answer
        return self.blank

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction with the literal text if a right answer has these words.

        "unknown" or "not mentioned" means "no answer", unless it is the answer in the passage: the
        official scripts compare words. An example in another language than the task's is read
        again in its own: what was read in the task's language has lost nothing that it needs.
        """
        language = self._language_of(example)
        if prediction.label and language != find_language(self.language):
            read = self.in_language(language.code).read(prediction.label, {})
            text = prediction.label if prediction.text is None else prediction.text
            prediction = replace(relabelled(prediction, read), text=text)
        if prediction.label or prediction.text is None:
            return prediction
        right = [set(normalized(r, language).split()) for r in example.right_answers]
        lines = list(_answers(prediction.text, language))
        # The answer of a chain of thought is in its last line, any other in the first.
        for line in (*lines[:1], *lines[-1:]):
            words = set(normalized(line, language).split())
            said = words and says_none(line, language)
            if said and any(words <= reference for reference in right):
                return replace(prediction, label=line)
        return prediction

    def ballot(self, answer: str) -> str:
        """Return the normalized answer."""
        return normalized(answer, find_language(self.language))

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer with the highest score, the first one of equal ones."""
        label, language = prediction.label or "", self._language_of(example)
        return max(example.right_answers, key=lambda r: self._measure(label, r, language))

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the best score over all right answers; an abstention scores 0.0.

        Rajpurkar et al. 2016, SQuAD, section 6.1; Fisch et al. 2019, MRQA, section 2.3.
        """
        if prediction.label is None:
            return 0.0
        truth, language = self.truth(prediction, example), self._language_of(example)
        return self._measure(prediction.label, truth, language)[0]

    def _language_of(self, example: Example) -> Language:
        return find_language(example.language or self.language)

    def _measure(self, answer: str, reference: str, language: Language) -> tuple[float, float]:
        """Return the score by the metric, and by the other metric, which decides ties."""
        f1 = token_f1(answer, reference, language)
        exact = exact_match(answer, reference, language)
        return (f1, exact) if self.metric == "f1" else (exact, f1)


def says_none(answer: str, language: Language = ENGLISH) -> bool:
    """Return whether an answer, or its first sentence, means "no answer".

    Args:
        answer: The answer, without what announces it.
        language: Its language; English is understood besides.
    """
    sentence = _SENTENCE.search(answer)
    if _denies(answer) or bool(sentence and _denies(answer[: sentence.start()])):
        return True
    if language.code == ENGLISH.code:
        return False
    phrases = _phrases(language)
    first = _ANY_SENTENCE.split(answer, maxsplit=1)[0]
    return any(normalized(said, language) in phrases for said in (answer, first))


@cache
def _phrases(language: Language) -> frozenset[str]:
    """Return a language's phrases for "no answer", normalized."""
    return frozenset(filter(None, (normalized(p, language) for p in language.no_answer)))


def _denies(answer: str) -> bool:
    """Return whether a text means that there is no answer, or that the model has none."""
    if answer.lower() == "n/a":
        return True
    said = " ".join(answer.lower().replace("\u2019", "'").translate(_PUNCTUATION).split())
    match = _NONE.match(said)
    return bool(match and _BEHIND.fullmatch(said, match.end())) or bool(_LACKS.fullmatch(said))


def _marked(text: str) -> str:
    """Return the content of the last box or tag for the answer, or of a JSON object's field."""
    box = last_box(text)
    if box is not None:
        return _SET.sub(r"\1", box)
    tagged = last_tagged(text)
    said = text if tagged is None else tagged
    objects = json_values(said, json.JSONDecoder(), MOST_BRACES)
    answers = next(filter(None, (answers_of(json_object) for _, json_object in objects)), None)
    return said if answers is None else "\n".join(answers)


def _answers(text: str, language: Language) -> Iterator[str]:
    """Yield the non-empty lines of a text, without markup and announcements."""
    # A truncated answer may end in half an emoji, a lone surrogate that cannot be encoded.
    carried = text.encode("utf-8", "replace").decode()
    said = _marked(_END.sub("\n", without_thoughts(carried)))
    return filter(None, (_bare(line, language) for line in said.splitlines()))


def _bare(line: str, language: Language) -> str:
    """Return the answer in a line, without markup, quotes and announcements around it."""
    english = language.code == ENGLISH.code
    quotes, stop = (_QUOTES, _STOP) if english else (_ALL_QUOTES, _ANY_STOP)
    announced, behind = words_announced(language), end_of_words(language)
    # `start` and `end` move towards each other: copying the rest of the line for each bullet of a
    # long row of bullets would take quadratic time.
    start, end = 0, len(line)
    before = None
    while (start, end) != before:
        before = start, end
        while start < end and (line[start].isspace() or line[start] in _AROUND):
            start += 1
        while start < end and (line[end - 1].isspace() or line[end - 1] in _AROUND):
            end -= 1
        opening = _BULLET.match(line, start, end) or _ANNOUNCED.match(line, start, end)
        if opening:
            start = opening.end()
            continue
        local = announced.match(line, start, end) if announced is not None else None
        if local:
            start = local.end()
            verb = behind.search(line, max(start, end - _LONGEST_END), end) if behind else None
            end = verb.start() if verb else end
            continue
        if end > start and stop.match(line, end - 1, end):
            end -= 1
        closing = quotes.get(line[start], "") if end - start > 1 else ""
        if closing and line[end - 1] in closing and not _within(line, closing, start + 1, end - 1):
            start, end = start + 1, end - 1
    return line[start:end]


def _within(line: str, characters: str, start: int, end: int) -> bool:
    """Return whether one of the characters is in a part of a line."""
    return any(line.find(character, start, end) >= 0 for character in characters)


NAMES: tuple[Name, ...] = ("extractive-qa", "closed-book-qa")
KEYS: tuple[str, ...] = ("metric",)
METRICS: tuple[Metric, ...] = ("f1", "exact-match")


def parse(name: Name, table: Mapping[str, Any]) -> QuestionAnswering:
    """Read a suite's choice of the metric, and its language.

    Raises:
        ConfigurationError: there is no such metric, or no such language.
    """
    metric = table.get("metric", METRICS[0])
    if metric not in METRICS:
        raise ConfigurationError(unknown_name("metric", str(metric), METRICS))
    language = find_language(table.get("language", "en")).code
    return QuestionAnswering(name, metric, language=language)
