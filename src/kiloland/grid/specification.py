"""Grids from their names: ``daymet``, ``regular:...``, or a netCDF file with regular coordinates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.grid.base import FloatArray, Grid
from kiloland.grid.daymet import DaymetGrid
from kiloland.grid.regular import Figure, RegularGrid

FORMS = (
    "daymet, daymet_lcc:LEFT,TOP,SIZE,COLUMNS,ROWS, regular:LON0,LON1,NLON,LAT0,LAT1,NLAT[,WGS84], "
    "or a netCDF file with lon and lat, or with x and y"
)
PROJECTION_KEYS = (
    "grid_mapping_name",
    "standard_parallel",
    "longitude_of_central_meridian",
    "latitude_of_projection_origin",
    "false_easting",
    "false_northing",
)
LONGITUDE_NAMES = ("lon", "longitude", "xc", "LONGXY")
LATITUDE_NAMES = ("lat", "latitude", "yc", "LATIXY")


def grid_from_text(text: str) -> Grid:
    """The grid that a specification names; the inverse of :attr:`Grid.name`.

    ``regular:LON0,LON1,NLON,LAT0,LAT1,NLAT`` gives the outer edges in degrees and the numbers of cells;
    row 0 lies at LAT0. Raises InputError for anything else, with the forms that are understood.
    """
    kind, _, numbers = text.partition(":")
    if text == "daymet":
        return DaymetGrid()
    if kind == "daymet_lcc":
        left, top, size, columns, rows = _numbers(text, numbers.split(","), 5)
        return DaymetGrid(_cells(rows), _cells(columns), left, top, size)
    if kind == "regular":
        parts = numbers.split(",")
        figure = Figure.WGS84 if parts[-1] == "WGS84" else Figure.SPHERE
        west, east, columns, first, last, rows = _numbers(
            text, parts[:-1] if figure is Figure.WGS84 else parts, 6
        )
        return RegularGrid(west, east, _cells(columns), first, last, _cells(rows), figure)
    if Path(text).is_file():
        return grid_from_file(Path(text))
    raise InputError("unknown grid", found=text, expected=FORMS)


def _numbers(text: str, parts: list[str], expected: int) -> list[float]:
    try:
        values = [float(part) for part in parts]
    except ValueError as error:
        raise InputError(f"a grid needs numbers: {error}", found=text, expected=FORMS) from error
    if len(values) != expected:
        raise InputError("a grid with a wrong number of numbers", found=text, expected=FORMS)
    if not np.isfinite(values).all():
        raise InputError("a grid needs finite numbers", found=text, expected=FORMS)
    return values


def _cells(number: float) -> int:
    if number != int(number):
        raise InputError("numbers of cells are whole", found=f"{number:g}", expected="a whole number")
    return int(number)


def grid_from_file(path: Path) -> Grid:
    """The grid of a netCDF file: of its ``x`` and ``y`` (m, Daymet's projection), or regular in degrees.

    Regular grids have cell centres ``lon`` and ``lat`` (axes, or 2-D). Rows of a grid in the projection are
    numbered from the north, whatever their order in the file. Raises InputError for another projection and
    for steps that are not equal.
    """
    with open_dataset(path) as dataset:
        if "x" in dataset and "y" in dataset and dataset["x"].dims == ("x",):
            return _projected_grid(dataset)
        longitude = _axis(dataset, LONGITUDE_NAMES, along=-1)
        latitude = _axis(dataset, LATITUDE_NAMES, along=0)
    west, east = _edges(longitude, path, "longitude")
    first, last = _edges(latitude, path, "latitude")
    if abs(east - west - 360.0) < 1e-4:
        east = west + 360.0
    if max(abs(first), abs(last)) > 90.0 + 1e-4:
        raise InputError(
            "rows reach beyond a pole", file=path, variable="latitude", found=f"{first} to {last}"
        )
    first, last = float(np.clip(first, -90.0, 90.0)), float(np.clip(last, -90.0, 90.0))
    return RegularGrid(west, east, longitude.size, first, last, latitude.size)


def _projected_grid(dataset: Dataset) -> DaymetGrid:
    """The grid of axes ``x`` and ``y`` (m) in Daymet's projection."""
    _require_daymet_projection(dataset)
    x, y = _axis(dataset, ("x",), along=-1), _axis(dataset, ("y",), along=0)
    left, right = _edges(x, dataset.path, "x")
    first, last = _edges(y, dataset.path, "y")
    size = (right - left) / x.size
    if size <= 0.0 or abs(abs(last - first) / y.size - size) > 1e-6 * size:
        raise InputError(
            "cells are not squares from west to east", file=dataset.path, found=f"{size:g} m", variable="x"
        )
    return DaymetGrid(y.size, x.size, left, max(first, last), size)


def _require_daymet_projection(dataset: Dataset) -> None:
    """Raise InputError where a file names another projection than Daymet's, or other units than metres."""
    units = str(dataset["x"].attributes.get("units", "m")).strip().lower()
    if units not in ("m", "meter", "metre", "meters", "metres"):
        raise InputError("x is not in metres", file=dataset.path, variable="x", found=units, expected="m")
    _, expected = DaymetGrid().mapping()
    for name in dataset:
        given = dataset[name].attributes
        if "grid_mapping_name" not in given:
            continue
        for key in PROJECTION_KEYS:
            if key in given and not np.array_equal(np.ravel(given[key]), np.ravel(expected[key])):
                raise InputError(
                    f"another projection than Daymet's: {key}",
                    file=dataset.path,
                    variable=name,
                    found=given[key],
                    expected=expected[key],
                )


def _axis(dataset: Dataset, names: tuple[str, ...], along: int) -> FloatArray:
    name = next((name for name in names if name in dataset), None)
    if name is None:
        raise InputError(
            "no coordinates in the file", file=dataset.path, expected=f"one of {', '.join(names)}"
        )
    values = np.asarray(dataset[name].values(), dtype=np.float64)
    if values.ndim == 2:
        axis = values[0] if along == -1 else values[:, 0]
        if not (values == (axis if along == -1 else axis[:, np.newaxis])).all():
            raise InputError("is no regular lon/lat grid", file=dataset.path, variable=name)
        values = axis
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise InputError("is no axis of a regular grid", file=dataset.path, variable=name, found=values.shape)
    return values


def _edges(centres: FloatArray, path: Path, variable: str) -> tuple[float, float]:
    """Outer edges of an axis of equal steps; the steps may differ by what single precision rounds."""
    step = (centres[-1] - centres[0]) / (centres.size - 1)
    regular = centres[0] + step * np.arange(centres.size)
    tolerance = 1e-5 * abs(step) + 4.0 * float(np.spacing(np.float32(np.abs(centres).max())))
    if step == 0.0 or np.abs(centres - regular).max() > tolerance:
        raise InputError(
            "steps are not equal", file=path, variable=variable, expected=f"steps of {step:.6g} degrees"
        )
    return float(centres[0] - step / 2), float(centres[-1] + step / 2)
