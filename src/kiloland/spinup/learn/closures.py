"""From raw outputs of the network to pools: closures of the balance, which the solver turns into pools.

Plant types, with base b (the pool of the short run in natural scale, dead wood brought into balance):

    carbon pool of tissue t    C = b exp(npp + allocation_t - mortality_t + r)       mortality: dead wood only
    its nitrogen, phosphorus   X = C (b_X / b_C) exp(s)
    pools of the whole plant   b exp(npp + r)
    leaf area                  L(C_leaf),  L = slatop (exp(dsladlai C) - 1) / dsladlai

Soil columns, with A the operator and x0 = steady(A) the solver's own answer:

    decay'  = decay exp(xi)                     xi(layer): log of equilibrium over short-run scalar
    input'  = input exp(mean over plants of their litter's change + shift of the pool)
    C       = base steady(A') / x0 exp(g r)     g = gate in (0, 1), r = residual, per pool and layer
    N, P    = C (base_X / base_C) exp(s)        s = 0 for N of soil pools, whose C:N is fixed
    mineral = base exp(r);  labile P = smax solution / (ks + solution)

A new network has all raw outputs zero, and its answer is the base: the solver's own. Zeros of the base stay
zero, signs stay, stoichiometry of fixed pools is that of the base.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from kiloland.spinup.learn.network import Outputs
from kiloland.spinup.learn.variables import (
    DEAD,
    FLOATING,
    IS_TWIN,
    LITTER_POOLS,
    MINERAL,
    PLANT_ORDER,
    TISSUE_OF,
    TWIN_OF,
)
from kiloland.spinup.operator import CascadeOperator
from kiloland.spinup.solve import carbon_tendency, steady_carbon
from kiloland.spinup.tables import TISSUES

Numbers = NDArray[np.float64]

POOLS: Final = 8
PLANT_OUTPUTS: Final = 1 + len(TISSUES) + len(DEAD) + len(PLANT_ORDER)
LAYER_OUTPUTS: Final = 1 + POOLS * 5 + len(MINERAL)
GROUND_OUTPUTS: Final = LITTER_POOLS
LEAST: Final = 1.0e-20
"""gC m-3; a pool with less is empty and stays so."""
MINERAL_SCALE: Final = 3.0
"""Mineral pools of equilibrium and short run differ by factors of thousands."""
GATE_AT_START: Final = -1.0
"""The gates of a new network are open by a quarter, so that residuals can be learned."""


class Base(NamedTuple):
    """What is known of a batch of cells and what the answer of a new network is; natural scale.

    ``scalar_limit`` and the like are fixed in this module; ``litter`` and ``wood`` weigh plant types in the
    change of litter and wood input.
    """

    plant: Float[Array, "cell plant pool"]
    litter: Float[Array, "cell plant"]
    wood: Float[Array, "cell plant"]
    layer: Float[Array, "cell layer variable"]
    natural: Float[Array, "cell layer pool"]
    """Carbon of the short run, from which the network alone answers."""
    steady: Float[Array, "pool layer cell"]
    operator: CascadeOperator


class Answer(NamedTuple):
    """Pools as logarithms of their ratio to the base, and the drift of carbon that the operator sees.

    ``plant`` [cell, plant, pool], ``layer`` [cell, layer, variable] as log ratios to ``Base.plant`` and
    ``Base.layer``; ``alone`` [cell, layer, pool]: carbon of the network alone, log ratio to ``Base.natural``;
    ``drift`` gC m-2 yr-1 of each cell; ``npp`` [cell, plant]: log of equilibrium over short-run NPP.
    """

    plant: Float[Array, "cell plant pool"]
    layer: Float[Array, "cell layer variable"]
    alone: Float[Array, "cell layer pool"]
    drift: Float[Array, " cell"]
    npp: Float[Array, "cell plant"]


def bounded(values: Array, limit: float) -> Array:
    """limit tanh(x / limit): the same for small x, never beyond the limit."""
    return limit * jnp.tanh(values / limit)


def closure_answer(outputs: Outputs, base: Base) -> Answer:
    """Pools from closures; see the module."""
    plant, npp, tissue = plant_changes(outputs.plant)
    carbon, alone, drift = soil_carbon(outputs, base, npp, tissue)
    layer = jnp.concatenate(
        [
            carbon,
            carbon + bounded(nitrogen_output(outputs.layer), 1.5) * FLOATING,
            carbon + bounded(phosphorus_output(outputs.layer), 2.5),
            bounded(MINERAL_SCALE * mineral_output(outputs.layer), 16.0),
        ],
        axis=-1,
    )
    return Answer(plant, layer, alone, drift, npp)


def plant_changes(outputs: Array) -> tuple[Array, Array, Array]:
    """Log ratios of plant pools [.., pool], of NPP [..] and of each tissue's growth [.., tissue]."""
    tissues = len(TISSUES)
    npp = bounded(outputs[..., 0], 3.0)
    allocation = bounded(outputs[..., 1 : 1 + tissues], 2.0)
    mortality = bounded(outputs[..., 1 + tissues : 1 + tissues + len(DEAD)], 2.0)
    residual = outputs[..., 1 + tissues + len(DEAD) :]
    growth = npp[..., None] + allocation
    stock = growth.at[..., jnp.asarray(DEAD)].add(-mortality)
    everything = jnp.concatenate([stock, npp[..., None]], axis=-1)[..., TISSUE_OF]
    own = everything + bounded(residual, 16.0)
    tied = own[..., TWIN_OF] + bounded(residual, 1.0)
    return jnp.where(IS_TWIN, tied, own), npp, growth


