"""Classifiers exported to ONNX, beside their tokenizer, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pytest_ood.errors import ConfigurationError, ModelError, require, unknown_name
from pytest_ood.models._batching import BATCH_SIZE, PROBES, WITHOUT_TOKENS, in_parts
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import checkpoint_hash, length_sorted, loading
from pytest_ood.models.protocol import Facts, check_same_labels
from pytest_ood.tasks import Prediction
from pytest_ood.utils.files import hash_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context

    Row = Mapping[str, Sequence[int]]
    """The tokenizer's output for one input, by its names."""

EXAMPLE = """\
[tool.pytest_ood.models.exported]
onnx = "models/exported"            # model.onnx, config.json and the tokenizer
"""
"""An example of the configuration in pyproject.toml."""

KIND = "an ONNX export of a sequence classifier"
DEVICES = ("auto", "cpu", "cuda")
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
"""The types of inputs that are tokens."""

SAME = 1e-4
"""How far two outputs for one text may be apart, relative to the largest."""

PADDED, EQUAL_LENGTHS, ALONE = "padded", "of equal lengths", "alone"
"""How texts may share a batch so that each gets the output that it gets alone."""

EXPORT = (
    "export the model with its classification head, with dynamic axes for batch and sequence, such "
    "as optimum-cli export onnx --task text-classification --model CHECKPOINT FOLDER"
)


