"""How far an answer is from the truth: logarithms, amounts, totals of elements, drift."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from kiloland.land.pytree import pytree_dataclass
from kiloland.spinup.cascade import layers
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.closures import Answer, Base
from kiloland.spinup.learn.variables import (
    CARBON,
    EXCESS,
    LAYER_ORDER,
    LAYER_WEIGHT,
    PLANT_ORDER,
    PLANT_WEIGHT,
)

Numbers = NDArray[np.float64]

AMOUNT_SHARE: Final = 1.0
"""Weight of the standardised square against the logarithm."""
KNEE: Final = 10.0
"""Standard deviations up to which errors of amounts count by their square, as they do in R2."""
USUAL: Final = 99.9
"""Percentile of sizes beyond which an amount adds no more to the standard deviation: one runaway pool must
not hide the others."""
TOTAL_SHARE: Final = 0.2
DRIFT_SHARE: Final = 0.02
ALONE_SHARE: Final = 0.3
"""Weight of the answer without operator, which is kept as a fallback."""
DRIFT_SCALE: Final = 50.0
"""gC m-2 yr-1 of drift that costs about as much as one unit of the logarithm."""
ELEMENTS: Final = 3
LEAST, EXCESS_LEAST = 1.0e-3, 0.1
"""Of the mean size of a pool: what counts as nothing; that of carbon which waits for nutrients."""


class Truth(NamedTuple):
    """Pools at equilibrium of a batch, in the order of the answers; plant types packed."""

    plant: Float[Array, "cell plant pool"]
    layer: Float[Array, "cell layer variable"]


@pytree_dataclass
class Scales:
    """Per variable, from the training cells: standard deviation, and the least amount that counts."""

    plant: Numbers
    layer: Numbers
    plant_least: Numbers
    layer_least: Numbers

    @classmethod
    def fitted(cls, plant: Numbers, layer: Numbers) -> Scales:
        """``plant`` [cell, slot, pool] and ``layer`` [cell, layer, variable]: true pools."""
        plant_scale, plant_least = spread_and_least(plant)
        layer_scale, layer_least = spread_and_least(layer)
        # Carbon that waits for nutrients is there or not: the logarithm asks no more than that.
        plant_least[EXCESS] *= EXCESS_LEAST / LEAST
        return cls(plant_scale, layer_scale, plant_least, layer_least)


def spread_and_least(values: Numbers) -> tuple[Numbers, Numbers]:
    """Standard deviation of what is not zero (sizes cut off at `USUAL`), and the least amount that counts."""
    flat = np.where(np.isfinite(values) & (values != 0.0), np.abs(values), np.nan).reshape(
        -1, values.shape[-1]
    )
    some = np.isfinite(flat).any(axis=0)
    flat[:, some] = np.minimum(flat[:, some], np.nanpercentile(flat[:, some], USUAL, axis=0))
    scale, least = np.ones(flat.shape[1]), np.full(flat.shape[1], 1.0e-6)
    scale[some] = np.nanstd(flat[:, some], axis=0)
    least[some] = np.maximum(LEAST * np.nanmean(flat[:, some], axis=0), 1.0e-12)
    return np.where(scale > 0.0, scale, 1.0), least


def true_pools(table: CellTable) -> tuple[Numbers, Numbers]:
    """Pools at equilibrium in the order of the answers, [cell, 17, pool] and [cell, 10, variable]."""
    plant = np.stack([np.nan_to_num(table[f"Y_{name}"]) for name in PLANT_ORDER], axis=-1)
    layer = np.stack([np.nan_to_num(table[f"Y_{name}"]) for name in LAYER_ORDER], axis=-1)
    return plant * (table["pft_cover"] > 0.0)[:, :, None], layer


def huber(error: Array, knee: float = 1.0) -> Array:
    """e^2 / 2 for small errors, knee (|e| - knee / 2) beyond the knee."""
    size = jnp.abs(error)
    return jnp.where(size < knee, 0.5 * size * size, knee * (size - 0.5 * knee))


def loss(answer: Answer, base: Base, truth: Truth, scales: Any) -> Array:
    """Weighted sum of

    * Huber of log((p + e) / (t + e)) and of (p - t) / standard deviation (square up to `KNEE`), mean over
      what exists, for every variable with its weight;
    * the same of soil carbon of the network alone, at 0.3;
    * Huber of the log ratio of the column's totals of C, N and P, at 0.2;
    * mean of log(1 + drift / 50 gC m-2 yr-1), at 0.02.
    """
    plant = variables(answer.plant, base.plant, truth.plant, scales.plant, scales.plant_least, PLANT_WEIGHT)
    layer = variables(answer.layer, base.layer, truth.layer, scales.layer, scales.layer_least, LAYER_WEIGHT)
    carbon = slice(0, len(CARBON))
    alone = variables(
        answer.alone,
        base.natural,
        truth.layer[..., carbon],
        scales.layer[carbon],
        scales.layer_least[carbon],
        LAYER_WEIGHT[carbon],
    )
    drift = jnp.mean(jnp.log1p(answer.drift / DRIFT_SCALE))
    total = TOTAL_SHARE * totals(answer.layer, base.layer, truth.layer) + DRIFT_SHARE * drift
    return plant + layer + ALONE_SHARE * alone + total


def variables(
    change: Array, base: Array, truth: Array, scale: Array, least: Array, weight: NDArray[np.float32]
) -> Array:
    """Mean over variables of the mean over their entries; entries without base cannot be changed."""
    size, wanted = jnp.abs(base), jnp.abs(truth)
    given = size * jnp.exp(change)
    counts = (size > 0.0).astype(jnp.float32)
    logarithm = huber(jnp.log((given + least) / (wanted + least)))
    amount = huber((given - wanted) / scale, KNEE)
    axes = (0, 1)
    number = jnp.maximum(counts.sum(axis=axes), 1.0)
    each = (counts * (logarithm + AMOUNT_SHARE * amount)).sum(axis=axes) / number
    return jnp.sum(weight * each) / float(weight.sum())


def totals(change: Array, base: Array, truth: Array) -> Array:
    """Huber of the log ratio of column totals of soil C, N and P."""
    thickness = jnp.asarray(layers().thickness, jnp.float32)[None, :, None]
    given, wanted = (thickness * base * jnp.exp(change)).sum(axis=1), (thickness * truth).sum(axis=1)
    parts = []
    for number in range(ELEMENTS):
        pools = slice(number * len(CARBON), (number + 1) * len(CARBON))
        ratio = (given[:, pools].sum(axis=1) + 1.0e-3) / (wanted[:, pools].sum(axis=1) + 1.0e-3)
        parts.append(huber(jnp.log(ratio)).mean())
    return jnp.stack(parts).mean()
