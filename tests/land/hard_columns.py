"""Soil columns that are hard to compute, all in one batch: every case under four weathers.

The first patch of a column is bare, the second a forest, the third a C4 grass.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from canopy_samples import leaf_traits
from jaxtyping import Array
from snow_samples import SPECIES, grain_tables, snow_optics

from kiloland.land.biophysics.canopy_fluxes import PlantTraits
from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID, FREEZING_POINT
from kiloland.land.biophysics.saturation import saturation
from kiloland.land.biophysics.soil_moisture_stress import RootTraits, root_fractions
from kiloland.land.biophysics.surface_runoff import Terrain, microrelief, pond_threshold
from kiloland.land.full_inputs import LandConstants, Surroundings
from kiloland.land.full_ledger import full_budgets
from kiloland.land.full_step import renew_albedo, step_of_water_and_energy
from kiloland.land.parameters import Parameters, VegetationOptics, VegetationStructure
from kiloland.land.soil_properties import soil_properties
from kiloland.land.state import ColumnState, LandState, PatchState
from kiloland.land.step import ColumnConstants, Settings, Weather
from kiloland.land.subgrid import ColumnGroup, ColumnType, split_into_blocks
from kiloland.land.vertical import GROUND_LAYERS, SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS, ground_grid
from kiloland.variables import simulated_variables

STEP = 1800.0
DAY = 48
PATCHES = 3
BASE: Mapping[str, float] = {
    "bare": 0.0,
    "soil": math.nan,
    "moisture": 0.6,
    "snow": 0.0,
    "wind": 3.0,
    "air": math.nan,
    "sun": 1.0,
    "organic": 20.0,
    "slope": 0.5,
    "saturated_share": 0.3,
    "pond": 0.0,
    "table": 8.0,
}
"""Shares but: snow and pond (kg m-2), wind (m s-1), slope (degrees), organic matter (kg m-3), table (m);
soil and air (K) are those of the weather where they are not numbers."""
CASES: Mapping[str, Mapping[str, float]] = {
    "ordinary": {},
    "all bare": {"bare": 1.0},
    "permafrost": {"soil": 263.0, "moisture": 0.9},
    "1,000 mm of snow": {"snow": 1000.0, "soil": 271.0},
    "zero wind": {"wind": 0.0},
    "polar night": {"sun": 0.0, "air": 233.0, "soil": 258.0, "snow": 60.0},
    "323 K": {"air": 323.0, "soil": 310.0},
    "saturated": {"moisture": 1.0, "table": 0.02, "pond": 5.0},
    "bone-dry": {"moisture": 0.001, "table": 25.0},
    "all organic": {"organic": 130.0, "moisture": 0.8},
    "zero slope": {"slope": 0.0, "moisture": 1.0, "table": 0.5, "pond": 50.0},
    "FMAX 0": {"saturated_share": 0.0, "table": 1.0},
    "FMAX 1": {"saturated_share": 1.0, "table": 0.1},
    "thin snow": {"snow": 2.0, "soil": 272.9},
    "deep pond": {"pond": 300.0, "slope": 30.0},
    "at the freezing point": {"soil": FREEZING_POINT, "moisture": 0.95},
}
WEATHERS: Mapping[str, Mapping[str, float]] = {
    "summer": {"air": 295.0, "sun": 900.0, "longwave": 350.0, "rain": 0.0, "humidity": 0.6},
    "downpour": {"air": 289.0, "sun": 100.0, "longwave": 380.0, "rain": 5e-3, "humidity": 1.0},
    "snowfall": {"air": 268.0, "sun": 150.0, "longwave": 260.0, "rain": 1e-3, "humidity": 0.9},
    "thaw": {"air": 274.0, "sun": 400.0, "longwave": 290.0, "rain": 1e-4, "humidity": 0.8},
}
"""Mean air temperature (K), noon sun and longwave (W m-2), precipitation (kg m-2 s-1), relative humidity."""
PLACES = tuple((case, weather) for case in CASES for weather in WEATHERS)
"""What each of the 64 columns is."""
COLUMNS = len(PLACES)
LENGTHS = {
    "levsno": SNOW_LAYERS,
    "levsno1": SNOW_LAYERS + 1,
    "levtot": TOTAL_LAYERS,
    "numrad": 2,
    "levcan": 1,
}


def case_values(name: str) -> np.ndarray:
    """A value of each column's case; that of its weather where it is not a number."""
    given = np.array([{**BASE, **CASES[case]}[name] for case, _ in PLACES])
    if not np.isnan(given).any():
        return given
    return np.where(np.isnan(given), weather_values("air"), given)


