from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from pytest_ood.data.edits import Edit, apply_edits, apply_in_order
from pytest_ood.data.examples import Example
from pytest_ood.data.spans import splits_grapheme
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import catalogue
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.tasks import Prediction, parse_task
from pytest_ood.tasks.named_entities import (
    NamedEntities,
    counted,
    entities_of,
    overlapping,
)

TASK = NamedEntities(("PER", "LOC", "ORG"))
TEXT = "Ann Lee met Bo in New York, not in York."
ANN, BO = {"start": 0, "end": 7, "label": "PER"}, {"start": 12, "end": 14, "label": "PER"}
NEW_YORK = {"start": 18, "end": 26, "label": "LOC"}


def answer(*entities: dict[str, Any]) -> str:
    """Return entities of the text in the form in which answers are compared."""
    return json.dumps(
        [{**e, "text": TEXT[e["start"] : e["end"]]} if "start" in e else e for e in entities],
        separators=(",", ":"),
    )


RIGHT = answer(ANN, BO, NEW_YORK)
EXAMPLE = Example("e", TEXT, RIGHT)


@pytest.mark.parametrize(
    "value",
    [
        [[0, 7, "PER"], [12, 14, "PER"], [18, 26, "LOC"]],
        [NEW_YORK, ANN, BO],
        [{"text": "Ann Lee", "label": "PER"}, BO, {"text": "New York", "label": "LOC"}],
        json.dumps([ANN, BO, NEW_YORK]),
        RIGHT,
    ],
)
def test_right_answers_have_one_form(value: Any) -> None:
    """Lists, objects and texts that occur once become the same, in order."""
    assert TASK.encode(value, TEXT) == RIGHT


def test_tags_are_those_of_words() -> None:
    """A list of tags has one for each word between white space, in any scheme."""
    tags = ["B-PER", "E-PER", "O", "S-PER", *["O"] * 6]
    assert entities_of(TASK.encode(tags, TEXT)) == entities_of(answer(ANN, BO))
    assert TASK.encode([], TEXT) == "[]"
    with pytest.raises(DataError, match="there are 2 tags, and the text has 10 words"):
        TASK.encode(["O", "O"], TEXT)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0, 41, "PER"]], r"the span \[0, 41\] is not in the text, which has 40 characters"),
        ([[3, 3, "PER"]], "or is empty"),
        ([[0, 7, "PERSON"]], "unknown label 'PERSON'. Did you mean 'PER'"),
        ([[0, 7, "PER"], [4, 11, "LOC"]], "'Ann Lee' .* and 'Lee met' .* overlap; spans are flat"),
        ([{"text": "York", "label": "LOC"}], "'York' is in the text 2 times; give `start` and"),
        ([{"text": "Rome", "label": "LOC"}], "'Rome' is in the text 0 times"),
        ([[0, 7]], "is no entity; entities are a list of"),
        ([{"start": "0", "end": 7, "label": "PER"}], "is no entity"),
        ("Ann Lee", "there are no entities but 'Ann Lee'"),
        (None, "there are no entities but None"),
        (7, "there are no entities but 7"),
    ],
)
def test_other_answers_are_refused(value: Any, message: str) -> None:
    """Messages say what is wrong and what is allowed; the location is added by the reader."""
    with pytest.raises(DataError, match=message):
        TASK.encode(value, TEXT)


def test_a_span_splits_no_character() -> None:
    """An accent belongs to its letter; and there is one text that spans are of."""
    with pytest.raises(DataError, match="begins or ends inside a character"):
        TASK.encode([[0, 4, "LOC"]], "Cafe\u0301")
    with pytest.raises(DataError, match="the inputs have the fields a, b; name one"):
        TASK.encode([], {"a": "", "b": ""})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([[0, 7, "person"], [12, 14, "thing"]], [[0, 7, "PER"]]),
        ([{**ANN, "label": "person"}, {**BO, "label": "thing"}], [ANN]),
        (["B-person", "I-person", "B-thing", "O"], ["B-PER", "I-PER", "O", "O"]),
        ("x", "x"),
    ],
)
def test_labels_are_renamed_or_left_out(value: Any, expected: Any) -> None:
    """`labels` of data merges labels; those that it calls O are no entities."""
    assert TASK.renamed(value, {"person": "PER", "thing": "O"}) == expected
    assert TASK.renamed(value, {}) == value


