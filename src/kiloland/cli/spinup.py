"""``kiloland spinup``: from a short run to a proven equilibrium restart."""

from __future__ import annotations

import argparse
import importlib
from importlib.util import find_spec

SUBCOMMANDS = (
    "check",
    "operator",
    "solve",
    "generate",
    "dataset",
    "train",
    "predict",
    "restart",
    "report",
)
"""Commands in the order of the help text; each is a module ``kiloland.cli.spinup_NAME`` with ``register``."""

DESCRIPTION = """\
Find the steady state of the slow carbon, nitrogen and phosphorus pools from a short run, write a restart that
ELM accepts, and prove it. Works on ELM's files: history, restart, surface and parameter files.
`kiloland spinup COMMAND --help` shows examples.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup`` and its own subcommands."""
    parser = subparsers.add_parser(
        "spinup",
        help="equilibrium pools and the restart that holds them",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="work", metavar="COMMAND", required=True, title="commands")
    for name in SUBCOMMANDS:
        if find_spec(f"kiloland.cli.spinup_{name}") is not None:
            importlib.import_module(f"kiloland.cli.spinup_{name}").register(kinds)
