"""Lakes to test with: shapes, states and weather of a few columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from snow_samples import SPECIES, grain_tables, snow_optics

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.lake_hydrology import saturate_sediment
from kiloland.land.biophysics.lake_layers import LAKE_LAYERS, lake_grid
from kiloland.land.biophysics.lake_surface import LakeShape, extinction_of_depth, fetch_of_depth
from kiloland.land.lake_radiation import renew_lake_albedo
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import LakeConstants, LakeOutput, lake_step
from kiloland.land.soil_properties import lake_soil_properties
from kiloland.land.step import Settings, Weather
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS

STEP = 1800.0
COLUMNS = 8
"""Of every call, so that all tests share one compilation."""


def widen(values: Sequence[float] | float) -> Array:
    """Values for the columns of a call, the last one repeated."""
    given = np.atleast_1d(np.asarray(values, float))
    return jnp.asarray(given[np.minimum(np.arange(COLUMNS), len(given) - 1)])


def lake_constants(depth: Sequence[float] | float = 5.0) -> LakeConstants:
    """Lakes of some depths (m) at 60 degrees on loam."""
    depths = widen(depth)
    texture = jnp.full((10, COLUMNS), 40.0)
    return LakeConstants(
        shape=LakeShape(depths, fetch_of_depth(depths), extinction_of_depth(depths), widen(0.87)),
        grid=lake_grid(depths),
        soil=lake_soil_properties(texture, texture, 0.2 * texture),
        optics=snow_optics(),
        grains=grain_tables(),
    )


def lake_state(
    constants: LakeConstants, temperature: Sequence[float] | float, cosine_zenith: float = 0.5
) -> LakeState:
    """Lakes of one temperature (K), all ice below freezing, without snow."""
    warmth = widen(temperature)
    frozen = (warmth < FREEZING_POINT).astype(float)
    none, snow = jnp.zeros(COLUMNS), jnp.zeros((SNOW_LAYERS, COLUMNS))
    ground = jnp.broadcast_to(warmth, (GROUND_LAYERS, COLUMNS))
    empty = jnp.zeros((GROUND_LAYERS, COLUMNS))
    water = saturate_sediment(constants.soil, empty, empty)
    band, layers = jnp.zeros((2, COLUMNS)), jnp.zeros((SNOW_LAYERS + 1, COLUMNS))
    state = LakeState(
        water_temperature=jnp.broadcast_to(warmth, (LAKE_LAYERS, COLUMNS)),
        ice_fraction=jnp.broadcast_to(frozen, (LAKE_LAYERS, COLUMNS)),
        eddy_conductivity=none + 0.57,
        friction_velocity=none + 0.1,
        roughness=none + 1e-3,
        ground_temperature=warmth,
        snow_index=jnp.zeros(COLUMNS, jnp.int32),
        snow_thickness=snow,
        snow_node_depth=snow,
        snow_interface_depth=snow,
        temperature=jnp.concatenate([snow, ground]),
        liquid_water=jnp.concatenate([snow, water * (1.0 - frozen)]),
        ice=jnp.concatenate([snow, 0.917 * water * frozen]),
        snow_water=none,
        snow_depth=none,
        accumulated_snow=none,
        effective_snow_fraction=none,
        snow_melt=none,
        snow_freezing=snow,
        grain_radius=snow,
        aerosol_mass=jnp.zeros((SPECIES, SNOW_LAYERS, COLUMNS)),
        cosine_zenith=none,
        ground_albedo_direct=band,
        ground_albedo_diffuse=band,
        soil_albedo_direct=band,
        soil_albedo_diffuse=band,
        snow_albedo_direct=band,
        snow_albedo_diffuse=band,
        absorption_direct_visible=layers,
        absorption_direct_near_infrared=layers,
        absorption_diffuse_visible=layers,
        absorption_diffuse_near_infrared=layers,
        albedo_direct=band,
        albedo_diffuse=band,
        transmitted_direct=band,
        transmitted_diffuse=band,
        leaf_temperature=warmth,
        longwave_out=none,
        screen_temperature=warmth,
    )
    return _with_albedo(state, none + cosine_zenith, constants.optics)


def weather(temperature: Sequence[float] | float, **changes: float) -> Weather:
    """Air of a temperature (K) over all columns; SI values of other fields by name, sunlight in W m-2."""
    air = widen(temperature)
    values = {
        "pressure": 1e5,
        "specific_humidity": 0.002,
        "wind": 5.0,
        "longwave_down": 280.0,
        "rain": 0.0,
        "snow": 0.0,
        "reference_height": 30.0,
        "cosine_zenith_next": 0.5,
        "sun": 0.0,
        **changes,
    }
    sun = jnp.full((2, COLUMNS), values.pop("sun") / 4.0)
    return Weather(
        temperature=air,
        potential_temperature=air,
        shortwave_direct=sun,
        shortwave_diffuse=sun,
        **{name: widen(value) for name, value in values.items()},
    )


def advance(
    state: LakeState, air: Weather, constants: LakeConstants, steps: int = 1
) -> tuple[LakeState, LakeOutput]:
    """Some steps under constant weather, with a little dust falling; the output of the last."""
    deposition = jnp.full((SPECIES, COLUMNS), 1e-13)
    for _ in range(steps):
        state, output = _step(state, air, deposition, constants, Settings(STEP))
    return state, output


def all_finite(tree: object) -> bool:
    """Whether nothing in a tree is NaN or infinite."""
    return all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(tree))


def changed(state: LakeState, **fields: Array) -> LakeState:
    """The state with other fields."""
    return dataclasses.replace(state, **fields)


_step = jax.jit(lake_step)
_with_albedo = jax.jit(renew_lake_albedo)
