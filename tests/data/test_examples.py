from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example, content_ids
from pytest_ood.data.inputs import canonical, fields_of, size_of, with_fields
from pytest_ood.errors import DataError

if TYPE_CHECKING:
    from pytest_ood.data.inputs import Inputs

FIELDS = st.dictionaries(st.text(), st.text(), min_size=1, max_size=4)
INPUTS = st.text() | FIELDS
IDS = st.lists(st.text(max_size=8).filter(str.strip), unique=True, min_size=1, max_size=30)


def dataset(ids: list[str], name: str = "reviews") -> Dataset:
    """Make a data set with these ids."""
    return Dataset(name, tuple(Example(i, f"text {i}", "positive") for i in ids))


@settings(deadline=None)
@given(first=INPUTS, second=INPUTS)
def test_canonical_is_equal_exactly_for_equal_inputs(first: Inputs, second: Inputs) -> None:
    """Two inputs are written alike where they are equal, and differently where they are not."""
    assert (canonical(first) == canonical(second)) == (first == second)


@settings(deadline=None)
@given(fields=FIELDS, data=st.data())
def test_canonical_keeps_the_order_of_fields(fields: dict[str, str], data: st.DataObject) -> None:
    """Fields in another order are other inputs: a model reads them in their order."""
    shuffled = dict(data.draw(st.permutations(list(fields.items()))))
    assert (canonical(shuffled) == canonical(fields)) == (list(shuffled) == list(fields))


@settings(deadline=None)
@given(inputs=INPUTS)
def test_canonical_is_ascii_and_loses_nothing(inputs: Inputs) -> None:
    """The canonical form is ASCII, lone surrogates included, and can be read back."""
    assert canonical(inputs).isascii()
    assert json.loads(canonical(inputs)) == inputs


@pytest.mark.parametrize(
    ("inputs", "fields", "size"),
    [
        ("", {"text": ""}, 0),
        ("good", {"text": "good"}, 4),
        ({"premise": "a b", "hypothesis": "c"}, {"premise": "a b", "hypothesis": "c"}, 4),
    ],
)
def test_fields_and_size(inputs: Inputs, fields: dict[str, str], size: int) -> None:
    """A single text is the field `text`; the size counts the characters of all fields."""
    assert fields_of(inputs) == fields
    assert size_of(inputs) == size


def test_fields_of_is_a_copy() -> None:
    """Changing the fields that were returned does not change the inputs."""
    inputs = {"premise": "a"}
    fields_of(inputs)["premise"] = "b"
    assert inputs == {"premise": "a"}


@settings(deadline=None)
@given(inputs=INPUTS)
def test_with_all_fields_replaced_by_themselves(inputs: Inputs) -> None:
    """Putting every field back gives equal inputs of the same form."""
    assert with_fields(inputs, fields_of(inputs)) == inputs
    assert with_fields(inputs, {}) == inputs


def test_with_fields_changes_only_what_is_named() -> None:
    """The named field is replaced, the others stay, and the original is untouched."""
    inputs = {"premise": "a", "hypothesis": "b"}
    assert with_fields(inputs, {"hypothesis": "c"}) == {"premise": "a", "hypothesis": "c"}
    assert inputs == {"premise": "a", "hypothesis": "b"}
    assert with_fields("a", {"text": "b"}) == "b"


def test_a_dataset_needs_an_example() -> None:
    """An empty data set is refused by name."""
    with pytest.raises(DataError, match=r"^reviews: there is no example in it"):
        Dataset("reviews", ())


def test_a_dataset_refuses_repeated_ids() -> None:
    """A repeated id is named, with how often it stands there and how many ids repeat."""
    with pytest.raises(DataError) as caught:
        dataset(["a", "b", "a", "b", "a", "c"])
    assert str(caught.value) == (
        "reviews: 3 rows have the id 'a' (2 ids are repeated); ids must be unique"
    )


