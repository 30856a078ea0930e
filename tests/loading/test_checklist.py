from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.cases import AllRight, Avoiding, Case, Changed, Invariant, Monotonic
from pytest_ood.loading.checklist import Checklist, Loaded, load_checklist, parse_checklist
from pytest_ood.tasks import Classification

TASK = Classification(("negative", "positive"))
SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "checklist"
LABELS = {"0": "negative", "2": "positive"}
NOT_NEGATIVE = "simple negations: not negative"


def row(test: str = "t", kind: str = "MFT", **more: Any) -> dict[str, Any]:
    """Return a row; by default one that is right."""
    return {"test": test, "type": kind, "data": "a good film", "label": "positive", **more}


def loaded(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Loaded:
    """Write rows, and read them."""
    folder.joinpath("tests.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return load_checklist(Checklist(data="tests.jsonl", **more), folder, "behaviour", TASK)


def cases(found: Loaded) -> list[Case]:
    """Return the cases."""
    return [case for case in found.dataset if isinstance(case, Case)]


def test_each_type_has_its_expectation(tmp_path: Path) -> None:
    """A label for MFT, the same answer for INV; DIR says what it expects, as any row may."""
    found = loaded(
        tmp_path,
        [
            row("right"),
            row("several", data=["good", "fine"]),
            row("each", data=["good", "bad"], label=["positive", "negative"]),
            row("not", label=None, expect={"not": "negative"}),
            row("typos", "INV", data=["good", "godo"], label=None),
            row("worse", "DIR", data=["good", "good. Awful."], expect={"not_up": "positive"}),
            row("flip", "DIR", data=["good", "bad"], label=None, expect={"changed": True}),
        ],
        tolerance=0.2,
    )
    assert [case.expectation for case in cases(found)] == [
        AllRight(), AllRight(), AllRight(), Avoiding("negative"), Invariant(0.2),
        Monotonic(label="positive", falls=False, tolerance=0.2), Changed(),
    ]  # fmt: skip
    assert [member.label for member in cases(found)[2].members] == ["positive", "negative"]
    assert [len(case.members) for case in cases(found)] == [1, 2, 2, 1, 2, 2, 2]
    assert found.left_out == ()


def test_cases_have_ids_and_a_place_in_the_table(tmp_path: Path) -> None:
    """By test and `i`, or by content; a repeated one gets a counter."""
    found = cases(
        loaded(
            tmp_path,
            [row(i=3, capability="Negation"), row(i=3), row(data=["a", "b"], i=4), row(), row()],
        )
    )
    assert [case.id for case in found[:3]] == ["t#3", "t#3-2", "t#4"]
    assert [member.id for member in found[2].members] == ["t#4/0", "t#4/1"]
    assert found[4].id == f"{found[3].id}-2"
    assert found[0].path == ("Negation", "t (MFT)")
    assert found[1].path == ("t (MFT)",)


def test_rows_that_the_task_cannot_answer_are_counted(tmp_path: Path) -> None:
    """A label without a name in the task, no label, and a direction that nobody gives."""
    found = loaded(
        tmp_path,
        [
            row(label=2), row(label=1), row(label=1), row(label=None),
            row(label=None, expect={"not": 1}), row("worse", "DIR", data=["a", "b"]),
        ],
        labels=LABELS,
    )  # fmt: skip
    assert len(found.dataset) == 1
    assert found.left_out == (
        ("label 1: the task has none like it (`labels`)", 3),
        ("a directional test that does not say what is expected (`expect`)", 1),
        ("no label, and no expectation (`expect`)", 1),
    )


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (True, {"true": "positive"}), (1.0, {"1": "positive"}), (1, {"1": "positive"}),
        ("True", {"true": "positive"}), ("positive", {}), ("1.0", {"1.0": "positive"}),
    ],
)  # fmt: skip
def test_labels_of_every_kind_are_named(tmp_path: Path, given: Any, labels: dict[str, str]) -> None:
    """Truth values and numbers are renamed as those of other data are."""
    found = loaded(tmp_path, [row(label=given)], labels=labels)
    assert [member.label for member in cases(found)[0].members] == ["positive"]


