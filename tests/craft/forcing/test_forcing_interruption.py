"""A job that is killed goes on with the same bytes; a source in another layout gives the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import NAMES

from kiloland.cli.main import main
from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.errors import ExitCode
from kiloland.files import verify_file
from kiloland.grid import Domain


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_job_goes_on_with_the_same_bytes(
    daily_source: Path, year_of_cells: tuple[Path, Domain], tmp_path: Path, kind: signal.Signals
) -> None:
    folder, _ = year_of_cells
    words = ["craft", "forcing", "--source", str(daily_source), "--domain", str(folder / "domain.nc")]
    words += ["--years", "2004", "-o", str(tmp_path / "out")]
    command = [sys.executable, "-m", "kiloland.cli.main", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as job:
        assert job.stderr is not None
        # The line of the first month: its files are finished, those of others are not.
        assert "2004-01" in job.stderr.readline()
        os.kill(job.pid, kind)
    for path in (tmp_path / "out").glob("*.nc"):
        assert verify_file(path) > 0
    assert len(list((tmp_path / "out").glob("*2004-01.nc"))) == 7
    assert main(words) == ExitCode.OK
    assert not list((tmp_path / "out").glob("*kiloland-tmp*"))
    for path in (folder / "out").glob("*.nc"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_reversed_latitude_and_other_longitudes_give_the_same_bits(
    daily_source: Path, set_of_cells: tuple[Path, Domain], tmp_path: Path
) -> None:
    folder, _ = set_of_cells
    source = tmp_path / "source"
    source.mkdir()
    for path in daily_source.iterdir():
        if "GSWP3" not in path.name:
            (source / path.name).symlink_to(path)
            continue
        (source / path.name).write_bytes(path.read_bytes())
        with netCDF4.Dataset(source / path.name, "a") as file:
            file["lat"][:] = np.asarray(file["lat"][:])[::-1]
            file["lon"][:] = np.asarray(file["lon"][:]) - 360.0
            for variable in file.variables.values():
                if variable.ndim == 3:
                    variable[:] = np.asarray(variable[:])[:, ::-1]
    request = ForcingRequest(source, folder / "domain.nc", 2004, 2004, tmp_path / "out", last_month=1)
    craft_forcing(request)
    for name in NAMES:
        file_name = f"clmforc.Daymet4.1km.1d.{name}.2004-01.nc"
        with (
            netCDF4.Dataset(tmp_path / "out" / file_name) as turned,
            netCDF4.Dataset(folder / "out" / file_name) as plain,
        ):
            assert turned[name][:].tobytes() == plain[name][:].tobytes(), name
