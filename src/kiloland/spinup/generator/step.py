"""A day of the model world: the order of its processes.

All fluxes of a day are taken from the state at its start; the state at its end closes the balances of carbon,
nitrogen and phosphorus to rounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.generator.constants import LEAF, LITTERS, SOIL3, SOIL4, ZONE
from kiloland.spinup.generator.plants import Allometry, Demand, PlantFluxes, demand, grow
from kiloland.spinup.generator.soil import SoilFluxes, decompose, litter_input, mix, total
from kiloland.spinup.generator.state import Mode, Weather, World, WorldState
from kiloland.spinup.generator.water import Moisture, WaterFluxes, flow, moisture

NPP_MEMORY = 0.1
"""Share of today in the lagged NPP: ten days."""
FIXING_PARTNERS, ROCK_PARTNERS = 0.6, 0.8
"""Share of the unmet demand for N and P that partners of the roots provide, from air and rock."""
_ZONE = tuple(int(zone) for zone in ZONE)


class DayFluxes(NamedTuple):
    """Everything that happened in a day."""

    want: Demand
    plants: PlantFluxes
    soil: SoilFluxes
    water: WaterFluxes
    moisture: Moisture
    burned: Float[Array, " cell"]
    warmth: Float[Array, "layer cell"]
    """Temperature scalar without depth."""


def day(
    state: WorldState, world: World, shape: Allometry, mode: Mode, today: Weather
) -> tuple[WorldState, DayFluxes]:
    """The state after a day without vertical mixing, and its fluxes. ``today`` is one day of the weather."""
    soil, plants = world.soil, world.plants
    now = moisture(state.soil.water, soil)
    want = demand(
        state.plants, plants, shape, today.potential, today.warmth_air, today.warmth_soil, now.plants
    )
    cover = jnp.sum(plants.weight * want.light, axis=0)
    water, water_fluxes = flow(state.soil.water, soil, now, today.liquid, today.evaporation, cover)
    burned = burned_fraction(state, world, now, today.fire_weather)

    scalar_w = layers(now.scalar * now.oxygen)
    warmth = today.temperature_scalar * scalar_w
    demand_n = jnp.sum(plants.weight * want.nitrogen, axis=0)
    demand_p = jnp.sum(plants.weight * want.phosphorus, axis=0)
    new_plants, litter, plant_fluxes = grow(
        state.plants,
        plants,
        shape,
        want,
        today.season,
        now.plants,
        today.warmth_air,
        burned,
        mode.dead_wood,
    )
    above_below = [litter_input(litter, soil, element) for element in range(3)]
    inputs = tuple(above + below for above, below in above_below)
    new_soil, soil_fluxes = decompose(
        state.soil,
        soil,
        mode,
        inputs,
        demand_n,
        demand_p,
        warmth * soil.depth_scalar,
        warmth,
        layers(now.wetness),
        water_fluxes.drained,
        burned,
    )
    met_n = total(soil_fluxes.uptake_n) / jnp.maximum(demand_n, 1e-30)
    met_p = total(soil_fluxes.uptake_p) / jnp.maximum(demand_p, 1e-30)
    # Partners of the roots provide a part of what the soil does not: N from the air, P from rock.
    helped_n = jnp.where(demand_n > 0.0, FIXING_PARTNERS * (1.0 - met_n), 0.0)
    helped_p = jnp.where(demand_p > 0.0, ROCK_PARTNERS * (1.0 - met_p), 0.0)
    soil_fluxes = soil_fluxes._replace(
        fixation=soil_fluxes.fixation + helped_n * demand_n, rock_p=helped_p * demand_p
    )
    new_plants = replace(
        new_plants,
        npool=new_plants.npool + want.nitrogen * (met_n + helped_n),
        ppool=new_plants.ppool + want.phosphorus * (met_p + helped_p),
    )
    npp = jnp.sum(plants.weight * plant_fluxes.npp, axis=0)
    lagged = state.soil.lagged_npp + NPP_MEMORY * (npp - state.soil.lagged_npp)
    new_soil = replace(new_soil, water=water, lagged_npp=lagged)
    fluxes = DayFluxes(want, plant_fluxes, soil_fluxes, water_fluxes, now, burned, today.temperature_scalar)
    return WorldState(new_soil, new_plants), fluxes


def burned_fraction(
    state: WorldState, world: World, now: Moisture, fire_weather: Float[Array, " cell"]
) -> Float[Array, " cell"]:
    """Burned fraction of the day: fuel between 75 and 1050 gC m-2, dry soil, dry season (after Li 2012)."""
    plants = world.plants
    leaves = jnp.sum(plants.weight * state.plants.tissue[LEAF], axis=0)
    fuel = total(jnp.sum(state.soil.carbon[:LITTERS], axis=0)) + leaves
    dry = 1.0 - now.zone[0]
    return world.soil.fire * fire_weather * jnp.clip((fuel - 75.0) / 975.0, 0.0, 1.0) * dry * dry


def layers(zones: Float[Array, "zone cell"]) -> Float[Array, "layer cell"]:
    """Values of the zones at their layers."""
    return jnp.stack([zones[zone] for zone in _ZONE])


def mixed(state: WorldState, mode: Mode) -> WorldState:
    """The state after the vertical mixing of ``MIXING_DAYS``: all pools but coarse wood and mineral ones."""
    soil = state.soil
    carbon = soil.carbon
    plain = jnp.concatenate([carbon[:3], carbon[4:6], soil.nitrogen[:3], soil.phosphorus[:3]])
    plain = mix(plain, mode.mixing[0])
    third = mix(carbon[SOIL3 : SOIL3 + 1], mode.mixing[1])
    fourth = mix(carbon[SOIL4 : SOIL4 + 1], mode.mixing[2])
    new = replace(
        soil,
        carbon=jnp.concatenate([plain[:3], carbon[3:4], plain[3:5], third, fourth]),
        nitrogen=jnp.concatenate([plain[5:8], soil.nitrogen[3:]]),
        phosphorus=jnp.concatenate([plain[8:11], soil.phosphorus[3:]]),
    )
    return WorldState(new, state.plants)
