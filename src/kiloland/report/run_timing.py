"""The timing of a run in the files that E3SM's users and the PACE portal know."""

from __future__ import annotations

import getpass
import platform
import time
from pathlib import Path

from kiloland.report.timers import TimerNode
from kiloland.report.timing import write_timing
from kiloland.report.timing_summary import RunSummary, write_summary
from kiloland.run.driver import RunResult
from kiloland.run.timers import Timer


def timer_node(timer: Timer) -> TimerNode:
    """A timer of the run as a node of the timing files."""
    return TimerNode(
        name=timer.name,
        calls=timer.calls,
        wallclock=timer.total,
        max=timer.longest,
        min=min(timer.shortest, timer.longest),
        children=tuple(timer_node(child) for child in timer.children.values()),
    )


def write_run_timing(result: RunResult) -> Path:
    """Write the timing files of a run into its folder ``timing``.

    ``model_timing.NNNN`` of every rank, ``model_timing_stats`` over all of them, and the one-page summary
    ``e3sm_timing.<case>.<identifier>`` with cost and throughput; nothing where no step was taken.
    """
    folder = result.directory / "timing"
    folder.mkdir(exist_ok=True)
    write_timing(folder, [[timer_node(root)] for root in result.timers])
    if result.steps:
        write_summary(folder, _summary(result))
    return folder


def _summary(result: RunResult) -> RunSummary:
    root = result.timers[0]
    loop = root.children.get("RUN_LOOP", Timer("RUN_LOOP"))

    def seconds(name: str) -> float:
        return loop.children[name].total if name in loop.children else 0.0

    parts = {"ATM": seconds("ATM_RUN"), "LND": seconds("LND_RUN")}
    return RunSummary(
        case=result.case_name,
        identifier=time.strftime("%y%m%d-%H%M%S"),
        machine=platform.machine(),
        case_root=".",
        timing_root="timing",
        user=_user(),
        date=time.strftime("%a %b %d %H:%M:%S %Y"),
        grid=f"{result.cells} land cells",
        compset="Kiloland soil slice, data atmosphere",
        run_type="startup",
        stop_option="ndays",
        stop_count=max(1, round(result.simulated_days)),
        days=result.simulated_days,
        processes=len(result.timers),
        processes_per_node=len(result.timers),
        initial_seconds=root.children["INIT"].total if "INIT" in root.children else 0.0,
        run_seconds=loop.total,
        final_seconds=0.0,
        component_seconds={**parts, "CPL": loop.total - sum(parts.values())},
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
