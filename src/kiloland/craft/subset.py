"""Some cells of a domain, surface or forcing file, and some of its times, as a file of the same kind.

Cells become one list, whatever rows and columns the source has; all other values stay as they are, bit for
bit.
"""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import decode_times, describe_seconds, seconds_of_date
from kiloland.craft.cells import (
    BLOCK_BYTES,
    ROW_DIMENSIONS,
    CellAxis,
    cell_axis,
    copy_variable,
    part_dimensions,
    require_cells,
    require_other_file,
    rows_of,
    schema_like,
    shifted_by,
    take_cells,
    variable_like,
)
from kiloland.craft.identify import Request, cells_of, chosen_positions
from kiloland.craft.virtual import open_any
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, Variable
from kiloland.verify.streams import blocks, start_of

IntArray = NDArray[np.int64]
TIME_NAMES: Final = ("time", "DTIME")
DATE: Final = r"(\d{1,4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?"


@dataclass(frozen=True)
class Period:
    """Times from ``start`` to before ``stop``: seconds since 0001-01-01 in years of 365 days."""

    start: int
    stop: int

    @classmethod
    def from_text(cls, text: str) -> Period:
        """The period ``A:B`` of years, months or days (``1980``, ``1980-07``, ``1980-07-15``), both in it."""
        match = re.fullmatch(f"{DATE}:{DATE}", text)
        if match is None:
            raise InputError(
                "not a period", found=text, expected="A:B, each YYYY, YYYY-MM or YYYY-MM-DD, both included"
            )
        first, last = (match.groups()[:3], match.groups()[3:])
        period = cls(_bounds(*first)[0], _bounds(*last)[1])
        if period.stop <= period.start:
            raise InputError("a period that ends before it begins", found=text)
        return period

    def __str__(self) -> str:
        return f"{describe_seconds(self.start)} to before {describe_seconds(self.stop)}"


def _bounds(year: str, month: str | None, day: str | None) -> tuple[int, int]:
    """First second of a year, month or day, and the first one after it."""
    last_month = int(month or 12)
    if not 1 <= last_month <= 12:
        raise InputError("not a month", found=month, expected="1 to 12")
    last_day = int(day or calendar.monthrange(1999, last_month)[1])
    start = seconds_of_date(int(year) * 10_000 + int(month or 1) * 100 + int(day or 1))
    return start, seconds_of_date(int(year) * 10_000 + last_month * 100 + last_day) + 86_400


@dataclass(frozen=True)
class SubsetRequest:
    """What to take: cells, and times where ``period`` is given.

    ``source_domain`` says the ids of the cells of a source without ``gridID``.
    """

    source: Path
    cells: Request
    output: Path
    period: Period | None = None
    source_domain: Path | None = None


@dataclass(frozen=True)
class SubsetSummary:
    """What was taken."""

    path: Path
    cells: int
    of_cells: int
    records: int | None
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        times = "" if self.records is None else f", {self.records} times"
        return [f"{self.path}: {self.cells} of {self.of_cells} cells{times}", f"made in {self.seconds:.1f} s"]


def subset(request: SubsetRequest) -> SubsetSummary:
    """Write the cells and times asked for as CDF-5; memory stays near 8 MB, plus 64 bytes a cell.

    Raises InputError for ids or times that the source has not, for restart files (whose columns and patches
    are no cells), and where nothing is asked for; OutputError where the disk refuses.
    """
    started = time.perf_counter()
    require_other_file(request.source, request.output)
    with open_any(request.source) as dataset:
        require_cells(dataset)
        require_no_parts(dataset)
        cells = cells_of(dataset, request.source_domain)
        positions = chosen_positions(cells, request.cells)
        said = {"subset_of": dataset.path.name, "subset_cells": f"{positions.size} of {whole(dataset)}"}
        count = write_subset(dataset, positions, request.period, request.output, said)
        seconds = time.perf_counter() - started
        return SubsetSummary(request.output, positions.size, whole(dataset), count, seconds)


def require_no_parts(dataset: Dataset) -> None:
    """Raise InputError for a file whose cells have parts."""
    parts = part_dimensions(dataset)
    if parts:
        raise InputError(
            "a file of columns and patches cannot be cut or joined by cells",
            file=dataset.path,
            found=f"dimensions {', '.join(parts)}",
            expected="a domain, surface or forcing file",
        )


