"""The operator of a block of columns from the files of a run."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import (
    CWD,
    LAYERS,
    LITR1,
    LITR2,
    LITR3,
    POOLS,
    SECONDS_PER_DAY,
    SOIL3,
    SOIL4,
    TRANSITIONS,
    layers,
)
from kiloland.spinup.operator.budget import (
    YearlyCarbon,
    fit_litter,
    fit_totals,
    mean_decay,
    mean_fire,
    mean_mixing,
    potential_loss,
    residual_input,
    trend,
)
from kiloland.spinup.operator.fields import CARBON, FIRE, RATES, RESPIRATION, SCALARS, TRANSFERS, UPPER
from kiloland.spinup.operator.phosphorus import biochemical, mineral_rates
from kiloland.spinup.operator.records import DAYS
from kiloland.spinup.operator.source import YEAR_OF_SCALARS, Quality, Source
from kiloland.spinup.operator.tree import CascadeOperator

Float = NDArray[np.float64]

_COMBUSTION = {LITR1: 0.5, LITR2: 0.5, LITR3: 0.5, CWD: 0.25}
"""Share of the burned area's litter that burns (ELM, `FireMod`)."""
_SEASON = 62.0
"""Days: a record not longer than this tells the state at its season."""
_EFOLDING = 0.33
"""m, `decomp_depth_efolding`; only for empty layers."""


@dataclass(frozen=True)
class Block:
    """The operator of some columns and what it was made of.

    ``yearly``: pools and fluxes by year in the scale of the run; ``mixing``: mean gain by mixing in that
    scale; ``residual``: what closes the budget of each pool, gC m-3 s-1, negative values included.
    """

    operator: CascadeOperator
    yearly: YearlyCarbon
    mixing: Float
    residual: Float


def read_block(source: Source, block: slice) -> Block:
    """Read the operator of columns `block` as means over the window of the source."""
    yearly = yearly_carbon(source, block)
    grid = layers()
    diffusivity = interface_diffusivity(source, block)
    mixing = mean_mixing(yearly, diffusivity, grid.spacing, grid.thickness)
    residual = residual_input(yearly, mixing)
    decay = mean_decay(yearly, empty_decay(source, yearly.pool.shape[1:]))
    respired, path = shares(source, yearly)
    litter = np.maximum(residual, 0.0)
    litter[4:] = 0.0
    twins = [twin_input(source, block, element, yearly, diffusivity) for element in "np"]
    operator = CascadeOperator(
        thickness=jnp.asarray(grid.thickness),
        spacing=jnp.asarray(grid.spacing),
        decay=jnp.asarray(decay),
        respired=jnp.asarray(respired),
        path=jnp.asarray(path),
        diffusivity=jnp.asarray(diffusivity),
        fire=jnp.asarray(mean_fire(yearly)),
        litter_input=jnp.asarray(litter),
        litter_input_n=jnp.asarray(twins[0]),
        litter_input_p=jnp.asarray(twins[1]),
        biochemical_p=jnp.asarray(biochemical(source, block)),
        mineral=mineral_rates(source, block),
    )
    return Block(operator, yearly, mixing, residual)


def yearly_carbon(source: Source, block: slice) -> YearlyCarbon:
    """Yearly pools and fluxes of the window, measured (full) or made from products of means (default)."""
    years = source.window.years
    share = column_share(source, block)
    pool = np.stack([source.amount(name, block, years) for name in CARBON], axis=1) * share
    acceleration = yearly_acceleration(source, block)
    if source.quality is Quality.FULL:
        loss, flow = measured_fluxes(source, block, share)
    else:
        loss, flow = modelled_fluxes(source, block, pool, acceleration, share)
    fire = fire_loss(source, block, pool, share)
    return YearlyCarbon(pool, loss, flow, fire, acceleration, mean_change(source, block, pool, share))


def mean_change(source: Source, block: slice, pool: Float, share: Float) -> Float:
    """Rate of change of the pools over the window, g m-3 s-1 [pool, layer, column].

    From the first to the last yearly mean. Slow pools (wood, soil 3 and 4), which have hardly a season, of a
    window that ends with the restart: from the start of the window to the restart, which holds when rates
    jump within the window. The start is the mean of the years before and after it, else the first record;
    where that is short, at the restart's season, and of the only year, it serves all pools.
    """
    change = np.array(trend(pool))
    years = source.window.years
    if source.day != DAYS * years[-1]:
        return np.asarray(change, np.float64)
    cells = source.cells.block(block)
    everything = len(years) == 1 and source.records.shortest(years[0]) < _SEASON
    for number in range(len(POOLS)) if everything else (CWD, SOIL3, SOIL4):
        name = CARBON[number]
        if years[0] - 1 in source.records.years(name):
            earlier = source.amount(name, block, (years[0] - 1,))[0] * share[number]
            start, day = 0.5 * (earlier + pool[0, number]), DAYS * (years[0] - 1)
        else:
            first, day = source.records.first(name, cells, years[0])
            start = first / source.shared[block] * share[number]
        end = source.stored(f"{POOLS[number]}c_vr", block)
        change[number] = (end - start) / ((source.day - day) * SECONDS_PER_DAY)
    return np.asarray(change, np.float64)


