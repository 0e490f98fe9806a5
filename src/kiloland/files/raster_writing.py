"""Writing cloud-optimised GeoTIFF: tiles, overviews and a layout that is read by parts over a network.

The pixels first go to a plain tiled file, where they may come in any order and are never all in memory; GDAL
then copies it into the final layout, since there the overviews stand before the pixels. Both are temporaries
of the final name. What was put is compared with what a reader finds before the file gets its name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyproj
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling

from kiloland.errors import InputError, OutputError
from kiloland.files.atomic import create_temporary, discard, final_path, output_error, publish
from kiloland.files.checksum import crc32
from kiloland.files.raster import RasterBand, RasterGrid, raster_environment

LARGEST_TILE = 8 * 2**20
"""Bytes of a tile with all bands, which lie together pixel by pixel."""
MOST_BANDS = 65_535
"""Bands that the TIFF format can count."""
WRITABLE = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


@dataclass(frozen=True)
class RasterSchema:
    """What a raster will hold. All bands have one type and one mark of missing pixels."""

    grid: RasterGrid
    crs: pyproj.CRS
    bands: tuple[RasterBand, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    def check(self, file: Path) -> None:
        """Raise ``InputError`` where a GeoTIFF cannot hold this."""
        kinds = {(band.dtype.name, repr(band.nodata)) for band in self.bands}
        if not 0 < len(self.bands) <= MOST_BANDS:
            raise InputError(
                "a GeoTIFF cannot have that many bands",
                file=file,
                found=len(self.bands),
                expected=f"1 to {MOST_BANDS}",
                hint="Choose levels or times",
            )
        if len(kinds) != 1 or self.dtype.name not in WRITABLE or self.bands[0].nodata is None:
            raise InputError(
                "the bands need one type and one mark of missing pixels",
                file=file,
                found=sorted(kinds),
                expected=f"one of {', '.join(WRITABLE)}",
            )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.bands[0].dtype

    @property
    def block_size(self) -> int:
        """Side of a tile (pixels): 512, smaller where many bands would make tiles too large to keep."""
        size = 512
        while size > 64 and size * size * len(self.bands) * self.dtype.itemsize > LARGEST_TILE:
            size //= 2
        return size


class RasterWriter:
    """A cloud-optimised GeoTIFF that becomes visible only when its ``with`` block ends without an error.

    Pixels that are never put are missing. Putting whole rows in multiples of ``schema.block_size`` is
    fastest. Raises ``InputError`` for a schema or pixels that do not fit, ``OutputError`` where the file
    cannot be written; an earlier file of the same name then is as it was.
    """

    def __init__(self, path: str | os.PathLike[str], schema: RasterSchema) -> None:
        self.path, self.schema = final_path(path), schema
        schema.check(self.path)
        self.written: dict[tuple[int, int, int, int, int], int] = {}
        self.stage, self.result = self._temporary(), self._temporary()
        try:
            self._target = self._attempt(self._create)
        except OutputError:
            self._clean()
            raise

    def put(self, band: int, pixels: Any, row: int = 0, column: int = 0) -> None:
        """Write pixels [row, column] of a band (from zero) with their upper left corner at a place."""
        array = np.asarray(pixels)
        grid = self.schema.grid
        fits = array.ndim == 2 and 0 <= row <= grid.height - array.shape[0]
        if not (fits and 0 <= column <= grid.width - array.shape[1] and 0 <= band < len(self.schema.bands)):
            raise InputError(
                "the pixels do not fit",
                file=self.path,
                where=f"band {band}, row {row}, column {column}",
                found=array.shape,
                expected=f"within {len(self.schema.bands)} bands of {grid.height} x {grid.width}",
            )
        if array.dtype != self.schema.dtype:
            raise InputError(
                "pixels of another type", file=self.path, found=array.dtype, expected=self.schema.dtype
            )
        place = (band, row, column, *array.shape)
        self._attempt(lambda: self._target.write(array, band + 1, window=_window(place)))
        self.written[place] = crc32(np.ascontiguousarray(array).tobytes())

    def close(self, error: BaseException | None = None) -> None:
        """Finish the file, or remove what there is of it."""
        try:
            self._attempt(self._target.close) if error is None else self._target.close()
            if error is None:
                self._attempt(self._finish)
                publish(self.result, self.path)
        finally:
            self._clean()

    def _finish(self) -> None:
        grid, size = self.schema.grid, self.schema.block_size
        factors: list[int] = []
        while max(grid.width, grid.height) > size << len(factors):
            factors.append(2 << len(factors))
        # Averages of codes and ids mean nothing: integers are thinned.
        how = Resampling.average if self.schema.dtype.kind == "f" else Resampling.nearest
        with raster_environment(), rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=size):
            if factors:
                with rasterio.open(self.stage, "r+") as stage:
                    stage.build_overviews(factors, how)
            rasterio.shutil.copy(
                self.stage,
                self.result,
                driver="COG",
                blocksize=size,
                compress="DEFLATE",
                predictor="YES",
                overviews="FORCE_USE_EXISTING" if factors else "NONE",
                bigtiff="IF_SAFER",
            )
        with open(self.result, "rb+") as written:
            os.fsync(written.fileno())
        self._verify()

    def _verify(self) -> None:
        """Compare every window that was put with what the finished file holds."""
        with raster_environment(), rasterio.open(self.result) as file:
            for place, crc in self.written.items():
                found = file.read(place[0] + 1, window=_window(place))
                if crc32(found.tobytes()) != crc:
                    raise OutputError(f"{self.path}: band {place[0]}, row {place[1]}: other pixels than put")

    def _create(self) -> Any:
        grid, schema = self.schema.grid, self.schema
        with raster_environment():
            target = rasterio.open(
                self.stage,
                "w",
                driver="GTiff",
                width=grid.width,
                height=grid.height,
                count=len(schema.bands),
                dtype=schema.dtype.name,
                crs=schema.crs.to_wkt(),
                transform=grid.transform,
                nodata=schema.bands[0].nodata,
                tiled=True,
                blockxsize=schema.block_size,
                blockysize=schema.block_size,
                interleave="band",
                sparse_ok=True,
                bigtiff="YES",
            )
        target.descriptions = tuple(band.name for band in schema.bands)
        target.units = tuple(band.units for band in schema.bands)
        target.update_tags(**schema.tags)
        return target

    def _temporary(self) -> Path:
        temporary, descriptor = create_temporary(self.path)
        os.close(descriptor)
        return temporary

    def _clean(self) -> None:
        discard(self.stage)
        discard(self.result)

    def _attempt(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except OSError as error:
            raise output_error(self.path, error) from None
        except (rasterio.errors.RasterioError, CPLE_BaseError) as error:
            raise OutputError(
                f"{self.path}: cannot be written ({error}). An earlier file of this name is intact"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close(error)


def _window(place: tuple[int, int, int, int, int]) -> Any:
    _, row, column, rows, columns = place
    return rasterio.windows.Window(column, row, columns, rows)
