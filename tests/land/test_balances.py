"""The budgets of a step: closed where they should be, off by what is missing, and ELM's own errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.balances import (
    ColumnWater,
    GroundHeatTerms,
    SnowFluxes,
    SurfaceEnergy,
    WaterFluxes,
    canopy_energy_balance,
    ground_heat_balance,
    longwave_balance,
    shortwave_balance,
    snow_balance,
    surface_energy_balance,
    total_water,
    water_balance,
)
from kiloland.verify.balances import balances
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.material import read_material
from kiloland.verify.oracle.rows import Skipped
from kiloland.verify.oracle.tapes import Shelf

TIMESTEP = 1800.0
ONE = jnp.ones(1)


def column(**parts: float) -> ColumnWater:
    """One column of ten layers with 20 kg m-2 of water and 5 of ice each."""
    values = {"snow": 30.0, "pond": 2.0, "aquifer": 4000.0, "canopy": 0.1} | parts
    return ColumnWater(
        ground_liquid=jnp.full((10, 1), 20.0),
        ground_ice=jnp.full((10, 1), 5.0),
        **{name: value * ONE for name, value in values.items()},
    )


def fluxes(**parts: float) -> WaterFluxes:
    """Fluxes in kg m-2 of the step, zero unless given."""
    names = (
        *("rain", "snow", "evaporation", "surface_runoff", "pond_outflow", "base_drainage"),
        *("perched_drainage", "capped_ice", "excess"),
    )
    return WaterFluxes(**{name: parts.get(name, 0.0) / TIMESTEP * ONE for name in names})


def test_all_water_counts() -> None:
    assert float(total_water(column())[0]) == pytest.approx(250.0 + 4032.1)


@pytest.mark.parametrize(
    ("change", "exchange"),
    [
        ({"snow": 31.0}, {"snow": 1.0}),
        ({"pond": 5.0}, {"rain": 3.0}),
        ({"canopy": 0.0}, {"evaporation": 0.1}),
        ({"aquifer": 3996.0}, {"base_drainage": 3.0, "perched_drainage": 1.0}),
        ({"pond": 0.5}, {"surface_runoff": 1.0, "pond_outflow": 0.5}),
        ({"snow": 10.0}, {"capped_ice": 15.0, "excess": 5.0}),
    ],
    ids=["snowfall", "rain", "evaporation", "drainage", "runoff", "full snowpack"],
)
def test_water_is_balanced_by_what_moved_it(change: dict[str, float], exchange: dict[str, float]) -> None:
    found = water_balance(column(), column(**change), fluxes(**exchange), TIMESTEP)
    assert abs(float(found.error[0])) < 1e-11
    missing = water_balance(column(), column(**change), fluxes(), TIMESTEP)
    assert abs(float(missing.error[0])) == pytest.approx(abs(float(found.stored[0])))


def test_snow_without_layers_has_no_budget() -> None:
    zero = jnp.zeros(2)
    falling = SnowFluxes(jnp.full(2, 1.0 / TIMESTEP), *(zero for _ in range(7)))
    before, after = jnp.array([20.0, 5.0]), jnp.array([20.5, 5.5])
    found = snow_balance(before, after, falling, jnp.array([True, False]), TIMESTEP)
    np.testing.assert_allclose(found.error, [-0.5, 0.0], atol=1e-12)
    melting = replace(falling, melt=jnp.full(2, 0.5 / TIMESTEP))
    found = snow_balance(before, after, melting, jnp.array([True, False]), TIMESTEP)
    np.testing.assert_allclose(found.error, 0.0, atol=1e-12)


def test_energy_and_radiation_close() -> None:
    a, b, c, d = (value * ONE for value in (300.0, 50.0, 120.0, 230.0))
    surface = SurfaceEnergy(a, b, 400.0 * ONE, 380.0 * ONE, c, d, 20.0 * ONE, 0.0 * ONE)
    assert float(surface_energy_balance(surface).error[0]) == 0.0
    town = replace(surface, human=5.0 * ONE, into_ground=26.0 * ONE)
    assert float(surface_energy_balance(town).error[0]) == pytest.approx(1.0)
    assert float(ground_heat_balance(GroundHeatTerms(a, b, d, 20.0 * ONE)).error[0]) == 0.0
    assert float(canopy_energy_balance(a, b, c, d).error[0]) == 0.0
    assert float(shortwave_balance(a, d, 70.0 * ONE).error[0]) == 0.0
    assert float(longwave_balance(a, 380.0 * ONE, 80.0 * ONE).error[0]) == 0.0


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("run", "variables"),
    [
        ("w6_winter_restart_each_step", {"ERRH2O", "ERRH2OSNO", "ERRSEB", "ERRSOL", "ERRSOI"}),
        ("a6_cold_restart_each_step", {"ERRH2O", "ERRH2OSNO", "ERRSEB", "ERRSOL", "ERRSOI"}),
        ("zoo/temperate/zjan", {"ERRH2O", "ERRSEB", "ERRSOL"}),
        ("zoo/tundra/zjul", {"ERRH2O", "ERRSEB", "ERRSOL"}),
    ],
)
def test_our_errors_from_the_fluxes_of_the_tape_are_those_of_elm(
    shared: Path, run: str, variables: set[str]
) -> None:
    material = read_material(shared / "data" / "elm")
    entry = next(item for item in material.runs if item.id == run)
    found = [item for item in balances(Bench(entry, material, Shelf())) if not isinstance(item, Skipped)]
    assert {item.variable for item in found} == variables
    assert sum(item.compared for item in found) > 100
    assert max(item.largest_absolute for item in found) < 1e-9
