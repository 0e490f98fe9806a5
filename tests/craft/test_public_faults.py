"""Every fault of the public crafting scripts has a test here or elsewhere that shows it impossible.

``FAULTS`` is the list; the tests of this file are those that fit nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import COLUMNS, GRID, ROWS, YEAR, make_domain

from kiloland.cli.main import main
from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.craft.forcing.samples import write_three_hourly
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import DaymetGrid, build_domain, build_rectangle, write_domain

TESTS = Path(__file__).resolve().parents[1]

FAULTS = {
    # Places and areas
    "a sphere in the place of the ellipsoid": (
        "grid/test_daymet.py::a_sphere_in_place_of_the_ellipsoid_would_be_found",
        "grid/test_daymet.py::seward_peninsula_longitudes_and_latitudes_follow_from_x_and_y_within_a_metre",
        "craft/check/test_check_domain.py::cells_on_a_sphere_are_named",
        "report/test_export_geotiff.py::the_map_has_the_ellipsoid_metres_and_edges_half_a_cell_outside_the_centres",
    ),
    "centres outside of their own corners": (
        "grid/test_daymet.py::corners_enclose_the_centre_counter_clockwise_also_at_the_dateline_and_greenwich",
        "craft/check/test_check_known_faults.py::coordinates_cut_from_corners",
    ),
    "area in degree2, km2, (dlon/180)(dlat/180), 1, NaN": (
        "grid/test_daymet.py::areas_agree_with_geodesic_polygons_to_1e_6",
        "files/test_format_tables.py::elm_gets_true_areas_and_masks",
        "craft/check/test_check_domain.py::a_wrong_area_is_named_by_its_ratio",
        "craft/check/test_check_domain.py::the_area_of_half_turns_is_named",
    ),
    "nominal instead of true square kilometres": ("grid/test_daymet.py::north_american_land_area",),
    "another radius in one dimension than in two": (
        "craft/test_public_faults.py::one_and_two_dimensions_have_the_same_numbers",
    ),
    "lists that carry the coordinates of the whole grid": (
        "craft/test_public_faults.py::a_list_has_no_variable_over_rows_and_columns",
        "craft/test_plan_sizes.py::a_domain_is_planned_to_the_byte",
    ),
    "gridXID, gridYID dropped, xc_LCC renamed, rows by another length": (
        "files/test_format_tables.py::domains_have_the_format_of_elm_domains",
        "craft/check/test_check_known_faults.py::rows_counted_by_the_wrong_length",
    ),
    "steps in the place of coordinates, metres called degrees": (
        "craft/check/test_check_known_faults.py::metres_in_the_place_of_degrees",
        "grid/test_selection.py::degrees_in_place_of_metres_are_refused",
    ),
    "the whole grid in memory": (
        "grid/test_domain.py::files_do_not_depend_on_blocks_and_threads",
        "craft/test_duplicate.py::memory_does_not_grow_with_the_file",
    ),
    # Cells of an area
    "domain and forcing in different orders": (
        "craft/test_crafting_properties.py::unsorted_points_and_two_in_one_cell_give_domain_and_data_in_one_order",
        "craft/test_forcing_files.py::cells_come_in_the_order_of_the_domain_and_off_land_is_left_out",
        "craft/check/test_check_known_faults.py::forcing_in_the_order_of_its_source",
        "craft/test_seward_chain.py::ids_order_and_places_are_those_of_the_data_file",
    ),
    "two points in one cell": (
        "grid/test_selection.py::two_points_in_one_cell_make_one_cell_and_a_line_in_the_report",
        "craft/check/test_check_known_faults.py::two_points_in_one_cell",
    ),
    "of two points outside the second stays and is moved": (
        "grid/test_selection.py::consecutive_points_outside_are_all_left_out",
        "grid/test_selection.py::points_outside_and_off_land_are_reported_with_their_distance_and_not_moved",
        "craft/check/test_check_known_faults.py::a_point_snapped_to_a_far_cell",
    ),
    "nearest in degrees": (
        "grid/test_selection.py::points_by_x_and_y_choose_the_same_cells",
        "craft/test_surface_mapping.py::nearest_is_that_of_a_search_of_all_cells_with_values",
    ),
    "lists of one column crash, ids that were not found go unnoticed": (
        "grid/test_points.py::ids_are_read_as_listed",
        "craft/test_subset.py::missing_ids_are_named_and_nothing_is_written",
    ),
    "longitudes of either convention": (
        "grid/test_selection.py::points_in_either_longitude_convention_and_any_order",
        "craft/check/test_check_surface.py::longitudes_of_another_convention_are_no_fault",
    ),
    "polygons of another coordinate system": (
        "grid/test_polygons.py::a_projected_shapefile_comes_to_its_place",
    ),
    "coordinates overwritten so that a check passes": (
        "craft/check/test_check_forcing.py::coordinates_of_other_places_are_found_without_a_domain",
        "craft/landuse/test_landuse.py::a_surface_file_of_other_cells_is_refused",
        "files/test_format_tables.py::domain_surface_and_forcing_agree_within_what_elm_allows",
    ),
    "a mask that changes nothing but its first cell": (
        "grid/test_mask.py::a_domain_file_serves_as_a_mask_with_its_fractions",
    ),
    # Forcing
    "missing values over water shift the cells": (
        "craft/test_public_faults.py::missing_values_over_water_shift_no_cell",
    ),
    "the mark of missing values of one variable used for the next": (
        "craft/test_public_faults.py::missing_values_over_water_shift_no_cell",
        "craft/check/test_check_known_faults.py::fill_values_that_lost_their_attribute",
    ),
    "leap years known by one number of samples, 31 December absent": (
        "craft/test_forcing_files.py::the_last_day_of_a_leap_year_is_made_and_the_leap_day_left_out",
        "craft/test_forcing_files.py::three_hourly_maps_are_taken_as_they_are",
        "craft/check/test_check_known_faults.py::the_31st_of_december_left_out",
        "craft/check/test_check_known_faults.py::february_of_29_days",
    ),
    "shortwave stamped in the middle of its interval": (
        "craft/test_forcing_files.py::stamps_are_those_of_the_interpolation_and_say_so",
        "craft/check/test_check_known_faults.py::all_variables_stamped_in_the_middle_of_the_interval",
    ),
    "days closed in UTC": ("craft/test_forcing_files.py::daily_shortwave_closes",),
    "streams wired to the files of one test set": (
        "craft/forcing/test_stream_descriptions.py::each_description_names_its_variable_files_and_domain",
    ),
    "names with underscores break, folders are emptied, only one folder works": (
        "craft/test_public_faults.py::a_prefix_with_underscores_and_a_folder_with_other_files",
    ),
    "a single process; a year in memory": (
        "craft/forcing/test_forcing_ranks.py::two_ranks_make_the_same_bytes",
        "craft/test_forcing_files.py::memory_and_parts_do_not_change_a_bit",
    ),
    "classic files of 4 GiB, compression that is ignored": (
        "files/test_format_tables.py::files_are_cdf5_which_parallel_netcdf_reads_at_any_size",
    ),
    # Surface data
    "15 empty urban columns in every cell": ("craft/test_surface_file.py::no_empty_towns_are_made",),
    "a search of all cells for every layer": (
        "craft/test_surface_mapping.py::weights_are_made_once_for_each_mask",
    ),
    "land units that miss 100, and plant types never looked at": (
        "craft/test_surface_file.py::sums_hold_to_elms_tolerance_and_better",
        "craft/test_surface_file.py::the_ledger_counts_what_renormalising_changed",
        "craft/check/test_check_known_faults.py::interpolated_land_units_that_miss_a_hundred",
    ),
    "NaN at the hull of a linear mapping, patched by hand": (
        "craft/test_surface_file.py::missing_values_are_filled_from_near_and_counted",
        "craft/check/test_check_known_faults.py::holes_at_the_hull_of_a_linear_mapping",
    ),
    "classes averaged": (
        "craft/test_surface_file.py::classes_are_those_of_the_source_and_soil_stays_within_its_neighbours",
        "craft/test_surface_file.py::unfit_methods_are_refused",
    ),
    "longitudes not wrapped": (
        "craft/test_surface_mapping.py::linear_agrees_with_an_independent_interpolator_across_the_dateline_and_greenwich",
    ),
    "no spline": ("craft/test_surface_smooth.py::a_spline_agrees_with_an_independent_one",),
    "old and new cells in one file": (
        "files/test_format_tables.py::no_second_pair_of_dimensions_can_be_taken_for_the_cells",
        "craft/check/test_check_known_faults.py::old_and_new_cells_in_one_surface_file",
    ),
    "AREA of 1": (
        "craft/test_surface_file.py::geometry_comes_from_the_domain",
        "craft/check/test_check_known_faults.py::areas_of_one_for_every_surface_cell",
    ),
    "the mark of missing values lost in a subset": (
        "craft/test_public_faults.py::a_subset_keeps_attributes_and_the_mark_of_missing_values",
    ),
    # Land cover
    "pixels counted twice at edges": (
        "craft/landcover/test_landcover_areas.py::each_pixel_is_in_one_cell_and_its_weight_is_its_area",
        "craft/landcover/test_landcover_areas.py::the_area_of_every_class_is_conserved",
    ),
    "no data summed as data": (
        "craft/landcover/test_landcover_file.py::pixels_without_data_are_no_class_and_little_coverage_is_left_to_the_source",
    ),
    "temperate grass split the wrong way round, mixed forest without needles": (
        "craft/landcover/test_landcover_file.py::classes_split_by_the_coldest_month",
    ),
    "never merged into surface data": (
        "craft/landcover/test_landcover_file.py::the_surface_file_takes_the_shares_where_they_are_known",
    ),
    # Copies, comparison, pictures
    "the whole variable rewritten for every layer": (
        "files/test_writing.py::every_entry_is_written_exactly_once",
        "craft/test_duplicate.py::the_bytes_do_not_depend_on_the_size_of_blocks",
    ),
    "ids of copies not unique": ("craft/test_duplicate.py::ids_are_unique_in_order_and_name_their_origin",),
    "a comparison that misses small changes, masks, copies, and always succeeds": (
        "verify/test_compare.py::any_changed_bit_of_data_is_found",
        "verify/test_compare.py::exit_codes_of_the_command",
        "verify/test_copies.py::a_single_wrong_value_is_found_and_its_copy_named",
    ),
    "degrees written for metres, shifted by half a cell": (
        "report/test_export_geotiff.py::metres_never_get_a_system_of_degrees_and_degrees_never_one_of_metres",
        "report/test_export_geotiff.py::published_coordinates_of_seward_cells_hit_their_own_pixels",
    ),
    "masked cells dropped, so that later ones shift": (
        "report/test_export_geotiff.py::cells_without_a_value_shift_no_other_cell",
    ),
    "partitions that grow with the domain": (
        "grid/test_partition.py::memory_of_a_rank_does_not_grow_with_the_domain",
    ),
    # Bad input that the issue names
    "percent given as fraction and the reverse": (
        "craft/test_surface_file.py::a_bad_source_is_told_and_nothing_is_written",
        "craft/landcover/test_landcover_file.py::shares_given_as_fractions_are_told_apart_from_percent",
        "craft/check/test_check_surface.py::percent_and_fraction_mixed_up_are_named",
    ),
    "a raster without a coordinate system": (
        "files/test_raster.py::a_raster_without_a_coordinate_system_is_refused_unless_one_is_given",
    ),
    "a full disk in the middle of a year": (
        "craft/test_forcing_files.py::a_full_disk_in_the_middle_keeps_the_finished_months",
        "craft/test_surface_products.py::a_full_disk_leaves_no_file",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_a_test_that_is_there(fault: str) -> None:
    for test in FAULTS[fault]:
        file, _, name = test.partition("::")
        text = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^ *def test_{name}\(", text, re.MULTILINE), test


IDS = np.array([1301 * 7814 + 1701, 1301 * 7814 + 1703, 1302 * 7814 + 1702])


def test_one_and_two_dimensions_have_the_same_numbers() -> None:
    one, two = build_domain(DaymetGrid(), IDS), build_rectangle(DaymetGrid(), IDS).land()
    for name in ("gridcell_id", "longitude", "latitude", "area", "vertex_longitude", "vertex_latitude"):
        assert getattr(one, name).tobytes() == np.ascontiguousarray(getattr(two, name)).tobytes(), name


def test_a_list_has_no_variable_over_rows_and_columns(tmp_path: Path) -> None:
    write_domain(tmp_path / "domain.nc", build_domain(DaymetGrid(), IDS))
    with netCDF4.Dataset(tmp_path / "domain.nc") as file:
        sizes = {name: len(dimension) for name, dimension in file.dimensions.items()}
    assert sizes == {"nj": 1, "ni": 3, "nv": 4}


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of maps, and the domain of some of their cells."""
    folder = tmp_path_factory.mktemp("maps")
    write_three_hourly(folder / "maps", GRID, ROWS, COLUMNS, YEAR, 1)
    make_domain(folder / "domain.nc")
    return folder


