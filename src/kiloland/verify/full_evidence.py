"""Evidence for the whole step of soil columns: single steps, consecutive ones, and days with ELM's leaf area.

States against the restarts, fluxes and states against the records of the tape between them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import takewhile

import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.land.full_burial import GrownPlants
from kiloland.land.full_fields import FULL_FIELDS
from kiloland.land.full_inputs import Vegetation
from kiloland.land.ledger import BUDGETS
from kiloland.land.state import LandState
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.full_setup import RunningMean
from kiloland.run.restart import Restart
from kiloland.verify.full_step import (
    STEPS,
    Steps,
    Workpiece,
    advance,
    compare,
    padded_state,
    surroundings,
    vegetation_of,
    workpiece,
)
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.oracle.tapes import StepTape
from kiloland.verify.radiation import FILL, Difference, difference
from kiloland.verify.temperature import OracleStep, Values

ROUNDING = ("ERRSOI", "ERRSEB", "ERRSOL")
"""Errors of budgets: rounding on both sides, so there is nothing to compare."""


def full_step(bench: Bench) -> Iterator[Finding]:
    """Every pair of restarts one step apart: all variables of the state, and the fluxes of the step."""
    piece = workpiece(bench, bench.steps[0].before)
    for step in bench.steps:
        found = advance_between(piece, padded_state(piece, step.before), step)
        yield from compare(piece, found.state, step.after)
        yield from compare_fields(piece, found, step.tape, [step.record])
        yield from budget_errors(found)


def full_steps_carried_on(bench: Bench) -> Iterator[Finding]:
    """The same over consecutive steps, our own state carried on from the first restart."""
    steps = consecutive(bench.steps)
    if len(steps) < 2:
        yield Skipped("no two steps that follow each other")
        return
    piece = workpiece(bench, steps[0].before)
    state = padded_state(piece, steps[0].before)
    for step in steps:
        found = advance_between(piece, state, step)
        state = found.state
        yield from compare(piece, state, step.after)
        yield from compare_fields(piece, found, step.tape, [step.record])
        yield from budget_errors(found)


def full_days(bench: Bench) -> Iterator[Finding]:
    """All steps of a tape from the restart at its start, leaf area from the tape, the state carried on."""
    tape, start = tape_of_days(bench)
    piece = workpiece(bench, bench.restarts[0].restart)
    timestep = bench.run.timestep
    first = next(item for item in bench.restarts if item.time == start)
    mean = RunningMean.of(first.restart, timestep)
    state = padded_state(piece, first.restart)
    restarts = {item.time: item.restart for item in bench.restarts}
    now = start
    ends = sorted(restarts.keys() | {max(tape.records)})
    for end in (moment for moment in ends if moment > start):
        while now < end:
            count = min(STEPS, (end - now) // timestep)
            records = [tape.records[now + timestep * number] for number in range(1, count + 1)]
            plants = vegetation_on_tape(tape.dataset, records, piece.group)
            found = advance(piece, state, surroundings(piece, now, mean, plants), count, tuple(FULL_FIELDS))
            state, now = found.state, now + count * timestep
            yield from compare_fields(piece, found, tape.dataset, records)
            yield from budget_errors(found)
        if end in restarts:
            yield from compare(piece, state, restarts[end])


def advance_between(piece: Workpiece, state: LandState, step: OracleStep) -> Steps:
    """One step with the vegetation of the restart at its end."""
    mean = RunningMean.of(step.before, int(step.timestep))
    around = surroundings(piece, step.before.seconds, mean, vegetation_of(step.after, piece.group))
    return advance(piece, state, around, 1, tuple(FULL_FIELDS))


def consecutive(steps: Sequence[OracleStep]) -> list[OracleStep]:
    """The first steps as long as each starts with the restart that the one before ends with."""
    pairs = zip(steps[1:], steps, strict=False)
    following = takewhile(lambda pair: pair[0].before.path == pair[1].after.path, pairs)
    return [steps[0], *(later for later, _ in following)]


def tape_of_days(bench: Bench) -> tuple[StepTape, int]:
    """The first tape with the vegetation, and the moment of the restart at its start.

    Raises:
        InputError: there is none.
    """
    moments = {item.time for item in bench.restarts}
    for tape in bench.tapes:
        start = min(tape.records) - bench.run.timestep
        if start in moments and all(name in tape.dataset for name in ("ELAI", "ESAI", "HTOP")):
            return tape, start
    raise InputError("no tape with leaf area that starts at a restart", file=bench.run.folder)


def plants_on_tape(tape: Dataset, records: Sequence[int], group: ColumnGroup) -> GrownPlants:
    """Plants as they stand, snow or not, on a tape, ``[record, patch]``; fill as none."""
    names = {"leaf_area": "TLAI", "stem_area": "TSAI", "top": "HTOP", "bottom": "HBOT"}
    found = {field: jnp.asarray(patch_series(tape, name, records, group)) for field, name in names.items()}
    return GrownPlants(**found)


def plants_of(restart: Restart, group: ColumnGroup) -> GrownPlants:
    """Plants as they stand in a restart, as a series of one step."""
    names = {"leaf_area": "tlai", "stem_area": "tsai", "top": "htop", "bottom": "hbot"}
    values = {field: np.asarray(restart.values[name], np.float64) for field, name in names.items()}
    return GrownPlants(**{field: jnp.asarray(rows[group.patch_row][None]) for field, rows in values.items()})


def patch_series(tape: Dataset, name: str, records: Sequence[int], group: ColumnGroup) -> Values:
    """A variable of a group's patches on a tape, ``[record, patch]``; fill as 0."""
    rows = np.stack([np.asarray(tape[name].read(record), np.float64) for record in records])
    values = rows[:, group.patch_row]
    return np.where(np.abs(values) < FILL, values, 0.0)


def vegetation_on_tape(tape: Dataset, records: Sequence[int], group: ColumnGroup) -> Vegetation:
    """Leaf and stem area and height on a tape, ``[record, patch]``; fill as none."""
    leaf, stem = (patch_series(tape, name, records, group) for name in ("ELAI", "ESAI"))
    return Vegetation(
        leaf_area=jnp.asarray(leaf),
        stem_area=jnp.asarray(stem),
        canopy_top=jnp.asarray(patch_series(tape, "HTOP", records, group)),
        exposed=jnp.asarray((leaf + stem > 0.0).astype(np.int32)),
    )


def compare_fields(
    piece: Workpiece, found: Steps, tape: Dataset, records: Sequence[int]
) -> Iterator[Difference]:
    """All fields that the tape has on the same members, where it is not fill."""
    group = piece.group
    for name, values in found.fields.items():
        on_patches = FULL_FIELDS[name].on_patches
        member = "pft" if on_patches else "column"
        if name in ROUNDING or name not in tape or tape[name].dims[-1] != member:
            continue
        rows = group.patch_row if on_patches else group.column_row
        theirs = np.stack([np.asarray(tape[name].read(record), np.float64)[..., rows] for record in records])
        gap = difference(name, values, theirs, np.abs(theirs) < FILL)
        yield dataclasses.replace(gap, place=f"records {records[0]}-{records[-1]} {gap.place}")


def budget_errors(found: Steps) -> Iterator[Difference]:
    """The largest error of each budget in any step and column."""
    for number, name in enumerate(BUDGETS):
        errors = found.errors[:, number]
        yield difference(f"{name} budget", errors, np.zeros_like(errors))
