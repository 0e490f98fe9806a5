"""A case opened on a rank: cells, state, weather, tapes; everything read and checked, nothing written."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.forcing import ForcingSource, Places
from kiloland.errors import InputError
from kiloland.grid import Domain
from kiloland.land.full_means import Tracked
from kiloland.land.ledger import open_ledger
from kiloland.land.step import Settings, Weather
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.begin import Place, cold_members, read_place, read_state
from kiloland.run.case import Case, HistoryTable, LeafArea, SurfaceFlux, known_fields
from kiloland.run.cells import OwnCells, check_whole_domain
from kiloland.run.coupler_file import coupler_tape, stream_name
from kiloland.run.distribute import Members
from kiloland.run.engine import field_levels
from kiloland.run.forcing_source import open_source
from kiloland.run.full_setup import LandInputs, RunningMean, moments, read_land_inputs, surround
from kiloland.run.kinds import SOIL, kinds_of
from kiloland.run.layout import Layout
from kiloland.run.leaf_area import MonthlyLeafArea, with_bare_plants
from kiloland.run.means_columns import lengths_of
from kiloland.run.parameters import read_parameters
from kiloland.run.parts import Ground, Kind, Part, prepare
from kiloland.run.ranks import Ranks
from kiloland.run.restart import Restart
from kiloland.run.setup import zenith_at_ends
from kiloland.run.stream_fields import StreamSource
from kiloland.run.surface import Surface
from kiloland.run.tape import Tape
from kiloland.variables import SUBGRID_DIMENSIONS

logger = logging.getLogger(__name__)


@dataclass
class Model:
    """A run on one rank. The parts and the tapes' accumulators advance; the rest stays."""

    case: Case
    ranks: Ranks
    cells: OwnCells
    domain: Domain
    restart: Restart
    parts: list[Part]
    """The kinds of columns that there are, none of them empty."""
    layout: Layout
    members: Members
    source: ForcingSource
    streams: StreamSource
    """What falls on the land and lives on it, for history alone."""
    leaf_area: MonthlyLeafArea | None
    """Of soil columns."""
    settings: Settings
    inputs: LandInputs | None
    """Traits and tables of a run of all processes."""
    running_mean: RunningMean
    tapes: list[Tape]
    time: int
    """Seconds since 0001-01-01: the states belong to this moment."""

    def surround(self, weather: Weather, cells: np.ndarray, first: int, count: int) -> Any:
        """The inputs of steps from a moment on, as the processes take them.

        Args:
            weather: series above columns.
            cells: of these columns.
            first: start of the first step.
            count: steps that are computed; the series may be longer.
        """
        if self.inputs is None:
            return weather
        step, latitude = self.case.case.step_seconds, self.domain.latitude[cells]
        ends = first + step * np.arange(1, count + 1, dtype=np.int64)
        surroundings = surround(
            weather,
            first,
            step,
            latitude,
            self.inputs.deposition_of(ends, cells),
            self.running_mean,
            self.case.case.orbital_year,
        )
        return moments(surroundings, first, step, latitude, self.restart.begun)

    def impose_leaf_area(self, part: Part, number: int, state: Any) -> Any:
        """The state of a block with the plants of today, where they come from the surface file."""
        if self.leaf_area is None or part.kind.name != SOIL:
            return state
        return self.leaf_area.impose(state, part.blocks[number], self.time)


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
        place = read_place(case, ranks)
    cold = resume_from is None and case.input.restart is None
    members = cold_members(case, place, ranks) if cold else None
    with ranks.agreement():
        restart = read_state(case, place, resume_from, members)
        kinds = kinds_of(case.case.surface_flux)
        groups = [kind.find(restart) for kind in kinds]
    _check_columns(groups, restart, ranks)
    slots = [max(ranks.gather(group.slots if group.columns else 1)) for group in groups]
    with ranks.agreement():
        chosen = [item for item in zip(kinds, groups, slots, strict=True) if item[1].columns]
        model = _assemble(case, ranks, place, restart, chosen)
        _first_plants(model)
        if cold:
            _first_albedo(model)
    return model


def _check_columns(groups: list[ColumnGroup], restart: Restart, ranks: Ranks) -> None:
    """Refuse a domain, or a rank, without any column that is computed; all ranks together."""
    what = "soil column" if len(groups) == 1 else "column"
    everywhere = ranks.gather(sum(group.columns for group in groups))
    if sum(everywhere) == 0:
        raise InputError(f"no active {what} in the whole domain", file=restart.path)
    if 0 in everywhere:
        raise InputError(
            f"a rank without any {what}",
            file=restart.path,
            where=f"rank {everywhere.index(0)}",
            hint="use fewer ranks or another partition",
        )


