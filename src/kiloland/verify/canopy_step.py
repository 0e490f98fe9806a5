"""The canopy part of a step of ELM, from the restart at its start and the site forcing, for the comparisons.

Precipitation, snow cover, ponds, ground surface, sunlight, water stress, leaves and fluxes in ELM's order;
many steps side by side in one compiled call. Nothing is taken from a tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.atmosphere import ModelTimes, Places, SiteSource
from kiloland.atmosphere.forcing import Forcing
from kiloland.atmosphere.orbit import day_length, declination, orbital_parameters, zenith_day
from kiloland.atmosphere.site import SiteRecord
from kiloland.land.biophysics.bare_ground_fluxes import Air
from kiloland.land.biophysics.canopy_fluxes import (
    CanopyFluxes,
    PlantTraits,
    emitted_fourth,
)
from kiloland.land.biophysics.canopy_hydrology import Interception, intercept
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.leaf_capacity import (
    LARGEST_DECLINATION,
    TopCapacity,
    day_length_factor,
    top_capacity,
)
from kiloland.land.biophysics.pond_cover import PondCover, cover_with_pond
from kiloland.land.biophysics.snow_cover import CAPPED_WATER, Snowfall, accumulate_snow, melt_shape
from kiloland.land.biophysics.soil_moisture_stress import (
    MoistureStress,
    RootTraits,
    moisture_stress,
    root_fractions,
    root_zone,
)
from kiloland.land.biophysics.surface_exchange import PatchSurface, SurfaceWeather, surface_exchange
from kiloland.land.biophysics.surface_radiation import (
    IncidentRadiation,
    SurfaceRadiation,
    surface_radiation,
)
from kiloland.land.biophysics.surface_runoff import microrelief
from kiloland.land.full_exchange import air_of_patches, canopy_of_step
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.state import LandState
from kiloland.land.step import Weather, canopy_of, ground_albedo_of, ground_state, snow_of
from kiloland.land.subgrid import ColumnGroup
from kiloland.run.canopy_parameters import read_canopy_parameters, read_carbon_dioxide_share
from kiloland.run.namelist import find_input
from kiloland.run.restart import soil_columns
from kiloland.verify.oracle.batch import Batch, batch_of
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.temperature import OracleStep, Values

_Traits = TypeVar("_Traits")


@pytree_dataclass
class PatchInputs:
    """What patches bring to a step beside the state."""

    column: Array
    weight: Array
    """On the column; 0 for padding."""
    ten_day_temperature: Array
    day_factor: Array


@pytree_dataclass
class ColumnInputs:
    """What columns bring."""

    weather: Weather
    soil: SoilProperties
    melt_shape: Array
    microrelief: Array
    carbon_dioxide_share: Array
    """Of the pressure of the air, one for all."""


@pytree_dataclass
class CanopyStep:
    """Everything that the canopy part of a step gives."""

    interception: Interception
    snowfall: Snowfall
    pond: PondCover
    roots: Array
    stress: MoistureStress
    radiation: SurfaceRadiation
    ground: GroundSurface
    """Per patch."""
    top: TopCapacity
    air: Air
    surface: PatchSurface
    fluxes: CanopyFluxes
    """Those of the surface that concern the canopy."""


@dataclass(frozen=True)
class ComparedSteps:
    """Steps of a run side by side with what was computed for them."""

    steps: tuple[OracleStep, ...]
    groups: tuple[ColumnGroup, ...]
    batch: Batch
    result: CanopyStep

    def on_patches(self, values: Array, number: int) -> Values:
        """Our values of the patches of one step."""
        return np.asarray(values)[..., self.batch.patches[number] : self.batch.patches[number + 1]]

    def on_columns(self, values: Array, number: int) -> Values:
        """Our values of the columns of one step."""
        return np.asarray(values)[..., self.batch.columns[number] : self.batch.columns[number + 1]]


def canopy_steps(bench: Bench, steps: Sequence[OracleStep], record: SiteRecord) -> ComparedSteps:
    """The canopy part of steps of a run, all in one call.

    Raises:
        InputError: forcing, parameters or surface data cannot be read.
    """
    batch = batch_of([step.before for step in steps])
    groups = tuple(soil_columns(step.before) for step in steps)
    group, surface = batch.group, bench.surface
    traits = read_canopy_parameters(find_input(bench.settings.parameters, bench.folders))
    types = jnp.asarray(group.patch_type)
    forcing = [_forcing(step, record) for step in steps]
    inputs = ColumnInputs(
        weather=_weather(forcing, groups, group.columns),
        soil=bench.soil(group),
        melt_shape=melt_shape(jnp.asarray(surface.elevation_deviation[group.gridcell])),
        microrelief=microrelief(jnp.asarray(surface.slope[group.gridcell])),
        carbon_dioxide_share=jnp.asarray(read_carbon_dioxide_share(bench.run.namelist)),
    )
    count, padded = batch.patches[-1], len(group.patch_column)
    warmth = [_ten_day_temperature(step, one) for step, one in zip(steps, groups, strict=True)]
    days = [_day_factor(bench, step, one) for step, one in zip(steps, groups, strict=True)]
    of_patches = PatchInputs(
        column=jnp.asarray(group.patch_column),
        weight=jnp.asarray(np.where(np.arange(padded) < count, group.patch_weight, 0.0)),
        ten_day_temperature=_joined(warmth, padded),
        day_factor=_joined(days, padded),
    )
    result: CanopyStep = _compiled(
        batch.state,
        inputs,
        of_patches,
        PlantTraits(structure=bench.parameters.structure.gather(types), leaf=_gather(traits.leaf, types)),
        _gather(traits.roots, types),
        traits.stress_temperature,
        steps[0].timestep,
    )
    return ComparedSteps(tuple(steps), groups, batch, result)


def compute_step(
    state: LandState,
    columns: ColumnInputs,
    patches: PatchInputs,
    traits: PlantTraits,
    root_traits: RootTraits,
    stress_temperature: float,
    timestep: float,
) -> CanopyStep:
    """Precipitation to fluxes, in ELM's order."""
    weather, of_patch = columns.weather, patches.column
    exposed = state.patch.vegetation_exposed > 0
    interception = intercept(
        state.patch.leaf_area,
        state.patch.stem_area,
        exposed,
        state.patch.canopy_water,
        weather.rain[of_patch],
        weather.snow[of_patch],
        (state.column.snow_water > CAPPED_WATER)[of_patch],
        timestep,
    )
    snowfall = accumulate_snow(
        ground_state(state),
        state.column.snow_fraction,
        state.column.snow_melt,
        _column_mean(interception.snow_to_ground, patches, columns),
        weather.temperature,
        columns.melt_shape,
        timestep,
    )
    pond = cover_with_pond(snowfall.state, snowfall.snow_fraction, columns.microrelief)
    ground = ground_surface(columns.soil, pond.state, weather.specific_humidity, weather.pressure)
    radiation = surface_radiation(
        canopy_of(state.patch),
        ground_albedo_of(state.column),
        snow_of(state.column),
        IncidentRadiation(
            direct=weather.shortwave_direct[:, of_patch], diffuse=weather.shortwave_diffuse[:, of_patch]
        ),
        state.patch.leaf_area,
        -pond.state.snow_index,
        of_patch,
    )
    roots = root_fractions(root_traits)
    zone = root_zone(pond.state.temperature, pond.state.liquid_water, pond.state.ice)
    stress = moisture_stress(columns.soil, zone, root_traits, roots, of_patch, stress_temperature)
    top = top_capacity(traits.leaf, patches.day_factor, patches.ten_day_temperature)
    air = air_of_patches(weather, of_patch)
    under: GroundSurface = jax.tree.map(lambda values: values[of_patch], ground)
    surface = surface_exchange(
        canopy_of_step(state.patch, interception, radiation, stress),
        traits,
        top,
        SurfaceWeather(
            air=air,
            longwave_down=weather.longwave_down[of_patch],
            carbon_dioxide=columns.carbon_dioxide_share * air.pressure,
        ),
        under,
        emitted_fourth(pond.state)[of_patch],
        pond.state.snow_depth[of_patch],
        timestep,
    )
    return CanopyStep(
        interception=interception,
        snowfall=snowfall,
        pond=pond,
        roots=roots,
        stress=stress,
        radiation=radiation,
        ground=under,
        top=top,
        air=air,
        surface=surface,
        fluxes=surface.canopy,
    )


