"""One pass of the search for leaf temperature: resistances, photosynthesis, energy balance of the leaves."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.bare_ground_fluxes import Air, air_density
from kiloland.land.biophysics.canopy_aerodynamics import (
    CanopyShape,
    leaf_boundary_resistance,
    litter_resistance,
    under_canopy_resistance,
)
from kiloland.land.biophysics.constants import (
    HEAT_CAPACITY_AIR,
    LATENT_HEAT_VAPORISATION,
    STEFAN_BOLTZMANN,
)
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.leaf_capacity import LeafTraits, TopCapacity
from kiloland.land.biophysics.photosynthesis import CanopyAir, LeafExchange, LeafGroups, photosynthesis
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import Profiles, Stability, next_stability, profiles
from kiloland.land.pytree import pytree_dataclass

_LARGEST_CHANGE = 1.0
_SIGN_CHANGE_DAMPING = 0.1
_MOST_SIGN_CHANGES = 4
_NEARLY_NEUTRAL = -0.01
_VIRTUAL = 0.61
_LEAST_PASSES = 2
_TEMPERATURE_TOLERANCE = 0.01
_FLUX_TOLERANCE = 0.1


@pytree_dataclass
class CanopyProblem:
    """All that the leaves of each patch depend on and that does not change during the search."""

    air: Air
    warm_air: Float[Array, " patch"]
    """T + 0.0098 z of the air above, K (ELM `thm`)."""
    virtual_temperature: Float[Array, " patch"]
    """Of the air above, potential, K."""
    wind: Float[Array, " patch"]
    """At least 1 m s-1."""
    ground: GroundSurface
    ground_fourth: Float[Array, " patch"]
    """Mean of T^4 over snow, soil and pond, K4."""
    shape: CanopyShape
    leaf_area: Float[Array, " patch"]
    area: Float[Array, " patch"]
    """Of leaves and stems."""
    wet_fraction: Float[Array, " patch"]
    dry_fraction: Float[Array, " patch"]
    canopy_water: Float[Array, " patch"]
    snow_depth: Float[Array, " patch"]
    absorbed_sunlight: Float[Array, " patch"]
    longwave_down: Float[Array, " patch"]
    emissivity: Float[Array, " patch"]
    """Of the canopy."""
    carbon_dioxide: Float[Array, " patch"]
    oxygen: Float[Array, " patch"]
    stress: Float[Array, " patch"]
    leaves: LeafGroups
    traits: LeafTraits
    top: TopCapacity
    timestep: Float[Array, ""]


@pytree_dataclass
class Conductances:
    """Of heat and vapour from air above (a), leaves (l) and ground (g) to canopy air, m s-1, and shares."""

    leaf: Float[Array, " patch"]
    ground: Float[Array, " patch"]
    leaf_vapour: Float[Array, " patch"]
    ground_vapour: Float[Array, " patch"]
    share_air: Float[Array, " patch"]
    share_leaf: Float[Array, " patch"]
    share_ground: Float[Array, " patch"]
    share_air_vapour: Float[Array, " patch"]
    share_leaf_vapour: Float[Array, " patch"]
    share_ground_vapour: Float[Array, " patch"]


@pytree_dataclass
class Pass:
    """What one pass computed, for the fluxes after the last."""

    start: Stability
    """Stability that the profiles were made with."""
    profiles: Profiles
    conductances: Conductances
    boundary_resistance: Float[Array, " patch"]
    below_resistance: Float[Array, " patch"]
    old_temperature: Float[Array, " patch"]
    """Leaf temperature at the start of the pass, K."""
    change: Float[Array, " patch"]
    """Of leaf temperature, K."""
    sensible: Float[Array, " patch"]
    """From the leaves, W m-2."""
    evaporation: Float[Array, " patch"]
    """From leaves and their water, kg m-2 s-1."""
    transpiration: Float[Array, " patch"]
    leaves: LeafExchange
    vapour_pressure: Float[Array, " patch"]
    """Of canopy air at the start of the pass, Pa."""
    saturation_pressure: Float[Array, " patch"]
    """At leaf temperature at its start, Pa."""


@pytree_dataclass
class Iterate:
    """Values carried from pass to pass."""

    leaf_temperature: Float[Array, " patch"]
    air_temperature: Float[Array, " patch"]
    """In the canopy, K."""
    air_humidity: Float[Array, " patch"]
    """In the canopy, kg kg-1."""
    humidity_excess: Float[Array, " patch"]
    """Of the ground over canopy air (`delq`)."""
    stability: Stability
    old_length: Float[Array, " patch"]
    latent: Float[Array, " patch"]
    """Latent heat of the leaves in the last tested pass, W m-2."""
    change: Float[Array, " patch"]
    """Size of the last change of leaf temperature, K."""
    last: Pass


@pytree_dataclass
class Progress:
    """Passes made, sign changes of stability and lanes that go on."""

    passes: Int[Array, " patch"]
    sign_changes: Int[Array, " patch"]
    active: Bool[Array, " patch"]


@pytree_dataclass
class _Leaves:
    """Energy balance of the leaves in one pass."""

    temperature: Float[Array, " patch"]
    change: Float[Array, " patch"]
    size: Float[Array, " patch"]
    latent: Float[Array, " patch"]
    sensible: Float[Array, " patch"]
    evaporation: Float[Array, " patch"]
    transpiration: Float[Array, " patch"]


def iterate_leaves(old: Iterate, progress: Progress, problem: CanopyProblem) -> tuple[Iterate, Progress]:
    """One pass (ELM `CanopyFluxes`); lanes that are done keep what they have.

    Similarity with the last Obukhov length, resistances, photosynthesis at the last leaf temperature, one
    Newton step of the energy balance limited to 1 K, canopy air from the new leaf temperature, new Obukhov
    length (neutral after four changes of sign). After at least three passes a lane is done when its last two
    changes of temperature are below 0.01 K and latent heat changed by less than 0.1 W m-2.
    """
    p = problem
    roughness = p.shape.roughness
    shape = profiles(old.stability, p.shape.height, roughness, roughness, roughness)
    friction = shape.friction_velocity
    boundary = leaf_boundary_resistance(friction, p.shape.leaf_width)
    below = under_canopy_resistance(
        p.shape, p.area, p.ground.roughness, friction, old.air_temperature, p.ground.temperature
    )
    at_leaf = saturation(old.leaf_temperature, p.air.pressure)
    inside = CanopyAir(
        leaf_temperature=old.leaf_temperature,
        saturation_pressure=at_leaf.vapour_pressure,
        vapour_pressure=p.air.pressure * old.air_humidity / 0.622,
        boundary_resistance=boundary,
        air_temperature=p.warm_air,
        pressure=p.air.pressure,
        carbon_dioxide=p.carbon_dioxide,
        oxygen=p.oxygen,
    )
    exchange = photosynthesis(p.traits, p.top, p.leaves, inside, p.stress, progress.active)
    potential = air_density(p.air) * (p.area / boundary) * (at_leaf.humidity - old.air_humidity)
    transpiring = _transpiring_share(p, boundary, exchange)
    share = _evaporating_share(p, potential, transpiring)
    conductances = _conductances(p, shape, boundary, below, share, old.humidity_excess)
    leaves = _energy_balance(p, old, conductances, share, transpiring)
    now = saturation(leaves.temperature, p.air.pressure)
    new = _canopy_air(p, old, conductances, leaves, now.humidity)
    record = Pass(
        start=old.stability,
        profiles=shape,
        conductances=conductances,
        boundary_resistance=boundary,
        below_resistance=below,
        old_temperature=old.leaf_temperature,
        change=leaves.change,
        sensible=leaves.sensible,
        evaporation=leaves.evaporation,
        transpiration=leaves.transpiration,
        leaves=exchange,
        vapour_pressure=inside.vapour_pressure,
        saturation_pressure=at_leaf.vapour_pressure,
    )
    return _advance(p, old, progress, new, leaves, record)


def _transpiring_share(p: CanopyProblem, boundary: Array, exchange: LeafExchange) -> Array:
    """Of potential evaporation, what dry leaves transpire."""
    conductance = p.leaves.leaf_area / (boundary + exchange.resistance)
    leafy = p.leaf_area > 0.0
    share = p.dry_fraction * boundary * (conductance[0] + conductance[1]) / jnp.where(leafy, p.leaf_area, 1.0)
    return jnp.where(leafy & (p.stress > 0.0), share, 0.0)


def _evaporating_share(p: CanopyProblem, potential: Array, transpiring: Array) -> Array:
    """Of potential evaporation, what leaves transpire and their water evaporates; 1 for dew."""
    positive = potential > 0.0
    safe = jnp.where(positive, potential, 1.0)
    most = (safe * transpiring + p.canopy_water / p.timestep) / safe
    return jnp.where(positive, jnp.minimum(transpiring + p.wet_fraction, most), 1.0)


def _conductances(
    p: CanopyProblem, shape: Profiles, boundary: Array, below: Array, share: Array, excess: Array
) -> Conductances:
    above = 1.0 / (1.0 / (shape.heat * shape.friction_velocity))
    leaf = p.area / boundary
    ground = 1.0 / below
    inverse = 1.0 / (above + leaf + ground)
    above_vapour = 1.0 / (1.0 / (shape.moisture * shape.friction_velocity))
    leaf_vapour = leaf * share
    litter = litter_resistance(p.snow_depth, shape.friction_velocity)
    limit = jnp.where(excess < 0.0, 1.0, p.ground.evaporation_factor)
    ground_vapour = limit / (below + litter)
    inverse_vapour = 1.0 / (above_vapour + leaf_vapour + ground_vapour)
    return Conductances(
        leaf=leaf,
        ground=ground,
        leaf_vapour=leaf_vapour,
        ground_vapour=ground_vapour,
        share_air=above * inverse,
        share_leaf=leaf * inverse,
        share_ground=ground * inverse,
        share_air_vapour=above_vapour * inverse_vapour,
        share_leaf_vapour=leaf_vapour * inverse_vapour,
        share_ground_vapour=ground_vapour * inverse_vapour,
    )


def _energy_balance(
    p: CanopyProblem, old: Iterate, c: Conductances, share: Array, transpiring: Array
) -> _Leaves:
    """Newton step of S + e_air + b T^4 + c T_g^4 - H(T) - L E(T) = 0 and the fluxes at its end.

    Latent heat that changes its sign is damped to a tenth. Evaporation is limited to transpiration and the
    water on the canopy; what the limits leave over is sensible heat.
    """
    density, temperature = air_density(p.air), old.leaf_temperature
    at_leaf = saturation(temperature, p.air.pressure)
    heat = density * HEAT_CAPACITY_AIR * c.leaf
    vapour = LATENT_HEAT_VAPORISATION * density * c.leaf_vapour
    rest, rest_vapour = c.share_air + c.share_ground, c.share_air_vapour + c.share_ground_vapour
    sensible = heat * (rest * temperature - c.share_ground * p.ground.temperature - c.share_air * p.warm_air)
    outside = -c.share_ground_vapour * p.ground.humidity - c.share_air_vapour * p.air.humidity
    raw = vapour * (rest_vapour * at_leaf.humidity + outside)
    flipped = raw * old.latent < 0.0
    latent = jnp.where(flipped, _SIGN_CHANGE_DAMPING * raw, raw)
    answer = vapour * rest_vapour * at_leaf.humidity_slope
    air, own, below = longwave_terms(p)
    cubed = temperature * temperature * temperature
    surplus = p.absorbed_sunlight + air + own * (cubed * temperature) + below * p.ground_fourth
    step = (surplus - sensible - latent) / (-4.0 * own * cubed + heat * rest + answer)
    size = jnp.abs(step)
    change = jnp.clip(step, -_LARGEST_CHANGE, _LARGEST_CHANGE)
    emitted = own * cubed * (temperature + 4.0 * change)
    kept = p.absorbed_sunlight + air + emitted + below * p.ground_fourth
    kept = kept - (sensible + heat * rest * change) - (latent + answer * change)
    unbalanced = jnp.where(size > _LARGEST_CHANGE, kept, 0.0)
    potential = rest_vapour * (at_leaf.humidity + at_leaf.humidity_slope * change) + outside
    potential = density * c.leaf * potential
    transpiration = jnp.where(potential > 0.0, potential * transpiring, 0.0)
    supply = transpiration + p.canopy_water / p.timestep
    wanted = share * potential
    excess = jnp.maximum(0.0, wanted - transpiration - p.canopy_water / p.timestep)
    return _Leaves(
        temperature=temperature + change,
        change=change,
        size=size,
        latent=latent,
        sensible=sensible
        + heat * rest * change
        + unbalanced
        + (latent - raw)
        + LATENT_HEAT_VAPORISATION * excess,
        evaporation=jnp.minimum(wanted, supply),
        transpiration=transpiration,
    )


def longwave_terms(p: CanopyProblem) -> tuple[Array, Array, Array]:
    """Longwave balance of the canopy as a + b T_leaf^4 + c T_ground^4: a, b, c (W m-2, W m-2 K-4)."""
    e, g = p.emissivity, p.ground.emissivity
    air = e * (1.0 + (1.0 - e) * (1.0 - g)) * p.longwave_down
    return air, -(2.0 - e * (1.0 - g)) * e * STEFAN_BOLTZMANN, e * g * STEFAN_BOLTZMANN


def _canopy_air(p: CanopyProblem, old: Iterate, c: Conductances, leaves: _Leaves, humidity: Array) -> Iterate:
    temperature = (
        c.share_ground * p.ground.temperature + c.share_air * p.warm_air + c.share_leaf * leaves.temperature
    )
    moisture = (
        c.share_leaf_vapour * humidity
        + c.share_ground_vapour * p.ground.humidity
        + p.air.humidity * c.share_air_vapour
    )
    ground_share = c.share_air_vapour + c.share_leaf_vapour
    excess = (
        ground_share * p.ground.humidity
        - c.share_leaf_vapour * humidity
        - c.share_air_vapour * p.air.humidity
    )
    return Iterate(
        leaf_temperature=leaves.temperature,
        air_temperature=temperature,
        air_humidity=moisture,
        humidity_excess=excess,
        stability=old.stability,
        old_length=old.old_length,
        latent=old.latent,
        change=jnp.abs(leaves.size),
        last=old.last,
    )


def virtual_difference(p: CanopyProblem, heat: Array, moisture: Array) -> Array:
    """Of virtual potential temperature, from differences of temperature (K) and humidity."""
    return heat * (1.0 + _VIRTUAL * p.air.humidity) + _VIRTUAL * p.air.potential_temperature * moisture


def _advance(
    p: CanopyProblem, old: Iterate, progress: Progress, new: Iterate, leaves: _Leaves, record: Pass
) -> tuple[Iterate, Progress]:
    shape = record.profiles
    scale = virtual_difference(
        p,
        shape.heat * (p.warm_air - new.air_temperature),
        shape.moisture * (p.air.humidity - new.air_humidity),
    )
    after = next_stability(p.wind, shape.friction_velocity, scale, p.virtual_temperature, p.shape.height)
    signs = progress.sign_changes + (old.old_length * after.obukhov_length < 0.0)
    neutral = p.shape.height / _NEARLY_NEUTRAL
    length = jnp.where(signs >= _MOST_SIGN_CHANGES, neutral, after.obukhov_length)
    passes = progress.passes + 1
    tested = passes > _LEAST_PASSES
    calm = jnp.maximum(new.change, old.change) < _TEMPERATURE_TOLERANCE
    settled = jnp.abs(leaves.latent - old.latent) < _FLUX_TOLERANCE
    moved = Iterate(
        leaf_temperature=new.leaf_temperature,
        air_temperature=new.air_temperature,
        air_humidity=new.air_humidity,
        humidity_excess=new.humidity_excess,
        stability=Stability(wind=after.wind, obukhov_length=length),
        old_length=length,
        latent=jnp.where(tested, leaves.latent, old.latent),
        change=new.change,
        last=record,
    )
    going = progress.active
    kept: Iterate = jax.tree.map(lambda a, b: jnp.where(going, a, b), moved, old)
    return kept, Progress(
        passes=jnp.where(going, passes, progress.passes),
        sign_changes=jnp.where(going, signs, progress.sign_changes),
        active=going & ~(tested & calm & settled),
    )
