"""Pressure by the height of the cells above the surface of the reanalysis."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import AROUND, YEAR, make_domain, make_source

from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset

RISE = 400.0
"""Of the second cell above the others [m]."""


def request(folder: Path, heights: str | None, output: str) -> ForcingRequest:
    return ForcingRequest(
        folder / "source",
        folder / "domain.nc",
        YEAR,
        YEAR,
        folder / output,
        heights=heights,
        part=1,
        parts=12,
    )


def pressure(folder: Path) -> np.ndarray:
    with netCDF4.Dataset(folder / f"clmforc.Daymet4.1km.1d.PSRF.{YEAR}-01.nc") as file:
        return np.asarray(file["PSRF"][:, 0], dtype=np.float64)


def test_pressure_falls_with_the_height_of_the_cell_and_ids_decide(tmp_path: Path) -> None:
    domain = make_domain(tmp_path / "domain.nc")
    source = make_source(tmp_path / "source")
    schema = FileSchema(
        {"cell": 4}, None, tuple(VariableSchema(name, "f8", ("cell",)) for name in ("gridID", "TOPO"))
    )
    arrays = {
        "gridID": domain.gridcell_id[::-1].astype(float),
        "TOPO": np.array([100.0, 100.0, 500.0, 100.0]),
    }
    write_dataset(tmp_path / "heights.nc", schema, arrays)
    heights = f"{tmp_path / 'heights.nc'}:TOPO"
    with pytest.raises(InputError, match="no TOPO, elevation or HGT"):
        craft_forcing(request(tmp_path, heights, "refused"))
    with netCDF4.Dataset(source / f"clmforc.GSWP3.c2011.synthetic.TPQWL.{YEAR}-01.nc", "a") as file:
        file.createVariable("TOPO", "f8", ("lat", "lon"))[:] = np.full((AROUND.rows, AROUND.columns), 100.0)
    craft_forcing(request(tmp_path, heights, "high"))
    craft_forcing(request(tmp_path, None, "flat"))
    ratio = pressure(tmp_path / "high") / pressure(tmp_path / "flat")
    np.testing.assert_array_equal(ratio[:, [0, 2, 3]], 1.0)
    # 400 m at 250 to 280 K: 4.8 to 5.4 per cent.
    assert (np.abs(ratio[:, 1] - 0.949) < 0.006).all()
    with pytest.raises(InputError, match="other settings"):
        craft_forcing(request(tmp_path, heights, "flat"))
