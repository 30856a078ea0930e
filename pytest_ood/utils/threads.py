"""How threads that compute one thing together wait for each other."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""Environment variables that GNU's OpenMP reads when torch or scikit-learn is imported."""

SPINS = "5000"
"""How often a thread looks for the others before it sleeps, by default for several milliseconds.
Beside a busy process that is time on a core which the very thread that it waits for needs, some
thousand times in a step: four to ten times as long as alone, instead of twice. With fewer, an idle
machine loses as much by waking threads. See `benchmarks/busy_cores.py`."""


@contextmanager
def short_waits() -> Iterator[None]:
    """Let libraries that are imported meanwhile wait shortly, unless the user says how they do."""
    if any(name in os.environ for name in VARIABLES):
        yield
        return
    os.environ[VARIABLES[0]] = SPINS
    try:
        yield
    finally:
        os.environ.pop(VARIABLES[0], None)
