"""Measures what every perturbation does to labels: accuracy and similarity at each severity.

Every perturbation of the catalogue, at severity 1 to 5, on movie reviews of ICWSM 2014 (the
in-distribution set of the built-in suite) and its built-in models: the share of words and of
characters that are edited, the cosine of the packaged MiniLM's sentence embeddings, what the
validity filter rejects, and the accuracy of the models. A model that falls to chance while the
embedding stays near is not robust; where both fall, the text no longer says what it said.

    python benchmarks/label_preservation.py --write docs/perturbations.md

Takes about an hour on two cores with nothing cached; answers are kept, so that a second run takes
minutes. What asks a language model that is not packaged is left out, and named.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from _tables import PROJECT_OPTION, cell, percents, put
from platformdirs import user_cache_path

from pytest_ood.budgets import Rules
from pytest_ood.data.edits import Perturbed, edits_between
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.gate.gate import Gate, Options
from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations import Generator, fitting
from pytest_ood.perturbations.contracts import Changing
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.shifts import NoiseShift
from pytest_ood.utils.progress import Silent
from pytest_ood.utils.seeding import generator

SUITE = "sentiment"
MODELS = ("minilm", "smollm2")
LEVELS = range(1, MAX_SEVERITY + 1)
PARAPHRASER = {
    "paraphraser": "asset:smollm2",
    "prefix": "Rewrite this sentence in other words, keep its meaning: ",
}

FOR_QUESTIONS = (
    "add-option",
    "change-numbers",
    "distract",
    "irrelevant-context",
    "option-letters",
    "remove-text",
    "shuffle-options",
)
"""What is made for questions, their options and the passages beside them; reviews say nothing about
it."""


@dataclass(frozen=True)
class Level:
    """One perturbation at one severity.

    Attributes:
        changed: Examples that were changed and not rejected.
        rejected: By the validity filter.
        words: Mean share of words that an edit touches.
        characters: Mean share of edited characters.
        similarity: Mean cosine with the original.
        before: Accuracy on the same examples, unchanged, by model.
        after: Accuracy on the changed ones.
    """

    changed: int
    rejected: int
    words: float
    characters: float
    similarity: float
    before: dict[str, float]
    after: dict[str, float]


def measurable() -> dict[str, Generator]:
    """Return the perturbations for any text whose models are packaged, if they need any."""
    found = {name: made for name, made in fitting(ENGLISH).items() if name not in FOR_QUESTIONS}
    found["paraphrase"] = found["paraphrase"].with_parameters(**PARAPHRASER)
    return {
        name: change
        for name, change in found.items()
        if all(str(change.parameters.get(key, "")).startswith("asset:") for key in change.models)
    }


def measure(gate: Gate, change: Generator, size: int) -> list[Level]:
    """Measure one perturbation at every severity."""
    suite = gate.evaluators[SUITE].suite
    labels = suite.task.labels
    relabel = {}
    if isinstance(change.contract, Changing):
        relabel = {label: change.contract.relabel(label, labels) for label in labels}
    shifts = tuple(
        NoiseShift(f"{change.name}@{level}", change.at(level), relabel=relabel,
                   family=change.name, severity=level)
        for level in LEVELS
    )  # fmt: skip
    run = SuiteEvaluator(
        replace(suite, shifts=shifts, budgets={shift.name: {} for shift in shifts}),
        engine=gate.engine,
        reader=gate.reader,
        seed=0,
        rules=Rules(0.05, sequential=False),
        max_examples=size,
    )
    return [level(run, gate, shift) for shift in shifts]


def level(run: SuiteEvaluator, gate: Gate, shift: NoiseShift) -> Level:
    """Measure one perturbation at one severity."""
    examples = run.data.in_distribution().examples
    shifted = shift.apply(examples, run.data.seed, gate.engine.store)
    cases = [
        Perturbed(str(e.inputs), edits_between(str(e.inputs), str(text)))
        for e, text in zip(examples, shifted.inputs, strict=True)
        if text != e.inputs
    ]
    rejected = shifted.rejected.count(True)
    if not cases:
        return Level(0, rejected, 0.0, 0.0, 1.0, {}, {})
    measured = {name: run.evaluate(gate.models[SUITE][name], shift) for name in MODELS}
    return Level(
        len(cases),
        rejected,
        fmean(case.edited_words for case in cases),
        fmean(case.edited_characters for case in cases),
        fmean(EmbeddingSimilarity().cosines(cases)),
        {name: e.score_in_distribution for name, e in measured.items()},
        {name: e.score_under_shift for name, e in measured.items()},
    )


def row(change: Generator, levels: list[Level]) -> str:
    """Return the perturbation's line of the table."""
    if not any(found.changed for found in levels):
        return f"| `{change.name}` | {change.contract.name} | none |" + " |" * (3 + len(MODELS))
    changed = " ".join(str(found.changed) for found in levels)
    rejected = sum(found.rejected for found in levels)
    cells = [
        f"`{change.name}`",
        change.contract.name,
        changed + (f" ({rejected} rejected)" if rejected else ""),
        percents(found.words for found in levels),
        percents(found.characters for found in levels),
        " ".join(f"{found.similarity:.2f}".removeprefix("0") for found in levels),
    ]
    for name in MODELS:
        first = next((found.before[name] for found in reversed(levels) if found.before), 0.0)
        cells.append(
            f"{100 * first:.0f}: " + percents(found.after.get(name, 0.0) for found in levels)
        )
    return f"| {' | '.join(cells)} |"


def example(change: Generator) -> str:
    """Return an example of severity 3, with what cannot be seen written as escapes."""
    return cell(change.at(3)(change.example, generator(0, change.name)))


def main() -> int:
    """Measure everything, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="only these perturbations")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--project", **PROJECT_OPTION)
    parser.add_argument("--write", type=Path, help="put the tables between the marks of this file")
    options = parser.parse_args()
    gate = Gate(Options(root=options.project, cache=options.cache), Silent())
    found = measurable()
    chosen = [found[name] for name in options.names] or list(found.values())
    lines = [
        "| perturbation | contract | changed | words % | characters % | similarity | "
        + " | ".join(f"{name} %" for name in MODELS) + " |",
        "|---" * (6 + len(MODELS)) + "|",
    ]  # fmt: skip
    examples = ["| perturbation | severity 3 |", "|---|---|"]
    with using(Resources(cache=options.cache)):
        for change in chosen:
            started = time.perf_counter()
            lines.append(row(change, measure(gate, change, options.examples)))
            examples.append(f"| `{change.name}` | {example(change)} |")
            sys.stderr.write(f"{lines[-1]} {time.perf_counter() - started:.0f} s\n")
    left = [f"`{name}`" for name in fitting(ENGLISH) if name not in (*found, *FOR_QUESTIONS)]
    examples += [f"| `{name}` | {example(fitting(ENGLISH)[name])} |" for name in FOR_QUESTIONS]
    text = "\n".join(
        [f"n = {options.examples}, seed 0.", "", *lines, "",
         f"Not measured, as no model for them is packaged: {', '.join(left)}; and those for "
         "questions ([tasks.md](tasks.md)).", "", *examples]
    )  # fmt: skip
    if options.write is None:
        print(text)
        return 0
    put(options.write, __file__, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
