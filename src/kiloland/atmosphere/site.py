"""ELM's site forcing: one packed file (``all_hourly.nc``) that the land model reads itself (``cpl_bypass``).

The file holds whole years of 365 days. ELM chooses samples by counting, with rules of its own; they are
reproduced here so that a run gets bit for bit what ELM gets. See ``docs/atmosphere.md`` for the rules and for
what per-step output of ELM confirms.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    SECONDS_PER_DAY,
    SECONDS_PER_YEAR,
    ModelTimes,
    decode_times,
    describe_seconds,
    seconds_of_date,
)
from kiloland.atmosphere.derive import (
    DEFAULT_HEIGHT,
    clear_sky_longwave,
    rain_and_snow,
    saturation_specific_humidity,
    split_shortwave,
)
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.forcing import Forcing, Places
from kiloland.atmosphere.record import check_distance
from kiloland.atmosphere.site_sun import interpolation_factor
from kiloland.atmosphere.stamps import check_stamps
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FILE_NAME: Final = "all_hourly.nc"
VARIABLES: Final = ("TBOT", "PSRF", "RH", "FSDS", "PRECTmms", "WIND", "FLDS")
MAXIMUM_TEMPERATURE: Final = 323.0
MINIMUM_PRESSURE: Final = 4.0e4
MINIMUM_HUMIDITY: Final = 1.0e-9
LONGWAVE_RANGE: Final = (50.0, 600.0)
"""Longwave at or beyond these bounds [W/m2] is replaced by the clear-sky formula."""
TRANSIENT_YEAR: Final = 1850
"""From this model year on ELM takes the record's own years; before, it counts from year 1."""


@dataclass(frozen=True)
class Packed:
    """A packed series: physical value = stored * scale + offset, in double precision."""

    stored: NDArray[np.int16] | FloatArray
    scale: float
    offset: float

    def at(self, samples: IntArray) -> FloatArray:
        """Physical values of some samples."""
        return np.asarray(self.stored[samples].astype(np.float64) * self.scale + self.offset)


@dataclass(frozen=True)
class SiteRecord:
    """A site file in memory, as packed as on disk: ``years`` years of 365 days from ``start_year``."""

    file: str
    start_year: int
    years: int
    interval: int
    """Distance of samples [s]."""
    longitude: float
    latitude: float
    series: dict[str, Packed]

    @property
    def samples(self) -> int:
        """Samples of the cycle."""
        return self.years * SECONDS_PER_YEAR // self.interval


@dataclass(frozen=True)
class SampleChoice:
    """Samples of the steps ``[time]``: ``upper`` and, for interpolated states, ``lower`` with its weight.

    ``flux`` is the sample of radiation and precipitation, ``steps_per_sample`` the steps that share it.
    """

    lower: IntArray
    upper: IntArray
    lower_weight: FloatArray
    flux: IntArray
    steps_per_sample: int


def read_site_record(path: str | Path) -> SiteRecord:
    """Read and check a site file, or the one in a folder (``all_hourly.nc``, possibly gzipped).

    Raises InputError for a missing file or variable, wrong units, values outside physical limits, missing
    values, stamps with gaps, and a record that does not hold whole years.
    """
    file = _site_file(Path(path))
    with open_dataset(file) as dataset:
        start, end = (int(dataset[name].read().reshape(-1)[0]) for name in ("start_year", "end_year"))
        if end < start:
            raise InputError("end_year before start_year", file=file, found=f"{start} to {end}")
        years = end - start + 1
        interval = _interval(dataset, start, years)
        count = years * SECONDS_PER_YEAR // interval
        series = {name: _read_packed(dataset, name, count, interval, start) for name in VARIABLES}
        longitude, latitude = (float(dataset[name].values().reshape(-1)[0]) for name in ("LONGXY", "LATIXY"))
    return SiteRecord(str(file), start, years, interval, longitude % 360.0, latitude, series)


def _site_file(path: Path) -> Path:
    """The file itself, or the site file of a folder."""
    if not path.is_dir():
        return path
    for name in (FILE_NAME, FILE_NAME + ".gz"):
        if (path / name).is_file():
            return path / name
    raise InputError("the folder holds no site forcing", file=path, expected=FILE_NAME)


