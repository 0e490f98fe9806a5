"""Subgrid structure: which columns and patches exist, whose they are, and averages in a fixed order.

Hierarchy: gridcell > topounit > landunit > column > patch. Only active columns are held, grouped by
type; patches of zero weight do not exist. A group is cut into blocks of equal padded size, so that one
compilation serves all of them; padding repeats the last real member, whose results are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from kiloland.land.pytree import pytree_dataclass

LANES = 64
"""Block and patch axes are multiples of this, so that vector code has no remainder on any path."""


class ColumnType(IntEnum):
    """Type codes of columns on ELM's files (``cols1d_ityp``)."""

    SOIL = 1
    GLACIER = 3
    LAKE = 5
    WETLAND = 6
    ROOF = 71
    SUNLIT_WALL = 72
    SHADED_WALL = 73
    IMPERVIOUS_ROAD = 74
    PERVIOUS_ROAD = 75


@dataclass(frozen=True)
class ColumnGroup:
    """The active columns of one type in a rank's cells, with their patches in column order.

    Host arrays. ``gridcell``: position of each column's cell among the rank's cells; ``column_weight``:
    weight of the column on its cell; ``column_row``, ``patch_row``: position in the rank's full vectors
    as on ELM's files; ``patch_column``: position of each patch's column in this group, ascending;
    ``patch_weight``: weight of the patch on its column; ``patch_type``: plant type 0..16; ``class_of``:
    density class of the town of each column, 0 tall buildings, 1 high, 2 medium, empty without towns.
    """

    type: ColumnType
    gridcell: np.ndarray
    column_weight: np.ndarray
    column_row: np.ndarray
    patch_column: np.ndarray
    patch_weight: np.ndarray
    patch_type: np.ndarray
    patch_row: np.ndarray
    class_of: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.gridcell)

    @property
    def patches(self) -> int:
        """Number of patches."""
        return len(self.patch_column)

    @property
    def slots(self) -> int:
        """Most patches that a column has."""
        return int(np.bincount(self.patch_column, minlength=1).max())


@pytree_dataclass
class BlockIndex:
    """Index structure of one padded block on the device.

    ``patch_column``: column of each patch; ``slot_patch``: patch in each slot of each column;
    ``slot_weight``: its weight on the column, 0 in unused slots; ``patch_type``: plant type.
    """

    patch_column: Int[Array, " patch"]
    patch_type: Int[Array, " patch"]
    patch_weight: Float[Array, " patch"]
    slot_patch: Int[Array, "slot column"]
    slot_weight: Float[Array, "slot column"]


