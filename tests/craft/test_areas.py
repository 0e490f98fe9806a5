"""Several areas in one domain, and lakes as land."""

from __future__ import annotations

import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio

from kiloland.cli.main import main
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import grid_from_text, read_domain

GRID = "daymet_lcc:-3.29075e+06,4.2905e+06,1000,80,60"
CELLS = 60 * 80
WATER = np.arange(CELLS) % 80 // 10 == 3
"""Columns 30 to 39: neither land nor, without more, in a domain."""


@pytest.fixture
def craft(tmp_path, capsys):
    """Run the command on 60 x 80 cells by the Bering Strait: exit code, file, what was printed."""
    mask = tmp_path / "mask.csv"
    mask.write_text(",".join("0" if wet else "1" for wet in WATER))

    def run(*arguments):
        output = tmp_path / "domain.nc"
        fixed = ["craft", "domain", "--grid", GRID, "--land-mask", str(mask), "-o", str(output)]
        code = main([*fixed, *map(str, arguments)])
        return code, output, "\n".join(capsys.readouterr())

    return run


def ids_file(folder: Path, name: str, *ids: int) -> Path:
    path = folder / name
    path.write_text("\n".join(map(str, ids)) + "\n")
    return path


def test_areas_of_every_kind_become_one_domain_ordered_by_id(craft, tmp_path):
    grid = grid_from_text(GRID)
    longitude, latitude = grid.centres(np.array([4000]))
    place = tmp_path / "place.csv"
    place.write_text(f"{longitude[0]},{latitude[0]}\n")
    x, y = grid.centres(np.array([2000]))
    ring = [[x[0] + a, y[0] + b] for a, b in ((-0.01, -0.005), (0.01, -0.005), (0.01, 0.005), (-0.01, 0.005))]
    polygon = tmp_path / "park.geojson"
    polygon.write_text(json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))
    bx, by = grid.centres(np.array([3000]))
    box = f"{bx[0] - 0.01},{by[0] - 0.005},{bx[0] + 0.01},{by[0] + 0.005}"
    ids = ids_file(tmp_path, "ids.csv", 4100, 10)
    arguments = [
        "--points",
        place,
        "--coordinates",
        "lonlat",
        "--polygon",
        polygon,
        "--box",
        box,
        "--ids",
        ids,
    ]
    code, output, text = craft(*arguments)
    assert code == 0, text
    assert read_domain(output).gridcell_id.tolist() == [10, 2000, 3000, 4000, 4100]


def test_a_cell_of_two_areas_counts_once_and_is_reported_once(craft, tmp_path):
    first, second = ids_file(tmp_path, "a.csv", 7, 5), ids_file(tmp_path, "b.csv", 18, 7)
    code, output, text = craft("--ids", first, "--ids", second)
    assert code == 0
    assert read_domain(output).gridcell_id.tolist() == [5, 7, 18]
    assert text.count("lie in more than one area") == 1
    assert "1 cells lie in more than one area and count once: 7" in text


def test_the_order_of_the_areas_changes_no_cell(craft, tmp_path):
    first, second = ids_file(tmp_path, "a.csv", 7, 5), ids_file(tmp_path, "b.csv", 18, 7)
    _, output, _ = craft("--ids", first, "--ids", second)
    ids = read_domain(output).gridcell_id.tolist()
    _, output, _ = craft("--ids", second, "--ids", first)
    assert read_domain(output).gridcell_id.tolist() == ids


def test_an_empty_area_among_others_is_an_error_that_names_it(craft, tmp_path):
    code, output, text = craft("--ids", ids_file(tmp_path, "a.csv", 7), "--box", "-100,40,-99,41")
    assert code == 2
    assert "no land cell in the selection" in text
    assert "box -100,40,-99,41" in text
    assert not output.exists()


def test_a_point_off_land_in_one_area_names_the_file_of_that_area(craft, tmp_path):
    code, _, text = craft("--ids", ids_file(tmp_path, "a.csv", 7), "--ids", ids_file(tmp_path, "wet.csv", 31))
    assert code == 2
    assert "wet.csv" in text
    assert "requests on no land cell" in text


