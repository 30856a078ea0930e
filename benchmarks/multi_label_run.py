"""Sets of emotions on XED: trained models and a prompted one, under noise and in another language.

The data are those of github.com/Helsinki-NLP/XED: `en-annotated.tsv`, `neu_en.txt`, which has
sentences without emotion, and `de-projections.tsv`. It needs minutes, and the packaged models.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path

from _tables import put
from _task_runs import TaskRun, rows_of

from pytest_ood.utils.seeding import generator

EMOTIONS = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")
"""What the codes 1 to 8 of XED mean, in order."""

_CODES = re.compile(r"[1-8](, ?[1-8])*")

NEUTRAL = 3_000
TRAINED_ON = 6_000

SUITE = f"""
task = "multi-label"
labels = {list(EMOTIONS)}
max_examples = SIZE
in_distribution = {{ data = "test.csv", labels = {{ CODES }} }}

[shifts.domain.german]
data = "de.csv"
labels = {{ CODES }}

[shifts.noise.keyboard]
severity = 2

[shifts.noise.ocr]
severity = 2

[budgets]
domain = {{ max_drop = 0.10, exact-set = {{ max_drop = 0.10 }} }}
noise = {{ max_drop = 0.10, exact-set = {{ max_drop = 0.10 }} }}
"""

TRAINED = """
[tool.pytest_ood.models.tfidf]
sklearn = "one_vs_rest:pipeline"
train = "train.csv"
baseline = true

[tool.pytest_ood.models.tfidf-30]
sklearn = "one_vs_rest:pipeline"
train = "train.csv"
threshold = 0.3

[tool.pytest_ood.models.minilm-25]
finetuned = "asset:minilm"
train = "train.csv"
max_length = 64
epochs = 6
learning_rate = 2e-4
threshold = 0.25
"""

PROMPTED = """
[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
prompt = "prompt.txt"
shots = 8
demonstrations = "train.csv"
max_new_tokens = 24
"""

PIPELINE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline


def pipeline():
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    return make_pipeline(words, OneVsRestClassifier(LogisticRegression(C=4.0, max_iter=500)))
"""

PROMPT = f"""\
List the emotions of the sentence as JSON: any of {", ".join(EMOTIONS)}, or [] for none.

---
Sentence: {{text}}
Emotions:
"""


def rows(path: Path) -> list[tuple[str, str]]:
    """Return each sentence once, with its codes."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text, _, codes = line.rpartition("\t")
        if text.strip() and _CODES.fullmatch(codes):
            found.setdefault(text.strip(), codes)
    return list(found.items())


def neutral(path: Path) -> list[tuple[str, str]]:
    """Return sentences without emotion."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys((line.partition("\t")[2].strip(), "") for line in lines))


def write(path: Path, pairs: list[tuple[str, str]]) -> None:
    """Write sentences and their codes."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("text", "label"), *pairs])


def main() -> int:
    """Run both suites, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder with the files of XED")
    parser.add_argument("folder", type=Path, help="where the project is written; keeps answers")
    parser.add_argument("--document", type=Path, help="where the table is written")
    options = parser.parse_args()
    english = rows(options.data / "en-annotated.tsv")
    none = [(t, c) for t, c in neutral(options.data / "neu_en.txt") if t]
    generator(0, "neutral").shuffle(none)
    whole = list({**dict(none[:NEUTRAL]), **dict(english)}.items())
    generator(0, "split").shuffle(whole)
    codes = ", ".join(f'{number} = "{name}"' for number, name in enumerate(EMOTIONS, start=1))
    table: list[str] = []
    for size, project in ((1_000, TRAINED), (200, PROMPTED)):
        folder = options.folder / str(size)
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "train.csv", whole[:TRAINED_ON])
        write(folder / "test.csv", whole[12_000:])
        write(folder / "de.csv", rows(options.data / "de-projections.tsv"))
        (folder / "one_vs_rest.py").write_text(PIPELINE, encoding="utf-8")
        (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
        suite = SUITE.replace("SIZE", str(size)).replace("CODES", codes)
        declared = project.replace(
            '"train.csv"', f'{{ data = "train.csv", labels = {{ {codes} }} }}'
        )
        report, seconds = TaskRun(folder=folder, suite=suite, project=declared).report()
        sys.stderr.write(f"{seconds:.0f} s\n")
        for floor in report["in_distribution"]:
            sys.stderr.write(f"{floor['model']}: {floor['verdict']} {floor['reason']}\n")
        made = rows_of(report)
        table += made[2:] if table else made
    print("\n".join(table))
    if options.document is not None:
        put(options.document, __file__, "\n".join(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