def month(folder: Path, source: Path, output: Path) -> dict[str, bytes]:
    craft_forcing(ForcingRequest(source, folder / "domain.nc", YEAR, YEAR, output, last_month=1))
    return {path.name: path.read_bytes() for path in output.glob("*.nc")}


def test_missing_values_over_water_shift_no_cell(maps: Path, tmp_path: Path) -> None:
    """Other marks of missing values in each variable, and holes that come and go off the domain."""
    whole = month(maps, maps / "maps", tmp_path / "whole")
    with netCDF4.Dataset(maps / "domain.nc") as file:
        ids = GRID.columns * np.arange(ROWS.start, ROWS.stop)[:, None]
        used = np.isin(ids + np.arange(COLUMNS.start, COLUMNS.stop), file["gridID"][:])
    holes = np.random.default_rng(3).random((248, *used.shape)) < 0.5
    (tmp_path / "maps").mkdir()
    for number, path in enumerate(sorted((maps / "maps").iterdir())):
        name = path.name.split(".")[3]
        with netCDF4.Dataset(path) as before, netCDF4.Dataset(tmp_path / "maps" / path.name, "w") as after:
            for dim in ("time", "y", "x"):
                after.createDimension(dim, len(before.dimensions[dim]))
            for each in ("x", "y", "time", name):
                mark = [-9999.0, 1e36, np.nan][number % 3] if each == name else None
                dims, dtype = before[each].dimensions, before[each].dtype
                variable = after.createVariable(each, dtype, dims, fill_value=mark)
                variable.setncatts(
                    {k: before[each].getncattr(k) for k in before[each].ncattrs() if k[0] != "_"}
                )
                values = before[each][:].data
                variable[:] = np.where(holes & ~used, variable.dtype.type(mark), values) if mark else values
    assert month(maps, tmp_path / "maps", tmp_path / "holes").keys() == whole.keys()
    for name in whole:
        with open_dataset(tmp_path / "whole" / name) as one, open_dataset(tmp_path / "holes" / name) as other:
            field = name.split(".")[4]
            assert one[field].read().tobytes() == other[field].read().tobytes(), name


