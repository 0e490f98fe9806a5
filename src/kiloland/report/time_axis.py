"""A readable axis of model time, which starts at year 1 or anywhere else and has no leap days."""

from __future__ import annotations

from typing import Any

import numpy as np

from kiloland.report.dates import DAYS_BEFORE_MONTH, DAYS_PER_YEAR

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_LABELS = 9


def set_time_axis(axes: Any, first: float, last: float) -> None:
    """Limits, ticks and labels for a span of model years (365 days each).

    Years above three years, months above 60 days, days above two days, hours below.
    """
    span = last - first
    margin = 0.01 * span if span > 0 else 1.0 / DAYS_PER_YEAR
    low, high = first - margin, last + margin
    days = span * DAYS_PER_YEAR
    if span > 3.0:
        ticks, labels, name = year_ticks(low, high)
    elif days > 60.0:
        ticks, labels, name = month_ticks(low, high)
    else:
        ticks, labels, name = day_ticks(low, high, hours=days <= 2.0)
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, labels=labels)
    axes.set_xlabel(name)


def thinned(ticks: list[float], labels: list[str]) -> tuple[list[float], list[str]]:
    """Every so many ticks, so that the labels fit."""
    every = -(-len(ticks) // MOST_LABELS) if ticks else 1
    return ticks[::every], labels[::every]


def year_ticks(low: float, high: float) -> tuple[list[float], list[str], str]:
    step = next(
        step
        for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6)
        if (high - low) / step <= MOST_LABELS
    )
    values = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    return [float(v) for v in values], [f"{int(v)}" for v in values], "model year"


def month_ticks(low: float, high: float) -> tuple[list[float], list[str], str]:
    starts = [
        (year + DAYS_BEFORE_MONTH[month] / DAYS_PER_YEAR, f"{MONTHS[month]}\n{year:04d}")
        for year in range(int(low) - 1, int(high) + 2)
        for month in range(12)
    ]
    inside = [(float(place), label) for place, label in starts if low <= place <= high]
    return *thinned([place for place, _ in inside], [label for _, label in inside]), "start of the month"


def day_ticks(low: float, high: float, hours: bool) -> tuple[list[float], list[str], str]:
    """Midnights, or every third hour."""
    per_day = 8 if hours else 1
    first = int(np.ceil(low * DAYS_PER_YEAR * per_day - 1e-6))
    last = int(np.floor(high * DAYS_PER_YEAR * per_day + 1e-6))
    ticks, labels = [], []
    for count in range(first, last + 1):
        day, part = divmod(count, per_day)
        year, of_year = divmod(day, int(DAYS_PER_YEAR))
        month = int(np.searchsorted(DAYS_BEFORE_MONTH, of_year, side="right")) - 1
        text = f"{of_year - DAYS_BEFORE_MONTH[month] + 1} {MONTHS[month]}\n{year:04d}"
        ticks.append(count / per_day / DAYS_PER_YEAR)
        labels.append(f"{24 * part // per_day:02d}:00\n{text.splitlines()[0]}" if hours else text)
    return *thinned(ticks, labels), "time of the model" if hours else "day, at midnight"