def column_share(source: Source, block: slice) -> Float:
    """Restart pools of each column over those of its cell, [pool, layer, column]: 1 with one soil column."""
    keys, subgrid = source.subgrid.keys, source.subgrid
    count = np.bincount(keys.column_gridcell, minlength=subgrid.cells + 1)
    columns = len(range(*block.indices(source.columns)))
    share = np.ones((len(POOLS), LAYERS, columns))
    if (count[keys.column_gridcell[block]] < 2).all():
        return share
    everything = slice(0, source.columns)
    weight = subgrid.column_weight / source.shared
    for number, pool in enumerate(POOLS):
        values = source.stored(f"{pool}c_vr", everything)
        for layer in range(LAYERS):
            cell = np.bincount(keys.column_gridcell, weight * values[layer], subgrid.cells + 1)
            mean = cell[keys.column_gridcell[block]]
            share[number, layer] = np.where(mean > 0.0, values[layer, block] / np.where(mean > 0, mean, 1), 1)
    return share


def yearly_acceleration(source: Source, block: slice) -> Float:
    """Factor of the rates over natural ones, [year, pool, column].

    Measured where the rates are on file (ratio to soil 2, which is not accelerated); else by ELM's rule: the
    factor from the start, divided by the averaged scalar from year 40 on.
    """
    years, cascade = source.window.years, source.cascade
    columns = len(range(*block.indices(source.columns)))
    factor = np.ones((len(years), len(POOLS), columns))
    if not source.accelerated:
        return factor
    fast = [pool for pool in range(len(POOLS)) if cascade.acceleration[pool] > 1.0]
    constant = cascade.step_rate(source.timestep)
    if source.records.holds(*RATES):
        base = source.intensive("K_SOIL2", block, years)[:, 0]
        for pool in fast:
            rate = source.intensive(RATES[pool], block, years)[:, 0]
            plain = constant[pool] / constant[5]
            factor[:, pool] = np.where(base > 0.0, rate / np.where(base > 0, base, 1) / plain, 1.0)
        return factor
    average = source.complete_average(block)
    for pool in fast:
        for number, year in enumerate(years):
            late = year >= YEAR_OF_SCALARS
            factor[number, pool] = cascade.acceleration[pool] / (average if late else 1.0)
    return factor


def measured_fluxes(source: Source, block: slice, share: Float) -> tuple[Float, Float]:
    """Loss [year, pool, ...] and arriving flow [year, transition, ...] from the fields of each layer."""
    years = source.window.years
    loss = np.zeros((len(years), *share.shape))
    flow = np.zeros((len(years), len(TRANSITIONS), *share.shape[1:]))
    for number, (donor, _) in enumerate(TRANSITIONS):
        if TRANSFERS[number]:
            flow[:, number] = source.amount(f"{TRANSFERS[number]}_vr", block, years) * share[donor]
            loss[:, donor] += flow[:, number]
    for pool, name in enumerate(RESPIRATION):
        if name:
            loss[:, pool] += source.respiration(f"{name}_vr", block, years) * share[pool]
    return loss, flow


def modelled_fluxes(
    source: Source, block: slice, pool: Float, acceleration: Float, share: Float
) -> tuple[Float, Float]:
    """As `measured_fluxes`, from products of means fitted to column totals and budgets of soil."""
    years, cascade = source.window.years, source.cascade
    grid = layers()
    scalars = [source.intensive(name, block, years) for name in SCALARS]
    scalar = scalars[0] * scalars[1] * scalars[2] * np.exp(-grid.node / _EFOLDING)[:, None]
    met = np.ones_like(pool)
    both = [source.intensive(name, block, years) for name in ("FPI_vr", "FPI_P_vr")]
    for number in (LITR1, LITR2, LITR3):
        met[:, number] = np.minimum(both[0], both[1])
    loss = potential_loss(cascade, pool, scalar, met, acceleration, source.timestep)
    weight = column_totals(loss, grid.thickness)
    totals = np.stack([total_loss(source, block, number) for number in range(len(POOLS))], axis=1)
    alone = np.ones_like(weight) if (share == 1.0).all() else share_of_total(source, block, pool, loss)
    loss = fit_totals(loss, totals * alone, grid.node, grid.thickness)
    change = mean_change(source, block, pool, share)
    still = YearlyCarbon(pool, loss, loss, loss, acceleration, change)
    mixing = mean_mixing(still, interface_diffusivity(source, block), grid.spacing, grid.thickness)
    loss = fit_litter(cascade, loss, change, mixing, totals * alone, grid.thickness)
    flow = np.zeros((len(years), len(TRANSITIONS), *share.shape[1:]))
    for number, (donor, _) in enumerate(TRANSITIONS):
        flow[:, number] = cascade.path[number] * (1.0 - cascade.respired[number]) * loss[:, donor]
    return loss, flow


def column_totals(values: Float, thickness: Float) -> Float:
    """Integral over layers of [..., layer, column]."""
    return np.asarray((values * thickness[:, None]).sum(axis=-2), np.float64)