def test_a_suite_of_tests_may_be_compressed(tmp_path: Path) -> None:
    """All kinds of files whose rows hold lists are read; a table has no lists."""
    rows = [row(), row("b", "INV", data=["x", "y"], label=None)]
    text = "".join(json.dumps(one) + "\n" for one in rows)
    (tmp_path / "a.JSONL.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "a.json").write_text(json.dumps(rows))
    for name in ("a.JSONL.gz", "a.json"):
        source = parse_checklist({"checklist": name}, ("text",), "here")
        assert len(load_checklist(source, tmp_path, "d", TASK).dataset) == 2
    with pytest.raises(ConfigurationError, match=r"'a.csv' is not a path that ends in \.jsonl, "):
        parse_checklist({"checklist": "a.csv"}, ("text",), "here")


def test_a_suite_says_what_a_file_does_not(tmp_path: Path) -> None:
    """By the name of a test; the labels are those of the task."""
    rows = [row("not", label=None), row("own", label=None, expect={"not": 2})]
    found = loaded(
        tmp_path, rows, labels=LABELS,
        expect={"not": Avoiding("negative"), "own": Avoiding("negative")},
    )  # fmt: skip
    assert [case.expectation for case in cases(found)] == [
        Avoiding("negative"), Avoiding("positive")
    ]  # fmt: skip


def test_parts_of_a_suite_are_taken_by_name(tmp_path: Path) -> None:
    """Loaded, capabilities and types; what is not taken is not counted as left out."""
    rows = [
        row("a", capability="Negation"), row("b", capability="NER", label=None),
        row("c", "INV", data=["x", "y"], capability="Negation"),
    ]  # fmt: skip
    for more, names in (
        ({"tests": ("a",)}, ["a"]),
        ({"capabilities": ("Negation",)}, ["a", "c"]),
        ({"types": ("INV",)}, ["c"]),
    ):
        found = loaded(tmp_path, rows, **more)
        assert [case.id.partition("#")[0] for case in found.dataset] == names
        assert not found.left_out
    for more, message in (
        ({"tests": ("d",)}, "unknown test 'd'"),
        ({"capabilities": ("SRL",)}, "unknown capability 'SRL'"),
        ({"expect": {"d": Changed()}}, "unknown test 'd'"),
        ({"expect": {"a": Avoiding("neutral")}}, "unknown label 'neutral'"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            loaded(tmp_path, rows, **more)


def test_pairs_are_inputs_of_several_fields(tmp_path: Path) -> None:
    """With two fields, two texts are one input and a list of such lists several."""
    fields = ("question1", "question2")
    found = cases(loaded(tmp_path, [row(data=["p", "q"]), row(data=[["p", "q"], ["q", "p"]])],
                         fields=fields))  # fmt: skip
    assert [len(case.members) for case in found] == [1, 2]
    assert found[1].members[1].inputs == {"question1": "q", "question2": "p"}
    with pytest.raises(DataError, match=r"an input is a list of 2 texts \(question1, question2\)"):
        loaded(tmp_path, [row(data="one text")], fields=fields)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": "MTF"}, "row 2: unknown type 'MTF'. Did you mean 'MFT'"),
        ({"test": ""}, "row 2: test = '' is no text"),
        ({"i": " "}, "row 2: i = ' ': an id names its row and is not blank"),
        ({"capability": 3}, "row 2: capability = 3 is no text"),
        ({"data": 3}, "row 2: data = '3' is neither one input nor a list"),
        ({"data": []}, "neither one input"),
        ({"label": 0.5}, "label = 0.5 is neither text nor a whole number"),
        ({"data": ["a", "b"], "label": ["positive"]}, "1 labels for 2 inputs"),
        ({"type": "INV"}, "INV compares two inputs or more, and there is one"),
        ({"expect": {"changed": True}}, "what is expected is of type DIR, not MFT"),
        ({"expect": {"becomes": "positive"}}, "give a table with one of"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    """The file, the row and what is allowed."""
    with pytest.raises(DataError, match=r"tests.jsonl, row 2: ") as raised:
        loaded(tmp_path, [row(), row(**wrong)])
    assert message in str(raised.value)


def test_a_suite_of_which_nothing_is_left_says_why(tmp_path: Path) -> None:
    """With the reasons and their counts, and the keys that help."""
    with pytest.raises(DataError, match=r"no case is left .*2: label 1: .*see `labels`"):
        loaded(tmp_path, [row(label=1), row(label=1)])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"checklist": "tests.csv"}, "is not a path that ends in .jsonl"),
        ({"checklist": "t.jsonl", "group": "test"}, "unknown key 'group'"),
        ({"checklist": "t.jsonl", "types": ["mft"]}, "types: unknown type 'mft'"),
        ({"checklist": "t.jsonl", "tests": []}, r"tests = \[\] is not a list of names"),
        ({"checklist": "t.jsonl", "labels": {"0": 1}}, "labels = .* is not a table of names"),
        ({"checklist": "t.jsonl", "expect": "same"}, "expect = 'same' is not a table"),
        ({"checklist": "t.jsonl", "expect": {"t": {"sames": True}}}, "give a table with one of"),
        ({"checklist": "t.jsonl", "tolerance": 1.5}, "tolerance = 1.5 is not a share"),
    ],
)
def test_wrong_keys_say_what_is_allowed(entry: dict[str, Any], message: str) -> None:
    """Where, and what."""
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_checklist(entry, ("text",), "s.toml: shifts.domain.behaviour")
    assert str(raised.value).startswith("s.toml: shifts.domain.behaviour: ")


@pytest.mark.skipif(not SHARED.is_dir(), reason="no CheckList sample beside the repository")
def test_the_published_suites_are_read() -> None:
    """With two labels neutral rows are left out; the suite says what is expected beside labels."""
    source = Checklist(
        data="sentiment_suite_sample.jsonl",
        labels=LABELS,
        expect={NOT_NEGATIVE: Avoiding("negative")},
    )
    found = load_checklist(source, SHARED, "behaviour", TASK)
    told = dict(found.left_out)
    assert len(found.dataset) + sum(told.values()) == 1702
    # 60 tests of "should be neutral or positive" have neither a label nor an expectation.
    assert told == {
        "label 1: the task has none like it (`labels`)": 349,
        "no label, and no expectation (`expect`)": 60,
    }
    pairs = Classification(("different", "paraphrase"))
    questions = Checklist(
        data="qqp_suite_sample.jsonl", fields=("question1", "question2"),
        labels={"0": "different", "1": "paraphrase"},
    )  # fmt: skip
    qqp = load_checklist(questions, SHARED, "questions", pairs)
    assert len(qqp.dataset) == 2220
    assert not qqp.left_out
    assert {len(case.members) for case in cases(qqp)} == {1, 3}