def whole(dataset: Dataset) -> int:
    """Number of cells of a file."""
    axes = ((cell_axis(variable), variable) for variable in dataset.variables.values())
    return max(axis.count(variable.shape) for axis, variable in axes if axis is not None)


def write_subset(
    dataset: Dataset, positions: IntArray, period: Period | None, output: Path, attributes: dict[str, str]
) -> int | None:
    """Write the file; returns the number of times of a period.

    Variables over rows or columns alone mean nothing in a list of cells and are left out.
    """
    kept = kept_variables(dataset)
    lengths = list_lengths(dataset, positions.size)
    dim, records = chosen_records(dataset, period) if period else ("", slice(0, 0))
    if period:
        lengths[dim] = records.stop - records.start
    schema = schema_like(dataset, lengths, tuple(variable_like(variable) for variable in kept), attributes)
    with DatasetWriter(output, schema) as writer:
        for variable in kept:
            shape = schema.shape(variable_like(variable))
            origin = tuple(records.start if name == dim else 0 for name in variable.dims)
            axis = cell_axis(variable)
            if axis is None:
                copy_variable(variable, writer, shape, origin)
            else:
                put_cells(variable, axis, shape, origin, positions, writer)
    return records.stop - records.start if period else None


def kept_variables(dataset: Dataset) -> list[Variable]:
    """The variables that make sense in a list of cells."""
    if rows_of(dataset) == 1:
        return list(dataset.variables.values())
    grid_dims = {dim for pair in ROW_DIMENSIONS.items() for dim in pair}
    return [
        variable
        for variable in dataset.variables.values()
        if not set(variable.dims) & grid_dims or ((axis := cell_axis(variable)) and axis.width == 2)
    ]


def list_lengths(dataset: Dataset, count: int) -> dict[str, int]:
    """Lengths of the dimensions of cells for a list of ``count`` cells: one row, and so many columns."""
    lengths = {dim: 1 for dim in ROW_DIMENSIONS.values() if dim in dataset.dimensions}
    for variable in dataset.variables.values():
        axis = cell_axis(variable)
        if axis is not None:
            lengths[variable.dims[axis.last]] = count
    return lengths


def put_cells(
    variable: Variable,
    axis: CellAxis,
    shape: tuple[int, ...],
    origin: tuple[int, ...],
    positions: IntArray,
    writer: DatasetWriter,
) -> None:
    """Write the cells at ``positions`` of one variable, block by block of the file that is made."""
    for index in blocks(shape, variable.dtype.itemsize, BLOCK_BYTES):
        source = shifted_by(index, origin)
        others = (*source[: axis.first], *source[axis.last + 1 :])
        values = take_cells(variable, axis, others, positions[index[axis.last]])
        target = tuple(part.stop - part.start for part in index)
        writer.put(variable.name, values.reshape(target), start=start_of(index))


def chosen_records(dataset: Dataset, period: Period) -> tuple[str, slice]:
    """The dimension of time and the records of a period.

    Times are read in the file's own calendar; 29 February stays with the day before. Raises InputError for
    a file without times, with times that do not ascend, or with none in the period.
    """
    axis = next((dataset[name] for name in TIME_NAMES if name in dataset), None)
    if axis is None or len(axis.dims) != 1 or "units" not in axis.attributes:
        raise InputError(
            "has no times to choose from", file=dataset.path, expected=f"{' or '.join(TIME_NAMES)} with units"
        )
    decoded = decode_times(
        axis.values(),
        str(axis.attributes["units"]),
        axis.attributes.get("calendar"),
        file=str(dataset.path),
        variable=axis.name,
    )
    if (np.diff(decoded.seconds) < 0).any():
        raise InputError("times do not ascend", file=dataset.path, variable=axis.name)
    bounds = np.searchsorted(decoded.seconds, [period.start, period.stop])
    places = [*decoded.kept.tolist(), axis.shape[0]]
    chosen = slice(places[int(bounds[0])], places[int(bounds[1])])
    if chosen.start >= chosen.stop:
        first, last = (describe_seconds(int(decoded.seconds[place])) for place in (0, -1))
        raise InputError(
            "no time of the file is in the period",
            file=dataset.path,
            variable=axis.name,
            found=f"{first} to {last}",
            expected=str(period),
        )
    return axis.dims[0], chosen
