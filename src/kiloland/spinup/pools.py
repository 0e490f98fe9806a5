"""The file of pools: what solver and network hand to the restart writer.

netCDF with dims ``column`` (soil columns), ``pft`` (patches with weight on them), ``levdecomp`` = 10. Keys as
in :class:`kiloland.spinup.subgrid.SubgridKeys`; variables carry ELM's restart names and units (g m-3 in
layers, g m-2 on patches), in natural scale, never accelerated. Any subset of the pools may be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.cells import own_attributes
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, VariableSchema, open_dataset
from kiloland.spinup.subgrid import EVERYTHING, SubgridKeys, check_keys, whole
from kiloland.spinup.tables import DECOMPOSITION_LAYERS, POOLS

FloatArray = NDArray[np.float64]

KIND: Final = "spinup_pools"
FILL: Final = 1.0e36
KEY_UNITS: Final = {
    "column_gridcell": "1-based index in the restart",
    "column_landunit": "1 soil, 2 crop",
    "column_type": "1 natural vegetation, 200 + plant type on crops",
    "column_longitude": "degrees_east",
    "column_latitude": "degrees_north",
    "pft_column": "0-based index into column",
    "pft_itypveg": "plant type",
}
NOTES: Final = {
    "method_used": ("i4", "0 network, 1 solver, 2 scaling, 3 kept"),
    "uncertainty": ("f8", "relative standard deviation of column carbon"),
    "out_of_distribution": ("f8", "distance from what was learned, above 1 is outside"),
    "soil_tendency": ("f8", "drift of soil carbon that a correction was made from, gC m-2 yr-1"),
    "wood_tendency": ("f8", "drift of dead wood that a correction was made from, gC m-2 yr-1"),
    "soil_gain": ("f8", "share of the Newton step that a correction of the soil took"),
    "wood_gain": ("f8", "share of the Newton step that a correction of dead wood took"),
}
"""Optional values per column: type and meaning."""


@dataclass(frozen=True)
class PoolSet:
    """Pools in natural scale with the keys of their columns and patches.

    ``values``: by restart name, ``[column, layer]`` or ``[pft]``; ``notes``: per column, see ``NOTES``.
    """

    keys: SubgridKeys
    values: Mapping[str, FloatArray]
    notes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


class PoolFile:
    """An open file of pools, read on demand. Use it in a ``with`` statement.

    Raises InputError where the file is none of this kind or a pool has the wrong dimensions.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.dataset: Dataset = open_dataset(path)
        try:
            self.check_kind()
            self.names = tuple(name for name in self.dataset if name in POOLS)
            self.check_shapes()
        except InputError:
            self.dataset.close()
            raise

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.dataset.dimensions["column"]

    @property
    def patches(self) -> int:
        """Number of patches."""
        return self.dataset.dimensions["pft"]

    def keys(self, columns: slice = EVERYTHING, patches: slice = EVERYTHING) -> SubgridKeys:
        """Keys of all columns and patches, or of a run of columns and their patches.

        Raises InputError where a key occurs twice.
        """
        keys = read_keys(self.dataset, columns, patches)
        check_keys(keys, self.path)
        return keys

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Global attributes: method, year, and the restart that the pools belong to."""
        return self.dataset.attributes

    def check_kind(self) -> None:
        """Raise InputError for a file of another kind."""
        found = self.dataset.attributes.get("kiloland_kind")
        if found != KIND:
            raise InputError(
                "is not a file of pools",
                file=self.path,
                variable="attribute kiloland_kind",
                found=found,
                expected=KIND,
                hint="`kiloland spinup solve` and `kiloland spinup predict` write one",
            )

    def check_shapes(self) -> None:
        """Raise InputError where a pool does not lie along the dimensions it must."""
        for name in self.names:
            wanted = pool_dims(name)
            if self.dataset[name].dims != wanted:
                raise InputError(
                    "wrong dimensions",
                    file=self.path,
                    variable=name,
                    found=", ".join(self.dataset[name].dims),
                    expected=", ".join(wanted),
                )

    def read(self, name: str, index: Any = ...) -> FloatArray:
        """Values of a pool at ``index`` (a numpy index); NaN where missing."""
        return np.asarray(self.dataset[name].values(index), np.float64)

    def notes(self) -> dict[str, NDArray[Any]]:
        """What is said per column."""
        return {name: self.dataset[name].values() for name in NOTES if name in self.dataset}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.dataset.close()


class PoolWriter:
    """Writes a file of pools in blocks; it appears when the ``with`` block ends without an error.

    ``names``: the pools that will be put, each whole, or in blocks along its first dimension.
    """

    def __init__(
        self,
        path: str | Path,
        keys: SubgridKeys,
        names: Iterable[str],
        attributes: Mapping[str, Any],
        notes: Iterable[str] = (),
    ) -> None:
        check_keys(keys, path)
        self.keys = keys
        self.writer = DatasetWriter(path, pool_schema(keys, tuple(names), attributes, tuple(notes)))

    def put(self, name: str, values: NDArray[Any], start: int = 0) -> None:
        """Write a block of columns or patches from ``start`` on.

        Raises InputError where a value is not a number.
        """
        if not np.isfinite(values).all():
            raise not_finite(self.writer.path, name, self.keys, values, start)
        self.writer.put(name, values, start=(start,))

    def __enter__(self) -> Self:
        for name in KEY_UNITS:
            self.writer.put(name, getattr(self.keys, name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.writer.close(error)


def read_pools(path: str | Path) -> PoolSet:
    """A whole file of pools. Raises InputError as :class:`PoolFile`, and for values that are not numbers."""
    with PoolFile(path) as file:
        keys = file.keys()
        values = {name: file.read(name) for name in file.names}
        for name, entries in values.items():
            if not np.isfinite(entries).all():
                raise not_finite(file.path, name, keys, entries, 0)
        return PoolSet(keys, values, file.notes(), dict(file.attributes))


def write_pools(path: str | Path, pools: PoolSet, attributes: Mapping[str, Any] | None = None) -> None:
    """Write a file of pools atomically; ``attributes`` come on top of those of ``pools``.

    Raises InputError for unknown pools, shapes that do not fit, and values that are not numbers.
    """
    said = {**pools.attributes, **(attributes or {})}
    with PoolWriter(path, pools.keys, pools.values, said, pools.notes) as writer:
        for name, values in {**pools.values, **pools.notes}.items():
            writer.put(name, np.asarray(values))


def pool_dims(name: str) -> tuple[str, ...]:
    """Dimensions of a pool in this file."""
    pool = POOLS[name]
    if pool.on_patches:
        return ("pft",)
    return ("column", "levdecomp") if pool.layered else ("column",)


def pool_schema(
    keys: SubgridKeys, names: tuple[str, ...], attributes: Mapping[str, Any], notes: tuple[str, ...]
) -> FileSchema:
    """The file's schema. Raises InputError for a name that is no pool."""
    unknown = [name for name in names if name not in POOLS] + [name for name in notes if name not in NOTES]
    if unknown:
        raise InputError("is no pool of ELM's restart", variable=unknown[0])
    variables = [
        VariableSchema(
            name, getattr(keys, name).dtype, (name.split("_")[0],), {"long_name": name, "units": units}
        )
        for name, units in KEY_UNITS.items()
    ]
    for name in names:
        attributes_of = {"units": POOLS[name].units, "_FillValue": FILL}
        variables.append(VariableSchema(name, np.dtype("f8"), pool_dims(name), attributes_of))
    for name in notes:
        kind, meaning = NOTES[name]
        variables.append(VariableSchema(name, np.dtype(kind), ("column",), {"long_name": meaning}))
    own = own_attributes(attributes)
    dimensions = {"column": keys.columns, "pft": keys.patches, "levdecomp": DECOMPOSITION_LAYERS}
    return FileSchema(dimensions, None, tuple(variables), {**own, "kiloland_kind": KIND})


