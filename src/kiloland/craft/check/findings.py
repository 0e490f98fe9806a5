"""What a check of inputs reports: findings, with their place and their consequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kiloland.atmosphere.findings import Severity
from kiloland.craft.check.registry import check_named


@dataclass(frozen=True)
class Place:
    """Where a finding is: position in the file, gridcell id, degrees, time; None where that says nothing."""

    cell: int | None = None
    gridcell_id: int | None = None
    longitude: float | None = None
    latitude: float | None = None
    time: str | None = None

    def __str__(self) -> str:
        parts = [] if self.time is None else [self.time]
        if self.gridcell_id is not None:
            parts.append(f"gridcell {self.gridcell_id}")
        elif self.cell is not None:
            parts.append(f"cell {self.cell}")
        if self.longitude is not None and self.latitude is not None:
            parts.append(f"at {self.longitude:.4f}, {self.latitude:.4f}")
        return " ".join(parts) or "whole file"


@dataclass(frozen=True)
class Finding:
    """One fault: ``cells``, ``samples`` and ``files`` count what it affects, None where that is the file."""

    check: str
    severity: Severity
    file: str
    variable: str
    problem: str
    found: str
    expected: str
    place: Place = field(default_factory=Place)
    cells: int | None = None
    samples: int | None = None
    files: int = 1

    @property
    def consequence(self) -> str:
        """What it does to a run."""
        return check_named(self.check).consequence

    @property
    def extent(self) -> str:
        """How much is affected, in words."""
        parts = [
            f"{count:,} {word}{'s' * (count != 1)}"
            for count, word in ((self.cells, "cell"), (self.samples, "sample"))
            if count is not None
        ]
        if self.files > 1:
            parts.append(f"in {self.files} files")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "file": self.file,
            "variable": self.variable,
            "problem": self.problem,
            "found": self.found,
            "expected": self.expected,
            "cell": self.place.cell,
            "gridcell_id": self.place.gridcell_id,
            "longitude": self.place.longitude,
            "latitude": self.place.latitude,
            "time": self.place.time,
            "cells": self.cells,
            "samples": self.samples,
            "files": self.files,
            "consequence": self.consequence,
        }


def finding(
    check: str,
    file: object,
    variable: str,
    problem: str,
    found: object,
    expected: object,
    *,
    place: Place | None = None,
    cells: int | None = None,
    samples: int | None = None,
    files: int = 1,
    severity: Severity | None = None,
) -> Finding:
    """A finding of a registered check, with the severity of the check unless another is given."""
    return Finding(
        check,
        severity or check_named(check).severity,
        str(file),
        variable,
        problem,
        str(found),
        str(expected),
        place or Place(),
        cells,
        samples,
        files,
    )
