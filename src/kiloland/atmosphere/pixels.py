"""Places on a grid of longitude and latitude: the nearest point, or the four points around.

The grids of deposition, population and lightning are much coarser than the cells, so each point of a grid is
read and kept once, however many places take it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.locate import CellIndex
from kiloland.errors import InputError
from kiloland.files import Dataset

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Pixels:
    """The points of a grid that some places take, with their weights.

    ``index``: each point once; ``point``: positions in it and ``weight``, both ``[corner, place]``.
    """

    index: CellIndex
    point: IntArray
    weight: FloatArray

    def at_places(self, values: FloatArray) -> FloatArray:
        """Values ``[..., place]`` from those of the points ``[..., point]``."""
        if len(self.point) == 1:
            return np.asarray(values[..., self.point[0]])
        total = np.zeros((*values.shape[:-1], self.point.shape[1]))
        for point, weight in zip(self.point, self.weight, strict=True):
            total = total + np.where(weight > 0.0, weight * values[..., point], 0.0)
        return total


Mapping = Callable[[Dataset, Places], Pixels]
"""How places find their points on the grid of a file with the variables ``lon`` and ``lat``."""


def nearest_pixels(dataset: Dataset, places: Places) -> Pixels:
    """The nearest point in degrees, as ELM looks for it in its site mode; the first of equally near ones.

    Longitudes are shifted to those of the place, 0 to 360 or -180 to 180, but the grid does not close: a
    place at 359 E takes the last point of a grid from 0 to 357.5 E, never the first.
    """
    longitude, latitude = _axis(dataset, "lon"), _axis(dataset, "lat")
    wanted = places.longitude
    west = wanted < 0.0
    columns = np.where(
        west,
        _nearest(np.where(longitude >= 180.0, longitude - 360.0, longitude), wanted),
        np.where(
            wanted >= 180.0,
            _nearest(np.where(longitude < 0.0, longitude + 360.0, longitude), wanted),
            _nearest(longitude, wanted),
        ),
    )
    rows = _nearest(latitude, places.latitude)
    return _pixels(rows[None], columns[None], np.ones((1, places.count)), (len(latitude), len(longitude)))


def bilinear_pixels(dataset: Dataset, places: Places) -> Pixels:
    """The four points around, weighted linearly in longitude and latitude.

    The grid closes in longitude; beyond its first and last latitude the outermost row counts alone.
    """
    longitude, latitude = _axis(dataset, "lon"), _axis(dataset, "lat")
    west, east, eastern = _around(np.mod(longitude, 360.0), np.mod(places.longitude, 360.0), 360.0)
    south, north, northern = _around(latitude, places.latitude, None)
    rows = np.stack([south, south, north, north])
    columns = np.stack([west, east, west, east])
    weight = np.stack(
        [
            (1.0 - northern) * (1.0 - eastern),
            (1.0 - northern) * eastern,
            northern * (1.0 - eastern),
            northern * eastern,
        ]
    )
    return _pixels(rows, columns, weight, (len(latitude), len(longitude)))


def _pixels(rows: IntArray, columns: IntArray, weight: FloatArray, shape: tuple[int, int]) -> Pixels:
    number, point = np.unique(rows * shape[1] + columns, return_inverse=True)
    index = CellIndex(number // shape[1], number % shape[1], shape)
    return Pixels(index, np.asarray(point, np.int64).reshape(rows.shape), weight)


def _axis(dataset: Dataset, name: str) -> FloatArray:
    values = np.asarray(dataset[name].values(), np.float64)
    step = np.diff(values)
    # Longitudes may jump once, where they pass 180 or 360 degrees.
    turns = int((step < 0.0).sum()) if (step > 0.0).sum() >= (step < 0.0).sum() else int((step > 0.0).sum())
    allowed = 1 if name == "lon" else 0
    if values.ndim != 1 or not values.size or not np.isfinite(values).all() or turns > allowed:
        raise InputError("not an axis of a grid", file=dataset.path, variable=name)
    return values


def _nearest(axis: FloatArray, wanted: FloatArray) -> IntArray:
    """Position of the nearest value of an axis in any order; the first of equally near ones."""
    order = np.argsort(axis, kind="stable")
    ranked = axis[order]
    upper = np.clip(np.searchsorted(ranked, wanted), 1, max(len(axis) - 1, 1))
    below, above = order[upper - 1], order[np.minimum(upper, len(axis) - 1)]
    far_below, far_above = np.abs(axis[below] - wanted), np.abs(axis[above] - wanted)
    tie = np.where(above < below, above, below)
    nearer = np.where(far_above < far_below, above, below)
    return np.asarray(np.where(far_above == far_below, tie, nearer), np.int64)


def _around(
    axis: FloatArray, wanted: FloatArray, period: float | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Positions of the values on both sides and the share of the upper one."""
    order = np.argsort(axis, kind="stable")
    ranked = axis[order]
    upper = np.searchsorted(ranked, wanted, side="right")
    if period is None:
        below, above = np.clip(upper - 1, 0, None), np.clip(upper, None, len(axis) - 1)
        width, past = ranked[above] - ranked[below], wanted - ranked[below]
    else:
        below, above = (upper - 1) % len(axis), upper % len(axis)
        width = np.mod(ranked[above] - ranked[below], period)
        past = np.mod(wanted - ranked[below], period)
    share = np.where(width > 0.0, past / np.where(width > 0.0, width, 1.0), 0.0)
    return order[below], order[above], np.asarray(share)
