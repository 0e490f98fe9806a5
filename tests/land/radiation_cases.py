"""Canopies that the radiation tests share."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from kiloland.land.biophysics.albedo import CanopySurface
from kiloland.land.parameters import VegetationOptics

TREE, GRASS, SHRUB = 0, 1, 2


def optics(patches: int, plant: int = TREE) -> VegetationOptics:
    """Optical properties of a spruce, a grass or a shrub, the same in all patches."""
    columns = {
        "leaf_angle_index": [0.01, -0.3, 0.25],
        "leaf_reflectance": [[0.07, 0.11, 0.10], [0.35, 0.35, 0.45]],
        "leaf_transmittance": [[0.05, 0.05, 0.05], [0.10, 0.34, 0.25]],
        "stem_reflectance": [[0.16, 0.31, 0.16], [0.39, 0.53, 0.39]],
        "stem_transmittance": [[0.001, 0.12, 0.001], [0.001, 0.25, 0.001]],
    }
    table = VegetationOptics(**{name: jnp.asarray(values) for name, values in columns.items()})
    return table.gather(jnp.full(patches, plant))


def canopy(leaf: object, stem: object, wet: object = 0.0, temperature: object = 285.0) -> CanopySurface:
    """A canopy per patch; scalars are spread over the patches."""
    spread = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (leaf, stem, wet, temperature)))
    leaf_area, stem_area, wet_fraction, leaf_temperature = (
        jnp.asarray(np.atleast_1d(part)) for part in spread
    )
    return CanopySurface(leaf_area, stem_area, wet_fraction, leaf_temperature)


def ground(patches: int, visible: float, near_infrared: float) -> Array:
    """A ground albedo [band, patch]."""
    return jnp.stack([jnp.full(patches, visible), jnp.full(patches, near_infrared)])


def random_canopies(patches: int, seed: int = 1) -> tuple[CanopySurface, Array, Array, Array]:
    """Canopies, cosines of the zenith by day, and two ground albedos."""
    draw = np.random.default_rng(seed)
    surface = canopy(
        draw.uniform(0.0, 6.0, patches),
        draw.uniform(0.01, 1.0, patches),
        draw.uniform(0.0, 1.0, patches),
        draw.uniform(255.0, 300.0, patches),
    )
    low, high = jnp.asarray(draw.uniform(0.05, 0.9, (2, 2, patches)))
    return surface, jnp.asarray(draw.uniform(0.01, 1.0, patches)), low, high
