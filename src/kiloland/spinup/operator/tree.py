"""The decomposition operator of soil columns as a tree of arrays."""

from __future__ import annotations

from jaxtyping import Array, Float

from kiloland.land.pytree import pytree_dataclass


@pytree_dataclass
class MineralPhosphorus:
    """Rates of mineral phosphorus; all per second, amounts per m3 of soil.

    Weathering moves primary to labile, adsorption labile to secondary, desorption back, occlusion secondary
    to occluded phosphorus; labile and dissolved P exchange by Langmuir's relation.
    """

    weathering: Float[Array, " column"]
    adsorption: Float[Array, " column"]
    desorption: Float[Array, " column"]
    occlusion: Float[Array, " column"]
    sorption_maximum: Float[Array, " column"]
    """Largest labile P, gP m-3 (`smax`)."""
    sorption_half: Float[Array, " column"]
    """Dissolved P at which half of it is reached, gP m-3 (`ks_sorption`)."""
    leaching: Float[Array, "layer column"]
    """Loss of dissolved P, s-1."""
    deposition: Float[Array, "layer column"]
    """Into primary P, gP m-3 s-1."""


@pytree_dataclass
class CascadeOperator:
    """Mean linear dynamics of the eight pools of soil columns, in natural (not accelerated) scale.

    d x_p / dt = input_p + sum over transitions into p of (1 - respired) path decay_d x_d
                 - (decay_p + fire_p) x_p + d/dz(diffusivity d x_p / dz)
    with x in g m-3, zero flux at the surface and the bottom; woody debris does not move.
    """

    thickness: Float[Array, " layer"]
    """m."""
    spacing: Float[Array, " interface"]
    """Distance of neighbouring nodes, m; nine interfaces between the ten layers."""
    decay: Float[Array, "pool layer column"]
    """Mean loss by decomposition over mean pool, s-1; factor of acceleration removed, fire not in it."""
    respired: Float[Array, "transition layer column"]
    """Respired share of the carbon of a transition."""
    path: Float[Array, "transition layer column"]
    """Share of the donor's loss that takes a transition."""
    diffusivity: Float[Array, "interface column"]
    """m2 s-1."""
    fire: Float[Array, "pool layer column"]
    """Loss to fire, s-1."""
    litter_input: Float[Array, "pool layer column"]
    """Carbon from vegetation, gC m-3 s-1."""
    litter_input_n: Float[Array, "pool layer column"]
    """gN m-3 s-1."""
    litter_input_p: Float[Array, "pool layer column"]
    """gP m-3 s-1."""
    biochemical_p: Float[Array, "pool layer column"]
    """Loss of phosphorus by biochemical mineralisation, s-1."""
    mineral: MineralPhosphorus
