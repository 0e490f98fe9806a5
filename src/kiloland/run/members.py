"""Which landunits, columns and patches a cold start has: those of positive share in the surface file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kiloland.files import Rearranger, open_dataset
from kiloland.land.subgrid import ColumnType
from kiloland.land.urban_town import COLUMN_TYPES, Surface
from kiloland.run.cells import OwnCells
from kiloland.run.ranks import Ranks
from kiloland.run.surface import CellReader
from kiloland.run.surface import Surface as SurfaceData

SOIL_UNIT, ICE_UNIT, LAKE_UNIT, WETLAND_UNIT = 1, 3, 5, 6
FIRST_TOWN, TOWNS = 7, 3
"""Codes of landunits on ELM's files; the three densities of towns follow each other."""


@dataclass(frozen=True)
class Columns:
    """The columns of some cells, cell by cell, in ELM's order; positions are those among these cells."""

    cell: np.ndarray
    type: np.ndarray
    landunit_type: np.ndarray
    landunit_weight: np.ndarray
    """On the cell."""
    weight: np.ndarray
    """On the landunit."""
    landunit: np.ndarray
    """Position of the landunit among those of these cells."""

    @property
    def first_of_landunit(self) -> np.ndarray:
        """Position of the first column of each landunit."""
        return np.flatnonzero(np.diff(self.landunit, prepend=-1))


@dataclass(frozen=True)
class Patches:
    """The patches of columns: soil columns have those of the plants that are there, the others one."""

    column: np.ndarray
    kind: np.ndarray
    """Plant type."""
    weight: np.ndarray
    """On the column."""


@dataclass(frozen=True)
class Numbering:
    """``first``: members of a level in all cells before each of a rank's; ``total``: on all ranks."""

    first: Mapping[str, np.ndarray]
    total: Mapping[str, int]


def columns_of(surface: SurfaceData, positions: np.ndarray, all_kinds: bool) -> Columns:
    """The columns of cells; soil alone unless all kinds are asked for.

    Args:
        surface: of the cells.
        positions: of the cells in the surface file.
        all_kinds: whether lakes, land ice, wetlands and towns exist.
    """
    slots = [(ColumnType.SOIL, SOIL_UNIT, surface.vegetated, np.ones(len(positions)))]
    if all_kinds:
        slots += _towns(surface, positions)
        slots += [
            (ColumnType.LAKE, LAKE_UNIT, surface.lake, np.ones(len(positions))),
            (ColumnType.WETLAND, WETLAND_UNIT, surface.wetland, np.ones(len(positions))),
            (ColumnType.GLACIER, ICE_UNIT, surface.glacier, np.ones(len(positions))),
        ]
    unit = np.array([landunit for _, landunit, _, _ in slots])
    kind = np.array([int(type_) for type_, _, _, _ in slots])
    area = np.stack([share for _, _, share, _ in slots])
    weight = np.stack([part for _, _, _, part in slots])
    exists = area > 0.0
    if not all_kinds:
        # A run of soil alone keeps the column of a cell without soil, without weight.
        exists[0] = True
    cell, slot = np.nonzero(exists.T)
    units = unit[slot]
    opened = (np.diff(cell, prepend=-1) != 0) | (np.diff(units, prepend=-1) != 0)
    return Columns(
        cell=cell,
        type=kind[slot],
        landunit_type=units,
        landunit_weight=area[slot, cell],
        weight=weight[slot, cell],
        landunit=np.cumsum(opened) - 1,
    )


def _towns(
    surface: SurfaceData, positions: np.ndarray
) -> list[tuple[ColumnType, int, np.ndarray, np.ndarray]]:
    """Type, landunit, share and weight of the columns of each density; walls and roads share the canyon."""
    if not (surface.urban > 0.0).any():
        return []
    with open_dataset(surface.path) as dataset:
        reader = CellReader(dataset, positions)
        roof, pervious = reader.read("WTLUNIT_ROOF"), reader.read("WTROAD_PERV")
    slots = []
    for density in range(TOWNS):
        third = (1.0 - roof[density]) / 3.0
        weights = {
            Surface.ROOF: roof[density],
            Surface.SUNLIT_WALL: third,
            Surface.SHADED_WALL: third,
            Surface.IMPERVIOUS_ROAD: third * (1.0 - pervious[density]),
            Surface.PERVIOUS_ROAD: third * pervious[density],
        }
        slots += [
            (COLUMN_TYPES[which], FIRST_TOWN + density, surface.urban[density], weight)
            for which, weight in weights.items()
        ]
    return slots


def patches_of(columns: Columns, surface: SurfaceData) -> Patches:
    """The patches of columns, in their order."""
    soil = columns.type == ColumnType.SOIL
    share = np.where(soil, surface.plant_share[:, columns.cell], 0.0)
    share[0] = np.where(soil, share[0], 1.0)
    column, kind = np.nonzero(share.T > 0.0)
    return Patches(column=column, kind=kind, weight=share[kind, column])


def number_members(columns: Columns, patches: Patches, cells: OwnCells, ranks: Ranks) -> Numbering:
    """Number landunits, columns and patches through the whole domain; all ranks together."""
    exchange = Rearranger(cells.ordinals, cells.land_cells, ranks.communicator)
    owners = {
        "landunit": columns.cell[columns.first_of_landunit],
        "column": columns.cell,
        "pft": columns.cell[patches.column],
    }
    first, total = {}, {}
    for level, cell in owners.items():
        counts = exchange.to_slab(np.bincount(cell, minlength=len(cells.ordinals)))
        before = ranks.gather(int(counts.sum()))
        first[level] = exchange.from_slab(sum(before[: ranks.rank]) + np.cumsum(counts) - counts)
        total[level] = sum(before)
    return Numbering(first, total)


def turn_in_cell(cell: np.ndarray) -> np.ndarray:
    """Turn (0, 1, ...) of each member among those of its cell; cells ascend."""
    return np.arange(len(cell)) - np.searchsorted(cell, cell)
