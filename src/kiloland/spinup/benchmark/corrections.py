"""Further short runs of the model world, each followed by a correction of what still drifted in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.drift import DriftRow, restart_from, soil_orders
from kiloland.spinup.benchmark.further_run import ecosystem_carbon, further_run
from kiloland.spinup.benchmark.members import Member
from kiloland.spinup.operator.source import RunPaths
from kiloland.spinup.solve.correction import correct_run

Float = NDArray[np.float64]


class Rounds(NamedTuple):
    """Ecosystem carbon of a member at the start and at the end of every run, gC m-2 [run, cell]."""

    start: Float
    end: Float


def corrected_runs(restart: Path, member: Member, years: int, runs: int, folder: Path) -> Rounds:
    """So many runs of ``years``, with a correction after each but the last; files go below ``folder``."""
    starts, ends = [], []
    pools: Path | None = None
    for number in range(runs):
        work = folder / f"run_{number}"
        starts.append(ecosystem_carbon(restart, member.folder))
        end, tapes = further_run(restart, member.folder, years, work)
        ends.append(ecosystem_carbon(end, member.folder))
        if number + 1 < runs:
            before, pools = pools, folder / f"pools_{number}.nc"
            files = member.files
            orders = soil_orders(member.folder)
            paths = RunPaths(end, tapes[:1], files.surface, files.parameters, orders)
            correct_run(paths, restart, pools, float(years), before)
            restart = restart_from(pools, member, folder / f"start_{number + 1}.nc", end)
        shutil.rmtree(work)
    return Rounds(np.stack(starts), np.stack(ends))


def corrected_row(name: str, parts: list[tuple[Member, Rounds]], cells: int, years: int) -> DriftRow:
    """The runs of all members as a row of the table of drift: carbon at the ends of cycles only."""
    runs = len(parts[0][1].start)
    carbon, added = np.full((runs * years + 1, cells), np.nan), np.full((runs, cells), np.nan)
    for member, rounds in parts:
        carbon[0, member.rows] = rounds.start[0]
        before = rounds.start[0]
        for number in range(runs):
            added[number, member.rows] = rounds.start[number] - before
            carbon[(number + 1) * years, member.rows] = before = rounds.end[number]
    return DriftRow(name, carbon, years, added)
