from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.budgets import Budget
from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.gate.configuration import parse_models
from pytest_ood.languages import find_language
from pytest_ood.loading.readers import DataSource, inputs_of_row
from pytest_ood.perturbations import Composite, Generator, find
from pytest_ood.perturbations.adversarial import Recipe
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.protection import Protection
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.shifts import (
    AdversarialShift,
    DomainShift,
    NoiseShift,
    PromptShift,
    TransferShift,
    WorstCase,
    WorstDomain,
)
from pytest_ood.shifts.protocol import DEFAULT_QUERY_BUDGET
from pytest_ood.suite.suite import (
    built_in_suites,
    load_suite,
    load_suites,
    parse_suite,
    task_under,
    text_fields,
)
from pytest_ood.utils.tables import check_count

if TYPE_CHECKING:
    from pytest_ood.suite.suite import Suite

PROTECTED = Protection(kinds=("urls", "code"))

SMALL = """
labels = ["no", "yes"]
in_distribution = "a.csv"
shifts.noise.swap = {}
"""

FULL = """
name = "reviews"
labels = ["no", "yes"]
max_examples = 100
min_score = 0.7

[in_distribution]
data = "a.csv"
fields = ["title", "body"]

[shifts.noise]
typos = { perturbation = "keyboard", parameters = { share = 0.5 }, fields = ["body"] }
swap = { max_drop = 0.2 }

[shifts.domain]
books = { data = "hub:books", split = "test", label = "gold", margin = 0 }

[shifts.adversarial]
greedy-characters = {}
short = { attack = "greedy-characters", query_budget = 7, max_examples = 20 }

[budgets]
noise = { max_drop = 0.1, margin = 0.02 }
adversarial = { max_drop = 0.5 }

[models.fake]
fake = "constant"
"""


def parsed(text: str) -> Suite:
    """Read a suite."""
    return parse_suite(text, "given", "s.toml")


def refused(text: str) -> str:
    """Return the message with which a suite is refused, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)
    message = str(caught.value)
    assert message.startswith("s.toml: "), "the message starts with the file"
    return message.removeprefix("s.toml: ")


def test_the_least_suite() -> None:
    """Labels, data and one shift are a suite; everything else has its default."""
    suite = parsed(SMALL)
    assert suite.name == "given"
    assert suite.task.labels == ("no", "yes")
    assert suite.in_distribution == DataSource(data="a.csv")
    assert suite.shifts == (NoiseShift("swap", find("swap").keeping(PROTECTED)),)
    assert suite.budgets == {"swap": {}}
    assert (suite.min_score, suite.max_examples, suite.models) == (None, None, {})
    assert (suite.max_abstention, suite.sequential) == (0.1, None)


def test_a_full_suite() -> None:
    """Every key arrives where it belongs."""
    suite = parsed(FULL)
    assert suite.name == "reviews"
    assert (suite.min_score, suite.max_examples) == (0.7, 100)
    assert suite.in_distribution == DataSource(data="a.csv", fields=("title", "body"))
    assert suite.models == {"fake": {"fake": "constant"}}
    typos = suite.shift("typos")
    assert isinstance(typos, NoiseShift)
    half = find("keyboard").with_parameters(share=0.5).keeping(PROTECTED)
    assert typos.perturbation.fingerprint == half.fingerprint
    assert typos.fields == ("body",)
    books = suite.shift("books")
    assert books == DomainShift("books", DataSource(data="hub:books", split="test", label="gold"))
    short = suite.shift("short")
    assert isinstance(short, AdversarialShift)
    assert (short.attack.name, short.budget.each, short.max_examples) == (
        "greedy-characters", 7, 20,
    )  # fmt: skip


def test_shifts_stand_in_the_order_of_the_file() -> None:
    """Kinds and shifts keep the order in which they were written."""
    names = [shift.name for shift in parsed(FULL).shifts]
    assert names == ["typos", "swap", "books", "greedy-characters", "short"]


def test_a_shift_is_named_like_its_perturbation() -> None:
    """A shift that names no perturbation or attack takes the one of its own name."""
    suite = parsed(FULL)
    swap, attack = suite.shift("swap"), suite.shift("greedy-characters")
    assert isinstance(swap, NoiseShift)
    assert swap.perturbation.name == "swap"
    assert isinstance(attack, AdversarialShift)
    assert attack.attack.name == "greedy-characters"
    assert attack.budget.each == DEFAULT_QUERY_BUDGET


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("typos", Budget(0.1, 0.02)),
        ("swap", Budget(0.2, 0.02)),
        ("books", Budget(None, 0)),
        ("short", Budget(0.5, None)),
    ],
)
def test_a_shift_s_budget(name: str, budget: Budget) -> None:
    """A shift has the budget of its kind, with what its own table changes."""
    assert parsed(FULL).budgets[name] == {"accuracy": budget}


def test_an_unknown_shift_is_a_wrong_name() -> None:
    """Asking for a shift that is not there names suite, nearest shift and all shifts."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(FULL).shift("typo")
    message = str(caught.value)
    assert message.startswith("suite 'reviews': unknown shift 'typo'. Did you mean 'typos'?")
    assert "books, greedy-characters, short, swap, typos" in message


