"""Copies that take no space: a small file that names the source, and a reader that repeats its cells.

The file is JSON; :func:`open_virtual` gives the dataset that ``craft duplicate`` would have written, value
for value. Commands outside of ``kiloland craft`` read only files of data.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.cells import CellAxis, cell_axis, own_attributes, require_other_file
from kiloland.craft.duplicate import (
    CopyPlan,
    DuplicateSummary,
    Times,
    copy_attributes,
    duplicate_dataset,
    moved,
    plan_copies,
)
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset, write_text
from kiloland.files.indexing import Index, expanded, split

FORMAT: Final = "kiloland virtual copies 1"
RULE: Final = (
    "copy c of a dimension of n cells or parts of cells is members c*n to (c+1)*n - 1; data and coordinates "
    "repeat; index vectors move by n(of the dimension pointed to) a copy; ids move by id_step a copy"
)


@dataclass(frozen=True)
class VirtualIndex:
    """What a file of virtual copies says."""

    source: Path
    size: int
    sha256: str
    times: Times
    id_step: int


def duplicate(
    source: Path, times: Times, output: Path, *, virtual: bool = False
) -> DuplicateSummary | VirtualIndex:
    """Make the copies of a file, or with ``virtual`` the small file that stands for them.

    ``source`` may be virtual itself: copies of copies are then made of the first source, whose checksum is
    compared before. Raises InputError for a source without cells, in rows and columns, or changed;
    OutputError where the disk refuses.
    """
    require_other_file(source, output)
    if virtual:
        return write_virtual(source, times, output)
    with open_any(source, verify=True) as dataset:
        return duplicate_dataset(dataset, times, output)


def write_virtual(source: Path, times: Times, output: Path) -> VirtualIndex:
    """Write the file that stands for the copies; see :func:`duplicate`."""
    if is_virtual(source):
        earlier = read_index(source)
        require_unchanged(earlier, source)
        source, times = earlier.source, times.after(earlier.times)
    with open_dataset(source) as dataset:
        plan = plan_copies(dataset, times)
    index = VirtualIndex(source, source.stat().st_size, sha256_of(source), times, plan.id_step)
    described = {
        "format": FORMAT,
        "source": os.path.relpath(source.resolve(), output.parent.resolve()),
        "bytes": index.size,
        "sha256": index.sha256,
        "times": str(times),
        "cells": plan.lengths,
        "id_step": plan.id_step,
        "rule": RULE,
    }
    write_text(output, json.dumps(described, indent=2) + "\n")
    return index


def sha256_of(path: Path) -> str:
    """SHA-256 of the bytes of a file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from error


def is_virtual(path: Path) -> bool:
    """Whether a file is one of virtual copies."""
    try:
        with path.open("rb") as stream:
            return stream.read(1) == b"{"
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from error


