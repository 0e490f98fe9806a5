"""Results of the oracle: one row for each run, process and variable, with its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from kiloland.errors import ExitCode
from kiloland.verify.radiation import Difference


class Measure(Enum):
    """What a bar limits."""

    RELATIVE = "relative"
    """|a - b| / max(|b|, scale)."""
    ABSOLUTE = "absolute"
    """|a - b| in the units of the variable."""


class Verdict(Enum):
    """How a row ended."""

    PASS = "pass"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Bar:
    """The largest difference that is good enough."""

    value: float
    measure: Measure

    def __str__(self) -> str:
        """As in the table: the absolute ones are marked."""
        return f"{self.value:g}" + (" abs" if self.measure is Measure.ABSOLUTE else "")

    def met(self, found: Difference) -> bool:
        """Whether a difference is within the bar."""
        absolute = self.measure is Measure.ABSOLUTE
        return (found.largest_absolute if absolute else found.largest_relative) <= self.value


@dataclass(frozen=True)
class Skipped:
    """What a process leaves out, and why: ``count`` values of ``variable`` (empty: the whole process)."""

    reason: str
    count: int = 0
    variable: str = ""


Finding = Difference | Skipped


@dataclass(frozen=True)
class Row:
    """One line of the result; numbers are None where nothing was compared."""

    run: str
    process: str
    variable: str
    pairs: int
    largest_absolute: float | None
    largest_relative: float | None
    scale: float | None
    bar: Bar
    verdict: Verdict
    place: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """Every row of a run of the oracle."""

    material: str
    rows: tuple[Row, ...]

    @property
    def verdicts(self) -> Counter[Verdict]:
        """Number of rows by verdict."""
        return Counter(row.verdict for row in self.rows)

    @property
    def exit_code(self) -> ExitCode:
        """OK; findings where a bar is missed; bad input where nothing was compared."""
        counts = self.verdicts
        if counts[Verdict.FAIL]:
            return ExitCode.FINDINGS
        return ExitCode.OK if counts[Verdict.PASS] else ExitCode.BAD_INPUT


def compared_row(run: str, process: str, bar: Bar, found: Difference) -> Row:
    """The row of a comparison."""
    return Row(
        run=run,
        process=process,
        variable=found.variable,
        pairs=found.compared,
        largest_absolute=found.largest_absolute,
        largest_relative=found.largest_relative,
        scale=found.scale,
        bar=bar,
        verdict=Verdict.PASS if bar.met(found) else Verdict.FAIL,
        place=found.place if found.largest_absolute > 0.0 else "",
        reason="",
    )


def skipped_row(run: str, process: str, bar: Bar, left_out: Skipped) -> Row:
    """The row of what was left out."""
    return Row(
        run=run,
        process=process,
        variable=left_out.variable,
        pairs=left_out.count,
        largest_absolute=None,
        largest_relative=None,
        scale=None,
        bar=bar,
        verdict=Verdict.SKIPPED,
        place="",
        reason=left_out.reason,
    )


def merge_skipped(items: Iterable[Skipped]) -> list[Skipped]:
    """The same reasons once, their counts added, in order of appearance."""
    total: dict[tuple[str, str], int] = {}
    for item in items:
        key = (item.variable, item.reason)
        total[key] = total.get(key, 0) + item.count
    return [Skipped(reason, count, variable) for (variable, reason), count in total.items()]
