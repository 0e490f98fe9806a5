"""Ridge regression and boosted trees on log ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge as LinearModel

from kiloland.spinup.benchmark.rivals.log_ratio import Fitted, Samples, Scaling, scaling_of

Float = NDArray[np.float64]

LARGEST_INPUT = 10.0
"""Standardised inputs are held within this, so that one odd number far from training cannot run away."""


@dataclass(frozen=True)
class FittedRidge:
    """Scaled inputs, and r = W x + c: ``weights`` [feature, output], ``constant`` [output]."""

    scaling: Scaling
    weights: Float
    constant: Float

    def predict(self, inputs: Float) -> Float:
        return held(self.scaling(inputs)) @ self.weights + self.constant


def held(scaled: Float) -> Float:
    """Scaled inputs within their limits."""
    return np.clip(scaled, -LARGEST_INPUT, LARGEST_INPUT)


@dataclass(frozen=True)
class Ridge:
    """min |r - W x - c|^2 + alpha |W|^2 for each output on the samples where it has a ratio."""

    name: str = "ridge"
    by_layer: bool = False
    settings: ClassVar[tuple[dict[str, Any], ...]] = (
        {"alpha": 10.0},
        {"alpha": 300.0},
        {"alpha": 0.3},
    )

    def fit(
        self, train: Samples, validation: Samples, setting: dict[str, Any], seed: int, epochs: int
    ) -> Fitted:
        scaling = scaling_of(train.inputs)
        inputs = held(scaling(train.inputs))
        usable = np.isfinite(train.ratio)
        weights = np.zeros((inputs.shape[1], train.ratio.shape[1]))
        constant = np.zeros(train.ratio.shape[1])
        # Outputs that lack a ratio at the same samples are solved together.
        patterns, group = np.unique(usable, axis=1, return_inverse=True)
        for number in range(patterns.shape[1]):
            rows, outputs = patterns[:, number], np.flatnonzero(group.reshape(-1) == number)
            if rows.any():
                model = LinearModel(**setting).fit(inputs[rows], train.ratio[np.ix_(rows, outputs)])
                weights[:, outputs] = np.reshape(model.coef_, (outputs.size, -1)).T
                constant[outputs] = model.intercept_
        return FittedRidge(scaling, weights, constant)


@dataclass(frozen=True)
class FittedTrees:
    """One forest an output; None where there was nothing to learn."""

    models: tuple[HistGradientBoostingRegressor | None, ...]

    def predict(self, inputs: Float) -> Float:
        columns = [
            np.zeros(inputs.shape[0]) if model is None else model.predict(inputs) for model in self.models
        ]
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Trees:
    """Gradient boosting over histograms, one model an output, stopped early on a tenth of the samples."""

    name: str = "boosted trees"
    by_layer: bool = True
    settings: ClassVar[tuple[dict[str, Any], ...]] = (
        {"learning_rate": 0.15, "max_leaf_nodes": 31},
        {"learning_rate": 0.1, "max_leaf_nodes": 63},
        {"learning_rate": 0.3, "max_leaf_nodes": 15},
    )
    iterations: int = 100

    def fit(
        self, train: Samples, validation: Samples, setting: dict[str, Any], seed: int, epochs: int
    ) -> Fitted:
        return FittedTrees(tuple(self._one(train.inputs, column, setting, seed) for column in train.ratio.T))

    def _one(
        self, inputs: Float, ratio: Float, setting: dict[str, Any], seed: int
    ) -> HistGradientBoostingRegressor | None:
        usable = np.isfinite(ratio)
        if usable.sum() < 20:
            return None
        model = HistGradientBoostingRegressor(
            max_iter=self.iterations,
            early_stopping=True,
            n_iter_no_change=10,
            random_state=seed,
            **setting,
        )
        return model.fit(inputs[usable], ratio[usable])