def changed(**keys: str) -> str:
    """Return the least suite with some lines replaced, added or, for "", left out."""
    lines = {
        "labels": '["no", "yes"]',
        "in_distribution": '"a.csv"',
        "shifts.noise.swap": "{}",
        **{key.replace("__", "."): value for key, value in keys.items()},
    }
    return "\n".join(f"{key} = {value}" for key, value in lines.items() if value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"label": "[]"}, "unknown key 'label'. Did you mean 'labels'?"),
        ({"labels": ""}, "the key 'labels' is missing"),
        ({"in_distribution": ""}, "the key 'in_distribution' is missing"),
        ({"shifts.noise.swap": ""}, "the key 'shifts' is missing"),
        ({"labels": '"yes"'}, "labels = 'yes' is not a list of strings"),
        ({"labels": "[0, 1]"}, "labels = [0, 1] is not a list of strings"),
        ({"labels": '["yes"]'}, "labels = ['yes']: a classification needs two or more"),
        ({"labels": '["a", "a"]'}, "labels = ['a', 'a']: a classification needs two or more"),
        ({"in_distribution": "3"}, "in_distribution: 3 is neither a path nor a table"),
        ({"in_distribution": '{ file = "a" }'}, "in_distribution: unknown key 'file'."),
        ({"min_score": "70"}, "min_score = 70 is not a share in [0, 1]"),
        ({"max_examples": "0"}, "max_examples = 0 is not a whole number of 1 or more"),
        ({"max_examples": "true"}, "max_examples = True is not a whole number of 1 or more"),
        ({"max_abstention": "10"}, "max_abstention = 10 is not a share in [0, 1]"),
        ({"max_abstention": "true"}, "max_abstention = True is not a share in [0, 1]"),
        ({"max_abstentions": "0.1"}, "unknown key 'max_abstentions'. Did you mean 'max_abstentio"),
        ({"sequential": "1"}, "sequential = 1 is neither true nor false"),
        ({"sequential": '"yes"'}, "sequential = 'yes' is neither true nor false"),
        ({"models": "3"}, "models = 3 is not a table"),
        ({"budgets": "0.1"}, "budgets = 0.1 is not a table"),
        ({"budgets.nois": "{}"}, "budgets: unknown key 'nois'. Did you mean 'noise'?"),
        ({"budgets.noise": "0.1"}, "budgets: noise = 0.1 is not a table"),
        ({"budgets.noise.max": "0.1"}, "budgets.noise: unknown key 'max'."),
        ({"budgets.noise.max_drop": "3"}, "budgets.noise: max_drop = 3 is not a share"),
        ({"budgets.noise.margin": '"2"'}, "budgets.noise: margin = '2' is not a share"),
        ({"budgets.noise.macro_f1.max_drop": "0.1"}, "budgets.noise: unknown key 'macro_f1'. Did"),
        ({"budgets.noise.recall-on.max_drop": "0.1"}, "Did you mean 'recall-no'"),
        ({"budgets.noise.macro-f1": "0.1"}, "budgets.noise: macro-f1 = 0.1 is not a table"),
        ({"budgets.noise.pdr.max": "0.1"}, "budgets.noise.pdr: unknown key 'max'."),
        ({"budgets.noise.ece.max_drop": "5"}, "budgets.noise.ece: max_drop = 5 is not a share"),
        ({"budgets.noise.accuracy.max_drop": "0.1"}, "budgets.noise: unknown key 'accuracy'."),
        ({"budgets.noise.reweighted.margin": "0"}, "budgets.noise: unknown key 'reweighted'."),
        ({"budgets.noise.in-domain.margin": "0"}, "budgets.noise: unknown key 'in-domain'."),
        (
            {"shifts.noise.ocr.pdr.max_drop": "9"},
            "shifts.noise.ocr.pdr: max_drop = 9 is not a share",
        ),
        ({"shifts.noise.worst-case.perturbation": '"ocr"'}, "this name is reserved"),
        ({"shifts.domain.worst-domain.data": '"b.csv"'}, "this name is reserved"),
        ({"budgets.worst-domain.max": "0.1"}, "budgets.worst-domain: unknown key 'max'."),
        (
            {"budgets.worst-domain.in-domain.max_drop": "0.1"},
            "budgets.worst-domain: unknown key 'in-domain'.",
        ),
        ({"shifts.noise.domain.perturbation": '"ocr"'}, "this name is reserved"),
        (
            {"shifts.domain.b": '{ data = "b.csv", train = 3 }'},
            "shifts.domain.b: train: data = 3 is",
        ),
        ({"shifts.domain.b": '{ data = "b.csv", train.dat = "c" }'}, "unknown key 'dat'. Did"),
        ({"shifts.nois.ocr": "{}"}, "shifts: unknown kind 'nois'. Did you mean 'noise'?"),
        ({"shifts.domain": "3"}, "shifts: domain = 3 is not a table"),
        ({"shifts.domain.b": '"b.csv"'}, "shifts.domain: b = 'b.csv' is not a table"),
        ({"shifts.domain.b": "{}"}, "shifts.domain.b: the key `data` is missing"),
        ({"shifts.domain.b.data": "1"}, "shifts.domain.b: data = 1 is not a string"),
        ({"shifts.domain.b.dat": "1"}, "shifts.domain.b: unknown key 'dat'. Did you mean 'data'"),
        (
            {"shifts.domain.swap.data": '"b.csv"'},
            "shifts.domain.swap: there is another shift 'swap'",
        ),
        ({"shifts.noise.ocrr": "{}"}, "unknown perturbation 'ocrr'. Did you mean 'ocr'?"),
        ({"shifts.noise.t.perturbation": "1"}, "shifts.noise.t: perturbation = 1 is not a string"),
        ({"shifts.noise.ocr.word": "1"}, "shifts.noise.ocr: unknown key 'word'."),
        ({"shifts.noise.ocr.parameters": "1"}, "shifts.noise.ocr: parameters = 1 is not a table"),
        (
            {"shifts.noise.ocr.parameters.shar": "1"},
            "unknown parameter 'shar'. Did you mean 'share",
        ),
        ({"shifts.noise.ocr.parameters.share": "30"}, "share = 30 is not a share in [0, 1]"),
        ({"shifts.noise.ocr.fields": '"a"'}, "fields = 'a' is not a list of strings"),
        ({"shifts.noise.ocr.max_drop": "5"}, "shifts.noise.ocr: max_drop = 5 is not a share"),
        ({"shifts.adversarial.greed": "{}"}, "unknown attack 'greed'."),
        (
            {"shifts.adversarial.greedy-characters.query_budget": "0"},
            "query_budget = 0 is not a whole number of 1 or more",
        ),
        (
            {"shifts.adversarial.greedy-characters.query_budget": "1"},
            "query_budget = 1: the original takes one query, and a success is asked about twice",
        ),
        (
            {"shifts.adversarial.greedy-characters.max_queries": "7"},
            "max_queries = 7 is less than one example may take (query_budget = 50)",
        ),
        (
            {"shifts.adversarial.greedy-characters.parameters.shar": "1"},
            "attack greedy-characters: unknown parameter 'shar'. Did you mean 'share'?",
        ),
        (
            {"shifts.adversarial.greedy-characters.target": '"maybe"'},
            "target: unknown label 'maybe'.",
        ),
        ({"shifts.adversarial.greedy-characters.against": "3"}, "against = 3 is not a string"),
        ({"shifts.adversarial.greedy-characters.on": '"promt"'}, "on: unknown target 'promt'. Did"),
        (
            {"shifts.adversarial.a": '{ attack = "pruthi", on = "prompt", against = "m" }'},
            "against: an attack on the prompt has none",
        ),
        (
            {"shifts.adversarial.a": '{ attack = "input-reduction", on = "prompt" }'},
            "attack: input-reduction leaves answers as they are",
        ),
        (
            {"shifts.adversarial.a": '{ attack = "input-reduction", target = "no" }'},
            "target: input-reduction is after the right answer, not another",
        ),
        (
            {"shifts.adversarial.a": '{ attack = "input-reduction", macro-f1.max_drop = 0.1 }'},
            "macro-f1 is computed from answers, which this attack leaves as they are",
        ),
        (
            {"shifts.adversarial.pruthi.search_examples": "5"},
            'search_examples: it goes with on = "prompt"',
        ),
        (
            {"shifts.adversarial.a.attack": '"pytest_ood.tasks:Prediction"'},
            "is no attack but of type type",
        ),
        (
            {"shifts.adversarial.greedy-characters.max_examples": "1.5"},
            "max_examples = 1.5 is not a whole number of 1 or more",
        ),
    ],
    ids=str,
)
def test_a_wrong_suite_is_refused(keys: dict[str, str], message: str) -> None:
    """A wrong key or value is a usage error that names file, place, key and value."""
    assert message in refused(changed(**keys))


