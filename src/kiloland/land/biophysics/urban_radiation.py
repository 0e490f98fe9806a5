"""Radiation of a step in towns: sunlight absorbed, longwave exchanged between surfaces and sky.

CLM4 urban technical note (Oleson et al. 2010), 2.5 to 2.7; ELM `UrbanRadiation`. Fluxes in W m-2 of each
surface, of walls per area of wall.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import EMISSIVITY_SNOW, STEFAN_BOLTZMANN
from kiloland.land.biophysics.urban_albedo import UrbanAlbedo
from kiloland.land.biophysics.urban_geometry import (
    CanyonLight,
    CanyonReflectivity,
    exchange_in_canyon,
    view_factors,
)
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.urban_town import Surface, UrbanParameters

LEAST_ABSORPTION = 0.001
"""W m-2 below which a further reflection of longwave is not followed."""


@pytree_dataclass
class UrbanRadiation:
    """Radiation of each surface during a step."""

    absorbed: Float[Array, "surface town"]
    """Sunlight (ELM `SABG`, `FSA`)."""
    reflected: Float[Array, "surface town"]
    """Sunlight that goes back to the sky (`FSR`)."""
    longwave_up: Float[Array, "surface town"]
    """That reaches the sky, before the temperatures answer."""
    longwave_net: Float[Array, "surface town"]
    """Emitted less absorbed, before the temperatures answer."""


def urban_radiation(
    parameters: UrbanParameters,
    albedo: UrbanAlbedo,
    direct: Float[Array, "band town"],
    diffuse: Float[Array, "band town"],
    longwave_down: Float[Array, " town"],
    temperature: Float[Array, "surface town"],
    snow_fraction: Float[Array, "surface town"],
) -> UrbanRadiation:
    """Radiation of a step; `temperature` (K) is that of the surfaces at its start."""
    absorbed = sunlight(albedo.absorbed_direct, albedo.absorbed_diffuse, direct, diffuse)
    reflected = sunlight(albedo.albedo_direct, albedo.albedo_diffuse, direct, diffuse)
    up, net = longwave(parameters, longwave_down, temperature, snow_fraction)
    return UrbanRadiation(absorbed, reflected, up, net)


def sunlight(
    of_direct: Float[Array, "band surface town"],
    of_diffuse: Float[Array, "band surface town"],
    direct: Float[Array, "band town"],
    diffuse: Float[Array, "band town"],
) -> Float[Array, "surface town"]:
    """Shares of direct and diffuse light of all bands times the light, in a fixed order."""
    total = jnp.zeros_like(of_direct[0])
    for band in range(of_direct.shape[0]):
        total = total + of_direct[band] * direct[band]
        total = total + of_diffuse[band] * diffuse[band]
    return total


def snowy_emissivity(
    parameters: UrbanParameters, snow_fraction: Float[Array, "surface town"]
) -> Float[Array, "surface town"]:
    """Emissivity of surfaces partly under snow; walls carry none."""
    return parameters.emissivity * (1.0 - snow_fraction) + EMISSIVITY_SNOW * snow_fraction


def longwave(
    parameters: UrbanParameters,
    longwave_down: Float[Array, " town"],
    temperature: Float[Array, "surface town"],
    snow_fraction: Float[Array, "surface town"],
) -> tuple[Float[Array, "surface town"], Float[Array, "surface town"]]:
    """Longwave to the sky and net longwave (emitted less absorbed) of each surface.

    Roof: e sigma T^4 + (1 - e) L. In the canyon each surface emits e sigma T^4 and reflects (1 - e) of what
    arrives from the sky and the others; what both send out is followed until it is absorbed or gone.
    """
    views = view_factors(parameters.height_to_width)
    emissivity = snowy_emissivity(parameters, snow_fraction)
    squared = temperature * temperature
    emitted = emissivity * STEFAN_BOLTZMANN * (squared * squared)
    view = jnp.stack([jnp.ones_like(longwave_down), *[views.sky_from_wall] * 2, *[views.sky_from_road] * 2])
    arriving = longwave_down * view
    sent = (1.0 - emissivity) * arriving + emitted
    share = parameters.pervious_share
    more = exchange_in_canyon(
        views,
        parameters.height_to_width,
        share,
        CanyonReflectivity(
            impervious=1.0 - emissivity[Surface.IMPERVIOUS_ROAD],
            pervious=1.0 - emissivity[Surface.PERVIOUS_ROAD],
            wall=1.0 - emissivity[Surface.SUNLIT_WALL],
        ),
        CanyonLight(
            road=sent[Surface.IMPERVIOUS_ROAD] * (1.0 - share) + sent[Surface.PERVIOUS_ROAD] * share,
            sunlit_wall=sent[Surface.SUNLIT_WALL],
            shaded_wall=sent[Surface.SHADED_WALL],
        ),
        LEAST_ABSORPTION,
    )
    none = jnp.zeros_like(longwave_down)
    reflected = jnp.stack(
        [none, more.sky_sunlit_wall, more.sky_shaded_wall, more.sky_impervious, more.sky_pervious]
    )
    absorbed = jnp.stack(
        [
            none,
            more.absorbed_sunlit_wall,
            more.absorbed_shaded_wall,
            more.absorbed_impervious,
            more.absorbed_pervious,
        ]
    )
    return sent * view + reflected, emitted - emissivity * arriving - absorbed
