"""What leaves can do: photosynthetic capacity of a canopy and its temperature response."""

from __future__ import annotations

import struct

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from kiloland.land.biophysics.constants import FREEZING_POINT, GAS_CONSTANT
from kiloland.land.biophysics.safe_math import divide, power
from kiloland.land.pytree import pytree_dataclass

GAS_CONSTANT_PER_MOLE = GAS_CONSTANT * 1.0e-3
"""J K-1 mol-1."""
LARGEST_DECLINATION = struct.unpack("f", struct.pack("f", 0.409571))[0]
"""Declination of the longest day, rad; ELM fixes it, as a single-precision number, whatever the orbit."""
_REFERENCE = FREEZING_POINT + 25.0
_OXYGEN_SHARE = 0.209
_PRODUCT_SHARE = 0.167
_CARBOXYLASE_RATIO = 20000.0
_RESPIRATION_BASE = 2.525e-6
_RESPIRATION_Q10 = 1.5
_CARBON_WEIGHT = 12.0e-6
_COLDEST_GROWTH, _WARMEST_GROWTH = 11.0, 35.0
_LEAST_DAY_FACTOR = 0.01


@pytree_dataclass
class LeafTraits:
    """Photosynthesis of each plant type; the axis is a PFT, or a patch once gathered."""

    c3: Float[Array, " type"]
    """1 C3, 0 C4 (ELM `c3psn`)."""
    rubisco_nitrogen: Float[Array, " type"]
    """Share of leaf nitrogen in Rubisco (`flnr`)."""
    rubisco_mass: Float[Array, " type"]
    """Mass of Rubisco per mass of its nitrogen (`fnr`)."""
    rubisco_activity: Float[Array, " type"]
    """At 25 C, umol CO2 per mg Rubisco and minute (`act25`)."""
    leaf_carbon_nitrogen: Float[Array, " type"]
    """gC gN-1 (`leafcn`)."""
    specific_leaf_area: Float[Array, " type"]
    """At the top of the canopy, m2 gC-1 (`slatop`)."""
    quantum_efficiency: Float[Array, " type"]
    """Of C4, mol CO2 per mol photons (`qe`)."""
    colimitation: Float[Array, " type"]
    """Curvature of the co-limitation of Rubisco and light (`theta_cj`)."""
    minimum_conductance: Float[Array, " type"]
    """Intercept of Ball and Berry, umol m-2 s-1 (`bbbopt`)."""
    conductance_slope: Float[Array, " type"]
    """Slope of Ball and Berry (`mbbopt`)."""
    michaelis_carbon_energy: Float[Array, " type"]
    """Activation energies, J mol-1 (`kcha`, `koha`, `cpha`, `vcmaxha`, `jmaxha`, `tpuha`, `lmrha`)."""
    michaelis_oxygen_energy: Float[Array, " type"]
    compensation_energy: Float[Array, " type"]
    carboxylation_energy: Float[Array, " type"]
    transport_energy: Float[Array, " type"]
    product_energy: Float[Array, " type"]
    respiration_energy: Float[Array, " type"]
    carboxylation_deactivation: Float[Array, " type"]
    """Deactivation energies, J mol-1 (`vcmaxhd`, `jmaxhd`, `tpuhd`, `lmrhd`)."""
    transport_deactivation: Float[Array, " type"]
    product_deactivation: Float[Array, " type"]
    respiration_deactivation: Float[Array, " type"]
    respiration_entropy: Float[Array, " type"]
    """J mol-1 K-1 (`lmrse`)."""


@pytree_dataclass
class TopCapacity:
    """Capacity of leaves at the top of the canopy at 25 C, umol m-2 s-1."""

    carboxylation: Float[Array, " patch"]
    """V_cmax (ELM `VCMAX25TOP`)."""
    transport: Float[Array, " patch"]
    """J_max."""
    respiration: Float[Array, " patch"]
    growth_temperature: Float[Array, " patch"]
    """Mean of ten days, limited to 11..35 C."""


@pytree_dataclass
class LeafCapacity:
    """Capacity of sunlit or shaded leaves at their temperature, umol m-2 s-1; pressures in Pa."""

    carboxylation: Float[Array, "*lanes"]
    transport: Float[Array, "*lanes"]
    product: Float[Array, "*lanes"]
    carboxylase: Float[Array, "*lanes"]
    """Initial slope of the CO2 response of C4."""
    respiration: Float[Array, "*lanes"]


@pytree_dataclass
class Kinetics:
    """Rubisco at leaf temperature, Pa."""

    compensation: Float[Array, " patch"]
    """CO2 at which C3 leaves gain nothing."""
    effective_michaelis: Float[Array, " patch"]
    """K_c (1 + O / K_o)."""


def day_length_factor(
    day_length: Float[Array, " patch"], longest_day: Float[Array, " patch"]
) -> Float[Array, " patch"]:
    """(day / longest day)^2, 0.01..1."""
    return jnp.clip(day_length * day_length / (longest_day * longest_day), _LEAST_DAY_FACTOR, 1.0)


