"""What a check of forcing reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from kiloland.errors import InputError


class Severity(Enum):
    """How bad a finding is."""

    ERROR = "error"
    """The samples are wrong: no run should use them."""
    WARNING = "warning"
    """Suspicious or filled samples; a run can use them knowingly."""


@dataclass(frozen=True)
class Finding:
    """One fault of a forcing file; reads ``file: variable: where: problem (found X, expected Y)``.

    ``first`` and ``last`` are the positions of the samples on the file's time axis (both included), None
    where the fault concerns the whole file.
    """

    severity: Severity
    file: str
    variable: str
    where: str
    problem: str
    found: str
    expected: str
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        text = f"{self.severity.value}: {self.file}: {self.variable}: {self.where}: {self.problem}"
        return f"{text} (found {self.found}, expected {self.expected})"

    def as_error(self) -> InputError:
        """The finding as the error that stops a run."""
        return InputError(
            self.problem,
            file=self.file,
            variable=self.variable,
            where=self.where,
            found=self.found,
            expected=self.expected,
        )


def raise_first_error(findings: Iterable[Finding]) -> None:
    """Raise InputError for the first finding that is an error; warnings pass."""
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise finding.as_error()
