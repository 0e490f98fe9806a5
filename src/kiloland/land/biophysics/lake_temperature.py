"""Temperature of a lake: snow, ten layers of water and ice, and the ground below, with convection.

After Hostetler and Bartlein (1990), Fang and Stefan (1996), Subin et al. (2012, doi:10.1029/2011MS000072);
CLM4.5 technical note (Oleson et al. 2013), chapter 9. Rows of the whole column: 5 snow, 10 lake, 15 ground.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import (
    CONDUCTIVITY_BEDROCK,
    CONDUCTIVITY_ICE,
    CONDUCTIVITY_LIQUID,
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    GRAVITY,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
    VON_KARMAN,
)
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.lake_fluxes import DENSEST_WATER, LakeFluxes, LakeShape, snow_conductivity
from kiloland.land.biophysics.safe_math import power, sum_rows
from kiloland.land.biophysics.soil_temperature import solve_tridiagonal
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, column_grid

LAKE_LAYERS = 10
_STANDARD_THICKNESS = np.array([0.1, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 7.0, 10.45, 10.45])
_STANDARD_NODE = np.array([0.05, 0.6, 2.1, 4.6, 8.1, 12.6, 18.6, 25.6, 34.325, 44.775])
HEAT_CAPACITY_WATER = HEAT_CAPACITY_LIQUID * DENSITY_LIQUID
"""J m-3 K-1."""
HEAT_CAPACITY_LAKE_ICE = HEAT_CAPACITY_ICE * DENSITY_LIQUID
"""J m-3 K-1 of the volume that its water has: ice does not lift the lake."""
CONDUCTIVITY_LAKE_ICE = CONDUCTIVITY_ICE * DENSITY_ICE / DENSITY_LIQUID
SURFACE_DEPTH = 0.6
"""Depth within which light of the surface is absorbed, m."""
DEEP_LAKE = 25.0
"""Depth from which eddies mix more, m."""
DEEP_MIXING = 10.0
_LEAST_STABILITY = 7.5e-5
_IMPLICIT = 0.5
_SMALL_ICE = 1.0e-12
_FROZEN_LIQUID_FACTOR = 0.249


@pytree_dataclass
class LakeGrid:
    """Layers of the water."""

    node: Float[Array, "lake column"]
    """m."""
    thickness: Float[Array, "lake column"]
    """m."""


@pytree_dataclass
class LakeWater:
    """State of the water."""

    temperature: Float[Array, "lake column"]
    """K."""
    ice_fraction: Float[Array, "lake column"]
    """Share of the mass of each layer that is ice."""
    eddy_conductivity: Float[Array, " column"]
    """Of the first layer, W m-1 K-1."""


@pytree_dataclass
class LakeHeat:
    """A lake after the heat of a step."""

    water: LakeWater
    ground: GroundState
    snow_melt: Float[Array, " column"]
    """kg m-2 s-1."""
    snow_freezing: Float[Array, "snow column"]
    """kg m-2 s-1."""
    layerless_melt: Float[Array, " column"]
    """Melt of snow without layers, kg m-2 s-1."""
    residual: Float[Array, " column"]
    """What the balance misses; given to the sensible heat, W m-2."""


def lake_grid(depth: Float[Array, " column"]) -> LakeGrid:
    """Layers of a lake: the standard ones of 50 m, scaled to its depth but for the first of 0.1 m."""
    standard = jnp.asarray(_STANDARD_THICKNESS)[:, None]
    ratio = depth / (_STANDARD_NODE[-1] + 0.5 * _STANDARD_THICKNESS[-1])
    thickness = standard * ratio
    first = jnp.full_like(depth, _STANDARD_THICKNESS[0])
    deep = thickness.at[0].set(first).at[-1].add(-(first - thickness[0]))
    steps = 0.5 * (deep[:-1] + deep[1:])
    nodes = [jnp.full_like(depth, _STANDARD_NODE[0])]
    for layer in range(LAKE_LAYERS - 1):
        nodes.append(nodes[-1] + steps[layer])
    shallow = depth <= 1.0
    return LakeGrid(
        node=jnp.where(shallow, jnp.asarray(_STANDARD_NODE)[:, None] * ratio, jnp.stack(nodes)),
        thickness=jnp.where(shallow, thickness, deep),
    )


def lake_temperature(
    shape: LakeShape,
    grid: LakeGrid,
    soil: SoilProperties,
    water: LakeWater,
    ground: GroundState,
    fluxes: LakeFluxes,
    absorbed: Float[Array, " column"],
    surface_share: Float[Array, " column"],
    absorbed_by_layer: Float[Array, "snow1 column"],
    timestep: float,
) -> LakeHeat:
    """Advance all temperatures of a lake column by a step.

    Heat conduction (Crank-Nicolson) with the eddy diffusivity of the water, then melting and freezing, then
    mixing of layers that are heavier than those below.

    Args:
        absorbed, surface_share, absorbed_by_layer: sunlight, W m-2, and where it stays.
        fluxes: of the surface, with its new temperature.
        timestep: s.
    """
    open_water = (
        (fluxes.temperature > FREEZING_POINT)
        & (water.temperature[0] > FREEZING_POINT)
        & (ground.snow_index == 0)
    )
    diffusivity, conductivity = _water_conductivity(shape, grid, water, fluxes, open_water)
    phase_free = _heat_capacity(grid, water)
    ground_capacity = _ground_capacity(soil, ground)
    heat_before = _heat(grid, water, ground, phase_free, ground_capacity)
    light, light_below = _light(shape, grid, ground, open_water, absorbed, surface_share, absorbed_by_layer)
    water_temperature, ground_temperature = _conduct(
        grid,
        soil,
        ground,
        water,
        conductivity,
        phase_free,
        ground_capacity,
        fluxes.net_heat,
        light,
        light_below,
        absorbed_by_layer,
        timestep,
    )
    warmed = dataclasses.replace(
        water, temperature=water_temperature, eddy_conductivity=diffusivity * HEAT_CAPACITY_WATER
    )
    below = dataclasses.replace(ground, temperature=ground_temperature)
    changed = _change_phase(grid, warmed, below, phase_free, ground_capacity, timestep)
    mixed = _overturn(grid, changed.water)
    entered = fluxes.net_heat + sum_rows(light) + light_below
    snow_light = jnp.where(_below_top(ground), absorbed_by_layer[:SNOW_LAYERS], 0.0)
    entered = entered + sum_rows(snow_light)
    heat_after = _heat(
        grid, mixed, changed.ground, _heat_capacity(grid, mixed), _ground_capacity(soil, changed.ground)
    )
    residual = (heat_after - heat_before + changed.melted) / timestep - entered
    return LakeHeat(
        water=mixed,
        ground=changed.ground,
        snow_melt=changed.snow_melt,
        snow_freezing=changed.snow_freezing,
        layerless_melt=changed.layerless_melt,
        residual=residual,
    )


def _below_top(ground: GroundState) -> Bool[Array, "snow column"]:
    """Snow rows that exist and are not the uppermost."""
    row = jnp.arange(SNOW_LAYERS)[:, None]
    return row > SNOW_LAYERS + ground.snow_index[None]


def water_density(
    temperature: Float[Array, "lake column"], ice_fraction: Float[Array, "lake column"]
) -> Float[Array, "lake column"]:
    """Density, kg m-3: 1000 (1 - 1.9549e-5 |T - 277|^1.68) for water, 917 for ice, by mass share."""
    liquid = 1000.0 * (1.0 - 1.9549e-5 * power(jnp.abs(temperature - DENSEST_WATER), 1.68))
    return (1.0 - ice_fraction) * liquid + ice_fraction * DENSITY_ICE


def _water_conductivity(
    shape: LakeShape, grid: LakeGrid, water: LakeWater, fluxes: LakeFluxes, open_water: Bool[Array, " column"]
) -> tuple[Float[Array, " column"], Float[Array, "lake column"]]:
    """Diffusivity of the first layer (m2 s-1) and conductivity of all layers, W m-1 K-1.

    Molecular, wind-driven (Hostetler and Bartlein 1990) under open water, and that of Fang and Stefan (1996);
    ten times as much in deep lakes.
    """
    density = water_density(water.temperature, water.ice_fraction)
    node = grid.node[:-1]
    gradient = (density[1:] - density[:-1]) / (grid.node[1:] - node)
    stability = GRAVITY / density[:-1] * gradient
    reach = VON_KARMAN * node
    stirring = fluxes.stirring * fluxes.stirring * jnp.exp(-2.0 * fluxes.stirring_decay * node)
    number = 40.0 * stability * reach * reach / jnp.maximum(stirring, 1.0e-10)
    richardson = (-1.0 + jnp.sqrt(jnp.maximum(1.0 + number, 0.0))) / 20.0
    wind = reach * fluxes.stirring * jnp.exp(-fluxes.stirring_decay * node)
    wind = wind / (1.0 + 37.0 * richardson * richardson)
    enhanced = 1.039e-8 * power(jnp.maximum(stability, _LEAST_STABILITY), -0.43)
    molecular = CONDUCTIVITY_LIQUID / HEAT_CAPACITY_WATER
    diffusivity = molecular + jnp.where(open_water, wind, 0.0) + enhanced
    diffusivity = jnp.where(shape.depth >= DEEP_LAKE, DEEP_MIXING * diffusivity, diffusivity)
    diffusivity = jnp.concatenate([diffusivity, diffusivity[-1:]])
    eddy = diffusivity * HEAT_CAPACITY_WATER
    ice = water.ice_fraction
    blended = eddy * CONDUCTIVITY_LAKE_ICE / ((1.0 - ice) * CONDUCTIVITY_LAKE_ICE + eddy * ice)
    return diffusivity[0], jnp.where(open_water, eddy, blended)


def _heat_capacity(grid: LakeGrid, water: LakeWater) -> Float[Array, "lake column"]:
    ice = water.ice_fraction
    return grid.thickness * (HEAT_CAPACITY_WATER * (1.0 - ice) + HEAT_CAPACITY_LAKE_ICE * ice)


def _ground_capacity(soil: SoilProperties, ground: GroundState) -> Float[Array, "total column"]:
    """Heat capacity of snow and ground layers, J m-2 K-1; 1 in snow rows that do not exist."""
    rows = column_grid(
        ground.snow_index, ground.snow_thickness, ground.snow_node_depth, ground.snow_interface_depth
    )
    water = HEAT_CAPACITY_LIQUID * ground.liquid_water + HEAT_CAPACITY_ICE * ground.ice
    solids = soil.solid_heat_capacity * (1.0 - soil.porosity) * rows.thickness[SNOW_LAYERS:]
    snow = jnp.where(rows.active[:SNOW_LAYERS], water[:SNOW_LAYERS], 1.0)
    return jnp.concatenate([snow, solids + water[SNOW_LAYERS:]])


def _heat(
    grid: LakeGrid,
    water: LakeWater,
    ground: GroundState,
    capacity: Float[Array, "lake column"],
    ground_capacity: Float[Array, "total column"],
) -> Float[Array, " column"]:
    """Sensible heat above freezing of all layers, J m-2."""
    row = jnp.arange(ground.temperature.shape[0])[:, None]
    exists = row >= SNOW_LAYERS + ground.snow_index[None]
    below = jnp.where(exists, ground_capacity * (ground.temperature - FREEZING_POINT), 0.0)
    return sum_rows(capacity * (water.temperature - FREEZING_POINT)) + sum_rows(below)


def _light(
    shape: LakeShape,
    grid: LakeGrid,
    ground: GroundState,
    open_water: Bool[Array, " column"],
    absorbed: Float[Array, " column"],
    surface_share: Float[Array, " column"],
    absorbed_by_layer: Float[Array, "snow1 column"],
) -> tuple[Float[Array, "lake column"], Float[Array, " column"]]:
    """Sunlight that layers of water absorb, and that the ground below does, W m-2.

    Below 0.6 m light decays as exp(-extinction depth); under ice all stays in the first layer, under snow
    what the snow lets through.
    """
    upper = grid.node - 0.5 * grid.thickness
    lower = grid.node + 0.5 * grid.thickness

    def left_at(depth: Array) -> Array:
        return jnp.exp(-shape.extinction * jnp.maximum(depth - SURFACE_DEPTH, 0.0))

    penetrating = absorbed * (1.0 - surface_share)
    open_light = (left_at(upper) - left_at(lower)) * penetrating
    under_snow = ground.snow_index < 0
    first = jnp.where(under_snow, absorbed_by_layer[SNOW_LAYERS], penetrating)
    covered = jnp.zeros_like(open_light).at[0].set(first)
    return (
        jnp.where(open_water, open_light, covered),
        jnp.where(open_water, left_at(lower[-1]) * penetrating, 0.0),
    )


def _conduct(
    grid: LakeGrid,
    soil: SoilProperties,
    ground: GroundState,
    water: LakeWater,
    conductivity: Float[Array, "lake column"],
    capacity: Float[Array, "lake column"],
    ground_capacity: Float[Array, "total column"],
    surface_heat: Float[Array, " column"],
    light: Float[Array, "lake column"],
    light_below: Float[Array, " column"],
    absorbed_by_layer: Float[Array, "snow1 column"],
    timestep: float,
) -> tuple[Float[Array, "lake column"], Float[Array, "total column"]]:
    """Temperatures after conduction through snow, water and ground."""
    rows = column_grid(
        ground.snow_index, ground.snow_thickness, ground.snow_node_depth, ground.snow_interface_depth
    )
    exists = rows.active[:SNOW_LAYERS]
    snow = jnp.where(
        exists,
        snow_conductivity(
            ground.ice[:SNOW_LAYERS], ground.liquid_water[:SNOW_LAYERS], rows.thickness[:SNOW_LAYERS]
        ),
        1.0,
    )
    below = sediment_conductivity(
        soil,
        rows.thickness[SNOW_LAYERS:],
        ground.temperature[SNOW_LAYERS:],
        ground.liquid_water[SNOW_LAYERS:],
        ground.ice[SNOW_LAYERS:],
    )
    bottom = grid.node[-1] + 0.5 * grid.thickness[-1]
    node = jnp.concatenate([rows.node[:SNOW_LAYERS], grid.node, bottom + rows.node[SNOW_LAYERS:]])
    distance = node[1:] - node[:-1]
    between = jnp.concatenate(
        [
            _interface(
                snow[:-1],
                snow[1:],
                rows.node[: SNOW_LAYERS - 1],
                rows.node[1:SNOW_LAYERS],
                rows.upper_interface[1:SNOW_LAYERS],
            ),
            _series(snow[-1], conductivity[0], -rows.node[SNOW_LAYERS - 1], grid.node[0])[None],
            _series(conductivity[:-1], conductivity[1:], grid.thickness[:-1], grid.thickness[1:]),
            _series(conductivity[-1], below[0], 0.5 * grid.thickness[-1], rows.node[SNOW_LAYERS])[None],
            _interface(
                below[:-1],
                below[1:],
                rows.node[SNOW_LAYERS:-1],
                rows.node[SNOW_LAYERS + 1 :],
                rows.upper_interface[SNOW_LAYERS + 1 :],
            ),
        ]
    )
    conductance = between / distance
    joined = jnp.concatenate([exists, jnp.ones((LAKE_LAYERS + GROUND_LAYERS - 1, exists.shape[1]), bool)])
    conductance = jnp.where(joined, conductance, 0.0)
    temperature = jnp.concatenate(
        [ground.temperature[:SNOW_LAYERS], water.temperature, ground.temperature[SNOW_LAYERS:]]
    )
    heat_capacity = jnp.concatenate([ground_capacity[:SNOW_LAYERS], capacity, ground_capacity[SNOW_LAYERS:]])
    top = SNOW_LAYERS + ground.snow_index[None]
    row = jnp.arange(temperature.shape[0])[:, None]
    in_snow = jnp.where(_below_top(ground), absorbed_by_layer[:SNOW_LAYERS], 0.0)
    source = jnp.concatenate(
        [in_snow, light, light_below[None], jnp.zeros((GROUND_LAYERS - 1, light.shape[1]))]
    )
    source = source + jnp.where(row == top, surface_heat, 0.0)
    solved = _crank_nicolson(temperature, heat_capacity, conductance, source, timestep)
    return (
        solved[SNOW_LAYERS : SNOW_LAYERS + LAKE_LAYERS],
        jnp.concatenate([solved[:SNOW_LAYERS], solved[SNOW_LAYERS + LAKE_LAYERS :]]),
    )


def _interface(upper: Array, lower: Array, node: Array, next_node: Array, edge: Array) -> Array:
    """Conductivity between two nodes in series across the interface between them."""
    return upper * lower * (next_node - node) / (upper * (next_node - edge) + lower * (edge - node))


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


@pytree_dataclass
class _Changed:
    water: LakeWater
    ground: GroundState
    snow_melt: Float[Array, " column"]
    snow_freezing: Float[Array, "snow column"]
    layerless_melt: Float[Array, " column"]
    melted: Float[Array, " column"]
    """Latent heat taken up, J m-2."""


def _change_phase(
    grid: LakeGrid,
    water: LakeWater,
    ground: GroundState,
    capacity: Float[Array, "lake column"],
    ground_capacity: Float[Array, "total column"],
    timestep: float,
) -> _Changed:
    """Melt and freeze water, snow and ground by the heat above or below the freezing point."""
    layerless = (ground.snow_index == 0) & (ground.snow_water > 0.0)
    layerless = layerless & (water.temperature[0] > FREEZING_POINT)
    available = (water.temperature[0] - FREEZING_POINT) * capacity[0]
    melt = jnp.where(layerless, jnp.minimum(ground.snow_water, available / LATENT_HEAT_FUSION), 0.0)
    left = jnp.maximum(available - melt * LATENT_HEAT_FUSION, 0.0)
    first = jnp.where(layerless, FREEZING_POINT + left / capacity[0], water.temperature[0])
    remaining = ground.snow_water - melt
    remaining = jnp.where(layerless & (remaining < _SMALL_ICE), 0.0, remaining)
    shrunk = ground.snow_depth * (1.0 - melt / jnp.where(layerless, ground.snow_water, 1.0))
    temperature = water.temperature.at[0].set(first)

    mass = DENSITY_LIQUID * grid.thickness
    ice = water.ice_fraction * mass
    changed, heat = _melt(temperature, ice, mass - ice, capacity)
    lake_ice = water.ice_fraction - changed / mass
    lake_ice = jnp.where(lake_ice > 1.0 - _SMALL_ICE, 1.0, jnp.where(lake_ice < _SMALL_ICE, 0.0, lake_ice))
    lake_ice = jnp.where(changed != 0.0, lake_ice, water.ice_fraction)
    new_capacity = capacity + changed * (HEAT_CAPACITY_LIQUID - HEAT_CAPACITY_ICE)
    lake_temperature = jnp.where(changed != 0.0, FREEZING_POINT + heat / new_capacity, temperature)

    row = jnp.arange(ground.temperature.shape[0])[:, None]
    exists = row >= SNOW_LAYERS + ground.snow_index[None]
    moved, heat_below = _melt(ground.temperature, ground.ice, ground.liquid_water, ground_capacity)
    moved = jnp.where(exists, moved, 0.0)
    below_capacity = ground_capacity + moved * (HEAT_CAPACITY_LIQUID - HEAT_CAPACITY_ICE)
    below = jnp.where(moved != 0.0, FREEZING_POINT + heat_below / below_capacity, ground.temperature)
    in_snow = moved[:SNOW_LAYERS] / timestep
    return _Changed(
        water=dataclasses.replace(water, temperature=lake_temperature, ice_fraction=lake_ice),
        ground=dataclasses.replace(
            ground,
            temperature=below,
            ice=ground.ice - moved,
            liquid_water=ground.liquid_water + moved,
            snow_water=remaining,
            snow_depth=jnp.where(layerless, shrunk, ground.snow_depth),
        ),
        snow_melt=melt / timestep + sum_rows(jnp.maximum(in_snow, 0.0)),
        snow_freezing=jnp.maximum(-in_snow, 0.0),
        layerless_melt=melt / timestep,
        melted=LATENT_HEAT_FUSION * (melt + sum_rows(changed) + sum_rows(moved)),
    )


def _melt(temperature: Array, ice: Array, liquid: Array, capacity: Array) -> tuple[Array, Array]:
    """Ice that melts (negative: water that freezes), kg m-2, and the heat that is left, J m-2."""
    available = (temperature - FREEZING_POINT) * capacity
    possible = available / LATENT_HEAT_FUSION
    melting = (temperature > FREEZING_POINT) & (ice > 0.0)
    freezing = (temperature < FREEZING_POINT) & (liquid > 0.0)
    change = jnp.where(melting, jnp.minimum(ice, possible), 0.0)
    change = jnp.where(freezing, jnp.maximum(-liquid, possible), change)
    left = available - change * LATENT_HEAT_FUSION
    return change, jnp.where(melting, jnp.maximum(left, 0.0), jnp.minimum(left, 0.0))


def _overturn(grid: LakeGrid, water: LakeWater) -> LakeWater:
    """Mix layers that are heavier than those below, or that lie under water and hold ice.

    From the top down, each unstable pair with all layers above it. Convection that begins in the lowest
    layer, warmed by the sediment, only reaches as high as the profile is unstable.
    """
    index = jnp.arange(LAKE_LAYERS)[:, None]
    carry = (water.temperature, water.ice_fraction)

    def down(layer: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        return _mix(grid, *carry, (index <= layer + 1) & _unstable(*carry, layer))

    temperature, ice = jax.lax.fori_loop(0, LAKE_LAYERS - 2, down, carry)
    from_bottom = _unstable(temperature, ice, jnp.asarray(LAKE_LAYERS - 2))

    def up(turn: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        layer = LAKE_LAYERS - 2 - turn
        return _mix(grid, *carry, (index >= layer) & from_bottom & _unstable(*carry, layer))

    temperature, ice = jax.lax.fori_loop(0, LAKE_LAYERS - 1, up, (temperature, ice))
    return dataclasses.replace(water, temperature=temperature, ice_fraction=ice)


def _unstable(temperature: Array, ice: Array, layer: Array) -> Array:
    """Whether a layer is heavier than the next, or water lies over ice."""
    density = water_density(temperature, ice)
    return (density[layer] > density[layer + 1]) | ((ice[layer] < 1.0) & (ice[layer + 1] > 0.0))


def _mix(grid: LakeGrid, temperature: Array, ice: Array, mixed: Array) -> tuple[Array, Array]:
    """Give consecutive layers their mean heat, with all their ice at the top.

    Heat above freezing warms the water, heat below cools the ice; a layer with both has the temperature that
    keeps its heat.
    """
    thickness = jnp.where(mixed, grid.thickness, 0.0)
    lower = jnp.cumsum(thickness, axis=0)
    upper = lower - thickness
    heat = thickness * (temperature - FREEZING_POINT)
    heat = heat * ((1.0 - ice) * HEAT_CAPACITY_WATER + ice * HEAT_CAPACITY_LAKE_ICE)
    height = sum_rows(thickness)
    safe = jnp.where(height > 0.0, height, 1.0)
    mean_heat, mean_ice = sum_rows(heat) / safe, sum_rows(ice * thickness) / safe
    warm, cold = mean_heat > 0.0, mean_heat < 0.0
    of_water = jnp.where(warm, mean_heat / jnp.where(warm, (1.0 - mean_ice) * HEAT_CAPACITY_WATER, 1.0), 0.0)
    of_ice = jnp.where(cold, mean_heat / jnp.where(cold, mean_ice * HEAT_CAPACITY_LAKE_ICE, 1.0), 0.0)
    all_ice = lower / safe <= mean_ice
    some_ice = upper / safe < mean_ice
    share = (mean_ice * safe - upper) / grid.thickness
    ice_part, water_part = share * HEAT_CAPACITY_LAKE_ICE, (1.0 - share) * HEAT_CAPACITY_WATER
    blended = (share * of_ice * HEAT_CAPACITY_LAKE_ICE + (1.0 - share) * of_water * HEAT_CAPACITY_WATER) / (
        ice_part + water_part
    )
    new_ice = jnp.where(all_ice, 1.0, jnp.where(some_ice, share, 0.0))
    new_temperature = jnp.where(all_ice, of_ice, jnp.where(some_ice, blended, of_water)) + FREEZING_POINT
    return jnp.where(mixed, new_temperature, temperature), jnp.where(mixed, new_ice, ice)


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
    total = liquid + ice
    share = jnp.where(total > 0.0, liquid / jnp.where(total > 0.0, total, 1.0), 0.0)
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
