"""Daily Daymet and a reanalysis as a source of three-hourly fields, month by month, block by block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import calendar_day
from kiloland.atmosphere.interpolate import Sun
from kiloland.atmosphere.orbit import Orbit, declination, orbital_parameters
from kiloland.craft.forcing.bins import (
    BIN_SECONDS,
    BINS_PER_DAY,
    local_day_shift,
    month_days,
    solar_hours,
)
from kiloland.craft.forcing.daymet import DaymetSource, leap_year_change
from kiloland.craft.forcing.heights import read_heights
from kiloland.craft.forcing.kernel import (
    SOLAR_CONSTANT,
    CellSun,
    DailyWeather,
    Downscaled,
    SubdailyShape,
    downscale,
)
from kiloland.craft.forcing.locate import Weights, grid_weights
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.craft.forcing.reanalysis import Reanalysis
from kiloland.files import open_dataset
from kiloland.grid import Domain, Grid

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ORBITAL_YEAR: Final = 1990
"""Of the sun by which shortwave is spread: the data atmosphere's own default."""
MARGIN: Final = 4
"""Days read before and after a month: one for local time, one for the joints, two for the mean cycle."""
CYCLE_DAYS: Final = 2
"""Days before and after that make the mean cycle of precipitation."""
BYTES_PER_VALUE: Final = 8 * 45
"""Memory of the kernel for one interval of one cell."""
SETTINGS: Final = "daily to 3-hourly, rules 1"


