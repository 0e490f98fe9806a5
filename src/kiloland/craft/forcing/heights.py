"""Heights of the cells above the surface of the reanalysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.locate import Weights
from kiloland.craft.forcing.places import Cells, places_by_id
from kiloland.craft.forcing.reanalysis import Reanalysis
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Heights:
    """A file of heights [m] by ``gridID``, or in the order of the land cells, and the variable in it;
    ``surface``: heights of the reanalysis ``[lat, lon]``; ``count``: land cells."""

    path: Path
    name: str
    surface: FloatArray
    count: int

    @classmethod
    def open(cls, text: str, reanalysis: Reanalysis, count: int, folder: Path) -> Heights:
        """``text`` is FILE:VARIABLE. InputError where no file of the reanalysis, in ``folder``, has TOPO,
        elevation or HGT over its grid."""
        path, _, name = text.rpartition(":")
        if not path or reanalysis.height is None:
            raise InputError(
                "heights need FILE:VARIABLE and a reanalysis with heights",
                file=folder,
                found=text if not path else "no TOPO, elevation or HGT over the grid of the reanalysis",
            )
        return cls(Path(path), name, reanalysis.height, count)

    def above(self, part: slice, cells: Cells, weights: Weights) -> FloatArray:
        """Height of cells, ``part`` of the land, above the reanalysis [m] ``[cell]``.

        InputError where a cell has none.
        """
        with open_dataset(self.path) as dataset:
            heights = self._heights(dataset, part, cells)
        if heights is None or not np.isfinite(heights).all():
            expected = f"{self.count} heights"
            raise InputError(
                "a land cell has no height", file=self.path, variable=self.name, expected=expected
            )
        window = weights.window
        surface = self.surface[np.ix_(window.rows, window.columns)].reshape(1, -1)
        return np.asarray(heights - weights.bilinear(surface, slice(None))[0])

    def _heights(self, dataset: Dataset, part: slice, cells: Cells) -> FloatArray | None:
        """Heights of some cells; None where the file does not have them."""
        variable = dataset[self.name]
        size = int(np.prod(variable.shape))
        if "gridID" in dataset and int(np.prod(dataset["gridID"].shape)) == size:
            places = places_by_id(dataset["gridID"], cells.gridcell_id)
        elif size == self.count:
            places = np.arange(part.start, part.stop)
        else:
            return None
        if places is None:
            return None
        line = variable.shape[-1]
        first, last = int(places.min()), int(places.max())
        if size == line:
            lead = (0,) * (len(variable.shape) - 1)
            block = variable.values((*lead, slice(first, last + 1)))
        else:
            block, first = variable.values().reshape(-1), 0
        return np.asarray(block, dtype=np.float64)[places - first]
