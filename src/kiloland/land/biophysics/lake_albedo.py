"""Albedo of a lake: open water, ice, and the snow on it; and the sunlight it absorbs.

CLM4.5 technical note (Oleson et al. 2013), section 3.3 and table 3.5; ice after Mironov et al. (2010), snow
by SNICAR (`snicar.py`). Lakes keep the share of ground under snow at 0: their albedo is that of water or
ice, and snow only shapes where the light that is not reflected ends.
"""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.albedo import CanopyRadiation, GroundAlbedo, SnowRadiation
from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.snicar import SnowPack, snow_radiation, stored_absorption
from kiloland.land.biophysics.snow_optics import SnowOptics

FROZEN_ALBEDO = (0.60, 0.40)
"""Of cold ice, visible and near infrared."""
MELTING_ALBEDO = (0.10, 0.10)
"""Of ice at the freezing point."""
DIFFUSE_WATER_ALBEDO = 0.10
_ICE_DECAY = 95.6
_LEAST_COSINE = 0.001


def lake_albedo(
    temperature: Float[Array, " column"],
    snow_index: Int[Array, " column"],
    cosine_zenith: Float[Array, " column"],
) -> tuple[Float[Array, "band column"], Float[Array, "band column"]]:
    """Albedo of a lake below its snow for direct and for diffuse light; 0 at night.

    Open water (surface temperature T above freezing): direct 0.05 / (max(0.001, mu) + 0.15), diffuse 0.1.
    Ice: s a_cold + (1 - s) max(a_melting, that of water), s = 1 - exp(-95.6 (T_f - T) / T_f). Below snow
    layers a_cold.
    """
    water_direct = 0.05 / (jnp.maximum(_LEAST_COSINE, cosine_zenith) + 0.15)
    water_diffuse = jnp.full_like(temperature, DIFFUSE_WATER_ALBEDO)
    frost = jnp.maximum(FREEZING_POINT - temperature, 0.0) / FREEZING_POINT
    cold = 1.0 - jnp.exp(-_ICE_DECAY * frost)
    cold = jnp.where(snow_index < 0, 1.0, cold)
    frozen = temperature <= FREEZING_POINT
    sunny = cosine_zenith > 0.0

    def of(water: Array) -> Array:
        bands = [
            cold * ice + (1.0 - cold) * jnp.maximum(melting, water)
            for ice, melting in zip(FROZEN_ALBEDO, MELTING_ALBEDO, strict=True)
        ]
        return jnp.where(sunny, jnp.where(frozen, jnp.stack(bands), water), 0.0)

    return of(water_direct), of(water_diffuse)


def lake_ground_albedo(
    direct: Float[Array, "band column"], diffuse: Float[Array, "band column"]
) -> GroundAlbedo:
    """The albedo of the whole surface, which is that below the snow."""
    return GroundAlbedo(direct, diffuse, direct, diffuse)


def lake_snow_radiation(
    optics: SnowOptics, pack: SnowPack, albedo: GroundAlbedo, cosine_zenith: Float[Array, " column"]
) -> SnowRadiation:
    """Albedo of the snow and shares of absorption in its layers, as the state holds them."""
    radiation = snow_radiation(optics, pack, albedo.soil_albedo_diffuse, cosine_zenith)
    return stored_absorption(
        radiation,
        albedo.soil_albedo_direct,
        albedo.soil_albedo_diffuse,
        jnp.zeros_like(cosine_zenith),
        jnp.ones_like(cosine_zenith, bool),
    )


def open_sky(albedo: GroundAlbedo, sunny: Bool[Array, " column"]) -> CanopyRadiation:
    """The fate of light without a canopy: by day all passes, at night the albedo is 1 and nothing passes."""
    nothing = jnp.zeros_like(albedo.ground_albedo_direct)
    passing = jnp.where(sunny, nothing + 1.0, nothing)
    layer = nothing[:1]
    empty = {field.name: nothing for field in dataclasses.fields(CanopyRadiation)}
    empty |= {name: layer for name in empty if name.startswith(("leaf_", "sunlit_fraction"))}
    empty |= {name: layer[0] for name in empty if name.startswith("vcmax")}
    return CanopyRadiation(
        **empty
        | {
            "albedo_direct": jnp.where(sunny, albedo.ground_albedo_direct, 1.0),
            "albedo_diffuse": jnp.where(sunny, albedo.ground_albedo_diffuse, 1.0),
            "transmitted_direct": passing,
            "transmitted_diffuse": passing,
        }
    )
