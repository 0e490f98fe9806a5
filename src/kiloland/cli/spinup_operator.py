"""``kiloland spinup operator``: the decomposition operator of every soil column, from ELM's files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from kiloland.errors import ExitCode

DESCRIPTION = """\
Read the decomposition operator of every soil column from a run of ELM: turnover, transfers, mixing, fire,
litter and wood input. Quality `full` needs diagnostics that --fields lists as namelist lines; `default` is
made from ELM's default fields. The closure of ELM's own budget is printed per pool.
"""
EPILOG = """\
examples:
  kiloland spinup operator --restart r.0041.nc --history h0.*.nc --surface surfdata.nc \\
    --parameters clm_params.nc -o operator.nc
  kiloland spinup operator --fields
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup operator``."""
    parser = kinds.add_parser(
        "operator",
        help="turnover, transfers, mixing and input of every soil column",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file to write")
    parser.add_argument("--json", action="store_true", help="print the closure as JSON")
    parser.add_argument(
        "--fields", action="store_true", help="print namelist lines for quality full and stop"
    )
    parser.set_defaults(handler=operator)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Options that name the files of a run."""
    parser.add_argument("--restart", type=Path, metavar="FILE", help="restart at the end of the run")
    parser.add_argument(
        "--history", type=Path, nargs="+", metavar="FILE", help="history files, annual or monthly"
    )
    parser.add_argument("--surface", type=Path, metavar="FILE", help="surface file (fsurdat)")
    parser.add_argument("--parameters", type=Path, metavar="FILE", help="parameter file (paramfile)")
    parser.add_argument(
        "--soil-order",
        type=Path,
        metavar="FILE",
        help="constants by soil order (fsoilordercon; default: CNP_parameters* beside the parameter file)",
    )


def run_paths(options: argparse.Namespace) -> Any:
    """The files of the run; raises InputError where one is not named."""
    from kiloland.errors import InputError
    from kiloland.spinup.operator.source import RunPaths

    for name in ("restart", "history", "surface", "parameters", "output"):
        if not getattr(options, name):
            raise InputError(f"--{name} is missing", hint="`kiloland spinup --help` shows examples")
    return RunPaths(
        options.restart, tuple(options.history), options.surface, options.parameters, options.soil_order
    )


def operator(options: argparse.Namespace) -> ExitCode:
    """Write the file and print quality and closure."""
    from kiloland.spinup.operator.fields import namelist_lines
    from kiloland.spinup.operator.file import write_operator
    from kiloland.spinup.operator.source import Source

    if options.fields:
        print(namelist_lines())
        return ExitCode.OK
    with Source(run_paths(options)) as source:
        closure = write_operator(source, options.output).table()
        years = source.window.years
        said = {
            "quality": source.quality.value,
            "columns": source.columns,
            "years": [years[0], years[-1]],
            "forcing_cycle": source.window.cycle,
            **closure,
        }
    print(json.dumps(said, indent=1) if options.json else "\n".join(lines(said)))
    return ExitCode.OK


def lines(said: dict[str, Any]) -> list[str]:
    """Quality and closure for people."""
    text = [
        f"quality {said['quality']}: {said['columns']} columns, means of years {said['years'][0]} to "
        f"{said['years'][1]}",
        "closure of the run's own carbon budget, share of each pool's loss:",
    ]
    for pool, entry in said["pools"].items():
        loss = f"  {pool:6s} loss {entry['loss_gC_m2_yr']:9.3f} gC m-2 yr-1"
        if "residual" in entry:
            text.append(f"{loss}, not closed {percent(entry['residual'])}")
        else:
            text.append(
                f"{loss}, input {entry['input_gC_m2_yr']:9.3f}, negative in layers "
                f"{percent(entry['negative_input'])}"
            )
    text.append(f"  mixing against the run's own {percent(said['mixing'])}")
    text.append(f"  respiration of layers against the run's own {percent(said['respiration'])}")
    return text


def percent(share: float | None) -> str:
    """A share in percent; `not on file` where unknown."""
    return "not on file" if share is None else f"{100.0 * share:.3f} %"
