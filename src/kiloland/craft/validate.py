"""Whether an input file is valid: the checks that the commands make, as findings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from kiloland.atmosphere.calendar import DAYS_PER_YEAR, SECONDS_PER_DAY, decode_times
from kiloland.atmosphere.checks import check_forcing_file
from kiloland.craft.forcing.daymet import VARIABLES as DAILY
from kiloland.craft.forcing.daymet import check_year_file
from kiloland.craft.landcover.areas import check_categorical
from kiloland.craft.landuse.source import read_land_use
from kiloland.craft.recognise import opened_file, over
from kiloland.craft.surface.source import read_source
from kiloland.craft.surface.table import surface_table
from kiloland.craft.virtual import open_virtual
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.files.raster import open_raster
from kiloland.grid import Coordinates, read_domain, read_ids, read_points

HEIGHTS: Final = (-500.0, 9000.0)
SAMPLE_ROWS: Final = 256
"""Rows of a raster whose values are looked at."""


def check_daymet(path: Path) -> list[str]:
    with opened_file(path) as opened:
        name, dataset = over(opened, DAILY, "time", "y", "x"), opened.dataset
        if name is None or dataset is None:
            raise InputError("no daily variable", file=path)
        time = dataset["time"]
        axis = decode_times(
            time.values(),
            str(time.attributes.get("units", "")),
            time.attributes.get("calendar"),
            file=str(path),
        )
    check_year_file(path, name, int(axis.seconds[0] // SECONDS_PER_DAY // DAYS_PER_YEAR) + 1)
    return []


def check_forcing(path: Path) -> list[str]:
    return [str(finding) for finding in check_forcing_file(path)]


def check_domain(path: Path) -> list[str]:
    read_domain(path)
    return []


def check_surface(path: Path) -> list[str]:
    """Every known variable has the dimensions of ELM's table; a map has a regular grid."""
    findings = []
    with open_dataset(path) as dataset:
        if "lsmlat" in dataset.dimensions:
            read_source(dataset)
        cells = ("lsmlat", "lsmlon") if "lsmlat" in dataset.dimensions else ("gridcell",)
        for name, variable in surface_table().items():
            if name not in dataset or not variable.has_cells:
                continue
            expected = (*variable.dims[:-1], *cells)
            if len(dataset[name].dims) != len(expected):
                findings.append(f"{name}: dimensions {dataset[name].dims}, expected {expected}")
        required = [name for name, one in surface_table().items() if one.requirement == "R"]
        findings += [f"{name}: missing, ELM needs it" for name in required if name not in dataset]
    return findings


def check_land_use(path: Path) -> list[str]:
    with open_dataset(path) as dataset:
        read_land_use(dataset, -90.0, 90.0)
    return []


def check_classes(path: Path) -> list[str]:
    with open_raster(path) as raster:
        check_categorical(raster, 0)
    return []


def check_numbers(path: Path) -> list[str]:
    """There are values, and those of the first and middle rows could be heights."""
    with open_raster(path) as raster:
        middle = raster.grid.height // 2
        values = raster.values(0, slice(max(0, middle - SAMPLE_ROWS // 2), middle + SAMPLE_ROWS // 2))
    values = values[np.isfinite(values)]
    if values.size == 0:
        return ["no value in the middle rows"]
    low, high = float(values.min()), float(values.max())
    outside = low < HEIGHTS[0] or high > HEIGHTS[1]
    return [f"values from {low:g} to {high:g} are no heights in metres"] if outside else []


def check_points(path: Path) -> list[str]:
    """Points in degrees, or in metres of the projection."""
    try:
        points = read_points(path, Coordinates.LONGITUDE_LATITUDE)
    except InputError:
        read_points(path, Coordinates.XY)
        return []
    beyond = (np.abs(points.second) > 90.0) | (np.abs(points.first) > 360.0)
    if beyond.all() or not beyond.any():
        return []
    return [f"{int(beyond.sum())} of {beyond.size} points are no longitude and latitude"]


def check_ids(path: Path) -> list[str]:
    ids = read_ids(path)
    repeated = ids.size - np.unique(ids).size
    return [f"{repeated} ids are repeated"] if repeated else []


def check_virtual(path: Path) -> list[str]:
    open_virtual(path).close()
    return []


def no_check(path: Path) -> list[str]:
    return []
