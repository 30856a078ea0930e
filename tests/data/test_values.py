from __future__ import annotations

import enum
from collections import namedtuple
from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood import CallableModel, Dataset, Example, edited, perturbed
from pytest_ood.assertions import Ood
from pytest_ood.budgets import Rules
from pytest_ood.data.examples import content_ids
from pytest_ood.data.values import is_unlabelled, label_among, label_forms, label_text
from pytest_ood.errors import ConfigurationError, DataError, OodError
from pytest_ood.inference.engine import Engine, LocalRunner
from pytest_ood.inference.store import NoStore
from pytest_ood.loading.readers import Reader
from pytest_ood.perturbations import find
from pytest_ood.utils.progress import Silent


class Text(enum.StrEnum):
    """A label whose value is text."""

    GOOD = "good"


class Number(enum.IntEnum):
    """A label whose value is a number."""

    GOOD = 1


class Nameless(enum.Enum):
    """A label whose value is nothing that data may have."""

    GOOD = 1 + 0j


LABELS = [
    ("good", "good"), ("", ""), (1, "1"), (0, "0"), (-1, "-1"), (1.0, "1"), (2.5, "2.5"),
    (True, "true"), (False, "false"), (np.int64(1), "1"), (np.uint8(0), "0"),
    (np.float32(1.0), "1"), (np.bool_(1), "true"), (np.str_("good"), "good"),
    (np.array(3), "3"), (np.array("good"), "good"), (Decimal("1.0"), "1"), (Decimal("0.5"), "0.5"),
    (Text.GOOD, "good"), (Number.GOOD, "1"), (Nameless.GOOD, "GOOD"), ("True", "True"),
    ("1.0", "1.0"), (10**18, str(10**18)),
]  # fmt: skip
NO_LABELS = [
    None, float("nan"), np.nan, pd.NA, pd.NaT, float("inf"), b"good", [1], ("a",), {"a": 1}, {1},
    1 + 0j, Ellipsis, Text, np.array([1]), Decimal("NaN"), 10**400, pd.Series([1, 2]), len,
    np.float64("-inf"), "\ud800",
]  # fmt: skip
NO_TEXTS = [
    None, float("nan"), pd.NA, float("inf"), b"good", bytearray(b"a"), ["a", "b"], ("a", "b"),
    {"a"}, True, np.bool_(0), object(), pd.Series({"text": "a", "label": "b"}),
    pd.DataFrame({"text": ["a"]}), {}, {1: "a"}, {"": "a"}, {"a": None}, {"a": b"b"},
    {"a": {"b": "c"}}, np.array(["a"]), "\ud800", 10**400, len,
]  # fmt: skip
NO_PAIRS = [
    "ab", b"ab", {"text": "a", "label": "b"}, {"a", "b"}, ("a",), ("a", "b", "c"), [], None, 3,
    object(), iter(()), pd.Series(["a", "b", "c"]),
]  # fmt: skip
NO_DATA = [
    None, 3, "reviews.csv", b"reviews", {"a": "b"}, pd.DataFrame({"text": ["a"], "label": ["b"]}),
    pd.Series(["a", "b"]), len, [], (), iter([]),
]  # fmt: skip
MODEL = CallableModel("constant", lambda inputs: ["a" for _ in inputs], fingerprint="v1")


@pytest.fixture
def fixture(tmp_path: Any) -> Ood:
    """Return what the fixture `ood` is in a run without a store; that name skips here."""
    engine = Engine(NoStore(), Silent(), LocalRunner())
    return Ood(
        engine=engine,
        reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(0.05),
        max_examples=None,
        on_inconclusive=None,
    )


