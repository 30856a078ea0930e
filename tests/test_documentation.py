from __future__ import annotations

import csv
import inspect
import json
import re
import shlex
import shutil
import sys
import tomllib
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest
from checkpoints import export
from faulty_server import serving

from pytest_ood.gate.configuration import Configuration, parse_models
from pytest_ood.loading.readers import SOURCE_KEYS, DataSource, Reader
from pytest_ood.models import adapter, adapters
from pytest_ood.models.protocol import is_estimable, is_model
from pytest_ood.perturbations import catalogue
from pytest_ood.perturbations.adversarial import attacks
from pytest_ood.reports.wording import VERDICT_WORDS
from pytest_ood.shifts import DomainShift
from pytest_ood.suite.suite import parse_suite
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```\n", re.DOTALL
)
NOTES = (
    "adds: ",  # by tests/test_extension.py
    "file: ",
    "collection: ",
    "run",
    "shown: ",
    "run by hand",
    "run by .ci/run",
)


@dataclass(frozen=True)
class Block:
    """A code block of a document, and the comment above it that says what it is."""

    note: str
    language: str
    code: str


def blocks(name: str) -> list[Block]:
    """Return the code blocks of a document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [Block(m["note"] or "", m["language"], m["code"]) for m in BLOCK.finditer(text)]


def rows(count: int, noun: str, start: int = 0) -> str:
    """Return labelled rows like those the README shows."""
    words = {"positive": ("wonderful", "delightful"), "negative": ("terrible", "dreadful")}
    lines = []
    for number in range(start, start + count):
        label = ("negative", "positive")[number % 2]
        first, second = words[label]
        text = f"A {first} {noun} with a {second} ending, number {number}."
        lines.append(json.dumps({"id": f"r{number}", "text": text, "label": label}))
    return "\n".join(lines)


@pytest.fixture
def readme_project(
    pytester: pytest.Pytester,
    user_cache: Path,  # noqa: ARG001
) -> pytest.Pytester:
    """Write every file of the README, and the data that it speaks of."""
    for folder in ("data", "suites", "prompts"):
        pytester.mkdir(folder)
    for name, count, noun, start in (
        ("reviews", 300, "film", 0), ("train", 200, "film", 1000), ("tweets", 300, "day", 2000)
    ):  # fmt: skip
        pytester.path.joinpath(f"data/{name}.jsonl").write_text(rows(count, noun, start))
    pytester.path.joinpath("data/answers.csv").write_text("shift,id,answer\ntweets,r1,negative\n")
    for block in blocks("README.md"):
        if block.note.startswith("file: "):
            pytester.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    return pytester


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in sorted(ROOT.glob("docs/*.md")))],
)
def test_every_code_block_is_executed_or_says_who_does(name: str) -> None:
    """A block is a file, a command, or shown output and data; nothing stands there untested."""
    for block in blocks(name):
        shown = block.language in ("text", "jsonl") and not block.note
        assert shown or block.note.startswith(NOTES), block.code[:60]


def test_the_commands_of_the_readme_run(readme_project: pytest.Pytester) -> None:
    """The commands of the README and the reference work with the README's files."""
    expected = {"pytest": "*tfidf (baseline)*", "python": "* predictions, * MiB at most"}
    for block in [*blocks("README.md"), *blocks("docs/reference.md")]:
        if block.note == "run":
            result = readme_project.run(sys.executable, *_arguments(block.code))
            assert result.ret == pytest.ExitCode.OK
            result.stdout.fnmatch_lines([expected.pop(block.code.split()[0])])
    assert not expected
    assert json.loads(readme_project.path.joinpath("report.json").read_text())["evaluations"]


def test_the_commands_of_the_guide_to_releases_run(project: pytest.Pytester) -> None:
    """Saving, comparing, accepting and the schema do what the guide says, one after the other."""
    expected = [
        "saved: */.ood/0001_v1_uncommitted.json",
        "against 0001_v1_uncommitted.json: *",
        "0001_v1_uncommitted.json is the baseline now: *",
        "against ood-baseline.json: *",
        "against ood-baseline.json: *",
        "Report of pytest-ood",
    ]
    commands = [block.code for block in blocks("docs/releases.md") if block.note == "run"]
    for command, line in zip(commands, expected, strict=True):
        result = project.run(sys.executable, *_arguments(command))
        # The project's own gates decide the status of runs; comparing lost nothing.
        assert result.ret in ((0, 1) if command.startswith("pytest") else (0,))
        table = result.stdout.str().partition("against ")[2].partition("=====")[0]
        assert "FAIL" not in table
        result.stdout.fnmatch_lines([line])


def test_the_commands_of_the_guide_to_studies_run(readme_project: pytest.Pytester) -> None:
    """The run measures the guide's four models, and the study has its three parts and its page."""
    project = with_guide(readme_project, "docs/studies.md", "suites/reviews.toml")
    first, second = (b.code for b in blocks("docs/studies.md") if b.note == "run")
    assert project.run(sys.executable, *_arguments(first)).ret in (0, 1)
    result = project.run(sys.executable, *_arguments(second))
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "reviews (seed 0): 4 models; baselines, which lines go through: tfidf, *",
            "*beyond the baselines' line*",
            "over the size of models (number of weights)",
            "prompted: hosted 175B",
            "over the number of labelled examples",
            "*my_models:pipeline * hosted *",
            "page: study.html",
        ]
    )
    page = project.path.joinpath("study.html").read_text(encoding="utf-8")
    assert "<figure" in page
    assert "<script" not in page


def test_the_commands_of_the_guide_to_reports_run(project: pytest.Pytester) -> None:
    """The three forms are written, and the later page is the one of the run."""
    commands = [block.code for block in blocks("docs/reports.md") if block.note == "run"]
    for command, statuses in zip(commands, ((0, 1), (0,)), strict=True):
        assert project.run(sys.executable, *_arguments(command)).ret in statuses
    pages = [project.path.joinpath(name).read_text("utf-8") for name in
             ("report.html", "later.html")]  # fmt: skip
    assert pages[0] == pages[1]
    assert project.path.joinpath("report.md").read_text("utf-8").startswith("## ")


def test_the_guide_to_reports_names_every_verdict() -> None:
    """Each verdict of the page has its row, by the word that stands on the page."""
    text = (ROOT / "docs/reports.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE)
    assert sorted(rows) == sorted(VERDICT_WORDS.values())


def _arguments(command: str) -> list[str]:
    """Return what Python is given for a command that starts with `pytest` or `python`."""
    first, *rest = shlex.split(command)
    return rest if first == "python" else ["-m", first, *rest]


def test_the_configuration_of_the_readme_is_right(readme_project: pytest.Pytester) -> None:
    """Every model and every shift that the README configures becomes a check."""
    result = readme_project.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    for model in ("tfidf", "encoder", "assistant", "remote", "rules"):
        result.stdout.fnmatch_lines([f"*::reviews/noise/typists[[]{model}[]]"])


def test_the_assertions_of_the_readme_hold(readme_project: pytest.Pytester) -> None:
    """The README's tests pass with --ood-suite and skip without."""
    run = readme_project.runpytest_inprocess("--ood-suite", "-k", "test_robustness")
    assert run.parseoutcomes()["passed"] == 4 + 5 * 4
    readme_project.runpytest_inprocess().assert_outcomes(skipped=5)


def with_guide(project: pytest.Pytester, guide: str, suite: str) -> pytest.Pytester:
    """Add the files of a guide to those of the README, and its suite to the configuration."""
    for block in blocks(guide):
        if block.note.startswith("file: "):
            project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().replace("suites/reviews.toml", suite))
    return project


@pytest.fixture
def noise_project(readme_project: pytest.Pytester) -> pytest.Pytester:
    """Add the guide to perturbations."""
    return with_guide(readme_project, "docs/perturbations.md", "suites/noise.toml")


def test_the_suite_of_the_guide_to_perturbations_runs(noise_project: pytest.Pytester) -> None:
    """Severities with their curve, a filter, a negation and one's own perturbation are measured."""
    options = ("--ood-suite", "--ood-model", "tfidf", "-k", "not test_", "--ood-report", "r.json")
    result = noise_project.runpytest_inprocess(*options)
    report = json.loads(noise_project.path.joinpath("r.json").read_text())
    assert [e["shift"] for e in report["evaluations"]] == [
        *(f"swap@{level}" for level in range(1, 6)), "typists", "slang", "contrary", "shouting",
    ]  # fmt: skip
    result.stdout.fnmatch_lines(["score over the severity of swap*", " tfidf * area *"])


def test_the_property_of_the_guide_to_perturbations_fails_as_shown(
    noise_project: pytest.Pytester,
) -> None:
    """The failure that the guide shows is the one that its test gives."""
    result = noise_project.runpytest_inprocess("--ood-suite", "-k", "test_noise")
    result.assert_outcomes(passed=1, failed=1)
    (shown,) = (b for b in blocks("docs/perturbations.md") if "NotInvariantError" in b.code)
    printed = "\n".join(line.removeprefix("E").strip() for line in result.outlines)
    for line in shown.code.splitlines():
        assert line.strip() in printed


@pytest.fixture
def attack_project(readme_project: pytest.Pytester) -> pytest.Pytester:
    """Add the guide to attacks."""
    return with_guide(readme_project, "docs/attacks.md", "suites/attacks.toml")


def test_the_suite_of_the_guide_to_attacks_runs(attack_project: pytest.Pytester) -> None:
    """Attacks on the model itself, one's own, and one on another model are told apart."""
    options = ("--ood-suite", "--ood-model", "tfidf", "-k", "not test_", "--ood-report", "r.json")
    result = attack_project.runpytest_inprocess(*options)
    report = json.loads(attack_project.path.joinpath("r.json").read_text())
    assert {e["shift"]: e["surrogate"] for e in report["evaluations"]} == {
        "deepwordbug": None, "careful": None, "replayed": "rules", "shouting": None,
    }  # fmt: skip
    result.stdout.fnmatch_lines(
        [
            "adversarial: each model attacked by itself",
            "adversarial: made against rules, replayed on the others",
        ]
    )
    assert result.parseoutcomes()["skipped"] == 1
    told = " ".join(line.strip() for line in result.outlines)
    assert "not for tfidf: it has no prompt to attack" in told


def test_the_tests_of_the_guide_to_attacks_hold(attack_project: pytest.Pytester) -> None:
    """The guide's tests pass."""
    run = attack_project.runpytest_inprocess("--ood-suite", "-k", "test_attacks")
    run.assert_outcomes(passed=2, deselected=run.parseoutcomes()["deselected"])


def test_the_models_of_the_guide_to_apis_are_asked(
    readme_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide's command asks both of its models, with the options that stand there."""
    project = with_guide(readme_project, "docs/apis.md", "suites/reviews.toml")
    path = project.path / "pyproject.toml"
    (command,) = (b.code.split()[1:] for b in blocks("docs/apis.md") if b.note == "run")
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        path.write_text(path.read_text().replace("http://127.0.0.1:8000/v1", server.url))
        server.models = ("a-hosted-model", "SmolLM2-135M-Instruct")
        server.answer = lambda text: "negative" if "terrible" in text else "positive"
        result = project.runpytest_inprocess(*command, "-k", "not test_", "--ood-max-examples=80")
    assert result.ret == pytest.ExitCode.OK
    report = json.loads(project.path.joinpath("report.json").read_text())
    assert {e["model"] for e in report["evaluations"]} == {"hosted", "local"}
    shots = {body["model"]: len(body["messages"]) for body in server.bodies}
    assert shots == {"a-hosted-model": 2 * 4 + 1, "SmolLM2-135M-Instruct": 1}


def test_the_providers_of_the_guide_to_apis_are_described(
    readme_project: pytest.Pytester,
) -> None:
    """Each table of the guide is a model, and LiteLLM's list has prices for those that it names."""
    project = with_guide(readme_project, "docs/apis.md", "suites/reviews.toml")
    text = project.path.joinpath("providers.toml").read_text()
    tables = tomllib.loads(text)["tool"]["pytest_ood"]["models"]
    reader = Reader(root=project.path, cache=project.path, offline=True, progress=Silent())
    task = Classification(("negative", "positive"))
    specs = parse_models(tables, "the guide")
    models = {spec.name: spec.build(task, reader, project.path) for spec in specs}
    assert list(models) == ["claude", "gemini", "nova", "own"]
    for name in ("claude", "gemini", "nova"):
        model = models[name]
        assert is_model(model)
        assert is_estimable(model)
        assert (model.estimate(["x"]).cost or 0.0) > 0.0 or find_spec("litellm") is None


def test_the_strategies_of_the_guide_to_prompts_are_measured(
    readme_project: pytest.Pytester, causal_model: Path
) -> None:
    """The guide's command measures every strategy, those of several seeds with their spread."""
    project = readme_project
    project.mkdir("intents")
    for block in blocks("docs/prompts.md"):
        if block.note.startswith("file: "):
            project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    for folder in ("small", "chat"):
        shutil.copytree(causal_model, project.path / "models" / folder)
    template = project.path / "models/chat/chat_template.jinja"
    template.write_text(
        "{% for message in messages %}{{ message.role }}: {{ message.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    for name, start, column in (("sums", 10, "question"), ("solved", 50, "text")):
        asked = [
            {
                column: f"What are {n} and {n + 1}?",
                ("label", "answer")[column == "question"]: 2 * n + 1,
            }
            for n in range(start, start + 24)
        ]
        (project.path / f"data/{name}.jsonl").write_text("\n".join(map(json.dumps, asked)))
    path = project.path / "pyproject.toml"
    (command,) = (b.code.split()[1:] for b in blocks("docs/prompts.md") if b.note == "run")
    with serving() as server:
        path.write_text(path.read_text().replace("http://127.0.0.1:8000/v1", server.url))
        server.models = ("a-hosted-model",)
        server.answer = lambda text: f"It is easy.\nThe answer is {len(text)}."
        result = project.runpytest_inprocess(*command, "-k", "not test_", "--ood-max-examples=80")
    assert result.parseoutcomes().get("errors", 0) == 0
    report = json.loads(project.path.joinpath("report.json").read_text())
    seeds = {f["model"]: len(f["seed_scores"]) for f in report["in_distribution"]}
    assert seeds == {
        "direct": 1, "few-shot": 4, "orders": 4, "thinking": 1, "aloud": 1, "consistent": 1,
        "complex": 1, "assistant": 1,
    }  # fmt: skip
    assert {len(body["messages"]) for body in server.bodies} == {1 + 2 + 1}
    assert "12 + 1 = 13" in server.bodies[0]["messages"][2]["content"]
    settings = {m["name"]: m["parameters"] for m in report["models"]}
    assert [name for name, own in settings.items() if own.get("chat")] == ["assistant"]


def test_the_labels_of_the_guide_to_prompts_are_scored(
    pytester: pytest.Pytester,
    causal_model: Path,
    user_cache: Path,  # noqa: ARG001
) -> None:
    """The guide's model scores labels of several tokens, and its report says how."""
    for block in blocks("docs/prompts.md"):
        if block.note.startswith("file: intents/"):
            pytester.path.joinpath(block.note.removeprefix("file: intents/")).write_text(block.code)
    labels = ("card_arrival", "card_payment_fee_charged", "lost_or_stolen_card")
    rows = [f"Where is card {n}?,{labels[n % 3]}" for n in range(30)]
    pytester.path.joinpath("intents.csv").write_text("\n".join(["text,label", *rows]))
    shutil.copytree(causal_model, pytester.path / "small")
    pytester.runpytest_inprocess("--ood-suite", "--ood-report=report.json")
    report = json.loads(pytester.path.joinpath("report.json").read_text())
    (model,) = report["models"]
    assert model["parameters"]["normalize"] == "empty"
    (floor,) = report["in_distribution"]
    assert floor["n"] == 30
    assert report["evaluations"]


def test_the_guide_to_prompts_names_every_key_of_a_strategy() -> None:
    """What both adapters of prompted models have, and decides a prompt or its answers, is there."""
    text = (ROOT / "docs/prompts.md").read_text(encoding="utf-8")
    local, hosted = (
        {*inspect.signature(adapter(name).build).parameters} for name in ("prompted", "openai")
    )
    keys = (local & hosted) - {"source", "context", "prompt", "label_words"}
    assert [key for key in keys if f"`{key}`" not in text and f"`{key} =" not in text] == []


