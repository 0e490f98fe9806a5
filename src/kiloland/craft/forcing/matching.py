"""Where the land cells lie in the files of a source, some cells at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.places import CellPlaces, match_cells
from kiloland.files import open_dataset


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
