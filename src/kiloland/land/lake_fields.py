"""What lakes tell beside their step: history fields, budgets, values for running means."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.fields import Field
from kiloland.land.full_inputs import Surroundings
from kiloland.land.full_means import PatchValues
from kiloland.land.full_other_fields import (
    MEAN_FIELDS,
    NO_BUILDINGS,
    NO_CANOPY,
    NO_SOIL_WATER,
    NO_STREETS,
    WEATHER_FIELDS,
    column_field,
    nothing,
    patch_field,
)
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import LakeConstants, LakeOutput, lake_step
from kiloland.land.ledger import Budget
from kiloland.land.step import Settings
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.variables import FILL_VALUE


def step_of_lakes(
    state: LakeState, surroundings: Surroundings, constants: LakeConstants, settings: Settings
) -> tuple[LakeState, LakeOutput]:
    """:func:`~kiloland.land.lake_step.lake_step` with the arguments that every kind of column has."""
    return lake_step(state, surroundings.weather, surroundings.deposition, constants, settings)


LAKE_AQUIFER = 5000.0
"""Water that ELM counts below every lake and never changes, kg m-2."""
LAKE_FIELDS: dict[str, Field] = {
    **WEATHER_FIELDS,
    **MEAN_FIELDS,
    **nothing((*NO_SOIL_WATER, *NO_BUILDINGS, "FSM", "FSNO_EFF", "ERRSOI"), (*NO_CANOPY, *NO_STREETS)),
    "FSA": patch_field(lambda c, o: o.radiation.absorbed),
    "SABG": patch_field(lambda c, o: o.radiation.ground.absorbed),
    "FSR": patch_field(lambda c, o: o.radiation.reflected),
    "FSRVD": patch_field(lambda c, o: o.radiation.reflected_direct[0]),
    "FSRND": patch_field(lambda c, o: o.radiation.reflected_direct[1]),
    "FSRVI": patch_field(lambda c, o: o.radiation.reflected_diffuse[0]),
    "FSRNI": patch_field(lambda c, o: o.radiation.reflected_diffuse[1]),
    "ERRSOL": patch_field(lambda c, o: o.budgets.radiation),
    "ERRSEB": patch_field(lambda c, o: o.budgets.surface),
    "COSZEN": column_field(lambda c, o: c.state.cosine_zenith),
    "ALBD": patch_field(lambda c, o: c.state.albedo_direct),
    "ALBI": patch_field(lambda c, o: c.state.albedo_diffuse),
    "ALBGRD": column_field(lambda c, o: c.state.ground_albedo_direct),
    "ALBGRI": column_field(lambda c, o: c.state.ground_albedo_diffuse),
    "FSH": patch_field(lambda c, o: o.fluxes.sensible),
    "FSH_G": patch_field(lambda c, o: o.fluxes.sensible),
    "EFLX_LH_TOT": patch_field(lambda c, o: o.fluxes.latent),
    "FGEV": patch_field(lambda c, o: o.fluxes.latent),
    "QSOIL": patch_field(lambda c, o: o.fluxes.evaporation),
    "QFLX_EVAP_TOT": patch_field(lambda c, o: o.fluxes.evaporation),
    "QFLX_EVAP_GRND": patch_field(lambda c, o: o.hydrology.surface.evaporation),
    "QFLX_SUB_SNOW": patch_field(lambda c, o: o.hydrology.surface.sublimation),
    "QFLX_DEW_GRND": patch_field(lambda c, o: o.hydrology.surface.dew),
    "QFLX_DEW_SNOW": patch_field(lambda c, o: o.hydrology.surface.frost),
    "FIRE": patch_field(lambda c, o: o.fluxes.longwave_up),
    "FIRA": patch_field(lambda c, o: o.fluxes.longwave_up - c.weather.longwave_down),
    "FGR": patch_field(lambda c, o: ground_heat(c.weather.longwave_down, o)),
    "TAUX": patch_field(lambda c, o: o.fluxes.eastward_stress),
    "TAUY": patch_field(lambda c, o: o.fluxes.northward_stress),
    "TSA": patch_field(lambda c, o: o.fluxes.screen_temperature),
    "Q2M": patch_field(lambda c, o: o.fluxes.screen_humidity),
    "RAM1": patch_field(lambda c, o: o.fluxes.momentum_resistance),
    "FV": patch_field(lambda c, o: o.fluxes.friction_velocity),
    "TV": patch_field(lambda c, o: c.state.leaf_temperature),
    "TG": column_field(lambda c, o: c.state.ground_temperature),
    "TLAKE": column_field(lambda c, o: c.state.water_temperature),
    "LAKEICEFRAC": column_field(lambda c, o: c.state.ice_fraction),
    "TKE1": column_field(lambda c, o: c.state.eddy_conductivity),
    "TSOI": column_field(lambda c, o: c.state.temperature[SNOW_LAYERS:]),
    "H2OSNO": column_field(lambda c, o: c.state.snow_water),
    "SNOW_DEPTH": column_field(lambda c, o: c.state.snow_depth),
    "FSNO": column_field(lambda c, o: (c.state.snow_water > 0.0).astype(float)),
    "QSNOMELT": column_field(lambda c, o: o.hydrology.melted),
    "TWS": column_field(lambda c, o: stored_water(c.state) + LAKE_AQUIFER),
    "QRGWL": column_field(lambda c, o: o.hydrology.runoff),
    "QRUNOFF": column_field(lambda c, o: o.hydrology.runoff),
    "QSNWCPICE": column_field(lambda c, o: o.hydrology.capped_ice),
}
"""Fields of lakes, by ELM's name."""


