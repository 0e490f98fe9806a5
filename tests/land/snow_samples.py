"""Snow to test with: random packs of every number of layers, and quiet conditions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_optics import (
    BANDS,
    RADII,
    SnowOptics,
    ice_optics,
    particle_optics,
)
from kiloland.land.biophysics.snow_pack import SnowLayers, layer_water
from kiloland.land.biophysics.snow_step import SnowConditions
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.vertical import SNOW_LAYERS

SPECIES = 8
STEP = 1800.0


def random_layers(columns: int = 600, seed: int = 1, wet: bool = True) -> SnowLayers:
    """Packs of 0 to 5 layers, 1 mm to 1 m thick, dry and wet; what does not exist is 0."""
    generator = np.random.default_rng(seed)
    count = np.arange(columns) % (SNOW_LAYERS + 1)
    exists = np.arange(SNOW_LAYERS)[:, None] >= SNOW_LAYERS - count
    shape = (SNOW_LAYERS, columns)
    thickness = 10.0 ** generator.uniform(-3.0, 0.0, shape)
    ice = thickness * generator.uniform(30.0, 500.0, shape)
    ice = np.where(generator.random(shape) < 0.1, 0.005, ice)
    liquid = np.where(wet & (generator.random(shape) < 0.5), 0.2 * ice * generator.random(shape), 0.0)
    temperature = np.where(liquid > 0.0, FREEZING_POINT, FREEZING_POINT - 40.0 * generator.random(shape))
    rows = (thickness, temperature, liquid, ice, generator.uniform(55.0, 1500.0, shape))
    mass = 1e-6 * generator.random((SPECIES, *shape))
    thickness, temperature, liquid, ice, radius = (jnp.asarray(np.where(exists, row, 0.0)) for row in rows)
    return SnowLayers(
        snow_index=jnp.asarray(-count, jnp.int32),
        thickness=thickness,
        temperature=temperature,
        liquid_water=liquid,
        ice=ice,
        grain_radius=radius,
        aerosol_mass=jnp.asarray(np.where(exists, mass, 0.0)),
    )


def surface_water(columns: int, **fluxes: float) -> SnowSurfaceWater:
    """Exchange with the air: the given fluxes (kg m-2 s-1), the others 0."""
    names = ("sublimation", "evaporation", "frost", "dew", "rain")
    return SnowSurfaceWater(**{name: jnp.full(columns, fluxes.get(name, 0.0)) for name in names})


def conditions(layers: SnowLayers, fraction: float = 0.9, **fluxes: float) -> SnowConditions:
    """A step of soil columns without melt."""
    columns = layers.snow_index.shape[0]
    nothing, none = jnp.zeros(columns), jnp.zeros(columns, bool)
    return SnowConditions(
        surface=surface_water(columns, **fluxes),
        history=MeltHistory(
            melting=jnp.zeros(layers.ice.shape, bool),
            water_before=layer_water(layers),
            ice_share_before=jnp.ones_like(layers.ice),
            accumulated_snow=nothing + 500.0,
            melt_shape=nothing + 20.0,
        ),
        snow_fraction=nothing + fraction,
        capped=none,
        capped_ice=nothing,
        snowfall=nothing,
        refrozen=jnp.zeros_like(layers.ice),
        deposition=jnp.full((SPECIES, columns), 1e-13),
        ground_temperature=nothing + 272.0,
        subgrid_snow=~none,
        lake=none,
    )


def grain_tables() -> GrainTables:
    """Tables of about the size of the real ones, the same everywhere."""
    shape = (11, 31, 8)
    return GrainTables(
        time=jnp.full(shape, 50.0), exponent=jnp.full(shape, 3.0), initial_rate=jnp.full(shape, 2.0)
    )


def snow_optics() -> SnowOptics:
    """Ice that absorbs more in each band, and particles that absorb."""
    radius = RADII / 100.0
    absorption = np.array([2e-6, 2e-4, 2e-3, 3e-2, 0.2])[:, None]
    scattering = 1.0 - np.minimum(0.45, absorption * radius)
    extinction = np.broadcast_to(16.0 / radius, scattering.shape)
    ice = ice_optics(scattering, extinction)
    flat = np.ones((SPECIES, BANDS))
    particles = particle_optics(0.5 * flat, 1000.0 * flat, 0.6 * flat)
    return SnowOptics(ice, ice, particles, jnp.full((BANDS, len(RADII)), 1.8))
