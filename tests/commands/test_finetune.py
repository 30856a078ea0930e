"""A RoBERTa is really trained, killed and resumed; only the sizes are small."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification
from pytest_ood.utils.files import hash_files
from pytest_ood.utils.progress import Silent

pytestmark = pytest.mark.slow

WORDS = {"bad": ("terrible", "dreadful", "awful"), "good": ("wonderful", "superb", "delightful")}
LABELS = ("bad", "good")
RECIPE = ["--epochs", "3", "--learning-rate", "2e-3", "--batch-size", "8", "--device", "cpu"]
TRAIN = ["finetune", "--base", "new:roberta", "--data", "train.jsonl", *RECIPE]


def rows(count: int, seed: int) -> str:
    """Return reviews whose label two words give away, as JSONL."""
    rng = random.Random(seed)
    lines = []
    for number in range(count):
        label = LABELS[number % 2]
        text = (
            f"the {rng.choice(['film', 'plot', 'cast'])} of number {number} was "
            f"{rng.choice(WORDS[label])} and {rng.choice(WORDS[label])}"
        )
        lines.append(json.dumps({"text": text, "label": label}))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,  # noqa: ARG001 - while it trains
) -> Path:
    """Return a folder with training data, other data, and a model trained on the former."""
    made = tmp_path_factory.mktemp("finetune")
    (made / "train.jsonl").write_text(rows(60, 0))
    (made / "other.jsonl").write_text(rows(20, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        assert main([*TRAIN, "--out", "models/reviews"]) == 0
    return made


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in the folder."""
    monkeypatch.chdir(folder)


def weights(out: Path) -> str:
    """Return a hash of a model's weights."""
    return hash_files([out / "model.safetensors"])


def built(source: str, folder: Path, **options: Any) -> Any:
    """Build the model as a configuration would."""
    reader = Reader(root=folder, cache=folder / "cache", offline=True, progress=Silent())
    data = reader.load(DataSource(data="train.jsonl"), "train", Classification(LABELS))
    context = Context(
        name="model",
        task=Classification(LABELS),
        root=folder,
        cache=folder / "cache",
        offline=True,
        progress=Silent(),
        data=lambda _: lambda: data,
    )
    return adapter("finetuned").build(source, context, device="cpu", **options)


def test_what_was_trained_works_in_a_configuration(folder: Path) -> None:
    """The folder is a checkpoint with the data's labels, far above chance."""
    model = built("models/reviews", folder)
    examples = [json.loads(line) for line in rows(40, 2).splitlines()]
    answers = model.predict([row["text"] for row in examples])
    right = sum(a.label == r["label"] for a, r in zip(answers, examples, strict=True))
    assert right > 30
    assert not Path("models/reviews.unfinished").exists()


def test_the_card_tells_what_was_trained_on_what(folder: Path) -> None:
    """Base, data, counts, labels, hyperparameters, accuracy and versions; no date."""
    card = (folder / "models" / "reviews" / "README.md").read_text()
    told = json.loads(card.partition("```json\n")[2].partition("\n```")[0])
    data = Reader(root=folder, cache=folder, offline=True, progress=Silent()).load(
        DataSource(data="train.jsonl"), "train"
    )
    stays, held = data.split(0.1, 0)
    assert told == {
        "base": "new:roberta", "base_sha256": None, "data": "train.jsonl", "fields": ["text"],
        "label": "label", "examples": len(stays), "data_sha256": stays.content_hash,
        "labels": ["bad", "good"], "validation": "0.1", "validation_examples": len(held),
        "validation_sha256": held.content_hash, "epochs": 3.0, "learning_rate": 0.002,
        "batch_size": 8, "max_length": 256, "seed": 0, "patience": None,
    }  # fmt: skip
    assert f"on {len(held)} examples held out of it (after each epoch: " in card
    for package in ("pytest-ood", "torch", "transformers"):
        assert f"{package} " in card
    assert 'finetuned = "models/reviews"' in card


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_ood.commands import main

write = Path.write_text

def write_and_end(path, *arguments, **options):
    write(path, *arguments, **options)
    if path.parts[-2:] == ("checkpoint-10", "complete.json"):
        os.kill(os.getpid(), signal.SIGKILL)

