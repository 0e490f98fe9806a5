"""One part of a restart: its pools matched with the file of pools, guarded, and its totals checked."""

from __future__ import annotations

from typing import Final

import numpy as np

from kiloland.spinup.restart.blocks import Part
from kiloland.spinup.restart.findings import Severity, report_where
from kiloland.spinup.restart.matching import guarded, match_part, without
from kiloland.spinup.restart.plan import Job
from kiloland.spinup.restart.state import PartState
from kiloland.spinup.restart.totals import imbalance
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import TOTALS

TOTAL_TOLERANCE: Final = 1.0e-6
"""A total of the restart is that of its pools within this part of it, and this many g m-2."""


def part_state(job: Job, part: Part) -> PartState:
    """The pools of one part, those columns held back that the guard finds."""
    subgrid = restart_subgrid(job.dataset, part.columns, part.patches)
    cells = subgrid.keys.column_gridcell
    low, high = (int(cells.min()), int(cells.max())) if cells.size else (1, 0)
    pool_part = job.pool_parts.part(low, high)
    match = match_part(subgrid, pool_part, job.pools, job.setting.default_origin, job.request.restart)
    job.seen.add(match, pool_part)
    phosphorus = None
    if job.source is not None:
        phosphorus = job.source.at(subgrid.keys.column_longitude, subgrid.keys.column_latitude)
    state = PartState(job.dataset, part, subgrid, job.pools, pool_part, match, job.setting, phosphorus)
    held = guarded(state)
    job.columns += cells.size
    job.guarded += int(held.sum())
    job.absent += int((match.column < 0).sum())
    report_where(
        job.findings,
        Severity.WARNING,
        "cascade",
        "columns held back by the guard keep their old pools",
        held,
        held.astype(np.float64),
        "a solution within 100 times the restart",
        subgrid.keys,
        False,
    )
    return without(state, held) if held.any() else state


def check_totals(job: Job, state: PartState) -> None:
    """Warn where a total of the restart is not that of its pools."""
    present = frozenset(job.setting.rules)
    for name, total in TOTALS.items():
        if name not in job.dataset or total.remainder or not present.issuperset(total.members):
            continue
        patches = total.dims == ("pft",)
        rows = state.subgrid.pft_row if patches else state.subgrid.column_row
        own = np.asarray(state.stored(name)[rows], np.float64)
        difference = imbalance(state, total, present)
        wrong = ~(np.abs(difference) <= TOTAL_TOLERANCE * np.maximum(np.abs(own), 1.0))
        wrong &= state.subgrid.pft_weight > 0.0 if patches else True
        report_where(
            job.findings,
            Severity.WARNING,
            name,
            "of the restart is not the sum of its pools (total minus sum)",
            wrong,
            difference,
            "0",
            state.subgrid.keys,
            patches,
        )
