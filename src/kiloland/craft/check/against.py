"""One product against another: forcing month by month, surface and domain variable by variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from kiloland.atmosphere.fields import FIELDS
from kiloland.craft.check.cells import CellTable, FloatArray, IntArray
from kiloland.craft.check.forcing_checks import read_block
from kiloland.craft.check.forcing_files import ForcingFile, forcing_cells, opened, periods, read_axis
from kiloland.craft.check.means import Comparison, Difference, common_cells
from kiloland.craft.check.surface_data import open_surface
from kiloland.craft.surface.table import Kind, surface_table
from kiloland.errors import InputError
from kiloland.files import open_dataset

COMPARED_KINDS: Final = tuple(kind for kind in Kind if kind not in (Kind.COPIED, Kind.MADE))


@dataclass
class ForcingComparison:
    """Other forcing, read period by period beside the first."""

    files: Mapping[str, list[ForcingFile]]
    result: Comparison
    memory: int
    common: tuple[IntArray, IntArray] | None = None
    _sums: dict[str, tuple[FloatArray, FloatArray, int]] = field(default_factory=dict)

    @classmethod
    def open(cls, source: Path, files: list[ForcingFile], memory: int) -> ForcingComparison:
        """Other forcing files by period."""
        return cls(dict(periods(files)), Comparison(str(source)), memory)

    def period(self, period: str, name: str, here: FloatArray, cells: CellTable) -> None:
        """Compare the cells' means of one period and variable; nothing where the other lacks them."""
        files = [file for file in self.files.get(period, []) if name in file.names]
        if not files:
            return
        with ExitStack() as stack:
            dataset = opened(files[:1], stack)[name][1]
            axis, _ = read_axis(dataset)
            variable = dataset[name]
            if axis is None or not len(axis.kept) or len(variable.shape) not in (2, 3):
                return
            other = forcing_cells(dataset, variable, None)
            if self.common is None:
                self.common = _required(common_cells(cells, other), cells, other)
                self.result.cells = int(self.common[0].size)
            count = max(1, self.memory // (8 * len(axis.kept) * 3))
            there = np.zeros(other.count)
            for first in range(0, other.count, count):
                part = slice(first, min(first + count, other.count))
                there[part] = read_block(variable, axis.kept, part, other.shape).mean(axis=0)
        first_mean, second_mean = here[self.common[0]], there[self.common[1]]
        good = np.isfinite(first_mean) & np.isfinite(second_mean)
        if not good.any():
            return
        root = float(np.sqrt(((first_mean - second_mean)[good] ** 2).mean()))
        values = (float(first_mean[good].mean()), float(second_mean[good].mean()), root)
        self.result.months.setdefault(period, {})[name] = values
        samples = len(axis.kept)
        before = self._sums.get(name, (np.zeros(first_mean.size), np.zeros(first_mean.size), 0))
        weighted = first_mean * samples, second_mean * samples
        self._sums[name] = before[0] + weighted[0], before[1] + weighted[1], before[2] + samples

    def finish(self) -> Comparison:
        """Differences over the whole common time."""
        if self.common is None:
            raise InputError(
                "nothing in common to compare", file=self.result.file, expected="the same months"
            )
        for name, (first, second, samples) in self._sums.items():
            units = FIELDS[name].units[0]
            pair = first / samples, second / samples
            self.result.differences.append(Difference(name, units, *pair, self.common[0]))
        return self.result


def _required(
    common: tuple[IntArray, IntArray] | None, here: CellTable, there: CellTable
) -> tuple[IntArray, IntArray]:
    """Common cells; InputError without any."""
    if common is None or not common[0].size:
        raise InputError(
            "no cell in common to compare",
            file=there.file,
            found=f"{there.count} cells",
            expected=f"cells of {here.file} by gridID, or the same coordinates",
        )
    return common


def compare_domains(
    here: CellTable, columns: Mapping[str, FloatArray], other: CellTable, others: Mapping[str, FloatArray]
) -> Comparison:
    """Two domains, by their common columns."""
    first, second = _required(common_cells(here, other), here, other)
    result = Comparison(other.file, int(first.size))
    for name, units in (
        ("area", "radian2"),
        ("frac", "1"),
        ("mask", "1"),
        ("xc", "degrees"),
        ("yc", "degrees"),
    ):
        if name in columns and name in others:
            result.differences.append(
                Difference(name, units, columns[name][first], others[name][second], first)
            )
    return result


def compare_surfaces(here: Path, there: Path, domain: CellTable | None) -> Comparison:
    """Two surface files: means over the layers of every variable that both have, classes as they are."""
    with open_dataset(here) as first_set, open_dataset(there) as second_set:
        one, _ = open_surface(first_set, here, domain)
        two, _ = open_surface(second_set, there, domain)
        if one is None or two is None:
            raise InputError("no coordinates of its cells", file=there if two is None else here)
        first, second = _required(common_cells(one.cells, two.cells), one.cells, two.cells)
        result = Comparison(str(there), int(first.size))
        for name, variable in surface_table().items():
            if variable.kind not in COMPARED_KINDS or not (one.fits(name) and two.fits(name)):
                continue
            if (
                first_set[name].shape[: len(one.leading(name))]
                != second_set[name].shape[: len(two.leading(name))]
            ):
                continue
            means = [_layer_mean(data.layers(name), data.cells.count) for data in (one, two)]
            pair = means[0][first], means[1][second]
            result.differences.append(Difference(name, variable.units, *pair, first))
    return result


def _layer_mean(layers: Iterable[FloatArray], count: int) -> FloatArray:
    """Mean over the layers ``[cell]``."""
    total, number = np.zeros(count), 0
    for layer in layers:
        total, number = total + layer, number + 1
    return np.asarray(total / max(number, 1))
