"""``kiloland quickstart``: a first run with pictures, with no file from outside."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Make a small case, check it, run it, and draw it: the whole chain in one command.

Without --real everything is made by the package: 300 true cells of the Daymet grid on the Seward Peninsula
with a synthetic surface and synthetic weather, a month of July in steps of half an hour. All files have the
formats of real ones, so they also serve as a pattern for your own. The first run on a machine compiles the
model, which takes minutes; --bare-ground leaves canopies, snow and soil water out and is done in seconds.

With --real the domain is the whole Seward Peninsula (72,083 cells) and the weather the measured record of
SPRUCE; surface and plant parameters stay synthetic. It needs the reference data (--shared).

The folder gets: the inputs and case.toml, run/ with history and restart files, pictures/ and index.html.
"""

EPILOG = """\
examples:
  kiloland quickstart
  kiloland quickstart --cells 1200 --days 10 -o larger
  kiloland quickstart --real --shared ../shared -o seward
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "quickstart",
        help="a first run with pictures, with no file from outside",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("quickstart"),
        metavar="DIR",
        help="new or empty folder (default: quickstart)",
    )
    parser.add_argument(
        "--cells", type=int, default=300, metavar="N", help="cells of the synthetic set (default 300)"
    )
    parser.add_argument("--days", type=int, metavar="N", help="length of the run (default 31; with --real 2)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all that is made up (default 1)")
    parser.add_argument(
        "--bare-ground", action="store_true", help="radiation and soil heat alone, compiled in seconds"
    )
    parser.add_argument(
        "--real", action="store_true", help="real domain and measured weather instead of synthetic ones"
    )
    parser.add_argument(
        "--shared",
        type=Path,
        metavar="DIR",
        help="folder that holds data/ of the reference data (default: $KILOLAND_SHARED, shared, ../shared)",
    )
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Run the command and say where everything is."""
    from kiloland.craft.measured import make_measured_case, shared_folder
    from kiloland.craft.synthetic import make_synthetic_case
    from kiloland.report.quickstart import Quickstart, quickstart

    if options.real:
        make = partial(make_measured_case, shared=shared_folder(options.shared), days=options.days or 2)
        wanted = Quickstart(
            "Kiloland quickstart: real domain, measured weather",
            "Seward Peninsula on the Daymet grid (72,083 cells), weather measured at SPRUCE in Minnesota, "
            "surface and plant parameters synthetic.",
            make,
        )
    else:
        make = partial(
            make_synthetic_case,
            cells=options.cells,
            days=options.days or 31,
            seed=options.seed,
            surface_flux="bare-ground" if options.bare_ground else "full",
        )
        wanted = Quickstart(
            "Kiloland quickstart: synthetic data",
            f"Synthetic surface and weather on {options.cells} true cells of the Daymet grid in Alaska.",
            make,
        )
    result = quickstart(wanted, options.output, say=partial(print, flush=True))
    print(f"done in {result.seconds:.0f} s")
    for label, path in (
        ("page", result.page),
        ("pictures", result.pictures[0].parent),
        ("case", result.case),
        ("results", result.run),
    ):
        print(f"{label:<9}{path}")
    return ExitCode.OK
