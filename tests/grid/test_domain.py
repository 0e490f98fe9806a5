"""Domains: ordered, written in ELM's format, read back bit for bit, and checked."""

from __future__ import annotations

from dataclasses import fields, replace

import netCDF4
import numpy as np
import pytest
from grid_samples import MASK, PIECE

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import (
    KM2_PER_RADIAN2,
    DaymetGrid,
    DomainHeader,
    RegularGrid,
    build_domain,
    build_rectangle,
    check_domain,
    domain_blocks,
    read_domain,
    rectangle_blocks,
    write_domain,
    write_domain_blocks,
)

SOME = np.array([4000, 17, 18, 99, 4799, 98, 2000])


def assert_same(one, other):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            assert np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f"), field.name
        else:
            assert mine == theirs, field.name


def test_a_domain_is_ordered_by_id_whatever_the_request():
    domain = build_domain(PIECE, SOME)
    assert domain.ordered
    assert domain.gridcell_id.tolist() == sorted(SOME.tolist())
    assert np.array_equal(domain.gridcell_id, domain.row * PIECE.columns + domain.column)
    assert_same(domain, build_domain(PIECE, np.sort(SOME)))


@pytest.mark.parametrize("grid", [PIECE, RegularGrid(170.0, -170.0, 80, 50.0, 70.0, 60)])
@pytest.mark.parametrize("make", [build_domain, build_rectangle])
def test_a_domain_comes_back_from_its_file_bit_for_bit(tmp_path, grid, make):
    domain = make(grid, SOME, MASK)
    write_domain(tmp_path / "domain.nc", domain, {"selection": "seven cells"})
    again = read_domain(tmp_path / "domain.nc")
    assert_same(domain, again)
    write_domain(tmp_path / "again.nc", again, {"selection": "seven cells"})
    assert (tmp_path / "again.nc").read_bytes() == (tmp_path / "domain.nc").read_bytes()


@pytest.mark.parametrize("make", [build_domain, build_rectangle])
@pytest.mark.parametrize(
    "cells", [np.array([5, 2, 3]), slice(1, 5), slice(4, 5), np.array([], dtype=np.int64)]
)
def test_only_some_cells_are_read(tmp_path, make, cells):
    domain = make(PIECE, SOME, MASK)
    write_domain(tmp_path / "domain.nc", domain)
    assert_same(domain.take(cells), read_domain(tmp_path / "domain.nc", cells))
    with pytest.raises(InputError, match="out of range"):
        read_domain(tmp_path / "domain.nc", np.array([domain.number_of_cells]))


def test_a_rectangle_holds_all_cells_and_only_the_chosen_are_land():
    domain = build_rectangle(PIECE, np.array([5 * 80 + 7, 6 * 80 + 9, 6 * 80 + 35]), MASK)
    assert domain.shape == (2, 29)
    assert domain.land().gridcell_id.tolist() == [407, 489]
    assert domain.fraction.sum() == 2
    assert domain.row[[0, -1]].tolist() == [5, 6]
    assert domain.column[[0, -1]].tolist() == [7, 35]


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (7, 2), (100_000, 3)])
@pytest.mark.parametrize("kind", ["list", "rectangle"])
def test_files_do_not_depend_on_blocks_and_threads(tmp_path, block, threads, kind):
    ids = np.sort(SOME)
    domain = (build_domain if kind == "list" else build_rectangle)(PIECE, ids, MASK)
    write_domain(tmp_path / "whole.nc", domain)
    make = domain_blocks if kind == "list" else rectangle_blocks
    blocks = make(PIECE, ids, MASK, block=block, threads=threads)
    write_domain_blocks(tmp_path / "blocks.nc", DomainHeader.of_grid(PIECE, domain.shape), blocks)
    assert (tmp_path / "blocks.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()


def test_the_file_is_elms_format_for_another_reader(tmp_path):
    domain = build_domain(DaymetGrid(), np.array([9_308_121, 12_551_076]))
    write_domain(tmp_path / "domain.nc", domain)
    with netCDF4.Dataset(tmp_path / "domain.nc") as file:
        assert file.data_model == "NETCDF3_64BIT_DATA"
        assert {name: len(dim) for name, dim in file.dimensions.items()} == {"nj": 1, "ni": 2, "nv": 4}
        for name, kind in {
            "xc": "f8",
            "yc": "f8",
            "area": "f8",
            "mask": "i4",
            "frac": "f8",
            "gridID": "i4",
        }.items():
            assert file[name].dimensions == ("nj", "ni")
            assert file[name].dtype == kind
        assert file["xv"].dimensions == file["yv"].dimensions == ("nj", "ni", "nv")
        assert file["area"].units == "radian2"
        assert file["xc"].bounds == "xv"
        assert file["gridID"][0].tolist() == [9_308_121, 12_551_076]
        assert file["gridXID"][0].tolist() == [i % 7814 for i in (9_308_121, 12_551_076)]
        mapping = file[file["area"].grid_mapping]
        assert (mapping.semi_major_axis, mapping.inverse_flattening) == (6378137.0, 298.257223563)
        assert mapping.standard_parallel.tolist() == [25.0, 60.0]
        assert file["xc_LCC"].units == "m"
        assert 0.3 < file["area"][0, 0] * 6371.22**2 < 1.2


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "cells"), [("domain.nc", 1), ("domain_4.nc", 4)])
def test_elms_own_domains_are_read_and_written(shared, tmp_path, name, cells):
    path = shared / "data" / "elm" / "inputs" / name
    domain = read_domain(path)
    assert domain.number_of_cells == cells
    assert domain.longitude[0] == 266.562
    with netCDF4.Dataset(path) as file:
        assert np.array_equal(domain.vertex_longitude, file["xv"][0].T)
        assert np.array_equal(domain.area, file["area"][0])
    write_domain(tmp_path / name, domain)
    assert_same(domain, read_domain(tmp_path / name))


