"""From a variable on file to one value per cell: choose time and layer, average the subgrid to cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable
from kiloland.report.dates import record_of, time_name, time_text
from kiloland.report.layers import default_layer, layer_text

Values = NDArray[np.float64]

CELL_AXES: tuple[tuple[str, ...], ...] = (
    ("lat", "lon"),
    ("lsmlat", "lsmlon"),
    ("nj", "ni"),
    ("y", "x"),
    ("latitude", "longitude"),
    ("lndgrid",),
    ("gridcell",),
    ("ni",),
    ("n",),
    ("lon",),
)
"""Dimensions that together run over the cells, in the order of the file."""

SUBGRID: dict[str, tuple[str, tuple[str, ...]]] = {
    "topounit": ("topo1d", ("topo1d_wtgcell",)),
    "landunit": ("land1d", ("land1d_wtgcell", "land1d_wtxy")),
    "column": ("cols1d", ("cols1d_wtgcell", "cols1d_wtxy")),
    "pft": ("pfts1d", ("pfts1d_wtgcell", "pfts1d_wtxy")),
}
"""Prefix of the index vectors and names of the weight on the cell, for each level of the subgrid."""

PATCH_TYPES = ("pfts1d_itype_veg", "pfts1d_itypveg")
LARGEST_NUMBER = 1.0e30
"""Above this a value is ELM's fill, whatever the attributes of the variable say."""


@dataclass(frozen=True)
class Choice:
    """What a user wants to see: time (index or date), layers (indices), a patch type instead of the mean."""

    time: str | None = None
    levels: tuple[int, ...] = ()
    patch_type: int | None = None


@dataclass(frozen=True)
class Axes:
    """Which dimension of a variable is what; ``space`` runs over cells or over one level of the subgrid."""

    time: str | None
    space: tuple[str, ...]
    levels: tuple[str, ...]


@dataclass(frozen=True)
class CellField:
    """One value per cell (NaN where there is none) with the words that describe it.

    ``shape``: of the cells on file, (cells,) or (rows, columns); ``values`` is flat in that order.
    ``meanings``: what whole numbers stand for, where the file says so.
    """

    name: str
    long_name: str
    units: str
    values: Values
    shape: tuple[int, ...]
    details: tuple[str, ...] = ()
    integer: bool = False
    meanings: tuple[tuple[float, str], ...] = ()


def axes_of(dataset: Dataset, variable: Variable) -> Axes:
    """Sort the dimensions of a variable. Raises ``InputError`` where none of them runs over cells."""
    dims = variable.dims
    time = time_name(dataset)
    space: tuple[str, ...] = next((names for names in CELL_AXES if set(names) <= set(dims)), ())
    if not space:
        space = tuple(dim for dim in dims if dim in SUBGRID)[:1]
    if not space:
        raise InputError(
            "has no dimension of cells",
            file=dataset.path,
            variable=variable.name,
            found=f"({', '.join(dims)})",
            expected="one of " + ", ".join([*("x".join(names) for names in CELL_AXES), *SUBGRID]),
        )
    levels = tuple(dim for dim in dims if dim not in space and dim != time)
    return Axes(time if time in dims else None, space, levels)


def read_field(dataset: Dataset, name: str, choice: Choice | None = None) -> CellField:
    """One value per cell of the variable ``name``.

    Subgrid vectors are averaged with their weight on the cell; with ``patch_type`` only patches of that
    vegetation type count. Raises ``InputError`` naming the file and the variable.
    """
    choice = choice or Choice()
    variable = dataset[name]
    if variable.dtype.kind not in "iuf":
        raise InputError("is not a number", file=dataset.path, variable=name, found=str(variable.dtype))
    axes = axes_of(dataset, variable)
    record = record_of(dataset, axes.time, choice.time) if axes.time else None
    layers = chosen_layers(dataset, variable, axes, choice.levels)
    values = numbers_at(variable, axes, record, layers)
    details = (
        [time_text(dataset, axes.time, record, variable.attributes)]
        if axes.time and record is not None
        else []
    )
    details += [layer_text(dataset, dim, layer) for dim, layer in layers.items()]
    if choice.patch_type is not None:
        details.append(f"patch type {choice.patch_type}")
    shape = tuple(dataset.dimensions[dim] for dim in axes.space)
    average = cell_mean(dataset, variable, axes, choice)
    if average is not None:
        values = average(values)
        shape = values.shape
    return CellField(
        name=name,
        long_name=str(variable.attributes.get("long_name", name)),
        units=units_of(variable),
        values=values,
        shape=shape,
        details=tuple(details),
        integer=variable.dtype.kind in "iu" and axes.space[0] not in SUBGRID,
        meanings=meanings_of(variable),
    )


