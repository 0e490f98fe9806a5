"""``kiloland craft points``: values of cells from scattered points of a table."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.forcing.places import grid_of
from kiloland.craft.products.output import ProductVariable, write_product
from kiloland.craft.surface.cell_list import barycentric, directions, search_tree
from kiloland.craft.surface.nearest import haversine, kilometres
from kiloland.errors import InputError
from kiloland.grid import DaymetGrid, Domain, read_domain
from kiloland.grid.base import FloatArray, IntArray
from kiloland.grid.points import NAMES, Coordinates

BLOCK: Final = 1 << 16
"""Cells that are worked on at once."""
_COLUMN: Final = re.compile(r"^\s*([^\[\]]+?)\s*(?:\[([^\]]*)\])?\s*$")
TOGETHER_KM: Final = 1e-6
"""Points nearer than this to a centre give it their value as it is."""


class PointMethod(Enum):
    """How values are brought from points to the centres of cells."""

    NEAREST = "nearest"
    INVERSE_DISTANCE = "inverse-distance"
    LINEAR = "linear"


@dataclass(frozen=True)
class PointRequest:
    """Values to be made.

    Points farther than ``limit_km`` from a centre do not count. Inverse distance takes the nearest
    ``neighbours`` with weights 1 / d^``power``. ``columns``: None for all.
    """

    table: Path
    domain: Path
    output: Path
    limit_km: float
    method: PointMethod = PointMethod.NEAREST
    neighbours: int = 8
    power: float = 2.0
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.limit_km > 0.0 or self.neighbours < 1 or not self.power > 0.0:
            raise InputError(
                "distance limit, number of neighbours and power must be above 0",
                found=f"{self.limit_km}, {self.neighbours}, {self.power}",
            )


@dataclass(frozen=True)
class PointTable:
    """Points of a file: places (degrees) ``[point]`` and columns of values with their units; NaN for gaps."""

    longitude: FloatArray
    latitude: FloatArray
    columns: dict[str, FloatArray]
    units: dict[str, str]
    comment: str = ""
    """Lines that begin with #, joined."""


@dataclass(frozen=True)
class PointSummary:
    """What was made; distances (km) from centres to the points that they took values of."""

    path: Path
    points: int
    cells: int
    filled: dict[str, int]
    median_km: float
    farthest_km: float
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        lines = [f"{self.path}: {self.points} points, {self.cells} cells"]
        for name, number in self.filled.items():
            lines.append(f"  {name}: {number} cells with a value, {self.cells - number} beyond the limit")
        lines.append(f"nearest point: {self.median_km:.3f} km away (median), at most {self.farthest_km:.3f}")
        return [*lines, f"made in {self.seconds:.1f} s"]


def craft_points(request: PointRequest) -> PointSummary:
    """Make the product; cells without a point within the limit have no value.

    Raises InputError for a table without coordinates or columns of values, text in place of numbers, places
    out of range, and points none of which is near a cell.
    """
    started = time.perf_counter()
    domain = read_domain(request.domain)
    table = read_points_table(request.table, domain, request.domain, request.columns)
    variables, near = [], np.full(domain.number_of_cells, np.inf)
    for name, values in table.columns.items():
        there = np.isfinite(values)
        if not there.any():
            raise InputError("holds no number", file=request.table, variable=name)
        found, distance = _map(request, domain, table, there, values, name)
        near = np.minimum(near, distance)
        variables.append(ProductVariable(name, table.units[name], f"{name} of scattered points", found))
    reached = np.isfinite(near)
    if not reached.any():
        raise InputError(
            f"no point within {request.limit_km:g} km of any cell",
            file=request.table,
            hint="--limit-km allows a greater distance",
        )
    variables.append(
        ProductVariable(
            "point_distance", "km", "distance of the nearest point", np.where(reached, near, np.nan)
        )
    )
    facts = {
        "table_file": request.table.name,
        "method": request.method.value,
        "distance_limit_km": request.limit_km,
    } | ({"table_comment": table.comment} if table.comment else {})
    write_product(request.output, domain, request.domain, variables, "craft points", facts)
    filled = {variable.name: int(np.isfinite(variable.values).sum()) for variable in variables[:-1]}
    return PointSummary(
        request.output, table.longitude.size, domain.number_of_cells, filled,
        float(np.median(near[reached])), float(near[reached].max()), time.perf_counter() - started,
    )  # fmt: skip


def _map(
    request: PointRequest,
    domain: Domain,
    table: PointTable,
    there: np.ndarray,
    values: FloatArray,
    name: str,
) -> tuple[FloatArray, FloatArray]:
    """Values of all cells and the distance (km) of their nearest point; NaN and infinite beyond the limit."""
    places = directions(table.longitude[there], table.latitude[there])
    values = values[there]
    tree = search_tree(places)
    found = np.full(domain.number_of_cells, np.nan)
    near = np.full(domain.number_of_cells, np.inf)
    number = min(request.neighbours, values.size) if request.method is PointMethod.INVERSE_DISTANCE else 1
    for start in range(0, found.size, BLOCK):
        cells = slice(start, min(start + BLOCK, found.size))
        targets = directions(domain.longitude[cells], domain.latitude[cells])
        chord, index = tree.query(targets, k=number)
        chord, index = chord.reshape(-1, number), index.reshape(-1, number)
        distance = kilometres(np.square(0.5 * chord))
        inside = haversine(distance) <= haversine(request.limit_km)
        if request.method is PointMethod.INVERSE_DISTANCE:
            mean = _inverse_distance(values[index], distance, inside, request.power)
        elif request.method is PointMethod.LINEAR and values.size >= 3:
            corners, shares = barycentric(places, targets, index[:, 0], str(request.table), name)
            mean = (values[corners] * shares).sum(axis=0)
        else:
            mean = values[index[:, 0]]
        found[cells] = np.where(inside[:, 0], mean, np.nan)
        near[cells] = np.where(inside[:, 0], distance[:, 0], np.inf)
    return found, near


