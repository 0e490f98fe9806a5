"""Regular grids: exact areas, either longitude convention, grids across the dateline."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from kiloland.errors import InputError
from kiloland.grid import (
    EARTH_RADIUS,
    KM2_PER_RADIAN2,
    DaymetGrid,
    Figure,
    RegularGrid,
    grid_from_file,
    grid_from_text,
)

HALF_DEGREE = RegularGrid(-180.0, 180.0, 720, -90.0, 90.0, 360)
DATELINE = RegularGrid(170.0, -170.0, 40, 70.0, 60.0, 20)


def every(grid: RegularGrid) -> np.ndarray:
    return np.arange(grid.number_of_cells)


def test_areas_of_the_globe_add_up():
    assert HALF_DEGREE.areas(every(HALF_DEGREE)).sum() == pytest.approx(4 * np.pi, rel=1e-14)
    ellipsoid = RegularGrid(0.0, 360.0, 72, 90.0, -90.0, 36, Figure.WGS84)
    # The surface of WGS84 (NIMA TR8350.2): 510,065,621.724 km².
    assert ellipsoid.areas(every(ellipsoid)).sum() * KM2_PER_RADIAN2 == pytest.approx(
        510_065_621.724, rel=1e-11
    )


@pytest.mark.parametrize(
    ("figure", "geod"),
    [(Figure.SPHERE, pyproj.Geod(a=EARTH_RADIUS, f=0)), (Figure.WGS84, pyproj.Geod(ellps="WGS84"))],
)
def test_areas_agree_with_geodesic_polygons(figure, geod):
    grid = RegularGrid(10.0, 12.0, 2, 40.0, 43.0, 3, figure)
    west, east, south, north = 10.0, 11.0, 41.0, 42.0
    along = np.linspace(0, 1, 4001)[:-1]
    longitude = np.concatenate([west + along * (east - west), [east], east - along * (east - west), [west]])
    latitude = np.concatenate([np.full(4000, south), [south], np.full(4000, north), [north]])
    expected = geod.polygon_area_perimeter(longitude, latitude)[0]
    assert grid.areas(np.array([2]))[0] * EARTH_RADIUS**2 == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("grid", [HALF_DEGREE, DATELINE, RegularGrid(0.0, 360.0, 8, -90.0, 90.0, 4)])
def test_locating_centres_and_corners(grid):
    ids = every(grid)
    longitude, latitude = grid.centres(ids)
    assert longitude.min() >= 0
    assert longitude.max() < 360
    for turn in (-360, 0, 360):
        assert np.array_equal(grid.locate(longitude + turn, latitude), ids)
    corner_longitude, corner_latitude = grid.vertices(ids)
    assert np.abs(corner_longitude - longitude).max() <= 0.5 * grid.longitude_step + 1e-9
    assert np.allclose(corner_latitude.mean(axis=0), latitude, atol=1e-12)
    assert (corner_latitude[2] > corner_latitude[0]).all()


def test_rows_run_as_the_latitudes_are_given():
    assert HALF_DEGREE.centres(np.array([0]))[1][0] == -89.75
    assert DATELINE.centres(np.array([0]))[1][0] == 69.75


def test_points_on_the_outermost_edges_belong_to_the_grid():
    assert DATELINE.locate(np.array([170.0, -170.0, 190.0]), np.array([70.0, 60.0, 70.0])).tolist() == [
        0,
        799,
        39,
    ]
    assert HALF_DEGREE.locate(np.array([180.0, -180.0, 0.0]), np.array([-90.0, -90.0, 90.0])).tolist() == [
        0,
        0,
        359 * 720 + 360,
    ]
    assert DATELINE.locate(np.array([0.0, -169.9]), np.array([65.0, 65.0])).tolist() == [-1, -1]


@pytest.mark.parametrize(
    "grid", [DaymetGrid(), DaymetGrid(10, 20, -1000.0, 2000.0, 500.0), HALF_DEGREE, DATELINE,
             RegularGrid(0.1, 0.3, 3, 1.0, 2.0, 7, Figure.WGS84)]
)  # fmt: skip
def test_a_grid_can_be_made_from_its_name(grid):
    assert grid_from_text(grid.name) == grid


@pytest.mark.parametrize(
    "text",
    ["daymett", "regular:0,360,720,-90,90", "regular:a,b,c,d,e,f", "regular:0,360,0,-90,90,3",
     "regular:0,360,3,-91,90,3", "regular:0,720,3,-90,90,3", "regular:0,10,3,5,5,3"],
)  # fmt: skip
def test_unusable_specifications_are_refused(text):
    with pytest.raises(InputError):
        grid_from_text(text)


@pytest.mark.oracle
def test_the_grid_of_a_real_forcing_file(shared):
    path = shared / "data" / "daymet" / "TES_NORTHACCESS_domain.nc"
    grid = grid_from_file(path)
    assert (grid.rows, grid.columns) == (433, 1321)
    assert grid.longitude_step == pytest.approx(1 / 24, abs=1e-7)
    longitude, latitude = grid.centres(np.array([0, grid.number_of_cells - 1]))
    assert longitude == pytest.approx([241.0, 296.0], abs=1e-5)
    assert latitude == pytest.approx([42.0, 60.0], abs=1e-5)
