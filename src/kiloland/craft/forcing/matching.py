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
            self.places(part)

    def places(self, part: slice) -> CellPlaces:
        """Places of some cells; those of the last call are remembered."""
        if self.recent is None or self.recent[0] != part:
            with open_dataset(self.path) as dataset:
                variable = dataset[self.variable]
                found = match_cells(dataset, variable, self.land.cells(part), self.land.grid)
            self.recent = part, found
        return self.recent[1]
