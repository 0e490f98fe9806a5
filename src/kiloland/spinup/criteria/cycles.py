"""The forcing cycle, and the two last whole cycles that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.criteria.records import YearGroup
from kiloland.spinup.criteria.tapes import Cells, History, Series

FloatArray = NDArray[np.float64]

FORCING: Final = ("TBOT", "FSDS", "RAIN", "SNOW")
"""Fields that only the weather decides; they repeat exactly from cycle to cycle."""
LONGEST: Final = 20
"""Years that are averaged at most where nobody says otherwise."""
SAME: Final = 1.0e-6
"""Annual means of single precision are the same within this part of them, or a thousandth of their spread."""


@dataclass(frozen=True)
class Windows:
    """Two whole stretches of years that follow each other; their middles are ``years`` apart."""

    earlier: tuple[YearGroup, ...]
    later: tuple[YearGroup, ...]
    years: float
    found_by: str

    @property
    def text(self) -> str:
        """Both in words."""
        spans = [f"{part[0].first_year}-{part[-1].last_year}" for part in (self.earlier, self.later)]
        return f"years {spans[0]} and {spans[1]}"


def choose_windows(history: History, reference: Series, cells: Cells, cycle: int | None) -> Windows:
    """The two last stretches of ``cycle`` years; found from the forcing, else from the length of the history.

    Raises InputError where the history does not hold two of them.
    """
    groups = reference.groups
    unit = groups[0].years if groups else 1.0
    span = sum(group.years for group in groups)
    if cycle is None:
        period = forcing_period(history, cells, reference)
        length, found_by = default_length(period, span, unit)
    else:
        length, found_by = float(cycle), "as given"
    count = round(length / unit)
    if cycle is not None and (cycle < 1 or abs(count * unit - length) > 0.01):
        raise InputError(
            "the forcing cycle does not fit the records",
            variable="--cycle",
            found=f"{cycle} years",
            expected=f"a multiple of {unit:g} years",
        )
    if count < 1 or len(groups) < 2 * count:
        raise InputError(
            "too short for two whole forcing cycles",
            file=history.files[0].path,
            variable=reference.name,
            found=f"{span:g} whole years",
            expected=f"at least {2 * max(count, 1) * unit:g}",
            hint="Give the files of more years, or --cycle YEARS",
        )
    return Windows(tuple(groups[-2 * count : -count]), tuple(groups[-count:]), count * unit, found_by)


def default_length(period: int | None, span: float, unit: float) -> tuple[float, str]:
    """Years to average: whole cycles, at most ``LONGEST`` years and half of the history."""
    most = max(min(LONGEST // unit, int(span / unit / 2)) * unit, unit)
    if period is None:
        return most, "half of the history, at most 20 years: the forcing is not on file, its cycle is unknown"
    cycles = max(1, int(most // period))
    return float(cycles * period), f"{cycles} cycles of {period} years, found from the forcing on file"


def forcing_period(history: History, cells: Cells, reference: Series) -> int | None:
    """Smallest number of years after which the annual weather repeats; None where it is unknown."""
    found = [weather(history, name, cells, reference) for name in FORCING]
    known = [series for series in found if series is not None]
    if not known:
        return None
    years = known[0].size
    return next((lag for lag in range(1, years // 2 + 1) if all(repeats(one, lag) for one in known)), None)


def weather(history: History, name: str, cells: Cells, reference: Series) -> FloatArray | None:
    """Annual means of one forcing field over the land, in the years of the reference."""
    series = history.series(name)
    if series is None or series.years != reference.years or any(g.years != 1.0 for g in series.groups):
        return None
    weight = cells.land / cells.land.sum()
    return np.array([float(np.nansum(history.mean(series, group) * weight)) for group in series.groups])


def repeats(values: FloatArray, lag: int) -> bool:
    """Whether a series comes back after ``lag`` years."""
    allowed = SAME * np.abs(values).max() + 1.0e-3 * values.std()
    return bool(np.abs(values[lag:] - values[:-lag]).max() <= allowed)
