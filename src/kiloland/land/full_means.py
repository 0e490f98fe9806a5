"""Running means beside a step: the state that a run carries, and the step that advances both.

Every kind of column has them on its patches, and once more on its columns for the topographic unit; soil
columns also have the record of thaw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.active_layer import ThawRecord, active_layer, record_thaw
from kiloland.land.full_inputs import Plants, Surroundings
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.running_means import (
    CanopyMeans,
    DailyRange,
    WeatherMeans,
    update_canopy_means,
    update_daily_range,
    update_weather_means,
)
from kiloland.land.state import LandState
from kiloland.land.step import Settings, Weather
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class Means:
    """Running means of a group of columns and its patches."""

    unit: WeatherMeans
    """On columns: those of their topographic unit."""
    weather: WeatherMeans
    """On patches, as the rest."""
    canopy: CanopyMeans
    screen: DailyRange
    """Of the temperature at 2 m."""
    screen_of_kind: DailyRange | None
    """The same again where ELM tells it apart: rural on soil, urban in towns."""
    stress: DailyRange
    """Of the water stress; it has no maximum."""
    thaw: ThawRecord | None
    """On soil columns."""


@pytree_dataclass
class Tracked:
    """The state of a run: what the step advances, its running means, and plants that snow may bury."""

    land: Any
    means: Means
    plants: Plants | None


@pytree_dataclass
class Moment:
    """Surroundings of a step and its place in time."""

    surroundings: Surroundings
    number: Int[Array, ""]
    """Of the step in the run that means count from, 1 for the first."""
    second_of_day: Int[Array, ""]
    """At the end of the step, s."""
    year_opened: Bool[Array, " column"]
    """Columns whose year of thaw begins."""


@pytree_dataclass
class PatchValues:
    """What the means take of a step, on patches."""

    screen_temperature: Float[Array, " patch"]
    leaf_temperature: Float[Array, " patch"]
    sunlit_fraction: Float[Array, " patch"]
    leaf_area: Float[Array, " patch"]
    water_stress: Float[Array, " patch"]


Advance = Callable[[Any, Surroundings, Any, Settings], tuple[Any, Any]]
Read = Callable[[Any, Any], PatchValues]
"""The values for the means from the state after a step and its output."""
OfPatch = Callable[[Any], Int[Array, " patch"] | None]
"""Column of each patch from the constants; None where every column has one patch."""


def tracked_step(
    advance: Advance,
    read: Read,
    of_patch: OfPatch,
    state: Tracked,
    moment: Moment,
    constants: Any,
    settings: Settings,
) -> tuple[Tracked, Any]:
    """One step of some kind of columns with its running means; `advance` is the step itself."""
    if settings.lengths is None:
        raise TypeError("running means need their lengths")
    surroundings = moment.surroundings
    if state.plants is not None:
        surroundings = replace(surroundings, vegetation=state.plants)
    after, output = advance(state.land, surroundings, constants, settings)
    values = read(after, output)
    index = of_patch(constants)
    means = update_means(state.means, values, surroundings.weather, moment, index, settings)
    thaw = state.means.thaw
    if thaw is not None:
        found = active_layer(state.land.column.temperature[SNOW_LAYERS:])
        means = replace(means, thaw=record_thaw(thaw, found, moment.year_opened))
    if isinstance(after, LandState):
        ten_days = means.canopy.screen_temperature_ten_days
        after = LandState(after.column, replace(after.patch, ten_day_temperature=ten_days))
    return Tracked(land=after, means=means, plants=state.plants), output


def update_means(
    means: Means,
    values: PatchValues,
    weather: Weather,
    moment: Moment,
    of_patch: Int[Array, " patch"] | None,
    settings: Settings,
) -> Means:
    """All means after a step but the record of thaw."""
    lengths, number, second = settings.lengths, moment.number, moment.second_of_day
    if lengths is None:
        raise TypeError("running means need their lengths")
    timestep = int(settings.timestep)

    def weather_means(old: WeatherMeans, members: Int[Array, " member"] | None) -> WeatherMeans:
        light = (weather.shortwave_direct[0], weather.shortwave_diffuse[0], weather.rain + weather.snow)
        direct, diffuse, water = (value if members is None else value[members] for value in light)
        return update_weather_means(old, direct, diffuse, water, lengths, number)

    def daily(old: DailyRange, value: Float[Array, " patch"]) -> DailyRange:
        return update_daily_range(old, value, lengths, number, second, timestep)

    kind = means.screen_of_kind
    return replace(
        means,
        unit=weather_means(means.unit, None),
        weather=weather_means(means.weather, of_patch),
        canopy=update_canopy_means(
            means.canopy,
            values.screen_temperature,
            values.leaf_temperature,
            values.sunlit_fraction,
            values.leaf_area,
            lengths,
            number,
        ),
        screen=daily(means.screen, values.screen_temperature),
        screen_of_kind=None if kind is None else daily(kind, values.screen_temperature),
        stress=daily(means.stress, values.water_stress),
    )
