"""Small random grounds for the tests: every combination of snow layers, pond, frost and dryness."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.soil_temperature import SurfaceHeat
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, ground_grid

SNOW_THICKNESS = 0.05


def sample_soil(columns: int, seed: int = 1) -> SoilProperties:
    """Soils of any texture and organic matter."""
    random = np.random.default_rng(seed)
    sand = random.uniform(2.0, 90.0, (10, columns))
    clay = (100.0 - sand) * random.uniform(0.1, 0.9, (10, columns))
    organic = random.choice([0.0, 40.0, 100.0, 130.0], (10, columns))
    return soil_properties(jnp.asarray(sand), jnp.asarray(clay), jnp.asarray(organic))


def sample_ground(columns: int, seed: int = 2) -> GroundState:
    """Temperatures around freezing, 0 to 5 snow layers or a layerless pack, ponds of all depths."""
    random = np.random.default_rng(seed)
    number = np.arange(columns) % (SNOW_LAYERS + 1)
    row = np.arange(SNOW_LAYERS)[:, None]
    exists = row >= SNOW_LAYERS - number
    below = SNOW_LAYERS - row
    pack = random.uniform(0.05, 1.0, columns)
    layerless = (number == 0) & (random.uniform(size=columns) < 0.5)
    fraction = np.where((number > 0) | layerless, pack, 0.0)
    snow_ice = np.where(exists, random.uniform(0.5, 12.0, exists.shape), 0.0)
    snow_liquid = np.where(exists & (random.uniform(size=exists.shape) < 0.5), 0.5, 0.0)
    pond_fraction = np.where(random.uniform(size=columns) < 0.5, random.uniform(0.0, 1.0, columns), 0.0)
    pond_fraction = pond_fraction * (1.0 - fraction)
    ground_shape = (GROUND_LAYERS, columns)
    room = ground_grid().thickness[:, None] * 400.0
    wet = np.arange(GROUND_LAYERS)[:, None] < 10
    ice = np.where(
        wet & (random.uniform(size=ground_shape) < 0.6), room * random.uniform(size=ground_shape), 0.0
    )
    liquid = np.where(wet, 0.5 * room * random.uniform(size=ground_shape), 0.0)
    temperature = random.uniform(258.0, 290.0, (SNOW_LAYERS + GROUND_LAYERS, columns))
    temperature[:SNOW_LAYERS] = np.where(exists, np.minimum(temperature[:SNOW_LAYERS], 273.15), 0.0)
    snow_water = np.where(layerless, random.uniform(0.01, 3.0, columns), snow_ice.sum(0) + snow_liquid.sum(0))
    return GroundState(
        snow_index=jnp.asarray(-number, jnp.int32),
        snow_thickness=jnp.asarray(np.where(exists, SNOW_THICKNESS, 0.0)),
        snow_node_depth=jnp.asarray(np.where(exists, -(below - 0.5) * SNOW_THICKNESS, 0.0)),
        snow_interface_depth=jnp.asarray(np.where(exists, -below * SNOW_THICKNESS, 0.0)),
        temperature=jnp.asarray(temperature),
        liquid_water=jnp.asarray(np.concatenate([snow_liquid, liquid])),
        ice=jnp.asarray(np.concatenate([snow_ice, ice])),
        pond_temperature=jnp.asarray(random.uniform(272.5, 290.0, columns)),
        pond_water=jnp.asarray(np.where(pond_fraction > 0.0, random.uniform(1e-4, 5.0, columns), 0.0)),
        pond_fraction=jnp.asarray(pond_fraction),
        snow_water=jnp.asarray(snow_water),
        snow_depth=jnp.asarray(np.where(layerless, 0.005, number * SNOW_THICKNESS)),
        accumulated_snow=jnp.asarray(snow_water),
        effective_snow_fraction=jnp.asarray(fraction),
    )


def sample_heat(columns: int, seed: int = 3) -> SurfaceHeat:
    """Fluxes that warm and cool."""
    random = np.random.default_rng(seed)
    return SurfaceHeat(
        snow=jnp.asarray(random.uniform(-150.0, 200.0, columns)),
        soil=jnp.asarray(random.uniform(-150.0, 300.0, columns)),
        pond=jnp.asarray(random.uniform(-250.0, 300.0, columns)),
        derivative=jnp.asarray(-random.uniform(5.0, 60.0, columns)),
        absorbed=jnp.asarray(random.uniform(0.0, 5.0, (SNOW_LAYERS + 1, columns))),
    )
