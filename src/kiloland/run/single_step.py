"""A few steps from one of ELM's restarts to the next, for proofs: ``kiloland step``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from kiloland.atmosphere.calendar import ModelTimes
from kiloland.atmosphere.forcing import ForcingSource, Places
from kiloland.atmosphere.site import SiteSource
from kiloland.errors import InputError
from kiloland.land.full_inputs import Surroundings
from kiloland.land.full_step import step_of_water_and_energy
from kiloland.land.state import LandState
from kiloland.land.step import (
    PrescribedFlux,
    Settings,
    Weather,
    renew_albedo,
    step_with_prescribed_flux,
)
from kiloland.land.subgrid import round_up
from kiloland.run.clock import date_of_seconds
from kiloland.run.engine import join_states, split_state, weather_series
from kiloland.run.full_setup import (
    LandInputs,
    RunningMean,
    land_constants,
    land_inputs_of_namelist,
    surround,
)
from kiloland.run.namelist import ElmSettings, find_input, read_namelists
from kiloland.run.other_columns import StepRequest, with_other_columns
from kiloland.run.parameters import read_parameters
from kiloland.run.prescribe import PrescribedTape
from kiloland.run.restart import Restart, load_state, read_restart, soil_columns, with_date, write_restart
from kiloland.run.setup import PreparedGroup, prepare_group, zenith_at_ends
from kiloland.run.surface import Surface, read_surface, surface_positions

logger = logging.getLogger(__name__)

NOT_SIMULATED = (
    "water and energy of soil, lakes, land ice and wetlands are advanced; vegetation, carbon and nutrients, "
    "towns and running means are carried"
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


def run_steps(case: ElmCase, count: int) -> LandState:
    """The state of the group after so many steps of water and energy; vegetation stays as it is."""
    settings, group, block = case.settings, case.prepared.group, case.prepared.blocks[0]
    step = Settings(timestep=float(settings.timestep))
    cells = group.gridcell[block.column_take]
    inputs = case.land_inputs()
    constants = land_constants(case.prepared.constants[0], group, block, case.surface, inputs)
    mean = RunningMean.of(case.restart, settings.timestep)
    state, start = case.state, case.start
    for _ in range(count):
        surroundings = surround(
            weather_of_steps(case, start, 1),
            start,
            settings.timestep,
            case.latitude[cells],
            inputs.deposition[:, cells],
            mean,
            settings.orbital_year,
        )
        one: Surroundings = jax.tree.map(lambda values: values[0], surroundings)
        state, _ = _full(state, one, constants, step)
        start += settings.timestep
    return join_states([state], case.prepared.blocks, group)


def run_other_columns(case: ElmCase, count: int) -> Restart:
    """The restart with its lakes, land ice and wetlands so many steps on."""
    return with_other_columns(
        StepRequest(
            restart=case.restart,
            count=count,
            timestep=case.settings.timestep,
            surface=case.surface,
            inputs=case.land_inputs(),
            weather_of=lambda start, cells: _weather_of(weather_above(case, start, 1, cells), 0),
        )
    )


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


_full = jax.jit(step_of_water_and_energy, static_argnames="settings")
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
        whole = run_steps(case, count)
        restart = run_other_columns(case, count)
    else:
        members = {dim: case.restart.dimensions[dim] for dim in ("column", "pft")}
        with PrescribedTape(prescribe, group, members) as tape:
            whole = run_prescribed_steps(case, count, tape)
    end = case.start + count * case.settings.timestep
    dated = with_date(restart, *date_of_seconds(end), end // case.settings.timestep)
    write_restart(output, dated, group, whole, {"source": "Kiloland", "comment": NOT_SIMULATED})