Path.write_text = write_and_end
main(sys.argv[1:])
"""
"""A program that ends as by kill -9 when its tenth step is saved."""


def test_a_killed_run_goes_on_to_the_same_weights(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After kill -9 in the middle of an epoch the same command ends as if nothing had happened."""
    Path("killed").mkdir()
    out = Path("killed/reviews")
    command = [*TRAIN, "--out", str(out), "--checkpoint-every", "0"]
    # Each of the three epochs has seven steps.
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *command],
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    # What a kill leaves of a checkpoint that was being written is no checkpoint.
    half = Path("killed/reviews.unfinished/checkpoint-20")
    half.mkdir(exist_ok=True)
    (half / "complete.json").unlink(missing_ok=True)
    assert main([*command, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["out"] == str(out)
    assert ", from step 1" in told.err
    assert weights(out) == weights(folder / "models" / "reviews")
    card = (out / "README.md").read_text().replace("killed/", "models/")
    assert card == (folder / "models" / "reviews" / "README.md").read_text()
    assert sorted(path.name for path in Path("killed").iterdir()) == ["reviews"]


def test_the_weights_are_those_that_the_gate_trains(folder: Path) -> None:
    """Without validation data the command and a configured model train the same."""
    assert main([*TRAIN, "--validation", "none", "--out", "same"]) == 0
    model = built(
        "new:roberta", folder, train="train.jsonl", epochs=3, learning_rate=2e-3,
        train_batch_size=8,
    )  # fmt: skip
    assert weights(Path("same")) == weights(model.folder)
    assert "Validation accuracy" not in Path("same/README.md").read_text()


def test_training_ends_when_it_gets_no_better(capsys: pytest.CaptureFixture[str]) -> None:
    """With --patience the best epoch's weights are kept, and the rest is not trained."""
    command = [
        *TRAIN, "--validation", "other.jsonl", "--epochs", "9", "--learning-rate", "1e-9",
        "--patience", "2", "--out", "patient", "--json",
    ]  # fmt: skip
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    card = Path("patient/README.md").read_text()
    assert ", 3 epochs." in card
    assert result["validation_examples"] == 20
    (line,) = (line for line in card.splitlines() if line.startswith("Validation accuracy"))
    assert "on 20 examples of other.jsonl" in line
    first, *later = line.partition("each epoch: ")[2].rstrip(").").split(", ")
    assert later == [first, first]
    assert result["validation_accuracy"] == float(first)


def test_a_checkpoint_is_trained_further_for_other_labels(folder: Path) -> None:
    """A base whose head is for other labels gets a new one; the card has the base's hash."""
    lines = [json.loads(line) for line in rows(24, 3).splitlines()]
    for row in lines[::3]:
        row["label"] = "neither"
    Path("three.jsonl").write_text("\n".join(map(json.dumps, lines)))
    command = ["finetune", "--base", "models/reviews", "--data", "three.jsonl", "--epochs", "1",
               "--labels", "bad,neither,good", "--device", "cpu", "--out", "three"]  # fmt: skip
    before = weights(folder / "models" / "reviews")
    assert main(command) == 0
    config = json.loads(Path("three/config.json").read_text())
    assert list(config["id2label"].values()) == ["bad", "neither", "good"]
    assert weights(folder / "models" / "reviews") == before
    assert "models/reviews (SHA-256 " in Path("three/README.md").read_text()


def test_the_same_command_does_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """A finished run is told, with its accuracy; other values are not written over it."""
    assert main([*TRAIN, "--out", "models/reviews"]) == 0
    out, err = capsys.readouterr()
    assert "is there already, made by the same command" in err
    assert "validation accuracy" in out
    assert main([*TRAIN, "--out", "models/reviews", "--seed", "1"]) == USAGE_ERROR
    assert "give another --out, or delete it" in capsys.readouterr().err
    assert not Path("models/reviews.unfinished").exists()


def test_a_base_that_cannot_be_loaded_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Broken weights and a tokenizer that cannot pad are told, and no folder stays behind."""
    saved = folder / "models" / "reviews"
    shutil.copytree(saved, "broken")
    Path("broken/model.safetensors").write_bytes(b"1" * 100)
    shutil.copytree(saved, "unpadded")
    path = Path("unpadded/tokenizer_config.json")
    kept = {k: v for k, v in json.loads(path.read_text()).items() if k != "pad_token"}
    path.write_text(json.dumps({**kept, "tokenizer_class": "PreTrainedTokenizerFast"}))
    for base, message in (
        ("broken", "cannot be loaded as a sequence classifier"),
        ("unpadded", "has no padding token"),
    ):
        command = ["finetune", "--base", base, "--data", "train.jsonl", "--out", "unmade"]
        assert main(command) == USAGE_ERROR
        assert message in capsys.readouterr().err
    assert not list(Path.cwd().glob("unmade*"))


def test_another_run_s_checkpoints_are_not_gone_on_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was begun with other values is named, value by value; so is a run under way."""
    work = Path("begun.unfinished")
    work.mkdir()
    (work / "job.json").write_text(json.dumps({"seed": 3}))
    assert main([*TRAIN, "--out", "begun"]) == USAGE_ERROR
    assert "seed = 3, now 0" in capsys.readouterr().err
    with FileLock(work / "lock"):
        assert main([*TRAIN, "--out", "begun"]) == USAGE_ERROR
    assert "another process is training in" in capsys.readouterr().err
    assert not Path("begun").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base", "new:bert"], "unknown architecture 'new:bert'. Did you mean 'new:roberta'"),
        (["--base", "empty"], "empty holds no config.json; give the folder of a saved model"),
        (["--base", "no/body", "--offline"], "--base: 'no/body' is neither a folder under"),
        (["--base", "asset:minilmm"], "unknown asset 'minilmm'"),
        (["--data", "none.jsonl"], "none.jsonl: there is no such file"),
        (["--data", "one.jsonl"], "one.jsonl: labels = ['good']: a classification needs two"),
        (["--text-column", "review"], "unknown field 'review'"),
        (["--labels", "good,better"], "unknown label 'bad'"),
        (["--validation", "1.5"], "the share that is held out, 1.5, is not inside (0, 1)"),
        (["--validation", "none.csv"], "none.csv: there is no such file"),
        (["--validation", "none", "--patience", "1"], "--patience goes by the accuracy on"),
        (["--epochs", "0"], "--epochs 0 is a number above 0"),
        (["--learning-rate", "nan"], "--learning-rate nan is a number above 0"),
        (["--batch-size", "0"], "--batch-size 0 is 1 or more"),
        (["--patience", "0"], "--patience 0 is 1 or more"),
        (["--checkpoint-every", "-1"], "--checkpoint-every -1 is 0 or more"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is trained or left behind, with the status 2."""
    Path("empty").mkdir(exist_ok=True)
    Path("one.jsonl").write_text('{"text": "a", "label": "good"}\n{"text": "b", "label": "good"}\n')
    assert main([*TRAIN, "--validation", "0.5", "--out", "wrong", *arguments]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert not list(Path.cwd().glob("wrong*"))
