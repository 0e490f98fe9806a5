"""Streaming check of monthly forcing: each file is read once, block of cells by block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.atmosphere.fields import FIELDS, check_values
from kiloland.atmosphere.fields import check_units as units_findings
from kiloland.atmosphere.orbit import Orbit, orbital_parameters
from kiloland.atmosphere.stamps import sample_interval
from kiloland.craft.check.cells import CellTable, FloatArray, IntArray, check_ids, compare_cells
from kiloland.craft.check.daymet_places import check_daymet_places, daymet_grid_ids
from kiloland.craft.check.findings import Finding, finding
from kiloland.craft.check.forcing_files import (
    Axis,
    ForcingFile,
    check_files,
    forcing_cells,
    opened,
    periods,
    read_axis,
)
from kiloland.craft.check.means import Means
from kiloland.craft.check.stamps import check_month, check_position, check_series, interval_starts
from kiloland.craft.check.tally import Tallies
from kiloland.craft.check.weather import RULES, Block, sun_above
from kiloland.files import Dataset, Variable

ORBIT_YEAR: Final = 1990
ARRAYS: Final = 12
"""Arrays of a block that are alive at once, besides its fields."""
LOOKED_AT: Final = 64
"""Cells whose values are looked at for a wrong unit."""
Say = Callable[[str], None]
PeriodDone = Callable[[str, str, FloatArray], None]
"""Called with period, variable and the cells' means of the period."""


