"""The report of a new restart, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiloland.spinup.restart.findings import Finding, Severity
from kiloland.spinup.restart.statistics import ORIGINS, VariableStatistics
from kiloland.spinup.tables import HEADLINE


@dataclass(frozen=True)
class RestartReport:
    """What was written, or would be.

    ``guarded``, ``absent``: soil columns held back by the guard, and those the file of pools lacks.
    """

    restart: Path
    pools: Path
    output: Path | None
    state_before: int
    state_after: int
    factors: str
    notes: tuple[str, ...]
    columns: int
    guarded: int
    absent: int
    variables: tuple[VariableStatistics, ...]
    totals: tuple[str, ...]
    findings: tuple[Finding, ...]
    bytes_written: int
    seconds: float

    @property
    def refused(self) -> bool:
        """Whether an error keeps the file from being written."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def report_lines(report: RestartReport) -> Iterator[str]:
    """The report for a terminal."""
    yield f"restart {report.restart}, pools {report.pools}"
    yield (
        f"spinup_state {report.state_before} before, {report.state_after} after; factors of accelerated "
        f"spinup: {report.factors}"
    )
    covered = report.columns - report.guarded - report.absent
    yield (
        f"{report.columns:,} soil columns: {covered:,} take the pools, {report.guarded:,} held back by the "
        f"guard, {report.absent:,} not in the file of pools"
    )
    yield from report.notes
    yield ""
    yield (
        f"{'variable':20} {'units':6} {'sum before':>12} {'sum after':>12} {'min after':>11} "
        f"{'max after':>11} {'from':24} rule"
    )
    order = sorted(report.variables, key=lambda one: one.name not in HEADLINE)
    for one in order:
        yield variable_line(one)
    yield ""
    yield "values in natural scale; sum: g m-2 of soil columns, layers integrated, times weight on the cell"
    yield f"totals recomputed: {', '.join(report.totals)}"
    for finding in report.findings:
        yield finding.line
    yield closing_line(report)


def variable_line(one: VariableStatistics) -> str:
    """One variable."""
    shares = [f"{count:,} {name}" for name, count in zip(ORIGINS, one.counts, strict=True) if count]
    units = one.as_json()["units"]
    return (
        f"{one.name:20} {units:6} {one.before.total:12.6g} {one.after.total:12.6g} {one.after.least:11.4g} "
        f"{one.after.most:11.4g} {', '.join(shares):24} {one.rule}"
    )


def closing_line(report: RestartReport) -> str:
    """What became of it."""
    if report.refused:
        errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
        return f"refused: {errors} error{'s' * (errors != 1)}; nothing was written"
    if report.output is None:
        return f"dry run: nothing was written ({report.seconds:.1f} s)"
    size = report.bytes_written / 1e6
    return f"{report.output}: {size:,.1f} MB in {report.seconds:.1f} s"


def report_json(report: RestartReport) -> str:
    """The report as JSON."""
    facts: dict[str, Any] = {
        "restart": str(report.restart),
        "pools": str(report.pools),
        "output": None if report.output is None else str(report.output),
        "written": report.output is not None and not report.refused,
        "refused": report.refused,
        "spinup_state": {"before": report.state_before, "after": report.state_after},
        "factors": report.factors,
        "notes": list(report.notes),
        "columns": {"soil": report.columns, "guarded": report.guarded, "absent": report.absent},
        "variables": {one.name: one.as_json() for one in report.variables},
        "totals": list(report.totals),
        "findings": [finding.as_json() for finding in report.findings],
        "seconds": report.seconds,
    }
    return json.dumps(facts, indent=2)
