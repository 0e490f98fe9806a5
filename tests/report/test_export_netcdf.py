"""Lists of cells as maps in netCDF: exact values in their places, and what CF-aware tools need."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pyproj
import pytest
import xarray
from picture_samples import DEPTHS, GRID, cell_ids, history, restart

from kiloland.cli.main import main
from kiloland.craft.synthetic_surface import write_surface
from kiloland.grid import RegularGrid, build_domain, read_domain, write_domain
from kiloland.report import Choice
from kiloland.report.export import export_netcdf, geotiff
from kiloland.report.export.netcdf import in_cf_units


def test_every_value_is_in_its_row_and_column_and_the_rest_is_missing(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc", records=3)
    export_netcdf(path, [], tmp_path / "m.nc")
    row, column = np.divmod(cell_ids(), GRID.columns)
    row, column = row - row.min(), column - column.min()
    with netCDF4.Dataset(path) as given, netCDF4.Dataset(tmp_path / "m.nc") as found:
        assert {"TSOI", "FLUX", "landmask", "area"} <= set(found.variables)
        for name in ("TSOI", "FLUX", "landmask", "area"):
            whole, cells = np.ma.filled(found[name][:], -77), np.ma.filled(given[name][:], -77)
            assert found[name].dtype == given[name].dtype
            np.testing.assert_array_equal(whole[..., row, column], cells)
            elsewhere = np.ones((12, 20), bool)
            elsewhere[row, column] = False
            assert (whole[..., elsewhere] == -77).all()
        np.testing.assert_array_equal(found["gridID"][:][row, column], cell_ids())
        np.testing.assert_array_equal(found["time"][:], given["time"][:])
        np.testing.assert_array_equal(found["time_bounds"][:], given["time_bounds"][:])
        np.testing.assert_array_equal(found["levgrnd"][:], given["levgrnd"][:])


def test_coordinates_are_those_of_the_projection_that_the_grid_mapping_describes(tmp_path: Path) -> None:
    export_netcdf(history(tmp_path / "h.nc"), ["FLUX"], tmp_path / "m.nc")
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        flux, mapping = file["FLUX"], file["lambert_conformal_conic"]
        assert (flux.dimensions, flux.grid_mapping) == (("time", "y", "x"), "lambert_conformal_conic")
        assert set(flux.coordinates.split()) == {"lat", "lon"}
        assert (file["x"].standard_name, file["x"].units) == ("projection_x_coordinate", "m")
        attributes = {name: mapping.getncattr(name) for name in mapping.ncattrs()}
        x, y = np.meshgrid(file["x"][:], file["y"][:])
        longitude, latitude = file["lon"][:], file["lat"][:]
    # What a reader makes of the attributes alone, by pyproj's own CF rules; 'proj4' is no part of them.
    attributes.pop("proj4")
    crs = pyproj.CRS.from_cf(attributes)
    assert crs.ellipsoid.inverse_flattening == 298.257223563
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    np.testing.assert_allclose(to_degrees.transform(x, y), (longitude, latitude), rtol=0, atol=1e-9)


def test_xarray_decodes_time_masks_and_coordinates(tmp_path: Path) -> None:
    export_netcdf(history(tmp_path / "h.nc"), ["TSOI"], tmp_path / "m.nc")
    with xarray.open_dataset(tmp_path / "m.nc") as file:
        assert {"lat", "lon", "x", "y", "time", "levgrnd"} <= set(file.coords)
        assert file.TSOI.dims == ("time", "levgrnd", "y", "x")
        assert np.isnan(file.TSOI.values[0, 0, 3, 4])
        assert str(file.time.values[0])[:10] == "0016-07-02"
        np.testing.assert_allclose(file.levgrnd, DEPTHS, rtol=1e-6)


def test_regular_grids_have_axes_of_latitude_and_longitude(tmp_path: Path) -> None:
    grid = RegularGrid(190.0, 200.0, 5, 60.0, 66.0, 3)
    write_domain(tmp_path / "d.nc", build_domain(grid, np.array([0, 1, 7, 14])))
    export_netcdf(tmp_path / "d.nc", ["area"], tmp_path / "m.nc")
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert file["area"].dimensions == ("lat", "lon")
        np.testing.assert_allclose(file["lat"][:], [65.0, 63.0, 61.0], rtol=1e-15)
        np.testing.assert_allclose(file["lon"][:], [-169.0, -167.0, -165.0, -163.0, -161.0], rtol=1e-15)
        assert (~np.ma.getmaskarray(file["area"][:])).nonzero()[0].tolist() == [0, 1, 2, 2]


def test_a_whole_grid_is_written_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geotiff, "ROW_BYTES", 5000)
    grid = RegularGrid(-180.0, 180.0, 72, 90.0, -90.0, 36)
    write_domain(tmp_path / "d.nc", build_domain(grid, np.array([100, 2000])))
    export_netcdf(tmp_path / "d.nc", ["area"], tmp_path / "m.nc", whole_grid=True)
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert file["area"].shape == (36, 72)
        assert np.flatnonzero(~np.ma.getmaskarray(file["area"][:])).tolist() == [100, 2000]
        np.testing.assert_array_equal(file["gridID"][:].reshape(-1), np.arange(36 * 72))


def test_a_chosen_layer_and_a_mean_leave_out_their_dimensions(tmp_path: Path) -> None:
    path = history(tmp_path / "h.nc")
    export_netcdf(path, ["TSOI"], tmp_path / "m.nc", Choice(None, (2,)), mean=True)
    with netCDF4.Dataset(tmp_path / "m.nc") as file, netCDF4.Dataset(path) as given:
        assert file["TSOI"].dimensions == ("y", "x")
        assert file["TSOI"].cell_methods == "time: mean time: mean"
        expected = given["TSOI"][:, 2, 50].mean()
        row, column = np.divmod(cell_ids()[50], GRID.columns)
        assert file["TSOI"][row - 1400, column - 1700] == pytest.approx(expected, rel=1e-14)


def test_patches_become_means_of_cells_that_say_so(tmp_path: Path) -> None:
    export_netcdf(restart(tmp_path / "r.nc"), ["T_VEG"], tmp_path / "m.nc")
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert file["T_VEG"].cell_methods == "area: mean"
        np.testing.assert_allclose(file["T_VEG"][:].reshape(-1), [275.0, (271 / 4 + 281 / 2) / 0.75, 272.0])


def test_expanded_domains_hold_the_cells_of_the_list(tmp_path: Path) -> None:
    write_domain(tmp_path / "d.nc", build_domain(GRID, cell_ids()))
    assert main(["export", str(tmp_path / "d.nc"), "--to", "netcdf-2d", "-o", str(tmp_path / "m.nc")]) == 0
    domain = read_domain(tmp_path / "d.nc")
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert float(file["area"][:].sum()) == pytest.approx(domain.area.sum(), rel=1e-14)
        assert file.grid == "daymet"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("gC/m^2/s", "g/m^2/s"), ("kgC/m2/s", "kg/m2/s"), ("unitless", "1"), ("K", "K"), ("kg/kg", "kg/kg")],
)
def test_units_are_those_that_cf_checkers_know(given: str, expected: str) -> None:
    found = in_cf_units({"units": given})
    assert found["units"] == expected
    assert found.get("units_in_source", given) == given


def test_months_without_dates_are_no_time(tmp_path: Path) -> None:
    write_surface(tmp_path / "s.nc", build_domain(GRID, cell_ids()), seed=2)
    export_netcdf(tmp_path / "s.nc", ["MONTHLY_LAI", "PCT_SAND"], tmp_path / "m.nc")
    with netCDF4.Dataset(tmp_path / "m.nc") as file, netCDF4.Dataset(tmp_path / "s.nc") as given:
        assert file["MONTHLY_LAI"].dimensions == ("month", "lsmpft", "y", "x")
        assert file["month"][:].tolist() == list(range(1, 13))
        values = file["MONTHLY_LAI"][:].compressed()
        assert sorted(values) == sorted(given["MONTHLY_LAI"][:].reshape(-1))
        assert file["PCT_SAND"].dimensions == ("nlevsoi", "y", "x")
