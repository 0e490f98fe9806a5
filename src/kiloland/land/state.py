"""The state of the land: what a step advances and a restart holds.

Arrays are compact (only active columns of one type and their patches), layers first, columns last.
Every field is tied to its restart variable by the column ``state`` of ``variables/restart.csv``; this
file says nothing about files. Layer axes: ``total`` = 5 snow rows (the active ones last) and 15 ground
rows; ``snow`` = the 5 snow rows; ``snow1`` = the 5 snow rows and the ground below them; ``band`` =
visible, near infrared.
"""

from __future__ import annotations

from jaxtyping import Array, Float, Int

from kiloland.land.pytree import pytree_dataclass


@pytree_dataclass
class ColumnState:
    """Prognostic state of soil columns."""

    snow_index: Int[Array, " column"]
    """Minus the number of snow layers, -5..0."""
    snow_thickness: Float[Array, "snow column"]
    """Thickness of snow layers, m."""
    snow_node_depth: Float[Array, "snow column"]
    """Depth of snow nodes, m, negative above the ground."""
    snow_interface_depth: Float[Array, "snow column"]
    """Depth of the upper interface of snow layers, m."""
    temperature: Float[Array, "total column"]
    """Snow and ground temperature, K."""
    liquid_water: Float[Array, "total column"]
    """Liquid water, kg m-2."""
    ice: Float[Array, "total column"]
    """Ice, kg m-2."""
    ground_temperature: Float[Array, " column"]
    """Temperature of the surface seen by the atmosphere, K."""
    pond_temperature: Float[Array, " column"]
    """Temperature of surface water, K."""
    pond_water: Float[Array, " column"]
    """Surface water, kg m-2."""
    pond_fraction: Float[Array, " column"]
    """Fraction of ground covered by surface water."""
    snow_water: Float[Array, " column"]
    """Snow water equivalent, kg m-2."""
    snow_depth: Float[Array, " column"]
    """Depth of snow on the snow-covered part, m."""
    accumulated_snow: Float[Array, " column"]
    """Accumulated snowfall that the snow cover fraction remembers, kg m-2."""
    snow_fraction: Float[Array, " column"]
    """Fraction of ground covered by snow."""
    effective_snow_fraction: Float[Array, " column"]
    """Fraction of ground covered by snow as the energy balance sees it."""
    snow_melt: Float[Array, " column"]
    """Net snow melt of the last step, kg m-2 s-1."""
    snow_freezing: Float[Array, "snow column"]
    """Rate of refreezing in snow layers, kg m-2 s-1."""
    cosine_zenith: Float[Array, " column"]
    """Cosine of the solar zenith angle that the albedos belong to."""
    ground_albedo_direct: Float[Array, "band column"]
    ground_albedo_diffuse: Float[Array, "band column"]
    soil_albedo_direct: Float[Array, "band column"]
    soil_albedo_diffuse: Float[Array, "band column"]
    snow_albedo_direct: Float[Array, "band column"]
    snow_albedo_diffuse: Float[Array, "band column"]
    absorption_direct_visible: Float[Array, "snow1 column"]
    """Share of the incoming direct visible flux absorbed by each snow layer and the ground."""
    absorption_direct_near_infrared: Float[Array, "snow1 column"]
    absorption_diffuse_visible: Float[Array, "snow1 column"]
    absorption_diffuse_near_infrared: Float[Array, "snow1 column"]
    water_table: Float[Array, " column"]
    """Depth, m."""
    aquifer_water: Float[Array, " column"]
    """Water in the unconfined aquifer below the soil, kg m-2."""
    perched_table: Float[Array, " column"]
    """Depth of water that stands on frozen ground, m."""
    frost_table: Float[Array, " column"]
    """Depth of the first frozen layer, m."""
    grain_radius: Float[Array, "snow column"]
    """Effective radius of snow grains, um."""
    black_carbon_hydrophilic: Float[Array, "snow column"]
    """Mass of particles in snow layers, kg m-2, as the seven that follow."""
    black_carbon_hydrophobic: Float[Array, "snow column"]
    organic_carbon_hydrophilic: Float[Array, "snow column"]
    organic_carbon_hydrophobic: Float[Array, "snow column"]
    dust_1: Float[Array, "snow column"]
    dust_2: Float[Array, "snow column"]
    dust_3: Float[Array, "snow column"]
    dust_4: Float[Array, "snow column"]


@pytree_dataclass
class PatchState:
    """Prognostic state of the patches on soil columns."""

    leaf_area: Float[Array, " patch"]
    """Exposed one-sided leaf area index, m2 m-2."""
    stem_area: Float[Array, " patch"]
    """Exposed one-sided stem area index, m2 m-2."""
    vegetation_exposed: Int[Array, " patch"]
    """1 where vegetation stands above the snow, else 0."""
    canopy_top: Float[Array, " patch"]
    """Height of the canopy top, m."""
    leaf_temperature: Float[Array, " patch"]
    """Vegetation temperature, K."""
    wet_fraction: Float[Array, " patch"]
    """Wet fraction of the canopy."""
    canopy_water: Float[Array, " patch"]
    """Water on the canopy, kg m-2."""
    sunlit_fraction: Float[Array, " patch"]
    """Sunlit fraction of the canopy during the last step."""
    longwave_out: Float[Array, " patch"]
    """Longwave radiation leaving the surface in the last step, W m-2."""
    albedo_direct: Float[Array, "band patch"]
    albedo_diffuse: Float[Array, "band patch"]
    absorbed_direct: Float[Array, "band patch"]
    """Absorbed by the canopy per unit direct flux; the next four split it by sunlit and shaded leaves."""
    absorbed_diffuse: Float[Array, "band patch"]
    absorbed_direct_sunlit: Float[Array, "band patch"]
    absorbed_direct_shaded: Float[Array, "band patch"]
    absorbed_diffuse_sunlit: Float[Array, "band patch"]
    absorbed_diffuse_shaded: Float[Array, "band patch"]
    transmitted_direct: Float[Array, "band patch"]
    """Direct flux below the canopy per unit direct flux."""
    transmitted_direct_to_diffuse: Float[Array, "band patch"]
    """Diffuse flux below the canopy per unit direct flux."""
    transmitted_diffuse: Float[Array, "band patch"]
    """Diffuse flux below the canopy per unit diffuse flux."""
    leaf_absorbed_direct_sunlit: Float[Array, "canopy patch"]
    """Visible light absorbed per leaf and stem area, per unit flux."""
    leaf_absorbed_direct_shaded: Float[Array, "canopy patch"]
    leaf_absorbed_diffuse_sunlit: Float[Array, "canopy patch"]
    leaf_absorbed_diffuse_shaded: Float[Array, "canopy patch"]
    sunlit_fraction_layer: Float[Array, "canopy patch"]
    """Sunlit fraction of each canopy layer for the zenith of the albedos."""
    vcmax_scaling_sunlit: Float[Array, " patch"]
    """Leaf-to-canopy scaling of photosynthesis, sunlit and shaded."""
    vcmax_scaling_shaded: Float[Array, " patch"]
    screen_temperature: Float[Array, " patch"]
    """At 2 m, K."""
    ten_day_temperature: Float[Array, " patch"]
    """Running mean of the screen temperature, K."""


@pytree_dataclass
class LandState:
    """State of a group of soil columns and their patches."""

    column: ColumnState
    patch: PatchState