def _inverse_distance(
    values: FloatArray, distance: FloatArray, inside: np.ndarray, power: float
) -> FloatArray:
    """Σ v d^-p / Σ d^-p over the points inside the limit ``[cell, point]``; a point at the centre alone."""
    nearest = np.maximum(distance[:, :1], TOGETHER_KM)
    # Relative to the nearest point nothing overflows.
    weight = np.where(inside, (nearest / np.maximum(distance, TOGETHER_KM)) ** power, 0.0)
    mean = (weight * values).sum(axis=1) / np.where(weight.sum(axis=1) > 0.0, weight.sum(axis=1), 1.0)
    return np.where(distance[:, 0] <= TOGETHER_KM, values[:, 0], mean)


def read_points_table(
    path: Path, domain: Domain, domain_file: Path, columns: Sequence[str] | None = None
) -> PointTable:
    """Points from comma-separated text with a header: lon and lat (degrees) or x and y (m), then values.

    A column is headed ``NAME`` or ``NAME [units]``; empty fields and ``nan`` are gaps. Raises InputError with
    line and column for what is no number.
    """
    header, lines, comment = _lines(path)
    named = [_COLUMN.match(text) for text in header]
    if not all(named):
        raise InputError("a heading that is no NAME [units]", file=path, where="line 1", found=header)
    names = [match[1] for match in named if match]
    if len(set(names)) != len(names):
        raise InputError("a column stands twice", file=path, where="line 1", found=names)
    first, second, kind = _coordinates(names, path)
    wanted = [name for at, name in enumerate(names) if at not in (first, second)]
    if columns is not None:
        missing = [name for name in columns if name not in wanted]
        if missing:
            raise InputError("no such column", file=path, variable=missing[0], expected=wanted)
        wanted = list(columns)
    if not wanted:
        raise InputError("no columns of values", file=path, where="line 1", found=names)
    table = _numbers(path, names, lines, {first, second, *(names.index(name) for name in wanted)})
    longitude, latitude = _places(path, domain, domain_file, table[first], table[second], kind)
    units = {match[1]: (match[2] or "").strip() for match in named if match}
    return PointTable(
        longitude,
        latitude,
        {name: table[names.index(name)] for name in wanted},
        {name: units[name] for name in wanted},
        comment,
    )


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """The header, the fields of every other line with its number, and the lines that begin with #."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text: {error}", file=path) from error
    numbered = [
        (number, fields)
        for number, fields in enumerate(csv.reader(text.splitlines()), start=1)
        if fields and not fields[0].lstrip().startswith("#")
    ]
    if len(numbered) < 2:
        raise InputError("a table without points", file=path, expected="a header and a line for each point")
    remarks = [line.strip("# \t") for line in text.splitlines() if line.lstrip().startswith("#")]
    return numbered[0][1], numbered[1:], " ".join(remarks)


def _coordinates(names: list[str], path: Path) -> tuple[int, int, Coordinates]:
    lower = [name.lower() for name in names]
    for kind in (Coordinates.LONGITUDE_LATITUDE, Coordinates.XY):
        found = [next((lower.index(name) for name in group if name in lower), -1) for group in NAMES[kind]]
        if min(found) >= 0:
            return found[0], found[1], kind
    raise InputError(
        "no columns of coordinates",
        file=path,
        where="line 1",
        found=names,
        expected="lon and lat, or x and y",
    )


def _numbers(
    path: Path, names: list[str], lines: list[tuple[int, list[str]]], needed: set[int]
) -> dict[int, FloatArray]:
    """The needed columns as numbers."""
    table = {column: np.empty(len(lines)) for column in needed}
    for row, (number, fields) in enumerate(lines):
        if len(fields) != len(names):
            raise InputError(
                "another number of fields than the header",
                file=path, where=f"line {number}", found=len(fields), expected=len(names),
            )  # fmt: skip
        for column in needed:
            text = fields[column].strip()
            try:
                table[column][row] = float(text) if text else np.nan
            except ValueError:
                raise InputError(
                    "is no number",
                    file=path,
                    variable=names[column],
                    where=f"line {number}",
                    found=repr(text),
                ) from None
    return table


def _places(
    path: Path, domain: Domain, domain_file: Path, first: FloatArray, second: FloatArray, kind: Coordinates
) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude (degrees) of points."""
    bad = ~(np.isfinite(first) & np.isfinite(second))
    if kind is Coordinates.LONGITUDE_LATITUDE:
        bad |= (np.abs(second) > 90.0) | (np.abs(first) > 360.0)
    if bad.any():
        at: IntArray = np.flatnonzero(bad)
        raise InputError(
            "a point has no place on the Earth",
            file=path,
            where=f"point {int(at[0]) + 1} and {at.size - 1} more",
            found=f"{first[at[0]]:g}, {second[at[0]]:g}",
            expected="longitude and latitude in degrees, or x and y in metres under these names",
        )
    if kind is Coordinates.LONGITUDE_LATITUDE:
        return first, second
    grid = grid_of(domain, domain_file)
    if not isinstance(grid, DaymetGrid):
        raise InputError("x and y need a domain on a projected grid", file=path, found=grid.name)
    return grid.to_longitude_latitude(first, second)
