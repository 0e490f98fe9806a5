"""Exchange of heat and moisture between the surfaces of a town, the air in its canyon and the air above.

CLM4 urban technical note (Oleson et al. 2010), chapter 3; wind and resistances after Masson (2000). ELM
`UrbanFluxes`. Fluxes per area of each surface, upwards.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air, air_density
from kiloland.land.biophysics.constants import HEAT_CAPACITY_AIR
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import (
    Profiles,
    Stability,
    initial_stability,
    next_stability,
    profiles,
)
from kiloland.land.biophysics.urban_geometry import TownRoughness, town_roughness
from kiloland.land.biophysics.urban_surface import TownSurface
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.urban_town import Surface, UrbanParameters, surface_areas

_ITERATIONS = 3
_LEAST_WIND = 1.0
_LAPSE = 0.0098
_VIRTUAL = 0.61
_CALM_TRANSFER, _WIND_TRANSFER = 11.8, 4.2
"""Heat transfer of a surface, W m-2 K-1: 11.8 + 4.2 wind (m s-1)."""


@pytree_dataclass
class CanyonAir:
    """Air in the canyon."""

    temperature: Float[Array, " town"]
    """K (ELM `taf`)."""
    humidity: Float[Array, " town"]
    """kg kg-1 (`qaf`)."""


@pytree_dataclass
class UrbanFluxes:
    """Fluxes before the temperatures answer, and what history wants of the turbulence."""

    air: CanyonAir
    sensible: Float[Array, "surface town"]
    """W m-2."""
    evaporation: Float[Array, "surface town"]
    """kg m-2 s-1, from the surface."""
    transpiration: Float[Array, " town"]
    """kg m-2 s-1, out of the soil below the pervious road."""
    sensible_derivative: Float[Array, "surface town"]
    """With surface temperature, W m-2 K-1."""
    evaporation_derivative: Float[Array, "surface town"]
    """kg m-2 s-1 K-1."""
    friction_velocity: Float[Array, " town"]
    """m s-1."""
    momentum_resistance: Float[Array, " town"]
    """s m-1."""
    eastward_stress: Float[Array, " town"]
    """kg m-1 s-2."""
    northward_stress: Float[Array, " town"]
    relative_humidity: Float[Array, " town"]
    """In the canyon, percent."""


@pytree_dataclass
class _Conductances:
    """Conductances of an iteration, m s-1."""

    above_heat: Float[Array, " town"]
    above_moisture: Float[Array, " town"]
    surface: Float[Array, " town"]
    """Of each surface per its own area."""
    wet: Float[Array, "surface town"]
    """Share of each surface that evaporates."""


def urban_fluxes(
    parameters: UrbanParameters, air: Air, surface: TownSurface, canyon: CanyonAir
) -> UrbanFluxes:
    """Fluxes of a step; `air` is above the towns, `canyon` that of the last step.

    Canyon air balances what comes from above and from the surfaces with areas a:
    T_c = (T_a g_a + sum a g T) / (g_a + sum a g), moisture alike with the wet shares. g_a follows from
    stability in three passes; g = (11.8 + 4.2 w) / (rho c_p) with the wind w of the canyon.
    """
    town = town_roughness(parameters)
    height = air.height + town.roughness
    lowered = air.temperature + _LAPSE * (height + town.displacement)
    speed = jnp.sqrt(air.eastward_wind * air.eastward_wind + air.northward_wind * air.northward_wind)
    wind = jnp.maximum(speed, _LEAST_WIND)
    along = canyon_wind(parameters, town, wind, height)
    density, areas = air_density(air), surface_areas(parameters)
    virtual = air.potential_temperature * (1.0 + _VIRTUAL * air.humidity)
    stability = initial_stability(
        wind, virtual, _virtual_difference(air, lowered, canyon), height, town.roughness
    )
    for _ in range(_ITERATIONS):
        profile = profiles(stability, height, town.roughness, town.roughness, town.roughness)
        used, conductance = stability, _conductances(profile, along, density, surface, canyon)
        canyon = _canyon_air(areas, air, lowered, surface, conductance)
        stability = _restabilised(air, lowered, canyon, wind, virtual, height, profile)
    friction = profile.friction_velocity
    resistance = 1.0 / (friction * friction / used.wind)
    return _fluxes(areas, air, density, surface, canyon, conductance, friction, resistance)


def canyon_wind(
    parameters: UrbanParameters,
    town: TownRoughness,
    wind: Float[Array, " town"],
    height: Float[Array, " town"],
) -> Float[Array, " town"]:
    """Horizontal wind in the canyon, m s-1, from that at `height` (m) above the displacement.

    At roof level u_H = u ln((H - d)/z0) / ln(z/z0); below times exp(-r/2 (1 - h/H)), and for r = H/W >= 1
    times 2/pi, for 0.5 <= r < 1 times 1 + 2 (2/pi - 1)(r - 1/2), the mean over all directions.
    """
    ratio, roof = parameters.height_to_width, parameters.roof_height
    top = wind * jnp.log((roof - town.displacement) / town.roughness) / jnp.log(height / town.roughness)
    turning = jnp.where(ratio < 1.0, 1.0 + 2.0 * (2.0 / math.pi - 1.0) * (ratio - 0.5), 2.0 / math.pi)
    turning = jnp.where(ratio < 0.5, 1.0, turning)
    return top * turning * jnp.exp(-0.5 * ratio * (1.0 - parameters.wind_height / roof))


def _virtual_difference(air: Air, lowered: Array, canyon: CanyonAir) -> Float[Array, " town"]:
    warmth = (lowered - canyon.temperature) * (1.0 + _VIRTUAL * air.humidity)
    return warmth + _VIRTUAL * air.potential_temperature * (air.humidity - canyon.humidity)


def _conductances(
    profile: Profiles, along: Array, density: Array, surface: TownSurface, canyon: CanyonAir
) -> _Conductances:
    """Conductances of a pass; surfaces that dew forms on are wet all over."""
    friction = profile.friction_velocity
    speed = jnp.sqrt(along * along + friction * friction)
    resistance = HEAT_CAPACITY_AIR * density / (_CALM_TRANSFER + _WIND_TRANSFER * speed)
    ponds = jnp.asarray([row in (Surface.ROOF, Surface.IMPERVIOUS_ROAD) for row in Surface])
    dew = (canyon.humidity > surface.humidity) & ponds[:, None]
    return _Conductances(
        above_heat=profile.heat * friction,
        above_moisture=profile.moisture * friction,
        surface=1.0 / resistance,
        wet=jnp.where(dew, 1.0, surface.wet_share),
    )


def _canyon_air(
    areas: Array, air: Air, lowered: Array, surface: TownSurface, conductance: _Conductances
) -> CanyonAir:
    heat, moisture = lowered * conductance.above_heat, air.humidity * conductance.above_moisture
    heat_weight, moisture_weight = conductance.above_heat, conductance.above_moisture
    for row in Surface:
        weight = areas[row] * conductance.surface
        heat = heat + surface.temperature[row] * weight
        heat_weight = heat_weight + weight
        wet = conductance.wet[row] * weight
        moisture = moisture + surface.humidity[row] * wet
        moisture_weight = moisture_weight + wet
    return CanyonAir(heat / heat_weight, moisture / moisture_weight)


def _restabilised(
    air: Air,
    lowered: Array,
    canyon: CanyonAir,
    wind: Array,
    virtual: Array,
    height: Array,
    profile: Profiles,
) -> Stability:
    scale = profile.heat * (lowered - canyon.temperature) * (1.0 + _VIRTUAL * air.humidity)
    moisture = profile.moisture * (air.humidity - canyon.humidity)
    scale = scale + _VIRTUAL * air.potential_temperature * moisture
    return next_stability(wind, profile.friction_velocity, scale, virtual, height)


def _fluxes(
    areas: Array,
    air: Air,
    density: Array,
    surface: TownSurface,
    canyon: CanyonAir,
    conductance: _Conductances,
    friction: Array,
    resistance: Array,
) -> UrbanFluxes:
    """Fluxes from the conductances of the last pass.

    What evaporates off the pervious road comes out of its soil, but dew, snow and a road without water.
    """
    heat = conductance.surface
    moisture = conductance.wet * heat
    vapour = density * moisture * (surface.humidity - canyon.humidity)
    road = vapour[Surface.PERVIOUS_ROAD]
    on_surface = (
        (canyon.humidity > surface.humidity[Surface.PERVIOUS_ROAD])
        | (surface.snow_fraction[Surface.PERVIOUS_ROAD] > 0.0)
        | (surface.road_humidity <= 0.0)
    )
    others_heat, others_moisture = (
        _others(areas * conductances, above)
        for conductances, above in (
            (jnp.broadcast_to(heat, areas.shape), conductance.above_heat),
            (moisture, conductance.above_moisture),
        )
    )
    saturated = saturation(canyon.temperature, air.pressure).humidity
    return UrbanFluxes(
        air=canyon,
        sensible=density * HEAT_CAPACITY_AIR * heat * (surface.temperature - canyon.temperature),
        evaporation=vapour.at[Surface.PERVIOUS_ROAD].set(jnp.where(on_surface, road, 0.0)),
        transpiration=jnp.where(on_surface, 0.0, road),
        sensible_derivative=density * HEAT_CAPACITY_AIR * heat * others_heat,
        evaporation_derivative=density * moisture * others_moisture * surface.humidity_slope,
        friction_velocity=friction,
        momentum_resistance=resistance,
        eastward_stress=-density * air.eastward_wind / resistance,
        northward_stress=-density * air.northward_wind / resistance,
        relative_humidity=jnp.minimum(100.0, canyon.humidity / saturated * 100.0),
    )


def _others(weights: Float[Array, "surface town"], above: Float[Array, " town"]) -> Array:
    """Share of all other conductances in the total, for each surface."""
    total = above
    for row in Surface:
        total = total + weights[row]
    rows = []
    for row in Surface:
        rest = above
        for other in Surface:
            rest = rest + (weights[other] if other != row else 0.0)
        rows.append(rest / total)
    return jnp.stack(rows)
