"""Daymet's daily files: ``daymet_v4_daily_<region>_<variable>_<year>.nc``, one variable and year each.

Their years have 365 days: leap years keep 29 February and drop 31 December. ELM's years are the other way
round, so 29 February is left out and 31 December is made: it has the values of 30 December.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import DAYS_PER_YEAR, SECONDS_PER_DAY, decode_times, describe_seconds
from kiloland.atmosphere.derive import FREEZING
from kiloland.craft.forcing.bins import day_of_yearday, is_leap
from kiloland.craft.forcing.decode import physical
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.maps import SampleReader
from kiloland.craft.forcing.matching import CellsOfFile, Matching
from kiloland.craft.forcing.places import CellPlaces
from kiloland.craft.forcing.weather import DailyWeather
from kiloland.errors import InputError
from kiloland.files import open_dataset

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
ROWS: Final = ("tmin", "tmax", "prcp", "vp", "srad", "dayl")
"""Their order in arrays of days."""


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
    matching: Matching

    @classmethod
    def open(cls, folder: Path, land: LandCells, years: range) -> DaymetSource:
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
        return cls(files, _matched(files, land))

    def days(self, first: int, end: int, places: CellPlaces) -> Iterator[FloatArray]:
        """Days ``first`` to ``end`` (excluded) one after the other at some places ``[5, cell]``, in the order
        of :class:`~kiloland.craft.forcing.weather.DailyWeather`; each holds until the next is asked for.

        Days of years without files are those of the nearest year's end. InputError for missing values on land
        and for values beyond the limits.
        """
        values = np.empty((len(ROWS), places.rows.size))
        with ExitStack() as stack:
            readers: dict[Path, DayReader] = {}
            for day in range(first, end):
                for row, name in enumerate(ROWS):
                    entry, sample = self._sample(name, day)
                    if entry.path not in readers:
                        reader = DayReader(entry.path, VARIABLES[name], places)
                        readers[entry.path] = stack.enter_context(reader)
                    readers[entry.path].read(sample, day, values[row])
                self._require_order(values[0], values[1], day, places)
                values[:2] += FREEZING
                values[4] *= values[5]
                values[4] /= SECONDS_PER_DAY
                yield values[:5]

    def _require_order(self, tmin: FloatArray, tmax: FloatArray, day: int, places: CellPlaces) -> None:
        """InputError where a minimum lies above the maximum."""
        if (tmin <= tmax).all():
            return
        cell = int(np.argmax(tmin - tmax))
        raise InputError(
            "tmin above tmax",
            file=self._sample("tmin", day)[0].path,
            where=f"{describe_seconds(day * SECONDS_PER_DAY)[:10]}, row {int(places.rows[cell])}, "
            f"column {int(places.columns[cell])}",
            found=f"{tmin[cell]:g} and {tmax[cell]:g} deg C",
        )

    def _sample(self, name: str, day: int) -> tuple[YearFile, int]:
        """The file and the sample in it that serve for a day."""
        years = self.files[name]
        year, of_year = divmod(day, DAYS_PER_YEAR)
        year += 1
        if year < min(years):
            year, of_year = min(years), 0
        elif year > max(years):
            year, of_year = max(years), DAYS_PER_YEAR - 1
        return years[year], int(years[year].sample[of_year])


class DayReader:
    """Reads single days of one file at some cells, checked; use it in a ``with`` statement."""

    def __init__(self, path: Path, known: DaymetVariable, places: CellPlaces) -> None:
        self.path, self.known, self.places = path, known, places

    def __enter__(self) -> DayReader:
        self.stack = ExitStack()
        self.variable = self.stack.enter_context(open_dataset(self.path))[self.known.name]
        self.reader = self.stack.enter_context(SampleReader(self.variable, self.places))
        attributes = self.variable.attributes
        marks = [float(attributes[key]) for key in ("_FillValue", "missing_value") if key in attributes]
        # Where no mark lies within the limits these alone tell what is missing.
        self.direct = self.variable.dtype == np.float32 and not (
            {"scale_factor", "add_offset"} & attributes.keys()
            or any(self.known.low <= mark <= self.known.high for mark in marks)
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.close()

    def read(self, sample: int, day: int, out: FloatArray) -> None:
        """The values ``[cell]`` of a sample; InputError where one is missing or beyond the limits."""
        stored, known = self.reader.stored(sample), self.known
        if self.direct and known.low <= stored.min() and stored.max() <= known.high:
            out[:] = stored
            return
        out[:] = physical(self.variable, stored, np.float64)
        if not (known.low <= out.min() and out.max() <= known.high):
            self._refuse(out, day)

    def _refuse(self, values: FloatArray, day: int) -> None:
        known = self.known
        bad = np.flatnonzero(~((values >= known.low) & (values <= known.high)))
        missing = bool(np.isnan(values[bad[0]]))
        entry = f"row {int(self.places.rows[bad[0]])}, column {int(self.places.columns[bad[0]])}"
        raise InputError(
            "no value on land" if missing else "outside the physical limits",
            file=self.path,
            variable=known.name,
            where=f"{describe_seconds(day * SECONDS_PER_DAY)[:10]}, {entry}",
            found=f"{bad.size} cells" + ("" if missing else f", first {values[bad[0]]:g}"),
            expected=f"{known.low:g} to {known.high:g} {known.units[0]}",
        )


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


def _matched(files: Mapping[str, Mapping[int, YearFile]], land: LandCells) -> Matching:
    """Where the cells lie in the files; InputError unless all files have the same axes."""
    matching: Matching | None = None
    first: CellsOfFile | None = None
    for name, by_year in files.items():
        for entry in by_year.values():
            with open_dataset(entry.path) as dataset:
                cells = CellsOfFile.of(dataset, dataset[name])
            if matching is None or first is None:
                matching, first = Matching(land, entry.path, name), cells
                matching.require_all()
            first.require(cells, entry.path, name)
    assert matching is not None
    return matching


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


def leap_year_change(entry: YearFile, name: str, matching: Matching) -> tuple[float, float] | None:
    """Mean over the cells of 29 February, which is left out, and of 31 December, which is made."""
    if entry.leap_sample is None or not entry.made:
        return None
    sums, known = np.zeros(2), np.zeros(2)
    for part in matching.land.pieces():
        with (
            open_dataset(entry.path) as dataset,
            SampleReader(dataset[name], matching.places(part)) as reader,
        ):
            for which, sample in enumerate((entry.leap_sample, int(entry.sample[-1]))):
                values = reader.read(sample)
                sums[which] += np.nansum(values)
                known[which] += np.isfinite(values).sum()
    removed, made = (sums / known).tolist()
    return removed, made
