"""Every kind of column that a run can have, in the order in which they are computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.errors import InputError
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.full_means import Tracked
from kiloland.land.ice_step import IceConstants
from kiloland.land.lake_state import LakeState
from kiloland.land.lake_step import LakeConstants
from kiloland.land.step import ColumnConstants
from kiloland.land.subgrid import Block, ColumnGroup, ColumnType
from kiloland.run.case import SurfaceFlux
from kiloland.run.engine import join_states, split_state
from kiloland.run.full_setup import LandInputs, land_constants
from kiloland.run.lake_columns import lake_columns, lake_constants, lay_lakes, load_lakes, read_lake_shape
from kiloland.run.means_columns import join_means, lay_means, load_means, split_means
from kiloland.run.parts import Ground, Kind, Values
from kiloland.run.physics import BARE_GROUND, FULL, LAKE, LAND_ICE, TOWN, WETLAND, Physics
from kiloland.run.restart import Restart, active_columns, expand_state, load_state, soil_columns
from kiloland.run.setup import column_constants
from kiloland.run.town_columns import (
    COLUMNS_OF_TOWN,
    lay_towns,
    load_towns,
    town_columns,
    town_constants,
    town_scale,
)

SOIL = "soil"
Load = Callable[[Restart, ColumnGroup, list[Block]], list[Any]]
Lay = Callable[[Restart, Values, ColumnGroup, list[Block], list[Any]], None]


def kinds_of(flux: SurfaceFlux) -> tuple[Kind, ...]:
    """The kinds of columns that a case computes."""
    return (_BARE_SOIL,) if flux is SurfaceFlux.BARE_GROUND else _ALL


def _inputs(ground: Ground) -> LandInputs:
    if ground.inputs is None:
        raise InputError("traits and tables of a run of all processes were not read")
    return ground.inputs


def _columns(group: ColumnGroup, block: Block, ground: Ground) -> ColumnConstants:
    """Constants of soil columns that both sets of processes need."""
    return column_constants(group, block, ground.surface, ground.parameters)


def _soil(group: ColumnGroup, block: Block, ground: Ground) -> Any:
    return land_constants(_columns(group, block, ground), group, block, ground.surface, _inputs(ground))


def _load_soil(restart: Restart, group: ColumnGroup, blocks: list[Block]) -> list[Any]:
    state = load_state(restart, group)
    return [split_state(state, block) for block in blocks]


def _lay_soil(
    restart: Restart, values: Values, group: ColumnGroup, blocks: list[Block], states: list[Any]
) -> None:
    joined = join_states(states, blocks, group)
    values.update(expand_state(replace(restart, values=values), group, joined))


def _ice(group: ColumnGroup, block: Block, ground: Ground) -> IceConstants:
    inputs, cells = _inputs(ground), group.gridcell[block.column_take]
    return IceConstants(
        melt_shape=melt_shape(jnp.asarray(ground.surface.elevation_deviation[cells])),
        snow_optics=inputs.snow_optics,
        grain_tables=inputs.grain_tables,
    )


def _lake(group: ColumnGroup, block: Block, ground: Ground) -> LakeConstants:
    inputs, cells = _inputs(ground), group.gridcell[block.column_take]
    shape = read_lake_shape(ground.surface.path, ground.positions[cells], ground.latitude[cells])
    return lake_constants(shape, ground.surface, cells, inputs.snow_optics, inputs.grain_tables)


def _load_lakes(restart: Restart, group: ColumnGroup, blocks: list[Block]) -> list[Any]:
    whole = load_lakes(restart, group)

    def taken(block: Block) -> LakeState:
        state: LakeState = jax.tree.map(
            lambda values: jnp.asarray(np.asarray(values)[..., block.column_take]), whole
        )
        return state

    return [taken(block) for block in blocks]


def _lay_lakes(
    restart: Restart, values: Values, group: ColumnGroup, blocks: list[Block], states: list[Any]
) -> None:
    cut = [
        jax.tree.map(lambda v, size=b.columns.stop - b.columns.start: np.asarray(v)[..., :size], state)
        for state, b in zip(states, blocks, strict=True)
    ]
    joined: LakeState = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *cut)
    values.update(lay_lakes(replace(restart, values=values), group, joined))


def _kind(
    name: str,
    landunit: str,
    physics: Physics,
    find: Callable[[Restart], ColumnGroup],
    constants: Callable[[ColumnGroup, Block, Ground], Any],
    load: Load,
    lay: Lay,
    **more: Any,
) -> Kind:
    """A kind whose states are kept with running means."""

    def load_tracked(restart: Restart, group: ColumnGroup, blocks: list[Block]) -> list[Any]:
        means = load_means(restart, group)
        return [
            Tracked(land=land, means=split_means(means, block), plants=None)
            for land, block in zip(load(restart, group, blocks), blocks, strict=True)
        ]

    def lay_tracked(
        restart: Restart, values: Values, group: ColumnGroup, blocks: list[Block], states: list[Any]
    ) -> None:
        lay(restart, values, group, blocks, [state.land for state in states])
        lay_means(restart, values, group, join_means([state.means for state in states], blocks))

    return Kind(name, landunit, physics, find, constants, load_tracked, lay_tracked, **more)


_BARE_SOIL = Kind(SOIL, "veg", BARE_GROUND, soil_columns, _columns, _load_soil, _lay_soil)
_ALL = (
    _kind(SOIL, "veg", FULL, soil_columns, _soil, _load_soil, _lay_soil),
    _kind("lake", "lake", LAKE, lake_columns, _lake, _load_lakes, _lay_lakes),
    _kind(
        "land ice",
        "ice",
        LAND_ICE,
        partial(active_columns, type_=ColumnType.GLACIER),
        _ice,
        _load_soil,
        _lay_soil,
    ),
    _kind(
        "wetland",
        "",
        WETLAND,
        partial(active_columns, type_=ColumnType.WETLAND),
        _ice,
        _load_soil,
        _lay_soil,
    ),
    _kind(
        "town",
        "",
        TOWN,
        town_columns,
        town_constants,
        load_towns,
        lay_towns,
        scale=town_scale,
        together=COLUMNS_OF_TOWN,
    ),
)
