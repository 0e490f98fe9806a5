"""Splines and the correction for elevation: against independent interpolators and exact fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, RectBivariateSpline
from surface_samples import regular_domain, write_source

from kiloland.craft.surface import (
    Mapper,
    Method,
    Product,
    SourceGrid,
    SurfaceRequest,
    SurfaceSummary,
    craft_surface,
)
from kiloland.craft.surface.elevation import Heights
from kiloland.craft.surface.spline import basis, coefficients, periodic_coefficients
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import Domain, build_domain, grid_from_text, read_domain

REGION = SourceGrid(200.5, 50.5, 1.0, 1.0, 14, 11, cyclic=False)
GLOBE = SourceGrid(2.5, -87.5, 5.0, 5.0, 72, 36, cyclic=True)


def regular(text: str) -> Domain:
    grid = grid_from_text(f"regular:{text}")
    return build_domain(grid, np.arange(grid.number_of_cells))


def centres(grid: SourceGrid) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.divmod(np.arange(grid.cells), grid.columns)
    return grid.column_longitude(column), grid.row_latitude(row)


def test_coefficients_are_those_of_a_cubic_through_the_values() -> None:
    values = np.random.default_rng(0).random((9, 3))
    found = coefficients(values)
    np.testing.assert_allclose((found[:-2] + 4 * found[1:-1] + found[2:]) / 6, values, atol=1e-14)
    cubic = np.arange(7.0) ** 3 - 4 * np.arange(7.0) ** 2 + 5
    places = coefficients(cubic)
    middle = sum(b * places[3 + i] for i, b in enumerate(basis(np.array([0.3]))))
    assert middle[0] == pytest.approx(3.3**3 - 4 * 3.3**2 + 5, rel=1e-13)
    around = periodic_coefficients(values)
    closed = CubicSpline(np.arange(10), np.concatenate([values, values[:1]]), bc_type="periodic")
    between = sum(b * around[8 + i] for i, b in enumerate(basis(np.array([0.6]))))
    np.testing.assert_allclose(between, closed(8.6), atol=1e-14)


def test_a_spline_agrees_with_an_independent_one() -> None:
    domain = regular("201,213,41,51,60,37")
    layer = np.random.default_rng(3).random(REGION.cells)
    peer = RectBivariateSpline(
        50.5 + np.arange(11.0), 200.5 + np.arange(14.0), layer.reshape(11, 14), kx=3, ky=3, s=0
    )
    found = Mapper(REGION, domain, 300.0).map(layer, Method.SPLINE)
    np.testing.assert_allclose(found, peer.ev(domain.latitude, domain.longitude), atol=1e-13)


def test_a_spline_closes_around_the_earth() -> None:
    domain = regular("-6,6,31,-20,40,17")
    longitude, latitude = centres(GLOBE)
    layer = np.sin(2.0 * np.deg2rad(longitude)) * np.cos(np.deg2rad(latitude))
    found = Mapper(GLOBE, domain, 1e4).map(layer, Method.SPLINE)
    exact = np.sin(2.0 * np.deg2rad(domain.longitude)) * np.cos(np.deg2rad(domain.latitude))
    assert np.abs(found - exact).max() < 3e-5
    assert np.abs(Mapper(GLOBE, domain, 1e4).map(layer, Method.LINEAR) - exact).max() > 5e-4


def test_a_smooth_field_converges_with_the_fourth_order() -> None:
    domain = regular("205,215,33,45,55,29")
    errors = []
    for number in (10, 20, 40):
        step = 20.0 / number
        grid = SourceGrid(200.0 + step / 2, 40.0 + step / 2, step, step, number, number, cyclic=False)
        field = lambda lon, lat: np.sin(0.3 * lon) * np.cos(0.25 * lat)  # noqa: E731
        found = Mapper(grid, domain, 1e4).map(field(*centres(grid)), Method.SPLINE)
        errors.append(np.abs(found - field(domain.longitude, domain.latitude)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 3.6).all(), orders


def test_a_monotone_spline_stays_within_the_four_cells_around() -> None:
    domain = regular("201,213,41,51,61,37")
    layer = (np.random.default_rng(3).random(REGION.cells) > 0.7).astype(float)
    work = Mapper(REGION, domain, 300.0)
    free, held = work.map(layer, Method.SPLINE), work.map(layer, Method.SPLINE_MONOTONE)
    assert free.min() < -0.01
    assert free.max() > 1.01
    assert held.min() >= 0.0
    assert held.max() <= 1.0
    corners = layer[work.weights(Method.LINEAR, np.isfinite(layer)).index]
    assert ((held >= corners.min(axis=0)) & (held <= corners.max(axis=0))).all()


def test_near_missing_values_a_spline_is_linear() -> None:
    domain = regular("201,213,41,51,61,37")
    longitude, latitude = centres(REGION)
    layer = np.sin(0.4 * longitude) + latitude
    layer[5 * 14 + 6] = np.nan
    work = Mapper(REGION, domain, 300.0)
    spline, linear = work.map(layer, Method.SPLINE), work.map(layer, Method.LINEAR)
    near = np.hypot(domain.longitude - 206.5, domain.latitude - 55.5) < 1.0
    far = (np.abs(domain.longitude - 206.5) > 2.0) | (np.abs(domain.latitude - 55.5) > 2.0)
    assert np.isfinite(spline).all()
    assert np.array_equal(spline[near], linear[near])
    assert (spline[far] != linear[far]).mean() > 0.9


@pytest.mark.parametrize("method", [Method.SPLINE, Method.ELEVATION])
def test_stretches_of_the_domain_do_not_change_a_bit(method: Method) -> None:
    domain = regular("201,213,41,51,61,37")
    rng = np.random.default_rng(8)
    layer, height, target = rng.random(REGION.cells), 900 * rng.random(REGION.cells), 900 * rng.random(1517)
    whole = Mapper(REGION, domain, 300.0, heights=Heights(height, target)).map(layer, method)
    for part in (slice(0, 700), slice(700, 1517)):
        heights = Heights(height, target[part])
        piece = Mapper(REGION, domain.take(part), 300.0, block=97, heights=heights).map(layer, method)
        assert np.array_equal(piece, whole[part])


def relief(seed: int = 1) -> tuple[Domain, np.ndarray, np.ndarray]:
    """Cells with elevations within those of the rugged source around them."""
    rng = np.random.default_rng(seed)
    domain = regular("203,211,31,53,58,27")
    height = 1500.0 * rng.random(REGION.cells)
    linear = Mapper(REGION, domain, 300.0).map(height, Method.LINEAR)
    return domain, height, linear + 60.0 * rng.standard_normal(linear.size)


def test_a_field_of_elevation_and_place_is_recovered_exactly() -> None:
    domain, height, target = relief()
    longitude, latitude = centres(REGION)
    layer = 30.0 - 0.0065 * height + 0.2 * longitude - 0.1 * latitude
    mapper = Mapper(REGION, domain, 300.0, heights=Heights(height, target))
    exact = 30.0 - 0.0065 * target + 0.2 * domain.longitude - 0.1 * domain.latitude
    around = mapper.corrections(np.ones(REGION.cells, dtype=bool)).weights.index[4:]
    inside = (target > height[around].min(axis=0)) & (target < height[around].max(axis=0))
    values = layer[around]
    inside &= (exact > values.min(axis=0)) & (exact < values.max(axis=0))
    assert inside.mean() > 0.95
    found = mapper.map(layer, Method.ELEVATION)
    np.testing.assert_allclose(found[inside], exact[inside], rtol=1e-12)
    assert np.abs(mapper.map(layer, Method.LINEAR) - exact).max() > 0.5


def test_the_correction_ends_at_the_range_of_the_cells_around() -> None:
    domain, height, _ = relief()
    layer = 30.0 - 0.0065 * height
    peaks = Mapper(REGION, domain, 300.0, heights=Heights(height, np.full(837, 9000.0)))
    found = peaks.map(layer, Method.ELEVATION)
    around = peaks.corrections(np.ones(REGION.cells, dtype=bool)).weights.index
    np.testing.assert_allclose(found, layer[around].min(axis=0), rtol=1e-12)


def test_flat_terrain_and_unknown_elevations_correct_little_or_nothing() -> None:
    domain, height, target = relief()
    layer = np.random.default_rng(2).random(REGION.cells)
    linear = Mapper(REGION, domain, 300.0).map(layer, Method.LINEAR)
    unknown = Mapper(REGION, domain, 300.0, heights=Heights(height, np.full(837, np.nan)))
    assert np.array_equal(unknown.map(layer, Method.ELEVATION), linear)
    no_source = Mapper(REGION, domain, 300.0, heights=Heights(np.full(REGION.cells, np.nan), target))
    assert np.array_equal(no_source.map(layer, Method.ELEVATION), linear)
    flat = Mapper(REGION, domain, 300.0, heights=Heights(height / 1e4, target / 1e4))
    assert np.abs(flat.map(layer, Method.ELEVATION) - linear).max() < 1e-4
    plane = Mapper(REGION, domain, 300.0, heights=Heights(100.0 * centres(REGION)[0], target))
    assert np.abs(plane.map(layer, Method.ELEVATION) - linear).max() < 1e-9


def terrain(path: Path, domain: Domain, height: np.ndarray) -> Path:
    """Elevations and slopes of the cells, by gridcell id."""
    slope = np.full(height.size, 7.0)
    arrays = {"gridID": domain.gridcell_id.astype(np.int32), "elev": height, "SLOPE": slope}
    units = {"gridID": "1", "elev": "m", "SLOPE": "degrees"}
    variables = tuple(
        VariableSchema(name, "i4" if name == "gridID" else "f8", ("gridcell",), {"units": units[name]})
        for name in arrays
    )
    write_dataset(path, FileSchema({"gridcell": height.size}, None, variables, {}), arrays)
    return path


def make(folder: Path, **options: Any) -> SurfaceSummary:
    request = SurfaceRequest(folder / "source.nc", folder / "domain.nc", folder / "out.nc", **options)
    return craft_surface(request)


def mountains(name: str, values: np.ndarray) -> np.ndarray:
    """Elevations of a rugged source, and organic matter that follows them."""
    rng = np.random.default_rng(9)
    height = 1800.0 * rng.random((36, 72))
    if name == "TOPO":
        return height
    return np.broadcast_to(20.0 + 0.02 * height, values.shape).copy() if name == "ORGANIC" else values


def test_elevations_become_topo_and_correct_what_depends_on_height(tmp_path: Path) -> None:
    write_source(tmp_path / "source.nc", change=mountains)
    regular_domain(tmp_path / "domain.nc", "regular:200,210,12,55,65,12")
    domain = read_domain(tmp_path / "domain.nc")
    make(tmp_path)
    with open_dataset(tmp_path / "out.nc") as dataset:
        plain = {name: dataset[name].read() for name in dataset}
    height = plain["TOPO"] + 100.0 * np.random.default_rng(4).standard_normal(144)
    file = terrain(tmp_path / "terrain.nc", domain, height)
    summary = make(tmp_path, elevation=Product.parse_elevation(f"{file}:elev"))
    with open_dataset(tmp_path / "out.nc") as dataset:
        made = {name: dataset[name].read() for name in dataset}
        assert dataset["TOPO"].attributes["source_file"] == "terrain.nc:elev; source.nc"
    assert np.array_equal(made["TOPO"], height)
    assert (made["SLOPE"] == 7.0).all()
    assert np.array_equal(made["STD_ELEV"], plain["STD_ELEV"])
    inside = np.abs(made["ORGANIC"][0] - (20.0 + 0.02 * height)) < 1e-9
    assert inside.mean() > 0.8
    assert np.abs(plain["ORGANIC"][0] - (20.0 + 0.02 * height)).max() > 1.0
    line = next(line for line in summary.variables if line.name == "ORGANIC")
    assert line.method == "elevation"
    assert "144 cells corrected for elevation" in line.detail
    changed = [name for name in plain if not np.array_equal(plain[name], made[name])]
    assert sorted(changed) == ["ORGANIC", "SLOPE", "TOPO"]


def test_a_spline_is_brought_within_the_bounds_and_counted(tmp_path: Path) -> None:
    def steps(name: str, values: np.ndarray) -> np.ndarray:
        rough = (np.random.default_rng(1).random(values.shape) > 0.5) * 10.0
        return rough if name == "ZWT0" else values

    write_source(tmp_path / "source.nc", change=steps)
    regular_domain(tmp_path / "domain.nc", "regular:200,240,12,40,65,12")
    summary = make(tmp_path, methods={"ZWT0": "spline"})
    line = next(line for line in summary.variables if line.name == "ZWT0")
    assert line.method == "spline"
    assert "values of the spline brought within bounds" in line.detail
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert dataset["ZWT0"].read().min() == 0.0


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"PCT_LAKE": "spline"}, "expected conservative or linear or nearest"),
        ({"SOIL_COLOR": "spline"}, "Classes are never averaged"),
        ({"ORGANIC": "elevation"}, "needs the elevations of the cells"),
        ({"LAKEDEPTH": "elevation"}, "cannot be mapped this way"),
    ],
)
def test_methods_for_smooth_fields_are_refused_for_others(
    tmp_path: Path, choice: dict[str, str], message: str
) -> None:
    write_source(tmp_path / "source.nc")
    regular_domain(tmp_path / "domain.nc", "regular:200,210,2,55,65,2")
    with pytest.raises(InputError, match=message):
        make(tmp_path, methods=choice)