def share_of_total(source: Source, block: slice, pool: Float, loss: Float) -> Float:
    """Loss of a column over that of its cell, both from products of means: [year, pool, column]."""
    thickness = layers().thickness
    cell = np.stack([source.amount(name, block, source.window.years) for name in CARBON], axis=1)
    rate = np.where(pool > 0.0, loss / np.where(pool > 0.0, pool, 1.0), 0.0)
    whole = column_totals(rate * cell, thickness)
    own = column_totals(loss, thickness)
    return np.where(whole > 0.0, own / np.where(whole > 0.0, whole, 1.0), 1.0)


def total_loss(source: Source, block: slice, pool: int) -> Float:
    """Column loss of a pool by decomposition, gC m-2 s-1 [year, column], from the totals on file."""
    years = source.window.years
    total = [
        source.amount(name, block, years)
        for name, (donor, _) in zip(TRANSFERS, TRANSITIONS, strict=True)
        if donor == pool and name
    ]
    if RESPIRATION[pool]:
        total.append(source.respiration(RESPIRATION[pool], block, years))
    return np.asarray(sum(total), np.float64)


def fire_loss(source: Source, block: slice, pool: Float, share: Float) -> Float:
    """Loss to fire in the scale of the run, gC m-3 s-1; measured, else from the burned area."""
    years = source.window.years
    loss = np.zeros_like(pool)
    measured = source.records.holds(*FIRE)
    burned = None
    if not measured and source.records.holds("FAREA_BURNED"):
        burned = source.intensive("FAREA_BURNED", block, years)
    for number, combusted in _COMBUSTION.items():
        if measured:
            loss[:, number] = source.amount(FIRE[number], block, years) * share[number]
        elif burned is not None:
            loss[:, number] = combusted * burned[:, None, :] * pool[:, number]
    return loss


def shares(source: Source, yearly: YearlyCarbon) -> tuple[Float, Float]:
    """Respired share and path of each transition, [transition, layer, column]: the parameters'."""
    shape = (len(TRANSITIONS), *yearly.pool.shape[2:])
    constant = np.ones(shape)
    respired = source.cascade.respired[:, None, None] * constant
    return respired, source.cascade.path[:, None, None] * constant


def empty_decay(source: Source, shape: tuple[int, ...]) -> Float:
    """Decay of layers without carbon: the constant of the pool, reduced by depth and a scalar of 0.3."""
    depth = 0.3 * np.exp(-layers().node / _EFOLDING)
    rate = source.cascade.step_rate(source.timestep)
    return np.broadcast_to(rate[:, None, None] * depth[None, :, None], shape).copy()


def interface_diffusivity(source: Source, block: slice) -> Float:
    """Diffusivity between layers, m2 s-1 [interface, column]: harmonic mean weighted by distance.

    From the restart (`som_diffus_coef_vr`); it is not accelerated there.
    """
    grid = layers()
    node = source.stored("som_diffus_coef_vr", block)
    upper = (grid.interface[1:-1] - grid.node[:-1]) / grid.spacing
    positive = (node[:-1] > 0.0) & (node[1:] > 0.0)
    safe = np.where(node > 0.0, node, 1.0)
    mean = 1.0 / (upper[:, None] / safe[:-1] + (1.0 - upper[:, None]) / safe[1:])
    return np.where(positive, mean, 0.0)


def twin_input(source: Source, block: slice, element: str, yearly: YearlyCarbon, diffusivity: Float) -> Float:
    """Nitrogen or phosphorus from vegetation, g m-3 s-1: the budget's residual of litter and wood.

    A pool loses the element at the rate of its carbon. What comes from wood carries the wood's ratio for
    nitrogen and the ratio that ELM demands for phosphorus.
    """
    years, grid = source.window.years, layers()
    made = np.zeros(yearly.pool.shape[1:])
    names = [f"{pool}{element.upper()}_vr" for pool in UPPER[:4]]
    if not source.records.holds(*names):
        return made
    share = column_share(source, block)
    pool = np.stack([source.amount(name, block, years) for name in names], axis=1) * share[:4]
    rate = np.where(yearly.pool > 0.0, yearly.loss / np.where(yearly.pool > 0, yearly.pool, 1.0), 0.0)
    burned = np.where(yearly.pool > 0.0, yearly.fire / np.where(yearly.pool > 0, yearly.pool, 1.0), 0.0)
    flow = np.zeros_like(yearly.flow)
    for number in (7, 8):
        receiver = TRANSITIONS[number][1]
        if element == "n":
            flow[:, number] = source.cascade.path[number] * rate[:, CWD] * pool[:, CWD]
        else:
            flow[:, number] = yearly.flow[:, number] / source.cascade.carbon_to_phosphorus[receiver]
    whole = np.zeros_like(yearly.pool)
    whole[:, :4] = pool
    twin = YearlyCarbon(whole, rate * whole, flow, burned * whole, yearly.acceleration, trend(whole))
    mixing = mean_mixing(twin, diffusivity, grid.spacing, grid.thickness)
    made[:4] = np.maximum(residual_input(twin, mixing), 0.0)[:4]
    return made
