"""Reading netCDF-4 files (HDF5) through the netCDF4 library, without its masks and scales."""

from __future__ import annotations

import logging
import math
import threading
from pathlib import Path
from typing import Any, Final

import netCDF4
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files.checksum import checksum_text, crc32, is_checksum
from kiloland.files.dataset import Dataset, Variable
from kiloland.files.indexing import Index, split
from kiloland.files.verification import HINT

logger = logging.getLogger(__name__)

LIBRARY_ERRORS = (
    OSError,
    RuntimeError,
    ValueError,
    AttributeError,
    KeyError,
    IndexError,
    MemoryError,
    UnicodeError,
)
"""What the library raises on damaged files."""
LIBRARY: Final = threading.RLock()
"""Held while the library works: it must not be called by two threads at a time."""
NETCDF4_CHECKSUM_ATTRIBUTE: Final = "netcdf4_header_checksum"
"""Global attribute of compressed files: CRC-32 of dimensions, variables and attributes."""
VERIFIED_BYTES = 64 << 20
"""Read at a time when all of a file is read."""


class Hdf5Variable(Variable):
    """A variable of a netCDF-4 file."""

    def __init__(self, source: Any, file: Path) -> None:
        self.source, self.file, self.name = source, file, str(source.name)
        self.dims, self.shape = tuple(source.dimensions), tuple(int(length) for length in source.shape)
        if source.dtype is not str and not isinstance(source.dtype, np.dtype):
            raise InputError("has a data type that is not supported", file=file, variable=self.name)
        self.dtype = np.dtype(object) if source.dtype is str else np.dtype(source.dtype).newbyteorder("=")
        self.attributes = attributes_of(source)

    def read(self, index: Index = ...) -> NDArray[Any]:
        box, inner = split(index, self.shape)
        if any(part.start >= part.stop for part in box):
            empty = np.zeros(tuple(part.stop - part.start for part in box), self.dtype)
            return np.array(empty[inner])
        try:
            with LIBRARY:
                stored = self.source[box] if box else self.source[...]
        except LIBRARY_ERRORS as error:
            raise InputError(
                "the data cannot be read: the file is damaged",
                file=self.file,
                variable=self.name,
                found=error,
            ) from None
        return np.array(np.asarray(stored)[inner], dtype=self.dtype, order="C", copy=True)

    def verify(self) -> bool:
        """Read everything where the chunks carry checksums, which the library compares."""
        with LIBRARY:
            filters = self.source.filters()
        if not filters or not filters.get("fletcher32"):
            return False
        step = max(1, VERIFIED_BYTES // max(1, self.dtype.itemsize * math.prod(self.shape[1:])))
        for first in range(0, self.shape[0] if self.shape else 1, step):
            self.read(slice(first, first + step) if self.shape else ...)
        return True


def header_sum(source: Any) -> str:
    """Checksum of dimensions, variables and attributes, in their order, of an open file."""
    own = {
        name: str(source.getncattr(name)) for name in source.ncattrs() if name != NETCDF4_CHECKSUM_ATTRIBUTE
    }
    parts = [repr([(name, item.size) for name, item in source.dimensions.items() if not item.isunlimited()])]
    parts.append(repr(own))
    for name, item in source.variables.items():
        said = {key: str(item.getncattr(key)) for key in item.ncattrs()}
        parts.append(repr((name, str(item.dtype), item.dimensions, said)))
    return checksum_text(crc32("\n".join(parts).encode()))


def attributes_of(source: Any) -> dict[str, Any]:
    """All attributes in the file's order; text as str, numbers as numpy values."""
    return {name: normalised(source.getncattr(name)) for name in source.ncattrs()}


def normalised(value: Any) -> Any:
    """Numbers in the byte order of this machine; everything else as it is."""
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("="))
    return value


def open_hdf5(path: Path, content: bytes | None = None) -> Dataset:
    """The netCDF-4 file at ``path``, or the one whose bytes are in ``content``.

    Raises ``InputError`` naming the file where the library cannot make sense of it.
    """
    with LIBRARY:
        return opened_by_library(path, content)


def opened_by_library(path: Path, content: bytes | None) -> Dataset:
    """See ``open_hdf5``."""
    source: Any = None
    try:
        source = netCDF4.Dataset(path, memory=content) if content is not None else netCDF4.Dataset(path)
        source.set_auto_maskandscale(False)
        source.set_auto_chartostring(False)
        variables: dict[str, Variable] = {
            name: Hdf5Variable(item, path) for name, item in source.variables.items()
        }
        dimensions = {name: int(item.size) for name, item in source.dimensions.items()}
        unlimited = [name for name, item in source.dimensions.items() if item.isunlimited()]
        attributes = attributes_of(source)
    except LIBRARY_ERRORS as error:
        if source is not None and source.isopen():
            source.close()
        raise InputError("is not a readable netCDF-4 file: it is damaged", file=path, found=error) from None
    if source.groups:
        logger.warning("%s has groups, which are not read: %s", path, ", ".join(source.groups))

    def release() -> None:
        with LIBRARY:
            if source.isopen():
                source.close()

    def header_verified() -> bool:
        expected = attributes.get(NETCDF4_CHECKSUM_ATTRIBUTE)
        if not is_checksum(expected):
            return False
        with LIBRARY:
            found = header_sum(source)
        if found != expected:
            raise InputError(
                "the header does not match its checksum", file=path, found=found, expected=expected, hint=HINT
            )
        return True

    return Dataset(
        path,
        "netCDF-4",
        dimensions,
        unlimited[0] if unlimited else None,
        attributes,
        variables,
        release,
        header_verified,
    )
