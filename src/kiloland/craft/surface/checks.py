"""What a source layer may hold: percent or fraction, codes in range, vegetation where it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.surface.source import Source
from kiloland.craft.surface.table import Kind, SurfaceVariable
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray

ROUNDING: Final = 1e-6
"""Share of a bound by which values may lie beyond it, as single precision rounds."""
SUM_TOLERANCE: Final = 1.0
"""Percent points by which the land units of a source cell may miss 100."""


@dataclass
class Extremes:
    """Smallest and largest value seen in the layers of a variable."""

    least: float = np.inf
    most: float = -np.inf

    def see(self, values: FloatArray) -> None:
        """Take in the values of one layer."""
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.most = max(self.most, float(values.max()))


def check_layer(
    source: Source, variable: SurfaceVariable, layer: FloatArray, used: BoolArray, high: float | None
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
        variable=variable.name,
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


def check_percent(source: Source, variable: SurfaceVariable, extremes: Extremes) -> None:
    """Raise InputError for a percentage whose largest value is 1 or below: it is given as a fraction."""
    if 0.0 < extremes.most <= 1.0 + ROUNDING:
        raise InputError(
            "is given as a fraction",
            file=source.path,
            variable=variable.name,
            found=f"largest value {extremes.most:g}",
            expected="percent",
            hint="Multiply the variable by 100",
        )


def check_sums(source: Source, names: str, shares: FloatArray, used: BoolArray) -> None:
    """Raise InputError where land units ``[unit, source]`` of used cells are far from 100 % together."""
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
    wrong = np.abs(sums - 100.0) > SUM_TOLERANCE
    if wrong.any():
        cell = int(np.flatnonzero(used)[np.argmax(np.abs(sums - 100.0))])
        raise InputError(
            "land units do not sum to 100 percent",
            file=source.path,
            variable=names,
            where=f"{source.place(cell)} and {int(wrong.sum()) - 1} more",
            found=float(total[cell]),
            expected=f"100 within {SUM_TOLERANCE:g}",
        )


def check_shares(
    source: Source, variable: SurfaceVariable, shares: FloatArray, unit: FloatArray, used: BoolArray
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
            variable=variable.name,
            where=f"{source.place(cell)} and {int(empty.sum()) - 1} more",
            found=f"{variable.share_of} of {float(unit[cell]):g} %",
            expected="shares of 100 % together",
        )
    if there.any() and (np.abs(total[there] - 1.0) < 0.01).mean() > 0.5:
        check_percent(source, variable, Extremes(0.0, 1.0))
