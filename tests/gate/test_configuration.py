from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.errors import ConfigurationError
from pytest_ood.gate.configuration import (
    Configuration,
    parse_configuration,
    parse_models,
    read_configuration,
)
from pytest_ood.inference.cluster import ClusterSettings
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.models import adapters
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import SeededModel, is_model
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


def refused(table: Any) -> str:
    """Return the message with which a configuration is refused, without its place."""
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(table, "p.toml")
    message = str(caught.value)
    assert message.startswith("p.toml: tool.pytest_ood"), "the message starts with the location"
    return message.removeprefix("p.toml: tool.pytest_ood")


def refused_models(tables: Any) -> str:
    """Return the message with which the tables of models are refused, without its place."""
    with pytest.raises(ConfigurationError) as caught:
        parse_models(tables, "p.toml")
    message = str(caught.value)
    assert message.startswith("p.toml: "), "the message starts with the file"
    return message.removeprefix("p.toml: ")


# The table itself.


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'x'\n", "[tool.pytest_ood]\n"])
def test_nothing_configured(tmp_path: Path, text: str | None) -> None:
    """Without a file, a table or a key everything has its default: the built-in demo."""
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    assert read_configuration(tmp_path) == Configuration()
    assert Configuration().suites == ("sentiment",)
    assert (Configuration().sequential, Configuration().correction) == (None, "holm")


