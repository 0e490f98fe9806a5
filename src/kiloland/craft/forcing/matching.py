"""Where the land cells lie in the files of a source, some cells at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.forcing.decode import require_samples
from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.places import CellPlaces, match_cells
from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.files.checksum import crc32

IDS: Final = 1 << 17
"""Ids that are read at a time."""
ROUNDING: Final = 1.0e-6
"""Difference of two axes, in units of their largest entry: single precision stays below."""


@dataclass(frozen=True)
class CellsOfFile:
    """What tells which cells a file holds: its last two dimensions, the checksum of its ids, and its axes in
    the projection, each where it has them."""

    shape: tuple[int, ...]
    ids: int | None
    axes: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, dataset: Dataset, variable: Variable) -> CellsOfFile:
        """Those of a variable; InputError unless it is ``[time, y, x]`` with all times."""
        if len(variable.shape) != 3:
            raise InputError(
                "gridded forcing must be [time, y, x]",
                file=dataset.path,
                variable=variable.name,
                found=variable.dims,
            )
        require_samples(dataset, variable)
        ids = checksum_of(dataset["gridID"]) if "gridID" in dataset else None
        axes = {name: dataset[name].values().astype(np.float64) for name in "xy" if name in dataset}
        return cls(variable.shape[1:], ids, axes)

    @property
    def lengths(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the axes."""
        return {name: axis.shape for name, axis in self.axes.items()}

    def require(self, other: CellsOfFile, path: Path, variable: str) -> None:
        """InputError unless another file, at ``path``, holds the same cells."""
        if (other.shape, other.ids, other.lengths) != (self.shape, self.ids, self.lengths):
            raise InputError(
                "the files hold different cells",
                file=path,
                variable=variable,
                found=other.shape,
                expected=self.shape,
            )
        for name, axis in self.axes.items():
            away = np.abs(other.axes[name] - axis)
            if not (away <= ROUNDING * np.abs(axis).max()).all():
                worst = int(np.argmax(away))
                raise InputError(
                    "the files hold different cells",
                    file=path,
                    variable=name,
                    where=f"entry {worst}",
                    found=float(other.axes[name][worst]),
                    expected=float(axis[worst]),
                )


def checksum_of(ids: Variable) -> int:
    """CRC-32 of whole numbers in order, read piece by piece."""
    lines = ids.shape[-1]
    lead, crc = np.ndindex(*ids.shape[:-1]), 0
    for line in lead:
        for begin in range(0, lines, IDS):
            crc = crc32(ids.read((*line, slice(begin, begin + IDS))).astype(np.int64).tobytes(), crc)
    return crc


@dataclass
class Matching:
    """Places in a ``variable`` of a file, which are those in all files of the source."""

    land: LandCells
    path: Path
    variable: str
    recent: tuple[slice, CellPlaces] | None = field(default=None, repr=False)

    def require_all(self) -> None:
        """InputError unless the file holds all cells, where the domain has them."""
        for part in self.land.pieces():
            self._match(part, compare=True)

    def places(self, part: slice) -> CellPlaces:
        """Places of some cells; those of the last call are remembered."""
        if self.recent is None or self.recent[0] != part:
            self.recent = part, self._match(part, compare=False)
        return self.recent[1]

    def _match(self, part: slice, *, compare: bool) -> CellPlaces:
        cells = self.land.cells(part)
        with open_dataset(self.path) as dataset:
            variable = dataset[self.variable]
            return match_cells(dataset, variable, cells, self.land.grid, compare=compare)
