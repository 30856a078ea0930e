"""Fine-tuned encoders: any sequence classification checkpoint, or one fine-tuned here first."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import (
    AssetError,
    ConfigurationError,
    DataError,
    ModelError,
    require,
    unknown_name,
)
from pytest_ood.examples import fields_of
from pytest_ood.files import made_once
from pytest_ood.models._torch import (
    check_choices,
    checkpoint_folder,
    checkpoint_hash,
    length_sorted,
    pick_device,
    quiet_transformers,
    weight_count,
    without_collections,
)
from pytest_ood.models.protocol import Usage
from pytest_ood.objects import Portable
from pytest_ood.seeding import generator, seeded_globals
from pytest_ood.tasks import Prediction, check_labels, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_ood.examples import Dataset, Inputs
    from pytest_ood.models.protocol import Context, Paradigm

RECIPE = 1
"""Raised when the way of training changes, so that models are trained anew."""

SEED_OPTION, SEED_NEEDS = "train_seed", "train"
"""What is raised by one for each of a model's `seeds`, and what it has no meaning without."""

FROM_SCRATCH = "new:roberta"
AUTO = "auto"
DEFAULT_BASE = "roberta-base"
STAND_IN = "asset:minilm"
SCRATCH_VOCABULARY = 8_000


@dataclass(frozen=True)
class Training:
    """How an encoder is fine-tuned.

    Attributes:
        load: Returns the labelled examples.
        epochs: Passes over them.
        learning_rate: The peak; it falls linearly to 0 after a warm-up of 6 % of the steps.
        batch_size: Examples a step.
        seed: Of the new weights, the order and the dropout.
    """

    load: Callable[[], Dataset]
    epochs: float
    learning_rate: float
    batch_size: int
    seed: int


