"""Energy at the surfaces of a town: heat that enters them, and their fluxes after the temperatures changed.

CLM4 urban technical note (Oleson et al. 2010), chapters 3 and 4; ELM `SoilTemperature`, `SoilFluxes`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import (
    FREEZING_POINT,
    LATENT_HEAT_VAPORISATION,
    STEFAN_BOLTZMANN,
)
from kiloland.land.biophysics.ground_energy import evaporation_limit
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.urban_fluxes import UrbanFluxes
from kiloland.land.biophysics.urban_hydrology import SurfaceExchange
from kiloland.land.biophysics.urban_radiation import UrbanRadiation
from kiloland.land.biophysics.urban_surface import TownSurface
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.urban_town import Surface, UrbanParameters, by_column, by_surface, surface_areas
from kiloland.land.vertical import SNOW_LAYERS


@pytree_dataclass
class AddedHeat:
    """Heat that people add to roads, W m-2 of each surface."""

    cooling: Float[Array, "surface town"]
    """What air conditioning takes out of the buildings (ELM `HEAT_FROM_AC`)."""
    traffic: Float[Array, "surface town"]


@pytree_dataclass
class UrbanAnswer:
    """Fluxes of the whole step, upwards, with the answer of the surface temperatures."""

    sensible: Float[Array, "surface town"]
    """W m-2."""
    evaporation: Float[Array, "surface town"]
    """Of the surface, kg m-2 s-1."""
    latent: Float[Array, "surface town"]
    """With what evaporates out of the pervious road, W m-2."""
    longwave_up: Float[Array, "surface town"]
    longwave_net: Float[Array, "surface town"]
    into_ground: Float[Array, "surface town"]
    """Heat that entered, W m-2 (`EFLX_SOIL_GRND`)."""
    exchange: SurfaceExchange
    """How the uppermost layer took part."""


def heat_of_people(
    parameters: UrbanParameters, cooling: Float[Array, "surface town"], *, traffic: bool
) -> AddedHeat:
    """Heat on the roads: what air conditioning of the last step took out of roofs and walls, and traffic.

    Cooling: sum of a |Q| over roofs and walls of areas a, spread over the canyon's floor, 1/(1 - w_r).
    Traffic: (1 - p)(3.6 (H/W - 0.5) + 1) of the road (Sailor and Lu 2004); none by default.
    """
    areas = surface_areas(parameters)
    total = jnp.zeros_like(parameters.roof_share)
    for row in (Surface.ROOF, Surface.SUNLIT_WALL, Surface.SHADED_WALL):
        total = total + areas[row] * jnp.abs(cooling[row])
    roads = jnp.asarray([row >= Surface.IMPERVIOUS_ROAD for row in Surface])[:, None]
    moving = (1.0 - parameters.pervious_share) * (3.6 * (parameters.height_to_width - 0.5) + 1.0)
    return AddedHeat(
        cooling=jnp.where(roads, total / (1.0 - parameters.roof_share), 0.0),
        traffic=jnp.where(roads, moving, 0.0) if traffic else jnp.zeros_like(cooling),
    )


def heat_into_surfaces(
    parameters: UrbanParameters,
    surface: TownSurface,
    radiation: UrbanRadiation,
    fluxes: UrbanFluxes,
    added: AddedHeat,
) -> tuple[Float[Array, "surface town"], Float[Array, "surface town"]]:
    """Heat into each surface before the temperatures answer, W m-2, and its derivative, W m-2 K-1.

    sunlight - net longwave - H - L E (- L_v E out of the road) + heat of people; the derivative is
    -H' - L E' - 4 e sigma T^3 with the emissivity of the bare material.
    """
    net = radiation.absorbed - radiation.longwave_net
    net = net - (fluxes.sensible + fluxes.evaporation * surface.latent_heat)
    net = net.at[Surface.PERVIOUS_ROAD].add(-fluxes.transpiration * LATENT_HEAT_VAPORISATION)
    cubed = surface.temperature * surface.temperature * surface.temperature
    turbulent = fluxes.sensible_derivative + fluxes.evaporation_derivative * surface.latent_heat
    derivative = -turbulent - 4.0 * parameters.emissivity * STEFAN_BOLTZMANN * cubed
    return net + added.cooling + added.traffic, derivative


def answer_of_temperature(
    parameters: UrbanParameters,
    surface: TownSurface,
    radiation: UrbanRadiation,
    fluxes: UrbanFluxes,
    added: AddedHeat,
    state: GroundState,
    new_temperature: Float[Array, "surface town"],
    timestep: float,
) -> UrbanAnswer:
    """Fluxes after the surfaces warmed; `state` is that at the end of the heat step.

    H += H' dT, E += E' dT; evaporation above the water of the uppermost layer is cut and its heat given to H.
    Longwave grows by 4 e sigma T^3 dT.
    """
    warming = new_temperature - surface.temperature
    potential = fluxes.evaporation + warming * fluxes.evaporation_derivative
    liquid, ice = (_top(values, state) for values in (state.liquid_water, state.ice))
    scale = by_surface(evaporation_limit(by_column(potential), liquid, ice, timestep))
    evaporation = potential * scale
    sensible = fluxes.sensible + warming * fluxes.sensible_derivative
    sensible = sensible + (potential - evaporation) * surface.latent_heat
    latent = surface.latent_heat * evaporation
    road = fluxes.transpiration * LATENT_HEAT_VAPORISATION
    latent = latent.at[Surface.PERVIOUS_ROAD].add(road)
    cubed = surface.temperature * surface.temperature * surface.temperature
    more = 4.0 * parameters.emissivity * STEFAN_BOLTZMANN * cubed * warming
    net = radiation.longwave_net + more
    return UrbanAnswer(
        sensible=sensible,
        evaporation=evaporation,
        latent=latent,
        longwave_up=radiation.longwave_up + more,
        longwave_net=net,
        into_ground=radiation.absorbed - net - sensible - latent + added.cooling + added.traffic,
        exchange=_exchange(evaporation, liquid, ice, new_temperature),
    )


def _exchange(
    evaporation: Float[Array, "surface town"],
    liquid: Float[Array, " column"],
    ice: Float[Array, " column"],
    temperature: Float[Array, "surface town"],
) -> SurfaceExchange:
    """Evaporation shared between liquid and ice of the uppermost layer; frost forms below freezing."""
    upward, downward = (jnp.maximum(by_column(sign * evaporation), 0.0) for sign in (1.0, -1.0))
    total = liquid + ice
    share = jnp.where(total > 0.0, liquid / jnp.where(total > 0.0, total, 1.0), 0.0)
    of_liquid = jnp.maximum(upward * share, 0.0)
    cold = by_column(temperature) < FREEZING_POINT
    return SurfaceExchange(
        evaporation=of_liquid,
        sublimation=upward - of_liquid,
        dew=jnp.where(cold, 0.0, downward),
        frost=jnp.where(cold, downward, 0.0),
    )


def _top(values: Float[Array, "total column"], state: GroundState) -> Float[Array, " column"]:
    row = (SNOW_LAYERS + state.snow_index)[None, :]
    return jnp.take_along_axis(values, row, axis=0)[0]
