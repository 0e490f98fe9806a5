"""The writer: one pass over the parts of a restart that computes, checks and writes.

The new file has the variables, dimensions and attributes of the old one. It becomes visible only when every
part has been written and no check has found an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from kiloland.craft.cells import copy_variable, require_other_file, schema_like, variable_like
from kiloland.files import DatasetWriter, FileSchema
from kiloland.spinup.restart.blocks import Part
from kiloland.spinup.restart.checks import check_part
from kiloland.spinup.restart.parts import check_totals, part_state
from kiloland.spinup.restart.plan import SCALAR, STATE, Job, RestartRequest, prepared
from kiloland.spinup.restart.report import RestartReport
from kiloland.spinup.restart.totals import new_totals
from kiloland.spinup.tables import POOLS, TOTALS

Progress = Callable[[str], None]


def write_restart(request: RestartRequest, progress: Progress = lambda text: None) -> RestartReport:
    """Write the new restart, or with ``dry_run`` find out what would be written.

    A report with errors (``refused``) means that nothing was written. Raises InputError where files cannot
    be used together; OutputError where the disk refuses. An earlier file of the name is then intact.
    """
    started = time.perf_counter()
    require_other_file(request.restart, request.output)
    with ExitStack() as stack:
        job = prepared(request, stack)
        size = 0
        if request.dry_run:
            for number, part in enumerate(job.parts):
                finish_part(job, part, None)
                say(progress, number, len(job.parts))
            job.seen.check()
        else:
            size = written(job, progress)
        return summary(job, size, time.perf_counter() - started)


def say(progress: Progress, number: int, parts: int) -> None:
    """Tell how far it is, at most twenty times."""
    if (number + 1) * 20 // parts > number * 20 // parts:
        progress(f"{100 * (number + 1) // parts} % of the soil columns")


class Refused(Exception):
    """Leaves the writer without a file; never leaves this module."""


def written(job: Job, progress: Progress) -> int:
    """Write the file; its size, 0 where a check refuses it."""
    output = job.request.output
    try:
        with DatasetWriter(output, new_schema(job)) as writer:
            for number, part in enumerate(job.parts):
                finish_part(job, part, writer)
                say(progress, number, len(job.parts))
            job.seen.check()
            if job.findings.errors():
                raise Refused
            copy_rest(job, writer, progress)
    except Refused:
        return 0
    return output.stat().st_size


def new_schema(job: Job) -> FileSchema:
    """Schema of the new file: that of the old one, and where the pools come from."""
    variables = tuple(variable_like(variable) for variable in job.dataset.variables.values())
    said = {
        "spinup_pools": job.request.pools.name,
        "spinup_method": str(job.pools.attributes.get("method", "unknown")),
        "spinup_target_year": str(job.pools.attributes.get("target_year", "unknown")),
        "spinup_restart_before": job.request.restart.name,
    }
    return schema_like(job.dataset, {}, variables, said)


def copy_rest(job: Job, writer: DatasetWriter, progress: Progress) -> None:
    """Copy what no rule touches; the state of spinup is the new one."""
    done = set(job.changed)
    progress("copying what does not change")
    for name, variable in job.dataset.variables.items():
        if name == STATE:
            writer.put(name, np.asarray(int(job.setting.after.accelerated), variable.dtype))
        elif name not in done:
            copy_variable(variable, writer)


def finish_part(job: Job, part: Part, writer: DatasetWriter | None) -> None:
    """Compute, check and (with a writer) write one part."""
    state = part_state(job, part)
    check_totals(job, state)
    check_part(state, job.findings, job.wood)
    for one in job.statistics.values():
        one.add(state)
    if writer is None:
        return
    stored = {name: state.to_store(name) for name in job.setting.rules}
    for name, values in {**stored, **new_totals(state, stored)}.items():
        patches = POOLS[name].on_patches if name in POOLS else TOTALS[name].dims == ("pft",)
        writer.put(name, values, start=((part.patches if patches else part.columns).start,))
    if SCALAR in job.changed:
        scalar = state.stored(SCALAR).copy()
        scalar[state.subgrid.column_row] = 1.0
        writer.put(SCALAR, scalar, start=(part.columns.start,))


def summary(job: Job, size: int, seconds: float) -> RestartReport:
    """The report."""
    refused = bool(job.findings.errors())
    return RestartReport(
        job.request.restart,
        job.request.pools,
        None if job.request.dry_run or refused else job.request.output,
        int(job.setting.before.accelerated),
        int(job.setting.after.accelerated),
        job.setting.before.factors.source,
        job.notes,
        job.columns,
        job.guarded,
        job.absent,
        tuple(job.statistics.values()),
        tuple(name for name in TOTALS if name in job.dataset),
        tuple(job.findings.all()),
        size,
        seconds,
    )
