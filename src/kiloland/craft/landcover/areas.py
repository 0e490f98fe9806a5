"""Area of every class in every cell: the counting itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.landcover.legend import LARGEST_CODE, Legend
from kiloland.craft.landcover.pixels import Pieces, PixelMap
from kiloland.errors import InputError
from kiloland.files.raster import RasterFile
from kiloland.grid.base import FloatArray, IntArray


@dataclass(frozen=True)
class ClassAreas:
    """True area (km²) that the pixels of each class have in each cell.

    ``of_class`` is ``[class, cell]``; ``missing`` ``[cell]`` belongs to pixels without data; ``inside`` says
    whether the whole cell lies in the raster.
    """

    of_class: FloatArray
    missing: FloatArray
    inside: NDArray[np.bool_]

    def coverage(self, cell_area: FloatArray) -> FloatArray:
        """Share of cells with a class: known / (known + missing); at the raster's edge of the cell's area."""
        known = self.of_class.sum(axis=0)
        counted = known + self.missing
        whole = np.where(self.inside, counted, np.maximum(counted, cell_area))
        return np.asarray(np.where(whole > 0.0, known / np.where(whole > 0.0, whole, 1.0), 0.0))


class Counter:
    """Counts the classes of a raster in the cells of a domain."""

    def __init__(self, pixels: PixelMap, legend: Legend, band: int = 0) -> None:
        self.pixels, self.legend, self.band = pixels, legend, band
        self._table = legend.table()
        check_categorical(pixels.raster, band)

    def count(self, cells: IntArray) -> ClassAreas:
        """Areas in some cells of the domain, the same bits whatever other cells are counted with them.

        Raises InputError for a code that is not in the legend, with its count in this place.
        """
        number, classes = cells.size, len(self.legend.classes)
        total = np.zeros((classes + 1) * number)
        for pieces in self.pixels.pieces(cells):
            if pieces.pixel.size:
                place = self._classes(pieces)[pieces.pixel]
                total += np.bincount(place * number + pieces.cell, pieces.area, total.size)
        areas = total.reshape(classes + 1, number)
        return ClassAreas(areas[:classes], areas[classes], self.pixels.inside(cells))

    def _classes(self, pieces: Pieces) -> IntArray:
        """Place in the legend of every pixel of a window, flat."""
        raster = self.pixels.raster
        stored = raster.read(self.band, pieces.rows, pieces.columns).ravel()
        missing = np.zeros(stored.shape, dtype=bool)
        mark = raster.bands[self.band].stored_nodata
        if mark is not None:
            missing |= stored == mark
        if stored.dtype.kind == "f":
            missing |= np.isnan(stored)
        known = ~missing & (stored >= 0) & (stored <= LARGEST_CODE)
        place = np.full(stored.shape, -1, np.int64)
        codes = stored[known].astype(np.int64)
        place[known] = np.where(codes == stored[known], self._table[codes], -1)
        place[missing] = len(self.legend.classes)
        used = np.zeros(stored.shape, dtype=bool)
        used[pieces.pixel] = True
        wrong = used & (place < 0)
        if wrong.any():
            self._refuse(stored, wrong, pieces)
        return place

    def _refuse(self, stored: NDArray[np.generic], wrong: NDArray[np.bool_], pieces: Pieces) -> None:
        raster = self.pixels.raster
        at = int(np.argmax(wrong))
        width = pieces.columns.stop - pieces.columns.start
        row, column = pieces.rows.start + at // width, pieces.columns.start + at % width
        longitude, latitude = raster.to_longitude_latitude(raster.grid.x[column], raster.grid.y[row])
        same = int((stored[wrong] == stored[at]).sum())
        codes = sorted(self.legend.codes.tolist())
        raise InputError(
            f"code {stored[at]} is no class of the legend",
            file=raster.path,
            variable=raster.bands[self.band].name,
            where=f"row {row}, column {column} ({float(longitude):.4f} E, {float(latitude):.4f} N)",
            found=f"{same} pixels with it in rows {pieces.rows.start} to {pieces.rows.stop - 1}",
            expected=f"one of {codes}, or no data {list(self.legend.nodata)}",
            hint="--legend FILE.toml gives the classes of another product",
        )


def check_categorical(raster: RasterFile, band: int) -> None:
    """Raise InputError for a raster whose numbers are scaled or fractions: it holds no codes."""
    about = raster.bands[band]
    if about.scale != 1.0 or about.offset != 0.0:
        raise InputError(
            "pixels are scaled numbers and no class codes",
            file=raster.path,
            variable=about.name,
            found=f"scale {about.scale:g}, offset {about.offset:g}",
        )
