"""Fine-tuned encoders that decide about each label by itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import ModelError
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._training import LabelHead, logits_of
from pytest_ood.tasks import SCORE_DECIMALS, Prediction
from pytest_ood.tasks.multi_label import HOLDS, MultiLabel, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.examples import Dataset
    from pytest_ood.tasks import Task

PROBLEM = "multi_label_classification"
"""The `problem_type` in transformers of heads with a sigmoid for each label."""


@dataclass(frozen=True)
class MultiLabelHead(LabelHead):
    """A head with a sigmoid for each label, trained by binary cross-entropy.

    Attributes:
        labels: The labels of the task, in order.
    """

    kind: str = "a multi-label sequence classifier"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The names of the outputs, and that several may hold."""
        return {**super().configuration, "problem_type": PROBLEM}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The kind of head, and the labels."""
        return {"head": PROBLEM, **super().settings}

    def check_configuration(self, config: Any, where: str) -> None:
        """Check that the head decides about each label by itself."""
        kind = getattr(config, "problem_type", None)
        if kind != PROBLEM:
            raise ModelError(
                f"{where}: its problem_type is {kind!r}, so that it answers with one label or a "
                f"number; the task multi-label asks for {PROBLEM!r}. If its outputs are trained "
                "with a sigmoid each, say so in its config.json"
            )

    def check(self, data: Dataset) -> None:
        """Accept any data: its sets of labels were checked when it was read."""

    def target(self, label: str) -> Any:
        """Return 1.0 for each label that holds and 0.0 for others."""
        held = labels_of(label)
        return [float(label in held) for label in self.labels]

    def accuracy(self, predictions: Any) -> dict[str, float]:
        """Return the share of rows all of whose labels are right at the probability 0.5."""
        logits = logits_of(predictions)
        right = (logits > 0.0) == (predictions.label_ids > HOLDS)
        return {"accuracy": float(right.all(-1).mean())}


@dataclass(frozen=True, kw_only=True)
class MultiLabelModel(FinetunedModel):
    """An encoder with a head that decides about each label by itself, run by transformers.

    Attributes:
        threshold: The least probability of a label that holds.
    """

    OPTIONS: ClassVar[tuple[str, ...]] = ("threshold",)

    threshold: float = HOLDS

    @classmethod
    def labels_of(cls, task: Task) -> Sequence[str]:
        """Return the labels that may hold."""
        return task.classes

    @property
    def head(self) -> MultiLabelHead:
        """The head on top of the encoder."""
        return MultiLabelHead(self.context.task.classes)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Settings of the inference and of the training."""
        return {**super().parameters, "threshold": self.threshold}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and of the settings that decide answers; trains if needed."""
        rest = f"{super().fingerprint} labels {self.context.task.classes} from {self.threshold}"
        return hashlib.sha256(rest.encode()).hexdigest()

    def _probabilities(self, logits: Any) -> Any:
        """Return the probability of each output, shape (n, outputs), of each by itself."""
        return logits.sigmoid()

    def _decided(self, labels: Sequence[str], row: Sequence[float]) -> Prediction:
        """Return the labels with an output whose probability is high enough."""
        pairs = zip(labels, row, strict=True)
        held = {label for label, score in pairs if round(score, SCORE_DECIMALS) >= self.threshold}
        return Prediction(MultiLabel(self.context.task.classes).answer_of(held))