@dataclass
class ForcingCheck:
    """A check of forcing under way: what it knows, and what it has found."""

    source: Path
    files: list[ForcingFile]
    reference: CellTable | None
    """Domain or surface that the cells must be those of."""
    elevation: FloatArray | None
    memory: int
    weights: Callable[[int], tuple[FloatArray, bool]]
    findings: list[Finding] = field(default_factory=list)
    cells: CellTable | None = None
    tallies: Tallies | None = None
    means: Means | None = None
    bytes_read: int = 0
    _axes: dict[str, list[IntArray]] = field(default_factory=dict)
    _once: set[tuple[str, str, str]] = field(default_factory=set)
    _orbit: Orbit = field(default_factory=lambda: orbital_parameters(ORBIT_YEAR))

    def run(self, say: Say, done: PeriodDone = lambda period, name, mean: None) -> None:
        """Read and check all files; ``say`` gets one line for each period."""
        self.findings += check_files(self.source, self.files)
        started = time.perf_counter()
        todo = list(periods(self.files))
        for number, (period, files) in enumerate(todo, start=1):
            with ExitStack() as stack:
                self._period(period, opened(files, stack), done)
            seconds = max(time.perf_counter() - started, 1e-9)
            left = seconds / number * (len(todo) - number)
            rate = self.bytes_read / 1e6 / seconds
            say(f"{period}: {number} of {len(todo)}, {rate:.0f} MB/s, {left:.0f} s left")
        for name, parts in self._axes.items():
            series = np.concatenate(parts)
            self.findings += check_series(str(self.source), name, series)
            self._add_once(check_position(str(self.source), name, series[:2000]))
        if self.tallies is not None:
            self.findings += self.tallies.findings()

    def _add_once(self, findings: Iterable[Finding]) -> None:
        """Keep a finding of its kind once, though every file of a stream may have it."""
        for found in findings:
            key = (found.check, found.variable, found.problem)
            if key not in self._once:
                self._once.add(key)
                self.findings.append(found)

    def _period(
        self, period: str, datasets: dict[str, tuple[ForcingFile, Dataset]], done: PeriodDone
    ) -> None:
        """All variables of one period."""
        axes: dict[str, Axis] = {}
        for name, (file, dataset) in datasets.items():
            axis = self._header(name, file, dataset)
            if axis is not None:
                axes[name] = axis
        if not axes or self.cells is None:
            return
        shapes = {name: datasets[name][1][name].shape for name in axes}
        main = next(iter(shapes.values()))
        for name, shape in shapes.items():
            if shape != main:
                problem = "another shape than the other variables of the month"
                self._add_once([finding("forcing-dims", datasets[name][0].path, name, problem, shape, main)])
        same = {name: axes[name] for name in axes if shapes[name] == main}
        self._blocks(period, {name: datasets[name] for name in same}, same, done)

    def _header(self, name: str, file: ForcingFile, dataset: Dataset) -> Axis | None:
        """Dimensions, units, cells and time axis of one variable; None where its values cannot be read."""
        variable, path = dataset[name], str(file.path)
        for unit in units_findings(FIELDS[name], variable.attributes.get("units"), path):
            self._add_once([finding("forcing-units", path, name, unit.problem, unit.found, unit.expected)])
        if "units" not in variable.attributes:
            self._add_once(
                [finding("forcing-units", path, name, "no units", "absent", FIELDS[name].units[0])]
            )
        axis, findings = read_axis(dataset)
        self._add_once(findings)
        if variable.dtype.kind not in "iuf" or len(variable.shape) not in (2, 3):
            found = f"{variable.dtype} over ({', '.join(variable.dims)})"
            self._add_once(
                [
                    finding(
                        "forcing-dims", path, name, "no weather over time and cells", found, "(time, nj, ni)"
                    )
                ]
            )
            return None
        time_dims = next((dataset[t].dims for t in ("time", "DTIME") if t in dataset), ())
        if variable.dims[:1] != time_dims[:1]:
            found = f"({', '.join(variable.dims)})"
            problem = "time is not the first dimension"
            self._add_once([finding("forcing-dims", path, name, problem, found, "(time, nj, ni)")])
            return None
        if axis is None or not self._cells_of(dataset, variable):
            return None
        self._add_once(check_month(path, axis, file.month))
        self._axes.setdefault(name, []).append(axis.seconds)
        return axis

    def _cells_of(self, dataset: Dataset, variable: Variable) -> bool:
        """Compare the cells of a file with the domain, or with those of the first file; False where there
        are more or fewer than in the first."""
        cells = forcing_cells(dataset, variable, self.reference)
        if self.cells is None:
            self._add_once(check_ids("forcing-cells", cells))
            if self.reference is not None:
                self._add_once(compare_cells("forcing-cells", cells, self.reference))
            ids = daymet_grid_ids(cells, declared=False)
            if ids is not None:
                self._add_once(check_daymet_places("forcing-place", cells, ids))
            self.cells, self.tallies = cells, Tallies(cells)
            weights, known = self.weights(cells.count)
            self.means = Means(cells, weights, known)
        elif cells.count != self.cells.count:
            problem = "another number of cells than the first file"
            self._add_once(
                [
                    finding(
                        "forcing-cells", dataset.path, variable.name, problem, cells.count, self.cells.count
                    )
                ]
            )
            return False
        else:
            self._add_once(compare_cells("forcing-cells", cells, self.cells))
        return True

    def _blocks(
        self,
        period: str,
        datasets: dict[str, tuple[ForcingFile, Dataset]],
        axes: dict[str, Axis],
        done: PeriodDone,
    ) -> None:
        """Read the values of a period in blocks of cells; sums by cell go to the means."""
        assert self.cells is not None
        assert self.means is not None
        samples = max(len(axis.kept) for axis in axes.values())
        count = max(1, self.memory // (8 * max(samples, 1) * (len(axes) + ARRAYS)))
        sums = {name: np.zeros(self.cells.count) for name in axes}
        extremes = dict.fromkeys(axes, (np.inf, -np.inf))
        wrong_unit = self._wrong_units(datasets, axes)
        for first in range(0, self.cells.count, count):
            part = slice(first, min(first + count, self.cells.count))
            fields = {}
            for name, (_, dataset) in datasets.items():
                values = read_block(dataset[name], axes[name].kept, part, self.cells.shape)
                self.bytes_read += values.size * dataset[name].dtype.itemsize
                fields[name] = values
                sums[name][part] = values.sum(axis=0)
                low, high = np.nanmin(values, initial=np.inf), np.nanmax(values, initial=-np.inf)
                extremes[name] = min(extremes[name][0], float(low)), max(extremes[name][1], float(high))
            self._rules(datasets, axes, fields, part, wrong_unit)
        for name, axis in axes.items():
            interval = sample_interval(axis.seconds)
            self.means.add_period(period, name, sums[name], len(axis.kept), interval, *extremes[name])
            if len(axis.kept):
                done(period, name, sums[name] / len(axis.kept))

    def _wrong_units(
        self, datasets: dict[str, tuple[ForcingFile, Dataset]], axes: dict[str, Axis]
    ) -> set[str]:
        """Variables whose values betray another unit, by some cells."""
        assert self.cells is not None
        wrong = set()
        land = np.flatnonzero(self.cells.land)
        chosen = land[:: max(1, land.size // LOOKED_AT)][:LOOKED_AT]
        for name, (file, dataset) in datasets.items():
            if not chosen.size or not len(axes[name].kept):
                continue
            rows = axes[name].kept[:: max(1, len(axes[name].kept) // 64)]
            values = np.stack([dataset[name].values(int(row)).reshape(-1)[chosen] for row in rows])
            for found in check_values(FIELDS[name], values, str(file.path), lambda a, b, cell: ""):
                if found.where == "all samples":
                    wrong.add(name)
                    self._add_once(
                        [
                            finding(
                                "forcing-units", file.path, name, found.problem, found.found, found.expected
                            )
                        ]
                    )
        return wrong

    def _rules(
        self,
        datasets: dict[str, tuple[ForcingFile, Dataset]],
        axes: dict[str, Axis],
        fields: dict[str, FloatArray],
        part: slice,
        wrong_unit: set[str],
    ) -> None:
        """Missing values on land and all rules over one block."""
        assert self.cells is not None
        assert self.tallies is not None
        land = self.cells.land[part]
        for name, values in fields.items():
            if not np.isfinite(values.sum()):
                missing = ~np.isfinite(values) & land
                if missing.any():
                    missed = ("forcing-missing", name, "missing on land", "a number")
                    file, seconds = str(datasets[name][0].path), axes[name].seconds
                    self.tallies.add(missed, file, missing, values, part.start, seconds)
        usable = {name: values for name, values in fields.items() if name not in wrong_unit}
        first = next(iter(axes.values()))
        block = Block(usable, sample_interval(first.seconds), self._sun(axes, part), self._height(part))
        # NaN compares as False: missing values are reported once, above.
        with np.errstate(invalid="ignore"):
            for rule in RULES:
                if not all(name in usable for name in rule.needs):
                    continue
                bad = rule.bad(block)
                if bad is not None and (bad := bad & land).any():
                    words = (rule.check, rule.variable, rule.problem, rule.expected)
                    file, seconds = str(datasets[rule.variable][0].path), axes[rule.variable].seconds
                    self.tallies.add(words, file, bad, usable[rule.variable], part.start, seconds)

    def _height(self, part: slice) -> FloatArray | None:
        return None if self.elevation is None else self.elevation[part]

    def _sun(self, axes: dict[str, Axis], part: slice) -> FloatArray | None:
        """Flux above the atmosphere over the intervals of the shortwave; None where places are unknown."""
        assert self.cells is not None
        if "FSDS" not in axes or self.cells.longitude is None or self.cells.latitude is None:
            return None
        seconds = axes["FSDS"].seconds
        if len(seconds) < 2:
            return None
        longitude, latitude = self.cells.longitude[part], self.cells.latitude[part]
        return sun_above(interval_starts(seconds), sample_interval(seconds), longitude, latitude, self._orbit)


def read_block(variable: Variable, kept: IntArray, part: slice, shape: tuple[int, int]) -> FloatArray:
    """Samples ``[time, cell]`` of a stretch of cells; of a map the rows that hold them."""
    if len(variable.shape) == 2:
        values = variable.values((slice(None), part))
    elif shape[0] == 1:
        values = variable.values((slice(None), 0, part))
    else:
        first, last = part.start // shape[1], -(-part.stop // shape[1])
        rows = variable.values((slice(None), slice(first, last))).reshape(variable.shape[0], -1)
        values = rows[:, part.start - first * shape[1] : part.stop - first * shape[1]]
    values = np.asarray(values, dtype=np.float64)
    return values if len(kept) == len(values) else values[kept]
