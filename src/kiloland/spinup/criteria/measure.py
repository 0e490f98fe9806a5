"""How much each field changes: per cell, over the land, by belt of latitude, biome and plant type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.criteria.cycles import Windows
from kiloland.spinup.criteria.definitions import SAME_UNITS, Criterion, Kind
from kiloland.spinup.criteria.records import YearGroup
from kiloland.spinup.criteria.tapes import Cells, History, Patches, Series

FloatArray = NDArray[np.float64]

SINGLE: Final = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Measured:
    """One field. Per year in the criterion's units, unless said otherwise.

    ``change``: per cell, the drift or (for a value) the mean of the last window; ``mean``: over the land;
    ``total``: over the land in Pg; ``stock``: mean of the field over the land; ``rounding``: what single
    precision on file may have added; ``annual``: the land's mean year by year, in the field's own units.
    """

    criterion: Criterion
    change: FloatArray
    mean: float
    total: float
    stock: float
    rounding: float
    years: tuple[int, ...]
    annual: FloatArray
    from_patches: bool
    left_out: int


@dataclass(frozen=True)
class PatchDrift:
    """Drift of one field of the patch tape by plant type: land (m2), mean (per year), stock, share above."""

    field: str
    units: str
    plant: int
    land: float
    mean: float
    stock: float
    share: float


def measure(
    history: History, criterion: Criterion, windows: Windows, cells: Cells, patches: Patches | None
) -> Measured | None:
    """Measure one field; None where no tape holds it for the years of the windows.

    Raises InputError for other units and for fields without a number on land.
    """
    series = history.series(criterion.field)
    from_patches = series is None
    if series is None and patches is not None:
        series = history.series(criterion.field, patches=True)
    if series is None or not covers(series, windows):
        return None
    check_units(history, series, criterion)
    weight = cells.land
    sums = {key: np.zeros(weight.size) for key in ("earlier", "later")}
    members = {"earlier": years_of(windows.earlier), "later": years_of(windows.later)}
    annual = []
    for group in series.groups:
        values = history.mean(series, group)
        if from_patches and patches is not None:
            values = cell_means(values, patches, weight.size)
        values = values * criterion.factor
        annual.append(land_mean(values, weight))
        for key, years in members.items():
            if group.year in years:
                sums[key] += values / len(years)
    change = sums["later"]
    if criterion.kind is Kind.DRIFT:
        change = (sums["later"] - sums["earlier"]) / windows.years
    mean, stock = land_mean(change, weight), land_mean(sums["later"], weight)
    if not np.isfinite(mean):
        raise InputError(
            "no number on land", file=history.files[0].path, variable=series.name, found="missing everywhere"
        )
    rounding = SINGLE * land_mean(np.abs(sums["later"]), weight)
    if criterion.kind is Kind.DRIFT:
        rounding /= windows.years
    single = history.files[series.groups[-1].records[0].file][series.name].dtype.itemsize == 4
    return Measured(
        criterion,
        np.where(weight > 0.0, change, np.nan),
        mean,
        mean * float(weight[np.isfinite(change)].sum()) / 1.0e15,
        stock,
        rounding if single else 0.0,
        series.years,
        np.array(annual),
        from_patches,
        series.left_out,
    )


def covers(series: Series, windows: Windows) -> bool:
    """Whether a field has the years of both windows."""
    return years_of((*windows.earlier, *windows.later)) <= set(series.years)


def years_of(groups: tuple[YearGroup, ...]) -> set[int]:
    """Calendar years."""
    return {group.year for group in groups}


def check_units(history: History, series: Series, criterion: Criterion) -> None:
    """Raise InputError for units that are not the criterion's."""
    found = SAME_UNITS.get(series.units, series.units)
    if found != criterion.units and not (criterion.units == "1" and found == ""):
        raise InputError(
            "unexpected units",
            file=history.files[series.groups[0].records[0].file].path,
            variable=series.name,
            found=series.units,
            expected=criterion.units,
        )


def land_mean(values: FloatArray, weight: FloatArray) -> float:
    """Mean by area over the land where there is a number; NaN where there is none."""
    there = np.isfinite(values) & (weight > 0.0)
    total = float(weight[there].sum())
    return float((values[there] * weight[there]).sum() / total) if total > 0.0 else float("nan")


def cell_means(values: FloatArray, patches: Patches, cells: int) -> FloatArray:
    """Mean over the patches of each cell by their weight on it; what has no number counts as nothing."""
    known = np.isfinite(values) & (patches.weight > 0.0)
    weighted = np.where(known, values, 0.0) * np.where(known, patches.weight, 0.0)
    return np.bincount(patches.cell, weighted, cells).astype(np.float64)


def share_above(change: FloatArray, land: FloatArray, limit: float) -> float:
    """Share of the land whose drift is larger than a limit."""
    there = np.isfinite(change) & (land > 0.0)
    total = float(land[there].sum())
    return float(land[there & (np.abs(change) > limit)].sum() / total) if total > 0.0 else float("nan")


def drift_history(measured: Measured, windows: Windows) -> list[tuple[int, float]]:
    """Drift of the land's mean from each stretch of years to the next, with the last year of the latter.

    Stretches have the length of the windows and end with the last year on file.
    """
    count = len(windows.later)
    stretches = measured.annual.size // count
    tail = measured.annual[measured.annual.size - stretches * count :].reshape(stretches, count)
    drift = np.diff(tail.mean(axis=1)) / windows.years
    last = measured.years[measured.annual.size - stretches * count :][count - 1 :: count]
    return [(int(year), float(value)) for year, value in zip(last[1:], drift, strict=True)]


def plant_drifts(
    history: History, criterion: Criterion, windows: Windows, cells: Cells, patches: Patches, limit: float
) -> list[PatchDrift]:
    """Drift of one field by plant type, from the patch tape; empty where it is not there."""
    field = criterion.field
    series = history.series(field, patches=True)
    if series is None or not covers(series, windows):
        return []
    sums: Mapping[str, FloatArray] = {key: np.zeros(patches.cell.size) for key in ("earlier", "later")}
    members = {"earlier": years_of(windows.earlier), "later": years_of(windows.later)}
    for group in series.groups:
        for key, years in members.items():
            if group.year in years:
                sums[key][:] += history.mean(series, group) * (criterion.factor / len(years))
    change = (sums["later"] - sums["earlier"]) / windows.years
    land = np.where(np.isfinite(change), cells.land[patches.cell] * patches.weight, 0.0)
    found = []
    for plant in np.unique(patches.plant[land > 0.0]):
        own = np.where((patches.plant == plant) & history.soil_patches(), land, 0.0)
        if own.sum() > 0.0:
            found.append(
                PatchDrift(
                    field,
                    criterion.shown,
                    int(plant),
                    float(own.sum()),
                    land_mean(change, own),
                    land_mean(sums["later"], own),
                    share_above(change, own, limit),
                )
            )
    return found
