"""Accumulation over time: sums, extremes and last values, on the device, step after step."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.variables import Averaging

LARGEST = 1.0e35
"""Larger values are fill, which ELM's files have where a quantity does not exist."""


def start_accumulator(
    shape: tuple[int, ...], averaging: Averaging, sparse: bool = False
) -> Float[Array, "..."]:
    """The accumulator of an interval that has not begun.

    That of a mean of a quantity that is ``sparse``, which not every step has, is a sum and a number of steps.
    """
    neutral = {"mean": 0.0, "instantaneous": 0.0, "maximum": -jnp.inf, "minimum": jnp.inf}
    pair = (2,) if sparse and averaging == "mean" else ()
    return jnp.full((*pair, *shape), neutral[averaging], jnp.float64)


def accumulate(
    accumulator: Float[Array, "..."], value: Float[Array, "..."], averaging: Averaging, sparse: bool = False
) -> Float[Array, "..."]:
    """Take in the value of one step; sums run in the order of the steps."""
    if averaging == "instantaneous":
        return value
    exists = jnp.abs(value) < LARGEST if sparse else jnp.ones_like(value, bool)
    if averaging == "maximum":
        return jnp.where(exists, jnp.maximum(accumulator, value), accumulator)
    if averaging == "minimum":
        return jnp.where(exists, jnp.minimum(accumulator, value), accumulator)
    if sparse:
        return accumulator + jnp.stack([jnp.where(exists, value, 0.0), exists.astype(value.dtype)])
    return accumulator + value


def finish(accumulator: np.ndarray, steps: int, averaging: Averaging, sparse: bool = False) -> np.ndarray:
    """Value of an interval of so many steps: the sum over them divided once, or the extreme, or the last.

    What no step had is not a number.
    """
    if averaging == "mean":
        if not sparse:
            return accumulator / steps
        with np.errstate(invalid="ignore"):
            return np.asarray(accumulator[0] / accumulator[1])
    return np.where(np.abs(accumulator) < LARGEST, accumulator, np.nan) if sparse else accumulator
