"""Evidence for running means, daily extremes and the active layer: from ELM's restart to its next one.

Temperatures, sunlit fraction and leaf area are those of the restart at the end of the step, light and
precipitation those of the data atmosphere, water stress the tape's. Members of every kind are compared,
lakes, glaciers and towns too; the active layer on soil columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.calendar import SECONDS_PER_DAY
from kiloland.atmosphere.forcing import Forcing
from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.land.biophysics.active_layer import ThawRecord, active_layer, record_thaw, year_opened
from kiloland.land.running_means import (
    CanopyMeans,
    DailyRange,
    MeanLengths,
    WeatherMeans,
    update_canopy_means,
    update_daily_range,
    update_weather_means,
)
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.restart import Restart, soil_columns
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.checks import at
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Mask, OracleStep, Values

CANOPY_NAMES = ("T10", "T_VEG24", "T_VEG240", "FSUN24", "FSUN240", "LAI240")
PATCH_NAMES = ("FSD24", "FSD240", "FSI24", "FSI240", "PREC10", "PREC60")
UNIT_NAMES = ("FSD24H", "FSD240H", "FSI24H", "FSI240H", "PREC10D", "PREC60D")
"""Restart names, less `_VALUE`, in the order of the fields."""
RECORD_NAMES = ("altmax", "altmax_indx", "altmax_lastyear", "altmax_lastyear_indx")
STRESS = "BTRAN"

_Means = TypeVar("_Means", WeatherMeans, CanopyMeans)


def running_means(bench: Bench) -> Iterator[Finding]:
    """Every mean and extreme of every pair of restarts one step apart."""
    record = read_site_record(bench.site_forcing)
    for step in bench.steps:
        yield from at(step.before.path.name, running_mean_differences(step, record))
        if STRESS not in step.tape:
            yield Skipped("not on the tape: BTRAN", 1, "BTRANAVG_VALUE")


def thaw(bench: Bench) -> Iterator[Finding]:
    """The record of thaw of every pair of restarts one step apart, and `ALT` where a tape has it."""
    for step in bench.steps:
        yield from at(step.before.path.name, thaw_differences(step))


def running_mean_differences(step: OracleStep, record: SiteRecord) -> Iterator[Difference]:
    """One step of all means and extremes."""
    number, lengths = step_number(step), restart_lengths(step.before)
    used = used_members(step.before, "pfts1d")
    light = step_weather(step, record, "pfts1d")
    before, after = step.before.values, step.after.values
    weather = update_weather_means(_means(before, WeatherMeans, PATCH_NAMES), *light, lengths, number)
    yield from _compared(weather, after, PATCH_NAMES, used)
    units = update_weather_means(
        _means(before, WeatherMeans, UNIT_NAMES), *step_weather(step, record, "grid1d"), lengths, number
    )
    yield from _compared(units, after, UNIT_NAMES, None)
    screen, leaf, sunlit, area = (jnp.asarray(after[name]) for name in ("T_REF2M", "T_VEG", "fsun", "elai"))
    canopy = update_canopy_means(
        _means(before, CanopyMeans, CANOPY_NAMES), screen, leaf, sunlit, area, lengths, number
    )
    yield from _compared(canopy, after, CANOPY_NAMES, used)
    for suffix in ("", "_R", "_U"):
        names = screen_names(suffix)
        yield from _daily_differences(step, names, after[f"T_REF2M{suffix}"], number, lengths, used)
    if STRESS in step.tape:
        stress = np.asarray(step.tape[STRESS].read(step.record), np.float64)
        yield from _daily_differences(step, stress_names(), stress, number, lengths, used)


def thaw_differences(step: OracleStep) -> Iterator[Difference]:
    """The active layer of a step on soil columns."""
    group = soil_columns(step.before)
    rows = group.column_row
    temperature = np.asarray(step.before.values["T_SOISNO"], np.float64)[rows].T[SNOW_LAYERS:]
    found = active_layer(jnp.asarray(temperature))
    ymd, second = step.after.date
    opened = year_opened(
        jnp.asarray(step.before.values["cols1d_lat"][rows]),
        ymd // 100 % 100,
        ymd % 100,
        second,
        int(step.timestep),
    )
    before = ThawRecord(*(jnp.asarray(step.before.values[name][rows]) for name in RECORD_NAMES))
    record = record_thaw(before, found, opened)
    for name, field in zip(RECORD_NAMES, fields(ThawRecord), strict=True):
        ours = np.asarray(getattr(record, field.name), np.float64)
        yield difference(name, ours, np.asarray(step.after.values[name][rows], np.float64))
    if "ALT" in step.tape:
        yield difference("ALT", np.asarray(found.depth), step.columns("ALT", group))


def step_number(step: OracleStep) -> int:
    """Number of a step in its run, 1 for the first."""
    return int((step.after.seconds - step.after.begun) // step.timestep)


def restart_lengths(restart: Restart) -> MeanLengths:
    """The lengths of the means that a restart carries."""
    names = ("TREFAV_PERIOD", "T_VEG24_PERIOD", "T10_PERIOD", "PREC60_PERIOD")
    return MeanLengths(*(restart.scalar(name) for name in names))


def screen_names(suffix: str) -> tuple[str, ...]:
    """Restart names of the daily range of the screen temperature, in the order of the fields."""
    ends = (f"MIN{suffix}", f"MAX{suffix}", f"MIN_INST{suffix}", f"MAX_INST{suffix}")
    return (f"TREFAV{suffix}_VALUE", *(f"T_REF2M_{end}" for end in ends))


def stress_names() -> tuple[str, ...]:
    """The same of water stress, which has no maximum."""
    return ("BTRANAVG_VALUE", "BTRAN_MIN", "", "BTRAN_MIN_INST", "")


def used_members(restart: Restart, prefix: str) -> Mask:
    """Active members with weight; ELM leaves the others as they were."""
    weight = np.asarray(restart.values[f"{prefix}_wtxy"])
    used: Mask = (np.asarray(restart.values[f"{prefix}_active"]) == 1) & (weight > 0.0)
    return used


def step_weather(step: OracleStep, record: SiteRecord, prefix: str) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Light (direct and diffuse, visible) and precipitation of a step at the members of a level.

    ``prefix``: of the coordinates in the restart, `pfts1d`, `cols1d` or `grid1d`.
    """
    values = step.before.values
    places = Places(values[f"{prefix}_lon"], values[f"{prefix}_lat"])
    times = ModelTimes(step.before.seconds, int(step.timestep), 1)
    found: Forcing = SiteSource(record, places).load(times, np.arange(places.count))
    direct, diffuse = found.shortwave_direct_visible, found.shortwave_diffuse_visible
    return jnp.asarray(direct[0]), jnp.asarray(diffuse[0]), jnp.asarray(found.rain[0] + found.snow[0])


