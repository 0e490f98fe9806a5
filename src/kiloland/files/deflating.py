"""Writing compressed netCDF-4 files, whole or not at all.

They are for archives and for transport: ELM and PnetCDF read CDF-5 faster, and only one process can write
them. Every chunk carries a checksum of its own (Fletcher-32), which the library compares at each read.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import netCDF4
import numpy as np

from kiloland.errors import InputError, OutputError
from kiloland.files.atomic import create_temporary, discard, final_path, output_error, publish
from kiloland.files.hdf5 import LIBRARY, LIBRARY_ERRORS, NETCDF4_CHECKSUM_ATTRIBUTE, header_sum, open_hdf5
from kiloland.files.schema import FileSchema, VariableSchema

CHUNK: Final = 1 << 20
"""Bytes of a chunk before compression: what a reader of one value has to read and inflate."""
RECORDS: Final = 8
"""Records of a chunk: a day of three-hourly values."""


class DeflatedWriter:
    """A netCDF-4 file that becomes visible only when its ``with`` block ends without an error.

    ``level`` 1 (fast) to 9. Every entry of every variable must be put exactly once, as with
    :class:`~kiloland.files.writer.DatasetWriter`. Raises ``InputError`` for a schema or an array that does
    not fit, ``OutputError`` where the file cannot be written; an earlier file of the name is then as it was.
    """

    def __init__(self, path: str | os.PathLike[str], schema: FileSchema, level: int) -> None:
        if not 1 <= level <= 9:
            raise InputError("no such level of compression", found=level, expected="1 to 9")
        self.path, self.schema = final_path(path), schema
        schema.check(self.path)
        self.left = {one.name: math.prod(schema.shape(one)) for one in schema.variables}
        self.temporary, descriptor = create_temporary(self.path)
        os.close(descriptor)
        self.file: Any = None
        self.closed = False
        try:
            with LIBRARY:
                self.file = netCDF4.Dataset(self.temporary, "w", format="NETCDF4")
                self._define(level)
        except LIBRARY_ERRORS as error:
            self._abandon()
            raise self._failed(error) from None

    def _define(self, level: int) -> None:
        unlimited = self.schema.unlimited[0] if self.schema.unlimited else None
        for name, length in self.schema.lengths().items():
            self.file.createDimension(name, None if name == unlimited else length)
        for one in self.schema.variables:
            shape = self.schema.shape(one)
            fill = one.attributes.get("_FillValue")
            options: dict[str, Any] = {"zlib": True, "complevel": level, "shuffle": True, "fletcher32": True}
            if shape:
                options["chunksizes"] = chunks_of(shape, np.dtype(one.dtype).itemsize)
            made = self.file.createVariable(
                one.name, one.dtype, one.dims, fill_value=False if fill is None else fill, **options
            )
            made.set_auto_maskandscale(False)
            made.setncatts({k: v for k, v in one.attributes.items() if k != "_FillValue" and v != ""})
        self.file.setncatts(dict(self.schema.attributes))
        self.file.setncattr(NETCDF4_CHECKSUM_ATTRIBUTE, header_sum(self.file))

    def put(self, name: str, array: Any, start: tuple[int, ...] | None = None) -> None:
        """Write a slab that starts at ``start`` along the leading dimensions, or the whole variable."""
        variable = next((one for one in self.schema.variables if one.name == name), None)
        if variable is None:
            raise InputError("the schema has no such variable", file=self.path, variable=name)
        shape, values = self.schema.shape(variable), np.asarray(array)
        origin = (*(start or ()), *[0] * (len(shape) - len(start or ())))
        values = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
        box = tuple(slice(first, first + size) for first, size in zip(origin, values.shape, strict=True))
        if any(part.stop > whole for part, whole in zip(box, shape, strict=True)):
            raise InputError(
                "the array does not fit the variable",
                file=self.path,
                variable=name,
                found=f"shape {values.shape} at {origin}",
                expected=f"shape {shape}",
            )
        try:
            with LIBRARY:
                self.file[name][box if box else ...] = values.astype(np.dtype(variable.dtype), copy=False)
        except LIBRARY_ERRORS as error:
            raise self._failed(error) from None
        self.left[name] -= values.size

    def close(self, error: BaseException | None = None) -> None:
        """Finish the file, or remove it where an error happened."""
        if self.closed:
            return
        self.closed = True
        try:
            if error is None:
                self._finish()
        except LIBRARY_ERRORS as problem:
            raise self._failed(problem) from None
        except InputError as problem:
            text = str(problem).replace(str(self.temporary), str(self.path))
            raise OutputError(f"{text}: what was written cannot be read back") from None
        finally:
            self._abandon()

    def _finish(self) -> None:
        """Close, sync, read all of it again, and give it its name."""
        for name, left in self.left.items():
            if left:
                raise OutputError(f"{self.path}: {name}: {left} entries were never written, or written twice")
        with LIBRARY:
            self.file.close()
        with open(self.temporary, "rb") as written:
            os.fsync(written.fileno())
        with open_hdf5(self.temporary) as dataset:
            dataset.verify()
        publish(self.temporary, self.path)

    def _abandon(self) -> None:
        try:
            with LIBRARY:
                if self.file is not None and self.file.isopen():
                    self.file.close()
        except LIBRARY_ERRORS:
            # What could not be written to the end is removed with its file.
            pass
        finally:
            discard(self.temporary)

    def _failed(self, error: Exception) -> OutputError:
        size = sum(variable_bytes(self.schema, one) for one in self.schema.variables)
        cause = error if isinstance(error, OSError) and error.strerror else OSError(0, str(error))
        return output_error(Path(self.path), cause, size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close(error)


def variable_bytes(schema: FileSchema, variable: VariableSchema) -> int:
    """Bytes of a variable that is not compressed."""
    return int(math.prod(schema.shape(variable)) * np.dtype(variable.dtype).itemsize)


def chunks_of(shape: tuple[int, ...], itemsize: int) -> list[int]:
    """A few records of about ``CHUNK`` bytes, along the last dimension as far as that allows."""
    records = min(shape[0], RECORDS) if len(shape) > 1 else 1
    chunks, room = [1] * len(shape), max(1, CHUNK // (itemsize * records))
    for axis in range(len(shape) - 1, 0 if len(shape) > 1 else -1, -1):
        chunks[axis] = max(1, min(shape[axis], room))
        room = max(1, room // chunks[axis])
    if len(shape) > 1:
        chunks[0] = max(1, records)
    return chunks
