"""Finer products over the source: which file gives which cell, in what order, and what is refused."""

from __future__ import annotations

import csv
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from surface_samples import regular_domain, write_source

from kiloland.cli.main import main
from kiloland.craft.surface import (
    Kind,
    Method,
    Product,
    Status,
    SurfaceRequest,
    SurfaceSummary,
    craft_surface,
    surface_table,
)
from kiloland.craft.surface.cell_list import CellList, ScatteredMapper, directions, spacing_km
from kiloland.craft.surface.fractions import fit, ordered_sum, without_slivers
from kiloland.errors import InputError, OutputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import DaymetGrid, Domain, build_domain, grid_from_text, read_domain, write_domain

AREA = "regular:200,206,8,60,66,8"
UNITS = ("PCT_NATVEG", "PCT_CROP", "PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER", "PCT_URBAN")
Arrays = dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]]


def write(path: Path, arrays: Arrays) -> Path:
    """A file of arrays ``{name: (dims, values, attributes)}``."""
    sizes: dict[str, int] = {}
    variables, data = [], {}
    for name, (dims, values, attributes) in arrays.items():
        data[name] = np.asarray(values)
        sizes |= dict(zip(dims, data[name].shape, strict=True))
        kind = "i4" if data[name].dtype.kind == "i" else "f8"
        variables.append(VariableSchema(name, kind, dims, attributes))
        data[name] = data[name].astype(kind)
    write_dataset(path, FileSchema(sizes, None, tuple(variables), {}), data)
    return path


def regional(path: Path, arrays: Arrays, *, east: float = 203.0, step: float = 0.25) -> Path:
    """A grid of quarter degrees over the western half of the area; dims (lat, lon)."""
    lon, lat = np.arange(200 + step / 2, east, step), np.arange(60 + step / 2, 66, step)
    axes: Arrays = {
        "lon": (("lon",), lon, {"units": "degrees_east"}),
        "lat": (("lat",), lat, {"units": "degrees_north"}),
    }
    shape = (lat.size, lon.size)
    full = {
        n: (d, np.broadcast_to(v, (*np.shape(v)[:-2], *shape)).copy(), a) for n, (d, v, a) in arrays.items()
    }
    return write(path, axes | full)


