"""Precipitation on canopy and ground, and the exchange of both with the air, in a step of soil columns."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.canopy_fluxes import Canopy, CanopyFluxes, canopy_fluxes, emitted_fourth
from kiloland.land.biophysics.canopy_hydrology import Interception, intercept
from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION, STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_energy import (
    GroundRadiation,
    SurfaceUpdate,
    evaporation_limit,
    surface_heat,
    update_surface_fluxes,
)
from kiloland.land.biophysics.ground_heat import GroundHeat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.ground_surface import GroundSurface, ground_surface
from kiloland.land.biophysics.leaf_capacity import top_capacity
from kiloland.land.biophysics.photosynthesis import LeafGroups
from kiloland.land.biophysics.pond_cover import cover_with_pond
from kiloland.land.biophysics.snow_cover import CAPPED_WATER, accumulate_snow
from kiloland.land.biophysics.soil_moisture_stress import MoistureStress, moisture_stress, root_zone
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.biophysics.surface_radiation import SurfaceRadiation
from kiloland.land.full_inputs import LandConstants, Surroundings
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.state import LandState, PatchState
from kiloland.land.step import Settings, Weather, ground_state, top_layer
from kiloland.land.subgrid import BlockIndex, patch_to_column


@pytree_dataclass
class Precipitation:
    """Canopy and ground after the precipitation of a step."""

    canopy: Interception
    ground: GroundState
    snow_fraction: Float[Array, " column"]
    rain: Float[Array, " column"]
    """At the ground, kg m-2 s-1."""
    snowfall: Float[Array, " column"]
    capped_ice: Float[Array, " column"]
    """Snow that a full pack sheds, kg m-2 s-1."""
    capped: Bool[Array, " column"]
    new_layer: Bool[Array, " column"]
    """Packs that got their first layer."""


@pytree_dataclass
class Exchange:
    """Fluxes between ground, canopy and air before the ground answers; all per patch."""

    ground: GroundSurface
    radiation: GroundRadiation
    turbulence: TurbulentFluxes
    canopy: CanopyFluxes
    stress: MoistureStress
    ground_fourth: Float[Array, " patch"]
    """Mean of T^4 over snow, soil and pond, K4."""
    sky: Float[Array, " patch"]
    """Longwave from the sky, W m-2."""
    heat: SurfaceHeat
    """Into the ground of each column."""


@pytree_dataclass
class PatchFluxes:
    """Fluxes of the whole step, per patch; upwards unless said otherwise."""

    update: SurfaceUpdate
    sensible: Float[Array, " patch"]
    """Of canopy and ground, W m-2."""
    evaporation: Float[Array, " patch"]
    """kg m-2 s-1."""
    latent: Float[Array, " patch"]
    """W m-2."""
    longwave_up: Float[Array, " patch"]
    """W m-2."""
    ground_heat: Float[Array, " patch"]
    """Into the ground, W m-2 (`FGR`)."""


def receive_precipitation(
    state: LandState, weather: Weather, constants: LandConstants, settings: Settings
) -> Precipitation:
    """Interception, snow cover and depth, first snow layers, and the share of ground under water."""
    index, patch, column = constants.column.index, state.patch, state.column
    capped = column.snow_water > CAPPED_WATER
    canopy = intercept(
        patch.leaf_area,
        patch.stem_area,
        patch.vegetation_exposed > 0,
        patch.canopy_water,
        weather.rain[index.patch_column],
        weather.snow[index.patch_column],
        capped[index.patch_column],
        settings.timestep,
    )
    snowfall = patch_to_column(canopy.snow_to_ground, index)
    snow = accumulate_snow(
        ground_state(state),
        column.snow_fraction,
        column.snow_melt,
        snowfall,
        weather.temperature,
        constants.melt_shape,
        settings.timestep,
    )
    pond = cover_with_pond(snow.state, snow.snow_fraction, constants.terrain.microrelief)
    return Precipitation(
        canopy=canopy,
        ground=pond.state,
        snow_fraction=pond.snow_fraction,
        rain=patch_to_column(canopy.rain_to_ground, index),
        snowfall=snowfall,
        capped_ice=patch_to_column(canopy.capped_snow, index),
        capped=capped,
        new_layer=snow.new_layer,
    )


def with_snow_index(state: LandState, ground: GroundState) -> LandState:
    """The state with the number of snow layers after snowfall; light sees the new layer."""
    return LandState(column=replace(state.column, snow_index=ground.snow_index), patch=state.patch)


def exchange_with_air(
    state: LandState,
    fallen: Precipitation,
    radiation: SurfaceRadiation,
    surroundings: Surroundings,
    constants: LandConstants,
    settings: Settings,
) -> Exchange:
    """Fluxes of canopies, of the ground below them and of bare ground, with the old ground temperature."""
    weather, soil = surroundings.weather, constants.column.soil
    index = constants.column.index
    of_patch = index.patch_column
    over_column = ground_surface(soil, fallen.ground, weather.specific_humidity, weather.pressure)
    ground: GroundSurface = jax.tree.map(lambda values: values[of_patch], over_column)
    fourth = emitted_fourth(fallen.ground)[of_patch]
    zone = root_zone(fallen.ground.temperature, fallen.ground.liquid_water, fallen.ground.ice)
    stress = moisture_stress(
        soil, zone, constants.root_traits, constants.roots, of_patch, constants.stress_temperature
    )
    air = air_of_patches(weather, of_patch)
    leaves = canopy_of_step(state.patch, fallen.canopy, radiation, stress)
    canopy = canopy_fluxes(
        leaves,
        constants.plants,
        top_capacity(
            constants.plants.leaf,
            surroundings.day_length_factor[of_patch],
            state.patch.ten_day_temperature,
        ),
        air,
        ground,
        fourth,
        fallen.ground.snow_depth[of_patch],
        weather.longwave_down[of_patch],
        constants.carbon_dioxide * air.pressure,
        settings.timestep,
    )
    # ELM measures the height of the forcing from the displacement height of plants that snow has buried, too.
    buried = constants.plants.structure.displacement_ratio * state.patch.canopy_top
    bare = bare_ground_fluxes(replace(air, height=air.height + buried), ground)
    turbulence = choose_patches(leaves.exposed, canopy.ground, bare)
    light = radiation.ground
    sky = ground.emissivity * weather.longwave_down[of_patch]
    ground_radiation = GroundRadiation(
        absorbed_soil=light.absorbed_by_soil,
        absorbed_snow_top=top_layer(light.absorbed_by_layer, fallen.ground.snow_index[of_patch]),
        absorbed_layer=light.absorbed_by_layer,
        longwave_down=jnp.where(leaves.exposed, canopy.longwave_below, sky),
    )
    heat = surface_heat(ground_radiation, ground, turbulence)
    mean: SurfaceHeat = jax.tree.map(lambda values: patch_to_column(values, index), heat)
    return Exchange(
        ground=ground,
        radiation=ground_radiation,
        turbulence=turbulence,
        canopy=canopy,
        stress=stress,
        ground_fourth=fourth,
        sky=weather.longwave_down[of_patch],
        heat=mean,
    )


def choose_patches(
    exposed: Bool[Array, " patch"], vegetated: TurbulentFluxes, bare: TurbulentFluxes
) -> TurbulentFluxes:
    """Fluxes below canopies where vegetation is exposed, else those of bare ground."""
    chosen: TurbulentFluxes = jax.tree.map(lambda a, b: jnp.where(exposed, a, b), vegetated, bare)
    return chosen


def air_of_patches(weather: Weather, of_patch: Int[Array, " patch"]) -> Air:
    """The air above each patch; all wind blows from the west, as in ELM's site mode."""
    return Air(
        temperature=weather.temperature[of_patch],
        potential_temperature=weather.potential_temperature[of_patch],
        humidity=weather.specific_humidity[of_patch],
        pressure=weather.pressure[of_patch],
        eastward_wind=weather.wind[of_patch],
        northward_wind=jnp.zeros_like(weather.wind)[of_patch],
        height=weather.reference_height[of_patch],
    )


