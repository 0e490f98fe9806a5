"""A short run of ELM as cells of a data set: restart, history, surface and parameter file, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.cascade import LAYERS
from kiloland.spinup.dataset.fields import (
    CELL_FLUXES,
    FORCING,
    LAYER_FLUXES,
    LAYER_POOLS,
    OPTIONAL,
    PATCH_FLUXES,
    PATCH_POOLS,
    PATCH_TENDENCIES,
    PLANT_TYPES,
    SURFACE_CELL,
    SURFACE_LAYERS,
    TRAITS,
)
from kiloland.spinup.dataset.table import CellTable, Column
from kiloland.spinup.dataset.tapes import Histories, Place, grid_place, open_histories, used
from kiloland.spinup.restart.acceleration import Scale, averaged_scalar, read_factors, restart_scale
from kiloland.spinup.subgrid import Subgrid, history_subgrid, positions, restart_subgrid, surface_cells
from kiloland.spinup.tables import POOLS

Float = NDArray[np.float64]
Int = NDArray[np.int64]

NEEDED_TRAITS: Final = frozenset({"slatop", "woody", "leafcn", "frootcn"})
"""Traits without which no plant type is known; others that the parameter file lacks are not used."""
SQUARE_KILOMETRE: Final = 1.0e6
"""m2."""


@dataclass(frozen=True)
class RunFiles:
    """Paths of a short run. ``truth``: the restart in equilibrium, for training only."""

    restart: Path
    history: tuple[Path, ...]
    surface: Path
    parameters: Path
    truth: Path | None = None


@dataclass(frozen=True)
class Fields:
    """Names that the run's history holds."""

    layers: list[str]
    cells: list[str]
    patches: list[str]


