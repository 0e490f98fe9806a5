"""Weights: against independent searches and exact areas, with masks, at the dateline and near the poles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator
from scipy.spatial import cKDTree
from surface_samples import Change, Layout, write_source

from kiloland.craft.surface import (
    Mapper,
    Method,
    SourceGrid,
    SurfaceRequest,
    craft_surface,
    default_limit_km,
    read_source,
)
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import (
    Coordinates,
    DaymetGrid,
    Domain,
    build_domain,
    grid_from_text,
    read_land_mask,
    read_points,
    select_xy,
    write_domain,
)
from kiloland.run.surface import read_surface

GLOBE = SourceGrid(2.5, -87.5, 5.0, 5.0, 72, 36, cyclic=True)
FINE = SourceGrid(0.25, -89.75, 0.5, 0.5, 720, 360, cyclic=True)


def regular(text: str) -> Domain:
    grid = grid_from_text(f"regular:{text}")
    return build_domain(grid, np.arange(grid.number_of_cells))


def daymet_cells(number: int = 400) -> Domain:
    grid = DaymetGrid()
    rows, columns = np.meshgrid(
        np.arange(1195, 1195 + 20), np.arange(1610, 1610 + number // 20), indexing="ij"
    )
    return build_domain(grid, np.sort((rows * grid.columns + columns).ravel()))


def mapper(grid: SourceGrid, domain: Domain, limit_km: float = 20_100.0, **options: int) -> Mapper:
    return Mapper(grid, domain, limit_km, "source.nc", **options)


def places(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def centres(grid: SourceGrid) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.divmod(np.arange(grid.cells), grid.columns)
    return grid.column_longitude(column), grid.row_latitude(row)


@pytest.mark.parametrize("share_valid", [1.0, 0.5, 0.02, 0.001])
@pytest.mark.parametrize("target", ["0,360,40,-90,90,31", "170,190,23,-90,-60,29", "-20,20,17,70,90,33"])
def test_nearest_is_that_of_a_search_of_all_cells_with_values(share_valid: float, target: str) -> None:
    domain = regular(target)
    valid = np.random.default_rng(5).random(GLOBE.cells) < share_valid
    valid[37] = True
    found = mapper(GLOBE, domain).weights(Method.NEAREST, valid).index[0]
    sources = places(*centres(GLOBE))
    targets = places(domain.longitude, domain.latitude)
    best = cKDTree(sources[valid]).query(targets)[0]
    distance = np.linalg.norm(sources[found] - targets, axis=1)
    assert valid[found].all()
    np.testing.assert_allclose(distance, best, rtol=1e-9, atol=1e-12)


def test_nothing_is_taken_from_beyond_the_limit_for_land() -> None:
    domain = regular("200,201,4,60,61,4")
    valid = np.zeros(GLOBE.cells, dtype=bool)
    valid[0] = True
    with pytest.raises(InputError, match=r"no value within 300\.0 km of 16 land cells"):
        mapper(GLOBE, domain, 300.0).weights(Method.NEAREST, valid, "FMAX")


def test_the_stated_distance_is_the_distance() -> None:
    domain = regular("0,1,1,0.5,1.5,1")
    grid = SourceGrid(3.5, 1.0, 1.0, 1.0, 2, 1, cyclic=False)
    ledger = mapper(grid, domain, 400.0).weights(Method.NEAREST, np.ones(2, dtype=bool)).ledger
    radius = 6371.22
    expected = 2 * radius * np.arcsin(np.cos(np.deg2rad(1.0)) * np.sin(np.deg2rad(1.5)))
    assert ledger.filled == 0
    masked = mapper(grid, domain, 500.0).weights(Method.NEAREST, np.array([False, True])).ledger
    assert masked.filled == 1
    assert masked.farthest_km == pytest.approx(
        2 * radius * np.arcsin(np.cos(np.deg2rad(1.0)) * np.sin(np.deg2rad(2.0))), rel=1e-9
    )
    with pytest.raises(InputError, match="no value within"):
        mapper(grid, domain, expected - 0.01).weights(Method.NEAREST, np.ones(2, dtype=bool))


def test_linear_agrees_with_an_independent_interpolator_across_the_dateline_and_greenwich() -> None:
    longitude, latitude = centres(GLOBE)
    layer = np.sin(np.deg2rad(longitude) * 2) + np.deg2rad(latitude) ** 2
    for target in ("175,185,31,40,60,17", "-7,6,31,-20,40,17"):
        domain = regular(target)
        east = np.concatenate([[-2.5], 2.5 + 5.0 * np.arange(72), [362.5]])
        field = layer.reshape(36, 72)
        wrapped = np.concatenate([field[:, -1:], field, field[:, :1]], axis=1)
        peer = RegularGridInterpolator((-87.5 + 5.0 * np.arange(36), east), wrapped)
        expected = peer(np.stack([domain.latitude, domain.longitude], axis=-1))
        np.testing.assert_allclose(mapper(GLOBE, domain).map(layer, Method.LINEAR), expected, atol=1e-13)


def test_linear_uses_only_cells_with_values_and_says_where_it_could_not() -> None:
    domain = regular("190,230,60,50,70,50")
    rng = np.random.default_rng(1)
    layer = np.where(rng.random(GLOBE.cells) < 0.3, rng.random(GLOBE.cells), np.nan)
    layer[np.isfinite(layer) & (rng.random(GLOBE.cells) < 0.3)] = 0.5
    work = mapper(GLOBE, domain)
    values = work.map(layer, Method.LINEAR)
    ledger = work.weights(Method.LINEAR, np.isfinite(layer)).ledger
    assert np.isfinite(values).all()
    assert values.min() >= np.nanmin(layer)
    assert values.max() <= np.nanmax(layer) + 1e-15
    assert 0 < ledger.filled < domain.number_of_cells
    assert 0 < ledger.partial < domain.number_of_cells
    assert 0.0 < ledger.farthest_km < 1500.0


@pytest.mark.parametrize(
    "target", ["0,360,36,-90,90,18", "-180,180,47,-90,90,31", "0,360,144,-90,90,72", "0,360,13,90,-90,7"]
)
def test_conservative_mapping_keeps_the_total_of_the_globe(target: str) -> None:
    """Areas of both grids are exact and come from elsewhere than the weights."""
    domain = regular(target)
    layer = np.random.default_rng(3).random(GLOBE.cells)
    values = mapper(GLOBE, domain).map(layer, Method.CONSERVATIVE)
    before = (layer.reshape(36, 72).sum(axis=1) * GLOBE.areas()).sum()
    assert abs((values * domain.area).sum() / before - 1.0) < 1e-12


def test_coarse_cells_hold_the_area_mean_of_fine_ones() -> None:
    domain = regular("200,210,2,40,50,2")
    layer = np.random.default_rng(3).random(FINE.cells)
    values = mapper(FINE, domain).map(layer, Method.CONSERVATIVE)
    field, area = layer.reshape(360, 720), FINE.areas()
    rows, columns = slice(260, 270), slice(400, 410)
    expected = (field[rows, columns].mean(axis=1) * area[rows]).sum() / area[rows].sum()
    assert values[0] == pytest.approx(expected, rel=1e-13)


def test_missing_source_cells_do_not_count_in_a_conservative_mean() -> None:
    domain = regular("200,210,2,40,50,2")
    layer = np.where(np.random.default_rng(3).random(FINE.cells) < 0.5, 7.0, np.nan)
    assert np.allclose(mapper(FINE, domain).map(layer, Method.CONSERVATIVE), 7.0, rtol=1e-15)


def test_daymet_cells_share_out_a_source_cell_completely() -> None:
    """Cells of the projection neither overlap nor leave gaps: shared areas sum to those of whole cells."""
    domain = daymet_cells()
    work = mapper(SourceGrid(190.005, 60.005, 0.01, 0.01, 1000, 800, cyclic=False), domain)
    every = np.ones(work.grid.cells, dtype=bool)
    weights = work.weights(Method.CONSERVATIVE, every)
    sine = np.sin(np.deg2rad(domain.vertex_latitude))
    east = np.deg2rad(domain.vertex_longitude - domain.longitude)
    area = 0.5 * abs((east * np.roll(sine, -1, 0) - np.roll(east, -1, 0) * sine).sum(axis=0))
    taken = weights.source_areas(area).reshape(800, 1000)
    full = np.repeat(work.grid.areas()[:, None], 1000, axis=1)
    inside = taken > full * (1.0 - 1e-7)
    assert inside.sum() > 50
    np.testing.assert_allclose(taken[inside], full[inside], rtol=1e-8)
    assert (taken <= full * (1.0 + 1e-8)).all()


@pytest.mark.parametrize("method", [Method.NEAREST, Method.LINEAR, Method.CONSERVATIVE, Method.MAJORITY])
def test_blocks_do_not_change_a_bit(method: Method) -> None:
    domain = daymet_cells()
    rng = np.random.default_rng(2)
    layer = np.where(rng.random(FINE.cells) < 0.6, np.rint(9 * rng.random(FINE.cells)), np.nan)
    whole = mapper(FINE, domain, block=1 << 17).map(layer, method)
    for block in (7, 64, 399):
        assert np.array_equal(mapper(FINE, domain, block=block).map(layer, method), whole)
    work = mapper(FINE, domain)
    if method is not Method.MAJORITY:
        weights = work.weights(method, np.isfinite(layer))
        pieces = [weights.apply(np.nan_to_num(layer), slice(i, i + 33)) for i in range(0, 400, 33)]
        assert np.array_equal(np.concatenate(pieces), whole)


def test_the_majority_is_a_class_of_the_source_and_the_greatest_share() -> None:
    domain = regular("200,210,2,40,50,2")
    layer = np.full(FINE.cells, 3.0)
    layer.reshape(360, 720)[260:270, 400:404] = 8.0
    layer.reshape(360, 720)[270:280, 400:408] = 8.0
    values = mapper(FINE, domain).map(layer, Method.MAJORITY)
    assert values.tolist() == [3.0, 3.0, 8.0, 3.0]


def test_weights_are_made_once_for_each_mask() -> None:
    work = mapper(GLOBE, regular("200,210,20,40,50,20"))
    rng = np.random.default_rng(1)
    one, two = rng.random(GLOBE.cells), np.where(rng.random(GLOBE.cells) < 0.5, 1.0, np.nan)
    for layer in (one, one + 1, two, one * 2, two + 3):
        work.map(layer, Method.LINEAR)
    assert len(work.kept) == 2


def test_a_region_is_not_wrapped_around_the_earth() -> None:
    region = SourceGrid(200.5, 60.5, 1.0, 1.0, 10, 6, cyclic=False)
    layer = np.arange(60.0)
    inside = regular("200,210,10,60,66,6")
    assert np.array_equal(mapper(region, inside).map(layer, Method.NEAREST), layer)
    assert np.array_equal(mapper(region, inside).map(layer, Method.LINEAR), layer)
    assert np.allclose(mapper(region, inside).map(layer, Method.CONSERVATIVE), layer, rtol=1e-14)
    outside = regular("190,199,9,60,66,6")
    with pytest.raises(InputError, match="no value within"):
        mapper(region, outside, 100.0).map(layer, Method.LINEAR)


@pytest.fixture(scope="session")
def seward(shared: Path) -> Domain:
    grid = grid_from_text("daymet")
    mask = read_land_mask(shared / "data" / "daymet" / "Daymet_NA_landmask.csv.gz", grid)
    points = read_points(shared / "data" / "daymet" / "daymet_AK_all2.csv.gz", Coordinates.XY)
    return build_domain(grid, select_xy(grid, mask, points.first, points.second).ids, mask)


@pytest.mark.oracle
def test_the_half_degree_climatology_on_the_seward_peninsula(shared: Path, seward: Domain) -> None:
    """Rows run south, longitudes start at -180, coordinates are south-west corners, the sea is missing."""
    with open_dataset(shared / "data" / "climate" / "BIOME4_inputdata.nc.gz") as dataset:
        source = read_source(dataset, 60.0, 70.0)
        january = source.layer(dataset["temp"], (0,))
        raw = dataset["temp"].read()[0]
    assert (source.southward, source.grid.west, source.grid.longitude_step) == (True, 0.25, 0.5)
    work = Mapper(source.grid, seward, default_limit_km(source.grid, seward), source.path)
    nearest = work.map(january, Method.NEAREST)
    row = np.floor((90.0 - seward.latitude) / 0.5).astype(int)
    column = np.floor(np.mod(seward.longitude - 180.0, 360.0) / 0.5).astype(int)
    held = raw[row, column].astype(float)
    same = nearest == held
    # The cell that holds a point is also the nearest one, but for points at an edge (the Earth is round).
    assert same.mean() > 0.999
    linear, mean = work.map(january, Method.LINEAR), work.map(january, Method.CONSERVATIVE)
    assert -240.0 < linear.min() < linear.max() < -150.0
    weights = work.weights(Method.CONSERVATIVE, np.isfinite(january))
    before = (weights.source_areas(seward.area) * np.nan_to_num(january)).sum()
    assert abs((mean * seward.area).sum() / before - 1.0) < 1e-12
    assert weights.ledger.filled == 0


@pytest.mark.oracle
def test_a_surface_file_for_the_whole_seward_peninsula(seward: Domain, tmp_path: Path) -> None:
    """From a coarse global file: the model reads all 72,083 cells, and sums are those that ELM asks for."""
    families = ("MONTHLY_", "ALB_", "TK_", "CV_", "HORIZON_")
    write_source(tmp_path / "source.nc", Layout(southward=True, west=-180.0), without(families))
    write_domain(tmp_path / "domain.nc", seward)
    summary = craft_surface(
        SurfaceRequest(tmp_path / "source.nc", tmp_path / "domain.nc", tmp_path / "out.nc")
    )
    assert summary.cells == 72_083
    number = seward.number_of_cells
    surface = read_surface(tmp_path / "out.nc", np.arange(number), seward.longitude, seward.latitude, number)
    assert np.abs(ordered_sum(surface.plant_share) - 1.0).max() < 1e-14
    with open_dataset(tmp_path / "out.nc") as dataset:
        assert np.array_equal(dataset["gridID"].read(), seward.gridcell_id)
        assert np.array_equal(dataset["AREA"].read(), seward.area_km2)


def without(families: tuple[str, ...]) -> Change:
    """Leaves out variables by the beginning of their names."""
    return lambda name, values: None if name.startswith(families) else values
