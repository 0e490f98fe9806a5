"""The rest of accelerated spinup and the years of the normal run after it, in some large steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import CWD, SECONDS_PER_YEAR
from kiloland.spinup.operator.source import YEAR_OF_SCALARS
from kiloland.spinup.operator.tree import CascadeOperator
from kiloland.spinup.solve.productivity import Limitation
from kiloland.spinup.solve.steady import carbon_kept, carbon_loss, steady_carbon
from kiloland.spinup.solve.transient import propagate

Float = NDArray[np.float64]

_STEPS = (2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
"""Lengths of the first steps, years; all later ones are as the last."""
SOIL_NITROGEN = (90.0, 90.0, 90.0, 500.0, 12.0, 12.0, 10.0, 10.0)
"""gC gN-1 of the pools, for the storage of nitrogen where the run does not say."""


@dataclass(frozen=True)
class Wood:
    """Dead wood of a column relative to its equilibrium under the productivity of the operator's years.

    ``dead_share``: share of the wood litter that comes from dead wood; ``mortality``: s-1; ``stock``: dead
    wood in that equilibrium, gC m-2 of column; ``level``: present stock over it, as ELM's normal run will
    start with it; ``scale``: the stock over that which the restart tells.
    """

    dead_share: Float
    mortality: Float
    stock: Float
    level: Float
    scale: Float


@dataclass(frozen=True)
class Plan:
    """What is still to come: whether the run is `accelerated` and until when, and the normal `years`."""

    restart_year: int
    accelerated: bool
    accelerated_until: int
    years: float


@dataclass(frozen=True)
class Speeds:
    """Factors of the rates in accelerated spinup, [pool, column], before and from year 40 on."""

    before: Float
    after: Float

    def at(self, year: float) -> Float:
        """The factor in a model year."""
        return self.after if year >= YEAR_OF_SCALARS else self.before


@dataclass(frozen=True)
class State:
    """Pools in natural scale [pool, layer, column], dead wood over its equilibrium, and NPP over that of the
    operator's years, by column."""

    pools: Float
    wood: Float
    ratio: Float


def finite_state(
    operator: CascadeOperator,
    limitation: Limitation,
    wood: Wood,
    nitrogen: Float,
    speeds: Speeds,
    plan: Plan,
    pools: Float,
) -> State:
    """The state after the plan, from `pools` of the restart in natural scale.

    `nitrogen`: gC gN-1 of the pools, [pool, column]. Productivity is constant within a step; it follows from
    the nitrogen that the step stores.
    """
    ones = np.ones(pools.shape[-1])
    state = State(pools, ones, limitation.ratio(0.0 * ones))
    if plan.accelerated:
        state = accelerated_years(operator, limitation, nitrogen, speeds, plan, state)
    state = replace(state, wood=wood.level * (state.ratio if plan.accelerated else ones))
    for span in steps(plan.years):
        state = step(operator, limitation, wood, nitrogen, None, span, state)
    return state


def accelerated_years(
    operator: CascadeOperator,
    limitation: Limitation,
    nitrogen: Float,
    speeds: Speeds,
    plan: Plan,
    state: State,
) -> State:
    """Until the end of acceleration; in year 40 the averaged scalar lifts slow pools in natural scale."""
    year = plan.restart_year - 1
    breaks = [YEAR_OF_SCALARS - 1] if year < YEAR_OF_SCALARS - 1 < plan.accelerated_until - 1 else []
    for end in (*breaks, plan.accelerated_until - 1):
        speed = speeds.at(year + 1)
        for span in steps(end - year):
            state = step(operator, limitation, None, nitrogen, speed, span, state)
        year = end
        if end in breaks:
            state = replace(state, pools=state.pools * (speeds.after / speeds.before)[:, None])
    return state


def step(
    operator: CascadeOperator,
    limitation: Limitation,
    wood: Wood | None,
    nitrogen: Float,
    speed: Float | None,
    years: float,
    state: State,
) -> State:
    """One step of constant productivity: tried with the last, done with that of the nitrogen it stores."""
    tried = advance(operator, wood, speed, years, state)
    storage = stored_nitrogen(operator, nitrogen, speed, years, state, tried)
    if wood is not None:
        growth = wood.stock * (tried.wood - state.wood) / nitrogen[CWD] / (years * SECONDS_PER_YEAR)
        storage = storage + growth
    return advance(operator, wood, speed, years, replace(state, ratio=limitation.ratio(storage)))


def advance(
    operator: CascadeOperator, wood: Wood | None, speed: Float | None, years: float, state: State
) -> State:
    """Pools and wood after `years` at the state's productivity."""
    supply, level = state.ratio, state.wood
    if wood is not None:
        level, mean = relaxed(state.wood, state.ratio, wood.mortality * years * SECONDS_PER_YEAR)
        supply = (1.0 - wood.dead_share) * state.ratio + wood.dead_share * mean
    scaled = scaled_input(operator, state.ratio, supply)
    fast = None if speed is None else jnp.asarray(speed)
    pools = propagate(
        scaled,
        carbon_kept(scaled),
        carbon_loss(scaled),
        scaled.litter_input,
        jnp.asarray(state.pools),
        years,
        fast,
    )
    return State(np.maximum(np.asarray(pools), 0.0), level, state.ratio)


def relaxed(level: Float, goal: Float, exponent: Float) -> tuple[Float, Float]:
    """Level of a pool that relaxes towards `goal`: at the end and its mean."""
    decay = np.exp(-exponent)
    safe = np.where(exponent > 0.0, exponent, 1.0)
    mean = np.where(exponent > 0.0, -np.expm1(-exponent) / safe, 1.0)
    return goal + (level - goal) * decay, goal + (level - goal) * mean


def scaled_input(operator: CascadeOperator, ratio: Float, wood: Float) -> CascadeOperator:
    """The operator with litter input times `ratio` and wood input times `wood`, both by column."""
    factor = jnp.asarray(np.where(np.arange(8)[:, None] == CWD, wood, ratio))[:, None]
    return replace(
        operator,
        litter_input=operator.litter_input * factor,
        litter_input_n=operator.litter_input_n * factor,
        litter_input_p=operator.litter_input_p * factor,
    )


def stored_nitrogen(
    operator: CascadeOperator,
    nitrogen: Float,
    speed: Float | None,
    years: float,
    before: State,
    after: State,
) -> Float:
    """Growth of the nitrogen of the pools, gN m-2 s-1; accelerated pools hold less of it."""
    thickness = np.asarray(operator.thickness)[:, None]
    change = ((after.pools - before.pools) * thickness).sum(axis=1) / nitrogen
    held = change if speed is None else change / speed
    return np.asarray(held.sum(axis=0) / (years * SECONDS_PER_YEAR), np.float64)


def steady_state(operator: CascadeOperator, limitation: Limitation) -> State:
    """The equilibrium: nothing stored, dead wood at its own."""
    columns = operator.decay.shape[-1]
    ratio = limitation.ratio(np.zeros(columns))
    scaled = scaled_input(operator, ratio, ratio)
    return State(np.asarray(steady_carbon(scaled)), ratio, ratio)


def steps(years: float) -> Iterator[float]:
    """Steps that add up to `years`, short at first."""
    left, number = float(years), 0
    while left > 0.0:
        span = min(_STEPS[min(number, len(_STEPS) - 1)], left)
        yield span
        left, number = left - span, number + 1
