"""``kiloland oracle``: comparison with the Fortran model, process by process."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Compare this model with output of the Fortran E3SM Land Model, process by process.

DIR holds oracle.json, the list of runs: their restarts, tapes and inputs. Every comparison that the material
allows is made; what cannot be compared is listed as skipped with the reason. Inputs that DIR lacks are taken
from the default folder, data/elm below KILOLAND_SHARED or ../shared, which is also the default of DIR.
"""

EPILOG = """\
examples:
  kiloland oracle                                    all runs of the default folder
  kiloland oracle --list                             runs and processes, nothing is compared
  kiloland oracle other/elm --process albedo         one process on other material
  kiloland oracle --run s6_summer_restart_each_step --json summer.json

exit codes: 0 all bars met, 1 a bar missed, 2 nothing compared.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "oracle",
        help="compare with output of the Fortran model, process by process",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", help="folder with oracle.json")
    parser.add_argument(
        "--run", action="append", default=[], metavar="ID", help="only this run; may be repeated"
    )
    parser.add_argument(
        "--process",
        action="append",
        default=[],
        metavar="NAME",
        help="only this process; may be repeated (default: all but gradients)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("oracle-table.json"),
        metavar="FILE",
        help="where to write every row (default %(default)s)",
    )
    parser.add_argument(
        "--resume",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="rows of this JSON, of an interrupted comparison, are not made again; may be repeated",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables as a page")
    parser.add_argument("--all", action="store_true", help="print every row")
    parser.add_argument("--list", action="store_true", help="list runs and processes, compare nothing")
    parser.set_defaults(handler=oracle)


def oracle(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    from kiloland.files import write_text
    from kiloland.run.compilation import set_up_jax
    from kiloland.verify import oracle as room

    default = room.default_folder()
    folder = options.directory or default
    if folder is None:
        raise InputError(
            "no folder given, and no default one",
            hint="set KILOLAND_SHARED to the folder that holds data/elm",
        )
    material = room.read_material(folder, default)
    runs = room.chosen_runs(material, options.run)
    processes = room.chosen_processes(options.process)
    if options.list:
        print(room.listing(runs, processes))
        return ExitCode.OK
    if options.json.resolve() == (folder / room.FILE_NAME).resolve():
        raise InputError("this would overwrite the list of runs", file=options.json)
    progress = room.progress_lines(sys.stderr, options.quiet)
    saved = room.read_saved(options.resume, material.root)
    processes = room.compiled_together(processes, options.process, os.environ)
    set_up_jax()

    def keep(so_far: room.Outcome) -> None:
        write_text(options.json, room.to_json(so_far))

    outcome = room.run_oracle(material, runs, processes, progress, saved, keep)
    print(room.to_table(outcome, options.all))
    write_text(options.json, room.to_json(outcome))
    if options.markdown:
        write_text(options.markdown, room.to_markdown(outcome))
    return outcome.exit_code
