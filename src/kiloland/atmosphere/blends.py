"""Which samples of a stream hold at a moment, and how two of them are mixed.

Two families: the rules that ELM's site mode has for each file, and streams of E3SM's data models, whose
samples have dates. A moment is the end of a step, s since 0001-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    MONTH_STARTS,
    SECONDS_PER_DAY,
    SECONDS_PER_YEAR,
    calendar_day,
)
from kiloland.atmosphere.interpolate import TimeCycle, bracket_times, unwrapped_axis

FIRST_NITROGEN, LAST_NITROGEN = 1, 167
"""Samples (from 0) of the yearly nitrogen file that ELM uses: the years 1850 to 2016."""
LAST_POPULATION = 160
LIGHTNING_INTERVAL = 3 * 3600
"""s."""


@dataclass(frozen=True)
class Blend:
    """``share`` of sample ``first`` and the rest of sample ``second``, both from 0."""

    first: int
    second: int
    share: float


class Rule(Protocol):
    """Gives the samples of a moment."""

    def blend(self, seconds: int) -> Blend:
        """The samples at a model time."""
        ...


@dataclass(frozen=True)
class NitrogenYears:
    """Site mode, nitrogen: between the samples of this year and the next, linear over the year.

    Sample 0 is 1849. Before 1850 the years are all those of 1850: deposition then rises or falls within each
    year towards 1851 and jumps back on 1 January.
    """

    def blend(self, seconds: int) -> Blend:
        """The samples of a moment."""
        year = _year(seconds)
        first = min(max(year - 1849, FIRST_NITROGEN), LAST_NITROGEN)
        return Blend(first, min(first + 1, LAST_NITROGEN), _left_of_year(seconds))


@dataclass(frozen=True)
class PopulationYears:
    """Site mode, people: as nitrogen, but constant before 1850 and from 2010 on."""

    def blend(self, seconds: int) -> Blend:
        """The samples of a moment."""
        year = _year(seconds)
        if year < 1850:
            first = second = 1
        elif year >= 2010:
            first = second = LAST_POPULATION
        else:
            first, second = year - 1849, year - 1848
        return Blend(first, second, _left_of_year(seconds))


@dataclass(frozen=True)
class AerosolMonths:
    """Site mode, particles: between the middles of months, linear in time.

    Sample 0 is January 1849; years before 1850 are 1850, those after 2100 are 2100. In month m of N days, t
    days after its beginning, the month has the share 1/2 + t/N before its middle and 3/2 - t/N after it, the
    neighbouring month the rest. At the turn of unequal months the rate changes, not the value.
    """

    def blend(self, seconds: int) -> Blend:
        """The samples of a moment."""
        day = float(calendar_day(seconds)) - 1.0
        month = int(np.searchsorted(MONTH_STARTS, int(day), side="right")) - 1
        start, end = float(MONTH_STARTS[month]), float(MONTH_STARTS[month + 1])
        middle, length = (start + end) / 2.0, end - start
        number = (min(max(_year(seconds), 1850), 2100) - 1849) * 12 + month
        if day <= middle:
            return Blend(number, number - 1, 0.5 + (day - start) / length)
        return Blend(number, number + 1, 1.0 - (day - middle) / length)


@dataclass(frozen=True)
class LightningHours:
    """Site mode, lightning: the sample of the three hours, the same year again and again."""

    def blend(self, seconds: int) -> Blend:
        """The sample of a moment."""
        number = seconds % SECONDS_PER_YEAR // LIGHTNING_INTERVAL
        return Blend(number, number, 1.0)


@dataclass(frozen=True)
class DatedSamples:
    """A stream: samples at dates of some data years, mixed linearly or the nearer one alone.

    ``axis``: data times of all samples of the file, s since 0001-01-01, ascending; ``cycle``: the data years
    and the model year of the first; ``extend``: beyond the first and last sample the outermost one holds,
    otherwise the years begin again.
    """

    axis: NDArray[np.int64]
    cycle: TimeCycle
    extend: bool
    nearest: bool = False

    @cached_property
    def _chosen(self) -> NDArray[np.int64]:
        """Samples within the data years."""
        within = (self.axis >= self.cycle.start) & (self.axis < self.cycle.start + self.cycle.length)
        return np.flatnonzero(within)

    def blend(self, seconds: int) -> Blend:
        """The samples of a moment.

        Raises:
            InputError: no sample within the data years.
        """
        chosen, count = self._chosen, len(self._chosen)
        inner = self.axis[chosen]
        if self.extend:
            moment = seconds + (self.cycle.year_first - self.cycle.year_align) * SECONDS_PER_YEAR
            if count and moment <= inner[0]:
                return Blend(int(chosen[0]), int(chosen[0]), 1.0)
            if count and moment >= inner[-1]:
                return Blend(int(chosen[-1]), int(chosen[-1]), 1.0)
        else:
            moment = seconds + self.cycle.shift(seconds)
            inner = unwrapped_axis(inner, self.cycle)
            chosen = np.concatenate((chosen[-1:], chosen, chosen[:2]))
        found = bracket_times(inner, np.array([moment]))
        lower, upper = int(found.lower[0]), int(found.upper[0])
        before, after = moment - int(inner[lower]), int(inner[upper]) - moment
        share = float(before <= after) if self.nearest else after / (before + after)
        return Blend(int(chosen[lower]), int(chosen[upper]), share)


def _year(seconds: int) -> int:
    return seconds // SECONDS_PER_YEAR + 1


def _left_of_year(seconds: int) -> float:
    """1 at the beginning of a year, falling to 0."""
    day = seconds % SECONDS_PER_YEAR / SECONDS_PER_DAY
    return 1.0 - day / DAYS_PER_YEAR
