"""Fine-tune a text classifier, so that it goes on where it was ended, and write its model card."""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.commands._shared import (
    add_columns,
    add_surroundings,
    listed,
    reader_of,
    source_of,
    tell,
)
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models._torch import DEVICES, checkpoint_folder, checkpoint_hash
from pytest_ood.models._training import (
    FROM_SCRATCH,
    Checkpoints,
    Job,
    LabelHead,
    TrainingResult,
    TrainingSettings,
    train,
)
from pytest_ood.tasks import Classification
from pytest_ood.utils.files import write_atomically

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import Reader

EXAMPLE = (
    "python -m pytest_ood finetune --base asset:minilm --data train.jsonl --out models/reviews"
)

NO_VALIDATION = "none"
PACKAGES = ("pytest-ood", "torch", "transformers", "tokenizers", "accelerate", "numpy")
CARD = "README.md"
_RECIPE = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--base",
        required=True,
        metavar="MODEL",
        help=f"a hub id, a folder, asset:minilm, or {FROM_SCRATCH} for a small one from scratch",
    )
    parser.add_argument(
        "--data", required=True, metavar="FILE", help=".jsonl, .csv, .tsv, hub:NAME or asset:NAME"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--labels", metavar="A,B,...", help="in order; those of the data, sorted")
    parser.add_argument(
        "--validation",
        default="0.1",
        metavar="FILE|SHARE",
        help="data, or a share of the training data that is held out (0.1), or none: what accuracy "
        "is measured on after every epoch",
    )
    parser.add_argument("--epochs", type=float, default=2.0, metavar="N", help="2")
    parser.add_argument("--learning-rate", type=float, default=5e-5, metavar="RATE", help="5e-5")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="32")
    parser.add_argument("--max-length", type=int, default=256, metavar="N", help="tokens; 256")
    parser.add_argument("--seed", type=int, default=0, metavar="INT", help="0")
    parser.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="stop after N epochs without a better validation accuracy, and keep the best epoch",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--checkpoint-every",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="besides after every epoch; 60",
    )
    parser.add_argument("--json", action="store_true", help="write what came of it as JSON")
    add_columns(parser)
    add_surroundings(parser)


def run(options: argparse.Namespace) -> int:
    """Fine-tune a model.

    Raises:
        OodError: values that do not go together, data or a base that cannot be used, or a folder
            that holds something else.
    """
    _check(options)
    root = Path.cwd()
    reader = reader_of(options, root)
    data, validation = _data(options, reader)
    base = _base(options.base, reader)
    settings = TrainingSettings(
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        seed=options.seed,
        max_length=options.max_length,
        patience=options.patience,
    )
    labels = _labels(options.labels, data)
    head = LabelHead(labels)
    for part in (data, validation):
        if part is not None:
            head.check(part)
    job = Job(
        name=options.out.name,
        base=base,
        data=data,
        head=head,
        settings=settings,
        device=options.device,
        progress=reader.progress,
        validation=validation,
    )
    record = _described(options, job)
    out: Path = root / options.out
    if out.exists():
        if _recorded(out) != record:
            raise ConfigurationError(
                f"{out} is there, and was not made by this command with these values and data; "
                "give another --out, or delete it"
            )
        tell(f"{out} is there already, made by the same command; delete it to train anew")
        _write_result(options, record, (out / CARD).read_text(encoding="utf-8"))
        return 0
    with _work_folder(out, record) as work:
        model = work / "model"
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir()
        outcome = train(job, model, Checkpoints(work, options.checkpoint_every))
        card = _card(options.out, record, outcome)
        (model / CARD).write_text(card, encoding="utf-8")
        model.rename(out)
    _write_result(options, record, card)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Check the numbers of the options."""
    for key in ("epochs", "learning_rate", "checkpoint_every"):
        value, least = getattr(options, key), key == "checkpoint_every"
        if not (value > 0 or (least and value == 0)) or value == float("inf"):
            wanted = "0 or more" if least else "a number above 0"
            raise ConfigurationError(f"--{key.replace('_', '-')} {value:g} is {wanted}")
    for key in ("batch_size", "max_length", "patience"):
        value = getattr(options, key)
        if value is not None and value < 1:
            raise ConfigurationError(f"--{key.replace('_', '-')} {value} is 1 or more")
    if options.patience is not None and options.validation == NO_VALIDATION:
        raise ConfigurationError(
            "--patience goes by the accuracy on validation data; give --validation FILE, or a share"
        )


def _data(options: argparse.Namespace, reader: Reader) -> tuple[Dataset, Dataset | None]:
    """Return the training data and the validation data."""
    source = source_of(options.data, options)
    data = reader.load(source, options.data)
    validation = options.validation
    if validation == NO_VALIDATION:
        return data, None
    share = _share(validation)
    if share is None:
        return data, reader.load(source_of(validation, options), validation)
    return data.split(share, options.seed)


def _share(validation: str) -> float | None:
    """Return the share of the training data that is held out; None if validation data is named."""
    try:
        return float(validation)
    except ValueError:
        return None


def _base(base: str, reader: Reader) -> Path | None:
    """Return the folder of the base; None for a model from scratch."""
    if base == FROM_SCRATCH:
        return None
    if base.startswith("new:"):
        raise ConfigurationError(f"--base: {unknown_name('architecture', base, [FROM_SCRATCH])}")
    folder = checkpoint_folder(base, "--base", reader)
    if not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"--base {base}: {folder} holds no config.json; give the folder of a saved model"
        )
    return folder


def _labels(listed_labels: str | None, data: Dataset) -> tuple[str, ...]:
    labels = data.labels if listed_labels is None else listed(listed_labels)
    try:
        return Classification(labels).labels
    except ConfigurationError as error:
        raise ConfigurationError(f"{data.name}: {error}") from None


def _described(options: argparse.Namespace, job: Job) -> dict[str, Any]:
    """Return the settings that decide the weights."""
    validation = job.validation
    source = source_of(options.data, options)
    return {
        "base": options.base,
        "base_sha256": None if job.base is None else checkpoint_hash(job.base),
        "data": options.data,
        "fields": list(source.fields),
        "label": source.label,
        "examples": len(job.data),
        "data_sha256": job.data.content_hash,
        **job.head.settings,
        "validation": options.validation,
        "validation_examples": 0 if validation is None else len(validation),
        "validation_sha256": None if validation is None else validation.content_hash,
        "epochs": job.settings.epochs,
        "learning_rate": job.settings.learning_rate,
        "batch_size": job.settings.batch_size,
        "max_length": job.settings.max_length,
        "seed": job.settings.seed,
        "patience": job.settings.patience,
    }


def _recorded(out: Path) -> Any:
    """Return the settings in a folder's model card; None if it has none."""
    try:
        match = _RECIPE.search((out / CARD).read_text(encoding="utf-8"))
        return None if match is None else json.loads(match[1])
    except (OSError, ValueError):
        return None


