"""``kiloland spinup predict``: pools of equilibrium of a short run by the network."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.cli.spinup_dataset import Reporter
from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Predict the pools of equilibrium from the restart and the history of a short run, cell by cell: by the network
with the run's decomposition operator; by the network alone where that operator does not close the run's own
budget, by the solver where the cell is far from all that was trained; by scaling where neither holds. The
file says per column which it was, how uncertain it is and how far from the training; so does the summary.

History: annual means of cells and of patches and monthly weather, in any number of files. Without --weights
those of the package are used; they were trained on the model world of `kiloland spinup generate`, not on ELM.
"""
EPILOG = """\
example:
  kiloland spinup predict --restart r.0041.nc --history h0.nc h1.nc h2.nc --surface surfdata.nc \\
      --parameters clm_params.nc -o pools.nc
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup predict``."""
    parser = kinds.add_parser(
        "predict",
        help="equilibrium pools by the network",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", type=Path, metavar="W", help="weights (default: those of the package)")
    parser.add_argument(
        "--restart", type=Path, required=True, metavar="R.nc", help="restart of the short run"
    )
    parser.add_argument("--history", type=Path, required=True, nargs="+", metavar="FILE", help="its history")
    parser.add_argument("--surface", type=Path, required=True, metavar="S.nc", help="surface file")
    parser.add_argument(
        "--parameters",
        type=Path,
        metavar="P.nc",
        help="parameter file (default: parameters.nc beside the surface)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="POOLS.nc", help="the pools")
    parser.add_argument(
        "--other-parameters", action="store_true", help="allow plant traits outside the range of the training"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(handler=predict)


def predict(options: argparse.Namespace) -> ExitCode:
    """Predict and print the summary."""
    from kiloland.run.compilation import set_up_jax
    from kiloland.spinup.dataset.run import RunFiles
    from kiloland.spinup.learn.predict import predict_run

    set_up_jax()
    parameters = options.parameters or options.surface.with_name("parameters.nc")
    if not parameters.exists():
        raise InputError("no parameter file", file=parameters, hint="Name it with --parameters P.nc")
    files = RunFiles(options.restart, tuple(options.history), options.surface, parameters)
    summary = predict_run(
        files,
        options.output,
        options.weights,
        other_parameters=options.other_parameters,
        report=Reporter(),
    )
    print(summary.json() if options.json else "\n".join([str(options.output), *summary.lines()]))
    return ExitCode.OK
