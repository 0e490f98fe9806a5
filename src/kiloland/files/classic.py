"""Reading classic netCDF files (CDF-1, CDF-2, CDF-5) from a memory map or from memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.dataset import Dataset, Variable
from kiloland.files.external_types import native
from kiloland.files.header import parse_header
from kiloland.files.indexing import Index
from kiloland.files.layout import Place, places
from kiloland.files.verification import verify_data, verify_header


class ClassicVariable(Variable):
    """A variable at known offsets of a buffer."""

    def __init__(
        self, name: str, attributes: dict[str, Any], place: Place, file: Path, data: memoryview
    ) -> None:
        self.name, self.attributes, self.place, self.file, self.data = name, attributes, place, file, data
        self.dims, self.shape, self.dtype = place.dims, place.shape, native(place.dtype)

    def raw(self) -> NDArray[Any]:
        place = self.place
        if place.total == 0:
            return np.zeros(self.shape, place.dtype)
        inner = self.shape[1:] if place.is_record else self.shape
        strides = [place.dtype.itemsize] * len(inner)
        for axis in range(len(inner) - 2, -1, -1):
            strides[axis] = strides[axis + 1] * inner[axis + 1]
        if place.is_record:
            strides.insert(0, place.stride)
        try:
            return np.ndarray(self.shape, place.dtype, self.data, place.begin, tuple(strides))
        except ValueError as error:
            raise InputError(
                "the data cannot be read", file=self.file, variable=self.name, found=error
            ) from None

    def verify(self) -> bool:
        return verify_data(self.data, self.place, self.attributes, self.file, self.name)

    def read(self, index: Index = ...) -> NDArray[Any]:
        try:
            return np.array(self.raw()[index], dtype=self.dtype, order="C", copy=True)
        except MemoryError:
            raise InputError(
                "does not fit into memory", file=self.file, variable=self.name, found=f"shape {self.shape}"
            ) from None


def open_classic(path: Path, data: memoryview, release: Callable[[], None]) -> Dataset:
    """The classic netCDF file whose bytes are in ``data``; ``release`` is called when it is closed.

    Raises ``InputError`` naming the file, and the variable where one does not fit.
    """
    header = parse_header(data, path)
    records, found = places(header, len(data), path)
    dimensions = {name: length or records for name, length in header.dimensions.items()}
    variables: dict[str, Variable] = {
        declared.name: ClassicVariable(declared.name, declared.attributes, found[declared.name], path, data)
        for declared in header.variables
    }

    def header_verified() -> bool:
        return header.version == 5 and verify_header(bytes(data[: header.length]), header.attributes, path)

    return Dataset(
        path,
        f"CDF-{header.version}",
        dimensions,
        header.unlimited,
        header.attributes,
        variables,
        release,
        header_verified,
    )
