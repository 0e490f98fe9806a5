"""A further short run between two restarts: whether they belong together, its length, pools at both ends.

Every restart holds its date and the day on which the calendar of its run began (``timemgr_rst_start_ymd``).
A run that is given a new date (ELM's startup with ``finidat``) begins a calendar of its own; one that goes on
with its dates (ELM's restart or branch, kiloland's runs) keeps that of the restart which it started from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.spinup.cascade import LAYERS
from kiloland.spinup.operator.records import DAYS
from kiloland.spinup.operator.source import Source, restart_day
from kiloland.spinup.pools import not_finite
from kiloland.spinup.subgrid import Subgrid, SubgridKeys, restart_subgrid

Float = NDArray[np.float64]

CALENDAR: Final = "timemgr_rst_start_ymd"
WRITTEN: Final = ("spinup_pools", "spinup_restart_before")
"""Attributes of restarts that `kiloland spinup restart` wrote; kiloland's runs hand them on, ELM's do not."""
CASE: Final = "case_id"


@dataclass(frozen=True)
class FurtherRun:
    """A run between two restarts: ``source`` holds the end, ``start`` the restart that it began with."""

    source: Source
    start: Dataset
    start_subgrid: Subgrid
    seconds: float

    def layered(self, name: str, block: slice) -> tuple[Float, Float]:
        """A layered variable at the start and at the end, [layer, column]."""
        rows, keys = self.start_subgrid.column_row[block], self.start_subgrid.keys
        values = np.asarray(self.start[name].values((rows, slice(0, LAYERS))), np.float64)
        return finite(self.start, name, keys, values, block.start).T, self.source.stored(name, block)

    def patches(self, name: str) -> tuple[Float, Float]:
        """A plant pool at the start and at the end, [pft]."""
        ends = ((self.start, self.start_subgrid), (self.source.restart, self.source.subgrid))
        first, last = (
            finite(file, name, grid.keys, np.asarray(file[name].values()[grid.pft_row], np.float64))
            for file, grid in ends
        )
        return first, last


def finite(file: Dataset, name: str, keys: SubgridKeys, values: Float, start: int = 0) -> Float:
    """The values, from column ``start`` on. Raises InputError where one is no number."""
    if not np.isfinite(values).all():
        raise not_finite(file.path, name, keys, values, start)
    return values


def check_start(source: Source, start: Dataset) -> None:
    """Raise InputError unless both restarts are of normal runs with the same columns and patches."""
    for file in (source.restart, start):
        if "spinup_state" not in file:
            raise InputError(
                "is no restart",
                file=file.path,
                variable="spinup_state",
                found="no such variable",
                hint="A correction takes the restarts with which the run began and ended",
            )
        if int(np.ravel(file["spinup_state"].read())[0]) == 1:
            raise InputError(
                "a correction needs a normal run",
                file=file.path,
                variable="spinup_state",
                found=1,
                expected=0,
                hint="Leave accelerated spinup first: `kiloland spinup restart`",
            )
    here, there = source.subgrid.keys, restart_subgrid(start).keys
    same = np.array_equal(here.column_codes(), there.column_codes())
    if not (same and np.array_equal(here.patch_codes(), there.patch_codes())):
        raise InputError(
            "the restarts are of different runs: their columns or patches differ",
            file=start.path,
            expected=f"the columns and patches of {source.paths.restart}",
        )


def length_of(source: Source, start: Dataset, years: float | None) -> float:
    """Length of the run in years: ``years`` where it is given, else by the dates.

    Raises InputError where it is none, or the dates do not tell it.
    """
    length = (source.day - first_day(source, start)) / DAYS if years is None else years
    if not 0.0 < length < np.inf:
        raise InputError(
            "no time between the restarts",
            file=source.paths.restart,
            variable=None if years is None else "--run-years",
            found=f"{length:g} years",
            expected="more than 0",
            hint="--run-years says how long the run was" if years is None else None,
        )
    return float(length)


def first_day(source: Source, start: Dataset) -> float:
    """The day of the run's calendar on which it began, days since year 1.

    That of ``start`` where the run kept its dates, the first day of the calendar where it has one of its own.
    Raises InputError where both can be: a calendar began on the same day in both, ``start`` lies within it,
    and nothing says that they are of one run.
    """
    begun, day = restart_day(source.restart, CALENDAR), restart_day(start)
    if restart_day(start, CALENDAR) != begun or not begun < day < source.day:
        return begun
    if not of_one_run(source.restart, start):
        kept, anew = ((source.day - first) / DAYS for first in (day, begun))
        raise InputError(
            "the dates do not tell how long the run was",
            file=source.paths.restart,
            variable=CALENDAR,
            found=f"{kept:g} years if it kept the dates of {start.path}, {anew:g} if it was given new ones",
            hint="Say it with --run-years",
        )
    return day


def of_one_run(end: Dataset, start: Dataset) -> bool:
    """Whether the files say that the run of ``end`` went on from ``start`` with its dates.

    What `kiloland spinup restart` wrote no run of ELM wrote itself on its way: it was given to one.
    """
    written, handed_on = ([file.attributes.get(name) for name in WRITTEN] for file in (start, end))
    if any(written):
        return written == handed_on
    return start.attributes.get(CASE) == end.attributes.get(CASE)
