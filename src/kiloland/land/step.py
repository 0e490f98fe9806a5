"""One step of the land: a table of contents of what happens, in ELM's order.

Radiation uses the albedos that the last step left; the albedos for the next step come at the end. The
heat flux into the ground is either prescribed or that of bare ground below a canopy that only intercepts
radiation; soil water and snow change by freezing and melting alone.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.albedo import (
    CanopyRadiation,
    CanopySurface,
    GroundAlbedo,
    SnowRadiation,
    soil_albedo,
    surface_albedo,
    surface_water_content,
)
from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.constants import STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_energy import (
    GroundRadiation,
    evaporation_limit,
    split_heat,
    surface_heat,
    update_surface_fluxes,
)
from kiloland.land.biophysics.ground_heat import GroundHeat, advance_temperature, prescribed_heat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.biophysics.surface_radiation import IncidentRadiation, SurfaceRadiation, surface_radiation
from kiloland.land.parameters import Parameters
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.running_means import MeanLengths
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.subgrid import BlockIndex, patch_to_column
from kiloland.land.vertical import SNOW_LAYERS, ground_grid


@pytree_dataclass
class Weather:
    """The atmosphere above each column during a step (SI), and the zenith for the albedos at its end."""

    temperature: Float[Array, " column"]
    potential_temperature: Float[Array, " column"]
    pressure: Float[Array, " column"]
    specific_humidity: Float[Array, " column"]
    wind: Float[Array, " column"]
    longwave_down: Float[Array, " column"]
    rain: Float[Array, " column"]
    snow: Float[Array, " column"]
    shortwave_direct: Float[Array, "band column"]
    shortwave_diffuse: Float[Array, "band column"]
    reference_height: Float[Array, " column"]
    cosine_zenith_next: Float[Array, " column"]


@pytree_dataclass
class ColumnConstants:
    """What does not change during a run."""

    soil: SoilProperties
    soil_colour: Int[Array, " column"]
    parameters: Parameters
    index: BlockIndex


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Settings:
    """Settings that are compiled in."""

    timestep: float = field(metadata={"static": True})
    """Length of a step, s."""
    lengths: MeanLengths | None = field(default=None, metadata={"static": True})
    """Of the running means, where there are any."""


@pytree_dataclass
class SurfaceFluxes:
    """Exchange of the ground of each column with the air over a step, W m-2, upwards unless said otherwise.

    Below a canopy that only intercepts radiation the ground of all patches of a column is the same.
    """

    sensible: Float[Array, " column"]
    latent: Float[Array, " column"]
    evaporation: Float[Array, " column"]
    """kg m-2 s-1."""
    longwave_up: Float[Array, " column"]
    """Emitted and reflected."""
    net_longwave: Float[Array, " column"]
    """Absorbed less emitted, downwards."""
    turbulence: TurbulentFluxes


@pytree_dataclass
class StepOutput:
    """What a step tells beside the new state: fluxes for history and the terms of the balances."""

    radiation: SurfaceRadiation
    heat: GroundHeat
    incoming: SurfaceHeat
    fluxes: SurfaceFluxes | None
    """None where the heat flux into the ground was prescribed."""


@pytree_dataclass
class PrescribedFlux:
    """Heat flux into the ground of each patch, given from outside."""

    net: Float[Array, " patch"]
    """Before the temperature answers, W m-2 into the ground (ELM ``EFLX_GNET``)."""
    derivative: Float[Array, " patch"]
    """With ground temperature, W m-2 K-1 (``DGNETDT``)."""
    sensible_derivative: Float[Array, " patch"] | None = None
    """Of the sensible heat alone (``CGRNDS``); with the next one it tells snow, soil and pond apart."""
    evaporation_derivative: Float[Array, " patch"] | None = None
    """Of the evaporation, kg m-2 s-1 K-1 (``CGRNDL``)."""


def step_with_prescribed_flux(
    state: LandState,
    weather: Weather,
    flux: PrescribedFlux,
    constants: ColumnConstants,
    settings: Settings,
) -> tuple[LandState, StepOutput]:
    """One step with the heat flux into the ground given for each patch; albedos are not renewed."""
    radiation = absorb_sunlight(state, weather, constants)
    incoming = prescribed_surface_heat(state, weather, flux, radiation, constants)
    heat = advance_temperature(constants.soil, ground_state(state), incoming, settings.timestep)
    state = with_ground(state, heat, radiation)
    return state, StepOutput(radiation=radiation, heat=heat, incoming=incoming, fluxes=None)


def prescribed_surface_heat(
    state: LandState,
    weather: Weather,
    flux: PrescribedFlux,
    radiation: SurfaceRadiation,
    constants: ColumnConstants,
) -> SurfaceHeat:
    """Heat into snow, soil and pond of each column; the same into all three without the two derivatives."""
    index = constants.index
    if flux.sensible_derivative is None or flux.evaporation_derivative is None:
        return prescribed_heat(patch_to_column(flux.net, index), patch_to_column(flux.derivative, index))
    over_column = ground_surface(
        constants.soil, ground_state(state), weather.specific_humidity, weather.pressure
    )
    ground: GroundSurface = jax.tree.map(lambda values: values[index.patch_column], over_column)
    sunlight = radiation.ground
    heat = split_heat(
        flux.net,
        flux.derivative,
        flux.sensible_derivative,
        flux.evaporation_derivative,
        sunlight.absorbed,
        GroundRadiation(
            absorbed_soil=sunlight.absorbed_by_soil,
            absorbed_snow_top=top_layer(
                sunlight.absorbed_by_layer, state.column.snow_index[index.patch_column]
            ),
            absorbed_layer=sunlight.absorbed_by_layer,
            longwave_down=jnp.zeros_like(flux.net),
        ),
        ground,
    )
    mean: SurfaceHeat = jax.tree.map(lambda values: patch_to_column(values, index), heat)
    return mean


def step_with_bare_ground(
    state: LandState, weather: Weather, constants: ColumnConstants, settings: Settings
) -> tuple[LandState, StepOutput]:
    """One step with the turbulent fluxes of bare ground below a canopy that only intercepts radiation."""
    radiation = absorb_sunlight(state, weather, constants)
    surface = exchange_with_air(state, weather, radiation, constants)
    incoming = surface_heat(surface.radiation, surface.ground, surface.turbulence)
    heat = advance_temperature(constants.soil, ground_state(state), incoming, settings.timestep)
    fluxes = fluxes_of_step(surface, weather, heat, settings)
    state = with_longwave(with_ground(state, heat, radiation), fluxes, constants.index)
    state = renew_albedo(state, weather.cosine_zenith_next, constants)
    return state, StepOutput(radiation=radiation, heat=heat, incoming=incoming, fluxes=fluxes)


@pytree_dataclass
class SurfaceExchange:
    """The ground of each column at the start of a step and what passes it before temperatures answer."""

    ground: GroundSurface
    radiation: GroundRadiation
    turbulence: TurbulentFluxes


def exchange_with_air(
    state: LandState, weather: Weather, radiation: SurfaceRadiation, constants: ColumnConstants
) -> SurfaceExchange:
    """Radiation and turbulence at the ground, with its temperature at the start of the step.

    Sunlight on the ground is the mean over the patches of a column; all wind blows from the west, as in
    ELM's site mode (the direction shows in the stress alone).
    """
    ground = ground_surface(constants.soil, ground_state(state), weather.specific_humidity, weather.pressure)
    air = Air(
        temperature=weather.temperature,
        potential_temperature=weather.potential_temperature,
        humidity=weather.specific_humidity,
        pressure=weather.pressure,
        eastward_wind=weather.wind,
        northward_wind=jnp.zeros_like(weather.wind),
        height=weather.reference_height,
    )
    sunlight = radiation.ground
    layers = patch_to_column(sunlight.absorbed_by_layer, constants.index)
    return SurfaceExchange(
        ground=ground,
        radiation=GroundRadiation(
            absorbed_soil=patch_to_column(sunlight.absorbed_by_soil, constants.index),
            absorbed_snow_top=top_layer(layers, state.column.snow_index),
            absorbed_layer=layers,
            longwave_down=ground.emissivity * weather.longwave_down,
        ),
        turbulence=bare_ground_fluxes(air, ground),
    )


def top_layer(
    rows: Float[Array, "layer column"], snow_index: Int[Array, " column"]
) -> Float[Array, " column"]:
    """Value of the uppermost layer that exists: snow if there is any, else the first soil layer."""
    return jnp.take_along_axis(rows, (SNOW_LAYERS + snow_index)[None], axis=0)[0]


def fluxes_of_step(
    surface: SurfaceExchange, weather: Weather, heat: GroundHeat, settings: Settings
) -> SurfaceFluxes:
    """Fluxes over the whole step, with the answer of the ground temperature.

    Longwave up = (1 - e) L + e sigma T^4 + 4 e sigma T^3 dT with emissivity e, sky longwave L and warming dT.
    """
    ground, turbulence = surface.ground, surface.turbulence
    warming = heat.ground_temperature - ground.temperature
    answered = turbulence.evaporation + warming * turbulence.evaporation_derivative
    liquid = top_layer(heat.state.liquid_water, heat.state.snow_index)
    ice = top_layer(heat.state.ice, heat.state.snow_index)
    supply = evaporation_limit(jnp.maximum(answered, 0.0), liquid, ice, settings.timestep)
    update = update_surface_fluxes(ground, turbulence, warming, supply, liquid, ice, heat.ground_temperature)
    cubed = ground.temperature * ground.temperature * ground.temperature
    emitted = ground.emissivity * STEFAN_BOLTZMANN * cubed * (ground.temperature + 4.0 * warming)
    net_longwave = surface.radiation.longwave_down - emitted
    return SurfaceFluxes(
        sensible=update.sensible,
        latent=update.latent,
        evaporation=update.evaporation,
        longwave_up=weather.longwave_down - net_longwave,
        net_longwave=net_longwave,
        turbulence=turbulence,
    )


def with_longwave(state: LandState, fluxes: SurfaceFluxes, index: BlockIndex) -> LandState:
    """The state with the longwave radiation that left each patch."""
    patch = dataclasses.replace(state.patch, longwave_out=fluxes.longwave_up[index.patch_column])
    return LandState(column=state.column, patch=patch)


def absorb_sunlight(state: LandState, weather: Weather, constants: ColumnConstants) -> SurfaceRadiation:
    """Shortwave radiation absorbed and reflected, from the albedos in the state."""
    column, patch, of_patch = state.column, state.patch, constants.index.patch_column
    incident = IncidentRadiation(
        direct=weather.shortwave_direct[:, of_patch], diffuse=weather.shortwave_diffuse[:, of_patch]
    )
    return surface_radiation(
        canopy_of(patch),
        ground_albedo_of(column),
        snow_of(column),
        incident,
        patch.leaf_area,
        -column.snow_index,
        of_patch,
    )


def renew_albedo(
    state: LandState, cosine_zenith: Float[Array, " column"], constants: ColumnConstants
) -> LandState:
    """The state with the albedos of a zenith; snow albedo and layer absorption are those of the state."""
    column, patch = state.column, state.patch
    thickness = ground_grid().thickness[0]
    water = surface_water_content(column.liquid_water[SNOW_LAYERS], column.ice[SNOW_LAYERS], thickness)
    ground, canopy = surface_albedo(
        constants.parameters.optics.gather(constants.index.patch_type),
        CanopySurface(
            leaf_area=patch.leaf_area,
            stem_area=patch.stem_area,
            wet_fraction=patch.wet_fraction,
            leaf_temperature=patch.leaf_temperature,
        ),
        snow_of(column),
        soil_albedo(constants.soil_colour, water),
        column.snow_fraction,
        cosine_zenith,
        constants.index.patch_column,
    )
    return LandState(
        column=dataclasses.replace(column, cosine_zenith=cosine_zenith, **with_fields(ground)),
        patch=dataclasses.replace(patch, **with_fields(canopy)),
    )


def ground_state(state: LandState) -> GroundState:
    """The part of the state that the heat balance reads and advances."""
    return GroundState(**{f.name: getattr(state.column, f.name) for f in dataclasses.fields(GroundState)})


def with_ground(state: LandState, heat: GroundHeat, radiation: SurfaceRadiation) -> LandState:
    """The state after the heat balance of snow, pond and ground."""
    column = dataclasses.replace(
        state.column,
        ground_temperature=heat.ground_temperature,
        snow_melt=heat.phase.snow_melt,
        snow_freezing=heat.phase.snow_freezing_layer,
        **with_fields(heat.state),
    )
    return LandState(
        column=column,
        patch=dataclasses.replace(state.patch, sunlit_fraction=radiation.light.sunlit_fraction),
    )


def snow_of(column: ColumnState) -> SnowRadiation:
    """What the state holds of the radiation in snow."""
    return SnowRadiation(
        albedo_direct=column.snow_albedo_direct,
        albedo_diffuse=column.snow_albedo_diffuse,
        layer_absorption_direct=jnp.stack(
            [column.absorption_direct_visible, column.absorption_direct_near_infrared]
        ),
        layer_absorption_diffuse=jnp.stack(
            [column.absorption_diffuse_visible, column.absorption_diffuse_near_infrared]
        ),
    )


def canopy_of(patch: PatchState) -> CanopyRadiation:
    """What the state holds of the radiation in the canopy."""
    return CanopyRadiation(**{f.name: getattr(patch, f.name) for f in dataclasses.fields(CanopyRadiation)})


def ground_albedo_of(column: ColumnState) -> GroundAlbedo:
    """What the state holds of the albedo of the ground."""
    return GroundAlbedo(**{f.name: getattr(column, f.name) for f in dataclasses.fields(GroundAlbedo)})


def with_fields(holder: object) -> dict[str, Array]:
    """The fields of a dataclass by name, to lay over another one."""
    return {f.name: getattr(holder, f.name) for f in dataclasses.fields(holder)}  # type: ignore[arg-type]
