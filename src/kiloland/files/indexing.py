"""Numpy indices on the leading dimensions, split into a box to read and an index inside it."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Index: TypeAlias = Any
"""What numpy accepts between brackets, without ``newaxis``."""


def expanded(index: Index, rank: int) -> tuple[Any, ...]:
    """The index as a tuple with one entry per dimension; a Boolean array becomes its positions."""
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(
        np.nonzero(part)[0] if np.ndim(part) == 1 and np.asarray(part).dtype == bool else part
        for part in parts
    )
    given = sum(part is not Ellipsis for part in parts)
    if given > rank:
        raise IndexError(f"{given} indices for {rank} dimensions")
    full: list[Any] = []
    for part in parts:
        full.extend([slice(None)] * (rank - given) if part is Ellipsis else [part])
    return tuple(full + [slice(None)] * (rank - len(full)))


def split(index: Index, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], tuple[Any, ...]]:
    """``(box, inner)`` such that ``array[box][inner]`` equals ``array[index]``; the box has unit steps."""
    pairs = [
        axis_split(part, length) for part, length in zip(expanded(index, len(shape)), shape, strict=True)
    ]
    return tuple(box for box, _ in pairs), tuple(inner for _, inner in pairs)


def axis_split(part: Any, length: int) -> tuple[slice, Any]:
    """The smallest range of one dimension that holds ``part``, and ``part`` counted from its start."""
    if isinstance(part, slice):
        chosen = range(*part.indices(length))
        if not chosen:
            return slice(0, 0), slice(None)
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        return slice(low, high + 1), slice(None, None, chosen.step)
    where: NDArray[np.int64] = np.asarray(part, np.int64)
    if where.size == 0:
        return slice(0, 0), where
    where = np.where(where < 0, where + length, where)
    low, high = int(where.min()), int(where.max())
    if low < 0 or high >= length:
        raise IndexError(f"index {low if low < 0 else high} is out of bounds for a dimension of {length}")
    return slice(low, high + 1), int(where - low) if where.ndim == 0 else where - low
