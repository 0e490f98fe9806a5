"""Conservation on the Daymet grid, and the half-degree climatology on the Seward Peninsula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.interpolate import RectBivariateSpline
from scipy.spatial import cKDTree

from kiloland.craft.surface import Mapper, Method, Source, SourceGrid, default_limit_km, read_source
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
)

STRIDE = 7
"""One cell of so many of the peninsula: 10,298 of 72,083."""


def tile(rows: int, columns: int) -> Domain:
    """Neighbouring cells of the Daymet grid in Alaska, rotated by more than 50 degrees."""
    grid = DaymetGrid()
    row, column = np.meshgrid(np.arange(1195, 1195 + rows), np.arange(1610, 1610 + columns), indexing="ij")
    return build_domain(grid, np.sort(grid.identifier(row, column).ravel()))


def polygon_areas(domain: Domain) -> np.ndarray:
    """Areas (radian²) of the cells as polygons of longitude and sine of latitude, by another library."""
    corners = np.stack([np.deg2rad(domain.vertex_longitude), np.sin(np.deg2rad(domain.vertex_latitude))], -1)
    return np.asarray(shapely.area(shapely.polygons(np.moveaxis(corners, 1, 0))))


@pytest.mark.parametrize("step", [0.05, 0.11])
def test_conservative_mapping_keeps_the_total_of_a_region_of_daymet_cells(step: float) -> None:
    """Source cells that domain cells cover completely: their total is that of the domain's values."""
    domain = tile(60, 60)
    west, south = domain.longitude.min(), domain.latitude.min()
    columns = int((domain.longitude.max() - west) / step) + 4
    rows = int((domain.latitude.max() - south) / step) + 4
    grid = SourceGrid(west - step, south - step, step, step, columns, rows, cyclic=False)
    outline = shapely.union_all(
        shapely.polygons(np.stack([domain.vertex_longitude, domain.vertex_latitude], -1).transpose(1, 0, 2)),
        grid_size=1e-9,
    ).buffer(-0.02)
    row, column = np.divmod(np.arange(grid.cells), grid.columns)
    centre = grid.column_longitude(column), grid.row_latitude(row)
    half = step / 2
    boxes = shapely.box(centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half)
    covered = shapely.contains(outline, boxes)
    assert covered.sum() > 10
    layer = np.where(covered, 1.0 + np.random.default_rng(1).random(grid.cells), 0.0)
    before = (layer * grid.areas()[row]).sum()
    mapped = Mapper(grid, domain, 300.0).map(layer, Method.CONSERVATIVE)
    after = (mapped * polygon_areas(domain)).sum()
    assert abs(after / before - 1.0) < 1e-12


@pytest.fixture(scope="module")
def peninsula(shared: Path) -> Domain:
    grid = grid_from_text("daymet")
    mask = read_land_mask(shared / "data" / "daymet" / "Daymet_NA_landmask.csv.gz", grid)
    points = read_points(shared / "data" / "daymet" / "daymet_AK_all2.csv.gz", Coordinates.XY)
    return build_domain(grid, select_xy(grid, mask, points.first, points.second).ids[::STRIDE], mask)


@pytest.fixture(scope="module")
def climate(shared: Path) -> tuple[Source, np.ndarray, np.ndarray]:
    """The grid of the climatology, its temperature (0.1 degree C) by month, and the raw values."""
    with open_dataset(shared / "data" / "climate" / "BIOME4_inputdata.nc.gz") as dataset:
        source = read_source(dataset, 58.0, 72.0)
        layers = np.stack([source.layer(dataset["temp"], (month,)) for month in range(12)])
        return source, layers, dataset["temp"].read().astype(float)


def mapper(source: Source, domain: Domain) -> Mapper:
    return Mapper(source.grid, domain, default_limit_km(source.grid, domain), source.path)


@pytest.mark.oracle
def test_means_over_the_peninsula_are_those_of_the_source_cells_by_area(
    peninsula: Domain, climate: tuple[Source, np.ndarray, np.ndarray]
) -> None:
    """Cells counted by hand in the boxes of the raw file, weighted by the area that lies in each."""
    source, layers, raw = climate
    row = np.floor((90.0 - peninsula.latitude) / 0.5).astype(int)
    column = np.floor(np.mod(peninsula.longitude - 180.0, 360.0) / 0.5).astype(int)
    work = mapper(source, peninsula)
    for month in (0, 6):
        held = raw[month, row, column]
        land = held > -9000.0
        box = np.bincount(row[land] * 720 + column[land], peninsula.area[land], 360 * 720)
        by_box = (box * raw[month].ravel()).sum() / box.sum()
        for method in (Method.NEAREST, Method.LINEAR, Method.CONSERVATIVE, Method.SPLINE):
            values = work.map(layers[month], method)
            mean = (values * peninsula.area)[land].sum() / peninsula.area[land].sum()
            # Tenths of a degree; nearest and conservative differ only in cells on an edge of boxes.
            allowed = 0.1 if method in (Method.NEAREST, Method.CONSERVATIVE) else 3.0
            assert abs(mean - by_box) < allowed, (month, method, mean, by_box)


