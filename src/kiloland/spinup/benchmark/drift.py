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
NEARLY: Final = 0.97
"""Share of the land that CTSM's criterion asks for."""
EARTH_LAND: Final = 1.48e14
"""m2."""


@dataclass(frozen=True)
class DriftRow:
    """Ecosystem carbon of one rival in each year, the start first, gC m-2 [year, cell]; NaN where not run.

    ``corrected``: carbon that corrections added at the start of each forcing cycle, gC m-2 [cycle, cell].
    """

    rival: str
    carbon: Float
    cycle: int
    corrected: Float | None = None

    @property
    def drift(self) -> Float:
        """Change a year over each forcing cycle by the run itself, gC m-2 yr-1 [cycle, cell]."""
        change = np.diff(self.carbon[:: self.cycle], axis=0)
        return np.asarray((change if self.corrected is None else change - self.corrected) / self.cycle)

    def share(self, area: Float, cells: Int, cycle: int = -1) -> float:
        """Share of the land of these cells that drifts less than the limit."""
        drift = self.drift[cycle, cells]
        return self.mean(np.where(np.isfinite(drift), np.abs(drift) < LIMIT, np.nan), area[cells])

    def percentile(self, cells: Int, q: float) -> float:
        """Percentile of the size of the last drift."""
        return float(np.nanpercentile(np.abs(self.drift[-1, cells]), q))

    def years_until(self, share: float, area: Float, cells: Int) -> int | None:
        """Years until so much of the land drifts less than the limit; None where it never does."""
        reached = (c for c in range(len(self.drift)) if self.share(area, cells, c) >= share)
        first = next(reached, None)
        return None if first is None else (first + 1) * self.cycle

    def global_drift(self, area: Float, cells: Int) -> float:
        """Mean drift of the last cycle as if these cells were all land, PgC yr-1."""
        return self.mean(self.drift[-1, cells], area[cells]) * EARTH_LAND * 1.0e-15

    def bias(self, truth: Float, area: Float, cells: Int) -> float:
        """Relative error of the carbon of these cells at the end against the truth [cell]."""
        there = np.where(np.isfinite(self.carbon[-1, cells]), truth[cells], np.nan)
        return self.mean(self.carbon[-1, cells], area[cells]) / self.mean(there, area[cells]) - 1.0

    @staticmethod
    def mean(values: Float, area: Float) -> float:
        """Area-weighted mean of what was run."""
        there = np.isfinite(values)
        return float(np.sum(area[there] * values[there]) / np.sum(area[there]))


Continue = Callable[[Path, Path, int], tuple[Float, int]]
"""(restart, folder of the member, years) -> ecosystem carbon [year, cell], and years of a forcing cycle."""
Start = Callable[[Member], Path]
"""A restart of a member to go on from."""


def drift_of(
    rival: str, start: Start, members: Sequence[Member], cells: int, years: int, go_on: Continue
) -> DriftRow:
    """Let the model world go on from the restart of every member."""
    carbon, cycle = np.full((years + 1, cells), np.nan), 1
    for member in members:
        carbon[:, member.rows], cycle = go_on(start(member), member.folder, years)
    return DriftRow(rival, carbon, cycle)


def restart_from(pools: Path, member: Member, output: Path, restart: Path | None = None) -> Path:
    """The restart with these pools as the writer makes it. Raises ``InputError`` where it refuses.

    ``restart``: whose other variables are kept; by default that of accelerated spinup.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    files = member.files
    report = write_restart(
        RestartRequest(
            restart=restart or files.restart,
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


def drift_exhibit(
    rows: Sequence[DriftRow], world: World, test: Int, best: str, truth: str, years: int
) -> Exhibit:
    """Land in equilibrium after each restart; the bar is for the row ``best`` on the test cells."""
    body = tuple(drift_line(row, rows, world, test, truth) for row in rows)
    found = next((row.share(world.area, test) for row in rows if row.rival == best), None)
    bar = Bar(
        f"drift after the restart: land below {LIMIT:g} gC m-2 yr-1 within {years} years, test cells",
        "at least 99 %",
        "-" if found is None else f"{100.0 * found:.2f} %",
        None if found is None else found >= SHARE,
    )
    return Exhibit(
        "Drift after the restart",
        "After a short run of 40 years the pools are written with the restart writer, and the model world "
        f"runs on for {years} years. Drift: change of ecosystem carbon a year over the last forcing cycle, "
        "gC m-2 yr-1. Further years: until 97 % of the land of the test cells drifts by less than 1. Global "
        "drift: as if the test cells were all land, PgC yr-1. Carbon: at the end, against the truth. The "
        "solver's N and P are tied to its carbon by the writer. Corrected: the same years in runs of one "
        "forcing cycle, after each but the last the pools are corrected by what drifted in it (`spinup solve "
        "--since`); drift is that of the last run alone; cells of the first member.",
        (
            "row", "cells", "land below 1, test", "land below 1, all", "further years", "global drift",
            "carbon", "median drift", "95 %", "99 %",
        ),
        body,
        (bar,),
    )  # fmt: skip


def drift_line(
    row: DriftRow, rows: Sequence[DriftRow], world: World, test: Int, truth: str
) -> tuple[object, ...]:
    """One line of the table."""
    everything = np.arange(world.cells)
    reached = row.years_until(NEARLY, world.area, test)
    expected = next((other.carbon[0] for other in rows if other.rival == truth), None)
    bias = "-" if expected is None else f"{100.0 * row.bias(expected, world.area, test):+.2f} %"
    return (
        row.rival,
        int(np.isfinite(row.carbon[-1]).sum()),
        f"{100.0 * row.share(world.area, test):.2f} %",
        f"{100.0 * row.share(world.area, everything):.2f} %",
        f"above {row.carbon.shape[0] - 1}" if reached is None else reached,
        round(row.global_drift(world.area, test), 4),
        bias,
        *(round(row.percentile(test, q), 3) for q in (50, 95, 99)),
    )
