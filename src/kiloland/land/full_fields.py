"""History fields of a step of water and energy: states, radiation, weather and all its fluxes."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION
from kiloland.land.fields import FIELDS, Field, FieldContext
from kiloland.land.full_ledger import all_water
from kiloland.land.full_other_fields import NO_BUILDINGS, NO_STREETS, SNOW_FIELDS, nothing
from kiloland.land.full_step import FullOutput
from kiloland.land.subgrid import patch_to_column

Value = Callable[[FieldContext, FullOutput], Float[Array, "..."]]


def _output(context: FieldContext) -> FullOutput:
    output: FullOutput = context.output  # type: ignore[assignment]
    return output


def _column(value: Value) -> Field:
    return Field(False, lambda context: value(context, _output(context)))


def _patch(value: Value) -> Field:
    return Field(True, lambda context: value(context, _output(context)))


def _runoff(context: FieldContext, output: FullOutput) -> Float[Array, " column"]:
    """All liquid water that leaves the column."""
    water, drained = output.water, output.water.drained
    total = water.surface.surface_runoff + water.surface.pond_outflow
    total = total + drained.base_drainage + drained.perched_drainage
    return total + patch_to_column(output.precipitation.canopy.capped_rain, context.constants.index)


def _evaporated_from_canopy(_: FieldContext, output: FullOutput) -> Float[Array, " patch"]:
    canopy = output.exchange.canopy
    return canopy.evaporation - canopy.transpiration


def water_stress(output: FullOutput) -> Float[Array, " patch"]:
    """Water stress of plants, 1 for none; 0 where no vegetation stands above the snow."""
    exposed = output.exchange.canopy.emissivity > 0.0
    return jnp.where(exposed, output.exchange.stress.factor, 0.0)


def _throughfall(_: FieldContext, output: FullOutput) -> Float[Array, " patch"]:
    """All that falls below the canopy, also what a full snowpack sheds."""
    canopy = output.precipitation.canopy
    return canopy.rain_to_ground + canopy.snow_to_ground + canopy.capped_rain + canopy.capped_snow


def _energy_error(_: FieldContext, output: FullOutput) -> Float[Array, " patch"]:
    """Absorbed sunlight + net longwave - sensible - latent - ground heat, W m-2."""
    fluxes, radiation = output.fluxes, output.radiation
    sky = output.exchange.sky
    return (
        radiation.absorbed
        + sky
        - fluxes.longwave_up
        - fluxes.sensible
        - fluxes.latent
        - _ground_heat(_, output)
    )


def _ground_heat(_: FieldContext, output: FullOutput) -> Float[Array, " patch"]:
    return output.radiation.ground.absorbed + output.fluxes.ground_heat


def _shed_ice(context: FieldContext, output: FullOutput) -> Float[Array, " column"]:
    """Snow and frost that a full pack does not take, and ice that the soil cannot hold."""
    shed, update = output.precipitation.canopy.capped_snow, output.fluxes.update
    ground, index = output.heat.state, context.constants.index
    full = output.precipitation.capped & (ground.snow_index < 0)
    frost = jnp.where(full, patch_to_column(update.frost, index) * ground.effective_snow_fraction, 0.0)
    return patch_to_column(shed, index) + frost + output.water.drained.ice_runoff


FULL_FIELDS: dict[str, Field] = {
    **FIELDS,
    # exchange with the atmosphere
    "FSH": _patch(lambda c, o: o.fluxes.sensible),
    "FSH_G": _patch(lambda c, o: o.fluxes.update.sensible),
    "FSH_V": _patch(lambda c, o: o.exchange.canopy.sensible),
    "EFLX_LH_TOT": _patch(lambda c, o: o.fluxes.latent),
    "FGEV": _patch(lambda c, o: o.fluxes.update.latent),
    "FCEV": _patch(lambda c, o: LATENT_HEAT_VAPORISATION * _evaporated_from_canopy(c, o)),
    "FCTR": _patch(lambda c, o: LATENT_HEAT_VAPORISATION * o.exchange.canopy.transpiration),
    "QSOIL": _patch(lambda c, o: o.fluxes.update.evaporation),
    "QVEGE": _patch(_evaporated_from_canopy),
    "QVEGT": _patch(lambda c, o: o.exchange.canopy.transpiration),
    "QFLX_EVAP_TOT": _patch(lambda c, o: o.fluxes.evaporation),
    "QFLX_EVAP_GRND": _patch(lambda c, o: o.fluxes.update.liquid_evaporation),
    "QFLX_SUB_SNOW": _patch(lambda c, o: o.fluxes.update.sublimation),
    "QFLX_DEW_GRND": _patch(lambda c, o: o.fluxes.update.dew),
    "QFLX_DEW_SNOW": _patch(lambda c, o: o.fluxes.update.frost),
    "FIRE": _patch(lambda c, o: o.fluxes.longwave_up),
    "FIRA": _patch(lambda c, o: o.fluxes.longwave_up - o.exchange.sky),
    "FGR": _patch(_ground_heat),
    "TAUX": _patch(lambda c, o: o.exchange.turbulence.eastward_stress),
    "TAUY": _patch(lambda c, o: o.exchange.turbulence.northward_stress),
    "TSA": _patch(lambda c, o: o.exchange.turbulence.screen_temperature),
    "Q2M": _patch(lambda c, o: o.exchange.turbulence.screen_humidity),
    "RAM1": _patch(lambda c, o: o.exchange.turbulence.momentum_resistance),
    "FV": _patch(lambda c, o: o.exchange.turbulence.friction_velocity),
    "CGRNDS": _patch(lambda c, o: o.exchange.turbulence.sensible_derivative),
    "CGRNDL": _patch(lambda c, o: o.exchange.turbulence.evaporation_derivative),
    "ERRSEB": _patch(_energy_error),
    # canopy
    "TV": _patch(lambda c, o: c.state.patch.leaf_temperature),
    "T10": _patch(lambda c, o: c.state.patch.ten_day_temperature),
    "BTRAN": _patch(lambda c, o: water_stress(o)),
    "FPSN": _patch(lambda c, o: o.exchange.canopy.photosynthesis),
    "H2OCAN": _patch(lambda c, o: c.state.patch.canopy_water),
    "FWET": _patch(lambda c, o: o.precipitation.canopy.wet_fraction),
    "FDRY": _patch(lambda c, o: o.precipitation.canopy.dry_fraction),
    "QINTR": _patch(lambda c, o: o.precipitation.canopy.intercepted),
    "QDRIP": _patch(_throughfall),
    "QFLX_RAIN_GRND": _patch(lambda c, o: o.precipitation.canopy.rain_to_ground),
    "QFLX_SNOW_GRND": _patch(lambda c, o: o.precipitation.canopy.snow_to_ground),
    "QSNWCPLIQ": _patch(lambda c, o: o.precipitation.canopy.capped_rain),
    "EMV": _patch(lambda c, o: o.exchange.canopy.emissivity),
    "DLRAD": _patch(lambda c, o: o.exchange.canopy.longwave_below),
    "TAF": _patch(lambda c, o: o.exchange.canopy.air_temperature),
    "QAF": _patch(lambda c, o: o.exchange.canopy.air_humidity),
    # soil water
    "QTOPSOIL": _column(lambda c, o: o.water.at_ground),
    "QINFL": _column(lambda c, o: o.water.surface.infiltration),
    "QOVER": _column(lambda c, o: o.water.surface.surface_runoff),
    "QH2OSFC": _column(lambda c, o: o.water.surface.pond_outflow),
    "QCHARGE": _column(lambda c, o: o.water.soil.recharge),
    "QDRAI": _column(lambda c, o: o.water.drained.base_drainage),
    "QDRAI_PERCH": _column(lambda c, o: o.water.drained.perched_drainage),
    "QRUNOFF": _column(_runoff),
    "FSAT": _column(lambda c, o: o.water.surface.saturated_fraction),
    "QRGWL": _patch(lambda c, o: o.precipitation.canopy.capped_rain),
    "ZWT": _column(lambda c, o: c.state.column.water_table),
    "ZWT_PERCH": _column(lambda c, o: c.state.column.perched_table),
    "FROST_TABLE": _column(lambda c, o: c.state.column.frost_table),
    "WA": _column(lambda c, o: c.state.column.aquifer_water),
    "TWS": _column(lambda c, o: all_water(c.state, c.constants.index)),
    # nothing that soil has
    **nothing(NO_BUILDINGS, ()),
    **{name: _patch(lambda c, o: jnp.zeros_like(o.fluxes.sensible)) for name in NO_STREETS},
    **SNOW_FIELDS,
    "QSNWCPICE": _column(_shed_ice),
    # Water that leaves layers of snow, melt and rain; the melt itself is in FSM.
    "QSNOMELT": _column(lambda c, o: c.state.column.snow_melt),
}
"""Every field of a run of water and energy, by ELM's name."""
