"""Roots in the soil, and how dry or frozen soil limits what they take up."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID, FREEZING_POINT
from kiloland.land.biophysics.safe_math import divide, power, sum_rows
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

_LEAST_SATURATION = 0.01
_LEAST_POROSITY = 0.01


@pytree_dataclass
class RootTraits:
    """Roots and stomata of each plant type; the axis is a PFT, or a patch once gathered."""

    upper_decay: Float[Array, " type"]
    """Decay of roots with depth, m-1 (ELM `roota_par`)."""
    lower_decay: Float[Array, " type"]
    """m-1 (`rootb_par`)."""
    open_potential: Float[Array, " type"]
    """Soil potential at which stomata are fully open, mm (`smpso`)."""
    closed_potential: Float[Array, " type"]
    """At which they are closed, mm (`smpsc`)."""


@pytree_dataclass
class MoistureStress:
    """Water supply of each patch."""

    factor: Float[Array, " patch"]
    """Transpiration wetness factor, 0..1 (ELM `btran`)."""
    total_water_factor: Float[Array, " patch"]
    """The same with all water, liquid and ice, counted as liquid (`btran2`, for fire)."""
    resistance: Float[Array, "soil patch"]
    """Of each layer, 0 none available, 1 free (`rresis`)."""
    uptake: Float[Array, "soil patch"]
    """Share of the transpired water that each layer gives, sum 1, or 0 without any (`rootr`)."""


@pytree_dataclass
class RootZone:
    """Soil layers with roots, per column."""

    temperature: Float[Array, "soil column"]
    """K."""
    liquid_water: Float[Array, "soil column"]
    """kg m-2."""
    ice: Float[Array, "soil column"]
    """kg m-2."""


def root_zone(
    temperature: Float[Array, "total column"],
    liquid_water: Float[Array, "total column"],
    ice: Float[Array, "total column"],
) -> RootZone:
    """The soil layers of stacked snow and ground layers."""
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    return RootZone(temperature=temperature[rows], liquid_water=liquid_water[rows], ice=ice[rows])


def root_fractions(traits: RootTraits) -> Float[Array, "soil patch"]:
    """Share of roots in each soil layer (Zeng 2001; ELM `rootfr`).

    Above depth z lie 1 - 0.5 (exp(-a z) + exp(-b z)) of the roots; the last layer takes all below it.
    Types without roots (a = b = 0) get 0.
    """
    depth = jnp.asarray(ground_grid().interface[: SOIL_LAYERS + 1])[:, None]
    below = 0.5 * (jnp.exp(-traits.upper_decay * depth) + jnp.exp(-traits.lower_decay * depth))
    inner = below[:-1] - below[1:]
    shares = inner.at[-1].set(below[SOIL_LAYERS - 1])
    return jnp.where(traits.upper_decay > 0.0, shares, 0.0)


def moisture_stress(
    soil: SoilProperties,
    zone: RootZone,
    traits: RootTraits,
    roots: Float[Array, "soil patch"],
    patch_column: Array,
    stress_temperature: Float[Array, ""] | float,
) -> MoistureStress:
    """Water stress of plants (ELM `SoilMoistStress`, method of CLM4.5).

    A layer without liquid water, or not above T_f + `stress_temperature` (C), gives nothing. Else
    r = min(1, (w_e / w) (psi - psi_c) / (psi_o - psi_c)), psi = max(psi_c, -psi_s s^-b),
    s = max(0.01, liquid volume / w_e), w_e = w - ice volume at least 0.01, liquid volume at most w_e;
    btran = sum of root share times r, uptake = root share r / btran. `soil`, `zone` per column; `traits`,
    `roots` per patch; `patch_column` the column of each patch.
    """
    rows = slice(0, SOIL_LAYERS)
    thickness = jnp.asarray(np.asarray(ground_grid().thickness[rows]))[:, None]
    porosity, suction = soil.porosity[rows], soil.saturated_suction[rows]
    exponent = soil.retention_exponent[rows]
    ice_volume = jnp.minimum(porosity, zone.ice / (thickness * DENSITY_ICE))
    open_porosity = jnp.maximum(_LEAST_POROSITY, porosity - ice_volume)
    liquid = jnp.minimum(open_porosity, zone.liquid_water / (thickness * DENSITY_LIQUID))
    saturation = jnp.maximum(liquid / open_porosity, _LEAST_SATURATION)
    potential = -suction * power(saturation, -exponent)
    total = zone.liquid_water / (thickness * DENSITY_LIQUID) + zone.ice / (thickness * DENSITY_ICE)
    potential_total = -suction * power(total / porosity, -exponent)
    supplies = (liquid > 0.0) & (zone.temperature > FREEZING_POINT + stress_temperature)

    closed, span = traits.closed_potential, traits.open_potential - traits.closed_potential

    def availability(psi: Array) -> Array:
        return divide(jnp.maximum(closed, psi[:, patch_column]) - closed, jnp.broadcast_to(span, roots.shape))

    wetness = (open_porosity / porosity)[:, patch_column]
    gives = supplies[:, patch_column]
    resistance = jnp.where(gives, jnp.minimum(wetness * availability(potential), 1.0), 0.0)
    layer = roots * resistance
    factor = sum_rows(jnp.maximum(layer, 0.0))
    from_total = roots * jnp.minimum(availability(potential_total), 1.0)
    return MoistureStress(
        factor=factor,
        total_water_factor=sum_rows(jnp.where(gives, from_total, 0.0)),
        resistance=resistance,
        uptake=divide(layer, jnp.broadcast_to(factor, layer.shape)),
    )
