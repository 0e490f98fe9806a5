"""Movement of liquid water through the soil: Richards' equation about the equilibrium with the water table.

Zeng and Decker (2009, doi:10.1175/2008JHM1011.1): q = -k d(psi - psi_E)/dz with psi_E the potential in
hydrostatic equilibrium, so that no water moves where the profile is in equilibrium whatever the layers'
thickness. Discrete form: CLM4.5 technical note (Oleson et al. 2013), 7.4.2. Depths in mm inside this file.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import (
    DENSITY_LIQUID,
    FREEZING_POINT,
    GRAVITY,
    LATENT_HEAT_FUSION,
    MINIMUM_SOIL_POTENTIAL,
)
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.soil_temperature import solve_tridiagonal
from kiloland.land.biophysics.surface_runoff import FrozenSoil, impedance
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

MINIMUM_SATURATION = 0.01
MINIMUM_LIQUID = 1.0e-6
"""Liquid that a layer counts as having at least, kg m-2."""
LARGEST_RECHARGE = 10.0
"""Bound on the exchange with the aquifer in a step, kg m-2."""
_MM = 1000.0


@pytree_dataclass
class SoilWater:
    """Soil water after a step."""

    liquid_water: Float[Array, "soil column"]
    """kg m-2."""
    recharge: Float[Array, " column"]
    """Flow across the water table, kg m-2 s-1, downwards."""
    conductivity: Float[Array, "soil column"]
    """At the lower interface of each layer, mm s-1 (ELM `HK`)."""
    potential: Float[Array, "soil column"]
    """Matric potential, mm (`SMP`)."""


@pytree_dataclass
class _Layers:
    """Hydraulics of the soil layers at the start of the step."""

    liquid: Float[Array, "soil column"]
    conductivity: Float[Array, "soil column"]
    conductivity_slope: Float[Array, "soil column"]
    potential: Float[Array, "soil column"]
    potential_slope: Float[Array, "soil column"]


@pytree_dataclass
class _Equilibrium:
    """Potential in equilibrium with the water table, mm."""

    layers: Float[Array, "soil column"]
    aquifer: Float[Array, " column"]


def layer_above_table(water_table: Float[Array, " column"]) -> Int[Array, " column"]:
    """Number of soil layers that lie wholly above the water table (ELM `jwt`), 0..10."""
    lower = jnp.asarray(ground_grid().interface[1 : SOIL_LAYERS + 1])[:, None]
    return jnp.sum((water_table[None, :] > lower).astype(jnp.int32), axis=0)


def soil_water(
    soil: SoilProperties,
    frozen: FrozenSoil,
    temperature: Float[Array, "total column"],
    liquid_water: Float[Array, "total column"],
    volume: Float[Array, "soil column"],
    water_table: Float[Array, " column"],
    infiltration: Float[Array, " column"],
    root_uptake: Float[Array, "soil column"],
    timestep: float,
) -> SoilWater:
    """Advance the liquid water of the soil layers by an implicit step.

    dz/dt dtheta = q_in - q_out - sink with both fluxes linearised in the water of the two layers that they
    join; one more unknown below stands for the aquifer where the table lies under the soil.

    Args:
        temperature: K; only where the soil at the table is frozen.
        liquid_water: kg m-2, all rows of the column.
        volume: water and ice per volume of soil, at the end of the last step.
        water_table: depth, m.
        infiltration: kg m-2 s-1 into the first layer.
        root_uptake: kg m-2 s-1 out of each layer.
        timestep: s.
    """
    grid = ground_grid()
    node = jnp.asarray(grid.node[:SOIL_LAYERS] * _MM)[:, None]
    thickness = jnp.asarray(grid.thickness[:SOIL_LAYERS] * _MM)[:, None]
    table = water_table * _MM
    above = layer_above_table(water_table)
    below_soil = above == SOIL_LAYERS
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)
    content = jnp.maximum(liquid_water[rows], MINIMUM_LIQUID) / (
        jnp.asarray(grid.thickness[:SOIL_LAYERS])[:, None] * DENSITY_LIQUID
    )
    layers = _hydraulics(soil, frozen, content)
    equilibrium = _equilibrium(soil, table, below_soil)
    aquifer = _aquifer_hydraulics(soil, content, volume, temperature, water_table)
    lower, diagonal, upper, right = _equations(
        layers, equilibrium, aquifer, node, thickness, table, below_soil, infiltration, root_uptake, timestep
    )
    change = solve_tridiagonal(lower, diagonal, upper, right)
    aquifer_thickness = jnp.where(below_soil, table - node[-1], thickness[-1])
    through_bottom = change[-1] * aquifer_thickness / timestep
    recharge = _recharge(soil, frozen, layers, equilibrium, volume, water_table, above, timestep)
    return SoilWater(
        liquid_water=liquid_water[rows] + change[:SOIL_LAYERS] * thickness,
        recharge=jnp.where(below_soil, through_bottom, recharge),
        conductivity=layers.conductivity,
        potential=layers.potential,
    )


def _hydraulics(soil: SoilProperties, frozen: FrozenSoil, content: Float[Array, "soil column"]) -> _Layers:
    """Clapp and Hornberger: k = k_s s^(2b+3) at interfaces, psi = -psi_s s^-b in layers."""
    porosity, exponent = soil.porosity[:SOIL_LAYERS], soil.retention_exponent[:SOIL_LAYERS]
    pores = porosity + _below(porosity)
    saturation = jnp.minimum(1.0, (content + _below(content)) / pores)
    factor = impedance(0.5 * (frozen.ice_fraction + _below(frozen.ice_fraction)))
    steep = soil.saturated_conductivity[:SOIL_LAYERS] * power(saturation, 2.0 * exponent + 2.0)
    wet = jnp.clip(content / porosity, MINIMUM_SATURATION, 1.0)
    potential = _potential(soil, wet, slice(0, SOIL_LAYERS))
    return _Layers(
        liquid=content,
        conductivity=factor * saturation * steep,
        conductivity_slope=factor * (2.0 * exponent + 3.0) * steep / pores,
        potential=potential,
        potential_slope=-exponent * potential / (wet * porosity),
    )


def _below(rows: Float[Array, "soil column"]) -> Float[Array, "soil column"]:
    """The next layer's value; the last layer repeats its own."""
    return jnp.concatenate([rows[1:], rows[-1:]])


