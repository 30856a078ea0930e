"""Answers that a model judges, where no rule can say whether one is right.

The task describes the judge; what a suite names is bound to it as `judge` by the evaluation, which
has the models, the data and the cache of answers. This module runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import json_value
from pytest_ood.errors import ConfigurationError
from pytest_ood.tasks.classification import Classification
from pytest_ood.tasks.protocol import OpenTask, Prediction
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from pytest_ood.data.examples import Example

Scoring = Callable[[Sequence[tuple[Prediction, "Example"]]], list[float]]
"""Returns the score of each answer: 1 for a pass, 0 for a fail, nan without a verdict."""

MIN_LABELLED, FEWEST_LABELLED = 50, 20
"""The default of `min_labelled`, and the least that it may be."""


@dataclass(frozen=True)
class Words:
    """The two answers of a judge.

    Attributes:
        fails: The word for an answer that fails.
        passes: The word for one that passes.
    """

    fails: str = "fail"
    passes: str = "pass"

    def read(self, text: str) -> str | None:
        """Return the word that a text is, or None.

        A text is a word once white space around it and case are removed, or a JSON object whose
        field `verdict` is one. A word inside a sentence is none: "it would not pass" is no pass.
        """
        words = {word.casefold(): word for word in (self.fails, self.passes)}
        said: Any = text
        if text.lstrip().startswith("{"):
            table = json_value(text)
            said = table.get("verdict") if isinstance(table, Mapping) else None
        return words.get(said.strip().casefold()) if isinstance(said, str) else None


@dataclass(frozen=True)
class Verdicts(Classification):
    """The task of the judge itself: one of two words, read strictly."""

    labels: tuple[str, ...] = ("fail", "pass")
    name: str = "verdicts"

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the word that the whole text is, or None."""
        words = dict(label_words) or {label: label for label in self.labels}
        labels = {word: label for label, word in words.items()}
        fails, passes = labels
        said = Words(fails, passes).read(text)
        return None if said is None else labels[said]


@dataclass(frozen=True)
class Judged(OpenTask):
    """An answer in words, which a judge passes or fails.

    Attributes:
        model: The name of a configured model, or the table of one.
        rubric: The path of the judge's prompt.
        labelled: The data source of answers that people have judged; None without any.
        min_labelled: The fewest of these, in distribution and under a shift, for a verdict.
        words: The judge's two answers.
        name: The name in suite files.
        measure: The name of the mean score.
        judge: Scores answers; None in a task that only describes.
    """

    model: str | Mapping[str, Any]
    rubric: str
    labelled: str | Mapping[str, Any] | None = None
    min_labelled: int = MIN_LABELLED
    words: Words = field(default_factory=Words)
    name: str = "judged"
    measure: str = "judged score"
    judge: Scoring | None = field(default=None, compare=False, repr=False)

    @property
    def verdicts(self) -> Verdicts:
        """The task of the judge."""
        # A tie of two probabilities goes to the first label.
        return Verdicts((self.words.fails, self.words.passes))

    def bound(self, judge: Scoring) -> Judged:
        """Return the task with a judge that scores answers."""
        return replace(self, judge=judge)

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the judge's score of one answer."""
        return self.scores([(prediction, example)])[0]

    def scores(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return the judge's score of each answer.

        Raises:
            ConfigurationError: the task has no judge.
        """
        if self.judge is None:
            raise ConfigurationError(
                f"task {self.name!r}: there is no judge to score answers; a suite file names one "
                "under [judge]"
            )
        return self.judge(pairs)


NAMES = ("judged",)
KEYS: tuple[str, ...] = ("judge",)


def parse(name: str, table: Mapping[str, Any]) -> Judged:
    """Read a suite's table `judge`.

    Raises:
        ConfigurationError: it is missing, or a key is unknown or wrong.
    """
    if not isinstance(table.get("judge"), Mapping):
        raise ConfigurationError(
            f"the task {name} needs a table [judge] with `model`, `rubric` and `labelled`"
        )
    judge = ConfigTable(table["judge"], "judge")
    judge.only(("labelled", "min_labelled", "model", "rubric", "words"))
    judge.require("model", "rubric")
    if not isinstance(judge["model"], str | Mapping) or not judge["model"]:
        raise judge.wrong("model", "the name of a configured model, or a table as one has")
    if not isinstance(judge.get("labelled", ""), str | Mapping):
        raise judge.wrong("labelled", "a path or a table with `data`")
    fewest = judge.count("min_labelled", MIN_LABELLED)
    if fewest < FEWEST_LABELLED:
        raise judge.wrong(
            "min_labelled", f"{FEWEST_LABELLED} or more: fewer labels say nothing of a judge"
        )
    return Judged(
        model=judge["model"],
        rubric=judge.string("rubric", ""),
        labelled=judge.get("labelled"),
        min_labelled=fewest,
        words=_words(judge),
        name=name,
    )


def _words(judge: ConfigTable) -> Words:
    words = judge.names("words")
    for word in words:
        if word not in ("pass", "fail"):
            raise judge.wrong("words", "a table with a word for `pass` and one for `fail`")
    chosen = Words(words.get("fail", "fail"), words.get("pass", "pass"))
    both = (chosen.fails, chosen.passes)
    if any(chosen.read(word) != word for word in both):
        raise judge.wrong("words", "two different words, without white space around them")
    return chosen
