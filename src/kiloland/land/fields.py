"""History fields: how each value of ELM's name is taken from a step.

States are those at the end of the step, fluxes those of the step. A field lives on columns or on patches;
its units, long name and layers are in the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.albedo import surface_water_content
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.state import LandState
from kiloland.land.step import ColumnConstants, StepOutput, SurfaceFluxes, Weather
from kiloland.land.vertical import SNOW_LAYERS, ground_grid, snow_layer_mask


@dataclass(frozen=True)
class FieldContext:
    """All that a field may be made of."""

    state: LandState
    output: StepOutput
    weather: Weather
    constants: ColumnConstants
    means: Any = None
    """Running means (:class:`~kiloland.land.full_means.Means`), where the run has them."""


@dataclass(frozen=True)
class Field:
    """A history field: ``value`` gives ``[*levels, column]`` or ``[*levels, patch]``."""

    on_patches: bool
    value: Callable[[FieldContext], Float[Array, "..."]]


def _column(value: Callable[[FieldContext], Float[Array, "..."]]) -> Field:
    return Field(False, value)


def _patch(value: Callable[[FieldContext], Float[Array, "..."]]) -> Field:
    return Field(True, value)


def _volumetric_water(context: FieldContext) -> Float[Array, "ground column"]:
    thickness = jnp.asarray(ground_grid().thickness)[:, None]
    column = context.state.column
    return surface_water_content(column.liquid_water[SNOW_LAYERS:], column.ice[SNOW_LAYERS:], thickness)


def _in_snow(rows: Float[Array, "total column"], context: FieldContext) -> Float[Array, " column"]:
    exists = snow_layer_mask(context.state.column.snow_index)
    return sum_rows(jnp.where(exists, rows[:SNOW_LAYERS], 0.0))


def _shortwave(context: FieldContext) -> Float[Array, " column"]:
    direct, diffuse = context.weather.shortwave_direct, context.weather.shortwave_diffuse
    return direct[1] + direct[0] + diffuse[1] + diffuse[0]


def _fluxes(context: FieldContext) -> SurfaceFluxes:
    if context.output.fluxes is None:
        raise TypeError("surface fluxes are not computed where the heat flux into the ground is prescribed")
    return context.output.fluxes


def _on_patches(values: Float[Array, " column"], context: FieldContext) -> Float[Array, " patch"]:
    return values[context.constants.index.patch_column]


def _ground_heat(context: FieldContext) -> Float[Array, " patch"]:
    """Into the ground: absorbed sunlight and longwave less sensible and latent heat."""
    fluxes = _fluxes(context)
    rest = fluxes.net_longwave - fluxes.sensible - fluxes.latent
    return context.output.radiation.ground.absorbed + _on_patches(rest, context)


FIELDS: dict[str, Field] = {
    # the atmosphere
    "TBOT": _column(lambda c: c.weather.temperature),
    "THBOT": _column(lambda c: c.weather.potential_temperature),
    "PBOT": _column(lambda c: c.weather.pressure),
    "QBOT": _column(lambda c: c.weather.specific_humidity),
    "WIND": _column(lambda c: c.weather.wind),
    "FLDS": _column(lambda c: c.weather.longwave_down),
    "RAIN": _column(lambda c: c.weather.rain),
    "SNOW": _column(lambda c: c.weather.snow),
    "ZBOT": _column(lambda c: c.weather.reference_height),
    "FSDS": _column(_shortwave),
    "FSDSVD": _column(lambda c: c.weather.shortwave_direct[0]),
    "FSDSND": _column(lambda c: c.weather.shortwave_direct[1]),
    "FSDSVI": _column(lambda c: c.weather.shortwave_diffuse[0]),
    "FSDSNI": _column(lambda c: c.weather.shortwave_diffuse[1]),
    # radiation
    "FSA": _patch(lambda c: c.output.radiation.absorbed),
    "FSR": _patch(lambda c: c.output.radiation.reflected),
    "FSRVD": _patch(lambda c: c.output.radiation.reflected_direct[0]),
    "FSRND": _patch(lambda c: c.output.radiation.reflected_direct[1]),
    "FSRVI": _patch(lambda c: c.output.radiation.reflected_diffuse[0]),
    "FSRNI": _patch(lambda c: c.output.radiation.reflected_diffuse[1]),
    "SABV": _patch(lambda c: c.output.radiation.absorbed_by_vegetation),
    "SABG": _patch(lambda c: c.output.radiation.ground.absorbed),
    "SABG_PEN": _patch(lambda c: c.output.radiation.ground.penetrating),
    "LAISUN": _patch(lambda c: c.output.radiation.light.sunlit_leaf_area),
    "LAISHA": _patch(lambda c: c.output.radiation.light.shaded_leaf_area),
    "FSUN": _patch(lambda c: c.output.radiation.light.sunlit_fraction),
    "ERRSOL": _patch(lambda c: c.output.radiation.balance_error),
    "COSZEN": _column(lambda c: c.state.column.cosine_zenith),
    "ALBD": _patch(lambda c: c.state.patch.albedo_direct),
    "ALBI": _patch(lambda c: c.state.patch.albedo_diffuse),
    "ALBGRD": _column(lambda c: c.state.column.ground_albedo_direct),
    "ALBGRI": _column(lambda c: c.state.column.ground_albedo_diffuse),
    # exchange with the atmosphere
    # the canopy gives the air at once what it absorbs of sunlight
    "FSH": _patch(lambda c: _on_patches(_fluxes(c).sensible, c) + c.output.radiation.absorbed_by_vegetation),
    "FSH_G": _column(lambda c: _fluxes(c).sensible),
    "FSH_V": _patch(lambda c: c.output.radiation.absorbed_by_vegetation),
    "EFLX_LH_TOT": _column(lambda c: _fluxes(c).latent),
    "FGEV": _column(lambda c: _fluxes(c).latent),
    "QSOIL": _column(lambda c: _fluxes(c).evaporation),
    "FIRE": _column(lambda c: _fluxes(c).longwave_up),
    "FIRA": _column(lambda c: -_fluxes(c).net_longwave),
    "FGR": _patch(_ground_heat),
    "TAUX": _column(lambda c: _fluxes(c).turbulence.eastward_stress),
    "TAUY": _column(lambda c: _fluxes(c).turbulence.northward_stress),
    # vegetation
    "ELAI": _patch(lambda c: c.state.patch.leaf_area),
    "ESAI": _patch(lambda c: c.state.patch.stem_area),
    "HTOP": _patch(lambda c: c.state.patch.canopy_top),
    # soil, snow and pond
    "TG": _column(lambda c: c.state.column.ground_temperature),
    "TSOI": _column(lambda c: c.state.column.temperature[SNOW_LAYERS:]),
    "SOILLIQ": _column(lambda c: c.state.column.liquid_water[SNOW_LAYERS:]),
    "SOILICE": _column(lambda c: c.state.column.ice[SNOW_LAYERS:]),
    "H2OSOI": _column(_volumetric_water),
    "H2OSNO": _column(lambda c: c.state.column.snow_water),
    "SNOWLIQ": _column(lambda c: _in_snow(c.state.column.liquid_water, c)),
    "SNOWICE": _column(lambda c: _in_snow(c.state.column.ice, c)),
    "SNOW_DEPTH": _column(lambda c: c.state.column.snow_depth),
    "FSNO": _column(lambda c: c.state.column.snow_fraction),
    "FSNO_EFF": _column(lambda c: c.state.column.effective_snow_fraction),
    "INT_SNOW": _column(lambda c: c.state.column.accumulated_snow),
    "H2OSFC": _column(lambda c: c.state.column.pond_water),
    "FH2OSFC": _column(lambda c: c.state.column.pond_fraction),
    "TH2OSFC": _column(lambda c: c.state.column.pond_temperature),
    "QSNOMELT": _column(lambda c: c.output.heat.phase.snow_melt),
    "FSM": _column(lambda c: c.output.heat.phase.snow_melt_heat),
    "ERRSOI": _column(lambda c: c.output.heat.budget.residual),
}
"""Every field that the model can write, by ELM's name."""
