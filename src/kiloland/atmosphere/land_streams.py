"""What falls on the land and lives on it: particles, nitrogen, phosphorus, people, lightning.

A :class:`LandStream` is one variable of a file at some places; :class:`LandStreams` are all that a run needs,
in SI but for the amounts of nitrogen and phosphorus (g) and lightning (per hour), which ELM's equations
take so. :func:`site_streams` opens them with the rules of ELM's site mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.blends import (
    AerosolMonths,
    DatedSamples,
    LightningHours,
    NitrogenYears,
    PopulationYears,
    Rule,
)
from kiloland.atmosphere.calendar import SECONDS_PER_YEAR, decode_times
from kiloland.atmosphere.fields import Field, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.interpolate import TimeCycle
from kiloland.atmosphere.pixels import Mapping, Pixels, bilinear_pixels, nearest_pixels
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

FloatArray = NDArray[np.float64]

_DEPOSITION: Final = ("kg/m2/s", "kg m-2 s-1")
_NITROGEN: Final = ("g(N)/m2/yr", "gN/m2/yr", "g/m2/yr", "g m-2 yr-1", "g(N)/m2/year")
_PHOSPHORUS: Final = ("g(P)/m2/yr", "gP/m2/yr", "g/m2/yr", "g m-2 yr-1", "g(P)/m2/year")
PARTICLES: Final = (
    *("BCDEPWET", "BCPHODRY", "BCPHIDRY", "OCDEPWET", "OCPHODRY", "OCPHIDRY"),
    *("DSTX01DD", "DSTX02DD", "DSTX03DD", "DSTX04DD", "DSTX01WD", "DSTX02WD", "DSTX03WD", "DSTX04WD"),
)
"""Fields of a deposition file, in the order in which ELM's site mode reads them."""
STREAM_FIELDS: Final[dict[str, Field]] = {
    item.name: item
    for item in (
        *(Field(name, "deposition of particles", _DEPOSITION, 0.0, 1e-5) for name in PARTICLES),
        Field("NDEP_year", "deposition of nitrogen", _NITROGEN, 0.0, 100.0),
        Field("PDEP_year", "deposition of phosphorus", _PHOSPHORUS, 0.0, 10.0),
        Field("hdm", "people", ("counts/km^2", "km-2", "persons/km2", "people/km2"), 0.0, 2e5),
        Field(
            "lnfm", "lightning", ("counts/km^2/hr", "flashes/km^2/hr", "km-2 hr-1", "km-2 h-1"), 0.0, 100.0
        ),
    )
}
BLOCK_BYTES: Final = 64 * 2**20
"""Memory for the samples that are read at once."""


