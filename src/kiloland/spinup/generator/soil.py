"""One day of the soil: decomposition under competition for mineral nutrients, mineral N and P, mixing.

Decomposition (ELM's CTC cascade) with the loss L_l = k_l s C_l of each pool, s the product of the scalars:

    demand of N of litter i:  f = L_i (1 - r_i) / CN_receiver - L_i N_i / C_i (P alike; wood demands C:P 900)
    plants and microbes share what there is: first ammonium, then nitrate; solution P by itself
    plants ask for demand X / (X + half), microbes for all they need
    a litter that lacks N or P decays more slowly, by the smaller of the two supplies
    soil pools have fixed C:N:P, so that each of their transitions releases N and P

Units: g m-3, day. Mineral N and P: ``minerals``.
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
from kiloland.spinup.generator.minerals import TINY, compete, mineral_nitrogen, mineral_phosphorus
from kiloland.spinup.generator.plants import Litter
from kiloland.spinup.generator.state import Mode, Soil, SoilState

DISCRETE = 1.0 - jnp.exp(-jnp.asarray(RATES))
NITRIFICATION = 0.1
DENITRIFICATION = 0.1
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


class Decay(NamedTuple):
    """What decomposes in a day, g m-3 day-1, and what it asks of the mineral nutrients.

    Before the competition the losses are potential ones; after it they are what happens.
    """

    loss: Float[Array, "pool layer cell"]
    loss_n: Float[Array, "litter layer cell"]
    loss_p: Float[Array, "litter layer cell"]
    need_n: Float[Array, "three layer cell"]
    """N that the step to the next pool lacks (negative: releases) of litr1-3."""
    need_p: Float[Array, "litter layer cell"]
    claim_n: Float[Array, "three layer cell"]
    claim_p: Float[Array, "litter layer cell"]


class Release(NamedTuple):
    """Mineral nutrients that decomposition takes and gives, g m-3 day-1."""

    immobilised: Float[Array, "layer cell"]
    immobilised_p: Float[Array, "layer cell"]
    released: Float[Array, "layer cell"]
    released_p: Float[Array, "layer cell"]


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
    kept = 1.0 - soil.respired
    potential = potential_decay(state, mode, scalar, kept)
    potential_n = jnp.sum(potential.claim_n, axis=0)
    share = compete(
        state,
        soil,
        mode,
        demand_n,
        demand_p,
        potential_n,
        jnp.sum(potential.claim_p, axis=0),
        state.ammonium * jnp.minimum(NITRIFICATION * warmth, 1.0),
        state.nitrate * (DENITRIFICATION * warmth * wetness * wetness * wetness * wetness),
    )
    # Where supplementation is on, nobody goes without: what is missing is added.
    fpi = jnp.maximum(share.fpi, mode.supply_n)
    fpi_p = jnp.maximum(share.fpi_p, mode.supply_p)
    limit = nutrient_limit(potential, fpi, fpi_p)
    decay = limited_decay(potential, limit)
    release = nutrient_release(decay, limit, kept)
    taken_n, taken_p = share.plant_n * fpi, share.plant_p * fpi_p
    # What nutrient supply could not meet comes from supplementation.
    met = share.fpi / jnp.maximum(fpi, TINY)
    met_p = share.fpi_p / jnp.maximum(fpi_p, TINY)
    claim = (release.immobilised + taken_n) / jnp.maximum(fpi, TINY)
    nitrogen = mineral_nitrogen(state, soil, share, claim, release.released, drained)
    phosphorus = mineral_phosphorus(
        state, soil, (release.immobilised_p + taken_p) * met_p, release.released_p, drained
    )
    fire = jnp.stack([burned * FIRE_LITTER] * 3 + [burned * FIRE_CWD * mode.factor[CWD, 0]])[:, None]
    burned_c = state.carbon[:LITTERS] * fire
    burned_n, burned_p = state.nitrogen * fire, state.phosphorus * fire
    new = SoilState(
        carbon=carbon_after(state, decay.loss, litter[0], burned_c, kept),
        nitrogen=litter_after(state.nitrogen, decay.loss_n, burned_n, litter[1], decay.loss_n[CWD]),
        phosphorus=litter_after(
            state.phosphorus,
            decay.loss_p,
            burned_p,
            litter[2],
            decay.loss_p[CWD] + potential.need_p[CWD] * limit[CWD],
        ),
        ammonium=nitrogen.ammonium,
        nitrate=nitrogen.nitrate,
        solution=phosphorus.solution,
        labile=phosphorus.labile,
        secondary=phosphorus.secondary,
        occluded=phosphorus.occluded,
        primary=phosphorus.primary,
        water=state.water,
        lagged_npp=state.lagged_npp,
    )
    return new, SoilFluxes(
        loss=decay.loss,
        limit=limit,
        supply_n=fpi,
        supply_p=fpi_p,
        potential_immobilisation=potential_n,
        immobilisation=release.immobilised,
        mineralisation=release.released,
        uptake_n=taken_n,
        uptake_p=taken_p,
        nitrification=share.nitrification,
        denitrification=share.denitrification,
        nitrogen_gas=nitrogen.gas,
        leached_n=nitrogen.leached,
        leached_p=phosphorus.leached,
        weathered=phosphorus.weathered,
        occluded=phosphorus.became_occluded,
        eroded=phosphorus.eroded,
        supplied_n=(release.immobilised + taken_n) * (1.0 - met),
        supplied_p=(release.immobilised_p + taken_p) * (1.0 - met_p),
        burned_c=burned_c,
        burned_n=jnp.sum(burned_n, axis=0),
        burned_p=jnp.sum(burned_p, axis=0),
        fixation=nitrogen.fixation,
        rock_p=jnp.zeros_like(nitrogen.fixation),
    )


def potential_decay(
    state: SoilState, mode: Mode, scalar: Float[Array, "layer cell"], kept: Float[Array, "pool one cell"]
) -> Decay:
    """What would decompose if nutrients were no limit; ``kept`` is what is not respired."""
    rate = (DISCRETE[:, None, None] * mode.factor) * scalar
    loss = state.carbon * rate
    loss_n, loss_p = state.nitrogen * rate[:LITTERS], state.phosphorus * rate[:LITTERS]
    need_n = loss[:3] * (kept[:3] / _CN_NEXT) - loss_n[:3]
    need_p = jnp.concatenate(
        [
            loss[:3] * (kept[:3] / _CP_NEXT) - loss_p[:3],
            loss[CWD : CWD + 1] * (1.0 / LITTER_CP) - loss_p[CWD:],
        ]
    )
    return Decay(loss, loss_n, loss_p, need_n, need_p, jnp.maximum(need_n, 0.0), jnp.maximum(need_p, 0.0))


def nutrient_limit(
    potential: Decay, fpi: Float[Array, "layer cell"], fpi_p: Float[Array, "layer cell"]
) -> Float[Array, "litter layer cell"]:
    """Factor of the nutrients on each litter: the smaller of the two supplies where both are asked for."""
    by_n = jnp.where(potential.need_n > 0.0, fpi, 1.0)
    by_p = jnp.where(potential.need_p > 0.0, fpi_p, 1.0)
    return jnp.concatenate([jnp.minimum(by_n, by_p[:3]), by_p[3:]])


def limited_decay(potential: Decay, limit: Float[Array, "litter layer cell"]) -> Decay:
    """What decomposes with the nutrients that there are."""
    return potential._replace(
        loss=jnp.concatenate([potential.loss[:LITTERS] * limit, potential.loss[LITTERS:]]),
        loss_n=potential.loss_n * limit,
        loss_p=potential.loss_p * limit,
    )


def nutrient_release(
    decay: Decay, limit: Float[Array, "litter layer cell"], kept: Float[Array, "pool one cell"]
) -> Release:
    """Immobilisation, and mineralisation by litter that is rich and by the soil pools of fixed C:N:P."""
    loss = decay.loss
    immobilised = jnp.sum(decay.claim_n * limit[:3], axis=0)
    immobilised_p = jnp.sum(decay.claim_p * limit, axis=0)
    released = jnp.sum((decay.claim_n - decay.need_n) * limit[:3], axis=0)
    released_p = jnp.sum((decay.claim_p - decay.need_p) * limit, axis=0)
    for pool in range(3):
        ratio = kept[4 + pool]
        released += loss[4 + pool] * (1.0 / SOIL_CN[pool] - ratio / SOIL_CN[pool + 1])
        released_p += loss[4 + pool] * (1.0 / SOIL_CP[pool] - ratio / SOIL_CP[pool + 1])
    released += loss[7] / SOIL_CN[3]
    released_p += loss[7] / SOIL_CP[3]
    return Release(immobilised, immobilised_p, released, released_p)


def carbon_after(
    state: SoilState,
    loss: Float[Array, "pool layer cell"],
    litter: Float[Array, "litter layer cell"],
    burned: Float[Array, "litter layer cell"],
    kept: Float[Array, "pool one cell"],
) -> Float[Array, "pool layer cell"]:
    """Carbon of the cascade after decay, litter and fire."""
    passed = kept * loss
    wood = loss[CWD]
    carbon = state.carbon - loss
    return jnp.stack(
        [
            carbon[0] + litter[0] - burned[0],
            carbon[1] + litter[1] - burned[1] + 0.76 * wood,
            carbon[2] + litter[2] - burned[2] + 0.24 * wood,
            carbon[3] + litter[3] - burned[3],
            carbon[4] + passed[0],
            carbon[5] + passed[1] + passed[4],
            carbon[6] + passed[2] + passed[5],
            carbon[7] + passed[6],
        ]
    )


def litter_after(
    amount: Float[Array, "litter layer cell"],
    loss: Float[Array, "litter layer cell"],
    burned: Float[Array, "litter layer cell"],
    litter: Float[Array, "litter layer cell"],
    wood: Float[Array, "layer cell"],
) -> Float[Array, "litter layer cell"]:
    """N or P of the litters after decay, fire and litter fall; ``wood`` passes from coarse wood."""
    none = jnp.zeros_like(wood)
    return amount - loss - burned + litter + jnp.stack([none, 0.76 * wood, 0.24 * wood, none])


def mix(
    values: Float[Array, "pool layer cell"], matrix: Float[Array, "layer layer cell"]
) -> Float[Array, "pool layer cell"]:
    """Implicit vertical mixing over ``MIXING_DAYS``: the inverse of the tridiagonal matrix, applied."""
    result = matrix[:, 0] * values[:, 0:1]
    for layer in range(1, values.shape[1]):
        result = result + matrix[:, layer] * values[:, layer : layer + 1]
    return result