def meanings_of(variable: Variable) -> tuple[tuple[float, str], ...]:
    """Numbers and words of CF's ``flag_values`` and ``flag_meanings``; empty where they do not fit."""
    values = np.atleast_1d(variable.attributes.get("flag_values", ()))
    words = str(variable.attributes.get("flag_meanings", "")).split()
    if values.dtype.kind not in "iuf" or len(words) != values.size:
        return ()
    return tuple((float(value), word.replace("_", " ")) for value, word in zip(values, words, strict=True))


def units_of(variable: Variable) -> str:
    """The units as a label; empty for pure numbers."""
    units = str(variable.attributes.get("units", "")).strip()
    if units in ("1", "-", "none", "unitless", "unset"):
        return ""
    return units.replace("^2", "²").replace("^3", "³").replace("**2", "²").replace("**3", "³")


def chosen_layers(
    dataset: Dataset, variable: Variable, axes: Axes, wanted: tuple[int, ...]
) -> dict[str, int]:
    """The layer of each dimension beside time and cells: as wanted, else the uppermost of the ground."""
    if len(wanted) > len(axes.levels):
        raise InputError(
            "has fewer dimensions of layers than were asked for",
            file=dataset.path,
            variable=variable.name,
            found=f"({', '.join(variable.dims)})",
            expected=f"{len(wanted)} besides time and cells",
        )
    layers = {dim: default_layer(dim, dataset.dimensions[dim]) for dim in axes.levels}
    layers.update(zip(axes.levels, wanted, strict=False))
    for dim, layer in layers.items():
        if not 0 <= layer < dataset.dimensions[dim]:
            raise InputError(
                f"no such layer of {dim}",
                file=dataset.path,
                variable=variable.name,
                found=layer,
                expected=f"0 to {dataset.dimensions[dim] - 1}",
            )
    return layers


def numbers_at(variable: Variable, axes: Axes, record: int | None, layers: dict[str, int]) -> Values:
    """The values over cells or subgrid at one time and layer, flat, NaN where there is no number."""
    records = slice(None) if record is None else slice(record, record + 1)
    values: Values = numbers_over(variable, axes, records, layers)[0]
    return values


def numbers_over(variable: Variable, axes: Axes, records: slice, layers: dict[str, int]) -> Values:
    """The values [record, cell or member of the subgrid] of some records in one layer."""
    index = tuple(
        slice(layers[dim], layers[dim] + 1) if dim in layers else records if dim == axes.time else slice(None)
        for dim in variable.dims
    )
    values = as_numbers(variable, index)
    if axes.time is None:
        return values.reshape(1, -1)
    values = np.moveaxis(values, variable.dims.index(axes.time), 0)
    return values.reshape(values.shape[0], -1)


def as_numbers(variable: Variable, index: tuple[Any, ...]) -> Values:
    """Physical values at ``index``, float64, with NaN for fill values of every kind."""
    stored = variable.read(index)
    values = stored.astype(np.float64)
    values[variable.missing(stored)] = np.nan
    values *= float(variable.attributes.get("scale_factor", 1.0))
    values += float(variable.attributes.get("add_offset", 0.0))
    values[np.abs(values) > LARGEST_NUMBER] = np.nan
    return values


def title_of(long_name: str, name: str) -> str:
    """``Soil temperature (TSOI)``; the name is not said twice."""
    title = f"{long_name[:1].upper()}{long_name[1:]}"
    return title if name in long_name else f"{title} ({name})"


