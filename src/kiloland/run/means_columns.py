"""Running means in a restart: the variables of each, read for a group of columns and laid back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.active_layer import ThawRecord
from kiloland.land.full_means import Means
from kiloland.land.running_means import CanopyMeans, DailyRange, MeanLengths, WeatherMeans
from kiloland.land.subgrid import Block, ColumnGroup, ColumnType
from kiloland.run.restart import Restart
from kiloland.variables import FILL_VALUE, restart_variable

UNIT_NAMES = ("FSD24H", "FSD240H", "FSI24H", "FSI240H", "PREC10D", "PREC60D")
WEATHER_NAMES = ("FSD24", "FSD240", "FSI24", "FSI240", "PREC10", "PREC60")
CANOPY_NAMES = ("T10", "T_VEG24", "T_VEG240", "FSUN24", "FSUN240", "LAI240")
"""Restart names, less `_VALUE`, in the order of the fields."""
THAW_NAMES = ("altmax", "altmax_indx", "altmax_lastyear", "altmax_lastyear_indx")
STRESS_NAMES = ("BTRANAVG_VALUE", "BTRAN_MIN", "", "BTRAN_MIN_INST", "")
"""A name left empty has no variable."""
LENGTH_NAMES = ("TREFAV_PERIOD", "T_VEG24_PERIOD", "T10_PERIOD", "PREC60_PERIOD")
DAILY_START = (0.0, FILL_VALUE, FILL_VALUE, FILL_VALUE, -FILL_VALUE)
"""With which hourly mean and extremes of a day begin."""
_SUFFIX = {ColumnType.SOIL: "_R", ColumnType.ROOF: "_U"}
"""Of the screen temperature that ELM keeps for the kind alone."""
_Part = TypeVar("_Part")


def screen_names(suffix: str) -> tuple[str, ...]:
    """Restart names of the daily range of the screen temperature, in the order of the fields."""
    ends = (f"MIN{suffix}", f"MAX{suffix}", f"MIN_INST{suffix}", f"MAX_INST{suffix}")
    return (f"TREFAV{suffix}_VALUE", *(f"T_REF2M_{end}" for end in ends))


def lengths_of(restart: Restart, timestep: int) -> MeanLengths:
    """The lengths that a restart carries; those of the time step where it has none."""
    if all(name in restart.values for name in LENGTH_NAMES):
        return MeanLengths(*(restart.scalar(name) for name in LENGTH_NAMES))
    return MeanLengths.of_timestep(timestep)


def cold_means(counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Variables of all means at a cold start, by the number of members of each level."""
    start = {f"{name}_VALUE": 0.0 for name in (*UNIT_NAMES, *WEATHER_NAMES, *CANOPY_NAMES)}
    start |= dict.fromkeys(THAW_NAMES, 0.0)
    for suffix in ("", *_SUFFIX.values()):
        start |= dict(zip(screen_names(suffix), DAILY_START, strict=True))
    start |= {name: begin for name, begin in zip(STRESS_NAMES, DAILY_START, strict=True) if name}
    variables = {name: restart_variable(name) for name in start}
    return {name: np.full(counts[v.level], start[name], v.dtype) for name, v in variables.items()}


def load_means(restart: Restart, group: ColumnGroup) -> Means:
    """The means of a group; where a restart lacks them they begin as at a cold start."""
    reader = _Reader(restart)
    rows, columns, unit = group.patch_row, group.column_row, _unit_row(restart, group)
    suffix = _SUFFIX.get(group.type)

    def means(names: tuple[str, ...], of: np.ndarray) -> list[jax.Array]:
        return [reader.take(f"{name}_VALUE", of, 0.0) for name in names]

    def daily(names: tuple[str, ...]) -> DailyRange:
        starts = (0.0, FILL_VALUE, FILL_VALUE, FILL_VALUE, -FILL_VALUE)
        return DailyRange(
            *(reader.take(name, rows, start) for name, start in zip(names, starts, strict=True))
        )

    thaw = [reader.take(name, columns, 0.0) for name in THAW_NAMES]
    return Means(
        unit=WeatherMeans(*means(UNIT_NAMES, unit)),
        weather=WeatherMeans(*means(WEATHER_NAMES, rows)),
        canopy=CanopyMeans(*means(CANOPY_NAMES, rows)),
        screen=daily(screen_names("")),
        screen_of_kind=daily(screen_names(suffix)) if suffix else None,
        stress=daily(STRESS_NAMES),
        thaw=ThawRecord(thaw[0], thaw[1].astype(int), thaw[2], thaw[3].astype(int))
        if group.type is ColumnType.SOIL
        else None,
    )


