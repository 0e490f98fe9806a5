"""What forcing is to be made, and what was made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final, Self

from kiloland.craft.forcing.bins import BINS_PER_DAY
from kiloland.craft.forcing.encoding import Encoding, RoundingErrors
from kiloland.craft.forcing.losses import Losses
from kiloland.craft.forcing.output import Month
from kiloland.errors import InputError

MEGABYTE: Final = 2**20


class Kept(Enum):
    """What of the daily temperature is kept: its extremes, or the mean of the day as (tmin + tmax)/2."""

    EXTREMES = "extremes"
    MEAN = "mean"


class DayRule(Enum):
    """Where a day begins: at local midnight, as in Daymet, or at 0 h UTC as in published sets."""

    LOCAL = "local"
    UTC = "utc"


class StreamFormat(Enum):
    """Descriptions of the streams: texts of E3SM's data atmosphere, or the XML of CDEPS."""

    TEXT = "txt"
    XML = "xml"


@dataclass(frozen=True)
class Spreading:
    """How daily values are spread."""

    kept: Kept = Kept.EXTREMES
    day: DayRule = DayRule.LOCAL

    @property
    def words(self) -> str:
        """What is other than by default, for the settings of a file."""
        mean = ", mean temperature kept" if self.kept is Kept.MEAN else ""
        return mean + (", days of UTC" if self.day is DayRule.UTC else "")


USUAL: Final = Spreading()
EXACT: Final = Encoding()


@dataclass(frozen=True)
class ForcingRequest:
    """Forcing to be made.

    ``source``: a folder with Daymet's daily files and a reanalysis, or with three-hourly maps on Daymet's
    grid, or with three-hourly lists of cells; ``first_year`` to ``last_year`` included, of them the months
    from ``first_month`` of the first to ``last_month`` of the last, and of these the days from ``first_day``
    to ``last_day`` (None: the last one of the month); ``heights``: FILE:VARIABLE with the
    height [m] of the domain's cells, or None; ``memory`` [MB] bounds the arrays in use; ``part`` of
    ``parts``: the months that this process makes, when several share the work without knowing each other;
    ``encoding``: how values are stored; ``deflate``: level of compression of netCDF-4 files (1 to 9), None
    for plain CDF-5.
    """

    source: Path
    domain: Path
    first_year: int
    last_year: int
    output: Path
    heights: str | None = None
    memory: int = 128
    part: int = 1
    parts: int = 1
    first_month: int = 1
    last_month: int = 12
    encoding: Encoding = EXACT
    first_day: int = 1
    last_day: int | None = None
    spreading: Spreading = USUAL
    streams: StreamFormat = StreamFormat.TEXT
    deflate: int | None = None

    def __post_init__(self) -> None:
        if self.first_year < 2 or self.last_year < self.first_year:
            raise InputError(
                "years must be A:B with A not after B", found=f"{self.first_year}:{self.last_year}"
            )
        first, last = Month(self.first_year, self.first_month), Month(self.last_year, self.last_month)
        if not 1 <= self.first_month <= 12 or not 1 <= self.last_month <= 12 or str(last) < str(first):
            raise InputError("months must be 1 to 12, the first not after the last", found=f"{first}:{last}")
        lengths = [month.samples // BINS_PER_DAY for month in (first, last)]
        end = lengths[1] if self.last_day is None else self.last_day
        if not (1 <= self.first_day <= lengths[0] and 1 <= end <= lengths[1]) or (
            first == last and end < self.first_day
        ):
            raise InputError(
                "no such days in a year of 365 days",
                found=f"{first}-{self.first_day:02d}:{last}-{end:02d}",
                expected=f"days 1 to {lengths[0]} and 1 to {lengths[1]}, the first not after the last",
            )
        if not 1 <= self.part <= self.parts:
            raise InputError("a part must be I/N with I from 1 to N", found=f"{self.part}/{self.parts}")
        if self.deflate is not None and not 1 <= self.deflate <= 9:
            raise InputError("no such level of compression", found=self.deflate, expected="1 to 9")
        if self.memory < 64:
            raise InputError("too little memory", found=f"{self.memory} MB", expected="64 MB or more")

    @property
    def storage(self) -> str:
        """How files are stored, for their settings."""
        return self.encoding.words + ("" if self.deflate is None else f", deflated at level {self.deflate}")

    @property
    def months(self) -> list[Month]:
        """All months asked for."""
        count = 12 * (self.last_year - self.first_year) + self.last_month
        numbers = range(self.first_month - 1, count)
        whole = [Month(self.first_year + number // 12, number % 12 + 1) for number in numbers]
        whole[0] = replace(whole[0], first_day=self.first_day)
        whole[-1] = replace(whole[-1], last_day=self.last_day)
        return whole


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
