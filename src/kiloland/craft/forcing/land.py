"""The land cells of a domain file, read some at a time: what is kept does not grow with their number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.places import grid_of
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import Domain, Grid, read_domain
from kiloland.grid.base import east_longitude
from kiloland.grid.domain_file import shape_of_cells

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PIECE: Final = 1 << 17
"""Cells of a piece that is read at once: 50 MB while it is checked."""
REMEMBERED: Final = 2
"""Pieces that are kept for the next call."""


@dataclass(frozen=True)
class CellList:
    """Ids and places [degrees] of some cells."""

    gridcell_id: IntArray
    longitude: FloatArray
    latitude: FloatArray

    @property
    def number_of_cells(self) -> int:
        """Number of cells."""
        return int(self.gridcell_id.size)


@dataclass
class LandCells:
    """The land cells of a domain in the order of its file, numbered from 0.

    ``counts``: land cells of each piece of the file; ``every``: whether all cells of the file are land;
    ``largest_id``: of their gridcell ids; ``grid``: the grid of the ids.
    """

    path: Path
    counts: IntArray
    every: bool
    largest_id: int
    grid: Grid
    recent: dict[tuple[int, int], CellList] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path) -> LandCells:
        """Check the whole domain, piece by piece. InputError where it is not sound, names no grid, or has no
        land."""
        counts: list[int] = []
        largest, last, every = -1, -1, True
        grid: Grid | None = None
        for piece in _pieces(number_of_cells(path), PIECE):
            domain = _checked(path, piece)
            ids = domain.gridcell_id
            if not domain.ordered or int(ids[0]) <= last:
                # Only ids that ascend are known to be different without those of the other pieces.
                read_domain(path)
                last = np.iinfo(np.int64).max
            last = max(last, int(ids[-1]))
            land = domain.land()
            counts.append(land.number_of_cells)
            every = every and land.number_of_cells == domain.number_of_cells
            if land.number_of_cells:
                largest = max(largest, int(land.gridcell_id.max()))
                grid = grid_of(land, path)
        if grid is None:
            raise InputError("the domain has no land", file=path, variable="mask")
        return cls(path, np.array(counts, dtype=np.int64), every, largest, grid)

    @property
    def number_of_cells(self) -> int:
        """Number of land cells."""
        return int(self.counts.sum())

    def pieces(self, size: int = PIECE) -> list[slice]:
        """All cells in parts of about equal length, at most ``size`` each."""
        return list(_pieces(self.number_of_cells, size))

    def domain(self, part: slice) -> Domain:
        """Some of the cells with all that the file says of them."""
        return read_domain(self.path, self._places(part))

    def cells(self, part: slice) -> CellList:
        """Some of the cells."""
        key = part.start, part.stop
        if key not in self.recent:
            while len(self.recent) >= REMEMBERED:
                del self.recent[next(iter(self.recent))]
            self.recent[key] = self._list(part)
        return self.recent[key]

    def _list(self, part: slice) -> CellList:
        """Ids and places; where these stand in a plain list nothing else is read."""
        with open_dataset(self.path) as dataset:
            columns = [dataset[name] for name in ("gridID", "xc", "yc") if name in dataset]
            if self.every and len(columns) == 3 and all(one.shape[:-1] in ((), (1,)) for one in columns):
                ids, longitude, latitude = (one.read((*(0,) * (len(one.shape) - 1), part)) for one in columns)
                east = east_longitude(longitude.astype(np.float64))
                return CellList(ids.astype(np.int64), east, latitude.astype(np.float64))
        domain = self.domain(part)
        return CellList(domain.gridcell_id, domain.longitude, domain.latitude)

    def _places(self, part: slice) -> IntArray | slice:
        """Where some land cells stand in the file."""
        if self.every:
            return part
        ends = np.cumsum(self.counts)
        found, cells = [], list(_pieces(number_of_cells(self.path), PIECE))
        for number in range(int(np.searchsorted(ends, part.start, side="right")), len(cells)):
            before = int(ends[number] - self.counts[number])
            if before >= part.stop:
                break
            land = np.flatnonzero(read_domain(self.path, cells[number]).mask == 1)
            inside = slice(max(part.start - before, 0), part.stop - before)
            found.append(cells[number].start + land[inside])
        return np.concatenate(found)


def number_of_cells(path: Path) -> int:
    """Cells of a domain file, those off land included."""
    with open_dataset(path) as dataset:
        return math.prod(shape_of_cells(dataset["xc"]))


def _pieces(count: int, size: int) -> Iterator[slice]:
    """Parts of about equal length."""
    parts = -(-count // size)
    bounds = [count * number // parts for number in range(parts + 1)]
    return (slice(begin, end) for begin, end in pairwise(bounds))


def _checked(path: Path, piece: slice) -> Domain:
    """A piece of a domain; a fault is told with the number that its cell has in the whole file."""
    try:
        return read_domain(path, piece)
    except InputError:
        read_domain(path)
        raise
