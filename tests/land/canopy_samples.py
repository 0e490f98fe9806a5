"""A canopy patch for the tests, with every condition a test may want to change."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.land.biophysics.bare_ground_fluxes import Air
from kiloland.land.biophysics.canopy_fluxes import Canopy, CanopyFluxes, PlantTraits, canopy_fluxes
from kiloland.land.biophysics.ground_surface import GroundSurface
from kiloland.land.biophysics.leaf_capacity import LeafTraits, TopCapacity, top_capacity
from kiloland.land.biophysics.photosynthesis import LeafGroups
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.parameters import VegetationStructure

STEP = 1800.0
BASE: Mapping[str, float] = {
    "c3": 1.0,
    "leaf_area": 2.5,
    "stem_area": 0.5,
    "top": 12.0,
    "exposed": 1.0,
    "leaf_temperature": 291.0,
    "water": 0.0,
    "wet": 0.0,
    "sunlight": 250.0,
    "light": 60.0,
    "stress": 0.8,
    "air": 293.0,
    "humidity": 0.6,
    "wind": 3.0,
    "ground": 289.0,
    "longwave": 330.0,
    "snow_depth": 0.0,
    "slope": 9.0,
}
"""A C3 forest at noon in summer; humidity is relative."""
CASES: Mapping[str, Mapping[str, float]] = {
    "noon": {},
    "C4": {"c3": 0.0, "slope": 4.0, "air": 303.0, "leaf_temperature": 303.0, "ground": 305.0, "top": 0.5},
    "night": {"sunlight": 0.0, "light": 0.0, "ground": 292.0, "air": 287.0, "leaf_temperature": 286.0},
    "no leaves": {"leaf_area": 0.0, "stem_area": 0.4},
    "frozen": {"air": 258.0, "leaf_temperature": 257.0, "ground": 259.0, "stress": 0.0, "longwave": 210.0},
    "polar night": {
        **{"air": 228.0, "leaf_temperature": 226.0, "ground": 225.0, "sunlight": 0.0, "light": 0.0},
        **{"stress": 0.0, "longwave": 120.0, "snow_depth": 0.4, "wind": 0.5},
    },
    "no wind": {"wind": 0.0},
    "323 K": {"air": 323.0, "leaf_temperature": 322.0, "ground": 325.0, "humidity": 0.1},
    "wet canopy": {"water": 0.25, "wet": 0.9},
    "dew": {"sunlight": 0.0, "light": 0.0, "humidity": 1.0, "longwave": 250.0, "leaf_temperature": 288.0},
    "drought": {"stress": 1.0e-3},
    "buried": {"exposed": 0.0, "leaf_area": 0.0, "stem_area": 0.0},
}


def conditions(*cases: Mapping[str, float]) -> dict[str, Array]:
    """One patch for each case, by name of the condition."""
    return {name: jnp.asarray([{**BASE, **case}[name] for case in cases]) for name in BASE}


def leaf_traits(c3: Array, slope: Array) -> LeafTraits:
    """Traits of a broadleaf tree, or of a C4 grass."""

    def same(value: float) -> Array:
        return jnp.full_like(c3, value)

    return LeafTraits(
        c3=c3,
        rubisco_nitrogen=same(0.1),
        rubisco_mass=same(7.16),
        rubisco_activity=same(3.6),
        leaf_carbon_nitrogen=same(25.0),
        specific_leaf_area=same(0.03),
        quantum_efficiency=jnp.where(c3 > 0.5, 0.0, 0.05),
        colimitation=jnp.where(c3 > 0.5, 0.98, 0.8),
        minimum_conductance=jnp.where(c3 > 0.5, 1.0e4, 4.0e4),
        conductance_slope=slope,
        michaelis_carbon_energy=same(79430.0),
        michaelis_oxygen_energy=same(36380.0),
        compensation_energy=same(37830.0),
        carboxylation_energy=same(72000.0),
        transport_energy=same(50000.0),
        product_energy=same(72000.0),
        respiration_energy=same(46390.0),
        carboxylation_deactivation=same(2.0e5),
        transport_deactivation=same(2.0e5),
        product_deactivation=same(2.0e5),
        respiration_deactivation=same(150650.0),
        respiration_entropy=same(490.0),
    )


def leaf_top(traits: LeafTraits) -> TopCapacity:
    """Capacity on a long day after ten days of 18 C."""
    ones = jnp.ones_like(traits.c3)
    return top_capacity(traits, ones, 291.0 * ones)


def ground_of(c: Mapping[str, Array], pressure: Array, air_humidity: Array) -> GroundSurface:
    """Moist, snow-free ground."""
    at = saturation(c["ground"], pressure)
    humid = 0.5 * (0.95 * at.humidity + air_humidity)
    return GroundSurface(
        temperature=c["ground"],
        snow_temperature=c["ground"],
        soil_temperature=c["ground"],
        pond_temperature=c["ground"],
        humidity=humid,
        snow_humidity=humid,
        soil_humidity=humid,
        pond_humidity=humid,
        humidity_slope=0.95 * at.humidity_slope,
        relative_humidity=jnp.full_like(humid, 0.95),
        evaporation_factor=jnp.full_like(humid, 0.7),
        roughness=jnp.full_like(humid, 0.01),
        emissivity=jnp.full_like(humid, 0.96),
        latent_heat=jnp.full_like(humid, 2.501e6),
    )


def canopy_of_conditions(c: Mapping[str, Array]) -> Canopy:
    """The canopy; a fifth of its leaves is sunlit."""
    area = c["leaf_area"] + c["stem_area"]
    dry = jnp.where(area > 0.0, (1.0 - c["wet"]) * c["leaf_area"] / jnp.where(area > 0.0, area, 1.0), 0.0)
    return Canopy(
        leaf_area=c["leaf_area"],
        stem_area=c["stem_area"],
        top=c["top"],
        exposed=c["exposed"] > 0.5,
        leaf_temperature=c["leaf_temperature"],
        water=c["water"],
        wet_fraction=c["wet"],
        dry_fraction=dry,
        absorbed_sunlight=c["sunlight"],
        leaves=LeafGroups(
            leaf_area=jnp.stack([0.2 * c["leaf_area"], 0.8 * c["leaf_area"]]),
            light=jnp.stack([c["light"], 0.25 * c["light"]]),
            scaling=jnp.stack([jnp.full_like(area, 0.8), jnp.full_like(area, 0.5)]),
        ),
        stress=c["stress"],
    )


def fluxes_of(c: Mapping[str, Array]) -> CanopyFluxes:
    """Canopy fluxes under conditions."""
    pressure = jnp.full_like(c["air"], 98000.0)
    humidity = c["humidity"] * saturation(c["air"], pressure).humidity
    air = Air(
        temperature=c["air"],
        potential_temperature=c["air"],
        humidity=humidity,
        pressure=pressure,
        eastward_wind=c["wind"],
        northward_wind=jnp.zeros_like(humidity),
        height=jnp.full_like(humidity, 30.0),
    )
    traits = leaf_traits(c["c3"], c["slope"])
    same = jnp.ones_like(humidity)
    structure = VegetationStructure(
        roughness_ratio=0.055 * same, displacement_ratio=0.67 * same, leaf_width=0.04 * same, woodiness=same
    )
    return canopy_fluxes(
        canopy_of_conditions(c),
        PlantTraits(structure=structure, leaf=traits),
        leaf_top(traits),
        air,
        ground_of(c, pressure, humidity),
        c["ground"] ** 4,
        c["snow_depth"],
        c["longwave"],
        284.7e-6 * pressure,
        STEP,
    )


def arrays(fluxes: CanopyFluxes) -> list[np.ndarray]:
    """All arrays of a result."""
    found: list[np.ndarray] = []
    for field in dataclasses.fields(fluxes):
        value = getattr(fluxes, field.name)
        parts = (
            [getattr(value, f.name) for f in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value)
            else [value]
        )
        found += [np.asarray(part) for part in parts]
    return found
