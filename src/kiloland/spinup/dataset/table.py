"""A data set of spinup cells: what a short run knows, and where the run would end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.spinup.cascade import LAYERS, POOLS, TRANSITIONS
from kiloland.spinup.dataset.fields import MONTHS, PLANT_TYPES

KIND: Final = "spinup_dataset"
"""Attribute ``kiloland_kind`` of a data set."""
VERSION: Final = 1
FILL: Final = 1.0e36
"""Missing entries of floating-point variables."""
BLOCK: Final = 4096
"""Cells that are read or written at once."""

FIXED: Final = {
    "pft": PLANT_TYPES,
    "layer": LAYERS,
    "month": MONTHS,
    "pool": len(POOLS),
    "transition": len(TRANSITIONS),
    "interface": LAYERS - 1,
}
"""Dimensions whose length is the same in every data set; ``cell`` and ``member`` vary."""


@dataclass(frozen=True)
class Column:
    """One variable of a data set: its dimensions, the first of which is ``cell`` or ``member``."""

    name: str
    dims: tuple[str, ...]
    units: str
    long_name: str
    integer: bool = False

    def schema(self) -> VariableSchema:
        """As it stands in the file."""
        attributes: dict[str, Any] = {"units": self.units, "long_name": self.long_name}
        if self.integer:
            return VariableSchema(self.name, "i4", self.dims, attributes)
        return VariableSchema(self.name, "f4", self.dims, {**attributes, "_FillValue": np.float32(FILL)})


@dataclass(frozen=True)
class CellTable:
    """Cells in memory: arrays [cell, ...] or [member, ...] by name, float64, missing entries NaN.

    ``columns`` describes the same names; ``attributes`` are those of the file.
    """

    columns: Mapping[str, Column]
    values: Mapping[str, NDArray[Any]]
    attributes: Mapping[str, Any]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.values["latitude"].shape[0])

    @property
    def members(self) -> int:
        """Number of parameter files."""
        found = [self.values[n].shape[0] for n, c in self.columns.items() if c.dims[0] == "member"]
        return int(found[0]) if found else 1

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.values:
            raise InputError("the data set lacks a variable", variable=name)
        return self.values[name]

    def take(self, rows: NDArray[np.int64]) -> CellTable:
        """The cells at these positions; parameters of members stay whole."""
        values = {
            name: array[rows] if self.columns[name].dims[0] == "cell" else array
            for name, array in self.values.items()
        }
        return CellTable(self.columns, values, self.attributes)


def concatenated(tables: Sequence[CellTable]) -> CellTable:
    """Cells of several tables with the same variables; members are counted on."""
    first, offset, parts = tables[0], 0, []
    for table in tables:
        parts.append({**table.values, "member": table["member"] + offset})
        offset += table.members
    values = {name: np.concatenate([part[name] for part in parts]) for name in first.columns}
    return CellTable(first.columns, values, first.attributes)


def write_table(
    path: Path,
    columns: Mapping[str, Column],
    blocks: Iterator[CellTable],
    cells: int,
    members: int,
    attributes: Mapping[str, Any],
) -> None:
    """Write a data set from blocks of cells that follow each other; the file appears whole or not at all.

    Variables over ``member`` are taken from the first block that holds their member.
    """
    dimensions = {"cell": cells, "member": members, **FIXED}
    schema = FileSchema(
        dimensions=dimensions,
        variables=tuple(column.schema() for column in columns.values()),
        attributes={"kiloland_kind": KIND, "version": VERSION, **attributes},
    )
    start, seen = 0, 0
    with DatasetWriter(path, schema) as writer:
        for block in blocks:
            new = block.members if block["member"].min() >= seen else 0
            for name, column in columns.items():
                whole = column.dims[0] == "member"
                if whole and not new:
                    continue
                writer.put(name, stored(block[name], column), start=(seen if whole else start,))
            start, seen = start + block.cells, seen + new


def stored(values: NDArray[Any], column: Column) -> NDArray[Any]:
    """Values as in the file."""
    if column.integer:
        return values.astype(np.int32)
    return np.where(np.isfinite(values), values, FILL).astype(np.float32)


class DatasetFile:
    """An open data set that is read in blocks of cells."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Dataset = open_dataset(path)
        kind = self.file.attributes.get("kiloland_kind")
        if kind != KIND:
            self.file.close()
            raise InputError(
                "is not a spinup data set",
                file=path,
                variable="kiloland_kind",
                found=kind,
                expected=KIND,
                hint="kiloland spinup dataset makes one from ELM's files",
            )
        self.cells = self.file.dimensions["cell"]
        self.columns = {name: described(self.file, name) for name in self.file}

    def read(self, rows: slice | NDArray[np.int64] = slice(None), names: Sequence[str] = ()) -> CellTable:
        """These cells of these variables (all where none is named), float64 with NaN for missing."""
        chosen = {name: self.columns[name] for name in names or self.columns}
        values: dict[str, NDArray[Any]] = {}
        for name, column in chosen.items():
            index: Any = rows if column.dims[0] == "cell" else ...
            values[name] = self.file[name].values(index)
        return CellTable(chosen, values, self.file.attributes)

    def blocks(self, size: int = BLOCK) -> Iterator[CellTable]:
        """All cells, block after block."""
        for start in range(0, self.cells, size):
            yield self.read(slice(start, min(start + size, self.cells)))

    def close(self) -> None:
        """Release the file."""
        self.file.close()

    def __enter__(self) -> DatasetFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def described(file: Dataset, name: str) -> Column:
    """The description of a variable in an open data set."""
    variable = file[name]
    units, text = variable.attributes.get("units", ""), variable.attributes.get("long_name", "")
    return Column(name, variable.dims, str(units), str(text), variable.dtype.kind in "iu")


def read_dataset(path: Path, rows: slice | NDArray[np.int64] = slice(None)) -> CellTable:
    """A data set, or some of its cells, in memory. Raises ``InputError`` where the file is none."""
    with DatasetFile(path) as file:
        return file.read(rows)