def test_attacks_of_all_kinds() -> None:
    """An attack is on each model itself, against a surrogate, or on the prompt."""
    text = changed(
        **{
            "shifts.adversarial.own": """{ attack = "pwws", query_budget = 9, max_queries = 90,
            target = "no", filter = "edit-distance", parameters = { share = 0.5 } }""".replace(
                "\n", " "
            ),
            "shifts.adversarial.replayed": '{ attack = "pruthi", against = "m" }',
            "shifts.adversarial.asked": '{ attack = "pruthi", on = "prompt", search_examples = 7 }',
        }
    )
    suite = parse_suite(text, "s", "s")
    own, replayed, asked = map(suite.shift, ("own", "replayed", "asked"))
    assert isinstance(own, AdversarialShift)
    assert isinstance(own.attack, Recipe)
    assert (own.budget.each, own.budget.total) == (9, 90)
    assert own.attack.goal == Targeted("no")
    assert own.attack.parameters["share"] == 0.5
    assert [c.name for c in own.attack.constraints] == ["edit-distance"]
    # What would be broken rather than misspelt is left alone, as under noise.
    assert own.attack.rules[-1].name == "unprotected(code, urls)"
    assert isinstance(replayed, TransferShift)
    assert (replayed.surrogate, replayed.budget.each) == ("m", DEFAULT_QUERY_BUDGET)
    assert isinstance(asked, PromptShift)
    assert asked.search_examples == 7


def test_one_s_own_attack(tmp_path: Path) -> None:
    """An attack of the project's own is named by module and object, and takes no parameters."""
    tmp_path.joinpath("mine.py").write_text(
        "class Mine:\n    name = fingerprint = 'mine'\n    def run(self, *a, **k):\n"
        "        return []\nattack = Mine()\n"
    )
    with using(Resources(root=tmp_path)):
        text = changed(**{"shifts.adversarial.own.attack": '"mine:attack"'})
        shift = parse_suite(text, "s", "s").shift("own")
        assert isinstance(shift, AdversarialShift)
        assert shift.attack.name == "mine"
        for extra in ('target = "no"', "parameters = {}", 'on = "prompt"'):
            entry = f'{{ attack = "mine:attack", {extra} }}'
            with pytest.raises(ConfigurationError, match=r"mine is no Recipe"):
                parse_suite(changed(**{"shifts.adversarial.own": entry}), "s", "s")


