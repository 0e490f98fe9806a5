"""The state of lakes: what a step advances and a restart holds.

Fields that columns of soil have too carry the names of the column state, those of the one patch of a lake
the names of the patch state (`state.py`). Layer axes: ``lake`` = 10 layers of water; ``total``, ``snow``,
``snow1`` and ``band`` as there.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.albedo import GroundAlbedo, SnowRadiation
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_layers import LakeWater
from kiloland.land.biophysics.snow_pack import SnowLayers
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class LakeState:
    """State of a group of lake columns and their patches."""

    water_temperature: Float[Array, "lake column"]
    """K."""
    ice_fraction: Float[Array, "lake column"]
    """Share of the mass of each layer of water that is ice."""
    eddy_conductivity: Float[Array, " column"]
    """Of the first layer of water, W m-1 K-1."""
    friction_velocity: Float[Array, " column"]
    """Of the air over the lake in the last step, m s-1."""
    roughness: Float[Array, " column"]
    """Of the surface in the last step, m."""
    ground_temperature: Float[Array, " column"]
    """Of the surface seen by the atmosphere, K."""
    snow_index: Int[Array, " column"]
    """Minus the number of snow layers, -5..0."""
    snow_thickness: Float[Array, "snow column"]
    """m."""
    snow_node_depth: Float[Array, "snow column"]
    """m, negative above the water."""
    snow_interface_depth: Float[Array, "snow column"]
    """m."""
    temperature: Float[Array, "total column"]
    """Of snow and of the ground below the lake, K."""
    liquid_water: Float[Array, "total column"]
    """kg m-2."""
    ice: Float[Array, "total column"]
    """kg m-2."""
    snow_water: Float[Array, " column"]
    """kg m-2."""
    snow_depth: Float[Array, " column"]
    """m."""
    accumulated_snow: Float[Array, " column"]
    """kg m-2."""
    effective_snow_fraction: Float[Array, " column"]
    """1 where there is snow, else 0."""
    snow_melt: Float[Array, " column"]
    """Water that left the snow in the last step, kg m-2 s-1."""
    snow_freezing: Float[Array, "snow column"]
    """Rate of refreezing in snow layers, kg m-2 s-1."""
    grain_radius: Float[Array, "snow column"]
    """um."""
    aerosol_mass: Float[Array, "species snow column"]
    """kg m-2."""
    cosine_zenith: Float[Array, " column"]
    """Cosine of the solar zenith angle that the albedos belong to."""
    ground_albedo_direct: Float[Array, "band column"]
    ground_albedo_diffuse: Float[Array, "band column"]
    soil_albedo_direct: Float[Array, "band column"]
    """Of water or ice below the snow."""
    soil_albedo_diffuse: Float[Array, "band column"]
    snow_albedo_direct: Float[Array, "band column"]
    snow_albedo_diffuse: Float[Array, "band column"]
    absorption_direct_visible: Float[Array, "snow1 column"]
    """Share of the incoming direct visible flux absorbed by each snow layer and below."""
    absorption_direct_near_infrared: Float[Array, "snow1 column"]
    absorption_diffuse_visible: Float[Array, "snow1 column"]
    absorption_diffuse_near_infrared: Float[Array, "snow1 column"]
    albedo_direct: Float[Array, "band column"]
    """Of the patch: that of the ground by day, 1 at night."""
    albedo_diffuse: Float[Array, "band column"]
    transmitted_direct: Float[Array, "band column"]
    """Of the patch: 1 by day, 0 at night."""
    transmitted_diffuse: Float[Array, "band column"]
    leaf_temperature: Float[Array, " column"]
    """Of the patch: the temperature of the air, K."""
    longwave_out: Float[Array, " column"]
    """Longwave radiation leaving the surface in the last step, W m-2."""
    screen_temperature: Float[Array, " column"]
    """At 2 m, K."""


def lake_water_of(state: LakeState) -> LakeWater:
    """The part that the heat balance of the water reads and advances."""
    return LakeWater(state.water_temperature, state.ice_fraction, state.eddy_conductivity)


def lake_ground_of(state: LakeState) -> GroundState:
    """Snow and ground as the heat balance reads and advances them; there are no ponds."""
    none = jnp.zeros_like(state.snow_water)
    return GroundState(
        snow_index=state.snow_index,
        snow_thickness=state.snow_thickness,
        snow_node_depth=state.snow_node_depth,
        snow_interface_depth=state.snow_interface_depth,
        temperature=state.temperature,
        liquid_water=state.liquid_water,
        ice=state.ice,
        pond_temperature=none,
        pond_water=none,
        pond_fraction=none,
        snow_water=state.snow_water,
        snow_depth=state.snow_depth,
        accumulated_snow=state.accumulated_snow,
        effective_snow_fraction=state.effective_snow_fraction,
    )


def lake_snow_of(state: LakeState, ground: GroundState) -> SnowLayers:
    """Snow in layers: water and temperature of some ground, grains and particles of the state."""
    return SnowLayers(
        snow_index=ground.snow_index,
        thickness=ground.snow_thickness,
        temperature=ground.temperature[:SNOW_LAYERS],
        liquid_water=ground.liquid_water[:SNOW_LAYERS],
        ice=ground.ice[:SNOW_LAYERS],
        grain_radius=state.grain_radius,
        aerosol_mass=state.aerosol_mass,
    )


def lake_ground_albedo_of(state: LakeState) -> GroundAlbedo:
    """What the state holds of the albedo."""
    return GroundAlbedo(
        soil_albedo_direct=state.soil_albedo_direct,
        soil_albedo_diffuse=state.soil_albedo_diffuse,
        ground_albedo_direct=state.ground_albedo_direct,
        ground_albedo_diffuse=state.ground_albedo_diffuse,
    )


def lake_snow_radiation_of(state: LakeState) -> SnowRadiation:
    """What the state holds of the radiation in snow."""
    return SnowRadiation(
        albedo_direct=state.snow_albedo_direct,
        albedo_diffuse=state.snow_albedo_diffuse,
        layer_absorption_direct=jnp.stack(
            [state.absorption_direct_visible, state.absorption_direct_near_infrared]
        ),
        layer_absorption_diffuse=jnp.stack(
            [state.absorption_diffuse_visible, state.absorption_diffuse_near_infrared]
        ),
    )
