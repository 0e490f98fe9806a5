"""Values of the state variables of a restart at a cold start, as ELM begins each kind of column.

Soil and roads at 274 K, roofs and walls at 292 K, lakes, the ground below them and wetlands at 277 K, land
ice at 250 K below 1000 kg m-2 of snow in five layers. Water: 0.15 m3 m-3 in soil, 0.3 below pervious roads,
all pores of the ground of lakes, wetlands full; none below the soil, but land ice is ice to its bottom. No
other snow, no ponds, no water on leaves, lakes without ice. Source: ELM's ``InitCold`` routines.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kiloland.land.biophysics.constants import DENSITY_ICE, DENSITY_LIQUID
from kiloland.land.biophysics.snicar import FRESH_RADIUS
from kiloland.land.lake_fields import LAKE_AQUIFER
from kiloland.land.soil_properties import lake_soil_properties, soil_properties
from kiloland.land.subgrid import ColumnType
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, TOTAL_LAYERS, ground_grid
from kiloland.run.members import Columns, Patches
from kiloland.run.surface import Surface
from kiloland.variables import FILL_VALUE, RestartVariable

SOIL_TEMPERATURE = 274.0
LEAF_TEMPERATURE = 283.0
LAKE_TEMPERATURE = 277.0
ICE_TEMPERATURE = 250.0
BUILDING_TEMPERATURE = 292.0
WATER_CONTENT = 0.15
ROAD_WATER_CONTENT = 0.3
CANYON_HUMIDITY = 1.0e-4
"""kg kg-1."""
INITIAL_ALBEDO = 0.2
AQUIFER_WATER, ROAD_AQUIFER = 4000.0, 4800.0
"""Below soil and below pervious roads, kg m-2."""
BOTTOM = float(ground_grid().interface[SOIL_LAYERS])
"""Of the soil, m."""
WATER_TABLE, ROAD_TABLE = (25.0 + BOTTOM - water / 0.2 / 1000.0 for water in (AQUIFER_WATER, ROAD_AQUIFER))
"""m; an aquifer of yield 0.2 is full when the table is 25 m below the soil less its water."""
ICE_SNOW = 1000.0
"""Snow on land ice, kg m-2."""
SNOW_DENSITY = 250.0
"""kg m-3."""
UPPER_SNOW = (0.02, 0.05, 0.11, 0.23)
"""Thickness of the upper four of five layers, m; the lowest has the rest."""
WATER_CONDUCTIVITY = 0.57
"""Of water at rest, W m-1 K-1."""
LAKE_FRICTION, GROUND_ROUGHNESS = 0.1, 0.01
"""m s-1, m."""
_STEFAN_BOLTZMANN = 5.670374419e-8
_BUILDINGS = (ColumnType.ROOF, ColumnType.SUNLIT_WALL, ColumnType.SHADED_WALL)
_WARM = (ColumnType.LAKE, ColumnType.WETLAND)

LAYER_SIZES = {"levsno": 5, "levsno1": 6, "levtot": TOTAL_LAYERS, "numrad": 2, "levcan": 1, "levlak": 10}


def surface_temperature(type_: np.ndarray) -> np.ndarray:
    """Temperature of the ground of columns by their types, K."""
    found = np.full(len(type_), SOIL_TEMPERATURE)
    found[np.isin(type_, _WARM)] = LAKE_TEMPERATURE
    found[type_ == ColumnType.GLACIER] = ICE_TEMPERATURE
    found[np.isin(type_, _BUILDINGS)] = BUILDING_TEMPERATURE
    return found


def water_volume(columns: Columns, surface: Surface) -> np.ndarray:
    """Water and ice of the ground per volume, ``[layer, column]``."""
    volume = np.zeros((TOTAL_LAYERS - SNOW_LAYERS, len(columns.cell)))
    soil = volume[:SOIL_LAYERS]
    kind = columns.type
    soil[:, kind == ColumnType.SOIL] = WATER_CONTENT
    soil[:, kind == ColumnType.WETLAND] = 1.0
    volume[:, kind == ColumnType.GLACIER] = 1.0
    for type_ in (ColumnType.LAKE, ColumnType.PERVIOUS_ROAD):
        chosen = np.flatnonzero(kind == type_)
        if not len(chosen):
            continue
        cell = columns.cell[chosen]
        sand, clay, organic = (
            jnp.asarray(values[:, cell]) for values in (surface.sand, surface.clay, surface.organic)
        )
        if type_ == ColumnType.LAKE:
            soil[:, chosen] = np.asarray(lake_soil_properties(sand, clay, organic).porosity)[:SOIL_LAYERS]
        else:
            porosity = np.asarray(soil_properties(sand, clay, jnp.zeros_like(sand)).porosity)[:SOIL_LAYERS]
            soil[:, chosen] = np.minimum(ROAD_WATER_CONTENT, porosity)
    return volume


def ground_profiles(columns: Columns, surface: Surface) -> dict[str, np.ndarray]:
    """Temperature, liquid water and ice of snow and ground ``[column, layer]``, and the layers of snow."""
    count, ice = len(columns.cell), columns.type == ColumnType.GLACIER
    temperature = np.full((count, TOTAL_LAYERS), FILL_VALUE)
    temperature[:, SNOW_LAYERS:] = surface_temperature(columns.type)[:, None]
    thickness = ground_grid().thickness
    volume = water_volume(columns, surface).T * thickness
    liquid, frozen = np.zeros((count, TOTAL_LAYERS)), np.zeros((count, TOTAL_LAYERS))
    liquid[:, SNOW_LAYERS:] = np.where(ice[:, None], 0.0, volume * DENSITY_LIQUID)
    frozen[:, SNOW_LAYERS:] = np.where(ice[:, None], volume * DENSITY_ICE, 0.0)
    layers = np.array([*UPPER_SNOW, ICE_SNOW / SNOW_DENSITY - sum(UPPER_SNOW)])
    below = np.append(np.cumsum(layers[::-1])[::-1], 0.0)
    temperature[ice, :SNOW_LAYERS] = ICE_TEMPERATURE
    frozen[ice, :SNOW_LAYERS] = layers * SNOW_DENSITY

    def snow(values: np.ndarray) -> np.ndarray:
        return np.where(ice[:, None], values, 0.0)

    return {
        "temperature": temperature,
        "liquid_water": liquid,
        "ice": frozen,
        "snow_thickness": snow(layers),
        "snow_node_depth": snow(-(below[:-1] + below[1:]) / 2.0),
        "snow_interface_depth": snow(-below[:-1]),
        "grain_radius": snow(np.full(SNOW_LAYERS, FRESH_RADIUS)),
        "snow_index": np.where(ice, -SNOW_LAYERS, 0).astype(np.int32),
        "snow_water": np.where(ice, ICE_SNOW, 0.0),
        "accumulated_snow": np.where(ice, ICE_SNOW, 0.0),
        "snow_depth": np.where(ice, ICE_SNOW / SNOW_DENSITY, 0.0),
        "snow_fraction": np.where(ice, 1.0, 0.0),
    }


def state_values(columns: Columns, patches: Patches, surface: Surface) -> dict[str, np.ndarray]:
    """The fields of the land state that do not begin at zero, on the columns or the patches."""
    ground = surface_temperature(columns.type)
    under = ground[patches.column]
    lake, road = columns.type == ColumnType.LAKE, columns.type == ColumnType.PERVIOUS_ROAD
    return {
        **ground_profiles(columns, surface),
        "ground_temperature": ground,
        "pond_temperature": np.full(len(ground), SOIL_TEMPERATURE),
        "leaf_temperature": np.full(len(under), LEAF_TEMPERATURE),
        "longwave_out": _STEFAN_BOLTZMANN * under**4,
        "aquifer_water": np.where(lake, LAKE_AQUIFER, np.where(road, ROAD_AQUIFER, AQUIFER_WATER)),
        "water_table": np.where(lake, 0.0, np.where(road, ROAD_TABLE, WATER_TABLE)),
        "perched_table": np.full(len(ground), BOTTOM),
        "frost_table": np.full(len(ground), BOTTOM),
        "screen_temperature": np.full(len(under), LEAF_TEMPERATURE),
        "ten_day_temperature": np.full(len(under), LEAF_TEMPERATURE),
    }


EVERYWHERE = dict.fromkeys(
    (
        *("albedo_direct", "albedo_diffuse", "ground_albedo_direct", "ground_albedo_diffuse"),
        *("soil_albedo_direct", "soil_albedo_diffuse"),
    ),
    INITIAL_ALBEDO,
)
"""Fields of the state that begin with one value in all bands and members."""
LAKE_VALUES = {
    "T_LAKE": LAKE_TEMPERATURE,
    "SAVEDTKE1": WATER_CONDUCTIVITY,
    "USTLAKE": LAKE_FRICTION,
    "Z0MG": GROUND_ROUGHNESS,
    "LAKE_ICEFRAC": 0.0,
}
"""Restart variables that lakes have beside the state of soil."""
TOWN_VALUES = {"taf": LEAF_TEMPERATURE, "qaf": CANYON_HUMIDITY, "URBAN_AC": 0.0, "URBAN_HEAT": 0.0}
"""The same of towns."""


def whole(variable: RestartVariable, members: int, value: float) -> np.ndarray:
    """One value for all members of a variable."""
    shape = (members, *(LAYER_SIZES[dim] for dim in variable.dims[1:]))
    return np.full(shape, value, variable.dtype)