class ShortRun:
    """The open files of a run. Its rows are the soil columns of the restart, in the order of the restart.

    A row has one slot for each of the 17 plant types; patches of other types stay as they are. Raises
    InputError where a file lacks what is needed, or files are of different runs.
    """

    def __init__(self, files: RunFiles) -> None:
        self.files = files
        self.restart: Dataset = open_dataset(files.restart)
        self.surface: Dataset = open_dataset(files.surface)
        self.histories: Histories = open_histories(files.history)
        self.subgrid: Subgrid = restart_subgrid(self.restart)
        self.factors = read_factors(files.parameters)
        self.scale = restart_scale(self.restart, self.factors)
        self.fields = self.available()
        self.traits = read_traits(files.parameters)
        cell = self.subgrid.keys.column_gridcell - 1
        self.row = np.asarray(self.restart["grid1d_jxy"].read(), np.int64)[cell]
        self.column = np.asarray(self.restart["grid1d_ixy"].read(), np.int64)[cell]
        self.surface_cell = surface_cells(
            self.surface, self.subgrid.keys.column_longitude, self.subgrid.keys.column_latitude
        )
        self.patch_of = patch_slots(self.subgrid)
        self.tape_patch = self.patches_on_tape()

    @property
    def rows(self) -> int:
        """Number of soil columns."""
        return self.subgrid.keys.columns

    def available(self) -> Fields:
        """Fields of the history; raises InputError with namelist lines where a needed one is missing."""
        held = Fields(
            used(LAYER_FLUXES, self.histories, OPTIONAL, patches=False),
            used(CELL_FLUXES, self.histories, OPTIONAL, patches=False),
            used(PATCH_FLUXES, self.histories, OPTIONAL, patches=True),
        )
        for name in FORCING:
            if not self.histories.holds(name, monthly=True):
                raise self.histories.lacking(name, patches=False, monthly=True)
        return held

    def patches_on_tape(self) -> Int:
        """Where each patch of the restart stands on the patch tapes; all tapes must agree.

        Raises InputError where the tape is of another run or its plant types are permuted.
        """
        found: Int | None = None
        for tape in self.histories.select(patches=True, monthly=False):
            grid = history_subgrid(tape.file)
            place = positions(grid.keys.patch_codes(), self.subgrid.keys.patch_codes())
            check_patches(self.subgrid, grid, place, tape.file.path)
            place = grid.pft_row[place]
            if found is not None and not np.array_equal(found, place):
                raise InputError("patch tapes with different patches", file=tape.file.path)
            found = place
        if found is None:
            raise self.histories.lacking(PATCH_FLUXES[0], patches=True, monthly=False)
        return found

    def columns(self) -> dict[str, Column]:
        """The variables that a block holds."""
        histories, made = self.histories, dict[str, Column]()

        def add(name: str, dims: tuple[str, ...], units: str, text: str, integer: bool = False) -> None:
            made[name] = Column(name, ("cell", *dims), units, text, integer)

        add("latitude", (), "degrees_north", "latitude")
        add("longitude", (), "degrees_east", "longitude")
        add("area", (), "m2", "area of the cell times the weight of the column")
        add("gridcell", (), "1", "1-based index of the cell in the restart", True)
        add("member", (), "1", "number of the parameter file, from 0", True)
        add("biome", (), "1", "dominant plant type", True)
        add("pft_cover", ("pft",), "%", "share of the column")
        for name in (*LAYER_POOLS, *PATCH_POOLS):
            dims = ("layer",) if POOLS[name].layered else ("pft",)
            add(f"X_{name}", dims, POOLS[name].units, f"{name} of the short run, natural scale")
        for name in self.fields.layers:
            add(f"flux_{name}", ("layer",), *histories.units(name))
        for name in self.fields.cells:
            add(f"flux_{name}", (), *histories.units(name))
        for name in self.fields.patches:
            add(f"patch_{name}", ("pft",), *histories.units(name, True))
        for name in PATCH_TENDENCIES:
            units, text = histories.units(name, True)
            add(f"tendency_{name}", ("pft",), f"{units} s-1", f"change of: {text}")
        for name in FORCING:
            add(f"forcing_{name}", ("month",), *histories.units(name, monthly=True))
        for name in self.surface_names(SURFACE_CELL):
            add(f"surface_{name}", (), str(self.surface[name].attributes.get("units", "")), name)
        for name in self.surface_names(SURFACE_LAYERS):
            add(f"surface_{name}", ("layer",), str(self.surface[name].attributes.get("units", "")), name)
        for name in self.traits:
            made[f"trait_{name}"] = Column(f"trait_{name}", ("member", "pft"), "1", f"plant trait {name}")
        return made

    def surface_names(self, names: Sequence[str]) -> list[str]:
        """Names that the surface file holds; raises InputError where one that is needed is missing."""
        return [n for n in names if n in self.surface or (n not in OPTIONAL and bool(self.surface[n].name))]

    def blocks(self, size: int) -> Iterator[tuple[slice, CellTable]]:
        """All rows, block after block, with their positions."""
        columns = self.columns()
        for start in range(0, self.rows, size):
            rows = slice(start, min(start + size, self.rows))
            yield rows, CellTable(columns, self.values(rows), {})

    def values(self, rows: slice) -> dict[str, NDArray[Any]]:
        """The arrays of a block."""
        keys = self.subgrid.keys
        patch = self.patch_of[rows]
        cover = spread(100.0 * self.subgrid.pft_weight, patch)
        made: dict[str, NDArray[Any]] = {
            "latitude": keys.column_latitude[rows],
            "longitude": np.mod(keys.column_longitude[rows], 360.0),
            "area": self.areas(rows),
            "gridcell": keys.column_gridcell[rows],
            "member": np.zeros(patch.shape[0], np.int64),
            "biome": np.argmax(cover, axis=1),
            "pft_cover": cover,
        }
        made |= {f"X_{name}": values for name, values in self.pools(self.restart, rows, self.scale).items()}
        return {**made, **self.fluxes(rows), **self.surface_values(rows), **self.trait_values()}

    def areas(self, rows: slice) -> Float:
        """Area of the columns, m2; their weight where no file tells that of the cells."""
        weight = self.subgrid.column_weight[rows]
        if "AREA" not in self.surface:
            return weight
        area = np.ravel(self.surface["AREA"].values())[self.surface_cell[rows]]
        return np.asarray(SQUARE_KILOMETRE * area * weight, np.float64)

    def pools(self, restart: Dataset, rows: slice, scale: Scale) -> dict[str, Float]:
        """Pools of a restart with the same subgrid, natural scale; absent plant types zero."""
        made = {}
        column = self.subgrid.column_row[rows]
        upper = (column, slice(0, LAYERS))
        scalar = np.ones((column.size, LAYERS))
        if scale.divides:
            scalar = averaged_scalar(restart["scalaravg_col"].values(upper))
        for name in LAYER_POOLS:
            made[name] = restart[name].values(upper) * scale.factor(POOLS[name], scalar)
        patch = self.patch_of[rows]
        low, high = patch_range(patch)
        for name in PATCH_POOLS:
            row = self.subgrid.pft_row[low:high]
            values = restart[name].values(row) if row.size else np.zeros(0)
            made[name] = spread(values * scale.factor(POOLS[name], scalar), patch, low)
        return made

    def fluxes(self, rows: slice) -> dict[str, Float]:
        """Fields of the history and the weather."""
        made: dict[str, Float] = {}
        place = grid_place(self.row[rows], self.column[rows])
        for name in (*self.fields.layers, *self.fields.cells):
            made[f"flux_{name}"], _ = self.histories.annual(name, place)
        patch = self.patch_of[rows]
        low, high = patch_range(patch)
        on_tape = self.tape_patch[low:high]
        here: Place = lambda _: (on_tape,)  # noqa: E731
        for name in self.fields.patches:
            mean, change = self.histories.annual(name, here, patches=True)
            made[f"patch_{name}"] = spread(mean, patch, low)
            if name in PATCH_TENDENCIES:
                made[f"tendency_{name}"] = spread(change, patch, low)
        for name in FORCING:
            made[f"forcing_{name}"] = self.histories.climatology(name, place)
        return made

    def surface_values(self, rows: slice) -> dict[str, Float]:
        """Variables of the surface file."""
        cell, made = self.surface_cell[rows], dict[str, Float]()
        for name in self.surface_names(SURFACE_CELL):
            made[f"surface_{name}"] = np.ravel(self.surface[name].values())[cell].astype(np.float64)
        for name in self.surface_names(SURFACE_LAYERS):
            values = self.surface[name].values()
            flat = values.reshape(values.shape[0], -1)[:LAYERS, cell]
            made[f"surface_{name}"] = np.moveaxis(flat, 0, -1)
        return made

    def trait_values(self) -> dict[str, Float]:
        """Traits of the one parameter file, [member, pft]."""
        return {f"trait_{name}": values[None] for name, values in self.traits.items()}

    def close(self) -> None:
        """Release the files."""
        self.restart.close()
        self.surface.close()
        self.histories.close()

    def __enter__(self) -> ShortRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_traits(path: Path) -> dict[str, Float]:
    """Traits of the 17 plant types. Raises InputError where one that is needed is missing."""
    made = {}
    with open_dataset(path) as file:
        for name in TRAITS:
            if name not in file and name not in NEEDED_TRAITS:
                continue
            values = np.asarray(file[name].values(slice(0, PLANT_TYPES)), np.float64)
            if values.shape != (PLANT_TYPES,):
                raise InputError(
                    "not a trait of every plant type", file=path, variable=name, found=values.shape
                )
            made[name] = np.nan_to_num(values)
    return made


