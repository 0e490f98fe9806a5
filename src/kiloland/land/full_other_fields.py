"""History fields that every kind of column tells alike: the weather, running means, and what is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.fields import FIELDS, Field, FieldContext

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