def canopy_of_step(
    patch: PatchState, caught: Interception, radiation: SurfaceRadiation, stress: MoistureStress
) -> Canopy:
    """The canopy of each patch as its fluxes need it."""
    light = radiation.light
    return Canopy(
        leaf_area=patch.leaf_area,
        stem_area=patch.stem_area,
        top=patch.canopy_top,
        exposed=patch.vegetation_exposed > 0,
        leaf_temperature=patch.leaf_temperature,
        water=caught.canopy_water,
        wet_fraction=caught.wet_fraction,
        dry_fraction=caught.dry_fraction,
        absorbed_sunlight=radiation.absorbed_by_vegetation,
        leaves=LeafGroups(
            leaf_area=jnp.stack([light.sunlit_leaf_area, light.shaded_leaf_area]),
            light=jnp.stack([light.absorbed_visible_sunlit[0], light.absorbed_visible_shaded[0]]),
            scaling=jnp.stack([patch.vcmax_scaling_sunlit, patch.vcmax_scaling_shaded]),
        ),
        stress=stress.factor,
    )


def answer_of_ground(
    exchange: Exchange, heat: GroundHeat, weather: Weather, index: BlockIndex, settings: Settings
) -> PatchFluxes:
    """Fluxes of the whole step, with the answer of the ground's temperature (ELM `SoilFluxes`).

    Longwave up = that of canopy and sky + 4 e sigma T^3 dT; over bare ground (1 - e) L + e sigma mean(T^4).
    """
    ground, turbulence, canopy = exchange.ground, exchange.turbulence, exchange.canopy
    of_patch = index.patch_column
    warming = heat.ground_temperature[of_patch] - ground.temperature
    answered = turbulence.evaporation + warming * turbulence.evaporation_derivative
    liquid = top_layer(heat.state.liquid_water, heat.state.snow_index)
    ice = top_layer(heat.state.ice, heat.state.snow_index)
    upward = patch_to_column(jnp.maximum(answered, 0.0), index)
    supply = evaporation_limit(upward, liquid, ice, settings.timestep)
    update = update_surface_fluxes(
        ground,
        turbulence,
        warming,
        supply[of_patch],
        liquid[of_patch],
        ice[of_patch],
        heat.ground_temperature[of_patch],
    )
    exposed = canopy.emissivity > 0.0
    cubed = ground.temperature * ground.temperature * ground.temperature
    sky = weather.longwave_down[of_patch]
    bare_up = (1.0 - ground.emissivity) * sky
    bare_up = bare_up + ground.emissivity * STEFAN_BOLTZMANN * exchange.ground_fourth
    answer = 4.0 * ground.emissivity * STEFAN_BOLTZMANN * cubed * warming
    longwave_up = jnp.where(exposed, canopy.longwave_above, bare_up) + answer
    emitted = ground.emissivity * STEFAN_BOLTZMANN * exchange.ground_fourth + answer
    into_ground = exchange.radiation.longwave_down - emitted - update.sensible - update.latent
    return PatchFluxes(
        update=update,
        sensible=update.sensible + canopy.sensible,
        evaporation=update.evaporation + canopy.evaporation,
        latent=update.latent + LATENT_HEAT_VAPORISATION * canopy.evaporation,
        longwave_up=longwave_up,
        ground_heat=into_ground,
    )