@pytest.mark.parametrize("key", ["shifts.noise.ocrr", "shifts.adversarial.greed"])
def test_a_wrong_shift_is_located(key: str) -> None:
    """An error inside a shift names the shift's table, once."""
    assert refused(changed(**{key: "{}"})).startswith(f"{key}: unknown ")


@pytest.mark.parametrize("shifts", ["{}", "{ noise = {} }"])
def test_a_suite_needs_a_shift(shifts: str) -> None:
    """A suite that measures nothing is refused."""
    text = changed(**{"shifts.noise.swap": "", "shifts": shifts})
    assert refused(text) == "there is no shift in it; give at least one"


def test_text_that_is_no_toml_is_located() -> None:
    """A syntax error is reported with file, line and column."""
    message = refused('labels = ["a", "b"]\nshifts = \n')
    assert message.startswith("not valid TOML: ")
    assert "line 2" in message
    message = refused(f'labels = ["a", "b"]\nseed = {"9" * 5000}\n')
    assert message.startswith("a whole number of 5,000 digits is longer than Python reads")


@pytest.mark.parametrize("name", ['["a"]', "5", '""', '"a/b"'])
def test_a_suite_s_name_is_a_plain_string(name: str) -> None:
    """A suite's name is a string that is not empty and holds no separator."""
    assert "name" in refused(changed(name=name))


@pytest.mark.parametrize("name", ["", "a/b", "in-distribution"])
def test_a_shift_s_name_is_plain(name: str) -> None:
    """A shift's name is not empty, holds no separator and is not the name for no shift."""
    key = f'shifts.noise."{name}".perturbation'
    assert refused(changed(**{key: '"swap"'})).startswith("shifts.noise")


def test_a_parameter_called_self_is_refused() -> None:
    """No name of a parameter gets past the check."""
    assert "'self'" in refused(changed(**{"shifts.noise.ocr.parameters.self": "0.5"}))


@pytest.mark.parametrize("value", [None, 1, 10**9])
def test_a_count(value: int | None) -> None:
    """A whole number of 1 or more is a count, and so is none at all."""
    assert check_count(value, "x") == value


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", [3]])
def test_no_count(value: Any) -> None:
    """Anything else is refused with its place and value."""
    with pytest.raises(ConfigurationError) as caught:
        check_count(value, "--ood-max-examples")
    assert str(caught.value) == f"--ood-max-examples = {value!r} is not a whole number of 1 or more"


@pytest.mark.parametrize("name", built_in_suites())
def test_every_built_in_suite_is_right(name: str, tmp_path: Path) -> None:
    """Each suite that comes with the package can be read, wherever pytest is started."""
    suites = load_suites(name, tmp_path)
    assert {suite.collection or suite.name for suite in suites} == {name}
    for suite in suites:
        assert suite.shifts
        assert set(suite.budgets) == {shift.name for shift in suite.shifts}
        given = [budget for by_metric in suite.budgets.values() for budget in by_metric.values()]
        assert given
        assert Budget() not in given
        assert parse_models(suite.models, name, suite)


def test_knowledge_is_asked_without_any_context(tmp_path: Path) -> None:
    """Of a passage nothing is left to read, not even what noise leaves alone elsewhere."""
    shifts = {shift.name: shift for shift in load_suite("knowledge", tmp_path).shifts}
    removed = shifts["without-context"]
    assert isinstance(removed, NoiseShift)
    asked = {"context": "See https://rome.it or `Rome`. It is old.", "question": "Where?"}
    shifted = removed.apply([Example("1", asked, "Rome")], seed=0)
    assert list(shifted.inputs) == [{"context": "", "question": "Where?"}]


def test_questions_of_svamp_keep_their_full_stops(tmp_path: Path) -> None:
    """Two thirds of SVAMP's bodies end in one, which is not doubled before the question."""
    shifts = {shift.name: shift for shift in load_suite("reasoning", tmp_path).shifts}
    svamp = shifts["svamp"]
    assert isinstance(svamp, DomainShift)
    assert isinstance(svamp.source, DataSource)
    row = {"Body": "He has 3 pens.", "Question": "How many?", "Answer": "3"}
    assert inputs_of_row("here", 1, row, svamp.source) == "He has 3 pens. How many?"


def test_the_demo_is_built_in() -> None:
    """The sentiment suite is there by name."""
    assert "sentiment" in built_in_suites()


def test_a_suite_file_is_read(tmp_path: Path) -> None:
    """A path that ends in .toml starts from the root; the file's name is the suite's."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "mine.toml").write_text(SMALL)
    assert load_suite("suites/mine.toml", tmp_path).name == "mine"
    assert load_suite(str(tmp_path / "suites" / "mine.toml"), tmp_path / "x").name == "mine"


def test_an_error_in_a_suite_file_names_the_file(tmp_path: Path) -> None:
    """The whole path of the file stands before what is wrong with it."""
    (tmp_path / "mine.toml").write_text(SMALL + "max_exampels = 3\n")
    with pytest.raises(ConfigurationError) as caught:
        load_suite("mine.toml", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mine.toml'}: unknown key 'max_exampels'.")
    assert "'max_examples'" in message


@pytest.mark.parametrize("given", ["sentimant", "mine", "suites/mine", ""])
def test_an_unknown_suite_is_a_wrong_name(given: str, tmp_path: Path) -> None:
    """What is neither a built-in name nor a .toml path is refused; the message tells both."""
    with pytest.raises(ConfigurationError) as caught:
        load_suite(given, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"unknown suite {given!r}.")
    assert message.endswith(f"Known: {', '.join(built_in_suites())}. A file's name ends in .toml.")


def test_a_missing_suite_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named with its whole path."""
    with pytest.raises(ConfigurationError) as caught:
        load_suite("none.toml", tmp_path)
    assert str(caught.value).startswith(f"suite file {tmp_path / 'none.toml'} cannot be read: ")


