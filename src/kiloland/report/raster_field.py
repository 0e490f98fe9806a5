"""A band of a GeoTIFF as one value per pixel with its place, for the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files.raster import RasterFile, open_raster
from kiloland.report.fields import CellField
from kiloland.report.places import CellPlaces, Raster, continuous, daymet_raster

RASTER_SUFFIXES = (".tif", ".tiff")
MOST_PIXELS = 20_000_000
"""Pixels that are read for one picture (about 100 bytes each)."""


def read_raster_field(path: Path, band: str) -> tuple[CellField, CellPlaces]:
    """One band, by its name or number from zero, flat by rows, and where its pixels are.

    Pixels whose centres are those of Daymet cells are drawn in Daymet's projection, rasters in degrees as
    they are; any other projection as squares at their longitude and latitude. Raises ``InputError``.
    """
    with open_raster(path) as raster:
        grid = raster.grid
        if grid.width * grid.height > MOST_PIXELS:
            raise InputError(
                "too many pixels for one picture",
                file=path,
                found=f"{grid.height} x {grid.width}",
                expected=f"at most {MOST_PIXELS}",
                hint="A map program draws it from its overviews",
            )
        about = raster.bands[number := raster.band(int(band) if band.isdigit() else band)]
        field = CellField(
            name=about.name,
            long_name=raster.tags.get("long_name", about.name),
            units=about.units or raster.tags.get("units", ""),
            values=raster.values(number).reshape(-1),
            shape=(grid.height, grid.width),
            details=(path.name,),
            integer=about.dtype.kind in "iu",
        )
        return field, places_of_pixels(raster)


def places_of_pixels(raster: RasterFile) -> CellPlaces:
    """Longitude, latitude and, where they lie on a known grid, row and column of all pixels."""
    grid = raster.grid
    x, y = (part.reshape(-1) for part in np.meshgrid(grid.x, grid.y))
    longitude, latitude = raster.to_longitude_latitude(x, y)
    if not raster.crs.is_geographic:
        return CellPlaces(continuous(longitude), latitude, None, daymet_raster(longitude, latitude))
    west, south, east, north = grid.edges
    row, column = (part.reshape(-1) for part in np.indices((grid.height, grid.width), dtype=np.int64))
    down = row if grid.step_y < 0.0 else grid.height - 1 - row
    square = Raster(down, column, grid.height, grid.width, (west, east, south, north), None)
    return CellPlaces(x, y, None, square)
