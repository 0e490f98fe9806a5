"""Heat conduction and heat storage of snow, pond, soil and bedrock."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_AIR,
    CONDUCTIVITY_BEDROCK,
    CONDUCTIVITY_ICE,
    CONDUCTIVITY_LIQUID,
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    THIN_LAYER,
)
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.safe_math import divide, power
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, ColumnGrid

_DRY_SATURATION = 1.0e-7
_LOG_10 = 2.302585092994046

# ELM writes this factor of the pond in single precision, 4.7e-8 too large; T_p shows it at 1e-8 K.
_METRE_PER_MILLIMETRE = float(np.float32(1.0e-3))


@pytree_dataclass
class ThermalProperties:
    """Conduction between layers and storage in them."""

    conductivity: Float[Array, "total column"]
    """Of each layer, W m-1 K-1."""
    conductance: Float[Array, "total column"]
    """Between a layer and the one below, W m-2 K-1; 0 below inactive rows and at the bottom."""
    heat_capacity: Float[Array, "total column"]
    """J m-2 K-1; of snow per area under snow."""
    pond_conductance: Float[Array, " column"]
    """Between pond and first soil layer, W m-2 K-1."""
    pond_heat_capacity: Float[Array, " column"]
    """J m-2 K-1 per area under the pond."""


def thermal_properties(grid: ColumnGrid, soil: SoilProperties, state: GroundState) -> ThermalProperties:
    """Conductivities, conductances and heat capacities of all layers (ELM `SoilThermProp`)."""
    ground_rows = slice(SNOW_LAYERS, None)
    liquid, ice = state.liquid_water[ground_rows], state.ice[ground_rows]
    thickness = grid.thickness[ground_rows]
    conductivity = soil_thermal_conductivity(soil, thickness, state.temperature[ground_rows], liquid, ice)
    solids = soil.solid_heat_capacity * (1.0 - soil.porosity) * thickness
    capacity = solids + (liquid * HEAT_CAPACITY_LIQUID + ice * HEAT_CAPACITY_ICE)
    return layered_properties(grid, state, conductivity, capacity)


def layered_properties(
    grid: ColumnGrid,
    state: GroundState,
    ground_conductivity: Float[Array, "ground column"],
    ground_capacity: Float[Array, "ground column"],
) -> ThermalProperties:
    """Properties of snow, ground and pond on ground of given properties (W m-1 K-1, J m-2 K-1).

    A pack without layers adds its heat capacity to the first layer of the ground.
    """
    snow_rows = slice(0, SNOW_LAYERS)
    liquid, ice = state.liquid_water[snow_rows], state.ice[snow_rows]
    exists, fraction = grid.active[snow_rows], state.effective_snow_fraction[None, :]
    snow_conductivity = snow_thermal_conductivity(exists, grid.thickness[snow_rows], liquid, ice, fraction)
    conductivity = jnp.concatenate([snow_conductivity, ground_conductivity])

    snow_water = HEAT_CAPACITY_LIQUID * liquid + HEAT_CAPACITY_ICE * ice
    snow_capacity = jnp.where(exists, jnp.maximum(divide(snow_water, fraction), THIN_LAYER), THIN_LAYER)
    layerless_pack = jnp.where(state.snow_index == 0, HEAT_CAPACITY_ICE * state.snow_water, 0.0)
    ground_capacity = ground_capacity.at[0].add(layerless_pack)

    pond_conductance, pond_capacity = _pond(grid, conductivity, state)
    return ThermalProperties(
        conductivity=conductivity,
        conductance=_conductance(grid, conductivity),
        heat_capacity=jnp.concatenate([snow_capacity, ground_capacity]),
        pond_conductance=pond_conductance,
        pond_heat_capacity=pond_capacity,
    )


def soil_thermal_conductivity(
    soil: SoilProperties,
    thickness: Float[Array, "ground column"],
    temperature: Float[Array, "ground column"],
    liquid: Float[Array, "ground column"],
    ice: Float[Array, "ground column"],
) -> Float[Array, "ground column"]:
    """Conductivity of soil and bedrock, W m-1 K-1 (Johansen 1975; Farouki 1981).

    k = Ke k_sat + (1 - Ke) k_dry with k_sat = k_solid k_liq^(f watsat) k_ice^((1-f) watsat), f the liquid
    share of the water volume; Kersten number Ke = max(0, log10 S + 1) thawed, S frozen; S the saturation,
    at most 1. Dry below S = 1e-7; bedrock 3. Arguments: m, K, kg m-2.
    """
    liquid_content = liquid / (DENSITY_LIQUID * thickness)
    ice_content = ice / (DENSITY_ICE * thickness)
    saturation = jnp.minimum((liquid_content + ice_content) / soil.porosity, 1.0)
    wet = saturation > _DRY_SATURATION
    safe = jnp.where(wet, saturation, 1.0)
    kersten = jnp.where(temperature >= FREEZING_POINT, jnp.maximum(jnp.log(safe) / _LOG_10 + 1.0, 0.0), safe)
    total = jnp.where(wet, liquid_content + ice_content, 1.0)
    share = jnp.where(wet, liquid_content / total, 0.0)
    saturated = (
        soil.solid_conductivity
        * power(jnp.asarray(CONDUCTIVITY_LIQUID), share * soil.porosity)
        * power(jnp.asarray(CONDUCTIVITY_ICE), (1.0 - share) * soil.porosity)
    )
    dry = soil.dry_thermal_conductivity
    mixed = jnp.where(wet, kersten * saturated + (1.0 - kersten) * dry, dry)
    bedrock = (jnp.arange(GROUND_LAYERS) >= SOIL_LAYERS)[:, None]
    return jnp.where(bedrock, CONDUCTIVITY_BEDROCK, mixed)


def snow_thermal_conductivity(
    exists: Bool[Array, "snow column"],
    thickness: Float[Array, "snow column"],
    liquid: Float[Array, "snow column"],
    ice: Float[Array, "snow column"],
    fraction: Float[Array, "one column"],
) -> Float[Array, "snow column"]:
    """Conductivity of snow of density b, W m-1 K-1 (Jordan 1991).

    k = k_air + (7.75e-5 b + 1.105e-6 b^2) (k_ice - k_air), b = (liquid + ice) / (f_s dz). Arguments: m,
    kg m-2 of the column. That of air where no layer exists.
    """
    density = jnp.where(exists, divide(liquid + ice, fraction * thickness), 0.0)
    slope = CONDUCTIVITY_ICE - CONDUCTIVITY_AIR
    return CONDUCTIVITY_AIR + (7.75e-5 * density + 1.105e-6 * density * density) * slope


def _conductance(
    grid: ColumnGrid, conductivity: Float[Array, "total column"]
) -> Float[Array, "total column"]:
    """Of the path between neighbouring nodes: their conductivities in series, W m-2 K-1."""
    upper, lower = conductivity[:-1], conductivity[1:]
    interface = grid.upper_interface[1:]
    series = upper * (grid.node[1:] - interface) + lower * (interface - grid.node[:-1])
    between = jnp.where(grid.active[:-1], divide(upper * lower, series), 0.0)
    return jnp.concatenate([between, jnp.zeros_like(between[:1])])


def _pond(
    grid: ColumnGrid, conductivity: Float[Array, "total column"], state: GroundState
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """Conductance between pond and soil (W m-2 K-1) and heat capacity of the pond (J m-2 K-1).

    The conductivity is the series of half the mean depth h/2 (m over the whole column) of water and the
    upper half of the first layer; the distance is half the depth of the pond itself, h / f_p, plus z_1.
    """
    soil_node, soil = grid.node[SNOW_LAYERS], conductivity[SNOW_LAYERS]
    half_depth = _METRE_PER_MILLIMETRE * (0.5 * state.pond_water)
    mean = CONDUCTIVITY_LIQUID * soil * (soil_node + half_depth)
    mean = mean / (CONDUCTIVITY_LIQUID * soil_node + soil * half_depth)
    present = (state.pond_water > THIN_LAYER) & (state.pond_fraction > THIN_LAYER)
    depth = state.pond_water / jnp.where(present, state.pond_fraction, 1.0)
    capacity = jnp.where(present, jnp.maximum(HEAT_CAPACITY_LIQUID * depth, THIN_LAYER), THIN_LAYER)
    thickness = jnp.where(present, jnp.maximum(_METRE_PER_MILLIMETRE * depth, THIN_LAYER), THIN_LAYER)
    return mean / (0.5 * thickness + soil_node), capacity
