"""Fine-tunes an encoder with transformers; a run that was ended can be resumed."""

from __future__ import annotations

import json
import math
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ModelError, OodError, require, words_of
from pytest_ood.models._batching import check_vocabulary
from pytest_ood.models._torch import load_model, load_tokenizer, pick_device, quiet_transformers
from pytest_ood.tasks import check_labels
from pytest_ood.tasks.classification import OUT_OF_SCOPE
from pytest_ood.utils.seeding import generator, seeded_globals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_ood.data.examples import Dataset
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.utils.progress import Progress

FROM_SCRATCH = "new:roberta"
SCRATCH_VOCABULARY = 8_000

WARM_UP = 0.06
"""Share of the steps until the learning rate is at its peak."""

CHECKPOINT_LIMIT = 2
"""Checkpoints that are kept: the last one, and the best or the one before. If the process is killed
while one is written, the other is complete."""

COMPLETE = "complete.json"
"""A file that is written into a checkpoint last, to mark it as complete."""

COUNTING_FROM_PADDING = (
    "roberta",
    "camembert",
    "data2vec-text",
    "esm",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "xmod",
)
"""Model types that count positions from the padding token's id + 1, as RoBERTa does."""

EPOCH_START = "epoch_start.pth"
"""A file with the random state at the beginning of a checkpoint's epoch, which decides the order of
its examples."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The hyperparameters of a fine-tuning.

    Attributes:
        epochs: Passes over the data.
        learning_rate: The peak; it falls linearly to 0 after a warm-up of 6 % of the steps.
        batch_size: Examples per step.
        seed: Seeds the new weights, the order of examples and the dropout.
        max_length: The number of tokens to which inputs are truncated.
        patience: Training ends after this many epochs without a better validation accuracy, with
            the weights of the best epoch; None to train for all epochs, with the last weights.
    """

    epochs: float
    learning_rate: float
    batch_size: int
    seed: int
    max_length: int
    patience: int | None = None