def _interval(dataset: Dataset, start_year: int, years: int) -> int:
    """Distance of samples [s] after the checks of the time axis: regular, whole years, from 1 January."""
    axis = dataset["DTIME"]
    file = str(dataset.path)
    decoded = decode_times(
        axis.read(),
        str(axis.attributes.get("units", "")),
        axis.attributes.get("calendar"),
        file=file,
        variable="DTIME",
    )
    seconds = decoded.seconds
    if decoded.dropped:
        raise InputError(
            "site forcing must be in years of 365 days",
            file=file,
            variable="DTIME",
            found=f"{decoded.dropped} samples on 29 February (calendar {axis.attributes.get('calendar')})",
            expected="calendar noleap",
        )
    if len(seconds) < 2:
        raise InputError("fewer than two samples", file=file, variable="DTIME", found=len(seconds))
    raise_first_error(check_stamps(seconds, file, variable="DTIME"))
    interval = int(seconds[1] - seconds[0])
    if SECONDS_PER_DAY % interval:
        raise InputError("samples do not divide the day", file=file, variable="DTIME", found=f"{interval} s")
    start = seconds_of_date(start_year * 10000 + 101)
    first = int(seconds[0])
    if first % SECONDS_PER_YEAR >= interval:
        raise InputError(
            "the record does not begin on 1 January",
            file=file,
            variable="DTIME",
            found=describe_seconds(first),
            expected=describe_seconds(start),
        )
    if not start <= first < start + interval:
        # ELM goes by start_year and counts samples; the epoch of the axis has no effect there.
        logger.warning("%s: DTIME begins at %s, start_year is %d", file, describe_seconds(first), start_year)
    if len(seconds) * interval < years * SECONDS_PER_YEAR:
        raise InputError(
            "the record ends before its end_year",
            file=file,
            variable="DTIME",
            found=f"{len(seconds)} samples",
            expected=f"{years * SECONDS_PER_YEAR // interval} for {years} years",
        )
    return interval


def _read_packed(dataset: Dataset, name: str, count: int, interval: int, start_year: int) -> Packed:
    """One series of the first site in the file, checked against units and physical limits."""
    variable = dataset[name]
    file = str(dataset.path)
    field = FIELDS[name]
    stored = variable.read((0, slice(0, count)))
    scale = float(variable.attributes.get("scale_factor", 1.0))
    offset = float(variable.attributes.get("add_offset", 0.0))
    packed = Packed(stored if stored.dtype.kind == "i" else stored.astype(np.float64), scale, offset)
    values = packed.at(np.arange(count))
    for mark in ("_FillValue", "missing_value"):
        if mark in variable.attributes:
            values[np.isin(stored, variable.attributes[mark])] = np.nan
    origin = seconds_of_date(start_year * 10000 + 101)

    def describe(first: int, last: int, cell: int | None) -> str:
        return (
            f"samples {first} to {last} "
            f"({describe_seconds(origin + first * interval)} to {describe_seconds(origin + last * interval)})"
        )

    raise_first_error(check_units(field, variable.attributes.get("units"), file))
    rounding = 0.5 * abs(scale) if stored.dtype.kind == "i" else 0.0
    raise_first_error(check_values(field, values, file, describe, rounding=rounding))
    return packed


