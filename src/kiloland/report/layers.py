"""Names and depths of the layers of a variable."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset

SNOW_ROWS = 5
"""Rows of snow above the ground in ``levtot``."""
DEPTH_DIMENSIONS = ("levgrnd", "levsoi", "nlevsoi", "levdcmp", "levtot", "levlak")
BANDS = ("visible", "near infrared")
MONTHS = 12


def default_layer(dim: str, length: int) -> int:
    """The layer that is shown when none is asked for: the uppermost of the ground."""
    return SNOW_ROWS if dim == "levtot" and length > SNOW_ROWS else 0


def depths(dataset: Dataset, dim: str) -> NDArray[np.float64] | None:
    """Depth of the nodes of each layer (m); NaN for rows of snow; None where ``dim`` is no depth.

    From the coordinate of the file, else ELM's standard grid where the number of layers fits it.
    """
    if dim not in DEPTH_DIMENSIONS:
        return None
    length = dataset.dimensions[dim]
    if dim in dataset and dataset[dim].shape == (length,):
        return np.asarray(dataset[dim].values(), dtype=np.float64)
    if dim == "levlak":
        return None
    # The land model's grid starts JAX; pictures of files with their own depths do without.
    from kiloland.land.vertical import ground_grid

    nodes = np.asarray(ground_grid().node, dtype=np.float64)
    if dim == "levtot":
        return (
            np.concatenate([np.full(SNOW_ROWS, np.nan), nodes]) if length == SNOW_ROWS + nodes.size else None
        )
    return nodes[:length] if length <= nodes.size else None


def step_text(dataset: Dataset, step: int) -> str:
    """One step of a time without dates: the year of a land-use file, a month of the year, or its number."""
    if "YEAR" in dataset and dataset["YEAR"].dims == ("time",):
        return f"year {int(dataset['YEAR'].read((slice(step, step + 1),))[0])}"
    return f"month {step + 1}" if dataset.dimensions["time"] == MONTHS else f"time {step}"


def layer_text(dataset: Dataset, dim: str, layer: int) -> str:
    """One layer in words, with its depth where that is known."""
    if dim == "numrad" and layer < len(BANDS):
        return BANDS[layer]
    if dim == "levtot" and layer < SNOW_ROWS:
        return f"snow row {layer} of {SNOW_ROWS}"
    if dim == "time":
        return step_text(dataset, layer)
    if dim in ("natpft", "lsmpft"):
        return f"patch type {layer}"
    known = depths(dataset, dim)
    if known is not None:
        return f"{known[layer]:.3g} m deep"
    return f"{dim} {layer}"