@pytest.mark.oracle
def test_months_keep_their_order_and_their_seasons(
    peninsula: Domain, climate: tuple[Source, np.ndarray, np.ndarray]
) -> None:
    source, layers, _ = climate
    work = mapper(source, peninsula)
    means = [work.map(layer, Method.LINEAR).mean() for layer in layers]
    assert int(np.argmax(means)) == 6
    assert int(np.argmin(means)) in (0, 1)
    assert means[6] > 80.0 > 0.0 > means[9] > means[0]
    assert (np.diff(means[1:7]) > 0).all()
    assert (np.diff(means[6:11]) < 0).all()


@pytest.mark.oracle
def test_values_at_the_coast_come_from_the_nearest_land_of_the_source(
    peninsula: Domain, climate: tuple[Source, np.ndarray, np.ndarray], shared: Path
) -> None:
    """Soils of the source end at its coast: where its box is sea, a search of all soils finds the same."""
    source = climate[0]
    with open_dataset(shared / "data" / "climate" / "BIOME4_inputdata.nc.gz") as dataset:
        soil, raw = source.layer(dataset["whc"], (0,)), dataset["whc"].read()[0]
    work, valid = mapper(source, peninsula), np.isfinite(soil)
    values = work.map(soil, Method.NEAREST)
    row = np.floor((90.0 - peninsula.latitude) / 0.5).astype(int)
    column = np.floor(np.mod(peninsula.longitude - 180.0, 360.0) / 0.5).astype(int)
    sea = ~(raw[row, column] > -9000.0)
    assert sea.sum() > 20
    north, east = np.divmod(np.flatnonzero(valid), source.grid.columns)
    places = _unit(source.grid.column_longitude(east), source.grid.row_latitude(north))
    distance, nearest = cKDTree(places).query(_unit(peninsula.longitude[sea], peninsula.latitude[sea]))
    assert np.array_equal(values[sea], soil[valid][nearest])
    assert distance.max() * 6371.0 < work.limit_km
    assert work.weights(Method.NEAREST, valid).ledger.filled >= int(sea.sum())
    smooth = work.spline(valid).smooth
    assert 0.0 < smooth.mean() < 1.0
    for method in (Method.LINEAR, Method.CONSERVATIVE, Method.SPLINE_MONOTONE):
        found = work.map(soil, method)
        assert np.nanmin(soil) * (1.0 - 1e-14) <= found.min()
        assert found.max() <= np.nanmax(soil) * (1.0 + 1e-14)


def _unit(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    east, north = np.deg2rad(longitude), np.deg2rad(latitude)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


@pytest.mark.oracle
def test_a_spline_over_the_inland_is_that_of_an_independent_library(
    peninsula: Domain, climate: tuple[Source, np.ndarray, np.ndarray]
) -> None:
    """Gaps of the sea filled alike, the same knots: the same surface."""
    source, layers, _ = climate
    grid, work = source.grid, mapper(source, peninsula)
    spline = work.spline(np.isfinite(layers[6]))
    filled = np.nan_to_num(layers[6])[spline.filling].reshape(grid.rows, grid.columns)
    window = slice(330, 440)  # 165 to 220 degrees east; the peninsula is far from both ends
    peer = RectBivariateSpline(
        grid.row_latitude(np.arange(grid.rows)),
        grid.column_longitude(np.arange(grid.columns))[window],
        filled[:, window],
        kx=3,
        ky=3,
        s=0,
    )
    found, smooth = work.map(layers[6], Method.SPLINE), spline.smooth
    assert smooth.mean() > 0.2
    expected = peer.ev(peninsula.latitude[smooth], peninsula.longitude[smooth])
    np.testing.assert_allclose(found[smooth], expected, atol=1e-9)
    linear = work.map(layers[6], Method.LINEAR)
    assert np.array_equal(found[~smooth], linear[~smooth])
    assert 0.0 < np.abs(found - linear)[smooth].max() < 30.0