def _means(values: Mapping[str, np.ndarray], kind: Callable[..., _Means], names: tuple[str, ...]) -> _Means:
    return kind(*(jnp.asarray(values[f"{name}_VALUE"]) for name in names))


def _compared(
    ours: WeatherMeans | CanopyMeans,
    after: Mapping[str, np.ndarray],
    names: tuple[str, ...],
    used: Mask | None,
) -> Iterator[Difference]:
    for name, field in zip(names, fields(ours), strict=True):
        values = np.asarray(getattr(ours, field.name))
        yield difference(name, values, np.asarray(after[f"{name}_VALUE"]), used)


def _daily_differences(
    step: OracleStep, names: tuple[str, ...], value: Values, number: int, lengths: MeanLengths, used: Mask
) -> Iterator[Difference]:
    """Hourly mean and extremes of one quantity; a name left empty has no variable in the restart."""
    before, after = step.before.values, step.after.values
    state = DailyRange(*(jnp.asarray(before[name]) if name else jnp.zeros(len(value)) for name in names))
    second = step.after.seconds % SECONDS_PER_DAY
    found = update_daily_range(state, jnp.asarray(value), lengths, number, second, int(step.timestep))
    for name, field in zip(names, fields(DailyRange), strict=True):
        if name:
            yield difference(name, np.asarray(getattr(found, field.name)), np.asarray(after[name]), used)
