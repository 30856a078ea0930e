"""Runs suites of free texts on real data, one for each measure, and prints their tables.

The task is to restore capitals and punctuation. In distribution are the questions of XQuAD in
English (Artetxe et al. 2020; CC BY-SA 4.0), in lower case and without punctuation; the originals
are the references. Domain shifts are the sentences of XQuAD's passages, and the first sentences of
GSM8K's problems (Cobbe et al. 2021; MIT). The models are SmolLM2-135M-Instruct with eight
demonstrations, a function that copies its input, and one with two rules of spelling.

    python benchmarks/free_text_run.py xquad.en.json test.jsonl --write=docs/free-text.md

The files are as published. Without `--write` the tables are printed alone.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _tables import put
from _task_runs import TaskRun, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

METRICS = ("chrf", "bleu", "rouge-l", "similarity")

SUITE = """\
task = "text"
metric = "{metric}"
max_examples = {examples}
in_distribution = {{ data = "questions.jsonl", id = "id" }}

[shifts.domain.passages]
data = "passages.jsonl"

[shifts.domain.problems]
data = "problems.jsonl"

[shifts.noise.keyboard]
severity = 2

[shifts.noise.misspelling]
severity = 2

[budgets]
domain = {{ max_drop = 0.10 }}
noise = {{ max_drop = 0.10 }}
"""
PROJECT = """
[tool.pytest_ood.models.copy]
callable = "restorers:copy"
fingerprint = "1"
paradigm = "other"
baseline = true

[tool.pytest_ood.models.rules]
callable = "restorers:rules"
fingerprint = "1"
paradigm = "other"

[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
prompt = "prompt.txt"
chat = false
shots = 8
demonstrations = "demonstrations.jsonl"
max_new_tokens = 64
"""
PROMPT = """\
Write the text with capital letters and punctuation.

---
Text: {text}
Written:
"""
RESTORERS = '''\
"""Functions that restore capitals and punctuation, or not."""

ASKS = ("what", "who", "whom", "whose", "which", "when", "where", "why", "how")


def copy(texts):
    return list(texts)


def rules(texts):
    """Begin with a capital, end with a question mark where a word asks, else with a full stop."""
    return [
        text[:1].upper() + text[1:] + ("?" if set(text.split()) & set(ASKS) else ".")
        for text in texts
    ]
'''
SHOWN = 100
"""Questions that demonstrations are drawn from; the others are for the test."""
SHORTEST, LONGEST = 5, 25
"""Words of a text."""
SENTENCE = re.compile(r"[A-Z][^.!?]+[.!?](?= [A-Z]|$)")
MARKS = re.compile(r"[.,;:!?\"“”()]")


def main() -> int:
    """Run the suites, and print or write their tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("xquad", type=Path, help="xquad.en.json")
    parser.add_argument("gsm8k", type=Path, help="the test set of GSM8K, test.jsonl")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--metrics", nargs="+", choices=METRICS, default=METRICS)
    parser.add_argument("--folder", type=Path, help="where the project is kept")
    parser.add_argument("--write", type=Path, help="the document that has the tables")
    options, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        write_project(options.xquad, options.gsm8k, folder)
        parts = []
        for metric in options.metrics:
            suite = SUITE.format(metric=metric, examples=options.examples)
            run = TaskRun(folder=folder, suite=suite, project=PROJECT, options=more)
            report, seconds = run.report()
            parts.append(part_of(report))
            print(f"{parts[-1]}\n\n{seconds:.0f} seconds\n", flush=True)
    if options.write:
        put(options.write, __file__, "\n" + "\n\n".join(parts) + "\n")
    return 0


def part_of(report: Mapping[str, Any]) -> str:
    """Return the tables of one measure: in distribution, and under shifts."""
    floors = [
        "| model | score | n | in distribution | abstained |",
        "|---|---|---|---|---|",
        *(
            f"| {f['model']} | {f['score_name']} | {f['n']} | {100 * f['score']:.1f} "
            f"[{', '.join(f'{100 * bound:.1f}' for bound in f['interval'])}] | {f['abstained']} |"
            for f in report["in_distribution"]
        ),
    ]
    measure = report["in_distribution"][0]["score_name"]
    note = next(note for note in report["notes"] if note.startswith(measure))
    # The mean over texts has no budget where that of the corpus has.
    gated = [row for row in rows_of(report) if not row.endswith("| measured |")]
    return "\n".join([f"`{note}`", "", *floors, "", *gated])


def write_project(xquad: Path, gsm8k: Path, folder: Path) -> None:
    """Write the data, the prompt and the functions of the project."""
    paragraphs = [
        paragraph
        for article in json.loads(xquad.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
    ]
    questions = ((qa["id"], qa["question"]) for paragraph in paragraphs for qa in paragraph["qas"])
    asked = list(rows_from(questions))
    passages = (
        (f"{number}-{match.start()}", match.group())
        for number, paragraph in enumerate(paragraphs)
        for match in SENTENCE.finditer(paragraph["context"])
    )
    lines = gsm8k.read_text(encoding="utf-8").splitlines()
    problems = (
        (f"p{number}", match.group())
        for number, line in enumerate(lines)
        if (match := SENTENCE.match(json.loads(line)["question"]))
    )
    files: dict[str, Iterable[Mapping[str, str]]] = {
        "demonstrations": asked[:SHOWN],
        "questions": asked[SHOWN:],
        "passages": rows_from(passages),
        "problems": rows_from(problems),
    }
    for name, rows in files.items():
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    (folder / "restorers.py").write_text(RESTORERS, encoding="utf-8")


def rows_from(texts: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Yield a row for each text of a suitable length: its input is without capitals and marks."""
    for identifier, text in texts:
        written = text.strip()
        if SHORTEST <= len(written.split()) <= LONGEST:
            bare = " ".join(MARKS.sub(" ", written.lower()).split())
            yield {"id": identifier, "text": bare, "label": written}


if __name__ == "__main__":
    sys.exit(main())
