"""Slabs of a variable: their shape, their type, and the contiguous stretches that they fill."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.external_types import CHARACTER
from kiloland.files.layout import Place


def fitted(
    array: Any, place: Place, start: tuple[int, ...] | None, file: str, name: str
) -> tuple[NDArray[Any], tuple[int, ...]]:
    """The array in the rank of its variable, and its start along every dimension.

    ``start`` may name the leading dimensions only. Leading dimensions of length one may be left out of the
    array. Strings of fixed length become characters. Raises ``InputError`` where it does not fit.
    """
    values = converted(np.asarray(array), place, file, name)
    rank = len(place.shape)
    first = tuple(int(position) for position in (start or ()))
    origin = first + (0,) * (rank - len(first))
    missing = rank - values.ndim
    if 0 < missing <= len(first):
        values = values.reshape((1,) * missing + values.shape)
    fits = values.ndim == rank == len(origin) and all(
        begin >= 0 and begin + length <= whole
        for begin, length, whole in zip(origin, values.shape, place.shape, strict=False)
    )
    if not fits or (start is None and values.shape != place.shape):
        raise InputError(
            "the array does not fit the variable",
            file=file,
            variable=name,
            found=f"shape {values.shape} at {first or 'the start'}",
            expected=f"shape {place.shape}",
        )
    return values, origin


def converted(values: NDArray[Any], place: Place, file: str, name: str) -> NDArray[Any]:
    """Characters split, and nothing lost: no fractions and no overflow of integers."""
    dtype = place.dtype
    if dtype == CHARACTER:
        if values.dtype.kind == "U":
            values = np.char.encode(values, "utf-8")
        if values.dtype.kind == "S" and values.ndim == len(place.shape) - 1:
            if values.dtype.itemsize > place.shape[-1]:
                raise InputError(
                    "text too long", file=file, variable=name, expected=f"{place.shape[-1]} bytes"
                )
            wide = np.ascontiguousarray(values.astype(f"S{place.shape[-1]}"))
            return wide.view("S1").reshape((*values.shape, place.shape[-1]))
    narrower = (
        values.dtype.kind in "iu" and dtype.kind in "iu" and not np.can_cast(values.dtype, dtype, "safe")
    )
    if narrower and values.size:
        limits, least, most = np.iinfo(dtype), int(values.min()), int(values.max())
        if least < limits.min or most > limits.max:
            raise InputError(
                "an integer is too large for the variable",
                file=file,
                variable=name,
                found=f"{least} to {most}",
                expected=f"{limits.min} to {limits.max}",
            )
    elif not narrower and not np.can_cast(values.dtype, dtype, "same_kind"):
        raise InputError(
            "the array has the wrong type for the variable",
            file=file,
            variable=name,
            found=values.dtype,
            expected=dtype,
        )
    return values


def stretches(
    values: NDArray[Any], origin: tuple[int, ...], place: Place
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """``(position, offset, part)`` of the contiguous parts of a slab.

    ``position`` counts the bytes of the variable alone, ``offset`` those of the file.
    """
    shape, count = place.shape, values.shape
    if values.size == 0:
        return
    outer = len(shape)
    while outer > 0 and math.prod(count[outer:]) == math.prod(shape[outer:]):
        outer -= 1
    if place.is_record:
        outer = max(outer, 1 if place.stride != place.size else 0)
    for where in np.ndindex(*count[:outer]):
        corner = [origin[axis] + step for axis, step in enumerate(where)] + list(origin[outer:])
        entry = 0
        for length, step in zip(shape, corner, strict=True):
            entry = entry * length + step
        position = entry * place.dtype.itemsize
        record, inside = divmod(position, place.size)
        yield position, place.begin + record * place.stride + inside, np.asarray(values[where])
