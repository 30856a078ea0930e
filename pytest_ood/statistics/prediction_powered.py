"""Means of human verdicts, from a judge's verdicts on many answers and people's on a few.

A judge that errs measures its own verdicts. How far these are from people's is estimated on answers
that have both, and added: prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan and
Zrnic 2023, Science 382:669-674, section "Mean estimation"). With f a judge's verdict and h a
person's, mean(h) is estimated by w mean(f) over all answers + mean(h - w f) over the labelled ones,
which is unbiased for any weight w. The two parts are independent samples, so that the interval is
that of a sum of means: `means.Means`, whose pseudo-values keep a judge that was not seen to err
among few labels from counting as one that never errs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.means import Means
from pytest_ood.statistics.planning import Shortage, least_examples
from pytest_ood.statistics.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.statistics.samples import Values

    Floats = NDArray[np.float64]

SHARE, CHANGE = (0.0, 1.0), (-1.0, 1.0)
"""The least and the largest verdict, and change of a verdict."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A judge's verdicts on the answers to all examples of a sample, or their changes.

    Attributes:
        sign: The weight of their mean in what is estimated.
        values: One for each example.
        ends: The least and the largest possible value.
    """

    sign: float
    values: Values
    ends: tuple[float, float]

    @cached_property
    def sample(self) -> Sample:
        """The values, counted."""
        return Sample.of(self.values)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Verdicts of people and of the judge on the same answers.

    Attributes:
        human: Of people, in [0, 1], shape (m,).
        judge: Of the judge, in [0, 1], shape (m,).
        ids: The id of the example that each answer is to, shape (m,).
    """

    human: Floats
    judge: Floats
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.human)


@dataclass(frozen=True, eq=False)
class Correction:
    """Pairs of verdicts, or of their changes, that one part of the estimate is corrected by."""

    sign: float
    human: Floats
    judge: Floats
    ends: tuple[float, float]

    def moments(self) -> tuple[float, float]:
        """Return the covariance of both and the variance of the judge's, over the size.

        With two pairs in which both agree, the ends of what a value may be: labels that are all
        alike say nothing about how the two vary together.
        """
        human, judge = np.append(self.human, self.ends), np.append(self.judge, self.ends)
        covariances = np.cov(human, judge)
        return float(covariances[0, 1]) / len(human), float(covariances[1, 1]) / len(human)


@dataclass(frozen=True, eq=False)
class PredictionPowered:
    """A signed sum of means of human verdicts.

    Attributes:
        judged: The judge's verdicts on all answers, sample by sample.
        corrections: The labelled pairs, sample by sample.
        limits: The least and the largest possible value of the sum.
    """

    judged: tuple[Judged, ...]
    corrections: tuple[Correction, ...] = field(repr=False)
    limits: tuple[float, float]

    @property
    def value(self) -> float:
        """The estimate."""
        return self._means.value

    @property
    def n(self) -> int:
        """Examples that were judged, of the smallest sample."""
        return min(len(one.sample) for one in self.judged)

    @property
    def labels(self) -> int:
        """Labelled answers of the smallest sample."""
        return min(len(one.human) for one in self.corrections)

    @property
    def spread(self) -> float:
        """Standard error times the root of n: labels are taken to grow with the examples."""
        return self._means.spread * math.sqrt(self.n / self._means.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds."""
        return self._means.bounds(alpha)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "the sum is at most `limit`"."""
        return self._means.p_above(limit)

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "the sum is at least `limit`"."""
        return self._means.p_below(limit)

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return why labels are too few to show a sum of at most `limit`, if they are."""
        del examples
        least = least_examples(limit, alpha) if limit > 0.0 else 0
        return Shortage(self.labels, least, "labelled answers") if self.labels < least else None

    @cached_property
    def weight(self) -> float:
        """The weight w of the judge's verdicts, in [0, 1]: the one of the least variance.

        Angelopoulos, Duchi and Zrnic 2023, PPI++, arXiv:2311.01453, section 6. A judge that hardly
        agrees with people gets little weight, and is then worth no less than the labels alone.
        """
        covariance = variance = 0.0
        for correction in self.corrections:
            with_human, of_judge = correction.moments()
            covariance += with_human
            variance += of_judge
        for one in self.judged:
            sample = one.sample.padded(np.asarray(one.ends))
            size = sample.counts.sum()
            squares = sample.counts @ (sample.values - sample.mean) ** 2
            variance += float(squares) / (size - 1) / size
        return min(1.0, max(0.0, covariance / variance))

    def corrected(self, mean: float, labelled: Labelled) -> float:
        """Return the estimate of people's mean verdict on one side, for the judge's mean there.

        That before the shift minus that under it is the drop.
        """
        return self.weight * mean + float(np.mean(labelled.human - self.weight * labelled.judge))

    @cached_property
    def _means(self) -> Means:
        weight, parts = self.weight, []
        for correction in self.corrections:
            least, most = correction.ends
            # A change is in [-1, 1], and so is nearly every change of what the judge gets wrong.
            ends = (least - weight * most, most - weight * least) if least >= 0.0 else CHANGE
            errors = correction.human - weight * correction.judge
            parts.append((correction.sign, Sample.of(errors), ends))
        if weight > 0.0:
            for one in self.judged:
                scaled = Sample(weight * one.sample.values, one.sample.counts)
                least, most = one.ends
                parts.append((one.sign, scaled, (weight * least, weight * most)))
        signs, samples, pseudo = zip(*parts, strict=True)
        return Means(samples, signs, pseudo, self.limits)


def judged_mean(values: Values, labelled: Labelled) -> PredictionPowered:
    """Estimate the mean of people's verdicts on answers that a judge has judged.

    Args:
        values: The judge's verdict on each answer, in [0, 1].
        labelled: Answers that people have judged, too, of the same kind.
    """
    correction = Correction(1.0, labelled.human, labelled.judge, SHARE)
    return PredictionPowered((Judged(1.0, values, SHARE),), (correction,), SHARE)


def judged_drop(
    judged: Sequence[Judged], labelled: Sequence[tuple[float, Labelled, Labelled]], *, paired: bool
) -> PredictionPowered:
    """Estimate how much the mean of people's verdicts drops, or how much more than another's.

    Args:
        judged: The judge's verdicts before and under the shift, or their changes.
        labelled: Of each model the sign of its drop, and the labelled answers before and under the
            shift.
        paired: Whether the shift changes the same examples: where the labelled answers on both
            sides are to the same examples, the changes of their verdicts are compared.
    """
    corrections: list[Correction] = []
    for sign, before, after in labelled:
        if paired and sorted(before.ids) == sorted(after.ids):
            first, last = np.argsort(before.ids), np.argsort(after.ids)
            human = before.human[first] - after.human[last]
            judge = before.judge[first] - after.judge[last]
            corrections.append(Correction(sign, human, judge, CHANGE))
        else:
            corrections.append(Correction(sign, before.human, before.judge, SHARE))
            corrections.append(Correction(-sign, after.human, after.judge, SHARE))
    most = float(len(labelled))
    return PredictionPowered(tuple(judged), tuple(corrections), (-most, most))
