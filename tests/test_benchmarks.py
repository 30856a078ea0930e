"""Every benchmark runs to its end, small: whether its claims hold is for a quiet machine to say."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_checkpoints import save_chat_model

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"

SIMULATIONS = {
    "counted_metrics.py": ["--releases=1", "--sizes=30"],
    "verdict_calibration.py": [
        "--releases=1",
        "--metric-releases=1",
        "--metrics=ece",
        "--sizes=30",
        "--counts=50",
    ],
    "judge_calibration.py": ["--releases=1", "--power=1"],
    "sequential_savings.py": ["--releases=2", "--sizes=300"],
    "study_calibration.py": ["--studies=2"],
}
PLAIN = {
    "api_faults.py": ["--only", "429"],
    "attack_scaling.py": ["10", "20"],
    "cluster.py": ["--texts=60", "--sets=1", "--examples=20"],
    "codebase.py": [str(ROOT)],
    "languages.py": ["de", "th", "--only", "swap", "keyboard"],
    "memory.py": ["200", "400"],
}
OF_MODELS = {
    "attack_recipes.py": ["--examples=1", "--only", "textbugger-strict"],
    "attacks.py": ["deepwordbug", "--examples=1"],
    "label_preservation.py": ["swap", "--examples=2"],
    "llm_scoring.py": ["--examples=2", "--grid=1", "--lengths=5", "--shots=2"],
    "verdict_time.py": ["--examples=2", "--rounds=1"],
}
"""What measures the models of the built-in suite, which a test has not the minutes to train."""

MODELS = """
[tool.pytest_ood.models.minilm]
finetuned = "asset:minilm"
train = { data = "train.csv" }
epochs = 1
baseline = true

[tool.pytest_ood.models.smollm2]
prompted = "asset:smollm2"
chat = false
prompt = "{text} It was"

[tool.pytest_ood.models.roberta-small]
fake = "keyword"
words = { negative = ["dull"], positive = ["warm"] }
"""
WORDS = (("dull", "negative"), ("warm", "positive"))

OF_DATA = {
    "accelerator.py": ["--texts=20", "--rounds=1"],
    "busy_cores.py": ["--only=encoder", "--seconds=0.1", "--rounds=1", "--busy"],
    "onnx_speed.py": ["--examples=2", "--rounds=1"],
    "perturbations.py": ["--texts=2", "--seconds=0.001", "--only=keyboard"],
}
ON_THEIR_OWN = {
    "chat_templates.py",
    "compare_trees.py",
    "extraction_run.py",
    "findings.py",
    "free_text_run.py",
    "judged_run.py",
    "label_preservation_languages.py",
    "label_reading.py",
    "label_scoring.py",
    "languages_run.py",
    "multi_label_run.py",
    "multiple_choice_run.py",
    "ner_run.py",
    "out_of_scope_run.py",
    "report_pictures.py",
}


def run(name: str, *options: str, cwd: Path, statuses: tuple[int, ...] = (0, 1)) -> str:
    """Run a benchmark to its end, and return what it prints.

    Status 1 says that a claim was missed, which so few examples cannot hold.
    """
    command = [sys.executable, str(ROOT / "benchmarks" / name), *options]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in statuses, done.stderr
    return done.stdout


Measure = Callable[..., str]


@pytest.fixture
def measure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Measure:
    """Return what runs a benchmark of models in this process, where their packages are imported."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)

    def measure(name: str, *options: str) -> str:
        path = str(ROOT / "benchmarks" / name)
        monkeypatch.setattr(sys, "argv", [path, *options])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(path, run_name="__main__")
        assert ended.value.code in (0, 1)
        return capfd.readouterr().out

    return measure


def test_every_benchmark_has_a_run() -> None:
    """A new script is run here too; what begins with an underscore is part of another."""
    scripts = {path.name for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert scripts == {*SIMULATIONS, *PLAIN, *OF_MODELS, *OF_DATA, *ON_THEIR_OWN}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SIMULATIONS, *PLAIN])
def test_a_benchmark_runs(name: str, tmp_path: Path) -> None:
    """It prints its tables."""
    assert "|" in run(name, *(SIMULATIONS | PLAIN)[name], cwd=tmp_path)


@pytest.mark.demo
@pytest.mark.parametrize("name", OF_DATA)
def test_a_benchmark_of_packaged_data_runs(name: str, measure: Measure, packaged: Path) -> None:
    """It prints its tables."""
    assert "|" in measure(name, f"--cache={packaged}", *OF_DATA[name])


