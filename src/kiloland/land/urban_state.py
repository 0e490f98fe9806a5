"""The state of towns: what a step advances and a restart holds.

Column arrays have the surface as the slower axis (see :mod:`kiloland.land.urban_town`); layer axes as in
:mod:`kiloland.land.state`. Roofs and walls use the first five ground rows, the others hold nothing.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.snow_pack import SnowLayers
from kiloland.land.biophysics.urban_albedo import UrbanAlbedo
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class UrbanState:
    """Prognostic state of towns."""

    snow_index: Int[Array, " column"]
    """Minus the number of snow layers, -5..0; always 0 on walls."""
    snow_thickness: Float[Array, "snow column"]
    """m."""
    snow_node_depth: Float[Array, "snow column"]
    """m, negative."""
    snow_interface_depth: Float[Array, "snow column"]
    """Of the upper interface, m, negative."""
    temperature: Float[Array, "total column"]
    """K."""
    liquid_water: Float[Array, "total column"]
    """kg m-2."""
    ice: Float[Array, "total column"]
    """kg m-2."""
    snow_water: Float[Array, " column"]
    """kg m-2."""
    snow_depth: Float[Array, " column"]
    """m."""
    accumulated_snow: Float[Array, " column"]
    """Accumulated snowfall that the share of snow remembers, kg m-2."""
    snow_fraction: Float[Array, " column"]
    """Share of the surface under snow: min(depth / 0.05 m, 1) between steps."""
    snow_melt: Float[Array, " column"]
    """Net snow melt of the last step, kg m-2 s-1."""
    snow_freezing: Float[Array, "snow column"]
    """Refreezing in snow layers in the last step, kg m-2 s-1."""
    grain_radius: Float[Array, "snow column"]
    """um."""
    aerosol_mass: Float[Array, "species snow column"]
    """kg m-2."""
    cooling: Float[Array, " column"]
    """Heat that air conditioning took out of the building through the surface, W m-2 (`URBAN_AC`)."""
    heating: Float[Array, " column"]
    """Heat that the building gave to the surface while it was heated, W m-2 (`URBAN_HEAT`)."""
    air_temperature: Float[Array, " town"]
    """Of the air in the canyon, K (`taf`)."""
    air_humidity: Float[Array, " town"]
    """kg kg-1 (`qaf`)."""
    water_table: Float[Array, " town"]
    """Below the pervious road, m, as the next three."""
    aquifer_water: Float[Array, " town"]
    """kg m-2."""
    perched_table: Float[Array, " town"]
    """m."""
    frost_table: Float[Array, " town"]
    """m."""
    cosine_zenith: Float[Array, " town"]
    """That the albedo belongs to."""
    albedo: UrbanAlbedo


def ground_of(state: UrbanState) -> GroundState:
    """What the heat balance reads; towns have no ponds, and their snow layers lie everywhere."""
    none = jnp.zeros_like(state.snow_water)
    return GroundState(
        snow_index=state.snow_index,
        snow_thickness=state.snow_thickness,
        snow_node_depth=state.snow_node_depth,
        snow_interface_depth=state.snow_interface_depth,
        temperature=state.temperature,
        liquid_water=state.liquid_water,
        ice=state.ice,
        pond_temperature=state.temperature[SNOW_LAYERS],
        pond_water=none,
        pond_fraction=none,
        snow_water=state.snow_water,
        snow_depth=state.snow_depth,
        accumulated_snow=state.accumulated_snow,
        effective_snow_fraction=jnp.ones_like(none),
    )


def snow_layers_of(state: UrbanState) -> SnowLayers:
    """Snow layers of a state."""
    rows = slice(0, SNOW_LAYERS)
    return SnowLayers(
        snow_index=state.snow_index,
        thickness=state.snow_thickness,
        temperature=state.temperature[rows],
        liquid_water=state.liquid_water[rows],
        ice=state.ice[rows],
        grain_radius=state.grain_radius,
        aerosol_mass=state.aerosol_mass,
    )
