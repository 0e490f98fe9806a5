"""CRC-32 of pieces of a file and of their concatenation.

The CRC of a byte string is the remainder of a polynomial over GF(2). For the concatenation AB,
``crc(AB) = crc(A) * x**(8 len B) mod P  xor  crc(B)``, so that ranks can sum up their own slabs.

Source: M. Adler, zlib ``crc32_combine`` (the method); P is the polynomial of ISO 3309.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

try:
    from isal.isal_zlib import crc32 as crc32
except ImportError:  # processors that it was not made for: the same sum, twenty times slower
    from zlib import crc32 as crc32

CHECKSUM_ATTRIBUTE = "checksum"
"""Attribute of a variable: CRC-32 of its bytes in the file, as ``crc32:xxxxxxxx``."""

HEADER_CHECKSUM_ATTRIBUTE = "header_checksum"
"""Global attribute: CRC-32 of the header with the digits of this attribute as zeros."""

_POLYNOMIAL = 0xEDB88320
_TEXT = re.compile(r"crc32:[0-9a-f]{8}")


def checksum_text(crc: int) -> str:
    """The attribute's text for a CRC; always of the same length."""
    return f"crc32:{crc:08x}"


def is_checksum(value: object) -> bool:
    """Whether an attribute's value has the form of a checksum."""
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None


def multiply(first: int, second: int) -> int:
    """Product of two polynomials modulo P, bit 31 being the coefficient of x**0."""
    product = 0
    for bit in range(31, -1, -1):
        if first >> bit & 1:
            product ^= second
        second = second >> 1 ^ (_POLYNOMIAL if second & 1 else 0)
    return product


@lru_cache(maxsize=4096)
def shift(length: int) -> int:
    """``x**(8 length)`` modulo P by repeated squaring."""
    power, factor = 0x80000000, 0x00800000
    while length:
        if length & 1:
            power = multiply(factor, power)
        factor = multiply(factor, factor)
        length >>= 1
    return power


def combine(first: int, second: int, length: int) -> int:
    """CRC-32 of two strings one after the other; ``length`` is the number of bytes of the second."""
    return multiply(shift(length), first) ^ second


@dataclass(frozen=True, order=True)
class Run:
    """Bytes ``[begin, end)`` of a variable that were written, and their CRC-32."""

    begin: int
    end: int
    crc: int


def joined(runs: list[Run]) -> tuple[int, int, Run | None]:
    """``(end, crc, misfit)`` of runs put in order: misfit is the first that leaves a gap or overlaps."""
    end = crc = 0
    for run in sorted(runs):
        if run.begin != end:
            return end, crc, run
        end, crc = run.end, combine(crc, run.crc, run.end - run.begin)
    return end, crc, None
