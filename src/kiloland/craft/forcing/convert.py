"""Three-hourly files on Daymet's grid as a source: ``clmforc.Daymet4.1km.<VAR>.<YYYY-MM>.nc [time, y, x]``.

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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, decode_times, describe_seconds
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.stamps import shift_to_begin, stamp_position
from kiloland.craft.forcing.bins import BIN_SECONDS, BINS_PER_DAY, is_leap
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.craft.forcing.places import CellPlaces, match_cells
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid import Domain, Grid

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]
SingleArray = NDArray[np.float32]

FILE_NAME: Final = re.compile(
    r"clmforc\.Daymet4\.1km\.(?P<name>[A-Za-z]+)\.(?P<year>\d{4})-(?P<month>\d{2})\.nc(\.gz)?"
)
SETTINGS: Final = "2-D to 1-D, rules 1"
Key = tuple[str, int, int]


def three_hourly_files(folder: Path) -> dict[Key, Path]:
    """Files by variable, year and month."""
    found = {}
    for path in sorted(folder.rglob("clmforc.Daymet4.1km.*.nc*")):
        match = FILE_NAME.fullmatch(path.name)
        if match is not None and match["name"] in VARIABLES:
            found[match["name"], int(match["year"]), int(match["month"])] = path
    return found


@dataclass(frozen=True)
class ThreeHourlySource:
    """The files of all variables and months that are wanted, and where the cells lie in them."""

    files: Mapping[Key, Path]
    places: CellPlaces
    land: Domain
    memory: int
    settings: str = SETTINGS
    notes: tuple[str, ...] = ()

    @classmethod
    def open(
        cls, files: Mapping[Key, Path], land: Domain, grid: Grid, months: list[Month], memory: int
    ) -> ThreeHourlySource:
        """Validate names, units, time axes and cells of all files; InputError names the first fault."""
        places: CellPlaces | None = None
        for month in months:
            for name in VARIABLES:
                path = files.get((name, month.year, month.month))
                if path is None:
                    raise InputError(
                        "a month is missing",
                        file=next(iter(files.values())).parent,
                        variable=name,
                        expected=f"clmforc.Daymet4.1km.{name}.{month}.nc",
                    )
                with open_dataset(path) as dataset:
                    variable = dataset[name]
                    raise_first_error(check_units(FIELDS[name], variable.attributes.get("units"), str(path)))
                    samples_of_month(dataset, month)
                    here = match_cells(dataset, variable, land, grid) if places is None else places
                    places = places or here
                    if variable.shape[1:] != places.shape:
                        raise InputError(
                            "the files hold different cells",
                            file=path,
                            variable=name,
                            found=variable.shape[1:],
                            expected=places.shape,
                        )
        assert places is not None
        return cls(files, places, land, memory)

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from: those of the source's own."""
        with open_dataset(self.files["TBOT", month.year, month.month]) as dataset:
            kept = ("title", "source", "citation", "references", "institution", "comment")
            text = {
                f"source_{key}": str(dataset.attributes[key]) for key in kept if key in dataset.attributes
            }
            if (samples_of_month(dataset, month)[-BINS_PER_DAY:] == -1).any():
                text["made_days"] = f"{month}-31: a copy of 30 December, which the source lacks"
        return text

    def month(self, month: Month, names: list[str]) -> Iterator[Block]:
        """Fields of all cells, some samples at a time."""
        for name in names:
            with open_dataset(self.files[name, month.year, month.month]) as dataset:
                samples = samples_of_month(dataset, month)
                # A day that is not there is that of the day before.
                absent = np.flatnonzero(samples == -1)
                samples[absent] = samples[absent - BINS_PER_DAY]
                step = max(1, min(self.memory // (8 * self.land.number_of_cells), 64))
                for row in range(0, samples.size, step):
                    lines = [self._line(dataset[name], int(at)) for at in samples[row : row + step]]
                    values = np.stack(lines)
                    self._check(values, name, dataset, month, row)
                    yield row, 0, {name: values}, Losses()

    def _line(self, variable: Variable, sample: int) -> SingleArray:
        """One sample at the cells ``[cell]``; missing ones are NaN."""
        places = self.places
        rows = slice(int(places.rows.min()), int(places.rows.max()) + 1)
        columns = slice(int(places.columns.min()), int(places.columns.max()) + 1)
        box = variable.read((sample, rows, columns))
        stored = box[places.rows - rows.start, places.columns - columns.start]
        missing = variable.missing(stored)
        scale, offset = (variable.attributes.get(key) for key in ("scale_factor", "add_offset"))
        if scale is not None or offset is not None:
            stored = stored * float(1.0 if scale is None else scale) + float(offset or 0.0)
        values = stored.astype(np.float32)
        if missing.any():
            values[missing] = np.nan
        return values

    def _check(self, values: SingleArray, name: str, dataset: Dataset, month: Month, row: int) -> None:
        """InputError for values that are missing or beyond the limits; the extremes tell first."""
        field = FIELDS[name]
        if field.low <= values.min() and values.max() <= field.high:
            return
        start = month.days[0] * SECONDS_PER_DAY + row * BIN_SECONDS

        def describe(first: int, last: int, cell: int | None) -> str:
            place = "" if cell is None else f", gridcell {int(self.land.gridcell_id[cell])}"
            return describe_seconds(start + first * BIN_SECONDS) + place

        findings = check_values(field, values.astype(np.float64), str(dataset.path), describe)
        raise_first_error(findings)


def samples_of_month(dataset: Dataset, month: Month) -> IntArray:
    """Position in the file of every interval of the month; -1 on a 31 December that a leap year lacks.

    InputError for a time axis that is not of three hours, or lacks intervals.
    """
    time, file = dataset["time"], str(dataset.path)
    axis = decode_times(
        time.values(), str(time.attributes.get("units", "")), time.attributes.get("calendar"), file=file
    )
    origin = month.days[0] * SECONDS_PER_DAY
    position = stamp_position(axis.seconds, period_start=origin)
    if position is None:
        raise InputError("stamps are not regular", file=file, variable="time")
    starts = axis.seconds + shift_to_begin(position, BIN_SECONDS) - origin
    bins, rest = np.divmod(starts, BIN_SECONDS)
    samples = np.full(month.samples, -1, dtype=np.int64)
    if rest.any() or (bins < 0).any() or (bins >= month.samples).any() or np.unique(bins).size != bins.size:
        raise InputError(
            "the time axis is not that of the month in steps of three hours", file=file, variable="time"
        )
    samples[bins] = axis.kept
    missing = np.flatnonzero(samples < 0)
    made = month.month == 12 and is_leap(month.year) and missing.size == BINS_PER_DAY
    if missing.size and not (made and missing[0] == month.samples - BINS_PER_DAY):
        raise InputError(
            "samples are missing",
            file=file,
            variable="time",
            where=describe_seconds(origin + int(missing[0]) * BIN_SECONDS),
            found=f"{missing.size} of {month.samples} missing",
        )
    return samples