def test_a_dataset_is_a_collection() -> None:
    """A data set has a length, can be iterated over, and lists the labels that occur, sorted."""
    data = Dataset.from_pairs("reviews", [("x", "b"), ("y", "a"), ("z", "b")])
    assert len(data) == 3
    assert [example.inputs for example in data] == ["x", "y", "z"]
    assert data.labels == ("a", "b")


def test_from_pairs_derives_ids_from_content() -> None:
    """A pair's id depends on its inputs alone, not on its place or on the data set's name."""
    first = Dataset.from_pairs("one", [("x", "a"), ("y", "b")])
    second = Dataset.from_pairs("two", [("y", "b"), ("x", "a")])
    assert set(first.examples) == set(second.examples)


@settings(deadline=None)
@given(inputs=st.lists(INPUTS))
def test_content_ids_are_unique(inputs: list[Inputs]) -> None:
    """Every input gets an id of its own, also where inputs repeat."""
    assert len(set(content_ids((value, "a") for value in inputs))) == len(inputs)


@settings(deadline=None)
@given(inputs=st.lists(INPUTS), data=st.data())
def test_content_ids_survive_shuffling(inputs: list[Inputs], data: st.DataObject) -> None:
    """The set of ids stays the same in another order, and so does each different input's id."""
    shuffled = data.draw(st.permutations(inputs))
    before, after = (content_ids((value, "a") for value in rows) for rows in (inputs, shuffled))
    assert sorted(before) == sorted(after)
    pairs = {canonical(i): name for i, name in zip(inputs, before, strict=True) if "-" not in name}
    assert pairs == {
        canonical(i): name for i, name in zip(shuffled, after, strict=True) if "-" not in name
    }


@settings(deadline=None)
@given(ids=IDS, data=st.data())
def test_the_content_hash_ignores_order_and_name(ids: list[str], data: st.DataObject) -> None:
    """The hash is over ids, inputs and labels; neither order nor the name is part of it."""
    shuffled = data.draw(st.permutations(ids))
    assert dataset(ids).content_hash == dataset(shuffled, "other").content_hash


@pytest.mark.parametrize(
    "changed", [Example("2", "x", "a"), Example("1", "y", "a"), Example("1", "x", "b")]
)
def test_the_content_hash_notices_every_part(changed: Example) -> None:
    """Another id, other inputs or another label changes the hash."""
    original = Dataset("d", (Example("1", "x", "a"),))
    assert original.content_hash != Dataset("d", (changed,)).content_hash


@settings(deadline=None)
@given(ids=IDS, seed=st.integers(), data=st.data())
def test_a_smaller_sample_is_a_prefix(ids: list[str], seed: int, data: st.DataObject) -> None:
    """Asking for more examples keeps those of a smaller sample, in the same order."""
    small = data.draw(st.integers(1, len(ids)))
    large = data.draw(st.integers(small, len(ids) + 3))
    drawn = dataset(ids).sample(large, seed).examples
    assert dataset(ids).sample(small, seed).examples == drawn[:small]
    assert len(drawn) == min(large, len(ids))


@settings(deadline=None)
@given(ids=IDS, seed=st.integers(), data=st.data())
def test_a_sample_does_not_depend_on_the_order(
    ids: list[str], seed: int, data: st.DataObject
) -> None:
    """The same examples in another order give the same sample."""
    size = data.draw(st.none() | st.integers(1, len(ids)))
    shuffled = data.draw(st.permutations(ids))
    assert dataset(shuffled).sample(size, seed) == dataset(ids).sample(size, seed)


@settings(deadline=None)
@given(ids=IDS, seed=st.integers())
def test_a_sample_without_a_size_keeps_everything(ids: list[str], seed: int) -> None:
    """No size means all examples, under the same name."""
    whole = dataset(ids).sample(None, seed)
    assert whole.content_hash == dataset(ids).content_hash
    assert whole.name == "reviews"