@dataclass(frozen=True, kw_only=True)
class OnnxModel(FinetunedModel):
    """A sequence classifier that ONNX Runtime runs.

    Attributes:
        file: The name of the export in the folder.
    """

    LOADED: ClassVar[tuple[str, ...]] = ("_session", "_tokenizer", "_sharing")

    file: str

    @property
    def source(self) -> str:
        """The folder, and the file if it is not the usual one."""
        return f"{self.checkpoint}/{self.file} (ONNX)"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Settings of the inference."""
        return {"max_length": self.max_length, "device": self.device}

    @cached_property
    def facts(self) -> Facts:
        """The folder; the number of weights is unknown."""
        return Facts(base=self.checkpoint)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the export, of its configuration and tokenizer, and of the settings."""
        # Large exports have their weights in further files, whose names are in the export itself.
        beside = (self.folder / self.file).parent.iterdir()
        files = [path for path in beside if path.is_file() and path.suffix != ".md"]
        content = [hash_files(files), checkpoint_hash(self.folder)]
        rest = [self.file, content, sorted(self.label_names.items()), self.max_length]
        return hashlib.sha256(json.dumps(rest).encode()).hexdigest()

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Classify inputs of one or two fields.

        Raises:
            ModelError: the labels of the configuration are not the task's, the export has other
                inputs or outputs than a classifier, or an input has three fields.
        """
        config = self._config
        labels = self._label_order(config.id2label, config.label2id)
        rows = self._encode(inputs)
        answers: list[Prediction] = [Prediction(None, error=WITHOUT_TOKENS)] * len(inputs)
        for indexes in self._batches(rows):
            logits = self._logits([rows[index] for index in indexes])
            if logits.shape != (len(indexes), len(labels)):
                raise ModelError(
                    f"model {self.name!r}: {self.folder / self.file} has an output of the shape "
                    f"{logits.shape} for {len(indexes)} texts, and its config.json names "
                    f"{len(labels)} labels: it is no classifier, or of another checkpoint; {EXPORT}"
                )
            for index, row in zip(indexes, _softmax(logits).tolist(), strict=True):
                answers[index] = self._decided(labels, row)
        return answers

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices and the predictions of one part of the inputs after another."""
        return in_parts(self.predict, inputs)

    @cached_property
    def _config(self) -> Any:
        from pytest_ood.models._torch import load_config

        return load_config(self.folder, f"model {self.name!r}", KIND)

    @cached_property
    def _session(self) -> Any:
        """The session of ONNX Runtime.

        Raises:
            ModelError: the export cannot be loaded, or has inputs that are no tokens.
            MissingDependencyError: ONNX Runtime is not installed.
        """
        owner = f"model {self.name!r}"
        onnxruntime = require("onnxruntime", extra="onnx", purpose=f"the exported {owner}")
        path = self.folder / self.file
        if not path.is_file():
            found = ", ".join(sorted(p.name for p in self.folder.rglob("*.onnx"))) or "none"
            raise ModelError(
                f"{owner}: there is no file {path}; `file` names the export in the folder, which "
                f"holds {found}"
            )
        available = onnxruntime.get_available_providers()
        wanted = PROVIDERS["cuda" if self.device == "auto" else self.device]
        if self.device == "cuda" and wanted not in available:
            raise ModelError(
                f"{owner}: device = 'cuda': ONNX Runtime has {', '.join(available)} here; install "
                "onnxruntime-gpu, or leave `device` out"
            )
        providers = [n for n in dict.fromkeys((wanted, PROVIDERS["cpu"])) if n in available]
        with loading(path.parent, owner, KIND):
            session = onnxruntime.InferenceSession(str(path), providers=providers)
        for value in session.get_inputs():
            if any(isinstance(size, int) for size in value.shape[1:]):
                raise ModelError(
                    f"{owner}: {path} takes {value.shape[1]} tokens and no other number (the input "
                    f"{value.name!r}); {EXPORT}"
                )
            if value.type not in TYPES or len(value.shape) != 2:  # noqa: PLR2004 - batch, sequence
                raise ModelError(
                    f"{owner}: {path} has the input {value.name!r} of the type {value.type} and "
                    f"the shape {value.shape}, and a tokenizer makes rows of integers; {EXPORT}"
                )
        return session

    @cached_property
    def _sharing(self) -> str:
        """How texts may share a batch: tried out, since no configuration says it."""
        rows = self._encode([PROBES[0], PROBES[1], PROBES[1][::-1]])
        if self._is_exact(rows):
            return PADDED
        width = min(len(row["input_ids"]) for row in rows)
        # Weights that are quantised for each batch give another output beside any other text.
        cut = [{name: list(values)[:width] for name, values in row.items()} for row in rows]
        return EQUAL_LENGTHS if self._is_exact(cut) else ALONE

    def _is_exact(self, rows: Sequence[Row]) -> bool:
        """Return whether rows get the same outputs together as alone."""
        try:
            alone = [self._logits([row])[0] for row in rows]
            together = self._logits(rows)
        except ModelError:
            return False
        if any(row.shape != together.shape[1:] for row in alone):
            return False
        scale = max(1.0, float(np.abs(together).max()))
        return bool(np.allclose(together, alone, 0, SAME * scale))

    def _batches(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Yield the indices of the rows of each batch; rows without a token are left out."""
        filled = [index for index, row in enumerate(rows) if row["input_ids"]]
        size = 1 if self._sharing == ALONE else self.batch_size or BATCH_SIZE
        lengths = [len(rows[index]["input_ids"]) for index in filled]
        for batch in length_sorted(lengths, size):
            indexes = [filled[number] for number in batch]
            if self._sharing == PADDED:
                yield indexes
                continue
            groups: dict[int, list[int]] = {}
            for index in indexes:
                groups.setdefault(len(rows[index]["input_ids"]), []).append(index)
            yield from groups.values()

    def _logits(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Return the first output for rows of tokens, shape (rows, labels)."""
        tokenizer, _ = self._tokenizer
        width = max(len(row["input_ids"]) for row in rows)
        fill = {
            "input_ids": tokenizer.pad_token_id or 0,
            "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
        }
        feed = {}
        for value in self._session.get_inputs():
            if value.name not in rows[0] and value.name != "token_type_ids":
                raise ModelError(
                    f"model {self.name!r}: {self.folder / self.file} has the input {value.name!r}, "
                    f"and its tokenizer makes {', '.join(rows[0])}; {EXPORT}"
                )
            lines = [
                _padded(
                    row.get(value.name, [0] * len(row["input_ids"])),
                    width,
                    fill.get(value.name, 0),
                    side=tokenizer.padding_side,
                )
                for row in rows
            ]
            feed[value.name] = np.array(lines, TYPES[value.type])
        with loading(self.folder, f"model {self.name!r}", KIND):
            outputs = self._session.get_outputs()
            names = [output.name for output in outputs]
            first = names.index("logits") if "logits" in names else 0
            return np.asarray(self._session.run(None, feed)[first], np.float64)


def _padded(values: Sequence[int], width: int, filling: int, *, side: str) -> list[int]:
    rest = [filling] * (width - len(values))
    return [*rest, *values] if side == "left" else [*values, *rest]


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of each row, shape (rows, labels)."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def build(
    source: str,
    context: Context,
    *,
    file: str = "model.onnx",
    labels: Mapping[str, str] | None = None,
    max_length: int = 256,
    batch_size: int = 32,
    device: str = "auto",
) -> OnnxModel:
    """Describe an exported classifier; nothing is loaded before the first query.

    Args:
        source: A folder with the export, its config.json and its tokenizer.
        context: The adapter's context.
        file: The name of the export in the folder, such as `onnx/model_quantized.onnx`.
        labels: The task's label for each of the checkpoint's, where the names differ.
        max_length: The number of tokens to which inputs are truncated.
        batch_size: Inputs per run; fewer where neighbours in a batch would change an answer.
        device: "auto", "cpu" or "cuda".

    Raises:
        ConfigurationError: there is no such folder, device or label, or the task has no labels.
    """
    owner = f"model {context.name!r}"
    if not context.labels:
        raise ConfigurationError(
            f"{owner}: a classifier predicts labels, and the task {context.task.name} has none; "
            "take a model that writes its answer (prompted, callable, replay)"
        )
    check_same_labels(context, "a classifier")
    for name, label in (labels or {}).items():
        if label not in context.labels:
            message = unknown_name("label", str(label), context.labels)
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")
    if device not in DEVICES:
        raise ConfigurationError(f"{owner}: " + unknown_name("device", device, DEVICES))
    for key, count in (("max_length", max_length), ("batch_size", batch_size)):
        if count < 1:
            raise ConfigurationError(f"{owner}: {key} = {count} has to be 1 or more")
    folder = context.root / source
    if folder.is_file():
        raise ConfigurationError(
            f"{owner}: {folder} is a file; name its folder, where the tokenizer is, and the export "
            f"by file = {json.dumps(Path(source).name)}"
        )
    if not folder.is_dir():
        raise ConfigurationError(f"{owner}: there is no folder {folder}")
    return OnnxModel(
        name=context.name,
        checkpoint=source,
        training=None,
        context=context,
        label_names=labels or {},
        max_length=max_length,
        batch_size=batch_size,
        device=device,
        dtype="float32",
        file=file,
    )