def weather_values(name: str) -> np.ndarray:
    """A value of each column's weather."""
    return np.array([WEATHERS[weather][name] for _, weather in PLACES])


def hard_constants() -> LandConstants:
    """Loam of the organic matter, terrain and plants of each column."""
    bare = case_values("bare") > 0.5
    weights = np.where(bare[:, None], [1.0, 0.0, 0.0], [0.2, 0.5, 0.3]).ravel()
    types = np.tile(np.arange(PATCHES), COLUMNS)
    rows = np.arange(COLUMNS)
    group = ColumnGroup(
        type=ColumnType.SOIL,
        gridcell=rows,
        column_weight=np.ones(COLUMNS),
        column_row=rows,
        patch_column=np.repeat(rows, PATCHES),
        patch_weight=weights,
        patch_type=types,
        patch_row=np.arange(COLUMNS * PATCHES),
    )
    (block,) = split_into_blocks(group, COLUMNS)
    texture = np.full((SOIL_LAYERS, COLUMNS), 40.0)
    organic = np.broadcast_to(case_values("organic"), (SOIL_LAYERS, COLUMNS))
    parameters = plant_parameters()
    roots = RootTraits(
        upper_decay=jnp.asarray([0.0, 7.0, 11.0])[types],
        lower_decay=jnp.asarray([0.0, 2.0, 2.0])[types],
        open_potential=jnp.asarray([0.0, -66000.0, -74000.0])[types],
        closed_potential=jnp.asarray([0.0, -255000.0, -275000.0])[types],
    )
    slope, ones = jnp.asarray(case_values("slope")), jnp.ones(COLUMNS)
    return LandConstants(
        column=ColumnConstants(
            soil=soil_properties(*(jnp.asarray(v) for v in (texture, 0.5 * texture, organic))),
            soil_colour=jnp.full(COLUMNS, 12),
            parameters=parameters,
            index=block.index,
        ),
        terrain=Terrain(
            maximum_saturated_fraction=jnp.asarray(case_values("saturated_share")),
            slope=slope,
            microrelief=microrelief(slope),
            pond_threshold=pond_threshold(microrelief(slope)),
            runoff_decay=0.5 * ones,
            drainage_decay=2.5 * ones,
        ),
        melt_shape=4.0 * ones,
        plants=PlantTraits(
            structure=parameters.structure.gather(block.index.patch_type),
            leaf=leaf_traits(jnp.asarray([1.0, 1.0, 0.0])[types], jnp.asarray([9.0, 9.0, 4.0])[types]),
        ),
        root_traits=roots,
        roots=root_fractions(roots),
        snow_optics=snow_optics(),
        grain_tables=grain_tables(),
        stress_temperature=jnp.asarray(-2.0),
        largest_drainage=jnp.asarray(10.0 / 86400.0),
        carbon_dioxide=jnp.asarray(400.0e-6),
    )


def plant_parameters() -> Parameters:
    """Bare ground, a forest and a grass."""

    def bands(visible: float, infrared: float) -> Array:
        return jnp.asarray([[visible] * PATCHES, [infrared] * PATCHES])

    return Parameters(
        optics=VegetationOptics(
            leaf_angle_index=jnp.asarray([0.0, 0.1, -0.3]),
            leaf_reflectance=bands(0.1, 0.4),
            leaf_transmittance=bands(0.05, 0.25),
            stem_reflectance=bands(0.16, 0.39),
            stem_transmittance=bands(0.001, 0.001),
        ),
        structure=VegetationStructure(
            roughness_ratio=jnp.asarray([0.0, 0.055, 0.12]),
            displacement_ratio=jnp.asarray([0.0, 0.67, 0.68]),
            leaf_width=jnp.asarray([0.0, 0.04, 0.04]),
            woodiness=jnp.asarray([0.0, 1.0, 0.0]),
        ),
        type_names=("bare", "forest", "grass"),
    )


