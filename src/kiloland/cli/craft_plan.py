"""``kiloland craft plan``: what a crafting job reads, writes and needs, before it starts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kiloland.errors import ExitCode

DESCRIPTION = """\
Print what a crafting job will read, write, need in memory and take in time. Nothing of it is made; of the
inputs only headers, the land mask and the lists of areas are read.

The job file (TOML) describes domain, forcing, surface data and copies; a source marked `planned = true` need
not exist yet. Sizes follow from the files that the commands write; times rest on the rates that are printed.

Exit code 0: all sources are there or planned; 1: a source is missing (each is named); 2: an unusable job.
"""

EPILOG = """\
examples:
  kiloland craft plan north_america.toml
  kiloland craft plan job.toml --measure --json
"""


def register_plan(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``craft plan``."""
    parser = kinds.add_parser(
        "plan",
        help="what a crafting job reads, writes and needs",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("job", type=Path, metavar="CASE.toml", help="the job file")
    parser.add_argument("--measure", action="store_true", help="measure the rates on this machine first")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Print the plan."""
    from kiloland.craft.plan import DEFAULT, document, plan_job, plan_lines
    from kiloland.craft.plan.measure import measured_rates

    plan = plan_job(options.job, measured_rates(options.job) if options.measure else DEFAULT)
    print(json.dumps(document(plan), indent=2) if options.json else "\n".join(plan_lines(plan)))
    return ExitCode.FINDINGS if plan.findings else ExitCode.OK