def choose_samples(record: SiteRecord, times: ModelTimes) -> SampleChoice:
    """ELM's samples and weights for consecutive steps.

    The cycle of Y years is aligned so that model year k < 1850 has the record's year (k - 1 + s) mod Y, with
    s the years from the last whole cycle boundary before 1850; later years take the record's own (k -
    start_year) mod Y. With the step equal to the sample interval, or a multiple of it, step n of a day has
    the sample at its beginning, not interpolated. With several steps m per sample and k the step of the day
    from 1: fluxes have sample (k-1) div m, states are interpolated with lower weight 1 - ((k - m/2) mod m)/m
    between two samples that move on at k mod m = m/2 + 1 (at k mod m = 1 for m = 2). Steps must divide
    samples or be multiples of them (InputError).
    """
    starts = times.starts
    day_seconds = starts % SECONDS_PER_DAY
    days, per_day = starts // SECONDS_PER_DAY, SECONDS_PER_DAY // record.interval
    year, day_of_year = days // DAYS_PER_YEAR + 1, days % DAYS_PER_YEAR
    first_cycle = record.start_year
    while first_cycle > TRANSIENT_YEAR:
        first_cycle -= record.years
    shift = np.where(year < TRANSIENT_YEAR, TRANSIENT_YEAR - first_cycle - 1, -record.start_year)
    base = ((year + shift) % record.years * DAYS_PER_YEAR + day_of_year) * per_day
    if times.dtime % record.interval == 0:
        sample = base + day_seconds // record.interval
        return SampleChoice(sample, sample, np.zeros(len(starts)), sample, 1)
    if record.interval % times.dtime:
        raise InputError(
            "the time step neither divides the forcing interval nor is a multiple of it",
            file=record.file,
            found=f"step {times.dtime} s, samples every {record.interval} s",
        )
    m = record.interval // times.dtime
    k = day_seconds // times.dtime + 1
    flux = base + (k - 1) // m
    upper = flux if m == 2 else base + (k - 1 - m // 2 + m) // m
    weight = 1.0 - np.mod(k + SECONDS_PER_DAY // times.dtime - m / 2.0, float(m)) / m
    return SampleChoice((upper - 1) % record.samples, upper % record.samples, weight, flux, m)


@dataclass(frozen=True)
class SiteSource:
    """Site forcing for a set of places, which all get the same weather; only the sun differs."""

    record: SiteRecord
    places: Places

    @classmethod
    def open(cls, path: str | Path, places: Places, *, maximum_distance: float | None = 0.5) -> SiteSource:
        """Read a site file for these places.

        Raises InputError where a place lies more than ``maximum_distance`` degrees from the site (None: ELM's
        way, any distance).
        """
        record = read_site_record(path)
        if maximum_distance is not None:
            check_distance(places, record.longitude, record.latitude, maximum_distance, record.file)
        return cls(record, places)

    def load(self, times: ModelTimes, cells: IntArray) -> Forcing:
        """Forcing ``[time, cell]`` by ELM's site rules.

        T = min(T, 323 K); p = max(p, 40 kPa); q = qsat(T, p) max(RH, 1e-9)/100; longwave from the file where
        it lies between 50 and 600 W/m2, else clear-sky; theta = T; reference height 30 m; shortwave times
        :func:`~kiloland.atmosphere.site_sun.interpolation_factor`, 0 where the sun is down; precipitation as
        is.
        """
        choice = choose_samples(self.record, times)
        places = self.places.take(cells)
        temperature = np.minimum(self._state("TBOT", choice), MAXIMUM_TEMPERATURE)
        pressure = np.maximum(self._state("PSRF", choice), MINIMUM_PRESSURE)
        relative = np.maximum(self._state("RH", choice), MINIMUM_HUMIDITY)
        saturation = saturation_specific_humidity(temperature, pressure, water_at_freezing=False)
        humidity = saturation * relative / 100.0
        longwave = self._state("FLDS", choice)
        usable = (longwave > LONGWAVE_RANGE[0]) & (longwave < LONGWAVE_RANGE[1])
        longwave = np.where(usable, longwave, clear_sky_longwave(temperature, pressure, humidity))
        precipitation = np.maximum(self.record.series["PRECTmms"].at(choice.flux), 0.0)
        rain, snow = rain_and_snow(precipitation, temperature)
        factor = interpolation_factor(times, places.longitude, places.latitude, choice.steps_per_sample)
        sun = split_shortwave(np.maximum(self.record.series["FSDS"].at(choice.flux)[:, None] * factor, 0.0))
        shape = (times.count, places.count)

        def everywhere(values: FloatArray) -> FloatArray:
            return np.ascontiguousarray(np.broadcast_to(values[:, None], shape))

        return Forcing(
            temperature=everywhere(temperature),
            potential_temperature=everywhere(temperature),
            pressure=everywhere(pressure),
            specific_humidity=everywhere(humidity),
            wind=everywhere(np.abs(self._state("WIND", choice))),
            longwave_down=everywhere(longwave),
            rain=everywhere(rain),
            snow=everywhere(snow),
            shortwave_direct_visible=sun.direct_visible,
            shortwave_direct_near_infrared=sun.direct_near_infrared,
            shortwave_diffuse_visible=sun.diffuse_visible,
            shortwave_diffuse_near_infrared=sun.diffuse_near_infrared,
            reference_height=np.full(shape, DEFAULT_HEIGHT),
        )

    def _state(self, name: str, choice: SampleChoice) -> FloatArray:
        """A state variable at the steps, interpolated where several steps share a sample ``[time]``."""
        series = self.record.series[name]
        if choice.steps_per_sample == 1:
            return series.at(choice.upper)
        lower = choice.lower_weight
        return series.at(choice.lower) * lower + series.at(choice.upper) * (1.0 - lower)