def stored_water(state: LakeState) -> Float[Array, " column"]:
    """Water of snow and of the ground below the lake, kg m-2; that of the lake never changes."""
    return state.snow_water + sum_rows(state.liquid_water[SNOW_LAYERS:] + state.ice[SNOW_LAYERS:])


def ground_heat(longwave_down: Float[Array, " column"], output: LakeOutput) -> Float[Array, " column"]:
    """What radiation and turbulence leave to the lake, W m-2."""
    fluxes = output.fluxes
    net = output.sunlight.absorbed + longwave_down - fluxes.longwave_up
    return net - fluxes.sensible - fluxes.latent


def lake_budgets(
    before: LakeState, output: LakeOutput, surroundings: Surroundings, settings: Settings
) -> tuple[Budget, ...]:
    """Heat, radiation, surface, water and snow, in the order of the ledger.

    As in ELM the rounding of the heat goes into the sensible heat, so that the heat closes of itself and what
    it misses would show at the surface. Snow enters with what was there and fell.
    """
    weather, errors, light = surroundings.weather, output.budgets, output.radiation
    stored = output.heat.storage + output.heat.phase_change
    settled = light.absorbed + light.reflected
    fallen = (weather.rain + weather.snow) * settings.timestep
    entered = output.heat.entered + output.heat.residual
    snow = before.snow_water + weather.snow * settings.timestep
    return (
        Budget(entered, stored, entered - stored),
        Budget(settled + errors.radiation, settled, errors.radiation),
        Budget(entered + errors.surface, entered, errors.surface),
        Budget(fallen, fallen + errors.water, errors.water),
        Budget(snow, snow + errors.snow, errors.snow),
    )


def lake_values(state: LakeState, output: LakeOutput) -> PatchValues:
    """What the running means take; water stress is nothing that a lake has."""
    none: Float[Array, " patch"] = jnp.zeros_like(state.screen_temperature)
    return PatchValues(
        screen_temperature=state.screen_temperature,
        leaf_temperature=state.leaf_temperature,
        sunlit_fraction=none,
        leaf_area=none,
        water_stress=none + FILL_VALUE,
    )
