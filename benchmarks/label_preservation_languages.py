"""Measures what the perturbations do to labels in languages other than English.

In German, Spanish and Turkish: sentences of XED, whose emotions are joy and trust, against those
whose emotions are anger, disgust, fear and sadness, as many of both (subtitles; chance is 50 %). In
Russian, Chinese and Arabic: questions of XQuAD, and from which of its 48 articles they are (the
passages are learned, too; chance is 2 %). A classifier of words and of sequences of characters
(TF-IDF and logistic regression) learns from a part of the texts; of the others those that a
perturbation changes at severity 1 to 5 are scored before and after.

    python benchmarks/label_preservation_languages.py ../shared/data --write docs/languages.md

A perturbation that takes more than 15 points at severity 3, of 30 texts or more, is named: the text
may no longer say what it said. Takes about five minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from _multilingual import entries, sentences, xed, xquad
from _tables import cell, percents, put

from pytest_ood.languages import find_language
from pytest_ood.perturbations import fitting
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from pytest_ood.data.edits import Perturbed
    from pytest_ood.languages import Language
    from pytest_ood.perturbations import Generator

XED, XQUAD = "XED", "XQuAD"
SETS = {"de": XED, "es": XED, "tr": XED, "ru": XQUAD, "zh": XQUAD, "ar": XQUAD}
LEVELS = range(1, MAX_SEVERITY + 1)
SHOWN = 3
MOST_LOST = 0.15
FEWEST = 30
"""Changed texts of which a loss says something."""

GOOD, BAD = frozenset({5, 8}), frozenset({1, 3, 4, 6})
"""Joy and trust; anger, disgust, fear and sadness. Anticipation and surprise are either's."""

LEFT_OUT = ("add-option", "option-letters", "remove-text", "shuffle-options")
"""What is made for options of questions, or takes the text away."""

_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\u061f])\s*")
_WORD = r"\w+"
Labelled = tuple[str, str]


@dataclass(frozen=True)
class Level:
    """One perturbation at one severity.

    Attributes:
        changed: Texts that were changed.
        words: Mean share of words that an edit touches.
        characters: Mean share of edited characters.
        before: Accuracy on the same texts, unchanged.
        after: Accuracy on the changed ones.
    """

    changed: int
    words: float
    characters: float
    before: float
    after: float


def emotions(data: Path, code: str) -> tuple[list[Labelled], list[Labelled]]:
    """Return sentences of XED to learn from, and others to score, each with one of two labels."""
    rows = xed(data / "xed", code)
    good = [(text, "good") for text, found in rows if found <= GOOD]
    bad = [(text, "bad") for text, found in rows if found <= BAD]
    rng = generator(0, "emotions", code)
    rng.shuffle(good)
    rng.shuffle(bad)
    size = min(len(good), len(bad))
    labelled = good[:size] + bad[:size]
    rng.shuffle(labelled)
    count = len(labelled) // 4
    return labelled[count:], labelled[:count]


def articles(data: Path, code: str) -> tuple[list[Labelled], list[Labelled]]:
    """Return texts of XQuAD to learn from, and questions to score, each with its article."""
    questions = xquad(data / "xquad", code)
    generator(0, "articles", code).shuffle(questions)
    read = json.loads((data / "xquad" / f"xquad.{code}.json").read_text(encoding="utf-8"))["data"]
    passages = [
        (sentence, str(number))
        for number, article in enumerate(read)
        for paragraph in article["paragraphs"]
        for sentence in _SENTENCE_END.split(paragraph["context"])
        if sentence
    ]
    count = len(questions) // 2
    return passages + questions[count:], questions[:count]


