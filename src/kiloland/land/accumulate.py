"""Accumulation over time: sums, extremes and last values, on the device, step after step."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.variables import Averaging


def start_accumulator(shape: tuple[int, ...], averaging: Averaging) -> Float[Array, "..."]:
    """The accumulator of an interval that has not begun."""
    neutral = {"mean": 0.0, "instantaneous": 0.0, "maximum": -jnp.inf, "minimum": jnp.inf}
    return jnp.full(shape, neutral[averaging], jnp.float64)


def accumulate(
    accumulator: Float[Array, "..."], value: Float[Array, "..."], averaging: Averaging
) -> Float[Array, "..."]:
    """Take in the value of one step; sums run in the order of the steps."""
    if averaging == "mean":
        return accumulator + value
    if averaging == "maximum":
        return jnp.maximum(accumulator, value)
    if averaging == "minimum":
        return jnp.minimum(accumulator, value)
    return value


def finish(accumulator: np.ndarray, steps: int, averaging: Averaging) -> np.ndarray:
    """Value of an interval of so many steps: the sum over them divided once, or the extreme, or the last."""
    return accumulator / steps if averaging == "mean" else accumulator
