"""Faults counted over blocks of samples and cells, as one finding for each rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kiloland.atmosphere.calendar import describe_seconds
from kiloland.craft.check.cells import BoolArray, CellTable, FloatArray, IntArray
from kiloland.craft.check.findings import Finding, finding


@dataclass
class Tally:
    """Samples that broke one rule: how many, in which cells and files, where first, how far."""

    check: str
    variable: str
    problem: str
    expected: str
    flagged: BoolArray
    samples: int = 0
    files: set[str] = field(default_factory=set)
    first: tuple[str, int, int] | None = None
    """File, cell and time of the first one."""
    least: float = np.inf
    most: float = -np.inf

    def add(self, file: str, bad: BoolArray, values: FloatArray, first_cell: int, seconds: IntArray) -> None:
        """Count the bad samples of a block ``[time, cell]`` that begins at ``first_cell``."""
        self.samples += int(np.count_nonzero(bad))
        self.files.add(file)
        self.flagged[first_cell : first_cell + bad.shape[1]] |= bad.any(axis=0)
        if self.first is None:
            row, column = divmod(int(np.argmax(bad)), bad.shape[1])
            self.first = file, first_cell + column, int(seconds[row])
        found = values[bad]
        if np.isfinite(found).any():
            self.least = min(self.least, float(np.nanmin(found)))
            self.most = max(self.most, float(np.nanmax(found)))

    def as_finding(self, cells: CellTable) -> Finding:
        """The finding, at the first sample."""
        assert self.first is not None
        file, cell, seconds = self.first
        values = "no number" if self.least > self.most else f"{self.least:.6g} to {self.most:.6g}"
        return finding(
            self.check,
            file,
            self.variable,
            self.problem,
            values,
            self.expected,
            place=cells.place(cell, describe_seconds(max(seconds, 0))),
            cells=int(self.flagged.sum()),
            samples=self.samples,
            files=len(self.files),
        )


class Tallies:
    """All tallies of a check, by rule."""

    def __init__(self, cells: CellTable) -> None:
        self.cells = cells
        self._by_rule: dict[tuple[str, str, str], Tally] = {}

    def add(
        self,
        rule: tuple[str, str, str, str],
        file: str,
        bad: BoolArray,
        values: FloatArray,
        first_cell: int,
        seconds: IntArray,
    ) -> None:
        """Count bad samples under (check, variable, problem, expected)."""
        key = rule[:3]
        if key not in self._by_rule:
            self._by_rule[key] = Tally(*rule, flagged=np.zeros(self.cells.count, dtype=bool))
        self._by_rule[key].add(file, bad, values, first_cell, seconds)

    def findings(self) -> list[Finding]:
        """One finding for each rule that was broken."""
        return [tally.as_finding(self.cells) for tally in self._by_rule.values()]

    def marks(self) -> FloatArray:
        """Number of rules that each cell breaks."""
        marks = np.zeros(self.cells.count)
        for tally in self._by_rule.values():
            marks += tally.flagged
        return marks
