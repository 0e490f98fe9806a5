"""Daily Daymet and a reanalysis as a source of three-hourly fields, month by month, block by block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.orbit import Orbit, orbital_parameters
from kiloland.craft.forcing.bins import BINS_PER_DAY, local_day_shift, month_days
from kiloland.craft.forcing.block import FIELDS
from kiloland.craft.forcing.daymet import DaymetSource, leap_year_change
from kiloland.craft.forcing.groups import Groups
from kiloland.craft.forcing.heights import Heights
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.local_days import LocalDays
from kiloland.craft.forcing.locate import Weights, grid_weights
from kiloland.craft.forcing.losses import Block, Losses
from kiloland.craft.forcing.maps import FILE_SINGLE, one_ahead
from kiloland.craft.forcing.output import Month
from kiloland.craft.forcing.places import Cells
from kiloland.craft.forcing.reanalysis import Reanalysis
from kiloland.craft.forcing.request import USUAL, DayRule, Kept, Spreading
from kiloland.craft.forcing.shape import ShapeOfDays
from kiloland.files import open_dataset

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]

ORBITAL_YEAR: Final = 1990
"""Of the sun by which shortwave is spread: the data atmosphere's own default."""
EDGE: Final = 2
"""Local days before the month: one that reaches into it, and the one whose joint with it is smoothed."""
CELL_BYTES: Final = 2000
"""Memory of a block for each cell: up to four days of its samples (224 bytes each), its daily values and
those of the day before, its sun and weights, its part of the domain, and room to work them out."""
LEVEL: Final = np.empty(0)
"""Height of cells that lie on the surface of the reanalysis."""
SETTINGS: Final = "daily to 3-hourly, rules 4"


@dataclass(frozen=True)
class DownscalingSource:
    """Daymet's days and the reanalysis over the land cells of a domain; ``heights``: of the cells, None for
    cells at the surface of the reanalysis; ``valid``: points with values ``[lat, lon]``."""

    daymet: DaymetSource
    reanalysis: Reanalysis
    land: LandCells
    valid: NDArray[np.bool_]
    heights: Heights | None
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
        land: LandCells,
        years: range,
        heights: str | None,
        memory: int,
        spreading: Spreading = USUAL,
    ) -> DownscalingSource:
        """Find and validate both sources for whole years; InputError names the first fault."""
        daymet = DaymetSource.open(folder, land, years)
        first, end = month_days(years.start, 1)[0], month_days(years.stop - 1, 12)[1]
        reanalysis = Reanalysis.open(folder, first, end)
        valid = _valid(reanalysis)
        rising = None if heights is None else Heights.open(heights, reanalysis, land.number_of_cells, folder)
        for part in land.pieces():
            cells = land.cells(part)
            weights = _weights(reanalysis, cells, valid)
            if rising is not None:
                rising.above(part, cells, weights)
        adjusted = "no height adjustment" if heights is None else f"heights {heights}"
        return cls(
            daymet,
            reanalysis,
            land,
            valid,
            rising,
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
        """The fields of blocks of cells, day by day; the next day is made while one is in use."""
        for part in self.land.pieces(max(1, self.memory // CELL_BYTES)):
            yield from one_ahead(self._days(month, part, names))

    def _days(self, month: Month, part: slice, names: list[str]) -> Iterator[Block]:
        """Days of UTC at some cells. What is handed on stays as it is until the next but one."""
        cells = self.land.cells(part)
        weights = _weights(self.reanalysis, cells, self.valid)
        groups = Groups.of(weights, self._shifts(cells), cells.longitude, cells.latitude)
        rise = LEVEL if self.heights is None else self.heights.above(part, cells, weights)[groups.order]
        first, count = month.days[0] - EDGE, month.samples // BINS_PER_DAY
        shape = ShapeOfDays.read(self.reanalysis, weights, first, count + 2 * EDGE, self.orbit)
        places = self.daymet.matching.places(part).part(groups.order)
        work = LocalDays(groups, rise, shape, self.spreading.kept is Kept.MEAN, (0, month.samples), EDGE)
        for number, daily in enumerate(self.daymet.days(first, first + count + 2 * EDGE, places)):
            before = number - EDGE - 1
            sun = groups.sun(first + number - 1, self.orbit)
            lost = work.advance(number - EDGE, daily, sun)
            losses = Losses()
            if 0 <= before < count:
                losses = Losses(cells.number_of_cells, *lost)
            ready = before - work.behind
            if 0 <= ready < count:
                fields = work.of_day(ready)
                found = {name: fields[FIELDS.index(name)].view(FILE_SINGLE) for name in names}
                yield BINS_PER_DAY * ready, part.start, found, losses
            elif losses.cell_days:
                yield 0, part.start, {}, losses

    def _shifts(self, cells: Cells) -> IntArray:
        """Intervals by which local days begin before or after those of UTC."""
        shifts = local_day_shift(cells.longitude)
        return np.zeros_like(shifts) if self.spreading.day is DayRule.UTC else shifts


def _weights(reanalysis: Reanalysis, cells: Cells, valid: NDArray[np.bool_]) -> Weights:
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
            change = leap_year_change(entry, name, daymet.matching) if year in years else None
            if change is not None:
                yield (
                    f"{year}: 29 February left out ({change[0]:.3f} {words}), "
                    f"31 December made from 30 December ({change[1]:.3f})"
                )
