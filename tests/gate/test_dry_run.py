from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ood.analysis.plan import Plan, PlannedGate, Workload
from pytest_ood.budgets import Rules
from pytest_ood.gate.dry_run import plan_run
from pytest_ood.gate.gate import Gate, Options
from pytest_ood.models.protocol import Usage
from pytest_ood.reports.plan import render_plan
from pytest_ood.utils.progress import Silent

SUITE = """
labels = ["no", "yes"]
min_score = 0.7
in_distribution = "data.csv"
[shifts.domain.other]
data = "data.csv"
max_drop = 0.1
[shifts.noise.keyboard]
max_drop = 0.1
margin = 0.05
[shifts.adversarial.greedy-characters]
query_budget = 10
max_examples = 20
max_drop = 0.5
"""
PROJECT = """
[tool.pytest_ood]
suites = ["own.toml"]
[tool.pytest_ood.models.first]
callable = "no_such_thing_is_imported_before_it_is_asked:answer"
baseline = true
[tool.pytest_ood.models.second]
fake = "constant"
"""


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Make the gate of a project with 200 examples, of which 50 hold nothing to perturb."""
    words = [("something long enough", "!")[n % 4 == 0] for n in range(200)]
    rows = [f"{word} {n},{('no', 'yes')[n % 2]}" for n, word in enumerate(words)]
    tmp_path.joinpath("data.csv").write_text("text,label\n" + "\n".join(rows))
    tmp_path.joinpath("own.toml").write_text(SUITE)
    project = PROJECT.replace("no_such_thing_is_imported_before_it_is_asked:answer", "own:answer")
    tmp_path.joinpath("own.py").write_text(
        "def answer(inputs):\n    raise AssertionError('a model was asked')\n"
    )
    tmp_path.joinpath("pyproject.toml").write_text(project)
    return Gate(Options(root=tmp_path, cache=tmp_path / "cache"), Silent())


def test_a_plan_counts_what_each_gate_can_use(gate: Gate) -> None:
    """Every gate with its number of examples and its budget; unchanged ones do not count."""
    planned = {g.id: (g.n, g.limit) for g in plan_run(gate).gates}
    assert planned["own/in-distribution[first]"] == (200, 0.7)
    assert planned["own/domain/other[second]"] == (200, 0.1)
    assert planned["own/noise/keyboard[second]"] == (150, 0.1)
    assert planned["own/noise/keyboard[second-vs-first]"] == (150, 0.05)
    assert planned["own/adversarial/greedy-characters[first]"] == (20, 0.5)


def test_a_plan_counts_calls(gate: Gate) -> None:
    """Clean and shifted inputs once for each model, 64 of them again, and the attack's queries."""
    # The target is the same file, and equal inputs are asked once.
    most = 200 + 64 + 150 + 20 * 10
    assert asked(plan_run(gate)) == {"first": most, "second": most}


def asked(plan: Plan) -> dict[str, int]:
    """Return how much each model is asked at most."""
    return {work.model: work.inputs for work in plan.work}


def test_verdicts_lie_on_both_sides_of_the_budget(gate: Gate) -> None:
    """What passes is below the budget and what fails above it; of a floor, the other way round."""
    for planned in plan_run(gate).gates:
        if "in-distribution" in planned.id:
            assert planned.failing < planned.limit < planned.passing
        else:
            assert planned.passing < planned.limit < planned.failing


def test_a_hopeless_gate_is_named(gate: Gate) -> None:
    """Twenty examples never show a drop of at most five points, and the plan says never."""
    small = Gate(
        Options(root=gate.options.root, cache=gate.options.cache, max_examples=20), Silent()
    )
    plan = plan_run(small)
    hopeless = {planned.id for planned in plan.gates if not planned.settleable}
    assert "own/noise/keyboard[second-vs-first]" in hopeless
    lines = render_plan(plan)
    assert sum(line.startswith("own/") and " never " in line for line in lines) == len(hopeless)
    assert f"{len(hopeless)} of {len(plan.gates)} gates can never pass" in lines[-1]


def test_a_plan_fits_the_terminal(gate: Gate) -> None:
    """No line is wider than a hundred columns, and the assumptions are said."""
    lines = render_plan(plan_run(gate))
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("assumed: ") for line in lines)
    assert "a fail is one among" in "\n".join(lines)


