"""Towns for tests: parameters, states, weather, without any file."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.surface_runoff import Terrain, microrelief, pond_threshold
from kiloland.land.biophysics.urban_albedo import urban_albedo
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.step import Weather
from kiloland.land.urban_parts import UrbanConstants
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_town import Surface, UrbanParameters, by_column, of_towns
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS

BANDS, SPECIES = 2, 8


def parameters(ratios: np.ndarray) -> UrbanParameters:
    """Towns of some ratios of height to width, else alike."""
    towns = len(ratios)

    def town(value: float) -> Array:
        return jnp.full(towns, value)

    emissivity = jnp.tile(jnp.asarray([0.9, 0.88, 0.88, 0.94, 0.95])[:, None], (1, towns))
    albedo = jnp.tile(jnp.asarray([0.2, 0.25, 0.25, 0.1, 0.12])[:, None], (BANDS, 1, towns))
    layers = jnp.asarray([5, 5, 5, 2, 0], jnp.int32)[:, None]
    return UrbanParameters(
        height_to_width=jnp.asarray(ratios),
        roof_share=town(0.5),
        pervious_share=town(0.4),
        roof_height=town(12.0),
        wind_height=town(6.0),
        roof_thickness=town(0.2),
        wall_thickness=town(0.3),
        coldest_building=town(289.0),
        warmest_building=town(299.0),
        emissivity=emissivity,
        albedo_direct=albedo,
        albedo_diffuse=albedo * 1.1,
        paved_layers=jnp.tile(layers, (1, towns)),
        conductivity=jnp.full((5, len(Surface), towns), 1.1),
        heat_capacity=jnp.full((5, len(Surface), towns), 1.6e6),
    )


def soil(towns: int) -> SoilProperties:
    """Loam below the roads of all towns."""
    percent = jnp.full((SOIL_LAYERS, towns * len(Surface)), 35.0)
    return soil_properties(percent, percent, jnp.zeros_like(percent))


def constants(ratios: np.ndarray) -> UrbanConstants:
    """Everything that does not change."""
    towns = len(ratios)
    sigma = microrelief(jnp.full(towns, 1.0))
    table = jnp.ones((11, 31, 8))
    return UrbanConstants(
        parameters=parameters(ratios),
        soil=soil(towns),
        terrain=Terrain(
            maximum_saturated_fraction=jnp.full(towns, 0.3),
            slope=jnp.full(towns, 1.0),
            microrelief=sigma,
            pond_threshold=pond_threshold(sigma),
            runoff_decay=jnp.full(towns, 0.5),
            drainage_decay=jnp.full(towns, 2.5),
        ),
        melt_shape=jnp.full(towns, 10.0),
        grains=GrainTables(time=table, exponent=table, initial_rate=table * 0.1),
        largest_drainage=jnp.asarray(0.022),
    )


def state(fixed: UrbanConstants, temperature: np.ndarray, snow: np.ndarray, wet: float = 0.2) -> UrbanState:
    """Towns of one temperature each (K), with snow (kg m-2, one layer on roofs and roads) and moist soil."""
    towns = len(temperature)
    columns = towns * len(Surface)
    carries = by_column(jnp.asarray([1.0, 0.0, 0.0, 1.0, 1.0])[:, None] * jnp.asarray(snow))
    depth = carries / 200.0
    layered = depth >= 0.01
    lowest = jnp.zeros((SNOW_LAYERS, columns)).at[-1].set(jnp.where(layered, 1.0, 0.0))
    none, total = jnp.zeros(columns), jnp.zeros((TOTAL_LAYERS, columns))
    warmth = of_towns(jnp.asarray(temperature))
    rows = jnp.tile(warmth, (TOTAL_LAYERS, 1))
    rows = rows.at[:SNOW_LAYERS].set(jnp.minimum(rows[:SNOW_LAYERS], 272.0) * lowest)
    roads = by_column(jnp.zeros((len(Surface), towns)).at[Surface.PERVIOUS_ROAD].set(wet))
    thickness = jnp.asarray([0.0175, 0.0276, 0.0455, 0.075, 0.1236, 0.2038, 0.336, 0.554, 0.913, 1.506])
    water = total.at[SNOW_LAYERS : SNOW_LAYERS + SOIL_LAYERS].set(roads * thickness[:, None] * 1000.0)
    cold = rows < 273.15
    town = jnp.ones(towns)
    cover = jnp.minimum(depth / 0.05, 1.0)
    dark = urban_albedo(
        fixed.parameters,
        0.5 * town,
        cover.reshape(len(Surface), towns),
        carries.reshape(len(Surface), towns),
    )
    return UrbanState(
        snow_index=jnp.where(layered, -1, 0).astype(jnp.int32),
        snow_thickness=lowest * depth,
        snow_node_depth=-0.5 * lowest * depth,
        snow_interface_depth=-lowest * depth,
        temperature=rows,
        liquid_water=jnp.where(cold, 0.0, water),
        ice=jnp.where(cold, water, 0.0) + total.at[SNOW_LAYERS - 1].set(jnp.where(layered, carries, 0.0)),
        snow_water=carries,
        snow_depth=depth,
        accumulated_snow=carries,
        snow_fraction=cover,
        snow_melt=none,
        snow_freezing=jnp.zeros((SNOW_LAYERS, columns)),
        grain_radius=lowest * 100.0,
        aerosol_mass=jnp.zeros((SPECIES, SNOW_LAYERS, columns)),
        cooling=none,
        heating=none,
        air_temperature=jnp.asarray(temperature),
        air_humidity=0.002 * town,
        water_table=4.0 * town,
        aquifer_water=4800.0 * town,
        perched_table=3.8 * town,
        frost_table=3.8 * town,
        cosine_zenith=0.5 * town,
        albedo=dark,
    )


def weather(temperature: np.ndarray, **changes: np.ndarray | float) -> Weather:
    """A sunny, breezy step; `changes` replace fields of the same names for all towns."""
    towns = len(temperature)
    town = jnp.ones(towns)
    plain = {
        "temperature": jnp.asarray(temperature),
        "potential_temperature": jnp.asarray(temperature),
        "pressure": 1.0e5 * town,
        "specific_humidity": 0.002 * town,
        "wind": 3.0 * town,
        "longwave_down": 250.0 * town,
        "rain": 0.0 * town,
        "snow": 0.0 * town,
        "reference_height": 30.0 * town,
        "cosine_zenith_next": 0.5 * town,
    }
    light = float(changes.pop("light", 200.0))
    bands = jnp.full((BANDS, towns), light)
    given = {name: jnp.broadcast_to(jnp.asarray(value), (towns,)) for name, value in changes.items()}
    made = Weather(**plain, shortwave_direct=bands, shortwave_diffuse=0.5 * bands)
    return dataclasses.replace(made, **given)
