"""Free answers in words, compared with reference texts: chrF, BLEU, ROUGE-L or embeddings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from pytest_ood.data.parsing import INVISIBLE, without_thoughts
from pytest_ood.errors import ConfigurationError, DataError, require, unknown_name
from pytest_ood.tasks.protocol import SCORE_DECIMALS, OpenTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.tasks.protocol import Embed, Prediction

Metric = Literal["chrf", "bleu", "rouge-l", "similarity"]

MEASURES: dict[Metric, str] = {
    "chrf": "chrF",
    "bleu": "BLEU",
    "rouge-l": "ROUGE-L",
    "similarity": "similarity",
}
"""The name of each metric in reports."""

CORPUS_METRICS: dict[Metric, str] = {"chrf": "corpus-chrf", "bleu": "corpus-bleu"}
"""The metrics whose value for a corpus is not the mean of its sentences."""

_DECIMALS = 12
"""Decimals of a score: BLEU of an answer that is its reference is 1 up to rounding errors."""

_ROUGE_TOKEN = re.compile(r"[a-z0-9]", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class FreeText(OpenTask):
    """A text, scored by its likeness to the reference, or to the most similar of several.

    Attributes:
        metric: "chrf" (Popović 2015), "bleu" (Papineni et al. 2002), "rouge-l" (Lin 2004), or
            "similarity", the cosine of sentence embeddings (Reimers and Gurevych 2019).
        name: "text".
        several: True: an example may have several references.
        embed: Embeds texts, for "similarity"; see `with_embeddings`.
    """

    metric: Metric = "chrf"
    name: str = "text"
    several: bool = True
    embed: Embed | None = field(default=None, compare=False, repr=False)

    @property
    def measure(self) -> str:  # type: ignore[override] # the class is frozen
        """The name of the mean score of single texts."""
        return MEASURES[self.metric]

    @property
    def headline(self) -> str:  # type: ignore[override] # the class is frozen
        """For chrF and BLEU that of the corpus; else the mean score."""
        return CORPUS_METRICS.get(self.metric, super().headline)

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override] # the class is frozen
        """The library, its version and its parameters, which the scores depend on."""
        return (_note_on(self.metric),)

    def with_embeddings(self, embed: Embed) -> FreeText:
        """Return the task with a function that embeds texts."""
        return replace(self, embed=embed)

    def reference(self, answer: str) -> str:
        """Return a reference without surrounding white space.

        Raises:
            DataError: it is empty, or no answer could be similar to it.
        """
        text = answer.strip().strip(INVISIBLE).strip()
        if not text:
            raise DataError("the reference is empty; give a text, or leave the row out")
        if self.metric == "rouge-l" and not _ROUGE_TOKEN.search(text):
            raise DataError(
                "the reference has no ASCII letter or digit, which alone are ROUGE-L's words, so "
                'that every answer would score 0; take metric = "chrf"'
            )
        return text

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return a generated text without reasoning and surrounding white space; None if empty."""
        del label_words
        # A truncated answer may end in half an emoji, a lone surrogate that cannot be encoded.
        said = text.encode("utf-8", "replace").decode()
        return without_thoughts(said).strip().strip(INVISIBLE).strip() or None

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the reference that the answer is compared with.

        By chrF and ROUGE-L that is the nearest of several. BLEU counts n-grams of all references at
        once, so that it is all of them (see `joined`). For embeddings, of which no further metric
        is computed, it is the first one.
        """
        references = example.right_answers
        if self.metric == "bleu":
            return joined(references)
        if len(references) == 1 or self.metric == "similarity":
            return example.label
        answer = prediction.label or ""
        return max(references, key=lambda reference: _likeness(self.metric, answer, [reference]))

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the likeness to the references, in [0, 1]; an abstention scores 0.

        Raises:
            MissingDependencyError: the library of the metric is not installed.
        """
        if self.metric == "similarity":
            return self._similarities([(prediction, example)])[0]
        if prediction.label is None:
            return 0.0
        return _likeness(self.metric, prediction.label, example.right_answers)

    def scores(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return the score of each pair; all texts are embedded together."""
        return self._similarities(pairs) if self.metric == "similarity" else super().scores(pairs)

    def _similarities(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return the largest cosine with a reference, 0 if it is negative."""
        if self.embed is None:
            raise ConfigurationError(
                'the metric "similarity" needs embeddings of texts, which runs of suites and the '
                "assertions provide; elsewhere use FreeText.with_embeddings"
            )
        answered = [(p.label, e.right_answers) for p, e in pairs if p.label is not None]
        texts = list(dict.fromkeys(t for answer, right in answered for t in (answer, *right)))
        vectors = dict(zip(texts, self.embed(texts), strict=True)) if texts else {}
        return [
            0.0
            if p.label is None
            else max(0.0, *(_cosine(vectors[p.label], vectors[r]) for r in e.right_answers))
            for p, e in pairs
        ]


def joined(references: Sequence[str]) -> str:
    """Return references as one text: a single one as it is, several as a JSON list.

    A single one that begins as a list does is put into a list, too.
    """
    if len(references) == 1 and not references[0].startswith("["):
        return references[0]
    return json.dumps(references, ensure_ascii=False)


def split(references: str) -> list[str]:
    """Return the references in a text that `joined` has returned."""
    return json.loads(references) if references.startswith("[") else [references]


@cache
def sacrebleu_metric(name: Literal["CHRF", "BLEU"], **options: Any) -> Any:
    """Return a metric of the library sacrebleu (Post 2018).

    Raises:
        MissingDependencyError: it is not installed.
    """
    library = require("sacrebleu", extra="text", purpose="chrF or BLEU as the score of texts")
    return getattr(library, name)(**options)


@cache
def _rouge_scorer() -> Any:
    return _rouge("rouge_score.rouge_scorer").RougeScorer(["rougeL"])


def _rouge(module: str) -> Any:
    return require(module, extra="text", purpose="ROUGE-L as the score of texts")


def _sentence_metric(metric: Metric) -> Any:
    """Return sacrebleu's metric for single sentences.

    Of a short sentence only the n-grams that it can have count ("effective order").
    """
    if metric == "chrf":
        return sacrebleu_metric("CHRF")
    return sacrebleu_metric("BLEU", effective_order=True)


def _likeness(metric: Metric, answer: str, references: Sequence[str]) -> float:
    """Return the score of one text by a metric other than "similarity", in [0, 1]."""
    if metric == "rouge-l":
        score: float = _rouge_scorer().score_multi(references, answer)["rougeL"].fmeasure
    else:
        score = _sentence_metric(metric).sentence_score(answer, references).score / 100.0
    return min(1.0, round(score, _DECIMALS))


def _cosine(one: Any, other: Any) -> float:
    """Return the cosine of two vectors of length 1."""
    return min(1.0, round(float(one @ other), SCORE_DECIMALS))


def _note_on(metric: Metric) -> str:
    """Return a note that says how a metric is computed."""
    if metric == "similarity":
        return (
            "similarity: cosine of the sentence embeddings of the packaged all-MiniLM-L6-v2, 0 if "
            "negative"
        )
    if metric == "rouge-l":
        # The scorer itself imports all of NLTK, which takes a second.
        _rouge("rouge_score")
        return f"ROUGE-L: F-measure by rouge-score {version('rouge-score')}, without stemming"
    name, note = MEASURES[metric], f"single texts {_signature(_sentence_metric(metric))}"
    if metric == "bleu":
        note += f"; {CORPUS_METRICS[metric]} {_signature(sacrebleu_metric('BLEU'))}"
    return f"{name} by sacrebleu: {note}"


def _signature(metric: Any) -> str:
    """Return sacrebleu's signature of a metric, which it has once it was used."""
    metric.corpus_score(["a"], [["a"]])
    # The number of references is that of the data, not of this call.
    return str(metric.get_signature()).partition("|")[2]


NAMES: tuple[str, ...] = ("text",)
KEYS: tuple[str, ...] = ("metric",)


def parse(name: str, table: Mapping[str, Any]) -> FreeText:
    """Read a suite's choice of the metric.

    Raises:
        ConfigurationError: there is no such metric.
    """
    metric = table.get("metric", "chrf")
    if metric not in MEASURES:
        raise ConfigurationError(unknown_name("metric", str(metric), MEASURES))
    return FreeText(metric, name)
