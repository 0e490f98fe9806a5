"""Columns without plants in ``kiloland step``: lakes, land ice and wetlands, advanced beside the soil."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.biophysics.unvegetated_ground import GroundKind
from kiloland.land.full_inputs import Surroundings
from kiloland.land.ice_step import IceConstants, ice_step
from kiloland.land.lake_step import lake_step
from kiloland.land.state import LandState
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import LANES, ColumnGroup, ColumnType, round_up
from kiloland.run.full_setup import LandInputs, RunningMean
from kiloland.run.lake_columns import lake_columns, lake_constants, lay_lakes, load_lakes, read_lake_shape
from kiloland.run.restart import Restart, active_columns, expand_state, load_state
from kiloland.run.surface import Surface, surface_positions

_Tree = TypeVar("_Tree")
WeatherOf = Callable[[int, np.ndarray], Weather]
"""The weather of the step that begins then (s since 0001-01-01) above some cells."""
KINDS = {ColumnType.GLACIER: GroundKind.GLACIER, ColumnType.WETLAND: GroundKind.WETLAND}


@dataclasses.dataclass(frozen=True)
class StepRequest:
    """Steps from a restart: how many, and what they need."""

    restart: Restart
    count: int
    timestep: int
    surface: Surface
    inputs: LandInputs
    weather_of: WeatherOf

    def starts(self) -> range:
        """The beginnings of the steps."""
        begin = self.restart.seconds
        return range(begin, begin + self.count * self.timestep, self.timestep)


def with_other_columns(request: StepRequest) -> Restart:
    """The restart with its lakes, land ice and wetlands some steps on; the rest as it was."""
    restart = _with_lakes(request)
    for type_, kind in KINDS.items():
        restart = _with_ice(dataclasses.replace(request, restart=restart), type_, kind)
    return restart


def _with_lakes(request: StepRequest) -> Restart:
    restart = request.restart
    group = lake_columns(restart)
    if not group.columns:
        return restart
    take = _padding(group)
    cells = group.gridcell[take]
    values, inputs = restart.values, request.inputs
    positions = surface_positions(request.surface.path, values["grid1d_ixy"], values["grid1d_jxy"])
    shape = read_lake_shape(request.surface.path, positions[cells], values["grid1d_lat"][cells])
    constants = lake_constants(shape, request.surface, cells, inputs.snow_optics, inputs.grain_tables)
    state = _widened(load_lakes(restart, group), take)
    deposition = jnp.asarray(inputs.deposition[:, cells])
    for start in request.starts():
        weather = request.weather_of(start, cells)
        state, _ = _lakes(state, weather, deposition, constants, Settings(float(request.timestep)))
    laid = lay_lakes(restart, group, _widened(state, np.arange(group.columns)))
    return dataclasses.replace(restart, values={**values, **laid})


def _with_ice(request: StepRequest, type_: ColumnType, kind: GroundKind) -> Restart:
    restart, inputs = request.restart, request.inputs
    group = active_columns(restart, type_)
    if not group.columns:
        return restart
    take = _padding(group)
    cells = group.gridcell[take]
    whole = load_state(restart, group)
    state = LandState(column=_widened(whole.column, take), patch=_widened(whole.patch, take))
    constants = IceConstants(
        melt_shape=melt_shape(jnp.asarray(request.surface.elevation_deviation[cells])),
        snow_optics=inputs.snow_optics,
        grain_tables=inputs.grain_tables,
    )
    mean = RunningMean.of(restart, request.timestep)
    for start in request.starts():
        surroundings = Surroundings(
            weather=request.weather_of(start, cells),
            day_length_factor=jnp.ones(len(take)),
            deposition=jnp.asarray(inputs.deposition[:, cells]),
            ten_day_samples=jnp.asarray(mean.samples(start, request.timestep, 1)[0]),
            vegetation=None,
        )
        state, _ = _ice(state, surroundings, constants, settings=Settings(float(request.timestep)), kind=kind)
    own = np.arange(group.columns)
    cut = LandState(column=_widened(state.column, own), patch=_widened(state.patch, own))
    return dataclasses.replace(restart, values=expand_state(restart, group, cut))


def _padding(group: ColumnGroup) -> np.ndarray:
    """Positions of the columns, then of the last one again."""
    return np.minimum(np.arange(round_up(group.columns, LANES)), group.columns - 1)


def _widened(part: _Tree, take: np.ndarray) -> _Tree:
    wide: _Tree = jax.tree.map(lambda values: jnp.asarray(np.asarray(values)[..., take]), part)
    return wide


_lakes = jax.jit(lake_step, static_argnames="settings")
_ice = jax.jit(ice_step, static_argnames=("settings", "kind"))
