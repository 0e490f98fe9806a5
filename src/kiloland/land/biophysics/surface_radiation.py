"""Shortwave radiation absorbed and reflected in a step, from the albedos made at the end of the last one.

CLM4.5 technical note (Oleson et al. 2013, NCAR/TN-503+STR), chapter 4, with the E3SM Land Model's rules
for snow layers (`docs/radiation.md`). Products are rounded before they are summed, so that a sum has the same
bits wherever it is needed. Fluxes in W m-2, per area of the patch; bands are visible and near
infrared. Layer arrays `snow1` hold the five snow rows (active ones last) and then the soil.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.albedo import CanopyRadiation, GroundAlbedo, SnowRadiation
from kiloland.land.biophysics.rounding import product
from kiloland.land.biophysics.safe_math import sum_rows
from kiloland.land.pytree import pytree_dataclass

SNOW_ROWS = 5
LAYER_SUM_TOLERANCE = 1.0e-5
"""Largest difference, W m-2, between the sum over layers and the flux absorbed by snow, above which the
layer factors do not belong to this pack and fixed shares are used."""


@pytree_dataclass
class IncidentRadiation:
    """Shortwave radiation that meets the top of the canopy, W m-2, not negative."""

    direct: Float[Array, "band patch"]
    diffuse: Float[Array, "band patch"]


@pytree_dataclass
class GroundRadiation:
    """Absorption below the canopy, W m-2."""

    absorbed: Float[Array, " patch"]
    """By the ground as a whole (ELM `sabg`)."""
    absorbed_by_snow: Float[Array, " patch"]
    """Per area of the snow-covered part; equals `absorbed` without snow layers."""
    absorbed_by_soil: Float[Array, " patch"]
    """Per area of the snow-free part; equals `absorbed` without snow layers."""
    absorbed_by_layer: Float[Array, "snow1 patch"]
    """By snow layers and soil under the snow-covered part; all in the soil row without snow layers."""
    penetrating: Float[Array, " patch"]
    """What passes the top layer of snow or soil: `absorbed` minus the top layer's share."""


@pytree_dataclass
class CanopyLight:
    """Light and leaf area of the sunlit and the shaded part of the canopy."""

    sunlit_leaf_area: Float[Array, " patch"]
    """m2 m-2."""
    shaded_leaf_area: Float[Array, " patch"]
    sunlit_fraction: Float[Array, " patch"]
    """Sunlit share of the leaf area; 0 without leaves."""
    absorbed_visible_sunlit: Float[Array, "canopy patch"]
    """Visible light absorbed, W per m2 of sunlit leaf and stem area."""
    absorbed_visible_shaded: Float[Array, "canopy patch"]


@pytree_dataclass
class SurfaceRadiation:
    """Where the incident shortwave radiation goes, W m-2."""

    absorbed_by_vegetation: Float[Array, " patch"]
    absorbed_visible_by_vegetation: Float[Array, " patch"]
    absorbed: Float[Array, " patch"]
    """Vegetation and ground."""
    reflected_direct: Float[Array, "band patch"]
    reflected_diffuse: Float[Array, "band patch"]
    reflected: Float[Array, " patch"]
    balance_error: Float[Array, " patch"]
    """Incident minus absorbed minus reflected."""
    ground: GroundRadiation
    light: CanopyLight