def read_keys(dataset: Dataset, columns: slice, patches: slice) -> SubgridKeys:
    """Keys in a file of pools; the type of columns is 1 where the file does not say."""
    gridcell = whole(dataset, "column_gridcell", columns)
    typed = "column_type" in dataset
    return SubgridKeys(
        gridcell,
        whole(dataset, "column_landunit", columns),
        whole(dataset, "column_type", columns) if typed else np.ones(gridcell.size, np.int64),
        dataset["column_longitude"].values(columns),
        dataset["column_latitude"].values(columns),
        whole(dataset, "pft_column", patches) - (columns.start or 0),
        whole(dataset, "pft_itypveg", patches),
    )


def not_finite(file: object, name: str, keys: SubgridKeys, values: NDArray[Any], start: int) -> InputError:
    """The error for the first value of a pool or a note that is no number."""
    first = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(values)))
    entry = first[0] + start
    on_patches = name in POOLS and POOLS[name].on_patches
    column = int(keys.pft_column[entry]) if on_patches else entry
    where = f"gridcell {int(keys.column_gridcell[column])}"
    if on_patches:
        where += f", plant type {int(keys.pft_itypveg[entry])}"
    elif len(first) > 1:
        where += f", layer {first[1] + 1}"
    return InputError(
        "is not a number", file=str(file), variable=name, where=where, found=values[first], expected="finite"
    )
