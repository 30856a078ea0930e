"""The environment in which libraries of models are imported."""

from __future__ import annotations

import os

import pytest

from pytest_ood.utils.threads import SPINS, VARIABLES, short_waits


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable be set before."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_threads_wait_shortly_for_a_while() -> None:
    """The variable is there inside, and gone afterwards, however that ends."""

    def run() -> None:
        with short_waits():
            assert os.environ["GOMP_SPINCOUNT"] == SPINS
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize("name", VARIABLES)
def test_the_user_decides(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set already stays as it is."""
    monkeypatch.setenv(name, "PASSIVE")
    before = dict(os.environ)
    with short_waits():
        assert dict(os.environ) == before
    assert dict(os.environ) == before
