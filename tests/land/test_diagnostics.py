"""Diagnostics of soil and snow: simple columns by hand, and ELM's tapes."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.diagnostics import (
    fire_wetness,
    heat_content,
    snow_bulk_density,
    snow_rows,
    snow_sum,
    snow_top,
    soil_potential,
    topsoil_temperature,
    topsoil_water,
)
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.vertical import ground_grid
from kiloland.run.restart import soil_columns
from kiloland.variables import FILL_VALUE
from kiloland.verify.diagnostics import heat_differences, snow_differences, soil_differences
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.material import read_material
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.radiation import Difference

GRID = ground_grid()


def loam() -> SoilProperties:
    """One column of loam without organic matter."""
    return soil_properties(*(jnp.full((10, 1), value) for value in (40.0, 20.0, 0.0)))


def test_topsoil_is_the_uppermost_ten_centimetres() -> None:
    assert float(topsoil_temperature(jnp.full((15, 1), 280.0))[0]) == pytest.approx(280.0, rel=1e-14)
    per_depth = jnp.asarray(1000.0 * GRID.thickness)[:, None]
    assert float(topsoil_water(0.25 * per_depth, 0.05 * per_depth)[0]) == pytest.approx(30.0, rel=1e-14)
    deep = jnp.asarray(np.where(np.arange(15) > 3, 400.0, 280.0))[:, None]
    assert float(topsoil_temperature(deep)[0]) == pytest.approx(280.0)


def test_potential_of_wet_dry_and_empty_soil() -> None:
    soil = loam()
    full = soil.porosity * jnp.asarray(GRID.thickness)[:, None] * 1000.0
    wet = soil_potential(soil, full)[:10]
    np.testing.assert_allclose(wet, -9.8e-6 * soil.saturated_suction[:10], rtol=1e-12)
    assert np.all(np.asarray(soil_potential(soil, 1e-3 * full))[:10] == -15.0)
    assert np.all(np.asarray(soil_potential(soil, 0.0 * full)) == -15.0)
    slope = jax.grad(lambda water: soil_potential(soil, water).sum())(0.5 * full)
    assert np.all(np.isfinite(slope))


def test_wetness_for_fire_is_one_at_saturation_and_zero_when_dry() -> None:
    soil = loam()
    assert float(fire_wetness(soil, soil.porosity[:10])[0]) == pytest.approx(1.0)
    assert float(fire_wetness(soil, soil.dry_content[:10])[0]) == pytest.approx(0.0, abs=1e-14)
    deep = soil.porosity[:10].at[2:].set(0.0)
    assert float(fire_wetness(soil, deep)[0]) == pytest.approx(1.0)


def test_heat_counts_layers_that_exist() -> None:
    exists = jnp.array([[False], [True]])
    content = heat_content(jnp.full((2, 1), 1e6), jnp.array([[1e30], [273.0]]), exists)
    assert float(content[0]) == 273.0


def test_snow_is_fill_where_there_is_none() -> None:
    index = jnp.array([-2, 0])
    rows = jnp.arange(10.0).reshape(5, 2) + 1.0
    told = np.asarray(snow_rows(rows, index))
    assert np.all(told[:3] == FILL_VALUE)
    assert np.all(told[:, 1] == FILL_VALUE)
    assert told[3:, 0].tolist() == [7.0, 9.0]
    assert snow_sum(rows, index).tolist() == [16.0, 0.0]
    density = snow_bulk_density(jnp.full((5, 2), 10.0), jnp.full((5, 2), 0.1), jnp.array([0.5, 0.0]), index)
    assert float(density[4, 0]) == pytest.approx(200.0)
    assert float(density[4, 1]) == FILL_VALUE


def test_the_top_layer_of_snow() -> None:
    temperature = jnp.asarray(np.linspace(250.0, 269.0, 20)[:, None] * np.ones((1, 2)))
    layers = jnp.full((5, 2), 0.1)
    index = jnp.array([-2, 0])
    top = snow_top(temperature, 1.0 + layers, 9.9 * layers / 0.1, 1000.0 * layers, layers, jnp.ones(2), index)
    assert float(top.temperature[0]) == 253.0
    # One kelvin between the middles of two layers of 0.1 m: half a kelvin in one layer.
    assert float(top.gradient[0]) == pytest.approx(5.0)
    assert float(top.liquid_fraction[0]) == pytest.approx(0.1)
    assert float(top.water[0]) == pytest.approx(11.0)
    assert float(top.water[1]) == 0.0
    assert float(top.gradient[1]) == FILL_VALUE


@pytest.mark.oracle
@pytest.mark.parametrize("run", ["q5d_4cells_summer_steps", "q5w_4cells_winter_steps"])
def test_diagnostics_of_some_steps(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    entry = next(item for item in material.runs if item.id == run)
    bench = Bench(entry, material, Shelf())
    found: list[Difference] = []
    for step in bench.steps[::12]:
        soil = bench.soil(soil_columns(step.before))
        found += [*snow_differences(step), *soil_differences(step, soil), *heat_differences(step, soil)]
    assert len({item.variable for item in found}) == 20
    assert max(item.largest_relative for item in found) < 1e-12
