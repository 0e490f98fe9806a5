"""Lakes as land: ELM simulates lakes on land cells, so a mask that leaves lakes out takes too few cells.

With ``lakes`` the share of a cell that is lake (0 to 1) beside a land mask, a cell is land where

    land' = land or lakes > 0,      frac' = min(1, frac + lakes).

Source: the kilometre-scale ELM paper (arXiv 2501.11141), section on the domain: in ELM lakes are land cells.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.files.raster import RasterFile, open_raster
from kiloland.grid import Grid, LandMask, read_land_mask
from kiloland.grid.base import FloatArray
from kiloland.grid.mask import read_cells

NAMES: Final = ("lake_fraction", "lakefrac", "LAKEFRAC", "lake_mask", "lake", "water", "PCT_LAKE")
RASTERS: Final = (".tif", ".tiff")
BLOCK: Final = 1 << 20
"""Cells whose centres are placed at once."""


def with_lakes(mask: LandMask, text: str, grid: Grid) -> LandMask:
    """The mask with lakes as land, see the module; ``text`` is FILE or FILE:VARIABLE.

    FILE: text of 0 and 1 (as a land mask); netCDF over the grid or over cells with ``gridID``, a mask of 0
    and 1, a fraction, or percent where the units say so; or a GeoTIFF, of which each cell takes the pixel at
    its centre. Missing values are no lake. Raises InputError for values that are none of these.
    """
    path, variable = split_variable(text)
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    lakes = lake_fraction(path, variable, grid)
    land = mask.land | (lakes > 0.0)
    own = mask.land.astype(np.float64) if mask.fraction is None else np.where(mask.land, mask.fraction, 0.0)
    partial = mask.fraction is not None or bool(((lakes > 0.0) & (lakes < 1.0)).any())
    fraction = np.minimum(own + lakes, 1.0) if partial else None
    checksum = hashlib.sha256((mask.checksum + file_sha256(path)).encode()).hexdigest()
    return LandMask(land, fraction, f"{mask.source} and lakes of {path.name}", checksum)


def split_variable(text: str) -> tuple[Path, str | None]:
    """The two parts of FILE:VARIABLE, or FILE alone."""
    path, _, variable = text.rpartition(":")
    return (Path(text), None) if Path(text).exists() or not path else (Path(path), variable)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lake_fraction(path: Path, variable: str | None, grid: Grid) -> FloatArray:
    """Share of every cell of the grid that is lake (0 to 1)."""
    if path.suffix.lower() in RASTERS:
        with open_raster(path) as raster:
            return _checked(_at_centres(raster, variable, grid), path, variable)
    if path.name.removesuffix(".gz").endswith((".csv", ".txt", ".dat")):
        return np.asarray(read_land_mask(path, grid).land, dtype=np.float64)
    with open_dataset(path) as dataset:
        name = variable or next((name for name in NAMES if name in dataset), None)
        if name is None:
            raise InputError(
                "no lakes in the file", file=path, expected=f"one of {', '.join(NAMES)}", hint="FILE:VARIABLE"
            )
        values = read_cells(dataset, dataset[name], grid)
        units = str(dataset[name].attributes.get("units", "")).strip().lower()
        percent = units in ("%", "percent") or name == "PCT_LAKE"
        return _checked(values / 100.0 if percent else values, path, name)


def _checked(values: FloatArray, path: Path, variable: str | None) -> FloatArray:
    """The values with 0 in place of missing ones; InputError beyond 0 to 1."""
    values = np.where(np.isfinite(values), values, 0.0)
    bad = (values < 0.0) | (values > 1.0)
    if bad.any():
        raise InputError(
            "is no share of lakes",
            file=path,
            variable=variable,
            found=float(values[np.argmax(bad)]),
            expected="0 to 1, or percent with units that say so",
        )
    return values


def _at_centres(raster: RasterFile, band: str | None, grid: Grid) -> FloatArray:
    """The pixel at the centre of every cell; NaN outside of the raster."""
    pixels = raster.values(0 if band is None else band)
    found = np.full(grid.number_of_cells, np.nan)
    for start in range(0, found.size, BLOCK):
        ids = np.arange(start, min(start + BLOCK, found.size))
        row, column = raster.grid.row_column(*raster.to_xy(*grid.centres(ids)))
        inside = row >= 0
        found[ids[inside]] = pixels[row[inside], column[inside]]
    return found
