"""GeoTIFF of any file: every cell in its place, proved by projecting known cells independently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pyproj
import pytest
import rasterio
from picture_samples import DEPTHS, GRID, cell_ids, history

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import DaymetGrid, RegularGrid, build_domain, build_rectangle, write_domain
from kiloland.report import Choice
from kiloland.report.export import export_geotiff, geotiff, placement

# Daymet's definition as its user guide gives it, not taken from the package.
GUIDE = pyproj.CRS.from_string(
    "+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +a=6378137 +rf=298.257223563 +units=m"
)
SPHERE = pyproj.CRS.from_string("+proj=lcc +lat_1=25 +lat_2=60 +lat_0=42.5 +lon_0=-100 +R=6378137 +units=m")


def sample(path: Path, longitude: Any, latitude: Any, band: int = 1, crs: Any = None) -> np.ndarray:
    """Values of a raster at places, as a map program finds them: by the coordinate system of the file."""
    with rasterio.open(path) as file:
        crs = pyproj.CRS.from_wkt(file.crs.to_wkt()) if crs is None else crs
        to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        x, y = to_map.transform(np.asarray(longitude), np.asarray(latitude))
        return np.array([value[0] for value in file.sample(np.stack([x, y], axis=1), indexes=band)])


def domain_of(path: Path, ids: np.ndarray) -> Path:
    write_domain(path, build_domain(GRID, ids))
    return path


def numbered(path: Path, grid: Any, ids: np.ndarray, values: np.ndarray) -> Path:
    """A surface-like list of cells with one variable."""
    longitude, latitude = grid.centres(ids)
    cells = ("gridcell",)
    schema = FileSchema(
        {"gridcell": ids.size},
        None,
        (
            VariableSchema("LONGXY", "f8", cells, {"units": "degrees_east"}),
            VariableSchema("LATIXY", "f8", cells, {"units": "degrees_north"}),
            VariableSchema("V", values.dtype, cells, {"units": "g/m^2", "long_name": "number"}),
        ),
    )
    write_dataset(path, schema, {"LONGXY": longitude, "LATIXY": latitude, "V": values})
    return path


def test_cells_are_found_where_their_longitude_and_latitude_are(tmp_path: Path) -> None:
    ids = cell_ids()
    path = numbered(tmp_path / "s.nc", GRID, ids, np.arange(ids.size, dtype="f8"))
    export_geotiff(path, "V", tmp_path / "v.tif")
    longitude, latitude = GRID.centres(ids)
    for crs in (None, GUIDE):
        assert sample(tmp_path / "v.tif", longitude, latitude, crs=crs).tolist() == list(range(ids.size))
    # 400 m to the sides of a centre is the same cell, 600 m is its neighbour.
    x, y = pyproj.Transformer.from_crs("EPSG:4326", GUIDE, always_xy=True).transform(longitude, latitude)
    with rasterio.open(tmp_path / "v.tif") as file:
        east = [value[0] for value in file.sample([(x[25] + 400.0, y[25]), (x[25] + 600.0, y[25])])]
        south = [value[0] for value in file.sample([(x[25], y[25] - 400.0), (x[25], y[25] - 600.0)])]
    assert east == [25.0, 26.0]
    assert south[0] == 25.0
    assert south[1] == 45.0
    # On a sphere, as in the scripts in use, the same places are in other cells or outside.
    assert (sample(tmp_path / "v.tif", longitude, latitude, crs=SPHERE) != np.arange(ids.size)).all()


def test_the_map_has_the_ellipsoid_metres_and_edges_half_a_cell_outside_the_centres(tmp_path: Path) -> None:
    ids = cell_ids()
    export_geotiff(domain_of(tmp_path / "d.nc", ids), "area", tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        found = pyproj.CRS.from_wkt(file.crs.to_wkt())
        left, bottom, right, top = file.bounds
        assert file.res == (1000.0, 1000.0)
        assert file.tags()["AREA_OR_POINT"] == "Area"
    assert not found.is_geographic
    assert found.axis_info[0].unit_name == "metre"
    assert found.ellipsoid.inverse_flattening == pytest.approx(298.257223563, abs=1e-9)
    places = np.array([-170.0, -100.0, -60.0]), np.array([70.0, 42.5, 20.0])
    theirs, ours = (
        pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*places)
        for crs in (found, GUIDE)
    )
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-6)
    x, y = GRID.centres_xy(ids)
    assert (left, right) == (x.min() - 500.0, x.max() + 500.0)
    assert (bottom, top) == (y.min() - 500.0, y.max() + 500.0)


def test_the_whole_daymet_grid_has_the_outer_edges_of_daymet(tmp_path: Path) -> None:
    ids = np.array([0, DaymetGrid().number_of_cells - 1, 9_308_121])
    path = numbered(tmp_path / "s.nc", GRID, np.sort(ids), np.array([1.0, 2.0, 3.0], dtype="f4"))
    export_geotiff(path, "V", tmp_path / "v.tif", whole_grid=True)
    with rasterio.open(tmp_path / "v.tif") as file:
        assert tuple(file.bounds) == (-4_560_750.0, -3_090_500.0, 3_253_250.0, 4_984_500.0)
        assert (file.height, file.width) == (8075, 7814)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert [value[0] for value in file.sample([(-4_560_250.0, 4_984_000.0)])] == [1.0]
        assert [value[0] for value in file.sample([(3_252_750.0, -3_090_000.0)])] == [3.0]
    longitude, latitude = GRID.centres(np.array([9_308_121]))
    assert sample(tmp_path / "v.tif", longitude, latitude).tolist() == [2.0]


@pytest.mark.oracle
def test_published_coordinates_of_seward_cells_hit_their_own_pixels(tmp_path: Path, shared: Path) -> None:
    points = np.loadtxt(shared / "data/daymet/daymet_AK_all2.csv.gz", delimiter=",")
    longitude, latitude, x, y = points.T
    ids = np.sort(GRID.locate_xy(x, y))
    path = numbered(tmp_path / "s.nc", GRID, ids, ids.astype("i4"))
    export_geotiff(path, "V", tmp_path / "v.tif")
    expected = np.rint((4_984_000.0 - y) / 1000.0) * 7814 + np.rint((x + 4_560_250.0) / 1000.0)
    assert (sample(tmp_path / "v.tif", longitude, latitude) == expected).all()


def test_the_order_of_cells_on_file_does_not_matter(tmp_path: Path) -> None:
    ids = cell_ids()
    mixed = np.random.default_rng(5).permutation(ids)
    for name, order in (("a", ids), ("b", mixed)):
        numbered(tmp_path / f"{name}.nc", GRID, order, order.astype("f8"))
        export_geotiff(tmp_path / f"{name}.nc", "V", tmp_path / f"{name}.tif")
    with rasterio.open(tmp_path / "a.tif") as first, rasterio.open(tmp_path / "b.tif") as second:
        np.testing.assert_array_equal(first.read(1), second.read(1))


def test_cells_without_a_value_shift_no_other_cell(tmp_path: Path) -> None:
    ids = cell_ids()
    values = np.arange(ids.size, dtype="f8")
    values[[0, 7, 30]] = 1.0e36
    export_geotiff(numbered(tmp_path / "s.nc", GRID, ids, values), "V", tmp_path / "v.tif")
    found = sample(tmp_path / "v.tif", *GRID.centres(ids))
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 7, 30]
    assert (found[~np.isnan(found)] == np.delete(values, [0, 7, 30])).all()


@pytest.mark.parametrize("northward", [False, True])
@pytest.mark.parametrize(("west", "east"), [(0.0, 360.0), (-180.0, 180.0), (190.0, 200.0), (175.0, 185.0)])
def test_regular_grids_become_epsg_4326_with_edges_of_cells(
    tmp_path: Path, west: float, east: float, northward: bool
) -> None:
    edges = (60.0, 66.0) if northward else (66.0, 60.0)
    grid = RegularGrid(west, east, 10, *edges, 6)
    ids = np.arange(60)
    export_geotiff(numbered(tmp_path / "s.nc", grid, ids, ids.astype("i4")), "V", tmp_path / "v.tif")
    longitude, latitude = grid.centres(ids)
    with rasterio.open(tmp_path / "v.tif") as file:
        assert file.crs.to_epsg() == 4326
        assert (file.bounds.bottom, file.bounds.top) == pytest.approx((60.0, 66.0), abs=1e-12)
        assert file.bounds.right - file.bounds.left == pytest.approx((east - west) % 360.0 or 360.0, abs=1e-9)
        assert -180.0 <= file.bounds.left < 180.0
        turned = file.bounds.left + np.mod(longitude - file.bounds.left, 360.0)
        found = [value[0] for value in file.sample(np.stack([turned, latitude], axis=1))]
    assert found == list(range(60))


def test_metres_never_get_a_system_of_degrees_and_degrees_never_one_of_metres(tmp_path: Path) -> None:
    regular = RegularGrid(-10.0, 10.0, 4, 50.0, 40.0, 4)
    for name, grid, ids in (("d", GRID, cell_ids()), ("r", regular, np.arange(16))):
        path = numbered(tmp_path / f"{name}.nc", grid, ids, ids.astype("f4"))
        export_geotiff(path, "V", tmp_path / f"{name}.tif")
        with rasterio.open(tmp_path / f"{name}.tif") as file:
            assert file.crs.is_geographic == (max(map(abs, file.bounds)) <= 360.0)


def test_times_and_layers_become_named_bands(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc", records=3)
    export_geotiff(path, "TSOI", tmp_path / "t.tif")
    with rasterio.open(tmp_path / "t.tif") as file, netCDF4.Dataset(path) as given:
        assert file.count == 45
        assert file.descriptions[0] == f"TSOI, {DEPTHS[0]:.3g} m deep, 0016-07-01 to 0016-07-02"
        assert file.descriptions[16].startswith(f"TSOI, {DEPTHS[1]:.3g} m deep, 0016-07-02")
        assert set(file.units) == {"K"}
        assert np.isnan(file.nodata)
        longitude, latitude = GRID.centres(cell_ids())
        expected = np.ma.filled(given["TSOI"][1, 1], np.nan)
    np.testing.assert_array_equal(sample(tmp_path / "t.tif", longitude, latitude, band=17), expected)


def test_one_layer_one_time_or_the_mean_can_be_chosen(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc", records=4)
    where = GRID.centres(cell_ids())
    with netCDF4.Dataset(path) as given:
        values = np.ma.filled(given["TSOI"][:, 3], np.nan)
    export_geotiff(path, "TSOI", tmp_path / "t.tif", Choice("0016-07-03", (3,)))
    with rasterio.open(tmp_path / "t.tif") as file:
        assert file.count == 1
    np.testing.assert_array_equal(sample(tmp_path / "t.tif", *where), values[1])
    export_geotiff(path, "TSOI", tmp_path / "m.tif", Choice(None, (3,)), mean=True)
    np.testing.assert_allclose(sample(tmp_path / "m.tif", *where)[1:], values[:, 1:].mean(axis=0), rtol=1e-14)


def test_a_domain_gives_the_places_of_a_file_without_coordinates(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc", coordinates=False)
    with pytest.raises(InputError, match="no coordinates of its 239 cells"):
        export_geotiff(path, "FLUX", tmp_path / "f.tif")
    domain = domain_of(tmp_path / "d.nc", cell_ids())
    export_geotiff(path, "FLUX", tmp_path / "f.tif", domain=domain)
    found = sample(tmp_path / "f.tif", *GRID.centres(cell_ids()))
    np.testing.assert_array_equal(found, np.linspace(-40.0, 60.0, 239))


def test_a_two_dimensional_domain_is_read_by_rows_and_placed_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "BLOCK", 70)
    monkeypatch.setattr(geotiff, "ROW_BYTES", 1)
    write_domain(tmp_path / "d.nc", build_rectangle(GRID, cell_ids()))
    export_geotiff(tmp_path / "d.nc", "gridID", tmp_path / "i.tif")
    ids = GRID.identifier(*np.meshgrid(np.arange(1400, 1412), np.arange(1700, 1720), indexing="ij"))
    with rasterio.open(tmp_path / "i.tif") as file:
        np.testing.assert_array_equal(file.read(1), ids)


def test_copies_of_cells_are_refused_since_they_share_a_pixel(tmp_path: Path) -> None:
    ids = np.concatenate([cell_ids()[:5], cell_ids()[:5]])
    path = numbered(tmp_path / "s.nc", GRID, ids, np.arange(10, dtype="f8"))
    with pytest.raises(InputError, match=r"cells 0 and 5 \(of 5 such pairs\): two cells lie in one pixel"):
        export_geotiff(path, "V", tmp_path / "v.tif")
    assert not (tmp_path / "v.tif").exists()


def test_a_cell_off_the_grid_is_named(tmp_path: Path) -> None:
    path = domain_of(tmp_path / "d.nc", cell_ids())
    with netCDF4.Dataset(path, "r+") as file:
        file["xc"][0, 3] += 0.004
    with pytest.raises(InputError, match=r"cell 3 at .* does not lie on a centre of the grid"):
        export_geotiff(path, "area", tmp_path / "a.tif")


def test_the_command_writes_the_file_and_says_what_is_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = history(tmp_path / "h.nc"), tmp_path / "t.tif"
    words = ["export", str(path), "TSOI", "--to", "geotiff", "--level", "2", "--mean", "-o", str(output)]
    assert main(words) == 0
    assert "1 layer of 12 x 20, 239 cells, Daymet" in capsys.readouterr().out
    assert main(["export", str(path), "--to", "geotiff", "-o", str(output)]) == 2
    assert "one VARIABLE" in capsys.readouterr().err
    assert main(["export", str(path), "TSOI", "--to", "geotiff", "--level", "99", "-o", str(output)]) == 2
    assert "no such layer of levgrnd" in capsys.readouterr().err
