"""Fine-tuned encoders: a checkpoint for the task, or a base that is fine-tuned first.

Classification uses a sequence classifier (see `_encoder`); `ENCODERS` has the classes for tasks
with another kind of answer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import (
    ConfigurationError,
    unknown_name,
)
from pytest_ood.models._encoder import AUTO, FinetunedModel, Training
from pytest_ood.models._thresholds import check_thresholds
from pytest_ood.models._torch import (
    check_choices,
)
from pytest_ood.models._training import (
    FROM_SCRATCH,
    TrainingSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.models.protocol import Context

EXAMPLE = """\
[tool.pytest_ood.models.encoder]
finetuned = "roberta-base"
train = "data/train.jsonl"          # left out: evaluated as it is
seeds = 3
"""
"""An example of the configuration in pyproject.toml."""

SEED_OPTION, SEED_NEEDS = "train_seed", "train"
"""The option that is raised by one for each of a model's `seeds`, and the option that it needs."""

ENCODERS = {
    "extractive-qa": "_extractive_qa:SpanModel",
    "ner": "_token_classification:TokenModel",
    "multiple-choice": "_multiple_choice:ChoiceModel",
    "multi-label": "_multi_label_encoder:MultiLabelModel",
}
"""The class of encoders for each task whose answer is no label: its module in this folder, and its
name. It is a subclass of `FinetunedModel` that says what it takes in `LENGTH` and `OPTIONS`."""


def build(
    source: str,
    context: Context,
    *,
    train: Any = None,
    labels: Mapping[str, str] | None = None,
    epochs: float = 2.0,
    learning_rate: float = 5e-5,
    train_batch_size: int = 32,
    train_seed: int = 0,
    max_length: int | None = None,
    stride: int | None = None,
    no_answer: bool | None = None,
    threshold: float | None = None,
    abstain_below: float | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    device_map: str | None = None,
    dtype: str = "auto",
) -> FinetunedModel:
    """Describe a fine-tuned encoder; nothing is loaded or trained before the first query.

    Args:
        source: A hub id, a folder, `asset:minilm`, `new:roberta` for a small RoBERTa from
            scratch, or `auto`: roberta-base where the hub or a local copy is reachable, and the
            packaged MiniLM otherwise; the report names the one that ran.
        context: The adapter's context.
        train: Labelled data (a path or a table) to fine-tune on first.
        labels: The task's label for each of the checkpoint's, where the names differ.
        epochs: Passes over the training data.
        learning_rate: The peak of the learning rate.
        train_batch_size: Examples per training step.
        train_seed: Seed of new weights, order and dropout.
        max_length: The number of tokens to which inputs are truncated, by default 256; of a window
            over a passage, by default 384.
        stride: The overlap of windows over a passage in tokens, by default 128; at most half of the
            room that the question leaves.
        no_answer: Whether a question about a passage may have no answer (SQuAD 2.0); by default
            whether a question of `train` has none.
        threshold: For sets of labels: the least probability of a label that holds, by default 0.5.
        abstain_below: For one label: the probability of the likeliest one below which there is no
            answer.
        batch_size: Inputs per forward pass, at most; by default 32 on a processor, and as many as
            fill an accelerator.
        device: "auto", "cpu", "cuda" or "mps".
        device_map: How accelerate spreads a model that no single device has room for: "auto",
            "balanced", "balanced_low_0" or "sequential"; by default it is on one device,
            and always while it is trained here.
        dtype: "float32", "bfloat16", "float16", or "auto": the checkpoint's own on an accelerator,
            float32 on a processor and for weights that are trained here.

    Raises:
        ConfigurationError: values that do not go together.
        DataError: training data that cannot be read.
    """
    check_choices(context, source, device=device, dtype=dtype, device_map=device_map)
    kind = _kind_of(context)
    check_thresholds(
        f"model {context.name!r}", context.task, threshold=threshold, abstain_below=abstain_below
    )
    options = {
        "no_answer": no_answer,
        "stride": stride,
        "threshold": threshold,
        "abstain_below": abstain_below,
    }
    own: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    _check_options(context, kind, own, labels or {})
    if max_length is None:
        max_length = kind.LENGTH
    _check_above_0(context, epochs=epochs, learning_rate=learning_rate)
    _check_counts(
        context,
        train_batch_size=train_batch_size,
        max_length=max_length,
        batch_size=1 if batch_size is None else batch_size,
        stride=1 if stride is None else stride,
    )
    scratch = source == FROM_SCRATCH
    if source.startswith("new:") and not scratch:
        message = unknown_name("architecture", source, [FROM_SCRATCH])
        raise ConfigurationError(f"model {context.name!r}: {message}")
    if (scratch or source == AUTO) and train is None:
        raise ConfigurationError(
            f"model {context.name!r}: finetuned = {source!r} is not fine-tuned yet; "
            "give `train`, the data to train it on"
        )
    training = None
    if train is not None:
        load = context.data(train)
        settings = TrainingSettings(
            epochs=float(epochs),
            learning_rate=learning_rate,
            batch_size=train_batch_size,
            seed=train_seed,
            max_length=max_length,
        )
        training = Training(load, settings)
    return kind(
        name=context.name,
        checkpoint=source,
        training=training,
        context=context,
        label_names=labels or {},
        max_length=max_length,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        device_map=device_map,
        **own,
    )


def _kind_of(context: Context) -> type[FinetunedModel]:
    """Return the class of encoders for a task.

    Raises:
        ConfigurationError: there is none.
    """
    if context.task.name in ENCODERS:
        module, _, name = ENCODERS[context.task.name].partition(":")
        kind: type[FinetunedModel] = getattr(
            importlib.import_module(f"{__package__}.{module}"), name
        )
        return kind
    if not context.labels:
        raise ConfigurationError(
            f"model {context.name!r}: a fine-tuned encoder predicts labels, or answers the task "
            f"{' or '.join(ENCODERS)}, and the task {context.task.name} is neither; take a model "
            "that writes its answer (prompted, callable, replay)"
        )
    return FinetunedModel


def _check_options(
    context: Context,
    kind: type[FinetunedModel],
    own: Mapping[str, Any],
    labels: Mapping[str, str],
) -> None:
    """Check that a class of encoders takes its options, and that the task has the labels."""
    owner = f"model {context.name!r}"
    for key in own:
        if key not in kind.OPTIONS:
            raise ConfigurationError(
                f"{owner}: {key}: encoders for the task {context.task.name} have no such option; "
                "leave it out"
            )
    known = kind.labels_of(context.task)
    for name, label in labels.items():
        if label not in known:
            message = (
                unknown_name("label", label, known)
                if known
                else f"the task {context.task.name} has no labels"
            )
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")


def _check_above_0(context: Context, **numbers: float) -> None:
    for key, value in numbers.items():
        if value <= 0:
            raise ConfigurationError(f"model {context.name!r}: {key} = {value} has to be above 0")


def _check_counts(context: Context, **numbers: int) -> None:
    for key, count in numbers.items():
        if count < 1:
            raise ConfigurationError(f"model {context.name!r}: {key} = {count} has to be 1 or more")
