"""One day of the soil: decomposition under competition for mineral nutrients, mineral N and P, mixing.

Decomposition (ELM's CTC cascade) with the loss L_l = k_l s C_l of each pool, s the product of the scalars:

    demand of N of litter i:  f = L_i (1 - r_i) / CN_receiver - L_i N_i / C_i (P alike; wood demands C:P 900)
    plants and microbes share what there is: first ammonium, then nitrate; solution P by itself
    plants ask for demand X / (X + half), microbes for all they need
    a litter that lacks N or P decays more slowly, by the smaller of the two supplies
    soil pools have fixed C:N:P, so that each of their transitions releases N and P

Mineral P: solution and labile P lie on the Langmuir curve, labile = smax solution / (ks + solution); ELM
(``PhosphorusStateUpdate3Mod``) follows the curve's tangent. Secondary, occluded and primary P exchange by
first-order rates; occluded P erodes. Units: g m-3, day.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.generator.constants import (
    CWD,
    LITTER_CP,
    LITTERS,
    RATES,
    SOIL_CN,
    SOIL_CP,
    THICKNESS,
)
from kiloland.spinup.generator.plants import Litter
from kiloland.spinup.generator.state import Mode, Soil, SoilState

DISCRETE = 1.0 - jnp.exp(-jnp.asarray(RATES))
NITRIFICATION = 0.1
DENITRIFICATION = 0.1
HALF_N, HALF_P = 0.05, 0.01
"""Mineral N and solution P at which roots get half of what they ask, g m-3."""
PRECIPITATION, MOST_SOLUTION_P = 0.01, 20.0
"""Rate, day-1, at which solution P above so many g m-3 joins secondary P."""
TINY = 1e-30
LITTER_SPLIT = (0.25, 0.5, 0.25)
"""Labile, cellulose and lignin shares of leaf and root litter (ELM: the same for all)."""
FIRE_LITTER, FIRE_CWD = 0.5, 0.25
_CN_NEXT = SOIL_CN[jnp.asarray([0, 1, 2])][:, None, None]
_CP_NEXT = SOIL_CP[jnp.asarray([0, 1, 2])][:, None, None]
DZ = jnp.asarray(THICKNESS[:10])[:, None]


class SoilFluxes(NamedTuple):
    """Fluxes of the day, g m-3 day-1 (``layer cell``) unless said otherwise."""

    loss: Float[Array, "pool layer cell"]
    """Actual decomposition."""
    limit: Float[Array, "litter layer cell"]
    """Factor of the nutrients on each litter."""
    supply_n: Float[Array, "layer cell"]
    """FPI: share of the demand for N that is met."""
    supply_p: Float[Array, "layer cell"]
    potential_immobilisation: Float[Array, "layer cell"]
    immobilisation: Float[Array, "layer cell"]
    mineralisation: Float[Array, "layer cell"]
    uptake_n: Float[Array, "layer cell"]
    uptake_p: Float[Array, "layer cell"]
    nitrification: Float[Array, "layer cell"]
    denitrification: Float[Array, "layer cell"]
    nitrogen_gas: Float[Array, "layer cell"]
    """Lost from nitrification and denitrification."""
    leached_n: Float[Array, "layer cell"]
    leached_p: Float[Array, "layer cell"]
    weathered: Float[Array, "layer cell"]
    occluded: Float[Array, "layer cell"]
    eroded: Float[Array, "layer cell"]
    supplied_n: Float[Array, "layer cell"]
    """Added by supplementation, to plants and microbes."""
    supplied_p: Float[Array, "layer cell"]
    burned_c: Float[Array, "litter layer cell"]
    burned_n: Float[Array, "layer cell"]
    burned_p: Float[Array, "layer cell"]
    fixation: Float[Array, " cell"]
    """g m-2 day-1."""
    rock_p: Float[Array, " cell"]
    """P that partners of the roots take from rock, g m-2 day-1."""


def total(values: Float[Array, "layer cell"]) -> Float[Array, " cell"]:
    """Integral over the layers, g m-2."""
    return jnp.sum(values * DZ, axis=0)


def litter_input(
    litter: Litter, soil: Soil, element: int
) -> tuple[Float[Array, "litter layer cell"], Float[Array, "litter layer cell"]]:
    """Input of C, N or P (0, 1, 2) to litr1-3 and coarse wood, g m-3 day-1: from above, from roots."""
    above = jnp.stack(
        [
            LITTER_SPLIT[0] * litter.leaf[element] + litter.labile[element],
            LITTER_SPLIT[1] * litter.leaf[element],
            LITTER_SPLIT[2] * litter.leaf[element],
            litter.stem[element],
        ]
    )
    exudate = litter.exudate if element == 0 else jnp.zeros_like(litter.exudate)
    below = jnp.stack(
        [
            LITTER_SPLIT[0] * litter.froot[element] + exudate,
            LITTER_SPLIT[1] * litter.froot[element],
            LITTER_SPLIT[2] * litter.froot[element],
            litter.croot[element],
        ]
    )
    return above[:, None] * soil.surface_profile, below[:, None] * soil.root_profile


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


def decompose(
    state: SoilState,
    soil: Soil,
    mode: Mode,
    litter: tuple[Float[Array, "litter layer cell"], ...],
    demand_n: Float[Array, " cell"],
    demand_p: Float[Array, " cell"],
    scalar: Float[Array, "layer cell"],
    warmth: Float[Array, "layer cell"],
    wetness: Float[Array, "layer cell"],
    drained: Float[Array, " cell"],
    burned: Float[Array, " cell"],
) -> tuple[SoilState, SoilFluxes]:
    """The state after a day without vertical mixing.

    ``litter`` is the input of C, N and P; ``scalar`` the factor of all on decomposition, ``warmth`` that of
    temperature and water without depth; ``wetness`` theta over saturation; ``drained`` the share of the
    dissolved nutrients that drainage takes.
    """
    rate = (DISCRETE[:, None, None] * mode.factor) * scalar
    potential = state.carbon * rate
    loss_n, loss_p = state.nitrogen * rate[:LITTERS], state.phosphorus * rate[:LITTERS]
    kept = 1.0 - soil.respired
    need_n = potential[:3] * (kept[:3] / _CN_NEXT) - loss_n[:3]
    need_p = jnp.concatenate(
        [
            potential[:3] * (kept[:3] / _CP_NEXT) - loss_p[:3],
            potential[CWD : CWD + 1] * (1.0 / LITTER_CP) - loss_p[CWD:],
        ]
    )
    claim_n, claim_p = jnp.maximum(need_n, 0.0), jnp.maximum(need_p, 0.0)
    potential_n, potential_p = jnp.sum(claim_n, axis=0), jnp.sum(claim_p, axis=0)
    share = compete(
        state,
        soil,
        mode,
        demand_n,
        demand_p,
        potential_n,
        potential_p,
        state.ammonium * jnp.minimum(NITRIFICATION * warmth, 1.0),
        state.nitrate * (DENITRIFICATION * warmth * wetness * wetness * wetness * wetness),
    )
    # Where supplementation is on, nobody goes without: what is missing is added.
    fpi = jnp.maximum(share.fpi, mode.supply_n)
    fpi_p = jnp.maximum(share.fpi_p, mode.supply_p)
    by_n = jnp.where(need_n > 0.0, fpi, 1.0)
    by_p = jnp.where(need_p > 0.0, fpi_p, 1.0)
    limit = jnp.concatenate([jnp.minimum(by_n, by_p[:3]), by_p[3:]])
    loss = jnp.concatenate([potential[:LITTERS] * limit, potential[LITTERS:]])
    loss_n, loss_p = loss_n * limit, loss_p * limit
    immobilised = jnp.sum(claim_n * limit[:3], axis=0)
    immobilised_p = jnp.sum(claim_p * limit, axis=0)
    released = jnp.sum((claim_n - need_n) * limit[:3], axis=0)
    released_p = jnp.sum((claim_p - need_p) * limit, axis=0)
    for pool in range(3):
        ratio = kept[4 + pool]
        released += loss[4 + pool] * (1.0 / SOIL_CN[pool] - ratio / SOIL_CN[pool + 1])
        released_p += loss[4 + pool] * (1.0 / SOIL_CP[pool] - ratio / SOIL_CP[pool + 1])
    released += loss[7] / SOIL_CN[3]
    released_p += loss[7] / SOIL_CP[3]

    taken_n, taken_p = share.plant_n * fpi, share.plant_p * fpi_p
    # What nutrient supply could not meet comes from supplementation.
    met = share.fpi / jnp.maximum(fpi, TINY)
    met_p = share.fpi_p / jnp.maximum(fpi_p, TINY)
    claim = (immobilised + taken_n) / jnp.maximum(fpi, TINY)
    from_ammonium = claim * share.ammonium
    from_nitrate = claim * (share.fpi - share.ammonium)
    from_solution = (immobilised_p + taken_p) * met_p
    fixation = soil.fixation * (1.0 - jnp.exp(-0.003 * 365.0 * jnp.maximum(state.lagged_npp, 0.0)))
    input_n = soil.deposition_n * soil.surface_profile + fixation * soil.root_profile
    nitrate = state.nitrate - from_nitrate - share.denitrification
    leached_n = jnp.maximum(nitrate, 0.0) * drained
    nitrate = nitrate - leached_n + share.nitrification * (1.0 - soil.nitrification_loss)
    mineral_gas, bound_p = released * soil.mineralisation_loss, released_p * soil.binding_p
    ammonium = state.ammonium - from_ammonium - share.nitrification + released - mineral_gas + input_n

    leached_p = (state.solution - from_solution) * drained * soil.leaching_p
    desorbed = state.secondary * soil.desorption
    # Solution P cannot pile up where nothing drains: what is too much precipitates.
    adsorbed = state.labile * soil.adsorption + PRECIPITATION * jnp.maximum(
        state.solution - MOST_SOLUTION_P, 0.0
    )
    occluded, eroded = state.secondary * soil.occlusion, state.occluded * soil.erosion
    weathered = state.primary * soil.weathering
    change = released_p - bound_p + weathered + desorbed - adsorbed - from_solution - leached_p
    mobile = state.solution + state.labile + change
    solution = dissolved(mobile, soil)

    fire = jnp.stack([burned * FIRE_LITTER] * 3 + [burned * FIRE_CWD * mode.factor[CWD, 0]])[:, None]
    burned_c = state.carbon[:LITTERS] * fire
    burned_n, burned_p = state.nitrogen * fire, state.phosphorus * fire
    passed = kept * loss
    wood = loss[CWD]
    carbon = state.carbon - loss
    carbon = jnp.stack(
        [
            carbon[0] + litter[0][0] - burned_c[0],
            carbon[1] + litter[0][1] - burned_c[1] + 0.76 * wood,
            carbon[2] + litter[0][2] - burned_c[2] + 0.24 * wood,
            carbon[3] + litter[0][3] - burned_c[3],
            carbon[4] + passed[0],
            carbon[5] + passed[1] + passed[4],
            carbon[6] + passed[2] + passed[5],
            carbon[7] + passed[6],
        ]
    )
    none = jnp.zeros_like(wood)
    wood_n = loss_n[CWD]
    wood_p = loss_p[CWD] + need_p[CWD] * limit[CWD]
    nitrogen = state.nitrogen - loss_n - burned_n + litter[1]
    nitrogen = nitrogen + jnp.stack([none, 0.76 * wood_n, 0.24 * wood_n, none])
    phosphorus = state.phosphorus - loss_p - burned_p + litter[2]
    phosphorus = phosphorus + jnp.stack([none, 0.76 * wood_p, 0.24 * wood_p, none])
    new = SoilState(
        carbon=carbon,
        nitrogen=nitrogen,
        phosphorus=phosphorus,
        ammonium=ammonium,
        nitrate=nitrate,
        solution=solution,
        labile=mobile - solution,
        secondary=state.secondary + adsorbed - desorbed - occluded,
        occluded=state.occluded + occluded + bound_p - eroded,
        primary=state.primary - weathered + soil.deposition_p * soil.root_profile,
        water=state.water,
        lagged_npp=state.lagged_npp,
    )
    gas = share.nitrification * soil.nitrification_loss + share.denitrification + mineral_gas
    return new, SoilFluxes(
        loss=loss,
        limit=limit,
        supply_n=fpi,
        supply_p=fpi_p,
        potential_immobilisation=potential_n,
        immobilisation=immobilised,
        mineralisation=released,
        uptake_n=taken_n,
        uptake_p=taken_p,
        nitrification=share.nitrification,
        denitrification=share.denitrification,
        nitrogen_gas=gas,
        leached_n=leached_n,
        leached_p=leached_p,
        weathered=weathered,
        occluded=occluded,
        eroded=eroded,
        supplied_n=(immobilised + taken_n) * (1.0 - met),
        supplied_p=(immobilised_p + taken_p) * (1.0 - met_p),
        burned_c=burned_c,
        burned_n=jnp.sum(burned_n, axis=0),
        burned_p=jnp.sum(burned_p, axis=0),
        fixation=fixation,
        rock_p=jnp.zeros_like(fixation),
    )


def dissolved(mobile: Float[Array, "layer cell"], soil: Soil) -> Float[Array, "layer cell"]:
    """Solution P of solution and labile P together: the positive root of s + smax s / (ks + s) = mobile."""
    middle = soil.smax + soil.ks - mobile
    product = 4.0 * mobile * soil.ks
    return 0.5 * product / jnp.maximum(middle + jnp.sqrt(middle * middle + product), TINY)


def mix(
    values: Float[Array, "pool layer cell"], matrix: Float[Array, "layer layer cell"]
) -> Float[Array, "pool layer cell"]:
    """Implicit vertical mixing over ``MIXING_DAYS``: the inverse of the tridiagonal matrix, applied."""
    result = matrix[:, 0] * values[:, 0:1]
    for layer in range(1, values.shape[1]):
        result = result + matrix[:, layer] * values[:, layer : layer + 1]
    return result
