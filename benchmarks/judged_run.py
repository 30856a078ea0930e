"""Shows on real answers that a judge's drop misses that of people, and the corrected one does not.

A model answers questions about a sentence (XQuAD, English), and the same with typing errors in the
sentence. A judge passes an answer whose embedding (MiniLM) is near that of the right answer. In
the place of people stands exact match, which is known of all answers: what a gate is told of a few
of them can be compared with all. The model is a reader of a few rules, which takes a second, or
SmolLM2. DATA is a folder with xquad.en.json; the language models are the packaged ones.

    python benchmarks/judged_run.py DATA --cache CACHE --write docs/judges.md
    python benchmarks/judged_run.py DATA --cache CACHE --model smollm2      # 15 minutes
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _tables import conclude, put
from _task_runs import TaskRun, points

from pytest_ood.data.edits import Perturbed, edits_between
from pytest_ood.data.examples import Example
from pytest_ood.data.inputs import fields_of
from pytest_ood.gate.configuration import parse_models
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.protocol import SeededModel, is_recorded
from pytest_ood.perturbations import find
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.statistics import estimate, paired_drop
from pytest_ood.tasks import Prediction, QuestionAnswering
from pytest_ood.utils.progress import Lines
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.statistics import Estimate

ALPHA, SEVERITY, LEAST_COSINE, BUDGET = 0.05, 5, 0.5, 0.2
TASK = QuestionAnswering("extractive-qa", "exact-match")
SENTENCE = re.compile(r"(?<=[.!?])\s+")

DEMONSTRATIONS = [
    {
        "context": "The Rhine rises in Switzerland and flows into the North Sea at Rotterdam.",
        "question": "Where does the Rhine rise?",
        "label": "Switzerland",
    },
    {
        "context": "Marie Curie received the Nobel Prize in Chemistry in 1911.",
        "question": "When did Curie receive the prize in chemistry?",
        "label": "1911",
    },
]
MODEL = {
    "prompted": "asset:smollm2",
    "chat": False,
    "prompt": "Passage: {context}\nQuestion: {question}\nAnswer:",
    "demonstrations": DEMONSTRATIONS,
}

SUITE = f"""
task = "judged"

[in_distribution]
data = "plain.jsonl"
fields = ["question", "context"]
label = "answer"
id = "id"

[judge]
model = {{ callable = "similarity:judge", fingerprint = "{LEAST_COSINE}" }}
rubric = "rubric.md"
labelled = {{ data = "labelled.jsonl", label = "reference" }}

[shifts.domain.typing-errors]
data = "typing-errors.jsonl"
paired = true
max_drop = {BUDGET}
"""
PROJECT = """
[tool.pytest_ood.models.reader]
replay = "answers.jsonl"
"""
RUBRIC = "The right answer: {reference}\nAn answer: {answer}\nPass it if it says the same."
JUDGE = f"""
import re
from pathlib import Path

from pytest_ood.data.edits import Perturbed, edits_between
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.resources import Resources, using


def judge(rubrics):
    pattern = re.compile(r"The right answer: (.*)\\nAn answer: (.*)\\n")
    pairs = [pattern.match(text).groups() for text in rubrics]
    changes = [Perturbed(right, edits_between(right, answer)) for right, answer in pairs]
    with using(Resources(cache=Path("CACHE"))):
        cosines = EmbeddingSimilarity().cosines(changes)
    return ["pass" if cosine >= {LEAST_COSINE} else "fail" for cosine in cosines]
"""

IN_DISTRIBUTION, SHIFT = "in-distribution", "typing-errors"


def main() -> int:
    """Ask, gate, compare, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("cache"))
    parser.add_argument("--model", choices=("rules", "smollm2"), default="rules")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--write", type=Path, help="the document that gets the table")
    options = parser.parse_args()
    cache = options.cache.resolve()
    examples = questions(options.data / "xquad.en.json", options.examples + options.labels)
    noisy = [with_typing_errors(example) for example in examples]
    reader = Reader(root=Path(), cache=cache, offline=False, progress=Lines(print))
    answers = {
        name: asked(options.model, side, reader, cache)
        for name, side in ((IN_DISTRIBUTION, examples), (SHIFT, noisy))
    }
    right = {
        name: [TASK.score(a, e) for a, e in zip(side, examples, strict=True)]
        for name, side in answers.items()
    }
    count = options.examples
    with tempfile.TemporaryDirectory() as folder:
        sides = {IN_DISTRIBUTION: examples, SHIFT: noisy}
        write_project(Path(folder), sides, answers, right, count)
        judge = JUDGE.replace("CACHE", str(cache))
        (Path(folder) / "similarity.py").write_text(judge, encoding="utf-8")
        report, _ = TaskRun(folder=Path(folder), suite=SUITE, project=PROJECT).report()
    if not report["evaluations"]:
        raise RuntimeError(f"the drop was not measured: {report['errors']}")
    (evaluation,) = report["evaluations"]
    judged = {name: _verdicts(side, examples, cache) for name, side in answers.items()}
    rows = {
        "exact match of all, the truth": drop(right, count),
        "the judge alone": drop(judged, count),
    }
    low, high = evaluation["interval"]
    lines = ["| | before | under typing errors | drop in points |", "|---|---|---|---|"]
    for (name, shown), scores in zip(rows.items(), (right, judged), strict=True):
        before, after = (sum(scores[side][:count]) / count for side in (IN_DISTRIBUTION, SHIFT))
        lines.append(row(name, before, after, (shown.value, shown.low, shown.high)))
    before, after = evaluation["score_in_distribution"], evaluation["score_under_shift"]
    corrected = (evaluation["drop"], low, high)
    name = f"corrected with {options.labels} labels on each side"
    lines.append(row(name, before, after, corrected))
    lines += ["", *(f"* {note}" for note in report["notes"] if "kappa" in note)]
    text = f"n = {count}\n\n" + "\n".join(lines)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    truth, naive = rows["exact match of all, the truth"].value, rows["the judge alone"]
    missed = []
    if not low <= truth <= high:
        missed.append("the corrected interval does not hold the drop of exact match")
    if naive.low <= truth <= naive.high:
        missed.append("the judge's interval holds the drop of exact match as well")
    return conclude(missed)