def reopened(gate: Gate, suite: str = SUITE, models: str = "", settings: str = "") -> Gate:
    """Open a gate on the same data with another suite or configuration."""
    root = gate.options.root
    (root / "own.toml").write_text(suite)
    project = PROJECT.replace("no_such_thing_is_imported_before_it_is_asked:answer", "own:answer")
    head, rest = project.split("\n[tool.pytest_ood.models.first]")
    text = f"{head}\n{settings}\n[tool.pytest_ood.models.first]{rest}{models}"
    (root / "pyproject.toml").write_text(text)
    return Gate(gate.options, Silent())


def test_the_plan_of_a_shift_that_changes_nothing_says_never(gate: Gate) -> None:
    """A perturbation that finds nothing to change, or hardly anything, is planned as hopeless."""
    noise = "[shifts.noise.keyboard]\nparameters = { share = 0.0 }"
    plan = plan_run(reopened(gate, SUITE.replace("[shifts.noise.keyboard]", noise)))
    found = {g.id: (g.n, g.settleable) for g in plan.gates}
    assert found["own/noise/keyboard[second]"] == (0, False)
    assert any("never" in line for line in render_plan(plan) if "keyboard[second] " in line)
    (gate.options.root / "data.csv").write_text(
        "text,label\n" + "\n".join(f"{'long enough' if n < 9 else '!'} {n},no" for n in range(60))
    )
    loose = SUITE.replace("max_drop = 0.1\nmargin", "max_drop = 0.9\nmargin")
    found = {g.id: (g.n, g.settleable) for g in plan_run(reopened(gate, loose)).gates}
    assert found["own/noise/keyboard[second]"] == (9, False)


def test_no_budget_but_zero_needs_no_examples(gate: Gate) -> None:
    """A budget of 0 can be kept by a gain, and is not called hopeless."""
    suite = SUITE.replace("max_drop = 0.1\nmargin = 0.05", "max_drop = 0")
    planned = {g.id: g for g in plan_run(reopened(gate, suite)).gates}
    assert planned["own/noise/keyboard[second]"].settleable


@pytest.mark.parametrize(
    ("metric", "n", "settleable"),
    [
        # 50 of the 100 "no" hold nothing to perturb.
        ("recall-no", 50, False),
        ("recall-yes", 100, True),
        ("macro-f1", 150, True),
        ("pdr", 150, True),
        ("ece", 150, True),
    ],
)
def test_a_metric_is_planned_with_its_own_examples(
    gate: Gate, metric: str, n: int, *, settleable: bool
) -> None:
    """The recall of a label rests on the examples of that label that noise changes."""
    suite = SUITE.replace("max_drop = 0.1\nmargin", f"{metric} = {{ max_drop = 0.05 }}\nmargin")
    planned = {g.id: g for g in plan_run(reopened(gate, suite)).gates}
    found = planned[f"own/noise/keyboard/{metric}[second]"]
    assert (found.n, found.settleable) == (n, settleable)


def test_a_label_without_examples_is_planned_as_hopeless(gate: Gate) -> None:
    """What is not applicable never passes, and no example counts."""
    suite = SUITE.replace('["no", "yes"]', '["no", "yes", "maybe"]').replace(
        "max_drop = 0.1\nmargin", "recall-maybe = { max_drop = 0.05 }\nmargin"
    )
    planned = {g.id: g for g in plan_run(reopened(gate, suite)).gates}
    found = planned["own/noise/keyboard/recall-maybe[second]"]
    assert (found.n, found.settleable) == (0, False)


def test_the_worst_case_costs_what_its_perturbations_cost(gate: Gate) -> None:
    """Chosen alone, it is still asked about every perturbed text of the suite."""
    suite = SUITE + "[shifts.noise.swap]\n[budgets]\nworst-case = { max_drop = 0.1 }\n"
    reopened(gate, suite)
    options = Options(root=gate.options.root, cache=gate.options.cache, only=("worst-case",))
    plan = plan_run(Gate(options, Silent()))
    assert [g.n for g in plan.gates] == [200, 200]
    assert asked(plan)["second"] == 200 + 64 + 150 + 150


WORST = SUITE.replace(
    "[shifts.noise.keyboard]",
    '[shifts.domain.small]\ndata = "small.csv"\nmax_drop = 0.1\n[shifts.noise.keyboard]',
)


