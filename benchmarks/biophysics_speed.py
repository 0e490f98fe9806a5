"""Speed of a step of water and energy on the reference's four cells, copied to many.

    KILOLAND_SHARED=... python benchmarks/biophysics_speed.py [--cells 100 1000 10000] [--steps 48]

One process on one core, in blocks as a run uses them, summer and winter. The reference needs 0.24 to 0.43 ms
of one core of an EPYC for a gridcell-step of these cells with carbon and nutrients; the target for water and
energy alone is 0.06 ms. The yardstick is one exponential per element of a large array, timed in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from machine import described, machine, save_results
from step_speed import exponential_seconds

BLOCK = 1024
TARGET_MILLISECONDS = 0.06
RUNS = {
    "summer": ("q5d_4cells_summer_steps", "r.start.0008-07-01.nc.gz"),
    "winter": ("q5w_4cells_winter_steps", "r.start.0008-01-01.nc.gz"),
}


@dataclass(frozen=True)
class Copies:
    """The reference's cells repeated to blocks of columns, ready to advance."""

    state: Any
    series: Any
    constants: Any
    settings: Any
    padded: int
    """Columns of a block with those that fill it up."""
    columns: int
    patches: int
    blocks: int


def measure(season: str, cells: int, steps: int, shared: Path) -> dict[str, Any]:
    """Processor time of the compiled steps of so many cells."""
    from kiloland.run.compilation import set_up_jax

    set_up_jax()
    copies = copies_of_reference(season, cells, steps, shared)
    begin = time.perf_counter()
    advance(copies, steps)
    first = time.perf_counter() - begin
    seconds = statistics.median(advance(copies, steps) for _ in range(3))
    return {"season": season, "first_call_seconds": round(first, 1), **speed(copies, steps, seconds)}


def copies_of_reference(season: str, cells: int, steps: int, shared: Path) -> Copies:
    """The reference's cells of a season with the weather of so many steps, repeated."""
    from kiloland.land.full_means import Tracked
    from kiloland.land.step import Settings
    from kiloland.run.full_setup import land_constants
    from kiloland.run.means_columns import lengths_of, load_means, split_means
    from kiloland.run.single_step import open_elm_case

    elm = shared / "data/elm"
    run, restart = RUNS[season]
    wide = widened(open_elm_case(elm / run / restart, elm / run / "lnd_in", [elm / "inputs"]), cells)
    group, block = wide.prepared.group, wide.prepared.blocks[0]
    inputs, timestep = wide.land_inputs(), wide.settings.timestep
    return Copies(
        state=Tracked(wide.state, split_means(load_means(wide.restart, group), block), None),
        series=surroundings(wide, inputs, group.gridcell[block.column_take], steps),
        constants=land_constants(wide.prepared.constants[0], group, block, wide.surface, inputs),
        settings=Settings(timestep=float(timestep), lengths=lengths_of(wide.restart, timestep)),
        padded=len(block.column_take),
        columns=block.columns.stop - block.columns.start,
        patches=block.patches.stop - block.patches.start,
        blocks=max(1, round(cells / len(block.column_take))),
    )


def surroundings(case: Any, inputs: Any, cell_of_column: np.ndarray, steps: int) -> Any:
    """What a block's columns meet in each step: weather, sun, deposition and means to keep."""
    from kiloland.run.full_setup import RunningMean, moments, surround
    from kiloland.run.single_step import weather_of_steps

    timestep, latitude = case.settings.timestep, case.latitude[cell_of_column]
    series = surround(
        weather_of_steps(case, case.start, steps),
        case.start,
        timestep,
        latitude,
        inputs.deposition[:, cell_of_column],
        RunningMean.of(case.restart, timestep),
        case.settings.orbital_year,
    )
    return moments(series, case.start, timestep, latitude, case.restart.begun)


