"""``kiloland step``: some steps from one of ELM's restarts."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Load one of ELM's restarts, run some steps, write ELM's full restart.

The inputs that the namelist names are looked for, by their last part, in the folders given with --inputs.
With --prescribe, a tape of column and patch vectors with one record a step drives the ground: heat flux
(EFLX_GNET) and its derivative (DGNETDT) in place of computed fluxes; leaf area, canopy and soil water are
set to the tape's at the end of each step. Without it, all of water and energy of the soil columns is
computed: canopy, snow, soil heat and soil water; leaf and stem area stay those of the restart.
"""

EPILOG = """\
example:
  kiloland step r.0016-07-01.nc.gz --inputs inputs --namelist lnd_in --steps 48 --prescribe h1.nc.gz -o out.nc
  kiloland compare out.nc r.0016-07-02.nc.gz --rtol 1e-10
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "step",
        help="run some steps from one of ELM's restarts",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("restart", type=Path, metavar="RESTART", help="ELM restart (.nc or .nc.gz)")
    parser.add_argument(
        "--inputs",
        type=Path,
        action="append",
        required=True,
        metavar="DIR",
        help="folder of inputs; may be repeated",
    )
    parser.add_argument("--namelist", type=Path, required=True, metavar="lnd_in", help="ELM's namelist")
    parser.add_argument("--steps", type=int, required=True, metavar="N", help="number of steps")
    parser.add_argument(
        "--prescribe", type=Path, metavar="TAPE", help="per-step vector tape that drives the ground"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="restart to write")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    from kiloland.run.single_step import step_command

    step_command(
        options.restart, options.namelist, options.inputs, options.steps, options.prescribe, options.output
    )
    return ExitCode.OK
