"""Stepping in pseudo-time: the fixed point is the plain model's, the way there is short.

One step of pseudo-time is a whole forcing cycle of plain daily stepping, whose net change D of every pool is
the plain tendency, followed by that tendency multiplied by a factor of its own for each pool and layer:

    x <- x + (f - 1) D,     f >= 1,   f = 1 / (1 - exp(-k T)) for a pool with turnover k over the cycle T

How long a step the cell bears is learned (``relaxation``). Where a pool exchanges with its neighbours in the
column or is fed by a pool that moves, the factor is taken implicitly:
(k + mixing + 1/tau) d = D / T + what the donors pass on. D = 0 is the only state that stays, and that is the
cycle of the plain model. The turnover enters the speed alone, never the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import (
    CWD,
    CWD_PATHS,
    DAYS,
    DEADCROOT,
    DEADSTEM,
    LAYERS,
    LITTERS,
    MIXING_DAYS,
    POOLS,
    RATES,
    RECEIVER,
    SOIL_CN,
    SOIL_CP,
    THICKNESS,
)
from kiloland.spinup.generator.minerals import HALF_P, dissolved
from kiloland.spinup.generator.record import Fields
from kiloland.spinup.generator.relaxation import Relaxation, with_carbon, with_minerals
from kiloland.spinup.generator.run import Site
from kiloland.spinup.generator.soil import FIRE_CWD, FIRE_LITTER
from kiloland.spinup.generator.state import Mode, PlantState, SoilState, WorldState

LARGEST_CHANGE = 3.0
"""A pool changes by at most this factor in one step of pseudo-time."""
DAMPING = 3.0
"""Weight of the uptake in the step of mobile P: plants and litter answer within a cycle."""
LONGEST_TAU_P = 300.0 * DAYS
"""Steps of pseudo-time of mineral P are at most so long, days: the plants answer to it."""


class Totals(NamedTuple):
    """Ecosystem totals, g m-2, ``cell``."""

    carbon: FloatArray
    nitrogen: FloatArray
    phosphorus: FloatArray


def ecosystem_totals(state: WorldState, site: Site) -> Totals:
    """Carbon, nitrogen and phosphorus of soil and plants (all of phosphorus, occluded and primary too)."""
    soil, plants = state.soil, state.plants
    dz = THICKNESS[:LAYERS, None]
    carbon = np.asarray(soil.carbon)
    weight, cn, cp = (np.asarray(part) for part in (site.plants.weight, site.plants.cn, site.plants.cp))
    tissue = np.asarray(plants.tissue)
    stores = np.asarray(plants.leaf_storage), np.asarray(plants.froot_storage)
    organic_n = np.asarray(soil.nitrogen).sum(axis=0) + (carbon[4:] / SOIL_CN[:, None, None]).sum(axis=0)
    organic_p = np.asarray(soil.phosphorus).sum(axis=0) + (carbon[4:] / SOIL_CP[:, None, None]).sum(axis=0)
    mineral_n = np.asarray(soil.ammonium) + np.asarray(soil.nitrate)
    mineral_p = sum(
        np.asarray(part) for part in (soil.solution, soil.labile, soil.secondary, soil.occluded, soil.primary)
    )
    plant_c = (
        tissue.sum(axis=0) + stores[0] + stores[1] + np.asarray(plants.cpool) + np.asarray(plants.xsmrpool)
    )
    plant_n = (tissue / cn).sum(axis=0) + stores[0] / cn[0] + stores[1] / cn[1]
    plant_n = plant_n + np.asarray(plants.npool) + np.asarray(plants.retransn)
    plant_p = (tissue / cp).sum(axis=0) + stores[0] / cp[0] + stores[1] / cp[1]
    plant_p = plant_p + np.asarray(plants.ppool) + np.asarray(plants.retransp)
    return Totals(
        (carbon.sum(axis=0) * dz).sum(axis=0) + (weight * plant_c).sum(axis=0),
        ((organic_n + mineral_n) * dz).sum(axis=0) + (weight * plant_n).sum(axis=0),
        ((organic_p + mineral_p) * dz).sum(axis=0) + (weight * plant_p).sum(axis=0),
    )


def mineral_churn(before: WorldState, after: WorldState) -> FloatArray:
    """Sum of the absolute changes of all mineral P pools and layers, gP m-2, ``cell``."""
    names = ("solution", "labile", "secondary", "occluded", "primary")
    changes = [
        np.abs(np.asarray(getattr(after.soil, name)) - np.asarray(getattr(before.soil, name)))
        for name in names
    ]
    return np.asarray((sum(changes) * THICKNESS[:LAYERS, None]).sum(axis=0))


def churn(before: WorldState, after: WorldState, site: Site) -> FloatArray:
    """Sum of the absolute changes of all carbon pools, gC m-2, ``cell``: none hides behind another."""
    soil = np.abs(np.asarray(after.soil.carbon) - np.asarray(before.soil.carbon)).sum(axis=0)
    plants = np.abs(np.asarray(after.plants.tissue) - np.asarray(before.plants.tissue)).sum(axis=0)
    weight = np.asarray(site.plants.weight)
    return np.asarray((soil * THICKNESS[:LAYERS, None]).sum(axis=0) + (weight * plants).sum(axis=0))


def pseudo_step(
    before: WorldState,
    after: WorldState,
    means: Fields,
    site: Site,
    mode: Mode,
    tau: float,
    known: Relaxation,
) -> tuple[WorldState, Relaxation]:
    """The state after one step of pseudo-time of ``tau`` days, from the two ends of a plain cycle.

    Also what the cycle taught about the length of the steps.
    """
    days = float(len(site.years) * DAYS)
    change = ecosystem_totals(after, site).carbon - ecosystem_totals(before, site).carbon
    known = with_minerals(
        with_carbon(known, change),
        tendency_of(before, after, ("solution", "labile"), days)
        + tendency_of(before, after, ("secondary",), days) * released_share(site),
        tendency_of(before, after, ("nitrate",), days),
    )
    plants, wood = plant_step(before.plants, after.plants, means, site, days, tau, known.carbon)
    soil = soil_step(before.soil, after.soil, means, site, mode, days, tau, wood, known)
    return WorldState(soil, plants), known


def tendency_of(before: WorldState, after: WorldState, names: tuple[str, ...], days: float) -> FloatArray:
    """Plain tendency of some mineral pools together, g m-3 day-1, ``layer cell``."""
    changes = [
        np.asarray(getattr(after.soil, name)) - np.asarray(getattr(before.soil, name)) for name in names
    ]
    return np.asarray(sum(changes) / days)


def released_share(site: Site) -> FloatArray:
    """Share of secondary P that comes back, the rest is occluded: d / (d + o)."""
    d, o = np.asarray(site.soil.desorption), np.asarray(site.soil.occlusion)
    return np.asarray(d / (d + o))


def soil_step(
    before: SoilState,
    after: SoilState,
    means: Fields,
    site: Site,
    mode: Mode,
    days: float,
    tau: float,
    wood: FloatArray,
    known: Relaxation,
) -> SoilState:
    """Pseudo-time of the cascade, donor by donor, and of the mineral P pools.

    ``wood`` is what the moved dead wood drops more, g m-3 day-1 of C, N and P (``element layer cell``).
    """
    limited, scalar = np.asarray(means["limited"]), np.asarray(means["scalar"])
    discrete = 1.0 - np.exp(-RATES)
    burned = np.asarray(means["burned"])
    respired = np.asarray(site.soil.respired)
    mixing = mixing_tendency(np.asarray(mode.mixing[0]))
    tendency = [
        (np.asarray(new) - np.asarray(old)) / days
        for old, new in (
            (before.carbon, after.carbon),
            (before.nitrogen, after.nitrogen),
            (before.phosphorus, after.phosphorus),
        )
    ]
    moved = [np.zeros_like(part) for part in tendency]
    rates = [discrete[pool] * (limited[pool] if pool < LITTERS else scalar) for pool in range(len(POOLS))]
    for pool in (CWD, 0, 1, 2, 4, 5, 6, 7):
        fire = burned * (FIRE_CWD if pool == CWD else FIRE_LITTER) if pool < LITTERS else 0.0
        loss = rates[pool] + fire
        inverse = implicit(loss + 1.0 / tau, None if pool == CWD else mixing)
        for element in range(3 if pool < LITTERS else 1):
            force = tendency[element][pool]
            for donor, receiver in enumerate(RECEIVER):
                if receiver == pool and element == 0:
                    force = force + (1.0 - respired[donor]) * rates[donor] * moved[0][donor]
            if pool == CWD:
                force = force + wood[element]
            for receiver, share in CWD_PATHS:
                if receiver == pool:
                    force = force + share * rates[CWD] * moved[element][CWD]
            moved[element][pool] = apply(inverse, force)
    return replace(
        after,
        carbon=bounded(after.carbon, known.carbon * moved[0]),
        nitrogen=bounded(after.nitrogen, known.carbon * moved[1]),
        phosphorus=bounded(after.phosphorus, known.carbon * moved[2]),
        nitrate=nitrate_step(after, means, tau, known),
        **phosphorus_step(before, after, means, site, days, tau, known),
    )


def implicit(loss: FloatArray, mixing: FloatArray | None) -> FloatArray:
    """Inverse of loss + mixing, ``cell layer layer``."""
    cells = loss.shape[1]
    matrix = np.zeros((cells, LAYERS, LAYERS)) if mixing is None else mixing.copy()
    matrix[:, np.arange(LAYERS), np.arange(LAYERS)] += loss.T
    return np.asarray(np.linalg.inv(matrix))


def apply(inverse: FloatArray, force: FloatArray) -> FloatArray:
    """The increment of a pool, ``layer cell``; summed in a fixed order."""
    result = inverse[:, :, 0].T * force[0]
    for layer in range(1, LAYERS):
        result = result + inverse[:, :, layer].T * force[layer]
    return np.asarray(result)


def mixing_tendency(matrix: FloatArray) -> FloatArray:
    """Loss by mixing per day, ``cell layer layer``, from the implicit matrix over ``MIXING_DAYS``."""
    return np.asarray((np.eye(LAYERS) - np.moveaxis(matrix, -1, 0)) / MIXING_DAYS)


def bounded(values: jax.Array, change: FloatArray) -> jax.Array:
    """Pools after the change, kept within ``LARGEST_CHANGE`` of what they were."""
    old = np.asarray(values)
    return jnp.asarray(np.clip(old + change, old / LARGEST_CHANGE, old * LARGEST_CHANGE))


def nitrate_step(after: SoilState, means: Fields, tau: float, known: Relaxation) -> jax.Array:
    """Pseudo-time of nitrate: tendency over damped turnover, all that takes mineral N counted."""
    nitrate = np.asarray(after.nitrate)
    turnover = np.asarray(means["nitrogen_out"]) / np.maximum(nitrate, 1e-12)
    return bounded(after.nitrate, known.nitrate * known.nitrate_tendency / (DAMPING * turnover + 1.0 / tau))


def phosphorus_step(
    before: SoilState,
    after: SoilState,
    means: Fields,
    site: Site,
    days: float,
    tau: float,
    known: Relaxation,
) -> dict[str, jax.Array]:
    """Pseudo-time of the mineral P pools.

    Mobile P M (solution and labile) leaches at the rate l, is adsorbed at a and taken up at u (the part that
    answers to M, damped); secondary P S is desorbed at d and occluded at o. With D the plain tendencies:

        (l + a o / (d + o) + u + 1/tau) dM = D_M + D_S d / (d + o);   dS = (D_S + a dM) / (d + o)

    The plants do not answer to occluded and primary P, which take the whole step.
    """
    soil = site.soil
    short = min(tau, LONGEST_TAU_P)
    d, o = np.asarray(soil.desorption), np.asarray(soil.occlusion)
    solution, labile = np.asarray(after.solution), np.asarray(after.labile)
    mobile = np.maximum(solution + labile, 1e-12)
    tendency = {
        name: (np.asarray(getattr(after, name)) - np.asarray(getattr(before, name))) / days
        for name in ("secondary", "occluded", "primary")
    }
    drained = np.asarray(means["drained"]) * np.asarray(soil.leaching_p)
    a = np.asarray(soil.adsorption) * labile / mobile
    own = drained * solution / mobile + a * o / (d + o) + 1.0 / short
    uptake = np.asarray(means["uptake_p"]) / mobile * HALF_P / (HALF_P + solution)
    moved = known.phosphorus * known.phosphorus_tendency / (own + DAMPING * uptake)
    new = np.clip(mobile + moved, mobile / LARGEST_CHANGE, mobile * LARGEST_CHANGE)
    moved = new - mobile
    soluble = np.asarray(dissolved(jnp.asarray(new), soil))
    return {
        "solution": jnp.asarray(soluble),
        "labile": jnp.asarray(new - soluble),
        "secondary": bounded(after.secondary, (tendency["secondary"] + a * moved) / (d + o + 1.0 / short)),
        "occluded": bounded(after.occluded, tendency["occluded"] / (np.asarray(soil.erosion) + 1.0 / tau)),
        "primary": bounded(after.primary, tendency["primary"] / (np.asarray(soil.weathering) + 1.0 / tau)),
    }


def plant_step(
    before: PlantState,
    after: PlantState,
    means: Fields,
    site: Site,
    days: float,
    tau: float,
    gain: FloatArray,
) -> tuple[PlantState, FloatArray]:
    """Pseudo-time of dead wood by mortality and fire; the other tissues follow within a cycle.

    ``gain`` multiplies the step, ``cell``. Also what the moved wood drops more, g m-3 day-1 of C, N and P.
    """
    plants = site.plants
    tissue, old = np.asarray(after.tissue).copy(), np.asarray(before.tissue)
    burned = np.asarray(means["burned"])
    cc, fm = np.asarray(plants.combustion), np.asarray(plants.fire_mortality)
    cn, cp, weight = np.asarray(plants.cn), np.asarray(plants.cp), np.asarray(plants.weight)
    profiles = {
        DEADSTEM: np.asarray(site.soil.surface_profile),
        DEADCROOT: np.asarray(site.soil.root_profile),
    }
    dropped = np.zeros((3, LAYERS, tissue.shape[-1]))
    for part, profile in profiles.items():
        death = np.asarray(plants.mortality) + burned * fm[part] * (1.0 - cc[part])
        change = gain * (tissue[part] - old[part]) / days / (death + burned * cc[part] + 1.0 / tau)
        new = np.clip(tissue[part] + change, tissue[part] / LARGEST_CHANGE, tissue[part] * LARGEST_CHANGE)
        more = weight * death * (new - tissue[part])
        for element, ratio in enumerate((1.0, cn[part], cp[part])):
            dropped[element] += (more / ratio).sum(axis=0) * profile
        tissue[part] = new
    return replace(after, tissue=jnp.asarray(tissue)), dropped
