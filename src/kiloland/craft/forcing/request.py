"""What forcing is to be made, and what was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from kiloland.craft.forcing.encoding import Encoding, RoundingErrors
from kiloland.craft.forcing.losses import Losses
from kiloland.craft.forcing.output import Month
from kiloland.errors import InputError

MEGABYTE: Final = 2**20
EXACT: Final = Encoding()


@dataclass(frozen=True)
class ForcingRequest:
    """Forcing to be made.

    ``source``: a folder with Daymet's daily files and a reanalysis, or with three-hourly maps on Daymet's
    grid, or with three-hourly lists of cells; ``first_year`` to ``last_year`` included, of them the months
    from ``first_month`` of the first to ``last_month`` of the last; ``heights``: FILE:VARIABLE with the
    height [m] of the domain's cells, or None; ``memory`` [MB] bounds the arrays in use; ``part`` of
    ``parts``: the months that this process makes, when several share the work without knowing each other;
    ``encoding``: how values are stored.
    """

    source: Path
    domain: Path
    first_year: int
    last_year: int
    output: Path
    heights: str | None = None
    memory: int = 256
    part: int = 1
    parts: int = 1
    first_month: int = 1
    last_month: int = 12
    encoding: Encoding = EXACT

    def __post_init__(self) -> None:
        if self.first_year < 2 or self.last_year < self.first_year:
            raise InputError(
                "years must be A:B with A not after B", found=f"{self.first_year}:{self.last_year}"
            )
        first, last = Month(self.first_year, self.first_month), Month(self.last_year, self.last_month)
        if not 1 <= self.first_month <= 12 or not 1 <= self.last_month <= 12 or str(last) < str(first):
            raise InputError("months must be 1 to 12, the first not after the last", found=f"{first}:{last}")
        if not 1 <= self.part <= self.parts:
            raise InputError("a part must be I/N with I from 1 to N", found=f"{self.part}/{self.parts}")
        if self.memory < 64:
            raise InputError("too little memory", found=f"{self.memory} MB", expected="64 MB or more")

    @property
    def months(self) -> list[Month]:
        """All months asked for."""
        count = 12 * (self.last_year - self.first_year) + self.last_month
        numbers = range(self.first_month - 1, count)
        return [Month(self.first_year + number // 12, number % 12 + 1) for number in numbers]


@dataclass
class ForcingSummary:
    """What was made: files written and kept, cells, seconds, and what of the daily values was lost."""

    folder: Path
    cells: int
    written: int = 0
    kept: int = 0
    bytes: int = 0
    seconds: float = 0.0
    losses: Losses = field(default_factory=Losses)
    errors: RoundingErrors = field(default_factory=RoundingErrors)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Self) -> None:
        """Add what another process made."""
        self.written, self.kept = self.written + other.written, self.kept + other.kept
        self.bytes += other.bytes
        self.losses.add(other.losses)
        self.errors.add(other.errors)

    def lines(self) -> list[str]:
        """The summary as text."""
        rate = self.bytes / 1e6 / self.seconds if self.seconds > 0 else 0.0
        return [
            f"{self.folder}: {self.written} files written, {self.kept} verified and kept, {self.cells} cells",
            f"{self.bytes / 1e6:.1f} MB in {self.seconds:.1f} s ({rate:.1f} MB/s)",
            *self.losses.lines(),
            *self.errors.lines(),
            *self.notes,
        ]
