"""Speed of a step of water and energy on the reference's four cells, copied to many.

    KILOLAND_SHARED=... python benchmarks/biophysics_speed.py [--cells 100 1000 10000] [--steps 48]

One core, in blocks as a run uses them, summer and winter. The reference needs 0.24 to 0.43 ms of one core of
an EPYC for a gridcell-step of these cells with carbon and nutrients; the target for water and energy alone is
0.06 ms. The yardstick is one exponential per element of a large array, timed in the same run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
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


def measure(season: str, cells: int, steps: int, shared: Path) -> dict[str, Any]:
    """Processor time of the compiled steps of so many cells."""
    import jax
    import jax.numpy as jnp

    from kiloland.land.full_means import Tracked
    from kiloland.land.ledger import open_ledger
    from kiloland.land.step import Settings
    from kiloland.run.compilation import set_up_jax
    from kiloland.run.engine import advance_block
    from kiloland.run.full_setup import RunningMean, land_constants, moments, surround
    from kiloland.run.means_columns import lengths_of, load_means, split_means
    from kiloland.run.physics import FULL
    from kiloland.run.single_step import open_elm_case, weather_of_steps

    set_up_jax()
    elm = shared / "data/elm"
    run, restart = RUNS[season]
    case = open_elm_case(elm / run / restart, elm / run / "lnd_in", [elm / "inputs"])
    wide = widened(case, cells)
    group, block = wide.prepared.group, wide.prepared.blocks[0]
    blocks = max(1, round(cells / len(block.column_take)))
    inputs = wide.land_inputs()
    constants = land_constants(wide.prepared.constants[0], group, block, wide.surface, inputs)
    taken = group.gridcell[block.column_take]
    timestep = wide.settings.timestep
    series = surround(
        weather_of_steps(wide, wide.start, steps),
        wide.start,
        timestep,
        wide.latitude[taken],
        inputs.deposition[:, taken],
        RunningMean.of(wide.restart, timestep),
        wide.settings.orbital_year,
    )
    series = moments(series, wide.start, timestep, wide.latitude[taken], wide.restart.begun)
    state = Tracked(wide.state, split_means(load_means(wide.restart, group), block), None)
    real = block.columns.stop - block.columns.start

    def advance() -> float:
        states = [jax.tree.map(jnp.copy, state) for _ in range(blocks)]
        ledgers = [open_ledger(len(block.column_take)) for _ in range(blocks)]
        jax.block_until_ready(states)
        begin = time.process_time()
        for one, ledger in zip(states, ledgers, strict=True):
            advanced = advance_block(
                one,
                (),
                ledger,
                series,
                jnp.asarray(1, jnp.int32),
                jnp.asarray(steps, jnp.int32),
                constants,
                physics=FULL,
                plans=(),
                settings=Settings(timestep=float(timestep), lengths=lengths_of(wide.restart, timestep)),
            )
            jax.block_until_ready(advanced)
        return time.process_time() - begin

    begin = time.perf_counter()
    advance()
    first = time.perf_counter() - begin
    seconds = statistics.median(advance() for _ in range(3))
    columns = real * blocks
    # Each of the four cells has one soil column.
    per_cell = seconds / (steps * columns)
    patches = (block.patches.stop - block.patches.start) * blocks
    return {
        "season": season,
        "cells": columns,
        "columns": columns,
        "patches": patches,
        "first_call_seconds": round(first, 1),
        "milliseconds_per_gridcell_step": per_cell * 1e3,
        "gridcell_steps_per_second": 1.0 / per_cell,
        "patch_steps_per_second": steps * patches / seconds,
        "exponentials_per_gridcell_step": per_cell / exponential_seconds(),
        "share_of_target": TARGET_MILLISECONDS / (per_cell * 1e3),
        "state_bytes_per_cell": sum(leaf.nbytes for leaf in jax.tree.leaves(wide.state)) / real,
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
    rows = [measure(season, cells, options.steps, shared) for season in RUNS for cells in options.cells]
    lines = [
        "# Speed of water and energy",
        "",
        "Reference cells copied, one core, median of three runs of the compiled steps; processor time.",
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
    facts = machine()
    lines += ["", described(facts), ""]
    print("\n".join(lines))
    save_results("biophysics_speed", {"machine": facts, "rows": rows}, "\n".join(lines))


if __name__ == "__main__":
    main()
