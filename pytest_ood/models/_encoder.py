"""Encoders with a classification head: loading, training, and predicting in batches."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.data.inputs import fields_of, size_of
from pytest_ood.errors import (
    AssetError,
    DataError,
    ModelError,
    require,
)
from pytest_ood.models._batching import (
    CHUNK,
    WITHOUT_TOKENS,
    Batching,
    check_vocabulary,
    in_order,
)
from pytest_ood.models._peft import PeftAdapter, adapter_of
from pytest_ood.models._torch import (
    WHERE,
    checkpoint_folder,
    checkpoint_hash,
    fetched,
    load_config,
    load_model,
    load_tokenizer,
    loading,
    placed,
    placement,
    resolved_dtype,
    spread,
    tokens_to_fill,
    weight_count,
    without_collections,
)
from pytest_ood.models._training import (
    FROM_SCRATCH,
    Head,
    Job,
    LabelHead,
    TrainingSettings,
    pair,
    train,
    window,
)
from pytest_ood.models.protocol import Facts, Usage
from pytest_ood.tasks import Prediction, decide, unless_unsure
from pytest_ood.tasks.classification import out_of_scope_of
from pytest_ood.utils.files import file_name, filled_once
from pytest_ood.utils.objects import ReloadsAfterPickling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task

AUTO = "auto"
DEFAULT_BASE = "roberta-base"
STAND_IN = "asset:minilm"
"""`auto` loads the default base, or the packaged encoder if the default cannot be loaded."""

NOT_TRAINED = (*WHERE, "dtype", "abstain_below", "threshold")
"""Parameters that decide no weights."""

TRAINING_VERSION = 1
"""Raised when the training procedure changes, so that models are trained again."""


@dataclass(frozen=True)
class Training:
    """The data and the hyperparameters of a fine-tuning.

    Attributes:
        load: Returns the labelled examples.
        settings: The hyperparameters.
    """

    load: Callable[[], Dataset]
    settings: TrainingSettings


@dataclass(frozen=True, kw_only=True)
class FinetunedModel(ReloadsAfterPickling):
    """An encoder with a classification head, run by transformers.

    Attributes:
        name: The model's name in reports.
        checkpoint: The base, or the model itself if nothing is trained.
        training: The fine-tuning, or None.
        context: The adapter's context.
        label_names: The task's label for each label of the checkpoint.
        max_length: The number of tokens to which inputs are truncated.
        batch_size: The maximum number of inputs per forward pass; None for that of the device.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: The data type of the weights; "auto" for that which `precision` chooses.
        device_map: How accelerate spreads the model over several devices; None for one device.
        abstain_below: The probability of the likeliest label below which it abstains; None to
            answer always.
        LENGTH: The default of `max_length`.
        OPTIONS: Further fields that users set.
        BATCHING: How tokenized inputs become batches.
    """

    LOADED: ClassVar[tuple[str, ...]] = ("_loaded", "_tokenizer", "_encoded")
    LENGTH: ClassVar[int] = 256
    OPTIONS: ClassVar[tuple[str, ...]] = ("abstain_below",)
    BATCHING: ClassVar[type[Batching]] = Batching

    name: str
    checkpoint: str
    training: Training | None
    context: Context = field(repr=False)
    label_names: Mapping[str, str]
    max_length: int
    batch_size: int | None
    device: str
    dtype: str
    device_map: str | None = None
    abstain_below: float | None = None
    paradigm: Paradigm = "fine-tuned"

    @classmethod
    def labels_of(cls, task: Task) -> Sequence[str]:
        """Return the labels of a task that a checkpoint's own labels may stand for."""
        return task.labels

    @property
    def head(self) -> Head:
        """The head on top of the encoder."""
        return LabelHead(self.context.labels)

    @property
    def source(self) -> str:
        """The base, whether it was pre-trained, and the number of training examples."""
        scratch = self.checkpoint == FROM_SCRATCH
        source = self._base[0]
        if scratch:
            source = f"RobertaFor{self.head.architecture} (2 layers, 128 wide), no pre-training"
        elif self.checkpoint == AUTO and source == STAND_IN:
            source += f" ({DEFAULT_BASE} was not reachable)"
        elif self._adapter is not None:
            source += f", an adapter of {self._adapter.base_name}"
        if self.training is None:
            return source
        done = "trained" if scratch else "fine-tuned"
        return f"{source}, {done} here on {len(self.training.load()):,} examples"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Settings of the inference and of the training."""
        shown: dict[str, Any] = {
            "max_length": self.max_length,
            "dtype": self.precision,
            **placement(self.device, self.device_map),
        }
        if self.checkpoint == FROM_SCRATCH:
            shown["pretrained"] = False
        if self.abstain_below is not None:
            shown["abstain_below"] = self.abstain_below
        if self.training is not None:
            shown |= {
                "epochs": self.training.settings.epochs,
                "learning_rate": self.training.settings.learning_rate,
                "train_batch_size": self.training.settings.batch_size,
                "train_examples": len(self.training.load()),
                "train_seed": self.training.settings.seed,
            }
        return shown

    @cached_property
    def precision(self) -> str:
        """The data type of the weights, chosen once: a cluster's nodes may have other devices."""

        def own() -> Path | None:
            """Return the folder of weights that are not made here."""
            made_here = self.training is not None or self._adapter is not None
            return None if made_here else self._base[1]

        return resolved_dtype(self.dtype, self.device, own)

    @cached_property
    def facts(self) -> Facts:
        """Base, weights and training examples; trains if needed."""
        trained_on = None if self.training is None else len(self.training.load())
        return Facts(
            base=self._base[0], size=weight_count(self.folder) or None, training_examples=trained_on
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights and of the settings that decide answers; trains if needed."""
        # Of an adapter without merging it: the merged weights follow from its files and its base's.
        adapter = self._adapter if self.training is None else None
        content = checkpoint_hash(self.folder) if adapter is None else adapter.hash
        rest = [content, sorted(self.label_names.items()), self.max_length, self.precision]
        rest += [] if self.abstain_below is None else [self.abstain_below]
        return hashlib.sha256(json.dumps(rest).encode()).hexdigest()

    @cached_property
    def _base(self) -> tuple[str, Path | None]:
        """The checkpoint in use, and its folder; None for a model from scratch."""
        if self.checkpoint == FROM_SCRATCH:
            return self.checkpoint, None
        if self.checkpoint != AUTO:
            return self.checkpoint, checkpoint_folder(
                self.checkpoint, f"model {self.name!r}", self.context
            )
        try:
            return DEFAULT_BASE, checkpoint_folder(
                DEFAULT_BASE, f"model {self.name!r}", self.context
            )
        except ModelError:
            return STAND_IN, checkpoint_folder(STAND_IN, f"model {self.name!r}", self.context)

    @cached_property
    def _adapter(self) -> PeftAdapter | None:
        """The adapter of PEFT that the checkpoint is; None for a whole checkpoint."""
        base = self._base[1]
        if base is None:
            return None
        auto = f"AutoModelFor{self.head.architecture}"
        return adapter_of(base, f"model {self.name!r}", self.context, auto)

    @cached_property
    def folder(self) -> Path:
        """The folder with the weights; the model is trained first if it does not exist.

        An adapter of PEFT is merged with its base.

        The same settings give the same weights on the same machine with the same number of threads;
        otherwise sums are rounded in another order.
        """
        folder = self._weights_folder
        if self.training is not None:
            with filled_once(folder) as scratch:
                if scratch is not None:
                    train(self._job(self.training), scratch)
        elif self._adapter is not None:
            return self._adapter.merged()
        return folder

    def _job(self, training: Training) -> Job:
        return Job(
            name=self.name,
            base=self._base[1] if self._adapter is None else self._adapter.merged(),
            data=training.load(),
            head=self.head,
            settings=training.settings,
            device=self.device,
            progress=self.context.progress,
        )

    @property
    def at_hand(self) -> bool:
        """Whether the weights are on this machine, and trained."""
        try:
            return self._weights_folder.is_dir()
        except (AssetError, DataError, ModelError):
            return False

    @cached_property
    def _weights_folder(self) -> Path:
        """The folder of the weights, which may not be trained yet."""
        base = self._base[1]
        if self.training is None:
            assert base is not None, (
                "unreachable because build() wants training data for new models"
            )
            return base if self._adapter is None else self._adapter.folder
        settings = {
            "recipe": TRAINING_VERSION,
            "base": FROM_SCRATCH if base is None else self._base_hash(base),
            "data": self.training.load().content_hash,
            **self.head.settings,
            "max_length": self.max_length,
            **{k: v for k, v in self.parameters.items() if k not in NOT_TRAINED},
        }
        key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
        return self.context.cache / "models" / f"{file_name(self.name)}-{key}"

    def _base_hash(self, base: Path) -> str:
        return checkpoint_hash(base) if self._adapter is None else self._adapter.hash

    @property
    def training_examples(self) -> Iterable[Example]:
        """The examples of the fine-tuning."""
        return () if self.training is None else self.training.load()

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Return how many of these inputs are truncated."""
        # An ASCII text has no more tokens than characters, so that short ones need not be
        # tokenized.
        tokenizer, length = self._tokenizer
        room = length - tokenizer.num_special_tokens_to_add(pair=True)
        long = [
            value
            for value in inputs
            if size_of(value) > room or not all(t.isascii() for t in fields_of(value).values())
        ]
        return sum(len(row["input_ids"]) > length for row in self._encode(long, whole=True))

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens of these inputs, and the operations for classifying them.

        Operations: two for each weight and token (Kaplan et al. 2020, section 2.1).
        """
        tokens = sum(len(row["input_ids"]) for row in self._encode(inputs))
        return Usage(prompt_tokens=tokens, operations=2.0 * weight_count(self.folder) * tokens)

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return a hash of each input's tokens, which are all that the network sees.

        Raises:
            ModelError: an input has three fields.
        """
        rows = self._encode(inputs)
        # What is predicted next is among them, and need not be tokenized again.
        self._encoded.clear()
        self._encoded.update(
            (value, row) for value, row in zip(inputs, rows, strict=True) if isinstance(value, str)
        )
        return [
            hashlib.sha256(
                b"".join(array("q", row[name]).tobytes() for name in sorted(row))
            ).hexdigest()
            for row in rows
        ]

    @property
    def pass_tokens(self) -> int:
        """The tokens that fill a forward pass, once the weights are loaded; 0 on a processor."""
        return tokens_to_fill(self._loaded[1]) if "_loaded" in vars(self) else 0

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Classify inputs of one or two fields.

        Raises:
            ModelError: the checkpoint's labels are not the task's, or an input has three fields.
        """
        return in_order(self.predict_batches(inputs))

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices of each batch with their predictions; it raises as `predict`."""
        torch, model, batching = self._loaded
        labels = self._label_order(model.config.id2label, model.config.label2id)
        without: list[int] = []

        def outputs() -> Iterator[tuple[list[int], Any]]:
            """Yield indices and probabilities; a chunk is tokenized while the device works."""
            for start in range(0, len(inputs), CHUNK):
                encoded = self._known(inputs[start : start + CHUNK])
                batching.check(encoded, f"model {self.name!r}")
                without.extend(n for n, row in enumerate(encoded, start) if not row["input_ids"])
                for indices, logits in batching.logits(encoded, self.batch_size):
                    yield [start + index for index in indices], self._probabilities(logits)

        for indices, rows in fetched(torch, outputs()):
            yield indices, [self._decided(labels, row) for row in rows]
        if without:
            yield without, [Prediction(None, error=WITHOUT_TOKENS)] * len(without)

    def _decided(self, labels: Sequence[str], row: Sequence[float]) -> Prediction:
        """Return the prediction from the probability of each output, with the outputs' labels."""
        # Several outputs may stand for one label (one star and two stars).
        scores = dict.fromkeys(self.context.labels, 0.0)
        for label, score in zip(labels, row, strict=True):
            scores[label] += score
        answer = decide(scores)
        return answer if self.abstain_below is None else unless_unsure(answer, self.abstain_below)

    def _probabilities(self, logits: Any) -> Any:
        """Return the probability of each output, shape (n, outputs), of one label out of all."""
        return logits.softmax(-1)

    def _known(self, inputs: Sequence[Inputs]) -> list[dict[str, list[int]]]:
        """Tokenize inputs, unless `seen` has just done it."""
        known = [self._encoded.get(value) for value in inputs if isinstance(value, str)]
        rows = [row for row in known if row is not None]
        return rows if len(rows) == len(inputs) else self._encode(inputs)

    @cached_property
    def _encoded(self) -> dict[str, dict[str, list[int]]]:
        """The rows of the texts that `seen` was asked about last."""
        return {}

    def _encode(
        self, inputs: Sequence[Inputs], *, whole: bool = False
    ) -> list[dict[str, list[int]]]:
        """Tokenize inputs; those with the same number of fields together, which is faster.

        Args:
            inputs: Inputs of one or two fields.
            whole: Whether they are not truncated.
        """
        tokenizer, length = self._tokenizer
        texts = [pair(self.name, value) for value in inputs]
        rows: list[dict[str, list[int]]] = [{}] * len(texts)
        for count in sorted({len(fields) for fields in texts}):
            indices = [index for index, fields in enumerate(texts) if len(fields) == count]
            columns = [list(column) for column in zip(*(texts[p] for p in indices), strict=True)]
            cut = {"verbose": False} if whole else {"truncation": True, "max_length": length}
            encoded = tokenizer(*columns, **cut)
            for number, index in enumerate(indices):
                rows[index] = {name: values[number] for name, values in encoded.items()}
        return rows

    @cached_property
    def _tokenizer(self) -> tuple[Any, int]:
        """The tokenizer, and the maximum number of tokens; loads no weights.

        Raises:
            ModelError: there is no tokenizer, or the head predicts something else than one label.
        """
        owner = f"model {self.name!r}"
        with without_collections():
            config = load_config(self.folder, owner, self.head.kind)
            tokenizer = load_tokenizer(self.folder, owner)
        self.head.check_configuration(config, f"{owner}: {self.folder}")
        return tokenizer, min(self.max_length, window(config))

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Batching]:
        """The library torch, the model in evaluation mode, and its batching.

        Raises:
            ModelError: the model cannot be loaded, weights are missing, or the tokenizer belongs to
                another model.
        """
        owner = f"model {self.name!r}"
        with without_collections():
            torch = require("torch", extra="transformers", purpose=f"the fine-tuned {owner}")
            tokenizer, _ = self._tokenizer
            model = load_model(
                f"AutoModelFor{self.head.architecture}",
                self.folder,
                owner,
                self.head.kind,
                dtype=getattr(torch, self.precision),
                **spread(self.device_map, owner),
            )
            check_vocabulary(tokenizer, model, f"{owner}: {self.folder}")
            with loading(self.folder, owner, self.head.kind):
                model = placed(torch, model, self.device, self.device_map)
                batching = self.BATCHING.of(torch, model, tokenizer)
        return torch, model, batching

    def _label_order(
        self, id2label: Mapping[int, str], label2id: Mapping[str, int] | None = None
    ) -> list[str]:
        """Return the task's label for each output of the checkpoint; raises as `label_order`."""
        owner, task = f"model {self.name!r}", self.context.task
        optional = out_of_scope_of(task)
        order = label_order(
            owner, id2label, self.labels_of(task), self.label_names, optional=optional
        )
        check_numbers(owner, id2label, label2id or {})
        return order


