"""What land ice and wetlands tell beside their step: history fields, budgets, values for running means."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.ground_state import layered_snow_fraction
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.fields import FIELDS, Field
from kiloland.land.full_inputs import Surroundings
from kiloland.land.full_means import PatchValues
from kiloland.land.full_other_fields import (
    MEAN_FIELDS,
    NO_BUILDINGS,
    NO_CANOPY,
    NO_SOIL_WATER,
    NO_STREETS,
    SNOW_FIELDS,
    WEATHER_FIELDS,
    column_field,
    nothing,
    patch_field,
)
from kiloland.land.ice_step import IceOutput, stored_water
from kiloland.land.ledger import Budget, heat_budget
from kiloland.land.snow_ledger import SnowFlow, snow_budget
from kiloland.land.state import LandState
from kiloland.land.step import Settings

_SHARED = (
    *("FSA", "FSR", "FSRVD", "FSRND", "FSRVI", "FSRNI", "ERRSOL", "COSZEN", "ALBD", "ALBI"),
    *("ALBGRD", "ALBGRI", "TG", "TSOI", "SOILLIQ", "SOILICE", "H2OSOI", "H2OSNO", "SNOWLIQ", "SNOWICE"),
    *("SNOW_DEPTH", "FSNO", "FSNO_EFF", "INT_SNOW", "TH2OSFC", "QSNOMELT", "FSM", "ERRSOI", "SABG"),
)
"""Fields that are made as those of soil columns."""

ICE_FIELDS: dict[str, Field] = {
    **WEATHER_FIELDS,
    **MEAN_FIELDS,
    **SNOW_FIELDS,
    **nothing((*NO_SOIL_WATER, *NO_BUILDINGS), (*NO_CANOPY, *NO_STREETS, "BTRAN")),
    **{name: FIELDS[name] for name in _SHARED},
    "FSH": patch_field(lambda c, o: o.fluxes.update.sensible),
    "FSH_G": patch_field(lambda c, o: o.fluxes.update.sensible),
    "EFLX_LH_TOT": patch_field(lambda c, o: o.fluxes.update.latent),
    "FGEV": patch_field(lambda c, o: o.fluxes.update.latent),
    "QSOIL": patch_field(lambda c, o: o.fluxes.update.evaporation),
    "QFLX_EVAP_TOT": patch_field(lambda c, o: o.fluxes.update.evaporation),
    "QFLX_EVAP_GRND": patch_field(lambda c, o: o.fluxes.update.liquid_evaporation),
    "QFLX_SUB_SNOW": patch_field(lambda c, o: o.fluxes.update.sublimation),
    "QFLX_DEW_GRND": patch_field(lambda c, o: o.fluxes.update.dew),
    "QFLX_DEW_SNOW": patch_field(lambda c, o: o.fluxes.update.frost),
    "FIRE": patch_field(lambda c, o: o.fluxes.longwave_up),
    "FIRA": patch_field(lambda c, o: o.fluxes.longwave_up - c.weather.longwave_down),
    "FGR": patch_field(lambda c, o: o.fluxes.ground_heat),
    "TAUX": patch_field(lambda c, o: o.exchange.turbulence.eastward_stress),
    "TAUY": patch_field(lambda c, o: o.exchange.turbulence.northward_stress),
    "TSA": patch_field(lambda c, o: o.exchange.turbulence.screen_temperature),
    "Q2M": patch_field(lambda c, o: o.exchange.turbulence.screen_humidity),
    "RAM1": patch_field(lambda c, o: o.exchange.turbulence.momentum_resistance),
    "FV": patch_field(lambda c, o: o.exchange.turbulence.friction_velocity),
    "TV": patch_field(lambda c, o: c.state.patch.leaf_temperature),
    "QDRIP": patch_field(lambda c, o: c.weather.rain + c.weather.snow),
    "QSNWCPLIQ": patch_field(lambda c, o: c.weather.rain - o.precipitation.rain),
    "ERRSEB": patch_field(lambda c, o: o.fluxes.ground_heat - o.heat.budget.surface),
    "QRGWL": column_field(lambda c, o: o.water.runoff),
    "QRUNOFF": column_field(lambda c, o: o.water.runoff),
    "QSNWCPICE": column_field(lambda c, o: o.water.ice_runoff),
    "TWS": column_field(lambda c, o: stored_water(c.state.column)),
}
"""Fields of land ice and wetlands, by ELM's name."""


def ice_budgets(
    before: LandState,
    after: LandState,
    output: IceOutput,
    surroundings: Surroundings,
    settings: Settings,
) -> tuple[Budget, ...]:
    """Heat, radiation, surface, water and snow, in the order of the ledger.

    The surface takes the sunlight that the heat of the ground counts: that in the layers of snow now, which
    are others than those of the albedos where snow has fallen since.
    """
    weather, fluxes, light = surroundings.weather, output.fluxes, output.radiation
    share, ground = layered_snow_fraction(output.heat.state), output.radiation.ground
    absorbed = share * sum_rows(ground.absorbed_by_layer) + (1.0 - share) * ground.absorbed_by_soil
    net = absorbed + weather.longwave_down - fluxes.longwave_up
    left = net - fluxes.update.sensible - fluxes.update.latent
    settled = light.absorbed + light.reflected
    fallen = (weather.rain + weather.snow) * settings.timestep
    lost = fluxes.update.evaporation + output.water.runoff + output.water.ice_runoff
    entering = stored_water(before.column) + fallen
    found = stored_water(after.column) + lost * settings.timestep
    entered = output.heat.budget.surface
    return (
        heat_budget(output.heat),
        Budget(settled + light.balance_error, settled, light.balance_error),
        Budget(left, entered, left - entered),
        Budget(entering, found, found - entering),
        snow_budget(_snow_flow(before, after, output), settings.timestep),
    )


def _snow_flow(before: LandState, after: LandState, output: IceOutput) -> SnowFlow:
    """Nothing stands on ice and wetlands that could freeze onto the snow."""
    fallen, update, snow = output.precipitation, output.fluxes.update, output.snow
    return SnowFlow(
        before=before.column.snow_water,
        after=after.column.snow_water,
        snowfall=jnp.where(fallen.capped, 0.0, fallen.snowfall),
        frozen_pond=jnp.zeros_like(fallen.snowfall),
        exchange=SnowSurfaceWater(
            sublimation=update.sublimation,
            evaporation=update.liquid_evaporation,
            frost=update.frost,
            dew=update.dew,
            rain=fallen.rain,
        ),
        covered=layered_snow_fraction(output.heat.state),
        capped=fallen.capped,
        layerless_melt=output.heat.phase.layerless_melt + fallen.melted_on_contact,
        outflow=snow.outflow,
        ground_debt=snow.ground_debt,
        lost_layers=snow.liquid_to_ground + snow.ice_to_ground,
    )


def ice_values(state: LandState, output: IceOutput) -> PatchValues:
    """What the running means take; nothing stands here that could lack water."""
    none: Float[Array, " patch"] = jnp.zeros_like(state.patch.screen_temperature)
    return PatchValues(
        screen_temperature=state.patch.screen_temperature,
        leaf_temperature=state.patch.leaf_temperature,
        sunlit_fraction=none,
        leaf_area=none,
        water_stress=none,
    )
