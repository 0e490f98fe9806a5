"""Balances of towns over a step: water and heat of each surface, radiation of each town."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.urban_energy import UrbanAnswer
from kiloland.land.biophysics.urban_fluxes import UrbanFluxes
from kiloland.land.biophysics.urban_hydrology import RoadWater
from kiloland.land.biophysics.urban_radiation import UrbanRadiation
from kiloland.land.biophysics.urban_snow import TownPrecipitation
from kiloland.land.biophysics.urban_temperature import UrbanHeat
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.step import Weather
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_town import Surface, UrbanParameters, by_column, by_surface, surface_areas
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class UrbanBudget:
    """Imbalances of a step, zero but for rounding where nothing else is said."""

    water: Float[Array, " column"]
    """kg m-2: precipitation less evaporation, runoff and change of storage."""
    heat: Float[Array, " column"]
    """W m-2: heat into the surface and from the room less storage and melt."""
    surface: Float[Array, " column"]
    """W m-2: the fluxes at the surface less the heat that entered."""
    sunlight: Float[Array, " town"]
    """W m-2 of the town. Reflections are followed until 1e-5 of the light is absorbed in a pass, so up to
    about that share is missing."""
    longwave: Float[Array, " town"]
    """W m-2 of the town; up to about 1e-3 is missing for the same reason."""


def urban_budget(
    before: UrbanState,
    after: UrbanState,
    weather: Weather,
    parameters: UrbanParameters,
    sky: TownPrecipitation,
    radiation: UrbanRadiation,
    answer: UrbanAnswer,
    fluxes: UrbanFluxes,
    heat: UrbanHeat,
    road: RoadWater,
    runoff: Float[Array, " column"],
    timestep: float,
) -> UrbanBudget:
    """All balances of a step."""
    drained = road.base_drainage + road.drained.perched_drainage + road.drained.ice_runoff
    lost = answer.evaporation.at[Surface.PERVIOUS_ROAD].add(fluxes.transpiration + drained)
    flow = sky.rain + sky.snow - by_column(lost) - runoff
    flow = flow - _capped_gain(before, sky, answer)
    incoming = (weather.shortwave_direct + weather.shortwave_diffuse).sum(axis=0)
    areas = surface_areas(parameters)
    sunlight = incoming - _of_town(radiation.absorbed + radiation.reflected, areas)
    longwave = _of_town(radiation.longwave_up - radiation.longwave_net, areas) - weather.longwave_down
    return UrbanBudget(
        water=flow * timestep - (stored_water(after) - stored_water(before)),
        heat=heat.budget.residual,
        surface=by_column(answer.into_ground) - heat.budget.surface,
        sunlight=sunlight,
        longwave=-longwave,
    )


def stored_water(state: UrbanState) -> Float[Array, " column"]:
    """Water of each column, kg m-2: snow, ground and, below pervious roads, the aquifer."""
    total = state.snow_water
    for row in range(SNOW_LAYERS, state.liquid_water.shape[0]):
        total = total + (state.liquid_water[row] + state.ice[row])
    aquifer = jnp.zeros_like(by_surface(total)).at[Surface.PERVIOUS_ROAD].set(state.aquifer_water)
    return total + by_column(aquifer)


def _capped_gain(before: UrbanState, sky: TownPrecipitation, answer: UrbanAnswer) -> Float[Array, " column"]:
    """Dew and frost that a capped pack does not keep, kg m-2 s-1."""
    shed = sky.capped & (before.snow_index < 0)
    return jnp.where(shed, answer.exchange.dew + answer.exchange.frost, 0.0)


def _of_town(values: Float[Array, "surface town"], areas: Float[Array, "surface town"]) -> Array:
    total = jnp.zeros_like(values[0])
    for row in Surface:
        total = total + areas[row] * values[row]
    return total
