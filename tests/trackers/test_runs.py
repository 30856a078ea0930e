from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.trackers import mlflow, wandb
from pytest_ood.trackers._runs import plain_names, without_secrets


@given(st.lists(st.text(alphabet="ab_@#\u00e9/-", min_size=1, max_size=12), max_size=12))
def test_names_that_a_tracker_takes_stay_apart(names: list[str]) -> None:
    """No two names become one, none holds what is forbidden or is too long, good ones stay."""
    for forbidden, longest in ((mlflow.FORBIDDEN, 250), (wandb.FORBIDDEN, 11)):
        found = plain_names(names, forbidden, longest)
        assert found.keys() == set(names)
        assert len(set(found.values())) == len(found)
        assert not any(forbidden.search(name) or len(name) > longest for name in found.values())
        assert all(
            found[name] == name
            for name in names
            if not forbidden.search(name) and len(name) <= longest
        )


def test_names_are_mapped_plainly() -> None:
    """What is forbidden becomes an underscore; only a name that is taken gets a hash."""
    assert plain_names(["noise/swap@3/m/drop"], mlflow.FORBIDDEN, 250) == {
        "noise/swap@3/m/drop": "noise/swap_3/m/drop"
    }
    found = plain_names(["a_b", "a@b", "a#b"], mlflow.FORBIDDEN, 250)
    assert found["a_b"] == "a_b"
    assert re.fullmatch("a_b_[0-9a-f]{8}", found["a@b"])


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN", "SOME_PASSWORD"])
def test_secrets_are_taken_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a secret variable holds, and credentials in an address, are not shown."""
    monkeypatch.setenv(name, "hush-hush")
    text = "https://me:word@host/x?k=hush-hush and //token@host, me@home"
    assert without_secrets(text) == "https://***@host/x?k=*** and //***@host, me@home"
