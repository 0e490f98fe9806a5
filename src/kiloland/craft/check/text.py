"""The report in words for a terminal, and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from kiloland import __version__
from kiloland.craft.check.findings import Finding
from kiloland.craft.check.run import CheckReport

NOTES_SHOWN: Final = 5
WORST_SHOWN: Final = 3


def report_lines(report: CheckReport) -> Iterator[str]:
    """Findings by file, totals, comparison, and a summary."""
    for file in dict.fromkeys(found.file for found in report.findings):
        own = [found for found in report.findings if found.file == file]
        yield f"{file}: {counted(own)}"
        for found in own:
            yield from finding_lines(found)
        yield ""
    for name, totals in report.totals.items():
        if name != "forcing_periods":
            yield f"totals of the {name}: " + ", ".join(total_texts(totals))
    yield from comparison_lines(report)
    if report.notes:
        yield f"{len(report.notes)} optional variables are absent:"
        yield from (f"  {note}" for note in report.notes[:NOTES_SHOWN])
        if len(report.notes) > NOTES_SHOWN:
            yield f"  and {len(report.notes) - NOTES_SHOWN} more (--json lists all)"
    rate = report.bytes_read / 1e6 / max(report.seconds, 1e-9)
    yield f"{report.bytes_read / 1e6:,.1f} MB read in {report.seconds:.1f} s ({rate:.0f} MB/s)"
    yield counted(report.findings)


def counted(findings: list[Finding]) -> str:
    """How many errors and warnings."""
    if not findings:
        return "no findings"
    errors = sum(found.severity.value == "error" for found in findings)
    warnings = len(findings) - errors
    return ", ".join(
        f"{count} {word}{'s' * (count != 1)}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    )


def finding_lines(found: Finding) -> Iterator[str]:
    """One finding: what, where, how much, and what it does to a run."""
    yield f"  {found.severity.value} {found.check}: {found.variable}: {found.problem}"
    where = ", ".join(part for part in (str(found.place), found.extent) if part)
    yield f"      where: {where}"
    yield f"      found {found.found}; expected {found.expected}"
    yield f"      in a run: {found.consequence}"


def total_texts(totals: dict[str, Any]) -> Iterator[str]:
    """Totals as name and number."""
    for name, value in totals.items():
        if isinstance(value, dict):
            yield f"{name} {value['mean']:.6g} ({value['least']:.4g} to {value['most']:.4g})"
        elif isinstance(value, float):
            yield f"{name} {value:.6g}"
        else:
            yield f"{name} {value}"


def comparison_lines(report: CheckReport) -> Iterator[str]:
    """One product against another."""
    if report.comparison is None or report.cells is None:
        return
    facts = report.comparison.as_json(report.cells)
    yield f"against {facts['against']}: {facts['common_cells']:,} cells in common"
    for name, one in facts["variables"].items():
        if not one["cells"]:
            continue
        yield (
            f"  {name}: mean {one['mean_here']:.6g} against {one['mean_there']:.6g} {one['units']}, "
            f"rms difference {one['root_mean_square']:.4g}, largest {one['largest']:.4g}"
        )
        if one["largest"] > 0.0:
            for cell in one["worst_cells"][:WORST_SHOWN]:
                name_of = cell["cell"] if cell["gridcell_id"] is None else cell["gridcell_id"]
                place = (
                    ""
                    if cell["longitude"] is None
                    else f" at {cell['longitude']:.4f}, {cell['latitude']:.4f}"
                )
                yield f"      gridcell {name_of}{place}: {cell['here']:.6g} against {cell['there']:.6g}"


def report_json(report: CheckReport) -> str:
    """Everything as one JSON object; numbers that are none become null."""
    request = report.request
    content = {
        "kiloland": __version__,
        "inputs": {
            name: None if (path := getattr(request, name)) is None else str(path)
            for name in ("domain", "surface", "forcing", "against")
        },
        "clean": not report.findings,
        "errors": report.errors,
        "warnings": len(report.findings) - report.errors,
        "findings": [found.as_json() for found in report.findings],
        "totals": report.totals,
        "comparison": None
        if report.comparison is None or report.cells is None
        else report.comparison.as_json(report.cells),
        "notes": report.notes,
        "bytes_read": report.bytes_read,
        "seconds": report.seconds,
    }
    return json.dumps(finite(content), indent=2, allow_nan=False)


def finite(value: Any) -> Any:
    """The same with None for what is no number."""
    if isinstance(value, dict):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