def test_an_unordered_file_keeps_its_order_and_says_so(tmp_path):
    domain = build_domain(PIECE, SOME).take(np.array([3, 0, 1]))
    assert not domain.ordered
    write_domain(tmp_path / "domain.nc", domain)
    assert_same(domain, read_domain(tmp_path / "domain.nc"))


def damaged(name, values):
    domain = build_domain(PIECE, SOME)
    new = getattr(domain, name).copy()
    new[3] = values
    return replace(domain, **{name: new})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("longitude", np.nan, "xc: cell 3 .* not a finite number"),
        ("latitude", 91.0, "yc: cell 3 .* latitude out of range"),
        ("area", np.inf, "area: cell 3 .* not a finite number"),
        ("area", 0.0, "not positive"),
        ("area", 1.0, "disagrees with the corners"),  # km² in place of radian²
        ("area", 1.9e-4, "disagrees with the corners"),  # degree² in place of radian²
        ("area", 2.5e-9, "disagrees with the corners"),  # divided by 180 in place of 180 / pi
        ("fraction", 1.5, "land fraction out of range"),
        ("fraction", -0.1, "land fraction out of range"),
        ("fraction", 0.0, "mask and frac disagree"),
        ("mask", 0, "mask and frac disagree"),
        ("mask", 2, "neither 0 nor 1"),
        ("gridcell_id", 17, "gridID: cells 0 and 3.* same gridcell id twice"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(tmp_path, name, value, message):
    domain = damaged(name, value)
    with pytest.raises(InputError, match=message):
        check_domain(domain)
    with pytest.raises(InputError):
        write_domain(tmp_path / "domain.nc", domain)
    assert not list(tmp_path.iterdir())


def test_a_wrong_file_is_refused_with_its_name(tmp_path):
    path = tmp_path / "domain.nc"
    domain = build_domain(PIECE, SOME)
    for change in ("units", "missing", "km2"):
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("nj", 1)
            file.createDimension("ni", 7)
            for name, values in {"xc": domain.longitude, "yc": domain.latitude, "area": domain.area,
                                 "mask": domain.mask, "frac": domain.fraction}.items():  # fmt: skip
                if (change, name) != ("missing", "frac"):
                    file.createVariable(name, values.dtype, ("nj", "ni"))[0] = values
            file["area"].units = "km2" if change == "units" else "radian2"
            if change == "km2":
                file["area"][0] = domain.area * KM2_PER_RADIAN2 * 100
        with pytest.raises(InputError, match=r"domain\.nc: (area|frac)"):
            read_domain(path)


@pytest.mark.parametrize(
    "ids", [np.array([], dtype=np.int64), np.array([3, 3]), np.array([-1]), np.array([4800])]
)
def test_ids_that_make_no_domain_are_refused(ids):
    with pytest.raises(InputError):
        build_domain(PIECE, ids)


def test_ids_beyond_32_bits_are_kept(tmp_path):
    grid = RegularGrid(0.0, 360.0, 100_000, -90.0, 90.0, 50_000)
    domain = build_domain(grid, np.array([4_999_999_999, 2_500_000_000]))
    write_domain(tmp_path / "domain.nc", domain)
    with open_dataset(tmp_path / "domain.nc") as file:
        assert file["gridID"].dtype == np.int64
    assert read_domain(tmp_path / "domain.nc").gridcell_id.tolist() == [2_500_000_000, 4_999_999_999]


def test_corners_as_the_first_dimension_and_landmask_before_mask(tmp_path):
    domain = build_domain(PIECE, SOME[:4])
    with netCDF4.Dataset(tmp_path / "domain.nc", "w", format="NETCDF3_64BIT_OFFSET") as file:
        for name, length in {"nv": 4, "nj": 1, "ni": 4}.items():
            file.createDimension(name, length)
        for name, values in {
            "xc": domain.longitude - 360,
            "yc": domain.latitude,
            "area": domain.area,
        }.items():
            file.createVariable(name, "f8", ("nj", "ni"))[0] = values
        file.createVariable("mask", "i4", ("nj", "ni"))[0] = 0
        file.createVariable("LANDMASK", "i4", ("nj", "ni"))[0] = 1
        file.createVariable("frac", "f8", ("nj", "ni"))[0] = 1.0
        file.createVariable("xv", "f8", ("nv", "nj", "ni"))[:, 0] = domain.vertex_longitude - 360
        file.createVariable("yv", "f8", ("nv", "nj", "ni"))[:, 0] = domain.vertex_latitude
    again = read_domain(tmp_path / "domain.nc", np.array([2, 1]))
    # One turn less and one more costs a few last bits.
    assert np.allclose(again.vertex_longitude, domain.vertex_longitude[:, [2, 1]], rtol=0, atol=1e-12)
    assert np.array_equal(again.vertex_latitude, domain.vertex_latitude[:, [2, 1]])
    assert again.mask.tolist() == [1, 1]
    assert again.longitude == pytest.approx(domain.longitude[[2, 1]], abs=1e-12)
