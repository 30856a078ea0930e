"""Rejection on CLINC150: how many queries out of scope get an intent, and what noise does to it.

The data is `data_small.json` of github.com/clinc/oos-eval. The probability below which a model
abstains is the one below which it would reject 10 % of the validation queries in scope.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _tables import put
from _task_runs import TaskRun, points, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Report = Mapping[str, Any]

SCOPE = "oos"
REJECTED = 0.10
"""The share of validation queries in scope that a threshold rejects."""

SUITE = """
out_of_scope = "oos"
labels = LABELS
max_abstention = 0.30
in_distribution = "test.jsonl"      # 4,500 queries in scope and half of those out of scope

[shifts.domain.out-of-scope]
data = "oos.jsonl"                  # the other half
min_score = 0.60                    # false acceptance of 40 % at most
max_drop = 1.0

[shifts.noise.keyboard]
severity = 2

[shifts.noise.ocr]
severity = 2

[budgets]
noise = { max_drop = 0.10, false-acceptance = { max_drop = 0.05 } }
"""

PIPELINE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def pipeline():
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=100.0, max_iter=300))
"""

PROJECT = """
[tool.pytest_ood.models.tfidf]
sklearn = "intents:pipeline"
train = "train.jsonl"
abstain_below = TFIDF
baseline = true

[tool.pytest_ood.models.tfidf-always]
sklearn = "intents:pipeline"
train = "train.jsonl"

[tool.pytest_ood.models.tfidf-trained]
sklearn = "intents:pipeline"
train = "train-oos.jsonl"           # with 100 queries of the label oos

[tool.pytest_ood.models.minilm]
finetuned = "asset:minilm"
train = "train.jsonl"
epochs = 8
learning_rate = 2e-4
max_length = 48
abstain_below = MINILM
"""


def write(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Write queries and their intents."""
    rows = (json.dumps({"text": text, "label": label}) for text, label in pairs)
    path.write_text("\n".join(rows), encoding="utf-8")


def threshold(texts: Sequence[str], train: Sequence[tuple[str, str]]) -> float:
    """Return the probability below which TF-IDF rejects `REJECTED` of texts."""
    names: dict[str, Any] = {}
    exec(PIPELINE, names)  # noqa: S102 - the text above
    fitted = names["pipeline"]().fit(*zip(*train, strict=True))
    return round(float(np.quantile(fitted.predict_proba(list(texts)).max(axis=1), REJECTED)), 3)


def floors_of(report: Report) -> list[str]:
    """Return the rows of a table of scores: accuracy in distribution, and the share rejected."""
    rows = [
        "| model | queries | n | accuracy | abstained where wrong | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for floor in (*report["in_distribution"], *report["scores"]):
        low, high = map(points, floor["interval"])
        where = floor["shift"] or "in distribution"
        rows.append(
            f"| {floor['model']} | {where} | {floor['n']:,} | {points(floor['score'])} "
            f"[{low}, {high}] | {floor['abstained']:,} | {floor['verdict']} |"
        )
    return rows


def main() -> int:
    """Run the suite, and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the file data_small.json")
    parser.add_argument("folder", type=Path, help="where the project is written; keeps answers")
    parser.add_argument("--document", type=Path, help="where the tables are written")
    parser.add_argument("--minilm", type=float, default=0.5, help="MiniLM abstains below this")
    options = parser.parse_args()
    parts = json.loads(options.data.read_text(encoding="utf-8"))
    data = {name: [(text, label) for text, label in pairs] for name, pairs in parts.items()}
    labels = sorted({label for _, label in data["train"]})
    least = threshold([text for text, _ in data["val"]], data["train"])
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "train.jsonl", data["train"])
    write(folder / "train-oos.jsonl", [*data["train"], *data["oos_train"]])
    write(folder / "test.jsonl", [*data["test"], *data["oos_test"][::2]])
    write(folder / "oos.jsonl", data["oos_test"][1::2])
    (folder / "intents.py").write_text(PIPELINE, encoding="utf-8")
    suite = SUITE.replace("LABELS", json.dumps([*labels, SCOPE]))
    project = PROJECT.replace("TFIDF", str(least)).replace("MINILM", str(options.minilm))
    report, seconds = TaskRun(folder=folder, suite=suite, project=project).report()
    sys.stderr.write(f"TF-IDF abstains below {least}; {seconds:.0f} s\n")
    for floor in (*report["in_distribution"], *report["scores"]):
        sys.stderr.write(f"{floor['model']}: {floor['verdict']} {floor['reason']}\n")
    text = "\n".join([*floors_of(report), "", *rows_of(report)])
    print(text)
    if options.document is not None:
        put(options.document, __file__, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