def read_index(path: Path) -> VirtualIndex:
    """What a file of virtual copies says; the source lies relative to it. InputError for anything else."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise InputError("another kind of file", file=path, found=said["format"], expected=FORMAT)
        source = path.parent / str(said["source"])
        times = Times.from_text(str(said["times"]))
        return VirtualIndex(source, int(said["bytes"]), str(said["sha256"]), times, int(said["id_step"]))
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError("is no file of virtual copies", file=path, found=repr(error)) from error


def require_unchanged(index: VirtualIndex, path: Path, *, whole: bool = True) -> None:
    """Raise InputError where the source is gone or another; its checksum is compared with ``whole``."""
    if not index.source.is_file():
        raise InputError("the source of the copies is missing", file=path, found=index.source)
    size = index.source.stat().st_size
    if size != index.size:
        raise changed(index, path, f"{size} bytes", f"{index.size} bytes")
    if whole and (found := sha256_of(index.source)) != index.sha256:
        raise changed(index, path, f"SHA-256 {found[:12]}...", f"{index.sha256[:12]}...")


def changed(index: VirtualIndex, path: Path, found: str, expected: str) -> InputError:
    """The error for a source that is not the one copied."""
    hint = f"Make the copies of {index.source} again"
    return InputError(
        "the source of the copies has changed", file=path, found=found, expected=expected, hint=hint
    )


def open_any(path: Path, *, verify: bool = False) -> Dataset:
    """A file of data, or of virtual copies, as a dataset; see :func:`open_virtual`."""
    return open_virtual(path, verify=verify) if is_virtual(path) else open_dataset(path)


def open_virtual(path: Path, *, verify: bool = False) -> Dataset:
    """The dataset that the copies would be; cells are read from the source when asked for.

    The size of the source is always compared, its SHA-256 with ``verify``. Raises InputError where the
    source is missing or another.
    """
    path = Path(path)
    index = read_index(path)
    require_unchanged(index, path, whole=verify)
    source = open_dataset(index.source)
    plan = plan_copies(source, index.times)
    variables: dict[str, Variable] = {
        name: repeated(variable, plan, path) for name, variable in source.variables.items()
    }
    return Dataset(
        path,
        "virtual",
        {**source.dimensions, **plan.grown},
        source.unlimited,
        {**own_attributes(source.attributes), **copy_attributes(source, plan)},
        variables,
        release(source),
    )


def release(source: Dataset) -> Callable[[], None]:
    """How to close a virtual dataset."""
    return source.close


def repeated(variable: Variable, plan: CopyPlan, path: Path) -> Variable:
    """A variable with its copies; one without cells is that of the source."""
    axis = cell_axis(variable)
    return variable if axis is None else VirtualVariable(variable, axis, plan, path)


class VirtualVariable(Variable):
    """The copies of a variable over cells."""

    def __init__(self, source: Variable, axis: CellAxis, plan: CopyPlan, file: Path) -> None:
        self.source, self.axis, self.file, self.name = source, axis.last, file, source.name
        self.dims, self.dtype = source.dims, plan.dtype(source)
        self.copies, self.step = plan.times.copies, plan.step(source)
        self.cells = source.shape[self.axis]
        self.shape = tuple(
            length * (self.copies if place == self.axis else 1) for place, length in enumerate(source.shape)
        )
        self.attributes = own_attributes(source.attributes)

    def raw(self) -> NDArray[Any] | None:
        return None

    def read(self, index: Index = ...) -> NDArray[Any]:
        part = expanded(index, len(self.shape))[self.axis]
        values = self.slices(index) if isinstance(part, slice) else self.places(index)
        return np.array(values, self.dtype, order="C", copy=True)

    def slices(self, index: Index) -> NDArray[Any]:
        """Entries at an index that has a slice of cells: the box that holds them is read and repeated."""
        box, inner = split(index, self.shape)
        copy, cell = np.divmod(np.arange(box[self.axis].start, box[self.axis].stop), self.cells)
        low, high = (int(cell.min()), int(cell.max())) if cell.size else (0, -1)
        values = self.source.read((*box[: self.axis], slice(low, high + 1), *box[self.axis + 1 :]))
        if cell.size and not bool((np.diff(cell) == 1).all()):
            values = np.take(values, cell - low, axis=self.axis)
        offsets = (copy * self.step).reshape(-1, *[1] * (len(self.shape) - self.axis - 1))
        repeated_values: NDArray[Any] = moved(values, offsets, self.name)[inner]
        return repeated_values

    def places(self, index: Index) -> NDArray[Any]:
        """Entries at an index that has an integer or a list of cells."""
        parts = expanded(index, len(self.shape))
        positions = np.arange(self.shape[self.axis])[parts[self.axis]]
        copy, cell = np.divmod(positions, self.cells)
        here = int(cell) if cell.ndim == 0 else cell
        values = self.source.read((*parts[: self.axis], here, *parts[self.axis + 1 :]))
        # Ids and indices have no dimension after that of cells.
        return moved(values, copy * self.step, self.name)
