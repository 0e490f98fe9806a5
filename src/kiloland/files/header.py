"""Parser of the header of classic netCDF files (CDF-1, CDF-2, CDF-5).

The header is read defensively: no count, length or code is used before it is checked against the bytes
that are there, so a damaged file ends in one ``InputError`` that names the file and the byte.

Source: "The NetCDF Classic Format Specification" (Unidata), grammar of the header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kiloland.errors import InputError
from kiloland.files.external_types import CHARACTER, LAST_CLASSIC_CODE, TYPE_BY_CODE, native, padded

Buffer = memoryview
Item = TypeVar("Item")

VERSIONS = (1, 2, 5)
LONGEST_NAME = 1024
MOST_DIMENSIONS = 1024
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/]")
ABSENT, DIMENSION_TAG, VARIABLE_TAG, ATTRIBUTE_TAG = 0, 10, 11, 12


@dataclass(frozen=True)
class DeclaredVariable:
    """One variable as its header entry declares it; nothing is checked against the file size yet."""

    name: str
    dimension_ids: tuple[int, ...]
    attributes: dict[str, Any]
    dtype: np.dtype[Any]
    stored_size: int
    begin: int


@dataclass(frozen=True)
class Header:
    """A parsed header; ``records`` is None where the writer left the number of records open."""

    version: int
    records: int | None
    dimensions: dict[str, int]
    attributes: dict[str, Any]
    variables: tuple[DeclaredVariable, ...]
    length: int

    @property
    def unlimited(self) -> str | None:
        """Name of the record dimension, which the header stores with length zero."""
        return next((name for name, length in self.dimensions.items() if length == 0), None)


class HeaderReader:
    """A cursor over the bytes of a header with the number sizes of its version."""

    def __init__(self, data: Buffer, version: int, file: str | Path) -> None:
        self.data, self.version, self.file = data, version, file
        self.position = 4
        self.count_size = 8 if version == 5 else 4
        self.offset_size = 4 if version == 1 else 8

    def fail(self, problem: str, **facts: Any) -> InputError:
        """An error that names the file and the place in its header."""
        return InputError(problem, file=self.file, where=f"header byte {self.position}", **facts)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size > len(self.data) - self.position:
            raise self.fail(
                "the file ends inside its header: it is truncated or damaged",
                found=f"{len(self.data) - self.position} bytes",
                expected=f"{size} bytes",
            )
        taken = bytes(self.data[self.position : self.position + size])
        self.position += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def count(self) -> int:
        """A non-negative length, number of elements or identifier."""
        value = self.number(self.count_size)
        if value >= 1 << (8 * self.count_size - 1):
            raise self.fail("the header holds a negative length: the file is damaged", found=value)
        return value

    def records(self) -> int | None:
        """The number of records; None for the all-ones mark of a writer that streamed."""
        value = self.number(self.count_size)
        if value == (1 << (8 * self.count_size)) - 1:
            return None
        self.position -= self.count_size
        return self.count()

    def padded_bytes(self, size: int) -> bytes:
        return self.take(padded(size))[:size]

    def name(self) -> str:
        length = self.count()
        if not 0 < length <= LONGEST_NAME:
            raise self.fail("the header holds a name of impossible length", found=length)
        raw = self.padded_bytes(length)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.fail("the header holds a name that is not text", found=raw) from None
        if FORBIDDEN.search(text):
            raise self.fail("the header holds a name with forbidden characters", found=repr(text))
        return text

    def type(self) -> np.dtype[Any]:
        code = self.number(4)
        if code not in TYPE_BY_CODE or (self.version != 5 and code > LAST_CLASSIC_CODE):
            raise self.fail("the header holds an unknown data type", found=code)
        return TYPE_BY_CODE[code]

    def listing(self, tag: int, what: str, item: Callable[[], tuple[str, Item]]) -> dict[str, Item]:
        """A tagged list of named items; a name that occurs twice is an error."""
        found, elements = self.number(4), self.count()
        if found != tag and not (found == ABSENT and elements == 0):
            raise self.fail(f"the header has no valid list of {what}", found=found, expected=tag)
        items: dict[str, Item] = {}
        for _ in range(elements):
            name, value = item()
            if name in items:
                raise self.fail(f"the name {name!r} occurs twice among the {what}")
            items[name] = value
        return items

    def dimension(self) -> tuple[str, int]:
        return self.name(), self.count()

    def attribute(self) -> tuple[str, Any]:
        name, dtype, elements = self.name(), self.type(), self.count()
        raw = self.padded_bytes(elements * dtype.itemsize)
        if dtype == CHARACTER:
            return name, decoded(raw)
        values = np.frombuffer(raw, dtype).astype(native(dtype))
        return name, values[0] if elements == 1 else values

    def attributes(self) -> dict[str, Any]:
        return self.listing(ATTRIBUTE_TAG, "attributes", self.attribute)

    def variable(self) -> tuple[str, DeclaredVariable]:
        name, rank = self.name(), self.count()
        if rank > MOST_DIMENSIONS:
            raise self.fail(f"variable {name!r} has an impossible number of dimensions", found=rank)
        identifiers = tuple(self.count() for _ in range(rank))
        attributes, dtype = self.attributes(), self.type()
        stored_size, begin = self.number(self.count_size), self.number(self.offset_size)
        return name, DeclaredVariable(name, identifiers, attributes, dtype, stored_size, begin)


def decoded(raw: bytes) -> str:
    """Text of a character attribute: UTF-8, else Latin-1 as older writers left it; closing NULs dropped."""
    raw = raw.rstrip(b"\0")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def is_classic(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a classic netCDF file."""
    return len(start) >= 4 and start[:3] == b"CDF" and start[3] in VERSIONS


def parse_header(data: Buffer, file: str | Path) -> Header:
    """The header of the classic netCDF file in ``data``.

    Raises ``InputError`` naming ``file`` and the header byte where the file stops making sense.
    """
    reader = HeaderReader(data, data[3], file)
    records = reader.records()
    dimensions = reader.listing(DIMENSION_TAG, "dimensions", reader.dimension)
    attributes = reader.attributes()
    variables = reader.listing(VARIABLE_TAG, "variables", reader.variable)
    if sum(length == 0 for length in dimensions.values()) > 1:
        raise reader.fail("the header declares more than one unlimited dimension")
    return Header(reader.version, records, dimensions, attributes, tuple(variables.values()), reader.position)