def lay_means(restart: Restart, values: dict[str, np.ndarray], group: ColumnGroup, means: Means) -> None:
    """Lay the means of a group over the values of a restart, where that has the variables."""
    unit = _unit_row(restart, group)
    for name, rows, value in _named(means, group, unit):
        if name in values:
            laid = values[name].copy()
            laid[rows] = np.asarray(value)
            values[name] = laid


def _named(means: Means, group: ColumnGroup, unit: np.ndarray) -> Iterator[tuple[str, np.ndarray, jax.Array]]:
    """Every variable with its rows and its values."""
    rows = group.patch_row
    for part, names, of in (
        (means.unit, UNIT_NAMES, unit),
        (means.weather, WEATHER_NAMES, rows),
        (means.canopy, CANOPY_NAMES, rows),
    ):
        for name, field in zip(names, fields(part), strict=True):
            yield f"{name}_VALUE", of, getattr(part, field.name)
    suffix = _SUFFIX.get(group.type)
    daily: list[tuple[DailyRange | None, tuple[str, ...]]] = [
        (means.screen, screen_names("")),
        (means.screen_of_kind, screen_names(suffix or "")),
        (means.stress, STRESS_NAMES),
    ]
    for extremes, known in daily:
        for name, field in zip(known, fields(DailyRange), strict=True):
            if extremes is not None and name:
                yield name, rows, getattr(extremes, field.name)
    if means.thaw is not None:
        for name, field in zip(THAW_NAMES, fields(ThawRecord), strict=True):
            yield name, group.column_row, getattr(means.thaw, field.name)


def split_means(means: Means, block: Block) -> Means:
    """The padded part of a group's means that belongs to a block."""
    return Means(
        unit=_taken(means.unit, block.column_take),
        weather=_taken(means.weather, block.patch_take),
        canopy=_taken(means.canopy, block.patch_take),
        screen=_taken(means.screen, block.patch_take),
        screen_of_kind=_taken(means.screen_of_kind, block.patch_take),
        stress=_taken(means.stress, block.patch_take),
        thaw=_taken(means.thaw, block.column_take),
    )


def join_means(parts: list[Means], blocks: list[Block]) -> Means:
    """The inverse of :func:`split_means`, padding dropped."""

    def joined(name: str, on_columns: bool) -> Any:
        pieces = [
            _taken(getattr(part, name), np.arange(cut.stop - cut.start))
            for part, cut in zip(parts, (b.columns if on_columns else b.patches for b in blocks), strict=True)
        ]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *pieces)

    on_columns = {"unit", "thaw"}
    return Means(**{field.name: joined(field.name, field.name in on_columns) for field in fields(Means)})


def _taken(part: _Part, take: np.ndarray) -> _Part:
    taken: _Part = jax.tree.map(lambda values: jnp.asarray(np.asarray(values)[..., take]), part)
    return taken


def _unit_row(restart: Restart, group: ColumnGroup) -> np.ndarray:
    """Row of the topographic unit of each column."""
    index = restart.values["cols1d_topounit_index"][group.column_row].astype(np.int64) - 1
    row: np.ndarray = np.searchsorted(restart.rows["topounit"], index)
    return row


class _Reader:
    """Takes values of a restart, or a start value where it has none."""

    def __init__(self, restart: Restart) -> None:
        self.restart = restart

    def take(self, name: str, rows: np.ndarray, start: float) -> jax.Array:
        """Values of some members."""
        if name not in self.restart.values:
            return jnp.full(len(rows), start)
        return jnp.asarray(np.asarray(self.restart.values[name][rows], np.float64))