def _assemble(
    case: Case,
    ranks: Ranks,
    place: Place,
    restart: Restart,
    chosen: list[tuple[Kind, ColumnGroup, int]],
) -> Model:
    domain, step = place.domain, case.case.step_seconds
    places = Places(domain.longitude, domain.latitude, domain.gridcell_id)
    inputs = _land_inputs(case, domain)
    ground = Ground(
        place.surface, place.cells.positions, domain.latitude, read_parameters(case.input.parameters), inputs
    )
    parts = [_part(case, restart, ground, *item) for item in chosen]
    layout = Layout(
        groups=tuple(part.group for part in parts),
        landunits=tuple(part.kind.landunit for part in parts),
        scales=tuple(part.kind.scale(part.group, ground) for part in parts),
        cells=len(place.cells.ordinals),
    )
    return Model(
        case=case,
        ranks=ranks,
        cells=place.cells,
        domain=domain,
        restart=restart,
        parts=parts,
        layout=layout,
        members=Members(restart.rows, {k: restart.dimensions[k] for k in SUBGRID_DIMENSIONS}, ranks),
        source=open_source(case, places),
        streams=StreamSource.open(case, places),
        leaf_area=_leaf_area(case, place.surface, parts),
        settings=Settings(timestep=float(step), lengths=lengths_of(restart, step) if inputs else None),
        inputs=inputs,
        running_mean=RunningMean.of(restart, step),
        tapes=_open_tapes(case, parts),
        time=restart.seconds,
    )


def _part(case: Case, restart: Restart, ground: Ground, kind: Kind, group: ColumnGroup, slots: int) -> Part:
    prepared = prepare(kind, group, ground, case.compute.columns_per_block, slots)
    return Part(
        kind=kind,
        prepared=prepared,
        states=kind.load(restart, group, prepared.blocks),
        ledgers=[open_ledger(len(block.column_take)) for block in prepared.blocks],
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


def _leaf_area(case: Case, surface: Surface, parts: list[Part]) -> MonthlyLeafArea | None:
    soil = [part for part in parts if part.kind.name == SOIL]
    if case.input.leaf_area is LeafArea.INITIAL or not soil:
        return None
    return MonthlyLeafArea.of(surface, soil[0].group, case.case.surface_flux is SurfaceFlux.FULL)


def _open_tapes(case: Case, parts: list[Part]) -> list[Tape]:
    """The tapes of history, then those of the coupler."""
    tapes = [
        _open_tape(case, parts, f"h{number}", table, f"history[{number}].fields")
        for number, table in enumerate(case.history)
    ]
    for exchange in case.coupler:
        tape = _open_tape(case, parts, stream_name(exchange), coupler_tape(exchange), "coupler")
        tape.of_coupler = True
        tapes.append(tape)
    return tapes


def _open_tape(case: Case, parts: list[Part], stream: str, table: HistoryTable, where: str) -> Tape:
    variables, known = table.variables(), known_fields(case.case.surface_flux)
    for variable in variables:
        if variable.name not in known:
            raise InputError(
                "this field is not computed yet",
                variable=variable.name,
                where=where,
                expected=", ".join(known),
            )
    shapes = tuple(field_levels(variable.name) for variable in variables)
    told = tuple(
        tuple(i for i, variable in enumerate(variables) if variable.name in part.kind.physics.fields)
        for part in parts
    )
    tape = Tape(stream, table, variables, shapes, case.start, fields_of=told)
    tape.restart_accumulators(parts)
    return tape


def _first_plants(model: Model) -> None:
    """Plants of today where snow may bury them: they are in no restart."""
    for part in model.parts:
        if isinstance(part.states[0], Tracked):
            part.states = [model.impose_leaf_area(part, i, state) for i, state in enumerate(part.states)]


def _first_albedo(model: Model) -> None:
    """Leaf area and albedos at the start of a cold start, as the end of a step before it would leave them."""
    step = model.case.case.step_seconds
    zenith = zenith_at_ends(
        model.time - step,
        step,
        1,
        model.domain.longitude,
        model.domain.latitude,
        model.case.case.orbital_year,
    )[0]
    for part in model.parts:
        albedo = jax.jit(part.kind.physics.albedo)
        for number, (block, constants) in enumerate(zip(part.blocks, part.prepared.constants, strict=True)):
            state = model.impose_leaf_area(part, number, part.states[number])
            if isinstance(state, Tracked) and state.plants is not None:
                state = with_bare_plants(state, constants)
            on_columns = jnp.asarray(zenith[part.group.gridcell[block.column_take]])
            part.states[number] = albedo(state, on_columns, constants)