def test_everything_configured(tmp_path: Path) -> None:
    """Every key of the table arrives."""
    (tmp_path / "pyproject.toml").write_text(
        """
[tool.pytest_ood]
suites = ["sentiment", "suites/mine.toml"]
seed = -3
max_examples = 50
alpha = 0.01
strict = true
sequential = false
correction = "benjamini-hochberg"
ray = { address = "10.0.0.1:6379", actors = 8, cpus = 4, gpus = 0.5, batch_size = 256 }
data = { "hub:sst2" = { data = "mine.tsv", fields = ["sentence"] }, "hub:x" = "x.csv" }
[tool.pytest_ood.models.always]
fake = "constant"
"""
    )
    assert read_configuration(tmp_path) == Configuration(
        suites=("sentiment", "suites/mine.toml"),
        models={"always": {"fake": "constant"}},
        seed=-3,
        max_examples=50,
        alpha=0.01,
        strict=True,
        sequential=False,
        correction="benjamini-hochberg",
        ray=ClusterSettings(address="10.0.0.1:6379", actors=8, cpus=4, gpus=0.5, batch_size=256),
        data={
            "hub:sst2": {"data": "mine.tsv", "fields": ("sentence",), "templates": {}},
            "hub:x": {"data": "x.csv"},
        },
    )


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ({}, ()),
        ({"trackers": ["wandb"]}, ("wandb",)),
        ({"mlflow": {}, "wandb": {"tags": ["a"]}}, ("mlflow", "wandb")),
        ({"trackers": ["wandb"], "mlflow": {"name": "n"}}, ("wandb",)),
        ({"trackers": [], "mlflow": {"tags": {"a": "b"}}}, ()),
    ],
)
def test_trackers_are_on_by_the_list_or_else_by_their_tables(
    table: dict[str, Any], names: tuple[str, ...]
) -> None:
    """The list decides where there is one; what the tables say is kept either way."""
    chosen = parse_configuration(table, "p.toml").trackers
    assert chosen.names == names
    assert chosen.options == {name: table[name] for name in ("mlflow", "wandb") if name in table}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"suite": ["a"]}, "unknown key 'suite'. Did you mean 'suites'?"),
        ({"data": "a.csv"}, "data = 'a.csv' is not a table"),
        ({"data": {"hub:x": {"dta": "a"}}}, "data.'hub:x': unknown key 'dta'. Did you mean 'data'"),
        ({"suites": "sentiment"}, "suites = 'sentiment' is not a list of strings"),
        ({"suites": [1]}, "suites = [1] is not a list of strings"),
        ({"models": ["roberta"]}, "models = ['roberta'] is not a table"),
        ({"seed": 1.0}, "seed = 1.0 is not a whole number"),
        ({"seed": True}, "seed = True is not a whole number"),
        ({"seed": "1"}, "seed = '1' is not a whole number"),
        ({"strict": 1}, "strict = 1 is neither true nor false"),
        ({"strict": "yes"}, "strict = 'yes' is neither true nor false"),
        ({"sequential": 1}, "sequential = 1 is neither true nor false"),
        ({"sequential": "auto"}, "sequential = 'auto' is neither true nor false"),
        ({"sequentiel": True}, "unknown key 'sequentiel'. Did you mean 'sequential'"),
        ({"correction": "hulm"}, "unknown correction 'hulm'. Did you mean 'holm'?"),
        (
            {"correction": "bonferroni"},
            "unknown correction 'bonferroni'. Known: benjamini-hochberg, holm, none.",
        ),
        ({"correction": False}, "unknown correction 'False'."),
        ({"correction": ["holm"]}, "unknown correction"),
        ({"alpha": 0}, "alpha = 0 is not a number inside (0, 0.5); 0.05 is usual"),
        ({"alpha": 0.5}, "alpha = 0.5 is not a number inside (0, 0.5); 0.05 is usual"),
        ({"alpha": 95.0}, "alpha = 95.0 is not a number inside (0, 0.5); 0.05 is usual"),
        ({"alpha": float("nan")}, "alpha = nan is not a number inside (0, 0.5); 0.05 is usual"),
        ({"alpha": "0.05"}, "alpha = '0.05' is not a number inside (0, 0.5); 0.05 is usual"),
        ({"max_examples": 0}, "max_examples = 0 is not a whole number of 1 or more"),
        ({"max_examples": True}, "max_examples = True is not a whole number of 1 or more"),
        ({"trackers": "mlflow"}, "trackers = 'mlflow' is not a list of strings"),
        ({"trackers": ["mlfow"]}, "unknown tracker 'mlfow'. Did you mean 'mlflow'?"),
        ({"mlflow": True}, "mlflow = True is not a table"),
        ({"mlflow": {"experment": "a"}}, "mlflow: unknown key 'experment'. Did you mean 'exper"),
        ({"mlflow": {"tags": ["a"]}}, "mlflow: tags = ['a'] is not of type Mapping"),
        ({"wandb": {"tags": "a"}}, "wandb: tags = 'a' is not of type list"),
        ({"wandb": {"project": 1}}, "wandb: project = 1 is not of type str"),
        ({"ray": "auto"}, "ray = 'auto' is not a table"),
        ({"ray": {"actor": 2}}, "ray: unknown key 'actor'. Did you mean 'actors'?"),
        ({"ray": {"actors": 0}}, "ray: actors = 0 is not a whole number of 1 or more"),
        ({"ray": {"batch_size": 1.5}}, "ray: batch_size = 1.5 is not a whole number of 1 or"),
        ({"ray": {"cpus": "2"}}, "ray: cpus = '2' is not a number of 0 or more"),
        ({"ray": {"cpus": 0}}, "ray: cpus = 0: an actor needs at least a fraction of one"),
        ({"ray": {"gpus": -1}}, "ray: gpus = -1 is not a number of 0 or more"),
        ({"ray": {"gpus": True}}, "ray: gpus = True is not a number of 0 or more"),
        ({"ray": {"gpus": float("nan")}}, "ray: gpus = nan is not a number of 0 or more"),
        ({"ray": {"address": 6379}}, "ray: address = 6379 is not the address of a cluster"),
    ],
)
def test_a_wrong_configuration_is_refused(table: dict[str, Any], message: str) -> None:
    """A wrong key or value is a usage error that names file, key and value."""
    assert message in refused(table)


