"""Means of weather by cell, month and domain, gathered in one pass; and one product against another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from kiloland.craft.check.cells import (
    COORDINATE_TOLERANCE,
    CellTable,
    FloatArray,
    IntArray,
    coordinate_distance,
)
from kiloland.grid.base import KM2_PER_RADIAN2

WORST: Final = 10
"""Cells that a comparison names."""
PRECIPITATION: Final = "PRECTmms"


@dataclass
class Means:
    """Sums over time of each variable ``[cell]``, extremes, and area-weighted means by period."""

    cells: CellTable
    weights: FloatArray
    """Land area (km2), or 1 where it is not known."""
    area_known: bool
    sums: dict[str, FloatArray] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    periods: dict[str, dict[str, float]] = field(default_factory=dict)

    def add_period(
        self, period: str, name: str, sums: FloatArray, samples: int, interval: int, low: float, high: float
    ) -> None:
        """Take in the sums over one period ``[cell]``."""
        if samples == 0:
            return
        if name not in self.sums:
            self.sums[name] = np.zeros(self.cells.count)
        self.sums[name] += sums
        self.samples[name] = self.samples.get(name, 0) + samples
        self.seconds[name] = self.seconds.get(name, 0) + samples * interval
        before = self.extremes.get(name, (np.inf, -np.inf))
        self.extremes[name] = min(before[0], low), max(before[1], high)
        self.periods.setdefault(period, {})[name] = self.domain_mean(sums / samples)

    def domain_mean(self, values: FloatArray) -> float:
        """Area-weighted mean over the land cells that have a number."""
        good = self.cells.land & np.isfinite(values)
        total = float(self.weights[good].sum())
        return float((values[good] * self.weights[good]).sum() / total) if total > 0.0 else float("nan")

    def mean(self, name: str) -> FloatArray:
        """Mean over all time ``[cell]``."""
        return self.sums[name] / self.samples[name]

    def precipitation_volume(self) -> float | None:
        """Precipitation over the domain (km3 a year of 365 days); None without areas or precipitation."""
        if PRECIPITATION not in self.sums or not self.area_known:
            return None
        rate = np.where(self.cells.land, np.nan_to_num(self.mean(PRECIPITATION)), 0.0)
        return float((rate * self.weights).sum() * 1e6 * 365 * 86400 / 1e12)

    def totals(self) -> dict[str, Any]:
        """Means and extremes over the domain, precipitation volume."""
        found: dict[str, Any] = {
            name: {
                "mean": self.domain_mean(self.mean(name)),
                "least": self.extremes[name][0],
                "most": self.extremes[name][1],
            }
            for name in self.sums
        }
        volume = self.precipitation_volume()
        if volume is not None:
            found["precipitation_km3_per_year"] = volume
            found["precipitation_mm_per_year"] = found[PRECIPITATION]["mean"] * 365 * 86400
        return found


def land_weights(
    domain: CellTable | None, fraction: FloatArray | None, count: int
) -> tuple[FloatArray, bool]:
    """Land area of cells (km2), and whether it is known; else ones."""
    if domain is None or domain.area is None or domain.count != count:
        return np.ones(count), False
    area = np.nan_to_num(domain.area) * KM2_PER_RADIAN2
    share = np.ones(count) if fraction is None else np.nan_to_num(fraction)
    return np.where(domain.land, area * share, 0.0), True


@dataclass(frozen=True, eq=False)
class Difference:
    """One variable of two products over the cells that both have ``[cell]``."""

    name: str
    units: str
    here: FloatArray
    there: FloatArray
    positions: IntArray
    """Places of the cells in the first product."""

    @property
    def difference(self) -> FloatArray:
        """First minus second."""
        return self.here - self.there

    def summary(self, cells: CellTable) -> dict[str, Any]:
        """Means, root mean square and largest difference, and the worst cells."""
        difference = self.difference
        good = np.isfinite(difference)
        if not good.any():
            return {"cells": 0}
        order = np.argsort(-np.where(good, np.abs(difference), -1.0), kind="stable")[:WORST]
        return {
            "cells": int(good.sum()),
            "units": self.units,
            "mean_here": float(self.here[good].mean()),
            "mean_there": float(self.there[good].mean()),
            "mean_difference": float(difference[good].mean()),
            "root_mean_square": float(np.sqrt((difference[good] ** 2).mean())),
            "largest": float(np.abs(difference[good]).max()),
            "worst_cells": [self._cell(cells, int(place)) for place in order if good[place]],
        }

    def _cell(self, cells: CellTable, place: int) -> Mapping[str, Any]:
        where = cells.place(int(self.positions[place]))
        return {
            "gridcell_id": where.gridcell_id,
            "cell": where.cell,
            "longitude": where.longitude,
            "latitude": where.latitude,
            "here": float(self.here[place]),
            "there": float(self.there[place]),
        }


@dataclass
class Comparison:
    """One product against another: monthly means over common cells, and differences of the whole time."""

    file: str
    cells: int = 0
    months: dict[str, dict[str, tuple[float, float, float]]] = field(default_factory=dict)
    """By month and variable: mean here, mean there, root mean square difference of the cells' means."""
    differences: list[Difference] = field(default_factory=list)

    def as_json(self, cells: CellTable) -> dict[str, Any]:
        """The comparison as plain values."""
        return {
            "against": self.file,
            "common_cells": self.cells,
            "months": self.months,
            "variables": {one.name: one.summary(cells) for one in self.differences},
        }


def common_cells(here: CellTable, there: CellTable) -> tuple[IntArray, IntArray] | None:
    """Places of the same cells in two files: by id, else by order where all coordinates agree, else None."""
    if here.ids is not None and there.ids is not None:
        _, first, second = np.intersect1d(here.ids, there.ids, return_indices=True)
        order = np.argsort(first, kind="stable")
        return first[order], second[order]
    if here.count != there.count:
        return None
    if here.longitude is not None and there.longitude is not None:
        apart = coordinate_distance(here, there)
        if apart is None or not (apart <= COORDINATE_TOLERANCE).all():
            return None
    places = np.arange(here.count, dtype=np.int64)
    return places, places
