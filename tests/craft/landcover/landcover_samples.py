"""Small domains, rasters and climates for the tests of land cover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from rasterio.transform import from_origin

from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import DaymetGrid, Domain, build_domain, write_domain
from kiloland.grid.daymet import PROJECTION

ROW, COLUMN = 1337, 1704
EQUAL_AREA = "ESRI:102008"


def block(folder: Path, rows: int = 6, columns: int = 8) -> Domain:
    """A block of Daymet cells, written as ``domain.nc``."""
    grid = DaymetGrid()
    row, column = np.divmod(np.arange(rows * columns), columns)
    domain = build_domain(grid, (ROW + row) * grid.columns + COLUMN + column)
    write_domain(folder / "domain.nc", domain)
    return domain


def write_raster(
    path: Path, pixels: Any, left: float, top: float, step: float, crs: Any, **more: Any
) -> Path:
    """A GeoTIFF of one band by rasterio itself; ``crs`` None leaves it out."""
    pixels = np.asarray(pixels)
    wkt = None if crs is None else pyproj.CRS.from_user_input(crs).to_wkt()
    with rasterio.open(
        path, "w", driver="GTiff", width=pixels.shape[1], height=pixels.shape[0], count=1,
        dtype=pixels.dtype, crs=wkt, transform=from_origin(left, top, step, step), **more,
    ) as target:  # fmt: skip
        target.write(pixels, 1)
    return path


def around(domain: Domain, step: float, crs: Any, inset: float = 0.0) -> tuple[float, float, int, int]:
    """Left, top, rows and columns of pixels that cover a domain, or lie inside by ``inset`` (m)."""
    forward = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = forward.transform(domain.vertex_longitude.ravel(), domain.vertex_latitude.ravel())
    if inset:
        x, y = np.mean(x) + np.array([-inset, inset]), np.mean(y) + np.array([-inset, inset])
    else:
        x, y = (
            np.array([min(x) - 2 * step, max(x) + 2 * step]),
            np.array([min(y) - 2 * step, max(y) + 2 * step]),
        )
    return x[0], y[1], int((y[1] - y[0]) / step), int((x[1] - x[0]) / step)


def random_raster(path: Path, domain: Domain, step: float, inset: float = 0.0, crs: Any = EQUAL_AREA) -> Any:
    """A raster of random classes 0 to 19 (0 is no data); returns its pixels."""
    left, top, rows, columns = around(domain, step, crs, inset)
    pixels = np.random.default_rng(3).integers(0, 20, (rows, columns)).astype(np.uint8)
    write_raster(path, pixels, left, top, step, crs)
    return pixels


def aligned_raster(path: Path, domain: Domain, codes: Any) -> Path:
    """A raster of 1 km in Daymet's projection whose pixels are the cells: one code a cell."""
    grid = DaymetGrid()
    rows, columns = np.ptp(domain.row) + 1, np.ptp(domain.column) + 1
    left, top = grid.x_edges[domain.column.min()], grid.y_edges[domain.row.min()]
    return write_raster(path, np.asarray(codes).reshape(rows, columns), left, top, 1000.0, PROJECTION)


def write_climate(path: Path, domain: Domain, celsius: Any, units: str = "degC") -> Path:
    """The coldest month of every cell."""
    schema = FileSchema(
        {"gridcell": domain.number_of_cells},
        None,
        (
            VariableSchema("gridID", "i8", ("gridcell",)),
            VariableSchema("coldest_month", "f8", ("gridcell",), {"units": units}),
        ),
    )
    values = np.broadcast_to(np.asarray(celsius, float), (domain.number_of_cells,)).copy()
    write_dataset(path, schema, {"gridID": domain.gridcell_id, "coldest_month": values})
    return path
