"""Values at the model's times from samples of a stream.

A step is forced with the value at its start, the moment at which ELM also evaluates the zenith angle of the
albedo. For each set of times the samples on both sides are found once (:class:`Bracket`), the method turns
them into weights once (:class:`Weights`), and the weights serve all variables of the stream and all cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import SECONDS_PER_DAY, SECONDS_PER_YEAR, calendar_day, describe_seconds
from kiloland.atmosphere.orbit import Orbit, cosine_zenith, declination, mean_cosine_zenith
from kiloland.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

COSINE_FLOOR: Final = 0.001
"""Cosine of the zenith angle at and below which the data atmosphere has no sun."""


@dataclass(frozen=True)
class TimeCycle:
    """Which years of a data set the model's years take.

    Model year ``year_align`` has data year ``year_first``; after ``year_last`` the data begin again.
    """

    year_first: int
    year_last: int
    year_align: int

    def __post_init__(self) -> None:
        if self.year_first < 1 or self.year_last < self.year_first:
            raise InputError(
                "the years of the data must not be negative in number",
                found=f"{self.year_first} to {self.year_last}",
                expected="year_first <= year_last, from year 1",
            )

    @property
    def years(self) -> int:
        """Length of the cycle in years."""
        return self.year_last - self.year_first + 1

    @property
    def start(self) -> int:
        """First second of the cycle in data time."""
        return (self.year_first - 1) * SECONDS_PER_YEAR

    @property
    def length(self) -> int:
        """Length of the cycle [s]."""
        return self.years * SECONDS_PER_YEAR

    def shift(self, model_seconds: int) -> int:
        """Whole years [s] to add to a model time so that it falls into the cycle."""
        year = model_seconds // SECONDS_PER_YEAR + 1
        data_year = self.year_first + (year - self.year_align) % self.years
        return (data_year - year) * SECONDS_PER_YEAR


@dataclass(frozen=True)
class Bracket:
    """The samples on both sides of each time.

    ``time`` [s] of the wanted values ``[time]`` and ``axis`` [s] of the samples, both in data time without
    jumps;
    ``lower``, ``upper``: positions on the axis with axis[lower] <= time < axis[upper].
    """

    time: IntArray
    axis: IntArray
    lower: IntArray
    upper: IntArray

    @property
    def lower_time(self) -> IntArray:
        """Time of the lower samples [s]."""
        return self.axis[self.lower]

    @property
    def upper_time(self) -> IntArray:
        """Time of the upper samples [s]."""
        return self.axis[self.upper]


@dataclass(frozen=True)
class Weights:
    """Weights of the lower and upper samples, ``[time, 1]`` or ``[time, cell]``."""

    bracket: Bracket
    lower: FloatArray
    upper: FloatArray

    def apply(self, samples: FloatArray) -> FloatArray:
        """Values ``[time, cell]`` = f1 lower + f2 upper from samples ``[axis, cell]``.

        A weight of exactly zero does not touch its sample.
        """
        value = self.lower * samples[self.bracket.lower] if self.lower.any() else 0.0
        if self.upper.any():
            value = value + self.upper * samples[self.bracket.upper]
        return np.broadcast_to(value, (len(self.bracket.time), samples.shape[1])).astype(np.float64)


@dataclass(frozen=True)
class Sun:
    """The sun over some cells: orbit, longitude and latitude [degrees] ``[cell]``."""

    orbit: Orbit
    longitude: FloatArray
    latitude: FloatArray

    @cached_property
    def _radians(self) -> tuple[FloatArray, FloatArray]:
        return np.radians(self.longitude)[None, :], np.radians(self.latitude)[None, :]

    def cosine(self, seconds: FloatArray | IntArray) -> FloatArray:
        """Cosine of the zenith angle ``[time, cell]`` at times [s]."""
        day = _fractional_day(seconds)[:, None]
        longitude, latitude = self._radians
        return cosine_zenith(day, longitude, latitude, declination(self.orbit, day)[0])

    def mean_cosine(self, seconds: IntArray, length: int) -> FloatArray:
        """Mean of the cosine, 0 below the horizon, over intervals of ``length`` [s] ``[time, cell]``.

        The declination is that of the middle of each interval.
        """
        longitude, latitude = self._radians
        delta = declination(self.orbit, calendar_day(seconds + length // 2)[:, None])[0]
        day = calendar_day(seconds)[:, None]
        return mean_cosine_zenith(day, length / SECONDS_PER_DAY, longitude, latitude, delta)


def _fractional_day(seconds: FloatArray | IntArray) -> FloatArray:
    """Calendar day of times that need not be whole seconds."""
    whole = np.floor(seconds).astype(np.int64)
    return calendar_day(whole) + (seconds - whole) / SECONDS_PER_DAY


class Interpolation(Protocol):
    """A way to get values between samples."""

    @property
    def needs_interval_starts(self) -> bool:
        """Whether samples are means of intervals and stamps must mark their beginning."""
        ...

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Weights of the samples for steps of ``dtime`` seconds that start at the bracket's times."""
        ...


def _two_sided(bracket: Bracket, lower: FloatArray) -> Weights:
    return Weights(bracket, lower[:, None], (1.0 - lower)[:, None])


@dataclass(frozen=True)
class Lower:
    """The sample before: f1 = 1."""

    needs_interval_starts: bool = False

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Weight one for the lower sample."""
        return _two_sided(bracket, np.ones(len(bracket.time)))


@dataclass(frozen=True)
class Upper:
    """The sample after: f1 = 0."""

    needs_interval_starts: bool = False

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Weight one for the upper sample."""
        return _two_sided(bracket, np.zeros(len(bracket.time)))


