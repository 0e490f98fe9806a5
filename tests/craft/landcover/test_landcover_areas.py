"""Areas of classes: every pixel counted once, in the cell that holds it, with its true area."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from landcover_samples import EQUAL_AREA, aligned_raster, block, random_raster, write_raster

from kiloland.craft.landcover.areas import ClassAreas, Counter
from kiloland.craft.landcover.lattice import Lattice
from kiloland.craft.landcover.legend import read_legend
from kiloland.craft.landcover.pixels import PixelMap
from kiloland.files.raster import open_raster
from kiloland.grid import DaymetGrid, Domain, build_domain, grid_from_text, write_domain

LEGEND = read_legend("nalcms")


def count(path: Path, domain: Domain, folder: Path, cells: np.ndarray | None = None) -> ClassAreas:
    with open_raster(path) as raster:
        pixels = PixelMap(raster, domain, folder / "domain.nc")
        return Counter(pixels, LEGEND).count(np.arange(domain.number_of_cells) if cells is None else cells)


@pytest.mark.parametrize(("step", "samples"), [(20.0, 1), (90.0, 3), (230.0, 8), (400.0, 0), (1300.0, 0)])
def test_the_area_of_every_class_is_conserved(tmp_path: Path, step: float, samples: int) -> None:
    domain = block(tmp_path)
    pixels = random_raster(tmp_path / "r.tif", domain, step, inset=1500.0)
    with open_raster(tmp_path / "r.tif") as raster:
        mapped = PixelMap(raster, domain, tmp_path / "domain.nc")
        assert mapped.samples == samples
        area = pixel_areas(mapped, pixels.shape)
    areas = count(tmp_path / "r.tif", domain, tmp_path)
    for code, found in enumerate([areas.missing, *areas.of_class]):
        before = math.fsum(area[pixels == code])
        assert math.fsum(found) == pytest.approx(before, rel=1e-12)
        # In an equal-area projection the areas are the numbers of pixels.
        assert before == pytest.approx((pixels == code).sum() * step**2 / 1e6, rel=1e-7)


def pixel_areas(mapped: PixelMap, shape: tuple[int, int]) -> np.ndarray:
    """True area (km²) of every pixel, or the mean over its samples."""
    row, column = np.arange(shape[0]), np.arange(shape[1])
    if mapped.samples == 0:
        return mapped._functions(*np.meshgrid(row + 0.5, column + 0.5, indexing="ij"))[2]
    shifts = (np.arange(mapped.samples) + 0.5) / mapped.samples
    return np.mean(
        [mapped._lattice.at(row + down, column + right)[2] for down in shifts for right in shifts], 0
    )


@pytest.mark.parametrize("step", [30.0, 100.0])
def test_each_pixel_is_in_one_cell_and_its_weight_is_its_area(tmp_path: Path, step: float) -> None:
    domain = block(tmp_path, 2, 3)
    pixels = random_raster(tmp_path / "r.tif", domain, step)
    with open_raster(tmp_path / "r.tif") as raster:
        mapped = PixelMap(raster, domain, tmp_path / "domain.nc")
        number = mapped.samples
        total = np.zeros((20, domain.number_of_cells))
        row, column = np.indices(pixels.shape)
        for down in range(number):
            for right in range(number):
                x = raster.grid.left + step * (column + (right + 0.5) / number)
                y = raster.grid.first - step * (row + (down + 0.5) / number)
                ids = DaymetGrid().locate(*raster.to_longitude_latitude(x, y))
                for cell, gridcell in enumerate(domain.gridcell_id):
                    total[:, cell] += np.bincount(pixels[ids == gridcell], minlength=20)
    areas = count(tmp_path / "r.tif", domain, tmp_path)
    found = np.concatenate([areas.missing[None], areas.of_class]) / (step**2 / 1e6) * number**2
    assert np.abs(found - total).max() < 1e-5


def test_pixels_that_are_the_cells_give_their_class_whole(tmp_path: Path) -> None:
    domain = block(tmp_path)
    codes = np.arange(48, dtype=np.uint8) % 19 + 1
    areas = count(aligned_raster(tmp_path / "r.tif", domain, codes), domain, tmp_path)
    expected = np.zeros((19, 48))
    expected[codes - 1, np.arange(48)] = domain.area_km2
    assert np.abs(areas.of_class - expected).max() < 1e-7
    assert areas.coverage(domain.area_km2).min() == 1.0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32603", EQUAL_AREA])
@pytest.mark.parametrize("metres", [30.0, 250.0, 700.0])
def test_counted_areas_agree_with_the_cells(tmp_path: Path, crs: str, metres: float) -> None:
    domain = block(tmp_path, 3, 3)
    step = metres / 111_200.0 if crs == "EPSG:4326" else metres
    random_raster(tmp_path / "r.tif", domain, step, crs=crs)
    areas = count(tmp_path / "r.tif", domain, tmp_path)
    total = areas.of_class.sum() + areas.missing.sum()
    assert total == pytest.approx(domain.area_km2.sum(), rel=1e-6 if metres == 700.0 else 0.02)
    assert areas.inside.all()


@pytest.mark.parametrize("step", [45.0, 600.0])
def test_a_cell_has_the_same_bits_whatever_other_cells_are_counted(tmp_path: Path, step: float) -> None:
    domain = block(tmp_path)
    random_raster(tmp_path / "r.tif", domain, step)
    whole = count(tmp_path / "r.tif", domain, tmp_path)
    some = np.array([40, 3, 17])
    part = count(tmp_path / "r.tif", domain, tmp_path, some)
    assert np.array_equal(part.of_class, whole.of_class[:, some])


def test_cells_across_the_dateline_meet_both_edges_of_a_global_raster(tmp_path: Path) -> None:
    grid = grid_from_text("regular:179,181,4,64,65,2,WGS84")
    domain = build_domain(grid, np.arange(8))
    write_domain(tmp_path / "domain.nc", domain)
    pixels = np.ones((10, 720), np.uint8)
    pixels[:, :360] = 2
    write_raster(tmp_path / "r.tif", pixels, -180.0, 67.0, 0.5, "EPSG:4326")
    areas = count(tmp_path / "r.tif", domain, tmp_path).of_class
    assert (areas[0, [0, 1, 4, 5]] > 0).all()
    assert (areas[1, [2, 3, 6, 7]] > 0).all()
    assert areas.sum() == pytest.approx(domain.area_km2.sum(), rel=1e-4)
    fine = np.repeat(np.repeat(pixels, 8, axis=0), 8, axis=1)
    write_raster(tmp_path / "f.tif", fine, -180.0, 67.0, 0.0625, "EPSG:4326")
    assert count(tmp_path / "f.tif", domain, tmp_path).of_class == pytest.approx(areas, rel=1e-4)


def test_interpolated_places_are_true_to_a_thousandth_of_a_pixel(tmp_path: Path) -> None:
    domain = block(tmp_path)
    random_raster(tmp_path / "r.tif", domain, 30.0, crs="EPSG:32603")
    with open_raster(tmp_path / "r.tif") as raster:
        mapped = PixelMap(raster, domain, tmp_path / "domain.nc")
        rows, columns = np.arange(3, 200) + 0.5, np.arange(7, 230) + 0.5
        exact = mapped._functions(*np.meshgrid(rows, columns, indexing="ij"))
        assert np.abs(mapped._lattice.at(rows, columns)[:2] - exact[:2]).max() < 0.03


def test_where_interpolation_misses_places_are_worked_out_one_by_one() -> None:
    def kinked(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return np.stack([np.abs(row - 51.3) + column])

    rows, columns = np.arange(100) + 0.5, np.arange(10) + 0.5
    found = Lattice(kinked, 8, np.array([1e-6])).at(rows, columns)
    assert np.abs(found - kinked(*np.meshgrid(rows, columns, indexing="ij"))).max() < 1e-6
