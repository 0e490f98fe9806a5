"""The coldest month from a grid, from cells and from a folder of forcing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from landcover_samples import block

from kiloland.craft.landcover import ClimateRequest, coldest_month
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.grid import Domain


def write_grid(
    path: Path, west: float = 190.25, south: float = 60.25, units: str = "K", months: int = 12
) -> Path:
    """Twelve months of a field that is linear in longitude and latitude and coldest in the third month."""
    longitude, latitude = west + 0.5 * np.arange(20), south + 0.5 * np.arange(16)
    field = 260.0 + 0.5 * (longitude - 195.0) - 1.0 * (latitude - 65.0)[:, None]
    season = np.abs(np.arange(months) - 2.0)[:, None, None]
    axes = (VariableSchema("lat", "f8", ("lat",)), VariableSchema("lon", "f8", ("lon",)))
    temperature = VariableSchema("tas", "f8", ("time", "lat", "lon"), {"units": units})
    schema = FileSchema({"time": months, "lat": 16, "lon": 20}, None, (*axes, temperature))
    write_dataset(path, schema, {"lat": latitude, "lon": longitude, "tas": field + season})
    return path


def write_forcing(folder: Path, domain: Domain, months: range) -> Path:
    """Monthly files of the domain's cells in another order, two samples each."""
    folder.mkdir()
    order = np.arange(domain.number_of_cells)[::-1]
    for month in months:
        celsius = -30.0 + 2.0 * abs(month - 2) + 0.1 * order
        values = np.stack([celsius - 1.0, celsius + 1.0])[:, None, :] + 273.15
        schema = FileSchema(
            {"nj": 1, "ni": order.size},
            ("time", 2),
            (
                VariableSchema("gridID", "i4", ("nj", "ni")),
                VariableSchema("TBOT", "f8", ("time", "nj", "ni"), {"units": "K"}),
            ),
        )
        arrays = {"gridID": domain.gridcell_id[order][None].astype(np.int32), "TBOT": values}
        write_dataset(folder / f"clmforc.Daymet4.1km.1d.TBOT.1980-{month:02d}.nc", schema, arrays)
    return folder


def test_a_grid_is_read_linearly_in_its_coldest_month(tmp_path: Path) -> None:
    domain = block(tmp_path)
    found, origin = coldest_month(ClimateRequest(str(write_grid(tmp_path / "c.nc"))), domain)
    expected = 260.0 + 0.5 * (domain.longitude - 195.0) - (domain.latitude - 65.0) - 273.15
    assert np.abs(found - expected).max() < 1e-9
    assert origin == "c.nc: tas"


def test_three_hourly_forcing_gives_the_coldest_mean_of_a_month(tmp_path: Path) -> None:
    domain = block(tmp_path)
    folder = write_forcing(tmp_path / "forcing", domain, range(1, 13))
    found, _ = coldest_month(ClimateRequest(str(folder)), domain)
    assert np.abs(found - (-30.0 + 0.1 * np.arange(48))).max() < 1e-9


def test_forcing_without_all_months_is_refused(tmp_path: Path) -> None:
    domain = block(tmp_path)
    folder = write_forcing(tmp_path / "forcing", domain, range(1, 12))
    with pytest.raises(InputError, match="none of month 12"):
        coldest_month(ClimateRequest(str(folder)), domain)


def test_forcing_that_lacks_a_cell_is_refused(tmp_path: Path) -> None:
    domain = block(tmp_path)
    folder = write_forcing(tmp_path / "forcing", domain.take(slice(0, 47)), range(1, 13))
    with pytest.raises(InputError, match=f"gridcell id {domain.gridcell_id[47]}: the forcing lacks a cell"):
        coldest_month(ClimateRequest(str(folder)), domain)


def test_a_grid_elsewhere_does_not_cover_the_cells(tmp_path: Path) -> None:
    domain = block(tmp_path)
    path = write_grid(tmp_path / "c.nc", west=20.25, south=58.25)
    with pytest.raises(InputError, match=r"c.nc: tas: .*no value within"):
        coldest_month(ClimateRequest(str(path)), domain)


@pytest.mark.parametrize(
    ("text", "months", "message"),
    [("c.nc:wind", 12, "the variable is missing"), ("c.nc", 5, "neither one field nor twelve months")],
)
def test_what_is_no_climate_is_refused(tmp_path: Path, text: str, months: int, message: str) -> None:
    domain = block(tmp_path)
    write_grid(tmp_path / "c.nc", months=months)
    with pytest.raises(InputError, match=message):
        coldest_month(ClimateRequest(str(tmp_path / text)), domain)
    with pytest.raises(InputError, match="no such file or folder"):
        coldest_month(ClimateRequest(str(tmp_path / "d.nc")), domain)
