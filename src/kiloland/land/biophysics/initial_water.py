"""What ELM does with the soil water of an initial file of another run: no more than the pores hold.

A file may stem from other soil parameters, so that at the start of a new run (not where a run is continued)
the water of each layer of soil is brought within the pores, liquid and ice in the same proportion:

    theta = W_liq / (rho_liq dz) + W_ice / (rho_ice dz)
    W -= W / (W_liq + W_ice) max(0, theta - theta_sat) rho_liq dz,      then at least 0.01 kg m-2 of each

Source: E3SM land model, reading of initial conditions (`bound_h2osoi`).
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID

LEAST = 0.01
"""kg m-2, of liquid water and of ice (ELM `watmin`)."""


def within_pores(
    liquid: Float[Array, "ground column"],
    ice: Float[Array, "ground column"],
    porosity: Float[Array, "ground column"],
    thickness: Float[Array, " ground"],
) -> tuple[Float[Array, "ground column"], Float[Array, "ground column"]]:
    """Liquid water and ice of soil layers (kg m-2) as a new run begins with them; ``thickness`` in m."""
    depth = thickness[:, None]
    liquid, ice = jnp.maximum(liquid, 0.0), jnp.maximum(ice, 0.0)
    volume = liquid / (depth * DENSITY_LIQUID) + ice / (depth * DENSITY_ICE)
    excess = jnp.maximum(volume - porosity, 0.0) * depth * DENSITY_LIQUID
    total = liquid + ice
    kept = 1.0 - excess / jnp.where(total > 0.0, total, 1.0)
    return jnp.maximum(liquid * kept, LEAST), jnp.maximum(ice * kept, LEAST)
