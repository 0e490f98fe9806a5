"""Parameters of plant functional types (PFTs), as arrays over types or gathered per patch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import jax
from jaxtyping import Array, Float, Int

from kiloland.land.pytree import pytree_dataclass

_Fields = TypeVar("_Fields")


@pytree_dataclass
class VegetationOptics:
    """Optical properties of leaves and stems; the last axis is a PFT, or a patch once gathered.

    Bands: visible (0.2-0.7 um), near infrared (0.7-5 um). Reflectance and transmittance are fractions
    of the light that meets a leaf or stem and sum to less than 1.
    """

    leaf_angle_index: Float[Array, " type"]
    """Departure of the leaf angles from a spherical distribution: -1 vertical, 0 spherical, 1 horizontal."""
    leaf_reflectance: Float[Array, "band type"]
    leaf_transmittance: Float[Array, "band type"]
    stem_reflectance: Float[Array, "band type"]
    stem_transmittance: Float[Array, "band type"]

    def gather(self, plant_type: Int[Array, " patch"]) -> VegetationOptics:
        """The properties of each patch's type (`plant_type` counts from 0, which is bare ground)."""
        return _gather(self, plant_type)


@pytree_dataclass
class VegetationStructure:
    """Aerodynamic shape of the canopy; the axis is a PFT, or a patch once gathered."""

    roughness_ratio: Float[Array, " type"]
    """Momentum roughness length over canopy height."""
    displacement_ratio: Float[Array, " type"]
    """Displacement height over canopy height."""
    leaf_width: Float[Array, " type"]
    """Characteristic dimension of leaves in the direction of wind flow, m."""
    woodiness: Float[Array, " type"]
    """0 herbs and bare ground, 1 trees, 2 shrubs."""

    def gather(self, plant_type: Int[Array, " patch"]) -> VegetationStructure:
        """The properties of each patch's type (`plant_type` counts from 0, which is bare ground)."""
        return _gather(self, plant_type)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Parameters:
    """All plant parameters of a parameter file, in its order of types."""

    optics: VegetationOptics
    structure: VegetationStructure
    type_names: tuple[str, ...] = field(metadata={"static": True})


def _gather(fields: _Fields, index: Int[Array, " patch"]) -> _Fields:
    gathered: _Fields = jax.tree.map(lambda values: values[..., index], fields)
    return gathered
