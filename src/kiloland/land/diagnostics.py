"""What history files tell about soil and snow beyond the state itself, as pure functions of plain arrays.

Values are in the units of the history files. Where a column has no snow layer, or a row is none, the value is
fill, as ELM writes it. ``snow_index`` is minus the number of snow layers.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.constants import DENSITY_LIQUID
from kiloland.land.biophysics.safe_math import divide, power, sum_rows
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, ground_grid, snow_layer_mask
from kiloland.variables import FILL_VALUE

TOP_SOIL = 0.1
"""Depth of the topsoil, m."""
FIRE_DEPTH = 0.05
"""Depth of the soil whose wetness counts for fire, m."""
DRIEST = -15.0
"""Lowest potential that is told, MPa."""
LEAST_SATURATION = 0.001
_MEGAPASCAL_PER_MILLIMETRE = 9.8e-6


@pytree_dataclass
class SnowTop:
    """The uppermost snow layer."""

    temperature: Float[Array, " column"]
    """K (`SNOTTOPL`)."""
    gradient: Float[Array, " column"]
    """Of temperature, K m-1, without its sign (`SNOdTdzL`)."""
    grain_radius: Float[Array, " column"]
    """um (`SNORDSL`)."""
    liquid_fraction: Float[Array, " column"]
    """Of the mass (`SNOLIQFL`)."""
    water: Float[Array, " column"]
    """kg m-2; 0 without layers (`H2OSNO_TOP`)."""


def topsoil_temperature(temperature: Float[Array, "ground column"]) -> Float[Array, " column"]:
    """Mean temperature of the uppermost 10 cm, K (`TSOI_10CM`)."""
    return sum_rows(temperature * _share_of_topsoil() * _thickness()) / TOP_SOIL


def topsoil_water(
    liquid: Float[Array, "ground column"], ice: Float[Array, "ground column"]
) -> Float[Array, " column"]:
    """Water and ice in the uppermost 10 cm, kg m-2 (`SOILWATER_10CM`)."""
    return sum_rows((liquid + ice) * _share_of_topsoil())


def soil_potential(
    soil: SoilProperties, liquid: Float[Array, "ground column"]
) -> Float[Array, "ground column"]:
    """Potential of liquid water, MPa (`SOILPSI`): -s S^-b, from -15 to 0; -15 without liquid water.

    s suction at saturation; S = max(0.001, liquid volume / porosity); b exponent of retention.
    """
    volume = liquid / (_thickness() * DENSITY_LIQUID)
    saturation = jnp.maximum(divide(volume, soil.porosity), LEAST_SATURATION)
    suction = soil.saturated_suction * _MEGAPASCAL_PER_MILLIMETRE
    potential = -suction * power(saturation, -soil.retention_exponent)
    return jnp.where(liquid > 0.0, jnp.clip(potential, DRIEST, 0.0), DRIEST)


def fire_wetness(soil: SoilProperties, volume: Float[Array, "soil column"]) -> Float[Array, " column"]:
    """Water of the uppermost 5 cm above the dry content, as a share of what saturation has (`WF`).

    Args:
        soil: its constants.
        volume: of water and ice per volume of soil.
    """
    grid = ground_grid()
    lower = grid.node[:SOIL_LAYERS] + 0.5 * grid.thickness[:SOIL_LAYERS]
    counts = jnp.asarray(lower <= FIRE_DEPTH).at[0].set(True)[:, None]
    thickness = jnp.where(counts, _thickness()[:SOIL_LAYERS], 0.0)
    dry, porosity = soil.dry_content[:SOIL_LAYERS], soil.porosity[:SOIL_LAYERS]
    available = sum_rows((volume - dry) * thickness)
    return available / sum_rows((porosity - dry) * thickness)


def heat_content(
    capacity: Float[Array, "row column"],
    temperature: Float[Array, "row column"],
    exists: Bool[Array, "row column"],
) -> Float[Array, " column"]:
    """sum of c T, MJ m-2, of the ground alone (`HCSOI`) or of snow and ground (`HC`).

    Args:
        capacity: heat capacity of the layers at the start of the step, J m-2 K-1.
        temperature: after the heat of the step and its phase change, K.
        exists: rows that are layers.
    """
    return sum_rows(jnp.where(exists, capacity * temperature, 0.0)) / 1.0e6


def snow_rows(
    rows: Float[Array, "snow column"], snow_index: Int[Array, " column"]
) -> Float[Array, "snow column"]:
    """A property of snow layers, fill where there is none (`SNO_T`, `SNO_Z`, `SNO_GS`, `SNO_ICE`, ...)."""
    return jnp.where(snow_layer_mask(snow_index), rows, FILL_VALUE)


def snow_sum(rows: Float[Array, "snow column"], snow_index: Int[Array, " column"]) -> Float[Array, " column"]:
    """Sum over the snow layers (`SNOWICE`, `SNOWLIQ`)."""
    return sum_rows(jnp.where(snow_layer_mask(snow_index), rows, 0.0))


def snow_bulk_density(
    water: Float[Array, "snow column"],
    thickness: Float[Array, "snow column"],
    fraction: Float[Array, " column"],
    snow_index: Int[Array, " column"],
) -> Float[Array, "snow column"]:
    """Water and ice per volume of snow, kg m-3 (`SNO_BW`).

    ``water`` in kg m-2 of the column, ``fraction`` of it under snow; as the heat of the step meets them.
    """
    return snow_rows(divide(water, fraction * thickness), snow_index)


def snow_top(
    temperature: Float[Array, "total column"],
    liquid: Float[Array, "snow column"],
    ice: Float[Array, "snow column"],
    grain_radius: Float[Array, "snow column"],
    thickness: Float[Array, "snow column"],
    fraction: Float[Array, " column"],
    snow_index: Int[Array, " column"],
) -> SnowTop:
    """The uppermost layer at the end of a step.

    The gradient runs from the temperature T of the layer to that at its lower interface, the mean of both
    sides weighted with each other's thickness: |T - (T z' + T' z)/(z + z')| / z, with z and z' times the
    covered fraction, below the last layer with the first of the ground.
    """
    present = snow_index < 0
    top = jnp.clip(SNOW_LAYERS + snow_index, 0, SNOW_LAYERS - 1)

    def of_top(rows: Float[Array, "row column"], shift: int = 0) -> Float[Array, " column"]:
        return jnp.take_along_axis(rows, (top + shift)[None], axis=0)[0]

    ground = jnp.broadcast_to(_thickness()[:1], (1, snow_index.shape[0]))
    thick = jnp.where(present, jnp.concatenate([thickness, ground]) * fraction, 1.0)
    here, below = of_top(temperature), of_top(temperature, 1)
    upper, lower = of_top(thick), of_top(thick, 1)
    interface = (here * lower + below * upper) / (upper + lower)
    water = of_top(liquid) + of_top(ice)

    def told(values: Float[Array, " column"]) -> Float[Array, " column"]:
        return jnp.where(present, values, FILL_VALUE)

    return SnowTop(
        temperature=told(here),
        gradient=told(jnp.abs(here - interface) / upper),
        grain_radius=told(of_top(grain_radius)),
        liquid_fraction=told(divide(of_top(liquid), water)),
        water=jnp.where(present, water, 0.0),
    )


def _thickness() -> Float[Array, "ground one"]:
    return jnp.asarray(ground_grid().thickness)[:, None]


def _share_of_topsoil() -> Float[Array, "ground one"]:
    """Share of each ground layer that lies in the topsoil."""
    interface = jnp.asarray(ground_grid().interface)
    upper, thickness = interface[:GROUND_LAYERS, None], _thickness()
    whole = interface[1:, None] <= TOP_SOIL
    part = jnp.clip((TOP_SOIL - upper) / thickness, 0.0, 1.0)
    return jnp.where(whole, 1.0, part)
