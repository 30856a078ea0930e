"""Language as a shift: the same questions in other languages, and a budget on the worst of them."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pytest_ood.commands import main

ASKED = {
    "en": ("Item {n} is kept in {place}.", "Where is item {n} kept?"),
    "de": ("Artikel {n} liegt in {place}.", "Wo liegt Artikel {n}?"),
    "es": ("El artículo {n} se guarda en {place}.", "¿Dónde se guarda el artículo {n}?"),
}
PLACES = {
    "en": ("the attic", "a drawer", "the red box", "an office", "the hall"),
    "de": ("dem Dachboden", "einer Schublade", "der Kiste", "einem Büro", "der Halle"),
    "es": ("el desván", "un cajón", "la caja roja", "una oficina", "el salón"),
}
SIZE = 120

SUITE = """
task = "extractive-qa"
language = "en"

[in_distribution]
data = "en.jsonl"
fields = ["context", "question"]
label = "answers.text"
id = "id"

[shifts.domain]
de = { data = "de.jsonl", language = "de", paired = true }
es = { data = "es.jsonl", language = "es", paired = true }

[budgets]
domain = { max_drop = 0.10 }
worst-domain = { max_drop = 0.10 }
"""
PROJECT = """
[tool.pytest_ood]
suites = ["places.toml"]

[tool.pytest_ood.models.english]
callable = "readers:english"
fingerprint = "1"
baseline = true

[tool.pytest_ood.models.both]
callable = "readers:both"
fingerprint = "1"
"""
READERS = r'''
"""Readers that answer with what follows a preposition of a language that they know."""

import re


def english(inputs):
    # "in" is a preposition in German, too.
    return [answer(fields["context"], "in") for fields in inputs]


def both(inputs):
    return [answer(fields["context"], "in|se guarda en") for fields in inputs]


def answer(context, prepositions):
    found = re.search(rf" (?:{prepositions}) ([^.]+)\.", context)
    return found[1].upper() if found else context.split()[1]
'''


def rows(language: str) -> str:
    """Return the questions of a language, in the columns of the hub's XQuAD."""
    context, question = ASKED[language]
    lines = []
    for n in range(SIZE):
        place = PLACES[language][n % 5]
        named = {"n": n, "place": place}
        row = {
            "id": f"q{n}",
            "context": context.format(**named),
            "question": question.format(**named),
            "answers": {"text": [place], "answer_start": [0]},
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    return "\n".join(lines)


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    user_cache: object,  # noqa: ARG001 - not that of the user
) -> pytest.Pytester:
    """Write questions in three languages, a suite and two readers."""
    for language in ASKED:
        pytester.path.joinpath(f"{language}.jsonl").write_text(rows(language), encoding="utf-8")
    for name, text in (
        ("places.toml", SUITE), ("pyproject.toml", PROJECT), ("readers.py", READERS)
    ):  # fmt: skip
        pytester.path.joinpath(name).write_text(text, encoding="utf-8")
    return pytester


def drops(project: pytest.Pytester, name: str = "r.json") -> dict[tuple[str, str], Any]:
    """Return the drops of a report by model and shift."""
    report = json.loads(project.path.joinpath(name).read_text(encoding="utf-8"))
    return {(e["model"], e["shift"]): e for e in report["evaluations"]}


def test_one_table_has_every_language_and_the_worst(project: pytest.Pytester) -> None:
    """A reader of English and German fails in Spanish, and so on the worst; all reports say so."""
    reports = [f"--ood-report=r.{form}" for form in ("json", "md", "html")]
    run = project.runpytest_inprocess("--ood-suite", "--junitxml=j.xml", *reports)
    run.assert_outcomes(passed=6, failed=2)
    run.stdout.fnmatch_lines(
        [
            "fail: english under domain/worst-domain: es is the worst: above *",
            "*the drop is largest under: es",
            "domain",
            " de * 0.0 * pass * 0.0 * pass",
            " es * 100.0 * FAIL * 0.0 * pass",
            " worst-domain * 100.0 * FAIL * 0.0 * pass",
            "    (worst-domain: the drop is largest under: english es, both de)",
            " mean * 50.0 * 0.0",
        ]
    )
    measured = drops(project)
    worst, spanish = measured["english", "worst-domain"], measured["english", "es"]
    assert worst["details"] == {"type": "worst", "shift": "es"}
    for key in ("drop", "n", "score_in_distribution", "score_under_shift", "flips", "paired"):
        assert worst[key] == spanish[key]
    assert worst["interval"][0] < spanish["interval"][0]
    assert worst["interval"][1] == max(measured["english", s]["interval"][1] for s in ("de", "es"))
    for form in ("md", "html"):
        text = project.path.joinpath(f"r.{form}").read_text(encoding="utf-8")
        assert "worst-domain" in text
        assert "the drop is largest under" in text
    cases = {c.get("name"): c for c in ET.parse(project.path / "j.xml").iter("testcase")}  # noqa: S314 - made here
    case = cases["places/domain/worst-domain[english]"]
    told = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert (told["ood_worst"], told["ood_verdict"]) == ("es", "fail")


def test_the_worst_alone_is_the_worst_among_all(project: pytest.Pytester) -> None:
    """Chosen by its name, also by two workers, it has the figures that it has in a whole run."""
    project.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    options = ("--ood-suite", "--ood-only=worst-domain")
    project.runpytest_inprocess(*options, "--ood-report=alone.json", "--ood-no-cache")
    project.runpytest_inprocess(*options, "--ood-report=two.json", "-n2", "--ood-no-cache")
    whole = drops(project)
    alone, two = drops(project, "alone.json"), drops(project, "two.json")
    assert list(alone) == [("english", "worst-domain"), ("both", "worst-domain")]
    for key, e in alone.items():
        # The p-values are adjusted for the gates that were measured.
        for name in ("drop", "interval", "verdict", "reason", "p_fail", "details", "flips"):
            assert e[name] == two[key][name] == whole[key][name]


