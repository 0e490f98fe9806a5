"""History and restart files against ELM's formats: dimensions, types, order, units, calendar."""

from __future__ import annotations

import gzip
from pathlib import Path

import netCDF4
import numpy as np
import pytest

CELL = ("lndgrid",)
TIME = ("time",)
HISTORY = {
    "time": ("f8", TIME, "days since 0001-01-01 00:00:00"),
    "time_bounds": ("f8", ("time", "hist_interval"), None),
    "mcdate": ("i4", TIME, None),
    "mcsec": ("i4", TIME, "s"),
    "mdcur": ("i4", TIME, None),
    "mscur": ("i4", TIME, None),
    "nstep": ("i4", TIME, None),
    "date_written": ("S1", ("time", "string_date_len"), None),
    "levgrnd": ("f8", ("levgrnd",), "m"),
    "lon": ("f8", CELL, "degrees_east"),
    "lat": ("f8", CELL, "degrees_north"),
    "area": ("f8", CELL, "km^2"),
    "landfrac": ("f8", CELL, None),
    "landmask": ("i4", CELL, None),
}
LENGTHS = {"levgrnd": 15, "levsoi": 10, "levlak": 10, "levsno": 5, "numrad": 2, "hist_interval": 2}


def test_history_has_elms_dimensions_types_and_units(two_sets: Path) -> None:
    path = sorted(two_sets.glob("*.elm.h0.*.nc"))[0]
    assert path.read_bytes()[:4] == b"CDF\x05"
    with netCDF4.Dataset(path) as file:
        assert file.dimensions["time"].isunlimited()
        assert {name: len(file.dimensions[name]) for name in LENGTHS} == LENGTHS
        for name, (kind, dims, units) in HISTORY.items():
            assert (file[name].dtype, file[name].dimensions) == (np.dtype(kind), dims), name
            assert units is None or file[name].units == units, name
        assert file["time"].calendar == "noleap"
        assert file["time"].bounds == "time_bounds"
        assert {"title", "source", "case", "Conventions"} <= set(file.ncattrs())
        fields = [
            name
            for name, one in file.variables.items()
            if one.dimensions[:1] == TIME and "cell_methods" in one.ncattrs()
        ]
        assert fields
        for name in fields:
            one = file[name]
            assert one.dtype == np.float32, name
            assert one.dimensions[-1] in ("lndgrid", "column", "pft"), name
            assert one._FillValue == one.missing_value == np.float32(1.0e36), name
            assert one.units, name
            assert one.long_name, name


def test_restart_has_elms_dimensions_and_index_vectors(two_sets: Path) -> None:
    path = sorted(two_sets.glob("*.elm.r.*.nc"))[0]
    assert path.read_bytes()[:4] == b"CDF\x05"
    with netCDF4.Dataset(path) as file:
        lengths = {name: len(dim) for name, dim in file.dimensions.items()}
        assert {"gridcell", "topounit", "landunit", "column", "pft"} <= set(lengths)
        assert (lengths["levtot"], lengths["levsno"], lengths["numrad"]) == (20, 5, 2)
        for prefix, dim in (
            ("grid1d", "gridcell"),
            ("land1d", "landunit"),
            ("cols1d", "column"),
            ("pfts1d", "pft"),
        ):
            for word in ("ixy", "jxy"):
                index = file[f"{prefix}_{word}"]
                assert (index.dimensions, index.dtype) == ((dim,), np.int32), index.name
        assert int(file["cols1d_gridcell_index"][:].min()) == 1
        assert int(file["pfts1d_column_index"][:].max()) == lengths["column"]
        layered = file["T_SOISNO"]
        assert (layered.dimensions, layered.dtype) == (("column", "levtot"), np.float64)


@pytest.mark.oracle
def test_what_both_models_write_has_the_same_type_and_dimensions(
    two_sets: Path, shared: Path, tmp_path: Path
) -> None:
    packed = shared / "data/elm/b4_4cells8yr"
    for ours, theirs in (("elm.h0", "h0.monthly.nc.gz"), ("elm.r", "r.0002-01-01.nc.gz")):
        (tmp_path / "elm.nc").write_bytes(gzip.decompress((packed / theirs).read_bytes()))
        own = sorted(two_sets.glob(f"*.{ours}.*.nc"))[0]
        with netCDF4.Dataset(own) as found, netCDF4.Dataset(tmp_path / "elm.nc") as reference:
            common = [name for name in found.variables if name in reference.variables]
            assert len(common) > 10
            odd = {
                name
                for name in common
                if found[name].dimensions != reference[name].dimensions
                or (ours == "elm.r" and found[name].dtype != reference[name].dtype)
            }
            assert odd == set()
