"""The budget of snow in a step, for columns of any kind: what fell, melted, evaporated and ran through."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.ledger import Budget
from kiloland.land.pytree import pytree_dataclass


@pytree_dataclass
class SnowFlow:
    """Snow of each column at both ends of a step and what moved in between.

    Water of snow with or without layers in kg m-2, flows in kg m-2 s-1. `exchange` is that of the part of the
    column under snow and counts where layers are; without them it is the ground's.
    """

    before: Float[Array, " column"]
    after: Float[Array, " column"]
    snowfall: Float[Array, " column"]
    """That the pack takes: full ones take none."""
    frozen_pond: Float[Array, " column"]
    exchange: SnowSurfaceWater
    covered: Float[Array, " column"]
    """Share of the column under layers of snow, 0 without layers."""
    capped: Bool[Array, " column"]
    """Full packs, which gain nothing."""
    layerless_melt: Float[Array, " column"]
    outflow: Float[Array, " column"]
    """Water that leaves the lowest layer."""
    ground_debt: Float[Array, " column"]
    """Not positive: what the ground gave since the pack lacked it, kg m-2."""
    lost_layers: Float[Array, " column"]
    """Of layers that vanished, into the ground, kg m-2."""


def snow_budget(flow: SnowFlow, timestep: float) -> Budget:
    """S + (P + F + f G) dt = S' + (M + O + f E) dt + D + V, kg m-2.

    S snow water, P snowfall, F frozen pond, G frost, dew and rain on the covered share f (full packs take
    none), M melt of packs without layers, O outflow, E sublimation and evaporation, D debt of the ground, V
    what layers that vanished left to it.
    """
    air = flow.exchange
    gain = jnp.where(flow.capped, 0.0, air.frost + air.dew + air.rain)
    gained = flow.snowfall + flow.frozen_pond + flow.covered * gain
    lost = flow.layerless_melt + flow.outflow + flow.covered * (air.sublimation + air.evaporation)
    entering = flow.before + gained * timestep
    accounted = flow.after + lost * timestep + flow.ground_debt + flow.lost_layers
    return Budget(entering, accounted, accounted - entering)
