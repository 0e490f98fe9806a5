"""Stored entries of a file as physical values."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable

Kind = TypeVar("Kind", bound=np.floating[Any])


def require_samples(dataset: Dataset, variable: Variable) -> None:
    """InputError unless a variable ``[time, ...]`` has as many samples as the time axis of its file."""
    times = dataset["time"].shape
    if variable.shape[:1] != times:
        raise InputError(
            "as many samples are needed as times",
            file=dataset.path,
            variable=variable.name,
            found=variable.shape[0],
            expected=times[0] if times else None,
        )


def physical(variable: Variable, stored: NDArray[Any], dtype: type[Kind]) -> NDArray[Kind]:
    """``scale_factor * stored + add_offset``, computed in double precision; missing entries as NaN.

    InputError for characters.
    """
    missing = variable.missing(variable.numbers(stored))
    scale, offset = (variable.attributes.get(key) for key in ("scale_factor", "add_offset"))
    if scale is not None or offset is not None:
        stored = stored.astype(np.float64) * float(1.0 if scale is None else scale) + float(offset or 0.0)
    values = stored.astype(dtype)
    if missing.any():
        values[missing] = np.nan
    return values
