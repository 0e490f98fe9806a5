"""A case opened on a rank: cells, state, weather, tapes; everything read and checked, nothing written."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.forcing import ForcingSource, Places
from kiloland.atmosphere.interpolate import ConservingCosineZenith, TimeCycle
from kiloland.atmosphere.orbit import orbital_parameters
from kiloland.atmosphere.record import RecordSource
from kiloland.atmosphere.site import SiteSource
from kiloland.atmosphere.streams import DATM_METHODS, StreamSource, daymet_streams
from kiloland.errors import InputError
from kiloland.files import Rearranger
from kiloland.grid import Domain, read_domain
from kiloland.land.ledger import Ledger, open_ledger
from kiloland.land.state import LandState
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import Block, ColumnGroup
from kiloland.run.case import AtmosphereKind, Case, LeafArea, SurfaceFlux
from kiloland.run.cells import OwnCells, check_whole_domain, own_cells
from kiloland.run.clock import date_label
from kiloland.run.distribute import Members
from kiloland.run.engine import field_levels, split_state
from kiloland.run.full_setup import (
    LandInputs,
    RunningMean,
    land_constants,
    read_land_inputs,
    surround,
)
from kiloland.run.initial import cold_start, existing_patches
from kiloland.run.leaf_area import MonthlyLeafArea
from kiloland.run.parameters import read_parameters
from kiloland.run.physics import Physics, physics_of
from kiloland.run.ranks import Ranks
from kiloland.run.restart import Restart, load_state, read_restart, soil_columns
from kiloland.run.setup import PreparedGroup, prepare_group, zenith_at_ends
from kiloland.run.surface import COORDINATE_TOLERANCE, Surface, read_surface
from kiloland.run.tape import Tape
from kiloland.variables import SUBGRID_DIMENSIONS

logger = logging.getLogger(__name__)


@dataclass
class Model:
    """A run on one rank. ``states`` and the tapes' accumulators advance; the rest stays."""

    case: Case
    ranks: Ranks
    cells: OwnCells
    domain: Domain
    restart: Restart
    prepared: PreparedGroup
    members: Members
    source: ForcingSource
    leaf_area: MonthlyLeafArea | None
    settings: Settings
    physics: Physics
    inputs: LandInputs | None
    """Traits and tables of a run of all processes."""
    running_mean: RunningMean
    states: list[LandState]
    ledgers: list[Ledger]
    tapes: list[Tape]
    time: int
    """Seconds since 0001-01-01: the states belong to this moment."""

    def surround(self, weather: Weather, block: Block, first: int) -> Any:
        """The inputs of a block's steps from a moment on, as its processes take them."""
        if self.inputs is None:
            return weather
        cells = self.prepared.group.gridcell[block.column_take]
        return surround(
            weather,
            first,
            self.case.case.step_seconds,
            self.domain.latitude[cells],
            self.inputs.deposition[:, cells],
            self.running_mean,
            self.case.case.orbital_year,
        )


def open_model(case: Case, ranks: Ranks, resume_from: Path | None = None) -> Model:
    """Read and check all inputs of a case for this rank's cells.

    Args:
        case: the case.
        ranks: this process among its peers.
        resume_from: restart of a set of this run; else the case's initial restart or a cold start.

    Raises:
        InputError: whatever is wrong with an input, on all ranks.
    """
    check_whole_domain(case.input.domain, ranks)
    with ranks.agreement():
        place = _read_place(case, ranks)
    cold = resume_from is None and case.input.restart is None
    numbering = number_patches(place.surface, place.cells, ranks) if cold else None
    with ranks.agreement():
        restart = _read_state(case, place, resume_from, numbering)
        group = soil_columns(restart)
    everywhere = ranks.gather(group.columns)
    if sum(everywhere) == 0:
        raise InputError("no active soil column in the whole domain", file=restart.path)
    if 0 in everywhere:
        raise InputError(
            "a rank without any soil column",
            file=restart.path,
            where=f"rank {everywhere.index(0)}",
            hint="use fewer ranks or another partition",
        )
    slots = max(ranks.gather(group.slots))
    with ranks.agreement():
        model = _assemble(case, ranks, place, restart, group, slots)
        if cold:
            _first_albedo(model)
    return model


@dataclass(frozen=True)
class _Place:
    """A rank's cells and what is fixed there."""

    cells: OwnCells
    domain: Domain
    surface: Surface


