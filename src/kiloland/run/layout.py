"""All columns of a rank, whatever their kind, one group after the other: where each stands and counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kiloland.land.subgrid import ColumnGroup, column_to_gridcell
from kiloland.variables import HistoryVariable


@dataclass(frozen=True)
class AreaScale:
    """Area of the surfaces of towns, which stand on each other, over what their columns weigh.

    ``flux``: to sum fluxes per area of the surface; ``state``: to average states by area.
    """

    flux: np.ndarray
    state: np.ndarray


@dataclass(frozen=True)
class Layout:
    """The groups of columns of a rank in a fixed order, and the number of its cells.

    Vectors over all columns or patches have those of the first group first.
    """

    groups: tuple[ColumnGroup, ...]
    landunits: tuple[str, ...]
    """ELM's word for the landunit of each group, in the means of fields that ask for some alone."""
    scales: tuple[AreaScale | None, ...]
    cells: int

    def members(self, number: int, level: str) -> slice:
        """Where the columns or patches of a group stand in the vectors."""
        sizes = [g.patches if level == "pft" else g.columns for g in self.groups]
        return slice(sum(sizes[:number]), sum(sizes[: number + 1]))

    def rows(self, level: str) -> np.ndarray:
        """Positions of all columns or patches in the rank's full vectors."""
        rows = [g.patch_row if level == "pft" else g.column_row for g in self.groups]
        return np.concatenate(rows)

    @cached_property
    def _order(self) -> np.ndarray:
        """The columns in the order of the files, which no partition changes within a cell."""
        return np.argsort(self.rows("column"), kind="stable")

    @cached_property
    def gridcell(self) -> np.ndarray:
        """Cell of each column."""
        return np.concatenate([g.gridcell for g in self.groups])

    @cached_property
    def weight(self) -> np.ndarray:
        """Of each column on its cell."""
        return np.concatenate([g.column_weight for g in self.groups])

    def of_landunit(self, landunit: str) -> np.ndarray:
        """True for the columns on a landunit, by ELM's word for it."""
        pieces = [
            np.full(group.columns, own == landunit)
            for group, own in zip(self.groups, self.landunits, strict=True)
        ]
        return np.concatenate(pieces)

    def _scale(self, variable: HistoryVariable) -> np.ndarray | None:
        if not variable.urban or all(scale is None for scale in self.scales):
            return None
        pieces = [
            np.ones(group.columns) if scale is None else getattr(scale, variable.urban)
            for group, scale in zip(self.groups, self.scales, strict=True)
        ]
        return np.concatenate(pieces)

    def cell_mean(self, values: np.ndarray, variable: HistoryVariable) -> np.ndarray:
        """Mean of a field over the columns of each cell as ELM's history has it, ``[..., cell]``.

        Args:
            values: ``[..., column]`` of all groups, NaN where the field does not exist.
            variable: the field; it may count on some landunits alone, and scale the surfaces of towns.
        """
        if variable.landunits:
            values = values.copy()
            for number, landunit in enumerate(self.landunits):
                if landunit != variable.landunits:
                    values[..., self.members(number, "column")] = np.nan
        order, scale = self._order, self._scale(variable)
        return column_to_gridcell(
            values[..., order],
            self.gridcell[order],
            self.weight[order],
            self.cells,
            None if scale is None else scale[order],
        )
