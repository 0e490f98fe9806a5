"""Radiation in snow: energy is shared out completely, dark at night, brighter when fine and clean."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from snow_samples import STEP, random_layers, snow_optics

from kiloland.land.biophysics.aerosol import (
    Aerosol,
    aerosol_concentrations,
    cap_aerosols,
    deposit_aerosols,
    release_aerosols,
)
from kiloland.land.biophysics.snicar import SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_optics import RADII, grain_class, plate_asymmetry
from kiloland.land.biophysics.snow_pack import layer_water

COLUMNS = 120
_radiation = jax.jit(snow_radiation)


def sample() -> SnowPack:
    """Packs of 0 to 5 layers; every second one without layers has 2 kg m-2 of snow, the rest none."""
    layers = random_layers(COLUMNS)
    water = layer_water(layers).sum(axis=0)
    bare = jnp.where(jnp.arange(COLUMNS) % 12 == 0, 2.0, 0.0)
    return SnowPack(
        snow_index=layers.snow_index,
        liquid_water=layers.liquid_water,
        ice=layers.ice,
        snow_water=jnp.where(layers.snow_index < 0, water, bare),
        grain_radius=layers.grain_radius,
        aerosol_mass=layers.aerosol_mass,
    )


def radiation_of(pack: SnowPack, cosine: float, bare: float = 0.2):
    return _radiation(snow_optics(), pack, jnp.full((2, COLUMNS), bare), jnp.full(COLUMNS, cosine))


def test_what_is_not_reflected_is_absorbed():
    pack = sample()
    snowy = np.asarray(pack.snow_water) > 0.0
    for cosine in (0.005, 0.2, 0.5, 1.0):
        result = radiation_of(pack, cosine)
        for albedo, absorbed in (
            (result.albedo_direct, result.layer_absorption_direct),
            (result.albedo_diffuse, result.layer_absorption_diffuse),
        ):
            total = np.asarray(albedo) + np.asarray(absorbed).sum(axis=1)
            np.testing.assert_allclose(total[:, snowy], 1.0, atol=1e-9)


def test_night_and_bare_ground_have_no_snow_albedo():
    pack = sample()
    for leaf in jax.tree.leaves(radiation_of(pack, -0.1)):
        assert float(jnp.abs(leaf).max()) == 0.0
    by_day = radiation_of(pack, 0.5)
    empty = np.asarray(pack.snow_water) == 0.0
    assert empty.any()
    assert np.abs(np.asarray(by_day.albedo_direct)[:, empty]).max() == 0.0


def test_snow_is_bright_in_the_visible_and_darker_with_particles_and_age():
    pack = sample()
    deep = np.asarray(pack.snow_water) > 100.0
    clean = replace(pack, aerosol_mass=jnp.zeros_like(pack.aerosol_mass))
    fine = replace(clean, grain_radius=jnp.full_like(clean.grain_radius, 100.0))
    coarse = replace(clean, grain_radius=jnp.full_like(clean.grain_radius, 1000.0))
    bright, dull, dirty = (
        np.asarray(radiation_of(p, 0.5).albedo_diffuse)[:, deep] for p in (fine, coarse, pack)
    )
    assert (bright[0] > 0.97).all()
    assert (bright[1] > dull[1]).all()
    clear = np.asarray(radiation_of(clean, 0.5).albedo_diffuse)[:, deep]
    assert (dirty[0] <= clear[0]).all()
    assert (dirty[0] < clear[0] - 1e-4).any()


def test_stored_absorption_of_soil_and_lake():
    result = radiation_of(sample(), 0.5)
    bare, zero = jnp.full((2, COLUMNS), 0.6), jnp.zeros(COLUMNS)
    lake = jnp.arange(COLUMNS) >= COLUMNS // 2
    stored = stored_absorption(result, bare, bare, zero, lake)
    total = np.asarray(stored.layer_absorption_direct).sum(axis=1)
    albedo = np.asarray(result.albedo_direct)
    snowy = albedo[0] > 0.0
    on_soil, on_lake = snowy & ~np.asarray(lake), snowy & np.asarray(lake)
    np.testing.assert_allclose(total[:, on_soil], (1.0 - albedo[:, on_soil]) ** 2, atol=1e-9)
    np.testing.assert_allclose(total[:, on_lake], 0.4, atol=1e-9)


def test_gradients_of_albedo_are_finite():
    pack = sample()

    def brightness(pack: SnowPack) -> jax.Array:
        result = snow_radiation(
            snow_optics(), pack, jnp.full((2, COLUMNS), 0.2), jnp.linspace(-0.5, 1.0, COLUMNS)
        )
        return jnp.sum(result.albedo_direct) + jnp.sum(result.layer_absorption_diffuse)

    gradient = jax.jit(jax.grad(brightness, allow_int=True))(pack)
    for name in ("liquid_water", "ice", "snow_water", "aerosol_mass"):
        assert bool(jnp.all(jnp.isfinite(getattr(gradient, name)))), name


def test_tables_cover_all_grains():
    assert grain_class().min() == 0
    assert grain_class().max() == 7
    assert grain_class()[np.searchsorted(RADII, 150)] == 1
    assert plate_asymmetry(np.full((5, len(RADII)), 0.9)).max() <= 0.99


def test_particles_fall_on_the_top_layer_and_are_kept():
    layers = random_layers(COLUMNS)
    rate = jnp.full((8, COLUMNS), 1e-10)
    mass = deposit_aerosols(layers.aerosol_mass, rate, layers.snow_index, STEP)
    gained = np.asarray(mass - layers.aerosol_mass).sum(axis=1)
    layered = np.asarray(layers.snow_index) < 0
    np.testing.assert_allclose(gained[:, layered], 1.8e-7, rtol=1e-9)
    assert np.abs(gained[:, ~layered]).max() == 0.0
    moved = release_aerosols(mass, layers.snow_index, layer_water(layers), jnp.full(COLUMNS, 1e-4), STEP)
    inside, outside = Aerosol.BLACK_CARBON_HYDROPHILIC, Aerosol.BLACK_CARBON_HYDROPHOBIC
    assert bool(jnp.all(moved[inside] <= mass[inside]))
    np.testing.assert_allclose(moved[inside] + moved[outside], mass[inside] + mass[outside], rtol=1e-14)


def test_capping_keeps_the_concentration():
    layers = random_layers(COLUMNS)
    water = layer_water(layers)
    grown = water + jnp.where(water > 0.0, 0.5, 0.0)
    kept = cap_aerosols(layers.aerosol_mass, layers.snow_index, water, jnp.full(COLUMNS, 0.5 / STEP), STEP)
    top = np.clip(5 + np.asarray(layers.snow_index), 0, 4)
    layered = np.asarray(layers.snow_index) < 0
    before = np.asarray(aerosol_concentrations(layers.aerosol_mass, layers.snow_index, grown))
    after = np.asarray(aerosol_concentrations(kept, layers.snow_index, water))
    columns = np.arange(COLUMNS)
    np.testing.assert_allclose(
        after[:, top, columns][:, layered], before[:, top, columns][:, layered], rtol=1e-13
    )
