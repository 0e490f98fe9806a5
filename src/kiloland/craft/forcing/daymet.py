"""Daymet's daily files: ``daymet_v4_daily_<region>_<variable>_<year>.nc``, one variable and year each.

Their years have 365 days: leap years keep 29 February and drop 31 December. ELM's years are the other way
round, so 29 February is left out and 31 December is made: it has the values of 30 December.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import DAYS_PER_YEAR, SECONDS_PER_DAY, decode_times, describe_seconds
from kiloland.atmosphere.derive import FREEZING
from kiloland.craft.forcing.bins import day_of_yearday, is_leap
from kiloland.craft.forcing.pages import release_pages
from kiloland.craft.forcing.places import CellPlaces, match_cells
from kiloland.craft.forcing.weather import DailyWeather
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.grid import Domain, Grid

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FILE_NAME: Final = re.compile(
    r"daymet_v\d+_daily_(?P<region>na|hi|pr)_(?P<variable>[a-z]+)_(?P<year>\d{4})\.nc(\.gz)?"
)


@dataclass(frozen=True)
class DaymetVariable:
    """A variable of Daymet: accepted ``units`` and the limits of its values."""

    name: str
    units: tuple[str, ...]
    low: float
    high: float


VARIABLES: Final = {
    variable.name: variable
    for variable in (
        DaymetVariable("tmin", ("degrees C", "degC", "deg c", "Celsius"), -90.0, 60.0),
        DaymetVariable("tmax", ("degrees C", "degC", "deg c", "Celsius"), -90.0, 65.0),
        DaymetVariable("prcp", ("mm/day", "mm", "kg m-2 day-1"), 0.0, 2000.0),
        DaymetVariable("srad", ("W/m2", "W m-2", "W/m^2"), 0.0, 1400.0),
        DaymetVariable("vp", ("Pa",), 0.0, 10_000.0),
        DaymetVariable("dayl", ("s", "s/day", "seconds"), 0.0, 86_400.0),
    )
}
"""What is read; swe is not needed."""


@dataclass(frozen=True)
class YearFile:
    """One file: ``sample`` on its time axis of every day of the year ``[365]``, and whether the last day was
    made from the one before."""

    path: Path
    sample: IntArray
    made: bool
    leap_sample: int | None


@dataclass(frozen=True)
class DaymetSource:
    """The daily files of a folder: ``files[variable][year]``, and where the cells lie in them."""

    files: Mapping[str, Mapping[int, YearFile]]
    places: CellPlaces

    @classmethod
    def open(cls, folder: Path, domain: Domain, grid: Grid, years: range) -> DaymetSource:
        """Find and validate the files of ``years``, and those of the years before and after where complete.

        InputError for a missing file, a missing day, wrong units, and cells that a file does not hold.
        """
        found = daymet_files(folder)
        for name in VARIABLES:
            for year in years:
                if (name, year) not in found:
                    raise InputError(
                        "a year of Daymet is missing",
                        file=folder,
                        variable=name,
                        where=str(year),
                        expected=f"daymet_v4_daily_<na|hi|pr>_{name}_{year}.nc",
                    )
        wanted = [
            year
            for year in range(years.start - 1, years.stop + 1)
            if year in years or all((name, year) in found for name in VARIABLES)
        ]
        files = {
            name: {year: check_year_file(found[name, year], name, year) for year in wanted}
            for name in VARIABLES
        }
        return cls(files, _matched(files, domain, grid))

    def load(self, first: int, end: int, cells: slice) -> DailyWeather:
        """Days ``first`` to ``end`` (excluded) at some of the cells ``[day, cell]``.

        Days of years without files are those of the nearest year's end. InputError for missing values on land
        and for values beyond the limits.
        """
        part = self.places.part(cells)
        tmin, tmax, prcp, srad, vp, dayl = (self._read(name, first, end, part) for name in VARIABLES)
        if (tmin > tmax).any():
            day, cell = np.unravel_index(int(np.argmax(tmin - tmax)), tmin.shape)
            date = describe_seconds((first + int(day)) * SECONDS_PER_DAY)[:10]
            raise InputError(
                "tmin above tmax",
                file=self._file("tmin", first + int(day)).path,
                where=f"{date}, row {int(part.rows[cell])}, column {int(part.columns[cell])}",
                found=f"{tmin[day, cell]:g} and {tmax[day, cell]:g} deg C",
            )
        return daily_weather(tmin, tmax, prcp, srad, vp, dayl)

    def _year(self, name: str, day: int) -> tuple[int, int]:
        """Year and day of the year of what serves for a day."""
        years = self.files[name]
        year, of_year = divmod(day, DAYS_PER_YEAR)
        year += 1
        if year < min(years):
            return min(years), 0
        return (year, of_year) if year <= max(years) else (max(years), DAYS_PER_YEAR - 1)

    def _file(self, name: str, day: int) -> YearFile:
        return self.files[name][self._year(name, day)[0]]

    def _read(self, name: str, first: int, end: int, places: CellPlaces) -> FloatArray:
        """One variable ``[day, cell]``, checked; a day of the map is read at once, of the cells' own box."""
        values = np.empty((end - first, places.rows.size))
        for year in sorted({self._year(name, day)[0] for day in range(first, end)}):
            entry = self.files[name][year]
            with open_dataset(entry.path) as dataset:
                for day in range(first, end):
                    of = self._year(name, day)
                    if of[0] == year:
                        sample = int(entry.sample[of[1]])
                        values[day - first] = places.read(dataset[name], sample)
                        release_pages(dataset[name], sample)
                        _check_values(values[day - first], name, dataset, day, places)
        return values