@pytest.fixture
def with_worst(gate: Gate) -> Gate:
    """Add a domain of half as many examples, and a budget on the worst of both."""
    rows = (gate.options.root / "data.csv").read_text().splitlines()
    (gate.options.root / "small.csv").write_text("\n".join([rows[0], *rows[101:]]))
    return reopened(gate, WORST + "[budgets.worst-domain]\nmax_drop = 0.1\n")


def test_the_worst_domain_costs_what_the_domains_cost(with_worst: Gate) -> None:
    """Beside its domains it costs nothing, and chosen alone it costs them."""
    without = asked(plan_run(reopened(with_worst, WORST)))
    again = reopened(with_worst, WORST + "[budgets.worst-domain]\nmax_drop = 0.1\n")
    assert asked(plan_run(again)) == without
    root, cache = with_worst.options.root, with_worst.options.cache
    plan = plan_run(Gate(Options(root=root, cache=cache, only=("worst-domain",)), Silent()))
    assert [g.id for g in plan.gates] == [
        "own/domain/worst-domain[first]",
        "own/domain/worst-domain[second]",
    ]
    # The domains are made of the same rows as the data in distribution.
    assert asked(plan) == {"first": 200 + 64, "second": 200 + 64}


def test_the_worst_domain_is_planned_for_all_domains(with_worst: Gate) -> None:
    """It passes as seldom as all of them together, and fails as seldom as one at its share."""
    planned = {g.id: g for g in plan_run(with_worst).gates}
    worst = planned["own/domain/worst-domain[second]"]
    parts = [planned[f"own/domain/{name}[second]"] for name in ("other", "small")]
    assert (worst.n, worst.limit, worst.settleable) == (100, 0.1, True)
    assert worst.passing < min(part.passing for part in parts)
    assert worst.failing > max(part.failing for part in parts)


def test_a_worst_domain_by_a_metric_is_planned_by_its_examples(with_worst: Gate) -> None:
    """The recall of a label rests on the examples of that label, in the smallest domain."""
    root = with_worst.options.root
    head, *rows = (root / "small.csv").read_text().splitlines()
    (root / "small.csv").write_text("\n".join([head, *rows[:12]]))
    budget = "[budgets.worst-domain]\nrecall-no = { max_drop = 0.1 }\n"
    planned = {g.id: g for g in plan_run(reopened(with_worst, WORST + budget)).gates}
    found = planned["own/domain/worst-domain/recall-no[second]"]
    assert (found.n, found.settleable) == (6, False)


def test_seeds_are_asked_one_by_one(gate: Gate) -> None:
    """A model with three seeds costs three times as much, but is asked again once."""
    models = """
[tool.pytest_ood.models.tuned]
finetuned = "new:roberta"
train = "data.csv"
seeds = 3
"""
    plan = plan_run(reopened(gate, models=models))
    each = 200 + 150 + 20 * 10
    assert asked(plan) == {**asked(plan), "tuned": 64 + each, "tuned#1": each, "tuned#2": each}
    assert {work.note for work in plan.work if "tuned" in work.model} == {
        "to be fetched or trained first"
    }
    assert not (gate.options.cache / "models").exists()


def test_what_comes_in_batches_needs_more_examples(gate: Gate) -> None:
    """Looking in between costs certainty; a metric that is looked at once does not pay for it."""
    suite = SUITE.replace(
        "max_drop = 0.1\nmargin", "macro-f1 = { max_drop = 0.1 }\nmax_drop = 0.1\nmargin"
    )
    early = {g.id: g for g in plan_run(reopened(gate, suite, settings="sequential = true")).gates}
    whole = {g.id: g for g in plan_run(reopened(gate, suite, settings="sequential = false")).gates}
    name, metric = "own/noise/keyboard[second]", "own/noise/keyboard/macro-f1[second]"
    assert early[name].passing < whole[name].passing < 0.1 < whole[name].failing
    assert early[metric] == whole[metric]
    # Twenty attacked examples are one batch.
    attack = "own/adversarial/greedy-characters[second]"
    assert early[attack] == whole[attack]


