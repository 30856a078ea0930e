"""Many gates in one run: p-values adjusted so that the run's error rate is the stated one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Correction = Literal["holm", "benjamini-hochberg", "none"]
CORRECTIONS: tuple[Correction, ...] = ("holm", "benjamini-hochberg", "none")


def adjusted(p_values: Sequence[float], correction: Correction, size: int) -> list[float]:
    """Return adjusted p-values: a gate fails where its own is at most alpha.

    `holm` keeps the chance of any false fail under alpha, whatever the gates have to do with one
    another (Holm 1979, Scandinavian Journal of Statistics 6:65-70). `benjamini-hochberg` keeps the
    expected share of false ones among the fails under alpha, for gates that are independent or
    positively dependent (Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B
    57:289-300). `none` lets every gate err on its own.

    Args:
        p_values: Of the gates that were measured.
        correction: Which procedure.
        size: Gates in the family; those not measured count as 1.

    Raises:
        ValueError: fewer gates than p-values, or a p-value outside [0, 1].
    """
    if size < len(p_values):
        raise ValueError(f"a family of {size} gates cannot hold {len(p_values)} p-values")
    values = np.asarray([*p_values, *([1.0] * (size - len(p_values)))], dtype=np.float64)
    if not np.all((values >= 0.0) & (values <= 1.0)):
        raise ValueError("a p-value is not a number in [0, 1]")
    if correction == "benjamini-hochberg" and size:
        from scipy.stats import false_discovery_control

        values = np.asarray(false_discovery_control(values, method="bh"))
    elif correction == "holm":
        order = np.argsort(values, kind="stable")
        steps = np.maximum.accumulate(values[order] * (size - np.arange(size)))
        values[order] = np.minimum(1.0, steps)
    return [float(value) for value in values[: len(p_values)]]


def single_step(alpha: float, correction: Correction, size: int) -> float:
    """Return the level at which a gate fails whatever the other gates of its family show.

    Both procedures reject every p-value of at most alpha / size (Bonferroni's bound).
    """
    return alpha if correction == "none" else alpha / max(1, size)
