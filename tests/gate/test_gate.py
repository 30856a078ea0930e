from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, OodError
from pytest_ood.evaluation import Comparison, DomainDetails, Evaluation, Floor, WorstDetails
from pytest_ood.gate.gate import PREDICTIONS, Check, Gate, Options
from pytest_ood.loading.readers import DataSource
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import SeededModel
from pytest_ood.shifts import DomainShift
from pytest_ood.suite.frozen import write_frozen
from pytest_ood.utils.progress import Silent

SUITE = """
labels = ["bad", "good"]
in_distribution = { data = "a.jsonl", id = "id" }
shifts.noise.swap = {}
shifts.domain.other = { data = "b.jsonl", id = "id" }
shifts.adversarial.greedy-characters = { query_budget = 5, max_examples = 4 }
budgets.noise = { max_drop = 0.5, margin = 0.1 }
budgets.domain = { max_drop = 0.5 }
"""
MODELS = """
[tool.pytest_ood.models.first]
fake = "keyword"
words = { good = ["wonderful"], bad = ["dreadful"] }
paradigm = "prompted"
[tool.pytest_ood.models.base]
fake = "keyword"
words = { good = ["wonderful", "delightful"], bad = ["dreadful", "terrible"] }
baseline = true
"""
FLOORS = ["mine/in-distribution[base]", "mine/in-distribution[first]"]
ALL = [
    "mine/in-distribution[base]",
    "mine/noise/swap[base]",
    "mine/domain/other[base]",
    "mine/adversarial/greedy-characters[base]",
    "mine/in-distribution[first]",
    "mine/noise/swap[first]",
    "mine/noise/swap[first-vs-base]",
    "mine/domain/other[first]",
    "mine/adversarial/greedy-characters[first]",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project with data, a suite and two models."""
    for name in ("a", "b"):
        rows = [
            {
                "id": f"{name}{n}",
                "text": f"{('wonderful and delightful', 'dreadful and terrible')[n % 2]} {name}",
                "label": ("good", "bad")[n % 2],
            }
            for n in range(40)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "mine.toml").write_text(SUITE)
    write_settings(tmp_path)
    return tmp_path


def write_settings(root: Path, extra: str = "", models: str = MODELS) -> None:
    """Write the project's configuration."""
    lines = '[tool.pytest_ood]\nsuites = ["mine.toml"]\n'
    (root / "pyproject.toml").write_text(f"{lines}{extra}\n{models}")


def gate(root: Path, own: tuple[Any, ...] = (), **options: Any) -> Gate:
    """Open a gate that fetches nothing."""
    given = Options(root=root, cache=root / "cache", offline=True, **options)
    return Gate(given, Silent(), lambda suite, labels: own)  # noqa: ARG005 - the same for all


def ids(opened: Gate) -> list[str]:
    """Return the ids of its checks."""
    return [check.id for check in opened.checks]


def test_the_checks(root: Path) -> None:
    """Model by model, the baseline first: floor, drops, and comparisons where there is a margin."""
    assert ids(gate(root)) == ALL


def test_a_check_names_itself() -> None:
    """Path and id of a check are made of suite, kind, shift and model."""
    shift = DomainShift("books", Any)  # type: ignore[arg-type]
    assert Check(suite="s", model="m").path == "s/in-distribution"
    assert Check(suite="s", model="m", shift=shift).id == "s/domain/books[m]"
    compared = Check(suite="s", model="m", shift=shift, baseline="b")
    assert compared.id == "s/domain/books[m-vs-b]"


@pytest.mark.parametrize(
    ("only", "left"),
    [
        (("mine",), ALL),
        (("in-distribution",), FLOORS),
        (("mine/in-distribution",), FLOORS),
        (("noise",), [i for i in ALL if "/noise/" in i]),
        (("swap",), [i for i in ALL if "/swap" in i]),
        (("mine/noise",), [i for i in ALL if "/noise/" in i]),
        (("mine/noise/swap",), [i for i in ALL if "/swap" in i]),
        (("domain", "swap"), [i for i in ALL if "/domain/" in i or "/swap" in i]),
        (("noise", "swap"), [i for i in ALL if "/noise/" in i]),
    ],
    ids=str,
)
def test_only(only: tuple[str, ...], left: list[str], root: Path) -> None:
    """A suite, a kind, a shift or a path selects its checks, in the usual order."""
    assert ids(gate(root, only=only)) == left


def test_models(root: Path) -> None:
    """A model is checked alone, and compared with the baseline all the same."""
    assert ids(gate(root, models=("first",))) == [i for i in ALL if "[first" in i]
    assert ids(gate(root, models=("base",))) == [i for i in ALL if "[base" in i]
    assert ids(gate(root, models=("base", "first"))) == ALL
    assert ids(gate(root, models=("first",), only=("swap",))) == [
        "mine/noise/swap[first]",
        "mine/noise/swap[first-vs-base]",
    ]


def test_what_was_chosen(root: Path) -> None:
    """The chosen models and shifts are listed for the plan."""
    opened = gate(root, models=("first",), only=("noise", "domain"))
    assert list(opened.chosen_models("mine")) == ["first"]
    assert [shift.name for shift in opened.chosen_shifts("mine")] == ["swap", "other"]
    assert list(gate(root).chosen_models("mine")) == ["base", "first"]
    assert len(gate(root).chosen_shifts("mine")) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": ("swp",)}, "--ood-only: unknown name 'swp'. Did you mean 'swap'"),
        ({"only": ("swap", "mine/noise/ocr")}, "--ood-only: unknown name 'mine/noise/ocr'."),
        ({"only": ("",)}, "--ood-only: unknown name ''"),
        ({"models": ("firs",)}, "--ood-model: unknown model 'firs'. Did you mean 'first'"),
        ({"models": ("base", "x")}, "--ood-model: unknown model 'x'. Known: base, first."),
    ],
    ids=str,
)
def test_wrong_names_are_refused(options: dict[str, Any], message: str, root: Path) -> None:
    """A wrong name is a usage error with the option, the nearest and all right names."""
    with pytest.raises(ConfigurationError) as caught:
        gate(root, **options)
    assert message in str(caught.value)


