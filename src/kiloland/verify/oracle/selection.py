"""What a user asks for: runs and processes by name, the listing, progress while comparing."""

from __future__ import annotations

import difflib
from collections.abc import Callable, MutableMapping, Sequence
from typing import TextIO

from kiloland.compiler_flags import without_shared_loops
from kiloland.errors import InputError
from kiloland.verify.oracle.material import Material, RunEntry
from kiloland.verify.oracle.processes import PROCESSES, Process

GRADIENTS = "gradients"


def chosen_runs(material: Material, names: Sequence[str]) -> list[RunEntry]:
    """The runs of these names, all where none is given.

    Raises:
        InputError: no such run.
    """
    by_name = {run.id: run for run in material.runs}
    _check(names, [*by_name, *(name for name, _ in material.refused)], "run", str(material.root))
    return [by_name[name] for name in names if name in by_name] if names else list(material.runs)


def chosen_processes(names: Sequence[str]) -> list[Process]:
    """The processes of these names, all where none is given.

    Raises:
        InputError: no such process.
    """
    _check(names, [process.name for process in PROCESSES], "process", None)
    return [process for process in PROCESSES if not names or process.name in names]


def compiled_together(
    processes: Sequence[Process], names: Sequence[str], environment: MutableMapping[str, str]
) -> list[Process]:
    """What one process can compare: gradients only where they are named, then compiled without shared loops.

    The compiler ends the whole process where it shares loops in gradients of a day.
    """
    if not names:
        return [process for process in processes if process.name != GRADIENTS]
    if GRADIENTS in names:
        without_shared_loops(environment)
    return list(processes)


def _check(names: Sequence[str], known: Sequence[str], kind: str, file: str | None) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
            raise InputError(f"no {kind} of this name", file=file, found=name, hint=hint)


def listing(runs: Sequence[RunEntry], processes: Sequence[Process]) -> str:
    """Runs with what they offer, and processes with what they need."""
    width = max((len(run.id) for run in runs), default=0)
    lines = ["runs"]
    for run in runs:
        double = sum(tape.double for tape in run.tapes)
        lines.append(
            f"  {run.id:<{width}}  step {run.timestep} s, {len(run.restarts)} restarts, "
            f"{len(run.pairs or ())} one step apart, {len(run.tapes)} tapes ({double} double)"
        )
    lines.append("processes")
    for process in processes:
        lines += [f"  {process.name}: {process.compares}", f"      needs {process.needs}; bar {process.bar}"]
    return "\n".join(lines)


def progress_lines(stream: TextIO, quiet: bool) -> Callable[[int, int, str], None]:
    """Reports progress: a line that renews itself on a terminal, else a line for each run."""
    last = ""

    def report(done: int, total: int, label: str) -> None:
        nonlocal last
        if quiet:
            return
        text = f"{100 * done // max(total, 1):3d} %  {label}"
        if stream.isatty():
            end = "\n" if done == total else ""
            print(f"\r{text[:100]:<100}", end=end, file=stream, flush=True)
        elif label.split(":")[0] != last:
            last = label.split(":")[0]
            print(text.split(": ")[0], file=stream, flush=True)

    return report
