"""Headers of crafted forcing files against the table of E3SM's data atmosphere."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import NAMES, YEAR, make_domain, make_source

from kiloland.cli.main import main

UNITS = {"TBOT": "K", "QBOT": "kg/kg", "PSRF": "Pa", "FLDS": "W/m2", "WIND": "m/s", "FSDS": "W/m2"}


@pytest.mark.slow
def test_every_file_has_the_names_types_dimensions_and_calendar_of_the_data_atmosphere(
    tmp_path: Path,
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    make_source(source)
    domain = make_domain(tmp_path / "d.nc")
    words = ["craft", "forcing", "--source", str(source), "--domain", str(tmp_path / "d.nc")]
    assert main([*words, "--years", f"{YEAR}:{YEAR}", "-o", str(tmp_path / "out")]) == 0
    for name in NAMES:
        # A February of a leap year, without its 29th day.
        path = tmp_path / "out" / f"clmforc.Daymet4.1km.1d.{name}.{YEAR}-02.nc"
        assert path.read_bytes()[:4] == b"CDF\x05"
        with netCDF4.Dataset(path) as file:
            lengths = {dim: len(one) for dim, one in file.dimensions.items()}
            assert lengths == {"nj": 1, "ni": 4, "time": 224}
            assert file.dimensions["time"].isunlimited()
            assert (file[name].dimensions, file[name].dtype) == (("time", "nj", "ni"), np.float32)
            assert file[name].units == UNITS.get(name, "mm/s")
            for place, units in (("LONGXY", "degrees_east"), ("LATIXY", "degrees_north")):
                assert (file[place].dimensions, file[place].dtype) == (("nj", "ni"), np.float64)
                assert file[place].units == units
            assert file["gridID"][0].tolist() == domain.gridcell_id.tolist()
            assert file["time"].units == f"days since {YEAR}-02-01 00:00:00"
            assert file["time"].calendar in ("noleap", "no_leap", "365_day")
            steps = np.diff(file["time"][:])
            # The data atmosphere stops where the longest step is 1.5 times the shortest.
            assert steps.max() / steps.min() < 1.5
