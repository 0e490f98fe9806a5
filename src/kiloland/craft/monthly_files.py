"""Monthly forcing files as one dataset that reads what is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from kiloland.craft.forcing.output import PREFIX, VARIABLES, Month
from kiloland.errors import InputError
from kiloland.files import open_dataset

NAME: Final = re.compile(re.escape(PREFIX) + r"\.(?P<name>[A-Za-z]+)\.(?P<year>\d{4})-(?P<month>\d{2})\.nc")
DIMS: Final = ("time", "nj", "ni")
PACKING: Final[tuple[str, ...]] = ("scale_factor", "add_offset", "_FillValue")


@dataclass(frozen=True)
class MonthlyFile:
    """A file, and the records before it."""

    path: Path
    first: int
    records: int


class MonthlyRecords(BackendArray):
    """A variable ``[time, nj, ni]`` over consecutive files, each opened when its records are asked for."""

    def __init__(
        self, name: str, files: Sequence[MonthlyFile], cells: tuple[int, int], dtype: np.dtype[Any]
    ) -> None:
        self.name, self.files, self.dtype = name, files, dtype
        self.shape = (sum(file.records for file in files), *cells)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> NDArray[Any]:
        found: NDArray[Any] = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )
        return found

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """Entries at an integer, a slice or an array of each dimension."""
        wanted = np.arange(self.shape[0])[key[0]]
        rows = np.atleast_1d(wanted)
        within = tuple(part if isinstance(part, slice) else slice(None) for part in key[1:])
        lengths = [len(range(*part.indices(n))) for part, n in zip(within, self.shape[1:], strict=True)]
        values = np.empty((rows.size, *lengths), self.dtype)
        for file in self.files:
            here = np.flatnonzero((rows >= file.first) & (rows < file.first + file.records))
            if here.size:
                with open_dataset(file.path) as dataset:
                    for place in here.tolist():
                        values[place] = dataset[self.name].read((int(rows[place]) - file.first, *within))
        for axis, part in ((2, key[2]), (1, key[1])):
            if not isinstance(part, slice):
                values = np.take(values, part, axis=axis)
        return values[0] if np.ndim(wanted) == 0 else values


def open_forcing(folder: str | os.PathLike[str]) -> xarray.Dataset:
    """All monthly files of a folder as one Dataset, read when its values are used.

    ``time`` is the beginning of each interval of three hours (days, 365-day years); the stamps of the files
    differ by variable, and each variable says in ``file_stamp`` where in the interval its own lie. Packed
    values stay packed, with their attributes, until ``xarray.decode_cf``.

    Raises:
        InputError: no such files; a month or a variable is missing; files of different cells.
    """
    folder = Path(folder)
    found: dict[str, dict[tuple[int, int], Path]] = {}
    for path in sorted(folder.glob(f"{PREFIX}.*.nc")):
        match = NAME.fullmatch(path.name)
        if match is not None and match["name"] in VARIABLES:
            found.setdefault(match["name"], {})[int(match["year"]), int(match["month"])] = path
    if not found:
        raise InputError(
            "no monthly files in the folder", file=folder, expected=f"{PREFIX}.<VAR>.<YYYY-MM>.nc"
        )
    months = _consecutive(sorted(set().union(*found.values())), folder)
    cells, coordinates = _cells(next(iter(found.values()))[months[0].year, months[0].month])
    first = months[0].days[0]
    days = [month.days[0] - first + np.arange(month.samples) / 8.0 for month in months]
    units = {"units": f"days since {months[0]}-01 00:00:00", "calendar": "noleap"}
    variables: dict[str, Any] = {"time": ("time", np.concatenate(days), units), **coordinates}
    for name, by_month in found.items():
        attributes: dict[str, Any] = {"units": VARIABLES[name].units, "long_name": VARIABLES[name].long_name}
        attributes |= {"file_stamp": f"{VARIABLES[name].meaning} of each interval"}
        files = _files(name, by_month, months, cells, folder)
        dtype, packing = _stored(name, files, folder)
        attributes |= packing
        records = MonthlyRecords(name, files, cells, dtype)
        variables[name] = (DIMS, indexing.LazilyIndexedArray(records), attributes)
    return xarray.Dataset(variables)


def _consecutive(keys: list[tuple[int, int]], folder: Path) -> list[Month]:
    """The months from the first to the last; InputError where one is missing for all variables."""
    months = [Month(*key) for key in keys]
    for before, after in pairwise(months):
        if before.days[1] != after.days[0]:
            raise InputError("a month is missing", file=folder, where=f"between {before} and {after}")
    return months


def _cells(path: Path) -> tuple[tuple[int, int], dict[str, Any]]:
    """Shape of the cells, and their ids and places."""
    with open_dataset(path) as dataset:
        shape = dataset["gridID"].shape
        names = ("gridID", "LONGXY", "LATIXY")
        return (shape[0], shape[1]), {name: (DIMS[1:], dataset[name].read()) for name in names}


def _files(
    name: str,
    by_month: dict[tuple[int, int], Path],
    months: list[Month],
    cells: tuple[int, int],
    folder: Path,
) -> list[MonthlyFile]:
    """The files of a variable; InputError where one is missing or has other cells or records."""
    files, first = [], 0
    for month in months:
        path = by_month.get((month.year, month.month))
        if path is None:
            raise InputError("a month is missing", file=folder, variable=name, where=str(month))
        with open_dataset(path) as dataset:
            shape = dataset[name].shape
        if shape != (month.samples, *cells):
            raise InputError(
                "other cells or times than the other files",
                file=path,
                found=shape,
                expected=(month.samples, *cells),
            )
        files.append(MonthlyFile(path, first, month.samples))
        first += month.samples
    return files


def _stored(name: str, files: Sequence[MonthlyFile], folder: Path) -> tuple[np.dtype[Any], dict[str, Any]]:
    """Type and packing of a variable; InputError where its files differ in them."""
    found = []
    for file in files:
        with open_dataset(file.path) as dataset:
            given = dataset[name].attributes
            found.append((dataset[name].dtype, {key: given[key] for key in PACKING if key in given}))
    if any(one != found[0] for one in found):
        raise InputError("files that store their values differently", file=folder, variable=name)
    return found[0]