@dataclass(frozen=True)
class DownscalingSource:
    """Daymet's days and the reanalysis over the land cells of a domain; ``rise``: height of the cells above
    the surface of the reanalysis [m]."""

    daymet: DaymetSource
    reanalysis: Reanalysis
    land: Domain
    weights: Weights
    rise: FloatArray
    memory: int
    settings: str
    notes: tuple[str, ...]

    @classmethod
    def open(
        cls, folder: Path, land: Domain, grid: Grid, years: range, heights: str | None, memory: int
    ) -> DownscalingSource:
        """Find and validate both sources for whole years; InputError names the first fault."""
        daymet = DaymetSource.open(folder, land, grid, years)
        first, end = month_days(years.start, 1)[0], month_days(years.stop - 1, 12)[1]
        reanalysis = Reanalysis.open(folder, first, end)
        weights = grid_weights(
            reanalysis.longitude,
            reanalysis.latitude,
            land.longitude,
            land.latitude,
            _valid(reanalysis),
            str(folder),
        )
        rise, adjusted = np.zeros(land.number_of_cells), "no height adjustment"
        if heights is not None:
            rise, adjusted = read_heights(heights, land, reanalysis, weights, folder), f"heights {heights}"
        return cls(
            daymet,
            reanalysis,
            land,
            weights,
            rise,
            memory,
            f"{SETTINGS}, {adjusted}",
            tuple(_leap_notes(daymet, years)),
        )

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from."""
        text = {
            "comment": "daily values of Daymet spread over local days with the shape of a reanalysis",
            "local_day": "the eight intervals of 3 hours whose middles lie between the midnights of "
            "UTC + round(longitude/15) hours",
        }
        if month.month == 12 and self.daymet.files["prcp"][month.year].made:
            text["made_days"] = f"{month}-31: daily values of 30 December, which Daymet lacks in leap years"
        labels = {self._comment(entry[month.year].path) for entry in self.daymet.files.values()} - {""}
        if labels:
            text["source_comment"] = "; ".join(sorted(labels))
        return text

    @staticmethod
    def _comment(path: Path) -> str:
        with open_dataset(path) as dataset:
            return str(dataset.attributes.get("comment", ""))

    def month(self, month: Month, names: list[str]) -> Iterator[Block]:
        """The fields of blocks of cells, all samples at once."""
        days = month.days[1] - month.days[0] + 2 * MARGIN
        size = max(1, min(self.memory // (days * BINS_PER_DAY * BYTES_PER_VALUE), 4096))
        # Sources are read for many blocks at once, since a map is read as a whole.
        large = size * max(1, self.memory // (days * 6 * 8 * size * 4))
        count = self.land.number_of_cells
        for begin in range(0, count, large):
            wide = slice(begin, min(begin + large, count))
            daily = self.daymet.load(month.days[0] - MARGIN, month.days[1] + MARGIN, wide)
            shape = ShapeOfMonth.read(self, month)
            for start in range(wide.start, wide.stop, size):
                cells = slice(start, min(start + size, wide.stop))
                part = _daily_part(daily, slice(cells.start - wide.start, cells.stop - wide.start))
                values, losses = self._block(month, cells, part, shape)
                yield 0, start, {name: values[name] for name in names}, losses

    def _block(
        self, month: Month, cells: slice, daily: DailyWeather, shape: ShapeOfMonth
    ) -> tuple[dict[str, FloatArray], Losses]:
        """The month at some cells, those of one local time together."""
        longitude = self.land.longitude[cells]
        shifts = local_day_shift(longitude)
        first, end = month.days
        result = {name: np.empty((month.samples, longitude.size)) for name in VARIABLES}
        losses = Losses()
        for shift in np.unique(shifts).tolist():
            members = np.flatnonzero(shifts == shift)
            done = self._local(month, members + cells.start, shift, _daily_part(daily, members), shape)
            skip = BINS_PER_DAY * 2 - shift
            for name, values in done.fields.items():
                flat = values.reshape(-1, members.size)
                result[name][:, members] = flat[skip : skip + month.samples]
            inside = slice(2, 2 + end - first)
            losses.add(
                Losses(
                    (end - first) * members.size,
                    int(done.vapour_cut[inside].sum()),
                    int(done.shortwave_cut[inside].sum()),
                )
            )
        return result, losses

    def _local(
        self, month: Month, cells: IntArray, shift: int, daily: DailyWeather, shape: ShapeOfMonth
    ) -> Downscaled:
        """Local days, two beyond the month on both sides, of cells with one local time."""
        first, end = month.days[0] - 2, month.days[1] + 2
        days = slice(MARGIN - 2, MARGIN - 2 + end - first)
        part = DailyWeather(**{one.name: getattr(daily, one.name)[days] for one in fields(DailyWeather)})
        longitude, latitude = self.land.longitude[cells], self.land.latitude[cells]
        bins = BINS_PER_DAY * first + shift + np.arange(BINS_PER_DAY * (end - first), dtype=np.int64)
        sun = cell_sun(bins, longitude, latitude, shift, orbital_parameters(ORBITAL_YEAR))
        return downscale(part, shape.local(self.weights, cells, shift), sun, self.rise[cells])


def cell_sun(
    bins: IntArray, longitude: FloatArray, latitude: FloatArray, shift: int, orbit: Orbit
) -> CellSun:
    """The sun above cells in whole local days of consecutive intervals."""
    starts = bins * BIN_SECONDS
    distance = declination(orbit, calendar_day(starts + BIN_SECONDS // 2))[1][:, None]
    above = SOLAR_CONSTANT * distance * Sun(orbit, longitude, latitude).mean_cosine(starts, BIN_SECONDS)
    return CellSun(above.reshape(-1, BINS_PER_DAY, longitude.size), solar_hours(longitude, shift))


@dataclass(frozen=True)
class ShapeOfMonth:
    """The reanalysis at its points, for a month and MARGIN days around it ``[bin, point]``."""

    values: dict[str, FloatArray]

    @classmethod
    def read(cls, source: DownscalingSource, month: Month) -> ShapeOfMonth:
        """Read what a month needs."""
        reanalysis, window = source.reanalysis, source.weights.window
        first, end = month.days[0] - MARGIN, month.days[1] + MARGIN
        bins = np.arange(first * BINS_PER_DAY, end * BINS_PER_DAY, dtype=np.int64)
        found = {name: reanalysis.states(name, bins, window) for name in ("TBOT", "PSRF", "FLDS", "WIND")}
        found["QBOT"] = reanalysis.humidity(bins, window)
        found["PRECTmms"] = reanalysis.fluxes("PRECTmms", bins, window)[0]
        found["FSDS"], starts, length = reanalysis.fluxes("FSDS", bins, window)
        folder = str(reanalysis.series["TBOT"].paths[0].parent)
        values = {name: source.weights.finite(part, name, folder) for name, part in found.items()}
        values["FSDS"] = np.maximum(values["FSDS"], 0.0)
        values["rain"] = np.maximum(values.pop("PRECTmms"), 0.0)
        orbit = orbital_parameters(ORBITAL_YEAR)
        values["sun_above"] = reanalysis.sun_above(starts, length, window, orbit)
        return cls(values)

    def local(self, weights: Weights, cells: IntArray, shift: int) -> SubdailyShape:
        """Local days, two days beyond the month on both sides, at some cells ``[day, 8, cell]``."""
        skip = BINS_PER_DAY * (MARGIN - 2) + shift
        total = self.values["rain"].shape[0] - 2 * BINS_PER_DAY * (MARGIN - 2)

        def days(values: FloatArray) -> FloatArray:
            return values.reshape(-1, BINS_PER_DAY, cells.size)

        def smooth(name: str) -> FloatArray:
            return days(weights.bilinear(self.values[name][skip : skip + total], cells))

        rain = self.values["rain"][:, weights.nearest[cells]]
        around = self.values["rain"][skip : skip + total][:, weights.around[0, cells]]
        for point in weights.around[1:, cells]:
            around = around + self.values["rain"][skip : skip + total][:, point]
        return SubdailyShape(
            temperature=smooth("TBOT"),
            specific_humidity=smooth("QBOT"),
            pressure=smooth("PSRF"),
            longwave=smooth("FLDS"),
            wind=smooth("WIND"),
            shortwave=smooth("FSDS"),
            sun_above=smooth("sun_above"),
            rain=days(rain[skip : skip + total]),
            rain_around=days(around),
            rain_cycle=mean_cycle(rain, shift, total // BINS_PER_DAY),
        )


def mean_cycle(rain: FloatArray, shift: int, days: int) -> FloatArray:
    """Sum over the local day and CYCLE_DAYS around it of each of its eight intervals ``[day, 8, cell]``.

    At the ends of the series fewer days count; those days serve as neighbours of joints only.
    """
    total = np.zeros((days, BINS_PER_DAY, rain.shape[1]))
    skip = BINS_PER_DAY * (MARGIN - 2) + shift
    for offset in range(-CYCLE_DAYS, CYCLE_DAYS + 1):
        begin = skip + BINS_PER_DAY * offset
        for day in range(days):
            at = begin + BINS_PER_DAY * day
            if at >= 0 and at + BINS_PER_DAY <= rain.shape[0]:
                total[day] += rain[at : at + BINS_PER_DAY]
    return total


def _daily_part(daily: DailyWeather, cells: slice | IntArray) -> DailyWeather:
    return DailyWeather(**{one.name: getattr(daily, one.name)[:, cells] for one in fields(DailyWeather)})


def _valid(reanalysis: Reanalysis) -> NDArray[np.bool_]:
    """Points with values in the first sample of temperature ``[lat, lon]``."""
    one = reanalysis.series["TBOT"]
    with open_dataset(one.paths[0]) as dataset:
        return np.asarray(np.isfinite(dataset["TBOT"].values(slice(0, 1))[0]), dtype=np.bool_)


def _leap_notes(daymet: DaymetSource, years: range) -> Iterator[str]:
    """What the exchange of days in leap years does to rain and shortwave."""
    for name, words in (("prcp", "mm of precipitation"), ("tmax", "deg C of daily maximum")):
        for year, entry in daymet.files[name].items():
            change = leap_year_change(entry, name, daymet.places) if year in years else None
            if change is not None:
                yield (
                    f"{year}: 29 February left out ({change[0]:.3f} {words}), "
                    f"31 December made from 30 December ({change[1]:.3f})"
                )
