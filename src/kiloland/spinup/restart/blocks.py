"""Parts of a restart whose columns and patches belong together, and the pools for them.

A part is a run of columns and the run of patches that belong to just these columns. ELM writes the parts of
one gridcell together, so a part is some hundreds of cells; a file in which columns or patches are shuffled
over the whole domain has one part, itself. What is kept for all columns is a few numbers each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.spinup.pools import PoolFile
from kiloland.spinup.subgrid import SubgridKeys, whole

IntArray = NDArray[np.int64]

BLOCK_COLUMNS: Final = 1024
READ_ENTRIES: Final = 1 << 20


@dataclass(frozen=True)
class Part:
    """A run of columns and of the patches that belong to them."""

    columns: slice
    patches: slice


def runs(length: int) -> Iterator[slice]:
    """Slices that cover a vector in pieces."""
    for start in range(0, length, READ_ENTRIES):
        yield slice(start, min(start + READ_ENTRIES, length))


def restart_parts(dataset: Dataset, columns_at_once: int = BLOCK_COLUMNS) -> list[Part]:
    """Parts that cover a restart in the order of the file.

    A cut before column c and patch p is allowed where the p patches before it are all patches of the
    columns before c.
    """
    columns, patches = dataset.dimensions["column"], dataset.dimensions["pft"]
    name = "pfts1d_column_index"
    count = np.zeros(columns + 1, np.int64)
    for run in runs(patches):
        owner = whole(dataset, name, run)
        if owner.min(initial=1) < 1 or owner.max(initial=1) > columns:
            raise InputError(
                "a patch of a column that the file does not have",
                file=dataset.path,
                variable=name,
                found=f"{owner.min()} to {owner.max()}",
                expected=f"1 to {columns}",
            )
        count += np.bincount(owner, minlength=columns + 1)
    first_patch = np.cumsum(count)
    wanted = np.arange(columns_at_once, columns, columns_at_once)
    highest = running_maximum(dataset, name, first_patch[wanted])
    cuts = [0, *(int(cut) for cut in wanted[highest <= wanted]), columns]
    return [
        Part(slice(low, high), slice(int(first_patch[low]), int(first_patch[high])))
        for low, high in pairwise(cuts)
    ]


def running_maximum(dataset: Dataset, name: str, ends: IntArray) -> IntArray:
    """Largest entry of an index vector before each of ``ends`` (ascending)."""
    found = np.zeros(ends.size, np.int64)
    highest, start = 0, 0
    for number, end in enumerate(ends):
        for run in runs(int(end) - start):
            part = slice(start + run.start, start + run.stop)
            highest = max(highest, int(whole(dataset, name, part).max(initial=0)))
        start = int(end)
        found[number] = highest
    return found


@dataclass(frozen=True)
class PoolPart:
    """A run of columns and patches of a file of pools, with their keys (columns counted from its start)."""

    keys: SubgridKeys
    columns: slice
    patches: slice


class PoolParts:
    """Finds the part of a file of pools that belongs to a range of gridcells."""

    def __init__(self, file: PoolFile) -> None:
        self.file = file
        self.gridcell = whole(file.dataset, "column_gridcell")
        columns, patches = file.columns, file.patches
        count, last, ordered = np.zeros(columns, np.int64), 0, bool((np.diff(self.gridcell) >= 0).all())
        for run in runs(patches):
            owner = whole(file.dataset, "pft_column", run)
            if owner.min(initial=0) < 0 or owner.max(initial=0) >= columns:
                file.keys()
            count += np.bincount(owner, minlength=columns)
            ordered &= owner.size == 0 or bool(owner[0] >= last and (np.diff(owner) >= 0).all())
            last = int(owner[-1]) if owner.size else last
        self.first_patch = np.concatenate([[0], np.cumsum(count)])
        self.ordered = ordered

    def part(self, low: int, high: int) -> PoolPart:
        """The columns of gridcells ``low`` to ``high``; all columns where the file is not in order."""
        first, last = 0, self.file.columns
        if self.ordered:
            first = int(np.searchsorted(self.gridcell, low, side="left"))
            last = int(np.searchsorted(self.gridcell, high, side="right"))
        columns = slice(first, last)
        patches = slice(int(self.first_patch[first]), int(self.first_patch[last]))
        if not self.ordered:
            patches = slice(0, self.file.patches)
        return PoolPart(self.file.keys(columns, patches), columns, patches)
