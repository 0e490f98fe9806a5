"""Water at the soil surface: saturated area, runoff, infiltration and the pond's outflow.

TOPMODEL's saturated area after Niu et al. (2005, doi:10.1029/2005JD006111); ponds on microrelief after the
CLM4.5 technical note (Oleson et al. 2013, chapter 7.2). Fluxes in kg m-2 s-1 (mm s-1), depths in m.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import DENSITY_ICE
from kiloland.land.biophysics.pond_cover import share_below
from kiloland.land.biophysics.safe_math import power
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

ICE_IMPEDANCE = 6.0
"""Decades by which a fully frozen layer conducts less."""
MINIMUM_EFFECTIVE_POROSITY = 0.01
CONNECTED_FRACTION = 0.4
"""Share of ponded ground above which ponds connect and flow out (ELM `pc`)."""
CONNECTION_EXPONENT = 0.13889
"""Exponent of the connected share (ELM `mu`)."""
INFILTRATION_LAYERS = 3
"""Layers whose frozen conductivity limits infiltration."""
SMALLEST_OUTFLOW = 1.0e-8
"""Outflow of a pond below this counts as none, kg m-2 s-1."""


@pytree_dataclass
class Terrain:
    """What the shape of the land tells hydrology, constant in a run."""

    maximum_saturated_fraction: Float[Array, " column"]
    """FMAX of the surface file."""
    slope: Float[Array, " column"]
    """Degrees."""
    microrelief: Float[Array, " column"]
    """Standard deviation of the surface height, mm."""
    pond_threshold: Float[Array, " column"]
    """Surface water at which ponds connect, kg m-2."""
    runoff_decay: Float[Array, " column"]
    """Decay of the saturated area with the depth of the water table, m-1 (`fover`)."""
    drainage_decay: Float[Array, " column"]
    """Decay of drainage with the depth of the water table, m-1 (`fdrain`)."""


@pytree_dataclass
class FrozenSoil:
    """Ice in the pores of the soil layers."""

    ice_fraction: Float[Array, "soil column"]
    """Ice over porosity, 0..1."""
    effective_porosity: Float[Array, "soil column"]
    """Pores that ice leaves."""


@pytree_dataclass
class SurfaceWaterFluxes:
    """Where the water at the surface of a step goes, kg m-2 s-1."""

    saturated_fraction: Float[Array, " column"]
    surface_runoff: Float[Array, " column"]
    infiltration: Float[Array, " column"]
    pond_outflow: Float[Array, " column"]
    pond_water: Float[Array, " column"]
    """Pond after the step, kg m-2."""


def microrelief(slope: Float[Array, " column"]) -> Float[Array, " column"]:
    """Standard deviation of the microtopography, mm: 1000 (s + s0)^n with s0 = 0.4^(1/n), n = -3."""
    base = slope + math.pow(CONNECTED_FRACTION, -1.0 / 3.0)
    return 1000.0 / (base * base * base)


def flooded(depth: Float[Array, " column"], sigma: Float[Array, " column"]) -> tuple[Array, Array]:
    """Share of ground below a water level ``depth`` (mm) on normal microrelief, and its derivative.

    f is `share_below`, df/dd = exp(-d^2 / 2 s^2) / (s sqrt(2 pi)).
    """
    ratio = depth / sigma
    density = jnp.exp(-0.5 * ratio * ratio) / (sigma * math.sqrt(2.0 * math.pi))
    return share_below(depth, sigma), density


def ponded_water(depth: Float[Array, " column"], sigma: Float[Array, " column"]) -> Float[Array, " column"]:
    """Water below a level on normal microrelief, kg m-2: d f(d) + s^2 f'(d)."""
    share, density = flooded(depth, sigma)
    return depth * share + sigma * sigma * density


def pond_threshold(sigma: Float[Array, " column"]) -> Float[Array, " column"]:
    """Surface water at which the flooded share reaches the connected fraction, kg m-2.

    ELM takes four Newton steps from level 0.
    """
    depth = jnp.zeros_like(sigma)
    for _ in range(4):
        share, density = flooded(depth, sigma)
        depth = depth - (share - CONNECTED_FRACTION) / density
    return ponded_water(depth, sigma)


def frozen_soil(soil: SoilProperties, ice: Float[Array, "total column"]) -> FrozenSoil:
    """Ice in the soil layers: vol = min(porosity, ice / (rho_i dz)); shares of the pores."""
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
    porosity = soil.porosity[:SOIL_LAYERS]
    volume = jnp.minimum(porosity, ice[SNOW_LAYERS : SNOW_LAYERS + SOIL_LAYERS] / (thickness * DENSITY_ICE))
    return FrozenSoil(
        ice_fraction=jnp.minimum(1.0, volume / porosity),
        effective_porosity=jnp.maximum(MINIMUM_EFFECTIVE_POROSITY, porosity - volume),
    )


