"""Hydraulic and thermal properties of the ground from texture and organic matter.

Mineral soil after Cosby et al. (1984, Table 5) and Farouki (1981), organic soil after Lawrence and Slater
(2008); mixed by the organic fraction. Computed once for each column.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import CONDUCTIVITY_LIQUID, HEAT_CAPACITY_BEDROCK
from kiloland.land.biophysics.safe_math import power
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import GROUND_LAYERS, SOIL_LAYERS, ground_grid

ORGANIC_MAXIMUM = 130.0
"""Organic matter density of peat, kg m-3."""

_SAPRIC_DEPTH = 0.5
_ORGANIC_SOLID_CONDUCTIVITY = 0.25
_ORGANIC_DRY_CONDUCTIVITY = 0.05
_ORGANIC_HEAT_CAPACITY = 2.5
_PERCOLATION_THRESHOLD = 0.5
_PERCOLATION_EXPONENT = 0.139
_PARTICLE_DENSITY = 2700.0
_SECONDS_PER_DAY = 86400.0
_DRY_SUCTION = 316230.0
_OPTIMUM_SUCTION = 158490.0

# ELM writes these three constants of Cosby's conductivity in single precision; at 1e-8 it shows.
_CONDUCTIVITY_SCALE = float(np.float32(0.0070556))
_CONDUCTIVITY_OFFSET = float(np.float32(-0.884))
_CONDUCTIVITY_SLOPE = float(np.float32(0.0153))


@pytree_dataclass
class SoilProperties:
    """Constants of each ground layer."""

    porosity: Float[Array, "ground column"]
    """Volumetric water content at saturation (ELM `watsat`)."""
    saturated_suction: Float[Array, "ground column"]
    """Suction at saturation, mm, positive (`sucsat`)."""
    retention_exponent: Float[Array, "ground column"]
    """Clapp and Hornberger's b (`bsw`)."""
    saturated_conductivity: Float[Array, "ground column"]
    """Hydraulic conductivity at saturation, mm s-1 (`hksat`)."""
    field_capacity: Float[Array, "ground column"]
    """Water content at a conductivity of 0.1 mm per day (`watfc`)."""
    dry_content: Float[Array, "ground column"]
    """Water content at a suction of 316230 mm (`watdry`)."""
    optimum_content: Float[Array, "ground column"]
    """Water content at a suction of 158490 mm (`watopt`)."""
    solid_conductivity: Float[Array, "ground column"]
    """Thermal conductivity of the solids raised to their share, W m-1 K-1 (`tkmg`)."""
    saturated_thermal_conductivity: Float[Array, "ground column"]
    """Thermal conductivity of saturated unfrozen soil, W m-1 K-1 (`tksatu`)."""
    dry_thermal_conductivity: Float[Array, "ground column"]
    """Thermal conductivity of dry soil, W m-1 K-1 (`tkdry`)."""
    solid_heat_capacity: Float[Array, "ground column"]
    """Heat capacity of the solids, J m-3 K-1 (`csol`)."""


def soil_properties(
    sand: Float[Array, "soil column"],
    clay: Float[Array, "soil column"],
    organic: Float[Array, "soil column"],
) -> SoilProperties:
    """Properties of 15 ground layers from the 10 soil layers of the surface file.

    Arguments: sand and clay in percent, organic matter in kg m-3. The five bedrock layers continue the
    texture of layer 10 without organic matter; their solids have the heat capacity of rock. The organic
    fraction is the square of organic / 130 kg m-3. Source: ELM `SoilStateType:InitCold`.
    """
    relative_depth = jnp.asarray(ground_grid().node)[:, None] / _SAPRIC_DEPTH
    return _properties(
        sand,
        clay,
        _square(organic / ORGANIC_MAXIMUM),
        _OrganicSoil(
            porosity=jnp.maximum(0.93 - 0.1 * relative_depth, 0.83),
            suction=jnp.minimum(10.3 - 0.2 * relative_depth, 10.1),
            exponent=jnp.minimum(2.7 + 9.3 * relative_depth, 12.0),
            conductivity=jnp.maximum(0.28 - 0.2799 * relative_depth, 1.0e-4),
        ),
    )


def lake_soil_properties(
    sand: Float[Array, "soil column"],
    clay: Float[Array, "soil column"],
    organic: Float[Array, "soil column"],
) -> SoilProperties:
    """Properties of the ground below lakes: organic sediment is loose peat at every depth.

    Arguments as of :func:`soil_properties`. ELM squares the organic fraction once more here, so it is
    (organic / 130 kg m-3)^4. Source: ELM `SoilStateType:InitCold`, lake columns; Subin et al. (2012).
    """
    return _properties(
        sand,
        clay,
        _square(_square(organic / ORGANIC_MAXIMUM)),
        _OrganicSoil(
            porosity=jnp.asarray(0.9),
            suction=jnp.asarray(10.3),
            exponent=jnp.asarray(2.7),
            conductivity=jnp.asarray(0.1),
        ),
    )


