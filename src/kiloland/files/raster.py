"""GeoTIFF: rasters with a place on the Earth, read by windows and written as cloud-optimised files.

GDAL does the decoding (through rasterio), pyproj the coordinates. Each of the two carries its own PROJ with
its own database; coordinate systems pass between them as WKT.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyproj
import rasterio
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError, ProjError

from kiloland.errors import InputError

Float = NDArray[np.float64]
CrsLike = pyproj.CRS | str | int
LONGITUDE_LATITUDE = "OGC:CRS84"
BLOCK_BYTES = 32 * 2**20
"""Bytes of one band in a block of rows, unless asked otherwise."""
CACHE_BYTES = 128 * 2**20
"""GDAL's memory for decoded tiles; by itself it takes a twentieth of the machine's."""
_environment = threading.RLock()


@dataclass(frozen=True)
class RasterGrid:
    """Pixels of equal size, as columns and rows between edges in the units of the coordinate system.

    ``left`` and ``first`` are the outer edges of column 0 and of row 0. ``step_x`` is above zero;
    ``step_y`` is below zero where rows run south (the usual order) and above where they run north.
    """

    left: float
    first: float
    step_x: float
    step_y: float
    width: int
    height: int

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge of the whole."""
        east, last = self.left + self.step_x * self.width, self.first + self.step_y * self.height
        return self.left, min(self.first, last), east, max(self.first, last)

    @property
    def x(self) -> Float:
        """Centres of the columns."""
        return self.left + self.step_x * (np.arange(self.width, dtype=np.float64) + 0.5)

    @property
    def y(self) -> Float:
        """Centres of the rows, in their order."""
        return self.first + self.step_y * (np.arange(self.height, dtype=np.float64) + 0.5)

    @property
    def transform(self) -> rasterio.Affine:
        """Edges as GDAL writes them: x = a column + c, y = e row + f at upper left corners of pixels."""
        return rasterio.Affine(self.step_x, 0.0, self.left, 0.0, self.step_y, self.first)

    def row_column(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the pixels that hold points; -1 in both for points outside."""
        column = np.floor((np.asarray(x, np.float64) - self.left) / self.step_x)
        row = np.floor((np.asarray(y, np.float64) - self.first) / self.step_y)
        inside = (row >= 0) & (row < self.height) & (column >= 0) & (column < self.width)
        return np.where(inside, row, -1).astype(np.int64), np.where(inside, column, -1).astype(np.int64)

    def window(self, west: float, south: float, east: float, north: float) -> tuple[slice, slice]:
        """Rows and columns of all pixels that touch a box; empty slices where none does."""
        across = sorted(((south - self.first) / self.step_y, (north - self.first) / self.step_y))
        rows = np.clip([np.floor(across[0]), np.ceil(across[1])], 0, self.height).astype(int)
        along = [np.floor((west - self.left) / self.step_x), np.ceil((east - self.left) / self.step_x)]
        columns = np.clip(along, 0, self.width).astype(int)
        return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


@dataclass(frozen=True)
class RasterBand:
    """One band: its name, type, units and the number that marks missing pixels (None: none does)."""

    name: str
    dtype: np.dtype[Any]
    nodata: float | None = None
    units: str = ""
    scale: float = 1.0
    offset: float = 0.0

    @property
    def stored_nodata(self) -> np.generic | None:
        """``nodata`` in the type of the pixels; None where there is none, or none that a pixel can equal.

        -3.4e38 is another number in single than in double precision, and -9999 is none of eight bits.
        """
        if self.nodata is None or np.isnan(self.nodata):
            return None
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            if self.nodata != int(self.nodata) or not limits.min <= self.nodata <= limits.max:
                return None
        mark: np.generic = np.float64(self.nodata).astype(self.dtype)
        return mark


class RasterFile:
    """An open raster; nothing is read before ``read`` or ``values``. Use it in a ``with`` statement.

    Attributes
    ----------
    grid
        Where the pixels are, by their edges. Files that give the place of pixel centres are moved by half a
        pixel on opening.
    crs
        The coordinate system with its units (``metres_per_unit``; None for degrees).
    bands
        Counted from zero.
    """

    def __init__(self, path: Path, source: Any, grid: RasterGrid, crs: pyproj.CRS) -> None:
        self.path, self.grid, self.crs, self._source = path, grid, crs, source
        self.bands = tuple(_band(source, index) for index in range(source.count))
        self.tags: dict[str, str] = dict(source.tags())

    @property
    def comment(self) -> str:
        """The remark that the file makes about itself, empty where there is none."""
        return {key.lower(): text for key, text in self.tags.items()}.get("comment", "")

    @property
    def metres_per_unit(self) -> float | None:
        """Metres in one unit of ``grid``; None where its coordinates are angles."""
        axis = self.crs.axis_info[0] if self.crs.axis_info else None
        return None if self.crs.is_geographic or axis is None else float(axis.unit_conversion_factor)

    def band(self, name: int | str) -> int:
        """The number of a band, from zero, by its number or name."""
        names = [band.name for band in self.bands]
        if isinstance(name, str) and names.count(name) == 1:
            return names.index(name)
        if isinstance(name, int) and 0 <= name < len(names):
            return name
        raise InputError(
            "no such band",
            file=self.path,
            found=name,
            expected=f"0 to {len(names) - 1}, or a name of {names}",
        )

    def read(self, band: int | str, rows: slice = slice(None), columns: slice = slice(None)) -> NDArray[Any]:
        """Pixels [row, column] as stored, in the order of the file; only the window is read."""
        number = self.band(band)
        first_row, last_row, _ = rows.indices(self.grid.height)
        first_column, last_column, _ = columns.indices(self.grid.width)
        shape = (max(0, last_row - first_row), max(0, last_column - first_column))
        if 0 in shape:
            return np.empty(shape, self.bands[number].dtype)
        window = rasterio.windows.Window(first_column, first_row, shape[1], shape[0])
        try:
            pixels: NDArray[Any] = self._source.read(number + 1, window=window)
        except rasterio.errors.RasterioError as error:
            raise InputError(
                f"the pixels cannot be read: {error}",
                file=self.path,
                variable=self.bands[number].name,
                where=f"rows {first_row} to {last_row - 1}, columns {first_column} to {last_column - 1}",
            ) from error
        return pixels

    def values(self, band: int | str, rows: slice = slice(None), columns: slice = slice(None)) -> Float:
        """Physical values [row, column], float64: scaled, missing pixels as NaN."""
        about = self.bands[self.band(band)]
        stored = self.read(band, rows, columns)
        values = stored.astype(np.float64) * about.scale + about.offset
        mark = about.stored_nodata
        if mark is not None:
            values[stored == mark] = np.nan
        return values

    def blocks(self, most_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, slice]]:
        """Windows of whole rows that cover the raster once, each a multiple of the file's own blocks."""
        height = self._source.block_shapes[0][0]
        row = max(1, max(band.dtype.itemsize for band in self.bands) * self.grid.width)
        step = max(1, most_bytes // (row * height)) * height if row * height <= most_bytes else height
        for start in range(0, self.grid.height, step):
            yield slice(start, min(start + step, self.grid.height)), slice(0, self.grid.width)

    @cached_property
    def _to_degrees(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.crs, LONGITUDE_LATITUDE, always_xy=True)

    def to_longitude_latitude(self, x: ArrayLike, y: ArrayLike) -> tuple[Float, Float]:
        """Longitude (-180 to 180) and latitude (degrees) of coordinates in the units of ``grid``."""
        longitude, latitude = self._to_degrees.transform(np.asarray(x, float), np.asarray(y, float))
        return np.asarray(longitude), np.asarray(latitude)

    def to_xy(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[Float, Float]:
        """Coordinates in the units of ``grid`` of points (degrees); infinite where the projection ends.

        Longitudes of either convention; for a raster in degrees they come out within one turn from its west
        edge.
        """
        places = np.asarray(longitude, float), np.asarray(latitude, float)
        x, y = self._to_degrees.transform(*places, direction="INVERSE")
        if self.crs.is_geographic:
            x = self.grid.left + np.mod(np.asarray(x) - self.grid.left, 360.0)
        return np.asarray(x), np.asarray(y)

    def close(self) -> None:
        """Release the file; arrays that were read stay valid."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


def open_raster(path: str | os.PathLike[str], crs: CrsLike | None = None) -> RasterFile:
    """Open a GeoTIFF (or another raster that GDAL reads) with its place.

    ``crs`` gives the coordinate system of a file that has none; where the file has one it must be the same.
    Raises ``InputError`` for a file that is no raster, has no coordinate system or no place, is rotated, or
    lies in a system that has no longitude and latitude.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("no such file", file=file)
    try:
        with raster_environment():
            source = rasterio.open(file)
    except rasterio.errors.RasterioError as error:
        raise InputError(f"is not a raster: {error}", file=file, expected="a GeoTIFF") from error
    try:
        return RasterFile(file, source, _grid_of(file, source), _crs_of(file, source, crs))
    except BaseException:
        source.close()
        raise


@contextmanager
def raster_environment() -> Iterator[None]:
    """Let GDAL find the database of its own PROJ, and bound its cache, while a file is opened or created.

    rasterio tells GDAL's context where it is, but GDAL looks up units other than metre and foot in PROJ's
    default context, which knows only the environment, and complains on the terminal.
    """
    own = Path(rasterio.__file__).parent / "proj_data"
    with _environment:
        missing = "PROJ_DATA" not in os.environ and "PROJ_LIB" not in os.environ and own.is_dir()
        if missing:
            os.environ["PROJ_DATA"] = str(own)
        try:
            with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
                yield
        finally:
            if missing:
                del os.environ["PROJ_DATA"]


def _grid_of(file: Path, source: Any) -> RasterGrid:
    a, b, c, d, e, f = source.transform[:6]
    if (a, b, c, d, e, f) == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0):
        raise InputError("the raster does not say where its pixels are", file=file, expected="a geotransform")
    if b != 0.0 or d != 0.0 or a <= 0.0 or e == 0.0:
        raise InputError(
            "the raster is rotated or mirrored",
            file=file,
            found=f"geotransform {source.transform.to_gdal()}",
            expected="columns that run east and rows that run north or south",
            hint="Warp it first, for example with gdalwarp",
        )
    return RasterGrid(c, f, a, e, source.width, source.height)


def _crs_of(file: Path, source: Any, given: CrsLike | None) -> pyproj.CRS:
    found = None if source.crs is None or not source.crs.to_wkt() else source.crs.to_wkt(version="WKT2_2019")
    try:
        wanted = None if given is None else pyproj.CRS.from_user_input(given)
        crs = wanted if found is None else pyproj.CRS.from_wkt(found)
        if crs is None:
            raise InputError(
                "the raster has no coordinate system",
                file=file,
                expected="one in the file",
                hint="Say which it is, for example EPSG:4326, if you know it",
            )
        pyproj.Transformer.from_crs(crs, LONGITUDE_LATITUDE, always_xy=True)
    except (CRSError, ProjError) as error:
        raise InputError(f"the coordinate system cannot be used: {error}", file=file, found=found) from error
    if found is not None and wanted is not None and not crs.equals(wanted, ignore_axis_order=True):
        raise InputError(
            "the file has another coordinate system",
            file=file,
            found=crs.to_string(),
            expected=wanted.to_string(),
        )
    return crs


def _band(source: Any, index: int) -> RasterBand:
    scale, offset = source.scales[index], source.offsets[index]
    return RasterBand(
        name=source.descriptions[index] or f"band_{index + 1}",
        dtype=np.dtype(source.dtypes[index]),
        nodata=source.nodatavals[index],
        units=source.units[index] or "",
        scale=1.0 if scale is None else float(scale),
        offset=0.0 if offset is None else float(offset),
    )
