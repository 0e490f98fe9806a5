"""A few steps from one of ELM's restarts to the next, for proofs: ``kiloland step``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from kiloland.atmosphere.calendar import ModelTimes
from kiloland.atmosphere.forcing import ForcingSource, Places
from kiloland.atmosphere.site import SiteSource
from kiloland.errors import InputError
from kiloland.files import write_dataset
from kiloland.land.full_means import Moment
from kiloland.land.state import LandState
from kiloland.land.step import (
    PrescribedFlux,
    Settings,
    Weather,
    renew_albedo,
    step_with_prescribed_flux,
)
from kiloland.land.subgrid import LANES, round_up
from kiloland.run.case import SurfaceFlux
from kiloland.run.clock import date_of_seconds
from kiloland.run.engine import join_states, split_state, weather_series
from kiloland.run.full_setup import (
    LandInputs,
    RunningMean,
    land_inputs_of_namelist,
    moments,
    surround,
)
from kiloland.run.kinds import kinds_of
from kiloland.run.means_columns import lengths_of
from kiloland.run.namelist import ElmSettings, find_input, read_namelists
from kiloland.run.parameters import read_parameters
from kiloland.run.parts import Ground, Values, prepare
from kiloland.run.physics import Physics
from kiloland.run.prescribe import PrescribedTape
from kiloland.run.restart import (
    Restart,
    expand_state,
    load_state,
    read_restart,
    restart_schema,
    soil_columns,
    with_date,
)
from kiloland.run.setup import PreparedGroup, prepare_group, zenith_at_ends
from kiloland.run.surface import Surface, read_surface, surface_positions

logger = logging.getLogger(__name__)

NOT_SIMULATED = (
    "water and energy of all columns and running means are advanced; "
    "vegetation, carbon and nutrients are carried"
)


@dataclass(frozen=True)
class ElmCase:
    """A restart of ELM with everything a step needs, in one block."""

    settings: ElmSettings
    restart: Restart
    prepared: PreparedGroup
    state: LandState
    source: ForcingSource
    longitude: np.ndarray
    latitude: np.ndarray
    surface: Surface
    folders: tuple[Path, ...]
    """Where the inputs of the namelist are."""

    def land_inputs(self) -> LandInputs:
        """Traits and tables that the namelist names.

        Raises:
            InputError: a file or a variable that is missing or unfit.
        """
        return land_inputs_of_namelist(
            self.settings.namelist, self.settings.parameters, self.folders, self.longitude, self.latitude
        )

    @property
    def start(self) -> int:
        """Date of the restart in seconds since 0001-01-01."""
        return self.restart.seconds


def open_elm_case(restart_file: Path, namelist: Path, folders: Sequence[Path]) -> ElmCase:
    """Read a restart and the inputs that a namelist names.

    Raises:
        InputError: anything missing, unreadable, or of other cells than the restart.
    """
    settings = read_namelists(namelist)
    restart = read_restart(restart_file)
    group = soil_columns(restart)
    if group.columns == 0:
        raise InputError("no active soil column", file=restart_file)
    longitude, latitude = restart.values["grid1d_lon"], restart.values["grid1d_lat"]
    surface_file = find_input(settings.surface, folders)
    positions = surface_positions(surface_file, restart.values["grid1d_ixy"], restart.values["grid1d_jxy"])
    surface = read_surface(surface_file, positions, longitude, latitude)
    prepared = prepare_group(
        group,
        surface,
        read_parameters(find_input(settings.parameters, folders)),
        round_up(group.columns, 64),
    )
    places = Places(longitude, latitude)
    return ElmCase(
        settings=settings,
        restart=restart,
        prepared=prepared,
        state=split_state(load_state(restart, group), prepared.blocks[0]),
        source=SiteSource.open(find_input(settings.site_forcing, folders), places, maximum_distance=None),
        longitude=longitude,
        latitude=latitude,
        surface=surface,
        folders=tuple(folders),
    )


def weather_of_steps(case: ElmCase, first: int, count: int) -> Weather:
    """Weather of consecutive steps on the padded columns of the block."""
    cells = case.prepared.group.gridcell[case.prepared.blocks[0].column_take]
    return weather_above(case, first, count, cells)


def weather_above(case: ElmCase, first: int, count: int, cells: np.ndarray) -> Weather:
    """Weather of consecutive steps above columns, by the positions of their cells."""
    times = ModelTimes(first, case.settings.timestep, count)
    forcing = case.source.load(times, np.arange(len(case.longitude)))
    zenith = zenith_at_ends(
        first, case.settings.timestep, count, case.longitude, case.latitude, case.settings.orbital_year
    )
    return weather_series(forcing, zenith, cells, count)


def run_steps(case: ElmCase, count: int) -> Values:
    """The restart variables after so many steps of all kinds of columns; vegetation stays as it is."""
    restart, timestep = case.restart, case.settings.timestep
    inputs = case.land_inputs()
    path = case.surface.path
    positions = surface_positions(path, restart.values["grid1d_ixy"], restart.values["grid1d_jxy"])
    parameters = read_parameters(find_input(case.settings.parameters, case.folders))
    ground = Ground(case.surface, positions, case.latitude, parameters, inputs)
    settings = Settings(timestep=float(timestep), lengths=lengths_of(restart, timestep))
    values = dict(restart.values)
    for kind in kinds_of(SurfaceFlux.FULL):
        group = kind.find(restart)
        if not group.columns:
            continue
        width = round_up(group.columns, LANES * kind.together)
        prepared = prepare(kind, group, ground, width, group.slots)
        (state,) = kind.load(restart, group, prepared.blocks)
        for start in range(case.start, case.start + count * timestep, timestep):
            moment = _moment(case, inputs, start, group.gridcell[prepared.blocks[0].column_take])
            state = _advance(state, moment, prepared.constants[0], settings, kind.physics)
        kind.lay(restart, values, group, prepared.blocks, [state])
    return values


def _moment(case: ElmCase, inputs: LandInputs, start: int, cells: np.ndarray) -> Moment:
    """What surrounds columns in the step that begins then."""
    timestep, latitude = case.settings.timestep, case.latitude[cells]
    surroundings = surround(
        weather_above(case, start, 1, cells),
        start,
        timestep,
        latitude,
        inputs.deposition_of(np.array([start + timestep]), cells),
        RunningMean.of(case.restart, timestep),
        case.settings.orbital_year,
    )
    one: Moment = jax.tree.map(
        lambda values: values[0], moments(surroundings, start, timestep, latitude, case.restart.begun)
    )
    return one


@partial(jax.jit, static_argnames=("settings", "physics"))
def _advance(state: Any, moment: Moment, constants: Any, settings: Settings, physics: Physics) -> Any:
    return physics.step(state, moment, constants, settings)[0]


def run_prescribed_steps(case: ElmCase, count: int, tape: PrescribedTape) -> LandState:
    """The state of the group after so many steps that a tape drives."""
    settings, constants = Settings(timestep=float(case.settings.timestep)), case.prepared.constants[0]
    group, block = case.prepared.group, case.prepared.blocks[0]
    series = weather_of_steps(case, case.start, count)
    whole = join_states([case.state], [block], group)
    for number in range(count):
        weather = _weather_of(series, number)
        end = case.start + (number + 1) * case.settings.timestep
        fluxes: PrescribedFlux = jax.tree.map(lambda values: values[block.patch_take], tape.step(end))
        before = split_state(tape.prepare(whole, end), block)
        state, _ = _prescribed(before, weather, fluxes, constants, settings)
        imposed = tape.impose(join_states([state], [block], group), end)
        state = _albedo(split_state(imposed, block), weather.cosine_zenith_next, constants)
        whole = join_states([state], [block], group)
    return whole


def _weather_of(series: Weather, number: int) -> Weather:
    weather: Weather = jax.tree.map(lambda values: values[number], series)
    return weather


_prescribed = jax.jit(step_with_prescribed_flux, static_argnames="settings")
_albedo = jax.jit(renew_albedo)


def step_command(
    restart_file: Path,
    namelist: Path,
    folders: Sequence[Path],
    count: int,
    prescribe: Path | None,
    output: Path,
) -> None:
    """Load a restart, run some steps, write the full restart.

    Raises:
        InputError: see :func:`open_elm_case`; also a number of steps below one or beyond the tape.
        OutputError: the result cannot be written.
    """
    if count < 1:
        raise InputError("number of steps must be at least 1", found=count)
    case = open_elm_case(restart_file, namelist, folders)
    group = case.prepared.group
    logger.warning(NOT_SIMULATED)
    restart = case.restart
    if prescribe is None:
        values = run_steps(case, count)
    else:
        members = {dim: restart.dimensions[dim] for dim in ("column", "pft")}
        with PrescribedTape(prescribe, group, members) as tape:
            values = expand_state(restart, group, run_prescribed_steps(case, count, tape))
    end = case.start + count * case.settings.timestep
    dated = with_date(replace(restart, values=values), *date_of_seconds(end), end // case.settings.timestep)
    schema = restart_schema(dated, {"source": "Kiloland", "comment": NOT_SIMULATED})
    write_dataset(output, schema, dated.values)