def test_a_suite_file_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a readable error."""
    (tmp_path / "mine.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(ConfigurationError, match=r"mine\.toml cannot be read: .*utf-8"):
        load_suite("mine.toml", tmp_path)


def test_every_metric_has_a_budget_of_its_own() -> None:
    """A kind's budgets hold for its shifts metric by metric, with what a shift's table changes."""
    suite = parsed(
        changed(
            **{
                "shifts.noise.ocr": "{ recall-yes = { max_drop = 0.3 }, pdr = { margin = 0.2 } }",
                "shifts.domain.b": '{ data = "b.csv", reweighted = { max_drop = 0.1 } }',
                "budgets.noise.max_drop": "0.1",
                "budgets.noise.recall-yes": "{ max_drop = 0.2, margin = 0.05 }",
                "budgets.domain.ece.max_drop": "0.04",
            }
        )
    )
    assert suite.budgets == {
        "swap": {"accuracy": Budget(0.1), "recall-yes": Budget(0.2, 0.05)},
        "ocr": {
            "accuracy": Budget(0.1),
            "recall-yes": Budget(0.3, 0.05),
            "pdr": Budget(None, 0.2),
        },
        "b": {"ece": Budget(0.04), "reweighted": Budget(0.1)},
    }


def test_the_worst_case_stands_after_the_noise() -> None:
    """Its budget makes a shift of all perturbations, right after the last of them."""
    suite = parsed(
        changed(
            **{
                "shifts.noise.ocr": "{}",
                "shifts.adversarial.greedy-characters": "{}",
                "budgets.worst-case": "{ max_drop = 0.3, macro-f1 = { max_drop = 0.4 } }",
            }
        )
    )
    names = [shift.name for shift in suite.shifts]
    assert names == ["swap", "ocr", "worst-case", "greedy-characters"]
    assert suite.shift("worst-case") == WorstCase()
    assert suite.budgets["worst-case"] == {"accuracy": Budget(0.3), "macro-f1": Budget(0.4)}
    assert suite.budgets["ocr"] == {}


DOMAINS = {"shifts.domain.b.data": '"b.csv"', "shifts.domain.c.data": '"c.csv"'}


def test_the_worst_domain_stands_after_the_domains() -> None:
    """Its budget makes a shift of the domains with single examples, after the last of them."""
    suite = parsed(
        changed(
            **DOMAINS,
            **{
                "shifts.domain.d": '{ data = "d.csv", scoring = "contrast", group = "set" }',
                "budgets.domain.max_drop": "0.2",
                "budgets.worst-domain": "{ max_drop = 0.3, reweighted = { max_drop = 0.4 } }",
            },
        )
    )
    names = [shift.name for shift in suite.shifts]
    assert names == ["swap", "b", "c", "worst-domain", "d"]
    assert suite.shift("worst-domain") == WorstDomain()
    assert suite.budgets["worst-domain"] == {"accuracy": Budget(0.3), "reweighted": Budget(0.4)}
    assert suite.budgets["b"] == {"accuracy": Budget(0.2)}


def test_the_worst_domain_may_be_of_one() -> None:
    """It has the drop of that one."""
    suite = parsed(
        changed(
            **{"shifts.domain.b.data": '"b.csv"', "budgets.worst-domain.max_drop": "0.3"},
        )
    )
    assert [shift.name for shift in suite.shifts] == ["swap", "b", "worst-domain"]


@pytest.mark.parametrize(
    "shift",
    ["{ checklist = 'd.jsonl' }", '{ data = "d.csv", scoring = "contrast", group = "set" }'],
)
def test_a_worst_domain_needs_domains_of_single_examples(shift: str) -> None:
    """Cases have no counterpart in distribution, so that they have no drop to compare."""
    message = refused(changed(**{"shifts.domain.d": shift, "budgets.worst-domain.max_drop": "0.3"}))
    assert "budgets.worst-domain: the worst domain is that of the domain shifts" in message
    assert "give one" in refused(changed(**{"budgets.worst-domain.max_drop": "0.3"}))


@pytest.mark.parametrize(
    "budget",
    ["margin = 0.02", "min_score = 0.7", "max_drop = 0.1, macro-f1 = { margin = 0.02 }"],
)
def test_the_worst_domain_takes_no_relative_budget(budget: str) -> None:
    """Two models may have different worst domains."""
    message = refused(changed(**DOMAINS, **{"budgets.worst-domain": f"{{ {budget} }}"}))
    assert "budgets.worst-domain: it takes max_drop alone" in message
    assert "go into budgets.domain" in message


def test_a_domain_s_own_training_data() -> None:
    """It is read like the target's, with the same columns, unless its table says otherwise."""
    domain = {
        "b": '{ data = "b.csv", label = "gold", labels = { y = "yes" }, train = "t.csv" }',
        "c": '{ data = "c.csv", label = "gold", train = { data = "t.csv", label = "mark" } }',
        "d": '{ data = "d.csv" }',
    }
    suite = parsed(changed(**{f"shifts.domain.{name}": text for name, text in domain.items()}))
    given, own, none = (suite.shift(name) for name in "bcd")
    assert isinstance(given, DomainShift)
    assert isinstance(own, DomainShift)
    assert isinstance(none, DomainShift)
    assert given.train is not None
    assert (given.train.data, given.train.label) == ("t.csv", "gold")
    assert isinstance(given.source, DataSource)
    assert given.train.labels == given.source.labels
    assert own.train is not None
    assert own.train.label == "mark"
    assert none.train is None


