"""Fake models for tests of suites and assertions: cheap, deterministic, wrong in known ways."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import canonical, fields_of
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.tasks import Prediction, decide
from pytest_ood.utils.seeding import derive_seed, generator
from pytest_ood.utils.tables import check_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm

EXAMPLE = """\
[tool.pytest_ood.models.sturdy]
fake = "keyword"
words = { positive = ["wonderful"], negative = ["terrible"] }
"""
"""An example of the configuration in pyproject.toml."""

KINDS = ("constant", "keyword", "random")


@dataclass(frozen=True)
class FakeModel:
    """A model that answers by a rule.

    `constant` answers the first label; `random` a label derived from the input; `keyword` the label
    with the most words in the text (a misspelled word does not count), or the last label without
    any.

    Attributes:
        name: The model's name in reports.
        kind: The rule.
        labels: The task's labels.
        words: For `keyword`: words for each label.
        paradigm: The paradigm that it has in reports.
        flip: The share of answers that are replaced by another label at random, each time anew, as
            a sampled LLM does.
        rng: Draws the replacements.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    paradigm: Paradigm = "other"
    flip: float = 0.0
    rng: Random = field(default_factory=lambda: generator(0, "fake"), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_share(f"model {self.name!r}: flip", self.flip)
        if self.kind not in KINDS:
            raise ConfigurationError(
                f"model {self.name!r}: " + unknown_name("kind of fake", self.kind, KINDS)
            )
        for label, words in self.words.items():
            if not isinstance(words, list | tuple) or not all(isinstance(w, str) for w in words):
                raise ConfigurationError(
                    f"model {self.name!r}: words: {words!r} is not a list of words"
                )
            if label not in self.labels:
                message = unknown_name("label", label, self.labels)
                raise ConfigurationError(f"model {self.name!r}: words: {message}")

    @property
    def source(self) -> str:
        """The kind of fake."""
        return f"fake: {self.kind}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The words, and the share of flipped answers."""
        words = {label: list(words) for label, words in self.words.items()}
        return {**words, "flip": self.flip} if self.flip else words

    @property
    def fingerprint(self) -> str:
        """Hash of the rule."""
        rule = json.dumps([self.kind, self.labels, self.parameters], sort_keys=True)
        return hashlib.sha256(rule.encode()).hexdigest()

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Apply the rule."""
        return [self._flipped(self._answer(value)) for value in inputs]

    def _flipped(self, answer: Prediction) -> Prediction:
        if self.rng.random() >= self.flip:
            return answer
        return Prediction(self.rng.choice([n for n in self.labels if n != answer.label]))

    def _answer(self, inputs: Inputs) -> Prediction:
        if self.kind == "constant":
            return Prediction(self.labels[0])
        if self.kind == "random":
            return Prediction(self.labels[derive_seed(0, canonical(inputs)) % len(self.labels)])
        text = " ".join(fields_of(inputs).values()).lower()
        words = set(re.findall(r"\w+", text))
        hits = {
            label: len(words & {w.lower() for w in self.words.get(label, ())})
            for label in self.labels
        }
        hits[self.labels[-1]] += 0.5  # type: ignore[assignment] # breaks ties; scores are shares
        total = sum(hits.values())
        return decide({label: count / total for label, count in hits.items()})


def build(
    source: str,
    context: Context,
    *,
    words: Mapping[str, Sequence[str]] | None = None,
    paradigm: str = "other",
    flip: float = 0.0,
) -> FakeModel:
    """Build a fake model.

    Args:
        source: "constant", "keyword" or "random".
        context: The adapter's context.
        words: For "keyword": words for each label.
        paradigm: The paradigm in reports: "prompted", "fine-tuned" or "other".
        flip: The share of answers that are replaced by another label at random.

    Raises:
        ConfigurationError: there is no such kind, label or paradigm, or the task has no labels.
    """
    if not context.labels:
        raise ConfigurationError(
            f"model {context.name!r}: a fake predicts labels, and the task {context.task.name} has "
            "none; take a model that writes its answer (prompted, callable, replay)"
        )
    chosen = paradigm_of(context.name, paradigm)
    return FakeModel(context.name, source, context.labels, words or {}, paradigm=chosen, flip=flip)
