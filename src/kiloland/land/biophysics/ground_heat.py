"""One step of the heat balance of snow, pond and ground."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_state import GroundState, ground_temperature, layered_snow_fraction
from kiloland.land.biophysics.phase_change import PhaseChange, PondFreezing, change_phase, freeze_pond
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.soil_temperature import SurfaceHeat, TemperatureSolution, solve_temperature
from kiloland.land.biophysics.thermal_properties import ThermalProperties, thermal_properties
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, ColumnGrid, column_grid, snow_layer_mask


@pytree_dataclass
class HeatBudget:
    """Heat balance of each column, W m-2 of the column; the residual is zero but for rounding."""

    surface: Float[Array, " column"]
    """Heat that entered, with the answer of the surface temperature to it."""
    storage: Float[Array, " column"]
    """Warming of snow, pond and ground."""
    phase_change: Float[Array, " column"]
    """Taken up by melting less released by freezing, of snow and ground."""
    pond_phase_change: Float[Array, " column"]
    """The same of the pond, less the heat its ice carried into the snow."""
    residual: Float[Array, " column"]
    """surface - storage - phase_change - pond_phase_change."""


@pytree_dataclass
class GroundHeat:
    """Result of `advance_temperature`."""

    state: GroundState
    """The advanced state."""
    ground_temperature: Float[Array, " column"]
    """Temperature of the surface seen by the atmosphere, K."""
    pond: PondFreezing
    phase: PhaseChange
    factor: Float[Array, "total column"]
    """Warming per flux over the step, K m2 W-1."""
    budget: HeatBudget


def prescribed_heat(flux: Float[Array, " column"], derivative: Float[Array, " column"]) -> SurfaceHeat:
    """Surface heat from one flux for the whole column (W m-2, and its derivative, W m-2 K-1).

    Exact without snow and pond; with them, all surfaces receive the same flux, and sunlight is absorbed in
    the top layer.
    """
    absorbed = jnp.zeros((SNOW_LAYERS + 1, flux.shape[0]), dtype=flux.dtype)
    return SurfaceHeat(snow=flux, soil=flux, pond=flux, derivative=derivative, absorbed=absorbed)


def advance_temperature(
    soil: SoilProperties, state: GroundState, heat: SurfaceHeat, timestep: float
) -> GroundHeat:
    """Advance temperature and phase of snow, pond and ground by `timestep` seconds (ELM `SoilTemperature`).

    Conduction is solved first, with water as it stands; then the pond freezes, then layers melt and freeze.
    """
    grid = grid_of(state)
    return advance_layers(grid, thermal_properties(grid, soil, state), soil, state, heat, timestep)


def grid_of(state: GroundState) -> ColumnGrid:
    """Layers of snow and ground of each column."""
    return column_grid(
        state.snow_index, state.snow_thickness, state.snow_node_depth, state.snow_interface_depth
    )


def advance_layers(
    grid: ColumnGrid,
    thermal: ThermalProperties,
    soil: SoilProperties | None,
    state: GroundState,
    heat: SurfaceHeat,
    timestep: float,
) -> GroundHeat:
    """The same for ground of given thermal properties; `soil` None where it has no pores."""
    solution = solve_temperature(grid, thermal, state, heat, timestep)
    pond = freeze_pond(solution, thermal, state, heat.derivative, timestep)
    phase = change_phase(grid, soil, solution, pond.state, timestep)
    return GroundHeat(
        state=phase.state,
        ground_temperature=ground_temperature(phase.state),
        pond=pond,
        phase=phase,
        factor=solution.factor,
        budget=_heat_budget(state, heat, thermal, solution, pond, phase, timestep),
    )


def _heat_budget(
    before: GroundState,
    heat: SurfaceHeat,
    thermal: ThermalProperties,
    solution: TemperatureSolution,
    pond: PondFreezing,
    phase: PhaseChange,
    timestep: float,
) -> HeatBudget:
    """Terms of the heat balance; storage in a layer is its warming over its warming factor."""
    after = phase.state
    change = after.temperature - before.temperature
    snow = jnp.where(snow_layer_mask(before.snow_index), layered_snow_fraction(before), 0.0)
    weight = jnp.ones_like(change).at[:SNOW_LAYERS].set(snow)

    pond_change = after.pond_temperature - before.pond_temperature
    pond_surface = before.pond_fraction * (heat.pond + heat.derivative * pond_change)
    pond_storage = before.pond_fraction * thermal.pond_heat_capacity * pond_change / timestep
    surface = sum_rows(weight * (solution.source + solution.response * change)) + pond_surface
    storage = sum_rows(weight * change / solution.factor) + pond_storage
    pond_phase_change = pond.heat - pond.heat_to_snow
    return HeatBudget(
        surface=surface,
        storage=storage,
        phase_change=phase.heat,
        pond_phase_change=pond_phase_change,
        residual=surface - storage - phase.heat - pond_phase_change,
    )
