"""The five surfaces of a town as its air meets them: temperature, humidity, wetness, roots of the road.

CLM4 urban technical note (Oleson et al. 2010), 3.2; ELM `CanopyTemperature`, `UrbanFluxes`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import (
    DENSITY_ICE,
    DENSITY_LIQUID,
    FREEZING_POINT,
    LATENT_HEAT_SUBLIMATION,
    LATENT_HEAT_VAPORISATION,
)
from kiloland.land.biophysics.ground_state import GroundState, top_temperature
from kiloland.land.biophysics.safe_math import power
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.urban_snow import WHOLE_COVER
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.urban_town import Surface, by_surface
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, ground_grid

LARGEST_POND = 1.0
"""Water that stands on roofs and impervious roads at most, kg m-2."""
ROOT_SHARE = 0.1
"""Of the "roots" of the pervious road in each of the ten soil layers."""
_WETNESS_EXPONENT = 0.666666666666


@pytree_dataclass
class TownSurface:
    """Surfaces at the start of the fluxes of a step."""

    temperature: Float[Array, "surface town"]
    """Of the uppermost layer, K."""
    humidity: Float[Array, "surface town"]
    """kg kg-1 (ELM `qg`)."""
    humidity_slope: Float[Array, "surface town"]
    """kg kg-1 K-1."""
    latent_heat: Float[Array, "surface town"]
    """J kg-1."""
    wet_share: Float[Array, "surface town"]
    """Share that evaporates: 1 on the pervious road, 0 on walls."""
    snow_fraction: Float[Array, "surface town"]
    road_humidity: Float[Array, " town"]
    """Relative humidity of the pervious road, 1 over snow (`soilalpha_u`)."""
    root_share: Float[Array, "soil town"]
    """Share of each layer in what evaporates out of the pervious road."""


def town_surface(
    soil: SoilProperties,
    state: GroundState,
    snow_fraction: Float[Array, " column"],
    air_humidity: Float[Array, " town"],
    pressure: Float[Array, " town"],
) -> TownSurface:
    """Surfaces of towns; `soil` and `state` have the columns, the air (kg kg-1, Pa) above has the towns.

    Humidity a q_sat(T): a = 1 on roofs and impervious roads, 0 on walls; on the pervious road
    (1 - f) h + f with h the sum of the layers' availabilities. Where q_sat > q_air > a q_sat it is that of
    the air, so that a dry surface draws no dew from unsaturated air. The wet share is
    min(depth / 0.05 m, 1) under snow, else (water / 1 kg m-2)^(2/3), at most 1.
    """
    temperature = by_surface(top_temperature(state))
    snow = by_surface(snow_fraction)
    availability, roots = _road_roots(soil, state)
    road = (1.0 - snow[Surface.PERVIOUS_ROAD]) * availability + snow[Surface.PERVIOUS_ROAD]
    one, none = jnp.ones_like(road), jnp.zeros_like(road)
    reduction = jnp.stack([one, none, none, one, road])
    air = saturation(temperature, jnp.broadcast_to(pressure, temperature.shape))
    dry = (air.humidity > air_humidity) & (air_humidity > reduction * air.humidity)
    wet = _wet_share(state)
    return TownSurface(
        temperature=temperature,
        humidity=jnp.where(dry, air_humidity, reduction * air.humidity),
        humidity_slope=jnp.where(dry, 0.0, reduction * air.humidity_slope),
        latent_heat=by_surface(_latent_heat(state)),
        wet_share=jnp.stack([wet[Surface.ROOF], none, none, wet[Surface.IMPERVIOUS_ROAD], one]),
        snow_fraction=snow,
        road_humidity=road,
        root_share=roots,
    )


def _road_roots(
    soil: SoilProperties, state: GroundState
) -> tuple[Float[Array, " town"], Float[Array, "soil town"]]:
    """Availability of water below the pervious road, and the share of each layer in it.

    0.1 min(max(theta - theta_dry, 0) / (theta_opt - theta_dry), 1) of each thawed layer, theta liquid.
    """
    rows = slice(SNOW_LAYERS, SNOW_LAYERS + SOIL_LAYERS)

    def road(values: Array) -> Array:
        return by_surface(values)[:, Surface.PERVIOUS_ROAD]

    porosity, dry, best = (
        road(values[:SOIL_LAYERS]) for values in (soil.porosity, soil.dry_content, soil.optimum_content)
    )
    liquid, ice, temperature = (
        road(values[rows]) for values in (state.liquid_water, state.ice, state.temperature)
    )
    thickness = jnp.asarray(ground_grid().thickness[:SOIL_LAYERS])[:, None]
    free = porosity - jnp.minimum(porosity, ice / (thickness * DENSITY_ICE))
    content = jnp.minimum(free, liquid / (thickness * DENSITY_LIQUID))
    share = jnp.minimum(jnp.maximum(content - dry, 0.0) / (best - dry), 1.0)
    share = ROOT_SHARE * jnp.where(temperature >= FREEZING_POINT, share, 0.0)
    total = jnp.zeros_like(share[0])
    for layer in range(SOIL_LAYERS):
        total = total + share[layer]
    return total, share / jnp.where(total > 0.0, total, 1.0)


def _wet_share(state: GroundState) -> Float[Array, "surface town"]:
    """Share of roofs and impervious roads that evaporates."""
    water = jnp.maximum(state.liquid_water[SNOW_LAYERS] + state.ice[SNOW_LAYERS], 0.0)
    pond = jnp.minimum(power(water / LARGEST_POND, _WETNESS_EXPONENT), 1.0)
    snow = jnp.minimum(state.snow_depth / WHOLE_COVER, 1.0)
    return by_surface(jnp.where(state.snow_depth > 0.0, snow, pond))


def _latent_heat(state: GroundState) -> Float[Array, " column"]:
    """Of sublimation where the uppermost layer has ice only, J kg-1."""
    row = (SNOW_LAYERS + state.snow_index)[None, :]
    liquid, ice = (jnp.take_along_axis(values, row, axis=0)[0] for values in (state.liquid_water, state.ice))
    return jnp.where((liquid <= 0.0) & (ice > 0.0), LATENT_HEAT_SUBLIMATION, LATENT_HEAT_VAPORISATION)
