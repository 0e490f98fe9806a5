"""History fields that several kinds of columns tell alike: weather, running means, snow, and nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.diagnostics import snow_rows, snow_top, topsoil_temperature
from kiloland.land.fields import FIELDS, Field, FieldContext
from kiloland.land.state import ColumnState
from kiloland.land.vertical import SNOW_LAYERS

Value = Callable[[Any, Any], Float[Array, "..."]]
"""From the context and the output of the step."""
WEATHER_NAMES = (
    *("TBOT", "THBOT", "PBOT", "QBOT", "WIND", "FLDS", "RAIN", "SNOW", "ZBOT"),
    *("FSDS", "FSDSVD", "FSDSND", "FSDSVI", "FSDSNI"),
)
WEATHER_FIELDS = {name: FIELDS[name] for name in WEATHER_NAMES}
SPARSE_FIELDS = frozenset({"TREFMNAV", "TREFMXAV", "SNOTTOPL", "SNOdTdzL", "SNOLIQFL", "SNORDSL"}) | {
    f"SNO_{name}" for name in ("T", "Z", "GS", "LIQH2O", "ICE")
}
"""Fields that do not exist in every step; their mean is that of the steps in which they do."""


def column_field(value: Value) -> Field:
    """A field on columns."""
    return Field(False, lambda context: value(context, context.output))


def patch_field(value: Value) -> Field:
    """A field on patches."""
    return Field(True, lambda context: value(context, context.output))


def _mean(value: Callable[[Any], Float[Array, " patch"]]) -> Field:
    return Field(True, lambda context: value(context.means))


MEAN_FIELDS: dict[str, Field] = {
    "T10": _mean(lambda m: m.canopy.screen_temperature_ten_days),
    "TV24": _mean(lambda m: m.canopy.leaf_temperature_day),
    "TV240": _mean(lambda m: m.canopy.leaf_temperature_ten_days),
    "FSUN24": _mean(lambda m: m.canopy.sunlit_fraction_day),
    "FSUN240": _mean(lambda m: m.canopy.sunlit_fraction_ten_days),
    "LAI240": _mean(lambda m: m.canopy.leaf_area_ten_days),
    "FSD24": _mean(lambda m: m.weather.direct_light_day),
    "FSD240": _mean(lambda m: m.weather.direct_light_ten_days),
    "FSI24": _mean(lambda m: m.weather.diffuse_light_day),
    "FSI240": _mean(lambda m: m.weather.diffuse_light_ten_days),
    "TREFMNAV": _mean(lambda m: m.screen.minimum),
    "TREFMXAV": _mean(lambda m: m.screen.maximum),
}
"""Running means, of every kind of column."""


THAW_FIELDS: dict[str, Field] = {
    "ALTMAX": Field(False, lambda context: context.means.thaw.deepest),
    "ALTMAX_LASTYEAR": Field(False, lambda context: context.means.thaw.last_year),
}
"""The record of thaw of soil columns."""


def _snow(value: Callable[[ColumnState], Float[Array, "..."]]) -> Field:
    return Field(False, lambda context: value(context.state.column))


def _layers(name: str) -> Field:
    """A property of snow layers, fill where there is none."""

    def value(column: ColumnState) -> Float[Array, "snow column"]:
        return snow_rows(getattr(column, name)[:SNOW_LAYERS], column.snow_index)

    return _snow(value)


def _top(name: str) -> Field:
    """A property of the uppermost snow layer."""

    def value(column: ColumnState) -> Float[Array, " column"]:
        rows = slice(0, SNOW_LAYERS)
        found = snow_top(
            column.temperature,
            column.liquid_water[rows],
            column.ice[rows],
            column.grain_radius,
            column.snow_thickness,
            column.snow_fraction,
            column.snow_index,
        )
        top: Float[Array, " column"] = getattr(found, name)
        return top

    return _snow(value)


SNOW_FIELDS: dict[str, Field] = {
    "SNO_T": _layers("temperature"),
    "SNO_Z": _layers("snow_thickness"),
    "SNO_GS": _layers("grain_radius"),
    "SNO_LIQH2O": _layers("liquid_water"),
    "SNO_ICE": _layers("ice"),
    "SNOTTOPL": _top("temperature"),
    "SNOdTdzL": _top("gradient"),
    "SNORDSL": _top("grain_radius"),
    "SNOLIQFL": _top("liquid_fraction"),
    "H2OSNO_TOP": _top("water"),
    "TSOI_10CM": _snow(lambda column: topsoil_temperature(column.temperature[SNOW_LAYERS:])),
}
"""Fields of snow and of the uppermost ground, of soil, land ice and wetlands."""


def nothing(column_names: Iterable[str], patch_names: Iterable[str]) -> dict[str, Field]:
    """Fields that are zero on a kind of column, where each column has one patch."""

    def zero(context: FieldContext) -> Float[Array, " column"]:
        return jnp.zeros_like(context.weather.temperature)

    return {name: Field(False, zero) for name in column_names} | {
        name: Field(True, zero) for name in patch_names
    }


NO_CANOPY = (
    *("ELAI", "ESAI", "HTOP", "SABV", "FSUN", "LAISUN", "LAISHA", "FSH_V", "FCEV", "FCTR", "QVEGE", "QVEGT"),
    *("FPSN", "H2OCAN", "FWET", "FDRY", "QINTR"),
)
"""Fields of leaves that ELM writes as zero where no plants can stand."""
NO_BUILDINGS = ("BUILDHEAT", "URBAN_AC", "URBAN_HEAT")
"""Fields of buildings on columns that are none; :data:`NO_STREETS` on patches."""
NO_STREETS = ("HEAT_FROM_AC",)
NO_SOIL_WATER = ("FH2OSFC", "H2OSFC", "QH2OSFC", "QDRAI", "QDRAI_PERCH", "QINFL", "QOVER")
"""Fields of soil water and ponds that ELM writes as zero on lakes, glaciers and wetlands."""
