"""Questions that are answered in words: out of a passage, or from memory."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.parsing import (
    INVISIBLE,
    MOST_BRACES,
    answers_of,
    json_objects,
    last_box,
    last_tagged,
    without_thoughts,
)
from pytest_ood.tasks.protocol import refuse_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ood.examples import Example
    from pytest_ood.tasks.protocol import Prediction

Metric = Literal["f1", "exact-match"]
Name = Literal["extractive-qa", "closed-book-qa"]

NO_ANSWER = ""
"""The answer that there is none (Rajpurkar et al. 2018, SQuAD 2.0)."""

UNANSWERABLE = "unanswerable"
"""How a demonstration says so in words, which is read as `NO_ANSWER`."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

_AROUND = f"*_`{INVISIBLE}"
"""Markdown, and what nobody sees; inside an answer the official scripts compare the latter."""
# Of a numbered list only its beginning: "12. Juni 1999" is a date.
_BULLET = re.compile(r"(?:[-*\u2022>]|(?<!#)#+|1[.)](?=\s+[\"'\u201c(*_]{0,3}[^\W\d]))\s+")
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
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
"""A full stop that ends no abbreviation (U.S., Jr.); behind a short word nobody can tell."""
_END = re.compile(
    r"<\|[a-z_]{1,30}\|>|</?s>|<(?:eos|bos|pad|end_of_turn|start_of_turn)>|\[/?INST\]"
)
"""What tokenizers mark the end of a text with, and servers leave in it."""
_SENTENCE = re.compile(r"(?<=\w{4})[.!;](?=\s)")
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
class QuestionAnswering:
    """An answer in words, scored by token F1 or exact match against the nearest right answer.

    Attributes:
        name: "extractive-qa" where the answer stands in a passage, "closed-book-qa" elsewhere.
        metric: What the score is; the other is measured beside it.
        labels: None: any text may be an answer.
        protects: The right answers: a model that copies one out of a passage copies its noise too.
    """

    name: Name = "extractive-qa"
    metric: Metric = "f1"
    labels: tuple[str, ...] = ()
    protects: tuple[str, ...] = ("answers",)

    @property
    def measure(self) -> str:
        """What the mean score is called."""
        return "token F1" if self.metric == "f1" else "exact match"

    @property
    def blank(self) -> str | None:
        """What an empty recorded answer means: about a passage, that there is no answer."""
        return NO_ANSWER if self.name == "extractive-qa" else None

    def reference(self, answer: str) -> str:
        """Return a right answer without white space around it; empty where there is none."""
        return answer.strip().strip(INVISIBLE).strip()

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:  # noqa: ARG002 - none
        """Return the answer in the first line that says anything, or None where none does.

        What announces it ("Answer:", "The answer is"), markdown, quotes around all of it and the
        full stop behind it are no part of an answer. One that says that there is none
        ("unanswerable", "I don't know", "The passage does not say") is, where a passage is asked,
        the answer that there is none, which is right where a question has none (SQuAD 2.0). From
        memory it is an abstention: the question has an answer, which the model did not give.
        """
        answer = next(_answers(text), None)
        if answer is None or not says_none(answer):
            return answer
        return self.blank

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction with the answer in its own words where a right answer has these.

        "unknown" or "not mentioned" says that there is no answer, except where the passage answers
        so: the official scripts compare the words.
        """
        if prediction.label or prediction.text is None:
            return prediction
        right = [set(normalized(r).split()) for r in (example.label, *example.references)]
        lines = list(_answers(prediction.text))
        # A chain of thought answers in its last line, anything else in its first.
        for line in (*lines[:1], *lines[-1:]):
            words = set(normalized(line).split())
            if words and says_none(line) and any(words <= reference for reference in right):
                return replace(prediction, label=line)
        return prediction

    def ballot(self, answer: str) -> str:
        """Return the answer as it is compared: normalized."""
        return normalized(answer)

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer with the highest score, of several the first."""
        label = prediction.label or ""
        return max((example.label, *example.references), key=lambda r: self._measure(label, r))

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the best over all right answers; an abstention scores 0.0.

        Rajpurkar et al. 2016, SQuAD, section 6.1; Fisch et al. 2019, MRQA, section 2.3.
        """
        if prediction.label is None:
            return 0.0
        return self._measure(prediction.label, self.truth(prediction, example))[0]

    def _measure(self, answer: str, reference: str) -> tuple[float, float]:
        """Return the score, and the other measure, which decides between equal ones."""
        f1, exact = token_f1(answer, reference), exact_match(answer, reference)
        return (f1, exact) if self.metric == "f1" else (exact, f1)


def normalized(answer: str) -> str:
    """Return an answer in lower case, without punctuation, articles and surplus white space.

    Rajpurkar et al. 2016, SQuAD, section 6.1 (punctuation is ASCII's).
    """
    bare = answer.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(answer: str, reference: str) -> float:
    """Return 1.0 where two answers are the same once normalized, else 0.0.

    Rajpurkar et al. 2016, SQuAD, section 6.1.
    """
    return float(normalized(answer) == normalized(reference))


def token_f1(answer: str, reference: str) -> float:
    """Return the harmonic mean of precision and recall over tokens, each as often as it occurs.

    Rajpurkar et al. 2016, SQuAD, section 6.1; where either has no token, 1.0 if neither has
    (Rajpurkar et al. 2018, SQuAD 2.0).
    """
    tokens, right = normalized(answer).split(), normalized(reference).split()
    if not tokens or not right:
        return float(tokens == right)
    common = sum((Counter(tokens) & Counter(right)).values())
    return 2.0 * common / (len(tokens) + len(right))


def says_none(answer: str) -> bool:
    """Return whether an answer, or its first sentence, says that there is none."""
    sentence = _SENTENCE.search(answer)
    return _denies(answer) or bool(sentence and _denies(answer[: sentence.start()]))


def _denies(answer: str) -> bool:
    """Return whether a text says that there is no answer, or that the model knows none."""
    if answer.lower() == "n/a":
        return True
    said = " ".join(answer.lower().replace("\u2019", "'").translate(_PUNCTUATION).split())
    match = _NONE.match(said)
    return bool(match and _BEHIND.fullmatch(said, match.end())) or bool(_LACKS.fullmatch(said))


def _marked(text: str) -> str:
    """Return what stands in the last box or tag for the answer, or in a JSON object's field."""
    box = last_box(text)
    if box is not None:
        return _SET.sub(r"\1", box)
    tagged = last_tagged(text)
    said = text if tagged is None else tagged
    objects = json_objects(said, json.JSONDecoder(), MOST_BRACES)
    answers = next(filter(None, (answers_of(json_object) for _, json_object in objects)), None)
    return said if answers is None else "\n".join(answers)


def _answers(text: str) -> Iterator[str]:
    """Yield the lines of a text that say anything, without what is around the answer."""
    # Half an emoji, as where an answer was cut off, is what no encoding can carry.
    carried = text.encode("utf-8", "replace").decode()
    said = _marked(_END.sub("\n", without_thoughts(carried)))
    return filter(None, map(_bare, said.splitlines()))


def _bare(line: str) -> str:
    """Return a line of an answer without what is around the answer."""
    # A window that shrinks: copying the rest for every bullet of a long row would take a time that
    # grows with the square of its length.
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
        if end > start and _STOP.match(line, end - 1, end):
            end -= 1
        closing = _QUOTES.get(line[start:end][:1]) if end - start > 1 else None
        if closing == line[end - 1 : end] and line.find(closing, start + 1, end - 1) < 0:
            start, end = start + 1, end - 1
    return line[start:end]


NAMES: tuple[Name, ...] = ("extractive-qa", "closed-book-qa")
METRICS: tuple[Metric, ...] = ("f1", "exact-match")


def parse(name: Name, table: Mapping[str, Any]) -> QuestionAnswering:
    """Read a suite's choice of the metric.

    Raises:
        ConfigurationError: there is no such metric, or it has labels.
    """
    refuse_labels(name, table)
    metric = table.get("metric", METRICS[0])
    if metric not in METRICS:
        raise ConfigurationError(unknown_name("metric", str(metric), METRICS))
    return QuestionAnswering(name, metric)
