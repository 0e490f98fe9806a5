"""``kiloland spinup generate``: a model world whose equilibrium is known."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kiloland.compiler_flags import ONE_THREAD, add_compiler_flag
from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Make a model world: cells of the real climate with ELM's cascade of carbon, nitrogen and phosphorus, stepped
by the day from a cold start through 40 years of accelerated spinup to an equilibrium proven by stepping.
Writes what ELM would hand over (restart, annual and monthly means) and the equilibrium. An interrupted run
goes on where it was. Exit code 0: no cell drifts; 1: some do, see manifest.json.

With --continue: step a restart of a member on in normal mode and print its drift.
"""

EPILOG = """\
examples:
  kiloland spinup generate --cells 200 --seed 1 --resolution 1 -o world
  kiloland spinup generate --continue new_restart.nc --member world/member_00 --years 20
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "generate",
        help="make a model world with known equilibrium",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cells", type=int, metavar="N", help="number of cells, of all members together")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="seed of all chance (default 1)")
    parser.add_argument(
        "--resolution", type=float, default=1.0, metavar="D", help="1 or 0.5 degree (default 1)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder of the world")
    parser.add_argument(
        "--members", type=int, metavar="M", help="sets of parameters (default: as few as hold N)"
    )
    parser.add_argument(
        "--climate",
        metavar="FILE",
        help="monthly climatology, or 'synthetic' (default: that of the reference data, else synthetic)",
    )
    parser.add_argument(
        "--cycle", type=int, default=4, metavar="YEARS", help="years of the forcing cycle (default 4)"
    )
    parser.add_argument(
        "--block", type=int, default=256, metavar="B", help="cells stepped together (default 256)"
    )
    parser.add_argument(
        "--processes", type=int, default=1, metavar="P", help="processes that share the blocks"
    )
    parser.add_argument(
        "--continue", dest="restart", type=Path, metavar="RESTART", help="go on from a restart"
    )
    parser.add_argument(
        "--member", type=Path, metavar="DIR", help="member folder of that restart (default: its own)"
    )
    parser.add_argument("--years", type=int, default=20, metavar="Y", help="years to go on (default 20)")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    # The kernel gains nothing from threads, and processes share the cores.
    add_compiler_flag(ONE_THREAD, os.environ)
    from kiloland.run.compilation import set_up_jax

    if options.restart is not None:
        set_up_jax()
        return go_on(options)
    if options.cells is None or options.output is None:
        raise InputError("--cells and -o are needed to make a world")
    from kiloland.spinup.generator.generate import generate, make_settings

    set_up_jax()
    settings = make_settings(
        options.cells,
        options.seed,
        options.resolution,
        options.members,
        options.climate,
        cycle_years=options.cycle,
        block=options.block,
    )
    print(f"{settings.cells} cells, {settings.members} members, climate {Path(settings.climate).name}")
    passed = generate(settings, options.output, processes=options.processes)
    print("no cell drifts" if passed else "some cells drift, see manifest.json")
    return ExitCode.OK if passed else ExitCode.FINDINGS


def go_on(options: argparse.Namespace) -> ExitCode:
    """Step a restart on and print what it does."""
    from kiloland.spinup.generator.continuation import continue_run
    from kiloland.spinup.generator.report import drift_lines

    member = options.member or options.restart.resolve().parent.parent
    print("\n".join(drift_lines(continue_run(options.restart, member, options.years))))
    return ExitCode.OK
