"""Lists of points and of gridcell ids from text and netCDF files."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid.base import FloatArray, IntArray


class Coordinates(Enum):
    """What the two numbers of a point are."""

    XY = "xy"
    """Projection coordinates (m)."""
    LONGITUDE_LATITUDE = "lonlat"
    """Degrees, in either longitude convention."""


NAMES: dict[Coordinates, tuple[tuple[str, ...], tuple[str, ...]]] = {
    Coordinates.XY: (
        ("x", "x_lcc", "xc_lcc", "x_coordinate", "easting"),
        ("y", "y_lcc", "yc_lcc", "y_coordinate", "northing"),
    ),
    Coordinates.LONGITUDE_LATITUDE: (("lon", "longitude", "long", "xc"), ("lat", "latitude", "yc")),
}
PLACES = {Coordinates.LONGITUDE_LATITUDE: (0, 1), Coordinates.XY: (2, 3)}
"""Columns in a list of lon,lat,x,y without header."""
ID_NAMES = ("gridid", "gridcell_id", "gridcell", "id")
LARGEST_ID = 2.0**53
"""Whole numbers below are read from text without rounding."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points as a file lists them: longitudes and latitudes (degrees), or x and y (m)."""

    first: FloatArray
    second: FloatArray
    coordinates: Coordinates


def read_points(path: Path, coordinates: Coordinates) -> Points:
    """Points from text, one a line (may be gzipped); separated by comma, semicolon, tab or blank.

    With a header the columns are found by name. Without one, two columns are the two coordinates, and four
    columns are lon,lat,x,y. Raises InputError for other columns, for text in place of numbers, and for an
    empty list.
    """
    table, header = _read_table(path)
    if header:
        columns = tuple(_column(header, names, path) for names in NAMES[coordinates])
    elif table.shape[1] == 2:
        columns = (0, 1)
    elif table.shape[1] == 4:
        columns = PLACES[coordinates]
    else:
        raise InputError(
            "cannot tell the coordinates from the columns",
            file=path,
            found=f"{table.shape[1]} columns without header",
            expected="2 columns, or 4 columns lon,lat,x,y, or a header",
        )
    first, second = table[:, columns[0]], table[:, columns[1]]
    bad = ~(np.isfinite(first) & np.isfinite(second))
    if bad.any():
        raise InputError("a point is not a number", file=path, where=f"point {int(np.argmax(bad)) + 1}")
    return Points(first, second, coordinates)


def read_ids(path: Path) -> IntArray:
    """Gridcell ids, as listed, from ``gridID`` of a netCDF file, or from text (one column, or a header)."""
    path = Path(path)
    if path.name.removesuffix(".gz").endswith((".nc", ".nc4", ".cdf")):
        with open_dataset(path) as dataset:
            return np.asarray(dataset["gridID"].values()).ravel().astype(np.int64)
    table, header = _read_table(path)
    column = _column(header, ID_NAMES, path) if header else 0
    if not header and table.shape[1] != 1:
        raise InputError(
            "a list of ids needs one column or a header", file=path, found=f"{table.shape[1]} columns"
        )
    ids = table[:, column]
    bad = ids != np.floor(ids)
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError("an id is no whole number", file=path, where=f"id {at + 1}", found=ids[at])
    large = np.flatnonzero(np.abs(ids) >= LARGEST_ID)
    if large.size:
        where = f"id {int(large[0]) + 1}"
        raise InputError("no id is so large", file=path, where=where, found=float(ids[large[0]]))
    return ids.astype(np.int64)


def _read_table(path: Path) -> tuple[FloatArray, list[str]]:
    """The numbers of a text file, and the names of its columns where the first line is not all numbers."""
    path = Path(path)
    try:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig").splitlines()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"cannot be read as text: {error}", file=path) from error
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InputError("an empty list", file=path)
    delimiter = next((mark for mark in (",", ";", "\t") if mark in lines[0]), None)
    fields = [field.strip().strip("\"'") for field in lines[0].split(delimiter)]
    header = [] if all(_is_number(field) for field in fields) else [field.lower() for field in fields]
    if len(lines) == bool(header):
        raise InputError("a header without a list", file=path)
    try:
        table = np.loadtxt(lines, delimiter=delimiter, skiprows=int(bool(header)), dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise InputError(f"is no table of numbers: {error}", file=path) from error
    if header and table.shape[1] != len(header):
        raise InputError(
            "header and lines differ",
            file=path,
            found=f"lines of {table.shape[1]} columns",
            expected=f"{len(header)}: {', '.join(header)}",
        )
    return table, header


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column(header: list[str], names: tuple[str, ...], path: Path) -> int:
    found = next((header.index(name) for name in names if name in header), None)
    if found is None:
        raise InputError(
            "a column is missing",
            file=path,
            found=", ".join(header),
            expected=f"one named {' or '.join(names)}",
        )
    return found