class _OrganicSoil(NamedTuple):
    """Hydraulic properties of pure organic soil, for all or for each layer."""

    porosity: Array
    suction: Array
    exponent: Array
    conductivity: Array


def _properties(
    sand: Float[Array, "soil column"],
    clay: Float[Array, "soil column"],
    organic_share: Float[Array, "soil column"],
    peat: _OrganicSoil,
) -> SoilProperties:
    sand, clay = _extend(sand), _extend(clay)
    share = jnp.concatenate([organic_share, jnp.zeros_like(sand[SOIL_LAYERS:])])
    mineral_porosity = 0.489 - 0.00126 * sand
    porosity = _mix(share, mineral_porosity, peat.porosity)
    suction = _mix(share, 10.0 * _ten_to(1.88 - 0.0131 * sand), peat.suction)
    exponent = _mix(share, 2.91 + 0.159 * clay, peat.exponent)
    conductivity = _saturated_conductivity(share, sand, peat.conductivity)

    bulk_density = (1.0 - mineral_porosity) * _PARTICLE_DENSITY
    mineral_dry = (0.135 * bulk_density + 64.7) / (_PARTICLE_DENSITY - 0.947 * bulk_density)
    solid = _mix(share, (8.80 * sand + 2.92 * clay) / (sand + clay), _ORGANIC_SOLID_CONDUCTIVITY)
    solid_conductivity = power(solid, 1.0 - porosity)
    heat = _mix(share, (2.128 * sand + 2.385 * clay) / (sand + clay), _ORGANIC_HEAT_CAPACITY) * 1.0e6
    bedrock = (jnp.arange(GROUND_LAYERS) >= SOIL_LAYERS)[:, None]

    def content_at(suction_level: float) -> Float[Array, "ground column"]:
        return porosity * power(suction_level / suction, -1.0 / exponent)

    return SoilProperties(
        porosity=porosity,
        saturated_suction=suction,
        retention_exponent=exponent,
        saturated_conductivity=conductivity,
        field_capacity=porosity
        * power(0.1 / (conductivity * _SECONDS_PER_DAY), 1.0 / (2.0 * exponent + 3.0)),
        dry_content=content_at(_DRY_SUCTION),
        optimum_content=content_at(_OPTIMUM_SUCTION),
        solid_conductivity=solid_conductivity,
        saturated_thermal_conductivity=solid_conductivity * power(jnp.asarray(CONDUCTIVITY_LIQUID), porosity),
        dry_thermal_conductivity=_mix(share, mineral_dry, _ORGANIC_DRY_CONDUCTIVITY),
        solid_heat_capacity=jnp.where(bedrock, HEAT_CAPACITY_BEDROCK, heat),
    )


def _saturated_conductivity(
    share: Float[Array, "ground column"],
    sand: Float[Array, "ground column"],
    organic: Float[Array, "..."],
) -> Float[Array, "ground column"]:
    """Hydraulic conductivity, mm s-1: connected organic pathways in parallel with the rest in series."""
    mineral = _CONDUCTIVITY_SCALE * _ten_to(_CONDUCTIVITY_OFFSET + _CONDUCTIVITY_SLOPE * sand)
    norm = math.pow(1.0 - _PERCOLATION_THRESHOLD, -_PERCOLATION_EXPONENT)
    connected = norm * power(share - _PERCOLATION_THRESHOLD, _PERCOLATION_EXPONENT)
    separate = (1.0 - share) + (1.0 - connected) * share
    resistance = (1.0 - share) / mineral + (1.0 - connected) * share / organic
    series = jnp.where(share < 1.0, separate / jnp.where(share < 1.0, resistance, 1.0), 0.0)
    return separate * series + connected * share * organic


def _extend(texture: Float[Array, "soil column"]) -> Float[Array, "ground column"]:
    """Repeat the lowest soil layer down to the bottom of the bedrock."""
    below = jnp.broadcast_to(texture[-1], (GROUND_LAYERS - SOIL_LAYERS, texture.shape[1]))
    return jnp.concatenate([texture, below])


def _mix(share: Array, mineral: Array, organic: Array | float) -> Array:
    return (1.0 - share) * mineral + organic * share


def _square(value: Array) -> Array:
    squared: Array = value * value
    return squared


def _ten_to(exponent: Array) -> Array:
    return jnp.exp(exponent * 2.302585092994046)
