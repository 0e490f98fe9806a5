"""One pool of the cascade as a tridiagonal system over layers, and the whole cascade from top to bottom."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Inexact

from kiloland.land.biophysics.soil_temperature import solve_tridiagonal
from kiloland.spinup.cascade import ATMOSPHERE, DOWNSTREAM, MIXED, TRANSITIONS
from kiloland.spinup.operator.tree import CascadeOperator

SLOWEST = 1e-16
"""Smallest loss rate, s-1 (a turnover of 300 million years): keeps the system regular in dead layers."""


def solve_layers(
    operator: CascadeOperator,
    loss: Inexact[Array, "layer column"],
    gain: Inexact[Array, "layer column"],
    mixed: bool,
) -> Inexact[Array, "layer column"]:
    """Solve  loss x - d/dz(D dx/dz) = gain  over the layers of each column.

    Finite volumes with zero flux at both ends; `loss` in s-1, `gain` in g m-3 s-1. Without advection the
    power-law scheme (Patankar 1980) that ELM uses is this central scheme.
    """
    if not mixed:
        return gain / loss
    conductance = operator.diffusivity / operator.spacing[:, None]
    none = jnp.zeros_like(conductance[:1])
    above = jnp.concatenate([none, conductance])
    below = jnp.concatenate([conductance, none])
    thickness = operator.thickness[:, None]
    diagonal = thickness * loss + above + below
    kind = jnp.result_type(diagonal, gain)
    rows = (-above.astype(kind), diagonal.astype(kind), -below.astype(kind), (thickness * gain).astype(kind))
    return solve_tridiagonal(*rows)


def solve_cascade(
    operator: CascadeOperator,
    kept: Float[Array, "transition layer column"],
    loss: Inexact[Array, "pool layer column"],
    gain: Inexact[Array, "pool layer column"],
) -> Inexact[Array, "pool layer column"]:
    """Solve  loss_p x_p - sum kept_t path_t decay_d x_d - d/dz(D dx_p/dz) = gain_p  for all pools.

    The cascade only leads downstream, so pools are solved one after the other. `kept`: share of a
    transition that arrives (1 - respired for carbon).
    """
    gains = {pool: gain[pool] for pool in DOWNSTREAM}
    solved: dict[int, Array] = {}
    for pool in DOWNSTREAM:
        solved[pool] = solve_layers(operator, loss[pool], gains[pool], pool in MIXED)
        for number, (donor, receiver) in enumerate(TRANSITIONS):
            if donor == pool and receiver != ATMOSPHERE:
                flow = kept[number] * operator.path[number] * operator.decay[donor] * solved[pool]
                gains[receiver] = gains[receiver] + flow
    return jnp.stack([solved[pool] for pool in range(len(DOWNSTREAM))])


def tendency(
    operator: CascadeOperator,
    kept: Float[Array, "transition layer column"],
    loss: Float[Array, "pool layer column"],
    gain: Float[Array, "pool layer column"],
    pools: Float[Array, "pool layer column"],
) -> Float[Array, "pool layer column"]:
    """d x / dt of the system that `solve_cascade` inverts, g m-3 s-1."""
    change = gain - loss * pools
    for number, (donor, receiver) in enumerate(TRANSITIONS):
        if receiver != ATMOSPHERE:
            flow = kept[number] * operator.path[number] * operator.decay[donor] * pools[donor]
            change = change.at[receiver].add(flow)
    for pool in MIXED:
        change = change.at[pool].add(mixing(operator, pools[pool]))
    return change


def mixing(operator: CascadeOperator, pool: Float[Array, "layer column"]) -> Float[Array, "layer column"]:
    """Gain of each layer by mixing, g m-3 s-1."""
    downward = operator.diffusivity / operator.spacing[:, None] * (pool[:-1] - pool[1:])
    none = jnp.zeros_like(downward[:1])
    gain = jnp.concatenate([none, downward]) - jnp.concatenate([downward, none])
    return gain / operator.thickness[:, None]