def absorbed_by_layers(
    absorption_direct: Float[Array, "band snow1 patch"],
    absorption_diffuse: Float[Array, "band snow1 patch"],
    below_direct: Float[Array, "band patch"],
    below_diffuse: Float[Array, "band patch"],
    absorbed: Float[Array, " patch"],
    absorbed_by_snow: Float[Array, " patch"],
    snow_layers: Int[Array, " patch"],
) -> Float[Array, "snow1 patch"]:
    """Radiation absorbed in each snow layer and in the soil below, W m-2.

    Without snow layers all of `absorbed` goes to the soil. With them, the layer factors times the direct
    and diffuse flux below the canopy; where their sum over active layers and soil differs by more than
    1e-5 W m-2 from `absorbed_by_snow` (the number of layers changed since the factors were made), one
    layer takes 0.6 and the soil 0.4, or the top layer 0.75 and the next 0.25.
    """
    row = jnp.arange(SNOW_ROWS + 1)[:, None]
    top = SNOW_ROWS - snow_layers
    factors = product(absorption_direct[0], below_direct[0]) + product(absorption_direct[1], below_direct[1])
    factors = factors + product(absorption_diffuse[0], below_diffuse[0])
    factors = factors + product(absorption_diffuse[1], below_diffuse[1])
    total = sum_rows(jnp.where(row >= top, factors, 0.0))
    first = jnp.where(snow_layers == 1, 0.6, 0.75)
    second = jnp.where(snow_layers == 1, 0.4, 0.25)
    shares = jnp.where(row == top, first, jnp.where(row == top + 1, second, 0.0))
    fits = jnp.abs(total - absorbed_by_snow) <= LAYER_SUM_TOLERANCE
    layered = jnp.where(fits, factors, shares * absorbed_by_snow)
    return jnp.where(snow_layers > 0, layered, jnp.where(row == SNOW_ROWS, absorbed, 0.0))


def _near_the_top(
    absorbed_by_snow: Float[Array, " patch"], snow_layers: Int[Array, " patch"]
) -> Float[Array, "snow1 patch"]:
    """All in the only layer, or 3/4 in the first of several layers and 1/4 in the second."""
    row = jnp.arange(SNOW_ROWS + 1)[:, None]
    top = SNOW_ROWS - snow_layers
    single = snow_layers == 1
    first, second = jnp.where(single, 1.0, 0.75), jnp.where(single, 0.0, 0.25)
    return jnp.where(row == top, first, jnp.where(row == top + 1, second, 0.0)) * absorbed_by_snow


def ground_radiation(
    canopy: CanopyRadiation,
    ground: GroundAlbedo,
    snow: SnowRadiation,
    incident: IncidentRadiation,
    snow_layers: Int[Array, " patch"],
    shallow_snow: Bool[Array, " patch"] | None = None,
) -> GroundRadiation:
    """Radiation that passes the canopy and is absorbed by soil and snow; column arrays given per patch.

    `shallow_snow` (less than 10 cm) is given for surfaces that are not divided into snow and ground, as
    those of lakes: there the snow takes what the whole surface absorbs, all of it near the top if shallow.

    Below the canopy: direct ftdd I_d, diffuse ftid I_d + ftii I_i; absorbed = sum over bands of
    direct (1 - albedo_direct) + diffuse (1 - albedo_diffuse) with the albedo of ground, snow or soil.
    """
    direct = product(incident.direct, canopy.transmitted_direct)
    diffuse = product(incident.direct, canopy.transmitted_direct_to_diffuse) + product(
        incident.diffuse, canopy.transmitted_diffuse
    )

    def absorbed_with(
        albedo_direct: Float[Array, "band patch"], albedo_diffuse: Float[Array, "band patch"]
    ) -> Float[Array, " patch"]:
        bands = product(direct, 1.0 - albedo_direct) + product(diffuse, 1.0 - albedo_diffuse)
        return bands[0] + bands[1]

    layered = snow_layers > 0
    absorbed = absorbed_with(ground.ground_albedo_direct, ground.ground_albedo_diffuse)
    by_snow = absorbed_with(snow.albedo_direct, snow.albedo_diffuse)
    by_soil = absorbed_with(ground.soil_albedo_direct, ground.soil_albedo_diffuse)
    if shallow_snow is not None:
        by_snow = by_soil = absorbed
    by_snow = jnp.where(layered, by_snow, absorbed)
    by_layer = absorbed_by_layers(
        snow.layer_absorption_direct,
        snow.layer_absorption_diffuse,
        direct,
        diffuse,
        absorbed,
        by_snow,
        snow_layers,
    )
    if shallow_snow is not None:
        by_layer = jnp.where(shallow_snow & layered, _near_the_top(by_snow, snow_layers), by_layer)
    top_row = (SNOW_ROWS - snow_layers)[None]
    top = jnp.take_along_axis(by_layer, top_row, axis=0)[0]
    return GroundRadiation(
        absorbed=absorbed,
        absorbed_by_snow=by_snow,
        absorbed_by_soil=jnp.where(layered, by_soil, absorbed),
        absorbed_by_layer=by_layer,
        penetrating=jnp.where(layered, absorbed - top, 0.0),
    )


