"""Mineral phosphorus of the surface file and the sorption constants of soil orders, by cell.

ELM, where it leaves accelerated spinup, puts P of the surface file (gP m-2) evenly into all ten layers as if
they were 0.5 m thick, and solution P in Langmuir balance with labile P:

    labile = LABILE_P / 0.5, secondary = SECONDARY_P / 0.5,
    occluded = OCCLUDED_P / 0.5, primary = APATITE_P / 0.5       (gP m-3)
    solution = labile * k / (s_max - labile)        (needs labile < s_max)

Source: E3SM Land Model, ``PhosphorusStateType``; checked against the first record of runs that left it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.cells import cell_axis, take_cells
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.restart.rules import SURFACE_PHOSPHORUS
from kiloland.spinup.subgrid import surface_cells

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DEPTH_OF_PHOSPHORUS: Final = 0.5
"""Depth (m) over which ELM spreads P of the surface file."""


@dataclass(frozen=True)
class Sorption:
    """Langmuir constants by soil order (gP m-3)."""

    largest: FloatArray
    half: FloatArray


@dataclass(frozen=True)
class SurfacePhosphorus:
    """P to insert per soil column (gP m-3) by surface variable, and the soil order."""

    density: dict[str, FloatArray]
    order: IntArray


def read_sorption(path: Path) -> Sorption:
    """Constants of the soil orders. Raises InputError where the file does not hold them."""
    with open_dataset(path) as dataset:
        return Sorption(dataset["smax"].values(), dataset["ks_sorption"].values())


class SoilSource:
    """Reads the surface file for places of a restart."""

    def __init__(self, surface: Dataset) -> None:
        self.surface = surface
        self.names = [*SURFACE_PHOSPHORUS.values(), "SOIL_ORDER"]
        for name in self.names:
            axis = cell_axis(surface[name])
            if axis is None:
                raise InputError("has no cells", file=surface.path, variable=name)

    def at(self, longitude: FloatArray, latitude: FloatArray) -> SurfacePhosphorus:
        """P and soil order of the cells at these places (degrees).

        Raises InputError where a place is not on the file, or P is missing or negative there.
        """
        cells = surface_cells(self.surface, longitude, latitude)
        values = {name: self.values(name, cells) for name in self.names}
        order = np.asarray(values.pop("SOIL_ORDER"), np.int64)
        for name, amount in values.items():
            wrong = np.flatnonzero(~((amount >= 0.0) & (amount < 1.0e30)))
            if wrong.size:
                place = int(wrong[0])
                raise InputError(
                    "is no amount of phosphorus",
                    file=self.surface.path,
                    variable=name,
                    where=f"longitude {longitude[place]:.4f}, latitude {latitude[place]:.4f}",
                    found=amount[place],
                    expected="0 or more gP m-2",
                )
        return SurfacePhosphorus({name: v / DEPTH_OF_PHOSPHORUS for name, v in values.items()}, order)

    def values(self, name: str, cells: IntArray) -> FloatArray:
        """Values of a variable at cells."""
        variable = self.surface[name]
        axis = cell_axis(variable)
        assert axis is not None
        if cells.size == 0:
            return np.zeros(0)
        order = np.argsort(cells, kind="stable")
        found = np.empty(cells.size)
        found[order] = take_cells(variable, axis, (), cells[order]).reshape(-1)
        return found


def solution_phosphorus(labile: FloatArray, order: IntArray, sorption: Sorption, file: object) -> FloatArray:
    """Solution P (gP m-3) in balance with labile P ``[column, layer]``.

    Raises InputError where labile P reaches what the soil can sorb.
    """
    if order.size and (order.min() < 0 or order.max() >= sorption.largest.size):
        raise InputError(
            "an unknown soil order",
            file=str(file),
            variable="SOIL_ORDER",
            found=f"{order.min()} to {order.max()}",
            expected=f"0 to {sorption.largest.size - 1}",
        )
    largest, half = sorption.largest[order][:, None], sorption.half[order][:, None]
    full = np.argwhere(labile >= largest)
    if full.size:
        column, layer = (int(place) for place in full[0])
        raise InputError(
            "more labile P than the soil can sorb",
            file=str(file),
            variable="labilep_vr",
            where=f"soil order {int(order[column])}, layer {layer + 1}",
            found=f"{labile[column, layer]:.6g} gP m-3",
            expected=f"below {float(largest[column, 0]):.6g}",
        )
    return np.asarray(labile * half / (largest - labile))