class Head(Protocol):
    """The head of an encoder: its architecture, and its training examples."""

    @property
    def architecture(self) -> str:
        """The suffix of `AutoModelFor...` and `RobertaFor...`."""
        ...

    @property
    def kind(self) -> str:
        """The kind of model, for messages."""
        ...

    @property
    def collator(self) -> str:
        """The class of transformers that makes batches of the rows."""
        ...

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The entries of the model's configuration for this head."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that decide the weights, besides data, base and hyperparameters."""
        ...

    def check_configuration(self, config: Any, where: str) -> None:
        """Check that a checkpoint's head has this kind of output.

        Args:
            config: The checkpoint's configuration.
            where: The start of error messages.

        Raises:
            ModelError: it has another output.
        """
        ...

    def check(self, data: Dataset) -> None:
        """Check that the head can be trained on data.

        Raises:
            DataError: it cannot; the message has the example and the reason.
        """
        ...

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return the rows of the training set: tokens and targets, one or more rows per example.

        Args:
            name: The model's name, for messages.
            tokenizer: The tokenizer of the base.
            data: The examples.
            max_length: The maximum number of tokens of a row.
        """
        ...

    def accuracy(self, predictions: Any) -> dict[str, float]:
        """Return the accuracy on validation rows, from an `EvalPrediction` of transformers."""
        ...


@dataclass(frozen=True)
class LabelHead:
    """A head that classifies.

    Attributes:
        labels: The labels of the task, in order.
    """

    labels: tuple[str, ...]
    architecture: str = "SequenceClassification"
    kind: str = "a sequence classifier"
    collator: str = "DataCollatorWithPadding"

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The names of the outputs."""
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: number for number, label in enumerate(self.labels)},
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        """The labels."""
        return {"labels": list(self.labels)}

    def check_configuration(self, config: Any, where: str) -> None:
        """Check that the head is no regression and predicts one label per input."""
        kind = getattr(config, "problem_type", None)
        if kind == "multi_label_classification":
            raise ModelError(
                f"{where}: its head answers for each label by itself (problem_type = {kind!r}), so "
                "that several may hold, or none; a suite asks for the one that does"
            )
        if kind == "regression" or config.num_labels == 1:
            raise ModelError(
                f"{where}: its head answers with a number (regression, num_labels = "
                f"{config.num_labels}), not with a label out of {', '.join(self.labels)}; turn it "
                'into a label in a function of yours: callable = "module:name"'
            )

    def check(self, data: Dataset) -> None:
        """Check that the task has the labels of the data."""
        check_labels(data, (*self.labels, OUT_OF_SCOPE))

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return the tokens of each example, truncated, and its target.

        An input that no label is right for has none, and is left out.
        """
        return [
            {
                **tokenizer(*pair(name, example.inputs), truncation=True, max_length=max_length),
                "labels": self.target(example.label),
            }
            for example in data
            if example.label != OUT_OF_SCOPE
        ]

    def target(self, label: str) -> Any:
        """Return what is learned for a right answer: the index of the label."""
        return self.labels.index(label)

    def accuracy(self, predictions: Any) -> dict[str, float]:
        """Return the share of right labels."""
        logits = logits_of(predictions)
        return {"accuracy": float((logits.argmax(-1) == predictions.label_ids).mean())}


def logits_of(predictions: Any) -> Any:
    """Return the logits of predictions, which are the first of several outputs of some networks."""
    logits = predictions.predictions
    return logits[0] if isinstance(logits, tuple) else logits


@dataclass(frozen=True, kw_only=True)
class Job:
    """One fine-tuning.

    Attributes:
        name: The model's name, for messages.
        base: The checkpoint's folder; None for a small RoBERTa from scratch.
        data: The training data.
        head: The head on top of the base.
        settings: The hyperparameters.
        device: "auto", "cpu", "cuda" or "mps".
        progress: Shows the steps.
        validation: Data on which the accuracy is measured after every epoch, or None.
    """

    name: str
    base: Path | None
    data: Dataset
    head: Head
    settings: TrainingSettings
    device: str
    progress: Progress
    validation: Dataset | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """The result of a fine-tuning.

    Attributes:
        steps: The number of steps.
        epochs: The number of passes over the data.
        accuracies: The validation accuracy after each epoch; empty without validation data.
        kept_accuracy: The validation accuracy of the final weights, or None.
    """

    steps: int
    epochs: float
    accuracies: tuple[float, ...] = ()
    kept_accuracy: float | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a fine-tuning, from which it can be resumed.

    A resumed job ends with the same weights: model, optimizer, schedule, the position in the data
    and the random states are restored.

    Attributes:
        folder: A folder with nothing else in it.
        every: Seconds between two checkpoints, besides those after every epoch.
    """

    folder: Path
    every: float = 60.0

    def last(self) -> Path | None:
        """Return the newest complete checkpoint, and delete incomplete ones."""
        checkpoints = sorted(self.folder.glob("checkpoint-*"), key=_step_of)
        for path in checkpoints:
            if not (path / COMPLETE).exists():
                shutil.rmtree(path)
        complete = [path for path in checkpoints if path.exists()]
        return complete[-1] if complete else None


def _step_of(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def window(config: Any) -> int:
    """Return the number of positions of a model."""
    positions = getattr(config, "max_position_embeddings", None)
    if positions is None or positions < 1:
        # Models with relative positions, such as XLNet, have no limit, or -1.
        return sys.maxsize
    counts_padding = any(kind in config.model_type for kind in COUNTING_FROM_PADDING)
    return int(positions) - (config.pad_token_id + 1 if counts_padding else 0)


def pair(name: str, inputs: Inputs) -> list[str]:
    """Return the text of an input, or its two texts.

    Raises:
        ModelError: it has more than two.
    """
    texts = list(fields_of(inputs).values())
    if len(texts) > 2:  # noqa: PLR2004 - a text and its pair
        raise ModelError(
            f"model {name!r}: an encoder takes one or two fields, not {len(texts)} "
            f"({', '.join(fields_of(inputs))})"
        )
    return texts


def train(job: Job, folder: Path, checkpoints: Checkpoints | None = None) -> TrainingResult:
    """Fine-tune a base with its head, and save it and its tokenizer in a folder.

    The same job gives the same weights on the same machine with as many threads, whether it was
    ended and resumed or not.

    Args:
        job: The fine-tuning.
        folder: An existing, empty folder.
        checkpoints: Checkpoints to resume from and to write; None for none.

    Raises:
        DataError: the head cannot be trained on the data.
        ModelError: the base cannot be loaded under the head.
        MissingDependencyError: torch, transformers or accelerate is not installed.
    """
    purpose = f"fine-tuning {job.name!r}"
    torch = require("torch", extra="transformers", purpose=purpose)
    transformers = require("transformers", extra="transformers", purpose=purpose)
    require("accelerate", extra="transformers", purpose=purpose)
    for data in (job.data, job.validation):
        if data is not None:
            job.head.check(data)
    with (
        quiet_transformers(),
        _own_randomness(torch, job.settings.seed),
        # Named after the target, so that the clean-up of that name also removes this folder if the
        # process was killed.
        tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=f".{folder.name.removeprefix('.')}.training-"
        ) as scratch,
    ):
        tokenizer, model = _start(torch, transformers, job, Path(scratch))
        saved = checkpoints or Checkpoints(folder=Path(scratch))
        run = _Run(torch, transformers, job, saved, keep=checkpoints is not None)
        try:
            outcome = run.run(tokenizer, model)
        except OodError:
            raise
        except Exception as error:
            raise ModelError(
                f"model {job.name!r}: fine-tuning {job.base or FROM_SCRATCH} on {job.data.name} "
                f"fails: {words_of(error)}"
            ) from error
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return outcome


