"""Arithmetic that rounds as a Fortran program without fused operations does.

The two-stream solution cancels in two places: in thin canopies (1 - exp(-x)) and where the extinctions of
direct and diffuse light meet (a difference over a difference). There the last bit of every operation
decides digits that are compared with the Fortran model. Three things differ in XLA: its exponential is off
by that bit for one argument in seven, it contracts a b + c into one operation that rounds once, and it
rewrites (a/b)/c as a/(b c) and a division by a broadcast array as a product with its reciprocal. (Against
the last, keep the operands of a division of one shape.)
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_LOG2_E = 1.0 / math.log(2.0)
_LN2_HIGH = float.fromhex("0x1.62e42fefa0000p-1")
"""Leading bits of ln 2; a whole number below 2^11 times it is exact."""
_LN2_LOW = float.fromhex("0x1.cf79abc9e3b39p-40")
"""ln 2 minus its leading bits."""
_LARGEST = 700.0
_TERMS = tuple(1.0 / math.factorial(order) for order in range(15, 1, -1))
_EXPONENT_BIAS, _MANTISSA_BITS = 1023, 52
_LOWEST = -1.0e300


def product(
    a: Float[Array, "*#shape"] | float, b: Float[Array, "*#shape"] | float
) -> Float[Array, "*#shape"]:
    """a b, rounded on its own; for results above -1e300.

    The comparison with a huge negative number changes nothing but stands between the multiplication and a
    following addition, so that no compiler contracts the two.
    """
    return jnp.maximum(a * b, _LOWEST)


def quotient(
    a: Float[Array, "*#shape"] | float, b: Float[Array, "*#shape"] | float
) -> Float[Array, "*#shape"]:
    """a/b, rounded on its own whatever it is multiplied with or divided by; for results above -1e300."""
    if isinstance(b, float):
        # A division by a constant would be compiled as a product with its reciprocal.
        b = jax.lax.optimization_barrier(jnp.asarray(b))
    return jnp.maximum(a / b, _LOWEST)


@jax.custom_jvp
def exponential(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """exp(x) within 0.53 units in the last place, for x in -700..700 (limited to that range).

    x = k ln 2 + r, |r| <= ln 2 / 2; exp(r) = (1 + r) + r^2 (1/2! + r/3! + ...), the first sum and the
    reduction with their rounding errors carried along; then scaled by 2^k.
    """
    x = jnp.clip(x, -_LARGEST, _LARGEST)
    k = jnp.round(x * _LOG2_E)
    high, low = x - k * _LN2_HIGH, k * _LN2_LOW
    r = high - low
    r_error = (high - r) - low
    series = jnp.zeros_like(r)
    for coefficient in _TERMS:
        series = series * r + coefficient
    total = 1.0 + r
    total_error = (1.0 - total) + r
    mantissa = total + (total_error + (r_error + r * r * series))
    exponent = (k.astype(jnp.int64) + _EXPONENT_BIAS) << _MANTISSA_BITS
    return mantissa * jax.lax.bitcast_convert_type(exponent, jnp.float64)


@exponential.defjvp
def _derivative(
    primals: tuple[Float[Array, "*shape"]], tangents: tuple[Float[Array, "*shape"]]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    value = exponential(primals[0])
    return value, value * tangents[0]
