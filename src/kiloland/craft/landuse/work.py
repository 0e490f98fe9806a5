"""What is asked for, and what all steps of the work need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.landuse.mapping import YearMapper
from kiloland.craft.landuse.source import PLANTS, LandUseSource
from kiloland.craft.surface import Method
from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.grid import Domain
from kiloland.grid.base import FloatArray, IntArray

BLOCK: Final = 1 << 16
"""Cells that are worked on at once."""
METHODS: Final = {"conservative": Method.CONSERVATIVE, "nearest": Method.NEAREST}


@dataclass(frozen=True)
class LandUseRequest:
    """A land-use series to be made.

    ``surface`` is the surface file whose plant types the first year must equal; with ``adjust_first_year``
    the series is brought to begin with it. ``natural`` is a surface file on the source's grid that says how
    much natural vegetation its cells have. ``years``: first and last, None for all. With ``single`` shares
    and harvests are stored in single precision, shares in steps that it holds exactly.
    """

    source: Path
    domain: Path
    output: Path
    surface: Path | None = None
    adjust_first_year: bool = False
    natural: Path | None = None
    method: str = "conservative"
    years: tuple[int, int] | None = None
    single: bool = False
    limit_km: float | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError("no such method", found=self.method, expected=" or ".join(METHODS))
        if self.adjust_first_year and self.surface is None:
            raise InputError("--adjust-first-year needs the surface file", expected="--surface S.nc")


@dataclass(frozen=True)
class CellLayout:
    """How the cells of a domain lie in the file: as a list, or in rows and columns."""

    domain: Domain

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the cells in the file."""
        return ("lsmlat", "lsmlon") if self.domain.shape[0] > 1 else ("gridcell",)

    @property
    def sizes(self) -> dict[str, int]:
        """Their lengths."""
        shape = self.domain.shape if len(self.dims) == 2 else (self.domain.number_of_cells,)
        return dict(zip(self.dims, shape, strict=True))

    def blocks(self) -> Iterator[slice]:
        """Stretches of cells, whole rows of a two-dimensional domain."""
        rows, width = self.domain.shape
        step = max(1, BLOCK // width) * width if rows > 1 else BLOCK
        for start in range(0, rows * width, step):
            yield slice(start, min(start + step, rows * width))

    def shaped(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values ``[..., cell]`` with the cells in the dimensions of the file."""
        if self.domain.shape[0] == 1:
            return values
        return values.reshape(*values.shape[:-1], -1, self.domain.shape[1])

    def start(self, cells: slice) -> tuple[int, ...]:
        """Place of a stretch of cells in the dimensions of the file."""
        if self.domain.shape[0] == 1:
            return (cells.start,)
        return (cells.start // self.domain.shape[1], 0)

    def plants(self, surface: Dataset, cells: slice) -> FloatArray:
        """Plant types ``[type, cell]`` of a surface file at a stretch of cells."""
        variable = surface[PLANTS]
        if len(variable.shape) == 3:
            width = variable.shape[2]
            rows = slice(cells.start // width, -(-cells.stop // width))
            flat = variable.read((slice(None), rows)).reshape(variable.shape[0], -1)
            first = rows.start * width
            return np.asarray(flat[:, cells.start - first : cells.stop - first], np.float64)
        return np.asarray(variable.read((slice(None), cells)), np.float64)


@dataclass(frozen=True)
class Work:
    """What all steps need; ``chosen`` are the places of the years in the source."""

    request: LandUseRequest
    domain: Domain
    source: LandUseSource
    chosen: IntArray
    mapper: YearMapper

    @property
    def layout(self) -> CellLayout:
        """How the cells lie in the file."""
        return CellLayout(self.domain)

    def lead(self, name: str) -> tuple[str, ...]:
        """Dimensions of a variable between time and cells."""
        return self.source.dataset[name].dims[1:-2]

    def surface_plants(self, surface: Dataset | None, cells: slice) -> FloatArray | None:
        """Plant types ``[type, cell]`` of the surface file at a stretch of cells."""
        return None if surface is None else self.layout.plants(surface, cells)
