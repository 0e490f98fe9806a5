"""``kiloland spinup solve``: equilibrium pools, or those of a year of the normal run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kiloland.cli.spinup_operator import add_run, run_paths
from kiloland.errors import ExitCode

DESCRIPTION = """\
Solve for the carbon, nitrogen and phosphorus pools of every soil column and its plants. Without --year the
equilibrium; with --year N the state after N years of the normal run that follows accelerated spinup; with
--since START.nc the pools of --restart, the end of a short normal run that began with START.nc, moved to
where what still drifted in that run would stand still.
"""
EPILOG = """\
examples:
  kiloland spinup solve --restart r.0041.nc --history h0.*.nc --surface surfdata.nc \\
    --parameters clm_params.nc -o pools.nc
  kiloland spinup solve --restart r.0041.nc --history h0.*.nc --surface surfdata.nc \\
    --parameters clm_params.nc --year 100 --accelerated-until 61 -o pools.0100.nc
  kiloland spinup solve --since new.nc --restart r.0005.nc --history h0.*.nc --surface surfdata.nc \\
    --parameters clm_params.nc -o corrected.nc
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup solve``."""
    parser = kinds.add_parser(
        "solve",
        help="equilibrium pools, or pools of a stated year",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run(parser)
    parser.add_argument("--year", type=int, metavar="N", help="year of the normal run (default: equilibrium)")
    parser.add_argument(
        "--since",
        type=Path,
        metavar="FILE",
        help="restart that a short normal run started from: correct the pools by what drifted since",
    )
    parser.add_argument(
        "--run-years", type=float, metavar="N", help="with --since: length of the run (default: by the dates)"
    )
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="FILE",
        help="with --since: pools of the correction before, from which the length of the step is learned",
    )
    parser.add_argument(
        "--method",
        choices=["direct", "anderson", "scaling"],
        default="direct",
        help="direct: solution of the linear system; anderson: fixed point of runs of the operator; "
        "scaling: accelerated pools times their factors (default: %(default)s)",
    )
    parser.add_argument(
        "--accelerated-until",
        type=int,
        default=100,
        metavar="YEAR",
        help="model year in which accelerated spinup ends, for --year (default: %(default)s)",
    )
    parser.add_argument(
        "--mortality-factor",
        type=float,
        default=10.0,
        metavar="F",
        help="spinup_mortality_factor of the accelerated run (default: %(default)g)",
    )
    parser.add_argument(
        "--wood-at-exit",
        type=float,
        default=1.0,
        metavar="F",
        help="spinup_mortality_factor in the namelist of the normal run, by which ELM multiplies dead wood "
        "when acceleration ends (default: %(default)g)",
    )
    parser.add_argument(
        "--keep-productivity",
        action="store_true",
        help="litter input as in the history, not that of the nitrogen balance",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file of pools to write")
    parser.set_defaults(handler=solve)


def solve(options: argparse.Namespace) -> ExitCode:
    """Write the file and print a summary."""
    from kiloland.spinup.solve.correction import correct_run
    from kiloland.spinup.solve.pipeline import solve_run
    from kiloland.spinup.solve.request import Method, Request, check_correction

    if any(option is not None for option in (options.since, options.run_years, options.previous)):
        check_correction(options.since, options.year, options.method)
        changed = correct_run(
            run_paths(options), options.since, options.output, options.run_years, options.previous
        )
        print(json.dumps(changed, indent=1) if options.json else "\n".join(correction_lines(changed)))
        return ExitCode.OK
    request = Request(
        year=options.year,
        method=Method(options.method),
        accelerated_until=options.accelerated_until,
        mortality_factor=options.mortality_factor,
        wood_at_exit=options.wood_at_exit,
        limitation=not options.keep_productivity,
    )
    said = solve_run(run_paths(options), request, options.output)
    print(json.dumps(said, indent=1) if options.json else "\n".join(lines(said)))
    return ExitCode.OK


def correction_lines(said: dict[str, Any]) -> list[str]:
    """The summary of a correction for people."""
    return [
        f"correction by what drifted in {said['years']:g} years, operator of quality {said['quality']}, "
        f"{said['columns']} columns",
        f"mean size of the drift {said['mean_size_of_drift']:.3f} gC m-2 yr-1",
        f"mean soil carbon {said['mean_change_of_soil_carbon']:+.2f} gC m-2, mean size of the changes of its "
        f"pools {said['mean_size_of_change']:.2f} gC m-2",
    ]


def lines(said: dict[str, Any]) -> list[str]:
    """The summary for people."""
    low, middle, high = said["productivity_ratio"]
    text = [
        f"{said['target']} by {said['method']}, operator of quality {said['quality']} from years "
        f"{said['years'][0]} to {said['years'][1]}, {said['columns']} columns",
        f"productivity over that of these years: {low:.3f} to {high:.3f}, median {middle:.3f}",
        "mean carbon, gC m-2 of soil column:",
    ]
    text += [f"  {pool:6s} {value:12.2f}" for pool, value in said["carbon"].items()]
    if not said["mineral_phosphorus"]:
        text.append("mineral phosphorus is not in the file: no constants by soil order (--soil-order)")
    return text
