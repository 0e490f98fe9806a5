"""Copies of a domain, surface, forcing or restart file: N times the same cells, told apart by their ids.

With n members of a dimension in the source, copy c (from 0) fills the members ``c*n ... (c+1)*n - 1``, in
every dimension of cells and of their parts at once. Then

* data and coordinates repeat;
* an index vector moves with its copy: ``i' = i + c * n(of the dimension pointed to)``, 0 and below stay;
* the id of a cell becomes ``id' = id + c * step`` with ``step = max(id) - min(id) + 1``, so that ids stay
  unique and in order, copy 0 keeps its own, and copies of copies are the copies made at once.

Each variable is written in one pass from its beginning to its end.
"""

from __future__ import annotations

import logging
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.cells import (
    BLOCK_BYTES,
    CellAxis,
    cell_axis,
    copy_variable,
    require_cells,
    require_other_file,
    rows_of,
    schema_like,
    variable_like,
)
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, Variable
from kiloland.verify.copies import CELL_DIMENSIONS, IDENTIFIERS, INDEX, copied_dimensions
from kiloland.verify.streams import Slices, Source, blocks, start_of

logger = logging.getLogger(__name__)

IntArray = NDArray[np.int64]
TIMES_ATTRIBUTE: Final = "duplicate_times"
CELLS_ATTRIBUTE: Final = "duplicate_cells"
STEP_ATTRIBUTE: Final = "duplicate_id_step"
SOURCE_ATTRIBUTE: Final = "duplicate_source"
ORIGIN_ATTRIBUTE: Final = "gridID_origin"


@dataclass(frozen=True)
class Times:
    """How often the cells are repeated, as factors: 10x10x3 is 300 copies."""

    factors: tuple[int, ...]

    @classmethod
    def from_text(cls, text: str) -> Times:
        """The factors in ``10x10x3``; InputError for anything but whole numbers from 1 up."""
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text):
            raise InputError("not a number of copies", found=text, expected="10, or factors like 10x10x3")
        return cls(tuple(int(part) for part in text.split("x")))

    @property
    def copies(self) -> int:
        """Number of copies, the original one included."""
        return math.prod(self.factors)

    def __str__(self) -> str:
        return "x".join(str(factor) for factor in self.factors)

    def after(self, earlier: Times) -> Times:
        """These copies of a file that ``earlier`` ones were made in; factors of 1 say nothing."""
        both = tuple(factor for factor in (*earlier.factors, *self.factors) if factor > 1)
        return Times(both or (1,))


@dataclass(frozen=True)
class CopyPlan:
    """What the copies of one file are: the lengths of its dimensions and how its numbers move."""

    times: Times
    lengths: dict[str, int]
    """Dimensions of cells of the source."""
    id_step: int
    """Distance of the ids of one copy from those of the next; 0 in a file without ids."""

    @property
    def grown(self) -> dict[str, int]:
        """Lengths of these dimensions with all copies."""
        return {dim: length * self.times.copies for dim, length in self.lengths.items()}

    def step(self, variable: Variable) -> int:
        """By how much the values of a variable move from one copy to the next."""
        if variable.name in IDENTIFIERS:
            return self.id_step
        match = INDEX.fullmatch(variable.name)
        if match is None or match["plane"] == "jxy":
            return 0
        return self.lengths.get(match["level"] or "gridcell", self.lengths.get("lndgrid", 0))

    def dtype(self, variable: Variable) -> np.dtype[Any]:
        """The type of the copies: that of the source, or 64 bits for ids that would not fit."""
        if variable.name not in IDENTIFIERS or variable.dtype.kind not in "iu":
            return variable.dtype
        largest = int(variable.read().max()) + self.id_step * (self.times.copies - 1)
        return variable.dtype if largest <= np.iinfo(variable.dtype).max else np.dtype(np.int64)


def plan_copies(dataset: Dataset, times: Times) -> CopyPlan:
    """The plan for one file.

    Raises InputError for a file without cells, for cells in rows and columns (their copies would not be
    contiguous in the list of cells), and for ids that are not unique.
    """
    require_cells(dataset)
    rows = rows_of(dataset)
    if rows == 1 and "grid1d_jxy" in dataset:
        rows = int(dataset["grid1d_jxy"].read().max(initial=1))
    if rows > 1:
        raise InputError(
            "cells in rows and columns cannot be repeated",
            file=dataset.path,
            found=f"{rows} rows",
            expected="one row",
            hint="`kiloland craft subset IN -o LIST` makes a list of its cells",
        )
    lengths = {dim: dataset.dimensions[dim] for dim in copied_dimensions(dataset)}
    steps = [id_step(dataset[name]) for name in dataset if name in IDENTIFIERS]
    return CopyPlan(times, lengths, max(steps, default=0))


def id_step(variable: Variable) -> int:
    """``max(id) - min(id) + 1``; InputError where an id occurs twice."""
    ids = np.sort(variable.read().reshape(-1).astype(np.int64))
    again = np.flatnonzero(np.diff(ids) == 0)
    if again.size:
        raise InputError(
            "the same gridcell id twice",
            file=variable.file,
            variable=variable.name,
            found=int(ids[again[0]]),
            expected="different ids",
        )
    return int(ids[-1] - ids[0]) + 1


