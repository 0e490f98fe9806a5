"""Element by element: which bits differ between two blocks, how far, and where the worst ones are.

Two elements are identical when their bits are: a NaN of another payload, ``-0.0`` beside ``0.0`` and a fill
value beside a number all differ. With a tolerance, floating-point elements also agree when

    |a - b| <= max(absolute, relative * max(|a|, |b|)),

NaN agrees with NaN and fill with fill, but never with a number. Tolerances never touch integers and text.

The distance in units in the last place (ULP) is the number of representable steps from a to b, with both
zeros on the same step (the convention of ``numpy.testing.assert_array_max_ulp``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Block = NDArray[Any]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Tolerance:
    """How far floating-point elements may lie apart; zero and zero means bit for bit."""

    relative: float = 0.0
    absolute: float = 0.0

    @property
    def bitwise(self) -> bool:
        return self.relative == 0.0 and self.absolute == 0.0


BITWISE = Tolerance()


@dataclass(frozen=True)
class Extreme:
    """The largest difference of one kind: its size, its place and both values there."""

    size: float | int
    index: Index
    a: Any
    b: Any


@dataclass(frozen=True)
class ElementDifferences:
    """What a comparison of elements found.

    ``masks``: fill value or NaN in one file and a number in the other; ``nan_bits``: both NaN, other payload
    or sign; ``zero_signs``: ``0.0`` beside ``-0.0``. All of them are among ``different``.
    """

    compared: int = 0
    different: int = 0
    masks: int = 0
    nan_bits: int = 0
    zero_signs: int = 0
    first: Index | None = None
    absolute: Extreme | None = None
    relative: Extreme | None = None
    ulp: Extreme | None = None

    def merged(self, later: ElementDifferences) -> ElementDifferences:
        """This block and a later one together; of equal extremes the first in file order stays."""
        return ElementDifferences(
            compared=self.compared + later.compared,
            different=self.different + later.different,
            masks=self.masks + later.masks,
            nan_bits=self.nan_bits + later.nan_bits,
            zero_signs=self.zero_signs + later.zero_signs,
            first=self.first if self.first is not None else later.first,
            absolute=larger(self.absolute, later.absolute),
            relative=larger(self.relative, later.relative),
            ulp=larger(self.ulp, later.ulp),
        )


def larger(first: Extreme | None, later: Extreme | None) -> Extreme | None:
    """The larger of two extremes, the first where they are equal."""
    if first is None or (later is not None and later.size > first.size):
        return later
    return first


@dataclass(frozen=True)
class Element:
    """What one element of a variable is: its fill values in A and in B, and the tolerance that applies."""

    fills_a: tuple[Any, ...] = ()
    fills_b: tuple[Any, ...] = ()
    tolerance: Tolerance = field(default=BITWISE)


def bits(block: Block) -> Block:
    """The same memory as unsigned integers of the same size, in whatever byte order it has."""
    return block.view(np.dtype(f"u{block.dtype.itemsize}"))


def native(block: Block) -> Block:
    """The block in the byte order of this machine."""
    return block.astype(block.dtype.newbyteorder("="), copy=False)


def unequal(a: Block, b: Block) -> NDArray[np.bool_]:
    """Where two blocks of one shape differ: in bits for one type, in value for two types."""
    if a.dtype.kind == "O" or b.dtype.kind == "O":
        return np.asarray(a != b, dtype=bool)
    if a.dtype == b.dtype:
        return np.asarray(bits(a) != bits(b))
    if a.dtype.newbyteorder("=") == b.dtype.newbyteorder("="):
        return np.asarray(bits(native(a)) != bits(native(b)))
    if "S" in (a.dtype.kind, b.dtype.kind):
        return np.ones(a.shape, dtype=bool)
    return np.asarray((a != b) & ~(is_nan(a) & is_nan(b)))


def is_nan(values: Block) -> NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)


def is_masked(values: Block, fills: tuple[Any, ...]) -> NDArray[np.bool_]:
    """Where there is no number: NaN or one of the fill values of the variable."""
    masked = is_nan(values)
    for fill in fills:
        masked |= values == fill
    return masked


def ulp_keys(values: Block) -> NDArray[np.uint64]:
    """Place of each float on the line of representable numbers, zero at ``2**63``; NaN has no meaning."""
    raw = bits(np.ascontiguousarray(values)).astype(np.uint64)
    sign = np.uint64(1 << (8 * values.dtype.itemsize - 1))
    zero = np.uint64(1 << 63)
    return np.where(raw & sign, zero - (raw & ~sign), zero + raw)


def ulp_distance(a: Block, b: Block) -> NDArray[np.uint64]:
    """Representable steps from a to b, both of one floating-point type."""
    keys_a, keys_b = ulp_keys(a), ulp_keys(b)
    return np.where(keys_a > keys_b, keys_a - keys_b, keys_b - keys_a)


def absolute_distance(a: Block, b: Block) -> Block:
    """|a - b|, in float64 for floats and exactly (as Python integers where 64 bits may not hold it) else."""
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        if max(a.dtype.itemsize, b.dtype.itemsize) < 8:
            return np.asarray(np.abs(a.astype(np.int64) - b.astype(np.int64)))
        return np.asarray(np.abs(a.astype(object) - b.astype(object)))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.abs(a.astype(np.float64) - b.astype(np.float64)))


def relative_distance(a: Block, b: Block, distance: Block) -> NDArray[np.float64]:
    """|a - b| / max(|a|, |b|), zero where both are zero."""
    largest = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
    size = distance.astype(np.float64)
    with np.errstate(invalid="ignore"):
        ratio = np.divide(size, largest, out=np.zeros_like(largest), where=largest > 0)
    return np.where(np.isnan(ratio), np.inf, ratio)


def within(a: Block, b: Block, element: Element) -> NDArray[np.bool_]:
    """Where differing floats agree within the tolerance; a mask agrees with a mask."""
    masked_a, masked_b = is_masked(a, element.fills_a), is_masked(b, element.fills_b)
    distance = absolute_distance(a, b)
    largest = np.maximum(np.abs(a.astype(np.float64)), np.abs(b.astype(np.float64)))
    with np.errstate(over="ignore"):
        bound = np.maximum(element.tolerance.absolute, element.tolerance.relative * largest)
    near = np.isfinite(distance) & (distance <= bound)
    return np.where(masked_a | masked_b, masked_a & masked_b, near)


def compare_block(a: Block, b: Block, start: Index, element: Element) -> ElementDifferences:
    """Compare two blocks of one shape whose first element lies at ``start`` of the variable."""
    differs = unequal(a, b)
    if not differs.any():
        return ElementDifferences(compared=a.size)
    where = np.argwhere(differs) if a.ndim else np.zeros((1, 0), dtype=np.intp)
    values_a, values_b = native(a[differs]), native(b[differs])
    if not element.tolerance.bitwise and a.dtype.kind == "f" and b.dtype.kind == "f":
        apart = ~within(values_a, values_b, element)
        where, values_a, values_b = where[apart], values_a[apart], values_b[apart]
        if not len(where):
            return ElementDifferences(compared=a.size)
    where = where + np.asarray(start, dtype=np.intp)
    found = ElementDifferences(compared=a.size, different=len(where), first=index_of(where[0]))
    if a.dtype.kind not in "iuf" or b.dtype.kind not in "iuf":
        return found
    return measured(found, values_a, values_b, where, element)


def measured(
    found: ElementDifferences, a: Block, b: Block, where: NDArray[np.intp], element: Element
) -> ElementDifferences:
    """Add kinds and extremes of the differing elements ``a`` and ``b`` (1-D) at the places ``where``."""
    masked_a, masked_b = is_masked(a, element.fills_a), is_masked(b, element.fills_b)
    found = replace(
        found,
        masks=int(np.count_nonzero(masked_a != masked_b)),
        nan_bits=int(np.count_nonzero(is_nan(a) & is_nan(b))),
        zero_signs=int(np.count_nonzero((a == 0) & (b == 0))),
    )
    numbers = ~(masked_a | masked_b)
    if not numbers.any():
        return found
    a, b, where = a[numbers], b[numbers], where[numbers]
    absolute = absolute_distance(a, b)
    relative = relative_distance(a, b, absolute)
    same_float = a.dtype == b.dtype and a.dtype.kind == "f"
    return replace(
        found,
        absolute=extreme(absolute, a, b, where),
        relative=extreme(relative, a, b, where),
        ulp=extreme(ulp_distance(a, b), a, b, where) if same_float else None,
    )


def extreme(sizes: Block, a: Block, b: Block, where: NDArray[np.intp]) -> Extreme:
    """The first largest of ``sizes`` with its place and values."""
    at = int(np.argmax(sizes))
    size = sizes[at]
    return Extreme(
        size if isinstance(size, int) else size.item(), index_of(where[at]), a[at].item(), b[at].item()
    )


def index_of(row: NDArray[np.intp]) -> Index:
    return tuple(int(i) for i in row)
