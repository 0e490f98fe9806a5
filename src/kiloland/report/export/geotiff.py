"""A variable as a cloud-optimised GeoTIFF: a band for each time and layer, each cell a pixel in its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kiloland import __version__
from kiloland.files import open_dataset
from kiloland.files.raster import RasterBand
from kiloland.files.raster_writing import WRITABLE, RasterSchema, RasterWriter
from kiloland.report.export.placement import Placement, place_cells
from kiloland.report.export.rows import rows_of, stored
from kiloland.report.export.source import Source
from kiloland.report.fields import Choice

ROW_BYTES = 32 * 2**20
"""Bytes of float64 in one block of rows."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    path: Path
    cells: int
    rows: int
    columns: int
    layers: int
    coordinates: str

    def line(self) -> str:
        """The same in one line."""
        return (
            f"{self.path}: {self.layers} layer{'s' * (self.layers != 1)} of {self.rows} x {self.columns}, "
            f"{self.cells} cells, {self.coordinates}"
        )


def export_geotiff(
    path: Path,
    variable: str,
    output: Path,
    choice: Choice | None = None,
    *,
    domain: Path | None = None,
    mean: bool = False,
    whole_grid: bool = False,
) -> Exported:
    """Write a variable of a file as GeoTIFF.

    Parameters
    ----------
    choice
        Time, layers and patch type; everything that is left open becomes bands.
    domain
        Where the cells are, for files without coordinates.
    mean
        One band with the mean over the records instead of a band for each.
    whole_grid
        The whole grid instead of the rectangle around the cells.

    Raises ``InputError`` (see ``Source.of`` and ``place_cells``) and ``OutputError``.
    """
    with open_dataset(path) as dataset:
        source = Source.of(dataset, variable, choice or Choice(), mean)
        placement = place_cells(dataset, source.shape, domain)
        placement = placement.on_whole_grid() if whole_grid else placement
        dtype, missing = pixel_type(source)
        bands = list(source.bands())
        units = str(source.variable.attributes.get("units", ""))
        schema = RasterSchema(
            placement.raster_grid,
            placement.crs,
            tuple(RasterBand(band.name, dtype, missing, units) for band in bands),
            tags_of(source, path),
        )
        height = rows_at_once(placement, schema.block_size)
        with RasterWriter(output, schema) as writer:
            for number, band in enumerate(bands):
                for row, values in rows_of(source, placement, band, height):
                    if np.isfinite(values).any():
                        writer.put(number, stored(values, dtype, missing), row)
    return summary(output, placement, len(bands))


def summary(output: Path, placement: Placement, layers: int) -> Exported:
    """What was written on a placement."""
    cells = placement.rows * placement.columns
    if placement.pixel is not None:
        cells = int((placement.pixel >= 0).sum())
    return Exported(output, cells, placement.rows, placement.columns, layers, placement.crs.name)


def rows_at_once(placement: Placement, multiple: int = 1) -> int:
    """Rows of a block of about ``ROW_BYTES``, in multiples of the height of a tile."""
    return max(1, ROW_BYTES // (8 * placement.columns * multiple)) * multiple


def pixel_type(source: Source) -> tuple[np.dtype[Any], float]:
    """Type of the pixels and their mark of missing ones: NaN, or a number that the variable cannot have.

    Integers that GeoTIFF does not hold, or of which every number may occur, become double precision.
    """
    dtype = source.dtype
    if dtype.name not in WRITABLE or dtype.kind == "u":
        dtype = np.dtype(np.float64)
    return dtype, float(np.iinfo(dtype).min) if dtype.kind == "i" else float("nan")


def tags_of(source: Source, path: Path) -> dict[str, str]:
    """Where the pixels come from."""
    attributes = source.variable.attributes
    return {
        "variable": source.variable.name,
        "long_name": str(attributes.get("long_name", source.variable.name)),
        "units": str(attributes.get("units", "")),
        "source_file": path.name,
        "software": f"kiloland {__version__}",
    }