@pytest.mark.parametrize("value", [True, False])
def test_a_suite_says_whether_it_stops_early(value: bool) -> None:  # noqa: FBT001 - parameters
    """`sequential` and `max_abstention` arrive as they are written."""
    suite = parsed(changed(sequential=str(value).lower(), max_abstention="0"))
    assert suite.sequential is value
    assert suite.max_abstention == 0


@pytest.mark.parametrize(
    ("given", "levels"), [('"all"', [1, 2, 3, 4, 5]), ("[3, 1]", [1, 3]), ("[2]", [2])]
)
def test_several_severities_are_a_family_of_shifts(given: str, levels: list[int]) -> None:
    """Each severity is a shift of its own, with the budget, under the perturbation's name."""
    suite = parsed(SMALL.replace("{}", f"{{ severity = {given}, max_drop = 0.1 }}"))
    shifts = [shift for shift in suite.shifts if isinstance(shift, NoiseShift)]
    assert [shift.name for shift in shifts] == [f"swap@{level}" for level in levels]
    assert [shift.severity for shift in shifts] == levels
    assert {shift.family for shift in shifts} == {"swap"}
    for shift, level in zip(shifts, levels, strict=True):
        wanted = find("swap").at(level).keeping(PROTECTED)
        assert shift.perturbation.fingerprint == wanted.fingerprint
        assert suite.budgets[shift.name]["accuracy"] == Budget(max_drop=0.1)


@pytest.mark.parametrize("given", ['"some"', "[]", "[1, 1]", "6", "[0, 9]", "true", "[[1]]", "2.5"])
def test_no_severity_is_refused_with_what_there_is(given: str) -> None:
    """A severity that is none is refused with the numbers that are allowed."""
    message = refused(SMALL.replace("{}", f"{{ severity = {given} }}"))
    assert message.startswith("shifts.noise.swap: ")
    assert "from 1 to 5" in message


def test_severities_do_not_take_another_shift_s_name() -> None:
    """Two shifts never have one name."""
    text = SMALL.replace("{}", "{ severity = [1] }")
    text += 'shifts.noise."swap@1" = { perturbation = "ocr" }\n'
    assert "another shift 'swap@1'" in refused(text)


def test_a_perturbation_of_one_s_own_is_named_by_its_module(tmp_path: Path) -> None:
    """`module:name` is looked for in the project's folder, like a model; so is a filter."""
    tmp_path.joinpath("own_of_suite.py").write_text(
        "from pytest_ood import perturbation\n"
        "from pytest_ood.perturbations.filters import EditDistance\n\n"
        "@perturbation(source='here')\n"
        "def shout(text, rng):\n    return text.upper()\n\n"
        "NO = 3\n"
    )
    given = '{ perturbation = "own_of_suite:shout", filter = "own_of_suite:EditDistance" }'
    tmp_path.joinpath("s.toml").write_text(SMALL.replace("{}", given))
    (shift,) = load_suite("s.toml", tmp_path).shifts
    assert isinstance(shift, NoiseShift)
    assert (shift.name, shift.perturbation.name) == ("swap", "shout")
    assert shift.perturbation.contract.name == "uncertain"
    for wrong, message in (
        ("own_of_suite:sing", "unknown name 'sing'"),
        ("own_of_suite:NO", "is no perturbation"),
        ("no_such_module_x:y", "there is no module 'no_such_module_x'"),
    ):
        tmp_path.joinpath("s.toml").write_text(
            SMALL.replace("{}", f'{{ perturbation = "{wrong}" }}')
        )
        with pytest.raises(ConfigurationError, match=message):
            load_suite("s.toml", tmp_path)


NLI = """
task = "nli"
in_distribution = "a.csv"
[shifts.domain]
hans = { data = "b.csv", merge = { neutral = "other", contradiction = "other" } }
"""


def test_the_labels_of_a_domain_may_be_coarser() -> None:
    """`merge` arrives, and the task under the shift has what is left of the labels."""
    suite = parsed(NLI)
    hans = suite.shift("hans")
    assert isinstance(hans, DomainShift)
    assert hans.merge == {"neutral": "other", "contradiction": "other"}
    assert task_under(suite.task, hans).labels == ("entailment", "other")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{ nautral = "other" }', "merge: unknown label 'nautral'. Did you mean 'neutral'"),
        ("{ neutral = 1 }", "merge: 1 is no label"),
        ('"other"', "merge = 'other' is not a table"),
        (
            '{ entailment = "a", neutral = "a", contradiction = "a" }',
            "merge: what is left: labels = ['a']: a classification needs two or more",
        ),
        ('{ neutral = "x" }, train = "t.csv"', "train: the baseline would be trained on other la"),
    ],
)
def test_a_wrong_merge_is_refused(entry: str, message: str) -> None:
    """Unknown labels, what is no label, and a merge that leaves one label are refused."""
    text = NLI.replace('{ neutral = "other", contradiction = "other" }', entry)
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)
    assert "shifts.domain.hans: " in str(caught.value)
    assert message in str(caught.value)


