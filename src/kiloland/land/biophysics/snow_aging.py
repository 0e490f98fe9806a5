"""Growth of snow grains: dry metamorphism, liquid water, fresh snow and refreezing.

Source: Flanner and Zender (2006, J. Geophys. Res. 111, D12208), as ELM's `SnowAge_grain` computes it.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.aerosol import top_snow_layer
from kiloland.land.biophysics.safe_math import divide, power
from kiloland.land.biophysics.snicar import FRESH_RADIUS
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

LARGEST_RADIUS = 1500.0
"""um."""
REFROZEN_RADIUS = 1000.0
"""Effective radius of refrozen water, um."""
LEAST_SNOW = 1.0e-30
"""kg m-2."""
WET_GROWTH = 4.22e-13
"""Factor of growth in liquid water, m3 s-1 over the cube of a mass fraction (Brun 1989)."""
WETTEST = 0.1
"""Largest mass fraction of liquid water that speeds growth."""
_HOUR = 3600.0


@pytree_dataclass
class GrainTables:
    """Constants of dry ageing on temperature, temperature gradient and density."""

    time: Float[Array, "11 31 8"]
    """tau, h (in units of the radius in um)."""
    exponent: Float[Array, "11 31 8"]
    """kappa."""
    initial_rate: Float[Array, "11 31 8"]
    """Growth of a fresh grain, um h-1."""


@pytree_dataclass
class AgingSnow:
    """Snow at the end of a step, and what happened in it."""

    snow_index: Int[Array, " column"]
    """Minus the number of layers, -5..0."""
    thickness: Float[Array, "snow column"]
    """m."""
    temperature: Float[Array, "snow1 column"]
    """Of snow layers and, last, of the first ground layer, K."""
    liquid_water: Float[Array, "snow column"]
    """kg m-2."""
    ice: Float[Array, "snow column"]
    """kg m-2."""
    snow_water: Float[Array, " column"]
    """kg m-2."""
    snow_fraction: Float[Array, " column"]
    """Share of the column that the layers cover."""
    ground_thickness: Float[Array, " column"]
    """Of the first ground layer (of the soil below lakes too), m."""
    fresh_snow: Float[Array, " column"]
    """Snow that fell on the ground, kg m-2 s-1."""
    refrozen: Float[Array, "snow column"]
    """Water that froze in each layer, kg m-2 s-1."""


def age_grains(
    tables: GrainTables, snow: AgingSnow, radius: Float[Array, "snow column"], timestep: float
) -> Float[Array, "snow column"]:
    """Effective radius of grains after a step, um; 0 in layers that do not exist.

    Dry and wet growth act on the old radius r; fresh snow (54.526 um, top layer) and refrozen water (1000 um)
    mix in by mass. A pack without layers has fresh grains in the lowest row.
    """
    exists = snow_layer_mask(snow.snow_index)
    old = jnp.where(exists, jnp.maximum(radius, FRESH_RADIUS), FRESH_RADIUS)
    water = jnp.where(exists, snow.liquid_water + snow.ice, 1.0)
    grown = old + _dry_growth(tables, snow, old, water, timestep)
    grown = grown + _wet_growth(snow, old, water, timestep)

    top = top_snow_layer(snow.snow_index)
    fresh = jnp.where(top, jnp.maximum(snow.fresh_snow * timestep, 0.0), 0.0) / water
    refrozen = jnp.maximum(snow.refrozen * timestep, 0.0) / water
    total = fresh + refrozen
    crowded = total > 1.0
    fresh = jnp.where(crowded, fresh / jnp.where(crowded, total, 1.0), fresh)
    refrozen = jnp.where(crowded, refrozen / jnp.where(crowded, total, 1.0), refrozen)
    remaining = jnp.where(crowded, 0.0, 1.0 - refrozen - fresh)
    mixed = grown * remaining + FRESH_RADIUS * fresh + REFROZEN_RADIUS * refrozen
    layered = jnp.where(exists, jnp.clip(mixed, FRESH_RADIUS, LARGEST_RADIUS), 0.0)

    layerless = (snow.snow_index == 0) & (snow.snow_water > LEAST_SNOW)
    lowest = jnp.arange(SNOW_LAYERS)[:, None] == SNOW_LAYERS - 1
    return jnp.where(layerless & lowest, FRESH_RADIUS, layered)


def _dry_growth(
    tables: GrainTables,
    snow: AgingSnow,
    radius: Float[Array, "snow column"],
    water: Float[Array, "snow column"],
    timestep: float,
) -> Float[Array, "snow column"]:
    """dr = r0' (tau/(r - r_fresh + tau))^(1/kappa) dt with constants gathered from the tables."""
    exists = snow_layer_mask(snow.snow_index)
    thickness = jnp.where(exists, snow.snow_fraction * snow.thickness, 1.0)
    temperature = snow.temperature[:SNOW_LAYERS]
    row = _nearest((temperature - 223.0) / 5.0, 11)
    slope = _nearest(_gradient(snow, thickness) / 10.0, 31)
    density = jnp.maximum(50.0, divide(water, thickness))
    place = (row, slope, _nearest((density - 50.0) / 50.0, 8))
    tau, kappa, rate = tables.time[place], tables.exponent[place], tables.initial_rate[place]
    return rate * power(tau / (radius - FRESH_RADIUS + tau), 1.0 / kappa) * (timestep / _HOUR)


def _gradient(snow: AgingSnow, thickness: Float[Array, "snow column"]) -> Float[Array, "snow column"]:
    """|dT/dz| across each layer, K m-1, between its interfaces.

    Temperature at an interface is the mean of both sides, each weighted with the thickness of the other; the
    top layer's upper end has its own temperature. All thicknesses, that of the ground too, are scaled with
    the covered share.
    """
    exists = snow_layer_mask(snow.snow_index)
    top = top_snow_layer(snow.snow_index)
    temperature = snow.temperature
    ground = snow.snow_fraction * snow.ground_thickness
    thick = jnp.concatenate([thickness, ground[None]])
    upper, lower = thick[:-1], thick[1:]
    between = (temperature[:-1] * lower + temperature[1:] * upper) / (upper + lower)
    above = jnp.concatenate([temperature[:1], between[:-1]])
    above = jnp.where(top, temperature[:SNOW_LAYERS], above)
    return jnp.where(exists, jnp.abs((above - between) / thickness), 0.0)


def _wet_growth(
    snow: AgingSnow,
    radius: Float[Array, "snow column"],
    water: Float[Array, "snow column"],
    timestep: float,
) -> Float[Array, "snow column"]:
    """dr = 1e18 dt 4.22e-13 f^3/(4 pi r^2) with the mass fraction f of liquid water, at most 0.1; r in um."""
    f = jnp.minimum(WETTEST, jnp.where(snow_layer_mask(snow.snow_index), snow.liquid_water, 0.0) / water)
    return 1.0e18 * timestep * (WET_GROWTH * f * f * f / (4.0 * math.pi * radius * radius))


def _nearest(position: Float[Array, "snow column"], size: int) -> Int[Array, "snow column"]:
    """Nearest row of a table of a given size, from 0."""
    return jnp.clip(jnp.floor(position + 0.5).astype(jnp.int32), 0, size - 1)
