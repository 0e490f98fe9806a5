"""Scores of predicted pools: explained variance, error of the logarithm, totals of biomes, mass out of place.

All kernels are pure: arrays [cell, slot] in, frozen results out; a slot is a plant type or a soil layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]

TRACE: Final = 1.0e-6
"""Entries below this share of the largest one are empty."""
LEAST_CELLS: Final = 10
"""A biome with fewer test cells has no total of its own; its cells still count in the whole."""


@dataclass(frozen=True)
class Score:
    """How one variable was met.

    ``log_error``: median of |ln(predicted/true)|; ``bias``: relative error of the weighted sum;
    ``false_share``: share of the empty slots that were given something; ``false_mass``: what they were given,
    as a share of the weighted true sum; ``biomes``: relative error of the weighted sum of each biome.
    """

    r2: float
    log_error: float
    bias: float
    false_share: float
    false_mass: float
    count: int
    biomes: Mapping[int, float]

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, six significant digits."""
        numbers = {
            key: short(getattr(self, key)) for key in ("r2", "log_error", "bias", "false_share", "false_mass")
        }
        biomes = {str(biome): short(error) for biome, error in self.biomes.items()}
        return {**numbers, "count": self.count, "biomes": biomes}


def score(predicted: Float, truth: Float, weight: Float, biome: Int) -> Score:
    """Compare one variable.

    ``predicted``, ``truth``: [cell, slot]; ``weight``: m2 (times m for layers) of each slot, zero where the
    slot is absent; ``biome``: [cell]. A slot is empty where it is absent or the truth holds a trace: such
    slots count for mass out of place alone, since a structure of zeros is no skill. Where a slot is present
    and the truth is empty, what is predicted adds to the bias too.
    """
    exists = weight > 0.0
    filled = holds_something(truth, weight)
    empty = ~filled
    least = floor_of(truth)
    given = np.where(np.isfinite(predicted), predicted, 0.0)
    expected = np.where(exists & np.isfinite(truth), truth, 0.0)
    sum_of_truth = float(np.sum(weight * expected))
    false = float(np.sum(np.where(empty & exists, weight * np.abs(given), 0.0)))
    return Score(
        r2=explained(predicted[filled], truth[filled]),
        log_error=log_error(predicted[filled], truth[filled]),
        bias=relative(float(np.sum(weight * given)), sum_of_truth),
        false_share=float(np.mean(np.abs(given[empty]) > least)) if empty.any() else 0.0,
        false_mass=false / abs(sum_of_truth) if sum_of_truth else 0.0,
        count=int(filled.sum()),
        biomes=biome_errors(weight * given, weight * expected, biome),
    )


def holds_something(truth: Float, weight: Float) -> Bool:
    """Slots that exist and of which the truth is more than a trace, [cell, slot]."""
    return (weight > 0.0) & np.isfinite(truth) & (np.abs(np.nan_to_num(truth)) > floor_of(truth))


def floor_of(truth: Float) -> float:
    """What counts as a trace, such as the rest of a plant that has died."""
    return TRACE * float(np.nanmax(np.abs(truth), initial=0.0))


def explained(predicted: Float, truth: Float) -> float:
    """R2 = 1 - sum (predicted - true)^2 / sum (true - mean(true))^2; NaN without variance.

    A prediction that is no number counts as zero, so that a row cannot gain by leaving cells out.
    """
    if truth.size < 2:
        return float("nan")
    scatter = float(np.sum(np.square(truth - truth.mean())))
    error = float(np.sum(np.square(np.where(np.isfinite(predicted), predicted, 0.0) - truth)))
    return 1.0 - error / scatter if scatter > 0.0 else float("nan")


def log_error(predicted: Float, truth: Float) -> float:
    """Median of |ln(predicted/true)| over entries of which both have the same sign; others count as infinite.

    >>> log_error(np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 1.0])) == np.log(2.0)
    True
    """
    if not truth.size:
        return float("nan")
    ratio = predicted / truth
    positive = np.isfinite(ratio) & (ratio > 0.0)
    size = np.abs(np.log(ratio, out=np.full(ratio.shape, np.inf), where=positive))
    return float(np.median(size))


def relative(value: float, expected: float) -> float:
    """(value - expected) / |expected|; NaN where nothing is expected."""
    return (value - expected) / abs(expected) if expected else float("nan")


def biome_errors(given: Float, expected: Float, biome: Int) -> dict[int, float]:
    """Relative error of the sum over the cells of each biome with at least ``LEAST_CELLS`` of them."""
    by_cell = given.reshape(biome.size, -1).sum(axis=1), expected.reshape(biome.size, -1).sum(axis=1)
    errors = {}
    for number in np.unique(biome):
        inside = biome == number
        if inside.sum() < LEAST_CELLS:
            continue
        error = relative(float(by_cell[0][inside].sum()), float(by_cell[1][inside].sum()))
        if np.isfinite(error):
            errors[int(number)] = error
    return errors


def pooled(predicted: Sequence[Float], truth: Sequence[Float]) -> float:
    """One R2 over several variables, each in units of its own standard deviation.

    1 - sum_v sum_i ((p - t) / s_v)^2 / sum_v n_v, over filled entries: the mean of the variables' R2, each
    with the weight of its number of entries.
    """
    errors, number = 0.0, 0
    for given, expected in zip(predicted, truth, strict=True):
        spread = float(np.var(expected)) if expected.size else 0.0
        if spread > 0.0:
            errors += float(np.sum(np.square(np.nan_to_num(given) - expected))) / spread
            number += expected.size
    return 1.0 - errors / number if number else float("nan")


@dataclass(frozen=True)
class Spread:
    """Mean over seeds with the smallest and the largest."""

    mean: float
    low: float
    high: float
    number: int

    def text(self, digits: int = 4) -> str:
        """``0.9912 (0.9908 to 0.9915)``; without the range for a single seed."""
        if not np.isfinite(self.mean):
            return "-"
        if self.number == 1:
            return f"{self.mean:.{digits}f}"
        return f"{self.mean:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def spread(values: Sequence[float]) -> Spread:
    """Mean and range of the numbers of several seeds."""
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return Spread(float("nan"), float("nan"), float("nan"), 0)
    return Spread(float(np.mean(finite)), min(finite), max(finite), len(finite))


def short(value: float) -> float | None:
    """Six significant digits; None for what JSON has no number for."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