LISTED = [{"text": "Ann Lee", "label": "PER"}, {"text": "York", "label": "LOC"}]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (json.dumps(LISTED), LISTED),
        (f"Sure! Here they are:\n```json\n{json.dumps(LISTED, indent=1)}\n```", LISTED),
        (f"<think>[]</think>{json.dumps(LISTED)}", LISTED),
        (json.dumps({"entities": LISTED}), LISTED),
        ('{"PER": ["Ann Lee"], "loc": "York", "ORG": []}', LISTED),
        ("\n".join(map(json.dumps, LISTED)), LISTED),
        # Cut off, and followed by what the model makes up.
        (json.dumps(LISTED)[:-1] + ', {"text": "N', LISTED),
        (f'{json.dumps(LISTED)}\n\nSentence: x\n[{{"text": "x", "label": "PER"}}]', LISTED),
        ('[{"entity": "Ann Lee", "type": "per"}]', LISTED[:1]),
        ('[{"word": "Ann Lee", "entity_group": "PER", "start": 0, "end": 7}]',
         [{**ANN, "text": "Ann Lee"}]),
        ('[[0, 7, "PER"]]', [{**ANN, "text": ""}]),
        ('[{"text": "Mars", "label": "PLANET"}]', [{"text": "Mars", "label": "PLANET"}]),
        ("[]", []), ("{}", []), ("None", []), ("There are no named entities.", []),
        ("I see [1] no list", None), ("", None), ('["Ann Lee"]', None), ("7", None), ("{", None),
    ],
)  # fmt: skip
def test_generated_texts_are_read(text: str, items: list[dict[str, Any]] | None) -> None:
    """The first list of entities is the answer, in whatever text; without one there is none."""
    read = TASK.read(text, {})
    assert (None if read is None else json.loads(read)) == items
    assert read is None or TASK.read(read, {}) == read


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # Longer texts first: York is not the one in New York, which is asked for as well.
        ([("York", "LOC"), ("New York", "LOC")], ["18-26 LOC", "35-39 LOC"]),
        ([("york", "LOC")], ["22-26 LOC"]),
        ([("ann  lee", "PER")], ["0-7 PER"]),
        ([("Bo", "PER"), ("Bo", "PER")], ["12-14 PER"]),
        ([("Rome", "LOC"), ("Rome", "LOC")], ["Rome LOC"]),
        ([("", "LOC")], [" LOC"]),
        # A second label for one place is wrong.
        ([("Bo", "PER"), ("Bo", "LOC")], ["Bo LOC", "12-14 PER"]),
    ],
)
def test_texts_are_searched_in_the_inputs(said: list[tuple[str, str]], expected: list[str]) -> None:
    """What is not in the text counts as a wrong entity once, what is repeated as one."""
    text = json.dumps([{"text": text, "label": label} for text, label in said])
    found = TASK.resolve(Prediction(TASK.read(text, {})), EXAMPLE)
    spans = [
        f"{e.text} {e.label}" if e.start < 0 else f"{e.start}-{e.end} {e.label}"
        for e in entities_of(found.label)
    ]
    assert spans == expected
    assert TASK.resolve(found, EXAMPLE) == found


@pytest.mark.parametrize(
    ("given", "exact", "partial"),
    [
        (RIGHT, (3, 3, 3), (3, 3, 3)),
        (None, (0, 3, 0), (0, 3, 0)),
        ("[]", (0, 3, 0), (0, 3, 0)),
        (answer(ANN, {**BO, "label": "LOC"}), (1, 3, 2), (1, 3, 2)),
        (answer({**ANN, "end": 3}, {**NEW_YORK, "start": 22}), (0, 3, 2), (2, 3, 2)),
        # Both are parts of one, which has one match.
        (answer({**ANN, "end": 3}, {**ANN, "start": 4}), (0, 3, 2), (1, 3, 2)),
        (answer(ANN, {"label": "LOC", "text": "Rome"}), (1, 3, 2), (1, 3, 2)),
    ],
)
def test_entities_are_counted(
    given: str | None, exact: tuple[int, ...], partial: tuple[int, ...]
) -> None:
    """Right, true and answered ones; overlaps with the right label apart."""
    assert (counted(given, RIGHT), overlapping(given, RIGHT)) == (exact, partial)
    right, true, answered = exact
    score = 2 * right / (true + answered)
    assert TASK.score(Prediction(given), EXAMPLE) == pytest.approx(score)


def test_a_text_without_entities_is_right_without_any() -> None:
    """An abstention names none, and is wrong all the same."""
    empty = Example("e", "Nothing", "[]")
    answers = ("[]", answer(ANN), None)
    assert [TASK.score(Prediction(label), empty) for label in answers] == [1.0, 0.0, 0.0]
    assert counted(RIGHT, RIGHT, "LOC") == (1, 1, 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "the key 'labels' is missing: the labels of entities"), ("PER", "is not a list"),
        ([], "need one or more different"), (["PER", "PER"], "different"), (["O"], "'O' means"),
    ],
)  # fmt: skip
def test_labels_of_entities_are_checked(labels: Any, message: str, tmp_path: Any) -> None:
    """A suite says which there are."""
    table = {"task": "ner"} if labels is None else {"task": "ner", "labels": labels}
    with pytest.raises(ConfigurationError, match=message):
        parse_task(table, "suite", tmp_path)


