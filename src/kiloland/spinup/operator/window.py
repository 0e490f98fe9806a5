"""Which years of a history are averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.errors import InputError
from kiloland.spinup.operator.records import Cells, Records

LONGEST = 20
"""At most so many years are averaged."""
LONGEST_CYCLE = 20
_SAME = 1e-5
"""Relative difference of two annual means of the forcing below which a year has come again."""
_MET = 1.0 - 1e-6
_SETTLED, _ENOUGH = 5, 3
"""Years after a jump of the rates that are used, and years before it that are enough."""
_SAMPLE = 64
"""Cells that are looked at."""


@dataclass(frozen=True)
class Window:
    """Years of the average; `supplemented`: years before them in which nutrients were supplied.

    `cycle`: years after which the forcing repeats, 0 where it does not on these files.
    """

    years: tuple[int, ...]
    supplemented: tuple[int, ...]
    cycle: int


def choose_years(records: Records, needed: tuple[str, ...], cells: Cells, jump: int | None = None) -> Window:
    """The last whole forcing cycles, up to 20 years, after the years without nutrient limitation.

    Years in which plants and microbes got all nitrogen they asked for (`FPG` and `FPI` exactly 1 everywhere)
    are those of ELM's carbon-only start (`nyears_ad_carbon_only`).
    `jump`: a year from which on the rates are others (accelerated spinup divides by the averaged scalar from
    year 40 on). Years on one side of it are averaged: those after it where they are five or more, else those
    before it, if there are three of them.
    Raises InputError where no year has all fields.
    """
    common = set(records.years(needed[0]))
    for name in needed[1:]:
        common &= set(records.years(name))
    years = sorted(common)
    if not years:
        raise InputError(
            "no whole year of means before the restart",
            file=records.files[0].path if records.files else None,
            variable=needed[0],
            expected="annual or monthly means of at least one year",
        )
    sample = cells.block(slice(0, _SAMPLE))
    supplemented = supplied_years(records, years, sample)
    free = [year for year in years if year not in supplemented]
    cycle = forcing_cycle(records, years, sample)
    kept = one_side(free or years, jump)
    length = min(len(kept), LONGEST)
    if 0 < cycle <= length:
        length -= length % cycle
    return Window(tuple(kept[-length:]), tuple(supplemented) if free else (), cycle)


def one_side(years: list[int], jump: int | None) -> list[int]:
    """Years on one side of a jump of the rates, see `choose_years`."""
    before = [year for year in years if jump is not None and year < jump]
    after = years[len(before) :]
    if not before or not after:
        return years
    if len(after) >= _SETTLED:
        return after
    return before if len(before) >= _ENOUGH else years


def supplied_years(records: Records, years: list[int], cells: Cells) -> list[int]:
    """Years from the first on in which nutrients were supplied."""
    if not records.holds("FPG", "FPI"):
        return []
    usable = [year for year in years if year in records.years("FPG")]
    met = [np.nan_to_num(records.yearly(name, cells, usable), nan=1.0) for name in ("FPG", "FPI")]
    free = [bool((met[0][n] > _MET).all() and (met[1][n] > _MET).all()) for n in range(len(usable))]
    last = max((n for n, is_free in enumerate(free) if is_free), default=-1)
    return usable[: last + 1] if last >= 0 and all(free[: last + 1]) else []


def forcing_cycle(records: Records, years: list[int], cells: Cells) -> int:
    """Years after which the air temperature repeats; 0 where it does not."""
    if not records.holds("TBOT"):
        return 0
    values = records.yearly("TBOT", cells, [year for year in years if year in records.years("TBOT")])
    for lag in range(1, min(LONGEST_CYCLE, len(values) - 1) + 1):
        if np.nanmax(np.abs(values[lag:] / values[:-lag] - 1.0)) < _SAME:
            return lag
    return 0
