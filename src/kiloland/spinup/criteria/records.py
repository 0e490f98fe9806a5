"""When the records of history files are, which of them are whole means, and how they follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import (
    Calendar,
    date_of_day_number,
    day_number,
    parse_calendar,
    parse_time_units,
)
from kiloland.errors import InputError
from kiloland.files import Dataset

FloatArray = NDArray[np.float64]

SECONDS_PER_DAY: Final = 86400.0
WHOLE: Final = 0.5
"""A record shorter than this part of the usual length is no mean: the first sample of a cold start."""
TOLERANCE: Final = 0.02
"""Days by which the bounds of following records may differ: rounding of single precision."""


@dataclass(frozen=True)
class Record:
    """One record of one file: its interval in days from the calendar's origin."""

    file: int
    index: int
    start: float
    end: float
    calendar: Calendar

    @property
    def days(self) -> float:
        """Length."""
        return self.end - self.start

    @property
    def year(self) -> int:
        """Calendar year of its middle."""
        return int(date_of_day_number(int(np.floor(0.5 * (self.start + self.end))), self.calendar)[0])

    @property
    def years(self) -> tuple[int, int]:
        """Calendar years in which it begins and ends."""
        moments = (self.start + TOLERANCE, self.end - TOLERANCE)
        first, last = (int(date_of_day_number(int(np.floor(t)), self.calendar)[0]) for t in moments)
        return first, last

    @property
    def text(self) -> str:
        """Interval as dates."""
        dates = (
            date_of_day_number(int(np.floor(t + TOLERANCE)), self.calendar) for t in (self.start, self.end)
        )
        return " to ".join(f"{int(y):04d}-{int(m):02d}-{int(d):02d}" for y, m, d in dates)


def file_records(dataset: Dataset, number: int) -> list[Record]:
    """All records of a file. Raises InputError where it has no time or no bounds."""
    if "time" not in dataset or dataset["time"].shape[:1] in ((), (0,)):
        raise InputError("is not a history file with records", file=dataset.path, variable="time")
    variable = dataset["time"]
    file = str(dataset.path)
    units = parse_time_units(str(variable.attributes.get("units", "")), file=file)
    calendar = parse_calendar(str(variable.attributes.get("calendar", "noleap")), file=file)
    epoch = float(day_number(units.year, units.month, units.day, calendar))
    epoch += units.second_of_day / SECONDS_PER_DAY
    bounds = epoch + record_bounds(dataset) * (units.seconds / SECONDS_PER_DAY)
    if not np.isfinite(bounds).all():
        raise InputError("is not a time", file=file, variable="time")
    return [
        Record(number, index, float(start), float(end), calendar) for index, (start, end) in enumerate(bounds)
    ]


def record_bounds(dataset: Dataset) -> FloatArray:
    """Start and end of each record in the units of the file.

    Without bounds a record ends at its time and begins at that of the record before.
    """
    time = np.asarray(dataset["time"].values(), np.float64)
    name = str(dataset["time"].attributes.get("bounds", "time_bounds"))
    if name in dataset and dataset[name].shape == (time.size, 2):
        return np.asarray(dataset[name].values(), np.float64)
    if time.size < 2:
        raise InputError(
            "the interval of its record is unknown", file=dataset.path, variable=name, expected="time bounds"
        )
    return np.stack([np.concatenate([[2.0 * time[0] - time[1]], time[:-1]]), time], axis=1)


def whole_records(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Records that are means over their interval, in order, and those that are not (cold start)."""
    usual = float(np.median([record.days for record in records])) if records else 0.0
    good = [record for record in records if record.days > WHOLE * usual]
    rest = [record for record in records if record.days <= WHOLE * usual]
    return sorted(good, key=lambda record: (record.start, record.end)), rest


def check_following(records: Sequence[Record], name: str, files: Sequence[Dataset]) -> None:
    """Raise InputError where time is counted twice or missing between records of one field."""
    for before, after in pairwise(records):
        gap = after.start - before.end
        if gap < -TOLERANCE:
            raise InputError(
                "time is counted twice",
                file=files[after.file].path,
                variable=name,
                where=f"record {after.index + 1}",
                found=f"{after.text}, and {before.text} in {files[before.file].path.name}",
                expected="each year once",
            )
        if gap > TOLERANCE:
            raise InputError(
                "time is missing between records",
                file=files[after.file].path,
                variable=name,
                where=f"record {after.index + 1}",
                found=f"{before.text} in {files[before.file].path.name}, then {after.text}",
                expected="records without a gap",
            )


@dataclass(frozen=True)
class YearGroup:
    """The records of one calendar year, or one record of several years."""

    year: int
    years: float
    records: tuple[Record, ...]

    @property
    def first_year(self) -> int:
        """Calendar year in which it begins."""
        return self.records[0].years[0]

    @property
    def last_year(self) -> int:
        """Calendar year in which it ends."""
        return self.records[-1].years[1]


def year_groups(records: Sequence[Record]) -> list[YearGroup]:
    """Whole years in order; a first and a last year that are not whole are left out.

    A record of more than a year and a half stands alone for the years it covers.
    """
    groups: dict[int, list[Record]] = {}
    for record in records:
        groups.setdefault(record.year, []).append(record)
    found = []
    for year, members in groups.items():
        years = sum(record.days for record in members) / 365.0
        if len(members) == 1 and years > 1.5:
            found.append(YearGroup(year, round(years), tuple(members)))
        elif 0.99 < years < 1.02:
            found.append(YearGroup(year, 1.0, tuple(members)))
    return sorted(found, key=lambda group: group.year)
