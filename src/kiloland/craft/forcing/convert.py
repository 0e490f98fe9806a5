"""Three-hourly files as a source: maps on Daymet's grid, ``clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc``
``[time, y, x]``, or lists of cells, ``clmforc.Daymet4.1km.1d.<VAR>.<YYYY-MM>.nc`` ``[time, nj = 1, ni]``.

The values of the land cells are taken as they are, in the order of the domain. The stamps become those of the
interpolation that each variable has; 29 February is left out, and a 31 December that a leap year lacks is
that of the day before.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, decode_times, describe_seconds
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.stamps import shift_to_begin, stamp_position
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, is_leap
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.maps import Piece, one_ahead, read_maps
from kiloland.craft.forcing.matching import CellsOfFile, Matching
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]
SingleArray = NDArray[np.floating[Any]]

FILE_NAME: Final = re.compile(
    r"(?:\w+_)?clmforc\.Daymet4\.1km\.(?P<list>1d\.)?(?P<name>[A-Za-z]+)\.(?P<year>\d{4})-(?P<month>\d{2})\.nc(\.gz)?"
)
SETTINGS: Final = "2-D to 1-D, rules 1"
LIST_SETTINGS: Final = "cells of a 1-D set, rules 1"
FILLS: Final = ("_FillValue", "missing_value")
CELL_BYTES: Final = 1000
"""Memory for each cell that is read at a time: its place, its part of the domain, and maps around it."""
Key = tuple[str, int, int]


def three_hourly_files(folder: Path, *, lists: bool = False) -> dict[Key, Path]:
    """Maps, or lists of cells, by variable, year and month; InputError for two files of the same."""
    found: dict[Key, Path] = {}
    for path in sorted(folder.rglob("*clmforc.Daymet4.1km.*.nc*")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None or match["name"] not in VARIABLES or lists != bool(match["list"]):
            continue
        key = match["name"], int(match["year"]), int(match["month"])
        if key in found:
            raise InputError("two files of the same variable and month", file=path, found=found[key])
        found[key] = path
    return found


@dataclass(frozen=True)
class ThreeHourlySource:
    """The files of all variables and months that are wanted, the ``samples`` of their months, and where the
    cells lie in them."""

    files: Mapping[Key, Path]
    samples: Mapping[Key, IntArray]
    matching: Matching
    memory: int
    settings: str = SETTINGS
    notes: tuple[str, ...] = ()
    together: bool = False

    @classmethod
    def open(
        cls, files: Mapping[Key, Path], land: LandCells, months: list[Month], memory: int
    ) -> ThreeHourlySource:
        """Validate names, units, time axes and cells of all files; InputError names the first fault."""
        matching: Matching | None = None
        first: CellsOfFile | None = None
        samples: dict[Key, IntArray] = {}
        for month in months:
            for name in VARIABLES:
                path = _file_of(files, name, month)
                with open_dataset(path) as dataset:
                    variable = dataset[name]
                    raise_first_error(check_units(FIELDS[name], variable.attributes.get("units"), str(path)))
                    samples[name, month.year, month.month] = samples_of_month(dataset, month, name)
                    cells = CellsOfFile.of(dataset, variable)
                if matching is None or first is None:
                    matching, first = Matching(land, path, name), cells
                    matching.require_all()
                first.require(cells, path, name)
        assert matching is not None
        assert first is not None
        return cls(files, samples, matching, memory, LIST_SETTINGS if first.shape[0] == 1 else SETTINGS)

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from: those of the source's own."""
        with open_dataset(self.files["TBOT", month.year, month.month]) as dataset:
            kept = ("title", "source", "citation", "references", "institution", "comment")
            text = {
                f"source_{key}": str(dataset.attributes[key]) for key in kept if key in dataset.attributes
            }
            if (self.samples["TBOT", month.year, month.month][-BINS_PER_DAY:] == -1).any():
                text["made_days"] = f"{month}-31: a copy of 30 December, which the source lacks"
        return text

    def month(self, month: Month, names: list[str]) -> Iterator[Block]:
        """Fields of all cells, one variable after the other, some cells and samples at a time."""
        for name in names:
            with open_dataset(self.files[name, month.year, month.month]) as dataset:
                for row, cell, values in one_ahead(self._pieces(dataset, name, month)):
                    yield row, cell, {name: values}, Losses()

    def _pieces(self, dataset: Dataset, name: str, month: Month) -> Iterator[Piece]:
        """Checked values of one variable."""
        samples = self.samples[name, month.year, month.month].copy()
        # A day that is not there is that of the day before.
        absent = np.flatnonzero(samples == -1)
        samples[absent] = samples[absent - BINS_PER_DAY]
        variable = dataset[name]
        for part in self.matching.land.pieces(max(1, self.memory // CELL_BYTES)):
            places = self.matching.places(part)
            for row, cell, values in read_maps(variable, places, samples, self.memory // 4):
                self._check(values, variable, month, row, part.start + cell)
                yield row, part.start + cell, values

    def _check(self, values: SingleArray, variable: Variable, month: Month, row: int, cell: int) -> None:
        """InputError for values that are missing or beyond the limits; the extremes tell first."""
        field = FIELDS[variable.name]
        native = values.astype(np.float32, copy=False)
        marks = [float(variable.attributes[key]) for key in FILLS if key in variable.attributes]
        hidden = any(field.low <= mark <= field.high for mark in marks)
        if field.low <= native.min() and native.max() <= field.high and not hidden:
            return
        start = month.days[0] * SECONDS_PER_DAY + row * BIN_SECONDS

        def describe(first: int, last: int, at: int | None) -> str:
            place = "" if at is None else f", gridcell {self._gridcell(cell + at)}"
            return describe_seconds(start + first * BIN_SECONDS) + place

        found = native.astype(np.float64)
        found[variable.missing(native.astype(variable.dtype)) if variable.dtype.kind == "f" else False] = (
            np.nan
        )
        raise_first_error(check_values(field, found, str(variable.file), describe))

    def _gridcell(self, cell: int) -> int:
        return int(self.matching.land.cells(slice(cell, cell + 1)).gridcell_id[0])


def _file_of(files: Mapping[Key, Path], name: str, month: Month) -> Path:
    """The file of a variable and month; InputError where there is none."""
    path = files.get((name, month.year, month.month))
    if path is None:
        one = next(iter(files.values()))
        raise InputError(
            "a month is missing",
            file=one.parent,
            variable=name,
            expected=f"a file of the kind of {one.name}",
            where=str(month),
        )
    return path


def samples_of_month(dataset: Dataset, month: Month, name: str) -> IntArray:
    """Position in the file of every interval of the month; -1 on a 31 December that a leap year lacks.

    The stamps of the output itself are known for what they are.

    InputError for a time axis that is not of three hours, or lacks intervals.
    """
    time, file = dataset["time"], str(dataset.path)
    axis = decode_times(
        time.values(), str(time.attributes.get("units", "")), time.attributes.get("calendar"), file=file
    )
    whole = month.whole
    origin = whole.days[0] * SECONDS_PER_DAY
    position = stamp_position(axis.seconds, period_start=origin)
    own = VARIABLES[name].stamp
    if ((axis.seconds - origin - own) % BIN_SECONDS == 0).all() and own % BIN_SECONDS:
        starts = axis.seconds - own - origin
    elif position is None:
        raise InputError("stamps are not regular", file=file, variable="time")
    else:
        starts = axis.seconds + shift_to_begin(position, BIN_SECONDS) - origin
    bins, rest = np.divmod(starts, BIN_SECONDS)
    samples = np.full(whole.samples, -1, dtype=np.int64)
    if rest.any() or (bins < 0).any() or (bins >= whole.samples).any() or np.unique(bins).size != bins.size:
        raise InputError(
            "the time axis is not that of the month in steps of three hours", file=file, variable="time"
        )
    samples[bins] = axis.kept
    wanted = slice(month.skipped, month.skipped + month.samples)
    missing = month.skipped + np.flatnonzero(samples[wanted] < 0)
    made = month.month == 12 and is_leap(month.year) and missing.size == BINS_PER_DAY
    made = made and month.samples > BINS_PER_DAY
    if missing.size and not (made and missing[0] == whole.samples - BINS_PER_DAY):
        raise InputError(
            "samples are missing",
            file=file,
            variable="time",
            where=describe_seconds(origin + int(missing[0]) * BIN_SECONDS),
            found=f"{missing.size} of {month.samples} missing",
        )
    return samples[wanted]
