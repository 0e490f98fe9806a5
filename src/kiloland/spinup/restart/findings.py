"""What the checks of a new restart find, gathered over its parts: one line a check and variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.subgrid import SubgridKeys


class Severity(Enum):
    """An error refuses the file; a warning is for the reader."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One kind of fault in one variable: how often, and the worst place."""

    severity: Severity
    variable: str
    problem: str
    count: int
    where: str
    found: float
    expected: str

    @property
    def line(self) -> str:
        """As one line."""
        return (
            f"{self.severity.value} {self.variable}: {self.problem} ({self.count} times; "
            f"worst: {self.where}, found {self.found:.6g}, expected {self.expected})"
        )

    def as_json(self) -> dict[str, object]:
        """For a program."""
        return {
            "severity": self.severity.value,
            "variable": self.variable,
            "problem": self.problem,
            "count": self.count,
            "where": self.where,
            "found": self.found if np.isfinite(self.found) else None,
            "expected": self.expected,
        }


@dataclass
class Findings:
    """Gathers findings; of each kind the worst place stays."""

    by_kind: dict[tuple[str, str], tuple[float, Finding]] = field(default_factory=dict)

    def add(self, finding: Finding, badness: float) -> None:
        """Add one; ``badness`` orders places of the same kind, the first of equals stays."""
        key = (finding.variable, finding.problem)
        if key not in self.by_kind:
            self.by_kind[key] = (badness, finding)
            return
        before, worst = self.by_kind[key]
        chosen = finding if badness > before else worst
        total = worst.count + finding.count
        merged = Finding(
            chosen.severity,
            chosen.variable,
            chosen.problem,
            total,
            chosen.where,
            chosen.found,
            chosen.expected,
        )
        self.by_kind[key] = (max(badness, before), merged)

    def all(self) -> list[Finding]:
        """Errors first, in the order in which they were found."""
        found = [finding for _, finding in self.by_kind.values()]
        return sorted(found, key=lambda one: one.severity is not Severity.ERROR)

    def errors(self) -> list[Finding]:
        """What refuses the file."""
        return [finding for finding in self.all() if finding.severity is Severity.ERROR]


def place_text(keys: SubgridKeys, on_patches: bool, entry: tuple[int, ...]) -> str:
    """Gridcell, place, plant type and layer of an entry of soil columns or their patches."""
    column = int(keys.pft_column[entry[0]]) if on_patches else entry[0]
    text = (
        f"gridcell {int(keys.column_gridcell[column])} ({keys.column_longitude[column]:.4f} E "
        f"{keys.column_latitude[column]:.4f} N)"
    )
    if on_patches:
        text += f", plant type {int(keys.pft_itypveg[entry[0]])}"
    return text + (f", layer {entry[1] + 1}" if len(entry) > 1 else "")


def report_where(
    findings: Findings,
    severity: Severity,
    variable: str,
    problem: str,
    wrong: NDArray[np.bool_],
    values: NDArray[np.float64],
    expected: str,
    keys: SubgridKeys,
    on_patches: bool,
) -> None:
    """Add a finding for the entries that are ``wrong``; the largest by magnitude is the worst."""
    if not wrong.any():
        return
    size = np.where(wrong, np.nan_to_num(np.abs(values), nan=np.inf), -1.0)
    entry = tuple(int(place) for place in np.unravel_index(int(size.argmax()), size.shape))
    where = place_text(keys, on_patches, entry)
    found = float(values[entry])
    finding = Finding(severity, variable, problem, int(wrong.sum()), where, found, expected)
    findings.add(finding, float(size[entry]))