def test_two_baselines_are_refused(root: Path) -> None:
    """Two models marked as the baseline are a usage error that names both."""
    write_settings(root, models=MODELS.replace('paradigm = "prompted"', "baseline = true"))
    with pytest.raises(
        ConfigurationError, match=r"first and base are (both )?marked as the baseline"
    ):
        gate(root)


def test_without_a_baseline_nothing_is_compared(root: Path) -> None:
    """Margins need a baseline; without one they ask for nothing."""
    write_settings(root, models=MODELS.replace("baseline = true", ""))
    assert [i for i in ids(gate(root)) if "-vs-" in i] == []
    assert gate(root).baselines == {"mine": None}


def test_two_suites_of_one_name_are_refused(root: Path) -> None:
    """Two suites cannot share a name, since names select."""
    (root / "other.toml").write_text(f'name = "mine"\n{SUITE}')
    (root / "pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["mine.toml", "other.toml"]\n{MODELS}'
    )
    with pytest.raises(ConfigurationError, match="two suites have the name 'mine'"):
        gate(root)


def test_two_suites_are_checked_one_after_the_other(root: Path) -> None:
    """Checks of a second suite follow, under its own name and with its own labels."""
    (root / "other.toml").write_text(SUITE)
    (root / "pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["mine.toml", "other.toml"]\n{MODELS}'
    )
    assert ids(gate(root)) == [*ALL, *(i.replace("mine/", "other/") for i in ALL)]
    assert ids(gate(root, only=("other/noise",))) == [
        i.replace("mine/", "other/") for i in ALL if "/noise/" in i
    ]


def test_a_suite_without_models_is_refused(root: Path) -> None:
    """Where neither the project nor the suite has a model, there is nothing to test."""
    write_settings(root, models="")
    with pytest.raises(ConfigurationError, match="there is no model for suite 'mine'"):
        gate(root)


def test_a_suite_s_own_models_are_taken_without_others(root: Path) -> None:
    """A suite's models serve where the project has none, and only there."""
    (root / "mine.toml").write_text(f'{SUITE}\nmodels.offered.fake = "constant"\n')
    assert set(gate(root).models["mine"]) == {"base", "first"}
    write_settings(root, models="")
    assert set(gate(root).models["mine"]) == {"offered"}
    own = FakeModel("own", "constant", ("bad", "good"))
    assert set(gate(root, (own,)).models["mine"]) == {"own"}