TELLING = {
    "positive": ("wonderful", "delightful", "brilliant", "charming", "moving", "gripping"),
    "negative": ("terrible", "dreadful", "tedious", "clumsy", "shallow", "pointless"),
}


def csv_rows(count: int, start: int) -> str:
    """Return the rows that the first steps show, each with one of six telling words."""
    lines = ["text,label"]
    for number in range(start, start + count):
        label = ("negative", "positive")[number % 2]
        word = TELLING[label][number // 2 % 6]
        lines.append(f'"A {word} film and a long one, number {number}.",{label}')
    return "\n".join(lines) + "\n"


def save_classifier(folder: Path, texts: list[str], labels: list[str]) -> None:
    """Train a very small BERT on texts, and save it with its tokenizer as anybody would."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = sorted({word for text in texts for word in re.findall(r"[a-z]+", text.lower())})
    places = {token: place for place, token in enumerate([*special, *words])}
    raw = Tokenizer(models.WordLevel(places, unk_token="[UNK]"))  # noqa: S106 - no password
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = ("pad_token", "unk_token", "cls_token", "sep_token")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, **dict(zip(names, special, strict=True))
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=len(places), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=64, hidden_dropout_prob=0.0,
        )  # fmt: skip
        model = transformers.BertForSequenceClassification(config)
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        truth = torch.tensor([label == "positive" for label in labels]).long()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
        for _ in range(60):
            optimizer.zero_grad()
            model(**batch, labels=truth).loss.backward()
            optimizer.step()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def shown(guide: str, name: str) -> list[str]:
    """Return the lines that a guide shows of a run."""
    blocks_ = [b.code for b in blocks(guide) if b.note == f"shown: {name}"]
    assert blocks_, name
    return [line.strip() for code in blocks_ for line in code.splitlines() if line.strip()]


@pytest.mark.usefixtures("one_thread", "user_cache")
def test_the_first_steps_work_to_the_letter(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File by file and command by command, the page leads to all three models and its table."""
    guide, here = "docs/getting-started.md", pytester.path
    pytester.mkdir("data")
    (here / "data/reviews.csv").write_text(csv_rows(300, 1))
    (here / "data/train.csv").write_text(csv_rows(300, 1001))
    _, *known = csv.reader(csv_rows(300, 1001).splitlines())
    save_classifier(here / "models/encoder", [t for t, _ in known], [label for _, label in known])
    printed: dict[str, set[str]] = {}
    with serving() as server:
        server.models = ("my-model",)
        server.answer = lambda text: (
            "negative" if any(word in text for word in TELLING["negative"]) else "positive"
        )
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        for block in blocks(guide):
            kind, _, name = block.note.partition(": ")
            if kind == "file" and name.endswith(", first rows"):
                shown_rows = block.code.splitlines()
                assert (here / "data/reviews.csv").read_text().splitlines()[: len(shown_rows)] == (
                    shown_rows
                )
            elif kind == "file":
                path = here / name.removesuffix(", added to")
                path.parent.mkdir(exist_ok=True)
                code = block.code.replace("http://127.0.0.1:8000/v1", server.url)
                before = f"{path.read_text()}\n" if name.endswith(", added to") else ""
                path.write_text(before + code)
            elif kind == "run" and block.code.startswith("python"):
                assert pytester.run(sys.executable, *_arguments(block.code)).ret == 0
            elif kind == "run":
                result = pytester.runpytest_inprocess(*block.code.split()[1:])
                assert result.ret in (0, 1)
                assert "errors" not in result.parseoutcomes()
                printed[name or "dry run"] = {line.strip() for line in result.outlines}
    assert list(printed) == ["dry run", "tfidf", "encoder", "assistant", "all"]
    assert [line for line in shown(guide, "tfidf") if line not in printed["tfidf"]] == []
    report = json.loads((here / "report.json").read_text())
    scores = {s["model"]: s["score"] for s in report["in_distribution"]}
    assert scores.keys() == {"tfidf", "encoder", "assistant"}
    assert min(scores["tfidf"], scores["encoder"]) == 1.0


@pytest.mark.usefixtures("user_cache")
def test_the_command_of_the_first_steps_writes_what_they_write(pytester: pytest.Pytester) -> None:
    """What `init` sets up in one line is collected as gates of the saved model."""
    guide, here = "docs/getting-started.md", pytester.path
    pytester.mkdir("data")
    (here / "data/reviews.csv").write_text(csv_rows(300, 1))
    (here / "data/train.csv").write_text(csv_rows(300, 1001))
    (training,) = (b.code for b in blocks(guide) if b.note == "file: train.py")
    (here / "train.py").write_text(training)
    assert pytester.run(sys.executable, "train.py").ret == 0
    text = (ROOT / guide).read_text(encoding="utf-8")
    (command,) = re.findall(r"`(python -m pytest_ood init [^`]+)`", text)
    assert pytester.run(sys.executable, *_arguments(command)).ret == 0
    result = pytester.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*::reviews/noise/*[[]tfidf[]]"])


@pytest.fixture
def behaviour_project(readme_project: pytest.Pytester) -> pytest.Pytester:
    """Add the guide to behaviour; the rows that it shows, many times over, are the data."""
    project = with_guide(readme_project, "docs/behaviour.md", "suites/behaviour.toml")
    pairs, tests = (
        [json.loads(line) for line in block.code.splitlines()]
        for block in blocks("docs/behaviour.md")
        if block.language == "jsonl"
    )
    many = [
        {**row, "set": f"s{n}", "text": row["text"].replace("1", f"{n}")}
        for n in range(100)
        for row in pairs
    ]
    cases = [{**row, "i": n} for n in range(40) for row in tests]
    for name, found in (("pairs", many), ("tests", cases)):
        path = project.path / f"data/{name}.jsonl"
        path.write_text("\n".join(map(json.dumps, found)))
    return project


def test_the_suite_of_the_guide_to_behaviour_runs(behaviour_project: pytest.Pytester) -> None:
    """Sets, cells and cases are counted as it says: neutral rows left out, directions tested."""
    (command,) = (b.code.split()[1:] for b in blocks("docs/behaviour.md") if b.note == "run")
    options = ("--ood-model", "tfidf", "-k", "not test_")
    result = behaviour_project.runpytest_inprocess(*command, *options)
    report = json.loads(behaviour_project.path.joinpath("report.json").read_text())
    scores = {s["shift"]: (s["n"], s["verdict"]) for s in report["scores"]}
    assert {shift: n for shift, (n, _) in scores.items()} == {
        "pairs": 100, "checklist": 280, "negation": 80
    }  # fmt: skip
    assert scores["pairs"][1] == "pass"
    told = {e["shift"]: e for e in report["evaluations"]}
    assert told["checklist"]["left_out"] == {"label 1: the task has none like it (`labels`)": 40}
    groups = {cell["group"] for cell in told["checklist"]["breakdown"]}
    assert groups >= {"Vocabulary", "steps (DIR)", "not bad (MFT)", "typos (INV)", "turned (DIR)"}
    assert {c["group"] for c in told["cells"]["breakdown"]} == {
        "drama, negative", "drama, positive"
    }  # fmt: skip
    result.stdout.fnmatch_lines(["score by group under domain/checklist*"])


def test_the_assertions_of_the_guide_to_behaviour_hold(
    behaviour_project: pytest.Pytester,
) -> None:
    """Its tests pass."""
    result = behaviour_project.runpytest_inprocess("--ood-suite", "-k", "test_behaviour")
    result.assert_outcomes(passed=3, deselected=result.parseoutcomes()["deselected"])


def test_the_suite_of_cells_in_the_guide_to_behaviour_is_read(
    behaviour_project: pytest.Pytester,
) -> None:
    """HANS is declared as the keys have it."""
    text = behaviour_project.path.joinpath("suites/hans.toml").read_text()
    suite = parse_suite(text, "hans", "the guide")
    (shift,) = suite.shifts
    assert isinstance(shift, DomainShift)
    assert isinstance(shift.source, DataSource)
    assert shift.source.group == ("heuristic", "label")


@pytest.fixture
def suites_project(readme_project: pytest.Pytester) -> pytest.Pytester:
    """Add the guide to suites, and the data that it speaks of."""
    project = with_guide(readme_project, "docs/suites.md", "suites/products.toml")
    reviews = [json.loads(line) for line in rows(300, "lamp", 500).splitlines()]
    stars = {"negative": 1, "positive": 5}
    (project.path / "data/products.csv").write_text(
        "\n".join(["review,stars", *(f'"{r["text"]}",{stars[r["label"]]}' for r in reviews)])
    )
    asked = [
        {"question": f"Is shop {n} {word} today?", "passage": "It says so.", "label": label}
        for n in range(150)
        for word, label in (("open", "yes"), ("shut", "no"))
    ]
    (project.path / "data/answers.jsonl").write_text("\n".join(map(json.dumps, asked)))
    claims = (("entailment", "the cat slept"), ("neutral", "the cat perhaps dreamt"),
              ("contradiction", "the cat barked"))  # fmt: skip
    pairs = [
        {"premise": f"the cat slept in room {n}", "hypothesis": claim, "label": label}
        for n in range(60)
        for label, claim in claims
    ]
    (project.path / "data/mnli").mkdir()
    (project.path / "data/mnli/validation_matched.jsonl").write_text(
        "\n".join(map(json.dumps, pairs))
    )
    swapped = [
        f"non-entailment\tthe {a} saw the {b}\tthe {b} saw the {a}\tlexical_overlap\n"
        f"entailment\tthe {a} saw the {b}\tthe {a} saw the {b}\tlexical_overlap"
        for a in ("cat", "dog", "cow", "hen")
        for b in ("fox", "owl", "elk", "ape")
    ]
    (project.path / "data/hans.tsv").write_text(
        "\n".join(["gold_label\tsentence1\tsentence2\theuristic", *swapped])
    )
    return project


def test_the_suites_of_the_guide_to_suites_run(suites_project: pytest.Pytester) -> None:
    """All suites are measured on both models, with every shift and metric that stands there."""
    (command,) = (b.code.split()[1:] for b in blocks("docs/suites.md") if b.note == "run")
    result = suites_project.runpytest_inprocess(*command, "-k", "not test_")
    assert result.parseoutcomes().get("errors", 0) == 0
    report = json.loads(suites_project.path.joinpath("report.json").read_text())
    assert report["seed"] == 7
    measured = {(e["suite"], e["shift"], e["model"]) for e in report["evaluations"]}
    shifts = {"products": ("products", "keyboard", "hurried", "worst-case", "deepwordbug"),
              "answers": ("misspelling",), "inference": ("hans",)}  # fmt: skip
    assert measured == {
        (suite, shift, model)
        for suite, names in shifts.items()
        for shift in names
        for model in ("rules", "hasty")
    }
    # Whoever goes by the words alone has every swapped pair wrong.
    hans = [e for e in report["evaluations"] if e["shift"] == "hans"]
    assert {(e["score_in_distribution"], e["score_under_shift"]) for e in hans} == {(1.0, 0.5)}
    metrics = {(e["shift"], e["metric"]) for e in report["evaluations"]}
    assert {("products", "reweighted"), ("keyboard", "macro-f1")} <= metrics


def test_the_collection_of_the_guide_to_suites_runs(suites_project: pytest.Pytester) -> None:
    """One table has a row for each part, and a model runs under what it has for each."""
    noted = {b.note: b.code for b in blocks("docs/suites.md")}
    suites_project.path.joinpath("pyproject.toml").write_text(noted["collection: pyproject.toml"])
    command = noted["run collection"].split()[1:]
    result = suites_project.runpytest_inprocess(*command, "-k", "not test_")
    assert result.parseoutcomes().get("errors", 0) == 0
    result.stdout.fnmatch_lines(["desk: score in distribution*", "*rules *hasty", "products/*"])


def test_the_guide_to_suites_names_every_key(suites_project: pytest.Pytester) -> None:
    """Its table of adapters has every option of each, and there is every key beside `suites`.

    An adapter that is not in the table is listed by `python -m pytest_ood models`.
    """
    del suites_project
    text = (ROOT / "docs/suites.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    lines = {row.split("`")[1]: row for row in rows}
    for name in set(adapters()) & set(lines):
        options = inspect.signature(adapter(name).build).parameters.values()
        named = [o.name for o in options if o.kind is inspect.Parameter.KEYWORD_ONLY]
        assert [n for n in named if f"`{n}`" not in lines[name]] == [] or name == "openai", name
    keys = [f.name for f in fields(Configuration) if f.name not in ("suites", "models")]
    assert [key for key in keys if key not in lines] == []
    of_data = text.partition("### Data")[2].partition("###")[0]
    assert [key for key in SOURCE_KEYS if f"\n| `{key}` |" not in of_data] == []


def test_the_assertions_of_the_guide_hold(readme_project: pytest.Pytester) -> None:
    """Its tests pass, its property holds, and its hook adds a model."""
    project = with_guide(readme_project, "docs/assertions.md", "suites/reviews.toml")
    first, second = (b.code.split()[1:] for b in blocks("docs/assertions.md") if b.note == "run")
    run = project.runpytest_inprocess(*first)
    run.assert_outcomes(passed=10)
    run = project.runpytest_inprocess(
        "--ood-suite", "--ood-model", "tfidf", "--ood-model", "rules", "test_invariance.py",
        "test_models.py", "-k", "test_case or test_a_telling",
    )  # fmt: skip
    assert run.parseoutcomes()["passed"] == 1 + 2
    project.runpytest_inprocess(*second).stdout.fnmatch_lines(
        ["ood: seed 0, suites: reviews, models: longest"]
    )


def test_the_comparison_shows_the_figures_that_were_measured() -> None:
    """What stands in the comparison stands in the tables that the benchmarks wrote, too."""
    text = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    table = text.partition("<!-- figures of")[2].partition("Each row")[0]
    figures = re.findall(r"(?<![\w.])(\d+\.\d+)(?= s| texts/s| in batches|\))", table)
    assert len(figures) == 11
    measured = "".join(
        (ROOT / f"docs/{n}.md").read_text(encoding="utf-8") for n in ("speed", "attacks")
    )
    assert [f for f in figures if f"| {f} |" not in measured] == []


def test_the_objects_of_the_guide_to_models_are_measured(
    readme_project: pytest.Pytester,
) -> None:
    """A pipeline, class indices and rows of probabilities, in a suite and in tests."""
    project = with_guide(readme_project, "docs/models.md", "suites/reviews.toml")
    known = [json.loads(line) for line in rows(60, "film").splitlines()]
    encoder = project.path / "models/encoder"
    save_classifier(encoder, [r["text"] for r in known], [r["label"] for r in known])
    config = json.loads((encoder / "config.json").read_text())
    config["id2label"], config["label2id"] = (
        {"0": "negative", "1": "positive"}, {"negative": 0, "positive": 1}
    )  # fmt: skip
    (encoder / "config.json").write_text(json.dumps(config))
    noted = {b.note: b.code for b in blocks("docs/models.md")}
    project.path.joinpath("pyproject.toml").write_text(noted["collection: pyproject.toml"])
    command = noted["run"].split()[1:]
    result = project.runpytest_inprocess(*command, "-k", "not test_robustness")
    assert result.parseoutcomes().get("errors", 0) == 0
    result.stdout.fnmatch_lines(["*pipeline *indices *probabilities*"])
    run = project.runpytest_inprocess("--ood-suite", "test_my_objects.py", "-k", "test_my_objects")
    run.assert_outcomes(passed=2)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_the_adapter_of_the_guide_to_models_is_measured(readme_project: pytest.Pytester) -> None:
    """A LoRA of a trained classifier, with the base that it names."""
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    known = [json.loads(line) for line in rows(60, "film").splitlines()]
    folder = readme_project.path / "models"
    save_classifier(folder / "base", [r["text"] for r in known], [r["label"] for r in known])
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "base")
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"])
    peft.get_peft_model(network, lora).save_pretrained(folder / "lora")
    noted = {b.note: b.code for b in blocks("docs/models.md")}
    configuration = noted["collection: pyproject.toml of an adapter"]
    readme_project.path.joinpath("pyproject.toml").write_text(configuration)
    result = readme_project.runpytest_inprocess(
        "--ood-suite", "--ood-only", "keyboard", "-k", "not test_"
    )
    assert result.parseoutcomes().get("errors", 0) == 0
    result.stdout.fnmatch_lines(["*lora*", " keyboard *"])


def test_the_export_of_the_guide_to_models_is_measured(readme_project: pytest.Pytester) -> None:
    """A trained classifier, exported beside its tokenizer."""
    known = [json.loads(line) for line in rows(60, "film").splitlines()]
    folder = readme_project.path / "models/exported"
    save_classifier(folder, [r["text"] for r in known], [r["label"] for r in known])
    config = json.loads((folder / "config.json").read_text())
    names = {"0": "negative", "1": "positive"}
    config |= {"id2label": names, "label2id": {"negative": 0, "positive": 1}}
    (folder / "config.json").write_text(json.dumps(config))
    export(folder)
    (folder / "model.safetensors").unlink()
    noted = {b.note: b.code for b in blocks("docs/models.md")}
    configuration = noted["collection: pyproject.toml of ONNX"]
    readme_project.path.joinpath("pyproject.toml").write_text(configuration)
    result = readme_project.runpytest_inprocess(
        "--ood-suite", "--ood-only", "keyboard", "-k", "not test_"
    )
    assert result.parseoutcomes().get("errors", 0) == 0
    result.stdout.fnmatch_lines(["*exported*", " keyboard *"])


@pytest.mark.usefixtures("tracker_environment")
@pytest.mark.filterwarnings("ignore")
def test_the_model_of_mlflow_in_the_guide_to_models_is_measured(
    readme_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An estimator that was logged and registered, by its alias."""
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{readme_project.path / 'mlruns'}")
    texts, labels = zip(
        *((r["text"], r["label"]) for r in map(json.loads, rows(60, "film").splitlines())),
        strict=True,
    )
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            fitted, name="reviews", registered_model_name="reviews", pip_requirements=[],
            serialization_format="cloudpickle", signature=infer_signature(list(texts), ["x"]),
        )  # fmt: skip
    mlflow.MlflowClient().set_registered_model_alias("reviews", "champion", "1")
    noted = {b.note: b.code for b in blocks("docs/models.md")}
    configuration = noted["collection: pyproject.toml of MLflow"]
    readme_project.path.joinpath("pyproject.toml").write_text(configuration)
    result = readme_project.run(
        sys.executable, "-m", "pytest", "--ood-suite", "--ood-only", "keyboard", "-k", "not test_",
        "--ood-report", "r.json",
    )  # fmt: skip
    assert result.parseoutcomes().get("errors", 0) == 0
    report = json.loads(readme_project.path.joinpath("r.json").read_text())
    (model,) = report["models"]
    assert model["parameters"] == {"version": "1"}
    assert model["source"] == "MLflow models:/reviews@champion"


@pytest.mark.usefixtures("tracker_environment")
def test_the_command_of_the_guide_to_trackers_logs(
    readme_project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide's command, with its configuration, logs to both: MLflow's files, W&B offline."""
    tables, command = (b.code for b in blocks("docs/trackers.md"))
    path = readme_project.path / "pyproject.toml"
    path.write_text(f"{path.read_text()}\n{tables}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{readme_project.path / 'mlruns'}")
    result = readme_project.run(sys.executable, *_arguments(command))
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["ood: logged to mlflow: run * of experiment reviews in *",
         "ood: logged to wandb: run * of project reviews in *"]
    )  # fmt: skip


@pytest.mark.usefixtures("ray_cluster")
@pytest.mark.usefixtures("ray_cluster")
def test_the_command_of_the_guide_to_clusters_runs(readme_project: pytest.Pytester) -> None:
    """The guide's command passes on a real cluster; what a large node would run is right, too."""
    here, command, node = (b.code for b in blocks("docs/scaling.md") if b.note)
    path = readme_project.path / "pyproject.toml"
    text = path.read_text()
    for configuration, outcome in ((here, "passed"), (node, "failed")):
        path.write_text(f"{text}\n{configuration}")
        result = readme_project.runpytest_inprocess(*command.split()[1:], "--ood-no-cache")
        assert result.parseoutcomes()[outcome] == 1
    result.stdout.fnmatch_lines(["*8 actors with 4 CPUs and 1 GPUs each do not fit the cluster*"])


def test_the_guide_to_attacks_names_attacks_that_there_are() -> None:
    """The benchmark that writes its table measures all; an attack added since has no line yet."""
    text = (ROOT / "docs/attacks.md").read_text(encoding="utf-8")
    measured = text.partition("<!-- measured by benchmarks/attack_recipes.py -->")[2]
    table = measured.partition("| recipe |")[2].partition("\n\n")[0]
    names = re.findall(r"^\| ([a-z-]*[a-z]) \|", table, re.MULTILINE)
    assert {"deepwordbug", "textfooler-strict"} <= set(names) <= set(attacks())


def test_the_suite_of_the_guide_to_tasks_runs(project: pytest.Pytester) -> None:
    """Both shifts of its suite are measured: every passage is taken away, and one is added."""
    questions = [
        {"id": f"q{n}", "question": "Where?", "context": f"It is in {city}{n}.", "answer": city}
        for n in range(40)
        for city in (("Rome", "Oslo", "Lima")[n % 3],)
    ]
    project.mkdir("data").joinpath("questions.jsonl").write_text(
        "".join(f"{json.dumps(row)}\n" for row in questions)
    )
    project.mkdir("suites")
    (block,) = (b for b in blocks("docs/tasks.md") if b.note.startswith("file: "))
    project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    project.path.joinpath("reading.py").write_text(
        "import re\n"
        "def cities(inputs):\n"
        "    found = [re.search('Rome|Oslo|Lima', asked['context']) for asked in inputs]\n"
        "    return [match[0] if match else 'unanswerable' for match in found]\n"
    )
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/questions.toml"]\n'
        '[tool.pytest_ood.models.cities]\ncallable = "reading:cities"\n'
    )
    project.runpytest_inprocess("--ood-suite", "--ood-report", "tasks.json")
    report = json.loads(project.path.joinpath("tasks.json").read_text())
    scores = {e["shift"]: e["score_under_shift"] for e in report["evaluations"]}
    assert scores["closed-book"] == 0.0
    assert 0.0 < scores["distracted"] < 1.0


def test_the_suite_of_the_guide_to_languages_runs(project: pytest.Pytester) -> None:
    """Its noise is German, its domain English, and the worst language has a verdict."""
    words = {
        "positiv": ("wundersch\u00f6ner", "gro\u00dfartigen"),
        "negativ": ("schrecklicher", "f\u00fcrchterlichen"),
    }
    reviews = [
        {"text": f"Ein {first} Film mit einem {second} Schluss, Nummer {n}.", "label": label}
        for n in range(60)
        for label, (first, second) in words.items()
    ]
    for folder in ("data", "suites"):
        project.mkdir(folder)
    project.path.joinpath("data/bewertungen.jsonl").write_text(
        "".join(f"{json.dumps(row)}\n" for row in reviews)
    )
    project.path.joinpath("data/reviews.jsonl").write_text(rows(120, "film"))
    (block,) = (b for b in blocks("docs/languages.md") if b.note.startswith("file: "))
    project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    project.path.joinpath("regeln.py").write_text(
        "import re\n"
        "GOOD = re.compile('sch\u00f6n|wonderful')\n"
        "def regeln(texts):\n"
        "    return ['positiv' if GOOD.search(text) else 'negativ' for text in texts]\n"
    )
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/bewertungen.toml"]\n'
        '[tool.pytest_ood.models.regeln]\ncallable = "regeln:regeln"\n'
    )
    project.runpytest_inprocess("--ood-suite", "--ood-report", "languages.json")
    report = json.loads(project.path.joinpath("languages.json").read_text())
    scores = {e["shift"]: e["score_under_shift"] for e in report["evaluations"]}
    # The word that the model goes by has an umlaut.
    assert scores["umlauts"] < 1.0
    assert scores["english"] == 1.0
    assert {"keyboard", "umlauts", "english", "worst-domain"} == set(scores)
    (command,) = (b.code.split()[1:] for b in blocks("docs/languages.md") if b.note == "run")
    listed = project.run(sys.executable, *command)
    listed.stdout.fnmatch_lines(["transliterate *"])
    listed.stdout.no_fnmatch_line("negate *")


def test_the_task_of_the_guide_to_own_tasks_is_measured(project: pytest.Pytester) -> None:
    """Its suite and its tests pass, and misspelled priorities are half right."""
    for name in ("data", "suites"):
        project.mkdir(name)
    for block in blocks("docs/own-tasks.md"):
        project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    project.run(
        sys.executable,
        "-c",
        """if True:
        import json
        from test_tickets import TICKETS
        with open("data/tickets.jsonl", "w") as file:
            for text, level in TICKETS:
                print(json.dumps({"text": text, "label": level}), file=file)
    """,
    )
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/tickets.toml"]\n'
        '[tool.pytest_ood.models.by-word]\ncallable = "test_tickets:by_word"\n'
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-report", "own.json")
    result.assert_outcomes(passed=4)
    report = json.loads(project.path.joinpath("own.json").read_text())
    (evaluation,) = report["evaluations"]
    assert evaluation["score_name"] == "priority score"
    assert 0.7 < evaluation["score_under_shift"] < 1.0


def test_the_suite_of_the_guide_to_named_entities_runs(project: pytest.Pytester) -> None:
    """The tagger of the guide is measured on data in the form that it shows."""
    for folder in ("data", "suites"):
        project.path.joinpath(folder).mkdir(exist_ok=True)
    for block in blocks("docs/named-entities.md"):
        if block.note:
            project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    (rows,) = (b.code for b in blocks("docs/named-entities.md") if b.language == "jsonl")
    shown = next(b.code for b in blocks("docs/named-entities.md") if "-DOCSTART-" in b.code)
    cities = ("Rome", "Lima", "Kyoto", "Cairo")
    news = [shown.replace("Rome", cities[n % 4]).replace("moved", f"moved{n}") for n in range(60)]
    posts = [
        json.dumps({"id": str(n), "text": f"so {city}, {n}", "label": [[3, 3 + len(city), "city"]]})
        for n in range(60)
        for city in [cities[n % 4]]
    ]
    project.path.joinpath("data/news.conll").write_text("\n".join(news))
    project.path.joinpath("data/posts.jsonl").write_text(rows + "\n".join(posts))
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/entities.toml"]\n'
        '[tool.pytest_ood.models.tagger]\ncallable = "my_tagger:tag"\n'
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-report", "ner.json")
    result.stdout.fnmatch_lines(["test_names.py .*"])
    report = json.loads(project.path.joinpath("ner.json").read_text())
    found = {(e["shift"], e["metric"]): e for e in report["evaluations"]}
    assert found["posts", "entity-f1"]["score_in_distribution"] == 1.0
    assert found["posts", "entity-f1"]["n"] == 64
    assert found["keyboard-beside", "entity-f1"]["drop"] == 0.0
    assert found["keyboard", "partial-f1"]["drop"] > 0.0


def test_the_suite_of_the_guide_to_extraction_runs(project: pytest.Pytester) -> None:
    """Its models are built, and its function reads messages under noise."""
    for name in ("data", "suites"):
        project.mkdir(name)
    data, *_ = (block.code for block in blocks("docs/extraction.md") if block.language == "jsonl")
    right = {"day": "August 23rd", "time": {"start": 28, "end": 32}}
    more = [
        {"id": f"b{n}", "text": f"We are {n % 7 + 2} on August 23rd, at {n % 9 + 1} pm",
         "slots": {"people": n % 7 + 2, **right}}
        for n in range(90)
    ]  # fmt: skip
    for name in ("bookings", "train"):
        lines = data + "".join(f"{json.dumps(row)}\n" for row in more)
        project.path.joinpath(f"data/{name}.jsonl").write_text(lines)
    for block in blocks("docs/extraction.md"):
        if block.note.startswith("file: "):
            project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    listed = project.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    for model in ("rules", "assistant", "hosted"):
        listed.stdout.fnmatch_lines([f"*bookings/noise/everywhere[[]{model}[]]"])
    options = ("--ood-suite", "-v", "--ood-model=rules", "--ood-report=r.json")
    run = project.runpytest_inprocess(*options)
    run.stdout.fnmatch_lines(["test_bookings.py::test_greetings_do_not_matter PASSED*"])
    report = json.loads(project.path.joinpath("r.json").read_text())
    for evaluation in report["evaluations"]:
        metrics = {name: both["under_shift"] for name, both in evaluation["metrics"].items()}
        # It copies people and times, and finds no day in any message.
        assert (metrics["field-people"], metrics["field-time"]) == (1.0, 1.0)
        assert metrics["field-day"] < 0.1
        assert (metrics["valid-json"], metrics["complete-json"]) == (1.0, 0.0)


def test_the_suite_of_the_guide_to_multiple_choice_runs(project: pytest.Pytester) -> None:
    """All forms of data are read, and what knows the answer is right under every shift."""
    for name in ("data", "suites"):
        project.mkdir(name)
    for block in blocks("docs/multiple-choice.md"):
        if block.note.startswith("file: "):
            project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    (shown,) = (b for b in blocks("docs/multiple-choice.md") if b.language == "jsonl")
    cities = ("Oslo", "Rome", "Lima", "Kyoto")
    countries = ("Norway", "Italy", "Peru", "Japan")
    rows, cells = [], ["question,a,b,c,answer"]
    for n in range(60):
        options = [cities[(n + step) % 4] for step in range(2 + n % 2)]
        question, right = f"{n}: what is the capital of {countries[n % 4]}?", n % len(options)
        options[0], options[right] = options[right], options[0]
        rows.append(json.dumps({"question": question, "choices": options, "answer": right}))
        cells.append(f"{question},{','.join([*options, ''][:3])},{right + 1}")
    project.path.joinpath("data/exam.jsonl").write_text(shown.code + "\n".join(rows))
    project.path.joinpath("data/countries.csv").write_text("\n".join(cells))
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/exam.toml"]\n'
        '[tool.pytest_ood.models.by-memory]\ncallable = "exam_models:by_memory"\n'
    )
    project.runpytest_inprocess("--ood-suite", "--ood-report", "exam.json")
    report = json.loads(project.path.joinpath("exam.json").read_text())
    scores = {e["shift"]: e["score_under_shift"] for e in report["evaluations"]}
    assert len(scores) == 6
    for shift in ("countries", "option-letters", "none-of-the-above", "options-of-others"):
        assert scores[shift] > 0.98, shift


def test_the_texts_of_the_guide_to_free_text_are_measured(project: pytest.Pytester) -> None:
    """Its suite reads lists of references, and its tests say what they promise."""
    for name in ("data", "suites"):
        project.mkdir(name)
    for block in blocks("docs/free-text.md"):
        project.path.joinpath(block.note.removeprefix("file: ")).write_text(block.code)
    sentences = project.path / "data/sentences.jsonl"
    rows = [json.loads(line) for line in sentences.read_text().splitlines()]
    for name, rule in {"sentences": "{}", "questions": "where {}"}.items():
        lines = [
            json.dumps({**row, "id": f"{row['id']}-{n}", "text": rule.format(row["text"])})
            for row in rows
            for n in range(20)
        ]
        (project.path / f"data/{name}.jsonl").write_text("\n".join(lines))
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suites/rewriting.toml"]\n'
        '[tool.pytest_ood.models.rewriter]\ncallable = "test_rewriting:rewritten"\n'
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-report", "texts.json")
    result.stdout.fnmatch_lines(["test_rewriting.py ..*"])
    result.stdout.fnmatch_lines(["rewriting: chrF, then drop of chrF in points, *"])
    report = json.loads(project.path.joinpath("texts.json").read_text())
    assert {e["metric"] for e in report["evaluations"]} == {"accuracy", "corpus-chrf"}


def test_the_guide_to_perturbations_names_those_that_there_are() -> None:
    """The benchmark that writes its table measures all; one added since has no line yet."""
    text = (ROOT / "docs/perturbations.md").read_text(encoding="utf-8")
    measured = text.partition("<!-- measured by")[2].partition("<!-- end of measured -->")[0]
    names = re.findall(r"^\| `([a-z-]+)` \|", measured, re.MULTILINE)
    assert {"keyboard", "antonyms"} <= set(names) <= set(catalogue())


def test_the_perturbation_of_the_contributing_guide_works() -> None:
    """The guide's example is a perturbation as it stands."""
    (block,) = (b for b in blocks("CONTRIBUTING.md") if b.note == "adds: perturbations/vowels.py")
    names: dict[str, object] = {}
    exec(compile(block.code, "vowels.py", "exec"), names)  # noqa: S102 - our own example
    text = "a sentence with many ordinary words in it"
    changed = names["vowels"](text, Random(0))  # type: ignore[operator]
    assert re.sub("[aeiou]", "", changed) == re.sub("[aeiou]", "", text)
    assert len(changed) < len(text)
    assert "vowels@1(share=0.3)" in names["vowels"].fingerprint  # type: ignore[attr-defined]


def test_the_reference_lists_every_option(pytester: pytest.Pytester) -> None:
    """The table of options lists those that --help lists."""
    shown = set(re.findall(r"--ood-[a-z-]+", pytester.runpytest_inprocess("--help").stdout.str()))
    text = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(--ood-[a-z-]+)", text, re.MULTILINE))
    assert table == shown


PUBLISHED = {
    # Accuracy, share without an answer and accuracy of answers, in per cent, to one decimal.
    ("augment", "gpt-3.5"): (88.0, 6.4, 94.0),
    ("augment", "gpt-4"): (93.8, 0.3, 94.1),
    ("tweet_p0.6", "gpt-3.5"): (82.3, 10.4, 91.9),
    ("tweet_p0.6", "gpt-4"): (90.7, 0.5, 91.1),
    ("shake_p0.6", "gpt-3.5"): (65.5, 27.1, 89.8),
    ("shake_p0.6", "gpt-4"): (83.1, 1.7, 84.6),
    ("bible_p0.6", "gpt-3.5"): (63.2, 27.5, 87.2),
    ("bible_p0.6", "gpt-4"): (83.1, 1.5, 84.4),
}


def test_the_guide_to_replays_gives_the_figures_of_the_answers(pytester: pytest.Pytester) -> None:
    """Real answers give the figures computed from their file, and an answer for each model.

    A linear model takes the place of the encoder, which takes minutes to train.
    """
    answers, styles, train = (
        ROOT.parent / "shared/data" / name
        for name in ("decodingtrust-ood/sst2_style_gpt_predictions.csv",
                     "decodingtrust-ood/style.json", "sst2/train.tsv")
    )  # fmt: skip
    for path in (answers, styles, train):
        if not path.is_file():
            pytest.skip(f"the shared data {path} is not there")
    for folder in ("suites", "data/decodingtrust", "data/sst2"):
        (pytester.path / folder).mkdir(parents=True)
    for name, path in (("decodingtrust/answers.csv", answers), ("sst2/train.tsv", train),
                       ("decodingtrust/style.json", styles)):  # fmt: skip
        (pytester.path / "data" / name).symlink_to(path)
    for block in blocks("docs/replay.md"):
        if block.note.startswith("file: "):
            code = block.code.replace('finetuned = "asset:minilm"', 'sklearn = "linear:words"')
            code = code.replace("epochs = 1\n", "").replace("= 10000", "= 2000")
            (pytester.path / block.note.removeprefix("file: ")).write_text(code)
    (pytester.path / "linear.py").write_text(
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def words(): return make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000))\n"
    )
    (command,) = (b.code.split()[1:] for b in blocks("docs/replay.md") if b.note == "run")
    pytester.runpytest_inprocess(*command)
    report = json.loads(pytester.path.joinpath("report.json").read_text())
    found = {
        (e.get("shift") or "augment", e["model"]): tuple(
            round(100 * share, 1) for share in (score, e["abstained"] / e["n"], e["score_answered"])
        )
        for e in (*report["in_distribution"], *report["evaluations"])
        for score in (e["score"] if "score" in e else e["score_under_shift"],)
    }
    assert {key: found[key] for key in PUBLISHED} == PUBLISHED
    assert len(found) == 3 * 10
    assert {e["n"] for e in report["evaluations"]} == {872}
    assert all(e["paired"] for e in report["evaluations"])
    assert [a["model"] for a in report["paradigm_comparisons"]] == ["gpt-4", "gpt-3.5"]


GUIDES_TO_LABELS = {
    "docs/multi-label.md": (
        {
            "emotions.csv": "text,label\n" + "".join(
                f"{'he is furious' if n & 1 else ''} {'she is glad' if n & 2 else 'here'} and"
                f" {'I am afraid' if n & 4 else 'there'} {n},"
                f"{'|'.join(str(k + 1) for k in range(3) if n >> k & 1)}\n"
                for n in range(160)
            ),
            "emotional-reviews.jsonl": "".join(
                f'{{"text": "a {word} reader {n}", "label": ["{label}"]}}\n'
                for n in range(40)
                for word, label in (("glad", "joy"), ("afraid", "fear"))
            ),
        },
        ("one-vs-rest", "rules"),
        {"micro-f1", "exact-set", "recall-fear"},
    ),
    "docs/out-of-scope.md": (
        {
            "intents.jsonl": "".join(
                f'{{"text": "{text} {n}", "label": "{label}"}}\n'
                for n in range(50)
                for text, label in (("send money", "pay"), ("phone me", "call"), ("sing", "oos"))
            ),
            "oos.jsonl": "".join(
                f'{{"text": "what is {n}", "label": "oos"}}\n' for n in range(80)
            ),
        },
        ("careful", "taught"),
        {"accuracy", "false-acceptance"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("guide", GUIDES_TO_LABELS)
def test_the_suites_of_the_guides_to_labels_run(
    guide: str, readme_project: pytest.Pytester
) -> None:
    """Every model that the guide declares becomes a check, and its small ones are measured."""
    data, measured, metrics = GUIDES_TO_LABELS[guide]
    (suite,) = (
        block.note.removeprefix("file: ") for block in blocks(guide) if "suites/" in block.note
    )
    project = with_guide(readme_project, guide, suite)
    for name, text in data.items():
        project.path.joinpath("data", name).write_text(text)
    models = project.path.joinpath(suite.removeprefix("suites/")).read_text()
    project.path.joinpath("pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["{suite}"]\n{models}'
    )
    listed = project.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    for model in tomllib.loads(models)["tool"]["pytest_ood"]["models"]:
        listed.stdout.fnmatch_lines([f"*[[]{model}[]]"])
    options = [f"--ood-model={model}" for model in measured]
    run = project.runpytest_inprocess(
        "--ood-suite", "-k", "not test_", "--ood-report=r.json", *options
    )
    assert run.ret in (0, 1)
    report = json.loads(project.path.joinpath("r.json").read_text())
    assert {floor["verdict"] for floor in report["in_distribution"]} == {"pass"}
    assert {e["metric"] for e in report["evaluations"]} >= metrics