def impedance(ice_fraction: Array) -> Array:
    """Factor of conductivity in frozen soil: 10^(-6 f)."""
    return jnp.exp(-ICE_IMPEDANCE * math.log(10.0) * ice_fraction)


def saturated_fraction(
    terrain: Terrain,
    water_table: Float[Array, " column"],
    perched_table: Float[Array, " column"],
    frost_table: Float[Array, " column"],
) -> Float[Array, " column"]:
    """Saturated share of the column: FMAX exp(-f z / 2), z the perched table where one stands on frost."""
    depth = jnp.where(frost_table > perched_table, perched_table, water_table)
    return terrain.maximum_saturated_fraction * jnp.exp(-0.5 * terrain.runoff_decay * depth)


def surface_water(
    soil: SoilProperties,
    frozen: FrozenSoil,
    terrain: Terrain,
    *,
    saturated: Float[Array, " column"],
    water_input: Float[Array, " column"],
    soil_evaporation: Float[Array, " column"],
    pond_evaporation: Float[Array, " column"],
    snow_fraction: Float[Array, " column"],
    pond_fraction: Float[Array, " column"],
    dry_pond_fraction: Float[Array, " column"],
    pond_water: Float[Array, " column"],
    timestep: float,
) -> SurfaceWaterFluxes:
    """Divide rain and melt water between runoff, soil and pond.

    Args:
        saturated: share of the column that takes no water.
        water_input: rain and water from snow at the ground.
        soil_evaporation: from the soil that neither snow nor pond covers, per area of that soil.
        pond_evaporation: from the pond, per area of the pond.
        snow_fraction: share under snow with layers.
        pond_fraction: share under the pond, ``dry_pond_fraction`` the same before snow took its part.
        pond_water: kg m-2 before.
        timestep: s.

    Infiltration is limited to (1 - saturated) min_j(10^(-6 ice_j) k_j) over the first three layers; the
    excess joins the pond, which flows out above a threshold and drains into the soil below it.
    Source: CLM4.5 technical note, 7.2; ELM `Infiltration`.
    """
    runoff = saturated * water_input
    conductivity = impedance(frozen.ice_fraction) * soil.saturated_conductivity[:SOIL_LAYERS]
    capacity = (1.0 - saturated) * jnp.min(conductivity[:INFILTRATION_LAYERS], axis=0)
    to_soil = (1.0 - pond_fraction) * (water_input - runoff)
    to_soil = to_soil - (1.0 - snow_fraction - pond_fraction) * soil_evaporation
    to_pond = pond_fraction * (water_input - runoff) - pond_fraction * pond_evaporation
    excess = jnp.maximum(0.0, to_soil - (1.0 - pond_fraction) * capacity)
    to_soil, to_pond = to_soil - excess, to_pond + excess

    outflow = pond_outflow(terrain, dry_pond_fraction, pond_water, timestep)
    water = pond_water + (to_pond - outflow) * timestep
    # A pond that evaporates more than it holds takes the rest from the soil.
    to_soil = to_soil + jnp.minimum(water, 0.0) / timestep
    water = jnp.maximum(water, 0.0)
    drain = jnp.minimum(pond_fraction * capacity, water / timestep)
    return SurfaceWaterFluxes(
        saturated_fraction=saturated,
        surface_runoff=runoff,
        infiltration=to_soil + drain,
        pond_outflow=outflow,
        pond_water=water - drain * timestep,
    )


def pond_outflow(
    terrain: Terrain,
    dry_pond_fraction: Float[Array, " column"],
    pond_water: Float[Array, " column"],
    timestep: float,
) -> Float[Array, " column"]:
    """Outflow of connected ponds, kg m-2 s-1: sin(slope) (f - pc)^mu (w - w_c), at most all above w_c."""
    connected = power(jnp.maximum(dry_pond_fraction - CONNECTED_FRACTION, 0.0), CONNECTION_EXPONENT)
    above = pond_water - terrain.pond_threshold
    flow = jnp.sin(math.pi / 180.0 * terrain.slope) * connected * above
    flow = jnp.where((dry_pond_fraction > CONNECTED_FRACTION) & (above > 0.0), flow, 0.0)
    flow = jnp.minimum(flow, above / timestep)
    return jnp.where(flow < SMALLEST_OUTFLOW, 0.0, flow)
