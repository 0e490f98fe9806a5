"""Leaving accelerated spinup as ELM itself does: against the first record of the runs that left it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from restart_world import pool_file, read_all

from kiloland.files import open_dataset
from kiloland.spinup.restart import RestartRequest, write_restart
from kiloland.spinup.restart.acceleration import default_factors, read_factors
from kiloland.spinup.restart.blocks import restart_parts
from kiloland.spinup.restart.heights import implied_mortality
from kiloland.spinup.tables import CASCADE, MINERAL_P
from kiloland.verify.compare import compare_files

pytestmark = pytest.mark.oracle


@dataclass(frozen=True)
class Exit:
    """An accelerated restart, the first record after it (one hour later), and the files of the run."""

    restart: str
    after: str
    surface: str
    orders: str
    parameters: str


EXITS = (
    Exit(
        "ad_spinup105yr/r.0106-01-01.nc.gz",
        "final_spinup/spr.elm.h0.0001-01-01-00000.nc.gz",
        "inputs/surfdata.nc",
        "inputs/CNP_parameters.nc",
        "inputs/clm_params.nc.gz",
    ),
    Exit(
        "zoo/temperate/ad/r.0061-01-01.nc.gz",
        "zoo/temperate/final/h2.0001-01-01.nc.gz",
        "zoo/temperate/inputs/surfdata_ab.nc.gz",
        "zoo/inputs_shared/CNP_parameters.nc",
        "zoo/inputs_shared/clm_params.nc.gz",
    ),
)
HOUR = {"litr1": 6e-3, "litr2": 6e-4, "litr3": 1e-4, "soil1": 6e-4, "soil2": 5e-4, "cwd": 2e-5, "soil3": 2e-5}
"""Largest change of a pool in the hour between restart and record: frozen litter 1 half a percent."""
SLOW = 1.0e-6


def left(folder: Path, data: Path, case: Exit, state: int = 0) -> Path:
    """The new restart; the file of pools holds one pool, unchanged."""
    restart = data / case.restart
    pools = pool_file(folder / "p.nc", restart, ("litr1c_vr",), 1.0)
    report = write_restart(
        RestartRequest(
            restart,
            pools,
            folder / f"{state}.nc",
            spinup_state=state,
            surface=data / case.surface,
            soil_orders=data / case.orders,
            parameters=data / case.parameters,
        )
    )
    assert not report.refused
    return folder / f"{state}.nc"


@pytest.mark.parametrize("case", EXITS, ids=lambda case: case.restart.split("/")[-2])
def test_unchanged_pools_are_scaled_as_elm_scaled_them(tmp_path: Path, shared: Path, case: Exit) -> None:
    data = shared / "data/elm"
    new = read_all(left(tmp_path, data, case))
    with open_dataset(data / case.after) as record:
        assert int(record["nstep"].read()[0]) == 0
        for part in CASCADE:
            for letter in "cnp":
                ours = new[f"{part}{letter}_vr"][:, :10]
                elms = record[f"{part.upper()}{letter.upper()}_vr"].read()[0][:10].T
                np.testing.assert_allclose(ours, elms, rtol=HOUR.get(part, SLOW), err_msg=part + letter)
        for part in MINERAL_P:
            name = f"{part.upper()}_vr"
            if name in record:
                np.testing.assert_allclose(
                    new[f"{part}_vr"][:, :10], record[name].read()[0][:10].T, rtol=3e-5, err_msg=part
                )


@pytest.mark.parametrize("case", EXITS, ids=lambda case: case.restart.split("/")[-2])
def test_totals_after_leaving_are_those_of_elm(tmp_path: Path, shared: Path, case: Exit) -> None:
    data = shared / "data/elm"
    new = read_all(left(tmp_path, data, case))
    weight, owner = new["pfts1d_wtcol"], new["pfts1d_column_index"] - 1
    grown = weight > 0.0
    vegetation = np.bincount(owner[grown], (new["totvegc"] * weight)[grown])
    dead = sum(new[f"dead{part}c"] * weight for part in ("stem", "croot"))
    wood = np.bincount(owner[grown], np.asarray(dead)[grown])
    with open_dataset(data / case.after) as record:
        # Those runs left with a mortality factor of 1, ELM's default: their dead wood stayed accelerated.
        elms = np.asarray(record["TOTVEGC"].read()[0], np.float64)
        np.testing.assert_allclose(vegetation - 0.9 * wood, elms, rtol=2e-5)
        if "TOTSOMC" in record:
            np.testing.assert_allclose(new["totsomc"], record["TOTSOMC"].read()[0], rtol=2e-6)
        if "TOTCOLC" in record:
            np.testing.assert_allclose(new["totcolc"] - 0.9 * wood, record["TOTCOLC"].read()[0], rtol=1e-5)


@pytest.mark.parametrize("case", EXITS, ids=lambda case: case.restart.split("/")[-2])
def test_the_accelerated_file_changes_nothing_but_the_scalar(
    tmp_path: Path, shared: Path, case: Exit
) -> None:
    """Values divided by factors, scalar 1: cwd, soil3 and soil4 are what was on file over the old scalar."""
    data = shared / "data/elm"
    new, old = read_all(left(tmp_path, data, case, 1)), read_all(data / case.restart)
    for part in ("cwd", "soil3", "soil4"):
        stored = old[f"{part}c_vr"][:, :10] / old["scalaravg_col"][:, :10]
        np.testing.assert_allclose(new[f"{part}c_vr"][:, :10], stored, rtol=1e-14)
    changed = {
        one.name
        for one in compare_files(data / case.restart, tmp_path / "1.nc").variables
        if not one.identical
    }
    slow = {f"{part}{letter}_vr" for part in ("cwd", "soil3", "soil4") for letter in "cnp"}
    sums = {"totcolc", "totcoln", "totcolp", "totsomc", "totsomp", "cwdp", "ENDCB"}
    assert changed - sums == {*slow, "scalaravg_col"}


def test_default_factors_are_those_of_the_parameter_file(shared: Path) -> None:
    own, default = read_factors(shared / "data/elm/inputs/clm_params.nc.gz"), default_factors()
    assert own.decomposition == pytest.approx(default.decomposition, rel=1e-7)
    assert own.decomposition["soil4"] == pytest.approx(27.4, rel=1e-3)


@pytest.mark.parametrize("case", EXITS, ids=lambda case: case.restart.split("/")[-2])
def test_with_the_factor_of_their_namelist_all_totals_are_those_of_elm(
    tmp_path: Path, shared: Path, case: Exit
) -> None:
    """Leaving with ``spinup_mortality_factor`` unset: dead wood is divided by nothing and multiplied by 1."""
    data = shared / "data/elm"
    restart = data / case.restart
    pools = pool_file(tmp_path / "p.nc", restart, ("litr1c_vr",), 1.0)
    inputs = {"surface": data / case.surface, "soil_orders": data / case.orders}
    new = tmp_path / "new.nc"
    write_restart(RestartRequest(restart, pools, new, spinup_state=0, mortality_factor=1.0, **inputs))
    values = read_all(new)
    weight, owner = values["pfts1d_wtcol"], values["pfts1d_column_index"] - 1
    grown = weight > 0.0
    with open_dataset(data / case.after) as record:
        vegetation = np.bincount(owner[grown], (values["totvegc"] * weight)[grown])
        np.testing.assert_allclose(vegetation, record["TOTVEGC"].read()[0], rtol=1e-4)
        for name in ("TOTCOLC", "TOTCOLN", "TOTCOLP"):
            if name in record:
                np.testing.assert_allclose(values[name.lower()], record[name].read()[0], rtol=3e-5)


@pytest.mark.parametrize("name", ["ad_spinup105yr/r.0106-01-01", "zoo/tundra/vad/r.0021-01-01"])
def test_the_heights_of_trees_tell_the_mortality_factor(shared: Path, name: str) -> None:
    with open_dataset(shared / "data/elm" / f"{name}.nc.gz") as dataset:
        assert implied_mortality(dataset, restart_parts(dataset)) == 10.0
    with open_dataset(shared / "data/elm/final_spinup/r.0101-01-01.nc.gz") as dataset:
        assert implied_mortality(dataset, restart_parts(dataset)) == 1.0


def test_a_restart_with_towns_and_lakes_keeps_them(tmp_path: Path, shared: Path) -> None:
    restart = shared / "data/elm/zoo/temperate/vad/r.0021-01-01.nc.gz"
    pools = pool_file(tmp_path / "p.nc", restart, ("soil4c_vr", "leafc", "deadstemc"), 1.2)
    report = write_restart(RestartRequest(restart, pools, tmp_path / "new.nc"))
    old, new = read_all(restart), read_all(tmp_path / "new.nc")
    other = ~np.isin(old["cols1d_ityplun"], (1, 2))
    assert report.columns == 4
    assert other.sum() == 18
    for name, values in old.items():
        if values.ndim and len(values) == other.size and "cols1d" not in name:
            assert new[name][other].tobytes() == values[other].tobytes(), name
