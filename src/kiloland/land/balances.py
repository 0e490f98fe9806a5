"""The budgets of a step: what enters, what leaves, what is stored, and what is left over.

Pure functions of plain arrays, one value a column or a patch, whoever computed them. Every function gives a
:class:`Balance` with ``error = stored - (entering - leaving)``; the budgets of radiation and of surfaces
store nothing. ELM's own errors (`BalanceCheckMod`) are the same numbers: `ERRH2O` = error, `ERRH2OSNO` =
error, `ERRSOL` = error, `ERRSEB` = -error, `ERRSOI` = -error.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.pytree import pytree_dataclass


@pytree_dataclass
class Balance:
    """One budget; kg m-2 of a step for water and snow, W m-2 for energy and radiation."""

    entering: Float[Array, " member"]
    leaving: Float[Array, " member"]
    stored: Float[Array, " member"]
    error: Float[Array, " member"]


@pytree_dataclass
class ColumnWater:
    """Water of columns, kg m-2.

    The aquifer counts on soil and below pervious roads; lakes, glaciers, wetlands, roofs and walls have none,
    and the water of a lake itself never changes.
    """

    ground_liquid: Float[Array, "ground column"]
    ground_ice: Float[Array, "ground column"]
    snow: Float[Array, " column"]
    """With or without layers."""
    pond: Float[Array, " column"]
    aquifer: Float[Array, " column"]
    canopy: Float[Array, " column"]
    """Mean over the patches."""


@pytree_dataclass
class WaterFluxes:
    """Water into and out of columns, kg m-2 s-1."""

    rain: Float[Array, " column"]
    """None falls on walls, as snow."""
    snow: Float[Array, " column"]
    evaporation: Float[Array, " column"]
    """All of it less dew, of canopies and ground (`QFLX_EVAP_TOT`)."""
    surface_runoff: Float[Array, " column"]
    """`QOVER`."""
    pond_outflow: Float[Array, " column"]
    """`QH2OSFC`."""
    base_drainage: Float[Array, " column"]
    """`QDRAI`."""
    perched_drainage: Float[Array, " column"]
    """`QDRAI_PERCH`."""
    capped_ice: Float[Array, " column"]
    """Ice that a full snowpack sheds (`QSNWCPICE`)."""
    excess: Float[Array, " column"]
    """Runoff of lakes, glaciers and wetlands, and liquid that a full snowpack sheds (`QRGWL`)."""


@pytree_dataclass
class SnowFluxes:
    """Water into and out of snow with layers, kg m-2 s-1 of the whole column.

    Rain, dew, frost, evaporation and sublimation count with the snow-covered fraction.
    """

    snowfall: Float[Array, " column"]
    """On the ground, less what falls into the pond."""
    rain: Float[Array, " column"]
    dew: Float[Array, " column"]
    """Liquid and frost."""
    frozen_pond: Float[Array, " column"]
    """Pond water that froze onto the snow."""
    evaporation: Float[Array, " column"]
    """Liquid and ice."""
    melt: Float[Array, " column"]
    """Water that leaves the lowest layer."""
    capped: Float[Array, " column"]
    """Liquid and ice that a full snowpack sheds."""
    lost_layers: Float[Array, " column"]
    """Water of a last layer that went to the soil."""


@pytree_dataclass
class SurfaceEnergy:
    """Energy at the surface of patches, W m-2."""

    canopy_shortwave: Float[Array, " patch"]
    """Absorbed (`SABV`)."""
    ground_shortwave: Float[Array, " patch"]
    """Absorbed (`SABG`; on glaciers ELM writes it with the snow-covered fraction, but its ground absorbs with
    the effective one)."""
    longwave_down: Float[Array, " patch"]
    """`FLDS`; in towns the net longwave goes here, with its sign turned, and nothing goes up."""
    longwave_up: Float[Array, " patch"]
    """`FIRE`."""
    sensible: Float[Array, " patch"]
    """Towards the air (`FSH_NODYNLNDUSE`)."""
    latent: Float[Array, " patch"]
    """Towards the air (`EFLX_LH_TOT`)."""
    into_ground: Float[Array, " patch"]
    """`EFLX_SOIL_GRND`."""
    human: Float[Array, " patch"]
    """Waste heat, air conditioning and traffic; 0 outside towns."""


@pytree_dataclass
class GroundHeatTerms:
    """Heat of the ground of columns, W m-2."""

    into_ground: Float[Array, " column"]
    """Mean of the patches."""
    warming: Float[Array, " column"]
    """Of snow, pond and ground layers."""
    phase_change: Float[Array, " column"]
    """Taken up by melting less released by freezing, of snow and ground."""
    pond_phase_change: Float[Array, " column"]
    """The same of the pond, less the heat that its ice carried into the snow."""


def total_water(water: ColumnWater) -> Float[Array, " column"]:
    """All water of each column, kg m-2 (`ENDWB`)."""
    ground = sum_rows(water.ground_liquid + water.ground_ice)
    return water.canopy + water.snow + water.pond + ground + water.aquifer


def water_balance(before: ColumnWater, after: ColumnWater, fluxes: WaterFluxes, timestep: float) -> Balance:
    """dW = (P - E - R) dt, with R all kinds of runoff and drainage."""
    runoff = fluxes.surface_runoff + fluxes.pond_outflow + fluxes.base_drainage + fluxes.perched_drainage
    leaving = fluxes.evaporation + runoff + fluxes.excess + fluxes.capped_ice
    return _balance(
        (fluxes.rain + fluxes.snow) * timestep, leaving * timestep, total_water(after) - total_water(before)
    )


def snow_balance(
    before: Float[Array, " column"],
    after: Float[Array, " column"],
    fluxes: SnowFluxes,
    layered: Bool[Array, " column"],
    timestep: float,
) -> Balance:
    """dS = (sources - sinks) dt of snow water S, kg m-2, where layers exist at the end of the step.

    Snow without layers shares its exchange with the soil and has no budget of its own: zero there.
    """
    sources = fluxes.snowfall + fluxes.rain + fluxes.dew + fluxes.frozen_pond
    sinks = fluxes.evaporation + fluxes.melt + fluxes.capped + fluxes.lost_layers
    found = _balance(sources * timestep, sinks * timestep, after - before)
    zero = jnp.zeros_like(after)
    return Balance(
        entering=jnp.where(layered, found.entering, zero),
        leaving=jnp.where(layered, found.leaving, zero),
        stored=jnp.where(layered, found.stored, zero),
        error=jnp.where(layered, found.error, zero),
    )


def ground_heat_balance(heat: GroundHeatTerms) -> Balance:
    """Heat into the ground = warming + phase change of snow, ground and pond."""
    stored = heat.warming + heat.phase_change + heat.pond_phase_change
    return _balance(heat.into_ground, jnp.zeros_like(stored), stored)


def canopy_energy_balance(
    shortwave: Float[Array, " patch"],
    longwave: Float[Array, " patch"],
    sensible: Float[Array, " patch"],
    latent: Float[Array, " patch"],
) -> Balance:
    """Absorbed light and net longwave of a canopy = its sensible and latent heat; leaves store nothing."""
    return _balance(shortwave + longwave, sensible + latent, jnp.zeros_like(shortwave))


def surface_energy_balance(energy: SurfaceEnergy) -> Balance:
    """Absorbed radiation = longwave up + sensible + latent + into the ground."""
    entering = energy.canopy_shortwave + energy.ground_shortwave + energy.longwave_down + energy.human
    leaving = energy.longwave_up + energy.sensible + energy.latent + energy.into_ground
    return _balance(entering, leaving, jnp.zeros_like(entering))


def shortwave_balance(
    incident: Float[Array, " patch"], absorbed: Float[Array, " patch"], reflected: Float[Array, " patch"]
) -> Balance:
    """Incident sunlight = absorbed + reflected; the absorbed part counts as stored."""
    return _balance(incident, reflected, absorbed)


def longwave_balance(
    down: Float[Array, " patch"], up: Float[Array, " patch"], net_up: Float[Array, " patch"]
) -> Balance:
    """Longwave up - down = the net longwave that the fluxes used."""
    return _balance(down, up, -net_up)


def _balance(
    entering: Float[Array, " member"], leaving: Float[Array, " member"], stored: Float[Array, " member"]
) -> Balance:
    return Balance(entering, leaving, stored, stored - (entering - leaving))
