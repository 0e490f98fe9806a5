"""The cells of any file of a run: along which dimensions they lie, and reading some of them in blocks.

Cells lie along one dimension (``gridcell``, ``ni``, ...), or along rows and columns (``nj, ni``), which count
as one list of cells in row-major order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import (
    CHECKSUM_ATTRIBUTE,
    HEADER_CHECKSUM_ATTRIBUTE,
    Dataset,
    DatasetWriter,
    FileSchema,
    Variable,
    VariableSchema,
)
from kiloland.verify.copies import CELL_DIMENSIONS, cell_places, copied_dimensions
from kiloland.verify.streams import Slices, Source, blocks, start_of

ROW_DIMENSIONS: Final = {"ni": "nj", "lsmlon": "lsmlat"}
"""The dimension of rows that may stand before one of columns."""
PART_DIMENSIONS: Final = ("topounit", "landunit", "column", "pft", "cohort")
"""Dimensions of parts of cells; a file that has them cannot be cut by cells alone."""
BLOCK_BYTES: Final = 8 << 20
"""Bytes that are read, and that are written, at once."""
CHECKSUMS: Final = (CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE)

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class CellAxis:
    """Where the cells lie in a variable: at dimension ``first``, and at the next too where ``width`` is 2."""

    first: int
    width: int

    def count(self, shape: tuple[int, ...]) -> int:
        """Number of cells of a variable of this shape."""
        count = 1
        for length in shape[self.first : self.first + self.width]:
            count *= length
        return count

    @property
    def last(self) -> int:
        """The dimension of columns, or the only one."""
        return self.first + self.width - 1


def cell_axis(variable: Variable) -> CellAxis | None:
    """The cells of a variable; None where it has none.

    Raises InputError where a variable has two dimensions of cells that are not rows and columns.
    """
    places = cell_places(variable.dims)
    if not places:
        return None
    if len(places) > 1:
        raise InputError(
            "more than one dimension of cells",
            file=variable.file,
            variable=variable.name,
            found=", ".join(variable.dims),
        )
    place = places[0]
    rows = place > 0 and variable.dims[place - 1] == ROW_DIMENSIONS.get(variable.dims[place])
    return CellAxis(place - 1, 2) if rows else CellAxis(place, 1)


def part_dimensions(dataset: Dataset) -> list[str]:
    """Dimensions of parts of cells, such as columns; none in surface data."""
    copied = copied_dimensions(dataset)
    return [dim for dim in PART_DIMENSIONS if dim in copied]


def rows_of(dataset: Dataset) -> int:
    """Number of rows of the file's cells; 1 where they are a list."""
    return max((dataset.dimensions.get(dim, 1) for dim in ROW_DIMENSIONS.values()), default=1)


def require_cells(dataset: Dataset) -> None:
    """Raise InputError for a file without a dimension of cells."""
    if not set(dataset.dimensions) & set(CELL_DIMENSIONS):
        raise InputError(
            "has no dimension of cells",
            file=dataset.path,
            found=", ".join(dataset.dimensions),
            expected=f"one of {', '.join(CELL_DIMENSIONS)}",
        )


def require_other_file(source: Path, output: Path) -> None:
    """Raise InputError where the output would replace an input."""
    if source.exists() and output.exists() and source.samefile(output):
        raise InputError("the output would replace the input", file=output, hint="Name another file with -o")


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes without the checksums, which belong to the bytes of one file."""
    return {name: value for name, value in attributes.items() if name not in CHECKSUMS}


def schema_like(
    dataset: Dataset,
    lengths: Mapping[str, int],
    variables: tuple[VariableSchema, ...],
    attributes: Mapping[str, str],
) -> FileSchema:
    """The schema of a file like ``dataset`` with other ``lengths`` and more global ``attributes``.

    The unlimited dimension stays so where CDF-5 allows it: first in every variable that has it.
    """
    dimensions = {dim: lengths.get(dim, length) for dim, length in dataset.dimensions.items()}
    record = dataset.unlimited
    leads = all(record not in variable.dims[1:] for variable in variables)
    return FileSchema(
        dimensions=dimensions,
        unlimited=(record, dimensions[record]) if record and leads else None,
        variables=variables,
        attributes={**own_attributes(dataset.attributes), **attributes},
    )


def variable_like(variable: Variable, dtype: np.dtype[Any] | None = None) -> VariableSchema:
    """The schema of a variable like this one."""
    return VariableSchema(
        variable.name, dtype or variable.dtype, variable.dims, own_attributes(variable.attributes)
    )


def copy_variable(
    variable: Variable,
    writer: DatasetWriter,
    shape: tuple[int, ...] | None = None,
    origin: tuple[int, ...] | None = None,
) -> None:
    """Copy a variable block by block, or the part of a ``shape`` that begins at ``origin``."""
    source = Source(variable)
    for index in blocks(shape or variable.shape, variable.dtype.itemsize, BLOCK_BYTES):
        values = source.block(shifted_by(index, origin) if origin else index)
        writer.put(variable.name, values, start=start_of(index) or None)


def shifted_by(index: Slices, origin: tuple[int, ...]) -> Slices:
    """The same block counted from the beginning of the source."""
    return tuple(slice(part.start + at, part.stop + at) for part, at in zip(index, origin, strict=True))


def take_cells(variable: Variable, axis: CellAxis, index: Slices, positions: IntArray) -> NDArray[Any]:
    """Values ``[..., cell, ...]`` at cells of a variable, as one list whatever rows and columns they have.

    ``index`` gives the slices of the other dimensions, those of the cells left out. Reads what holds the
    cells alone.
    """
    before, after = index[: axis.first], index[axis.first :]
    where = cell_index(variable.shape[axis.first : axis.first + axis.width], positions)
    mapped = variable.raw()
    chosen = (*before, *where, *after)
    values = mapped[chosen] if mapped is not None else variable.read(chosen)
    return np.asarray(values)


def cell_index(shape: tuple[int, ...], positions: IntArray) -> tuple[Any, ...]:
    """Index for one or two dimensions of cells that gives the cells at ``positions`` of the list."""
    # A run of cells is read as a slice, which is faster than a list of places.
    run = bool((np.diff(positions) == 1).all())
    here: Any = slice(int(positions[0]), int(positions[-1]) + 1) if run else positions
    if len(shape) == 1:
        return (here,)
    if shape[0] == 1:
        return (0, here)
    rows, columns = np.divmod(positions, shape[1])
    return (rows, columns)