Entry = Callable[[Ood, Any], Any]
ENTRIES: dict[str, Entry] = {
    "from_pairs": lambda _, data: Dataset.from_pairs("data", data),
    "assert_drop": lambda ood, data: ood.assert_drop(MODEL, data, "keyboard", max_drop=0.1),
    "assert_no_less_robust": lambda ood, data: ood.assert_no_less_robust(
        MODEL, than=MODEL, on=data, under="keyboard", margin=0.1
    ),
    "perturbed": lambda _, data: perturbed(data, "keyboard"),
}
CASE_ENTRIES: dict[str, Entry] = {
    **ENTRIES,
    "assert_consistent": lambda ood, data: ood.assert_consistent(MODEL, [data], min_score=0.5),
}
ANY_ENTRY = pytest.mark.parametrize("entry", CASE_ENTRIES.values(), ids=CASE_ENTRIES)


@pytest.mark.parametrize(("value", "text"), LABELS, ids=repr)
def test_a_label_is_written_as_text(value: Any, text: str) -> None:
    """Labels of numpy, pandas and enumerations are text, one way for equal ones."""
    assert label_text(value) == text
    (example,) = Dataset.from_pairs("data", [("a text", value)])
    assert type(example.label) is str
    assert (example.label, example.id) == (text, content_ids([("a text", text)])[0])


@ANY_ENTRY
@pytest.mark.parametrize("value", NO_LABELS, ids=lambda value: type(value).__name__)
def test_what_is_no_label_is_located(fixture: Ood, entry: Entry, value: Any) -> None:
    """Every way into the fixture names the row and what a label may be."""
    with pytest.raises(DataError, match=r"(row 2 \(index 1\)|input 2).*: the label (is|holds) "):
        entry(fixture, [("fine", "a"), ("text", value)])


@ANY_ENTRY
@pytest.mark.parametrize("value", NO_TEXTS, ids=lambda value: type(value).__name__)
def test_what_is_no_text_is_located(fixture: Ood, entry: Entry, value: Any) -> None:
    """Every way into the fixture names the row and what inputs may be."""
    with pytest.raises(DataError, match=r"(row 2 \(index 1\)|input 2).*(the text|its names) "):
        entry(fixture, [("fine", "a"), (value, "b")])


@ANY_ENTRY
@pytest.mark.parametrize("item", NO_PAIRS, ids=lambda item: type(item).__name__)
def test_what_is_no_pair_is_located(fixture: Ood, entry: Entry, item: Any) -> None:
    """A text of two letters, a mapping or three values are no pair."""
    with pytest.raises(DataError, match=r"(row 2 \(index 1\)|input 2).*an item is a pair: \(inpu"):
        entry(fixture, [("fine", "a"), item])


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("data", NO_DATA, ids=lambda data: type(data).__name__)
def test_what_is_no_data_is_said(fixture: Ood, entry: Entry, data: Any) -> None:
    """A table, a path, a mapping and nothing are refused with what to write."""
    with pytest.raises(DataError, match=r"^data is .*(pairs|zip)|^data: there is no example in it"):
        entry(fixture, data)


def test_pairs_of_any_kind_are_taken() -> None:
    """Rows of pandas, of numpy, named tuples, generators and examples are all pairs."""
    table = pd.DataFrame({"text": ["a", "b"], "label": [1, 0]})
    expected = [("a", "1"), ("b", "0")]
    row = namedtuple("row", "text label")  # noqa: PYI024 - as users write it
    given: list[Any] = [
        zip(table["text"], table["label"], strict=True),
        table.itertuples(index=False),
        [found for _, found in table.iterrows()],
        table.to_numpy(),
        [row("a", 1), row("b", 0)],
        (pair for pair in expected),
        [["a", "1"], ["b", "0"]],
        {"a": 1, "b": 0}.items(),
        [Example("x", "a", "1"), ("b", 0)],
    ]
    for data in given:
        found = Dataset.from_pairs("data", data)
        assert [(example.inputs, example.label) for example in found] == expected


def test_fields_are_converted_one_by_one() -> None:
    """A mapping is kept in its order; numbers in it are written out."""
    given = {np.str_("premise"): np.str_("a"), "count": np.int64(3)}
    (example,) = Dataset.from_pairs("data", [(given, True)])
    assert example.inputs == {"premise": "a", "count": "3"}
    assert {type(text) for pair in dict(example.inputs).items() for text in pair} == {str}


