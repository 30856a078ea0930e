"""Attacks on tasks without labels: what they lower is the score."""

from __future__ import annotations

import json
from typing import Any

import pytest

CODE = """
import json
import re

from pytest_ood import OpenTask
from pytest_ood.data.spans import moved_spans


class Name(OpenTask):
    '''Where the name in a text begins and ends.'''

    name = "name"
    structured = moves = True

    def encode(self, value, inputs):
        return json.dumps(value)

    def moved(self, example, inputs, edits):
        from dataclasses import replace
        moved = moved_spans([json.loads(example.label)], edits["text"])
        if moved is None or moved[0] is None:
            return None
        return replace(example, inputs=inputs, label=json.dumps(moved[0]))

    def score(self, prediction, example):
        found, right = json.loads(prediction.label or "null"), json.loads(example.label)
        return 0.0 if found is None else (found[0] == right[0]) / 2 + (found[1] == right[1]) / 2


def finder(texts):
    '''Find a capital and what follows on it, in a text with the word "friend".'''
    found = [re.search(r"[A-Z][a-z]*" if "friend" in text else "the", text) for text in texts]
    return [None if one is None else list(one.span()) for one in found]


def blind(texts):
    return [[0, 1] for _ in texts]


def reader(inputs):
    '''Answer with the two words that are said to be a capital.'''
    found = [re.search(r"capital .* is (\\w+ \\w+)", one["context"]) for one in inputs]
    return [one[1] if one else "unanswerable" for one in found]
"""

SUITE = """
task = "{task}"
max_examples = 24
[in_distribution]
data = "{data}.jsonl"
id = "id"
{columns}
[shifts.adversarial.greedy-characters]
query_budget = 60
{keys}
[shifts.adversarial.replayed]
attack = "pruthi"
query_budget = 60
against = "own"
max_drop = 1.0
"""


def reported(pytester: pytest.Pytester, model: str, suite: str, **values: str) -> dict[str, Any]:
    """Run a suite on a model, and return its evaluations by shift."""
    pytester.makepyfile(mine=CODE)
    named, cities = [], []
    for n in range(30):
        name = ("Ann", "Robert", "Lisa")[n % 3]
        text = f"the {'very ' * (n % 4)}old friend {name} wrote letters"
        begin = text.index(name)
        named.append({"id": str(n), "text": text, "label": [begin, begin + len(name)]})
        city = ("New York", "San Jose", "Buenos Aires")[n % 3]
        context = f"The capital of country {n} is {city} they say"
        cities.append({"id": str(n), "question": "Which city?", "context": context, "label": city})
    for file, rows in (("named", named), ("cities", cities)):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (pytester.path / f"{file}.jsonl").write_text(lines, encoding="utf-8")
    (pytester.path / "suite.toml").write_text(suite.format(**{"columns": "", "keys": "", **values}))
    (pytester.path / "pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suite.toml"]\n'
        f'[tool.pytest_ood.models.own]\ncallable = "mine:{model}"\nfingerprint = "1"\n'
        f'[tool.pytest_ood.models.other]\ncallable = "mine:blind"\n'
    )
    pytester.runpytest("--ood-suite", "--ood-model=own", "--ood-report=r.json")
    report = json.loads((pytester.path / "r.json").read_text())
    return {e["shift"]: e for e in report["evaluations"]}


def test_answers_with_indices_are_attacked_where_they_went(pytester: pytest.Pytester) -> None:
    """An attack makes the finder miss the name; half of a name is right unless it has to be all."""
    for below in ("0.5", "1.0"):
        found = reported(
            pytester, "finder", SUITE, task="mine:Name", data="named", keys=f"wrong_below = {below}"
        )["greedy-characters"]
        assert found["score_in_distribution"] == 1.0
        assert found["flips"]
        for flip in found["flips"]:
            begin, end = json.loads(flip["label"])
            assert flip["after"][begin:end].strip()
            answer = json.loads(flip["answer_after"] or "null")
            hits = 0 if answer is None else (answer[0] == begin) + (answer[1] == end)
            assert hits / 2 < float(below)
        assert found["score_under_shift"] < float(below)


def test_questions_are_attacked(pytester: pytest.Pytester) -> None:
    """The right answer is protected, so that the words around it are what is changed."""
    found = reported(
        pytester,
        "reader",
        SUITE,
        task="extractive-qa",
        data="cities",
        columns='fields = ["question", "context"]',
    )
    own = found["greedy-characters"]
    assert own["score_in_distribution"] == 1.0
    assert own["score_under_shift"] < 0.2
    for flip in own["flips"]:
        assert flip["label"] in json.dumps(flip["after"])
        assert flip["answer_after"] != flip["label"]
    # A second run is answered from the store.
    again = reported(
        pytester,
        "reader",
        SUITE,
        task="extractive-qa",
        data="cities",
        columns='fields = ["question", "context"]',
    )
    assert again["greedy-characters"]["score_under_shift"] == own["score_under_shift"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("wrong_below = 0", "*wrong_below = 0* is a score above 0, and at most 1"),
        ('target = "x"', "*target: it is a label, and the task extractive-qa has none"),
    ],
)
def test_keys_that_do_not_go_with_scores_are_refused(
    pytester: pytest.Pytester, key: str, message: str
) -> None:
    """The message says why."""
    (pytester.path / "cities.jsonl").write_text('{"text": "a", "label": "b"}\n')
    (pytester.path / "suite.toml").write_text(
        SUITE.format(task="extractive-qa", data="cities", columns="", keys=key)
    )
    (pytester.path / "pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["suite.toml"]\n[tool.pytest_ood.models.a]\nfake = "random"\n'
    )
    result = pytester.runpytest("--ood-suite")
    result.stderr.fnmatch_lines([f"ERROR:{message}"])