def on_cells(path: Path, domain: Domain, arrays: Arrays, keep: slice = slice(None)) -> Path:
    """A list of the domain's cells with their ids, in reverse order."""
    cells: Arrays = {
        "gridID": (("gridcell",), domain.gridcell_id[keep][::-1].astype(np.int32), {}),
        "LONGXY": (("gridcell",), domain.longitude[keep][::-1], {}),
        "LATIXY": (("gridcell",), domain.latitude[keep][::-1], {}),
    }
    return write(
        path, cells | {n: (d, np.asarray(v)[..., keep][..., ::-1], a) for n, (d, v, a) in arrays.items()}
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source, a domain, and the surface without products."""
    folder = tmp_path_factory.mktemp("products")
    write_source(folder / "source.nc")
    regular_domain(folder / "domain.nc", AREA)
    craft_surface(SurfaceRequest(folder / "source.nc", folder / "domain.nc", folder / "plain.nc"))
    return folder


def make(base: Path, out: Path, products: Sequence[str | Path], **options: Any) -> SurfaceSummary:
    finer = tuple(Product.parse(str(text)) for text in products)
    return craft_surface(
        SurfaceRequest(base / "source.nc", base / "domain.nc", out, products=finer, **options)
    )


def values(path: Path) -> dict[str, np.ndarray]:
    with open_dataset(path) as dataset:
        return {name: dataset[name].read() for name in dataset}


def report(summary: SurfaceSummary, name: str) -> Any:
    return next(line for line in summary.variables if line.name == name)


def test_a_finer_grid_counts_where_it_has_values_and_the_source_elsewhere(base: Path, tmp_path: Path) -> None:
    fine = regional(tmp_path / "fine.nc", {"wet": (("lat", "lon"), 0.25, {"units": "1"})})
    summary = make(base, tmp_path / "out.nc", [f"{fine}:FMAX=wet"])
    made, plain = values(tmp_path / "out.nc"), values(base / "plain.nc")
    west = made["LONGXY"] < 203.0
    assert np.allclose(made["FMAX"][west], 0.25, rtol=1e-15)
    assert np.array_equal(made["FMAX"][~west], plain["FMAX"][~west])
    assert [n for n in plain if n != "FMAX" and not np.array_equal(plain[n], made[n])] == []
    line = report(summary, "FMAX")
    assert line.detail.startswith("32 cells from fine.nc:wet (linear); 32 cells from source.nc (linear)")
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert dataset["FMAX"].attributes["source_file"] == "fine.nc:wet; source.nc"
        assert dataset["FMAX"].attributes["mapping"].endswith(line.detail)
        assert dataset.attributes["product_files"] == "fine.nc"


def test_the_first_product_counts_first(base: Path, tmp_path: Path) -> None:
    domain = read_domain(base / "domain.nc")
    one = on_cells(tmp_path / "one.nc", domain, {"FMAX": (("gridcell",), np.full(64, 0.5), {})}, slice(0, 10))
    two = regional(tmp_path / "two.nc", {"FMAX": (("lat", "lon"), 0.25, {})})
    make(base, tmp_path / "out.nc", [one, two])
    made = values(tmp_path / "out.nc")["FMAX"]
    west = domain.longitude < 203.0
    first = np.arange(64) < 10
    assert (made[first] == 0.5).all()
    assert np.allclose(made[west & ~first], 0.25, rtol=1e-15)
    make(base, tmp_path / "out.nc", [two, one])
    again = values(tmp_path / "out.nc")["FMAX"]
    assert np.allclose(again[west], 0.25, rtol=1e-15)
    assert (again[first & ~west] == 0.5).all()


def test_cells_are_matched_by_id_whatever_their_order(base: Path, tmp_path: Path) -> None:
    domain = read_domain(base / "domain.nc")
    sand = 10.0 + np.arange(640.0).reshape(10, 64) / 100.0
    own = on_cells(
        tmp_path / "cells.nc", domain, {"PCT_SAND": (("nlevsoi", "gridcell"), sand, {"units": "%"})}
    )
    summary = make(base, tmp_path / "out.nc", [own])
    assert np.array_equal(values(tmp_path / "out.nc")["PCT_SAND"], sand)
    assert report(summary, "PCT_SAND").method == "cell by cell then linear"


def test_rows_and_columns_of_the_projection_are_matched(tmp_path: Path) -> None:
    grid = DaymetGrid()
    rows, columns = np.meshgrid(np.arange(1200, 1206), np.arange(1700, 1707), indexing="ij")
    ids = grid.identifier(rows, columns)
    write_domain(tmp_path / "domain.nc", build_domain(grid, ids[1:-1, 1:-1].ravel()))
    x, y = grid.centres_xy(ids)
    organic = np.arange(420.0).reshape(10, 6, 7) / 10.0
    write(
        tmp_path / "plane.nc",
        {
            "x": (("x",), x[0], {"units": "m"}),
            "y": (("y",), y[:, 0], {"units": "m"}),
            "om": (("nlevsoi", "y", "x"), organic, {"units": "kg m-3"}),
        },
    )
    write_source(tmp_path / "source.nc")
    make(tmp_path, tmp_path / "out.nc", [f"{tmp_path / 'plane.nc'}:ORGANIC=om"])
    expected = organic[:, 1:-1, 1:-1].reshape(10, -1)
    assert np.array_equal(values(tmp_path / "out.nc")["ORGANIC"], expected)
    write(
        tmp_path / "plane.nc",
        {"x": (("x",), x[0] + 300.0, {}), "y": (("y",), y[:, 0], {}), "om": (("y", "x"), organic[0], {})},
    )
    with pytest.raises(InputError, match="is not on the cells of the domain's grid"):
        make(tmp_path, tmp_path / "no.nc", [f"{tmp_path / 'plane.nc'}:FMAX=om"])
    lon, lat = grid.centres(ids)
    write(
        tmp_path / "plane.nc",
        {
            "x": (("x",), x[0] + 300.0, {}),
            "y": (("y",), y[:, 0], {}),
            "lon": (("y", "x"), lon, {}),
            "lat": (("y", "x"), lat, {}),
            "om": (("y", "x"), organic[0] / 100.0, {}),
        },
    )
    make(tmp_path, tmp_path / "out.nc", [f"{tmp_path / 'plane.nc'}:FMAX=om"], methods={"FMAX": "nearest"})
    assert np.array_equal(values(tmp_path / "out.nc")["FMAX"], organic[0, 1:-1, 1:-1].ravel() / 100.0)


def places(path: Path, number: int, field: Any, box: tuple[float, ...] = (199.0, 207.0, 59.0, 67.0)) -> Path:
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(*box[:2], number), rng.uniform(*box[2:], number)
    dims = ("place",)
    return write(
        path, {"lon": (dims, lon, {}), "lat": (dims, lat, {}), "q": (dims, field(lon, lat), {"units": "m"})}
    )


def test_scattered_places_are_taken_by_nearest_or_on_triangles(base: Path, tmp_path: Path) -> None:
    domain = read_domain(base / "domain.nc")
    scattered = places(tmp_path / "places.nc", 1500, lambda lon, lat: 0.2 + (lon - 200.0) / 10.0)
    make(base, tmp_path / "linear.nc", [f"{scattered}:ZWT0=q"])
    made = values(tmp_path / "linear.nc")["ZWT0"]
    np.testing.assert_allclose(made, 0.2 + (domain.longitude - 200.0) / 10.0, atol=2e-3)
    make(base, tmp_path / "near.nc", [f"{scattered}:ZWT0=q"], methods={"ZWT0": "nearest"})
    with open_dataset(scattered) as dataset:
        lon, lat, q = (dataset[name].read() for name in ("lon", "lat", "q"))
    distance = directions(domain.longitude, domain.latitude) @ directions(lon, lat).T
    assert np.array_equal(values(tmp_path / "near.nc")["ZWT0"], q[distance.argmax(axis=1)])


def test_triangles_hold_a_plane_of_their_map_and_nothing_far_from_places() -> None:
    rng = np.random.default_rng(6)
    lon, lat = rng.uniform(200.0, 202.0, 300), rng.uniform(64.0, 65.0, 300)
    domain = build_domain(DaymetGrid(), DaymetGrid().locate(np.array([200.7, 201.3]), np.array([64.4, 64.6])))
    field = directions(lon, lat) @ np.array([0.3, -0.2, 0.5])
    mapper = ScatteredMapper(domain, _list(lon, lat), 30.0)
    found = mapper.map(field, Method.LINEAR)
    expected = directions(domain.longitude, domain.latitude) @ np.array([0.3, -0.2, 0.5])
    np.testing.assert_allclose(found, expected, atol=3e-6)
    far = ScatteredMapper(domain, _list(lon + 10.0, lat), 30.0)
    assert np.isnan(far.map(field, Method.LINEAR)).all()
    assert np.isnan(far.map(field, Method.NEAREST)).all()
    assert 2.0 < spacing_km(lon, lat) < 4.0
    with pytest.raises(InputError, match="places make no triangles"):
        ScatteredMapper(domain, _list(lon, np.full(300, 0.0)), 1e4).map(field, Method.LINEAR)


@pytest.mark.parametrize("method", [Method.NEAREST, Method.LINEAR])
def test_stretches_of_the_domain_do_not_change_a_bit_of_scattered_values(method: Method) -> None:
    """Places on the corners of triangles and between places as near as each other included."""
    lon, lat = (
        axis.ravel() for axis in np.meshgrid(np.arange(200.0, 202.0, 0.1), np.arange(64.0, 65.5, 0.1))
    )
    grid = grid_from_text("regular:200,201,20,64,65,20")
    domain = build_domain(grid, np.arange(400))
    field = np.random.default_rng(1).random(300)
    whole = ScatteredMapper(domain, _list(lon, lat), 30.0).map(field, method)
    for part in (slice(0, 133), slice(133, 399), slice(399, 400)):
        piece = ScatteredMapper(domain.take(part), _list(lon, lat), 30.0).map(field, method)
        assert np.array_equal(piece, whole[part])


def _list(longitude: np.ndarray, latitude: np.ndarray) -> CellList:
    class File:
        path = Path("places.nc")

    return CellList(File(), ("place",), {}, longitude, latitude, None, (slice(0, 300),))  # type: ignore[arg-type]


def test_a_share_from_a_product_stays_and_the_others_make_room(base: Path, tmp_path: Path) -> None:
    domain, plain = read_domain(base / "domain.nc"), values(base / "plain.nc")
    lake = np.linspace(0.0, 100.0, 64)
    own = on_cells(tmp_path / "lake.nc", domain, {"PCT_LAKE": (("gridcell",), lake, {"units": "percent"})})
    make(base, tmp_path / "out.nc", [own])
    made = values(tmp_path / "out.nc")
    np.testing.assert_allclose(made["PCT_LAKE"], lake, rtol=1e-13)
    np.testing.assert_allclose(made["PCT_NATVEG"], (100.0 - lake) * plain["PCT_NATVEG"] / 85.0, atol=1e-12)
    units = np.concatenate([np.atleast_2d(made[name]) for name in UNITS])
    assert np.abs(ordered_sum(units / 100.0) - 1.0).max() < 1e-14


def test_fixed_shares_are_scaled_only_where_they_do_not_fit() -> None:
    shares = np.array([[50.0, 50.0, 50.0, 0.0], [30.0, 20.0, 90.0, 0.0], [20.0, 30.0, 70.0, 40.0]])
    fixed = np.array([[False] * 4, [True, False, True, False], [False, False, True, True]])
    found = fit(shares, fixed)
    expected = [[50.0, 50.0, 0.0, 60.0], [30.0, 20.0, 56.25, 0.0], [20.0, 30.0, 43.75, 40.0]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_slivers_go_to_the_other_units_and_the_total_stays(base: Path, tmp_path: Path) -> None:
    summary = make(base, tmp_path / "out.nc", [], minimum_share=4.5)
    made, plain = values(tmp_path / "out.nc"), values(base / "plain.nc")
    assert (made["PCT_GLACIER"] == 0.0).all()
    assert np.array_equal(made["PCT_URBAN"] > 0, plain["PCT_URBAN"] > 0)
    np.testing.assert_allclose(made["PCT_LAKE"], 15.0 / 0.96, rtol=1e-13)
    text = next(line for line in summary.ledgers if line.startswith("land units below"))
    area = read_domain(base / "domain.nc").area_km2.sum()
    assert f"{0.04 * area:.3f} km2 together" in text
    assert "PCT_GLACIER" in text
    assert "gone from 64 cells" in text
    assert f"all {area:.3f} to {area:.3f}" in text
    assert "PCT_LAKE" in next(line for line in make(base, tmp_path / "o.nc", []).ledgers if "areas" in line)


def test_the_largest_unit_of_a_cell_is_no_sliver() -> None:
    parts = {"PCT_NATVEG": np.array([[0.0, 99.5]]), "PCT_LAKE": np.array([[0.6, 0.5]])}
    parts["PCT_URBAN"] = np.array([[0.2, 0.0], [0.2, 0.0]])
    found = without_slivers(parts, 1.0)
    assert found["PCT_LAKE"].tolist() == [[100.0, 0.0]]
    assert found["PCT_NATVEG"].tolist() == [[0.0, 100.0]]


def test_sand_and_clay_of_two_products_are_at_most_100_together(base: Path, tmp_path: Path) -> None:
    domain = read_domain(base / "domain.nc")
    layers = (("nlevsoi", "gridcell"), np.full((10, 64), 80.0), {"units": "%"})
    sand = on_cells(tmp_path / "s.nc", domain, {"PCT_SAND": layers})
    clay = on_cells(tmp_path / "c.nc", domain, {"PCT_CLAY": layers})
    summary = make(base, tmp_path / "out.nc", [sand, clay])
    made = values(tmp_path / "out.nc")
    assert (made["PCT_SAND"] + made["PCT_CLAY"]).max() <= 100.0
    assert (made["PCT_SAND"] == 50.0).all()
    assert "largest excess 60" in next(line for line in summary.ledgers if line.startswith("soil texture"))


def test_phosphorus_is_never_negative_and_may_come_from_a_product(base: Path, tmp_path: Path) -> None:
    names = ("LABILE_P", "SECONDARY_P", "OCCLUDED_P", "APATITE_P")
    fine: Arrays = {name: (("lat", "lon"), 3.0, {"units": "g m-2"}) for name in names}
    regional(tmp_path / "fine.nc", fine)
    make(base, tmp_path / "out.nc", [tmp_path / "fine.nc"], methods=dict.fromkeys(names, "spline"))
    made = values(tmp_path / "out.nc")
    west = made["LONGXY"] < 203.0
    for name in names:
        np.testing.assert_allclose(made[name][west], 3.0, rtol=1e-12)
        assert made[name].min() >= 0.0
    fine["LABILE_P"] = (("lat", "lon"), -1.0, {"units": "g m-2"})
    with pytest.raises(InputError, match=r"LABILE_P: .*out of range"):
        make(base, tmp_path / "no.nc", [regional(tmp_path / "bad.nc", fine)])


def test_every_variable_with_cells_may_come_from_a_product(base: Path, tmp_path: Path) -> None:
    """All of a surface file on the domain's own cells stands over the source: it comes back as it is."""
    summary = make(base, tmp_path / "out.nc", [base / "plain.nc"])
    made, plain = values(tmp_path / "out.nc"), values(base / "plain.nc")
    assert [name for name in plain if not np.array_equal(plain[name], made[name])] == []
    for line in summary.variables:
        kind = surface_table()[line.name].kind
        if kind not in (Kind.MADE, Kind.COPIED):
            assert line.source.startswith("plain.nc; source.nc"), line.name


def test_a_variable_that_only_a_product_has_must_cover_the_land(base: Path, tmp_path: Path) -> None:
    write_source(tmp_path / "source.nc", change=lambda n, v: None if n == "FMAX" else v)
    regular_domain(tmp_path / "domain.nc", AREA)
    fine = regional(tmp_path / "fine.nc", {"FMAX": (("lat", "lon"), 0.25, {})}, east=206.0)
    summary = make(tmp_path, tmp_path / "out.nc", [fine])
    assert report(summary, "FMAX").status is Status.MAPPED
    domain = read_domain(tmp_path / "domain.nc")
    half = on_cells(
        tmp_path / "half.nc", domain, {"FMAX": (("gridcell",), np.full(64, 0.5), {})}, slice(0, 9)
    )
    with pytest.raises(InputError, match=r"FMAX: .*no file has a value for 55 land cells"):
        make(tmp_path, tmp_path / "no.nc", [half])


PLAIN = ("lat", "lon")
BAD: dict[str, tuple[Arrays, str, str]] = {
    "percent for a fraction": ({"FMAX": (PLAIN, 0.3, {"units": "%"})}, "", "FMAX: is given in other units"),
    "values in percent": ({"FMAX": (PLAIN, 30.0, {})}, "", "FMAX: .*is given in percent"),
    "fraction for percent": ({"PCT_LAKE": (PLAIN, 0.3, {"units": "1"})}, "", "PCT_LAKE: is given in other"),
    "silent fraction": ({"PCT_LAKE": (PLAIN, 0.3, {})}, "", "PCT_LAKE: is given as a fraction, or"),
    "texture": ({"PCT_SAND": (("nlevsoi", *PLAIN), np.full((10, 1, 1), 0.3), {})}, "", "given as a fraction"),
    "kilometres": ({"zbedrock": (PLAIN, 0.01, {"units": "km"})}, "", "found km, expected m"),
    "kilograms": ({"LABILE_P": (PLAIN, 0.01, {"units": "kg m-2"})}, "", "is given in other units"),
    "codes": ({"SOIL_COLOR": (PLAIN, 21.0, {})}, "", "SOIL_COLOR: .*is no code of this class"),
    "layers": ({"PCT_SAND": (("nlevsoi", *PLAIN), np.full((4, 1, 1), 30.0), {})}, "", "other layers than"),
    "dims": ({"PCT_SAND": (PLAIN, 30.0, {})}, "", "has other dimensions than ELM reads"),
    "geometry": ({"AREA": (PLAIN, 30.0, {})}, ":AREA", "is not mapped, no product stands for it"),
    "absent": ({"FMAX": (PLAIN, 0.3, {})}, ":ZWT0=depth", "depth: is not in the product"),
    "no such variable": ({"FMAX": (PLAIN, 0.3, {})}, ":FMAXX=FMAX", "FMAXX: no variable of a surface file"),
    "nothing": ({"other": (PLAIN, 0.3, {})}, "", "holds no variable of a surface file"),
    "missing": ({"FMAX": (PLAIN, np.nan, {})}, "", "gives no value in any cell"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_unfit_product_is_told_and_nothing_is_written(base: Path, tmp_path: Path, case: str) -> None:
    arrays, text, message = BAD[case]
    fine = regional(tmp_path / "fine.nc", arrays)
    with pytest.raises(InputError, match=message):
        make(base, tmp_path / "out.nc", [f"{fine}{text}"])
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("southward", [False, True])
def test_the_layout_of_a_product_does_not_change_a_bit(
    base: Path, tmp_path: Path, turned: bool, southward: bool
) -> None:
    """Rows north or south, longitudes 0 to 360 or -180 to 180."""
    lon, lat = np.arange(199.125, 205.0, 0.25), np.arange(60.125, 67.0, 0.25)
    field = np.random.default_rng(5).random((lat.size, lon.size))
    other = slice(None, None, -1 if southward else 1)
    for name, west, rows in (("plain", 0.0, slice(None)), ("other", 360.0 * turned, other)):
        axes: Arrays = {"lon": (("lon",), lon - west, {}), "lat": (("lat",), lat[rows], {})}
        write(tmp_path / f"{name}.nc", axes | {"FMAX": (PLAIN, field[rows], {})})
        make(base, tmp_path / f"{name}_out.nc", [tmp_path / f"{name}.nc"])
    first, second = (values(tmp_path / f"{name}_out.nc")["FMAX"] for name in ("plain", "other"))
    assert np.array_equal(first, second)


def test_a_full_disk_leaves_no_file(base: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OutputError, match=r"out\.nc"):
            make(base, tmp_path / "out.nc", [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert list(tmp_path.iterdir()) == []


def test_ids_of_another_grid_are_refused(base: Path, tmp_path: Path) -> None:
    regular_domain(tmp_path / "other.nc", "regular:100,106,8,60,66,8")
    other = read_domain(tmp_path / "other.nc")
    own = on_cells(tmp_path / "cells.nc", other, {"FMAX": (("gridcell",), np.full(64, 0.5), {})})
    with pytest.raises(InputError, match="the product lies on another grid"):
        make(base, tmp_path / "out.nc", [own])


def test_the_command_takes_products_and_says_so_in_the_table(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = regional(tmp_path / "fine.nc", {"wet": (PLAIN, 0.25, {"units": "1"})})
    words = ["craft", "surface", "--source", base / "source.nc", "--domain", base / "domain.nc"]
    words += ["--product", f"{fine}:FMAX=wet", "--minimum-share", "1", "--table", tmp_path / "t.csv"]
    assert main([str(word) for word in (*words, "-o", tmp_path / "out.nc")]) == 0
    assert "FMAX: 32 cells from fine.nc:wet (linear)" in capsys.readouterr().out
    with (tmp_path / "t.csv").open() as lines:
        rows = {row["name"]: row for row in csv.DictReader(lines)}
    assert rows["FMAX"]["source"] == "fine.nc:wet; source.nc"
    assert rows["ZWT0"]["source"] == "source.nc"
    assert main([str(word) for word in (*words, "-o", tmp_path / "no.nc", "--minimum-share", "60")]) == 2
