"""Water in snow layers: exchange with the air, percolation, and the particles that meltwater carries.

Source: CLM4.5 technical note (Oleson et al. 2013), section 7.2, and Flanner et al. (2007) for particles, in
the form that ELM's `SnowWater` computes.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.aerosol import Aerosol, top_snow_layer
from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID
from kiloland.land.biophysics.safe_math import divide
from kiloland.land.biophysics.snow_pack import SnowLayers, layer_water
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

IRREDUCIBLE_SATURATION = 0.033
"""Share of the pores whose water capillary forces hold."""
IMPERMEABLE_POROSITY = 0.05
"""Porosity below which no water passes."""
SCAVENGING = {
    Aerosol.BLACK_CARBON_HYDROPHILIC: 0.20,
    Aerosol.BLACK_CARBON_HYDROPHOBIC: 0.03,
    Aerosol.ORGANIC_CARBON_HYDROPHILIC: 0.20,
    Aerosol.ORGANIC_CARBON_HYDROPHOBIC: 0.03,
    Aerosol.DUST_1: 0.02,
    Aerosol.DUST_2: 0.02,
    Aerosol.DUST_3: 0.01,
    Aerosol.DUST_4: 0.01,
}
"""Concentration of particles in meltwater over that in the layer it leaves."""
LEAST_WATER = 1.0e-30
"""kg m-2."""


@pytree_dataclass
class SnowSurfaceWater:
    """Exchange of water between the air and snow with layers, kg m-2 s-1 of the covered part."""

    sublimation: Float[Array, " column"]
    """Of ice (ELM `qflx_sub_snow`)."""
    evaporation: Float[Array, " column"]
    """Of liquid (`qflx_evap_grnd`)."""
    frost: Float[Array, " column"]
    """`qflx_dew_snow`."""
    dew: Float[Array, " column"]
    """`qflx_dew_grnd`."""
    rain: Float[Array, " column"]
    """That reaches the ground (`qflx_rain_grnd`)."""


@pytree_dataclass
class SnowWater:
    """Result of `move_snow_water`."""

    layers: SnowLayers
    outflow: Float[Array, " column"]
    """Out of the lowest layer, kg m-2 s-1; 0 without layers."""
    aerosol_outflow: Float[Array, "species column"]
    """Particles in it, kg m-2 s-1."""
    ground_debt: Float[Array, " column"]
    """Liquid (not positive) that evaporation takes from the ground because the pack lacks it, kg m-2."""
    accumulated: Float[Array, " column"]
    """What the pack gained from the air without snowfall, kg m-2: its snow cover fraction remembers it."""


def move_snow_water(
    layers: SnowLayers,
    surface: SnowSurfaceWater,
    snow_fraction: Float[Array, " column"],
    capped: Bool[Array, " column"],
    timestep: float,
) -> SnowWater:
    """Water of a step moved through the snow; `snow_fraction` is the share of the column under it.

    First the exchange with the air in the top layer (`exchange_with_air`), then percolation from the top
    down (`percolate`). Columns without layers pass unchanged with no outflow.
    """
    renewed, debt, accumulated = exchange_with_air(layers, surface, snow_fraction, capped, timestep)
    drained, outflow, aerosol_outflow = percolate(renewed, snow_fraction)
    return SnowWater(
        layers=drained,
        outflow=outflow / timestep,
        aerosol_outflow=aerosol_outflow / timestep,
        ground_debt=debt,
        accumulated=accumulated,
    )


def exchange_with_air(
    layers: SnowLayers,
    surface: SnowSurfaceWater,
    snow_fraction: Float[Array, " column"],
    capped: Bool[Array, " column"],
    timestep: float,
) -> tuple[SnowLayers, Float[Array, " column"], Float[Array, " column"]]:
    """Frost, sublimation, rain, dew and evaporation of the top layer.

    ice += f (frost - sublimation) dt, what is lacking is taken from the liquid; liquid += f (rain + dew -
    evaporation) dt, what is lacking is taken from the layers below and at last from the ground. A capped
    pack gains nothing. Returns the layers, the debt of the ground and what the pack gained (kg m-2).
    """
    top = top_snow_layer(layers.snow_index)
    seconds = snow_fraction * timestep
    gain_ice = jnp.where(capped, 0.0, surface.frost)
    gain_liquid = jnp.where(capped, 0.0, surface.rain + surface.dew)
    ice = layers.ice + jnp.where(top, (gain_ice - surface.sublimation) * seconds, 0.0)
    lacking = jnp.where(top, jnp.minimum(ice, 0.0), 0.0)
    liquid = layers.liquid_water + lacking
    liquid = liquid + jnp.where(top, (gain_liquid - surface.evaporation) * seconds, 0.0)

    exists = snow_layer_mask(layers.snow_index)
    debt, rows = jnp.zeros_like(snow_fraction), []
    for row in range(SNOW_LAYERS):
        amount = liquid[row] + debt
        short = exists[row] & (amount < 0.0)
        rows.append(jnp.where(short, 0.0, amount))
        debt = jnp.where(short, amount, 0.0)
    layered = layers.snow_index < 0
    gained = jnp.where(layered, (surface.frost + surface.dew + surface.rain) * seconds, 0.0)
    return replace(layers, ice=ice - lacking, liquid_water=jnp.stack(rows)), debt, gained


def percolate(
    layers: SnowLayers, snow_fraction: Float[Array, " column"]
) -> tuple[SnowLayers, Float[Array, " column"], Float[Array, "species column"]]:
    """Flow of liquid from layer to layer and out of the pack, with its particles, both kg m-2.

    q = max(0, (w - 0.033 e) dz f 1000) with volumes per covered volume: liquid w, pores e = 1 - ice; at most
    what the pores of the next layer take, and 0 where the pores of either are below 0.05. Volumes are those
    before anything moves. Particles: q k m / M, M the water of the layer after the outflow, at most m.
    Layers are at least as thick as their water and ice.
    """
    exists = snow_layer_mask(layers.snow_index)
    thickness = jnp.where(exists, layers.thickness * snow_fraction, 1.0)
    ice_volume = jnp.minimum(1.0, divide(layers.ice, thickness * DENSITY_ICE))
    pores = 1.0 - ice_volume
    liquid_volume = jnp.minimum(pores, divide(layers.liquid_water, thickness * DENSITY_LIQUID))
    free = jnp.maximum(0.0, (liquid_volume - IRREDUCIBLE_SATURATION * pores) * thickness)
    room = (1.0 - ice_volume - liquid_volume) * thickness
    factor = jnp.asarray([SCAVENGING[species] for species in Aerosol])[:, None]

    inflow = jnp.zeros_like(snow_fraction)
    particles_in = jnp.zeros_like(layers.aerosol_mass[:, 0])
    liquid_rows, particle_rows = [], []
    for row in range(SNOW_LAYERS):
        liquid = layers.liquid_water[row] + inflow
        particles = layers.aerosol_mass[:, row] + particles_in
        flow = free[row]
        if row + 1 < SNOW_LAYERS:
            closed = (pores[row] < IMPERMEABLE_POROSITY) | (pores[row + 1] < IMPERMEABLE_POROSITY)
            flow = jnp.where(closed, 0.0, jnp.minimum(flow, room[row + 1]))
        flow = jnp.where(exists[row], flow * 1000.0, 0.0)
        liquid = liquid - flow
        water = jnp.where(exists[row], jnp.maximum(liquid + layers.ice[row], LEAST_WATER), 1.0)
        carried = jnp.minimum(flow * factor * (particles / water), particles)
        carried = jnp.where(exists[row], carried, 0.0)
        liquid_rows.append(liquid)
        particle_rows.append(particles - carried)
        inflow, particles_in = flow, carried

    liquid_water = jnp.stack(liquid_rows)
    thickest = jnp.maximum(layers.thickness, liquid_water / DENSITY_LIQUID + layers.ice / DENSITY_ICE)
    drained = replace(
        layers,
        liquid_water=liquid_water,
        aerosol_mass=jnp.stack(particle_rows, axis=1),
        thickness=jnp.where(exists, thickest, layers.thickness),
    )
    return drained, inflow, particles_in


def snow_mass(layers: SnowLayers) -> Float[Array, " column"]:
    """Water of all layers from the top down, kg m-2."""
    total = jnp.zeros_like(layers.thickness[0])
    for row in layer_water(layers):
        total = total + row
    return total
