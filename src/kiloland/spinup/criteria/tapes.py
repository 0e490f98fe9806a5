"""Fields of a run's history files: per cell, or from the one-dimensional tape of patches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.criteria.records import (
    Record,
    YearGroup,
    check_following,
    file_records,
    whole_records,
    year_groups,
)
from kiloland.spinup.subgrid import history_cells, whole

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CELLS: Final = (("lndgrid",), ("lat", "lon"), ("lsmlat", "lsmlon"))
"""Dimensions of cells of history files."""
FILL: Final = 1.0e30


@dataclass(frozen=True)
class Cells:
    """The cells of a run: place (degrees), area of land (m2, 0 where there is none), and shape on file."""

    longitude: FloatArray
    latitude: FloatArray
    land: FloatArray
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Patches:
    """Patches of the one-dimensional tape: cell (0-based), plant type, weight on the cell."""

    cell: IntArray
    plant: IntArray
    weight: FloatArray


@dataclass(frozen=True)
class Series:
    """One field over time. ``patches``: per patch and not per cell."""

    name: str
    patches: bool
    units: str
    groups: tuple[YearGroup, ...]
    left_out: int

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years, in order."""
        return tuple(group.year for group in self.groups)


@dataclass
class History:
    """Open history files of one run. Use it in a ``with`` statement."""

    files: list[Dataset]
    records: list[list[Record]]
    stack: ExitStack
    _series: dict[tuple[str, bool], Series | None] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Self:
        """Open the files. Raises InputError where one is no history file, or two are the same file."""
        if not paths:
            raise InputError("no history file is given")
        with ExitStack() as stack:
            files = [stack.enter_context(open_dataset(path)) for path in paths]
            records = [file_records(file, number) for number, file in enumerate(files)]
            return cls(files, records, stack.pop_all())
        raise AssertionError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stack.close()

    def series(self, name: str, patches: bool = False) -> Series | None:
        """A field over all files that hold it as means; None where none does.

        Raises InputError where years are counted twice or missing, or units differ.
        """
        key = (name, patches)
        if key not in self._series:
            self._series[key] = self.found(name, patches)
        return self._series[key]

    def found(self, name: str, patches: bool) -> Series | None:
        """See :meth:`series`."""
        holders = [number for number, file in enumerate(self.files) if holds(file, name, patches)]
        if not holders:
            return None
        good, rest = whole_records([record for number in holders for record in self.records[number]])
        check_following(good, name, self.files)
        units = {str(self.files[number][name].attributes.get("units", "")) for number in holders}
        if len(units) > 1:
            raise InputError(
                "units differ between files",
                file=self.files[holders[1]].path,
                variable=name,
                found=" and ".join(sorted(units)),
                expected="one",
            )
        return Series(name, patches, units.pop(), tuple(year_groups(good)), len(rest))

    def mean(self, series: Series, group: YearGroup) -> FloatArray:
        """Mean of one year over its records, flat over cells or patches; NaN where there is none."""
        total, days = np.zeros(1), 0.0
        for record in group.records:
            variable = self.files[record.file][series.name]
            values = np.asarray(variable.read((record.index,)), np.float64).reshape(-1)
            values = np.where(np.abs(values) < FILL, values, np.nan)
            total, days = total + values * record.days, days + record.days
        return total / days

    def cells(self) -> Cells:
        """Places and land areas of the cells; InputError where files disagree or say nothing of areas."""
        found: Cells | None = None
        for file in self.files:
            if "area" not in file or "landfrac" not in file:
                continue
            own = file_cells(file)
            if found is not None and not same_land(own, found):
                raise InputError("has other cells than the files before", file=file.path, variable="area")
            found = own
        if found is None:
            raise InputError(
                "the area of cells is unknown",
                file=self.files[0].path,
                variable="area, landfrac",
                hint="Give a history file of ELM as it was written",
            )
        return found

    def patches(self) -> Patches | None:
        """Patches of the one-dimensional tape, where there is one."""
        for file in self.files:
            if "pfts1d_itype_veg" in file:
                return Patches(
                    history_cells(file, "pfts1d") - 1,
                    whole(file, "pfts1d_itype_veg"),
                    np.asarray(file["pfts1d_wtgcell"].values(), np.float64),
                )
        return None

    def soil_patches(self) -> NDArray[np.bool_]:
        """Which patches of that tape stand on soil."""
        file = next(file for file in self.files if "pfts1d_itype_veg" in file)
        return np.isin(whole(file, "pfts1d_itype_lunit"), (1, 2))


def holds(file: Dataset, name: str, patches: bool) -> bool:
    """Whether a file has a field as means, per cell or per patch."""
    if name not in file:
        return False
    variable = file[name]
    if "point" in str(variable.attributes.get("cell_methods", "")) or variable.dims[:1] != ("time",):
        return False
    return variable.dims[1:] == ("pft",) if patches else variable.dims[1:] in CELLS


def same_land(own: Cells, other: Cells) -> bool:
    """Whether two files have the same cells, one of them perhaps in single precision."""
    if own.shape != other.shape:
        return False
    return bool(np.allclose(own.land, other.land, rtol=1.0e-6, atol=0.0))


def file_cells(file: Dataset) -> Cells:
    """Cells of one file."""
    area, share = (np.asarray(file[name].values(), np.float64) for name in ("area", "landfrac"))
    longitude, latitude = (np.asarray(file[name].values(), np.float64) for name in ("lon", "lat"))
    if area.ndim == 2 and longitude.ndim == 1:
        longitude, latitude = np.meshgrid(longitude, latitude)
    land = np.where((area < FILL) & (share < FILL), area * share * square_metres(file["area"]), 0.0)
    return Cells(longitude.reshape(-1), latitude.reshape(-1), np.nan_to_num(land).reshape(-1), area.shape)


def square_metres(area: Any) -> float:
    """Square metres of one unit of area; InputError for other units."""
    units = str(area.attributes.get("units", ""))
    if units not in ("km^2", "km2", "m^2", "m2"):
        raise InputError(
            "unknown units", file=area.file, variable="area", found=units, expected="km^2 or m^2"
        )
    return 1.0e6 if units.startswith("k") else 1.0
