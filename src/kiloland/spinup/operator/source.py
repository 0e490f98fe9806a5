"""The open files of a run, checked to belong together, read by blocks of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.cascade import LAYERS, Cascade, layers, read_cascade
from kiloland.spinup.operator.fields import DEFAULT, FULL, RESPIRATION, namelist_lines
from kiloland.spinup.operator.records import DAYS, Cells, Records, open_records
from kiloland.spinup.operator.window import Window, choose_years
from kiloland.spinup.subgrid import SAME_PLACE_KM, Subgrid, restart_subgrid

Float = NDArray[np.float64]
Int = NDArray[np.int64]

YEAR_OF_SCALARS = 40
"""From this model year on ELM divides accelerated rates by the averaged scalar."""
LEAST_SCALAR = 1e-3
_MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_FAR_DEGREES = 0.02
_UNLIKE = 3.0
"""Soil 2 carbon of restart and last year differ by less than this factor in the same run."""


class Quality(Enum):
    """How the operator was read."""

    FULL = "full"
    """From the diagnostics of `fields.FULL`: actual fluxes of each pool and layer."""
    DEFAULT = "default"
    """From ELM's default fields: products of means, fitted to the column totals of the fluxes."""


@dataclass(frozen=True)
class RunPaths:
    """Files of a run. `soil_order`: ELM's `fsoilordercon`; looked for beside the parameters where None."""

    restart: Path
    history: tuple[Path, ...]
    surface: Path
    parameters: Path
    soil_order: Path | None = None


class Source:
    """A run's files. Use it in a ``with`` statement.

    Raises InputError where files lack fields, belong to different runs, or the run is too young.
    """

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.restart: Dataset = open_dataset(paths.restart)
        self.subgrid: Subgrid = restart_subgrid(self.restart)
        self.cascade: Cascade = read_cascade(paths.parameters)
        self.day = restart_day(self.restart)
        self.accelerated = int(np.ravel(self.restart["spinup_state"].read())[0]) == 1
        self.timestep = float(np.ravel(self.restart["timemgr_rst_step_sec"].read())[0])
        self.records: Records = open_records(paths.history, self.day)
        try:
            self.quality = quality(self.records, paths)
            self.cells = self.places()
            check_grid(self)
            check_age(self)
            needed = FULL if self.quality is Quality.FULL else DEFAULT
            jump = YEAR_OF_SCALARS if self.accelerated else None
            self.window: Window = choose_years(self.records, needed, self.cells, jump)
            check_dates(self)
            check_alike(self)
        except InputError:
            self.close()
            raise
        self.shared = soil_weight(self.subgrid)

    @property
    def columns(self) -> int:
        """Number of columns with soil."""
        return self.subgrid.keys.columns

    @property
    def year(self) -> int:
        """Model year in which the restart was written."""
        return int(self.day // DAYS) + 1

    def places(self) -> Cells:
        """Grid position of every column's cell."""
        cell = self.subgrid.keys.column_gridcell - 1
        row = np.asarray(self.restart["grid1d_jxy"].read(), np.int64)[cell] - 1
        column = np.asarray(self.restart["grid1d_ixy"].read(), np.int64)[cell] - 1
        return Cells(row, column)

    def stored(self, name: str, block: slice) -> Float:
        """A layered restart variable at columns, [layer, column], as stored."""
        rows = self.subgrid.column_row[block]
        values = np.asarray(self.restart[name].values((rows, slice(0, LAYERS))), np.float64).T
        if not np.isfinite(values).all():
            layer, column = (int(axis[0]) for axis in np.nonzero(~np.isfinite(values)))
            raise self.not_a_number(self.paths.restart, name, block.start + column, layer)
        return values

    def intensive(self, name: str, block: slice, years: Sequence[int]) -> Float:
        """Yearly means of a scalar or rate, [year, (layer,) column]; missing values are errors."""
        values = self.records.yearly(name, self.cells.block(block), years)
        if not np.isfinite(values).all():
            place = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(values)))
            file = self.records.files[0].path
            layer = place[1] if len(place) == 3 else None
            raise self.not_a_number(file, name, block.start + place[-1], layer, years[place[0]])
        return values

    def amount(self, name: str, block: slice, years: Sequence[int]) -> Float:
        """Yearly means of a pool or flux per area of soil: history spreads it over the whole cell."""
        return np.asarray(self.intensive(name, block, years) / self.shared[block], np.float64)

    def respiration(self, name: str, block: slice, years: Sequence[int]) -> Float:
        """Yearly means of the respiration of one pool per area of soil, [year, (layer,) column]."""
        return np.asarray(self.intensive(name, block, years) / self.spread(block), np.float64)

    def spread(self, block: slice) -> Float:
        """Share of the cell over which the respiration of single pools is spread, [column].

        ELM leaves it out on columns without soil, where it counts pools, transfers and total respiration as
        zero, so that its mean is one of the soil alone; whether so, the total tells: 1 or the share of soil.
        """
        share = self.shared[block]
        tail = "_vr" if self.quality is Quality.FULL else ""
        if (share == 1.0).all() or not self.records.holds(f"HR{tail}"):
            return share
        years = self.window.years[-1:]
        pools = sum(self.intensive(f"{name}{tail}", block, years) for name in RESPIRATION if name)
        whole = self.intensive(f"HR{tail}", block, years)
        if tail:
            thickness = layers().thickness[:, None]
            pools, whole = (pools * thickness).sum(axis=1), (whole * thickness).sum(axis=1)
        ratio = np.where(pools > 0.0, whole / np.where(pools > 0.0, pools, 1.0), 1.0)[0]
        return np.where(ratio < np.sqrt(share), 1.0, share)

    def not_a_number(
        self, file: Path, name: str, column: int, layer: int | None, year: int | None = None
    ) -> InputError:
        """The error for a value that is missing or no number."""
        where = f"gridcell {int(self.subgrid.keys.column_gridcell[column])}"
        where += "" if layer is None else f", layer {layer + 1}"
        where += "" if year is None else f", year {year}"
        return InputError("is not a number", file=file, variable=name, where=where, expected="finite")

    def scalar_average(self, block: slice) -> Float:
        """`scalaravg_col` as ELM uses it, [column]; 1 where it was never accumulated."""
        if "scalaravg_col" not in self.restart:
            return np.ones(len(range(*block.indices(self.columns))))
        values = self.stored("scalaravg_col", block)[0]
        return np.where(values >= LEAST_SCALAR, values, 1.0)

    def complete_average(self, block: slice) -> Float:
        """The averaged scalar as it is in year 40, estimated from its completed share before: [column]."""
        share = min(max((self.year - 1 - (YEAR_OF_SCALARS - 20)) / 20.0, 0.0), 1.0)
        average = self.scalar_average(block)
        return average / share if 0.0 < share < 1.0 else average

    def close(self) -> None:
        """Release the files."""
        self.restart.close()
        self.records.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def restart_day(restart: Dataset, which: str = "timemgr_rst_curr_ymd") -> float:
    """Days from the start of year 1 to a date of the restart, by default its own; no leap days."""
    date = int(np.ravel(restart[which].read())[0])
    year, month, day = date // 10000, date // 100 % 100, date % 100
    return (year - 1) * DAYS + float(_MONTH_DAYS[: month - 1].sum()) + day - 1


