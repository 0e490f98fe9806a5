"""The rows of one band on the map, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.report.export.placement import Placement
from kiloland.report.export.source import Band, Source

Values = NDArray[np.float64]


def rows_of(source: Source, placement: Placement, band: Band, height: int) -> Iterator[tuple[int, Values]]:
    """First row and values [row, column] of consecutive blocks of rows, NaN where there is no cell or value.

    Only the cells of a block are in memory, except for cells that are in another order than their pixels
    and for averages of a subgrid: then it is the whole band of the file (8 bytes a cell).
    """
    whole = None
    if source.average is not None or not placement.in_order:
        whole = source.cells(band, slice(0, prod(placement.shape)))
    for start, stop in placement.row_blocks(height):
        cells, pixels = placement.cells_in_rows(start, stop)
        shape = (stop - start, placement.columns)
        if pixels is None:
            values = source.cells(band, cells) if whole is None else whole[cells]
            yield start, values.reshape(shape)
            continue
        image = np.full(prod(shape), np.nan)
        if pixels.size:
            image[pixels] = source.cells(band, cells) if whole is None else whole[cells]
        yield start, image.reshape(shape)


def stored(values: Values, dtype: np.dtype[Any], missing: Any) -> NDArray[Any]:
    """Values in the type of the file, with its mark where there is none."""
    if dtype.kind == "f" and np.isnan(missing):
        return values.astype(dtype)
    return np.where(np.isnan(values), missing, values).astype(dtype)
