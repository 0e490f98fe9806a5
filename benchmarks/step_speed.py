"""Speed, memory, compile time and start-up of the first slice of the land model.

    python benchmarks/step_speed.py [--columns 100 1000 10000 100000] [--cells 1000 100000 1000000] [--quick]

Steps: the compiled step of one process on one core, on the synthetic case's columns repeated, in blocks as a
run uses them. Two yardsticks are timed in the same run: one exponential per element of a large array (the
machine's arithmetic), and a copy of the block's state and weather (the floor that memory sets).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from machine import described, machine, save_results

STEPS = 48
BLOCK = 1024


RUN_CELLS, RUN_DAYS = 4000, 10


def synthetic_case(folder: Path, cells: int = 300, days: int = 2) -> Path:
    """The embedded default, which gives columns, soil and weather."""
    from kiloland.craft.synthetic import make_synthetic_case

    return make_synthetic_case(folder, cells=cells, days=days, surface_flux="bare-ground")


def measure_steps(case_file: Path, columns: int) -> dict[str, float]:
    """Seconds of processor time per column-step of the compiled step, with its yardsticks."""
    import jax
    import jax.numpy as jnp

    from kiloland.atmosphere.calendar import ModelTimes
    from kiloland.land.ledger import open_ledger
    from kiloland.run.case import read_case
    from kiloland.run.driver import set_up_jax
    from kiloland.run.engine import advance_block, weather_series
    from kiloland.run.model import open_model
    from kiloland.run.physics import BARE_GROUND
    from kiloland.run.ranks import Ranks
    from kiloland.run.setup import zenith_at_ends

    set_up_jax()
    model = open_model(read_case(case_file), Ranks(None, 0, 1))
    width = min(BLOCK, -(-columns // 64) * 64)
    blocks = max(1, columns // width)
    group, states, constants = tiled(model, width, blocks)
    first = model.time + 6 * 3600
    forcing = model.source.load(ModelTimes(first, 1800, STEPS), np.arange(model.cells.land_cells))
    where = (model.domain.longitude, model.domain.latitude)
    series = weather_series(forcing, zenith_at_ends(first, 1800, STEPS, *where, 1990), group, STEPS)

    def advance() -> float:
        begin = time.process_time()
        for number in range(blocks):
            states[number], _, _ = advance_block(
                states[number],
                (),
                open_ledger(width),
                series,
                jnp.asarray(1, jnp.int32),
                jnp.asarray(STEPS, jnp.int32),
                constants,
                physics=BARE_GROUND,
                plans=(),
                settings=model.settings,
            )
        jax.block_until_ready(states)
        return time.process_time() - begin

    advance()
    seconds = statistics.median(advance() for _ in range(3))
    per_step = seconds / (STEPS * blocks * width)
    state_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(states[0])) / width
    weather_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(series)) / width / STEPS
    return {
        "columns": blocks * width,
        "column_steps_per_second": 1.0 / per_step,
        "microseconds_per_column_step": per_step * 1e6,
        "exponentials_per_column_step": per_step / exponential_seconds(),
        "share_of_copy_floor": copy_seconds(state_bytes + weather_bytes) / per_step,
        "state_bytes_per_column": state_bytes,
    }


def tiled(model: Any, width: int, blocks: int) -> tuple[np.ndarray, list[Any], Any]:
    """Cells, states and constants of blocks that repeat the columns of a model."""
    import jax

    from kiloland.land.state import LandState
    from kiloland.land.subgrid import ColumnGroup, split_into_blocks
    from kiloland.run.engine import join_states
    from kiloland.run.parameters import read_parameters
    from kiloland.run.setup import prepare_group
    from kiloland.run.surface import read_surface

    (part,) = model.parts
    group, case = part.group, model.case
    times = -(-width // group.columns)
    keep = np.arange(width)
    repeated = ColumnGroup(
        group.type,
        np.tile(group.gridcell, times),
        np.tile(group.column_weight, times),
        np.arange(group.columns * times),
        np.concatenate([group.patch_column + n * group.columns for n in range(times)]),
        np.tile(group.patch_weight, times),
        np.tile(group.patch_type, times),
        np.arange(group.patches * times),
    )
    surface = read_surface(
        case.input.surface,
        model.cells.positions,
        model.domain.longitude,
        model.domain.latitude,
        model.cells.file_cells,
    )
    first = split_into_blocks(repeated, width)[0]
    inside = first.columns.stop
    cut = ColumnGroup(
        group.type,
        repeated.gridcell[:inside],
        repeated.column_weight[:inside],
        repeated.column_row[:inside],
        repeated.patch_column[: first.patches.stop],
        repeated.patch_weight[: first.patches.stop],
        repeated.patch_type[: first.patches.stop],
        repeated.patch_row[: first.patches.stop],
    )
    prepared = prepare_group(cut, surface, read_parameters(case.input.parameters), width)
    block = prepared.blocks[0]
    whole = join_states(part.states, part.blocks, group)
    columns, patches = block.column_take % group.columns, block.patch_take % group.patches
    states = [
        LandState(
            column=jax.tree.map(lambda values: values[..., columns], whole.column),
            patch=jax.tree.map(lambda values: values[..., patches], whole.patch),
        )
        for _ in range(blocks)
    ]
    return cut.gridcell[block.column_take[keep]], states, prepared.constants[0]


def exponential_seconds() -> float:
    """Processor time of one exponential in a large array."""
    values = np.linspace(-1.0, 1.0, 1 << 20)
    begin = time.process_time()
    for _ in range(8):
        np.exp(values)
    return (time.process_time() - begin) / 8 / len(values)


def copy_seconds(size: float) -> float:
    """Processor time to copy so many bytes, from the rate of a large copy."""
    source = np.ones(1 << 24)
    target = np.empty_like(source)
    begin = time.process_time()
    for _ in range(4):
        np.copyto(target, source)
    return (time.process_time() - begin) / 4 / source.nbytes * size


def measure_run(case_file: Path) -> dict[str, float]:
    """Wall time of a whole run and its share outside the compiled step, compilation done before."""
    from kiloland.run.driver import run_case

    text = case_file.read_text()
    shares = []
    for turn in range(2):
        other = case_file.with_name(f"timed{turn}.toml")
        other.write_text(text.replace('directory = "run"', f'directory = "timed{turn}"'))
        result = run_case(other)
        loop = result.timers[0].children["RUN_LOOP"]
        shares.append((loop.total, loop.children["LND_RUN"].children["STEP"].total))
    total, step = shares[-1]
    return {"run_loop_seconds": total, "compiled_step_seconds": step, "share_outside": 1.0 - step / total}


def measure_compile(case_file: Path) -> dict[str, float]:
    """Processor seconds to the end of the first step in a new process: without the cache, then with it."""
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from step_speed import measure_first; print(measure_first(Path(sys.argv[2])))"
    )
    found = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(2):
            environment = {**os.environ, "KILOLAND_CACHE": cache}
            command = [sys.executable, "-c", program, str(Path(__file__).parent), str(case_file)]
            answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            found.append(float(answer.stdout.split()[-1]))
    return {"cold_seconds": found[0], "cached_seconds": found[1]}


def measure_first(case_file: Path) -> float:
    """Processor seconds of the first call of the compiled step in this process."""
    begin = time.process_time()
    measure_steps(case_file, 64)
    return time.process_time() - begin


def measure_start(folder: Path, cells: int, ranks: int) -> dict[str, float]:
    """Wall time and memory to open a domain of so many cells on one of so many ranks, in a new process."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from step_speed import open_cells; print(*open_cells(Path(sys.argv[2]), int(sys.argv[3])))"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(folder), str(ranks)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = (float(word) for word in answer.stdout.split()[-2:])
    return {"cells": cells, "ranks": ranks, "seconds": seconds, "memory_bytes": memory}


