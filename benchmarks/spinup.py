"""Evidence of the spinup: one command from the model world to the table with its bars.

    make spinup-benchmark [SEED=1] [CELLS=20000] [WORLD=DIR] [HALF=DIR]
    make spinup-benchmark QUICK=1                a small world, for a first look

Rows, exhibits and weights are kept in build/spinup-benchmark; an interrupted benchmark goes on where it was,
and only what rests on other data, another split or another budget is done again. A second seed adds to the
table. The results are benchmarks/results/spinup.json and spinup.md (--quick: in the folder of the work).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Threads of boosted trees that wait for each other on a busy machine cost far more than they give.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from kiloland.errors import KilolandError
from kiloland.run.compilation import set_up_jax
from kiloland.spinup.benchmark.chain import run_chain
from kiloland.spinup.benchmark.plan import SPLITS, Plan
from kiloland.spinup.benchmark.task import Budget
from machine import RESULTS, described, machine

WORK = Path(__file__).parents[1] / "build" / "spinup-benchmark"
QUICK_CELLS = 300


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan that the command line asks for."""
    shared = Path(os.environ.get("KILOLAND_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    cells = options.cells or (QUICK_CELLS if options.quick else 20000)
    work = options.work or (WORK / "quick" if options.quick else WORK)
    budget = Budget(options.trials, options.trial_cells, options.epochs)
    if options.quick:
        budget = Budget(trials=1, epochs=10)
    return Plan(
        folder=work,
        world=options.world or work / f"world_{cells}",
        cells=cells,
        seeds=tuple(options.seed),
        half=options.half,
        splits=tuple(options.splits),
        budget=budget,
        rivals=tuple(options.rivals),
        exhibits=tuple(options.exhibits) if options.exhibits is not None else None,
        results=options.results or (work if options.quick else RESULTS),
        shared=shared if shared.is_dir() else None,
        drift_cells=options.drift_cells,
    )


def main() -> int:
    """Run the chain and say where the table is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="of splits, networks and trees")
    parser.add_argument("--cells", type=int, help="of a world that is generated (20000; quick: 300)")
    parser.add_argument("--world", type=Path, help="folder of a world of 1 degree")
    parser.add_argument("--half", type=Path, help="folder of a world of 0.5 degrees")
    parser.add_argument("--work", type=Path, help="folder that keeps what is finished")
    parser.add_argument("--results", type=Path, help="folder of the table (default benchmarks/results)")
    parser.add_argument("--splits", nargs="*", default=list(SPLITS))
    parser.add_argument("--rivals", nargs="*", default=[], help="only these rows")
    parser.add_argument("--exhibits", nargs="*", help="only these exhibits (none: the word alone)")
    parser.add_argument("--epochs", type=int, default=Budget.epochs)
    parser.add_argument("--trials", type=int, default=Budget.trials)
    parser.add_argument("--trial-cells", type=int, default=Budget.trial_cells)
    parser.add_argument("--drift-cells", type=int, default=Plan.drift_cells, help="run on after the restart")
    parser.add_argument("--quick", action="store_true", help="a small world, one trial, few passes")
    options = parser.parse_args()
    set_up_jax()
    try:
        path = run_chain(plan_of(options), described(machine()), lambda text: print(text, flush=True))
    except KilolandError as error:
        print(f"spinup-benchmark: {error}", file=sys.stderr)
        return int(error.exit_code)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
