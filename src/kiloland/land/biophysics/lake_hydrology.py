"""Water of a lake column in a step: snow, the sediment below, runoff.

The water of the lake itself stays constant: what precipitation and the air bring or take runs off, or in
from rivers (negative). Source: Subin et al. (2012, doi:10.1029/2011MS000072), section 2.5; ELM's
`LakeHydrology`.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_layers import LakeGrid, LakeWater
from kiloland.land.biophysics.lake_snow import (
    LakeSnow,
    drop_into_water,
    exchange_of_thin_snow,
    exchange_with_lake,
    fall_on_lake,
    remove_melted_layer,
)
from kiloland.land.biophysics.lake_temperature import LakeHeat
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_cover import CAPPED_WATER
from kiloland.land.biophysics.snow_pack import SnowGeometry, SnowLayers
from kiloland.land.biophysics.snow_step import SnowConditions, SnowStep, advance_snow
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid


@pytree_dataclass
class LakeWeather:
    """What falls on a lake in a step and what it evaporates."""

    rain: Float[Array, " column"]
    """kg m-2 s-1."""
    snow: Float[Array, " column"]
    """kg m-2 s-1."""
    air_temperature: Float[Array, " column"]
    """K."""
    evaporation: Float[Array, " column"]
    """Upwards, kg m-2 s-1."""
    surface_temperature: Float[Array, " column"]
    """That of the end of the step, K."""
    deposition: Float[Array, "species column"]
    """Particles, kg m-2 s-1."""


@pytree_dataclass
class LakeHydrology:
    """A lake column after the water of a step, and what moved (kg m-2 s-1)."""

    water: LakeWater
    ground: GroundState
    layers: SnowLayers
    surface: SnowSurfaceWater
    snow_melt: Float[Array, " column"]
    """Water that left the snow."""
    melted: Float[Array, " column"]
    """Ice of the snow that melted (ELM `QSNOMELT`)."""
    capped_ice: Float[Array, " column"]
    """Snowfall and frost that a full pack sheds."""
    runoff: Float[Array, " column"]
    """ELM `QRGWL`; negative where the lake evaporates more than it receives."""
    released_heat: Float[Array, " column"]
    """Of a melted layer that ran off, into the air, W m-2."""
    unaccounted_heat: Float[Array, " column"]
    """That snow dropping into the water left by ELM's rule, W m-2."""
    snow_error: Float[Array, " column"]
    """Snow that appeared from nowhere, kg m-2."""
    water_error: Float[Array, " column"]
    """Water that appeared from nowhere, kg m-2."""


def lake_hydrology(
    tables: GrainTables,
    soil: SoilProperties,
    grid: LakeGrid,
    before: GroundState,
    layers: SnowLayers,
    heat: LakeHeat,
    weather: LakeWeather,
    timestep: float,
) -> LakeHydrology:
    """Snowfall, exchange with the air, snow layers, sediment and runoff, in ELM's order.

    `before` is the ground at the start of the step, `layers` its snow after the heat of the step, `heat`
    all that the heat did, `timestep` in s.
    """
    ground = heat.ground
    capped = before.snow_water > CAPPED_WATER
    falling = jnp.where(capped, 0.0, weather.snow)
    fallen = fall_on_lake(
        LakeSnow(layers, ground.snow_water, ground.snow_depth), falling * timestep, weather.air_temperature
    )
    rain = jnp.where(capped, 0.0, weather.rain)
    surface = exchange_with_lake(fallen, weather.evaporation, weather.surface_temperature, rain, timestep)
    renewed = exchange_of_thin_snow(fallen, surface, capped, timestep)
    capped_ice = jnp.where(capped, weather.snow + surface.frost, 0.0)
    step = advance_snow(
        tables,
        renewed.layers,
        renewed.water,
        renewed.depth,
        _conditions(before, heat, weather, surface, renewed, capped, capped_ice, falling),
        timestep,
    )
    snow = LakeSnow(step.layers, step.snow_water, step.snow_depth, step.geometry)
    snow, ran_off, heat_released = remove_melted_layer(snow)
    dropped = drop_into_water(snow, grid, heat.water)
    final = _ground(soil, ground, dropped.snow, renewed, step.accumulated_snow)
    received = (weather.rain + weather.snow - weather.evaporation - capped_ice) * timestep
    gained = total_lake_water(final) - total_lake_water(before)
    runoff = (received - gained) / timestep
    removed = ran_off + dropped.removed
    melted = heat.snow_melt + dropped.removed / timestep
    return LakeHydrology(
        water=dropped.water,
        ground=final,
        layers=dropped.snow.layers,
        surface=surface,
        snow_melt=heat.layerless_melt + step.outflow + jnp.where(dropped.removed > 0.0, melted, 0.0),
        melted=melted,
        capped_ice=capped_ice,
        runoff=runoff,
        released_heat=heat_released / timestep,
        unaccounted_heat=dropped.unaccounted / timestep,
        snow_error=_snow_error(
            before, final, heat, fallen, surface, capped, falling, step, removed, timestep
        ),
        water_error=gained + runoff * timestep - received,
    )