@dataclass(frozen=True)
class Block:
    """A run of consecutive columns of a group and their patches, with padded sizes.

    ``column_take`` and ``patch_take`` give, for each padded position, the position in the group.
    """

    columns: slice
    patches: slice
    column_take: np.ndarray
    patch_take: np.ndarray
    index: BlockIndex


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple that is not below the value, at least one multiple."""
    return max(1, -(-value // multiple)) * multiple


def split_into_blocks(
    group: ColumnGroup, columns_per_block: int, slots: int | None = None, together: int = 1
) -> list[Block]:
    """Cut a group into blocks of equal padded size.

    Args:
        group: at least one column, every column with at least one patch.
        columns_per_block: multiple of :data:`LANES`.
        slots: most patches that a column has on any rank; those of the group if None.
        together: so many consecutive columns belong together, as those of a town do.
    """
    if columns_per_block % LANES:
        raise ValueError(f"columns per block must be a multiple of {LANES}, got {columns_per_block}")
    unit = LANES * together
    width = min(max(columns_per_block // unit, 1) * unit, round_up(group.columns, unit))
    first_patch = np.searchsorted(group.patch_column, np.arange(group.columns + 1))
    ranges = list(_ranges(group.columns, width))
    patch_width = round_up(max(int(first_patch[stop] - first_patch[start]) for start, stop in ranges), unit)
    sizes = (width, patch_width, slots or group.slots)
    return [_make_block(group, first_patch, start, stop, sizes, together) for start, stop in ranges]


def _ranges(total: int, width: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, width):
        yield start, min(start + width, total)


def _padded(start: int, stop: int, width: int, together: int) -> np.ndarray:
    """Positions from start to stop and on to a width, the last members again and again."""
    position = start + np.arange(width)
    return np.where(position < stop, position, stop - together + np.arange(width) % together)


def _make_block(
    group: ColumnGroup,
    first_patch: np.ndarray,
    start: int,
    stop: int,
    sizes: tuple[int, int, int],
    together: int,
) -> Block:
    width, patch_width, slot_count = sizes
    patches = slice(int(first_patch[start]), int(first_patch[stop]))
    column_take = _padded(start, stop, width, together)
    patch_take = _padded(patches.start, patches.stop, patch_width, together)
    slots = np.arange(slot_count)[:, None]
    count = (first_patch[column_take + 1] - first_patch[column_take])[None, :]
    used = slots < count
    slot_patch = np.where(used, first_patch[column_take][None, :] + slots, patches.start)
    slot_weight = np.where(used, group.patch_weight[slot_patch], 0.0)
    index = BlockIndex(
        patch_column=jnp.asarray(group.patch_column[patch_take] - start, jnp.int32),
        patch_type=jnp.asarray(group.patch_type[patch_take], jnp.int32),
        patch_weight=jnp.asarray(group.patch_weight[patch_take], jnp.float64),
        slot_patch=jnp.asarray(slot_patch - patches.start, jnp.int32),
        slot_weight=jnp.asarray(slot_weight, jnp.float64),
    )
    return Block(slice(start, stop), patches, column_take, patch_take, index)


def patch_to_column(values: Float[Array, "*field patch"], index: BlockIndex) -> Float[Array, "*field column"]:
    """Average over the patches of each column: sum_s w_s x_s, slot by slot, so that the order is fixed.

    Unused slots add nothing whatever they point to.
    """
    total = jnp.zeros((*values.shape[:-1], index.slot_patch.shape[1]), values.dtype)
    for slot in range(index.slot_patch.shape[0]):
        weight = index.slot_weight[slot]
        value = values[..., index.slot_patch[slot]]
        total = total + jnp.where(weight > 0.0, weight * value, 0.0)
    return total


def column_to_gridcell(
    values: np.ndarray,
    gridcell: np.ndarray,
    weight: np.ndarray,
    cells: int,
    scale: np.ndarray | None = None,
) -> np.ndarray:
    """Weighted mean over the columns of each cell: sum_c w_c s_c x_c / sum_c w_c.

    A value that is not a number is no value: its column does not count. Cells without any get NaN.

    Args:
        values: ``[..., column]`` on the host.
        gridcell: cell of each column; the columns of a cell in an order that is the same on any rank.
        weight: of each column on its cell.
        cells: number of the rank's cells.
        scale: of each column, for surfaces larger than the ground that they stand on; 1 if None.
    """
    total, found = (np.zeros((*values.shape[:-1], cells)) for _ in range(2))
    alone = np.full((*values.shape[:-1], cells), np.nan)
    number = np.zeros(total.shape, np.int64)
    scaled = values if scale is None else values * scale
    exists = np.isfinite(values)
    rank = _rank_within_cell(gridcell)
    for turn in range(int(rank.max(initial=-1)) + 1):
        chosen = np.flatnonzero(rank == turn)
        cell, here = gridcell[chosen], exists[..., chosen]
        total[..., cell] += np.where(here, scaled[..., chosen] * weight[chosen], 0.0)
        found[..., cell] += np.where(here, weight[chosen], 0.0)
        number[..., cell] += here
        alone[..., cell] = np.where(here, scaled[..., chosen], alone[..., cell])
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / found
    # One column a cell is the rule; its value passes through without a rounding.
    return np.where(number == 1, alone, mean)


def _rank_within_cell(gridcell: np.ndarray) -> np.ndarray:
    """For each column its turn (0, 1, ...) among the columns of its cell, in file order."""
    order = np.argsort(gridcell, kind="stable")
    sorted_cell = gridcell[order]
    start = np.searchsorted(sorted_cell, sorted_cell, side="left")
    rank = np.empty(len(gridcell), np.int64)
    rank[order] = np.arange(len(gridcell)) - start
    return rank
