"""Selections are ordered by id; what repeats, lies outside or off centre is reported, never moved."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import shapely
from grid_samples import ISLAND, MASK, PIECE

from kiloland.errors import InputError
from kiloland.grid import (
    Coordinates,
    DaymetGrid,
    LandMask,
    RegularGrid,
    all_land,
    read_land_mask,
    read_points,
    select_box,
    select_ids,
    select_land,
    select_points,
    select_polygons,
    select_xy,
)
from kiloland.grid.nearest import NearestLand, cartesian, geodesic_km

EVERY = np.arange(PIECE.number_of_cells)
LONGITUDE, LATITUDE = PIECE.centres(EVERY)
CHOSEN = np.array([400, 7, 4799, 1000])


@pytest.mark.parametrize("turn", [-360.0, 0.0])
def test_points_in_either_longitude_convention_and_any_order(turn):
    selection = select_points(PIECE, MASK, LONGITUDE[CHOSEN] + turn, LATITUDE[CHOSEN])
    assert selection.ids.tolist() == sorted(CHOSEN.tolist())
    assert selection.report.requested == 4
    assert selection.report.outside.request.size == 0
    assert selection.report.distance_from_centre_km.max() < 1e-6


def test_points_by_x_and_y_choose_the_same_cells():
    selection = select_xy(PIECE, MASK, *PIECE.centres_xy(CHOSEN))
    assert selection.ids.tolist() == sorted(CHOSEN.tolist())


def test_two_points_in_one_cell_make_one_cell_and_a_line_in_the_report():
    x, y = PIECE.centres_xy(np.array([400, 400, 7]))
    selection = select_xy(PIECE, MASK, x + np.array([0.0, 300.0, 0.0]), y + np.array([0.0, 400.0, 0.0]))
    assert selection.ids.tolist() == [7, 400]
    assert selection.report.repeated_ids.tolist() == [400]
    assert selection.report.repeated_counts.tolist() == [2]
    # The map is stretched by about 2 % here: 500 m on it are a little less or more on the ground.
    assert selection.report.distance_from_centre_km.max() == pytest.approx(0.5, abs=0.05)
    text = "\n".join(selection.report.lines())
    assert "cell 400 was asked for 2 times" in text
    assert "1 points are more than 5 m" in text


def test_repeated_ids_are_reported():
    selection = select_ids(PIECE, MASK, np.array([9, 3, 9, 9, 3]))
    assert selection.ids.tolist() == [3, 9]
    assert selection.report.repeated_counts.tolist() == [2, 3]


def test_points_outside_and_off_land_are_reported_with_their_distance_and_not_moved():
    water = 10 * PIECE.columns + 37
    x, y = PIECE.centres_xy(np.array([400, water, 0]))
    x[2] -= 5_000.0
    selection = select_xy(PIECE, MASK, x, y)
    outside = selection.report.outside
    assert selection.ids.tolist() == [400]
    assert outside.request.tolist() == [1, 2]
    assert outside.on_grid.tolist() == [True, False]
    assert outside.nearest_id.tolist() == [ISLAND, 0]
    assert outside.distance_km == pytest.approx([2.0, 5.0], rel=0.05)
    text = "\n".join(selection.report.lines())
    assert "request 2" in text
    assert "is not on land" in text
    assert "is outside the grid" in text


def test_consecutive_points_outside_are_all_left_out():
    longitude = np.array([LONGITUDE[400], -101.0, -101.1, -101.2, LONGITUDE[7]])
    latitude = np.array([LATITUDE[400], 64.5, 64.5, -64.5, LATITUDE[7]])
    selection = select_points(PIECE, MASK, longitude, latitude)
    assert selection.ids.tolist() == [7, 400]
    assert selection.report.outside.request.tolist() == [1, 2, 3]
    assert (selection.report.outside.distance_km > 3000).all()


def test_ids_off_land_have_a_distance_and_ids_of_no_cell_have_none():
    selection = select_ids(PIECE, MASK, np.array([4800, -1, 10 * 80 + 37, 5]))
    assert selection.ids.tolist() == [5]
    assert selection.report.outside.nearest_id.tolist() == [-1, -1, ISLAND]
    assert np.isnan(selection.report.outside.distance_km).tolist() == [True, True, False]
    assert "request 1 is the id of no cell" in "\n".join(selection.report.lines())


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(np.nan, 60.0), (65.0, -170.0), (400.0, 60.0), (-2_856_250.0, 3_780_000.0)]
)
def test_points_that_are_no_degrees_are_refused(longitude, latitude):
    with pytest.raises(InputError, match="point 1"):
        select_points(PIECE, MASK, np.array([longitude]), np.array([latitude]))


def test_degrees_in_place_of_metres_are_refused():
    with pytest.raises(InputError, match="degrees"):
        select_xy(PIECE, MASK, np.array([-170.0]), np.array([65.0]))
    with pytest.raises(InputError, match="projection"):
        select_xy(RegularGrid(0, 1, 1, 0, 1, 1), MASK, np.array([1e6]), np.array([1e6]))


@pytest.mark.parametrize(
    "box", [(179.5, 65.8, -179.5, 66.2), (179.5, 65.8, 180.5, 66.2), (-180.5, 65.8, -179.5, 66.2)]
)
def test_a_box_across_the_dateline_in_every_way_of_writing(box):
    inside = (LONGITUDE >= 179.5) & (LONGITUDE <= 180.5) & (LATITUDE >= 65.8) & (LATITUDE <= 66.2) & MASK.land
    selection = select_box(PIECE, MASK, *box)
    assert inside.sum() > 500
    assert selection.ids.tolist() == np.flatnonzero(inside).tolist()


def test_the_box_of_the_globe_is_everything():
    for west, east in ((-180, 180), (0, 360)):
        assert np.array_equal(select_box(PIECE, MASK, west, -90, east, 90).ids, select_land(MASK).ids)


def test_an_empty_box_selects_nothing():
    assert select_box(PIECE, MASK, -100, 40, -99, 41).ids.size == 0


@pytest.mark.parametrize("box", [(0, 60, 10, 50), (0, 50, 0, 60), (0, 50, 700, 60), (0, -91, 10, 60)])
def test_impossible_boxes_are_refused(box):
    with pytest.raises(InputError):
        select_box(PIECE, MASK, *box)


@pytest.mark.parametrize("turn", [0.0, -360.0])
def test_a_polygon_with_a_hole_across_the_dateline(turn):
    outer = shapely.box(179.4 + turn, 65.7, 180.6 + turn, 66.3)
    polygon = outer.difference(shapely.box(179.8 + turn, 65.9, 180.2 + turn, 66.1))
    in_outer = (np.abs(LONGITUDE - 180) <= 0.6) & (np.abs(LATITUDE - 66) <= 0.3)
    in_hole = (np.abs(LONGITUDE - 180) < 0.2) & (np.abs(LATITUDE - 66) < 0.1)
    expected = np.flatnonzero(in_outer & ~in_hole & MASK.land)
    assert (in_hole & MASK.land).any()
    assert select_polygons(PIECE, MASK, [polygon]).ids.tolist() == expected.tolist()


def test_overlapping_polygons_count_a_cell_once():
    polygon = shapely.box(179.0, 65.7, 179.8, 66.3)
    assert np.array_equal(
        select_polygons(PIECE, MASK, [polygon, polygon]).ids, select_polygons(PIECE, MASK, [polygon]).ids
    )


def test_boxes_on_a_regular_grid_across_greenwich_and_the_dateline():
    grid = RegularGrid(0.0, 360.0, 36, 90.0, -90.0, 18)
    mask = all_land(grid)
    for west, east in ((-20.0, 20.0), (170.0, -170.0)):
        selection = select_box(grid, mask, west, -10, east, 10)
        longitude, latitude = grid.centres(selection.ids)
        assert selection.ids.size == 2 * (4 if west < 0 else 2)
        assert (((longitude - west) % 360) <= (east - west) % 360).all()
        assert np.abs(latitude).max() == 5


@pytest.mark.parametrize(
    ("grid", "seed"),
    [(DaymetGrid(500, 700, -2_000_000.0, 2_000_000.0), 1), (RegularGrid(0, 360, 720, -90, 90, 360), 2)],
)
def test_the_nearest_land_is_that_of_a_search_of_all_cells(grid, seed):
    rng = np.random.default_rng(seed)
    land = np.zeros(grid.number_of_cells, dtype=bool)
    land[rng.integers(0, grid.number_of_cells, 300)] = True
    longitude, latitude = rng.uniform(-180, 180, 40), rng.uniform(-90, 90, 40)
    ids, distance = NearestLand(grid, land).find(longitude, latitude)
    cells = np.flatnonzero(land)
    chord = np.linalg.norm(
        cartesian(longitude, latitude)[:, None] - cartesian(*grid.centres(cells))[None], axis=2
    )
    assert np.array_equal(ids, cells[np.argmin(chord, axis=1)])
    assert np.allclose(distance, geodesic_km(longitude, latitude, *grid.centres(ids)), rtol=1e-12, atol=0)


def test_without_any_land_there_is_no_nearest():
    nothing = LandMask(np.zeros(PIECE.number_of_cells, dtype=bool))
    selection = select_ids(PIECE, nothing, np.array([5]))
    assert selection.report.outside.nearest_id.tolist() == [-1]
    assert np.isnan(selection.report.outside.distance_km[0])


@pytest.mark.oracle
def test_the_seward_peninsula_by_either_coordinates_is_the_same(shared):
    folder, grid = shared / "data" / "daymet", DaymetGrid()
    mask = read_land_mask(folder / "Daymet_NA_landmask.csv.gz", grid)
    path = folder / "daymet_AK_all2.csv.gz"
    by_xy = read_points(path, Coordinates.XY)
    by_degrees = read_points(path, Coordinates.LONGITUDE_LATITUDE)
    one = select_xy(grid, mask, by_xy.first, by_xy.second)
    other = select_points(grid, mask, by_degrees.first, by_degrees.second)
    with gzip.open(path, "rt") as lines:
        x, y = np.loadtxt(lines, delimiter=",", usecols=(2, 3)).T
    expected = np.sort(((4_984_000 - y) / 1000 * 7814 + (x + 4_560_250) / 1000).astype(np.int64))
    assert one.ids.size == 72_083
    assert np.array_equal(one.ids, expected)
    assert np.array_equal(other.ids, expected)
    assert other.report.outside.request.size == one.report.repeated_ids.size == 0
    assert other.report.distance_from_centre_km.max() < 0.001
