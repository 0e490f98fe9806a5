"""What holds for any cells: write and read back, subset of subset, permutation, join, copies, calendars."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import xarray
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiloland import craft
from kiloland.atmosphere.calendar import Calendar, day_number, decode_times
from kiloland.craft.areas import PointFile
from kiloland.files import open_dataset, to_xarray
from kiloland.grid import Coordinates, DaymetGrid, Domain, build_domain, read_domain, write_domain
from kiloland.grid.mask import all_land
from kiloland.grid.selection import select_points

GRIDS = (
    "regular:170,190,20,50,60,10",
    "regular:-10,10,20,-10,10,10,WGS84",
    "daymet_lcc:-3.29075e+06,4.2905e+06,1000,20,10",
)
"""Twenty columns by ten rows: across the dateline, across Greenwich and the equator, by the Bering Strait."""
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CELLS = st.lists(st.integers(0, 199), min_size=1, max_size=40, unique=True)


@FEW
@given(st.sampled_from(GRIDS), CELLS)
def test_a_domain_comes_back_from_its_file_bit_for_bit(grid: str, ids: list[int]) -> None:
    made = craft.make_domain(grid, ids=ids)
    assert made.gridID.values.ravel().tolist() == sorted(ids)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "domain.nc"
        craft.write(made, path)
        domain = read_domain(path)
        write_domain(path, domain)
        again = read_domain(path)
        with open_dataset(path) as file:
            assert file["xc"].read().tobytes() == made.xc.values.tobytes()
    for name in ("gridcell_id", "longitude", "latitude", "area", "vertex_longitude", "fraction"):
        assert getattr(domain, name).tobytes() == getattr(again, name).tobytes()


@FEW
@given(st.sampled_from(GRIDS), CELLS, st.data())
def test_a_subset_of_a_subset_is_the_subset(grid: str, ids: list[int], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    few = data.draw(st.lists(st.sampled_from(some), min_size=1, unique=True))
    whole = craft.make_domain(grid, ids=ids)
    twice = craft.make_subset(craft.make_subset(whole, ids=some), ids=few)
    xarray.testing.assert_equal(twice, craft.make_subset(whole, ids=few))
    xarray.testing.assert_equal(twice, craft.make_domain(grid, ids=few))


@FEW
@given(CELLS, st.randoms(use_true_random=False))
def test_files_in_any_order_give_the_same_cells_by_id(ids: list[int], random: object) -> None:
    whole = craft.make_domain(GRIDS[0], ids=ids)
    order = list(range(len(ids)))
    random.shuffle(order)  # type: ignore[attr-defined]
    mixed = whole.isel(ni=order)
    xarray.testing.assert_equal(craft.make_subset(mixed, ids=ids), whole)
    # Data in another order take the order of the domain that is asked for.
    xarray.testing.assert_equal(craft.make_subset(whole, domain=mixed), mixed)
    xarray.testing.assert_equal(craft.make_subset(mixed, domain=whole), whole)


@FEW
@given(st.lists(st.integers(0, 199), min_size=2, max_size=30, unique=True), st.data())
def test_the_join_of_any_parts_is_the_whole(ids: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(ids) - 1))
    parts = [craft.make_domain(GRIDS[1], ids=part) for part in (ids[:cut], ids[cut:])]
    xarray.testing.assert_equal(craft.make_join(parts), craft.make_domain(GRIDS[1], ids=ids))


@FEW
@given(CELLS, st.integers(1, 4), st.integers(1, 4))
def test_copies_of_copies_are_the_copies_made_at_once(ids: list[int], first: int, second: int) -> None:
    domain = craft.make_domain(GRIDS[2], ids=ids)
    twice = craft.make_copies(craft.make_copies(domain, first), second)
    once = craft.make_copies(domain, first * second)
    xarray.testing.assert_equal(twice, once)
    assert np.unique(once.gridID.values).size == len(ids) * first * second


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(Calendar)), st.integers(1600, 2400), st.integers(0, 364), st.integers(0, 86399))
def test_a_time_of_any_calendar_is_decoded_to_its_own_date(
    calendar: Calendar, year: int, day: int, second: int
) -> None:
    months = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    month = int(np.searchsorted(np.cumsum(months), day, side="right"))
    date = (year, month + 1, day - int(months[:month].sum()) + 1)
    days = int(day_number(*date, calendar)) - int(day_number(1590, 1, 1, calendar))
    axis = decode_times(
        np.array([days * 86400.0 + second]), "seconds since 1590-01-01 00:00:00", calendar.value
    )
    assert axis.seconds.tolist() == [((year - 1) * 365 + day) * 86400 + second]


def points(domain: Domain, places: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return domain.longitude[places], domain.latitude[places]


@FEW
@given(st.lists(st.integers(0, 199), min_size=1, max_size=60))
def test_points_in_any_order_and_repeated_choose_each_cell_once_by_id(places: list[int]) -> None:
    grid = DaymetGrid(10, 20, -3.29075e6, 4.2905e6)
    whole = build_domain(grid, np.arange(200))
    selection = select_points(grid, all_land(grid), *points(whole, places))
    assert selection.ids.tolist() == sorted(set(places))
    assert int((selection.report.repeated_counts - 1).sum()) == len(places) - len(set(places))


def test_unsorted_points_and_two_in_one_cell_give_domain_and_data_in_one_order(tmp_path: Path) -> None:
    """Points out of order, and two in one cell: domain and weather follow the ids alike."""
    whole = craft.make_domain(GRIDS[0])
    longitude, latitude = whole.xc.values.ravel(), whole.yc.values.ravel()
    chosen = [150, 3, 77, 3, 20]
    lines = [f"{longitude[cell]},{latitude[cell]}" for cell in chosen]
    lines[3] = f"{longitude[3] + 0.2},{latitude[3] - 0.2}"
    (tmp_path / "points.csv").write_text("\n".join(lines) + "\n")
    area = PointFile(tmp_path / "points.csv", Coordinates.LONGITUDE_LATITUDE)
    domain = craft.make_domain(GRIDS[0], areas=[area])
    assert domain.gridID.values.ravel().tolist() == [3, 20, 77, 150]
    weather = xarray.Dataset(
        {
            "gridID": ("ni", np.arange(200)[::-1].astype(np.int32)),
            "TBOT": (("time", "ni"), np.arange(200.0)[::-1][None] + np.array([[200.0], [300.0]])),
        }
    )
    taken = craft.make_subset(weather, domain=domain)
    assert taken.gridID.values.tolist() == [3, 20, 77, 150]
    assert taken.TBOT.values.tolist() == [[203.0, 220.0, 277.0, 350.0], [303.0, 320.0, 377.0, 450.0]]
    craft.write(taken, tmp_path / "taken.nc")
    with open_dataset(tmp_path / "taken.nc") as file:
        xarray.testing.assert_equal(to_xarray(file, decode=False), taken)