def patch_slots(subgrid: Subgrid) -> Int:
    """Place among the patches of each column's plant types, [column, 17]; -1 where the type is absent."""
    slots = np.full((subgrid.keys.columns, PLANT_TYPES), -1, np.int64)
    known = np.flatnonzero((subgrid.keys.pft_itypveg < PLANT_TYPES) & (subgrid.pft_weight > 0.0))
    slots[subgrid.keys.pft_column[known], subgrid.keys.pft_itypveg[known]] = known
    return slots


def patch_range(patch: Int) -> tuple[int, int]:
    """Smallest range of patches that holds all of a block."""
    there = patch[patch >= 0]
    return (int(there.min()), int(there.max()) + 1) if there.size else (0, 0)


def spread(values: Float, patch: Int, low: int = 0) -> Float:
    """Values of patches into slots [column, 17]; zero where the type is absent.

    ``values`` start with patch ``low``. What is missing in the file (fill values) counts as zero.
    """
    made = np.zeros(patch.shape)
    there = patch >= 0
    made[there] = np.nan_to_num(values[patch[there] - low])
    return made


def check_patches(wanted: Subgrid, found: Subgrid, place: Int, file: Path) -> None:
    """Raise InputError where a patch tape does not hold the restart's patches with their weights."""
    lost = np.flatnonzero((place < 0) & (wanted.pft_weight > 0.0))
    if lost.size:
        patch = int(lost[0])
        raise InputError(
            "a patch of the restart is not on the tape",
            file=file,
            variable="pfts1d_itype_veg",
            where=f"gridcell {int(wanted.keys.column_gridcell[wanted.keys.pft_column[patch]])}",
            expected=f"plant type {int(wanted.keys.pft_itypveg[patch])}",
            hint="Restart and history are of different runs, or plant types were permuted",
        )
    far = np.flatnonzero(np.abs(found.pft_weight[place] - wanted.pft_weight) > 1e-6)
    if far.size:
        patch = int(far[0])
        raise InputError(
            "the weights of the patches differ from those of the restart",
            file=file,
            variable="pfts1d_wtcol",
            where=f"gridcell {int(wanted.keys.column_gridcell[wanted.keys.pft_column[patch]])}, "
            f"plant type {int(wanted.keys.pft_itypveg[patch])}",
            found=float(found.pft_weight[place[patch]]),
            expected=float(wanted.pft_weight[patch]),
            hint="Restart and history are of different runs, or plant types were permuted",
        )
