"""Made-up rasters: patches of NALCMS classes such as a northern landscape might have, and elevations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj
from numpy.typing import NDArray

from kiloland.craft.labels import synthetic_attributes
from kiloland.craft.patterns import Places, field
from kiloland.craft.synthetic_surface import elevation
from kiloland.errors import InputError
from kiloland.files.raster import RasterBand, RasterGrid
from kiloland.files.raster_writing import RasterSchema, RasterWriter
from kiloland.grid import EARTH_RADIUS, Domain
from kiloland.grid.base import FloatArray

COMMON: Final = ((12, 0.3), (11, 0.2), (8, 0.0), (2, -0.2), (5, -0.5), (6, -0.6), (10, -0.4), (14, -0.4),
                 (18, -0.3), (16, -0.6), (1, -0.7), (19, -0.9), (17, -1.1), (15, -1.2))  # fmt: skip
"""Classes that occur, with how much each is favoured."""
GAPS: Final = 0.002
"""Share of pixels without data (code 0)."""


@dataclass(frozen=True)
class RasterPlan:
    """A raster around some cells: pixels of ``metres`` in a coordinate system of metres or degrees."""

    metres: float = 1000.0
    crs: str = "ESRI:102008"
    seed: int = 1
    margin: float = 3000.0
    """Metres by which the raster reaches beyond the cells."""


def raster_grid(domain: Domain, plan: RasterPlan) -> tuple[RasterGrid, pyproj.CRS]:
    """The pixels that cover the cells of a domain, and their coordinate system."""
    crs = pyproj.CRS.from_user_input(plan.crs)
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    longitude, latitude = domain.vertex_longitude.ravel(), domain.vertex_latitude.ravel()
    if crs.is_geographic:
        x, y = np.asarray(longitude), np.asarray(latitude)
        step_y = plan.metres / 111_200.0
        step_x = step_y / float(np.cos(np.deg2rad(latitude.mean())))
    else:
        x, y = transformer.transform(longitude, latitude)
        step_x = step_y = plan.metres
    around = plan.margin / plan.metres
    left, top = float(np.min(x)) - around * step_x, float(np.max(y)) + around * step_y
    width = int(np.ceil((float(np.max(x)) - left) / step_x + around))
    height = int(np.ceil((top - float(np.min(y))) / step_y + around))
    if width * height > 1 << 33:
        raise InputError("a made-up raster would be too large", found=f"{width} x {height} pixels")
    return RasterGrid(left, top, step_x, -step_y, width, height), crs


def write_land_cover(path: Path, domain: Domain, plan: RasterPlan | None = None) -> RasterGrid:
    """Write a made-up land-cover GeoTIFF that covers a domain; it says that it is synthetic.

    The class of a pixel is the one with the greatest smooth field at its place plus a little speckle. The
    same arguments give the same pixels. Raises OutputError where the file cannot be written.
    """
    plan = plan or RasterPlan()

    def classes(places: Places, row: int, column: int) -> NDArray[np.uint8]:
        return _classes(places, plan.seed, np.random.default_rng([plan.seed, row, column]))

    tags = {
        **synthetic_attributes("land cover", f"classes of NALCMS, seed {plan.seed}"),
        "legend": "NALCMS level 2, classes 1 to 19",
    }
    return write_raster(path, domain, plan, RasterBand("land_cover", np.dtype("uint8"), 0.0), tags, classes)


def write_elevations(path: Path, domain: Domain, plan: RasterPlan | None = None) -> RasterGrid:
    """Write a GeoTIFF of made-up elevations (m) that covers a domain; it says that it is synthetic.

    The smooth elevation of the synthetic surface data plus ten metres of another field. Raises OutputError
    where the file cannot be written.
    """
    plan = plan or RasterPlan()

    def heights(places: Places, row: int, column: int) -> NDArray[np.float32]:
        rough = 10.0 * field(f"{plan.seed}:roughness", places)
        return np.asarray(elevation(places, plan.seed) + rough, np.float32)

    tags = synthetic_attributes("elevation", f"smooth fields, seed {plan.seed}")
    band = RasterBand("elevation", np.dtype("float32"), np.nan, "m")
    return write_raster(path, domain, plan, band, tags, heights)


def write_raster(
    path: Path,
    domain: Domain,
    plan: RasterPlan,
    band: RasterBand,
    tags: Mapping[str, str],
    make: Callable[[Places, int, int], NDArray[Any]],
) -> RasterGrid:
    """Write a raster of one band tile by tile; ``make`` gives the pixels of a tile from their places and its
    first row and column."""
    grid, crs = raster_grid(domain, plan)
    transformer = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    schema = RasterSchema(grid, crs, (band,), tags)
    with RasterWriter(path, schema) as writer:
        step = schema.block_size
        for row in range(0, grid.height, step):
            y = grid.y[row : row + step]
            for column in range(0, grid.width, step):
                x = grid.x[column : column + step]
                longitude, latitude = transformer.transform(*np.meshgrid(x, y))
                places = _places(np.ravel(longitude), np.ravel(latitude))
                writer.put(0, make(places, row, column).reshape(y.size, x.size), row, column)
    return grid


def _places(longitude: FloatArray, latitude: FloatArray) -> Places:
    """Positions on the sphere; the fields use no other."""
    point = np.stack(
        [
            np.cos(np.deg2rad(latitude)) * np.cos(np.deg2rad(longitude)),
            np.cos(np.deg2rad(latitude)) * np.sin(np.deg2rad(longitude)),
            np.sin(np.deg2rad(latitude)),
        ]
    )
    return Places(EARTH_RADIUS * point, np.zeros(longitude.size))


def _classes(places: Places, seed: int, random: np.random.Generator) -> NDArray[np.uint8]:
    size = places.position.shape[1]
    best = np.full(size, -np.inf)
    code = np.zeros(size, np.uint8)
    for entry, favour in COMMON:
        value = favour + 2.0 * field(f"{seed}:land cover {entry}", places) + 0.3 * random.random(size)
        code[value > best] = entry
        best = np.maximum(best, value)
    code[random.random(size) < GAPS] = 0
    return code
