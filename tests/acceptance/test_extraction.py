"""Extraction from end to end: objects in files, functions, recorded texts, reports and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

DAYS = ("Monday", "Friday", "Sunday")
NAMES = ("Ann Lee", "Bob Ray", "Cy Young")

SUITE = """
task = "extraction"
max_abstention = 0.6
in_distribution = { data = "messages.jsonl", label = "slots", id = "id" }
[schema]
people = "number"
day = "exact"
names = "set"
[shifts.domain.formal]
data = "formal.jsonl"
[shifts.noise.swap]
severity = 5
[shifts.noise.swap-everywhere]
perturbation = "swap"
severity = 5
protect = []
[budgets]
domain = { max_drop = 0.5, field-day = { max_drop = 0.5 }, complete-json = { max_drop = 0.5 } }
noise = { max_drop = 0.3, exact-object = { max_drop = 0.3 }, valid-json = { max_drop = 0.1 } }
"""
MODELS = """
WORDS = 11


def reader(texts):
    '''Copy words; of a message with more of them say nothing that is JSON, or not all fields.'''
    answers = []
    for words in map(str.split, texts):
        if len(words) == WORDS:
            names = [" ".join(words[6:8]), " ".join(words[9:]).rstrip(".")]
            answers.append({"people": words[3], "day": words[5].rstrip(","), "names": names})
        else:
            answers.append("no idea" if "Ann" in words else {"people": 0, "names": []})
    return answers
"""
PROJECT = """
[tool.pytest_ood]
suites = ["booking.toml"]
[tool.pytest_ood.models.reader]
callable = "reading:reader"
fingerprint = "1"
[tool.pytest_ood.models.recorded]
replay = "answers.jsonl"
paradigm = "prompted"
"""


def message(number: int, text: str, *, spans: bool = True) -> dict[str, Any]:
    """Return a row; its day and names have spans in the text."""
    day, name = DAYS[number % 3], NAMES[number % 2]
    text = text.format(people=number % 7 + 2, day=day, names=f"{name} and Cy Young")

    def right(value: str) -> Any:
        start = text.index(value)
        return {"start": start, "end": start + len(value)} if spans else value

    slots = {"people": number % 7 + 2, "day": right(day), "names": [right(name), "Cy Young"]}
    return {"id": f"m{number}", "text": text, "slots": slots}


@pytest.fixture
def bookings(
    pytester: pytest.Pytester,
    user_cache: Any,  # noqa: ARG001
) -> pytest.Pytester:
    """Write a project with messages, and models that copy values out of them."""
    plain = [message(n, f"({n}) We are {{people}} on {{day}}, {{names}}.") for n in range(60)]
    formal = [
        message(n, f"({n}) A table, please, {{day}}, {{people}} persons: {{names}}", spans=False)
        for n in range(60)
    ]
    recorded = [
        {
            "shift": shift,
            "id": row["id"],
            "answer": f"```json\n{json.dumps({'People': row['slots']['people']})}\n```",
        }
        for shift in ("in-distribution", "formal", "swap", "swap-everywhere")
        for row in plain
    ]
    for name, rows in {"messages": plain, "formal": formal, "answers": recorded}.items():
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        pytester.path.joinpath(f"{name}.jsonl").write_text(lines)
    pytester.path.joinpath("booking.toml").write_text(SUITE)
    pytester.path.joinpath("reading.py").write_text(MODELS)
    pytester.path.joinpath("pyproject.toml").write_text(PROJECT)
    return pytester


def test_objects_go_all_the_way(bookings: pytest.Pytester) -> None:
    """Values are compared by field, follow the noise in their spans, and have their budgets."""
    run = bookings.runpytest_inprocess("--ood-suite", "--ood-report=r.json", "--ood-report=r.md")
    run.stdout.fnmatch_lines(["booking: field score, then drop of field score in points, *"])
    report = json.loads(bookings.path.joinpath("r.json").read_text())
    floors = {floor["model"]: floor for floor in report["in_distribution"]}
    assert floors["reader"]["score"] == 1.0
    # One field of three, of which the recorded texts say nothing else.
    assert floors["recorded"]["score"] == pytest.approx(1 / 3)
    # Of the six most frequent objects each has ten examples or less; in part many are right.
    assert 0.1 < floors["reader"]["majority"] < 0.9
    found = {(e["model"], e["shift"], e["metric"]): e for e in report["evaluations"]}
    formal = found["reader", "formal", "accuracy"]
    assert formal["abstained"] == 30
    assert formal["metrics"]["valid-json"]["under_shift"] == 0.5
    assert formal["metrics"]["complete-json"]["under_shift"] == 0.0
    assert found["reader", "formal", "complete-json"]["drop"] == 1.0
    assert found["reader", "formal", "complete-json"]["verdict"] == "fail"
    # Protected values are copied as they are. Changed ones are right as they are written, where
    # the data say where they are: one of the two names has no span.
    swap, everywhere = (
        {name: values["under_shift"] for name, values in e["metrics"].items()}
        for e in (found["reader", shift, "accuracy"] for shift in ("swap", "swap-everywhere"))
    )
    assert (swap["exact-object"], swap["slot-f1"]) == (1.0, 1.0)
    assert (everywhere["field-day"], everywhere["field-people"]) == (1.0, 1.0)
    assert everywhere["field-names"] < 0.5
    flips = found["reader", "swap-everywhere", "accuracy"]["flips"]
    changed = next(flip for flip in flips if not any(day in flip["after"] for day in DAYS))
    assert json.loads(changed["label"])["day"] == json.loads(changed["answer_after"])["day"]
    page = bookings.path.joinpath("r.md").read_text("utf-8")
    assert "then drop of field score in points" in page
    assert "exact-object" in page


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"slots": {"dya": "Monday"}},
         "*messages.jsonl, row 2, field 'slots': unknown field 'dya'. Did you mean 'day'*"),
        ({"slots": {"day": ""}}, "*row 2, field 'slots': the field 'day' is '', which is empty*"),
        ({"slots": {"names": "Ann"}}, "*row 2, field 'slots': the field 'names' is 'Ann'*no list*"),
        ({"slots": {"people": "some"}}, "*row 2*'people' is 'some', which is not one number*"),
        ({"slots": None}, "*row 2, field 'slots': None is no object*"),
    ],
)  # fmt: skip
def test_wrong_answers_of_the_data_are_refused(
    bookings: pytest.Pytester, row: dict[str, Any], message: str
) -> None:
    """The message names file, row and field."""
    path = bookings.path / "messages.jsonl"
    first, *_ = path.read_text().splitlines()
    path.write_text(f"{first}\n{json.dumps({'id': 'x', 'text': 'Hello', **row})}\n")
    run = bookings.runpytest_inprocess("--ood-suite")
    assert run.ret != pytest.ExitCode.OK
    run.stdout.fnmatch_lines([message])


def test_encoders_are_refused(bookings: pytest.Pytester) -> None:
    """A fine-tuned encoder extracts no objects: the message says for which tasks it is."""
    path = bookings.path / "pyproject.toml"
    path.write_text(f'{PROJECT}[tool.pytest_ood.models.encoder]\nfinetuned = "asset:minilm"\n')
    run = bookings.runpytest_inprocess("--ood-suite", "--ood-model=encoder")
    assert run.ret != pytest.ExitCode.OK
    told = " ".join(f"{run.stdout.str()} {run.stderr.str()}".split())
    assert "encoder" in told
    assert "extraction" in told