def open_cells(folder: Path, ranks: int) -> tuple[float, float]:
    """Open the cells of the first of so many ranks up to the state on the device; seconds and bytes."""
    from kiloland.grid import Partition, read_domain
    from kiloland.run.cells import own_cells
    from kiloland.run.driver import set_up_jax
    from kiloland.run.engine import split_state
    from kiloland.run.initial import cold_start, existing_patches
    from kiloland.run.parameters import read_parameters
    from kiloland.run.ranks import Ranks
    from kiloland.run.restart import load_state, soil_columns
    from kiloland.run.setup import prepare_group
    from kiloland.run.surface import read_surface

    set_up_jax()
    before = resident_bytes()
    begin = time.perf_counter()
    cells = own_cells(folder / "domain.nc", Ranks(None, 0, ranks), Partition.BLOCK, 20)
    domain = read_domain(folder / "domain.nc", cells.positions)
    surface = read_surface(
        folder / "surfdata.nc", cells.positions, domain.longitude, domain.latitude, cells.file_cells
    )
    counts = np.count_nonzero(existing_patches(surface), axis=0)
    restart = cold_start(
        0,
        1800,
        surface,
        domain.longitude,
        domain.latitude,
        cells.ordinals,
        cells.land_cells,
        np.cumsum(counts) - counts,
        int(counts.sum()),
    )
    group = soil_columns(restart)
    prepared = prepare_group(group, surface, read_parameters(folder / "clm_params_synthetic.nc"), BLOCK)
    state = load_state(restart, group)
    states = [split_state(state, block) for block in prepared.blocks]
    seconds = time.perf_counter() - begin
    assert states
    return seconds, resident_bytes() - before


