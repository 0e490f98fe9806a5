"""A reanalysis on a regular longitude/latitude grid, every 1 to 6 hours, as the shape of the days.

Files are found by what they hold, not by name: any netCDF file with a time axis, a regular grid and one of
the forcing variables (the names of E3SM's data atmosphere). Fluxes are means of their interval, states are
values at their stamp; what moment of the interval a stamp marks is seen from the stamps themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, calendar_day, decode_times, describe_seconds
from kiloland.atmosphere.derive import DewPoint, RelativeHumidity, humidity_to_specific
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import raise_first_error
from kiloland.atmosphere.interpolate import Sun
from kiloland.atmosphere.orbit import Orbit, declination
from kiloland.atmosphere.stamps import sample_interval, shift_to_begin, stamp_position
from kiloland.craft.forcing.bins import BIN_SECONDS, SOLAR_CONSTANT
from kiloland.craft.forcing.daymet import FILE_NAME as DAYMET_NAME
from kiloland.craft.forcing.decode import require_samples
from kiloland.craft.forcing.locate import GridWindow, source_axes
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STATES: Final = ("TBOT", "PSRF", "FLDS", "WIND")
FLUXES: Final = ("PRECTmms", "FSDS")
HUMIDITIES: Final = ("QBOT", "RH", "TDEW")
LARGEST_INTERVAL: Final = 6 * 3600


@dataclass(frozen=True)
class Series:
    """Samples of one variable in order of time.

    ``seconds``: stamps ``[sample]``; ``file``, ``position``: where each sample lies; ``paths``: the files;
    ``interval`` [s]; ``start``: seconds from the stamp to the beginning of the interval.
    """

    name: str
    paths: tuple[Path, ...]
    seconds: IntArray
    file: IntArray
    position: IntArray
    interval: int
    start: int

    def covered(self) -> tuple[int, int]:
        """First and last moment that the intervals of the samples cover [s]."""
        begin = int(self.seconds[0]) + self.start
        return begin, int(self.seconds[-1]) + self.start + self.interval


@dataclass(frozen=True)
class Reanalysis:
    """The series of a folder by variable, on one grid of ``longitude`` and ``latitude`` [degrees], ``height``
    [m] of its points where a file has it."""

    series: Mapping[str, Series]
    longitude: FloatArray
    latitude: FloatArray
    height: FloatArray | None

    @classmethod
    def open(cls, folder: Path, first_day: int, end_day: int) -> Reanalysis:
        """Find the files and check that every variable covers the days without a gap.

        InputError for a missing variable, other units, days that are not covered, and different grids.
        """
        found = _scan(folder)
        missing = [name for name in (*STATES, *FLUXES) if name not in found.parts]
        humidity = next((name for name in HUMIDITIES if name in found.parts), None)
        if missing or humidity is None:
            raise InputError(
                "the reanalysis lacks a variable",
                file=folder,
                variable=", ".join(missing) or "QBOT, RH or TDEW",
                found=", ".join(sorted(found.parts)) or "no file with time, lat, lon and a forcing variable",
            )
        names = (*STATES, *FLUXES, humidity)
        series = {name: _series(name, found.parts[name]) for name in names}
        for one in series.values():
            _require_coverage(one, first_day * SECONDS_PER_DAY, end_day * SECONDS_PER_DAY)
        assert found.longitude is not None
        assert found.latitude is not None
        return cls(series, found.longitude, found.latitude, found.height)

    def states(self, name: str, bins: IntArray, window: GridWindow) -> FloatArray:
        """A state in the middles of intervals ``[bin, point]``, linear between samples."""
        one = self.series[name]
        middle = bins * BIN_SECONDS + BIN_SECONDS // 2
        moments = _inside(one, middle, one.seconds[0], one.seconds[-1])
        upper = np.clip(np.searchsorted(one.seconds, moments, side="right"), 1, one.seconds.size - 1)
        gap = one.seconds[upper] - one.seconds[upper - 1]
        share = np.clip((moments - one.seconds[upper - 1]) / gap, 0.0, 1.0)[:, None]
        needed, place = np.unique(np.concatenate((upper - 1, upper)), return_inverse=True)
        values = self._read(one, needed, window)
        low, high = values[place[: bins.size]], values[place[bins.size :]]
        return np.asarray(low + (high - low) * share)

    def fluxes(self, name: str, bins: IntArray, window: GridWindow) -> tuple[FloatArray, IntArray, int]:
        """A flux as means of intervals ``[bin, point]``, and the starts [s] and length of the source's own.

        Shorter intervals are averaged; one of six hours serves for both that it holds.
        """
        one = self.series[name]
        length = max(one.interval, BIN_SECONDS)
        parts = max(1, BIN_SECONDS // one.interval)
        begin, end = one.covered()
        starts = _inside(one, bins * BIN_SECONDS, begin, end - BIN_SECONDS)
        sample = np.searchsorted(one.seconds + one.start, starts, side="right") - 1
        sample = np.clip(sample, 0, one.seconds.size - parts)
        needed, place = np.unique(sample[:, None] + np.arange(parts), return_inverse=True)
        values = self._read(one, needed, window)[place.reshape(bins.size, parts)]
        return values.mean(axis=1), one.seconds[sample] + one.start, length

    def humidity(self, bins: IntArray, window: GridWindow) -> FloatArray:
        """Specific humidity [kg/kg] ``[bin, point]`` from whatever the reanalysis has."""
        if "QBOT" in self.series:
            return self.states("QBOT", bins, window)
        temperature, pressure = (self.states(name, bins, window) for name in ("TBOT", "PSRF"))
        if "RH" in self.series:
            moist = RelativeHumidity(np.minimum(self.states("RH", bins, window), 100.0))
            return humidity_to_specific(moist, temperature, pressure)
        return humidity_to_specific(DewPoint(self.states("TDEW", bins, window)), temperature, pressure)

    def sun_above(self, starts: IntArray, length: int, window: GridWindow, orbit: Orbit) -> FloatArray:
        """S0 E0 mean(mu) of the source's own intervals at its points [W/m2] ``[bin, point]``."""
        longitude, latitude = window.points(self.longitude, self.latitude)
        distance = declination(orbit, calendar_day(starts + length // 2))[1][:, None]
        cosine = Sun(orbit, longitude, latitude).mean_cosine(starts, length)
        return np.asarray(SOLAR_CONSTANT * distance * cosine)

    def _read(self, one: Series, samples: IntArray, window: GridWindow) -> FloatArray:
        """Samples at the points of a window ``[sample, point]``, checked."""
        values = np.empty((samples.size, window.rows.size * window.columns.size))
        for file in np.unique(one.file[samples]).tolist():
            members = np.flatnonzero(one.file[samples] == file)
            with open_dataset(one.paths[file]) as dataset:
                rows = one.position[samples[members]]
                first = int(rows.min())
                block = dataset[one.name].values((slice(first, int(rows.max()) + 1), window.row_slice))
                values[members] = window.take(block)[rows - first]
            part = values[members]
            known = part[:, np.isfinite(part).all(axis=0)]
            describe = partial(_describe, stamps=one.seconds[samples[members]])
            raise_first_error(check_values(FIELDS[one.name], known, str(one.paths[file]), describe))
            if one.name == "QBOT" and known.size and not known.any():
                raise InputError(
                    "humidity is zero everywhere",
                    file=one.paths[file],
                    variable="QBOT",
                    hint="GSWP3's 2014 is known for it; use other years",
                )
        return values


def _describe(first: int, last: int, cell: int | None, *, stamps: IntArray) -> str:
    """Samples in words."""
    return f"{describe_seconds(int(stamps[first]))} to {describe_seconds(int(stamps[last]))}"


def _inside(one: Series, moments: IntArray, first: int, last: int) -> IntArray:
    """Moments before and after the record moved into it by whole days; up to one interval they are held."""
    before = np.maximum(first - one.interval - moments, 0)
    after = np.maximum(moments - last - one.interval, 0)
    days = -(-before // SECONDS_PER_DAY) - -(-after // SECONDS_PER_DAY)
    return np.asarray(np.clip(moments + days * SECONDS_PER_DAY, first, last), dtype=np.int64)


def _require_coverage(one: Series, first: int, end: int) -> None:
    """InputError where the intervals of a series do not cover a time [s], or leave a gap in it."""
    begin, last = one.covered()
    # States stamped at beginnings hold for one interval: their last stamp lies before the end.
    if begin > first or last < end:
        raise InputError(
            "the reanalysis does not cover the days",
            file=one.paths[0 if begin > first else -1],
            variable=one.name,
            found=f"{describe_seconds(max(begin, 0))} to {describe_seconds(last)}",
            expected=f"{describe_seconds(first)} to {describe_seconds(end)}",
        )
    steps = np.diff(one.seconds)
    used = (one.seconds[1:] >= first) & (one.seconds[:-1] < end)
    wrong = np.flatnonzero((steps != one.interval) & used)
    if wrong.size:
        place = int(wrong[0])
        raise InputError(
            "samples are missing from the reanalysis" if steps[place] > 0 else "the same time twice",
            file=one.paths[int(one.file[place])],
            variable=one.name,
            where=f"{describe_seconds(int(one.seconds[place]))} to "
            f"{describe_seconds(int(one.seconds[place + 1]))}",
            expected=f"steps of {one.interval} s",
        )


def _series(name: str, parts: list[tuple[Path, IntArray, IntArray]]) -> Series:
    """The samples of all files in order of time; InputError for an interval that cannot be used."""
    parts = sorted(parts, key=lambda part: int(part[1][0]))
    seconds = np.concatenate([part[1] for part in parts])
    interval = sample_interval(seconds)
    position = stamp_position(seconds)
    usable = 0 < interval <= LARGEST_INTERVAL and not max(interval, BIN_SECONDS) % min(interval, BIN_SECONDS)
    if not usable or position is None:
        raise InputError(
            "the interval of the reanalysis cannot be used",
            file=parts[0][0],
            variable=name,
            found=f"{interval} s, first stamp {describe_seconds(int(seconds[0]))}",
            expected="1, 3 or 6 hours, stamped at the beginning or the middle",
        )
    return Series(
        name,
        tuple(part[0] for part in parts),
        seconds,
        np.repeat(np.arange(len(parts)), [part[1].size for part in parts]),
        np.concatenate([part[2] for part in parts]),
        interval,
        shift_to_begin(position, interval),
    )


@dataclass
class _Found:
    """What a scan of a folder has found so far."""

    parts: dict[str, list[tuple[Path, IntArray, IntArray]]]
    longitude: FloatArray | None = None
    latitude: FloatArray | None = None
    height: FloatArray | None = None


def _scan(folder: Path) -> _Found:
    """Every reanalysis file of a folder, by what it holds."""
    found = _Found({})
    for path in sorted((*folder.rglob("*.nc"), *folder.rglob("*.nc.gz"))):
        if DAYMET_NAME.fullmatch(path.name):
            continue
        with open_dataset(path) as dataset:
            names = [
                name
                for name in (*STATES, *FLUXES, *HUMIDITIES)
                if name in dataset and len(dataset[name].shape) == 3
            ]
            axes = source_axes(dataset, dataset[names[0]]) if names and "time" in dataset else None
            if axes is None:
                continue
            _take(found, dataset, names, axes)
    return found


def _take(found: _Found, dataset: Dataset, names: list[str], axes: tuple[FloatArray, FloatArray]) -> None:
    """Add one file to what was found."""
    path = dataset.path
    if found.longitude is None or found.latitude is None:
        found.longitude, found.latitude = axes
    elif not (np.array_equal(found.longitude, axes[0]) and np.array_equal(found.latitude, axes[1])):
        raise InputError(
            "files of different grids in one source",
            file=path,
            found=f"{axes[1].size} x {axes[0].size} points from {axes[0][0]:g}, {axes[1][0]:g}",
            expected=f"{found.latitude.size} x {found.longitude.size} points "
            f"from {found.longitude[0]:g}, {found.latitude[0]:g}",
        )
    time = dataset["time"]
    units, calendar = str(time.attributes.get("units", "")), time.attributes.get("calendar")
    axis = decode_times(time.values(), units, calendar, file=str(path))
    for name in names:
        require_samples(dataset, dataset[name])
        raise_first_error(check_units(FIELDS[name], dataset[name].attributes.get("units"), str(path)))
        if axis.seconds.size:
            found.parts.setdefault(name, []).append((path, axis.seconds, axis.kept))
    for name in ("TOPO", "topo", "elevation", "HGT"):
        if name in dataset and dataset[name].shape == (axes[1].size, axes[0].size):
            found.height = dataset[name].values().astype(np.float64)
