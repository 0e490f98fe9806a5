"""The article's way, for comparison: every pool in one shot, without solver, closures or stoichiometry.

    pool = exp(mean of log + spread of log * raw output)

with mean and spread of each variable (and layer) from the training cells.
"""

from __future__ import annotations

from typing import Any, Final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.land.pytree import pytree_dataclass
from kiloland.spinup.learn.closures import Answer, Base, bounded
from kiloland.spinup.learn.network import Outputs
from kiloland.spinup.learn.variables import CARBON, LAYER_ORDER, PLANT_ORDER

Numbers = NDArray[np.float64]

PLANT_OUTPUTS: Final = len(PLANT_ORDER)
LAYER_OUTPUTS: Final = len(LAYER_ORDER)
GROUND_OUTPUTS: Final = 1
LIMIT: Final = 6.0


@pytree_dataclass
class LogScale:
    """Mean and spread of log pools: ``plant`` [2, pool], ``layer`` [2, layer, variable]."""

    plant: Numbers
    layer: Numbers

    @classmethod
    def fitted(cls, plant: Numbers, layer: Numbers) -> LogScale:
        """From true pools [cell, slot, pool] and [cell, layer, variable] of training cells."""
        return cls(log_moments(plant.reshape(-1, plant.shape[-1])), log_moments(layer))


def log_moments(values: Numbers) -> Numbers:
    """Mean and standard deviation of log|x| over the first axis where x is not zero; 0 and 1 where it is."""
    size = np.abs(values)
    there = size > 0.0
    number = np.maximum(there.sum(axis=0), 1)
    logs = np.log(np.where(there, size, 1.0))
    mean = logs.sum(axis=0) / number
    variance = (there * (logs - mean) ** 2).sum(axis=0) / number
    spread = np.sqrt(variance)
    return np.stack([mean, np.where(spread > 1.0e-3, spread, 1.0)])


def direct_base(base: Base, scale: LogScale, present: Array) -> Base:
    """The same base everywhere: the geometric mean of the training cells; absent plant types zero."""
    sign = np.where(np.asarray(PLANT_ORDER) == "xsmrpool", -1.0, 1.0)
    plant = jnp.asarray(sign * np.exp(scale.plant[0]), jnp.float32) * present[:, :, None]
    layer = jnp.broadcast_to(jnp.asarray(np.exp(scale.layer[0]), jnp.float32), base.layer.shape)
    return base._replace(plant=plant, layer=layer, natural=layer[..., : len(CARBON)])


def direct_answer(outputs: Outputs, scale: Any) -> Answer:
    """Log ratios to the geometric means."""
    plant = bounded(outputs.plant, LIMIT) * jnp.asarray(scale.plant[1], jnp.float32)
    layer = bounded(outputs.layer, LIMIT) * jnp.asarray(scale.layer[1], jnp.float32)
    none = jnp.zeros(layer.shape[0], jnp.float32)
    return Answer(plant, layer, layer[..., : len(CARBON)], none, plant[..., 0])