def test_equal_pairs_have_ids_of_their_own() -> None:
    """Pairs that are equal once their labels are text are told apart as before."""
    ids = [example.id for example in Dataset.from_pairs("data", [("a", 1), ("a", "1"), ("a", 1.0)])]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"]


def test_examples_of_a_data_set_are_converted() -> None:
    """Whoever makes examples of rows of pandas has a data set like any other."""
    rows = (Example(n, np.str_("a"), label) for n, label in enumerate([1, np.bool_(1)]))  # type: ignore[arg-type]
    data = Dataset("data", rows)  # type: ignore[arg-type]
    assert [(e.id, e.inputs, e.label) for e in data] == [("0", "a", "1"), ("1", "a", "true")]
    with pytest.raises(DataError, match=r"rows, row 1 \(index 0\): the label is None"):
        Dataset("rows", (Example("1", "a", None),))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"row 1 \(index 0\) is of type tuple; .*from_pairs"):
        Dataset("rows", (("a", "b"),))  # type: ignore[arg-type]


def test_labels_of_every_kind_are_measured(fixture: Ood) -> None:
    """A function that answers text is right about numbers, and so about numpy's."""
    model = CallableModel(
        "by-word", lambda inputs: ["01"["good" in text.lower()] for text in inputs]
    )
    data = [("Good", 1) if n % 2 else ("Bad", np.int64(0)) for n in range(200)]
    result = fixture.assert_drop(model, data, "lower-case", max_drop=0.1, labels=[0, 1])
    assert result.verdict == "pass"


def test_an_estimator_of_truth_values_is_measured(fixture: Ood) -> None:
    """What is fitted on true and false has the labels of data that says so."""

    class Estimator(SimpleNamespace):
        classes_ = np.array([False, True])

        def fit(self) -> None:
            """Be an estimator."""

        def predict(self, texts: Any) -> Any:
            return np.array(["good" in text.lower() for text in texts])

    data = [("Good", True) if n % 2 else ("Bad", False) for n in range(200)]
    result = fixture.assert_drop(Estimator(), data, find("lower-case"), max_drop=0.1)
    assert result.verdict == "pass"


@pytest.mark.parametrize("cases", [["ab"], "ab", [None], None, [{"a": "b"}], {"a": "b"}, [3]])
def test_cases_are_lists_of_inputs(fixture: Ood, cases: Any) -> None:
    """A text is no list of inputs, although it can be gone through letter by letter."""
    with pytest.raises(
        DataError, match=r"^cases(, case 1 \(index 0\))? is .*a case is a list of in"
    ):
        fixture.assert_expected(MODEL, cases, {"same": True}, min_score=0.5)


@pytest.mark.parametrize("inputs", [None, b"a", ["a"], float("nan")])
def test_inputs_of_cases_are_texts(fixture: Ood, inputs: Any) -> None:
    """An input that is none is named by its case and its place."""
    with pytest.raises(DataError, match=r"^cases, case 1 \(index 0\), input 2: the text is "):
        fixture.assert_expected(MODEL, [["a", inputs]], {"same": True}, min_score=0.5)


def test_an_edited_example_is_converted() -> None:
    """What a failure has printed may be pasted with a label that is a number."""
    assert edited("a text", 1, (0, 1, "a", "b")).example.label == "1"
    with pytest.raises(DataError, match=r"replay, row 1 \(index 0\): the text is None"):
        edited(None, "a")


@pytest.mark.parametrize("labels", ["ab", None, [None], [["a"]], {"a": 1}, 3, []])
def test_labels_that_are_named_are_labels(fixture: Ood, labels: Any) -> None:
    """The argument `labels` is a list of what labels may be."""
    if labels is None:
        return
    with pytest.raises(
        DataError, match=r"^labels.*(a label is|means that|list of the possible answers)"
    ):
        fixture.assert_drop(MODEL, [("a", "b")], "keyboard", max_drop=0.1, labels=labels)