def advance(copies: Copies, steps: int) -> float:
    """Advance all blocks from the start; seconds of processor time."""
    import jax
    import jax.numpy as jnp

    from kiloland.land.ledger import open_ledger
    from kiloland.run.engine import advance_block
    from kiloland.run.physics import FULL

    # The compiled function writes over the state and the ledger that it is given.
    states = [jax.tree.map(jnp.copy, copies.state) for _ in range(copies.blocks)]
    ledgers = [open_ledger(copies.padded) for _ in range(copies.blocks)]
    jax.block_until_ready(states)
    begin = time.process_time()
    for state, ledger in zip(states, ledgers, strict=True):
        advanced = advance_block(
            state,
            (),
            ledger,
            copies.series,
            jnp.asarray(1, jnp.int32),
            jnp.asarray(steps, jnp.int32),
            copies.constants,
            physics=FULL,
            plans=(),
            settings=copies.settings,
        )
        jax.block_until_ready(advanced)
    return time.process_time() - begin


def speed(copies: Copies, steps: int, seconds: float) -> dict[str, float]:
    """One row of results; each of the reference's cells has one soil column."""
    import jax

    columns, patches = copies.columns * copies.blocks, copies.patches * copies.blocks
    per_cell = seconds / (steps * columns)
    state_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(copies.state.land))
    return {
        "cells": columns,
        "columns": columns,
        "patches": patches,
        "milliseconds_per_gridcell_step": per_cell * 1e3,
        "gridcell_steps_per_second": 1.0 / per_cell,
        "patch_steps_per_second": steps * patches / seconds,
        "exponentials_per_gridcell_step": per_cell / exponential_seconds(),
        "share_of_target": TARGET_MILLISECONDS / (per_cell * 1e3),
        "state_bytes_per_cell": state_bytes / copies.columns,
    }


def widened(case: Any, cells: int) -> Any:
    """The case with its soil columns repeated to one block."""
    import dataclasses

    from kiloland.land.subgrid import ColumnGroup
    from kiloland.run.engine import join_states, split_state
    from kiloland.run.namelist import find_input
    from kiloland.run.parameters import read_parameters
    from kiloland.run.setup import prepare_group

    group = case.prepared.group
    width = min(BLOCK, -(-cells // 64) * 64)
    times = width // group.columns
    repeated = ColumnGroup(
        group.type,
        np.tile(group.gridcell, times),
        np.tile(group.column_weight, times),
        np.tile(group.column_row, times),
        np.concatenate([group.patch_column + n * group.columns for n in range(times)]),
        np.tile(group.patch_weight, times),
        np.tile(group.patch_type, times),
        np.tile(group.patch_row, times),
    )
    parameters = read_parameters(find_input(case.settings.parameters, case.folders))
    prepared = prepare_group(repeated, case.surface, parameters, width)
    whole = join_states([case.state], case.prepared.blocks, group)
    import jax

    tiled = type(whole)(
        column=jax.tree.map(lambda v: np.tile(np.asarray(v), times), whole.column),
        patch=jax.tree.map(lambda v: np.tile(np.asarray(v), times), whole.patch),
    )
    state = split_state(tiled, prepared.blocks[0])
    return dataclasses.replace(case, prepared=prepared, state=state)


def main() -> None:
    """Run the measurements and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--steps", type=int, default=48)
    options = parser.parse_args()
    shared = Path(os.environ.get("KILOLAND_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (shared / "data/elm").is_dir():
        print("skipped: the reference data are not here (KILOLAND_SHARED)")
        return
    facts = machine()
    keep_to_one_core()
    rows = [measure(season, cells, options.steps, shared) for season in RUNS for cells in options.cells]
    page = "\n".join([*table(rows), "", described(facts), ""])
    print(page)
    save_results("biophysics_speed", {"machine": facts, "rows": rows}, page)


def keep_to_one_core() -> None:
    """Bind this process to one core, before the compiler counts them and starts threads."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The results as lines of a page."""
    lines = [
        "# Speed of water and energy",
        "",
        "Reference cells copied, one process bound to one core, median of three runs of the compiled steps;",
        "processor time.",
        "",
        "| season | cells | patches | ms per gridcell-step | gridcell-steps/s | patch-steps/s | to 0.06 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['season']} | {row['cells']:.0f} | {row['patches']} "
            f"| {row['milliseconds_per_gridcell_step']:.4f} | {row['gridcell_steps_per_second']:.0f} "
            f"| {row['patch_steps_per_second']:.0f} | {row['share_of_target']:.2f} times as fast |"
        )
    return lines


if __name__ == "__main__":
    main()