def copy_attributes(dataset: Dataset, plan: CopyPlan) -> dict[str, str]:
    """What a file of copies says of its origin; text alone, so that comparisons take it for provenance.

    Copies of copies name the first source, its cells and its step.
    """
    earlier = dataset.attributes
    times = plan.times
    if TIMES_ATTRIBUTE in earlier:
        times = times.after(Times.from_text(str(earlier[TIMES_ATTRIBUTE])))
    cells = str(earlier.get(CELLS_ATTRIBUTE, cells_text(plan.lengths)))
    said = {
        SOURCE_ATTRIBUTE: str(earlier.get(SOURCE_ATTRIBUTE, dataset.path.name)),
        TIMES_ATTRIBUTE: str(times),
        CELLS_ATTRIBUTE: cells,
    }
    if plan.id_step:
        step = str(earlier.get(STEP_ATTRIBUTE, plan.id_step))
        said[STEP_ATTRIBUTE] = step
        said[ORIGIN_ATTRIBUTE] = (
            f"gridID - copy * {step}, copy = cell // {cells.split()[1].rstrip(',')}, cells counted from 0"
        )
    return said


def cells_text(lengths: dict[str, int]) -> str:
    """The dimensions of cells of a source: ``gridcell 4, column 6``; that of the cells themselves first."""
    return ", ".join(f"{dim} {lengths[dim]}" for dim in CELL_DIMENSIONS if dim in lengths)


def origins(dataset: Dataset) -> tuple[IntArray, IntArray]:
    """(copy from 0, id in the source) of every cell of a file of copies that has ``gridID``.

    Raises InputError where the file does not say how its copies were made.
    """
    for name in (CELLS_ATTRIBUTE, STEP_ATTRIBUTE):
        if name not in dataset.attributes:
            raise InputError("is no file of copies with ids", file=dataset.path, expected=f"attribute {name}")
    ids = dataset["gridID"].read().reshape(-1).astype(np.int64)
    cells = int(str(dataset.attributes[CELLS_ATTRIBUTE]).split()[1].rstrip(","))
    copy = np.arange(ids.size, dtype=np.int64) // cells
    return copy, ids - copy * int(str(dataset.attributes[STEP_ATTRIBUTE]))


@dataclass(frozen=True)
class DuplicateSummary:
    """What was made."""

    path: Path
    copies: int
    variables: int
    bytes_written: int
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        size = self.bytes_written / 1e6
        return [
            f"{self.path}: {self.copies} copies, {self.variables} variables, {size:.1f} MB",
            f"made in {self.seconds:.1f} s ({size / max(self.seconds, 1e-9):.0f} MB/s)",
        ]


def duplicate_dataset(
    dataset: Dataset, times: Times, output: Path, *, block_bytes: int = BLOCK_BYTES
) -> DuplicateSummary:
    """Write the copies of an open file as CDF-5; memory stays near ``block_bytes``, plus 16 bytes a cell
    for ids.

    The bytes written do not depend on ``block_bytes``. Raises InputError as :func:`plan_copies`, and where
    the output is the input; OutputError where the disk refuses.
    """
    started = time.perf_counter()
    require_other_file(dataset.path, output)
    plan = plan_copies(dataset, times)
    variables = tuple(
        variable_like(variable, plan.dtype(variable)) for variable in dataset.variables.values()
    )
    schema = schema_like(dataset, plan.grown, variables, copy_attributes(dataset, plan))
    with DatasetWriter(output, schema) as writer:
        for variable in dataset.variables.values():
            axis = cell_axis(variable)
            if axis is None:
                copy_variable(variable, writer)
            else:
                repeat_variable(variable, axis, plan, writer, block_bytes)
    seconds = time.perf_counter() - started
    return DuplicateSummary(output, times.copies, len(variables), output.stat().st_size, seconds)


def repeat_variable(
    variable: Variable, axis: CellAxis, plan: CopyPlan, writer: DatasetWriter, block_bytes: int
) -> None:
    """Write all copies of one variable.

    Where a row of cells with all its copies fits into a block, many rows are repeated in memory and written
    at once; else a part of one row is read once and written into each copy.
    """
    source, dtype, step = Source(variable), plan.dtype(variable), plan.step(variable)
    copies = plan.times.copies
    last = axis.last
    row = dtype.itemsize * math.prod(variable.shape[last:])
    whole = row * copies <= block_bytes
    limit = max(block_bytes // copies, 1) if whole else min(block_bytes, row)
    for index in blocks(variable.shape, dtype.itemsize, limit):
        put = put_repeated if whole else put_copies
        put(writer, variable, source.block(index), index, last, copies, step)


def put_repeated(
    writer: DatasetWriter,
    variable: Variable,
    block: NDArray[Any],
    index: Slices,
    axis: int,
    copies: int,
    step: int,
) -> None:
    """Write whole rows of cells with all their copies as one slab."""
    if step:
        target = np.concatenate([moved(block, copy * step, variable.name) for copy in range(copies)], axis)
    else:
        # Values that only repeat stay in the byte order of the file: no bit is touched.
        repeated = np.empty((*block.shape[:axis], copies, *block.shape[axis:]), block.dtype)
        repeated[...] = np.expand_dims(block, axis)
        target = repeated.reshape(*block.shape[:axis], -1, *block.shape[axis + 1 :])
    writer.put(variable.name, target, start=start_of(index))


def put_copies(
    writer: DatasetWriter,
    variable: Variable,
    block: NDArray[Any],
    index: Slices,
    axis: int,
    copies: int,
    step: int,
) -> None:
    """Write one block into each of the copies."""
    for copy in range(copies):
        start = list(start_of(index))
        start[axis] += copy * variable.shape[axis]
        writer.put(variable.name, moved(block, copy * step, variable.name), start=tuple(start))


def moved(block: NDArray[Any], offset: int | IntArray, name: str) -> NDArray[Any]:
    """Ids or indices of a later copy, as 64-bit integers; other values as they are."""
    if not np.any(offset):
        return block
    wide = block.astype(np.int64)
    return wide + offset if name in IDENTIFIERS else np.where(wide > 0, wide + offset, wide)
