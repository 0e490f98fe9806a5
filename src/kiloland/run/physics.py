"""The sets of processes that a run can compute: its step, its history fields, its budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kiloland.land.fields import FIELDS, Field, FieldContext
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.full_ledger import full_budgets
from kiloland.land.full_step import renew_albedo as renew_full_albedo
from kiloland.land.full_step import step_of_water_and_energy
from kiloland.land.ledger import Budget, budgets_of_step
from kiloland.land.state import LandState
from kiloland.land.step import Settings, renew_albedo, step_with_bare_ground
from kiloland.run.case import SurfaceFlux


# Compared by identity: one object for each set, so that compiled code is found again.
@dataclass(frozen=True, eq=False)
class Physics:
    """A set of processes. Inputs of a step, constants and output are of the types that its step takes."""

    step: Callable[[LandState, Any, Any, Settings], tuple[LandState, Any]]
    fields: Mapping[str, Field]
    context: Callable[[LandState, Any, Any, Any], FieldContext]
    """From the state after a step, its output, its inputs and the constants."""
    budgets: Callable[[LandState, LandState, Any, Any, Any, Settings], tuple[Budget, ...]]
    """From the states before and after a step, its output, its inputs, constants and settings."""
    albedo: Callable[[LandState, Any, Any], LandState]
    """The state with the albedos of a zenith."""


BARE_GROUND = Physics(
    step=step_with_bare_ground,
    fields=FIELDS,
    context=FieldContext,
    budgets=lambda before, after, output, inputs, constants, settings: budgets_of_step(
        before, after, output, constants, settings
    ),
    albedo=renew_albedo,
)
FULL = Physics(
    step=step_of_water_and_energy,
    fields=FULL_FIELDS,
    context=lambda state, output, inputs, constants: FieldContext(state, output, inputs.weather, constants),
    budgets=full_budgets,
    albedo=renew_full_albedo,
)


def physics_of(flux: SurfaceFlux) -> Physics:
    """The processes that a case asks for."""
    return {SurfaceFlux.BARE_GROUND: BARE_GROUND, SurfaceFlux.FULL: FULL}[flux]