def test_a_prefix_with_underscores_and_a_folder_with_other_files(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists called ``<AOI>_clmforc...``, folders with a slash at their end, another working directory."""
    first = month(maps, maps / "maps", tmp_path / "first")
    (tmp_path / "my_area_v2").mkdir()
    for name, content in first.items():
        (tmp_path / "my_area_v2" / f"my_area_v2_{name}").write_bytes(content)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = ["--source", "my_area_v2/", "--domain", str(maps / "domain.nc"), "-o", "out/"]
    assert main(["craft", "forcing", *words, "--years", f"{YEAR}-01:{YEAR}-01"]) == 0
    assert (tmp_path / "out/notes.txt").read_text(encoding="utf-8") == "mine"
    for name in first:
        with open_dataset(tmp_path / "first" / name) as one, open_dataset(tmp_path / "out" / name) as other:
            for variable in one:
                assert one[variable].read().tobytes() == other[variable].read().tobytes(), (name, variable)


def test_a_subset_keeps_attributes_and_the_mark_of_missing_values(tmp_path: Path) -> None:
    write_domain(tmp_path / "domain.nc", build_domain(DaymetGrid(), IDS))
    write_domain(tmp_path / "one.nc", build_domain(DaymetGrid(), IDS[1:]))
    attributes = {"units": "m", "_FillValue": np.float64(-999.0), "flag": np.int32(7)}
    cells = (
        VariableSchema("gridID", "i4", ("gridcell",)),
        VariableSchema("DEPTH", "f8", ("gridcell",), attributes),
    )
    arrays = {"gridID": IDS.astype(np.int32), "DEPTH": np.array([1.0, -999.0, 3.0])}
    write_dataset(tmp_path / "data.nc", FileSchema({"gridcell": 3}, None, cells), arrays)
    words = [str(tmp_path / "data.nc"), "--domain", str(tmp_path / "one.nc"), "-o", str(tmp_path / "part.nc")]
    assert main(["craft", "subset", *words]) == 0
    with netCDF4.Dataset(tmp_path / "part.nc") as file:
        assert {name: file["DEPTH"].getncattr(name) for name in attributes} == attributes
        assert np.ma.getmaskarray(file["DEPTH"][:]).tolist() == [True, False]