@dataclass(frozen=True)
class FinetunedModel(Portable):
    """An encoder with a classification head, run by transformers.

    Attributes:
        name: In reports.
        checkpoint: The base, or the model itself where nothing is trained.
        training: How it is fine-tuned, or None.
        context: What the adapter was given.
        label_names: The task's label for each label of the checkpoint.
        max_length: Tokens an input is cut to.
        batch_size: Inputs a forward pass.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: Of the weights.
    """

    LOADED: ClassVar = ("_loaded", "_tokenizer")

    name: str
    checkpoint: str
    training: Training | None
    context: Context = field(repr=False)
    label_names: Mapping[str, str]
    max_length: int
    batch_size: int
    device: str
    dtype: str
    paradigm: Paradigm = "fine-tuned"

    @property
    def source(self) -> str:
        """What ran: base, pre-trained or not, training data."""
        scratch = self.checkpoint == FROM_SCRATCH
        told = self._base[0]
        if scratch:
            told = "RobertaForSequenceClassification (2 layers, 128 wide), no pre-training"
        elif self.checkpoint == AUTO and told == STAND_IN:
            told += f" ({DEFAULT_BASE} was not reachable)"
        if self.training is None:
            return told
        done = "trained" if scratch else "fine-tuned"
        return f"{told}, {done} here on {len(self.training.load()):,} examples"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What decides the answers besides the weights, and how the weights came about."""
        shown: dict[str, Any] = {
            "max_length": self.max_length,
            "dtype": self.dtype,
            "device": self.device,
        }
        if self.checkpoint == FROM_SCRATCH:
            shown["pretrained"] = False
        if self.training is not None:
            shown |= {
                "epochs": self.training.epochs,
                "learning_rate": self.training.learning_rate,
                "train_batch_size": self.training.batch_size,
                "train_examples": len(self.training.load()),
                "train_seed": self.training.seed,
            }
        return shown

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights' folder and of what else decides the answers; trains if needed."""
        content = checkpoint_hash(self.folder)
        rest = [content, sorted(self.label_names.items()), self.max_length, self.dtype]
        return hashlib.sha256(json.dumps(rest).encode()).hexdigest()

    @cached_property
    def _base(self) -> tuple[str, Path | None]:
        """The checkpoint that is really there, and its folder; none for a model from scratch."""
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
    def folder(self) -> Path:
        """The folder with the weights, trained first where it is not there yet.

        The same recipe gives the same weights on the same machine with as many threads; floating
        point sums in another order give others.
        """
        folder = self._place
        if self.training is not None:
            with made_once(folder) as scratch:
                if scratch is not None:
                    self._train(self.training, self._base[1], scratch)
        return folder

    @property
    def at_hand(self) -> bool:
        """Whether the weights are there, so that nothing has to be fetched or trained."""
        try:
            return self._place.is_dir()
        except (AssetError, DataError, ModelError):
            return False

    @cached_property
    def _place(self) -> Path:
        """Where the weights are, or will be once they are trained."""
        base = self._base[1]
        if self.training is None:
            assert base is not None, (
                "unreachable because build() wants training data for new models"
            )
            return base
        recipe = {
            "recipe": RECIPE,
            "base": FROM_SCRATCH if base is None else checkpoint_hash(base),
            "data": self.training.load().content_hash,
            "labels": list(self.context.labels),
            "max_length": self.max_length,
            **{k: v for k, v in self.parameters.items() if k not in ("dtype", "device")},
        }
        key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
        return self.context.cache / "models" / f"{self.name}-{key}"

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return the tokens and operations that classifying these inputs would take.

        Operations: two for each weight and token (Kaplan et al. 2020, section 2.1).
        """
        tokens = sum(len(row["input_ids"]) for row in self._encode(inputs))
        return Usage(prompt_tokens=tokens, operations=2.0 * weight_count(self.folder) * tokens)

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return a hash of each input's tokens: all that the network gets to see of it.

        Raises:
            ModelError: an input has three fields.
        """
        return [
            hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
            for row in self._encode(inputs)
        ]

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Classify inputs of one or two fields.

        Raises:
            ModelError: the checkpoint's labels are not the task's, or an input has three fields.
        """
        torch, model, labels = self._loaded
        tokenizer, _ = self._tokenizer
        encoded = self._encode(inputs)
        answers: list[Prediction] = [Prediction(None)] * len(inputs)
        lengths = [len(row["input_ids"]) for row in encoded]
        with torch.inference_mode():
            for places in length_sorted(lengths, self.batch_size):
                batch = tokenizer.pad([encoded[place] for place in places], return_tensors="pt")
                logits = model(**batch.to(model.device)).logits.float()
                for place, row in zip(places, logits.softmax(-1).tolist(), strict=True):
                    # Several outputs may stand for one label (one star and two stars).
                    scores = dict.fromkeys(self.context.labels, 0.0)
                    for label, score in zip(labels, row, strict=True):
                        scores[label] += score
                    answers[place] = decide(scores)
        return answers

    def _encode(self, inputs: Sequence[Inputs]) -> list[dict[str, list[int]]]:
        """Tokenize inputs, those with as many fields at once, which is quicker than one by one."""
        tokenizer, length = self._tokenizer
        texts = [_pair(self.name, value) for value in inputs]
        rows: list[dict[str, list[int]]] = [{}] * len(texts)
        for count in sorted({len(fields) for fields in texts}):
            places = [place for place, fields in enumerate(texts) if len(fields) == count]
            columns = [list(column) for column in zip(*(texts[p] for p in places), strict=True)]
            made = tokenizer(*columns, truncation=True, max_length=length)
            for number, place in enumerate(places):
                rows[place] = {name: values[number] for name, values in made.items()}
        return rows

    @cached_property
    def _tokenizer(self) -> tuple[Any, int]:
        """The tokenizer, and how many tokens the network takes; no weights are loaded for it."""
        purpose = f"the fine-tuned model {self.name!r}"
        with without_collections():
            transformers = require("transformers", extra="transformers", purpose=purpose)
            with quiet_transformers(), self._telling():
                tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder)
                config = transformers.AutoConfig.from_pretrained(self.folder)
        return tokenizer, min(self.max_length, _window(config))

    @cached_property
    def _loaded(self) -> tuple[Any, Any, list[str]]:
        purpose = f"the fine-tuned model {self.name!r}"
        with without_collections():
            torch = require("torch", extra="transformers", purpose=purpose)
            transformers = require("transformers", extra="transformers", purpose=purpose)
            with quiet_transformers(), self._telling():
                model = transformers.AutoModelForSequenceClassification.from_pretrained(
                    self.folder, dtype=getattr(torch, self.dtype)
                )
        labels = self._label_order(model.config.id2label)
        return torch, model.to(pick_device(torch, self.device)).eval(), labels

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell which checkpoint it is that cannot be loaded."""
        try:
            yield
        except (OSError, ValueError) as error:
            raise ModelError(
                f"model {self.name!r}: {self.folder} cannot be loaded as a sequence classifier: "
                f"{error}"
            ) from error

    def _label_order(self, id2label: Mapping[int, str]) -> list[str]:
        """Return the task's label for each output of the checkpoint."""
        own = {label.lower(): label for label in self.context.labels}
        order = []
        for index in sorted(id2label):
            name = id2label[index]
            label = self.label_names.get(name, own.get(name.lower()))
            if label is None:
                raise ModelError(
                    f"model {self.name!r}: its label {name!r} is none of the task's "
                    f"({', '.join(self.context.labels)}); name what it stands for, such as "
                    f'labels = {{ "{name}" = "{self.context.labels[0]}" }}'
                )
            order.append(label)
        missing = [label for label in self.context.labels if label not in order]
        if missing:
            raise ModelError(
                f"model {self.name!r}: it has no output for the label {missing[0]!r}; "
                f"it knows {', '.join(order)}"
            )
        return order

    def _train(self, training: Training, base: Path | None, folder: Path) -> None:
        purpose = f"fine-tuning {self.name!r}"
        torch = require("torch", extra="transformers", purpose=purpose)
        transformers = require("transformers", extra="transformers", purpose=purpose)
        require("accelerate", extra="transformers", purpose=purpose)
        labels = self.context.labels
        data = training.load()
        check_labels(data, labels)
        names = {
            "id2label": dict(enumerate(labels)),
            "label2id": {n: i for i, n in enumerate(labels)},
        }
        with (
            quiet_transformers(),
            _own_randomness(torch, training.seed),
            tempfile.TemporaryDirectory(dir=folder.parent, prefix=".training.") as scratch,
        ):
            if base is None:
                tokenizer, model = _new_roberta(transformers, data, names, Path(scratch))
            else:
                tokenizer = transformers.AutoTokenizer.from_pretrained(base)
                model = transformers.AutoModelForSequenceClassification.from_pretrained(
                    base, num_labels=len(labels), dtype=torch.float32, **names
                )
            rows = [
                {
                    **tokenizer(
                        *_pair(self.name, example.inputs),
                        truncation=True,
                        max_length=min(self.max_length, _window(model.config)),
                    ),
                    "labels": labels.index(example.label),
                }
                for example in data
            ]
            per_epoch = -(-len(rows) // training.batch_size)
            steps = round(per_epoch * training.epochs)
            arguments = transformers.TrainingArguments(
                output_dir=scratch,
                num_train_epochs=training.epochs,
                learning_rate=training.learning_rate,
                per_device_train_batch_size=training.batch_size,
                warmup_steps=max(1, round(0.06 * steps)),
                # Texts of like length share a batch: on short texts, half the time is padding.
                train_sampling_strategy="group_by_length",
                seed=training.seed,
                use_cpu=pick_device(torch, self.device) == "cpu",
                dataloader_pin_memory=False,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
            )
            what = f"fine-tuning {self.name} on {len(rows):,} examples"
            base_callback = transformers.TrainerCallback
            with self.context.progress.track(what, steps, "steps") as tracker:

                class Report(base_callback):  # type: ignore[misc,valid-type] # untyped
                    def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
                        tracker.update(state.global_step)

                trainer = transformers.Trainer(
                    model=model,
                    args=arguments,
                    train_dataset=rows,
                    data_collator=transformers.DataCollatorWithPadding(tokenizer),
                    callbacks=[Report()],
                )
                trainer.remove_callback(transformers.PrinterCallback)
                trainer.train()
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)


