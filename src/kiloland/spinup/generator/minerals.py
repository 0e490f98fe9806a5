"""Mineral nitrogen and phosphorus of the soil: who gets what there is, and where the rest goes in a day.

Plants and microbes share what there is: first ammonium, then nitrate; solution P by itself. Solution and
labile P lie on the Langmuir curve, labile = smax solution / (ks + solution); ELM follows the curve's tangent
(``PhosphorusStateUpdate3Mod``). Secondary, occluded and primary P exchange by first-order rates; occluded P
erodes. Units: g m-3, day.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.generator.state import Mode, Soil, SoilState

HALF_N, HALF_P = 0.05, 0.01
"""Mineral N and solution P at which roots get half of what they ask, g m-3."""
PRECIPITATION, MOST_SOLUTION_P = 0.01, 20.0
"""Rate, day-1, at which solution P above so many g m-3 joins secondary P."""
TINY = 1e-30


class Share(NamedTuple):
    """What the competition for mineral N and P gives."""

    plant_n: Float[Array, "layer cell"]
    plant_p: Float[Array, "layer cell"]
    fpi: Float[Array, "layer cell"]
    fpi_p: Float[Array, "layer cell"]
    ammonium: Float[Array, "layer cell"]
    """Share of each claim that ammonium meets; nitrate meets ``fpi - ammonium``."""
    nitrification: Float[Array, "layer cell"]
    denitrification: Float[Array, "layer cell"]


def compete(
    state: SoilState,
    soil: Soil,
    mode: Mode,
    demand_n: Float[Array, " cell"],
    demand_p: Float[Array, " cell"],
    immobilisation_n: Float[Array, "layer cell"],
    immobilisation_p: Float[Array, "layer cell"],
    nitrification: Float[Array, "layer cell"],
    denitrification: Float[Array, "layer cell"],
) -> Share:
    """Relative-demand competition with equal weights (``AllocationMod:Allocation2_ResolveNPLimit``).

    Plants ask where their roots are, and get less where there is little: demand times root profile times
    X / (X + half). Demands are g m-2 day-1.
    """
    mineral = state.ammonium + state.nitrate
    grip_n = jnp.maximum(mineral / (mineral + HALF_N), mode.supply_n)
    grip_p = jnp.maximum(state.solution / (state.solution + HALF_P), mode.supply_p)
    plant_n, plant_p = soil.root_profile * demand_n * grip_n, soil.root_profile * demand_p * grip_p
    claim = plant_n + immobilisation_n
    first = jnp.minimum(1.0, state.ammonium / jnp.maximum(claim + nitrification, TINY))
    rest = 1.0 - first
    second = jnp.minimum(1.0, state.nitrate / jnp.maximum(claim * rest + denitrification, TINY))
    fpi = first + rest * second
    fpi_p = jnp.minimum(1.0, state.solution / jnp.maximum(plant_p + immobilisation_p, TINY))
    return Share(plant_n, plant_p, fpi, fpi_p, first, nitrification * first, denitrification * second)


class MineralNitrogen(NamedTuple):
    """Ammonium and nitrate at the end of the day, and their fluxes."""

    ammonium: Float[Array, "layer cell"]
    nitrate: Float[Array, "layer cell"]
    leached: Float[Array, "layer cell"]
    gas: Float[Array, "layer cell"]
    fixation: Float[Array, " cell"]


class MineralPhosphorus(NamedTuple):
    """Mineral P at the end of the day, and its fluxes."""

    solution: Float[Array, "layer cell"]
    labile: Float[Array, "layer cell"]
    secondary: Float[Array, "layer cell"]
    occluded: Float[Array, "layer cell"]
    primary: Float[Array, "layer cell"]
    leached: Float[Array, "layer cell"]
    weathered: Float[Array, "layer cell"]
    became_occluded: Float[Array, "layer cell"]
    eroded: Float[Array, "layer cell"]


def mineral_nitrogen(
    state: SoilState,
    soil: Soil,
    share: Share,
    claim: Float[Array, "layer cell"],
    released: Float[Array, "layer cell"],
    drained: Float[Array, " cell"],
) -> MineralNitrogen:
    """Ammonium and nitrate after uptake, deposition, fixation, nitrification, gas loss and leaching."""
    from_ammonium = claim * share.ammonium
    from_nitrate = claim * (share.fpi - share.ammonium)
    fixation = soil.fixation * (1.0 - jnp.exp(-0.003 * 365.0 * jnp.maximum(state.lagged_npp, 0.0)))
    input_n = soil.deposition_n * soil.surface_profile + fixation * soil.root_profile
    nitrate = state.nitrate - from_nitrate - share.denitrification
    leached = jnp.maximum(nitrate, 0.0) * drained
    nitrate = nitrate - leached + share.nitrification * (1.0 - soil.nitrification_loss)
    mineral_gas = released * soil.mineralisation_loss
    ammonium = state.ammonium - from_ammonium - share.nitrification + released - mineral_gas + input_n
    gas = share.nitrification * soil.nitrification_loss + share.denitrification + mineral_gas
    return MineralNitrogen(ammonium, nitrate, leached, gas, fixation)


def mineral_phosphorus(
    state: SoilState,
    soil: Soil,
    from_solution: Float[Array, "layer cell"],
    released: Float[Array, "layer cell"],
    drained: Float[Array, " cell"],
) -> MineralPhosphorus:
    """Mineral P after uptake, release, weathering, sorption, occlusion, erosion and leaching."""
    bound = released * soil.binding_p
    leached = (state.solution - from_solution) * drained * soil.leaching_p
    desorbed = state.secondary * soil.desorption
    # Solution P cannot pile up where nothing drains: what is too much precipitates.
    adsorbed = state.labile * soil.adsorption + PRECIPITATION * jnp.maximum(
        state.solution - MOST_SOLUTION_P, 0.0
    )
    occluded, eroded = state.secondary * soil.occlusion, state.occluded * soil.erosion
    weathered = state.primary * soil.weathering
    change = released - bound + weathered + desorbed - adsorbed - from_solution - leached
    mobile = state.solution + state.labile + change
    solution = dissolved(mobile, soil)
    return MineralPhosphorus(
        solution=solution,
        labile=mobile - solution,
        secondary=state.secondary + adsorbed - desorbed - occluded,
        occluded=state.occluded + occluded + bound - eroded,
        primary=state.primary - weathered + soil.deposition_p * soil.root_profile,
        leached=leached,
        weathered=weathered,
        became_occluded=occluded,
        eroded=eroded,
    )


def dissolved(mobile: Float[Array, "layer cell"], soil: Soil) -> Float[Array, "layer cell"]:
    """Solution P of solution and labile P together: the positive root of s + smax s / (ks + s) = mobile."""
    middle = soil.smax + soil.ks - mobile
    product = 4.0 * mobile * soil.ks
    return 0.5 * product / jnp.maximum(middle + jnp.sqrt(middle * middle + product), TINY)
