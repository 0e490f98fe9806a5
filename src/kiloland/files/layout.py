"""Where the entries of each variable lie in a classic netCDF file, checked against the file's size.

With ``size = product of the fixed dimensions * itemsize`` a fixed variable fills ``[begin, begin + size)``.
Record ``r`` of a record variable fills ``[begin + r*R, begin + r*R + size)``, where R is the sum over all
record variables of ``size`` rounded up to 4 bytes; a lone record variable is not rounded.

Source: "The NetCDF Classic Format Specification" (Unidata), notes on ``vsize`` and on padding.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.errors import InputError
from kiloland.files.external_types import padded
from kiloland.files.header import DeclaredVariable, Header

logger = logging.getLogger(__name__)

LARGEST_CLASSIC_SIZE = (1 << 32) - 4
"""CDF-1 and CDF-2 store a size in 32 bits; from here on the field means nothing."""


@dataclass(frozen=True)
class Place:
    """Where a variable lies: ``records`` pieces of ``size`` bytes, ``stride`` bytes apart, from ``begin``."""

    dtype: np.dtype[Any]
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    begin: int
    size: int
    records: int
    stride: int
    is_record: bool

    @property
    def end(self) -> int:
        """First byte after the last entry; 0 where there is none."""
        return self.begin + (self.records - 1) * self.stride + self.size if self.total else 0

    @property
    def total(self) -> int:
        """Bytes of all entries."""
        return self.records * self.size


def record_stride(sizes: list[int]) -> int:
    """Bytes from one record to the next; ``sizes`` are the bytes of one record of each record variable."""
    return sizes[0] if len(sizes) == 1 else sum(padded(size) for size in sizes)


def places(header: Header, file_size: int, file: str | Path) -> tuple[int, dict[str, Place]]:
    """Number of records and the place of every variable, all inside the file and none over another.

    Raises ``InputError`` naming the file and the variable that is cut off or does not fit.
    """
    names = list(header.dimensions)
    shapes = {v.name: fixed_shape(v, names, header, file) for v in header.variables}
    sizes = {v.name: entry_bytes(v, shapes[v.name][1], file) for v in header.variables}
    is_record = {name: shape[0] for name, shape in shapes.items()}
    for variable in header.variables:
        check_stored_size(variable, sizes[variable.name], header.version, file)
    stride = record_stride([sizes[n] for n in sizes if is_record[n]]) if any(is_record.values()) else 0
    records = header.records
    if records is None:
        records = streamed_records(
            [v.begin for v in header.variables if is_record[v.name]], stride, file_size
        )
    result = {}
    for variable in header.variables:
        record, inner = shapes[variable.name]
        result[variable.name] = Place(
            dtype=variable.dtype,
            dims=tuple(names[i] for i in variable.dimension_ids),
            shape=(records, *inner) if record else inner,
            begin=variable.begin,
            size=sizes[variable.name],
            records=records if record else 1,
            stride=stride if record else sizes[variable.name],
            is_record=record,
        )
    check_inside(result, file_size, file)
    check_apart(result, header.length, file)
    warn_if_longer(result, stride, file_size, file)
    return records, result


def fixed_shape(
    variable: DeclaredVariable, names: list[str], header: Header, file: str | Path
) -> tuple[bool, tuple[int, ...]]:
    """Whether the variable has records, and its shape without the record dimension."""
    if any(identifier >= len(names) for identifier in variable.dimension_ids):
        raise InputError(
            "the header refers to a dimension that does not exist: the file is damaged",
            file=file,
            variable=variable.name,
            found=max(variable.dimension_ids),
            expected=f"below {len(names)}",
        )
    lengths = [header.dimensions[names[identifier]] for identifier in variable.dimension_ids]
    is_record = bool(lengths) and lengths[0] == 0
    inner = tuple(lengths[1:] if is_record else lengths)
    if 0 in inner:
        raise InputError(
            "the unlimited dimension is not the first one: the file is damaged",
            file=file,
            variable=variable.name,
        )
    return is_record, inner


def entry_bytes(variable: DeclaredVariable, inner: tuple[int, ...], file: str | Path) -> int:
    """Bytes of a fixed variable, or of one record of a record variable."""
    size = math.prod(inner) * variable.dtype.itemsize
    if size >= 1 << 62:
        raise InputError(
            "the dimensions are impossibly large: the file is damaged",
            file=file,
            variable=variable.name,
            found=inner,
        )
    return size


def check_stored_size(variable: DeclaredVariable, size: int, version: int, file: str | Path) -> None:
    """The header repeats each size; a contradiction means that one of both was damaged."""
    if version != 5 and padded(size) >= LARGEST_CLASSIC_SIZE:
        return
    if variable.stored_size not in (size, padded(size)):
        raise InputError(
            "the header contradicts itself about the size of the variable: the file is damaged",
            file=file,
            variable=variable.name,
            found=f"{variable.stored_size} bytes",
            expected=f"{padded(size)} bytes by its dimensions",
        )


def streamed_records(begins: list[int], stride: int, file_size: int) -> int:
    """Number of whole records in a file whose writer did not say."""
    return max(0, file_size - min(begins)) // stride if begins and stride else 0


def check_inside(found: dict[str, Place], file_size: int, file: str | Path) -> None:
    """Every entry lies before the end of the file."""
    for name, place in sorted(found.items(), key=lambda item: item[1].end):
        if place.end > file_size:
            raise InputError(
                "the data are cut off: the file is truncated or damaged",
                file=file,
                variable=name,
                found=f"a file of {file_size} bytes",
                expected=f"at least {place.end} bytes",
            )


def check_apart(found: dict[str, Place], header_length: int, file: str | Path) -> None:
    """No variable lies over the header or over another variable."""
    fixed = sorted((p.begin, p.end, name) for name, p in found.items() if not p.is_record and p.total)
    first = sorted((p.begin, p.begin + p.size, name) for name, p in found.items() if p.is_record and p.total)
    before, before_name = header_length, "the header"
    for begin, end, name in (*fixed, *first):
        if begin < before:
            raise InputError(
                f"the data overlap {before_name}: the file is damaged",
                file=file,
                variable=name,
                found=f"offset {begin}",
                expected=f"{before} or more",
            )
        before, before_name = end, f"variable {name}"
    if first:
        stride = next(place.stride for place in found.values() if place.is_record)
        begin, end, name = first[-1]
        if end - first[0][0] > stride:
            raise InputError(
                "the records overlap: the file is damaged", file=file, variable=name, found=begin
            )


def warn_if_longer(found: dict[str, Place], stride: int, file_size: int, file: str | Path) -> None:
    """Whole records behind the last one point at a header that was not updated."""
    end = max((place.end for place in found.values()), default=0)
    if stride and file_size - end >= stride:
        logger.warning(
            "%s holds %d bytes after the last record that its header counts", file, file_size - end
        )
