"""Time axes of forcing: order, gaps, months, and the moment of its interval that a stamp must mark."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kiloland.atmosphere.calendar import SECONDS_PER_YEAR, describe_seconds
from kiloland.atmosphere.findings import Severity
from kiloland.atmosphere.stamps import check_stamps, sample_interval
from kiloland.craft.check.cells import IntArray
from kiloland.craft.check.findings import Finding, Place, finding
from kiloland.craft.check.forcing_files import Axis, month_bounds

TIME_LIMIT = 1.5
"""Largest over smallest step that the data atmosphere takes (dtlimit)."""
STEP = 3600
"""Longest model step [s] for which the stamps of precipitation are to be right."""


def offset_in_interval(seconds: IntArray) -> int | None:
    """Seconds from the beginning of the interval to the stamp; None where stamps are irregular."""
    interval = sample_interval(seconds)
    offsets = np.unique(seconds % interval) if interval > 0 else np.array([])
    return int(offsets[0]) if offsets.size == 1 else None


def interval_starts(seconds: IntArray) -> IntArray:
    """Beginnings of the intervals that samples belong to, whatever moment their stamps mark."""
    return seconds - (offset_in_interval(seconds) or 0)


def check_position(file: str, name: str, seconds: IntArray) -> Iterator[Finding]:
    """Whether the stamps fit the interpolation of E3SM's data atmosphere for a variable."""
    interval, offset = sample_interval(seconds), offset_in_interval(seconds)
    if len(seconds) < 3 or interval <= STEP // 2:
        return
    if offset is None:
        expected = f"one moment of every {interval} s"
        yield finding("forcing-stamps", file, name, "stamps at changing moments", "irregular", expected)
        return
    found = f"{offset / 60:g} minutes after the beginning of the interval"
    if name == "FSDS" and offset != 0:
        late = f"stamps for coszen are not interval beginnings: shortwave comes {offset / 60:g} minutes late"
        yield finding("forcing-stamps", file, name, late, found, "the beginning of the interval")
    elif name == "PRECTmms" and not interval // 2 - STEP <= offset < interval // 2:
        half = 2 * offset == interval
        problem = (
            "stamps in the middle: nearest gives the first step of each interval the sample before"
            if half
            else "stamps for nearest give steps the sample of another interval"
        )
        expected = f"{interval / 120 - STEP / 60:g} to below {interval / 120:g} minutes after the beginning"
        severity = Severity.WARNING if half else None
        yield finding("forcing-stamps", file, name, problem, found, expected, severity=severity)
    elif name not in ("FSDS", "PRECTmms") and 2 * offset != interval:
        yield finding(
            "forcing-stamps",
            file,
            name,
            "stamps for linear are not in the middle of the interval: means come early or late",
            found,
            "the middle of the interval",
            severity=Severity.WARNING,
        )


def check_month(file: str, axis: Axis, month: tuple[int, int] | None) -> Iterator[Finding]:
    """Whether the samples are those of the month in the file's name."""
    if month is None or not axis.seconds.size:
        return
    first, last = month_bounds(month)
    outside = (axis.seconds < first) | (axis.seconds > last)
    if outside.any():
        worst = int(np.argmax(outside))
        yield finding(
            "forcing-time",
            file,
            "time",
            "samples outside of the month in the file's name",
            describe_seconds(int(max(axis.seconds[worst], 0))),
            f"{month[0]:04d}-{month[1]:02d}",
            place=Place(time=describe_seconds(int(max(axis.seconds[worst], 0)))),
            samples=int(outside.sum()),
        )


def check_series(file: str, name: str, seconds: IntArray) -> Iterator[Finding]:
    """Order and gaps over all files of a variable, and the step from the last sample to the first of a
    cycle."""
    for found in check_stamps(seconds, file, variable=name):
        place = seconds[found.last if found.last is not None else 0]
        problem = found.problem
        before = int(seconds[found.first or 0])
        if (
            problem.startswith("gap")
            and (before // 86400) % 365 in (363, 364)
            and int(place) - before <= 2 * 86400
        ):
            problem = "gap in time: 31 December is missing, as in Daymet's leap years"
        text = describe_seconds(int(max(place, 0)))
        yield finding(
            "forcing-time",
            file,
            name,
            problem,
            found.found,
            found.expected,
            place=Place(time=text),
            samples=1,
        )
    if len(seconds) < 3:
        return
    interval = sample_interval(seconds)
    span = int(seconds[-1] - seconds[0])
    years = max(1, -(-span // SECONDS_PER_YEAR))
    wrap = years * SECONDS_PER_YEAR - span
    if wrap > TIME_LIMIT * interval:
        yield finding(
            "forcing-time",
            file,
            name,
            "a cycle of whole years has a gap where it begins again",
            f"{wrap / interval:.4g} steps",
            f"at most {TIME_LIMIT:g} steps (dtlimit)",
        )