def canopy_light(
    canopy: CanopyRadiation, incident: IncidentRadiation, leaf_area: Float[Array, " patch"]
) -> CanopyLight:
    """Sunlit and shaded leaf area (one canopy layer) and the visible light each absorbs per unit area."""
    sunlit = canopy.sunlit_fraction_layer[0]
    sunlit_area = leaf_area * sunlit
    leafy = leaf_area > 0.0
    fraction = jnp.where(leafy, sunlit_area / jnp.where(leafy, leaf_area, 1.0), 0.0)
    direct, diffuse = incident.direct[0], incident.diffuse[0]
    return CanopyLight(
        sunlit_leaf_area=sunlit_area,
        shaded_leaf_area=leaf_area * (1.0 - sunlit),
        sunlit_fraction=fraction,
        absorbed_visible_sunlit=product(direct, canopy.leaf_absorbed_direct_sunlit)
        + product(diffuse, canopy.leaf_absorbed_diffuse_sunlit),
        absorbed_visible_shaded=product(direct, canopy.leaf_absorbed_direct_shaded)
        + product(diffuse, canopy.leaf_absorbed_diffuse_shaded),
    )


def surface_radiation(
    canopy: CanopyRadiation,
    ground: GroundAlbedo,
    snow: SnowRadiation,
    incident: IncidentRadiation,
    leaf_area: Float[Array, " patch"],
    snow_layers: Int[Array, " column"],
    column_of_patch: Int[Array, " patch"],
    shallow_snow: Bool[Array, " column"] | None = None,
) -> SurfaceRadiation:
    """Absorbed and reflected shortwave radiation of each patch.

    `shallow_snow` only for undivided surfaces, see :func:`ground_radiation`. `snow_layers` is the number of
    active snow layers (0..5) of the column, `leaf_area` the exposed leaf area of this step.
    absorbed_by_vegetation = sum over bands of I_d fabd + I_i fabi; reflected = I_d albd + I_i albi.
    """
    below, pack, layers = _on_patches(ground, snow, snow_layers, column_of_patch)
    ground_part = ground_radiation(
        canopy,
        below,
        pack,
        incident,
        layers,
        None if shallow_snow is None else shallow_snow[column_of_patch],
    )
    of_direct = product(incident.direct, canopy.absorbed_direct)
    of_diffuse = product(incident.diffuse, canopy.absorbed_diffuse)
    visible = of_direct[0] + of_diffuse[0]
    by_vegetation = visible + of_direct[1] + of_diffuse[1]
    absorbed = by_vegetation + ground_part.absorbed
    reflected_direct = product(incident.direct, canopy.albedo_direct)
    reflected_diffuse = product(incident.diffuse, canopy.albedo_diffuse)
    reflected = (reflected_direct[0] + reflected_diffuse[0]) + (reflected_direct[1] + reflected_diffuse[1])
    arriving = (incident.direct[0] + incident.diffuse[0]) + (incident.direct[1] + incident.diffuse[1])
    return SurfaceRadiation(
        absorbed_by_vegetation=by_vegetation,
        absorbed_visible_by_vegetation=visible,
        absorbed=absorbed,
        reflected_direct=reflected_direct,
        reflected_diffuse=reflected_diffuse,
        reflected=reflected,
        balance_error=arriving - absorbed - reflected,
        ground=ground_part,
        light=canopy_light(canopy, incident, leaf_area),
    )


def _on_patches(
    ground: GroundAlbedo,
    snow: SnowRadiation,
    snow_layers: Int[Array, " column"],
    column_of_patch: Int[Array, " patch"],
) -> tuple[GroundAlbedo, SnowRadiation, Int[Array, " patch"]]:
    """The values of each patch's column."""
    gathered: tuple[GroundAlbedo, SnowRadiation, Int[Array, " patch"]] = jax.tree.map(
        lambda values: values[..., column_of_patch], (ground, snow, snow_layers)
    )
    return gathered
