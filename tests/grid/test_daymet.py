"""The Daymet grid is where Daymet says it is, and its areas are true."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyproj
import pytest

from kiloland.errors import InputError
from kiloland.grid import EARTH_RADIUS, KM2_PER_RADIAN2, DaymetGrid, domain_blocks, read_land_mask
from kiloland.grid.daymet import LAMBERT, PROJECTION
from kiloland.grid.nearest import geodesic_km

GRID = DaymetGrid()
GEOD = pyproj.Geod(ellps="WGS84")


def daymet(shared: Path, name: str) -> Path:
    return shared / "data" / "daymet" / name


def seward(shared: Path) -> np.ndarray:
    with gzip.open(daymet(shared, "daymet_AK_all2.csv.gz"), "rt") as lines:
        return np.loadtxt(lines, delimiter=",")


def some_cells(count: int = 500, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, GRID.number_of_cells, count)


def geodesic_polygon_area(cell: int, points_on_edge: int) -> float:
    """Area (m²) of a cell between geodesics through many points of its edges, by PROJ alone."""
    x, y = GRID.centres_xy(np.array([cell]))
    along = np.linspace(-500.0, 500.0, points_on_edge + 1)[:-1]
    side = np.full(points_on_edge, 500.0)
    edge_x = x + np.concatenate([along, side, -along, -side])
    edge_y = y + np.concatenate([-side, along, side, -along])
    longitude, latitude = pyproj.Proj(PROJECTION)(edge_x, edge_y, inverse=True)
    return GEOD.polygon_area_perimeter(longitude, latitude)[0]


def test_gridcell_ids_count_from_the_upper_left():
    assert GRID.number_of_cells == 63_098_050
    corners = np.array([0, 7813, 7814, 63_098_049])
    x, y = GRID.centres_xy(corners)
    assert x.tolist() == [-4_560_250, 3_252_750, -4_560_250, 3_252_750]
    assert y.tolist() == [4_984_000, 4_984_000, 4_983_000, -3_090_000]


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "axis"), [("x_space", GRID.x_centres), ("y_space", GRID.y_centres)])
def test_axes_equal_the_published_ones(shared, name, axis):
    with gzip.open(daymet(shared, f"{name}.csv.gz"), "rt") as lines:
        assert np.array_equal(np.loadtxt(lines).ravel(), axis)


def test_inverse_projection_agrees_with_proj():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(GRID.left, GRID.x_edges[-1], 20_000), rng.uniform(GRID.y_edges[-1], GRID.top, 20_000)
    longitude, latitude = LAMBERT.inverse(x, y)
    expected_longitude, expected_latitude = pyproj.Proj(PROJECTION)(x, y, inverse=True)
    assert np.abs((longitude - expected_longitude + 180) % 360 - 180).max() < 1e-12
    assert np.abs(latitude - expected_latitude).max() < 1e-12


@pytest.mark.oracle
def test_seward_peninsula_longitudes_and_latitudes_follow_from_x_and_y_within_a_metre(shared):
    longitude, latitude, x, y = seward(shared).T
    assert x.size == 72_083
    ids = GRID.locate_xy(x, y)
    centre_x, centre_y = GRID.centres_xy(ids)
    assert np.array_equal(centre_x, x)
    assert np.array_equal(centre_y, y)
    away = 1000 * geodesic_km(longitude, latitude, *GRID.centres(ids))
    assert away.max() < 1.0
    assert (ids.min(), ids.max()) == (9_308_121, 12_551_076)
    assert np.array_equal(GRID.locate(longitude, latitude), ids)
    assert np.array_equal(GRID.locate(longitude - 360, latitude), ids)


@pytest.mark.oracle
def test_a_sphere_in_place_of_the_ellipsoid_would_be_found(shared):
    longitude, latitude, x, y = seward(shared)[::100].T
    sphere = pyproj.Proj(PROJECTION.replace("+ellps=WGS84", "+R=6378137 +f=298.257223563"))
    away = 1000 * geodesic_km(longitude, latitude, *sphere(x, y, inverse=True))
    assert 7_000 < away.min() < away.max() < 8_200


def test_areas_agree_with_geodesic_polygons_to_1e_6():
    cells = some_cells()
    areas = GRID.areas(cells) * EARTH_RADIUS**2
    expected = np.array([geodesic_polygon_area(int(cell), 10) for cell in cells])
    assert np.abs(areas / expected - 1).max() < 1e-7


def test_areas_agree_with_the_areal_scale_of_proj():
    cells = some_cells(5000)
    scale = pyproj.Proj(PROJECTION).get_factors(*GRID.centres(cells)).areal_scale
    assert np.abs(GRID.areas(cells) * KM2_PER_RADIAN2 * scale - 1).max() < 1e-8


@pytest.mark.oracle
@pytest.mark.slow
def test_north_american_land_area(shared):
    mask = read_land_mask(daymet(shared, "Daymet_NA_landmask.csv.gz"), GRID)
    assert np.count_nonzero(mask.land) == 21_552_672
    total = sum(float(block.area_km2.sum()) for block in domain_blocks(GRID, mask.ids, mask))
    assert total == pytest.approx(21.69e6, abs=0.005e6)
    assert total == pytest.approx(21_690_639.865, abs=0.01)


def test_locating_a_centre_gives_its_cell_in_both_longitude_conventions():
    cells = some_cells()
    longitude, latitude = GRID.centres(cells)
    assert longitude.min() >= 0
    assert longitude.max() < 360
    assert np.array_equal(GRID.locate(longitude, latitude), cells)
    assert np.array_equal(GRID.locate(longitude - 360, latitude), cells)


def test_places_outside_the_grid_have_no_cell():
    outside = GRID.locate(np.array([10.0, 0.0, -100.0, 0.0]), np.array([48.0, -80.0, -10.0, -90.0]))
    assert outside.tolist() == [-1, -1, -1, -1]
    assert GRID.locate_xy(np.array([GRID.left - 1, np.inf]), np.array([0.0, 0.0])).tolist() == [-1, -1]
    assert GRID.identifier(np.array([0, -1, 8075]), np.array([7814, 0, 0])).tolist() == [-1, -1, -1]


def test_corners_enclose_the_centre_counter_clockwise_also_at_the_dateline_and_greenwich():
    near_180 = GRID.locate(np.array([180.0]), np.array([65.0]))
    near_0 = GRID.locate(np.array([0.0]), np.array([72.5]))
    cells = np.concatenate([some_cells(200), near_180, near_0[near_0 >= 0]])
    longitude, latitude = GRID.vertices(cells)
    centre_longitude, centre_latitude = GRID.centres(cells)
    east, north = longitude - centre_longitude, latitude - centre_latitude
    assert np.abs(east).max() < 180
    turn = east * np.roll(north, -1, axis=0) - np.roll(east, -1, axis=0) * north
    assert (turn > 0).all()
    x, y = pyproj.Proj(PROJECTION)(longitude, latitude)
    cell_x, cell_y = GRID.centres_xy(cells)
    assert np.allclose(x - cell_x, np.array([-500, 500, 500, -500])[:, None], atol=1e-4, rtol=0)
    assert np.allclose(y - cell_y, np.array([-500, -500, 500, 500])[:, None], atol=1e-4, rtol=0)


def test_numbers_of_a_cell_do_not_depend_on_its_company():
    cells = np.arange(20_000_000, 20_020_000)
    together = GRID.geometry(cells)
    few = np.array([0, 777, 7_000, 19_999])
    apart = GRID.geometry(cells[few])
    one = GRID.geometry(cells[few[1:2]])
    for name in ("longitude", "latitude", "area", "vertex_longitude", "vertex_latitude"):
        assert np.array_equal(getattr(together, name)[..., few], getattr(apart, name))
        assert np.array_equal(getattr(together, name)[..., few[1:2]], getattr(one, name))


@pytest.mark.parametrize(
    "box",
    [(-168, 64, -160, 66.7), (170, 50, 200, 75), (-90, 20, -60, 50), (60, 55, 175, 75), (0, 80, 360, 90)],
)
def test_window_of_a_box_holds_all_its_cells(box):
    west, south, east, north = box
    cells = some_cells(200_000)
    longitude, latitude = GRID.centres(cells)
    inside = ((longitude - west) % 360 <= east - west) & (latitude >= south) & (latitude <= north)
    rows, columns = GRID.window(*map(float, box))
    row, column = GRID.row_column(cells[inside])
    assert inside.any()
    assert (
        (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
    ).all()


@pytest.mark.parametrize("bad", [{"rows": 0}, {"cell_size": 0.0}, {"cell_size": 50_000.0}])
def test_impossible_grids_are_refused(bad):
    with pytest.raises(InputError):
        DaymetGrid(**bad)
