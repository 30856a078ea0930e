from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.languages import find_language
from pytest_ood.perturbations import Generator, find
from pytest_ood.perturbations._transformers import masked_candidates
from pytest_ood.perturbations.resources import Resources, using

TEXT = "The movie has a Wonderful beginning, a rather dull plot and a GORGEOUS leading actor."


def test_a_word_becomes_another_whole_word(with_models: Callable[..., Generator]) -> None:
    """Each edit is one word for one word, with the capitals of the old one."""
    edits = with_models(find("masked-substitution")).at(5).edits(TEXT, Random(0))
    assert edits
    for edit in edits:
        # An article that has to follow is of the same edit.
        *article, before = edit.before.split()
        *new_article, after = edit.after.split()
        assert len(article) == len(new_article)
        assert before.isalpha()
        assert after.isalpha()
        assert after.lower() != before.lower()
        assert after.istitle() == before.istitle()


def test_an_inserted_word_stands_between_two(with_models: Callable[..., Generator]) -> None:
    """Nothing is replaced; a word and a space are put before a word."""
    edits = with_models(find("masked-insertion")).at(5).edits(TEXT, Random(0))
    assert edits
    assert all(edit.before == "" and edit.after[-1] == " " for edit in edits)
    assert all(edit.after[:-1].isalpha() for edit in edits)


def test_candidates_depend_on_their_own_gap_alone(local_models: Callable[[str], Path]) -> None:
    """A gap has the same candidates alone, among others, and far into a long text."""
    source = str(local_models("masked_model"))
    gap = ("The plot is ", " and the film is very long.")
    alone = masked_candidates(source, [gap], 4)
    assert [len(words) for words in alone] == [4]
    others = [("", " x"), ("a film " * 100, " is long"), gap]
    assert masked_candidates(source, others, 4)[2] == alone[0]
    assert masked_candidates(source, [gap], 2)[0] == alone[0][:2]


def test_a_mask_in_the_text_is_no_gap(local_models: Callable[[str], Path]) -> None:
    """A text that says [MASK] is a text like another."""
    source = str(local_models("masked_model"))
    (found,) = masked_candidates(source, [("a [MASK] ", " of the [MASK] film")], 3)
    assert len(found) == 3


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A name that leads nowhere says what can be given."""
    change = find("masked-substitution").with_parameters(masked_model="no-such/model")
    with using(Resources(cache=tmp_path, offline=True, root=tmp_path)):
        with pytest.raises(ModelError, match="'no-such/model' is neither a folder under"):
            change(TEXT, Random(0))
        with pytest.raises(ModelError):
            change.weights()


def test_a_model_of_another_kind_is_told(local_models: Callable[[str], Path]) -> None:
    """A translation model cannot fill gaps, and the message says so."""
    change = find("masked-substitution")
    change = change.with_parameters(masked_model=str(local_models("there")))
    with pytest.raises(ModelError, match="cannot be loaded as a masked language model"):
        change(TEXT, Random(0))


def test_the_weights_are_part_of_what_is_kept(
    local_models: Callable[[str], Path], with_models: Callable[..., Generator]
) -> None:
    """The hash of a checkpoint tells its output from another's; other perturbations have none."""
    (first,) = with_models(find("masked-substitution")).weights()
    (other,) = with_models(find("paraphrase")).weights()
    assert len(first) == len(other) == 64
    assert first != other
    assert find("swap").weights() == ()
    assert local_models("masked_model").is_dir()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"candidates": -1}, "candidates = -1 is a whole number of 0 or more"),
        ({"candidates": 2.5}, "candidates = 2.5 is a whole number"),
        ({"candidates": True}, "candidates = True is a whole number"),
        ({"masked_model": 3}, "masked_model = 3 is a string"),
        ({"share": 1.5}, r"share = 1.5 is not a share in \[0, 1\]"),
    ],
)
def test_a_parameter_of_another_type_is_told(parameters: dict[str, object], message: str) -> None:
    """A parameter takes values of its default's type."""
    with pytest.raises(ConfigurationError, match=f"masked-substitution: {message}"):
        find("masked-substitution").with_parameters(**parameters)


def test_words_are_in_the_letters_of_the_language(
    masked_model_of: Callable[[Sequence[str]], Path],
) -> None:
    """Of a vocabulary of several languages words of the text's are put in, whole ones."""
    russian = (
        "\u0444\u0438\u043b\u044c\u043c",
        "\u043a\u043d\u0438\u0433\u0430",
        "\u0433\u043e\u0440\u043e\u0434",
    )
    folder = masked_model_of(("film", "book", "##ing", *russian))
    change = find("masked-substitution").with_parameters(masked_model=str(folder))
    change = change.in_language(find_language("ru")).at(5)
    (edit,) = change.edits(f"{russian[0].title()} ok", Random(0))
    assert edit.after in {word.title() for word in russian[1:]}
    german = find("masked-substitution").in_language(find_language("de"))
    with pytest.raises(ConfigurationError, match="name a model of German"):
        german(TEXT, Random(0))
