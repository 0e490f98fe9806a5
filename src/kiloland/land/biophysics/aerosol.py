"""Light-absorbing particles in snow: deposition, concentrations, and what capping removes.

Masses are arrays ``[species, snow, column]`` in the order of :class:`Aerosol`.
"""

from __future__ import annotations

from enum import IntEnum

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.safe_math import divide
from kiloland.land.vertical import snow_layer_mask


class Aerosol(IntEnum):
    """Species of particles, in the order of the first axis of masses."""

    BLACK_CARBON_HYDROPHILIC = 0
    BLACK_CARBON_HYDROPHOBIC = 1
    ORGANIC_CARBON_HYDROPHILIC = 2
    ORGANIC_CARBON_HYDROPHOBIC = 3
    DUST_1 = 4
    DUST_2 = 5
    DUST_3 = 6
    DUST_4 = 7


def deposit_aerosols(
    mass: Float[Array, "species snow column"],
    deposition: Float[Array, "species column"],
    snow_index: Int[Array, " column"],
    timestep: float,
) -> Float[Array, "species snow column"]:
    """Add what falls during a step to the top snow layer; without snow layers it is lost.

    `mass` in kg m-2, `deposition` (dry and wet) in kg m-2 s-1, `timestep` in s. Source: ELM
    `AerosolFluxes`.
    """
    return jnp.where(top_snow_layer(snow_index), mass + deposition[:, None] * timestep, mass)


def release_aerosols(
    mass: Float[Array, "species snow column"],
    snow_index: Int[Array, " column"],
    layer_water: Float[Array, "snow column"],
    sublimation: Float[Array, " column"],
    timestep: float,
) -> Float[Array, "species snow column"]:
    """Carbon within grains that sublimate becomes carbon outside of them, in the top layer.

    Of hydrophilic (within-grain) black and organic carbon the share s dt / W, at most 1, turns hydrophobic
    (external); sublimation s in kg m-2 s-1, water W of the layer after the exchange with the air in kg m-2.
    Source: ELM `SnowWater` with modal aerosols.
    """
    share = divide(jnp.maximum(sublimation * timestep, 0.0)[None], layer_water)
    share = jnp.where(top_snow_layer(snow_index), jnp.clip(share, 0.0, 1.0), 0.0)
    for inside, outside in (
        (Aerosol.BLACK_CARBON_HYDROPHILIC, Aerosol.BLACK_CARBON_HYDROPHOBIC),
        (Aerosol.ORGANIC_CARBON_HYDROPHILIC, Aerosol.ORGANIC_CARBON_HYDROPHOBIC),
    ):
        moved = mass[inside] * share
        mass = mass.at[inside].add(-moved).at[outside].add(moved)
    return mass


def cap_aerosols(
    mass: Float[Array, "species snow column"],
    snow_index: Int[Array, " column"],
    layer_water: Float[Array, "snow column"],
    capped_ice: Float[Array, " column"],
    timestep: float,
) -> Float[Array, "species snow column"]:
    """Masses in existing layers after capping: what leaves has the concentration of the top layer.

    Top layer: m W / (W + q dt) with its water W (kg m-2) and the ice q that a capped pack sheds
    (`capped_ice`, kg m-2 s-1, 0 where the pack is not capped). Layers that do not exist are emptied.
    Source: ELM `AerosolMasses`.
    """
    top = top_snow_layer(snow_index)
    kept = divide(layer_water, layer_water + capped_ice * timestep)
    factor = jnp.where(top & (capped_ice > 0.0), kept, 1.0)
    return jnp.where(snow_layer_mask(snow_index), mass * factor, 0.0)


def aerosol_concentrations(
    mass: Float[Array, "species snow column"],
    snow_index: Int[Array, " column"],
    layer_water: Float[Array, "snow column"],
) -> Float[Array, "species snow column"]:
    """Mass of particles per mass of snow, kg kg-1; 0 in layers that do not exist."""
    return jnp.where(snow_layer_mask(snow_index), divide(mass, layer_water), 0.0)


def top_snow_layer(snow_index: Int[Array, " column"]) -> Bool[Array, "snow column"]:
    """The uppermost snow layer of each column; nothing where there is none."""
    exists = snow_layer_mask(snow_index)
    return exists & ~jnp.concatenate([jnp.zeros_like(exists[:1]), exists[:-1]])
