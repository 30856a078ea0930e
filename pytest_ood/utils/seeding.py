"""Order-independent randomness: generators are derived from names, never from positions."""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def derive_seed(seed: int, *parts: str) -> int:
    """Hash a run's seed and some names into a 64-bit seed, the same on every machine and run."""
    *first, last = (str(seed), *parts)
    return next(derive_seeds(first, [last]))


def derive_seeds(first: Sequence[str], last: Iterable[str]) -> Iterator[int]:
    """Yield for each of many names the seed of (*first, name); what they share is hashed once."""
    shared = hashlib.blake2b(digest_size=8)
    for part in first:
        shared.update(_framed(part))
    for part in last:
        digest = shared.copy()
        digest.update(_framed(part))
        yield int.from_bytes(digest.digest(), "big")


def _framed(part: str) -> bytes:
    encoded = part.encode("utf-8", "surrogatepass")
    # The length keeps ("ab", "c") and ("a", "bc") apart.
    return len(encoded).to_bytes(8, "big") + encoded


def generator(seed: int, *parts: str) -> random.Random:
    """Return the generator that belongs to these names under this seed."""
    return random.Random(derive_seed(seed, *parts))


@contextmanager
def seeded_globals(rng: random.Random) -> Iterator[None]:
    """Seed `random` and `numpy.random` from `rng` and put both back as they were.

    For libraries that draw from the global generators (nlpaug draws from both).
    """
    import numpy as np

    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - what nlpaug uses
    random.seed(rng.getrandbits(64))
    np.random.seed(rng.getrandbits(32))  # noqa: NPY002 - what nlpaug uses
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - what nlpaug uses
