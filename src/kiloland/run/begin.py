"""What a run begins with on a rank: its cells, their members, and the restart that holds their state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.grid import Domain, read_domain
from kiloland.run.case import Case, SurfaceFlux
from kiloland.run.cells import OwnCells, own_cells
from kiloland.run.clock import date_label
from kiloland.run.initial import cold_start
from kiloland.run.members import Columns, Numbering, Patches, columns_of, number_members, patches_of
from kiloland.run.ranks import Ranks
from kiloland.run.restart import Restart, read_restart
from kiloland.run.surface import COORDINATE_TOLERANCE, Surface, read_surface


@dataclass(frozen=True)
class Place:
    """A rank's cells and what is fixed there."""

    cells: OwnCells
    domain: Domain
    surface: Surface


def read_place(case: Case, ranks: Ranks) -> Place:
    """The cells of this rank with their surface.

    Raises:
        InputError: see :func:`~kiloland.grid.read_domain`, :func:`~kiloland.run.surface.read_surface`.
    """
    cells = own_cells(case.input.domain, ranks, case.ranks.partition, case.ranks.segments)
    domain = read_domain(case.input.domain, cells.positions)
    surface = read_surface(
        case.input.surface, cells.positions, domain.longitude, domain.latitude, cells.file_cells
    )
    return Place(cells, domain, surface)


@dataclass(frozen=True)
class ColdMembers:
    """The members of a cold start and their numbers."""

    columns: Columns
    patches: Patches
    numbering: Numbering


def cold_members(case: Case, place: Place, ranks: Ranks) -> ColdMembers:
    """What a cold start consists of; all ranks together."""
    with ranks.agreement():
        all_kinds = case.case.surface_flux is SurfaceFlux.FULL
        columns = columns_of(place.surface, place.cells.positions, all_kinds)
        patches = patches_of(columns, place.surface)
    return ColdMembers(columns, patches, number_members(columns, patches, place.cells, ranks))


def read_state(case: Case, place: Place, resume_from: Path | None, members: ColdMembers | None) -> Restart:
    """The restart that a run begins with: of a set of this run, the case's own, or that of a cold start.

    Raises:
        InputError: another date, time step or other cells than the case has.
    """
    if members is not None:
        restart = _cold_start(case, place, members)
    else:
        file = resume_from or case.input.restart
        if file is None:
            raise InputError("neither an initial restart nor a cold start", where="input.restart")
        restart = read_restart(file, place.cells.ordinals)
        if resume_from is None:
            _check_start(case, restart)
    _check_cells(restart, place.cells, place.domain)
    return restart


def _cold_start(case: Case, place: Place, members: ColdMembers) -> Restart:
    return cold_start(
        case.start,
        case.case.step_seconds,
        place.surface,
        place.domain.longitude,
        place.domain.latitude,
        place.cells.ordinals,
        place.cells.land_cells,
        members.columns,
        members.patches,
        members.numbering,
        case.case.surface_flux is SurfaceFlux.FULL,
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
