"""Snow layers: every operation keeps water, particles and energy, and has its limits right."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from snow_samples import STEP, conditions, grain_tables, random_layers, surface_water

from kiloland.land.biophysics.constants import (
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
)
from kiloland.land.biophysics.snow_aging import LARGEST_RADIUS
from kiloland.land.biophysics.snow_compaction import compact
from kiloland.land.biophysics.snow_cover import fresh_snow_density
from kiloland.land.biophysics.snow_division import divide_layers
from kiloland.land.biophysics.snow_layers import add_snowfall, combine_layers
from kiloland.land.biophysics.snow_pack import SnowLayers, layer_water, snow_depth
from kiloland.land.biophysics.snow_step import advance_snow
from kiloland.land.biophysics.snow_water import move_snow_water, percolate
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

_advance = jax.jit(advance_snow, static_argnames="timestep")
_combine = jax.jit(combine_layers)


def water_of(layers: SnowLayers) -> np.ndarray:
    return np.asarray(layer_water(layers)).sum(axis=0)


def particles_of(layers: SnowLayers) -> np.ndarray:
    exists = np.asarray(snow_layer_mask(layers.snow_index))
    return np.where(exists, np.asarray(layers.aerosol_mass), 0.0).sum(axis=1)


def energy_of(layers: SnowLayers) -> np.ndarray:
    """Of water and ice over ice at the freezing point, J m-2."""
    capacity = HEAT_CAPACITY_ICE * layers.ice + HEAT_CAPACITY_LIQUID * layers.liquid_water
    heat = capacity * (layers.temperature - FREEZING_POINT) + LATENT_HEAT_FUSION * layers.liquid_water
    return np.asarray(jnp.where(snow_layer_mask(layers.snow_index), heat, 0.0)).sum(axis=0)


def shares(layers: SnowLayers, fraction: float = 0.9):
    columns = layers.snow_index.shape[0]
    return jnp.full(columns, fraction), jnp.zeros(columns, bool)


def test_percolation_keeps_water_and_particles():
    layers = random_layers()
    fraction, _ = shares(layers)
    drained, outflow, carried = percolate(layers, fraction)
    assert float(outflow.max()) > 1.0
    np.testing.assert_allclose(water_of(drained) + np.asarray(outflow), water_of(layers), rtol=1e-14)
    np.testing.assert_allclose(particles_of(drained) + np.asarray(carried), particles_of(layers), rtol=1e-13)


def test_dry_snow_lets_no_water_out():
    layers = random_layers(wet=False)
    drained, outflow, _ = percolate(layers, shares(layers)[0])
    assert float(jnp.abs(outflow).max()) == 0.0
    np.testing.assert_array_equal(drained.ice, layers.ice)


def test_an_impermeable_layer_ponds_water_above_it():
    one = random_layers(6)
    layers = replace(
        one,
        snow_index=jnp.full(6, -2),
        thickness=jnp.full((5, 6), 0.1),
        ice=jnp.full((5, 6), 30.0).at[4].set(91.0),
        liquid_water=jnp.full((5, 6), 20.0).at[4].set(0.0),
    )
    drained, outflow, _ = percolate(layers, jnp.ones(6))
    assert float(jnp.abs(outflow).max()) == 0.0
    np.testing.assert_array_equal(drained.liquid_water[3], layers.liquid_water[3])


@pytest.mark.parametrize("flux", ["sublimation", "evaporation", "frost", "dew", "rain"])
def test_exchange_with_the_air_is_what_the_pack_gains(flux):
    layers = random_layers()
    columns = layers.snow_index.shape[0]
    surface = surface_water(columns, **{flux: 3e-4})
    fraction, never = shares(layers)
    moved = move_snow_water(layers, surface, fraction, never, STEP)
    sign = -1.0 if flux in ("sublimation", "evaporation") else 1.0
    expected = np.where(np.asarray(layers.snow_index) < 0, sign * 3e-4 * 0.9 * STEP, 0.0)
    gained = water_of(moved.layers) + np.asarray(moved.outflow) * STEP + np.asarray(moved.ground_debt)
    np.testing.assert_allclose(gained - water_of(layers), expected, atol=1e-12)
    assert float(moved.layers.liquid_water.min()) >= 0.0


def test_a_capped_pack_gains_nothing():
    layers = random_layers(wet=False)
    columns = layers.snow_index.shape[0]
    surface = surface_water(columns, frost=1e-4, dew=1e-4, rain=1e-3)
    moved = move_snow_water(layers, surface, jnp.ones(columns), jnp.ones(columns, bool), STEP)
    np.testing.assert_array_equal(water_of(moved.layers), water_of(layers))


def test_combination_keeps_water_particles_and_energy():
    layers = random_layers(600)
    fraction, lake = shares(layers)
    zero = jnp.zeros_like(fraction)
    combined = _combine(layers, zero, zero, fraction, lake)
    kept = np.asarray(combined.layers.snow_index)
    lost = np.asarray(combined.liquid_to_ground + combined.ice_to_ground)
    layered = kept < 0
    assert (kept[layered] > np.asarray(layers.snow_index)[layered]).any()
    total = np.where(layered, water_of(combined.layers), np.asarray(combined.snow_water))
    np.testing.assert_allclose(total + lost, water_of(layers), rtol=1e-13, atol=1e-12)
    # only what melts away without ice may carry particles off or mix at another temperature
    solid = np.asarray(jnp.where(layers.ice > 0.01, 0, snow_layer_mask(layers.snow_index)).sum(axis=0)) == 0
    same = layered & solid
    assert same.sum() > 50
    np.testing.assert_allclose(
        particles_of(combined.layers)[:, same], particles_of(layers)[:, same], rtol=1e-12
    )
    np.testing.assert_allclose(
        energy_of(combined.layers)[same], energy_of(layers)[same], rtol=1e-9, atol=1e-6
    )


def test_combined_layers_are_thick_enough():
    layers = random_layers(600, wet=False)
    fraction, lake = shares(layers)
    zero = jnp.zeros_like(fraction)
    combined = _combine(layers, zero, zero, fraction, lake).layers
    several = np.asarray(combined.snow_index) < -1
    top = np.take_along_axis(
        np.asarray(combined.thickness), (SNOW_LAYERS + np.asarray(combined.snow_index))[None] % 5, axis=0
    )[0]
    assert (0.9 * top[several] >= 0.01 - 1e-15).all()


@pytest.mark.parametrize("lake", [False, True])
def test_division_keeps_water_particles_and_depth(lake):
    layers = random_layers(600, wet=False)
    fraction = jnp.full(600, 0.9)
    divided = divide_layers(layers, fraction, jnp.full(600, lake))
    assert (np.asarray(divided.snow_index) < np.asarray(layers.snow_index)).any()
    np.testing.assert_allclose(water_of(divided), water_of(layers), rtol=1e-13)
    np.testing.assert_allclose(particles_of(divided), particles_of(layers), rtol=1e-12)
    np.testing.assert_allclose(snow_depth(divided), snow_depth(layers), rtol=1e-13)
    top = np.asarray(divided.thickness)[0] * 0.9
    full = np.asarray(divided.snow_index) == -5
    assert (top[full] <= 0.02 + 0.03 * lake + 1e-12).all()


def test_a_thick_layer_becomes_five_layers_in_steps_of_division():
    layers = replace(
        random_layers(1),
        snow_index=jnp.array([-1]),
        thickness=jnp.full((5, 1), 3.0),
        ice=jnp.full((5, 1), 900.0),
        liquid_water=jnp.zeros((5, 1)),
        temperature=jnp.full((5, 1), 260.0),
        grain_radius=jnp.full((5, 1), 200.0),
    )
    divided = divide_layers(layers, jnp.ones(1), jnp.zeros(1, bool))
    assert int(divided.snow_index[0]) == -5
    np.testing.assert_allclose(divided.thickness[:3, 0], [0.02, 0.05, 0.11], rtol=1e-14)
    np.testing.assert_allclose(divided.temperature, 260.0, rtol=1e-14)


def test_snowfall_makes_the_first_layer_at_one_centimetre():
    layers = random_layers(4)
    empty = replace(layers, snow_index=jnp.zeros(4, jnp.int32))
    depth = jnp.array([0.0099, 0.0101, 0.0399, 0.0401])
    lake = jnp.array([False, False, True, True])
    air = jnp.array([260.0, 274.0, 260.0, 260.0])
    begun = add_snowfall(empty, jnp.ones(4), jnp.full(4, 3.0), depth, jnp.ones(4), air, lake)
    np.testing.assert_array_equal(begun.snow_index, [0, -1, 0, -1])
    assert float(begun.temperature[4, 1]) == FREEZING_POINT
    assert float(begun.ice[4, 3]) == 3.0
    assert float(begun.aerosol_mass[:, 4, 1].max()) == 0.0


def test_fresh_snow_is_lightest_in_the_cold():
    density = fresh_snow_density(jnp.array([200.0, 258.15, 270.0, 275.15, 300.0]))
    np.testing.assert_allclose(density[:2], 50.0)
    np.testing.assert_allclose(density[3:], 50.0 + 1.7 * 17.0**1.5, rtol=1e-14)


def test_compaction_never_goes_below_solid_ice():
    layers = random_layers()
    given = conditions(layers)
    history = replace(given.history, melting=jnp.ones_like(given.history.melting))
    once = compact(layers, history, given.snow_fraction, given.subgrid_snow, given.lake, STEP)
    assert bool(jnp.all(once.thickness <= layers.thickness + 1e-15))
    solid = (layers.ice / 917.0 + layers.liquid_water / 1000.0) / 0.9
    thinner = np.asarray(once.thickness < layers.thickness)
    assert thinner.any()
    assert np.all(np.asarray(once.thickness)[thinner] >= np.asarray(solid)[thinner] - 1e-15)


def test_a_pack_of_1000_mm_and_no_pack_pass_a_step():
    heavy = replace(
        random_layers(),
        snow_index=jnp.where(jnp.arange(600) % 2 == 0, -5, 0).astype(jnp.int32),
        thickness=jnp.array([[0.02, 0.05, 0.11, 0.23, 2.6]] * 600).T,
        ice=jnp.array([[6.0, 15.0, 40.0, 90.0, 1300.0]] * 600).T,
        liquid_water=jnp.zeros((5, 600)),
        temperature=jnp.full((5, 600), 250.0),
        grain_radius=jnp.full((5, 600), 300.0),
    )
    capped = heavy.snow_index < 0
    given = replace(conditions(heavy), capped=capped, capped_ice=jnp.where(capped, 1e-4, 0.0))
    result = _advance(grain_tables(), heavy, jnp.zeros(600), jnp.zeros(600), given, timestep=STEP)
    assert float(result.snow_water[0]) == 1451.0
    assert float(result.snow_water[1]) == 0.0
    assert float(result.accumulated_snow[1]) == 0.0
    for leaf in jax.tree.leaves(result):
        assert bool(jnp.all(jnp.isfinite(leaf)))


def test_a_pack_may_melt_away_in_one_step():
    layers = replace(
        random_layers(),
        snow_index=jnp.full(600, -1, jnp.int32),
        thickness=jnp.full((5, 600), 0.02),
        ice=jnp.zeros((5, 600)),
        liquid_water=jnp.full((5, 600), 4.0),
        temperature=jnp.full((5, 600), FREEZING_POINT),
        grain_radius=jnp.full((5, 600), 300.0),
    )
    zero = jnp.zeros(600)
    result = _advance(grain_tables(), layers, zero, zero, conditions(layers), timestep=STEP)
    assert int(result.layers.snow_index[0]) == 0
    assert float(result.snow_water[0]) == 0.0
    assert float(result.snow_depth[0]) == 0.0
    left = float(result.outflow[0]) * STEP + float(result.liquid_to_ground[0])
    np.testing.assert_allclose(left, 4.0, rtol=1e-14)
    assert float(jnp.abs(result.layers.thickness).max()) == 0.0


def test_a_whole_step_keeps_water():
    layers = random_layers(600)
    given = conditions(layers, sublimation=1e-5, evaporation=1e-5, rain=2e-4)
    zero = jnp.zeros(600)
    result = _advance(grain_tables(), layers, zero, zero, given, timestep=STEP)
    gained = np.where(np.asarray(layers.snow_index) < 0, 1.8e-4 * 0.9 * STEP, 0.0)
    left = np.asarray(result.outflow) * STEP + np.asarray(
        result.ground_debt + result.liquid_to_ground + result.ice_to_ground
    )
    np.testing.assert_allclose(
        np.asarray(result.snow_water) + left, water_of(layers) + gained, rtol=1e-12, atol=1e-12
    )


def test_grains_stay_between_fresh_and_oldest():
    layers = random_layers(600)
    given = replace(conditions(layers), refrozen=jnp.full((5, 600), 1e-4), snowfall=jnp.full(600, 1e-4))
    zero = jnp.zeros(600)
    result = _advance(grain_tables(), layers, zero, zero, given, timestep=STEP)
    radius = np.asarray(result.layers.grain_radius)[np.asarray(snow_layer_mask(result.layers.snow_index))]
    assert radius.min() >= 54.526
    assert radius.max() <= LARGEST_RADIUS


def test_gradients_are_finite_with_and_without_snow():
    layers = random_layers(60)
    given = conditions(layers, sublimation=1e-5, rain=1e-4)
    given = replace(given, history=replace(given.history, melting=jnp.ones((5, 60), bool)))
    zero = jnp.zeros(60)

    def total(layers: SnowLayers) -> jax.Array:
        result = advance_snow(grain_tables(), layers, zero, zero, given, STEP)
        radius = jnp.sum(result.layers.grain_radius)
        return jnp.sum(result.snow_water) + jnp.sum(result.snow_depth) + jnp.sum(result.outflow) + radius

    gradient = jax.jit(jax.grad(total, allow_int=True))(layers)
    for name in ("thickness", "temperature", "liquid_water", "ice", "grain_radius", "aerosol_mass"):
        assert bool(jnp.all(jnp.isfinite(getattr(gradient, name)))), name
