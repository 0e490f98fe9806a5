"""Evidence for snowmelt: weeks of steps from one restart, plants as they stand there, against means of cells.

Leaf and stem area stay those of the first restart, or leaves grow as the mean of the cell does; what snow
buries follows its depth in every step. The tape is in single precision: 280 K are stored to 1.5e-5 K, 140 mm
to 8e-6 mm.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import jax
import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.land.full_burial import GrownPlants
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.full_setup import RunningMean
from kiloland.run.restart import soil_columns
from kiloland.verify.full_evidence import budget_errors, plants_of
from kiloland.verify.full_step import STEPS, Steps, advance, padded_state, surroundings, workpiece
from kiloland.verify.full_year import FIELDS, PROFILE_LAYERS, WEEKS
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Values, column_mean

FEWEST_DAYS = 30
PERIOD = 5
"""Days of one row."""
GROWN = "grown, "
"""Before the names of variables with leaves that grow."""


def snowmelt(bench: Bench) -> Iterator[Finding]:
    """Snow, soil temperature and exposed plants in every step, by periods of five days.

    Once with the plants of the restart, once with all of them grown as the mean of the cell on the tape has.
    """
    tape, days = tape_of_weeks(bench)
    group = soil_columns(bench.restarts[0].restart)
    plants = plants_of(bench.restarts[0].restart, group)
    yield from _melt(bench, tape, days, lambda day: _grown(plants, np.ones((STEPS, group.columns)), group))
    start = _column_mean(np.asarray(plants.leaf_area)[0], group)

    def grown(day: int) -> GrownPlants:
        return _grown(plants, _cells(tape, "TLAI", day)[:, group.gridcell] / start, group)

    yield from _melt(bench, tape, days, grown, GROWN)


def _grown(plants: GrownPlants, growth: Values, group: ColumnGroup) -> GrownPlants:
    """Plants of the steps of a day, leaf area times the growth of its column."""
    many: GrownPlants = jax.tree.map(lambda rows: np.repeat(np.asarray(rows), STEPS, axis=0), plants)
    return dataclasses.replace(many, leaf_area=many.leaf_area * growth[:, group.patch_column])


def _melt(
    bench: Bench, tape: Dataset, days: int, plants_on: Callable[[int], GrownPlants], label: str = ""
) -> Iterator[Difference]:
    first, timestep = bench.restarts[0], bench.run.timestep
    piece = workpiece(bench, first.restart)
    state, mean = padded_state(piece, first.restart), RunningMean.of(first.restart, timestep)
    for day in range(days):
        now = first.time + day * STEPS * timestep
        found = advance(piece, state, surroundings(piece, now, mean, plants_on(day)), STEPS, FIELDS)
        state = found.state
        for gap in _differences(found, tape, day, piece.group):
            yield dataclasses.replace(gap, variable=label + gap.variable)
        yield from budget_errors(found)


def _cells(tape: Dataset, name: str, day: int) -> Values:
    """The steps of a day of a variable, ``[step, ..., cell]``."""
    steps = range(day * STEPS, (day + 1) * STEPS)
    return np.stack([np.asarray(tape[name].read(step), np.float64) for step in steps])


def _column_mean(values: Values, group: ColumnGroup) -> Values:
    return np.asarray(column_mean(values, group))


def _differences(found: Steps, tape: Dataset, day: int, group: ColumnGroup) -> Iterator[Difference]:
    period = day - day % PERIOD
    for name in WEEKS:
        ours = found.fields[name]
        if FULL_FIELDS[name].on_patches:
            ours = np.stack([_column_mean(values, group) for values in ours])
        theirs = _cells(tape, name, day)[..., group.gridcell]
        if name == "TSOI":
            ours, theirs = ours[:, :PROFILE_LAYERS], theirs[:, :PROFILE_LAYERS]
        found_gap = difference(name, ours, theirs)
        yield dataclasses.replace(
            found_gap,
            variable=f"{name}, days {period}-{period + PERIOD - 1}",
            place=f"day {day} {found_gap.place}",
        )


def tape_of_weeks(bench: Bench) -> tuple[Dataset, int]:
    """A tape of cells with every step of weeks from the first restart on, and its days.

    Raises:
        InputError: there is none, or cells have other land than one soil column.
    """
    day = STEPS * bench.run.timestep
    for tape in bench.run.tapes:
        dataset = bench.shelf.dataset(tape.path)
        days, rest = divmod(dataset.dimensions.get("time", 0), STEPS)
        span = bench.restarts[-1].time - bench.restarts[0].time if bench.restarts else 0
        whole = day == 86400 and rest == 0 and days >= FEWEST_DAYS and span == days * day
        if not tape.subgrid and whole and all(name in dataset for name in (*WEEKS, "TLAI")):
            group = soil_columns(bench.restarts[0].restart)
            weight = np.asarray(bench.restarts[0].restart.values["cols1d_wtxy"], np.float64)
            if np.all(weight[group.column_row] > 1.0 - 1e-12):
                return dataset, days
    raise InputError("no tape of cells with the steps of a month or more", file=bench.run.folder)
