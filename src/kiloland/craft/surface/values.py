"""A file that variables of the surface come from, whatever its cells are: a grid, or a list of cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.grid.base import FloatArray

LONGITUDES = ("LONGXY", "lon", "longitude", "xc")
LATITUDES = ("LATIXY", "lat", "latitude", "yc")


@dataclass(frozen=True)
class Values(ABC):
    """An open file; ``names`` are the variables it stands for, with their names on file."""

    dataset: Dataset
    cell_dims: tuple[str, ...]
    """Dimensions of the cells, the last ones of every variable."""
    names: Mapping[str, str]

    @property
    def path(self) -> str:
        """For messages."""
        return str(self.dataset.path)

    @property
    @abstractmethod
    def cells(self) -> int:
        """Number of cells that are read."""

    @abstractmethod
    def layer(self, variable: Variable, index: tuple[int, ...]) -> FloatArray:
        """One layer ``[cell]`` in float64, missing entries NaN; ``index`` counts the leading dimensions."""

    @abstractmethod
    def place(self, cell: int) -> str:
        """A cell in words."""

    def has(self, name: str) -> bool:
        """True where the file stands for a variable of the table."""
        return name in self.names

    def stored(self, name: str) -> Variable:
        """The variable on file that stands for one of the table."""
        return self.dataset[self.names[name]]

    def lead(self, name: str) -> tuple[int, ...]:
        """Lengths of the dimensions before those of the cells."""
        return self.stored(name).shape[: -len(self.cell_dims)]

    def on_file(self, name: str) -> str:
        """File and variable for reports; the variable only where it has another name."""
        own = self.names[name]
        return self.dataset.path.name + ("" if own == name else f":{own}")


def physical(variable: Variable, stored: NDArray[Any]) -> FloatArray:
    """Stored entries in float64 with scale and offset; missing ones NaN, integers too. InputError for
    characters."""
    values = variable.numbers(stored).astype(np.float64)
    for name, combine in (("scale_factor", np.multiply), ("add_offset", np.add)):
        if name in variable.attributes:
            values = combine(values, float(variable.attributes[name]))
    return np.where(variable.missing(stored), np.nan, values)


def coordinate_name(dataset: Dataset, names: tuple[str, ...]) -> str:
    """The first of some names that the file has; InputError without one."""
    found = next((name for name in names if name in dataset), None)
    if found is None:
        raise InputError(
            "no coordinates in the file", file=dataset.path, expected=f"one of {', '.join(names)}"
        )
    return found
