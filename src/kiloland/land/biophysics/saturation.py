"""Saturation vapour pressure and specific humidity over water and ice."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.pytree import pytree_dataclass

# Flatau et al. (1992), Table 4, relative error norm: hPa and hPa K-1 in powers of degrees Celsius.
_PRESSURE_WATER = (
    6.11213476,
    0.444007856,
    0.143064234e-01,
    0.264461437e-03,
    0.305903558e-05,
    0.196237241e-07,
    0.892344772e-10,
    -0.373208410e-12,
    0.209339997e-15,
)
_SLOPE_WATER = (
    0.444017302,
    0.286064092e-01,
    0.794683137e-03,
    0.121211669e-04,
    0.103354611e-06,
    0.404125005e-09,
    -0.788037859e-12,
    -0.114596802e-13,
    0.381294516e-16,
)
_PRESSURE_ICE = (
    6.11123516,
    0.503109514,
    0.188369801e-01,
    0.420547422e-03,
    0.614396778e-05,
    0.602780717e-07,
    0.387940929e-09,
    0.149436277e-11,
    0.262655803e-14,
)
_SLOPE_ICE = (
    0.503277922,
    0.377289173e-01,
    0.126801703e-02,
    0.249468427e-04,
    0.313703411e-06,
    0.257180651e-08,
    0.133268878e-10,
    0.394116744e-13,
    0.498070196e-16,
)
_COLDEST = -75.0
_WARMEST = 100.0


@pytree_dataclass
class Saturation:
    """Saturated air."""

    vapour_pressure: Float[Array, "..."]
    """Pa."""
    vapour_pressure_slope: Float[Array, "..."]
    """Pa K-1."""
    humidity: Float[Array, "..."]
    """Specific humidity, kg kg-1."""
    humidity_slope: Float[Array, "..."]
    """kg kg-1 K-1."""


def saturation(temperature: Float[Array, "..."], pressure: Float[Array, "..."]) -> Saturation:
    """Saturation at a temperature (K) and pressure (Pa), over ice below freezing (ELM `QSatMod`).

    e_s and its slope by the eighth-order polynomials of Flatau et al. (1992), temperature limited to
    -75..100 C; q = 0.622 e / (p - 0.378 e), dq/dT = 0.622 p e' / (p - 0.378 e)^2.
    """
    celsius = jnp.clip(temperature - FREEZING_POINT, _COLDEST, _WARMEST)
    over_water = celsius >= 0.0
    pressure_hpa = jnp.where(
        over_water, _polynomial(_PRESSURE_WATER, celsius), _polynomial(_PRESSURE_ICE, celsius)
    )
    slope_hpa = jnp.where(over_water, _polynomial(_SLOPE_WATER, celsius), _polynomial(_SLOPE_ICE, celsius))
    vapour, slope = 100.0 * pressure_hpa, 100.0 * slope_hpa
    inverse = 1.0 / (pressure - 0.378 * vapour)
    ratio = 0.622 * inverse
    return Saturation(
        vapour_pressure=vapour,
        vapour_pressure_slope=slope,
        humidity=vapour * ratio,
        humidity_slope=slope * ratio * inverse * pressure,
    )


def _polynomial(coefficients: tuple[float, ...], value: Array) -> Array:
    total = jnp.full_like(value, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = coefficient + value * total
    return total
