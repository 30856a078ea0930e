"""Runs every recipe on the built-in models: loose and strict, transferred, and what successes are.

Movie reviews of ICWSM 2014, the in-distribution set of the built-in suite. The first table has
every recipe in both profiles against one model, the fine-tuned MiniLM; the second has the
accuracy of the other models on the examples that fool one model; then some successes as they
are shown.

    python benchmarks/attack_recipes.py --write docs/attacks.md

Takes half an hour on two cores; answers are kept, so that a second run takes a minute. A recipe
whose model is not available is named, and left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from _tables import PROJECT_OPTION, put
from platformdirs import user_cache_path

from pytest_ood.budgets import interval, points
from pytest_ood.errors import DataError, ModelError
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.gate.gate import Gate, Options
from pytest_ood.models.protocol import Model, is_model, is_recorded
from pytest_ood.perturbations.adversarial import QueryBudget, Recipe, attacks
from pytest_ood.reports.escaping import one_line, word_diff
from pytest_ood.shifts import AdversarialShift, TransferShift
from pytest_ood.utils.progress import Lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_ood.evaluation import Evaluation
    from pytest_ood.shifts import Shift

SUITE, VICTIM = "sentiment", "minilm"
EXAMPLES = 100
BUDGET = QueryBudget(400)
TRANSFERRED = ("deepwordbug", "pwws")
SHOWN = ("deepwordbug", "pwws", "textbugger-strict")


def evaluated(gate: Gate, model: Model, shift: Shift) -> Evaluation:
    """Measure a model under a shift of the suite's data, on as many examples as the gate draws."""
    run = gate.evaluators[SUITE]
    made = SuiteEvaluator(
        run.suite.__class__(
            name=SUITE,
            task=run.suite.task,
            in_distribution=run.suite.in_distribution,
            shifts=(shift,),
            budgets={shift.name: {}},
        ),
        engine=gate.engine,
        reader=gate.reader,
        seed=gate.seed,
        rules=gate.rules,
        max_examples=gate.options.max_examples,
        surrogates=surrogates_of(gate),
    )
    return made.evaluate(model, shift)


def surrogates_of(gate: Gate) -> dict[str, Model]:
    """Return the suite's models, all of which can be asked."""
    return {n: m for n, m in gate.models[SUITE].items() if is_model(m) and not is_recorded(m)}


def recipes(gate: Gate, names: Collection[str]) -> Iterator[str]:
    """Yield the table of recipes in their profiles."""
    model = surrogates_of(gate)[VICTIM]
    count = gate.options.max_examples
    yield f"Against {VICTIM}, {count} reviews, at most {BUDGET.each} queries each:"
    yield ""
    yield ("| recipe | profile | success % | queries: mean, median | edited words % | "
           "similarity | rejected |")  # fmt: skip
    yield "|---|---|---|---|---|---|---|"
    left = []
    for name in names:
        recipe = attacks()[name]
        assert isinstance(recipe, Recipe), "unreachable because the shipped ones are"  # noqa: S101 - says why
        try:
            result = evaluated(gate, model, AdversarialShift(name, recipe, BUDGET))
        except ModelError as error:
            sys.stderr.write(f"{name}: {error}\n")
            left.append(f"`{name}` (its model is not available)")
            continue
        attack = result.attack
        if attack is None:
            left.append(f"`{name}` (nothing to change)")
            continue
        shares = [
            "" if e is None else f"{points(e.value)} {interval(e)}"
            for e in (attack.success_rate, attack.edited_words, attack.similarity)
        ]
        queries = f"{attack.queries.value:.1f}, {attack.queries_median.value:g}"
        yield (f"| {name} | {recipe.profile} | {shares[0]} | {queries} | {shares[1]} | {shares[2]} "
               f"| {attack.rejected:,} |")  # fmt: skip
    if left:
        yield ""
        yield f"Left out: {'; '.join(left)}."


def transfer(gate: Gate, names: Collection[str]) -> Iterator[str]:
    """Yield the accuracy of all models on the examples that fool each one."""
    models = surrogates_of(gate)
    for name in (name for name in TRANSFERRED if name in names):
        recipe = attacks()[name]
        yield ""
        yield (
            f"{name}, {gate.options.max_examples} reviews, at most {BUDGET.each} queries each: "
            "accuracy before and after on the examples that fool the model in the first column:"
        )
        yield ""
        yield f"| made against | {' | '.join(models)} |"
        yield f"|---|{'---|' * len(models)}"
        for surrogate in models:
            shift = TransferShift(name, recipe, BUDGET, surrogate)
            cells = []
            for other, model in models.items():
                if other == surrogate:
                    own = evaluated(gate, model, AdversarialShift(name, recipe, BUDGET))
                    rate = own.attack.success_rate if own.attack is not None else None
                    cells.append(
                        "" if rate is None else f"fooled {points(rate.value)} % of its own"
                    )
                    continue
                try:
                    found = evaluated(gate, model, shift)
                except DataError:
                    cells.append(f"nothing fooled {surrogate}")
                    continue
                drop = f"{points(found.drop.value)} {interval(found.drop)}"
                before, after = points(found.score_in_distribution), points(found.score_under_shift)
                cells.append(f"{before} to {after}, drop {drop}, n = {found.n}")
            yield f"| {surrogate} | {' | '.join(cells)} |"


def successes(gate: Gate, names: Collection[str]) -> Iterator[str]:
    """Yield some successes, as a failure shows them."""
    model = surrogates_of(gate)[VICTIM]
    yield ""
    yield "```text"
    for name in (name for name in SHOWN if name in names):
        result = evaluated(gate, model, AdversarialShift(name, attacks()[name], BUDGET))
        flip = min(result.flips, key=lambda f: (len(f.after), f.id), default=None)
        if flip is None:
            yield f"{name}: none"
            continue
        yield f"{name}: {flip.answer_before}, then {flip.answer_after}"
        yield f"  {one_line(word_diff(str(flip.before), flip.after), 400)}"
    yield "```"


def main() -> int:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the tables into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--project", **PROJECT_OPTION)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="reviews for each cell")
    parser.add_argument("--only", nargs="+", choices=attacks(), default=attacks(), metavar="NAME",
                        help="only these recipes")  # fmt: skip
    options = parser.parse_args()
    progress = Lines(lambda line: print(line, file=sys.stderr, flush=True))
    gate = Gate(
        Options(root=options.project, cache=options.cache, max_examples=options.examples), progress
    )
    lines = [line for table in (recipes, transfer, successes) for line in table(gate, options.only)]
    text = "\n".join(lines)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
