"""Soil hydrology: water is neither made nor lost, and extreme columns stay finite."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.biophysics.drainage import Drained, drainage
from kiloland.land.biophysics.soil_water import layer_above_table, soil_water
from kiloland.land.biophysics.surface_runoff import (
    Terrain,
    frozen_soil,
    microrelief,
    pond_threshold,
    surface_water,
)
from kiloland.land.biophysics.water_table import WaterTable, frost_table, recharge_table, water_volume
from kiloland.land.soil_properties import soil_properties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS, ground_grid

STEP = 1800.0
SOIL_ROWS = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
LAST_DRAINAGE = 0.022


@dataclass(frozen=True)
class Case:
    """A column: saturation, temperature (K), table (m), texture, slope, FMAX, fluxes (mm/s)."""

    wet: float = 0.5
    temperature: float = 283.0
    table: float = 3.0
    sand: float = 40.0
    organic: float = 10.0
    slope: float = 2.0
    fmax: float = 0.3
    rain: float = 2e-4
    evaporation: float = 2e-5
    pond: float = 0.0
    ice: float = 0.0
    uptake: float = 3e-5


CASES = {
    "loam": Case(),
    "saturated": Case(wet=1.0, table=0.05),
    "bone dry": Case(wet=0.02, table=60.0, rain=0.0, uptake=0.0),
    "downpour on a pond": Case(rain=2e-2, pond=20.0, wet=0.9, table=1.0),
    "peat": Case(organic=130.0, wet=0.8, table=0.3),
    "permafrost": Case(temperature=263.0, ice=0.8, wet=0.1, table=20.0, uptake=0.0),
    "flat, all of it saturable": Case(slope=0.0, fmax=1.0),
    "never saturated": Case(fmax=0.0),
    "table in the lowest layer": Case(table=3.5, wet=0.7),
    "deepest table": Case(table=80.0),
}


WIDTH = 16
"""Columns of a block: whole vector registers, as in a run."""


def stacked(cases: list[Case], field: str) -> jax.Array:
    return jnp.asarray([getattr(case, field) for case in cases], dtype=float)


@dataclass(frozen=True)
class Result:
    """A step of hydrology and its water budget, kg m-2."""

    drained: Drained
    before: np.ndarray
    after: np.ndarray
    entered: np.ndarray
    left: np.ndarray


def run(cases: list[Case], wet: jax.Array | None = None) -> Result:
    """One step of the columns of some cases."""
    rows = (SOIL_LAYERS, len(cases))
    sand = jnp.broadcast_to(stacked(cases, "sand"), rows)
    soil = soil_properties(sand, jnp.full(rows, 20.0), jnp.broadcast_to(stacked(cases, "organic"), rows))
    slope = stacked(cases, "slope")
    sigma = microrelief(slope)
    decay = jnp.full(len(cases), 0.5)
    terrain = Terrain(stacked(cases, "fmax"), slope, sigma, pond_threshold(sigma), decay, decay * 5.0)
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
    pores = soil.porosity[:SOIL_LAYERS]
    zero = jnp.zeros((TOTAL_LAYERS, len(cases)))
    wet = stacked(cases, "wet") if wet is None else wet
    liquid = zero.at[SOIL_ROWS].set(wet * pores * thickness * 1000.0)
    ice = zero.at[SOIL_ROWS].set(stacked(cases, "ice") * pores * thickness * 917.0)
    temperature = zero + stacked(cases, "temperature")
    pond = stacked(cases, "pond")
    share = jnp.where(pond > 0.0, 0.5, 0.0)
    frozen = frozen_soil(soil, ice)
    rain, evaporation = stacked(cases, "rain"), stacked(cases, "evaporation")
    surface = surface_water(
        soil,
        frozen,
        terrain,
        saturated=terrain.maximum_saturated_fraction * 0.5,
        water_input=rain,
        soil_evaporation=evaporation,
        pond_evaporation=evaporation,
        snow_fraction=jnp.zeros_like(rain),
        pond_fraction=share,
        dry_pond_fraction=share,
        pond_water=pond,
        timestep=STEP,
    )
    table = stacked(cases, "table")
    uptake = jnp.zeros(rows).at[1].set(stacked(cases, "uptake"))
    aquifer = jnp.full(len(cases), 4000.0)
    moved = soil_water(
        soil,
        frozen,
        temperature,
        liquid,
        water_volume(liquid, ice),
        table,
        surface.infiltration,
        uptake,
        STEP,
    )
    placed = recharge_table(soil, WaterTable(table, aquifer), moved.recharge, STEP)
    after = liquid.at[SOIL_ROWS].set(moved.liquid_water)
    frost = frost_table(soil, temperature, after, ice, placed.depth)
    drained = drainage(
        soil, frozen, terrain, after, ice, surface.pond_water, placed, frost, LAST_DRAINAGE, STEP
    )
    before = liquid[SOIL_ROWS].sum(axis=0) + ice[SOIL_ROWS].sum(axis=0) + aquifer + pond
    found = drained.liquid_water.sum(axis=0) + drained.ice.sum(axis=0)
    found = found + drained.table.aquifer + drained.pond_water
    out = surface.surface_runoff + surface.pond_outflow + drained.base_drainage
    out = out + drained.perched_drainage + drained.ice_runoff + uptake.sum(axis=0) + evaporation
    return Result(
        drained=drained,
        before=np.asarray(before),
        after=np.asarray(found),
        entered=np.asarray(rain * STEP),
        left=np.asarray(out * STEP),
    )


@pytest.mark.parametrize("name", CASES)
def test_water_is_neither_made_nor_lost(name: str) -> None:
    result = run([CASES[name]])
    error = result.after - result.before - result.entered + result.left
    assert np.abs(error).max() < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_every_layer_stays_within_its_pores_and_finite(name: str) -> None:
    drained = run([CASES[name]]).drained
    for values in (drained.liquid_water, drained.ice, drained.table.depth, drained.pond_water):
        assert np.isfinite(np.asarray(values)).all()
    assert np.asarray(drained.liquid_water).min() > 0.0
    assert 0.0 <= float(drained.table.depth[0]) <= 80.0


def test_a_column_does_not_know_its_neighbours() -> None:
    together = run([*CASES.values(), *[Case()] * (WIDTH - len(CASES))]).drained
    for number, case in enumerate(CASES.values()):
        alone = run([case] * WIDTH).drained
        assert np.array_equal(together.liquid_water[:, number], alone.liquid_water[:, 0])
        assert float(together.table.depth[number]) == float(alone.table.depth[0])


def test_no_water_moves_in_equilibrium_with_the_table() -> None:
    """Above a table that stands still, without sources, the layers keep their water to rounding.

    The lowest layers are left out: their exchange with the aquifer is only approximately in equilibrium.
    """
    case = Case(rain=0.0, evaporation=0.0, uptake=0.0, slope=0.0)
    rows = (SOIL_LAYERS, 1)
    soil = soil_properties(jnp.full(rows, 40.0), jnp.full(rows, 20.0), jnp.zeros(rows))
    frozen = frozen_soil(soil, jnp.zeros((TOTAL_LAYERS, 1)))
    grid, table = ground_grid(), 5.0
    edges, suction = grid.interface[: SOIL_LAYERS + 1] * 1e3, soil.saturated_suction
    b = np.asarray(soil.retention_exponent[:SOIL_LAYERS, 0])
    s = np.asarray(suction[:SOIL_LAYERS, 0])
    scaled = [((s + table * 1e3 - edge) / s) ** (1.0 - 1.0 / b) for edge in (edges[:-1], edges[1:])]
    mean = -s / (1.0 - 1.0 / b) / np.diff(edges) * (scaled[1] - scaled[0])
    pores = np.asarray(soil.porosity[:SOIL_LAYERS, 0])
    liquid = np.zeros((TOTAL_LAYERS, 1))
    liquid[SOIL_ROWS, 0] = mean * pores * grid.thickness[:SOIL_LAYERS] * 1000.0
    moved = soil_water(
        soil,
        frozen,
        jnp.full((TOTAL_LAYERS, 1), case.temperature),
        jnp.asarray(liquid),
        water_volume(jnp.asarray(liquid), jnp.zeros_like(jnp.asarray(liquid))),
        jnp.asarray([table]),
        jnp.zeros(1),
        jnp.zeros(rows),
        STEP,
    )
    inner = slice(0, SOIL_LAYERS - 3)
    change = np.asarray(moved.liquid_water)[inner, 0] - liquid[SOIL_ROWS][inner, 0]
    assert np.abs(change).max() < 1e-11


def test_the_table_lies_below_as_many_layers_as_it_passes() -> None:
    edges = ground_grid().interface
    depths = jnp.asarray([0.0, float(edges[1]), float(edges[1]) + 1e-9, 100.0])
    assert layer_above_table(depths).tolist() == [0, 0, 1, SOIL_LAYERS]


def test_recharge_raises_the_table_by_its_water_over_the_yield() -> None:
    rows = (SOIL_LAYERS, 2)
    soil = soil_properties(jnp.full(rows, 40.0), jnp.full(rows, 20.0), jnp.zeros(rows))
    before = WaterTable(jnp.asarray([10.0, 10.0]), jnp.asarray([4000.0, 4000.0]))
    after = recharge_table(soil, before, jnp.asarray([1e-3, -1e-3]), STEP)
    assert np.allclose(np.asarray(after.aquifer) - 4000.0, [1.8, -1.8], rtol=1e-12)
    assert float(after.depth[0]) < 10.0 < float(after.depth[1])


def test_gradients_are_finite_and_agree_with_differences() -> None:
    cases = [CASES["loam"]]

    def wetness(wet: jax.Array) -> jax.Array:
        rows = (SOIL_LAYERS, 1)
        soil = soil_properties(jnp.full(rows, 40.0), jnp.full(rows, 20.0), jnp.full(rows, 10.0))
        thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
        liquid = jnp.zeros((TOTAL_LAYERS, 1))
        liquid = liquid.at[SOIL_ROWS].set(wet * soil.porosity[:SOIL_LAYERS] * thickness * 1000.0)
        nothing = jnp.zeros_like(liquid)
        moved = soil_water(
            soil,
            frozen_soil(soil, nothing),
            jnp.full((TOTAL_LAYERS, 1), 283.0),
            liquid,
            water_volume(liquid, nothing),
            stacked(cases, "table"),
            jnp.full(1, 1e-4),
            jnp.zeros(rows),
            STEP,
        )
        return moved.liquid_water[0, 0]

    at, size = 0.5, 1e-4
    slope = float(jax.grad(wetness)(jnp.asarray(at)))
    difference = float(wetness(jnp.asarray(at + size)) - wetness(jnp.asarray(at - size))) / (2.0 * size)
    assert slope == pytest.approx(difference, rel=1e-5)
