"""Opening a file of any supported format."""

from __future__ import annotations

import gzip
import mmap
import os
import zlib
from pathlib import Path

from kiloland.errors import InputError
from kiloland.files.classic import open_classic
from kiloland.files.dataset import Dataset
from kiloland.files.header import is_classic

GZIP_MARK = b"\x1f\x8b"
HDF5_MARK = b"\x89HDF\r\n\x1a\n"


def open_dataset(path: str | os.PathLike[str], *, verify: bool = False) -> Dataset:
    """Open a netCDF file for reading: classic (CDF-1, CDF-2, CDF-5) or netCDF-4, each possibly gzipped.

    The format is found from the first bytes, not from the name. A gzipped file is decompressed into memory.
    With ``verify`` all checksums that this package stored are compared first.

    Raises ``InputError`` naming the file where it is missing, empty, truncated, damaged or not netCDF, and
    the variable where its data are cut off.
    """
    dataset = opened(Path(path))
    if verify:
        try:
            dataset.verify()
        except InputError:
            dataset.close()
            raise
    return dataset


def verify_file(path: str | os.PathLike[str]) -> int:
    """Compare a file with the checksums in it, see ``Dataset.verify``; returns how many there were."""
    with open_dataset(path) as dataset:
        return dataset.verify()


def opened(file: Path) -> Dataset:
    """The dataset in ``file``, see ``open_dataset``."""
    start = first_bytes(file)
    if start.startswith(GZIP_MARK):
        content = decompressed(file)
        if content.startswith(HDF5_MARK):
            return opened_hdf5(file, content)
        return opened_classic(file, memoryview(content))
    if start.startswith(HDF5_MARK):
        return opened_hdf5(file)
    if not is_classic(start):
        raise not_netcdf(file, start)
    return opened_classic(file, mapped(file))


def first_bytes(file: Path) -> bytes:
    """The first eight bytes; fewer where the file is shorter."""
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise InputError("cannot be read", file=file, found=error.strerror) from None
    if not start:
        raise InputError("the file is empty", file=file, found="0 bytes", expected="a netCDF file")
    return start


def decompressed(file: Path) -> bytes:
    """The content of a gzipped file; its length and checksum are verified by the format."""
    try:
        with gzip.open(file) as stream:
            return stream.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError("the compressed file is truncated or damaged", file=file, found=error) from None
    except OSError as error:
        raise InputError("cannot be read", file=file, found=error.strerror) from None
    except MemoryError:
        raise InputError("does not fit into memory when decompressed", file=file) from None


def mapped(file: Path) -> memoryview:
    """The bytes of a file as a read-only memory map."""
    try:
        with file.open("rb") as stream:
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise InputError("cannot be mapped into memory", file=file, found=error) from None


def opened_classic(file: Path, data: memoryview) -> Dataset:
    """A classic dataset; the map lives as long as a view of it does."""
    if not is_classic(bytes(data[:4])):
        raise not_netcdf(file, bytes(data[:8]))
    return open_classic(file, data, lambda: None)


def opened_hdf5(file: Path, content: bytes | None = None) -> Dataset:
    """A netCDF-4 dataset; its library is loaded only here."""
    from kiloland.files.hdf5 import open_hdf5

    return open_hdf5(file, content)


def not_netcdf(file: Path, start: bytes) -> InputError:
    """The error for a file of another format; JSON may be virtual copies, which few commands read."""
    advice = f"If these are virtual copies: kiloland craft duplicate {file.name} --times 1 -o DATA.nc"
    return InputError(
        "is not a netCDF file",
        file=file,
        where="first bytes",
        found=repr(start),
        expected="CDF-1, CDF-2, CDF-5 or netCDF-4, possibly gzipped",
        hint=advice if start.startswith(b"{") else None,
    )