def _read_place(case: Case, ranks: Ranks) -> _Place:
    cells = own_cells(case.input.domain, ranks, case.ranks.partition, case.ranks.segments)
    domain = read_domain(case.input.domain, cells.positions)
    surface = read_surface(
        case.input.surface, cells.positions, domain.longitude, domain.latitude, cells.file_cells
    )
    return _Place(cells, domain, surface)


@dataclass(frozen=True)
class PatchNumbering:
    """``first``: number of patches in all cells before each of a rank's; ``total``: on all ranks."""

    first: np.ndarray
    total: int


def number_patches(surface: Surface, cells: OwnCells, ranks: Ranks) -> PatchNumbering:
    """Number the patches of a cold start through the whole domain; all ranks together."""
    exchange = Rearranger(cells.ordinals, cells.land_cells, ranks.communicator)
    counts = exchange.to_slab(np.count_nonzero(existing_patches(surface), axis=0))
    before = ranks.gather(int(counts.sum()))
    first = sum(before[: ranks.rank]) + np.cumsum(counts) - counts
    return PatchNumbering(exchange.from_slab(first), sum(before))


def _read_state(
    case: Case, place: _Place, resume_from: Path | None, numbering: PatchNumbering | None
) -> Restart:
    if numbering is not None:
        restart = _cold_start(case, place, numbering)
    else:
        file = resume_from or case.input.restart
        if file is None:
            raise InputError("neither an initial restart nor a cold start", where="input.restart")
        restart = read_restart(file, place.cells.ordinals)
        if resume_from is None:
            _check_start(case, restart)
    _check_cells(restart, place.cells, place.domain)
    return restart


def _assemble(
    case: Case, ranks: Ranks, place: _Place, restart: Restart, group: ColumnGroup, slots: int
) -> Model:
    domain, surface = place.domain, place.surface
    parameters = read_parameters(case.input.parameters)
    prepared = prepare_group(group, surface, parameters, case.compute.columns_per_block, slots)
    inputs = _land_inputs(case, domain)
    if inputs is not None:
        prepared = _with_land_constants(prepared, surface, inputs)
    state = load_state(restart, group)
    states = [split_state(state, block) for block in prepared.blocks]
    return Model(
        case=case,
        ranks=ranks,
        cells=place.cells,
        domain=domain,
        restart=restart,
        prepared=prepared,
        members=Members(restart.rows, {k: restart.dimensions[k] for k in SUBGRID_DIMENSIONS}, ranks),
        source=open_source(case, Places(domain.longitude, domain.latitude, domain.gridcell_id)),
        leaf_area=_leaf_area(case, surface, prepared),
        settings=Settings(timestep=float(case.case.step_seconds)),
        physics=physics_of(case.case.surface_flux),
        inputs=inputs,
        running_mean=RunningMean.of(restart, case.case.step_seconds),
        states=states,
        ledgers=[open_ledger(len(block.column_take)) for block in prepared.blocks],
        tapes=_open_tapes(case, prepared),
        time=restart.seconds,
    )


def _land_inputs(case: Case, domain: Domain) -> LandInputs | None:
    """Traits and tables where the case computes all processes."""
    table = case.input
    if table.snow_optics is None or table.snow_ageing is None:
        return None
    if case.case.surface_flux is not SurfaceFlux.FULL:
        return None
    return read_land_inputs(
        table.parameters,
        table.snow_optics,
        table.snow_ageing,
        table.deposition,
        case.atmosphere.carbon_dioxide * 1.0e-6,
        domain.longitude,
        domain.latitude,
    )


def _with_land_constants(prepared: PreparedGroup, surface: Surface, inputs: LandInputs) -> PreparedGroup:
    constants = [
        land_constants(columns, prepared.group, block, surface, inputs)
        for columns, block in zip(prepared.constants, prepared.blocks, strict=True)
    ]
    return dataclasses.replace(prepared, constants=constants)


def _cold_start(case: Case, place: _Place, numbering: PatchNumbering) -> Restart:
    return cold_start(
        case.start,
        case.case.step_seconds,
        place.surface,
        place.domain.longitude,
        place.domain.latitude,
        place.cells.ordinals,
        place.cells.land_cells,
        numbering.first,
        numbering.total,
    )