@pytest.mark.demo
@pytest.mark.parametrize("name", OF_MODELS)
def test_a_benchmark_of_models_runs(
    name: str, measure: Measure, tmp_path: Path, packaged: Path
) -> None:
    """It prints its tables, of models that learn from a few sentences."""
    rows = "".join(f"a {word} film {n},{label}\n" for n in range(8) for word, label in WORDS)
    (tmp_path / "train.csv").write_text(f"text,label\n{rows}")
    (tmp_path / "pyproject.toml").write_text(MODELS)
    assert "|" in measure(name, f"--project={tmp_path}", f"--cache={packaged}", *OF_MODELS[name])


@pytest.mark.demo
def test_labels_of_several_tokens_are_timed(
    measure: Measure, tmp_path: Path, packaged: Path
) -> None:
    """Times beside a loop and accuracies are printed, of a few intents."""
    intents = ("card_arrival", "age_limit", "lost_or_stolen_card")
    rows = "".join(f"What about {n}?,{intents[n % 3]}\n" for n in range(6))
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text(f"text,category\n{rows}")
    options = ["--timed=2", "--rounds=1", "--examples=2", "--shots", "1", "--more-shots", "0"]
    printed = measure("label_scoring.py", str(tmp_path), f"--cache={packaged}", *options)
    assert "| 2 of 2 |" in printed
    assert '| `normalize = "empty"` |' in printed


@pytest.mark.slow
def test_chat_models_are_measured_with_and_without_their_template(
    tmp_path: Path,
    one_thread: None,  # noqa: ARG001 - while the checkpoint is made
) -> None:
    """A row for each model, prompt and template goes into the document, and stays measured."""
    save_chat_model(tmp_path / "tiny", "chatml")
    for name, noun in (("films", "film"), ("goods", "lamp")):
        rows = "".join(f"a {word} {noun} {n},{label}\n" for n in range(4) for word, label in WORDS)
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{rows}")
    document = tmp_path / "table.md"
    document.write_text(
        "<!-- measured by benchmarks/chat_templates.py -->\n<!-- end of measured -->"
    )
    command = ["tiny=tiny", "--examples=8", "--data", "films.csv", "goods.csv", "--cache=cache"]
    printed = run("chat_templates.py", *command, "--write=table.md", cwd=tmp_path, statuses=(0,))
    rows = [line for line in document.read_text().splitlines() if line.startswith("| tiny")]
    assert [row.split(" | ")[1:4] for row in rows] == [
        [prompt, template, "8 and 8"]
        for prompt in ("instruction", "instruction and 4 demonstrations")
        for template in ("yes", "no")
    ]
    assert all(row in printed for row in rows)
    (report,) = tmp_path.glob("chat-templates/*.json")
    written = report.stat().st_mtime_ns
    assert run("chat_templates.py", *command, cwd=tmp_path, statuses=(0,)) == printed
    assert report.stat().st_mtime_ns == written


@pytest.mark.slow
def test_taggers_of_entities_are_measured(tmp_path: Path) -> None:
    """The tagger of scikit-learn learns from CoNLL columns, and its drops go into a document."""
    lines = "Ann{n} I-PER\nlives O\nin O\n{city} I-LOC\nfor O\nIBM{n} I-ORG\n. O\n"
    cities = ("Rome", "Oslo", "Lima")
    texts = [lines.format(n=n % 7, city=cities[n % 3]) for n in range(200)]
    (tmp_path / "wikigold.txt").write_text("\n".join(texts))
    wnut = "\n".join(texts).replace("I-PER", "B-person").replace("I-LOC", "B-location")
    (tmp_path / "wnut.txt").write_text(wnut.replace("I-ORG", "B-group").replace(" ", "\t"))
    table = tmp_path / "table.md"
    table.write_text("<!-- measured by benchmarks/ner_run.py -->\n<!-- end of measured -->")
    options = ["wikigold.txt", "wnut.txt", "--models", "tfidf", "--write", "table.md"]
    printed = run("ner_run.py", *options, cwd=tmp_path, statuses=(0,))
    assert "| tfidf | wnut17 | entity-f1-ORG | 200 | 100.0 | 100.0 |" in table.read_text()
    assert "| tfidf | keyboard-beside | entity-f1 |" in printed