def test_forms_of_labels() -> None:
    """The form as it stands comes first; whole numbers and truth values have another."""
    assert label_forms("True") == ("True", "true")
    assert label_forms(1.0) == ("1.0", "1")
    assert label_forms("1.0") == ("1.0", "1")
    assert label_forms("-1.00") == ("-1.00", "-1")
    assert label_forms("1.5") == ("1.5",)
    assert label_among(1.0, ["1.0"]) == "1.0"
    assert label_among(1.0, ["1"]) == "1"
    assert label_among(np.True_, ["True"]) == "True"
    assert label_among(object, []) == str(object)
    assert list(map(is_unlabelled, (-1, "-1", -1.0, None, "", float("nan"), 0, "a"))) == [
        *[True] * 6, False, False
    ]  # fmt: skip


@pytest.mark.slow
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers() | st.binary()
        | st.decimals() | st.fractions() | st.datetimes() | st.complex_numbers(),
        lambda values: st.lists(values) | st.dictionaries(st.text() | st.integers(), values)
        | st.tuples(values, values),
    )
)  # fmt: skip
def test_any_value_is_a_label_or_refused(value: Any) -> None:
    """Nothing that code may give ends in anything but text or an error of this package."""
    for data in ([("a", value)], [(value, "a")], [value], value):
        try:
            found = Dataset.from_pairs("data", data)
        except OodError:
            continue
        assert all(type(example.label) is str for example in found)


# What stands for a perturbation.


class Change:
    """A perturbation of one's own, as a class."""

    name = "change"
    contract = None
    fingerprint = "v1"

    def __call__(self, text: str, rng: Any) -> str:
        """Return the text."""
        del rng
        return text


def upper(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


class Augmenter:
    """What looks like an augmenter of nlpaug."""

    __module__ = "nlpaug.augmenter.char.ocr"

    def augment(self, text: str) -> str:
        """Return the text."""
        return text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (upper, "from_function makes one of a function"),
        (lambda text: text.upper(), "from_function"),
        (str.upper, "from_function"),
        (Change, "it is the class Change; give an instance"),
        (Augmenter(), "from_nlpaug"),
        ("Keyboard", "Did you mean 'keyboard'"),
        ("KEYBOARD", "Did you mean 'keyboard'"),
        ("upper_case", "Did you mean 'upper-case'"),
        (None, "is no perturbation but of type NoneType"),
        (3, "is no perturbation but of type int"),
        ({"keyboard": 1}, "is no perturbation but of type dict"),
    ],
)
def test_what_is_no_perturbation_says_how_to_make_one(
    fixture: Ood, change: Any, message: str
) -> None:
    """A function, a class, an augmenter and a wrong name each have advice of their own."""
    data = [("a", "a"), ("b", "b")]
    with pytest.raises(ConfigurationError, match=message):
        fixture.assert_drop(MODEL, data, change, max_drop=0.1)
    with pytest.raises(ConfigurationError, match=message):
        fixture.assert_no_less_robust(MODEL, than=MODEL, on=data, under=change, margin=0.1)
    with pytest.raises(ConfigurationError, match=message):
        perturbed(data, change)
    with pytest.raises(ConfigurationError, match=message):
        perturbed(data, ["keyboard", change])


def test_pairs_are_no_shift(fixture: Ood) -> None:
    """Pairs of another domain take a name."""
    with pytest.raises(ConfigurationError, match=r'Dataset\.from_pairs\("NAME", pairs\)'):
        fixture.assert_drop(MODEL, [("a", "a"), ("b", "b")], [("c", "a")], max_drop=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", ["text", None, ("a", "b"), Example("1", "a", "b")])
def test_an_invariance_is_of_a_case(fixture: Ood, case: Any) -> None:
    """What was not drawn by the strategy has no edits that could be shown."""
    with pytest.raises(ConfigurationError, match="is no perturbed case; the strategy `perturbed`"):
        fixture.assert_invariant(MODEL, case)
