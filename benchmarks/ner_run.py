"""Measures taggers of named entities under domain shift and noise, on public data.

Models are trained on the first 70 % of wikigold (Balasuriya et al. 2009) and tested on the rest, so
that few articles are on both sides; the other domain is the test set of WNUT 2017 (Derczynski et
al. 2017), of forums and videos' comments. Persons, locations and organizations are compared
(corporations and groups of WNUT 2017 are organizations). MISC of wikigold and products and works of
WNUT 2017 are left out: their guidelines differ in what counts, such as nationalities.

    python benchmarks/ner_run.py wikigold.conll.txt emerging.test.annotated \
        --write docs/named-entities.md

The prompted model is asked about few texts (`--prompted-examples`), which takes most of the time:
all together half an hour on one core.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from _tables import put
from _task_runs import TaskRun, rows_of

TRAIN_SHARE = 0.7

LABELS = """
[{table}labels]
PER = "PER"
LOC = "LOC"
ORG = "ORG"
MISC = "O"
person = "PER"
location = "LOC"
corporation = "ORG"
group = "ORG"
product = "O"
creative-work = "O"
"""

SUITE = """
task = "ner"
labels = ["PER", "LOC", "ORG"]
sequential = false
{size}
[in_distribution]
data = "test.conll"
{in_distribution}
[shifts.domain.wnut17]
data = "wnut17.conll"
partial-f1 = {{ max_drop = 0.10 }}
entity-f1-PER = {{ max_drop = 0.10 }}
entity-f1-LOC = {{ max_drop = 0.10 }}
entity-f1-ORG = {{ max_drop = 0.10 }}

[shifts.noise.keyboard]
severity = 2

[shifts.noise.keyboard-beside]
perturbation = "keyboard"
severity = 2
protect = ["answers"]

[shifts.noise.lower-case]
severity = 5

[shifts.noise.swap-entities]

[budgets]
domain = {{ max_drop = 0.10 }}
noise = {{ max_drop = 0.10 }}
"""

MODELS = {
    "minilm": """
[tool.pytest_ood.models.minilm]
finetuned = "asset:minilm"
epochs = 8
learning_rate = 1e-4
train_batch_size = 16
[tool.pytest_ood.models.minilm.train]
data = "train.conll"
"""
    + LABELS.format(table="tool.pytest_ood.models.minilm.train."),
    "tfidf": """
[tool.pytest_ood.models.tfidf]
callable = "ner_tagger:tag"
paradigm = "fine-tuned"
fingerprint = "1"
""",
    "smollm2": """
[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
prompt = "prompt.txt"
shots = 5
max_new_tokens = 96
chat = false
[tool.pytest_ood.models.smollm2.demonstrations]
data = "shots.conll"
"""
    + LABELS.format(table="tool.pytest_ood.models.smollm2.demonstrations."),
}

PROMPT = """\
Find the persons (PER), locations (LOC) and organizations (ORG) in each sentence. Answer with a \
JSON list of objects with "text" and "label".

Sentence: {text}
Entities:"""

TAGGER = '''\
"""A tagger of scikit-learn, trained when it is first asked."""

import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, {benchmarks!r})
from _token_tagger import Tagger

NAMES = {{"PER": "PER", "LOC": "LOC", "ORG": "ORG"}}


@cache
def trained():
    return Tagger.trained(Path(__file__).with_name("train.conll"), NAMES)


def tag(texts):
    return trained()(texts)
'''


def main() -> int:
    """Run the suites, print the table, and return the exit status."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_data(folder, options.wikigold, options.wnut17)
        tables: list[str] = []
        seconds = 0.0
        for names, examples in (
            ([name for name in options.models if name != "smollm2"], options.examples),
            ([name for name in options.models if name == "smollm2"], options.prompted_examples),
        ):
            if names:
                rows, took = measured(folder, names, examples)
                tables, seconds = [*tables, *rows[2 * bool(tables) :]], seconds + took
    print("\n".join(tables))
    print(f"\n{seconds:.0f} seconds")
    if options.write is not None:
        put(options.write, __file__, "\n".join(tables))
    return 0


def measured(folder: Path, names: list[str], examples: int | None) -> tuple[list[str], float]:
    """Run the suite with some models; return the rows of a table and the seconds it took.

    Args:
        folder: The project.
        names: The models.
        examples: The number of examples of each data set; None for all.
    """
    size = "" if examples is None else f"max_examples = {examples}\n"
    suite = SUITE.format(size=size, in_distribution=LABELS.format(table="in_distribution."))
    run = TaskRun(folder=folder, suite=suite, project="".join(MODELS[name] for name in names))
    report, seconds = run.report()
    return rows_of(report), seconds


def write_data(folder: Path, wikigold: Path, wnut17: Path) -> None:
    """Write the files of the project: data of both domains, the prompt and the tagger."""
    sentences = wikigold.read_text(encoding="utf-8").strip().split("\n\n")
    cut = round(TRAIN_SHARE * len(sentences))
    # Demonstrations with entities: a prompt of empty lists teaches to answer with one.
    shown = [one for one in sentences[:cut] if one.count("I-") > 1 and one.count("\n") < 25]  # noqa: PLR2004 - short ones
    for name, some in (("train", sentences[:cut]), ("test", sentences[cut:]), ("shots", shown)):
        (folder / f"{name}.conll").write_text("\n\n".join(some) + "\n", encoding="utf-8")
    shutil.copy(wnut17, folder / "wnut17.conll")
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    tagger = TAGGER.format(benchmarks=str(Path(__file__).parent.resolve()))
    (folder / "ner_tagger.py").write_text(tagger, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wikigold", type=Path, help="wikigold.conll.txt")
    parser.add_argument("wnut17", type=Path, help="emerging.test.annotated of WNUT 2017")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--examples", type=int, help="of each data set; all by default")
    parser.add_argument("--prompted-examples", type=int, default=30, help="for the prompted model")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