def test_own_models_are_added(root: Path) -> None:
    """Models of a hook, functions too, are checked after the configured ones and compared."""

    def answer(texts: list[str]) -> list[str]:
        return ["good" for _ in texts]

    opened = gate(root, (answer,))
    assert list(opened.models["mine"]) == ["base", "first", "answer"]
    assert "mine/noise/swap[answer-vs-base]" in ids(opened)
    twin = FakeModel("first", "constant", ("bad", "good"))
    with pytest.raises(ConfigurationError, match="two models have the name 'first'"):
        gate(root, (twin,))


def test_a_name_that_would_break_an_id_is_refused(root: Path) -> None:
    """A model of a hook cannot have a name that its check's id could not hold."""
    with pytest.raises(ConfigurationError, match="a/b"):
        gate(root, (FakeModel("a/b", "constant", ("bad", "good")),))


def test_options_go_before_the_configuration(root: Path) -> None:
    """Seed and size of the command line replace the configured ones; 0 is a seed like any other."""
    write_settings(root, "seed = 5\nmax_examples = 30\nstrict = true\nalpha = 0.1")
    configured = gate(root)
    assert (configured.seed, configured.max_examples, configured.strict) == (5, 30, True)
    assert configured.evaluators["mine"].rules.alpha == 0.1
    given = gate(root, seed=0, max_examples=12)
    assert (given.seed, given.max_examples) == (0, 12)
    assert given.evaluators["mine"].data.seed == 0
    assert len(given.evaluators["mine"].data.in_distribution()) == 12
    write_settings(root)
    assert not gate(root).strict
    assert gate(root, strict=True).strict


def test_every_check_is_measured(root: Path) -> None:
    """A check gives a floor, a drop or a comparison of the model that it names."""
    opened = gate(root)
    for check in opened.checks:
        result = opened.measure(check)
        assert (result.suite, result.model) == (check.suite, check.model)
        if check.shift is None:
            assert isinstance(result, Floor)
        elif check.baseline is None:
            assert isinstance(result, Evaluation)
            assert (result.kind, result.shift) == (check.shift.kind, check.shift.name)
        else:
            assert isinstance(result, Comparison)
            assert result.baseline == check.baseline


def test_a_filter_changes_no_figure(root: Path) -> None:
    """A check measured alone, in another process as it were, gives what it gives among all."""
    together = {check.id: result for check, result in measured(gate(root, keep_predictions=False))}
    for identifier in ("mine/noise/swap[first]", "mine/adversarial/greedy-characters[first]"):
        name = identifier.partition("[")[0]
        opened = gate(root, only=(name,), models=("first",), keep_predictions=False)
        assert dict((c.id, r) for c, r in measured(opened))[identifier] == together[identifier]  # noqa: C402


def measured(opened: Gate) -> list[tuple[Check, Floor | Evaluation | Comparison]]:
    """Carry out all checks."""
    return [(check, opened.measure(check)) for check in opened.checks]


@pytest.mark.slow
def test_predictions_are_kept_or_not(root: Path) -> None:
    """With `keep_predictions` answers are in the cache folder, otherwise nothing is written."""
    measured(gate(root, keep_predictions=False))
    assert not (root / "cache" / PREDICTIONS).exists()
    first = measured(gate(root))
    assert (root / "cache" / PREDICTIONS).is_file()
    assert measured(gate(root)) == first


def test_what_a_report_says_about_models(root: Path) -> None:
    """A comparison concerns both models, a drop its own; the baseline is marked."""
    opened = gate(root)
    infos = {check.id: opened.infos(check) for check in opened.checks}
    (info,) = infos["mine/noise/swap[first]"]
    assert (info.suite, info.name, info.paradigm, info.baseline) == (
        "mine",
        "first",
        "prompted",
        False,
    )
    both = infos["mine/noise/swap[first-vs-base]"]
    assert [(info.name, info.baseline) for info in both] == [("base", True), ("first", False)]
    assert json.dumps([dict(info.parameters) for info in both])


def test_a_missing_data_file_is_found_at_once(root: Path) -> None:
    """A file that is not there is an error before anything is measured."""
    (root / "b.jsonl").unlink()
    with pytest.raises(OodError, match=r"b\.jsonl"):
        gate(root)


