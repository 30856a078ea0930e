"""A token model of scikit-learn: TF-IDF of features of a word and its neighbours, regression.

The features are those of Ratinov and Roth 2009, Design Challenges and Misconceptions in Named
Entity Recognition, without gazetteers: the word, its prefixes, suffixes and shape, and
two words on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from pytest_ood.data.tags import LabelledSpan, iob2_tags, tagged_spans, words_of
from pytest_ood.loading.formats import parse_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def shape(word: str) -> str:
    """Return the shape of a word, without repeats: "Xx" for "Paris", "d" for "1984"."""
    signs = (
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word
    )
    kinds: list[str] = []
    for sign in signs:
        if kinds[-1:] != [sign]:
            kinds.append(sign)
    return "".join(kinds)


def features_of(words: Sequence[str]) -> list[list[str]]:
    """Return the features of each word of a text."""
    padded = ["<<", "<", *words, ">", ">>"]
    rows = []
    for index in range(2, len(padded) - 2):
        word = padded[index]
        row = [f"{size}:{part}" for size in (2, 3, 4) for part in (word[:size], "-" + word[-size:])]
        for offset in (-2, -1, 0, 1, 2):
            other = padded[index + offset]
            row += [f"w{offset}={other.lower()}", f"s{offset}={shape(other)}"]
        rows.append([*row, f"both={padded[index - 1].lower()} {word.lower()}"])
    return rows


def _as_they_are(features: list[str]) -> list[str]:
    return features


@dataclass(frozen=True)
class Tagger:
    """Tags the words of texts.

    Attributes:
        pipeline: The fitted pipeline of scikit-learn, from features of a word to its tag.
    """

    pipeline: Any

    @classmethod
    def trained(cls, path: Path, names: Mapping[str, str]) -> Tagger:
        """Return a tagger that was fitted to a CoNLL file.

        Args:
            path: The file.
            names: Labels by their names in the file; others are left out.
        """
        rows: list[list[str]] = []
        tags: list[str] = []
        for _, row in parse_rows(path):
            text = row["text"]
            words = words_of(text)
            rows += features_of([text[a:b] for a, b in words])
            spans = [LabelledSpan(**one) for one in row["label"] if one["label"] in names]
            tags += iob2_tags([s._replace(label=names[s.label]) for s in spans], words)
        pipeline = make_pipeline(
            TfidfVectorizer(analyzer=_as_they_are), LogisticRegression(C=30.0, max_iter=300)
        )
        return cls(pipeline.fit(rows, tags))

    def __call__(self, texts: Sequence[str]) -> list[list[LabelledSpan]]:
        """Return the entities of each text: (start, end, label)."""
        answers = []
        for text in texts:
            words = words_of(text)
            tags = (
                self.pipeline.predict(features_of([text[a:b] for a, b in words])) if words else []
            )
            answers.append(tagged_spans([str(tag) for tag in tags], words))
        return answers