def questions(path: Path, size: int) -> list[Example]:
    """Draw questions of XQuAD, each with the sentence that holds its answer."""
    found = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answer, context = qa["answers"][0], paragraph["context"]
                start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
                begin = max((m.end() for m in SENTENCE.finditer(context, 0, start)), default=0)
                stop = next((m.start() for m in SENTENCE.finditer(context, end)), len(context))
                inputs = {"question": qa["question"], "context": context[begin:stop]}
                found.append(Example(qa["id"], inputs, answer["text"]))
    generator(0, "judged run").shuffle(found)
    return found[:size]


def with_typing_errors(example: Example) -> Example:
    """Return an example whose sentence has typing errors."""
    keyboard = replace(find("keyboard"), severity=SEVERITY)
    inputs = fields_of(example.inputs)
    inputs["context"] = keyboard(inputs["context"], generator(0, "typing", example.id))
    return replace(example, inputs=inputs)


CAPITALS = re.compile(r"\b[A-Z][\w'-]*(?:\s(?:of\s|the\s|de\s)?[A-Z][\w'-]*)*")
NUMBER = re.compile(r"\$?\d[\d,.]*\d|\d")
WORD = re.compile(r"[\w'-]+")


def read(inputs: Mapping[str, str]) -> str:
    """Return a number for when and how many, a name for who and where, else the last words."""
    question, context = inputs["question"].lower(), inputs["context"]
    asks_number = re.search(r"\bwhen\b|\bhow (?:many|much|long|far|old)\b|\byear\b", question)
    candidates = (NUMBER if asks_number else CAPITALS).findall(context)
    new = [text for text in candidates if text.lower() not in question]
    if not new and not asks_number:
        new = [word for word in WORD.findall(context) if word.lower() not in question][-2:]
    return max(new, key=len) if new else "unknown"


def asked(model: str, examples: Sequence[Example], reader: Reader, cache: Path) -> list[Prediction]:
    """Return the model's answers; SmolLM2's are stored."""
    if model == "rules":
        return [Prediction(read(fields_of(example.inputs))) for example in examples]
    return _of_smollm2(examples, reader, cache)


def _of_smollm2(examples: Sequence[Example], reader: Reader, cache: Path) -> list[Prediction]:
    (spec,) = parse_models({"smollm2": MODEL}, "judged run")
    model = spec.build(TASK, reader, cache)
    if is_recorded(model) or isinstance(model, SeededModel):
        raise TypeError("the adapter builds one model that answers")
    engine = Engine(FileStore(cache / "predictions.sqlite", 2**31), reader.progress)
    return engine.predict(model, [example.inputs for example in examples], None, "judged run")


def write_project(
    folder: Path,
    sides: Mapping[str, Sequence[Example]],
    answers: Mapping[str, Sequence[Prediction]],
    right: Mapping[str, Sequence[float]],
    count: int,
) -> None:
    """Write the first examples with their answers, and the others with verdicts as labelled."""
    recorded, labelled = [], []
    for name, side in sides.items():
        for n, example in enumerate(side):
            answer = answers[name][n].label or ""
            own = {"shift": name, "id": example.id, "answer": answer}
            if n < count:
                recorded.append(own)
                continue
            verdict = {"reference": example.label, "verdict": right[name][n] == 1.0}
            labelled.append({**own, **fields_of(example.inputs), **verdict})
    files: dict[str, list[dict[str, Any]]] = {"answers": recorded, "labelled": labelled}
    for name, side in sides.items():
        files["plain" if name == IN_DISTRIBUTION else name] = [
            {"id": e.id, **fields_of(e.inputs), "answer": e.label} for e in side[:count]
        ]
    for name, rows in files.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "rubric.md").write_text(RUBRIC, encoding="utf-8")


def _verdicts(
    answers: Sequence[Prediction], examples: Sequence[Example], cache: Path
) -> list[float]:
    """Return the judge's verdicts, as the module of the project gives them."""
    texts = [(e.label, a.label or "") for a, e in zip(answers, examples, strict=True)]
    pairs = [Perturbed(one, edits_between(one, other)) for one, other in texts]
    with using(Resources(cache=cache)):
        cosines = EmbeddingSimilarity().cosines(pairs)
    return [
        float(cosine >= LEAST_COSINE and answer.label is not None)
        for cosine, answer in zip(cosines, answers, strict=True)
    ]


def drop(scores: dict[str, list[float]], count: int) -> Estimate:
    """Return the drop of scores on the gated examples, with its interval."""
    return estimate(paired_drop(scores[IN_DISTRIBUTION][:count], scores[SHIFT][:count]), ALPHA)


def row(name: str, before: float, after: float, shown: tuple[float, float, float]) -> str:
    """Return a row of the table."""
    value, low, high = map(points, shown)
    return f"| {name} | {points(before)} | {points(after)} | {value} [{low}, {high}] |"


if __name__ == "__main__":
    sys.exit(main())
