"""Sums over the whole domain that do not depend on the order of the cells or the number of ranks.

Doubles are integers times powers of two. Each rank adds the integers of every power exactly; the sums of
the ranks add exactly too; the total is rounded once at the end. Memory does not grow with the domain.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from kiloland.run.ranks import Ranks

_MANTISSA_BITS = 53
_LOW_BITS = 27
_EXPONENT_OFFSET = 1100
_POWERS = 2200
_LARGEST_PIECE = 1 << 25
"""Values that may be added at once: their integer parts still add exactly in doubles."""


def exact_bins(values: np.ndarray) -> np.ndarray:
    """Integer sums of the low and high halves of the mantissas by exponent, ``[2, power]``.

    Raises:
        ValueError: a value that is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a sum over the domain met a value that is not finite")
    bins = np.zeros((2, _POWERS), np.int64)
    flat = np.ravel(values)
    for start in range(0, len(flat), _LARGEST_PIECE):
        fraction, exponent = np.frexp(flat[start : start + _LARGEST_PIECE])
        mantissa = np.ldexp(fraction, _MANTISSA_BITS).astype(np.int64)
        power = exponent + _EXPONENT_OFFSET
        halves = (mantissa & ((1 << _LOW_BITS) - 1), mantissa >> _LOW_BITS)
        for row, half in enumerate(halves):
            bins[row] += np.bincount(power, weights=half, minlength=_POWERS).astype(np.int64)
    return bins


def global_sum(values: np.ndarray, ranks: Ranks) -> float:
    """Correctly rounded sum of the values of all ranks, on every rank."""
    bins = sum(ranks.gather(exact_bins(values)))
    total = Fraction(0)
    for power in np.flatnonzero(np.any(np.asarray(bins) != 0, axis=0)):
        low, high = (int(part) for part in np.asarray(bins)[:, power])
        scale = int(power) - _EXPONENT_OFFSET - _MANTISSA_BITS
        total += Fraction(low + (high << _LOW_BITS)) * Fraction(2) ** scale
    return float(total)
