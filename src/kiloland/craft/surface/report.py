"""What became of every variable that ELM may read from a surface file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kiloland.files import write_text


class Status(Enum):
    """Where the values of a variable come from."""

    MADE = "made"
    """From the domain."""
    MAPPED = "mapped"
    """From the source, by a method."""
    COPIED = "copied"
    """From the source as they are."""
    ABSENT = "absent"
    """The source lacks it."""


@dataclass(frozen=True)
class VariableReport:
    """One line of the report: for an absent variable the detail is the consequence."""

    name: str
    status: Status
    method: str
    detail: str
    source: str = ""
    """Files, and variables where they have other names."""


@dataclass(frozen=True)
class SurfaceSummary:
    """What was made."""

    path: Path
    cells: int
    variables: tuple[VariableReport, ...]
    ledgers: tuple[str, ...]
    findings: tuple[str, ...]
    limit_km: float
    weight_bytes: int
    seconds: float

    def of(self, status: Status) -> list[VariableReport]:
        """The variables with one status."""
        return [variable for variable in self.variables if variable.status is status]

    def lines(self) -> list[str]:
        """The summary as text."""
        counts = ", ".join(f"{len(self.of(status))} {status.value}" for status in Status)
        lines = [f"{self.path}: {self.cells} cells; {len(self.variables)} variables: {counts}"]
        lines += [f"  {status.value}: {_names(self.of(status))}" for status in (Status.MADE, Status.COPIED)]
        mapped = self.of(Status.MAPPED)
        for method in sorted({variable.method for variable in mapped}):
            lines.append(f"  {method}: {_names(v for v in mapped if v.method == method)}")
        alone = [variable for variable in mapped if "; " not in variable.source]
        filled = {variable.detail for variable in alone if "from the nearest" in variable.detail}
        for detail in sorted(filled):
            lines.append(f"  {detail}: {_names(v for v in mapped if v.detail == detail)}")
        for product in sorted({v.source for v in mapped if "; " in v.source}):
            lines += [f"  {v.name}: {v.detail}" for v in mapped if v.source == product]
        absent = self.of(Status.ABSENT)
        for detail in dict.fromkeys(variable.detail for variable in absent):
            lines.append(f"  absent ({detail}): {_names(v for v in absent if v.detail == detail)}")
        lines += [*self.ledgers, *self.findings]
        lines.append(f"values are taken from up to {self.limit_km:.0f} km away where a cell has none")
        return [*lines, f"weights {self.weight_bytes / 1e6:.1f} MB; made in {self.seconds:.1f} s"]

    def write_table(self, path: Path) -> None:
        """Write one line for each variable as comma-separated values."""
        rows = [f'{v.name},{v.status.value},{v.method},"{v.source}","{v.detail}"' for v in self.variables]
        write_text(path, "\n".join(["name,status,method,source,detail", *rows, ""]))


def _names(variables: Iterable[VariableReport]) -> str:
    return ", ".join(variable.name for variable in variables) or "none"


def absent_text(variables: Sequence[VariableReport]) -> str:
    """The absent variables with their consequences, for an attribute of the file."""
    absent = [variable for variable in variables if variable.status is Status.ABSENT]
    return "; ".join(f"{variable.name}: {variable.detail}" for variable in absent) or "none"
