"""Sunlight of lakes in a step: absorption by the albedos of the state, and the albedos for the next step."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.lake_albedo import (
    lake_albedo,
    lake_ground_albedo,
    lake_snow_radiation,
    open_sky,
)
from kiloland.land.biophysics.lake_surface import LakeSunlight, surface_share_of_light
from kiloland.land.biophysics.snicar import SnowPack
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.surface_radiation import IncidentRadiation, SurfaceRadiation, surface_radiation
from kiloland.land.lake_state import LakeState, lake_ground_albedo_of, lake_snow_radiation_of
from kiloland.land.step import Weather, top_layer
from kiloland.land.vertical import SNOW_LAYERS

SHALLOW_SNOW = 0.1
"""Less snow than this absorbs all its light near the top, m."""


def absorb_sunlight(state: LakeState, weather: Weather) -> tuple[SurfaceRadiation, LakeSunlight]:
    """Sunlight absorbed and reflected, and what of it stays at the surface."""
    columns = jnp.arange(state.snow_index.shape[0])
    albedo = lake_ground_albedo_of(state)
    canopy = dataclasses.replace(
        open_sky(albedo, state.cosine_zenith > 0.0),
        albedo_direct=state.albedo_direct,
        albedo_diffuse=state.albedo_diffuse,
        transmitted_direct=state.transmitted_direct,
        transmitted_diffuse=state.transmitted_diffuse,
    )
    direct, diffuse = weather.shortwave_direct, weather.shortwave_diffuse
    radiation = surface_radiation(
        canopy,
        albedo,
        lake_snow_radiation_of(state),
        IncidentRadiation(direct=direct, diffuse=diffuse),
        jnp.zeros_like(state.snow_water),
        -state.snow_index,
        columns,
        state.snow_depth < SHALLOW_SNOW,
    )
    reflected = radiation.reflected_direct[1] + radiation.reflected_diffuse[1]
    ground = radiation.ground
    share = surface_share_of_light(
        ground.absorbed,
        direct[1] + diffuse[1] - reflected,
        top_layer(ground.absorbed_by_layer, state.snow_index),
        state.snow_index < 0,
    )
    return radiation, LakeSunlight(ground.absorbed, share, ground.absorbed_by_layer)


def renew_lake_albedo(
    state: LakeState, cosine_zenith: Float[Array, " column"], optics: SnowOptics
) -> LakeState:
    """The state with the albedos of a zenith."""
    direct, diffuse = lake_albedo(state.ground_temperature, state.snow_index, cosine_zenith)
    albedo = lake_ground_albedo(direct, diffuse)
    pack = SnowPack(
        snow_index=state.snow_index,
        liquid_water=state.liquid_water[:SNOW_LAYERS],
        ice=state.ice[:SNOW_LAYERS],
        snow_water=state.snow_water,
        grain_radius=state.grain_radius,
        aerosol_mass=state.aerosol_mass,
    )
    snow = lake_snow_radiation(optics, pack, albedo, cosine_zenith)
    sky = open_sky(albedo, cosine_zenith > 0.0)
    return dataclasses.replace(
        state,
        cosine_zenith=cosine_zenith,
        ground_albedo_direct=albedo.ground_albedo_direct,
        ground_albedo_diffuse=albedo.ground_albedo_diffuse,
        soil_albedo_direct=albedo.soil_albedo_direct,
        soil_albedo_diffuse=albedo.soil_albedo_diffuse,
        snow_albedo_direct=snow.albedo_direct,
        snow_albedo_diffuse=snow.albedo_diffuse,
        absorption_direct_visible=snow.layer_absorption_direct[0],
        absorption_direct_near_infrared=snow.layer_absorption_direct[1],
        absorption_diffuse_visible=snow.layer_absorption_diffuse[0],
        absorption_diffuse_near_infrared=snow.layer_absorption_diffuse[1],
        albedo_direct=sky.albedo_direct,
        albedo_diffuse=sky.albedo_diffuse,
        transmitted_direct=sky.transmitted_direct,
        transmitted_diffuse=sky.transmitted_diffuse,
    )
