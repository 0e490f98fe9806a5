"""Comparing a file with the checksums that it carries."""

from __future__ import annotations

from pathlib import Path

from kiloland.errors import InputError
from kiloland.files.checksum import (
    CHECKSUM_ATTRIBUTE,
    HEADER_CHECKSUM_ATTRIBUTE,
    checksum_text,
    crc32,
    is_checksum,
)
from kiloland.files.external_types import CHARACTER, CODE_BY_TYPE, padded
from kiloland.files.layout import Place

HINT = "The file is damaged, or another program changed it and kept the checksum attributes"


def data_crc(data: memoryview, place: Place) -> int:
    """CRC-32 of all entries of a variable, records in order and without the bytes between them."""
    crc = 0
    for record in range(place.records):
        begin = place.begin + record * place.stride
        crc = crc32(data[begin : begin + place.size], crc)
    return crc


def verify_data(data: memoryview, place: Place, attributes: dict[str, object], file: Path, name: str) -> bool:
    """Whether the variable carries a checksum; ``InputError`` naming the variable where it is wrong."""
    expected = attributes.get(CHECKSUM_ATTRIBUTE)
    if not is_checksum(expected):
        return False
    found = checksum_text(data_crc(data, place))
    if found != expected:
        raise InputError(
            "the data do not match their checksum",
            file=file,
            variable=name,
            found=found,
            expected=expected,
            hint=HINT,
        )
    return True


def verify_header(header: bytes, attributes: dict[str, object], file: Path) -> bool:
    """Whether a CDF-5 header carries a checksum; ``InputError`` where it is wrong."""
    expected = attributes.get(HEADER_CHECKSUM_ATTRIBUTE)
    if not is_checksum(expected):
        return False
    entry = header_entry()
    digits = header.find(entry) + len(entry)
    found = checksum_text(crc32(header[:digits] + b"0" * 8 + header[digits + 8 :]))
    if digits < len(entry) or found != expected:
        raise InputError(
            "the header does not match its checksum", file=file, found=found, expected=expected, hint=HINT
        )
    return True


def header_entry() -> bytes:
    """The bytes of a CDF-5 header just before the digits of its own checksum."""
    name, text, code = HEADER_CHECKSUM_ATTRIBUTE.encode(), checksum_text(0), CODE_BY_TYPE[CHARACTER]
    fields = [len(name).to_bytes(8, "big"), name.ljust(padded(len(name)), b"\0"), code.to_bytes(4, "big")]
    return b"".join([*fields, len(text).to_bytes(8, "big"), b"crc32:"])
