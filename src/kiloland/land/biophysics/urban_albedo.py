"""Light in towns: what each surface absorbs and reflects, per light that falls on a horizontal plane.

CLM4 urban technical note (Oleson et al. 2010), 2.5; snow after Marshall (1989). ELM `UrbanAlbedo`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.urban_geometry import (
    CanyonLight,
    CanyonReflectivity,
    ViewFactors,
    diffuse_light,
    direct_light,
    exchange_in_canyon,
    view_factors,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.urban_town import Surface, UrbanParameters

SNOW_ALBEDO = (0.66, 0.56)
"""Of sooty town snow, visible and near infrared, whatever its age."""
LEAST_ABSORPTION = 1.0e-5
"""Share of the incoming light below which a further reflection is not followed."""


@pytree_dataclass
class UrbanAlbedo:
    """Light absorbed and reflected to the sky per light on a horizontal plane; of walls per area of wall."""

    absorbed_direct: Float[Array, "band surface town"]
    """ELM `sabs_*_dir`."""
    absorbed_diffuse: Float[Array, "band surface town"]
    albedo_direct: Float[Array, "band surface town"]
    """ELM `albd`. At night 1 for roofs, 1/3 for roads, W/3H for walls: the town as a whole has 1."""
    albedo_diffuse: Float[Array, "band surface town"]


def urban_albedo(
    parameters: UrbanParameters,
    cosine_zenith: Float[Array, " town"],
    snow_fraction: Float[Array, "surface town"],
    snow_water: Float[Array, "surface town"],
) -> UrbanAlbedo:
    """Light that surfaces absorb and reflect, with all reflections in the canyon.

    Arguments: cosine of the zenith angle; share of each surface under snow; snow on it (kg m-2). Snow
    covers roofs and roads: alb (1 - f) + alb_snow f. Nothing is absorbed while the sun is down.
    """
    views = view_factors(parameters.height_to_width)
    sun, day = direct_light(cosine_zenith, parameters.height_to_width)
    night = night_albedo(parameters.height_to_width)
    results = []
    for material, light in (
        (parameters.albedo_direct, sun),
        (parameters.albedo_diffuse, diffuse_light(views)),
    ):
        albedo = with_snow(material, snow_fraction, snow_water)
        absorbed, reflected = _one_beam(parameters, views, albedo, light)
        results.append(jnp.where(day, absorbed, 0.0))
        results.append(jnp.where(day, reflected, night))
    return UrbanAlbedo(
        absorbed_direct=results[0],
        albedo_direct=results[1],
        absorbed_diffuse=results[2],
        albedo_diffuse=results[3],
    )


def with_snow(
    material: Float[Array, "band surface town"],
    snow_fraction: Float[Array, "surface town"],
    snow_water: Float[Array, "surface town"],
) -> Float[Array, "band surface town"]:
    """Albedo of roofs and roads partly under snow; walls carry none."""
    snow = jnp.where(snow_water > 0.0, jnp.asarray(SNOW_ALBEDO)[:, None, None], 0.0)
    mixed = material * (1.0 - snow_fraction) + snow * snow_fraction
    wall = jnp.asarray([surface in (Surface.SUNLIT_WALL, Surface.SHADED_WALL) for surface in Surface])
    return jnp.where(wall[:, None], material, mixed)


def night_albedo(height_to_width: Float[Array, " town"]) -> Float[Array, "surface town"]:
    """Shares that make the albedo of the town 1 while the sun is down."""
    one = jnp.ones_like(height_to_width)
    wall = 1.0 / (3.0 * height_to_width)
    return jnp.stack([one, wall, wall, one / 3.0, one / 3.0])


def _one_beam(
    parameters: UrbanParameters,
    views: ViewFactors,
    albedo: Float[Array, "band surface town"],
    light: CanyonLight,
) -> tuple[Float[Array, "band surface town"], Float[Array, "band surface town"]]:
    """Light absorbed and light reflected to the sky, of direct or diffuse light."""
    impervious, pervious = albedo[:, Surface.IMPERVIOUS_ROAD], albedo[:, Surface.PERVIOUS_ROAD]
    wall, roof = albedo[:, Surface.SUNLIT_WALL], albedo[:, Surface.ROOF]
    share = parameters.pervious_share
    first = CanyonLight(
        road=impervious * light.road * (1.0 - share) + pervious * light.road * share,
        sunlit_wall=wall * light.sunlit_wall,
        shaded_wall=wall * light.shaded_wall,
    )
    more = exchange_in_canyon(
        views,
        parameters.height_to_width,
        share,
        CanyonReflectivity(impervious, pervious, wall),
        first,
        LEAST_ABSORPTION,
    )
    absorbed = (
        1.0 - roof,
        (1.0 - wall) * light.sunlit_wall + more.absorbed_sunlit_wall,
        (1.0 - wall) * light.shaded_wall + more.absorbed_shaded_wall,
        (1.0 - impervious) * light.road + more.absorbed_impervious,
        (1.0 - pervious) * light.road + more.absorbed_pervious,
    )
    reflected = (
        roof,
        first.sunlit_wall * views.sky_from_wall + more.sky_sunlit_wall,
        first.shaded_wall * views.sky_from_wall + more.sky_shaded_wall,
        impervious * light.road * views.sky_from_road + more.sky_impervious,
        pervious * light.road * views.sky_from_road + more.sky_pervious,
    )
    return jnp.stack(absorbed, axis=1), jnp.stack(reflected, axis=1)
