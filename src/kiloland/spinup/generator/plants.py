"""One day of the plants: light and water make carbon, carbon and nutrients make growth, all of it dies.

    GPP   = potential(T, light) (1 - exp(-LAI / 2)) f_water (0.3 + 0.7 min(status_N, status_P))
    A     = GPP - maintenance respiration; a deficit is a debt (xsmrpool) that later growth repays
    growth = A (1 - exudation) min(f_N, f_P),  f_X = clamp(2 X_pool / target)
    target = the nutrients of ``RESERVE_DAYS`` days of last year's mean growth

What is not grown stays in cpool and is respired with the excess respiration. Growth is split over the tissues
by ELM's allometry of last year's NPP, which turns over by leaf life, mortality, live-wood turnover and fire.
Units: g m-2 day-1 of the area that the plant type covers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.pytree import pytree_dataclass
from kiloland.spinup.generator.constants import DEADCROOT, DEADSTEM, FROOT, LEAF, LIVECROOT, LIVESTEM
from kiloland.spinup.generator.state import Plants, PlantState

EXTINCTION = 0.5
BASE_RESPIRATION = 2.525e-6 * 86400.0
"""gC gN-1 day-1 at 20 C."""
LEAF_RESPIRATION = 0.5
"""Leaf respiration relative to that of roots of the same nitrogen."""
GROWTH_RESPIRATION = 0.3
EXCESS_RATE = 1.0 / 60.0
DEBT_DAYS = 30.0
RESERVE_DAYS = 60.0
LIVE_WOOD_TURNOVER = 0.7 / 365.0
STATUS_MEMORY = 1.0 / 30.0
WATER_MEMORY = 1.0 / 10.0
BACKGROUND = 1.0 / 365.0
ONSET_SHARE = 0.6
"""Share of the storage that a full leaf flush uses."""
RETRANSLOCATION_RATE = 1.0 / 90.0


@pytree_dataclass
class Allometry:
    """Shares of the growth; renewed once a year."""

    share: Float[Array, "tissue slot cell"]
    nitrogen: Float[Array, "slot cell"]
    """gN per gC of growth, respiration included."""
    phosphorus: Float[Array, "slot cell"]
    target_n: Float[Array, "slot cell"]
    target_p: Float[Array, "slot cell"]


def allometry(npp: Float[Array, "slot cell"], plants: Plants) -> Allometry:
    """ELM's allometry from last year's NPP, gC m-2 yr-1 (``AllocationMod:TotalNPDemand``).

    f3 = max(2.7 a / (1 + exp(-0.004 (NPP - 300))) - 0.4, 0.2) for stem_leaf = -a, else stem_leaf.
    """
    scale = jnp.where(plants.stem_leaf == -1.0, 1.0, -plants.stem_leaf)
    dynamic = jnp.maximum(2.7 * scale / (1.0 + jnp.exp(-0.004 * (npp - 300.0))) - 0.4, 0.2)
    stem = jnp.where(plants.stem_leaf < 0.0, dynamic, plants.stem_leaf) * plants.woody
    root, live = plants.croot_stem, plants.live_wood
    parts = jnp.stack(
        [
            jnp.ones_like(npp),
            plants.froot_leaf,
            stem * live,
            stem * (1.0 - live),
            root * stem * live,
            root * stem * (1.0 - live),
        ]
    )
    share = parts / ((1.0 + GROWTH_RESPIRATION) * jnp.sum(parts, axis=0))
    nitrogen, phosphorus = jnp.sum(share / plants.cn, axis=0), jnp.sum(share / plants.cp, axis=0)
    daily = jnp.maximum(npp, 20.0) * 1.3 / 365.0 * RESERVE_DAYS
    return Allometry(share, nitrogen, phosphorus, daily * nitrogen, daily * phosphorus)


class Demand(NamedTuple):
    """What the plants could do today."""

    gpp: Float[Array, "slot cell"]
    maintenance: Float[Array, "slot cell"]
    available: Float[Array, "slot cell"]
    """Carbon for growth."""
    debt: Float[Array, "slot cell"]
    """Change of xsmrpool."""
    nitrogen: Float[Array, "slot cell"]
    """Wanted from the soil."""
    phosphorus: Float[Array, "slot cell"]
    light: Float[Array, "slot cell"]
    """Share of the light that is absorbed."""


def demand(
    state: PlantState,
    plants: Plants,
    shape: Allometry,
    potential: Float[Array, "slot cell"],
    warmth_air: Float[Array, " cell"],
    warmth_soil: Float[Array, " cell"],
    moisture: Float[Array, " cell"],
) -> Demand:
    """Productivity, maintenance and the wish for nutrients; ``moisture`` is the water stress, 0 to 1."""
    tissue = state.tissue
    light = 1.0 - jnp.exp(-EXTINCTION * plants.sla * tissue[LEAF])
    status = 0.3 + 0.7 * jnp.minimum(state.nitrogen_status, state.phosphorus_status)
    gpp = potential * light * moisture * status
    maintenance = BASE_RESPIRATION * (
        warmth_air
        * (
            LEAF_RESPIRATION * tissue[LEAF] / plants.cn[LEAF]
            + (tissue[LIVESTEM] + tissue[LIVECROOT]) / plants.cn[LIVESTEM]
        )
        + warmth_soil * tissue[FROOT] / plants.cn[FROOT]
    )
    net = gpp - maintenance
    surplus = jnp.maximum(net, 0.0)
    recovery = jnp.minimum(-state.xsmrpool / DEBT_DAYS, surplus)
    available = surplus - recovery
    wish_n = jnp.clip(2.0 - state.npool / shape.target_n, 0.0, 1.1)
    wish_p = jnp.clip(2.0 - state.ppool / shape.target_p, 0.0, 1.0)
    nitrogen = available * shape.nitrogen * wish_n - RETRANSLOCATION_RATE * state.retransn
    phosphorus = available * shape.phosphorus * wish_p - RETRANSLOCATION_RATE * state.retransp
    return Demand(
        gpp,
        maintenance,
        available,
        recovery + jnp.minimum(net, 0.0),
        jnp.maximum(nitrogen, 0.0),
        jnp.maximum(phosphorus, 0.0),
        light,
    )


class Litter(NamedTuple):
    """What the plants of a column drop in a day, g m-2 day-1 of the column."""

    leaf: Float[Array, "element cell"]
    froot: Float[Array, "element cell"]
    labile: Float[Array, "element cell"]
    """Storage and reserves: all to litr1."""
    stem: Float[Array, "element cell"]
    croot: Float[Array, "element cell"]
    exudate: Float[Array, " cell"]


class PlantFluxes(NamedTuple):
    """Fluxes of the day for the history and the balance, g m-2 day-1 of the patch."""

    growth: Float[Array, "slot cell"]
    growth_respiration: Float[Array, "slot cell"]
    excess: Float[Array, "slot cell"]
    npp: Float[Array, "slot cell"]
    leaf_litter: Float[Array, "slot cell"]
    froot_litter: Float[Array, "slot cell"]
    fire: Float[Array, "element slot cell"]
    """Burned carbon, nitrogen and phosphorus."""


class Supply(NamedTuple):
    """What carbon and nutrients allow today, by slot."""

    nitrogen: Float[Array, "slot cell"]
    """Reserves relative to half of their target, 0 to 1."""
    phosphorus: Float[Array, "slot cell"]
    exudate: Float[Array, "slot cell"]
    usable: Float[Array, "slot cell"]
    """Carbon for growth without what roots exude."""
    growth: Float[Array, "slot cell"]
    """Respiration included."""


class Seasons(NamedTuple):
    """Leaves that open and fall today."""

    water_status: Float[Array, "slot cell"]
    out: Float[Array, "slot cell"]
    """Share of the leaves that are out."""
    flush: Float[Array, "slot cell"]
    """Share of the storage that opens."""
    shed: Float[Array, "slot cell"]
    """Share of leaves and fine roots that falls."""


class Losses(NamedTuple):
    """What mortality, fire, shedding and the turnover of live wood take from the tissues."""

    gone: Float[Array, "tissue slot cell"]
    burnt: Float[Array, "tissue slot cell"]
    left: Float[Array, "tissue slot cell"]
    leaf_shed: Float[Array, "slot cell"]
    froot_shed: Float[Array, "slot cell"]
    to_dead_stem: Float[Array, "slot cell"]
    to_dead_croot: Float[Array, "slot cell"]
    reserve_burn: Float[Array, "slot cell"]
    """Share of the reserves that burns."""


def grow(
    state: PlantState,
    plants: Plants,
    shape: Allometry,
    want: Demand,
    season: Float[Array, "slot cell"],
    moisture: Float[Array, " cell"],
    warmth_air: Float[Array, " cell"],
    burned: Float[Array, " cell"],
    dead_wood: Float[Array, ""],
) -> tuple[PlantState, Litter, PlantFluxes]:
    """Growth and losses of the day before any uptake of nutrients.

    ``burned`` is the burned fraction, ``dead_wood`` the factor of accelerated spinup on dead wood.
    """
    supply = supplied(state, plants, shape, want)
    gain = shape.share * supply.growth
    growth_respiration = supply.growth - jnp.sum(gain, axis=0)
    excess = EXCESS_RATE * warmth_air * state.cpool
    leaves = seasons(state, plants, season, moisture)
    loss = losses(state, plants, leaves, burned, dead_wood)
    leaf_flush, froot_flush = leaves.flush * state.leaf_storage, leaves.flush * state.froot_storage
    stored = plants.deciduous
    # Reserves die with the plant; fire burns a part of them like leaves and kills nothing of the rest.
    kept = 1.0 - (plants.mortality + loss.reserve_burn)
    back_n, back_p = retranslocated(plants, loss)
    used_n, used_p = RETRANSLOCATION_RATE * state.retransn, RETRANSLOCATION_RATE * state.retransp
    npp = want.gpp - want.maintenance - growth_respiration - excess
    new = PlantState(
        tissue=tissue_after(loss, gain, stored, leaf_flush, froot_flush),
        leaf_storage=state.leaf_storage * kept + gain[LEAF] * stored - leaf_flush,
        froot_storage=state.froot_storage * kept + gain[FROOT] * stored - froot_flush,
        cpool=state.cpool * kept + supply.usable - supply.growth - excess,
        xsmrpool=state.xsmrpool + want.debt,
        npool=state.npool * kept + used_n - supply.growth * shape.nitrogen,
        ppool=state.ppool * kept + used_p - supply.growth * shape.phosphorus,
        retransn=state.retransn * kept + back_n - used_n,
        retransp=state.retransp * kept + back_p - used_p,
        nitrogen_status=state.nitrogen_status + STATUS_MEMORY * (supply.nitrogen - state.nitrogen_status),
        phosphorus_status=state.phosphorus_status
        + STATUS_MEMORY * (supply.phosphorus - state.phosphorus_status),
        water_status=leaves.water_status,
        leaves_out=leaves.out,
        year_npp=state.year_npp,
        sum_npp=state.sum_npp + npp,
    )
    reserves = reserves_of(state, plants)
    litter = litter_of(plants, loss, reserves, supply.exudate)
    fire = fire_of(plants, loss, reserves)
    fluxes = PlantFluxes(
        supply.growth, growth_respiration, excess, npp, loss.leaf_shed, loss.froot_shed, fire
    )
    return new, litter, fluxes


def supplied(state: PlantState, plants: Plants, shape: Allometry, want: Demand) -> Supply:
    """Growth by what carbon, nitrogen and phosphorus allow; at most half of the reserves a day."""
    nitrogen = jnp.clip(2.0 * state.npool / shape.target_n, 0.0, 1.0)
    phosphorus = jnp.clip(2.0 * state.ppool / shape.target_p, 0.0, 1.0)
    exudate = plants.exudation * want.available
    usable = want.available - exudate
    growth = jnp.minimum(
        usable * jnp.minimum(nitrogen, phosphorus),
        jnp.minimum(0.5 * state.npool / shape.nitrogen, 0.5 * state.ppool / shape.phosphorus),
    )
    return Supply(nitrogen, phosphorus, exudate, usable, growth)


def seasons(
    state: PlantState, plants: Plants, season: Float[Array, "slot cell"], moisture: Float[Array, " cell"]
) -> Seasons:
    """Leaves follow the season and, where drought sheds them, the water of the last ten days."""
    water_status = state.water_status + WATER_MEMORY * (moisture - state.water_status)
    wet = jnp.clip((water_status - 0.15) / 0.3, 0.0, 1.0)
    out = jnp.where(plants.deciduous > 0.0, season * jnp.where(plants.drought > 0.0, wet, 1.0), 1.0)
    change = out - state.leaves_out
    # Where no dry season comes, drought-deciduous plants renew their leaves all the year.
    steady = BACKGROUND * out * plants.drought
    flush = ONSET_SHARE * jnp.maximum(change, 0.0) * plants.deciduous + steady
    shed = jnp.maximum(-change, 0.0) / jnp.maximum(state.leaves_out, 1e-12) * plants.deciduous
    return Seasons(water_status, out, flush, jnp.minimum(shed + steady, 1.0))


def losses(
    state: PlantState,
    plants: Plants,
    leaves: Seasons,
    burned: Float[Array, " cell"],
    dead_wood: Float[Array, ""],
) -> Losses:
    """Mortality and fire first; what is left sheds. Evergreens turn over, deciduous plants shed."""
    tissue = state.tissue
    factor = jnp.stack([jnp.ones_like(dead_wood)] * 3 + [dead_wood, jnp.ones_like(dead_wood), dead_wood])
    burn = plants.combustion * burned * factor[:, None, None]
    kill = plants.fire_mortality * burned * factor[:, None, None] - plants.fire_mortality * burn
    gone = (plants.mortality * factor[:, None, None] + kill) * tissue
    burnt = burn * tissue
    left = tissue - gone - burnt
    return Losses(
        gone,
        burnt,
        left,
        (leaves.shed + plants.leaf_turnover) * left[LEAF],
        (leaves.shed + plants.froot_turnover) * left[FROOT],
        LIVE_WOOD_TURNOVER * tissue[LIVESTEM],
        LIVE_WOOD_TURNOVER * tissue[LIVECROOT],
        plants.combustion[LIVESTEM] * burned,
    )


def tissue_after(
    loss: Losses,
    gain: Float[Array, "tissue slot cell"],
    stored: Float[Array, "slot cell"],
    leaf_flush: Float[Array, "slot cell"],
    froot_flush: Float[Array, "slot cell"],
) -> Float[Array, "tissue slot cell"]:
    """Tissues after growth, flush, shedding and the turnover of live wood; deciduous growth is stored."""
    left = loss.left
    leaf_gain, froot_gain = gain[LEAF] * (1.0 - stored), gain[FROOT] * (1.0 - stored)
    return jnp.stack(
        [
            left[LEAF] + leaf_gain + leaf_flush - loss.leaf_shed,
            left[FROOT] + froot_gain + froot_flush - loss.froot_shed,
            left[LIVESTEM] + gain[LIVESTEM] - loss.to_dead_stem,
            left[DEADSTEM] + gain[DEADSTEM] + loss.to_dead_stem,
            left[LIVECROOT] + gain[LIVECROOT] - loss.to_dead_croot,
            left[DEADCROOT] + gain[DEADCROOT] + loss.to_dead_croot,
        ]
    )


def retranslocated(
    plants: Plants, loss: Losses
) -> tuple[Float[Array, "slot cell"], Float[Array, "slot cell"]]:
    """N and P that come back from shed leaves and from live wood that becomes dead."""
    turnover = loss.to_dead_stem + loss.to_dead_croot
    nitrogen = loss.leaf_shed * (1.0 / plants.cn[LEAF] - 1.0 / plants.litter_cn) + turnover * (
        1.0 / plants.cn[LIVESTEM] - 1.0 / plants.cn[DEADSTEM]
    )
    phosphorus = loss.leaf_shed * (1.0 / plants.cp[LEAF] - 1.0 / plants.litter_cp) + turnover * (
        1.0 / plants.cp[LIVESTEM] - 1.0 / plants.cp[DEADSTEM]
    )
    return nitrogen, phosphorus


def reserves_of(state: PlantState, plants: Plants) -> tuple[Float[Array, "slot cell"], ...]:
    """Carbon, nitrogen and phosphorus of storage and reserves."""
    carbon = state.leaf_storage + state.froot_storage + state.cpool
    nitrogen = state.leaf_storage / plants.cn[LEAF] + state.froot_storage / plants.cn[FROOT]
    phosphorus = state.leaf_storage / plants.cp[LEAF] + state.froot_storage / plants.cp[FROOT]
    return carbon, nitrogen + state.npool + state.retransn, phosphorus + state.ppool + state.retransp


def litter_of(
    plants: Plants,
    loss: Losses,
    reserves: tuple[Float[Array, "slot cell"], ...],
    exudate: Float[Array, "slot cell"],
) -> Litter:
    """What the plants of the column drop, in C, N and P."""
    weight, mortality = plants.weight, plants.mortality

    def column(*parts: Float[Array, "slot cell"]) -> Float[Array, "element cell"]:
        return jnp.stack([jnp.sum(weight * part, axis=0) for part in parts])

    gone, gone_n, gone_p = loss.gone, loss.gone / plants.cn, loss.gone / plants.cp
    leaf, froot = loss.leaf_shed, loss.froot_shed
    return Litter(
        leaf=column(
            leaf + gone[LEAF], leaf / plants.litter_cn + gone_n[LEAF], leaf / plants.litter_cp + gone_p[LEAF]
        ),
        froot=column(
            froot + gone[FROOT],
            froot / plants.cn[FROOT] + gone_n[FROOT],
            froot / plants.cp[FROOT] + gone_p[FROOT],
        ),
        labile=column(*(mortality * reserve for reserve in reserves)),
        stem=column(*(part[LIVESTEM] + part[DEADSTEM] for part in (gone, gone_n, gone_p))),
        croot=column(*(part[LIVECROOT] + part[DEADCROOT] for part in (gone, gone_n, gone_p))),
        exudate=jnp.sum(weight * exudate, axis=0),
    )


def fire_of(
    plants: Plants, loss: Losses, reserves: tuple[Float[Array, "slot cell"], ...]
) -> Float[Array, "element slot cell"]:
    """Burned carbon, nitrogen and phosphorus of tissues and reserves."""
    parts = (loss.burnt, loss.burnt / plants.cn, loss.burnt / plants.cp)
    return jnp.stack(
        [
            jnp.sum(part, axis=0) + loss.reserve_burn * reserve
            for part, reserve in zip(parts, reserves, strict=True)
        ]
    )