def label_order(
    owner: str,
    id2label: Mapping[int, str],
    labels: Sequence[str],
    names: Mapping[str, str],
    *,
    optional: str | None = None,
) -> list[str]:
    """Return the task's label for each output of a checkpoint.

    Args:
        owner: The beginning of messages.
        id2label: The checkpoint's label for each output.
        labels: The labels of the task.
        names: The task's label for those of the checkpoint that differ.
        optional: A label of the task that needs no output.

    Raises:
        ModelError: a label is none of the task's, or has no output.
    """
    own = {label.lower(): label for label in labels}
    order = []
    for index in sorted(id2label):
        # A configuration may have numbers as names.
        name = str(id2label[index])
        label = names.get(name, own.get(name.lower()))
        if label is None:
            raise ModelError(
                f"{owner}: its label {name!r} is none of the task's ({', '.join(labels)}); name "
                f'what it stands for, such as labels = {{ "{name}" = "{labels[0]}" }}'
            )
        order.append(label)
    missing = [label for label in labels if label not in (*order, optional)]
    if missing:
        raise ModelError(
            f"{owner}: it has no output for the label {missing[0]!r}; it knows {', '.join(order)}"
        )
    return order


def check_numbers(owner: str, id2label: Mapping[int, str], label2id: Mapping[str, int]) -> None:
    """Check that both tables of a configuration number labels alike.

    Raises:
        ModelError: they contradict each other.
    """
    for name, index in label2id.items():
        indices = [index for index, label in id2label.items() if str(label) == str(name)]
        if indices and index not in indices:
            raise ModelError(
                f"{owner}: its config.json says both that output {indices[0]} is {name!r} "
                f"(id2label) and that {name!r} is output {index} (label2id); correct the one that "
                "is wrong"
            )
