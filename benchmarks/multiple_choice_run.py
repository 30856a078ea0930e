"""Gates models on multiple-choice questions made of real data, for docs/multiple-choice.md.

    python benchmarks/multiple_choice_run.py DATA --write docs/multiple-choice.md

DATA is a folder with the public data sets `banking77` (Casanueva et al. 2020) and `clinc150`
(Larson et al. 2019): what customers and users say, with its intent. A question is what one of them
says; its options are its intent and three others of the data set, in an order of their own.
Everything is drawn by the hash of a seed and the row. Training rows are of banking77's training
set.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _tables import put
from _task_runs import TaskRun, rows_of

from pytest_ood.utils.seeding import derive_seed, generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Said = tuple[str, str]
    """What somebody says, and its intent."""

SEED = 0
WRONG = 3
TRAIN, TEST = 300, 100

SUITE = f"""\
task = "multiple-choice"
max_options = {WRONG + 2}
max_examples = {TEST}
min_score = 0.3

[in_distribution]
data = "banking.jsonl"
fields = ["text"]
options = "choices"
label = "answer"

[shifts.domain.assistant]
data = "assistant.jsonl"

[shifts.noise.keyboard]
fields = ["text"]

[shifts.noise.shuffle-options]

[shifts.noise.option-letters]

[shifts.noise.another-intent]
perturbation = "add-option"
parameters = {{ texts = "train.jsonl", column = "choices" }}

[budgets]
domain = {{ max_drop = 0.10 }}
noise = {{ max_drop = 0.05 }}
"""

PROMPT = """\
Choose what the customer wants.
---
Customer: {text}
{options}
Answer:
"""
CLOZE = """\
Say what the customer wants.
---
Customer: {text}
The customer asks about:
"""

PROJECT = """
[tool.pytest_ood.models.minilm]
finetuned = "asset:minilm"
train = "train.jsonl"
epochs = 3
learning_rate = 1e-4
train_batch_size = 16
max_length = 40
baseline = true

[tool.pytest_ood.models.smollm2-letter]
prompted = "asset:smollm2"
prompt = "prompt.txt"
shots = 4
demonstrations = "train.jsonl"
chat = false

[tool.pytest_ood.models.smollm2-option]
prompted = "asset:smollm2"
prompt = "cloze.txt"
answer = "options"
normalize = "characters"
shots = 4
demonstrations = "train.jsonl"
chat = false
"""


def main() -> int:
    """Make the data, run the suite, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", type=Path, help="the document that the table goes into")
    parser.add_argument("--models", type=Path, help="a TOML file with the tables of other models")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(given.data, folder)
        project = PROJECT if given.models is None else given.models.read_text(encoding="utf-8")
        report, seconds = TaskRun(folder=folder, suite=SUITE, project=project).report()
    text = "\n".join(
        [
            f"{TEST} questions, {TRAIN:,} training rows, seed {SEED}; {seconds:.0f} s on two busy "
            "cores with packaged models.",
            "",
            *rows_of(report),
        ]
    )
    print(text)
    if given.write is not None:
        put(given.write, __file__, text)
    return 0


def lay_out(data: Path, folder: Path) -> None:
    """Write the questions and the prompts into the folder of a project."""
    banking = data / "banking77"
    write(folder / "train.jsonl", drawn(table(banking / "train.csv"), TRAIN))
    write(folder / "banking.jsonl", table(banking / "test.csv"))
    pairs = json.loads((data / "clinc150" / "data_small.json").read_text(encoding="utf-8"))["test"]
    write(folder / "assistant.jsonl", [(text, intent) for text, intent in pairs])
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    (folder / "cloze.txt").write_text(CLOZE, encoding="utf-8")


def table(path: Path) -> list[Said]:
    """Return the rows of a file of banking77."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def drawn(rows: Sequence[Said], count: int) -> list[Said]:
    """Return some of the rows, chosen by the hash of the seed and the text."""
    return sorted(rows, key=lambda row: (derive_seed(SEED, "row", row[0]), row))[:count]


def write(path: Path, rows: Iterable[Said]) -> None:
    """Write a question for each row: its text, four intents, and the index of the right one."""
    rows = list(dict.fromkeys(rows))
    intents = sorted({intent for _, intent in rows})
    lines = []
    for text, intent in rows:
        rng = generator(SEED, "options", text)
        wrong = rng.sample([other for other in intents if other != intent], WRONG)
        options = rng.sample([intent, *wrong], WRONG + 1)
        line = {
            "text": text,
            "choices": [words(option) for option in options],
            "answer": options.index(intent),
        }
        lines.append(json.dumps(line))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def words(intent: str) -> str:
    """Return the name of an intent as words: card_arrival is card arrival."""
    return intent.replace("_", " ").strip()


if __name__ == "__main__":
    sys.exit(main())
