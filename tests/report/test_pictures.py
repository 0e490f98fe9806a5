"""Pictures that show what is in the file: read back as pixels, and as the numbers behind them."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import netCDF4
import numpy as np
import pytest
from picture_samples import DEPTHS, FILL, GRID, cell_ids, history, restart, temperatures

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import DaymetGrid
from kiloland.report import Choice, read_field
from kiloland.report.dates import model_years, record_of
from kiloland.report.figure import robust_limits
from kiloland.report.graticule import lines_of, longitude_text
from kiloland.report.maps import class_labels, map_file, rasterise, scale_of
from kiloland.report.places import places_of
from kiloland.report.raster_field import read_raster_field
from kiloland.report.series import plot_files


def pixels(path: Path) -> np.ndarray:
    return np.asarray(matplotlib.image.imread(path))[..., :3]


def assert_drawn(path: Path, least_colours: int = 50) -> None:
    """A picture of a sensible size that is not blank."""
    image = pixels(path)
    assert 700 <= image.shape[1] <= 1600
    assert 400 <= image.shape[0] <= 2000
    codes = (image * 255).astype(np.int64) @ np.array([65536, 256, 1])
    assert np.unique(codes).size > least_colours


def colours_near(path: Path, colour: tuple[float, float, float]) -> int:
    return int((np.abs(pixels(path) - np.array(colour)).max(axis=-1) < 0.02).sum())


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return history(tmp_path / "tape.nc")


def test_a_map_shows_every_cell_at_its_place_on_the_daymet_grid(tape: Path) -> None:
    with open_dataset(tape) as dataset:
        field = read_field(dataset, "TSOI", Choice(time="2", levels=(3,)))
        places = places_of(dataset, field.shape)
    ids = cell_ids()
    assert places.raster is not None
    assert places.raster.daymet == DaymetGrid()
    row, column = GRID.row_column(ids)
    assert np.array_equal(places.raster.row, row - row.min())
    assert np.array_equal(places.raster.column, column - column.min())
    image, cells = rasterise(places.raster, field.values)
    assert cells.sum() == ids.size
    assert not cells[3, 4]
    expected = temperatures(ids.size, 6)[2, 3]
    assert np.isnan(image[0, 0])
    assert np.array_equal(image[row - row.min(), column - column.min()][1:], expected[1:])
    west, east, south, north = places.raster.edges
    assert (east - west, north - south) == (20_000.0, 12_000.0)
    assert field.details == ("0016-07-03 to 0016-07-04", "0.119 m deep")


def test_the_picture_of_a_map_is_drawn_with_missing_cells_in_grey(tape: Path, tmp_path: Path) -> None:
    output = map_file(tape, "TSOI", tmp_path / "map.png")
    assert_drawn(output)
    grey = colours_near(output, (0.71, 0.71, 0.71))
    assert grey > 500
    assert map_file(tape, "TSOI", tmp_path / "again.png").read_bytes() == output.read_bytes()


def test_cells_are_found_from_ids_of_a_domain_file(tmp_path: Path) -> None:
    from kiloland.grid import all_land, build_domain, write_domain

    ids = cell_ids()
    domain = build_domain(GRID, ids, all_land(GRID))
    write_domain(tmp_path / "domain.nc", domain)
    bare = history(tmp_path / "bare.nc", coordinates=False)
    with pytest.raises(InputError, match="--domain"):
        map_file(bare, "FLUX", tmp_path / "map.png")
    assert not (tmp_path / "map.png").exists()
    assert_drawn(map_file(bare, "FLUX", tmp_path / "map.png", domain=tmp_path / "domain.nc"))
    other = history(tmp_path / "other.nc", ids=ids[:7])
    with pytest.raises(InputError, match="another number of cells"):
        map_file(other, "FLUX", tmp_path / "no.png", domain=tmp_path / "domain.nc")
    with open_dataset(tmp_path / "domain.nc") as dataset:
        field = read_field(dataset, "area")
        assert places_of(dataset, field.shape).raster is not None
    assert_drawn(map_file(tmp_path / "domain.nc", "area", tmp_path / "area.png"))


def test_subgrid_vectors_are_averaged_with_their_weights(tmp_path: Path) -> None:
    path = restart(tmp_path / "r.nc")
    with open_dataset(path) as dataset:
        mean = read_field(dataset, "T_VEG").values
        assert mean == pytest.approx([275.0, (0.25 * 271 + 0.5 * 281) / 0.75, 272.0], rel=1e-15)
        arctic = read_field(dataset, "T_VEG", Choice(patch_type=11)).values
        assert np.array_equal(arctic, [np.nan, 281.0, np.nan], equal_nan=True)
        soil = read_field(dataset, "T_SOISNO").values
        assert soil == pytest.approx([262.5, 0.75 * 266.5 + 0.25 * 270.5, 274.5], rel=1e-15)
        with pytest.raises(InputError, match="no patch of that type"):
            read_field(dataset, "T_VEG", Choice(patch_type=5))
        with pytest.raises(InputError, match="only variables on patches"):
            read_field(dataset, "T_SOISNO", Choice(patch_type=0))
    assert_drawn(map_file(path, "T_VEG", tmp_path / "veg.png"), 30)


def test_a_vegetation_type_is_chosen_only_of_variables_on_patches(tmp_path: Path) -> None:
    path = restart(tmp_path / "tape.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("time", 2)
        time = file.createVariable("time", "f8", ("time",))
        time.units = "days since 0001-01-01 00:00:00"
        time[:] = [1.0, 2.0]
        for name, dim in (("FSA", "pft"), ("TG", "column")):
            file.createVariable(name, "f8", ("time", dim))[:] = 280.0
    with pytest.raises(InputError, match="only variables on patches"):
        plot_files([path], ["TG"], tmp_path / "no.png", Choice(patch_type=11))
    assert not (tmp_path / "no.png").exists()
    assert_drawn(plot_files([path], ["FSA", "TG"], tmp_path / "both.png", Choice(patch_type=11)), 20)


def test_regular_grids_and_scattered_points_are_drawn_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    cases = {
        "regular": np.meshgrid(np.arange(350.0, 370.0, 1.0) % 360.0, np.arange(-5.0, 5.0, 0.5)),
        "scattered": (rng.uniform(230, 240, 80), rng.uniform(50, 55, 80)),
    }
    for name, (longitude, latitude) in cases.items():
        with netCDF4.Dataset(tmp_path / f"{name}.nc", "w") as file:
            file.createDimension("gridcell", longitude.size)
            for variable, values in (("LONGXY", longitude), ("LATIXY", latitude), ("SLOPE", longitude * 0.1)):
                file.createVariable(variable, "f8", ("gridcell",))[:] = values.ravel()
        with open_dataset(tmp_path / f"{name}.nc") as dataset:
            raster = places_of(dataset, (longitude.size,)).raster
        assert (raster is not None) == (name == "regular")
        if raster is not None:
            assert raster.edges == (-10.5, 9.5, -5.25, 4.75)
        assert_drawn(map_file(tmp_path / f"{name}.nc", "SLOPE", tmp_path / f"{name}.png"))


def test_colours_diverge_only_where_values_cross_zero(tape: Path) -> None:
    with open_dataset(tape) as dataset:
        flux, soil, mask = (scale_of(read_field(dataset, name)) for name in ("FLUX", "TSOI", "landmask"))
    assert flux.norm.vmin == -flux.norm.vmax == pytest.approx(-60.0)
    assert flux.colours.name == "RdBu_r"
    assert soil.colours.name == "viridis"
    assert soil.norm.vmin > 260.0
    assert mask.classes is not None
    assert mask.classes.tolist() == [0, 1]


def test_limits_leave_out_a_few_extremes_but_never_more() -> None:
    values = np.linspace(0.0, 1.0, 1000)
    assert robust_limits(values) == (0.0, 1.0)
    spiked = np.append(values, [1e6, np.nan])
    low, high = robust_limits(spiked)
    assert 0.0 <= low < high < 1.1
    assert robust_limits(np.full(5, 3.0)) == (2.85, 3.15)
    assert robust_limits(np.array([np.nan])) == (0.0, 1.0)


def test_the_graticule_lies_where_the_projection_puts_it() -> None:
    edges = (-2_960_000.0, -2_560_000.0, 3_370_000.0, 3_800_000.0)
    lines = {line.label: line for line in lines_of(GRID, edges)}
    assert {"166°W", "162°W", "64°N", "66°N"} <= set(lines)
    longitude, _ = GRID.to_longitude_latitude(lines["166°W"].x, lines["166°W"].y)
    assert np.abs(longitude - 194.0).max() < 1e-9
    _, latitude = GRID.to_longitude_latitude(lines["66°N"].x, lines["66°N"].y)
    assert np.abs(latitude - 66.0).max() < 1e-9
    assert [longitude_text(v) for v in (180.0, 0.0, 359.5, -20.25)] == ["180°E", "0°", "0.5°W", "20.25°W"]


def test_records_are_chosen_by_index_or_day(tape: Path) -> None:
    with open_dataset(tape) as dataset:
        assert record_of(dataset, "time", None) == 5
        assert record_of(dataset, "time", "-6") == 0
        assert record_of(dataset, "time", "0016-07-03") == 1
        with pytest.raises(InputError, match="no record on that day"):
            record_of(dataset, "time", "0017-01-01")
        with pytest.raises(InputError, match="no such record"):
            record_of(dataset, "time", "6")


def test_time_series_and_profiles_are_drawn(tape: Path, tmp_path: Path) -> None:
    other = history(tmp_path / "other.nc", records=3)
    assert main(["plot", str(tape), "TSOI", "FLUX", "--also", str(other), "-o", str(tmp_path / "s.png")]) == 0
    assert_drawn(tmp_path / "s.png")
    assert main(["plot", str(tape), "TSOI", "--cell", "5", "-o", str(tmp_path / "c.png")]) == 0
    assert_drawn(tmp_path / "c.png", 20)
    assert main(["plot", str(tape), "TSOI", "--profile", "--time", "3", "-o", str(tmp_path / "p.png")]) == 0
    assert_drawn(tmp_path / "p.png", 20)
    r = restart(tmp_path / "r.nc")
    assert main(["plot", str(r), "T_SOISNO", "--profile", "-o", str(tmp_path / "q.png")]) == 0


def test_the_mean_of_a_series_is_weighted_with_area(tape: Path) -> None:
    from kiloland.report.series import lines_of as series_of

    with open_dataset(tape) as dataset:
        (line,) = series_of(dataset, "TSOI", Choice(levels=(2,)), (), "")
    cells = cell_ids().size
    area = np.linspace(0.9, 1.1, cells).astype(np.float32).astype(float)[1:]
    expected = (temperatures(cells, 6)[:, 2, 1:] * area).sum(axis=1) / area.sum()
    assert line.values == pytest.approx(expected, rel=1e-13)
    assert line.years == pytest.approx(16 + (181 + np.arange(6) + 0.5) / 365)


def test_profiles_hold_the_layers_at_their_depths(tape: Path) -> None:
    from kiloland.report.profiles import profiles_of

    with open_dataset(tape) as dataset:
        (profile,) = profiles_of(dataset, "TSOI", Choice(time="1"), 7)
    assert profile.depth == pytest.approx(DEPTHS, rel=1e-6)
    assert profile.values == pytest.approx(temperatures(cell_ids().size, 6)[1, :, 7], rel=1e-14)


ERRORS: dict[str, tuple[list[str], str]] = {
    "misspelt variable": (["map", "FILE", "TSOIL"], "nearest name in the file is TSOI"),
    "no cells": (["map", "FILE", "levgrnd"], "has no dimension of cells"),
    "no such layer": (["map", "FILE", "TSOI", "--level", "15"], "no such layer"),
    "too many layers": (["map", "FILE", "FLUX", "--level", "0"], "fewer dimensions of layers"),
    "no such day": (["map", "FILE", "TSOI", "--time", "0016-08-01"], "0016-07-02"),
    "no time": (["plot", "FILE", "landmask"], "has no time"),
    "no depth": (["plot", "FILE", "FLUX", "--profile"], "no layers of known depth"),
    "no such cell": (["plot", "FILE", "FLUX", "--cell", "999"], "no such cell"),
    "time for a series": (["plot", "FILE", "FLUX", "--time", "1"], "Add --profile"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_drawn_is_refused_in_one_line(
    case: str, tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, words = ERRORS[case]
    output = tmp_path / "no.png"
    assert main([str(tape) if word == "FILE" else word for word in arguments] + ["-o", str(output)]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert len(message.strip().splitlines()) == 1
    assert not output.exists()


def test_dates_become_model_years_of_365_days(tape: Path) -> None:
    from kiloland.report.dates import dates

    with open_dataset(tape) as dataset:
        years = model_years(dates(dataset, "time", [0.0, 184.0, 365.0]))
    assert years == pytest.approx([16 + 181 / 365, 17.0, 17 + 181 / 365])


def test_fill_values_of_every_kind_are_no_numbers(tmp_path: Path) -> None:
    path = history(tmp_path / "t.nc")
    with netCDF4.Dataset(path, "a") as file:
        extra = file.createVariable("PLAIN", "f8", ("lndgrid",))
        extra[:] = np.where(np.arange(cell_ids().size) < 3, FILL, 1.0)
    with open_dataset(path) as dataset:
        assert np.isnan(read_field(dataset, "PLAIN").values).sum() == 3


@pytest.mark.oracle
def test_real_files_of_the_fortran_model_are_drawn(shared: Path, tmp_path: Path) -> None:
    elm = shared / "data/elm"
    four = elm / "b4_4cells8yr/r.0009-01-01.nc.gz"
    assert_drawn(map_file(four, "T_SOISNO", tmp_path / "r.png", Choice(levels=(8,))), 30)
    assert_drawn(map_file(elm / "inputs/surfdata_4.nc.gz", "PCT_SAND", tmp_path / "s.png"), 30)
    with open_dataset(four) as dataset:
        drawn = read_field(dataset, "T_SOISNO", Choice(levels=(8,))).values
        columns = dataset["T_SOISNO"].read()[:, 8]
    weights = np.array(
        [[1, 0, 0, 0, 0, 0], [0, 0.99, 0.01, 0, 0, 0], [0, 0, 0, 0.97, 0.03, 0], [0, 0, 0, 0, 0, 1]]
    )
    assert drawn == pytest.approx(weights @ columns, rel=1e-14)
    history_file = elm / "b20_cold20yr/h0.monthly.nc.gz"
    assert_drawn(plot_files([history_file], ["TSOI", "TLAI"], tmp_path / "h.png"), 20)


@pytest.mark.oracle
def test_the_seward_peninsula_is_drawn_as_72083_cells(shared: Path, tmp_path: Path) -> None:
    points = np.loadtxt(shared / "data/daymet/daymet_AK_all2.csv.gz", delimiter=",")
    with netCDF4.Dataset(tmp_path / "ak.nc", "w", format="NETCDF3_64BIT_DATA") as file:
        file.createDimension("lndgrid", len(points))
        for name, values in (("lon", points[:, 0]), ("lat", points[:, 1]), ("VALUE", points[:, 2])):
            file.createVariable(name, "f8", ("lndgrid",))[:] = values
    with open_dataset(tmp_path / "ak.nc") as dataset:
        raster = places_of(dataset, (len(points),)).raster
    assert raster is not None
    assert (raster.rows, raster.columns) == (416, 395)
    image, cells = rasterise(raster, points[:, 2])
    assert cells.sum() == 72_083
    west = raster.edges[0]
    x = west + 1000.0 * (np.arange(395) + 0.5)
    assert np.array_equal(np.where(cells, image, 0.0), np.where(cells, x[None, :], 0.0))
    assert_drawn(map_file(tmp_path / "ak.nc", "VALUE", tmp_path / "ak.png"))


def test_a_field_of_zeros_has_no_diverging_colours_and_names_are_not_said_twice(tmp_path: Path) -> None:
    from kiloland.report.fields import title_of

    path = history(tmp_path / "t.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["FLUX"][:] = 0.0
    with open_dataset(path) as dataset:
        assert scale_of(read_field(dataset, "FLUX")).colours.name == "viridis"
    assert title_of("incident solar (FSDS)", "FSDS") == "Incident solar (FSDS)"
    assert title_of("soil temperature", "TSOI") == "Soil temperature (TSOI)"


def test_records_read_in_blocks_give_the_same_series(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiloland.report import series

    with open_dataset(tape) as dataset:
        (whole,) = series.lines_of(dataset, "TSOI", Choice(levels=(2,)), (), "")
        monkeypatch.setattr(series, "BLOCK_VALUES", 1)
        (single,) = series.lines_of(dataset, "TSOI", Choice(levels=(2,)), (), "")
    assert np.array_equal(whole.values, single.values)
    assert whole.low is not None
    assert np.array_equal(whole.low, single.low)


@pytest.mark.parametrize("name", ["soil", "soil.jpg", "soil.pdf"])
def test_pictures_of_another_kind_are_refused(tape: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="pictures are PNG files"):
        map_file(tape, "TSOI", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_band_of_a_raster_is_drawn_in_its_place(tmp_path: Path) -> None:
    source = history(tmp_path / "h.nc", records=1)
    assert main(["export", str(source), "FLUX", "--to", "geotiff", "-o", str(tmp_path / "f.tif")]) == 0
    field, places = read_raster_field(tmp_path / "f.tif", "0")
    assert (field.units, field.shape) == ("W/m^2", (12, 20))
    assert places.raster is not None
    assert places.raster.daymet is not None
    x, y = GRID.centres_xy(cell_ids())
    assert places.raster.edges == (x.min() - 500, x.max() + 500, y.min() - 500, y.max() + 500)
    assert main(["map", str(tmp_path / "f.tif"), "0", "-o", str(tmp_path / "f.png")]) == 0
    assert main(["map", str(tmp_path / "f.tif"), "x", "-o", str(tmp_path / "g.png")]) == 2


def test_a_map_in_netcdf_is_drawn_as_the_list_it_was_made_of(tmp_path: Path) -> None:
    source = history(tmp_path / "h.nc", records=1)
    assert main(["export", str(source), "FLUX", "--to", "netcdf-2d", "-o", str(tmp_path / "m.nc")]) == 0
    with open_dataset(source) as cells, open_dataset(tmp_path / "m.nc") as rows:
        listed, mapped = (read_field(dataset, "FLUX") for dataset in (cells, rows))
        raster = places_of(rows, mapped.shape).raster
    assert raster is not None
    known = np.isfinite(mapped.values)
    assert (mapped.values[known] == listed.values).all()
    assert (raster.rows, raster.columns, raster.daymet) == (12, 20, GRID)


def test_months_and_years_without_dates_are_layers_with_names(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "s.nc", "w", format="NETCDF3_64BIT_DATA") as file:
        for dim, length in (("time", 12), ("gridcell", 3)):
            file.createDimension(dim, length)
        file.createVariable("time", "i4", ("time",)).units = "unitless"
        file["time"][:] = np.arange(1, 13)
        file.createVariable("LAI", "f8", ("time", "gridcell"))[:] = np.arange(36.0).reshape(12, 3)
    with open_dataset(tmp_path / "s.nc") as dataset:
        field = read_field(dataset, "LAI", Choice(levels=(6,)))
    assert (field.values.tolist(), field.details) == ([18.0, 19.0, 20.0], ("month 7",))


def test_classes_have_a_legend_with_the_words_of_the_file() -> None:
    assert class_labels(np.array([0.0, 1.0, 7.0]), ((0.0, "outside"), (1.0, "land"))) == [
        "0 outside",
        "1 land",
        "7",
    ]