def _potential(soil: SoilProperties, saturation: Array, rows: slice | int) -> Array:
    suction, exponent = soil.saturated_suction[rows], soil.retention_exponent[rows]
    return jnp.maximum(MINIMUM_SOIL_POTENTIAL, -suction * power(saturation, -exponent))


def _equilibrium(
    soil: SoilProperties, table: Float[Array, " column"], below_soil: Bool[Array, " column"]
) -> _Equilibrium:
    """Mean water of each layer in hydrostatic equilibrium with the table, as a potential.

    Above the table theta(z) = theta_s ((psi_s + z_t - z) / psi_s)^(-1/b), integrated over the layer; below
    it the layer is saturated.
    """
    edges = jnp.asarray(ground_grid().interface[: SOIL_LAYERS + 1] * _MM)[:, None]
    upper, lower = edges[:-1], edges[1:]
    porosity = soil.porosity[:SOIL_LAYERS]
    dry_to = jnp.minimum(lower, table)
    dry = jnp.maximum(dry_to - upper, 0.0)
    water = _held_above(soil, table, upper, dry_to, dry, slice(0, SOIL_LAYERS))
    mean = (water * dry + porosity * (lower - upper - dry)) / (lower - upper)
    mean = jnp.where(table <= upper, porosity, jnp.where(table < lower, mean, water))
    mean = jnp.clip(mean, 0.0, porosity)
    bottom, last = edges[-1], SOIL_LAYERS - 1
    gap = jnp.where(below_soil, table - bottom, 1.0)
    deep = _held_above(soil, bottom + gap, bottom, bottom + gap, gap, last)
    deep = jnp.clip(deep, 0.0, soil.porosity[last])

    def potential(content: Array, rows: slice | int) -> Array:
        saturation = jnp.maximum(content / soil.porosity[rows], MINIMUM_SATURATION)
        return _potential(soil, saturation, rows)

    return _Equilibrium(
        layers=potential(mean, slice(0, SOIL_LAYERS)),
        aquifer=jnp.where(below_soil, potential(deep, last), 0.0),
    )


def _held_above(
    soil: SoilProperties, table: Array, top: Array, bottom: Array, distance: Array, rows: slice | int
) -> Array:
    """Mean equilibrium water between two depths above the table; 0 where they coincide."""
    suction = soil.saturated_suction[rows]
    exponent = 1.0 - 1.0 / soil.retention_exponent[rows]

    def scaled(depth: Array) -> Array:
        return power((suction + table - depth) / suction, exponent)

    present = distance > 0.0
    safe = jnp.where(present, distance, 1.0)
    mean = -suction * soil.porosity[rows] / exponent / safe * (scaled(bottom) - scaled(top))
    return jnp.where(present, mean, 0.0)


def _aquifer_hydraulics(
    soil: SoilProperties,
    content: Float[Array, "soil column"],
    volume: Float[Array, "soil column"],
    temperature: Float[Array, "total column"],
    water_table: Float[Array, " column"],
) -> tuple[Float[Array, " column"], Float[Array, " column"]]:
    """Potential of the aquifer next to the lowest soil layer and its slope with water content.

    Half-way between the last layer and the table, which is saturated but where it is frozen: then it holds
    what its temperature leaves unfrozen.
    """
    last = SOIL_LAYERS - 1
    porosity, suction = soil.porosity[last], soil.saturated_suction[last]
    exponent = soil.retention_exponent[last]
    ground = temperature[SNOW_LAYERS:]
    edges = jnp.asarray(ground_grid().interface[1:])[:, None]
    layer = jnp.sum((water_table[None, :] > edges).astype(jnp.int32), axis=0)
    deepest = ground.shape[0] - 1
    at_table = jnp.take_along_axis(ground, jnp.minimum(layer, deepest)[None], axis=0)[0]
    suction_of_frost = LATENT_HEAT_FUSION * (FREEZING_POINT - at_table) / (GRAVITY * at_table) * _MM
    relative = jnp.maximum(suction, suction_of_frost) / suction
    unfrozen = porosity * power(relative, -1.0 / exponent)
    unfrozen = jnp.minimum(unfrozen, 0.5 * (porosity + volume[last]))
    unfrozen = jnp.where(layer > deepest, content[last], unfrozen)
    held = jnp.where(ground[SOIL_LAYERS] < FREEZING_POINT, unfrozen, porosity)
    saturation = jnp.clip(0.5 * (held + content[last]) / porosity, MINIMUM_SATURATION, 1.0)
    potential = _potential(soil, saturation, last)
    return potential, -exponent * potential / (saturation * porosity)