def test_every_gate_of_the_configuration_counts(root: Path) -> None:
    """The run's error rate is shared by all gates, whatever is chosen, and by one's own tests."""
    whole, part = gate(root), gate(root, only=("swap",), models=("first",))
    limited = [check for check in whole.checks if check.limit is not None]
    assert whole.rules.gates == part.rules.gates == len(limited) == 5
    assert len(part.checks) == 2
    whole.count_gates(3)
    assert whole.rules.gates == 8
    assert {run.rules.gates for run in whole.evaluators.values()} == {8}


def test_a_budget_s_metric_is_a_check(root: Path) -> None:
    """A metric with a budget has an id of its own, is chosen by its name, and is measured."""
    more = SUITE.replace(
        "max_drop = 0.5, margin = 0.1 }",
        "max_drop = 0.5, macro-f1 = { max_drop = 0.5, margin = 0.2 } }",
    )
    (root / "mine.toml").write_text(more)
    opened = gate(root, only=("macro-f1",), models=("first",))
    assert ids(opened) == [
        "mine/noise/swap/macro-f1[first]",
        "mine/noise/swap/macro-f1[first-vs-base]",
    ]
    for check in opened.checks:
        result = opened.measure(check)
        assert isinstance(result, Evaluation | Comparison)
        assert result.metric == "macro-f1"


def test_the_worst_case_follows_the_noise(root: Path) -> None:
    """A budget for the worst case adds one check for each model, after the noise shifts."""
    more = SUITE.replace("swap = {}", "swap = {}\nshifts.noise.ocr = {}")
    (root / "mine.toml").write_text(f"{more}budgets.worst-case.max_drop = 0.9\n")
    names = [name for name in ids(gate(root)) if name.endswith("[base]")]
    assert names[1:4] == [
        "mine/noise/swap[base]", "mine/noise/ocr[base]", "mine/noise/worst-case[base]"
    ]  # fmt: skip


def test_the_worst_domain_follows_the_domains(root: Path) -> None:
    """Its budget adds one check for each model, which is chosen by its name and measured."""
    more = SUITE.replace(
        "budgets.noise", "shifts.domain.same = { data = 'a.jsonl' }\nbudgets.noise"
    )
    (root / "mine.toml").write_text(f"{more}budgets.worst-domain.max_drop = 0.9\n")
    names = [name for name in ids(gate(root)) if name.endswith("[base]")]
    assert names[2:5] == [
        "mine/domain/other[base]", "mine/domain/same[base]", "mine/domain/worst-domain[base]"
    ]  # fmt: skip
    opened = gate(root, only=("worst-domain",), models=("first",))
    assert ids(opened) == ["mine/domain/worst-domain[first]"]
    result = opened.measure(opened.checks[0])
    assert isinstance(result, Evaluation)
    assert isinstance(result.details, WorstDetails)
    assert result.details.shift in ("other", "same")
    # Tests of a project's own, and the search for leaked items, go by the domains.
    for chosen in (gate(root, only=("worst-domain",)), gate(root, only=("domain",))):
        assert [shift.name for shift in chosen.chosen_shifts("mine")] == ["other", "same"]


def test_an_in_domain_budget_needs_something_to_train(root: Path) -> None:
    """Without training data of the target, or a baseline that is trained, it is refused."""
    wanted = SUITE.replace("budgets.domain = {", "budgets.domain = { in-domain.max_drop = 0.5,")
    for suite in (wanted, wanted.replace('"b.jsonl", id', '"b.jsonl", train = "a.jsonl", id')):
        (root / "mine.toml").write_text(suite)
        with pytest.raises(ConfigurationError, match=r"domain/other has an in-domain budget; it"):
            gate(root)


def test_the_reference_is_the_baseline_trained_elsewhere(root: Path) -> None:
    """Where the baseline is trained here, it is trained on the target's data as well."""
    suite = SUITE.replace('"b.jsonl", id', '"b.jsonl", train = "b.jsonl", id')
    (root / "mine.toml").write_text(
        suite.replace("budgets.domain = {", "budgets.domain = { in-domain.max_drop = 0.5,")
    )
    (root / "pipelines.py").write_text(
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def counts():\n    return make_pipeline(CountVectorizer(), LogisticRegression())\n"
    )
    write_settings(
        root,
        models="[tool.pytest_ood.models.base]\nsklearn = 'pipelines:counts'\n"
        "train = 'a.jsonl'\nbaseline = true\n",
    )
    opened = gate(root, only=("in-domain",))
    assert opened.evaluators["mine"].trials.references["other"].name == "base-on-other"
    (check,) = opened.checks
    result = opened.measure(check)
    assert isinstance(result, Evaluation)
    assert isinstance(result.details, DomainDetails)
    assert (result.metric, result.details.in_domain_score) == ("in-domain", 1.0)


