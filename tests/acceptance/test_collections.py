"""Collections: several suites in one file, one table over all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COLLECTION = """
max_examples = 40

[budgets]
noise = { max_drop = 0.5 }

[suites.mood]
labels = ["bad", "good"]
in_distribution = "moods.csv"
shifts.noise.keyboard = { severity = 5 }

[suites.count]
labels = ["one", "two"]
in_distribution = "counts.csv"
shifts.noise.upper-case = {}
"""

MODELS = """
[tool.pytest_ood]
suites = ["both.toml"]

[tool.pytest_ood.models.words]
callable = "rules:moods"
fingerprint = "1"
suites.both-mood = { baseline = true }
suites.both-count = { callable = "rules:counts" }

[tool.pytest_ood.models.hasty]
callable = "rules:moods"
fingerprint = "1"
suites = ["both-mood"]
"""

CONTRAST = """
[suites.mood.shifts.domain.pairs]
data = "sets.csv"
group = "set"
scoring = "contrast"
min_score = 0.8
"""

MOODS = (("fine", "good"), ("dull", "bad"))

RULES = """
def moods(inputs):
    return ["good" if "fine" in text else "bad" for text in inputs]


def counts(inputs):
    return ["two" if " two " in text else "one" for text in inputs]
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Callable[[str], pytest.Pytester]:
    """Return a maker of a project with a collection of two parts, under these models."""

    def make(models: str) -> pytest.Pytester:
        moods = [(f"a {word} film {n}", label) for n in range(30) for word, label in MOODS]
        counts = [(f"has {word} cat {n}", word) for n in range(30) for word in ("one", "two")]
        for name, rows in (("moods.csv", moods), ("counts.csv", counts)):
            lines = ["text,label", *map(",".join, rows)]
            pytester.path.joinpath(name).write_text("\n".join(lines))
        pytester.path.joinpath("both.toml").write_text(COLLECTION)
        pytester.path.joinpath("rules.py").write_text(RULES)
        pytester.path.joinpath("pyproject.toml").write_text(models)
        return pytester

    return make


def test_one_table_holds_all_parts(project: Callable[[str], pytest.Pytester]) -> None:
    """A row stands for each part's shift, a column for each model; all reports have it."""
    made = project(MODELS)
    reports = [f"--ood-report=r.{form}" for form in ("json", "md", "html")]
    run = made.runpytest_inprocess("--ood-suite", *reports)
    run.stdout.fnmatch_lines(
        [
            "both: score in distribution > under the shift (drop)",
            " *words *hasty",
            "mood/keyboard *100.0 > * (*) *100.0 > * (*)*",
            "count/upper-case *100.0 > * (*)*",
        ]
    )
    told = json.loads(made.path.joinpath("r.json").read_text())
    assert {m["suite"]: m["collection"] for m in told["models"]} == {
        "both-mood": "both",
        "both-count": "both",
    }
    assert "`mood/keyboard`" in made.path.joinpath("r.md").read_text()
    assert '<th scope="row">count/upper-case</th>' in made.path.joinpath("r.html").read_text()


def test_a_part_without_a_model_is_left_out_and_told(
    project: Callable[[str], pytest.Pytester],
) -> None:
    """Models that are for one part leave the others out, with a note."""
    made = project(MODELS.replace('suites.both-count = { callable = "rules:counts" }\n', ""))
    run = made.runpytest_inprocess("--ood-suite")
    run.stdout.fnmatch_lines(["note: both-count is left out: no model is for it"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["both.toml"]', '["both.toml#moods"]', "*both.toml: unknown part 'moods'. Did you mean*"),
        ('suites = ["both-mood"]', 'suites = ["mood"]', "*models.hasty: suites: unknown suite*"),
        ('suites = ["both-mood"]', "suites = 3", "*suites = 3 is neither a list of names*"),
    ],
)
def test_wrong_names_are_refused(
    project: Callable[[str], pytest.Pytester], old: str, new: str, message: str
) -> None:
    """A part or a suite that is not there is an error that lists what is."""
    run = project(MODELS.replace(old, new)).runpytest_inprocess("--ood-suite")
    run.stderr.fnmatch_lines([message])
    assert run.ret == pytest.ExitCode.USAGE_ERROR


def test_one_part_is_chosen(project: Callable[[str], pytest.Pytester]) -> None:
    """A part is run alone by its name behind a number sign, or by --ood-only."""
    alone = MODELS.replace('"both.toml"', '"both.toml#mood"').replace(
        'suites.both-count = { callable = "rules:counts" }\n', ""
    )
    run = project(alone).runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    assert "both-count" not in run.stdout.str()
    assert "both-mood/noise/keyboard[words]" in run.stdout.str()
    both = project(MODELS)
    chosen = both.runpytest_inprocess("--ood-suite", "--collect-only", "-q", "--ood-only=both")
    assert "both-count" in chosen.stdout.str()
    assert "both-mood" in chosen.stdout.str()


def test_a_part_whose_data_only_the_user_has_is_left_out(
    project: Callable[[str], pytest.Pytester],
) -> None:
    """It is told under which name the data is looked for, and measured once it has one."""
    made = project(MODELS)
    path = made.path.joinpath("both.toml")
    path.write_text(path.read_text().replace('"counts.csv"', '"yours:counts"'))
    run = made.runpytest_inprocess("--ood-suite")
    run.stdout.fnmatch_lines(["note: both-count is left out: yours:counts: name yours under *"])
    with made.path.joinpath("pyproject.toml").open("a") as file:
        file.write('\n[tool.pytest_ood.data]\n"yours:counts" = "counts.csv"\n')
    run = made.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    assert "both-count/in-distribution[words]" in run.stdout.str()


def test_of_contrast_sets_the_table_has_the_score(
    project: Callable[[str], pytest.Pytester],
) -> None:
    """What single answers score in distribution is no measure of sets: no drop, but the floor."""
    made = project(MODELS)
    sets = [f"{n},a {word} film {n},{label}" for n in range(30) for word, label in MOODS]
    made.path.joinpath("sets.csv").write_text("\n".join(["set,text,label", *sets]))
    with made.path.joinpath("both.toml").open("a") as file:
        file.write(CONTRAST)
    reports = [f"--ood-report=r.{form}" for form in ("json", "md", "html")]
    run = made.runpytest_inprocess("--ood-suite", *reports)
    run.stdout.fnmatch_lines(["mood/pairs  *100.0 pass  *100.0 pass"])
    told = json.loads(made.path.joinpath("r.json").read_text())
    assert [score["verdict"] for score in told["scores"]] == ["pass", "pass"]
    row = "| `mood/pairs` | 100.0 \N{WHITE HEAVY CHECK MARK} | 100.0 \N{WHITE HEAVY CHECK MARK} |"
    assert row in made.path.joinpath("r.md").read_text()
    assert "mood/pairs</th><td><b>100.0</b>" in made.path.joinpath("r.html").read_text()
