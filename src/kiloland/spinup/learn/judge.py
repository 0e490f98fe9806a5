"""What the network thinks of its own answers: trust in the operator, distance from training, uncertainty.

* Operator: does it close the run's own budget? The numbers z of a cell are the log ratios of respiration and
  litter input by operator and by history, and of turnover by operator and by the history's K fields (mean
  and spread over layers, weighted by the loss of carbon there, pool by pool). The score is the largest
  distance of a number from its median over the training cells, relative to the largest usual one of that
  number; above 1 the operator is not believed. In a climate outside the training, where the usual is not
  known, the score is divided by the distance.
* Distance: that of climate and ground inputs from the training cells, over the largest usual one.
* Uncertainty: standard deviation of log column carbon,
  s = a exp(w phi) sqrt(1 + phi' (Phi' Phi + I)^-1 phi n / k): last-layer Laplace with an error that
  depends on the summary phi of the cell; w and a are fitted on validation cells that trained nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import POOLS, TRANSITIONS, layers
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.operator import CascadeOperator

Float = NDArray[np.float64]

USUAL: Final = 0.999
"""Quantile of the training cells that counts as the largest usual distance."""
MARGIN: Final = 1.5
LARGEST_LOG: Final = 5.0
FLOOR: Final = 0.02
"""Least standard deviation of a number of the budget, so that exact agreement makes no noise an error."""
COVERED: Final = 0.683
"""Share of validation cells within one standard deviation."""


@dataclass(frozen=True)
class Distance:
    """Mahalanobis distance over the largest usual one: ``root`` whitens, ``limit`` divides."""

    mean: Float
    root: Float
    limit: Float

    @classmethod
    def fitted(cls, values: Float, floor: float) -> Distance:
        """From training values [cell, number]."""
        mean = values.mean(axis=0)
        covariance = np.cov(values.T) if values.shape[0] > 1 else np.zeros((values.shape[1],) * 2)
        size, axes = np.linalg.eigh(covariance + floor**2 * np.eye(mean.size))
        root = axes / np.sqrt(size)
        distance = np.sqrt(np.square((values - mean) @ root).sum(axis=1))
        return cls(mean, root, np.asarray(MARGIN * np.quantile(distance, USUAL)))

    def score(self, values: Float) -> Float:
        """Distance of each cell; above 1 is outside."""
        return np.asarray(np.sqrt(np.square((values - self.mean) @ self.root).sum(axis=1)) / self.limit)


@dataclass(frozen=True)
class Ranges:
    """Usual ranges of numbers, each by itself: ``middle`` and ``limit`` [number]."""

    middle: Float
    limit: Float

    @classmethod
    def fitted(cls, values: Float, floor: float) -> Ranges:
        """From training values [cell, number]."""
        middle = np.median(values, axis=0)
        usual = np.quantile(np.abs(values - middle), USUAL, axis=0)
        return cls(middle, MARGIN * np.maximum(usual, floor))

    def score(self, values: Float) -> Float:
        """The most unusual number of each cell; above 1 is outside."""
        return np.asarray((np.abs(values - self.middle) / self.limit).max(axis=1))


@dataclass(frozen=True)
class Judge:
    """Fitted judgement; vectors and matrices, see the module.

    ``blend`` [pool]: share of the network alone in the answer for soil carbon, chosen on validation cells.
    """

    budget_middle: Float
    budget_limit: Float
    place_mean: Float
    place_root: Float
    place_limit: Float
    summary_mean: Float
    summary_spread: Float
    summary_inverse: Float
    error_slope: Float
    error_size: Float
    blend: Float

    @property
    def budget(self) -> Ranges:
        """The test of the operator."""
        return Ranges(self.budget_middle, self.budget_limit)

    @property
    def place(self) -> Distance:
        """The distance from the training cells."""
        return Distance(self.place_mean, self.place_root, self.place_limit)

    def uncertainty(self, summary: Float) -> Float:
        """Standard deviation of the logarithm of column carbon, [cell]."""
        phi = (summary - self.summary_mean) / self.summary_spread
        return np.asarray(self.error_size * shape_of_error(phi, self.error_slope, self.summary_inverse))


def no_judge(pools: int) -> Judge:
    """A judge of nothing, for a network that is not trained yet."""
    none, one = np.zeros(0), np.zeros((0, 0))
    limit = np.asarray(1.0)
    return Judge(none, none, none, one, limit, none, none, one, none, limit, np.zeros(pools))


def fit_judge(
    budget: Float,
    place: Float,
    summary: Float,
    validation_summary: Float,
    validation_error: Float,
    blend: Float,
) -> Judge:
    """The judge from training cells (budget numbers, places, summaries) and errors of validation cells.

    ``validation_error``: |log(predicted / true)| of column carbon. Odd validation cells fit the slope, even
    ones the size.
    """
    operator, outside = Ranges.fitted(budget, FLOOR), Distance.fitted(place, 0.1)
    mean, spread = summary.mean(axis=0), summary.std(axis=0) + 1.0e-6
    phi, other = (summary - mean) / spread, (validation_summary - mean) / spread
    inverse = np.linalg.inv(phi.T @ phi + np.eye(mean.size)) * phi.shape[0] / mean.size
    slope = error_slope(other[1::2], validation_error[1::2])
    shape = shape_of_error(other[::2], slope, inverse)
    size = np.quantile(validation_error[::2] / shape, COVERED) if shape.size else np.asarray(1.0)
    return Judge(
        operator.middle,
        operator.limit,
        outside.mean,
        outside.root,
        outside.limit,
        mean,
        spread,
        inverse,
        slope,
        np.asarray(size),
        blend,
    )


def error_slope(phi: Float, error: Float) -> Float:
    """w of log error = const + w phi by ridge regression with a strong prior for zero."""
    if phi.shape[0] < 2:
        return np.zeros(phi.shape[1])
    logs = np.log(error + 1.0e-4)
    strength = np.eye(phi.shape[1]) * max(phi.shape[0], 100)
    return np.asarray(np.linalg.solve(phi.T @ phi + strength, phi.T @ (logs - logs.mean())))


def shape_of_error(phi: Float, slope: Float, inverse: Float) -> Float:
    """exp(w phi) sqrt(1 + phi' S phi), the exponent kept within 3."""
    leverage = ((phi @ inverse) * phi).sum(axis=1)
    return np.asarray(np.exp(np.clip(phi @ slope, -3.0, 3.0)) * np.sqrt(1.0 + leverage))


def budget_numbers(table: CellTable, operator: CascadeOperator) -> Float:
    """Numbers that tell whether the operator fits the run, [cell, number]; logarithms within +-5."""
    thickness = layers().thickness[:, None]
    natural = np.stack([np.maximum(table[f"X_{pool}c_vr"].T, 0.0) for pool in POOLS])
    decay = np.asarray(operator.decay)
    respired = np.zeros_like(natural[0])
    for number, (donor, _) in enumerate(TRANSITIONS):
        share = np.asarray(operator.respired[number]) * np.asarray(operator.path[number])
        respired = respired + share * decay[donor] * natural[donor]
    parts = [log_ratio((respired * thickness).sum(axis=0), table["flux_HR"])]
    litter = (np.asarray(operator.litter_input) * thickness).sum(axis=(0, 1))
    fallen = table["flux_LITFALL"]
    if "flux_VEGC_TO_CWDC" in table:
        fallen = fallen + np.maximum(table["flux_VEGC_TO_CWDC"], 0.0)
    parts.append(log_ratio(litter, fallen))
    for number, pool in enumerate(POOLS):
        if f"flux_K_{pool.upper()}" in table:
            ratio = log_ratio(decay[number].T, table[f"flux_K_{pool.upper()}"])
            parts += weighted_mean_and_spread(ratio, (natural[number] * thickness * decay[number]).T)
    return np.stack(parts, axis=1)


def weighted_mean_and_spread(values: Float, weight: Float) -> list[Float]:
    """Over the last axis; zero where nothing has weight."""
    total = weight.sum(axis=1, keepdims=True)
    share = np.where(total > 0.0, weight / np.where(total > 0.0, total, 1.0), 0.0)
    mean = (share * values).sum(axis=1)
    return [mean, np.sqrt((share * np.square(values - mean[:, None])).sum(axis=1))]


def log_ratio(first: Float, second: Float) -> Float:
    """log(first / second) within +-5; 0 where both vanish."""
    small = 1.0e-30
    ratio = np.log(np.maximum(np.nan_to_num(first), small)) - np.log(np.maximum(np.nan_to_num(second), small))
    return np.asarray(np.clip(ratio, -LARGEST_LOG, LARGEST_LOG))