def hard_state(constants: LandConstants) -> LandState:
    """The start of each column, with albedos of a low sun (none in the polar night)."""
    values = {
        variable.state.split(".")[1]: np.zeros(
            (
                *(LENGTHS[dim] for dim in variable.dims[1:]),
                COLUMNS if variable.state.startswith("column") else COLUMNS * PATCHES,
            ),
            variable.dtype,
        )
        for variable in simulated_variables()
    }
    _fill_soil(values, np.asarray(constants.column.soil.porosity))
    _fill_snow(values)
    _fill_patches(values)
    column = ColumnState(**{f.name: jnp.asarray(values[f.name]) for f in dataclasses.fields(ColumnState)})
    patch = PatchState(**{f.name: jnp.asarray(values[f.name]) for f in dataclasses.fields(PatchState)})
    return jax.jit(renew_albedo)(LandState(column, patch), _zenith(0), constants)


def _fill_soil(values: dict[str, np.ndarray], porosity: np.ndarray) -> None:
    soil, grid = case_values("soil"), ground_grid()
    wet = np.arange(GROUND_LAYERS)[:, None] < SOIL_LAYERS
    volume = np.where(wet, case_values("moisture") * porosity, 0.0) * grid.thickness[:, None]
    frozen = soil < FREEZING_POINT
    values["temperature"][SNOW_LAYERS:] = soil
    values["liquid_water"][SNOW_LAYERS:] = np.where(frozen, 0.0, volume * DENSITY_LIQUID)
    values["ice"][SNOW_LAYERS:] = np.where(frozen, volume * DENSITY_ICE, 0.0)
    values["ground_temperature"][:] = soil
    values["pond_temperature"][:] = np.maximum(soil, FREEZING_POINT)
    values["pond_water"][:] = case_values("pond")
    values["water_table"][:] = case_values("table")
    bottom = grid.interface[SOIL_LAYERS]
    below = case_values("table") > bottom
    values["aquifer_water"][:] = np.where(below, 5000.0 - 200.0 * (case_values("table") - bottom), 5000.0)
    values["perched_table"][:] = bottom
    values["frost_table"][:] = np.where(frozen, 0.0, bottom)


def _fill_snow(values: dict[str, np.ndarray]) -> None:
    """Old snow of 300 kg m-3 in five layers where it is deep, in one or none where it is thin."""
    water = case_values("snow")
    depth = water / 300.0
    upper = np.array([0.02, 0.05, 0.15, 0.4])[:, None]
    deep = depth > 1.0
    layers = np.where(deep, np.concatenate([np.repeat(upper, COLUMNS, 1), [depth - upper.sum()]]), 0.0)
    single = (depth > 0.01) & ~deep
    layers[-1] = np.where(single, depth, layers[-1])
    edges = np.cumsum(layers[::-1], axis=0)[::-1]
    exists = layers > 0.0
    values["snow_index"][:] = np.where(deep, -SNOW_LAYERS, np.where(single, -1, 0))
    values["snow_thickness"][:] = layers
    values["snow_interface_depth"][:] = -np.where(exists, edges, 0.0)
    values["snow_node_depth"][:] = -np.where(exists, edges - 0.5 * layers, 0.0)
    values["ice"][:SNOW_LAYERS] = 300.0 * layers
    values["temperature"][:SNOW_LAYERS] = np.where(exists, np.minimum(case_values("soil"), 270.0), 0.0)
    values["grain_radius"][:] = np.where(exists, 200.0, 0.0)
    values["snow_water"][:] = values["accumulated_snow"][:] = water
    values["snow_depth"][:] = depth
    values["snow_fraction"][:] = values["effective_snow_fraction"][:] = np.where(water > 0.0, 0.9, 0.0)


def _fill_patches(values: dict[str, np.ndarray]) -> None:
    """Snow buries the grass; bare ground has no leaves."""
    buried = np.repeat(case_values("snow") > 100.0, PATCHES)
    kind = np.tile(np.arange(PATCHES), COLUMNS)
    grows = (kind == 1) | ((kind == 2) & ~buried)
    air = np.repeat(case_values("air"), PATCHES)
    values["leaf_area"][:] = np.where(grows, 2.5, 0.0)
    values["stem_area"][:] = np.where(grows, 0.5, 0.0)
    values["vegetation_exposed"][:] = grows
    values["canopy_top"][:] = np.array([0.0, 12.0, 0.5])[kind]
    for name in ("leaf_temperature", "screen_temperature", "ten_day_temperature"):
        values[name][:] = air


