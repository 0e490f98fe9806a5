"""GeoTIFF that is written is cloud-optimised, exact, the same every time, and whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio

import kiloland.files.raster_writing as writing
from kiloland.errors import InputError, OutputError
from kiloland.files.raster import RasterBand, RasterGrid, open_raster
from kiloland.files.raster_writing import RasterSchema, RasterWriter

DEGREES = pyproj.CRS.from_epsg(4326)


def schema(width: int, height: int, bands: int = 1, dtype: str = "f4", nodata: Any = np.nan) -> RasterSchema:
    names = tuple(RasterBand(f"T {i}", np.dtype(dtype), nodata, "K") for i in range(bands))
    return RasterSchema(RasterGrid(-170.0, 70.0, 0.01, -0.01, width, height), DEGREES, names, {"source": "x"})


def pixels(height: int, width: int, dtype: str = "f4") -> Any:
    return np.random.default_rng(3).normal(270.0, 20.0, (height, width)).astype(dtype)


def directories(path: Path) -> list[dict[int, int]]:
    """Offset and tags (first value of each) of the directories of a classic little-endian TIFF, in order."""
    data = path.read_bytes()
    assert data[:4] == b"II*\0"
    found, at = [], int.from_bytes(data[4:8], "little")
    while at:
        number = int.from_bytes(data[at : at + 2], "little")
        tags = {0: at}
        for entry in range(number):
            field = data[at + 2 + 12 * entry :][:12]
            kind, count = int.from_bytes(field[2:4], "little"), int.from_bytes(field[4:8], "little")
            size = {1: 1, 2: 1, 3: 2, 4: 4}.get(kind, 8)
            place = int.from_bytes(field[8:12], "little")
            value = field[8 : 8 + size] if size * count <= 4 else data[place : place + size]
            tags[int.from_bytes(field[:2], "little")] = int.from_bytes(value, "little")
        found.append(tags)
        next_at = at + 2 + 12 * number
        at = int.from_bytes(data[next_at : next_at + 4], "little")
    return found


@pytest.mark.parametrize("bands", [1, 3])
def test_the_file_has_the_layout_that_is_read_by_parts(tmp_path: Path, bands: int) -> None:
    path = tmp_path / "a.tif"
    with RasterWriter(path, schema(1300, 1100, bands)) as writer:
        for band in range(bands):
            writer.put(band, pixels(1100, 1300) + band)
    levels = directories(path)
    # Full size first, then overviews of half the size each; every one in tiles, deflated, float predictor.
    assert [(level[256], level[257]) for level in levels] == [(1300, 1100), (650, 550), (325, 275)]
    assert [(level[322], level[323]) for level in levels] == [(512, 512)] * 3
    assert {level[259] for level in levels} == {8}
    assert {level[317] for level in levels} == {3}
    # Directories stand at the front, the pixels behind them from the smallest overview to the full size.
    offsets = [first_tile(path, level) for level in levels]
    assert max(level[0] for level in levels) < min(offsets)
    assert offsets == sorted(offsets, reverse=True)
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.overviews(1) == [2, 4]


def first_tile(path: Path, level: dict[int, int]) -> int:
    """Offset of the first tile of a directory (tag 324)."""
    return level[324]


def test_pixels_come_back_exactly_with_names_units_and_missing_ones(tmp_path: Path) -> None:
    path, given = tmp_path / "a.tif", pixels(700, 900)
    given[3, 4] = np.nan
    with RasterWriter(path, schema(900, 800, 2)) as writer:
        writer.put(1, given[:512])
        writer.put(1, given[512:], row=512)
    with open_raster(path) as raster:
        assert raster.grid == schema(900, 800).grid
        assert raster.crs.to_epsg() == 4326
        assert [(band.name, band.units) for band in raster.bands] == [("T 0", "K"), ("T 1", "K")]
        assert raster.tags["source"] == "x"
        np.testing.assert_array_equal(raster.values("T 1")[:700], given)
        assert np.isnan(raster.values("T 1")[700:]).all()
        assert np.isnan(raster.values(0)).all()


@pytest.mark.parametrize(("dtype", "nodata"), [("u1", 255), ("i2", -32768), ("i4", -(2**31)), ("f8", np.nan)])
def test_every_type_keeps_its_values(tmp_path: Path, dtype: str, nodata: Any) -> None:
    given = (pixels(40, 50, "f8") % 200).astype(dtype)
    with RasterWriter(tmp_path / "a.tif", schema(50, 40, 1, dtype, nodata)) as writer:
        writer.put(0, given)
    with open_raster(tmp_path / "a.tif") as raster:
        found = raster.read(0)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, given)


def test_overviews_of_numbers_are_means_and_of_codes_are_codes(tmp_path: Path) -> None:
    given = np.tile(np.array([[1, 3], [3, 5]]), (600, 600))
    for dtype, nodata, expected in (("f4", np.nan, {3.0}), ("i4", -1, {1, 3, 5})):
        with RasterWriter(tmp_path / "a.tif", schema(1200, 1200, 1, dtype, nodata)) as writer:
            writer.put(0, given.astype(dtype))
        with rasterio.open(tmp_path / "a.tif") as file:
            assert set(np.unique(file.read(1, out_shape=(600, 600)))) <= expected


def test_the_same_pixels_give_the_same_bytes(tmp_path: Path) -> None:
    given = pixels(600, 700)
    for name in ("a.tif", "b.tif"):
        with RasterWriter(tmp_path / name, schema(700, 600)) as writer:
            writer.put(0, given)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_many_bands_get_smaller_tiles() -> None:
    assert schema(100, 100, 1).block_size == 512
    assert schema(100, 100, 120).block_size == 128
    assert schema(100, 100, 10_000).block_size == 64


def test_an_error_in_the_middle_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text("earlier")
    writer = RasterWriter(path, schema(50, 40))
    writer.put(0, pixels(40, 50))
    writer.close(KeyError("in the middle"))
    assert (path.read_text(), os.listdir(tmp_path)) == ("earlier", ["a.tif"])


def test_pixels_that_did_not_arrive_are_found_before_the_file_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaging(source: Path, *arguments: Any, **options: Any) -> None:
        with rasterio.open(source, "r+") as stage:
            stage.write(np.full((1, 1), 7.0, "f4"), 1, window=rasterio.windows.Window(9, 9, 1, 1))
        copy(source, *arguments, **options)

    copy = writing.rasterio.shutil.copy
    monkeypatch.setattr(writing.rasterio.shutil, "copy", damaging)
    with (
        pytest.raises(OutputError, match="other pixels than put"),
        RasterWriter(tmp_path / "a.tif", schema(50, 40)) as writer,
    ):
        writer.put(0, pixels(40, 50))
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.tif: cannot be written"):
        RasterWriter(tmp_path / "nowhere" / "a.tif", schema(5, 5))


@pytest.mark.parametrize(
    ("array", "row", "message"),
    [
        (np.zeros((41, 50), "f4"), 0, "do not fit"),
        (np.zeros((40, 50), "f4"), 1, "do not fit"),
        (np.zeros((40, 50), "f8"), 0, "another type"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(tmp_path: Path, array: Any, row: int, message: str) -> None:
    with pytest.raises(InputError, match=message), RasterWriter(tmp_path / "a.tif", schema(50, 40)) as writer:
        writer.put(0, array, row)
    assert os.listdir(tmp_path) == []


def test_bands_of_several_types_and_too_many_bands_are_refused(tmp_path: Path) -> None:
    two = (RasterBand("a", np.dtype("f4"), np.nan), RasterBand("b", np.dtype("i4"), -1))
    with pytest.raises(InputError, match="one type and one mark"):
        RasterWriter(tmp_path / "a.tif", RasterSchema(schema(5, 5).grid, DEGREES, two))
    with pytest.raises(InputError, match="that many bands"):
        RasterWriter(tmp_path / "a.tif", schema(5, 5, 65_536))
