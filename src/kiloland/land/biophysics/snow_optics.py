"""Optical properties of snow grains and particles in five bands, tabulated for the snow radiation model.

Bands: 0.3-0.7, 0.7-1.0, 1.0-1.2, 1.2-1.5, 1.5-5.0 um. Grain radii: whole micrometres from 30 to 1500.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from kiloland.land.biophysics.aerosol import Aerosol
from kiloland.land.pytree import pytree_dataclass

BANDS = 5
PARTICLE_BANDS = 3
"""Bands in which particles absorb and scatter."""
SMALLEST_RADIUS = 30
LARGEST_RADIUS = 1500
RADII = np.arange(SMALLEST_RADIUS, LARGEST_RADIUS + 1)
"""Grain radii of the tables, um."""

LARGEST_ASYMMETRY = 0.99
_ASPECT_RATIO = 2.5
_KNOTS = (0.475, 1.055, 1.655, 2.2, 3.0, 3.75, 4.5)
"""Wavelengths of the coefficients of hexagonal plates, um."""
_CENTRES = (0.5, 0.85, 1.1, 1.35, 3.25)
"""Wavelengths at which the asymmetry of each band is taken, um."""
_SCALE = (0.976029, 0.967798, 1.00111, 1.00224, 0.964295, 0.997475, 0.997475)
_EXPONENT = (-2.66792e-4, 1.14088e-3, 2.37011e-4, -2.35905e-4, 8.40449e-4, -4.71484e-4, -4.71484e-4)
_PLATE = (
    (0.5292852, 0.5425909, 0.5601598, 0.6023407, 0.6473899, 0.4634944, 0.4634944),
    (0.1140557, 0.1143152, 0.1143814, 0.1071238, 0.1353873, 0.1914431, 0.1914431),
    (3.165543e-3, 2.014810e-3, 1.780838e-3, 6.987734e-4, -1.882932e-2, -2.277872e-2, -2.277872e-2),
)


@pytree_dataclass
class IceOptics:
    """Scattering by ice grains of each radius of the tables."""

    single_scattering: Float[Array, "band radius"]
    """Single-scattering albedo."""
    extinction: Float[Array, "band radius"]
    """m2 kg-1."""
    asymmetry: Float[Array, "band radius"]


@pytree_dataclass
class ParticleOptics:
    """Scattering by particles in snow, in the order of :class:`~kiloland.land.biophysics.aerosol.Aerosol`."""

    single_scattering: Float[Array, "species band"]
    extinction: Float[Array, "species band"]
    """m2 kg-1; 0 for species that are taken to be transparent."""
    asymmetry: Float[Array, "species band"]


@pytree_dataclass
class SnowOptics:
    """All tables of the snow radiation model."""

    direct: IceOptics
    """For the spectrum of the direct beam."""
    diffuse: IceOptics
    particles: ParticleOptics
    enhancement: Float[Array, "band radius"]
    """Factor on the extinction of hydrophilic black carbon, which sits within the grains."""


def plate_asymmetry(single_scattering: NDArray[np.float64]) -> NDArray[np.float64]:
    """Asymmetry parameter of hexagonal plates for the radii and bands of the tables.

    g = min(0.99, C (F + (1 - F)/(2 w))), C = b0 D^b2 with the diameter D = 2 r in um, and
    F = p0 + p1 ln a + p2 ln^2 a with the aspect ratio a = 2.5; both interpolated linearly between knots.
    `single_scattering` is w, ``[band, radius]``. Source: He et al. (2017), Fu (2007).
    """
    diameter = 2.0 * RADII
    log_aspect = math.log(_ASPECT_RATIO)
    scale = [b0 * diameter**b2 for b0, b2 in zip(_SCALE, _EXPONENT, strict=True)]
    plate = [p0 + p1 * log_aspect + p2 * log_aspect**2 for p0, p1, p2 in zip(*_PLATE, strict=True)]
    asymmetry = []
    for band, centre in enumerate(_CENTRES):
        low = max(knot for knot in range(len(_KNOTS) - 1) if _KNOTS[knot] <= centre)
        share = (centre - _KNOTS[low]) / (_KNOTS[low + 1] - _KNOTS[low])
        c = (scale[low + 1] - scale[low]) * share + scale[low]
        f = (plate[low + 1] - plate[low]) * share + plate[low]
        asymmetry.append(c * (f + (1.0 - f) / single_scattering[band] / 2.0))
    return np.asarray(np.minimum(LARGEST_ASYMMETRY, np.stack(asymmetry)), np.float64)


def grain_class() -> NDArray[np.int64]:
    """Class (0..7) of each radius of the tables in the table of enhancement by black carbon within grains."""
    fine = np.floor(RADII / 50.0 + 0.5)
    coarse = np.floor(RADII / 250.0 + 0.5) + 2.0
    found = np.where(RADII < 125, fine, np.where(RADII < 175, 2.0, coarse))
    return np.clip(found, 1, 8).astype(np.int64) - 1


def ice_optics(single_scattering: NDArray[np.float64], extinction: NDArray[np.float64]) -> IceOptics:
    """Optics of hexagonal plates from tables ``[band, radius]``."""
    return IceOptics(
        single_scattering=jnp.asarray(single_scattering),
        extinction=jnp.asarray(extinction),
        asymmetry=jnp.asarray(plate_asymmetry(single_scattering)),
    )


def particle_optics(
    single_scattering: NDArray[np.float64],
    extinction: NDArray[np.float64],
    asymmetry: NDArray[np.float64],
) -> ParticleOptics:
    """Optics of particles from tables ``[species, band]``, as the model uses them.

    Organic carbon is carried in the snow but does not absorb; particles count only below 1.2 um, in the first
    three bands.
    """
    seen = np.array(extinction, np.float64)
    seen[[Aerosol.ORGANIC_CARBON_HYDROPHILIC, Aerosol.ORGANIC_CARBON_HYDROPHOBIC]] = 0.0
    seen[:, PARTICLE_BANDS:] = 0.0
    return ParticleOptics(
        single_scattering=jnp.asarray(single_scattering),
        extinction=jnp.asarray(seen),
        asymmetry=jnp.asarray(asymmetry),
    )
