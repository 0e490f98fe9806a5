"""Leaves and stems that snow buries, where the plants come from outside.

Source: ELM's satellite phenology (`SatellitePhenologyMod`), for plants that grew `VegStructUpdateMod`; Wang
and Zeng (2007).
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.full_inputs import Plants, Vegetation
from kiloland.land.pytree import pytree_dataclass

LEAST_AREA = 0.05
"""Exposed leaf or stem area below this is none, m2 m-2."""
GRASS_DEPTH = 0.2
"""Snow that buries plants without wood, m."""
_LEAST_HEIGHT = 1.0e-6


@pytree_dataclass
class GrownPlants(Plants):
    """Plants of a carbon cycle. Snow of any extent buries them: L b, whatever the share of the ground."""


def bury(
    plants: Plants,
    woody: Bool[Array, " patch"],
    snow_depth: Float[Array, " patch"],
    snow_fraction: Float[Array, " patch"],
) -> Vegetation:
    """What stands above the snow: L (1 - f) + L b f, none where that is below 0.05.

    f is the share of the ground under snow and b the share of the plant that stands above its depth z:
    1 - min(max(z - h_b, 0), h_t - h_b) / (h_t - h_b) between bottom h_b and top h_t of trees and shrubs,
    1 - min(z, 0.2 m) / 0.2 m of other plants.

    >>> one = jnp.ones(1)
    >>> grass = Plants(leaf_area=2.0 * one, stem_area=0.0 * one, top=0.5 * one, bottom=0.0 * one)
    >>> float(bury(grass, jnp.array([False]), 0.1 * one, one).leaf_area[0])
    1.0
    """
    above = share_above(plants, woody, snow_depth)
    if isinstance(plants, GrownPlants):
        return _standing(plants, plants.leaf_area * above, plants.stem_area * above)

    def exposed(area: Float[Array, " patch"]) -> Float[Array, " patch"]:
        left = area * (1.0 - snow_fraction) + area * above * snow_fraction
        return jnp.where(left < LEAST_AREA, 0.0, left)

    leaf, stem = exposed(plants.leaf_area), exposed(plants.stem_area)
    # What is left is 0 or at least the least area.
    return _standing(plants, leaf, stem)


def share_above(
    plants: Plants, woody: Bool[Array, " patch"], snow_depth: Float[Array, " patch"]
) -> Float[Array, " patch"]:
    """Share of each plant above snow of a depth (m)."""
    height = plants.top - plants.bottom
    covered = jnp.minimum(jnp.maximum(snow_depth - plants.bottom, 0.0), height)
    wood = 1.0 - covered / jnp.maximum(_LEAST_HEIGHT, height)
    grass = 1.0 - jnp.maximum(jnp.minimum(snow_depth, GRASS_DEPTH), 0.0) / GRASS_DEPTH
    return jnp.where(woody, wood, grass)


def _standing(plants: Plants, leaf: Array, stem: Array) -> Vegetation:
    return Vegetation(
        leaf_area=leaf,
        stem_area=stem,
        canopy_top=plants.top,
        exposed=(leaf + stem > 0.0).astype(jnp.int32),
    )