def _window(config: Any) -> int:
    """Return how many tokens a model has positions for.

    RoBERTa's kind counts positions from behind the padding token's id.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None:
        return sys.maxsize
    offset = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    return int(positions) - offset


def _pair(name: str, inputs: Inputs) -> list[str]:
    texts = list(fields_of(inputs).values())
    if len(texts) > 2:  # noqa: PLR2004 - a text and its pair
        raise ModelError(
            f"model {name!r}: an encoder takes one or two fields, not {len(texts)} "
            f"({', '.join(fields_of(inputs))})"
        )
    return texts


@contextmanager
def _own_randomness(torch: Any, seed: int) -> Iterator[None]:
    """Seed what the trainer draws from, and put every generator back."""
    with torch.random.fork_rng(), seeded_globals(generator(seed, "training")):
        torch.manual_seed(seed)
        yield


def _new_roberta(
    transformers: Any, data: Dataset, names: Mapping[str, Any], scratch: Path
) -> tuple[Any, Any]:
    """Make a RoBERTa of 2 layers, 128 wide, and a byte-level BPE of the training texts."""
    tokenizers = require("tokenizers", extra="transformers", purpose="a new RoBERTa")
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [text for example in data for text in fields_of(example.inputs).values()],
        vocab_size=SCRATCH_VOCABULARY,
        min_frequency=2,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    bpe.save_model(str(scratch))
    tokenizer = transformers.RobertaTokenizerFast.from_pretrained(scratch)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **names,
    )
    return tokenizer, transformers.RobertaForSequenceClassification(config)


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
    max_length: int = 256,
    batch_size: int = 32,
    device: str = "auto",
    dtype: str = "float32",
) -> FinetunedModel:
    """Describe a fine-tuned encoder; nothing is loaded or trained before it is asked.

    Args:
        source: A hub id, a folder, `asset:minilm`, `new:roberta` for a small RoBERTa from
            scratch, or `auto`: roberta-base where the hub or a local copy is reachable, and the
            packaged MiniLM where it is not; the report names which one ran.
        context: What the adapter is given.
        train: Labelled data (a path or a table) to fine-tune on first.
        labels: The task's label for each of the checkpoint's, where the names differ.
        epochs: Passes over the training data.
        learning_rate: Its peak.
        train_batch_size: Examples a training step.
        train_seed: Of weights, order and dropout.
        max_length: Tokens an input is cut to.
        batch_size: Inputs a forward pass.
        device: "auto", "cpu", "cuda" or "mps".
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        ConfigurationError: values that do not go together.
        DataError: training data that cannot be read.
    """
    check_choices(context, source, device=device, dtype=dtype)
    for key, value in {"epochs": epochs, "learning_rate": learning_rate}.items():
        if value <= 0:
            raise ConfigurationError(f"model {context.name!r}: {key} = {value} is above 0")
    for key, count in {
        "train_batch_size": train_batch_size,
        "max_length": max_length,
        "batch_size": batch_size,
    }.items():
        if count < 1:
            raise ConfigurationError(f"model {context.name!r}: {key} = {count} is 1 or more")
    scratch = source == FROM_SCRATCH
    if source.startswith("new:") and not scratch:
        message = unknown_name("architecture", source, [FROM_SCRATCH])
        raise ConfigurationError(f"model {context.name!r}: {message}")
    if (scratch or source == AUTO) and train is None:
        raise ConfigurationError(
            f"model {context.name!r}: finetuned = {source!r} is not fine-tuned yet; "
            "give `train`, the data to train it on"
        )
    for name, label in (labels or {}).items():
        if label not in context.labels:
            message = unknown_name("label", label, context.labels)
            raise ConfigurationError(f"model {context.name!r}: labels.{name}: {message}")
    training = None
    if train is not None:
        load = context.data(train)
        training = Training(load, float(epochs), learning_rate, train_batch_size, train_seed)
    return FinetunedModel(
        context.name, source, training, context, labels or {}, max_length, batch_size, device, dtype
    )
