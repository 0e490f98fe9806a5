"""Daily Daymet and a reanalysis as a source of three-hourly fields, month by month, block by block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.orbit import Orbit, orbital_parameters
from kiloland.craft.forcing.bins import BINS_PER_DAY, local_day_shift, month_days, solar_hours
from kiloland.craft.forcing.block import FIELDS, clock, in_order, spread_group
from kiloland.craft.forcing.daymet import DaymetSource, leap_year_change
from kiloland.craft.forcing.groups import grouped
from kiloland.craft.forcing.heights import read_heights
from kiloland.craft.forcing.locate import Weights, grid_weights
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.maps import FILE_SINGLE
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.craft.forcing.reanalysis import Reanalysis
from kiloland.craft.forcing.request import USUAL, DayRule, Kept, Spreading
from kiloland.craft.forcing.shape import ShapeOfDays
from kiloland.craft.forcing.sun import sun_of_days
from kiloland.files import open_dataset
from kiloland.grid import Domain, Grid

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

ORBITAL_YEAR: Final = 1990
"""Of the sun by which shortwave is spread: the data atmosphere's own default."""
EDGE: Final = 2
"""Local days before the month: one that reaches into it, and the one whose joint with it is smoothed."""
BYTES_PER_CELL: Final = 2 * 5 * 8 * (31 + 2 * EDGE) + 31 * BINS_PER_DAY * 4 * len(VARIABLES)
"""Memory of a band for each cell: its days, twice, and the fields of a month."""
PIECE_BYTES: Final = 1 << 20
"""Of a field that is put into the order of the domain at a time; it is written while it is in the cache."""
LEVEL: Final = np.empty(0)
"""Height of cells that lie on the surface of the reanalysis."""
SETTINGS: Final = "daily to 3-hourly, rules 3"


@dataclass(frozen=True)
class DownscalingSource:
    """Daymet's days and the reanalysis over the land cells of a domain; ``rise``: height of the cells above
    the surface of the reanalysis [m], None without heights; ``valid``: points with values ``[lat, lon]``."""

    daymet: DaymetSource
    reanalysis: Reanalysis
    land: Domain
    valid: NDArray[np.bool_]
    rise: FloatArray | None
    memory: int
    orbit: Orbit
    settings: str
    notes: tuple[str, ...]
    spreading: Spreading = USUAL
    together: bool = True

    @classmethod
    def open(
        cls,
        folder: Path,
        land: Domain,
        grid: Grid,
        years: range,
        heights: str | None,
        memory: int,
        spreading: Spreading = USUAL,
    ) -> DownscalingSource:
        """Find and validate both sources for whole years; InputError names the first fault."""
        daymet = DaymetSource.open(folder, land, grid, years)
        first, end = month_days(years.start, 1)[0], month_days(years.stop - 1, 12)[1]
        reanalysis = Reanalysis.open(folder, first, end)
        valid = _valid(reanalysis)
        weights = _weights(reanalysis, land, valid)
        rise, adjusted = None, "no height adjustment"
        if heights is not None:
            rise, adjusted = read_heights(heights, land, reanalysis, weights, folder), f"heights {heights}"
        return cls(
            daymet,
            reanalysis,
            land,
            valid,
            rise,
            memory,
            orbital_parameters(ORBITAL_YEAR),
            f"{SETTINGS}, {adjusted}{spreading.words}",
            tuple(_leap_notes(daymet, years)),
            spreading,
        )

    def attributes(self, month: Month) -> dict[str, str]:
        """Global attributes that say where the values come from."""
        text = {
            "comment": "daily values of Daymet spread over local days with the shape of a reanalysis",
            "local_day": "the eight intervals of 3 hours from 0 h UTC on"
            if self.spreading.day is DayRule.UTC
            else "the eight intervals of 3 hours whose middles lie between the midnights of "
            "UTC + round(longitude/15) hours",
        }
        if self.spreading.kept is Kept.MEAN:
            text["daily_temperature"] = "the mean of a day is (tmin + tmax)/2; its extremes are others"
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
        """The fields of bands of cells, some samples at a time."""
        count = self.land.number_of_cells
        size = max(1, self.memory * 3 // (4 * BYTES_PER_CELL))
        for begin in range(0, count, size):
            band = slice(begin, min(begin + size, count))
            found, place, losses = self._band(month, band)
            step = max(1, PIECE_BYTES // (4 * place.size))
            piece = np.empty((step, place.size), np.uint32)
            for name in names:
                stored = found[FIELDS.index(name)].view(np.uint32)
                for row in range(0, month.samples, step):
                    some = stored[row : row + step]
                    in_order(some, place, piece)
                    yield row, begin, {name: piece[: len(some)].view(FILE_SINGLE)}, losses
                    losses = Losses()

    def _band(self, month: Month, band: slice) -> tuple[SingleArray, IntArray, Losses]:
        """The month at some cells ``[7, sample, place]``, group by group, and the place of each cell."""
        days = month.samples // BINS_PER_DAY + 2 * EDGE
        first = month.days[0] - EDGE
        cells = self.land.take(band)
        weights = _weights(self.reanalysis, cells, self.valid)
        daily = self.daymet.load(first, first + days, band)
        values = np.stack([getattr(daily, one.name) for one in fields(daily)])
        shape = ShapeOfDays.read(self.reanalysis, weights, first, days, self.orbit)
        found = np.empty((len(FIELDS), month.samples, cells.number_of_cells), np.float32)
        place = np.empty(cells.number_of_cells, dtype=np.int64)
        lost, begin = np.zeros(2, np.int64), 0
        shifts = local_day_shift(cells.longitude)
        if self.spreading.day is DayRule.UTC:
            shifts = np.zeros_like(shifts)
        for group in grouped(weights, shifts):
            end = begin + group.cells.size
            longitude, latitude = cells.longitude[group.cells], cells.latitude[group.cells]
            points, rain = shape.at_points(group, days)
            spread_group(
                values,
                group.cells,
                points,
                group.weight,
                rain,
                sun_of_days(first, days, longitude, latitude, group.shift, self.orbit),
                clock(solar_hours(longitude, group.shift)),
                self.spreading.kept is Kept.MEAN,
                LEVEL if self.rise is None else self.rise[band.start + group.cells],
                BINS_PER_DAY * EDGE - group.shift,
                (EDGE, days - EDGE),
                found[:, :, begin:end],
                lost,
            )
            place[group.cells] = np.arange(begin, end)
            begin = end
        cell_days = (days - 2 * EDGE) * cells.number_of_cells
        return found, place, Losses(cell_days, int(lost[0]), int(lost[1]))


def _weights(reanalysis: Reanalysis, cells: Domain, valid: NDArray[np.bool_]) -> Weights:
    """Weights of the points of the reanalysis around some cells."""
    folder = str(reanalysis.series["TBOT"].paths[0].parent)
    axes = (reanalysis.longitude, reanalysis.latitude)
    return grid_weights(*axes, cells.longitude, cells.latitude, valid, folder)


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
