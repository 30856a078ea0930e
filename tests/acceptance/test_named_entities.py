"""Named entities, from CoNLL columns to a report, under domain shift, noise and other names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

PEOPLE = ("Ada Byron", "Bela", "Cleo", "Dina Dee", "Egon")
CITIES = ("Rome", "New Oslo", "Lima", "Kyoto", "Cairo")

SUITE = """
task = "ner"
labels = ["PER", "LOC"]

[in_distribution]
data = "news.conll"
columns = ["text", "pos", "label"]

[shifts.domain.posts]
data = "posts.jsonl"
id = "id"
labels = { person = "PER", city = "LOC", tool = "O" }
partial-f1 = { max_drop = 0.5 }

[shifts.noise.lower-case]
severity = 5

[shifts.noise.around]
perturbation = "lower-case"
severity = 5
protect = ["answers"]

[shifts.noise.keyboard]
severity = 5

[shifts.noise.swap-entities]

[budgets]
domain = { max_drop = 0.5, entity-f1-LOC = { max_drop = 0.9 } }
noise = { max_drop = 0.5 }
"""

TAGGER = '''
import json
import re

PEOPLE, CITIES = {people!r}, {cities!r}


def found(texts):
    """Return the known names of each text, in capitals as they are known."""
    return [
        [
            (match.start(), match.end(), label)
            for label, names in (("PER", PEOPLE), ("LOC", CITIES))
            for name in names
            for match in re.finditer(re.escape(name), text)
        ]
        for text in texts
    ]


def listed(texts):
    """Return a chatty list of the names of each text."""
    answers = []
    for text, entities in zip(texts, found(texts)):
        items = [{{"text": text[a:b], "label": label.lower()}} for a, b, label in entities]
        answers.append(f"Here you are: {{json.dumps(items)}}")
    return answers
'''


def sentence(number: int) -> tuple[str, str, str]:
    """Return a text and its two names; every fourth has none."""
    who, city = PEOPLE[number % 5], CITIES[number * 3 % 5]
    return (f"In {number} , {who} moved to {city} .", who, city)


def conll(count: int) -> str:
    """Write sentences in IOB1, with parts of speech that nobody needs."""
    lines = ["-DOCSTART- -X- O\n"]
    for number in range(count):
        text, who, city = sentence(number)
        if number % 4 == 0:
            text, who, city = f"Nothing happened in {number} .", "", ""
        for word in text.split():
            tag = "I-PER" if word in who.split() else "I-LOC" if word in city.split() else "O"
            lines.append(f"{word} X {tag}")
        lines.append("")
    return "\n".join(lines)


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    user_cache: Any,  # noqa: ARG001
) -> pytest.Pytester:
    """Write sentences of two domains, and functions that know the names."""
    posts = []
    for number in range(60):
        text, who, city = sentence(number)
        text = f"lol {text} Hammer!"
        spans = [(who, "person"), (city, "city"), ("Hammer", "tool")]
        entities = [[text.index(name), text.index(name) + len(name), kind] for name, kind in spans]
        posts.append(json.dumps({"id": str(number), "text": text, "label": entities}))
    tagger = TAGGER.format(people=PEOPLE, cities=CITIES[:-1])
    for name, content in {
        "news.conll": conll(80), "posts.jsonl": "\n".join(posts), "tagger.py": tagger,
        "ner.toml": SUITE,
        "pyproject.toml": '[tool.pytest_ood]\nsuites = ["ner.toml"]\n'
        '[tool.pytest_ood.models.known]\ncallable = "tagger:found"\nbaseline = true\n'
        '[tool.pytest_ood.models.chatty]\ncallable = "tagger:listed"\nparadigm = "prompted"\n',
    }.items():  # fmt: skip
        pytester.path.joinpath(name).write_text(content, encoding="utf-8")
    return pytester


def test_entities_go_all_the_way(project: pytest.Pytester) -> None:
    """Budgets are of entity F1; spans move with the noise; and all forms of answers are read."""
    run = project.runpytest_inprocess("--ood-suite", "--ood-report", "r.json")
    run.stdout.fnmatch_lines(["ner: F1 of a text, then drop of *"])
    report = json.loads(project.path.joinpath("r.json").read_text())
    # Cairo is unknown: 12 of 60 cities; a text without entities is right without any.
    (score,) = {floor["score"] for floor in report["in_distribution"]}
    assert score == pytest.approx((20 + 48 + 12 * 2 / 3) / 80)
    found = {(e["model"], e["shift"], e["metric"]): e for e in report["evaluations"]}
    before = 2 * 108 / (108 + 120)
    for model in ("known", "chatty"):
        posts = found[model, "posts", "entity-f1"]
        assert (posts["score_in_distribution"], posts["n"]) == (pytest.approx(before), 60)
        assert posts["drop"] == pytest.approx(0.0)
        assert found[model, "posts", "entity-f1-LOC"]["drop"] == pytest.approx(0.0)
        assert found[model, "posts", "partial-f1"]["verdict"] == "pass"
        lower = found[model, "lower-case", "entity-f1"]
        assert lower["score_under_shift"] == 0.0
        assert lower["details"]["rejected"] == 0
        around = found[model, "around", "entity-f1"]
        assert (around["drop"], around["verdict"]) == (0.0, "pass")
        # Nearly all names have a typing error, and count as the names that they are now.
        assert found[model, "keyboard", "entity-f1"]["score_under_shift"] < 0.8
        swapped = found[model, "swap-entities", "entity-f1"]
        # Texts without names do not change.
        assert swapped["n"] == 60
        assert abs(swapped["drop"]) < 0.1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("news.conll", "Ada X I-PER\nmet X PER\n",
         "news.conll, row 1, field 'label': word 2: the tag 'PER' is of"),
        ("news.conll", "Ada X I-ORG\n", "news.conll, row 1, field 'label': unknown label 'ORG'"),
        ("posts.jsonl", '{"id": "1", "text": "Ada", "label": [[0, 4, "PER"]]}\n',
         r"posts.jsonl, row 1, field 'label': the span \[0, 4\] is not in the text"),
    ],
)  # fmt: skip
def test_bad_rows_are_named(
    project: pytest.Pytester, name: str, content: str, message: str
) -> None:
    """File, row and field, and what is right."""
    project.path.joinpath(name).write_text(content)
    run = project.runpytest_inprocess("--ood-suite")
    assert run.ret != 0
    assert re.search(message, f"{run.stdout}{run.stderr}")
