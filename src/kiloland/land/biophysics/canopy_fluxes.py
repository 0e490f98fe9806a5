"""Fluxes between a canopy, the ground below it and the air: leaf temperature and what follows from it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from kiloland.land.biophysics.bare_ground_fluxes import Air, TurbulentFluxes, air_density
from kiloland.land.biophysics.canopy_aerodynamics import canopy_shape, ten_metre_wind
from kiloland.land.biophysics.canopy_iteration import (
    CanopyProblem,
    Conductances,
    Iterate,
    Pass,
    Progress,
    iterate_leaves,
    longwave_terms,
    virtual_difference,
)
from kiloland.land.biophysics.constants import (
    HEAT_CAPACITY_AIR,
    LATENT_HEAT_VAPORISATION,
    STEFAN_BOLTZMANN,
    VON_KARMAN,
)
from kiloland.land.biophysics.ground_state import GroundState, top_temperature
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.leaf_capacity import LeafTraits, TopCapacity
from kiloland.land.biophysics.masked_loop import masked_loop
from kiloland.land.biophysics.photosynthesis import LeafExchange, LeafGroups
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.similarity import Profiles, Stability, initial_stability, scalar_profile
from kiloland.land.parameters import VegetationStructure
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.vertical import SNOW_LAYERS

_Record = TypeVar("_Record")
MOST_PASSES = 41
OXYGEN_SHARE = 0.209
"""Of the pressure of the air."""
_LEAST_WIND = 1.0
_LAPSE = 0.0098
_VIRTUAL = 0.61
_SCREEN_HEIGHT = 2.0


def _blank(cls: type[_Record], **parts: object) -> _Record:
    return cls(**{**{field.name: 0.0 for field in fields(cls)}, **parts})  # type: ignore[arg-type]


_PASS = _blank(
    Pass,
    start=_blank(Stability),
    profiles=_blank(Profiles),
    conductances=_blank(Conductances),
    leaves=_blank(LeafExchange),
)


@pytree_dataclass
class Canopy:
    """The canopy of each patch at the start of its fluxes, after interception."""

    leaf_area: Float[Array, " patch"]
    stem_area: Float[Array, " patch"]
    top: Float[Array, " patch"]
    """Height, m."""
    exposed: Bool[Array, " patch"]
    """Vegetation above the snow."""
    leaf_temperature: Float[Array, " patch"]
    """K."""
    water: Float[Array, " patch"]
    """kg m-2."""
    wet_fraction: Float[Array, " patch"]
    dry_fraction: Float[Array, " patch"]
    absorbed_sunlight: Float[Array, " patch"]
    """W m-2 (ELM `sabv`)."""
    leaves: LeafGroups
    stress: Float[Array, " patch"]
    """Water stress, 0..1 (`btran`)."""


@pytree_dataclass
class PlantTraits:
    """Traits of the plant type of each patch."""

    structure: VegetationStructure
    leaf: LeafTraits


@pytree_dataclass
class CanopyFluxes:
    """Fluxes of a step before the ground answers; patches without exposed canopy hold 0."""

    ground: TurbulentFluxes
    """Between the ground and canopy air."""
    leaf_temperature: Float[Array, " patch"]
    """K."""
    canopy_water: Float[Array, " patch"]
    """After evaporation and dew, kg m-2."""
    sensible: Float[Array, " patch"]
    """From leaves and stems, W m-2 (`FSH_V`)."""
    evaporation: Float[Array, " patch"]
    """From leaves, stems and their water, with transpiration, kg m-2 s-1."""
    transpiration: Float[Array, " patch"]
    """kg m-2 s-1 (`QVEGT`)."""
    longwave_below: Float[Array, " patch"]
    """Absorbed by the ground from canopy and sky, W m-2 (`DLRAD`)."""
    longwave_above: Float[Array, " patch"]
    """Upwards above the canopy, before the ground answers, W m-2 (`ULRAD`)."""
    emissivity: Float[Array, " patch"]
    """Of the canopy (`EMV`)."""
    air_temperature: Float[Array, " patch"]
    """In the canopy, K (`TAF`)."""
    air_humidity: Float[Array, " patch"]
    """In the canopy, kg kg-1 (`QAF`)."""
    boundary_resistance: Float[Array, " patch"]
    """Of leaves, s m-1."""
    below_resistance: Float[Array, " patch"]
    """Between ground and canopy air, s m-1 (`RAH_BELOW`)."""
    leaves: LeafExchange
    photosynthesis: Float[Array, " patch"]
    """Gross, of the canopy, umol CO2 m-2 s-1 (`FPSN`)."""
    ten_metre_wind: Float[Array, " patch"]
    """At 10 m, with those of convection, m s-1 (`U10WITHGUSTS`)."""
    screen_relative_humidity: Float[Array, " patch"]
    """At 2 m, percent (`RH2M`)."""
    passes: Int[Array, " patch"]
    """Of the search for leaf temperature."""
    balance_error: Float[Array, " patch"]
    """Of the energy of the leaves, W m-2."""
    roughness: Float[Array, " patch"]
    """m (`Z0MV`)."""
    displacement: Float[Array, " patch"]
    """m (`DISPLA`)."""


def emitted_fourth(state: GroundState) -> Float[Array, " column"]:
    """Mean of T^4 over snow, soil and pond of each column, K4."""
    snow, pond = state.effective_snow_fraction, state.pond_fraction
    soil = 1.0 - snow - pond
    top, first = _fourth(top_temperature(state)), _fourth(state.temperature[SNOW_LAYERS])
    return snow * top + soil * first + pond * _fourth(state.pond_temperature)


def canopy_fluxes(
    canopy: Canopy,
    traits: PlantTraits,
    top: TopCapacity,
    air: Air,
    ground: GroundSurface,
    ground_fourth: Float[Array, " patch"],
    snow_depth: Float[Array, " patch"],
    longwave_down: Float[Array, " patch"],
    carbon_dioxide: Float[Array, " patch"],
    timestep: float,
) -> CanopyFluxes:
    """Leaf temperature and fluxes of patches with exposed vegetation (ELM `CanopyFluxes`).

    Arguments: capacity of leaves at the top of the canopy; air at the height of the forcing, ground, mean
    T^4 of the ground (K4), depth of snow (m), longwave of the sky (W m-2), CO2 (Pa), all per patch; step (s).
    The search is described at `iterate_leaves`; gradients are those of the passes made.
    """
    problem = _problem(
        canopy, traits, top, air, ground, ground_fourth, snow_depth, longwave_down, carbon_dioxide, timestep
    )
    start, progress = _start(problem, canopy)
    end, progress = masked_loop(iterate_leaves, _any_active, start, progress, problem, MOST_PASSES)
    return _results(problem, canopy, end, progress)


def _problem(
    canopy: Canopy,
    traits: PlantTraits,
    top: TopCapacity,
    air: Air,
    ground: GroundSurface,
    ground_fourth: Array,
    snow_depth: Array,
    longwave_down: Array,
    carbon_dioxide: Array,
    timestep: float,
) -> CanopyProblem:
    area = jnp.where(canopy.exposed, canopy.leaf_area + canopy.stem_area, 1.0)
    shape = canopy_shape(traits.structure, area, canopy.top, ground.roughness, air.height)
    wind = jnp.sqrt(air.eastward_wind * air.eastward_wind + air.northward_wind * air.northward_wind)
    return CanopyProblem(
        air=air,
        warm_air=air.temperature + _LAPSE * shape.reference_height,
        virtual_temperature=air.potential_temperature * (1.0 + _VIRTUAL * air.humidity),
        wind=jnp.maximum(wind, _LEAST_WIND),
        ground=ground,
        ground_fourth=ground_fourth,
        shape=shape,
        leaf_area=canopy.leaf_area,
        area=area,
        wet_fraction=canopy.wet_fraction,
        dry_fraction=canopy.dry_fraction,
        canopy_water=canopy.water,
        snow_depth=snow_depth,
        absorbed_sunlight=canopy.absorbed_sunlight,
        longwave_down=longwave_down,
        emissivity=1.0 - jnp.exp(-area),
        carbon_dioxide=carbon_dioxide,
        oxygen=OXYGEN_SHARE * air.pressure,
        stress=canopy.stress,
        leaves=canopy.leaves,
        traits=traits.leaf,
        top=top,
        timestep=jnp.asarray(timestep, jnp.float64),
    )


def _start(p: CanopyProblem, canopy: Canopy) -> tuple[Iterate, Progress]:
    """Canopy air halfway between ground and air above; stability from the bulk Richardson number."""
    temperature = (p.ground.temperature + p.warm_air) / 2.0
    humidity = (p.air.humidity + p.ground.humidity) / 2.0
    difference = virtual_difference(p, p.warm_air - temperature, p.air.humidity - humidity)
    stability = initial_stability(
        p.wind, p.virtual_temperature, difference, p.shape.height, p.shape.roughness
    )
    none = jnp.zeros_like(temperature)
    blank = Iterate(
        leaf_temperature=canopy.leaf_temperature,
        air_temperature=temperature,
        air_humidity=humidity,
        humidity_excess=p.ground.humidity - humidity,
        stability=stability,
        old_length=none,
        latent=none,
        change=none,
        last=_first_record(jnp.ones_like(none)),
    )
    count = jnp.zeros_like(none, jnp.int32)
    return blank, Progress(passes=count, sign_changes=count, active=canopy.exposed)


def _first_record(ones: Array) -> Pass:
    """Ones, so that what follows from them is finite, gradients too, in lanes that make no pass."""
    both = jnp.stack([ones, ones])
    filled: Pass = jax.tree.map(lambda _: ones, _PASS)
    return replace(filled, leaves=jax.tree.map(lambda _: both, filled.leaves))


def _any_active(progress: Progress) -> Array:
    return jnp.any(progress.active)


def _results(p: CanopyProblem, canopy: Canopy, end: Iterate, progress: Progress) -> CanopyFluxes:
    last = end.last
    longwave_in = p.longwave_down
    e, g = p.emissivity, p.ground.emissivity
    cubed = last.old_temperature * last.old_temperature * last.old_temperature
    emitted = cubed * (last.old_temperature + 4.0 * last.change)
    air, own, below = longwave_terms(p)
    sinks = last.sensible + LATENT_HEAT_VAPORISATION * last.evaporation
    error = p.absorbed_sunlight + air + own * emitted + below * p.ground_fourth - sinks
    water = canopy.water + (last.transpiration - last.evaporation) * p.timestep
    ground, relative = _ground_fluxes(p, end)
    up = (1.0 - g) * (1.0 - e) * (1.0 - e) * longwave_in
    up = up + e * (1.0 + (1.0 - g) * (1.0 - e)) * STEFAN_BOLTZMANN * emitted
    up = up + g * (1.0 - e) * STEFAN_BOLTZMANN * p.ground_fourth
    gross = last.leaves.photosynthesis * p.leaves.leaf_area
    fluxes = CanopyFluxes(
        ground=ground,
        leaf_temperature=end.leaf_temperature,
        canopy_water=jnp.maximum(water, 0.0),
        sensible=last.sensible,
        evaporation=last.evaporation,
        transpiration=last.transpiration,
        longwave_below=(1.0 - e) * g * longwave_in + e * g * STEFAN_BOLTZMANN * emitted,
        longwave_above=up,
        emissivity=e,
        air_temperature=end.air_temperature,
        air_humidity=end.air_humidity,
        boundary_resistance=last.boundary_resistance,
        below_resistance=last.below_resistance,
        leaves=last.leaves,
        photosynthesis=gross[0] + gross[1],
        ten_metre_wind=ten_metre_wind(
            last.start, last.profiles.friction_velocity, p.shape.height, p.shape.roughness
        ),
        screen_relative_humidity=relative,
        passes=progress.passes,
        balance_error=error,
        roughness=p.shape.roughness,
        displacement=p.shape.displacement,
    )
    none: CanopyFluxes = jax.tree.map(lambda values: jnp.where(canopy.exposed, values, 0), fluxes)
    return none


def _ground_fluxes(p: CanopyProblem, end: Iterate) -> tuple[TurbulentFluxes, Array]:
    """Fluxes from ground to canopy air, with their derivatives; and relative humidity at 2 m."""
    last, density = end.last, air_density(p.air)
    c, shape = last.conductances, last.profiles
    ground, air = p.ground, p.air
    heat_share = c.share_air + c.share_leaf
    vapour_share = c.share_air_vapour + c.share_leaf_vapour
    heat, vapour = HEAT_CAPACITY_AIR * density * c.ground, density * c.ground_vapour
    humidity_leaf = saturation(end.leaf_temperature, air.pressure).humidity

    def sensible(temperature: Array) -> Array:
        rest = c.share_leaf * end.leaf_temperature + c.share_air * p.warm_air
        return heat * (heat_share * temperature - rest)

    def evaporation(humidity: Array) -> Array:
        rest = c.share_leaf_vapour * humidity_leaf + c.share_air_vapour * air.humidity
        return vapour * (vapour_share * humidity - rest)

    friction = shape.friction_velocity
    momentum_resistance = 1.0 / (friction * friction / last.start.wind)
    level = _SCREEN_HEIGHT + p.shape.roughness
    at_screen = VON_KARMAN / scalar_profile(level, last.start.obukhov_length, p.shape.roughness)
    heat_step = shape.heat * (p.warm_air - end.air_temperature)
    moisture_step = shape.moisture * (air.humidity - end.air_humidity)
    screen = p.warm_air + heat_step * (1.0 / at_screen - 1.0 / shape.heat)
    screen_humidity = air.humidity + moisture_step * (1.0 / at_screen - 1.0 / shape.moisture)
    relative = jnp.minimum(100.0, screen_humidity / saturation(screen, air.pressure).humidity * 100.0)
    fluxes = TurbulentFluxes(
        sensible=sensible(ground.temperature),
        sensible_snow=sensible(ground.snow_temperature),
        sensible_soil=sensible(ground.soil_temperature),
        sensible_pond=sensible(ground.pond_temperature),
        evaporation=vapour * end.humidity_excess,
        evaporation_snow=evaporation(ground.snow_humidity),
        evaporation_soil=evaporation(ground.soil_humidity),
        evaporation_pond=evaporation(ground.pond_humidity),
        sensible_derivative=heat * heat_share,
        evaporation_derivative=vapour * vapour_share * ground.humidity_slope,
        eastward_stress=-density * air.eastward_wind / momentum_resistance,
        northward_stress=-density * air.northward_wind / momentum_resistance,
        momentum_resistance=momentum_resistance,
        heat_resistance=1.0 / (shape.heat * friction),
        moisture_resistance=1.0 / (shape.moisture * friction),
        friction_velocity=friction,
        obukhov_length=end.stability.obukhov_length,
        screen_temperature=screen,
        screen_humidity=screen_humidity,
    )
    return fluxes, relative


def _fourth(temperature: Array) -> Array:
    square = temperature * temperature
    return square * square
