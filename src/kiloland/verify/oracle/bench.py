"""One run on the workbench: everything that a process may ask of it, read when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.land.parameters import Parameters
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.clock import seconds_of_date
from kiloland.run.namelist import ElmSettings, find_input, read_namelists
from kiloland.run.parameters import read_largest_drainage, read_parameters
from kiloland.run.restart import Restart, read_restart, soil_columns
from kiloland.run.surface import Surface, read_surface, surface_positions
from kiloland.verify.oracle.material import Material, RunEntry
from kiloland.verify.oracle.tapes import Shelf, StepTape, tapes_of_run
from kiloland.verify.temperature import OracleStep

UNEXPECTED = (ValueError, TypeError, KeyError, IndexError, OverflowError, ZeroDivisionError)
"""What arithmetic and indexing raise on material that is nothing of what the readers foresee."""


@dataclass(frozen=True)
class DatedRestart:
    """A restart and its date in seconds since 0001-01-01."""

    time: int
    restart: Restart

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.restart.path.name


@dataclass(frozen=True)
class StepStart:
    """A restart at the start of a step, with the tape record of that step."""

    before: DatedRestart
    tape: StepTape
    record: int


class Bench:
    """The content of one run; errors of the material are :class:`~kiloland.errors.InputError`."""

    def __init__(self, run: RunEntry, material: Material, shelf: Shelf) -> None:
        self.run = run
        self.material = material
        self.shelf = shelf
        self.unreadable: list[str] = []

    @cached_property
    def restarts(self) -> tuple[DatedRestart, ...]:
        """The restarts that can be read, by date; the others are in ``unreadable``."""
        found = []
        for path, date in zip(self.run.restarts, self.run.dates, strict=True):
            try:
                restart = read_restart(path)
                soil_columns(restart)
                found.append(DatedRestart(_time_of(restart, date), restart))
            except InputError as error:
                self.unreadable.append(str(error))
            except UNEXPECTED as error:
                self.unreadable.append(f"{path}: unexpected content: {type(error).__name__}: {error}")
        return tuple(sorted(found, key=lambda item: item.time))

    @cached_property
    def settings(self) -> ElmSettings:
        """What the namelists say."""
        return read_namelists(self.run.namelist)

    @cached_property
    def folders(self) -> list[Path]:
        """Input folders."""
        return self.material.input_folders(self.run)

    @cached_property
    def parameters(self) -> Parameters:
        """Plant parameters."""
        return read_parameters(find_input(self.settings.parameters, self.folders))

    @cached_property
    def largest_drainage(self) -> float:
        """Bound on base drainage, kg m-2 s-1."""
        return read_largest_drainage(find_input(self.settings.parameters, self.folders))

    @cached_property
    def surface(self) -> Surface:
        """Surface data of the cells of the restarts, which are the same in all of them."""
        if not self.restarts:
            raise InputError("no restart that can be read", file=self.run.folder)
        values = self.restarts[0].restart.values
        for item in self.restarts[1:]:
            for name in ("grid1d_lon", "grid1d_lat"):
                if not np.array_equal(item.restart.values[name], values[name]):
                    raise InputError(
                        f"other cells than in {self.restarts[0].name}", file=item.restart.path, variable=name
                    )
        path = find_input(self.run.surface or self.settings.surface, self.folders)
        positions = surface_positions(path, values["grid1d_ixy"], values["grid1d_jxy"])
        return read_surface(path, positions, values["grid1d_lon"], values["grid1d_lat"])

    @cached_property
    def site_forcing(self) -> Path:
        """Folder or file of the site forcing."""
        return find_input(self.run.forcing or self.settings.site_forcing, self.folders)

    def soil(self, group: ColumnGroup) -> SoilProperties:
        """Soil properties of a group's columns."""
        surface = self.surface
        texture = (jnp.asarray(v[:, group.gridcell]) for v in (surface.sand, surface.clay, surface.organic))
        result: SoilProperties = _soil_properties(*texture)
        return result

    @cached_property
    def tapes(self) -> tuple[StepTape, ...]:
        """Double per-step tapes of columns and patches.

        Raises:
            InputError: there is none.
        """
        dated = [(item.time, item.restart) for item in self.restarts]
        found, reasons = tapes_of_run(self.run, self.material, dated, self.shelf)
        if not found:
            raise InputError(
                "no per-step tape in double precision with column and patch vectors belongs to its restarts",
                file=self.run.folder,
                hint="; ".join(reasons) or None,
            )
        return tuple(found)

    @cached_property
    def starts(self) -> tuple[StepStart, ...]:
        """Restarts with the tape record of the step that they start.

        Raises:
            InputError: there is none.
        """
        found = []
        for item in self.restarts:
            end = item.time + self.run.timestep
            tape = next((tape for tape in self.tapes if end in tape.records), None)
            if tape is not None:
                found.append(StepStart(item, tape, tape.records[end]))
        if not found:
            raise InputError("no restart at the start of a step on its tapes", file=self.run.folder)
        return tuple(found)

    @cached_property
    def steps(self) -> tuple[OracleStep, ...]:
        """Pairs of restarts one step apart with the tape record between them, by date.

        Raises:
            InputError: there is none.
        """
        pairs = self._pairs()
        found = []
        for start in self.starts:
            after = pairs.get(start.before.name)
            if after is not None:
                found.append(
                    OracleStep(
                        before=start.before.restart,
                        after=after.restart,
                        tape=start.tape.dataset,
                        record=start.record,
                        timestep=float(self.run.timestep),
                    )
                )
        if not found:
            raise InputError(
                "no two restarts one step apart with a tape record between", file=self.run.folder
            )
        return tuple(found)

    def _pairs(self) -> dict[str, DatedRestart]:
        """Restart after one step by the name of the restart before: as listed, else by date."""
        by_name = {item.name: item for item in self.restarts}
        if self.run.pairs is None:
            listed = [(a, b) for a in self.restarts for b in self.restarts]
        else:
            listed = [(by_name[a], by_name[b]) for a, b in self.run.pairs if a in by_name and b in by_name]
        return {a.name: b for a, b in listed if b.time - a.time == self.run.timestep}


def _time_of(restart: Restart, listed: tuple[int, int]) -> int:
    """Date of a restart, which must be the listed one."""
    if restart.date != listed:
        raise InputError(
            "not of the date in the list of runs", file=restart.path, found=restart.date, expected=listed
        )
    try:
        return seconds_of_date(*restart.date)
    except InputError as error:
        raise InputError(
            error.problem, found=error.found, file=restart.path, variable="timemgr_rst_curr_ymd"
        ) from None


_soil_properties = jax.jit(soil_properties)
