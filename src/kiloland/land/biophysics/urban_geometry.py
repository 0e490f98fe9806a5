"""The canyon of a town: what its surfaces see of each other, and how it slows the wind.

Masson (2000, doi:10.1023/A:1002463829265) for view factors and light; Macdonald et al. (1998) and Grimmond
and Oke (1999) for roughness; CLM4 urban technical note (Oleson et al. 2010, NCAR/TN-480+STR), 2.5 and 3.2.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import VON_KARMAN
from kiloland.land.biophysics.masked_loop import masked_loop
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.urban_town import UrbanParameters

MOST_REFLECTIONS = 50
_DISPLACEMENT_BASE = 4.43
_DRAG = 1.2


@pytree_dataclass
class ViewFactors:
    """Share of the view from one surface that another fills."""

    sky_from_road: Float[Array, " town"]
    wall_from_road: Float[Array, " town"]
    """Of each wall."""
    sky_from_wall: Float[Array, " town"]
    road_from_wall: Float[Array, " town"]
    wall_from_wall: Float[Array, " town"]


@pytree_dataclass
class TownRoughness:
    """How a town slows the wind above it."""

    displacement: Float[Array, " town"]
    """m."""
    roughness: Float[Array, " town"]
    """Of momentum, heat and moisture, m."""


@pytree_dataclass
class CanyonLight:
    """Radiation on the road (per area of road) and on each wall (per area of wall)."""

    road: Float[Array, "..."]
    sunlit_wall: Float[Array, "..."]
    shaded_wall: Float[Array, "..."]


@pytree_dataclass
class CanyonReflectivity:
    """Share of radiation that the surfaces of the canyon reflect."""

    impervious: Float[Array, "..."]
    pervious: Float[Array, "..."]
    wall: Float[Array, "..."]


@pytree_dataclass
class CanyonExchange:
    """What becomes of radiation that leaves the surfaces of a canyon, per area of each surface."""

    absorbed_impervious: Float[Array, "..."]
    absorbed_pervious: Float[Array, "..."]
    absorbed_sunlit_wall: Float[Array, "..."]
    absorbed_shaded_wall: Float[Array, "..."]
    sky_impervious: Float[Array, "..."]
    """Reflected to the sky, as the next three."""
    sky_pervious: Float[Array, "..."]
    sky_sunlit_wall: Float[Array, "..."]
    sky_shaded_wall: Float[Array, "..."]


def view_factors(height_to_width: Float[Array, " town"]) -> ViewFactors:
    """View factors of a canyon of infinite length with r = H/W.

    road: sky sqrt(r^2 + 1) - r, each wall half the rest; wall: sky and road (r + 1 - sqrt(r^2 + 1)) / 2r
    each, the other wall the rest.
    """
    ratio = height_to_width
    slant = jnp.sqrt(ratio * ratio + 1.0)
    sky = slant - ratio
    beside = 0.5 * (ratio + 1.0 - slant) / ratio
    return ViewFactors(
        sky_from_road=sky,
        wall_from_road=0.5 * (1.0 - sky),
        sky_from_wall=beside,
        road_from_wall=beside,
        wall_from_wall=1.0 - beside - beside,
    )


def town_roughness(parameters: UrbanParameters) -> TownRoughness:
    """Displacement d and roughness z0 from the plan area index p = r/(r+1) and r = H/W.

    d = (1 + 4.43^-p (p - 1)) H;  z0 = (H - d) exp(-(0.5 (1.2/k^2)(1 - d/H) f)^-1/2), f = (1 - p) r.
    """
    ratio, height = parameters.height_to_width, parameters.roof_height
    plan = ratio / (ratio + 1.0)
    frontal = (1.0 - plan) * ratio
    displacement = (1.0 + jnp.exp(-plan * math.log(_DISPLACEMENT_BASE)) * (plan - 1.0)) * height
    above = 1.0 - displacement / height
    drag = 0.5 * _DRAG / (VON_KARMAN * VON_KARMAN) * above * frontal
    return TownRoughness(displacement, height * above * jnp.exp(-1.0 / jnp.sqrt(drag)))


def direct_light(
    cosine_zenith: Float[Array, " town"], height_to_width: Float[Array, " town"]
) -> tuple[CanyonLight, Bool[Array, " town"]]:
    """Direct light in the canyon per light on a horizontal plane, over all orientations of the street.

    With t = tan(zenith) and the orientation from which no light reaches the road, a = asin(min(1/(r t), 1)):
    road 2a/pi - 2/pi r t (1 - cos a); sunlit wall 2 [(1/2 - a/pi)/r + t (1 - cos a)/pi]; shaded wall 0.
    Also tells where the sun is above the horizon; elsewhere all is 0.
    """
    day = cosine_zenith > 0.0
    cosine = jnp.where(day, jnp.minimum(cosine_zenith, 1.0), 0.5)
    high = cosine >= 1.0
    zenith = jnp.arccos(jnp.where(high, 0.5, cosine))
    tangent = jnp.where(high, 0.0, jnp.tan(zenith))
    reach = 1.0 / (height_to_width * jnp.maximum(tangent, 1.0e-6))
    everywhere = reach >= 1.0
    angle = jnp.where(everywhere, 0.5 * math.pi, jnp.arcsin(jnp.where(everywhere, 0.5, reach)))
    hidden = tangent * (1.0 - jnp.cos(angle))
    road = 2.0 * angle / math.pi - 2.0 / math.pi * height_to_width * hidden
    wall = 2.0 * ((0.5 - angle / math.pi) / height_to_width + hidden / math.pi)
    light = CanyonLight(
        road=jnp.where(day, road, 0.0),
        sunlit_wall=jnp.where(day, wall, 0.0),
        shaded_wall=jnp.zeros_like(cosine_zenith),
    )
    return light, day


def diffuse_light(views: ViewFactors) -> CanyonLight:
    """Diffuse light in the canyon per light on a horizontal plane: the views of the sky."""
    return CanyonLight(views.sky_from_road, views.sky_from_wall, views.sky_from_wall)


def exchange_in_canyon(
    views: ViewFactors,
    height_to_width: Float[Array, " town"],
    pervious_share: Float[Array, " town"],
    reflectivity: CanyonReflectivity,
    leaving: CanyonLight,
    tolerance: float,
) -> CanyonExchange:
    """Follow radiation that leaves road and walls until it is absorbed or has gone to the sky.

    Road: in = r (s + h) F_wr;  sunlit wall: in = road F_rw / r + h F_ww, the shaded wall alike, with s, h
    what the walls send out. Each surface absorbs (1 - R) in and sends on R in. Passes end, town by town,
    when none of road, walls absorbs `tolerance` more (as ELM stops), at most after 50.
    """
    fields = (views, height_to_width, pervious_share, reflectivity)
    shape = jnp.broadcast_shapes(leaving.road.shape, reflectivity.wall.shape)
    none = jnp.zeros(shape)
    start: CanyonLight = CanyonLight(
        *(jnp.broadcast_to(x, shape) for x in (leaving.road, leaving.sunlit_wall, leaving.shaded_wall))
    )
    (total, _), _ = masked_loop(
        _reflect,
        lambda flags: flags[0].any(),
        (CanyonExchange(*([none] * 8)), start),
        (jnp.ones(shape, bool),),
        (*fields, jnp.asarray(tolerance)),
        MOST_REFLECTIONS,
    )
    result: CanyonExchange = total
    return result


_Values = tuple[CanyonExchange, CanyonLight]
_Flags = tuple[Bool[Array, "..."]]
_Constants = tuple[
    ViewFactors, Float[Array, " town"], Float[Array, " town"], CanyonReflectivity, Float[Array, ""]
]


def _reflect(values: _Values, flags: _Flags, constants: _Constants) -> tuple[_Values, _Flags]:
    """One pass: what left the surfaces arrives, is absorbed or leaves again."""
    total, out = values
    (active,) = flags
    views, ratio, pervious_share, reflect, tolerance = constants
    on_road = (out.sunlit_wall + out.shaded_wall) * views.road_from_wall * ratio
    from_road = out.road * views.wall_from_road / ratio
    on_sunlit = from_road + out.shaded_wall * views.wall_from_wall
    on_shaded = from_road + out.sunlit_wall * views.wall_from_wall
    absorbed = (
        (1.0 - reflect.impervious) * on_road,
        (1.0 - reflect.pervious) * on_road,
        (1.0 - reflect.wall) * on_sunlit,
        (1.0 - reflect.wall) * on_shaded,
    )
    leaving = (
        reflect.impervious * on_road,
        reflect.pervious * on_road,
        reflect.wall * on_sunlit,
        reflect.wall * on_shaded,
    )
    views_of_sky = (views.sky_from_road, views.sky_from_road, views.sky_from_wall, views.sky_from_wall)
    to_sky = tuple(flux * view for flux, view in zip(leaving, views_of_sky, strict=True))
    old = tuple(getattr(total, name) for name in CanyonExchange.__dataclass_fields__)
    added = tuple(
        jnp.where(active, before + more, before)
        for before, more in zip(old, (*absorbed, *to_sky), strict=True)
    )
    impervious_share = 1.0 - pervious_share
    road = leaving[0] * impervious_share + leaving[1] * pervious_share
    most = absorbed[0] * impervious_share + absorbed[1] * pervious_share
    most = jnp.maximum(most, jnp.maximum(absorbed[2], absorbed[3]))
    return (
        CanyonExchange(*added),
        CanyonLight(road, leaving[2], leaving[3]),
    ), (active & (most >= tolerance),)
