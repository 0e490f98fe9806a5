"""Values on a list of cells: those of the domain itself, matched by id, or scattered places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from kiloland.craft.surface.mapper import AnyMapper
from kiloland.craft.surface.nearest import kilometres
from kiloland.craft.surface.table import Method
from kiloland.craft.surface.values import Values, physical
from kiloland.craft.surface.weights import Index, MappingLedger, Weights
from kiloland.errors import InputError
from kiloland.files import Variable
from kiloland.grid.base import BoolArray, FloatArray, IntArray
from kiloland.grid.domain import Domain

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

SPACINGS: Final = 2.0
"""Reach of scattered places: this many times their median distance from each other."""


@dataclass(frozen=True)
class CellList(Values):
    """Cells in one dimension, or in two whose rows and columns are no degrees.

    ``window`` is the part of the first cell dimensions that is read; the arrays are those of its cells.
    """

    longitude: FloatArray
    latitude: FloatArray
    ids: IntArray | None
    window: tuple[slice, ...]

    @property
    def cells(self) -> int:
        """Number of cells in the window."""
        return int(self.longitude.size)

    def layer(self, variable: Variable, index: tuple[int, ...]) -> FloatArray:
        """One layer ``[cell]`` in float64, missing entries NaN; ``index`` counts the leading dimensions."""
        return physical(variable, variable.read((*index, *self.window))).reshape(-1)

    def place(self, cell: int) -> str:
        """A cell in words."""
        identity = "" if self.ids is None else f"gridcell id {int(self.ids[cell])} "
        return f"{identity}at {self.longitude[cell]:.4f} E, {self.latitude[cell]:.4f} N"


@dataclass(frozen=True)
class MatchedMapper(AnyMapper):
    """Cells of the domain take the value of the cell with their own id, whatever the method."""

    domain: Domain
    match: Index
    """Cell of the list for every target, -1 without one."""
    sources: int
    kept: dict[tuple[Method, str], Weights] = field(default_factory=dict)

    def effective(self, method: Method) -> Method:
        """Every method is the same here."""
        return Method.NEAREST

    def label(self, method: Method) -> str:
        """For reports."""
        return "cell by cell"

    def _make(self, method: Method, valid: BoolArray, what: str) -> Weights:
        index = np.maximum(self.match, 0)
        gaps = (self.match < 0) | ~valid[index]
        ledger = MappingLedger(self.domain.number_of_cells, 0, 0, 0.0, 0)
        return Weights(index[None, :], None, None, ledger, self.sources, gaps)


@dataclass(frozen=True)
class ScatteredMapper(AnyMapper):
    """Nearest place on the sphere, or linear on Delaunay triangles, within ``reach_km`` of a place."""

    domain: Domain
    cells: CellList
    reach_km: float
    kept: dict[tuple[Method, str], Weights] = field(default_factory=dict)

    def effective(self, method: Method) -> Method:
        """Linear where a field is wanted between its places, else nearest."""
        smooth = (Method.LINEAR, Method.SPLINE, Method.SPLINE_MONOTONE, Method.ELEVATION)
        return Method.LINEAR if method in smooth else Method.NEAREST

    def _make(self, method: Method, valid: BoolArray, what: str) -> Weights:
        if not valid.any():
            number = self.domain.number_of_cells
            return self._weights(np.zeros((1, number), np.int32), None, np.ones(number, dtype=bool))
        places = directions(self.cells.longitude[valid], self.cells.latitude[valid])
        targets = directions(self.domain.longitude, self.domain.latitude)
        chord, nearest = search_tree(places).query(targets)
        gaps = kilometres(np.square(0.5 * chord)) > self.reach_km
        numbers = np.flatnonzero(valid).astype(np.int32)
        if method is Method.NEAREST or int(valid.sum()) < 3:
            return self._weights(numbers[nearest][None, :], None, gaps)
        corners, shares = barycentric(places, targets, nearest, self.cells.path, what)
        return self._weights(numbers[corners], np.where(gaps, 0.0, shares), gaps)

    def _weights(self, index: Index, weight: FloatArray | None, gaps: BoolArray) -> Weights:
        ledger = MappingLedger(self.domain.number_of_cells, 0, 0, 0.0, 0)
        return Weights(index.astype(np.int32), weight, None, ledger, self.cells.cells, gaps)


def directions(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Unit vectors ``[place, 3]``."""
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def search_tree(places: FloatArray) -> cKDTree:
    """Places ``[place, 3]`` in the order of a search for the nearest."""
    # Loaded where places are scattered: every command that makes input would wait for it.
    from scipy.spatial import cKDTree

    return cKDTree(places)


def barycentric(
    places: FloatArray, targets: FloatArray, nearest: IntArray, path: str, what: str
) -> tuple[IntArray, FloatArray]:
    """Corners ``[3, target]`` and weights of the triangles around targets; the nearest place outside of all.

    In a stereographic plane about the middle of the places, where circles stay circles, so that triangles
    are those of the sphere. Raises InputError for places on one line or around more than half of the Earth.
    """
    # Loaded where there are triangles: every command that makes input would wait for it.
    from matplotlib.tri import Triangulation

    middle = places.mean(axis=0)
    if np.linalg.norm(middle) < 1e-3 or (places @ (middle / np.linalg.norm(middle))).min() <= 0.0:
        raise InputError(
            "places spread over more than half of the Earth",
            file=path,
            variable=what,
            hint="Map them by nearest: --method VAR=nearest",
        )
    middle /= np.linalg.norm(middle)
    east = np.cross([0.0, 0.0, 1.0] if abs(middle[2]) < 0.9 else [1.0, 0.0, 0.0], middle)
    east /= np.linalg.norm(east)
    axes = np.stack([east, np.cross(middle, east)], axis=-1)
    flat, wanted = (at @ axes / np.maximum(1.0 + at @ middle, 0.1)[:, None] for at in (places, targets))
    # Numbers near 1 whatever the extent.
    scale = np.abs(flat - flat.mean(axis=0)).max()
    flat, wanted = (flat - flat.mean(axis=0)) / scale, (wanted - flat.mean(axis=0)) / scale
    try:
        triangles = Triangulation(flat[:, 0], flat[:, 1])
        number = np.asarray(triangles.get_trifinder()(wanted[:, 0], wanted[:, 1]), np.int64)
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "places make no triangles",
            file=path,
            variable=what,
            found=str(error).splitlines()[0],
            hint="Map them by nearest: --method VAR=nearest",
        ) from None
    corners = np.where(number >= 0, triangles.triangles[np.maximum(number, 0)].T, nearest).astype(np.int64)
    a, b, c = (flat[corner] for corner in corners)
    whole = _cross(b - a, c - a)
    outside = (number < 0) | (whole == 0.0)
    safe = np.where(outside, 1.0, whole)
    second, third = _cross(wanted - a, c - a) / safe, _cross(b - a, wanted - a) / safe
    shares = np.clip(np.stack([1.0 - second - third, second, third]), 0.0, 1.0)
    return corners, np.where(outside, np.array([1.0, 0.0, 0.0])[:, None], shares / shares.sum(axis=0))


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def spacing_km(longitude: FloatArray, latitude: FloatArray) -> float:
    """Median distance (km) of places to the nearest other place; 0 with one place."""
    places = np.unique(directions(longitude, latitude), axis=0)
    if len(places) < 2:
        return 0.0
    chord = search_tree(places).query(places, k=2)[0][:, 1]
    return float(np.median(kilometres(np.square(0.5 * chord))))