def _conditions(
    before: GroundState,
    heat: LakeHeat,
    weather: LakeWeather,
    surface: SnowSurfaceWater,
    snow: LakeSnow,
    capped: Bool[Array, " column"],
    capped_ice: Float[Array, " column"],
    falling: Float[Array, " column"],
) -> SnowConditions:
    """What the step does to snow layers; all of a lake is under snow, or nothing."""
    every = jnp.ones_like(snow.water)
    ice, liquid = before.ice[:SNOW_LAYERS], before.liquid_water[:SNOW_LAYERS]
    content = jnp.where(ice + liquid > 0.0, ice + liquid, 1.0)
    return SnowConditions(
        surface=surface,
        history=MeltHistory(
            melting=heat.snow_melting,
            water_before=ice + liquid,
            ice_share_before=ice / content,
            accumulated_snow=before.accumulated_snow,
            melt_shape=every,
        ),
        snow_fraction=jnp.where(snow.water > 0.0, 1.0, 0.0),
        capped=capped,
        capped_ice=capped_ice,
        snowfall=falling,
        refrozen=heat.snow_freezing,
        deposition=weather.deposition,
        ground_temperature=heat.ground.temperature[SNOW_LAYERS],
        subgrid_snow=every < 0.0,
        lake=every > 0.0,
    )


def _ground(
    soil: SoilProperties,
    ground: GroundState,
    snow: LakeSnow,
    renewed: LakeSnow,
    accumulated: Float[Array, " column"],
) -> GroundState:
    """Snow and sediment at the end of the step; rows of columns that had no layers stay as they were.

    `renewed` is the snow before its layers were advanced; the cover is the one it had.
    """
    bare = renewed.layers.snow_index == 0
    below = saturate_sediment(soil, ground.liquid_water[SNOW_LAYERS:], ground.ice[SNOW_LAYERS:])
    geometry = snow.geometry or SnowGeometry(ground.snow_node_depth, ground.snow_interface_depth)

    def rows(new: Array, old: Array) -> Array:
        return jnp.where(bare, old[:SNOW_LAYERS], new)

    layers = snow.layers
    temperature = rows(layers.temperature, ground.temperature)
    return dataclasses.replace(
        ground,
        snow_index=layers.snow_index,
        snow_thickness=rows(layers.thickness, ground.snow_thickness),
        snow_node_depth=rows(geometry.node, ground.snow_node_depth),
        snow_interface_depth=rows(geometry.upper_interface, ground.snow_interface_depth),
        temperature=jnp.concatenate([temperature, ground.temperature[SNOW_LAYERS:]]),
        liquid_water=jnp.concatenate([rows(layers.liquid_water, ground.liquid_water), below]),
        ice=jnp.concatenate([rows(layers.ice, ground.ice), ground.ice[SNOW_LAYERS:]]),
        snow_water=snow.water,
        snow_depth=snow.depth,
        accumulated_snow=accumulated,
        effective_snow_fraction=(renewed.water > 0.0).astype(renewed.water.dtype),
    )


def saturate_sediment(
    soil: SoilProperties, liquid: Float[Array, "ground column"], ice: Float[Array, "ground column"]
) -> Float[Array, "ground column"]:
    """Liquid in the ground below a lake, kg m-2: pores that ice left are filled, liquid beyond them lost."""
    thickness = jnp.asarray(ground_grid().thickness)[:, None]
    filled = liquid / (thickness * DENSITY_LIQUID) + ice / (thickness * DENSITY_ICE)
    lacking = filled < soil.porosity
    space = (soil.porosity * thickness - ice / DENSITY_ICE) * DENSITY_LIQUID
    most = soil.porosity * DENSITY_LIQUID * thickness
    wet = jnp.where(lacking, space, jnp.minimum(liquid, most))
    in_soil = (jnp.arange(liquid.shape[0]) < SOIL_LAYERS)[:, None]
    return jnp.where(in_soil, wet, liquid)


def total_lake_water(ground: GroundState) -> Float[Array, " column"]:
    """Snow and the water of the ground, kg m-2; the lake itself is constant (ELM `ENDWB`)."""
    below = ground.ice[SNOW_LAYERS:] + ground.liquid_water[SNOW_LAYERS:]
    return ground.snow_water + sum_rows(below)


def _snow_error(
    before: GroundState,
    after: GroundState,
    heat: LakeHeat,
    fallen: LakeSnow,
    surface: SnowSurfaceWater,
    capped: Bool[Array, " column"],
    falling: Float[Array, " column"],
    step: SnowStep,
    removed: Float[Array, " column"],
    timestep: float,
) -> Float[Array, " column"]:
    """Gain of the snow less all that reached and left it, kg m-2."""
    layered = fallen.layers.snow_index < 0
    frost = jnp.where(capped, 0.0, surface.frost) - surface.sublimation
    liquid = jnp.where(capped, 0.0, surface.rain + surface.dew) - surface.evaporation
    exchange = frost + jnp.where(layered, liquid, 0.0)
    gain = (falling + exchange - step.outflow - heat.layerless_melt) * timestep - step.ground_debt
    gain = gain - step.liquid_to_ground - step.ice_to_ground - removed
    return after.snow_water - before.snow_water - gain