@dataclass(frozen=True)
class Nearest:
    """The nearer sample, the earlier of two equally near ones."""

    needs_interval_starts: bool = False

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Weight one for the nearer sample."""
        before, after = bracket.time - bracket.lower_time, bracket.upper_time - bracket.time
        return _two_sided(bracket, (before <= after).astype(np.float64))


@dataclass(frozen=True)
class Linear:
    """A straight line between samples: f1 = (t2 - t)/(t2 - t1)."""

    needs_interval_starts: bool = False

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Weights by distance in time."""
        lower = (bracket.upper_time - bracket.time) / (bracket.upper_time - bracket.lower_time)
        return _two_sided(bracket, lower)


@dataclass(frozen=True)
class CosineZenith:
    """Shortwave by the sun's height, as the data atmosphere of E3SM does it.

    value = lower sample * mu(t) / mean(mu), with mu floored at 0.001 in the mean, a left Riemann sum over the
    interval of the sample in model steps (shortened to divide it); zero where mu(t) <= 0.001. The floor makes
    it lose energy where the sun is very low; :class:`ConservingCosineZenith` does not.
    """

    needs_interval_starts: bool = True

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Ratio of the cosine to its mean over the interval."""
        cosine = sun.cosine(bracket.time)
        intervals, position = np.unique(bracket.lower, return_inverse=True)
        mean = np.empty((len(intervals), cosine.shape[1]))
        for row, lower in enumerate(intervals.tolist()):
            first, length = int(bracket.axis[lower]), _interval_length(bracket, lower)
            count = -(-length // dtime)
            moments = first + np.arange(count, dtype=np.float64) * (length / count)
            mean[row] = np.maximum(sun.cosine(moments), COSINE_FLOOR).mean(axis=0)
        factor = np.where(cosine > COSINE_FLOOR, cosine / mean[position.reshape(-1)], 0.0)
        return Weights(bracket, factor, np.zeros((len(bracket.time), 1)))


@dataclass(frozen=True)
class ConservingCosineZenith:
    """Shortwave by the sun's height such that the steps of an interval have exactly the sample as their mean.

    value = lower sample * c_i / mean(c), c_i the exact mean over step i of the cosine above the horizon.
    Where the sun stays down during the whole interval the sample is spread evenly. Steps must divide the
    interval and begin with it (InputError).
    """

    needs_interval_starts: bool = True

    def weights(self, bracket: Bracket, sun: Sun, dtime: int) -> Weights:
        """Ratio of the step's mean cosine to that of the interval."""
        intervals, position = np.unique(bracket.lower, return_inverse=True)
        position = position.reshape(-1)
        factor = np.empty((len(bracket.time), len(sun.longitude)))
        for row, lower in enumerate(intervals.tolist()):
            first, length = int(bracket.axis[lower]), _interval_length(bracket, lower)
            members = np.flatnonzero(position == row)
            steps = (bracket.time[members] - first) // dtime
            if length % dtime or np.any(first + steps * dtime != bracket.time[members]):
                raise InputError(
                    "steps do not divide the intervals of the forcing, energy cannot be conserved",
                    where=describe_seconds(first),
                    found=f"step {dtime} s, interval {length} s",
                    expected="steps that begin with the interval and divide it",
                )
            cosine = sun.mean_cosine(first + dtime * np.arange(length // dtime, dtype=np.int64), dtime)
            mean = cosine.mean(axis=0)
            safe = np.where(mean > 0.0, mean, 1.0)
            factor[members] = np.where(mean > 0.0, cosine / safe, 1.0)[steps]
        return Weights(bracket, factor, np.zeros((len(bracket.time), 1)))


def _interval_length(bracket: Bracket, lower: int) -> int:
    """Distance from a lower sample to its successor [s]."""
    return int(bracket.axis[lower + 1] - bracket.axis[lower])


def bracket_times(axis: IntArray, time: IntArray, file: str | None = None) -> Bracket:
    """Find the samples on both sides of each time; both in data time [s], the axis ascending.

    Raises InputError where a time lies before the first or not before the last sample.
    """
    lower = np.searchsorted(axis, time, side="right") - 1
    if time.size and (lower.min() < 0 or lower.max() >= len(axis) - 1):
        outside = int(time[lower < 0][0] if lower.min() < 0 else time[lower >= len(axis) - 1][0])
        span = (
            f"{describe_seconds(int(axis[0]))} to {describe_seconds(int(axis[-1]))}"
            if len(axis)
            else "nothing"
        )
        raise InputError(
            "the forcing does not cover this time", file=file, where=describe_seconds(outside), found=span
        )
    return Bracket(time=time, axis=axis, lower=lower, upper=lower + 1)


def unwrapped_axis(axis: IntArray, cycle: TimeCycle) -> IntArray:
    """An axis of one cycle with the last sample before it and the first two after it, for wrapping around."""
    return np.concatenate((axis[-1:] - cycle.length, axis, axis[:2] + cycle.length))


def check_time_limit(axis: IntArray, limit: float, file: str) -> None:
    """DATM's test of a time axis (wrap included): largest over smallest step at most ``limit``, else
    InputError."""
    steps = np.diff(axis)
    if not steps.size:
        return
    if steps.min() <= 0:
        where = int(np.argmin(steps))
        raise InputError(
            "time does not increase",
            file=file,
            variable="time",
            where=describe_seconds(max(int(axis[where]), 0)),
            found=f"step of {int(steps[where])} s",
        )
    if steps.max() > limit * steps.min():
        where = int(np.argmax(steps))
        before, after = (describe_seconds(max(int(axis[place]), 0)) for place in (where, where + 1))
        raise InputError(
            "gap in time",
            file=file,
            variable="time",
            where=f"{before} to {after}",
            found=f"{int(steps[where])} s without a sample",
            expected=f"at most {limit:g} times the smallest step of {int(steps.min())} s",
        )