def test_a_domain_takes_every_key_of_a_source() -> None:
    """Groups, rationales, templates and what rows are kept stand in a shift as in a source."""
    table = (
        '{ data = "b.jsonl", fields = { question = "{Q}" }, group = "g", rationale = "r", '
        'where = { kind = "x" }, steps = [1, 2], max_drop = 0.1 }'
    )
    shift = parsed(changed(**{"shifts.domain.b": table})).shift("b")
    assert isinstance(shift, DomainShift)
    assert shift.source == DataSource(
        data="b.jsonl", fields=("question",), templates={"question": "{Q}"}, group=("g",),
        rationale="r", where={"kind": ("x",)}, steps=(1, 2),
    )  # fmt: skip


def test_the_names_of_fields() -> None:
    """One column is the field `text`; a template alone has the name that it was given."""
    assert text_fields(DataSource(data="a.csv", fields=("review",))) == ("text",)
    assert text_fields(DataSource(data="a.csv", fields=("a", "b"))) == ("a", "b")
    templates = {"question": "{Body} {Question}"}
    assert text_fields(DataSource(data="a.csv", fields=("question",), templates=templates)) == (
        "question",
    )
    assert text_fields(DataSource(data="a.csv", templates={"text": "{Body}"})) == ("text",)


def test_a_domain_without_data_is_another_part_of_the_same() -> None:
    """With `split` or `where` alone it has the in-distribution data's columns."""
    source = 'in_distribution = { data = "hub:x", split = "a", id = "key", labels = { 0 = "no" } }'
    text = f'labels = ["no", "yes"]\n{source}\n[shifts.domain]\nb = {{ split = "b" }}\n'
    other = parsed(text).shift("b")
    assert isinstance(other, DomainShift)
    assert other.source == DataSource(data="hub:x", split="b", id="key", labels={"0": "no"})
    with pytest.raises(ConfigurationError, match=r"shifts\.domain\.b: the key `data` is missing"):
        parsed(text.replace('{ split = "b" }', '{ label = "b" }'))


def test_domains_are_paired_or_not() -> None:
    """`paired` arrives; some of the shifts paired and some not are refused."""
    text = changed(**{"shifts.domain.b": '{ data = "b.csv", id = "id", paired = true }'})
    shift = parsed(text).shift("b")
    assert isinstance(shift, DomainShift)
    assert shift.paired
    more = {"shifts.domain.b": '{ data = "b.csv", paired = true }',
            "shifts.domain.c": '{ data = "c.csv" }'}  # fmt: skip
    with pytest.raises(ConfigurationError, match="some are `paired` and some are not"):
        parsed(changed(**more))
    with pytest.raises(ConfigurationError, match="paired = 1 is neither true nor false"):
        parsed(text.replace("true", "1"))


def test_the_style_suite_pairs_ten_styles() -> None:
    """All but the original are paired with it by their ids, and lie in the same data."""
    suite = load_suite("style", Path())
    shifts = [shift for shift in suite.shifts if isinstance(shift, DomainShift)]
    assert len(shifts) == len(suite.shifts) == 10
    assert all(shift.paired for shift in shifts)
    assert isinstance(suite.in_distribution, DataSource)
    for shift in shifts:
        assert shift.source == replace(suite.in_distribution, split=f"dev/{shift.name}")


MILD = (
    'mild = { perturbation = ["lower-case", "contract", "misspelling", "extra-spaces"], '
    "parameters = { misspelling = { share = 0.1 } } }"
)


def test_a_composite_is_one_line() -> None:
    """A list of perturbations is applied in order, each with parameters under its name."""
    suite = parsed(SMALL.replace("shifts.noise.swap = {}", f"shifts.noise.{MILD}"))
    (shift,) = suite.shifts
    assert isinstance(shift, NoiseShift)
    assert isinstance(shift.perturbation, Composite)
    assert [part.name for part in shift.perturbation.parts] == [
        "lower-case",
        "contract",
        "misspelling",
        "extra-spaces",
    ]
    assert shift.perturbation.parts[2].share == 0.1
    assert {part.protection for part in shift.perturbation.parts} == {PROTECTED}


def test_a_composite_has_severities() -> None:
    """At a severity all parts are, and several are one shift each."""
    text = 'shifts.noise.both = { perturbation = ["ocr", "swap"], severity = [1, 4] }'
    suite = parsed(SMALL.replace("shifts.noise.swap = {}", text))
    assert [shift.name for shift in suite.shifts] == ["both@1", "both@4"]
    last = suite.shifts[1]
    assert isinstance(last, NoiseShift)
    assert isinstance(last.perturbation, Composite)
    assert {part.severity for part in last.perturbation.parts} == {4}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('perturbation = ["ocr"]', "two or more perturbations, not of 1"),
        ('perturbation = ["ocr", "ocr"]', "there is one of them twice"),
        ('perturbation = ["ocr", "swp"]', "unknown perturbation 'swp'. Did you mean 'swap'"),
        ('perturbation = ["ocr", 3]', "is not a list of strings"),
        ('perturbation = ["ocr", "negate"]', "negate is changing"),
        (
            'perturbation = ["ocr", "swap"], parameters = { share = 0.1 }',
            "of several perturbations each has a table by its name: unknown perturbation 'share'",
        ),
    ],
)
def test_a_wrong_composite_is_refused(table: str, message: str) -> None:
    """The message names the shift, and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        parsed(SMALL.replace("shifts.noise.swap = {}", f"shifts.noise.both = {{ {table} }}"))
    assert "shifts.noise.both" in str(caught.value)
    assert message in str(caught.value)


def test_the_worst_case_may_be_of_one_noise_shift() -> None:
    """The original counts as a version (Liang et al. 2022, HELM, robust score)."""
    suite = parsed(f"{SMALL}\nbudgets.worst-case.max_drop = 0.3\n")
    assert [shift.name for shift in suite.shifts] == ["swap", "worst-case"]
    bare = SMALL.replace("shifts.noise.swap = {}", 'shifts.domain.b = { data = "b.csv" }')
    with pytest.raises(ConfigurationError, match="there is no noise shift; give one"):
        parsed(f"{bare}\nbudgets.worst-case.max_drop = 0.3\n")


def test_steps_alone_are_another_part_of_the_data() -> None:
    """A domain shift without `data` takes the in-distribution file, with other rows of it."""
    text = """
