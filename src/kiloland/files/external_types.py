"""The external types of the classic netCDF formats and their numpy equivalents.

Source: "The NetCDF Classic Format Specification" (Unidata) and its 64-bit data extension (CDF-5).
"""

from __future__ import annotations

from typing import Any

import numpy as np

TYPE_BY_CODE: dict[int, np.dtype[Any]] = {
    1: np.dtype("i1"),
    2: np.dtype("S1"),
    3: np.dtype(">i2"),
    4: np.dtype(">i4"),
    5: np.dtype(">f4"),
    6: np.dtype(">f8"),
    7: np.dtype("u1"),
    8: np.dtype(">u2"),
    9: np.dtype(">u4"),
    10: np.dtype(">i8"),
    11: np.dtype(">u8"),
}
"""Big-endian numpy type of each ``nc_type`` code; codes 7 to 11 exist in CDF-5 only."""

CODE_BY_TYPE: dict[np.dtype[Any], int] = {dtype: code for code, dtype in TYPE_BY_CODE.items()}

LAST_CLASSIC_CODE = 6
"""Largest type code of CDF-1 and CDF-2."""

CHARACTER = np.dtype("S1")

DEFAULT_FILL: dict[str, int | float] = {
    "i2": -32767,
    "i4": -2147483647,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
    "u2": 65535,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
}
"""What netCDF libraries put where nothing was written (one-byte types have no such value in practice)."""


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same type in the byte order of this machine."""
    return dtype.newbyteorder("=")


def external(dtype: Any) -> np.dtype[Any]:
    """Big-endian file type of a numpy type; ``KeyError`` where the classic formats have none."""
    wanted = np.dtype(dtype)
    wanted = CHARACTER if wanted.kind == "S" and wanted.itemsize == 1 else wanted.newbyteorder(">")
    return TYPE_BY_CODE[CODE_BY_TYPE[wanted]]


def padded(size: int, multiple: int = 4) -> int:
    """``size`` rounded up to a whole number of ``multiple`` bytes."""
    return -(-size // multiple) * multiple
