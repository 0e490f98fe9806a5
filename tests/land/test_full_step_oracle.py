"""The whole step of soil columns against ELM: from restart and site forcing alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.verify.full_gradients import FACTORS, day_gradients
from kiloland.verify.full_step import workpiece
from kiloland.verify.oracle import read_material
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.processes import PROCESSES
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.radiation import Difference, merge

pytestmark = pytest.mark.oracle

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
    ],
)
def test_states_fluxes_and_budgets_are_those_of_elm(shared: Path, run: str, name: str) -> None:
    process = next(entry for entry in PROCESSES if entry.name == name)
    found = merge(item for item in process.check(bench_of(shared, run)) if isinstance(item, Difference))
    assert {"T_SOISNO", "H2OSOI_LIQ", "T_VEG", "albd", "FSH", "QINFL", "water budget"} <= found.keys()
    missed = {name: gap for name, gap in found.items() if not process.bar_of(name).met(gap)}
    assert not missed


@pytest.mark.slow
@pytest.mark.parametrize("run", [SUMMER, WINTER])
def test_gradients_of_a_day_are_those_of_central_differences(shared: Path, run: str) -> None:
    bench = bench_of(shared, run)
    restart = bench.restarts[0].restart
    found = day_gradients(workpiece(bench, restart), restart)
    assert found.reverse.shape == (2, len(FACTORS))
    assert np.isfinite(found.reverse).all()
    assert found.relative.max() < 1e-5, found.relative
