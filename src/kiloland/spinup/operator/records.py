"""Yearly means of ELM's gridded history files, block by block of cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.cascade import LAYERS

Float = NDArray[np.float64]
Int = NDArray[np.int64]

DAYS = 365.0
_FULL_YEAR = 360.0
"""Days that the records of a year must cover to count as a year."""
_LEVELS = ("levdcmp", "levgrnd", "levsoi")
_REFERENCE = re.compile(r"days since (\d+)-(\d+)-(\d+)")


@dataclass(frozen=True)
class Record:
    """One record of a file: its number, calendar year, length and end (days since year 1)."""

    file: Dataset
    number: int
    year: int
    days: float
    end: float


@dataclass(frozen=True)
class Records:
    """The records of gridded files up to a date, in the order of time; patch tapes are left out."""

    records: tuple[Record, ...]
    files: tuple[Dataset, ...]

    def close(self) -> None:
        """Release the files."""
        for file in self.files:
            file.close()

    def holds(self, *names: str) -> bool:
        """Whether each of the fields is on some file."""
        return all(any(name in file for file in self.files) for name in names)

    def years(self, name: str) -> tuple[int, ...]:
        """Years that records of a field cover whole."""
        covered: dict[int, float] = {}
        for record in self.records:
            if name in record.file:
                covered[record.year] = covered.get(record.year, 0.0) + record.days
        return tuple(sorted(year for year, days in covered.items() if days >= _FULL_YEAR))

    def first(self, name: str, cells: Cells, year: int) -> tuple[Float, float]:
        """The first record of a field in a year at cells, and the middle of its time (days since year 1)."""
        record = next(one for one in self.records if one.year == year and name in one.file)
        return at_cells(record.file, name, record.number, cells), record.end - 0.5 * record.days

    def shortest(self, year: int) -> float:
        """Length of the shortest record of a year, days."""
        return min((record.days for record in self.records if record.year == year), default=DAYS)

    def yearly(self, name: str, cells: Cells, years: Sequence[int]) -> Float:
        """Means of years at cells, [year, cell] or [year, layer, cell] with the ten layers; missing as NaN.

        Raises InputError where a year is not on the files.
        """
        total: dict[int, Float] = {}
        covered: dict[int, float] = {}
        for record in self.records:
            if record.year in years and name in record.file:
                values = at_cells(record.file, name, record.number, cells) * record.days
                total[record.year] = total.get(record.year, 0.0) + values
                covered[record.year] = covered.get(record.year, 0.0) + record.days
        lost = [year for year in years if year not in total]
        if lost:
            raise InputError(
                "a year is not on the history",
                file=self.files[0].path if self.files else None,
                variable=name,
                found=f"years {self.years(name)}",
                expected=f"year {lost[0]}",
            )
        return np.stack([total[year] / covered[year] for year in years])


@dataclass(frozen=True)
class Cells:
    """Places on the grid, counted from 0: `column` along longitude or the list of cells, `row` latitude."""

    row: Int
    column: Int

    def block(self, part: slice) -> Cells:
        """Some of the places."""
        return Cells(self.row[part], self.column[part])


def open_records(paths: Sequence[str | Path], last_day: float) -> Records:
    """Open history files and keep records of means that end not later than `last_day` (days since year 1).

    Raises InputError where a file is none of history.
    """
    files: list[Dataset] = []
    records: list[Record] = []
    try:
        for path in paths:
            file = open_dataset(path)
            files.append(file)
            if gridded(file):
                records += [record for record in file_records(file) if record.end <= last_day]
    except InputError:
        Records((), tuple(files)).close()
        raise
    kept = tuple(file for file in files if gridded(file))
    ordered = tuple(sorted(records, key=lambda record: (record.end, str(record.file.path), record.number)))
    return Records(ordered, kept)


def gridded(file: Dataset) -> bool:
    """Whether the fields lie on the grid, as means."""
    fields = [name for name in file if "time" in file[name].dims and file[name].dims[-1] != "hist_interval"]
    return not any("pft" in file[name].dims for name in fields) and any(
        file[name].attributes.get("cell_methods", "time: mean") == "time: mean"
        for name in fields
        if file[name].dims[-1] in ("lndgrid", "lon")
    )


def file_records(file: Dataset) -> list[Record]:
    """The records of a file that have a length; the first of a start from nothing has none."""
    if "time_bounds" not in file:
        raise InputError("is no ELM history with bounds of time", file=file.path, variable="time_bounds")
    text = str(file["time"].attributes.get("units", "days since 0001-01-01 00:00:00"))
    found = _REFERENCE.match(text)
    if found is None:
        raise InputError("an unknown reference of time", file=file.path, variable="time", found=text)
    first = DAYS * (int(found.group(1)) - 1)
    bounds = np.asarray(file["time_bounds"].values(), np.float64).reshape(-1, 2)
    middle, end, length = first + bounds.mean(axis=1), first + bounds[:, 1], bounds[:, 1] - bounds[:, 0]
    return [
        Record(file, number, int(middle[number] // DAYS) + 1, float(length[number]), float(end[number]))
        for number in range(len(length))
        if length[number] > 0.0
    ]


def at_cells(file: Dataset, name: str, number: int, cells: Cells) -> Float:
    """One record of a field at cells, [cell] or [layer, cell] with the upper ten layers."""
    variable = file[name]
    if variable.dims[-1] == "lndgrid":
        place: tuple[Int, ...] = (cells.column,)
    else:
        place = (cells.row, cells.column)
    layered = any(dim in _LEVELS for dim in variable.dims)
    record = slice(number, number + 1)
    index = (record, slice(0, LAYERS), *place) if layered else (record, *place)
    values = np.asarray(variable.values(index), np.float64)
    return np.asarray(values[0], np.float64)
