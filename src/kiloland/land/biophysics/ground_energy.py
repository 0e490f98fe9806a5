"""Energy of the ground surface: the heat that enters it, and its fluxes after the temperatures changed.

Everything here is per patch; averages over the patches of a column enter the heat balance.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.bare_ground_fluxes import TurbulentFluxes
from kiloland.land.biophysics.constants import FREEZING_POINT, STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.pytree import pytree_dataclass


@pytree_dataclass
class GroundRadiation:
    """Radiation that reaches the ground of each patch, W m-2."""

    absorbed_soil: Float[Array, " patch"]
    """Sunlight absorbed by soil or pond, per area of it (ELM `sabg_soil`)."""
    absorbed_snow_top: Float[Array, " patch"]
    """Sunlight absorbed by the uppermost snow layer, per area of snow; by the whole ground without layers."""
    absorbed_layer: Float[Array, "snow1 patch"]
    """Sunlight absorbed by each snow layer and the ground below, per area of snow (`sabg_lyr`)."""
    longwave_down: Float[Array, " patch"]
    """Absorbed: emissivity times the sky's where no vegetation stands, else what the canopy sends down."""


@pytree_dataclass
class SurfaceUpdate:
    """Fluxes of the ground over the whole step, with the answer of the surface temperature."""

    sensible: Float[Array, " patch"]
    """W m-2, upwards."""
    evaporation: Float[Array, " patch"]
    """kg m-2 s-1, upwards."""
    evaporation_snow: Float[Array, " patch"]
    evaporation_soil: Float[Array, " patch"]
    evaporation_pond: Float[Array, " patch"]
    latent: Float[Array, " patch"]
    """W m-2, upwards."""
    liquid_evaporation: Float[Array, " patch"]
    """From liquid water of the uppermost layer, kg m-2 s-1 (ELM `qflx_evap_grnd`)."""
    sublimation: Float[Array, " patch"]
    """From its ice (`qflx_sub_snow`)."""
    dew: Float[Array, " patch"]
    """Condensation as liquid (`qflx_dew_grnd`)."""
    frost: Float[Array, " patch"]
    """Condensation as ice (`qflx_dew_snow`)."""


def surface_heat(radiation: GroundRadiation, ground: GroundSurface, fluxes: TurbulentFluxes) -> SurfaceHeat:
    """Heat into snow, soil and pond of each patch before the temperatures answer (ELM `hs_*`, `dhsdT`).

    h_x = sun_x + longwave - emg sigma T_x^4 - (H_x + L E_x), and the common derivative
    -(dH/dT + L dE/dT) - 4 emg sigma T_g^3. `ground` has the axis of the patches here.
    """

    def into(sun: Array, temperature: Array, sensible: Array, evaporation: Array) -> Array:
        emitted = ground.emissivity * STEFAN_BOLTZMANN * _fourth_power(temperature)
        return sun + radiation.longwave_down - emitted - (sensible + evaporation * ground.latent_heat)

    return SurfaceHeat(
        snow=into(
            radiation.absorbed_snow_top,
            ground.snow_temperature,
            fluxes.sensible_snow,
            fluxes.evaporation_snow,
        ),
        soil=into(
            radiation.absorbed_soil, ground.soil_temperature, fluxes.sensible_soil, fluxes.evaporation_soil
        ),
        pond=into(
            radiation.absorbed_soil, ground.pond_temperature, fluxes.sensible_pond, fluxes.evaporation_pond
        ),
        derivative=surface_derivative(ground, fluxes),
        absorbed=radiation.absorbed_layer,
    )


def split_heat(
    net: Float[Array, " patch"],
    derivative: Float[Array, " patch"],
    sensible_derivative: Float[Array, " patch"],
    evaporation_derivative: Float[Array, " patch"],
    absorbed: Float[Array, " patch"],
    radiation: GroundRadiation,
    ground: GroundSurface,
) -> SurfaceHeat:
    """Heat into snow, soil and pond of each patch from the heat into their mean, before temperatures answer.

    The parts differ from the mean by the sunlight they absorb, by what they emit, and by the turbulent
    fluxes that follow from their own temperature T_x and humidity q_x:
    h_x = h + (sun_x - sun) - emg sigma (T_x^4 - T_g^4) - H' (T_x - T_g) - L E' / (dq_g/dT) (q_x - q_g).

    Arguments: heat into the mean surface and its derivative (ELM `EFLX_GNET`, `DGNETDT`); derivatives of
    sensible heat and evaporation (`CGRNDS`, `CGRNDL`); sunlight absorbed by the ground as a whole.
    """
    conductance = evaporation_derivative / ground.humidity_slope

    def into(sun: Array, temperature: Array, humidity: Array) -> Array:
        fourth = _fourth_power(temperature) - _fourth_power(ground.temperature)
        emitted = ground.emissivity * STEFAN_BOLTZMANN * fourth
        turbulent = sensible_derivative * (temperature - ground.temperature)
        turbulent = turbulent + ground.latent_heat * conductance * (humidity - ground.humidity)
        return net + (sun - absorbed) - emitted - turbulent

    return SurfaceHeat(
        snow=into(radiation.absorbed_snow_top, ground.snow_temperature, ground.snow_humidity),
        soil=into(radiation.absorbed_soil, ground.soil_temperature, ground.soil_humidity),
        pond=into(radiation.absorbed_soil, ground.pond_temperature, ground.pond_humidity),
        derivative=derivative,
        absorbed=radiation.absorbed_layer,
    )