def top_capacity(
    traits: LeafTraits, day_factor: Float[Array, " patch"], ten_day_temperature: Float[Array, " patch"]
) -> TopCapacity:
    """Capacity at the top of the canopy (ELM `Photosynthesis`, relative-demand nutrients).

    N_l = 1 / (sla CN) gN m-2; V = N_l f_lnr f_nr a_25 (1000/60) F_day; J = (2.59 - 0.035 T_10) V;
    R = 2.525e-6 1.5^0.5 N_l / 12e-6. Arguments: factor of day length, mean temperature of ten days (K).
    Nutrients limit growth, not V: leaf nitrogen per area is that of the plant type.
    """
    nitrogen = divide(jnp.ones_like(day_factor), traits.specific_leaf_area * traits.leaf_carbon_nitrogen)
    activity = traits.rubisco_activity * 1000.0 / 60.0
    carboxylation = nitrogen * traits.rubisco_nitrogen * traits.rubisco_mass * activity * day_factor
    growth = jnp.clip(ten_day_temperature - FREEZING_POINT, _COLDEST_GROWTH, _WARMEST_GROWTH)
    respiration = _RESPIRATION_BASE * power(jnp.asarray(_RESPIRATION_Q10), 0.5) * nitrogen / _CARBON_WEIGHT
    return TopCapacity(
        carboxylation=carboxylation,
        transport=(2.59 - 0.035 * growth) * carboxylation,
        respiration=respiration,
        growth_temperature=growth,
    )


def leaf_capacity(
    traits: LeafTraits,
    top: TopCapacity,
    scaling: Float[Array, "*lanes"],
    leaf_temperature: Float[Array, " patch"],
    stress: Float[Array, " patch"],
    lit: Bool[Array, "*lanes"],
) -> LeafCapacity:
    """Capacity of leaves at their temperature; 0 without light, but for respiration.

    Arguments: canopy integral of the nitrogen profile per leaf area, leaf temperature (K), water stress
    (multiplies carboxylation and respiration), leaves that absorb light.
    """
    c3 = traits.c3 > 0.5
    growth, ten_degrees = top.growth_temperature, jnp.exp2((leaf_temperature - _REFERENCE) / 10.0)
    entropy = 668.39 - 1.07 * growth
    transport_entropy = 659.70 - 0.75 * growth

    def response(energy: Array, deactivation: Array, disorder: Array) -> Array:
        return arrhenius(leaf_temperature, energy) * inhibition(leaf_temperature, deactivation, disorder)

    respiration = top.respiration * scaling
    respiration_c3 = respiration * response(
        traits.respiration_energy, traits.respiration_deactivation, traits.respiration_entropy
    )
    respiration_c4 = respiration * ten_degrees / (1.0 + _exceeding(1.3, leaf_temperature, 55.0))
    carboxylation = top.carboxylation * scaling
    carboxylation_c3 = carboxylation * response(
        traits.carboxylation_energy, traits.carboxylation_deactivation, entropy
    )
    carboxylation_c4 = carboxylation * ten_degrees / (1.0 + _exceeding(-0.2, leaf_temperature, 15.0))
    carboxylation_c4 = carboxylation_c4 / (1.0 + _exceeding(0.3, leaf_temperature, 40.0))
    transport = top.transport * scaling
    product = _PRODUCT_SHARE * top.carboxylation * scaling
    return LeafCapacity(
        carboxylation=jnp.where(lit, jnp.where(c3, carboxylation_c3, carboxylation_c4), 0.0) * stress,
        transport=transport
        * response(traits.transport_energy, traits.transport_deactivation, transport_entropy),
        product=product * response(traits.product_energy, traits.product_deactivation, entropy),
        carboxylase=_CARBOXYLASE_RATIO * carboxylation * ten_degrees,
        respiration=jnp.where(c3, respiration_c3, respiration_c4) * stress,
    )


def kinetics(
    traits: LeafTraits,
    leaf_temperature: Float[Array, " patch"],
    pressure: Float[Array, " patch"],
    oxygen: Float[Array, " patch"],
) -> Kinetics:
    """Rubisco of C3 leaves (Bernacchi et al. 2001): K_c 404.9e-6 p, K_o 278.4e-3 p, G* 0.5 O / s at 25 C."""
    specificity = 0.5 * _OXYGEN_SHARE / (42.75 / 1.0e6)
    carbon = (404.9 / 1.0e6) * pressure * arrhenius(leaf_temperature, traits.michaelis_carbon_energy)
    oxygen_constant = (278.4 / 1.0e3) * pressure
    oxygen_constant = oxygen_constant * arrhenius(leaf_temperature, traits.michaelis_oxygen_energy)
    compensation = 0.5 * oxygen / specificity * arrhenius(leaf_temperature, traits.compensation_energy)
    return Kinetics(compensation=compensation, effective_michaelis=carbon * (1.0 + oxygen / oxygen_constant))


def arrhenius(temperature: Float[Array, "..."], energy: Float[Array, "..."]) -> Float[Array, "..."]:
    """exp(H_a / (R 298.15) (1 - 298.15 / T)), T in K, H_a in J mol-1."""
    return jnp.exp(energy / (GAS_CONSTANT_PER_MOLE * _REFERENCE) * (1.0 - _REFERENCE / temperature))


def inhibition(
    temperature: Float[Array, "..."], energy: Float[Array, "..."], entropy: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Decline at high temperature, 1 at 25 C: (1 + e(298.15)) / (1 + e(T)), e = exp((S T - H_d) / (R T))."""

    def excess(kelvin: Array | float) -> Array:
        return jnp.exp((entropy * kelvin - energy) / (GAS_CONSTANT_PER_MOLE * kelvin))

    return (1.0 + excess(_REFERENCE)) / (1.0 + excess(temperature))


def _exceeding(steepness: float, temperature: Array, celsius: float) -> Array:
    return jnp.exp(steepness * (temperature - (FREEZING_POINT + celsius)))
