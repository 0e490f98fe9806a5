"""``kiloland craft sources``: the kinds of input files, and what given files are."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Without files: print the kinds of input files that the commands know, what reads each, and who uses it.
With files: say of each what kind it is, by its content, and whether it is valid.

Exit code 0: all files are known and valid; 1: a file is not, with what is wrong; 2: a file is not there.
"""

EPILOG = """\
examples:
  kiloland craft sources
  kiloland craft sources daymet/*.nc land_cover.tif points.csv
"""


def register_sources(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft sources``."""
    parser = kinds.add_parser(
        "sources",
        help="the kinds of input files; what a file is and whether it is valid",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="files to recognise and validate")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Print the kinds, or a report of each file."""
    from kiloland.craft.sources import examine, report_document, table_document, table_lines

    if not options.files:
        print(json.dumps(table_document(), indent=2) if options.json else "\n".join(table_lines()))
        return ExitCode.OK
    reports = [examine(path) for path in options.files]
    if options.json:
        print(json.dumps([report_document(one) for one in reports], indent=2))
    else:
        print("\n".join(line for one in reports for line in one.lines()))
    return ExitCode.OK if all(one.valid for one in reports) else ExitCode.FINDINGS