@pytest.mark.parametrize(
    "content",
    [b"[tool", b"[tool.pytest_ood]\nseed = \xe9", b"[tool.pytest_ood]\nseed = " + b"9" * 5000],
    ids=["no TOML", "no UTF-8", "a long number"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    """A broken pyproject.toml is a usage error that names it."""
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'pyproject.toml'} cannot be read: ")


def test_an_error_in_the_file_names_it(tmp_path: Path) -> None:
    """The whole path stands before what is wrong."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest_ood]\nsede = 3\n")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(tmp_path)
    path = tmp_path / "pyproject.toml"
    assert str(caught.value).startswith(f"{path}: tool.pytest_ood: unknown key 'sede'.")


@pytest.mark.parametrize(
    "text", ["tool = 3\n", "[tool]\npytest_ood = 3\n", '[tool]\npytest_ood = "sentiment"\n']
)
def test_a_value_in_place_of_the_table_is_refused(tmp_path: Path, text: str) -> None:
    """A value where a table belongs is a usage error that says so."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError, match="is not a table"):
        read_configuration(tmp_path)


# Models.


def test_a_model_is_checked_but_not_built() -> None:
    """A table gives name, adapter, source, options and whether it is the baseline."""
    tables = {
        "roberta": {"finetuned": "roberta-base", "train": "train.jsonl", "epochs": 3},
        "assistant": {"prompted": "hf:x/y", "prompt": "p.txt", "shots": 4, "baseline": False},
    }
    roberta, assistant = parse_models(tables, "p.toml")
    assert (roberta.name, roberta.adapter, roberta.source) == (
        "roberta", "finetuned", "roberta-base",
    )  # fmt: skip
    assert roberta.options == {"train": "train.jsonl", "epochs": 3}
    assert not roberta.baseline
    assert assistant.options == {"prompt": "p.txt", "shots": 4}


def test_the_baseline_comes_first() -> None:
    """The baseline is moved to the front; the others keep their order."""
    tables = {name: {"fake": "constant", "baseline": name == "c"} for name in "abcd"}
    specs = parse_models(tables, "p.toml")
    assert [spec.name for spec in specs] == ["c", "a", "b", "d"]
    assert [spec.baseline for spec in specs] == [True, False, False, False]


def test_two_baselines_are_refused() -> None:
    """There is one baseline; the message names all that claim to be."""
    tables = {name: {"fake": "constant", "baseline": True} for name in ("one", "two")}
    message = refused_models(tables)
    assert message == "one and two are marked as the baseline; keep one"


def test_no_model_is_allowed() -> None:
    """Without tables there are no models; those of the suite are taken."""
    assert parse_models({}, "p.toml") == ()


@pytest.mark.parametrize("name", ["a/b", "a b", "a[0]", "a:b", "a\\b", "", "a\nb", "a\x1b"])
def test_a_model_s_name_has_no_separator(name: str) -> None:
    """A name that would break ids, paths or selections is refused."""
    message = refused_models({name: {"fake": "constant"}})
    assert "a name is not empty and has no space and none of / \\ [ ] :" in message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("roberta-base", "models: m = 'roberta-base' is not a table"),
        ({}, "models.m: exactly one of "),
        ({"fake": "constant", "sklearn": "a.joblib"}, "not fake and sklearn."),
        ({"finetunde": "x"}, "not none. unknown key 'finetunde'. Did you mean 'finetuned'?"),
        ({"fake": 3}, "models.m: fake = 3 is not a string"),
        ({"fake": "constant", "baseline": "yes"}, "baseline = 'yes' is neither true nor false"),
        ({"fake": "constant", "wrods": {}}, "unknown key 'wrods'. Did you mean 'words'?"),
        ({"fake": "constant", "words": []}, "words = [] is not of type Mapping"),
        ({"fake": "constant", "paradigm": 1}, "paradigm = 1 is not of type str"),
        ({"prompted": "x"}, "models.m: the key 'prompt' is missing"),
        ({"prompted": "x", "prompt": "p", "shots": "4"}, "shots = '4' is not of type int"),
        ({"prompted": "x", "prompt": "p", "shots": True}, "shots = True is not of type int"),
        ({"prompted": "x", "prompt": "p", "calibrate": 1}, "calibrate = 1 is not of type bool"),
        ({"finetuned": "x", "epochs": "2"}, "epochs = '2' is not of type float"),
        ({"finetuned": "x", "batch_size": 2.5}, "batch_size = 2.5 is not of type int"),
        ({"finetuned": "x", "seeds": 0}, "seeds = 0 is not a whole number of 1 or more"),
        ({"finetuned": "x", "seeds": 2.0}, "seeds = 2.0 is not a whole number of 1 or more"),
        ({"finetuned": "x", "seeds": True}, "seeds = True is not a whole number of 1 or more"),
        ({"finetuned": "x", "seed": 3}, "unknown key 'seed'"),
        (
            {"fake": "random", "seeds": 2},
            "seeds = 2: a model of the kind 'fake' has no seed of its own; finetuned and litellm "
            "and openai and prompted models have",
        ),
        ({"replay": "a.csv", "seeds": 3}, "a model of the kind 'replay' has no seed of its own"),
        ({"finetuned": "x", "context": 1}, "unknown key 'context'"),
        ({"finetuned": "x", "source": 1}, "unknown key 'source'"),
    ],
    ids=str,
)
def test_a_wrong_model_is_refused(table: Any, message: str) -> None:
    """A wrong key or value of a model is a usage error that names place, key and value."""
    got = refused_models({"m": table})
    assert got.startswith("models")
    assert message in got


