"""Snow, albedo and sediment of lakes by the rules that ELM follows."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from snow_samples import random_layers

from kiloland.land.biophysics.constants import (
    DENSITY_LIQUID,
    FREEZING_POINT,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
)
from kiloland.land.biophysics.lake_albedo import lake_albedo
from kiloland.land.biophysics.lake_hydrology import saturate_sediment
from kiloland.land.biophysics.lake_layers import LAKE_LAYERS, LakeWater, lake_grid
from kiloland.land.biophysics.lake_snow import (
    LakeSnow,
    drop_into_water,
    exchange_of_thin_snow,
    exchange_with_lake,
    fall_on_lake,
    remove_melted_layer,
)
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.snow_pack import snow_depth
from kiloland.land.biophysics.snow_water import snow_mass
from kiloland.land.soil_properties import lake_soil_properties

STEP = 1800.0


def snow_on_lakes(columns: int = 60) -> LakeSnow:
    layers = random_layers(columns)
    thin = layers.snow_index == 0
    water = jnp.where(thin, jnp.linspace(0.0, 5.0, columns), snow_mass(layers))
    return LakeSnow(layers, water, jnp.where(thin, water / 100.0, snow_depth(layers)))


def full(columns: int, value: float) -> jnp.ndarray:
    return jnp.full(columns, value)


@pytest.mark.parametrize(("depth", "layers"), [(0.0399, 0), (0.0401, -1)])
def test_a_pack_gets_a_layer_at_four_centimetres(depth: float, layers: int) -> None:
    bare = random_layers(6)
    snow = LakeSnow(bare, full(6, 3.0), full(6, depth))
    fallen = fall_on_lake(snow, full(6, 1e-9), full(6, 260.0))
    assert int(fallen.layers.snow_index[0]) == layers


def test_no_more_evaporates_than_the_top_layer_holds() -> None:
    snow = snow_on_lakes()
    columns = len(snow.water)
    surface = exchange_with_lake(snow, full(columns, 1.0), full(columns, 270.0), full(columns, 0.0), STEP)
    layered = np.asarray(snow.layers.snow_index < 0)
    taken = np.asarray(surface.sublimation + surface.evaporation)
    top = np.clip(5 + np.asarray(snow.layers.snow_index), 0, 4)
    content = np.asarray(snow.layers.ice + snow.layers.liquid_water)[top, np.arange(columns)]
    np.testing.assert_allclose(taken[layered], content[layered] / STEP, rtol=1e-14)
    np.testing.assert_allclose(taken[~layered], 1.0, rtol=1e-14)
    assert (
        np.asarray(surface.sublimation)[~layered] * STEP <= np.asarray(snow.water)[~layered] + 1e-15
    ).all()


@pytest.mark.parametrize(("surface", "frosty"), [(273.0, True), (273.1, False)])
def test_vapour_becomes_frost_on_cold_ice_only(surface: float, frosty: bool) -> None:
    snow = snow_on_lakes(6)
    found = exchange_with_lake(snow, full(6, -1e-5), full(6, surface), full(6, 0.0), STEP)
    assert (float(found.frost[0]) > 0.0) is frosty
    assert (float(found.dew[0]) > 0.0) is not frosty


def test_thin_snow_keeps_its_density_and_a_capped_pack_takes_no_frost() -> None:
    snow = snow_on_lakes()
    columns = len(snow.water)
    surface = exchange_with_lake(snow, full(columns, -1e-4), full(columns, 250.0), full(columns, 0.0), STEP)
    capped = jnp.arange(columns) % 4 == 0
    after = exchange_of_thin_snow(snow, surface, capped, STEP)
    thin = np.asarray((snow.layers.snow_index == 0) & (snow.water > 0.0))
    ratio = np.asarray(after.water / after.depth)[thin]
    np.testing.assert_allclose(ratio, 100.0, rtol=1e-12)
    gained = np.asarray(after.water - snow.water)
    assert (gained[np.asarray(capped)] == 0.0).all()
    np.testing.assert_allclose(gained[thin & ~np.asarray(capped)], 1e-4 * STEP, rtol=1e-12)


def test_a_melted_layer_runs_off_with_its_heat() -> None:
    layers = random_layers(2)
    layers = dataclasses.replace(
        layers,
        liquid_water=layers.liquid_water.at[-1, 1].set(4.0),
        ice=layers.ice.at[-1, 1].set(0.0),
        temperature=layers.temperature.at[-1, 1].set(FREEZING_POINT + 2.0),
    )
    left, removed, heat = remove_melted_layer(LakeSnow(layers, jnp.array([0.0, 4.0]), jnp.array([0.0, 0.05])))
    assert float(removed[1]) == 4.0
    assert float(left.water[1]) == 0.0
    assert int(left.layers.snow_index[1]) == 0
    assert float(heat[1]) == pytest.approx(HEAT_CAPACITY_LIQUID * 4.0 * 2.0)


def test_snow_over_warm_water_drops_in_and_its_heat_is_counted() -> None:
    snow = snow_on_lakes()
    columns = len(snow.water)
    grid = lake_grid(full(columns, 5.0))
    temperature = jnp.full((LAKE_LAYERS, columns), 280.0)
    water = LakeWater(temperature, jnp.zeros_like(temperature), jnp.ones(columns))
    dropped = drop_into_water(snow, grid, water)
    fell = np.asarray(dropped.removed) > 0.0
    assert fell.any()
    assert (np.asarray(dropped.snow.water)[fell] == 0.0).all()
    cold = FREEZING_POINT - snow.layers.temperature
    taken = sum_rows(
        snow.layers.ice * (2117.27 * cold + LATENT_HEAT_FUSION) + snow.layers.liquid_water * 4188.0 * cold
    )
    mass = DENSITY_LIQUID * grid.thickness[0]
    gained = mass * HEAT_CAPACITY_LIQUID * (dropped.water.temperature[0] - 280.0)
    gained = gained - mass * LATENT_HEAT_FUSION * dropped.water.ice_fraction[0]
    balance = np.asarray(gained + taken - dropped.unaccounted)[fell]
    assert np.abs(balance).max() <= 1e-6


def test_sediment_is_saturated_and_never_more_than_that() -> None:
    texture = jnp.full((10, 3), 40.0)
    soil = lake_soil_properties(texture, texture, texture)
    none = jnp.zeros((15, 3))
    wet = saturate_sediment(soil, none, none)
    assert bool(jnp.all(wet[:10] > 0.0))
    assert bool(jnp.all(wet[10:] == 0.0))
    np.testing.assert_allclose(saturate_sediment(soil, 2.0 * wet, none), wet, rtol=1e-14)
    np.testing.assert_allclose(saturate_sediment(soil, wet, none), wet, rtol=1e-14)


def test_albedo_of_water_ice_and_snow() -> None:
    temperature = jnp.array([280.0, FREEZING_POINT, 250.0, FREEZING_POINT, 280.0])
    index = jnp.array([0, 0, 0, -2, 0])
    direct, diffuse = lake_albedo(temperature, index, jnp.array([0.5, 0.5, 0.5, 0.5, 0.0]))
    np.testing.assert_allclose(direct[:, 0], 0.05 / 0.65)
    np.testing.assert_allclose(diffuse[:, 0], 0.1)
    np.testing.assert_allclose(direct[:, 1], 0.1)
    assert 0.59 < float(direct[0, 2]) < 0.6
    assert 0.39 < float(direct[1, 2]) < 0.4
    assert direct[:, 3].tolist() == [0.6, 0.4]
    assert diffuse[:, 3].tolist() == [0.6, 0.4]
    assert direct[:, 4].tolist() == [0.0, 0.0]