def test_seeds_make_several_models_of_one(root: Path) -> None:
    """A model with three seeds has three members, the first under its own name."""
    write_settings(
        root,
        models="[tool.pytest_ood.models.tuned]\nfinetuned = 'new:roberta'\ntrain = 'a.jsonl'\n"
        "train_seed = 5\nseeds = 3\n",
    )
    model = gate(root).models["mine"]["tuned"]
    assert isinstance(model, SeededModel)
    assert [member.name for member in model.members] == ["tuned", "tuned#1", "tuned#2"]
    assert [member.parameters["train_seed"] for member in model.members] == [5, 6, 7]
    assert model.parameters["seeds"] == 3


@pytest.mark.parametrize(("suite", "own", "expected"), [
    ("", "", None), ("sequential = true", "", True), ("", "sequential = true", True),
    ("sequential = true", "sequential = false", False),
])  # fmt: skip
def test_the_configuration_says_whether_gates_stop_early(
    suite: str, own: str, expected: object, root: Path
) -> None:
    """The suite's word counts where the user says nothing, and the size where nobody does."""
    (root / "mine.toml").write_text(f"{suite}\n{SUITE}")
    write_settings(root, own)
    assert gate(root).evaluators["mine"].rules.sequential is expected


TRANSFER = 'shifts.adversarial.replayed = { attack = "pruthi", against = "base", margin = 0.1 }\n'


def test_a_surrogate_is_not_judged_by_its_own_examples(root: Path) -> None:
    """What was made against a model is checked on the others, and compared with no surrogate."""
    (root / "mine.toml").write_text(SUITE + TRANSFER)
    opened = gate(root)
    assert [i for i in ids(opened) if "replayed" in i] == ["mine/adversarial/replayed[first]"]
    (note,) = opened.evaluators["mine"].notes
    assert "made against base, the baseline, which gets all of these examples wrong" in note
    (root / "mine.toml").write_text(SUITE + TRANSFER.replace('"base"', '"third"'))
    third = MODELS + '[tool.pytest_ood.models.third]\nfake = "constant"\n'
    write_settings(root, models=third)
    assert [i.partition("replayed")[2] for i in ids(gate(root)) if "replayed" in i] == [
        "[base]", "[first]", "[first-vs-base]",
    ]  # fmt: skip


def test_a_surrogate_has_to_be_there_and_to_answer(root: Path) -> None:
    """A wrong name lists the right ones; recorded answers cannot be attacked."""
    (root / "mine.toml").write_text(SUITE + TRANSFER.replace('"base"', '"bose"'))
    with pytest.raises(ConfigurationError, match=r"against: unknown model 'bose'. Did you mean"):
        gate(root)
    (root / "mine.toml").write_text(SUITE + TRANSFER.replace('"base"', '"told"'))
    (root / "told.csv").write_text("shift,id,answer\nin-distribution,a0,good\n")
    write_settings(root, models=MODELS + '[tool.pytest_ood.models.told]\nreplay = "told.csv"\n')
    with pytest.raises(
        ConfigurationError, match="'told' is replayed, and cannot answer the queries of an attack"
    ):
        gate(root)


def test_a_surrogate_needs_somebody_to_put_its_examples_to(root: Path) -> None:
    """Examples that no other model answers make no check, which is told at once."""
    (root / "mine.toml").write_text(SUITE + TRANSFER)
    alone = MODELS.partition("[tool.pytest_ood.models.base]")
    write_settings(root, models=alone[1] + alone[2])
    with pytest.raises(ConfigurationError, match="there is no other model to measure under it"):
        gate(root)


def test_frozen_examples_need_no_surrogate(root: Path) -> None:
    """What is in the frozen file is replayed without the model it was made against."""
    (root / "mine.toml").write_text(SUITE + TRANSFER.replace('"base"', '"third"'))
    third = '[tool.pytest_ood.models.third]\nfake = "constant"\n'
    write_settings(root, models=MODELS + third)
    write_frozen(root / "mine.jsonl", gate(root).evaluators["mine"].texts.freeze())
    write_settings(root, 'frozen = ["mine.jsonl"]')
    opened = gate(root)
    assert opened.evaluators["mine"].texts.surrogates == {}
    assert "mine/adversarial/replayed[first]" in ids(opened)