@dataclass
class LandStream:
    """Variables of a file at some places; only the samples of the moments asked for are read and kept.

    ``ahead``: samples that are read together with a first one.
    """

    path: Path
    variables: tuple[str, ...]
    pixels: Pixels
    rule: Rule
    ahead: int = 1
    _kept: dict[int, FloatArray] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls,
        path: Path,
        variables: Sequence[str],
        places: Places,
        rule: Callable[[Dataset], Rule],
        mapping: Mapping = nearest_pixels,
        ahead: int = 1,
    ) -> LandStream:
        """Find the places on the grid of a file and check the units.

        Raises:
            InputError: no such file or variable, another unit, not a grid.
        """
        with open_dataset(path) as dataset:
            for name in variables:
                units = dataset[name].attributes.get("units")
                raise_first_error(check_units(STREAM_FIELDS[name], units, str(path)))
            return cls(path, tuple(variables), mapping(dataset, places), rule(dataset), ahead)

    def at(self, seconds: int) -> FloatArray:
        """Values ``[variable, place]`` at a model time, s, in the units of the file.

        Raises:
            InputError: the file has no sample of this moment, or its values are missing or impossible.
        """
        found = self.rule.blend(seconds)
        first = self._sample(found.first)
        if found.second == found.first:
            return self.pixels.at_places(first)
        second = self._sample(found.second)
        return self.pixels.at_places(first * found.share + second * (1.0 - found.share))

    def _sample(self, number: int) -> FloatArray:
        """One sample ``[variable, point]``."""
        if number not in self._kept:
            with open_dataset(self.path) as dataset:
                values = np.stack([self._read(dataset, name, number) for name in self.variables], axis=1)
            last = max(self._kept, default=None)
            before = {} if last is None else {last: self._kept[last]}
            self._kept = before | {number + row: sample for row, sample in enumerate(values)}
        return self._kept[number]

    def _read(self, dataset: Dataset, name: str, number: int) -> FloatArray:
        """A sample and those that soon follow, checked, ``[sample, point]``."""
        variable = dataset[name]
        if not 0 <= number < variable.shape[0]:
            raise InputError(
                "no such sample",
                file=self.path,
                variable=name,
                found=f"{variable.shape[0]} samples",
                expected=f"at least {number + 1}",
                hint="Does the file begin with the year with which ELM's files begin?",
            )
        end = min(number + self.ahead, variable.shape[0])
        block = max(1, BLOCK_BYTES // max(8 * self.pixels.index.span, 1))
        index = self.pixels.index
        values = np.concatenate(
            [index.read(variable, start, min(start + block, end)) for start in range(number, end, block)]
        )
        describe = partial(_describe, start=number, pixels=self.pixels)
        raise_first_error(check_values(STREAM_FIELDS[name], values, str(self.path), describe))
        return values


@dataclass(frozen=True)
class LandInputs:
    """What the streams bring at one moment, at each place."""

    particles: FloatArray
    """Deposition ``[field, place]`` in the order of :data:`PARTICLES`, kg m-2 s-1."""
    nitrogen: FloatArray
    """g m-2 s-1."""
    phosphorus: FloatArray
    """g m-2 s-1."""
    people: FloatArray
    """km-2."""
    lightning: FloatArray
    """Strokes, km-2 h-1."""


@dataclass(frozen=True)
class LandStreams:
    """All streams of a run at some places."""

    particles: LandStream
    nitrogen: LandStream
    phosphorus: LandStream
    people: LandStream
    lightning: LandStream

    def at(self, seconds: int) -> LandInputs:
        """Everything at a model time: the end of the step that it is for, s since 0001-01-01."""
        return LandInputs(
            particles=self.particles.at(seconds),
            nitrogen=self.nitrogen.at(seconds)[0] / SECONDS_PER_YEAR,
            phosphorus=self.phosphorus.at(seconds)[0] / SECONDS_PER_YEAR,
            people=self.people.at(seconds)[0],
            lightning=self.lightning.at(seconds)[0],
        )


@dataclass(frozen=True)
class StreamFiles:
    """Where the files of a run are; ``phosphorus_years``: the data years of the one stream with dates."""

    particles: Path
    nitrogen: Path
    phosphorus: Path
    people: Path
    lightning: Path
    phosphorus_years: TimeCycle


def site_streams(files: StreamFiles, places: Places) -> LandStreams:
    """The streams as ELM's site mode has them: nearest points and its own calendar for all but phosphorus.

    Raises:
        InputError: a file or a variable is missing, a unit is wrong, a grid is none.
    """
    dated = partial(dated_samples, cycle=files.phosphorus_years, extend=True)
    months, nitrogen, people, hours = AerosolMonths(), NitrogenYears(), PopulationYears(), LightningHours()
    return LandStreams(
        particles=LandStream.open(files.particles, PARTICLES, places, lambda _: months, ahead=2),
        nitrogen=LandStream.open(files.nitrogen, ["NDEP_year"], places, lambda _: nitrogen, ahead=2),
        phosphorus=LandStream.open(files.phosphorus, ["PDEP_year"], places, dated, bilinear_pixels),
        people=LandStream.open(files.people, ["hdm"], places, lambda _: people, ahead=2),
        lightning=LandStream.open(files.lightning, ["lnfm"], places, lambda _: hours, ahead=240),
    )


def dated_samples(
    dataset: Dataset, cycle: TimeCycle, extend: bool = False, nearest: bool = False
) -> DatedSamples:
    """The rule of a stream whose file has a time axis (E3SM's: linear, but people nearest; all extended but
    lightning, which begins again).

    Raises:
        InputError: no axis, or no sample within the data years.
    """
    time = dataset["time"]
    units, calendar = str(time.attributes.get("units", "")), time.attributes.get("calendar")
    axis = decode_times(time.read(), units, calendar, file=str(dataset.path)).seconds
    if not np.any((axis >= cycle.start) & (axis < cycle.start + cycle.length)):
        years = axis // SECONDS_PER_YEAR + 1
        raise InputError(
            "no sample in the years of the stream",
            file=dataset.path,
            variable="time",
            found=f"{years.min()} to {years.max()}" if len(years) else "no sample",
            expected=f"{cycle.year_first} to {cycle.year_last}",
        )
    return DatedSamples(axis, cycle, extend, nearest)


def _describe(first: int, last: int, cell: int | None, *, start: int, pixels: Pixels) -> str:
    """Sample and point of the grid in words."""
    text = f"sample {start + first}"
    if cell is None:
        return text
    return f"{text}, latitude {int(pixels.index.rows[cell])}, longitude {int(pixels.index.columns[cell])}"