def trained(labelled: list[Labelled]) -> Any:
    """Return a classifier of scikit-learn that has learned from labelled texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=_WORD, sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    classifier = LogisticRegression(C=10.0, max_iter=300)
    model = make_pipeline(make_union(words, letters), classifier)
    return model.fit([text for text, _ in labelled], [label for _, label in labelled])


def measurable(language: Language) -> dict[str, Generator]:
    """Return the perturbations that fit a language, keep labels and ask no model."""
    return {
        name: change.in_language(language)
        for name, change in fitting(language).items()
        if not change.models and change.kind != "label-changing" and name not in LEFT_OUT
    }


def measure(
    model: Any, change: Generator, scored: list[Labelled], right: list[bool]
) -> list[Level]:
    """Measure one perturbation at every severity.

    Args:
        model: Predicts labels.
        change: The perturbation.
        scored: The texts, with their labels.
        right: Whether the model has each right, unchanged.
    """
    levels = []
    for severity in LEVELS:
        at = change.at(severity)
        cases: list[tuple[Perturbed, str, bool]] = []
        for number, ((text, label), was_right) in enumerate(zip(scored, right, strict=True)):
            perturbed = at.perturb(text, generator(0, change.name, str(number)))
            if perturbed.edits:
                cases.append((perturbed, label, was_right))
        levels.append(level(model, cases))
    return levels


def level(model: Any, cases: list[tuple[Perturbed, str, bool]]) -> Level:
    """Measure the changed texts of one severity, each with its label and what it was."""
    if not cases:
        return Level(0, 0.0, 0.0, 0.0, 0.0)
    predicted = model.predict([perturbed.text for perturbed, _, _ in cases])
    return Level(
        len(cases),
        fmean(perturbed.edited_words for perturbed, _, _ in cases),
        fmean(perturbed.edited_characters for perturbed, _, _ in cases),
        fmean(was_right for _, _, was_right in cases),
        fmean(guess == label for guess, (_, label, _) in zip(predicted, cases, strict=True)),
    )


def example(change: Generator) -> str:
    """Return the first of the language's sentences that changes at severity 3, changed.

    If none does, it is a phrase that the language's file lists.
    """
    at = change.at(SHOWN)
    for text in (*sentences(change.language), *entries(change.language)):
        after = at(text, generator(0, change.name, text))
        if after != text:
            return cell(after)
    return ""


def row(change: Generator, levels: list[Level]) -> str:
    """Return the perturbation's line of the table."""
    if not any(found.changed for found in levels):
        return f"| `{change.name}` | none |" + " |" * 4
    before = levels[SHOWN - 1].before
    cells = [
        f"`{change.name}`",
        " ".join(str(found.changed) for found in levels),
        # White space does not tell the words of Chinese apart.
        percents(found.words for found in levels) if change.language.script.spaced else "",
        percents(found.characters for found in levels),
        f"{percents([before])}: {percents(found.after for found in levels)}",
        example(change),
    ]
    return f"| {' | '.join(cells)} |"


def tables(data: Path, code: str, names: list[str], size: int) -> list[str]:
    """Measure a language, and return the lines of its table."""
    language = find_language(code)
    learned, scored = (emotions if SETS[code] == XED else articles)(data, code)
    scored = scored[:size]
    model = trained(learned)
    predicted = model.predict([text for text, _ in scored])
    right = [guess == label for guess, (_, label) in zip(predicted, scored, strict=True)]
    lines = [
        f"{language.name} ({SETS[code]}): {len(learned)} texts learned, {len(scored)} scored, "
        f"{percents([fmean(right)])} % right.",
        "",
        "| perturbation | changed | words % | characters % | accuracy % | severity 3 |",
        "|---" * 6 + "|",
    ]
    lost = []
    for name, change in measurable(language).items():
        if names and name not in names:
            continue
        started = time.perf_counter()
        levels = measure(model, change, scored, right)
        lines.append(row(change, levels))
        shown = levels[SHOWN - 1]
        if shown.changed >= FEWEST and shown.before - shown.after > MOST_LOST:
            lost.append(f"`{name}` ({percents([shown.before])} to {percents([shown.after])})")
        sys.stderr.write(f"{code} {lines[-1]} {time.perf_counter() - started:.0f} s\n")
    return [*lines, "", f"More than 15 points lost at severity 3: {', '.join(lost) or 'none'}.", ""]


def main() -> int:
    """Measure everything, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder with the data sets xed and xquad")
    parser.add_argument("--only", nargs="*", default=[], help="only these perturbations")
    parser.add_argument("--languages", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--examples", type=int, default=600, help="texts scored of each language")
    parser.add_argument("--write", type=Path, help="put the tables between the marks of this file")
    options = parser.parse_args()
    lines = ["Seed 0; accuracy before: after at severity 1 to 5, of the changed texts.", ""]
    for code in options.languages:
        lines += tables(options.data, code, options.only, options.examples)
    text = "\n".join(lines).rstrip()
    if options.write is None:
        print(text)
    else:
        put(options.write, __file__, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
