"""Means over the last hours, days and weeks that some processes need, and the extremes of a day.

ELM's accumulators (`accumulMod`). Every update takes the values at the end of a step; ``step`` counts the
steps since the start of the run, 1 for the first. Lengths are numbers of steps (:class:`MeanLengths`): a
restart carries them and ELM goes on with those of the restart even where the time step has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.pytree import pytree_dataclass
from kiloland.variables import FILL_VALUE

HOUR = 3600
"""s."""
DAY = 24 * HOUR
"""s."""

Step = Int[Array, ""] | int


@dataclass(frozen=True)
class MeanLengths:
    """Lengths of the means in steps."""

    hour: int
    day: int
    ten_days: int
    sixty_days: int

    @classmethod
    def of_timestep(cls, timestep: int) -> MeanLengths:
        """Lengths for a time step, s; a mean over less than one step is the value of the step.

        >>> MeanLengths.of_timestep(1800)
        MeanLengths(hour=2, day=48, ten_days=480, sixty_days=2880)
        """
        hour, day, ten, sixty = (max(1, round(span / timestep)) for span in (HOUR, DAY, 10 * DAY, 60 * DAY))
        return cls(hour, day, ten, sixty)


@pytree_dataclass
class WeatherMeans:
    """Running means of what the air brings; ELM keeps them on patches and again on topographic units."""

    direct_light_day: Float[Array, " member"]
    """Direct visible light, W m-2; on patches `FSD24`, on topographic units `FSD24H`."""
    direct_light_ten_days: Float[Array, " member"]
    """`FSD240`, `FSD240H`."""
    diffuse_light_day: Float[Array, " member"]
    """Diffuse visible light, W m-2; `FSI24`, `FSI24H`."""
    diffuse_light_ten_days: Float[Array, " member"]
    """`FSI240`, `FSI240H`."""
    precipitation_ten_days: Float[Array, " member"]
    """Rain and snow, kg m-2 s-1; `PREC10`, `PREC10D`."""
    precipitation_sixty_days: Float[Array, " member"]
    """`PREC60`, `PREC60D`."""


@pytree_dataclass
class CanopyMeans:
    """Running means of the state of each patch."""

    screen_temperature_ten_days: Float[Array, " patch"]
    """At 2 m, K; `T10`."""
    leaf_temperature_day: Float[Array, " patch"]
    """K; `T_VEG24`."""
    leaf_temperature_ten_days: Float[Array, " patch"]
    """`T_VEG240`."""
    sunlit_fraction_day: Float[Array, " patch"]
    """Of the canopy; `FSUN24`."""
    sunlit_fraction_ten_days: Float[Array, " patch"]
    """`FSUN240`."""
    leaf_area_ten_days: Float[Array, " patch"]
    """Exposed leaf area index, m2 m-2; `LAI240`."""


@pytree_dataclass
class DailyRange:
    """Hourly means of one quantity and the lowest and highest of them in a day.

    ``hourly`` is the sum over the steps of an hour until the hour is full, then their mean (`TREFAV`,
    `BTRANAVG`). ``minimum`` and ``maximum`` hold those of a day from its end to the end of the first step
    of the next, else fill (`T_REF2M_MIN`, `T_REF2M_MAX`); ``lowest`` and ``highest`` those since midnight,
    fill and minus fill before the first full hour (`..._INST`).
    """

    hourly: Float[Array, " patch"]
    minimum: Float[Array, " patch"]
    maximum: Float[Array, " patch"]
    lowest: Float[Array, " patch"]
    highest: Float[Array, " patch"]


def running_mean(
    mean: Float[Array, "..."], value: Float[Array, "..."], length: int, step: Step
) -> Float[Array, "..."]:
    """((n - 1) mean + value) / n with n = min(step, length).

    The plain mean of the steps so far until the run is as long as the mean, then one that forgets with that
    time scale. What ``mean`` holds before the first step does not matter.
    """
    count = jnp.minimum(step, length).astype(value.dtype)
    return ((count - 1.0) * mean + value) / count


def interval_mean(
    total: Float[Array, "..."], value: Float[Array, "..."], length: int, step: Step
) -> Float[Array, "..."]:
    """The sum over the steps of an interval, divided by their number in its last step.

    Intervals follow each other from the start of the run; step 1 opens the first.
    """
    opened = jnp.asarray((step - 1) % length == 0)
    summed = jnp.where(opened, value, total + value)
    return jnp.where(interval_full(length, step), summed / length, summed)


def interval_full(length: int, step: Step) -> Bool[Array, ""]:
    """Whether a step is the last one of an interval."""
    return jnp.asarray(step % length == 0)


def update_weather_means(
    means: WeatherMeans,
    direct_visible: Float[Array, " member"],
    diffuse_visible: Float[Array, " member"],
    precipitation: Float[Array, " member"],
    lengths: MeanLengths,
    step: Step,
) -> WeatherMeans:
    """The means after a step with this light (W m-2) and precipitation (kg m-2 s-1)."""
    day, ten, sixty = lengths.day, lengths.ten_days, lengths.sixty_days
    return WeatherMeans(
        direct_light_day=running_mean(means.direct_light_day, direct_visible, day, step),
        direct_light_ten_days=running_mean(means.direct_light_ten_days, direct_visible, ten, step),
        diffuse_light_day=running_mean(means.diffuse_light_day, diffuse_visible, day, step),
        diffuse_light_ten_days=running_mean(means.diffuse_light_ten_days, diffuse_visible, ten, step),
        precipitation_ten_days=running_mean(means.precipitation_ten_days, precipitation, ten, step),
        precipitation_sixty_days=running_mean(means.precipitation_sixty_days, precipitation, sixty, step),
    )


def update_canopy_means(
    means: CanopyMeans,
    screen_temperature: Float[Array, " patch"],
    leaf_temperature: Float[Array, " patch"],
    sunlit_fraction: Float[Array, " patch"],
    leaf_area: Float[Array, " patch"],
    lengths: MeanLengths,
    step: Step,
) -> CanopyMeans:
    """The means after a step that ends with these states; the leaf area is the exposed one at its end."""
    day, ten = lengths.day, lengths.ten_days
    return CanopyMeans(
        screen_temperature_ten_days=running_mean(
            means.screen_temperature_ten_days, screen_temperature, ten, step
        ),
        leaf_temperature_day=running_mean(means.leaf_temperature_day, leaf_temperature, day, step),
        leaf_temperature_ten_days=running_mean(means.leaf_temperature_ten_days, leaf_temperature, ten, step),
        sunlit_fraction_day=running_mean(means.sunlit_fraction_day, sunlit_fraction, day, step),
        sunlit_fraction_ten_days=running_mean(means.sunlit_fraction_ten_days, sunlit_fraction, ten, step),
        leaf_area_ten_days=running_mean(means.leaf_area_ten_days, leaf_area, ten, step),
    )


def update_daily_range(
    daily: DailyRange,
    value: Float[Array, " patch"],
    lengths: MeanLengths,
    step: Step,
    second_of_day: Step,
    timestep: int,
) -> DailyRange:
    """The hourly mean and the extremes after a step.

    Args:
        daily: before the step.
        value: at the end of the step; fill where the quantity does not exist (rural values in a town).
        lengths: of the means.
        step: number of the step.
        second_of_day: at the end of the step, s; 0 ends a day.
        timestep: s.

    Where no hour of a day had a value the extremes of the day stay fill.
    """
    hourly = interval_mean(daily.hourly, value, lengths.hour, step)
    seen = interval_full(lengths.hour, step) & (hourly != FILL_VALUE)
    lowest = jnp.where(seen, jnp.minimum(daily.lowest, hourly), daily.lowest)
    highest = jnp.where(seen, jnp.maximum(daily.highest, hourly), daily.highest)
    ended = jnp.asarray(second_of_day == 0)
    opened = jnp.asarray(second_of_day == timestep)

    def of_the_day(extreme: Array, kept: Array) -> Array:
        known = jnp.where(jnp.abs(extreme) < FILL_VALUE, extreme, FILL_VALUE)
        return jnp.where(ended, known, jnp.where(opened, FILL_VALUE, kept))

    return DailyRange(
        hourly=hourly,
        minimum=of_the_day(lowest, daily.minimum),
        maximum=of_the_day(highest, daily.maximum),
        lowest=jnp.where(ended, FILL_VALUE, lowest),
        highest=jnp.where(ended, -FILL_VALUE, highest),
    )


def cold_daily_range(members: int) -> DailyRange:
    """The daily range before the first step of a cold start."""
    fill = jnp.full(members, FILL_VALUE)
    return DailyRange(hourly=jnp.zeros(members), minimum=fill, maximum=fill, lowest=fill, highest=-fill)