@pytest.mark.parametrize("value", [2, 2.5])
def test_a_whole_number_is_a_number(value: float) -> None:
    """Where a float is wanted a whole number will do."""
    (spec,) = parse_models({"m": {"finetuned": "x", "epochs": value}}, "p.toml")
    assert spec.options == {"epochs": value}


@pytest.mark.parametrize("adapter", adapters())
def test_every_adapter_is_known(adapter: str) -> None:
    """Every adapter is listed where none is named, and its options can be asked for."""
    assert adapter in refused_models({"m": {}})
    message = refused_models({"m": {adapter: "x", "no-such-option": 1}})
    assert "unknown key 'no-such-option'" in message
    assert "baseline" in message


@pytest.mark.parametrize(
    "table", [{"baseline": True, "finetunde": "x"}, {"train": "x", "finetunde": "x"}]
)
def test_the_guess_is_about_the_wrong_key(table: dict[str, Any]) -> None:
    """Where the adapter's key is misspelt the message offers the right one, not another's."""
    message = refused_models({"m": table})
    assert "unknown key 'finetunde'. Did you mean 'finetuned'?" in message


def test_a_model_is_built(tmp_path: Path) -> None:
    """Building hands name, labels, source and options to the adapter."""
    table = {"fake": "keyword", "words": {"yes": ["good"]}, "paradigm": "prompted"}
    (spec,) = parse_models({"mine": table}, "p.toml")
    reader = Reader(root=tmp_path, cache=tmp_path / "cache", offline=True, progress=Silent())
    model = spec.build(Classification(("no", "yes")), reader, tmp_path / "cache")
    assert model == FakeModel("mine", "keyword", ("no", "yes"), {"yes": ["good"]}, "prompted")
    assert is_model(model)
    assert list(tmp_path.iterdir()) == []


def test_a_value_the_adapter_refuses_is_named(tmp_path: Path) -> None:
    """What only the adapter can check is refused when the model is built."""
    (spec,) = parse_models({"mine": {"fake": "constnt"}}, "p.toml")
    reader = Reader(root=tmp_path, cache=tmp_path / "cache", offline=True, progress=Silent())
    with pytest.raises(ConfigurationError, match=r"'constnt'\. Did you mean 'constant'"):
        spec.build(Classification(("no", "yes")), reader, tmp_path / "cache")