def test_a_plan_of_the_worst_has_the_questions_of_all_languages(project: pytest.Pytester) -> None:
    """It costs what its languages cost, with them or alone."""
    inputs = []
    for options in ((), ("--ood-only=worst-domain",)):
        run = project.runpytest_inprocess("--ood-suite", "--ood-dry-run", *options)
        inputs.append([line.split()[:2] for line in run.outlines if line.startswith("english ")])
        run.stdout.fnmatch_lines(["places/domain/worst-domain[[]english] *"])
    assert inputs[0] == inputs[1] != []


def test_a_later_release_and_a_study_go_by_the_languages(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worst may be another language then, so that its scores are not compared."""
    project.runpytest_inprocess("--ood-suite", "--ood-save=first")
    readers = project.path / "readers.py"
    readers.write_text(readers.read_text().replace("in|se guarda en", "se guarda en"))
    toml = project.path / "pyproject.toml"
    toml.write_text(toml.read_text().replace('fingerprint = "1"', 'fingerprint = "2"'))
    run = project.runpytest_inprocess(
        "--ood-suite", "--ood-compare=first", "--ood-compare-fail=drop:5%", "--ood-report=r.json"
    )
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    report = json.loads(project.path.joinpath("r.json").read_text(encoding="utf-8"))
    compared = {change["shift"] for change in report["release"]["changes"]}
    assert compared == {None, "de", "es"}
    assert not [note for note in report["release"]["notes"] if "worst-domain" in note]
    capsys.readouterr()
    assert main(["study", str(project.path / "r.json"), "--json"]) == 0
    studied = json.loads(capsys.readouterr().out)
    assert {shift["shift"] for shift in studied["suites"][0]["shifts"]} == {"de", "es"}


def test_the_built_in_suite_takes_data_of_one_s_own(project: pytest.Pytester) -> None:
    """Files take the place of the hub's; the part whose files are not named is left out."""
    known = {"en": "en", "de": "de", "es": "es", "ru": "de", "zh": "de", "ar": "de", "hi": "es"}
    data = "".join(
        f'"hub:google/xquad#xquad.{language}" = "{file}.jsonl"\n'
        for language, file in known.items()
    )
    head, _, models = PROJECT.partition("\n\n")
    path = project.path / "pyproject.toml"
    path.write_text(
        f"{head.replace('places.toml', 'languages')}\n[tool.pytest_ood.data]\n{data}\n{models}"
    )
    run = project.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    run.stdout.fnmatch_lines(
        [
            "languages: score in distribution > under the shift (drop)",
            "xquad/de *",
            "xquad/worst-domain *",
            "note: languages-xed is left out: yours:xed-en and *",
        ]
    )
    measured = drops(project)
    assert {shift for _, shift in measured} == {*known, "worst-domain"} - {"en"}
    assert measured["english", "worst-domain"]["verdict"] == "fail"


MIXED = """
labels = ["good", "bad"]

[in_distribution]
data = "reviews.csv"
language_column = "lang"

[shifts.noise.NOISE]
severity = 5

[budgets]
noise = { max_drop = 0.9 }
"""
WORDS = {"en": ("good", "bad"), "de": ("schön", "übel"), "ru": ("хорош", "плох")}


def mixed(pytester: pytest.Pytester, noise: str) -> pytest.RunResult:
    """Run a noise on reviews in three languages, which a column tells apart."""
    rows = "".join(
        f"{word} {n},{label},{language}\n"
        for language, words in WORDS.items()
        for word, label in zip(words, ("good", "bad"), strict=True)
        for n in range(40)
    )
    pytester.path.joinpath("reviews.csv").write_text(f"text,label,lang\n{rows}", encoding="utf-8")
    pytester.path.joinpath("mixed.toml").write_text(MIXED.replace("NOISE", noise))
    pytester.path.joinpath("seen.py").write_text(
        "from pathlib import Path\n"
        "BAD = ('bad', 'übel', 'uebel', 'плох', 'plokh', 'ploh')\n"
        "def seen(texts):\n"
        "    with Path('seen.txt').open('a', encoding='utf-8') as file:\n"
        "        file.write(''.join(f'{text}\\n' for text in texts))\n"
        "    return ['bad' if any(word in text for word in BAD) else 'good' for text in texts]\n",
        encoding="utf-8",
    )
    pytester.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["mixed.toml"]\n'
        '[tool.pytest_ood.models.seen]\ncallable = "seen:seen"\n'
    )
    return pytester.runpytest_inprocess("--ood-suite", "--ood-cache=cache")


def test_each_row_has_the_noise_of_its_language(pytester: pytest.Pytester) -> None:
    """Letters that are added to a row are those of its language's alphabet."""
    mixed(pytester, "substitute-character").assert_outcomes(passed=2)
    texts = pytester.path.joinpath("seen.txt").read_text(encoding="utf-8").split()
    russian = [text for text in texts if any("\u0430" <= c <= "\u044f" for c in text)]
    assert len({*russian}) > len(WORDS["ru"])
    assert all("\u0430" <= c <= "\u044f" or c == "ё" for text in russian for c in text)


def test_noise_that_does_not_fit_a_row_is_refused_before_a_model_runs(
    pytester: pytest.Pytester,
) -> None:
    """The error names the language and what fits it, and no text was asked about."""
    result = mixed(pytester, "transliterate")
    result.stdout.fnmatch_lines(
        ["*transliterate does not fit English (en)*What fits English: *keyboard*"]
    )
    assert not pytester.path.joinpath("seen.txt").exists()
