"""Drift after the restart: pools written as a restart, run on by the model world, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.bars import Bar, Exhibit
from kiloland.spinup.benchmark.members import Member, pools_of
from kiloland.spinup.benchmark.world import World
from kiloland.spinup.pools import write_pools
from kiloland.spinup.restart import RestartRequest, write_restart

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


def drift_of(
    rival: str,
    pools: Mapping[str, Float],
    members: Sequence[Member],
    world: World,
    folder: Path,
    go_on: Continue,
) -> DriftRow:
    """Write the pools [cell, slot] of every member as a restart, and let the model world go on from it."""
    drift = np.full(world.cells, np.nan)
    for member in members:
        restart = restart_of(rival, pools, member, folder)
        drift[member.rows] = go_on(restart, member.folder, YEARS)
        restart.unlink()
    return DriftRow(rival, drift)


def restart_of(rival: str, pools: Mapping[str, Float], member: Member, folder: Path) -> Path:
    """The restart with these pools, in natural scale."""
    folder.mkdir(parents=True, exist_ok=True)
    slots = {name: np.nan_to_num(values[member.rows]) for name, values in pools.items()}
    file_of_pools, restart = folder / "pools.nc", folder / "restart.nc"
    write_pools(file_of_pools, pools_of(slots, member.files.restart, rival))
    write_restart(
        RestartRequest(
            restart=member.files.restart,
            pools=file_of_pools,
            output=restart,
            spinup_state=0,
            surface=member.files.surface,
            parameters=member.files.parameters,
        )
    )
    file_of_pools.unlink()
    return restart


def drift_exhibit(rows: Sequence[DriftRow], world: World, test: Int, best: str) -> Exhibit:
    """Share of land in equilibrium after each restart; the bar is for the row ``best`` on the test cells."""
    everything = np.arange(world.cells)
    body = tuple(
        (
            row.rival,
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
        "ecosystem carbon a year, averaged over the years. Percentiles of the test cells in gC m-2 yr-1.",
        ("row", "land below 1, test cells", "land below 1, all cells", "median", "95 %", "99 %"),
        body,
        (bar,),
    )