def test_one_seed_is_no_seed_at_all() -> None:
    """Any model may say that it has one seed; the others are options of the configuration alone."""
    tables = {
        "once": {"fake": "constant", "seeds": 1},
        "often": {"finetuned": "x", "train": "a.csv", "seeds": 4, "train_seed": 9},
        "plain": {"finetuned": "x"},
    }
    specs = {spec.name: spec for spec in parse_models(tables, "p.toml")}
    assert {name: spec.seeds for name, spec in specs.items()} == {"once": 1, "often": 4, "plain": 1}
    assert specs["often"].options == {"train": "a.csv", "train_seed": 9}


def test_facts_of_a_model_can_be_stated() -> None:
    """Any model may state its size; what is an option of the adapter's own stays one."""
    tables = {
        "hosted": {"openai": "gpt-3", "prompt": "{text}", "shots": 2, "size": 175e9},
        "recorded": {"replay": "a.csv", "shots": 4, "training_examples": 0},
        "plain": {"fake": "constant"},
    }
    specs = {spec.name: spec for spec in parse_models(tables, "p.toml")}
    assert specs["hosted"].stated == {"size": 175_000_000_000}
    assert specs["hosted"].options == {"prompt": "{text}", "shots": 2}
    assert specs["recorded"].stated == {"shots": 4, "training_examples": 0}
    assert specs["recorded"].options == {}
    assert specs["plain"].stated == {}


@pytest.mark.parametrize(
    ("key", "value", "least"),
    [("size", 0, 1), ("size", "175B", 1), ("size", True, 1), ("size", float("inf"), 1),
     ("size", float("nan"), 1), ("size", 1.5, 1), ("training_examples", -1, 0)],
)  # fmt: skip
def test_a_fact_is_a_whole_number(key: str, value: Any, least: int) -> None:
    """The message names the key, the value and what it may be."""
    message = refused_models({"m": {"fake": "constant", key: value}})
    assert message.startswith(
        f"models.m: {key} = {value!r} is not a whole number of {least} or more, such as 1000"
    )


def test_members_differ_in_their_seed_alone(tmp_path: Path) -> None:
    """Building a model with seeds counts up from its own seed, and trains or loads nothing."""
    (tmp_path / "train.csv").write_text("text,label\ngood,yes\nbad,no\n")
    table = {"finetuned": "new:roberta", "train": "train.csv", "seeds": 3, "train_seed": 4}
    (spec,) = parse_models({"m": table}, "p.toml")
    reader = Reader(root=tmp_path, cache=tmp_path / "cache", offline=True, progress=Silent())
    model = spec.build(Classification(("no", "yes")), reader, tmp_path / "cache")
    assert isinstance(model, SeededModel)
    assert [member.name for member in model.members] == ["m", "m#1", "m#2"]
    (plain,) = parse_models({"m": {**table, "seeds": 1}}, "p.toml")
    alone = plain.build(Classification(("no", "yes")), reader, tmp_path / "cache")
    assert dict(model.members[0].parameters) == dict(alone.parameters)
    others = [{**member.parameters, "train_seed": 4} for member in model.members]
    assert others == [alone.parameters] * 3
    assert [member.parameters["train_seed"] for member in model.members] == [4, 5, 6]
    assert not (tmp_path / "cache").exists()


def test_a_baseline_can_be_trained_elsewhere() -> None:
    """A model that is trained here can be trained on other data, once; another cannot."""
    tables = {
        "tuned": {"finetuned": "x", "train": "a.csv", "seeds": 3, "baseline": True},
        "ready": {"finetuned": "x"},
    }
    tuned, ready = parse_models(tables, "p.toml")
    other = tuned.trained_on(DataSource(data="b.csv"), "tuned-on-b")
    assert other is not None
    assert (other.name, other.seeds, other.options["train"]) == (
        "tuned-on-b", 1, DataSource(data="b.csv"),
    )  # fmt: skip
    assert ready.trained_on(DataSource(data="b.csv"), "ready-on-b") is None
