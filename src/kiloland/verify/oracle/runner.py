"""Every process on every run; what cannot be compared becomes a row with the reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from types import MappingProxyType

from kiloland.errors import InputError
from kiloland.run.compilation import forget_many_programs
from kiloland.verify.oracle.bench import UNEXPECTED, Bench
from kiloland.verify.oracle.material import Material, RunEntry
from kiloland.verify.oracle.processes import Process
from kiloland.verify.oracle.rows import Outcome, Row, Skipped, compared_row, merge_skipped, skipped_row
from kiloland.verify.oracle.saved import Saved
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.radiation import Difference, merge

logger = logging.getLogger(__name__)

Report = Callable[[int, int, str], None]
"""Called before each process with the number of done and of all, and what comes next."""


def run_oracle(
    material: Material,
    runs: Sequence[RunEntry],
    processes: Sequence[Process],
    report: Report = lambda done, total, label: None,
    saved: Saved = MappingProxyType({}),
    keep: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Compare all that the material allows.

    Args:
        material: the list of runs.
        runs: those of them to compare.
        processes: what to compare.
        report: told about the progress.
        saved: rows of an earlier comparison, which are not made again.
        keep: given all rows so far after each run.
    """
    rows, shelf, done = [], Shelf(), 0
    for name, reason in material.refused:
        rows += [skipped_row(name, process.name, process.bar, Skipped(reason)) for process in processes]
    for run in runs:
        bench = Bench(run, material, shelf)
        for process in processes:
            report(done, len(runs) * len(processes), f"{run.id}: {process.name}")
            known = saved.get((run.id, process.name))
            rows += process_rows(process, bench) if known is None else known
            done += 1
            forget_many_programs()
        keep(Outcome(str(material.root), tuple(rows)))
    report(done, done, "done")
    return Outcome(str(material.root), tuple(rows))


def process_rows(process: Process, bench: Bench) -> list[Row]:
    """Rows of one process on one run."""
    found: list[Difference] = []
    left_out: list[Skipped] = []
    try:
        if not bench.restarts and not bench.run.tapes:
            raise InputError("neither a restart that can be read nor a tape", file=bench.run.folder)
        for item in process.check(bench):
            (found if isinstance(item, Difference) else left_out).append(item)  # type: ignore[arg-type]
    except InputError as error:
        left_out.append(Skipped(str(error)))
    except UNEXPECTED as error:
        logger.warning("%s: %s: unexpected material", bench.run.id, process.name, exc_info=True)
        reason = f"{bench.run.folder}: unexpected material: {type(error).__name__}: {error}"
        left_out.append(Skipped(reason))
    if process.uses_restarts:
        left_out += [Skipped(reason) for reason in bench.unreadable]
    if not found and not left_out:
        left_out.append(Skipped(f"{bench.run.folder}: nothing to compare"))
    compared = [
        compared_row(bench.run.id, process.name, process.bar_of(item.variable), item)
        for item in merge(found).values()
        if item.compared
    ]
    return compared + [
        skipped_row(bench.run.id, process.name, process.bar_of(item.variable), item)
        for item in merge_skipped(left_out)
    ]