def test_protected_and_shown_texts() -> None:
    """Noise may spare the texts of entities; demonstrations show texts and no indices."""
    assert TASK.protected(EXAMPLE) == ("Ann Lee", "Bo", "New York")
    assert TASK.demonstrated(answer(BO)) == '[{"text": "Bo", "label": "PER"}]'


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(0, 3, "Ann", "Zoe"), Edit(12, 14, "Bo", "")], ["Zoe Lee", "New York"]),
        ([Edit(7, 7, "", "\u0301")], ["Ann Lee\u0301", "Bo", "New York"]),
        ([Edit(4, 11, "Lee met", "Lea saw")], None),
        # A mark before an entity would make one character of its first letter and the one before.
        ([Edit(12, 13, "B", "\u0301")], None),
    ],
)
def test_entities_follow_edits(edits: list[Edit], expected: list[str] | None) -> None:
    """One that is gone is none any more; where nobody knows an end, the example is rejected."""
    after = apply_in_order(TEXT, edits)
    moved = TASK.moved(EXAMPLE, after, {"text": edits})
    if expected is None:
        assert moved is None
        return
    assert moved is not None
    assert moved.inputs == after
    found = entities_of(moved.label)
    assert [after[e.start : e.end] for e in found] == [e.text for e in found] == expected


NEWS = (
    ("Mr. Paul Smith isn't in New York, but 2 friends of Maria Garcia bought a great car there.",
     ("Paul Smith", "New York", "Maria Garcia")),
    ("I don't think the movie \"Rome, Open City\" is good; the actors of IBM Inc. visited Paris!",
     ("Rome, Open City", "IBM Inc.", "Paris")),
    ("The University of Zu\u0308rich isn't near \u00c5re\U0001f44d\U0001f3fd, and "
     "\u6771\u4eac is the capital of Japan.",
     ("University of Zu\u0308rich", "\u00c5re", "\u6771\u4eac", "Japan")),
    ("@bob thinks that #Berlin cannot be an easy place on 12 May 2019. Call Anna-Lena, please.",
     ("bob", "Berlin", "Anna-Lena")),
)  # fmt: skip
KEPT = 0.95


def news() -> list[Example]:
    """Return the texts with their entities."""
    examples = []
    for number, (text, names) in enumerate(NEWS):
        spans = [[text.index(name), text.index(name) + len(name), "PER"] for name in names]
        examples.append(Example(str(number), text, TASK.encode(spans, text)))
    return examples


@pytest.mark.parametrize("name", [name for name, g in catalogue().items() if not g.models])
def test_entities_follow_every_perturbation(name: str) -> None:
    """An entity becomes what edits inside of it make, and nearly no example is rejected.

    Whatever the perturbation, the severity and the seed: entities neither overlap nor split a
    character, and nothing from outside gets into them.
    """
    change, kept, changed = catalogue()[name], 0, 0
    for seed in range(6):
        severity = Random(seed).randint(1, MAX_SEVERITY)
        for example in news():
            text = str(example.inputs)
            edits = change.at(severity).edits(text, Random(seed))
            moved = TASK.moved(example, apply_in_order(text, edits), {"text": edits})
            changed += 1
            kept += moved is not None
            if moved is not None:
                check_moved(example, moved, edits)
    assert kept >= KEPT * changed


def check_moved(before: Example, after: Example, edits: tuple[Edit, ...]) -> None:
    """Check the entities of a text against the edits that are inside of each."""
    text, changed = str(before.inputs), str(after.inputs)
    found = entities_of(after.label)
    assert [changed[e.start : e.end] for e in found] == [e.text for e in found]
    for one, other in pairwise(found):
        assert one.end <= other.start
    assert not any(splits_grapheme(changed, index) for e in found for index in (e.start, e.end))
    expected = []
    for start, end, _, name in entities_of(before.label):
        inside = [e for e in edits if start <= e.start and e.end <= end]
        # What is inserted at an end is outside, but a mark belongs to the letter before it.
        at_ends = [e for e in inside if e.start == e.end and e.end in (start, end)]
        made = apply_edits(
            name,
            [
                Edit(e.start - start, e.end - start, e.before, e.after)
                for e in inside
                if e not in at_ends
            ],
        )
        reaching = [e for e in edits if e not in inside and e.start < end and start < e.end]
        if reaching and all(e.start <= start and end <= e.end and not e.after for e in reaching):
            made = ""
        marks = [e.after for e in at_ends if e.start == end and splits_grapheme(f"a{e.after}", 1)]
        expected.append(made + "".join(marks))
        assert not reaching or made == "" or text[start:end] == made
    assert [e.text for e in found] == [one for one in expected if one]
