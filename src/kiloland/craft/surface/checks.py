"""What a source layer may hold: percent or fraction, codes in range, vegetation where it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.surface.table import Kind, SurfaceVariable
from kiloland.craft.surface.values import Values
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray

ROUNDING: Final = 1e-6
"""Share of a bound by which values may lie beyond it, as single precision rounds."""
SUM_TOLERANCE: Final = 1.0
"""Percent points by which the land units of a source cell may miss 100."""


PERCENT_UNITS: Final = ("%", "percent", "per cent", "pct")
_UNITS: Final = (
    PERCENT_UNITS,
    ("1", "fraction", "0-1", "m2/m2", "m2 m-2", "m^2/m^2", "m2.m-2", "k$/capita"),
    ("m", "metre", "metres", "meter", "meters"),
    ("km",),
    ("cm",),
    ("mm",),
    ("km/km", "m/m"),
    ("degrees", "degree", "deg"),
    ("radian", "radians", "rad"),
    ("km2", "km^2"),
    ("kg/m3", "kg m-3", "kg/m^3", "kg m^-3"),
    ("g/kg", "g kg-1"),
    ("g/m2", "gp/m2", "g m-2", "gp m-2", "g/m^2", "gp/m^2"),
    ("kg/m2", "kgp/m2", "kg m-2", "kgp m-2"),
    ("1/m", "m-1"),
    ("mm/day", "mm day-1", "mm d-1"),
    ("s/mm", "s mm-1"),
    ("k", "kelvin"),
    ("c", "degc", "celsius", "degree_celsius"),
    ("w/m/k", "w m-1 k-1"),
    ("j/m3/k", "j m-3 k-1"),
    ("ph",),
    ("month",),
)
"""Spellings of one unit in each line."""
_NO_STATEMENT: Final = (
    "",
    "-",
    "none",
    "unitless",
    "nondimensional",
    "dimensionless",
    "class",
    "index",
    "code",
)


def base_units(text: str) -> tuple[str, ...]:
    """All spellings of a unit, alone where it is unknown; the first word where a remark follows."""
    word = text.strip().lower()
    for short in (word, word.split(" of ")[0], word.split(" (")[0]):
        if short in _NO_STATEMENT or short.startswith("class "):
            return ()
        for spellings in _UNITS:
            if short in spellings:
                return spellings
    return (word,)


def check_units(source: Values, variable: SurfaceVariable) -> None:
    """Raise InputError where a product states another unit than that of the table."""
    stated = str(source.stored(variable.name).attributes.get("units", ""))
    found, expected = base_units(stated), base_units(variable.units)
    if found and found != expected and (expected or found in _UNITS[:1]):
        raise InputError(
            "is given in other units",
            file=source.path,
            variable=source.names[variable.name],
            found=stated,
            expected=variable.units,
            hint="Convert the variable and its units attribute",
        )


@dataclass
class Extremes:
    """Smallest and largest value seen in the layers of a variable."""

    least: float = np.inf
    most: float = -np.inf

    def add(self, other: Extremes) -> None:
        """Take in what another rank saw."""
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    def see(self, values: FloatArray) -> None:
        """Take in the values of one layer."""
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.most = max(self.most, float(values.max()))


def check_layer(
    source: Values, variable: SurfaceVariable, layer: FloatArray, used: BoolArray, high: float | None
) -> None:
    """Raise InputError for the first used source cell whose value is out of bounds.

    A fraction above 1 whose layer fits in 100 is told to be percent; codes must be whole numbers.
    """
    values = layer[used]
    low = variable.low
    slack = ROUNDING * max(abs(high or 0.0), 1.0)
    wrong = np.zeros(values.shape, dtype=bool)
    if low is not None:
        wrong |= values < low - slack
    if high is not None:
        wrong |= values > high + slack
    if variable.kind is Kind.CLASS:
        wrong |= values != np.rint(values)
    if not wrong.any():
        return
    cell = int(np.flatnonzero(used)[np.argmax(wrong)])
    percent = variable.kind is Kind.FRACTION and values.min() >= 0.0 and 1.5 < values.max() <= 100.0
    words = {Kind.CLASS: "is no code of this class"}
    raise InputError(
        "is given in percent" if percent else words.get(variable.kind, "out of range"),
        file=source.path,
        variable=source.names[variable.name],
        where=f"{source.place(cell)} and {int(wrong.sum()) - 1} more",
        found=float(layer[cell]),
        expected=_range(low, high, variable.kind is Kind.CLASS),
        hint="Divide the variable by 100" if percent else None,
    )


def _range(low: float | None, high: float | None, whole: bool) -> str:
    kind = "a whole number" if whole else "a number"
    if low is None and high is None:
        return kind
    return f"{kind} from {'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}"


def check_percent(source: Values, variable: SurfaceVariable, extremes: Extremes) -> None:
    """Raise InputError for a percentage whose largest value is 1 or below: it is given as a fraction."""
    if 0.0 < extremes.most <= 1.0 + ROUNDING:
        raise InputError(
            "is given as a fraction",
            file=source.path,
            variable=source.names[variable.name],
            found=f"largest value {extremes.most:g}",
            expected="percent",
            hint="Multiply the variable by 100",
        )


def check_sums(
    source: Values, names: str, shares: FloatArray, used: BoolArray, *, complete: bool = True
) -> None:
    """Raise InputError where land units ``[unit, source]`` of used cells are far from 100 % together.

    Where others come from products (not ``complete``) they may be less than that.
    """
    total = ordered_sum(shares)
    sums = total[used]
    if sums.size == 0:
        return
    if (np.abs(sums - 1.0) < 0.01).mean() > 0.5:
        raise InputError(
            "land units are given as fractions",
            file=source.path,
            variable=names,
            found=f"sums near {float(np.median(sums)):g}",
            expected="percent: sums of 100",
            hint="Multiply these variables by 100",
        )
    off = np.abs(sums - 100.0) if complete else np.maximum(sums - 100.0, 0.0)
    wrong = off > SUM_TOLERANCE
    if wrong.any():
        cell = int(np.flatnonzero(used)[np.argmax(off)])
        raise InputError(
            "land units do not sum to 100 percent",
            file=source.path,
            variable=names,
            where=f"{source.place(cell)} and {int(wrong.sum()) - 1} more",
            found=float(total[cell]),
            expected=f"100 within {SUM_TOLERANCE:g}",
        )


def check_shares(
    source: Values, variable: SurfaceVariable, shares: FloatArray, unit: FloatArray, used: BoolArray
) -> None:
    """Raise InputError where a used cell has the land unit but no share of it at all, or fractions."""
    total = ordered_sum(shares)
    there = used & (unit > 0.0)
    empty = there & ~(total > 0.0)
    if empty.any():
        cell = int(np.argmax(empty))
        raise InputError(
            f"all shares are zero where {variable.share_of} is not",
            file=source.path,
            variable=source.names[variable.name],
            where=f"{source.place(cell)} and {int(empty.sum()) - 1} more",
            found=f"{variable.share_of} of {float(unit[cell]):g} %",
            expected="shares of 100 % together",
        )
    if there.any() and (np.abs(total[there] - 1.0) < 0.01).mean() > 0.5:
        check_percent(source, variable, Extremes(0.0, 1.0))


def check_units_percent(source: Values, variable: SurfaceVariable, values: FloatArray) -> None:
    """Raise InputError for a land unit of a product that may be a fraction.

    That is one whose values are at most 1 and whose units do not say percent.
    """
    stated = str(source.stored(variable.name).attributes.get("units", "")).strip().lower()
    if values.size and 0.0 < values.max() <= 1.0 + ROUNDING and stated not in PERCENT_UNITS:
        raise InputError(
            "is given as a fraction, or says not that it is percent",
            file=source.path,
            variable=source.names[variable.name],
            found=f"largest value {float(values.max()):g}, units {stated or 'not given'}",
            expected="percent",
            hint="Multiply the variable by 100, or set its units to percent",
        )
