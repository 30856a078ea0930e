from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from parquet_files import parquet

from pytest_ood import Dataset
from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.gate.gate import Gate, Options
from pytest_ood.loading.formats import suffix_of
from pytest_ood.loading.readers import DataSource
from pytest_ood.models import adapter, adapters
from pytest_ood.shifts import DomainShift
from pytest_ood.utils.progress import Silent

WORDS = {"neg": "dreadful", "pos": "wonderful"}


def table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def reviews(noun: str, count: int = 40) -> list[list[object]]:
    """Return rows of a number, a text and a label."""
    labels = ["neg", "pos"]
    return [
        [n, f"The {noun}, number {n}, was {WORDS[labels[n % 2]]}.", labels[n % 2]]
        for n in range(count)
    ]


@pytest.fixture
def project(tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Make a folder with two labelled files, and work in it."""
    table(tmp_path / "reviews.csv", ["number", "review", "sentiment"], reviews("film"))
    table(tmp_path / "tweets.csv", ["number", "review", "sentiment"], reviews("day"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(root: Path) -> Gate:
    """Return what a run would check."""
    return Gate(Options(root=root, cache=root / "cache", offline=True), Silent())


def left(root: Path) -> list[str]:
    """Return every file there is but for the data."""
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.endswith(".csv"))


def test_what_is_written_is_a_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Columns, labels and shifts are found, said and configured; data is split for training."""
    assert main(["init", "--data", "reviews.csv", "--out-of-distribution", "tweets.csv"]) == 0
    out = capsys.readouterr().out
    assert "reviews.csv: 40 examples, text in review, label in sentiment; neg 20, pos 20" in out
    assert "half of reviews.csv is for training" in out
    assert left(project) == [
        "conftest.py", "ood_models.py", "pyproject.toml", "suites/data/reviews-test.jsonl",
        "suites/data/reviews-train.jsonl", "suites/reviews.toml",
    ]  # fmt: skip
    made = gate(project)
    assert {check.path for check in made.checks} == {
        "reviews/in-distribution", "reviews/domain/tweets", "reviews/noise/keyboard",
        "reviews/noise/ocr", "reviews/noise/misspelling",
        "reviews/adversarial/greedy-characters",
    }  # fmt: skip
    assert list(made.models["reviews"]) == ["tfidf"]
    parts = [
        [json.loads(line)["review"] for line in path.read_text().splitlines()]
        for path in sorted((project / "suites" / "data").iterdir())
    ]
    assert sorted(parts[0] + parts[1]) == sorted(str(row[1]) for row in reviews("film"))


def test_training_data_of_one_s_own_leaves_the_data_whole(project: Path) -> None:
    """With --train nothing is split, and the suite reads the file that was named."""
    table(project / "train.csv", ["review", "sentiment"], [r[1:] for r in reviews("book")])
    assert main(["init", "--data", "reviews.csv", "--train", "train.csv"]) == 0
    assert not (project / "suites" / "data").exists()
    suite = tomllib.loads((project / "suites" / "reviews.toml").read_text())
    assert suite["in_distribution"] == {
        "data": "reviews.csv", "fields": ["review"], "label": "sentiment",
    }  # fmt: skip
    assert gate(project).models["reviews"]["tfidf"].source == "ood_models:tfidf, fitted here"


def test_a_pyproject_is_kept_and_appended_to(project: Path) -> None:
    """What stands there stays, byte for byte, before the new tables."""
    before = '# mine\n[project]\nname = "x"\nversion = "1"\n\n[tool.other]\nkey = 1'
    (project / "pyproject.toml").write_text(before)
    assert main(["init", "--data", "reviews.csv"]) == 0
    text = (project / "pyproject.toml").read_text()
    assert text.startswith(before + "\n\n[tool.pytest_ood]")
    assert tomllib.loads(text)["tool"]["other"] == {"key": 1}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("conftest.py", "", "conftest.py (--no-conftest leaves it as it is)"),
        ("ood_models.py", "", "ood_models.py (rename or delete it)"),
        ("suites/reviews.toml", "", "suites/reviews.toml (--suite NAME names another)"),
        ("pyproject.toml", "[tool.pytest_ood]\n", "has a table [tool.pytest_ood] already"),
        ("pyproject.toml", "tool = 3\n", "a table [tool.pytest_ood] cannot be added to it"),
        ("pyproject.toml", "[tool\n", "a table [tool.pytest_ood] cannot be added to it"),
    ],
)
def test_nothing_is_replaced(
    file: str, text: str, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there is named with what to do, and nothing else is written either."""
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).write_text(text)
    assert main(["init", "--data", "reviews.csv"]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert left(project) == [file]
    assert (project / file).read_text() == text


def test_a_folder_that_cannot_be_written_gets_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where one file cannot be written, none of the others stays."""
    (project / "suites").write_text("a file, not a folder")
    assert main(["init", "--data", "reviews.csv"]) == USAGE_ERROR
    assert "cannot be written" in capsys.readouterr().err
    assert left(project) == ["suites"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say which data: --data FILE"),
        (["--data", "none.csv"], "none.csv: there is no such file"),
        (["--data", "data.xml"], "unknown kind of data file '.xml'"),
        (["--data", "empty.csv"], "empty.csv: there is no row in it"),
        (["--data", "one.csv"], "every label in 'label' is 'pos'; a task has two or more"),
        (
            ["--data", "reviews.csv", "--text-column", "reviw"],
            "--text-column: unknown column 'reviw'. Did you mean 'review'? "
            "Known: number, review, sentiment.",
        ),
        (["--data", "reviews.csv", "--label-column", "stars"], "unknown column 'stars'"),
        (["--data", "reviews.csv", "--label-column", "review", "--text-column", "review"],
         "the column 'review' is given as text and as label"),
        (["--data", "plain.csv"], "the label column cannot be detected"),
        (["--data", "numbers.csv"], "the text column cannot be detected"),
        (["--data", "many.csv"], "the column 'label' has 150 different values, too many"),
        (["--data", "reviews.csv", "--out-of-distribution", "other.csv"],
         "unknown label 'great'. Known: neg, pos"),
        (["--data", "reviews.csv", "--train", "one.csv"], "no example of the label 'neg'"),
        (["--data", "reviews.csv", "--model", "bert"], "unknown kind of model 'bert'"),
        (["--data", "reviews.csv", "--model", "openai"], "openai takes one name more"),
        (["--data", "reviews.csv", "--model", "tfidf", "x"], "tfidf takes nothing more"),
        (["--data", "reviews.csv", "--model", "hf", "nowhere"], "there is no folder"),
        (["--data", "reviews.csv", "--model", "hf", "bare"], "holds no config.json"),
        (["--data", "reviews.csv", "--model", "sklearn", "mine:model"], "no module 'mine'"),
        (["--data", "reviews.csv", "--model", "prompted", "asset:smol"], "unknown model asset"),
        (["--data", "reviews.csv", "--model", "hf", "classifier"],
         "its labels are LABEL_0, LABEL_1, and those of the data neg, pos"),
        (["--data", "reviews.csv", "--model-label", "x"], "not of the form THEIRS=YOURS"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told(
    arguments: list[str], message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what there is; nothing is written."""
    (project / "data.xml").write_text("<a/>")
    (project / "empty.csv").write_text("text,label\n")
    table(project / "one.csv", ["text", "label"], [["a film", "pos"], ["another", "pos"]])
    table(project / "plain.csv", ["text"], [["a film"], ["another film"]])
    table(project / "numbers.csv", ["a", "b"], [[1, 2], [3, 4]])
    table(project / "many.csv", ["text", "label"], [[f"film {n}", n] for n in range(150)])
    table(project / "other.csv", ["review", "sentiment"], [["a film", "great"]])
    save_config(project / "classifier", "BertForSequenceClassification")
    (project / "bare").mkdir()
    before = left(project)
    assert main(["init", *arguments]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert left(project) == before


def save_config(folder: Path, architecture: str, **more: object) -> None:
    """Write what a saved model's folder says of itself."""
    folder.mkdir()
    config = {"architectures": [architecture], "model_type": "bert", **more}
    (folder / "config.json").write_text(json.dumps(config))


def test_a_saved_model_tells_what_it_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A classifier is evaluated, an encoder fine-tuned, an LLM prompted; the first is baseline."""
    save_config(project / "sure", "BertForSequenceClassification")
    save_config(project / "encoder", "BertModel")
    save_config(project / "llm", "LlamaForCausalLM")
    arguments = ["--model", "hf", "sure", "--model", "hf", "encoder", "--model", "hf", "llm",
                 "--model-label", "LABEL_0=neg", "--model-label", "LABEL_1=pos"]  # fmt: skip
    assert main(["init", "--data", "reviews.csv", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == ["neg", "pos"]
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    assert tool["models"]["sure"] == {
        "finetuned": "sure", "labels": {"LABEL_0": "neg", "LABEL_1": "pos"}, "baseline": True,
    }  # fmt: skip
    assert tool["models"]["encoder"]["train"] == "suites/data/reviews-train.jsonl"
    assert tool["models"]["llm"]["prompted"] == "llm"
    assert tool["models"]["llm"]["shots"] == 4
    assert list(gate(project).models["reviews"]) == ["sure", "encoder", "llm"]
    assert "margin = 0.05" in (project / "suites" / "reviews.toml").read_text()


def test_an_adapter_of_peft_tells_its_task(project: Path) -> None:
    """A classifier is evaluated, an LLM prompted; what labels stand for can be said."""
    for name, task in (("lora", "SEQ_CLS"), ("chat", "CAUSAL_LM")):
        (project / name).mkdir()
        settings = {"peft_type": "LORA", "task_type": task, "base_model_name_or_path": "base"}
        (project / name / "adapter_config.json").write_text(json.dumps(settings))
    command = ["init", "--data", "reviews.csv", "--model", "hf", "lora", "--model", "hf", "chat",
               "--model-label", "LABEL_0=neg", "--model-label", "LABEL_1=pos"]  # fmt: skip
    assert main(command) == 0
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    assert tool["models"]["lora"]["finetuned"] == "lora"
    assert tool["models"]["lora"]["labels"] == {"LABEL_0": "neg", "LABEL_1": "pos"}
    assert tool["models"]["chat"]["prompted"] == "chat"


VALUES = {
    "callable": "own_models:answer",
    "fake": "constant",
    "finetuned": "sure",
    "onnx": "exported",
    "openai": "gpt-x",
    "prompted": "llm",
    "replay": "answers.csv",
    "sklearn": "own_models:pipeline",
}
"""A model of each adapter that is in the folder of `test_every_adapter_is_a_kind_of_model`."""


@pytest.mark.parametrize("name", adapters())
def test_every_adapter_is_a_kind_of_model(name: str, project: Path) -> None:
    """What is written is a project with that model; another adapter's value is its example's."""
    labels = {"id2label": {0: "neg", 1: "pos"}}
    save_config(project / "sure", "BertForSequenceClassification", **labels)
    save_config(project / "llm", "LlamaForCausalLM")
    save_config(project / "exported", "BertForSequenceClassification", **labels)
    (project / "exported" / "model.onnx").write_bytes(b"")
    (project / "answers.csv").write_text("shift,id,answer\ntweets,r1,neg\n")
    (project / "own_models.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "pipeline = LogisticRegression()\ndef answer(texts):\n    return ['neg' for _ in texts]\n"
    )
    example = tomllib.loads(adapter(name).EXAMPLE)["tool"]["pytest_ood"]["models"]
    (model,) = example.values()
    value = VALUES.get(name, model.get(name))
    first = next(iter(value.values())) if isinstance(value, dict) else value
    assert main(["init", "--data", "reviews.csv", "--model", name, first]) == 0
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    (written,) = tool["models"].values()
    key = {"openai": "prompted"}.get(name, name)
    assert first in str(written[key])
    assert len(gate(project).models["reviews"]) == 1


def test_an_export_tells_what_it_is(project: Path) -> None:
    """A folder with an ONNX export, and no weights of torch."""
    save_config(project / "exported", "BertForSequenceClassification")
    (project / "exported" / "model.onnx").write_bytes(b"")
    assert main(["init", "--data", "reviews.csv", "--model", "hf", "exported"]) == 0
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    assert tool["models"] == {"exported": {"onnx": "exported"}}


def test_optional_keys_of_an_example_are_comments(project: Path) -> None:
    """What an adapter needs is written, and what it may have can be filled in."""
    (project / "own_models.py").write_text(
        "def answer(texts):\n    return ['neg' for _ in texts]\n"
    )
    command = ["init", "--data", "reviews.csv", "--model", "callable", "own_models:answer"]
    assert main(command) == 0
    lines = (project / "pyproject.toml").read_text().splitlines()
    assert lines[-2:] == ['callable = "own_models:answer"', '# fingerprint = "v1"']


def test_what_is_like_the_suite_is_not_repeated(project: Path) -> None:
    """Other data says what differs: columns, the separator, the encoding."""
    table(project / "train.csv", ["number", "review", "sentiment"], reviews("book"))
    text = (project / "tweets.csv").read_text()
    (project / "tweets.csv").write_text(text.replace(",", ";"), encoding="utf-8")
    command = ["init", "--data", "reviews.csv", "--id-column", "number", "--train", "train.csv",
               "--out-of-distribution", "tweets.csv"]  # fmt: skip
    assert main(command) == 0
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    assert tool["models"]["tfidf"]["train"] == "train.csv"
    suite = tomllib.loads((project / "suites" / "reviews.toml").read_text())
    assert suite["shifts"]["domain"]["tweets"] == {"data": "tweets.csv", "separator": ";"}
    made = gate(project)
    data = made.evaluators["reviews"].data
    assert len(data.in_distribution()) == 40
    assert [len(data.target(shift)) for shift in made.evaluators["reviews"].suite.shifts[:1]] == [
        40
    ]
    assert made.models["reviews"]["tfidf"].predict(["a day"])[0].label in ("neg", "pos")  # type: ignore[union-attr] # no recording


def test_a_separator_of_the_suite_is_not_that_of_other_files(project: Path) -> None:
    """Data with semicolons and training data with commas are both read."""
    table(project / "train.csv", ["review", "sentiment"], [r[1:] for r in reviews("book")])
    path = project / "reviews.csv"
    path.write_text(path.read_text().replace(",", ";"))
    assert main(["init", "--data", "reviews.csv", "--train", "train.csv"]) == 0
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    assert tool["models"]["tfidf"]["train"] == {"data": "train.csv", "separator": ","}
    model = gate(project).models["reviews"]["tfidf"]
    assert model.predict(["a book"])[0].label in ("neg", "pos")  # type: ignore[union-attr] # no recording


def test_ten_labels_are_printed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of more labels their number; the suite has all."""
    rows = [[f"ask for number {n}", f"intent-{n % 77:02}"] for n in range(77 * 20)]
    table(project / "intents.csv", ["text", "intent"], rows)
    assert main(["init", "--data", "intents.csv", "--label-column", "intent"]) == 0
    out = capsys.readouterr().out
    assert "intent-00 20, intent-01 20, " in out
    assert "intent-09 20 and 67 more" in out
    assert "intent-10" not in out
    suite = tomllib.loads((project / "suites" / "intents.toml").read_text())
    assert len(suite["labels"]) == 77


def test_a_model_behind_an_api_is_capped(project: Path) -> None:
    """Its key is named, never asked for, and requests have a cap; no data is split for it."""
    assert (
        main(["init", "--data", "reviews.csv", "--model", "openai", "gpt-x", "--suite", "a b"]) == 0
    )
    tool = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["pytest_ood"]
    model = tool["models"]["gpt-x"]
    assert model["prompted"] == "openai:gpt-x"
    assert model["api_key"] == "OPENAI_API_KEY"
    assert model["max_requests"] == 10000
    assert model["prompt"].endswith("Text: {text}\nLabel:")
    assert tool["suites"] == ["suites/a-b.toml"]
    assert list(gate(project).models["a-b"]) == ["gpt-x"]


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_odd_names_and_several_fields(project: Path, suffix: str) -> None:
    """Quotes, spaces and two fields come through; the fixture reads what the suite reads."""
    rows = [
        {"premise a": f"it is {n}", 'the "other"': f'say "{n}"', "gold": n % 2} for n in range(30)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (project / f"my data.{suffix}").write_text(json.dumps(rows) if suffix == "json" else lines)
    arguments = ["--text-column", "premise a", "--text-column", 'the "other"', "--label-column",
                 "gold"]  # fmt: skip
    assert main(["init", "--data", f"my data.{suffix}", *arguments]) == 0
    made = gate(project)
    examples = made.evaluators["my-data"].data.in_distribution()
    assert examples.labels == ("0", "1")
    namespace: dict[str, object] = {"__file__": str(project / "conftest.py")}
    exec(compile((project / "conftest.py").read_text(), "conftest", "exec"), namespace)  # noqa: S102 - what was written
    fixture = namespace["my_data"]
    pairs = fixture.__wrapped__()  # type: ignore[attr-defined] # the function of the fixture
    assert sorted(map(str, pairs)) == sorted(str((dict(e.inputs), e.label)) for e in examples)  # type: ignore[arg-type] # two fields


def test_ids_that_repeat_are_left_out(project: Path) -> None:
    """A column `id` is taken where its values are unique, and ids come of the content elsewhere."""
    for name, ids in (("good", range(40)), ("bad", [7] * 40)):
        rows = [[i, *row[1:]] for i, row in zip(ids, reviews("film"), strict=True)]
        table(project / f"{name}.csv", ["id", "text", "label"], rows)
        arguments = ["--data", f"{name}.csv", "--train", "reviews.csv", "--no-conftest"]
        assert main(["init", *arguments]) == 0
        suite = tomllib.loads((project / "suites" / f"{name}.toml").read_text())
        assert suite["in_distribution"].get("id") == ("id" if name == "good" else None)
        for path in ("pyproject.toml", "ood_models.py"):
            (project / path).unlink()


class Terminal(io.StringIO):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_is_asked(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions suggest what was found, and are asked again after an answer that cannot be."""
    monkeypatch.setattr(
        sys, "stdin", Terminal("nowhere.csv\nreviews.csv\nsent\nsentiment\ntweets.csv\n\nbert\n\n")
    )
    assert main(["init", "--text-column", "review"]) == 0
    err = capsys.readouterr().err
    assert "there is no file" in err
    assert "reviews.csv has the columns number, review, sentiment" in err
    assert "Label column [sentiment]: ood: one of number, review, sentiment" in err
    assert "Model [tfidf]: ood: one of tfidf, hf, " in err
    assert all(name in err.partition("one of tfidf, hf, ")[2] for name in adapters())
    assert "reviews/domain/tweets" in {check.path for check in gate(project).checks}


def test_answers_that_end_early_write_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-D is an answer, too."""
    monkeypatch.setattr(sys, "stdin", Terminal("reviews.csv\n"))
    assert main(["init"]) == USAGE_ERROR
    assert "the answers end here; nothing was written" in capsys.readouterr().err
    assert left(project) == []


FORMS = {
    "csv.gz": {}, "tsv": {}, "jsonl.gz": {}, "json": {}, "ndjson": {}, "parquet": {},
    "csv": {"separator": ";"}, "CSV": {"separator": "|", "encoding": "utf-16"},
    "json.gz": {"encoding": "latin-1"},
}  # fmt: skip


def written(path: Path, rows: list[dict[str, Any]], separator: str, encoding: str) -> None:
    """Write rows in the form that a file's name says."""
    suffix = suffix_of(path.name)
    if suffix == ".parquet":
        path.write_bytes(parquet(rows))
        return
    if suffix in (".csv", ".tsv"):
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
        text = stream.getvalue()
    elif suffix == ".json":
        text = json.dumps(rows, ensure_ascii=False)
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    content = text.encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def fixture_pairs(root: Path, name: str) -> list[Any]:
    """Return what the fixture of the written conftest.py returns."""
    namespace: dict[str, Any] = {"__file__": str(root / "conftest.py")}
    exec(compile((root / "conftest.py").read_text(), "conftest", "exec"), namespace)  # noqa: S102 - what was written
    pairs: list[Any] = namespace[name].__wrapped__()
    return pairs


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("labels", ["text", "numbers", "truths"])
def test_every_kind_of_file_becomes_a_project(project: Path, suffix: str, labels: str) -> None:
    """The suite, and the fixture of the conftest, read what there is in any form."""
    kinds: dict[str, tuple[Any, Any]] = {
        "text": ("bad", "good"), "numbers": (0, 1), "truths": (False, True),
    }  # fmt: skip
    rows = [
        {"body": f"caf\u00e9 {n}, {WORDS['pos' if n % 2 else 'neg']}", "gold": kinds[labels][n % 2]}
        for n in range(40)
    ]
    form = FORMS[suffix]
    usual = "\t" if suffix == "tsv" else ","
    for name in ("mine", "test"):
        path = project / f"{name}.{suffix}"
        written(path, rows, form.get("separator", usual), form.get("encoding", "utf-8"))
    options = ["--encoding", form["encoding"]] if "encoding" in form else []
    arguments = ["--data", f"mine.{suffix}", "--out-of-distribution", f"test.{suffix}", *options,
                 "--train", f"test.{suffix}"]  # fmt: skip
    assert main(["init", *arguments]) == 0
    made = gate(project)
    examples = made.evaluators["mine"].data.in_distribution()
    assert len(examples) == 40
    suite = made.evaluators["mine"].suite
    other = suite.shifts[0]
    assert isinstance(other, DomainShift)
    assert isinstance(other.source, DataSource)
    assert len(made.reader.load(other.source, "other", suite.task)) == 40
    fixture = Dataset.from_pairs("d", fixture_pairs(project, "mine"))
    expected = sorted((example.inputs, example.label) for example in examples)
    assert sorted((example.inputs, example.label) for example in fixture) == expected
    assert len(list(made.models["mine"]["tfidf"].training_examples)) == 40  # type: ignore[union-attr] # it is trained


def test_named_classes_become_a_project(project: Path) -> None:
    """Classes that a Parquet file names are the labels of the suite and of the fixture."""
    rows = [{"text": f"a text, {n}", "label": n % 2} for n in range(30)]
    (project / "mine.parquet").write_bytes(parquet(rows, {"label": ["bad", "good"]}))
    assert main(["init", "--data", "mine.parquet"]) == 0
    assert gate(project).evaluators["mine"].data.in_distribution().labels == ("bad", "good")
    assert {label for _, label in fixture_pairs(project, "mine")} == {"bad", "good"}


def test_columns_are_found_with_another_separator(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a word on columns, the one sign that gives several columns is taken."""
    rows = "".join(f"a film, number {n}, was {n % 2};{n % 2}\n" for n in range(30))
    (project / "own.csv").write_text("text;label\n" + rows)
    assert main(["init", "--data", "own.csv"]) == 0
    assert (
        "own.csv: 30 examples, text in text, label in label; 0 15, 1 15" in capsys.readouterr().out
    )
    suite = tomllib.loads((project / "suites" / "own.toml").read_text())
    assert suite["in_distribution"]["data"] == "suites/data/own-test.jsonl"
    assert "separator" not in suite["in_distribution"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK", "save the sheet as CSV"),
        ("a.csv.gz", b"text,label\n", "it is not compressed by gzip"),
        ("a.csv", b"text,label\n\xff,1\n", "line 2: byte 0xff is not valid UTF-8"),
        ("a.csv", b'text,label\n"a,1\n', "line 2: the quote that opens here is never closed"),
        ("a.parquet", b"", "not a Parquet file that can be read"),
        (
            "a.csv",
            b"text,label\na,-1\nb c,-1\n",
            "is '-1', which commonly means that a row is unlabelled",
        ),
    ],
)
def test_files_that_cannot_be_used_write_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, message: str
) -> None:
    """What is wrong with a file is told in one line, and nothing is written."""
    (project / name).write_bytes(content)
    before = left(project)
    assert main(["init", "--data", name]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert left(project) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoding", "utf-99"], "encoding = 'utf-99' is no encoding that Python knows"),
        (["--separator", "ab"], "separator = 'ab' is not one character"),
    ],
)
def test_a_form_that_there_is_not_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """An encoding or a separator that there is not is a usage error."""
    assert main(["init", "--data", "reviews.csv", *options]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    (project / "t.txt").write_text("a text\n")
    assert main(["perturb", "swap", "t.txt", *options]) == USAGE_ERROR
    assert message in capsys.readouterr().err
