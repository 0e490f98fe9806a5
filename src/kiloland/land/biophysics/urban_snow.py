"""Snow in towns: snowfall on roofs and roads, and the layers after a step.

The covered share only counts for light and humidity and for where a first layer begins; layers cover the
whole surface. Between steps the share is min(depth / 0.05 m, 1) (Bonan 1996). ELM `CanopyHydrology`.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.aerosol import cap_aerosols, deposit_aerosols, release_aerosols
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.snow_aging import AgingSnow, GrainTables, age_grains
from kiloland.land.biophysics.snow_compaction import MeltHistory, compact
from kiloland.land.biophysics.snow_cover import CAPPED_WATER, accumulate_snow, fresh_snow_density
from kiloland.land.biophysics.snow_division import divide_layers
from kiloland.land.biophysics.snow_layers import add_snowfall, combine_layers
from kiloland.land.biophysics.snow_pack import (
    SnowGeometry,
    SnowLayers,
    cleared,
    layer_water,
    snow_geometry,
)
from kiloland.land.biophysics.snow_water import SnowSurfaceWater, SnowWater
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS

WHOLE_COVER = 0.05
"""Depth of snow that hides a surface, m."""


@pytree_dataclass
class TownPrecipitation:
    """Water from the sky on each surface, kg m-2 s-1."""

    rain: Float[Array, " column"]
    snow: Float[Array, " column"]
    capped_rain: Float[Array, " column"]
    """On packs of more than 1000 kg m-2: it runs off at once, as the snow."""
    capped_snow: Float[Array, " column"]
    capped: Bool[Array, " column"]
    """Such packs."""


@pytree_dataclass
class TownSnowfall:
    """The surfaces after snowfall."""

    state: GroundState
    layers: SnowLayers
    snow_fraction: Float[Array, " column"]
    """Share under snow during the step."""
    new_snow: Float[Array, " column"]
    """kg m-2."""


def precipitation_on_town(
    rain: Float[Array, " column"],
    snow: Float[Array, " column"],
    wall: Bool[Array, " column"],
    snow_water: Float[Array, " column"],
) -> TownPrecipitation:
    """Rain and snow on roofs and roads (kg m-2 s-1); walls stay dry, packs above 1000 kg m-2 take nothing."""
    capped = snow_water > CAPPED_WATER
    rain, snow = jnp.where(wall, 0.0, rain), jnp.where(wall, 0.0, snow)
    return TownPrecipitation(
        rain=jnp.where(capped, 0.0, rain),
        snow=jnp.where(capped, 0.0, snow),
        capped_rain=jnp.where(capped, rain, 0.0),
        capped_snow=jnp.where(capped, snow, 0.0),
        capped=capped,
    )


def snow_on_town(
    state: GroundState,
    layers: SnowLayers,
    snow_fraction: Float[Array, " column"],
    last_melt: Float[Array, " column"],
    snowfall: Float[Array, " column"],
    air_temperature: Float[Array, " column"],
    shape: Float[Array, " column"],
    timestep: float,
) -> TownSnowfall:
    """Snow after the snowfall of a step.

    The covered share follows melt and snowfall as on soil (`accumulate_snow`); the depth grows by s / density
    over the whole surface. A pack whose depth times share reaches 0.01 m gets its first layer.

    Arguments: as of :func:`accumulate_snow`; `layers` is the snow of `state` with its grains and particles.
    """
    cover = accumulate_snow(state, snow_fraction, last_melt, snowfall, air_temperature, shape, timestep)
    new = cover.new_snow
    kept = jnp.where(state.snow_water > 0.0, state.snow_depth, 0.0)
    depth = kept + new / fresh_snow_density(air_temperature)
    depth = jnp.where(state.snow_water > CAPPED_WATER, state.snow_depth, depth)
    pack = state.snow_water + new
    layered = state.snow_index < 0
    whole = jnp.ones_like(depth)
    fallen = add_snowfall(
        layers,
        new,
        pack,
        depth,
        jnp.where(layered, whole, cover.snow_fraction),
        air_temperature,
        jnp.zeros_like(layered),
    )
    first = ~layered & (fallen.snow_index < 0)
    lowest = (jnp.arange(SNOW_LAYERS) == SNOW_LAYERS - 1)[:, None] & first
    renewed = replace(
        with_layers(state, fallen),
        snow_node_depth=jnp.where(lowest, -0.5 * depth, state.snow_node_depth),
        snow_interface_depth=jnp.where(lowest, -depth, state.snow_interface_depth),
        snow_water=pack,
        snow_depth=depth,
        accumulated_snow=cover.state.accumulated_snow,
        effective_snow_fraction=whole,
    )
    return TownSnowfall(renewed, fallen, cover.snow_fraction, new)


def with_layers(state: GroundState, layers: SnowLayers) -> GroundState:
    """The ground with other snow layers on it; depths of nodes and interfaces stay."""
    rows = slice(0, SNOW_LAYERS)
    return replace(
        state,
        snow_index=layers.snow_index,
        snow_thickness=layers.thickness,
        temperature=state.temperature.at[rows].set(layers.temperature),
        liquid_water=state.liquid_water.at[rows].set(layers.liquid_water),
        ice=state.ice.at[rows].set(layers.ice),
    )


def layers_of(state: GroundState, layers: SnowLayers) -> SnowLayers:
    """The snow layers of a ground, with the grains and particles of others."""
    rows = slice(0, SNOW_LAYERS)
    return replace(
        layers,
        snow_index=state.snow_index,
        thickness=state.snow_thickness,
        temperature=state.temperature[rows],
        liquid_water=state.liquid_water[rows],
        ice=state.ice[rows],
    )


@pytree_dataclass
class TownSnowStep:
    """What happens to snow layers of towns after their water moved."""

    surface: SnowSurfaceWater
    history: MeltHistory
    capped_ice: Float[Array, " column"]
    """kg m-2 s-1."""
    snowfall: Float[Array, " column"]
    """kg m-2 s-1."""
    refrozen: Float[Array, "snow column"]
    """kg m-2 s-1."""
    deposition: Float[Array, "species column"]
    """kg m-2 s-1."""
    ground_temperature: Float[Array, " column"]
    """Of the first layer below the snow, K."""
    ground_thickness: Float[Array, " column"]
    """m."""


@pytree_dataclass
class TownSnow:
    """Snow at the end of a step."""

    layers: SnowLayers
    geometry: SnowGeometry
    snow_water: Float[Array, " column"]
    snow_depth: Float[Array, " column"]
    accumulated_snow: Float[Array, " column"]
    to_ground: tuple[Float[Array, " column"], Float[Array, " column"]]
    """Liquid and ice of layers that vanished, kg m-2."""


def settle_town_snow(
    tables: GrainTables,
    moved: SnowWater,
    snow_water: Float[Array, " column"],
    snow_depth: Float[Array, " column"],
    step: TownSnowStep,
    timestep: float,
) -> TownSnow:
    """Particles, compaction, combination, division and ageing, in the order of `advance_snow`.

    Layers cover the whole surface, and the first layer below them is as thick as that of the surface.
    `snow_water` and `snow_depth` are those of packs without layers.
    """
    whole = jnp.ones_like(snow_water)
    lake = jnp.zeros_like(snow_water, dtype=bool)
    mass = deposit_aerosols(moved.layers.aerosol_mass, step.deposition, moved.layers.snow_index, timestep)
    mass = release_aerosols(
        mass, moved.layers.snow_index, layer_water(moved.layers), step.surface.sublimation, timestep
    )
    layers = replace(moved.layers, aerosol_mass=mass)
    compacted = compact(layers, step.history, whole, lake, lake, timestep)
    combined = combine_layers(compacted, snow_water, snow_depth, whole, lake)
    divided = divide_layers(combined.layers, whole, lake)
    mass = cap_aerosols(
        divided.aerosol_mass, divided.snow_index, layer_water(divided), step.capped_ice, timestep
    )
    aging = AgingSnow(
        snow_index=divided.snow_index,
        thickness=divided.thickness,
        temperature=jnp.concatenate([divided.temperature, step.ground_temperature[None]]),
        liquid_water=divided.liquid_water,
        ice=divided.ice,
        snow_water=combined.snow_water,
        snow_fraction=whole,
        ground_thickness=step.ground_thickness,
        fresh_snow=step.snowfall,
        refrozen=step.refrozen,
    )
    radius = age_grains(tables, aging, divided.grain_radius, timestep)
    final = replace(cleared(replace(divided, aerosol_mass=mass)), grain_radius=radius)
    accumulated = step.history.accumulated_snow + moved.accumulated
    return TownSnow(
        layers=final,
        geometry=snow_geometry(final),
        snow_water=combined.snow_water,
        snow_depth=combined.snow_depth,
        accumulated_snow=jnp.where(combined.snow_water <= 0.0, 0.0, accumulated),
        to_ground=(combined.liquid_to_ground, combined.ice_to_ground),
    )


def town_snow_fraction(snow_depth: Float[Array, " column"]) -> Float[Array, " column"]:
    """Share under snow between steps: min(depth / 0.05 m, 1)."""
    return jnp.minimum(snow_depth / WHOLE_COVER, 1.0)
