"""Readers of a few rules, which answer questions about passages and have learned nothing."""

from __future__ import annotations

import re
from math import log
from typing import TYPE_CHECKING

from judged_run import read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Fields = Mapping[str, str]

SENTENCE = re.compile(r"(?<=[.!?\u0964\u06d4])\s+|(?<=[\u3002\uff01\uff1f])")
AROUND = ".,;:!?()[]\"'\u00ab\u00bb\u201c\u201d\u201e\u060c\u061b\u061f\u0964\u00bf\u00a1"
"""Marks around words, of Latin, Arabic and Devanagari script too."""
STEM = 5
"""Characters of a word that count, as the rest of it often is an ending."""
SHORTEST = 4
"""Characters of the stem of a word that may be in an answer."""
LONGEST = 4
"""Words of an answer."""


def overlap(inputs: Sequence[Fields]) -> list[str]:
    """Answer with new words of the sentence that has the rarest words of the question.

    The rules know no language, but that words are apart.
    """
    answers = []
    for fields in inputs:
        words, weights = _best_sentence(fields)
        answers.append(_new_words(words, weights, fields["question"]))
    return answers


def english_rules(inputs: Sequence[Fields]) -> list[str]:
    """Answer with a number or a name of that sentence, by the question words of English."""
    return [
        read({"question": fields["question"], "context": " ".join(_best_sentence(fields)[0])})
        for fields in inputs
    ]


def _stems(text: Sequence[str]) -> list[str]:
    return [word.strip(AROUND).casefold()[:STEM] for word in text]


def _best_sentence(fields: Fields) -> tuple[list[str], dict[str, float]]:
    """Return the words of the best sentence, and how rare each stem of the passage is."""
    sentences = [sentence.split() for sentence in SENTENCE.split(fields["context"])]
    asked, stems = set(_stems(fields["question"].split())), [set(_stems(s)) for s in sentences]
    weights = {
        stem: log((1 + len(stems)) / (0.5 + sum(stem in others for others in stems)))
        for stem in sorted(set().union(*stems))
    }
    scores = [sum(weights[stem] for stem in sorted(own & asked)) for own in stems]
    return sentences[scores.index(max(scores))], weights


def _new_words(words: list[str], weights: Mapping[str, float], question: str) -> str:
    """Return the heaviest run of a few words that are not in the question."""
    asked, stems = set(_stems(question.split())), _stems(words)
    new = [len(stem) >= SHORTEST and stem not in asked for stem in stems]
    best, answer = -1.0, words[-1:]
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + LONGEST) + 1):
            if not all(new[start:end]):
                break
            weight = sum(weights[stem] for stem in stems[start:end])
            if weight > best:
                best, answer = weight, words[start:end]
    return " ".join(answer).strip(AROUND)