def test_equal_seeds_are_ordered_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two of 2^64 seeds happen to be equal, the ids decide, not the order of the file."""
    monkeypatch.setattr("pytest_ood.data.examples.derive_seeds", lambda _, ids: (7 for _ in ids))
    for ids in (["b", "c", "a"], ["c", "a", "b"]):
        assert [example.id for example in dataset(ids).sample(2, 0)] == ["a", "b"]


def test_another_seed_draws_another_sample() -> None:
    """The seed decides which examples are drawn."""
    data = dataset([str(i) for i in range(100)])
    assert data.sample(20, 0) != data.sample(20, 1)


def test_a_sample_is_spread_over_the_file() -> None:
    """A sample of a file sorted by label holds both labels in about their shares."""
    rows = [Example(str(i), "x", "a" if i < 500 else "b") for i in range(1000)]
    Random(0).shuffle(rows)
    drawn = Dataset("d", tuple(rows)).sample(200, 0)
    assert 70 < sum(example.label == "a" for example in drawn) < 130


@given(
    st.lists(st.sampled_from("abcdefghijklmnop"), min_size=20),
    st.floats(0.2, 0.8),
    st.integers(0, 9),
    st.data(),
)
def test_equal_inputs_are_on_one_side(
    texts: list[str], share: float, seed: int, data: st.DataObject
) -> None:
    """A split depends on inputs and seed alone: not on the order, nor on what else there is."""
    examples = tuple(Example(str(n), text, "x") for n, text in enumerate(texts))
    try:
        stay, held = Dataset("d", examples).split(share, seed)
    except DataError:
        return
    assert sorted(e.id for e in (*stay, *held)) == sorted(e.id for e in examples)
    assert not {e.inputs for e in stay} & {e.inputs for e in held}
    some = tuple(data.draw(st.permutations(examples)))[:15]
    try:
        again, out = Dataset("d", some).split(share, seed)
    except DataError:
        return
    assert {*again} <= {*stay}
    assert {*out} <= {*held}


def test_a_split_holds_out_about_the_share() -> None:
    """Of many examples a tenth are about a tenth, and another seed holds out others."""
    data = Dataset("d", tuple(Example(str(n), str(n), "x") for n in range(4_000)))
    stay, held = data.split(0.1, 0)
    assert len(stay) + len(held) == 4_000
    assert 320 < len(held) < 480
    assert {e.id for e in held} != {e.id for e in data.split(0.1, 1)[1]}


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (0.0, "is not inside"),
        (1.0, "is not inside"),
        (float("nan"), "is not inside"),
        (1e-9, "leave one side empty"),
    ],
)
def test_a_split_needs_two_sides(share: float, message: str) -> None:
    """A share that holds out nothing, or all, is refused."""
    data = Dataset("d", tuple(Example(str(n), str(n), "x") for n in range(10)))
    with pytest.raises(DataError, match=message):
        data.split(share, 0)


@pytest.mark.parametrize(
    ("other", "told"),
    [({"a": "z"}, "has the fields a, and row 1 (index 0) has the fields a, b"),
     ("z", "has a text, and row 1 (index 0) has the fields a, b"),
     ({"a": "z", "b": "z", "c": "z"}, "has the fields a, b, c, and row 1 (index 0) has the field")],
)  # fmt: skip
def test_examples_of_one_data_set_have_the_same_fields(other: Any, told: str) -> None:
    """The first two that differ are named; the order of fields is of no account."""
    both = {"a": "x", "b": "y"}
    rows = [(both, "p"), ({"b": "u", "a": "v"}, "p"), (other, "p")]
    for make in (
        lambda: Dataset.from_pairs("d", rows),
        lambda: Dataset("d", tuple(Example(str(n), i, label) for n, (i, label) in enumerate(rows))),
    ):
        with pytest.raises(DataError) as caught:
            make()
        assert str(caught.value).startswith(f"d, row 3 (index 2) {told}")
    assert len(Dataset.from_pairs("d", rows[:2])) == 2


@pytest.mark.parametrize("blank", ["", " \t"])
def test_an_id_is_not_blank(blank: str) -> None:
    """An example is named by it."""
    with pytest.raises(DataError, match=r"^d, row 1 \(index 0\): the id is .* not blank"):
        Dataset("d", (Example(blank, "x", "p"),))