def test_questions_of_intents_are_measured(tmp_path: Path) -> None:
    """Each message becomes a question with four options, and every shift a row of the table."""
    intents = [f"intent_{n}" for n in range(10)]
    said = [(f"Message {n} about something", intents[n % 10]) for n in range(120)]
    for name in ("train", "test"):
        rows = "".join(f"{text},{intent}\n" for text, intent in said)
        (tmp_path / "banking77").mkdir(exist_ok=True)
        (tmp_path / "banking77" / f"{name}.csv").write_text(f"text,category\n{rows}")
    (tmp_path / "clinc150").mkdir()
    (tmp_path / "clinc150" / "data_small.json").write_text(json.dumps({"test": said}))
    (tmp_path / "models.toml").write_text('[tool.pytest_ood.models.a]\nfake = "constant"\n')
    options = [".", "--models", "models.toml"]
    printed = run("multiple_choice_run.py", *options, cwd=tmp_path, statuses=(0,))
    for shift in ("assistant", "keyboard", "shuffle-options", "option-letters", "another-intent"):
        assert f"| a | {shift} | accuracy | 100 |" in printed


@pytest.mark.slow
def test_the_findings_are_planned(tmp_path: Path) -> None:
    """The projects of the findings read the data that they name."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared data {SHARED} is not there")
    run("findings.py", str(SHARED), "checklist", "--ood-dry-run", cwd=tmp_path)


@pytest.mark.demo
def test_a_judge_is_measured_on_real_answers(measure: Measure, packaged: Path) -> None:
    """What a gate says of people's verdicts stands beside those of all answers."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared data {SHARED} is not there")
    sizes = ["--examples=40", "--labels=50"]
    data = str(SHARED / "xquad")
    printed = measure("judged_run.py", data, f"--cache={packaged}", *sizes)
    assert "| the judge alone |" in printed
    assert "Cohen's kappa" in printed


@pytest.mark.slow
def test_a_tree_measures_the_same_as_itself(tmp_path: Path) -> None:
    """Two runs of one tree, and one from the cache of the first, give the same figures."""
    rows = "".join(f"a {word} film {n},{label}\n" for n in range(60) for word, label in WORDS)
    project = tmp_path / "projects" / "words"
    project.mkdir(parents=True)
    (project / "a.csv").write_text(f"text,label\n{rows}")
    (project / "suite.toml").write_text(
        'labels = ["negative", "positive"]\nin_distribution = "a.csv"\n[shifts.noise.swap]\n'
    )
    (project / "pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suite.toml"]\n[tool.pytest_ood.models.words]\n'
        'fake = "keyword"\nwords = { negative = ["dull"], positive = ["warm"] }\n'
    )
    printed = run("compare_trees.py", *[str(ROOT)] * 2, "projects", cwd=tmp_path, statuses=(0,))
    assert "words: exit status 0, 1 drops, 0 differences" in printed


def test_the_sentences_to_read_are_printed(tmp_path: Path) -> None:
    """Of a file of labelled sentences, what a label-changing perturbation makes of them."""
    rows = "".join(f"the {noun} is good .\t1\n" for noun in ("film", "plot", "end"))
    (tmp_path / "dev.tsv").write_text(f"sentence\tlabel\n{rows}")
    printed = run("label_reading.py", "negate", "dev.tsv", cwd=tmp_path, statuses=(0,))
    assert "the plot is" in printed


@pytest.mark.slow
def test_labels_of_other_languages_are_measured(tmp_path: Path) -> None:
    """A classifier learns from texts in German and Chinese, and a table of each is printed."""
    emotions = "".join(
        f"Das ist sch\u00f6n Nr. {n}.\t5\nSo ein Mist Nr. {n}.\t1\n" for n in range(40)
    )
    (tmp_path / "xed").mkdir()
    (tmp_path / "xed" / "de-projections.tsv").write_text(emotions, encoding="utf-8")
    asked = [
        [{"question": f"{town}\u6709{n}\u672c\u4e66\u5417\uff1f"} for n in range(20)]
        for town in ("\u5317\u4eac", "\u4e0a\u6d77")
    ]
    articles = [
        {"paragraphs": [{"context": questions[0]["question"], "qas": questions}]}
        for questions in asked
    ]
    (tmp_path / "xquad").mkdir()
    (tmp_path / "xquad" / "xquad.zh.json").write_text(json.dumps({"data": articles}))
    options = [".", "--only", "swap", "contract", "--languages", "de", "zh"]
    printed = run("label_preservation_languages.py", *options, cwd=tmp_path, statuses=(0,))
    assert "| `swap` | 20 20 20 20 20 |" in printed
    assert "| `contract` | none |" in printed
    assert "Chinese (XQuAD): 22 texts learned, 20 scored" in printed


