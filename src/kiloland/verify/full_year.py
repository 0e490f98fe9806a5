"""Evidence for a year of soil columns with ELM's daily leaf area: monthly means, the year, and its end.

The leaf area of a day is the mean of its steps, where ELM's own follows the depth of the snow in every step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise

import jax
import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.clock import MONTH_DAYS, YEAR_DAYS
from kiloland.run.full_setup import RunningMean
from kiloland.verify.full_evidence import budget_errors, vegetation_on_tape
from kiloland.verify.full_step import STEPS, advance, compare, padded_state, surroundings, workpiece
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Mask, Values, column_mean

MONTHLY = ("EFLX_LH_TOT", "FSH", "FSA", "FIRE", "TSOI", "H2OSOI")
ANNUAL = ("EFLX_LH_TOT", "FSH", "QRUNOFF", "H2OSNO", "TSOI", "H2OSOI")
NAMES = tuple(sorted({*MONTHLY, *ANNUAL}))
AT_THE_END = ("T_SOISNO", "T_GRND", "H2OSNO", "SNOW_DEPTH", "WA", "ZWT")
PROFILE_LAYERS = 10


def full_year(bench: Bench) -> Iterator[Finding]:
    """365 days from the restart at the start of a daily tape of leaf area."""
    daily, monthly = year_tapes(bench)
    first, timestep = bench.restarts[0], bench.run.timestep
    piece = workpiece(bench, first.restart)
    state, mean = padded_state(piece, first.restart), RunningMean.of(first.restart, timestep)
    days: dict[str, list[Values]] = {name: [] for name in NAMES}
    for day in range(YEAR_DAYS):
        one = vegetation_on_tape(daily, [day], piece.group)
        plants = jax.tree.map(lambda rows: np.repeat(np.asarray(rows), STEPS, axis=0), one)
        around = surroundings(piece, first.time + day * STEPS * timestep, mean, plants)
        found = advance(piece, state, around, STEPS, tuple(FULL_FIELDS))
        state = found.state
        for name in NAMES:
            days[name].append(on_columns(name, found.fields[name].mean(axis=0), piece.group))
        yield from budget_errors(found)
    yield from month_differences(days, monthly, cells_of_one_column(daily, piece.group), piece.group)
    end = first.time + YEAR_DAYS * STEPS * timestep
    for item in bench.restarts:
        if item.time == end:
            chosen = compare(piece, state, item.restart)
            for gap in chosen:
                if gap.variable in AT_THE_END:
                    yield dataclasses.replace(gap, variable=f"{gap.variable} at the end")


def year_tapes(bench: Bench) -> tuple[Dataset, Dataset]:
    """Daily leaf area on patches and monthly means of cells.

    Raises:
        InputError: the run lacks one of them, or its steps are not of half an hour.
    """
    daily = monthly = None
    for tape in bench.run.tapes:
        dataset = bench.shelf.dataset(tape.path)
        records = dataset.dimensions.get("time")
        if tape.subgrid and tape.double and records == YEAR_DAYS and "ELAI" in dataset:
            daily = dataset
        if not tape.subgrid and records == len(MONTH_DAYS):
            monthly = dataset
    if daily is None or monthly is None or bench.run.timestep * STEPS != 86400:
        raise InputError("no year of daily leaf area with monthly means", file=bench.run.folder)
    return daily, monthly


def on_columns(name: str, values: Values, group: ColumnGroup) -> Values:
    """A field as mean of the patches of each column."""
    return np.asarray(column_mean(values, group)) if FULL_FIELDS[name].on_patches else values


def month_differences(
    days: dict[str, list[Values]], monthly: Dataset, alone: Mask, group: ColumnGroup
) -> Iterator[Difference | Skipped]:
    """Means of months and of the year in cells that are one soil column (``alone``)."""
    if not alone.all():
        yield Skipped("cells with lakes or other land: their means are on the tape", int((~alone).sum()))
    edges = np.concatenate([[0], np.cumsum(MONTH_DAYS)])
    for name in NAMES:
        daily = np.stack(days[name])
        ours = np.stack([daily[a:b].mean(axis=0) for a, b in pairwise(edges)])
        theirs = np.stack(
            [np.asarray(monthly[name].read(month), np.float64) for month in range(len(MONTH_DAYS))]
        )[..., group.gridcell]
        if ours.ndim == 3:
            ours, theirs = ours[:, :PROFILE_LAYERS], theirs[:, :PROFILE_LAYERS]
        if name in MONTHLY:
            yield difference(name, ours[..., alone], theirs[..., alone])
        if name in ANNUAL:
            year = [np.average(v[..., alone], axis=0, weights=MONTH_DAYS) for v in (ours, theirs)]
            yield dataclasses.replace(
                relative_to_itself(name, year[0], year[1]), variable=f"{name} of the year"
            )
        if name == "H2OSNO":
            peak = ours[..., alone].max(axis=0), theirs[..., alone].max(axis=0)
            yield dataclasses.replace(
                relative_to_itself(name, *peak), variable="H2OSNO, largest of the months"
            )


def relative_to_itself(name: str, ours: Values, theirs: Values) -> Difference:
    """A difference relative to the value itself, however small."""
    gap = np.abs(ours - theirs)
    relative = np.divide(gap, np.abs(theirs), out=np.zeros_like(gap), where=gap > 0.0)
    found = difference(name, ours, theirs)
    return dataclasses.replace(found, largest_relative=float(relative.max(initial=0.0)), scale=0.0)


def cells_of_one_column(daily: Dataset, group: ColumnGroup) -> Mask:
    """Columns that fill their cells."""
    weight = np.asarray(daily["cols1d_wtgcell"].read(), np.float64)[group.column_row]
    return np.asarray(weight > 1.0 - 1e-12)
