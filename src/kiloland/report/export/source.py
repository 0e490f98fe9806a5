"""What is exported: a variable as bands, one for each time and layer, read by parts of its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.report.dates import bounds, date_text, dates, is_average, record_of
from kiloland.report.fields import SUBGRID, Axes, CellMean, Choice, as_numbers, axes_of, cell_mean
from kiloland.report.layers import layer_text

Values = NDArray[np.float64]
Int = NDArray[np.int64]


PLACES = ("lon", "lat", "x", "y", "gridID", "xc_LCC", "yc_LCC", "LONGXY", "LATIXY", "xc", "yc", "xv", "yv")
"""Variables that say where cells are: the map has its own."""


@dataclass(frozen=True)
class Band:
    """One value per cell: a record (None: no time, or the mean) and a layer of each further dimension."""

    name: str
    record: int | None
    layers: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Source:
    """A variable over cells and the bands that are wanted of it.

    ``records`` are the records of time that are bands, or over which the mean is taken with ``mean``;
    ``layers`` the layers of each further dimension.
    """

    dataset: Dataset
    variable: Variable
    axes: Axes
    average: CellMean | None
    records: tuple[int, ...]
    layers: tuple[tuple[int, ...], ...]
    mean: bool = False

    @classmethod
    def of(cls, dataset: Dataset, name: str, choice: Choice, mean: bool = False) -> Source:
        """The bands of a choice: all times and layers that it leaves open.

        Raises ``InputError`` for a variable that is no number or has no cells, and for times and layers that
        it does not have.
        """
        variable = dataset[name]
        if variable.dtype.kind not in "iuf":
            raise InputError("is not a number", file=dataset.path, variable=name, found=str(variable.dtype))
        axes = axes_of(dataset, variable)
        if tuple(dim for dim in variable.dims if dim in axes.space) != axes.space:
            raise InputError(
                "has its cells in another order of dimensions",
                file=dataset.path,
                variable=name,
                found=variable.dims,
                expected=axes.space,
            )
        if mean and axes.time is None:
            raise InputError("has no time to take a mean over", file=dataset.path, variable=name)
        records: tuple[int, ...] = ()
        if axes.time is not None:
            every = choice.time is None
            count = dataset.dimensions[axes.time]
            records = tuple(range(count)) if every else (record_of(dataset, axes.time, choice.time),)
        return cls(
            dataset,
            variable,
            axes,
            cell_mean(dataset, variable, axes, choice),
            records,
            _layers(dataset, variable, axes, choice.levels),
            mean,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the cells on file: (cells,) or (rows, columns)."""
        if self.average is not None:
            return (self.average.number,)
        shape = tuple(self.dataset.dimensions[dim] for dim in self.axes.space)
        return shape[1:] if len(shape) == 2 and shape[0] == 1 else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that holds every value exactly; averages keep the precision of the variable."""
        stored = self.variable.dtype
        if stored.kind == "f":
            return stored
        if "scale_factor" in self.variable.attributes or self.average is not None or self.mean:
            return np.dtype(np.float64)
        return np.dtype(np.int32) if stored.itemsize < 4 or stored == np.int32 else stored

    def bands(self) -> Iterator[Band]:
        """All bands, layers varying fastest."""
        records: tuple[int | None, ...] = (None,) if self.axes.time is None or self.mean else self.records
        texts = self._time_texts()
        for record in records:
            when = [] if record is None else [texts[record]]
            when += [f"mean of {len(self.records)} records"] if self.mean else []
            for layers in product(*self.layers):
                which = [
                    layer_text(self.dataset, dim, layer)
                    for dim, layer in zip(self.axes.levels, layers, strict=True)
                ]
                yield Band(", ".join([self.variable.name, *which, *when]), record, layers)

    def _time_texts(self) -> dict[int, str]:
        if self.axes.time is None or self.mean:
            return {}
        name = self.axes.time
        intervals = bounds(self.dataset, name) if is_average(self.variable.attributes) else None
        chosen = list(self.records)
        if intervals is None:
            when = dates(self.dataset, name, np.asarray(self.dataset[name].values())[chosen])
            return dict(zip(chosen, map(date_text, when), strict=True))
        ends = dates(self.dataset, name, intervals[chosen].reshape(-1))
        return {
            record: f"{date_text(ends[2 * i])} to {date_text(ends[2 * i + 1])}"
            for i, record in enumerate(chosen)
        }

    def cells(self, band: Band, which: slice | Int) -> Values:
        """Values of some cells (flat positions in the order of the file), NaN where there is none.

        With a slice only these cells are read, for rows and columns the rows they lie in. The mean over time
        weights each record with its interval where the file gives intervals, and skips missing values.
        """
        if not self.mean:
            return self._cells(band.record, band.layers, which)
        weights = self._time_weights()
        total: Any = 0.0
        weight: Any = 0.0
        for record, share in zip(self.records, weights, strict=True):
            values = self._cells(record, band.layers, which)
            known = np.isfinite(values)
            total = total + np.where(known, share * values, 0.0)
            weight = weight + share * known
        mean: Values = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0.0)
        return mean

    def _time_weights(self) -> Values:
        intervals = bounds(self.dataset, self.axes.time) if self.axes.time else None
        if intervals is None:
            return np.ones(len(self.records))
        lengths: Values = np.diff(intervals, axis=1)[list(self.records), 0]
        return lengths if (lengths > 0.0).all() else np.ones(len(self.records))

    def _cells(self, record: int | None, layers: tuple[int, ...], which: slice | Int) -> Values:
        if self.average is not None:
            return np.asarray(self.average(self._read(record, layers, {}))[which])
        length = self.dataset.dimensions[self.axes.space[-1]]
        if not isinstance(which, slice):
            return self._read(record, layers, {})[which]
        if len(self.axes.space) == 1:
            return self._read(record, layers, {self.axes.space[0]: which})
        start, stop, _ = which.indices(prod(self.dataset.dimensions[dim] for dim in self.axes.space))
        if self.dataset.dimensions[self.axes.space[0]] == 1:
            return self._read(record, layers, {self.axes.space[1]: slice(start, stop)})
        rows = slice(start // length, -(-stop // length))
        values = self._read(record, layers, {self.axes.space[0]: rows})
        return values[start - rows.start * length : stop - rows.start * length]

    def _read(self, record: int | None, layers: tuple[int, ...], where: dict[str, slice]) -> Values:
        chosen = dict(zip(self.axes.levels, layers, strict=True))
        if self.axes.time is not None and record is not None:
            chosen[self.axes.time] = record
        index = tuple(
            slice(chosen[dim], chosen[dim] + 1) if dim in chosen else where.get(dim, slice(None))
            for dim in self.variable.dims
        )
        return as_numbers(self.variable, index).reshape(-1)


def _layers(
    dataset: Dataset, variable: Variable, axes: Axes, wanted: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    if len(wanted) > len(axes.levels):
        raise InputError(
            "has fewer dimensions of layers than were asked for",
            file=dataset.path,
            variable=variable.name,
            found=variable.dims,
            expected=f"{len(wanted)} besides time and cells",
        )
    chosen = []
    for position, dim in enumerate(axes.levels):
        length = dataset.dimensions[dim]
        layers = (wanted[position],) if position < len(wanted) else tuple(range(length))
        if not all(0 <= layer < length for layer in layers):
            raise InputError(
                f"no such layer of {dim}",
                file=dataset.path,
                variable=variable.name,
                found=layers[0],
                expected=f"0 to {length - 1}",
            )
        chosen.append(layers)
    return tuple(chosen)


def variables_over_cells(dataset: Dataset) -> list[str]:
    """Numbers over the cells of a file, without its coordinates and subgrid."""
    names = []
    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "iuf" or name in PLACES:
            continue
        try:
            axes = axes_of(dataset, variable)
        except InputError:
            continue
        if axes.space[0] not in SUBGRID:
            names.append(name)
    if not names:
        raise InputError("has no variable over cells", file=dataset.path)
    return names
