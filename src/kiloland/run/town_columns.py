"""Towns in a run: their columns in the order of the files, their constants, their state in a restart.

A town is five columns, one after the other (see :mod:`kiloland.land.urban_fields`).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.errors import InputError
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.soil_properties import SoilProperties, soil_properties
from kiloland.land.subgrid import Block, ColumnGroup, ColumnType
from kiloland.land.urban_fields import TownColumns, ground_temperature_of
from kiloland.land.urban_parts import UrbanConstants
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_town import Surface, UrbanParameters, by_surface, of_towns
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.full_setup import terrain_of
from kiloland.run.layout import AreaScale
from kiloland.run.parts import Ground, Values
from kiloland.run.restart import Restart
from kiloland.run.urban_columns import (
    ABSORBED,
    AEROSOLS,
    FIRST_URBAN_LANDUNIT,
    Towns,
    find_towns,
    load_urban_state,
)
from kiloland.run.urban_parameters import read_urban_parameters

COLUMNS_OF_TOWN = len(Surface)
_ROADS = (
    ("ZWT", "water_table"),
    ("WA", "aquifer_water"),
    ("ZWT_PERCH", "perched_table"),
    ("FROST_TABLE", "frost_table"),
)
_LANDUNITS = (("taf", "air_temperature"), ("qaf", "air_humidity"))
_COLUMNS = (
    ("SNLSNO", "snow_index"),
    ("H2OSNO", "snow_water"),
    ("SNOW_DEPTH", "snow_depth"),
    ("INT_SNOW", "accumulated_snow"),
    ("frac_sno", "snow_fraction"),
    ("qflx_snow_melt", "snow_melt"),
    ("URBAN_AC", "cooling"),
    ("URBAN_HEAT", "heating"),
)
_SNOW = (
    ("DZSNO", "snow_thickness"),
    ("ZSNO", "snow_node_depth"),
    ("ZISNO", "snow_interface_depth"),
    ("qflx_snofrz_lyr", "snow_freezing"),
    ("snw_rds", "grain_radius"),
)
_TOTAL = (("T_SOISNO", "temperature"), ("H2OSOI_LIQ", "liquid_water"), ("H2OSOI_ICE", "ice"))
"""Restart variables and the fields of the state that hold them."""


def town_columns(restart: Restart) -> ColumnGroup:
    """The columns of all active towns of a restart, town by town.

    Raises:
        InputError: see :func:`~kiloland.run.urban_columns.find_towns`.
    """
    towns = find_towns(restart)
    rows, patches = (_file_order(values).astype(np.int64) for values in (towns.column_row, towns.patch_row))
    return ColumnGroup(
        type=ColumnType.ROOF,
        gridcell=np.repeat(towns.gridcell, COLUMNS_OF_TOWN),
        column_weight=restart.values["cols1d_wtxy"][rows],
        column_row=rows,
        patch_column=np.arange(len(rows)),
        patch_weight=np.ones(len(rows)),
        patch_type=restart.values["pfts1d_itypveg"][patches].astype(np.int64),
        patch_row=patches,
        class_of=np.repeat(towns.density_class, COLUMNS_OF_TOWN),
    )


def _file_order(columns: np.ndarray) -> np.ndarray:
    return columns.reshape(COLUMNS_OF_TOWN, -1).T.reshape(-1)


def towns_of(restart: Restart, group: ColumnGroup, take: np.ndarray) -> Towns:
    """Some towns of a group by the positions of their columns in it, as the step has them."""
    rows, patches = (
        values[take].reshape(-1, COLUMNS_OF_TOWN).T for values in (group.column_row, group.patch_row)
    )
    index = restart.values["cols1d_landunit_index"][rows[0]].astype(np.int64) - 1
    landunit = np.searchsorted(restart.rows["landunit"], index)
    return Towns(
        restart=restart,
        landunit_row=landunit,
        density_class=restart.values["land1d_ityplun"][landunit].astype(np.int64) - FIRST_URBAN_LANDUNIT,
        gridcell=group.gridcell[take][::COLUMNS_OF_TOWN],
        column_row=rows.reshape(-1),
        patch_row=patches.reshape(-1),
    )


def town_constants(group: ColumnGroup, block: Block, ground: Ground) -> UrbanConstants:
    """The constants of a block of towns.

    Raises:
        InputError: see :func:`~kiloland.run.urban_parameters.read_urban_parameters`.
    """
    inputs, surface = ground.inputs, ground.surface
    if inputs is None:
        raise InputError("traits and tables of a run of all processes were not read")
    cells = group.gridcell[block.column_take][::COLUMNS_OF_TOWN]
    # Soil below roads has no organic matter.
    sand, clay = (jnp.asarray(values[:, cells]) for values in (surface.sand, surface.clay))
    soil: SoilProperties = jax.tree.map(of_towns, soil_properties(sand, clay, jnp.zeros_like(sand)))
    return UrbanConstants(
        parameters=_parameters(group, block.column_take, ground),
        soil=soil,
        terrain=terrain_of(surface, cells),
        melt_shape=melt_shape(jnp.asarray(surface.elevation_deviation[cells])),
        grains=inputs.grain_tables,
        largest_drainage=jnp.asarray(inputs.largest_drainage),
    )


def _parameters(group: ColumnGroup, take: np.ndarray, ground: Ground) -> UrbanParameters:
    towns = take[::COLUMNS_OF_TOWN]
    positions = ground.positions[group.gridcell[towns]]
    return read_urban_parameters(ground.surface.path, positions, group.class_of[towns])


def town_scale(group: ColumnGroup, ground: Ground) -> AreaScale:
    """Area of each surface over the weight of its column, which for walls and roads is a third of the canyon.

    Fluxes: 1 of roofs, 3 H/W of walls, 3 of roads; states: those of walls and roads over 1 + 2 H/W, the area
    of the canyon's surfaces over that of its floor.
    """
    ratio = np.asarray(_parameters(group, np.arange(group.columns), ground).height_to_width)
    flux = np.ones((len(ratio), COLUMNS_OF_TOWN))
    flux[:, [Surface.SUNLIT_WALL, Surface.SHADED_WALL]] = 3.0 * ratio[:, None]
    flux[:, [Surface.IMPERVIOUS_ROAD, Surface.PERVIOUS_ROAD]] = 3.0
    state = flux.copy()
    state[:, Surface.SUNLIT_WALL :] /= (2.0 * ratio + 1.0)[:, None]
    return AreaScale(flux=flux.reshape(-1), state=state.reshape(-1))


def load_towns(restart: Restart, group: ColumnGroup, blocks: list[Block]) -> list[TownColumns]:
    """The towns of each block."""
    found = []
    for block in blocks:
        towns = towns_of(restart, group, block.column_take)
        longwave = jnp.asarray(restart.values["EFLX_LWRAD_OUT"][towns.patch_row])
        leaves = jnp.asarray(restart.values["T_VEG"][towns.patch_row[: towns.count]])
        found.append(TownColumns(load_urban_state(towns), longwave, leaves))
    return found


def lay_towns(
    restart: Restart, values: Values, group: ColumnGroup, blocks: list[Block], states: list[TownColumns]
) -> None:
    """Lay towns over the values of a restart; rows that hold nothing stay as they are."""
    for block, state in zip(blocks, states, strict=True):
        own = np.arange(block.columns.start, block.columns.stop)
        towns = towns_of(restart, group, own)
        _Layer(values, towns).lay(_first_towns(state, towns.count))


def _first_towns(state: TownColumns, count: int) -> TownColumns:
    """The state without padding; arrays of columns have the surface as the slower axis."""
    size = state.leaf_temperature.shape[0]

    def cut(values: Array) -> Array:
        if values.shape[-1] == size:
            return values[..., :count]
        by_town = by_surface(values)[..., :count]
        return by_town.reshape(*values.shape[:-1], -1)

    first: TownColumns = jax.tree.map(cut, state)
    return first


class _Layer:
    """Lays one block of towns over the values of a restart."""

    def __init__(self, values: Values, towns: Towns) -> None:
        self.values = values
        self.towns = towns

    def put(self, name: str, rows: np.ndarray, value: Array, used: Array | None = None) -> None:
        """Some members of a variable, in the rows of layers that are used."""
        if name not in self.values:
            return
        laid = self.values[name].copy()
        new = np.asarray(value).T
        laid[rows] = new if used is None else np.where(np.asarray(used).T, new, laid[rows])
        self.values[name] = laid

    def lay(self, state: TownColumns) -> None:
        """Everything that a town has."""
        town, towns = state.town, self.towns
        columns, patches = towns.column_row, towns.patch_row
        layers = snow_layer_mask(town.snow_index)
        used = jnp.concatenate([layers, towns.used_ground()])
        for name, field in _COLUMNS:
            self.put(name, columns, getattr(town, field))
        for name, field in _SNOW:
            self.put(name, columns, jnp.where(layers, getattr(town, field), 0.0))
        for name, field in _TOTAL:
            self.put(name, columns, getattr(town, field), used)
        for name, mass in zip(AEROSOLS, town.aerosol_mass, strict=True):
            self.put(name, columns, jnp.where(layers, mass, 0.0))
        for name, field in _LANDUNITS:
            self.put(name, towns.landunit_row, getattr(town, field))
        roads = columns[Surface.PERVIOUS_ROAD * towns.count :]
        for name, field in _ROADS:
            self.put(name, roads, getattr(town, field))
        self.put("coszen", columns, of_towns(town.cosine_zenith))
        ground = ground_temperature_of(town)
        for name in ("T_GRND", "T_GRND_U"):
            self.put(name, columns, ground)
        self.put("TH2OSFC", columns, town.temperature[SNOW_LAYERS])
        self.put("EFLX_LWRAD_OUT", patches, state.longwave_out)
        self.put("T_VEG", patches, of_towns(state.leaf_temperature))
        for name in ("T_REF2M", "T_REF2M_U"):
            self.put(name, patches, of_towns(town.air_temperature))
        self.light(town)

    def light(self, town: UrbanState) -> None:
        """What the surfaces absorb and reflect of the next light."""
        albedo, towns = town.albedo, self.towns
        for beam, absorbed in (("dir", albedo.absorbed_direct), ("dif", albedo.absorbed_diffuse)):
            for surface, name in enumerate(ABSORBED):
                self.put(f"{name}_{beam}", towns.landunit_row, absorbed[:, surface])
        for name, reflected in (("albd", albedo.albedo_direct), ("albi", albedo.albedo_diffuse)):
            self.put(name, towns.patch_row, reflected.reshape(reflected.shape[0], -1))
