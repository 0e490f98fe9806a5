"""How the fields of a stream file are stored, and what that costs them.

As they are (single precision), rounded to fewer significant bits so that any later compression works well, or
packed to 16 bits. The largest possible error stands in the file, the one met is measured while writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError

FloatArray = NDArray[np.float64]
AnyArray = NDArray[Any]

MANTISSA: Final = 23
"""Bits behind the leading one in single precision."""


@dataclass(frozen=True)
class Packing:
    """Limits between which a variable is packed; ``from_zero``: with offset 0, so that 0 stays 0."""

    low: float
    high: float
    from_zero: bool = False

    @property
    def scale(self) -> float:
        """The step of the stored numbers; -32500 to 32500 span the limits, or 0 to 32000."""
        return self.high / 32_000 if self.from_zero else (self.high - self.low) / 65_000

    @property
    def offset(self) -> float:
        """The value of the stored 0."""
        return 0.0 if self.from_zero else 0.5 * (self.low + self.high)

    def stored(self, values: AnyArray) -> FloatArray:
        """Whole numbers nearest to the values, before they are put into 16 bits."""
        return np.asarray(np.rint((values - self.offset) / self.scale), dtype=np.float64)

    def values(self, stored: AnyArray) -> FloatArray:
        """What a reader gets."""
        return np.asarray(stored * self.scale + self.offset, dtype=np.float64)


STREAM_PACKING: Final[Mapping[str, Packing]] = {
    "TBOT": Packing(180.0, 330.0),
    "QBOT": Packing(0.0, 0.05),
    "PSRF": Packing(45_000.0, 110_000.0),
    "FLDS": Packing(50.0, 600.0),
    "WIND": Packing(0.0, 65.0),
    "FSDS": Packing(0.0, 1440.0, from_zero=True),
    "PRECTmms": Packing(0.0, 0.064, from_zero=True),
}


@dataclass
class RoundingErrors:
    """Largest absolute and relative errors met, by variable."""

    absolute: dict[str, float] = field(default_factory=dict)
    relative: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, before: AnyArray, after: AnyArray) -> None:
        """Compare values with what a reader gets."""
        away = np.abs(np.asarray(after, np.float64) - before)
        size = np.abs(before)
        share = np.divide(away, size, out=np.zeros(away.shape), where=size > 0.0)
        self.absolute[name] = max(self.absolute.get(name, 0.0), float(away.max(initial=0.0)))
        self.relative[name] = max(self.relative.get(name, 0.0), float(share.max(initial=0.0)))

    def add(self, other: RoundingErrors) -> None:
        """Take in those of another process."""
        for mine, theirs in ((self.absolute, other.absolute), (self.relative, other.relative)):
            for name, value in theirs.items():
                mine[name] = max(mine.get(name, 0.0), value)

    def lines(self) -> list[str]:
        """In words; nothing where values were stored as they are."""
        return [
            f"{name}: rounding at most {self.absolute[name]:.3g}, relative {self.relative[name]:.3g}"
            for name in self.absolute
        ]


@dataclass(frozen=True)
class Encoding:
    """``significant_bits`` of single precision that are kept (1 to 23), or ``packed`` to 16 bits; neither:
    values as they are."""

    significant_bits: int | None = None
    packed: bool = False

    def __post_init__(self) -> None:
        if self.packed and self.significant_bits is not None:
            raise InputError("values are either packed or rounded to significant bits, not both")
        if self.significant_bits is not None and not 1 <= self.significant_bits <= MANTISSA:
            raise InputError("significant bits", found=self.significant_bits, expected=f"1 to {MANTISSA}")

    @property
    def is_exact(self) -> bool:
        """Whether values are stored as they are."""
        return not self.packed and self.significant_bits is None

    @property
    def words(self) -> str:
        """For the settings of a file; empty for values as they are."""
        if self.packed:
            return ", packed to 16 bits"
        return "" if self.significant_bits is None else f", {self.significant_bits} significant bits"

    @property
    def dtype(self) -> str:
        """Type in the file."""
        return "i2" if self.packed else "f4"

    def attributes(self, name: str) -> dict[str, Any]:
        """What a reader needs, and the largest possible error."""
        if self.packed:
            packing = STREAM_PACKING[name]
            return {
                "scale_factor": np.float64(packing.scale),
                "add_offset": np.float64(packing.offset),
                "largest_absolute_error": np.float64(0.5 * packing.scale),
            }
        if self.significant_bits is None:
            return {}
        return {
            "significant_bits": self.significant_bits,
            "largest_relative_error": np.float64(2.0 ** -(self.significant_bits + 1)),
        }

    def encode(self, name: str, values: AnyArray, errors: RoundingErrors) -> AnyArray:
        """The entries of the file; InputError for a value beyond the packing: none wraps around."""
        if self.is_exact:
            return values
        native = values.astype(np.float32, copy=False)
        if self.significant_bits is not None:
            rounded = round_bits(native, self.significant_bits)
            errors.note(name, native, rounded)
            return rounded
        packing = STREAM_PACKING[name]
        stored = packing.stored(native.astype(np.float64))
        beyond = ~(np.abs(stored) <= np.iinfo(np.int16).max)
        if beyond.any():
            raise InputError(
                "does not fit into 16 bits",
                variable=name,
                found=float(native[beyond][0]),
                expected=f"{packing.low:g} to {packing.high:g}",
                hint="Leave --pack out",
            )
        errors.note(name, native, packing.values(stored))
        return stored.astype(np.int16)


def round_bits(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Single-precision values with so many bits behind the leading one; to the nearest, ties to even.

    The relative error is at most 2^-(bits + 1).
    """
    drop = MANTISSA - bits
    if not drop:
        return values
    whole = np.ascontiguousarray(values).view(np.uint32)
    last = (whole >> np.uint32(drop)) & np.uint32(1)
    raised = whole + (np.uint32((1 << (drop - 1)) - 1) + last)
    return (raised & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))).view(np.float32)
