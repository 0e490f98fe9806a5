"""``kiloland check``: check all inputs of a case and show its plan."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from kiloland.errors import ExitCode, InputError

DESCRIPTION = """\
Read and check every input of a case and print what a run will compute, write and cost. Nothing is written.

Exit code 0: ready to run; 1: the forcing has faults (all are listed); 2: an input cannot be used.
"""

EPILOG = """\
example:
  kiloland check case.toml --ranks 4
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "check",
        help="check all inputs of a case; print cells, memory, files and cost",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("case", type=Path, metavar="CASE.toml", help="the case file")
    parser.add_argument(
        "--ranks", type=int, default=1, metavar="N", help="plan for so many ranks (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> ExitCode:
    """Run the command."""
    from kiloland.files.sizes import size_text
    from kiloland.run.case import read_case
    from kiloland.run.compilation import set_up_jax
    from kiloland.run.plan import has_errors, make_plan
    from kiloland.run.progress import Patience

    if options.ranks < 1:
        raise InputError("--ranks must be at least 1", found=options.ranks)
    set_up_jax()
    plan, findings = make_plan(read_case(options.case), options.ranks, Patience())
    if options.json:
        print(
            json.dumps({"plan": dataclasses.asdict(plan), "findings": [str(f) for f in findings]}, indent=2)
        )
    else:
        for finding in findings:
            print(finding)
        rows = (
            ("period", f"{plan.start} to {plan.stop}, {plan.steps} steps"),
            ("cells", f"{plan.cells:,} land cells: {plan.columns:,} soil columns, {plan.patches:,} patches"),
            ("ranks", f"{plan.ranks}, each {plan.blocks_per_rank} block(s) of columns"),
            ("memory", f"about {size_text(plan.memory_per_rank)} a rank"),
            ("restart", f"{plan.restart_sets} set(s) of about {size_text(plan.restart_set_bytes)}"),
            ("history", f"{plan.history_files} file(s), about {size_text(plan.history_bytes)} of data"),
            ("cost", f"about {plan.core_hours:.3g} core-hours"),
            ("physics", "soil columns; radiation, soil and snow temperature; bare-ground fluxes"),
        )
        for name, text in rows:
            print(f"{name:<8} {text}")
    return ExitCode.FINDINGS if has_errors(findings) else ExitCode.OK