task = "numeric"
in_distribution = { data = "a.jsonl", rationale = "solution", label = "answer", steps = [1, 3] }
shifts.domain.long = { steps = [4, 99] }
"""
    (shift,) = parsed(text).shifts
    assert isinstance(shift, DomainShift)
    assert isinstance(shift.source, DataSource)
    assert (shift.source.data, shift.source.steps) == ("a.jsonl", (4, 99))


@pytest.mark.parametrize(
    ("task", "shift", "protection"),
    [
        ("numeric", "swap = {}", Protection(kinds=("urls", "code", "numbers"))),
        ("numeric", 'swap = { protect = ["urls"] }', Protection(kinds=("urls",))),
        ("numeric", "digits-to-words = {}", Protection(kinds=("urls", "code"))),
        ("numeric", "change-numbers = {}", Protection(kinds=("urls", "code"))),
        ("extractive-qa", "swap = {}", Protection(kinds=("urls", "code"), answers=True)),
        ("closed-book-qa", "swap = {}", Protection(kinds=("urls", "code"), answers=True)),
        (
            "extractive-qa",
            'remove-text = { fields = ["text"] }',
            Protection(kinds=("urls", "code")),
        ),
        ("nli", "swap = {}", Protection(kinds=("urls", "code"))),
    ],
)
def test_what_an_answer_hangs_on_is_protected(
    task: str, shift: str, protection: Protection
) -> None:
    """Numbers and right answers stay by default, unless a suite or a perturbation's aim says."""
    text = f'task = "{task}"\nin_distribution = "a.csv"\nshifts.noise.{shift}'
    (noise,) = parsed(text).shifts
    assert isinstance(noise, NoiseShift)
    assert isinstance(noise.perturbation, Generator)
    assert noise.perturbation.protection == protection


@pytest.mark.parametrize("task", ["numeric", "extractive-qa"])
def test_a_text_is_taken_away_where_the_suite_says(task: str) -> None:
    """Without `fields` the question would go, too."""
    text = f'task = "{task}"\nin_distribution = "a.csv"\nshifts.noise.remove-text = {{}}'
    assert 'fields = ["context"]' in refused(text)


def test_a_suite_has_a_language() -> None:
    """Noise is in the language of the suite, of the data, or of its own table."""
    suite = parsed(f'language = "de-AT"\n{SMALL}')
    assert isinstance(suite.in_distribution, DataSource)
    assert suite.in_distribution.language == "de"
    (swap,) = suite.shifts
    assert isinstance(swap, NoiseShift)
    assert swap.perturbation == find("swap").in_language(find_language("de")).keeping(PROTECTED)
    other = SMALL.replace("swap = {}", 'swap.language = "ru"')
    own = parsed(f'language = "de"\n{other}').shifts[0]
    assert isinstance(own, NoiseShift)
    assert isinstance(own.perturbation, Generator)
    assert own.perturbation.language.code == "ru"


def test_what_does_not_fit_the_language_is_refused() -> None:
    """The message says what fits, before any data is read."""
    message = refused(f'language = "pl"\n{SMALL.replace("swap", "negate")}')
    assert message.startswith(
        "shifts.noise.negate: negate does not fit Polish (pl): it fits en. What fits Polish: "
    )
    assert "keyboard" in message
    assert "antonyms" not in message
    message = refused(f'language = "pl"\n{SMALL.replace("noise.swap", "adversarial.textfooler")}')
    assert "textfooler does not fit Polish (pl): it fits en. What fits Polish: " in message
    message = refused(SMALL.replace("swap", "letter-variants"))
    assert "letter-variants does not fit English (en)" in message
    assert refused(f'language = "xx"\n{SMALL}').startswith("unknown language 'xx'. Known: ar, ")
    assert "no language tag" in refused(f"language = 3\n{SMALL}")


def test_rows_in_other_languages_are_checked_before_a_model_runs() -> None:
    """A perturbation has to fit the language of every row, unless its table has a language."""
    (negate,) = parsed(SMALL.replace("swap", "negate")).shifts
    negate.check_languages(["", "en"])
    with pytest.raises(ConfigurationError, match="noise/negate: negate does not fit German"):
        negate.check_languages(["", "de"])
    (swap,) = parsed(SMALL).shifts
    swap.check_languages(["", "de", "zh"])
    (attack,) = parsed(SMALL.replace("noise.swap", "adversarial.pwws")).shifts
    with pytest.raises(ConfigurationError, match="pwws does not fit German"):
        attack.check_languages(["", "de"])
