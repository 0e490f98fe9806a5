"""Conduction of heat through snow, water, ice and the ground below a lake, with the stirring of the wind.

After Hostetler and Bartlein (1990), Fang and Stefan (1996), Subin et al. (2012, doi:10.1029/2011MS000072).
Rows of the whole column: 5 snow, 10 lake, 15 ground.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_BEDROCK,
    CONDUCTIVITY_ICE,
    CONDUCTIVITY_LIQUID,
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    GRAVITY,
    VON_KARMAN,
)
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_fluxes import LakeFluxes
from kiloland.land.biophysics.lake_layers import (
    CONDUCTIVITY_LAKE_ICE,
    HEAT_CAPACITY_WATER,
    LAKE_LAYERS,
    LakeGrid,
    LakeWater,
    ground_capacity,
    water_capacity,
    water_density,
)
from kiloland.land.biophysics.lake_surface import LakeShape, LakeSunlight, snow_conductivity
from kiloland.land.biophysics.safe_math import divide, power, sum_rows
from kiloland.land.biophysics.soil_temperature import solve_tridiagonal
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, ColumnGrid, column_grid

SURFACE_DEPTH = 0.6
"""Depth within which light of the surface is absorbed, m."""
DEEP_LAKE = 25.0
"""Depth from which eddies mix more, m."""
DEEP_MIXING = 10.0
_LEAST_STABILITY = 7.5e-5
_IMPLICIT = 0.5
_FROZEN_LIQUID_FACTOR = 0.249


@pytree_dataclass
class LakeHeating:
    """Heat that enters the rows of a lake column, W m-2."""

    surface: Float[Array, " column"]
    """Into the uppermost row."""
    snow: Float[Array, "snow column"]
    """Light in snow rows below the uppermost."""
    water: Float[Array, "lake column"]
    """Light in the water."""
    ground: Float[Array, " column"]
    """Light that reaches the ground."""

    @property
    def total(self) -> Float[Array, " column"]:
        """All of it."""
        return self.surface + sum_rows(self.water) + self.ground + sum_rows(self.snow)


class _Rows(NamedTuple):
    """A value of each row of snow, water and ground."""

    snow: Array
    water: Array
    ground: Array


def lake_heating(
    shape: LakeShape,
    grid: LakeGrid,
    ground: GroundState,
    open_water: Bool[Array, " column"],
    sunlight: LakeSunlight,
    surface_heat: Float[Array, " column"],
) -> LakeHeating:
    """Where the heat of a step enters.

    Of the light that the surface does not keep, exp(-extinction (z - 0.6 m)) reaches the depth z of open
    water, the rest of it the ground; under ice all stays in the first layer, under snow what the snow lets
    through.
    """
    upper = grid.node - 0.5 * grid.thickness
    lower = grid.node + 0.5 * grid.thickness

    def left_at(depth: Array) -> Array:
        return jnp.exp(-shape.extinction * jnp.maximum(depth - SURFACE_DEPTH, 0.0))

    penetrating = sunlight.absorbed * (1.0 - sunlight.surface_share)
    open_light = (left_at(upper) - left_at(lower)) * penetrating
    first = jnp.where(ground.snow_index < 0, sunlight.by_layer[SNOW_LAYERS], penetrating)
    covered = jnp.zeros_like(open_light).at[0].set(first)
    row = jnp.arange(SNOW_LAYERS)[:, None]
    below_top = row > SNOW_LAYERS + ground.snow_index[None]
    return LakeHeating(
        surface=surface_heat,
        snow=jnp.where(below_top, sunlight.by_layer[:SNOW_LAYERS], 0.0),
        water=jnp.where(open_water, open_light, covered),
        ground=jnp.where(open_water, left_at(lower[-1]) * penetrating, 0.0),
    )


def water_conductivity(
    shape: LakeShape,
    grid: LakeGrid,
    water: LakeWater,
    fluxes: LakeFluxes,
    open_water: Bool[Array, " column"],
) -> tuple[Float[Array, " column"], Float[Array, "lake column"]]:
    """Diffusivity of the first layer (m2 s-1) and conductivity of all layers, W m-1 K-1.

    Molecular, wind-driven under open water, and that of Fang and Stefan (1996), 1.039e-8 N^2^-0.43 with the
    stability N^2 of at least 7.5e-5 s-2; ten times as much in deep lakes. Ice lies in series.
    """
    density = water_density(water.temperature, water.ice_fraction)
    gradient = (density[1:] - density[:-1]) / (grid.node[1:] - grid.node[:-1])
    stability = GRAVITY / density[:-1] * gradient
    wind = _wind_diffusivity(grid.node[:-1], fluxes, stability)
    enhanced = 1.039e-8 * power(jnp.maximum(stability, _LEAST_STABILITY), -0.43)
    molecular = CONDUCTIVITY_LIQUID / HEAT_CAPACITY_WATER
    diffusivity = molecular + jnp.where(open_water, wind, 0.0) + enhanced
    diffusivity = jnp.where(shape.depth >= DEEP_LAKE, DEEP_MIXING * diffusivity, diffusivity)
    diffusivity = jnp.concatenate([diffusivity, diffusivity[-1:]])
    eddy = diffusivity * HEAT_CAPACITY_WATER
    ice = water.ice_fraction
    blended = eddy * CONDUCTIVITY_LAKE_ICE / ((1.0 - ice) * CONDUCTIVITY_LAKE_ICE + eddy * ice)
    return diffusivity[0], jnp.where(open_water, eddy, blended)


def _wind_diffusivity(depth: Array, fluxes: LakeFluxes, stability: Array) -> Array:
    """Wind-driven diffusivity at a depth z, m2 s-1 (Hostetler and Bartlein 1990).

    k w z exp(-d z) / (1 + 37 Ri^2), Ri = (sqrt(1 + 40 N^2 (k z)^2 / (w^2 exp(-2 d z))) - 1) / 20 with the
    friction velocity w in the water and its decay d.
    """
    reach = VON_KARMAN * depth
    stirring = fluxes.stirring * fluxes.stirring * jnp.exp(-2.0 * fluxes.stirring_decay * depth)
    square = 1.0 + 40.0 * stability * reach * reach / jnp.maximum(stirring, 1.0e-10)
    root = jnp.where(square > 0.0, jnp.sqrt(jnp.where(square > 0.0, square, 1.0)), 0.0)
    richardson = (-1.0 + root) / 20.0
    wind = reach * fluxes.stirring * jnp.exp(-fluxes.stirring_decay * depth)
    return wind / (1.0 + 37.0 * richardson * richardson)


def conduct(
    grid: LakeGrid,
    soil: SoilProperties,
    water: LakeWater,
    ground: GroundState,
    conductivity: Float[Array, "lake column"],
    heating: LakeHeating,
    timestep: float,
) -> tuple[Float[Array, "lake column"], Float[Array, "total column"]]:
    """Temperatures (K) of the water, and of snow and ground, after a step of conduction (Crank-Nicolson)."""
    rows = column_grid(
        ground.snow_index, ground.snow_thickness, ground.snow_node_depth, ground.snow_interface_depth
    )
    conductance = _conductance(grid, soil, ground, rows, conductivity)
    below = ground_capacity(soil, ground)
    capacity = jnp.concatenate([below[:SNOW_LAYERS], water_capacity(grid, water), below[SNOW_LAYERS:]])
    temperature = jnp.concatenate(
        [ground.temperature[:SNOW_LAYERS], water.temperature, ground.temperature[SNOW_LAYERS:]]
    )
    deeper = jnp.zeros((GROUND_LAYERS - 1, heating.ground.shape[0]))
    source = jnp.concatenate([heating.snow, heating.water, heating.ground[None], deeper])
    row = jnp.arange(temperature.shape[0])[:, None]
    source = source + jnp.where(row == SNOW_LAYERS + ground.snow_index[None], heating.surface, 0.0)
    solved = _crank_nicolson(temperature, capacity, conductance, source, timestep)
    return (
        solved[SNOW_LAYERS : SNOW_LAYERS + LAKE_LAYERS],
        jnp.concatenate([solved[:SNOW_LAYERS], solved[SNOW_LAYERS + LAKE_LAYERS :]]),
    )


def _conductance(
    grid: LakeGrid,
    soil: SoilProperties,
    ground: GroundState,
    rows: ColumnGrid,
    conductivity: Float[Array, "lake column"],
) -> Float[Array, "edge column"]:
    """Conductance between all rows, W m-2 K-1; 0 above the uppermost."""
    value = _Rows(_snow_conductivity(ground, rows), conductivity, _below(soil, ground, rows))
    node = _Rows(rows.node[:SNOW_LAYERS], grid.node, rows.node[SNOW_LAYERS:])
    edge = rows.upper_interface
    half = 0.5 * grid.thickness[-1]
    between = jnp.concatenate(
        [
            _interface(value.snow, node.snow, edge[1:SNOW_LAYERS]),
            _series(value.snow[-1], value.water[0], -node.snow[-1], node.water[0])[None],
            _series(value.water[:-1], value.water[1:], grid.thickness[:-1], grid.thickness[1:]),
            _series(value.water[-1], value.ground[0], half, node.ground[0])[None],
            _interface(value.ground, node.ground, edge[SNOW_LAYERS + 1 :]),
        ]
    )
    depth = jnp.concatenate([node.snow, node.water, grid.node[-1] + half + node.ground])
    below_snow = jnp.ones((LAKE_LAYERS + GROUND_LAYERS - 1, depth.shape[1]), bool)
    joined = jnp.concatenate([rows.active[:SNOW_LAYERS], below_snow])
    return jnp.where(joined, between / (depth[1:] - depth[:-1]), 0.0)


def _snow_conductivity(ground: GroundState, rows: ColumnGrid) -> Float[Array, "snow column"]:
    ice, liquid = ground.ice[:SNOW_LAYERS], ground.liquid_water[:SNOW_LAYERS]
    value = snow_conductivity(ice, liquid, rows.thickness[:SNOW_LAYERS])
    return jnp.where(rows.active[:SNOW_LAYERS], value, 1.0)


def _below(soil: SoilProperties, ground: GroundState, rows: ColumnGrid) -> Float[Array, "ground column"]:
    return sediment_conductivity(
        soil,
        rows.thickness[SNOW_LAYERS:],
        ground.temperature[SNOW_LAYERS:],
        ground.liquid_water[SNOW_LAYERS:],
        ground.ice[SNOW_LAYERS:],
    )


def _interface(value: Array, node: Array, edge: Array) -> Array:
    """Conductivity between the nodes of consecutive rows in series across the edges between them."""
    upper, lower = value[:-1], value[1:]
    return upper * lower * (node[1:] - node[:-1]) / (upper * (node[1:] - edge) + lower * (edge - node[:-1]))


def _series(upper: Array, lower: Array, upper_distance: Array, lower_distance: Array) -> Array:
    """Conductivity of two layers in series."""
    return (
        upper * lower * (upper_distance + lower_distance) / (upper * lower_distance + lower * upper_distance)
    )


def _crank_nicolson(
    temperature: Float[Array, "row column"],
    capacity: Float[Array, "row column"],
    conductance: Float[Array, "edge column"],
    source: Float[Array, "row column"],
    timestep: float,
) -> Float[Array, "row column"]:
    factor = timestep / capacity
    flux = conductance * (temperature[1:] - temperature[:-1])
    zero = jnp.zeros_like(flux[:1])
    explicit = jnp.concatenate([flux, zero]) - jnp.concatenate([zero, flux])
    upper = jnp.concatenate([conductance, zero])
    lower = jnp.concatenate([zero, conductance])
    weight = (1.0 - _IMPLICIT) * factor
    return solve_tridiagonal(
        -weight * lower,
        1.0 + weight * (lower + upper),
        -weight * upper,
        temperature + factor * (source + _IMPLICIT * explicit),
    )


def sediment_conductivity(
    soil: SoilProperties,
    thickness: Float[Array, "ground column"],
    temperature: Float[Array, "ground column"],
    liquid: Float[Array, "ground column"],
    ice: Float[Array, "ground column"],
) -> Float[Array, "ground column"]:
    """Conductivity of the ground below a lake, W m-1 K-1: always saturated, ice may swell it.

    Thawed k_s k_w^n, frozen k_s 0.249^(f n) k_i^n with porosity n and liquid share f; ice that exceeds the
    pores by the volume x gives (k + 2.29 x) / (1 + x)^2. Bedrock below: 3.
    """
    share = divide(liquid, liquid + ice)
    frozen = (
        soil.solid_conductivity
        * power(jnp.asarray(_FROZEN_LIQUID_FACTOR), share * soil.porosity)
        * power(jnp.asarray(CONDUCTIVITY_ICE), soil.porosity)
    )
    thawed = soil.saturated_thermal_conductivity
    value = jnp.where(temperature >= FREEZING_POINT, thawed, frozen)
    filled = (liquid / DENSITY_LIQUID + ice / DENSITY_ICE) / (thickness * soil.porosity)
    excess = jnp.maximum(filled - 1.0, 0.0) * soil.porosity
    value = (value + excess * CONDUCTIVITY_ICE) / ((1.0 + excess) * (1.0 + excess))
    bedrock = (jnp.arange(GROUND_LAYERS) >= SOIL_LAYERS)[:, None]
    return jnp.where(bedrock, CONDUCTIVITY_BEDROCK, value)
