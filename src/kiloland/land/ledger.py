"""The ledger of the balances: largest errors and running sums of every budget, one value a column.

A process joins with one entry in :func:`budgets_of_step`: its name, the terms that enter, the terms that
leave or stay, and what is left over. The ledger itself knows nothing of the processes.
"""

from __future__ import annotations

from dataclasses import fields

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.ground_heat import GroundHeat
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import LandState
from kiloland.land.step import ColumnConstants, Settings, StepOutput
from kiloland.land.subgrid import BlockIndex, patch_to_column
from kiloland.land.vertical import SNOW_LAYERS

BUDGETS = ("heat", "radiation", "surface", "water", "snow")
"""Names of the budgets, in the order of the ledger's first axis."""
BARS = {"heat": 1e-7, "radiation": 1e-10, "surface": 1e-7, "water": 1e-9, "snow": 1e-9}
"""Largest error that one step of one column may have, in the units below."""
UNITS = {"heat": "W m-2", "radiation": "W m-2", "surface": "W m-2", "water": "kg m-2", "snow": "kg m-2"}


@pytree_dataclass
class Budget:
    """One budget of a step, per column: ``entering`` = ``accounted`` but for the ``error``."""

    entering: Float[Array, " column"]
    accounted: Float[Array, " column"]
    error: Float[Array, " column"]


@pytree_dataclass
class Ledger:
    """What the budgets came to since the start of the run, in the order of :data:`BUDGETS`."""

    largest_error: Float[Array, "budget column"]
    entered: Float[Array, "budget column"]
    """Sum over the steps."""
    accounted: Float[Array, "budget column"]
    worst_step: Float[Array, "budget column"]
    """Number of the step of the largest error, 1 for the first of the run; the next two are its terms."""
    worst_entering: Float[Array, "budget column"]
    worst_accounted: Float[Array, "budget column"]


def open_ledger(columns: int) -> Ledger:
    """A ledger without entries."""
    shape = (len(BUDGETS), columns)
    # One array for each, not one for all: the step takes over their memory.
    return Ledger(**{field.name: jnp.zeros(shape) for field in fields(Ledger)})


def enter_step(ledger: Ledger, budgets: tuple[Budget, ...], number: Int[Array, ""] | int = 0) -> Ledger:
    """The ledger after one more step, which is the one of this number."""
    entering = jnp.stack([budget.entering for budget in budgets])
    accounted = jnp.stack([budget.accounted for budget in budgets])
    error = jnp.abs(jnp.stack([budget.error for budget in budgets]))
    # What is not a number is worse than any number, and stays.
    worse = ~(error <= ledger.largest_error) & ~jnp.isnan(ledger.largest_error)
    return Ledger(
        largest_error=jnp.where(worse, error, ledger.largest_error),
        entered=ledger.entered + entering,
        accounted=ledger.accounted + accounted,
        worst_step=jnp.where(worse, jnp.asarray(number, error.dtype), ledger.worst_step),
        worst_entering=jnp.where(worse, entering, ledger.worst_entering),
        worst_accounted=jnp.where(worse, accounted, ledger.worst_accounted),
    )


def budgets_of_step(
    before: LandState,
    after: LandState,
    output: StepOutput,
    constants: ColumnConstants,
    settings: Settings,
) -> tuple[Budget, ...]:
    """The budgets of a step, in the order of :data:`BUDGETS`.

    Heat: surface heat = storage + phase change, W m-2. Radiation: incident = absorbed + reflected, W m-2;
    its error is the largest of the column's patches. Surface: the heat that the fluxes leave to the ground =
    that which entered it, W m-2. Water, kg m-2: no process of this configuration moves water into or out of a
    column but one, the melt of a snowpack without layers, which runs off. Snow, kg m-2: the same melt, and
    ice of ponds that joins the snow.
    """
    return (
        heat_budget(output.heat),
        radiation_budget(output.radiation, constants.index),
        _surface(output, constants.index),
        _water(before, after, output, settings),
        _snow(before, after, output, settings),
    )


def heat_budget(heat: GroundHeat) -> Budget:
    """Heat of snow, pond and ground: what enters the surface = storage + phase change, W m-2."""
    terms = heat.budget
    accounted = terms.storage + terms.phase_change + terms.pond_phase_change
    return Budget(terms.surface, accounted, terms.residual)


def _surface(output: StepOutput, index: BlockIndex) -> Budget:
    """Zero where the flux into the ground was prescribed."""
    entered = output.heat.budget.surface
    if output.fluxes is None:
        return Budget(entered, entered, jnp.zeros_like(entered))
    fluxes = output.fluxes
    left = patch_to_column(output.radiation.ground.absorbed, index)
    left = left + fluxes.net_longwave - fluxes.sensible - fluxes.latent
    return Budget(left, entered, left - entered)


def radiation_budget(radiation: SurfaceRadiation, index: BlockIndex) -> Budget:
    """Sunlight: incident = absorbed + reflected, W m-2; the error is that of the column's worst patch."""
    settled = radiation.absorbed + radiation.reflected
    errors = jnp.abs(radiation.balance_error)[index.slot_patch]
    return Budget(
        entering=patch_to_column(settled + radiation.balance_error, index),
        accounted=patch_to_column(settled, index),
        error=jnp.max(jnp.where(index.slot_weight > 0.0, errors, 0.0), axis=0),
    )


def _water(before: LandState, after: LandState, output: StepOutput, settings: Settings) -> Budget:
    was = total_water(before)
    found = total_water(after) + output.heat.phase.layerless_melt * settings.timestep
    return Budget(was, found, found - was)


def _snow(before: LandState, after: LandState, output: StepOutput, settings: Settings) -> Budget:
    heat = output.heat
    entering = before.column.snow_water + heat.pond.ice_formed * settings.timestep
    accounted = after.column.snow_water + heat.phase.layerless_melt * settings.timestep
    return Budget(entering, accounted, accounted - entering)


def total_water(state: LandState) -> Float[Array, " column"]:
    """Water of each column, kg m-2: ground, snow with or without layers, and pond."""
    column = state.column
    ground = sum_rows(column.liquid_water[SNOW_LAYERS:] + column.ice[SNOW_LAYERS:])
    return ground + column.snow_water + column.pond_water