def soil_carbon(outputs: Outputs, base: Base, npp: Array, growth: Array) -> tuple[Array, Array, Array]:
    """Log ratios of soil carbon to the base, those of the network alone to the short run, and the drift."""
    changed = changed_operator(outputs, base, npp, growth)
    steady = steady_carbon(changed)
    filled = (base.steady > LEAST) & (steady > LEAST)
    ratio = jnp.where(filled, steady, 1.0) / jnp.where(filled, base.steady, 1.0)
    shift = jnp.log(ratio).transpose(2, 1, 0)
    gate = jax.nn.sigmoid(outputs.layer[..., 1 + POOLS : 1 + 2 * POOLS] + GATE_AT_START)
    residual = gate * bounded(outputs.layer[..., 1 : 1 + POOLS], 4.0)
    alone = bounded(outputs.layer[..., 1 + 2 * POOLS : 1 + 3 * POOLS], 6.0)
    pools = steady * jnp.exp(residual).transpose(2, 1, 0)
    rate = carbon_tendency(changed, pools) * changed.thickness[:, None]
    drift = jnp.abs(rate.sum(axis=(0, 1))) * 365.0 * 86400.0
    return shift.astype(jnp.float32) + residual, alone, drift.astype(jnp.float32)


def changed_operator(outputs: Outputs, base: Base, npp: Array, growth: Array) -> CascadeOperator:
    """The operator at equilibrium: scalars and input changed by the closures, float64."""
    scalar = bounded(outputs.layer[..., 0], 1.5).T.astype(jnp.float64)
    litter = weighted_change(base.litter, npp)
    wood = weighted_change(base.wood, growth[..., DEAD[0]])
    change = jnp.stack([litter, litter, litter, wood]) + bounded(outputs.ground, 3.0).T
    change = jnp.concatenate([change, jnp.zeros_like(change)]).astype(jnp.float64)
    operator = base.operator
    return replace(
        operator,
        decay=operator.decay * jnp.exp(scalar),
        litter_input=operator.litter_input * jnp.exp(change)[:, None, :],
    )


def weighted_change(weight: Array, change: Array) -> Array:
    """Log of the mean of exp(change) over plant types, [cell]; zero where nothing has weight."""
    total = weight.sum(axis=1)
    mean = (weight * jnp.exp(change)).sum(axis=1) / jnp.where(total > 0.0, total, 1.0)
    return jnp.log(jnp.where(total > 0.0, mean, 1.0))


def nitrogen_output(layer: Array) -> Array:
    """Raw shifts of N to C."""
    return layer[..., 1 + 3 * POOLS : 1 + 4 * POOLS]


def phosphorus_output(layer: Array) -> Array:
    """Raw shifts of P to C."""
    return layer[..., 1 + 4 * POOLS : 1 + 5 * POOLS]


def mineral_output(layer: Array) -> Array:
    """Raw log ratios of the mineral pools."""
    return layer[..., 1 + 5 * POOLS :]


def sorbed(solution: Numbers, maximum: Numbers, half: Numbers) -> Numbers:
    """Labile P that is in balance with P in solution (Langmuir), gP m-3: smax S / (ks + S)."""
    return maximum * solution / (half + solution)


def dissolved(labile: Numbers, maximum: Numbers, half: Numbers) -> Numbers:
    """P in solution that is in balance with labile P, gP m-3; at most nine tenths of smax count as labile."""
    held = np.minimum(labile, 0.9 * maximum)
    return half * held / (maximum - held)


def leaf_area(carbon: Numbers, slatop: Numbers, slope: Numbers) -> Numbers:
    """Leaf area (m2 m-2) of leaf carbon (gC m-2): slatop (exp(dsladlai C) - 1) / dsladlai.

    ELM's canopy integral of specific leaf area (Thornton and Zimmermann 2007); slatop C where the slope is 0.
    """
    safe = np.where(slope > 0.0, slope, 1.0)
    curved = slatop * np.expm1(np.minimum(safe * carbon, 20.0)) / safe
    return np.where(slope > 0.0, curved, slatop * carbon)
