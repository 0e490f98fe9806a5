"""Interception, snow cover, ponds and roots: water conserved, limits kept."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ground_samples import sample_ground, sample_soil

from kiloland.land.biophysics.canopy_hydrology import STORAGE, intercept
from kiloland.land.biophysics.masked_loop import masked_loop
from kiloland.land.biophysics.pond_cover import cover_with_pond, flooded_fraction
from kiloland.land.biophysics.snow_cover import (
    CAPPED_WATER,
    accumulate_snow,
    fresh_snow_density,
    melt_shape,
)
from kiloland.land.biophysics.soil_moisture_stress import (
    RootTraits,
    RootZone,
    moisture_stress,
    root_fractions,
)
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

STEP = 1800.0


def test_interception_keeps_all_water() -> None:
    random = np.random.default_rng(3)
    count = 200
    leaf, stem = random.uniform(0.0, 6.0, count), random.uniform(0.1, 2.0, count)
    exposed = jnp.asarray(random.uniform(size=count) < 0.8)
    water = jnp.asarray(random.uniform(0.0, 1.0, count) * STORAGE * (leaf + stem))
    rain, snow = (jnp.asarray(random.choice([0.0, 1e-5, 1e-3], count)) for _ in range(2))
    capped = jnp.asarray(random.uniform(size=count) < 0.3)
    found = intercept(jnp.asarray(leaf), jnp.asarray(stem), exposed, water, rain, snow, capped, STEP)
    out = found.rain_to_ground + found.snow_to_ground + found.capped_rain + found.capped_snow
    change = found.canopy_water - water - (rain + snow - out) * STEP
    assert float(abs(change).max()) < 1e-12
    assert bool((found.canopy_water <= STORAGE * (leaf + stem) + 1e-15).all())
    assert bool(((found.wet_fraction >= 0.0) & (found.wet_fraction <= 1.0)).all())
    assert float(jnp.where(exposed, 0.0, found.intercepted).max()) == 0.0


def test_a_full_canopy_is_wet_and_transpires_nothing() -> None:
    one = jnp.ones(1)
    found = intercept(3.0 * one, one, one > 0, 0.4 * one, 0.0 * one, 0.0 * one, one < 0, STEP)
    assert float(found.wet_fraction[0]) == pytest.approx(1.0, abs=1e-12)
    assert float(found.dry_fraction[0]) == pytest.approx(0.0, abs=1e-12)


def test_snowfall_joins_the_pack_and_nothing_is_lost() -> None:
    state = sample_ground(60)
    cover = state.effective_snow_fraction
    zero = jnp.zeros(60)
    falls = jnp.asarray(np.tile([0.0, 1e-5, 2e-3], 20))
    found = accumulate_snow(state, cover, zero, falls, zero + 268.0, melt_shape(zero + 50.0), STEP)
    gained = found.state.snow_water - state.snow_water
    np.testing.assert_allclose(gained, falls * STEP, atol=1e-12)
    layers = found.state.ice[:SNOW_LAYERS].sum(0) - state.ice[:SNOW_LAYERS].sum(0)
    layered = (state.snow_index < 0) | found.new_layer
    expected = jnp.where(found.new_layer, found.state.snow_water, falls * STEP)
    np.testing.assert_allclose(jnp.where(layered, layers - expected, 0.0), 0.0, atol=1e-12)
    assert bool((found.snow_fraction >= cover - 1e-15).all())
    assert bool((found.snow_fraction <= 1.0).all())


def test_a_pack_of_1000_mm_takes_nothing() -> None:
    state = sample_ground(12)
    heavy = jax.tree.map(lambda a: a, state)
    heavy = type(state)(**{**vars(state), "snow_water": jnp.full(12, CAPPED_WATER + 1.0)})
    zero = jnp.zeros(12)
    found = accumulate_snow(heavy, zero + 0.5, zero, zero, zero + 260.0, melt_shape(zero), STEP)
    np.testing.assert_array_equal(found.state.snow_water, heavy.snow_water)
    np.testing.assert_array_equal(found.snow_fraction, 1.0)


@pytest.mark.parametrize(("kelvin", "density"), [(200.0, 50.0), (258.15, 50.0), (300.0, 169.1577)])
def test_density_of_fresh_snow(kelvin: float, density: float) -> None:
    assert float(fresh_snow_density(jnp.asarray([kelvin]))[0]) == pytest.approx(density, rel=1e-6)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_flooded_share_of_a_water_level(share: float) -> None:
    sigma = 20.0
    level = sigma * np.sqrt(2.0) * float(jax.scipy.special.erfinv(2.0 * share - 1.0))
    water = level * share + sigma / np.sqrt(2.0 * np.pi) * np.exp(-(level**2) / (2.0 * sigma**2))
    found = flooded_fraction(jnp.asarray([water]), jnp.asarray([sigma]))
    assert float(found[0]) == pytest.approx(share, abs=1e-6)


def test_snow_and_ponds_share_the_ground_and_small_ponds_drain() -> None:
    state = sample_ground(60)
    before = state.pond_water + state.liquid_water.sum(0)
    tiny = jnp.where(jnp.arange(60) % 2 == 0, 1e-9, state.pond_water)
    state = type(state)(**{**vars(state), "pond_water": tiny})
    before = state.pond_water + state.liquid_water.sum(0)
    found = cover_with_pond(state, state.effective_snow_fraction, jnp.full(60, 20.0))
    after = found.state.pond_water + found.state.liquid_water.sum(0)
    np.testing.assert_allclose(after, before, atol=1e-12)
    both = found.state.pond_fraction + found.snow_fraction
    assert float(jnp.where(state.snow_water > 0.0, both, 0.0).max()) <= 1.0 + 1e-15
    assert float(found.state.pond_fraction[::2].max()) == 0.0


def sample_roots(patches: int) -> RootTraits:
    one = jnp.ones(patches)
    return RootTraits(
        upper_decay=7.0 * one,
        lower_decay=2.0 * one,
        open_potential=-66000.0 * one,
        closed_potential=-255000.0 * one,
    )


@pytest.mark.parametrize(
    ("saturation", "kelvin", "low", "high"),
    [(1.0, 285.0, 1.0, 1.0), (1e-4, 285.0, 0.0, 0.0), (0.9, 270.0, 0.0, 0.0), (0.4, 285.0, 0.0, 1.0)],
)
def test_water_stress_from_wet_to_dry_and_frozen(
    saturation: float, kelvin: float, low: float, high: float
) -> None:
    soil = sample_soil(4)
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
    liquid = saturation * soil.porosity[:SOIL_LAYERS] * thickness * 1000.0
    zone = RootZone(temperature=jnp.full((10, 4), kelvin), liquid_water=liquid, ice=jnp.zeros((10, 4)))
    traits = sample_roots(4)
    found = moisture_stress(soil, zone, traits, root_fractions(traits), jnp.arange(4), -0.1)
    assert low - 1e-12 <= float(found.factor.min())
    assert float(found.factor.max()) <= high + 1e-12
    total = np.asarray(found.uptake.sum(0))
    np.testing.assert_allclose(total, np.asarray(found.factor) > 0.0, atol=1e-12)


def test_roots_sum_to_one_and_bare_ground_has_none() -> None:
    traits = sample_roots(2)
    bare = type(traits)(**{**vars(traits), "upper_decay": jnp.asarray([7.0, 0.0])})
    np.testing.assert_allclose(root_fractions(bare).sum(0), [1.0, 0.0], atol=1e-14)


def test_a_masked_loop_differentiates_the_passes_made() -> None:
    def newton(x: jax.Array, active: jax.Array, a: jax.Array) -> tuple[jax.Array, jax.Array]:
        new = 0.5 * (x + a / x)
        return jnp.where(active, new, x), active & (abs(new - x) > 1e-3)

    def root(a: jax.Array) -> jax.Array:
        start = jnp.ones_like(a)
        return jnp.sum(masked_loop(newton, jnp.any, start, a > 0.0, a, 50)[0])

    a = jnp.asarray([0.5, 2.0, 30.0])
    np.testing.assert_allclose(root(a), np.sqrt(a).sum(), rtol=1e-6)
    finite = [(root(a.at[i].add(1e-6)) - root(a.at[i].add(-1e-6))) / 2e-6 for i in range(3)]
    np.testing.assert_allclose(jax.grad(root)(a), finite, rtol=1e-7)
