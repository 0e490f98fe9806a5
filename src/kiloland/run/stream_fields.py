"""What streams bring to the land, as history fields: nitrogen, phosphorus, people, lightning, particles.

No process of a run takes nitrogen, phosphorus, people or lightning yet. Their fields depend on place and time
alone, so that an interval is made from the files when it ends: nothing is accumulated, and a resumed run has
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from kiloland.atmosphere.blends import LightningHours, NitrogenYears, PopulationYears, Rule
from kiloland.atmosphere.calendar import SECONDS_PER_YEAR
from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.interpolate import TimeCycle
from kiloland.atmosphere.land_streams import LandStream, dated_samples
from kiloland.atmosphere.pixels import bilinear_pixels, nearest_pixels
from kiloland.files import Dataset
from kiloland.run.case import STREAM_KEYS, Case, StreamRule, StreamsTable
from kiloland.run.land_streams import particle_stream
from kiloland.run.layout import Layout
from kiloland.variables import Averaging, HistoryVariable


def _per_second(sample: np.ndarray) -> np.ndarray:
    return np.asarray(sample[0] / SECONDS_PER_YEAR)


def _only(sample: np.ndarray) -> np.ndarray:
    return np.asarray(sample[0])


def _sum(rows: slice, sample: np.ndarray) -> np.ndarray:
    return np.asarray(sample[rows].sum(axis=0))


VALUES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "NDEP_TO_SMINN": _per_second,
    "PDEP_TO_SMINP": _per_second,
    "HDM": _only,
    "LNFM": _only,
    "BCDEP": partial(_sum, slice(0, 3)),
    "OCDEP": partial(_sum, slice(3, 6)),
    "DSTDEP": partial(_sum, slice(6, 14)),
}
"""What a sample ``[variable, cell]`` of a stream gives to a field, ``[cell]``."""
SOIL_ONLY = ("NDEP_TO_SMINN", "PDEP_TO_SMINP")
SOIL_LANDUNIT = "veg"


@dataclass(frozen=True)
class StreamSource:
    """The streams of a case at the cells of a rank, by the key of their file."""

    streams: Mapping[str, LandStream]
    timestep: int

    @classmethod
    def open(cls, case: Case, places: Places) -> StreamSource:
        """Open every stream that the case names.

        Raises:
            InputError: a file or a variable is missing, a unit is wrong, the years are not in it.
        """
        opened = {}
        for key in dict.fromkeys(STREAM_KEYS.values()):
            path = case.file_of(key)
            if path is not None:
                opened[key] = _open(key, path, places, case.streams)
                # A first sample, so that a fault of the file shows before the run begins.
                opened[key].at(case.start + case.case.step_seconds)
        return cls(opened, case.case.step_seconds)

    def record(
        self, variable: HistoryVariable, begin: int, end: int, layout: Layout, on_columns: bool
    ) -> np.ndarray | None:
        """A field over the steps of an interval; None where it is none of a stream.

        Args:
            variable: the field.
            begin, end: of the interval, s since 0001-01-01.
            layout: the columns of the rank.
            on_columns: as a vector over columns instead of the mean of each cell.
        """
        if variable.name not in VALUES:
            return None
        cells = self.interval(variable, begin, end)
        if variable.level != "column":
            return cells
        columns = cells[layout.gridcell]
        if variable.name in SOIL_ONLY:
            columns = np.where(layout.of_landunit(SOIL_LANDUNIT), columns, np.nan)
        return columns if on_columns else layout.cell_mean(columns, variable)

    def interval(self, variable: HistoryVariable, begin: int, end: int) -> np.ndarray:
        """A field over the steps of an interval, ``[cell]``; the value of a step is that of its end."""
        stream, value = self.streams[STREAM_KEYS[variable.name]], VALUES[variable.name]
        return self._over(lambda moment: value(stream.at(moment)), variable.averaging, begin, end)

    def samples(self, key: str, averaging: Averaging, begin: int, end: int) -> np.ndarray | None:
        """All variables of a file over an interval, ``[variable, cell]``; None without a file."""
        stream = self.streams.get(key)
        return None if stream is None else self._over(stream.at, averaging, begin, end)

    def _over(
        self, at: Callable[[int], np.ndarray], averaging: Averaging, begin: int, end: int
    ) -> np.ndarray:
        """Mean or extreme of the values at the ends of steps, one after the other, or the last of them."""
        if averaging == "instantaneous":
            return at(end)
        first, *others = range(begin + self.timestep, end + 1, self.timestep)
        found = at(first)
        for moment in others:
            if averaging == "mean":
                found = found + at(moment)
            else:
                found = (np.maximum if averaging == "maximum" else np.minimum)(found, at(moment))
        return found / (len(others) + 1) if averaging == "mean" else found


@dataclass(frozen=True)
class _Rules:
    """How a file is read: its variable, in ELM's site mode, and as a stream whose samples have dates."""

    variable: str
    years: str
    """Key of the data years in the case."""
    site: Rule | None
    """None where the site mode reads it as a stream with dates, too."""
    ahead: int
    extend: bool = True
    nearest: bool = False

    def open(self, path: Path, places: Places, table: StreamsTable) -> LandStream:
        """The stream by the rule that the case has chosen."""
        site = self.site
        if table.rule is StreamRule.SITE and site is not None:
            return LandStream.open(path, [self.variable], places, lambda _: site, nearest_pixels, self.ahead)
        first, last = getattr(table, self.years)
        cycle = TimeCycle(first, last, table.align)

        def dated(dataset: Dataset) -> Rule:
            return dated_samples(dataset, cycle, self.extend, self.nearest)

        return LandStream.open(path, [self.variable], places, dated, bilinear_pixels, self.ahead)


_RULES: Mapping[str, _Rules] = {
    "streams.nitrogen": _Rules("NDEP_year", "nitrogen_years", NitrogenYears(), 2),
    "streams.phosphorus": _Rules("PDEP_year", "phosphorus_years", None, 1),
    "streams.population": _Rules("hdm", "population_years", PopulationYears(), 2, nearest=True),
    "streams.lightning": _Rules("lnfm", "lightning_years", LightningHours(), 240, extend=False),
}


def _open(key: str, path: Path, places: Places, table: StreamsTable) -> LandStream:
    if key == "input.deposition":
        return particle_stream(path, places)
    return _RULES[key].open(path, places, table)
