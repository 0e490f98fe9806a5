"""The header of a CDF-5 file and the place of each variable behind it.

Source: "The NetCDF Classic Format Specification" (Unidata) with 64-bit counts (CDF-5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiloland.files.checksum import CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE, checksum_text, crc32
from kiloland.files.external_types import CHARACTER, CODE_BY_TYPE, external, padded
from kiloland.files.header import ABSENT, ATTRIBUTE_TAG, DIMENSION_TAG, VARIABLE_TAG
from kiloland.files.layout import Place, record_stride
from kiloland.files.schema import FileSchema, VariableSchema, attribute_values

ALIGNMENT = 8
"""Fixed variables start at multiples of this many bytes, so that a memory map of doubles is aligned."""


@dataclass(frozen=True)
class Plan:
    """Where everything of a new file goes."""

    schema: FileSchema
    places: dict[str, Place]
    size: int

    def header(self, checksums: Mapping[str, int]) -> bytes:
        """The header with the given CRC-32 of each variable (zeros where it is not known yet)."""
        blank = encoded_header(self.schema, self.places, checksums, 0)
        if not self.schema.checksums:
            return blank
        return encoded_header(self.schema, self.places, checksums, crc32(blank))


def planned(schema: FileSchema) -> Plan:
    """Lay out a file: header, fixed variables in their order, then the records."""
    unplaced = {variable.name: place_of(schema, variable, 0, 0) for variable in schema.variables}
    record_sizes = [place.size for place in unplaced.values() if place.is_record]
    stride = record_stride(record_sizes) if record_sizes else 0
    position = len(encoded_header(schema, unplaced, {}, 0))
    places: dict[str, Place] = {}
    for variable in sorted(schema.variables, key=lambda item: unplaced[item.name].is_record):
        first_record = unplaced[variable.name].is_record and not any(p.is_record for p in places.values())
        if not unplaced[variable.name].is_record or first_record:
            position = padded(position, ALIGNMENT)
        places[variable.name] = place_of(schema, variable, position, stride)
        position += padded(unplaced[variable.name].size)
    size = max([position, *(padded(place.end) for place in places.values())])
    if record_sizes:
        first = min(place.begin for place in places.values() if place.is_record)
        size = first + stride * next(place.records for place in places.values() if place.is_record)
    return Plan(schema, places, size)


def place_of(schema: FileSchema, variable: VariableSchema, begin: int, stride: int) -> Place:
    """The place of one variable that starts at ``begin``."""
    dtype, shape = external(variable.dtype), schema.shape(variable)
    is_record = bool(schema.unlimited and variable.dims and variable.dims[0] == schema.unlimited[0])
    size = math.prod(shape[1:] if is_record else shape) * dtype.itemsize
    return Place(
        dtype=dtype,
        dims=tuple(variable.dims),
        shape=shape,
        begin=begin,
        size=size,
        records=shape[0] if is_record else 1,
        stride=stride if is_record else size,
        is_record=is_record,
    )


def encoded_header(
    schema: FileSchema, places: Mapping[str, Place], checksums: Mapping[str, int], header_crc: int
) -> bytes:
    """The bytes of the header; its length does not depend on places or checksums."""
    unlimited = schema.unlimited[0] if schema.unlimited else None
    lengths = schema.lengths()
    dimensions = [name_bytes(dim) + count_bytes(0 if dim == unlimited else lengths[dim]) for dim in lengths]
    own = {HEADER_CHECKSUM_ATTRIBUTE: checksum_text(header_crc)} if schema.checksums else {}
    attributes = {k: v for k, v in schema.attributes.items() if k != HEADER_CHECKSUM_ATTRIBUTE}
    numbers = {dim: number for number, dim in enumerate(lengths)}
    variables = [
        variable_bytes(
            variable,
            places[variable.name],
            numbers,
            checksum_text(checksums.get(variable.name, 0)) if schema.checksums else None,
        )
        for variable in schema.variables
    ]
    return b"".join(
        [
            b"CDF\x05",
            count_bytes(schema.unlimited[1] if schema.unlimited else 0),
            list_bytes(DIMENSION_TAG, dimensions),
            attribute_list({**attributes, **own}, None),
            list_bytes(VARIABLE_TAG, variables),
        ]
    )


def variable_bytes(
    variable: VariableSchema, place: Place, numbers: Mapping[str, int], checksum: str | None
) -> bytes:
    """The header entry of one variable."""
    attributes = {k: v for k, v in variable.attributes.items() if k != CHECKSUM_ATTRIBUTE}
    if checksum is not None:
        attributes[CHECKSUM_ATTRIBUTE] = checksum
    return b"".join(
        [
            name_bytes(variable.name),
            count_bytes(len(variable.dims)),
            *(count_bytes(numbers[dim]) for dim in variable.dims),
            attribute_list(attributes, variable),
            CODE_BY_TYPE[place.dtype].to_bytes(4, "big"),
            count_bytes(padded(place.size)),
            count_bytes(place.begin),
        ]
    )


def attribute_list(attributes: Mapping[str, Any], variable: VariableSchema | None) -> bytes:
    """A list of attributes; those that share the type of their variable get it."""
    like = external(variable.dtype) if variable else None
    items = []
    for name, value in attributes.items():
        values = attribute_values(name, value, like)
        code = CODE_BY_TYPE[CHARACTER if values.dtype == CHARACTER else values.dtype].to_bytes(4, "big")
        items.append(name_bytes(name) + code + count_bytes(values.size) + zero_padded(values.tobytes()))
    return list_bytes(ATTRIBUTE_TAG, items)


def list_bytes(tag: int, items: list[bytes]) -> bytes:
    """A tagged list; an empty one is marked absent."""
    return (tag if items else ABSENT).to_bytes(4, "big") + count_bytes(len(items)) + b"".join(items)


def name_bytes(name: str) -> bytes:
    raw = name.encode("utf-8")
    return count_bytes(len(raw)) + zero_padded(raw)


def count_bytes(value: int) -> bytes:
    return value.to_bytes(8, "big")


def zero_padded(raw: bytes) -> bytes:
    return raw + bytes(padded(len(raw)) - len(raw))
