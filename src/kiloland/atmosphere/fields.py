"""The variables of forcing files: names, units, physical limits, and how wrong units give themselves away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.findings import Finding, Severity

FloatArray = NDArray[np.float64]
Describe = Callable[[int, int, int | None], str]
"""Words for a place: first and last sample, and the cell of a gridded file."""
MAXIMUM_REPORTED_RUNS: Final = 5
"""Intervals of bad samples that are reported one by one; beyond that one finding sums up the rest."""


@dataclass(frozen=True)
class Disguise:
    """Values of a variable in a wrong unit: the median lies in ``[low, high]`` and nothing exceeds
    ``ceiling``."""

    unit: str
    low: float
    high: float
    ceiling: float


@dataclass(frozen=True)
class Field:
    """One variable of a forcing file.

    ``units`` first as written by this package, then what else is accepted (compared without blanks and case);
    ``low``, ``high``: physical limits in these units; ``disguises``: wrong units recognised by their values.
    """

    name: str
    meaning: str
    units: tuple[str, ...]
    low: float
    high: float
    disguises: tuple[Disguise, ...] = ()

    def accepts(self, units: str) -> bool:
        """Whether a units attribute means this field's unit."""
        return _squeezed(units) in {_squeezed(unit) for unit in self.units}


def _squeezed(units: str) -> str:
    return units.replace(" ", "").replace("**", "").replace("^", "").lower()


_FLUX: Final = ("W/m2", "W m-2", "Watts/m2", "watt/m2", "Wm-2")
_RATE: Final = ("kg/m2/s", "mm/s", "kg m-2 s-1", "kgm-2s-1", "mm s-1", "mmH2O/sec", "mmh2o/s")
_SHARE: Final = ("kg/kg", "kg kg-1", "1")

FIELDS: Final[dict[str, Field]] = {
    field.name: field
    for field in (
        Field(
            "TBOT",
            "air temperature",
            ("K", "Kelvin", "degK"),
            180.0,
            340.0,
            (
                Disguise("degrees Celsius", -90.0, 60.0, 100.0),
                Disguise("degrees Fahrenheit", 20.0, 110.0, 140.0),
            ),
        ),
        Field(
            "PSRF",
            "surface pressure",
            ("Pa", "Pascal", "Pascals"),
            3.0e4,
            1.15e5,
            (Disguise("hPa", 300.0, 1150.0, 1300.0), Disguise("kPa", 30.0, 115.0, 130.0)),
        ),
        Field("QBOT", "specific humidity", _SHARE, 0.0, 0.08, (Disguise("g/kg", 0.1, 80.0, 100.0),)),
        Field(
            "RH", "relative humidity", ("%", "percent"), 0.0, 150.0, (Disguise("a fraction", 0.02, 1.1, 1.6),)
        ),
        Field("TDEW", "dew point", ("K",), 150.0, 320.0, (Disguise("degrees Celsius", -90.0, 50.0, 100.0),)),
        Field("FSDS", "downward shortwave", _FLUX, 0.0, 1600.0),
        Field("FLDS", "downward longwave", _FLUX, 25.0, 700.0),
        Field("PRECTmms", "precipitation", _RATE, 0.0, 0.2),
        Field("WIND", "wind speed", ("m/s", "m s-1", "ms-1"), 0.0, 120.0),
        Field("ZBOT", "reference height", ("m", "meter", "metre"), 0.5, 500.0),
    )
}
"""All variables that forcing files may hold, by their name there."""


def check_units(field: Field, units: str | None, file: str) -> list[Finding]:
    """Compare a units attribute with what the field must have; an absent attribute is left to the values."""
    if units is None or field.accepts(units):
        return []
    return [
        Finding(
            Severity.ERROR,
            file,
            field.name,
            "attribute units",
            "wrong units",
            repr(units),
            repr(field.units[0]),
        )
    ]


def check_values(
    field: Field, values: FloatArray, file: str, describe: Describe, *, rounding: float = 0.0
) -> list[Finding]:
    """Missing values, values in a wrong unit, and values outside the physical limits.

    ``values`` ``[time]`` or ``[time, cell]``; ``rounding``: half a packing step, by which zero may be missed.
    """
    finite = np.isfinite(values)
    findings: list[Finding] = []
    if not finite.all():
        findings += _runs_as_findings(~finite, field, values, file, describe, "missing or not a number")
    if not finite.any():
        return findings
    disguise = _disguise(field, values[finite])
    if disguise is not None:
        low, high = float(np.min(values[finite])), float(np.max(values[finite]))
        findings.append(
            Finding(
                Severity.ERROR,
                file,
                field.name,
                "all samples",
                f"the values look like {disguise}",
                f"{low:.6g} to {high:.6g}",
                f"{field.meaning} in {field.units[0]}, {field.low:g} to {field.high:g}",
            )
        )
        return findings
    with np.errstate(invalid="ignore"):
        negative = finite & (values < -rounding) & (field.low == 0.0)
        outside = finite & ~negative & ((values < field.low - rounding) | (values > field.high))
    findings += _runs_as_findings(negative, field, values, file, describe, f"negative {field.meaning}")
    findings += _runs_as_findings(outside, field, values, file, describe, "outside the physical limits")
    return findings


def _disguise(field: Field, values: FloatArray) -> str | None:
    """The wrong unit that the values betray: judged by their median and largest magnitude."""
    median, largest = float(np.median(values)), float(np.max(np.abs(values)))
    if field.low <= median <= field.high and largest <= field.high and field.name != "RH":
        return None
    for disguise in field.disguises:
        if disguise.low <= median <= disguise.high and largest <= disguise.ceiling:
            return disguise.unit
    return None


def runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last position of every run of True in a one-dimensional array."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _runs_as_findings(
    bad: NDArray[np.bool_], field: Field, values: FloatArray, file: str, describe: Describe, problem: str
) -> list[Finding]:
    """One finding for each of the first few intervals of bad samples, the last one with the total."""
    if not bad.any():
        return []
    flat = bad if bad.ndim == 1 else np.asarray(bad.any(axis=tuple(range(1, bad.ndim))))
    first, last = runs(flat)
    findings = []
    for number, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        if number == MAXIMUM_REPORTED_RUNS:
            break
        part = values[a : b + 1][bad[a : b + 1]]
        cell = None if bad.ndim == 1 else int(np.argmax(bad[a].reshape(-1)))
        found = f"{part.size} samples, {np.min(part):.6g} to {np.max(part):.6g}"
        if number == MAXIMUM_REPORTED_RUNS - 1 and len(first) > MAXIMUM_REPORTED_RUNS:
            found += f"; {len(first) - MAXIMUM_REPORTED_RUNS} more intervals, {int(bad.sum())} samples in all"
        expected = f"{field.low:g} to {field.high:g} {field.units[0]}"
        findings.append(
            Finding(
                Severity.ERROR,
                file,
                field.name,
                describe(a, b, cell),
                problem,
                found,
                expected,
                first=a,
                last=b,
            )
        )
    return findings