@dataclass(frozen=True)
class _Run:
    """The part of a fine-tuning that runs in this process."""

    torch: Any
    transformers: Any
    job: Job
    checkpoints: Checkpoints
    keep: bool

    def run(self, tokenizer: Any, model: Any) -> TrainingResult:
        """Train from the start, or from the last checkpoint."""
        job, settings = self.job, self.job.settings
        rows = self._rows(tokenizer, model, job.data)
        per_epoch = math.ceil(len(rows) / settings.batch_size)
        steps = round(per_epoch * settings.epochs)
        last = self.checkpoints.last() if self.keep else None
        state = _state_of(last)
        if last is not None and (
            state["global_step"] >= state["max_steps"] or _is_enough(state, settings.patience)
        ):
            return self._finished(model, state)
        done = 0 if last is None else int(state["global_step"])
        arguments = self.transformers.TrainingArguments(
            output_dir=str(self.checkpoints.folder),
            num_train_epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            per_device_train_batch_size=settings.batch_size,
            warmup_steps=max(1, round(WARM_UP * steps)),
            # Texts of similar length share a batch; otherwise padding takes half of the time.
            train_sampling_strategy="group_by_length",
            seed=settings.seed,
            use_cpu=pick_device(self.torch, job.device) == "cpu",
            dataloader_pin_memory=False,
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            save_strategy="epoch" if self.keep else "no",
            save_total_limit=CHECKPOINT_LIMIT,
            **self._validating(),
        )
        title = f"fine-tuning {job.name} on {len(job.data):,} examples"
        if done:
            title += f", from step {done:,} on"
        with job.progress.track(title, steps - done, "steps") as tracker:
            validation = job.validation
            trainer = self.transformers.Trainer(
                model=model,
                args=arguments,
                train_dataset=rows,
                eval_dataset=None
                if validation is None
                else self._rows(tokenizer, model, validation),
                compute_metrics=job.head.accuracy,
                data_collator=getattr(self.transformers, job.head.collator)(tokenizer),
                callbacks=[self._callback(tracker, done, last)],
            )
            trainer.remove_callback(self.transformers.PrinterCallback)
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
        return self._finished(model, vars(trainer.state))

    def _rows(self, tokenizer: Any, model: Any, data: Dataset) -> list[dict[str, Any]]:
        length = min(self.job.settings.max_length, window(model.config))
        return self.job.head.rows(self.job.name, tokenizer, data, length)

    def _validating(self) -> dict[str, Any]:
        if self.job.validation is None:
            return {}
        best = {"metric_for_best_model": "accuracy", "greater_is_better": True}
        return {"eval_strategy": "epoch", "per_device_eval_batch_size": 32, **best}

    def _finished(self, model: Any, state: Mapping[str, Any]) -> TrainingResult:
        """Load the weights of the best or the last epoch, and return the result."""
        accuracies = _accuracies(state)
        kept_accuracy = accuracies[-1] if accuracies else None
        chosen = int(state["global_step"])
        if self.job.settings.patience is not None and accuracies:
            kept_accuracy = max(accuracies)
            chosen = next(
                entry["step"]
                for entry in state["log_history"]
                if entry.get("eval_accuracy") == kept_accuracy
            )
        path = self.checkpoints.folder / f"checkpoint-{chosen}"
        if self.keep:
            from safetensors.torch import load_model

            load_model(model, path / "model.safetensors", device=str(model.device))
        return TrainingResult(
            steps=int(state["global_step"]),
            epochs=float(state["epoch"]),
            accuracies=accuracies,
            kept_accuracy=kept_accuracy,
        )

    def _callback(self, tracker: Any, done: int, last: Path | None) -> Any:
        """Return a callback that shows steps, requests checkpoints and stops early."""
        run, torch = self, self.torch
        base = self.transformers.TrainerCallback

        class Callback(base):  # type: ignore[misc,valid-type] # untyped
            saved = time.monotonic()
            begin: Any = None
            resumed = last
            note = ""

            def on_epoch_begin(self, *_: Any, **__: Any) -> None:
                """Restore the random state of a resumed epoch, and record that of a new one."""
                if self.resumed is not None:
                    # The order of an epoch is drawn when it begins. A resumed epoch needs the
                    # random state of its own beginning, not the one at the checkpoint.
                    _set_generators(torch, torch.load(self.resumed / EPOCH_START))
                    self.resumed = None
                self.begin = _generators(torch)

            def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
                """Show the progress, and save a checkpoint when one is due."""
                tracker.update(state.global_step - done, self.note)
                # After the last step of an epoch the trainer evaluates and saves by itself.
                ends = state.epoch.is_integer() or state.global_step >= state.max_steps
                due = time.monotonic() - self.saved >= run.checkpoints.every
                if run.keep and due and not ends:
                    control.should_save = True

            def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
                """Complete the checkpoint with the random state of its epoch."""
                path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                torch.save(self.begin, path / EPOCH_START)
                (path / COMPLETE).write_text(json.dumps({"step": state.global_step}))
                self.saved = time.monotonic()

            def on_evaluate(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
                """Show the validation accuracy, and stop when it has not risen for long enough."""
                accuracies = _accuracies(vars(state))
                self.note = (
                    f"validation accuracy {accuracies[-1]:.3f} after {len(accuracies)} epochs"
                )
                tracker.update(state.global_step - done, self.note)
                if _is_enough(vars(state), run.job.settings.patience):
                    control.should_training_stop = True

        return Callback()


def _accuracies(state: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the validation accuracy after each epoch."""
    return tuple(e["eval_accuracy"] for e in state["log_history"] if "eval_accuracy" in e)


def _is_enough(state: Mapping[str, Any], patience: int | None) -> bool:
    """Return whether the last epochs were no better than one before."""
    accuracies = _accuracies(state)
    if patience is None or not accuracies:
        return False
    return len(accuracies) - 1 - accuracies.index(max(accuracies)) >= patience


def _state_of(checkpoint: Path | None) -> dict[str, Any]:
    if checkpoint is None:
        return {}
    state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text())
    return state


def _start(torch: Any, transformers: Any, job: Job, scratch: Path) -> tuple[Any, Any]:
    """Return the tokenizer, and the model with a new head."""
    if job.base is None:
        return _new_roberta(transformers, job, scratch)
    owner = f"model {job.name!r}"
    tokenizer = load_tokenizer(job.base, owner)
    model = load_model(
        f"AutoModelFor{job.head.architecture}",
        job.base,
        owner,
        job.head.kind,
        trained=True,
        dtype=torch.float32,
        **job.head.configuration,
    )
    check_vocabulary(tokenizer, model, f"{owner}: {job.base}")
    if tokenizer.pad_token is None:
        raise ModelError(
            f"model {job.name!r}: the tokenizer of {job.base} has no padding token, so that texts "
            "of different lengths make no batch; give an encoder, such as roberta-base"
        )
    return tokenizer, model


def _generators(torch: Any) -> dict[str, Any]:
    """Return the random states that decide the order of an epoch."""
    return {"cpu": torch.random.get_rng_state()}


def _set_generators(torch: Any, states: Mapping[str, Any]) -> None:
    torch.random.set_rng_state(states["cpu"])


@contextmanager
def _own_randomness(torch: Any, seed: int) -> Iterator[None]:
    """Seed the global random generators in a block, and restore their states."""
    with torch.random.fork_rng(), seeded_globals(generator(seed, "training")):
        torch.manual_seed(seed)
        yield


def _new_roberta(transformers: Any, job: Job, scratch: Path) -> tuple[Any, Any]:
    """Return a byte-level BPE of the training texts, and a RoBERTa of 2 layers, 128 wide."""
    tokenizers = require("tokenizers", extra="transformers", purpose="a new RoBERTa")
    bpe = tokenizers.ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        [text for example in job.data for text in fields_of(example.inputs).values()],
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
        **job.head.configuration,
    )
    return tokenizer, getattr(transformers, f"RobertaFor{job.head.architecture}")(config)
