"""Runs an extraction suite on Restaurant-8k, and prints its table, of two models.

Restaurant-8k (Coope et al. 2020, Span-ConveRT, section 4; CC BY 4.0) has what guests wrote to a
restaurant's booking system, the slots that the system had asked for, and the spans of five slots.
In distribution are messages that the system had not asked for; the domain shift are replies to its
questions. The models are SmolLM2-135M-Instruct with eight demonstrations, and a tagger of
scikit-learn that is trained on the former.

    python benchmarks/extraction_run.py restaurant8k --write=docs/extraction.md

The folder has `train_2.json` and `test.json` as published: the former is a quarter of the training
data. Without `--write` the table is printed alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from _tables import put
from _task_runs import TaskRun, rows_of

FIELDS = ("people", "date", "time", "first_name", "last_name")

SUITE = """\
task = "extraction"
max_examples = {examples}
max_abstention = 0.2
in_distribution = {{ data = "test.jsonl", fields = ["asked", "text"], label = "slots", id = "id", \
where = {{ reply = false }} }}

[schema]
people = "text"
date = "text"
time = "text"
first_name = "exact"
last_name = "exact"

[shifts.domain.replies]
where = {{ reply = true }}

[shifts.noise.keyboard]
fields = ["text"]

[shifts.noise.keyboard-everywhere]
perturbation = "keyboard"
fields = ["text"]
protect = []

[budgets]
domain = {budget}
noise = {budget}
"""
BUDGET = (
    "{ max_drop = 0.10, slot-f1 = { max_drop = 0.10 }, exact-object = { max_drop = 0.15 }, "
    "valid-json = { max_drop = 0.05 } }"
)
PROJECT = """
[tool.pytest_ood.models.tagger]
callable = "tagger:tagged"
fingerprint = "{version}"
paradigm = "other"
baseline = true

[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
prompt = "prompt.txt"
chat = false
shots = 8
demonstrations = {{ data = "train.jsonl", where = {{ reply = false }} }}
max_new_tokens = 64
"""
PROMPT = """\
Write what the guest says about the booking as JSON, in the guest's words; null for all else.

---
Asked for: {asked}
Guest: {text}
JSON:
"""
TAGGER = '''\
"""A tagger of tokens: logistic regression on the words and shapes around each token."""

import json
import re
from functools import cache
from pathlib import Path

TOKEN = re.compile(r"\\w+|[^\\w\\s]")


def tokens_of(text):
    return [(match.group(), *match.span()) for match in TOKEN.finditer(text)]


def features(asked, tokens, index):
    row = {f"asked={slot}": 1 for slot in asked.split(", ")}
    for offset in range(-3, 4):
        if 0 <= index + offset < len(tokens):
            word = tokens[index + offset][0]
            shape = re.sub("[a-z]+", "x", re.sub("[A-Z]", "X", re.sub("[0-9]+", "9", word)))
            row |= {f"{offset}:{word.lower()}": 1, f"{offset}:{shape}": 1}
    row["position"] = min(index, 5) / 5
    return row


@cache
def fitted():
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows, tags = [], []
    for line in Path(__file__).with_name("train.jsonl").read_text("utf-8").splitlines():
        example = json.loads(line)
        if example["reply"]:
            continue
        tokens = tokens_of(example["text"])
        for index, (_, start, end) in enumerate(tokens):
            inside = (
                name
                for name, value in example["slots"].items()
                if value["start"] <= start and end <= value["end"]
            )
            rows.append(features(example["asked"], tokens, index))
            tags.append(next(inside, "outside"))
    return make_pipeline(DictVectorizer(), LogisticRegression(C=10, max_iter=1000)).fit(rows, tags)


def tagged(inputs):
    answers = []
    for given in inputs:
        text, answer = given["text"], dict.fromkeys(FIELDS)
        tokens = tokens_of(text)
        rows = [features(given["asked"], tokens, index) for index in range(len(tokens))]
        tags = list(fitted().predict(rows)) if rows else []
        for name in FIELDS:
            places = [index for index, tag in enumerate(tags) if tag == name]
            if places:
                # The first run of tokens with the tag.
                last = places[0]
                while last + 1 in places:
                    last += 1
                answer[name] = text[tokens[places[0]][1] : tokens[last][2]]
        answers.append(answer)
    return answers


FIELDS = ("people", "date", "time", "first_name", "last_name")
'''


def converted(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a published file, with the spans of their slots as right values."""
    rows = []
    for number, row in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        asked = list(dict.fromkeys(row.get("context", {}).get("requestedSlots", [])))
        slots = {
            label["slot"]: {
                "in": "text",
                "start": label["valueSpan"].get("startIndex", 0),
                "end": label["valueSpan"]["endIndex"],
            }
            for label in row.get("labels", [])
        }
        rows.append(
            {
                "id": f"{path.stem}-{number}",
                "asked": ", ".join(asked) or "nothing",
                "text": row["userInput"]["text"],
                "reply": bool(asked),
                "slots": slots,
            }
        )
    return rows


def write_project(data: Path, folder: Path) -> None:
    """Write the data, the prompt and the tagger of the project."""
    for name, source in {"train": "train_2.json", "test": "test.json"}.items():
        lines = (json.dumps(row, ensure_ascii=False) for row in converted(data / source))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    (folder / "tagger.py").write_text(TAGGER, encoding="utf-8")


def main() -> int:
    """Run the suite, and print or write its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of Restaurant-8k")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the project is kept")
    parser.add_argument("--write", type=Path, help="the document that has the table")
    options, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_project(options.data, folder)
        suite = SUITE.format(examples=options.examples, budget=BUDGET)
        project = PROJECT.format(version=1)
        report, seconds = TaskRun(
            folder=folder, suite=suite, project=project, options=more
        ).report()
    floors = [
        "| model | in distribution | n | field score | best constant answer | no JSON |",
        "|---|---|---|---|---|---|",
        *(
            f"| {f['model']} | {f['verdict']} | {f['n']} | {100 * f['score']:.1f} | "
            f"{100 * f['majority']:.1f} | {f['abstained']} |"
            for f in report["in_distribution"]
        ),
    ]
    table = "\n".join([*floors, "", *rows_of(report)])
    print(f"{table}\n\n{seconds:.0f} seconds")
    if options.write:
        put(options.write, __file__, f"\n{table}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