def _zenith(step: int) -> Array:
    """Cosine at the end of a step counted from midnight; always below the horizon in the polar night."""
    height = -math.cos(2.0 * math.pi * step / DAY)
    return jnp.asarray(np.where(case_values("sun") > 0.0, 0.7 * height + 0.1, -0.2))


def weather_of_day() -> Surroundings:
    """A day of every weather, ``[step, column]``; noon in the middle, 8 K between night and day."""
    rows = [_weather(step) for step in range(DAY)]
    series: Weather = jax.tree.map(lambda *steps: jnp.stack(steps), *rows)
    return Surroundings(
        weather=series,
        day_length_factor=jnp.full((DAY, COLUMNS), 0.8),
        deposition=jnp.full((DAY, SPECIES, COLUMNS), 1e-13),
        ten_day_samples=jnp.full(DAY, 480.0),
        vegetation=None,
    )


def _weather(step: int) -> Weather:
    height = -math.cos(2.0 * math.pi * (step + 0.5) / DAY)
    lit = np.asarray(_zenith(step)) > 0.0
    hot = case_values("air") == 323.0
    air = case_values("air") + np.where(hot, 0.0, 4.0 * height)
    sun = np.where(lit, weather_values("sun") * max(height, 0.05), 0.0)
    pressure = np.full(COLUMNS, 98000.0)
    moist = weather_values("humidity") * np.where(hot, 0.1, 1.0)
    humidity = moist * np.asarray(saturation(jnp.asarray(air), jnp.asarray(pressure)).humidity)
    frozen = air < FREEZING_POINT
    falls = weather_values("rain")
    columns = {
        "temperature": air,
        "potential_temperature": air,
        "pressure": pressure,
        "specific_humidity": humidity,
        "wind": case_values("wind"),
        "longwave_down": weather_values("longwave") * (air / weather_values("air")) ** 4,
        "rain": np.where(frozen, 0.0, falls),
        "snow": np.where(frozen, falls, 0.0),
        "shortwave_direct": np.stack([0.35 * sun, 0.35 * sun]),
        "shortwave_diffuse": np.stack([0.15 * sun, 0.15 * sun]),
        "reference_height": np.full(COLUMNS, 30.0),
        "cosine_zenith_next": np.asarray(_zenith(step + 1)),
    }
    return Weather(**{name: jnp.asarray(values) for name, values in columns.items()})


@partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
def advance_day(
    state: LandState, day: Surroundings, constants: LandConstants
) -> tuple[LandState, Array, Array, Array]:
    """State after a day, worst error of each budget, count of values not finite, worst error of leaves."""
    settings = Settings(STEP)

    def body(now: LandState, inputs: Surroundings) -> tuple[LandState, tuple[Array, Array, Array]]:
        after, output = step_of_water_and_energy(now, inputs, constants, settings)
        budgets = full_budgets(now, after, output, inputs, constants, settings)
        errors = jnp.stack([jnp.abs(budget.error) for budget in budgets])
        undefined = jnp.zeros(COLUMNS, jnp.int32)
        for leaf in jax.tree.leaves((after, output)):
            if leaf.ndim and leaf.shape[-1] == COLUMNS and jnp.issubdtype(leaf.dtype, jnp.floating):
                undefined += (~jnp.isfinite(leaf)).reshape(-1, COLUMNS).sum(axis=0)
            elif leaf.ndim and leaf.shape[-1] == COLUMNS * PATCHES:
                undefined += (~jnp.isfinite(leaf)).reshape(-1, COLUMNS, PATCHES).sum(axis=(0, 2))
        leaves = jnp.abs(output.exchange.canopy.balance_error).reshape(COLUMNS, PATCHES).max(axis=1)
        return after, (errors, undefined, leaves)

    state, (errors, undefined, leaves) = jax.lax.scan(body, state, day)
    return state, errors.max(axis=0), undefined.sum(axis=0), leaves.max(axis=0)
