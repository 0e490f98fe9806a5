"""Several files for one surface: who gives each variable, in what order, and how many cells each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kiloland.craft.surface.mapper import AnyMapper
from kiloland.craft.surface.table import Method, SurfaceVariable
from kiloland.craft.surface.values import Values
from kiloland.craft.surface.weights import MappingLedger, Weights
from kiloland.errors import InputError
from kiloland.grid.base import BoolArray, FloatArray


@dataclass(frozen=True)
class Supply:
    """A file with its mapper; ``filling`` maps where no other file stands behind it."""

    values: Values
    mapper: AnyMapper
    """Leaves gaps where the file has no values."""
    filling: AnyMapper
    """Takes near values for gaps where its cells allow that; the same one for lists of cells."""
    land: BoolArray
    """Cells of real land."""
    product: bool
    """True for a finer product that stands over the source."""

    def layer(self, name: str, index: tuple[int, ...]) -> FloatArray:
        """A layer ``[source]`` with NaN where there is no real land or no finite value."""
        layer = self.values.layer(self.values.stored(name), index)
        return np.where(self.land & np.isfinite(layer), layer, np.nan)

    def layers(self, name: str) -> FloatArray:
        """All layers ``[layer, source]``."""
        return np.stack([self.layer(name, index) for index in np.ndindex(self.values.lead(name))])


@dataclass(frozen=True)
class Giver:
    """A supply of one variable with the mapper that counts for it there."""

    supply: Supply
    mapper: AnyMapper
    method: Method

    @property
    def label(self) -> str:
        """The method that is used, for reports."""
        return self.mapper.label(self.method)


@dataclass(frozen=True)
class Supplies:
    """All files, the one of highest priority first, the source last."""

    files: tuple[Supply, ...]
    methods: Mapping[str, Method]

    @property
    def source(self) -> Supply:
        """The file behind all others."""
        return self.files[-1]

    def has(self, name: str) -> bool:
        """True where any file gives a variable."""
        return any(file.values.has(name) for file in self.files)

    def first(self, name: str) -> Values:
        """The source where it has a variable, else the first product with it."""
        order = (self.files[-1], *self.files[:-1])
        return next(file.values for file in order if file.values.has(name))

    def of(self, name: str) -> list[Giver]:
        """Who gives a variable, in order; the last of them fills gaps."""
        files = [file for file in self.files if file.values.has(name)]
        last = len(files) - 1
        return [
            Giver(file, file.filling if number == last else file.mapper, self.methods[name])
            for number, file in enumerate(files)
        ]

    def lead(self, name: str) -> tuple[int, ...]:
        """Lengths of a variable's leading dimensions; InputError where files disagree on them."""
        first = self.first(name)
        for file in self.files:
            if file.values.has(name) and file.values.lead(name) != first.lead(name):
                raise InputError(
                    "has other layers than the source",
                    file=file.values.path,
                    variable=file.values.names[name],
                    found=file.values.lead(name),
                    expected=first.lead(name),
                )
        return first.lead(name)

    def check_dims(self, variable: SurfaceVariable) -> None:
        """Raise InputError where a file has not the dimensions of the table."""
        for file in self.files:
            if not file.values.has(variable.name):
                continue
            values, dims = file.values, file.values.stored(variable.name).dims
            number = len(values.cell_dims)
            fits = len(dims) == len(variable.dims) - 1 + number and dims[-number:] == values.cell_dims
            if variable.has_cells and not fits:
                raise InputError(
                    "has other dimensions than ELM reads",
                    file=values.path,
                    variable=values.names[variable.name],
                    found=dims,
                    expected=(*variable.dims[:-1], *values.cell_dims),
                )


@dataclass(frozen=True)
class Part:
    """What one file gave of a variable, layer by layer."""

    on_file: str
    label: str
    product: bool
    ledgers: tuple[MappingLedger, ...]
    taken: tuple[int, ...]
    """Cells that took its value."""

    @property
    def cells(self) -> int:
        """Cells that took its value, in the layer with the fewest."""
        return min(self.taken, default=0)

    @property
    def ledger(self) -> MappingLedger | None:
        """The ledger of the layer that needed most help."""
        return max(self.ledgers, key=lambda ledger: ledger.filled, default=None)

    @classmethod
    def merged(cls, parts: Sequence[Part]) -> Part:
        """The part of the cells of several ranks."""
        first = parts[0]
        ledgers = zip(*(part.ledgers for part in parts), strict=True)
        taken = zip(*(part.taken for part in parts), strict=True)
        return cls(
            first.on_file,
            first.label,
            first.product,
            tuple(MappingLedger.merged(found) for found in ledgers),
            tuple(map(sum, taken)),
        )


class Counter:
    """Counts which file gives how many cells of a variable while its layers are looked at."""

    def __init__(self, givers: Sequence[Giver], name: str, land: BoolArray, ids: np.ndarray) -> None:
        self.givers, self.name, self.land, self.ids = givers, name, land, ids
        self.ledgers: list[list[MappingLedger]] = [[] for _ in givers]
        self.taken: list[list[int]] = [[] for _ in givers]

    def see(self, weights: Sequence[Weights]) -> None:
        """Take in one layer; InputError where a land cell has a value from no file."""
        left = np.ones(self.land.size, dtype=bool)
        for number, part in enumerate(weights):
            there = left & ~part.missing
            self.ledgers[number].append(part.ledger)
            self.taken[number].append(int(there.sum()))
            left &= part.missing
        lost = left & self.land
        if lost.any():
            raise InputError(
                f"no file has a value for {int(lost.sum())} land cells or more",
                file=self.givers[-1].supply.values.path,
                variable=self.name,
                where=f"gridcell id {int(self.ids[int(np.argmax(lost))])}",
                hint="A file that covers the domain must stand behind it",
            )

    def parts(self) -> tuple[Part, ...]:
        """What each file gave."""
        return tuple(
            Part(
                giver.supply.values.on_file(self.name),
                giver.label,
                giver.supply.product,
                tuple(self.ledgers[number]),
                tuple(self.taken[number]),
            )
            for number, giver in enumerate(self.givers)
        )


def laid_over(layers: Sequence[FloatArray]) -> FloatArray:
    """The first of some layers that is not NaN, for every cell."""
    values = layers[0]
    for layer in layers[1:]:
        values = np.where(np.isnan(values), layer, values)
    return values