@contextmanager
def _work_folder(out: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the folder of a run's checkpoints, which is deleted when the run is done."""
    from filelock import FileLock, Timeout

    work = out.with_name(f"{out.name}.unfinished")
    job = work / "job.json"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{work} cannot be made: {error.strerror}") from None
    lock = FileLock(work / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(f"another process is training in {work}") from None
    try:
        _check_same(job, record)
        write_atomically(job, json.dumps(record, indent=2))
        yield work
    except BaseException:
        # A run without a checkpoint has nothing to continue from.
        if _begun(job) == record and not any(work.glob("checkpoint-*")):
            lock.release()
            shutil.rmtree(work)
        raise
    else:
        lock.release()
        shutil.rmtree(work)
    finally:
        lock.release()


def _begun(job: Path) -> Any:
    """Return the settings of an unfinished run; None if they cannot be read."""
    try:
        return json.loads(job.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _check_same(job: Path, record: Mapping[str, Any]) -> None:
    """Check that an unfinished run has the same settings."""
    begun = _begun(job)
    if not isinstance(begun, dict):
        return
    changed = [key for key in record if begun.get(key) != record[key]]
    if changed:
        listed_ = "; ".join(f"{key} = {begun.get(key)!r}, now {record[key]!r}" for key in changed)
        raise ConfigurationError(
            f"{job.parent} holds a run with other values ({listed_}); give the same to go on with "
            "it, delete that folder, or give another --out"
        )


def _card(out: Path, record: Mapping[str, Any], outcome: TrainingResult) -> str:
    """Return the model card. It holds no date: the same run writes the same card."""
    base = record["base_sha256"]
    scratch = base is None
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-classification",
        *([] if scratch else [f"base_model: {json.dumps(record['base'])}"]),
        "---",
        f"# {out.name}",
        "",
        f"A classifier of texts as {', '.join(record['labels'])}: "
        + (
            "a RoBERTa of 2 layers, 128 wide, trained from scratch"
            if scratch
            else f"{record['base']} (SHA-256 {base[:12]}...), fine-tuned"
        )
        + f" on {record['examples']:,} examples of {record['data']} (SHA-256 of their content "
        f"{record['data_sha256'][:12]}...) by `python -m pytest_ood finetune`.",
        "",
        f"It took {outcome.steps:,} steps, {outcome.epochs:g} epochs.",
        "",
        *_measured(record, outcome),
        "## Recipe",
        "",
        "```json",
        json.dumps(record, indent=2, ensure_ascii=False),
        "```",
        "",
        "## Versions",
        "",
        f"Python {sys.version_info.major}.{sys.version_info.minor}, {_versions()}",
        "",
        "## Use",
        "",
        "```toml",
        f"[tool.pytest_ood.models.{re.sub('[^A-Za-z0-9_-]', '-', out.name)}]",
        f"finetuned = {json.dumps(out.as_posix(), ensure_ascii=False)}",
        "```",
        "",
    ]
    return "\n".join(lines)


def _measured(record: Mapping[str, Any], outcome: TrainingResult) -> list[str]:
    if outcome.kept_accuracy is None:
        return []
    origin = " held out of it" if _share(record["validation"]) else f" of {record['validation']}"
    each = ", ".join(f"{value:.4f}" for value in outcome.accuracies)
    return [
        f"Validation accuracy: {outcome.kept_accuracy:.4f} on {record['validation_examples']:,} "
        f"examples{origin} (after each epoch: {each}).",
        "",
    ]


def _versions() -> str:
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(versions)


def _write_result(options: argparse.Namespace, record: Mapping[str, Any], card: str) -> None:
    match = re.search(r"^Validation accuracy: ([\d.]+)", card, re.MULTILINE)
    accuracy = None if match is None else float(match[1])
    if options.json:
        result = {"out": str(options.out), "validation_accuracy": accuracy, **record}
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    measured = "" if accuracy is None else f", validation accuracy {accuracy:.4f}"
    sys.stdout.write(
        f"{options.out}: fine-tuned on {record['examples']:,} examples{measured}; the record is "
        f"in {options.out / CARD}\n"
        f'In pyproject.toml: finetuned = "{options.out.as_posix()}"\n'
    )
