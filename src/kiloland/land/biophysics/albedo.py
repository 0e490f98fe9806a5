"""Albedo of ground and canopy, and the fate of light in the canopy, for the zenith of the next step.

Equations: CLM4.5 technical note (Oleson et al. 2013, NCAR/TN-503+STR), chapter 3, with the choices of the
E3SM Land Model listed in `docs/radiation.md`. Bands are visible and near infrared. Everything here is a
fraction per unit incident flux: `direct` means per unit direct flux, `diffuse` per unit diffuse flux.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.rounding import exponential, product, quotient
from kiloland.land.biophysics.two_stream import (
    FREEZING_POINT,
    LARGEST_DEPTH,
    LeafGeometry,
    canopy_scattering,
    leaf_geometry,
    two_stream,
)
from kiloland.land.parameters import VegetationOptics
from kiloland.land.pytree import pytree_dataclass

SATURATED_SOIL_ALBEDO = (
    (.25, .23, .21, .20, .19, .18, .17, .16, .15, .14, .13, .12, .11, .10, .09, .08, .07, .06, .05, .04),
    (.50, .46, .42, .40, .38, .36, .34, .32, .30, .28, .26, .24, .22, .20, .18, .16, .14, .12, .10, .08),
)  # fmt: skip
"""Albedo of wet soil by band and colour class 1..20 (note, table 3.3)."""
DRY_SOIL_ALBEDO = (
    (.36, .34, .32, .31, .30, .29, .28, .27, .26, .25, .24, .23, .22, .20, .18, .16, .14, .12, .10, .08),
    (.61, .57, .53, .51, .49, .48, .45, .43, .41, .39, .37, .35, .33, .31, .29, .27, .25, .23, .21, .16),
)  # fmt: skip
"""Albedo of dry soil by band and colour class 1..20 (note, table 3.3)."""
NITROGEN_EXTINCTION = 0.30
"""Decline of leaf nitrogen, and with it of photosynthetic capacity, per unit leaf area from the top."""
WATER_DENSITY, ICE_DENSITY = 1000.0, 917.0
"""kg m-3."""
BANDS = 2
"""Visible and near infrared."""
MASKED_COSINE, MASKED_ALBEDO = 0.5, 0.2
"""Given to lanes whose result is not used, so that their arithmetic and its gradient stay finite."""


@pytree_dataclass
class SnowRadiation:
    """What the snow model says about the snow-covered ground."""

    albedo_direct: Float[Array, "band column"]
    """0 where there is no snow or no sun."""
    albedo_diffuse: Float[Array, "band column"]
    layer_absorption_direct: Float[Array, "band snow1 column"]
    """Share of the flux that reaches the ground absorbed in each snow layer and, last row, in the soil."""
    layer_absorption_diffuse: Float[Array, "band snow1 column"]


@pytree_dataclass
class CanopySurface:
    """What the albedo must know about the vegetation of a patch."""

    leaf_area: Float[Array, " patch"]
    """One-sided leaf area above the snow, m2 m-2."""
    stem_area: Float[Array, " patch"]
    """One-sided stem area above the snow, m2 m-2."""
    wet_fraction: Float[Array, " patch"]
    """Wet (or snow-covered) fraction of leaves and stems."""
    leaf_temperature: Float[Array, " patch"]
    """K; at or below 273.15 K water on the canopy is snow."""


@pytree_dataclass
class GroundAlbedo:
    """Albedo below the canopy; all 0 at night."""

    soil_albedo_direct: Float[Array, "band column"]
    soil_albedo_diffuse: Float[Array, "band column"]
    ground_albedo_direct: Float[Array, "band column"]
    """Soil and snow, weighted by the snow-covered fraction."""
    ground_albedo_diffuse: Float[Array, "band column"]


@pytree_dataclass
class CanopyRadiation:
    """Fate of a unit flux that meets a patch; field names are those of the patch state.

    In the sun and over vegetation, in each band:
    1 = albedo_direct + absorbed_direct + (1 - ground direct) transmitted_direct
    + (1 - ground diffuse) transmitted_direct_to_diffuse, and the like for diffuse.
    """

    albedo_direct: Float[Array, "band patch"]
    albedo_diffuse: Float[Array, "band patch"]
    absorbed_direct: Float[Array, "band patch"]
    absorbed_diffuse: Float[Array, "band patch"]
    absorbed_direct_sunlit: Float[Array, "band patch"]
    absorbed_direct_shaded: Float[Array, "band patch"]
    absorbed_diffuse_sunlit: Float[Array, "band patch"]
    absorbed_diffuse_shaded: Float[Array, "band patch"]
    transmitted_direct: Float[Array, "band patch"]
    transmitted_direct_to_diffuse: Float[Array, "band patch"]
    transmitted_diffuse: Float[Array, "band patch"]
    sunlit_fraction_layer: Float[Array, "canopy patch"]
    leaf_absorbed_direct_sunlit: Float[Array, "canopy patch"]
    """Visible light absorbed per unit sunlit leaf and stem area; the next three likewise."""
    leaf_absorbed_direct_shaded: Float[Array, "canopy patch"]
    leaf_absorbed_diffuse_sunlit: Float[Array, "canopy patch"]
    leaf_absorbed_diffuse_shaded: Float[Array, "canopy patch"]
    vcmax_scaling_sunlit: Float[Array, " patch"]
    """Photosynthetic capacity of a unit of sunlit leaf area over that of the top leaf."""
    vcmax_scaling_shaded: Float[Array, " patch"]


def surface_water_content(
    liquid_water: Float[Array, " column"],
    ice: Float[Array, " column"],
    thickness: Float[Array, " column"] | float,
) -> Float[Array, " column"]:
    """Volumetric water of the top soil layer, liquid and ice, m3 m-3.

    theta = liquid/(dz 1000) + ice/(dz 917), with masses in kg m-2 and the thickness dz in m.
    """
    return liquid_water / (thickness * WATER_DENSITY) + ice / (thickness * ICE_DENSITY)


def soil_albedo(
    colour_class: Int[Array, " column"], water_content: Float[Array, " column"]
) -> Float[Array, "band column"]:
    """Albedo of snow-free soil, the same for direct and diffuse light (note, equation 3.60).

    alb = min(saturated + max(0.11 - 0.40 theta, 0), dry) with theta the volumetric water content of the
    top layer (m3 m-3); `colour_class` is 1..20 and must have been checked when it was read.
    """
    saturated = jnp.asarray(SATURATED_SOIL_ALBEDO)[:, colour_class - 1]
    dry = jnp.asarray(DRY_SOIL_ALBEDO)[:, colour_class - 1]
    return jnp.minimum(saturated + jnp.maximum(0.11 - product(0.40, water_content), 0.0), dry)


def ground_albedo(
    bare: Float[Array, "band column"],
    snow: SnowRadiation,
    snow_fraction: Float[Array, " column"],
    cosine_zenith: Float[Array, " column"],
) -> GroundAlbedo:
    """Soil and snow, weighted by area: alb = soil (1 - f) + snow f by day; 0 at night (mu <= 0)."""
    sunny = cosine_zenith > 0.0
    soil = jnp.where(sunny, bare, 0.0)
    free = 1.0 - snow_fraction
    return GroundAlbedo(
        soil_albedo_direct=soil,
        soil_albedo_diffuse=soil,
        ground_albedo_direct=jnp.where(
            sunny, product(soil, free) + product(snow.albedo_direct, snow_fraction), 0.0
        ),
        ground_albedo_diffuse=jnp.where(
            sunny, product(soil, free) + product(snow.albedo_diffuse, snow_fraction), 0.0
        ),
    )


def canopy_radiation(
    optics: VegetationOptics,
    canopy: CanopySurface,
    cosine_zenith: Float[Array, " patch"],
    ground_direct: Float[Array, "band patch"],
    ground_diffuse: Float[Array, "band patch"],
) -> CanopyRadiation:
    """Albedo, absorption and transmission of each patch, per unit incident flux.

    `optics` is gathered per patch; the ground albedos are those of each patch's column. Three cases, by
    mask: sun and exposed vegetation, the two-stream solution; sun and none (bare or buried by snow), the
    ground with everything transmitted; night (mu <= 0), albedo 1 and all else 0, except that the
    capacity of shaded leaves keeps its value.
    """
    sunny = cosine_zenith > 0.0
    lit = sunny & (canopy.leaf_area + canopy.stem_area > 0.0)
    unvegetated = _unvegetated(canopy.leaf_area, sunny, ground_direct, ground_diffuse)

    def with_canopy() -> CanopyRadiation:
        shielded = CanopySurface(
            leaf_area=jnp.where(lit, canopy.leaf_area, 1.0),
            stem_area=jnp.where(lit, canopy.stem_area, 0.0),
            wet_fraction=jnp.where(lit, canopy.wet_fraction, 0.0),
            leaf_temperature=canopy.leaf_temperature,
        )
        vegetated = _vegetated(
            optics,
            shielded,
            jnp.where(lit, cosine_zenith, MASKED_COSINE),
            jnp.where(lit, ground_direct, MASKED_ALBEDO),
            jnp.where(lit, ground_diffuse, MASKED_ALBEDO),
        )
        chosen: CanopyRadiation = jax.tree.map(lambda x, y: jnp.where(lit, x, y), vegetated, unvegetated)
        return chosen

    # Half of all steps of a block are in the dark: the two-stream solution is half of a step's work.
    answer: CanopyRadiation = jax.lax.cond(jnp.any(lit), with_canopy, lambda: unvegetated)
    return answer


def _vegetated(
    optics: VegetationOptics,
    canopy: CanopySurface,
    cosine_zenith: Float[Array, " patch"],
    ground_direct: Float[Array, "band patch"],
    ground_diffuse: Float[Array, "band patch"],
) -> CanopyRadiation:
    """The two-stream solution and its split over sunlit and shaded leaves.

    absorbed = 1 - albedo - what the ground absorbs; sunlit part of direct light
    (1 - w)(1 - S2 + (a1 + a2)/m), of diffuse light ((1 - w)/m)(a1 + a2), shaded = total - sunlit.
    """
    area = canopy.leaf_area + canopy.stem_area
    geometry = leaf_geometry(optics.leaf_angle_index, cosine_zenith)
    per_band = [
        _one_band(optics, band, geometry, canopy, ground_direct[band], ground_diffuse[band])
        for band in range(BANDS)
    ]
    fate: _BandFate = jax.tree.map(lambda *bands: jnp.stack(bands), *per_band)
    sunlit = (1.0 - fate.beam[0]) / jnp.minimum(geometry.beam_extinction * area, LARGEST_DEPTH)
    direct_shaded = fate.absorbed_direct - fate.direct_sunlit
    diffuse_shaded = fate.absorbed_diffuse - fate.diffuse_sunlit
    sunlit_area, shaded_area = sunlit * area, (1.0 - sunlit) * area
    vcmax_sunlit, vcmax_shaded = _vcmax_scaling(canopy.leaf_area, geometry.beam_extinction, sunlit)
    return CanopyRadiation(
        albedo_direct=fate.albedo_direct,
        albedo_diffuse=fate.albedo_diffuse,
        absorbed_direct=fate.absorbed_direct,
        absorbed_diffuse=fate.absorbed_diffuse,
        absorbed_direct_sunlit=fate.direct_sunlit,
        absorbed_direct_shaded=direct_shaded,
        absorbed_diffuse_sunlit=fate.diffuse_sunlit,
        absorbed_diffuse_shaded=diffuse_shaded,
        transmitted_direct=fate.beam,
        transmitted_direct_to_diffuse=fate.scattered_down,
        transmitted_diffuse=fate.transmitted_diffuse,
        sunlit_fraction_layer=sunlit[None],
        leaf_absorbed_direct_sunlit=_over(fate.direct_sunlit[0], sunlit_area)[None],
        leaf_absorbed_direct_shaded=_over(direct_shaded[0], shaded_area)[None],
        leaf_absorbed_diffuse_sunlit=_over(fate.diffuse_sunlit[0], sunlit_area)[None],
        leaf_absorbed_diffuse_shaded=_over(diffuse_shaded[0], shaded_area)[None],
        vcmax_scaling_sunlit=vcmax_sunlit,
        vcmax_scaling_shaded=vcmax_shaded,
    )


@pytree_dataclass
class _BandFate:
    """Fate of a unit flux in a canopy in one band (or, stacked, in all)."""

    albedo_direct: Float[Array, "*band patch"]
    albedo_diffuse: Float[Array, "*band patch"]
    absorbed_direct: Float[Array, "*band patch"]
    absorbed_diffuse: Float[Array, "*band patch"]
    direct_sunlit: Float[Array, "*band patch"]
    diffuse_sunlit: Float[Array, "*band patch"]
    beam: Float[Array, "*band patch"]
    scattered_down: Float[Array, "*band patch"]
    transmitted_diffuse: Float[Array, "*band patch"]


def _one_band(
    optics: VegetationOptics,
    band: int,
    geometry: LeafGeometry,
    canopy: CanopySurface,
    ground_direct: Float[Array, " patch"],
    ground_diffuse: Float[Array, " patch"],
) -> _BandFate:
    """The two-stream solution in one band, and what it means for leaves; equations in `_vegetated`."""
    area = canopy.leaf_area + canopy.stem_area
    frozen = canopy.leaf_temperature <= FREEZING_POINT
    scattering = canopy_scattering(
        optics, band, geometry, canopy.leaf_area, canopy.stem_area, canopy.wet_fraction, frozen
    )
    direct, diffuse, beam = two_stream(geometry, scattering, area, ground_direct, ground_diffuse)
    to_soil_direct, to_soil_diffuse = 1.0 - ground_direct, 1.0 - ground_diffuse
    w, m = scattering.coefficient, geometry.mean_depth
    return _BandFate(
        albedo_direct=direct.albedo,
        albedo_diffuse=diffuse.albedo,
        absorbed_direct=1.0
        - direct.albedo
        - product(to_soil_direct, beam)
        - product(to_soil_diffuse, direct.transmitted_diffuse),
        absorbed_diffuse=1.0 - diffuse.albedo - product(to_soil_diffuse, diffuse.transmitted_diffuse),
        direct_sunlit=product(1.0 - w, 1.0 - beam + product(quotient(1.0, m), direct.sunlit_integral)),
        diffuse_sunlit=product((1.0 - w) / m, diffuse.sunlit_integral),
        beam=beam,
        scattered_down=direct.transmitted_diffuse,
        transmitted_diffuse=diffuse.transmitted_diffuse,
    )


def _vcmax_scaling(
    leaf_area: Float[Array, " patch"],
    beam_extinction: Float[Array, " patch"],
    sunlit: Float[Array, " patch"],
) -> tuple[Float[Array, " patch"], Float[Array, " patch"]]:
    """Leaf-to-canopy scaling of capacity that declines as exp(-k x) from the top, k = 0.30.

    sunlit: (1 - exp(-(k+K) L))/(k+K), shaded: (1 - exp(-k L))/k minus that, each over its own leaf area;
    0 where the patch has stems but no leaves.
    """
    both = NITROGEN_EXTINCTION + beam_extinction
    in_sun = quotient(1.0 - exponential(-both * leaf_area), both)
    in_all = quotient(1.0 - exponential(-NITROGEN_EXTINCTION * leaf_area), NITROGEN_EXTINCTION)
    return (
        _over(in_sun, sunlit * leaf_area),
        _over(in_all - in_sun, (1.0 - sunlit) * leaf_area),
    )


def _over(amount: Float[Array, " patch"], area: Float[Array, " patch"]) -> Float[Array, " patch"]:
    """amount/area; 0 where the area is 0 or was lost in rounding."""
    present = area > 0.0
    return jnp.where(present, amount / jnp.where(present, area, 1.0), 0.0)


def _unvegetated(
    leaf_area: Float[Array, " patch"],
    sunny: Bool[Array, " patch"],
    ground_direct: Float[Array, "band patch"],
    ground_diffuse: Float[Array, "band patch"],
) -> CanopyRadiation:
    """Values of patches without sun (albedo 1, nothing passes) or without canopy (everything passes)."""
    nothing = jnp.zeros_like(ground_direct)
    no_layer = jnp.zeros_like(leaf_area)[None]
    passing = jnp.where(sunny, nothing + 1.0, nothing)
    capacity = quotient(1.0 - exponential(-NITROGEN_EXTINCTION * leaf_area), NITROGEN_EXTINCTION)
    return CanopyRadiation(
        albedo_direct=jnp.where(sunny, ground_direct, 1.0),
        albedo_diffuse=jnp.where(sunny, ground_diffuse, 1.0),
        absorbed_direct=nothing,
        absorbed_diffuse=nothing,
        absorbed_direct_sunlit=nothing,
        absorbed_direct_shaded=nothing,
        absorbed_diffuse_sunlit=nothing,
        absorbed_diffuse_shaded=nothing,
        transmitted_direct=passing,
        transmitted_direct_to_diffuse=nothing,
        transmitted_diffuse=passing,
        sunlit_fraction_layer=no_layer,
        leaf_absorbed_direct_sunlit=no_layer,
        leaf_absorbed_direct_shaded=no_layer,
        leaf_absorbed_diffuse_sunlit=no_layer,
        leaf_absorbed_diffuse_shaded=no_layer,
        vcmax_scaling_sunlit=no_layer[0],
        vcmax_scaling_shaded=_over(capacity, leaf_area),
    )


def surface_albedo(
    optics: VegetationOptics,
    canopy: CanopySurface,
    snow: SnowRadiation,
    bare_soil: Float[Array, "band column"],
    snow_fraction: Float[Array, " column"],
    cosine_zenith: Float[Array, " column"],
    column_of_patch: Int[Array, " patch"],
) -> tuple[GroundAlbedo, CanopyRadiation]:
    """Ground and canopy together: `ground_albedo` per column, then `canopy_radiation` per patch."""
    ground = ground_albedo(bare_soil, snow, snow_fraction, cosine_zenith)
    radiation = canopy_radiation(
        optics,
        canopy,
        cosine_zenith[column_of_patch],
        ground.ground_albedo_direct[:, column_of_patch],
        ground.ground_albedo_diffuse[:, column_of_patch],
    )
    return ground, radiation
