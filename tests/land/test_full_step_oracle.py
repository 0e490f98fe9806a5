"""The whole step of soil columns against ELM: from restart and site forcing alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.verify.full_melt import snowmelt
from kiloland.verify.gradients import gradients
from kiloland.verify.oracle import read_material
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.processes import PROCESSES
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.radiation import Difference, merge

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

SUMMER, WINTER = "s6_summer_restart_each_step", "w6_winter_restart_each_step"


def bench_of(shared: Path, run: str) -> Bench:
    material = read_material(shared / "data" / "elm")
    return Bench(next(entry for entry in material.runs if entry.id == run), material, Shelf())


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (SUMMER, "full step"),
        (SUMMER, "full step consecutive"),
        (WINTER, "full step"),
        (WINTER, "full step consecutive"),
        ("s5_summer5day_perstep", "full days"),
        ("w5_winter5day_perstep", "full days"),
        ("q5d_4cells_summer_steps", "full days"),
        ("q5w_4cells_winter_steps", "full days"),
        ("zoo/temperate/vjan", "full days"),
        ("zoo/temperate/zjan", "full days"),
    ],
)
def test_states_fluxes_and_budgets_are_those_of_elm(shared: Path, run: str, name: str) -> None:
    process = next(entry for entry in PROCESSES if entry.name == name)
    found = merge(item for item in process.check(bench_of(shared, run)) if isinstance(item, Difference))
    assert {"T_SOISNO", "H2OSOI_LIQ", "T_VEG", "albd", "FSH", "QINFL", "water budget"} <= found.keys()
    missed = {name: gap for name, gap in found.items() if not process.bar_of(name).met(gap)}
    assert not missed


@pytest.mark.parametrize("run", [SUMMER, WINTER])
def test_gradients_of_a_day_are_those_of_differences(shared: Path, run: str) -> None:
    found = merge(item for item in gradients(bench_of(shared, run)) if isinstance(item, Difference))
    assert {"latent heat by z0mr", "GPP by flnr", "latent heat by soil_water 1"} <= found.keys()
    missed = {name: gap for name, gap in found.items() if not gap.largest_relative <= 1e-5}
    assert not missed


def test_snow_melts_as_in_elm_where_leaves_stay(shared: Path) -> None:
    process = next(entry for entry in PROCESSES if entry.name == "snowmelt")
    found = merge(snowmelt(bench_of(shared, "m3_snowmelt45day_perstep")))
    assert {"H2OSNO, days 0-4", "H2OSNO, days 40-44"} <= found.keys()
    snow = {name: gap for name, gap in found.items() if name.startswith("H2OSNO")}
    assert all(process.bar_of(name).met(gap) for name, gap in snow.items())
