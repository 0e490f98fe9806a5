"""Nitrogen and phosphorus of the pools, and mineral phosphorus after a stated time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.cascade import ATMOSPHERE, CWD, MIXED, SECONDS_PER_YEAR, TRANSITIONS, Cascade
from kiloland.spinup.operator.tree import CascadeOperator, MineralPhosphorus
from kiloland.spinup.solve.linear import mixing, solve_cascade, solve_layers
from kiloland.spinup.solve.steady import carbon_kept, carbon_loss

STEP = 1.0
"""Years of a step of mineral phosphorus."""


def steady_nutrients(
    operator: CascadeOperator, cascade: Cascade, carbon: Float[Array, "pool layer column"]
) -> tuple[Float[Array, "pool layer column"], Float[Array, "pool layer column"]]:
    """Nitrogen and phosphorus of the pools (g m-3) in equilibrium, `carbon` the steady carbon.

    Nitrogen of soil pools is fixed to carbon. Nitrogen of litter and wood leaves with the carbon; what comes
    from wood arrives whole. Phosphorus floats everywhere: it leaves with the carbon and by phosphatase, and
    what enters a pool carries the ratio that ELM demands, C / (C:P new), the rest coming from or going to
    mineral phosphorus.
    """
    constants = (jnp.asarray(cascade.carbon_to_nitrogen), jnp.asarray(cascade.carbon_to_phosphorus))
    nitrogen, phosphorus = _solve_nutrients(operator, *constants, carbon)
    return nitrogen, phosphorus


@jax.jit
def _solve_nutrients(
    operator: CascadeOperator, nitrogen_ratio: Array, phosphorus_ratio: Array, carbon: Array
) -> tuple[Array, Array]:
    from_wood = jnp.asarray([float(donor == CWD) for donor, _ in TRANSITIONS])
    kept = from_wood[:, None, None] * jnp.ones_like(operator.respired)
    loss = carbon_loss(operator)
    floating = solve_cascade(operator, kept, loss, operator.litter_input_n)
    fixed = jnp.isfinite(nitrogen_ratio)
    ratio = jnp.where(fixed, nitrogen_ratio, 1.0)[:, None, None]
    nitrogen = jnp.where(fixed[:, None, None], carbon / ratio, floating)
    gain = operator.litter_input_p + demanded_phosphorus(operator, phosphorus_ratio, carbon)
    lost = loss + operator.biochemical_p
    pools = [solve_layers(operator, lost[n], gain[n], n in MIXED) for n in range(gain.shape[0])]
    return nitrogen, jnp.stack(pools)


def demanded_phosphorus(
    operator: CascadeOperator, ratio: Float[Array, " pool"], carbon: Float[Array, "pool layer column"]
) -> Float[Array, "pool layer column"]:
    """Phosphorus that enters each pool with carbon from other pools, gP m-3 s-1; `ratio` gC gP-1."""
    kept = carbon_kept(operator)
    gain = jnp.zeros_like(carbon)
    for number, (donor, receiver) in enumerate(TRANSITIONS):
        if receiver != ATMOSPHERE:
            flow = kept[number] * operator.path[number] * operator.decay[donor] * carbon[donor]
            gain = gain.at[receiver].add(flow / ratio[receiver])
    return gain


def mineralisation(
    operator: CascadeOperator, phosphorus: Float[Array, "pool layer column"]
) -> Float[Array, "layer column"]:
    """Net phosphorus that the pools give to each layer in equilibrium, gP m-3 s-1: input and mixing."""
    moved = sum((mixing(operator, phosphorus[pool]) for pool in MIXED), jnp.zeros_like(phosphorus[0]))
    burned = (operator.fire * phosphorus).sum(axis=0)
    return operator.litter_input_p.sum(axis=0) + moved - burned


def langmuir(
    solution: Float[Array, "layer column"], mineral: MineralPhosphorus
) -> Float[Array, "layer column"]:
    """Labile phosphorus in equilibrium with the dissolved, gP m-3: smax s / (ks + s)."""
    return mineral.sorption_maximum * solution / (mineral.sorption_half + solution)


def dissolved(
    labile: Float[Array, "layer column"], mineral: MineralPhosphorus
) -> Float[Array, "layer column"]:
    """Inverse of `langmuir`; labile P at or above the maximum counts as 99.9 % of it."""
    bound = jnp.clip(labile, 0.0, 0.999 * mineral.sorption_maximum)
    return bound * mineral.sorption_half / (mineral.sorption_maximum - bound)


@jax.jit
def mineral_after(
    mineral: MineralPhosphorus,
    thickness: Float[Array, " layer"],
    supply: Float[Array, "layer column"],
    pools: Float[Array, "mineral layer column"],
    years: Float[Array, ""],
) -> Float[Array, "mineral layer column"]:
    """Dissolved, labile, secondary, occluded and primary phosphorus (gP m-3) after `years`.

    d primary = deposition - w primary;  d occluded = o secondary;
    d secondary = a labile - (d + o) secondary;
    d (dissolved + labile) = supply - uptake + w primary + d secondary - a labile - leaching, shared by the
    Langmuir buffer (Wang et al. 2010, Biogeosciences 7, 2261; ELM `PhosphorusStateUpdate3`). `supply` is what
    organic matter mineralises; plants take its sum over the column, from layers as dissolved P lies there.
    Primary, secondary and occluded P have no steady state on human time scales, hence a stated year.
    Yearly steps, implicit in the loss of each pool.
    """
    count = jnp.ceil(years / STEP).astype(int)
    step = years / jnp.maximum(count, 1) * SECONDS_PER_YEAR
    layer = thickness[:, None]
    demand = (supply * layer).sum(axis=0)

    def advance(_: int, state: Array) -> Array:
        solution, labile, secondary, occluded, primary = state
        primary_next = (primary + step * mineral.deposition) / (1.0 + step * mineral.weathering)
        weathered = mineral.weathering * primary_next
        gone = mineral.desorption + mineral.occlusion
        secondary_next = (secondary + step * mineral.adsorption * labile) / (1.0 + step * gone)
        occluded_next = occluded + step * mineral.occlusion * secondary_next
        stock = (solution * layer).sum(axis=0)
        uptake = demand * solution / jnp.where(stock > 0.0, stock, 1.0)
        net = supply - uptake + weathered + mineral.desorption * secondary_next
        net = net - mineral.adsorption * labile - mineral.leaching * solution
        total = jnp.maximum(solution + labile + step * net, 0.0)
        solution_next = split(total, mineral)
        return jnp.stack([solution_next, total - solution_next, secondary_next, occluded_next, primary_next])

    reached: Array = jax.lax.fori_loop(0, count, advance, pools)
    return reached


def split(total: Float[Array, "layer column"], mineral: MineralPhosphorus) -> Float[Array, "layer column"]:
    """Dissolved part s of s + smax s / (ks + s) = t, the `total`: root of s^2 + (smax + ks - t) s - ks t."""
    half = 0.5 * (mineral.sorption_maximum + mineral.sorption_half - total)
    product = mineral.sorption_half * total
    root = jnp.sqrt(half * half + product)
    return jnp.where(half > 0.0, product / (half + root), root - half)
