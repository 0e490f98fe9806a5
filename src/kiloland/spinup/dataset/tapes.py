"""ELM's history files by what they hold: annual means of cells, annual means of patches, monthly weather."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.cascade import LAYERS, SECONDS_PER_YEAR
from kiloland.spinup.dataset.fields import MONTHS, namelist_lines

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Place = Callable[[Dataset], tuple[Int, ...]]
"""Index along the horizontal dimensions of a file: (cell,) or (row, column) or (patch,)."""

LONGEST: Final = 20
"""Years of annual means that are averaged, at most: the last ones."""
_MONTH_START: Final = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])


@dataclass(frozen=True)
class Tape:
    """One open history file. ``patches``: one-dimensional by patch; ``monthly``: monthly means, else annual.

    ``time``: middle of each record, days.
    """

    file: Dataset
    patches: bool
    monthly: bool
    time: Float


@dataclass(frozen=True)
class Histories:
    """All history files of a run, in the order of time."""

    tapes: tuple[Tape, ...]

    def close(self) -> None:
        """Release the files."""
        for tape in self.tapes:
            tape.file.close()

    def select(self, patches: bool, monthly: bool) -> tuple[Tape, ...]:
        """The tapes of one kind."""
        return tuple(tape for tape in self.tapes if (tape.patches, tape.monthly) == (patches, monthly))

    def holds(self, name: str, patches: bool = False, monthly: bool = False) -> bool:
        """Whether a tape of this kind has the field."""
        return any(name in tape.file for tape in self.select(patches, monthly))

    def units(self, name: str, patches: bool = False, monthly: bool = False) -> tuple[str, str]:
        """Units and long name of a field; empty where no file has it."""
        for tape in self.select(patches, monthly):
            if name in tape.file:
                said = tape.file[name].attributes
                return str(said.get("units", "")), str(said.get("long_name", ""))
        return "", ""

    def annual(self, name: str, place: Place, patches: bool = False) -> tuple[Float, Float]:
        """Mean over the last years and change per second, [place] or [place, layer].

        The change is that of the first to the last annual mean; zero where there is one record.
        """
        records, times = self.records(name, place, patches, monthly=False)
        records, times = records[-LONGEST:], times[-LONGEST:]
        span = (times[-1] - times[0]) / 365.0 * SECONDS_PER_YEAR
        change = (records[-1] - records[0]) / span if span > 0.0 else np.zeros_like(records[0])
        return records.mean(axis=0), change

    def climatology(self, name: str, place: Place) -> Float:
        """Mean of each calendar month, [place, month].

        Raises InputError where a month of the year is missing.
        """
        records, times = self.records(name, place, False, monthly=True)
        month = np.searchsorted(_MONTH_START, times % 365.0, side="right") - 1
        missing = sorted(set(range(MONTHS)) - set(month.tolist()))
        if missing:
            raise InputError(
                "a month is on no record",
                file=self.select(False, True)[0].file.path,
                variable=name,
                found=f"{len(times)} records",
                expected=f"a record of month {missing[0] + 1}",
            )
        means = [records[month == number].mean(axis=0) for number in range(MONTHS)]
        return np.stack(means, axis=-1)

    def records(self, name: str, place: Place, patches: bool, monthly: bool) -> tuple[Float, Float]:
        """All records, [time, place] or [time, place, layer], and the middle of each, days.

        Raises InputError with the namelist lines where no tape has the field.
        """
        parts, times = [], []
        for tape in self.select(patches, monthly):
            if name in tape.file:
                parts.append(at_places(tape.file, name, place(tape.file)))
                times.append(tape.time)
        if not parts:
            raise self.lacking(name, patches, monthly)
        return np.concatenate(parts), np.concatenate(times)

    def lacking(self, name: str, patches: bool, monthly: bool) -> InputError:
        """The error for a field that no tape has."""
        kind = "monthly" if monthly else "annual"
        kind += " means of patches (hist_dov2xy = .false.)" if patches else " means"
        return InputError(
            "the history lacks a field",
            file=self.tapes[0].file.path if self.tapes else None,
            variable=name,
            expected=f"a file with {kind}",
            hint="Add to user_nl_elm:\n" + namelist_lines(),
        )


def open_histories(paths: Sequence[Path]) -> Histories:
    """Open history files and sort them by kind and time. Raises InputError where a file is no history."""
    tapes: list[Tape] = []
    try:
        for path in paths:
            tapes.append(tape(open_dataset(path)))
    except InputError:
        Histories(tuple(tapes)).close()
        raise
    return Histories(tuple(sorted(tapes, key=lambda tape: float(tape.time[0]))))


def tape(file: Dataset) -> Tape:
    """What a history file holds; its interval is told by the bounds of its records."""
    if "time" not in file or file["time"].shape[0] == 0:
        raise InputError("is not a history file with records", file=file.path, variable="time")
    bounds = next((file[name].values() for name in ("time_bounds", "time_bnds") if name in file), None)
    time = np.asarray(file["time"].values(), np.float64)
    length = np.diff(bounds, axis=1)[:, 0] if bounds is not None else np.diff(time)
    days = float(np.median(length)) if length.size else 365.0
    if bounds is not None:
        time = np.asarray(bounds, np.float64).mean(axis=1)
    patches = any("pft" in file[name].dims and "time" in file[name].dims for name in file)
    if not (20.0 < days < 40.0 or 300.0 < days < 400.0):
        raise InputError(
            "records of an interval that is not read",
            file=file.path,
            variable="time_bounds",
            found=f"{days:g} days",
            expected="annual or monthly means",
            hint="Add to user_nl_elm:\n" + namelist_lines(),
        )
    return Tape(file, patches, days < 40.0, time)


def at_places(file: Dataset, name: str, place: tuple[Int, ...]) -> Float:
    """A field at some places, [time, place] or [time, place, layer]; of layers the upper ten."""
    variable = file[name]
    inner = len(variable.dims) - len(place) - 1
    index = (slice(None), *[slice(0, LAYERS)] * inner, *place)
    values = variable.values(index)
    return np.moveaxis(values, 1, -1) if inner else values


def grid_place(rows: Int, columns: Int) -> Place:
    """Where cells of the grid position (``ixy`` = columns, ``jxy`` = rows; 1-based) lie in a gridded file."""

    def place(file: Dataset) -> tuple[Int, ...]:
        if "lndgrid" in file.dimensions:
            return (columns - 1,)
        return rows - 1, columns - 1

    return place


def used(names: Iterable[str], histories: Histories, optional: frozenset[str], patches: bool) -> list[str]:
    """Names that the tapes hold; those that are not optional must be there."""
    chosen = []
    for name in names:
        if histories.holds(name, patches):
            chosen.append(name)
        elif name not in optional:
            raise histories.lacking(name, patches, monthly=False)
    return chosen