def cell_of(dataset: Dataset, level: str) -> NDArray[np.int64]:
    """The cell (from zero) of every member of a level of the subgrid.

    From the index that restarts hold, else by the pair of plane indices that history files hold. Raises
    ``InputError`` where the file has neither.
    """
    prefix = SUBGRID[level][0]
    if f"{prefix}_gridcell_index" in dataset:
        return dataset[f"{prefix}_gridcell_index"].read().astype(np.int64) - 1
    names = ("grid1d_ixy", "grid1d_jxy", f"{prefix}_ixy", f"{prefix}_jxy")
    if not all(name in dataset for name in names):
        raise InputError(
            f"cannot tell the cells of a {level} variable",
            file=dataset.path,
            expected=f"{prefix}_gridcell_index, or {', '.join(names)}",
            hint="Write the history tape with its subgrid index vectors, or plot the cell mean",
        )
    east, north, member_east, member_north = (dataset[name].read().astype(np.int64) for name in names)
    width = int(max(east.max(initial=0), member_east.max(initial=0))) + 1
    keys, members = north * width + east, member_north * width + member_east
    order = np.argsort(keys, kind="stable")
    found = np.searchsorted(keys[order], members)
    cells = order[np.minimum(found, keys.size - 1)]
    if not (keys[cells] == members).all():
        raise InputError(
            "the subgrid belongs to cells that are not in the file", file=dataset.path, variable=names[2]
        )
    return cells.astype(np.int64)


def weights_of(dataset: Dataset, level: str) -> Values:
    """Weight on the cell of every member of a level; one where the file has none (one topounit per cell)."""
    name = next((name for name in SUBGRID[level][1] if name in dataset), None)
    if name is None:
        if level == "topounit":
            return np.ones(dataset.dimensions[level])
        raise InputError(
            f"no weights of the {level}s on their cells",
            file=dataset.path,
            expected=" or ".join(SUBGRID[level][1]),
        )
    return as_numbers(dataset[name], ())


def patch_types(dataset: Dataset) -> NDArray[np.int64]:
    """Vegetation type of every patch."""
    name = next((name for name in PATCH_TYPES if name in dataset), None)
    if name is None:
        raise InputError(
            "no vegetation types of patches", file=dataset.path, expected=" or ".join(PATCH_TYPES)
        )
    return dataset[name].read().astype(np.int64)


@dataclass(frozen=True)
class CellMean:
    """Weighted mean of subgrid values over the members of each cell that have one; NaN where none has.

    sum_i(w_i v_i) / sum_i(w_i) over the members i with w_i > 0 and a number, in the order of the file.
    """

    cells: NDArray[np.int64]
    weights: Values
    number: int

    @classmethod
    def of(cls, dataset: Dataset, level: str, patch_type: int | None = None) -> CellMean:
        """The mean over a level of the subgrid; of one vegetation type where ``patch_type`` is given."""
        cells, weights = cell_of(dataset, level), weights_of(dataset, level)
        if patch_type is not None:
            types = patch_types(dataset)
            if patch_type not in types:
                raise InputError(
                    "no patch of that type",
                    file=dataset.path,
                    found=patch_type,
                    expected=f"one of {', '.join(map(str, np.unique(types)))}",
                )
            weights = np.where(types == patch_type, weights, 0.0)
        names = (name for name in ("gridcell", "lndgrid") if name in dataset.dimensions)
        name = next(names, None)
        return cls(cells, weights, dataset.dimensions[name] if name else int(cells.max()) + 1)

    def __call__(self, values: Values) -> Values:
        use = np.isfinite(values) & (self.weights > 0.0)
        cells, weights = self.cells[use], self.weights[use]
        total = np.bincount(cells, weights=weights, minlength=self.number)
        mean = np.bincount(cells, weights=weights * values[use], minlength=self.number)
        averages: Values = np.divide(mean, total, out=np.full(self.number, np.nan), where=total > 0.0)
        return averages


def cell_mean(dataset: Dataset, variable: Variable, axes: Axes, choice: Choice) -> CellMean | None:
    """How values become values of cells; None where they are already.

    Raises ``InputError`` where a vegetation type is chosen of a variable that is not on patches.
    """
    if choice.patch_type is not None and axes.space != ("pft",):
        raise InputError(
            "only variables on patches have patch types",
            file=dataset.path,
            variable=variable.name,
            found=variable.dims,
        )
    return CellMean.of(dataset, axes.space[0], choice.patch_type) if axes.space[0] in SUBGRID else None