def test_the_widest_plan_fits_the_terminal() -> None:
    """Long ids are cut and long lists of models wrapped."""
    gates = tuple(
        PlannedGate(
            id="s" * 200, n=9_999_999, limit=1.0, passing=-1.0, failing=1.0, settleable=settleable
        )
        for settleable in (True, False) * 50
    )
    used = Usage(prompt_tokens=10**12, cost=123456.7890)
    work = tuple(
        Workload(
            model=f"{n}-{'m' * 200}",
            inputs=10**9,
            cached=10**9,
            queries=10**9,
            used=used,
            seconds=1e7,
            note="x" * 80,
        )
        for n in range(20)
    )
    lines = render_plan(
        Plan(
            gates=gates,
            work=work,
            rules=Rules(0.001, "benjamini-hochberg", 1000),
            assumptions="assumed",
        )
    )
    assert max(map(len, lines)) <= 100
    assert sum("1,000,000,000,000" in line and "123456.7890 USD" in line for line in lines) == 20
    assert sum(line.startswith("sss") and " never " in line for line in lines) == 50


def test_attacks_of_all_kinds_are_planned(tmp_path: Path, gate: Gate) -> None:
    """A cap on the run bounds the cost; a surrogate is asked once; a prompt by its examples."""
    assert gate.evaluators
    tmp_path.joinpath("own.toml").write_text(
        SUITE.replace("query_budget = 10", "query_budget = 10\nmax_queries = 50")
        + """
[shifts.adversarial.replayed]
attack = "pruthi"
query_budget = 30
against = "first"
max_drop = 0.5
[shifts.adversarial.asked]
attack = "pruthi"
query_budget = 9
on = "prompt"
search_examples = 20
max_drop = 0.5
"""
    )
    plan = plan_run(Gate(Options(root=tmp_path, cache=tmp_path / "cache"), Silent()))
    each = 200 + 64 + 150 + 50 + (9 * 20 + 180)
    # What turned the surrogate is only known once it was attacked.
    assert asked(plan) == {"first": each + 200 * 30, "second": each + 200}
    assert {work.model: work.queries for work in plan.work} == {
        "first": 50 + (9 * 20 + 180) + 200 * 30,
        "second": 50 + (9 * 20 + 180) + 200,
    }


COUNTED = """
[tool.pytest_ood.models.counted]
callable = "counted:answer"
fingerprint = "1"
"""


def test_what_is_known_already_is_looked_up(tmp_path: Path, gate: Gate) -> None:
    """After a run, its answers are known; another noise, or another fingerprint, is asked anew."""
    tmp_path.joinpath("counted.py").write_text(
        "def answer(inputs):\n    return ['no'] * len(inputs)\n"
    )
    suite = SUITE[: SUITE.index("[shifts.adversarial")]

    def planned(suite: str, models: str = COUNTED) -> Workload:
        plan = plan_run(reopened(gate, suite, models))
        return next(work for work in plan.work if work.model == "counted")

    each = 200 + 64 + 150
    first = planned(suite)
    assert (first.inputs, first.cached, first.seconds) == (each, 0, None)
    run = reopened(gate, suite, COUNTED)
    for check in run.checks:
        if check.model == "counted" and check.baseline is None:
            run.measure(check)
    after = planned(suite)
    assert (after.inputs, after.cached, after.seconds) == (each, each, 0.0)
    other = planned(suite + "[shifts.noise.swap]\n")
    assert 0 < other.inputs - other.cached <= 150
    assert other.seconds is not None, "it was asked before, and how fast it was is known"
    assert planned(suite, COUNTED.replace('"1"', '"2"')).cached == 0


def test_pairs_settle_more_than_two_samples(gate: Gate) -> None:
    """A plan reckons that the same examples in another form tell more than other examples."""
    unpaired = next(g for g in plan_run(gate).gates if g.id == "own/domain/other[second]")
    root = gate.options.root
    path = root / "own.toml"
    path.write_text(path.read_text().replace("max_drop = 0.1", "max_drop = 0.1\npaired = true", 1))
    opened = Gate(Options(root=root, cache=root / "cache"), Silent())
    paired = next(g for g in plan_run(opened).gates if g.id == unpaired.id)
    assert (paired.n, paired.limit) == (unpaired.n, unpaired.limit)
    assert paired.passing > unpaired.passing
    assert paired.failing < unpaired.failing
