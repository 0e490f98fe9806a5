"""All that happens to snow layers in a step after the temperatures are solved, in ELM's order.

The same for columns of every kind. Between `move_snow_water` and the rest ELM moves the water of the soil,
which does not touch the snow: outflow and debt are what soil hydrology needs, before its step.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.aerosol import cap_aerosols, deposit_aerosols, release_aerosols
from kiloland.land.biophysics.snow_aging import AgingSnow, GrainTables, age_grains
from kiloland.land.biophysics.snow_compaction import MeltHistory, compact
from kiloland.land.biophysics.snow_division import divide_layers
from kiloland.land.biophysics.snow_layers import combine_layers
from kiloland.land.biophysics.snow_pack import (
    SnowGeometry,
    SnowLayers,
    cleared,
    layer_water,
    snow_geometry,
)
from kiloland.land.biophysics.snow_water import SnowSurfaceWater, move_snow_water
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import ground_grid


@pytree_dataclass
class SnowConditions:
    """What a step does to the snow of each column."""

    surface: SnowSurfaceWater
    """Exchange of water with the air."""
    history: MeltHistory
    """What compaction must know; its accumulated snow is that after the snowfall of the step."""
    snow_fraction: Float[Array, " column"]
    """Share of the column under snow (1 on lakes, glaciers and wetlands)."""
    capped: Bool[Array, " column"]
    """Packs of more than 1000 kg m-2 at the start of the step, which gain nothing."""
    capped_ice: Float[Array, " column"]
    """Snow that such a pack sheds, kg m-2 s-1."""
    snowfall: Float[Array, " column"]
    """Added to the snow before the temperatures were solved, kg m-2 s-1."""
    refrozen: Float[Array, "snow column"]
    """Water that froze in each layer, kg m-2 s-1."""
    deposition: Float[Array, "species column"]
    """Particles from the air, kg m-2 s-1."""
    ground_temperature: Float[Array, " column"]
    """Of the first layer of ground (of the soil below lakes too), K."""
    subgrid_snow: Bool[Array, " column"]
    """Soil columns, whose covered share follows from the snow."""
    lake: Bool[Array, " column"]


@pytree_dataclass
class SnowStep:
    """Result of `advance_snow`."""

    layers: SnowLayers
    geometry: SnowGeometry
    snow_water: Float[Array, " column"]
    """kg m-2."""
    snow_depth: Float[Array, " column"]
    """m; 0 without snow, when the covered share is 0 too."""
    accumulated_snow: Float[Array, " column"]
    """kg m-2."""
    outflow: Float[Array, " column"]
    """Out of packs with layers, kg m-2 s-1 (without layers the melt itself is ELM's `qflx_snow_melt`)."""
    aerosol_outflow: Float[Array, "species column"]
    """kg m-2 s-1."""
    ground_debt: Float[Array, " column"]
    """Liquid (not positive) to take from the first ground layer before its water moves, kg m-2."""
    liquid_to_ground: Float[Array, " column"]
    """Of layers that vanished, into the first ground layer after its water moved, kg m-2."""
    ice_to_ground: Float[Array, " column"]
    """kg m-2."""


def advance_snow(
    tables: GrainTables,
    layers: SnowLayers,
    snow_water: Float[Array, " column"],
    snow_depth: Float[Array, " column"],
    conditions: SnowConditions,
    timestep: float,
) -> SnowStep:
    """One step of snow whose temperature and phases are already those of the end of the step.

    `snow_water` (kg m-2) and `snow_depth` (m) count where the pack has no layers.
    """
    fraction = conditions.snow_fraction
    water = move_snow_water(layers, conditions.surface, fraction, conditions.capped, timestep)
    moved = _exchange_particles(water.layers, conditions, timestep)
    bare = (layers.snow_index == 0) & (snow_water <= 0.0)
    accumulated = jnp.where(bare, 0.0, conditions.history.accumulated_snow + water.accumulated)

    history = replace(conditions.history, accumulated_snow=accumulated)
    compacted = compact(moved, history, fraction, conditions.subgrid_snow, conditions.lake, timestep)
    combined = combine_layers(compacted, snow_water, snow_depth, fraction, conditions.lake)
    divided = divide_layers(combined.layers, fraction, conditions.lake)

    mass = cap_aerosols(
        divided.aerosol_mass, divided.snow_index, layer_water(divided), conditions.capped_ice, timestep
    )
    aged = _aged(tables, divided, combined.snow_water, conditions, timestep)
    final = replace(cleared(replace(divided, aerosol_mass=mass)), grain_radius=aged)
    return SnowStep(
        layers=final,
        geometry=snow_geometry(final),
        snow_water=combined.snow_water,
        snow_depth=combined.snow_depth,
        accumulated_snow=accumulated,
        outflow=water.outflow,
        aerosol_outflow=water.aerosol_outflow,
        ground_debt=water.ground_debt,
        liquid_to_ground=combined.liquid_to_ground,
        ice_to_ground=combined.ice_to_ground,
    )


def _exchange_particles(layers: SnowLayers, conditions: SnowConditions, timestep: float) -> SnowLayers:
    """Particles that fall on the snow, and those that leave grains with sublimation."""
    mass = deposit_aerosols(layers.aerosol_mass, conditions.deposition, layers.snow_index, timestep)
    mass = release_aerosols(
        mass, layers.snow_index, layer_water(layers), conditions.surface.sublimation, timestep
    )
    return replace(layers, aerosol_mass=mass)


def _aged(
    tables: GrainTables,
    layers: SnowLayers,
    snow_water: Float[Array, " column"],
    conditions: SnowConditions,
    timestep: float,
) -> Float[Array, "snow column"]:
    """Grain radii at the end of the step, um."""
    ground = conditions.ground_temperature
    snow = AgingSnow(
        snow_index=layers.snow_index,
        thickness=layers.thickness,
        temperature=jnp.concatenate([layers.temperature, ground[None]]),
        liquid_water=layers.liquid_water,
        ice=layers.ice,
        snow_water=snow_water,
        snow_fraction=conditions.snow_fraction,
        ground_thickness=jnp.full_like(ground, float(ground_grid().thickness[0])),
        fresh_snow=conditions.snowfall,
        refrozen=conditions.refrozen,
    )
    return age_grains(tables, snow, layers.grain_radius, timestep)