def resident_bytes() -> float:
    """Memory of this process that is in use now and that no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith("RssAnon:")).split()[1])


def write_large_case(source: Path, folder: Path, cells: int) -> None:
    """A domain of real Daymet land cells in a block, with the synthetic surface's cells repeated on it."""
    from kiloland.files import DatasetWriter, FileSchema, VariableSchema, open_dataset
    from kiloland.grid import DaymetGrid, build_domain, write_domain

    grid, width = DaymetGrid(), 2000
    row, column = np.divmod(np.arange(cells, dtype=np.int64), width)
    domain = build_domain(grid, (3000 + row) * grid.columns + 3000 + column)
    write_domain(folder / "domain.nc", domain)
    (folder / "clm_params_synthetic.nc").write_bytes((source / "clm_params_synthetic.nc").read_bytes())
    with open_dataset(source / "surfdata.nc") as dataset:
        names = [n for n in dataset.variables if not n.startswith("MONTHLY")]
        dimensions = {**dataset.dimensions, "gridcell": cells}
        variables = tuple(
            VariableSchema(n, dataset[n].dtype, dataset[n].dims, drop_checksum(dataset[n].attributes))
            for n in names
        )
        schema = FileSchema(dimensions, None, variables)
        repeat = np.arange(cells) % dataset.dimensions["gridcell"]
        with DatasetWriter(folder / "surfdata.nc", schema, verify=False) as writer:
            for name in names:
                values = dataset[name].read()
                if "gridcell" in dataset[name].dims:
                    values = values[..., repeat]
                values = {"LONGXY": domain.longitude, "LATIXY": domain.latitude}.get(name, values)
                writer.put(name, values)


def drop_checksum(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that the writer does not make itself."""
    return {key: value for key, value in attributes.items() if key != "checksum"}


def markdown(results: dict[str, Any]) -> str:
    """The results as a page."""
    lines = [
        "# Speed of the step",
        "",
        f"Machine: {described(results['machine'])}.",
        "",
        "| columns | column-steps/s and core | us per column-step | exponentials | share of copy floor |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['columns']:,} | {r['column_steps_per_second']:,.0f} | {r['microseconds_per_column_step']:.2f} "
        f"| {r['exponentials_per_column_step']:,.0f} | {r['share_of_copy_floor']:.3f} |"
        for r in results["steps"]
    ]
    compile_times, run = results["compile"], results["run"]
    lines += [
        "",
        f"State: {results['steps'][-1]['state_bytes_per_column']:,.0f} bytes a column "
        f"({results['patches_per_column']:.1f} patches a column).",
        f"First step in a new process: {compile_times['cold_seconds']:.1f} s of processor time without the "
        f"compilation cache, {compile_times['cached_seconds']:.1f} s with it, imports and inputs included.",
        f"Outside the compiled step: {100 * run['share_outside']:.1f} % of the run loop "
        f"({RUN_CELLS:,} cells, {RUN_DAYS} days, two daily tapes, one restart set).",
        "",
        "| cells of the domain | ranks | seconds to the state | memory, MB |",
        "|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['cells']:,} | {r['ranks']} | {r['seconds']:.2f} | {r['memory_bytes'] / 1e6:,.0f} |"
        for r in results["start"]
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--columns", type=int, nargs="+", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--cells", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        case_file = synthetic_case(Path(name) / "case")
        results: dict[str, Any] = {"machine": machine()}
        results["compile"] = measure_compile(case_file)
        results["steps"] = [measure_steps(case_file, columns) for columns in options.columns]
        results["run"] = measure_run(synthetic_case(Path(name) / "run", RUN_CELLS, RUN_DAYS))
        results["patches_per_column"] = patches_per_column(case_file)
        results["start"] = []
        for cells in options.cells:
            folder = Path(name) / str(cells)
            folder.mkdir()
            write_large_case(case_file.parent, folder, cells)
            results["start"] += [measure_start(folder, cells, ranks) for ranks in (1, 10) if ranks < cells]
    save_results("step_speed", results, markdown(results))
    print(json.dumps(results, indent=2))


def patches_per_column(case_file: Path) -> float:
    """Mean number of patches of a column of the synthetic case."""
    from kiloland.run.case import read_case
    from kiloland.run.model import open_model
    from kiloland.run.ranks import Ranks

    group = open_model(read_case(case_file), Ranks(None, 0, 1)).prepared.group
    return group.patches / group.columns


if __name__ == "__main__":
    main()
