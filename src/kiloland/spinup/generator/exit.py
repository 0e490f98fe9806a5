"""Accelerated spinup as ELM runs it, and what happens to the state when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.spinup.generator.build import make_mode
from kiloland.spinup.generator.climate import FloatArray
from kiloland.spinup.generator.constants import (
    ACCELERATION,
    CWD,
    DAYS,
    DEADCROOT,
    DEADSTEM,
    LAYERS,
    MORTALITY_FACTOR,
    SOIL3,
    SOIL4,
)
from kiloland.spinup.generator.run import Site, run_years
from kiloland.spinup.generator.state import WorldState

CARBON_ONLY_YEARS = 20
AVERAGE_LAYER = 3
"""The averaged scalar is that of the fourth layer, stored in every layer."""
FIRST_AVERAGED, LAST_AVERAGED = 20, 39
LAST_YEAR = 40


class Accelerated(NamedTuple):
    """Accelerated spinup before its last years, which the caller runs with records."""

    state: WorldState
    average: FloatArray
    """Averaged scalar so far (sum of what years 20 to 39 add), ``cell``."""


def averaged(scalar_sum: FloatArray) -> FloatArray:
    """What one year adds to the averaged scalar: a twentieth of its mean at layer 4."""
    return np.asarray(scalar_sum[AVERAGE_LAYER] / DAYS / (LAST_AVERAGED - FIRST_AVERAGED + 1))


def spin(state: WorldState, site: Site, years: int) -> Accelerated:
    """Years 1 to ``years`` (at most 39): carbon only until year 20, then N limits and P is supplied."""
    average = np.zeros(site.soil.fire.shape[0])
    free = make_mode(site.soil, accelerated=True, supply_n=True, supply_p=True)
    limited = make_mode(site.soil, accelerated=True, supply_p=True)
    state, sums = run_years(state, site, free, 0, min(years, CARBON_ONLY_YEARS))
    if years > CARBON_ONLY_YEARS:
        state, later = run_years(state, site, limited, CARBON_ONLY_YEARS, years - CARBON_ONLY_YEARS)
        sums = [*sums, *later]
    for year, fields in enumerate(sums, start=1):
        if FIRST_AVERAGED <= year <= LAST_AVERAGED:
            average = average + averaged(np.asarray(fields["scalar"]))
    return Accelerated(state, average)


def left_acceleration(state: WorldState, site: Site, average: FloatArray) -> WorldState:
    """The state on leaving accelerated spinup: pools and dead wood in natural scale, mineral P inserted.

    Pools with a factor above 1 are multiplied by factor / averaged scalar, dead wood by 10; labile,
    secondary, occluded and primary P are those of the surface file over 0.5 m, in all layers, and
    solution P = labile ks / (smax - labile).
    """
    carbon = np.asarray(state.soil.carbon).copy()
    nitrogen, phosphorus = np.asarray(state.soil.nitrogen).copy(), np.asarray(state.soil.phosphorus).copy()
    scale = np.where(average < 1e-3, 1.0, average)
    for pool in (CWD, SOIL3, SOIL4):
        carbon[pool] *= ACCELERATION[pool] / scale
    nitrogen[CWD] *= ACCELERATION[CWD] / scale
    phosphorus[CWD] *= ACCELERATION[CWD] / scale
    tissue = np.asarray(state.plants.tissue).copy()
    tissue[[DEADSTEM, DEADCROOT]] *= MORTALITY_FACTOR
    stock = np.asarray(site.soil.initial_p) / 0.5
    smax, ks = np.asarray(site.soil.smax), np.asarray(site.soil.ks)
    labile = np.minimum(stock[0], 0.9 * smax)

    def everywhere(values: FloatArray) -> jax.Array:
        return jnp.asarray(np.broadcast_to(values, (LAYERS, len(values))).copy())

    soil = replace(
        state.soil,
        carbon=jnp.asarray(carbon),
        nitrogen=jnp.asarray(nitrogen),
        phosphorus=jnp.asarray(phosphorus),
        labile=everywhere(labile),
        solution=everywhere(labile * ks / (smax - labile)),
        secondary=everywhere(stock[1]),
        occluded=everywhere(stock[2]),
        primary=everywhere(stock[3]),
    )
    return WorldState(soil, replace(state.plants, tissue=jnp.asarray(tissue)))