def surface_derivative(ground: GroundSurface, fluxes: TurbulentFluxes) -> Float[Array, " patch"]:
    """Change of the heat into the ground with ground temperature, W m-2 K-1 (ELM `DGNETDT`)."""
    turbulent = fluxes.sensible_derivative + ground.latent_heat * fluxes.evaporation_derivative
    cubed = ground.temperature * ground.temperature * ground.temperature
    return -turbulent - 4.0 * ground.emissivity * STEFAN_BOLTZMANN * cubed


def net_ground_heat(
    absorbed: Float[Array, " patch"],
    longwave_down: Float[Array, " patch"],
    ground: GroundSurface,
    fluxes: TurbulentFluxes,
) -> Float[Array, " patch"]:
    """Heat into the mean ground surface before the temperatures answer, W m-2 (ELM `EFLX_GNET`)."""
    emitted = ground.emissivity * STEFAN_BOLTZMANN * _fourth_power(ground.temperature)
    return absorbed + longwave_down - emitted - (fluxes.sensible + fluxes.evaporation * ground.latent_heat)


def update_surface_fluxes(
    ground: GroundSurface,
    fluxes: TurbulentFluxes,
    warming: Float[Array, " patch"],
    evaporation_scale: Float[Array, " patch"],
    top_liquid: Float[Array, " patch"],
    top_ice: Float[Array, " patch"],
    new_temperature: Float[Array, " patch"],
) -> SurfaceUpdate:
    """Fluxes after the ground warmed by `warming` K (ELM `SoilFluxes`).

    H += dH/dT dT, E += dE/dT dT. Positive evaporation is scaled by `evaporation_scale` (see
    `evaporation_limit`), the heat that saves goes to sensible heat. Evaporation from snow or, without snow
    layers, soil is shared between liquid and ice of the uppermost layer (kg m-2 at the end of the heat
    step); condensation is frost where the new ground temperature is below freezing.
    """
    answer = warming * fluxes.evaporation_derivative
    potential = fluxes.evaporation + answer
    scale = jnp.where(potential > 0.0, evaporation_scale, 1.0)
    evaporation = potential * scale
    sensible = fluxes.sensible + warming * fluxes.sensible_derivative
    sensible = sensible + (potential - evaporation) * ground.latent_heat
    from_snow = (fluxes.evaporation_snow + answer) * scale

    total = top_liquid + top_ice
    share = jnp.where(total > 0.0, top_liquid / jnp.where(total > 0.0, total, 1.0), 0.0)
    upward = jnp.maximum(from_snow, 0.0)
    downward = jnp.maximum(-from_snow, 0.0)
    liquid = jnp.maximum(upward * share, 0.0)
    freezing = new_temperature < FREEZING_POINT
    return SurfaceUpdate(
        sensible=sensible,
        evaporation=evaporation,
        evaporation_snow=from_snow,
        evaporation_soil=(fluxes.evaporation_soil + answer) * scale,
        evaporation_pond=(fluxes.evaporation_pond + answer) * scale,
        latent=ground.latent_heat * evaporation,
        liquid_evaporation=liquid,
        sublimation=upward - liquid,
        dew=jnp.where(freezing, 0.0, downward),
        frost=jnp.where(freezing, downward, 0.0),
    )


def evaporation_limit(
    column_evaporation: Float[Array, " column"],
    top_liquid: Float[Array, " column"],
    top_ice: Float[Array, " column"],
    timestep: float,
) -> Float[Array, " column"]:
    """Share of the evaporation that the uppermost layer can supply within the step, 0..1.

    `column_evaporation` is the average over the patches of max(E, 0), kg m-2 s-1; water in kg m-2.
    """
    supply = jnp.maximum((top_liquid + top_ice) / timestep, 0.0)
    short = column_evaporation > supply
    return jnp.where(short, supply / jnp.where(short, column_evaporation, 1.0), 1.0)


def _fourth_power(value: Array) -> Array:
    square = value * value
    return square * square
