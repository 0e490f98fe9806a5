"""Temperature and bare-ground fluxes against ELM: one step from its restart to its next one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from kiloland.files import open_dataset
from kiloland.land.soil_properties import SoilProperties
from kiloland.run.restart import read_restart, soil_columns
from kiloland.verify.bare_ground import bare_ground_differences
from kiloland.verify.radiation import merge
from kiloland.verify.surface_split import split_evidence
from kiloland.verify.temperature import (
    OracleStep,
    StepEvidence,
    carried_evidence,
    combined,
    soil_of,
    step_evidence,
    total_flux,
)

pytestmark = pytest.mark.oracle

ONE_STEP, CARRIED, RESIDUAL = 1e-10, 1e-8, 1e-7


@dataclass(frozen=True)
class Series:
    """A run with a restart after each step, and the tape that holds its fluxes."""

    restarts: str
    first: str
    pattern: str
    tape: str
    surface: str
    first_record: int = 0


SUMMER = Series(
    "s6_summer_restart_each_step",
    "spr.elm.r.0016-07-01-00000.nc.gz",
    "sprs6r.*",
    "s5_summer5day_perstep/h1.nc.gz",
    "inputs/surfdata.nc",
)
SUMMER_CELLS = Series(
    "q5d_4cells_summer_steps",
    "r.start.0008-07-01.nc.gz",
    "q5d.elm.r.*",
    "q5d_4cells_summer_steps/h1.nc.gz",
    "inputs/surfdata_4.nc.gz",
)
WINTER = Series(
    "w6_winter_restart_each_step",
    "spr.elm.r.0016-01-01-00000.nc.gz",
    "sprw6r.*",
    "w5_winter5day_perstep/h1.nc.gz",
    "inputs/surfdata.nc",
)
WINTER_CELLS = Series(
    "q5w_4cells_winter_steps",
    "r.start.0008-01-01.nc.gz",
    "q5w.elm.r.*",
    "q5w_4cells_winter_steps/h1.nc.gz",
    "inputs/surfdata_4.nc.gz",
)
COLD_START = Series(
    "a6_cold_restart_each_step",
    "spr.elm.r.0001-01-01-01800.nc.gz",
    "spr.elm.r.*",
    "a5_cold5day_perstep/h1.nc.gz",
    "inputs/surfdata.nc",
    first_record=2,
)


@cache
def steps_of(data: Path, series: Series) -> tuple[list[OracleStep], SoilProperties]:
    """The steps of a series and its soil; the tape stays open for the session."""
    folder = data / series.restarts
    names = {path.name for path in folder.glob(series.pattern)} - {series.first}
    restarts = [read_restart(folder / name) for name in (series.first, *sorted(names))]
    tape = open_dataset(data / series.tape)
    steps = [
        OracleStep(before, after, tape, series.first_record + number)
        for number, (before, after) in enumerate(pairwise(restarts))
    ]
    with open_dataset(data / series.surface) as surface:
        return steps, soil_of(soil_columns(restarts[0]), surface)


def assert_within(evidence: StepEvidence, bar: float) -> None:
    for found in evidence.differences:
        assert found.largest_absolute <= bar, found
    assert evidence.residual <= RESIDUAL


@pytest.mark.parametrize(
    ("series", "compared", "pond"), [(SUMMER, 29, 19), (SUMMER_CELLS, 127, 65)], ids=["s6", "q5d"]
)
def test_steps_forced_by_elm_fluxes_end_at_its_temperatures(
    shared: Path, series: Series, compared: int, pond: int
) -> None:
    steps, soil = steps_of(shared / "data" / "elm", series)
    evidence = combined(step_evidence(step, soil) for step in steps)
    carried = carried_evidence(steps, soil)
    assert (evidence.compared, evidence.skipped_snow, evidence.skipped_pond) == (compared, 0, pond)
    assert_within(evidence, ONE_STEP)
    assert carried.compared == compared
    assert_within(carried, CARRIED)


@pytest.mark.parametrize(
    ("series", "compared"),
    [(SUMMER, 48), (SUMMER_CELLS, 192), (WINTER, 48), (WINTER_CELLS, 192), (COLD_START, 5)],
    ids=["s6", "q5d", "w6", "q5w", "a6"],
)
def test_steps_with_snow_and_pond_end_at_elm_temperatures(
    shared: Path, series: Series, compared: int
) -> None:
    steps, soil = steps_of(shared / "data" / "elm", series)
    evidence = combined(split_evidence(step, soil) for step in steps)
    assert evidence.compared == compared
    assert_within(evidence, ONE_STEP)


@pytest.mark.parametrize(
    ("run", "compared", "phase_layers"),
    [
        ("tundra/zjul", 16, 12),
        ("tundra/vjul", 8, 8),
        ("temperate/zjul", 16, 0),
        ("temperate/vjul", 16, 0),
        ("tropics_wet/zjan", 16, 0),
        ("tropics_wet/zjul", 16, 0),
        ("tropics_wet/vjan", 16, 0),
        ("tropics_wet/vjul", 16, 0),
    ],
)
def test_other_climates_and_freezing_ground(shared: Path, run: str, compared: int, phase_layers: int) -> None:
    folder = shared / "data" / "elm" / "zoo" / run
    tape = next(folder.glob("h1.*")).name
    series = Series(
        f"zoo/{run}",
        "r.step00.nc.gz",
        "r.step0[1-4].*",
        f"zoo/{run}/{tape}",
        f"zoo/{run}/../inputs/surfdata.nc.gz",
    )
    steps, soil = steps_of(shared / "data" / "elm", series)
    evidence = combined(step_evidence(step, soil, total_flux) for step in steps)
    assert (evidence.compared, evidence.phase_layers) == (compared, phase_layers)
    assert_within(evidence, ONE_STEP)


@pytest.mark.parametrize(("series", "patches"), [(SUMMER, 48), (SUMMER_CELLS, 144)], ids=["s6", "q5d"])
def test_bare_ground_fluxes_are_those_of_elm(shared: Path, series: Series, patches: int) -> None:
    """Largest difference over the largest value of the field, 1e-13 where 1e-9 is asked."""
    steps, soil = steps_of(shared / "data" / "elm", series)
    found = merge(item for step in steps for item in bare_ground_differences(step, soil))
    group = soil_columns(steps[0].before)
    for name in ("CGRNDL", "QSOIL", "EFLX_GNET", "FSH_G", "RAM1", "TAUX", "TSA", "Q2M", "DGNETDT", "FV"):
        largest = max(float(np.abs(step.patches(name, group)).max()) for step in steps)
        assert found[name].compared == patches
        assert found[name].largest_absolute <= 1e-13 * largest, found[name]
    assert found["SoilAlpha"].largest_absolute <= 1e-15
    assert found["QFLX_EVAP_GRND"].largest_relative <= 1e-12
    assert found["QFLX_DEW_GRND"].largest_relative <= 1e-12


@pytest.mark.parametrize(
    ("tape", "surface"),
    [
        ("q5d_4cells_summer_steps/h0.nc.gz", "surfdata_4.nc.gz"),
        ("s5_summer5day_perstep/h0.nc.gz", "surfdata.nc"),
    ],
)
def test_soil_properties_are_those_of_elm(shared: Path, tape: str, surface: str) -> None:
    data = shared / "data" / "elm"
    names = {
        "WATSAT": "porosity",
        "SUCSAT": "saturated_suction",
        "BSW": "retention_exponent",
        "HKSAT": "saturated_conductivity",
    }
    run = SUMMER_CELLS if "q5d" in tape else SUMMER
    with open_dataset(data / tape) as means, open_dataset(data / "inputs" / surface) as texture:
        group = soil_columns(read_restart(data / run.restarts / run.first))
        soil = soil_of(group, texture)
        for name, field in names.items():
            reference = means[name].values()[:, group.gridcell]
            np.testing.assert_allclose(np.asarray(getattr(soil, field)), reference, rtol=1e-14, err_msg=name)
