"""Steady states of the decomposition cascade: one solution, no stepping."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.spinup.operator.tree import CascadeOperator
from kiloland.spinup.solve.linear import SLOWEST, solve_cascade, tendency


@jax.jit
def steady_carbon(operator: CascadeOperator) -> Float[Array, "pool layer column"]:
    """Carbon pools in equilibrium with the operator's input, gC m-3.

    0 = input_p + sum (1 - respired) path decay_d x_d - (decay_p + fire_p) x_p + d/dz(D dx_p/dz)
    (semi-analytical spinup, Xia et al. 2012, Geosci. Model Dev. 5, 1259; here the triangular cascade is
    used, so that no matrix is formed). Differentiable with respect to every array of the operator.
    """
    return solve_cascade(operator, carbon_kept(operator), carbon_loss(operator), operator.litter_input)


def carbon_tendency(
    operator: CascadeOperator, pools: Float[Array, "pool layer column"]
) -> Float[Array, "pool layer column"]:
    """Rate of change of carbon pools (gC m-3) under the operator, gC m-3 s-1."""
    return tendency(operator, carbon_kept(operator), carbon_loss(operator), operator.litter_input, pools)


def carbon_kept(operator: CascadeOperator) -> Float[Array, "transition layer column"]:
    """Share of a transition's carbon that arrives."""
    return 1.0 - operator.respired


def carbon_loss(operator: CascadeOperator) -> Float[Array, "pool layer column"]:
    """Loss of carbon by decomposition and fire, s-1."""
    return jnp.maximum(operator.decay + operator.fire, SLOWEST)