def test_two_boxes_on_both_sides_of_the_dateline_are_the_box_across_it(craft):
    _, output, _ = craft("--box", "179.5,65.8,-179.5,66.2")
    whole = read_domain(output).gridcell_id
    code, output, _ = craft("--box", "179.5,65.8,180,66.2", "--box", "-180,65.8,-179.5,66.2")
    assert code == 0
    assert np.array_equal(read_domain(output).gridcell_id, whole)
    assert whole.size > 100


def test_a_single_cell(craft, tmp_path):
    code, output, text = craft("--ids", ids_file(tmp_path, "one.csv", 42))
    assert code == 0
    assert "1 land cells" in text
    domain = read_domain(output)
    assert domain.shape == (1, 1)
    assert domain.gridcell_id.tolist() == [42]


def lakes_as_text(folder: Path, share: np.ndarray) -> Path:
    path = folder / "lakes.csv"
    path.write_text(",".join("1" if one > 0 else "0" for one in share))
    return path


def lakes_as_netcdf(folder: Path, share: np.ndarray) -> Path:
    path = folder / "lakes.nc"
    schema = FileSchema(
        {"y": 60, "x": 80}, None, (VariableSchema("PCT_LAKE", "f8", ("y", "x"), {"units": "%"}),)
    )
    write_dataset(path, schema, {"PCT_LAKE": 100.0 * share.reshape(60, 80)})
    return path


def lakes_as_raster(folder: Path, share: np.ndarray) -> Path:
    grid, path = grid_from_text(GRID), folder / "lakes.tif"
    transform = rasterio.Affine(1000.0, 0.0, grid.left, 0.0, -1000.0, grid.top)
    profile = {"driver": "GTiff", "width": 80, "height": 60, "count": 1, "dtype": "float64"}
    crs = rasterio.crs.CRS.from_proj4(grid.mapping()[1]["proj4"])
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as file:
        file.write(share.reshape(60, 80), 1)
    return path


@pytest.mark.parametrize("make", [lakes_as_text, lakes_as_netcdf, lakes_as_raster])
def test_lakes_count_as_land_whatever_holds_them(craft, tmp_path, make):
    share = np.zeros(CELLS)
    share[[31, 35, 2000]] = (0.5, 1.0, 0.25)
    code, output, text = craft("--lakes-as-land", make(tmp_path, share))
    assert code == 0, text
    domain = read_domain(output)
    assert domain.gridcell_id.tolist() == np.flatnonzero(~WATER | (share > 0)).tolist()
    fraction = dict(zip(domain.gridcell_id.tolist(), domain.fraction.tolist(), strict=True))
    assert fraction[35] == 1.0
    assert fraction[2000] == 1.0, "land and lake of one cell are no more than the cell"
    assert fraction[31] == (1.0 if make is lakes_as_text else 0.5), "a mask knows no shares"


def test_the_file_says_that_lakes_count(craft, tmp_path):
    _, output, _ = craft("--lakes-as-land", lakes_as_text(tmp_path, WATER.astype(float)))
    with netCDF4.Dataset(output) as file:
        assert file.lakes == "count as land"
        assert file.land_mask == "mask.csv and lakes of lakes.csv"


@pytest.mark.parametrize(
    ("value", "message"), [(1.5, "is no share of lakes"), (-0.5, "is no share of lakes")]
)
def test_shares_beyond_one_are_refused(craft, tmp_path, value, message):
    share = np.zeros(CELLS)
    share[31] = value
    code, output, text = craft("--lakes-as-land", lakes_as_netcdf(tmp_path, share))
    assert code == 2
    assert "is no share of lakes" in text
    assert not output.exists()


def test_a_missing_file_of_lakes_is_named(craft, tmp_path):
    code, _, text = craft("--lakes-as-land", tmp_path / "absent.nc")
    assert code == 2
    assert "absent.nc" in text