def test_one_of_several_seeds_is_the_surrogate(root: Path) -> None:
    """Of a model with several seeds the first one is attacked."""
    (root / "mine.toml").write_text(SUITE + TRANSFER.replace('"base"', '"seeded"'))
    members = tuple(FakeModel(f"seeded-{n}", "constant", ("bad", "good")) for n in range(2))
    opened = gate(root, own=(SeededModel("seeded", members),))
    assert opened.evaluators["mine"].texts.surrogates == {"seeded": members[0]}


def test_redirected_data_has_to_be_named_by_somebody(root: Path) -> None:
    """A suite, built-in or configured, or a model names it, with its split or without."""
    train = '[tool.pytest_ood.models.t]\nfinetuned = "new:roberta"\n'
    train += 'train = { data = "hub:t", split = "train" }\n'
    (root / "c.jsonl").write_bytes((root / "b.jsonl").read_bytes())
    names = ("b.jsonl", "b.jsonl@test", "hub:t", "hub:t@train", "asset:icwsm-2014/tweets")
    for name in names:
        write_settings(root, f'data = {{ "{name}" = "c.jsonl" }}', MODELS + train)
        opened = gate(root)
        assert opened.reader.redirects == {name: {"data": "c.jsonl"}}
    for name, near in (("b.json", "b.jsonl"), ("hub:t@test", "hub:t@train")):
        write_settings(root, f'data = {{ "{name}" = "c.jsonl" }}', MODELS + train)
        with pytest.raises(ConfigurationError, match=f"unknown data source '{name}'. Did.*{near}"):
            gate(root)


def test_redirected_data_is_measured(root: Path) -> None:
    """A file that is not here is not missed where another takes its place."""
    (root / "b.jsonl").rename(root / "c.jsonl")
    with pytest.raises(OodError, match=r"b\.jsonl: there is no such file"):
        gate(root)
    write_settings(root, 'data = { "b.jsonl" = "c.jsonl" }')
    opened = gate(root)
    check = next(check for check in opened.checks if check.id == "mine/domain/other[base]")
    found = opened.measure(check)
    assert isinstance(found, Evaluation)
    assert found.n == 40


