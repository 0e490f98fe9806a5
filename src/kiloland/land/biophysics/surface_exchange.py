"""The surface of every patch, bare or under a canopy, as one set of fluxes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, bare_ground_fluxes
from kiloland.land.biophysics.canopy_fluxes import Canopy, CanopyFluxes, PlantTraits, canopy_fluxes
from kiloland.land.biophysics.constants import LATENT_HEAT_VAPORISATION, STEFAN_BOLTZMANN
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.leaf_capacity import TopCapacity
from kiloland.land.pytree import pytree_dataclass

MeanOverPatches = Callable[[Array], Array]
"""Values of patches, last axis, to means over the patches of each column."""


@pytree_dataclass
class SurfaceWeather:
    """What reaches the surface of each patch from the air above."""

    air: Air
    longwave_down: Float[Array, " patch"]
    """W m-2."""
    carbon_dioxide: Float[Array, " patch"]
    """Pa."""


@pytree_dataclass
class PatchSurface:
    """Fluxes of all patches before the ground answers."""

    ground: TurbulentFluxes
    """Between ground and air, or canopy air; 2-m values and stress are those of the patch."""
    canopy: CanopyFluxes
    """0 where no vegetation is exposed, but for leaf temperature and water."""
    longwave_to_ground: Float[Array, " patch"]
    """Absorbed by the ground, W m-2."""
    longwave_up: Float[Array, " patch"]
    """Leaving the surface before the ground answers, W m-2."""


def surface_exchange(
    canopy: Canopy,
    traits: PlantTraits,
    top: TopCapacity,
    weather: SurfaceWeather,
    ground: GroundSurface,
    ground_fourth: Float[Array, " patch"],
    snow_depth: Float[Array, " patch"],
    timestep: float,
) -> PatchSurface:
    """Fluxes of bare and vegetated patches (ELM `BareGroundFluxes` and `CanopyFluxes`).

    Where no vegetation is above the snow the ground meets the air itself; the reference height then lies
    above the displacement of the plants that the snow covers, and leaves have the temperature of the air.
    Arguments as of `canopy_fluxes`.
    """
    structure, bare = traits.structure, ~canopy.exposed
    vegetated = canopy_fluxes(
        canopy,
        traits,
        top,
        weather.air,
        ground,
        ground_fourth,
        snow_depth,
        weather.longwave_down,
        weather.carbon_dioxide,
        timestep,
    )
    raised = dataclasses.replace(
        weather.air, height=weather.air.height + structure.displacement_ratio * canopy.top
    )
    open_ground = bare_ground_fluxes(raised, ground)
    emissivity = ground.emissivity
    absorbed = emissivity * weather.longwave_down
    up = (weather.longwave_down - absorbed) + emissivity * STEFAN_BOLTZMANN * ground_fourth
    return PatchSurface(
        ground=_choose(bare, open_ground, vegetated.ground),
        canopy=dataclasses.replace(
            vegetated,
            leaf_temperature=jnp.where(bare, weather.air.temperature, vegetated.leaf_temperature),
            canopy_water=jnp.where(bare, canopy.water, vegetated.canopy_water),
        ),
        longwave_to_ground=jnp.where(bare, absorbed, vegetated.longwave_below),
        longwave_up=jnp.where(bare, up, vegetated.longwave_above),
    )


def longwave_answer(ground: GroundSurface, warming: Float[Array, " patch"]) -> Float[Array, " patch"]:
    """Longwave that a warming of the ground (K) adds to what leaves the surface: 4 e sigma T^3 dT, W m-2."""
    cubed = ground.temperature * ground.temperature * ground.temperature
    return 4.0 * ground.emissivity * STEFAN_BOLTZMANN * cubed * warming


def latent_heat(surface: PatchSurface, ground_latent: Float[Array, " patch"]) -> Float[Array, " patch"]:
    """Of the whole patch (ELM `EFLX_LH_TOT`): ground, W m-2, and canopy, L_v times its evaporation."""
    return ground_latent + LATENT_HEAT_VAPORISATION * surface.canopy.evaporation


def root_uptake(
    transpiration: Float[Array, " patch"],
    uptake: Float[Array, "soil patch"],
    mean: MeanOverPatches,
) -> Float[Array, "soil column"]:
    """Water that roots take from each soil layer, kg m-2 s-1.

    s_j = mean of E_p r_pj with transpiration E_p and uptake shares r_pj; `mean` averages over patches.
    """
    return mean(transpiration * uptake)


def _choose(bare: Bool[Array, " patch"], one: TurbulentFluxes, other: TurbulentFluxes) -> TurbulentFluxes:
    chosen: TurbulentFluxes = jax.tree.map(lambda a, b: jnp.where(bare, a, b), one, other)
    return chosen
