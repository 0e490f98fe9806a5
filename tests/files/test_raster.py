"""GeoTIFF: pixels in their true place, whatever the units, the order of rows and the anchor of the pixels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin

from kiloland.errors import InputError
from kiloland.files.raster import RasterGrid, open_raster
from kiloland.grid import DaymetGrid

DAYMET = pyproj.CRS.from_proj4("+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +ellps=WGS84 +units=m")
KILOMETRES = pyproj.CRS.from_proj4(
    "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +ellps=WGS84 +units=km"
)


def write(path: Path, pixels: Any, transform: Any, crs: Any = "EPSG:4326", **more: Any) -> Path:
    """A plain GeoTIFF of one or more bands by rasterio itself."""
    pixels = np.asarray(pixels)
    pixels = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    tags = more.pop("tags", {})
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=pixels.shape[2],
        height=pixels.shape[1],
        count=pixels.shape[0],
        dtype=pixels.dtype,
        crs=crs.to_wkt() if isinstance(crs, pyproj.CRS) else crs,
        transform=transform,
        **more,
    ) as target:
        target.update_tags(**tags)
        target.write(pixels)
    return path


def numbered(rows: int, columns: int, dtype: str = "i4") -> Any:
    return np.arange(rows * columns, dtype=dtype).reshape(rows, columns)


def test_pixel_edges_and_centres_of_a_file_in_degrees(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(3, 4), from_origin(-168.0, 66.0, 0.5, 0.25))
    with open_raster(path) as raster:
        assert raster.grid == RasterGrid(-168.0, 66.0, 0.5, -0.25, 4, 3)
        assert raster.grid.edges == (-168.0, 65.25, -166.0, 66.0)
        assert raster.grid.x.tolist() == [-167.75, -167.25, -166.75, -166.25]
        assert raster.grid.y.tolist() == [65.875, 65.625, 65.375]
        assert raster.metres_per_unit is None
        row, column = raster.grid.row_column(*raster.to_xy([192.3, 193.9, 10.0], [65.9, 65.3, 65.9]))
        assert (row.tolist(), column.tolist()) == ([0, 2, -1], [0, 3, -1])


def test_files_that_anchor_pixels_at_their_centres_lie_in_the_same_place(tmp_path: Path) -> None:
    transform = from_origin(-168.0, 66.0, 0.5, 0.25)
    area = write(tmp_path / "area.tif", numbered(3, 4), transform)
    point = write(tmp_path / "point.tif", numbered(3, 4), transform, tags={"AREA_OR_POINT": "Point"})
    # The tie point in the file itself (tag 33922) differs by half a pixel; the grid does not.
    assert tie_point(area) == (-168.0, 66.0)
    assert tie_point(point) == (-167.75, 65.875)
    with open_raster(area) as first, open_raster(point) as second:
        assert first.grid == second.grid


def tie_point(path: Path) -> tuple[float, float]:
    """Model coordinates of the tie point, from the bytes of a little-endian classic TIFF."""
    data = path.read_bytes()
    at = int.from_bytes(data[4:8], "little")
    for entry in range(int.from_bytes(data[at : at + 2], "little")):
        field = data[at + 2 + 12 * entry :][:12]
        if int.from_bytes(field[:2], "little") == 33922:
            values = np.frombuffer(data, "<f8", 6, int.from_bytes(field[8:12], "little"))
            return float(values[3]), float(values[4])
    raise AssertionError("no tie point")


def test_rows_that_run_north_keep_their_order_and_their_place(tmp_path: Path) -> None:
    pixels = numbered(3, 4)
    path = write(tmp_path / "south_up.tif", pixels, rasterio.Affine(0.5, 0, -168.0, 0, 0.25, 65.25))
    with open_raster(path) as raster:
        assert raster.grid.step_y == 0.25
        assert raster.grid.edges == (-168.0, 65.25, -166.0, 66.0)
        row, column = raster.grid.row_column([-167.9], [65.3])
        assert (row[0], column[0]) == (0, 0)
        rows, columns = raster.grid.window(-167.9, 65.3, -167.1, 65.4)
        assert (rows, columns) == (slice(0, 1), slice(0, 2))
        assert raster.read(0, rows, columns).tolist() == [[0, 1]]


def test_a_projection_in_kilometres_is_placed_as_one_in_metres(tmp_path: Path) -> None:
    grid = DaymetGrid()
    kilometres = write(
        tmp_path / "km.tif", numbered(3, 4), from_origin(-2957.75, 3793.5, 1.0, 1.0), KILOMETRES
    )
    metres = write(
        tmp_path / "m.tif", numbered(3, 4), from_origin(-2957750.0, 3793500.0, 1000.0, 1000.0), DAYMET
    )
    ids = []
    for path, unit in ((kilometres, 1000.0), (metres, 1.0)):
        with open_raster(path) as raster:
            assert raster.metres_per_unit == unit
            ids.append(grid.locate(*raster.to_longitude_latitude(*np.meshgrid(raster.grid.x, raster.grid.y))))
    assert (ids[0] == ids[1]).all()
    assert ids[0][0, 0] == 1191 * 7814 + 1603
    assert (np.diff(ids[0], axis=1) == 1).all()
    assert (np.diff(ids[0], axis=0) == 7814).all()


def test_a_raster_without_a_coordinate_system_is_refused_unless_one_is_given(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.tif", numbered(2, 2), from_origin(10.0, 50.0, 1.0, 1.0), crs=None)
    with pytest.raises(InputError, match=r"bare\.tif: the raster has no coordinate system"):
        open_raster(path)
    with open_raster(path, crs="EPSG:4326") as raster:
        assert raster.crs.to_epsg() == 4326


def test_another_coordinate_system_than_that_of_the_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(2, 2), from_origin(10.0, 50.0, 1.0, 1.0))
    with open_raster(path, crs="EPSG:4326") as raster:
        assert raster.grid.width == 2
    with pytest.raises(InputError, match="another coordinate system"):
        open_raster(path, crs=DAYMET)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (rasterio.Affine(1, 0, 0, 0, 1, 0), "does not say where its pixels are"),
        (rasterio.Affine(1, 0.5, 10, 0.5, -1, 50), "rotated or mirrored"),
        (rasterio.Affine(-1, 0, 10, 0, -1, 50), "rotated or mirrored"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rasters_without_a_plain_place_are_refused(tmp_path: Path, transform: Any, message: str) -> None:
    path = write(tmp_path / "odd.tif", numbered(2, 2), transform)
    with pytest.raises(InputError, match=message):
        open_raster(path)


def test_files_that_are_no_rasters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_raster(tmp_path / "nowhere.tif")
    (tmp_path / "text.tif").write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="is not a raster"):
        open_raster(tmp_path / "text.tif")


def test_a_truncated_file_names_the_band_and_the_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.tif", numbered(600, 600), from_origin(0, 50, 0.01, 0.01))
    path.write_bytes(path.read_bytes()[:200_000])
    with open_raster(path) as raster, pytest.raises(InputError, match=r"cut.tif: band_1: rows 500 to 599"):
        raster.read(0, slice(500, 600))


@pytest.mark.parametrize(
    ("dtype", "nodata", "missing"),
    [("u1", 255, 1), ("i2", -9999, 1), ("f4", -3.4e38, 1), ("f4", float("nan"), 1), ("f4", None, 0)],
)
def test_missing_pixels_are_nan_in_every_type(tmp_path: Path, dtype: str, nodata: Any, missing: int) -> None:
    pixels = np.ones((2, 3), dtype)
    if nodata is not None:
        pixels[1, 2] = nodata
    path = write(tmp_path / "a.tif", pixels, from_origin(0, 50, 1, 1), nodata=nodata)
    with open_raster(path) as raster:
        values = raster.values(0)
        assert values.dtype == np.float64
        assert np.isnan(values).sum() == missing
        assert np.isnan(values[1, 2]) == bool(missing)
        assert raster.read(0).dtype == np.dtype(dtype)


def test_names_units_and_scales_of_bands(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.arange(8, dtype="i2").reshape(2, 2, 2), from_origin(0, 50, 1, 1))
    with rasterio.open(path, "r+") as target:
        target.descriptions, target.units = ("tmin", "tmax"), ("degC", "degC")
        target.scales, target.offsets = (0.1, 0.1), (1.0, 0.0)
    with open_raster(path) as raster:
        assert [(band.name, band.units) for band in raster.bands] == [("tmin", "degC"), ("tmax", "degC")]
        np.testing.assert_allclose(raster.values("tmin"), [[1.0, 1.1], [1.2, 1.3]], rtol=1e-15)
        with pytest.raises(InputError, match="no such band"):
            raster.read("prcp")


def test_windows_are_the_pixels_of_the_whole_and_blocks_cover_it_once(tmp_path: Path) -> None:
    pixels = numbered(70, 50, "f4")
    path = write(
        tmp_path / "tiled.tif", pixels, from_origin(0, 50, 1, 1), tiled=True, blockxsize=16, blockysize=16
    )
    with open_raster(path) as raster:
        assert (raster.read(0, slice(13, 40), slice(7, 33)) == pixels[13:40, 7:33]).all()
        assert raster.read(0, slice(5, 5)).shape == (0, 50)
        windows = list(raster.blocks(most_bytes=32 * 50 * 4))
        assert [rows.start for rows, _ in windows] == [0, 32, 64]
        assert (np.concatenate([raster.read(0, *window) for window in windows]) == pixels).all()


@pytest.mark.oracle
def test_the_real_daymet_rasters_are_placed_on_cells_of_the_daymet_grid(shared: Path) -> None:
    grid = DaymetGrid()
    with (
        open_raster(shared / "data/daymet/tmin_monavg_1980_ncss.tif") as low,
        open_raster(shared / "data/daymet/tmax_monavg_1980_ncss.tif") as high,
    ):
        assert low.grid == high.grid
        assert low.metres_per_unit == 1000.0
        x, y = np.meshgrid(low.grid.x, low.grid.y)
        longitude, latitude = low.to_longitude_latitude(x, y)
        ids = grid.locate(longitude, latitude)
        centre_x, centre_y = grid.centres_xy(ids)
        np.testing.assert_allclose(grid.to_xy(longitude, latitude), (centre_x, centre_y), rtol=0, atol=1e-6)
        assert (ids[0, 0], ids[-1, -1]) == (44_624_094, 44_866_355)
        assert np.unique(ids).size == 28 * 32
        for month in range(12):
            assert (low.values(month) <= high.values(month)).all()


@pytest.mark.oracle
def test_opening_a_raster_in_kilometres_says_nothing_on_the_terminal(shared: Path) -> None:
    program = (
        "import sys, pyproj\nfrom kiloland.files.raster import open_raster\n"
        "with open_raster(sys.argv[1]) as raster:\n"
        "    raster.to_longitude_latitude(raster.grid.x[:1], raster.grid.y[:1])\n"
        "pyproj.CRS.from_epsg(32604)\n"
    )
    path = shared / "data/daymet/tmin_monavg_1980_ncss.tif"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
