"""Elementary functions with finite gradients where they are masked, and sums in a fixed order."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def power(base: Array, exponent: Array | float) -> Array:
    """base**exponent for base > 0 as exp(exponent log base); 0, with a zero gradient, where base <= 0."""
    positive = base > 0.0
    safe = jnp.where(positive, base, 1.0)
    return jnp.where(positive, jnp.exp(exponent * jnp.log(safe)), 0.0)


def divide(numerator: Array, denominator: Array) -> Array:
    """numerator / denominator; 0, with a zero gradient, where the denominator is 0."""
    present = denominator != 0.0
    return jnp.where(present, numerator / jnp.where(present, denominator, 1.0), 0.0)


def sum_rows(rows: Float[Array, "row column"]) -> Float[Array, " column"]:
    """Sum over the first axis from the top down; a library sum takes an order that varies with the width."""

    def add(total: Array, row: Array) -> tuple[Array, None]:
        return total + row, None

    total, _ = jax.lax.scan(add, jnp.zeros_like(rows[0]), rows)
    return total