def _check_start(case: Case, restart: Restart) -> None:
    """Refuse an initial restart of another date or another time step."""
    found = restart.seconds
    if found != case.start:
        raise InputError(
            "the restart is of another date than the start of the case",
            file=case.input.restart,
            found=date_label(found),
            expected=date_label(case.start),
        )
    if restart.scalar("timemgr_rst_step_sec") != case.case.step_seconds:
        raise InputError(
            "the restart was made with another time step",
            file=case.input.restart,
            variable="timemgr_rst_step_sec",
            found=restart.scalar("timemgr_rst_step_sec"),
            expected=case.case.step_seconds,
        )


def _check_cells(restart: Restart, cells: OwnCells, domain: Domain) -> None:
    if restart.dimensions["gridcell"] != cells.land_cells:
        raise InputError(
            "restart and domain differ in the number of cells",
            file=restart.path,
            found=restart.dimensions["gridcell"],
            expected=f"{cells.land_cells} land cells",
        )
    east = np.abs((restart.values["grid1d_lon"] - domain.longitude + 180.0) % 360.0 - 180.0)
    off = np.maximum(east, np.abs(restart.values["grid1d_lat"] - domain.latitude))
    bad = np.flatnonzero(off > COORDINATE_TOLERANCE)
    if len(bad):
        cell = int(bad[0])
        raise InputError(
            "restart and domain differ in their cells or their order",
            file=restart.path,
            variable="grid1d_lon, grid1d_lat",
            where=f"cell {int(cells.ordinals[cell])}",
            found=f"{restart.values['grid1d_lon'][cell]:.5f}, {restart.values['grid1d_lat'][cell]:.5f}",
            expected=f"{domain.longitude[cell]:.5f}, {domain.latitude[cell]:.5f}",
        )


def open_source(case: Case, places: Places) -> ForcingSource:
    """The weather of a case for some places, checked as far as that goes without reading all of it."""
    table, distance = case.atmosphere, None if case.atmosphere.anywhere else 0.5
    if table.kind is AtmosphereKind.ELM_SITE:
        return SiteSource.open(table.path, places, maximum_distance=distance)
    orbit = orbital_parameters(case.case.orbital_year)
    cycle = TimeCycle(table.year_first, table.year_last, table.year_align) if table.year_first else None
    sun = {"FSDS": ConservingCosineZenith()} if table.conserve_shortwave else {}
    if table.kind is AtmosphereKind.SITE:
        return RecordSource.open(
            table.path, places, orbit, cycle=cycle, methods=sun, fill=table.fill, maximum_distance=distance
        )
    if cycle is None:
        raise InputError(
            "key missing",
            where="atmosphere.year_first, atmosphere.year_last",
            expected="years of the streams",
        )
    streams = daymet_streams(table.path, cycle, {**DATM_METHODS, **sun}, prefix=table.prefix)
    return StreamSource.open(streams, places, orbit)


def _leaf_area(case: Case, surface: Surface, prepared: PreparedGroup) -> MonthlyLeafArea | None:
    if case.input.leaf_area is LeafArea.INITIAL:
        return None
    return MonthlyLeafArea.of(surface, prepared.group)


def _open_tapes(case: Case, prepared: PreparedGroup) -> list[Tape]:
    tapes = []
    known = physics_of(case.case.surface_flux).fields
    for number, table in enumerate(case.history):
        variables = table.variables()
        for variable in variables:
            if variable.name not in known:
                raise InputError(
                    "this field is not computed yet",
                    variable=variable.name,
                    where=f"history[{number}].fields",
                    expected=", ".join(known),
                )
        shapes = tuple(field_levels(variable.name) for variable in variables)
        tape = Tape(number, table, variables, shapes, case.start)
        tape.restart_accumulators(prepared.blocks)
        tapes.append(tape)
    return tapes


def _first_albedo(model: Model) -> None:
    """Leaf area and albedos at the start of a cold start, as the end of a step before it would leave them."""
    step, albedo = model.case.case.step_seconds, jax.jit(model.physics.albedo)
    zenith = zenith_at_ends(
        model.time - step,
        step,
        1,
        model.domain.longitude,
        model.domain.latitude,
        model.case.case.orbital_year,
    )[0]
    for number, (block, constants) in enumerate(
        zip(model.prepared.blocks, model.prepared.constants, strict=True)
    ):
        state = model.states[number]
        if model.leaf_area is not None:
            state = model.leaf_area.impose(state, block, model.time)
        on_columns = jnp.asarray(zenith[model.prepared.group.gridcell[block.column_take]])
        model.states[number] = albedo(state, on_columns, constants)
