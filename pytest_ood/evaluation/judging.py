"""A model that scores the answers of others, and how far it is from people.

The judge sees the rubric with an input and an answer, one at a time, and nothing of where they are
from: neither the shift, nor the model, nor which version of an input it is. It is run through the
engine, which stores its answers by its fingerprint, and asks in the order of the texts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.budgets import Judgement
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError, ModelError, shown, unknown_name
from pytest_ood.evaluation.labelled_answers import labelled_answers
from pytest_ood.loading.prompts import FIELD_PATTERN, field_names
from pytest_ood.models.protocol import is_recorded
from pytest_ood.shifts import ADVERSARIAL, WORST_CASE
from pytest_ood.statistics import least_examples
from pytest_ood.statistics.agreement import cohens_kappa
from pytest_ood.statistics.prediction_powered import Labelled
from pytest_ood.tasks import Judged
from pytest_ood.trials.predictor import single_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ood.data.examples import Example
    from pytest_ood.evaluation.labelled_answers import LabelledAnswer
    from pytest_ood.evaluation.notes import Notes
    from pytest_ood.inference.engine import Engine
    from pytest_ood.loading.readers import Reader
    from pytest_ood.models.protocol import Model
    from pytest_ood.shifts import Shift
    from pytest_ood.suite.suite import Suite
    from pytest_ood.tasks import Prediction
    from pytest_ood.tasks.judged import Words
    from pytest_ood.trials.predictor import AnyModel

    Pairs = Sequence[tuple[Prediction, Example]]

FEW = 5
"""Answers without a verdict, of which more than half of all are, that show a judge to be broken."""

LONGEST_FINGERPRINT = 40
"""Characters of a fingerprint that a note has; of a longer one it has the beginning of a hash."""

INPUT, ANSWER, REFERENCE = "input", "answer", "reference"
_FIELD = re.compile(FIELD_PATTERN)


@dataclass(frozen=True)
class Rubric:
    """The prompt of a judge.

    Attributes:
        template: The text, with `{input}`, `{answer}`, `{reference}` and the names of the inputs'
            fields in braces.
        path: Its file, for reports.
    """

    template: str
    path: str

    @classmethod
    def read(cls, path: str, root: Path, fields: Sequence[str]) -> Rubric:
        """Read the file of a rubric.

        Args:
            path: The file.
            root: The folder that relative paths start from.
            fields: The names of the fields of inputs.

        Raises:
            ConfigurationError: it cannot be read, lacks the answer, or names an unknown field.
        """
        try:
            template = (root / path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ConfigurationError(f"rubric: {root / path} cannot be read ({reason})") from None
        allowed = (INPUT, ANSWER, REFERENCE, *fields)
        for name in field_names(template):
            if name not in allowed:
                raise ConfigurationError(f"rubric: {path}: " + unknown_name("field", name, allowed))
        if ANSWER not in field_names(template):
            raise ConfigurationError(
                f"rubric: {path}: it lacks the answer to judge; write {{answer}} where it goes"
            )
        return cls(template, path)

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.template.encode()).hexdigest()

    @property
    def needs_reference(self) -> bool:
        """Whether the judge is shown a right answer."""
        return REFERENCE in field_names(self.template)

    def render(self, answer: str, example: Example) -> str:
        """Return the prompt for an answer to an example."""
        fields = fields_of(example.inputs)
        named = "\n".join(f"{name}: {text}" for name, text in fields.items())
        values = {
            **fields,
            INPUT: next(iter(fields.values())) if len(fields) == 1 else named,
            REFERENCE: example.label,
            ANSWER: answer,
        }
        # In one pass, so that braces in an answer stay as they are.
        return _FIELD.sub(lambda match: values[match[1]], self.template)


@dataclass(frozen=True)
class Judge:
    """A model with a rubric.

    Attributes:
        model: Answers one of two words to a rubric that is filled in.
        rubric: Its prompt.
    """

    model: Model
    rubric: Rubric

    @cached_property
    def description(self) -> str:
        """The judge in words: its fingerprint, and the hash of its rubric."""
        fingerprint = self.model.fingerprint
        if fingerprint is not None and len(fingerprint) > LONGEST_FINGERPRINT:
            fingerprint = hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
        return (
            f"judge {self.model.name!r} ({self.model.source}), "
            f"{f'fingerprint {fingerprint}' if fingerprint else 'without a fingerprint'}, rubric "
            f"{self.rubric.path} with SHA-256 {self.rubric.digest}"
        )


class Judging:
    """Scores the answers of a suite by its judge, and knows where the judge errs how often.

    Args:
        suite: The suite; its task only describes the judge.
        judge: The judge.
        engine: Runs it.
        reader: Reads the labelled answers.
        notes: Collects remarks on the judge.

    Raises:
        ConfigurationError: a shift has no single answers to judge.
    """

    def __init__(
        self, suite: Suite, judge: Judge, *, engine: Engine, reader: Reader, notes: Notes
    ) -> None:
        assert isinstance(suite.task, Judged), "unreachable because only such a suite has a judge"
        for shift in suite.shifts:
            # An attack would look for what the judge gets wrong, and the worst of several verdicts
            # is wrong more often than each.
            if shift.kind == ADVERSARIAL or shift.counts_cases or shift.name == WORST_CASE:
                raise ConfigurationError(
                    f"suite {suite.name!r}: {shift.kind}/{shift.name}: attacks and shifts that "
                    "score several answers as one select what a judge gets wrong, and its error is "
                    "known of single answers; leave it out"
                )
        self.judge = judge
        self.task = suite.task.bound(self.scores)
        self._suite, self._engine, self._reader, self._notes = suite, engine, reader, notes
        self._slices: dict[tuple[str | None, str], Labelled] = {}

    def check_judge(self, model: AnyModel) -> None:
        """Check that a model under test is not the judge.

        Raises:
            ConfigurationError: it is.
        """
        judge = self.judge.model
        for member in single_models(model):
            same = not is_recorded(member) and member.fingerprint == judge.fingerprint is not None
            if same or member.source == judge.source:
                raise ConfigurationError(is_judge(self._suite.name, model.name, judge.name))

    def scores(self, pairs: Pairs) -> list[float]:
        """Return 1 for an answer that passes, 0 for one that fails, nan without a verdict.

        No answer at all fails unjudged.

        Raises:
            ModelError: the judge gives no verdicts.
        """
        prompts = [
            None if answer.label is None else self.judge.rubric.render(answer.label, example)
            for answer, example in pairs
        ]
        verdicts = self._verdicts(sorted({text for text in prompts if text is not None}))
        return [0.0 if text is None else verdicts[text] for text in prompts]

    def _verdicts(self, prompts: Sequence[str]) -> dict[str, float]:
        """Return the score of each prompt. Their order tells nothing: it is that of their texts."""
        model, words = self.judge.model, self._words
        blocks = self._engine.predict_in_blocks(
            model, prompts, None, f"{self._suite.name}/judge", count_long=True, isolate=True
        )
        answers = [answer for block in blocks for answer in block.predictions]
        verdicts, prose = {}, []
        for prompt, answer in zip(prompts, answers, strict=True):
            said = answer.label if answer.label is not None else answer.text
            word = None if answer.error is not None else words.read(said or "")
            verdicts[prompt] = nan if word is None else float(word == words.passes)
            if word is None:
                prose.append(f"error: {answer.error}" if answer.error is not None else shown(said))
        if prose:
            self._notes.add(f"judge {model.name!r}: no verdict, unscored: {prose[0]}")
        if len(prose) >= FEW and len(prose) > len(prompts) / 2:
            raise ModelError(
                f"judge {model.name!r}: {len(prose)} of {len(prompts)} answers are no verdict, "
                f"such as {prose[0]}; it has to answer {words.passes!r} or {words.fails!r} alone, "
                f'or {{"verdict": "{words.passes}"}}: say so in {self.judge.rubric.path}'
            )
        return verdicts

    @property
    def _words(self) -> Words:
        return self.task.words

    def labelled(self, model: AnyModel, shift: Shift | None = None) -> Labelled | None:
        """Return the labelled answers for a model, in distribution or under a shift.

        Those that name the model; without any, those that name none.

        Returns:
            None where they are fewer than the task's least number.

        Raises:
            DataError: they cannot be read.
        """
        found = self._slice(model, shift)
        return found if len(found) >= self.task.min_labelled else None

    def on_both_sides(self, model: AnyModel, shift: Shift) -> tuple[Labelled, Labelled] | None:
        """Return the labelled answers for a model in distribution and under a shift."""
        before, after = self.labelled(model), self.labelled(model, shift)
        return None if before is None or after is None else (before, after)

    def lacking(
        self,
        models: Sequence[AnyModel],
        shift: Shift | None = None,
        limit: float | None = None,
        alpha: float | None = None,
    ) -> Judgement | None:
        """Return "invalid" where the judge's error is unknown, with the labels that it takes.

        Args:
            models: The models whose answers are judged; two of them need labels of their own, as
                an error that both are taken to share would cancel out.
            shift: The shift; None for in distribution.
            limit: The budget; None without one.
            alpha: The level at which it is tested.
        """
        # The fewest labels that can show the budget to be kept.
        least = least_examples(limit, alpha) if limit and alpha else 0
        needed = max(self.task.min_labelled, least)
        for model in models:
            compared = len(models) > 1
            for side in (None,) if shift is None else (None, shift):
                missing = compared and not self._is_named(model, side)
                count = 0 if missing else len(self._slice(model, side))
                if count < self.task.min_labelled:
                    where = "in distribution" if side is None else f"under {side.name}"
                    of, named = "", ""
                    if compared:
                        of, named = f" of {model.name}", f", with model = {model.name!r}"
                    return Judgement(
                        "invalid",
                        f"{count} answers{of} {where} have a verdict of people, so that the "
                        f"judge's error there is unknown: label {needed} or more{named}",
                    )
        return None

    def explained(self, judged: Judgement) -> Judgement:
        """Return a verdict with what it takes to settle it: more labels, too."""
        if judged.verdict != "inconclusive":
            return judged
        return replace(judged, reason=f"{judged.reason}, and as many times the labelled answers")

    def _is_named(self, model: AnyModel, shift: Shift | None) -> bool:
        """Return whether some labelled answers are said to be a model's."""
        side = IN_DISTRIBUTION if shift is None else shift.name
        return any(row.model == model.name and row.shift == side for row in self._rows)

    def _slice(self, model: AnyModel, shift: Shift | None) -> Labelled:
        side = IN_DISTRIBUTION if shift is None else shift.name
        owner = model.name if self._is_named(model, shift) else None
        if (owner, side) not in self._slices:
            rows = [row for row in self._rows if row.model == owner and row.shift == side]
            self._slices[owner, side] = self._compared(rows, owner, side)
        return self._slices[owner, side]

    def _compared(self, rows: Sequence[LabelledAnswer], owner: str | None, side: str) -> Labelled:
        """Return people's verdicts beside the judge's, and note how far they agree."""
        scores = self.scores([(row.answer, row.example) for row in rows])
        scored = [(row, score) for row, score in zip(rows, scores, strict=True) if not isnan(score)]
        human = np.array([float(row.passes) for row, _ in scored])
        judge = np.array([score for _, score in scored])
        self._describe()
        if scored:
            kappa = cohens_kappa(human, judge)
            where = "in distribution" if side == IN_DISTRIBUTION else f"under {side}"
            of = "" if owner is None else f" of {owner}"
            self._notes.add(
                f"{self._suite.name}: judge {self.judge.model.name!r} and people, {where}: Cohen's "
                f"kappa {'undefined' if kappa is None else f'{kappa:.2f}'}, equal verdicts "
                f"{100 * float(np.mean(human == judge)):.0f} % (n = {len(scored)} labelled "
                f"answers{of})"
            )
        return Labelled(human, judge, tuple(row.example.id for row, _ in scored))

    def _describe(self) -> None:
        """Note which judge this is, with a warning where it may change unnoticed."""
        self._notes.add(f"{self._suite.name}: {self.judge.description}")
        if self.judge.model.fingerprint is None:
            self._notes.add(
                f"warning: {self._suite.name}: judge {self.judge.model.name!r} has no fingerprint: "
                "another judge tomorrow could not be told from this one, and its answers are not "
                "kept; give it a fingerprint"
            )

    @cached_property
    def _rows(self) -> tuple[LabelledAnswer, ...]:
        """All labelled answers."""
        return labelled_answers(self._suite, self._reader, self.judge.rubric.needs_reference)


def is_judge(suite: str, model: str, judge: str) -> str:
    """Return the message for a model that would judge itself."""
    return (
        f"suite {suite!r}: {model!r} is the judge ({judge!r}) of its own answers; take another "
        "judge, or leave the model out of this suite by its key `suites`"
    )


def judging_of(
    suite: Suite, judge: Judge | None, *, engine: Engine, reader: Reader, notes: Notes
) -> Judging | None:
    """Return what scores the answers of a suite whose task is `judged`; None for other suites.

    A task is a description, in a layer without models. Its judge needs the engine with its cache,
    the suite's shifts, and notes. With the judge bound to it, the task scores answers as any other
    does, so that shifts and trials know of no judges.

    Raises:
        ConfigurationError: as `Judging`.
    """
    if judge is None:
        return None
    return Judging(suite, judge, engine=engine, reader=reader, notes=notes)