def _column_mean(values: Array, patches: PatchInputs, columns: ColumnInputs) -> Array:
    count = columns.melt_shape.shape[0]
    return jax.ops.segment_sum(patches.weight * values, patches.column, num_segments=count)


def _forcing(step: OracleStep, record: SiteRecord) -> Forcing:
    values = step.before.values
    places = Places(np.asarray(values["grid1d_lon"]), np.asarray(values["grid1d_lat"]))
    times = ModelTimes(step.before.seconds, int(step.timestep), 1)
    return SiteSource(record, places).load(times, np.arange(places.count))


def _weather(forcing: Sequence[Forcing], groups: Sequence[ColumnGroup], padded: int) -> Weather:
    def columns(name: str) -> jax.Array:
        parts = [getattr(one, name)[0][group.gridcell] for one, group in zip(forcing, groups, strict=True)]
        return _joined(parts, padded)

    def bands(kind: str) -> jax.Array:
        names = (f"shortwave_{kind}_visible", f"shortwave_{kind}_near_infrared")
        return jnp.stack([columns(name) for name in names])

    plain = {f.name for f in fields(Weather)} & {f.name for f in fields(Forcing)}
    return Weather(
        **{name: columns(name) for name in plain},
        shortwave_direct=bands("direct"),
        shortwave_diffuse=bands("diffuse"),
        cosine_zenith_next=jnp.zeros(padded),
    )


def _ten_day_temperature(step: OracleStep, group: ColumnGroup) -> Values:
    values: Values = np.asarray(step.before.values["T10_VALUE"], np.float64)[group.patch_row]
    return values


def _day_factor(bench: Bench, step: OracleStep, group: ColumnGroup) -> Values:
    """(day length / longest day)^2; the day is that of the end of the step."""
    orbit = orbital_parameters(bench.settings.orbital_year)
    timestep = int(step.timestep)
    end = np.asarray([step.before.seconds + timestep], np.int64)
    delta, _ = declination(orbit, zenith_day(end, timestep))
    latitude = np.radians(np.asarray(step.before.values["grid1d_lat"], np.float64))
    longest = day_length(latitude, np.copysign(LARGEST_DECLINATION, latitude))
    factor = day_length_factor(jnp.asarray(day_length(latitude, delta[0])), jnp.asarray(longest))
    values: Values = np.asarray(factor)[group.gridcell[group.patch_column]]
    return values


def _joined(parts: Sequence[Values], padded: int) -> jax.Array:
    values = np.concatenate(parts)
    return jnp.asarray(values[np.minimum(np.arange(padded), len(values) - 1)])


def _gather(traits: _Traits, types: Array) -> _Traits:
    gathered: _Traits = jax.tree.map(lambda values: values[types], traits)
    return gathered


_compiled = jax.jit(compute_step, static_argnames=("stress_temperature", "timestep"))
