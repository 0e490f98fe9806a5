"""Heights of the cells above the surface of the reanalysis."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.locate import Weights
from kiloland.craft.forcing.reanalysis import Reanalysis
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import Domain

FloatArray = NDArray[np.float64]


def read_heights(
    text: str, land: Domain, reanalysis: Reanalysis, weights: Weights, folder: Path
) -> FloatArray:
    """Height of the cells above the reanalysis [m] ``[cell]``; ``text`` is FILE:VARIABLE.

    The file gives heights by ``gridID``, or in the order of the land cells. InputError where a cell has none,
    or no file of the reanalysis has TOPO, elevation or HGT over its grid.
    """
    path_text, _, name = text.rpartition(":")
    path = Path(path_text)
    if not path_text or reanalysis.height is None:
        raise InputError(
            "heights need FILE:VARIABLE and a reanalysis with heights",
            file=folder,
            found=text if not path_text else "no TOPO, elevation or HGT over the grid of the reanalysis",
        )
    with open_dataset(path) as dataset:
        heights = dataset[name].values().astype(np.float64).reshape(-1)
        ids = dataset["gridID"].read().reshape(-1) if "gridID" in dataset else None
    if ids is not None and ids.size == heights.size:
        order = np.argsort(ids)
        found = order[np.minimum(np.searchsorted(ids, land.gridcell_id, sorter=order), ids.size - 1)]
        heights = np.where(ids[found] == land.gridcell_id, heights[found], np.nan)
    if heights.size != land.number_of_cells or not np.isfinite(heights).all():
        raise InputError(
            "a land cell has no height", file=path, variable=name, expected=f"{land.number_of_cells} heights"
        )
    window = weights.window
    surface = reanalysis.height[np.ix_(window.rows, window.columns)].reshape(1, -1)
    return np.asarray(heights - weights.bilinear(surface, slice(None))[0])
