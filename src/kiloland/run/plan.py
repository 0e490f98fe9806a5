"""The plan of a case: what a run will read, compute, write and cost, before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from kiloland.atmosphere.calendar import ModelTimes
from kiloland.atmosphere.checks import check_forcing_file
from kiloland.atmosphere.findings import Finding, Severity
from kiloland.errors import InputError
from kiloland.run.case import AtmosphereKind, Case, Precision
from kiloland.run.clock import DAY, YEAR_DAYS, Interval, date_label, month_start
from kiloland.run.model import Model, open_model
from kiloland.run.ranks import Ranks
from kiloland.run.tape import Tape

STEP_RATE = 1.0e5
"""Column-steps per second and core assumed for the estimate of time; ``benchmarks/`` measures yours."""
_PROCESS_BYTES = 400e6
"""Memory of a process before it holds a single cell: Python, NumPy and the compiler."""


@dataclass(frozen=True)
class Plan:
    """Sizes of a run; bytes for the whole run unless said otherwise."""

    start: str
    stop: str
    steps: int
    ranks: int
    cells: int
    columns: int
    patches: int
    blocks_per_rank: int
    memory_per_rank: float
    restart_set_bytes: float
    restart_sets: int
    history_files: int
    history_bytes: float
    core_hours: float


def make_plan(
    case: Case, ranks: int = 1, say: Callable[[str], None] = lambda text: None
) -> tuple[Plan, list[Finding]]:
    """Read and check every input of a case and work out the plan for a number of ranks; ``say`` hears what is
    being read.

    Returns:
        The plan and the findings in the forcing; faults of other inputs are raised.

    Raises:
        InputError: see :func:`~kiloland.run.model.open_model`.
    """
    model = open_model(case, Ranks(None, 0, 1))
    files, findings = list(forcing_files(case)), []
    for number, path in enumerate(files, 1):
        say(f"checking {path.name}, {number} of {len(files)} files of weather")
        findings += check_forcing_file(path)
    if case.atmosphere.kind is AtmosphereKind.STREAMS and not has_errors(findings):
        findings += _check_months(case, model, say)
    return _plan(case, model, ranks), findings


def _check_months(case: Case, model: Model, say: Callable[[str], None]) -> list[Finding]:
    """What shows only when files are used together: one step in every month of the run is loaded."""
    findings: dict[str, Finding] = {}
    cells = np.arange(len(model.cells.ordinals))
    year = max(1, case.atmosphere.year_last - case.atmosphere.year_first + 1) * YEAR_DAYS * DAY
    begin, end = case.start, min(case.stop, case.start + year)
    while begin < end:
        after = min(month_start(begin, 1), end)
        say(f"reading the weather of day {(begin - case.start) // DAY + 1} of {(end - case.start) // DAY}")
        middle = begin + (after - begin) // 2 // case.case.step_seconds * case.case.step_seconds
        for moment in (begin, middle):
            try:
                model.source.load(ModelTimes(moment, case.case.step_seconds, 1), cells)
            except InputError as error:
                findings[str(error)] = _as_finding(error)
        begin = after
    return list(findings.values())


def _as_finding(error: InputError) -> Finding:
    return Finding(
        Severity.ERROR,
        str(error.file or ""),
        error.variable or "",
        error.where or "whole file",
        error.problem + (f". {error.hint}" if error.hint else ""),
        "nothing" if error.found is None else str(error.found),
        "what the run reads" if error.expected is None else str(error.expected),
    )


def has_errors(findings: list[Finding]) -> bool:
    """True where a finding forbids the run."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def forcing_files(case: Case) -> list[Path]:
    """Every forcing file that the case reads."""
    path, table = case.atmosphere.path, case.atmosphere
    if table.kind is not AtmosphereKind.STREAMS:
        return [path] if path.is_file() else sorted(path.glob("all_hourly.nc*"))[:1]
    years = range(table.year_first, table.year_last + 1)
    return sorted(file for year in years for file in path.glob(f"{table.prefix}.*.{year:04d}-??.nc*"))


def _plan(case: Case, model: Model, ranks: int) -> Plan:
    steps = (case.stop - case.start) // case.case.step_seconds
    columns = sum(part.group.columns for part in model.parts)
    columns_per_rank = -(-columns // ranks)
    state_bytes = sum(leaf.nbytes for part in model.parts for leaf in jax.tree.leaves(part.states))
    constant_bytes = sum(
        leaf.nbytes for part in model.parts for leaf in jax.tree.leaves(part.prepared.constants)
    )
    carried_bytes = sum(np.asarray(values).nbytes for values in model.restart.values.values())
    forcing_bytes = 2 * 14 * 8 * case.compute.steps_per_chunk * model.cells.land_cells
    per_rank = (3 * state_bytes + constant_bytes + carried_bytes + forcing_bytes) / ranks
    history = [_tape_size(tape, model, case) for tape in model.tapes]
    ends = _count_ends(Interval.parse(case.restart.every), case)
    return Plan(
        start=date_label(case.start),
        stop=date_label(case.stop),
        steps=steps,
        ranks=ranks,
        cells=model.cells.land_cells,
        columns=columns,
        patches=sum(part.group.patches for part in model.parts),
        blocks_per_rank=-(-columns_per_rank // case.compute.columns_per_block),
        memory_per_rank=_PROCESS_BYTES + per_rank,
        restart_set_bytes=float(carried_bytes + sum(size / max(files, 1) for files, size in history)),
        restart_sets=ends,
        history_files=sum(files for files, _ in history),
        history_bytes=float(sum(size for _, size in history)),
        core_hours=steps * columns / STEP_RATE / 3600.0,
    )


def _count_ends(interval: Interval, case: Case) -> int:
    """How many intervals end inside the run, its end counting once."""
    count, now = 0, case.start
    while now < case.stop:
        end = interval.next_end(now, case.start, case.case.step_seconds)
        now = case.stop if end is None else end
        count += 1
    return count


def _tape_size(tape: Tape, model: Model, case: Case) -> tuple[int, float]:
    """Number of files of a tape and their bytes."""
    records = _count_ends(tape.interval, case)
    width = 4 if tape.table.precision is Precision.SINGLE else 8
    members = model.members.totals
    per_record = 0.0
    for variable, shape in zip(tape.variables, tape.shapes, strict=True):
        vector = tape.table.subgrid and variable.level in ("column", "pft")
        per_record += float(np.prod(shape)) * members[variable.level if vector else "gridcell"] * width
    return -(-records // tape.table.records_per_file), records * per_record
