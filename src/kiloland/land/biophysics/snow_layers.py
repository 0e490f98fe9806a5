"""Snow layers made by snowfall, combined where they are thin, divided where they are thick.

Source: Jordan (1991); CLM4.5 technical note, sections 7.2.1, 7.2.6 and 7.2.7, in ELM's order
(`CanopyHydrology`, `CombineSnowLayers`, `DivideSnowLayers`). Every operation keeps water, particles and,
where layers mix, energy.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.aerosol import top_snow_layer
from kiloland.land.biophysics.constants import (
    FREEZING_POINT,
    HEAT_CAPACITY_ICE,
    HEAT_CAPACITY_LIQUID,
    LATENT_HEAT_FUSION,
)
from kiloland.land.biophysics.safe_math import divide, sum_rows
from kiloland.land.biophysics.snicar import FRESH_RADIUS
from kiloland.land.biophysics.snow_cover import FIRST_LAYER_DEPTH, fresh_snow_density
from kiloland.land.biophysics.snow_pack import SnowLayers, choose, layer_water, snow_depth
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask

LEAST_ICE = 0.01
"""A layer with less ice joins the one below, kg m-2."""
LEAST_DENSITY = 50.0
"""A lighter layer is combined with a neighbour, a lighter pack loses its layers, kg m-3."""
LEAST_THICKNESS = (0.010, 0.015, 0.025, 0.055, 0.115)
"""Of layers from the top down, m; 0.03 more on lakes."""
LAKE_EXTRA = 0.03


@pytree_dataclass
class CombinedSnow:
    """Result of `combine_layers`."""

    layers: SnowLayers
    snow_water: Float[Array, " column"]
    """kg m-2; of a pack that lost its layers, its ice."""
    snow_depth: Float[Array, " column"]
    """m."""
    liquid_to_ground: Float[Array, " column"]
    """Of layers that vanished, into the first layer of the ground (on lakes: run off), kg m-2."""
    ice_to_ground: Float[Array, " column"]
    """kg m-2."""


def add_snowfall(
    layers: SnowLayers,
    snowfall: Float[Array, " column"],
    snow_water: Float[Array, " column"],
    snow_depth: Float[Array, " column"],
    snow_fraction: Float[Array, " column"],
    air_temperature: Float[Array, " column"],
    lake: Bool[Array, " column"],
) -> SnowLayers:
    """Snowfall of a step (kg m-2) put on the top layer, or the first layer made of all snow there is.

    The top layer grows by new/(density f). A pack without layers whose mean depth over the column
    (f `snow_depth`, with `snow_water` both after the snowfall) reaches 0.01 m (on lakes: whose depth reaches
    0.04 m) while it snows becomes one layer of ice at the temperature of the air, not above freezing, with
    fresh grains and no particles.
    """
    top = top_snow_layer(layers.snow_index)
    depth = divide(snowfall, fresh_snow_density(air_temperature) * snow_fraction)
    thicker = replace(
        layers,
        ice=layers.ice + jnp.where(top, snowfall, 0.0),
        thickness=layers.thickness + jnp.where(top, depth, 0.0),
    )
    deep_on_lake = snow_depth >= FIRST_LAYER_DEPTH + LAKE_EXTRA
    deep = jnp.where(lake, deep_on_lake, snow_fraction * snow_depth >= FIRST_LAYER_DEPTH)
    begins = (layers.snow_index == 0) & (snowfall > 0.0) & deep
    lowest = (jnp.arange(SNOW_LAYERS) == SNOW_LAYERS - 1)[:, None]
    first = SnowLayers(
        snow_index=layers.snow_index,
        thickness=jnp.broadcast_to(snow_depth, layers.thickness.shape),
        temperature=jnp.broadcast_to(jnp.minimum(FREEZING_POINT, air_temperature), layers.thickness.shape),
        liquid_water=jnp.zeros_like(layers.liquid_water),
        ice=jnp.broadcast_to(snow_water, layers.thickness.shape),
        grain_radius=jnp.full_like(layers.grain_radius, FRESH_RADIUS),
        aerosol_mass=jnp.zeros_like(layers.aerosol_mass),
    )
    begun = choose(begins & lowest, first, thicker)
    return replace(begun, snow_index=jnp.where(begins, -1, layers.snow_index))


def combine_layers(
    layers: SnowLayers,
    snow_water: Float[Array, " column"],
    depth: Float[Array, " column"],
    snow_fraction: Float[Array, " column"],
    lake: Bool[Array, " column"],
) -> CombinedSnow:
    """Layers with hardly any ice joined to the next, a vanishing pack without layers, thin layers combined.

    `snow_water` and `depth` are those of packs without layers. `snow_fraction` is the covered share.
    """
    had_layers = layers.snow_index < 0
    joined, liquid_out, ice_out = _join_wet_layers(layers)
    exists = snow_layer_mask(joined.snow_index)
    water, thickness = sum_rows(layer_water(joined)), snow_depth(joined)
    ice = sum_rows(jnp.where(exists, joined.ice, 0.0))
    liquid = sum_rows(jnp.where(exists, joined.liquid_water, 0.0))

    shallow = snow_fraction * thickness < FIRST_LAYER_DEPTH
    light = divide(water, snow_fraction * thickness) < LEAST_DENSITY
    vanishing = jnp.where(lake, thickness < FIRST_LAYER_DEPTH + LAKE_EXTRA, shallow | light)
    vanishing = had_layers & (thickness > 0.0) & vanishing
    left = replace(
        joined,
        snow_index=jnp.where(vanishing, 0, joined.snow_index),
        aerosol_mass=jnp.where(vanishing, 0.0, joined.aerosol_mass),
    )
    water = jnp.where(had_layers, jnp.where(vanishing, ice, water), snow_water)
    thickness = jnp.where(had_layers, thickness, depth)
    return CombinedSnow(
        layers=_combine_thin_layers(left, snow_fraction, lake),
        snow_water=water,
        snow_depth=jnp.where(water <= 0.0, 0.0, thickness),
        liquid_to_ground=liquid_out + jnp.where(vanishing, liquid, 0.0),
        ice_to_ground=ice_out,
    )


def _join_wet_layers(
    layers: SnowLayers,
) -> tuple[SnowLayers, Float[Array, " column"], Float[Array, " column"]]:
    """Add layers with ice up to 0.01 kg m-2 to the one below, whose temperature and grains stay.

    What the lowest layer held goes to the ground: liquid and ice, kg m-2 (its particles are lost).
    """
    nothing = jnp.zeros_like(layers.ice[0])
    melted = snow_layer_mask(layers.snow_index) & (layers.ice <= LEAST_ICE)
    # Layers vanish in few steps; the others need not pay for it.
    answer: tuple[SnowLayers, Array, Array] = jax.lax.cond(
        jnp.any(melted), _join_each, lambda same: (same, nothing, nothing), layers
    )
    return answer


def _join_each(
    layers: SnowLayers,
) -> tuple[SnowLayers, Float[Array, " column"], Float[Array, " column"]]:
    """Row by row from the top down."""
    first = SNOW_LAYERS + layers.snow_index

    def join(layers: SnowLayers, row: Array) -> tuple[SnowLayers, tuple[Array, Array]]:
        melted = (row >= first) & (layers.ice[row] <= LEAST_ICE)
        held = tuple(jnp.where(melted, values[row], 0.0) for values in (layers.liquid_water, layers.ice))
        added = replace(
            layers,
            liquid_water=_add(layers.liquid_water, row, melted),
            ice=_add(layers.ice, row, melted),
            thickness=_add(layers.thickness, row, melted),
            aerosol_mass=_add(layers.aerosol_mass, row, melted),
        )
        return _drop(added, row, melted), (held[0], held[1])

    layers, (liquid, ice) = jax.lax.scan(join, layers, jnp.arange(SNOW_LAYERS))
    return layers, liquid[-1], ice[-1]


def _add(values: Array, row: Array, where: Bool[Array, " column"]) -> Array:
    """Values with those of a row added to the next below, if there is one."""
    added = jnp.where(where, values[..., row, :], 0.0)
    return values.at[..., row + 1, :].add(added, mode="drop")


def _drop(layers: SnowLayers, row: Array, where: Bool[Array, " column"]) -> SnowLayers:
    """Take a row out: those above it move down by one."""
    first = SNOW_LAYERS + layers.snow_index
    rows = jnp.arange(SNOW_LAYERS)[:, None]
    moved = where & (rows <= row) & (rows > first)
    above: SnowLayers = jax.tree.map(
        lambda values: values if values.ndim == 1 else jnp.roll(values, 1, axis=-2), layers
    )
    return replace(
        choose(moved, above, layers), snow_index=jnp.where(where, layers.snow_index + 1, layers.snow_index)
    )


def _combine_thin_layers(
    layers: SnowLayers, snow_fraction: Float[Array, " column"], lake: Bool[Array, " column"]
) -> SnowLayers:
    """Combine layers thinner than the least thickness of their position, or lighter than 50 kg m-3.

    From the top down; the top layer with the one below, the lowest with the one above, others with the
    thinner neighbour. At least one layer stays.
    """
    row = jnp.arange(SNOW_LAYERS)[:, None]
    position = jnp.maximum(row - SNOW_LAYERS - layers.snow_index, 0)
    extra = jnp.where(lake, LAKE_EXTRA, 0.0)
    several = snow_layer_mask(layers.snow_index) & (layers.snow_index < -1)
    # With no such layer at its own position nothing is combined.
    answer: SnowLayers = jax.lax.cond(
        jnp.any(several & _thin(layers.thickness, layer_water(layers), position, snow_fraction, extra)),
        lambda given: _combine_each(given, snow_fraction, extra),
        lambda given: given,
        layers,
    )
    return answer


def _thin(
    thickness: Float[Array, "*row column"],
    water: Float[Array, "*row column"],
    position: Int[Array, "*row column"],
    snow_fraction: Float[Array, " column"],
    extra: Float[Array, " column"],
) -> Bool[Array, "*row column"]:
    """Layers thinner than the least thickness of a position from the top, or lighter than 50 kg m-3."""
    mean = snow_fraction * thickness
    light = divide(water, mean) < LEAST_DENSITY
    return (mean < jnp.asarray(LEAST_THICKNESS)[position] + extra) | light


def _combine_each(
    layers: SnowLayers, snow_fraction: Float[Array, " column"], extra: Float[Array, " column"]
) -> SnowLayers:
    """Row by row from the top down."""
    first = SNOW_LAYERS + layers.snow_index
    lowest = SNOW_LAYERS - 1

    def visit(carry: tuple[SnowLayers, Array], row: Array) -> tuple[tuple[SnowLayers, Array], None]:
        layers, position = carry
        visited = (row >= first) & (layers.snow_index < -1)
        water = layers.liquid_water[row] + layers.ice[row]
        thin = visited & _thin(layers.thickness[row], water, position, snow_fraction, extra)
        position = jnp.where(visited & ~thin, position + 1, position)
        own = layers.thickness[row]
        above = layers.thickness[jnp.maximum(row - 1, 0)] + own
        below = layers.thickness[jnp.minimum(row + 1, lowest)] + own
        upwards = (row != SNOW_LAYERS + layers.snow_index) & ((row == lowest) | (above < below))
        layers = _merge(layers, jnp.minimum(row, lowest - 1), thin & ~upwards)
        layers = _merge(layers, jnp.maximum(row - 1, 0), thin & upwards)
        return (layers, position), None

    start = (layers, jnp.zeros_like(layers.snow_index))
    (combined, _), _ = jax.lax.scan(visit, start, jnp.arange(SNOW_LAYERS))
    return combined


def _merge(layers: SnowLayers, upper: Array, where: Bool[Array, " column"]) -> SnowLayers:
    """Combine a row with the next below, in whose place the sum comes; rows above move down."""
    lower = upper + 1

    def two(values: Array) -> tuple[Array, Array]:
        return values[..., lower, :], values[..., upper, :]

    (ice, more_ice), (liquid, more_liquid) = two(layers.ice), two(layers.liquid_water)
    mass, more_mass = liquid + ice, more_liquid + more_ice
    radius, more_radius = two(layers.grain_radius)
    weighted = divide(radius * mass + more_radius * more_mass, mass + more_mass)
    temperature, more_temperature = two(layers.temperature)
    mixed = mixed_temperature(ice, liquid, temperature, more_ice, more_liquid, more_temperature)

    def put(values: Array, new: Array) -> Array:
        return values.at[..., lower, :].set(jnp.where(where, new, values[..., lower, :]))

    together = replace(
        layers,
        grain_radius=put(layers.grain_radius, weighted),
        temperature=put(layers.temperature, mixed),
        thickness=_add(layers.thickness, upper, where),
        liquid_water=_add(layers.liquid_water, upper, where),
        ice=_add(layers.ice, upper, where),
        aerosol_mass=_add(layers.aerosol_mass, upper, where),
    )
    return _drop(together, upper, where)


def mixed_temperature(
    ice: Array,
    liquid: Array,
    temperature: Array,
    more_ice: Array,
    more_liquid: Array,
    more_temperature: Array,
) -> Array:
    """Temperature (K) of two masses of snow mixed without exchange of heat (kg m-2, K).

    Added is h = C (T - T_f) + L_f liquid with C = c_i ice + c_l liquid; then T = T_f + (h - L_f liquid)/C.
    """
    capacity = HEAT_CAPACITY_ICE * ice + HEAT_CAPACITY_LIQUID * liquid
    more = HEAT_CAPACITY_ICE * more_ice + HEAT_CAPACITY_LIQUID * more_liquid
    heat = capacity * (temperature - FREEZING_POINT) + LATENT_HEAT_FUSION * liquid
    heat = heat + (more * (more_temperature - FREEZING_POINT) + LATENT_HEAT_FUSION * more_liquid)
    all_liquid = liquid + more_liquid
    together = HEAT_CAPACITY_ICE * (ice + more_ice) + HEAT_CAPACITY_LIQUID * all_liquid
    return FREEZING_POINT + divide(heat - LATENT_HEAT_FUSION * all_liquid, together)
