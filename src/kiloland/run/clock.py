"""Model time: the noleap calendar in whole seconds, dates as ELM writes them, intervals.

Time is an integer, seconds since 0001-01-01 00:00 in years of 365 days; no float ever counts steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from kiloland.atmosphere.calendar import (
    DAYS_PER_YEAR,
    MONTH_STARTS,
    SECONDS_PER_DAY,
    date_of_seconds,
    seconds_of_date,
)
from kiloland.errors import InputError

__all__ = [
    "DAY",
    "MONTH_DAYS",
    "YEAR_DAYS",
    "Interval",
    "date_label",
    "date_of_seconds",
    "month_start",
    "parse_date",
    "seconds_of_date",
]

DAY, YEAR_DAYS = SECONDS_PER_DAY, DAYS_PER_YEAR
MONTH_DAYS = tuple(int(later - start) for start, later in pairwise(MONTH_STARTS))


def date_label(seconds: int) -> str:
    """Label of ELM's file names: ``YYYY-MM-DD-SSSSS``."""
    ymd, second = date_of_seconds(seconds)
    return f"{ymd // 10_000:04d}-{ymd // 100 % 100:02d}-{ymd % 100:02d}-{second:05d}"


def parse_date(text: str) -> int:
    """Seconds of ``YYYY-MM-DD`` or ``YYYY-MM-DD-SSSSS``.

    Raises:
        ValueError: not such a text, or no such date in the noleap calendar.
    """
    match = re.fullmatch(r"(\d{4,})-(\d{2})-(\d{2})(?:-(\d{5}))?", text)
    if not match:
        raise ValueError(f"not a date: {text!r}, expected YYYY-MM-DD or YYYY-MM-DD-SSSSS")
    year, month, day, second = (int(part or 0) for part in match.groups())
    try:
        return seconds_of_date(year * 10_000 + month * 100 + day, second)
    except InputError:
        raise ValueError(f"no such date in a year of 365 days: {text}") from None


def month_start(seconds: int, ahead: int = 0) -> int:
    """Start of the month that holds a time, or of the month so many months later."""
    ymd, _ = date_of_seconds(seconds)
    months = (ymd // 10_000 - 1) * 12 + ymd // 100 % 100 - 1 + ahead
    return (months // 12 * YEAR_DAYS + int(MONTH_STARTS[months % 12])) * DAY


@dataclass(frozen=True)
class Interval:
    """A period such as ``6 hours``, ``1 month``; months and years follow the calendar."""

    count: int
    unit: str
    text: str

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``N unit`` with unit step, hour, day, month or year (plural or not), or ``never``.

        Raises:
            ValueError: not such a text, or a count below one.
        """
        if text == "never":
            return cls(0, "never", text)
        match = re.fullmatch(r"(\d+)\s+(step|hour|day|month|year)s?", text.strip())
        if not match or int(match.group(1)) < 1:
            raise ValueError(
                f"not an interval: {text!r}, expected such as '48 steps', '6 hours', '1 month' or 'never'"
            )
        return cls(int(match.group(1)), match.group(2), text)

    def next_end(self, seconds: int, origin: int, dtime: int) -> int | None:
        """The first end of an interval after a time; intervals count from the origin, None for never.

        Months and years end at the start of a calendar month or year, as ELM's monthly files do.
        """
        if self.unit == "never":
            return None
        if self.unit in ("month", "year"):
            months = self.count * (12 if self.unit == "year" else 1)
            ymd, _ = date_of_seconds(origin)
            first = 0 if self.unit == "month" else ymd // 100 % 100 - 1
            end = month_start(origin, -first)
            step = 0
            since = (date_of_seconds(seconds)[0] // 10_000 - ymd // 10_000) * 12 // months
            step = max(0, since - 1)
            while month_start(end, step * months) <= seconds:
                step += 1
            return month_start(end, step * months)
        length = self.count * {"step": dtime, "hour": 3600, "day": DAY}[self.unit]
        return origin + ((seconds - origin) // length + 1) * length
