"""Evidence for a year of soil columns with ELM's daily leaf area: monthly means, the year, and its end.

Leaf and stem area of a day are the means of its steps, where ELM's own grow in every step; what snow buries
is computed in every step from its own depth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.land.biophysics.initial_water import within_pores
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.state import LandState
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import SNOW_LAYERS, ground_grid
from kiloland.run.clock import MONTH_DAYS, YEAR_DAYS, seconds_of_date
from kiloland.run.full_setup import RunningMean
from kiloland.run.restart import Restart
from kiloland.verify.full_evidence import budget_errors, patch_series, plants_on_tape
from kiloland.verify.full_step import (
    STEPS,
    Workpiece,
    advance,
    compare,
    padded_state,
    surroundings,
    workpiece,
)
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Mask, Values, column_mean

PATCHES = ("FCEV", "FCTR", "FSH_V")
"""Of every patch, on the daily tape; columns beside lakes and towns are on no other tape."""
MONTHLY = ("EFLX_LH_TOT", "FSH", "FSA", "FIRE", "TSOI", "H2OSOI")
ANNUAL = ("EFLX_LH_TOT", "FSH", "QRUNOFF", "H2OSNO", "TSOI", "H2OSOI")
NAMES = tuple(sorted({*MONTHLY, *ANNUAL}))
WEEKS = ("H2OSNO", "SNOW_DEPTH", "TSOI", "ELAI", "ESAI")
"""What the comparison of the snowmelt takes."""
FIELDS = tuple(sorted({*NAMES, *PATCHES, *WEEKS}))
"""The same for both, so that they are one compilation."""
AT_THE_END = ("T_SOISNO", "T_GRND", "H2OSNO", "SNOW_DEPTH", "WA", "ZWT")
PROFILE_LAYERS = 10


def full_year(bench: Bench) -> Iterator[Finding]:
    """365 days from the restart at the start of a daily tape of leaf area."""
    daily, monthly = year_tapes(bench)
    year, timestep = year_of(bench, daily), bench.run.timestep
    piece = workpiece(bench, year.first)
    state = padded_state(piece, year.first)
    if year.begins_anew:
        state = new_start(piece, state)
    days: dict[str, list[Values]] = {name: [] for name in FIELDS}
    for day, record in enumerate(year.records):
        one = plants_on_tape(daily, [record], piece.group)
        plants = jax.tree.map(lambda rows: np.repeat(np.asarray(rows), STEPS, axis=0), one)
        around = surroundings(piece, year.start + day * STEPS * timestep, year.mean, plants)
        found = advance(piece, state, around, STEPS, FIELDS)
        state = found.state
        for name in NAMES:
            days[name].append(on_columns(name, found.fields[name].mean(axis=0), piece.group))
        for name in PATCHES:
            days[name].append(found.fields[name].mean(axis=0))
        yield from budget_errors(found)
    yield from patch_differences(days, daily, year.told, piece.group)
    yield from month_differences(days, monthly, cells_of_one_column(daily, piece.group), piece.group)
    if year.last is not None:
        for gap in compare(piece, state, year.last):
            if gap.variable in AT_THE_END:
                yield dataclasses.replace(gap, variable=f"{gap.variable} at the end")


@dataclass(frozen=True)
class Year:
    """A year: its start in s since 0001-01-01, the restarts at both ends, and the record of each day.

    ``told``: the records that the tape has; a last day that it lacks has the plants of the day before.
    """

    start: int
    first: Restart
    begins_anew: bool
    """The run began with ``first`` as with an initial file of another date."""
    last: Restart | None
    mean: RunningMean
    records: tuple[int, ...]
    told: tuple[int, ...]


def year_of(bench: Bench, daily: Dataset) -> Year:
    """The year of a daily tape. A run may begin with a restart of another date, whose clock it drops.

    Raises:
        InputError: no restart to begin with.
    """
    dates, seconds = daily["mcdate"].read(), daily["mcsec"].read()
    pairs = zip(dates, seconds, strict=True)
    ends = {seconds_of_date(int(date), int(second)): n for n, (date, second) in enumerate(pairs)}
    day, timestep = STEPS * bench.run.timestep, bench.run.timestep
    start = seconds_of_date(int(dates[0]) // 10000 * 10000 + 101, 0)
    end = start + YEAR_DAYS * day
    dated = {item.time: item.restart for item in bench.restarts}
    others = [restart for time, restart in dated.items() if not start <= time <= end]
    first = dated.get(start) or next(iter(others), None)
    if first is None:
        raise InputError("no restart at the start of the year", file=daily.path)
    told = [ends[start + number * day] for number in range(1, YEAR_DAYS + 1) if start + number * day in ends]
    mean = RunningMean.of(first, timestep)
    return Year(
        start=start,
        first=first,
        begins_anew=start not in dated,
        last=dated.get(end),
        mean=mean if start in dated else dataclasses.replace(mean, begun=start),
        records=(*told, *[told[-1]] * (YEAR_DAYS - len(told))),
        told=tuple(told),
    )


def new_start(piece: Workpiece, state: LandState) -> LandState:
    """The state with the water that ELM begins a new run with."""
    column, soil = state.column, piece.constants.column.soil
    ground = slice(SNOW_LAYERS, None)
    liquid, ice = within_pores(
        column.liquid_water[ground], column.ice[ground], soil.porosity, jnp.asarray(ground_grid().thickness)
    )
    wet = column.liquid_water.at[ground].set(liquid), column.ice.at[ground].set(ice)
    return dataclasses.replace(state, column=dataclasses.replace(column, liquid_water=wet[0], ice=wet[1]))


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


def patch_differences(
    days: dict[str, list[Values]], daily: Dataset, records: Sequence[int], group: ColumnGroup
) -> Iterator[Difference]:
    """Means of months of every patch with weight, of the days that the tape has."""
    for name in PATCHES:
        theirs = patch_series(daily, name, records, group)
        means = (monthly_means(np.stack(days[name])[: len(records)]), monthly_means(theirs))
        yield dataclasses.replace(difference(name, *means), variable=f"{name} of patches")


def monthly_means(daily: Values) -> Values:
    """Means of months from those of days, ``[month, ...]``."""
    edges = np.concatenate([[0], np.cumsum(MONTH_DAYS)])
    return np.stack([daily[a:b].mean(axis=0) for a, b in pairwise(edges)])


def on_columns(name: str, values: Values, group: ColumnGroup) -> Values:
    """A field as mean of the patches of each column."""
    return np.asarray(column_mean(values, group)) if FULL_FIELDS[name].on_patches else values


def month_differences(
    days: dict[str, list[Values]], monthly: Dataset, alone: Mask, group: ColumnGroup
) -> Iterator[Difference | Skipped]:
    """Means of months and of the year in cells that are one soil column (``alone``)."""
    if not alone.all():
        yield Skipped("cells with lakes or other land: their means are on the tape", int((~alone).sum()))
    for name in NAMES:
        ours = monthly_means(np.stack(days[name]))
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