@pytest.mark.slow
def test_examples_in_many_languages_are_written(tmp_path: Path) -> None:
    """Forty examples go into a document, and none of them is empty."""
    document = tmp_path / "table.md"
    marks = "<!-- measured by benchmarks/languages.py --examples -->\n<!-- end of measured -->"
    document.write_text(marks)
    run("languages.py", "--examples", "--write=table.md", cwd=tmp_path, statuses=(0,))
    rows = [line.split(" | ") for line in document.read_text().splitlines()[3:-1]]
    assert len(rows) >= 40
    assert all(before != after.removesuffix(" |") for _, _, before, after in rows)
    assert len({language for language, *_ in rows}) >= 12


@pytest.mark.slow
def test_the_pictures_are_taken(tmp_path: Path) -> None:
    """Each picture of a report is written."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("no browser is installed")
    suite = 'labels = ["n", "p"]\nin_distribution = "a.csv"\n[shifts.noise.swap]\n'
    rows = "".join(f"A {w} film {n},{w[0]}\n" for n in range(60) for w in ("nasty", "pretty"))
    (tmp_path / "a.csv").write_text(f"text,label\n{rows}")
    (tmp_path / "suite.toml").write_text(suite)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suite.toml"]\n[tool.pytest_ood.models.words]\n'
        'fake = "keyword"\nwords = { n = ["nasty"], p = ["pretty"] }\n'
    )
    command = [sys.executable, "-m", "pytest", "--ood-suite", "--ood-report=r.json"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    run("report_pictures.py", "r.json", "--out=pictures", cwd=tmp_path, statuses=(0,))
    assert list((tmp_path / "pictures").glob("*.png"))


@pytest.mark.slow
def test_free_texts_are_measured(tmp_path: Path) -> None:
    """A row for each measure, model and shift, of sentences without their capitals."""
    asked = [f"What is the name of the river in town {n}?" for n in range(150)]
    told = " ".join(f"Another river of town {n} has a name." for n in range(20))
    questions = [{"id": f"q{n}", "question": text} for n, text in enumerate(asked)]
    paragraphs = [{"context": told, "qas": questions}]
    (tmp_path / "x.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    problems = [
        {"question": f"Ann has {n} pens in her bag. How many has Bob?"} for n in range(2, 30)
    ]
    (tmp_path / "g.jsonl").write_text("\n".join(map(json.dumps, problems)))
    options = ["--examples=12", "--metrics", "bleu", "--ood-model=rules"]
    printed = run("free_text_run.py", "x.json", "g.jsonl", *options, cwd=tmp_path, statuses=(0,))
    assert "| rules | BLEU | 12 |" in printed
    assert "| rules | problems | corpus-bleu | 12 |" in printed


@pytest.mark.slow
def test_questions_in_other_languages_are_measured(tmp_path: Path) -> None:
    """A row for each language and for the worst, a column for each reader, in a document."""
    (tmp_path / "xquad").mkdir()
    places = ("Rome", "Oslo", "Lima", "Quito", "Cairo")
    for language in ("en", "de", "es", "ru", "zh", "ar", "hi"):
        paragraphs = [
            {
                "context": f"Nothing is said. The museum {n} stands in {places[n % 5]} today.",
                "qas": [
                    {
                        "id": f"q{n}",
                        "question": f"Where does the museum {n} stand?",
                        "answers": [{"text": places[n % 5], "answer_start": 0}],
                    }
                ],
            }
            for n in range(80)
        ]
        content = {"data": [{"paragraphs": paragraphs}]}
        (tmp_path / "xquad" / f"xquad.{language}.json").write_text(json.dumps(content))
    table = tmp_path / "table.md"
    table.write_text("<!-- measured by benchmarks/languages_run.py -->\n<!-- end of measured -->")
    options = [".", "--prompted=0", "--sentences=0", "--write", "table.md"]
    printed = run("languages_run.py", *options, cwd=tmp_path, statuses=(0,))
    assert "| xquad | overlap, n = 80 | english-rules, n = 80 |" in printed
    assert "| Hindi | 0.0 [" in table.read_text()
    assert "| the worst | German: 0.0 [" in table.read_text()
