"""The oracle: every comparison with output of the Fortran model that given material allows.

``material`` says which runs there are, ``bench`` reads one run, ``processes`` lists what is compared and how
close it must be, ``runner`` does it, ``report`` prints it. A new process is one entry in ``PROCESSES``.

Names are found when they are asked for: the processes import checks from all over ``verify``, and these
import ``bench`` and ``rows`` from here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiloland.verify.oracle.material import (
        FILE_NAME,
        Material,
        RunEntry,
        default_folder,
        read_material,
    )
    from kiloland.verify.oracle.processes import PROCESSES, Process
    from kiloland.verify.oracle.report import to_json, to_markdown, to_table
    from kiloland.verify.oracle.rows import Bar, Outcome, Row, Verdict
    from kiloland.verify.oracle.runner import run_oracle
    from kiloland.verify.oracle.saved import read_saved
    from kiloland.verify.oracle.selection import (
        chosen_processes,
        chosen_runs,
        compiled_together,
        listing,
        progress_lines,
    )

_HOMES = {
    "material": ("FILE_NAME", "Material", "RunEntry", "default_folder", "read_material"),
    "processes": ("PROCESSES", "Process"),
    "report": ("to_json", "to_markdown", "to_table"),
    "rows": ("Bar", "Outcome", "Row", "Verdict"),
    "runner": ("run_oracle",),
    "saved": ("read_saved",),
    "selection": ("chosen_processes", "chosen_runs", "compiled_together", "listing", "progress_lines"),
}


def __getattr__(name: str) -> Any:
    """A public name from the module that holds it."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "FILE_NAME",
    "PROCESSES",
    "Bar",
    "Material",
    "Outcome",
    "Process",
    "Row",
    "RunEntry",
    "Verdict",
    "chosen_processes",
    "chosen_runs",
    "compiled_together",
    "default_folder",
    "listing",
    "progress_lines",
    "read_material",
    "read_saved",
    "run_oracle",
    "to_json",
    "to_markdown",
    "to_table",
]
