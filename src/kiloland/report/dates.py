"""Model time on file as dates, and as numbers that an axis can carry.

Axes count in model years of 365 days: ``year + (day of the year - 1) / 365``. Of other calendars 29 February
falls on 1 March.
"""

from __future__ import annotations

from typing import Any

import cftime  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset

DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
DAYS_PER_YEAR = 365.0
SECONDS_PER_DAY = 86400.0


NO_DATES = ("", "1", "unitless", "index", "month", "months", "year", "years")
"""Units of a dimension ``time`` that counts months or years without a date, as in surface files."""


def time_name(dataset: Dataset) -> str | None:
    """The dimension of time, where the file has one with a coordinate of dates."""
    names = (name for name in ("time", "DTIME") if name in dataset.dimensions and name in dataset)
    return next((name for name in names if has_dates(dataset, name)), None)


def has_dates(dataset: Dataset, name: str) -> bool:
    """Whether a coordinate is meant as dates; the twelve months of a surface file are not."""
    return str(dataset[name].attributes.get("units", "")).strip().lower() not in NO_DATES


def dates(dataset: Dataset, name: str, values: Any = None) -> list[Any]:
    """Calendar dates of the time coordinate, or of other numbers in its units.

    Raises ``InputError`` where the units are not a count since a date.
    """
    variable = dataset[name]
    units = str(variable.attributes.get("units", ""))
    calendar = str(variable.attributes.get("calendar", "noleap")).replace("no_leap", "noleap")
    numbers = variable.values() if values is None else values
    try:
        found = cftime.num2date(np.asarray(numbers, dtype=np.float64), units, calendar)
    except ValueError as error:
        raise InputError(
            f"time cannot be read as dates: {error}",
            file=dataset.path,
            variable=name,
            found=f"units {units!r}, calendar {calendar!r}",
            expected="such as 'days since 0001-01-01 00:00:00', 'noleap'",
        ) from error
    return list(np.atleast_1d(found))


def bounds(dataset: Dataset, name: str) -> NDArray[np.float64] | None:
    """Start and end of each interval, [time, 2], where the file gives them."""
    other = str(dataset[name].attributes.get("bounds", "time_bounds"))
    if other not in dataset or dataset[other].shape != (*dataset[name].shape, 2):
        return None
    return np.asarray(dataset[other].values(), dtype=np.float64)


def is_average(attributes: dict[str, Any]) -> bool:
    """Whether a history field is a mean, maximum or minimum over its interval."""
    method = str(attributes.get("cell_methods", ""))
    return any(word in method for word in ("mean", "maximum", "minimum", "sum"))


def model_years(when: list[Any]) -> NDArray[np.float64]:
    """Dates as model years of 365 days."""
    days = [DAYS_BEFORE_MONTH[d.month - 1] + min(d.day, 28 if d.month == 2 else 31) - 1 for d in when]
    seconds = [d.hour * 3600 + d.minute * 60 + d.second for d in when]
    year = np.array([d.year for d in when], dtype=np.float64)
    return year + (np.array(days) + np.array(seconds) / SECONDS_PER_DAY) / DAYS_PER_YEAR


def date_text(date: Any) -> str:
    """``0016-07-01``, with hours and minutes unless it is midnight."""
    day = f"{date.year:04d}-{date.month:02d}-{date.day:02d}"
    return (
        day
        if (date.hour, date.minute, date.second) == (0, 0, 0)
        else f"{day} {date.hour:02d}:{date.minute:02d}"
    )


def time_text(dataset: Dataset, name: str, record: int, attributes: dict[str, Any]) -> str:
    """The time of one record in words: the interval of an average, else the moment."""
    intervals = bounds(dataset, name)
    if is_average(attributes) and intervals is not None and intervals[record, 1] > intervals[record, 0]:
        start, end = dates(dataset, name, intervals[record])
        return f"{date_text(start)} to {date_text(end)}"
    return date_text(dates(dataset, name, dataset[name].values((slice(record, record + 1),)))[0])


def record_of(dataset: Dataset, name: str, wanted: str | None) -> int:
    """The record a user means: an index from zero (negative from the end) or a date; the last by default.

    A date means the last record on that day. Raises ``InputError`` where there is none.
    """
    records = dataset.dimensions[name]
    if records == 0:
        raise InputError("has no record", file=dataset.path, variable=name)
    if wanted is None:
        return records - 1
    try:
        index = int(wanted)
    except ValueError:
        return record_on(dataset, name, wanted)
    if not -records <= index < records:
        raise InputError(
            "no such record",
            file=dataset.path,
            variable=name,
            found=index,
            expected=f"{-records} to {records - 1}",
        )
    return index % records


def record_on(dataset: Dataset, name: str, wanted: str) -> int:
    """The last record on a day written ``YYYY-MM-DD``."""
    texts = [date_text(date)[:10] for date in dates(dataset, name)]
    if wanted[:10] not in texts:
        raise InputError(
            "no record on that day",
            file=dataset.path,
            variable=name,
            found=wanted,
            expected=f"an index from 0 to {len(texts) - 1}, or a day such as {texts[0]} ... {texts[-1]}",
        )
    return len(texts) - 1 - texts[::-1].index(wanted[:10])
