"""From yearly means of pools and fluxes to mean rates and to the input that closes the budget; no files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import (
    ATMOSPHERE,
    LITR1,
    LITR2,
    LITR3,
    MIXED,
    POOLS,
    SECONDS_PER_YEAR,
    SOIL1,
    SOIL2,
    TRANSITIONS,
    Cascade,
)

Float = NDArray[np.float64]

_TINY = 1e-12
"""g m-3: a pool below this has no rate of its own."""
_BOUNDS = (0.1, 10.0)
FADING = 1.0
"""m: depth over which the seasons of soil temperature and water fade."""


@dataclass(frozen=True)
class YearlyCarbon:
    """Yearly means at columns, in the scale of the run (accelerated or not).

    ``pool``: [year, pool, layer, column] gC m-3; ``loss``: by decomposition, gC m-3 s-1, same shape;
    ``flow``: carbon that arrives, [year, transition, layer, column]; ``fire`` [year, pool, layer, column];
    ``acceleration``: [year, pool, column], factor of the rates over natural ones; ``change``: mean rate of
    change over the years, gC m-3 s-1 [pool, layer, column].
    """

    pool: Float
    loss: Float
    flow: Float
    fire: Float
    acceleration: Float
    change: Float


def mean_decay(yearly: YearlyCarbon, fallback: Float) -> Float:
    """Natural decay, s-1 [pool, layer, column]: sum of loss / acceleration over sum of pool.

    Where a pool is empty the `fallback` (same shape) stands.
    """
    natural = (yearly.loss / yearly.acceleration[:, :, None, :]).sum(axis=0)
    stock = yearly.pool.sum(axis=0)
    return np.where(stock > _TINY, natural / np.maximum(stock, _TINY), fallback)


def mean_fire(yearly: YearlyCarbon) -> Float:
    """Natural loss to fire, s-1: as `mean_decay`, zero for empty pools."""
    natural = (yearly.fire / yearly.acceleration[:, :, None, :]).sum(axis=0)
    stock = yearly.pool.sum(axis=0)
    return np.where(stock > _TINY, natural / np.maximum(stock, _TINY), 0.0)


def trend(values: Float) -> Float:
    """Change per second of yearly means along the first axis: last minus first; zero for one year."""
    if values.shape[0] < 2:
        return np.zeros_like(values[0])
    span = (values.shape[0] - 1) * SECONDS_PER_YEAR
    return np.asarray((values[-1] - values[0]) / span, np.float64)


def mixing_gain(pool: Float, diffusivity: Float, spacing: Float, thickness: Float) -> Float:
    """Gain by mixing, g m-3 s-1; `pool` [..., layer, column], `diffusivity` [..., interface, column]."""
    downward = diffusivity / spacing[:, None] * (pool[..., :-1, :] - pool[..., 1:, :])
    none = np.zeros_like(downward[..., :1, :])
    gain = np.concatenate([none, downward], axis=-2) - np.concatenate([downward, none], axis=-2)
    return np.asarray(gain / thickness[:, None], np.float64)


def mean_mixing(yearly: YearlyCarbon, diffusivity: Float, spacing: Float, thickness: Float) -> Float:
    """Mean gain by mixing in the scale of the run, [pool, layer, column]; ELM speeds mixing up with decay."""
    gain = np.zeros(yearly.pool.shape[1:])
    for pool in MIXED:
        fast = yearly.acceleration[:, pool, None, :] * diffusivity
        gain[pool] = mixing_gain(yearly.pool[:, pool], fast, spacing, thickness).mean(axis=0)
    return gain


def inflow(flow: Float) -> Float:
    """Arrivals by pool, [..., pool, layer, column], of flows [..., transition, layer, column]."""
    gain = np.zeros((*flow.shape[:-3], len(POOLS), *flow.shape[-2:]))
    for number, (_, receiver) in enumerate(TRANSITIONS):
        if receiver != ATMOSPHERE:
            gain[..., receiver, :, :] += flow[..., number, :, :]
    return gain


def residual_input(yearly: YearlyCarbon, mixing: Float) -> Float:
    """What closes the budget of each pool and layer, gC m-3 s-1: change + losses - arrivals - mixing.

    For litter and wood this is the input from vegetation; for soil pools, which get none, it is the error.
    """
    losses = (yearly.loss + yearly.fire).mean(axis=0)
    arrivals = inflow(yearly.flow.mean(axis=0))
    return np.asarray(yearly.change + losses - arrivals - mixing, np.float64)


def potential_loss(
    cascade: Cascade, pool: Float, scalar: Float, met: Float, acceleration: Float, timestep: float
) -> Float:
    """Loss from products of yearly means, gC m-3 s-1 [year, pool, layer, column].

    `scalar` [year, layer, column]: temperature, water, oxygen and depth; `met` [year, pool, layer, column]:
    share of immobilisation demand that was met (1 for pools that do not immobilise).
    """
    rate = cascade.step_rate(timestep)[None, :, None, None]
    loss = rate * acceleration[:, :, None, :] * scalar[:, None] * met * pool
    return np.asarray(loss, np.float64)


def fit_totals(loss: Float, totals: Float, depth: Float, thickness: Float) -> Float:
    """Scale `loss` [year, pool, layer, column] so that column totals [year, pool, column] are met.

    What products of means miss comes from seasons of temperature and water that go together; it fades with
    depth as the seasons do: each layer of soil pools and wood gets 1 + a exp(-z / 1 m), a from the total. The
    supply of nitrogen, which the litter pools' rates hold besides, is no matter of depth: one factor for all
    layers. Factors are bounded to 0.1..10.
    """
    layered = loss * thickness[:, None]
    ratio = _ratio(totals, layered.sum(axis=2))[:, :, None]
    fade = np.exp(-depth / FADING)[:, None]
    near = (layered * fade).sum(axis=2, keepdims=True)
    excess = (ratio - 1.0) * layered.sum(axis=2, keepdims=True) / np.where(near > 0.0, near, 1.0)
    faded = np.clip(1.0 + excess * fade, *_BOUNDS)
    litter = np.isin(np.arange(len(POOLS)), (LITR1, LITR2, LITR3))[:, None, None]
    return np.asarray(loss * np.where(litter, ratio, faded), np.float64)


def fit_litter(
    cascade: Cascade, loss: Float, change: Float, mixing: Float, totals: Float, thickness: Float
) -> Float:
    """Place the loss of the litter pools so that the budget of each soil pool closes in each layer.

    Litter decomposes when and where mineral nitrogen is left, which products of means do not know, least of
    all at the surface. But soil pools 1 to 3, whose rates are known well, get carbon from one litter pool and
    one soil pool only: what arrives from litter is change + loss - mixing - arrival from soil, and over
    (1 - respired) it is the litter's loss. `change`, `mixing` [pool, layer, column]; the yearly `totals`
    [year, pool, column] are met last.
    """
    made = loss.copy()
    mean = loss.mean(axis=0)
    arriving = change + mean - mixing
    for number, (donor, receiver) in enumerate(TRANSITIONS):
        if donor in (SOIL1, SOIL2):
            arriving[receiver] -= (1.0 - cascade.respired[number]) * mean[donor]
    for number, (donor, receiver) in enumerate(TRANSITIONS):
        if donor in (LITR1, LITR2, LITR3):
            wanted = arriving[receiver] / max(1.0 - cascade.respired[number], 1e-6)
            placed = loss[:, donor] * _ratio(wanted, mean[donor])
            column = (placed * thickness[:, None]).sum(axis=1)
            made[:, donor] = placed * _ratio(totals[:, donor], column)[:, None]
    return made


def _ratio(wanted: Float, made: Float) -> Float:
    ratio = np.where(made > 0.0, wanted / np.where(made > 0.0, made, 1.0), 1.0)
    return np.asarray(np.clip(ratio, *_BOUNDS), np.float64)