def test_a_redirected_file_of_tests_is_measured(root: Path) -> None:
    """A CheckList suite lies where the configuration says, as other data does."""
    rows = [{"test": "t", "type": "MFT", "data": f"wonderful {n}", "label": "good"} for n in "abc"]
    (root / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (root / "mine.toml").write_text(f'{SUITE}shifts.domain.tests = {{ checklist = "t.jsonl" }}\n')
    write_settings(root, 'data = { "t.jsonl" = "mine.jsonl" }')
    opened = gate(root)
    check = next(check for check in opened.checks if check.id == "mine/domain/tests/score[base]")
    assert isinstance(found := opened.measure(check), Floor)
    assert (found.n, found.score.value) == (3, 1.0)


def test_what_a_model_s_table_states_stands_in_the_report(root: Path) -> None:
    """Facts that are stated go before those the model knows, and change no fingerprint."""
    path = root / "pyproject.toml"
    before, plain = (
        {i.name: i for i in gate(root).infos(check)} for check in gate(root).checks[:2]
    )
    text = path.read_text().replace(
        'fake = "keyword"', 'fake = "keyword"\nsize = 1e6\nshots = 3', 1
    )
    path.write_text(text)
    after = {i.name: i for check in gate(root).checks for i in gate(root).infos(check)}
    assert (after["first"].size, after["first"].shots) == (1_000_000, 3)
    assert after["first"].training_examples is None
    assert after["base"].size is None
    for info in (*before.values(), *plain.values()):
        assert info.fingerprint == after[info.name].fingerprint


def test_names_of_parts_that_are_left_out_are_known(root: Path) -> None:
    """A model may be for a collection of which nothing is measured yet, and data may be named."""
    part = SUITE.replace('"b.jsonl"', '"yours:b"')
    (root / "parts.toml").write_text(f"[suites.part]\n{part}")
    settings = """
[tool.pytest_ood]
suites = ["mine.toml", "parts.toml"]
[tool.pytest_ood.models.m]
fake = "keyword"
suites = ["mine", "parts"]
"""
    (root / "pyproject.toml").write_text(settings)
    assert [*gate(root).evaluators] == ["mine"]
    # Now there is data, but no model.
    data = '[tool.pytest_ood.data]\n"yours:b" = "b.jsonl"\n'
    (root / "pyproject.toml").write_text(settings.replace(', "parts"]', "]") + data)
    assert [*gate(root).evaluators] == ["mine"]


RENAMED = """
labels = ["bad", "good"]
in_distribution = { data = "a.csv.gz", fields = ["review"], label = "category", id = "key", \
labels = { 0 = "bad", 1 = "good" }, encoding = "latin-1" }
shifts.noise.swap = {}
shifts.domain.other = { data = "b.csv", train = "train.csv" }
"""
TRAINED = """
[tool.pytest_ood.models.table]
sklearn = "unfitted_models:pipeline"
train = { data = "train.csv" }
[tool.pytest_ood.models.path]
sklearn = "unfitted_models:pipeline"
train = "train.csv"
[tool.pytest_ood.models.shown]
prompted = "openai:any"
base_url = "http://127.0.0.1:9/v1"
prompt = "{text}"
shots = 2
demonstrations = "train.csv"
"""


def test_columns_of_a_suite_hold_for_its_models(tmp_path: Path) -> None:
    """Training data, demonstrations and domains have the columns, labels and encoding it names."""
    header = "key;review;category\n"
    for name in ("a.csv", "b.csv", "train.csv"):
        rows = "".join(f"{name}{n};caf\u00e9 {n}, {name};{n % 2}\n" for n in range(8))
        content = (header + rows).encode("latin-1")
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (tmp_path / "mine.toml").write_text(RENAMED)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["mine.toml"]\n{TRAINED}'
    )
    (tmp_path / "unfitted_models.py").write_text("def pipeline():\n    raise RuntimeError\n")
    made = Gate(Options(root=tmp_path, cache=tmp_path / "cache", offline=True), Silent())
    for name in ("table", "path", "shown"):
        model: Any = made.models["mine"][name]
        examples = model.training_examples if name != "shown" else model.prompt.demonstrations
        assert {example.label for example in examples} == {"bad", "good"}
        assert all(example.inputs.startswith("caf\u00e9 ") for example in examples)
        assert all(example.id.startswith("train.csv") for example in examples)
    run = made.evaluators["mine"]
    shift = run.suite.shifts[1]
    assert isinstance(shift, DomainShift)
    assert isinstance(shift.train, DataSource)
    data = made.reader.load(shift.train, "train", run.suite.task)
    assert data.labels == ("bad", "good")


def test_data_says_otherwise_than_its_suite(tmp_path: Path) -> None:
    """A table that names its columns has those; a file of the usual columns is read as ever."""
    (tmp_path / "a.csv").write_text("review,category\nfine,good\ndull,bad\n")
    (tmp_path / "usual.jsonl").write_text('{"text": "fine", "label": "good"}\n')
    (tmp_path / "own.jsonl").write_text('{"body": "fine", "stars": "good"}\n')
    (tmp_path / "mine.toml").write_text(
        'labels = ["bad", "good"]\n'
        'in_distribution = { data = "a.csv", fields = ["review"], label = "category" }\n'
        "shifts.noise.swap = {}\n"
    )
    (tmp_path / "unfitted_models.py").write_text("def pipeline():\n    raise RuntimeError\n")
    (tmp_path / "pyproject.toml").write_text(
        """
        [tool.pytest_ood]
        suites = ["mine.toml"]
        [tool.pytest_ood.models.usual]
        sklearn = "unfitted_models:pipeline"
        train = "usual.jsonl"
        [tool.pytest_ood.models.own]
        sklearn = "unfitted_models:pipeline"
        train = { data = "own.jsonl", fields = ["body"], label = "stars" }
        """
    )
    made = Gate(Options(root=tmp_path, cache=tmp_path / "cache", offline=True), Silent())
    for name in ("usual", "own"):
        model: Any = made.models["mine"][name]
        assert [(e.inputs, e.label) for e in model.training_examples] == [("fine", "good")]
