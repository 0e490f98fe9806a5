"""The one-page summary of a run's time and cost, ``e3sm_timing.<case>.<identifier>``.

Programs that read it look for keys before a colon, for the table of components (nine rows) and for the table
of run times (eleven rows); both tables always have all their rows, with zeros for components that do not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kiloland.files import write_text

SECONDS_PER_DAY = 86400.0
SECONDS_PER_HOUR = 3600.0
DAYS_PER_YEAR = 365.0
COMPONENTS = ("cpl", "atm", "lnd", "ice", "ocn", "rof", "glc", "wav", "esp")
RUN_ROWS = ("TOT", "CPL", "ATM", "LND", "ICE", "OCN", "ROF", "GLC", "WAV", "ESP", "CPL COMM")
NOTE = "CPL Run Time is the time between components: streams, history, restart and balances"


@dataclass(frozen=True)
class RunSummary:
    """Facts of one run; times in seconds of wall clock, length in model days (365-day years).

    ``component_seconds``: run time by row name of ``RUN_ROWS`` (rows not given are zero, ``TOT`` is
    ``run_seconds``).
    """

    case: str
    identifier: str
    machine: str
    case_root: str
    timing_root: str
    user: str
    date: str
    grid: str
    compset: str
    run_type: str
    stop_option: str
    stop_count: int
    days: float
    processes: int
    processes_per_node: int
    initial_seconds: float
    run_seconds: float
    final_seconds: float
    component_seconds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.component_seconds) - set(RUN_ROWS)
        if unknown:
            raise ValueError(f"unknown rows of the run-time table: {', '.join(sorted(unknown))}")
        if self.days <= 0 or self.processes < 1 or self.processes_per_node < 1:
            raise ValueError("a run has a positive length and at least one process")

    @property
    def cost(self) -> float:
        """Process hours per simulated year."""
        return self.run_seconds * self.processes / SECONDS_PER_HOUR * DAYS_PER_YEAR / self.days

    @property
    def throughput(self) -> float:
        """Simulated years per day of wall clock; zero where the run took no time."""
        return years_per_day(self.run_seconds, self.days)


def years_per_day(seconds: float, days: float) -> float:
    return days / DAYS_PER_YEAR * SECONDS_PER_DAY / seconds if seconds > 0 else 0.0


def summary_text(summary: RunSummary) -> str:
    """The text of ``e3sm_timing.<case>.<identifier>``."""
    return "\n".join(
        [*header(summary), "", *component_table(summary), "", *metrics(summary), "", *run_table(summary), ""]
    )


def header(summary: RunSummary) -> list[str]:
    pairs = (
        ("Case", summary.case),
        ("LID", summary.identifier),
        ("Machine", summary.machine),
        ("Caseroot", summary.case_root),
        ("Timeroot", summary.timing_root),
        ("User", summary.user),
        ("Curr Date", summary.date),
        ("grid", summary.grid),
        ("compset", summary.compset),
        ("run type", summary.run_type),
        ("stop option", f"{summary.stop_option}, stop_n = {summary.stop_count}"),
        ("run length", f"{summary.days:g} days ({summary.days:.1f} for ocean)"),
    )
    return [
        "---------------- TIMING PROFILE ---------------------",
        *(f"  {key:<12}: {value}" for key, value in pairs),
    ]


def component_table(summary: RunSummary) -> list[str]:
    """Nine components; the coupler, atmosphere and land share all processes, the others are stubs."""
    active = {"cpl": "kiloland", "atm": "datm", "lnd": "kiloland"}
    rows = [
        "  component       comp_pes    root_pe   tasks  x threads instances (stride) ",
        "  ---------        ------     -------   ------   ------  ---------  ------  ",
    ]
    for name in COMPONENTS:
        label = f"{name} = {active.get(name, 's' + name)}"
        tasks = summary.processes if name in active else 1
        rows.append(f"  {label:<15}  {tasks:<10d}  {0:<7d}  {tasks:<6d}   x 1       1      (1     ) ")
    return rows


def metrics(summary: RunSummary) -> list[str]:
    per_day = summary.run_seconds / summary.days
    return [
        f"  total pes active           : {summary.processes} ",
        f"  mpi tasks per node         : {summary.processes_per_node} ",
        f"  pe count for cost estimate : {summary.processes} ",
        "",
        "  Overall Metrics: ",
        f"    Model Cost:         {summary.cost:10.2f}   pe-hrs/simulated_year ",
        f"    Model Throughput:   {summary.throughput:10.2f}   simulated_years/day ",
        "",
        f"    Init Time   :  {summary.initial_seconds:10.3f} seconds ",
        f"    Run Time    :  {summary.run_seconds:10.3f} seconds   {per_day:10.3f} seconds/day ",
        f"    Final Time  :  {summary.final_seconds:10.3f} seconds ",
        "",
        f"    Actual Ocn Init Wait Time     :  {0.0:10.3f} seconds ",
    ]


def run_table(summary: RunSummary) -> list[str]:
    rows = ["Runs Time in total seconds, seconds/model-day, and model-years/wall-day", NOTE, ""]
    for name in RUN_ROWS:
        seconds = summary.component_seconds.get(name, summary.run_seconds if name == "TOT" else 0.0)
        label = "CPL COMM Time:" if name == "CPL COMM" else f"{name} Run Time:"
        rows.append(
            f"    {label:<14} {seconds:10.3f} seconds   {seconds / summary.days:10.3f} seconds/mday"
            f"   {years_per_day(seconds, summary.days):10.2f} myears/wday "
        )
    return rows


def write_summary(folder: Path, summary: RunSummary) -> Path:
    """Write the summary into ``folder``; returns its path. Raises ``OutputError`` where that fails."""
    path = folder / f"e3sm_timing.{summary.case}.{summary.identifier}"
    write_text(path, summary_text(summary))
    return path
