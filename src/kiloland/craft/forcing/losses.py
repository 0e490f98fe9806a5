"""What a source hands on, and what of the daily values it could not keep."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Losses:
    """Daily values that could not be kept, in cell-days, of so many cell-days in all."""

    cell_days: int = 0
    vapour: int = 0
    shortwave: int = 0

    def add(self, other: Losses) -> None:
        """Add those of another block."""
        for part in fields(self):
            setattr(self, part.name, getattr(self, part.name) + getattr(other, part.name))

    def lines(self) -> list[str]:
        """In words; nothing where nothing was lost."""
        kinds = (
            (self.vapour, "vapour pressure above saturation all day, cut"),
            (self.shortwave, "more shortwave than the sun above gives, cut"),
        )
        return [f"{count} of {self.cell_days} cell-days: {what}" for count, what in kinds if count]


Block = tuple[int, int, dict[str, NDArray[np.floating[Any]]], Losses]
"""First sample and first cell of some fields ``[time, cell]``."""
