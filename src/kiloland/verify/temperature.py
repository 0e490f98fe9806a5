"""Evidence for temperature: from ELM's restart to its next one, forced by the heat flux of its tapes.

The flux is on the tapes as one number per patch, so the proof is exact where snow and pond do not split the
column; `surface_split` rebuilds the split fluxes for the rest. Active soil columns only. Water and ice are
those of the restart at the start of the step, the fractions of snow and pond those of the restart at its
end, which ELM sets before it solves for temperature.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_temperature, prescribed_heat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.step import ground_state
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.restart import Restart, load_state, soil_columns
from kiloland.verify.radiation import Difference, difference, merge

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

TEMPERATURE, POND, GROUND, ICE = "T_SOISNO", "TH2OSFC", "T_GRND", "H2OSOI_ICE"


@dataclass(frozen=True)
class OracleStep:
    """One step of ELM: the restarts around it and the tape record of its fluxes."""

    before: Restart
    after: Restart
    tape: Dataset
    record: int
    timestep: float = 1800.0

    def patches(self, name: str, group: ColumnGroup) -> Values:
        """A patch vector of the tape, for the patches of a group."""
        return np.asarray(self.tape[name].read(self.record), np.float64)[..., group.patch_row]

    def columns(self, name: str, group: ColumnGroup) -> Values:
        """A column vector of the tape, for the columns of a group."""
        return np.asarray(self.tape[name].read(self.record), np.float64)[..., group.column_row]

    def cells(self, name: str, group: ColumnGroup) -> Values:
        """A topounit vector of the tape (one for each cell), for the columns of a group."""
        return np.asarray(self.tape[name].read(self.record), np.float64)[..., group.gridcell]


@dataclass(frozen=True)
class StepEvidence:
    """What a step shows.

    `compared` and the reasons to skip count columns; `phase_layers` the ground layers of compared columns
    in which water froze or melted; `residual` is the largest imbalance of heat in them, W m-2.
    """

    differences: tuple[Difference, ...]
    compared: int
    skipped_snow: int
    skipped_pond: int
    phase_layers: int
    residual: float


FluxSource = Callable[[OracleStep, ColumnGroup], SurfaceHeat]
"""How the heat into the surface of each column is obtained from a step."""


def soil_of(group: ColumnGroup, surface: Dataset) -> SoilProperties:
    """Soil properties of a group's columns from ELM's surface file."""
    texture = (
        jnp.asarray(surface[name].values().reshape(10, -1)[:, group.gridcell])
        for name in ("PCT_SAND", "PCT_CLAY", "ORGANIC")
    )
    return soil_properties(*texture)


def prescribed_flux(step: OracleStep, group: ColumnGroup) -> SurfaceHeat:
    """`EFLX_GNET` and `DGNETDT`: the flux before the temperature answers, and its derivative."""
    flux, derivative = step.patches("EFLX_GNET", group), step.patches("DGNETDT", group)
    return prescribed_heat(column_mean(flux, group), column_mean(derivative, group))


def total_flux(step: OracleStep, group: ColumnGroup) -> SurfaceHeat:
    """`EFLX_SOIL_GRND`: the flux of the whole step, with no derivative.

    The same temperatures follow as long as the first soil layer does not change phase.
    """
    mean = column_mean(step.patches("EFLX_SOIL_GRND", group), group)
    return prescribed_heat(mean, jnp.zeros_like(mean))


def column_mean(values: Values, group: ColumnGroup) -> jax.Array:
    """Weighted mean over the patches of each column, patch by patch in file order."""
    mean = np.zeros((*values.shape[:-1], group.columns))
    for patch in range(group.patches):
        mean[..., group.patch_column[patch]] += group.patch_weight[patch] * values[..., patch]
    return jnp.asarray(mean)


def state_during(before: GroundState, after: GroundState) -> GroundState:
    """The state that ELM solves with: fractions of the step, and a vanished pond drained into the soil."""
    drained = jnp.where(after.pond_fraction == 0.0, before.pond_water, 0.0)
    return dataclasses.replace(
        before,
        pond_fraction=after.pond_fraction,
        effective_snow_fraction=after.effective_snow_fraction,
        liquid_water=before.liquid_water.at[SNOW_LAYERS].add(drained),
    )


def restart_ground(restart: Restart, group: ColumnGroup) -> GroundState:
    """The part of a restart that the heat balance reads."""
    return ground_state(load_state(restart, group))


def bare_and_dry(before: GroundState, after: GroundState) -> tuple[Mask, Mask]:
    """Columns with snow, and columns without snow but with a pond, at any time of a step."""
    snow = (np.asarray(before.snow_water) > 0.0) | (np.asarray(after.snow_water) > 0.0)
    snow |= np.asarray(before.snow_index) < 0
    pond = np.asarray(after.pond_fraction) > 0.0
    return snow, pond & ~snow


def step_evidence(
    step: OracleStep, soil: SoilProperties, source: FluxSource = prescribed_flux
) -> StepEvidence:
    """One step without snow and pond, against the next restart."""
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    snow, pond = bare_and_dry(before, after)
    result = advance(soil, state_during(before, after), source(step, group), step.timestep)
    return compare_step(
        result, step, after, group, ~(snow | pond), snow=int(snow.sum()), pond=int(pond.sum())
    )


def compare_step(
    result: GroundHeat,
    step: OracleStep,
    after: GroundState,
    group: ColumnGroup,
    chosen: Mask,
    *,
    snow: int = 0,
    pond: int = 0,
) -> StepEvidence:
    """Compare the temperatures of chosen columns with the restart after a step.

    Ice is compared below the first layer: hydrology, which follows in the step, does not move it.
    """
    rows = np.concatenate(
        [np.asarray(snow_layer_mask(after.snow_index)), np.ones_like(after.temperature[SNOW_LAYERS:], bool)]
    )
    layers, ours = rows & chosen, result.state
    below = layers & (np.arange(len(rows)) > SNOW_LAYERS)[:, None]
    ground = np.asarray(step.after.values[GROUND], np.float64)[group.column_row]
    found = (
        difference(TEMPERATURE, np.asarray(ours.temperature), np.asarray(after.temperature), layers),
        difference(POND, np.asarray(ours.pond_temperature), np.asarray(after.pond_temperature), chosen),
        difference(GROUND, np.asarray(result.ground_temperature), ground, chosen),
        difference(ICE, np.asarray(ours.ice), np.asarray(after.ice), below),
    )
    active = np.asarray(result.phase.phase)[SNOW_LAYERS:] > 0
    residual = np.abs(np.asarray(result.budget.residual))
    return StepEvidence(
        differences=found,
        compared=int(chosen.sum()),
        skipped_snow=snow,
        skipped_pond=pond,
        phase_layers=int((active & chosen).sum()),
        residual=float(np.where(chosen, residual, 0.0).max(initial=0.0)),
    )


def carried_evidence(steps: Sequence[OracleStep], soil: SoilProperties) -> StepEvidence:
    """Consecutive steps with our own temperatures carried on, water and ice from ELM's restarts.

    A column starts anew from ELM's temperatures after every step that snow or pond makes unfit.
    """
    group = soil_columns(steps[0].before)
    carried: jax.Array | None = None
    evidence = []
    for step in steps:
        before, after = restart_ground(step.before, group), restart_ground(step.after, group)
        snow, pond = bare_and_dry(before, after)
        during = state_during(before, after)
        if carried is not None:
            during = dataclasses.replace(during, temperature=carried)
        result = advance(soil, during, prescribed_flux(step, group), step.timestep)
        fit = ~(snow | pond)
        evidence.append(
            compare_step(result, step, after, group, fit, snow=int(snow.sum()), pond=int(pond.sum()))
        )
        carried = jnp.where(fit, result.state.temperature, after.temperature)
    return combined(evidence)


def combined(evidence: Iterable[StepEvidence]) -> StepEvidence:
    """Evidence of several steps: largest differences, counts added."""
    items = list(evidence)
    return StepEvidence(
        differences=tuple(merge(found for item in items for found in item.differences).values()),
        compared=sum(item.compared for item in items),
        skipped_snow=sum(item.skipped_snow for item in items),
        skipped_pond=sum(item.skipped_pond for item in items),
        phase_layers=sum(item.phase_layers for item in items),
        residual=max((item.residual for item in items), default=0.0),
    )


def advance(soil: SoilProperties, state: GroundState, heat: SurfaceHeat, timestep: float) -> GroundHeat:
    """`advance_temperature`, compiled."""
    result: GroundHeat = _advance(soil, state, heat, timestep)
    return result


_advance = jax.jit(advance_temperature, static_argnames="timestep")