def quality(records: Records, paths: RunPaths) -> Quality:
    """The best quality that the history allows. Raises InputError with namelist lines where there is none."""
    if records.holds(*FULL):
        return Quality.FULL
    lost = [name for name in DEFAULT if not records.holds(name)]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise InputError(
            "the history lacks fields for an operator" + more,
            file=", ".join(str(path) for path in paths.history),
            variable=lost[0],
            hint="Add to user_nl_elm and run some more years:\n" + namelist_lines(),
        )
    return Quality.DEFAULT


def soil_weight(subgrid: Subgrid) -> Float:
    """Share of each column's cell that has soil columns: history means spread amounts over the whole cell."""
    cell = subgrid.keys.column_gridcell
    total = np.bincount(cell, subgrid.column_weight, subgrid.cells + 1)[cell]
    return np.where(total > 0.0, total, 1.0)


def check_grid(source: Source) -> None:
    """Raise InputError where history and restart do not have the same cells."""
    keys, cells = source.subgrid.keys, source.cells
    for file in source.records.files:
        flat = "lndgrid" in file.dimensions
        extent = (file.dimensions.get("lndgrid" if flat else "lon", 0), file.dimensions.get("lat", 0))
        inside = int(cells.column.max()) < extent[0] and (flat or int(cells.row.max()) < extent[1])
        if not inside:
            raise InputError(
                "restart and history are of different runs: the grids differ",
                file=file.path,
                found=f"{extent[0]} cells" if flat else f"{extent[0]} x {extent[1]} cells",
                expected=f"those of {source.paths.restart}",
            )
        longitude = file["lon"].values()[cells.column]
        latitude = file["lat"].values()[cells.column if flat else cells.row]
        east = np.abs((longitude - keys.column_longitude + 180.0) % 360.0 - 180.0)
        far = np.flatnonzero((east > _FAR_DEGREES) | (np.abs(latitude - keys.column_latitude) > _FAR_DEGREES))
        if far.size:
            column = int(far[0])
            raise InputError(
                "restart and history are of different runs: a cell lies elsewhere",
                file=file.path,
                variable="lon, lat",
                where=f"gridcell {int(keys.column_gridcell[column])}",
                found=f"{longitude[column]:.4f}, {latitude[column]:.4f}",
                expected=f"{keys.column_longitude[column]:.4f}, {keys.column_latitude[column]:.4f}"
                f" within {SAME_PLACE_KM} km",
            )


def check_age(source: Source) -> None:
    """Raise InputError where accelerated spinup is too young to have its averaged scalars."""
    if source.accelerated and source.year <= YEAR_OF_SCALARS - 20:
        raise InputError(
            "accelerated spinup before the averaged scalars exist",
            file=source.paths.restart,
            variable="scalaravg_col",
            where=f"model year {source.year}",
            expected="a restart of year 21 or later",
            hint="ELM averages the scalars over years 20 to 39; run some more years",
        )


def check_dates(source: Source) -> None:
    """Raise InputError where the history ends long before the restart."""
    last = source.window.years[-1]
    if last < source.year - 2:
        raise InputError(
            "restart and history are of different runs or dates",
            file=source.records.files[0].path,
            variable="time",
            found=f"the last year before the restart is {last}",
            expected=f"year {source.year - 1}",
        )


def check_alike(source: Source) -> None:
    """Raise InputError where the pools of the restart are not those of the last year of the history."""
    block = slice(0, min(source.columns, 4096))
    shared = soil_weight(source.subgrid)[block]
    stored = source.stored("soil2c_vr", block).sum()
    cells = source.cells.block(block)
    mean = (source.records.yearly("SOIL2C_vr", cells, source.window.years[-1:])[0] / shared).sum()
    ratio = stored / mean if mean > 0.0 else 1.0
    if not 1.0 / _UNLIKE < ratio < _UNLIKE:
        raise InputError(
            "restart and history are of different runs: soil 2 carbon differs",
            file=source.paths.restart,
            variable="soil2c_vr",
            found=f"{ratio:.3g} times the mean of year {source.window.years[-1]}",
            expected=f"within a factor of {_UNLIKE:g}",
        )