def _equations(
    layers: _Layers,
    equilibrium: _Equilibrium,
    aquifer: tuple[Float[Array, " column"], Float[Array, " column"]],
    node: Float[Array, "soil one"],
    thickness: Float[Array, "soil one"],
    table: Float[Array, " column"],
    below_soil: Bool[Array, " column"],
    infiltration: Float[Array, " column"],
    root_uptake: Float[Array, "soil column"],
    timestep: float,
) -> tuple[Array, Array, Array, Array]:
    """Rows of the tridiagonal system for the change of water content, the aquifer last."""
    potential, slope = aquifer
    aquifer_node = 0.5 * (table + node[-1])
    distance = jnp.concatenate(
        [jnp.broadcast_to(node[1:] - node[:-1], layers.liquid[1:].shape), (aquifer_node - node[-1])[None]]
    )
    next_potential = jnp.concatenate([layers.potential[1:], potential[None]])
    next_slope = jnp.concatenate([layers.potential_slope[1:], slope[None]])
    next_equilibrium = jnp.concatenate([equilibrium.layers[1:], equilibrium.aquifer[None]])
    drive = (next_potential - layers.potential) - (next_equilibrium - equilibrium.layers)
    # Nothing flows through the bottom of the soil where the table stands above it.
    bottom = jnp.arange(SOIL_LAYERS)[:, None] == SOIL_LAYERS - 1
    open_below = jnp.where(bottom, below_soil[None, :], True)
    safe = jnp.where(open_below, distance, 1.0)

    def through(value: Array) -> Array:
        return jnp.where(open_below, value / safe, 0.0)

    outflow = through(-layers.conductivity * drive)
    by_own = through(layers.conductivity * layers.potential_slope - drive * layers.conductivity_slope)
    by_next = through(-(layers.conductivity * next_slope + drive * layers.conductivity_slope))

    inflow = jnp.concatenate([infiltration[None], outflow])
    zero = jnp.zeros_like(infiltration)[None]
    storage = jnp.concatenate(
        [
            jnp.broadcast_to(thickness, layers.liquid.shape),
            jnp.where(below_soil, table - node[-1], thickness[-1])[None],
        ]
    )
    leaving = jnp.concatenate([outflow, zero])
    uptake = jnp.concatenate([root_uptake, zero])
    from_above_own = jnp.concatenate([zero, by_next])
    lower = jnp.concatenate([zero, -by_own])
    upper = jnp.concatenate([by_next, zero])
    diagonal = storage / timestep - from_above_own + jnp.concatenate([by_own, zero])
    return lower, diagonal, upper, inflow - leaving - uptake


def _recharge(
    soil: SoilProperties,
    frozen: FrozenSoil,
    layers: _Layers,
    equilibrium: _Equilibrium,
    volume: Float[Array, "soil column"],
    water_table: Float[Array, " column"],
    above: Int[Array, " column"],
    timestep: float,
) -> Float[Array, " column"]:
    """Flow across a table that stands in the soil: -k (0 - (psi - psi_E)) / distance, bounded.

    k is that of the layer which holds the table, psi that of the layer above it; the distance is twice the
    height of the node above the table, or the depth of a table in the first layer.
    """
    row = jnp.minimum(above, SOIL_LAYERS - 1)[None]

    def at(rows: Array, index: Array) -> Array:
        taken: Array = jnp.take_along_axis(rows, index, axis=0)[0]
        return taken

    upper = jnp.maximum(above - 1, 0)[None]
    porosity = at(soil.porosity, row)
    saturation = jnp.clip(at(volume, row) / porosity, MINIMUM_SATURATION, 1.0)
    exponent = 2.0 * at(soil.retention_exponent, row) + 3.0
    factor = impedance(at(0.5 * (frozen.ice_fraction + _below(frozen.ice_fraction)), row))
    conductivity = factor * at(soil.saturated_conductivity, row) * power(saturation, exponent)
    head = jnp.maximum(MINIMUM_SOIL_POTENTIAL, at(layers.potential, upper)) - at(equilibrium.layers, upper)
    node = jnp.asarray(ground_grid().node[:SOIL_LAYERS])[upper[0]]
    distance = jnp.where(above == 0, (water_table + 1.0e-3) * _MM, (water_table - node) * _MM * 2.0)
    flow = conductivity * head / jnp.where(distance > 0.0, distance, 1.0)
    bound = LARGEST_RECHARGE / timestep
    return jnp.clip(flow, -bound, bound)