def daily_weather(
    tmin: FloatArray,
    tmax: FloatArray,
    prcp: FloatArray,
    srad: FloatArray,
    vp: FloatArray,
    dayl: FloatArray,
) -> DailyWeather:
    """Daymet's values [deg C, mm, W/m2 of the daylight period, Pa, s] as daily weather, all ``[day, cell]``.

    The mean shortwave of the day is srad dayl / 86400 s.
    """
    return DailyWeather(tmin + FREEZING, tmax + FREEZING, prcp, vp, srad * dayl / SECONDS_PER_DAY)


def _matched(files: Mapping[str, Mapping[int, YearFile]], domain: Domain, grid: Grid) -> CellPlaces:
    """Where the cells lie in the files; InputError unless all files have the same axes."""
    places: CellPlaces | None = None
    axes: tuple[bytes, ...] = ()
    for name, by_year in files.items():
        for entry in by_year.values():
            with open_dataset(entry.path) as dataset:
                here = tuple(
                    dataset[axis].values().astype(np.float64).tobytes() for axis in "xy" if axis in dataset
                )
                if places is None:
                    places, axes = match_cells(dataset, dataset[name], domain, grid), here
                elif here != axes or dataset[name].shape[1:] != places.shape:
                    raise InputError(
                        "the files hold different cells",
                        file=entry.path,
                        variable=name,
                        found=dataset[name].shape[1:],
                        expected=places.shape,
                    )
    assert places is not None
    return places


def daymet_files(folder: Path) -> dict[tuple[str, int], Path]:
    """Files by variable and year; InputError where two files have the same or regions are mixed."""
    found: dict[tuple[str, int], Path] = {}
    regions: dict[str, Path] = {}
    for path in sorted(folder.rglob("daymet_v*_daily_*.nc*")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None or match["variable"] not in VARIABLES:
            continue
        key = match["variable"], int(match["year"])
        regions[match["region"]] = path
        if key in found:
            raise InputError("two files of the same variable and year", file=path, found=found[key])
        if len(regions) > 1:
            raise InputError("files of different regions of Daymet", file=path, found=sorted(regions))
        found[key] = path
    return found


def check_year_file(path: Path, name: str, year: int) -> YearFile:
    """Validate one file: its variable, units and time axis; see :class:`YearFile`."""
    known = VARIABLES[name]
    with open_dataset(path) as dataset:
        variable = dataset[name]
        units = str(variable.attributes.get("units", "")).strip()
        if units.lower() not in {unit.lower() for unit in known.units}:
            raise InputError(
                "wrong units", file=path, variable=name, found=repr(units), expected=repr(known.units[0])
            )
        time = dataset["time"]
        axis = decode_times(
            time.values(),
            str(time.attributes.get("units", "")),
            time.attributes.get("calendar"),
            file=str(path),
        )
        yearday = dataset["yearday"].read() if "yearday" in dataset else None
        samples = time.shape[0]
    day = axis.seconds // SECONDS_PER_DAY - (year - 1) * DAYS_PER_YEAR
    if yearday is not None:
        wanted = [day_of_yearday(year, int(yearday[place])) for place in axis.kept]
        if any(a is None or a % DAYS_PER_YEAR != b for a, b in zip(wanted, day.tolist(), strict=True)):
            raise InputError("time and yearday do not agree", file=path, variable="yearday")
    sample = np.full(DAYS_PER_YEAR, -1, dtype=np.int64)
    inside = (day >= 0) & (day < DAYS_PER_YEAR)
    if not inside.all() or np.unique(day).size != day.size:
        raise InputError(
            "days of another year, or twice the same", file=path, variable="time", expected=str(year)
        )
    sample[day] = axis.kept
    made = bool(is_leap(year) and sample[-1] < 0 and sample[-2] >= 0)
    if made:
        sample[-1] = sample[-2]
    missing = np.flatnonzero(sample < 0)
    if missing.size:
        start = ((year - 1) * DAYS_PER_YEAR + int(missing[0])) * SECONDS_PER_DAY
        raise InputError(
            "a day is missing",
            file=path,
            variable="time",
            where=describe_seconds(start)[:10],
            found=f"{missing.size} of {DAYS_PER_YEAR} days missing",
            expected="every day of the year (of a leap year 31 December may be absent)",
        )
    dropped = np.setdiff1d(np.arange(samples), axis.kept)
    return YearFile(path, sample, made, int(dropped[0]) if dropped.size else None)


def _check_values(values: FloatArray, name: str, dataset: Dataset, day: int, places: CellPlaces) -> None:
    """InputError where a land cell has no value or one beyond the limits."""
    known = VARIABLES[name]
    if known.low <= values.min() and values.max() <= known.high:
        return
    bad = np.flatnonzero(~((values >= known.low) & (values <= known.high)))
    if bad.size:
        missing = bool(np.isnan(values[bad[0]]))
        entry = f"row {int(places.rows[bad[0]])}, column {int(places.columns[bad[0]])}"
        raise InputError(
            "no value on land" if missing else "outside the physical limits",
            file=dataset.path,
            variable=name,
            where=f"{describe_seconds(day * SECONDS_PER_DAY)[:10]}, {entry}",
            found=f"{bad.size} cells" + ("" if missing else f", first {values[bad[0]]:g}"),
            expected=f"{known.low:g} to {known.high:g} {known.units[0]}",
        )


def leap_year_change(entry: YearFile, name: str, places: CellPlaces) -> tuple[float, float] | None:
    """Mean over the cells of 29 February, which is left out, and of 31 December, which is made."""
    if entry.leap_sample is None or not entry.made:
        return None
    with open_dataset(entry.path) as dataset:
        variable: Variable = dataset[name]
        removed, made = (
            float(np.nanmean(places.read(variable, sample)))
            for sample in (entry.leap_sample, int(entry.sample[-1]))
        )
    return removed, made
