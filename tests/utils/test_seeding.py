from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.utils.seeding import derive_seed, generator, seeded_globals

PARTS = st.lists(st.text(), max_size=4)


def global_state() -> tuple[object, str]:
    """Return the state of both global generators, in a form that compares."""
    return random.getstate(), repr(np.random.get_state())  # noqa: NPY002 - what is restored


def test_a_seed_is_the_same_on_every_machine() -> None:
    """Derived seeds are pinned: another figure would change every perturbed text."""
    assert derive_seed(0) == 8_638_921_312_083_208_990
    assert derive_seed(7, "keyboard", "example-1") == 6_047_638_037_382_778_151


def test_a_seed_does_not_depend_on_the_hash_seed() -> None:
    """Two interpreters with different string hashing derive the same seed."""
    code = "from pytest_ood.utils.seeding import derive_seed; print(derive_seed(3, 'a', 'b'))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    assert outputs == {str(derive_seed(3, "a", "b"))}


def test_parts_are_kept_apart() -> None:
    """Names that run together into the same text still get different seeds."""
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(0, "a") != derive_seed(0, "a", "")
    assert derive_seed(1, "2") != derive_seed(12)


@settings(deadline=None)
@given(seed=st.integers(), parts=PARTS)
def test_a_seed_has_64_bits(seed: int, parts: list[str]) -> None:
    """Every seed fits into 64 bits, lone surrogates and negative seeds included."""
    assert 0 <= derive_seed(seed, *parts) < 2**64


@settings(deadline=None)
@given(first=st.tuples(st.integers(), PARTS), second=st.tuples(st.integers(), PARTS))
def test_other_names_get_another_seed(
    first: tuple[int, list[str]], second: tuple[int, list[str]]
) -> None:
    """Seeds are equal exactly where seed and names are."""
    same = derive_seed(first[0], *first[1]) == derive_seed(second[0], *second[1])
    assert same == (first == second)


@settings(deadline=None)
@given(names=st.lists(st.text(), unique=True), data=st.data())
def test_generators_do_not_depend_on_the_order(names: list[str], data: st.DataObject) -> None:
    """A name's draws stay the same when the names are shuffled or some are left out."""
    draws = {name: generator(5, "swap", name).random() for name in names}
    subset = data.draw(st.permutations(names))[: data.draw(st.integers(0, len(names)))]
    assert all(generator(5, "swap", name).random() == draws[name] for name in subset)


@settings(deadline=None)
@given(state=st.integers(0, 2**32 - 1), seed=st.integers(), draws=st.integers(0, 5))
def test_global_generators_are_put_back(state: int, seed: int, draws: int) -> None:
    """Whatever is drawn inside, `random` and `numpy.random` go on as if nothing had been."""
    random.seed(state)
    np.random.seed(state)  # noqa: NPY002 - what is restored
    before = global_state()
    with seeded_globals(random.Random(seed)):
        for _ in range(draws):
            random.random()
            np.random.rand()  # noqa: NPY002 - what libraries draw from
    assert global_state() == before


def test_global_generators_are_put_back_after_an_error() -> None:
    """An error inside leaves the global generators as they were, too."""
    before = global_state()
    with pytest.raises(ZeroDivisionError), seeded_globals(random.Random(0)):
        random.seed(random.getrandbits(8) // 0)
    assert global_state() == before


def test_global_draws_follow_the_generator() -> None:
    """The same generator gives the same global draws, another one gives others."""

    def draws(seed: int) -> tuple[float, float]:
        with seeded_globals(random.Random(seed)):
            return random.random(), float(np.random.rand())  # noqa: NPY002 - as libraries do

    assert draws(1) == draws(1)
    assert draws(1)[0] != draws(2)[0]
    assert draws(1)[1] != draws(2)[1]


def test_seeded_globals_nest() -> None:
    """An inner block does not disturb the draws of the outer one."""
    with seeded_globals(random.Random(1)):
        expected = random.random(), random.random()
    with seeded_globals(random.Random(1)):
        first = random.random()
        with seeded_globals(random.Random(2)):
            random.random()
        assert (first, random.random()) == expected
