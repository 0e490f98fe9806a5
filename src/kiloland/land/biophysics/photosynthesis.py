"""Photosynthesis and stomatal resistance of the sunlit and shaded leaves of a canopy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.leaf_capacity import (
    GAS_CONSTANT_PER_MOLE,
    LeafTraits,
    TopCapacity,
    kinetics,
    leaf_capacity,
)
from kiloland.land.biophysics.stomata import LeafProblem, LeafState, smaller_root, solve_leaf
from kiloland.land.pytree import pytree_dataclass

LARGEST_RESISTANCE = 2.0e4
"""s m-1."""
LEAST_CONDUCTANCE = 1.0
"""umol m-2 s-1."""
_TRANSPORT_CURVATURE = 0.7
_LOST_LIGHT = 0.15
_PHOTONS = 4.6


@pytree_dataclass
class LeafGroups:
    """Sunlit (first) and shaded leaves of each patch."""

    leaf_area: Float[Array, "light patch"]
    """Of these leaves, m2 m-2 of ground."""
    light: Float[Array, "light patch"]
    """Visible light absorbed, W m-2 of leaf and stem."""
    scaling: Float[Array, "light patch"]
    """Canopy integral of the nitrogen profile per area of these leaves."""


@pytree_dataclass
class CanopyAir:
    """What leaves feel; changes while leaf temperature is sought."""

    leaf_temperature: Float[Array, " patch"]
    """K."""
    saturation_pressure: Float[Array, " patch"]
    """At leaf temperature, Pa."""
    vapour_pressure: Float[Array, " patch"]
    """Of the air in the canopy, Pa."""
    boundary_resistance: Float[Array, " patch"]
    """Of the leaf boundary layer, s m-1."""
    air_temperature: Float[Array, " patch"]
    """T + 0.0098 z of the air above, K, which turns m s-1 to umol m-2 s-1."""
    pressure: Float[Array, " patch"]
    """Pa."""
    carbon_dioxide: Float[Array, " patch"]
    """Pa."""
    oxygen: Float[Array, " patch"]
    """Pa."""


@pytree_dataclass
class LeafExchange:
    """Photosynthesis of sunlit (first) and shaded leaves, umol CO2 m-2 of leaf s-1."""

    resistance: Float[Array, "light patch"]
    """Of stomata for water vapour, s m-1 (ELM `rssun`, `rssha`)."""
    photosynthesis: Float[Array, "light patch"]
    """Gross (`psnsun`, `psnsha`)."""
    rubisco_limited: Float[Array, "light patch"]
    """The same where Rubisco limits it, else 0; the next two where light or products do."""
    light_limited: Float[Array, "light patch"]
    product_limited: Float[Array, "light patch"]
    respiration: Float[Array, "light patch"]
    """Of leaf maintenance (`lmrsun`, `lmrsha`)."""


def molar_conversion(
    pressure: Float[Array, " patch"], temperature: Float[Array, " patch"]
) -> Float[Array, " patch"]:
    """umol m-3 of air, p / (R T) 1e6: conductance in m s-1 times this is in umol m-2 s-1."""
    return pressure / (GAS_CONSTANT_PER_MOLE * temperature) * 1.0e6


def photosynthesis(
    traits: LeafTraits,
    top: TopCapacity,
    leaves: LeafGroups,
    air: CanopyAir,
    stress: Float[Array, " patch"],
    active: Bool[Array, " patch"],
) -> LeafExchange:
    """Photosynthesis, respiration and stomatal resistance (ELM `Photosynthesis`; Bonan et al. 2011).

    Electron transport is the smaller root of 0.7 J^2 - (I + J_max) J + I J_max = 0 with
    I = 0.5 (1 - 0.15) 4.6 light. Without light: no photosynthesis, minimum conductance max(b btran, 1).
    Resistance at most 2e4 s m-1. `stress` is btran; lanes that are not `active` cost no iterations.
    """
    lit = leaves.light > 0.0
    capacity = leaf_capacity(traits, top, leaves.scaling, air.leaf_temperature, stress, lit)
    rubisco = kinetics(traits, air.leaf_temperature, air.pressure, air.oxygen)
    minimum = jnp.maximum(traits.minimum_conductance * stress, LEAST_CONDUCTANCE)
    conversion = molar_conversion(air.pressure, air.air_temperature)
    photons = 0.5 * (1.0 - _LOST_LIGHT) * leaves.light * _PHOTONS
    transport = smaller_root(
        jnp.full_like(photons, _TRANSPORT_CURVATURE),
        photons + capacity.transport,
        photons * capacity.transport,
    )
    humid = jnp.minimum(air.vapour_pressure, air.saturation_pressure) / air.saturation_pressure
    problem = LeafProblem(
        carboxylation=capacity.carboxylation,
        electron_transport=transport,
        product=capacity.product,
        carboxylase=capacity.carboxylase,
        respiration=capacity.respiration,
        light=leaves.light,
        compensation=rubisco.compensation,
        effective_michaelis=rubisco.effective_michaelis,
        quantum_efficiency=traits.quantum_efficiency,
        colimitation=traits.colimitation,
        minimum_conductance=minimum,
        conductance_slope=traits.conductance_slope,
        boundary_conductance=conversion / air.boundary_resistance,
        air_carbon=air.carbon_dioxide,
        relative_humidity=humid,
        pressure=air.pressure,
        c3=traits.c3,
    )
    # Lanes in the dark hold ones, so that nothing there is infinite.
    safe: LeafProblem = jax.tree.map(lambda values: jnp.where(lit, values, 1.0), problem)
    return _exchange(
        solve_leaf(safe, lit & active), lit, minimum, conversion, capacity.respiration, leaves, air
    )


def _exchange(
    leaf: LeafState,
    lit: Bool[Array, "light patch"],
    minimum: Float[Array, " patch"],
    conversion: Float[Array, " patch"],
    respiration: Float[Array, "light patch"],
    leaves: LeafGroups,
    air: CanopyAir,
) -> LeafExchange:
    conductance = jnp.where(lit, leaf.conductance, minimum)
    resistance = jnp.minimum(1.0 / (conductance / conversion), LARGEST_RESISTANCE)
    present = leaves.leaf_area > 0.0
    area = jnp.where(present, leaves.leaf_area, 1.0)
    # The mean over canopy layers, of which there is one, rounds.
    mean = area / (area / (air.boundary_resistance + resistance)) - air.boundary_resistance
    gross = jnp.where(lit & present, leaf.gross, 0.0)
    rubisco, light, product = leaf.rubisco_limited, leaf.light_limited, leaf.product_limited
    by_rubisco = (rubisco <= light) & (rubisco <= product)
    by_light = (light < rubisco) & (light <= product)
    by_product = (product < rubisco) & (product < light)
    return LeafExchange(
        resistance=jnp.where(present, mean, 0.0),
        photosynthesis=gross,
        rubisco_limited=jnp.where(by_rubisco, gross, 0.0),
        light_limited=jnp.where(by_light, gross, 0.0),
        product_limited=jnp.where(by_product, gross, 0.0),
        respiration=jnp.where(present, respiration, 0.0),
    )
