"""Drift after the restart: pools written as a restart, run on by the model world, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.benchmark.bars import Bar, Exhibit
from kiloland.spinup.benchmark.members import Member
from kiloland.spinup.benchmark.world import World
from kiloland.spinup.pools import read_pools, write_pools
from kiloland.spinup.restart import RestartRequest, write_restart
from kiloland.spinup.restart.findings import Severity
from kiloland.spinup.tables import POOLS, Element, Group, Pool

Float = NDArray[np.float64]
Int = NDArray[np.int64]

LIMIT: Final = 1.0
"""gC m-2 yr-1."""
SHARE: Final = 0.99
YEARS: Final = 20


@dataclass(frozen=True)
class DriftRow:
    """Drift of ecosystem carbon of one rival, gC m-2 yr-1, [cell]; NaN where it was not run."""

    rival: str
    drift: Float

    def share(self, area: Float, cells: Int) -> float:
        """Share of the land of these cells that drifts less than the limit."""
        drift, weight = self.drift[cells], area[cells]
        there = np.isfinite(drift)
        return float(np.sum(weight[there] * (np.abs(drift[there]) < LIMIT)) / np.sum(weight[there]))

    def percentile(self, cells: Int, q: float) -> float:
        """Percentile of the size of the drift."""
        return float(np.nanpercentile(np.abs(self.drift[cells]), q))


Continue = Callable[[Path, Path, int], Float]
"""(restart, folder of the member, years) -> drift of each cell, gC m-2 yr-1."""
Start = Callable[[Member], Path]
"""A restart of a member to go on from."""


def drift_of(rival: str, start: Start, members: Sequence[Member], cells: int, go_on: Continue) -> DriftRow:
    """Let the model world go on from the restart of every member."""
    drift = np.full(cells, np.nan)
    for member in members:
        drift[member.rows] = go_on(start(member), member.folder, YEARS)
    return DriftRow(rival, drift)


def restart_from(pools: Path, member: Member, output: Path) -> Path:
    """The restart with these pools as the writer makes it. Raises ``InputError`` where it refuses."""
    output.parent.mkdir(parents=True, exist_ok=True)
    files = member.files
    report = write_restart(
        RestartRequest(
            restart=files.restart,
            pools=pools,
            output=output,
            spinup_state=0,
            surface=files.surface,
            soil_orders=soil_orders(member.folder),
            parameters=files.parameters,
        )
    )
    if report.refused:
        errors = (one.line for one in report.findings if one.severity is Severity.ERROR)
        raise InputError("the restart was refused", file=output, found="; ".join(errors))
    return output


def carbon_only(pools: Path, output: Path) -> Path:
    """The same file without N and P of plants, litter and soil, which the writer then ties to carbon."""
    whole = read_pools(pools)
    kept = {name: values for name, values in whole.values.items() if is_kept(POOLS[name])}
    output.parent.mkdir(parents=True, exist_ok=True)
    write_pools(output, replace(whole, values=kept))
    return output


def is_kept(pool: Pool) -> bool:
    """Carbon, leaf area and mineral phosphorus."""
    return pool.element in (Element.CARBON, None) or pool.group is Group.MINERAL_P


def soil_orders(folder: Path) -> Path | None:
    """The file of sorption constants of a member, where it has one."""
    path = folder / "CNP_parameters.nc"
    return path if path.is_file() else None


def drift_exhibit(rows: Sequence[DriftRow], world: World, test: Int, best: str) -> Exhibit:
    """Share of land in equilibrium after each restart; the bar is for the row ``best`` on the test cells."""
    everything = np.arange(world.cells)
    body = tuple(
        (
            row.rival,
            int(np.isfinite(row.drift).sum()),
            f"{100.0 * row.share(world.area, test):.2f} %",
            f"{100.0 * row.share(world.area, everything):.2f} %",
            *(round(row.percentile(test, q), 3) for q in (50, 95, 99)),
        )
        for row in rows
    )
    found = next((row.share(world.area, test) for row in rows if row.rival == best), None)
    bar = Bar(
        f"drift after the restart: land below {LIMIT:g} gC m-2 yr-1 within {YEARS} years, test cells",
        "at least 99 %",
        "-" if found is None else f"{100.0 * found:.2f} %",
        None if found is None else found >= SHARE,
    )
    return Exhibit(
        "Drift after the restart",
        f"Pools written with the restart writer and run on for {YEARS} years by the model world; change of "
        "ecosystem carbon a year over the last forcing cycle. Percentiles of the test cells in gC m-2 yr-1. "
        "The solver's nitrogen and phosphorus are tied to its carbon by the writer.",
        ("row", "cells", "land below 1, test cells", "land below 1, all cells", "median", "95 %", "99 %"),
        body,
        (bar,),
    )
