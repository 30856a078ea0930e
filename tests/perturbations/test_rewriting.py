from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.inference.store import FileStore
from pytest_ood.perturbations import Generator, find
from pytest_ood.perturbations._transformers import rewritings
from pytest_ood.shifts import NoiseShift

TEXT = "The film begins slowly.  But the ending (really) is good!\nSee https://a.org/b c."


@pytest.mark.parametrize("name", ["back-translation", "paraphrase"])
def test_sentences_are_rewritten_and_nothing_else(
    name: str, with_models: Callable[..., Generator]
) -> None:
    """An edit is a whole sentence; white space and line ends between them stay."""
    edits = with_models(find(name)).at(5).edits(TEXT, Random(0))
    assert [edit.before for edit in edits][:2] == [
        "The film begins slowly.", "But the ending (really) is good!",
    ]  # fmt: skip
    for edit in edits:
        assert edit.after
        assert "\n" not in edit.after


def test_beams_are_different_and_come_in_order(local_models: Callable[[str], Path]) -> None:
    """At most so many rewritings as there are beams come back, each once, always the same."""
    source = str(local_models("there"))
    found = rewritings(source, "", "the film is great", 4)
    assert 1 < len(found) <= 4
    assert len(set(found)) == len(found)
    assert rewritings(source, "", "the film is great", 4) == found


@pytest.mark.parametrize(
    ("name", "key"), [("back-translation", "there"), ("paraphrase", "paraphraser")]
)
def test_a_model_has_to_be_named(name: str, key: str) -> None:
    """Without a model the message says which parameter names one."""
    with pytest.raises(ConfigurationError, match=rf"{name}: name a model: parameters = {{ {key} "):
        find(name)("The film is very good.", Random(0))


def test_rewritten_texts_are_kept_by_the_weights_of_the_model(
    tmp_path: Path, with_models: Callable[..., Generator], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a model wrote is kept between runs: the second asks it nothing."""
    shift = NoiseShift("p", with_models(find("paraphrase")))
    examples = [Example("0", "The film is very good.", "x")]
    first = shift.apply(examples, 0, FileStore(tmp_path / "store.sqlite"))
    assert first.inputs[0] != examples[0].inputs

    def never(*_: object) -> tuple[str, ...]:
        raise AssertionError

    monkeypatch.setattr("pytest_ood.perturbations.rewriting.rewritings", never)
    again = shift.apply(examples, 0, FileStore(tmp_path / "store.sqlite"))
    assert again == first


@pytest.mark.demo
def test_a_packaged_model_paraphrases() -> None:
    """SmolLM2 says a sentence in other words that the filter finds near to it."""
    change = find("paraphrase").with_parameters(
        paraphraser="asset:smollm2",
        prefix="Rewrite this sentence in other words, keep its meaning: ",
    )
    case = change.at(5).perturb("The plot is thin, but the actors are a delight.", Random(1))
    assert case.text != case.original
    assert change.contract.filter.cosines([case])[0] > 0.7  # type: ignore[union-attr]
